"""Lines that leave no instruction of their own: constant returns, endless loops, and what follows them on a shared line."""

import contextlib
import textwrap

import pytest

import programs
from groundtruth import compare, truth
from other_tools import hits, texts
from tracefunc import tracefunc

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("young_heap")]


# --- lines without an instruction of their own --------------------------------------------------------------------


def step(x):
    """Ends a loop that has no other end."""
    if x <= 0:
        raise KeyError
    return x


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        ("while x < 3: x += 1", {"while x < 3:": 3, "x += 1": 2}),
        ("while True:\n    break", {"while True: ": 1, "break": 1}),
        ("while True:\n    x += 1\n    if x > 3: break", {"while True: ": 3, "x += 1": 3, "if x > 3:": 3}),
        ("while True: x -= 1; step(x)", {"while True: ": 1, "x -= 1": 1, "step(x)": 1}),
        ("for i in (1, 2): x = i", {"for i in (1, 2):": 3, "x = i": 2}),
        ("step(x)", {"step(x)": 1}),
        ("while 1: break", {"while 1:": 1}),
    ],
)
@pytest.mark.parametrize("suite", ["return 1", "return", "pass; return 1", "y = x; return 1", "y = x; 0; return 1"])
def test_a_constant_return_on_the_line_of_its_try(define, suite, final, expected):
    """It is executed once, whatever goes round in what follows."""
    source = f"try: {suite}\nfinally:\n{textwrap.indent(final, '    ')}"
    source = "def target(x=1):\n    while True:\n" + textwrap.indent(source, "        ")
    found = hits(tracefunc(define(source, step=step)["target"]))
    assert found.pop(suite.rpartition("; ")[2]) == found.pop("while True:") == 1
    assert found.pop("y = x", None) == (1 if "y" in suite else None)
    assert found == expected


@pytest.mark.parametrize(
    ("loops", "expected"),
    [
        ("while 1: break\nwhile True: x = 1; break", {"while True:": 1, "x = 1": 1}),
        ("while 1: break\nwhile True:\n    n = 2\n    break", {"while True:": 1, "n = 2": 1, "break ": 1}),
        ("while True: int; n -= 1; step(n)", {"while True:": 3, "int": 3, "n -= 1": 3, "step(n)": 3}),
        ("while True: n; n -= 1; step(n)", {"while True:": 3, "n -= 1": 3, "step(n)": 3}),
        ("while True:\n    with N(): n -= 1; step(n)", {"while True:": 3, "with N():": 3, "n -= 1": 3, "step(n)": 3}),
        ("for i in (1, 2):\n    while 1: step(i); break", {"for i in (1, 2):": 3, "while 1:": 2, "step(i)": 2}),
    ],
)
def test_an_endless_loop_on_a_line_with_others(define, loops, expected):
    source = "def target(n=3):\n" + textwrap.indent(loops, "    ")
    found = hits(tracefunc(define(source, step=step, N=contextlib.nullcontext)["target"]))
    assert found == {"while 1:": 1} | expected if "while 1: break" in loops else found == expected


DECIDED = ["not 0", "1 + 1", "-1", "(1,)", "1 or n", "True and True", "f'a'", "__debug__", "not None", "1 if 1 else 0"]


@pytest.mark.parametrize("test", DECIDED)
def test_a_loop_whose_test_the_compiler_decides_is_endless(define, test):
    space = define(
        f"""
        def target(n=3):
            while {test}:
                n -= 1
                if not n: break
            while {test}: n += 1; step(3 - n)
    """,
        step=step,
    )
    results = tracefunc(space["target"])
    found = hits(results)
    assert (found[f"while {test}:"], found[f"while {test}: "], found["n += 1"]) == (3, 3, 3)
    if "n" in results[0][1][f"while {test}:"][1]:
        assert texts(results, f"while {test}:", "n") == ["3", "2", "1"]


@pytest.mark.parametrize("test", ["n", "n or 1", "[1]", "n and 1", "not n or n"])
def test_a_loop_with_a_test_is_not(define, test):
    source = f"def target(n=3):\n    while {test}:\n        n -= 1\n        if not n: break\n"
    assert hits(tracefunc(define(source)["target"]))[f"while {test}:"] == 3


def test_what_follows_a_return_on_its_line_is_never_executed(define):
    space = define(
        """
        def a(x=1):
            with N(): return x; return 1
        def b(x=1):
            try: return -x; return 1
            finally: x = 2
        def c(x=1):
            try: step(0)
            except KeyError: return x; return 1
        def d(x=1):
            with N(): pass; return x; return 1
        def e(x=1):
            for x in (1, 2):
                with N(): 0; continue; return 1
        def f(x=1):
            with N():
                if 0: return 1
        def g(x=1):
            with N():
                while not 1: pass; return 1
    """,
        step=step,
        N=contextlib.nullcontext,
    )
    for name in "abcdefg":
        assert "return 1" not in hits(tracefunc(space[name]))


