"""The calls of a trace as a bounded piece of HTML without a script, for notebooks."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from .. import html_templates
from ..cells import escaped
from ..omissions import omissions, seen_of
from ..selection import error_text, may_run_without_hits, shown_names
from .extra import environment
from .page_data import Target, Targets, depths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..._values.sample import Sample
    from ...results import Call, TraceResults

__all__ = ["LIMIT", "fragment"]

LIMIT = 256 * 1024
"""The characters of a fragment, at most."""

_ROOM = 16 * 1024  # for what stands around the calls
_CALL_ROOM = 8 * 1024  # for what stands around the rows of a call: texts grow fivefold, at most, when they are escaped
_MOST_CALLS = 50
_MOST_NAMES = 8  # of a line
_MOST_SAMPLES = 10  # of a name
_MOST_ROW = 500  # characters of a row of source
_MOST_VALUE = 60
_MOST_TITLE = 200
_MOST_WARNINGS = 10
_CUT = "\ufdd0"  # stands for what is cut: no character, so no text has it
_REST = "… stands for what does not fit: to_html(path) shows all."
_DEEPEST = 8  # calls that are deeper are not indented further


def fragment(results: TraceResults) -> str:
    """Return the calls as HTML, in at most `LIMIT` characters.

    Raises ImportError where Jinja2 or Pygments is missing.
    """
    templates: Any = environment().get_template("fragment.html.jinja").module
    style = html_templates.file_text("fragment.css")
    left = LIMIT - _ROOM - len(style)
    parts: list[str] = []
    targets = Targets()
    for call, depth in zip(results[:_MOST_CALLS], depths(results), strict=False):
        shown = _shown_call(call, targets.of(call), templates, left // 2)  # half of the room is for other calls
        text = str(templates.call(shown, min(depth, _DEEPEST), not parts))
        if len(text) > left:
            break
        left -= len(text)
        parts.append(text)
    warnings = [_cut(escaped(text), _MOST_TITLE) for text in results.warnings[:_MOST_WARNINGS]]
    if len(results.warnings) > _MOST_WARNINGS:
        warnings.append(f"{len(results.warnings) - _MOST_WARNINGS} more warnings")
    notes = [_cut(text, _MOST_TITLE) for text in omissions(results)]
    text = str(templates.whole(style, parts, len(results), error_text(results, _MOST_TITLE), warnings, notes))
    if _CUT in text:
        text = str(
            templates.whole(style, parts, len(results), error_text(results, _MOST_TITLE), warnings, [*notes, _REST])
        )
    return html_templates.encoded(text.replace(_CUT, "…")).decode()


def _shown_call(call: Call, target: Target, templates: Any, room: int) -> dict[str, Any]:
    """Return what the template shows of a call, with as many rows of source as there is room for."""
    room -= _CALL_ROOM
    rows: list[str] = []
    for row in _rows(call, target):
        text = str(templates.row(row))
        room -= len(text)
        if room < 0:
            break
        rows.append(text)
    given = ", ".join(f"{escaped(name)}={text}" for name, (_, text) in call.arguments.items())
    return {
        "function": _cut(target.function, _MOST_TITLE),
        "arguments": _cut(given, _MOST_TITLE),
        "outcome": _outcome(call),
        "place": _cut(f"{target.file}:{target.lineno}", _MOST_TITLE),
        "rows": rows,
        "more": len(target.rows) - len(rows),
    }


def _rows(call: Call, target: Target) -> Iterator[dict[str, Any]]:
    """Yield what the template shows of each row of the source."""
    raising = target.ended_at(call) if call.raised is not None else None
    for number, starting in enumerate(_starting(target)):
        lines = [(call.trace.get(target.lines[i].text) or (0, {})) for i in starting]
        seen = [seen_of(hits, names, call) for hits, names in lines]
        counted = [i for i in starting if not may_run_without_hits(target.lines[i].kind, target.lines[i].text)]
        yield {
            "number": target.lineno + number,
            "hits": [hits for hits, _ in lines],
            "tokens": _shortened(target.tokens[number]),
            "values": [_values(names, call) for _, names in lines],
            "seen": [f"({both[0]} of {both[1]})" for both in seen if both],
            "is_raising": raising in starting,
            "is_unhit": bool(counted) and not any(hits for hits, _ in lines),
        }


def _starting(target: Target) -> list[list[int]]:
    """Return for each row of the source the lines that begin in it."""
    found: list[list[int]] = [[] for _ in target.rows]
    for i, line in enumerate(target.lines):
        found[line.span[0]].append(i)
    return found


def _outcome(call: Call) -> tuple[str, str]:
    """Return how the call ended, "raised", "returned" or "unended", and what it gave."""
    for kind, sample in (("raised", call.raised), ("returned", call.returned)):
        if sample is not None:
            return kind, _cut(sample[1], _MOST_TITLE)
    return "unended", "not ended"


def _values(names: dict[str, list[Sample]], call: Call) -> list[tuple[str, str]]:
    """Return the names of a line with the values that they had, one after the other."""
    shown: list[tuple[str, str]] = []
    found = shown_names(names, call)
    for name, samples in found[:_MOST_NAMES]:
        values = [_cut(text, _MOST_VALUE) for text, _ in groupby(text for _, text in samples[:_MOST_SAMPLES])]
        more = [_CUT] if len(samples) > _MOST_SAMPLES else []
        shown.append((_cut(name, _MOST_VALUE), " → ".join(values + more)))
    return [*shown, (_CUT, _CUT)] if len(found) > _MOST_NAMES else shown


def _shortened(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the tokens of a row up to its allowed length."""
    found: list[tuple[str, str]] = []
    room = _MOST_ROW
    for name, text in tokens:
        if len(text) > room:
            return [*found, (name, text[:room]), ("", _CUT)]
        found.append((name, text))
        room -= len(text)
    return found


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + _CUT
