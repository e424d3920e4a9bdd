"""Source analysis: from a function's definition to its lines, and the regions in which their instructions stand."""

from __future__ import annotations

import ast
from bisect import bisect_right
from typing import TYPE_CHECKING

from .names import COMPREHENSIONS, Scope, annotation_comprehensions, bind, defaults, header, line_names
from .source import FUNCTIONS, SourceError, Text, class_of, find_node, first_row, indent_of, node_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, FunctionType

    from .source import Position, Span

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


class Line:
    """One line of a target: what is counted and sampled."""

    __slots__ = ("end", "idle", "index", "kind", "names", "node", "scope", "start", "text")

    def __init__(self, node: ast.AST, scope: Scope, span: Span, text: str, names: tuple[str, ...]) -> None:
        self.node = node
        self.kind = _KINDS.get(type(node), "statement")
        self.scope = scope
        self.start, self.end = span
        self.text = text
        self.names = names
        self.index = -1
        self.idle = False  # does no work where it shares its physical line: reported nowhere then


class Place:
    """The region of a statement, handler or case in the file: where its own instructions stand."""

    __slots__ = ("children", "end", "line", "start", "starts")

    def __init__(self, line: Line | None, start: Position, end: Position) -> None:
        self.line = line
        self.start = start
        self.end = end
        self.children: list[Place] = []
        self.starts: list[Position] = []

    def finish(self) -> None:
        self.children.sort(key=lambda child: child.start)
        self.starts = [child.start for child in self.children]

    def find(self, start: Position, end: Position) -> Place:
        """The innermost place that holds the region `start` to `end`."""
        place = self
        while True:
            i = bisect_right(place.starts, start) - 1
            if i < 0 or place.children[i].end < end:
                return place
            place = place.children[i]

    def find_row(self, row: int) -> Place:
        """The innermost place on a physical line, the first where several share it."""
        place = self
        while True:
            for child in place.children:
                if child.start[0] <= row <= child.end[0]:
                    place = child
                    break
            else:
                return place


class Body:
    """What belongs to one code object: its root node, its places, and the scopes directly in it."""

    __slots__ = ("comprehensions", "line", "nested", "root", "scope", "silent")

    def __init__(self, scope: Scope, root: Place, line: Line | None) -> None:
        self.scope = scope
        self.root = root
        self.line = line  # the line that all of the code is (a lambda or a comprehension)
        self.nested: list[Body] = []
        self.comprehensions: list[Line] = []
        self.silent = False  # makes no hits itself: a comprehension that an annotation evaluates

    def part(self, code: CodeType) -> Body:
        """A body without statements, for code that evaluates some of this one's expressions in a frame of its own."""
        scope = Scope(self.node, "function", self.scope, self.scope.owner)
        scope.type_params.update(code.co_varnames, code.co_cellvars)
        part = Body(scope, _everywhere(), None)
        part.nested, part.comprehensions = self.nested, self.comprehensions
        return part

    @property
    def node(self) -> ast.AST:
        return self.scope.node


class Source:
    """The analysed source of one target: `lines` in order, `body` for its code object, `text` as it is in the file."""

    __slots__ = ("body", "lines", "text")

    def __init__(self, lines: list[Line], body: Body) -> None:
        self.lines = lines
        self.body = body
        self.text = ""


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
    if any(isinstance(node, ast.Pow | ast.LShift | ast.Mult) for node in ast.walk(test)):
        return False
    try:
        return bool(eval(compile(ast.Expression(test), "<test>", "eval"), {"__builtins__": {}}))
    except Exception:
        return False


