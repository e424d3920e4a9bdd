"""Annotations and type parameters, whose code runs apart from the function that they belong to."""

import sys

import pytest

from other_tools import hits, texts
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines


# --- annotations and type parameters ------------------------------------------------------------------------------


def test_reading_annotations_adds_no_hits():
    def target(n):
        class C:
            a: int = n
            b: list[str]

        def f(x: C, y: int = 3) -> dict[int, str]:
            return x

        before = C.__annotations__, f.__annotations__
        return len(before), C.__annotations__, f.__annotations__

    found = hits(tracefunc(target, 1))
    assert found["class C:"] == found["a: int = n"] == 1
    assert found["def f(x: C, y: int = 3) -> dict[int, str]:"] == 1
    assert found.get("b: list[str]", 1) == 1
    assert "return x" not in found
    assert found["return len(before), C.__annotations__, f.__annotations__"] == 1


def test_the_targets_own_annotations_add_no_hits():
    def target(n: int, m: "str" = "") -> list[int]:
        k: int = n
        return [k]

    def fn():
        return target(1), target.__annotations__, target.__annotations__

    assert hits(tracefunc(fn, target_func=target)) == {"k: int = n": 1, "return [k]": 1}


def test_lines_below_type_parameters():
    def target(n):
        def f[T: (int, str)](x: T) -> T:
            y = x
            return y

        class C[U]:
            size = 4

            def method[V](self, v: V) -> U:
                return v

        type Alias[W] = list[W] | int
        return f(n), C().method(n), Alias.__value__, f.__type_params__[0].__constraints__

    results = tracefunc(target, 3)
    assert results.exc is None
    assert hits(results) == {
        "def f[T: (int, str)](x: T) -> T:": 1,
        "y = x": 1,
        "return y": 1,
        "class C[U]:": 1,
        "size = 4": 1,
        "def method[V](self, v: V) -> U:": 1,
        "return v": 1,
        "type Alias[W] = list[W] | int": 1,
        "return f(n), C().method(n), Alias.__value__, f.__type_params__[0].__constraints__": 1,
    }


def test_comprehensions_in_annotations_make_no_hits():
    """Up to 3.13 they are evaluated with the definition, later when somebody asks."""

    def target(xs):
        def f(a: [x for x in xs] = [y for y in xs], *, b: {k: [v for v in xs] for k in xs}) -> list(g for g in xs):  # noqa: B006
            return a

        def generic[T](a: {x for x in xs}, b: any(not g for g in xs)):
            return a

        class C:
            a: [n for n in xs] = 3
            f.field: [n + 1 for n in xs] = 3

        k: [never for never in xs] = 1
        return f.__annotations__, generic.__annotations__, C.__annotations__, k

    results = tracefunc(target, (1, 2), incl_unhit=True)
    assert results.exc is None
    found = hits(results)
    assert {line: found[line] for line in found if line.startswith(("[", "{", "("))} == {
        "[x for x in xs]": 0,
        "[y for y in xs]": 2,
        "{k: [v for v in xs] for k in xs}": 0,
        "[v for v in xs]": 0,
        "(g for g in xs)": 0,
        "{x for x in xs}": 0,
        "(not g for g in xs)": 0,
        "[n for n in xs]": 0,
        "[n + 1 for n in xs]": 0,
        "[never for never in xs]": 0,
    }


def test_lambdas_in_annotations_count_their_calls():
    """Whoever keeps one of them may call it, as validators do."""

    def target(n):
        def f(
            a: (lambda x: [x + i for i in range(n)]), b: [lambda y: y for _ in (n,)], c: set(lambda z: z for _ in (n,))
        ):
            return a

        a, b, c = f.__annotations__.values()
        return a(1), a(2), b[0](3), c.pop()(4)

    results = tracefunc(target, 2)
    assert results.exc is None
    found = hits(results)
    assert found["lambda x: [x + i for i in range(n)]"] == 2
    assert found["[x + i for i in range(n)]"] == 4
    assert found["lambda y: y"] == found["lambda z: z"] == 1
    assert not [line for line in found if line.startswith(("[lambda", "(lambda"))]


