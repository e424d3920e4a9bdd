"""Threads that trace, run the target, or both, at the same moment: nothing is lost, nothing is left, nothing crashes.

TRACEFUNC_STRESS=100 runs each test's rounds a hundred times as often.
"""

import asyncio
import os
import sys
import threading
from collections import Counter

import pytest

from tracefunc import Tracer, tracefunc
from tracefunc._interpreter import FREE_THREADED
from tracefunc._plan.target_plan import plan as plan_of
from tracefunc._record import engine as _engine
from tracefunc._record import pure_counting
from tracefunc._record.calls import Calls
from tracefunc._record.monitor import Monitor
from tracefunc._record.pure_frames import Frames
from tracefunc._record.pure_free_threaded import FreeThreadedFrames
from tracefunc._record.raw_call import RawCall

ROUNDS = int(os.environ.get("TRACEFUNC_STRESS", "0")) or 1
THREADS = 8

pytestmark = [pytest.mark.both_engines, pytest.mark.timeout(300 + 30 * ROUNDS)]


@pytest.fixture(autouse=True)
def rapid_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(work, number=THREADS):
    """Run `work(i)` in threads that start together; raise what the first of them raised."""
    barrier = threading.Barrier(number)
    errors = []

    def run(i):
        try:
            barrier.wait(60)
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def counts(trace):
    return {line: count for line, (count, _) in trace.items()}


def check_samples(trace):
    """Each hit up to the tenth has its sample."""
    for line, (count, names) in trace.items():
        assert {len(samples) for samples in names.values()} <= {min(count, 10)}, (line, count, names)


def first(trace, line, name):
    """The first value of a name there; None if the trace ended while its thread was at the end of that line."""
    samples = trace[line][1][name] if line in trace else ()
    return int(samples[0][1]) if samples else None


BUSY = """
def target(n, seed):
    total = seed
    for i in range(n):
        if i % 3:
            total += i
        else:
            total -= 1
    return total
"""


def busy(n):
    """The hits of BUSY's target."""
    thirds = (n + 2) // 3
    return {
        "total = seed": 1,
        "for i in range(n):": n + 1,
        "if i % 3:": n,
        "total += i": n - thirds,
        "total -= 1": thirds,
        "return total": 1,
    }


def test_eight_threads_that_trace(define, engine):
    """Each its own function, of the same text."""
    targets = [define(BUSY, name="<busy>")["target"] for _ in range(THREADS)]

    def work(i):
        for n in range(30, 60):
            ((_, trace),) = tracefunc(targets[i], n, i)
            assert counts(trace) == busy(n)
            assert first(trace, "total = seed", "total") == i
            check_samples(trace)

    for _ in range(ROUNDS):
        in_threads(work)


def test_a_target_that_runs_in_eight_threads(define, engine):
    target = define(BUSY)["target"]

    def fn():
        in_threads(lambda i: target(100 + i, i))

    for _ in range(5 * ROUNDS):
        results = tracefunc(fn, target_func=target)
        assert sorted(first(trace, "total = seed", "seed") for _, trace in results) == list(range(THREADS))
        for _, trace in results:
            assert counts(trace) == busy(100 + first(trace, "total = seed", "seed"))
            check_samples(trace)


def test_one_call_whose_nested_code_runs_in_eight_threads(define, engine):
    """All that the threads do is added up in the call that they have in common."""
    space = define("""
        def target(in_threads, n):
            def work(i):
                for k in range(n):
                    try:
                        if k % 4 == 0: raise KeyError(k)
                        twice = (lambda v: v + v)(k)
                    except KeyError as error:
                        squares = sum(x * x for x in range(3))
                    except ValueError:
                        pass
                return [j for j in range(n) if j % 2]
            in_threads(work)
    """)
    n = 40
    for _ in range(2 * ROUNDS):
        ((_, trace),) = tracefunc(space["target"], in_threads, n)
        assert counts(trace) == {
            "def work(i):": 1,
            "for k in range(n):": THREADS * (n + 1),
            "try:": THREADS * n,
            "if k % 4 == 0:": THREADS * n,
            "raise KeyError(k)": THREADS * n // 4,
            "twice = (lambda v: v + v)(k)": THREADS * n * 3 // 4,
            "lambda v: v + v": THREADS * n * 3 // 4,
            "except KeyError as error:": THREADS * n // 4,
            "squares = sum(x * x for x in range(3))": THREADS * n // 4,
            "(x * x for x in range(3))": THREADS * n // 4 * 3,
            "return [j for j in range(n) if j % 2]": THREADS,
            "[j for j in range(n) if j % 2]": THREADS * n // 2,
            "in_threads(work)": 1,
        }
        check_samples(trace)


