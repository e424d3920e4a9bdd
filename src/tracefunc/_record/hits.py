"""How often each line was hit, from the counts of a call's record."""

from __future__ import annotations

from .._plan.markers import UNCHANGED

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from .._plan.target_plan import Plan
    from .raw_call import RawCall


def count_hits(plan: Plan, call: RawCall) -> list[int]:
    """Return how often each line of `plan` was hit in `call`. Counts that were not measured are filled in."""
    hits = list(call.extra)
    line_count = len(plan.lines)
    for i, code_plan in enumerate(plan.codes):
        counts = call.counts[i]
        if counts is None:
            continue
        if i in call.silenced:
            code_plan.derived_counts_with(call.loops[i]).fill(counts, call.entered[i], call.left[i])
        for offset, action in code_plan.actions.items():
            if count := counts[offset]:
                if 0 <= action.line < line_count:
                    hits[action.line] += count
                if action.element >= 0:
                    hits[action.element] += count
                for only_after, implied_line in action.implied:
                    if only_after == UNCHANGED:
                        hits[implied_line] += count
    for line in call.open:  # they were counted when they started
        hits[line] -= 1
    return hits
