"""A target that was never called: the results say so, and what ran instead, if that is known."""

import functools
import types
import weakref

import pytest

from tracefunc import Tracer, tracefunc

pytestmark = pytest.mark.both_engines


def plain(x):
    return x


def other(x):
    return x + 1


def test_a_target_that_is_not_called():
    results = tracefunc(lambda: 1, target_func=plain)
    assert results == [] and results.warnings == ["'plain' was never called"]
    assert tracefunc(lambda: plain(1), target_func=plain).warnings == []


def test_of_several_targets_those_that_are_not_called():
    assert Tracer(plain, other).run(lambda: plain(1)).warnings == ["'other' was never called"]
    with Tracer(plain, other) as results:
        other(1)
    assert results.warnings == ["'plain' was never called"]


def test_where_nobody_has_looked_to_the_end():
    assert Tracer(plain, other, max_calls=1).run(lambda: (plain(1), other(1))).warnings == []
    assert Tracer(plain, max_calls=0).run(lambda: 1).warnings == []


@pytest.mark.parametrize("when", ["x > 5", lambda x: x > 5])
def test_calls_that_are_not_chosen_are_calls(when):
    assert Tracer(plain, when=when).run(lambda: plain(1)).warnings == []


def test_fn_could_not_be_called():
    results = tracefunc(plain)
    assert isinstance(results.exc, TypeError) and results.warnings == []


def test_compiled_code_runs_instead():
    jit = type("Jit", (weakref.ref,), {})(Tracer)
    functools.update_wrapper(jit, plain)
    results = tracefunc(jit)
    assert results == [] and results.result is Tracer
    [warning] = results.warnings
    assert "'plain' was never called" in warning and "Jit" in warning and "not written in Python" in warning


def test_a_cached_value_is_returned_instead():
    cached = functools.lru_cache(plain)
    assert tracefunc(cached, 1).warnings == []
    [warning] = tracefunc(cached, 1).warnings
    assert "never called" in warning and "has stored" in warning


def test_a_wrapper_runs_instead():
    @functools.wraps(plain)
    def instead(x):
        return x

    [warning] = tracefunc(instead, 1).warnings
    assert "instead' (" in warning and "ran instead" in warning


def test_its_code_is_replaced_meanwhile():
    def target(x):
        return x

    def fn():
        target.__code__ = (lambda x: x).__code__
        return target(1)

    [warning] = tracefunc(fn, target_func=target).warnings
    assert "was replaced meanwhile" in warning


def test_another_function_has_its_name(monkeypatch):
    module = types.ModuleType("reloaded_meanwhile")
    source = "def f(x):\n    return x\n"
    exec(source, vars(module))
    import linecache
    import sys

    monkeypatch.setitem(sys.modules, "reloaded_meanwhile", module)
    monkeypatch.setitem(linecache.cache, "<string>", (1, None, source.splitlines(True), "<string>"))
    old = module.f
    exec(source, vars(module))
    [warning] = tracefunc(lambda: module.f(1), target_func=old).warnings
    assert "is what that name stands for now" in warning


def test_a_decorated_function_says_so_too():
    @Tracer()
    @functools.lru_cache
    def cached(x):
        return x

    cached(1), cached(1)
    assert [len(results.warnings) for results in cached.traces] == [0, 1]
