"""What the drivers of real code share: choosing targets, comparing one case, counting."""

import contextlib
import functools
import gc
import importlib
import inspect
import io
import json
import os
import pkgutil
import sys
import tempfile
import time
import types
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
for folder in (TESTS, TESTS.parent / "src"):  # also as a script, or with -m
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from fuzz import ADDRESS, TooLong, engine, left_armed, time_limit, tools, tools_under_test  # noqa: E402
from groundtruth import differ  # noqa: E402
from groundtruth.facts import facts_of  # noqa: E402


@dataclass
class Case:
    """Something to run, `fn()`, whose calls of `target` are compared."""

    name: str
    target_name: str
    target: types.FunctionType
    make: object  # () -> fn: a fresh function for each run


@dataclass
class Summary:
    """Figures of a corpus; they add up."""

    functions: int = 0
    calls: int = 0
    lines: int = 0
    hits: int = 0
    cases: int = 0
    excluded: Counter = field(default_factory=Counter)
    excluded_names: list = field(default_factory=list)
    found: list = field(default_factory=list)  # one dict per disagreement
    seconds: float = 0.0

    def exclude(self, reason, name):
        self.excluded[reason] += 1
        self.excluded_names.append([reason, name])

    def add(self, other):
        for name in ("functions", "calls", "lines", "hits", "cases", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.excluded.update(other.excluded)
        self.excluded_names += other.excluded_names
        self.found += other.found

    def __str__(self):
        out = [
            f"{self.functions} functions, {self.cases} runs, {self.calls} calls, {self.lines} lines with {self.hits} hits: "
            f"{len(self.found)} disagree ({self.seconds:.0f} s)"
        ]
        out += [f"    not compared: {n} {reason}" for reason, n in self.excluded.most_common()]
        return "\n".join(out)

    def as_dict(self):
        return {**vars(self), "excluded": dict(self.excluded)}

    @classmethod
    def from_dict(cls, d):
        return cls(**{**d, "excluded": Counter(d["excluded"])})


@functools.cache
def scratch():
    """The folder in which doctests find what others have written before; gone when the process ends."""
    return tempfile.TemporaryDirectory()


@contextlib.contextmanager
def quiet():
    """Nothing printed, no warnings shown, unraisable exceptions ignored, files written into a folder of their own."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None
    here, argv = os.getcwd(), sys.argv
    out = io.StringIO()
    os.chdir(scratch().name)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield out
    finally:
        sys.unraisablehook, sys.argv = hook, argv
        os.chdir(here)


def normal(traces):
    """Traces as plain data with addresses masked."""
    plain = [[call[0], [[k, *v] for k, v in call[1].items()], str(facts_of(call))] for call in traces]
    return json.loads(ADDRESS.sub("0x", json.dumps(plain, default=str)))


def collected(run):
    """`run`, with garbage collected at its end and not before: what is in a cycle dies within each trace of it."""

    @functools.wraps(run)
    def run_and_collect():
        gc.disable()
        gc.freeze()  # what is there already is none of this run's, and would be looked at each time
        try:
            return run()
        finally:
            gc.collect()
            gc.unfreeze()
            gc.enable()

    return run_and_collect


def run_case(case, summary, seconds=20.0):
    """Trace a case by both, compare call by call, count, and file a disagreement or the reason of an exclusion."""
    tracefunc, truth, compare, unsupported = tools_under_test()
    summary.cases += 1
    label = f"{case.name} [{case.target_name}]"

    def once(tracer, shake=0):
        junk = [[[] for _ in range(7 * n)] for n in range(shake * 40)]  # other addresses, so other orders of sets
        junk.append([object() for _ in range(shake * 999)])
        del junk[::2]
        with quiet(), time_limit(seconds):
            return tracer(collected(case.make()), target_func=case.target)

    try:
        true = once(truth)
    except unsupported as e:
        return summary.exclude(f"the ground truth does not support: {e}"[:90], label)
    except TooLong:
        return summary.exclude("more than the time limit under the ground truth", label)
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        true = e
    before, code = tools(), case.target.__code__
    wrong = []
    try:
        traced = once(tracefunc)
    except TooLong:
        return summary.exclude("more than the time limit when traced", label)
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        traced = e
    wrong += [f"left behind: {w}" for w in left_armed(code, before)]
    if isinstance(true, BaseException) or isinstance(traced, BaseException):
        if type(true) is not type(traced) or str(true) != str(traced):
            wrong.append(f"outcome: traced {traced!r:.200}, truth {true!r:.200}")
    else:
        if type(true.exc) is not type(traced.exc):
            wrong.append(f"exception: traced {traced.exc!r:.100}, truth {true.exc!r:.100}")
        wrong += compare(traced, true)
        summary.calls += len(true)
        rows = [row for _, trace in traced for row in trace.values()]
        summary.lines += len(rows)
        summary.hits += sum(hits for hits, _ in rows)
    if wrong and not isinstance(true, BaseException):  # is it the case itself that differs from run to run?
        try:
            for shake in (1, 2, 3):
                again = once(truth, shake)
                if differ(again, true):
                    return summary.exclude("not deterministic: two runs of the ground truth differ", label)
                if not isinstance(traced, BaseException) and normal(once(tracefunc, shake)) != normal(traced):
                    return summary.exclude("not deterministic: two traced runs differ", label)
        except TooLong:
            return summary.exclude("more than the time limit under the ground truth", label)
        except Exception:
            pass
    if wrong:
        summary.found.append(
            {"case": case.name, "target": case.target_name, "where": where(case.target), "wrong": wrong[:8]}
        )
    return None


def where(function):
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


# ------------------------------------------------------------------------- choosing targets
def modules_below(name, skip=()):
    """A package's modules that can be imported, their names sorted; scripts and tests left out."""
    with quiet():
        try:
            top = importlib.import_module(name)
        except Exception:
            return
    yield top
    if not hasattr(top, "__path__"):
        return
    names = sorted(info.name for info in pkgutil.walk_packages(top.__path__, name + ".", onerror=lambda n: None))
    for one in names:
        parts = one.split(".")
        if any(p in ("tests", "test", "__main__", "conftest", "testing") or p.startswith("test_") for p in parts):
            continue
        if any(s in one for s in skip):
            continue
        with quiet():
            try:
                with time_limit(20):
                    module = importlib.import_module(one)
            except (Exception, SystemExit, TooLong):
                continue
        yield module


def bare(value):
    """The plain function behind a static or class method, property or wrapper; None if there is none."""
    for _ in range(10):
        if isinstance(value, types.FunctionType):
            inner = getattr(value, "__wrapped__", None)
            if inner is None:
                return value
            value = inner
        elif isinstance(value, staticmethod | classmethod | types.MethodType):
            value = value.__func__
        elif isinstance(value, property):
            value = value.fget
        elif hasattr(value, "__wrapped__") and not isinstance(value, type):
            value = value.__wrapped__
        elif hasattr(value, "func") and not isinstance(value, type):
            value = inspect.getattr_static(value, "func", None)
        else:
            return None
    return None


def functions_in(module):
    """Every function defined in a module or a class of it, wrapped or not: (qualified name, function)."""
    todo, seen = [(module.__name__, vars(module))], set()
    while todo:
        prefix, space = todo.pop()
        for name, value in list(space.items()):
            if isinstance(value, type):
                if value.__module__ == module.__name__ and id(value) not in seen:
                    seen.add(id(value))
                    todo.append((f"{prefix}.{name}", vars(value)))
                continue
            candidates = [value]
            if isinstance(value, property):
                candidates = [value.fget, value.fset, value.fdel]
            for one in candidates:
                f = bare(one)
                if f is not None and id(f.__code__) not in seen and f.__module__ == module.__name__:
                    seen.add(id(f.__code__))
                    yield f"{prefix}.{name}", f


def called_functions(fn, by_code, seconds):
    """Run `fn` once; the known functions that it called, in order of their first call, and the seconds it took."""
    called = {}

    def profile(frame, event, arg):
        if event == "call" and id(frame.f_code) in by_code:
            called[id(frame.f_code)] = called.get(id(frame.f_code), 0) + 1

    began = time.perf_counter()
    with quiet(), time_limit(seconds):
        sys.setprofile(profile)
        try:
            fn()
        except Exception:
            pass
        finally:
            sys.setprofile(None)
    return {c: n for c, n in called.items()}, time.perf_counter() - began


def has_source(function):
    """Whether it has source, as one def (generated code and lambdas are no targets here)."""
    if function.__name__ == "<lambda>":
        return False
    try:
        return inspect.getsource(function).lstrip().startswith(("def ", "@", "async def "))
    except (OSError, TypeError, SyntaxError, IndexError):
        return False


def report(summaries, path):
    """Print all summaries with their disagreements and write them to a JSON file."""
    whole = Summary()
    for name, s in summaries.items():
        print(f"{name}: {s}")
        for d in s.found:
            print(f"  {d['case']} [{d['target']}] {d['where']}")
            for w in d["wrong"][:3]:
                print(f"      {w}")
        whole.add(s)
    if len(summaries) > 1:
        print(f"ALL: {whole}")
    print(engine())
    if path:
        Path(path).write_text(json.dumps({n: s.as_dict() for n, s in summaries.items()}, indent=1, default=str))
    return whole
