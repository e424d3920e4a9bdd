"""What the text and the page of a difference show: sections of rows, each of the first trace, the second or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..cells import cut, escaped
from ..omissions import omissions
from ..selection import elided, runs
from ..text.call_tree import heading
from ..text.rows import wrapped

if TYPE_CHECKING:
    from ..._values.sample import Sample
    from ...differences import LineDifference, NotComparable, Point, SourceDifference
    from ...results import Difference
    from ..selection import Run
    from ..text.rows import Row, Word

__all__ = ["Section", "sections"]

_MOST_VALUES = 6
_SIDES = (("-", "first"), ("+", "second"))


class Section(NamedTuple):
    """A title, and rows with their marks: of the first trace (`-`), the second (`+`) or both (` `)."""

    title: str
    rows: list[tuple[str, Row]]


def sections(difference: Difference, room: int) -> list[Section]:
    """Return a difference as sections, in rows of at most `room` columns without their marks.

    First comes the point where the traces diverge; then what differs in each pair of calls; then the calls that only
    one trace has; then the lines of the source that changed; then the values that cannot be compared; then what the
    traces themselves leave out.
    """
    found = [_first(difference.first, room)] if difference.first else []
    lines: dict[tuple[int | None, int | None], list[LineDifference]] = {}
    for line in difference.lines:
        lines.setdefault(line.calls, []).append(line)
    calls = {call.calls for call in difference.calls}
    for i, j in sorted((i, j) for i, j in calls.union(lines) if i is not None and j is not None):
        rows = _call(difference, (i, j), (i, j) in calls, room)
        rows += [row for line in lines.get((i, j), []) for row in _line(line, room)]
        found.append(Section(f"{_numbers((i, j))} of {escaped(difference.traces[0][i].function)}", rows))
    for side, (mark, which) in enumerate(_SIDES):
        only = [call.calls[side] for call in difference.calls if call.calls[1 - side] is None]
        if only:
            rows = [(mark, row) for i in only if i is not None for row in _heading(difference, side, i, room)]
            found.append(Section(f"Calls only in the {which}", rows))
    if difference.source:
        found.append(_source(difference.source, room))
    if difference.not_comparable:
        found.append(_not_comparable(difference.not_comparable, room))
    is_cut = any(_ELIDED in text for section in found for _, row in section.rows for text, _ in row)
    left_out = _left_out(difference, is_cut, room)
    title = "Not in the traces" if found else "Nothing differs in the traces, which do not have everything"
    return [*map(_with_ellipses, found), *([Section(title, left_out)] if left_out else [])]


_ELIDED = "\ufdd0"  # stands for values that are left out: no character, so no text has it


def _with_ellipses(section: Section) -> Section:
    rows = [(mark, [(text.replace(_ELIDED, "…"), style) for text, style in row]) for mark, row in section.rows]
    return section._replace(rows=rows)


def _left_out(difference: Difference, is_cut: bool, room: int) -> list[tuple[str, Row]]:
    """Return the rows about what each trace leaves out, and about values that are not shown."""
    found = []
    both = [omissions(results) for results in difference.traces]
    for text in dict.fromkeys([*both[0], *both[1]]):
        mark = " " if text in both[0] and text in both[1] else "-" if text in both[0] else "+"
        words: list[Word] = [[(word if i == 0 else " " + word, "")] for i, word in enumerate(text.split(" "))]
        found += [(mark, [("  ", ""), *row]) for row in wrapped(words, room - 2, 2)]
    if is_cut:
        found.append(
            (" ", [("  … stands for values that are not shown: the attributes of the difference have all.", "")])
        )
    return found


def _call(difference: Difference, pair: tuple[int, int], differs: bool, room: int) -> list[tuple[str, Row]]:
    """Return the rows of a pair of calls: once, or for each trace if the calls themselves differ."""
    rows = [("-" if differs else " ", row) for row in _heading(difference, 0, pair[0], room)]
    return rows + [("+", row) for row in _heading(difference, 1, pair[1], room) if differs]


def _heading(difference: Difference, side: int, index: int, room: int) -> list[Row]:
    number = f"{index + 1} "
    first, *others = heading(difference.traces[side][index], room - len(number), 0)
    return [[(number, "number"), *first], *([(" " * len(number), ""), *row] for row in others)]


def _numbers(pair: tuple[int | None, int | None]) -> str:
    """Return the numbers of a pair of calls, from 1 as in the text of a trace."""
    a, b = (None if i is None else i + 1 for i in pair)
    return f"Calls {a} and {b}" if a and b and a != b else f"Call {a or b}"


def _first(point: Point, room: int) -> Section:
    """Return the section about the point where the traces diverge."""
    line = f"line {_linenos(point.linenos)}"
    in_one_only = point.what in ("call", "line", "hits")
    where = {
        "argument": f"argument {point.name}",
        "value": f"{line}, hit {point.hit}, {point.name}",
        "hits": f"{line}, hit {point.hit}",
        "line": f"{line}, hit {point.hit}",
        "yielded": f"yielded value {point.hit}",
        "end": "its end",
    }.get(point.what, "")
    title = ", ".join(filter(None, [f"First difference: {_numbers(point.calls).lower()} of {point.function}", where]))
    rows: list[tuple[str, Row]] = []
    for mark, text in _both_or_each(point.lines):
        rows.append((mark, [("  " + cut(_one_row(text), room - 2), "source")]))
    label = "" if point.name is None else f"{escaped(point.name)} = "
    for mark, value in zip("-+", point.values, strict=True):
        if value is not None and not in_one_only:
            rows += [(mark, [("  ", ""), *row]) for row in wrapped([[(label, ""), (escaped(value), "")]], room - 2)]
    return Section(escaped(title) + (f": only in the {_fuller(point)}" if in_one_only else ""), rows)


def _fuller(point: Point) -> str:
    """Return which trace has the call or hit that the other one does not have."""
    if point.what == "call":
        return "second" if point.calls[0] is None else "first"
    first, second = (int(value or 0) for value in point.values)
    return "first" if first > second else "second"


def _linenos(pair: tuple[int | None, int | None]) -> str:
    """Return the numbers of a line in both versions, or one number if they are equal."""
    return "|".join(dict.fromkeys(str(lineno) for lineno in pair if lineno is not None))


def _one_row(text: str) -> str:
    first, *others = text.rstrip().split("\n")
    return escaped(first) + (" …" if others else "")


def _both_or_each(lines: tuple[str | None, str | None]) -> list[tuple[str, str]]:
    """Return the text of a line once with a blank mark if both versions have it, else each text with its mark."""
    if lines[0] is not None and lines[0] == lines[1]:
        return [(" ", lines[0])]
    return [(mark, text) for mark, text in zip("-+", lines, strict=True) if text is not None]


def _line(line: LineDifference, room: int) -> list[tuple[str, Row]]:
    """Return the rows of a line: its text, and for each trace what differs."""
    rows: list[tuple[str, Row]] = []
    hits = "" if line.hits[0] == line.hits[1] else f"   hits {line.hits[0]} | {line.hits[1]}"
    numbers = {" ": _linenos(line.linenos), "-": str(line.linenos[0]), "+": str(line.linenos[1])}
    for mark, text in _both_or_each(line.lines):
        shown = cut(_one_row(text), room - len(numbers[mark]) - len(hits) - 4)
        rows.append((mark, [(f"  {numbers[mark]}  {shown}{hits}", "source")]))
    courses = {name: _courses(*samples) for name, samples in line.names.items()}
    for side, (mark, _) in enumerate(_SIDES):
        words: list[Word] = []
        for name, both in courses.items():
            words.append([("   " if words else "", ""), (escaped(name), "name"), (" " + both[side][0], "value")])
            words += [[(f" -> {value}", "value")] for value in both[side][1:]]
        rows += [(mark, [("      ", ""), *row]) for row in wrapped(words, room - 6, 2)]
    return rows


def _courses(a: list[Sample], b: list[Sample]) -> tuple[list[str], list[str]]:
    """Return the values of a name in both traces, from the last one on that they have in common."""
    both = runs(a), runs(b)
    common = 0
    for one, other in zip(*both, strict=False):
        if one != other:
            break
        common += 1
    start = max(common - 1, 0)
    return _course(both[0], start), _course(both[1], start)


def _course(found: list[Run], start: int) -> list[str]:
    if len(found) == 1:
        return [found[0].text]
    first, last = elided(found[start:], _MOST_VALUES)
    shown = [[run.text + (f" ×{run.times}" if run.times > 1 else "") for run in part] for part in (first, last)]
    values = [*shown[0], *([_ELIDED] if last else []), *shown[1]]
    return (["…"] if start else []) + values or ["(no value)"]


def _source(differences: list[SourceDifference], room: int) -> Section:
    """Return the section of the lines that the versions do not have in common."""
    rows: list[tuple[str, Row]] = []
    for difference in differences:
        numbers = dict(zip("-+", difference.linenos, strict=True))
        for mark, text in _both_or_each(difference.lines):
            shown = cut(_one_row(text), room - len(str(numbers[mark])) - 4)
            rows.append((mark, [(f"  {numbers[mark]}  {shown}", "source")]))
    return Section("Source", rows)


def _not_comparable(values: list[NotComparable], room: int) -> Section:
    """Return the section of the values of which only addresses are known."""
    rows: list[tuple[str, Row]] = []
    for value in values[:_MOST_NOT_COMPARABLE]:
        where = {
            "argument": f"argument {value.name}",
            "value": f"line {_linenos(value.linenos)}, {value.name}",
            "yielded": "a yielded value",
            "returned": "what it returned",
            "raised": "what it raised",
        }[value.what]
        text = f"  {_numbers(value.calls)} of {value.function}, {where}: {value.values[0]}"
        rows.append((" ", [(cut(escaped(text), room), "")]))
    if len(values) > len(rows):
        rows.append((" ", [(f"  … {len(values) - len(rows)} more", "")]))
    return Section("Not comparable: only their addresses were seen", rows)


_MOST_NOT_COMPARABLE = 20
