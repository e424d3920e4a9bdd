"""The benchmarks: workloads compute the same traced and untraced, and what was measured is reported as it was."""

import sys

import pytest

import guard
import report
import workloads
from tracefunc import tracefunc
from tracers import TRACERS, MeasuredPoints, rebind

pytestmark = pytest.mark.both_engines


class Keeping:
    """A tracer that runs tracefunc and gives what the traced function returned."""

    def traced(self, run, target, size):
        def kept(size):
            given = []
            results = tracefunc(lambda: given.append(run(size)), target_func=target)
            assert results.exc is None
            assert results and all(trace for _, trace in results)
            return given[0]

        return kept


CODE = [
    pytest.param(workload, id=workload.name, marks=[pytest.mark.heavy] * isinstance(workload, workloads.LongFunction))
    for workload in workloads.WORKLOADS
    if not isinstance(workload, workloads.Price)
]


@pytest.mark.slow
@pytest.mark.parametrize("workload", CODE)
def test_same_result(workload):
    assert workload.traced(Keeping())(12) == workload.untraced()(12)


def test_names_are_unique():
    names = [workload.name for workload in workloads.WORKLOADS]
    assert len(set(names)) == len(names) >= 40


def test_traced_functions_are_found_where_they_were():
    workload = workloads.fresh("methods")
    calls = []

    def counted(self, amount):
        calls.append(amount)
        return workload.target(self, amount)

    assert rebind(workload.run, workload.target, counted) is workload.run
    workload.run(5)
    assert calls == [0, 1, 2, 3, 4]
    workload = workloads.fresh("wide_recursion")
    assert rebind(workload.run, workload.run, counted) is counted


def test_the_floor_has_the_events_that_are_counted(monkeypatch):
    events = []
    monkeypatch.setattr(MeasuredPoints, "answer", lambda self, code, offset: events.append(offset))
    floor = MeasuredPoints()
    workload = workloads.fresh("many_statements")
    try:
        floor.traced(workload.run, workload.target, 100)(50)
    finally:
        sys.monitoring.set_local_events(floor.tool_id, workload.target.__code__, 0)
        floor.listen(None)
        sys.monitoring.free_tool_id(floor.tool_id)
    assert 50 <= len(events) <= 52  # one for each turn of the loop, and its ends


def data(*figures, missing=()):
    """The JSON of a run with some ratios, each a (tracer, workload, group, ratio)."""
    keys = ("tracer", "workload", "group", "ratio")
    same = {"version": "1.5", "lowest": 1.0, "highest": 99.0, "part": 0.5}
    return {
        "benchmarks": [{"extra_info": same | dict(zip(keys, figure, strict=True))} for figure in figures],
        "missing": [dict(zip(("tracer", "workload", "group", "reason"), entry, strict=True)) for entry in missing],
        "machine_info": {
            "python_version": "3.14.0",
            "system": "Linux",
            "machine": "x",
            "cpu": {"brand_raw": "Chip", "count": 2},
        },
        "datetime": "2030-01-02T03:04:05",
    }


def test_report():
    pure, snoop, fast = "tracefunc, pure", "snoop", "tracefunc, fast"
    text = report.markdown(
        report.Run(
            data(
                (pure, "one", "loops", 2.0),
                (pure, "two", "loops", 8.0),
                (pure, "start", "import", 1.5),
                (snoop, "one", "loops", 4321.0),
                missing=[(fast, "one", "loops", "not built"), (snoop, "two", "loops", "too slow")],
            )
        )
    )
    assert "CPython 3.14.0, Chip, 2 cores, Linux, 2030-01-02." in text
    assert "| tracefunc, pure 1.5 | 4.00 | 50 % |" in text
    assert "| snoop 1.5 | 4,321 (1 of 2) | 50 % |" in text
    assert "| tracefunc, fast | – | – |" in text
    assert "| tracefunc, pure 1.5 | 1.50 | 50 % |" in text
    assert "| two | 8.00 (1.00 to 99.0) |" in text
    assert "- snoop, two: too slow" in text
    assert text.index("| tracefunc, fast") < text.index("| tracefunc, pure") < text.index("| snoop")


def test_each_tracer_has_the_same_shape():
    assert len(TRACERS) >= 13
    for name, tracer in TRACERS.items():
        assert tracer.name == name
        assert callable(tracer.traced)
        assert hasattr(tracer, "distribution")


def test_guarded_ratio_is_that_of_growth(monkeypatch):
    def instructions(program, engine):
        size = int(program.split()[-1])
        return 1000 + 30 * size if "traced" in program else 500 + 10 * size

    monkeypatch.setattr(guard, "instructions", instructions)
    assert guard.ratio("plain {size}", "traced {size}", 7, "pure") == 3.0
