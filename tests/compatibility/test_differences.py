"""Each row of docs/differences.md, shown: what a trace says where version 0.0.7 said something else."""

import builtins
import copy
import functools
import io
import linecache
import operator
import re
import subprocess
import sys
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "differences.md"
GONE = ("NameError", "<unavailable>")


# -- snippets ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Snippet:
    """A program whose `f` is traced, and lines of the last recorded call: hits, or (hits, samples)."""

    row: str
    source: str
    want: dict
    args: tuple = ()
    fn: str = "f"
    target: str | None = None
    since: tuple = (3, 12)
    calls: int = 1
    absent: tuple = ()
    unhit: bool = False
    differs: tuple = ((3, 12), (3, 99))  # first and last version on which 0.0.7 says something else

    def __str__(self):
        return self.row

    def functions(self):
        """Load the program: what to run, and what to record (or None)."""
        name = f"<difference {self.row} {hash(self.source)}>"
        linecache.cache[name] = (len(self.source), None, io.StringIO(self.source).readlines(), name)
        space = {"__name__": "differences", "__builtins__": builtins}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(self.source, name, "exec", dont_inherit=True), space)
        return space[self.fn], self.target and eval(self.target, space)


SNIPPETS = [
    # which functions
    Snippet(
        "match",
        "def f(v):\n    match v:\n        case 1: return 1\n        case [x, *r] if x > 2: return r\n",
        {
            "match v:": 1,
            "case 1:": 1,
            "return 1": 0,
            "case [x, *r] if x > 2:": (1, {"r": [("list", "[4]")], "x": [("int", "3")]}),
            "return r": 1,
        },
        ([3, 4],),
        unhit=True,
    ),
    Snippet(
        "decorated",
        "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def wrapper(*args): return g(*args)\n"
        "    return wrapper\n@deco\ndef f(x): return x + 1\n",
        {"return x + 1": (1, {"x": [("int", "1")]})},
        (1,),
    ),
    Snippet(
        "decorated",
        "class Box:\n    @staticmethod\n    def twice(x):\n        return 2 * x\ndef f(x): return Box.twice(x)\n",
        {"return 2 * x": 1},
        (1,),
        target="Box.twice",
    ),
    Snippet("lambda-target", "f = lambda x: x + 1\n", {"lambda x: x + 1": (1, {"x": [("int", "1")]})}, (1,)),
    Snippet(
        "renamed",
        "def f(x):\n    return x + 1\nf.__name__ = 'other'\n",
        {"return x + 1": 1},
        (1,),
    ),
    Snippet(
        "callable-fn",
        "import functools\ndef g(x, y):\n    return x + y\nf = functools.partial(g, 1)\n",
        {"return x + y": 1},
        (2,),
        target="g",
    ),
    Snippet(
        "callable-target",
        "import functools\ndef g(x, y):\n    return x + y\nf = functools.partial(g, 1)\n",
        {"return x + y": 1},
        (2,),
    ),
    Snippet(
        "callable-target",
        "class f:\n    def __init__(self, x):\n        self.x = x\n",
        {"self.x = x": 1},
        (1,),
    ),
    Snippet(
        "asynchronous-fn",
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x\n",
        {"await asyncio.sleep(0)": 1, "return x": 1},
        (1,),
    ),
    Snippet("asynchronous-fn", "def f(n):\n    for i in range(n): yield i\n", {"yield i": 3}, (3,)),
    # lines and names
    Snippet(
        "non-ascii",
        "def f():\n    s = 'größe'; t = 1; return t\n",
        {"s = 'größe'": 1, "t = 1": 1, "return t": 1},
    ),
    Snippet(
        "header-only",
        "def f(n):\n    if n:  # often\n        n += 1\n    while n > 2:\n        # why\n        n -= 1\n    return n\n",
        {"if n:": 1, "while n > 2:": 2},
        (2,),
    ),
    Snippet(
        "header-only",
        "def deco(g): return g\ndef f(n):\n    if n:\n        @deco\n        def g(): return n\n        return g()\n",
        {"if n:": 1, "def g():": 1},
        (2,),
    ),
    Snippet(
        "header-only",
        "def f(n):\n    if n:\n        n = (lambda: n + 1)()\n    return n\n",
        {"if n:": 1},
        (2,),
        differs=((3, 12), (3, 12, 99)),
    ),
    Snippet(
        "indented-string",
        "if True:\n    def f():\n        s = '''\nleft'''\n        return s\n",
        {"s = '''\nleft'''": 1, "return s": 1},
    ),
    Snippet(
        "blank-lines",
        "def f():\n    s = '''a\n  \n'''\n    return s\n",
        {"s = '''a\n  \n'''": 1},
    ),
    Snippet(
        "line-breaks",
        "def f():\n    s = '\x0c'; t = 1\n    return t\n",
        {"s = '\x0c'": 1, "t = 1": 1, "return t": 1},
    ),
    Snippet(
        "order",
        "def f():\n    return {1: [2 for i in 'a'], tuple(3 for i in 'a'): 4}\n",
        {"[2 for i in 'a']": 1, "(3 for i in 'a')": 1},
    ),
    Snippet(
        "own-header",
        "def f(x=[i for i in 'ab']):\n    return x\n",
        {"return x": 1},
        absent=("[i for i in 'ab']",),
        unhit=True,
    ),
    Snippet(
        "declared-names",
        "def f(n):\n    def g():\n        nonlocal n\n        n += 1\n    g()\n    return n\n",
        {"def g():": (1, {"g": ...})},
        (1,),
    ),
    # hits
    Snippet(
        "lambda-lines",
        "def f(xs):\n    return sorted(xs, key=lambda v: -v)\n",
        {
            "return sorted(xs, key=lambda v: -v)": 1,
            "lambda v: -v": (2, {"v": [("int", "1"), ("int", "2")]}),
        },
        ([1, 2],),
    ),
    Snippet(
        "nested-comprehension",
        "def f(xs):\n    return [{y for y in x} for x in xs]\n",
        {"[{y for y in x} for x in xs]": 2, "{y for y in x}": 5},
        ([(1, 2), (3, 4, 5)],),
    ),
    Snippet(
        "nested-comprehension",
        "def f(xs):\n    return list(x for x in (y for y in xs) if x > 1)\n",
        {"(x for x in (y for y in xs) if x > 1)": 1, "(y for y in xs)": 2},
        ([1, 2],),
        differs=((3, 15), (3, 99)),
    ),
    Snippet(
        "comprehension-display",
        "def f(xs):\n    return [[*xs, x] for x in xs]\n",
        {"[[*xs, x] for x in xs]": 2},
        ([1, 2],),
    ),
    Snippet(
        "comprehension-unpacking",
        "def f(xs):\n    return [*x for x in xs]\n",
        {"[*x for x in xs]": 2},
        ([(1, 2), (3,)],),
        since=(3, 15),
    ),
    Snippet(
        "comprehension-await",
        "import asyncio\nasync def g(i):\n    await asyncio.sleep(0)\n    return i\n"
        "async def t():\n    return [await g(i) for i in range(3)]\ndef f(): return asyncio.run(t())\n",
        {"[await g(i) for i in range(3)]": 3},
        target="t",
    ),
    Snippet(
        "with",
        "import contextlib\ndef f():\n    with contextlib.nullcontext(1) as a:\n        b = a\n    return b\n",
        {"with contextlib.nullcontext(1) as a:": 1},
    ),
    Snippet(
        "repeated",
        "def f(n):\n    for i in range(n): pass\n",
        {"for i in range(n):": 4},
        (3,),
        differs=((3, 12), (3, 12, 99)),
    ),
    Snippet(
        "repeated",
        "def f(xs):\n    while True: xs.pop()\n",
        {"xs.pop()": 3},
        ([1, 2],),
        differs=((3, 14), (3, 99)),
    ),
    Snippet(
        "no-work",
        "def f():\n    if 0: a = 1\n    return 2\n",
        {"return 2": 1},
        absent=("if 0:",),
    ),
    Snippet(
        "past-ten",
        "def f(n):\n    if n > 1: return f(n - 1)\n    return n\n",
        {"if n > 1:": 1, "return f(n - 1)": 1},
        (14,),
        calls=10,
        absent=("return n",),
    ),
    Snippet(
        "type-parameters",
        "def f():\n    def g[T: int](x: T) -> T: return x\n    type A[K] = list[K]\n    return A.__value__\n",
        {"def g[T: int](x: T) -> T:": 1, "type A[K] = list[K]": 1},
    ),
    Snippet(
        "annotations",
        "def f():\n    def g(x: int): return x\n    return g.__annotations__\n",
        {"def g(x: int):": 1},
        since=(3, 14),
    ),
    Snippet(
        "annotations",
        "def f():\n    def g(x: [i for i in (1, 2)]): return x\n    return g.__annotations__\n",
        {"def g(x: [i for i in (1, 2)]):": 1, "[i for i in (1, 2)]": 0},
        unhit=True,
    ),
    Snippet(
        "called-elsewhere",
        "import re\ndef f(s):\n    def up(m): return m[0].upper()\n    return re.sub('a', up, s)\n",
        {"return m[0].upper()": 3},
        ("banana",),
    ),
    Snippet(
        "dropped-generator",
        "def f():\n    def g():\n        try: yield 1\n        except ValueError: return\n"
        "    it = g(); next(it); del it\n",
        {"yield 1": 1, "except ValueError:": 1},
        differs=((3, 12), (3, 12, 99)),
    ),
    Snippet(
        "reused-frame",
        "def g(n):\n    m = n + 1\n    yield m\ndef f():\n    for i in range(14): next(g(i))\n",
        {"m = n + 1": (1, {"m": [("int", "10")], "n": [("int", "9")]})},
        target="g",
        calls=10,
        differs=((3, 13), (3, 13, 9)),
    ),
    # samples
    Snippet(
        "late-sample",
        "def f():\n    try: int('x')\n    except ValueError as e: return len(e.args)\n",
        {"return len(e.args)": (1, {"e": [("ValueError", ...)], "len": ...})},
    ),
    Snippet(
        "unbound",
        "def f(flag):\n    if flag: len = 3\n    try: return len\n    except NameError: return 0\n",
        {"return len": (1, {"len": [GONE]})},
        (0,),
    ),
    Snippet(
        "class-names",
        "def f(x):\n    class C:\n        __y = x\n    return C\n",
        {"__y = x": (1, {"__y": [("int", "1")], "x": [("int", "1")]})},
        (1,),
    ),
]


