"""Counts that are derived, or taken without looking, are those of looking at each event.

Once a line has its samples only its count is wanted: the recorder then measures some offsets and derives the rest from
the control flow. The reference is a recorder without that. `TRACEFUNC_EXAMPLES=N` takes N generated programs.
"""

import os
import random
import sys
import types
from typing import ClassVar

import pytest

import fuzz
import programs
from tracefunc import tracefunc
from tracefunc._interpreter import FREE_THREADED
from tracefunc._plan.derived_counts import DerivedCounts
from tracefunc._plan.target_plan import plan as plan_of
from tracefunc._record import call_log, pure_counting, pure_frames
from tracefunc._record import engine as _engine
from tracefunc._record import pure as _pure
from tracefunc._record.limit import Limit

EXAMPLES = int(os.environ.get("TRACEFUNC_EXAMPLES", "0"))
COUNT = EXAMPLES or 8
SECONDS = 60 + EXAMPLES * 0.5


class _Settings(_pure.Recorder):
    """A recorder that looks at each event, or derives nothing, or samples fewer hits."""

    counts = True
    derives = True
    samples = 10
    silenced = 0  # offsets, over all recorders

    def __init__(self, *args):
        super().__init__(*args[:4], Limit(self.samples, "first"))
        if not self.counts:
            self.counting.start = _never_count
        if not self.derives:
            for code_plan in self.plan.codes:
                code_plan.derived_counts.derived = set()


def _never_count(code_state, leaving=None):
    """In place of a method that has events counted only."""


@pytest.fixture
def recorder(monkeypatch):
    """Choose how the next traces record."""

    def choose(counts=True, derives=True, samples=10):
        kind = type("Chosen", (_Settings,), {"counts": counts, "derives": derives, "samples": samples})
        monkeypatch.setattr(_engine, "engine", _engine.Engine("pure", "a test", call_log.CallLog, kind, _pure.share))

        def count_only(counting, *place):
            before = len(counting.derived)
            really_count_only(counting, *place)
            kind.silenced += len(counting.derived) - before

        monkeypatch.setattr(pure_counting.Counting, "count_only", count_only)
        return kind

    really_count_only = pure_counting.Counting.count_only
    return choose


def counts_of(results):
    return [{line: count for line, (count, _) in trace.items()} for _, trace in results]


# --- loops written by hand ------------------------------------------------------------------------------------------------

