"""Tools that start and stop before, during and after a trace: their results and ours are those of each alone."""

import cProfile
import io
import os
import pdb
import sys
import trace

import coverage
import pysnooper
import pytest

from other_tools import DISABLE, EVENTS, MONITORING, CoverageLike, hits
from tracefunc import tracefunc
from tracefunc._interpreter import LINE_SWALLOWS_INSTRUCTION

pytestmark = pytest.mark.both_engines

PROGRAM = """
    def leaf(x, act):
        y = x + 1
        act(x, "nested")
        z = y * 2
        return z
    def numbers(n, act):
        for i in range(n):
            act(i, "generator")
            yield i
    def target(n, act):
        found = []
        for x in numbers(n, act):
            act(x, "target")
            if x % 2:
                found.append(leaf(x, act))
            else:
                found.append(x)
        squares = [v * v for v in found]
        try:
            raise ValueError(n)
        except ValueError as error:
            last = len(squares)
        return last
    def call(n, act):
        act(-1, "caller")
        first = target(n, act)
        act(-2, "caller")
        return first
"""
TURNS = 30  # more than a line has samples


class Settrace:
    def start(self):
        self.before = sys.gettrace()
        self.seen = 0

        def follow(frame, event, arg):
            self.seen += 1
            return follow

        sys.settrace(follow)

    def stop(self):
        sys.settrace(self.before)


class Setprofile:
    def start(self):
        self.seen = 0
        self.before = sys.getprofile()
        sys.setprofile(lambda *event: None)

    def stop(self):
        sys.setprofile(self.before)


class CProfile:
    def start(self):
        self.profile = cProfile.Profile()
        self.profile.enable()

    def stop(self):
        self.profile.disable()


class Monitoring:
    """A tool of its own that wants some events everywhere."""

    def __init__(self, *events, answer=None):
        self.events, self.answer = events, answer

    def start(self):
        MONITORING.use_tool_id(2, "another tool")
        mask = 0
        for name in self.events:
            event = getattr(EVENTS, name)
            MONITORING.register_callback(2, event, lambda *details: self.answer)
            mask |= event
        MONITORING.set_events(2, mask)

    def stop(self):
        MONITORING.set_events(2, 0)
        for name in self.events:
            MONITORING.register_callback(2, getattr(EVENTS, name), None)
        MONITORING.free_tool_id(2)


class Local(Monitoring):
    """The same on the target's code alone."""

    def start(self):
        MONITORING.use_tool_id(2, "another tool")
        self.code = self.function.__code__
        mask = sum(getattr(EVENTS, name) for name in self.events)
        for name in self.events:
            MONITORING.register_callback(2, getattr(EVENTS, name), lambda *details: self.answer)
        MONITORING.set_local_events(2, self.code, mask)

    def stop(self):
        MONITORING.set_local_events(2, self.code, 0)
        super().stop()


class Coverage:
    """coverage.py, by one of the ways in which it can listen."""

    def __init__(self, core):
        self.core = core

    def start(self):
        self.measured = coverage.Coverage(data_file=None, config_file=False)
        self.measured.set_option("run:core", self.core)
        self.measured.start()

    def stop(self):
        self.measured.stop()


class PySnooper:
    """It shows the lines of the frame that starts it, and follows all that are called there."""

    def start(self):
        self.before = sys.gettrace()
        self.snoop = pysnooper.snoop(io.StringIO(), depth=3)
        self.snoop.__enter__()

    def stop(self):
        sys.settrace(self.before)


class Hunter:
    def start(self):
        sys.path.append(FOLDER)
        import hunter

        sys.path.remove(FOLDER)
        self.before = sys.gettrace()
        self.tracer = hunter.trace(action=do_nothing)

    def stop(self):
        self.tracer.stop()
        sys.settrace(self.before)


