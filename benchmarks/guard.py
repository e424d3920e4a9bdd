"""Guard against becoming slower: ratios of executed instructions, traced to untraced, against stored ones.

    python benchmarks/guard.py [--write]

Instructions are counted by valgrind, so the figures are the same from run to run, whatever else the machine does.
Each ratio is that of the instructions by which a run grows when its size is doubled: what a process and a trace do
only once has no part in it. The stored ratios, for each version of CPython and each engine, are in guard.json;
--write stores what is measured. SLACK is for other builds of the same CPython.
"""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tracefunc._record.engine import engine as chosen

FOLDER = Path(__file__).resolve().parent
STORED = FOLDER / "guard.json"
SLACK = 1.15
VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]


def hot(module, run, target, size):
    """A guarded workload: untraced and traced code for a size that is beyond the first hits of each line."""
    traced = f"from tracefunc import tracefunc\ntracefunc({module}.{run}, {{size}}, target_func={module}.{target})"
    return f"{module}.{run}", f"import {module}\n{module}.{run}({{size}})", f"import {module}\n{traced}", size


SMALL = (
    "from shapes import small\nfrom tracefunc import tracefunc\ntrace = tracefunc(small, 1)\nfor _ in range({size}): "
)


# Name, code whose instructions the ratio is divided by, traced code, size.
GUARDED = [
    hot("shapes", "one_statement", "one_statement", 1000),
    hot("shapes", "comprehensions", "comprehensions", 20),
    hot("shapes", "exceptions", "exceptions", 300),
    hot("shapes", "run_generator", "generator", 300),
    hot("shapes", "call_leaf", "leaf", 1000),
    hot("shapes", "wide_recursion", "wide_recursion", 100),
    hot("algorithms", "nbody", "nbody", 40),
    ("a small trace again", SMALL + "repr(trace)", SMALL + "tracefunc(small, 1)", 20),
]


def program(code, size):
    """What the counted interpreter executes, without the packages that add something to each start."""
    folders = [str(FOLDER), sysconfig.get_path("purelib")]
    return f"import sys\nsys.path += {folders!r}\n{code.format(size=size)}"


def execute(program, engine, *prefix):
    """Run an interpreter and return what it writes to its standard error."""
    done = subprocess.run(
        [*prefix, sys.executable, "-S", "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "0", "TRACEFUNC_ENGINE": engine},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"guard: failed: {' '.join(prefix)} python -c {program!r}\n{done.stderr}")
    return done.stderr


def instructions(program, engine):
    """How many instructions an interpreter executes that runs the program."""
    [line] = [line for line in execute(program, engine, *VALGRIND).splitlines() if "refs:" in line]
    return int(line.split()[-1].replace(",", ""))


def ratio(untraced, traced, size, engine):
    """By how many instructions the traced code grows when its size is doubled, over the same for the untraced code."""
    counts = [instructions(program(code, n), engine) for code in (untraced, traced) for n in (size, 2 * size)]
    return (counts[3] - counts[2]) / (counts[1] - counts[0])


def main():
    """Measure, compare, and tell; the exit code is 1 where a ratio is too high."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="store what is measured in guard.json")
    write = parser.parse_args().write
    engine = chosen.name
    key = f"{sys.version_info.major}.{sys.version_info.minor} {engine}"
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    if key not in stored and not write:
        sys.exit(f"guard: nothing is stored for {key}: store what is measured with --write")
    execute(program("import algorithms, shapes, tracefunc", 0), engine)  # they are compiled now
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {name: pool.submit(ratio, *details, engine) for name, *details in GUARDED}
        failed = []
        for name, job in jobs.items():
            allowed = stored.get(key, {}).get(name, 0.0) * SLACK
            line = f"{key}  {name:24} {job.result():8.2f}  allowed {allowed:8.2f}"
            print(line, flush=True)
            if job.result() > allowed:
                failed.append(line)
    if write:
        stored[key] = {name: round(job.result(), 3) for name, job in jobs.items()}
        STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    elif failed:
        sys.exit("guard: slower than what is stored:\n" + "\n".join(failed))


if __name__ == "__main__":
    main()