LOOPS = """
def nested(n):
    total = 0
    for i in range(n):
        for j in range(i):
            total += j
            k = 0
            while k < j:
                k += 1
                if k % 3 == 0: continue
                total += k
    return total

def branchy(n):
    a = b = c = 0
    for i in range(n):
        if i % 2:
            if i % 3:
                a += 1
            elif i % 5:
                b += 1
            else:
                pass
        elif i % 7 == 0:
            c += 1
        else:
            a -= 1; b += 2
        d = a if i % 2 else b
        e = a and b or c
    return a, b, c

def leaves_by_break(n):
    for i in range(3):
        for j in range(n):
            if j == n - 2:
                break
            x = j
        else:
            x = -1
        y = i
    while True:
        n -= 1
        if n < 0: break
    else:
        y = 5
    return x

def leaves_by_continue(n):
    i = 0
    while i < n:
        i += 1
        if i % 2:
            continue
        if i % 3:
            x = i
            continue
        y = i
    return i

def leaves_by_return(n):
    for i in range(n):
        for j in range(n):
            x = i * j
            if x > n:
                return x
            y = x
    return None

def leaves_by_exception(n):
    for i in range(n):
        x = n - i - 5
        y = 1 / x; z = y
    return z

def leaves_by_exception_in_the_test(n):
    xs = list(range(n))
    i = 0
    while xs[i] < n:
        i += 1
        x = i
    return x

def leaves_by_exception_of_the_iterator(n):
    def numbers():
        for i in range(n):
            yield i
        raise KeyError(n)
    for i in numbers():
        x = i
    return x

def leaves_by_exception_in_a_branch(n):
    for i in range(n):
        if i % 2:
            x = i
        else:
            if i == n - 4:
                a = 1; b = a; raise ValueError(b); c = b
            x = -i
        y = x
    return y

def leaves_by_exception_of_a_call(n):
    for x in range(n):
        if x == n - 5:
            y = int("a")
        z = x
    return n

def leaves_by_exception_of_inner_calls(n, depth=14):
    for i in range(n):
        x = i
    if depth:
        leaves_by_exception_of_inner_calls(n, depth - 1)
    return y

def caught_in_a_loop(n):
    while n:
        try:
            for i in range(30):
                x = 1 // (2 - i)
            break
        except ZeroDivisionError:
            n -= 1
    return n

def caught(n):
    good = bad = 0
    for i in range(n):
        try:
            x = 1 // (i % 4)
            good += 1
        except ZeroDivisionError as e:
            bad += 1
            z = bad
        else:
            w = x
        finally:
            y = i
    return good, bad

def caught_outside(n):
    while n:
        try:
            for i in range(n):
                x = 1 // (20 - i)
                y = x
            break
        except ZeroDivisionError:
            n -= 1
        z = n
        if n < 15: break
    return n

def loop_in_try(n):
    try:
        for i in range(n):
            x = i
            if i == n - 1:
                raise KeyError
            y = x
    except LookupError:
        for j in range(n):
            z = j
    finally:
        for k in range(n):
            w = k
    return n

class Manager:
    def __enter__(self): return self
    def __exit__(self, *exc): return exc[0] is KeyError

def loop_in_with(n):
    with Manager() as m:
        for i in range(n):
            with Manager():
                x = i
                if i % 5 == 3: raise KeyError
                if i % 7 == 6: continue
                y = i
            z = i
    return n

def returns_in_with(n):
    for i in range(n):
        with Manager(), Manager():
            if i == n - 2:
                return i
            x = i
    return None

def returns_in_finally(n):
    for i in range(n):
        try:
            if i % 2: continue
            x = i
        finally:
            y = i
            if i == n - 3: return y
    return None

def comprehensions(n):
    total = 0
    for i in range(n):
        a = [x for x in range(i) if x % 2]
        b = {x: y for x in a for y in a if x < y < x + 8}
        c = sum(x for x in a)
        total += len(b) + c
    return total

def lambdas(n):
    key = lambda v: -v if v % 2 else v
    for i in range(n):
        x = sorted(range(i % 6), key=key)
        y = (lambda: i)()
    return x

def inner_functions(n):
    def add(a, b):
        c = a + b
        for k in range(3):
            c += k
        return c
    total = 0
    for i in range(n):
        total = add(total, i)
        if total % 2:
            total = add(total, 1)
    return total

def raising_inner(n):
    def risky(i):
        x = i
        if i % 3 == 1:
            raise KeyError(i)
        y = x
        return y
    bad = 0
    for i in range(n):
        try:
            risky(i)
        except KeyError:
            bad += 1
    return bad

def recursion(n, depth=3):
    total = 0
    for i in range(n):
        total += i
        if depth and i == n // 2:
            total += recursion(n, depth - 1)
        x = total
    return total

def deep(n, depth=14):
    for i in range(3):
        x = i
    if depth:
        deep(n, depth - 1)
    for i in range(n):
        y = i
    return y

def matches(n):
    for i in range(n):
        match i % 5, i:
            case (0, _):
                x = 0
            case (1, k) if k > 8:
                x = 1
            case (1 | 2, k):
                x = k
            case _:
                x = None
        y = x
    return y

def generator(n):
    def numbers():
        i = 0
        while i < n:
            got = yield i
            i += 1 if got is None else got
    total = 0
    g = numbers()
    for x in g:
        total += x
        if x % 9 == 8: g.send(2)
    return total

def asserts(n):
    for i in range(n):
        assert i < n, "never"
        assert i != n - 1, ("at", i)
    return n

def chained(n):
    i = 0
    while 0 <= i < n and (i or not i):
        i += 1; j = i if 3 < i <= 20 else -i
    return j

def walrus(n):
    i = 0
    while (k := i * 2) < n or (m := i) < n:
        i += 1
        if any((last := x) > 5 for x in (i, k)): y = last
    return k

def unpacks(n):
    pairs = [(i, (i, str(i))) for i in range(n)]
    for a, (b, *c) in pairs:
        d = a, b
        for c[0] in range(2):
            e = c
    return pairs[1, 2] if a else a

def endless(n):
    while True:
        n -= 1
        while 1:
            n -= 1
            if n % 3: break
        if n < 0:
            raise StopIteration
        x = n

def case_goes_on(n):
    while n:
        n -= 1
        match n:
            case 7: y = 1
            case _: continue

def returns_but_goes_on(n):
    for i in range(n):
        try:
            x = i; return
        finally:
            if i < n - 1: continue

def deletes(n):
    d = dict.fromkeys(range(n))
    while d:
        k, v = d.popitem()
        if k % 4 == 0:
            del v
        x = k
    del d[0]
"""

ARGUMENTS = (0, 1, 9, 11, 12, 37, 100)
NAMES = [line[4 : line.index("(")] for line in LOOPS.splitlines() if line.startswith("def ")]
TINY = ("caught_outside", "nested")  # cubic


@pytest.fixture
def loops(define):
    return define(LOOPS)


@pytest.mark.parametrize("name", NAMES)
def test_loops(recorder, loops, name):
    fn = loops[name]
    for n in ARGUMENTS[: -1 if name in TINY else None]:
        recorder(counts=False)
        reference = tracefunc(fn, n)
        for derives in (False, True):
            recorder(derives=derives)
            results = tracefunc(fn, n)
            assert counts_of(results) == counts_of(reference), (n, derives)
            assert type(results.exc) is type(reference.exc)


@pytest.mark.parametrize("name", NAMES)
def test_loops_with_few_samples(recorder, loops, name):
    """Counting begins after the first hits."""
    for samples in (1, 2, 3):
        recorder(counts=False, samples=samples)
        reference = [counts_of(tracefunc(loops[name], n)) for n in ARGUMENTS[:-1]]
        recorder(samples=samples)
        assert [counts_of(tracefunc(loops[name], n)) for n in ARGUMENTS[:-1]] == reference


@pytest.mark.parametrize("name", NAMES)
def test_several_calls(recorder, loops, name):
    """Each call looks at its own first hits again, whatever was silenced before."""

    def fn():
        for n in (40, 3, 40, 0, 25, 12):
            try:
                loops[name](n)
            except Exception:
                pass

    recorder(counts=False)
    reference = tracefunc(fn, target_func=loops[name])
    recorder()
    results = tracefunc(fn, target_func=loops[name])
    assert counts_of(results) == counts_of(reference)
    assert shown(results) == shown(reference)


def shown(results):
    """All but the addresses of the objects."""
    return [(stack, fuzz.ADDRESS.sub("0x", repr(trace))) for stack, trace in results]


@pytest.mark.parametrize("name", NAMES)
def test_samples_stay(recorder, loops, name):
    recorder(counts=False)
    reference = tracefunc(loops[name], 37)
    recorder()
    assert shown(tracefunc(loops[name], 37)) == shown(reference)


def test_restarted_events_change_no_count(recorder, define):
    """Another tool may bring silenced offsets back."""
    fn = define("""
        def target(n, restart):
            total = 0
            for i in range(n):
                if i % 3:
                    total += i
                else:
                    restart()
                try:
                    total += 1 // (i % 5)
                except ZeroDivisionError:
                    restart()
            return total
    """)["target"]
    recorder(counts=False)
    reference = tracefunc(fn, 90, lambda: None)
    recorder()
    assert counts_of(tracefunc(fn, 90, sys.monitoring.restart_events)) == counts_of(reference)


def test_offsets_are_silenced_at_all(recorder, loops):
    kind = recorder()
    for name in ("nested", "branchy", "chained"):
        kind.silenced = 0
        tracefunc(loops[name], 37)
        assert bool(kind.silenced) is not FREE_THREADED, name


def test_what_no_recorded_call_comes_to_is_silenced(recorder, define, monkeypatch):
    """The first call runs still when no other is recorded any more, and has only the end before it."""
    fn = define("""
        def target(n, depth=12):
            if depth:
                below = target(n, depth - 1)
            for i in range(n):
                n -= i
            return n
    """)["target"]
    recorder()
    unreachable = []
    disable_unreachable = pure_frames.Frames.disable_unreachable

    def noted(self, code_state, frame):
        disable_unreachable(self, code_state, frame)
        lines = {code_state.actions[offset].line for offset in code_state.unreachable}
        unreachable.append({line for index, line in enumerate(plan_of(fn).lines) if index in lines})

    monkeypatch.setattr(pure_frames.Frames, "disable_unreachable", noted)
    assert [trace["if depth:"][0] for _, trace in tracefunc(fn, 4)] == [1] * 10
    assert unreachable[0] == {"if depth:", "below = target(n, depth - 1)"}  # the starts of both


def test_a_wrong_derivation_would_be_noticed(recorder, loops, monkeypatch):
    recorder(counts=False)
    reference = counts_of(tracefunc(loops["branchy"], 37))
    recorder()
    monkeypatch.setattr(DerivedCounts, "fill", lambda self, counts, entered, unwound: None)
    assert (counts_of(tracefunc(loops["branchy"], 37)) == reference) is FREE_THREADED  # measured there


# --- the derivation alone ------------------------------------------------------------------------------------------------------


def test_derived_offsets_are_armed_ones(loops):
    """And at least one of a loop's has to be measured."""
    derived = measured = 0
    for name in NAMES:
        for code_plan in plan_of(loops[name]).codes:
            armed = {offset for offset, action in code_plan.actions.items() if not action.conditional}
            assert code_plan.derived_counts.derived <= armed
            derived += len(code_plan.derived_counts.derived)
            measured += len(armed - code_plan.derived_counts.derived)
    assert derived > len(NAMES) and measured > len(NAMES)


def test_where_there_is_a_choice_what_is_outside_of_loops_is_measured(define):
    """One event for each round of the inner loop is enough: its header's count follows from what enters it."""
    fn = define("""
        def target(n):
            while n:
                n -= 1
                if n % 7 == 0:
                    x = 1
                    for i in range(50):
                        z = 1
                y = 2
            return n
    """)["target"]
    plan = plan_of(fn)
    (code_plan,) = plan.codes
    armed = {offset for offset, action in code_plan.actions.items() if not action.conditional}
    measured = [plan.lines[code_plan.actions[offset].line] for offset in armed - code_plan.derived_counts.derived]
    assert len([line for line in measured if line in ("for i in range(50):", "z = 1")]) == 1


def test_straight_code_needs_no_count(define):
    fn = define("def target(x):\n    a = x\n    b = a\n    return b\n")["target"]
    (code_plan,) = plan_of(fn).codes
    assert code_plan.derived_counts.derived == set(code_plan.actions)
    counts = [0] * len(fn.__code__.co_code)
    code_plan.derived_counts.fill(counts, 7, {})
    assert {counts[offset] for offset in code_plan.actions} == {7}


class _Deriving(_pure.Recorder):
    """A recorder that measures each offset, and derives what can be derived from the others too."""

    wrong: ClassVar[list] = []
    derived = 0

    def __init__(self, *args):
        super().__init__(*args)
        self.counting.start = _never_count

    @classmethod
    def compare(cls, plan, call):
        for code_plan, counts, entered, left in zip(plan.codes, call.counts, call.entered, call.left, strict=True):
            if counts is not None:
                cls._compare(code_plan, counts, entered, left)

    @classmethod
    def _compare(cls, code_plan, counts, entered, left):
        deriving = code_plan.derived_counts
        filled = [0 if offset in deriving.derived else number for offset, number in enumerate(counts)]
        deriving.fill(filled, entered, left)
        cls.derived += sum(counts[offset] for offset in deriving.derived)
        if filled != counts:
            pairs = enumerate(zip(counts, filled, strict=True))
            wrong = [(offset, *pair) for offset, pair in pairs if pair[0] != pair[1]]
            cls.wrong.append((code_plan.code.co_qualname, wrong))


@pytest.fixture
def deriving(monkeypatch):
    kind = type("Chosen", (_Deriving,), {"wrong": []})

    def count_hits(plan, call, really=call_log.count_hits):
        kind.compare(plan, call)
        return really(plan, call)

    monkeypatch.setattr(call_log, "count_hits", count_hits)
    monkeypatch.setattr(_engine, "engine", _engine.Engine("pure", "a test", call_log.CallLog, kind, _pure.share))
    return kind


