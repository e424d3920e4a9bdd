"""Lines: from the definition of a function to its lines, each with its text, its names and its region."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .definition import borrow_positions, find_node
from .names import (
    COMPREHENSIONS,
    Scope,
    annotation_comprehensions,
    bind,
    comprehension_parts,
    defaults,
    header,
    loaded,
)
from .places import Region, everywhere
from .reprint import find_reprint
from .source import FUNCTIONS, SourceError, Text, class_of, first_row, indent_of, node_span
from .source_line import SourceLine
from .workless import is_workless

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, FunctionType

    from .positions import Position, Span


class Body:
    """What belongs to one code object: its root node, its regions, and the bodies directly in it."""

    __slots__ = (
        "annotations",
        "comprehensions",
        "in_annotation",
        "line",
        "mentioned",
        "nested",
        "root",
        "scope",
        "whole",
    )

    def __init__(self, scope: Scope, root: Region, line: SourceLine | None) -> None:
        self.scope = scope
        self.root = root
        self.line = line  # the line that all of the code is (a lambda or a comprehension)
        self.nested: list[Body] = []
        self.comprehensions: list[SourceLine] = []
        self.in_annotation = False  # a comprehension that evaluating an annotation evaluates: makes no hits
        self.mentioned: set[str] = set()  # all names in the target
        self.annotations: list[Span] = []  # those of a function's variables, which are never evaluated
        self.whole: set[Span] = set()  # statements of which no instruction stands for the whole

    def is_inserted(self, span: Span, loaded: str) -> bool:
        """Whether an instruction was put in by somebody, with the place of something else.

        `loaded`: the global that it loads, or "". The compiler gives no instruction the place of a whole `if`,
        evaluates no annotation of a function's variable, and loads what the source mentions.
        """
        if span in self.whole or any(a[0] <= span[0] and span[1] <= a[1] for a in self.annotations):
            return True
        if not loaded or loaded in self.mentioned:
            return False
        return not any(name.startswith("__") and loaded.endswith(name) for name in self.mentioned)  # mangled

    def without_statements(self, code: CodeType) -> Body:
        """The body of code that evaluates some of this one's expressions in a frame of its own."""
        scope = Scope(self.node, "function", self.scope, self.scope.owner)
        scope.type_params.update(code.co_varnames, code.co_cellvars)
        body = Body(scope, everywhere(), None)
        body.nested, body.comprehensions, body.mentioned = self.nested, self.comprehensions, self.mentioned
        return body

    def all(self) -> Iterator[Body]:
        """This body and all in it."""
        yield self
        for inner in self.nested:
            yield from inner.all()

    @property
    def node(self) -> ast.AST:
        return self.scope.node


class Source:
    """The analysed source of one target: `lines` in order, `body` for its code object, `text` as it is in the file."""

    __slots__ = ("body", "first", "lines", "shown", "text")

    def __init__(self, lines: list[SourceLine], body: Body, text: str, first: int) -> None:
        self.lines = lines
        self.shown = lines  # the same lines as the file has them
        self.body = body
        self.text = text
        self.first = first  # the number of its first line in the file


