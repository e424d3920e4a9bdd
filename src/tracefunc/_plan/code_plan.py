"""The plan of one code object: its armed offsets, and all that a recorder asks about them.

A state is what can be under way in a frame: a line, by its number, or a loop's prelude (its iterable being evaluated),
by a number behind those of the lines.
"""

from __future__ import annotations

from bisect import bisect_right
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

from .._interpreter import SUSPENDING
from . import loop_iterators as _loops
from .derived_counts import RETURNS, Flow, raises_again
from .markers import NOTHING, UNREPORTED
from .offsets import NO_ACTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType, TracebackType

    from .._values.read import Reader
    from .offsets import Action, CodeAnalysis

# Whatever attributes a class of exceptions has of its own.
_traceback: Callable[[BaseException], TracebackType | None] = vars(BaseException)["__traceback__"].__get__
_cause: Callable[[BaseException], BaseException | None] = vars(BaseException)["__cause__"].__get__


class Origin(NamedTuple):
    """What becomes of an exception that is raised by some instruction."""

    caught_at: int  # the offset of the action that catches it, NOTHING if it leaves the frame, UNREPORTED
    place: int  # the offset at which it gets there
    raised_again: bool  # whether that is only where it is raised again
    prelude: int  # that it has ended, or NOTHING