@pytest.mark.parametrize("name", NAMES)
def test_derived_counts_of_loops(deriving, loops, name):
    for n in ARGUMENTS[:-1]:
        tracefunc(loops[name], n)
        assert not deriving.wrong


def test_an_exception_before_the_first_point_of_what_has_a_handler(deriving, define):
    fn = define("""
        class Manager:
            def __init__(self, bad=0): self.bad = bad
            def __enter__(self):
                if self.bad: raise ValueError
            def __exit__(self, *exc): return True
        def target(xs):
            a = 1
            with Manager(), Manager(1):
                b = 1
            while 1:
                if not xs.pop(): return
                pass
    """)["target"]
    tracefunc(fn, [0] + [1] * 20)
    assert deriving.derived and not deriving.wrong


@pytest.mark.slow
@pytest.mark.timeout(120 + 3 * SECONDS)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_derived_counts_of_generated_programs(deriving, kind):
    for seed in range(COUNT * 2):
        program = programs.program(seed, kind)
        for call in program.calls:
            fuzz.run(program, call, tracefunc)
            assert not deriving.wrong, (seed, call)
    assert deriving.derived


# --- generated programs ----------------------------------------------------------------------------------------------------


KINDS = ("function", "generator", "coroutine")


def loop_program(rnd, of="function"):
    """A function, one of KINDS, of nested loops and branches with much that leaves them, as source text."""
    lines = ["async " * (of == "coroutine") + "def target(n, risk):", "    t = 0"]
    most = {"function": 12, "generator": 14, "coroutine": 15}[of]
    names = iter(range(1000))

    def block(depth, indent, inside):
        for _ in range(rnd.randrange(1, 4)):
            statement(depth, indent, inside)

    def put(indent, text):
        lines.append("    " * indent + text)

    def statement(depth, indent, inside):
        kind = rnd.randrange(most if depth else 4)
        name = f"v{next(names)}"
        if kind in (0, 1):
            put(indent, f"{name} = t; t += {rnd.randrange(3)}")
        elif kind == 2:
            put(indent, f"{name} = risk({rnd.choice((2, 3, 7, 19, 50))})")
        elif kind == 3:
            leave = ["return t", "raise KeyError(t)"] + ["break", "continue"] * 2 * inside
            put(indent, f"if t % {rnd.choice((5, 11, 17, 23))} == {rnd.randrange(4)}: {rnd.choice(leave)}")
        elif kind in (4, 5):
            put(indent, f"for {name} in range({rnd.choice(('n', '2', '3', 't % 4', 'risk(9) or 2'))}):")
            block(depth - 1, indent + 1, True)
            if rnd.randrange(3) == 0:
                put(indent, "else:")
                block(depth - 1, indent + 1, inside)
        elif kind == 6:
            put(indent, f"{name} = 0")
            put(indent, f"while {name} < {rnd.choice(('3', 'n', 't % 5'))} and risk(31) is not None:")
            put(indent + 1, f"{name} += 1")
            block(depth - 1, indent + 1, True)
        elif kind in (7, 8):
            put(indent, f"if t % {rnd.randrange(2, 5)}:")
            block(depth - 1, indent + 1, inside)
            if rnd.randrange(2):
                put(indent, rnd.choice(("else:", "elif risk(29):")))
                block(depth - 1, indent + 1, inside)
        elif kind == 9:
            put(indent, "try:")
            block(depth - 1, indent + 1, inside)
            if rnd.randrange(3):
                put(indent, rnd.choice(("except KeyError:", "except ValueError as e:", "except Exception:")))
                block(depth - 1, indent + 1, inside)
                if rnd.randrange(3) == 0:
                    put(indent, "else:")
                    block(depth - 1, indent + 1, inside)
            else:
                put(indent, "finally:")
                put(indent + 1, f"{name} = t; t += 1")
        elif kind == 10:
            put(indent, "with Manager():")
            block(depth - 1, indent + 1, inside)
        elif kind == 11:
            put(indent, f"{name} = [x + y for x in range(t % 6) if x % 2 == 0 for y in range(3) if risk(40) is not x]")
        elif of == "generator":
            put(indent, f"{name} = yield {rnd.choice(('t', 'risk(13)'))}" if kind == 12 else "yield from range(t % 4)")
        elif kind == 12:
            put(indent, f"{name} = await pause(risk(13))")
        else:
            put(indent, rnd.choice(("async for x in numbers(t % 4, risk):", "async with Manager():")))
            block(depth - 1, indent + 1, inside or lines[-1].strip().startswith("async for"))

    for _ in range(3):
        block(3, 1, False)
    put(1, "return" if of == "generator" else "return t")
    if of == "generator":
        put(1, "yield")
    return "\n".join(lines) + "\n"


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return exc[0] is KeyError

    @types.coroutine
    def __aenter__(self):
        yield 1

    async def __aexit__(self, *exc):
        return exc[0] is KeyError


