"""Compare the tracer with the ground truth, and traced with untraced runs, on generated programs.

    python -m tests.fuzz SEED0 COUNT [--kind sync|async] [--syntax 3.14,3.15,tstring] [--disturb KIND] [--no-shrink]

prints disagreements, the first ones with a shrunk program, then a summary; the exit status is their number.
With --disturb something happens at a random moment of each run: see `disturbances`. TRACEFUNC_ENGINE names the engine.
"""

import argparse
import ast
import contextlib
import gc
import io
import random
import re
import signal
import sys
import threading
import time
import types
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

for folder in (Path(__file__).parent, Path(__file__).parent.parent / "src"):  # also as a script, or with -m
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import disturbances  # noqa: E402
from programs import Program, load, program, resolve  # noqa: E402

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+(?!\w)")
FREE_IDS = range(6)
NEWER_SYNTAX = tuple(
    s for s, since in (("3.14", (3, 14)), ("tstring", (3, 14)), ("3.15", (3, 15))) if sys.version_info >= since
)


class TooLong(BaseException):
    """A run took more than its time limit."""


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TooLong in the main thread after so many seconds; no limit elsewhere or without SIGALRM."""

    def ring(signum, frame):
        raise TooLong

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    began = time.monotonic()
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds)  # pytest-timeout's, say
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, max(0.01, outer - (time.monotonic() - began)))


@dataclass
class Seen:
    """What one run of a program did, as far as its user can tell."""

    outcome: str = ""
    log: list = field(default_factory=list)
    printed: str = ""
    unraisable: list = field(default_factory=list)
    ticks: int = 0
    by_tool: dict = field(default_factory=dict)  # what another tool saw
    traces: object = None

    def behaviour(self):
        """Equal for two runs that did the same."""
        text = [self.outcome, self.printed, *map(str, self.log), *self.unraisable]
        return [ADDRESS.sub("0x", line) for line in text]

    def but_for_names(self):
        """The same, but for what the ground truth's rewriting changes: cells for locals, and when objects die."""
        unbound = re.compile(r"UnboundLocalError|cannot access (local|free) variable '\w+'[^'\"]*")
        return [unbound.sub("NameError", line) for line in self.behaviour() if not line.startswith("('del'")]


def describe(exc):
    return f"{type(exc).__name__}: {exc.args!r}"


def release(exc):
    """Let go of what an exception keeps alive, which the untraced run let go when it had been handled."""
    while exc is not None:
        exc.__traceback__ = exc.__cause__ = None
        if isinstance(exc, AttributeError):
            exc.obj = None
        if isinstance(exc, BaseExceptionGroup):
            for one in exc.exceptions:
                release(one)
        exc.__context__, exc = None, exc.__context__


def run(prog, call, tracer=None, plan=None):
    """Run one call of a program in a fresh namespace, untraced or by `tracer(fn, *args, target_func=...)`."""
    disturbance = disturbances.made(plan)
    with contextlib.redirect_stdout(io.StringIO()):
        space = load(prog.source, prog.name, disturbance.change)
    seen = Seen(log=space["LOG"])
    fn, target = resolve(space, call.fn), resolve(space, call.target)
    args = [list(a) if isinstance(a, list) else a for a in call.args]
    hook, thread = sys.unraisablehook, threading.get_ident()

    def on_unraisable(raised):
        if threading.get_ident() == thread:
            seen.unraisable.append(describe(raised.exc_value))

    sys.unraisablehook = on_unraisable
    out = io.StringIO()
    gc.disable()  # what dies in a cycle dies whenever the collector likes
    try:
        with contextlib.redirect_stdout(out), disturbance.around(prog, call):
            try:
                if tracer is None:
                    fn(*args)
                    seen.outcome = "returned"
                else:
                    seen.traces = tracer(fn, *args, target_func=target)
                    seen.outcome = "returned"
                    if seen.traces.exc is not None:
                        seen.outcome = describe(seen.traces.exc)
                        release(seen.traces.exc)
            except BaseException as e:
                if isinstance(e, TooLong) or type(e).__name__ == "Unsupported":
                    raise
                seen.outcome = describe(e)
            seen.log.append("end")
    finally:
        gc.enable()
        seen.printed = out.getvalue()
        sys.unraisablehook = hook
    seen.log, seen.ticks, seen.by_tool = list(seen.log), disturbance.ticks, disturbance.seen()
    return seen, space


