"""The frames that the pure recorder records: the call that each belongs to, where it stands, and its counts."""

from __future__ import annotations

import sys
from _operator import add

from .._interpreter import COROUTINE
from .._plan.markers import NOTHING

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from .._plan.code_plan import CodePlan
    from .._plan.target_plan import Plan
    from .raw_call import RawCall
    from .store import Store


class CodeState:
    """A code object while it is traced."""

    __slots__ = (
        "actions",
        "attempts",
        "code",
        "frames",
        "plan",
        "rearmed_generation",
        "stale_generation",
        "unreachable",
    )

    def __init__(self, plan: CodePlan) -> None:
        self.plan = plan
        self.code = plan.code
        self.actions = plan.actions
        self.frames = 0  # how many are being recorded now
        self.attempts = 0  # how often counting only was tried
        self.stale_generation = 0  # how often disabled offsets have become wanted again
        self.rearmed_generation = 0  # the stale generation for which the code object was armed last
        self.unreachable: frozenset[int] = frozenset()  # the offsets that no recorded frame can reach any more


class FrameState:
    """A frame that is being recorded."""

    __slots__ = (
        "advances_before",
        "at",
        "call",
        "cleaned_up",
        "code_state",
        "counts",
        "left",
        "line",
        "own_call",
        "wants_yields",
    )

    def __init__(self, call: RawCall, code_state: CodeState) -> None:
        self.call = call  # which it counts for
        self.code_state = code_state
        self.own_call = call if code_state.plan.is_target else None  # whose frame it is
        self.wants_yields = code_state.plan.is_target and not code_state.code.co_flags & COROUTINE
        self.line = code_state.plan.entry  # the line, or the loop's prelude, that is under way
        self.advances_before = 0  # while a prelude is under way: how often its loop had advanced before
        self.at = -1  # the offset where the frame is suspended, or -1
        # The line before the clean-up code that runs, and the moment of its sample: an exception may have ended it.
        self.cleaned_up: tuple[int, int] = (NOTHING, 0)
        self.left = False  # whether its end is part of what its call has counted
        index = code_state.plan.index
        made = [0] * len(code_state.code.co_code)  # before it is known whether it is needed: see `Frames`
        counts = call.counts[index]
        if counts is None:
            counts = call.counts[index] = made
        self.counts = counts


class Frames:
    """The frames that one recorder records.

    A frame is known by its address and forgotten when it ends. No reference to a frame is kept.

    With a GIL, the interpreter lets other threads run where a function begins, where a call of one written in C returns
    and where a loop goes back, and nowhere else. What one event changes in a call's record, it changes with none of
    these in between: in `commit`, say. So no thread sees half of an event, and none is lost where two write the same
    number.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self.codes = {id(code_plan.code): CodeState(code_plan) for code_plan in plan.codes}
        self.by_key: dict[int, FrameState] = {}  # by address
        self.line_count = len(plan.lines)
        self._store = store
        self.ended = False  # whether no frame is recorded any more: see `Ending`
        self._running: dict[int, RawCall] = {}  # the target's frames, in the order in which they started

    def enter(self, code_state: CodeState, key: int, call: RawCall) -> FrameState:
        """Record a frame of a call from now on."""
        state = FrameState(call, code_state)
        if code_state.plan.is_target:
            self._running[key] = call
        if not self.ended:
            self.by_key[key] = state
            call.frames += 1
            call.entered[code_state.plan.index] += 1
            code_state.frames += 1
        return state

    def forget(self, key: int) -> None:
        """Record a frame no longer."""
        state = self.remove(key)
        if state is None:
            return
        if state.own_call is not None:
            self._store.forget(state.own_call, key)
        if state.call.ended and not state.call.frames:
            self._store.complete(state.call)

    def remove(self, key: int) -> FrameState | None:
        """Return the state of a frame, which is not among the others from now on; None if there is none."""
        state = self.by_key.pop(key, None)
        if state is not None:
            state.code_state.frames -= 1
            state.call.frames -= 1
            if state.own_call is not None:
                self._running.pop(key, None)
        return state

    def renew_lock(self) -> None:
        """Let go of what other threads than this one hold, after a fork: nothing."""

    def gather(self, state: FrameState) -> None:
        """Add what a frame has counted for itself to the counts of its call: all frames of a call count in one list."""

    def call_around(self, frame: FrameType) -> RawCall | None:
        """Return the call that code starting in `frame` belongs to."""
        above, base = frame.f_back, self._store.base()
        while above is not None and id(above) != base:
            state = self.by_key.get(id(above))
            if state is not None and state.code_state.code is above.f_code:
                return state.call
            if id(above.f_code) in self.codes:
                return None
            above = above.f_back
        known, call = self._store.call_around()
        if known:
            return call
        running = list(self._running.values())  # at once: other threads change it
        return running[-1] if running else None

    def commit(self, state: FrameState, line: int, offset: int, place: int, hits: Sequence[int]) -> list[int]:
        """Count an event at `offset`, from which on `line` is under way; return the counts.

        `place`: where control has left the plan's flow before, or NOTHING; `hits`: lines with a hit that is not part of
        any offset's count.
        """
        index = state.code_state.plan.index
        added = map(add, state.call.extra, [hits.count(i) for i in range(self.line_count)]) if hits else None
        counts, call = state.counts, state.call
        counts[offset] += 1
        if place >= 0:
            call.left[index][place] += 1
        state.line = line
        if added is not None:
            call.extra[:] = added
        return counts

    def leave(self, state: FrameState, place: int, line: int) -> None:
        """A frame ends, by an exception from `place` or (NOTHING) not.

        `line`: one with a hit that is not part of any offset's count, or NOTHING.
        """
        index, entry = state.code_state.plan.index, state.code_state.plan.entry
        call, state.left = state.call, True
        if place >= 0:
            call.left[index][place] += 1
        if line >= 0:
            call.extra[line] += 1
        if entry >= 0:
            call.extra[entry] += 1

    def close_open_line(self, state: FrameState) -> None:
        """Take note of the line under way in a frame whose end was not seen: its hit was counted when it started."""
        line, plan = state.line, state.code_state.plan
        at = state.at if state.at >= 0 else plan.only_yield
        if at >= 0:
            line = plan.line_at(at, line)
        is_open = 0 <= line < self.line_count and plan.entry < 0
        call, state.left = state.call, True
        if at >= 0:
            call.left[plan.index][at] += 1
        if is_open:
            call.open.append(line)

    def disable_unreachable(self, code_state: CodeState, frame: FrameType) -> None:
        """Once the last call has started, find the offsets that none of the target's remaining frames can reach."""
        offsets = {key: state.at for key, state in list(self.by_key.items()) if state.code_state is code_state}
        above: FrameType | None = frame
        while above is not None and -1 in offsets.values():
            if offsets.get(id(above)) == -1 and above.f_code is code_state.code:
                offsets[id(above)] = above.f_lasti
            above = above.f_back
        if -1 not in offsets.values():
            reachable = {target for offset in offsets.values() for target in code_state.plan.reach(offset)}
            code_state.unreachable = frozenset(code_state.actions.keys() - reachable)

    def survive(self, error: Exception, depth: int, starts: bool = False) -> object:
        """A callback has failed for the frame `depth` callers up, which may be one that `starts`.

        Return an answer for the interpreter.
        """
        state = self.by_key.get(id(sys._getframe(depth)))
        return self._store.survive(error, None if state is None else state.call, starts)

    def stop(self) -> None:
        """From now on there is no frame and no code object: no thread that is still in a callback finds any."""
        self.ended = True
        self.codes, self.by_key = {}, {}
