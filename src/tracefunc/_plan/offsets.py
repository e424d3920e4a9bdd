"""Bytecode analysis: from a code object and its source to what each instruction offset means.

The source says what a line is; the bytecode says at which offsets one starts. Instructions are given the line at whose
place they stand; a data flow over the control-flow graph then tells which lines can be under way when an offset
is reached, and an offset matters only where that set holds more than its own line.
"""

from __future__ import annotations

import ast
import sys
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from .bytecode import Instruction, decode, exception_table
from .lines import ends_once, never_goes_on
from .markers import NOTHING, UNCHANGED
from .source import node_span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from .lines import Body, Line, Place
    from .source import Span

AGAIN = -3  # only in the data flow: control comes from a loop's end

_ENDS = {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT"}

_JUMPS = {"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"}

_ELEMENTS = {
    "LIST_APPEND": ast.ListComp,
    "LIST_EXTEND": ast.ListComp,
    "SET_ADD": ast.SetComp,
    "SET_UPDATE": ast.SetComp,
    "MAP_ADD": ast.DictComp,
    "DICT_UPDATE": ast.DictComp,
}

_ADVANCES = {"FOR_ITER", "GET_ANEXT"}

_CHECKED_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_FAST_CHECK"}  # a bare name that may be unbound
# What a handler consists of that puts something back, and raises its exception again.
_RESTORING = {
    *("SWAP", "COPY", "POP_TOP", "POP_EXCEPT", "LOAD_CONST", "LOAD_COMMON_CONSTANT"),
    *("STORE_FAST", "STORE_DEREF", "STORE_GLOBAL", "DELETE_FAST", "DELETE_DEREF", "DELETE_GLOBAL"),
}
_NO_EVENT = {"RESUME", "END_FOR", "NOT_TAKEN", "CACHE"}


class Action(NamedTuple):
    """What happens when control reaches an offset."""

    line: int  # the line (or prelude) that starts here, or NOTHING
    conditional: bool  # it starts here only if it is not under way already
    prelude: int  # the state that this start completes without a hit (a loop's iterable being evaluated), or NOTHING
    element: int  # the comprehension whose element is ready here, or NOTHING
    ghosts: tuple[tuple[int, int], ...]  # (line just ended or UNCHANGED for any, line without code that was executed)
    before: tuple[int, ...]  # the lines and preludes that can be under way when control arrives
    catches: bool = False  # a handler has just taken an exception, which tells where it was raised


NO_ACTION = Action(NOTHING, False, NOTHING, NOTHING, (), ())


class CodeAnalysis:
    def __init__(self, code: CodeType, body: Body, preludes: list[int], count: int) -> None:
        self.code = code
        self.body = body
        self.preludes = preludes  # line number of each state behind the lines
        self.count = count
        self.instructions = decode(code)
        self.by_start = {ins.start: i for i, ins in enumerate(self.instructions)}
        for ins in self.instructions:  # control may arrive behind a prefix too
            self.by_start.setdefault(ins.offset, self.by_start[ins.start])
        self.handlers: dict[int, list[int]] = {}
        self.at: dict[Place, list[int]] = {}  # the indices of the instructions that stand there
        self.actions: dict[int, Action] = {}
        self.outermost = -1  # offset where all exceptions leave a generator: no handler, but it makes no StopIteration
        self.catching: dict[int, int] = {}  # index where a handler's exception can be asked for -> the handler's
        self.restoring: dict[int, int] = {}  # index of a handler that only puts something back -> where it raises again
        self.caught_at: dict[int, list[int]] = {}  # index -> handlers
        self.reraises: dict[int, frozenset[int]] = {}  # offset -> preludes that can be under way
        self.advance: dict[int, int] = {}  # index of a loop's advance -> its prelude state
        self.endless: set[Place] = set()  # `while` loops whose test the compiler has decided
        self.tested: set[Place] = set()  # those that have one
        self.ghosts: dict[int, list[tuple[int, int]]] = {}  # index -> as in its action
        self.under_way: dict[
            int, int
        ] = {}  # offset -> the state of a frame that stands there, where it is the only one

    def run(self) -> dict[int, Action]:
        self._connect()
        self._find_catching()
        self._find_restoring()
        self._elements()
        if self.body.line is None:
            self._locate()
            self._find_endless()
            self._label()
            self._advances()
            self._exits()
            self._handlers()
            self._returns()
            self._entries()
            arriving = self._flow()
            self._arm(arriving)
            self._find_reraises(arriving)
            self._find_under_way(arriving)
        for ins in self.instructions:
            ins.place = None  # holds the syntax tree
        return self.actions

    def _connect(self) -> None:
        instructions = self.instructions
        for i, ins in enumerate(instructions):
            if ins.target >= 0 and ins.target in self.by_start:
                ins.followers.append(self.by_start[ins.target])
            if ins.name not in _ENDS and ins.name not in _JUMPS and i + 1 < len(instructions):
                ins.followers.append(i + 1)
        for start, end, handler, _ in exception_table(self.code):
            at = self.by_start[handler]
            if instructions[at].name == "CALL_INTRINSIC_1":
                self.outermost = instructions[at + 1].offset
                continue
            covered = [i for i, ins in enumerate(instructions) if start <= ins.offset < end]
            self.handlers.setdefault(at, []).extend(covered)
        positions = list(self.code.co_positions())
        for ins in instructions:
            row, end_row, col, end_col = positions[ins.offset // 2]
            if row is None:
                continue
            if col is None or end_row is None or end_col is None:
                ins.span = ((row, -1), (row, -1))
            elif end_col or end_row > row:
                ins.span = ((row, col), (end_row, end_col))

    def _find_restoring(self) -> None:
        """Find the handlers that put back the variables of a comprehension, or what an `except` has changed.

        Provided that the exception leaves the frame then, or goes to a handler that tells where it came from. And not
        where groups are split: what is raised again has a traceback as if that had raised it.
        """
        for handler, covered in self.handlers.items():
            if any(self.instructions[i].name == "CHECK_EG_MATCH" for i in covered):
                continue
            i = handler
            while self.instructions[i].name in _RESTORING:
                i += 1
            if self.instructions[i].name == "RERAISE":
                self.restoring[handler] = i
        innermost = {i: handler for handler, covered in self.handlers.items() for i in covered}
        telling = {None, *self.catching.values()}
        while found := [h for h, i in self.restoring.items() if innermost.get(i) not in {*telling, *self.restoring}]:
            for handler in found:
                del self.restoring[handler]

    def _started(self) -> int:
        """The index behind the RESUME of the first step: what stands before runs before the frame is complete."""
        names = [ins.name for ins in self.instructions]
        created = names.index("RETURN_GENERATOR") if "RETURN_GENERATOR" in names else 0
        return names.index("RESUME", created) + 1 if "RESUME" in names else 0

    def _locate(self) -> None:
        root = self.body.root
        known: dict[object, Place] = {}
        started = self._started()
        for i, ins in enumerate(self.instructions[started:], started):
            span = ins.span
            if span is None:
                continue
            place = known.get(span)
            if place is None:
                row, col = span[0]
                place = known[span] = root.find(*span) if col >= 0 else root.find_row(row)
            if place.line is not None:
                ins.place = place
                self.at.setdefault(place, []).append(i)

    def _find_endless(self) -> None:
        """Tell the `while` loops with a body but no test, since what is left of the header does not branch."""
        for place in _walk(self.body.root):
            line = place.line
            if line is not None and line.kind == "while":
                spans = (ins.span for inner in _walk(place) for ins in self._standing(inner))
                if any(len(ins.followers) > 1 for ins in self._standing(place)):
                    self.tested.add(place)
                elif any(span is not None and span[0] > line.end for span in spans):
                    self.endless.add(place)

    def _standing(self, place: Place) -> Iterator[Instruction]:
        return (self.instructions[i] for i in self.at.get(place, ()))

    def _label(self) -> None:
        for ins in self.instructions:
            line = ins.place.line if ins.place else None
            if line is None or ins.place in self.endless:
                continue
            idle = line.idle and ins.name not in _CHECKED_LOADS and ins.place not in self.tested
            if idle or ins.name == "CLEANUP_THROW" or ins.name in _NO_EVENT:
                continue
            if ins.name in _JUMPS and not isinstance(line.node, ast.Pass | ast.Break | ast.Continue):
                continue
            if ins.name == "POP_TOP" and line.kind == "while":
                continue  # a `case` drops its subject at the place of the line below
            ins.label = line.index

    # loops: evaluating the iterable is the header's prelude, each advance a start of it

    def _advances(self) -> None:
        for i, ins in enumerate(self.instructions):
            if ins.name in _ADVANCES and (line := self._loop_of(i)) is not None:
                self.advance[i] = self.count + len(self.preludes)
                self.preludes.append(line.index)
                ins.label = line.index
                if ins.name == "FOR_ITER":
                    self._exhausted(ins)
        if self.advance:
            for i, prelude in self.advance.items():
                self._prelude(i, prelude)

    def _loop_of(self, i: int) -> Line | None:
        """The `for` statement whose advance instruction `i` is; None for a comprehension's."""
        ins = self.instructions[i]
        line = ins.place.line if ins.place else None
        if line is None or line.kind != "for":
            return None
        j = i + 1
        if ins.name == "GET_ANEXT":
            while self.instructions[j].name != "END_SEND":
                j += 1
            j += 1
        while self.instructions[j].name in ("NOT_TAKEN", "CLEANUP_THROW"):
            j += 1
        span = self.instructions[j].span
        if span is None or span[0][1] < 0:
            return line
        target = node_span(line.node.target)  # type: ignore[attr-defined]
        return line if target[0] <= span[0] and span[1] <= target[1] else None

    @cached_property
    def leading(self) -> list[list[int]]:
        """For each instruction, those that control can come from, exceptions included."""
        leading: list[list[int]] = [[] for _ in self.instructions]
        for i, ins in enumerate(self.instructions):
            for j in ins.followers:
                leading[j].append(i)
        for handler, covered in self.handlers.items():
            leading[handler] += covered
        return leading

    def _prelude(self, i: int, prelude: int) -> None:
        """Label what leads to the advance `i` at its header's place, the end of the loop's body left out."""
        place = self.instructions[i].place
        seen = {j for j in self.leading[i] if self.instructions[j].name == "JUMP_BACKWARD"} | self.advance.keys()
        seen |= {handler for handler, covered in self.handlers.items() if i in covered}
        started = self._started() - 1
        todo = [i]
        while todo:
            for j in self.leading[todo.pop()]:
                ins = self.instructions[j]
                if j in seen or ins.label == NOTHING or j <= started or ins.name == "PUSH_EXC_INFO":
                    continue
                if ins.place is None and ins.span is None:
                    todo.append(j)
                elif ins.place is not None and place is not None and ins.place.line is place.line:
                    todo.append(j)
                    if ins.label != UNCHANGED:
                        ins.label = prelude
                seen.add(j)

    def _exhausted(self, ins: Instruction) -> None:
        """What an exhausted iterator's clean-up is: the end of the header, and no part of another prelude."""
        j = self.by_start[ins.target]
        span = self.instructions[j].span
        while self.instructions[j].name in ("END_FOR", "POP_ITER", "POP_TOP") and self.instructions[j].span == span:
            self.instructions[j].label = UNCHANGED
            self.instructions[j].place = None
            self.instructions[j].span = (0, 0), (0, 0)
            j += 1

    # clean-up code, which stands at some line's position but is no part of it

    def _exits(self) -> None:
        instructions = self.instructions
        for i, ins in enumerate(instructions):
            if ins.name == "POP_EXCEPT" or self._unbinds(i):
                ins.label = NOTHING
                self._spread(i, lambda other, span=ins.span: other.span == span and other.label != NOTHING)
            elif self._leaves_with(i) or (ins.name == "PUSH_EXC_INFO" and i in self.handlers):
                place = ins.place
                ins.label = NOTHING
                self._swaps_before(i)
                if place is not None and place.line is not None and place.line.kind == "with":
                    self._spread(i, lambda other, place=place: other.place is place and other.label != NOTHING)

    def _swaps_before(self, i: int) -> None:
        """A `return` whose value stays on the stack meanwhile makes room for it first."""
        span = self.instructions[i].span
        while i > 0 and (before := self.instructions[i - 1]).name == "SWAP" and before.span == span:
            before.label = NOTHING
            i -= 1

    def _unbinds(self, i: int) -> bool:
        """Whether `e = None; del e` of an `except ... as e` begins at `i`."""
        parts = self.instructions[i : i + 3]
        return (
            len(parts) == 3
            and parts[0].name in ("LOAD_CONST", "LOAD_COMMON_CONSTANT")
            and parts[1].name.startswith("STORE_")
            and parts[2].name == parts[1].name.replace("STORE_", "DELETE_")
            and parts[1].arg == parts[2].arg
            and parts[0].span == parts[1].span == parts[2].span
        )

    def _leaves_with(self, i: int) -> bool:
        """Whether the call `__exit__(None, None, None)` begins at `i`."""
        parts = self.instructions[i : i + 4]
        return (
            len(parts) == 4
            and all(p.name in ("LOAD_CONST", "LOAD_COMMON_CONSTANT") for p in parts[:3])
            and parts[3].name == "CALL"
            and parts[0].arg == parts[1].arg == parts[2].arg
            and parts[0].span == parts[1].span == parts[2].span
        )

    def _spread(self, i: int, holds: object) -> None:
        """Mark as clean-up what follows `i` without a loop's end between, while `holds(instruction)`."""
        todo = [i]
        while todo:
            ins = self.instructions[todo.pop()]
            if ins.name == "JUMP_BACKWARD":
                continue
            for j in ins.followers:
                other = self.instructions[j]
                if holds(other):  # type: ignore[operator]
                    other.label = NOTHING
                    todo.append(j)

    def _handlers(self) -> None:
        for i in self.handlers:
            ins = self.instructions[i]
            if ins.name in ("SWAP", "POP_TOP"):  # a comprehension puts variables back
                while ins.name != "RERAISE":
                    ins.label = UNCHANGED
                    i += 1
                    ins = self.instructions[i]
                ins.label = UNCHANGED
            elif ins.name == "CLEANUP_THROW":  # an `await` takes the exception
                ins.label = UNCHANGED
            elif ins.name != "END_ASYNC_FOR":
                ins.label = NOTHING

    # the data flow

    def _flow(self) -> list[set[int]]:
        """For each instruction, the states that can be under way when control reaches it."""
        instructions = self.instructions
        arriving: list[set[int]] = [set() for _ in instructions]
        leads: list[list[int]] = [list(ins.followers) for ins in instructions]
        for handler, covered in self.handlers.items():
            for i in covered:
                leads[i].append(handler)
        todo: list[int] = []

        def give(i: int, states: set[int]) -> None:
            if not states <= arriving[i]:
                arriving[i] |= states
                if instructions[i].label == UNCHANGED:
                    todo.append(i)

        self.caught_at = {i: leads[i][len(ins.followers) :] for i, ins in enumerate(instructions)}
        for i, ins in enumerate(instructions):
            if ins.label != UNCHANGED:
                for j in leads[i]:
                    give(j, self._leaving(ins, j, {ins.label}))
        if instructions:
            give(0, {NOTHING})
        while todo:
            i = todo.pop()
            for j in leads[i]:
                give(j, self._leaving(instructions[i], j, arriving[i]))
        return arriving

    def _leaving(self, ins: Instruction, j: int, states: set[int]) -> set[int]:
        loops = ins.name == "JUMP_BACKWARD" and j in ins.followers
        if loops and self._behind_jumps(j).name not in ("FOR_ITER", "GET_ANEXT", "SEND", "END_SEND"):
            return states | {AGAIN}
        return states

    def _behind_jumps(self, i: int) -> Instruction:
        """What is executed at `i`, or where jumps from there lead to: the end of an `async for` jumps to a jump."""
        seen = {i}
        while (ins := self.instructions[i]).name in _JUMPS and ins.followers[0] not in seen:
            i = ins.followers[0]
            seen.add(i)
        return ins

    def _find_catching(self) -> None:
        """Find the handlers of statements: their exception is the one that is handled, once PUSH_EXC_INFO is done."""
        for handler in self.handlers:
            if self.instructions[handler].name == "PUSH_EXC_INFO" and self.leading[handler + 1] == [handler]:
                self.catching[handler + 1] = handler

    def _arm(self, arriving: list[set[int]]) -> None:
        handlers = {*self.catching.values(), *self.restoring}
        for i, ins in enumerate(self.instructions):
            if i in self.catching:
                self._act(ins, Action(NOTHING, False, NOTHING, NOTHING, (), (), True))
            if ins.label == UNCHANGED or ins.name in _NO_EVENT:
                continue
            # Which prelude has led to such a handler, its exception tells.
            most = self.count if i in handlers else sys.maxsize
            before = tuple(sorted(state for state in arriving[i] if 0 <= state < most))
            ghosts = tuple(self.ghosts.get(i, ()))
            if i in self.advance:
                self._act(ins, Action(ins.label, False, self.advance[i], NOTHING, ghosts, before))
            elif ghosts or arriving[i] - {ins.label}:
                begins = any(after == UNCHANGED for after, _ in ghosts) or self._loops(i, arriving)
                self._act(ins, Action(ins.label, ins.label in before and not begins, NOTHING, NOTHING, ghosts, before))

    def _loops(self, i: int, arriving: list[set[int]]) -> bool:
        """Whether the line that starts at `i` can be under way there only because a loop has come round.

        A jump backwards is the end of a loop if it cannot be reached but through its target: the compiler also moves
        code that is seldom executed behind the rest, and jumps back from there.
        """
        label = self.instructions[i].label
        return AGAIN in arriving[i] and all(
            self._is_behind(j, i)
            for j, ins in enumerate(self.instructions)
            if i in ins.followers and ins.name == "JUMP_BACKWARD" and label in arriving[j]
        )

    def _is_behind(self, j: int, i: int) -> bool:
        """Whether every way from the start to `j` goes through `i`."""
        seen = {0, i}
        todo = [0] if i else []
        while todo:
            at = todo.pop()
            if at == j:
                return False
            after = [*self.instructions[at].followers, *self.caught_at.get(at, ())]
            todo.extend(k for k in after if k not in seen)
            seen.update(after)
        return True

    def _find_reraises(self, arriving: list[set[int]]) -> None:
        """Where an exception leaves a loop's prelude after a comprehension in it has put its variables back."""
        for i, ins in enumerate(self.instructions):
            if ins.name == "RERAISE" and ins.label == UNCHANGED:
                self.reraises[ins.offset] = frozenset(state for state in arriving[i] if state >= self.count)

    def _find_under_way(self, arriving: list[set[int]]) -> None:
        for ins, states in zip(self.instructions, arriving, strict=True):
            known = {ins.label} if ins.label != UNCHANGED else states - {AGAIN}
            if len(known) == 1:
                (self.under_way[ins.offset],) = known

    def _act(self, ins: Instruction, action: Action) -> None:
        known = self.actions.get(ins.start)
        if known is not None:
            action = action._replace(element=known.element, catches=known.catches)
        self.actions[ins.start] = action

    # comprehensions

    def _elements(self) -> None:
        for i, ins in enumerate(self.instructions):
            kind = _ELEMENTS.get(ins.name)
            line: Line | None = None
            if kind is not None and ins.arg >= 2 and self.instructions[i - 1].name != "FOR_ITER":
                line = self._comprehension(ins, kind)
            elif isinstance(self.body.node, ast.GeneratorExp) and self._yields(i):
                line = self.body.line
            if line is not None:
                self._act(ins, Action(NOTHING, False, NOTHING, line.index, (), ()))

    def _yields(self, i: int) -> bool:
        """Whether a generator expression has an element ready at `i`; `(*x for x in y)` has one per `x`."""
        ins = self.instructions[i]
        element = self.body.node.elt  # type: ignore[attr-defined]
        if isinstance(element, ast.Starred):
            return ins.name == "GET_ITER" and ins.span == node_span(element)
        return ins.name == "YIELD_VALUE" and self.instructions[i - 1].name != "SEND"

    def _comprehension(self, ins: Instruction, kind: type) -> Line | None:
        """The comprehension of `kind` whose element the instruction adds."""
        found: Line | None = None
        for line in self.body.comprehensions:
            if not isinstance(line.node, kind):
                continue
            if ins.span is None:
                continue  # of `except*`
            start, end = _element_span(line.node)
            if (start, end) == ins.span or (ins.span[0][1] < 0 and start[0] <= ins.span[0][0] <= end[0]):
                found = line
        return found

    # lines that are executed without an instruction of their own

    def _ghost(self, i: int, after: int, line: Line) -> None:
        """`line` was executed whenever control reaches `i` while `after` was under way (UNCHANGED: anything)."""
        ins = self.instructions[i]
        if ins.label == UNCHANGED:
            ins.label = NOTHING  # whatever was under way has ended
        self.ghosts.setdefault(i, []).append((after, line.index))

    def _returns(self) -> None:
        """Find where a `return` of a constant is executed that shares its physical line.

        It is what the statements without work before it go on to. Of all those there may be one instruction, at the
        place of any of them, or none if one that works stands before them: then it is executed when that one ends.
        """
        labels = {ins.label for ins in self.instructions}
        for parent in (self.body.root, *_walk(self.body.root)):
            for i, place in enumerate(parent.children):
                if place.line is not None and place.line.kind == "return":
                    self._return(place.line, place, [*parent.children[:i][::-1], parent], labels)

    def _return(self, line: Line, place: Place, before: list[Place], labels: set[int]) -> None:
        idle = {place}
        row = place.start[0]
        for other in before:
            if other.line is None or other.line.end[0] != row:
                break
            if never_goes_on(other.line.node):
                return
            if other.line.index in labels:
                self._show(line, idle)
                if ends_once(other.line.node):
                    self._return_after(line, other, other.line.index, {other, None, *idle})
                return
            idle.add(other)
            row = other.line.start[0]
        self._show(line, idle)

    def _show(self, line: Line, places: set[Place]) -> None:
        """Let `line` begin where control comes to `places`, headers without work among them."""
        found = [
            i
            for place in places
            for i in self.at.get(place, ())
            if place.line is line or not place.children or self.instructions[i].name == "NOP"
        ]
        for _, numbered in groupby(enumerate(sorted(found)), lambda item: item[1] - item[0]):
            run = [self.instructions[i] for _, i in numbered]  # one behind the other
            if all(ins.label != line.index for ins in run):
                run[0].label = line.index

    def _return_after(self, line: Line, before: Place, last: int, within: set[Place | None]) -> None:
        """`line` is executed when `last`, the line of `before`, has come to its end, if it does not show itself."""
        todo = [i for i in self.at.get(before, ()) if self.instructions[i].label == last]
        seen = set(todo)
        for i in todo:  # grows
            for j in self.instructions[i].followers:
                other = self.instructions[j]
                if j in seen or other.label == line.index:
                    continue
                seen.add(j)
                if other.label == UNCHANGED and other.place in within:
                    todo.append(j)
                elif not self._has_failed(i, before):
                    self._ghost(j, last, line)

    def _has_failed(self, i: int, place: Place) -> bool:
        """Whether the way out of `place` by the instruction `i` is that of a `case` that does not match."""
        if place.line is None or place.line.kind != "case":
            return False
        if len(self.instructions[i].followers) > 1:
            return True
        leading = self.leading
        while len(leading[i]) == 1 and self.instructions[leading[i][0]].followers == [i]:
            i = leading[i][0]
        sources = [self.instructions[j] for j in leading[i]]
        return any(ins.place is place and len(ins.followers) > 1 and ins.followers[0] == i for ins in sources)

    def _entries(self) -> None:
        """Find where a header without instructions is executed: control comes into its suite, from outside or around.

        An endless loop that begins with another loop is left out, as one cannot tell which of them goes around.
        """
        labels = {ins.label for ins in self.instructions}
        for place in _walk(self.body.root):
            line = place.line
            if line is None or not (place in self.endless or (line.kind == "case" and line.index not in labels)):
                continue
            below = set(_walk(place))
            loops = {at for loop in below if loop.line and loop.line.kind == "while" for at in (loop, *_walk(loop))}
            entries = self._entries_of(below)
            if not any(self.instructions[i].place in loops for i in entries):
                for i in entries:
                    self._ghost(i, UNCHANGED, line)

    def _entries_of(self, places: set[Place]) -> list[int]:
        """The instructions in `places` that control can come to from outside."""
        started = self._started()

        def outside(i: int) -> bool:
            todo, seen = [i], {i}
            while todo:
                for j in self.leading[todo.pop()]:
                    place = self.instructions[j].place
                    if j < started or (place is not None and place not in places):
                        return True
                    if place is None and j not in seen:
                        seen.add(j)
                        todo.append(j)
            return False

        return sorted(i for place in places for i in self.at.get(place, ()) if outside(i))


def _walk(place: Place) -> Iterator[Place]:
    """All places below `place`, outer ones first."""
    for child in place.children:
        yield child
        yield from _walk(child)


def _element_span(node: ast.AST) -> Span:
    if isinstance(node, ast.DictComp):
        value: ast.expr | None = node.value  # None: PEP 798
        return node_span(node.key)[0], node_span(value or node.key)[1]
    return node_span(node.elt)  # type: ignore[attr-defined]
