"""A trace as text: goldens for what it looks like, and what holds of any trace whatever it looks like."""

import io
import json
import re
import threading
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracefunc import Tracer, TraceResults, tracefunc
from tracefunc.render import cells, text
from tracefunc.render.selection import runs
from tracefunc.results import Call

pytestmark = pytest.mark.both_engines

PROGRAM = '''
import asyncio


def fib(n):
    if n < 2: return n
    return fib(n - 1) + fib(n - 2)


def mean(xs):
    """The mean.

    It is the sum,
    by the number.
    """
    total = 0
    for x in xs:
        total += x
    if not xs:
        pass
        print("nothing")
    return total / len(xs)


def shared(words):
    long = [word.upper() for word in words if word]; short = sorted(words, key=lambda w: len(w))
    wide = "日本語" + long[0]; last = "schön"
    return {
        word: len(word)
        for word in words
    }, short[0]


def many(n):
    for i in range(n):
        even = i % 2 == 0
        text = "x" * 60 + str(i)
    return i


def called(function, x):
    return function(x)


def caller(n):
    return [called(abs, i) for i in range(n)]


def count(n):
    for i in range(n):
        yield i


async def main(n):
    return await asyncio.gather(*[asyncio.create_task(part(i), name=f"part {i}") for i in range(n)])


async def part(i):
    await asyncio.sleep(0)
    return i


class Stack:
    def __init__(self):
        self.items = []

    def __repr__(self):
        return "Stack\\x1b[31m\\nof " + str(len(self.items))

    def push(self, item):
        """Put it on."""
        @staticmethod
        def checked():
            raise ValueError(f"no {item}")
        if item is None:
            checked()
        self.items.append(item)
        return self


def pushes(*items):
    stack = Stack()
    for item in items:
        stack.push(item)
'''


@pytest.fixture
def program(define):
    return define(PROGRAM, "program.py")


def constant(shown):
    """A text without what differs from run to run."""
    return re.sub(r"\b0x[0-9a-f]{6,}", "0x1", re.sub(r"\[Task-\d+\]", "[Task-1]", shown))


