"""In which order the ground truth takes samples, what ended hits, and where calls begin: held against lists by hand."""

import itertools
import textwrap

import pytest

from groundtruth import compare, truth
from groundtruth.facts import CallFacts, LineFacts, compare_facts, error_text
from programs import load

numbers = itertools.count()


def made(source, name="target"):
    """An object of a module with this source, known to linecache."""
    return load(textwrap.dedent(source).lstrip("\n"), f"<facts {next(numbers)}>")[name]


def told(results):
    """One line of text for each moment: samples with what ended the hit, starts and ends of calls."""
    found = []
    for n, call in enumerate(results.facts):
        found.append((call.began, f"> {n}"))
        if call.ended is not None:
            found.append((call.ended, f"< {n}"))
        for text, line in call.lines.items():
            for k, moment in enumerate(line.moments):
                kind, error = line.raised.get(k, (None, None)) or ("not known", None)
                text = text.rstrip()  # what makes it unique
                found.append((moment, text if kind is None else f"{text}  !! {error or kind}"))
    assert sorted(moment for moment, _ in found) == list(range(len(found)))
    return [what for _, what in sorted(found)]


def story(source, *args, name="target", fn=None):
    """The same for a call of the target, without its start and end, if there is one call only."""
    target = made(source, name)
    told_ = told(truth(target, *args) if fn is None else truth(target.__globals__[fn], *args, target_func=target))
    return told_ if "> 1" in told_ else [what for what in told_ if what not in ("> 0", "< 0")]


def rows(text):
    return textwrap.dedent(text).strip().split("\n")


def check(source, *args, **options):
    """A source, and behind it, after `===`, what is told of it."""
    source, _, want = textwrap.dedent(source).partition("\n===\n")
    assert story(source, *args, **options) == rows(want)


def test_try_except_else_finally():
    check(
        """
        def target(x):
            try:
                y = x[0]
            except KeyError:
                return 1
            except IndexError as e:
                z = e
            else:
                z = y
            finally:
                x = None
            return z
        ===
        try:
        y = x[0]  !! IndexError('list index out of range')
        except KeyError:
        except IndexError as e:
        z = e
        x = None
        return z
        """,
        [],
    )
    check(
        """
        def target(x):
            try:
                y = x[0]
            except IndexError: pass
            else:
                z = nothing
            finally:
                x = None
        ===
        try:
        y = x[0]
        z = nothing  !! NameError("name 'nothing' is not defined")
        x = None
        """,
        [1],
    )


def test_no_handler_matches():
    check(
        """
        def target():
            try:
                try:
                    raise KeyError(1)
                except ValueError:
                    pass
                finally:
                    a = 1
            except (TypeError, OSError):
                pass
        ===
        try:
        try:
        raise KeyError(1)  !! KeyError(1)
        except ValueError:
        a = 1
        except (TypeError, OSError):
        """
    )


def test_a_handler_whose_type_or_body_raises():
    check(
        """
        def target():
            try:
                try:
                    1 / 0
                except nothing:
                    pass
            except NameError:
                raise ValueError(2) from None
        ===
        try:
        try:
        1 / 0  !! ZeroDivisionError('division by zero')
        except nothing:  !! NameError("name 'nothing' is not defined")
        except NameError:
        raise ValueError(2) from None  !! ValueError(2)
        """
    )
    check(
        """
        def target():
            try:
                1 / 0
            except 5:
                pass
        ===
        try:
        1 / 0  !! ZeroDivisionError('division by zero')
        except 5:  !! TypeError('catching classes that do not inherit...
        """
    )


def test_a_bare_raise_ends_its_own_hit():
    check(
        """
        def target(n):
            try:
                try:
                    int(n)
                except ValueError:
                    raise
            except ValueError as e:
                raise
        ===
        try:
        try:
        int(n)  !! ValueError("invalid literal for int() with base...
        except ValueError:
        raise  !! ValueError("invalid literal for int() with base...
        except ValueError as e:
        raise  !! ValueError("invalid literal for int() with base...
        """,
        "x",
    )


def test_a_return_that_raises_and_one_that_finally_replaces():
    check(
        """
        def target(x):
            try:
                return x()
            finally:
                return 2
        ===
        try:
        return x()  !! TypeError("'int' object is not callable")
        return 2
        """,
        1,
    )


