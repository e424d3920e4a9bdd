"""Traces for a long time: threads, tasks, generators, recursion, exceptions; fails on a wrong trace or growing memory.

    python soak.py SECONDS

Each way of tracing is repeated, and has to give each time what it gave first. A third of the time is the warm-up,
after which memory must not grow. It runs with the engine that TRACEFUNC_ENGINE names.
"""

import asyncio
import gc
import itertools
import linecache
import re
import sys
import threading
import time
import weakref

import leaks

from tracefunc import tracefunc

try:
    from resource import RUSAGE_SELF, getrusage
except ImportError:  # Windows
    getrusage = None

THREADS = 4
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def plain(results):
    """What a trace said, as text."""
    return ADDRESS.sub("0x", repr([type(results.exc), results]))


# --- ways of tracing -------------------------------------------------------------------------------------------------


def kinds():
    """The traces whose leaks are looked for one by one."""
    for fn, target in leaks.KINDS.values():
        yield plain(tracefunc(fn, leaks.Value(), target_func=target))
    leaks.failures.clear()


def step(name, got):
    while True:
        try:
            got = yield name, got
        except KeyError as error:
            got = error
        finally:
            last = got  # noqa: F841 - seen by the trace


def interleave():
    running = [step(n, 0) for n in range(14)]
    for generator in running:
        next(generator)
    for round in range(3):
        for n, generator in enumerate(running):
            if (n + round) % 3:
                generator.send(round)
            else:
                generator.throw(KeyError(n))
    for generator in running[::2]:
        generator.close()
    del running[1::4]
    return running  # some are suspended still when the trace ends


def generators():
    """Many at once, sent to, thrown into, closed, dropped and left suspended."""
    yield plain(tracefunc(interleave, target_func=step))


def depth(n, seen):
    try:
        if n:
            return 1 + depth(n - 1, [n, *seen][:3])
        return sum(x for x in seen if x)
    finally:
        seen = None


def endless(n):
    return endless(n + 1)


def recursion():
    """More calls within each other than are recorded, up to the limit of the stack."""
    yield plain(tracefunc(depth, 60, []))
    results = tracefunc(endless, 0)
    assert isinstance(results.exc, RecursionError)
    yield f"{len(results)} calls"  # where the limit is met, in the function or in a repr, is the interpreter's affair


def raises(n):
    with_last = []
    for k in range(n):
        try:
            try:
                [1 // (k % 3 - j) for j in range(3)]
            except ZeroDivisionError as error:
                with_last.append(error.args)
                raise ExceptionGroup("both", [KeyError(k), error]) from error
            finally:
                with_last.append(k)
        except* KeyError as group:
            with_last.append(len(group.exceptions))
        except* ZeroDivisionError:
            with_last.append(k)
    raise ValueError(n)


def exceptions():
    """Raised, handled, grouped, chained, and leaving the target."""
    yield plain(tracefunc(raises, 25))


async def ticks(n):
    for k in range(n):
        await asyncio.sleep(0)
        yield k


async def task(n, lock):
    async with lock:
        total = [k async for k in ticks(n) if k % 2]
    if n == 3:
        await asyncio.sleep(60)
    return total


async def gather():
    lock = asyncio.Lock()
    tasks = [asyncio.ensure_future(task(n, lock)) for n in (1, 2, 4, 3, 5, 6)]
    for _ in range(30):
        await asyncio.sleep(0)
    tasks[3].cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


def tasks():
    """Taking turns in an event loop; one is cancelled."""
    yield plain(tracefunc(gather, target_func=task))


SOURCE = """
def work(items):
    kept = {}
    for item in items:
        kept.setdefault(item % 3, []).append(item)
    pairs = [(key, sum(x for x in found)) for key, found in kept.items()]
    return sorted(pairs, key=lambda pair: -pair[1])
"""


def copy_of_work():
    """The function of SOURCE, anew each time: its plan is made for it and dies with it."""
    space = {}
    exec(compile(SOURCE, "<soak>", "exec"), space)
    return space["work"]


linecache.cache["<soak>"] = len(SOURCE), None, SOURCE.splitlines(keepends=True), "<soak>"
shared = copy_of_work()


def in_threads(run):
    """What `run` gave in each of some threads that run at once; an exception of one is raised here."""
    given, failed, start = [], [], threading.Barrier(THREADS)

    def body():
        try:
            start.wait(60)
            given.append(run())
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=body) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return given


def threads_apart():
    """Traces at once, each of a function of its own."""
    yield from in_threads(lambda: plain(tracefunc(copy_of_work(), range(40))))


def threads_together():
    """Traces at once of one function: each records the calls of all, its own as a whole."""
    [(_, whole)] = tracefunc(shared, range(40))
    for results in in_threads(lambda: tracefunc(shared, range(40))):
        assert results.exc is None and 1 <= len(results) <= 10, results
        assert any(trace == whole for _, trace in results), results
        for _, trace in results:  # others' calls may have been cut off by the end of the trace
            assert all(hits <= whole[line][0] for line, (hits, _) in trace.items()), trace
    yield "whole"


WAYS = [kinds, generators, recursion, exceptions, tasks, threads_apart, threads_together]


# --- for a long time -------------------------------------------------------------------------------------------------


def memory():
    """The number of allocated blocks, and the most memory in use so far in KB."""
    for _ in range(3):  # a plan dies after its code, and what it held after the plan
        gc.collect()
    peak = getrusage(RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1) if getrusage else 0
    return sys.getallocatedblocks(), peak


def functions_die():
    """Whether a function that was made after a thread has run dies: those of CPython 3.13 without GIL never do."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    reference = weakref.ref(eval("lambda: None"))
    gc.collect()
    return reference() is None


def repeat(seconds, first):
    """Go through all ways until the time is over, at least once; return the number of rounds."""
    deadline = time.monotonic() + seconds
    for rounds in itertools.count(1):
        for way in WAYS:
            given = list(way())
            expected = first.setdefault(way, given)
            if given != expected:
                sys.exit(f"{way.__name__}, round {rounds}: the trace was\n{expected}\nand is now\n{given}")
        if time.monotonic() > deadline:
            return rounds


def soak(seconds):
    """Trace for so many seconds."""
    first = {}
    repeat(seconds / 3, first)
    blocks, peak = memory()
    rounds = repeat(seconds * 2 / 3, first)
    more_blocks, more_peak = memory()
    print(f"{rounds} rounds after the warm-up: {more_blocks - blocks} blocks, {more_peak - peak} KB more")
    if not functions_die():
        print("not judged: functions live for ever here")
        return
    # Caches fill up for a while. A round is some 20 traces: a block for each would be more. The peak is coarse.
    assert more_blocks - blocks < 1500 + rounds
    assert more_peak - peak < 4096 + rounds


if __name__ == "__main__":
    soak(float(sys.argv[1]))
