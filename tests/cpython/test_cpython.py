"""The interpreter's habits that a monitoring tool has to know, each with a test that fails when it is forgotten."""

import asyncio
import contextlib
import gc
import io
import os
import pdb
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
import weakref

import pytest

from groundtruth import compare, truth
from tracefunc import tracefunc
from tracefunc._record import monitor as _monitor
from tracefunc.core.options import Options

pytestmark = pytest.mark.both_engines

MONITORING = sys.monitoring
EVENTS = MONITORING.events
DISABLE = MONITORING.DISABLE
UNWIND_IS_LOCAL = sys.version_info >= (3, 15)
# Closing or dropping a suspended generator is not reported.
SILENT_CLOSE = (3, 13) <= sys.version_info < (3, 13, 10)


def hits(trace):
    """{line: hits} of one entry, or of the only one of a list."""
    if isinstance(trace, list):
        (trace,) = trace
    return {line: count for line, (count, _) in trace[1].items()}


def texts(results, line, name):
    """The texts of the samples of a name in the only recorded call."""
    ((_, trace),) = results
    return [text for _, text in trace[line][1][name]]


def our_ids():
    return [i for i in range(6) if MONITORING.get_tool(i) == "tracefunc"]


class Tool:
    """Another monitoring tool that takes an id and gives it back clean."""

    def __init__(self, tool=1, name="another tool"):
        self.tool, self.name = tool, name
        self.codes = {}
        self.registered = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        MONITORING.use_tool_id(self.tool, self.name)

    def on(self, event, callback):
        self.registered.append(event)
        MONITORING.register_callback(self.tool, event, callback)

    def stop(self):
        MONITORING.set_events(self.tool, 0)
        for code in self.codes.values():
            MONITORING.set_local_events(self.tool, code, 0)
        for event in self.registered:
            MONITORING.register_callback(self.tool, event, None)
        MONITORING.free_tool_id(self.tool)


class CoverageLike(Tool):
    """Sees each line once, as coverage.py does: LINE is armed where code starts, and each answer is DISABLE."""

    def start(self):
        super().start()
        self.lines = set()
        self.on(EVENTS.PY_START, self.on_start)
        self.on(EVENTS.LINE, self.on_line)
        MONITORING.set_events(self.tool, EVENTS.PY_START)
        MONITORING.restart_events()

    def on_start(self, code, offset):
        if id(code) not in self.codes:
            self.codes[id(code)] = code
            MONITORING.set_local_events(self.tool, code, EVENTS.LINE)
        return DISABLE

    def on_line(self, code, line):
        self.lines.add((code.co_filename, line))
        return DISABLE


class GlobalLines(CoverageLike):
    """The same with LINE events of all code, that which runs already included."""

    def start(self):
        Tool.start(self)
        self.lines = set()
        self.on(EVENTS.LINE, self.on_line)
        MONITORING.set_events(self.tool, EVENTS.LINE)


def run_python(source, *options, cwd, **environment):
    """Run a script of its own in a fresh interpreter, warnings as errors; returns its output."""
    script = cwd / "script.py"
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", *options, str(script)],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


# --- events that cannot be local -----------------------------------------------------------------------------------


def raising(n):
    for i in range(n):
        if i == 2:
            raise KeyError(i)


def other_raising():
    raise LookupError("not ours")


def test_leaving_by_an_exception_is_watched_only_while_a_trace_runs(armed_events):
    seen = []

    def target():
        (tool,) = our_ids()
        seen.append(MONITORING.get_events(tool))
        seen.append(MONITORING.get_local_events(tool, target.__code__) & EVENTS.PY_UNWIND)
        seen.append(MONITORING.get_local_events(tool, other_raising.__code__))

    assert our_ids() == []
    tracefunc(target)
    assert seen == ([0, EVENTS.PY_UNWIND, 0] if UNWIND_IS_LOCAL else [EVENTS.PY_UNWIND, 0, 0])
    assert our_ids() == []
    assert armed_events(target, other_raising) == [0, 0, 0]


def test_nothing_is_watched_once_the_tenth_call_has_ended():
    held = []

    def target(i):
        held.append(len(our_ids()))
        if i % 2:
            raise KeyError(i)

    def fn():
        for i in range(12):
            try:
                target(i)
            except KeyError:
                pass
            held.append(len(our_ids()))

    assert len(tracefunc(fn, target_func=target)) == 10
    assert held == [1] * 19 + [0] * 5


def test_exceptions_of_other_code_are_left_alone():
    caught = []

    def target():
        for i in range(20):
            try:
                other_raising()
            except LookupError as error:
                caught.append(str(error))
        raising(5)

    results = tracefunc(target)
    assert caught == ["not ours"] * 20
    assert repr(results.exc) == "KeyError(2)"
    assert hits(results)["raising(5)"] == 1


def test_a_target_that_raises_keeps_being_watched():
    def fn():
        for i in range(4):
            try:
                raising(i + 1)
            except KeyError:
                pass

    for _ in range(2):
        results = tracefunc(fn, target_func=raising)
        assert [hits(r).get("raise KeyError(i)") for r in results] == [None, None, 1, 1]
        assert [hits(r)["for i in range(n):"] for r in results] == [2, 3, 3, 3]
        assert all(texts([r], "raise KeyError(i)", "KeyError") == ["<class 'KeyError'>"] for r in results[2:])


