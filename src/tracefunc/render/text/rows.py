"""Rows of a view: parts with a style each, put into columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cells import columns, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Part = tuple[str, str]  # text, style
    Row = list[Part]
    Word = Sequence[Part]

__all__ = ["flow", "plain", "size", "trimmed"]


def plain(rows: Iterable[Row]) -> str:
    """Return the rows as text, without styles, trailing spaces, and an end of the last one: for `print`."""
    return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)


def size(word: Word) -> int:
    """Return how many columns a word takes."""
    return sum(columns(text) for text, _ in word)


def trimmed(row: Word, room: int) -> Row:
    """Return the parts of a row that fit into `room` columns, the last one cut."""
    found: Row = []
    for text, style in row:
        fitting = cut(text, room)
        found.append((fitting, style))
        room -= columns(fitting)
        if fitting != text:
            break
    return found


def flow(words: Iterable[Word], room: int, indent: int = 0) -> list[Row]:
    """Lay words out in rows of `room` columns, those after the first one indented; a word with no room at all is cut.

    A word that begins with spaces keeps them but at the beginning of a row.
    """
    rows: list[Row] = []
    left = -1
    for word in words:
        if size(word) <= left:
            rows[-1].extend(word)
        else:
            margin = " " * (indent if rows else 0)
            (first, style), *others = word
            word = trimmed([(first.lstrip(" "), style), *others], room - len(margin))
            rows.append([(margin, ""), *word])
            left = room - len(margin)
        left -= size(word)
    return rows
