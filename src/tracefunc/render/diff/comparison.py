"""Compare two traces: everything that differs, call by call and line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...results import Difference
from .call_pair import CallPair, LinePairs
from .divergence import first_point
from .matching import matched_calls

if TYPE_CHECKING:
    from ...differences import SourceDifference
    from ...results import TraceResults

__all__ = ["compare"]


def compare(a: TraceResults, b: TraceResults) -> Difference:
    """Compare two traces of the same target, which may be of two versions of it.

    Calls are matched function by function in their order; lines by their text, also where they moved, and by difflib
    where they changed. Not compared is what differs from run to run: addresses in texts, times, threads, tasks, files,
    engines, physical line numbers. Values known only by their addresses are not comparable, but in one's own copy.

    The first difference is the first in execution order, as far as a trace records it: the order of the hits of one
    line, and which call started in which, but not how the hits of different lines alternate. So `compare` assumes that
    in a call

    - the arguments come first, and what the call returned or raised comes last;
    - lines come in the order of the source, with all their hits; but comprehensions and lambdas come before the
      statement that they are in, which is sampled when it is done;
    - in the outermost `for` or `while` around some lines, the first hits of all of them come before their second hits,
      and so on, as if each line ran in each iteration: a line that does not always run, or that is in an inner loop,
      may come later than assumed;
    - an inner call comes before the line that made it ends: the line that the stack names, if there is a stack, or else
      the first one that mentions the function.
    """
    pairs = matched_calls(a, b)
    known: dict[object, LinePairs] = {}
    lines: list[LinePairs | None] = []
    source: list[SourceDifference] = []
    for i, j in pairs:
        if i is None or j is None:
            lines.append(None)
            continue
        versions = a[i].function, a[i].places, b[j].places
        if versions not in known:
            known[versions] = LinePairs(a[i], b[j])
            source += known[versions].source(a[i], b[j])
        lines.append(known[versions])
    compared = [
        CallPair((i, j), None if i is None else a[i], None if j is None else b[j], both)
        for (i, j), both in zip(pairs, lines, strict=True)
    ]
    return Difference(
        (a, b),
        first_point((a, b), compared, lines),
        [pair.call for pair in compared if pair.call],
        [line for pair in compared for line in pair.lines],
        source,
        [value for pair in compared for value in pair.not_comparable],
    )
