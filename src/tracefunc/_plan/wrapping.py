"""Which free variables of a function hold what it wraps: a decorator's own parameter, say. Its source shows that."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

from .source import FUNCTIONS, file_lines, match_node, parse_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FunctionType


class _Found(NamedTuple):
    """What the source of a function shows of its free variables."""

    given: frozenset[str]  # parameters of the function around it, which returns it
    passed: frozenset[str]  # what it passes its own arguments on to


class _Known(NamedTuple):
    """What was found out about a code object from the lines of its file."""

    code: ref[CodeType]
    lines: list[str]
    found: _Found | None


_known: dict[int, _Known] = {}  # by the code object's address


def wrapped_names(function: FunctionType, is_held: bool) -> frozenset[str] | None:
    """The free variables that hold what `function` wraps; None if its source cannot be had.

    These are the parameters of the function around it, if that returns `function` as a decorator does, and if
    `function` passes its arguments on to them; and what it passes all its arguments on to. `is_held`: another object
    holds `function` as what it calls, so that it need not look like a decorator's.
    """
    code = function.__code__
    lines = file_lines(function)
    known = _known.get(id(code))
    if known is None or known.code() is not code or known.lines is not lines:
        known = _Known(ref(code, partial(_known.pop, id(code))), lines, _find(code, lines))
        _known[id(code)] = known
    found = known.found
    if found is None:
        return None
    return found.given if is_held else found.given & found.passed


def _find(code: CodeType, lines: list[str]) -> _Found | None:
    tree = parse_file(lines)
    node = match_node(code, ast.walk(tree)) if 0 < code.co_firstlineno <= len(lines) else None
    if node is None:
        return None
    around = _function_around(tree, node)
    given, rest = set(), _called_with_rest(node)
    if around is not None and _returns(around, node):
        given = {arg.arg for arg in ast.walk(around.args) if isinstance(arg, ast.arg)}  # type: ignore[attr-defined]
    passed = _passed_on(node)
    free = {*code.co_freevars}
    return _Found(frozenset((given | rest) & free), frozenset((passed | rest) & free))


def _function_around(tree: ast.AST, node: ast.AST) -> ast.AST | None:
    """The innermost function that holds the definition of another one."""
    todo: list[tuple[ast.AST, ast.AST | None]] = [(tree, None)]
    while todo:
        parent, around = todo.pop()
        if parent is node:
            return around
        inner = parent if isinstance(parent, (*FUNCTIONS, ast.Lambda)) else around
        todo.extend((child, inner) for child in ast.iter_child_nodes(parent))
    return None


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function that are not in another one within it; definitions and lambdas themselves are."""
    todo = list(ast.iter_child_nodes(node))
    while todo:
        child = todo.pop()
        yield child
        if not isinstance(child, (*FUNCTIONS, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(child))


def _returns(around: ast.AST, node: ast.AST) -> bool:
    """Whether a function returns the one that is defined in it, or something made of it.

    One that returns it beside others that it defines gives none of them for what it was given.
    """
    if isinstance(around, ast.Lambda):
        return True
    names = {getattr(node, "name", "")}
    own = list(_own_nodes(around))
    beside = {other.name for other in own if isinstance(other, FUNCTIONS)} - names

    def mentions(value: ast.AST | None) -> bool:
        return value is not None and any(
            part is node or (isinstance(part, ast.Name) and part.id in names) for part in ast.walk(value)
        )

    for _ in range(3):  # it may have been given other names meanwhile
        for statement in own:
            if isinstance(statement, ast.Assign) and mentions(statement.value):
                names.update(target.id for target in statement.targets if isinstance(target, ast.Name))
    returned = [s.value for s in own if isinstance(s, ast.Return) and mentions(s.value)]
    together = {part.id for value in returned for part in _elements(value) if isinstance(part, ast.Name)}
    return bool(returned) and beside.isdisjoint(together)


def _elements(value: ast.AST | None) -> list[ast.AST]:
    """What a display of a tuple, list or dictionary holds; nothing of any other expression."""
    if isinstance(value, ast.Dict):
        return [*value.values]
    return [*value.elts] if isinstance(value, (ast.Tuple, ast.List)) else []


def _passed_on(node: ast.AST) -> set[str]:
    """The names that a function calls with something of its own parameters, or without arguments if it has none."""
    own = {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}  # type: ignore[attr-defined]
    takes_nothing = not own
    for statement in _own_nodes(node):
        if isinstance(statement, ast.Assign):
            own.update(
                name.id for target in statement.targets for name in ast.walk(target) if isinstance(name, ast.Name)
            )
    found = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            if any(_mentions(value, own) for value in given) or (takes_nothing and not given):
                found.add(call.func.id)
    return found


def _mentions(value: ast.AST, names: set[str]) -> bool:
    """Whether an expression itself, not a lambda in it, mentions any of some names."""
    if isinstance(value, ast.Lambda):
        return False
    if isinstance(value, ast.Name):
        return value.id in names
    return any(_mentions(child, names) for child in ast.iter_child_nodes(value))


def _called_with_rest(node: ast.AST) -> set[str]:
    """The names that are called with everything that a function takes as `*args`, by itself or by what it calls."""
    args: ast.arguments = node.args  # type: ignore[attr-defined]
    rest = {arg.arg for arg in (args.vararg, args.kwarg) if arg is not None}
    found = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            values = [value.value if isinstance(value, ast.Starred) else value for value in given]
            names = {value.id for value in [call.func, *values] if isinstance(value, ast.Name)}
            if not rest.isdisjoint(names):
                found |= names - rest
    return found
