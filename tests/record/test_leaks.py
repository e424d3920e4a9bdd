"""What a trace has touched is gone when it has ended, and memory does not grow: each shown in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.both_engines

SCRIPT = Path(__file__).parents[1] / "isolated" / "leaks.py"
KINDS = "plain nested generator raising recursive asynchronous tracing suspended left inner_trace".split()
TRACES = os.environ.get("TRACEFUNC_LEAK_TRACES", "4000")  # `make leaks` takes more


def run(*arguments):
    """Run the script with the engine of the test, which the environment names."""
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_all_of_a_trace_dies(kind):
    run("dies", kind)


@pytest.mark.heavy
@pytest.mark.timeout(3000)
def test_memory_does_not_grow():
    print(run("grows", TRACES))
