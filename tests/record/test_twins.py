"""The two recorders write down the same, whether they measure every count or derive some from others."""

import asyncio
import gc
import os
import random
import re
import sys
import threading
from types import SimpleNamespace

import pytest

import fuzz
import programs
from plan import test_flow
from tracefunc import tracefunc
from tracefunc._interpreter import FREE_THREADED
from tracefunc._log import records
from tracefunc._log.values import OBJECT
from tracefunc._log.varints import read_varint
from tracefunc._record import engine as _engine
from tracefunc.core import entries
from tracefunc.core.options import Options

EXAMPLES = int(os.environ.get("TRACEFUNC_EXAMPLES", "0")) or 12
# Without the GIL the pure engine examines each event, and lookups in dictionaries of other threads are slow in 3.13.
WAYS = [("fast", False), ("fast", True), ("pure", False), ("pure", True)]


def without_clock(data, shapes, values):
    """The bytes of a record, with 0 in place of when the call started, how long it took, and each address."""
    found = bytearray()
    done = at = 0

    def leave_out():
        nonlocal done, at
        found.extend(data[done:at] + b"\0")
        _, at = read_varint(data, at)
        done = at

    def skip(times):
        nonlocal at
        for _ in range(times):
            _, at = read_varint(data, at)

    def skip_values(times):
        nonlocal at, done
        for _ in range(times):
            is_object = data[at] == OBJECT
            _, at = values.read(data, at)
            if is_object:
                found.extend(data[done : at - 8] + b"\0")
                done = at

    skip(1)
    target, at = read_varint(data, at)
    parent, at = read_varint(data, at)
    if parent:
        line, at = read_varint(data, at)
        skip(bool(line))
    skip(1)
    leave_out()
    skip(3)
    skip_values(len(shapes[target].parameters))
    while data[at] not in (records.HITS, records.LOST):
        part = data[at]
        at += 1
        if part in (records.SAMPLE, records.RAISED_SAMPLE):
            line, at = read_varint(data, at)
            skip(1)
            _, names, chains = shapes[target].lines[line]
            skip_values(len(names) + len(chains) + (part == records.RAISED_SAMPLE))
        elif part == records.RAISED:
            skip(2)
            skip_values(1)
        elif part == records.YIELDED:
            skip_values(1)
        elif part in (records.RETURNED, records.FAILED):
            skip(1)
            leave_out()
            skip(1)
            skip_values(1)
    return bytes(found + data[done:])


def plainly(record, data):
    """A record as plain data. Its bytes are left out where they hold a text with an address."""
    found = {name: getattr(record, name) for name in ("number", "target", "parent", "where", "lost")} | record.known
    del found["seconds"]
    found["hits"] = [hits for hits, _ in record.trace.values()]
    found["bytes"] = b"" if "0x" in repr((found, record.trace)) else data
    found["thread"], found["task"] = re.sub(r"\d+", "", f"{found['thread']},{found['task']}").split(",")
    found["trace"] = record.trace
    for name in ("trace", "raises", "attributes", "arguments", "returned", "raised", "yielded"):
        found[name] = fuzz.ADDRESS.sub("0x", repr(found[name]))
    return found


def fields(record):
    return [getattr(record, name) for name in records.CallRecord.__slots__]


@pytest.fixture
def recording(monkeypatch):
    """Trace in one of the ways; returns the raw records as plain data."""

    def trace(way, run, max_calls=10, **options):
        name, measure_all = way
        chosen = _engine.choose(name, False)

        def make(*args):
            return chosen.recorder(*args, measure_all=measure_all)

        monkeypatch.setattr(_engine, "engine", _engine.Engine(name, "a test", chosen.log, make, chosen.share))
        found = []

        def read(plans, log, given, _, really=entries.record_reader):
            readers = [really(plans, log, given, name) for name in ("fast", "pure")]

            def read_both(data):
                first, second = [reader.read(data) for reader in readers]
                assert fields(first) == fields(second)
                found.append(plainly(first, without_clock(data, readers[1].shapes, readers[1].values)))
                return first

            return SimpleNamespace(read=read_both)

        monkeypatch.setattr(entries, "record_reader", read)
        monkeypatch.setattr("tracefunc.core.tracer._DEFAULTS", Options(max_calls=max_calls, incl_unhit=True, **options))
        run()
        monkeypatch.undo()
        return found

    return trace


OF_THREADS = ("hits", "trace", "lost", "returned", "raised", "yielded")  # not left to chance


