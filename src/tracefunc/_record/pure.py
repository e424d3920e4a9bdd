"""The recorder in plain Python: turns monitoring events into counts and samples of each call.

It is the readable specification that the compiled recorder has to equal. The recorder watches (events here, frames in
`pure_frames`, the mode in which events are only counted in `pure_counting`); what is kept of a hit is up to `store`.
"""

from __future__ import annotations

import sys

from .._interpreter import ASYNCHRONOUS, FREE_THREADED
from .._plan.markers import NOTHING, UNCHANGED
from .._plan.origins import raised_at
from .pure_counting import COUNTERS, MAX_ATTEMPTS, CountingMode, code_within
from .pure_ending import Callbacks, Ending
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
        self.store = Store(calls, target, samples)
        self.frames = self.frames_type(plan, self.store)
        self.renew_lock = self.frames.renew_lock
        self.counting = CountingMode(self.frames, self.store, monitor, self.examine, measure_all)
        self.ending = Ending(self.frames, self.counting, _CALLBACKS)
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
            if code_state is None or self.frames.ended:
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
                self.frames.enter(code_state, id(frame), call)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1, True)

    def _start_call(self, code_state: CodeState, frame: FrameType) -> object:
        """A call of the target starts."""
        # The start of a frame that can be suspended could be disabled too early.
        if self.store.is_full() and not code_state.plan.suspends:
            return self._pass_by(code_state, frame)
        call = self.store.open(frame)
        if call is None:
            self._refuse()
            return None
        self.refused = 0
        self.frames.enter(code_state, id(frame), call)
        if self.wants_only_starts:  # another thread may set that at any time before the frame was entered
            self._want_only_starts(False)
        self.store.enter(call)
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
            if action.element < 0:
                self._change_line(state, action, offset, frame)
                return None
            counted = state.counts  # from here on `Ending` knows that this event is part of the counts
            counted[offset] += 1
            if self.store.wants(state.call, action.element):
                self._sample(state, action.element, frame, None)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    @property
    def on_instruction(self) -> Callable[..., object]:
        """The callback of INSTRUCTION: `examine`, or one that only counts where that is enough."""
        return self.counting.callback

    def _change_line(self, state: FrameState, action: Action, offset: int, frame: FrameType) -> None:
        """The line under way ends, and another one starts."""
        line, before, plan = action.line, state.line, state.code_state.plan
        error = sys.exception() if action.handles or (line == NOTHING and before in plan.raises_again) else None
        if before >= self.lines or line >= self.lines or action.catches or action.implied:
            place, hits, ended = self.follow(state, action, offset, id(frame), error)
            counted = self.frames.commit(state, line, offset, place, hits)
            if line >= self.lines:
                state.advances_before = self._advances(state)
        else:
            ended = [before] if before >= 0 else []
            counted = state.counts  # as in `examine`
            counted[offset] += 1
            state.line = line
        if error is not None:
            self._settle(state, frame, error)
        for each in ended:
            if self.store.wants(state.call, each):
                self._sample(state, each, frame, error)
                if action.restores:
                    state.cleaned_up = each, state.call.last[each]
        counting = self.counting.of(state)
        if counting is not None:
            counting.let_go(before)
            counting.hold(line)

    def follow(
        self, state: FrameState, action: Action, offset: int, key: int, error: BaseException | None
    ) -> tuple[int, list[int], list[int]]:
        """Return what else happens as control arrives at `offset`, in the frame at the address `key`, handling `error`.

        That is where control has left the plan's flow before, the lines that get a hit which is not part of any
        offset's count, and the lines that end.
        """
        before, place, interrupted = state.line, NOTHING, []
        if action.catches:  # a handler has an exception
            place, prelude = state.code_state.plan.catching(key, offset, error)
            if prelude >= 0:
                interrupted.append(self.line_of[prelude])
        if before < self.lines:
            ended = [*interrupted, before] if before >= 0 else interrupted
        else:
            if before in action.before and before != action.prelude and not self._has_advanced(state):
                interrupted.append(self.line_of[before])  # control has come to a handler
            ended = interrupted
        hits = [*interrupted, *(implied for only_after, implied in action.implied if only_after == before)]
        implied_ends = [implied for only_after, implied in action.implied if only_after in (before, UNCHANGED)]
        return place, hits, [*ended, *implied_ends]

    def on_yield(self, code: CodeType, offset: int, value: object, depth: int = 1) -> object:
        """PY_YIELD: a frame is suspended."""
        try:
            state = self.frames.by_key.get(id(sys._getframe(depth)))
            if state is not None and state.code_state.code is code:
                code_state = state.code_state
                state.at = offset
                if state.wants_yields and state.own_call is not None:
                    state.wants_yields = self.store.give(state.own_call, value)
                if code_state.plan.only_yield >= 0 and not state.wants_yields:
                    if state.own_call is None:
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
        try:
            self.on_resume(code, offset, depth + 1)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    def on_unwind(self, code: CodeType, offset: int, error: BaseException, depth: int = 1) -> object:
        """PY_UNWIND: an exception leaves a frame."""
        try:
            code_state = self.frames.codes.get(id(code))
            if code_state is not None:
                self._leave(code_state, sys._getframe(depth), offset, None, error)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    def on_return(self, code: CodeType, offset: int, value: object, depth: int = 1) -> object:
        """PY_RETURN: a frame returns."""
        try:
            code_state = self.frames.codes.get(id(code))
            if code_state is not None:
                self._leave(code_state, sys._getframe(depth), offset, value)
            return None
        except Exception as ours:
            return self.frames.survive(ours, depth + 1)

    def _leave(
        self,
        code_state: CodeState,
        frame: FrameType,
        offset: int,
        value: object,
        error: BaseException | None = None,
    ) -> None:
        """A frame ends at `offset`, with a value, or with an exception."""
        plan, key = code_state.plan, id(frame)
        if frame.f_code is not code_state.code:
            return
        state = self.frames.by_key.get(key)
        if state is None:
            if plan.is_target and code_state.code.co_flags & ASYNCHRONOUS:
                self.store.leave_refused(key)
            return
        self.counting.stop(code_state)
        place = prelude = NOTHING
        if error is not None:
            place, prelude = plan.leaving(key, offset, error)
        line = self.line_of[prelude] if prelude >= 0 else state.line
        self.frames.leave(state, place, line if prelude >= 0 else NOTHING)
        if error is not None:
            self._settle(state, frame, error)
        if 0 <= line < self.lines and self.store.wants(state.call, line):
            self._sample(state, line, frame, error)
        if state.own_call is not None:
            try:
                # Nothing is asked of a value that was not raised, not even its class.
                # The state need not be known: events may only be counted.
                where = plan.returning.get(offset, NOTHING) if error is None else raised_at(frame, error)
            except RecursionError:
                where = frame.f_lasti
            self.store.close(state.own_call, key, where, value, error)
        self._forget(key)
        if plan.is_target and self.store.is_complete():
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

    def _sample(self, state: FrameState, line: int, frame: FrameType, error: BaseException | None) -> None:
        """A line has ended whose sample is wanted. `error`: what leaves the frame, or is handled there, if anything."""
        if self.notice is not None:
            self.notice(True)
        plan = state.code_state.plan
        ending = None if error is None else plan.ending(frame, line, error)
        if self.store.sample(state.call, line, frame, plan.readers[line], ending):
            self.counting.settle(state, line)

    def _settle(self, state: FrameState, frame: FrameType, error: BaseException) -> None:
        """It is known now which exception has led to the clean-up code that ran last."""
        (line, moment), state.cleaned_up = state.cleaned_up, (NOTHING, 0)
        if line >= 0 and (found := state.code_state.plan.ending(frame, line, error)) is not None:
            self.store.mark_raised(state.call, line, moment, found)

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

    def end(self) -> None:
        """Record nothing from here on, though events may still come.

        A thread may be in a callback still, and its answer must not disable an offset that a later trace has armed.
        """
        self.disable = None
        self.ending.take()

    def stop(self) -> None:
        """Complete the records of all calls, at the end."""
        self.end()
        self.counting.end()
        for state in self.ending.states(self.follow, self.line_of):
            self.frames.close_open_line(state)
        self.frames.stop()


