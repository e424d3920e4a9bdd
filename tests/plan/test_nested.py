"""Code nested in a target that runs often: its ends need not be reported any more, nor where it is suspended."""

import textwrap
import threading

import pytest

from groundtruth import compare, truth
from tracefunc import Tracer, tracefunc

pytestmark = pytest.mark.both_engines

FUNCTIONS = {
    "lambdas as keys": """
        def target(n):
            rows = [(i * 7 % 5, i) for i in range(n)]
            best = max(rows, key=lambda row: row[0] - row[1])
            return best, sorted(rows, key=lambda row: -row[1])[:3]
    """,
    "a lambda that fails": """
        def target(n):
            good = 0
            for i in range(n):
                try:
                    good += (lambda x: 10 // (x % 4))(i)
                except ZeroDivisionError:
                    good -= 1
            return good
    """,
    "a function with a branch that is hardly taken": """
        def target(n):
            def part(x):
                if x == n - 2:
                    y = -x
                    return y
                return x + 1
            total = 0
            for i in range(n):
                total += part(i)
            return total
    """,
    "a function that falls off its end": """
        def target(n):
            seen = []
            def add(x):
                if x % 3:
                    seen.append(x)
            for i in range(n): add(i)
            return len(seen)
    """,
    "a function that fails in several ways": """
        def target(n):
            def part(x):
                for k in range(3):
                    if x % 5 == k:
                        raise KeyError(x)
                    a = k
                try:
                    b = 1 // (x % 7)
                except ZeroDivisionError:
                    c = a
                    raise ValueError(c)
                return b
            failed = []
            for i in range(n):
                try:
                    part(i)
                except LookupError as error:
                    failed.append(error)
                except ValueError:
                    failed.append(i)
            return len(failed)
    """,
    "functions in functions": """
        def target(n):
            def middle(x):
                def innermost(y):
                    z = x + y
                    return z
                return innermost(1) + (lambda y: innermost(y))(2)
            return sum(middle(i) for i in range(n))
    """,
    "a recursive function": """
        def target(n):
            def down(x):
                if x <= 0:
                    return 0
                below = down(x - 1)
                return below + 1
            return [down(i % 13) for i in range(n)]
    """,
    "a recursive function that fails at the bottom": """
        def target(n):
            def down(x):
                if not x:
                    raise KeyError(x)
                try:
                    return down(x - 1)
                finally:
                    y = x
            failed = 0
            for i in range(n):
                try:
                    down(i % 9)
                except KeyError:
                    failed += 1
            return failed
    """,
    "methods of a class": """
        def target(n):
            class Counter:
                def __init__(self, start): self.value = start
                def up(self):
                    self.value += 1
                    return self
                @property
                def twice(self): return 2 * self.value
                def __lt__(self, other): return self.value < other.value
            counters = [Counter(i * 11 % 17).up() for i in range(n)]
            return [counter.twice for counter in sorted(counters)]
    """,
    "generator expressions that are not exhausted": """
        def target(n):
            found = 0
            for i in range(n):
                if any(x == i % 3 for x in range(3)):
                    found += 1
                found += next(x for x in (i, 2))
            return found
    """,
    "generators that are left suspended": """
        def target(n):
            def numbers(k):
                x = k
                while True:
                    yield x
                    x += 1
            made = []
            for i in range(n):
                numbered = numbers(i)
                for _ in range(i % 4): next(numbered)
                made.append(numbered)
                if i % 5 == 4: made.clear()
            return [next(numbered) for numbered in made]
    """,
    "generators that are closed": """
        def target(n):
            closed = []
            def careful(k):
                try:
                    yield k
                finally:
                    closed.append(k)
            def stubborn(k):
                while True:
                    try:
                        yield k
                        return
                    except GeneratorExit:
                        closed.append(-k)
                        break
            for i in range(n):
                for make in (careful, stubborn):
                    made = make(i)
                    for _ in range(i % 3): next(made, None)
                    made.close()
            return len(closed)
    """,
    "generators that exceptions are thrown into": """
        def target(n):
            def patient(k):
                total = k
                while total < 100:
                    try:
                        total += yield total
                    except KeyError:
                        total += 50
                return total
            ended = []
            for i in range(n):
                made = patient(i % 30)
                try:
                    made.send(None)
                    made.send(i)
                    made.throw(KeyError(i) if i % 3 else ValueError(i))
                    made.send(1)
                except (StopIteration, ValueError) as error:
                    ended.append(type(error))
            return len(ended)
    """,
    "generators that delegate": """
        def target(n):
            def part(k):
                yield from range(k)
            def whole(k):
                yield from part(k)
                yield k
            return [sum(whole(i % 6)) for i in range(n)]
    """,
    "a recursive target": """
        def target(n, depth=5):
            key = lambda x: x % 3
            def part(x):
                if key(x): return x
                return -x
            total = 0
            for i in range(n if depth in (0, 5) else 7):
                total += part(i)
                if i == 3 and depth: total += target(n, depth - 1)
            return total
    """,
    "functions of an earlier call": """
        def target(n, kept=[]):
            def part(x):
                y = x + n
                return y
            total = 0
            for i in range(n):
                total += part(i)
                for other in kept[:2]: total += other(i)
            kept.append(part)
            return total

        def main(n):
            return [target(n), target(n // 2), target(3), target(n)]
    """,
    "functions whose target has ended": """
        def target(n):
            def part(x):
                y = x + n
                return y
            return part, sum(part(i) for i in range(n))

        def main(n):
            parts = [target(n)[0], target(4)[0]]
            return [part(i) for i in range(n) for part in parts]
    """,
    "more calls than are recorded": """
        def target(n, depth=0):
            part = lambda x: (x, depth)
            total = 0
            for i in range(n):
                total += part(i)[0]
            return total if depth == 3 else target(5, depth + 1)

        def main(n):
            return [target(n) for _ in range(4)]
    """,
}


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nested_code(define, name):
    source = textwrap.dedent(FUNCTIONS[name])
    for n in (6, 90, 700):
        results = []
        for trace in (tracefunc, truth):
            space = define(source)  # with nothing left of the calls before
            target = space["target"]
            results.append(trace(space.get("main", target), n, target_func=target))
        found, wanted = results
        assert repr(found.exc) == repr(wanted.exc)
        assert len(found) == len(wanted) > 0
        assert compare(found, wanted) == []


