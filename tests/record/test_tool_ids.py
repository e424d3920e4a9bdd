"""The tool id of a trace: which one it takes, what happens where none is left, and that everything is given back."""

import pytest

from other_tools import MONITORING, hits, our_ids, texts
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines


def other_raising():
    raise LookupError("not ours")


# --- tool ids ------------------------------------------------------------------------------------------------------


@pytest.fixture
def take():
    """Take tool ids under the name `holder <id>` until the test ends."""
    taken = []

    def take(*ids):
        for i in ids:
            MONITORING.use_tool_id(i, f"holder {i}")
            taken.append(i)

    yield take
    for i in taken:
        MONITORING.free_tool_id(i)


def holding():
    return our_ids()


@pytest.mark.parametrize(
    ("taken", "ours"),
    [((), 4), ((4,), 3), ((3,), 4), ((3, 4), 2), ((2, 3, 4), 1), ((1, 2, 3, 4), 5), ((1, 2, 3, 4, 5), 0)],
)
def test_ids_without_an_owner_come_first(take, taken, ours):
    take(*taken)
    found = []

    def target():
        found.extend(our_ids())

    assert hits(tracefunc(target)) == {"found.extend(our_ids())": 1}
    assert found == [ours]
    assert our_ids() == []


def test_an_id_taken_meanwhile_by_another_thread(monkeypatch):
    taken = []

    def use_tool_id(tool, name, real=MONITORING.use_tool_id):
        if not taken:
            taken.append(tool)
            raise ValueError("tool id is already in use")
        real(tool, name)

    monkeypatch.setattr(MONITORING, "use_tool_id", use_tool_id)
    found = []

    def target():
        found.extend(our_ids())

    tracefunc(target)
    monkeypatch.undo()
    assert (taken, found) == ([4], [3])


def test_no_id_is_left(take):
    take(*range(6))
    ran = []
    with pytest.raises(RuntimeError) as caught:
        tracefunc(lambda: ran.append(1))
    for i in range(6):
        assert f"holder {i}" in str(caught.value)
    assert ran == []


def test_after_that_error_tracing_works(take):
    def target():
        return 1

    ids = [0, 1, 2, 3, 4, 5]
    for i in ids:
        MONITORING.use_tool_id(i, "all")
    try:
        with pytest.raises(RuntimeError):
            tracefunc(target)
    finally:
        for i in ids:
            MONITORING.free_tool_id(i)
    assert hits(tracefunc(target)) == {"return 1": 1}


def test_everything_is_given_back(armed_events):
    def target(n):
        squares = [(lambda v: v * v)(i) for i in range(n)]

        class Inner:
            total = sum(x for x in squares)

        return Inner

    tracefunc(target, 30)
    assert set(armed_events(target)) == {0}


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_everything_is_given_back_after_an_exception(error, armed_events):
    def target(n):
        for i in range(n):
            if i > 40:
                raise error("stop")

    if issubclass(error, Exception):
        assert isinstance(tracefunc(target, 50).exc, error)
    else:
        with pytest.raises(error, match="stop"):
            tracefunc(target, 50)
    assert set(armed_events(target)) == {0}


def test_nested_traces_share_one_id():
    found, inner = [], []

    def leaf(n):
        found.append(our_ids())
        return n + 1

    def target(n):
        inner.append(tracefunc(leaf, n))
        found.append(our_ids())
        return leaf(n)

    outer = tracefunc(target, 3)
    assert found == [[4]] * 3
    assert hits(outer) == {
        "inner.append(tracefunc(leaf, n))": 1,
        "found.append(our_ids())": 1,
        "return leaf(n)": 1,
    }
    assert hits(inner[0]) == {"found.append(our_ids())": 1, "return n + 1": 1}


def test_nested_traces_of_one_function():
    inner = []

    def target(n):
        if n:
            inner.append(tracefunc(target, n - 1))
        n += 1
        return n

    outer = tracefunc(target, 2)
    # The first call traced here ran already when the second was armed: it is in the outer one's list only.
    assert [hits([r])["n += 1"] for r in outer] == [1, 1, 1]
    assert [[hits([r])["n += 1"] for r in results] for results in inner] == [[1], [1, 1]]
    assert [texts([r], "n += 1", "n") for r in outer] == [["3"], ["2"], ["1"]]


def test_an_error_of_the_inner_trace_leaves_the_outer_one_on():
    def target():
        problem = None
        try:
            tracefunc(len, [])
        except ValueError as error:
            problem = str(error)
        done = tracefunc(other_raising)
        return problem, done

    lines = hits(tracefunc(target))
    assert lines["problem = str(error)"] == lines["return problem, done"] == 1
