"""The ground truth itself, against expectations written by hand from the contract."""

import functools
import gc
import sys
import textwrap
import threading
import types
import weakref

import pytest

from groundtruth import TruthResults, Unsupported, compare, truth
from programs import load

GONE = "<unavailable>"
count = 0


def made(source, name="target"):
    """An object of a module with this source, known to linecache."""
    global count
    count += 1
    return load(textwrap.dedent(source).lstrip("\n"), f"<truth {count}>")[name]


def flat(trace):
    """Per line the hits, followed by name=texts."""
    return {
        text: (hits, *(f"{n}={','.join(t for _, t in samples)}" for n, samples in names.items()))
        for text, (hits, names) in trace.items()
    }


def lines(source, *args, call=0, **options):
    return flat(truth(made(source), *args, **options)[call])


def test_simple_statements_and_return():
    got = lines(
        """
        def target(x):
            "doc"
            y = x + 1; z = y
            del x
            return y + z
        """,
        1,
    )
    assert got == {
        '"doc"': (1,),
        "y = x + 1": (1, "x=1", "y=2"),
        "z = y": (1, "y=2", "z=2"),
        "del x": (1, f"x={GONE}"),
        "return y + z": (1, "y=2", "z=2"),
    }


def test_raising_lines_are_sampled_at_the_raise():
    results = truth(
        made(
            """
            def target(x):
                try:
                    x = {}[x]
                except TypeError:
                    pass
                except KeyError as e:
                    return e
                finally:
                    x = 5
            """
        ),
        3,
    )
    assert isinstance(results, TruthResults)
    assert flat(results[0]) == {
        "try:": (1,),
        "x = {}[x]": (1, "x=3"),
        "except TypeError:": (1, "TypeError=<class 'TypeError'>"),
        "except KeyError as e:": (1, "KeyError=<class 'KeyError'>", "e=KeyError(3)"),
        "return e": (1, "e=KeyError(3)"),
        "x = 5": (1, "x=5"),
    }
    assert "try:" in results.workless and "pass" in results.workless and "x = 5" not in results.workless


def test_loops_count_advances_and_tests():
    got = lines(
        """
        def target(xs):
            for x in xs:
                if x: continue
                elif not x: y = x
            else:
                z = 1
            for a, b in [(1, 2), (3,)]:
                pass
        """,
        [0, 1],
    )
    assert got["for x in xs:"] == (3, "x=0,1,1", "xs=[0, 1],[0, 1],[0, 1]")
    assert got["if x:"] == (2, "x=0,1")
    assert got["continue"] == (1,)
    assert got["elif not x:"] == (1, "x=0")
    assert got["z = 1"] == (1, "z=1")
    assert got["for a, b in [(1, 2), (3,)]:"] == (2, "a=1,1", "b=2,2")  # the unpacking raised
    got = lines(
        """
        def target(n):
            while n:
                n -= 1
                if n == 1: break
            for i in range(9):
                if i == 2: break
            try:
                for j in 5: pass
            except TypeError: pass
        """,
        3,
    )
    assert got["while n:"] == (2, "n=3,2")
    assert got["for i in range(9):"][0] == 3
    assert got["for j in 5:"] == (1, f"j={GONE}")


def test_with_is_one_entry_sampled_before_the_exits():
    got = lines(
        """
        def target():
            with CM(1) as a:
                b = a
            try:
                with CM(2) as c, CM(3, enter=True) as d:
                    pass
            except Boom: pass
            with CM(4, swallow=True) as (e, f):
                pass
        """
    )
    assert got["with CM(1) as a:"] == (1, "CM=<class 'support.CM'>", "a=1")
    assert got["with CM(2) as c, CM(3, enter=True) as d:"][1:] == (
        "CM=<class 'support.CM'>",
        "c=2",
        f"d={GONE}",
    )
    assert got["with CM(4, swallow=True) as (e, f):"] == (
        1,
        "CM=<class 'support.CM'>",
        f"e={GONE}",
        f"f={GONE}",
    )


def test_an_entry_that_raises_is_sampled_before_earlier_exits():
    source = """
    def target():
        n = 0
        class M:
            def __enter__(self): return self
            def __exit__(self, *a):
                nonlocal n
                n += 1
                return True
        with M() as m, open(n.nothing):
            pass
        with M() as (m.a, m.b):
            pass
        with M() as m:
            return n
    """
    got = lines(source)
    assert "n=0" in got["with M() as m, open(n.nothing):"]
    assert got["return n"] == (1, "n=2")


def test_match_and_cases():
    got = lines(
        """
        def target(vs):
            for v in vs:
                match v:
                    case [a, 1]:
                        pass
                    case (b, *c) if b > 1:
                        d = c
                    case {"k": k, **rest}: pass
                    case None: e = 1
        """,
        [[0, 1], [2, 3], {"k": 1, "l": 2}, None],
    )
    assert got["match v:"][0] == 4
    assert got["case [a, 1]:"] == (4, "a=0,0,0,0")
    assert got["case (b, *c) if b > 1:"] == (3, "b=2,2,2", "c=[3],[3],[3]")
    assert got['case {"k": k, **rest}:'] == (2, "k=1,1", "rest={'l': 2},{'l': 2}")
    assert got["case None:"] == (1,)
    assert got["e = 1"] == (1, "e=1")


def test_a_name_that_is_put_away_for_a_comprehension_within_one():
    got = lines(
        """
        def target(x):
            a = [1 for i in (x,) if [2 for x in "ab"]]
            b = [x for i in (x,) if [2 for x in "ab"]]
            c = [1 for i in (x,) if [2 for j in "a" if [3 for x in "ab"]]]
            d = [1 for i in (x,) if [2 for j in (x,) if [3 for x in "ab"]]]
            e = [1 for i in (x,) if list(2 for x in "ab")]
            f = [1 for i in (x,) if [(lambda: x) for x in "ab"]]
            g = [1 for i in (len,) if [2 for len in "ab"]]
            class C:
                h = [1 for i in (x,) if [2 for x in "ab"]]
        """,
        7,
    )
    assert got['[1 for i in (x,) if [2 for x in "ab"]]'][:3] == (1, "i=7", f"x={GONE}")
    assert got['[x for i in (x,) if [2 for x in "ab"]]'][:3] == (1, "i=7", "x=7")
    assert got['[1 for i in (x,) if [2 for j in "a" if [3 for x in "ab"]]]'] == (1, "i=7", f"x={GONE}")
    assert got['[1 for i in (x,) if [2 for j in (x,) if [3 for x in "ab"]]]'] == (1, "i=7", "x=7")
    assert got['[2 for j in (x,) if [3 for x in "ab"]]'] == (1, "j=7", f"x={GONE}")
    assert got['[1 for i in (x,) if list(2 for x in "ab")]'] == (1, "i=7", "list=<class 'list'>", "x=7")
    assert got['[1 for i in (x,) if [(lambda: x) for x in "ab"]]'] == (1, "i=7", f"x={GONE}")
    assert got['[1 for i in (len,) if [2 for len in "ab"]]'][:2] == (1, "i=<built-in function len>")


def test_except_star():
    got = lines(
        """
        def target():
            try:
                raise ExceptionGroup("g", [KeyError(1)])
            except* KeyError as e:
                a = len(e.exceptions)
            except* ValueError as f:
                pass
            except* (OSError, TypeError):
                pass
            try:
                raise ExceptionGroup("g", [KeyError(1)])
            except* nothing:
                pass
            except* KeyError:
                pass
        """
    )
    assert got["except* KeyError as e:"] == (
        1,
        "KeyError=<class 'KeyError'>",
        "e=ExceptionGroup('g', [KeyError(1)])",
    )
    assert got["a = len(e.exceptions)"][:2] == (1, "a=1")
    assert got["except* ValueError as f:"] == (1, "ValueError=<class 'ValueError'>", f"f={GONE}")
    assert got["except* (OSError, TypeError):"][0] == 1
    assert got["except* nothing:"] == (1, f"nothing={GONE}")
    assert "except* KeyError:" not in got


