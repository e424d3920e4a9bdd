"""Derived counts: which offsets have to be counted, and how the counts of all others follow from those.

What flows into a node of a control-flow graph flows out of it. After Knuth and Stevenson, "Optimal measurement points
for program frequency counts", BIT 13 (1973), doi 10.1007/BF01951942: the successors of a basic block form one
class, each block is an edge from its own class to that of its successors, and its flow is the block's count. The
blocks on a spanning forest of that graph need not be counted; the ones that are probably executed most often are taken
first, and of these the ones where counting costs most: an instruction at which events happen is not specialized by the
interpreter. What iterators count costs next to nothing, and is taken last.

Unobserved flow goes through blocks in which nothing can be counted, and to handlers in the same code object; the
classes between which it goes are made one. The offset is known where an exception leaves the frame, or is raised for a
handler that reports it. From all other instructions with a handler, flow may be gone unobserved.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from .bytecode import RETURNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from .bytecode import Instruction
    from .control_flow import ControlFlow

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

    def join_all(self, classes: list[int]) -> int:
        """Make some classes one; returns that one's first number."""
        first, *others = classes
        for other in others:
            self.join(first, other)
        return first


class _Block:
    """A basic block, as an edge from the class `inside` to the class `outside`."""

    __slots__ = (
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
        "unobserved",
    )

    def __init__(self, start: int, unobserved: bool) -> None:
        self.start = start  # offset
        self.last = 0  # index of its last instruction
        self.unobserved = unobserved  # whether exceptions in it go to a handler that does not report them
        self.points: list[int] = []  # the offsets in it that can be counted
        self.counted = -1  # the one of these that is, if the block is
        self.costly = False  # whether the interpreter would execute it faster if it were not
        self.cheap = False  # whether that costs next to nothing
        self.depth = 0  # of loops
        self.share = 0.0  # of a loop's turns that come here, with all branches taken equally often
        self.inside = -1
        self.outside = -1

    def choose_point(self, cheap: Collection[int], specialized: Collection[int]) -> None:
        """Choose the point that is counted if the block is; `cheap` and `specialized` are offsets."""
        if self.points:
            self.counted = next((point for point in self.points if point not in specialized), self.points[0])
            self.costly = self.counted in specialized
            if self.start in cheap:
                self.counted, self.cheap = self.start, True


class DerivedCounts:
    """The counts of the offsets in `derived`, which need no counting: `fill` computes them from those of all others."""

    def __init__(self, flow: ControlFlow, points: Iterable[int], cheap: Collection[int] = ()) -> None:
        """`points`: offsets that can be counted; those in `cheap` for next to nothing, each the first of its block."""
        points = sorted(points)
        self.blocks, numbers = _split(flow, set(points))
        self.starts = [block.start for block in self.blocks]
        for point in points:
            self.blocks[self._number_at(point)].points.append(point)
        specialized = _specialized(flow.instructions)
        for block in self.blocks:
            block.choose_point(cheap, specialized)
        forest = _forest(self.blocks, _classify(flow, self.blocks, numbers))
        self.solving = list(_solving_order(self.blocks, forest))
        self.derived = {point for block in self.blocks if not block.unobserved for point in block.points}
        self.derived.difference_update(block.counted for block in {*self.blocks}.difference(forest))

    def _number_at(self, offset: int) -> int:
        """The number of the block that an offset is in."""
        return bisect_right(self.starts, offset) - 1

    def is_unobserved(self, offset: int) -> bool:
        """Whether an exception at `offset` goes to a handler in the same code object that does not report it."""
        return self.blocks[self._number_at(offset)].unobserved

    def fill(self, counts: list[int], entered: int, unwound: dict[int, int]) -> None:
        """Put the counts of the derived offsets into `counts`, which holds those of all others.

        `entered`: how many frames there were; `unwound`: by offset, how many exceptions left them, or went to a handler
        that reports them.
        """
        left = self._left(unwound)
        gone = [sum(number for _, number in here) for here in left]
        flows = [
            counts[block.counted] + _left_before(here, block.counted) if block.points else 0
            for block, here in zip(self.blocks, left, strict=True)
        ]
        entry = self.blocks[0].inside
        for derived, place, sign, coming, going in self.solving:
            flow = entered if place == entry else 0
            flow += sum(flows[i] - gone[i] for i in coming) - sum(flows[i] for i in going)
            flows[derived] = flow * sign + (gone[derived] if sign < 0 else 0)
        for block, flow, here in zip(self.blocks, flows, left, strict=True):
            for point in block.points:
                if point in self.derived:
                    counts[point] = flow - _left_before(here, point)

    def _left(self, unwound: dict[int, int]) -> list[list[tuple[int, int]]]:
        """By block: offsets in it, and how often flow has left the block there instead of at its end."""
        left: list[list[tuple[int, int]]] = [[] for _ in self.blocks]
        for offset, number in unwound.items():
            i = self._number_at(offset)
            if not self.blocks[i].unobserved:
                left[i].append((offset, number))
        return left


def _left_before(left: list[tuple[int, int]], offset: int) -> int:
    """How often flow has left a block before an offset in it."""
    return sum(number for at, number in left if at < offset)


def _specialized(instructions: list[Instruction]) -> set[int]:
    """The offsets whose instructions the interpreter specializes, which takes inline cache entries."""
    return {ins.start for ins in instructions if ins.end > ins.offset + 2 and ins.name != "JUMP_BACKWARD"}


