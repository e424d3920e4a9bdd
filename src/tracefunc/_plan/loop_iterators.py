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
    from .control_flow import ControlFlow

# What stands between GET_ITER and FOR_ITER in a comprehension: its variables are put aside, its result is begun.
_BEGINNING = {"LOAD_FAST_AND_CLEAR", "MAKE_CELL", "SWAP", "BUILD_LIST", "BUILD_SET", "BUILD_MAP"}

MAX_LOOPS = 64  # of one code object


class CountableLoop(NamedTuple):
    """A loop over an iterable whose turns can be counted."""

    get: int  # offset where that is replaced by its iterator, or where an iterator is taken from a variable
    body: int  # offset where a turn begins
    at: int  # the index of the instruction at `get`


def find_loops(code: CodeType, flow: ControlFlow, taken: Container[int]) -> list[CountableLoop]:
    """The loops whose turns can be counted, at most MAX_LOOPS of them; `taken`: offsets that have another meaning."""
    candidates = _candidates(code, flow.instructions, taken)
    if not candidates:
        return []
    entered = _entered_midway(flow, candidates)
    return [loop for head, loop in candidates.items() if head not in entered]


def _candidates(code: CodeType, instructions: list[Instruction], taken: Container[int]) -> dict[int, CountableLoop]:
    """By the index of its FOR_ITER: each loop in front of which its iterator is made."""
    found: dict[int, CountableLoop] = {}
    for head, ins in enumerate(instructions):
        if ins.name == "FOR_ITER" and len(found) < MAX_LOOPS:
            at = head - 1
            while instructions[at].name in _BEGINNING:
                at -= 1
            loop = CountableLoop(instructions[at].start, instructions[head + 1].start, at)
            known = instructions[at].name == "GET_ITER" or _takes_argument(code, instructions[at])
            if known and loop.get not in taken and loop.body not in taken:
                found[head] = loop
    return found


def _entered_midway(flow: ControlFlow, loops: dict[int, CountableLoop]) -> set[int]:
    """Those of some loops to which control comes not only from their GET_ITER and from the ends of their turns.

    These ends are behind FOR_ITER; what is between the two instructions has one way in.
    """
    inside = {i: head for head, loop in loops.items() for i in range(loop.at + 1, head + 2)}
    found = {head for i, head in inside.items() if i in flow.handlers}
    for i, followers in enumerate(flow.followers):
        for j in followers:
            if j in inside and j != i + 1 and not j == inside[j] < i:
                found.add(inside[j])
    return found


def _takes_argument(code: CodeType, ins: Instruction) -> bool:
    """Whether an instruction loads the iterator that a generator expression is called with."""
    return ins.arg == 0 and ins.name.startswith("LOAD_FAST") and code.co_varnames[:1] == (".0",)


def find_iterables(code: CodeType, flow: ControlFlow, loops: Iterable[CountableLoop]) -> list[int]:
    """By loop: on which depth of the stack its iterable is, or FIRST_VARIABLE."""
    found = find_depths(code, flow)
    instructions = flow.instructions
    return [found[loop.at] - 1 if instructions[loop.at].name == "GET_ITER" else FIRST_VARIABLE for loop in loops]


def find_depths(code: CodeType, flow: ControlFlow) -> list[int]:
    """By instruction: how many values are on the stack before it; -1 where control does not come."""
    found = [-1] * len(flow.instructions)
    todo = [(flow.by_start[handler], depth) for _, _, handler, depth in exception_table(code)]
    todo.append((0, 0))
    while todo:
        i, depth = todo.pop()
        if found[i] >= 0:
            continue
        found[i] = depth
        ins = flow.instructions[i]
        target = flow.by_start.get(ins.target)
        todo.extend((j, depth + effect(ins.name, ins.arg, j == target)) for j in flow.followers[i])
    return found


@cache
def effect(name: str, arg: int, jump: bool) -> int:
    """How many values more are on the stack after an instruction."""
    if name == "RETURN_GENERATOR":  # when it goes on, it is sent something: "the compiler" in `_interpreter`
        return 1
    number = opmap[name]
    return stack_effect(number, arg if number in hasarg else None, jump=jump)