EXAMPLES = {
    "recursion": lambda p: tracefunc(p["fib"], 4),
    "loop": lambda p: tracefunc(p["mean"], [1, 2, 6]),
    "raises": lambda p: tracefunc(p["mean"], [1, "2"]),
    "shared_rows": lambda p: tracefunc(p["shared"], ["ab", "a", "abc"]),
    "many_values": lambda p: tracefunc(p["many"], 1000),
    "stack": lambda p: tracefunc(p["caller"], 3, target_func=p["called"]),
    "generator": lambda p: tracefunc(p["count"], 3),
    "tasks": lambda p: Tracer(p["main"], p["part"]).run(p["main"], 2),
    "escapes": lambda p: Tracer(p["Stack"].push).run(p["pushes"], 1, None),
    "nothing": lambda p: tracefunc(p["fib"], 1, target_func=p["mean"]),
    "not_all": lambda p: Tracer(p["fib"], max_calls=2, max_samples=1).run(p["fib"], 3),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_goldens(engine, program, golden, name):
    results = EXAMPLES[name](program)
    golden(f"{name}.txt", constant(results.text(width=90)) + "\n")
    golden(f"{name}.compact.txt", constant(results.text(compact=True)) + "\n")


def test_goldens_in_a_narrow_terminal(engine, program, golden):
    golden("narrow.txt", tracefunc(program["shared"], ["ab", "a", "abc"]).text(width=50) + "\n")


def test_builtins_when_asked_for(engine, program):
    results = tracefunc(program["mean"], [1])
    for options in ({}, {"compact": True}):
        assert "<built-in function len>" not in results.text(width=200, **options)
        assert "<built-in function len>" in results.text(width=200, builtins=True, **options)


def test_parameters_are_shown_whatever_they_hold(engine, program):
    assert "function <built-in function abs>" in tracefunc(program["called"], abs, 1).text(width=200)


def test_threads_are_told_apart(engine, define):
    part = define("def part(i):\n    return i\n")["part"]

    def run():
        threads = [threading.Thread(target=part, args=(0,), name=name) for name in ("one", "two")]
        for thread in threads:
            thread.start()
            thread.join()

    shown = tracefunc(run, target_func=part).text()
    assert "[one]" in shown and "[two]" in shown
    assert "[" not in tracefunc(part, 1).text()


def test_statement_behind_a_long_docstring(engine, define):
    function = define('def f():\n    """One\n\n    two\n    """; x = 1\n    return x\n')["f"]
    assert tracefunc(function).text(width=60).split("\n")[3:-1] == [
        ' 2   │     """One',
        "     │     …",
        ' 5 1 │     """; x = 1   x 1',
    ]


def test_no_source_and_no_places():
    call = Call(
        ("", {"x = 1": (1, {"x": [("int", "1")]})}), {"function": "f", "file": "f.py", "returned": ("int", "1")}
    )
    assert "f() -> 1" in TraceResults([call]).text()
    call.places = (("x = 1", ("x",), "statement", 7, 7, 4),)
    assert " 7 1 │ x = 1   x 1" in TraceResults([call]).text()


def test_redacted_error_stays_so(engine, define):
    secret = define("def secret():\n    raise ValueError('pass' + 'word')\n")["secret"]
    results = Tracer(secret, redact="secret").run(secret)
    for options in ({}, {"compact": True}):
        assert "password" not in results.text(**options)
        assert "<redacted>" in results.text(**options)


def test_markdown(engine, program):
    shown = tracefunc(program["fib"], 1)._repr_markdown_()
    assert shown.startswith("```text\n") and shown.endswith("\n```\n")
    call = Call(("", {}), {"function": "f", "returned": ("str", "'```'")})
    assert text.markdown(TraceResults([call])).startswith("````text\n")


@pytest.mark.once
@pytest.mark.slow
def test_recursion_beyond_any_screen(engine, define):
    down = define("def down(n):\n    return n and down(n - 1)\n")["down"]
    results = Tracer(down, max_calls=None).run(down, 300)
    shown = results.text(width=80)
    assert "down(n=0) -> 0" in shown
    assert max(map(cells.columns, shown.splitlines())) <= 80


# --- show ---


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal()


def without_colours(shown):
    return "".join(line.rstrip() + "\n" for line in re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines())


def test_show_in_colours(engine, program, terminal):
    results = tracefunc(program["shared"], ["ab", "a", "abc"])
    text.show(results, file=terminal)
    shown = terminal.getvalue()
    assert "\x1b[" in shown
    assert without_colours(shown) == results.text(width=80) + "\n"


def test_show_without_colours(engine, program, terminal, monkeypatch, capsys):
    results = tracefunc(program["fib"], 3)
    results.show()  # no terminal
    assert capsys.readouterr().out == results.text(width=80) + "\n"
    monkeypatch.setenv("NO_COLOR", "1")
    text.show(results, file=terminal)
    assert terminal.getvalue() == results.text(width=80) + "\n"


def test_show_without_rich(engine, program, terminal, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rich.console", None)
    results = tracefunc(program["fib"], 3)
    text.show(results, file=terminal)
    assert terminal.getvalue() == results.text(width=80) + "\n"


def test_show_where_the_encoding_lacks_characters(engine, program, monkeypatch):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    text.show(tracefunc(program["shared"], ["ab", "a"]), file=file)
    file.flush()
    assert b"\\u65e5" in raw.getvalue() and b" | " in raw.getvalue()


# --- cells ---


@given(st.text(st.characters(exclude_categories=())))
def test_escaped_moves_no_cursor(value):
    shown = cells.escaped(value)
    assert shown.isprintable()
    assert cells.escaped(shown) == shown


def test_columns():
    assert [cells.columns(text) for text in ("abc", "日本", "e\u0301", "ｱ", "😀")] == [3, 4, 1, 1, 2]
    assert cells.expanded("a\tb\t日\tc") == "a       b       日      c"


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("日\u0301\x1b\\")), st.integers(0, 30))
def test_cut(value, room):
    shown = cells.escaped(value)
    found = cells.cut(shown, room)
    assert cells.columns(found) <= room
    if found != shown and room:
        kept = found.removesuffix("…")
        assert found.endswith("…") and shown.startswith(kept)
        whole = list(cells.pieces(shown))
        assert kept in {"".join(whole[:i]) for i in range(len(whole))}
        assert not unicodedata.combining(shown[len(kept)]) or not kept