def test_more_calls_than_are_recorded(define, engine):
    """The trace ends itself, in one of many threads, when the tenth call has ended."""
    target = define(BUSY)["target"]

    def fn():
        in_threads(lambda i: [target(k, i) for k in range(20)])

    for _ in range(3 * ROUNDS):
        results = tracefunc(fn, target_func=target)
        assert len(results) == 10
        for _, trace in results:
            check_samples(trace)
            n = counts(trace)["for i in range(n):"] - 1
            assert counts(trace) == {line: count for line, count in busy(n).items() if count}


def test_traces_of_one_target_that_start_and_stop(define, engine):
    """Each thread's trace has its own call, and of those that other threads make at the time what happens until it ends."""
    target = define(BUSY)["target"]

    def work(i):
        for k in range(12):
            seed = 100 * i + k
            results = tracefunc(target, 30, seed)
            assert results.exc is None
            assert len(results) <= 10
            calls = {first(trace, "total = seed", "seed"): trace for _, trace in results}
            if len(results) < 10:
                assert seed in calls
            for found, trace in calls.items():
                too_many = {line: count for line, count in counts(trace).items() if count > busy(30)[line]}
                assert not too_many
                if found == seed:
                    assert counts(trace) == busy(30)
                    check_samples(trace)

    for _ in range(ROUNDS):
        in_threads(work)


def test_traces_within_traces_of_one_target(define, engine):
    """Two levels in each thread; a thread's own calls stand in each of its own traces."""
    target = define("""
        def target(depth, seed, trace):
            inner = trace(target, depth - 1, seed, trace) if depth else None
            total = 0
            for i in range(12):
                total += i
            return inner
    """)["target"]
    wanted = {"total = 0": 1, "for i in range(12):": 13, "total += i": 12}

    def work(i):
        for k in range(3):
            inner = []

            def trace(*args):
                results = tracefunc(*args)
                inner.append(results)
                return results

            seed = 100 * i + k
            trace(target, 2, seed, trace)
            for depth, results in enumerate(inner):
                assert results.exc is None
                own = [t for _, t in results if first(t, LINE, "seed") == seed]
                assert len(results) == 10 or len(own) == depth + 1
                for t in own:
                    assert {line: counts(t).get(line) for line in wanted} == wanted
                    check_samples(t)

    LINE = "inner = trace(target, depth - 1, seed, trace) if depth else None"
    for _ in range(ROUNDS):
        in_threads(work)


GENERATOR = """
def target(n):
    total = 0
    for i in range(n):
        received = yield i
        total += len([j for j in (i, n) if j])
    return total
"""


def generator(n):
    return {
        "total = 0": 1,
        "for i in range(n):": n + 1,
        "received = yield i": n,
        "total += len([j for j in (i, n) if j])": n,
        "[j for j in (i, n) if j]": 2 * n - 1,
        "return total": 1,
    }


def test_generators_that_go_from_thread_to_thread(define, engine):
    """Each step of a generator may be made by another thread, one at a time."""
    target = define(GENERATOR)["target"]

    def fn():
        generators = [(threading.Lock(), target(30)) for _ in range(THREADS)]

        def work(i):
            for k in range(31 * THREADS):
                lock, generator = generators[(i + k) % THREADS]
                with lock:
                    next(generator, None)

        in_threads(work)

    for _ in range(ROUNDS):
        results = tracefunc(fn, target_func=target)
        assert [counts(trace) for _, trace in results] == [generator(30)] * THREADS
        for _, trace in results:
            check_samples(trace)