@pytest.mark.parametrize("ending", ["return", "return 1", "return n"])
@pytest.mark.parametrize(
    "before", ["pass", "0", "n", "x: int", "global G", "assert 1", "'text'; -1", "with N(): pass", "n = 2; n; 0"]
)
@pytest.mark.parametrize("around", ["with N()", "with N(), N()", "try"])
def test_a_return_behind_a_statement_without_work(define, around, before, ending):
    header, _, before = before.rpartition(": ") if before.startswith("with") else ("", "", before)
    lines = [f"{around}:" + ("" if header else f" {before}; {ending}")]
    lines += [f"    {header}: {before}; {ending}"] * bool(header)
    lines += ["finally: n = 0"] * (around == "try")
    source = "def target(n=1):\n" + textwrap.indent("\n".join(lines), "    ")
    results = tracefunc(define(source, N=contextlib.nullcontext)["target"])
    assert hits(results)[ending] == 1
    if ending == "return n":
        assert texts(results, ending, "n") == ["2" if "n = 2" in before else "1"]


@pytest.mark.parametrize("fail", [False, True])
def test_a_return_behind_a_semicolon_in_a_finally_inside_a_with(define, fail):
    target = define(
        """
        def target(fail):
            with N():
                try: 1 // (not fail)
                finally: x = 1; return 4
    """,
        N=contextlib.nullcontext,
    )["target"]
    found = hits(tracefunc(target, fail))
    assert (found["x = 1"], found["return 4"]) == (1, 1)


@pytest.mark.parametrize(
    "pattern", ["(1, y)", "[_, 1]", "(1 | 3, y)", "(1, y) if y", "[1, *_]", "(y, 1)", "(int(1) as y, _)", "(1, 2) as y"]
)
def test_a_return_on_the_line_of_a_case_that_does_not_match(define, pattern):
    space = define(
        f"""
        def last(x):
            with N():
                match x:
                    case {pattern}: return 5
        def first(x):
            with N():
                match x:
                    case {pattern}: 0; return 5
                    case _: return 6
    """,
        N=contextlib.nullcontext,
    )
    for x, matches in ([2, 3], False), ([1, 2] if "y, 1" not in pattern and "_, 1" not in pattern else [2, 1], True):
        x = tuple(x)
        found = hits(tracefunc(space["last"], x))
        assert (found[f"case {pattern}:"], found.get("return 5", 0)) == (1, matches)
        found = hits(tracefunc(space["first"], x))
        assert (found.get("return 5", 0), found.get("return 6", 0)) == (matches, not matches)


@pytest.mark.parametrize("guard", ["0", "x and 0", "not 1"])
def test_a_guard_that_never_holds(define, guard):
    target = define(
        f"""
        def target(x):
            with N():
                match x:
                    case _ if {guard}: return 5
    """,
        N=contextlib.nullcontext,
    )["target"]
    assert "return 5" not in hits(tracefunc(target, 1))


@pytest.mark.parametrize("around", ["if n:", "with N():", "while True:"])
@pytest.mark.parametrize(
    "before", ["n and step(n)", "n or step(n)", "y = n if n else 2; n", "assert n; 0", "y = [n]; n"]
)
@pytest.mark.parametrize("ending", ["return", "return n"])
def test_a_return_behind_a_statement_that_branches(define, around, before, ending):
    """Where branches meet, an instruction may have no place at all, or that of a statement without work."""
    source = f"def target(n):\n    {around}\n        {before}; {ending}\n    return 7\n"
    target = define(source, step=step, N=contextlib.nullcontext)["target"]
    assert hits(tracefunc(target, 1))[ending] == 1


def test_the_end_of_an_async_loop_in_a_comprehension_jumps_to_a_jump(define):
    """3.12: the jump from there to the loop around it has no place, so control seemed to begin the line again."""
    target = define("""
        async def numbers(n):
            for i in range(n): yield i
        async def target(xs):
            a = 1
            x = len({0 for j in map((lambda p=1,
                *z: 0), xs) if a async for l in numbers(j)})
            return [x for i in xs if i
                async for x in numbers(i)]
    """)["target"]
    found, wanted = tracefunc(target, [2, 0, 1]), truth(target, [2, 0, 1])
    assert compare(found, wanted) == []


@pytest.mark.parametrize(
    "test", ["1 / 0", "not 1 / 0", "-(1 / 0)", "'a' + 1", "1 << -1", "__debug__ and 1 / 0", "0 if 1 / 0 else 2", "~1.5"]
)
@pytest.mark.parametrize("header", ["if {}:", "while {}:", "if x:\n  pass\n elif {}:"])
def test_a_test_of_constants_that_raises(test, header):
    """The compiler leaves it to run time, so it is a hit, also where its suite is on the same physical line."""
    header = header.format(test)
    space = programs.load(f"def f(x=0):\n {header} x = 1\n", f"<{header}>")
    [(_, trace)] = tracefunc(space["f"])
    assert trace[header.split("\n")[-1].strip()][0] == 1
