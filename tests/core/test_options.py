"""Each option against its plain definition: what it leaves of a trace without limits, on generated programs."""

import functools
import os
import re
import time
import warnings
from random import Random

import pytest

import fuzz
import groundtruth
import programs
from groundtruth import runtime
from tracefunc import Tracer
from tracefunc._plan.target_plan import plan
from tracefunc._plan.when import Condition

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("young_heap")]

EXAMPLES = int(os.environ.get("TRACEFUNC_EXAMPLES", "0")) or 5
SECONDS = 60 + EXAMPLES * 2
NO_LIMIT = {"max_calls": None, "max_samples": None}


def tracing(**options):
    """A function like `tracefunc` that traces with options; its stacks are those of a named target."""

    def trace(fn, *args, target_func=None):
        tracer = Tracer(*([] if target_func is None else [target_func]), **options)
        return tracer.run(fn, *args)

    return trace


def plain(results):
    """Traces as data, without addresses."""
    masked = [
        (
            stack,
            {
                text: (hits, {n: [tuple(s) for s in found] for n, found in names.items()})
                for text, (hits, names) in trace.items()
            },
        )
        for stack, trace in results
    ]
    return [(stack, eval(fuzz.ADDRESS.sub("0x", repr(trace)))) for stack, trace in masked]


def surviving(items, limit, keep):
    """The plain definition of a limit."""
    items = list(items)
    if limit is None or len(items) <= limit:
        return items
    if keep == "first":
        return items[:limit]
    if keep == "last":
        return items[len(items) - limit :]
    first = (limit + 1) // 2
    return items[:first] + items[len(items) - (limit - first) :]


def limited(results, max_calls, max_samples, keep):
    """What limits leave of a trace without any."""
    return [
        (
            stack,
            {
                text: (hits, {n: surviving(s, max_samples, keep) for n, s in names.items()})
                for text, (hits, names) in trace.items()
            },
        )
        for stack, trace in surviving(results, max_calls, keep)
    ]


def without_hidden_exceptions(traces, wanted):
    """Traces with the texts of exceptions that may tell of what is hidden as they would be without."""
    for (_, trace), (_, other) in zip(traces, wanted, strict=True):
        for text, (_, names) in trace.items():
            for name, samples in names.items():
                known = other.get(text, (0, {}))[1].get(name, [])
                for k, (one, two) in enumerate(zip(samples, known)):
                    if one[0] == two[0] and "(<redacted>)" in one[1]:
                        assert re.search(r"\w+(Error|Exception|Group|Interrupt)\(", two[1]), two
                        samples[k] = two
    return traces


def deterministic(test):
    """Try up to three times: the order of some programs' sets is that of addresses, and differs from run to run."""

    @functools.wraps(test)
    def tried(*args, **kwargs):
        for _ in range(2):
            try:
                return test(*args, **kwargs)
            except AssertionError:
                without_limits.cache_clear()
        return test(*args, **kwargs)

    return tried


def generated(kind="sync"):
    deadline = time.monotonic() + SECONDS
    for seed in range(EXAMPLES):
        if time.monotonic() > deadline:
            return
        program = programs.program(20_000 + seed, kind)
        for call in program.calls:
            yield program, call


def traced(program, call, **options):
    seen, _ = fuzz.run(program, call, tracing(**options))
    return seen


@functools.cache
def without_limits(engine):
    """What there is for limits to leave something of: (program, call, outcome, traces or None), with an engine."""
    wholes = [(program, call, traced(program, call, **NO_LIMIT)) for program, call in generated()]
    return [(*which, seen.outcome, None if seen.traces is None else plain(seen.traces)) for *which, seen in wholes]


@pytest.mark.slow
@pytest.mark.timeout(120 + 4 * SECONDS)
@pytest.mark.parametrize("kind", ["sync", "async"])
@deterministic
def test_without_limits_all_is_recorded(kind, monkeypatch):
    monkeypatch.setattr(runtime, "MAX_CALLS", 10**9)
    monkeypatch.setattr(runtime, "MAX_SAMPLES", 10**9)
    compared = 0
    for program, call in generated(kind):
        try:
            truth, _ = fuzz.run(program, call, groundtruth.truth)
        except groundtruth.Unsupported:
            continue
        seen = traced(program, call, **NO_LIMIT)
        if seen.traces is None or truth.traces is None:
            assert seen.outcome == truth.outcome
            continue
        assert not groundtruth.compare(seen.traces, truth.traces), program.source
        compared += len(seen.traces)
    assert compared > EXAMPLES