def codes_below(code):
    """A code object and all that are nested in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from codes_below(const)


def tools():
    """Who holds each tool id."""
    return [sys.monitoring.get_tool(i) for i in FREE_IDS]


def left_armed(code, before):
    """What a trace has left behind, in words: held ids, global events, local events on `code` or below."""
    monitoring, found = sys.monitoring, []
    if tools() != before:
        found.append(f"tool ids {before} became {tools()}")
    for i in FREE_IDS:
        if monitoring.get_tool(i) is not None:
            continue
        monitoring.use_tool_id(i, "probe")  # up to 3.13 freeing an id leaves its events live: look through it
        try:
            if monitoring.get_events(i):
                found.append(f"global events {monitoring.get_events(i)} of tool {i}")
            for c in codes_below(code):
                if monitoring.get_local_events(i, c):
                    found.append(f"local events {monitoring.get_local_events(i, c)} of tool {i} on {c.co_qualname}")
        finally:
            monitoring.free_tool_id(i)
    return found


def planned(prog, call, kind):
    """What is to happen beside a call: a plan of that kind, the same one for the same program."""
    if kind is None:
        return None
    ticks = run(prog, call)[0].ticks
    return disturbances.plan(random.Random(f"{prog.name} {call} {kind}"), kind, ticks)


def check(prog, call, tracefunc, truth=None, compare=None, seconds=20.0, disturb=None):
    """All that is wrong with tracing one call of one program, as a list of strings."""
    wrong = []
    with time_limit(seconds):
        plan = planned(prog, call, disturb)
        plain, _ = run(prog, call, plan=plan)
        before = tools()
        traced, space = run(prog, call, tracefunc, plan)
        if plain.by_tool != traced.by_tool:
            first = {
                k: (plain.by_tool[k], traced.by_tool[k])
                for k in {**plain.by_tool, **traced.by_tool}
                if plain.by_tool[k] != traced.by_tool[k]
            }
            wrong.append(f"another tool saw: untraced, traced {first!r:.300}")
        wrong += [f"left behind: {w}" for w in left_armed(space["MODULE_CODE"], before)]
        if plain.behaviour() != traced.behaviour():
            pairs = zip([*plain.behaviour(), "-"], [*traced.behaviour(), "-"], strict=False)
            first = next(((p, t) for p, t in pairs if p != t), ("-", "more"))
            wrong.append(f"behaviour: untraced {first[0]!r}, traced {first[1]!r}")
        if truth is not None:
            # The truth takes its samples by calls that another tool, signals and threads would change as well.
            true, _ = run(prog, call, truth, plan if disturb in ("exception", "repr") else None)
            pairs = zip(plain.but_for_names(), true.but_for_names(), strict=False)
            first = next(((p, t) for p, t in pairs if p != t), None)
            if first or len(plain.but_for_names()) != len(true.but_for_names()):
                wrong.append(f"the ground truth changes behaviour: untraced, truth {first!r:.300}")
            if traced.traces is None or true.traces is None:
                if traced.outcome != true.outcome:
                    wrong.append(f"outcome: traced {traced.outcome}, truth {true.outcome}")
            else:
                said = "said" if any("hits" in warning for warning in traced.traces.warnings) else "truth"
                wrong += [f"{said}: {w}" for w in compare(traced.traces, true.traces)]
    return wrong


# ---------------------------------------------------------------------------------------- shrinking
def lists_of(tree):
    """Every (node, field) that holds a list of statements."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody", "handlers", "cases", "items", "decorator_list"):
            if isinstance(getattr(node, name, None), list):
                yield node, name


