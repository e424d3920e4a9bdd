"""No error of tracefunc reaches the program that is traced, and none makes the results wrong."""

import asyncio
import os
import subprocess
import sys
import sysconfig
import textwrap
import threading
from pathlib import Path

import pytest

from tracefunc import Tracer
from tracefunc._plan.outcomes import Outcomes
from tracefunc._record import stacks
from tracefunc._record.calls import Calls

pytestmark = pytest.mark.both_engines

SCRIPT = Path(__file__).parents[1] / "isolated" / "faults.py"
STEP = 1 if os.environ.get("TRACEFUNC_STRESS") else 97  # one of so many faults; TRACEFUNC_STRESS: each


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_fault_at_each_call_of_ours():
    """See the script: it compiles the package so that each of its calls can fail while a program runs."""
    done = subprocess.run([sys.executable, SCRIPT, str(STEP)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(" faults, 0 did harm\n"), done.stdout
    assert done.stdout.count("\n") == 1
    assert int(done.stdout.partition(" ")[0]) > 10000 // STEP


def target(n):
    return n


def calls_target(n):
    return [target(i) for i in range(n)]


@pytest.fixture
def failing(monkeypatch):
    """Let the ends of some calls fail, by their numbers."""

    def fail_for(*numbers):
        ends = []

        def hides_returned(outcomes, state, really=Outcomes.hides_returned):
            ends.append(state)
            if len(ends) - 1 in numbers:
                raise RuntimeError("secret")
            return really(outcomes, state)

        monkeypatch.setattr(Outcomes, "hides_returned", hides_returned)

    return fail_for


def outspoken(n):
    if n < 0:
        secret = n
        return secret
    return n


def calls_outspoken(n):
    return [outspoken(i) for i in range(n)]


def test_an_error_that_is_met_again(failing, monkeypatch):
    """Where even the end of the recording fails, that is said, and nothing is left in the results."""

    def fail(*args):
        raise RuntimeError("secret")

    failing(0, 1, 2)
    monkeypatch.setattr(Calls, "give_up", fail)
    results = Tracer(outspoken, redact=["secret"]).run(calls_outspoken, 3)
    assert (results.result, results.exc, list(results)) == ([0, 1, 2], None, [])
    assert results.warnings == ["an error in tracefunc: the recording was ended, and 3 of the recorded calls left out"]


def test_what_was_recorded_before_an_error_stays(failing):
    failing(2)
    results = Tracer(outspoken, redact=["secret"]).run(calls_outspoken, 5)
    assert (results.result, [call.returned for call in results]) == ([0, 1, 2, 3, 4], [("int", "0"), ("int", "1")])
    [warning] = results.warnings
    assert warning.startswith("an error in tracefunc: RuntimeError at failing.")
    assert warning.endswith(": the recording was ended, and 1 of the recorded calls left out")
    assert len(Tracer(target).run(target, 5)) == 1


# --- what the program has put in the place of something ----------------------------------------------------------------


OWN = """
    import {}
    def target(a): return a
    print(target(1))
"""


def run_program(folder, text, *names, options=("-m", "tracefunc", "-t", "program:target")):
    """What a program writes under a trace of `target`, in a folder that has modules of these names."""
    for name in names:
        (folder / f"{name}.py").write_text("x = 1\n")
    (folder / "program.py").write_text(textwrap.dedent(text))
    command = [sys.executable, *options, "program.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("names", ["asyncio, trio, greenlet, gevent, sysconfig", "_asyncio", "threading"])
def test_modules_of_the_program_by_these_names(tmp_path, names):
    plain = run_program(tmp_path, OWN.format(names), *names.split(", "), options=())
    done = run_program(tmp_path, OWN.format(names), *names.split(", "))
    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout) == (0, "1\n")
    assert "1 │ def target(a): return a   a 1" in done.stderr


@pytest.mark.parametrize("name", ["asyncio", "threading", "trio", "greenlet", "sysconfig"])
def test_a_module_that_is_half_imported(monkeypatch, name):
    class Half(type(sys)):
        def __getattr__(self, attribute):
            raise AttributeError(f"partially initialized module {name!r} has no attribute {attribute!r}")

    for module in (Half(name), type(sys)(name), None, 5):
        monkeypatch.setattr(stacks, "_installed", None)
        monkeypatch.setitem(sys.modules, name, module)
        [call] = Tracer(target).run(calls_target, 1)
        assert (call.returned, call.task) == (("int", "0"), None)


def test_a_function_that_runs_while_asyncio_is_imported(tmp_path):
    done = run_program(
        tmp_path,
        """
        import logging
        def target(name): return really(name)
        really, logging.getLogger = logging.getLogger, target
        import asyncio
    """,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "target(name='asyncio')" in done.stderr


class Nameless(threading.Thread):
    @property
    def name(self):
        raise ValueError("no name")

    @name.setter
    def name(self, value):
        pass


class Numbered(threading.Thread):
    name = 5


class Text(str):
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __format__ = __str__


def test_names_of_threads_that_cannot_be_had():
    def work(name):
        if name is not None:
            threading.current_thread()._name = name
        target(1)

    def run():
        for kind, name in ((Nameless, None), (Numbered, None), (threading.Thread, 7), (threading.Thread, Text("mine"))):
            thread = kind(target=work, args=(name,))
            thread.start()
            thread.join()

    results = Tracer(target).run(run)
    assert results.exc is None
    assert [call.returned for call in results] == [("int", "1")] * 4
    assert all(type(call.thread) is str for call in results)
    assert results[3].thread == "mine"


def a_task(kind, name):
    class Task(kind):
        def get_name(self):
            return name() if callable(name) else name

    return Task


def fails():
    raise KeyError("no name")


@pytest.mark.parametrize("kind", [asyncio.Task, asyncio.tasks._PyTask], ids=["C", "Python"])
@pytest.mark.parametrize("name", [fails, 5, None, Text("mine")], ids=["raises", "number", "None", "subclass"])
def test_names_of_tasks_that_cannot_be_had(kind, name):
    known = []

    async def main():
        await asyncio.sleep(0)
        known.append(asyncio.current_task())  # None from 3.14 on, where the task is not written in C
        return target(1)

    def run():
        loop = asyncio.new_event_loop()
        try:
            loop.set_task_factory(lambda loop, coroutine, **options: a_task(kind, name)(coroutine, loop=loop))
            return loop.run_until_complete(main())
        finally:
            loop.close()

    results = Tracer(target).run(run)
    assert (results.exc, results.result) == (None, 1)
    [call] = results
    assert type(call.task) is (type(None) if known == [None] else str)


def broken(*args, **options):
    raise RuntimeError("not today")


def test_labels_of_paths_that_cannot_be_had(monkeypatch, tmp_path):
    monkeypatch.setattr(stacks, "_installed", None)
    monkeypatch.setattr(sysconfig, "get_paths", broken)
    monkeypatch.setattr(sys, "exec_prefix", 5)
    monkeypatch.setattr(sys, "path", [5, None, b"x", *sys.path])

    def run():
        with monkeypatch.context() as patches:
            patches.setattr(os, "getcwd", broken)  # as in a folder that is gone
            patches.setattr(os.path, "realpath", broken)
            return target(1)

    [call] = Tracer(target).run(run)
    assert (call.returned, call[0].split()[-2]) == (("int", "1"), "target")


def test_a_folder_that_is_gone(tmp_path, define):
    """The names of files may be relative, and so may what is on `sys.path`."""
    space = define("""
        import os
        def target(n): return n
        def run(folder):
            os.mkdir(folder)
            os.chdir(folder)
            os.rmdir(folder)
            return target(1)
    """)
    before = Path.cwd()
    try:
        [call] = Tracer(space["target"]).run(space["run"], tmp_path / "gone")
    finally:
        os.chdir(before)
    assert call.returned == ("int", "1")
