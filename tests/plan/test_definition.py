"""Code that is not what a plain compile of its file gives: what counts is that it says where it stands."""

import ast
import linecache
import opcode
import os

import pytest
from _pytest.assertion.rewrite import rewrite_asserts

from other_tools import hits
from tracefunc import Tracer, tracefunc

pytestmark = pytest.mark.both_engines

SOURCE = '''
def target(x: int, ys):
    """Doc."""
    total: int = 0
    for y in ys:
        if y > 1 and not y == 7: total += y; total -= 0
    z = [i * 60 * 60 for i in ys if i]
    assert total >= 0 and len(z) == len(ys), "message"
    f = lambda q: q + 1
    def inner(a: int):
        return a + total
    return inner(f(x)) - 1
'''
LINES = {
    "total: int = 0": 1, "for y in ys:": 3, "if y > 1 and not y == 7:": 2, "total += y": 1, "total -= 0": 1,
    "z = [i * 60 * 60 for i in ys if i]": 1, "[i * 60 * 60 for i in ys if i]": 2,
    'assert total >= 0 and len(z) == len(ys), "message"': 1, "f = lambda q: q + 1": 1, "lambda q: q + 1": 1,
    "def inner(a: int):": 1, "return a + total": 1, "return inner(f(x)) - 1": 1,
}  # fmt: skip


def checked(value, *_):
    return value


class CheckTypes(ast.NodeTransformer):
    """Puts calls around what is assigned, with the places of neighbours, as type checkers do."""

    def __init__(self):
        self.name = ast.Name("checked", ast.Load())  # one node for all, which stands where the first one does
        self.annotations = {}

    def checking(self, node, value, *more):
        return ast.Call(self.name, [value, ast.Constant("total"), *more], [])

    def visit_AnnAssign(self, node):
        self.annotations[node.target.id] = node.annotation
        node.value = self.checking(node, node.value, node.annotation)
        return node

    def visit_AugAssign(self, node):
        call = ast.Call(ast.Name({ast.Add: "iadd", ast.Sub: "isub"}[type(node.op)], ast.Load()), [], [])
        call.args = [ast.Name(node.target.id, ast.Load()), node.value]
        return ast.Assign([node.target], self.checking(node, call, self.annotations[node.target.id]))

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        first = ast.copy_location(ast.Expr(self.checking(node, ast.Constant(1))), node.body[0])
        node.body.insert(0, first)
        return node


def recorded(results):
    """The hits, without the docstring: something may have been put in at its place."""
    return {line: count for line, count in hits(results).items() if not line.startswith('"""')}


def check_types(tree, source):

    tree.body.insert(
        0, ast.copy_location(ast.ImportFrom("operator", [ast.alias("iadd"), ast.alias("isub")], 0), tree.body[0])
    )
    return ast.fix_missing_locations(CheckTypes().visit(tree)), {"checked": checked}


def rewrite(tree, source):
    rewrite_asserts(tree, source.encode(), "subject.py", None)
    return tree, {}


def decorate(tree, source):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list.append(ast.copy_location(ast.Name("checked", ast.Load()), node))
    return ast.fix_missing_locations(tree), {"checked": checked}


def leave_alone(tree, source):
    return tree, {}


HOOKS = [leave_alone, check_types, rewrite, decorate]


@pytest.fixture
def load(tmp_path):
    """Execute a file whose tree is changed meanwhile; returns the path and the namespace."""
    paths = []

    def load(source, change=leave_alone, alter=lambda code: code):
        path = tmp_path / f"subject{len(paths)}.py"
        paths.append(path)
        path.write_text(source)
        tree, names = change(ast.parse(source), source)
        namespace = {"__name__": "subject", "__file__": str(path), **names}
        exec(alter(compile(tree, str(path), "exec", dont_inherit=True)), namespace)
        return path, namespace

    yield load
    for path in paths:
        linecache.cache.pop(str(path), None)


def save(path, text):
    path.write_text(text)
    status = path.stat()
    os.utime(path, (status.st_atime + 10, status.st_mtime + 10))


@pytest.mark.parametrize("hook", HOOKS)
def test_a_file_that_is_saved_behind_an_import_hook(load, hook):
    path, namespace = load(SOURCE, hook)
    assert recorded(tracefunc(namespace["target"], 1, [1, 2])) == LINES
    for text in (SOURCE, SOURCE + "\nmore = 1\n"):
        save(path, text)
        assert recorded(tracefunc(namespace["target"], 1, [1, 2])) == LINES