def test_generators_while_traces_of_them_come_and_go(define, engine):
    """Arming and disarming leave alone what other threads compute."""
    target = define(GENERATOR)["target"]
    rounds = Counter()
    done = threading.Event()

    def work(i):
        if i < 3:
            rounds[sum(target(20)), i] += 1
            while not done.is_set():
                rounds[sum(target(20)), i] += 1
            return
        try:
            for _ in range(8):
                results = tracefunc(lambda: list(target(7)), target_func=target)
                assert results.exc is None
                for _, trace in results:
                    assert all(count <= generator(20)[line] for line, count in counts(trace).items())
                assert len(results) == 10 or generator(7) in [counts(trace) for _, trace in results]
        finally:
            if i == 3:
                done.set()

    for _ in range(ROUNDS):
        done.clear()
        in_threads(work)
    assert {total for total, _ in rounds} == {190}


def test_coroutines_in_eight_event_loops(define, engine):
    space = define("""
        import asyncio
        async def target(n):
            total = 0
            for i in range(n):
                await asyncio.sleep(0)
                async for x in numbers(3):
                    total += x
            return total

        async def numbers(n):
            for i in range(n):
                yield i
                await asyncio.sleep(0)

        async def main():
            return await asyncio.gather(target(12), target(12))
    """)
    target, main = space["target"], space["main"]
    wanted = {
        "total = 0": 1,
        "for i in range(n):": 13,
        "await asyncio.sleep(0)": 12,
        "async for x in numbers(3):": 48,
        "total += x": 36,
        "return total": 1,
    }
    for _ in range(2 * ROUNDS):
        results = tracefunc(in_threads, lambda i: asyncio.run(main()), target_func=target)
        assert len(results) == 10
        for _, trace in results:
            assert counts(trace) == wanted
            check_samples(trace)


def test_threads_that_outlive_the_trace(define, engine):
    """What they do afterwards is not recorded, and is not disturbed by its end."""
    target = define(BUSY)["target"]
    for _ in range(5 * ROUNDS):
        done = threading.Event()
        totals = []

        def work():
            while not done.is_set():
                totals.append(target(40, 0))

        threads = [threading.Thread(target=work) for _ in range(THREADS)]

        def fn():
            for thread in threads:
                thread.start()

        results = tracefunc(fn, target_func=target)
        lines = [counts(trace) for _, trace in results]
        done.set()
        for thread in threads:
            thread.join()
        assert lines == [counts(trace) for _, trace in results]
        for found in lines:
            assert all(count <= busy(40)[line] for line, count in found.items())
        assert set(totals) <= {target(40, 0)}


CUT_OFF = """
def target(n, done):
    total = 0
    for i in range(n):
        if i % 3:
            total += i
        else:
            total -= 1
        try:
            if i % 4 == 0: raise KeyError(i)
            twice = (lambda v: v + v)(i)
        except KeyError as error:
            three = sum(x for x in range(2))
        if done: break
    return total
"""


def lines_of_cut_off(hits):
    """The first lines that CUT_OFF's target hits, so many of them, in the order in which they end, as counts."""
    lines, i = ["total = 0"], 0
    while len(lines) < hits:
        lines += ["for i in range(n):", "if i % 3:", "total += i" if i % 3 else "total -= 1", "try:", "if i % 4 == 0:"]
        if i % 4:
            lines += ["lambda v: v + v", "twice = (lambda v: v + v)(i)"]
        else:
            lines += ["raise KeyError(i)", "except KeyError as error:", *["(x for x in range(2))"] * 2]
            lines.append("three = sum(x for x in range(2))")
        lines.append("if done:")
        i += 1
    return dict(Counter(lines[:hits]))


@pytest.mark.skipif(FREE_THREADED, reason="threads run on while it is looked up where they are")
@pytest.mark.parametrize("several", [False, True], ids=["one trace", "two traces"])
def test_calls_that_are_under_way_when_the_trace_ends(define, engine, several):
    """What was counted and where threads are is of one moment: the hits are those of a part of the run from its start on."""
    target = define(CUT_OFF)["target"]
    for i in range(10 * ROUNDS):
        done = []
        threads = [threading.Thread(target=target, args=(10**9, done)) for _ in range(THREADS)]

        def fn():
            for thread in threads:
                thread.start()
            threads[0].join(i % 5 / 500)

        def inner():
            return tracefunc(fn, target_func=target)

        traces = [tracefunc(inner, target_func=target)] if several else []
        traces.append(traces[0].result if several else inner())
        done.append(True)
        for thread in threads:
            thread.join()
        for results in traces:
            # No thread may have come to the target yet.
            assert set(results.warnings) <= (set() if results else {"'target' was never called"})
            for _, trace in results:
                hits = {line: count for line, count in counts(trace).items() if count}
                assert hits == lines_of_cut_off(sum(hits.values()))


