"""Traces functions in a process of its own and fails when anything of them outlives its trace.

    python leaks.py dies NAME       # what a kind of trace has touched is gone after it
    python leaks.py grows NUMBER    # so many traces take no more memory than the first ones

It runs with the engine that TRACEFUNC_ENGINE names.
"""

import asyncio
import gc
import linecache
import sys
import types
import weakref
from itertools import pairwise

from tracefunc import tracefunc

try:
    from resource import RUSAGE_SELF, getrusage
except ImportError:  # Windows
    getrusage = None

RECORDERS = ("tracefunc._fastmon", "tracefunc._record.pure", "tracefunc._record.store")  # modules


def of_recorders():
    """The objects of the recorders' modules, without those that belong to the modules themselves."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(RECORDERS)]
    lasting = {id(value) for module in modules for value in vars(module).values()}
    return [o for o in gc.get_objects() if str(type(o).__module__).startswith(RECORDERS) and id(o) not in lasting]


# --- functions to trace ----------------------------------------------------------------------------------------------


class Value:
    """A value that can be watched."""


class Unprintable(Value):
    def __repr__(self):
        raise Failure(self)


failures = []


class Failure(Exception):
    """An exception that is watched."""

    def __init__(self, *args):
        failures.append(weakref.ref(self))


def plain(value):
    kept = [value for _ in range(12)]
    for each in kept:
        last = each
    return last


def nested(value):
    def inner(x):
        return [x, value]

    return inner(value), list(inner(v) for v in (value, value))


def generator(value):
    got = None
    try:
        for _ in range(3):
            got = yield value
    finally:
        value = got, value


def suspended(value):
    kept = generator(value)
    next(kept)
    return kept


def turning(value):
    """Yields within loops that their iterators count, of which some are not exhausted."""
    for pair in zip([value] * 30, range(30)):
        kept = [pair for _ in range(20) for _ in "ab"]
        for each in kept:
            if each is kept[15]:
                break
        yield kept


def left(value):
    running = turning(value)
    for _ in range(20):
        next(running)
    gone = turning(value)
    next(gone)
    return running


def raising(value):
    try:
        raise Failure(value)
    except Failure as error:
        caught = error
    raise Failure(caught)


def recursive(value, depth=3):
    return recursive(value, depth - 1) if depth else value


async def asynchronous(value):
    await asyncio.sleep(0)
    return [v async for v in ticker(value)]


async def ticker(value):
    for _ in range(3):
        yield value


def tracing(value):
    return tracefunc(plain, value)


TARGETS = [plain, nested, generator, raising, recursive, asynchronous, tracing]
KINDS = {function.__name__: (function, function) for function in TARGETS} | {  # fn, and the target
    "suspended": (suspended, generator),
    "left": (left, turning),
    "inner_trace": (tracing, plain),
}


# --- what dies -------------------------------------------------------------------------------------------------------


def codes_of(code):
    """Weak references to a code object and those nested in it."""
    inner = [ref for const in code.co_consts if isinstance(const, types.CodeType) for ref in codes_of(const)]
    return [weakref.ref(code), *inner]


def alive(references):
    return [reference() for reference in references if reference() is not None]


def dies(name):
    """Trace once in a copy of this module: then nothing of that is there any more."""
    with open(__file__, encoding="utf-8") as file:
        source = file.read()
    linecache.cache["<copy>"] = len(source), None, source.splitlines(keepends=True), "<copy>"
    copy = {"__name__": "copy"}
    exec(compile(source, "<copy>", "exec"), copy)
    fn, target = copy["KINDS"][name]
    codes = codes_of(target.__code__)
    exceptions = copy["failures"]
    for kind in ("Value", "Unprintable"):
        value = copy[kind]()
        values = [weakref.ref(value)]
        results = tracefunc(fn, value, target_func=target)
        assert len(results) > 0
        del value, results
        gc.collect()
        assert alive(values) == []
        assert alive(exceptions) == []
    assert [o for o in gc.get_objects() if isinstance(o, types.FrameType) and o.f_code.co_filename == "<copy>"] == []
    del fn, target, copy, linecache.cache["<copy>"]
    gc.collect()
    assert alive(codes) == []
    gc.collect()  # plans, which were forgotten when their code died
    assert of_recorders() == []


# --- what grows ------------------------------------------------------------------------------------------------------


def used():
    """The number of allocated blocks, and the most memory in use so far in KB."""
    gc.collect()
    peak = getrusage(RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1) if getrusage else 0
    return sys.getallocatedblocks(), peak


def run(number):
    """Trace so many times, each kind in its turn; that which starts an event loop less often."""
    quick = [kind for name, kind in KINDS.items() if name != "asynchronous"]
    for i in range(number):
        fn, target = KINDS["asynchronous"] if i % 200 == 0 else quick[i % len(quick)]
        tracefunc(fn, (Unprintable if i % 3 == 0 else Value)(), target_func=target)
        failures.clear()


def grows(number):
    """Trace `number` times, in four parts, the first of which is the warm-up."""
    found = []
    for _ in range(4):
        run(number // 4)
        found.append(used())
    # What grows does so in each part. Without a GIL, the interpreter makes room for itself now and then.
    blocks, peak = (min(after - before for before, after in pairwise(each)) for each in zip(*found, strict=True))
    print(f"{number} traces: {blocks} blocks, {peak} KB more in a quarter")
    # A block in 10 traces would be more than this; the peak is coarse, and catches what is too large for a block.
    assert blocks < number // 40
    assert peak < 1024 + number // 200


if __name__ == "__main__":
    {"dies": dies, "grows": lambda number: grows(int(number))}[sys.argv[1]](sys.argv[2])