def check(snippet, trace):
    for text, want in snippet.want.items():
        hits, names = trace.get(text, (None, None))
        assert hits == (want if isinstance(want, int) else want[0]), (text, trace)
        if not isinstance(want, int):
            assert names.keys() == want[1].keys()
            for name, samples in want[1].items():
                if samples is not ...:
                    assert [(t, s if w[1] is not ... else ...) for (t, s), w in zip(names[name], samples)] == samples
    assert not set(snippet.absent) & trace.keys()
    assert [text for text in trace if text in snippet.want] == list(snippet.want)


def id_of(snippet):
    """The row's id and a number: `with-0`."""
    return f"{snippet.row}-{[s for s in SNIPPETS if s.row == snippet.row].index(snippet)}"


@pytest.mark.parametrize("snippet", SNIPPETS, ids=id_of)
def test_snippet(snippet):
    if sys.version_info < snippet.since:
        with pytest.raises((SyntaxError, AssertionError)):  # there is nothing to trace, or nothing that differs
            run(snippet)
            raise AssertionError
        return
    check(snippet, run(snippet))


def run(snippet):
    fn, target = snippet.functions()
    traces = tracefunc(fn, *copy.deepcopy(snippet.args), target_func=target, incl_unhit=snippet.unhit)
    assert len(traces) == snippet.calls
    return traces[-1][1]