def test_nothing_is_added_when_a_trace_has_ended(define, engine):
    """A thread that is still in a callback finds the call closed."""
    target = define(CUT_OFF)["target"]
    for _ in range(10 * ROUNDS):
        done = []
        threads = [threading.Thread(target=target, args=(10**9, done)) for _ in range(THREADS)]

        def fn():
            for thread in threads:
                thread.start()

        with Tracer(target, max_samples=3, keep="last") as results:
            fn()
        before = [[list(line.moments) for line in call.lines] for call in results]
        done.append(True)
        for thread in threads:
            thread.join()
        assert [[line.moments for line in call.lines] for call in results] == before


def test_values_that_other_threads_change(define, engine):
    """A variable that threads share and a list that they lengthen are shown while they are at it."""
    target = define("""
        def target(in_threads, n):
            last = items = None
            items = []
            def work(i):
                nonlocal last
                for k in range(n):
                    last = [i, k]
                    items.append(last)
            in_threads(work)
            return items
    """)["target"]
    for _ in range(3 * ROUNDS):
        ((_, trace),) = tracefunc(target, in_threads, 50)
        assert trace["last = [i, k]"][0] == trace["items.append(last)"][0] == 50 * THREADS
        assert trace["for k in range(n):"][0] == 51 * THREADS
        check_samples(trace)


@pytest.mark.parametrize("chosen", [{"threads": "current"}, {"when": "seed == -1"}])
def test_other_threads_run_the_target_while_traces_start(define, engine, chosen):
    """A call is recorded whole or not at all, however many others are refused while it starts."""
    target = define(BUSY)["target"]
    done = threading.Event()

    def work():
        while not done.is_set():
            target(12, 0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(10 * ROUNDS):
            results = Tracer(target, **chosen).run(lambda: [target(12, -1), target(12, -1)])
            assert [counts(trace) for _, trace in results] == [busy(12)] * 2
            assert [call.arguments["seed"] for call in results] == [("int", "-1")] * 2
            for _, trace in results:
                check_samples(trace)
    finally:
        done.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("chosen", [{"threads": "current"}, {"when": "seed == -1"}])
def test_many_calls_are_refused_while_one_starts(define, engine, monkeypatch, chosen):
    """After a hundred of them only starts are listened to, but not once there is a call to record."""
    target = define(BUSY)["target"]

    def rearm(monitor, code, really=Monitor.rearm):
        if threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=lambda: [target(1, 0) for _ in range(250)])
            thread.start()
            thread.join()
        really(monitor, code)

    monkeypatch.setattr(Monitor, "rearm", rearm)
    results = Tracer(target, **chosen).run(lambda: [target(12, -1), target(12, -1)])
    assert [counts(trace) for _, trace in results] == [busy(12)] * 2


def test_a_callback_that_answers_when_the_next_trace_has_begun(define, engine, monkeypatch):
    """Its answer, that a start is not wanted any more, is about the trace before."""
    target = define("""
        def target(pause):
            pause()
            return 1
    """)["target"]
    here, go_on = threading.Event(), threading.Event()

    def pass_over(calls, number, frame, really=Calls.pass_over):
        if threading.current_thread() is thread and not here.is_set():
            here.set()
            go_on.wait()
        return really(calls, number, frame)

    def work():
        while not go_on.is_set():
            target(int)

    def first():
        thread.start()
        assert here.wait(60)

    def second():
        go_on.set()
        thread.join()
        return target(int)

    thread = threading.Thread(target=work, daemon=True)
    monkeypatch.setattr(Calls, "pass_over", pass_over)
    before = Tracer(target, max_calls=1).run(target, first)
    assert (len(before), before.exc) == (1, None)
    results = Tracer(target).run(second)
    assert [counts(trace) for _, trace in results] == [{"pause()": 1, "return 1": 1}]


