"""Each script of examples/ runs, says something, and warns of nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.both_engines

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))

# A line that each script's output must have, on every version: a trace that is empty would pass otherwise.
EXPECTED = {
    "demo.py": "1 x  return ",
    "who_called.py": "deepcopy (",
    "why_it_raised.py": "raised: StatisticsError(",
}


def test_every_script_is_known():
    assert {script.name for script in SCRIPTS} == set(EXPECTED)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_runs(script, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert EXPECTED[script.name] in done.stdout
