"""Labels: which line each instruction belongs to, or which loop's prelude.

A label is the number of a line or of a prelude, NOTHING for clean-up code, or UNCHANGED. A loop's prelude is the
evaluation of its iterable, in front of the loop: it stands at the place of the `for` header, but only an advance of the
iterator is a hit of that. Each pass takes the labels of the pass before and returns new ones.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from .bytecode import CONSTANT_LOADS, JUMPS, NO_EVENT
from .markers import NOTHING, UNCHANGED
from .source import node_span

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .control_flow import ControlFlow
    from .places import Placement, Region
    from .source_line import SourceLine

_ADVANCES = {"FOR_ITER", "GET_ANEXT"}

# What the compiler leaves to run time: a bare name that may be unbound, constants that it does not fold, since that
# would raise or make a large value.
_WORKING = {
    *("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_FAST_CHECK"),
    *("BINARY_OP", "BINARY_SUBSCR", "UNARY_NEGATIVE", "UNARY_INVERT", "CALL_INTRINSIC_1"),
}


class WhileTests(NamedTuple):
    """What has become of the tests of `while` loops with a constant in them."""

    remaining: set[Region]  # loops that branch
    decided: set[Region]  # endless loops: the compiler has decided the test, so that the header has no instruction


def find_while_tests(flow: ControlFlow, placement: Placement, root: Region) -> WhileTests:
    """Find the `while` loops with and without a test: what is left of a decided header does not branch."""
    remaining, decided = set(), set()
    for region in root.below():
        line = region.line
        if line is not None and line.kind == "while":
            if any(len(flow.followers[i]) > 1 for i in placement.at(region)):
                remaining.add(region)
            elif _has_body(line, region, placement):
                decided.add(region)
    return WhileTests(remaining, decided)


def _has_body(line: SourceLine, region: Region, placement: Placement) -> bool:
    """Whether any instruction stands in the suite of a header."""
    spans = (placement.spans[i] for inner in region.below() for i in placement.at(inner))
    return any(span is not None and span[0] > line.end for span in spans)


def label_lines(flow: ControlFlow, placement: Placement, tests: WhileTests) -> list[int]:
    """Label the instructions with the lines at whose places they stand."""
    labels = [UNCHANGED] * len(flow.instructions)
    both = list(zip(flow.instructions, placement.regions, strict=True))
    working = {region for ins, region in both if ins.name in _WORKING}
    for i, (ins, region) in enumerate(both):
        if region is None or region.line is None or region in tests.decided:
            continue
        idle = region.line.idle and region not in working and region not in tests.remaining
        if not idle and _can_start(ins.name, region.line):
            labels[i] = region.line.index
    return labels


def _can_start(name: str, line: SourceLine) -> bool:
    """Whether an instruction that stands at the place of a line can be part of its execution."""
    if name in NO_EVENT or name == "CLEANUP_THROW":
        return False
    if name in JUMPS:
        return isinstance(line.node, ast.Pass | ast.Break | ast.Continue)
    return not (name == "POP_TOP" and line.kind == "while")  # a `case` drops its subject at the place of the line below


# --- loops


def find_advances(flow: ControlFlow, placement: Placement) -> dict[int, SourceLine]:
    """Find the advances of `for` statements; those of comprehensions are not among them."""
    found = {}
    for i, ins in enumerate(flow.instructions):
        if ins.name in _ADVANCES and (line := _loop_of(flow, placement, i)) is not None:
            found[i] = line
    return found


def _loop_of(flow: ControlFlow, placement: Placement, i: int) -> SourceLine | None:
    """The `for` statement whose advance instruction `i` is, by the place of the target that is bound behind."""
    region = placement.regions[i]
    line = region.line if region else None
    if line is None or line.kind != "for":
        return None
    j = i + 1
    if flow.instructions[i].name == "GET_ANEXT":
        while flow.instructions[j].name != "END_SEND":
            j += 1
        j += 1
    while flow.instructions[j].name in ("NOT_TAKEN", "CLEANUP_THROW"):
        j += 1
    span = placement.spans[j]
    if span is None or span[0][1] < 0:
        return line
    target = node_span(line.node.target)  # type: ignore[attr-defined]
    return line if target[0] <= span[0] and span[1] <= target[1] else None


def find_exhausted(flow: ControlFlow, placement: Placement, advances: Collection[int]) -> set[int]:
    """Find the clean-up of exhausted iterators: the end of a header, and no part of another loop's prelude."""
    found = set()
    for advance in advances:
        ins = flow.instructions[advance]
        if ins.name == "FOR_ITER":
            i = flow.by_start[ins.target]
            span = placement.spans[i]
            while flow.instructions[i].name in ("END_FOR", "POP_ITER", "POP_TOP") and placement.spans[i] == span:
                found.add(i)
                i += 1
    return found


def label_preludes(
    flow: ControlFlow, placement: Placement, preludes: dict[int, int], labels: Sequence[int]
) -> list[int]:
    """Give what evaluates the iterables of loops the labels of their `preludes`, by the index of the advance."""
    found = list(labels)
    for advance, prelude in preludes.items():
        for i in _header_before(flow, placement, advance, preludes):
            if found[i] != UNCHANGED:
                found[i] = prelude
    return found


