"""What the extension finds out about the interpreter at import, and what becomes of one that is laid out otherwise.

An interpreter like that is feigned: the extension is built with a mistake in what it assumes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import tracefunc
from tracefunc._interpreter import FREE_THREADED

PACKAGE = Path(tracefunc.__file__).parent
MARKS_BORROWED_REFERENCES = sys.version_info >= (3, 14)

pytestmark = pytest.mark.skipif(os.environ.get("TRACEFUNC_ENGINE") == "pure", reason="without the extension")


def run(program, **environment):
    """Run a program with these variables of ours and no others; return what it prints."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACEFUNC_")}
    with tempfile.TemporaryDirectory() as folder:  # 3.12 keeps no source of what `-c` runs
        file = Path(folder, "program.py")
        file.write_text(program)
        command = [sys.executable, "-W", "error", "-P", file]
        done = subprocess.run(command, env=inherited | environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_this_interpreter_passes():
    assert run("import tracefunc._fastmon; print(tracefunc._fastmon.why_no_iterators)") == "\n"


@pytest.mark.parametrize("tracer", ["settrace", "setprofile"])
def test_another_tracer_sees_nothing_of_it(tracer):
    """One that keeps the frames and their values would change what is compared."""
    program = f"""
        import sys
        kept = []
        def trace(frame, event, arg):
            if frame.f_code.co_filename == __file__:
                kept.append((frame, [*frame.f_locals.values()]))
            return trace
        sys.{tracer}(trace)
        import tracefunc._fastmon
        sys.{tracer}(None)
        assert not {{"loops", "handle"}} & {{frame.f_code.co_name for frame, _ in kept}}
        print(tracefunc._fastmon.why_no_iterators)
    """
    assert run("if True:" + program) == "\n"


def test_nothing_is_left_behind():
    """No iterator, exception, generator, frame or function of the probe is left, and no tool id is taken."""
    program = """
        import gc, sys
        gc.collect()
        gc.disable()
        before = set(map(id, gc.get_objects()))
        import tracefunc._fastmon
        if not getattr(sys, "_is_gil_enabled", lambda: True)():
            gc.collect()  # frees functions there
        found = [o for o in gc.get_objects() if id(o) not in before]
        names = {"counting_iterator", "ValueError", "generator", "frame", "traceback"}
        print([o for o in found if type(o).__name__ in names and o is not sys._getframe()])
        print([o for o in found if type(o) is dict and "swap" in o])
        kinds = {type(len), type(lambda: 0)}
        print([o for o in found if type(o) in kinds and o.__qualname__.rpartition("<locals>.")[2] in {"swap", "check", "loops", "handle", "frames"}])
        print([sys.monitoring.get_tool(i) for i in range(6)])
    """
    assert run("if True:" + program) == f"[]\n[]\n[]\n{[None] * 6}\n"


# --- mistakes -------------------------------------------------------------------------------------------------------

COUNTING, INTERPRETER, PROBE = "counting_iterator.h", "interpreter.h", "layout_probe.pxi"
REFUSED = "pure (the extension cannot be imported: this interpreter's {} are laid out in an unknown way)"
WITHOUT_ITERATORS = "fast (the extension is installed; loops without counting iterators: this interpreter's stack {})"
UNKNOWN_STACK = WITHOUT_ITERATORS.format("is laid out in an unknown way")
UNKNOWN_REFERENCES = WITHOUT_ITERATORS.format("has references of an unknown kind")
NEEDS_ITERATORS = pytest.mark.skipif(FREE_THREADED, reason="without the GIL there are no iterators that count")
NEEDS_BORROWED = pytest.mark.skipif(
    FREE_THREADED or not MARKS_BORROWED_REFERENCES, reason="no borrowed reference is replaced on this interpreter"
)

MISTAKES = {
    "another tag": (COUNTING, "before & 1", "before & 2", UNKNOWN_REFERENCES, NEEDS_BORROWED),
    "all borrowed": (COUNTING, "!(before & 1)", "0", UNKNOWN_REFERENCES, NEEDS_ITERATORS),
    "none borrowed": (COUNTING, "!(before & 1)", "(before &= ~(uintptr_t)3)", UNKNOWN_REFERENCES, NEEDS_BORROWED),
    "item not owned": (COUNTING, "Py_INCREF(item);", "", UNKNOWN_REFERENCES, NEEDS_ITERATORS),
    "another slot": (
        PROBE,
        "co_nlocalsplus + depth",
        "co_nlocalsplus + depth + 1",
        UNKNOWN_REFERENCES,
        NEEDS_ITERATORS,
    ),
    "another stack": (PROBE, "co_nlocalsplus + 2", "co_nlocalsplus + 3", UNKNOWN_STACK, NEEDS_ITERATORS),
    "another digit": (INTERPRETER, "ob_digit[0]", "ob_digit[1]", REFUSED.format("integers")),
    "digits of 15 bits": (INTERPRETER, "ob_digit[0]", "ob_digit[0] & 0x7FFF", REFUSED.format("integers")),
    "exceptions not restored": (
        INTERPRETER,
        "thread->exc_info = own.previous_item;",
        "",
        REFUSED.format("handled exceptions"),
    ),
    "exception not released": (INTERPRETER, "Py_XDECREF(own.exc_value);", "", REFUSED.format("handled exceptions")),
    "no exceptions of its own": (INTERPRETER, "thread->exc_info = &own;", "", REFUSED.format("handled exceptions")),
    "another frame below": (INTERPRETER, "((void **)(frame))[1]", "((void **)(frame))[2]", REFUSED.format("frames")),
}


class Mistaken:
    """Builds the extension with a mistake, beside a copy of the package's modules."""

    def __init__(self, folder):
        self.folder = folder
        self.generated = folder / "generated.c"
        self.number = 0

    def build(self, file, right, wrong):
        """Return the folder from which the package is imported then."""
        self.number += 1
        sources = self.folder / str(self.number)
        package = sources / "tracefunc"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
        mistaken = package / "_native" / file
        text = mistaken.read_text(encoding="utf-8")
        assert text.count(right) == 1
        mistaken.write_text(text.replace(right, wrong), encoding="utf-8")
        if file.endswith(".h") and self.generated.exists():
            shutil.copy(self.generated, package / "_fastmon.c")
        else:
            self.call("-m", "cython", "-3", str(package / "_fastmon.pyx"))
            if file.endswith(".h"):
                shutil.copy(package / "_fastmon.c", self.generated)
        (sources / "setup.py").write_text(
            "from setuptools import Extension, setup\n"
            "fastmon = Extension('tracefunc._fastmon', ['tracefunc/_fastmon.c'], include_dirs=['tracefunc'])\n"
            "setup(ext_modules=[fastmon])\n"
        )
        self.call("setup.py", "--quiet", "build_ext", "--inplace", cwd=sources)
        return sources

    def call(self, *arguments, cwd=None):
        flags = "-O0 -w" if os.name == "posix" else ""
        environment = os.environ | {"CFLAGS": flags}
        done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory):
    return Mistaken(tmp_path_factory.mktemp("mistaken"))


COUNTED = """
import sys, tracefunc
def target(values):
    for each in values:
        last = each
    for each in list(values):
        last = each
    return [each for each in values]
values = [object(), object()] * 1000
before = list(map(sys.getrefcount, (values, *values[:2])))
results = tracefunc.tracefunc(target, values)
assert results.result == values
[(_, trace)] = results
print({line: hits for line, (hits, _) in trace.items()}, results.engine, sep="\\n")
del results, trace
assert list(map(sys.getrefcount, (values, *values[:2]))) == before
"""


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=mistake[4:]) for name, mistake in MISTAKES.items()])
def test_a_mistake_is_found(mistaken, name):
    file, right, wrong, expected = MISTAKES[name][:4]
    folder = mistaken.build(file, right, wrong)
    counts, engine = run(COUNTED, PYTHONPATH=str(folder)).splitlines()
    assert engine == expected
    assert counts == run(COUNTED, TRACEFUNC_ENGINE="pure").splitlines()[0]