def _split(flow: ControlFlow, points: Collection[int]) -> tuple[list[_Block], list[int]]:
    """Make the blocks; returns them, and by instruction the number of the block that it is in.

    An unobserved block may be left at any instruction: there the count of a point is that of nothing before it.
    """
    instructions = flow.instructions
    unobserved = {i for handler, covered in flow.handlers.items() if handler not in flow.reporting for i in covered}
    leaders = {0, *flow.handlers, *(i for i in unobserved if instructions[i].start in points)}
    for i, after in enumerate(flow.followers):
        if after != [i + 1]:
            leaders.update((i + 1, *after))
    blocks: list[_Block] = []
    numbers: list[int] = []
    for i, ins in enumerate(instructions):
        if i in leaders or (i in unobserved) != blocks[-1].unobserved:
            blocks.append(_Block(ins.start, i in unobserved))
        numbers.append(len(blocks) - 1)
        blocks[-1].last = i
    depths, shares = estimate_frequency([[numbers[i] for i in flow.followers[block.last]] for block in blocks])
    for block, depth, share in zip(blocks, depths, shares, strict=True):
        block.depth, block.share = depth, share
    return blocks, numbers


def estimate_frequency(after: list[list[int]]) -> tuple[list[int], list[float]]:
    """Guess how often blocks are executed; `after` are the numbers of those that control can go to from each.

    Returns by block in how many loops it is, and the share of a loop's turns that come there.
    """
    starts: set[int] = set()
    depths = [0] * len(after)
    for start, loop in _natural_loops(after):
        starts.add(start)
        for i in loop:
            depths[i] += 1
    shares = [0.0] * len(after)
    for i, followers in enumerate(after):
        if i == 0 or i in starts:
            shares[i] = 1.0
        inside = [j for j in followers if depths[j] >= depths[i]]
        for j in followers:
            shares[j] = min(1.0, shares[j] + (shares[i] / len(inside) if j in inside else 1.0))
    return depths, shares


def _natural_loops(after: list[list[int]]) -> Iterator[tuple[int, set[int]]]:
    """The loops: the block that each begins with, and its blocks."""
    before: list[list[int]] = [[] for _ in after]
    for i, followers in enumerate(after):
        for j in followers:
            before[j].append(i)
    for start, leading in enumerate(before):
        todo = [i for i in leading if i >= start]
        loop = {start, *todo}
        while todo:
            i = todo.pop()
            if i != start:
                todo += set(before[i]) - loop
                loop.update(before[i])
        if start and 0 in loop:
            continue  # what comes back there is seldom executed code, which the compiler puts last
        if len(loop) > 1 or start in leading:
            yield start, loop


def _classify(flow: ControlFlow, blocks: list[_Block], numbers: list[int]) -> _Classes:
    """Give the blocks their classes."""
    classes = _Classes()
    # What a handler reports is outside on its way.
    unseen = _OUTSIDE if flow.reporting else classes.new()
    for block in blocks:
        block.inside = classes.new()
    for block in blocks:
        last = flow.instructions[block.last]
        if last.raises_again():
            block.outside = unseen if block.last in flow.innermost else _OUTSIDE
        elif last.name in RETURNS:
            block.outside = _OUTSIDE
        else:
            after = [blocks[numbers[i]].inside for i in flow.followers[block.last]]
            block.outside = classes.join_all(after or [classes.new()])
    for block in blocks:
        if not block.points:
            classes.join(block.inside, block.outside)
        if block.unobserved:
            classes.join(block.outside, unseen)
    for handler in flow.handlers:
        classes.join(blocks[numbers[handler]].inside, unseen)
    for block in blocks:
        block.inside, block.outside = classes.find(block.inside), classes.find(block.outside)
    return classes


def _forest(blocks: list[_Block], classes: _Classes) -> list[_Block]:
    """The blocks that need not be counted."""
    candidates = [block for block in blocks if block.points and not block.unobserved]
    candidates.sort(key=lambda block: (block.cheap, -block.depth, -block.share, not block.costly))
    return [block for block in candidates if classes.join(block.inside, block.outside)]


def _solving_order(blocks: list[_Block], forest: list[_Block]) -> Iterator[tuple[int, int, int, list[int], list[int]]]:
    """For each block of the forest, leaves first, the class at whose balance its flow can be read off.

    Yields (block, class, sign, blocks that flow into the class, blocks that flow out of it), the block itself left out.
    """
    numbers = {block: i for i, block in enumerate(blocks)}
    coming: dict[int, list[int]] = {}
    going: dict[int, list[int]] = {}
    for i, block in enumerate(blocks):
        going.setdefault(block.inside, []).append(i)
        coming.setdefault(block.outside, []).append(i)  # a block within one class matters when frames are left there
    for place, block in _leaves_first(forest):
        i = numbers[block]
        yield (
            i,
            place,
            1 if block.inside == place else -1,
            [j for j in coming.get(place, ()) if j != i],
            [j for j in going.get(place, ()) if j != i],
        )


def _leaves_first(forest: list[_Block]) -> Iterator[tuple[int, _Block]]:
    """The blocks of a forest, each with the class at its end that is farther from the root of its tree."""
    tree: dict[int, list[_Block]] = {}
    for block in forest:
        tree.setdefault(block.inside, []).append(block)
        tree.setdefault(block.outside, []).append(block)
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
        yield from reversed(order)
