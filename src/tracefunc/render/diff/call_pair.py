"""What differs between two corresponding calls, and at which points."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ...differences import CallDifference, LineDifference, NotComparable, Point, SourceDifference
from ...results import Call
from ..selection import shown_names
from .matching import loops, matched_lines, sequence
from .sameness import are_unknown, differing, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..._values.sample import Sample
    from ...results import Line
    from .matching import Pair

    Key = tuple[float, float, float]  # where in a call something happens: keys sort in execution order
    Texts = tuple[str | None, str | None]

__all__ = ["CallPair", "LinePairs", "same"]


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
        self.not_comparable: list[NotComparable] = []
        self.points: list[tuple[Key, Point]] = []
        self._function = (a or b or Call(("", {}))).function
        self._point = Point(self._function, pair, "call", (None, None), (None, None), None, None, (None, None))
        if a is None or b is None or lines is None:
            self.call = CallDifference(self._function, pair, {}, None, None)
            self.points.append(((-inf, 0, 0), self._point))
        else:
            self._is_one_recording = _is_one_recording(a, b)
            self._compare_calls(a, b)
            self._compare_lines(a, b, lines)

    def _compare_calls(self, a: Call, b: Call) -> None:
        arguments = self._compare_arguments(a, b)
        yielded = self._compare_yielded(a, b)
        ends = None
        if not _end_alike(a, b):
            ends = _end(a), _end(b)
            self.points.append(((inf, 1, 0), self._point._replace(what="end", values=ends)))
        self._note_unknown("returned", [a.returned], [b.returned])
        self._note_unknown("raised", [a.raised], [b.raised])
        if arguments or yielded or ends:
            self.call = CallDifference(self._function, self.pair, arguments, yielded, ends)

    def _compare_arguments(self, a: Call, b: Call) -> dict[str, Texts]:
        differing: dict[str, Texts] = {}
        for i, name in enumerate({**a.arguments, **b.arguments}):
            one, other = a.arguments.get(name), b.arguments.get(name)
            self._note_unknown("argument", [one], [other], name)
            if one is None or other is None or not same(one, other):
                differing[name] = one and one[1], other and other[1]
                point = self._point._replace(what="argument", name=name, values=differing[name])
                self.points.append(((-1, i, 0), point))
        return differing

    def _compare_yielded(self, a: Call, b: Call) -> tuple[list[str], list[str]] | None:
        first = differing(a.yielded, b.yielded)
        self._note_unknown("yielded", a.yielded, b.yielded)
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
            if one and other:
                for name in _names_of_both(one, other, a, b):
                    self._note_unknown("value", one.vars[name], other.vars[name], name, texts, linenos)
            names: dict[str, tuple[list[Sample], list[Sample]]] = {}
            for name, hit, samples in _differing_names(one, other):
                names[name] = samples
                values = samples[0][hit - 1][1], samples[1][hit - 1][1]
                point = line._replace(what="value", hit=hit, name=name, values=values)
                self.points.append((lines.key(number, hit), point))
            if names or hits[0] != hits[1]:
                pair = self.pair[0] or 0, self.pair[1] or 0
                self.lines.append(LineDifference(self._function, pair, texts, linenos, hits, names))

    def _note_unknown(
        self,
        what: str,
        a: Sequence[Sample | None],
        b: Sequence[Sample | None],
        name: str | None = None,
        lines: Texts = (None, None),
        linenos: tuple[int | None, int | None] = (None, None),
    ) -> None:
        """Take note of the first values of which only addresses are known."""
        if self._is_one_recording:
            return
        found = next((both for both in zip(a, b, strict=False) if are_unknown(*both)), None)
        if found and found[0] and found[1]:
            pair, values = (self.pair[0] or 0, self.pair[1] or 0), (found[0][1], found[1][1])
            self.not_comparable.append(NotComparable(self._function, pair, what, lines, linenos, name, values))


def _is_one_recording(a: Call, b: Call) -> bool:
    """Return whether the two are the same call of the same run, so that equal addresses are of one object."""
    return a is b or (a == b and a.__dict__ == b.__dict__)  # no two runs take the same time


def _names_of_both(a: Line, b: Line, call_a: Call, call_b: Call) -> list[str]:
    """Return the names that views show of both versions of a line."""
    shown = [{name for name, _ in shown_names(line.vars, call)} for line, call in ((a, call_a), (b, call_b))]
    return [name for name in a.vars if name in shown[0] and name in shown[1]]


def _differing_names(a: Line | None, b: Line | None) -> Iterator[tuple[str, int, tuple[list[Sample], list[Sample]]]]:
    """Yield the names of both versions of a line whose values differ, with the first hit at which they do."""
    if a is None or b is None:
        return
    for name, samples in a.vars.items():
        others = b.vars.get(name, [])
        index = differing(samples, others)
        if index is not None:
            yield name, index + 1, (samples, others)


def _end_alike(a: Call, b: Call) -> bool:
    for one, other in ((a.raised, b.raised), (a.returned, b.returned)):
        if (one is None) != (other is None) or (one and other and not same(one, other)):
            return False
    return True


def _end(call: Call) -> str:
    if call.raised:
        return f"raised {call.raised[1]}"
    return f"returned {call.returned[1]}" if call.returned else "not ended"
