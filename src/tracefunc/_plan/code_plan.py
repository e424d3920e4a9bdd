"""The plan of one code object: its armed offsets, and all that a recorder asks about them.

A state is what can be under way in a frame: a line, by its number, or a loop's prelude (its iterable being evaluated),
by a number behind those of the lines. What takes time to find out is found out when it is first asked for, since most
traces end before.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import ref

from .._interpreter import SUSPENDING
from .bytecode import RETURNS
from .derived_counts import DerivedCounts
from .loop_iterators import find_iterables, find_loops
from .markers import NOTHING, UNREPORTED
from .offsets import NO_ACTION
from .origins import find_origins, leaving_traceback, own_entry, passed_on, traceback_of
from .sampling import find_concerned, find_deciders, find_wants

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

    from .._values.read import Reader
    from .loop_iterators import CountableLoop
    from .offsets import Action, CodeAnalysis
    from .origins import Origin
    from .sampling import Wants


class CodePlan:
    """What the recorders need to know of one code object."""

    def __init__(
        self, index: int, code: CodeType, entry: int, is_target: bool, analysis: CodeAnalysis, line_count: int
    ) -> None:
        self.index = index  # among the plan's code objects
        self._code = ref(code)  # a plan outlives a trace, but not its code
        self.entry = entry  # the line under way from the start (a lambda's), or NOTHING
        self.is_target = is_target
        self.actions: dict[int, Action] = analysis.actions  # by offset
        self.readers: dict[int, tuple[Reader, ...]] = {}  # by line: how its names are read
        self.suspends = bool(code.co_flags & SUSPENDING)
        # Where a frame makes its first step, which PY_START reports.
        self.start = next((ins.offset for ins in analysis.flow.instructions if ins.name == "RESUME"), -1)
        # The one offset where a frame that does not run can stand, or -1.
        yields = [ins.offset for ins in analysis.flow.instructions if ins.name == "YIELD_VALUE"]
        self.only_yield = yields[0] if len(yields) == 1 else -1
        self.table: object = None  # what the compiled recorder makes of this plan
        self._analysis = analysis
        self._flow = analysis.flow
        self._line_count = line_count  # states from this number on are preludes
        self._counts_with: dict[frozenset[int], DerivedCounts] = {}

    def with_readers(self, readers: dict[int, tuple[Reader, ...]]) -> CodePlan:
        """The same plan with other ways to read the names of lines."""
        plan = copy(self)
        plan.readers = readers
        plan.table = None
        return plan

    @property
    def code(self) -> CodeType:
        """The code object; an AssertionError when it is gone."""
        code = self._code()
        assert code is not None, "the code object of this plan is gone"
        return code

    def action(self, offset: int) -> Action:
        """What happens at an offset, nothing included."""
        return self.actions.get(offset, NO_ACTION)

    # what has to be counted

    def _points(self) -> Iterator[int]:
        """The offsets whose counts are those of what starts there."""
        return (offset for offset, action in self.actions.items() if not action.conditional)

    @cached_property
    def derived_counts(self) -> DerivedCounts:
        """Which offsets need no counting."""
        return DerivedCounts(self._flow, self._points())

    def derived_counts_with(self, bodies: frozenset[int]) -> DerivedCounts:
        """The same where it costs next to nothing to count the turns of the loops that have their bodies there."""
        if not bodies:
            return self.derived_counts
        if bodies not in self._counts_with:
            self._counts_with[bodies] = DerivedCounts(self._flow, {*self._points(), *bodies}, bodies)
        return self._counts_with[bodies]

    # loops whose turns their iterators can count

    @cached_property
    def loops(self) -> list[CountableLoop]:
        """These loops; the offsets at which their turns begin are no action's."""
        return find_loops(self.code, self._flow, self.actions)

    def iterables(self) -> list[int]:
        """By loop: where its iterable is when it begins."""
        return find_iterables(self.code, self._flow, self.loops)

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

    def reach(self, offset: int) -> frozenset[int]:
        """The offsets that a frame which stands at `offset` can still come to."""
        return self._flow.reach(offset)

    # what is under way in a frame

    def line_at(self, offset: int, known: int) -> int:
        """The line under way in a frame that stands at `offset`; `known` if the code does not show it."""
        state = self._analysis.under_way.get(self._flow.index_at(offset), known)
        return state if state < self._line_count else NOTHING

    @cached_property
    def returning(self) -> dict[int, int]:
        """By offset of a return: the line under way there, NOTHING, or UNREPORTED if the code does not show it."""
        return {
            offset: self.line_at(ins.offset, UNREPORTED)
            for ins in self._flow.instructions
            if ins.name in RETURNS
            for offset in range(ins.start, ins.end, 2)
        }

    def prelude_at(self, offset: int) -> int:
        """The loop's prelude that an exception which left the frame at `offset` has ended, or NOTHING."""
        state = self._analysis.under_way.get(self._flow.index_at(offset), NOTHING)
        if state in self.advances:
            return state
        return min(self._analysis.reraised.get(offset, ()), default=NOTHING)

    # where exceptions come from

    @property
    def has_origins(self) -> bool:
        """Whether an exception can do anything but leave the frame where it was raised."""
        return bool(self._flow.handlers or self.advances) or self._flow.outermost >= 0

    @cached_property
    def origins(self) -> dict[int, Origin]:
        """By each offset of an instruction: what becomes of an exception that is raised there."""
        return find_origins(self._flow, self.prelude_at)

    @cached_property
    def uncaught(self) -> set[int]:
        """The offsets in handlers where an exception has arrived that is not known yet: it is where it is caught."""
        instructions = self._flow.instructions
        return {
            offset
            for i, handler in self._flow.catching.items()
            for offset in range(instructions[handler].start, instructions[i].start)
        }

    @cached_property
    def passed_on(self) -> set[int]:
        """The offsets where exceptions leave the frame that were raised elsewhere in it: at a generator's end, say."""
        return passed_on(self._flow)

    def leaving(self, key: int, offset: int, error: BaseException) -> tuple[int, int]:
        """Where an exception was raised that leaves the frame at the address `key`, and the prelude that it has ended.

        There may be no prelude: NOTHING.

        If it was passed on at `offset`, its traceback shows where, unless it had been caught before and is only raised
        again.
        """
        if offset in self.passed_on:
            traceback = leaving_traceback(error)
            if traceback is not None and id(traceback.tb_frame) == key:
                origin = self.origins.get(traceback.tb_lasti)
                if origin is not None and origin.caught_at == NOTHING:
                    return origin.place, origin.prelude
        return offset, self.prelude_at(offset)

    @cached_property
    def raising_lines(self) -> dict[int, int]:
        """By each offset of an instruction: the line that an exception which is raised there ends, or NOTHING.

        It is the one at whose place the instruction stands, whatever is under way by the events.
        """
        return {
            offset: line
            for ins, line in zip(self._flow.instructions, self._analysis.standing, strict=True)
            for offset in range(ins.start, ins.end, 2)
        }

    def ending(self, frame: FrameType, line: int, error: BaseException) -> BaseException | None:
        """The exception that has ended a hit of `line`, if `error`, which the frame handles or which leaves it, has.

        It has if the frame's newest entry in its traceback stands at the line: what is raised again, by a handler that
        does not fit or behind a `finally`, has no new one. Nor has that of a bare `raise`, which nothing else can end.
        """
        if line in self.raises_again:
            return error
        offset, cause = own_entry(frame, error)
        return cause if self.raising_lines.get(offset, NOTHING) == line else None

    @cached_property
    def raises_again(self) -> set[int]:
        """The lines that are a bare `raise`."""
        both = zip(self._flow.instructions, self._analysis.standing, strict=True)
        return {line for ins, line in both if ins.name == "RAISE_VARARGS" and ins.arg == 0}

    def catching(self, key: int, offset: int, error: BaseException | None) -> tuple[int, int]:
        """The same where the frame with the address `key` catches an exception at `offset`.

        The place is NOTHING if it was only raised again there.
        """
        traceback = None if error is None else traceback_of(error)
        if traceback is not None and id(traceback.tb_frame) == key:
            origin = self.origins.get(traceback.tb_lasti)
            if origin is not None and origin.caught_at == offset:
                return NOTHING if origin.raised_again else origin.place, origin.prelude
        return NOTHING, NOTHING

    # whose samples decide

    @cached_property
    def deciders(self) -> dict[int, int]:
        """By state: the line whose samples, when complete, make it indifferent whether this state is under way."""
        is_unobserved = self.derived_counts.is_unobserved
        return find_deciders(self.actions, self._analysis.preludes, self._line_count, is_unobserved)

    @cached_property
    def concerned(self) -> dict[int, tuple[list[int], list[int]]]:
        """By line: the states that its samples decide about, and the offsets where what is wanted depends on them."""
        return find_concerned(self.actions, self.deciders, self._line_count)

    @cached_property
    def wants(self) -> dict[int, Wants]:
        """By offset: the lines whose samples begin there, and those whose samples end there.

        Once these are complete, nothing but its count is wanted. An offset that is not among these is always wanted.
        """
        return find_wants(self.actions, self.deciders)