# -- what no snippet can show -----------------------------------------------------------------------------------
class Callable:
    def __call__(self, x):
        return x + 1


def double(x):
    y = x
    return x + y


@pytest.mark.parametrize(
    "target, error, words",
    [
        (len, ValueError, "not written in Python"),
        (int, ValueError, "the class 'int'"),
        (functools.partial(len), ValueError, "not written in Python"),
        (operator.itemgetter(0), ValueError, "not written in Python"),
        (3, TypeError, "int 3"),
    ],
)
def test_unsupported_targets(target, error, words):
    ran = []
    with pytest.raises(error, match=re.escape(words)):
        tracefunc(ran.append, 1, target_func=target)
    assert not ran


def test_twin():
    source = "def g(x, other=None):\n    if other: other(x)\n    return x\n"
    linecache.cache["<twins>"] = (len(source), None, source.splitlines(True), "<twins>")
    one, other = {}, {}
    for space in (one, other):
        exec(compile(source, "<twins>", "exec"), space)
    [(_, trace)] = tracefunc(one["g"], 1, other["g"])
    assert {text: hits for text, (hits, _) in trace.items()} == {"if other:": 1, "other(x)": 1, "return x": 1}


def test_in_a_trace_function():
    found = []

    def trace(frame, event, arg):
        if frame.f_code is Callable.__call__.__code__ and not found:
            found.append(tracefunc(double, 2))

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        Callable()(1)
    finally:
        sys.settrace(before)
    [[(_, lines)]] = found
    assert [hits for hits, _ in lines.values()] == [1, 1]


