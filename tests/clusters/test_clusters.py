"""Traces of functions that run on the workers of a Dask or Ray cluster, or in joblib's, started here.

Not collected with the other tests: `make clusters` runs them, in an environment that has these libraries.
"""

import subprocess
import sys
import textwrap

import pytest

# Defined where a notebook or a script defines it: a worker has neither the module nor, with the file gone, its source.
SCRIPT = """
import os, sys
from tracefunc import Tracer, TraceResults

def average(numbers, pid):
    total = 0
    for number in numbers:
        total += number
    return total / len(numbers)

def job(n):
    return average(list(range(n)), os.getpid()) if n else None

def main():
    remote = Tracer(average, max_samples=2).remote(job)
    results = gather(remote, [1, 2, 3, 0])
    merged = TraceResults.merge(*results)
    assert [one.result for one in results] == [0.0, 0.5, 1.0, None], results
    assert len(merged) == 3, merged
    for n, call in zip((1, 2, 3), merged):
        assert call.function == "average"
        assert call.trace["total += number"][0] == n, call.trace
        assert call.source.startswith("def average(numbers, pid):")
        assert call.returned == ("float", repr((n - 1) / 2))
    assert str(os.getpid()) not in {call.arguments["pid"][1] for call in merged}
    print("all is well")

"""
DASK = """
def gather(remote, arguments):
    from distributed import Client, LocalCluster
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        os.remove(__file__)  # what starts the workers reads it
        return client.gather(client.map(remote, arguments, pure=False))
"""
RAY = """
def gather(remote, arguments):
    import ray
    os.remove(__file__)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        task = ray.remote(lambda n: remote(n))
        return ray.get([task.remote(n) for n in arguments])
    finally:
        ray.shutdown()
"""
JOBLIB = """
def gather(remote, arguments):
    from joblib import Parallel, delayed
    os.remove(__file__)
    return Parallel(n_jobs=2)(delayed(remote)(n) for n in arguments)
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("gather", [DASK, RAY, JOBLIB], ids=["dask", "ray", "joblib"])
@pytest.mark.parametrize("engine", ["fast", "pure"])
def test_functions_of_main_on_workers(gather, engine, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACEFUNC_ENGINE", engine)
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT
        + gather
        + textwrap.dedent("""
        if __name__ == "__main__":
            main()
        """)
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout
