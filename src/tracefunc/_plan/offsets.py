"""What each offset of a code object means: the passes of bytecode analysis, in their order, and what they add up to.

The source says what a line is; the bytecode says at which offsets one starts. Instructions are given the line at whose
place they stand; a data flow over the control-flow graph then shows which lines can be under way when an offset is
reached, and an offset matters only where that set holds more than its own line.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from .arming import UnderWay
from .bytecode import NO_EVENT, spans
from .comprehensions import find_elements
from .control_flow import ControlFlow
from .implied_lines import add_headers, find_entered_headers, show_returns
from .labels import (
    find_advances,
    find_exhausted,
    find_while_tests,
    label_clean_up,
    label_lines,
    label_preludes,
)
from .markers import NOTHING, UNCHANGED
from .places import place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType

    from .implied_lines import Implied
    from .lines import Body
    from .positions import Span


class Action(NamedTuple):
    """What happens when control reaches an offset."""

    line: int  # the line (or prelude) that starts here, or NOTHING
    conditional: bool  # it starts here only if it is not under way already
    prelude: int  # the state that this start completes without a hit (a loop's iterable being evaluated), or NOTHING
    element: int  # the comprehension whose element is ready here, or NOTHING
    implied: tuple[Implied, ...]  # (line just ended or UNCHANGED for any, line without code that was executed)
    before: tuple[int, ...]  # the lines and preludes that can be under way when control arrives
    catches: bool = False  # a handler has just taken an exception, which shows where it was raised
    restores: bool = False  # a handler begins that puts something back, and raises its exception again
    handles: bool = False  # the exception that is handled may have ended the line before


NO_ACTION = Action(NOTHING, False, NOTHING, NOTHING, (), ())


class CodeAnalysis(NamedTuple):
    """What is known of one code object."""

    flow: ControlFlow
    actions: dict[int, Action]  # by offset
    preludes: dict[int, int]  # by state of a prelude: the line of its loop
    under_way: dict[int, int]  # by instruction: the state of a frame that stands there, where it is the only one
    reraised: dict[int, frozenset[int]]  # by offset of a RERAISE: the preludes that can be under way
    standing: list[int]  # by instruction: the line at whose place it stands, or NOTHING


def analyse_code(code: CodeType, body: Body, line_count: int, first_prelude: int) -> CodeAnalysis:
    """Analyse the code object that was compiled from `body`.

    `line_count`: how many lines the target has; `first_prelude`: the state to be given to the first prelude.
    """
    flow = ControlFlow(code)
    places = _places(code, body, flow)
    elements = find_elements(body, flow.instructions, places)
    if body.line is not None:  # all of the code is that line
        actions = {flow.instructions[i].start: _element_action(line) for i, line in elements.items()}
        standing = [NOTHING if i < flow.started else body.line.index for i in range(len(flow.instructions))]
        return CodeAnalysis(flow, actions, {}, {}, {}, standing)

    placement = place(places, body.root, flow.started)
    standing = placement.lines()
    tests = find_while_tests(flow, placement, body.root)
    advances = find_advances(flow, placement)
    preludes = {i: first_prelude + number for number, i in enumerate(advances)}
    placement = placement.without(find_exhausted(flow, placement, advances))

    labels = label_lines(flow, placement, tests)
    labels = label_preludes(flow, placement, preludes, labels)
    labels = label_clean_up(flow, placement, labels)
    labels, implied = show_returns(flow, placement, body.root, labels)
    headers = find_entered_headers(flow, placement, body.root, tests, labels)
    labels, implied = add_headers(headers, labels, implied)

    under_way = UnderWay(flow, labels)
    return CodeAnalysis(
        flow,
        _find_actions(under_way, elements, implied, preludes, line_count),
        {prelude: advances[i].index for i, prelude in preludes.items()},
        under_way.known(),
        under_way.reraised(line_count),
        standing,
    )


def _places(code: CodeType, body: Body, flow: ControlFlow) -> list[Span | None]:
    """By instruction: where it stands; nowhere, if somebody has put it in."""
    found = spans(code, flow.instructions)
    for i, ins in enumerate(flow.instructions):
        span = found[i]
        if span is not None and span[0][1] >= 0:
            loaded = code.co_names[ins.arg >> 1] if ins.name == "LOAD_GLOBAL" else ""
            if body.is_inserted(span, loaded):
                found[i] = None
    return found


def _element_action(line: int) -> Action:
    return Action(NOTHING, False, NOTHING, line, (), ())


def _find_actions(
    under_way: UnderWay,
    elements: dict[int, int],
    implied: dict[int, list[Implied]],
    preludes: dict[int, int],
    line_count: int,
) -> dict[int, Action]:
    """By offset: what happens there; an offset that is not among them need not be armed."""
    flow, labels = under_way.flow, under_way.labels
    actions = {flow.instructions[i].start: _element_action(line) for i, line in elements.items()}
    for i, ins in enumerate(flow.instructions):
        if i in flow.catching:
            actions[ins.start] = NO_ACTION._replace(element=elements.get(i, NOTHING), catches=True, handles=True)
        if labels[i] == UNCHANGED or ins.name in NO_EVENT:
            continue
        if i in preludes or i in implied or under_way.is_armed(i):
            # Which prelude has led to a handler that reports, its exception shows.
            reports = i in flow.reporting or i in flow.catching
            before = under_way.before(i, line_count if reports else sys.maxsize)
            actions[ins.start] = Action(
                labels[i],
                i not in preludes and labels[i] in before and not _starts_again(under_way, i, implied.get(i, ())),
                preludes.get(i, NOTHING),
                elements.get(i, NOTHING),
                tuple(implied.get(i, ())),
                before,
                i in flow.catching,
                i in flow.cleaning,
                i in flow.catching or under_way.is_caught(i),
            )
    return actions


def _starts_again(under_way: UnderWay, i: int, implied: Sequence[Implied]) -> bool:
    """Whether the line that starts at `i` starts there even if it is under way."""
    return any(after == UNCHANGED for after, _ in implied) or under_way.comes_round(i)
