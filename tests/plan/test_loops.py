"""Loops whose turns are counted by their iterators: the counts are right, and the program notices nothing.

The ground truth is a source rewritten to count itself. Sizes are such that lines have all their samples, and that some
loops are long, others short.
"""

import gc
import threading
import weakref

import pytest

from groundtruth import compare, truth
from tracefunc import Tracer, tracefunc
from tracefunc._plan.loop_iterators import MAX_LOOPS

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("young_heap")]

ENDS = {
    "exhausted": """
        def target(make, n):
            total = 0
            for x in make(n):
                total += 1
                y = x
            else:
                z = total
            return total
    """,
    "left by break": """
        def target(make, n):
            for k in range(3):
                seen = 0
                for x in make(n):
                    seen += 1
                    if seen > n * 2 // 3: break
                    y = seen
                else:
                    z = k
            return seen
    """,
    "left by return": """
        def target(make, n):
            seen = 0
            for x in make(n):
                seen += 1
                if seen == n - 2: return x
                y = seen
            z = seen
    """,
    "left by an exception": """
        def target(make, n):
            seen = 0
            for x in make(n):
                seen += 1
                y = 1 // (n - seen - 2)
                z = y
            return seen
    """,
    "left by an exception that is caught": """
        def target(make, n):
            for k in range(4):
                seen = 0
                try:
                    for x in make(n):
                        seen += 1
                        y = 1 // (n - seen - 2)
                        z = y
                except ZeroDivisionError as e:
                    w = seen
                finally:
                    v = k
            return seen
    """,
    "gone on with after an exception": """
        def target(make, n):
            seen = bad = 0
            for x in make(n):
                try:
                    seen += 1
                    y = 1 // (seen % 5)
                    z = y
                except ZeroDivisionError:
                    bad += 1
                    if bad % 2: continue
                    w = bad
            return seen, bad
    """,
    "unpacked": """
        def target(make, n):
            seen = 0
            for k in range(3):
                try:
                    for (a, b) in make(n):
                        seen += 1
                except (TypeError, ValueError) as e:
                    c = k
                a = k
            return seen
    """,
    "in comprehensions": """
        def target(make, n):
            a = [x for x in make(n)]
            b = {k: [k for x in make(n) if k % 2] for k in range(4)}
            c = {str(x) for x in make(n)}
            d = sum(1 for x in make(n) if x != 3)
            e = any(x == 5 for x in make(n))
            return len(a), len(b), len(c), d, e
    """,
    "in comprehensions that fail": """
        def target(make, n):
            found = []
            for k in range(5):
                seen = iter(range(1000))
                try:
                    a = [1 // (n - next(seen) - k) for x in make(n)]
                    b = {y: [1 // (n - next(seen) + 3) for x in make(n)] for y in (1, 2)}
                except ZeroDivisionError:
                    found.append(k)
                c = k
            return [1 // (n - i - 1) for i, x in enumerate(make(n))]
    """,
    "in a generator": """
        def target(make, n):
            for k in range(2):
                for x in make(n):
                    a = x
                    yield k
                b = k
    """,
    "entered again and again": """
        def target(make, n):
            total = 0
            for k in range(n):
                for x in make(k % 14):
                    total += k
                if k % 3 == 0:
                    for x in make(k): total -= 1
            return total
    """,
}