def test_comprehensions_count_elements():
    got = lines(
        """
        def target(xs):
            a = [f(x) for x in xs if x for f in [lambda v: v * 2]]
            b = {k: [y for y in range(k)] for k in xs}
            c = [(w := x) for x in xs]
            d = x
        """,
        [0, 1, 2],
    )
    assert got["[f(x) for x in xs if x for f in [lambda v: v * 2]]"][0] == 2
    assert got["lambda v: v * 2"] == (2, "v=1,2")
    assert got["{k: [y for y in range(k)] for k in xs}"][:2] == (3, "k=0,1,2")
    assert got["[y for y in range(k)]"][:2] == (3, "k=1,2,2")
    assert got["[(w := x) for x in xs]"] == (3, "w=0,1,2", "x=0,1,2", "xs=[0, 1, 2],[0, 1, 2],[0, 1, 2]")
    assert got["d = x"] == (1, f"d={GONE}", f"x={GONE}")


def test_generator_expressions_have_their_own_names():
    got = lines(
        """
        def target(xs):
            return sum(x + len for x in xs for _ in (1, 2))
        def len(): pass
        """.replace("x + len", "x + G"),
        [1, 2],
    )
    want = (4, "G=10,10,10,10", "_=1,2,1,2", "x=1,1,2,2", f"xs={','.join([GONE] * 4)}")
    assert got["(x + G for x in xs for _ in (1, 2))"] == want
    got = lines("def target(): return list(x for x in K.T)")
    assert got["(x for x in K.T)"][0] == 2
    assert got["(x for x in K.T)"][1].startswith("K=namespace(")


def test_what_only_the_first_iterable_of_a_generator_expression_mentions():
    got = lines(
        """
        def target(x):
            a = [*(len({0 for x in "ab"}) for i in (x,))]
            b = [*((lambda x: i)(i) for i in (x,))]
            c = [*((lambda y=x: i)() for i in (x,))]
        """,
        7,
    )
    assert got['(len({0 for x in "ab"}) for i in (x,))'][1:] == ("i=7", "len=<built-in function len>", f"x={GONE}")
    assert got["((lambda x: i)(i) for i in (x,))"] == (1, "i=7", f"x={GONE}")
    assert got["((lambda y=x: i)() for i in (x,))"] == (1, "i=7", "x=7")


def test_what_is_declared_global_is_no_variable_of_the_function_around():
    got = lines(
        """
        def make(G=5):
            def target():
                class C:
                    global G
                    a = [*(not i for i in (G,))]
                    b = [not i for i in (G,)]
                def inner():
                    global G
                    return [*(-i for i in (G,))]
                def other():
                    return [*(+i for i in (G,))]
                return inner(), other()
            return target
        target = make()
        """
    )
    assert got["(not i for i in (G,))"] == (1, "G=10", "i=10")
    assert got["[not i for i in (G,)]"] == (1, "G=10", "i=10")
    assert got["(-i for i in (G,))"] == (1, "G=10", "i=10")
    assert got["(+i for i in (G,))"] == (1, f"G={GONE}", "i=5")


def test_a_global_around_which_a_function_has_a_variable():
    got = lines(
        """
        def make(G=5):
            def target():
                global G
                a = G
            return target
        target = make()
        """
    )
    assert got["a = G"] == (1, "G=10", "a=10")


def test_private_names_of_a_function_around():
    got = lines(
        """
        class C:
            def make(__x=5):
                def target():
                    a = __x
                    return [*(i for i in (__x,))]
                return target
            target = make()
        target = C.target
        """
    )
    assert got["a = __x"] == (1, "__x=5", "a=5")
    assert got["(i for i in (__x,))"] == (1, f"__x={GONE}", "i=5")


@pytest.mark.skipif(sys.version_info < (3, 15), reason="grammar of 3.15")
def test_unpacking_comprehensions_count_one_per_item():
    got = lines(
        """
        def target(xs):
            a = [*x for x in xs]
            b = {**{x[0]: 1} for x in xs}
            c = list(*x for x in xs)
        """.replace("list(*x for x in xs)", "list((*x for x in xs))"),
        [[1, 2, 3], [4]],
    )
    assert got["[*x for x in xs]"][:2] == (2, "x=[1, 2, 3],[4]")
    assert got["{**{x[0]: 1} for x in xs}"][:2] == (2, "x=[1, 2, 3],[4]")
    assert got["(*x for x in xs)"][:2] == (2, "x=[1, 2, 3],[4]")
    assert got["c = list((*x for x in xs))"][1] == "c=[1, 2, 3, 4]"