@pytest.mark.slow
@pytest.mark.timeout(120 + 4 * SECONDS)
@pytest.mark.parametrize("max_calls, max_samples", [(0, 1), (1, 0), (2, 3), (5, 4), (None, 2), (3, None), (13, 12)])
@pytest.mark.parametrize("keep", ["first", "last", "ends"])
@deterministic
def test_limits(engine, keep, max_calls, max_samples):
    compared = 0
    for program, call, outcome, whole in without_limits(engine.name):
        some = traced(program, call, max_calls=max_calls, max_samples=max_samples, keep=keep)
        assert some.outcome == outcome
        if whole is not None:
            assert plain(some.traces) == limited(whole, max_calls, max_samples, keep), program.source
            compared += len(whole)
    assert compared > EXAMPLES


@pytest.mark.slow
@pytest.mark.timeout(120 + 4 * SECONDS)
@pytest.mark.parametrize("redact", [("x", "*s"), "[a-c]"])
@deterministic
def test_redacted_names(redact):
    from fnmatch import fnmatchcase

    patterns = (redact,) if isinstance(redact, str) else redact

    def hidden(name):
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    compared = 0
    for program, call in generated():
        whole, some = traced(program, call), traced(program, call, redact=redact)
        assert some.outcome == whole.outcome
        if whole.traces is None:
            continue
        wanted = [
            (
                stack,
                {
                    text: (
                        hits,
                        {n: [("redacted", "<redacted>")] * len(s) if hidden(n) else s for n, s in names.items()},
                    )
                    for text, (hits, names) in trace.items()
                },
            )
            for stack, trace in plain(whole.traces)
        ]
        assert without_hidden_exceptions(plain(some.traces), wanted) == wanted
        for one, other in zip(some.traces, whole.traces, strict=True):
            assert {n for n, s in one.arguments.items() if s == ("redacted", "<redacted>")} == {
                n for n in other.arguments if hidden(n)
            }
            compared += 1
    assert compared > EXAMPLES


@pytest.mark.timeout(120 + 4 * SECONDS)
@deterministic
def test_described_values():
    def shout(value):
        return repr(value)[:70].upper()

    for program, call in generated():
        whole, some = traced(program, call, max_repr=70), traced(program, call, describe=shout, max_repr=70)
        if whole.traces is None:
            continue
        for (_, one), (_, other) in zip(plain(some.traces), plain(whole.traces), strict=True):
            for text, (hits, names) in one.items():
                assert hits == other[text][0]
                for name, samples in names.items():
                    for (kind, shown), (_, full) in zip(samples, other[text][1][name], strict=True):
                        if (
                            kind != "NameError"
                            and "repr-error" not in shown + full
                            and "0X" not in shown
                            and len(full) < 70
                        ):
                            assert shown == full.upper()


@pytest.mark.parametrize("max_repr", [4, 7, 50, 51, 200, None])
def test_text_length(max_repr):
    values = ["x" * 300, list(range(200)), {i: [i] * 3 for i in range(50)}, 10**120, b"b" * 90, {1, 2}, (1,), "", 5.5]

    def target(value):
        return value

    for value in values:
        [call] = Tracer(max_repr=max_repr).run(target, value)
        text = repr(value)
        cut = text if max_repr is None or len(text) <= max_repr else text[: max_repr - 3] + "..."
        assert call.arguments["value"] == call.returned == (type(value).__name__, cut)


# --- when ---------------------------------------------------------------------------------------------------------------


def leaf(n, *rest, key=0, **more):
    doubled = n * 2
    if n == 3:
        raise KeyError(n)
    return doubled


def calls_leaf(count):
    for n in range(count):
        try:
            leaf(n, n, key=n % 3, other=1)
        except KeyError:
            pass


THRESHOLD = 7


@pytest.mark.parametrize(
    "when, wanted",
    [
        (lambda n, **_: n > 5, lambda n: n > 5),
        (lambda key: key == 1, lambda n: n % 3 == 1),
        (lambda *, n, key: n == key, lambda n: n == n % 3),
        (lambda rest, more: rest[0] < 2 and more == {"other": 1}, lambda n: n < 2),
        ("n > 5", lambda n: n > 5),
        ("n in rest and key", lambda n: n % 3 != 0),
        ("n > THRESHOLD", lambda n: n > THRESHOLD),  # a global of the target's module
        ("any(n == i for i in (2, 3))", lambda n: n in (2, 3)),
        (lambda **arguments: arguments == {"n": 4, "rest": (4,), "key": 1, "more": {"other": 1}}, lambda n: n == 4),
        (lambda *values: bool(values), lambda n: False),  # takes no argument by name: false for each
    ],
)
def test_when(when, wanted):
    results = Tracer(leaf, when=when, max_calls=None).run(calls_leaf, 300)
    assert [call.arguments["n"][1] for call in results] == [str(n) for n in range(300) if wanted(n)]
    assert results.calls == 300
    assert results.warnings == []
    assert all(call.trace["doubled = n * 2"][0] == 1 for call in results)


