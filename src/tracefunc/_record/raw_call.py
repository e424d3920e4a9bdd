"""What was recorded of a call, and how often each line was hit according to it."""

from __future__ import annotations

from .._plan.markers import UNCHANGED

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from .._plan.target_plan import Plan
    from .._values.sample import Sample


class RawCall:
    """What a recorder keeps of one call: plain numbers and texts."""

    __slots__ = ("counts", "dropped", "entered", "extra", "left", "loops", "open", "samples", "silenced")

    def __init__(self, lines: int, codes: int) -> None:
        self.dropped = False  # nobody will ask for it
        self.samples: list[list[tuple[Sample, ...]]] = [[] for _ in range(lines)]
        self.counts: list[list[int] | None] = [None] * codes  # per code object: how often each offset was reached
        self.extra = [0] * lines  # hits that are no offset's count
        self.entered = [0] * codes  # frames
        self.left: list[dict[int, int]] = [{} for _ in range(codes)]  # by offset: how often flow ended
        self.silenced: set[int] = set()  # the codes some of whose counts have to be derived
        self.loops: list[frozenset[int]] = [frozenset()] * codes  # the loops that `counts` has the turns of
        self.open: list[int] = []  # the lines under way in frames that have not ended


def hits(plan: Plan, call: RawCall) -> list[int]:
    """How often each line of `plan` was hit in `call`."""
    found = list(call.extra)
    lines = len(plan.lines)
    for i, code_plan in enumerate(plan.codes):
        counts = call.counts[i]
        if counts is None:
            continue
        if i in call.silenced:
            code_plan.derived_counts_with(call.loops[i]).fill(counts, call.entered[i], call.left[i])
        for offset, action in code_plan.actions.items():
            if number := counts[offset]:
                if 0 <= action.line < lines:
                    found[action.line] += number
                if action.element >= 0:
                    found[action.element] += number
                for only_after, ghost in action.implied:
                    if only_after == UNCHANGED:
                        found[ghost] += number
    for line in call.open:  # counted when they started
        found[line] -= 1
    return found