class _Analysis:
    """One walk over a target's node that collects lines, places, bodies and scopes."""

    def __init__(self, lines: list[str], indent: str) -> None:
        self.text = Text(lines)
        self.indent = indent
        self.owner = ""
        self.lines: list[Line] = []
        self.used: set[str] = set()
        self.silent: set[ast.AST] = set()  # comprehensions

    def run(self, root: ast.AST, owner: str) -> Source:
        self.owner = owner
        if isinstance(root, ast.Lambda):
            return Source(self.lines, self._lambda(root, None, None))
        return Source(self.lines, self._body(root, Scope(root, "function", None, owner)))

    # lines

    def _add(self, node: ast.AST, scope: Scope, span: Span) -> Line:
        text = self.text.cut(*span, self.indent).strip()
        while text in self.used:
            text += " "
        self.used.add(text)
        line = Line(node, scope, span, text, line_names(node))
        line.index = len(self.lines)
        self.lines.append(line)
        return line

    def _header_span(self, node: ast.AST) -> Span:
        """The region of a compound statement's header, from its first token to its colon."""
        start, _ = node_span(node)
        last = start
        for part in header(node):
            if part in getattr(node, "decorator_list", ()):
                continue
            for child in ast.walk(part):
                if hasattr(child, "end_lineno"):
                    last = max(last, node_span(child)[1])
        return start, self.text.after_colon(last)

    def _case_span(self, node: ast.match_case, after: Position) -> Span:
        last = node_span(node.guard or node.pattern)[1]
        return self.text.keyword(after), self.text.after_colon(last)

    # places

    def _body(self, node: ast.AST, scope: Scope) -> Body:
        """A function's or class's own code."""
        bind(node, scope)
        root = _everywhere()
        body = Body(scope, root, None)
        self._suite(node.body, scope, root, body)  # type: ignore[attr-defined]
        root.finish()
        return body

    def _suite(self, nodes: list[ast.stmt], scope: Scope, parent: Place, body: Body) -> None:
        for node in nodes:
            self._statement(node, scope, parent, body)

    def _statement(self, node: ast.stmt, scope: Scope, parent: Place, body: Body) -> None:
        compound = isinstance(getattr(node, "body", None) or getattr(node, "cases", None), list)
        span = self._header_span(node) if compound else node_span(node)
        line = self._add(node, scope, span)
        place = self._place(line, node, parent)
        self.silent.update(annotation_comprehensions(node))
        self._expressions(header(node), scope, body)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            owner = node.name if kind == "class" else scope.owner
            inner = Scope(node, kind, self._type_params(node, scope), owner)
            body.nested.append(self._body(node, inner))
        else:
            for field in ("body", "handlers", "cases", "orelse", "finalbody"):
                self._children(node, getattr(node, field, []), scope, place, body)
        place.finish()

    def _type_params(self, node: ast.AST, scope: Scope) -> Scope:
        """The scope of a definition's type parameters, or `scope` where it has none."""
        params = getattr(node, "type_params", None)
        if not params:
            return scope
        inner = Scope(node, "function", scope, scope.owner)
        inner.type_params.update(param.name for param in params)
        return inner

    def _children(self, node: ast.AST, children: list[ast.AST], scope: Scope, place: Place, body: Body) -> None:
        after = self.text.after_colon(node_span(node.subject)[1]) if isinstance(node, ast.Match) else (0, 0)
        for child in children:
            if isinstance(child, ast.stmt):
                self._statement(child, scope, place, body)
                continue
            if isinstance(child, ast.match_case):
                span = self._case_span(child, after)
                after = node_span(child.body[-1])[1]
                inner = Place(self._add(child, scope, span), span[0], after)
                place.children.append(inner)
            else:
                inner = self._place(self._add(child, scope, self._header_span(child)), child, place)
            self._expressions(header(child), scope, body)
            self._suite(child.body, scope, inner, body)  # type: ignore[attr-defined]
            inner.finish()

    def _place(self, line: Line, node: ast.AST, parent: Place) -> Place:
        start, end = node_span(node)
        for decorator in getattr(node, "decorator_list", ()):
            start = min(start, node_span(decorator)[0])
        place = Place(line, start, end)
        parent.children.append(place)
        return place

    # expressions

    def _expressions(self, parts: Iterable[ast.AST], scope: Scope, body: Body) -> None:
        self._nested_lines([(part, scope, body) for part in parts])

    def _nested_lines(self, parts: list[tuple[ast.AST, Scope, Body]]) -> None:
        """The comprehensions and lambdas in some expressions, in the order of the source."""
        found: list[tuple[ast.AST, Scope, Body]] = []
        while parts:
            node, scope, body = parts.pop()
            if isinstance(node, (ast.Lambda, *COMPREHENSIONS)):
                found.append((node, scope, body))
            else:
                parts.extend((child, scope, body) for child in ast.iter_child_nodes(node))
        found.sort(key=lambda item: node_span(item[0]))
        for node, scope, body in found:
            if isinstance(node, ast.Lambda):
                body.nested.append(self._lambda(node, scope, body))
            else:
                self._comprehension(node, scope, body)

    def _lambda(self, node: ast.Lambda, outer: Scope | None, around: Body | None) -> Body:
        """A lambda: a line, and a code object of its own."""
        scope = Scope(node, "function", outer, outer.owner if outer else self.owner)
        bind(node, scope)
        body = Body(scope, _everywhere(), self._add(node, scope, node_span(node)))
        parts: list[tuple[ast.AST, Scope, Body]] = [(node.body, scope, body)]
        if outer and around:
            parts += [(default, outer, around) for default in defaults(node.args)]
        self._nested_lines(parts)
        return body

    def _comprehension(self, node: ast.AST, scope: Scope, body: Body) -> None:
        inner = Scope(node, "comprehension", scope, scope.owner)
        bind(node, inner)
        line = self._add(node, inner, node_span(node))
        nested = Body(inner, _everywhere(), line)
        nested.comprehensions.append(line)
        nested.silent = node in self.silent
        body.nested.append(nested)
        first, *others = _comprehension_parts(node)
        inner.outermost_only = _loaded([first]) - _loaded(others)
        if isinstance(node, ast.GeneratorExp):
            self._nested_lines([(first, scope, body), *((part, inner, nested) for part in others)])
            return
        # Inlined in the code around it, except in annotation scopes: what it holds may be found in either.
        if not nested.silent:
            body.comprehensions.append(line)
        before = len(body.nested), len(body.comprehensions)
        self._nested_lines([(first, scope, body), *((part, inner, body) for part in others)])
        nested.nested = body.nested[before[0] :]
        nested.comprehensions += body.comprehensions[before[1] :]


