"""`Tracer`: what can be a target, how it is used, and what its results know."""

import asyncio
import contextlib
import copy
import functools
import importlib
import json
import pickle
import re
import sys
import threading
import types
import zipfile

import pytest

import sample.shop as shop
from tracefunc import Tracer, TraceResults, tracefunc
from tracefunc.results import Call, Line

pytestmark = pytest.mark.both_engines


def masked(calls):
    return re.sub("0x[0-9a-f]+", "0x", repr(list(calls)))


def names(results):
    return [call.function.rpartition("<locals>.")[2] for call in results]


# --- targets ----------------------------------------------------------------------------------------------------------

METHODS = [
    "Basket.__new__", "Basket.__init__", "Basket.add", "Basket.add", "Basket.__new__", "Basket.__init__", "Basket.add",
    "Basket.add", "Basket.total", "Basket.kinds", "Basket.empty", "Basket.__new__", "Basket.__init__", "Basket.total",
    "Basket.first", "Basket.Label.text", "Basket.__call__",
]  # fmt: skip


@pytest.mark.parametrize(
    "targets, wanted",
    [
        ((shop.Basket,), METHODS),
        (("sample.shop:Basket",), METHODS),
        (("sample.shop:Basket.*",), METHODS),
        (("sample.shop:Basket.add",), ["Basket.add"] * 4),
        ((shop.Basket.add_apple,), ["Basket.add"] * 4),
        ((shop.Basket.add, shop.Big.add), ["Basket.add", "Basket.add", "Big.add", "Basket.add", "Basket.add"]),
        ((shop.Basket.total,), ["Basket.total", "Basket.total"]),
        (("sample.shop:Basket.total",), ["Basket.total", "Basket.total"]),
        ((vars(shop.Basket)["first"],), ["Basket.first"]),
        ((vars(shop.Basket)["kinds"], vars(shop.Basket)["empty"]), ["Basket.kinds", "Basket.empty"]),
        ((shop.Basket("a"),), ["Basket.__call__"]),
        ((shop.cached,), ["cached"]),
        (("sample.shop:cache*",), ["cached"]),
        ((shop.shown,), ["_", "shown"]),
        (("sample.shop:price", shop.price), ["price"] * 3),
        ((shop.Item,), ["Item.shout"]),
        (("sample.shop:*.shout", "sample.shop:*.[tf]*t"), ["Basket.first", "Basket.Label.text", "Item.shout"]),
        ((functools.partial(shop.price, discount=1),), ["price"] * 3),
    ],
    ids=range(18),
)
def test_targets(targets, wanted):
    shop.cached.cache_clear()
    results = Tracer(*targets, max_calls=None).run(shop.use)
    assert results.exc is None
    assert names(results) == wanted
    assert results.calls == len(wanted)


def test_a_whole_module():
    shop.cached.cache_clear()
    tracer = Tracer(shop, max_calls=None)
    results = tracer.run(shop.use)
    assert set(names(results)) == {*METHODS, "price", "cached", "Big.add", "Item.shout", "shown", "_", "use"}
    assert [call.parent for call in results[:3]] == [None, 0, 0]
    assert any(re.fullmatch(r"not traced: .*Item.__init__: .*", warning) for warning in results.warnings)
    by_name = Tracer("sample.shop", max_calls=None).run(shop.use)
    assert names(by_name) == [name for name in names(results) if name != "cached"]  # it is in the cache now


def test_several_targets_are_recorded_as_each_alone():
    """The order of all is that of their starts; what each call says is what it says alone."""
    targets = [shop.price, shop.Basket.add, shop.Basket.__init__]
    alone = {t.__qualname__: masked(Tracer(t, max_calls=None).run(shop.use)) for t in targets}
    together = Tracer(*targets, max_calls=None).run(shop.use)
    assert {name: masked(call for call in together if call.function == name) for name in alone} == alone


def test_the_limit_is_that_of_all_targets_together():
    everything = Tracer(shop.Basket.add, shop.price, max_calls=None).run(shop.use)
    for keep, wanted in (
        ("first", everything[:3]),
        ("last", everything[-3:]),
        ("ends", everything[:2] + everything[-1:]),
    ):
        results = Tracer(shop.Basket.add, shop.price, max_calls=3, keep=keep).run(shop.use)
        assert masked(results) == masked(wanted)


