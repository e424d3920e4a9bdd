"""Outcomes that `redact` hides: what a target returns or yields by an expression that holds a hidden value."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .._values.sample import Place

__all__ = ["NOTHING_HIDDEN", "Outcomes"]


class Outcomes:
    """What of a target's outcomes is hidden."""

    __slots__ = ("_returning", "_secret", "hides_yielded")

    def __init__(self, places: Iterable[Place], hides: Callable[[str], bool]) -> None:
        """`places`: the target's lines; `hides`: whether the values of a name are hidden."""
        self._returning: set[int] = set()  # the lines that return
        self._secret: set[int] = set()  # those that return what is hidden
        self.hides_yielded = False
        for index, (text, _, kind, *_) in enumerate(places):
            if kind in ("return", "lambda"):
                self._returning.add(index)
                if _holds_hidden(text, hides):
                    self._secret.add(index)
            if "yield" in text and _yields_hidden(text, hides):
                self.hides_yielded = True

    @property
    def hides_any(self) -> bool:
        """Whether something of what the target returns is hidden."""
        return bool(self._secret)

    def hides_returned(self, state: int) -> bool:
        """Return whether what the target returns is hidden, when a state is under way: mostly the line that returns."""
        return state in self._secret or (bool(self._secret) and state not in self._returning)


NOTHING_HIDDEN = Outcomes((), lambda name: False)


def _holds_hidden(text: str, hides: Callable[[str], bool]) -> bool:
    """Return whether the expression of a `return` or a lambda holds the value of a hidden name."""
    tree = _parsed(text)
    if tree is None:
        return _has_hidden_word(text, hides)
    return any(map(hides, _names_in(tree)))


def _yields_hidden(text: str, hides: Callable[[str], bool]) -> bool:
    tree = _parsed(text)
    if tree is None:
        return _has_hidden_word(text, hides)
    yields = [node for node in ast.walk(tree) if isinstance(node, ast.Yield | ast.YieldFrom)]
    return any(hides(name) for node in yields if node.value for name in _names_in(node.value))


def _parsed(text: str) -> ast.AST | None:
    """Return the syntax tree of a line; None for headers that do not stand alone, such as that of an `elif`."""
    for behind in ("", " pass", "\n except: pass"):
        try:
            return ast.parse(text.strip() + behind)
        except (SyntaxError, ValueError):
            pass
    return None


def _names_in(node: ast.AST) -> Iterator[str]:
    """Yield the names whose values are part of what an expression gives: not those that only calls and tests use."""
    if isinstance(node, ast.Call | ast.Compare):
        return
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and type(node.slice.value) is str:
        yield node.slice.value
    for inner in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Lambda) and inner is node.args):
            yield from _names_in(inner)


def _has_hidden_word(text: str, hides: Callable[[str], bool]) -> bool:
    return any(map(hides, re.findall(r"\w+", text)))
