"""Traced against untraced time of each workload under each tracer, as ratios within one run.

    python -m pytest benchmarks -v --benchmark-json=FILE

A round runs the workload untraced and traced, right after one another and in changing order, so that whatever
else the machine does meets both alike. What is measured is CPU time; the ratio is that of the shortest times.
Each tracer has a process of its own. A tracer that is too slow for the full size gets a smaller one, and one
that cannot be measured is reported with the reason. Nothing is asserted about durations.

TRACEFUNC_BENCH_SCALE (default 1) multiplies the time that is spent: 0.1 is enough for a quick look.
"""

import os

import pytest

from measure import Failed
from workloads import WORKLOADS

SCALE = float(os.environ.get("TRACEFUNC_BENCH_SCALE", "1"))
BUDGET = 0.5 * SCALE  # seconds of CPU time for the rounds of one workload under one tracer
PATIENCE = 12  # seconds until a request is given up


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_ratio(benchmark, worker, missing, workload):
    try:
        version = worker.load()
        size, rounds = worker.ask(PATIENCE, "prepare", workload.name, BUDGET)
        times = []
        benchmark.group = worker.name
        benchmark.pedantic(lambda: times.append(worker.ask(PATIENCE, "round")), rounds=rounds)
    except Failed as reason:
        missing.append(
            {"tracer": worker.name, "workload": workload.name, "group": workload.group, "reason": str(reason)}
        )
        pytest.skip(str(reason))
    untraced, traced = map(min, zip(*times, strict=True))
    ratios = sorted(t / u for u, t in times)
    benchmark.extra_info.update(
        tracer=worker.name,
        version=version,
        workload=workload.name,
        group=workload.group,
        ratio=traced / untraced,
        lowest=ratios[0],
        highest=ratios[-1],
        untraced_seconds=untraced,
        size=size,
        part=size / workload.size,
    )
