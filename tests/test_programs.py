"""Generated programs: tracing agrees with the ground truth, changes nothing, and leaves nothing armed.

`TRACEFUNC_EXAMPLES=N` takes N programs of each kind instead of a short run.
"""

import os
import random
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings

import disturbances
import fuzz
import groundtruth
import programs
from programs import Call, Program
from tracefunc import tracefunc

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("young_heap")]

EXAMPLES = int(os.environ.get("TRACEFUNC_EXAMPLES", "0"))
COUNT = EXAMPLES or 6
# A short run stops there at the latest; a long one has a minute for 50 programs.
SECONDS = 60 + EXAMPLES * 1.2  # for a slow machine: the number of programs is what ends a test

NEWER = fuzz.NEWER_SYNTAX

quick = settings(
    max_examples=EXAMPLES or 10,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def describe(found):
    prog, call, wrong = found
    return f"{prog.name} {call}\n" + "\n".join(wrong[:4]) + f"\n{prog.source}"


def agree(progs, disturb=None):
    report = fuzz.survey(progs, deadline=time.monotonic() + SECONDS, disturb=disturb)
    assert not report.found, f"{len(report.found)} disagree, the first:\n" + describe(report.found[0])
    assert report.programs
    unsupported = sum(report.skipped.values())
    assert unsupported <= 3 + report.calls / 8, report.skipped


@pytest.mark.slow
@pytest.mark.timeout(120 + 3 * SECONDS)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_seeded_programs(kind):
    first = 0 if EXAMPLES else 10_000
    agree(programs.program(first + n, kind) for n in range(COUNT))


@pytest.mark.timeout(120 + 3 * SECONDS)
@pytest.mark.skipif(not NEWER, reason="no syntax newer than 3.13")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_newer_syntax(kind):
    agree(programs.program(n, kind, NEWER) for n in range(COUNT // 2))


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(120 + 3 * SECONDS)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_suites_on_one_line(kind):
    """Many lines without an instruction of their own: constant tests and returns, statements without work."""
    agree(programs.program(n, kind, ("terse",)) for n in range(COUNT))


@pytest.mark.slow
@pytest.mark.timeout(120 + 3 * SECONDS)
@pytest.mark.parametrize("disturb", disturbances.KINDS)
def test_disturbed_programs(disturb):
    """Another tool, an exception, signals or a thread at a random moment; a `repr` that misbehaves."""
    agree((programs.program(n, ("sync", "async")[n % 2]) for n in range(COUNT // 2)), disturb)


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(120 + 3 * SECONDS)
@given(programs.programs())
@quick
def test_drawn_programs(prog):
    for call in prog.calls:
        try:
            wrong = fuzz.check(prog, call, tracefunc, groundtruth.truth, groundtruth.compare)
        except groundtruth.Unsupported:
            wrong = fuzz.check(prog, call, tracefunc)
        assert wrong == []


@pytest.mark.slow
def test_a_seed_gives_one_program():
    for kind in ("sync", "async"):
        for seed in range(30):
            one, other = programs.program(seed, kind), programs.program(seed, kind)
            assert one == other
            programs.load(one.source, one.name)
    # The same text on every interpreter: versions are compared on these programs.
    text = "".join(programs.program(seed, kind).source for kind in ("sync", "async") for seed in range(40))
    assert text.isprintable() is False
    assert len(text.splitlines()) > 1500


@pytest.mark.once
@pytest.mark.slow
def test_every_statement_is_generated():
    import ast

    seen = set()
    for kind in ("sync", "async"):
        for seed in range(150):
            seen |= {type(node).__name__ for node in ast.walk(ast.parse(programs.program(seed, kind).source))}
    wanted = {
        c.__name__
        for base in (ast.stmt, ast.pattern, ast.ExceptHandler, ast.match_case, ast.expr)
        for c in (*base.__subclasses__(), base)
    }
    deprecated = {
        "Num",
        "Str",
        "Bytes",
        "NameConstant",
        "Ellipsis",
        "TemplateStr",
        "Interpolation",
        "stmt",
        "expr",
        "pattern",
    }
    assert wanted - seen - deprecated == set()


# -- the checks themselves must be able to fail
class Nothing(list):
    exc = None


LEAKY = "kept = []\ndef target(x):\n    o = Obj(x)\n    return x\ndef main(xs):\n    out = target(1)\n    note('result', repr(out))\n"
CALL = Call("main", ([1],), "target")


def test_a_kept_object_is_noticed():
    kept = []

    def keeping(fn, *args, target_func=None):
        def profile(frame, event, arg):
            if event == "return" and frame.f_code is target_func.__code__:
                kept.append(frame.f_locals["o"])

        sys.setprofile(profile)
        try:
            fn(*args)
        finally:
            sys.setprofile(None)
        return Nothing()

    wrong = fuzz.check(Program(LEAKY, (CALL,)), CALL, keeping)
    assert wrong and wrong[0].startswith("behaviour")


def test_a_held_tool_id_and_an_armed_code_are_noticed():
    events = sys.monitoring.events
    free = next(i for i in (4, 3) if sys.monitoring.get_tool(i) is None)

    def f():
        pass

    before = fuzz.tools()
    sys.monitoring.use_tool_id(free, "test")
    try:
        assert any("tool ids" in w for w in fuzz.left_armed(f.__code__, before))
        sys.monitoring.set_local_events(free, f.__code__, events.INSTRUCTION)
        sys.monitoring.free_tool_id(free)
        found = fuzz.left_armed(f.__code__, before)
        if sys.version_info < (3, 14):  # where freeing an id left its events live
            assert any("local events" in w for w in found)
    finally:
        if sys.monitoring.get_tool(free) is None:
            sys.monitoring.use_tool_id(free, "test")
        sys.monitoring.set_local_events(free, f.__code__, 0)
        sys.monitoring.free_tool_id(free)


@pytest.mark.slow
def test_a_wrong_trace_is_noticed():
    source = "def target(x):\n    y = x\n    return y\ndef main(xs):\n    for x in xs: target(x)\n"
    call = Call("main", ([1, 2],), "target")

    def off_by_one(fn, *args, target_func=None):
        traces = tracefunc(fn, *args, target_func=target_func)
        stack, trace = traces[1]
        line, (hits, names) = next(iter(trace.items()))
        trace[line] = (hits + 1, names)
        return traces

    prog = Program(source, (call,))
    assert fuzz.check(prog, call, tracefunc, groundtruth.truth, groundtruth.compare) == []
    assert fuzz.check(prog, call, off_by_one, groundtruth.truth, groundtruth.compare) != []


def test_the_shrinker_keeps_what_matters():
    rnd = random.Random(3)
    source = programs.write(rnd).source + "\ndef needle(x):\n    if x:\n        return [x, 'needle']\n    return 0\n"
    small = fuzz.shrink(source, lambda text: "'needle'" in text, seconds=5)
    assert "'needle'" in small
    assert len(small) < 200