def same(recording, run, in_threads=False, **options):
    """The records of all ways, which have to be equal, byte by byte but for addresses and the clock.

    Which of several threads comes first is left to chance, and so are moments.
    """
    found = {way: recording(way, run, **options) for way in WAYS}
    first = found["fast", True]
    for way, other in found.items():
        assert len(other) == len(first), way
        for i, (a, b) in enumerate(zip(first, other, strict=True)):
            for field in OF_THREADS if in_threads else a:
                assert a[field] == b[field], (way, i, field, a[field], b[field])
    return first


@pytest.mark.slow
@pytest.mark.timeout(300 + EXAMPLES * 3)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_generated_programs(recording, kind):
    calls = 0
    for seed in range(EXAMPLES):
        program = programs.program(seed, kind)
        for call in program.calls:
            calls += len(same(recording, lambda call=call, program=program: fuzz.run(program, call, tracefunc)))
    assert calls > EXAMPLES


@pytest.mark.parametrize("name", test_flow.NAMES)
def test_loops(recording, define, name):
    fn = define(test_flow.LOOPS)[name]
    for n in test_flow.ARGUMENTS[:-1]:
        same(recording, lambda n=n: tracefunc(fn, n))


@pytest.mark.slow
@pytest.mark.parametrize("of", test_flow.KINDS)
def test_generated_loops(recording, define, of):
    for seed in range(EXAMPLES):
        source = test_flow.loop_program(random.Random(seed), of)
        target = define(source, **test_flow.NAMESPACE)["target"]

        def fn(target=target, seed=seed):
            made = target(3 if of == "function" else 30, test_flow.make_risk())
            return made if of == "function" else test_flow.drive(made, random.Random(seed))

        def run(fn=fn, target=target):
            tracefunc(fn, target_func=target)

        same(recording, run)


def test_a_leaf_called_often(recording, define):
    space = define("""
        def leaf(x, fail):
            if fail: raise ValueError(x)
            return [y for y in range(x % 30)]

        def target(n):
            total = 0
            for i in range(n):
                try:
                    total += len(leaf(i, i % 7 == 3))
                except ValueError:
                    total -= 1
            return total

        def inner(n):
            def twice(x):
                y = x
                return y + x
            return [twice(i) for i in range(n)] + sorted(range(n), key=lambda i: -i)
    """)
    same(recording, lambda: tracefunc(space["target"], 300, target_func=space["leaf"]))
    same(recording, lambda: tracefunc(space["target"], 300))
    same(recording, lambda: tracefunc(space["inner"], 300))


@pytest.mark.slow
@pytest.mark.parametrize("depth", [3, 12])
def test_recursion(recording, define, depth):
    fn = define("""
        def target(n, wide):
            total = n
            for i in range(wide):
                if n:
                    total += target(n - 1, 2 if n > 2 else 30)
                total += i
            return total
    """)["target"]
    same(recording, lambda: tracefunc(fn, min(depth, 8), 2))
    same(recording, lambda: tracefunc(fn, depth, 1))


@pytest.mark.parametrize("keep", ["last", "ends"])
@pytest.mark.parametrize("many", [0, 1, 2, 3, 7])
def test_samples_that_make_room(recording, define, keep, many):
    """Some hits end by exceptions, of which some are known only later; values are short, long, or have to be described."""
    target = define("""
        from contextlib import contextmanager
        class Shown:
            def __repr__(self): return "shown"
        @contextmanager
        def manager(i):
            try:
                yield i
            finally:
                i += 1
        def target(n):
            text = kind = None
            for i in range(n):
                text = "x" * (i * 37 % 300)
                kind = (Shown, Shown(), [i, text], {i: (1.5, None)}, len, manager)[i % 6]
                try:
                    with manager(i) as value:
                        [i][i % 2 * 5 : 1][0]
                except IndexError as error:
                    kind = error
                yield text
                del value
    """)["target"]
    same(recording, lambda: tracefunc(lambda: list(target(23)), target_func=target), max_samples=many, keep=keep)


def test_generators_that_interleave(recording, define):
    space = define("""
        def target(n):
            for i in range(n):
                x = i
                try:
                    y = yield x
                except KeyError:
                    z = x
            w = n

        def fn(n):
            xs = [target(k) for k in (n, n // 2, 3, n, n)]
            for _ in range(n // 3):
                for x in xs:
                    next(x, None)
            xs[0].throw(KeyError)
            xs[3].close()
            for x in zip(xs[0], xs[4]):
                pass
            kept.append(xs)
    """)
    space["kept"] = kept = []
    same(recording, lambda: tracefunc(space["fn"], 90, target_func=space["target"]))
    kept.clear()


