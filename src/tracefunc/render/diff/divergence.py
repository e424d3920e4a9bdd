"""What differs between two traces, and where it begins."""

from __future__ import annotations

import re
from collections import Counter
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from ...results import Call
from ..selection import parents
from .matching import loops, matched_calls, matched_lines, sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..._values.sample import Sample
    from ...results import Line, TraceResults
    from .matching import Pair

    Key = tuple[float, float, float]  # of what happens in a call: where it comes in it
    Texts = tuple[str | None, str | None]

__all__ = ["CallDifference", "LineDifference", "Parting", "Point", "SourceDifference", "parting", "same"]


class Point(NamedTuple):
    """The point where two traces part. Pairs are of the first and of the second trace."""

    function: str
    """The qualified name of the target."""
    calls: tuple[int | None, int | None]
    """The indices of the call; None: it is not there."""
    what: str
    """What differs: "argument", "value", "hits", "yielded", "end"; or what is in one only: "call", "line"."""
    lines: tuple[str | None, str | None]
    """The texts of the line; None: it is not there, or the point is on none."""
    linenos: tuple[int | None, int | None]
    """Its physical lines."""
    hit: int | None
    """Which of its hits, or of the yielded values, from 1. Where samples were dropped, which of those that are left."""
    name: str | None
    """The name whose values differ, or None."""
    values: tuple[str | None, str | None]
    """The texts of both values, numbers of hits, or ends."""


class CallDifference(NamedTuple):
    """A call that is in one trace only, or whose arguments, yielded values or end differ."""

    function: str
    calls: tuple[int | None, int | None]
    """The indices of the call; None: it is not there."""
    arguments: dict[str, tuple[str | None, str | None]]
    """The texts of the arguments that differ."""
    yielded: tuple[list[str], list[str]] | None
    """The texts of all yielded values, if they differ."""
    ends: tuple[str, str] | None
    """What it returned or raised, if that differs: "returned 1", "raised E()", "not ended"."""


class LineDifference(NamedTuple):
    """A line of a call whose hits or values differ."""

    function: str
    calls: tuple[int, int]
    """The indices of the call."""
    lines: tuple[str | None, str | None]
    """The texts of the line; None: it is not there."""
    linenos: tuple[int | None, int | None]
    """Its physical lines."""
    hits: tuple[int, int]
    """How often it was hit; 0 where it is not there."""
    names: dict[str, tuple[list[Sample], list[Sample]]]
    """The samples of the names that differ."""


class SourceDifference(NamedTuple):
    """A line of a target that is another one in the other version, or is not there."""

    function: str
    lines: tuple[str | None, str | None]
    """The texts of the line; None: it is not there."""
    linenos: tuple[int | None, int | None]
    """Its physical lines."""


class Parting(NamedTuple):
    """All that differs."""

    first: Point | None
    calls: list[CallDifference]
    lines: list[LineDifference]
    source: list[SourceDifference]


# --- values ---

_ADDRESS = re.compile("0x[0-9A-Fa-f]+")


def same(a: Sample, b: Sample) -> bool:
    """Whether two samples tell the same value: of the same type, with texts that differ in addresses at most."""
    if a == b:
        return True
    if a[0] != b[0] or not ("0x" in a[1] or "0x" in b[1]):
        return False
    texts = [_ADDRESS.sub("0x", text) for text in (a[1], b[1])]
    if texts[0] == texts[1]:
        return True
    if not all(text.endswith("...") for text in texts):
        return False
    # Both were cut, behind addresses of different length or within one: what is left of the shorter is compared.
    short, long = sorted((text.removesuffix("...") for text in texts), key=len)
    return long.startswith(short)


def _differing(a: list[Sample], b: list[Sample]) -> int | None:
    """The index of the first of two lists' samples that differ, as far as both go."""
    return next((i for i, both in enumerate(zip(a, b, strict=False)) if not same(*both)), None)


# --- a pair of calls ---


