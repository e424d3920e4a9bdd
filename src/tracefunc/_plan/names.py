"""What names mean: which ones a line mentions, with their attributes, what a scope binds, and so where each is read."""

from __future__ import annotations

import ast
from sys import intern
from typing import TYPE_CHECKING

from .._values.read import CLASS, CLASS_FREE, FREE, GLOBAL, LOCAL, UNREADABLE, Reader
from .source import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

LINES = (ast.stmt, ast.ExceptHandler, ast.match_case, ast.Lambda, *COMPREHENSIONS)


MOST_CHAINED = 4  # names of a chain


class Scope:
    """A scope of the source: the names that it binds, and the scope around it."""

    __slots__ = (
        "bound",
        "closed_over",
        "declared_global",
        "kind",
        "node",
        "outer",
        "outermost_only",
        "owner",
        "rebound",
        "type_params",
    )

    def __init__(self, node: ast.AST, kind: str, outer: Scope | None, owner: str) -> None:
        self.node = node
        self.kind = kind  # "function" (lambdas too), "class" or "comprehension"
        self.outer = outer
        self.owner = owner  # the class whose name mangles private names here, or ""
        self.bound: set[str] = set()
        self.rebound: set[str] = set()  # declared `global` or `nonlocal`
        self.declared_global: set[str] = set()
        self.type_params: set[str] = set()
        self.outermost_only: set[str] = set()  # a comprehension's: named in its first iterable only
        self.closed_over: set[str] = set()  # a target's: bound by functions around it, whose scopes are not here

    def mangle(self, name: str) -> str:
        """`name` as the compiler stores it (private names inside classes)."""
        owner = self.owner.lstrip("_")
        if not owner or not name.startswith("__") or name.endswith("__"):
            return name
        return f"_{owner}{name}"


def _pattern_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _import_names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        yield alias.asname or (alias.name if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0])


def _own_names(node: ast.AST) -> Iterator[str]:
    """The names that `node` itself mentions, not its children."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from _import_names(node)
    elif isinstance(node, (*FUNCTIONS, ast.ClassDef)) or (isinstance(node, ast.ExceptHandler) and node.name):
        yield node.name  # type: ignore[misc]
    else:
        yield from _pattern_names(node)


def parameters(args: ast.arguments) -> Iterator[ast.arg]:
    """The parameters of a function, in their order."""
    found = (*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg)
    yield from (arg for arg in found if arg is not None)


def defaults(args: ast.arguments) -> list[ast.expr]:
    return [default for default in (*args.defaults, *args.kw_defaults) if default is not None]


def header(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a line that are its own, its suites left out."""
    if isinstance(node, ast.Lambda):
        yield node.body
        return
    for field, value in ast.iter_fields(node):
        if field in ("body", "orelse", "finalbody", "handlers", "cases") and isinstance(value, list):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def line_mentions(node: ast.AST) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every identifier that the line mentions, and every chain of a name and its attributes (`self.cfg.port`), sorted.

    Lines nested in it are left out. Of a longer chain, the first four names. A method that is called is no part of one,
    but what it belongs to is.
    """
    names, chains = set(_own_names(node)), set()
    if isinstance(node, ast.Lambda):
        names.update(arg.arg for arg in parameters(node.args))
    done: set[ast.AST] = set()  # attributes that are no ends of chains
    todo = list(header(node))
    while todo:
        child = todo.pop()
        if isinstance(child, LINES):
            continue
        if isinstance(child, ast.Attribute):
            if child not in done and (chain := _chain(child, done)):
                chains.add(".".join(chain[:MOST_CHAINED]))
        elif isinstance(child, ast.Call):
            done.add(child.func)
        else:
            names.update(_own_names(child))
        todo.extend(ast.iter_child_nodes(child))
    return tuple(sorted(names)), tuple(sorted(chains))


def _chain(node: ast.expr, done: set[ast.AST]) -> list[str]:
    """The names of a chain; none if it does not begin with a name. Its attributes are put into `done`."""
    names = []
    while isinstance(node, ast.Attribute):
        done.add(node)
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []


def _bindings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif not isinstance(node, ast.Global | ast.Nonlocal):
        yield from _own_names(node)


def rebound(node: ast.AST) -> Iterator[str]:
    """The names that a function's body, or anything nested in it, binds."""
    body = node.body  # type: ignore[attr-defined]
    for part in body if isinstance(body, list) else [body]:
        for child in ast.walk(part):
            yield from _bindings(child)
            if isinstance(child, ast.Global | ast.Nonlocal):
                yield from child.names
            elif isinstance(child, ast.arguments):
                yield from (arg.arg for arg in parameters(child))


def bind(node: ast.AST, scope: Scope) -> None:
    """Fill in the names that `scope`, whose node is `node`, binds."""
    if isinstance(node, COMPREHENSIONS):
        targets = (n for generator in node.generators for n in ast.walk(generator.target))
        scope.bound = {scope.mangle(n.id) for n in targets if isinstance(n, ast.Name)}
        return
    names: set[str] = set()
    if isinstance(node, (*FUNCTIONS, ast.Lambda)):
        names.update(arg.arg for arg in parameters(node.args))
    for child, in_comprehension in _evaluated_in(node):
        if isinstance(child, ast.Global | ast.Nonlocal):
            declared = set(map(scope.mangle, child.names))
            scope.rebound |= declared
            if isinstance(child, ast.Global):
                scope.declared_global |= declared
        elif isinstance(child, ast.NamedExpr) and in_comprehension:
            names.add(child.target.id)
        elif not in_comprehension:
            names.update(_bindings(child))
    scope.bound = {scope.mangle(name) for name in names} - scope.rebound


