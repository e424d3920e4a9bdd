"""Functions whose code a reloader has compiled from a reprint of their definitions."""

import ast
import linecache
import sys
import textwrap
import types

import pytest

from other_tools import hits
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines

SOURCE = '''
# A comment.


def target(x):
    y = (x +     # one
         1)

    if y: z = 2; w = 3
    return (y,
            z)

class C:
    K = 1

    def method(self, n):
        """Doc,
        of two lines."""
        def inner(a): return a   # nested
        return [inner(i) for i in range(n)]

def last(q):
    return q
'''
TARGET = [("y = (x +     # one\n         1)", 6, 1), ("if y:", 9, 1), ("z = 2", 9, 1), ("w = 3", 9, 1), ("return (y,\n            z)", 10, 1)]  # fmt: skip


def lines(call):
    return [(line.text, line.lineno, line.hits) for line in call.lines]


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "reloaded.py"
    path.write_text(SOURCE)
    made = types.ModuleType("reloaded")
    made.__file__ = str(path)
    exec(compile(SOURCE, str(path), "exec", dont_inherit=True), vars(made))
    yield made
    linecache.cache.pop(str(path), None)


def patch(function, node, module, around=""):
    """Give a function the code of its definition's reprint, as IPython's `%autoreload` does."""
    text = ast.unparse(node)
    if around:
        text = f"class {around}:\n" + textwrap.indent(text, "    ")
    local = {}
    exec(compile(ast.parse(text), module.__file__, "exec", dont_inherit=True), vars(module), local)
    made = getattr(local[around], node.name) if around else local[node.name]
    function.__code__ = made.__code__


def test_a_function(module):
    tree = ast.parse(SOURCE)
    patch(module.target, tree.body[0], module)
    results = tracefunc(module.target, 1)
    assert lines(results[0]) == TARGET
    assert results[0].lineno == 5 and results[0].source.startswith("def target(x):\n    y = (x +     # one\n")
    assert results.warnings == []


def test_a_method(module):
    patch(module.C.method, ast.parse(SOURCE).body[1].body[1], module, "__reloaded__")
    results = tracefunc(module.C().method, 3)
    assert hits(results)["return [inner(i) for i in range(n)]"] == 1
    assert hits(results)["[inner(i) for i in range(n)]"] == hits(results)["return a"] == 3
    assert {line.text: line.lineno for line in results[0].lines}["return a"] == 19


def test_a_new_function_without_a_file(module):
    exec(ast.unparse(ast.parse(SOURCE).body[0]), dict(vars(module)), local := {})
    assert lines(tracefunc(local["target"], 1)[0]) == TARGET


def test_a_function_that_has_moved(module, monkeypatch):
    """A reloader that knows what has changed leaves it alone; otherwise nobody knows that it is the same."""
    with open(module.__file__, "w") as file:
        file.write(SOURCE.replace("# A comment.", "# A comment\n# of two lines."))
    with pytest.raises(ValueError, match="is not the code that runs"):
        tracefunc(module.last, 1)
    name = "IPython.extensions.deduperreload.deduperreload"
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    results = tracefunc(module.last, 1)
    assert lines(results[0]) == [("return q", 24, 1)]


def test_a_reprint_of_another_definition(module):
    tree = ast.parse(SOURCE.replace("w = 3", "w = 4"))
    patch(module.target, tree.body[0], module)
    with pytest.raises(ValueError, match="is not the code that runs"):
        tracefunc(module.target, 1)
