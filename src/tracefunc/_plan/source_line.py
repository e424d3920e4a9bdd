"""One line of a target, as the source has it: its kind, its text, its names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .names import COMPREHENSIONS, line_mentions

if TYPE_CHECKING:
    from .names import Scope
    from .positions import Span

_KINDS = {
    ast.If: "if",
    ast.While: "while",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.With: "with",
    ast.AsyncWith: "with",
    ast.Match: "match",
    ast.match_case: "case",
    ast.Try: "try",
    ast.TryStar: "try",
    ast.ExceptHandler: "except",
    ast.FunctionDef: "def",
    ast.AsyncFunctionDef: "def",
    ast.ClassDef: "class",
    ast.Lambda: "lambda",
    ast.Return: "return",
    **dict.fromkeys(COMPREHENSIONS, "comprehension"),
}


class SourceLine:
    """One line of a target: what is counted and sampled."""

    __slots__ = ("chains", "end", "idle", "index", "kind", "names", "node", "scope", "start", "text")

    def __init__(self, index: int, node: ast.AST, scope: Scope, span: Span, text: str) -> None:
        self.index = index  # among the lines of the target
        self.node = node
        self.kind = _KINDS.get(type(node), "statement")
        self.scope = scope
        self.start, self.end = span
        self.text = text
        self.names, self.chains = line_mentions(node)
        self.idle = False  # does no work, and not all versions can report it: none does