def comprehension_parts(node: ast.AST) -> list[ast.expr]:
    """The expressions of a comprehension, the one evaluated outside of it first."""
    parts: list[ast.expr] = []
    for generator in node.generators:  # type: ignore[attr-defined]
        parts += [generator.iter, generator.target, *generator.ifs]
    return parts + [part for field in ("elt", "key", "value") if (part := getattr(node, field, None)) is not None]


def loaded(parts: Iterable[ast.AST]) -> set[str]:
    """The names that some expressions mention, but for the variables of lambdas and comprehensions in them."""
    found: set[str] = set()
    todo: list[tuple[ast.AST, set[str]]] = [(part, set()) for part in parts]
    while todo:
        node, own = todo.pop()
        if isinstance(node, ast.Name) and node.id not in own:
            found.add(node.id)
        outside: Iterable[ast.AST] = ast.iter_child_nodes(node)
        if isinstance(node, (ast.Lambda, *COMPREHENSIONS)):
            if isinstance(node, ast.Lambda):
                outside, inside = defaults(node.args), [node.body]
            else:
                first, *inside = comprehension_parts(node)
                outside = [first]
            scope = Scope(node, "", None, "")
            bind(node, scope)
            todo += [(part, own | scope.bound) for part in inside]
        todo += [(part, own) for part in outside]
    return found


def _evaluated_in(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes in the body of `node` that are evaluated in its scope, and whether they are in a comprehension."""
    body = node.body  # type: ignore[attr-defined]
    todo: list[tuple[ast.AST, bool]] = [(child, False) for child in (body if isinstance(body, list) else [body])]
    while todo:
        child, in_comprehension = todo.pop()
        yield child, in_comprehension
        inner = in_comprehension or isinstance(child, COMPREHENSIONS)
        todo.extend((part, inner) for part in _same_scope(child))


def _same_scope(node: ast.AST) -> Iterable[ast.AST]:
    """The children of `node` that are evaluated in its scope (comprehensions count, for their walruses)."""
    if isinstance(node, ast.Lambda):
        return defaults(node.args)
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return [part for part in header(node) if not isinstance(part, ast.type_param)]
    return ast.iter_child_nodes(node)


def annotation_comprehensions(node: ast.AST) -> Iterator[ast.AST]:
    """The comprehensions that evaluating a statement's annotations evaluates.

    They make no hits, as it depends on the version when that is: see "the compiler" in `_interpreter`.
    """
    todo: list[ast.AST | None] = []
    if isinstance(node, FUNCTIONS):
        todo += [node.returns, *(arg.annotation for arg in parameters(node.args))]
    elif isinstance(node, ast.AnnAssign):
        todo.append(node.annotation)
    while todo:
        child = todo.pop()
        if child is not None:
            if isinstance(child, COMPREHENSIONS):
                yield child
            todo.extend(_same_scope(child))


def readers(
    names: Iterable[str], scope: Scope, code: CodeType, root: Scope, chains: Iterable[str] = ()
) -> tuple[Reader, ...]:
    """How each of `names`, mentioned in `scope`, is read in a frame of `code`, whose own scope is `root`.

    So, behind them, for `chains` of attributes.
    """
    own = set(code.co_varnames) | set(code.co_cellvars)
    free = set(code.co_freevars)
    found = [_reader(name, scope, root, own, free) for name in names]
    for chain in chains:
        name, *attributes = chain.split(".")
        first = _reader(name, scope, root, own, free)
        stored = tuple([intern(scope.mangle(attribute)) for attribute in attributes])
        found.append(Reader(chain, first.stored, first.how, stored))
    return tuple(found)


def _reader(name: str, scope: Scope, root: Scope, own: set[str], free: set[str]) -> Reader:
    stored = scope.mangle(name)
    inlined: Scope | None = None
    while scope is not root and scope.kind == "comprehension" and scope.outer is not None:
        if stored in scope.bound:
            return Reader(name, stored, LOCAL)
        inlined, scope = scope, scope.outer
    if stored in root.type_params:
        how = LOCAL
    elif scope.kind == "class":
        how = _read_in_class(name, stored, scope, inlined, free)
    elif stored in scope.bound or stored in free or (stored in scope.rebound and stored in own):
        how = LOCAL
    else:
        how = UNREADABLE if _is_bound_around(name, stored, scope) else GLOBAL
    return Reader(name, stored, how)


def _is_bound_around(name: str, stored: str, scope: Scope) -> bool:
    """Whether a scope around `scope` binds a name that the code in `scope` does not get as a free variable.

    So it is with one that only the outermost iterable of a generator expression mentions.
    """
    if stored in scope.declared_global:
        return False
    outermost = scope
    while outermost.outer is not None:
        inner, outermost = outermost, outermost.outer
        if stored in outermost.type_params:
            return True
        if outermost.kind == "class" and (inner is not scope or name not in scope.outermost_only):
            continue  # its names are not seen from there
        if stored in outermost.bound or stored in outermost.declared_global:
            return stored in outermost.bound
    return stored in outermost.closed_over


def _read_in_class(name: str, stored: str, scope: Scope, inlined: Scope | None, free: set[str]) -> int:
    """How a name is read in a class body, or in the outermost comprehension `inlined` in it."""
    in_class = inlined is None or name in inlined.outermost_only
    if in_class and stored in scope.declared_global:
        return GLOBAL
    if inlined is not None and in_class and stored in scope.bound:
        return UNREADABLE  # not all versions can read it: "the compiler" in `_interpreter`
    if inlined is not None or stored in scope.rebound:
        return FREE if stored in free else GLOBAL
    return CLASS_FREE if stored in free and stored not in scope.bound else CLASS
