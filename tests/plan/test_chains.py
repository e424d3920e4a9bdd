"""Chains of names and attributes: which ones a line mentions, and where each of their names is looked up."""

import ast
import textwrap

import pytest

from tracefunc._plan.names import line_mentions
from tracefunc._plan.target_plan import plan
from tracefunc._values.read import GLOBAL, LOCAL

MENTIONED = {
    "x = self.total": "self.total",
    "self.total = x": "self.total",
    "self.total += x": "self.total",
    "del self.total": "self.total",
    "x = y": "",
    "x = self.cfg.port": "self.cfg.port",
    "x = a.b.c.d": "a.b.c.d",
    "x = a.b.c.d.e.f": "a.b.c.d",
    "x = (a.b).c": "a.b.c",
    "x = a.b, a.b.c": "a.b a.b.c",
    "x = a.b + a.b": "a.b",
    "self.items.append(x)": "self.items",
    "self.run(x)": "",
    "self.run(self.x, *self.y, k=self.z, **self.w)": "self.w self.x self.y self.z",
    "a.b.c.d.e()": "a.b.c.d",
    "a.b().c.d": "",
    "a.b().c(d.e)": "d.e",
    "f(x).y.z": "",
    "f(x.y).z": "x.y",
    "f(x).y(a.b.c)": "a.b.c",
    "a.b[0].c": "a.b",
    "a[b.c].d": "b.c",
    "a.b[c.d:e.f, g.h] = i.j": "a.b c.d e.f g.h i.j",
    "'text'.join(a.b)": "a.b",
    "(y := self.x).z": "self.x",
    "x: a.b = c.d": "a.b c.d",
    "f'{a.b:{c.d}} {e.f!r}'": "a.b c.d e.f",
    "assert a.b, c.d": "a.b c.d",
    "raise a.b from c.d": "a.b c.d",
    "import os.path": "",
    "x = await a.b.c()": "a.b",
    "x = yield a.b": "a.b",
    "a.b, (c.d, *e.f) = g": "a.b c.d e.f",
    "x = self.__a.__b": "self.__a.__b",
    "if a.b: c.d": "a.b",
    "while a.b: c.d": "a.b",
    "for self.i in self.all: c.d": "self.all self.i",
    "with f(a.b) as self.h, c.d: e.f": "a.b c.d self.h",
    "match a.b:\n    case c.d: e.f": "a.b",
    "@a.b\n@c.d(e.f)\ndef g(x: h.i = j.k) -> l.m: n.o": "a.b e.f h.i j.k l.m",
    "class C(a.b, metaclass=c.d): x = e.f": "a.b c.d",
    "x = [y.a for y in b.c]": "",
    "x = a.b, lambda y=c.d: y.e": "a.b",
}


@pytest.mark.parametrize("source", MENTIONED)
def test_chains_of_a_line(source):
    (statement,) = ast.parse(source).body
    assert " ".join(line_mentions(statement)[1]) == MENTIONED[source]


def test_chains_of_lines_in_other_lines():
    lines = {
        "try: a\nexcept b.c as d: e.f": (ast.ExceptHandler, "b.c"),
        "match a:\n case b.c | D(e=f.g) if h.i: j.k": (ast.match_case, "b.c f.g h.i"),
        "x = [y.a for y in b.c if y.d for z in y.e]": (ast.ListComp, "b.c y.a y.d y.e"),
        "x = {y.a: y.b for y in c}": (ast.DictComp, "y.a y.b"),
        "x = lambda y=a.b: y.c": (ast.Lambda, "y.c"),
        "x = [[y.a for y in z.b] for z in c.d]": (ast.ListComp, "c.d"),
    }
    for source, (kind, expected) in lines.items():
        node = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, kind))
        assert " ".join(line_mentions(node)[1]) == expected, source


def test_names_of_chains_are_names_of_the_line():
    (statement,) = ast.parse("x = a.b.c(d.e)[f].g").body
    assert line_mentions(statement) == (("a", "d", "f", "x"), ("a.b", "d.e"))


SOURCE = """
class Owner:
    def method(self, other):
        total = self.__own.part + MODULE.value
        return [each.x for each in self.all], (lambda row: row.__y), total.z
"""


def test_readers(define):
    method = define(textwrap.dedent(SOURCE))["Owner"].method
    made = plan(method)
    assert made.chains == [
        ("MODULE.value", "self.__own.part"),
        ("total.z",),
        ("each.x", "self.all"),
        ("row.__y",),
    ]
    found = {
        reader.name: (reader.stored, reader.how, reader.attributes)
        for code in made.codes
        for readers in code.readers.values()
        for reader in readers
        if reader.attributes
    }
    assert found == {
        "MODULE.value": ("MODULE", GLOBAL, ("value",)),
        "self.__own.part": ("self", LOCAL, ("_Owner__own", "part")),
        "total.z": ("total", LOCAL, ("z",)),
        "each.x": ("each", LOCAL, ("x",)),
        "self.all": ("self", LOCAL, ("all",)),
        "row.__y": ("row", LOCAL, ("_Owner__y",)),
    }


def test_lines_have_their_chains_behind_their_names(define):
    method = define(textwrap.dedent(SOURCE))["Owner"].method
    made = plan(method)
    for code in made.codes:
        for line, readers in code.readers.items():
            assert [reader.name for reader in readers] == [*made.names[line], *made.chains[line]]


def test_hidden_chains_are_not_read(define):
    function = define("def f(a):\n    return a.key.part, a.part, a.__secret.x")["f"]
    hidden = plan(function).redacted(lambda name: name in ("key", "__secret"))
    (readers,) = hidden.codes[0].readers.values()
    assert {reader.name: bool(reader.attributes) for reader in readers if "." in reader.name} == {
        "a.key.part": False,
        "a.part": True,
        "a.__secret.x": False,
    }
