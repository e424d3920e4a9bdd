"""Two traces side by side: where they diverge, what differs, and what does not count as a difference."""

import copy
import html.parser
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracefunc import Tracer, TraceResults, tracefunc
from tracefunc.render import cells, diff
from tracefunc.render.diff import matching
from tracefunc.render.diff.call_pair import same as same_value
from tracefunc.results import Call

pytestmark = pytest.mark.both_engines

MEAN = """
def mean(xs):
    total = 0
    for x in xs:
        total += x
    return total / len(xs)
"""
FIB = """
def fib(n):
    if n < 2: return n
    return fib(n - 1) + fib(n - 2)
"""


@pytest.fixture
def trace(define):
    """Trace a function of some source text."""

    def run(source, name, *args, target=None, **options):
        namespace = define(source, "version.py")
        return Tracer(namespace[target or name], **options).run(namespace[name], *args)

    return run


def test_nothing_differs(engine, trace):
    found = trace(MEAN, "mean", [1, 2, 6]).diff(trace(MEAN, "mean", [1, 2, 6]))
    assert not found
    assert (found.first, found.calls, found.lines, found.source) == (None, [], [], [])
    assert found.text() == ""
    assert repr(found) == "<Difference: calls 0, lines 0, source 0, first None>"


def test_input_that_works_and_input_that_fails(engine, trace, golden):
    found = trace(MEAN, "mean", [1, 2, 6]).diff(trace(MEAN, "mean", [1, 2, "6"]))
    assert found
    assert found.first == (
        "mean",
        (0, 0),
        "argument",
        (None, None),
        (None, None),
        None,
        "xs",
        ("[1, 2, 6]", "[1, 2, '6']"),
    )
    [call] = found.calls
    assert call.arguments == {"xs": ("[1, 2, 6]", "[1, 2, '6']")}
    assert call.yielded is None
    assert call.ends[0] == "returned 3.0" and call.ends[1].startswith("raised TypeError")
    assert [(line.linenos, line.hits, list(line.names)) for line in found.lines] == [
        ((4, 4), (4, 3), ["x", "xs"]),
        ((5, 5), (3, 3), ["total", "x"]),
        ((6, 6), (1, 0), []),
    ]
    golden("diff_inputs.txt", found.text(width=80) + "\n")


def test_two_versions(engine, trace, golden):
    new = FIB.replace("if n < 2: return n", "# smaller\n    if n <= 2:\n        return 1")
    found = trace(FIB, "fib", 4).diff(trace(new, "fib", 4))
    assert [(difference.lines, difference.linenos) for difference in found.source] == [
        (("if n < 2:", "if n <= 2:"), (3, 4)),
        (("return n", "return 1"), (3, 5)),
    ]
    # The first two calls do the same; the third, of 2, is the first one that the new version decides otherwise.
    assert found.first[:6] == ("fib", (2, 2), "hits", ("return n", "return 1"), (3, 5), 1)
    assert [call.calls for call in found.calls] == [(4, 4), (5, None), (6, None), (7, None), (8, None)]
    golden("diff_versions.txt", found.text(width=80) + "\n")


def test_only_the_source_differs(engine, trace):
    found = trace(MEAN, "mean", [1]).diff(trace(MEAN.replace("total / len(xs)", "total / 1"), "mean", [1]))
    assert found
    assert found.first is None and found.calls == found.lines == []
    assert found.text(width=60) == "Source\n-   6  return total / len(xs)\n+   6  return total / 1"


def test_moved_lines_do_not_differ(engine, trace):
    source = "def f(x):\n    a = x\n    b = 1\n    c = 2\n    return a\n"
    moved = "\n\ndef f(x):\n    b = 1\n    c = 2\n    a = x\n    return a\n"
    assert not trace(source, "f", 1).diff(trace(moved, "f", 1))
    found = trace(source, "f", 1).diff(trace(moved, "f", 2))
    assert [(line.lines[0], line.linenos, sorted(line.names)) for line in found.lines] == [
        ("a = x", (2, 6), ["a", "x"]),
        ("return a", (5, 7), ["a"]),
    ]