ITERABLES = {
    "range": lambda n: range(n),
    "range of large numbers": lambda n: range(1 << 70, (1 << 70) + n),
    "list": lambda n: list(range(n)),
    "list of pairs": lambda n: [(i, i) for i in range(n)],
    "tuple": lambda n: tuple(range(n)),
    "dict": lambda n: dict.fromkeys(range(n)),
    "values": lambda n: {i: str(i) for i in range(n)}.values(),
    "items": lambda n: {i: str(i) for i in range(n)}.items(),
    "set": lambda n: set(range(n)),
    "frozenset": lambda n: frozenset(range(n)),
    "str": lambda n: "abcdefghij" * n,
    "bytes": lambda n: bytes(n),
    "bytearray": lambda n: bytearray(n),
    "memoryview": lambda n: memoryview(bytes(n)),
    "enumerate": lambda n: enumerate("x" * n),
    "zip": lambda n: zip(range(n), "y" * n),
    "map": lambda n: map(lambda x: x * 2, range(n)),
    "filter": lambda n: filter(lambda x: x % 3, range(n)),
    "reversed": lambda n: reversed(range(n)),
    "iterator of a list": lambda n: iter([*range(n)]),
    "iterator that has begun": lambda n: (found := iter([*range(n)]), next(found, None))[0],
    "callable iterator": lambda n: iter(iter(range(n)).__next__, n - 1),
    "generator": lambda n: (i for i in range(n)),
    "iterable class": lambda n: Iterable(n),
    "sequence class": lambda n: Sequence(n),
    "list's subclass": lambda n: Reversing(range(n)),
    "class of each kind in turn": lambda n: KINDS[n % len(KINDS)](n),
}


class Iterable:
    def __init__(self, n):
        self.left = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.left <= 0:
            raise StopIteration
        self.left -= 1
        return self.left


class Sequence:
    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError
        return i


class Reversing(list):
    def __iter__(self):
        return reversed(self)


KINDS = [list, lambda n: range(n), Iterable, lambda n: (i for i in range(n)), lambda n: tuple(range(n)), Sequence]
KINDS[0] = lambda n: list(range(n))


@pytest.fixture
def agrees(engine, define):
    """Trace a function's source and hold the result against the truth."""

    def check(source, *args, consume=None, fn=None):
        space = define(source)
        target = space["target"]
        run = space.get("main", target)
        if consume is not None:
            run = lambda *args: consume(target(*args))  # noqa: E731
        for arguments in args:
            found, wanted = tracefunc(run, *arguments, target_func=target), truth(run, *arguments, target_func=target)
            assert repr(found.result) == repr(wanted.result)
            assert repr(found.exc) == repr(wanted.exc)
            assert compare(found, wanted) == []

    return check


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS)
def test_iterables(agrees, end):
    arguments = [(make, n) for make in ITERABLES.values() for n in (0, 3, 40, 90)]
    agrees(ENDS[end], *arguments, consume=list if end == "in a generator" else None)


def test_a_list_that_changes_meanwhile(agrees):
    source = """
        def target(n):
            xs = list(range(n))
            for x in xs:
                if x % 3 == 0 and len(xs) < 2 * n: xs.append(-1)
            for x in xs:
                xs.remove(x)
            for x in xs:
                xs.clear()
            return xs
    """
    agrees(source, (5,), (60,), (400,))


def test_a_dict_that_changes_meanwhile(agrees):
    source = """
        def target(n):
            kept = dict.fromkeys(range(n))
            for k in range(3):
                try:
                    for x in kept:
                        if x == n // 2: kept[n + k] = x
                        y = x
                except RuntimeError as e:
                    z = k
            for x in kept:
                kept.clear()
    """
    agrees(source, (5,), (60,), (400,))


def test_iterators_that_two_loops_share(agrees):
    source = """
        def target(n):
            numbers = iter(range(n))
            for x in numbers:
                for y in numbers:
                    if y % 7 == 0: break
                z = x
            pairs = zip(*[iter(range(n))] * 2)
            for a, b in pairs:
                c = next(pairs, None)
            return z
    """
    agrees(source, (4,), (50,), (500,))


def test_lengths_that_grow_and_shrink(agrees):
    source = """
        def target(n):
            total = 0
            for i in range(n):
                for j in range(i):
                    total += j
                for j in range(n - i):
                    total -= j
                for j in range(4):
                    for k in "ab" if i % 40 else range(50):
                        total += 1
            return total
    """
    agrees(source, (5,), (30,), (250,))


def test_long_loops_that_become_short_ones(agrees):
    source = """
        def target(n):
            total = 0
            for i in range(n):
                for j in range(100):
                    total += 1
                    if j >= (90 if i < 3 else i % 3): break
                if total % 2: total += 1
            return total
    """
    agrees(source, (5,), (30,), (900,))


