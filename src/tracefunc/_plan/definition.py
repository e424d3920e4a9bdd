"""Finds the definition that a code object was compiled from, and sees that it is still the same.

What runs need not be what a plain compile of the file gives: import hooks change the tree, profilers pad the bytecode,
and reloaders compile a reprint. What counts is that all that the source says is in the code, at the places where it
stands there.
"""

from __future__ import annotations

import ast
import linecache
import time
from typing import TYPE_CHECKING

from .._forks import importing
from .._interpreter import SHARED_FILENAMES
from .bytecode import CONSTANT_LOADS
from .positions import code_span, lend_positions, positions
from .source import FUNCTIONS, SourceError, compiled, first_row, indent_of, match_node, node_span, parse, parse_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from dis import Instruction
    from types import CodeType, FunctionType

    from .positions import Position, Span

_imported_at = time.time()


def find_node(function: FunctionType, lines: list[str]) -> ast.AST:
    """The `def` or lambda that `function`'s code was compiled from.

    Raises SourceError when there is none in `lines`.
    """
    code = function.__code__
    if 0 < code.co_firstlineno <= len(lines):
        node = None if code.co_name == "<lambda>" else _parse_block(lines, code)
        if node is None or not _fits(node, code):
            node = match_node(code, ast.walk(parse_file(lines)))
        if node is not None and _fits(node, code) and (not _may_be_stale(code) or _is_current(lines, code, node)):
            return node
    raise SourceError(
        "requires a Python function with retrievable source code, but what is at "
        f"{code.co_filename}:{code.co_firstlineno} is not the code that runs as {function.__qualname__!r}: the "
        "file has changed, or the function was generated. Reload the module, or define it in a file or a notebook cell."
    )


def _last_row(code: CodeType) -> int:
    """The last physical line that `code`, or code nested in it, names."""
    last = max((row[1] or row[0] or 0 for row in positions(code)), default=0)
    return max([last, *(_last_row(const) for const in code.co_consts if hasattr(const, "co_code"))])


def _block(lines: list[str], code: CodeType) -> list[str]:
    """The physical lines of a `def`: to the last one its code names, and on while they are indented deeper."""
    first = code.co_firstlineno - 1
    base = indent_of(lines[first])
    end = max(_last_row(code), first + 1)
    while end < len(lines) and (not (text := lines[end].strip()) or text[0] == "#" or indent_of(lines[end]) > base):
        end += 1
    return lines[first:end]


def _parse_block(lines: list[str], code: CodeType) -> ast.AST | None:
    """The node of a `def`, from its own physical lines; None when these alone do not parse to it."""
    block = _block(lines, code)
    indented = indent_of(block[0]) > 0
    try:
        module = parse(("if 1:\n" if indented else "") + "".join(block))
    except (SyntaxError, ValueError):
        return None
    nodes = module.body[0].body if indented and isinstance(module.body[0], ast.If) else module.body
    node = nodes[0] if nodes else None
    if not isinstance(node, FUNCTIONS) or node.name != code.co_name:
        return None
    ast.increment_lineno(module, code.co_firstlineno - (2 if indented else 1))
    return node


# --- whether the file is still the same ----------------------------------------------------------------------------


def _may_be_stale(code: CodeType) -> bool:
    """Whether linecache may have another text than that of `code`: one of that name too, or that of a newer file."""
    entry = linecache.cache.get(code.co_filename)
    written = entry[1] if entry is not None and len(entry) > 1 else None
    return code.co_filename in SHARED_FILENAMES or (isinstance(written, float) and written >= _imported_at)


def _fits(node: ast.AST, code: CodeType) -> bool:
    """Whether `code` can have been compiled from `node`: the file may have changed since."""
    if not isinstance(node, (*FUNCTIONS, ast.Lambda)) or _last_row(code) > node_span(node)[1][0]:
        return False
    args = node.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return len(names) == len(known) and all(
        stored.endswith(name) or not name.isascii() for stored, name in zip(known, names, strict=True)
    )


