"""Which functions run when an object is called, found without running any of its code."""

import functools
import itertools
import types
import weakref

import hypothesis
import hypothesis.strategies
import pytest

from tracefunc import Tracer, tracefunc

pytestmark = pytest.mark.both_engines

NAMES = itertools.count()


def names(results):
    return [call.function.rpartition("<locals>.")[2] for call in results]


def functions(tracer):
    return sorted({f.__code__.co_qualname.rpartition("<locals>.")[2] for t in tracer._targets for f in t.functions})


def plain(x):
    return x


def other(x):
    return x


# --- objects that hold a function -------------------------------------------------------------------------------------


class Held:
    def __init__(self, function):
        self.run = function

    def __call__(self, *args):
        return self.run(*args)


class InASlot:
    __slots__ = ("run",)
    __init__ = Held.__init__

    def __call__(self, x):
        return self.run(x)


class Compiled(weakref.ref):
    """A callable of a C type, as those of JIT compilers are."""


def compiled(function):
    made = Compiled(Held)
    made.py_func = function
    return made


class Proxy:
    """It knows what it stands for only when it is woken, and then says to be that."""

    __slots__ = ("__dict__", "_args", "_local")
    woken = 0

    def __init__(self, local, *args):
        object.__setattr__(self, "_local", local)
        object.__setattr__(self, "_args", args)

    def _wake(self):
        Proxy.woken += 1
        return object.__getattribute__(self, "_local")(*object.__getattribute__(self, "_args"))

    __class__ = property(lambda self: type(self._wake()))
    __dict__ = property(lambda self: self._wake().__dict__)
    __name__ = property(lambda self: self._wake().__name__)
    __wrapped__ = property(lambda self: self._wake().__wrapped__)

    def __getattr__(self, name):
        return getattr(self._wake(), name)

    def __call__(self, *args, **kwargs):
        return self._wake()(*args, **kwargs)


class App:
    def make(self, function):
        return Held(function)


def by_constructor(function):
    def make():
        return Held(function)

    return Proxy(make)


@pytest.mark.parametrize(
    "value",
    [
        Held(plain),
        Held(Held(plain)),
        Held(functools.partial(plain)),
        InASlot(plain),
        InASlot(functools.lru_cache(plain)),
        Proxy(App().make, plain),
        by_constructor(plain),
    ],
    ids=range(7),
)
def test_an_object_stands_for_the_only_function_in_it(value):
    Proxy.woken = 0
    Tracer(value)
    assert Proxy.woken == 0
    results = tracefunc(value, next(NAMES))
    assert names(results) == ["plain"]
    assert len(results.warnings) == 1
    assert type(value).__name__ in results.warnings[0] and "'plain' (" in results.warnings[0]
    assert names(tracefunc(lambda: value(next(NAMES)), target_func=value)) == ["plain"]


def test_what_a_class_says_that_its_objects_wrap():
    made = type("plain", (Held,), {"__wrapped__": staticmethod(plain)})(other)
    assert functions(Tracer(made)) == ["plain"]


def test_an_object_that_holds_several_functions():
    held = Held(plain)
    held.before = other
    results = tracefunc(held, 1)
    assert names(results) == ["Held.__call__"]
    assert "several Python functions" in results.warnings[0] and "'other' (" in results.warnings[0]


def test_an_object_that_holds_no_function():
    results = tracefunc(Held(len), [])
    assert names(results) == ["Held.__call__"]
    assert "holds no Python function" in results.warnings[0]


def test_an_object_with_a_call_of_its_own_needs_no_warning():
    class Scale:
        def __init__(self, by):
            self.by = by

        def __call__(self, x):
            return x * self.by

    results = tracefunc(Scale(2), 1)
    assert names(results) == ["Scale.__call__"] and results.warnings == []


def test_an_object_that_uses_a_function_of_other_arguments():
    class Train:
        def __init__(self, loss):
            self.loss = loss

        def __call__(self, batch):
            return self.loss(batch, batch)

    results = tracefunc(Train(lambda a, b: a - b), 1)
    assert names(results) == ["Train.__call__"] and len(results.warnings) == 1


def test_an_object_whose_name_is_that_of_its_function():
    held = Held(plain)
    held.key = other
    functools.update_wrapper(held, plain)
    del held.__wrapped__
    assert names(tracefunc(held, 1)) == ["plain"]


def test_a_callable_of_a_c_type_that_holds_a_function():
    assert functions(Tracer(compiled(plain))) == ["plain"]
    with pytest.raises(ValueError, match="not written in Python"):
        Tracer(Compiled(Held))


def test_an_object_that_dispatches():
    class Dispatcher:
        def __init__(self):
            self.implementations = {int: plain, str: other}

        def __call__(self, *args):
            return self.implementations[type(args[0])](*args)

    dispatcher = Dispatcher()
    results = tracefunc(lambda: (dispatcher(1), dispatcher("")), target_func=dispatcher)
    assert names(results) == ["plain", "other"]
    assert "dispatches to several" in results.warnings[0]