def test_lambdas():
    got = lines(
        """
        def target(n):
            f = lambda p, *, q=n: p // q
            f(4)
            try: f(1, q=0)
            except ZeroDivisionError: pass
        """,
        2,
    )
    assert got["lambda p, *, q=n: p // q"] == (2, "p=4,1", "q=2,0")
    f = made("target = lambda x: [y for y in range(x)]")
    assert flat(truth(f, 2)[0]) == {
        "lambda x: [y for y in range(x)]": (1, "x=2"),
        "[y for y in range(x)]": (2, "range=<class 'range'>,<class 'range'>", "x=2,2", "y=0,1"),
    }


def test_two_lambdas_on_a_line():
    made_ = made("pair = (lambda x: x + 1), (lambda x: x + 2)", "pair")
    assert list(truth(made_[1], 1)[0]) == ["lambda x: x + 2"]


def test_generators():
    source = """
    def target(n):
        def gen():
            try:
                a = yield n
                b = yield 2
            finally:
                c = 3
        g = gen()
        next(g)
        g.send(7)
        g.close()
        h = gen()
        next(h)
        return h
    """
    results = truth(made(source), 1)
    got = flat(results[0])
    assert got["a = yield n"] == (1, "a=7", "n=1")  # h still waits in its own
    assert got["b = yield 2"] == (1, f"b={GONE}")
    assert got["c = 3"] == (1, "c=3")


def test_a_generator_as_target_is_a_call_from_its_first_step():
    source = """
    def target(n):
        for i in range(n):
            yield i
    def main():
        unused = target(5)
        g, h = target(2), target(1)
        next(h); next(g); next(g); h.close()
        return list(g)
    """
    main = made(source, "main")
    results = truth(main, target_func=main.__globals__["target"])
    assert len(results) == 2
    assert flat(results[0])["for i in range(n):"][:3] == (1, "i=0", "n=1")
    assert flat(results[0])["yield i"] == (1, "i=0")
    assert flat(results[1])["for i in range(n):"][:2] == (3, "i=0,1,1")
    assert flat(truth(main.__globals__["target"], 2)[0])["yield i"] == (2, "i=0,1")


def test_yield_from_passes_values_and_exceptions():
    source = """
    def target():
        def inner():
            try: x = yield 1
            except Boom: x = 5
            return x
        def outer():
            y = yield from inner()
            y = yield from inner()
            return y
        return drive(outer(), 2, "throw", send=4)
    """
    results = truth(made(source))
    assert results.result == [1, 1, ("value", 5)]
    got = flat(results[0])
    assert got["y = yield from inner()"][2] == "y=4"
    assert got["x = yield 1"] == (2, f"x=4,{GONE}")


def test_asynchronous_code():
    source = """
    async def target(n):
        async with CM(n) as a, CM(2) as b:
            await pause(a)
        async for i in AItems(2):
            c = [j async for j in AItems(i)]
        d = [await pause() for _ in "ab"]
        e = (k async for k in AItems(3) if k)
        return [m async for m in e]
    def main():
        return interleave(target(0), target(1))
    """
    main = made(source, "main")
    results = truth(main, target_func=main.__globals__["target"])
    assert [r[1] for r in results.result if isinstance(r, tuple)] == [[1, 2], [1, 2]]
    for n, trace in enumerate(results):
        got = flat(trace)
        assert got["async with CM(n) as a, CM(2) as b:"][2:] == (f"a={n}", "b=2", f"n={n}")
        assert got["await pause(a)"][:2] == (1, f"a={n}")
        assert got["async for i in AItems(2):"][0] == 3
        assert got["[j async for j in AItems(i)]"][0] == 1
        assert got['[await pause() for _ in "ab"]'][:2] == (
            2,
            "_=a,b".replace("a", "'a'").replace("b", "'b'"),
        )
        assert got["(k async for k in AItems(3) if k)"][2] == "k=1,2"
        assert got["return [m async for m in e]"][0] == 1


def test_a_suspended_call_counts_as_running():
    source = """
    kept = []
    async def target(n):
        kept.append(lambda: n)
        await pause()
    def main():
        a, b = target(1), target(2)
        a.send(None); b.send(None)
        kept[0]()
        b.close()
        kept[0]()
        a.close()
        kept[0]()
    """
    main = made(source, "main")
    results = truth(main, target_func=main.__globals__["target"])
    assert [flat(t)["lambda: n"] for t in results] == [(1, "n=1"), (1, "n=1")]
    assert [flat(t)["await pause()"][0] for t in results] == [1, 1]