def _is_current(lines: list[str], code: CodeType, node: ast.AST) -> bool:
    """Whether `code` was compiled from `lines`, or from what somebody has made of their tree or of the bytecode."""
    module = compiled("".join(lines), code.co_filename)
    if module is None:
        return False
    rows = {code.co_firstlineno} | {
        first_row(part)
        for part in ast.walk(parse_file(lines))
        if isinstance(part, FUNCTIONS) and part.lineno == code.co_firstlineno  # its decorators may have been left out
    }
    known = [c for c in all_codes(module) if c.co_name == code.co_name and c.co_firstlineno in rows]
    return any(found == code for found in known) or any(_is_made_of(code, found, node) for found in known)


def all_codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that are nested in it."""
    yield code
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            yield from all_codes(const)


def _are_named_alike(one: CodeType, other: CodeType) -> bool:
    return one.co_name == other.co_name and one.co_firstlineno == other.co_firstlineno


def _is_made_of(code: CodeType, plain: CodeType, node: ast.AST) -> bool:
    """Whether `code` does what `plain` does, at the same places, and nothing where the source has nothing.

    `plain` is what the source compiles to by itself; `node` is the definition of the target around both.
    """
    statements = [part for part in ast.walk(node) if isinstance(part, ast.stmt)]
    known, wanted = _Facts(code, statements), _Facts(plain, statements)
    # Test runners make statements of their own out of an `assert`: what it mentions is there, somewhere.
    asserts = [node_span(part) for part in ast.walk(node) if isinstance(part, ast.Assert)]

    def is_asserted(place: Position) -> bool:
        return any(start <= place < end for start, end in asserts)

    augmented = {node_span(part)[0] for part in statements if isinstance(part, ast.AugAssign)}
    for span, fact in wanted.facts - known.facts:
        if is_asserted(span[0]):
            if fact not in known.anywhere and fact[0] not in _SHAPE:
                return False
        # `x += y` may have become `x = check(operator.iadd(x, y))`.
        elif span[0] not in augmented or not (fact[:2] == ("name", "LOAD") or known.takes(_IN_PLACE.get(fact[1], ""))):
            return False
    starts = {start for start, _ in wanted.spans}
    starts.update(node_span(part)[0] for part in ast.walk(node) if hasattr(part, "end_lineno"))
    if not wanted.fused <= known.names or not all(s in starts or is_asserted(s) for s, _ in known.spans):
        return False
    inner = [const for const in code.co_consts if hasattr(const, "co_code")]
    return all(
        any(_are_named_alike(const, other) and _is_made_of(other, const, node) for other in inner)
        for const in plain.co_consts
        if hasattr(const, "co_code")
    )


class _Facts:
    """What the instructions of a code object name, load, compute and decide, and where."""

    def __init__(self, code: CodeType, statements: list[ast.stmt]) -> None:
        with importing:
            import dis

        self.facts: set[tuple[Span, tuple[str, ...]]] = set()
        self.spans: set[Span] = set()
        self.names: set[str] = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
        self.fused: set[str] = set()  # names in an instruction that stands for two
        instructions = list(dis.get_instructions(code))
        whole = {node_span(part) for part in statements if isinstance(part, ast.If | ast.While)}
        mentioned = {name.id for part in statements for name in ast.walk(part) if isinstance(name, ast.Name)}
        starts: dict[int, Position | None] = {}
        after = None  # where the code goes on in the source
        for ins in reversed(instructions):
            span = _span(ins)
            is_inserted = span in whole or (ins.opname == "LOAD_GLOBAL" and ins.argval not in mentioned)
            after = after if span is None or is_inserted else span[0]
            starts[ins.offset] = after
        for ins in instructions:
            span = _span(ins)
            if span is None or ins.opname == "RESUME":
                continue
            self.spans.add(span)
            fact = self._fact(ins)
            if fact[:1] == ("jump",) and (to := starts.get(ins.argval)) is not None:
                around = _statement_at(to, statements)
                here = around == _statement_at(span[0], statements)
                fact = (*fact, repr(to if here else around))
            if fact:
                self.facts.add((span, fact))
        self.anywhere = {fact for _, fact in self.facts}
        self.loaded = [ins.argval for ins in instructions if ins.opname == "LOAD_GLOBAL"]

    def takes(self, name: str) -> bool:
        """Whether a global is loaded once more than was asked for."""
        if name in self.loaded:
            self.loaded.remove(name)
            return True
        return False

    def _fact(self, ins: Instruction) -> tuple[str, ...]:
        action = ins.opname.partition("_")[0]
        if ins.opname in _CONSTANTS:
            if ins.argval is AssertionError or hasattr(ins.argval, "co_code"):  # a name in what replaces an `assert`
                return ()
            return "const", type(ins.argval).__name__, repr(ins.argval)
        if ins.opname in _JUDGED:
            return ins.opname, ins.argrepr.removeprefix("bool(").removesuffix(")")
        if ins.opname.startswith("POP_JUMP_IF"):
            return "jump", ins.opname
        if action in _NAMING and type(ins.argval) is tuple:
            self.fused.update(ins.argval)
        elif action in _NAMING and isinstance(ins.argval, str):
            return "name", action, ins.argval
        return ()


def _span(ins: Instruction) -> Span | None:
    row, end_row, col, end_col = ins.positions or (None,) * 4
    if row is None or end_row is None or col is None or end_col is None or not (end_col or end_row > row):
        return None
    return (row, col), (end_row, end_col)


def _statement_at(place: Position, statements: list[ast.stmt]) -> Position | None:
    """Where the innermost statement around a place begins."""
    around = (node_span(statement) for statement in statements)
    return max((start for start, end in around if start <= place < end), default=None)


_CONSTANTS = {*CONSTANT_LOADS, "RETURN_CONST", "LOAD_SMALL_INT", "KW_NAMES"}
_JUDGED = {"BINARY_OP", "COMPARE_OP", "CONTAINS_OP", "IS_OP", "UNARY_NOT", "UNARY_NEGATIVE", "UNARY_INVERT"}
_NAMING = {"LOAD", "STORE", "DELETE", "IMPORT"}
_IN_PLACE = {"+=": "iadd", "-=": "isub", "*=": "imul", "@=": "imatmul", "/=": "itruediv", "//=": "ifloordiv"}
_IN_PLACE |= {"%=": "imod", "**=": "ipow", "<<=": "ilshift", ">>=": "irshift", "&=": "iand", "^=": "ixor", "|=": "ior"}
_SHAPE = {"jump", "UNARY_NOT"}  # facts that a test of the same meaning need not have


# --- code without columns ------------------------------------------------------------------------------------------


def borrow_positions(code: CodeType, lines: list[str]) -> None:
    """Give code without columns those of what `lines` compile to, if that does the same step by step.

    It was compiled without columns, or somebody has replaced its table; this process may compile with them. A code
    object without any position is given what there is.
    """
    if code_span(code) is not None or (not _HAS_COLUMNS and any(row[0] is not None for row in positions(code))):
        return
    module = compiled("".join(lines), code.co_filename)
    for found in [] if module is None else all_codes(module):
        if _are_named_alike(found, code) and _does_the_same(found, code):
            for one, other in zip(all_codes(found), all_codes(code), strict=True):
                lend_positions(one, other)
            return


def _does_the_same(one: CodeType, other: CodeType) -> bool:
    if one.co_code != other.co_code or one.co_names != other.co_names or len(one.co_consts) != len(other.co_consts):
        return False
    for a, b in zip(one.co_consts, other.co_consts, strict=True):
        if hasattr(a, "co_code") and hasattr(b, "co_code"):
            if not (_are_named_alike(a, b) and _does_the_same(a, b)):
                return False
        elif repr(a) != repr(b):
            return False
    return one.co_varnames == other.co_varnames and one.co_exceptiontable == other.co_exceptiontable


_HAS_COLUMNS = code_span(_does_the_same.__code__) is not None or code_span(compile("x + y", "", "eval")) is not None
