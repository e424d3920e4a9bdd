#!/usr/bin/env python3
"""Change the core in small ways, one at a time, and see whether a test notices: mutation testing.

    python tools/mutants.py [--count N] [--seed N] [--floor PERCENT] [--tests FILE...] [MODULE...]

Mutants are made of a sample of places, in a copy of the checkout: statements are deleted, and operators, numbers and
conditions changed by cosmic-ray. Each meets a quick selection of the tests, run with the pure engine. Those that
no test kills are printed: some change nothing that can be seen, the others show what the tests do not look at.
"""

import argparse
import ast
import difflib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("src", "tracefunc")
MODULES = ["_values", "_plan", "_record", "core"]
# Not run by the tests of one interpreter: a mutant there always survives.
LEFT_OUT = {"_record/pure_free_threaded"}
# The quickest first, as one failure is enough; generated programs, which take the most time, last.
TESTS = [
    *("core/test_targets", "values/test_values", "plan/test_flow", "plan/test_offsets", "plan/test_annotations"),
    *("plan/test_comprehensions", "plan/test_lines_without_instruction", "plan/test_reading_source"),
    *("record/test_armed_events", "record/test_callbacks", "record/test_frames", "record/test_tool_ids"),
    *("core/test_errors", "record/test_stack", "compatibility/test_differences", "groundtruth/test_groundtruth"),
    *("record/test_leaks", "plan/test_mapping", "core/test_options", "core/test_tracer", "record/test_concurrency"),
    "test_programs",
]
PARTS = [
    "src",
    "tests",
    "benchmarks",
    "examples",
    "docs",
    "tools",
    "pyproject.toml",
    "setup.py",
    "README.md",
    "Makefile",
]
IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info", "results")
STATEMENTS = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Raise, ast.Delete, ast.Break, ast.Continue)


# --- mutations -------------------------------------------------------------------------------------------------------


class _Runtime(ast.NodeTransformer):
    """Takes away what has no effect when the module runs: annotations, and what is for type checkers only."""

    def visit_If(self, node):
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_Assign(self, node):
        return None if ast.unparse(node.targets[0]) == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_AnnAssign(self, node):
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)


def at_runtime(source):
    """What a module does, to be compared; None where the source cannot be compiled."""
    try:
        compile(source, "<mutant>", "exec", dont_inherit=True)
    except SyntaxError:
        return None
    return ast.dump(_Runtime().visit(ast.parse(source)))


def deletions(source):
    """Each simple statement that may be deleted: its place, and a function that gives the source without it."""
    lines = source.encode().splitlines(keepends=True)

    def without(node):
        before, after = lines[: node.lineno - 1], lines[node.end_lineno :]
        first, last = lines[node.lineno - 1][: node.col_offset], lines[node.end_lineno - 1][node.end_col_offset :]
        return b"".join([*before, first, b"pass", last, *after]).decode()

    for node in ast.walk(ast.parse(source)):
        documents = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        # Without its assignment a name is unbound, which any test notices.
        binds = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node, STATEMENTS) and not documents and not binds:
            yield (node.lineno, node.col_offset, "delete"), lambda node=node: without(node)


def replacements(source):
    """The same of what cosmic-ray's operators change."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments():  # needs to be told about single variables
            continue
        places = [place for node in nodes for place, _ in operator().mutation_positions(node)]
        for occurrence, (line, column) in enumerate(places):
            yield (line, column, "change"), lambda o=operator, n=occurrence: mutate_code(source, o(), n)


def mutants(sources, ways, choose):
    """(module, line, mutated source), in random order, one for each place: some can be changed in many ways."""
    places = {}
    for module, source in sources.items():
        for way in ways:
            for place, mutate in way(source):
                places.setdefault((module, *place), []).append(mutate)
    unchanged = {module: at_runtime(source) for module, source in sources.items()}
    for module, line, *rest in choose.sample(sorted(places), len(places)):
        mutated = choose.choice(places[module, line, *rest])()
        if at_runtime(mutated) not in (None, unchanged[module]):
            yield module, line, mutated


# --- trying them -----------------------------------------------------------------------------------------------------


def outcome(command, folder, seconds):
    """Whether the tests pass: "passed", "failed", or "hung" after so many seconds. Returned with what they printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACEFUNC_")}
    environment.update(PYTHONPATH=str(folder / "src"), PYTHONDONTWRITEBYTECODE="1", TRACEFUNC_ENGINE="pure")
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that what the tests have started ends with them
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return "hung", process.communicate()[0]
    return "failed" if process.returncode else "passed", said


def show(module, source, mutated):
    """The changed lines, with one around them."""
    lines = difflib.unified_diff(source.splitlines(), mutated.splitlines(), module, module, lineterm="", n=1)
    return "\n".join(f"    {line}" for line in list(lines)[2:])


def modules_in(names, package):
    """The modules that are named, without .py, and those in the folders that are named."""
    for name in names:
        if (package / name).is_dir():
            files = [file.relative_to(package).with_suffix("").as_posix() for file in (package / name).rglob("*.py")]
            yield from sorted({file for file in files if not file.endswith("/__init__")} - LEFT_OUT)
        else:
            yield name


def try_mutants(folder, modules, command, count, seed, ways):
    """Run the tests for so many mutants of the project in `folder`; return how many were killed, and the others."""
    files = {module: folder / PACKAGE / f"{module}.py" for module in modules}
    sources = {module: file.read_text(encoding="utf-8") for module, file in files.items()}
    began = time.monotonic()
    result, said = outcome(command, folder, 1800)
    if result != "passed":
        sys.exit(f"mutants: without a mutation the tests {result}:\n{said}")
    limit = 30 + 5 * (time.monotonic() - began)
    print(f"unchanged: passed in {time.monotonic() - began:.0f} s", flush=True)
    killed, survivors = 0, []
    for module, line, mutated in mutants(sources, ways, random.Random(seed)):
        if killed + len(survivors) == count:
            break
        files[module].write_text(mutated, encoding="utf-8")
        result, _ = outcome(command, folder, limit)
        files[module].write_text(sources[module], encoding="utf-8")
        changed = show(module, sources[module], mutated)
        if result == "passed":
            survivors.append((module, line, changed))
            print(f"{module}.py:{line} SURVIVED\n{changed}", flush=True)
        else:
            killed += 1
            print(f"{module}.py:{line} killed ({result})", flush=True)
    return killed, survivors


def main(argv=None):
    """Copy the checkout, try mutants there, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", default=MODULES, help="modules, without .py, or folders"
    )
    parser.add_argument("--count", type=int, default=100, help="how many mutants (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--floor", type=float, default=0, metavar="PERCENT", help="fail below this score")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="FILE", help="in tests/, without .py")
    arguments = parser.parse_args(argv)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not heavy", "-p", "no:cacheprovider"]
    command += [f"tests/{name}.py" for name in arguments.tests]
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            source, target = ROOT / part, Path(folder, part)
            shutil.copytree(source, target, ignore=IGNORED) if source.is_dir() else shutil.copy(source, target)
        ways = (deletions, replacements)
        modules = list(modules_in(arguments.modules, Path(folder) / PACKAGE))
        killed, survivors = try_mutants(Path(folder), modules, command, arguments.count, arguments.seed, ways)
    score = 100 * killed / max(1, killed + len(survivors))
    print(f"\n{killed} killed, {len(survivors)} survived: {score:.0f} % (seed {arguments.seed})")
    for module, line, changed in survivors:
        print(f"{module}.py:{line}\n{changed}")
    if score < arguments.floor:
        sys.exit(f"mutants: below {arguments.floor:g} %")


if __name__ == "__main__":
    main()
