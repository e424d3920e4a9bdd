"""A short soak in a process of its own, and what would make a long one fail."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.both_engines

FOLDER = Path(__file__).parents[1] / "isolated"
SECONDS = 2  # `make soak` takes more

LEAKS = """
kept = []
soak.functions_die = lambda: True
soak.WAYS = [lambda: kept.extend([] for _ in range(9)) or ["same"]]
"""
CHANGES = """
given = iter("aab")
soak.WAYS = [lambda: [next(given)]]
"""
DIES_IN_A_THREAD = """
soak.WAYS = [lambda: soak.in_threads(lambda: 1 / 0)]
"""


def run(seconds, change=""):
    """Run the script with the engine of the test, which the environment names, and what `change` puts in its place."""
    command = f"import soak\n{change}\nsoak.soak({seconds})"
    return subprocess.run([sys.executable, "-c", command], cwd=FOLDER, capture_output=True, text=True)


@pytest.mark.heavy
def test_traces_stay_right_and_memory_does_not_grow(engine):
    done = run(SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    print(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change, message",
    [(LEAKS, "AssertionError"), (CHANGES, "round 3: the trace was"), (DIES_IN_A_THREAD, "ZeroDivisionError")],
)
def test_it_can_fail(change, message):
    done = run(0.3, change)
    assert done.returncode == 1
    assert message in done.stderr