class CodePlan:
    """What the recorders need to know of one code object."""

    def __init__(self, index: int, code: CodeType, entry: int, is_target: bool, analysis: CodeAnalysis) -> None:
        self.index = index  # among the plan's code objects
        self._code = ref(code)  # a plan outlives a trace, but not its code
        self.entry = entry  # the line under way from the start (a lambda's), or NOTHING
        self.is_target = is_target
        self.actions: dict[int, Action] = analysis.run()  # by offset
        self.readers: dict[int, tuple[Reader, ...]] = {}  # by line: how its names are read
        self.line_count = analysis.count
        self.preludes = analysis.preludes  # the line that state `line_count + k` is the prelude of
        self.reraises = analysis.reraises
        self.outermost = analysis.outermost  # the offset where exceptions leave a generator, -1 for other code
        self.suspends = bool(code.co_flags & SUSPENDING)
        # The one offset where a frame that does not run can stand, or -1.
        yields = [ins.offset for ins in analysis.instructions if ins.name == "YIELD_VALUE"]
        self.only_yield = yields[0] if len(yields) == 1 else -1
        self.table: object = None  # what the compiled recorder makes of this plan
        self._flows: dict[frozenset[int], Flow] = {}
        self._instructions = analysis.instructions
        self._handlers = analysis.handlers
        self._catching = analysis.catching
        self._restoring = analysis.restoring
        self._under_way = analysis.under_way

    def with_readers(self, readers: dict[int, tuple[Reader, ...]]) -> CodePlan:
        """The same plan with other ways to read the names of lines."""
        plan = copy(self)
        plan.readers = readers
        plan.table = None
        return plan

    @property
    def code(self) -> CodeType:
        code = self._code()
        assert code is not None, "the code object of this plan is gone"
        return code

    @cached_property
    def flow(self) -> Flow:
        """Which offsets need counting: made when it is first asked for, since most traces end before."""
        return Flow(self._instructions, self._handlers, self._telling, self._points())

    @property
    def _telling(self) -> set[int]:
        """The handlers of which it is known where what they catch was raised."""
        return {*self._catching.values(), *self._restoring}

    def _points(self) -> Iterator[int]:
        """The offsets whose counts are those of what starts there."""
        return (offset for offset, action in self.actions.items() if not action.conditional)

    def action(self, offset: int) -> Action:
        """What happens at an offset, nothing included."""
        return self.actions.get(offset, NO_ACTION)

    # loops whose turns their iterators can count

    @cached_property
    def loops(self) -> list[_loops.Loop]:
        """These loops; the offsets at which their turns begin are no action's."""
        return _loops.find(self.code, self._instructions, self._handlers, self.actions)

    def iterables(self) -> list[int]:
        """By loop: where its iterable is when it begins."""
        return _loops.iterables(self.code, self._instructions, self.loops)

    def flow_with(self, bodies: frozenset[int]) -> Flow:
        """The flow where it costs next to nothing to count the turns of the loops that have their bodies there."""
        if not bodies:
            return self.flow
        if bodies not in self._flows:
            points = {*self._points(), *bodies}
            self._flows[bodies] = Flow(self._instructions, self._handlers, self._telling, points, bodies)
        return self._flows[bodies]

    # where control may come from and go to

    @cached_property
    def exits(self) -> dict[int, list[int]]:
        """By state: the offsets where control may arrive while it is under way."""
        found: dict[int, list[int]] = {}
        for offset, action in self.actions.items():
            for before in action.before:
                if action.prelude != before:
                    found.setdefault(before, []).append(offset)
        return found

    @cached_property
    def advances(self) -> dict[int, int]:
        """By prelude: the offset of the advance that completes it."""
        return {action.prelude: offset for offset, action in self.actions.items() if action.prelude >= 0}

    @cached_property
    def _prelude_starts(self) -> dict[int, int]:
        """By prelude: its first offset."""
        starts = dict(self.advances)
        for offset, action in self.actions.items():
            if action.line in starts:
                starts[action.line] = min(offset, starts[action.line])
        return starts

    def prelude_at(self, offset: int) -> int:
        """The loop's prelude that an exception which left the frame at `offset` has ended, or NOTHING."""
        for prelude, start in self._prelude_starts.items():
            if start <= offset < self.advances[prelude] or prelude in self.reraises.get(offset, ()):
                return prelude
        return NOTHING

    def leaving(self, frame: FrameType, offset: int, error: BaseException) -> tuple[int, int]:
        """Where an exception that leaves the frame was raised, and the prelude that it has ended, or NOTHING.

        If it was passed on at `offset`, its traceback tells, unless it had been caught before and is only raised again.
        """
        if offset not in self.passed_on:
            return offset, self.prelude_at(offset)
        # A StopIteration is the cause of what leaves the frame.
        traceback = _traceback(error) or _traceback(_cause(error) or error)
        if traceback is not None and traceback.tb_frame is frame:
            origin = self.origins.get(traceback.tb_lasti)
            if origin is not None and origin.caught_at == NOTHING:
                return origin.place, origin.prelude
        return offset, self.prelude_at(offset)

    def catching(self, key: int, offset: int, error: BaseException | None) -> tuple[int, int]:
        """The same where the frame with the address `key` catches an exception at `offset`.

        The place is NOTHING if it was only raised again there.
        """
        traceback = None if error is None else _traceback(error)
        if traceback is not None and id(traceback.tb_frame) == key:
            origin = self.origins.get(traceback.tb_lasti)
            if origin is not None and origin.caught_at == offset:
                return NOTHING if origin.raised_again else origin.place, origin.prelude
        return NOTHING, NOTHING

    @cached_property
    def passed_on(self) -> set[int]:
        """The offsets where exceptions leave the frame that were raised elsewhere in it: at a generator's end, say."""
        return {*(self._instructions[i].offset for i in self._restoring.values()), self.outermost} - {-1}

    @property
    def has_origins(self) -> bool:
        """Whether an exception can do anything but leave the frame where it was raised."""
        return bool(self._handlers or self.advances) or self.outermost >= 0

    @cached_property
    def origins(self) -> dict[int, Origin]:
        """By each offset of an instruction: what becomes of an exception that is raised there."""
        instructions = self._instructions
        innermost = {i: handler for handler, covered in self._handlers.items() for i in covered}
        ends = {handler: instructions[i].start for i, handler in self._catching.items()}
        found = {}
        for i, ins in enumerate(instructions):
            place, last, handler = i, i, innermost.get(i)
            # Around an `await`, and around a comprehension that puts variables back, it is raised again.
            while handler is not None and (again := self._raised_again_by(handler)) is not None:
                place = place if handler in self._restoring else again
                last, handler = again, innermost.get(again)
            caught_at = NOTHING if handler is None else ends.get(handler, UNREPORTED)
            prelude = max(self.prelude_at(ins.offset), self.prelude_at(instructions[last].offset))
            origin = Origin(caught_at, instructions[place].offset, raises_again(instructions[place]), prelude)
            found.update(dict.fromkeys(range(ins.start, ins.end, 2), origin))
        return found

    def _raised_again_by(self, handler: int) -> int | None:
        """The index of the instruction in a handler that is no statement's which raises its exception again."""
        instructions = self._instructions
        if instructions[handler].name in ("CLEANUP_THROW", "END_ASYNC_FOR"):
            return handler
        return self._restoring.get(handler)

    @cached_property
    def returning(self) -> dict[int, int]:
        """By offset of a return: the line under way there, NOTHING, or UNREPORTED if the code does not tell."""
        return {
            offset: self.line_at(ins.offset, UNREPORTED)
            for ins in self._instructions
            if ins.name in RETURNS
            for offset in range(ins.start, ins.end, 2)
        }

    def line_at(self, offset: int, known: int) -> int:
        """The line under way in a frame that stands at `offset`; `known` if the code does not tell."""
        state = self._under_way.get(self._instructions[self._index(offset)].offset, known)
        return state if state < self.line_count else NOTHING

    def _index(self, offset: int) -> int:
        """The number of the instruction at `offset`, its prefixes and cache entries included."""
        return bisect_right(self._instructions, offset, key=lambda ins: ins.start) - 1

    def reach(self, offset: int) -> frozenset[int]:
        """The offsets that a frame which stands at `offset` can still come to."""
        after: list[list[int]] = [list(ins.followers) for ins in self._instructions]
        for handler, covered in self._handlers.items():
            for i in covered:
                after[i].append(handler)
        seen: set[int] = set()
        todo = [self._index(offset)]
        while todo:
            for i in after[todo.pop()]:
                if i not in seen:
                    seen.add(i)
                    todo.append(i)
        return frozenset(self._instructions[i].start for i in seen)

    # whose samples decide

    @cached_property
    def deciders(self) -> dict[int, int]:
        """By state: the line whose samples, when complete, make it indifferent whether this state is under way.

        A state that is not among these must be known exactly always. An exception that ends the prelude of a loop tells
        so itself, unless it goes to a handler that is no statement's.
        """
        exact = {action.line for action in self.actions.values() if action.conditional}
        exact |= {before for action in self.actions.values() for before, _ in action.ghosts if before >= 0}
        states = {action.line for action in self.actions.values()}
        states.update(before for action in self.actions.values() for before in action.before)
        found = {state: state for state in states if 0 <= state < self.line_count and state not in exact}
        for prelude, advance in self.advances.items():
            line = self.preludes[prelude - self.line_count]
            if prelude not in exact and line not in exact and not self.flow.is_caught(advance):
                found[prelude] = line
        return found

    @cached_property
    def concerned(self) -> dict[int, tuple[list[int], list[int]]]:
        """By line: the states that its samples decide about, and the offsets where what is wanted depends on them."""
        found: dict[int, tuple[list[int], list[int]]] = {line: ([], []) for line in range(self.line_count)}
        for state, line in self.deciders.items():
            found[line][0].append(state)
        for offset, action in self.actions.items():
            states = {action.line, action.element, *(ghost for _, ghost in action.ghosts), *action.before}
            for line in {self.deciders.get(state, state) for state in states if state >= 0}:
                if line < self.line_count:
                    found[line][1].append(offset)
        return found

    @cached_property
    def wants(self) -> dict[int, tuple[frozenset[int], frozenset[int]]]:
        """By offset: the lines whose samples begin there, and those whose samples end there.

        Once these are complete, nothing but its count is wanted. An offset that is not among these is always wanted.
        """
        found = {}
        for offset, action in self.actions.items():
            begun = {action.element} if action.element >= 0 else {action.line, *(g for _, g in action.ghosts)}
            ended = {before for before, _ in action.ghosts}.union(action.before) - {action.prelude}
            ended = {state for state in ended if state >= 0}
            if not (action.conditional or action.catches) and ended | {action.line} - {NOTHING} <= self.deciders.keys():
                found[offset] = (
                    frozenset(self.deciders.get(state, state) for state in begun if state >= 0),
                    frozenset(self.deciders[state] for state in ended),
                )
        return found