def _everywhere() -> Place:
    return Place(None, (0, 0), (1 << 60, 0))


def _loaded(parts: Iterable[ast.AST]) -> set[str]:
    return {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}


def _comprehension_parts(node: ast.AST) -> list[ast.AST]:
    """The expressions of a comprehension, the one evaluated outside of it first."""
    parts: list[ast.AST] = []
    for generator in node.generators:  # type: ignore[attr-defined]
        parts += [generator.iter, generator.target, *generator.ifs]
    return parts + [part for field in ("elt", "key", "value") if (part := getattr(node, field, None)) is not None]


def analyse(function: FunctionType, lines: list[str]) -> Source:
    """The lines of `function`'s source; `lines` are those of its file.

    Raises SourceError when its source is not there.
    """
    if not lines:
        code = function.__code__
        raise SourceError(
            f"requires a Python function with retrievable source code, but that of {function.__qualname__!r} "
            f"({code.co_filename}:{code.co_firstlineno}) cannot be found: define it in a file or a notebook cell."
        )
    node = find_node(function, lines)
    base = lines[node.lineno - 1]  # type: ignore[attr-defined]
    indent = base[: indent_of(base)]
    source = _Analysis(lines, indent).run(node, class_of(function.__code__))
    source.text = "".join(lines[first_row(node) - 1 : node_span(node)[1][0]])
    _mark_idle(source)
    return source


def _mark_idle(source: Source) -> None:
    """Mark the lines without work that share a physical line: compilers differ on what they leave of those."""
    rows: dict[int, int] = {}
    statements = [line for line in source.lines if line.kind not in ("comprehension", "lambda")]
    for line in statements:
        for row in {line.start[0], line.end[0]}:
            rows[row] = rows.get(row, 0) + 1
    for line in statements:
        if isinstance(line.node, ast.AnnAssign | ast.Assert):  # left up to 3.13, or from 3.14 on, only
            line.idle = is_workless(line.node)
        elif is_workless(line.node):
            line.idle = any(rows[row] > 1 for row in {line.start[0], line.end[0]})
