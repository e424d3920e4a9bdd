"""An expression over the arguments of a call, as steps of a stack machine that needs no frame of its own.

The compiled engine takes these steps for `when` instead of calling a function, which would cost more than all of them.
What it cannot do (comprehensions, calls with keywords, `if ... else`) has no steps, and is left to the function.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType

# What a step does. It takes its operands off the stack, and puts its result there.
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

NUMBERS = ARGUMENT, CONSTANT, CELL, GLOBAL, COMPARE, IS, IN, NOT, AND, OR, BINARY, UNARY, ITEM, ATTRIBUTE, CALL
MOST_DEPTH = 16

_COMPARISONS = (ast.Lt, ast.LtE, ast.Eq, ast.NotEq, ast.Gt, ast.GtE)
_BINARY = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod),
    *(ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift),
)
_UNARY = (ast.USub, ast.UAdd, ast.Invert)


class Step(NamedTuple):
    """One step: what it does, with what, and how many values it leaves on the stack more than it finds."""

    what: int
    operand: object
    more: int


class _NoSteps(Exception):
    """The machine cannot do that."""


def steps_of(expression: ast.expr, test: FunctionType, names: set[str]) -> list[Step] | None:
    """The steps of an expression that is all of the function `test`; None if the machine cannot do it.

    `names` are the arguments that it will be called with, by name.
    """
    code = test.__code__
    parameters = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    if code.co_posonlyargcount or not parameters <= names:
        return None
    try:
        steps = list(_Compiler(test, parameters).of(expression))
    except _NoSteps:
        return None
    depth = most = 0
    for step in steps:
        depth += step.more
        most = max(most, depth)
    return steps if most <= MOST_DEPTH else None


class _Compiler:
    def __init__(self, test: FunctionType, names: set[str]) -> None:
        self.names = names
        self.others = {*test.__code__.co_varnames, *test.__code__.co_cellvars} - names  # `**_`
        self.cells = dict(zip(test.__code__.co_freevars, test.__closure__ or (), strict=True))

    def of(self, node: ast.expr) -> Iterator[Step]:
        match node:
            case ast.Constant(value):
                yield Step(CONSTANT, value, 1)
            case ast.Name(name):
                yield self._name(name)
            case ast.UnaryOp() | ast.BinOp():
                yield from self._operation(node)
            case ast.BoolOp(op, values):
                yield from self._either(AND if isinstance(op, ast.And) else OR, [list(self.of(v)) for v in values])
            case ast.Compare(left, ops, rights) if all(isinstance(n, ast.Name | ast.Constant) for n in rights[:-1]):
                pairs = zip([left, *rights[:-1]], ops, rights, strict=True)
                yield from self._either(AND, [list(self._compare(*pair)) for pair in pairs])
            case ast.Subscript(value, index) if not isinstance(index, ast.Slice | ast.Tuple):
                yield from self.of(value)
                yield from self.of(index)
                yield Step(ITEM, None, -1)
            case ast.Attribute(value, name) if not name.startswith("__") or name.endswith("__"):  # not mangled
                yield from self.of(value)
                yield Step(ATTRIBUTE, name, 0)
            case ast.Call(function, arguments, []) if not any(isinstance(a, ast.Starred) for a in arguments):
                for part in (function, *arguments):
                    yield from self.of(part)
                yield Step(CALL, len(arguments), -len(arguments))
            case _:
                raise _NoSteps

    def _operation(self, node: ast.UnaryOp | ast.BinOp) -> Iterator[Step]:
        match node:
            case ast.UnaryOp(ast.Not(), operand):
                yield from self.of(operand)
                yield Step(NOT, None, 0)
            case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
                yield Step(CONSTANT, -value, 1)
            case ast.UnaryOp(op, operand):
                yield from self.of(operand)
                yield Step(UNARY, _UNARY.index(type(op)), 0)
            case ast.BinOp(left, op, right) if isinstance(op, _BINARY):
                yield from self.of(left)
                yield from self.of(right)
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

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Iterator[Step]:
        yield from self.of(left)
        yield from self.of(right)
        if isinstance(op, _COMPARISONS):
            yield Step(COMPARE, _COMPARISONS.index(type(op)), -1)
        else:
            yield Step(IS if isinstance(op, ast.Is | ast.IsNot) else IN, None, -1)
            if isinstance(op, ast.IsNot | ast.NotIn):
                yield Step(NOT, None, 0)

    def _either(self, what: int, parts: list[list[Step]]) -> Iterator[Step]:
        """Parts that are evaluated until one decides, each of which leaves one value."""
        *first, last = parts
        ahead = sum(len(part) + 1 for part in first) + len(last)
        for part in first:
            yield from part
            ahead -= len(part) + 1
            yield Step(what, ahead, -1)
        yield from last
