"""Which events are armed, when: events that cannot be local, events that were silenced, other tools that silence theirs."""

import pytest

from other_tools import EVENTS, MONITORING, UNWIND_IS_LOCAL, CoverageLike, GlobalLines, hits, our_ids, texts
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines


# --- events that cannot be local -----------------------------------------------------------------------------------


def raising(n):
    for i in range(n):
        if i == 2:
            raise KeyError(i)


def other_raising():
    raise LookupError("not ours")


def test_leaving_by_an_exception_is_watched_only_while_a_trace_runs(armed_events):
    seen = []

    def target():
        (tool,) = our_ids()
        seen.append(MONITORING.get_events(tool))
        seen.append(MONITORING.get_local_events(tool, target.__code__) & EVENTS.PY_UNWIND)
        seen.append(MONITORING.get_local_events(tool, other_raising.__code__))

    assert our_ids() == []
    tracefunc(target)
    assert seen == ([0, EVENTS.PY_UNWIND, 0] if UNWIND_IS_LOCAL else [EVENTS.PY_UNWIND, 0, 0])
    assert our_ids() == []
    assert armed_events(target, other_raising) == [0, 0, 0]


def test_nothing_is_watched_once_there_is_a_call_after_the_tenth():
    held = []

    def target(i):
        held.append(len(our_ids()))
        if i % 2:
            raise KeyError(i)

    def fn():
        for i in range(12):
            try:
                target(i)
            except KeyError:
                pass
            held.append(len(our_ids()))

    assert len(tracefunc(fn, target_func=target)) == 10
    assert held == [1] * 20 + [0] * 4


def test_exceptions_of_other_code_are_left_alone():
    caught = []

    def target():
        for i in range(20):
            try:
                other_raising()
            except LookupError as error:
                caught.append(str(error))
        raising(5)

    results = tracefunc(target)
    assert caught == ["not ours"] * 20
    assert repr(results.exc) == "KeyError(2)"
    assert hits(results)["raising(5)"] == 1


def test_a_target_that_raises_keeps_being_watched():
    def fn():
        for i in range(4):
            try:
                raising(i + 1)
            except KeyError:
                pass

    for _ in range(2):
        results = tracefunc(fn, target_func=raising)
        assert [hits(r).get("raise KeyError(i)") for r in results] == [None, None, 1, 1]
        assert [hits(r)["for i in range(n):"] for r in results] == [2, 3, 3, 3]
        assert all(texts([r], "raise KeyError(i)", "KeyError") == ["<class 'KeyError'>"] for r in results[2:])


# --- events that were silenced -------------------------------------------------------------------------------------


def busy(n, step=None):
    total = 0
    for i in range(n):
        if i % 3:
            total += i
        else:
            total -= 1
        if step:
            step(i)
    return total


BUSY = {
    "total = 0": 1,
    "for i in range(n):": 61,
    "if i % 3:": 60,
    "total += i": 40,
    "total -= 1": 20,
    "if step:": 60,
    "step(i)": 60,
    "return total": 1,
}


def test_silenced_offsets_are_heard_again_in_the_next_trace():
    first = tracefunc(busy, 60, print_nothing)
    second = tracefunc(busy, 60, print_nothing)
    assert hits(first) == hits(second) == BUSY
    assert list(first) == list(second)


def print_nothing(i):
    pass


def test_silenced_offsets_are_heard_again_in_the_next_call():
    def fn():
        return [busy(60, print_nothing), busy(4, print_nothing), busy(60, print_nothing)]

    one, two, three = tracefunc(fn, target_func=busy)
    assert hits(one) == hits(three) == BUSY
    assert one[1] == three[1]
    assert hits(two) == {**dict.fromkeys(BUSY, 4), **{"total = 0": 1, "return total": 1, "for i in range(n):": 5}} | {
        "total += i": 2,
        "total -= 1": 2,
    }


