"""The doctests of libraries from PyPI, traced by tracefunc and by the ground truth, call by call.

    python -m tests.corpus.doctests [LIB ...] [--json FILE] [--extra N] [--limit N] [--only REGEX] [--list] [--all]

Libraries that are not installed are named. Each doctest is one function that runs its examples in a fresh copy of
its namespace; the target is the documented function and, up to `--extra`, library functions that it calls and that
have been no target so far. A first, untraced run finds these and warms the caches.
"""

import argparse
import doctest
import importlib.util
import inspect
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # also as a script, or with -m

from common import (  # noqa: E402
    Case,
    Summary,
    TooLong,
    bare,
    called_functions,
    functions_in,
    has_source,
    modules_below,
    report,
    run_case,
)

# Import name -> parts of module names to leave out, each with the reason.
LIBRARIES = {
    "anytree": (),
    "babel": ("babel.messages.frontend",),  # a setuptools command
    "bidict": (),
    "boltons": (),
    "construct": (),
    "deepdiff": (),
    "glom": (),
    "humanize": (),
    "hyperlink": (),
    "inflect": (),
    "intervaltree": (),
    "jinja2": (),
    "lark": (),
    "more_itertools": (),
    "mpmath": ("mpmath.libmp.exec_py3",),
    "multipledispatch": (),
    "natsort": (),
    "networkx": ("drawing", "generators.atlas", "networkx.readwrite.gexf"),  # matplotlib; 1253 graphs; slow
    "num2words": (),
    "packaging": (),
    "parse": (),
    "passlib": (),
    "pydash": (),
    "pyparsing": ("diagram",),  # needs railroad-diagrams
    "pyrsistent": (),
    "semver": (),
    "simpleeval": (),
    "sortedcontainers": (),
    "sympy": (
        "plotting", "sympy.parsing", "benchmarks", "sympy.external", "interactive", "physics", "galgebra", "sympy.utilities",
        "sympy.solvers", "sympy.integrals", "sympy.stats", "sympy.holonomic", "sympy.liealgebras", "sympy.diffgeom",
    ),  # a subset: the rest is slow, needs other programs or is alike
    "toolz": (),
    "uncertainties": (),
    "voluptuous": (),
    "wcwidth": (),
    "werkzeug": (),
}  # fmt: skip
SHORT = ("more_itertools", "toolz", "sortedcontainers", "boltons", "natsort", "humanize", "pyrsistent")


def runner(test):
    """() -> a fresh function that executes a doctest's examples, going on after exceptions."""

    def make():
        space = dict(test.globs)
        space.setdefault("__name__", "__main__")
        flags = doctest._extract_future_flags(space)

        def doctest_function():
            for n, example in enumerate(test.examples):
                if example.options.get(doctest.SKIP):
                    continue
                try:
                    exec(compile(example.source, f"<doctest {test.name}[{n}]>", "single", flags, True), space)
                except Exception:
                    pass

        return doctest_function

    return make


def find(dotted, module):
    """The object that a doctest documents."""
    value = module
    for part in dotted.removeprefix(module.__name__).strip(".").split("."):
        if not part:
            return None
        try:
            value = inspect.getattr_static(value, part)
        except AttributeError:
            return None
    return value


def examine(library, extra=3, limit=None, slow=3.0, only=""):
    """Compare all doctests of one library."""
    summary, began = Summary(), time.monotonic()
    modules = list(modules_below(library, LIBRARIES.get(library, ())))
    by_code, used = {}, set()
    for module in modules:
        for name, f in functions_in(module):
            by_code.setdefault(id(f.__code__), (name, f))
    finder = doctest.DocTestFinder(exclude_empty=True)
    known = set()
    for module in modules:
        try:
            tests = sorted(finder.find(module, module.__name__), key=lambda t: t.name)
        except Exception:
            continue
        for test in tests:
            if limit is not None and summary.cases >= limit:
                summary.seconds = time.monotonic() - began
                summary.functions = len(used)
                return summary
            if not test.examples or test.name in known:
                continue
            known.add(test.name)
            make = runner(test)
            try:
                for _ in range(2):
                    called, took = called_functions(make(), by_code, slow)
            except (TooLong, SystemExit) as e:
                summary.exclude(
                    f"a doctest that takes more than {slow} s" if isinstance(e, TooLong) else "exits", test.name
                )
                continue
            documented = bare(find(test.name, module))
            targets = []
            if documented is not None and id(documented.__code__) in called:
                targets.append((test.name, documented))
            others = [c for c in called if c not in used and (not targets or c != id(documented.__code__))]
            targets += [by_code[c] for c in others[:extra]] if took < slow / 4 else []
            targets = [t for t in targets if re.search(only, t[0])]
            if not targets and not only:
                summary.exclude("a doctest that calls no function of the library which was no target yet", test.name)
            for name, f in targets:
                if not has_source(f):
                    summary.exclude("a target without source of its own", name)
                    used.add(id(f.__code__))
                    continue
                used.add(id(f.__code__))
                run_case(Case(test.name, name, f, make), summary)
    summary.functions = len(used)
    summary.seconds = time.monotonic() - began
    return summary


def installed(libraries):
    return [name for name in libraries if importlib.util.find_spec(name)]


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.doctests", description=__doc__.partition("\n")[0])
    parser.add_argument("libraries", nargs="*", metavar="LIB")
    parser.add_argument("--json", help="write figures and disagreements to this file")
    parser.add_argument("--extra", type=int, default=3, help="further targets per doctest (default 3)")
    parser.add_argument("--limit", type=int, help="stop a library after so many runs")
    parser.add_argument("--only", default="", metavar="REGEX", help="only targets with such names")
    parser.add_argument("--list", action="store_true", help="only name the libraries")
    parser.add_argument("--all", action="store_true", help="fail if a library is not installed")
    args = parser.parse_args(argv)
    libraries = args.libraries or list(LIBRARIES)
    missing = [name for name in libraries if name not in installed(libraries)]
    if missing:
        print("not installed (see tests/corpus/requirements.txt):", *missing)
        if args.all:
            return 100
    if args.list:
        print(*installed(libraries))
        return 0
    libraries = installed(libraries)
    if len(libraries) == 1:
        summaries = {libraries[0]: examine(libraries[0], args.extra, args.limit, only=args.only)}
        return min(100, len(report(summaries, args.json).found))
    summaries = {}
    for name in libraries:  # a process each: a library's state, or crash, stays its own
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            command = [
                sys.executable,
                *("-X", "faulthandler"),
                "-m",
                "tests.corpus.doctests",
                name,
                "--json",
                file.name,
                "--extra",
                str(args.extra),
            ]
            if args.limit:
                command += ["--limit", str(args.limit)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            try:
                summaries[name] = Summary.from_dict(json.loads(Path(file.name).read_text())[name])
                print(f"{name}: {summaries[name]}", flush=True)
            except (ValueError, KeyError):
                summaries[name] = Summary()
                summaries[name].found.append(
                    {"case": name, "target": "", "where": "", "wrong": [f"crash, exit code {done.returncode}: {done.stderr[-600:]}"]}
                )
    print()
    return min(100, len(report(summaries, args.json).found))


if __name__ == "__main__":
    sys.exit(main())
