"""All that is stored of the calls of one target: which calls, the samples of their lines, and how they end."""

from __future__ import annotations

import sys

from .._values.sample import sample
from .greenlets import watched
from .raw_call import RawCall

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from .._plan.target_plan import Plan
    from .._values.read import Reader
    from .._values.sample import Sample
    from .call_info import CallInfo
    from .calls import Calls
    from .limit import Limit


class Store:
    """Stores the samples, calls and results of one target: the only part of a recorder that knows `Calls`.

    The recorder watches: it knows which call starts or ends, and which line of which frame. The store decides whether
    the call is recorded and the hit sampled, and how they are kept.
    """

    __slots__ = ("_calls", "_code_count", "_describe", "_limit", "_line_count", "_moments", "_overwrites", "_target")

    def __init__(self, plan: Plan, calls: Calls, target: int, samples: Limit) -> None:
        """`target`: the number of the plan for `calls`; `samples`: of a line in a call."""
        self._line_count = len(plan.lines)
        self._code_count = len(plan.codes)
        self._calls = calls
        self._target = target
        self._describe = calls.describe
        self._moments = calls.moments
        self._limit = samples.most
        self._overwrites = samples.surplus  # the sample that makes room for a new one, by its index; -1: none does

    # which calls are recorded

    def is_full(self) -> bool:
        """Return whether no call that has not started will be recorded."""
        return self._calls.full

    def is_complete(self) -> bool:
        """Return whether all calls that will be recorded have started."""
        return self._calls.full and not self._calls.is_starting(self._target)

    def open(self, frame: FrameType) -> CallInfo | None:
        """Return what is known of a call that starts in `frame`, or None if the call is not recorded."""
        try:
            return self._calls.open(self._target, frame)
        except RecursionError:  # the program's own limit, so near that no stack is left for us
            return None

    def pass_over(self, frame: FrameType) -> bool:
        """Note a call that starts after the last one that is recorded; return whether the next one is of interest."""
        try:
            return self._calls.pass_over(self._target, frame)
        except RecursionError:
            return True

    def watches(self) -> bool:
        """Return whether it is of interest that another call starts, although none is recorded any more."""
        return self._calls.watches(self._target)

    def new_call(self) -> RawCall:
        """Return an empty record."""
        return RawCall(self._line_count, self._code_count)

    def call_around(self) -> tuple[bool, RawCall | None]:
        """Return whether the context knows which call nested code runs in, and that call if it is recorded."""
        return self._calls.around(self._target)

    def base(self) -> int:
        """Return the address of the frame that runs `fn`, or 0: no call of ours is below it."""
        return self._calls.base

    # what a call gives

    def give(self, info: CallInfo, value: object) -> bool:
        """Keep a value that a call yields; return whether the next one is wanted too."""
        return self._calls.give(info, value)

    def close(self, info: CallInfo, key: int, where: int, value: object, error: BaseException | None) -> None:
        """End a call, whose frame has the address `key`, with a value, or with an exception."""
        try:
            self._calls.close(info, key, where, value, error)
        except RecursionError:
            pass

    def forget(self, info: CallInfo, key: int) -> None:
        """Note that the frame of a call, with the address `key`, is gone."""
        self._calls.forget(info, key)

    def leave_refused(self, key: int) -> None:
        """End a call that is not recorded, and can be suspended."""
        self._calls.leave(key)

    # samples

    def wants(self, call: RawCall, line: int) -> bool:
        """Return whether a sample of a line, taken now, is kept."""
        return self._overwrites >= 0 or len(call.samples[line]) < self._limit

    def has_all(self, call: RawCall, lines: Iterable[int]) -> bool:
        """Return whether samples of these lines are not wanted any more."""
        samples, limit = call.samples, self._limit
        return self._overwrites < 0 and all(len(samples[line]) >= limit for line in lines)

    def complete_lines(self, call: RawCall) -> set[int]:
        """Return the lines of which samples are not wanted any more."""
        if self._overwrites >= 0:
            return set()
        return {line for line, rows in enumerate(call.samples) if len(rows) >= self._limit}

    def sample(
        self, call: RawCall, line: int, frame: FrameType, readers: Iterable[Reader], error: BaseException | None
    ) -> bool:
        """Sample a line whose hit has ended, by `error` if there is one; return whether it lacks no more samples."""
        rows = call.samples[line]
        if call.dropped:
            return False
        moment = next(self._moments)
        raised = None if error is None else self._calls.sample_error(self._target, error)
        if "greenlet" in sys.modules:
            values = watched(self._calls.note_switch, self._values, frame, readers)
        else:
            values = self._values(frame, readers)
        rows.append((moment, values, raised))
        if self._overwrites >= 0:
            if len(rows) > self._limit:
                del rows[self._overwrites]
            return False
        del rows[self._limit :]  # another thread may have been quicker
        return len(rows) == self._limit

    def last_moment(self, call: RawCall, line: int) -> int:
        """Return when a line was sampled last; -1 if it was not."""
        rows = call.samples[line]
        return rows[-1][0] if rows else -1

    def mark_raised(self, call: RawCall, line: int, moment: int, error: BaseException) -> None:
        """Note that `error` has ended the hit of a line that was sampled at a moment."""
        rows = call.samples[line]
        for i in range(len(rows) - 1, -1, -1):
            if rows[i][0] == moment:
                rows[i] = moment, rows[i][1], self._calls.sample_error(self._target, error)
                return

    def _values(self, frame: FrameType, readers: Iterable[Reader]) -> tuple[Sample, ...]:
        return tuple([sample(frame, reader, self._describe) for reader in readers])

    # the end

    def survive(self, error: Exception, call: RawCall | None, starts: bool) -> object:
        """A callback has failed, for a frame of `call`, or one that `starts`: return an answer for the program."""
        calls = self._calls
        if isinstance(error, RecursionError) and call is None and (calls.full or not starts):
            return None  # no stack is left, and nothing was to be recorded
        try:
            calls.give_up(error, call)
        except Exception:  # once more: that is enough to leave nothing wrong in the results, and to say so
            calls.failed = True
        return None

    def record(self, call: RawCall) -> RawCall:
        """Return what was recorded of a call. Other threads, which may be in a callback still, add nothing to it."""
        call.dropped = True
        call.samples = [rows[: self._limit] for rows in call.samples]
        return call
