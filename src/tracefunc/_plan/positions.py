"""Where the instructions of code objects stand in the source, also where a code object itself does not say it."""

from __future__ import annotations

from functools import partial
from opcode import opmap
from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

if TYPE_CHECKING:
    from types import CodeType

Position = tuple[int, int]  # line number (from 1), column in UTF-8 bytes (from 0)

Span = tuple[Position, Position]

Row = tuple[int | None, int | None, int | None, int | None]  # line, last line, column, last column

_NO_ROW: Row = (None, None, None, None)

_RESUME = opmap["RESUME"]
_RETURN_GENERATOR = opmap["RETURN_GENERATOR"]


class _Lent(NamedTuple):
    """The positions that a code object has been given."""

    code: ref[CodeType]
    rows: list[Row]


_lent: dict[int, _Lent] = {}  # by the code object's address


def positions(code: CodeType) -> list[Row]:
    """The position of each unit of the bytecode.

    The table of positions ends too early where somebody has padded the bytecode, and may be missing altogether.
    """
    lent = _lent.get(id(code))
    if lent is not None and lent.code() is code:
        return lent.rows
    found = list(code.co_positions())
    return found + [_NO_ROW] * (len(code.co_code) // 2 - len(found))


def lend_positions(lender: CodeType, code: CodeType) -> None:
    """Let a code object have the positions of another one, whose instructions are the same."""
    _lent[id(code)] = _Lent(ref(code, partial(_lent.pop, id(code))), positions(lender))


def code_span(code: CodeType) -> Span | None:
    """The smallest region that holds all positions of `code`; None without column information."""
    spans = [
        ((row, col), (end_row, end_col))
        for row, end_row, col, end_col in positions(code)
        if row is not None and col is not None and end_row is not None and end_col
    ]
    return (min(s for s, _ in spans), max(e for _, e in spans)) if spans else None


def rows_without_columns(code: CodeType) -> set[int]:
    """The lines on which something stands that does not say where in the line.

    What creates a generator never says it, and is part of no statement: it ends with the RESUME of its first step.
    """
    names = code.co_code[::2]
    begun = max(names.find(_RESUME, max(names.find(_RETURN_GENERATOR), 0)), 0)
    return {row for row, _, col, _ in positions(code)[begun:] if row is not None and col is None}