def test_with_raises_once():
    source = """
        def target(enter, leave):
            class M:
                def __enter__(self):
                    return enter()
                def __exit__(self, kind, e, tb):
                    return leave()
            with M() as a, M() as b:
                c = a + b
    """
    head = ["def __enter__(self):", "def __exit__(self, kind, e, tb):", "class M:"]
    line = "with M() as a, M() as b:"
    enter, leave = "return enter()", "return leave()"
    got = story(source, lambda: 1, lambda: None)
    assert got == [*head, enter, enter, line, "c = a + b", leave, leave]
    values = iter([1])

    def one():
        return next(values)

    got = story(source, one, lambda: True)
    assert got == [*head, enter, f"{enter}  !! StopIteration()", f"{line}  !! StopIteration()", leave]
    got = story(source, lambda: None, lambda: None)
    error = "TypeError(\"unsupported operand type(s) for +: '..."
    assert got == [*head, enter, enter, line, f"c = a + b  !! {error}", leave, leave]
    got = story(source, lambda: 1, lambda: 1 / 0)
    error = "ZeroDivisionError('division by zero')"
    assert got == [*head, enter, enter, line, "c = a + b", *2 * [f"{leave}  !! {error}"]]


def test_with_whose_target_raises():
    check(
        """
        def target(m):
            with m() as (a, b):
                pass
        ===
        with m() as (a, b):  !! TypeError('cannot unpack non-iterable int object')
        """,
        lambda: __import__("contextlib").nullcontext(1),
    )


def test_for_and_while():
    assert story(
        """
        def target(n):
            def it():
                yield 1
                n[0]
            try:
                for i in it():
                    j = i
            except TypeError: pass
            for k in n: pass
        """,
        3,
    ) == [
        "def it():",
        "try:",
        "for i in it():",  # the generator waits in its `yield`
        "j = i",
        "yield 1",
        "n[0]  !! TypeError(\"'int' object is not subscriptable\")",
        "for i in it():  !! TypeError(\"'int' object is not subscriptable\")",
        "except TypeError:",
        "pass",
        "for k in n:  !! TypeError(\"'int' object is not iterable\")",
    ]
    check(
        """
        def target(xs):
            while xs[0]:
                del xs[0]
            else:
                a = 1
        ===
        while xs[0]:
        del xs[0]
        while xs[0]:  !! IndexError('list index out of range')
        """,
        [1],
    )
    check(
        """
        def target(xs):
            for x in xs:
                if x: continue
            else:
                y = x
            for a, b in xs: pass
        ===
        for x in xs:
        if x:
        for x in xs:
        if x:
        continue
        for x in xs:
        y = x
        for a, b in xs:  !! TypeError('cannot unpack non-iterable int object')
        """,
        [0, 1],
    )


def test_a_stop_iteration_that_is_no_end():
    check(
        """
        def target():
            for i in (next(iter(())) for _ in "a"):
                pass
        ===
        for i in (next(iter(())) for _ in "a"):  !! RuntimeError('generator raised StopIteration')
        """
    )


def test_comprehensions_and_lambdas():
    check(
        """
        def target(xs):
            f = lambda v: 6 // v
            a = [f(x) for x in xs if x]
            if [x for x in xs if f(x)]:
                pass
        ===
        f = lambda v: 6 // v
        lambda v: 6 // v
        [f(x) for x in xs if x]
        a = [f(x) for x in xs if x]
        lambda v: 6 // v
        [x for x in xs if f(x)]
        lambda v: 6 // v  !! ZeroDivisionError
        if [x for x in xs if f(x)]:  !! ZeroDivisionError
        """.replace("!! ZeroDivisionError", f"!! {error_text(_zero())[:50]}"),
        [2, 0],
    )
    check(
        """
        def target(xs):
            g = (x for x in xs)
            h = {y: [z for z in (y,)] for y in g}
            return {[] for _ in xs}
        ===
        g = (x for x in xs)
        (x for x in xs)
        [z for z in (y,)]
        {y: [z for z in (y,)] for y in g}
        h = {y: [z for z in (y,)] for y in g}
        {[] for _ in xs}
        return {[] for _ in xs}  !! TypeError
        """.replace("!! TypeError", f"!! {error_text(_unhashable())}"),
        [1],
    )


def _zero():
    try:
        6 // 0
    except ZeroDivisionError as e:
        return e


def _unhashable():
    try:
        {[]}
    except TypeError as e:
        return e