# --- functools ------------------------------------------------------------------------------------------------------


class Shown:
    @functools.singledispatchmethod
    def shown(self, value):
        return "other"

    @shown.register
    def _int(self, value: int):
        return "int"

    @functools.singledispatchmethod
    @classmethod
    def made(cls, value):
        return "other"

    @made.register
    @classmethod
    def _made_of_int(cls, value: int):
        return "int"


@pytest.mark.parametrize("get", [lambda: Shown.shown, lambda: Shown().shown, lambda: vars(Shown)["shown"]])
def test_a_dispatched_method(get):
    results = tracefunc(lambda: (Shown().shown(1), Shown().shown("")), target_func=get())
    assert names(results) == ["Shown._int", "Shown.shown"] and results.warnings == []


def test_a_dispatched_class_method():
    results = tracefunc(lambda: (Shown.made(1), Shown.made("")), target_func=Shown.made)
    assert names(results) == ["Shown._made_of_int", "Shown.made"]


def test_a_dispatched_function_whose_implementations_are_wrapped():
    @functools.singledispatch
    def shown(value):
        return "other"

    shown.register(int, functools.partial(plain))
    shown.register(str, functools.lru_cache(other))
    assert functions(Tracer(shown)) == ["other", "plain", "shown"]


@hypothesis.settings(max_examples=2, database=None)
@hypothesis.given(hypothesis.strategies.booleans())
def given(flag):
    kept = flag


def test_a_hypothesis_test():
    results = tracefunc(given)
    assert set(names(results)) == {"given"} and results.warnings == []
    assert results[0].trace["kept = flag"][0] == 1


# --- functions that wrap ----------------------------------------------------------------------------------------------


