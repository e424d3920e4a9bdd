"""Frames, equal code objects, local variables and threads: a recorder keeps them apart and changes nothing."""

import gc
import sys
import threading
import weakref

import pytest

from other_tools import SILENT_CLOSE, hits, our_ids, run_python, texts
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines


# --- frames --------------------------------------------------------------------------------------------------------


def test_frames_with_the_same_address():
    def target(n):
        def inner(k):
            return k

        def other(k):
            k += 100
            return k

        return [inner(i) + other(i) for i in range(n)]

    results = tracefunc(target, 5)
    assert hits(results)["return k"] == 5
    assert texts(results, "return k", "k") == ["0", "1", "2", "3", "4"]
    assert texts(results, "k += 100", "k") == ["100", "101", "102", "103", "104"]


def numbers(n):
    for i in range(n):
        yield i


def test_a_suspended_generator_keeps_its_frame():
    def fn():
        one, two = numbers(3), numbers(2)
        return list(zip(one, two)), list(one), list(two)

    one, two = tracefunc(fn, target_func=numbers)
    assert hits([one]) == {"for i in range(n):": 4, "yield i": 3}
    assert hits([two]) == {"for i in range(n):": 3, "yield i": 2}
    assert texts([one], "yield i", "i") == ["0", "1", "2"]


@pytest.mark.parametrize("way", ["close", "drop"])
def test_a_generator_that_is_closed_or_dropped(way):
    def fn():
        generator = numbers(5)
        next(generator), next(generator)
        if way == "close":
            generator.close()
        del generator
        for _ in range(3):
            list(numbers(1))  # frames that may get the address

    results = tracefunc(fn, target_func=numbers)
    assert hits([results[0]]) in (
        [{"for i in range(n):": 2, "yield i": 2}] + [{"for i in range(n):": 2, "yield i": 1}] * SILENT_CLOSE
    )
    assert [hits([r]) for r in results[1:]] == [{"for i in range(n):": 2, "yield i": 1}] * 3


def test_an_exception_thrown_into_a_generator():
    def fn():
        generator = numbers(5)
        next(generator), next(generator)
        try:
            generator.throw(KeyError)
        except KeyError:
            pass
        return list(numbers(1))

    one, two = tracefunc(fn, target_func=numbers)
    assert hits([one]) == {"for i in range(n):": 2, "yield i": 2}
    assert hits([two]) == {"for i in range(n):": 2, "yield i": 1}


@pytest.mark.parametrize("way", ["throw", "close", "drop"])
def test_a_generator_ended_before_its_first_step_is_no_call(way):
    def fn():
        generator = numbers(5)
        if way == "throw":
            with pytest.raises(KeyError):
                generator.throw(KeyError)
        elif way == "close":
            generator.close()
        del generator
        list(numbers(1))

    results = tracefunc(fn, target_func=numbers)
    assert [hits([r]) for r in results] == [{"for i in range(n):": 2, "yield i": 1}]


def test_a_generator_still_suspended_at_the_end_makes_no_hit():
    kept = []

    def fn():
        kept.append(numbers(5))
        next(kept[0]), next(kept[0])

    (result,) = tracefunc(fn, target_func=numbers)
    assert hits([result]) == {"for i in range(n):": 2, "yield i": 1}
    assert list(kept[0]) == [2, 3, 4]


def test_a_frame_that_runs_already_is_not_recorded():
    found = []

    def target(n):
        if n:
            found.append(tracefunc(target, 0))
            n += 10
        return n

    target(1)
    assert hits(found[0]) == {"if n:": 1, "return n": 1}


def test_a_generator_that_runs_already_is_not_recorded():
    kept = []

    def fn():
        return list(kept[0]), list(numbers(1))

    kept.append(numbers(4))
    next(kept[0])
    (result,) = tracefunc(fn, target_func=numbers)
    assert hits([result]) == {"for i in range(n):": 2, "yield i": 1}


# --- equal code objects --------------------------------------------------------------------------------------------

TWIN = """
def target(n):
    m = n + 1
    return (lambda: m)()
"""


def test_a_module_loaded_twice(define):
    one, two = define(TWIN, name="<twin>")["target"], define(TWIN, name="<twin>")["target"]
    assert one.__code__ == two.__code__ and one.__code__ is not two.__code__

    def fn():
        return one(1), two(2), one(3)

    assert [texts([r], "m = n + 1", "m") for r in tracefunc(fn, target_func=one)] == [["2"], ["4"]]
    assert [texts([r], "m = n + 1", "m") for r in tracefunc(fn, target_func=two)] == [["3"]]


def test_traces_of_both_at_once(define):
    one, two = define(TWIN, name="<twin>")["target"], define(TWIN, name="<twin>")["target"]
    inner = []

    def fn():
        inner.append(tracefunc(lambda: (one(1), two(2)), target_func=two))
        return one(3)

    outer = tracefunc(fn, target_func=one)
    assert [texts([r], "m = n + 1", "m") for r in outer] == [["2"], ["4"]]
    assert [texts([r], "m = n + 1", "m") for r in inner[0]] == [["3"]]


def test_a_def_executed_twice():
    def make(step):
        def inner(n):
            n += step
            return n

        return inner

    one, two = make(1), make(10)
    assert one.__code__ is two.__code__

    def fn():
        return one(0), two(0)

    results = tracefunc(fn, target_func=one)
    assert [texts([r], "n += step", "n") for r in results] == [["1"], ["10"]]


def test_equal_functions_within_the_target(define):
    target = define("""
        def target(n):
            pair = (lambda v: v + 1), (lambda v: v + 1)
            return pair[0](n), pair[1](n), pair[1](n)
    """)["target"]
    ((_, trace),) = tracefunc(target, 5)
    assert (trace["lambda v: v + 1"][0], trace["lambda v: v + 1 "][0]) == (1, 2)


# --- local variables ------------------------------------------------------------------------------------------------


class Thing:
    pass


def test_objects_die_when_they_do_without_a_trace():
    def run(log):
        thing = Thing()
        ref = weakref.ref(thing)
        cell = Thing()
        cell_ref = weakref.ref(cell)
        (lambda: cell)()
        log.append((ref() is None, cell_ref() is None))
        del thing
        log.append((ref() is None, cell_ref() is None))
        cell = [Thing() for _ in range(3)]
        log.append((ref() is None, cell_ref() is None))
        last = weakref.ref(cell[0])
        for item in cell:
            item = None
        cell = None
        log.append(last() is None)

    untraced, traced = [], []
    enabled = gc.isenabled()
    gc.disable()
    try:
        run(untraced)
        results = tracefunc(run, traced)
    finally:
        if enabled:
            gc.enable()
    assert untraced == traced == [(False, False), (True, False), (True, True), True]
    assert results.exc is None


def test_locals_of_the_program_are_its_own():
    def run():
        a = 1
        before = locals()
        b = 2
        names = sorted(before)
        (lambda: b)()
        return names, sorted(locals())

    untraced, traced = run(), []

    def fn():
        traced.append(run())

    results = tracefunc(fn, target_func=run)
    assert results.exc is None
    assert traced == [untraced]