def test_generators_closed_and_thrown_into():
    source = """
        def target(how):
            def gen():
                try:
                    a = yield 1
                except Boom: pass
                finally:
                    b = 2
                yield from inner()
            def inner():
                c = yield 3
            g = gen()
            next(g)
            how(g)
    """
    head = ["def gen():", "def inner():", "g = gen()", "try:", "next(g)"]
    got = story(source, lambda g: g.close())
    assert got == [*head, "a = yield 1  !! GeneratorExit()", "except Boom:", "b = 2", "how(g)"]

    def throw(g):
        g.throw(boom(1))
        g.close()

    target = made(source)
    boom = target.__globals__["Boom"]
    got = told(truth(target, throw))[1:-1]
    assert got == [
        *head,
        "a = yield 1  !! Boom",
        "except Boom:",
        "pass",
        "b = 2",
        "c = yield 3  !! GeneratorExit()",
        "yield from inner()  !! GeneratorExit()",
        "how(g)",
    ]


def test_except_star():
    check(
        """
        def target():
            try:
                raise ExceptionGroup("g", [KeyError(1), OSError(2)])
            except* ValueError:
                a = 1
            except* KeyError as e:
                b = 2
            except* nothing:
                c = 3
            except* OSError:
                d = 4
        ===
        try:
        raise ExceptionGroup("g", [KeyError(1), OSError(2)])  !! ExceptionGroup
        except* ValueError:
        except* KeyError as e:
        b = 2
        except* nothing:  !! not known
        """
    )
    check(
        """
        def target():
            try:
                raise ExceptionGroup("g", [KeyError(1), OSError(2)])
            except* KeyError:
                raise
            except* OSError:
                raise ValueError(3)
        ===
        try:
        raise ExceptionGroup("g", [KeyError(1), OSError(2)])  !! ExceptionGroup
        except* KeyError:
        raise  !! not known
        except* OSError:
        raise ValueError(3)  !! not known
        """
    )


def test_match():
    check(
        """
        def target(v):
            match v:
                case [1]:
                    a = 1
                case [x] if x / 0:
                    b = 2
        ===
        match v:
        case [1]:
        case [x] if x / 0:  !! ZeroDivisionError('division by zero')
        """,
        [2],
    )
    check(
        """
        def target(v):
            match v[5]:
                case _: pass
        ===
        match v[5]:  !! IndexError('list index out of range')
        """,
        [],
    )
    check(
        """
        def target(v):
            match v:
                case nothing.there: pass
                case _: pass
        ===
        match v:
        case nothing.there:  !! NameError("name 'nothing' is not defined")
        """,
        1,
    )


def test_assert_and_one_line_suites():
    check(
        """
        def target(x):
            if x: y = 1; z = 2
            while z: z -= 1; break
            try: assert x == 2, "no"
            except AssertionError: pass
        ===
        if x:
        y = 1
        z = 2
        while z:
        z -= 1
        break
        try:
        assert x == 2, "no"  !! AssertionError('no')
        except AssertionError:
        pass
        """,
        1,
    )


def test_decorators_defaults_and_classes():
    check(
        """
        def target(x):
            try:
                @deco
                @x
                def f(a=1): pass
            except TypeError: pass
            try:
                def g(a=x[0], *, b=(lambda: x)()): pass
            except TypeError: pass
            class C:
                y = (lambda: x)()
                z = y + ""
        ===
        try:
        def f(a=1):  !! TypeError("'int' object is not callable")
        except TypeError:
        pass
        try:
        def g(a=x[0], *, b=(lambda: x)()):  !! TypeError("'int' object is not subscriptable")
        except TypeError:
        pass
        lambda: x
        y = (lambda: x)()
        z = y + ""  !! TypeError("unsupported operand type(s) for +: '...
        class C:  !! TypeError("unsupported operand type(s) for +: '...
        """,
        1,
    )


def test_nested_functions():
    check(
        """
        def target(x):
            def f(y):
                if y: return f(y - 1)
                raise Boom(y)
            try:
                f(x)
            except Boom as e: pass
        ===
        def f(y):
        try:
        if y:
        if y:
        raise Boom(y)  !! Boom
        return f(y - 1)  !! Boom
        f(x)  !! Boom
        except Boom as e:
        pass
        """,
        1,
    )


def test_calls_nest():
    source = """
    def target(n):
        before = n
        if n:
            target(n - 1)
        return [target(m) for m in range(n - 1)]
    """
    results = truth(made(source), 2)
    assert told(results) == [
        "> 0",
        "before = n",
        "if n:",
        "> 1",
        "before = n",
        "if n:",
        "> 2",
        "before = n",
        "if n:",
        "return [target(m) for m in range(n - 1)]",
        "< 2",
        "target(n - 1)",
        "return [target(m) for m in range(n - 1)]",
        "< 1",
        "target(n - 1)",
        "> 3",
        "before = n",
        "if n:",
        "return [target(m) for m in range(n - 1)]",
        "< 3",
        "[target(m) for m in range(n - 1)]",
        "return [target(m) for m in range(n - 1)]",
        "< 0",
    ]
    at = results.texts.index
    assert [(call.parent, call.parent_line) for call in results.facts] == [
        (None, None),
        (0, (at("target(n - 1)"), 0)),
        (1, (at("target(n - 1)"), 0)),
        (0, (at("return [target(m) for m in range(n - 1)]"), 0)),
    ]


