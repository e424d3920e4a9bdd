"""The record of one call: plain numbers and texts, from which its trace is made."""

from __future__ import annotations

from collections import defaultdict

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from .._values.sample import Sample

Row = tuple[int, "tuple[Sample, ...]", "Sample | None"]
"""The sample of a hit: its moment, the values of the line's names, and the exception that ended the hit, if one did."""


class RawCall:
    """What a recorder keeps of one call."""

    __slots__ = ("counts", "dropped", "entered", "extra", "left", "loops", "open", "samples", "silenced")

    def __init__(self, lines: int, codes: int) -> None:
        """`lines` and `codes`: how many lines and code objects the plan has."""
        self.dropped = False  # whether a later call has taken its place in the results
        self.samples: list[list[Row]] = [[] for _ in range(lines)]
        self.counts: list[list[int] | None] = [None] * codes  # by code object: how often each offset was reached
        self.extra = [0] * lines  # hits that are not part of any offset's count
        self.entered = [0] * codes  # by code object: its frames
        # By offset: how often control left the flow there. No code of Python runs between reading and writing a number.
        self.left: list[dict[int, int]] = [defaultdict(int) for _ in range(codes)]
        self.silenced: set[int] = set()  # the code objects that have counts which must be derived
        self.loops: list[frozenset[int]] = [frozenset()] * codes  # the loops whose turns are in `counts`
        self.open: list[int] = []  # the lines under way in frames that have not ended

    def sampled(self, line: int) -> int:
        """Return how many samples of a line there are."""
        return len(self.samples[line])
