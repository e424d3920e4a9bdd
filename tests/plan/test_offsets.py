"""Which offsets a code object has, which of them fire, and where the compiler moves or copies code."""

import sys

import pytest

from other_tools import EVENTS, MONITORING, hits, our_ids, texts
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines


# --- which offsets there are, and which of them fire --------------------------------------------------------------


def test_instructions_with_prefixes(define):
    names = "\n".join(f"        v{i} = {i + 1000}" for i in range(300))
    source = (
        "def target(n):\n    total = 0\n    for k in range(n):\n        if k % 2:\n            continue\n"
        + names
        + "\n        total += v299\n        while v298 < 1300:\n            v298 += 1\n    return total\n"
    )
    target = define(source)["target"]
    assert len(target.__code__.co_consts) > 256 < target.__code__.co_nlocals
    results = tracefunc(target, 3)
    found = hits(results)
    assert {found[f"v{i} = {i + 1000}"] for i in range(300)} == {2}
    assert (found["for k in range(n):"], found["if k % 2:"], found["continue"]) == (4, 3, 1)
    assert (found["total += v299"], found["while v298 < 1300:"], found["v298 += 1"]) == (2, 6, 4)
    assert texts(results, "v299 = 1299", "v299") == ["1299"] * 2


def test_a_prefixed_target_of_a_jump(define):
    filler = "; ".join(f"w{i} = g{i}" for i in range(300))
    globals_ = {f"g{i}": i for i in range(300)}
    source = f"""
        def target(flag):
            {filler}
            if flag:
                g290
                x = g299
            y = g298
            return (x if flag else g297) + y
    """
    target = define(source, **globals_)["target"]
    for flag, x in ((1, 299), (0, 297)):
        results = tracefunc(target, flag)
        found = hits(results)
        assert found["if flag:"] == found["y = g298"] == found["w299 = g299"] == 1
        assert found.get("x = g299") == (1 if flag else None)
        assert texts(results, "y = g298", "y") == ["298"]


def test_stores_that_are_fused(define):
    target = define("""
        def target(b):
            a = 1; c = b; d = c; e = d
            a, c = c, a; b = a; f = b
            return f
    """)["target"]
    results = tracefunc(target, 5)
    assert hits(results) == dict.fromkeys(
        ["a = 1", "c = b", "d = c", "e = d", "a, c = c, a", "b = a", "f = b", "return f"], 1
    )
    assert texts(results, "a = 1", "a") == ["1"]
    assert texts(results, "c = b", "c") == ["5"]
    assert texts(results, "a, c = c, a", "c") == ["1"]
    assert texts(results, "f = b", "f") == ["5"]


def test_a_body_that_is_pass_on_the_loops_line(define):
    target = define("""
        def target(n):
            for i in range(n): pass
            for j in range(n):
                pass
            k = 0
            while (k := k + 1) < n: pass
            return i, j, k
    """)["target"]
    found = hits(tracefunc(target, 5))
    assert (found["for i in range(n):"], found["for j in range(n):"]) == (6, 6)
    assert found["while (k := k + 1) < n:"] == 5
    assert found.get("pass", 5) == 5
    assert found["return i, j, k"] == 1


def test_lines_without_work_on_a_shared_line_are_the_same_everywhere(define):
    """Some versions have instructions for some of them: where it depends, none is shown."""
    target = define("""
        def target(n):
            for i in range(n): pass
            x = 1; pass; 2; n
            if x: pass
            while x: x -= 1; continue
            for j in range(n): break
            return i
    """)["target"]
    assert hits(tracefunc(target, 3)) == {
        "for i in range(n):": 4,
        "x = 1": 1,
        "if x:": 1,
        "while x:": 2,
        "x -= 1": 1,
        "for j in range(n):": 1,
        "return i": 1,
    }


def test_a_line_that_only_a_long_jump_reaches(define):
    filler = "\n".join(f"                a{i} = b{i}(n)" for i in range(200))
    target = define(
        f"""
        def target(n):
            if n:
                b199
{filler}
                return 1
            y = n
            for z in ():
                b199
{filler}
            return y
    """,
        **{f"b{i}": abs for i in range(200)},
    )["target"]
    assert hits(tracefunc(target, 0)) == {"if n:": 1, "y = n": 1, "for z in ():": 1, "return y": 1}
    assert hits(tracefunc(target, 5))["a199 = b199(n)"] == 1