# --- events that were silenced -------------------------------------------------------------------------------------


def busy(n, step=None):
    total = 0
    for i in range(n):
        if i % 3:
            total += i
        else:
            total -= 1
        if step:
            step(i)
    return total


BUSY = {
    "total = 0": 1,
    "for i in range(n):": 61,
    "if i % 3:": 60,
    "total += i": 40,
    "total -= 1": 20,
    "if step:": 60,
    "step(i)": 60,
    "return total": 1,
}


def test_silenced_offsets_are_heard_again_in_the_next_trace():
    first = tracefunc(busy, 60, print_nothing)
    second = tracefunc(busy, 60, print_nothing)
    assert hits(first) == hits(second) == BUSY
    assert list(first) == list(second)


def print_nothing(i):
    pass


def test_silenced_offsets_are_heard_again_in_the_next_call():
    def fn():
        return [busy(60, print_nothing), busy(4, print_nothing), busy(60, print_nothing)]

    one, two, three = tracefunc(fn, target_func=busy)
    assert hits(one) == hits(three) == BUSY
    assert one[1] == three[1]
    assert hits(two) == {**dict.fromkeys(BUSY, 4), **{"total = 0": 1, "return total": 1, "for i in range(n):": 5}} | {
        "total += i": 2,
        "total -= 1": 2,
    }


def test_silenced_offsets_are_heard_again_in_a_trace_within_a_trace():
    inner = []

    def step(i):
        if i == 50:
            inner.append(tracefunc(busy, 60, print_nothing))

    outer = tracefunc(busy, 60, step)
    assert [hits([r]) for r in outer] == [BUSY, BUSY]
    assert list(inner[0]) == list(tracefunc(busy, 60, print_nothing))


def test_another_tool_may_restart_events_at_any_time():
    plain = tracefunc(busy, 60, print_nothing)

    def step(i):
        MONITORING.restart_events()

    restarted = tracefunc(busy, 60, step)
    assert hits(restarted) == BUSY
    assert texts(restarted, "total += i", "total") == texts(plain, "total += i", "total")


def test_restarted_events_during_other_calls_add_nothing():
    def target(n):
        MONITORING.restart_events()
        items = [i for i in range(n) if i % 2]
        MONITORING.restart_events()
        try:
            MONITORING.restart_events()
            return sum(x for x in items)
        finally:
            MONITORING.restart_events()

    results = tracefunc(target, 30)
    assert hits(results) == {
        **{"MONITORING.restart_events()" + " " * i: 1 for i in range(4)},
        "items = [i for i in range(n) if i % 2]": 1,
        "[i for i in range(n) if i % 2]": 15,
        "try:": 1,
        "return sum(x for x in items)": 1,
        "(x for x in items)": 15,
    }


# --- other tools' LINE callbacks that answer DISABLE --------------------------------------------------------------


def watched(n):
    total = 0
    for i in range(n):
        total += i
        if total > 2:
            total -= 1

    def inner(k):
        k += 1
        return k

    return inner(total)


WATCHED = {
    "total = 0": 1,
    "for i in range(n):": 6,
    "total += i": 5,
    "if total > 2:": 5,
    "total -= 1": 3,
    "def inner(k):": 1,
    "k += 1": 1,
    "return k": 1,
    "return inner(total)": 1,
}


@pytest.mark.parametrize("kind", [CoverageLike, GlobalLines])
def test_a_tool_that_runs_already(kind):
    with kind() as tool:
        results = tracefunc(watched, 5)
    assert hits(results) == WATCHED
    first = watched.__code__.co_firstlineno
    assert {line - first for name, line in tool.lines if name == __file__ and first < line < first + 13} == {
        1, 2, 3, 4, 5, 7, 8, 9, 11,
    }  # fmt: skip


@pytest.mark.parametrize("kind", [CoverageLike, GlobalLines])
def test_a_tool_that_starts_before_the_target_is_called(kind):
    def fn():
        with kind():
            return watched(5)

    (result,) = tracefunc(fn, target_func=watched)
    assert hits([result]) == WATCHED


@pytest.mark.parametrize("kind", [CoverageLike, GlobalLines])
def test_a_tool_that_starts_between_two_calls(kind):
    def fn():
        watched(5)
        with kind():
            watched(5)
        watched(5)

    assert [hits([result]) for result in tracefunc(fn, target_func=watched)] == [WATCHED] * 3


@pytest.mark.parametrize("kind", [CoverageLike, GlobalLines])
def test_a_tool_that_starts_while_the_target_runs(kind):
    tool = kind()

    def target():
        total = 0
        tool.start()
        for i in range(4):
            total += i
            if i > 1:
                total -= 1
        k = (lambda v: v + 1)(total)
        tool.stop()
        return k

    assert hits(tracefunc(target)) == {
        "total = 0": 1,
        "tool.start()": 1,
        "for i in range(4):": 5,
        "total += i": 4,
        "if i > 1:": 4,
        "total -= 1": 2,
        "k = (lambda v: v + 1)(total)": 1,
        "lambda v: v + 1": 1,
        "tool.stop()": 1,
        "return k": 1,
    }


