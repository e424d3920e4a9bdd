"""The source of a call as it stands in the file, with hits before and values behind each of its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..cells import columns, cut, escaped, expanded
from ..selection import elided, is_silent, runs, shown_names
from .rows import flow, size, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..._values.sample import Sample
    from ...results import Call, Line
    from ..selection import Run
    from .rows import Row, Word

__all__ = ["listing"]

_UNHIT = "-"
_MOST_VALUES = 12  # of a name on a line
_HEATS = 5
_FOLDED = 4  # the physical lines from which on a docstring is not shown in full


class _Entry(NamedTuple):
    """What is shown in a row: source, or a line that shares a physical line with another."""

    number: str
    source: str
    line: Line | None


def listing(call: Call, width: int, builtins: bool) -> list[Row]:
    """Return the rows of a call, each at most `width` columns wide.

    Behind the number of a physical line stands how often its line was hit: "-" is never, nothing is that there is no
    line, or that it does nothing that could be counted. Where several lines share a physical line, those after the
    first have rows of their own below it. Of a long docstring the first row is shown.
    """
    entries = list(_entries(call))
    number = max((len(entry.number) for entry in entries), default=0)
    counts = [entry.line.hits for entry in entries if entry.line]
    hottest = max(counts, default=0)
    room = width - number - len(str(hottest)) - 5
    aside = _aside(entries, call, builtins, room)
    raising = call.lines[call.ended_at] if call.raised and call.ended_at is not None else None
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
    """The column of the source's in which the values begin."""
    sizes = [columns(e.source) for e in entries if e.line and shown_names(e.line, call, builtins)]
    return min(max(sizes, default=0), room * 11 // 20) + 3


def _hits(line: Line | None, hottest: int) -> tuple[str, str]:
    width = len(str(hottest))
    if line is None or is_silent(line):
        return " " * width, ""
    if not line.hits:
        return f"{_UNHIT:>{width}}", "unhit"
    return f"{line.hits:>{width}}", f"heat{(line.hits - 1) * _HEATS // hottest}"


def _raised(call: Call, source: str, room: int) -> Row:
    """What is shown below the line that raised."""
    text = escaped(call.raised[1]) if call.raised else ""
    return trimmed([(_indent(source), ""), ("^ " + text, "raised")], room)


# --- source ---


def _entries(call: Call) -> Iterator[_Entry]:
    begin: dict[int, list[Line]] = {}
    for line in call.lines:
        begin.setdefault(line.lineno, []).append(line)
    rows = call.source.removesuffix("\n").split("\n")  # not what else splitlines() takes for the end of a line
    indent = rows[0][: len(rows[0]) - len(rows[0].lstrip())]
    hidden = _hidden(call.lines)
    for lineno, row in enumerate(rows, call.lineno) if call.source else ():
        here = begin.pop(lineno, [])
        if lineno in hidden:
            continue
        shown = _shown(row, indent)
        yield _Entry(str(lineno), shown, here[0] if here else None)
        if lineno + 1 in hidden:
            yield _Entry("", _indent(shown) + "…", None)
        for line in here[1:]:
            before = row.encode("utf-8", "surrogatepass")[: line.col].decode("utf-8", "replace")
            yield _Entry("", " " * columns(_shown(before, indent)) + _first_row(line), line)
    for lineno, lines in begin.items():  # what the source does not have, as there is none
        for line in lines:
            yield _Entry(str(lineno), _first_row(line), line)


def _shown(row: str, indent: str) -> str:
    """A physical line without the function's indentation."""
    return expanded(row.removeprefix(indent))


def _indent(shown: str) -> str:
    return shown[: len(shown) - len(shown.lstrip(" "))]


def _first_row(line: Line) -> str:
    first, *others = line.text.rstrip().split("\n")
    return expanded(first) + (" …" if others else "")


def _hidden(lines: list[Line]) -> set[int]:
    """The physical lines of long docstrings after their first, as far as no other line begins there."""
    hidden: set[int] = set()
    for line in lines:
        many = line.end_lineno - line.lineno + 1
        if is_silent(line) and _FOLDED <= many <= len(line.text):
            hidden.update(range(line.lineno + 1, line.end_lineno + 1))
    return hidden.difference(line.lineno for line in lines)


# --- values ---


def _with_values(entry: _Entry, words: list[Word], room: int, aside: int) -> Iterator[Row]:
    """The rows of an entry: its values behind the source, or below where that is too long."""
    style = "unhit" if entry.line and not entry.line.hits and not is_silent(entry.line) else "source"
    source = entry.source
    if not entry.number:  # what is below its place in a physical line may stand more to the left where room is scarce
        source = source[min(max(columns(source) - room, 0), len(_indent(source))) :]
    rows = flow(words, room - aside, 2)
    if rows and columns(source) <= aside - 3:
        yield [(source, style), (" " * (aside - columns(source)), ""), *rows.pop(0)]
    else:
        yield [(cut(source, room), style)]
    for row in rows:
        yield [(" " * aside, ""), *row]


def _words(line: Line, call: Call, builtins: bool, room: int) -> list[Word]:
    """What stands behind a line: the courses of its names, and how many of its hits they show if not all."""
    words: list[Word] = []
    names = shown_names(line, call, builtins)
    for name, samples in names:
        course = _course(name, samples, room)
        if words:
            (first, style), *others = course[0]
            course[0] = [("   " + first, style), *others]
        words += course
    seen = max((len(samples) for _, samples in names), default=0)
    if names and seen < line.hits:
        words.append([(f"   ({seen} of {line.hits})", "rule")])
    return words


def _course(name: str, samples: list[Sample], room: int) -> list[Word]:
    """A name and its values, as many of them as fit into `room` columns, the first and the last in any case."""
    found = runs(samples)
    for most in range(min(len(found), _MOST_VALUES), 2, -1):
        words = _joined(name, *elided(found, most))
        if sum(map(size, words)) <= room:
            return words
    return _joined(name, *elided(found, 2))


def _joined(name: str, first: Sequence[Run], last: Sequence[Run]) -> list[Word]:
    words: list[Word] = []
    constant = len(first) == 1 and not last  # then the hits tell how often
    for run in first:
        before: Row = [(" -> ", "rule")] if words else [(escaped(name), "name"), (" ", "")]
        words.append([*before, *_value(run, 1 if constant else run.times)])
    if last:
        words.append([(" -> …", "rule")])
    return words + [[(" -> ", "rule"), *_value(run, run.times)] for run in last]


def _value(run: Run, times: int) -> Row:
    return [(run.text, "value"), (f" ×{times}", "rule")] if times > 1 else [(run.text, "value")]
