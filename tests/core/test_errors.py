"""What is refused: before anything runs, with what was passed and what to pass instead, and nothing stays behind."""

import asyncio
import dataclasses
import functools
import importlib.util
import itertools
import linecache
import math
import operator
import os
import re
import sys
import types

import pytest

from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines

MONITORING = sys.monitoring


class Watched:
    """A function whose run can be told, to be passed as fn."""

    def __init__(self):
        self.runs = 0

    def fn(self, *args, **kwargs):
        self.runs += 1


@pytest.fixture
def refused():
    """Check that a target is refused, as `fn` and as `target_func`; returns both messages."""

    def check(error, target, *words):
        watched = Watched()
        with pytest.raises(error) as as_target:
            tracefunc(watched.fn, target_func=target)
        with pytest.raises(error) as as_fn:
            tracefunc(target, 1)
        assert watched.runs == 0
        assert type(as_target.value) in (error, *error.__subclasses__())
        messages = str(as_target.value), str(as_fn.value)
        for message in messages:
            for word in words:
                assert re.search(word, message), f"{word!r} not in {message!r}"
        assert [MONITORING.get_tool(i) for i in range(6)].count("tracefunc") == 0
        return messages

    return check


def plain(x):
    return x + 1


# --- what is not callable -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, 5, "name", [], object(), "print()", b"x", Ellipsis, {}])
def test_fn_that_cannot_be_called(value):
    with pytest.raises(TypeError, match="fn must be callable") as caught:
        tracefunc(value)
    assert type(value).__name__ in str(caught.value)
    assert "pass the function itself and its arguments after it" in str(caught.value)


@pytest.mark.parametrize("value", [5, "plain", [plain], object(), plain.__code__, math])
def test_a_target_that_cannot_be_called(value):
    watched = Watched()
    with pytest.raises(TypeError, match="target_func must be a Python function") as caught:
        tracefunc(watched.fn, target_func=value)
    assert type(value).__name__ in str(caught.value)
    assert watched.runs == 0


def test_a_call_instead_of_a_function():
    with pytest.raises(TypeError, match=r"fn must be callable, not int 2: pass the function itself"):
        tracefunc(plain(1))


def test_no_argument_at_all():
    with pytest.raises(TypeError):
        tracefunc()


# --- what is not written in Python ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        len,
        print,
        math.sqrt,
        [].append,
        list.append,
        str.upper,
        object.__init__,
        "x".__add__,
        dict.fromkeys,
        object().__str__,
        itertools.chain.from_iterable,
        int.__dict__["from_bytes"],
        types.FunctionType.__get__,
    ],
    ids=lambda value: f"{type(value).__name__} {value.__name__}",
)
def test_what_is_written_in_c(refused, value):
    for message in refused(ValueError, value, "is not written in Python", "retrievable source code"):
        assert "pass a Python function that calls it" in message
        assert getattr(value, "__qualname__", None) in message or type(value).__name__ in message


def test_a_bound_method_written_in_c(refused):
    class C:
        size = len
        bound = types.MethodType(len, [])

    refused(ValueError, C.bound, "not written in Python", "len")


# --- other callables ---------------------------------------------------------------------------------------------------


class Plain:
    def __init__(self, x=1):
        self.x = x

    def method(self):
        return self.x

    def __call__(self, x):
        return x

    @property
    def prop(self):
        return self.x


class Heir(Exception):
    """Its constructor is that of Exception, written in C."""


@pytest.mark.parametrize("value", [int, ValueError, type, Heir])
def test_a_class_that_is_made_by_c(refused, value):
    for message in refused(ValueError, value, "the class", re.escape(value.__qualname__), "no __init__ or __new__"):
        assert "pass one of its methods as target_func" in message


def test_a_class_whose_constructor_is_generated(refused):
    refused(ValueError, dataclasses.make_dataclass("Made", ["a"]), "retrievable source code", "__init__")


def test_the_parameter_is_named(refused):
    as_target, as_fn = refused(ValueError, int)
    assert as_target.startswith("target_func ")
    assert as_fn.startswith("fn ")