TOOLS = {
    "settrace": Settrace,
    "setprofile": Setprofile,
    "cProfile": CProfile,
    "starts": lambda: Monitoring("PY_START"),
    "returns": lambda: Monitoring("PY_START", "PY_RETURN", "PY_YIELD", "PY_RESUME"),
    "instructions": lambda: Monitoring("INSTRUCTION"),
    "instructions once": lambda: Monitoring("INSTRUCTION", answer=DISABLE),
    "starts once": lambda: Monitoring("PY_START", "PY_RETURN", answer=DISABLE),
    "lines": lambda: Monitoring("LINE"),
    "exceptions": lambda: Monitoring("RAISE", "PY_UNWIND", "EXCEPTION_HANDLED"),
    "calls": lambda: Monitoring("CALL", "JUMP"),
    "local starts": lambda: Local("PY_START", "PY_RETURN"),
    "local instructions": lambda: Local("INSTRUCTION"),
    "local instructions once": lambda: Local("INSTRUCTION", answer=DISABLE),
    "coverage, ctrace": lambda: Coverage("ctrace"),
    "coverage, sysmon": lambda: Coverage("sysmon"),
    "PySnooper": PySnooper,
    "hunter": Hunter,
}
# Tools whose LINE events swallow ours from a call on in which they start: `results.warnings` says so.
SWALLOWING = {"coverage, sysmon"} if LINE_SWALLOWS_INSTRUCTION else set()
# Where `make tools` has put hunter: an environment with it imports it, and much else, in each process.
FOLDER = os.environ.get("TRACEFUNC_TOOLS")
NAMES = [name for name in TOOLS if FOLDER or name != "hunter"]
PLACES = [("caller", -1), ("target", 3), ("target", 17), ("nested", 5), ("generator", 12)]
STOPS = [None, ("target", 25)]


def do_nothing(*details):
    return None


def acting(tool, start, stop):
    """What starts and stops a tool at some places of the program."""

    def act(x, place):
        if (place, x) == start:
            tool.start()
        if (place, x) == stop:
            tool.stop()

    return act


@pytest.mark.parametrize("stop", STOPS, ids=str)
@pytest.mark.parametrize("start", PLACES, ids=str)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("of", ["target", "leaf"])
def test_a_tool_that_starts(define, name, start, stop, of):
    program = define(PROGRAM)
    alone = tracefunc(program["call"], TURNS, do_nothing, target_func=program[of])
    again = define(PROGRAM)  # other code objects, of which the interpreter has made no tables yet
    tool = TOOLS[name]()
    tool.function = again[of]
    try:
        beside = tracefunc(again["call"], TURNS, acting(tool, start, stop), target_func=again[of])
    finally:
        if stop is None:
            tool.stop()
    assert beside.exc is None
    if name in SWALLOWING and [text for text in beside.warnings if "started during the trace" in text]:
        return
    assert [hits(entry) for entry in beside] == [hits(entry) for entry in alone]
    assert [values_of(entry) for entry in beside] == [values_of(entry) for entry in alone]