def test_the_other_tool_sees_what_it_sees_without_us():
    def lines(run):
        with CoverageLike() as tool:
            run()
        first = watched.__code__.co_firstlineno
        return sorted(line for name, line in tool.lines if name == __file__ and first <= line < first + 13)

    alone = lines(lambda: watched(5))
    assert alone == lines(lambda: tracefunc(watched, 5))
    assert len(alone) == 9


# --- tool ids ------------------------------------------------------------------------------------------------------


@pytest.fixture
def take():
    """Take tool ids under the name `holder <id>` until the test ends."""
    taken = []

    def take(*ids):
        for i in ids:
            MONITORING.use_tool_id(i, f"holder {i}")
            taken.append(i)

    yield take
    for i in taken:
        MONITORING.free_tool_id(i)


def holding():
    return our_ids()


@pytest.mark.parametrize(
    ("taken", "ours"),
    [((), 4), ((4,), 3), ((3,), 4), ((3, 4), 2), ((2, 3, 4), 1), ((1, 2, 3, 4), 5), ((1, 2, 3, 4, 5), 0)],
)
def test_ids_without_an_owner_come_first(take, taken, ours):
    take(*taken)
    found = []

    def target():
        found.extend(our_ids())

    assert hits(tracefunc(target)) == {"found.extend(our_ids())": 1}
    assert found == [ours]
    assert our_ids() == []


def test_an_id_taken_meanwhile_by_another_thread(monkeypatch):
    taken = []

    def use_tool_id(tool, name, real=MONITORING.use_tool_id):
        if not taken:
            taken.append(tool)
            raise ValueError("tool id is already in use")
        real(tool, name)

    monkeypatch.setattr(MONITORING, "use_tool_id", use_tool_id)
    found = []

    def target():
        found.extend(our_ids())

    tracefunc(target)
    monkeypatch.undo()
    assert (taken, found) == ([4], [3])


def test_no_id_is_left(take):
    take(*range(6))
    ran = []
    with pytest.raises(RuntimeError) as caught:
        tracefunc(lambda: ran.append(1))
    for i in range(6):
        assert f"holder {i}" in str(caught.value)
    assert ran == []


def test_after_that_error_tracing_works(take):
    def target():
        return 1

    ids = [0, 1, 2, 3, 4, 5]
    for i in ids:
        MONITORING.use_tool_id(i, "all")
    try:
        with pytest.raises(RuntimeError):
            tracefunc(target)
    finally:
        for i in ids:
            MONITORING.free_tool_id(i)
    assert hits(tracefunc(target)) == {"return 1": 1}


def test_everything_is_given_back(armed_events):
    def target(n):
        squares = [(lambda v: v * v)(i) for i in range(n)]

        class Inner:
            total = sum(x for x in squares)

        return Inner

    tracefunc(target, 30)
    assert set(armed_events(target)) == {0}


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_everything_is_given_back_after_an_exception(error, armed_events):
    def target(n):
        for i in range(n):
            if i > 40:
                raise error("stop")

    if issubclass(error, Exception):
        assert isinstance(tracefunc(target, 50).exc, error)
    else:
        with pytest.raises(error, match="stop"):
            tracefunc(target, 50)
    assert set(armed_events(target)) == {0}


def test_nested_traces_share_one_id():
    found, inner = [], []

    def leaf(n):
        found.append(our_ids())
        return n + 1

    def target(n):
        inner.append(tracefunc(leaf, n))
        found.append(our_ids())
        return leaf(n)

    outer = tracefunc(target, 3)
    assert found == [[4]] * 3
    assert hits(outer) == {
        "inner.append(tracefunc(leaf, n))": 1,
        "found.append(our_ids())": 1,
        "return leaf(n)": 1,
    }
    assert hits(inner[0]) == {"found.append(our_ids())": 1, "return n + 1": 1}


def test_nested_traces_of_one_function():
    inner = []

    def target(n):
        if n:
            inner.append(tracefunc(target, n - 1))
        n += 1
        return n

    outer = tracefunc(target, 2)
    # The first call traced here ran already when the second was armed: it is in the outer one's list only.
    assert [hits([r])["n += 1"] for r in outer] == [1, 1, 1]
    assert [[hits([r])["n += 1"] for r in results] for results in inner] == [[1], [1, 1]]
    assert [texts([r], "n += 1", "n") for r in outer] == [["3"], ["2"], ["1"]]


def test_an_error_of_the_inner_trace_leaves_the_outer_one_on():
    def target():
        problem = None
        try:
            tracefunc(len, [])
        except ValueError as error:
            problem = str(error)
        done = tracefunc(other_raising)
        return problem, done

    lines = hits(tracefunc(target))
    assert lines["problem = str(error)"] == lines["return problem, done"] == 1


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


# --- frames --------------------------------------------------------------------------------------------------------