@pytest.mark.parametrize(
    "value", [functools.partial(len), functools.partial(functools.partial(len), []), functools.partialmethod(len)]
)
def test_a_partial_of_a_c_function(value):
    watched = Watched()
    with pytest.raises(ValueError, match="'len'.* is not written in Python"):
        tracefunc(watched.fn, target_func=value)
    assert watched.runs == 0


@pytest.mark.parametrize(
    "value", [operator.itemgetter(0), operator.attrgetter("a")], ids=lambda value: type(value).__name__
)
def test_another_callable_object(value):
    """Never an answer that is empty without a word."""
    watched = Watched()
    with pytest.raises(ValueError) as caught:
        tracefunc(watched.fn, target_func=value)
    assert type(value).__name__ in str(caught.value)
    assert watched.runs == 0


def test_a_property_is_no_fn():
    with pytest.raises(TypeError, match="property"):
        tracefunc(Plain.prop)


def test_a_ring_of_wrapped_functions(refused):
    def one(x): ...

    def two(x): ...

    one.__wrapped__, two.__wrapped__ = two, one
    refused(ValueError, one, "wraps itself", "__wrapped__", "one")

    def alone(x): ...

    alone.__wrapped__ = alone
    refused(ValueError, alone, "wraps itself", "alone")


def test_a_wrapper_of_what_is_no_function(refused):
    @functools.wraps(len)
    def wrapper(x):
        return len(x)

    refused(ValueError, wrapper, "len", "not written in Python")

    def around(x): ...

    around.__wrapped__ = 5
    refused(TypeError, around, "must be a Python function, not int 5")


class LyingRepr:
    def __repr__(self):
        raise RuntimeError("no repr")


def test_a_value_whose_repr_raises():
    """The error is about the argument, not about its text."""
    with pytest.raises(TypeError, match="LyingRepr"):
        tracefunc(LyingRepr())
    watched = Watched()
    with pytest.raises(TypeError, match="LyingRepr"):
        tracefunc(watched.fn, target_func=LyingRepr())
    assert watched.runs == 0


def test_a_value_whose_repr_is_long():
    with pytest.raises(TypeError) as caught:
        tracefunc(["x" * 10_000])
    assert len(str(caught.value)) < 300


# --- source that cannot be found ---------------------------------------------------------------------------------------


def test_code_from_exec_without_source(refused):
    namespace = {}
    exec("def made(x):\n    return x", namespace)
    for message in refused(ValueError, namespace["made"], "'made'", "<string>:1"):
        assert "retrievable source code" in message and "define it in a file or a notebook cell" in message


def test_the_text_of_another_code_of_that_name(refused, monkeypatch):
    """What `python -c` ran stands in linecache under the name that all code from exec() has (3.13.0)."""
    namespace = {}
    exec("def made(x):\n    return x", namespace)
    other = ["def made(x):\n", "    return 2 * x\n"]
    monkeypatch.setitem(linecache.cache, "<string>", (1, None, other, "<string>"))
    for message in refused(ValueError, namespace["made"], "'made'", "<string>:1"):
        assert "retrievable source code" in message and "define it in a file or a notebook cell" in message
    monkeypatch.setitem(linecache.cache, "<string>", (1, None, ["def made(x):\n", "    return x"], "<string>"))
    ((_, trace),) = tracefunc(namespace["made"], 3)
    assert trace == {"return x": (1, {"x": [("int", "3")]})}


def test_a_lambda_from_eval(refused):
    refused(ValueError, eval("lambda x: x"), "<lambda>", "retrievable source code")


def test_the_generated_methods_of_a_dataclass(refused):
    @dataclasses.dataclass(order=True)
    class Point:
        x: int
        y: int = 0

    refused(ValueError, Point.__init__, "__init__", "source")
    refused(ValueError, Point.__lt__, "__lt__", "source")


def test_the_generated_methods_of_a_named_tuple(refused):
    from collections import namedtuple

    refused(ValueError, namedtuple("Pair", "a b").__new__, "__new__", "source")


def test_compiled_under_the_name_of_a_file_that_holds_something_else(refused):
    namespace = {}
    exec(compile("\n\ndef unknown(x):\n    return x", __file__, "exec"), namespace)
    refused(ValueError, namespace["unknown"], "unknown", "is not the code that runs")