class Base:
    def __init_subclass__(cls, sizes):
        cls.sizes = sizes


def test_comprehensions_in_scopes_of_type_parameters(results_of):
    """They are hit when the alias's value, the bound or the class is evaluated, and not again."""

    def target(xs):
        type Unread = [x for x in xs]
        type Alias = [k + v for k in xs for v in [k + 1 for k in xs]]

        def f[T: {x - 1 for x in xs}](x: T) -> T:
            return x

        class C[T]([Base for x in xs][0], sizes={x: T for x in xs}):
            pass

        for _ in range(2):
            Alias.__value__, f.__type_params__[0].__bound__
        return len(C.sizes)

    results = tracefunc(target, (1, 2))
    assert results.exc is None
    (trace,) = results_of(results)
    assert trace["type Unread = [x for x in xs]"][0] == 1
    given = ["(1, 2)"]
    assert {line: trace[line] for line in trace if line.startswith(("[", "{"))} == {
        "[k + v for k in xs for v in [k + 1 for k in xs]]": (
            4,
            {"k": ["1", "1", "2", "2"], "v": ["2", "3", "2", "3"], "xs": given * 4},
        ),
        "[k + 1 for k in xs]": (4, {"k": ["1", "2", "1", "2"], "xs": given * 4}),
        "{x - 1 for x in xs}": (2, {"x": ["1", "2"], "xs": given * 2}),
        "[Base for x in xs]": (2, {"Base": [repr(Base)] * 2, "x": ["1", "2"], "xs": given * 2}),
        "{x: T for x in xs}": (2, {"T": ["T", "T"], "x": ["1", "2"], "xs": given * 2}),
    }


def test_comprehensions_in_a_value_that_is_evaluated_often():
    def target(xs):
        for i in range(30):
            type Alias = [x + i for x in xs]
            assert len(Alias.__value__) == len(xs)
        return i

    results = tracefunc(target, (1, 2))
    assert hits(results)["[x + i for x in xs]"] == 60
    assert texts(results, "[x + i for x in xs]", "i") == [repr(i // 2) for i in range(10)]


def test_a_value_that_is_evaluated_after_the_call():
    def target(xs):
        type Alias = [x for x in xs]
        return Alias

    def fn():
        return target((1, 2)).__value__

    assert hits(tracefunc(fn, target_func=target)) == {"type Alias = [x for x in xs]": 1, "return Alias": 1}


@pytest.mark.skipif(sys.version_info < (3, 13), reason="a SyntaxError up to 3.12")
def test_comprehensions_in_scopes_of_type_parameters_of_a_class(define, results_of):
    target = define("""
        n = "global"

        def target(xs):
            class C:
                n = 2
                type Alias = [[i + j + xs[0] for j in xs] for i in range(n)]

                def f[T: (tuple(i for i in xs), int)](self):
                    return self

            return C.Alias.__value__, C.f.__type_params__[0].__constraints__
    """)["target"]
    results = tracefunc(target, (1, 2))
    assert results.exc is None
    (trace,) = results_of(results)
    hits, names = trace["[[i + j + xs[0] for j in xs] for i in range(n)]"]
    assert (hits, names["n"]) == (2, ["<unavailable>"] * 2)
    assert trace["[i + j + xs[0] for j in xs]"] == (
        4,
        {"i": ["0", "0", "1", "1"], "j": ["1", "2", "1", "2"], "xs": ["(1, 2)"] * 4},
    )
    assert trace["(i for i in xs)"][0] == 2


def test_a_name_of_a_class_that_only_a_first_iterable_mentions(define, results_of):
    """The generator expression cannot see it, and a global of the same name is not it."""
    target = define("""
        n = 5

        def target():
            class C:
                n = 1
                a = list(i for i in range(n))
                b = list(i + n for i in range(n))

                def f(self):
                    return list(not i for i in range(n))

            C().f()
    """)["target"]
    (trace,) = results_of(tracefunc(target))
    assert trace["(i for i in range(n))"][1]["n"] == ["<unavailable>"]
    assert trace["(i + n for i in range(n))"][1]["n"] == ["5"]
    assert trace["(not i for i in range(n))"][1]["n"] == ["5"] * 5