class _Lines:
    """The lines of two versions of a target side by side, and when they run."""

    def __init__(self, a: Call, b: Call) -> None:
        self.pairs = matched_lines(a.places, b.places)
        self.numbers = (
            {i: n for n, (i, _) in enumerate(self.pairs) if i is not None},
            {j: n for n, (_, j) in enumerate(self.pairs) if j is not None},
        )
        # Each line is looked at in the first version that has it.
        sides = [0 if i is not None else 1 for i, _ in self.pairs]
        indices = [pair[side] or 0 for pair, side in zip(self.pairs, sides, strict=True)]
        versions = a.places, b.places
        places = [versions[side][index] for side, index in zip(sides, indices, strict=True)]
        self._ranks = {n: rank for rank, n in enumerate(sequence(places))}
        around = loops(a.places), loops(b.places)
        self._loops = [
            n if (header := around[side][index]) is None else self.numbers[side][header]
            for n, (side, index) in enumerate(zip(sides, indices, strict=True))
        ]

    def key(self, number: int, hit: float) -> Key:
        """Where in its call a line has a hit: `number` is that of the pair, `hit` counts from 1."""
        return self._ranks[self._loops[number]], hit, self._ranks[number]

    def source(self, a: Call, b: Call) -> Iterator[SourceDifference]:
        """The lines that are not the same."""
        for i, j in self.pairs:
            texts, linenos = _texts(a, b, i, j), _linenos(a, b, i, j)
            if texts[0] != texts[1]:
                yield SourceDifference(a.function, texts, linenos)


def _texts(a: Call, b: Call, i: int | None, j: int | None) -> Texts:
    return None if i is None else a.places[i][0].rstrip(), None if j is None else b.places[j][0].rstrip()


def _linenos(a: Call, b: Call, i: int | None, j: int | None) -> tuple[int | None, int | None]:
    return None if i is None else a.places[i][3], None if j is None else b.places[j][3]


class _Calls:
    """What differs in a pair of calls, and the points at which it does."""

    def __init__(self, pair: Pair, a: Call | None, b: Call | None, lines: _Lines | None) -> None:
        self._pair = pair
        self._function = (a or b or Call(("", {}))).function
        self.call: CallDifference | None = None
        self.lines: list[LineDifference] = []
        self.points: list[tuple[Key, Point]] = []
        if a is None or b is None or lines is None:
            self.call = CallDifference(self._function, pair, {}, None, None)
            self._add((-inf, 0, 0), "call")
        else:
            self._compare_calls(a, b)
            self._compare_lines(a, b, lines)

    def _add(
        self,
        key: Key,
        what: str,
        values: Texts = (None, None),
        name: str | None = None,
        hit: int | None = None,
        lines: Texts = (None, None),
        linenos: tuple[int | None, int | None] = (None, None),
    ) -> None:
        self.points.append((key, Point(self._function, self._pair, what, lines, linenos, hit, name, values)))

    def _compare_calls(self, a: Call, b: Call) -> None:
        arguments: dict[str, Texts] = {}
        for i, name in enumerate({**a.arguments, **b.arguments}):
            one, other = a.arguments.get(name), b.arguments.get(name)
            if one is None or other is None or not same(one, other):
                arguments[name] = one and one[1], other and other[1]
                self._add((-1, i, 0), "argument", arguments[name], name)
        yielded = None
        differing = _differing(a.yielded, b.yielded)
        if differing is not None or len(a.yielded) != len(b.yielded):
            yielded = [text for _, text in a.yielded], [text for _, text in b.yielded]
            i = min(map(len, yielded)) if differing is None else differing
            values = [texts[i] if i < len(texts) else None for texts in yielded]
            self._add((inf, 0, 0), "yielded", (values[0], values[1]), hit=i + 1)
        ends = None
        if not _ends_alike(a, b):
            ends = _end(a), _end(b)
            self._add((inf, 1, 0), "end", ends)
        if arguments or yielded or ends:
            self.call = CallDifference(self._function, self._pair, arguments, yielded, ends)

    def _compare_lines(self, a: Call, b: Call, lines: _Lines) -> None:
        all_a, all_b = a.lines, b.lines
        for number, (i, j) in enumerate(lines.pairs):
            one, other = None if i is None else all_a[i], None if j is None else all_b[j]
            texts, linenos = _texts(a, b, i, j), _linenos(a, b, i, j)
            hits = one.hits if one else 0, other.hits if other else 0
            if hits[0] != hits[1]:
                hit = min(hits) + 1
                what = "hits" if one and other else "line"
                self._add(lines.key(number, hit), what, (str(hits[0]), str(hits[1])), None, hit, texts, linenos)
            names: dict[str, tuple[list[Sample], list[Sample]]] = {}
            for name, hit, samples in _differing_names(one, other):
                names[name] = samples
                values = samples[0][hit - 1][1], samples[1][hit - 1][1]
                self._add(lines.key(number, hit), "value", values, name, hit, texts, linenos)
            if names or hits[0] != hits[1]:
                pair = self._pair[0] or 0, self._pair[1] or 0
                self.lines.append(LineDifference(self._function, pair, texts, linenos, hits, names))