def places(source, *args):
    """For each call but the first: the text of the line that it began in, and its hits before."""
    results = truth(made(source), *args)
    return [
        None if call.parent_line is None else (call.parent, results.texts[call.parent_line[0]], call.parent_line[1])
        for call in results.facts[1:]
    ]


def test_lines_in_which_calls_begin():
    got = places(
        """
        def target(n):
            if not n: return []
            f = lambda: target(0)
            for x in (target(0) or "ab"):
                f()
            while not target(0) and n:
                n -= 1
            with CM(target(0)) as target(0).x:
                pass
        """.replace("target(0).x", "CM.y"),
        1,
    )
    assert got == [
        (0, 'for x in (target(0) or "ab"):', 0),
        (0, "lambda: target(0)", 0),
        (0, "lambda: target(0)", 1),
        (0, "while not target(0) and n:", 0),
        (0, "while not target(0) and n:", 1),
        (0, "with CM(target(0)) as CM.y:", 0),
    ]
    got = places(
        """
        def target(n):
            if not n: return ValueError
            def it():
                yield target(0)
            for x in it():
                pass
            try: raise KeyError
            except target(0): pass
            except KeyError: pass
            match n:
                case 5: pass
                case _ if target(0): pass
            g = [m for m in (1, 2) if target(0) if [target(0) for _ in "a"]]
        """,
        1,
    )
    comp = '[m for m in (1, 2) if target(0) if [target(0) for _ in "a"]]'
    assert got == [
        (0, "yield target(0)", 0),
        (0, "except target(0):", 0),
        (0, "case _ if target(0):", 0),
        *4 * [(0, f"g = {comp}", 0)],
    ]


def test_a_line_that_has_all_its_samples_says_no_hit():
    got = places(
        """
        def target(n):
            if not n: return 1
            for i in range(9):
                i
            for i in range(11):
                i < 10 or target(0)
            list(target(0) for i in range(2))
        """,
        1,
    )
    assert got == [
        (0, "i < 10 or target(0)", None),
        (0, "(target(0) for i in range(2))", 0),
        (0, "(target(0) for i in range(2))", 1),
    ]


def test_a_call_that_begins_between_two_lines_has_no_line():
    source = """
    def target(n):
        if not n: return 1
        class M:
            def __enter__(self): pass
            __exit__ = wrap(lambda *_: target(0))
        with M():
            pass
    """
    assert places(source.replace("wrap(lambda *_: target(0))", "lambda *_: target(0)"), 1) == [
        (0, "lambda *_: target(0)", 0)
    ]
    source = """
    class M:
        def __enter__(self): pass
        def __exit__(self, *e): target(0)
    def target(n):
        if not n: return 1
        with M():
            pass
    """
    assert places(source, 1) == [None]


def test_generators_as_targets():
    source = """
    def target(n):
        if n: yield from target(n - 1)
        yield n
    def main():
        g, h = target(1), target(0)
        next(g); next(h)
        for _ in g: break
        h.close()
        del g
    """
    main = made(source, "main")
    results = truth(main, target_func=main.__globals__["target"])
    assert told(results) == [
        "> 0",
        "if n:",
        "> 1",
        "if n:",
        "> 2",
        "if n:",
        "yield n",
        "< 1",
        "yield from target(n - 1)",
        "yield n  !! GeneratorExit()",
        "< 2",
        "yield n  !! GeneratorExit()",
        "< 0",
    ]
    assert [call.left for call in results.facts] == [True, False, True]


def test_a_call_that_has_not_ended():
    source = """
    kept = []
    def target():
        yield 1
    def main():
        kept.append(target())
        next(kept[0])
    """
    main = made(source, "main")
    results = truth(main, target_func=main.__globals__["target"])
    main.__globals__["kept"].clear()
    assert told(results) == ["> 0"]


def test_samples_stop_at_ten():
    results = truth(made("def target(n):\n    for i in range(n):\n        n"), 12)
    lines = results.facts[0].lines
    assert lines["for i in range(n):"].moments == list(range(1, 20, 2))
    assert lines["n"].moments == list(range(2, 21, 2))
    assert results.facts[0].ended == 21


