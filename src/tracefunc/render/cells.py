"""Text in the cells of a terminal: what must be escaped, how many columns it takes, where it may be cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import category, east_asian_width

from .._values.plain_text import escaped as escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["columns", "cut", "escaped", "expanded", "pieces"]

_ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|N\{[^}]*\}|.)")
_TAB = 8


def expanded(text: str) -> str:
    """Return a row of source as views show it: tabs reach to the next multiple of 8 columns, the rest is `escaped`."""
    shown, *others = text.split("\t")
    shown = escaped(shown)
    for part in others:
        shown += " " * (_TAB - columns(shown) % _TAB) + escaped(part)
    return shown


def columns(text: str) -> int:
    """Return how many columns `text` takes: East Asian wide characters take two, combining characters none."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(char: str) -> int:
    if category(char) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def pieces(text: str) -> Iterator[str]:
    """Yield the pieces that must not be cut: an escape, or a character with those that combine with it."""
    start = 0
    while start < len(text):
        escape = _ESCAPE.match(text, start)
        end = escape.end() if escape else start + 1
        while end < len(text) and not text[end].isascii() and _columns_of(text[end]) == 0:
            end += 1
        yield text[start:end]
        start = end


def cut(text: str, room: int, measure: Callable[[str], int] = columns) -> str:
    """Return `text` if it fits into `room`, else its beginning and "…", never cut inside an escape.

    `measure`: what counts the room, in columns by default, or (`len`) in characters.
    """
    if measure(text) <= room:
        return text
    taken, left = "", room - 1
    for piece in pieces(text):
        left -= measure(piece)
        if left < 0:
            break
        taken += piece
    return taken + "…" if room > 0 else ""
