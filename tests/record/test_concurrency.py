"""Calls in threads, tasks and other processes: which call nested code belongs to, and what results say of it."""

import asyncio
import concurrent.futures
import contextvars
import importlib.util
import multiprocessing
import subprocess
import sys
import threading
import time

import pytest

from tracefunc import Tracer, TraceResults, tracefunc
from tracefunc._interpreter import FREE_THREADED

pytestmark = pytest.mark.both_engines

NO_GREENLET = FREE_THREADED and importlib.util.find_spec("greenlet") is None
needs_greenlet = pytest.mark.skipif(NO_GREENLET, reason="greenlet cannot be built for this interpreter")


def by_argument(results, name="n"):
    """Each call's first argument, and what the samples of a name in it were."""
    return {call.arguments[name][1]: call for call in results}


def texts(call, line, name):
    return [text for _, text in call.trace[line][1][name]]


# --- tasks ------------------------------------------------------------------------------------------------------------


async def gathers(n):
    async def nested(i):
        await asyncio.sleep(0.001 * ((n + i) % 3))
        made = n * 100 + i
        return made

    return await asyncio.gather(*(nested(i) for i in range(4)))


async def groups(n):
    found = []

    async def nested(i):
        await asyncio.sleep(0)
        made = n * 100 + i
        found.append(made)

    async with asyncio.TaskGroup() as group:
        for i in range(4):
            group.create_task(nested(i))
    return found


async def to_threads(n):
    def nested(i):
        time.sleep(0.0005)
        made = n * 100 + i
        return made

    return await asyncio.gather(*(asyncio.to_thread(nested, i) for i in range(4)))


async def deeper(n):
    async def middle(i):
        async def nested():
            await asyncio.sleep(0)
            made = n * 100 + i
            return made

        return await asyncio.create_task(nested())

    return await asyncio.gather(*(middle(i) for i in range(4)))


async def comprehends(n):
    async def items():
        for i in range(4):
            await asyncio.sleep(0)
            made = n * 100 + i
            yield made

    return [x async for x in items() if x or await asyncio.sleep(0) is None]


ASYNCHRONOUS = [gathers, groups, to_threads, deeper, comprehends]