def bare(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def bare_without_arguments(function):
    def wrapper():
        return function()

    return wrapper


def given_another_name(function):
    def wrapper(x):
        value = x + 1
        return function(value)

    made = wrapper
    return made


def of_lambda(function):
    return lambda x: function(x)


def passed_to_something(function):
    def wrapper(*args):
        return functools.reduce(lambda _, call: call(), [functools.partial(function, *args)], None)

    return wrapper


def replaced(owner):
    original = owner.run

    def wrapper(*args):
        return original(*args)

    owner.run = wrapper
    return owner


@pytest.mark.parametrize(
    "value",
    [
        bare(plain),
        bare(bare(plain)),
        given_another_name(bare(plain)),
        bare(functools.lru_cache(plain)),
        bare(Held(plain)),
        of_lambda(plain),
        passed_to_something(plain),
        replaced(types.SimpleNamespace(run=plain)).run,
        bare_without_arguments(functools.partial(plain, 1)),
    ],
    ids=range(9),
)
def test_a_wrapper_stands_for_the_only_function_in_it(value):
    args = () if "bare_without" in value.__qualname__ else (next(NAMES),)
    results = tracefunc(value, *args)
    assert names(results) == ["plain"]
    assert len(results.warnings) == 1 and "'plain' (" in results.warnings[0]


def adder(n):
    def add(x):
        return x + n

    return add


def sorter(key):
    def sort(xs):
        return sorted(xs, key=key), [key(x) for x in xs]

    return sort


def with_a_helper():
    def helper(*args):
        return args

    def main(*args):
        return helper(*args)

    return main


def a_local_function():
    function = plain
    return lambda: function(1)


def recursive(n):
    def down(n):
        return n and down(n - 1)

    return down


@pytest.mark.parametrize(
    "value, argument, name",
    [
        (adder(1), 1, "add"),
        (sorter(plain), [1], "sort"),
        (with_a_helper(), 1, "main"),
        (recursive(1), 0, "down"),
        (lambda x, plain=plain: plain(x), 1, "<lambda>"),
    ],
)
def test_a_closure_is_no_wrapper(value, argument, name):
    results = tracefunc(value, argument)
    assert names(results) == [name] and results.warnings == []


def test_a_function_that_calls_a_local_one_is_no_wrapper():
    results = tracefunc(a_local_function())
    assert names(results) == ["<lambda>"] and results.warnings == []


def around_two(function, before):
    def wrapper(*args):
        before(*args)
        return function(*args)

    return wrapper


@pytest.mark.parametrize("value, words", [(around_two(plain, other), "several Python"), (bare(abs), "no Python")])
def test_a_wrapper_of_none_or_several(value, words):
    results = tracefunc(value, 1)
    assert names(results) == ["wrapper"]
    assert len(results.warnings) == 1 and words in results.warnings[0] and "wrapper" in results.warnings[0]


def test_a_decorator_that_makes_the_code_anew():
    def remade(function):
        code = function.__code__.replace(co_name=function.__code__.co_name)
        return functools.update_wrapper(types.FunctionType(code, function.__globals__), function)

    @remade
    def target(x):
        return x

    assert target.__code__ is not target.__wrapped__.__code__
    results = tracefunc(target, 1)
    assert names(results) == ["target"] and results.warnings == []


# --- classes and modules ----------------------------------------------------------------------------------------------


class CachedProperty:
    """Django's, say: it can only be got, and says nothing of what it wraps."""

    def __init__(self, function):
        self.real = self.function = function

    def __get__(self, instance, owner=None):
        return self.function(instance)


class HybridProperty:
    def __init__(self, fget, fset=None, expression=None):
        self.fget, self.fset, self.expression = fget, fset, expression

    def __get__(self, instance, owner=None):
        return self.fget(instance)


def in_a_default(function):
    def found(self, name, functions={function.__name__: function}):
        return functions[name](self)

    return found


def members():
    class Members:
        def method(self): ...

        partial = functools.partialmethod(method, 1)

        @property
        def prop(self): ...

        @prop.setter
        def prop_(self, value): ...

        @functools.cached_property
        def cached(self): ...

        @functools.lru_cache
        def lru(self): ...

        @staticmethod
        def static(): ...

        @classmethod
        @bare
        def class_(cls): ...

        @functools.singledispatchmethod
        def dispatched(self, x): ...

        @dispatched.register
        def _int(self, x: int): ...

        @CachedProperty
        def kept(self): ...

        @Held
        def held(self): ...

        @bare
        def wrapped(self): ...

        @HybridProperty
        def hybrid(self): ...

        def _expression(self): ...

        both = HybridProperty(lambda self: 1, None, _expression)
        del _expression

        def _default(self): ...

        __getattr__ = in_a_default(_default)
        del _default
        callback = [plain]
        foreign = CachedProperty(plain)

    return Members


WANTED = [
    "Members.<lambda>", "Members._default", "Members._expression", "Members._int", "Members.cached", "Members.class_",
    "Members.dispatched", "Members.held", "Members.hybrid", "Members.kept", "Members.lru", "Members.method",
    "Members.prop", "Members.prop_", "Members.static", "Members.wrapped",
]  # fmt: skip


def test_all_members_of_a_class():
    found = functions(Tracer(members()))
    assert [name for name in found if name.startswith("Members.")] == WANTED


def test_all_members_of_a_module(define):
    module = types.ModuleType("defined")
    define_in = """
        import functools
        class Held:
            def __init__(self, function): self.run = function
            def __call__(self, *args): return self.run(*args)
        def bare(function):
            def wrapper(*args): return function(*args)
            return wrapper
        @Held
        def held(x): return x
        @bare
        def wrapped(x): return x
        @functools.singledispatch
        def shown(x): return x
        @shown.register
        def of_int(x: int): return x
        @functools.wraps(len)
        def ring(x): return x
        ring.__wrapped__ = ring
    """
    vars(module).update(define(define_in))
    tracer = Tracer(module)
    assert {"held", "wrapped", "shown", "of_int", "bare", "Held.__init__", "Held.__call__"} <= {*functions(tracer)}
    results = tracer.run(lambda: (module.held(1), module.wrapped(1), module.shown(1)))
    assert {"held", "wrapped", "of_int"} <= {*names(results)}
    assert any("ring" in warning and "wraps itself" in warning for warning in results.warnings)


# --- several targets --------------------------------------------------------------------------------------------------


def test_one_of_several_targets_cannot_be_traced():
    import math

    namespace = {}
    exec("def generated(x): return x", namespace)
    generated = namespace["generated"]
    results = Tracer(plain, math, len, generated, int).run(plain, 1)
    assert names(results) == ["plain"]
    for word in ("'math'", "'len'", "'generated'", "'int'"):
        assert any(warning.startswith("not traced: ") and word in warning for warning in results.warnings), word
    for alone in (math, len, int):
        with pytest.raises(ValueError):
            Tracer(alone)
    with pytest.raises(ValueError):
        Tracer(generated).run(generated, 1)
    with pytest.raises(ValueError, match="it has no function"):
        Tracer(math, len)


@pytest.mark.parametrize("wrong", ["sample.shop:Baskt", "sample.shops:x"])
def test_a_name_that_does_not_exist_is_an_error_among_several(wrong):
    with pytest.raises(ValueError, match="target"):
        Tracer(plain, wrong)
    with pytest.raises(TypeError):
        Tracer(plain, 5)


# --- other processes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make, name", [(bare, "target"), (sorter, "sort")])
def test_a_wrapper_in_a_process_without_its_source(make, name, define, monkeypatch):
    """Cloudpickle sends functions by their code; the source comes with them, whatever they stand for without it."""
    import linecache

    source = f"""
        def bare(function):
            def wrapper(*args): return function(*args)
            return wrapper
        def sorter(key):
            def sort(xs): return [key(x) for x in xs]
            return sort
        def target(x): return x
        made = {make.__name__}(target)
    """
    namespace = define(source)
    made, code = namespace["made"], namespace["target"].__code__
    remote = Tracer().remote(made)
    monkeypatch.delitem(linecache.cache, code.co_filename)
    again = type(remote)(Tracer, (), {}, made, remote.sources)
    assert names(again([1])) == [name]
