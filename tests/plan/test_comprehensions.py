"""Comprehensions and generator expressions, inlined or not; lazy imports."""

import asyncio
import sys

import pytest

from other_tools import hits, run_python, texts
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines


# --- comprehensions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["any", "all", "list", "tuple", "set", "sorted", "sum", "frozenset"])
def test_generator_expressions_that_are_inlined_in_a_call(define, name):
    target = define(f"""
        def target(xs):
            got = {name}(x == 0 for x in xs)
            return got
    """)["target"]
    results = tracefunc(target, (0, 0, 0))
    produced = 1 if name == "any" else 3
    assert hits(results) == {
        f"got = {name}(x == 0 for x in xs)": 1,
        "(x == 0 for x in xs)": produced,
        "return got": 1,
    }
    assert texts(results, "(x == 0 for x in xs)", "x") == ["0"] * produced


@pytest.mark.parametrize("name", ["any", "list", "tuple", "set"])
def test_the_same_inside_a_comprehension(define, name):
    target = define(f"""
        def target(xs):
            return [{name}(x for x in "" or x) for x in xs]
    """)["target"]
    results = tracefunc(target, ["ab", "cd", "ef"])
    found = hits(results)
    assert found[f'[{name}(x for x in "" or x) for x in xs]'] == 3
    assert found['(x for x in "" or x)'] == (3 if name == "any" else 6)


def test_all_kinds_of_elements(define):
    target = define("""
        def target(xs):
            a = [x for x in xs if x]
            b = {x for x in xs}
            c = {x: 0 for x in xs if x > 1}
            d = list(x for x in xs if x == 1)
            e = [[*xs, x] for x in xs], {(*xs, x) for x in xs}, [{**c, x: x} for x in xs]
            return [[y for y in range(x)] for x in xs]
    """)["target"]
    found = hits(tracefunc(target, [0, 1, 2]))
    assert found["[x for x in xs if x]"] == 2
    assert found["{x for x in xs}"] == 3
    assert found["{x: 0 for x in xs if x > 1}"] == 1
    assert found["(x for x in xs if x == 1)"] == 1
    assert found["[[*xs, x] for x in xs]"] == found["{(*xs, x) for x in xs}"] == found["[{**c, x: x} for x in xs]"] == 3
    assert found["[[y for y in range(x)] for x in xs]"] == 3
    assert found["[y for y in range(x)]"] == 3


@pytest.mark.skipif(sys.version_info < (3, 15), reason="unpacking in comprehensions is 3.15's")
def test_unpacking_in_comprehensions(define):
    target = define("""
        def target(xs):
            a = [*x for x in xs]
            b = {*x for x in xs}
            c = {**x for x in ({1: 1}, {2: 2})}
            return [*(*x for x in xs)]
    """)["target"]
    found = hits(tracefunc(target, ["abc", "d", ""]))
    assert (found["[*x for x in xs]"], found["{*x for x in xs}"]) == (3, 3)
    assert found["{**x for x in ({1: 1}, {2: 2})}"] == 2
    assert found["(*x for x in xs)"] == 3


def test_an_await_inside_a_comprehension_is_no_element():
    async def later(x):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return x

    async def target(xs):
        a = [await later(x) for x in xs if await later(x)]
        b = {await later(x): 1 for x in xs}
        c = [y async for y in (await later(x) for x in xs)]
        return a, b, c

    results = tracefunc(target, [0, 1, 2])
    assert results.exc is None
    found = hits(results)
    assert found["[await later(x) for x in xs if await later(x)]"] == 2
    assert found["{await later(x): 1 for x in xs}"] == 3
    assert found["[y async for y in (await later(x) for x in xs)]"] == 3
    assert found["(await later(x) for x in xs)"] == 3
    assert found["return a, b, c"] == 1


# --- 3.15: lazy imports, and generator expressions whose iterable raises ---------------------------------------------


@pytest.mark.skipif(sys.version_info < (3, 15), reason="lazy imports are 3.15's")
def test_lazy_imports_stay_lazy(tmp_path):
    (tmp_path / "heavy.py").write_text("print('imported')\nvalue = 5\n", encoding="utf-8")
    output = run_python(
        """
        lazy import heavy
        lazy from heavy import value
        from tracefunc import tracefunc

        def target(flag):
            x = 1 if flag else (heavy, value)
            return x

        def using():
            y = value
            return y

        ((_, trace),) = tracefunc(target, True)
        print([kind for kind, _ in trace["x = 1 if flag else (heavy, value)"][1]["heavy"]])
        print(type(globals()["heavy"]).__name__)
        ((_, trace),) = tracefunc(using)
        print(trace["y = value"])
        """,
        cwd=tmp_path,
    )
    assert output.splitlines() == [
        "['lazy_import']",
        "lazy_import",
        "imported",
        "(1, {'value': [('int', '5')], 'y': [('int', '5')]})",
    ]


