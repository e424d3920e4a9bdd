"""All views agree on what they show of a trace: names that hold code, lines that cannot be counted, and redaction."""

import re

import pytest

from tracefunc import Tracer, TraceResults, tracefunc
from tracefunc.render import html
from tracefunc.render.html.page_data import page_data
from tracefunc.render.selection import is_unhit, may_run_without_hits, shown_names
from tracefunc.results import Call

SOURCE = """
import functools
import math
from abc import ABC
from enum import Enum

class Meta(type): pass
class Odd(metaclass=Meta): pass
class Colour(Enum):
    RED = 1

@functools.cache
def cached(n):
    return n + 1

def uses(n, given=len, chosen=0):
    data = cached(n) + math.gcd(n, 2)
    kinds = Odd, ABC, Colour, dict.fromkeys, str.upper
    local_code = (cached, math, Colour, Odd, [].append, str.upper, (1).__add__, dict.fromkeys, abs, math.gcd)[chosen]
    changing = n
    for changing in (1, cached):
        data = given, changing
    return data
"""
SHOWN = {"n", "data", "given", "changing", "kinds", "chosen"}
HIDDEN = {"cached", "math", "Odd", "ABC", "Colour", "dict", "str", "local_code", "abs"}


def names_in_text(results):
    """The names that the text shows values of: none is part of the source beside them."""
    names = SHOWN | HIDDEN
    behind = [
        re.split("   +", row.partition("│ ")[2].strip(), maxsplit=1) for row in results.text(width=1000).split("\n")
    ]
    found = {word for _, *values in behind for word in re.findall(r"\w+(?= )", " ".join(values))}
    return found & names


def names_in_compact_text(results):
    _, *rows = results.text(compact=True).split("\n")  # without the legend
    return set(re.findall(r"(?<= )(\w+)(?==)", "\n".join(row.partition("|")[2] for row in rows)))


def names_in_fragment(results):
    return set(re.findall(r"<span>(\w+) = <b>", html.fragment(results)))


def names_on_page(results):
    data = page_data(results)
    found = set()
    for call in data["calls"]:
        for i, (_, _, hidden) in call["lines"].items():
            names = data["targets"][call["target"]]["lines"][i]["names"]
            found |= {name for k, name in enumerate(names) if k not in hidden}
    return found


def names_in_selection(results):
    return {name for call in results for line in call.lines for name, _ in shown_names(line.vars, call)}


VIEWS = [names_in_selection, names_in_text, names_in_fragment, names_on_page]


@pytest.fixture
def uses(define):
    return define(SOURCE, "uses.py")["uses"]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
@pytest.mark.parametrize("chosen", range(10))
@pytest.mark.parametrize("is_loaded", [False, True])
def test_views_hide_code(uses, view, chosen, is_loaded):
    results = tracefunc(uses, 3, chosen=chosen)
    assert {name for line in results[0].lines for name in line.vars} >= SHOWN | HIDDEN
    if is_loaded:
        results = TraceResults.from_json(results.to_json())
    assert view(results) == SHOWN


def test_compact_text_hides_code(uses):
    # It also leaves out arguments that keep their values.
    assert names_in_compact_text(tracefunc(uses, 3)) == SHOWN - {"n", "given", "chosen"}


def test_a_difference_hides_code(uses):
    found = tracefunc(uses, 3, chosen=0).diff(tracefunc(uses, 3, chosen=1))
    assert {name for line in found.lines for name in line.names} == {
        "chosen",
        "local_code",
    }  # which is another function
    found = tracefunc(uses, 3, given=len).diff(tracefunc(uses, 3, given=abs))
    assert {name for line in found.lines for name in line.names} == {"data", "given"}


def test_a_difference_shows_what_is_code_in_one_trace_only(define):
    function = define("def f(kind):\n    value = (len, 1)[kind]\n    return 0\n", "f.py")["f"]
    found = tracefunc(function, 0).diff(tracefunc(function, 1))
    assert {name for line in found.lines for name in line.names} == {"kind", "value"}


def test_all_names_when_asked_for(uses):
    [call] = tracefunc(uses, 3)
    names = {name for line in call.lines for name, _ in shown_names(line.vars, call, builtins=True)}
    assert names >= SHOWN | HIDDEN


# --- lines ---


def test_lines_that_are_not_counted(define):
    source = 'def f(n):\n    "doc"\n    if n:\n        x: int\n        pass\n        print(n)\n    return n\n'
    results = tracefunc(define(source, "f.py")["f"], 0)
    unhit = [line.text for line in results[0].lines if is_unhit(line)]
    assert unhit == ["print(n)"]
    [target] = page_data(results)["targets"]
    uncounted = [line["text"] for line in target["lines"] if line["mayRunWithoutHits"]]
    assert uncounted == ['"doc"', "x: int", "pass"]
    assert html.fragment(results).count('<tr class="unhit">') == 1


@pytest.mark.parametrize(
    ("kind", "text", "may_run"),
    [
        ("try", "try:", True),
        ("statement", "global x", True),
        ("statement", "x: int = 1", False),
        ("if", "pass", False),
    ],
)
def test_may_run_without_hits(kind, text, may_run):
    assert may_run_without_hits(kind, text) is may_run


# --- redaction ---

ENDS = """
def secret(fails):
    word = "".join(("pass", "word"))
    if fails:
        raise ValueError(word)
    return word
"""


@pytest.mark.parametrize("fails", [False, True])
def test_no_view_shows_what_is_redacted(define, fails, tmp_path):
    secret = define(ENDS, "secret.py")["secret"]
    results = Tracer(secret, redact=("secret", "word")).run(secret, fails)
    results.diff(tracefunc(secret, not fails)).to_html(tmp_path / "diff.html")
    loaded = TraceResults.from_json(results.to_json())
    for shown in (results, loaded, loaded.merge(results)):
        views = [shown.text(), shown.text(compact=True), shown.to_json(), html.page(shown), html.fragment(shown)]
        views += [shown._repr_markdown_(), shown.diff(results).text()]
        for view in views:
            assert "password" not in view
        if fails:
            assert all("&lt;redacted&gt;" in view or "redacted" in view for view in views[:-1])
            assert page_data(shown)["raised"] == "<redacted>"


def test_all_views_write_the_error_alike(define):
    fails = define("def fails():\n    raise KeyError('no\\x1bkey')\n", "fails.py")["fails"]
    results = tracefunc(fails)
    for shown in (results, TraceResults.from_json(results.to_json())):
        assert "The run raised KeyError('no\\x1bkey')" in shown.text()
        assert "run raised KeyError('no\\x1bkey')" in shown.text(compact=True)
        assert page_data(shown)["raised"] == "KeyError('no\\x1bkey')"
        assert "The run raised KeyError(&#39;no\\x1bkey&#39;)" in html.fragment(shown)


def test_a_plain_pair_has_no_parameters():
    call = Call(("", {"f(x)": (1, {"f": [("function", "<function f>")], "x": [("int", "1")]})}))
    assert shown_names(call.trace["f(x)"][1], call) == [("x", [("int", "1")])]