def _header_before(flow: ControlFlow, placement: Placement, advance: int, advances: Collection[int]) -> list[int]:
    """What leads to an advance at its header's place, the end of the loop's body left out."""
    seen = {i for i in flow.leading[advance] if flow.instructions[i].name == "JUMP_BACKWARD"}
    seen.update(advances)
    seen.update(handler for handler, covered in flow.handlers.items() if advance in covered)
    found, todo = [], [advance]
    while todo:
        for i in flow.leading[todo.pop()]:
            if i in seen or i < flow.started or flow.instructions[i].name == "PUSH_EXC_INFO":
                continue
            seen.add(i)
            if placement.regions[i] is placement.regions[advance]:
                found.append(i)
                todo.append(i)
            elif placement.spans[i] is None:  # it stands nowhere
                todo.append(i)
    return found


# --- clean-up code, which stands at some line's place but is no part of it


def label_clean_up(flow: ControlFlow, placement: Placement, labels: Sequence[int]) -> list[int]:
    """Take the labels of lines from clean-up code, and from what handlers do before their suites."""
    found = list(labels)
    for i in _find_clean_up(flow, placement):
        found[i] = NOTHING
    for handler in flow.handlers:
        name = flow.instructions[handler].name
        if name in ("SWAP", "POP_TOP"):  # a comprehension puts variables back
            i = handler
            while flow.instructions[i].name != "RERAISE":
                found[i] = UNCHANGED
                i += 1
            found[i] = UNCHANGED
        elif name == "CLEANUP_THROW":  # an `await` takes the exception
            found[handler] = UNCHANGED
        elif handler + 1 in flow.catching:  # what has ended the line before is known one instruction later
            found[handler] = UNCHANGED
            if found[handler + 1] == UNCHANGED:
                found[handler + 1] = NOTHING
        elif handler in flow.looping:  # the same: the loop's first instruction is not only reached from the handler
            found[handler] = UNCHANGED
        elif name != "END_ASYNC_FOR":
            found[handler] = NOTHING
    return found


def _find_clean_up(flow: ControlFlow, placement: Placement) -> set[int]:
    """Find the ends of `except` and `with`, and the beginnings of handlers."""
    found: set[int] = set()
    for i, ins in enumerate(flow.instructions):
        if ins.name == "POP_EXCEPT" or _unbinds(flow, placement, i):
            found.add(i)
            _spread(flow, i, placement.spans, found)
        elif (ins.name == "PUSH_EXC_INFO" and i in flow.handlers) or _leaves_with(flow, placement, i):
            found.add(i)
            found.update(_swaps_before(flow, placement, i))
            region = placement.regions[i]
            if region is not None and region.line is not None and region.line.kind == "with":
                _spread(flow, i, placement.regions, found)
    return found


def _spread(flow: ControlFlow, i: int, places: Sequence[object], found: set[int]) -> None:
    """Add to `found` what follows `i` at the same place, without a loop's end between."""
    place, todo = places[i], [i]
    while todo:
        i = todo.pop()
        if flow.instructions[i].name != "JUMP_BACKWARD":
            for j in flow.followers[i]:
                if places[j] == place and j not in found:
                    found.add(j)
                    todo.append(j)


def _swaps_before(flow: ControlFlow, placement: Placement, i: int) -> list[int]:
    """A `return` whose value stays on the stack meanwhile makes room for it first."""
    found, span = [], placement.spans[i]
    while i > 0 and flow.instructions[i - 1].name == "SWAP" and placement.spans[i - 1] == span:
        i -= 1
        found.append(i)
    return found


def _unbinds(flow: ControlFlow, placement: Placement, i: int) -> bool:
    """Whether `e = None; del e` of an `except ... as e` begins at `i`."""
    if flow.instructions[i].name not in CONSTANT_LOADS or i + 2 >= len(flow.instructions):
        return False
    _, stores, deletes = flow.instructions[i : i + 3]
    return (
        stores.name.startswith("STORE_")
        and deletes.name == stores.name.replace("STORE_", "DELETE_")
        and stores.arg == deletes.arg
        and _at_one_place(placement, i, 3)
    )


def _leaves_with(flow: ControlFlow, placement: Placement, i: int) -> bool:
    """Whether the call `__exit__(None, None, None)` begins at `i`."""
    if flow.instructions[i].name not in CONSTANT_LOADS or i + 3 >= len(flow.instructions):
        return False
    first, second, third, call = flow.instructions[i : i + 4]
    return (
        {second.name, third.name} <= CONSTANT_LOADS
        and call.name == "CALL"
        and first.arg == second.arg == third.arg
        and _at_one_place(placement, i, 3)
    )


def _at_one_place(placement: Placement, i: int, count: int) -> bool:
    spans = placement.spans
    return all(spans[j] == spans[i] for j in range(i + 1, i + count))