def test_frames_with_the_same_address():
    def target(n):
        def inner(k):
            return k

        def other(k):
            k += 100
            return k

        return [inner(i) + other(i) for i in range(n)]

    results = tracefunc(target, 5)
    assert hits(results)["return k"] == 5
    assert texts(results, "return k", "k") == ["0", "1", "2", "3", "4"]
    assert texts(results, "k += 100", "k") == ["100", "101", "102", "103", "104"]


def numbers(n):
    for i in range(n):
        yield i


def test_a_suspended_generator_keeps_its_frame():
    def fn():
        one, two = numbers(3), numbers(2)
        return list(zip(one, two)), list(one), list(two)

    one, two = tracefunc(fn, target_func=numbers)
    assert hits([one]) == {"for i in range(n):": 4, "yield i": 3}
    assert hits([two]) == {"for i in range(n):": 3, "yield i": 2}
    assert texts([one], "yield i", "i") == ["0", "1", "2"]


@pytest.mark.parametrize("way", ["close", "drop"])
def test_a_generator_that_is_closed_or_dropped(way):
    def fn():
        generator = numbers(5)
        next(generator), next(generator)
        if way == "close":
            generator.close()
        del generator
        for _ in range(3):
            list(numbers(1))  # frames that may get the address

    results = tracefunc(fn, target_func=numbers)
    assert hits([results[0]]) in (
        [{"for i in range(n):": 2, "yield i": 2}] + [{"for i in range(n):": 2, "yield i": 1}] * SILENT_CLOSE
    )
    assert [hits([r]) for r in results[1:]] == [{"for i in range(n):": 2, "yield i": 1}] * 3


def test_an_exception_thrown_into_a_generator():
    def fn():
        generator = numbers(5)
        next(generator), next(generator)
        try:
            generator.throw(KeyError)
        except KeyError:
            pass
        return list(numbers(1))

    one, two = tracefunc(fn, target_func=numbers)
    assert hits([one]) == {"for i in range(n):": 2, "yield i": 2}
    assert hits([two]) == {"for i in range(n):": 2, "yield i": 1}


@pytest.mark.parametrize("way", ["throw", "close", "drop"])
def test_a_generator_ended_before_its_first_step_is_no_call(way):
    def fn():
        generator = numbers(5)
        if way == "throw":
            with pytest.raises(KeyError):
                generator.throw(KeyError)
        elif way == "close":
            generator.close()
        del generator
        list(numbers(1))

    results = tracefunc(fn, target_func=numbers)
    assert [hits([r]) for r in results] == [{"for i in range(n):": 2, "yield i": 1}]


def test_a_generator_still_suspended_at_the_end_makes_no_hit():
    kept = []

    def fn():
        kept.append(numbers(5))
        next(kept[0]), next(kept[0])

    (result,) = tracefunc(fn, target_func=numbers)
    assert hits([result]) == {"for i in range(n):": 2, "yield i": 1}
    assert list(kept[0]) == [2, 3, 4]


def test_a_frame_that_runs_already_is_not_recorded():
    found = []

    def target(n):
        if n:
            found.append(tracefunc(target, 0))
            n += 10
        return n

    target(1)
    assert hits(found[0]) == {"if n:": 1, "return n": 1}


def test_a_generator_that_runs_already_is_not_recorded():
    kept = []

    def fn():
        return list(kept[0]), list(numbers(1))

    kept.append(numbers(4))
    next(kept[0])
    (result,) = tracefunc(fn, target_func=numbers)
    assert hits([result]) == {"for i in range(n):": 2, "yield i": 1}


# --- equal code objects --------------------------------------------------------------------------------------------

TWIN = """
def target(n):
    m = n + 1
    return (lambda: m)()
"""


def test_a_module_loaded_twice(define):
    one, two = define(TWIN, name="<twin>")["target"], define(TWIN, name="<twin>")["target"]
    assert one.__code__ == two.__code__ and one.__code__ is not two.__code__

    def fn():
        return one(1), two(2), one(3)

    assert [texts([r], "m = n + 1", "m") for r in tracefunc(fn, target_func=one)] == [["2"], ["4"]]
    assert [texts([r], "m = n + 1", "m") for r in tracefunc(fn, target_func=two)] == [["3"]]


def test_traces_of_both_at_once(define):
    one, two = define(TWIN, name="<twin>")["target"], define(TWIN, name="<twin>")["target"]
    inner = []

    def fn():
        inner.append(tracefunc(lambda: (one(1), two(2)), target_func=two))
        return one(3)

    outer = tracefunc(fn, target_func=one)
    assert [texts([r], "m = n + 1", "m") for r in outer] == [["2"], ["4"]]
    assert [texts([r], "m = n + 1", "m") for r in inner[0]] == [["3"]]


def test_a_def_executed_twice():
    def make(step):
        def inner(n):
            n += step
            return n

        return inner

    one, two = make(1), make(10)
    assert one.__code__ is two.__code__

    def fn():
        return one(0), two(0)

    results = tracefunc(fn, target_func=one)
    assert [texts([r], "n += step", "n") for r in results] == [["1"], ["10"]]


def test_equal_functions_within_the_target(define):
    target = define("""
        def target(n):
            pair = (lambda v: v + 1), (lambda v: v + 1)
            return pair[0](n), pair[1](n), pair[1](n)
    """)["target"]
    ((_, trace),) = tracefunc(target, 5)
    assert (trace["lambda v: v + 1"][0], trace["lambda v: v + 1 "][0]) == (1, 2)


