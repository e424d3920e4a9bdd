"""Whose samples decide: until which lines have their samples more than its count is wanted of an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .markers import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .offsets import Action

Wants = tuple[frozenset[int], frozenset[int]]
"""The lines whose samples begin at an offset, and those whose samples end there."""


def find_deciders(
    actions: dict[int, Action], preludes: dict[int, int], line_count: int, is_unobserved: Callable[[int], bool]
) -> dict[int, int]:
    """By state: the line whose samples, when complete, make it indifferent whether this state is under way.

    A state that is not among these must be known exactly always. An exception that ends the prelude of a loop says so
    itself, unless it goes to a handler that is no statement's. `preludes`: by prelude, the line of its loop;
    `is_unobserved`: whether exceptions at an offset go to such a handler.
    """
    exact = _exact(actions.values())
    states = {action.line for action in actions.values()}
    states.update(before for action in actions.values() for before in action.before)
    found = {state: state for state in states if 0 <= state < line_count and state not in exact}
    for offset, action in actions.items():
        if action.prelude >= 0:  # an advance
            line = preludes[action.prelude]
            if exact.isdisjoint((action.prelude, line)) and not is_unobserved(offset):
                found[action.prelude] = line
    return found


def _exact(actions: Collection[Action]) -> set[int]:
    """The states of which it must always be known whether they are under way."""
    exact = {action.line for action in actions if action.conditional}
    return exact.union(after for action in actions for after, _ in action.implied if after >= 0)


def find_concerned(
    actions: dict[int, Action], deciders: dict[int, int], line_count: int
) -> dict[int, tuple[list[int], list[int]]]:
    """By line: the states that its samples decide about, and the offsets where what is wanted depends on them."""
    found: dict[int, tuple[list[int], list[int]]] = {line: ([], []) for line in range(line_count)}
    for state, line in deciders.items():
        found[line][0].append(state)
    for offset, action in actions.items():
        states = {action.line, action.element, *(line for _, line in action.implied), *action.before}
        for line in {deciders.get(state, state) for state in states if state >= 0}:
            if line < line_count:
                found[line][1].append(offset)
    return found


def find_wants(actions: dict[int, Action], deciders: dict[int, int]) -> dict[int, Wants]:
    """By offset: the lines whose samples begin there, and those whose samples end there.

    Once these are complete, nothing but its count is wanted. An offset that is not among these is always wanted.
    """
    found = {}
    for offset, action in actions.items():
        if action.conditional or action.catches:
            continue
        ended = {state for state in _ended(action) if state >= 0}
        if ended | {action.line} - {NOTHING} <= deciders.keys():
            found[offset] = (
                frozenset(deciders.get(state, state) for state in _begun(action) if state >= 0),
                frozenset(deciders[state] for state in ended),
            )
    return found


def _begun(action: Action) -> set[int]:
    """What starts at an offset."""
    return {action.element} if action.element >= 0 else {action.line, *(line for _, line in action.implied)}


def _ended(action: Action) -> set[int]:
    """What may end at an offset; the evaluation of an iterable is completed by the advance instead."""
    return {after for after, _ in action.implied}.union(action.before) - {action.prelude}