def test_silenced_offsets_are_heard_again_in_a_trace_within_a_trace():
    inner = []

    def step(i):
        if i == 50:
            inner.append(tracefunc(busy, 60, print_nothing))

    outer = tracefunc(busy, 60, step)
    assert [hits([r]) for r in outer] == [BUSY, BUSY]
    assert list(inner[0]) == list(tracefunc(busy, 60, print_nothing))


def test_another_tool_may_restart_events_at_any_time():
    plain = tracefunc(busy, 60, print_nothing)

    def step(i):
        MONITORING.restart_events()

    restarted = tracefunc(busy, 60, step)
    assert hits(restarted) == BUSY
    assert texts(restarted, "total += i", "total") == texts(plain, "total += i", "total")


def test_restarted_events_during_other_calls_add_nothing():
    def target(n):
        MONITORING.restart_events()
        items = [i for i in range(n) if i % 2]
        MONITORING.restart_events()
        try:
            MONITORING.restart_events()
            return sum(x for x in items)
        finally:
            MONITORING.restart_events()

    results = tracefunc(target, 30)
    assert hits(results) == {
        **{"MONITORING.restart_events()" + " " * i: 1 for i in range(4)},
        "items = [i for i in range(n) if i % 2]": 1,
        "[i for i in range(n) if i % 2]": 15,
        "try:": 1,
        "return sum(x for x in items)": 1,
        "(x for x in items)": 15,
    }


# --- other tools' LINE callbacks that answer DISABLE --------------------------------------------------------------


def watched(n):
    total = 0
    for i in range(n):
        total += i
        if total > 2:
            total -= 1

    def inner(k):
        k += 1
        return k

    return inner(total)


WATCHED = {
    "total = 0": 1,
    "for i in range(n):": 6,
    "total += i": 5,
    "if total > 2:": 5,
    "total -= 1": 3,
    "def inner(k):": 1,
    "k += 1": 1,
    "return k": 1,
    "return inner(total)": 1,
}


@pytest.mark.parametrize("kind", [CoverageLike, GlobalLines])
def test_a_tool_that_runs_already(kind):
    with kind() as tool:
        results = tracefunc(watched, 5)
    assert hits(results) == WATCHED
    first = watched.__code__.co_firstlineno
    assert {line - first for name, line in tool.lines if name == __file__ and first < line < first + 13} == {
        1, 2, 3, 4, 5, 7, 8, 9, 11,
    }  # fmt: skip


@pytest.mark.parametrize("kind", [CoverageLike, GlobalLines])
def test_a_tool_that_starts_before_the_target_is_called(kind):
    def fn():
        with kind():
            return watched(5)

    (result,) = tracefunc(fn, target_func=watched)
    assert hits([result]) == WATCHED


@pytest.mark.parametrize("kind", [CoverageLike, GlobalLines])
def test_a_tool_that_starts_between_two_calls(kind):
    def fn():
        watched(5)
        with kind():
            watched(5)
        watched(5)

    assert [hits([result]) for result in tracefunc(fn, target_func=watched)] == [WATCHED] * 3


@pytest.mark.parametrize("kind", [CoverageLike, GlobalLines])
def test_a_tool_that_starts_while_the_target_runs(kind):
    tool = kind()

    def target():
        total = 0
        tool.start()
        for i in range(4):
            total += i
            if i > 1:
                total -= 1
        k = (lambda v: v + 1)(total)
        tool.stop()
        return k

    assert hits(tracefunc(target)) == {
        "total = 0": 1,
        "tool.start()": 1,
        "for i in range(4):": 5,
        "total += i": 4,
        "if i > 1:": 4,
        "total -= 1": 2,
        "k = (lambda v: v + 1)(total)": 1,
        "lambda v: v + 1": 1,
        "tool.stop()": 1,
        "return k": 1,
    }


def test_the_other_tool_sees_what_it_sees_without_us():
    def lines(run):
        with CoverageLike() as tool:
            run()
        first = watched.__code__.co_firstlineno
        return sorted(line for name, line in tool.lines if name == __file__ and first <= line < first + 13)

    alone = lines(lambda: watched(5))
    assert alone == lines(lambda: tracefunc(watched, 5))
    assert len(alone) == 9
