"""An interrupt, or a lack of memory, at any step of a trace's start and end leaves nothing armed behind."""

import contextlib
import os
import sys
import threading
import traceback

import pytest

from other_tools import our_ids
from tracefunc import Tracer, tracefunc
from tracefunc._plan.target_plan import plan as plan_of
from tracefunc._record.monitor import monitor
from tracefunc._record.pure_free_threaded import FreeThreadedFrames

pytestmark = pytest.mark.both_engines

SOURCE = """
    def target(n):
        total = 0
        for i in range(n):
            total += i
        return total
"""


class Interrupter:
    """Raises an exception where the interpreter handles signals: at the k-th start of a function, or end of a call to C.

    Only those of our own modules count.
    """

    def __init__(self, at, error):
        self.left, self.error, self.raised = at, error, False

    def __call__(self, frame, event, arg):
        if event not in ("call", "c_return") or self.raised:
            return
        if event == "c_return" and arg.__name__ == "__enter__":  # 3.14: `with lock:` itself is not safe there
            return
        if frame.f_globals.get("__name__", "").startswith("tracefunc."):
            self.left -= 1
            if self.left < 0:
                self.raised = True
                raise self.error


def run(target, n):
    return tracefunc(target, n)


def block(target, n):
    with Tracer(target):
        target(n)


def nested(target, n):
    with Tracer(target):
        return tracefunc(target, n)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what is raised while a generator dies
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("way", [run, block, nested])
def test_at_any_step(define, way, error):
    target = define(SOURCE)["target"]
    way(target, 3)
    before = sys.getprofile()
    k = 0
    while True:
        interrupter = Interrupter(k, error())
        sys.setprofile(interrupter)
        try:
            way(target, 3)
        except error as raised:
            assert raised is interrupter.error
            raised.__traceback__ = None
            interrupter.error = None
        finally:
            sys.setprofile(before)
        if not interrupter.raised:
            break
        assert monitor.recorders == (), k
        assert monitor.armed == {}, k
        k += 1
    assert k > 50
    # What an interrupt between taking the tool id and noting it has left, the next trace gives back.
    assert len(tracefunc(target, 3)) == 1
    assert our_ids() == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_traces(define):
    target = define(SOURCE)["target"]
    ended = False

    def trace_on():
        while not ended:
            tracefunc(target, 20)

    threads = [threading.Thread(target=trace_on) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for _ in range(60):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    import signal

                    signal.signal(signal.SIGALRM, signal.SIG_DFL)
                    signal.alarm(20)  # ends the child if it waits for ever
                    status = 0 if len(tracefunc(target, 20)) == 1 else 2
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(status)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        ended = True
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("holder", ["another thread", "this thread"])
def test_a_lock_that_is_held_at_a_fork(define, holder):
    """Without a GIL, another thread may be in a recorder that the child still has."""
    frames = FreeThreadedFrames(plan_of(define(SOURCE)["target"]), None)
    here, go_on = threading.Event(), threading.Event()

    def hold():
        with frames.lock:
            here.set()
            go_on.wait(60)

    thread = threading.Thread(target=hold)
    with frames.lock if holder == "this thread" else contextlib.nullcontext():
        if holder == "another thread":
            thread.start()
            assert here.wait(60)
        child = os.fork()
        if child == 0:
            frames.renew_lock()
            is_ours = frames.lock._is_owned()
            os._exit(0 if frames.lock.acquire(False) and is_ours == (holder == "this thread") else 1)
    go_on.set()
    if holder == "another thread":
        thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Lazy:
    """An object that must not be asked for anything."""

    def __getattribute__(self, name):
        raise AssertionError(f"asked for {name}")


def describe(value):
    return ""


def test_the_returned_object_is_not_asked_for_anything(define):
    lazy = Lazy()
    target = define("""
        def target(lazy):
            found = lazy
            return found
    """)["target"]
    results = Tracer(describe=describe).run(target, lazy)
    assert results.exc is None
    assert results.result is lazy


def test_an_awaited_function_returns_an_object_that_is_not_asked_for_anything(define):
    import asyncio

    lazy = Lazy()
    results = asyncio.run(Tracer(describe=describe).arun(lambda: lazy))
    assert results.exc is None
    assert results.result is lazy
