"""A difference as text."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ..cells import cut
from ..text.rows import plain
from .sections import sections

if TYPE_CHECKING:
    from ...results import Difference
    from ..text.rows import Row

__all__ = ["text_of"]

_NARROWEST = 40
_WIDTH = 100  # where there is no terminal to ask


def text_of(difference: Difference, width: int | None = None) -> str:
    """Return a difference as text, in rows of at most `width` columns, by default the terminal's; "" if none."""
    room = max(_NARROWEST, get_terminal_size((_WIDTH, 24)).columns if width is None else width)
    rows: list[Row] = []
    for section in sections(difference, room - 2):
        rows += [[], [(cut(section.title, room), "")]] if rows else [[(cut(section.title, room), "")]]
        for mark, row in section.rows:
            rows.append([(f"{mark} ", ""), *row])
    return plain(rows)