@types.coroutine
def pause(value):
    yield value
    return value


async def numbers(n, risk):
    for i in range(n):
        await pause(risk(37))
        yield i


def drive(made, rnd):
    """Go through a generator or coroutine: mostly straight on, with exceptions thrown into it, and not always to the end."""
    patience = rnd.choice((10, 100, 2000))
    try:
        made.send(None)
        for _ in range(patience):
            if rnd.randrange(12):
                made.send(None)
            else:
                made.throw(rnd.choice((KeyError, ValueError(), StopIteration(1), TooMuch)))
    except StopIteration as end:
        return end.value
    if rnd.randrange(2):
        made.close()
    return None


NAMESPACE = {"Manager": Manager, "pause": pause, "numbers": numbers}


class TooMuch(Exception):
    pass


def make_risk():
    """A function that raises a ValueError on each so many-th call, and for good when there were too many."""
    calls = 0

    def risk(every):
        nonlocal calls
        calls += 1
        if calls > 600:
            raise TooMuch
        if calls % every == 0 and calls > 30:
            raise ValueError(every)
        return calls % 2

    return risk


@pytest.mark.slow
@pytest.mark.parametrize("of", ["generator", "coroutine"])
def test_derived_counts_of_generated_loops_that_are_suspended(deriving, define, of):
    for seed in range(COUNT * 4):
        target = define(loop_program(random.Random(seed), of), **NAMESPACE)["target"]

        def fn(target=target, seed=seed):
            return drive(target(14, make_risk()), random.Random(seed))

        tracefunc(fn, target_func=target)
        assert not deriving.wrong, seed
    assert deriving.derived


@pytest.mark.timeout(120 + 3 * SECONDS)
def test_generated_loops(recorder, define):
    for seed in range(COUNT):
        source = loop_program(random.Random(seed))
        source = source.replace("in range(", "in bounded(")

        steps = [0]

        def bounded(n, steps=steps):
            for i in range(n):
                steps[0] += 1
                if steps[0] > 3000:
                    raise TooMuch
                yield i

        fn = define(source, Manager=Manager, bounded=bounded)["target"]
        for n in (3, 14):
            answers = []
            for samples, counts in ((10, False), (10, True), (1, False), (1, True)):
                recorder(counts=counts, samples=samples)
                steps[0] = 0
                answers.append(counts_of(tracefunc(fn, n, make_risk())))
            assert answers[0] == answers[1], f"seed {seed}, n {n}\n{source}"
            assert answers[2] == answers[3] == answers[0], f"seed {seed}, n {n}, one sample\n{source}"


@pytest.mark.slow
@pytest.mark.timeout(120 + 3 * SECONDS)
def test_generated_programs(recorder):
    """All statement kinds, calls in calls, threads of control that leave in every way."""
    for seed in range(20_000, 20_000 + COUNT):
        prog = programs.program(seed)
        for call in prog.calls:
            answers = []
            for samples, counts in ((1, False), (1, True), (2, True), (10, True)):
                recorder(counts=counts, samples=samples)
                seen, _ = fuzz.run(prog, call, tracefunc)
                answers.append((seen.outcome, counts_of(seen.traces or [])))
            assert all(answer == answers[0] for answer in answers), f"{prog.name} {call}\n{prog.source}"