def edits(tree):
    """Functions that change a tree into a smaller one; each returns whether it did anything."""
    for node, name in lists_of(tree):
        block = getattr(node, name)
        floor = 0 if name in ("orelse", "finalbody", "handlers", "decorator_list") else 1
        for size in (8, 4, 2, 1):
            for at in range(0, len(block), size):
                if len(block) - len(block[at : at + size]) >= floor:
                    yield node, name, block[:at] + block[at + size :]
        for at, stmt in enumerate(block):
            for inner in ("body", "orelse", "finalbody"):
                below = getattr(stmt, inner, None)
                if isinstance(below, list) and below and not isinstance(stmt, ast.Lambda):
                    yield node, name, block[:at] + below + block[at + 1 :]
            for part in (*getattr(stmt, "handlers", ()), *getattr(stmt, "cases", ())):
                yield node, name, block[:at] + part.body + block[at + 1 :]
            if name in ("body", "orelse", "finalbody") and not isinstance(stmt, ast.Pass):
                yield node, name, block[:at] + [ast.Pass()] + block[at + 1 :]
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                for child in ast.walk(value):
                    if child is not value and isinstance(child, ast.expr) and not isinstance(child, ast.Starred):
                        yield node, name, child
                if not isinstance(value, ast.Constant | ast.Name):
                    yield node, name, ast.Constant(1)
            elif isinstance(value, list) and name in (
                "args",
                "elts",
                "keywords",
                "values",
                "generators",
                "ifs",
                "targets",
            ):
                for at in range(len(value)):
                    yield node, name, value[:at] + value[at + 1 :]
                for at, one in enumerate(value):
                    if isinstance(one, ast.expr) and not isinstance(one, ast.Constant | ast.Name):
                        yield node, name, [*value[:at], ast.Constant(1), *value[at + 1 :]]
                        for child in ast.walk(one):
                            if child is not one and isinstance(child, ast.expr):
                                yield node, name, [*value[:at], child, *value[at + 1 :]]


