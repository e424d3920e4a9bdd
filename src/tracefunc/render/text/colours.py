"""Rows in colours on a terminal, printed by `rich` where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from .rows import Row

__all__ = ["print_in_colours"]

_STYLES = {
    "call": "bold",
    "elided": "dim",
    "file": "dim",
    "heat0": "blue",
    "heat1": "cyan",
    "heat2": "green",
    "heat3": "yellow",
    "heat4": "bold red",
    "name": "cyan",
    "number": "dim",
    "raised": "bold red",
    "returned": "green",
    "rule": "dim",
    "unhit": "dim",
}


def print_in_colours(rows: list[Row], file: TextIO) -> bool:
    """Print the rows if `file` is a terminal with colours and `rich` is installed; return whether they were printed."""
    try:
        from rich.console import Console
        from rich.text import Text
    except Exception:  # not installed, or a module of the program's has the name of one that it needs
        return False
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal or console.color_system is None or console.no_color:
        return False
    for row in rows:
        shown = Text.assemble(*((text, _STYLES.get(style, "")) for text, style in row))
        shown.rstrip()
        console.print(shown, soft_wrap=True)  # the rows have their width already
    return True
