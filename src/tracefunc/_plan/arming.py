"""Which offsets have to be armed: the data flow over what can be under way in a frame.

An offset starts what its label says, and has to be armed only where something else can be under way when control
arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .markers import NOTHING, UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .control_flow import ControlFlow

# Beside states: how control may come.
_AGAIN = -3  # from a loop's end
_CAUGHT = -4  # from a handler that begins with a loop

_ADVANCING = {"FOR_ITER", "GET_ANEXT", "SEND", "END_SEND"}  # to what a jump backwards is no new start of a line


class UnderWay:
    """The states that can be under way when control reaches each instruction."""

    def __init__(self, flow: ControlFlow, labels: Sequence[int]) -> None:
        self.flow = flow
        self.labels = labels
        self._arriving = _arriving(flow, labels)

    def is_armed(self, i: int) -> bool:
        """Whether anything but what starts at `i` can be under way there."""
        return bool(self._arriving[i] - {self.labels[i]})

    def before(self, i: int, limit: int) -> tuple[int, ...]:
        """The states below `limit` that can be under way when control reaches `i`."""
        return tuple(sorted(state for state in self._arriving[i] if 0 <= state < limit))

    def comes_round(self, i: int) -> bool:
        """Whether the line that starts at `i` can be under way there only because a loop has come round.

        A jump backwards is the end of a loop if it cannot be reached but through its target: the compiler also moves
        code that is seldom executed behind the rest, and jumps back from there.
        """
        flow, label = self.flow, self.labels[i]
        return _AGAIN in self._arriving[i] and all(
            flow.is_behind(j, i)
            for j in flow.leading[i]
            if flow.instructions[j].name == "JUMP_BACKWARD" and i in flow.followers[j] and label in self._arriving[j]
        )

    def is_caught(self, i: int) -> bool:
        """Whether control may come to `i` from a handler that begins with a loop."""
        return _CAUGHT in self._arriving[i]

    def known(self) -> dict[int, int]:
        """By instruction: the state of a frame that stands there, where it is the only one."""
        found = {}
        for i, label in enumerate(self.labels):
            states = {label} if label != UNCHANGED else self._arriving[i] - {_AGAIN, _CAUGHT}
            if len(states) == 1:
                (found[i],) = states
        return found

    def reraised(self, first_prelude: int) -> dict[int, frozenset[int]]:
        """By offset of a RERAISE after which a line goes on: the states from `first_prelude` on, of preludes.

        There an exception leaves a loop's prelude after a comprehension in it has put its variables back.
        """
        return {
            ins.offset: frozenset(state for state in self._arriving[i] if state >= first_prelude)
            for i, ins in enumerate(self.flow.instructions)
            if ins.name == "RERAISE" and self.labels[i] == UNCHANGED
        }


def _arriving(flow: ControlFlow, labels: Sequence[int]) -> list[set[int]]:
    """By instruction: the states that can be under way when control reaches it."""
    arriving: list[set[int]] = [set() for _ in labels]
    todo: list[int] = []

    def give(i: int, states: set[int]) -> None:
        if not states <= arriving[i]:
            arriving[i] |= states
            if labels[i] == UNCHANGED:
                todo.append(i)

    for i, label in enumerate(labels):
        if label != UNCHANGED:
            for j in flow.following[i]:
                give(j, _leaving(flow, i, j, {label}))
    if arriving:
        give(0, {NOTHING})
    while todo:
        i = todo.pop()
        for j in flow.following[i]:
            give(j, _leaving(flow, i, j, arriving[i]))
    return arriving


def _leaving(flow: ControlFlow, i: int, j: int, states: set[int]) -> set[int]:
    """The states under way when control goes from `i` to `j`."""
    if j not in flow.followers[i]:  # it is a handler
        return states - {_CAUGHT}
    if i in flow.looping:
        return states | {_CAUGHT}
    loops = flow.instructions[i].name == "JUMP_BACKWARD"
    return states | {_AGAIN} if loops and flow.behind_jumps(j).name not in _ADVANCING else states
