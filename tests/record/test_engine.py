"""Which engine is chosen, with which reason, and what the command line says of it."""

import os
import subprocess
import sys
import sysconfig

import pytest

import tracefunc
from tracefunc import _interpreter
from tracefunc._record import engine as _engine
from tracefunc._record import pure as _pymon
from tracefunc._record import pure_free_threaded
from tracefunc._record.call_log import CallLog
from tracefunc._record.engine import Engine

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
PURE = os.environ.get("TRACEFUNC_ENGINE") == "pure"  # so the tests of a pure installation are run

NEWEST = ".".join(map(str, _interpreter.NEWEST_TESTED))
NEWER = (
    f"CPython 3.99 is newer than {NEWEST}, the newest that the compiled engine was tested with: "
    "TRACEFUNC_ENGINE=fast uses it all the same"
)


@pytest.fixture
def installed(monkeypatch):
    """A compiled recorder that can be imported; the pure one stands in for it."""
    monkeypatch.setattr(_engine, "_fast", lambda reason: Engine("fast", reason, CallLog, _pymon.Recorder, _pymon.share))


@pytest.fixture
def missing(installed, monkeypatch):
    """No compiled recorder."""

    def fail(reason):
        raise ImportError("no such module")

    monkeypatch.setattr(_engine, "_fast", fail)


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(
    "wanted, chosen",
    [
        ("auto", "fast (the extension is installed)"),
        ("fast", "fast (TRACEFUNC_ENGINE=fast)"),
        ("pure", "pure (TRACEFUNC_ENGINE=pure)"),
    ],
)
def test_with_the_extension(installed, wanted, required, chosen):
    assert str(_engine.choose(wanted, required)) == chosen


@pytest.mark.parametrize(
    "wanted, chosen",
    [
        ("auto", "pure (the extension cannot be imported: no such module)"),
        ("pure", "pure (TRACEFUNC_ENGINE=pure)"),
    ],
)
def test_without_the_extension(missing, wanted, chosen):
    assert str(_engine.choose(wanted, False)) == chosen


@pytest.mark.parametrize(
    "wanted, required, by",
    [
        ("fast", False, "TRACEFUNC_ENGINE=fast"),
        ("fast", True, "TRACEFUNC_ENGINE=fast"),
        ("auto", True, "TRACEFUNC_REQUIRE_EXT=1"),
        ("pure", True, "TRACEFUNC_REQUIRE_EXT=1"),
    ],
)
def test_an_extension_that_is_asked_for_is_missing(missing, wanted, required, by):
    with pytest.raises(ImportError) as caught:
        _engine.choose(wanted, required)
    assert str(caught.value) == (
        f"{by} asks for the compiled engine, which cannot be imported (no such module): install tracefunc from a "
        "binary wheel, or build it where there is a C compiler."
    )


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("wanted", ["", "FAST", "slow"])
def test_unknown_engine(installed, wanted, required):
    with pytest.raises(ValueError) as caught:
        _engine.choose(wanted, required)
    assert str(caught.value) == f"TRACEFUNC_ENGINE is {wanted!r}: it must be auto, fast or pure."


@pytest.fixture
def newer(monkeypatch):
    """A version of CPython that is newer than all that were tested; the reason that is given for it."""
    monkeypatch.setattr(_engine, "IS_NEWER_THAN_TESTED", True)
    monkeypatch.setattr(_engine, "VERSION", (3, 99))
    return NEWER


@pytest.mark.parametrize("required", [False, True])
def test_newer_than_tested(installed, newer, required):
    """The extension is used only if it is asked for by name."""
    assert str(_engine.choose("auto", required)) == f"pure ({newer})"
    assert str(_engine.choose("fast", required)) == "fast (TRACEFUNC_ENGINE=fast)"
    assert str(_engine.choose("pure", required)) == "pure (TRACEFUNC_ENGINE=pure)"


