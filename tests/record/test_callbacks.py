"""Callbacks of sys.monitoring: where events are suspended, what an exception in a callback does, code without events."""

import gc
import io
import pdb
import signal
import sys
import time
import weakref

import pytest

from other_tools import EVENTS, MONITORING, Tool, hits, our_ids, texts
from tracefunc import tracefunc
from tracefunc._record import monitor as _monitor
from tracefunc.core.options import Options

pytestmark = pytest.mark.both_engines


# --- places where events are suspended -----------------------------------------------------------------------------


def simple(n):
    total = 0
    for i in range(n):
        total += i
    return total


SIMPLE = {"total = 0": 1, "for i in range(n):": 4, "total += i": 3, "return total": 1}


@pytest.mark.parametrize("install", [sys.settrace, sys.setprofile])
def test_inside_a_trace_function(install):
    found = []

    def trigger():
        return 1

    def hook(frame, event, arg):
        if frame.f_code is trigger.__code__ and not found:
            found.append(None)
            found[0] = tracefunc(simple, 3)

    before = sys.gettrace() if install is sys.settrace else sys.getprofile()
    install(hook)
    try:
        trigger()
    finally:
        install(before)
    assert hits(found[0]) == SIMPLE


def test_inside_another_tools_callback():
    found = []

    def trigger():
        return 1

    def callback(code, offset):
        if code is trigger.__code__ and not found:
            found.append(None)
            found[0] = tracefunc(simple, 3)

    with Tool(2) as tool:
        tool.on(EVENTS.PY_START, callback)
        MONITORING.set_local_events(2, trigger.__code__, EVENTS.PY_START)
        tool.codes[0] = trigger.__code__
        trigger()
    assert hits(found[0]) == SIMPLE


def test_at_a_debuggers_prompt():
    found = []

    def trigger():
        return 1

    debugger = pdb.Pdb(
        stdin=io.StringIO("p found.append(tracefunc(simple, 3))\nc\n"), stdout=io.StringIO(), nosigint=True
    )
    before = sys.gettrace()
    try:
        debugger.runcall(
            eval, "trigger()", {"trigger": trigger, "found": found, "tracefunc": tracefunc, "simple": simple}
        )
    finally:
        sys.settrace(before)
    assert hits(found[0]) == SIMPLE


def test_inside_a_repr_that_a_trace_asks_for():
    found = []

    class Curious:
        def __repr__(self):
            if not found:
                found.append(None)
                found[0] = tracefunc(simple, 3)
            return "Curious()"

    def target():
        curious = Curious()
        return curious

    results = tracefunc(target)
    assert hits(found[0]) == SIMPLE
    assert texts(results, "curious = Curious()", "curious") == ["Curious()"]


# --- exceptions in callbacks --------------------------------------------------------------------------------------


class Broken:
    def __init__(self, error):
        self.error = error

    def __repr__(self):
        raise self.error


class Unprintable(Exception):
    def __str__(self):
        raise TypeError("no text")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad"), "<repr-error ValueError: bad>"),
        (Unprintable(), "<repr-error Unprintable: <exception str() failed>>"),
        (RecursionError("deep"), "<repr-error RecursionError: deep>"),
        (StopIteration(3), "<repr-error StopIteration: 3>"),
    ],
)
def test_a_repr_that_raises(error, text):
    def target(x):
        y = x
        return 7 if y is x else 8

    results = tracefunc(target, Broken(error))
    assert results.exc is None
    assert texts(results, "y = x", "y") == [text[:47] + "..." if len(text) > 50 else text]


def test_an_exception_while_describing(engine, monkeypatch):
    def describe(value):
        raise MemoryError

    monkeypatch.setattr(Options, "describer", lambda options: describe)
    ended = []

    def target(x):
        y = x
        ended.append(y)

    results = tracefunc(target, 1)
    assert (results.exc, ended) == (None, [1])
    assert texts(results, "y = x", "y") == ["<unavailable>"]


def test_no_stack_left_to_describe_with():
    def target(n):
        m = [n]
        return target(n + 1)

    untraced = None
    try:
        target(0)
    except RecursionError as error:
        untraced = str(error)
    results = tracefunc(target, 0)
    assert isinstance(results.exc, RecursionError)
    assert str(results.exc) == untraced
    assert [hits([r])["m = [n]"] for r in results] == [1] * 10


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_repr_that_ends_the_program(error, armed_events):
    def target(x):
        y = x
        return y

    with pytest.raises(error):
        tracefunc(target, Broken(error()))
    assert set(armed_events(target)) == {0}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers")
@pytest.mark.parametrize("delay", [0.001, 0.01, 0.03])
def test_an_interrupt_at_any_time(delay, armed_events):
    def target():
        while time.monotonic() < end:
            values = [i * i for i in range(40)]
            values.sort()

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    end = time.monotonic() + 20
    gc.disable()  # what is raised in its callbacks, as hypothesis has one, is lost
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, delay)
            tracefunc(target)
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert our_ids() == []
    assert set(armed_events(target)) == {0}
    assert hits(tracefunc(simple, 3)) == SIMPLE


# --- what is no Python code ----------------------------------------------------------------------------------------


class _Refusing:
    """`sys.monitoring` as it is where a code object is not Python's."""

    def __getattr__(self, name):
        return getattr(MONITORING, name)

    @staticmethod
    def set_local_events(tool, code, events):
        if events:
            raise SystemError("cannot instrument shim code object")
        MONITORING.set_local_events(tool, code, events)


def test_code_that_cannot_be_monitored(monkeypatch):
    monkeypatch.setattr(_monitor, "monitoring", _Refusing())
    ran = []

    def target():
        ran.append(1)

    with pytest.raises(ValueError, match=r"target' cannot be monitored.*not Python code"):
        tracefunc(target)
    monkeypatch.undo()
    assert ran == []
    assert our_ids() == []
    assert hits(tracefunc(target)) == {"ran.append(1)": 1}


class cython_function_or_method(weakref.ref):  # noqa: N801, the name that Cython gives
    """What functions compiled by Cython look like: a code object, but none that runs; and they are called by C."""

    def __init__(self, function):
        self.__code__ = function.__code__
        self.__name__ = self.__qualname__ = function.__name__
        self.__globals__ = function.__globals__


def test_a_function_compiled_to_c():
    compiled = cython_function_or_method(simple)
    with pytest.raises(ValueError, match="not written in Python"):
        tracefunc(compiled, 3)
    with pytest.raises(ValueError, match="not written in Python"):
        tracefunc(lambda: None, target_func=compiled)
