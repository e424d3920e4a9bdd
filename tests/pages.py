"""Traces for the tests of the page, and what hostile texts look like."""

import linecache
import textwrap
from types import FunctionType

from tracefunc import Tracer, TraceResults
from tracefunc.results import Call

SOURCE = '''\
def prices(orders, rate):
    """Sum up what each order costs."""
    total = 0
    for name, amounts in orders:
        part = sum(x * rate for x in amounts); count = len(amounts)
        if count > 2:
            part = discount(part, count)  # ♥ for those who buy a lot
        total += part
    return total


def discount(part, count):
    share = 1 / (count - 4)
    return round(part * (1 - share), 2)
'''
ORDERS = [("ann", [1, 2]), ("bob", [5, 5, 5]), ("cy", []), ("dee", [7])]
FAILING = [*ORDERS, ("eve", [1, 2, 3, 4])]

# Each would set `window.hacked` if it were taken for markup or script.
PAYLOADS = [
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1>',
    "' onmouseover='window.hacked=1",
    "javascript:window.hacked=1",
    "<!--<script>window.hacked=1</script>",
    "]]><script>window.hacked=1</script>",
    "{{ 7 * 7 }}{% raw %}",
    "</style><style>*{display:none}</style></title></textarea></noscript>",
    "\u2028window.hacked=1\u2029\0\ud800",
]


def define(source, name):
    """Execute source text as a module whose lines can be found."""
    source = textwrap.dedent(source)
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    space = {"__name__": "pages"}
    exec(compile(source, name, "exec"), space)
    return space


def trace_of_prices(orders=ORDERS, **options):
    """Trace a loop with a call in it; FAILING raises in the called one."""
    space = define(SOURCE, "prices.py")
    return Tracer(space["prices"], space["discount"], **options).run(space["prices"], orders, 2)


def hostile(payload):
    """Results that hold a payload wherever a text can be: names, values, source, paths, errors."""
    sample = (payload, payload)
    source = f"def f():\n    x = 1  # {payload}\n    return x"
    places = (
        ("x = 1", (payload, "x"), payload, 2, 2, 4),
        ("return x", ("x",), "return", 3, 3, 4),
    )
    trace = {
        "x = 1": (2, {payload: [sample, sample], "x": [sample, ("int", payload)]}),
        "return x": (1, {"x": [sample]}),
    }
    known = {
        "function": payload,
        "file": payload,
        "lineno": 1,
        "arguments": {payload: sample},
        "raised": sample,
        "yielded": [sample],
        "thread": payload,
        "task": payload,
        "ended_at": 1,
        "source": source,
        "places": places,
    }
    other = known | {"raised": None, "returned": sample, "thread": "other", "parent": 0}
    results = TraceResults([Call((payload, trace), known), Call((payload, trace), other)])
    results.exc, results.engine = ValueError(payload), payload
    results.warnings.append(payload)
    return results


def long_function(lines):
    """Make a function of many lines, some of them hit more often."""
    body = ["    total = 0", "    for i in range(3):"]
    body += [f"        total += i * {k}  # {'x' * (k % 40)}" for k in range(lines - 4)]
    source = "\n".join(["def long(n):", *body, "    return total", ""])
    function = define(source, "long.py")["long"]
    assert isinstance(function, FunctionType)
    return function


def many_calls(calls):
    """Trace a function that is called again and again, by itself too."""
    space = define(
        """
        def down(n):
            if n % 10 == 0:
                return n
            return down(n - 1)

        def run(calls):
            for k in range(calls // 10):
                down(k * 10 + 9)
        """,
        "many.py",
    )
    results = Tracer(space["down"], max_calls=None).run(space["run"], calls)
    assert len(results) == calls
    return results
