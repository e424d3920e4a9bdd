"""Two traces of the same target side by side: where they part, and what differs."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, NamedTuple

from ..cells import cut, escaped
from ..selection import elided, runs
from ..text.call_tree import heading
from ..text.rows import flow, plain
from .divergence import CallDifference, LineDifference, Point, SourceDifference, parting

if TYPE_CHECKING:
    from os import PathLike

    from ..._values.sample import Sample
    from ...results import TraceResults
    from ..selection import Run
    from ..text.rows import Row, Word

__all__ = ["CallDifference", "Difference", "LineDifference", "Point", "SourceDifference", "compare"]

_NARROWEST = 40
_WIDTH = 100  # where there is no terminal to ask
_MOST_VALUES = 6


def compare(a: TraceResults, b: TraceResults) -> Difference:
    """Compare two traces of the same target, which may be of two versions of it.

    Calls are matched function by function in their order; lines by their text, also when they moved, and by difflib
    when they changed. Not compared is what differs between runs: addresses in texts (`0x...`), time, threads, tasks,
    files, engines, physical line numbers.

    The first difference is that in execution order, as far as a trace tells it. It records in which order the hits of
    one line came, and which call started in which, but not how the hits of different lines alternate. So it is taken
    that in a call

    - the arguments come first, what it returned or raised last;
    - lines come in the order of the source, with all their hits, but comprehensions and lambdas before the statement
      that they are in, which is sampled when it is done;
    - in the outermost `for` or `while` around them, the first hits of all its lines come before their second hits, and
      so on, as if each line were executed each time: a line that is not always executed, or that is in an inner loop,
      may come later than it is taken to;
    - a call that it made comes before the line that made it ends, which is the one that the stack names where there is
      one, or else the first that mentions the function.
    """
    return Difference(a, b)


class Difference:
    """What differs between two traces; false when nothing does. Pairs are of the first and the second trace."""

    def __init__(self, a: TraceResults, b: TraceResults) -> None:
        found = parting(a, b)
        self._results = a, b
        self.first: Point | None = found.first
        """Where the traces part; None when nothing does but the source."""
        self.calls: list[CallDifference] = found.calls
        """The calls that are in one trace only, or have other arguments, yielded values or ends."""
        self.lines: list[LineDifference] = found.lines
        """The lines that have other hits or values, call by call."""
        self.source: list[SourceDifference] = found.source
        """The lines of the targets that are not the same in both versions, executed or not."""

    def __bool__(self) -> bool:
        return bool(self.calls or self.lines or self.source)

    def __repr__(self) -> str:
        return (
            f"<Difference: calls {len(self.calls)}, lines {len(self.lines)}, source {len(self.source)}, "
            f"first {self.first and tuple(self.first)}>"
        )

    def text(self, width: int | None = None) -> str:
        """Return the difference as text, in rows of at most `width` columns, by default the terminal's; "" if none.

        First where the traces part; then for each call what differs, with `-` for the first trace and `+` for the
        second, and the values from the last common one on; then the calls that are in one only, and the lines of the
        source that changed.
        """
        room = max(_NARROWEST, get_terminal_size((_WIDTH, 24)).columns if width is None else width)
        rows: list[Row] = []
        for section in self._sections(room - 2):
            rows += [[], [(cut(section.title, room), "")]] if rows else [[(cut(section.title, room), "")]]
            for mark, row in section.rows:
                rows.append([(f"{mark} ", ""), *row])
        return plain(rows)

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write the difference as a page, in one file that loads nothing and runs nothing. Needs `tracefunc[html]`.

        Raises ImportError where Jinja2 is not installed, and OSError where the file cannot be written.
        """
        try:
            from jinja2 import Environment, PackageLoader, StrictUndefined
        except ImportError as error:
            raise ImportError("to_html() needs Jinja2: pip install 'tracefunc[html]'.") from error
        loader = PackageLoader("tracefunc.render")
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        environment.filters["hashed"] = _hashed
        template = environment.get_template("diff.html.jinja")
        sections = [
            (section.title, [(mark, plain([row])) for mark, row in section.rows]) for section in self._sections(_WIDTH)
        ]
        page = template.render(sections=sections, classes={"-": "first", "+": "second", " ": "both"})
        Path(path).write_text(page, encoding="utf-8", newline="\n")

    def _sections(self, room: int) -> list[_Section]:
        found = [_first(self.first, room)] if self.first else []
        lines: dict[tuple[int | None, int | None], list[LineDifference]] = {}
        for line in self.lines:
            lines.setdefault(line.calls, []).append(line)
        calls = {call.calls: call for call in self.calls}
        for i, j in sorted((i, j) for i, j in {**calls, **lines} if i is not None and j is not None):
            found.append(self._call(i, j, (i, j) in calls, lines.get((i, j), []), room))
        for side, (mark, which) in enumerate(_SIDES):
            only = [call.calls[side] for call in self.calls if call.calls[1 - side] is None]
            if only:
                rows = [(mark, row) for i in only if i is not None for row in self._heading(side, i, room)]
                found.append(_Section(f"Calls only in the {which}", rows))
        return found + ([_source(self.source, room)] if self.source else [])

    def _call(self, i: int, j: int, differs: bool, lines: list[LineDifference], room: int) -> _Section:
        rows = [("-" if differs else " ", row) for row in self._heading(0, i, room)]
        rows += [("+", row) for row in self._heading(1, j, room) if differs]
        for line in lines:
            rows += _line(line, room)
        return _Section(f"{_numbers((i, j))} of {escaped(self._results[0][i].function)}", rows)

    def _heading(self, side: int, index: int, room: int) -> list[Row]:
        number = f"{index + 1} "
        first, *others = heading(self._results[side][index], room - len(number), 0)
        return [[(number, "number"), *first], *([(" " * len(number), ""), *row] for row in others)]


