"""What all tests share: functions made from source text, and a look at what each test leaves behind."""

import builtins
import gc
import itertools
import linecache
import os
import signal
import sys
import textwrap
import warnings
from pathlib import Path
from types import CodeType

import hypothesis
import hypothesis.strategies
import pytest

from tracefunc._record import engine as _engine
from tracefunc._record.monitor import monitor

# A shell lets what it runs in the background ignore it, and so would do the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing on a machine that does other things too. The same examples each time, unless
# TRACEFUNC_EXAMPLES asks for a long run: a test that fails by chance says nothing of a change.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    derandomize=not os.environ.get("TRACEFUNC_EXAMPLES"),
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tests")

if os.environ.get("TRACEFUNC_COVERAGE") == "1":
    import measured_callbacks

    measured_callbacks.install()

MONITORING = sys.monitoring
EVENTS = MONITORING.events
ALL_EVENTS = [1 << i for i in range((EVENTS.C_RETURN | EVENTS.C_RAISE | EVENTS.PY_UNWIND | EVENTS.LINE).bit_length())]
_TOOL = 4  # the first id that a trace takes
_MAIN = sys.modules["__main__"]  # IPython's shells put a module of their own there
_numbers = itertools.count()


def tools():
    """The holders of the tool ids."""
    return [MONITORING.get_tool(i) for i in range(6)]


def all_codes(code):
    """A code object and those nested in it."""
    return [code, *(inner for const in code.co_consts if isinstance(const, CodeType) for inner in all_codes(const))]


def armed(*functions, tool=_TOOL):
    """The events that are live for a free tool id, everywhere and on some functions' code.

    Up to 3.13 a freed id keeps its events, and the next holder gets them.
    """
    MONITORING.use_tool_id(tool, "test")
    try:
        codes = [code for function in functions for code in all_codes(function.__code__)]
        return [MONITORING.get_events(tool), *(MONITORING.get_local_events(tool, code) for code in codes)]
    finally:
        for event in ALL_EVENTS:
            assert MONITORING.register_callback(tool, event, None) is None
        MONITORING.free_tool_id(tool)


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Fail a test that leaves a tool id, an event, a recorder or another trace function behind."""
    before, traced = tools(), sys.gettrace()
    yield
    assert sys.gettrace() is traced
    sys.modules["__main__"] = _MAIN
    vars(builtins).pop("_", None)  # of a display hook: IPython leaves its own `_` alone where there is one
    assert tools() == before
    assert monitor.recorders == ()
    assert monitor.armed == {}
    if before[_TOOL] is None:
        assert armed() == [0]


@pytest.fixture(scope="module")
def young_heap():
    """Let the collector, and the ground truth's search for functions, see nothing older than the module's tests.

    For tests of functions that they make themselves, thousands of them, after which others have left a large heap.
    """
    # At its first test hypothesis looks for what refers to its random numbers, and would find nothing in a frozen heap.
    hypothesis.given(hypothesis.strategies.none())(lambda nothing: None)()
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


# A missing extension is a failure, unless TRACEFUNC_ENGINE=pure says that a pure installation is tested; "fast" leaves
# the pure engine out, as `make check` does.
_ONLY = os.environ.get("TRACEFUNC_ENGINE")
KINDS = (_ONLY,) if _ONLY in ("fast", "pure") else ("fast", "pure")
ENGINES = {name: _engine.choose(name, False) for name in KINDS}
collect_ignore = [] if len(KINDS) > 1 else ["record/test_twins.py"]


_HERE = Path(__file__).parent
_OF_THE_PROJECT = [_HERE / "project", _HERE / "compatibility", _HERE / "test_house.py"]  # not of what one Python does


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(config, items):
    """Mark heavy tests as slow, the project's as `once`; leave out those of the browser unless they are asked for."""
    for item in items:
        if item.get_closest_marker("heavy"):
            item.add_marker("slow")
        if any(item.path.is_relative_to(place) for place in _OF_THE_PROJECT):
            item.add_marker("once")
    if "browser" in config.getoption("markexpr") or os.environ.get("TRACEFUNC_REQUIRE_BROWSER") == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_generate_tests(metafunc):
    if metafunc.definition.get_closest_marker("both_engines"):
        metafunc.parametrize("engine", ENGINES, indirect=True)


@pytest.fixture(autouse=True)
def engine(request, monkeypatch):
    """The engine that traces, here and in processes that a test starts."""
    chosen = ENGINES[getattr(request, "param", KINDS[0])]
    monkeypatch.setattr(_engine, "engine", chosen)
    monkeypatch.setenv("TRACEFUNC_ENGINE", chosen.name)
    return chosen


@pytest.fixture
def armed_events():
    return armed


@pytest.fixture
def define():
    """Execute source text as a module whose lines can be found; returns its namespace.

    The same text and file name give equal code objects.
    """
    names = []

    def execute(source, name=None, **namespace):
        source = textwrap.dedent(source)
        name = name or f"<test {next(_numbers)}>"
        names.append(name)
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        namespace = {"__name__": "defined", **namespace}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            code = compile(source, name, "exec", dont_inherit=True)
        exec(code, namespace)
        return namespace

    yield execute
    for name in names:
        linecache.cache.pop(name, None)


@pytest.fixture
def golden():
    """Compare a text with the one in a file of `tests/golden`; with TRACEFUNC_WRITE_GOLDENS=1, write that file."""

    def check(name, text):
        path = Path(__file__).parent / "golden" / name
        if os.environ.get("TRACEFUNC_WRITE_GOLDENS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.exists(), f"{path} is missing: TRACEFUNC_WRITE_GOLDENS=1 writes it"
        expected = path.read_text(encoding="utf-8")
        assert text == expected, f"not what {path} holds: if it should be, TRACEFUNC_WRITE_GOLDENS=1 writes it again"

    return check


@pytest.fixture
def results_of():
    """Turn what a trace answers into `[{line: (hits, {name: [texts]})}]`, trailing spaces of the lines kept."""

    def convert(results):
        return [
            {
                line: (hits, {name: [text for _, text in samples] for name, samples in names.items()})
                for line, (hits, names) in trace.items()
            }
            for _, trace in results
        ]

    return convert
