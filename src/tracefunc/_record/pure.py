"""The recorder in plain Python: turns monitoring events into counts and samples per call.

This is the readable specification that a compiled recorder has to equal. Counting and sampling are two things: an
offset at which a line starts is counted whenever control reaches it, while the state of a frame (the line under way)
only serves to sample that line when the next one starts. So once all lines around an offset have their samples,
nothing but its count is wanted, and a callback that does no more than count takes over.
"""

from __future__ import annotations

import sys

from .._interpreter import ASYNCHRONOUS, COROUTINE, FREE_THREADED
from .._plan.markers import NOTHING, UNCHANGED
from .._values.sample import sample
from .raw_call import RawCall
from .stacks import all_frames

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType

    from .._plan.code_plan import CodePlan
    from .._plan.offsets import Action
    from .._plan.target_plan import Plan
    from .._values.describe import Describe
    from .calls import CallInfo, Calls
    from .limit import Limit
    from .monitor import Monitor

DISABLE = sys.monitoring.DISABLE
_MAX_ATTEMPTS = 100


class _Frame:
    """A frame that is being recorded."""

    __slots__ = ("at", "call", "code", "counts", "gives", "info", "line", "mark")

    def __init__(self, call: RawCall, code: _Code, info: CallInfo | None) -> None:
        self.call = call
        self.code = code
        self.info = info  # of the call, where this is the target's frame
        self.gives = info is not None and not code.code.co_flags & COROUTINE  # values that are wanted
        self.line = code.plan.entry  # the state that is under way
        self.mark = 0  # of a prelude under way: how often its loop had advanced before
        self.at = -1  # the offset where it is suspended
        call.entered[code.plan.index] += 1
        counts = call.counts[code.plan.index]
        if counts is None:
            counts = call.counts[code.plan.index] = [0] * len(code.code.co_code)
        self.counts = counts


class _Code:
    """A code object while it is traced."""

    __slots__ = ("actions", "attempts", "code", "dead", "frames", "mended", "missed", "plan")

    def __init__(self, plan: CodePlan) -> None:
        self.plan = plan
        self.code = plan.code
        self.actions = plan.actions
        self.frames = 0  # being recorded now
        self.attempts = 0  # to count only
        self.missed = 0  # how often silenced offsets have come to be wanted again
        self.mended = 0  # of these: how often the code object has been armed since
        self.dead: frozenset[int] = frozenset()  # offsets that no frame which is recorded will come to


class _Counting:
    """A code object, executed by one frame, whose events are mostly only counted."""

    __slots__ = ("catching", "ended", "full", "key", "numbers", "patience", "silent", "state")

    def __init__(self, key: int, state: _Frame) -> None:
        self.key = key  # of the frame
        self.state = state
        self.numbers: list[int | None] = [None] * len(state.code.code.co_code)  # None: examine the event
        self.full: set[int] = set()  # the states of which nothing but the count is wanted
        self.silent: set[int] = set()  # offsets that need not even be counted
        self.catching: set[int] = set()  # offsets of which nothing is wanted but the count, and what is caught there
        self.patience = _MAX_ATTEMPTS  # how often more silent offsets may come to be wanted again
        self.ended = False

    def catch(self, offset: int) -> bool:
        """A handler has an exception at an offset in `catching`; returns whether that has been counted."""
        state, error = self.state, sys.exception()
        place, prelude = state.code.plan.catching(self.key, offset, error)
        if prelude >= 0:
            return False
        if place >= 0:
            left = state.call.left[state.code.plan.index]
            left[place] = left.get(place, 0) + 1
        state.counts[offset] += 1
        return True

    def end(self) -> None:
        """Put the numbers into the counts. A callback that another thread has just entered will examine its event."""
        self.ended = True
        self.catching.clear()
        numbers, counts = self.numbers, self.state.counts
        for offset in range(len(numbers)):
            number, numbers[offset] = numbers[offset], None
            if number:
                counts[offset] += number