@pytest.mark.parametrize("fail", [0, 1])
def test_a_loop_in_a_finally(define, fail):
    """Its copies stand one behind the other, each with an end that belongs to none of them."""
    target = define("""
        def target(fail):
            try:
                try:
                    1 // (1 - fail)
                finally:
                    for i in range(3):
                        for j in range(2):
                            x = i, j
            except ZeroDivisionError:
                y = 1
            for i in range(2):
                for j in (): pass
                for k in range(1): x = 2
            return x
    """)["target"]
    found = hits(tracefunc(target, fail))
    assert {line: count for line, count in found.items() if line[:3] in ("for", "x =", "y =")} == {
        "for i in range(3):": 4,
        "for j in range(2):": 9,
        "x = i, j": 6,
        "for i in range(2):": 3,
        "for j in ():": 2,
        "for k in range(1):": 4,
        "x = 2": 2,
        **({"y = 1": 1} if fail else {}),
    }


def test_an_iterable_that_raises_at_once_after_another_loop(define):
    target = define("""
        def target(xs):
            for i in xs: y = i
            for j in 1 // 0: z = j
    """)["target"]
    assert hits(tracefunc(target, [1, 2])) == {"for i in xs:": 3, "y = i": 2, "for j in 1 // 0:": 1}
    again = define("""
        def target(xs):
            for k in xs:
                for i in (1 // k): y = i
    """)["target"]
    assert hits(tracefunc(again, [0, 1])) == {"for k in xs:": 1, "for i in (1 // k):": 1}


def test_finally_bodies_that_exist_twice(define):
    target = define("""
        def target(n):
            for i in range(n):
                try:
                    if i == 1:
                        continue
                    if i == 2: raise KeyError
                    if i == 4:
                        break
                    x = i
                except KeyError:
                    x = -1
                finally:
                    y = i; z = y
            try:
                return y
            finally:
                y = None
    """)["target"]
    results = tracefunc(target, 9)
    assert hits(results) == {
        "for i in range(n):": 5,
        "try:": 5,
        "if i == 1:": 5,
        "continue": 1,
        "if i == 2:": 4,
        "raise KeyError": 1,
        "if i == 4:": 3,
        "break": 1,
        "x = i": 2,
        "except KeyError:": 1,
        "x = -1": 1,
        "y = i": 5,
        "z = y": 5,
        "return y": 1,
        "try: ": 1,
        "y = None": 1,
    }
    assert texts(results, "y = i", "y") == ["0", "1", "2", "3", "4"]
    assert texts(results, "return y", "y") == ["4"]
    assert texts(results, "y = None", "y") == ["None"]


class Manager:
    def __init__(self, swallow=False):
        self.swallow = swallow

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return self.swallow

    def __repr__(self):
        return "Manager"


@pytest.mark.parametrize("ending", ["x = 2", "return 2", "raise KeyError", "break", "continue"])
def test_the_exit_of_a_with_is_no_entry(define, ending):
    target = define(
        f"""
        def target(n):
            for i in range(n):
                with Manager(True) as m, Manager():
                    x = i
                    {ending}
                y = i
        """,
        Manager=Manager,
    )["target"]
    results = tracefunc(target, 2)
    rounds = 1 if ending in ("return 2", "break") else 2
    found = hits(results)
    assert found["with Manager(True) as m, Manager():"] == found["x = i"] == rounds
    assert found.get("y = i", 0) == {"x = 2": 2, "raise KeyError": 2}.get(ending, 0)
    assert texts(results, "with Manager(True) as m, Manager():", "m") == ["Manager"] * rounds


def test_loop_tests_that_exist_twice(define):
    target = define("""
        def target(n):
            i = 0
            while i < n and i >= 0:
                i += 1
                while i == 2 or i == 4: i += 1
            return i
    """)["target"]
    found = hits(tracefunc(target, 6))
    assert found == {
        "i = 0": 1,
        "while i < n and i >= 0:": 5,
        "i += 1": 4,
        "while i == 2 or i == 4:": 6,
        "i += 1 ": 2,
        "return i": 1,
    }


