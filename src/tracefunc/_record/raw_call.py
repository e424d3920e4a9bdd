"""A call while it is recorded: its record so far, and the numbers from which the hits of its lines follow."""

from __future__ import annotations

from _operator import itemgetter
from collections import defaultdict

from .._log.records import RAISED_SAMPLE, SAMPLE
from .._log.varints import put_varint

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

    from .limit import Limit

    Slot = list[Any]
    """The sample of a hit: its moment, the bytes of its values, and those of what ended the hit, or None."""


class RawCall:
    """A call while it is recorded."""

    __slots__ = (
        "began",
        "closed",
        "counts",
        "ended",
        "entered",
        "extra",
        "frames",
        "is_complete",
        "kept",
        "kept_yields",
        "last",
        "left",
        "loops",
        "number",
        "open",
        "parts",
        "scope",
        "silenced",
        "started",
        "taken",
        "target",
        "yields",
    )

    def __init__(self, target: int, lines: int, codes: int) -> None:
        """`lines` and `codes`: how many lines and code objects the plan has."""
        self.number = -1  # in the order in which calls start
        self.target = target  # the number of its plan
        self.parts: list[bytes | bytearray] = []  # of its record: a list, as threads may append to it at once
        self.began = -1  # the moment of its start
        self.started = 0.0
        self.ended = False  # whether it has returned, or raised
        self.closed = False  # whether nothing is added to its record: that is complete, or a later call has its place
        self.is_complete = False
        self.scope: Any = None  # what its start did to the context; None: nothing
        self.frames = 0  # how many of its frames are being recorded, those of nested code included
        self.taken = [0] * lines  # samples, by line
        self.last = [-1] * lines  # the moments of the latest of these
        # By line: the samples that may have to make room for later ones; None where all that are taken are kept.
        self.kept: list[list[Slot]] | None = None
        self.yields = 0  # samples of what it has yielded
        self.kept_yields: list[bytearray] | None = None
        self.counts: list[list[int] | None] = [None] * codes  # by code object: how often each offset was reached
        self.extra = [0] * lines  # hits that are not part of any offset's count
        self.entered = [0] * codes  # by code object: its frames
        # By offset: how often control left the flow there. No code of Python runs between reading and writing a number.
        self.left: list[dict[int, int]] = [defaultdict(int) for _ in range(codes)]
        self.silenced: set[int] = set()  # the code objects that have counts which must be derived
        self.loops: list[frozenset[int]] = [frozenset()] * codes  # the loops whose turns are in `counts`
        self.open: list[int] = []  # the lines under way in frames that have not ended

    def sample(self, line: int, moment: int, values: bytearray, error: bytearray | None) -> bytearray:
        """Return the sample of a hit, which an exception ended unless `error` is None, as a part of the record."""
        part = bytearray((SAMPLE if error is None else RAISED_SAMPLE,))
        put_varint(part, line)
        put_varint(part, moment - self.began)
        part += values
        if error is not None:
            part += error
        return part

    def append(self, part: bytes | bytearray) -> None:
        """Append a part to the record, unless that is complete."""
        if not self.closed:
            self.parts.append(part)

    def sampled(self) -> list[int]:
        """Return how many samples of each line are kept."""
        return self.taken if self.kept is None else list(map(len, self.kept))

    def keep_sample(self, line: int, slot: Slot, limit: Limit) -> None:
        """Keep a sample that may have to make room for a later one."""
        if self.kept is None:
            self.kept = [[] for _ in self.taken]
        rows = self.kept[line]
        rows.append(slot)
        if len(rows) > limit.most:
            del rows[limit.surplus]

    def keep_yield(self, part: bytearray, limit: Limit) -> None:
        """Keep a part of the record with a yielded value that may have to make room for a later one."""
        if self.kept_yields is None:
            self.kept_yields = []
        self.kept_yields.append(part)
        if len(self.kept_yields) > limit.most:
            del self.kept_yields[limit.surplus]

    def complete(self, last: bytearray) -> None:
        """Complete the record, with its last part; what was kept apart comes before, as nothing takes its place now."""
        rows = [(slot[0], line, slot[1], slot[2]) for line, slots in enumerate(self.kept or ()) for slot in slots]
        rows.sort(key=itemgetter(0))
        samples = [self.sample(line, moment, values, error) for moment, line, values, error in rows]
        self.parts += [*samples, *(self.kept_yields or ()), last]
        self.is_complete = True
        self.kept = self.kept_yields = None
        self.counts, self.extra, self.taken, self.last, self.left = [], [], [], [], []