def test_class_bodies():
    got = lines(
        """
        def target(x):
            class C(object):
                "doc"
                __p = x
                ys = [z for z in (__p, x)]
                if ys: n = 1
                def m(self): return self.__p
            return C().m()
        """,
        4,
    )
    assert got["class C(object):"][:1] == (1,)
    assert got["__p = x"] == (1, "__p=4", "x=4")
    assert got["[z for z in (__p, x)]"] == (2, "__p=4,4", "x=4,4", "z=4,4")
    assert got["n = 1"] == (1, "n=1")
    assert got["return self.__p"][0] == 1


def test_methods_read_private_names_of_their_class():
    source = """
    class Box:
        def target(self):
            __x = self.__y = 2
            return super().__init__() or [super(Box, self) and __x for _ in "a"]
    """
    box = made(source, "Box")
    results = truth(box().target)
    assert flat(results[0])["__x = self.__y = 2"][:2] == (1, "__x=2")
    assert results.result == [2]


def test_unbound_names_never_show_a_global():
    got = lines(
        """
        def target():
            if not K: G = 1
            try: print(G)
            except NameError: H = 1
            def f(): return inner
            try: f()
            except NameError: inner = 2
        inner = 3
        """
    )
    assert got["print(G)"][:2] == (1, f"G={GONE}")
    assert got["return inner"] == (1, f"inner={GONE}")


def test_headers_and_texts():
    source = '''
    class A:
        @staticmethod
        def target(é, n=[i for i in "ab"]):
            if (é and  # why: not
                    n):  # so: there
                名 = """a
        b
    c"""
            @deco
            def g(a: "int" = 1, *b, c: int) -> (int): return a
            x = 1
            x = 1
            for \\
                  i in n: pass
    '''
    results = truth(made(source, "A").target, 1)
    got = list(results[0])
    assert got == [
        "if (é and  # why: not\n            n):",
        '名 = """a\nb\nc"""'.replace("\nb\nc", "\nb\nc"),
        'def g(a: "int" = 1, *b, c: int) -> (int):',
        "x = 1",
        "x = 1 ",
        "for \\\n          i in n:",
        "pass",
    ]
    assert sorted(results[0]['def g(a: "int" = 1, *b, c: int) -> (int):'][1]) == ["deco", "g", "int"]


def test_calls_past_the_tenth_leave_no_mark():
    source = """
    def target(n):
        f = lambda: n
        f()
        if n: target(n - 1)
        return f()
    """
    results = truth(made(source), 14)
    assert len(results) == 10
    assert all(t["lambda: n"][0] == 2 and t["return f()"][0] == 1 for t in results)
    assert [t["lambda: n"][1]["n"][0][1] for t in results] == [str(n) for n in range(14, 4, -1)]


def test_samples_stop_at_ten():
    results = truth(made("def target(n):\n    for i in range(n): i"), 50)
    hits, names = results[0]["for i in range(n):"]
    assert hits == 51 and [t for _, t in names["i"]] == [str(i) for i in range(10)]
    assert results[0]["i"][0] == 50


def test_nested_code_belongs_to_the_call_that_it_starts_under():
    source = """
    kept = []
    def target(n):
        kept.append(lambda: n)
        if n: target(n - 1)
        return kept[0]()
    """
    results = truth(made(source), 1)
    assert results[0]["lambda: n"] == (1, {"n": [("int", "1")]})
    assert results[1]["lambda: n"] == (
        1,
        {"n": [("int", "1")]},
    )  # called under the inner call, made under the outer


def test_other_threads_count_for_the_latest_running_call():
    source = """
    def target(start):
        f = lambda v: v
        start(f)
    """

    def start(f):
        t = threading.Thread(target=f, args=(3,))
        t.start()
        t.join()

    assert flat(truth(made(source), start)[0])["lambda v: v"] == (1, "v=3")


def test_shown_values():
    class Bad:
        def __repr__(self):
            raise ValueError("x" * 60)

    class Calls:
        def __init__(self, f):
            self.f = f

        def __repr__(self):
            return f"called {self.f()}"

    results = truth(made("def target(a, b, c):\n    d = lambda: 1\n    e = b(d)\n    c = a"), Bad(), Calls, "y" * 60)
    assert results[0]["c = a"][1]["a"] == [("Bad", "<repr-error ValueError: " + "x" * 23 + "...")]
    assert results[0]["e = b(d)"][1]["e"] == [("Calls", "called 1")]
    assert "lambda: 1" not in results[0]


