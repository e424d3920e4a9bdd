"""Code that a reloader has compiled from a reprint of its definition, and that stands where this does."""

from __future__ import annotations

import ast
import sys
from copy import copy, deepcopy
from typing import TYPE_CHECKING, NamedTuple

from .._forks import importing
from .._interpreter import FUTURE_ANNOTATIONS
from .definition import all_codes
from .source import FUNCTIONS, compiled, file_lines, lines_of_module, match_node, parse, parse_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FunctionType


class Reprint(NamedTuple):
    """A definition in a file, and the text of its tree that the code was compiled from."""

    node: ast.AST
    lines: list[str]
    printed_node: ast.AST
    printed_lines: list[str]


def find_reprint(function: FunctionType) -> Reprint | None:
    """The definition of `function` in its file or its module's, if its code was compiled from a reprint of that."""
    code = function.__code__
    if code.co_name.startswith("<"):
        return None
    for lines in (file_lines(function), lines_of_module(function)):
        if (moved := _find_moved(code, lines)) is not None:
            return moved
        found = [both for both in _definitions(parse_file(lines), "", None) if both[1].name == code.co_name]
        for _, node, around in sorted(found, key=lambda each: each[0] != function.__qualname__):
            for text in _reprints(node, around, code):
                if not _reloads_in_place() and text in "".join(lines):
                    continue  # it may as well be what stood there before the file changed
                printed_lines = text.splitlines(keepends=True)
                printed = parse(text)
                module = compiled(printed, code.co_filename, code.co_flags & FUTURE_ANNOTATIONS)
                if module is not None and any(known == code for known in all_codes(module)):
                    printed_node = match_node(code, ast.walk(printed))
                    return None if printed_node is None else Reprint(node, lines, printed_node, printed_lines)
    return None


def _find_moved(code: CodeType, lines: list[str]) -> Reprint | None:
    """The definition of `code` where it has moved to, where a reloader leaves alone what has not changed otherwise."""
    if not _reloads_in_place():
        return None
    module = compiled("".join(lines), code.co_filename)
    for known in [] if module is None else all_codes(module):
        down = known.co_firstlineno - code.co_firstlineno
        if known.co_name == code.co_name and _moved(known, -down) == code:
            node = match_node(known, ast.walk(parse_file(lines)))
            if node is not None:
                before = ast.increment_lineno(deepcopy(node), -down)
                return Reprint(node, lines, before, lines[down:] if down > 0 else ["\n"] * -down + lines)
    return None


# These replace the code of those functions whose trees have changed.
_IN_PLACE_RELOADERS = ("IPython.extensions.deduperreload.deduperreload",)


def _reloads_in_place() -> bool:
    return any(name in sys.modules for name in _IN_PLACE_RELOADERS)


def _moved(code: CodeType, rows: int) -> CodeType:
    consts = tuple(_moved(const, rows) if hasattr(const, "co_code") else const for const in code.co_consts)
    return code.replace(co_firstlineno=code.co_firstlineno + rows, co_consts=consts)


def _definitions(
    node: ast.AST, prefix: str, around: ast.ClassDef | None
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, ast.ClassDef | None]]:
    """The functions that are defined in a module and its classes, with their paths and the classes around them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FUNCTIONS):
            yield prefix + child.name, child, around
        elif isinstance(child, ast.ClassDef):
            yield from _definitions(child, f"{prefix}{child.name}.", child)
        elif isinstance(child, ast.stmt):
            yield from _definitions(child, prefix, around)


def _reprints(node: ast.AST, around: ast.ClassDef | None, code: CodeType) -> Iterator[str]:
    """The texts that a reloader can have made of a definition: with and without decorators, alone and in a class."""
    with importing:
        from textwrap import indent

    outer = code.co_qualname.rpartition(".")[0]
    bare = copy(node)
    bare.decorator_list = []  # type: ignore[attr-defined]
    for each in (bare, node):
        text = ast.unparse(each)
        if outer.isidentifier():
            yield f"class {outer}:\n" + indent(text, "    ")
        elif not outer:
            yield text
    if around is not None:
        yield ast.unparse(around)
