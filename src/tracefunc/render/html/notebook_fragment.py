"""The calls of a trace as a bounded piece of HTML that needs no script, for notebooks."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from .page_data import Target, Targets, depths, described

if TYPE_CHECKING:
    from ..._values.sample import Sample
    from ...results import Call, TraceResults

LIMIT = 256 * 1024
"""The characters of a fragment, at most."""

_ROOM = 16 * 1024  # for what stands around the calls and their rows
_MOST_CALLS = 50
_MOST_NAMES = 8  # of a line
_MOST_SAMPLES = 10  # of a name
_MOST_ROW = 500  # characters of a row of source
_MOST_VALUE = 60
_MOST_TITLE = 200
_CODE = {"function", "builtin_function_or_method", "method", "type", "module"}


def fragment(results: TraceResults, templates: Any, style: str) -> str:
    """Return the calls as HTML; `templates` are its parts, `style` its style sheet."""
    left = LIMIT - _ROOM - len(style)
    parts: list[str] = []
    targets = Targets()
    for call, depth in zip(results[:_MOST_CALLS], depths(results), strict=False):
        text = _call(call, targets.of(call), depth, not parts, templates, left // 2)  # other calls shall be seen, too
        if len(text) > left:
            break
        left -= len(text)
        parts.append(text)
    error = None if results.exc is None else _cut(described(results.exc), _MOST_TITLE)
    warnings = [_cut(text, _MOST_TITLE) for text in results.warnings[:10]]
    return str(templates.whole(style, parts, len(results), max(results.calls, len(results)), error, warnings))


def _call(call: Call, target: Target, depth: int, is_first: bool, templates: Any, room: int) -> str:
    """One call, with as many of its rows as there is room for."""
    room -= 8 * 1024  # what stands around the rows; texts grow fivefold, at most, when they are escaped
    rows: list[str] = []
    raising = target.ended_at(call) if call.raised is not None else None
    for number, starting in enumerate(_starting(target)):
        lines = [(call.trace.get(target.lines[i][0]) or (0, {})) for i in starting]
        texts = [_values(names) for _, names in lines]
        row = str(
            templates.row(
                target.lineno + number,
                [hits for hits, _ in lines],
                _shortened(target.tokens[number]),
                texts,
                raising in starting,
            )
        )
        room -= len(row)
        if room < 0:
            break
        rows.append(row)
    given = ", ".join(f"{name}={text}" for name, (_, text) in call.arguments.items())
    return str(
        templates.call(
            _cut(target.function, _MOST_TITLE),
            _cut(given, _MOST_TITLE),
            _outcome(call),
            _cut(f"{target.file}:{target.lineno}", _MOST_TITLE),
            rows,
            len(target.rows) - len(rows),
            min(depth, 8),
            is_first,
        )
    )


def _starting(target: Target) -> list[list[int]]:
    """For each row of the source, the lines that begin in it."""
    found: list[list[int]] = [[] for _ in target.rows]
    for i, (row, *_) in enumerate(target.spans):
        found[row].append(i)
    return found


def _outcome(call: Call) -> tuple[str, str]:
    """How the call ended: "raised", "returned" or "unended", and what it gave."""
    for kind, sample in (("raised", call.raised), ("returned", call.returned)):
        if sample is not None:
            return kind, _cut(sample[1], _MOST_TITLE)
    return "unended", "not ended"


def _values(names: dict[str, list[Sample]]) -> list[tuple[str, str]]:
    """The names of a line with the values they had, one after the other; those that only hold code are left out."""
    shown: list[tuple[str, str]] = []
    for name, samples in names.items():
        if samples and not all(kind in _CODE for kind, _ in samples):
            values = [_cut(text, _MOST_VALUE) for text, _ in groupby(text for _, text in samples[:_MOST_SAMPLES])]
            more = ["…"] if len(samples) > _MOST_SAMPLES else []
            shown.append((_cut(name, _MOST_VALUE), " → ".join(values + more)))
    return shown[:_MOST_NAMES]


def _shortened(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The tokens of a row up to its allowed length."""
    found: list[tuple[str, str]] = []
    room = _MOST_ROW
    for name, text in tokens:
        if len(text) > room:
            return [*found, (name, text[:room]), ("", "…")]
        found.append((name, text))
        room -= len(text)
    return found


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