def test_a_comprehensions_variable_that_is_a_cell_outside(tmp_path):
    """Reading all local variables there ends the interpreter of 3.13.0."""
    output = run_python(
        """
        from tracefunc import tracefunc

        def target(x):
            keep = lambda: x
            y = [x for x in 'ab' if keep]
            z = [[x for x in 'cd'] for x in range(2)]
            return y, keep(), [(lambda: x)() for x in range(2)]

        ((_, trace),) = tracefunc(target, 7)
        for line, (hits, names) in trace.items():
            print(line, hits, [text for _, text in names.get("x", [])])
        """,
        cwd=tmp_path,
    )
    assert output.splitlines() == [
        "keep = lambda: x 1 []",
        "lambda: x 1 ['7']",
        "y = [x for x in 'ab' if keep] 1 []",
        "[x for x in 'ab' if keep] 2 [\"'a'\", \"'b'\"]",
        "z = [[x for x in 'cd'] for x in range(2)] 1 []",
        "[[x for x in 'cd'] for x in range(2)] 2 ['0', '1']",
        "[x for x in 'cd'] 4 [\"'c'\", \"'d'\", \"'c'\", \"'d'\"]",
        "return y, keep(), [(lambda: x)() for x in range(2)] 1 []",
        "[(lambda: x)() for x in range(2)] 2 ['0', '1']",
        "lambda: x  2 ['0', '1']",
    ]


# --- threads --------------------------------------------------------------------------------------------------------


def simple(n):
    total = 0
    for i in range(n):
        total += i
    return total


SIMPLE = {"total = 0": 1, "for i in range(n):": 4, "total += i": 3, "return total": 1}


def test_calls_in_other_threads_are_recorded():
    def fn():
        threads = [threading.Thread(target=simple, args=(3,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        simple(3)

    results = tracefunc(fn, target_func=simple)
    assert [hits([r]) for r in results] == [SIMPLE] * 5
    assert [stack for stack, _ in results[:4]] == [""] * 4
    assert results[4][0].endswith(f"simple (test_frames.py:{simple.__code__.co_firstlineno})")


def waiting(wait, got=None):
    if wait is not None:
        got = wait()
    for _ in range(3):
        got = [got]
    return got


def test_a_call_in_another_thread_goes_on_after_the_last_has_started():
    """When no further call is recorded, only what running ones can come to is listened to: theirs is not on the stack."""
    started, go_on = threading.Event(), threading.Event()

    def wait():
        started.set()
        return go_on.wait(60)

    def fn():
        thread = threading.Thread(target=waiting, args=(wait,))
        thread.start()
        try:
            assert started.wait(60)
            for _ in range(12):
                waiting(None)
        finally:
            go_on.set()
            thread.join()

    results = tracefunc(fn, target_func=waiting)
    assert results.exc is None
    assert len(results) == 10
    lines = {"if wait is not None:": 1, "got = wait()": 1, "for _ in range(3):": 4, "got = [got]": 3, "return got": 1}
    assert hits([results[0]]) == lines
    assert [hits([r]) for r in results[1:]] == [{k: v for k, v in lines.items() if k != "got = wait()"}] * 9


COUNTED = """
def target(n, seed):
    total = seed
    for i in range(n):
        total += i
    return total
"""


def test_traces_in_several_threads_at_once(define):
    """Each has its own answer; all share the id, and the last gives it back."""
    barrier = threading.Barrier(4)
    problems = []

    def work(target, seed):
        try:
            barrier.wait(20)
            for n in range(30):
                results = tracefunc(target, n, seed)
                assert hits(results)["total = seed"] == 1
                assert hits(results)["for i in range(n):"] == n + 1
                assert texts(results, "total = seed", "total") == [str(seed)]
        except BaseException as error:
            problems.append(error)

    targets = [define(COUNTED, name="<counted>")["target"] for _ in range(4)]
    threads = [threading.Thread(target=work, args=(target, seed)) for seed, target in enumerate(targets)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert problems == []
    assert our_ids() == []


def test_a_generator_of_another_thread_while_traces_come_and_go():
    stop = threading.Event()
    rounds = []

    def turning():
        while not stop.is_set():
            rounds.append(sum(numbers(20)))

    thread = threading.Thread(target=turning)
    thread.start()
    try:
        for _ in range(30):
            results = tracefunc(lambda: list(numbers(3)), target_func=numbers)
            assert results.exc is None
    finally:
        stop.set()
        thread.join()
    assert set(rounds) <= {190}
