"""Statements for which the compiler may emit nothing, and tests whose outcome it knows."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_constant(node: ast.AST) -> bool:
    """Whether the compiler knows the value of a test."""
    if isinstance(node, ast.UnaryOp):
        return is_constant(node.operand)
    if isinstance(node, ast.BinOp):
        return is_constant(node.left) and is_constant(node.right)
    if isinstance(node, ast.IfExp):
        return is_constant(node.test) and is_constant(node.body if _holds(node.test) else node.orelse)
    if isinstance(node, ast.BoolOp):
        return all(map(is_constant, _evaluated(node)))
    return _is_literal(node)


def _evaluated(node: ast.BoolOp) -> Iterator[ast.expr]:
    """The operands of `and` or `or` up to the one that decides, if it is a constant."""
    for value in node.values:
        yield value
        if is_constant(value) and _holds(value) == isinstance(node.op, ast.Or):
            return


def _is_literal(node: ast.AST) -> bool:
    """Whether evaluating `node` can do nothing at all, not even raise."""
    if isinstance(node, ast.Tuple):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.JoinedStr):
        return all(isinstance(part, ast.Constant) for part in node.values)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id == "__debug__")


def is_workless(node: ast.AST) -> bool:
    """Whether a statement is one of those for which the compiler may emit nothing."""
    if isinstance(node, ast.Pass | ast.Break | ast.Continue | ast.Global | ast.Nonlocal | ast.Try | ast.TryStar):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Name) or _is_literal(node.value)
    if isinstance(node, ast.AnnAssign):
        return node.value is None and isinstance(node.target, ast.Name)
    if isinstance(node, ast.Assert):
        return is_constant(node.test) and _holds(node.test)
    return isinstance(node, ast.If | ast.While) and is_constant(node.test)


def never_goes_on(node: ast.AST) -> bool:
    """Whether what follows a simple statement, or the suite below a header, is known never to be executed."""
    if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue):
        return True
    return isinstance(node, ast.If | ast.While) and is_constant(node.test) and not _holds(node.test)


def ends_once(node: ast.AST) -> bool:
    """Whether a simple statement or header, once executed, goes on to what stands behind it without a choice.

    A `case` does so where it matches, unless its guard leaves that open to the compiler.
    """
    if isinstance(node, ast.match_case):
        guard = node.guard
        return guard is None or (_holds(guard) if is_constant(guard) else not _is_partly_constant(guard))
    return isinstance(node, ast.With | ast.AsyncWith) or not hasattr(node, "body")


def _is_partly_constant(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        return any(map(_is_partly_constant, test.values))
    if isinstance(test, ast.UnaryOp):
        return _is_partly_constant(test.operand)
    if isinstance(test, ast.IfExp):
        return any(map(_is_partly_constant, (test.test, test.body, test.orelse)))
    return is_constant(test)


def _holds(test: ast.expr) -> bool:
    """Whether an expression of constants is true; False when it raises, or may take long."""
    grows = any(isinstance(node, ast.Pow | ast.LShift | ast.Mult | ast.Mod) for node in ast.walk(test))
    if grows and not _is_small(test):
        return False
    try:
        return bool(eval(compile(ast.Expression(test), "<test>", "eval"), {"__builtins__": {}}))
    except Exception:
        return False


def _is_small(test: ast.expr) -> bool:
    """Whether an expression of constants has a single operator, and small numbers only: its value is small."""
    numbers = [node.value for node in ast.walk(test) if isinstance(node, ast.Constant)]
    operators = [node for node in ast.walk(test) if isinstance(node, ast.BinOp)]
    return len(operators) == 1 and all(isinstance(number, int) and abs(number) < _SMALL for number in numbers)


_SMALL = 100