def share(recorders: dict[int, tuple[Recorder, ...]], name: str) -> Callable[..., object]:
    """Return one callback for an event that several recorders want, by the code's address; DISABLE if all say so."""

    def deliver(code: CodeType, offset: int, *value: object) -> object:
        try:
            asked = recorders.get(id(code), ())
            if not asked:
                return None
            monitor, armings = asked[0].monitor, asked[0].monitor.armings
            answers, counted = [], 0
            while counted < len(asked):
                callback = getattr(asked[counted], name)
                # Both calls are made without letting other threads run when they return, unlike calls of what is
                # written in C: the addition belongs to the step that counts the event, as `Ending` expects.
                answer = callback(code, offset, *value, 2) if value else callback(code, offset, 2)
                counted += 1
                answers.append(answer)
            agreed = all(answer is DISABLE for answer in answers)
            # Not what another thread has armed since the first was asked.
            return asked[0].disable if agreed and monitor.armings == armings else None
        except Exception as error:
            for recorder in recorders[id(code)]:
                recorder.frames.survive(error, 2, True)
            return None

    return deliver


_INSTRUCTION = [Recorder.examine.__code__, Recorder._change_line.__code__, *COUNTERS]
_CALLBACKS = Callbacks(_INSTRUCTION, Recorder.on_unwind.__code__, code_within(share, "deliver"))