def as_traced(results):
    class Line:
        def __init__(self, text, facts, hits):
            self.text, self.hits = text, hits
            self.moments, self.raised = list(facts.moments), dict(facts.raised)

    class Call(tuple):
        pass

    calls = []
    for trace, facts in zip(results, results.facts, strict=True):
        call = Call(("", {text: (hits, dict(sorted(names.items()))) for text, (hits, names) in trace.items()}))
        call.began, call.ended, call.parent = facts.began, facts.ended, facts.parent
        call.parent_line = facts.parent_line
        call.lines = [Line(text, line, trace[text][0]) for text, line in facts.lines.items()]
        calls.append(call)
    return calls


SOURCE = """
def target(n):
    try:
        if n: target(n - 1)
        pass
        1 / n
    except ZeroDivisionError as e:
        return n
"""


def test_facts_are_compared():
    want = truth(made(SOURCE), 1)
    assert compare(as_traced(want), want) == []

    def wrong(change):
        calls = as_traced(want)
        change(calls)
        found = compare(calls, want)
        assert found
        return found

    def line(calls, text, n=1):
        return next(line for line in calls[n].lines if line.text == text)

    def swap(calls):
        one, other = line(calls, "return n"), line(calls, "1 / n")
        one.moments, other.moments = other.moments, one.moments

    assert "sequence" in wrong(swap)[0]

    def early(calls):
        one = line(calls, "return n")
        one.moments[0], calls[1].ended = calls[1].ended, one.moments[0]

    assert "sequence" in wrong(early)[0]
    assert "not numbered densely" in wrong(lambda calls: line(calls, "return n").moments.__setitem__(0, 99))[0]
    assert "raised of '1 / n'" in wrong(lambda calls: line(calls, "1 / n").raised.clear())[0]
    other = {0: ("ZeroDivisionError", "no")}
    assert "raised of '1 / n'" in wrong(lambda calls: line(calls, "1 / n").raised.update(other))[0]
    assert "raised of 'return n'" in wrong(lambda calls: line(calls, "return n").raised.update(other))[0]
    assert "parent_line" in wrong(lambda calls: setattr(calls[1], "parent_line", None))[0]
    assert "parent_line" in wrong(lambda calls: setattr(calls[1], "parent_line", (calls[1].parent_line[0], 1)))[0]
    assert any("did not end" in w for w in wrong(lambda calls: setattr(calls[1], "ended", None)))


def test_a_line_without_an_instruction_may_be_missing():
    want = truth(made(SOURCE), 0)
    [call] = as_traced(want)
    gone = next(line for line in call.lines if line.text == "try:")
    call.lines.remove(gone)
    del call[1]["try:"]
    for line in call.lines:
        line.moments = [moment - (moment > gone.moments[0]) for moment in line.moments]
    call.ended -= 1
    assert compare([call], want) == []


def test_texts_of_exceptions():
    class Own(KeyError):
        pass

    assert error_text(KeyError("a")) == "KeyError('a')"
    assert error_text(ValueError("a" * 60)) == "ValueError('" + "a" * 35 + "..."
    assert error_text(Own(1)) is None
    assert error_text(KeyError([])) is None
    assert error_text(ImportError("a", name="b")) is None


def test_an_unbound_local_is_a_name_error_in_the_truth():
    facts = [CallFacts(0, 2, lines={"x": LineFacts([1], {0: ("UnboundLocalError", "a")})})]

    class Truth:
        texts, workless = ["x"], set()

    other = [CallFacts(0, 2, lines={"x": LineFacts([1], {0: ("NameError", "b")})})]
    Truth.facts = other
    assert list(compare_facts(facts, Truth, lambda n, text: True)) == []


@pytest.mark.parametrize("kind", ["async for", "async with", "await"])
def test_asynchronous_lines_that_raise(kind):
    body = {
        "async for": "async for i in AItems(2):\n            x = i\n            await pause()",
        "async with": "async with CM(1) as a:\n            await pause()",
        "await": "await pause()",
    }[kind]
    source = f"""
    async def target():
        {body}
    def main():
        c = target()
        c.send(None)
        try:
            while True: c.throw(Boom(1))
        except Boom: pass
    """
    main = made(source, "main")
    got = told(truth(main, target_func=main.__globals__["target"]))
    assert got[-2:] in (["await pause()  !! Boom", "< 0"], [f"{source.split(chr(10))[2].strip()}  !! Boom", "< 0"])