def test_line_in_one_only(engine, trace):
    found = trace("def f(x):\n    return x\n", "f", 1).diff(
        trace("def f(x):\n    # new\n    y = 2\n    return x\n", "f", 1)
    )
    assert found.first[:6] == ("f", (0, 0), "line", (None, "y = 2"), (None, 3), 1)
    assert found.text().startswith("First difference: call 1 of f, line 3, hit 1: only in the second\n+   y = 2\n")
    assert found.lines[0].hits == (0, 1)


# --- which is first ---


def first(a, b):
    point = a.diff(b).first
    return point.what, point.lines[0], point.hit, point.name


def test_first_in_a_loop_is_the_earlier_iteration(engine, trace):
    source = "def f(xs, limit):\n    n = 0\n    for x in xs:\n        a = x > {}\n        b = x > {}\n    n = x\n    return n\n"
    a, b = (trace(source.format(*limits), "f", [1, 2, 3, 4], 0) for limits in ((3, 1), (4, 2)))
    for results in (a, b):  # of the same source, so that the loop's lines are
        for call in results:
            call.places = a[0].places
            call.trace.update({"a = x > 3": call.trace.get("a = x > 3") or call.trace["a = x > 4"]})
            call.trace.update({"b = x > 1": call.trace.get("b = x > 1") or call.trace["b = x > 2"]})
    assert first(a, b) == ("value", "b = x > 1", 2, "b")  # `a` differs from the fourth on


def test_first_is_inside_the_statement(engine, trace):
    source = "def f(k):\n    k = bool(k)\n    y = sum(x * {} for x in range(3))\n    return y\n"
    found = trace(source.format(1), "f", 1).diff(trace(source.format(2), "f", 1)).first
    assert found.lines[0].startswith("y = sum(")  # the values of x are equal: only the sum differs
    source = "def f(k):\n    d = 0\n    y = [d + x + z for x in (1, 2) for z in ({},)]\n    return y\n"
    found = trace(source.format(1), "f", 1).diff(trace(source.format(2), "f", 1)).first
    assert found.lines[0].startswith("[d + x + z") and (found.name, found.hit) == ("z", 1)


def test_first_is_in_the_call_that_caused_it(engine, trace):
    source = "def f(n):\n    a = n\n    b = f(n - 1) if n else {}\n    return b\n"
    a, b = trace(source.format(1), "f", 2), trace(source.format(2), "f", 2)
    found = a.diff(b).first
    assert found.calls == (2, 2) and found.name == "b" and found.values == ("1", "2")


def test_first_is_before_the_call(engine, trace):
    source = "def f(n):\n    a = n + {}\n    b = f(n - 1) if n else 0\n    return b\n"
    found = trace(source.format(1), "f", 2).diff(trace(source.format(2), "f", 2)).first
    assert found.calls == (0, 0) and found.name == "a"


@pytest.mark.parametrize("stacks", [True, False])
def test_calls_are_placed_by_the_stack_or_the_name(engine, define, stacks):
    source = "def g(x):\n    y = x * {0}\n    return 0\n\ndef f():\n    g(1)\n    a = {0}\n    return a\n"
    found = []
    for number in (1, 2):
        space = define(source.format(number), "version.py")
        found.append(Tracer(space["f"], space["g"]).run(space["f"]))
        if not stacks:
            found[-1] = TraceResults([Call(("", call.trace), call.__dict__) for call in found[-1]])
    point = found[0].diff(found[1]).first
    assert (point.function, point.name) == ("g", "y")


def test_yielded_values_and_ends(engine, trace):
    source = "def f(n):\n    for i in range(n):\n        yield {}\n    return {}\n"
    found = trace(source.format("i", 0), "f", 2).diff(trace(source.format("i * 2", 0), "f", 2))
    assert found.calls[0].yielded == (["0", "1"], ["0", "2"])
    assert found.first.what == "yielded" and found.first.values == ("1", "2") and found.first.hit == 2
    found = trace(source.format("i", 0), "f", 2).diff(trace(source.format("i", 1), "f", 2))
    assert found.first.what == "end" and found.first.values == ("returned 0", "returned 1")


def test_call_in_one_only(engine, trace):
    source = "def g():\n    return 0\n\ndef f(n):\n    for i in range(n): g()\n"
    found = trace(source, "f", 1, target="g").diff(trace(source, "f", 2, target="g"))
    assert found.first[:3] == ("g", (None, 1), "call")
    assert found.text().startswith("First difference: call 2 of g: only in the second\n")
    assert "Calls only in the second\n+ 2 g() -> 0" in found.text()


