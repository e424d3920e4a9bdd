"""Rows of text in styled parts, and how they fit into a number of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cells import columns, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Part = tuple[str, str]  # text, style
    Row = list[Part]
    Word = Sequence[Part]

__all__ = ["ELIDED", "plain", "size", "trimmed", "wrapped"]


ELIDED = "elided"
"""The style of a part that stands for what is not shown, or of an empty one behind a part that was cut."""


def plain(rows: Iterable[Row]) -> str:
    """Return the rows as text for `print`: without styles, trailing spaces or a final newline."""
    return "\n".join("".join([text for text, _ in row]).rstrip() for row in rows)


def size(word: Word) -> int:
    """Return how many columns a word takes."""
    return columns("".join([text for text, _ in word]))


def trimmed(row: Word, room: int) -> Row:
    """Return the parts of a row that fit into `room` columns, the last of them cut."""
    if size(row) <= room:
        return list(row)
    found: Row = []
    for text, style in row:
        fitting = cut(text, room)
        found.append((fitting, style))
        room -= columns(fitting)
        if fitting != text:
            found.append(("", ELIDED))
            break
    return found


def wrapped(words: Iterable[Word], room: int, indent: int = 0) -> list[Row]:
    """Return words in rows of `room` columns, all rows but the first indented; a word longer than a row is cut.

    The spaces that a word begins with are dropped at the beginning of a row.
    """
    rows: list[Row] = []
    left = -1
    for word in words:
        taken = size(word)
        if taken <= left:
            rows[-1].extend(word)
        else:
            margin = " " * (indent if rows else 0)
            (first, style), *others = word
            word = trimmed([(first.lstrip(" "), style), *others], room - len(margin))
            rows.append([(margin, ""), *word])
            left, taken = room - len(margin), size(word)
        left -= taken
    return rows