def test_tasks(recording, define):
    space = define("""
        import asyncio
        async def target(n):
            total = 0
            for i in range(n):
                await asyncio.sleep(0)
                total += i
                total += len([x async for x in numbers(2)])
            return total

        async def numbers(n):
            for i in range(n):
                await asyncio.sleep(0)
                yield i

        async def main():
            return await asyncio.gather(*[target(n) for n in (30, 12, 0, 25, 1)])
    """)
    same(recording, lambda: tracefunc(asyncio.run, space["main"](), target_func=space["target"]))


@pytest.mark.slow
def test_a_target_that_runs_in_eight_threads(recording, define):
    """No count is lost; each thread's call is one of its own."""
    target = define("""
        def target(n):
            total = 0
            for i in range(n):
                if i % 3:
                    total += i
                else:
                    total -= 1
            return total
    """)["target"]

    n = 600 if FREE_THREADED else 20_000

    def fn():
        threads = [threading.Thread(target=target, args=(n,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        found = same(recording, lambda: tracefunc(fn, target_func=target), in_threads=True)
    finally:
        sys.setswitchinterval(interval)
    assert [record["hits"] for record in found] == [[1, n + 1, n, n - (n + 2) // 3, (n + 2) // 3, 1]] * 8


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_threads_that_come_and_go(recording, define, way):
    """Calls begin and end, alone with the code or not, while other threads are anywhere in a recorder."""
    target = define("""
        def target(n, deeper=0):
            total = 0
            for i in range(n):
                if i % 3:
                    total += i
                else:
                    total -= 1
            while n:
                n -= 1
                total += sum(x for x in (n, 1) if x)
            return total + (target(2, deeper - 1) if deeper else 0)
    """)["target"]

    sizes = (3, 10, 20, 40) if FREE_THREADED else (3, 40, 200, 1500)

    def arguments(seed):
        random_source = random.Random(seed)
        return [(random_source.choice(sizes), random_source.choice((0, 0, 1, 3))) for _ in range(8)]

    def fn():
        threads = [
            threading.Thread(target=lambda seed=seed: [target(*a) for a in arguments(seed)]) for seed in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(EXAMPLES):
            traced = recording(way, lambda: tracefunc(fn, target_func=target), (10, 10_000)[number % 2])
            found = sorted(record["hits"] for record in traced)
            runs = [n for seed in range(8) for size, deeper in arguments(seed) for n in (size, *[2] * deeper)]
            wanted = sorted([1, n + 1, n, n - (n + 2) // 3, (n + 2) // 3, n + 1, n, n, n + n - 1, 1] for n in runs)
            assert found == wanted or (number % 2 == 0 and len(found) == 10 and all(hit in wanted for hit in found))
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("engine", ["fast", "pure"], indirect=True)
def test_eight_threads_that_trace(engine, define):
    source = """
        def target(n):
            total = 0
            for i in range(n):
                total += i
            return total
    """
    wrong = []

    def work(n):
        target = define(source)["target"]
        for _ in range(5):
            ((_, trace),) = tracefunc(target, n)
            if [count for count, _ in trace.values()] != [1, n + 1, n, 1]:
                wrong.append(trace)

    threads = [threading.Thread(target=work, args=((200 if FREE_THREADED else 5_000) + i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(FREE_THREADED, reason="no count is derived from others there")
@pytest.mark.parametrize("engine", ["fast"], indirect=True)
def test_a_record_that_the_end_of_the_trace_completes_first(engine, define, monkeypatch):
    """While one thread counts the hits of a call that has ended, another one ends the trace and reads all records."""
    from tracefunc import _fastmon

    count, read = _fastmon.hits_of, []

    def interrupted(plan, numbers):
        if not read:
            (log,) = (each for each in gc.get_objects() if type(each) is _fastmon.CallLog and plan in each.plans)
            read.append(None)
            read[:] = log.records()
        return count(plan, numbers)

    monkeypatch.setattr(_fastmon, "hits_of", interrupted)
    target = define("""
        def target(n):
            for i in range(n):
                n -= 1
            return n
    """)["target"]
    ((_, trace),) = tracefunc(target, 100)
    assert [count for count, _ in trace.values()] == [101, 100, 1]
    assert len(read) == 1