def test_no_value_is_kept():
    class Thing:
        pass

    seen = []

    def watch(ref):
        gc.collect()
        seen.append(ref())

    source = """
    def target(make, watch):
        a = [make() for _ in (1, 2)]
        r = ref(a[1])
        del a
        watch(r)
    """
    f = made(source)
    f.__globals__["ref"] = weakref.ref
    truth(f, Thing, watch)
    assert seen == [None]


def test_a_coroutine_that_caught_an_exception_dies_when_dropped():
    """What is thrown in passes through the reporter's frames, which must not keep it."""
    dead = []

    def advance(coroutine):
        coroutine.send(None)
        coroutine.throw(ValueError())

    def fn():
        t = target()
        advance(t)
        it = weakref.ref(t)
        del t
        dead.append(it() is None)

    target = made("""
        import types
        @types.coroutine
        def pause():
            yield
        async def target():
            while True:
                async def g():
                    try: await pause()
                    except ValueError: pass
                await g()
                await pause()
        """)
    [trace] = truth(fn, target_func=target)
    assert dead == [True]
    assert trace["await pause() "][0] == 1


def test_a_coroutine_that_waits_with_an_exception_dies_when_dropped():
    """The traceback of what is thrown in leads to no frame of the thrower, which has the coroutine."""
    dead = []

    def advance(coroutine):
        coroutine.send(None)
        coroutine.send(None)
        coroutine.throw(ValueError())

    def fn():
        t = target()
        advance(t)
        it = weakref.ref(t)
        del t
        dead.append(it() is None)

    target = made("""
        async def target():
            try:
                async with CM() as a, CM():
                    pass
            except BaseException:
                pass
        """)
    gc.disable()
    try:
        [trace] = truth(fn, target_func=target)
    finally:
        gc.enable()
    assert dead == [True]
    assert trace["except BaseException:"][0] == 1


def test_stop_iteration_passes_through_an_asynchronous_comprehension():
    """It becomes a RuntimeError where it leaves a coroutine, which a comprehension is not."""
    source = """
    async def target():
        try:
            [next(iter(())) async for _ in AItems(1)]
        except BaseException as error:
            return type(error).__name__
    """
    target = made(source)
    results = truth(lambda: target.__globals__["drive"](target()), target_func=target)
    assert results.result[-1] == ("value", "StopIteration")
    line = "[next(iter(())) async for _ in AItems(1)]"
    assert results.facts[0].lines[line].raised[0][0] == "StopIteration"


def test_the_function_is_as_before():
    f = made("def target(x, *, y=2):\n    'doc'\n    return x + y")
    code = f.__code__
    results = truth(f, 1)
    assert f.__code__ is code and results.result == 3 and f(1) == 3
    results = truth(f)
    assert isinstance(results.exc, TypeError) and results == []
    results = truth(made("def target(x): return 1 // x"), 0)
    assert isinstance(results.exc, ZeroDivisionError) and len(results) == 1


def test_closures_decorators_and_partials():
    source = """
    def make(q):
        def target(x):
            nonlocal q
            q += x
            return q
        return target
    target = wrap(make(3))
    """
    f = made(source)
    results = truth(f, 2)
    assert results.result == 5 and flat(results[0])["q += x"] == (1, "q=5", "x=2")
    results = truth(functools.partial(f, 1))
    assert flat(results[0])["return q"] == (1, "q=6")
    g = made(
        "def make():\n    def t(x): return x\n    return t\ndef main():\n    return make()(1) + t(2)\nt = make()",
        "main",
    )
    assert len(truth(g, target_func=g.__globals__["t"])) == 2  # the same code, another function object


def test_names_shown_of_functions_made_within():
    results = truth(
        made(
            "def target():\n    a = [lambda: 0 for _ in 'a'][0]\n    b = (i for i in ())\n    class C: pass\n    d = C"
        )
    )
    got = flat(results[0])
    assert got["a = [lambda: 0 for _ in 'a'][0]"][1].startswith("a=<function target.<locals>.<lambda> at 0x")
    assert got["b = (i for i in ())"][1].startswith("b=<generator object target.<locals>.<genexpr> at")
    assert got["d = C"][2] == "d=<class 'program.target.<locals>.C'>"


