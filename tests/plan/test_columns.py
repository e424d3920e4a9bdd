"""Code without columns: right where each statement has a line of its own, else a warning that names the function."""

import pytest

from other_tools import run_python
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines

SUBJECT = '''
def alone(n):
    """Doc."""
    total = 0
    for i in range(n):
        if i % 2:
            total += i
        else:
            continue
    while total > 100:
        total -= 1
    xs = [i * 2 for i in range(n) if i]
    ys = {i: j for i, j in zip(xs, xs)}
    zs = list(i for i in xs)
    f = lambda q: q + 1
    try:
        with open(__file__) as g, open(__file__) as h:
            raise KeyError(
                f(n),
            )
    except (KeyError,
            ValueError) as e:
        total = max(xs,
                    key=lambda v: -v)
    finally:
        k = 3
    match total:
        case 1:
            w = 1
        case _:
            w = 2
    def inner(a): return a
    class C:
        z = 1
        def m(self):
            return [self for _ in range(2)]
    C().m()
    return inner(w)

def semicolon(n):
    a = n; b = a
    return b

def suite(n):
    if n: n = 1
    return n

def comprehensions(n):
    return [i for i in range(n)] + [i for i in range(n + 1)]

def lambdas(n):
    return sorted(map(lambda p: p, range(2)), key=lambda q: -q)

def nested(n):
    def inner():
        a = n; return a
    return inner()
'''
RUN = """
import subject
from tracefunc import tracefunc
for name in ("alone", "semicolon", "suite", "comprehensions", "lambdas", "nested"):
    results = tracefunc(getattr(subject, name), 5)
    assert results.exc is None, results.exc
    print(name, [(line, entry[0]) for line, entry in results[0].trace.items()] if name == "alone" else "")
    print(name, "warnings", [w for w in results.warnings])
"""


@pytest.mark.slow
def test_statements_that_share_a_line(tmp_path):
    (tmp_path / "subject.py").write_text(SUBJECT)
    plain = run_python(RUN, cwd=tmp_path).splitlines()
    without = run_python(RUN, "-B", "-X", "no_debug_ranges", cwd=tmp_path, PYTHONPYCACHEPREFIX=str(tmp_path / "other"))
    without = without.splitlines()
    assert without[:2] == plain[:2]
    assert without[1] == "alone warnings []"
    for line, name, row in zip(
        without[3::2], ("semicolon", "suite", "comprehensions", "lambdas", "nested"), (41, 45, 49, 52, 56)
    ):
        assert f"'{name}' (" in line and f"line {row} cannot be told apart" in line, line
    assert all(line.endswith("warnings []") for line in plain[1::2])


def test_what_creates_a_generator_needs_no_columns(define):
    target = define("""
        def target(n):
            a = sum(x + n for x in range(n)); b = a
            def some(): yield a; yield b
            return list(some())
    """)["target"]
    results = tracefunc(target, 2)
    assert results.result == [5, 5]
    assert results.warnings == []
