"""All that is stored of the calls of one target: which calls, the samples of their lines, and how they end."""

from __future__ import annotations

import sys

from .._log.samples import put_variable
from .._log.values import ValueWriter
from .call_log import CallLog
from .greenlets import watched

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from .._values.read import Reader
    from .calls import Calls
    from .limit import Limit
    from .raw_call import RawCall


class Store:
    """Stores the samples, calls and results of one target: the only part of a recorder that knows `Calls`.

    The recorder watches: it knows which call starts or ends, and which line of which frame. The store decides whether
    the call is recorded and the hit sampled, and how they are kept.
    """

    __slots__ = ("_calls", "_limit", "_log", "_most", "_overwrites", "_target", "_writer")

    def __init__(self, calls: Calls, target: int, samples: Limit) -> None:
        """`target`: the number of the plan for `calls`; `samples`: of a line in a call."""
        assert isinstance(calls.log, CallLog), "each engine has a log of its own"
        self._calls = calls
        self._log = calls.log
        self._target = target
        self._writer = ValueWriter(calls.describe, calls.log.texts)
        self._limit = samples
        self._most = samples.most
        self._overwrites = samples.surplus >= 0  # whether a sample makes room for a new one

    # which calls are recorded

    def is_full(self) -> bool:
        """Return whether no call that has not started will be recorded."""
        return self._log.full

    def is_complete(self) -> bool:
        """Return whether all calls that will be recorded have started."""
        return self._log.full and not self._log.is_starting(self._target)

    def open(self, frame: FrameType) -> RawCall | None:
        """Return the call that starts in `frame`, or None if it is not recorded."""
        try:
            call: RawCall | None = self._calls.open(self._target, frame)
            return call
        except RecursionError:  # the program's own limit, so near that no stack is left for us
            return None

    def enter(self, call: RawCall) -> None:
        """Note that a call has started that `open` has returned."""
        self._log.enter(call)

    def pass_over(self, frame: FrameType) -> bool:
        """Note a call that starts after the last one that is recorded; return whether the next one is of interest."""
        try:
            return self._calls.pass_over(self._target, frame)
        except RecursionError:
            return True

    def watches(self) -> bool:
        """Return whether it is of interest that another call starts, although none is recorded any more."""
        return self._calls.watches(self._target)

    def call_around(self) -> tuple[bool, RawCall | None]:
        """Return whether the context knows which call nested code runs in, and that call if it is recorded."""
        return self._log.contexts.call_around(self._target)

    def base(self) -> int:
        """Return the address of the frame that runs `fn`, or 0: no call of ours is below it."""
        return self._log.base

    # what a call gives

    def give(self, call: RawCall, value: object) -> bool:
        """Keep a value that a call yields; return whether the next one is wanted too."""
        return self._log.give(call, value)

    def close(self, call: RawCall, key: int, where: int, value: object, error: BaseException | None) -> None:
        """End a call, whose frame has the address `key`, with a value, or with an exception."""
        try:
            self._log.close(call, key, where, value, error)
        except RecursionError:
            pass

    def forget(self, call: RawCall, key: int) -> None:
        """Note that the frame of a call, with the address `key`, is gone."""
        self._log.forget(call, key)

    def complete(self, call: RawCall) -> None:
        """Note that a call has ended of which no frame is left."""
        self._log.complete(call)

    def leave_refused(self, key: int) -> None:
        """End a call that is not recorded, and can be suspended."""
        self._calls.leave(key)

    # samples

    def wants(self, call: RawCall, line: int) -> bool:
        """Return whether a sample of a line, taken now, is kept."""
        return self._overwrites or call.taken[line] < self._most

    def has_all(self, call: RawCall, lines: Iterable[int]) -> bool:
        """Return whether samples of these lines are not wanted any more."""
        taken, most = call.taken, self._most
        return not self._overwrites and all(taken[line] >= most for line in lines)

    def complete_lines(self, call: RawCall) -> set[int]:
        """Return the lines of which samples are not wanted any more."""
        if self._overwrites:
            return set()
        return {line for line, taken in enumerate(call.taken) if taken >= self._most}

    def sample(
        self, call: RawCall, line: int, frame: FrameType, readers: Iterable[Reader], error: BaseException | None
    ) -> bool:
        """Sample a line whose hit has ended, by `error` if there is one; return whether it lacks no more samples."""
        if call.closed:
            return False
        moment = next(self._log.moments)
        raised = None
        if error is not None:
            raised = bytearray()
            self._log.values.put_raised(raised, self._target, error)
        if "greenlet" in sys.modules:
            values = watched(self._calls.note_switch, self._values, frame, readers)
        else:
            values = self._values(frame, readers)
        if self._overwrites:
            call.keep_sample(line, [moment, values, raised], self._limit)
            call.taken[line] += 1
            call.last[line] = moment
            return False
        part = call.sample(line, moment, values, raised)
        taken = call.taken
        if taken[line] < self._most:  # another thread may have been quicker
            taken[line] += 1
            call.append(part)
            call.last[line] = moment
        return taken[line] == self._most

    def mark_raised(self, call: RawCall, line: int, moment: int, error: BaseException) -> None:
        """Note that `error` has ended the hit of a line that was sampled at a moment."""
        self._log.mark_raised(call, line, moment, error)

    def _values(self, frame: FrameType, readers: Iterable[Reader]) -> bytearray:
        values = bytearray()
        for reader in readers:
            put_variable(values, frame, reader, self._writer)
        return values

    # the end

    def survive(self, error: Exception, call: RawCall | None, starts: bool) -> object:
        """A callback has failed, for a frame of `call`, or one that `starts`: return an answer for the program."""
        calls = self._calls
        if isinstance(error, RecursionError) and call is None and (calls.full or not starts):
            return None  # no stack is left, and nothing was to be recorded
        try:
            calls.give_up(error, -1 if call is None else call.number)
        except Exception:  # once more: that is enough to leave nothing wrong in the results, and to say so
            calls.failed = True
        return None