def test_recursion_with_loops_of_all_kinds(agrees):
    """The same loop is counted by an iterator in one frame, by events in another one, which go on in turn."""
    source = """
        def main(n):
            return target([*range(n)], n // 10, n)

        def target(xs, depth, n):
            total = 0
            for x in xs:
                total += 1
                if depth and total % 13 == 5:
                    other = [(i for i in range(30)), range(50), "abc", iter([1] * 40)][depth % 4]
                    total += target(other, depth - 1, n)
                y = total
            return total
    """
    agrees(source, (10,), (20,), (45,))


def test_generators_that_take_turns(agrees):
    source = """
        def main(n):
            running = [target(kind(n)) for kind in (range, lambda n: "a" * n, lambda n: iter([0] * n), lambda n: (i for i in range(n)))]
            total = 0
            while running:
                for one in running[:]:
                    try:
                        total += next(one)
                    except StopIteration:
                        running.remove(one)
            return total

        def target(xs):
            seen = 0
            for x in xs:
                seen += 1
                yield seen
                if seen % 3 == 0: yield -seen
            for x in range(seen): seen -= 1
    """
    agrees(source, (3,), (30,), (120,))


def test_a_loop_that_is_entered_again_when_another_frame_has_changed_its_kind(agrees):
    """Its iterator has counted in the first frame, which has left the loop when its turns become events."""
    source = """
        def main(n):
            first, second = target([range(n), [1] * n, range(n)]), target([range(n), (i for i in range(n)), range(n)])
            return [value for both in zip(first, second) for value in both] + [*target(["a" * n] * 2)]

        def target(kinds):
            seen = 0
            for xs in kinds:
                for x in xs:
                    seen += 1
                    if seen % 5 == 0: y = seen
                yield seen
    """
    agrees(source, (4,), (30,), (300,))


def test_generators_that_are_left(agrees):
    source = """
        def main(n):
            kept = [target(n) for _ in range(4)]
            for i, one in enumerate(kept):
                for _ in range(12 * i + 1): next(one)
            kept[1].close()
            try: kept[2].throw(KeyError(2))
            except KeyError: pass
            del kept[0]
            return len([*kept[-1]])

        def target(n):
            for x in range(n):
                a = x
                yield a
                b = [y for y in "abcdefghijklm"]
    """
    agrees(source, (60,), (300,))


def test_values_that_each_generator_yields(engine, define):
    """Those of the second one are wanted when those of the first one are not any more."""
    space = define("""
        def main(n, kept):
            first = target(n)
            head = [next(first) for _ in range(30)]
            second = target(n)
            kept.append(second)
            return head + [next(second) for _ in range(30)] + [*first]

        def target(n):
            for x in range(n):
                yield x * x
    """)
    results = tracefunc(space["main"], 50, [], target_func=space["target"])
    squares = [("int", str(x * x)) for x in range(10)]
    assert [call.yielded for call in results] == [squares, squares]
    assert [trace["yield x * x"][0] for _, trace in results] == [50, 29]  # one is under way


def test_more_loops_than_are_counted(agrees):
    loops = "".join(f"            for x{i} in range(n + {i}): total += x{i}\n" for i in range(MAX_LOOPS + 10))
    agrees(f"        def target(n):\n            total = 0\n{loops}            return total\n", (3,), (30,))


# --- what a program could notice ------------------------------------------------------------------------------------------


class Thing:
    """Something whose death shows."""