def test_calls_that_go_on_while_it_is_found_out_whether_one_is_alone(define, monkeypatch):
    """They have been seen to start, and are not recorded yet, when the pure engine asks which frames there are."""
    target = define("""
        def target(n, pause):
            total = 0
            for i in range(n):
                if i % 3:
                    total += i
                else:
                    total -= 1
            pause()
            return total
    """)["target"]
    n = 40

    class Other:
        """A call in another thread, which waits when it is about to be recorded."""

        def __init__(self, pause):
            self.here, self.go_on = threading.Event(), threading.Event()
            self.thread = threading.Thread(target=target, args=(n, pause))

        def finish(self):
            self.go_on.set()
            self.thread.join()

    second = Other(lambda: None)
    first = Other(second.finish)

    def open_call(calls, number, frame, *when, really=Calls.open):
        info = really(calls, number, frame, *when)
        for other in (first, second):
            if threading.current_thread() is other.thread:
                other.here.set()
                other.go_on.wait()
        return info

    asked = []

    def frames(really=pure_counting.all_frames):
        found = really()
        asked.append(found)
        if len(asked) == 3:  # when three lines have their samples
            first.finish()
        return found

    monkeypatch.setattr(Calls, "open", open_call)
    monkeypatch.setattr(pure_counting, "all_frames", frames)
    monkeypatch.setattr(_engine, "engine", _engine.choose("pure", False))

    def run():
        for other in (first, second):
            other.thread.start()
            other.here.wait()
        target(n, lambda: None)
        first.finish()

    results = tracefunc(run, target_func=target)
    assert [[hits for hits, _ in trace.values()][:6] for _, trace in results] == [[1, n + 1, n, 26, 14, 1]] * 3


def with_another_in_between(make, step, check):
    """Make a thing, do a step with it, let another thread do the same step at one of the places where the interpreter
    lets others run, and check the thing: once for each such place.
    """
    done = False
    for place in range(1000):
        thing, passed = make(), iter(range(1000))
        other = threading.Thread(target=step, args=(thing,))

        def watch(frame, event, details):
            if event in ("call", "c_return") and next(passed) == place:
                other.start()
                other.join()

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            step(thing)
        finally:
            sys.setprofile(before)
        if other.ident is None:  # there are no more places
            break
        check(thing)
        done = True
    assert done


@pytest.mark.skipif(FREE_THREADED, reason="a lock is held there")
def test_two_threads_count_what_ends_at_one_place_at_once(define):
    """Exceptions that leave frames of one call at the same offset."""
    plan = plan_of(
        define("""
        def target():
            return lambda: 1
    """)["target"]
    )

    class Thing:
        def __init__(self):
            self.frames, self.call = Frames(plan, None), RawCall(0, len(plan.lines), len(plan.codes))
            code_state = self.frames.codes[id(plan.codes[1].code)]
            self.states = [self.frames.enter(code_state, i, self.call) for i in range(2)]

        def leave(self):
            self.frames.leave(self.states.pop(), 8, -1)

    def check(thing):
        assert thing.call.left == [{}, {8: 2}]
        assert thing.call.extra[1] == 2

    with_another_in_between(Thing, Thing.leave, check)


def test_no_frame_goes_while_another_thread_looks_through_all(define):
    """Without a GIL, the one that ends the trace holds a lock."""
    plan = plan_of(define("def target(): return 1")["target"])
    frames, call = FreeThreadedFrames(plan, None), RawCall(0, len(plan.lines), len(plan.codes))

    class Guarded(dict):
        def pop(self, *args):
            assert frames.lock._is_owned()
            return super().pop(*args)

    frames.by_key = Guarded()
    frames.enter(frames.codes[id(plan.codes[0].code)], 1, call).counts[2] += 1
    frames.remove(1)
    assert not frames.by_key
    assert call.counts[0][2] == 1


@pytest.mark.skipif(FREE_THREADED, reason="a lock is held there")
def test_two_threads_enter_nested_code_of_a_call_at_once(define):
    """Both count in the same list."""
    plan = plan_of(
        define("""
        def target():
            return lambda: 1
    """)["target"]
    )

    class Thing:
        def __init__(self):
            self.frames, self.call = Frames(plan, None), RawCall(0, len(plan.lines), len(plan.codes))
            self.states = []

        def enter(self):
            code_state = self.frames.codes[id(plan.codes[1].code)]
            self.states.append(self.frames.enter(code_state, len(self.states), self.call))

    def check(thing):
        assert [state.counts is thing.call.counts[1] for state in thing.states] == [True, True]
        assert thing.call.entered == [0, 2]

    with_another_in_between(Thing, Thing.enter, check)