class Unready:
    def __iter__(self):
        raise KeyError("not ready")

    def __aiter__(self):
        raise KeyError("not ready")


def test_a_generator_expression_whose_iterable_raises():
    def target(xs):
        before = 1
        try:
            generator = (x for x in xs)
        except KeyError:
            before = 2
        else:
            try:
                next(generator)
            except KeyError:
                before = 2
        after = 3
        return before, after

    for _ in range(2):
        results = tracefunc(target, Unready())
        found = hits(results)
        assert results.exc is None
        assert found["generator = (x for x in xs)"] == found["before = 1"] == found["before = 2"] == 1
        assert (found["after = 3"], found["return before, after"]) == (1, 1)
        assert texts(results, "before = 2", "before") == ["2"]
        assert "(x for x in xs)" not in found


def test_the_same_where_nothing_catches_it():
    def target(xs):
        y = 1
        return sum(x for x in xs)

    def fn():
        for _ in range(3):
            try:
                target(Unready())
            except KeyError:
                pass
        return target([1, 2])

    results = tracefunc(fn, target_func=target)
    assert len(results) == 4
    assert [hits([r])["return sum(x for x in xs)"] for r in results] == [1] * 4
    assert [hits([r]).get("(x for x in xs)", 0) for r in results] == [0, 0, 0, 2]
    assert results.exc is None


def test_the_same_with_an_asynchronous_iterable():
    async def target(xs):
        try:
            generator = (x async for x in xs)
            await anext(generator)
        except KeyError:
            y = 2
        return y

    found = hits(tracefunc(target, Unready()))
    assert (found["y = 2"], found["return y"]) == (1, 1)


# --- names that only the outermost iterable of a generator expression mentions ---------------------------------------

AROUND = """
    n = 10

    def make(n=5):
        def target():
            {}

        return target

    target = make()
"""


@pytest.mark.parametrize(
    "body",
    [
        "return [*(i for i in (n, 0))]",
        "nonlocal n; n = 3; return [*(i for i in (n, 0))]",
        "return (lambda: [*(i for i in (n, 0))])()",
        "return [[*(i for i in (n, 0))] for _ in [1]]",
        "return [*((*(i for i in (n, 0)),) for _ in [1])]",
        "class C: a = [*(i for i in (n, 0))]",
        "class C: a = (lambda: [*(i for i in (n, 0))])()",
    ],
)
def test_a_global_is_not_the_variable_of_a_function_around_the_target(define, body):
    target = define(AROUND.format(body))["target"]
    results = tracefunc(target)
    assert results.exc is None
    assert texts(results, "(i for i in (n, 0))", "n") == ["<unavailable>"] * 2


def test_a_variable_that_a_function_declares_nonlocal(define):
    target = define("""
        n = 10

        def target():
            n = 5

            def inner():
                nonlocal n
                n = 3
                return [*(i for i in (n, 0))]

            return inner()
    """)["target"]
    assert texts(tracefunc(target), "(i for i in (n, 0))", "n") == ["<unavailable>"] * 2


def test_what_is_declared_global_is_one(define):
    target = define("""
        n = 10

        def make(n=5):
            def target():
                def inner():
                    global n
                    return [*(i for i in (n, 0))]

                class C:
                    global n
                    n = 12
                    a = [*(not i for i in (n, 0))]

                    def method(self):
                        return [*(-i for i in (n, 0))]

                C().method()
                return inner()

            return target

        target = make()
    """)["target"]
    results = tracefunc(target)
    assert texts(results, "n = 12", "n") == ["12"]
    assert texts(results, "(not i for i in (n, 0))", "n") == ["12"] * 2
    assert texts(results, "(-i for i in (n, 0))", "n") == ["<unavailable>"] * 2
    assert texts(results, "(i for i in (n, 0))", "n") == ["12"] * 2


@pytest.mark.parametrize("element", ["[0 for n in 'ab']", "(lambda n: n)(i)", "(lambda: (n := i))()"])
def test_a_variable_of_the_same_name_within_the_element_is_another_one(define, element):
    source = """
        n = 10

        def target():
            class C:
                n = 3
                a = [*(ELEMENT for i in (n, 0))]
            return C
    """
    results = tracefunc(define(source.replace("ELEMENT", element))["target"])
    assert texts(results, f"({element} for i in (n, 0))", "n") == ["<unavailable>"] * 2
