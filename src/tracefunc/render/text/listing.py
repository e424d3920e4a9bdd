"""The source of a call as it stands in the file, each line with its hits before it and its values behind it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..cells import columns, cut, escaped, expanded
from ..omissions import seen_of
from ..selection import elided, is_unhit, runs, shown_names
from .rows import ELIDED, size, trimmed, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..._values.sample import Sample
    from ...results import Call, Line, Place
    from ..selection import Run
    from .rows import Row, Word

__all__ = ["listing"]

_UNHIT = "-"
_MOST_VALUES = 12  # of a name on a line
_HEATS = 5
_FOLD = "…"  # the row that stands for those of a docstring
_FOLDED = 4  # a docstring of this many physical lines, or more, is not shown in full


class _Entry(NamedTuple):
    """What a row shows: a physical line, or a line that shares its physical line with an earlier one."""

    number: str
    source: str
    line: Line | None


def listing(call: Call, width: int, builtins: bool) -> list[Row]:
    """Return the rows of a call, each at most `width` columns wide.

    After the number of a physical line comes how often its line was hit: "-" for a line that never ran, nothing where
    no line begins or where a line does nothing that could be counted. Where several lines share a physical line, those
    after the first have rows of their own below it. Only the first row of a long docstring is shown.
    """
    lines = call.lines
    entries = list(_entries(call, lines))
    number = max((len(entry.number) for entry in entries), default=0)
    counts = [entry.line.hits for entry in entries if entry.line]
    hottest = max(counts, default=0)
    room = width - number - len(str(hottest)) - 5
    aside = _aside(entries, call, builtins, room)
    raising = lines[call.ended_at] if call.raised and call.ended_at is not None else None
    rows = []
    for entry in entries:
        gutter: Row = [(f" {entry.number:>{number}} ", "number"), _hits(entry.line, hottest), (" │ ", "rule")]
        blank: Row = [(" " * (number + len(str(hottest)) + 2), ""), (" │ ", "rule")]
        words = _words(entry.line, call, builtins, room - aside) if entry.line else []
        for body in _with_values(entry, words, room, aside):
            rows.append([*gutter, *body])
            gutter = blank
        if raising is not None and entry.line == raising:
            rows.append([*blank, *_raised(call, entry.source, room)])
    return rows


def _aside(entries: list[_Entry], call: Call, builtins: bool, room: int) -> int:
    """Return how far from the beginning of the source the values begin, in columns."""
    sizes = [columns(e.source) for e in entries if e.line and shown_names(e.line.vars, call, builtins)]
    return min(max(sizes, default=0), room * 11 // 20) + 3


def _hits(line: Line | None, hottest: int) -> tuple[str, str]:
    width = len(str(hottest))
    if line is None or not (line.hits or is_unhit(line)):
        return " " * width, ""
    if not line.hits:
        return f"{_UNHIT:>{width}}", "unhit"
    return f"{line.hits:>{width}}", f"heat{(line.hits - 1) * _HEATS // hottest}"


def _raised(call: Call, source: str, room: int) -> Row:
    """Return the row below the line that raised."""
    text = escaped(call.raised[1]) if call.raised else ""
    return trimmed([(_indent(source), ""), ("^ " + text, "raised")], room)


# --- source ---


def _entries(call: Call, lines: list[Line]) -> Iterator[_Entry]:
    hidden = _hidden(lines)
    for place in _layout(call.source, call.lineno, call.places):
        if place.begins and place.lineno in hidden:
            continue
        yield _Entry(place.number, place.source, None if place.line is None else lines[place.line])
        if place.begins and place.lineno + 1 in hidden:
            yield _Entry("", _indent(place.source) + _FOLD, None)


class _Place(NamedTuple):
    """What a row shows of the target, whatever the call."""

    lineno: int
    begins: bool
    """Whether it is a physical line of the source, and not a line that shares one, or has no source."""
    number: str
    source: str
    line: int | None


@lru_cache(maxsize=16)  # the calls of a target are shown one after the other
def _layout(source: str, first: int, places: tuple[Place, ...]) -> list[_Place]:
    begin: dict[int, list[int]] = {}
    for i, place in enumerate(places):
        begin.setdefault(place[3], []).append(i)
    rows = source.removesuffix("\n").split("\n")  # splitlines() would also split at form feeds and the like
    indent = rows[0][: len(rows[0]) - len(rows[0].lstrip())]
    found: list[_Place] = []
    for lineno, row in enumerate(rows, first) if source else ():
        here = begin.pop(lineno, [])
        found.append(_Place(lineno, True, str(lineno), _unindented(row, indent), here[0] if here else None))
        for i in here[1:]:
            text, *_, col = places[i]
            before = row.encode("utf-8", "surrogatepass")[:col].decode("utf-8", "replace")
            shown = " " * columns(_unindented(before, indent)) + _first_row(text)
            found.append(_Place(lineno, False, "", shown, i))
    for lineno, lines in begin.items():  # lines without source
        found += [_Place(lineno, False, str(lineno), _first_row(places[i][0]), i) for i in lines]
    return found


def _unindented(row: str, indent: str) -> str:
    """Return a physical line without the function's indentation."""
    return expanded(row.removeprefix(indent))


