"""What views say of what is left out, and that they say nothing where nothing is."""

import pickle
import re
import subprocess
import sys

import pytest

from tracefunc import Tracer, TraceResults, tracefunc
from tracefunc.render import html
from tracefunc.render.html.page_data import page_data
from tracefunc.render.omissions import omissions

pytestmark = pytest.mark.both_engines

SOURCE = """
def leaf(n): return n

def calls(k):
    for i in range(k):
        leaf(i)

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def loop(k):
    total = 0
    for i in range(k):
        total += i
    return total

def gives(k):
    for i in range(k):
        yield i

def exhausts(k):
    for i in range(k):
        list(gives(1))

def text(k):
    return "x" * k

def both(k):
    for i in range(k):
        leaf(i)
    fib(4)
    list(gives(1))
"""


@pytest.fixture
def space(define):
    return define(SOURCE, "program.py")


def views(results):
    """All views of a trace that say what is left out."""
    loaded = TraceResults.from_json(results.to_json())
    again = pickle.loads(pickle.dumps(results))
    return [
        results.text(),
        results.text(compact=True),
        results._repr_markdown_(),
        html.fragment(results),
        str(page_data(results)["omissions"]),
        results.diff(results).text(),
        loaded.text(),
        again.text(),
        results.merge(results).text(),
    ]


# --- calls --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target, fn", [("leaf", "calls"), ("gives", "exhausts")])
@pytest.mark.parametrize("many", [0, 10, 11, 50])
def test_calls(space, target, fn, many):
    results = tracefunc(space[fn], many, target_func=space[target])
    assert len(results) == min(many, 10)
    assert results.calls == min(many, 11)
    assert results.watched_to_the_end == (many <= 10)
    loaded = TraceResults.from_json(results.to_json())
    assert (loaded.calls, loaded.watched_to_the_end) == (results.calls, results.watched_to_the_end)
    for view in views(results):
        assert ("10 of at least 11 calls recorded: Tracer(max_calls=None)" in view.replace("\n    ", " ")) == (
            many > 10
        ) or "20 of at least 22 calls" in view
        assert many > 10 or "at least" not in view
    assert ("10 of at least 11 calls recorded (Tracer(max_calls=" in repr(results)) == (many > 10)
    assert repr(results).startswith(repr(list(results)))


def test_recursion(space):
    results = tracefunc(space["fib"], 6)
    assert (len(results), results.calls, results.watched_to_the_end) == (10, 11, False)
    assert "10 of at least 11 calls recorded" in results.text()
    assert "at least" not in tracefunc(space["fib"], 3).text()


@pytest.mark.parametrize("many, found", [(1, (1, 1, True)), (2, (2, 2, True)), (3, (2, 3, False)), (9, (2, 3, False))])
def test_calls_that_a_condition_chooses(space, many, found):
    """The condition is not asked about the call after the last recorded one."""
    results = Tracer(space["leaf"], when="n < 2", max_calls=2).run(space["calls"], many)
    assert (len(results), results.calls, results.watched_to_the_end) == found


def test_calls_that_a_condition_leaves_out(space):
    results = Tracer(space["leaf"], when="n == 3").run(space["calls"], 300)
    assert (results.calls, results.watched_to_the_end) == (300, True)
    assert "1 of 300 calls recorded: Tracer(when=...) leaves out the others." in results.text()
    assert repr(results).endswith("  # 1 of 300 calls recorded (Tracer(when=...))")
    none = Tracer(space["leaf"], when="n == -3").run(space["calls"], 300)
    assert "No call was recorded.\n0 of 300 calls recorded: Tracer(when=...)" in none.text()


@pytest.mark.parametrize("keep", ["last", "ends"])
def test_all_calls_are_watched_where_others_than_the_first_are_kept(space, keep):
    results = Tracer(space["leaf"], max_calls=4, keep=keep).run(space["calls"], 50)
    assert (len(results), results.calls, results.watched_to_the_end) == (4, 50, True)
    assert "4 of 50 calls recorded: Tracer(max_calls=None) records all." in results.text()


def test_no_calls_at_all(space):
    results = Tracer(space["leaf"], max_calls=0).run(space["calls"], 5)
    assert not results.watched_to_the_end and "Tracer(max_calls=None)" in results.text()


def test_several_targets(space):
    targets = space["leaf"], space["fib"], space["gives"]
    results = Tracer(*targets, max_calls=3).run(space["both"], 5)
    assert (len(results), results.calls, results.watched_to_the_end) == (3, 6, False)
    results = Tracer(*targets, max_calls=None).run(space["both"], 5)
    assert results.calls == len(results) == 5 + 9 + 1


# --- samples, values and texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [9, 10, 11, 50])
def test_samples(space, many):
    results = tracefunc(space["loop"], many)
    assert [line.complete for line in results[0].lines] == [True, many < 10, many <= 10, True]
    for view in views(results):
        assert ("Tracer(max_samples=None)" in view.replace("\n     ", " ").replace("\n    ", " ")) == (many > 9)
    for view in views(results)[:4]:
        assert ("(10 of 50)" in view) == (many == 50)
    assert ("# not all hits have samples" in repr(results)) == (many > 9)


