"""Control flow: which offsets have to be counted, and how the counts of all others follow from those.

What flows into a node of a control-flow graph flows out of it. After Knuth and Stevenson, "Optimal measurement points
for program frequency counts", BIT 13 (1973), doi 10.1007/BF01951942: the successors of a basic block form one
class, each block is an edge from its own class to that of its successors, and its flow is the block's count. The
blocks on a spanning forest of that graph need not be counted; the ones that are probably executed most often are taken
first, and of these the ones where counting costs most: an instruction at which events happen is not specialized by the
interpreter. What iterators count costs next to nothing, and is taken last.

Flow that nobody sees goes through blocks in which nothing can be counted, and to handlers in the same code object; the
classes between which it goes are made one. The offset is known where an exception leaves the frame, or is raised for a
handler that tells. From all other instructions with a handler, flow may be gone that nobody has seen.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from .bytecode import Instruction

RETURNS = {"RETURN_VALUE", "RETURN_CONST"}


def raises_again(ins: Instruction) -> bool:
    """Whether an instruction raises an exception whose traceback may not name this place."""
    return ins.name == "RERAISE" or (ins.name == "RAISE_VARARGS" and ins.arg == 0)


_OUTSIDE = 0  # the class of what is reached by leaving the frame, or what the plan knows


class _Classes:
    """Union-find over classes of blocks."""

    def __init__(self) -> None:
        self.parents = [_OUTSIDE]

    def new(self) -> int:
        self.parents.append(len(self.parents))
        return self.parents[-1]

    def find(self, i: int) -> int:
        while self.parents[i] != i:
            self.parents[i] = i = self.parents[self.parents[i]]
        return i

    def join(self, i: int, j: int) -> bool:
        """Make two classes one; False when they were."""
        i, j = self.find(i), self.find(j)
        self.parents[max(i, j)] = min(i, j)
        return i != j


class _Block:
    """A basic block, as an edge from the class `inside` to the class `outside`."""

    __slots__ = (
        "caught",
        "cheap",
        "costly",
        "counted",
        "depth",
        "inside",
        "last",
        "outside",
        "points",
        "share",
        "start",
    )

    def __init__(self, start: int, caught: bool) -> None:
        self.start = start  # offset
        self.last = 0  # index of its last instruction
        self.caught = caught  # whether its exceptions have a handler in the same code object that does not tell of them
        self.points: list[int] = []  # the offsets in it that can be counted
        self.counted = -1  # the one of these that is, if the block is
        self.costly = False  # whether the interpreter would execute it faster if it were not
        self.cheap = False  # whether that costs next to nothing
        self.depth = 0  # of loops
        self.share = 0.0  # of a loop's turns that come here, with all branches taken equally often
        self.inside = -1
        self.outside = -1


class Flow:
    """The flow through one code object. The offsets in `derived` need no counting: `fill` knows their counts."""

    def __init__(
        self,
        instructions: list[Instruction],
        handlers: dict[int, list[int]],
        telling: Collection[int],
        points: Iterable[int],
        cheap: Collection[int] = (),
    ) -> None:
        """`handlers`: the indices that each handler, by its index, covers; those in `telling` say where from they are
        reached. `points`: offsets that can be counted; those in `cheap` for next to nothing, each the first of its
        block."""
        self.blocks: list[_Block] = []
        points = sorted(points)
        secretive = {i for handler, covered in handlers.items() if handler not in telling for i in covered}
        indices = self._split(instructions, handlers, secretive, set(points))
        self.starts = [block.start for block in self.blocks]
        for point in points:
            self.blocks[bisect_right(self.starts, point) - 1].points.append(point)
        specialized = {ins.start for ins in instructions if ins.end > ins.offset + 2 and ins.name != "JUMP_BACKWARD"}
        for block in self.blocks:
            if block.points:
                block.counted = next((point for point in block.points if point not in specialized), block.points[0])
                block.costly = block.counted in specialized
                if block.start in cheap:
                    block.counted, block.cheap = block.start, True
        classes = self._classify(instructions, handlers, telling, indices)
        forest = _forest(self.blocks, classes)
        self.solving = list(_solving_order(self.blocks, forest))
        measured = {b.counted for b in self.blocks if b.points and not b.caught and b not in forest}
        caught = [point for block in self.blocks if block.caught for point in block.points]
        self.derived = {point for block in self.blocks for point in block.points}.difference(measured, caught)

    def _split(
        self, instructions: list[Instruction], handlers: Iterable[int], caught: set[int], points: set[int]
    ) -> list[int]:
        """Make the blocks; returns the number of the block that each instruction is in.

        What is `caught` may be left at any instruction, so there the count of a point is that of nothing before it.
        """
        leaders = {0, *handlers, *(i for i in caught if instructions[i].start in points)}
        for i, ins in enumerate(instructions):
            if ins.followers != [i + 1]:
                leaders.update((i + 1, *ins.followers))
        indices: list[int] = []
        for i, ins in enumerate(instructions):
            if i in leaders or (i in caught) != self.blocks[-1].caught:
                self.blocks.append(_Block(ins.start, i in caught))
            indices.append(len(self.blocks) - 1)
            self.blocks[-1].last = i
        _weigh(self.blocks, [[indices[i] for i in instructions[block.last].followers] for block in self.blocks])
        return indices

    def _classify(
        self,
        instructions: list[Instruction],
        handlers: dict[int, list[int]],
        telling: Collection[int],
        indices: list[int],
    ) -> _Classes:
        classes = _Classes()
        # What a handler tells of is outside on its way.
        unseen = _OUTSIDE if telling else classes.new()
        handled = {i for covered in handlers.values() for i in covered}
        for block in self.blocks:
            block.inside = classes.new()
        for block in self.blocks:
            last = instructions[block.last]
            after = [self.blocks[indices[i]].inside for i in last.followers]
            if raises_again(last):
                after = [unseen if block.last in handled else _OUTSIDE]
            block.outside = after[0] if after else _OUTSIDE if last.name in RETURNS else classes.new()
            for other in after[1:]:
                classes.join(block.outside, other)
        for block in self.blocks:
            if not block.points:
                classes.join(block.inside, block.outside)
            if block.caught:
                classes.join(block.outside, unseen)
        for handler in handlers:
            classes.join(self.blocks[indices[handler]].inside, unseen)
        for block in self.blocks:
            block.inside, block.outside = classes.find(block.inside), classes.find(block.outside)
        return classes

    def is_caught(self, offset: int) -> bool:
        """Whether an exception at `offset` has a handler in the same code object that does not tell of it."""
        return self.blocks[bisect_right(self.starts, offset) - 1].caught

    def fill(self, counts: list[int], entered: int, unwound: dict[int, int]) -> None:
        """Put the counts of the derived offsets into `counts`, which holds those of all others.

        `entered`: how many frames there were; `unwound`: by offset, how many exceptions left them, or went to a handler
        that tells.
        """
        left: list[list[tuple[int, int]]] = [[] for _ in self.blocks]
        for offset, number in unwound.items():
            i = bisect_right(self.starts, offset) - 1
            if not self.blocks[i].caught:
                left[i].append((offset, number))
        flows = [
            counts[block.counted] + sum(n for offset, n in left[i] if offset < block.counted) if block.points else 0
            for i, block in enumerate(self.blocks)
        ]
        entry = self.blocks[0].inside
        for derived, place, sign, coming, going in self.solving:
            flow = entered if place == entry else 0
            flow += sum(flows[i] - sum(n for _, n in left[i]) for i in coming) - sum(flows[i] for i in going)
            flows[derived] = flow * sign + (sum(n for _, n in left[derived]) if sign < 0 else 0)
        for i, block in enumerate(self.blocks):
            for point in block.points:
                if point in self.derived:
                    counts[point] = flows[i] - sum(n for offset, n in left[i] if offset < point)


def _weigh(blocks: list[_Block], after: list[list[int]]) -> None:
    """Guess how often each block is executed; `after` are the numbers of those that control can go to from each."""
    before: list[list[int]] = [[] for _ in blocks]
    for i, followers in enumerate(after):
        for j in followers:
            before[j].append(i)
    starts = set()
    for first, leading in enumerate(before):
        todo = [i for i in leading if i >= first]
        loop = {first, *todo}
        while todo:
            i = todo.pop()
            if i != first:
                todo += set(before[i]) - loop
                loop.update(before[i])
        if len(loop) > 1 or first in leading:
            if first and 0 in loop:
                continue  # what comes back there is seldom executed code, which the compiler puts last
            starts.add(first)
            for i in loop:
                blocks[i].depth += 1
    for i, block in enumerate(blocks):
        if i == 0 or i in starts:
            block.share = 1.0
        inside = [j for j in after[i] if blocks[j].depth >= block.depth]
        for j in after[i]:
            share = block.share / len(inside) if j in inside else 1.0
            blocks[j].share = min(1.0, blocks[j].share + share)


def _forest(blocks: list[_Block], classes: _Classes) -> list[_Block]:
    """The blocks that need not be counted."""
    candidates = [block for block in blocks if block.points and not block.caught]
    candidates.sort(key=lambda block: (block.cheap, -block.depth, -block.share, not block.costly))
    return [block for block in candidates if classes.join(block.inside, block.outside)]


def _solving_order(blocks: list[_Block], forest: list[_Block]) -> Iterator[tuple[int, int, int, list[int], list[int]]]:
    """For each block of the forest, leaves first, the class at whose balance its flow can be read off.

    Yields (block, class, sign, blocks that flow into the class, blocks that flow out of it), the block itself left out.
    """
    numbers = {id(block): i for i, block in enumerate(blocks)}
    tree: dict[int, list[_Block]] = {}
    for block in forest:
        tree.setdefault(block.inside, []).append(block)
        tree.setdefault(block.outside, []).append(block)
    coming: dict[int, list[int]] = {}
    going: dict[int, list[int]] = {}
    for i, block in enumerate(blocks):
        going.setdefault(block.inside, []).append(i)
        coming.setdefault(block.outside, []).append(i)  # a block within one class matters when frames are left there
    seen: set[int] = set()
    for root in sorted(tree):  # the class outside the frame, whose balance is unknown, is the lowest
        if root in seen:
            continue
        order: list[tuple[int, _Block]] = []
        todo = [root]
        seen.add(root)
        while todo:
            place = todo.pop()
            for block in tree[place]:
                other = block.inside if block.outside == place else block.outside
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
                    order.append((other, block))
        for place, block in reversed(order):
            i = numbers[id(block)]
            sign = 1 if block.inside == place else -1
            yield (
                i,
                place,
                sign,
                [j for j in coming.get(place, ()) if j != i],
                [j for j in going.get(place, ()) if j != i],
            )
