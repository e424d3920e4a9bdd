"""Decodes a code object: its instructions, and which of them have a handler."""

from __future__ import annotations

import opcode
from typing import TYPE_CHECKING

from .markers import UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from .lines import Place
    from .source import Span

_names = opcode.opname

_relative = frozenset(opcode.hasjrel)

_extended = opcode.opmap["EXTENDED_ARG"]


class Instruction:
    __slots__ = ("arg", "end", "followers", "label", "name", "offset", "place", "span", "start", "target")

    def __init__(self, start: int, offset: int, name: str, arg: int) -> None:
        self.start = start  # of the first EXTENDED_ARG before it, if any: where control arrives
        self.offset = offset
        self.end = offset + 2  # behind the inline cache entries
        self.name = name
        self.arg = arg
        self.target = -1
        self.label = UNCHANGED  # the line (or prelude) that it belongs to, if it says anything about that
        self.span: Span | None = None
        self.place: Place | None = None
        self.followers: list[int] = []


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
    for instruction in found:
        if opcode.opmap[instruction.name] in _relative and instruction.name != "END_ASYNC_FOR":
            sign = -1 if "BACKWARD" in instruction.name else 1
            instruction.target = instruction.end + 2 * sign * instruction.arg
    return found


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