class _Collector:
    """One walk over a target's node that collects lines, regions, bodies and scopes."""

    def __init__(self, lines: list[str], indent: str, owner: str) -> None:
        self.text = Text(lines)
        self.indent = indent
        self.owner = owner  # the class around the target, or ""
        self.lines: list[SourceLine] = []
        self.used: set[str] = set()  # their texts
        self.in_annotations: set[ast.AST] = set()  # comprehensions

    def target(self, node: ast.AST) -> Body:
        """The body of the target itself."""
        if isinstance(node, ast.Lambda):
            return self._lambda(node, None, None)
        return self._body(node, Scope(node, "function", None, self.owner))

    # lines

    def _add(self, node: ast.AST, scope: Scope, span: Span) -> SourceLine:
        text = self.text.cut(*span, self.indent).strip()
        while text in self.used:
            text += " "
        self.used.add(text)
        line = SourceLine(len(self.lines), node, scope, span, text)
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

    # regions

    def _body(self, node: ast.AST, scope: Scope) -> Body:
        """A function's or class's own code."""
        bind(node, scope)
        root = everywhere()
        body = Body(scope, root, None)
        self._suite(node.body, scope, root, body)  # type: ignore[attr-defined]
        root.finish()
        return body

    def _suite(self, nodes: list[ast.stmt], scope: Scope, parent: Region, body: Body) -> None:
        for node in nodes:
            self._statement(node, scope, parent, body)

    def _statement(self, node: ast.stmt, scope: Scope, parent: Region, body: Body) -> None:
        compound = isinstance(getattr(node, "body", None) or getattr(node, "cases", None), list)
        span = self._header_span(node) if compound else node_span(node)
        line = self._add(node, scope, span)
        region = self._region(line, node, parent)
        self.in_annotations.update(annotation_comprehensions(node))
        self._expressions(header(node), scope, body)
        if isinstance(node, ast.If | ast.While):
            body.whole.add(node_span(node))
        elif isinstance(node, ast.AnnAssign) and scope.kind == "function":
            body.annotations.append(node_span(node.annotation))
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            owner = node.name if kind == "class" else scope.owner
            inner = Scope(node, kind, self._type_params(node, scope), owner)
            body.nested.append(self._body(node, inner))
        else:
            for field in ("body", "handlers", "cases", "orelse", "finalbody"):
                self._children(node, getattr(node, field, []), scope, region, body)
        region.finish()

    def _type_params(self, node: ast.AST, scope: Scope) -> Scope:
        """The scope of a definition's type parameters, or `scope` where it has none."""
        params = getattr(node, "type_params", None)
        if not params:
            return scope
        inner = Scope(node, "function", scope, scope.owner)
        inner.type_params.update(param.name for param in params)
        return inner

    def _children(self, node: ast.AST, children: list[ast.AST], scope: Scope, region: Region, body: Body) -> None:
        after = self.text.after_colon(node_span(node.subject)[1]) if isinstance(node, ast.Match) else (0, 0)
        for child in children:
            if isinstance(child, ast.stmt):
                self._statement(child, scope, region, body)
                continue
            if isinstance(child, ast.match_case):
                span = self._case_span(child, after)
                after = node_span(child.body[-1])[1]
                inner = Region(self._add(child, scope, span), span[0], after)
                region.children.append(inner)
            else:
                inner = self._region(self._add(child, scope, self._header_span(child)), child, region)
            self._expressions(header(child), scope, body)
            self._suite(child.body, scope, inner, body)  # type: ignore[attr-defined]
            inner.finish()

    def _region(self, line: SourceLine, node: ast.AST, parent: Region) -> Region:
        start, end = node_span(node)
        for decorator in getattr(node, "decorator_list", ()):
            start = min(start, node_span(decorator)[0])
        region = Region(line, start, end)
        parent.children.append(region)
        return region

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
        body = Body(scope, everywhere(), self._add(node, scope, node_span(node)))
        parts: list[tuple[ast.AST, Scope, Body]] = [(node.body, scope, body)]
        if outer and around:
            parts += [(default, outer, around) for default in defaults(node.args)]
        self._nested_lines(parts)
        return body

    def _comprehension(self, node: ast.AST, scope: Scope, body: Body) -> None:
        inner = Scope(node, "comprehension", scope, scope.owner)
        bind(node, inner)
        line = self._add(node, inner, node_span(node))
        nested = Body(inner, everywhere(), line)
        nested.comprehensions.append(line)
        nested.in_annotation = node in self.in_annotations
        body.nested.append(nested)
        first, *others = comprehension_parts(node)
        inner.outermost_only = loaded([first]) - loaded(others)
        if isinstance(node, ast.GeneratorExp):
            self._nested_lines([(first, scope, body), *((part, inner, nested) for part in others)])
            return
        # Inlined in the code around it, except in annotation scopes: what it holds may be found in either.
        if not nested.in_annotation:
            body.comprehensions.append(line)
        before = len(body.nested), len(body.comprehensions)
        self._nested_lines([(first, scope, body), *((part, inner, body) for part in others)])
        nested.nested = body.nested[before[0] :]
        nested.comprehensions += body.comprehensions[before[1] :]


def analyse(function: FunctionType, lines: list[str]) -> Source:
    """The lines of `function`'s source; `lines` are those of its file.

    Raises SourceError when its source is not there.
    """
    code = function.__code__
    try:
        if not lines:
            raise SourceError(
                f"requires a Python function with retrievable source code, but that of {function.__qualname__!r} "
                f"({code.co_filename}:{code.co_firstlineno}) cannot be found: define it in a file or a notebook cell."
            )
        borrow_positions(code, lines)
        return _analysed(find_node(function, lines), lines, code)
    except SourceError:
        found = find_reprint(function)
        if found is None:
            raise
    source, printed = _analysed(found.node, found.lines, code), _analysed(found.printed_node, found.printed_lines, code)
    if [line.kind for line in source.lines] != [line.kind for line in printed.lines]:
        raise SourceError(f"what a reloader has made of {function.__qualname__!r} is not what its file holds.")
    printed.shown, printed.text, printed.first = source.lines, source.text, source.first
    return printed


def _analysed(node: ast.AST, lines: list[str], code: CodeType) -> Source:
    base = lines[node.lineno - 1]  # type: ignore[attr-defined]
    indent = base[: indent_of(base)]
    collector = _Collector(lines, indent, class_of(code))
    body = collector.target(node)
    body.scope.closed_over.update(code.co_freevars)
    mentioned = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    for inner in body.all():
        inner.mentioned = mentioned
    _mark_idle(collector.lines)
    first = first_row(node)
    return Source(collector.lines, body, "".join(lines[first - 1 : node_span(node)[1][0]]), first)


def _mark_idle(lines: list[SourceLine]) -> None:
    """Mark the lines without work that not all compilers report: where they share a physical line, or anywhere.

    "the compiler" in `_interpreter` says which versions leave an instruction of what.
    """
    rows: dict[int, int] = {}
    statements = [line for line in lines if line.kind not in ("comprehension", "lambda")]
    for line in statements:
        for row in {line.start[0], line.end[0]}:
            rows[row] = rows.get(row, 0) + 1
    for line in statements:
        if is_workless(line.node):
            is_alone = all(rows[row] == 1 for row in {line.start[0], line.end[0]})
            line.idle = not is_alone or isinstance(line.node, ast.AnnAssign | ast.Assert)
