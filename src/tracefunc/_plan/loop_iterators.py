"""The loops whose turns an iterator can count: where that is put in, and where each turn begins.

A loop gets its iterator from GET_ITER, and asks it for the next item in FOR_ITER. What it iterates over is then in one
slot of the frame's stack, whose depth at each instruction is the compiler's own affair; it follows from the effects of
the instructions before.
"""

from __future__ import annotations

from functools import cache
from opcode import hasarg, opmap, stack_effect
from typing import TYPE_CHECKING, NamedTuple

from .bytecode import exception_table
from .markers import FIRST_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from types import CodeType

    from .bytecode import Instruction

# What stands between GET_ITER and FOR_ITER in a comprehension: its variables are put aside, its result is begun.
_BEGINNING = {"LOAD_FAST_AND_CLEAR", "MAKE_CELL", "SWAP", "BUILD_LIST", "BUILD_SET", "BUILD_MAP"}

MOST = 64  # loops of one code object


class Loop(NamedTuple):
    """A loop over an iterable."""

    get: int  # offset where that is replaced by its iterator, or where an iterator is taken from a variable
    body: int  # offset where a turn begins
    at: int  # the index of the instruction at `get`


def find(
    code: CodeType, instructions: list[Instruction], handlers: Container[int], taken: Container[int]
) -> list[Loop]:
    """The loops whose turns can be counted, at most MOST of them.

    `handlers`: the indices at which these begin; `taken`: offsets that have another meaning.
    """
    found: dict[int, Loop] = {}  # by the index of its FOR_ITER
    for i, ins in enumerate(instructions):
        if ins.name == "FOR_ITER" and len(found) < MOST:
            index = i - 1
            while instructions[index].name in _BEGINNING:
                index -= 1
            loop = Loop(instructions[index].start, instructions[i + 1].start, index)
            known = instructions[index].name == "GET_ITER" or _takes_argument(code, instructions[index])
            if known and loop.get not in taken and loop.body not in taken:
                found[i] = loop
    # Control comes to FOR_ITER from there, and from the ends of turns, which are behind it; between there is nothing.
    inside = {i: head for head, loop in found.items() for i in range(loop.at + 1, head + 2)} if found else {}
    for i, ins in enumerate(instructions if found else ()):
        for j in ins.followers:
            if j in inside and j != i + 1 and not j == inside[j] < i:
                found.pop(inside[j], None)
    for i, head in inside.items():
        if i in handlers:
            found.pop(head, None)
    return list(found.values())


def _takes_argument(code: CodeType, ins: Instruction) -> bool:
    return ins.arg == 0 and ins.name.startswith("LOAD_FAST") and code.co_varnames[:1] == (".0",)


def iterables(code: CodeType, instructions: list[Instruction], loops: Iterable[Loop]) -> list[int]:
    """By loop: on which depth of the stack its iterable is, or FIRST_VARIABLE."""
    found = depths(code, instructions)
    return [found[loop.at] - 1 if instructions[loop.at].name == "GET_ITER" else FIRST_VARIABLE for loop in loops]


def depths(code: CodeType, instructions: list[Instruction]) -> list[int]:
    """How many values are on the stack before each instruction; -1 where control does not come."""
    found = [-1] * len(instructions)
    at = {offset: i for i, ins in enumerate(instructions) for offset in (ins.offset, ins.start)}
    todo = [(at[handler], depth) for _, _, handler, depth in exception_table(code)]
    todo.append((0, 0))
    while todo:
        i, depth = todo.pop()
        if found[i] >= 0:
            continue
        found[i] = depth
        ins = instructions[i]
        for j in ins.followers:
            todo.append((j, depth + _effect(ins.name, ins.arg, j == at.get(ins.target))))
    return found


@cache
def _effect(name: str, arg: int, jump: bool) -> int:
    """How many values more are on the stack after an instruction."""
    if name == "RETURN_GENERATOR":  # when it goes on, it is sent something, which 3.12 does not tell
        return 1
    number = opmap[name]
    return stack_effect(number, arg if number in hasarg else None, jump=jump)
