"""Compiles an expression over the arguments of a call to steps of a stack machine that needs no frame of its own.

For `when`, the compiled engine takes these steps instead of calling a function, which would cost more than all of them.
What the machine cannot do (comprehensions, calls with keywords, `if ... else`) has no steps; the function does that.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType

# What a step does: its operation. It takes its operands off the stack, and puts its result there.
ARGUMENT = 0  # of a name
CONSTANT = 1  # a value
CELL = 2  # the content of a cell
GLOBAL = 3  # of a name: a global, else a builtin
COMPARE = 4  # by one of <, <=, ==, !=, >, >=, from 0
IS, IN = 5, 6
NOT = 7
AND, OR = 8, 9  # go on that many steps from here if the value decides, else take it off
BINARY, UNARY = 10, 11  # the number of an operator in the lists below
ITEM = 12
ATTRIBUTE = 13  # of a name
CALL = 14  # with so many arguments

OPERATIONS = ARGUMENT, CONSTANT, CELL, GLOBAL, COMPARE, IS, IN, NOT, AND, OR, BINARY, UNARY, ITEM, ATTRIBUTE, CALL
MOST_DEPTH = 16

_COMPARISONS = (ast.Lt, ast.LtE, ast.Eq, ast.NotEq, ast.Gt, ast.GtE)
_BINARY = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod),
    *(ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift),
)
_UNARY = (ast.USub, ast.UAdd, ast.Invert)


class Step(NamedTuple):
    """One step: what it does, with what, and how many values more it leaves on the stack than it finds."""

    operation: int
    operand: object
    effect: int


class _NoSteps(Exception):
    """The machine cannot do something."""


def steps_of(expression: ast.expr, test: FunctionType, names: set[str]) -> list[Step] | None:
    """The steps of an expression that is all of the function `test`; None if the machine cannot do it.

    `names` are the arguments that it will be called with, by name.
    """
    code = test.__code__
    parameters = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    if code.co_posonlyargcount or not parameters <= names:
        return None
    try:
        steps = list(_Compiler(test, parameters).steps(expression))
    except _NoSteps:
        return None
    depth = most = 0
    for step in steps:
        depth += step.effect
        most = max(most, depth)
    return steps if most <= MOST_DEPTH else None


class _Compiler:
    """Compiles the expression that a function returns."""

    def __init__(self, test: FunctionType, names: set[str]) -> None:
        self.names = names  # of the arguments that the function is called with
        self.others = {*test.__code__.co_varnames, *test.__code__.co_cellvars} - names  # `**_`
        self.cells = dict(zip(test.__code__.co_freevars, test.__closure__ or (), strict=True))

    def steps(self, node: ast.expr) -> Iterator[Step]:
        """The steps of an expression; raises _NoSteps."""
        match node:
            case ast.Constant(value):
                yield Step(CONSTANT, value, 1)
            case ast.Name(name):
                yield self._name(name)
            case ast.UnaryOp() | ast.BinOp():
                yield from self._operation(node)
            case ast.BoolOp(op, values):
                yield from self._until_decided(AND if isinstance(op, ast.And) else OR, [self.steps(v) for v in values])
            case ast.Compare():
                yield from self._comparison(node)
            case ast.Subscript() | ast.Attribute() | ast.Call():
                yield from self._access(node)
            case _:
                raise _NoSteps

    def _access(self, node: ast.Subscript | ast.Attribute | ast.Call) -> Iterator[Step]:
        match node:
            case ast.Subscript(value, index) if not isinstance(index, ast.Slice | ast.Tuple):
                yield from self.steps(value)
                yield from self.steps(index)
                yield Step(ITEM, None, -1)
            case ast.Attribute(value, name) if not name.startswith("__") or name.endswith("__"):  # not mangled
                yield from self.steps(value)
                yield Step(ATTRIBUTE, name, 0)
            case ast.Call(function, arguments, []) if not any(isinstance(a, ast.Starred) for a in arguments):
                for part in (function, *arguments):
                    yield from self.steps(part)
                yield Step(CALL, len(arguments), -len(arguments))
            case _:
                raise _NoSteps

    def _operation(self, node: ast.UnaryOp | ast.BinOp) -> Iterator[Step]:
        match node:
            case ast.UnaryOp(ast.Not(), operand):
                yield from self.steps(operand)
                yield Step(NOT, None, 0)
            case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
                yield Step(CONSTANT, -value, 1)
            case ast.UnaryOp(op, operand):
                yield from self.steps(operand)
                yield Step(UNARY, _UNARY.index(type(op)), 0)
            case ast.BinOp(left, op, right) if isinstance(op, _BINARY):
                yield from self.steps(left)
                yield from self.steps(right)
                yield Step(BINARY, _BINARY.index(type(op)), -1)
            case _:
                raise _NoSteps

    def _name(self, name: str) -> Step:
        if name in self.names:
            return Step(ARGUMENT, name, 1)
        if name in self.cells:
            return Step(CELL, self.cells[name], 1)
        if name in self.others or name.startswith("__"):
            raise _NoSteps
        return Step(GLOBAL, name, 1)

    def _comparison(self, node: ast.Compare) -> Iterator[Step]:
        """A chain of comparisons; only names and constants may be in the midst of it, which are evaluated twice."""
        *middle, _ = node.comparators
        if not all(isinstance(part, ast.Name | ast.Constant) for part in middle):
            raise _NoSteps
        pairs = zip([node.left, *middle], node.ops, node.comparators, strict=True)
        yield from self._until_decided(AND, [self._compare(*pair) for pair in pairs])

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Iterator[Step]:
        yield from self.steps(left)
        yield from self.steps(right)
        if isinstance(op, _COMPARISONS):
            yield Step(COMPARE, _COMPARISONS.index(type(op)), -1)
        else:
            yield Step(IS if isinstance(op, ast.Is | ast.IsNot) else IN, None, -1)
            if isinstance(op, ast.IsNot | ast.NotIn):
                yield Step(NOT, None, 0)

    def _until_decided(self, operation: int, parts: list[Iterator[Step]]) -> Iterator[Step]:
        """Parts that are evaluated until one decides, each of which leaves one value."""
        *first, last = map(list, parts)
        ahead = sum(len(part) + 1 for part in first) + len(last)
        for part in first:
            yield from part
            ahead -= len(part) + 1
            yield Step(operation, ahead, -1)
        yield from last