def _indent(shown: str) -> str:
    return shown[: len(shown) - len(shown.lstrip(" "))]


def _first_row(text: str) -> str:
    first, *others = text.rstrip().split("\n")
    return expanded(first) + (" …" if others else "")


def _hidden(lines: list[Line]) -> set[int]:
    """Return the physical lines of long docstrings after their first, except where another line begins."""
    hidden: set[int] = set()
    for line in lines:
        many = line.end_lineno - line.lineno + 1
        if not line.hits and not is_unhit(line) and _FOLDED <= many <= len(line.text):
            hidden.update(range(line.lineno + 1, line.end_lineno + 1))
    return hidden.difference(line.lineno for line in lines)


# --- values ---


def _with_values(entry: _Entry, words: list[Word], room: int, aside: int) -> Iterator[Row]:
    """Yield the rows of an entry: its values behind the source, or below a source that is too long."""
    style = "unhit" if entry.line and is_unhit(entry.line) else "source"
    source = entry.source
    if not entry.number:  # a line below its physical line: where room is scarce, it moves to the left
        source = source[min(max(columns(source) - room, 0), len(_indent(source))) :]
    rows = wrapped(words, room - aside, 2)
    if rows and columns(source) <= aside - 3:
        yield [(source, style), (" " * (aside - columns(source)), ""), *rows.pop(0)]
    else:
        shown = cut(source, room)
        yield [(shown, style), ("", ELIDED)] if shown != source else [(shown, style)]
    for row in rows:
        yield [(" " * aside, ""), *row]


def _words(line: Line, call: Call, builtins: bool, room: int) -> list[Word]:
    """Return what stands behind a line: the values of its names, and how many of its hits they show if not all."""
    words: list[Word] = []
    for name, samples in shown_names(line.vars, call, builtins):
        course = _course(name, samples, room)
        if words:
            (first, style), *others = course[0]
            course[0] = [("   " + first, style), *others]
        words += course
    if seen := seen_of(line.hits, line.vars, call, builtins):
        words.append([(f"{'   ' if words else ''}({seen[0]} of {seen[1]})", "rule")])
    return words


def _course(name: str, samples: list[Sample], room: int) -> list[Word]:
    """Return a name and its values: the first and the last, and as many others as fit into `room` columns."""
    found = runs(samples)
    if len(found) == 1:
        return _joined(name, found, ())
    for most in range(min(len(found), _MOST_VALUES), 2, -1):
        words = _joined(name, *elided(found, most))
        if sum(map(size, words)) <= room:
            return words
    return _joined(name, *elided(found, 2))


def _joined(name: str, first: Sequence[Run], last: Sequence[Run]) -> list[Word]:
    words: list[Word] = []
    constant = len(first) == 1 and not last  # then the line's hits say how often
    for run in first:
        before: Row = [(" -> ", "rule")] if words else [(escaped(name), "name"), (" ", "")]
        words.append([*before, *_value(run, 1 if constant else run.times)])
    if last:
        words.append([(" -> …", ELIDED)])
    return words + [[(" -> ", "rule"), *_value(run, run.times)] for run in last]


def _value(run: Run, times: int) -> Row:
    return [(run.text, "value"), (f" ×{times}", "rule")] if times > 1 else [(run.text, "value")]