@pytest.mark.parametrize("keep", ["first", "last", "ends"])
def test_no_samples_at_all(space, keep):
    results = Tracer(max_samples=0, keep=keep).run(space["loop"], 3)
    assert not any(line.complete for line in results[0].lines)
    assert all("max_samples=None" in view.replace("\n", "") for view in views(results))


def test_no_limit(space):
    results = Tracer(max_samples=None, max_calls=None, max_repr=None).run(space["loop"], 50)
    assert omissions(results) == [] and repr(results) == repr(list(results))


@pytest.mark.parametrize("keep", ["first", "last", "ends"])
@pytest.mark.parametrize("many", [10, 11, 30])
def test_yielded_values(space, keep, many):
    [call] = results = Tracer(max_samples=10, keep=keep).run(space["gives"], many)
    assert (len(call.yielded), call.more_yielded) == (min(many, 10), many > 10)
    [loaded] = TraceResults.from_json(results.to_json())
    assert loaded.more_yielded == call.more_yielded
    assert any("yielded" in text for text in omissions(results)) == (many > 10)
    assert (",…" in results.text(compact=True).split("\n")[2]) == (many > 10)


@pytest.mark.parametrize("many", [48, 49])
def test_texts(space, many):
    results = tracefunc(space["text"], many)
    for view in views(results):
        assert ("max_repr=None" in view.replace("\n", "")) == (many > 48)


@pytest.mark.parametrize("many", [100, 300])
def test_the_exception(define, many):
    fails = define("def fails(k):\n    raise ValueError('x' * k)\n")["fails"]
    results = tracefunc(fails, many)
    for view in views(results)[:5]:
        assert ("The text of the exception is cut at 200 characters: to_json()" in view) == (many > 200)


def test_warnings(space):
    results = Tracer(space["leaf"], when="{}[n]").run(space["calls"], 30)
    assert len(results.warnings) == 10 and results.warnings[-1] == "more warnings of this kind are left out"


def test_values_that_do_not_fit(space):
    results = Tracer(max_samples=None).run(space["loop"], 500)
    assert "… stands for what does not fit: to_html(path) shows all." in results.text()
    assert "… stands for what is cut here: to_html(path) shows all." in results.text(compact=True)
    assert "… stands for what does not fit: to_html(path) shows all." in html.fragment(results)
    for view in views(tracefunc(space["loop"], 3)):
        assert "stands for" not in view


def test_a_difference_says_which_trace_lacks_what(space):
    whole, part = tracefunc(space["loop"], 3), tracefunc(space["loop"], 50)
    assert re.search(r"^\+   Lines with more hits .*max_samples", whole.diff(part).text(), re.M)
    assert re.search(r"^-   Lines with more hits .*max_samples", part.diff(whole).text(), re.M)
    assert whole.diff(whole).text() == ""


# --- doors --------------------------------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.slow
def test_command_line(space, tmp_path):
    (tmp_path / "program.py").write_text(SOURCE + "calls(20)\nloop(20)\n")
    command = [sys.executable, "-m", "tracefunc", "-t", ":leaf", "-t", ":loop", "--max-calls"]
    for number in ("5", "none"):
        options = ["--json", "t.json", "-o", "t.txt", "--html", "t.html", "program.py"]
        done = subprocess.run([*command, number, *options], capture_output=True, text=True, cwd=tmp_path, timeout=60)
        shown = done.stderr + (tmp_path / "t.txt").read_text("utf-8") + (tmp_path / "t.html").read_text("utf-8")
        assert ("5 of at least 7 calls recorded: --max-calls none records all." in shown) == (number == "5")
        assert ("--max-samples none keeps all" in shown) == (number == "none")
        assert "Tracer(" not in shown
    show = [sys.executable, "-m", "tracefunc", "show", "t.json"]
    done = subprocess.run(show, capture_output=True, text=True, cwd=tmp_path, timeout=60, encoding="utf-8")
    assert "--max-samples none" in done.stdout


@pytest.mark.once
@pytest.mark.slow
def test_pytest(space, tmp_path):
    (tmp_path / "program.py").write_text(SOURCE)
    test = "import program\ndef test_fails():\n    program.calls(20)\n    program.loop(20)\n    assert 0\n"
    (tmp_path / "test_it.py").write_text(test)
    targets = ["--tracefunc", "program:leaf", "--tracefunc", "program:loop"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *targets]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert "10 of at least 12 calls recorded: --tracefunc-max-calls none records all." in done.stdout


def test_older_traces(space):
    """A trace that was written before all this is read as it was."""
    import json

    document = json.loads(tracefunc(space["loop"], 3).to_json())
    for name in ("watched_to_the_end", "options", "chosen_by", "door"):
        del document[name]
    for call in document["calls"]:
        del call["more_yielded"]
    results = TraceResults.from_json(json.dumps(document))
    assert results.watched_to_the_end and not results[0].more_yielded and omissions(results) == []
