"""The frames that the pure recorder records: the call that each belongs to, where it stands, and its counts."""

from __future__ import annotations

import sys

from .._interpreter import COROUTINE
from .live_frames import all_frames

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from types import FrameType

    from .._plan.code_plan import CodePlan
    from .._plan.target_plan import Plan
    from .call_info import CallInfo
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

    __slots__ = ("advances_before", "at", "call", "code_state", "counts", "info", "line", "wants_yields")

    def __init__(self, call: RawCall, code_state: CodeState, info: CallInfo | None) -> None:
        self.call = call
        self.code_state = code_state
        self.info = info  # the call's, where this is the target's frame
        self.wants_yields = info is not None and not code_state.code.co_flags & COROUTINE
        self.line = code_state.plan.entry  # the line, or the loop's prelude, that is under way
        self.advances_before = 0  # while a prelude is under way: how often its loop had advanced before
        self.at = -1  # the offset where the frame is suspended, or -1
        index = code_state.plan.index
        call.entered[index] += 1
        counts = call.counts[index]
        if counts is None:
            counts = call.counts[index] = [0] * len(code_state.code.co_code)
        self.counts = counts


class Frames:
    """The frames that one recorder records.

    A frame is known by its address and forgotten when it ends. No reference to a frame is kept.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self.codes = {id(code_plan.code): CodeState(code_plan) for code_plan in plan.codes}
        self.by_key: dict[int, FrameState] = {}  # by address
        self._line_count = len(plan.lines)
        self._store = store
        self._running: dict[int, RawCall] = {}  # the target's frames, in the order in which they started

    def enter(self, code_state: CodeState, key: int, call: RawCall, info: CallInfo | None) -> FrameState:
        """Record a frame from now on. `info` is the call's, where this is the target's frame."""
        if info is not None:
            self._running[key] = call
        state = self.by_key[key] = FrameState(call, code_state, info)
        code_state.frames += 1
        return state

    def forget(self, key: int) -> None:
        """Record a frame no longer."""
        state = self.by_key.pop(key, None)
        if state is None:
            return
        state.code_state.frames -= 1
        if state.info is not None:
            self._running.pop(key, None)
            self._store.forget(state.info, key)

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

    def add_hit(self, state: FrameState, line: int) -> None:
        """Add a hit that is not part of any offset's count."""
        state.call.extra[line] += 1

    def end_flow(self, state: FrameState, offset: int) -> None:
        """Note that control leaves the plan's flow at `offset`."""
        state.call.end_flow(state.code_state.plan.index, offset)

    def close_open_line(self, state: FrameState) -> None:
        """Take note of the line under way in a frame whose end was not seen: its hit was counted when it started."""
        line, plan = state.line, state.code_state.plan
        at = state.at if state.at >= 0 else plan.only_yield
        if at >= 0:
            self.end_flow(state, at)
            line = plan.line_at(at, line)
        if 0 <= line < self._line_count and plan.entry < 0:
            state.call.open.append(line)

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
        """Close the lines that are under way. From now on there is no frame and no code object."""
        running = {(id(frame), id(frame.f_code)): frame.f_lasti for frame in all_frames()} if self.by_key else {}
        for key, state in list(self.by_key.items()):
            state.at = running.get((key, id(state.code_state.code)), state.at)
            self.close_open_line(state)
        # Other threads that are still in a callback must not change what was recorded.
        self.codes, self.by_key = {}, {}