def hits(trace):
    return {line: count for line, (count, _) in trace.items()}


def test_a_nested_function_that_runs_when_the_trace_ends(define):
    """It started when its ends were not reported any more, and its target waits for it in another thread."""
    space = define("""
        def target(n, begun, end):
            def part(x):
                if x < 0:
                    begun.set()
                    end.wait()
                return x
            wait = lambda: part(-1)
            for i in range(n):
                (lambda: part(i))()
            return wait()
    """)
    begun, end = threading.Event(), threading.Event()
    thread = threading.Thread(target=space["target"], args=(300, begun, end))
    with Tracer(space["target"]) as results:
        thread.start()
        begun.wait()
    end.set()
    thread.join()
    ((_, trace),) = results
    assert hits(trace)["return x"] == 300
    assert hits(trace)["if x < 0:"] == 301
    assert hits(trace)["begun.set()"] == 1
    assert "end.wait()" not in trace  # under way
    assert hits(trace)["lambda: part(i)"] == 300
    assert "lambda: part(-1)" not in trace


def test_a_nested_function_in_other_threads(define):
    """Its frames there are above none that is recorded."""
    space = define("""
        from threading import Thread
        def target(n):
            seen = []
            def part(x):
                y = x
                seen.append(y)
            for i in range(n):
                part(i)
            threads = [Thread(target=part, args=(-i,)) for i in range(20)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            for i in range(n):
                part(i)
            return len(seen)
    """)
    ((_, trace),) = tracefunc(space["target"], 300)
    assert hits(trace)["y = x"] == hits(trace)["seen.append(y)"] == 620


def test_nested_code_of_chosen_calls(define):
    """Between these nothing is listened to but the start of a call."""
    space = define("""
        def target(n):
            part = lambda x: x + 1
            def whole(x):
                return part(x)
            return [whole(i) for i in range(n)]

        def main():
            for _ in range(3):
                target(300)
                for _ in range(150): target(2)
    """)
    results = Tracer(space["target"], when="n > 100").run(space["main"])
    assert results.calls == 453
    assert [hits(trace)["return part(x)"] for _, trace in results] == [300] * 3
    assert [hits(trace)["lambda x: x + 1"] for _, trace in results] == [300] * 3


def test_the_last_samples_of_nested_code(define):
    target = define("""
        def target(n):
            part = lambda x: x + 1
            return [part(i) for i in range(n)]
    """)["target"]
    ((_, trace),) = Tracer(max_samples=2, keep="last").run(target, 300)
    assert trace["lambda x: x + 1"] == (300, {"x": [("int", "298"), ("int", "299")]})


def test_what_a_generator_expression_gets_its_iterator_from(define):
    """From 3.15 on it does so before it is a generator, and no event tells of its start yet."""
    target = define("""
        def target(n, begun):
            class Numbers:
                def __init__(self, m): self.left = m
                def __iter__(self):
                    begun.append(self)
                    return self
                def __next__(self):
                    self.left -= 1
                    if self.left < 0: raise StopIteration
                    return self.left
            for k in range(n):
                b = sum(q for q in Numbers(3))
                c = [q for q in Numbers(2)]
    """)["target"]
    for n in (3, 60):
        begun = []  # some versions of CPython get the iterator of an iterator
        ((_, trace),) = tracefunc(target, n, begun)
        assert len(begun) >= 2 * n
        found = [hits(trace)[line] for line in ("begun.append(self)", "return self", "return self.left")]
        assert found == [len(begun), len(begun), 5 * n]