@pytest.mark.parametrize("stop", STOPS[1:], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_tool_that_was_there(define, name, stop):
    program = define(PROGRAM)
    alone = tracefunc(program["call"], TURNS, do_nothing, target_func=program["target"])
    again = define(PROGRAM)
    tool = TOOLS[name]()
    tool.function = again["target"]
    tool.start()
    beside = tracefunc(again["call"], TURNS, acting(tool, None, stop), target_func=again["target"])
    assert [hits(entry) for entry in beside] == [hits(entry) for entry in alone]
    assert [values_of(entry) for entry in beside] == [values_of(entry) for entry in alone]


def values_of(entry):
    """The samples of an entry but for `act`, which is another function in each run."""
    return {
        line: {name: samples for name, samples in names.items() if name not in ("act", "leaf", "numbers")}
        for line, (_, names) in entry[1].items()
    }


def test_settrace_sees_what_it_sees_alone(define):
    seen = []
    for traced in (False, True):
        program = define(PROGRAM)
        events = []

        def follow(frame, event, arg, code=program["target"].__code__, events=events):
            if frame.f_code is code:
                events.append((event, frame.f_lineno))
            return follow

        def act(x, place, follow=follow):
            if (place, x) == ("caller", -1):
                sys.settrace(follow)

        before = sys.gettrace()
        try:
            if traced:
                tracefunc(program["call"], TURNS, act, target_func=program["target"])
            else:
                program["call"](TURNS, act)
        finally:
            sys.settrace(before)
        seen.append(events)
    assert len(seen[0]) > 4 * TURNS
    assert seen[0] == seen[1]


def test_the_debugger_in_the_target(define):
    program = define(PROGRAM)
    alone = tracefunc(program["call"], TURNS, do_nothing, target_func=program["target"])
    again = define(PROGRAM)
    before = sys.gettrace()
    debugger = pdb.Pdb(stdin=io.StringIO("next\nstep\nnext\np 1 + 1\ncontinue\n"), stdout=io.StringIO(), nosigint=True)

    def act(x, place):
        if (place, x) == ("target", 3):
            debugger.set_trace(sys._getframe().f_back)

    try:
        beside = tracefunc(again["call"], TURNS, act, target_func=again["target"])
    finally:
        sys.settrace(before)
    assert hits(beside) == hits(alone)


@pytest.fixture
def trace_function():
    """Put the trace function back that others take away."""
    before = sys.gettrace()
    yield
    sys.settrace(before)


@pytest.mark.usefixtures("trace_function")
def test_the_trace_module_around_the_target(define):
    program = define(PROGRAM, __file__="defined.py")  # `trace` leaves out what has no file
    alone = tracefunc(program["call"], TURNS, do_nothing, target_func=program["target"])
    again = define(PROGRAM, __file__="defined.py")
    counters = [trace.Trace(count=1, trace=0) for _ in range(2)]
    beside = tracefunc(lambda: counters[0].runfunc(again["call"], TURNS, do_nothing), target_func=again["target"])
    assert hits(beside) == hits(alone)
    (lambda: counters[1].runfunc(again["call"], TURNS, do_nothing))()
    # Where coverage is measured, the tools see the callbacks too.
    files = {ran["target"].__code__.co_filename for ran in (program, again)}
    counts = [
        sorted(hits for (file, _), hits in counter.results().counts.items() if file in files) for counter in counters
    ]
    assert counts[0] == counts[1] != []


def test_a_tool_that_starts_beside_two_traces(define):
    program = define(PROGRAM)
    inner = []

    def act(x, place):
        if (place, x) == ("target", 5):
            inner.append(tracefunc(program["leaf"], 1, do_nothing))
            sys.settrace(lambda *event: None)

    before = sys.gettrace()
    try:
        outer = tracefunc(program["call"], TURNS, act, target_func=program["leaf"])
    finally:
        sys.settrace(before)
    assert len(outer) == 10
    assert hits(inner[0]) == hits(outer[3])


def test_a_freed_tool_id_is_said(define):
    program = define(PROGRAM)

    def act(x, place):
        if (place, x) == ("target", 12):
            for tool_id in range(6):
                if MONITORING.get_tool(tool_id) == "tracefunc":
                    MONITORING.free_tool_id(tool_id)
                    MONITORING.use_tool_id(tool_id, "a thief")
                    stolen.append(tool_id)

    stolen = []
    try:
        results = tracefunc(program["call"], TURNS, act, target_func=program["target"])
        assert results.exc is None
        assert results.result == TURNS
        assert [word for word in results.warnings if "freed the tool id" in word]
        assert MONITORING.get_tool(stolen[0]) == "a thief"
        assert hits(results)["for x in numbers(n, act):"] >= 10
    finally:
        MONITORING.set_events(stolen[0], 0)
        MONITORING.free_tool_id(stolen[0])
    again = tracefunc(program["target"], TURNS, do_nothing)
    assert hits(again)["for x in numbers(n, act):"] == TURNS + 1
    assert again.warnings == []


def test_hits_that_a_late_tool_takes_are_said_to_be_lost(define):
    """A coverage tool that starts in a line whose samples are there already, on versions where it takes events."""
    program = define("""
        def target(n, act):
            total = 0
            for x in range(n):
                act(x)
                if x % 2: total += 1
                else: total += 2
            return total
    """)
    other = CoverageLike()

    def act(x):
        if x == 2 * TURNS:
            other.start()
            other.on_start(program["target"].__code__, 0)

    results = tracefunc(program["target"], 4 * TURNS, act)
    other.stop()
    ((_, trace),) = results
    lost = sum(abs(4 * TURNS - trace[line][0]) for line in ("act(x)", "if x % 2:"))
    assert all(hits >= 0 for hits, _ in trace.values())
    assert bool(results.warnings) == (sys.version_info < (3, 14)) >= bool(lost)
