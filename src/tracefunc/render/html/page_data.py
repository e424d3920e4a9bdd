"""What the page shows, as plain data: each source and each sample once, and calls that refer to both by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ..cells import escaped
from ..omissions import count_of_calls, is_cut_short, omissions
from ..selection import error_text, may_run_without_hits, shown_names

if TYPE_CHECKING:
    from ..._values.sample import Sample
    from ...results import Call, Place, TraceResults

Token = tuple[str, str]  # the short name of its class in Pygments, "" for plain text; its text


def page_data(results: TraceResults) -> dict[str, Any]:
    """Return what the script of the page reads, all of it fit for JSON."""
    targets, samples = Targets(), _Numbered()
    calls = [_call(call, targets, samples) for call in results]
    return {
        "calls": calls,
        "targets": [target.as_dict() for target in targets],
        "samples": [list(sample) for sample in samples],
        "engine": results.engine,
        "raised": error_text(results) or None,
        "count": count_of_calls(results) if is_cut_short(results) else None,
        "omissions": omissions(results, builtins=True),
        "warnings": [escaped(text) for text in results.warnings],
    }


class TargetLine(NamedTuple):
    """A line of a target, and where it stands in the target's source."""

    text: str
    kind: str
    names: tuple[str, ...]
    span: tuple[int, int, int, int]
    """The first row and the position in it, the last row and the position behind it, from 0."""


class Target:
    """The source of a function, and its lines with the places where they stand in it."""

    def __init__(self, call: Call, number: int = 0) -> None:
        self.number = number
        self.function = escaped(call.function) or "call"
        self.file = escaped(call.file)
        self.lineno = call.lineno or 1
        self.source = call.source.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
        self.rows = self.source.split("\n")
        places = call.places
        if not places or not all(map(self._has, places)):
            places = self._without_source(call)
        self.lines = [
            TargetLine(place[0], place[2], place[1], _span(place, self.rows, self.lineno)) for place in places
        ]

    def _has(self, place: Place) -> bool:
        """Return whether a line is in the rows of the source; a trace that was read from JSON may say anything."""
        _, _, _, first, last, _ = place
        return self.lineno <= first <= last < self.lineno + len(self.rows)

    def _without_source(self, call: Call) -> tuple[Place, ...]:
        """Make a source of the texts of the lines; a plain pair has only those that were hit."""
        places: list[Place] = []
        self.rows, self.lineno = [], 1
        known = [(text, names, kind) for text, names, kind, *_ in call.places]
        for text, names, kind in known or [
            (text, tuple(names), "statement") for text, (_, names) in call.trace.items()
        ]:
            first = len(self.rows) + 1
            self.rows += text.rstrip(" ").split("\n")
            places.append((text, names, kind, first, len(self.rows), 0))
        self.source = "\n".join(self.rows)
        return tuple(places)

    def ended_at(self, call: Call) -> int | None:
        """Return the index in `lines` of the line that ended a call; None where it is not known."""
        if call.ended_at is None or call.ended_at >= len(call.places):
            return None
        text = call.places[call.ended_at][0]
        return next((i for i, line in enumerate(self.lines) if line.text == text), None)

    @cached_property
    def tokens(self) -> list[list[Token]]:
        """The rows of the source as tokens, for syntax highlighting."""
        from pygments.lexers.python import PythonLexer

        rows: list[list[Token]] = [[]]
        for _, kind, text in PythonLexer().get_tokens_unprocessed(self.source):  # which keeps every character
            name = _class_name(kind)
            first, *rest = text.split("\n")
            if first:
                rows[-1].append((name, first))
            rows += [[(name, part)] if part else [] for part in rest]
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Return the target fit for JSON; positions count UTF-16 units, as JavaScript does."""
        return {
            "function": self.function,
            "file": self.file,
            "lineno": self.lineno,
            "rows": self.rows,
            "tokens": [[part for name, text in row for part in (name, _units(text))] for row in self.tokens],
            "lines": [
                line._asdict() | {"mayRunWithoutHits": may_run_without_hits(line.kind, line.text)}
                for line in self.lines
            ],
        }


class Targets:
    """The targets of some calls, each made once."""

    def __init__(self) -> None:
        self._known: dict[Any, Target] = {}

    def of(self, call: Call) -> Target:
        """Return the target of a call."""
        lines: tuple[object, ...] = call.places or tuple(call.trace)
        key = call.function, call.file, call.lineno, call.source, lines
        if key not in self._known:
            self._known[key] = Target(call, len(self._known))
        return self._known[key]

    def __iter__(self) -> Iterator[Target]:
        return iter(self._known.values())


class _Numbered(dict[Any, int]):
    """Numbers for things; equal things have the same number."""

    def __call__(self, item: Any) -> int:
        return self.setdefault(item, len(self))


def _call(call: Call, targets: Targets, samples: _Numbered) -> dict[str, Any]:
    """Return a call fit for JSON.

    Its lines are those that were hit, by their index in the target: the hits, the samples of each name, and the indices
    of the names that are hidden unless the reader asks for them.
    """

    def number(sample: Sample | None) -> int | None:
        return None if sample is None else samples(tuple(sample))

    target = targets.of(call)
    lines = {}
    for i, line in enumerate(target.lines):
        hits, names = call.trace.get(line.text) or (0, {})
        if hits:
            shown = {name for name, _ in shown_names(names, call)}
            hidden = [k for k, name in enumerate(names) if name not in shown]
            lines[i] = [hits, [[number(sample) for sample in column] for column in names.values()], hidden]
    return {
        "target": target.number,
        "stack": call.stack,
        "arguments": [[name, number(sample)] for name, sample in call.arguments.items()],
        "returned": number(call.returned),
        "raised": number(call.raised),
        "yielded": [number(sample) for sample in call.yielded],
        "moreYielded": call.more_yielded,
        "thread": call.thread,
        "task": call.task,
        "seconds": call.seconds,
        "parent": call.parent,
        "ended": target.ended_at(call),
        "lines": lines,
    }


def depths(calls: Iterable[Call]) -> Iterator[int]:
    """Yield how many recorded calls each call is in."""
    known: list[int] = []
    for call in calls:
        known.append(0 if call.parent is None else known[call.parent] + 1)  # a parent has started before
        yield known[-1]


def _span(place: Place, rows: list[str], lineno: int) -> tuple[int, int, int, int]:
    """Return where a line stands: see `TargetLine.span`."""
    text, _, _, first, last, col = place
    first, last = first - lineno, last - lineno
    start = _units(rows[first].encode(errors="surrogatepass")[:col].decode(errors="replace"))
    text = text.rstrip(" ")  # trailing blanks only distinguish lines of the same text
    if first == last:
        return first, start, last, start + _units(text)
    # Continuation lines have lost the function's indentation; the text behind it is the same.
    blanks = len(rows[last]) - len(rows[last].lstrip())
    return first, start, last, blanks + _units(text.rpartition("\n")[2].lstrip())


def _units(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _class_name(kind: Any) -> str:
    """Return the CSS class of a kind of token; "" for a kind that looks like plain text."""
    from pygments.token import STANDARD_TYPES

    while kind not in STANDARD_TYPES:
        kind = kind.parent
    name = STANDARD_TYPES[kind]
    return "" if name in ("w", "n", "p") else name