@pytest.mark.parametrize("target", ASYNCHRONOUS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("many", [10, 14])
def test_concurrent_calls_do_not_mix(target, many):
    async def main():
        return await asyncio.gather(*(target(n) for n in range(many)))

    results = Tracer(target).run(main)
    assert results.exc is None
    assert len(results) == 10
    assert results.calls == many
    calls = by_argument(results)
    assert list(calls) == [str(n) for n in range(10)]
    for n in range(10):
        call = calls[str(n)]
        assert call.trace["made = n * 100 + i"][0] == 4
        assert sorted(texts(call, "made = n * 100 + i", "made")) == sorted(str(n * 100 + i) for i in range(4))
        assert call.task is not None
    assert len({call.task for call in results}) == 10


def test_two_targets_whose_tasks_run_in_one_another():
    async def inner(n):
        async def nested():
            await asyncio.sleep(0)
            in_inner = n
            return in_inner

        return await asyncio.create_task(nested())

    async def outer(n):
        async def nested(i):
            await asyncio.sleep(0)
            in_outer = (n, i)
            await inner(n * 10 + i)
            return in_outer

        return await asyncio.gather(*(nested(i) for i in range(2)))

    async def main():
        await asyncio.gather(*(outer(n) for n in (1, 2)))

    results = Tracer(outer, inner).run(main)
    assert [call.function.rpartition(".")[2] for call in results] == ["outer", "outer"] + ["inner"] * 4
    for n, call in zip((1, 2), results[:2], strict=True):
        assert texts(call, "in_outer = (n, i)", "in_outer") == [f"({n}, 0)", f"({n}, 1)"]
    for call in results[2:]:
        n = call.arguments["n"][1]
        assert texts(call, "in_inner = n", "in_inner") == [n]
        assert results[call.parent].arguments["n"][1] == n[0]


def test_cancelled_tasks():
    async def target(n):
        async def nested():
            await asyncio.sleep(0 if n % 2 else 60)
            reached = n
            return reached

        task = asyncio.create_task(nested())
        try:
            async with asyncio.timeout(60 if n % 2 else 0.05):
                return await task
        except TimeoutError:
            return None

    async def main():
        return await asyncio.gather(*(target(n) for n in range(6)))

    results = Tracer(target).run(main)
    assert results.result == [None, 1, None, 3, None, 5]
    for n, call in enumerate(results):
        assert call.trace.get("reached = n", (0, {}))[0] == n % 2
        assert call.trace["await asyncio.sleep(0 if n % 2 else 60)"][0] == 1
        assert call.trace.get("except TimeoutError:", (0, {}))[0] == 1 - n % 2


def test_a_cancelled_target():
    async def target():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned = True
        return cleaned

    async def main():
        task = asyncio.create_task(target())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    [call] = Tracer(target).run(main)
    assert call.raised[0] == "CancelledError"
    assert call.trace["cleaned = True"][0] == call.trace["await asyncio.sleep(60)"][0] == 1


def test_async_generators_closed_early():
    async def target(n):
        try:
            for i in range(n):
                await asyncio.sleep(0)
                yield i
        finally:
            closed = n
            await asyncio.sleep(0)
            print(end=str(closed)[:0])

    async def main():
        async def consume(n):
            generator = target(n)
            async for x in generator:
                if x == 1:
                    break
            await generator.aclose()

        await asyncio.gather(*(consume(n) for n in range(3, 7)))

    results = Tracer(target).run(main)
    assert [call.raised for call in results] == [("GeneratorExit", "GeneratorExit()")] * 4
    for n, call in zip(range(3, 7), results, strict=True):
        assert call.trace["closed = n"] == (1, {"closed": [("int", str(n))], "n": [("int", str(n))]})
        assert call.yielded == [("int", "0"), ("int", "1")]


def test_arun_in_a_loop():
    async def main():
        with pytest.raises(RuntimeError, match=r"use `await Tracer\(\.\.\.\)\.arun\(\.\.\.\)`"):
            tracefunc(gathers, 1)
        results = await Tracer().arun(gathers, 1)
        several = await asyncio.gather(*(Tracer().arun(gathers, n) for n in range(3)))
        exhausted = await Tracer().arun(numbers, 3)
        plain = await Tracer().arun(increment, 1)
        return results, several, exhausted, plain

    async def numbers(n):
        for i in range(n):
            yield i

    def increment(n):
        return n + 1

    results, several, exhausted, plain = asyncio.run(main())
    assert results.result == [100, 101, 102, 103]
    assert len(results) == 1
    assert exhausted[0].yielded == [("int", "0"), ("int", "1"), ("int", "2")]
    assert plain.result == 2
    for n, one in enumerate(several):  # each saw the calls that started while it ran
        assert one.result == [n * 100 + i for i in range(4)]
        assert str(n) in by_argument(one)


def test_async_with():
    async def main():
        async with Tracer(gathers) as results:
            await gathers(3)
        return results

    results = asyncio.run(main())
    assert len(results) == 1
    assert results[0].stack.splitlines()[0].startswith("test_async_with.<locals>.main ")


def test_trio():
    """Plain `await` is all that is needed of an event loop."""
    import trio

    async def target(n):
        seen = []

        async def nested(i):
            await trio.sleep(0.001)
            made = n * 100 + i
            seen.append(made)

        async with trio.open_nursery() as nursery:
            for i in range(3):
                nursery.start_soon(nested, i)
        return sorted(seen)

    async def main():
        async with trio.open_nursery() as nursery:
            for n in range(4):
                nursery.start_soon(target, n)

    results = trio.run(Tracer(target).arun, main)
    assert len(results) == 4
    for call in results:
        n = int(call.arguments["n"][1])
        assert call.returned == ("list", repr([n * 100 + i for i in range(3)]))
        assert sorted(texts(call, "made = n * 100 + i", "made")) == [str(n * 100 + i) for i in range(3)]
        assert "target" in call.task


@pytest.fixture
def curio(monkeypatch):
    """curio, whose last version wants two names that CPython 3.12 no longer has: they are put back meanwhile."""
    import multiprocessing.connection
    import ssl

    def wrap_socket(*args, **kwargs):
        raise NotImplementedError

    for name in ("CHALLENGE", "WELCOME", "FAILURE"):
        monkeypatch.setattr(multiprocessing.connection, name, f"#{name}#".encode(), raising=False)
    monkeypatch.setattr(ssl, "wrap_socket", wrap_socket, raising=False)
    return importlib.import_module("curio")


def test_curio(curio):
    async def target(n):
        seen = []

        async def nested(i):
            await curio.sleep(0.001)
            made = n * 100 + i
            seen.append(made)

        for i in range(3):
            await nested(i)
        return [x async for x in numbers(n)], seen

    async def numbers(n):
        for i in range(n):
            await curio.sleep(0)
            yield i

    async def main():
        async with curio.TaskGroup() as group:
            for n in range(4):
                await group.spawn(target, n)

    results = curio.run(Tracer(target).arun, main)
    assert results.exc is None
    assert len(results) == 4
    for call in results:
        n = int(call.arguments["n"][1])
        seen = [n * 100 + i for i in range(3)]
        assert call.returned == ("tuple", repr((list(range(n)), seen)))
        assert texts(call, "made = n * 100 + i", "made") == [str(made) for made in seen]
        assert call.trace["await nested(i)"][0] == 3
        assert not n or call.trace["[x async for x in numbers(n)]"][0] == n


def test_curio_with_contexts(curio):
    """Tasks that a target starts are known to be its own where they have contexts."""

    async def target(n):
        seen = []

        async def nested(i):
            await curio.sleep(0.001)
            made = n * 100 + i
            seen.append(made)

        async with curio.TaskGroup() as group:
            for i in range(3):
                await group.spawn(nested, i)
        return sorted(seen)

    async def main():
        async with curio.TaskGroup() as group:
            for n in range(4):
                await group.spawn(target, n)

    results = curio.run(Tracer(target).arun, main, taskcls=curio.task.ContextTask)
    assert len(results) == 4
    for call in results:
        n = int(call.arguments["n"][1])
        assert call.returned == ("list", repr([n * 100 + i for i in range(3)]))
        assert sorted(texts(call, "made = n * 100 + i", "made")) == [str(n * 100 + i) for i in range(3)]


GREENLETS = """
import greenlet
from tracefunc import tracefunc

def target(n):
    main = greenlet.getcurrent()
    def part(x):
        y = x
        if x == n - 1:
            main.switch()
        return y
    def loop():
        total = 0
        for i in range(n):
            total += part(i)
        return total
    kept.append(greenlet.greenlet(loop))
    kept[-1].switch()

kept = []
for n in (5, 60, 300):
    ((_, trace),) = tracefunc(target, n)
    hits = {line: count for line, (count, _) in trace.items()}
    assert hits["y = x"] == hits["if x == n - 1:"] == hits["for i in range(n):"] == n, hits
    assert hits["return y"] == hits["total += part(i)"] == n - 1, hits
    assert not {"main.switch()", "return total"} & hits.keys(), hits

def work(n, switch):
    total = 0
    for i in range(n):
        total += i
        switch()
    return total

for n in (5, 60, 300):
    main = greenlet.getcurrent()
    begun = greenlet.greenlet(lambda: work(10**6, main.switch))
    begun.switch()  # what it does is no call of the trace that follows
    ((_, trace),) = tracefunc(work, n, begun.switch)
    assert trace["total += i"][0] == trace["switch()"][0] == n, trace
    assert trace["for i in range(n):"][0] == n + 1, trace
"""


@needs_greenlet
def test_greenlets(tmp_path):
    """In a process of its own: once greenlet is imported, no frame is known to be over before the one below it."""
    program = tmp_path / "program.py"
    program.write_text(GREENLETS)
    subprocess.run([sys.executable, program], check=True, timeout=60)


SWITCHING_REPR = """
import greenlet, sys
from tracefunc import Tracer, safe_repr

class Value:
    def __init__(self, name):
        self.name = name
    def __repr__(self):
        if way != "elsewhere":
            other.switch()
        return self.name

def target(n):
    value = Value(str(n))
    for i in range(n):
        work(i)
    return n

def work(i):
    if i == 2:
        main.switch()

def traced(names):
    seen.append(names)

def run():
    global main, other
    main = greenlet.getcurrent()
    def goes_on():
        for n in (3, 4):
            found.append(target(n))
        if way == "for good":
            main.throw(KeyError("gone"))
        main.switch()
    first = plain(7)
    other = greenlet.greenlet(goes_on)
    other.switch()
    try:
        found.append(target(2))
    except KeyError:
        pass
    return first

def plain(n):
    return n + 1

seen, found = [], []
greenlet.settrace(before := lambda event, greenlets: seen.append(event))
for way in ("there and back", "for good", "elsewhere"):
    for describe in (repr, safe_repr):
        found.clear()
        results = Tracer(target, plain, describe=describe).run(run)
        assert results.exc is None and results.result == 8, results.exc
        assert greenlet.gettrace() is before and seen
        whole = {(call.function, call.returned[1]) for call in results if call.returned}
        if way == "elsewhere" or describe is safe_repr:
            assert not results.warnings and ("target", "2") in whole, (way, whole, results.warnings)
            continue
        [warning] = results.warnings
        assert "let another greenlet go on" in warning and whole == {("plain", "8")}, (whole, warning)
        assert [call.function for call in results] == ["plain"]
"""


GLOBALS_AND_GREENLETS = """
import greenlet
from tracefunc import tracefunc

class Value:
    def __repr__(self):
        return "a value"

value, items = Value(), [Value()]

def target(given):
    here = given
    def inner():
        return value, here, items[0]
    return inner()

[call] = tracefunc(target, Value())
shown = {name: samples for line in call.lines for name, samples in (line.vars | line.attributes).items() if samples}
assert shown["value"] == shown["here"] == shown["given"] == [("Value", "a value")], shown
assert shown["items"] == [("list", "[a value]")], shown
"""


@needs_greenlet
def test_values_where_greenlets_are(tmp_path):
    """They are described while greenlets are watched, in a frame above that of the line."""
    program = tmp_path / "program.py"
    program.write_text(GLOBALS_AND_GREENLETS)
    subprocess.run([sys.executable, program], check=True, timeout=60)


@needs_greenlet
def test_a_repr_that_lets_another_greenlet_go_on(tmp_path):
    """What that one does meanwhile is reported by no event, so what was running is left out."""
    program = tmp_path / "program.py"
    program.write_text(SWITCHING_REPR)
    subprocess.run([sys.executable, program], check=True, timeout=60)


def test_a_loop_that_nobody_knows():
    """A scheduler in a few lines, with tasks in contexts of their own as asyncio's are."""

    class Switch:
        def __await__(self):
            yield self

    def run(*coroutines):
        todo = [(coroutine, contextvars.copy_context()) for coroutine in coroutines]
        while todo:
            coroutine, context = todo.pop(0)
            try:
                context.run(coroutine.send, None)
            except StopIteration as end:
                found.append(end.value)
            else:
                todo.append((coroutine, context))

    found = []

    async def target(n):
        for i in range(3):
            await Switch()
            made = n * 100 + i
        return made

    async def one(n):
        return await Tracer(target, when=f"n == {n}").arun(target, n)

    run(*(one(n) for n in range(3)))
    for n, results in enumerate(found):
        assert results.result == n * 100 + 2
        assert texts(results[0], "made = n * 100 + i", "made") == [str(n * 100 + i) for i in range(3)]


def test_the_context_is_left_as_it_was():
    async def target(n):
        await asyncio.sleep(0)
        return n

    def plain(n):
        if n:
            plain(n - 1)
        return n

    def variables():
        return {variable.name: value for variable, value in contextvars.copy_context().items() if value is not None}

    def generator():
        yield 1

    def check():
        tracefunc(plain, 20)
        tracefunc(target, 1)
        kept = generator()
        tracefunc(lambda: next(kept), target_func=generator)
        assert variables() == {}

        first, second = Tracer(plain), Tracer(plain)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        plain(2)
        second.__exit__(None, None, None)
        assert variables() == {}

    contextvars.Context().run(check)


# --- threads ----------------------------------------------------------------------------------------------------------


def work(n):
    total = 0
    for i in range(n):
        total += i
    return total


def test_each_call_knows_its_thread():
    def main():
        threads = [threading.Thread(target=work, args=(n,), name=f"worker {n}") for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix="pool") as pool:
            list(pool.map(work, range(5, 8)))
        work(8)

    results = Tracer(work).run(main)
    assert len(results) == 9
    for call in results:
        n = int(call.arguments["n"][1])
        assert call.trace["total += i"][0] == n if n else "total += i" not in call.trace
        if n < 5:
            assert call.thread == f"worker {n}"
        elif n < 8:
            assert call.thread.startswith("pool")
        else:
            assert call.thread == threading.current_thread().name
        assert call.stack == "" or n == 8


def test_only_the_current_thread():
    def main():
        thread = threading.Thread(target=work, args=(1,))
        thread.start()
        thread.join()
        work(2)

    for threads, wanted in (("all", ["1", "2"]), ("current", ["2"])):
        results = Tracer(work, threads=threads).run(main)
        assert [call.arguments["n"][1] for call in results] == wanted
        assert results.calls == 2


def test_threads_of_nested_code_belong_to_the_latest_call():
    def target(n):
        def nested():
            made = n
            return made

        thread = threading.Thread(target=nested)
        thread.start()
        thread.join()

    results = tracefunc(lambda: [target(n) for n in range(3)], target_func=target)
    assert [texts(call, "made = n", "made") for call in results] == [["0"], ["1"], ["2"]]


@pytest.mark.parametrize("keep", ["first", "last", "ends"])
def test_no_call_is_lost_in_eight_threads(keep):
    def main():
        def loop(k):
            for n in range(40):
                work(n % 7)

        threads = [threading.Thread(target=loop, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        everything = Tracer(work, max_calls=None, keep=keep).run(main)
        some = Tracer(work, max_calls=20, keep=keep).run(main)
    finally:
        sys.setswitchinterval(interval)
    assert len(everything) == everything.calls == 320
    assert len(some) == 20
    for call in [*everything, *some]:
        n = int(call.arguments["n"][1])
        assert call.returned == ("int", str(sum(range(n))))
        assert call.trace.get("total += i", (0, {}))[0] == n
        assert call.trace["for i in range(n):"][0] == n + 1


# --- processes --------------------------------------------------------------------------------------------------------


def traced_work(n):
    """What runs in another process."""
    return tracefunc(work, n)


METHODS = [m for m in ("fork", "forkserver", "spawn") if m in multiprocessing.get_all_start_methods()]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_results_cross_processes(method):
    context = multiprocessing.get_context(method)
    remote = Tracer(work, max_samples=2).remote(work)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        parts = [*pool.map(traced_work, [1, 2, 3]), *pool.map(remote, [4, 5])]
    merged = TraceResults.merge(*parts)
    assert [call.returned[1] for call in merged] == ["0", "1", "3", "6", "10"]
    assert [part.result for part in parts] == [0, 1, 3, 6, 10]
    assert [call.trace["total += i"][0] for call in merged] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_results_cross_a_pool():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(traced_work, [3])[0][0].returned == ("int", "3")


def test_calls_that_start_while_the_last_one_ends(monkeypatch):
    """One is counted before its frame is known; what it can come to must be listened to all the same."""
    from tracefunc._record import calls as _calls

    barrier = threading.Barrier(2)

    def begin(calls, base, on_full, on_failure, really=_calls.Calls.begin):
        def slowly():
            barrier.wait()  # the other call ends
            time.sleep(0.05)
            on_full()

        really(calls, base, slowly, on_failure)

    monkeypatch.setattr(_calls.Calls, "begin", begin)

    def target(first):
        if first:
            started.set()
            barrier.wait()
        total = 1
        return total

    def main():
        threads = [threading.Thread(target=target, args=(first,)) for first in (True, False)]
        threads[0].start()
        started.wait()
        threads[1].start()
        for thread in threads:
            thread.join()

    started = threading.Event()
    results = Tracer(target, max_calls=2).run(main)
    assert [call.trace["total = 1"][0] for call in results] == [1, 1]


# --- calls that are not recorded ----------------------------------------------------------------------------------------


async def sleeps(n):
    total = 0
    for i in range(n):
        total += i
        if i % 7 == 0:
            await asyncio.sleep(0)
    return total


def numbers(n):
    for i in range(n):  # noqa: UP028 : two lines
        yield i


async def three_tasks():
    return await asyncio.gather(sleeps(200), sleeps(300), sleeps(150))


def two_generators():
    one, other = numbers(100), numbers(100)
    next(one), next(other)
    for steps in (40, 0, 3, 20):
        for _ in range(steps):
            next(one)
        for _ in range(5):
            next(other)
    return list(one), list(other)


@pytest.mark.parametrize(
    "fn, target, wanted",
    [(three_tasks, sleeps, [1, 201, 200, 200, 29, 1]), (two_generators, numbers, [101, 100])],
)
def test_a_call_that_is_not_recorded_goes_on_while_a_recorded_one_is_suspended(fn, target, wanted):
    """It leaves no mark, although the recorded one is alone to be counted, and has all its samples."""
    (call,) = Tracer(target, max_calls=1).run(fn)
    assert [hits for hits, _ in call.trace.values()] == wanted