class Recorder:
    """Records the calls of a plan's target that `calls` wants to have recorded.

    The `on_...` attributes are the callbacks of the events. `monitor` is asked to register them anew when one of them
    changes, to arm a code object anew when silenced offsets of it are wanted again, and to remove the recorder once
    nothing more can be recorded. Their `depth` says how many callers up the frame of the
    event is. A frame is known by its address and forgotten at its exit; no reference to a frame or a value is kept.
    """

    def __init__(
        self,
        plan: Plan,
        calls: Calls,
        target: int,
        monitor: Monitor,
        samples: Limit,
        measure_all: bool = False,
    ) -> None:
        self.plan = plan
        self.calls = calls
        self.target = target  # the number of the plan for `calls`
        self.lines = len(plan.lines)
        self.counted = [*range(self.lines), *plan.preludes]  # the line that a state is a hit of
        self.codes = {id(code_plan.code): _Code(code_plan) for code_plan in plan.codes}
        self.describe: Describe = calls.describe
        self.monitor = monitor
        self.notice = monitor.notice  # looks for other tools that have started meanwhile, where these matter
        self.max_samples = samples.most  # of a line in a call
        self.surplus = (
            samples.surplus
        )  # which sample of a line is dropped for a new one; -1: none is, the new one is not taken
        self.measure_all = measure_all  # derive no counts from others
        self.asleep = calls.chooses  # no event is wanted but the start of a call
        self.refused = 0  # calls in a row
        self.frames: dict[int, _Frame] = {}
        self.running: dict[int, RawCall] = {}  # the target's frames, in the order in which they started
        self.counting: dict[int, _Counting] = {}  # by code
        self.on_instruction: Callable[..., object] = self.examine

    def code_objects(self) -> list[CodeType]:
        """The code objects whose events are wanted, the target's first."""
        return [own.code for own in self.codes.values()]

    # events

    def on_start(self, code: CodeType, offset: int, depth: int = 1) -> object:
        """PY_START: a frame of the target, or of code nested in it, makes its first step."""
        own = self.codes.get(id(code))
        if own is None:
            return None
        frame = sys._getframe(depth)
        if frame.f_code is not code:  # 3.15: a generator expression that is being made runs in its maker's frame
            return None
        if self.notice is not None:
            self.notice()
        self._stop_counting(own)
        key = id(frame)
        self._forget_lost(key)
        info: CallInfo | None = None
        if own.plan.is_target:
            if self.calls.full and not own.plan.suspends:  # the start of one that does may have been silenced too early
                return self._pass_by(own, frame)
            try:
                info = self.calls.open(self.target, frame)
            except RecursionError:  # the program's own limit, so near that there is nothing left for us
                pass
            if info is None:
                self._refuse()
                return None
            call = RawCall(self.lines, len(self.plan.codes))
            self.refused = 0
            if self.asleep:
                self._sleep(False)
        elif (around := self._call_around(frame)) is not None:
            call = around
        else:
            return None
        self._enter(own, key, call, info)
        if info is not None:
            info.raw = call  # it has started now
        return None

    def _pass_by(self, own: _Code, frame: FrameType) -> object:
        """A call starts after the last one that is recorded."""
        own.attempts += 1  # it is not alone with the code
        if own.attempts < _MAX_ATTEMPTS:
            return None
        if not self.calls.is_starting(self.target):
            self._bury(own, frame)
        return DISABLE

    def _enter(self, own: _Code, key: int, call: RawCall, info: CallInfo | None) -> None:
        """A frame is recorded from now on."""
        if info is not None:
            self.running[key] = call
        self.frames[key] = _Frame(call, own, info)
        own.frames += 1

    def examine(self, code: CodeType, offset: int, depth: int = 1) -> object:
        """INSTRUCTION: control is about to execute `offset` in the frame that is `depth` callers up."""
        own = self.codes.get(id(code))
        if own is None:
            return None
        action = own.actions.get(offset)
        if action is None or offset in own.dead:
            return DISABLE
        frame = sys._getframe(depth)
        state = self.frames.get(id(frame))
        if state is None or state.code is not own or (action.conditional and state.line == action.line):
            return None
        counting = self.counting.get(id(code)) if self.counting else None
        if counting is not None and counting.state is state and offset in counting.silent:
            state.call.silenced.add(own.plan.index)
            if not counting.ended:  # no other thread can end it between this and the answer
                return DISABLE
        state.counts[offset] += 1
        element = action.element
        if element >= 0:
            if self.surplus >= 0 or len(state.call.samples[element]) < self.max_samples:
                self._sample(state, element, frame)
        else:
            if action.catches:
                self._catch(state, offset, frame)
            self._change_line(state, action, frame)
        return None

    def _catch(self, state: _Frame, offset: int, frame: FrameType) -> None:
        """A handler has an exception."""
        place, prelude = state.code.plan.catching(id(frame), offset, sys.exception())
        if place >= 0:
            self._left(state, place)
        if prelude >= 0:
            self._interrupted(state, prelude, frame)

    def _change_line(self, state: _Frame, action: Action, frame: FrameType) -> None:
        """The line under way ends, and another one starts."""
        own, line, before = state.code, action.line, state.line
        if 0 <= before < self.lines:
            self._sample(state, before, frame)
        elif before in action.before and before != action.prelude and self._advanced(state, before) == state.mark:
            self._interrupted(state, before, frame)  # control has come to a handler
        for only_after, ghost in action.implied:
            if only_after == before:
                self._hit(state, ghost)
            if only_after in (before, UNCHANGED):
                self._sample(state, ghost, frame)
        state.line = line
        if line >= self.lines:
            state.mark = self._advanced(state, line)
        counting = self.counting.get(id(own.code))
        if counting is not None and counting.state is state:  # another frame's may be about to be given up
            self._let_go(counting, before)
            self._hold(counting, line)

    def on_yield(self, code: CodeType, offset: int, value: object, depth: int = 1) -> object:
        """PY_YIELD: a frame is suspended."""
        state = self.frames.get(id(sys._getframe(depth)))
        if state is not None and state.code.code is code:
            own = state.code
            state.at = offset
            if state.gives and state.info is not None:
                state.gives = self.calls.give(state.info, value)
            if own.plan.only_yield >= 0 and not state.gives:
                if state.info is None:
                    return DISABLE
                if own.frames == 1 and not FREE_THREADED:
                    own.missed += 1  # the values of the next call will be wanted again
                    return DISABLE
        return None

    def on_resume(self, code: CodeType, offset: int, depth: int = 1) -> object:
        """PY_RESUME: a suspended frame goes on."""
        key = id(sys._getframe(depth))
        counting = self.counting.get(id(code))
        if counting is not None and counting.key == key:
            counting.state.at = -1
            return None
        own = self.codes.get(id(code))
        if own is not None:
            state = self.frames.get(key)
            if state is not None:
                state.at = -1
            if counting is not None:
                self._stop_counting(own)
            elif own.attempts < _MAX_ATTEMPTS:
                self._count(own)
            elif not own.plan.is_target:  # of one that runs, nobody asks where it was suspended
                return DISABLE
        return None

    def on_throw(self, code: CodeType, offset: int, error: BaseException, depth: int = 1) -> object:
        """PY_THROW: a suspended frame goes on with an exception. This event cannot be disabled."""
        self.on_resume(code, offset, depth + 1)
        return None

    def on_unwind(self, code: CodeType, offset: int, error: BaseException, depth: int = 1) -> object:
        """PY_UNWIND: an exception leaves a frame."""
        own = self.codes.get(id(code))
        if own is not None:
            prelude = NOTHING
            frame = sys._getframe(depth)
            state = self.frames.get(id(frame))
            if state is not None and state.code is own:
                offset, prelude = own.plan.leaving(frame, offset, error)
                self._left(state, offset)
            self._leave(own, code, frame, True, error, prelude)
        return None

    def on_return(self, code: CodeType, offset: int, value: object, depth: int = 1) -> object:
        """PY_RETURN: a frame returns."""
        own = self.codes.get(id(code))
        if own is not None:
            self._leave(own, code, sys._getframe(depth), False, value)
        return None

    def _leave(
        self, own: _Code, code: CodeType, frame: FrameType, raised: bool, value: object, prelude: int = NOTHING
    ) -> None:
        """A frame ends, with a value or an exception, in the middle of a loop's prelude if that is one."""
        if frame.f_code is not code:
            return
        key = id(frame)
        state = self.frames.get(key)
        if state is None:
            if own.plan.is_target and code.co_flags & ASYNCHRONOUS:
                self.calls.leave(key)
            return
        self._stop_counting(own)
        if prelude >= 0:
            self._interrupted(state, prelude, frame)
        elif 0 <= state.line < self.lines:
            self._sample(state, state.line, frame)
        if own.plan.entry >= 0:
            self._hit(state, own.plan.entry)
        if state.info is not None:
            try:
                line = self.counted[prelude] if prelude >= 0 else state.line if state.line < self.lines else NOTHING
                self.calls.close(state.info, key, line, raised, value)
            except RecursionError:
                pass
        self._forget(key)
        if own.plan.is_target and self.calls.full and not self.calls.is_starting(self.target):
            self._bury(own, frame)
        if own.frames == 1:
            self._count(own, frame)

    def _hit(self, state: _Frame, line: int) -> None:
        """A hit that is no offset's count."""
        state.call.extra[line] += 1

    def _left(self, state: _Frame, offset: int) -> None:
        """Flow leaves the plan's at `offset`: by an exception, or because the trace ends."""
        left = state.call.left[state.code.plan.index]
        left[offset] = left.get(offset, 0) + 1

    # frames

    def _call_around(self, frame: FrameType) -> RawCall | None:
        """The call that code starting in `frame` belongs to."""
        above = frame.f_back
        while above is not None and above is not self.calls.base:
            state = self.frames.get(id(above))
            if state is not None and state.code.code is above.f_code:
                return state.call
            if id(above.f_code) in self.codes:
                return None
            above = above.f_back
        known, call = self.calls.around(self.target)
        if known:
            return call  # type: ignore[no-any-return]
        running = list(self.running.values())  # at once: other threads change it
        return running[-1] if running else None

    def _forget_lost(self, key: int) -> None:
        """A frame has the address of another one, whose exit the interpreter did not report.

        It says nothing of a generator that ignores being closed, and in 3.13.0 to 3.13.9 of any that is suspended.
        """
        state = self.frames.get(key)
        if state is not None:
            self._lose(state)
            self._forget(key)

    def _lose(self, state: _Frame) -> None:
        """A frame has not ended, or nobody said so: its line was counted when it started."""
        line, plan = state.line, state.code.plan
        at = state.at if state.at >= 0 else plan.only_yield
        if at >= 0:
            self._left(state, at)
            line = plan.line_at(at, line)
        if 0 <= line < self.lines and plan.entry < 0:
            state.call.open.append(line)

    def _forget(self, key: int) -> None:
        state = self.frames.pop(key, None)
        if state is None:
            return
        state.code.frames -= 1
        if state.info is not None:
            self.running.pop(key, None)
            self.calls.forget(state.info, key)
        self.finish()

    def finish(self) -> None:
        """Stop, if nothing more can be recorded."""
        if self.calls.full and not self.frames and not self.calls.is_starting(self.target):
            self.monitor.remove(self)

    def _bury(self, own: _Code, frame: FrameType) -> None:
        """The last call has started: listen only where the frames of the target that are left can still come to."""
        places = {key: state.at for key, state in list(self.frames.items()) if state.code is own}
        above: FrameType | None = frame
        while above is not None and -1 in places.values():
            if places.get(id(above)) == -1 and above.f_code is own.code:
                places[id(above)] = above.f_lasti
            above = above.f_back
        if -1 not in places.values():
            reached = {target for place in places.values() for target in own.plan.reach(place)}
            own.dead = frozenset(own.actions.keys() - reached)

    # samples

    def _advanced(self, state: _Frame, prelude: int) -> int:
        """How often the loop of a prelude has advanced."""
        offset = state.code.plan.advances[prelude]
        counting = self.counting.get(id(state.code.code))
        return state.counts[offset] + ((counting.numbers[offset] or 0) if counting is not None else 0)

    def _interrupted(self, state: _Frame, prelude: int, frame: FrameType) -> None:
        """An exception ended a loop's prelude: a hit without an advance."""
        line = self.counted[prelude]
        self._hit(state, line)
        self._sample(state, line, frame)

    def _sample(self, state: _Frame, line: int, frame: FrameType) -> None:
        samples = state.call.samples[line]
        if self.surplus < 0 and len(samples) >= self.max_samples:
            return
        if self.notice is not None:
            self.notice()
        if not state.call.dropped:
            readers = state.code.plan.readers[line]
            samples.append(tuple([sample(frame, reader, self.describe) for reader in readers]))
            if self.surplus < 0:
                del samples[self.max_samples :]  # another thread may have been quicker
            elif len(samples) > self.max_samples:
                del samples[self.surplus]
            if len(samples) == self.max_samples:
                counting = self.counting.get(id(state.code.code))
                if counting is None:
                    self._count(state.code)
                elif counting.state is state:
                    self._count_more(counting, line)

    # counting only

    def _count(self, own: _Code, leaving: FrameType | None = None) -> None:
        """Only count the offsets of `own` at which nothing is sampled any more, if that can be done.

        It can where one frame alone runs that code, besides the one that is `leaving`, and waits for this thread: on
        free-threaded builds, that cannot be known.
        """
        if FREE_THREADED or own.frames != 1 or own.attempts >= _MAX_ATTEMPTS or id(own.code) in self.counting:
            return
        found = [item for item in list(self.frames.items()) if item[1].code is own]
        if len(found) != 1 or self.surplus >= 0:
            return
        if all(len(samples) < self.max_samples for samples in found[0][1].call.samples):
            return
        key, state = found[0]
        if leaving is not None and not _is_called_by(leaving, key):
            return
        own.attempts += 1
        counting = self.counting[id(own.code)] = _Counting(key, state)
        # Asked after a frame that starts or goes on from now on is known to end the counting.
        running = {id(frame) for frame in all_frames() if frame.f_code is own.code}
        if running - {key, id(leaving)}:
            self._stop_counting(own)
            return
        samples = state.call.samples
        full = {line for line, found in enumerate(samples) if len(found) >= self.max_samples}
        counting.full = {NOTHING, *(s for s, line in own.plan.deciders.items() if line in full)}
        for offset, action in own.actions.items():
            self._count_plainly(counting, offset, action)
        self._hold(counting, state.line)
        self._bind()

    def _count_more(self, counting: _Counting, line: int) -> None:
        """One more line has its samples."""
        own = counting.state.code
        states, offsets = own.plan.concerned[line]
        counting.full.update(states)
        for offset in offsets:
            self._count_plainly(counting, offset, own.actions[offset])
        self._hold(counting, counting.state.line)

    def _count_plainly(self, counting: _Counting, offset: int, action: Action) -> None:
        """Switch an offset over if only its count is wanted, provided that no line that wants more is under way."""
        if counting.numbers[offset] is not None or offset in counting.silent:
            return
        plan = counting.state.code.plan
        if not self.measure_all and offset in plan.derived_counts.derived and self._serves_nothing(counting, offset):
            counting.silent.add(offset)
        elif action.element >= 0 or action.line in counting.full:
            ghosts = [ghost for before, ghost in action.implied if before < 0]
            if self._has_all(counting, (action.element,) if action.element >= 0 else ghosts) and not counting.ended:
                if action.catches:
                    counting.catching.add(offset)
                else:
                    counting.numbers[offset] = 0

    def _serves_nothing(self, counting: _Counting, offset: int) -> bool:
        """Whether nothing but its count is wanted of an offset, as long as no line that can end there is sampled.

        Such a line may be rare, and its exits are brought back for it: not too often, as that takes time.
        """
        wants = counting.state.code.plan.wants.get(offset)
        if wants is None or not self._has_all(counting, wants[0]):
            return False
        return counting.patience > 0 or self._has_all(counting, wants[1])

    def _has_all(self, counting: _Counting, lines: Iterable[int]) -> bool:
        """Whether the samples of all `lines` are complete."""
        samples = counting.state.call.samples
        return self.surplus < 0 and all(len(samples[line]) >= self.max_samples for line in lines)

    def _hold(self, counting: _Counting, line: int) -> None:
        """A line is under way that is still sampled: where it can end, events are examined."""
        if line in counting.full:
            return
        own = counting.state.code
        exits = own.plan.exits.get(line, ())
        for offset in exits:
            counting.state.counts[offset] += counting.numbers[offset] or 0
            counting.numbers[offset] = None
            counting.catching.discard(offset)
        if not counting.silent.isdisjoint(exits):
            counting.silent.difference_update(exits)
            if own.plan.index in counting.state.call.silenced:
                counting.patience -= 1
                self.monitor.rearm(own.code)

    def _let_go(self, counting: _Counting, line: int) -> None:
        """That line has ended: back to counting."""
        if line in counting.full:
            return
        own = counting.state.code
        for offset in own.plan.exits.get(line, ()):
            self._count_plainly(counting, offset, own.actions[offset])

    def _stop_counting(self, own: _Code) -> None:
        """Back to examining each event of `own`."""
        key = id(own.code)
        counting = self.counting.get(key)
        if counting is not None:
            counting.end()  # before it is gone: another thread that finds none has nothing to do
            if counting.silent:
                own.missed += 1
            if key in self.counting and self.counting[key] is counting:
                del self.counting[key]
            self._bind()
        missed = own.missed
        if missed != own.mended:  # by this thread or another one, which has not got further yet
            self.monitor.rearm(own.code)
            own.mended = missed

    def _bind(self) -> None:
        self.on_instruction = self._counter()
        self.monitor.rebind()

    def _counter(self) -> Callable[..., object]:
        """A callback that counts where that is enough, as fast as Python can, and leaves all else to `examine`."""
        examine = self.examine
        now = self.counting.copy()  # at once: other threads change it
        if not now:
            return examine
        if len(now) == 1:
            (counting,) = now.values()
            numbers, catching, catch = counting.numbers, counting.catching, counting.catch
            only = counting.state.code.code

            def count_one(code: CodeType, offset: int, depth: int = 1) -> object:
                if code is only:
                    number = numbers[offset]
                    if number is not None:
                        numbers[offset] = number + 1
                        return None
                    if offset in catching and catch(offset):
                        return None
                return examine(code, offset, depth + 1)

            return count_one
        plain = {key: (counting.numbers, counting.catching, counting.catch) for key, counting in now.items()}

        def count(code: CodeType, offset: int, depth: int = 1) -> object:
            found = plain.get(id(code))
            if found is not None:
                number = found[0][offset]
                if number is not None:
                    found[0][offset] = number + 1
                    return None
                if offset in found[1] and found[2](offset):
                    return None
            return examine(code, offset, depth + 1)

        return count

    # rest

    def _refuse(self) -> None:
        """A call is not recorded: after many of them, only starts are listened to, as long as no call is recorded."""
        self.refused += 1
        if not self.asleep and not self.frames and self.refused >= _MAX_ATTEMPTS and not self.calls.full:
            self._sleep(True)

    def _sleep(self, asleep: bool) -> None:
        self.asleep = asleep
        for code in self.code_objects():
            self.monitor.rearm(code)

    # the end

    def disarmed(self) -> None:
        """No event will come any more, and nothing else is counted from now on."""

    def stop(self) -> None:
        """Complete the records of all calls; to be done once, at the end."""
        for counting in list(self.counting.values()):
            counting.end()
        running = {(id(frame), id(frame.f_code)): frame.f_lasti for frame in all_frames()} if self.frames else {}
        for key, state in list(self.frames.items()):
            state.at = running.get((key, id(state.code.code)), state.at)
            self._lose(state)
        # What other threads do that are in a callback still must not reach what is recorded.
        self.codes, self.frames = {}, {}

    def record(self, call: RawCall) -> RawCall:
        """What was recorded of a call."""
        call.samples = [rows[: self.max_samples] for rows in call.samples]
        return call


def _is_called_by(frame: FrameType, key: int) -> bool:
    """Whether the frame with the address `key` is below another one on its stack."""
    below = frame.f_back
    while below is not None and id(below) != key:
        below = below.f_back
    return below is not None


def share(recorders: dict[int, tuple[Recorder, ...]], name: str) -> Callable[..., object]:
    """One callback for an event that several recorders want, by the address of the code; DISABLE if all say so."""

    def deliver(code: CodeType, *details: object) -> object:
        answers = [getattr(recorder, name)(code, *details, 2) for recorder in recorders.get(id(code), ())]
        return DISABLE if answers and all(answer is DISABLE for answer in answers) else None

    return deliver
