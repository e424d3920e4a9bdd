"""The recorder in plain Python: turns monitoring events into counts and samples of each call.

It is the readable specification that the compiled recorder has to equal. The recorder watches (events here, frames in
`pure_frames`, the mode in which events are only counted in `pure_counting`); what is kept of a hit is up to `store`.
"""

from __future__ import annotations

import sys

from .._interpreter import ASYNCHRONOUS, FREE_THREADED
from .._plan.markers import NOTHING, UNCHANGED
from .._plan.origins import raised_at
from .pure_counting import MAX_ATTEMPTS, CountingMode
from .pure_frames import Frames
from .store import Store

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from .._plan.offsets import Action
    from .._plan.target_plan import Plan
    from .calls import Calls
    from .interfaces import Arming
    from .limit import Limit
    from .pure_frames import CodeState, FrameState
    from .raw_call import RawCall

DISABLE = sys.monitoring.DISABLE
_MAX_REFUSALS = 100  # calls in a row


class Recorder:
    """Records those calls of a plan's target that `calls` chooses.

    The `on_...` attributes are the callbacks of the events. Their `depth` says how many callers up the frame of the
    event is. `monitor` is asked to register a callback again when it changes, to arm a code object again when disabled
    offsets of it are wanted again, and to remove the recorder once nothing more can be recorded.
    """

    frames_type = Frames

    def __init__(
        self,
        plan: Plan,
        calls: Calls,
        target: int,
        monitor: Arming,
        samples: Limit,
        measure_all: bool = False,
    ) -> None:
        """`target`: the number of the plan for `calls`; `samples`: of a line in a call."""
        self.plan = plan
        self.monitor = monitor
        self.notice = monitor.notice  # looks for other tools that have started meanwhile, where these matter
        self.lines = len(plan.lines)
        self.line_of = [*range(self.lines), *plan.preludes]  # by state: the line that it is a hit of
        self.store = Store(plan, calls, target, samples)
        self.frames = self.frames_type(plan, self.store)
        self.counting = CountingMode(self.frames, self.store, monitor, self.examine, measure_all)
        self.wants_only_starts = calls.chooses  # no event is wanted but the start of a call
        self.refused = 0  # calls in a row
        self.disable: object = DISABLE  # the answer to an event that is not wanted any more

    def code_objects(self) -> list[CodeType]:
        """Return the code objects whose events are wanted, the target's first."""
        return [code_state.code for code_state in self.frames.codes.values()]

    # events

    def on_start(self, code: CodeType, offset: int, depth: int = 1) -> object:
        """PY_START: a frame of the target, or of code nested in it, makes its first step."""
        try:
            code_state = self.frames.codes.get(id(code))
            if code_state is None:
                return None
            frame = sys._getframe(depth)
            if frame.f_code is not code:  # 3.15: a generator expression that is being made runs in its maker's frame
                return None
            if self.notice is not None:
                self.notice(bool(self.frames.by_key))
            self.counting.stop(code_state)
            self._evict_stale_frame(id(frame))
            if code_state.plan.is_target:
                return self._start_call(code_state, frame)
            if (call := self.frames.call_around(frame)) is not None:
                self.frames.enter(code_state, id(frame), call, None)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1, True)

    def _start_call(self, code_state: CodeState, frame: FrameType) -> object:
        """A call of the target starts."""
        # The start of a frame that can be suspended could be disabled too early.
        if self.store.is_full() and not code_state.plan.suspends:
            return self._pass_by(code_state, frame)
        info = self.store.open(frame)
        if info is None:
            self._refuse()
            return None
        call = self.store.new_call()
        self.refused = 0
        self.frames.enter(code_state, id(frame), call, info)
        if self.wants_only_starts:  # another thread may set that at any time before the frame was entered
            self._want_only_starts(False)
        info.raw = call  # it has started now
        return None

    def _pass_by(self, code_state: CodeState, frame: FrameType) -> object:
        """A call starts after the last one that is recorded."""
        if self.store.pass_over(frame):
            return None
        if self.finish():
            return None
        code_state.attempts += 1  # recorded calls share the code with others
        if code_state.attempts < MAX_ATTEMPTS:
            return None
        if self.store.is_complete():
            self.frames.disable_unreachable(code_state, frame)
        return self.disable

    def examine(self, code: CodeType, offset: int, depth: int = 1) -> object:
        """INSTRUCTION: control is about to execute `offset` in the frame that is `depth` callers up."""
        try:
            code_state = self.frames.codes.get(id(code))
            if code_state is None:
                return None
            action = code_state.actions.get(offset)
            if action is None or offset in code_state.unreachable:
                return self.disable
            frame = sys._getframe(depth)
            state = self.frames.by_key.get(id(frame))
            if state is None or state.code_state is not code_state:
                return None
            if action.conditional and state.line == action.line:
                return None
            counting = self.counting.of(state) if self.counting.by_code else None
            if counting is not None and offset in counting.derived:
                state.call.silenced.add(code_state.plan.index)
                if not counting.ended:  # no other thread can end it between this and the answer
                    return self.disable
            state.counts[offset] += 1
            element = action.element
            if element >= 0:
                if self.store.wants(state.call, element):
                    self._sample(state, element, frame, None)
            else:
                if action.catches:
                    self._catch(state, offset, frame)
                self._change_line(state, action, frame)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    @property
    def on_instruction(self) -> Callable[..., object]:
        """The callback of INSTRUCTION: `examine`, or one that only counts where that is enough."""
        return self.counting.callback

    def _catch(self, state: FrameState, offset: int, frame: FrameType) -> None:
        """A handler has an exception."""
        place, prelude = state.code_state.plan.catching(id(frame), offset, sys.exception())
        if place >= 0:
            self.frames.end_flow(state, place)
        if prelude >= 0:
            self._interrupt(state, prelude, frame, sys.exception())

    def _change_line(self, state: FrameState, action: Action, frame: FrameType) -> None:
        """The line under way ends, and another one starts."""
        line, before = action.line, state.line
        if 0 <= before < self.lines:
            if self.store.wants(state.call, before):
                self._sample(state, before, frame, sys.exception())
        elif before in action.before and before != action.prelude and not self._has_advanced(state):
            self._interrupt(state, before, frame, sys.exception())  # control has come to a handler
        for only_after, implied_line in action.implied:
            if only_after == before:
                self.frames.add_hit(state, implied_line)
            if only_after in (before, UNCHANGED) and self.store.wants(state.call, implied_line):
                self._sample(state, implied_line, frame, None)
        state.line = line
        if line >= self.lines:
            state.advances_before = self._advances(state)
        counting = self.counting.of(state)
        if counting is not None:
            counting.let_go(before)
            counting.hold(line)

    def on_yield(self, code: CodeType, offset: int, value: object, depth: int = 1) -> object:
        """PY_YIELD: a frame is suspended."""
        try:
            state = self.frames.by_key.get(id(sys._getframe(depth)))
            if state is not None and state.code_state.code is code:
                code_state = state.code_state
                state.at = offset
                if state.wants_yields and state.info is not None:
                    state.wants_yields = self.store.give(state.info, value)
                if code_state.plan.only_yield >= 0 and not state.wants_yields:
                    if state.info is None:
                        return self.disable
                    if code_state.frames == 1 and not FREE_THREADED:
                        code_state.stale_generation += 1  # the values of the next call will be wanted again
                        return self.disable
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    def on_resume(self, code: CodeType, offset: int, depth: int = 1) -> object:
        """PY_RESUME: a suspended frame goes on."""
        try:
            key = id(sys._getframe(depth))
            counting = self.counting.by_code.get(id(code))
            if counting is not None and counting.key == key:
                counting.state.at = -1
                return None
            code_state = self.frames.codes.get(id(code))
            if code_state is not None:
                state = self.frames.by_key.get(key)
                if state is not None:
                    state.at = -1
                if counting is not None:
                    self.counting.stop(code_state)
                elif code_state.attempts < MAX_ATTEMPTS:
                    self.counting.start(code_state)
                elif not code_state.plan.is_target:  # where a nested frame was suspended is not needed while it runs
                    return self.disable
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    def on_throw(self, code: CodeType, offset: int, error: BaseException, depth: int = 1) -> object:
        """PY_THROW: a suspended frame goes on with an exception. This event cannot be disabled."""
        self.on_resume(code, offset, depth + 1)
        return None

    def on_unwind(self, code: CodeType, offset: int, error: BaseException, depth: int = 1) -> object:
        """PY_UNWIND: an exception leaves a frame."""
        try:
            code_state = self.frames.codes.get(id(code))
            if code_state is not None:
                prelude = NOTHING
                frame = sys._getframe(depth)
                state = self.frames.by_key.get(id(frame))
                if state is not None and state.code_state is code_state:
                    place, prelude = code_state.plan.leaving(frame, offset, error)
                    self.frames.end_flow(state, place)
                self._leave(code_state, code, frame, None, error, prelude)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    def on_return(self, code: CodeType, offset: int, value: object, depth: int = 1) -> object:
        """PY_RETURN: a frame returns."""
        try:
            code_state = self.frames.codes.get(id(code))
            if code_state is not None:
                self._leave(code_state, code, sys._getframe(depth), value)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    def _leave(
        self,
        code_state: CodeState,
        code: CodeType,
        frame: FrameType,
        value: object,
        error: BaseException | None = None,
        prelude: int = NOTHING,
    ) -> None:
        """A frame ends, with a value or an exception. `prelude`: that of a loop, if the exception has ended it."""
        if frame.f_code is not code:
            return
        key = id(frame)
        state = self.frames.by_key.get(key)
        if state is None:
            if code_state.plan.is_target and code.co_flags & ASYNCHRONOUS:
                self.store.leave_refused(key)
            return
        self.counting.stop(code_state)
        if prelude >= 0:
            self._interrupt(state, prelude, frame, error)
        elif 0 <= state.line < self.lines and self.store.wants(state.call, state.line):
            self._sample(state, state.line, frame, error)
        if code_state.plan.entry >= 0:
            self.frames.add_hit(state, code_state.plan.entry)
        if state.info is not None:
            try:
                # Nothing is asked of a value that was not raised, not even its class.
                where = state.line if error is None else raised_at(frame, error)
            except RecursionError:
                where = frame.f_lasti
            self.store.close(state.info, key, where, value, error)
        self._forget(key)
        if code_state.plan.is_target and self.store.is_complete():
            self.frames.disable_unreachable(code_state, frame)
        if code_state.frames == 1:
            self.counting.start(code_state, frame)

    # frames

    def _evict_stale_frame(self, key: int) -> None:
        """A frame that starts may have the address of another one, whose end the interpreter did not report.

        It does not report the end of a generator that ignores being closed; 3.13.0 to 3.13.9 do not report that of any
        suspended one that is closed or dropped.
        """
        state = self.frames.by_key.get(key)
        if state is not None:
            self.frames.close_open_line(state)
            self._forget(key)

    def _forget(self, key: int) -> None:
        self.frames.forget(key)
        self.finish()

    def finish(self) -> bool:
        """Stop, if nothing more can be recorded; return whether that is done.

        Until it is known whether there are more calls than those that are recorded, the next start is waited for.
        """
        if self.frames.by_key or not self.store.is_complete():
            return False
        if self.store.watches():
            if not self.wants_only_starts:
                self._want_only_starts(True)
            return False
        self.monitor.remove(self)
        return True

    # samples

    def _advances(self, state: FrameState) -> int:
        """Return how often the loop has advanced whose prelude is under way."""
        return self.counting.count_at(state, state.code_state.plan.advances[state.line])

    def _has_advanced(self, state: FrameState) -> bool:
        """Return whether the loop has advanced since its prelude, which is under way, has begun."""
        return self._advances(state) != state.advances_before

    def _interrupt(self, state: FrameState, prelude: int, frame: FrameType, error: BaseException | None) -> None:
        """An exception has ended a loop's prelude: a hit without an advance."""
        line = self.line_of[prelude]
        self.frames.add_hit(state, line)
        if self.store.wants(state.call, line):
            self._sample(state, line, frame, error)

    def _sample(self, state: FrameState, line: int, frame: FrameType, error: BaseException | None) -> None:
        """A line has ended whose sample is wanted. `error`: what leaves the frame, or is handled there, if anything."""
        if self.notice is not None:
            self.notice(True)
        plan = state.code_state.plan
        error = None if error is None else plan.ending(frame, line, error)
        if self.store.sample(state.call, line, frame, plan.readers[line], error):
            self.counting.settle(state, line)

    # calls that are not recorded

    def _refuse(self) -> None:
        """A call is not recorded. After many of them, only starts are wanted, as long as no call is recorded."""
        self.refused += 1
        if self.store.is_full():
            self.finish()
        elif self.refused >= _MAX_REFUSALS and not self.wants_only_starts and not self.frames.by_key:
            self._want_only_starts(True)

    def _want_only_starts(self, only_starts: bool) -> None:
        self.wants_only_starts = only_starts
        # A call that starts meanwhile in another thread enters its frame first and asks for `wants_only_starts` then,
        # so it is seen here, or sees that here. Each arms what is wanted at that time.
        if self.frames.by_key:
            self.wants_only_starts = False
        for code in self.code_objects():
            self.monitor.rearm(code)

    # the end

    def disarmed(self) -> None:
        """Note that no event will come any more.

        A thread may be in a callback still, and its answer must not disable an offset that a later trace has armed.
        """
        self.disable = None

    def stop(self) -> None:
        """Complete the records of all calls; to be called once, at the end."""
        self.counting.end()
        self.frames.stop()

    def record(self, call: RawCall) -> RawCall:
        """Return what was recorded of a call."""
        return self.store.record(call)


def share(recorders: dict[int, tuple[Recorder, ...]], name: str) -> Callable[..., object]:
    """Return one callback for an event that several recorders want, by the code's address; DISABLE if all say so."""

    def deliver(code: CodeType, *details: object) -> object:
        try:
            answers = [getattr(recorder, name)(code, *details, 2) for recorder in recorders.get(id(code), ())]
            agreed = answers and all(answer is DISABLE for answer in answers)
            return recorders[id(code)][0].disable if agreed else None
        except Exception as error:
            for recorder in recorders[id(code)]:
                recorder.frames.survive(error, 2, True)
            return None

    return deliver
