"""Comprehensions: at which instruction an element is ready, which is a hit of the comprehension's line."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .source import node_span

if TYPE_CHECKING:
    from .bytecode import Instruction
    from .lines import Body
    from .positions import Span
    from .source_line import SourceLine

_ADDITIONS = {
    "LIST_APPEND": ast.ListComp,
    "LIST_EXTEND": ast.ListComp,
    "SET_ADD": ast.SetComp,
    "SET_UPDATE": ast.SetComp,
    "MAP_ADD": ast.DictComp,
    "DICT_UPDATE": ast.DictComp,
}


def find_elements(body: Body, instructions: list[Instruction], spans: list[Span | None]) -> dict[int, int]:
    """By index of an instruction at which a comprehension has an element ready: the comprehension's line."""
    found = {}
    is_generator = isinstance(body.node, ast.GeneratorExp)
    for i, ins in enumerate(instructions):
        line: SourceLine | None = None
        kind = _ADDITIONS.get(ins.name)
        if kind is not None and ins.arg >= 2 and instructions[i - 1].name != "FOR_ITER":
            line = _comprehension(body, kind, spans[i])
        elif is_generator and _yields(body.node, instructions, spans, i):
            line = body.line
        if line is not None:
            found[i] = line.index
    return found


def _yields(node: ast.AST, instructions: list[Instruction], spans: list[Span | None], i: int) -> bool:
    """Whether a generator expression has an element ready at `i`; `(*x for x in y)` has one per `x`."""
    element = node.elt  # type: ignore[attr-defined]
    if isinstance(element, ast.Starred):
        return instructions[i].name == "GET_ITER" and spans[i] == node_span(element)
    return instructions[i].name == "YIELD_VALUE" and instructions[i - 1].name != "SEND"


def _comprehension(body: Body, kind: type, span: Span | None) -> SourceLine | None:
    """The comprehension of `kind` to which the instruction that stands at `span` adds its element."""
    found: SourceLine | None = None
    if span is not None:  # as it is in `except*`
        for line in body.comprehensions:
            if isinstance(line.node, kind):
                start, end = _element_span(line.node)
                if (start, end) == span or (span[0][1] < 0 and start[0] <= span[0][0] <= end[0]):
                    found = line
    return found


def _element_span(node: ast.AST) -> Span:
    if isinstance(node, ast.DictComp):
        value: ast.expr | None = node.value  # None: PEP 798
        return node_span(node.key)[0], node_span(value or node.key)[1]
    return node_span(node.elt)  # type: ignore[attr-defined]