@pytest.mark.parametrize(
    "target, words",
    [
        ("sample.shop:Baskt", r"target 'sample.shop:Baskt': module .* has no 'Baskt'. Did you mean Basket\?"),
        ("sample.shop:Basket.ad", r"has no 'ad'. Did you mean add\?"),
        ("sample.shops:x", r"cannot import 'sample.shops'"),
        ("sample.shop:no*", r"it has no function written in Python"),
        ("math", r"it has no function written in Python"),
        (math := importlib.import_module("math"), r"it has no function written in Python"),
        (len, r"'len' \(builtin_function_or_method\) is not written in Python"),
    ],
)
def test_targets_that_are_not_there(target, words):
    with pytest.raises(ValueError, match=words):
        Tracer(target)


@pytest.mark.parametrize("target", [5, None, [shop.use]])
def test_targets_that_are_no_targets(target):
    with pytest.raises(TypeError, match="a target must be a Python function"):
        Tracer(target)


def test_a_module_in_a_zip_file(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "library.zip", "w") as file:
        file.writestr("zipped_shop.py", "def twice(x):\n    y = x * 2\n    return y\n")
    monkeypatch.syspath_prepend(str(tmp_path / "library.zip"))
    module = importlib.import_module("zipped_shop")
    [call] = Tracer("zipped_shop:twice").run(module.twice, 4)
    assert call.trace["y = x * 2"] == (1, {"x": [("int", "4")], "y": [("int", "8")]})
    assert call.source == "def twice(x):\n    y = x * 2\n    return y\n"


def test_a_frozen_module():
    """posixpath is frozen; its source is there all the same."""
    import posixpath

    [call] = Tracer("posixpath:join").run(posixpath.join, "a", "b")
    assert call.returned == ("str", "'a/b'")
    assert call.trace["path = a"][0] == 1


# --- what is run --------------------------------------------------------------------------------------------------------


class Point:
    def __init__(self, x):
        self.x = x

    def __call__(self, y):
        z = self.x + y
        return z

    @functools.singledispatchmethod
    def shown(self, value):
        return "other"

    @shown.register
    def _(self, value: int):
        return "int"


def add(x, y):
    z = x + y
    return z


@contextlib.contextmanager
def opened(x):
    y = x
    yield y


ADDED = {
    "z = x + y": (1, {"x": [("int", "1")], "y": [("int", "2")], "z": [("int", "3")]}),
    "return z": (1, {"z": [("int", "3")]}),
}


@pytest.mark.parametrize(
    "run", [lambda f, *a: tracefunc(f, *a), lambda f, *a: Tracer().run(f, *a)], ids=["tracefunc", "Tracer"]
)
@pytest.mark.parametrize(
    "fn, args, function",
    [
        (functools.partial(add, 1), (2,), "add"),
        (functools.partial(functools.partial(add), y=2), (1,), "add"),
        (Point(1), (2,), "Point.__call__"),
        (Point, (1,), "Point.__init__"),
        (functools.partial(Point, 1), (), "Point.__init__"),
        (functools.lru_cache(maxsize=0)(add), (1, 2), "add"),
        (functools.wraps(add)(lambda *a: add(*a)), (1, 2), "add"),
        (opened, (1,), "opened"),
        (functools.singledispatch(lambda x: 5), (1,), "<lambda>"),
        (vars(Point)["__call__"].__get__(Point(1)), (2,), "Point.__call__"),
    ],
)
def test_fn_of_any_kind(run, fn, args, function):
    def whole():
        result = fn(*args)
        if hasattr(result, "__enter__"):
            with result:
                pass
        return result

    results = Tracer(fn).run(whole) if fn is opened else run(fn, *args)
    [call] = results
    assert results.exc is None
    assert call.function.endswith(function)
    if function == "add":
        assert call.trace == ADDED


def test_a_dispatched_method():
    results = Tracer(vars(Point)["shown"]).run(lambda: (Point(1).shown(1), Point(1).shown("")))
    assert results.result == ("int", "other")
    assert [call.returned[1] for call in results] == ["'int'", "'other'"]


def gen(n):
    for i in range(n):
        yield i
    return "end"


async def coro(n):
    await asyncio.sleep(0)
    return n


