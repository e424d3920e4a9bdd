"""What differs between two corresponding calls, and at which points."""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING

from ...differences import CallDifference, LineDifference, Point, SourceDifference
from ...results import Call
from ..selection import shown_names
from .matching import loops, matched_lines, sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..._values.sample import Sample
    from ...results import Line
    from .matching import Pair

    Key = tuple[float, float, float]  # where in a call something happens: keys sort in execution order
    Texts = tuple[str | None, str | None]

__all__ = ["CallPair", "LinePairs", "same"]


# --- values ---

_ADDRESS = re.compile("0x[0-9A-Fa-f]+")


def same(a: Sample, b: Sample) -> bool:
    """Return whether two samples show the same value: of the same type, with the same text but for addresses."""
    if a == b:
        return True
    if a[0] != b[0] or not ("0x" in a[1] or "0x" in b[1]):
        return False
    texts = [_ADDRESS.sub("0x", text) for text in (a[1], b[1])]
    if texts[0] == texts[1]:
        return True
    if not all(text.endswith("...") for text in texts):
        return False
    # Both were cut, after addresses of different lengths or within one: compare what is left of the shorter text.
    short, long = sorted((text.removesuffix("...") for text in texts), key=len)
    return long.startswith(short)


def _differing(a: list[Sample], b: list[Sample]) -> int | None:
    """Return the index of the first samples that differ, as far as both lists go."""
    return next((i for i, both in enumerate(zip(a, b, strict=False)) if not same(*both)), None)


# --- lines ---


class LinePairs:
    """The lines of two versions of a target in pairs, and when they run."""

    def __init__(self, a: Call, b: Call) -> None:
        self.pairs = matched_lines(a.places, b.places)
        self.numbers = (
            {i: n for n, (i, _) in enumerate(self.pairs) if i is not None},
            {j: n for n, (_, j) in enumerate(self.pairs) if j is not None},
        )
        """For each version, the number of the pair by the index of the line."""
        # The place of a pair is that in the first version that has the line.
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
        """Return where in its call a line has a hit; `number` is that of the pair, hits count from 1."""
        return self._ranks[self._loops[number]], hit, self._ranks[number]

    def source(self, a: Call, b: Call) -> Iterator[SourceDifference]:
        """Yield the lines that the versions do not have in common."""
        for i, j in self.pairs:
            texts, linenos = _texts(a, b, i, j), _linenos(a, b, i, j)
            if texts[0] != texts[1]:
                yield SourceDifference(a.function, texts, linenos)


def _texts(a: Call, b: Call, i: int | None, j: int | None) -> Texts:
    return None if i is None else a.places[i][0].rstrip(), None if j is None else b.places[j][0].rstrip()


def _linenos(a: Call, b: Call, i: int | None, j: int | None) -> tuple[int | None, int | None]:
    return None if i is None else a.places[i][3], None if j is None else b.places[j][3]


# --- calls ---


class CallPair:
    """What differs between two calls, and the points at which it does."""

    def __init__(self, pair: Pair, a: Call | None, b: Call | None, lines: LinePairs | None) -> None:
        self.pair = pair
        self.call: CallDifference | None = None
        self.lines: list[LineDifference] = []
        self.points: list[tuple[Key, Point]] = []
        self._function = (a or b or Call(("", {}))).function
        self._point = Point(self._function, pair, "call", (None, None), (None, None), None, None, (None, None))
        if a is None or b is None or lines is None:
            self.call = CallDifference(self._function, pair, {}, None, None)
            self.points.append(((-inf, 0, 0), self._point))
        else:
            self._compare_calls(a, b)
            self._compare_lines(a, b, lines)

    def _compare_calls(self, a: Call, b: Call) -> None:
        arguments = self._compare_arguments(a, b)
        yielded = self._compare_yielded(a, b)
        ends = None
        if not _end_alike(a, b):
            ends = _end(a), _end(b)
            self.points.append(((inf, 1, 0), self._point._replace(what="end", values=ends)))
        if arguments or yielded or ends:
            self.call = CallDifference(self._function, self.pair, arguments, yielded, ends)

    def _compare_arguments(self, a: Call, b: Call) -> dict[str, Texts]:
        differing: dict[str, Texts] = {}
        for i, name in enumerate({**a.arguments, **b.arguments}):
            one, other = a.arguments.get(name), b.arguments.get(name)
            if one is None or other is None or not same(one, other):
                differing[name] = one and one[1], other and other[1]
                point = self._point._replace(what="argument", name=name, values=differing[name])
                self.points.append(((-1, i, 0), point))
        return differing

    def _compare_yielded(self, a: Call, b: Call) -> tuple[list[str], list[str]] | None:
        first = _differing(a.yielded, b.yielded)
        if first is None and len(a.yielded) == len(b.yielded):
            return None
        yielded = [text for _, text in a.yielded], [text for _, text in b.yielded]
        i = min(map(len, yielded)) if first is None else first
        values = [texts[i] if i < len(texts) else None for texts in yielded]
        point = self._point._replace(what="yielded", hit=i + 1, values=(values[0], values[1]))
        self.points.append(((inf, 0, 0), point))
        return yielded

    def _compare_lines(self, a: Call, b: Call, lines: LinePairs) -> None:
        lines_of_a, lines_of_b = a.lines, b.lines
        for number, (i, j) in enumerate(lines.pairs):
            one, other = None if i is None else lines_of_a[i], None if j is None else lines_of_b[j]
            texts, linenos = _texts(a, b, i, j), _linenos(a, b, i, j)
            line = self._point._replace(lines=texts, linenos=linenos)
            hits = one.hits if one else 0, other.hits if other else 0
            if hits[0] != hits[1]:
                what, hit = "hits" if one and other else "line", min(hits) + 1
                point = line._replace(what=what, hit=hit, values=(str(hits[0]), str(hits[1])))
                self.points.append((lines.key(number, hit), point))
            names: dict[str, tuple[list[Sample], list[Sample]]] = {}
            for name, hit, samples in _differing_names(one, other, a, b):
                names[name] = samples
                values = samples[0][hit - 1][1], samples[1][hit - 1][1]
                point = line._replace(what="value", hit=hit, name=name, values=values)
                self.points.append((lines.key(number, hit), point))
            if names or hits[0] != hits[1]:
                pair = self.pair[0] or 0, self.pair[1] or 0
                self.lines.append(LineDifference(self._function, pair, texts, linenos, hits, names))


def _differing_names(
    a: Line | None, b: Line | None, call_a: Call, call_b: Call
) -> Iterator[tuple[str, int, tuple[list[Sample], list[Sample]]]]:
    """Yield the names of both versions of a line whose values differ, with the first hit at which they do."""
    if a is None or b is None:
        return
    shown = {name for line, call in ((a, call_a), (b, call_b)) for name, _ in shown_names(line.vars, call)}
    for name, samples in a.vars.items():
        others = b.vars.get(name, [])
        differing = _differing(samples, others)
        if differing is not None and name in shown:
            yield name, differing + 1, (samples, others)


def _end_alike(a: Call, b: Call) -> bool:
    for one, other in ((a.raised, b.raised), (a.returned, b.returned)):
        if (one is None) != (other is None) or (one and other and not same(one, other)):
            return False
    return True


def _end(call: Call) -> str:
    if call.raised:
        return f"raised {call.raised[1]}"
    return f"returned {call.returned[1]}" if call.returned else "not ended"