def test_event_names_are_looked_up():
    """Their numbers are others from 3.14 on; a callback under a wrong number would never be called."""
    seen = []

    def target():
        (tool,) = our_ids()
        local = MONITORING.get_local_events(tool, target.__code__)
        seen.append(local & ~EVENTS.LINE & ~EVENTS.PY_UNWIND)

    tracefunc(target)
    assert seen == [EVENTS.PY_START | EVENTS.PY_RETURN | EVENTS.INSTRUCTION]


# --- the compiler moves code that is seldom executed ---------------------------------------------------------------------


@pytest.mark.parametrize("form", ["[0 async for i in numbers()]", "{i async for i in numbers()}"])
def test_a_handler_in_the_middle_of_a_header(define, form):
    """What a `try` catches stands between the instructions of the comprehension that a later `for` goes over."""

    async def numbers():
        yield 1
        yield 2

    fn = define(f"""
        async def target(numbers):
            try:
                x = 1
            except KeyError:
                y = 2
            for c in {form}:
                z = c
            yield x
    """)["target"]
    found = hits(tracefunc(fn, numbers))
    assert (found[f"for c in {form}:"], found[form], found["z = c"]) == (3, 2, 2)


def test_a_loop_in_finally_does_not_begin_where_the_other_copy_of_it_ended():
    def target(xs):
        try:
            x = 1
        finally:
            for i in xs:
                y = i

    from tracefunc._plan.target_plan import plan

    (code_plan,) = plan(target).codes
    states = [action.line for action in code_plan.actions.values() if action.line >= len(plan(target).lines)]
    assert len(states) == len(set(states)) == 2


@pytest.mark.parametrize("suite", ["pass", "continue", "...", "x"])
def test_a_case_that_matches_all_before_a_suite_without_work_on_its_line(define, suite):
    target = define(f"""
        def target(xs):
            for x in xs:
                match x:
                    case 1: y = 1
                    case _: {suite}
    """)["target"]
    found = hits(tracefunc(target, [1, 2, 3]))
    assert (found["case 1:"], found["y = 1"], found["case _:"]) == (3, 1, 2)


def test_a_yield_in_the_iterable_of_a_loop():
    def target():
        n = yield
        for b in (yield 1):
            n = b

    def fn():
        generator = target()
        next(generator)
        next(generator)
        with pytest.raises(StopIteration):
            generator.send((7, 8))

    assert hits(tracefunc(fn, target_func=target)) == {"n = yield": 1, "for b in (yield 1):": 3, "n = b": 2}


def test_a_return_on_the_line_of_a_statement_with_a_loop_in_it(define):
    """The jump back at the end of a comprehension is not the end of the statement that it is in."""
    space = define("""
        import contextlib
        def target(x):
            with contextlib.suppress(ValueError): b = int([a for a in x]); return
        def other(x):
            with contextlib.suppress(ValueError): b = str([a for a in x]); return 5
    """)
    assert "return" not in hits(tracefunc(space["target"], (1, 2)))
    results = tracefunc(space["other"], (1, 2))
    assert (hits(results)["return 5"], texts(results, "b = str([a for a in x])", "b")) == (1, ["'[1, 2]'"])


def test_frames_that_go_without_an_event(monkeypatch):
    """Generators that ignore being closed: what comes after the tenth call at their addresses leaves no mark."""
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)

    def target(i):
        try:
            yield any(a > 5 for a in range(3))
        except GeneratorExit:
            yield 2
        x = 3

    def fn():
        for i in range(10):
            dropped = target(i)
            next(dropped)
            del dropped
        place = target(10)
        later = target(11)
        next(later)
        del place
        last = target(12)
        for _ in range(3):
            next(last, 0)
        last.close()
        later.close()

    for _, trace in tracefunc(fn, target_func=target):
        found = {line: count for line, (count, _) in trace.items()}
        assert found["yield any(a > 5 for a in range(3))"] == 1
        assert found["(a > 5 for a in range(3))"] == 3
        assert "x = 3" not in found
