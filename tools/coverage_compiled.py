#!/usr/bin/env python3
"""Report which lines of the compiled recorder the tests run, by gcc's own counters.

    python3 tools/coverage_compiled.py [PYTEST_ARGUMENT]...

Nothing that uses Python's tracing sees these lines: the interpreter suspends tracing while a callback of sys.monitoring
runs. So a copy of the checkout is compiled with `gcc --coverage`, with C that names the lines of Cython's sources, and
the tests run there. Reports only: no figure is a failure. Needs gcc with gcov, and a Python for which find_python.py
looks, as `make env` does.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import find_python
from find_python import ROOT
from mutants import IGNORED, PARTS

FLAGS = {"CC": "gcc", "CFLAGS": "--coverage -O1 -g0", "LDFLAGS": "--coverage"}


def call(*command, cwd, **environment):
    """Run a command, showing what it prints; return whether it succeeded."""
    print("+", *command, flush=True)
    return subprocess.call([str(word) for word in command], cwd=str(cwd), env=dict(os.environ, **environment)) == 0


def build(folder):
    """Make an environment for the tests in a copy of the checkout, with the counting build; return its interpreter."""
    for part in [*PARTS, "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", ".github"]:
        source, target = ROOT / part, folder / part
        shutil.copytree(source, target, ignore=IGNORED) if source.is_dir() else shutil.copy(source, target)
    groups = ["--group", "test", "--group", "contracts", "--constraints", "tests/corpus/requirements.txt"]
    uv = os.pathsep.join([str(Path(find_python.ensure_uv()).parent), os.environ["PATH"]])
    if not call(sys.executable, "tools/make_env.py", *groups, ".venv", cwd=folder, PATH=uv):
        sys.exit("coverage_compiled: no environment")
    python = folder / ".venv" / "bin" / "python"
    for old in (folder / "src" / "tracefunc").glob("_fastmon.*so"):
        old.unlink()
    command = ["setup.py", "build_ext", "--inplace", "--force", "--cython-line-directives"]
    if not call(python, *command, cwd=folder, TRACEFUNC_REQUIRE_EXT="1", **FLAGS):
        sys.exit("coverage_compiled: the counting build failed")
    return python


def counted(folder):
    """Return {source: {line: times executed}} from what the processes of the tests have left behind."""
    [data] = folder.glob("build/**/*.gcda")
    subprocess.check_call(["gcov", "--json-format", data.name], cwd=str(data.parent), stdout=subprocess.DEVNULL)
    found = {}
    for file in data.parent.glob("*.gcov.json.gz"):
        for source in json.loads(gzip.decompress(file.read_bytes()))["files"]:
            if Path(source["file"]).suffix in (".pyx", ".pxi", ".h") and "tracefunc" in source["file"]:
                name = source["file"].rpartition("tracefunc/")[2]
                length = len((ROOT / "src" / "tracefunc" / name).read_text(encoding="utf-8").splitlines())
                lines = found.setdefault(name, {})
                # What Cython adds after the last source has numbers beyond its end.
                for number, line in ((line["line_number"], line) for line in source["lines"]):
                    if number > length:
                        continue
                    lines[number] = max(lines.get(number, 0), line["count"])
    return found


def ranges(numbers):
    """Return line numbers as text, those that follow each other as a range."""
    groups = []
    for number in sorted(numbers):
        if groups and number == groups[-1][1] + 1:
            groups[-1][1] = number
        else:
            groups.append([number, number])
    return ", ".join(str(first) if first == last else "{}-{}".format(first, last) for first, last in groups)


def report(found):
    """Print a line for each source, and the total."""
    everything = missed = 0
    print("\nlines of the compiled recorder that the tests run")
    for name, lines in sorted(found.items()):
        never = [number for number, count in lines.items() if count == 0]
        everything, missed = everything + len(lines), missed + len(never)
        percent = 100 * (1 - len(never) / len(lines))
        print("{:36} {:5} lines {:6.1f} %  never: {}".format(name, len(lines), percent, ranges(never) or "none"))
    print("{:36} {:5} lines {:6.1f} %".format("total", everything, 100 * (1 - missed / max(1, everything))))


def main():
    """Build, run the tests, report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "tracefunc-coverage")
        folder.mkdir()
        python = build(folder)
        call(python, "-m", "pytest", *(sys.argv[1:] or ["-q"]), cwd=folder, TRACEFUNC_REQUIRE_EXT="1")
        report(counted(folder))


if __name__ == "__main__":
    main()
