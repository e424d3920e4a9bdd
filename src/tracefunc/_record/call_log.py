"""The log of one trace in plain Python: its calls, from their starts to their complete records."""

from __future__ import annotations

from _thread import RLock
from itertools import count
from time import perf_counter

from .._forks import held_over_forks
from .._interpreter import ASYNCHRONOUS, GENERATOR
from .._log.records import (
    FAILED,
    MORE_YIELDED,
    RAISED,
    RETURNED,
    YIELDED,
    Start,
    put_hits,
    put_start,
)
from .._log.texts import Texts
from .._log.varints import put_varint
from .._plan.markers import NOTHING
from .call_values import CallValues
from .contexts import Contexts
from .hits import count_hits
from .raw_call import RawCall
from .thread_names import task_name, thread_name

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import FrameType

    from .._plan.target_plan import Plan
    from .call_options import CallOptions
    from .stacks import Stacks

_lock = RLock()  # of the calls of all traces, held for a few steps
held_over_forks(_lock)


class CallLog:
    """The calls of one trace that are recorded, of all its targets."""

    def __init__(self, plans: Sequence[Plan], options: CallOptions, stacks: Stacks) -> None:
        self.plans = plans
        self.texts = Texts()
        self.contexts = Contexts()
        self.moments = count()  # of the starts and ends of calls, and of samples
        self.base = 0  # the address of the frame that runs `fn`: none of our calls is below it
        self.seen = 0  # no call is started without `Calls`
        self.full = options.calls.most == 0  # whether no call that starts will be recorded any more
        self.kept: list[RawCall] = []  # in the order of their starts
        self.starting: dict[
            int, int
        ] = {}  # by the numbers of calls that their recorder does not know yet: their targets
        self.values = CallValues(plans, options.outline, self.texts, options.redaction)
        self._stack_of = stacks.text
        self._limit, self._yields = options.calls, options.yields
        self._began = perf_counter()
        self._next = 0  # the number of the call that starts next
        self._running: dict[int, RawCall] = {}  # by the address of the target's frame

    # calls start

    def start(self, target: int, frame: FrameType) -> RawCall | None:
        """Start to record a call of a target; return None if it is too late for that."""
        call = RawCall(target, len(self.plans[target].lines), len(self.plans[target].codes))
        start = Start(target)
        start.stack = self.texts.number(self._stack_of(frame))
        self._find_parent(start, frame)
        arguments = bytearray()
        self.values.put_arguments(arguments, target, frame)
        start.thread, task = self.texts.number(thread_name()), task_name()
        start.task = None if task is None else self.texts.number(task)
        if frame.f_code.co_flags & (GENERATOR | ASYNCHRONOUS) != GENERATOR:  # which shares its consumer's context
            call.scope = self.contexts.enter(target, call)  # before it is kept: no stack may be left for this
        start.began = call.began = next(self.moments)
        if not self._keep(call, start, arguments):
            self.forget(call, id(frame))
            return None
        self._running[id(frame)] = call
        return call

    def _keep(self, call: RawCall, start: Start, arguments: bytearray) -> bool:
        """Number a call, begin its record and keep it, in place of another one if there are too many.

        Return False if it is not kept.
        """
        dropped, part = None, bytearray()
        with _lock:
            if self._limit.surplus < 0 and len(self.kept) >= self._limit.most:
                return False  # another thread was quicker
            call.number = start.number = self._next
            self._next += 1
            self.starting[call.number] = call.target
            call.started = perf_counter()
            start.started = round((call.started - self._began) * 1e9)
            put_start(part, start)
            call.parts.append(part + arguments)  # before it is kept: its thread may come no further
            self.kept.append(call)
            if self._limit.surplus < 0:
                self.full = len(self.kept) == self._limit.most
            elif len(self.kept) > self._limit.most:
                dropped = self.kept.pop(self._limit.surplus)
        if dropped is not None:
            dropped.closed = True
        return True

    def enter(self, call: RawCall) -> None:
        """Note that the recorder of a call knows it from here on."""
        self.starting.pop(call.number, None)

    def is_starting(self, target: int) -> bool:
        """Return whether a call was started that its recorder does not know yet."""
        return target in list(self.starting.values())

    def _find_parent(self, start: Start, frame: FrameType) -> None:
        """Find the recorded call that `frame` was called in, by the stack or the context, and the line that called it.

        That line is not known where only the context tells of the call: it waits elsewhere, or runs in another thread.
        """
        above, between = frame.f_back, []
        while above is not None and id(above) != self.base:
            between.append(above)
            found = self._running.get(id(above))
            if found is not None and above.f_code is self.plans[found.target].codes[0].code:
                start.parent, start.parent_line = found.number, self._calling_line(found, between)
                return
            above = above.f_back
        found = self.contexts.innermost()
        if found is not None:
            start.parent = found.number

    def _calling_line(self, parent: RawCall, frames: Iterable[FrameType]) -> tuple[int, int | None] | None:
        """Return the line of a call that is under way in the innermost frame of it, and how many hits it has had.

        These are as many as there are samples, until those are full.
        """
        code_plans = self.plans[parent.target].by_code
        for frame in frames:
            code_plan = code_plans.get(id(frame.f_code))
            if code_plan is not None:
                line = code_plan.raising_lines.get(frame.f_lasti, NOTHING)
                if line == NOTHING:
                    return None
                hits = parent.taken[line]
                return line, hits if hits < self._yields.most else None
        return None

    # what a call gives

    def give(self, call: RawCall, value: object) -> bool:
        """Keep a sample of what a call yields; return whether to be told of the next value too."""
        if not self.values.is_yielded(call.target, value):
            return True
        call.yields += 1
        if call.yields == self._yields.most + 1:
            call.append(bytes((MORE_YIELDED,)))
        if call.yields > self._yields.most and self._yields.surplus < 0:
            return False
        part = bytearray((YIELDED,))
        self.values.put_yielded(part, call.target, value)
        if self._yields.surplus < 0:
            call.append(part)
        else:
            call.keep_yield(part, self._yields)
        return True

    def close(self, call: RawCall, key: int, where: int, value: object, error: BaseException | None) -> None:
        """End a recorded call, whose frame has the address `key`, with a value, or with an exception.

        `where`: the offset at which the exception was raised, or else the state that was under way.
        """
        seconds = perf_counter() - call.started
        part = bytearray((RETURNED if error is None else FAILED,))
        put_varint(part, next(self.moments) - call.began)
        put_varint(part, round(seconds * 1e9))
        if error is not None:
            where = self.plans[call.target].codes[0].raising_lines.get(where, NOTHING)
        put_varint(part, max(where, NOTHING) + 1)
        self.forget(call, key)
        if error is None:
            self.values.put_returned(part, call.target, value, where)
        else:
            self.values.put_raised(part, call.target, error)
        call.append(part)
        call.ended = True

    def mark_raised(self, call: RawCall, line: int, moment: int, error: BaseException) -> None:
        """Note that `error` has ended the hit of a line that was sampled at a moment."""
        value = bytearray()
        self.values.put_raised(value, call.target, error)
        if call.kept is None:
            part = bytearray((RAISED,))
            put_varint(part, line)
            put_varint(part, moment - call.began)
            call.append(part + value)
        else:
            for slot in call.kept[line]:
                if slot[0] == moment:
                    slot[2] = value

    def forget(self, call: RawCall, key: int) -> None:
        """Forget the frame of a recorded call, with the address `key`: it is gone."""
        if self._running.get(key) is call:
            del self._running[key]
        scope, call.scope = call.scope, None
        if scope is not None:
            self.contexts.leave(scope)

    def complete(self, call: RawCall) -> None:
        """Complete the record of a call, unless that was done, or it is not kept: no frame of it is recorded any more.

        Other threads, which may be in a callback still, add nothing to it. Where this fails, it can be done again.
        """
        with _lock:  # once, even if another thread gets here at the end of the trace
            if not call.closed:
                call.closed = True
                hits, part = count_hits(self.plans[call.target], call), bytearray()
                put_hits(part, hits, call.sampled())
                call.complete(part)

    # the end

    def leave_out(self, is_left_out: Callable[[int], bool]) -> int:
        """Show no call with such a number; return how many there are."""
        before = len(self.kept)
        self.kept = [call for call in self.kept if not is_left_out(call.number)]
        return before - len(self.kept)

    def unended(self) -> frozenset[int]:
        """Return the numbers of the calls that have not ended."""
        return frozenset(call.number for call in list(self.kept) if not call.ended)

    @property
    def recorded(self) -> int:
        """How many calls are kept."""
        return len(self.kept)

    def moment_count(self) -> int:
        """Return how many moments there were, when the trace is over."""
        return next(self.moments)

    def numbers(self) -> range:
        """Return the numbers of all calls so far."""
        return range(self._next)

    def records(self) -> Iterator[bytes]:
        """Yield the records of the calls that are kept, in the order of their starts, when the trace is over."""
        for call in self.kept:
            with _lock:
                call.closed = call.is_complete
                self.complete(call)
            yield b"".join(call.parts)