@pytest.mark.parametrize("kind", ["list", "tuple", "zip", "map"])
def test_what_is_iterated_over_lives_as_long_as_ever(engine, define, kind):
    target = define("""
        def target(make, ref, kept):
            for k in range(3):
                for thing in make():
                    kept.append(ref(thing))
                    if len(kept) % 20 == 0: break
                del thing
                kept.append(sum(one() is not None for one in kept if callable(one)))
            try:
                for thing in make():
                    kept.append(ref(thing))
                    if len(kept) % 20 == 0: raise KeyError
            except KeyError:
                del thing
                kept.append(sum(one() is not None for one in kept if callable(one)))
    """)["target"]

    def make():
        things = [Thing() for _ in range(30)]
        return {"list": list, "tuple": tuple, "zip": lambda x: zip(x, x), "map": lambda x: map(pair, x)}[kind](things)

    def run(ref):
        kept = []
        target(make, ref, kept)
        return [one for one in kept if not callable(one)]

    def pair(x):
        return x

    ref = (lambda both: weakref.ref(both[0])) if kind == "zip" else weakref.ref
    untraced = run(ref)
    found = tracefunc(run, ref, target_func=target)
    assert found.exc is None
    assert found.result == untraced


def counting_iterators():
    gc.collect()
    return [one for one in gc.get_objects() if type.__dict__["__name__"].__get__(type(one)) == "counting_iterator"]


def test_an_iterator_that_outlives_the_trace(engine, define):
    """A generator that is suspended in a loop goes on as if it had never been traced, and keeps nothing of it."""
    target = define("""
        def target(xs):
            for x in xs:
                yield x
    """)["target"]
    kept = []

    def start():
        kept.append(target([*range(100)]))
        return [next(kept[0]) for _ in range(40)]

    results = tracefunc(start, target_func=target)
    before = repr(results)
    assert list(kept[0]) == [*range(40, 100)]
    assert repr(results) == before
    assert results[0][1]["yield x"][0] == 39  # the last one is under way
    kept.clear()
    assert counting_iterators() == []


def test_a_cycle_through_an_iterator_is_collected(engine, define):
    """A generator that iterates over a list which it is in itself."""
    target = define("""
        def target(xs):
            for x in xs:
                yield x
    """)["target"]

    def start():
        xs = [Thing() for _ in range(30)]
        xs.append(target(xs))
        for _ in range(20):
            next(xs[-1])
        return weakref.ref(xs[0])

    results = tracefunc(start, target_func=target)
    gc.collect()
    assert results.result() is None
    assert counting_iterators() == []


def test_a_trace_that_ends_while_its_loop_runs_in_another_thread(engine, define):
    """What the thread does after the end of the trace is counted nowhere."""
    target = define("""
        def target(xs, go_on, wait):
            seen = 0
            for x in xs:
                seen += 1
                if seen == 500:
                    go_on.set()
                    wait.wait()
            return seen
    """)["target"]
    go_on, wait, answers = threading.Event(), threading.Event(), []

    def start():
        thread = threading.Thread(target=lambda: answers.append(target(range(5000), go_on, wait)))
        thread.start()
        go_on.wait()
        return thread

    results = tracefunc(start, target_func=target)
    wait.set()
    results.result.join()
    assert answers == [5000]
    trace = results[0][1]
    assert (trace["seen += 1"][0], trace["go_on.set()"][0]) == (500, 1)


def test_an_inner_trace_of_the_same_loop(engine, define):
    """Two recorders count the turns of one loop."""
    space = define("""
        def target(n):
            total = 0
            for x in range(n):
                total += x
            return total
    """)
    target = space["target"]
    inner = []

    def fn():
        inner.append(tracefunc(target, 300))
        return target(40)

    results = tracefunc(fn, target_func=target)
    assert inner[0][0][1]["total += x"][0] == 300
    assert [trace["total += x"][0] for _, trace in results] == [300, 40]


def test_two_targets_of_which_one_calls_the_other(engine, define):
    space = define("""
        def outer(n):
            total = 0
            for x in range(n):
                total += inner(x)
            return total

        def inner(n):
            for y in range(n): x = y
            return n
    """)
    with Tracer(space["outer"], space["inner"]) as results:
        space["outer"](60)
    counts = [{line: count for line, (count, _) in trace.items()} for _, trace in results]
    assert counts[0]["total += inner(x)"] == 60
    assert [trace.get("x = y", 0) for trace in counts[1:]] == [*range(9)]