# --- what is the same ---


def test_addresses_are_no_difference(engine, trace):
    source = "class C: pass\n\ndef f(n):\n    x = C()\n    y = [C(), n]\n    return x\n"
    a = trace(source, "f", 1)
    b = trace(source, "f", 1)
    for call in b:
        for _, names in call.trace.values():
            for samples in names.values():
                samples[:] = [(kind, re.sub("0x[0-9a-f]+", "0x123456", text)) for kind, text in samples]
    found = a.diff(b)
    assert not (found.calls or found.lines or found.source or found.first)
    assert found  # nobody knows whether these are the same objects
    assert {(value.what, value.name) for value in found.not_comparable} >= {("value", "x"), ("value", "y")}
    assert "Not comparable" in found.text(100)
    assert not a.diff(a)
    assert not a.diff(copy.deepcopy(a))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("<C at 0x7f01>", "<C at 0x55>", True),
        ("<C at 0x7f01>", "<D at 0x7f01>", False),
        ("[<C at 0x7f01>, ...", "[<C at 0x55>, <C at 0x5...", True),
        ("[<C at 0x7f01>, 1...", "[<C at 0x55>, 2, 3...", False),
        ("<C at 0x7f...", "<C at 0x5...", True),
        ("1", "2", False),
        ("ab...", "abc...", False),
    ],
)
def test_same(a, b, same):
    assert same_value(("C", a), ("C", b)) is same
    assert same_value(("C", b), ("C", a)) is same
    assert not same_value(("C", a), ("D", a))


def test_what_differs_between_runs_is_no_difference(engine, trace):
    a = trace(FIB, "fib", 3)
    b = copy.deepcopy(a)
    b.engine = "another"
    for call in b:
        call.seconds, call.thread, call.task, call.file, call.lineno = 0.0, "other", "task", "other.py", 100
        call.places = tuple(
            (text, names, kind, row + 100, end + 100, col) for text, names, kind, row, end, col in call.places
        )
    assert not a.diff(b)


def test_a_trace_does_not_differ_from_what_was_written_of_it(engine, trace):
    results = trace(FIB, "fib", 4)
    assert not results.diff(TraceResults.from_json(results.to_json()))


def test_functions_of_the_same_name_are_told_apart_by_their_files(engine, define):
    a = define("def f(x):\n    return x\n", "a.py")["f"]
    b = define("def f(x):\n    return -x\n", "b.py")["f"]
    one, other = tracefunc(a, 1), tracefunc(b, 1)
    assert not one.merge(other).diff(other.merge(one))
    assert one.diff(other)  # known by the name alone, these are two versions


# --- lines ---


def places(*rows):
    return tuple((text, (), kind, lineno, lineno, col) for text, kind, lineno, col in rows)


def test_sequence_of_expressions():
    rows = [
        ("a = 1", "statement", 1, 4),
        ("b = f([g for g in [h for h in a]], [i for i in a])", "statement", 2, 4),
        ("[g for g in [h for h in a]]", "comprehension", 2, 10),
        ("[h for h in a]", "comprehension", 2, 22),
        ("[i for i in a]", "comprehension", 2, 39),
        ("c = 1", "statement", 3, 4),
    ]
    assert matching.sequence(places(*rows)) == [0, 3, 2, 4, 1, 5]


def test_loops():
    rows = [
        ("for a in [b for b in c]:", "for", 1, 4),
        ("[b for b in c]", "comprehension", 1, 13),
        ("while any([d for d in e]):", "while", 2, 8),
        ("[d for d in e]", "comprehension", 2, 18),
        ("f()", "statement", 3, 12),
        ("g = [h for h in i]", "statement", 4, 4),
        ("[h for h in i]", "comprehension", 4, 8),
        ("for j in k:", "for", 5, 4),
        ("l()", "statement", 5, 16),
    ]
    assert matching.loops(places(*rows)) == [0, None, 0, 0, 0, None, None, 7, 7]


LINES = st.lists(
    st.tuples(st.sampled_from(["a = 1", "a = 12", "b = f(a)", "return a"]), st.sampled_from(["statement", "for"])),
    max_size=7,
)