def test_unhit_lines_on_request():
    f = made("def target(x):\n    if x: y = 1\n    return x")
    assert list(truth(f, 0)[0]) == ["if x:", "return x"]
    assert truth(f, 0, incl_unhit=True)[0]["y = 1"] == (0, {"y": []})


def test_type_parameters_are_no_names():
    got = lines("def target():\n    def g[T](a: T): pass\n    class C[T]: pass\n    type L[T] = list[T]")
    assert got["def g[T](a: T):"][1:] != ()
    assert [v.split("=")[0] for v in got["class C[T]:"][1:]] == ["C"]


def test_annotations_make_no_hits():
    got = lines("""
        def target(xs):
            def g(a: [x for x in xs] = [y for y in xs]) -> list(z for z in xs): return a
            return g.__annotations__, g.__annotations__
        """, (1, 2))  # fmt: skip
    assert {text: hits for text, (hits, *_) in got.items() if text[0] in "[("} == {"[y for y in xs]": 2}


def test_values_that_are_evaluated_later():
    source = """
        def target(xs):
            type A[T] = [x for x in xs] + list(T for _ in xs)
            def g[T: [y for y in xs]](a): return a
            class C[T](tuple[[z for z in xs][-1]]): pass
            return A, g.__type_params__[0].__bound__{}
        """
    late = {"[y for y in xs]": (2, "xs=(1, 2),(1, 2)", "y=1,2"), "[z for z in xs]": (2, "xs=(1, 2),(1, 2)", "z=1,2")}
    got = lines(source.format(""), (1, 2))
    assert {text: got[text] for text in got if text[0] in "[("} == late
    got = lines(source.format(", A.__value__"), (1, 2))
    assert {text: got[text] for text in got if text[0] in "[("} == {
        "[x for x in xs]": (2, "x=1,2", "xs=(1, 2),(1, 2)"),
        "(T for _ in xs)": (2, "T=T,T", "_=1,2", f"xs={GONE},{GONE}"),
        **late,
    }
    fn = made(source.format(""))
    assert len(truth(lambda: fn((1, 2))[0].__value__, target_func=fn).result) == 4


def test_copies_of_a_function_share_its_code():
    f = made("def target(x): return x + 1")
    copy = types.FunctionType(f.__code__, f.__globals__, "copy")
    old = f.__code__
    got = truth(lambda: (copy(1), f(2)), target_func=f)
    assert got.result == (2, 3)
    assert [flat(trace) for trace in got] == [{"return x + 1": (1, "x=1")}, {"return x + 1": (1, "x=2")}]
    assert f.__code__ is copy.__code__ is old


def test_a_generator_that_can_be_awaited():
    target = made("import types\n@types.coroutine\ndef target(): yield")

    async def fn():
        await target()
        return 3

    got = truth(lambda: [*fn().__await__()], target_func=target)
    assert got.exc is None
    assert flat(got[0]) == {"yield": (1,)}


def test_unsupported():
    with pytest.raises(Unsupported):
        truth(len, [])
    with pytest.raises(Unsupported):
        truth(made("def target(): return locals()"))


def test_compare():
    f = made("def target(x):\n    pass\n    y = object()\n    return x")
    want = truth(f, 1)

    def got():
        return [("", {k: (h, {n: list(s) for n, s in names.items()}) for k, (h, names) in want[0].items()})]

    assert compare(got(), want) == []
    traced = got()
    del traced[0][1]["pass"]
    traced[0][1]["y = object()"][1]["y"] = [("object", "<object object at 0x1>")]
    assert compare(traced, want) == []
    del traced[0][1]["return x"]
    assert len(compare(traced, want)) == 1
    assert len(compare([], want)) == 1
    traced = got()
    traced[0][1]["pass"] = (2, {})
    assert len(compare(traced, want)) == 1
    traced = got()
    traced[0][1]["return x"] = (1, {"x": [("int", "2")]})
    assert len(compare(traced, want)) == 1
    traced = got()
    traced[0][1]["more"] = (1, {})
    assert len(compare(traced, want)) == 1