@pytest.fixture
def load(tmp_path):
    """Write a module and import it, without a trace in sys.modules."""

    def load(source, name="subject"):
        path = tmp_path / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return path, module

    return load


def touch(path):
    """Let a file look newer than it is."""
    status = path.stat()
    os.utime(path, (status.st_atime + 10, status.st_mtime + 10))


def test_a_file_that_was_deleted(refused, load):
    path, module = load("def subject(x):\n    return x\n")
    path.unlink()
    # What the loader or an earlier look kept is not what stands in the file: there is none.
    refused(ValueError, module.subject, "subject", "source")


@pytest.mark.parametrize(
    "changed",
    [
        "",
        "x = 1\n",
        "def other(x):\n    return x\n",
        "\n\n\ndef subject(x):\n    return x\n",
        "def subject(x:\n",
        "class subject:\n    pass\n",
        "subject = lambda x: x\n",
        "# def subject(x): return x\n",
    ],
)
def test_a_file_that_has_changed(refused, load, changed):
    path, module = load("def subject(x):\n    return x\n")
    path.write_text(changed, encoding="utf-8")
    touch(path)
    refused(ValueError, module.subject, "subject", "source")


@pytest.mark.parametrize(
    "changed",
    ["def subject(x):\n    y = x + 5\n    z = y\n    return z\n", "def subject(x):\n    if x:\n        return 2\n"],
)
def test_another_body_under_the_same_name(refused, load, changed):
    """Lines of the new text must not be told to be those that ran."""
    path, module = load("def subject(x):\n    return x\n")
    path.write_text(changed, encoding="utf-8")
    touch(path)
    refused(ValueError, module.subject, "subject", "is not the code that runs")


def test_a_lambda_whose_line_has_changed(refused, load):
    path, module = load("subject = lambda x: x\n")
    path.write_text("subject = 5\n", encoding="utf-8")
    touch(path)
    refused(ValueError, module.subject, "<lambda>", "source")


def test_a_changed_file_that_still_holds_the_function_is_fine(load):
    path, module = load("def subject(x):\n    return x\n")
    path.write_text("def subject(x):\n    return x\n\n\nmore = 1\n", encoding="utf-8")
    touch(path)
    ((_, trace),) = tracefunc(module.subject, 3)
    assert trace == {"return x": (1, {"x": [("int", "3")]})}


# --- the rest --------------------------------------------------------------------------------------------------------


def test_all_tool_ids_are_taken():
    watched = Watched()
    free = [i for i in range(6) if MONITORING.get_tool(i) is None]
    for i in free:
        MONITORING.use_tool_id(i, f"the tool {i}")
    try:
        with pytest.raises(RuntimeError) as caught:
            tracefunc(watched.fn, target_func=plain)
        holders = [MONITORING.get_tool(i) for i in range(6)]
    finally:
        for i in free:
            MONITORING.free_tool_id(i)
    message = str(caught.value)
    assert "sys.monitoring tool id" in message and "Stop one of these tools" in message
    for i, holder in enumerate(holders):
        assert f"{i}: {holder}" in message
    assert watched.runs == 0


async def nothing():
    return 1


async def several():
    yield 1


@pytest.mark.parametrize("fn", [nothing, several])
def test_an_asynchronous_function_where_a_loop_runs(fn):
    async def main():
        with pytest.raises(
            RuntimeError, match=f"{fn.__name__!r} is asynchronous.*`await Tracer\\(...\\).arun\\(...\\)`"
        ):
            tracefunc(fn)
        return await asyncio.to_thread(tracefunc, fn)

    assert len(asyncio.run(main())) == 1


def test_wrong_arguments_for_fn_are_its_own_error():
    """They raise where fn is called, so they are in the answer, which is empty."""
    results = tracefunc(plain)
    assert results == []
    assert isinstance(results.exc, TypeError)
    assert "missing 1 required positional argument: 'x'" in str(results.exc)


def test_after_an_error_a_trace_works(refused):
    refused(ValueError, len)
    refused(ValueError, int)
    assert tracefunc(plain, 1) == [("", {"return x + 1": (1, {"x": [("int", "1")]})})]
