"""The page and the fragment for notebooks, as texts: what they hold, that all of it is escaped, and their size."""

import hashlib
import json
import re
import subprocess
import sys
from base64 import b64decode
from html.parser import HTMLParser

import pytest

from pages import FAILING, PAYLOADS, hostile, long_function, many_calls, trace_of_prices
from tracefunc import TraceResults, tracefunc
from tracefunc.render import html, html_templates
from tracefunc.render.html.notebook_fragment import LIMIT
from tracefunc.render.html.page_data import page_data
from tracefunc.results import Call

VOID = {"meta", "link", "input", "img", "br", "base"}


class Document(HTMLParser):
    """The elements of a page, and the texts in those whose text is raw."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.raw, self.open = [], {}, []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style", "title", "h1"):
            self.raw.setdefault(self.open[-1], []).append(data)

    def tags(self):
        return [tag for tag, _ in self.elements]


def data_of(text):
    return json.loads(Document(text).raw["script"][0])


# --- the page -----------------------------------------------------------------------------------------------------


def test_page_is_one_file_of_its_own(tmp_path):
    path = tmp_path / "page.html"
    trace_of_prices().to_html(path, title="Orders & more")
    document = Document(path.read_text(encoding="utf-8"))
    assert document.raw["title"] == ["Orders & more – tracefunc"]
    sources = [
        attributes[name] for _, attributes in document.elements for name in ("src", "href") if name in attributes
    ]
    assert sources == ["data:,", "#source"]
    assert "url(" not in path.read_text(encoding="utf-8")
    assert "@import" not in path.read_text(encoding="utf-8")


def test_title_names_the_targets():
    assert Document(html.page(trace_of_prices(FAILING))).raw["h1"] == ["prices, discount"]


def test_policy_allows_these_texts_only():
    document = Document(html.page(trace_of_prices()))
    [policy] = [a["content"] for _, a in document.elements if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    _, script = document.raw["script"]
    [style] = document.raw["style"]
    for kind, text in (("script-src", script), ("style-src", style)):
        assert b64decode(rules[kind][len("'sha256-") : -1]) == hashlib.sha256(text.encode()).digest()
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"


def test_roles_and_labels():
    document = Document(html.page(trace_of_prices()))
    by_id = {a["id"]: (tag, a) for tag, a in document.elements if "id" in a}
    assert len(by_id) == sum("id" in a for _, a in document.elements)
    assert by_id["tree"][1]["role"] == "tree"
    assert by_id["source"][1]["role"] == "listbox"
    assert by_id["position"][1]["aria-live"] == "polite"
    references = {
        name
        for _, a in document.elements
        for key in ("aria-labelledby", "aria-describedby", "for")
        for name in a.get(key, "").split()
    }
    assert references <= set(by_id)
    for tag, attributes in document.elements:
        if tag == "button":
            assert "title" in attributes or attributes == {}  # the latter has a text
        if tag == "input" and attributes["type"] != "checkbox":  # which stands in its label
            assert attributes["aria-label"]


def test_no_inline_style_or_handler():
    for text in (html.page(trace_of_prices()), html.fragment(trace_of_prices())):
        for _, attributes in Document(text).elements:
            assert not [name for name in attributes if name.startswith("on")]
            assert attributes.get("style") in (None, "text-align:left" if text.startswith("<div") else None)


def test_data():
    data = page_data(trace_of_prices(FAILING))
    prices, discount = data["targets"]
    assert prices["function"] == "prices"
    assert prices["rows"][2] == "    total = 0"
    assert [call["parent"] for call in data["calls"]] == [None, 0, 0]
    assert data["raised"] == "ZeroDivisionError('division by zero')"
    failed = data["calls"][-1]
    assert data["samples"][failed["raised"]] == ["ZeroDivisionError", "ZeroDivisionError('division by zero')"]
    assert discount["lines"][failed["ended"]]["text"] == "share = 1 / (count - 4)"
    text = [line["text"] for line in prices["lines"]]
    hits, columns, hidden = data["calls"][0]["lines"][text.index("for name, amounts in orders:")]
    assert hits == 5 and hidden == []
    names = prices["lines"][text.index("for name, amounts in orders:")]["names"]
    assert [data["samples"][s][1] for s in columns[names.index("name")]] == ["'ann'", "'bob'", "'cy'", "'dee'", "'eve'"]


def test_equal_things_are_there_once():
    results = many_calls(100)
    data = page_data(results)
    assert len(data["targets"]) == 1
    assert len({tuple(sample) for sample in data["samples"]}) == len(data["samples"])


def cut_out(target, span):
    """The text that a span of a target covers, in UTF-16 units."""
    first, start, last, end = span
    rows = [row.encode("utf-16-le", "surrogatepass") for row in target["rows"][first : last + 1]]
    rows[-1] = rows[-1][: 2 * end]
    rows[0] = rows[0][2 * start :]
    return [row.decode("utf-16-le") for row in rows]


@pytest.mark.parametrize("indentation", ["", "    ", "\t"])
def test_positions_of_lines(define, indentation):
    body = '''
    def f(n):
        s = "𝄞é"; t = [c for c in "𝄞" if c]; u = lambda: (s,
          t)
        if (n and
                u()): return """a
      b"""  # ♥
        return sum(x
            for x in range(n))
    '''
    lines = ["class C:\n" if indentation else "", *(indentation + line[4:] + "\n" for line in body.split("\n")[1:-1])]
    space = define("".join(lines))
    function = space["C"].f if indentation else space["f"]
    [target] = page_data(tracefunc(function, 2))["targets"]
    assert len(target["lines"]) == 9
    for line in target["lines"]:
        found = cut_out(target, line["span"])
        assert [row.strip() for row in found] == [row.strip() for row in line["text"].rstrip(" ").split("\n")]
    for row, tokens in zip(target["rows"], target["tokens"], strict=True):
        assert sum(tokens[1::2]) == len(row.encode("utf-16-le")) // 2


def test_plain_pairs_have_a_page():
    pair = (
        "main (a.py:1)\nf (a.py:2)",
        {"if x:": (2, {"x": [("int", "1"), ("int", "0")]}), "return (x,\n 1)": (1, {"x": []})},
    )
    results = TraceResults([Call(pair)])
    [target] = page_data(results)["targets"]
    assert target["rows"] == ["if x:", "return (x,", " 1)"]
    assert [line["span"] for line in target["lines"]] == [(0, 0, 0, 5), (1, 0, 2, 3)]
    assert "if" in html.fragment(results)


def test_calls_whose_source_is_lost_have_a_page():
    results = trace_of_prices(FAILING)
    for call in results:
        call.source = ""
    data = page_data(results)
    failed = data["calls"][-1]
    assert data["targets"][failed["target"]]["lines"][failed["ended"]]["text"] == "share = 1 / (count - 4)"
    assert "✗" in html.fragment(results)


def test_empty_results():
    assert data_of(html.page(TraceResults()))["calls"] == []
    assert "No call was recorded." in html.fragment(TraceResults())


def test_error_whose_repr_fails():
    class Bad(Exception):
        def __repr__(self):
            raise KeyError("no")

    results = TraceResults()
    results.exc = Bad()
    assert page_data(results)["raised"] == "<repr-error KeyError: 'no'>"


# --- escaping -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_stay_texts(payload, tmp_path):
    harmless = Document(html.page(hostile("x"), title="x"))
    path = tmp_path / "page.html"
    hostile(payload).to_html(path, title=payload)
    text = path.read_bytes().decode()
    assert Document(text).tags() == harmless.tags()
    assert data_of(text)["calls"][0]["stack"] == payload
    data = re.search('<script type="application/json" id="data">(.*?)</script>', text, re.S)[1]
    assert data.isascii()
    assert not set("<>&") & set(data)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_stay_texts_in_the_fragment(payload):
    tags = Document(html.fragment(hostile(payload))).tags()
    assert set(tags) <= {
        "b",
        "code",
        "details",
        "div",
        "p",
        "span",
        "style",
        "summary",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
    }
    assert tags.count("details") == 2
    html.fragment(hostile(payload)).encode()


# --- the fragment -------------------------------------------------------------------------------------------------


def test_fragment():
    results = trace_of_prices(FAILING)
    text = results._repr_html_()
    assert text == html.fragment(results)
    document = Document(text)
    assert document.tags()[0] == "div"
    assert "script" not in document.tags()
    assert document.tags().count("details") == 3
    assert "The run raised ZeroDivisionError(&#39;division by zero&#39;)" in text
    [style] = document.raw["style"]
    selectors = [
        part for rule in re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", style)) for part in rule.split(",")
    ]
    assert all(selector.strip().startswith(".tracefunc-view") for selector in selectors)


@pytest.mark.once
@pytest.mark.slow
def test_fragment_is_bounded():
    values = ("str", "&" * 100_000)
    for results in (
        tracefunc(long_function(5000), 1),
        many_calls(5000),
        TraceResults(
            [
                Call(
                    (
                        "",
                        {
                            f"{name} = 1": (10, {name: [values] * 10 for name in "abc"})
                            for name in map("x{}".format, range(5000))
                        },
                    )
                )
            ]
            * 60
        ),
        TraceResults(
            [
                Call(
                    (values[1], {values[1]: (1, {values[1]: [values]})}),
                    {"function": values[1], "arguments": {"a": values}},
                )
            ]
            * 60
        ),
    ):
        text = html.fragment(results)
        assert len(text) <= LIMIT
        assert "not shown" in text or "recorded calls are shown" in text
        Document(text)


def test_fragment_says_what_is_left_out():
    assert "50 of 60 recorded calls are shown" in html.fragment(many_calls(60))


# --- the extra ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["jinja2", "pygments"])
def test_missing_extra(missing, tmp_path):
    script = f"""
import sys
sys.modules[{missing!r}] = None
from tracefunc import tracefunc
results = tracefunc(lambda: 1)
try:
    results.to_html("page.html")
except ImportError as error:
    assert error.name == {missing!r}, error
    assert "pip install 'tracefunc[html]'" in str(error), error
else:
    raise SystemExit("no error")
assert results._repr_html_() is None
"""
    path = tmp_path / "script.py"
    path.write_text(script)
    done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "page.html").exists()


def test_hash_is_as_browsers_compute_it():
    # The example of the Content Security Policy specification.
    digest = "qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
    assert html_templates.source_hash("alert('Hello, world.');") == f"'sha256-{digest}'"