async def agen(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def test_generators_and_coroutines_run_to_their_end():
    for run in (tracefunc, Tracer().run):
        results = run(gen, 3)
        assert (results.result, results[0].returned) == ("end", ("str", "'end'"))
        assert results[0].yielded == [("int", "0"), ("int", "1"), ("int", "2")]
        results = run(coro, 3)
        assert (results.result, results[0].returned, results[0].yielded) == (3, ("int", "3"), [])
        results = run(agen, 3)
        assert results[0].yielded == [("int", "0"), ("int", "1"), ("int", "2")]
        assert results[0].trace["await asyncio.sleep(0)"][0] == 3


@pytest.mark.parametrize("keep, wanted", [("first", "012"), ("last", "789"), ("ends", "019")])
def test_yielded_values_have_the_limits_of_samples(keep, wanted):
    [call] = Tracer(max_samples=3, keep=keep).run(gen, 10)
    assert "".join(text for _, text in call.yielded) == wanted


# --- ways to use it -----------------------------------------------------------------------------------------------------


def test_a_with_block():
    tracer = Tracer(add)
    with tracer as results:
        add(1, 2)
        assert results == []
        with tracer as inner:
            add(3, 4)
    add(5, 6)
    assert [call.returned[1] for call in results] == ["3", "7"]
    assert [call.returned[1] for call in inner] == ["7"]
    assert results[0].stack.splitlines()[0].startswith("test_a_with_block ")
    assert results[0].stack.splitlines()[-1].startswith("add ")


def test_an_exception_leaves_a_with_block():
    with pytest.raises(TypeError):
        with Tracer(add) as results:
            add(1, "a")
    assert isinstance(results.exc, TypeError)
    assert results[0].raised[0] == "TypeError"
    assert results[0].lines[results[0].ended_at].text == "z = x + y"


def test_an_exit_stack_enters_the_block():
    with contextlib.ExitStack() as stack:
        results = stack.enter_context(Tracer(add))
        add(1, 2)
    assert results[0].stack.splitlines()[0].startswith("test_an_exit_stack_enters_the_block ")


def test_a_block_needs_targets():
    with pytest.raises(TypeError, match="Name targets"):
        with Tracer():
            pass


def test_blocks_in_several_threads_do_not_mix():
    tracer = Tracer(add, threads="current", max_calls=None)
    found = {}
    barrier = threading.Barrier(4)

    def work(n):
        barrier.wait()
        with tracer as results:
            for i in range(50):
                add(n, i)
        found[n] = results

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(4):
        assert [call.arguments["x"][1] for call in found[n]] == [str(n)] * 50


def test_a_decorated_function():
    @Tracer(max_calls=3)
    def fac(n):
        """Documented."""
        return 1 if n < 2 else n * fac(n - 1)

    assert fac(5) == 120
    assert (fac.__name__, fac.__doc__) == ("fac", "Documented.")
    assert [results.result for results in fac.traces] == [1, 2, 6, 24, 120]
    assert [len(results) for results in fac.traces] == [1, 2, 3, 3, 3]
    with pytest.raises(TypeError):
        fac("a")
    assert isinstance(fac.traces[-1].exc, TypeError)
    fac.traces.clear()
    fac(1)
    assert len(fac.traces) == 1


def test_decorated_methods():
    class Account:
        def __init__(self):
            self.balance = 0

        @Tracer()
        def book(self, amount):
            self.balance += amount
            return self.balance

        @Tracer()
        @staticmethod
        def still(x):
            return x

        @classmethod
        @Tracer()
        def made(cls):
            return cls()

    account = Account.made()
    assert [account.book(5), account.book(6), account.still(1)] == [5, 11, 1]
    assert [results[0].arguments["amount"][1] for results in Account.book.traces] == ["5", "6"]
    assert len(Account.still.traces) == 1
    assert len(vars(Account)["made"].__func__.traces) == 1


def test_decorated_generators_and_coroutines():
    traced = {fn: Tracer()(fn) for fn in (gen, coro, agen)}
    assert list(traced[gen](3)) == [0, 1, 2]
    assert traced[gen].traces[0][0].yielded == [("int", "0"), ("int", "1"), ("int", "2")]

    async def main():
        assert await traced[coro](3) == 3
        assert [x async for x in traced[agen](2)] == [0, 1]
        generator = traced[agen](5)
        assert await anext(generator) == 0
        await generator.aclose()
        generator = traced[agen](5)
        await anext(generator)
        with pytest.raises(KeyError):
            await generator.athrow(KeyError)

    asyncio.run(main())
    assert [call.returned for call in traced[coro].traces[0]] == [("int", "3")]
    first, closed, thrown = traced[agen].traces
    assert first[0].yielded == [("int", "0"), ("int", "1")]
    assert closed[0].raised[0] == "GeneratorExit"
    assert isinstance(thrown.exc, KeyError)


def test_what_cannot_be_decorated():
    for value in (Point, 5):
        with pytest.raises(TypeError, match="decorates functions"):
            Tracer()(value)
    with pytest.raises(ValueError, match="not written in Python"):
        Tracer()(len)


def test_everything_nests():
    @Tracer()
    def decorated(n):
        return add(n, n)

    def body(n):
        with Tracer(add) as results:
            inner = tracefunc(add, n, 1)
            decorated(n)
        return results, inner

    outer = Tracer(add).run(body, 4)
    results, inner = outer.result
    assert [call.returned[1] for call in outer] == [call.returned[1] for call in results] == ["5", "8"]
    assert [call.returned[1] for call in inner] == ["5"]
    assert decorated.traces[0].result == 8


# --- what results know ------------------------------------------------------------------------------------------------


def outer(n):
    return inner(n) + 1


def inner(n, /, *rest, flag=False, **more):
    if n == 2:
        raise LookupError("two")
    total = [i for i in range(n)]
    return len(total)


def test_what_a_call_knows():
    results = Tracer(outer, inner).run(outer, 3)
    first, second = results
    code = inner.__code__
    assert (second.function, second.file, second.lineno) == ("inner", code.co_filename, code.co_firstlineno)
    assert second.arguments == {
        "n": ("int", "3"),
        "rest": ("tuple", "()"),
        "flag": ("bool", "False"),
        "more": ("dict", "{}"),
    }
    assert list(second.arguments) == ["n", "rest", "flag", "more"]
    assert (first.parent, second.parent) == (None, 0)
    assert (second.returned, second.raised, second.yielded) == (("int", "3"), None, [])
    assert (second.thread, second.task) == (threading.current_thread().name, None)
    assert 0 <= second.seconds <= first.seconds < 60
    assert second.source.startswith("def inner(n, /")
    assert second.ended_at is None
    assert (results.exc, results.result, results.calls, results.warnings) == (None, 4, 2, [])
    assert results.engine.startswith(("fast", "pure"))


def test_lines():
    [call] = tracefunc(inner, 3)
    line = call.lines[0]
    first = inner.__code__.co_firstlineno
    assert (line.text, line.kind, line.lineno, line.end_lineno, line.col) == (
        "if n == 2:",
        "if",
        first + 1,
        first + 1,
        4,
    )
    assert (line.hits, line.vars) == call.trace["if n == 2:"]
    assert [line.kind for line in call.lines] == ["if", "statement", "statement", "comprehension", "return"]
    assert [line.hits for line in call.lines] == [1, 0, 1, 3, 1]
    assert call.lines == call.lines
    assert call.lines[0] != call.lines[1]
    assert call.lines[0] != 5
    assert isinstance(line, Line)


def test_a_call_that_raises():
    results = Tracer(outer, inner).run(outer, 2)
    for call in results:
        assert (call.returned, call.raised) == (None, ("LookupError", "LookupError('two')"))
    assert [call.lines[call.ended_at].text for call in results] == ["return inner(n) + 1", 'raise LookupError("two")']
    assert isinstance(results.exc, LookupError)


def test_a_call_that_has_not_ended():
    def target():
        yield 1

    kept = []

    def fn():
        kept.append(target())
        next(kept[0])

    [call] = Tracer(target).run(fn)
    assert (call.returned, call.raised, call.seconds, call.ended_at) == (None, None, None, None)
    assert call.yielded == [("int", "1")]


def test_entries_are_tuples_of_plain_data():
    results = tracefunc(inner, 3)
    [entry] = results
    stack, trace = entry
    assert entry == (stack, trace) and (stack, trace) == entry
    assert isinstance(entry, tuple) and isinstance(results, list)
    assert repr(results) == repr([(stack, trace)])
    assert json.loads(json.dumps(results)) == [[stack, json.loads(json.dumps(trace))]]


def test_a_list_like_any_other():
    results = Tracer(inner).run(lambda: [inner(n) for n in (1, 3)])
    results.append(results[0])
    results.extend([("", {})])
    results.insert(0, results.pop())
    results.sort(key=lambda entry: len(entry[1]))
    results.reverse()
    results += [1]
    results.remove(1)
    assert results * 2 == results + results == [*results, *results]
    assert results[1:] == list(results)[1:]
    results[0] = 5
    del results[0]
    results.clear()
    assert results == []


def known(results):
    return [(tuple(call), vars(call)) for call in results], {k: v for k, v in vars(results).items() if k != "exc"}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_results_are_pickled(protocol):
    results = Tracer(outer, inner).run(outer, 2)
    again = pickle.loads(pickle.dumps(results, protocol))
    assert type(again) is TraceResults and type(again[0]) is Call
    assert known(again) == known(results)
    assert repr(again.exc) == repr(results.exc)
    assert again[1].lines == results[1].lines


def test_results_are_copied():
    results = Tracer(outer, inner).run(outer, 3)
    for again in (copy.copy(results), copy.deepcopy(results)):
        assert known(again) == known(results)
        again.warnings.append("more")
        again.pop()
        assert (len(results), results.warnings) == (2, [])


def test_what_cannot_be_pickled_stays_behind():
    results = tracefunc(lambda: lambda: 1)
    assert callable(results.result)
    again = pickle.loads(pickle.dumps(results))
    assert again == results
    assert again.result is None
    assert re.match("result was not pickled: function: ", again.warnings[0])
    assert callable(copy.copy(results).result)
    assert results.warnings == []


def test_merged_results():
    one, other = Tracer(outer, inner).run(outer, 3), Tracer(outer, inner).run(outer, 2)
    merged = one.merge(other)
    assert merged == [*one, *other]
    assert [call.parent for call in merged] == [None, 0, None, 2]
    assert (merged.calls, merged.result, merged.engine) == (4, 4, one.engine)
    assert isinstance(merged.exc, LookupError)
    assert [call.parent for call in other] == [None, 0]
    assert TraceResults().merge() == []


def test_the_repr_of_a_tracer():
    assert repr(Tracer(inner, "sample.shop:use", max_calls=3, keep="ends")) == (
        "Tracer(inner, 'sample.shop:use', keep='ends', max_calls=3)"
    )


def test_remote_functions_take_their_source_along(tmp_path):
    """A module that is gone where the trace runs, as on another machine."""
    file = tmp_path / "elsewhere.py"
    file.write_text("def twice(x):\n    y = x * 2\n    return y\n")
    module = types.ModuleType("elsewhere")
    exec(compile(file.read_text(), str(file), "exec"), module.__dict__)
    sys.modules["elsewhere"] = module
    try:
        remote = Tracer(module.twice, max_samples=1).remote(module.twice)
        file.unlink()
        importlib.import_module("linecache").checkcache(str(file))
        results = pickle.loads(pickle.dumps(remote))(4)
    finally:
        del sys.modules["elsewhere"]
    assert results.result == 8
    assert results[0].trace["y = x * 2"] == (1, {"x": [("int", "4")], "y": [("int", "8")]})


class Lazy:
    """Its repr leaves something behind, as those of paths do."""

    def __repr__(self):
        self.text = "lazy"
        return "Lazy()"


def test_no_repr_is_called_that_no_line_calls():
    def target(thing, items):
        kept = 1
        try:
            thing.text
        except AttributeError:
            kept = 2
        items.append(thing)
        return [thing, kept]

    [call] = tracefunc(target, Lazy(), [1])
    assert call.trace["except AttributeError:"][0] == call.trace["kept = 2"][0] == 1
    assert call.arguments == {"thing": ("Lazy", "Lazy()"), "items": ("list", "[1]")}  # seen by lines; as at the start
    assert call.returned == ("list", "[<Lazy text='lazy'>, 2]")


def test_objects_that_no_line_shows():
    def target(thing, plain, error):
        thing = 5
        raise error

    class Plain:
        pass

    plain, error = Plain(), KeyError(Lazy(), "x")
    [call] = tracefunc(target, Lazy(), plain, error)
    assert re.fullmatch(r"<Lazy at 0x[0-9a-f]+>", call.arguments["thing"][1])  # bound anew: no line shows that one
    assert call.arguments["plain"] == ("Plain", f"<Plain at {id(plain):#x}>")
    assert call.raised == ("KeyError", "KeyError(<Lazy text='lazy'>, 'x')")


def test_the_returned_object_is_shown_as_its_line_shows_it():
    def target():
        made = Lazy()
        return made

    assert tracefunc(target)[0].returned == ("Lazy", "Lazy()")
