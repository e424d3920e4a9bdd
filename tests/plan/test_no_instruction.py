"""Lines that leave no instruction of their own: constant tests and constant returns, on shared physical lines."""

import contextlib

import pytest

import groundtruth
from tracefunc import tracefunc

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("young_heap")]


def after():
    return None


LAYOUTS = {
    "a return before a loop in finally": ("x=1", "try: return 1\nfinally:\n    while x < 3: x += 1", {"return 1": 1}),
    "a return in a loop, left by finally": (
        "", "while True:\n    try: return 1\n    finally: after()", {"return 1": 1, "while True:": 1}
    ),
    "a bare return": ("", "while True:\n    try: return\n    finally: after()", {"return": 1}),
    "a return before an endless loop": (
        "n=2", "try: return 1\nfinally:\n    while True: n -= 1; n or 1 / n", {"return 1": 1, "while True:": 2}
    ),
    "an endless loop that is left at once": (
        "", "try: return 1\nfinally:\n    while True:\n        break", {"return 1": 1, "while True:": 1}
    ),
    "a loop in finally that is left later": (
        "x=1",
        "try: return 1\nfinally:\n    while True:\n        x += 1\n        if x > 3: break",
        {"while True:": 3, "return 1": 1},
    ),
    "a break that comes by finally": (
        "", "while True:\n    try: break\n    finally:\n        while 1: break\nreturn 2", {"while 1:": 1}
    ),
    "a loop behind a loop": ("", "while 1: break\nwhile True: x = 1; break", {"while True:": 1, "x = 1": 1}),
    "a name first in a loop": ("n=3", "while True: int; n -= 1; n or 1 / n", {"while True:": 3}),
    "a return behind a return": ("x=1", "with N(): return x; return 1", {"return x": 1, "return 1": 0}),
    "a return behind a return in try": (
        "x=1", "try: return -x; return 1\nfinally: after()", {"return -x": 1, "return 1": 0}
    ),
    "a return behind a return in except": (
        "x=1", "try: 1 / 0\nexcept ZeroDivisionError: return x; return 1", {"return x": 1, "return 1": 0}
    ),
    "a return behind pass": ("", "with N(): pass; return", {"return": 1}),
    "a return behind a constant": ("", "with N(): 5; return 7", {"return 7": 1}),
    "a return behind an annotation": ("", "with N(): x: int; return 7", {"return 7": 1}),
    "a return behind an assignment": (
        "", "try: x = 1; return 2\nfinally:\n    while 1: break", {"x = 1": 1, "return 2": 1}
    ),
    "a return in finally inside with": (
        "z=3", "with N():\n    try: x = 1\n    finally: y = 2; return 1", {"y = 2": 1, "return 1": 1}
    ),
    "a return of a name in finally inside with": (
        "z=3", "with N():\n    try: x = 1\n    finally: y = 2; return z", {"y = 2": 1, "return z": 1}
    ),
    **{
        f"a loop while {test}": ("n=3", f"while {test}:\n    n -= 1\n    if not n: break", {f"while {test}:": 3})
        for test in ("not 0", "1 + 1", "-1", "(1,)", "1 or n", "True and True", "f'a'", "__debug__", "not None",
                     "1 if 1 else 0", "n or 1", "[1]", "...", "1")
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_counts(define, layout):
    parameters, body, counts = LAYOUTS[layout]
    rows = "\n".join("    " + row for row in body.splitlines())
    fn = define(f"def target({parameters}):\n{rows}\n", N=contextlib.nullcontext, after=after)["target"]
    results = tracefunc(fn)
    [(_, trace)] = results
    found = {line: trace.get(line, (0,))[0] for line in counts}
    workless = [line for line in counts if line.startswith("while") and line not in trace]
    assert found == counts | dict.fromkeys(workless, 0)
    assert not groundtruth.compare(results, groundtruth.truth(fn))