@given(LINES, LINES)
def test_each_line_is_matched_once(a, b):
    a, b = (places(*((text, kind, 1, 0) for text, kind in lines)) for lines in (a, b))
    pairs = matching.matched_lines(a, b)
    assert sorted(i for i, _ in pairs if i is not None) == list(range(len(a)))
    assert sorted(j for _, j in pairs if j is not None) == list(range(len(b)))
    assert [i for i, _ in pairs if i is not None] == list(range(len(a)))
    left = [
        [side[i][0] for i, other in ((p[n], p[1 - n]) for p in pairs) if other is None] for n, side in enumerate((a, b))
    ]
    assert not set(left[0]) & set(left[1])  # what is in one only is not in the other


@given(LINES)
def test_a_version_matches_itself(lines):
    rows = places(*((text, kind, 1, 0) for text, kind in lines))
    assert matching.matched_lines(rows, rows) == [(i, i) for i in range(len(rows))]


# --- any traces ---

TEXT = st.sampled_from(["0", "1", "<C at 0x1>", "日" * 60, "\x1b[31m<b>&\"'", "\ud800"])
SAMPLE = st.tuples(st.sampled_from(["int", "str"]), TEXT)


@st.composite
def traces(draw):
    """Traces of one or two functions, in versions that have some lines in common."""
    results = TraceResults()
    for i in range(draw(st.integers(0, 3))):
        texts = draw(
            st.lists(st.sampled_from(["a = 1", "for a in b:", "<i>\x1b", "a = 12", "f()"]), max_size=4, unique=True)
        )
        found = tuple((text, ("a",), "for" if "for" in text else "statement", n, n, 4) for n, text in enumerate(texts))
        trace = {}
        for text in texts:
            samples = draw(st.lists(SAMPLE, max_size=3))
            trace[text] = len(samples) or draw(st.integers(0, 2)), {"a": samples}
        known = {
            "function": draw(st.sampled_from("fg")), "places": found, "returned": draw(st.none() | SAMPLE),
            "arguments": draw(st.dictionaries(st.sampled_from("xy"), SAMPLE)), "yielded": draw(st.lists(SAMPLE, max_size=3)),
            "parent": draw(st.none() | st.integers(0, i - 1)) if i else None,
        }  # fmt: skip
        results.append(Call(("", trace), known))
    return results


@pytest.mark.once
@pytest.mark.slow
@given(traces(), traces(), st.integers(40, 100))
def test_any_two_traces(a, b, width):
    found, back = a.diff(b), b.diff(a)
    text = found.text(width=width)
    assert bool(found) == bool(back)
    assert bool(found) == bool(text) or text.startswith("Nothing differs in the traces, which do")
    assert (found.first is None) == (not found.calls and not found.lines)
    assert len(found.calls) == len(back.calls)
    for row in text.splitlines():
        assert row.isprintable() and cells.columns(row) <= width
    assert not a.diff(copy.deepcopy(a))


# --- the page ---


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.texts.append(data)


def test_page(engine, trace, tmp_path):
    source = "def f(x):\n    y = '<script>alert(1)</script>' * x\n    return y\n"
    path = tmp_path / "diff.html"
    found = trace(source, "f", 1).diff(trace(source, "f", 2))
    found.to_html(path)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in "".join(page.texts)
    for row in found.text(width=102).splitlines():
        assert row in "".join(page.texts)
    style = re.search("<style>(.*)</style>", text, re.S)[1]
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    [policy] = [value for name, value in page.attributes if name == "content" and "default-src" in value]
    assert policy == f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{allowed}'"
    assert not {name for name, _ in page.attributes} & {"src", "href", "style", "onclick"}


def test_page_without_differences_and_with_odd_characters(tmp_path):
    results = TraceResults([Call(("", {}), {"function": "\ud800", "returned": ("str", "\ud800\x00")})])
    for other, told in ((results, "Nothing differs."), (TraceResults(), "\\ud800")):
        results.diff(other).to_html(tmp_path / "diff.html")
        assert told in (tmp_path / "diff.html").read_text(encoding="utf-8")


def test_page_needs_jinja(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(ImportError, match=r"pip install 'tracefunc\[html\]'"):
        diff.compare(TraceResults(), TraceResults()).to_html(tmp_path / "diff.html")
    assert not list(tmp_path.iterdir())