# --- local variables ------------------------------------------------------------------------------------------------


class Thing:
    pass


def test_objects_die_when_they_do_without_a_trace():
    def run(log):
        thing = Thing()
        ref = weakref.ref(thing)
        cell = Thing()
        cell_ref = weakref.ref(cell)
        (lambda: cell)()
        log.append((ref() is None, cell_ref() is None))
        del thing
        log.append((ref() is None, cell_ref() is None))
        cell = [Thing() for _ in range(3)]
        log.append((ref() is None, cell_ref() is None))
        last = weakref.ref(cell[0])
        for item in cell:
            item = None
        cell = None
        log.append(last() is None)

    untraced, traced = [], []
    enabled = gc.isenabled()
    gc.disable()
    try:
        run(untraced)
        results = tracefunc(run, traced)
    finally:
        if enabled:
            gc.enable()
    assert untraced == traced == [(False, False), (True, False), (True, True), True]
    assert results.exc is None


def test_locals_of_the_program_are_its_own():
    def run():
        a = 1
        before = locals()
        b = 2
        names = sorted(before)
        (lambda: b)()
        return names, sorted(locals())

    untraced, traced = run(), []

    def fn():
        traced.append(run())

    results = tracefunc(fn, target_func=run)
    assert results.exc is None
    assert traced == [untraced]


def test_a_comprehensions_variable_that_is_a_cell_outside(tmp_path):
    """Reading all local variables there ends the interpreter of 3.13.0."""
    output = run_python(
        """
        from tracefunc import tracefunc

        def target(x):
            keep = lambda: x
            y = [x for x in 'ab' if keep]
            z = [[x for x in 'cd'] for x in range(2)]
            return y, keep(), [(lambda: x)() for x in range(2)]

        ((_, trace),) = tracefunc(target, 7)
        for line, (hits, names) in trace.items():
            print(line, hits, [text for _, text in names.get("x", [])])
        """,
        cwd=tmp_path,
    )
    assert output.splitlines() == [
        "keep = lambda: x 1 []",
        "lambda: x 1 ['7']",
        "y = [x for x in 'ab' if keep] 1 []",
        "[x for x in 'ab' if keep] 2 [\"'a'\", \"'b'\"]",
        "z = [[x for x in 'cd'] for x in range(2)] 1 []",
        "[[x for x in 'cd'] for x in range(2)] 2 ['0', '1']",
        "[x for x in 'cd'] 4 [\"'c'\", \"'d'\", \"'c'\", \"'d'\"]",
        "return y, keep(), [(lambda: x)() for x in range(2)] 1 []",
        "[(lambda: x)() for x in range(2)] 2 ['0', '1']",
        "lambda: x  2 ['0', '1']",
    ]


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


# --- annotations and type parameters ------------------------------------------------------------------------------


def test_reading_annotations_adds_no_hits():
    def target(n):
        class C:
            a: int = n
            b: list[str]

        def f(x: C, y: int = 3) -> dict[int, str]:
            return x

        before = C.__annotations__, f.__annotations__
        return len(before), C.__annotations__, f.__annotations__

    found = hits(tracefunc(target, 1))
    assert found["class C:"] == found["a: int = n"] == 1
    assert found["def f(x: C, y: int = 3) -> dict[int, str]:"] == 1
    assert found.get("b: list[str]", 1) == 1
    assert "return x" not in found
    assert found["return len(before), C.__annotations__, f.__annotations__"] == 1


def test_the_targets_own_annotations_add_no_hits():
    def target(n: int, m: "str" = "") -> list[int]:
        k: int = n
        return [k]

    def fn():
        return target(1), target.__annotations__, target.__annotations__

    assert hits(tracefunc(fn, target_func=target)) == {"k: int = n": 1, "return [k]": 1}


def test_lines_below_type_parameters():
    def target(n):
        def f[T: (int, str)](x: T) -> T:
            y = x
            return y

        class C[U]:
            size = 4

            def method[V](self, v: V) -> U:
                return v

        type Alias[W] = list[W] | int
        return f(n), C().method(n), Alias.__value__, f.__type_params__[0].__constraints__

    results = tracefunc(target, 3)
    assert results.exc is None
    assert hits(results) == {
        "def f[T: (int, str)](x: T) -> T:": 1,
        "y = x": 1,
        "return y": 1,
        "class C[U]:": 1,
        "size = 4": 1,
        "def method[V](self, v: V) -> U:": 1,
        "return v": 1,
        "type Alias[W] = list[W] | int": 1,
        "return f(n), C().method(n), Alias.__value__, f.__type_params__[0].__constraints__": 1,
    }


