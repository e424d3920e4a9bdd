"""dialoghelper's `tracetool` and `fmt_trace`, as they are on PyPI, run on this package.

The module is loaded by fastcore's `import_no_init`, dialoghelper's own way to have one module of a package without its
`__init__`, which would need a notebook server's packages.
"""

import base64
import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compatibility.test_against_original import folder_with

pytestmark = [pytest.mark.both_engines, pytest.mark.slow]

SOURCE = Path(__file__).resolve().parents[2] / "src"

# All that dialoghelper.tracetools imports, directly or not.
PACKAGES = [
    "dialoghelper==0.2.44",
    "codesigs==0.0.3",
    "fastcore==2.2.39",
    "fastspec==0.2.6",
    "fasttransport==0.0.4",
    "ghapi==2.1.4",
    "httpx2==2.16.2",
    "idna==3.20",
    "toolslm==0.3.48",
    "typing-extensions==4.16.0",
]
# The only compiled one. There is none for 3.15: a stand-in is imported there, and fails when it is used. codesigs needs
# it for the signatures in files of other languages, which is nothing that tracing does.
COMPILED = "ast-grep-py==0.51.0"
HAS_COMPILED = sys.version_info < (3, 15)
STAND_IN = """
class SgRoot:
    def __init__(self, *args):
        raise NotImplementedError("ast-grep-py is not installed")
"""

SAMPLE = """\
def count(n, step=1):
    total = 0
    for i in range(n): total += step * i
    return total


def squares(xs):
    return sum([x * x for x in xs])


def fails(x):
    y = x - 1
    return 1 // y


def calls(xs):
    return [squares(xs), count(len(xs))]
"""

SCRIPT = """
import json, sys
from fastcore.xtras import import_no_init

tools = import_no_init("dialoghelper.tracetools")
import sample

__dialog_name = "test"  # where the tool looks for the names it is given
assert tools.tracefunc is sys.modules["tracefunc"].tracefunc
out = {"file": sys.modules["tracefunc"].__file__, "tools": tools.__file__}
for name, args in json.loads(sys.argv[1]).items():
    traces = tools.tracetool(**args)
    out[name] = traces, tools.fmt_trace(traces)
print(json.dumps(out))
"""

CALLS = {
    "plain": {"sym": "sample.count", "args": [3]},
    "keywords": {"sym": "sample.count", "args": [2], "kwargs": {"step": 5}},
    "target": {"sym": "sample.calls", "args": [[1, 2]], "target_func": "sample.squares"},
    "raises": {"sym": "sample.fails", "args": [1]},
}


@pytest.fixture(scope="module")
def dialoghelper():
    """The folder with dialoghelper and what its tracetools need; no tracefunc in it."""
    folder = folder_with("downstream", *PACKAGES, *([COMPILED] if HAS_COMPILED else []))
    assert not (folder / "tracefunc").exists()
    if not HAS_COMPILED:
        (folder / "ast_grep_py.py").write_text(STAND_IN)
    return folder


def outputs(dialoghelper, tracefunc, folder):
    """What the two functions give for each of CALLS, with the `tracefunc` of a folder."""
    (folder / "sample.py").write_text(SAMPLE)
    (folder / "script.py").write_text(SCRIPT)
    path = os.pathsep.join(map(str, (tracefunc, dialoghelper)))
    command = [sys.executable, "-W", "ignore", str(folder / "script.py"), json.dumps(CALLS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    out = json.loads(done.stdout)
    assert Path(out.pop("file")).is_relative_to(tracefunc)
    assert Path(out.pop("tools")).is_relative_to(dialoghelper)
    return out


@pytest.fixture(scope="module")
def ours(dialoghelper, tmp_path_factory):
    return outputs(dialoghelper, SOURCE, tmp_path_factory.mktemp("downstream"))


def test_it_is_unmodified(dialoghelper):
    [record] = dialoghelper.glob("dialoghelper-*.dist-info/RECORD")
    with open(record, newline="") as file:
        hashes = {row[0]: row[1] for row in csv.reader(file)}
    found = hashlib.sha256((dialoghelper / "dialoghelper" / "tracetools.py").read_bytes()).digest()
    expected = hashes["dialoghelper/tracetools.py"].removeprefix("sha256=")
    assert base64.urlsafe_b64encode(found).decode().rstrip("=") == expected


def test_tracetool(ours):
    [[stack, trace]] = ours["plain"][0]
    assert stack == ""
    assert trace == {
        "total = 0": [1, {"total": ["int", "0"]}],
        "for i in range(n):": [
            4,
            {"i": [["int", "0"], ["int", "1"], ["int", "2"], ["int", "2"]], "n": ["int", "3"]},
        ],
        "total += step * i": [
            3,
            {
                "i": [["int", "0"], ["int", "1"], ["int", "2"]],
                "step": ["int", "1"],
                "total": [["int", "0"], ["int", "1"], ["int", "3"]],
            },
        ],
        "return total": [1, {"total": ["int", "3"]}],
    }


def test_keyword_arguments(ours):
    [[_, trace]] = ours["keywords"][0]
    assert trace["total += step * i"][1]["step"] == ["int", "5"]
    assert trace["return total"] == [1, {"total": ["int", "5"]}]


def test_target(ours):
    [[stack, trace]] = ours["target"][0]
    frames = [line.partition(" ")[0] for line in stack.splitlines()]
    assert frames == ["calls", "squares"]
    assert trace == {
        "return sum([x * x for x in xs])": [1, {}],
        "[x * x for x in xs]": [2, {"x": [["int", "1"], ["int", "2"]], "xs": ["list", "[1, 2]"]}],
    }


def test_raising(ours):
    [[_, trace]] = ours["raises"][0]
    assert trace == {
        "y = x - 1": [1, {"x": ["int", "1"], "y": ["int", "0"]}],
        "return 1 // y": [1, {"y": ["int", "0"]}],
    }


def test_fmt_trace(ours):
    assert ours["plain"][1] == (
        "| Source | Hits | Variables |\n"
        "|--------|------|-----------|\n"
        "| `total = 0` | 1 | `total`: `0` |\n"
        "| `for i in range(n):` | 4 | `i`: `0` → `1` → `2` → `2`<br>`n`: `3` |\n"
        "| `total += step * i` | 3 | `i`: `0` → `1` → `2`<br>`step`: `1`<br>`total`: `0` → `1` → `3` |\n"
        "| `return total` | 1 | `total`: `3` |\n"
    )
    text = ours["target"][1]
    assert text.startswith("**Stack:**\n```\ncalls (sample.py:17)\nsquares (sample.py:7)\n```\n\n| Source |")


def test_same_as_on_the_original(dialoghelper, ours, tmp_path):
    original = folder_with("original", "tracefunc==0.0.7", "fastcore==2.2.39")
    assert outputs(dialoghelper, original, tmp_path) == ours
