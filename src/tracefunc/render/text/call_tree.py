"""The calls in rows: one call, all calls as a tree, and the notes about the whole trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cells import columns, cut, escaped, pieces
from ..selection import elided, error_text, labels, parents
from .rows import size, trimmed, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...results import Call, TraceResults
    from .rows import Row, Word

__all__ = ["elides_yielded", "heading", "notes", "row_of", "rule", "tree"]

_MOST_YIELDED = 6


def tree(results: TraceResults, width: int) -> Iterator[Row]:
    """Yield a row for each call, below the call that it ran in."""
    children: dict[int | None, list[int]] = {}
    for i, parent in enumerate(parents(results)):
        children.setdefault(parent, []).append(i)
    runners = labels(results)
    number = len(str(len(results)))
    open_: list[tuple[int, str, str]] = [(i, "", "") for i in reversed(children.get(None, []))]
    while open_:
        i, before, below = open_.pop()
        label = f"  [{runners[i]}]" if runners[i] else ""
        start: Row = [(f" {i + 1:>{number}} ", "number"), (_shortened(before, width // 2), "rule")]
        room = width - size(start) - columns(label)
        yield trimmed([*start, *row_of(results[i], max(room, 10)), (label, "rule")], width)
        inner = children.get(i, [])
        for child in reversed(inner):
            guide, space = ("└─ ", "   ") if child == inner[-1] else ("├─ ", "│  ")
            open_.append((child, below + guide, below + space))


def _shortened(guides: str, room: int) -> str:
    """Return the innermost guides of a deep tree."""
    return guides if len(guides) <= room else "… " + guides[-(room // 3 * 3) :]


def row_of(call: Call, room: int) -> Row:
    """Return a call with its end in `room` columns: the last arguments are left out until the rest fits."""
    row: Row = []
    for most in range(len(call.arguments), -1, -1):
        row = [part for word in _words(call, most) for part in word]
        if size(row) <= room:
            break
    return trimmed(row, room)


def heading(call: Call, width: int, indent: int) -> list[Row]:
    """Return a call with all its arguments and its end, in as many rows as they need."""
    return [[(" " * indent, ""), *row] for row in wrapped(_words(call, len(call.arguments)), width - indent, 4)]


def _words(call: Call, most: int) -> list[Word]:
    """Return the parts of a call between which a row may be broken, with `most` of its arguments."""
    words: list[Word] = [[(escaped(call.function) + "(", "call")]]
    shown = list(call.arguments.items())[:most]
    for i, (name, (_, text)) in enumerate(shown):
        comma = "," if i + 1 < len(call.arguments) else ""
        words.append([(" " * (i > 0) + escaped(name) + "=", "name"), (escaped(text), "value"), (comma, "")])
    left_out = most < len(call.arguments)
    words.append([(" …)" if left_out and shown else "…)" if left_out else ")", "call")])
    if call.yielded:
        words.append([(" yields ", "rule"), (_yielded(call), "value")])
    return [*words, _end(call)]


def elides_yielded(call: Call) -> bool:
    """Return whether some yielded values of a call are not shown."""
    return len(call.yielded) > _MOST_YIELDED


def _yielded(call: Call) -> str:
    first, last = elided([escaped(text) for _, text in call.yielded], _MOST_YIELDED)
    more = ["…"] if call.more_yielded and not last else []
    return ", ".join([*first, *(["…"] if last else []), *last, *more])


def _end(call: Call) -> Word:
    if call.raised:
        return [(" raised ", "rule"), (escaped(call.raised[1]), "raised")]
    if call.returned:
        return [(" -> ", "rule"), (escaped(call.returned[1]), "returned")]
    return [(" (not ended)", "rule")]


def notes(results: TraceResults, width: int, left_out: list[str]) -> list[Row]:
    """Return the notes about the whole trace: what is left out, warnings, the exception that ended it."""
    rows: list[Row] = []
    if not results:
        rows.append([("No call was recorded.", "")])
    for text in left_out:
        rows += wrapped([[(word, "")] for word in _spaced(text)], width, 4)
    for warning in results.warnings:
        rows += wrapped([[(word, "")] for word in _spaced("warning: " + escaped(warning))], width, 4)
    if results.exc is not None:
        rows += wrapped([[(word, "raised")] for word in _spaced("The run raised " + error_text(results))], width, 4)
    return [trimmed(row, width) for row in rows]


def _spaced(text: str) -> list[str]:
    first, *others = text.split(" ")
    return [first, *(" " + other for other in others)]


def rule(title: str, file: str, width: int) -> Row:
    """Return the row above a call's source: which call, and where its source is from."""
    title = cut(title, width // 3)
    room = width - columns(title) - 10
    if columns(file) > room:
        parts = list(pieces(file))
        while columns(file) >= room:  # the end of a path says more
            file = file.removeprefix(parts.pop(0))
        file = "…" + file
    line = "─" * max(width - columns(title) - columns(file) - 8, 2)
    return [("── ", "rule"), (title, "call"), (f" {line} ", "rule"), (file, "file"), (" ──", "rule")]