class Expressions:
    """Random expressions over `n`, a number, `s`, a text, and `xs`, a list; a part of them raise something."""

    def __init__(self, random):
        self.random = random

    def of(self, depth):
        r = self.random
        if not depth or r.random() < 0.2:
            return r.choice(
                ("n", "s", "xs", "xs[0]", "len(xs)", "THRESHOLD", "limit", "2", "-3", "0.5", "'b'", "None", "()")
            )
        one, other, third = (self.of(depth - 1) for _ in range(3))
        comparison = r.choice(("<", "<=", "==", "!=", ">", ">=", "is", "is not", "in", "not in"))
        return r.choice(
            (
                f"({one} {comparison} {other})",
                f"({one} {comparison} {other} < {third})",
                f"(n {comparison} THRESHOLD == {other} {comparison} {third})",
                f"({one} and {other} and {third})",
                f"({one} or {other})",
                f"(not {one})",
                f"({one} {r.choice('+ - * / // % & | ^ >>'.split())} {other})",
                f"({r.choice('- + ~'.split())}{one})",
                f"xs[{one}]",
                f"(n << 2 < {one})",
                f"s.startswith({one})",
                f"isinstance({one}, {r.choice(('int', 'str', 'list'))})",
                f"max({one}, {other})",
                f"str({one}).upper()",
                f"any(x is {one} for x in (n, s))",
                f"({one} if {other} else {third})",
                f"n.{r.choice(('real', 'imag', 'missing', '__class__'))}",
            )
        )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_random_expressions(define, seed):
    """Against what Python says of them: as text, as lambdas, and as functions."""
    expressions, quick = Expressions(Random(seed)), 0
    rows = [(n, s, xs) for n in (-2, 0, 3, 9) for s, xs in (("", []), ("b", [0, "b"]), ("abc", [n, 5, None]))]
    for i in range(50):
        text = expressions.of(3)
        space = define(f"""
            THRESHOLD, limit = 3, 4
            def target(n, s, xs): return len(s)
            def run(rows):
                for row in rows: target(*row)
            def make():
                limit = 2
                def function(n, s, xs):
                    return {text}
                return [lambda n, s, xs, unused=0: {text}, lambda n, s, xs, **_: {text}, function]
            def plainly():
                limit = 2
                return lambda n, s, xs: {text}
            globally = lambda n, s, xs: {text}
        """)
        target = space["target"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of comparisons with `is`, and the like
            quick += Condition(text, target, plan(target), False).steps is not None
            for when, plainly in ((text, space["globally"]), *((w, space["plainly"]()) for w in space["make"]())):
                wanted, raised = [], set()
                for row in rows:
                    try:
                        if plainly(*row):
                            wanted.append([repr(value) for value in row])
                    except Exception as error:
                        raised.add(type(error).__name__)
                results = Tracer(target, when=when, max_calls=None).run(space["run"], rows)
                found = [[text for _, text in call.arguments.values()] for call in results]
                assert found == wanted, (i, text)
                assert {w.removeprefix("when raised ").partition("(")[0] for w in results.warnings} == raised, text
                assert results.calls == len(rows)
    assert 10 < quick < 40  # of which some are no more than steps of the compiled engine


def test_a_parameter_of_the_condition_that_the_target_does_not_have():
    results = Tracer(leaf, when=lambda n, *, least=3: n > least).run(calls_leaf, 6)
    assert [call.arguments["n"][1] for call in results] == ["4", "5"]
    results = Tracer(leaf, when=lambda n, missing: n > 3).run(calls_leaf, 6)
    assert results == []
    assert results.warnings[0].startswith("when raised TypeError")


def test_globals_of_a_condition_are_those_of_the_moment(define):
    """A builtin may be hidden by a global while the trace runs, and a variable around a lambda may change."""
    space = define("""
        def target(n): return n
        def run():
            global len
            target("abc")
            len = lambda text: 0
            target("abc")
            del len
            target("abc")
    """)
    assert len(Tracer(space["target"], when="len(n) == 3").run(space["run"])) == 2
    least = 0

    def more():
        nonlocal least
        for n in range(4):
            least = 2
            space["target"](n)

    assert len(Tracer(space["target"], when=lambda n: n >= least).run(more)) == 2


COUNTED = (
    lambda a: seen.append(a) or a % 2,  # steps of the compiled engine
    lambda **given: seen.append(given["a"]) or given["a"] % 2,
    lambda a: [seen.append(x) or x % 2 for x in (a,)][0],
    "seen.append(a) or a % 2",
    "[seen.append(x) or x % 2 for x in (a,)][0]",
)
seen = []


@pytest.mark.parametrize("kind", ["def", "generator", "async def", "a cell", "recursion", "another thread"])
@pytest.mark.parametrize("when", COUNTED)
def test_when_is_evaluated_once_for_each_call_as_long_as_calls_are_wanted(define, kind, when):
    """Seen twice, a condition that counts or has effects would say something else of the call."""
    space = define("""
        import asyncio, threading
        seen = []
        def each(call):
            for a in range(9): call(a)
        def function(a): return a
        def a_cell(a): return [a for _ in "x" if (lambda: a)() == a]
        def recursive(a): return recursive(a - 1) if a else 0
        def generator(a): yield a
        async def coroutine(a): await asyncio.sleep(0)
        def run(kind):
            if kind == "def": each(function)
            if kind == "a cell": each(a_cell)
            if kind == "generator": each(lambda a: [*generator(a)])
            if kind == "recursion": recursive(8)
            if kind == "async def": asyncio.run(tasks())
            if kind == "another thread":
                thread = threading.Thread(target=each, args=(function,))
                thread.start()
                thread.join()
                function(1)
        async def tasks(): await asyncio.gather(*map(coroutine, range(9)))
    """)
    names = {"a cell": "a_cell", "async def": "coroutine", "generator": "generator", "recursion": "recursive"}
    target = space[names.get(kind, "function")]
    order = range(9)[::-1] if kind == "recursion" else [1] if kind == "another thread" else range(9)
    threads = "current" if kind == "another thread" else "all"
    space["seen"] = seen
    for most in (1, 2, None):
        seen.clear()
        results = Tracer(target, when=when, max_calls=most, threads=threads).run(space["run"], kind)
        chosen = [a for a in order if a % 2][:most]
        asked = [a for a in order if len(chosen) != most or a == chosen[-1] or order.index(a) < order.index(chosen[-1])]
        assert (results.exc, results.warnings) == (None, [])
        assert [call.arguments["a"][1] for call in results] == [str(a) for a in chosen]
        assert seen == asked


class Ends:
    """A value that raises something where a condition asks for its truth, or compares it, for the first time."""

    def __init__(self, error):
        self.errors = [error]

    def __bool__(self):
        while self.errors:
            raise self.errors.pop()
        return True

    def __eq__(self, other):
        return self.__bool__()

    __hash__ = None


def takes(a):
    return 7


def takes_and_goes_on(error):
    try:
        takes(Ends(error))
    except BaseException as found:
        if found is not error:
            raise
    return takes(5)


CONDITIONS_THAT_ASK = (
    "a and 1 < 2",
    "a",
    "not a",
    "a == 5",
    "1 if a else 0",
    lambda a: a and 1 < 2,
    lambda a: a == 5 or 1 < 2,
    lambda **given: given["a"] and 1 < 2,
)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("when", CONDITIONS_THAT_ASK)
def test_when_that_ends_the_program(when, error, armed_events):
    """What is no Exception reaches the program, as if the call had raised it: that call is not recorded."""
    with pytest.raises(error):
        Tracer(takes, when=when).run(takes, Ends(error()))
    assert set(armed_events(takes)) == {0}
    results = Tracer(takes, when=when).run(takes_and_goes_on, error())
    assert (results.exc, results.calls, results.warnings) == (None, 2, [])
    assert [call.returned for call in results] == ([] if when == "not a" else [("int", "7")])


@pytest.mark.parametrize("when", CONDITIONS_THAT_ASK)
def test_a_value_whose_truth_raises(when):
    results = Tracer(takes, when=when).run(takes_and_goes_on, ValueError("no"))
    assert results.warnings == ["when raised ValueError('no'): that call of takes is not recorded"]
    assert (results.exc, results.result, results.calls) == (None, 7, 2)


def test_what_a_refused_coroutine_starts_is_no_part_of_another_call(define):
    space = define("""
        import asyncio
        async def target(wanted, done):
            async def nested():
                for i in range(3): await asyncio.sleep(0)
            await asyncio.create_task(nested())
            if wanted: await done.wait()
            else: done.set()
        async def main():
            done = asyncio.Event()
            await asyncio.gather(target(True, done), target(False, done))
    """)
    [call] = Tracer(space["target"], when="wanted").run(space["main"])
    assert call.trace["for i in range(3):"][0] == 4


def test_when_that_raises():
    results = Tracer(leaf, when=lambda n: 10 / (n - 2) > 1).run(calls_leaf, 10)
    assert [call.arguments["n"][1] for call in results] == [str(n) for n in range(3, 10)]
    [warning] = results.warnings
    assert re.fullmatch(r"when raised ZeroDivisionError\(.*\): that call of leaf is not recorded", warning)
    assert results.exc is None


def test_when_that_raises_never_shows_a_redacted_value():
    def when(n):
        raise ValueError(f"secret {n}")

    results = Tracer(leaf, when=when, redact="n").run(calls_leaf, 3)
    assert results == []
    assert results.warnings == ["when raised ValueError: that call of leaf is not recorded"]


def test_warnings_are_bounded():
    def when(n):
        raise ValueError(n)

    assert len(Tracer(leaf, when=when).run(calls_leaf, 1000).warnings) == 10


def test_calls_that_are_refused_leave_no_mark():
    def nest(n):
        def inner(m):
            return m + n

        if n:
            nest(n - 1)
        return inner(n)

    results = Tracer(nest, when="n % 2").run(nest, 6)
    assert [call.arguments["n"][1] for call in results] == ["5", "3", "1"]
    assert [call.trace["return m + n"] for call in results] == [
        (1, {"m": [("int", n)], "n": [("int", n)]}) for n in ("5", "3", "1")
    ]


@pytest.mark.parametrize("kept", [1, 150, 151, 420])
def test_a_call_after_many_refused_ones_is_recorded_whole(kept):
    """Only starts are listened to meanwhile."""

    def target(n, wanted):
        total = 0
        for i in range(n):
            total += i
        return [total for _ in range(2)]

    def many():
        for n in range(500):
            target(n % 7, n == kept or n == kept + 2)

    [one, other] = Tracer(target, when="wanted").run(many)
    for call, n in ((one, kept % 7), (other, (kept + 2) % 7)):
        assert [hits for hits, _ in call.trace.values()] == ([1, n + 1, n, 1, 2] if n else [1, 1, 1, 2])
        assert call.returned == ("list", repr([sum(range(n))] * 2))


# --- what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"max_calls": -1}, ValueError, "max_calls is -1: it must be 0 or more, or None for no limit."),
        ({"max_calls": 2.5}, TypeError, "max_calls must be a whole number, or None for no limit, not 2.5."),
        ({"max_samples": True}, TypeError, "max_samples must be a whole number, or None for no limit, not True."),
        ({"max_repr": 3}, ValueError, "max_repr is 3: it must be 4 or more, or None for no limit."),
        ({"keep": "some"}, ValueError, "keep is 'some': it must be 'first', 'last' or 'ends'."),
        ({"threads": "one"}, ValueError, "threads is 'one': it must be 'all' or 'current'."),
        ({"when": 5}, TypeError, "when must be a function"),
        ({"when": "n >"}, ValueError, "when is not a Python expression: 'n >'"),
        ({"describe": "str"}, ValueError, "describe is 'str': it must be 'safe_repr' or 'repr'."),
        ({"redact": [1]}, TypeError, "redact must be names"),
    ],
)
def test_wrong_options(options, error, words):
    with pytest.raises(error, match=re.escape(words)):
        Tracer(leaf, **options)
    with pytest.raises(TypeError, match="unexpected keyword"):
        Tracer(leaf, max_call=1)


def test_reraise():
    tracer = Tracer(leaf, reraise=True)
    with pytest.raises(KeyError):
        tracer.run(leaf, 3)
    assert tracer.results[0].raised == ("KeyError", "KeyError(3)")
    assert tracer.run(leaf, 1).result == 2


def test_lines_that_were_not_hit():
    [call] = Tracer(leaf, incl_unhit=True).run(leaf, 1)
    assert call.trace["raise KeyError(n)"] == (0, {"KeyError": [], "n": []})
    [call] = Tracer(leaf).run(leaf, 1)
    assert "raise KeyError(n)" not in call.trace
    assert [line.hits for line in call.lines if line.text == "raise KeyError(n)"] == [0]
