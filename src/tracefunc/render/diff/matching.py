"""Which calls and which lines of two traces correspond, and in which order lines are assumed to run."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import zip_longest
from os.path import basename
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...results import Call, Place, TraceResults

    Pair = tuple[int | None, int | None]  # indices in the first and in the second; None: only the other one has it

__all__ = ["loops", "matched_calls", "matched_lines", "sequence"]

_ALIKE = 0.6  # from this ratio on, a line counts as changed; below, as another line
_EXPRESSIONS = ("comprehension", "lambda")


# --- calls ---


def matched_calls(a: TraceResults, b: TraceResults) -> list[Pair]:
    """Return the calls of two traces in pairs: of each function the first with the first, and so on.

    Functions are identified by their qualified name, and by the name of the file where several of a trace share it.
    """
    key = _key({call.function for results in (a, b) for call in results if _is_ambiguous(call.function, results)})
    by_target: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
    for side, results in enumerate((a, b)):
        for i, call in enumerate(results):
            by_target.setdefault(key(call), ([], []))[side].append(i)
    pairs = [pair for sides in by_target.values() for pair in zip_longest(*sides)]
    return sorted(pairs, key=lambda pair: (pair[1] if pair[0] is None else pair[0], pair[0] is None))


def _is_ambiguous(function: str, results: TraceResults) -> bool:
    return len({call.file for call in results if call.function == function}) > 1


def _key(ambiguous: set[str]) -> Callable[[Call], tuple[str, ...]]:
    return lambda call: (call.function, basename(call.file) if call.function in ambiguous else "")


# --- lines ---


def matched_lines(a: tuple[Place, ...], b: tuple[Place, ...]) -> list[Pair]:
    """Return the lines of two versions of a target in pairs, in the order of the first.

    First, difflib finds the lines that are unchanged and in the same order. Of the rest, lines of the same text have
    moved. Of the rest again, lines that stand in the same place, are of the same kind and have much text in common have
    changed.
    """
    keys = [_text(place) for place in a], [_text(place) for place in b]
    if keys[0] == keys[1]:
        return [(i, i) for i in range(len(a))]
    blocks = SequenceMatcher(None, *keys, autojunk=False).get_opcodes()
    found = {i: j1 + i - i1 for tag, i1, i2, j1, _ in blocks if tag == "equal" for i in range(i1, i2)}
    _match_moved(*keys, found)
    for tag, i1, i2, j1, j2 in blocks:
        if tag == "replace":
            _match_changed(a, b, range(i1, i2), range(j1, j2), found)
    return _merged(len(a), len(b), found)


def _text(place: Place) -> str:
    return place[0].rstrip()  # trailing spaces only distinguish equal texts


def _match_moved(a: list[str], b: list[str], found: dict[int, int]) -> None:
    taken = set(found.values())
    places: dict[str, list[int]] = {}
    for j, text in enumerate(b):
        if j not in taken:
            places.setdefault(text, []).append(j)
    for i, text in enumerate(a):
        if i not in found and places.get(text):
            found[i] = places[text].pop(0)


def _match_changed(
    a: tuple[Place, ...], b: tuple[Place, ...], rows: Iterable[int], others: Iterable[int], found: dict[int, int]
) -> None:
    taken = set(found.values())
    free = [j for j in others if j not in taken]
    for i in rows:
        if i in found:
            continue
        ratios = [(_ratio(a[i], b[j]), -j) for j in free]
        best, j = max(ratios, default=(0.0, 0))
        if best >= _ALIKE:
            found[i] = -j
            free = [other for other in free if other > -j]


def _ratio(a: Place, b: Place) -> float:
    if a[2] != b[2]:
        return 0.0
    matcher = SequenceMatcher(None, _text(a), _text(b), autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= _ALIKE else 0.0


def _merged(many: int, others: int, found: dict[int, int]) -> list[Pair]:
    """Return all lines: those of the first in their order, and between them those that only the second has."""
    only = [j for j in range(others) if j not in set(found.values())]
    pairs: list[Pair] = []
    for i in range(many):
        j = found.get(i)
        while j is not None and only and only[0] < j:
            pairs.append((None, only.pop(0)))
        pairs.append((i, j))
    return pairs + [(None, j) for j in only]


# --- order ---


def sequence(places: list[Place]) -> list[int]:
    """Return the indices of lines in the order in which they end: expressions before the line that they are in."""
    order: list[int] = []
    open_: list[int] = []  # the statement, and the expressions that the next one may be in
    for i, place in enumerate(places):
        if place[2] in _EXPRESSIONS:
            while len(open_) > 1 and _text(place) not in places[open_[-1]][0]:
                order.append(open_.pop())
        else:
            order += reversed(open_)
            open_ = []
        open_.append(i)
    return order + open_[::-1]


def loops(places: tuple[Place, ...]) -> list[int | None]:
    """Return for each line the index of the outermost `for` or `while` statement whose header or body it is in.

    A body is recognised by its indentation. The iterable of a `for` is evaluated once, outside the loop.
    """
    found: list[int | None] = []
    header: int | None = None
    statement = 0
    for i, (_, _, kind, lineno, _, col) in enumerate(places):
        if kind in _EXPRESSIONS:
            in_header = statement == header and places[statement][2] == "for"
            found.append(None if in_header else header)
            continue
        statement = i
        if header is not None and lineno > places[header][3] and col <= places[header][5]:
            header = None
        if header is None and kind in ("for", "while"):
            header = i
        found.append(header)
    return found
