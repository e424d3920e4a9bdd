"""Where two traces diverge: the first of all points at which they differ, in execution order."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ..selection import parents

if TYPE_CHECKING:
    from ...differences import Point
    from ...results import Call, TraceResults
    from .call_pair import CallPair, Key, LinePairs

    Traces = tuple[TraceResults, TraceResults]

__all__ = ["first_point"]


def first_point(traces: Traces, compared: list[CallPair], lines: list[LinePairs | None]) -> Point | None:
    """Return the point that comes first; the points of a call come where that call is in the call that it ran in.

    `lines`: the lines of each pair of calls; None where only one trace has the call.
    """
    callers, keys = _callers(traces, compared, lines)
    inner: dict[int | None, list[int]] = {}
    for number, caller in enumerate(callers):
        inner.setdefault(caller, []).append(number)
    order = list(inner.get(None, []))
    for number in order:  # grows while it is read: outer calls before inner ones
        order += inner.get(number, [])
    best: dict[int, Point] = {}
    for number in reversed(order):
        points = list(compared[number].points)
        points += [(keys[child], best[child]) for child in inner.get(number, []) if child in best]
        if points:
            _, best[number] = min(points, key=lambda item: item[0])
    return next((best[number] for number in inner.get(None, []) if number in best), None)


def _callers(
    traces: Traces, compared: list[CallPair], lines: list[LinePairs | None]
) -> tuple[list[int | None], list[Key]]:
    """Return for each pair of calls the number of the pair that it ran in, and where in that one it comes."""
    pairs = [both.pair for both in compared]
    numbers = {(side, pair[side]): n for n, pair in enumerate(pairs) for side in (0, 1) if pair[side] is not None}
    above = [parents(results) for results in traces]
    callers: list[int | None] = []
    keys: list[Key] = []
    times: Counter[object] = Counter()
    for pair in pairs:
        side = 0 if pair[0] is not None else 1
        results, index = traces[side], pair[side] or 0
        parent = above[side][index]
        callers.append(None if parent is None else numbers[side, parent])
        both = None if parent is None else lines[numbers[side, parent]]
        calling = None if parent is None else _calling_line(results[index], results[parent])
        if both is None or calling is None:
            keys.append((-0.5, 0, 0))
            continue
        times[side, parent, calling] += 1
        unit, hit, rank = both.key(both.numbers[side][calling], times[side, parent, calling])
        keys.append((unit, hit, rank - 0.5))  # before that line has ended
    return callers, keys


_FRAME = re.compile(r":(\d+)\)$")


def _calling_line(call: Call, parent: Call) -> int | None:
    """Return the index of the line of `parent` that called: by the stack, or else the first one hit that names it."""
    depth = len(parent.stack.splitlines())
    frame = _FRAME.search(call.stack.splitlines()[depth - 1]) if 0 < depth < len(call.stack.splitlines()) else None
    if frame:
        lineno = int(frame[1])
        return max((i for i, place in enumerate(parent.places) if place[3] <= lineno <= place[4]), default=None)
    *owner, name = call.function.split(".")
    name = owner[-1] if name in ("__init__", "__new__") and owner else name
    named = re.compile(rf"\b{re.escape(name)}\s*\(")
    return next((i for i, line in enumerate(parent.lines) if line.hits and named.search(line.text)), None)