def test_comprehensions_in_annotations_make_no_hits():
    """Up to 3.13 they are evaluated with the definition, later when somebody asks."""

    def target(xs):
        def f(a: [x for x in xs] = [y for y in xs], *, b: {k: [v for v in xs] for k in xs}) -> list(g for g in xs):  # noqa: B006
            return a

        def generic[T](a: {x for x in xs}, b: any(not g for g in xs)):
            return a

        class C:
            a: [n for n in xs] = 3
            f.field: [n + 1 for n in xs] = 3

        k: [never for never in xs] = 1
        return f.__annotations__, generic.__annotations__, C.__annotations__, k

    results = tracefunc(target, (1, 2), incl_unhit=True)
    assert results.exc is None
    found = hits(results)
    assert {line: found[line] for line in found if line.startswith(("[", "{", "("))} == {
        "[x for x in xs]": 0,
        "[y for y in xs]": 2,
        "{k: [v for v in xs] for k in xs}": 0,
        "[v for v in xs]": 0,
        "(g for g in xs)": 0,
        "{x for x in xs}": 0,
        "(not g for g in xs)": 0,
        "[n for n in xs]": 0,
        "[n + 1 for n in xs]": 0,
        "[never for never in xs]": 0,
    }


def test_lambdas_in_annotations_count_their_calls():
    """Whoever keeps one of them may call it, as validators do."""

    def target(n):
        def f(
            a: (lambda x: [x + i for i in range(n)]), b: [lambda y: y for _ in (n,)], c: set(lambda z: z for _ in (n,))
        ):
            return a

        a, b, c = f.__annotations__.values()
        return a(1), a(2), b[0](3), c.pop()(4)

    results = tracefunc(target, 2)
    assert results.exc is None
    found = hits(results)
    assert found["lambda x: [x + i for i in range(n)]"] == 2
    assert found["[x + i for i in range(n)]"] == 4
    assert found["lambda y: y"] == found["lambda z: z"] == 1
    assert not [line for line in found if line.startswith(("[lambda", "(lambda"))]


class Base:
    def __init_subclass__(cls, sizes):
        cls.sizes = sizes


def test_comprehensions_in_scopes_of_type_parameters(results_of):
    """They are hit when the alias's value, the bound or the class is evaluated, and not again."""

    def target(xs):
        type Unread = [x for x in xs]
        type Alias = [k + v for k in xs for v in [k + 1 for k in xs]]

        def f[T: {x - 1 for x in xs}](x: T) -> T:
            return x

        class C[T]([Base for x in xs][0], sizes={x: T for x in xs}):
            pass

        for _ in range(2):
            Alias.__value__, f.__type_params__[0].__bound__
        return len(C.sizes)

    results = tracefunc(target, (1, 2))
    assert results.exc is None
    (trace,) = results_of(results)
    assert trace["type Unread = [x for x in xs]"][0] == 1
    given = ["(1, 2)"]
    assert {line: trace[line] for line in trace if line.startswith(("[", "{"))} == {
        "[k + v for k in xs for v in [k + 1 for k in xs]]": (
            4,
            {"k": ["1", "1", "2", "2"], "v": ["2", "3", "2", "3"], "xs": given * 4},
        ),
        "[k + 1 for k in xs]": (4, {"k": ["1", "2", "1", "2"], "xs": given * 4}),
        "{x - 1 for x in xs}": (2, {"x": ["1", "2"], "xs": given * 2}),
        "[Base for x in xs]": (2, {"Base": [repr(Base)] * 2, "x": ["1", "2"], "xs": given * 2}),
        "{x: T for x in xs}": (2, {"T": ["T", "T"], "x": ["1", "2"], "xs": given * 2}),
    }


