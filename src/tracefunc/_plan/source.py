"""A function's source: the lines of its file, their syntax tree, texts by position."""

from __future__ import annotations

import ast
import linecache
from _thread import RLock
from typing import TYPE_CHECKING

from .._forks import held_over_forks, importing
from .._interpreter import HAS_VARARGS, HAS_VARKEYWORDS
from .positions import code_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, FunctionType

    from .positions import Position, Span

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_filter_lock = RLock()  # of the process's filters of warnings
held_over_forks(_filter_lock)


def compiled(source: str | ast.Module, filename: str, flags: int = 0) -> CodeType | None:
    """What a text or a tree compiles to, without the warnings; None if it does not. `flags`: as of `compile`."""
    with importing:
        import warnings

    with _filter_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made: CodeType = compile(source, filename, "exec", flags, dont_inherit=True)
            return made
        except (SyntaxError, ValueError):
            return None


class SourceError(ValueError):
    """The source of a function cannot be retrieved, or is not that of its code."""


def _may_warn(text: str) -> bool:
    """Whether parsing `text` can emit a SyntaxWarning (an escape, or a number run into a keyword)."""
    with importing:
        import re

    return "\\" in text or re.search(r"[0-9a-fA-F_.jJ](?:and|else|for|if|in|is|not|or)\b", text) is not None


def parse(text: str) -> ast.Module:
    """`ast.parse` without the SyntaxWarnings, which the user has seen when the code was compiled."""
    if not _may_warn(text):
        return ast.parse(text)
    with importing:
        import warnings

    with _filter_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def file_lines(function: FunctionType) -> list[str]:
    """The lines of the file (or notebook cell, doctest, ...) that holds `function`; [] if there are none."""
    filename = function.__code__.co_filename
    if filename.startswith("<frozen "):  # compiled into the interpreter, which knows where the source is
        filename = function.__globals__.get("__file__") or filename
    linecache.checkcache(filename)
    lines = linecache.getlines(filename)
    if lines:
        return lines
    with importing:
        import inspect
        import warnings

    with _filter_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old kinds of loaders: "source files" in `_interpreter`
        lines = linecache.getlines(filename, function.__globals__)
        if lines:
            return lines
        try:
            return list(inspect.findsource(function)[0])
        except (OSError, TypeError, IndexError):
            return []


def lines_of_module(function: FunctionType) -> list[str]:
    """The lines of the file of the module that `function` was defined in; [] if there are none."""
    name = function.__globals__.get("__file__")
    if type(name) is not str:
        return []
    linecache.checkcache(name)
    return linecache.getlines(name)


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip(" \t\f"))


def first_row(node: ast.AST) -> int:
    """The line that the compiler gives a code object as its first: that of the first decorator, if any."""
    decorators = getattr(node, "decorator_list", None)
    return node_span(decorators[0] if decorators else node)[0][0]


def node_span(node: ast.AST) -> Span:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


def match_node(code: CodeType, nodes: Iterable[ast.AST]) -> ast.AST | None:
    """The node among `nodes` that `code` was compiled from, by kind, name, line and region."""
    if code.co_name == "<lambda>":
        return _match_lambda(code, [n for n in nodes if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno])
    named = (n for n in nodes if isinstance(n, FUNCTIONS) and n.name == code.co_name)
    # Who has compiled the definition anew may have left out its decorators.
    return next((n for n in named if code.co_firstlineno in (first_row(n), n.lineno)), None)


def _match_lambda(code: CodeType, nodes: list[ast.Lambda]) -> ast.Lambda | None:
    """The innermost of some lambdas that holds all positions of `code`, or the one with its parameters and value."""
    span = code_span(code)
    if span is not None:
        around = [n for n in nodes if node_span(n.body)[0] <= span[0] and span[1] <= node_span(n.body)[1]]
        return max(around, key=lambda n: node_span(n.body)[0], default=None)
    found = [n for n in nodes if _is_lambda_of(n, code)]
    if len(found) > 1:
        raise SourceError(
            f"{len(found)} lambdas stand on line {code.co_firstlineno} of {code.co_filename}, and the interpreter does "
            "not say which of them this is: define the function with def, or on a line of its own."
        )
    return found[0] if found else None


def parse_file(lines: list[str]) -> ast.Module:
    """The tree of a file; an empty one if it cannot be parsed."""
    try:
        return parse("".join(lines))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _is_lambda_of(node: ast.Lambda, code: CodeType) -> bool:
    """Whether the parameters of a lambda, and its value if that is a constant, are those of `code`."""
    args = node.args
    names = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg) if a is not None]
    numbers = len(args.posonlyargs) + len(args.args), len(args.kwonlyargs)
    if numbers != (code.co_argcount, code.co_kwonlyargcount) or tuple(names) != code.co_varnames[: len(names)]:
        return False
    if (args.vararg is not None, args.kwarg is not None) != (
        bool(code.co_flags & HAS_VARARGS),
        bool(code.co_flags & HAS_VARKEYWORDS),
    ):
        return False
    value = node.body.value if isinstance(node.body, ast.Constant) else None
    return not isinstance(node.body, ast.Constant) or any(repr(const) == repr(value) for const in code.co_consts)


def class_of(code: CodeType) -> str:
    """The innermost class around `code`, which mangles its private names; "" outside classes."""
    parts = code.co_qualname.split(".")[:-1]
    classes = [p for p, after in zip(parts, [*parts, ""][1:], strict=True) if p != "<locals>" != after]
    return classes[-1] if classes else ""


class Text:
    """Cuts texts out of a file's lines by (line, UTF-8 column) positions."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def row(self, row: int) -> bytes:
        return self.lines[row - 1].encode("utf-8", "surrogatepass") if row <= len(self.lines) else b""

    def cut(self, start: Position, end: Position, indent: str) -> str:
        """The text from `start` to `end`, `indent` removed from the lines after the first."""
        if start[0] == end[0]:
            return self.row(start[0])[start[1] : end[1]].decode("utf-8", "surrogatepass")
        rows = [self.row(start[0])[start[1] :], *(self.row(r) for r in range(start[0] + 1, end[0]))]
        rows.append(self.row(end[0])[: end[1]])
        first, *others = (row.decode("utf-8", "surrogatepass") for row in rows)
        return first + "".join(other.removeprefix(indent) for other in others)

    def _tokens(self, start: Position) -> Iterator[tuple[Position, bytes]]:
        """(position, byte) of everything after `start` but white space, comments and line continuations."""
        row, col = start
        while row <= len(self.lines):
            text = self.row(row)
            while col < len(text):
                byte = text[col : col + 1]
                if byte == b"#":
                    break
                if byte not in b" \t\f\r\n\\":
                    yield (row, col), byte
                col += 1
            row, col = row + 1, 0

    def after_colon(self, start: Position) -> Position:
        """The position behind the first colon after `start` (no string may stand between)."""
        row, col = next(position for position, byte in self._tokens(start) if byte == b":")
        return row, col + 1

    def keyword(self, start: Position) -> Position:
        """The position of the first token after `start` that is neither a semicolon nor a closing bracket."""
        return next(position for position, byte in self._tokens(start) if byte not in b";)]},")