def _differing_names(a: Line | None, b: Line | None) -> Iterator[tuple[str, int, tuple[list[Sample], list[Sample]]]]:
    """The names that both versions of a line mention and whose values differ, and at which hit they begin to."""
    if a is None or b is None:
        return
    for name, samples in a.vars.items():
        others = b.vars.get(name, [])
        differing = _differing(samples, others)
        if differing is not None:
            yield name, differing + 1, (samples, others)


def _ends_alike(a: Call, b: Call) -> bool:
    for one, other in ((a.raised, b.raised), (a.returned, b.returned)):
        if (one is None) != (other is None) or (one and other and not same(one, other)):
            return False
    return True


def _end(call: Call) -> str:
    if call.raised:
        return f"raised {call.raised[1]}"
    return f"returned {call.returned[1]}" if call.returned else "not ended"


# --- two traces ---


def parting(a: TraceResults, b: TraceResults) -> Parting:
    """Return all that differs between two traces, and the point where it begins."""
    pairs = matched_calls(a, b)
    sides: dict[object, _Lines] = {}
    lines: list[_Lines | None] = []
    source: list[SourceDifference] = []
    for i, j in pairs:
        if i is None or j is None:
            lines.append(None)
            continue
        versions = a[i].function, a[i].places, b[j].places
        if versions not in sides:
            sides[versions] = _Lines(a[i], b[j])
            source += sides[versions].source(a[i], b[j])
        lines.append(sides[versions])
    found = [
        _Calls((i, j), None if i is None else a[i], None if j is None else b[j], both)
        for (i, j), both in zip(pairs, lines, strict=True)
    ]
    return Parting(
        _first(found, *_callers(a, b, pairs, lines)),
        [calls.call for calls in found if calls.call],
        [line for calls in found for line in calls.lines],
        source,
    )


def _callers(
    a: TraceResults, b: TraceResults, pairs: list[Pair], lines: list[_Lines | None]
) -> tuple[list[int | None], list[Key]]:
    """For each pair of calls the number of the one that it ran in, and where in that one it comes."""
    numbers = {(side, pair[side]): n for n, pair in enumerate(pairs) for side in (0, 1) if pair[side] is not None}
    above = parents(a), parents(b)
    within: list[int | None] = []
    keys: list[Key] = []
    times: Counter[object] = Counter()
    for pair in pairs:
        side = 0 if pair[0] is not None else 1
        results, index = (a, b)[side], pair[side] or 0
        parent = above[side][index]
        within.append(None if parent is None else numbers[side, parent])
        both = None if parent is None else lines[numbers[side, parent]]
        place = None if parent is None else _calling_line(results[index], results[parent])
        if both is None or place is None:
            keys.append((-0.5, 0, 0))
            continue
        times[side, parent, place] += 1
        unit, hit, rank = both.key(both.numbers[side][place], times[side, parent, place])
        keys.append((unit, hit, rank - 0.5))  # before that line has ended
    return within, keys


_FRAME = re.compile(r":(\d+)\)$")


def _calling_line(call: Call, parent: Call) -> int | None:
    """The index of the line of `parent` that called: by the stack, else the first one hit that names the function."""
    depth = len(parent.stack.splitlines())
    frame = _FRAME.search(call.stack.splitlines()[depth - 1]) if 0 < depth < len(call.stack.splitlines()) else None
    if frame:
        lineno = int(frame[1])
        return max((i for i, place in enumerate(parent.places) if place[3] <= lineno <= place[4]), default=None)
    *owner, name = call.function.split(".")
    name = owner[-1] if name in ("__init__", "__new__") and owner else name
    named = re.compile(rf"\b{re.escape(name)}\s*\(")
    return next((i for i, line in enumerate(parent.lines) if line.hits and named.search(line.text)), None)


def _first(found: list[_Calls], within: list[int | None], keys: list[Key]) -> Point | None:
    """The point that comes first: those of a call come where that is in the one that it ran in."""
    inner: dict[int | None, list[int]] = {}
    for number, around in enumerate(within):
        inner.setdefault(around, []).append(number)
    order = list(inner.get(None, []))
    for number in order:  # which grows
        order += inner.get(number, [])
    best: dict[int, Point] = {}
    for number in reversed(order):
        points = found[number].points + [(keys[child], best[child]) for child in inner.get(number, []) if child in best]
        if points:
            _, best[number] = min(points, key=lambda item: item[0])
    return next((best[number] for number in inner.get(None, []) if number in best), None)
