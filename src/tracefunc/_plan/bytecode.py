"""Decodes a code object: its instructions, where they stand in the source, and its exception table."""

from __future__ import annotations

import opcode
from typing import TYPE_CHECKING

from .positions import positions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from .positions import Span

_names = opcode.opname

_relative = frozenset(opcode.hasjrel)

_extended = opcode.opmap["EXTENDED_ARG"]

RETURNS = {"RETURN_VALUE", "RETURN_CONST"}

JUMPS = {"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"}

NO_EVENT = {"RESUME", "END_FOR", "NOT_TAKEN", "CACHE"}  # instructions at which no INSTRUCTION event happens

CONSTANT_LOADS = {"LOAD_CONST", "LOAD_COMMON_CONSTANT"}


class Instruction:
    """One instruction, its EXTENDED_ARG prefixes included."""

    __slots__ = ("arg", "end", "name", "offset", "start", "target")

    def __init__(self, start: int, offset: int, name: str, arg: int) -> None:
        self.start = start  # of the first EXTENDED_ARG before it, if any: where control arrives
        self.offset = offset
        self.end = offset + 2  # behind the inline cache entries
        self.name = name
        self.arg = arg
        self.target = -1  # the offset that it jumps to, if it is a jump

    def raises_again(self) -> bool:
        """Whether it raises an exception whose traceback may not name this place."""
        return self.name == "RERAISE" or (self.name == "RAISE_VARARGS" and self.arg == 0)


def decode(code: CodeType) -> list[Instruction]:
    """The instructions of `code`, each with its EXTENDED_ARG prefixes folded into it."""
    raw = code.co_code
    found: list[Instruction] = []
    start, high = -1, 0
    for offset in range(0, len(raw), 2):
        op, arg = raw[offset], raw[offset + 1] | high
        if op == 0:  # an inline cache entry
            if found:
                found[-1].end = offset + 2
            continue
        start = offset if start < 0 else start
        if op == _extended:
            high = arg << 8
            continue
        found.append(Instruction(start, offset, _names[op], arg))
        start, high = -1, 0
    while found and found[-1].name == "NOP":  # padding, behind the last return
        found.pop()
    for instruction in found:
        if opcode.opmap[instruction.name] in _relative and instruction.name != "END_ASYNC_FOR":
            sign = -1 if "BACKWARD" in instruction.name else 1
            instruction.target = instruction.end + 2 * sign * instruction.arg
    return found


def spans(code: CodeType, instructions: list[Instruction]) -> list[Span | None]:
    """By instruction: the region of the source that it stands at, None where it has none.

    Both columns are -1 where only the row is known.
    """
    rows = positions(code)
    return [_span(*rows[ins.offset // 2]) for ins in instructions]


def _span(row: int | None, end_row: int | None, col: int | None, end_col: int | None) -> Span | None:
    if row is None:
        return None
    if col is None or end_row is None or end_col is None:
        return (row, -1), (row, -1)
    if end_col or end_row > row:
        return (row, col), (end_row, end_col)
    return None


def exception_table(code: CodeType) -> Iterator[tuple[int, int, int, int]]:
    """(start, end, handler) offsets, and how many values are on the stack when the handler begins.

    CPython's InternalDocs/exception_handling.md has the format.
    """
    data = iter(code.co_exceptiontable)

    def number() -> int:
        byte = next(data)
        value = byte & 63
        while byte & 64:
            byte = next(data)
            value = value << 6 | byte & 63
        return value

    while True:
        try:
            start = number() * 2
        except StopIteration:
            return
        length, handler, kept = number() * 2, number() * 2, number()
        yield start, start + length, handler, (kept >> 1) + (kept & 1) + 1