def test_no_cut_inside_an_escape():
    assert [cells.cut(r"a\x1b[b", room) for room in range(1, 9)] == [
        "…",
        "a…",
        "a…",
        "a…",
        "a…",
        r"a\x1b…",
        r"a\x1b[b",
        r"a\x1b[b",
    ]


def test_runs():
    assert runs([("int", "1"), ("int", "1"), ("bool", "1"), ("str", "\n")]) == [("1", 2), ("1", 1), ("\\n", 1)]


# --- any trace ---

TEXT = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(
    ["日" * 60, "\x1b[31m" * 20, "a" * 200]
)
SAMPLE = st.tuples(st.sampled_from(["int", "str", "type"]), TEXT)
NAME = st.sampled_from(["a", "bb", "名", "x" * 60])
TRACE_LINES = st.lists(
    st.tuples(
        TEXT, st.integers(0, 10**6), st.dictionaries(NAME, st.lists(SAMPLE, max_size=12), max_size=3), st.integers(1, 6)
    ),
    max_size=6,
    unique_by=lambda line: line[0],
)


@st.composite
def traces(draw):
    """Traces of all shapes, whether or not a function could make them."""
    lines = draw(TRACE_LINES)
    places = tuple((line, tuple(names), "statement", row, row, 3) for line, _, names, row in lines)
    source = "\n".join(draw(st.lists(TEXT.map(lambda row: row.replace("\n", "")), max_size=5)))
    results = TraceResults()
    for i in range(draw(st.integers(0, 4))):
        trace = {
            line: (hits, names) for line, hits, names, _ in draw(st.permutations(lines))[: draw(st.integers(0, 6))]
        }
        known = {
            "function": draw(TEXT), "file": draw(TEXT), "lineno": 1, "source": source, "places": places,
            "arguments": draw(st.dictionaries(NAME, SAMPLE, max_size=3)), "returned": draw(st.none() | SAMPLE),
            "raised": draw(st.none() | SAMPLE), "yielded": draw(st.lists(SAMPLE, max_size=8)), "thread": draw(TEXT),
            "task": draw(st.none() | TEXT), "parent": draw(st.none() | st.integers(0, i)),
            "ended_at": draw(st.none() | st.integers(0, len(places) - 1)) if places else None,
        }  # fmt: skip
        results.append(Call((draw(TEXT), trace), known))
    results.warnings = draw(st.lists(TEXT, max_size=2))
    results.calls = draw(st.integers(0, 20))
    results.exc = draw(st.none() | st.builds(ValueError, TEXT))
    return results


@pytest.mark.once
@pytest.mark.slow
@given(traces(), st.integers(40, 130), st.booleans())
def test_width(results, width, builtins):
    shown = results.text(width=width, builtins=builtins)
    for row in shown.split("\n"):
        assert row.isprintable()
        assert cells.columns(row) <= width


@pytest.mark.once
@pytest.mark.slow
@given(traces(), st.booleans())
def test_bound_of_the_compact_text(results, builtins):
    hit = [line for call in results for line in call.lines if line.hits]
    names = sum(len(line.vars) for line in hit) + len(results.warnings)
    names += sum(len(call.arguments) + len(call.yielded) for call in results)
    assert (
        len(results.text(compact=True, builtins=builtins)) <= 1000 * (1 + len(results)) + 150 * len(hit) + 450 * names
    )


def test_compact_is_short(engine, program):
    results = tracefunc(json.loads, "[1, 2]", target_func=json.JSONDecoder.decode)
    assert len(results.text(compact=True)) < len(repr(list(results)))
    results = tracefunc(program["fib"], 8)
    assert len(results.text(compact=True)) < len(repr(list(results))) / 3
