"""What is kept of each call: the samples of its lines, and its record in the end."""

from __future__ import annotations

from .._values.sample import sample
from .raw_call import RawCall

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from .._plan.target_plan import Plan
    from .._values.describe import Describe
    from .._values.read import Reader
    from .limit import Limit


class Store:
    """Keeps the samples of one target's calls.

    The recorder watches: it knows which line of which frame has ended. The store decides whether that hit is sampled,
    and how the sample is kept.
    """

    __slots__ = ("_code_count", "_describe", "_limit", "_line_count", "_overwrites")

    def __init__(self, plan: Plan, describe: Describe, limit: Limit) -> None:
        self._line_count = len(plan.lines)
        self._code_count = len(plan.codes)
        self._describe = describe
        self._limit = limit.most  # samples of a line in a call
        self._overwrites = limit.surplus  # the sample that makes room for a new one, by its index; -1: none does

    def open(self) -> RawCall:
        """Return an empty record for a call that starts."""
        return RawCall(self._line_count, self._code_count)

    def lacks(self, call: RawCall, line: int) -> bool:
        """Return whether the next hit of a line is to be sampled."""
        return self._overwrites >= 0 or len(call.samples[line]) < self._limit

    def has_all(self, call: RawCall, lines: Iterable[int]) -> bool:
        """Return whether no hit of these lines is to be sampled any more."""
        return not any(self.lacks(call, line) for line in lines)

    def complete_lines(self, call: RawCall) -> set[int]:
        """Return the lines no hit of which is to be sampled any more."""
        return {line for line in range(self._line_count) if not self.lacks(call, line)}

    def sample(self, call: RawCall, line: int, frame: FrameType, readers: Iterable[Reader]) -> bool:
        """Sample the names of a line that lacks samples; return whether it has all its samples now."""
        if call.dropped:
            return False
        rows = call.samples[line]
        rows.append(tuple([sample(frame, reader, self._describe) for reader in readers]))
        if self._overwrites >= 0:
            if len(rows) > self._limit:
                del rows[self._overwrites]
            return False
        del rows[self._limit :]  # another thread may have been quicker
        return len(rows) == self._limit

    def record(self, call: RawCall) -> RawCall:
        """Return the record of a call when all is over."""
        call.samples = [rows[: self._limit] for rows in call.samples]
        return call
