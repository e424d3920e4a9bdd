"""One JSON of traces over a fixed corpus, to be equal byte by byte on every supported version.

    python -m tests.corpus.lockstep [--seeds N] [--async-seeds N] [--out FILE] [--against PYTHON ...] [--engines NAME ...]

The corpus is the generated programs of seeds 0 to N and the functions of `own.py`: not the standard library, whose
code differs from version to version. Addresses and the few messages that CPython itself changed are masked.
"""

import argparse
import ast
import contextlib
import functools
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
for folder in (TESTS, TESTS.parent / "src", TESTS / "corpus"):  # also as a script, or with -m
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from fuzz import ADDRESS, TooLong, run, time_limit  # noqa: E402
from programs import program  # noqa: E402

# Texts of CPython's own that changed between 3.12 and 3.15; a sample shows them cut at 50 characters.
MESSAGES = [
    (re.compile(r"""(ZeroDivisionError(?:\('|: ))[a-z ]*(?:'\)|\.\.\.)?"""), r"\1by zero"),
    (re.compile(r"""('list)(_iterator)?(' object has no )[^"]*"""), r"\1\3 ..."),  # 3.15: yield from a list
    (re.compile(r"""(<module '[\w.]+'|\["module", "<module '[\w.]+'?)[^"]*"""), r"\1>"),  # from where, or built in
    (re.compile(r"""(\["TypeAliasType", )"[^"]*"""), r'\1"'),  # 3.15: the qualified name
    (re.compile(r"(not enough values to unpack|too many values to unpack) \([^'\"]*"), r"\1 (..."),
]
# A frame's line in a multi-line call moved between versions; what counts here is what the target did.
LINE = re.compile(r":\d+\)")


def masked(text):
    text = ADDRESS.sub("0x", text)
    for pattern, by in MESSAGES:
        text = pattern.sub(by, text)
    return text


@functools.cache
def does_no_work(line):
    """Whether a line may be missing where the compiler emits nothing for it: versions differ there, rightly."""
    text = line.strip()
    if text == "try:":
        return True
    head = text.removeprefix("el")
    try:
        node = ast.parse(head + " pass" if head.startswith(("if", "while")) and head.endswith(":") else text).body[0]
    except (SyntaxError, IndexError):
        return False
    if isinstance(node, ast.Expr | ast.If | ast.While):
        test = not isinstance(node, ast.Expr)
        below = list(ast.walk(node.test if test else node.value))
        folds = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Tuple, ast.operator, ast.unaryop, ast.boolop)
        return (isinstance(below[0], ast.Name) and (not test or below[0].id == "__debug__")) or all(
            isinstance(n, (*folds, ast.expr_context)) for n in below
        )
    return isinstance(node, ast.Pass | ast.Break | ast.Continue | ast.Global | ast.Nonlocal) or (
        isinstance(node, ast.AnnAssign) and node.value is None
    )


def plain(traces):
    """Traces as lists, in their order, without lines that do no work."""
    return [
        [
            LINE.sub(":_)", stack),
            [[text, hits, sorted(names.items())] for text, (hits, names) in trace.items() if not does_no_work(text)],
        ]
        for stack, trace in traces
    ]


def records(seeds, async_seeds, first=0):
    """(name, what tracing gave) of the whole corpus."""
    from own import CALLS

    from tracefunc import tracefunc

    for name, fn, args, target in CALLS:
        for unhit in (False, True):
            with contextlib.redirect_stdout(io.StringIO()):
                traces = tracefunc(fn, *args, target_func=target, incl_unhit=unhit)
            yield f"own {name}{' unhit' * unhit}", [type(traces.exc).__name__, plain(traces)]
    for kind, count in (("sync", seeds), ("async", async_seeds)):
        for seed in range(first, first + count):
            prog = program(seed, kind)
            digest = hashlib.sha1(prog.source.encode()).hexdigest()
            for call in prog.calls:
                try:
                    with time_limit(20):
                        seen, _ = run(prog, call, tracefunc)
                except TooLong:
                    yield f"{prog.name} {call.fn}", [digest, "too long"]
                    continue
                traces = [] if seen.traces is None else plain(seen.traces)
                # Which of two objects dies first is the interpreter's affair; traced and untraced are compared elsewhere.
                behaviour = [text for text in seen.behaviour() if not text.startswith("('del'")]
                yield f"{prog.name} {call.fn}", [digest, behaviour, traces]