def test_comprehensions_in_a_value_that_is_evaluated_often():
    def target(xs):
        for i in range(30):
            type Alias = [x + i for x in xs]
            assert len(Alias.__value__) == len(xs)
        return i

    results = tracefunc(target, (1, 2))
    assert hits(results)["[x + i for x in xs]"] == 60
    assert texts(results, "[x + i for x in xs]", "i") == [repr(i // 2) for i in range(10)]


def test_a_value_that_is_evaluated_after_the_call():
    def target(xs):
        type Alias = [x for x in xs]
        return Alias

    def fn():
        return target((1, 2)).__value__

    assert hits(tracefunc(fn, target_func=target)) == {"type Alias = [x for x in xs]": 1, "return Alias": 1}


@pytest.mark.skipif(sys.version_info < (3, 13), reason="a SyntaxError up to 3.12")
def test_comprehensions_in_scopes_of_type_parameters_of_a_class(define, results_of):
    target = define("""
        n = "global"

        def target(xs):
            class C:
                n = 2
                type Alias = [[i + j + xs[0] for j in xs] for i in range(n)]

                def f[T: (tuple(i for i in xs), int)](self):
                    return self

            return C.Alias.__value__, C.f.__type_params__[0].__constraints__
    """)["target"]
    results = tracefunc(target, (1, 2))
    assert results.exc is None
    (trace,) = results_of(results)
    hits, names = trace["[[i + j + xs[0] for j in xs] for i in range(n)]"]
    assert (hits, names["n"]) == (2, ["<unavailable>"] * 2)
    assert trace["[i + j + xs[0] for j in xs]"] == (
        4,
        {"i": ["0", "0", "1", "1"], "j": ["1", "2", "1", "2"], "xs": ["(1, 2)"] * 4},
    )
    assert trace["(i for i in xs)"][0] == 2


def test_a_name_of_a_class_that_only_a_first_iterable_mentions(define, results_of):
    """The generator expression cannot see it, and a global of the same name is not it."""
    target = define("""
        n = 5

        def target():
            class C:
                n = 1
                a = list(i for i in range(n))
                b = list(i + n for i in range(n))

                def f(self):
                    return list(not i for i in range(n))

            C().f()
    """)["target"]
    (trace,) = results_of(tracefunc(target))
    assert trace["(i for i in range(n))"][1]["n"] == ["<unavailable>"]
    assert trace["(i + n for i in range(n))"][1]["n"] == ["5"]
    assert trace["(not i for i in range(n))"][1]["n"] == ["5"] * 5


# --- reading the source --------------------------------------------------------------------------------------------

WARNS = r'''
def target(x):
    """A \d that warns."""
    y = "\d"
    z = 1if x else 0
    return y is "literal"
'''


def test_warnings_of_the_source_are_silent(tmp_path):
    (tmp_path / "warns.py").write_text(WARNS, encoding="utf-8")
    output = run_python(
        """
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import warns
        from tracefunc import tracefunc
        for _ in range(2):
            ((_, trace),) = tracefunc(warns.target, 3)
            print(sorted((line, hits) for line, (hits, _) in trace.items() if "=" in line))
        """,
        cwd=tmp_path,
    )
    assert output.splitlines() == [r"""[('y = "\\d"', 1), ('z = 1if x else 0', 1)]"""] * 2


def test_warnings_of_the_source_are_not_recorded(define):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target = define(WARNS)["target"]
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        found = hits(tracefunc(target, 3))
    assert found["z = 1if x else 0"] == 1
    assert [str(w.message) for w in seen] == []
    assert list(warnings.filters) == filters


def test_positions_count_bytes(define):
    target = define("""
        def target(größe):
            名前 = "äöü€𝄞"; länge = len(名前); return 名前, länge, [é for é in 名前]
    """)["target"]
    results = tracefunc(target, 1)
    assert hits(results) == {
        '名前 = "äöü€𝄞"': 1,
        "länge = len(名前)": 1,
        "return 名前, länge, [é for é in 名前]": 1,
        "[é for é in 名前]": 5,
    }
    assert texts(results, "[é for é in 名前]", "é") == ["'ä'", "'ö'", "'ü'", "'€'", "'𝄞'"]


@pytest.mark.parametrize("how", ["option", "variable"])
def test_without_columns_it_works_by_lines(tmp_path, how):
    output = run_python(
        """
        from tracefunc import tracefunc

        def target(n):
            total = 0
            for i in range(n):
                if i % 2:
                    total += i
                else:
                    continue
            try:
                with open(__file__) as f:
                    raise KeyError
            except KeyError as e:
                total = (
                    total
                    + 1
                )
            finally:
                x = 3
            return total

        def two():
            return [lambda: 1, lambda: 1]

        ((_, trace),) = tracefunc(target, 5)
        for line, (hits, names) in trace.items():
            print(hits, line.splitlines()[0], [text for _, text in names.get("total", [])])
        try:
            tracefunc(two()[1])
        except ValueError as error:
            print("2 lambdas stand on line" in str(error))
        """,
        *(["-X", "no_debug_ranges"] if how == "option" else []),
        cwd=tmp_path,
        **({"PYTHONNODEBUGRANGES": "1"} if how == "variable" else {}),
    )
    lines = output.splitlines()
    assert lines.pop() == "True"
    assert [line for line in lines if "try:" not in line and "continue" not in line] == [
        "1 total = 0 ['0']",
        "6 for i in range(n): []",
        "5 if i % 2: []",
        "2 total += i ['1', '4']",
        "1 with open(__file__) as f: []",
        "1 raise KeyError []",
        "1 except KeyError as e: []",
        "1 total = ( ['5']",
        "1 x = 3 []",
        "1 return total ['5']",
    ]


def test_a_header_without_an_instruction_before_a_statement_without_one(define):
    """`case _:` and `while True:` are executed when what they hold starts; on one line `...` leaves no trace of itself."""
    fn = define("""
        def target(v):
            match v:
                case 1: x = 1
                case _: ...; x = v
            while True: ...; x += 1; break
            return x
    """)["target"]
    found = hits(tracefunc(fn, 2))
    assert (found["case _:"], found["while True:"], found["x += 1"]) == (1, 1, 1)
    assert "case _:" not in hits(tracefunc(fn, 1))


def test_a_name_that_is_put_away_for_a_comprehension_within_one():
    """While the outer one runs, its `x` has no value: the inner one's is the same variable."""

    def target(x):
        a = [1 for i in (x, x) if [2 for x in "ab"]]
        b = [x for i in (x, x) if [2 for x in "ab"]]
        return a, b, x

    results = tracefunc(target, 7)
    assert results.exc is None
    assert texts(results, '[1 for i in (x, x) if [2 for x in "ab"]]', "x") == ["<unavailable>"] * 2
    assert texts(results, '[x for i in (x, x) if [2 for x in "ab"]]', "x") == ["7"] * 2
    assert texts(results, "return a, b, x", "x") == ["7"]


def test_a_return_of_which_only_one_copy_has_an_instruction(define):
    """A `finally` is compiled twice; a constant returned from the one in a handler is but the handler's clean-up."""
    fn = define("""
        def target(fails):
            try:
                raise KeyError
            except KeyError:
                try:
                    fails and 1 // 0
                finally:
                    return
    """)["target"]
    assert hits(tracefunc(fn, False))["return"] == 1
    assert hits(tracefunc(fn, True))["return"] == 1


def test_a_case_that_only_goes_on_with_the_loop(define):
    """Its header is executed at the jump back, which ends the `case` before; also when others have their samples."""
    fn = define("""
        def target(n):
            while n:
                n -= 1
                match n:
                    case 7: y = 1
                    case _: continue
    """)["target"]
    found = hits(tracefunc(fn, 40))
    assert (found["case 7:"], found["case _:"], found["while n:"]) == (40, 39, 41)


def handled():
    now = sys.exception()
    yield now
    now = sys.exception()
    yield now


def in_a_handler(seen):
    def inner():
        now = sys.exception()
        yield now
        now = sys.exception()
        yield now

    for function in (inner, handled):
        try:
            raise KeyError
        except KeyError:
            generator = function()
            seen.append(type(next(generator)))
        seen.append(type(next(generator)))


@pytest.mark.parametrize("target", [in_a_handler, handled])
def test_a_generator_that_starts_in_a_handler_keeps_nothing_of_it(target):
    """What is being handled at its first step is its caller's affair, and over at the next."""
    seen = []
    results = tracefunc(in_a_handler, seen, target_func=target)
    assert results.exc is None
    assert seen == [KeyError, type(None)] * 2


def test_the_last_line_of_a_handler_is_sampled_before_its_name_is_unbound():
    """`e = None; del e` ends it; that of `except*` follows the line at once."""

    def target():
        try:
            raise KeyError(1)
        except KeyError as e:
            plain = e
        try:
            raise ExceptionGroup("g", [KeyError(2)])
        except* KeyError as e:
            group = e
        return plain, group

    results = tracefunc(target)
    assert texts(results, "plain = e", "e") == ["KeyError(1)"]
    assert texts(results, "group = e", "e") == ["ExceptionGroup('g', [KeyError(2)])"]


# --- threads --------------------------------------------------------------------------------------------------------


def test_calls_in_other_threads_are_recorded():
    def fn():
        threads = [threading.Thread(target=simple, args=(3,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        simple(3)

    results = tracefunc(fn, target_func=simple)
    assert [hits([r]) for r in results] == [SIMPLE] * 5
    assert [stack for stack, _ in results[:4]] == [""] * 4
    assert results[4][0].endswith(f"simple (test_cpython.py:{simple.__code__.co_firstlineno})")


def waiting(wait, got=None):
    if wait is not None:
        got = wait()
    for _ in range(3):
        got = [got]
    return got


def test_a_call_in_another_thread_goes_on_after_the_last_has_started():
    """When no further call is recorded, only what running ones can come to is listened to: theirs is not on the stack."""
    started, go_on = threading.Event(), threading.Event()

    def wait():
        started.set()
        return go_on.wait(60)

    def fn():
        thread = threading.Thread(target=waiting, args=(wait,))
        thread.start()
        try:
            assert started.wait(60)
            for _ in range(12):
                waiting(None)
        finally:
            go_on.set()
            thread.join()

    results = tracefunc(fn, target_func=waiting)
    assert results.exc is None
    assert len(results) == 10
    lines = {"if wait is not None:": 1, "got = wait()": 1, "for _ in range(3):": 4, "got = [got]": 3, "return got": 1}
    assert hits([results[0]]) == lines
    assert [hits([r]) for r in results[1:]] == [{k: v for k, v in lines.items() if k != "got = wait()"}] * 9


COUNTED = """
def target(n, seed):
    total = seed
    for i in range(n):
        total += i
    return total
"""


def test_traces_in_several_threads_at_once(define):
    """Each has its own answer; all share the id, and the last gives it back."""
    barrier = threading.Barrier(4)
    problems = []

    def work(target, seed):
        try:
            barrier.wait(20)
            for n in range(30):
                results = tracefunc(target, n, seed)
                assert hits(results)["total = seed"] == 1
                assert hits(results)["for i in range(n):"] == n + 1
                assert texts(results, "total = seed", "total") == [str(seed)]
        except BaseException as error:
            problems.append(error)

    targets = [define(COUNTED, name="<counted>")["target"] for _ in range(4)]
    threads = [threading.Thread(target=work, args=(target, seed)) for seed, target in enumerate(targets)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert problems == []
    assert our_ids() == []


def test_a_generator_of_another_thread_while_traces_come_and_go():
    stop = threading.Event()
    rounds = []

    def turning():
        while not stop.is_set():
            rounds.append(sum(numbers(20)))

    thread = threading.Thread(target=turning)
    thread.start()
    try:
        for _ in range(30):
            results = tracefunc(lambda: list(numbers(3)), target_func=numbers)
            assert results.exc is None
    finally:
        stop.set()
        thread.join()
    assert set(rounds) <= {190}


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