def shrink(source, still_wrong, seconds=40.0):
    """A smaller source for which `still_wrong(source)` holds: parts of the tree, or lines, are deleted."""
    deadline = time.monotonic() + seconds

    def good(candidate):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(candidate, "<shrink>", "exec", dont_inherit=True)
            return still_wrong(candidate)
        except Exception:
            return False
        except TooLong:
            return False

    try:
        tree = ast.parse(source)
        best = ast.unparse(tree)
        by_tree = good(best)
    except (SyntaxError, RecursionError):
        by_tree = False
    if by_tree:
        start, changed = 0, False
        while time.monotonic() < deadline:
            for number, (node, name, value) in enumerate(edits(tree)):
                if number < start:
                    continue
                if time.monotonic() > deadline:
                    break
                old = getattr(node, name)
                setattr(node, name, value)
                try:
                    text = ast.unparse(ast.fix_missing_locations(tree))
                except Exception:
                    text = None
                if text is not None and len(text) < len(best) and good(text):
                    best, changed, start = (
                        text,
                        True,
                        number,
                    )  # go on from there: what failed before is tried later
                    tree = ast.parse(best)
                    break
                setattr(node, name, old)
            else:
                if not changed and not start:
                    break
                start, changed = 0, False
        return best + "\n"
    lines = source.splitlines(True)
    size = max(1, len(lines) // 2)
    while size and time.monotonic() < deadline:
        at, removed = 0, False
        while at < len(lines) and time.monotonic() < deadline:
            if good("".join(lines[:at] + lines[at + size :])):
                del lines[at : at + size]
                removed = True
            else:
                at += size
        if not removed or size > 1:
            size //= 2
    return "".join(lines)


# ------------------------------------------------------------------------------------------- driver
def tools_under_test():
    """tracefunc, truth, compare, Unsupported: imported late, so that `programs` can be used without them."""
    from groundtruth import Unsupported, compare, truth
    from tracefunc import tracefunc

    return tracefunc, truth, compare, Unsupported


def engine():
    """The engine and the interpreter under test, for a report."""
    from tracefunc._record import engine as _engine

    return f"engine {_engine.engine.name}, {sys.implementation.name} {sys.version.split()[0]}"


def kind_of(message):
    """A disagreement without its particulars, to shrink within one kind."""
    return re.sub(r"'.*|\d+|\".*", "", message)[:24]


@dataclass
class Report:
    programs: int = 0
    calls: int = 0
    skipped: Counter = field(default_factory=Counter)
    found: list = field(default_factory=list)  # (program, call, messages)


def survey(progs, report=None, deadline=None, on_found=None, disturb=None):
    """Check programs until they or the time are used up."""
    tracefunc, truth, compare, unsupported = tools_under_test()
    report = report or Report()
    for prog in progs:
        if deadline is not None and time.monotonic() > deadline:
            break
        report.programs += 1
        if report.programs % 50 == 0:
            gc.collect()
        for call in prog.calls:
            report.calls += 1
            try:
                wrong = check(prog, call, tracefunc, truth, compare, disturb=disturb)
            except unsupported as e:
                report.skipped[f"unsupported by the ground truth: {e}"[:100]] += 1
                wrong = check(prog, call, tracefunc, disturb=disturb)
            except TooLong:
                report.skipped["more than the time limit"] += 1
                continue
            if wrong and all(w.startswith("said") for w in wrong):
                report.skipped["the trace itself says that hits were lost"] += 1
            elif wrong:
                report.found.append((prog, call, wrong))
                if on_found:
                    on_found(prog, call, wrong)
    return report


def show(prog, call, wrong, shrinking=True, disturb=None):
    """Print one disagreement, shrunk."""
    tracefunc, truth, compare, _ = tools_under_test()
    source = prog.source
    key = kind_of(next((w for w in wrong if w.startswith("outcome")), wrong[0]))
    if shrinking:

        def still_wrong(text):
            found = check(Program(text, (call,), prog.name), call, tracefunc, truth, compare, 3, disturb)
            return any(kind_of(w) == key for w in found)

        source = shrink(source, still_wrong)
        wrong = check(Program(source, (call,), prog.name), call, tracefunc, truth, compare, disturb=disturb) or wrong
    print(f"\n=== {prog.name} {call} {planned(Program(source, (call,), prog.name), call, disturb) or ''}")
    print(source.rstrip())
    for w in wrong[:6]:
        print("  ->", w)
    sys.stdout.flush()


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("seed0", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--kind", default="sync", choices=("sync", "async"))
    parser.add_argument(
        "--syntax",
        default="",
        help="newer grammar too: 3.14,3.15,tstring, or `all` that there is here; or terse: suites on one line",
    )
    parser.add_argument("--size", type=int, default=22, help="statements in a target, about")
    parser.add_argument("--disturb", choices=disturbances.KINDS, help="what happens at a random moment of each run")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--show", type=int, default=5, help="print so many disagreements")
    parser.add_argument("--seconds", type=float, default=None, help="stop after so many seconds")
    args = parser.parse_args(argv)
    syntax = NEWER_SYNTAX if args.syntax == "all" else tuple(filter(None, args.syntax.split(",")))
    progs = (program(args.seed0 + n, args.kind, syntax, args.size) for n in range(args.count))
    shown = Counter()

    def on_found(prog, call, wrong):
        key = kind_of(wrong[0])
        shown[key] += 1
        if shown.total() <= args.show:
            show(prog, call, wrong, not args.no_shrink, args.disturb)

    sys.setrecursionlimit(5000)
    began = time.monotonic()
    report = survey(
        progs, deadline=began + args.seconds if args.seconds else None, on_found=on_found, disturb=args.disturb
    )
    took = time.monotonic() - began
    print(
        f"\n{report.programs} programs, {report.calls} calls, {len(report.found)} disagree, {took:.0f} s ({engine()})"
    )
    for reason, n in report.skipped.most_common(20):
        print(f"  not compared: {n} {reason}")
    if report.found:
        print("  seeds:", *(p.name.strip("<>").split()[-1] for p, _, _ in report.found[:40]))
    return min(len(report.found), 100)


if __name__ == "__main__":
    random.seed(0)
    sys.exit(main())