def document(seeds, async_seeds, first=0):
    """The JSON, one record a line."""
    rows = (json.dumps(row, ensure_ascii=False) for row in records(seeds, async_seeds, first))
    return "".join(masked(row) + "\n" for row in rows)


def document_of(python, seeds, async_seeds, first=0, engine=None):
    """The same, made by another interpreter, or with another engine than the environment names."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "traces.json")
        numbers = {"--seeds": seeds, "--async-seeds": async_seeds, "--first": first}
        command = [python, "-W", "ignore", str(Path(__file__)), "--out", str(out)]
        command += [str(part) for pair in numbers.items() for part in pair]
        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "VIRTUAL_ENV")}
        env |= {"PYTHONHASHSEED": "0"} | ({"TRACEFUNC_ENGINE": engine} if engine else {})
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        if done.returncode:
            raise RuntimeError(f"{python}: {done.stderr[-2000:]}")
        return out.read_text(encoding="utf-8")


SUSPENDS = re.compile(r"yield|await|async")


def only_closing_lost(full, other):
    """Whether `other` only lacks hits of lines at which a generator was closed or dropped."""
    if full[0] != other[0] or full[1][:-1] != other[1][:-1] or len(full[1][-1]) != len(other[1][-1]):
        return False
    for (stack, trace), (other_stack, other_trace) in zip(full[1][-1], other[1][-1], strict=True):
        rest = {line: (hits, names) for line, hits, names in other_trace}
        for line, hits, names in trace:
            got = rest.pop(line, (0, None))
            if got != (hits, names) and not (SUSPENDS.search(line) and got[0] < hits):
                return False
        if rest or stack != other_stack:
            return False
    return True


def differences(one, other, quiet_close=False):
    """The records that differ: (name, one's text, the other's), beginning shortly before the first difference.

    With `quiet_close` the other is a CPython (3.13.0 to 3.13.9) that says nothing when a generator is closed.
    """
    found = []
    for a, b in zip(one.splitlines(), other.splitlines(), strict=True):
        if a != b and not (quiet_close and only_closing_lost(json.loads(a), json.loads(b))):
            at = max(
                0, next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))) - 120
            )
            found.append((json.loads(a)[0], a[at : at + 300], b[at : at + 300]))
    return found


def closes_quietly(python):
    """Whether that interpreter says nothing when a suspended generator is closed or dropped (cpython#140373)."""
    code = "import sys; print((3, 13) <= sys.version_info < (3, 13, 10))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "True"


def interpreters():
    """The other interpreters to compare with, from the environment."""
    return [p for p in os.environ.get("TRACEFUNC_PYTHONS", "").split(os.pathsep) if p]


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.lockstep", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--async-seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the first seed of both kinds")
    parser.add_argument("--out", help="write the JSON there")
    parser.add_argument("--against", nargs="*", metavar="PYTHON", default=interpreters(), help="compare with these")
    parser.add_argument("--engines", nargs="+", metavar="NAME", default=[None], help="compare these, on each interpreter")
    args = parser.parse_args(argv)
    if args.out:
        Path(args.out).write_text(document(args.seeds, args.async_seeds, args.first), encoding="utf-8")
        return 0
    count = 0
    first, *others = [(python, engine) for python in (sys.executable, *args.against) for engine in args.engines]
    reference = document_of(first[0], args.seeds, args.async_seeds, args.first, first[1])
    print(
        f"{len(reference.splitlines())} records, {len(reference)} characters, sha1 {hashlib.sha1(reference.encode()).hexdigest()}"
    )
    for python, engine in others:
        there = document_of(python, args.seeds, args.async_seeds, args.first, engine)
        found = differences(reference, there, closes_quietly(python))
        count += len(found)
        print(f"{python}, engine {engine or 'as here'}: {len(found)} records differ")
        for name, a, b in found[:10]:
            print(f"  {name}\n    {sys.version.split()[0]}: {a}\n    there : {b}")
    return min(count, 100)


if __name__ == "__main__":
    sys.exit(main())