def test_bounded_repr():
    asked = []

    class Element:
        def __repr__(self):
            asked.append(self)
            return "element"

    def f(xs):
        return len(xs)

    [(_, trace)] = tracefunc(f, [Element() for _ in range(1000)])
    expected = ("list", "[element, element, element, element, element, e...")
    assert trace["return len(xs)"][1]["xs"] == [expected]
    assert len(asked) < 10


def test_syntax_warnings():
    source = "def f():\n    return '\\d'\n"
    linecache.cache["<warns>"] = (len(source), None, source.splitlines(True), "<warns>")
    space = {}
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        exec(compile(source, "<warns>", "exec"), space)
    assert len(shown) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [(_, trace)] = tracefunc(space["f"])
    assert [*trace] == ["return '\\d'"]


def test_only_the_target_is_armed():
    monitoring = sys.monitoring
    seen = []

    def f():
        held = [i for i in range(6) if monitoring.get_tool(i) == "tracefunc"]
        seen.append([monitoring.get_events(i) & ~monitoring.events.PY_UNWIND for i in held])
        seen.append([bool(monitoring.get_local_events(i, g.__code__)) for i in held for g in (f, double)])

    tracefunc(f)
    assert seen == [[0], [True, False]]


def test_tool_id():
    def f():
        return [i for i in range(6) if sys.monitoring.get_tool(i) == "tracefunc"]

    held = []
    tracefunc(lambda: held.extend(f()), target_func=f)
    assert len(held) == 1
    owned = {sys.monitoring.DEBUGGER_ID, sys.monitoring.COVERAGE_ID, sys.monitoring.PROFILER_ID}
    assert not owned & set(held)


def test_no_free_id():
    taken = [i for i in range(6) if sys.monitoring.get_tool(i) is None]
    for i in taken:
        sys.monitoring.use_tool_id(i, f"holder {i}")
    try:
        with pytest.raises(RuntimeError, match=f"holder {taken[0]}"):
            tracefunc(double, 1)
    finally:
        for i in taken:
            sys.monitoring.free_tool_id(i)


def test_no_dependencies():
    project = tomllib.loads((DOCUMENT.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == [] and "dependencies" not in project["dynamic"]
    code = (
        "import sys; before = set(sys.modules); import tracefunc\n"
        # Cython makes modules for itself, which are found nowhere.
        "new = {name for name in set(sys.modules) - before if getattr(sys.modules[name], '__spec__', None)}\n"
        "new = {name.partition('.')[0] for name in new} - {'tracefunc'}\n"
        "print(*new - sys.stdlib_module_names)"
    )
    source = str(Path(sys.modules["tracefunc"].__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {source!r})\n{code}"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


# -- the document ---------------------------------------------------------------------------------------------------
def rows():
    """The rows of the document: [(id, the name of its test)]."""
    found = re.findall(r"^\| `([\w-]+)` \|.*\| `(test_[^`]+)` \|$", DOCUMENT.read_text(encoding="utf-8"), re.M)
    assert len(found) > 30
    return found


def test_each_row_has_its_test():
    snippets = {snippet.row for snippet in SNIPPETS}
    for row, test in rows():
        if row in snippets:
            assert test == f"test_snippet[{row}-...]"
        else:
            assert callable(globals().get(test)), f"{row} names {test}"


def test_each_test_has_its_row():
    ids = [row for row, _ in rows()]
    assert len(ids) == len(set(ids))
    assert {snippet.row for snippet in SNIPPETS} <= set(ids)
    named = {test for _, test in rows()}
    others = {"test_snippet", "test_each_row_has_its_test", "test_each_test_has_its_row", "test_rows_are_whole"}
    assert {name for name in globals() if name.startswith("test_")} - others <= named


def test_rows_are_whole():
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(lines) == len(rows())
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in lines)