def test_newer_than_tested_without_the_extension(missing, newer):
    assert str(_engine.choose("auto", False)) == f"pure ({newer})"
    for wanted, required in [("auto", True), ("fast", False), ("pure", True)]:
        with pytest.raises(ImportError, match="asks for the compiled engine, which cannot be imported"):
            _engine.choose(wanted, required)


def test_newest_tested_is_a_minor_version():
    """Patch releases are no reason to fall back."""
    assert _interpreter.VERSION == sys.version_info[:2]
    assert _interpreter.IS_NEWER_THAN_TESTED == (sys.version_info[:2] > _interpreter.NEWEST_TESTED)
    assert len(_interpreter.NEWEST_TESTED) == 2


@pytest.mark.skipif(PURE, reason="without the extension")
def test_iterators_that_are_not_trusted_are_named(monkeypatch):
    from tracefunc import _fastmon

    monkeypatch.setattr(_fastmon, "why_no_iterators", "this interpreter's stack is unknown")
    reason = "the extension is installed; loops without counting iterators: this interpreter's stack is unknown"
    assert _engine.choose("auto", False).reason == reason


@pytest.mark.skipif(PURE, reason="without the extension")
def test_engines_have_their_own_recorders():
    pure = _engine.choose("pure", False)
    assert pure.recorder is (pure_free_threaded.FreeThreadedRecorder if FREE_THREADED else _pymon.Recorder)
    assert pure.share is _pymon.share
    fast = _engine.choose("fast", False)
    assert fast.recorder.__module__ == fast.share.__module__ == "tracefunc._fastmon"


# --- in a process of its own ----------------------------------------------------------------------------------------


def run(*arguments, **environment):
    """Run this interpreter with these variables of ours and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACEFUNC_")}
    environment |= inherited | {"NO_COLOR": "1", "COLUMNS": "60"}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("wanted", ["pure"] if PURE else ["fast", "pure"])
def test_version(wanted):
    done = run("-m", "tracefunc", "--version", TRACEFUNC_ENGINE=wanted)
    said = f"tracefunc {tracefunc.__version__}, engine: {wanted} (TRACEFUNC_ENGINE={wanted})\n"
    assert (done.returncode, done.stdout) == (0, said)


def test_version_on_an_interpreter_that_is_newer_than_tested():
    program = """
        from tracefunc import _interpreter
        _interpreter.VERSION, _interpreter.IS_NEWER_THAN_TESTED = (3, 99), True
        import sys, textwrap, tracefunc
        from tracefunc.cli import main
        results = tracefunc.tracefunc(textwrap.dedent, "text")
        print(results.engine, "tracefunc._fastmon" in sys.modules)
        main(["--version"])
    """
    done = run("-c", "if True:" + program)
    said = f"pure ({NEWER}) False\ntracefunc {tracefunc.__version__}, engine: pure ({NEWER})\n"
    assert (done.stdout, done.stderr) == (said, "")


def test_unknown_engine_of_the_environment():
    done = run("-c", "from tracefunc import tracefunc", TRACEFUNC_ENGINE="quick")
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: TRACEFUNC_ENGINE is 'quick': it must be auto, fast or pure.\n")


def test_results_name_their_engine(monkeypatch):
    chosen = _engine.choose("pure", False)
    monkeypatch.setattr(_engine, "engine", chosen)
    assert tracefunc.tracefunc(run, "-c", "").engine == str(chosen)


def test_free_threading_is_told_from_the_build():
    assert _interpreter.FREE_THREADED is FREE_THREADED


@pytest.mark.skipif(not FREE_THREADED, reason="a build with the GIL")
@pytest.mark.parametrize("wanted", ["pure"] if PURE else ["auto", "fast", "pure"])
def test_importing_the_package_keeps_the_gil_off(wanted):
    source = "import sys, tracefunc._record.engine; print(tracefunc._record.engine.engine.name, sys._is_gil_enabled())"
    done = run("-W", "error", "-c", source, TRACEFUNC_ENGINE=wanted)
    assert done.stdout == f"{wanted.replace('auto', 'fast')} False\n", done.stderr