CHANGES = [
    ("total: int = 0", "total: int = 1"), ("len(z)", "sum(z)"), ("total -= 0", "total += 0"), (" and not", " or  not"),
    ("; total -= 0", "# otal -= 0"), ("; total -= 0", ""), ("a + total", "a - total"), (">= 0 and", ">= 5 and"),
    ("total >= 0", "total <= 0"), (" - 1\n", "\n"), ("f(x)", "f(y)"), ("q + 1", "q + 2"), ("len(ys)", "len(xs)"),
]  # fmt: skip


@pytest.mark.parametrize("hook", HOOKS)
def test_a_file_that_has_changed_behind_an_import_hook(load, hook):
    path, namespace = load(SOURCE, hook)
    for old, new in CHANGES:
        save(path, SOURCE.replace(old, new))
        with pytest.raises(ValueError, match="is not the code that runs"):
            tracefunc(namespace["target"], 1, [1, 2])
        save(path, "x = 1\n" * len(new))  # so that the next text is read again


def test_a_definition_that_was_compiled_without_its_decorators(load):
    source = "def deco(f): return f\n@deco\n@deco\ndef target(x):\n    y = x\n    return y\n"

    def undecorated(tree, source):
        tree.body[1].decorator_list = []
        return tree, {}

    _, namespace = load(source, undecorated)
    assert hits(tracefunc(namespace["target"], 1)) == {"y = x": 1, "return y": 1}


# --- code that is longer than its positions, or has none --------------------------------------------------------------


def padded(code, count=3):
    return code.replace(co_code=code.co_code + bytes([opcode.opmap["NOP"], 0]) * count)


def several(n):
    """One statement for each line, and several on others."""
    a = 1
    b = a
    for i in range(n):
        a += i
    if a:
        b = 2
    c = [x for x in range(n)] + [y for y in range(n + 1)]
    d = sorted(map(lambda p: p, range(2)), key=lambda q: -q)
    try:
        raise KeyError
    except KeyError:
        b = 3
    return a, b, c, d


EXPECTED = {
    "a = 1": 1, "b = a": 1, "for i in range(n):": 4, "a += i": 3, "if a:": 1, "b = 2": 1,
    "c = [x for x in range(n)] + [y for y in range(n + 1)]": 1, "[x for x in range(n)]": 3,
    "[y for y in range(n + 1)]": 4, "d = sorted(map(lambda p: p, range(2)), key=lambda q: -q)": 1, "lambda p: p": 2,
    "lambda q: -q": 2, "raise KeyError": 1, "except KeyError:": 1, "b = 3": 1, "return a, b, c, d": 1,
}  # fmt: skip


def counted(results):
    return {line: count for line, count in hits(results).items() if line in EXPECTED}


@pytest.fixture
def with_code():
    """Give a function other code for a test."""
    before = several.__code__

    def change(code):
        several.__code__ = code
        return several

    yield change
    several.__code__ = before


def without_positions(code):
    consts = tuple(without_positions(const) if hasattr(const, "co_code") else const for const in code.co_consts)
    return code.replace(co_linetable=b"", co_consts=consts)


def without_columns(code):
    """The code with a table that says of each unit of the bytecode only the line (13: no columns, one of them)."""
    table, row = bytearray(), code.co_firstlineno
    for position in code.co_positions():
        line = position[0]
        if line is None:
            table.append(0x80 | 15 << 3)
            continue
        step, row = line - row, line
        number = (-step << 1 | 1) if step < 0 else step << 1
        table.append(0x80 | 13 << 3)
        while number >= 64:
            table.append(0x40 | number & 63)
            number >>= 6
        table.append(number)
    consts = tuple(without_columns(const) if hasattr(const, "co_code") else const for const in code.co_consts)
    return code.replace(co_linetable=bytes(table), co_consts=consts)


@pytest.mark.parametrize("change", [padded, without_positions, without_columns])
def test_code_whose_positions_are_not_there(with_code, change):
    """Profilers pad the bytecode; what has no columns is given those of what the file compiles to."""
    results = tracefunc(with_code(change(several.__code__)), 3)
    assert counted(results) == EXPECTED
    assert results.warnings == []


def test_code_without_columns_that_is_not_what_the_file_compiles_to(with_code):
    code = without_columns(several.__code__)
    results = Tracer(with_code(padded(code))).run(several, 3)
    [warning] = results.warnings
    assert "'several'" in warning and "compiled without columns" in warning and "may be wrong" in warning


def test_a_private_global_in_a_class_with_underscores(define):
    """What is loaded has another name than the source mentions, and was put in by nobody."""
    namespace = define("""
        class _My__Class:
            def target(self):
                return __a__b
        _My__Class__a__b = 1
    """)
    results = tracefunc(namespace["_My__Class"]().target)
    assert hits(results) == {"return __a__b": 1}
