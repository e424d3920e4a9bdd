"""Control flow of a code object: which instructions follow which, what its handlers cover, and what leads where.

Instructions are named by their index in `ControlFlow.instructions`.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from .bytecode import JUMPS, decode, exception_table

if TYPE_CHECKING:
    from types import CodeType

    from .bytecode import Instruction

_ENDS = {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT"}

# What a handler consists of that puts something back, and raises its exception again.
_RESTORING = {
    *("SWAP", "COPY", "POP_TOP", "POP_EXCEPT", "LOAD_CONST", "LOAD_COMMON_CONSTANT"),
    *("STORE_FAST", "STORE_DEREF", "STORE_GLOBAL", "DELETE_FAST", "DELETE_DEREF", "DELETE_GLOBAL"),
}


class ControlFlow:
    """The instructions of a code object, connected."""

    def __init__(self, code: CodeType) -> None:
        self.instructions = decode(code)
        self.by_start = _by_start(self.instructions)
        self.followers = _followers(self.instructions, self.by_start)  # by instruction, exceptions left out
        self.handlers: dict[int, list[int]] = {}  # by a handler's first instruction: the instructions that it covers
        self.outermost = -1  # offset where all exceptions leave a generator: no handler, but it makes no StopIteration
        for start, end, handler, _ in exception_table(code):
            at = self.by_start[handler]
            if self.instructions[at].name == "CALL_INTRINSIC_1":
                self.outermost = self.instructions[at + 1].offset
                continue
            covered = [i for i, ins in enumerate(self.instructions) if start <= ins.offset < end]
            self.handlers.setdefault(at, []).extend(covered)

    @cached_property
    def following(self) -> list[list[int]]:
        """By instruction: those that control can go to, exceptions included."""
        following = [list(after) for after in self.followers]
        for handler, covered in self.handlers.items():
            for i in covered:
                following[i].append(handler)
        return following

    @cached_property
    def leading(self) -> list[list[int]]:
        """By instruction: those that control can come from, exceptions included."""
        leading: list[list[int]] = [[] for _ in self.instructions]
        for i, after in enumerate(self.followers):
            for j in after:
                leading[j].append(i)
        for handler, covered in self.handlers.items():
            leading[handler] += covered
        return leading

    @cached_property
    def started(self) -> int:
        """The index behind the RESUME of the first step: what stands before runs before the frame is complete."""
        names = [ins.name for ins in self.instructions]
        created = names.index("RETURN_GENERATOR") if "RETURN_GENERATOR" in names else 0
        return names.index("RESUME", created) + 1 if "RESUME" in names else 0

    def index_at(self, offset: int) -> int:
        """The index of the instruction at `offset`, its prefixes and cache entries included."""
        return bisect_right(self.instructions, offset, key=lambda ins: ins.start) - 1

    def behind_jumps(self, i: int) -> Instruction:
        """What is executed at `i`, or where jumps from there lead to: the end of an `async for` jumps to a jump."""
        seen = {i}
        while (ins := self.instructions[i]).name in JUMPS and self.followers[i][0] not in seen:
            i = self.followers[i][0]
            seen.add(i)
        return ins

    def is_behind(self, j: int, i: int) -> bool:
        """Whether every way from the start to `j` goes through `i`."""
        seen = {0, i}
        todo = [0] if i else []
        while todo:
            at = todo.pop()
            if at == j:
                return False
            after = self.following[at]
            todo.extend(k for k in after if k not in seen)
            seen.update(after)
        return True

    def reach(self, offset: int) -> frozenset[int]:
        """The offsets that a frame which stands at `offset` can still come to."""
        seen: set[int] = set()
        todo = [self.index_at(offset)]
        while todo:
            for i in self.following[todo.pop()]:
                if i not in seen:
                    seen.add(i)
                    todo.append(i)
        return frozenset(self.instructions[i].start for i in seen)

    # handlers

    @cached_property
    def innermost(self) -> dict[int, int]:
        """By instruction that has a handler: the innermost one."""
        return {i: handler for handler, covered in self.handlers.items() for i in covered}

    @cached_property
    def catching(self) -> dict[int, int]:
        """The handlers of statements, by the instruction from which on their exception is the one being handled.

        PUSH_EXC_INFO, with which such a handler begins, makes it so.
        """
        return {
            handler + 1: handler
            for handler in self.handlers
            if self.instructions[handler].name == "PUSH_EXC_INFO" and self.leading[handler + 1] == [handler]
        }

    @cached_property
    def looping(self) -> set[int]:
        """The handlers of statements that have no such instruction: they begin with a loop, as `finally` may."""
        found = {handler for handler in self.handlers if self.instructions[handler].name == "PUSH_EXC_INFO"}
        return found.difference(self.catching.values())

    @cached_property
    def cleaning(self) -> dict[int, int]:
        """By handler that only puts something back: the instruction at which it raises its exception again.

        Such a handler puts back the variables of a comprehension, or what an `except` has changed. None is among these
        where exception groups are split: what is raised again has a traceback as if the split had raised it.
        """
        cleaning: dict[int, int] = {}
        for handler, covered in self.handlers.items():
            if any(self.instructions[i].name == "CHECK_EG_MATCH" for i in covered):
                continue
            i = handler
            while self.instructions[i].name in _RESTORING:
                i += 1
            if self.instructions[i].name == "RERAISE":
                cleaning[handler] = i
        return cleaning

    @cached_property
    def restoring(self) -> dict[int, int]:
        """Those whose exceptions leave the frame then, or go to a handler that reports where they came from."""
        restoring = self.cleaning
        while unreported := self._unreported(restoring):
            restoring = {handler: i for handler, i in restoring.items() if handler not in unreported}
        return restoring

    def _unreported(self, restoring: dict[int, int]) -> set[int]:
        """Those of some handlers whose exceptions go to a handler that does not report where they came from."""
        reporting = {None, *self.catching.values(), *restoring}
        return {handler for handler, i in restoring.items() if self.innermost.get(i) not in reporting}

    @cached_property
    def reporting(self) -> set[int]:
        """The handlers of which it is known where what they catch was raised."""
        return {*self.catching.values(), *self.restoring}


def _by_start(instructions: list[Instruction]) -> dict[int, int]:
    """By offset: the index of the instruction that control which arrives there comes to."""
    by_start = {ins.start: i for i, ins in enumerate(instructions)}
    for ins in instructions:  # control may arrive behind a prefix too
        by_start.setdefault(ins.offset, by_start[ins.start])
    return by_start


def _followers(instructions: list[Instruction], by_start: dict[int, int]) -> list[list[int]]:
    followers: list[list[int]] = []
    last = len(instructions) - 1
    for i, ins in enumerate(instructions):
        after: list[int] = []
        if ins.target >= 0 and ins.target in by_start:
            after.append(by_start[ins.target])
        if ins.name not in _ENDS and ins.name not in JUMPS and i < last:
            after.append(i + 1)
        followers.append(after)
    return followers