_SIDES = (("-", "first"), ("+", "second"))


class _Section(NamedTuple):
    """A title, and rows that are of the first trace (`-`), the second (`+`) or both."""

    title: str
    rows: list[tuple[str, Row]]


def _numbers(pair: tuple[int | None, int | None]) -> str:
    """The calls of a pair by their numbers, which begin with 1 as in the text of a trace."""
    a, b = (None if i is None else i + 1 for i in pair)
    return f"Calls {a} and {b}" if a and b and a != b else f"Call {a or b}"


def _first(point: Point, room: int) -> _Section:
    """Where the traces part."""
    line = f"line {_linenos(point.linenos)}"
    more = point.what in ("call", "line", "hits")  # then there is something in one that is not in the other
    told = {
        "argument": f"argument {point.name}",
        "value": f"{line}, hit {point.hit}, {point.name}",
        "hits": f"{line}, hit {point.hit}",
        "line": f"{line}, hit {point.hit}",
        "yielded": f"yielded value {point.hit}",
        "end": "its end",
    }.get(point.what, "")
    title = ", ".join(filter(None, [f"First difference: {_numbers(point.calls).lower()} of {point.function}", told]))
    rows: list[tuple[str, Row]] = []
    for mark, text in _both_or_each(point.lines):
        rows.append((mark, [("  " + cut(_one_row(text), room - 2), "source")]))
    label = "" if point.name is None else f"{escaped(point.name)} = "
    for mark, value in zip("-+", point.values, strict=True):
        if value is not None and not more:
            rows += [(mark, [("  ", ""), *row]) for row in flow([[(label, ""), (escaped(value), "")]], room - 2)]
    return _Section(escaped(title) + (f": only in the {_richer(point)}" if more else ""), rows)


def _richer(point: Point) -> str:
    """Which trace has the call or hit that the other one has not."""
    if point.what == "call":
        return "second" if point.calls[0] is None else "first"
    first, second = (int(value or 0) for value in point.values)
    return "first" if first > second else "second"


def _linenos(pair: tuple[int | None, int | None]) -> str:
    """The numbers of a line in both versions, if they are not the same."""
    return "|".join(dict.fromkeys(str(lineno) for lineno in pair if lineno is not None))


def _one_row(text: str) -> str:
    first, *others = text.rstrip().split("\n")
    return escaped(first) + (" …" if others else "")


def _both_or_each(lines: tuple[str | None, str | None]) -> list[tuple[str, str]]:
    """The text of a line with a blank mark if it is the same in both versions, else what there is with marks."""
    if lines[0] is not None and lines[0] == lines[1]:
        return [(" ", lines[0])]
    return [(mark, text) for mark, text in zip("-+", lines, strict=True) if text is not None]


def _line(line: LineDifference, room: int) -> list[tuple[str, Row]]:
    """A line of a call: its text, and on both sides what differs."""
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
        rows += [(mark, [("      ", ""), *row]) for row in flow(words, room - 6, 2)]
    return rows


def _courses(a: list[Sample], b: list[Sample]) -> tuple[list[str], list[str]]:
    """Two courses of values from the last one that they have in common on."""
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
    values = [*shown[0], *(["…"] if last else []), *shown[1]]
    return (["…"] if start else []) + values or ["(no value)"]


def _source(differences: list[SourceDifference], room: int) -> _Section:
    """The lines that are not the same in both versions."""
    rows: list[tuple[str, Row]] = []
    for difference in differences:
        numbers = dict(zip("-+", difference.linenos, strict=True))
        for mark, text in _both_or_each(difference.lines):
            shown = cut(_one_row(text), room - len(str(numbers[mark])) - 4)
            rows.append((mark, [(f"  {numbers[mark]}  {shown}", "source")]))
    return _Section("Source", rows)


def _hashed(style: str) -> str:
    """The source expression by which a Content-Security-Policy allows a style sheet."""
    from base64 import b64encode

    return f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"
