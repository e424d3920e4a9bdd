"""A trace as JSON: what comes back is what was there, it is valid by the schema, and nothing else is let in."""

import copy
import json
import pickle
import subprocess
import sys
import traceback
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tracefunc import Tracer, TraceResults, tracefunc
from tracefunc.render import html
from tracefunc.render import json as view
from tracefunc.render.html.page_data import page_data
from tracefunc.results import Call, RecordedError

pytestmark = pytest.mark.both_engines

SCHEMA = json.loads(files("tracefunc.render").joinpath("trace.schema.json").read_text(encoding="utf-8"))
VALID = Draft202012Validator(SCHEMA)


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def fails(items):
    total = 0
    for item in items:
        total += 10 / item
    return total


def numbers(n):
    for i in range(n):
        yield i
    return "done"


async def sleeps(n, *args, key=None):
    return [n async for n in agen(n)], lambda: key


async def agen(n):
    for i in range(n):
        yield i


TRACES = {
    "recursion": lambda: tracefunc(fib, 4),
    "stack": lambda: tracefunc(fib, 4, target_func=fib, incl_unhit=True),
    "exception": lambda: tracefunc(fails, [1, 2, 0]),
    "generator": lambda: tracefunc(numbers, 3),
    "async": lambda: Tracer(sleeps, agen).run(sleeps, 3, 4),
    "library": lambda: tracefunc(json.loads, '[1, {"a": "\\ud800 ä"}]', target_func=json.JSONDecoder.raw_decode),
    "nothing": lambda: tracefunc(fib, 1, target_func=fails),
    "limits": lambda: Tracer(fib, max_calls=2, max_samples=0, max_repr=None).run(fib, 3),
}


def everything(results):
    """All that is known, as data to compare; what cannot be data in the form that it is read in."""
    known = {name: getattr(results, name) for name in ("engine", "calls", "warnings")}
    known["each"] = [(tuple(call), [getattr(call, name) for name in Call.__annotations__]) for call in results]
    return known


@pytest.mark.parametrize("name", TRACES)
def test_round_trip(engine, name):
    results = TRACES[name]()
    text = results.to_json()
    document = json.loads(text)
    VALID.validate(document)
    loaded = TraceResults.from_json(text)
    assert everything(loaded) == everything(results)
    assert loaded == results
    assert [list(trace) for _, trace in loaded] == [list(trace) for _, trace in results]  # the order too
    assert [call.lines for call in loaded] == [call.lines for call in results]
    assert loaded.to_json() == text
    assert TraceResults.from_json(results.to_json(indent=2).encode()).to_json() == text
    assert all(type(sample) is tuple for call in loaded for sample in call.arguments.values())


def test_schema_is_valid_and_packaged():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == f"urn:tracefunc:trace:{view.VERSION}"
    assert SCHEMA["properties"]["version"]["enum"] == [*range(1, view.VERSION + 1)]


def test_result_as_text(engine):
    results = tracefunc(fib, 4)
    loaded = view.loads(view.dumps(results))
    assert results.result == 3 and results.result_sample is None
    assert loaded.result is None and loaded.result_sample == ("int", "3")
    assert tracefunc(fails, [0]).exc is not None
    assert view.loads(view.dumps(tracefunc(fails, [0]))).result_sample is None


def test_exception_prints_the_same(engine):
    results = tracefunc(fails, [0])
    results.exc.add_note("a note")
    loaded = view.loads(view.dumps(results))
    assert type(loaded.exc) is RecordedError
    assert (str(loaded.exc), repr(loaded.exc)) == (str(results.exc), repr(results.exc))
    assert loaded.exc.type == "ZeroDivisionError"
    assert loaded.exc.traceback == "".join(traceback.format_exception(results.exc))
    assert "a note" in loaded.exc.traceback
    again = pickle.loads(pickle.dumps(loaded))
    assert view.dumps(again) == view.dumps(loaded) == view.dumps(copy.deepcopy(loaded))


class Mute(Exception):
    def __str__(self):
        raise ValueError

    __repr__ = __str__


def test_exception_that_cannot_be_printed():
    results = TraceResults()
    results.exc = Mute()
    loaded = view.loads(view.dumps(results))
    assert loaded.exc.type == f"{Mute.__module__}.Mute"
    assert (str(loaded.exc), repr(loaded.exc)) == ("<str-error ValueError>", "<repr-error ValueError: >")


def secret(value):
    if value == 0:
        raise ValueError("password")
    return "password"


@pytest.mark.parametrize("value", [0, 1])
def test_what_is_redacted_stays_so(engine, value):
    text = Tracer(secret, redact="secret").run(secret, value).to_json()
    shown = json.loads(text)
    assert "<redacted>" in json.dumps([shown["result"], shown["exception"]])
    shown["targets"] = shown["calls"][0]["lines"] = []  # the source has the word
    assert "password" not in json.dumps(shown)


def test_loading_imports_and_runs_nothing(tmp_path, engine):
    module = tmp_path / "imported_once.py"
    module.write_text("class E(Exception): pass\ndef f(): raise E('message')\n")
    (tmp_path / "trace.json").write_text(
        subprocess.check_output(
            [
                sys.executable,
                "-c",
                "import imported_once, tracefunc; print(tracefunc.tracefunc(imported_once.f).to_json())",
            ],
            cwd=tmp_path,
            text=True,
        )
    )
    module.write_text("raise SystemExit('was imported')")
    code = "import sys, tracefunc; r = tracefunc.TraceResults.from_json(open('trace.json').read()); print(repr(r.exc), 'jsonschema' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, text=True) == "E('message') False\n"


# --- any text ---

TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(["\ud83d\ude00", "a\ud800\udc00\udc00\ud800"])


@given(TEXTS, TEXTS)
def test_surrogates_survive(kind, text):
    call = Call(("", {"x": (1, {"x": [(kind, text)]})}), {"thread": text, "returned": (kind, text)})
    results = TraceResults([call], {"warnings": [text]})
    dumped = view.dumps(results)
    dumped.encode("ascii")
    VALID.validate(json.loads(dumped))
    assert everything(view.loads(dumped)) == everything(results)


# --- anything else ---

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([2**63, -1, 10**400, 1e308, "", "\udc80"])
    | st.text(max_size=3),
    lambda items: st.lists(items, max_size=3) | st.dictionaries(st.text(max_size=3), items, max_size=3),
    max_leaves=5,
)


def read(text):
    """Load a text, which succeeds, or fails with a ValueError that says why."""
    try:
        return view.loads(text)
    except ValueError as error:
        assert str(error).startswith("not a trace: ")
        return None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is not valid JSON"),
        ("{", "it is not valid JSON"),
        (b"\xff\xfe\xfa", "it is not valid JSON"),
        ("[]", r"the text is \[\], expected: an object"),
        ("{}", "the text has no 'format'"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"format": "x", "version": 1}', "format is 'x', expected: 'tracefunc'"),
        ('{"format": "tracefunc", "version": 3}', "version is 3, expected: 1 to 2"),
        ('{"format": "tracefunc", "version": true}', "version is True"),
        ('{"format": "tracefunc", "format": "tracefunc"}', "'format' occurs twice"),
        ('{"format": NaN}', "NaN is not a number"),
        ('{"format": ' + "9" * 5000 + "}", "it is not valid JSON"),
    ],
)
def test_wrong_texts(text, message):
    with pytest.raises(ValueError, match=f"not a trace: .*{message}"):
        view.loads(text)


def replaced(document, path, value):
    document = copy.deepcopy(document)
    *way, last = path
    part = document
    for step in way:
        part = part[step]
    part[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["calls", 0, "lines", 1, "hits"], -1, r"calls\[0\].lines\[1\].hits is -1, expected: a whole number"),
        (["calls", 0, "lines", 1, "hits"], 2**63, "below 2 to the 63rd"),
        (["calls", 0, "lines", 1, "hits"], 1.0, "hits is 1.0"),
        (["calls", 0, "parent"], 0, r"calls\[0\].parent is 0, expected: an index below 0"),
        (["calls", 0, "target"], 7, r"calls\[0\].target is 7, expected: an index below 1"),
        (["calls", 0, "ended_at"], 7, r"calls\[0\].ended_at is 7, expected: an index below 4"),
        (["calls", 0, "seconds"], "1", r"calls\[0\].seconds is '1', expected: a number"),
        (
            ["calls", 0, "raised"],
            ["E"],
            r"calls\[0\].raised is \['E'\], expected: an array of a type's name and a text",
        ),
        (["calls", 0, "arguments", 0, "value", 1], 5, r"calls\[0\].arguments\[0\].value\[1\] is 5, expected: a text"),
        (["calls", 0, "lines", 1, "text"], "total = 0", "expected: a text that differs from the ones before"),
        (["calls", 0, "more"], 1, r"calls\[0\] has 'more', which is unknown"),
        (["warnings"], None, "warnings is None, expected: an array"),
        (["exception", "type"], None, "exception.type is None"),
    ],
)
def test_wrong_parts(path, value, message):
    document = replaced(json.loads(view.dumps(tracefunc(fails, [0]))), path, value)
    with pytest.raises(ValueError, match=f"not a trace: .*{message}"):
        view.loads(json.dumps(document))


def paths(value, path=()):
    """The ways to all parts of a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield [*path, key]
        yield from paths(item, [*path, key])


DOCUMENT = json.loads(view.dumps(tracefunc(fails, [0])))
PATHS = list(paths(DOCUMENT))


@pytest.mark.slow
@settings(max_examples=400)
@given(st.sampled_from(PATHS), ANYTHING)
def test_any_part_replaced(path, value):
    text = json.dumps(replaced(DOCUMENT, path, value))
    loaded = read(text)
    if loaded is not None:
        VALID.validate(json.loads(text))
        assert everything(view.loads(view.dumps(loaded))) == everything(loaded)


@given(st.sampled_from(PATHS))
def test_any_part_missing(path):
    document = copy.deepcopy(DOCUMENT)
    *way, last = path
    part = document
    for step in way:
        part = part[step]
    del part[last]
    loaded = read(json.dumps(document))
    assert (loaded is not None) == VALID.is_valid(document) or isinstance(last, int)  # an index may lead nowhere now


@given(st.integers(0), st.integers(0), TEXTS)
def test_any_text_damaged(start, length, put):
    text = json.dumps(DOCUMENT)
    start %= len(text)
    read(text[:start])
    read(text[:start] + put + text[start + length % 50 :])


@given(st.binary() | TEXTS | ANYTHING.map(json.dumps))
def test_anything(text):
    assert read(text) is None


def test_other_types_are_no_text():
    with pytest.raises(TypeError):
        view.loads(None)


@pytest.mark.parametrize("seconds", [10**400, -(10**400), float("nan"), float("inf"), "1", True, [1]])
def test_seconds_that_are_no_number(seconds):
    text = tracefunc(len_of, [1]).to_json()
    data = json.loads(text)
    data["calls"][0]["seconds"] = seconds
    with pytest.raises(ValueError, match="seconds|NaN|Infinity"):
        TraceResults.from_json(json.dumps(data))


def len_of(items):
    return len(items)


# --- whatever is accepted can be shown ------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    ["", "a", "x = 1", "f(\n  x)", "if x:", "'''", "\n", "\r", "\x1b[31m", "\u202e", "\ud800", "é\t漢", "a\x0cb"]
)
COUNTS = st.integers(0, 9) | st.sampled_from([10**6, 2**63 - 1])
SAMPLES = st.tuples(TEXTS, TEXTS).map(list)
RAISED_HITS = st.fixed_dictionaries({"sample": COUNTS, "error": SAMPLES})
PLACES = st.fixed_dictionaries(
    {
        "text": TEXTS,
        "names": st.lists(TEXTS, max_size=2),
        "kind": TEXTS | st.sampled_from(["statement", "for", "lambda", "try", "if", "return"]),
        "lineno": COUNTS,
        "end_lineno": COUNTS,
        "col": COUNTS,
    }
)
TARGETS = st.fixed_dictionaries(
    {"function": TEXTS, "file": TEXTS, "lineno": COUNTS, "source": TEXTS, "places": st.lists(PLACES, max_size=3)}
)
OPTIONS = {
    "max_calls": st.none() | COUNTS,
    "max_samples": st.none() | COUNTS,
    "max_repr": st.none() | COUNTS,
    "keep": st.sampled_from(["first", "last", "ends"]),
    "redact": st.lists(TEXTS, max_size=2),
}


@st.composite
def documents(draw):
    targets = draw(st.lists(TARGETS, min_size=1, max_size=2))
    calls = []
    for i in range(draw(st.integers(0, 3))):
        target = draw(st.integers(0, len(targets) - 1))
        places = targets[target]["places"]
        texts = dict.fromkeys(draw(st.lists(st.sampled_from([place["text"] for place in places] or ["x"]), max_size=3)))
        columns = st.lists(st.fixed_dictionaries({"name": TEXTS, "samples": st.lists(SAMPLES, max_size=3)}), max_size=1)
        call = {"target": target, "parent": draw(st.none() | st.integers(0, i - 1)) if i else None}
        chains = st.lists(st.fixed_dictionaries({"name": TEXTS, "samples": st.lists(SAMPLES, max_size=2)}), max_size=1)
        of_line = {
            "attributes": chains,
            "moments": st.lists(COUNTS, max_size=2),
            "raised": st.lists(RAISED_HITS, max_size=1),
        }
        more = st.fixed_dictionaries({}, optional=of_line)
        call |= {"lines": [{"text": text, "hits": draw(COUNTS), "vars": draw(columns)} | draw(more) for text in texts]}
        call |= draw(st.fixed_dictionaries({}, optional={"began": COUNTS, "ended": st.none() | COUNTS}))
        if call["parent"] is None or (those := targets[calls[call["parent"]]["target"]]["places"]):
            lines = st.integers(0, len(those) - 1 if call["parent"] is not None else 9)
            hit = st.fixed_dictionaries({"line": lines, "hit": st.none() | COUNTS})
            call |= draw(st.fixed_dictionaries({}, optional={"parent_line": st.none() | hit}))
        call |= {"arguments": draw(st.lists(st.fixed_dictionaries({"name": TEXTS, "value": SAMPLES}), max_size=1))}
        call |= {name: draw(st.none() | SAMPLES) for name in ("returned", "raised")}
        call |= {"stack": draw(TEXTS), "thread": draw(TEXTS), "task": draw(st.none() | TEXTS), "seconds": None}
        call |= {"yielded": draw(st.lists(SAMPLES, max_size=2)), "more_yielded": draw(st.booleans())}
        call |= {"ended_at": draw(st.none() | st.integers(0, len(places) - 1)) if places else None}
        calls.append(call)
    error = st.fixed_dictionaries(dict.fromkeys(("type", "message", "text", "traceback"), TEXTS))
    return {
        "format": "tracefunc",
        "version": draw(st.sampled_from([1, 2])),
        "engine": draw(TEXTS),
        "seen": draw(COUNTS),
        "watched_to_the_end": draw(st.booleans()),
        "options": draw(st.fixed_dictionaries({}, optional=OPTIONS)),
        "chosen_by": draw(st.lists(TEXTS, max_size=1)),
        "door": draw(st.sampled_from(["python", "command line", "pytest", "pytest fixture"])),
        "warnings": draw(st.lists(TEXTS, max_size=1)),
        "result": draw(st.none() | SAMPLES),
        "exception": draw(st.none() | error),
        "targets": targets,
        "calls": calls,
    }


def show_all(results, other):
    """Ask for every view."""
    results.text(width=60), results.text(compact=True), results.text(builtins=True), results._repr_markdown_()
    html.page(results), html.fragment(results), repr(results), pickle.dumps(results)
    results.diff(other).text(), results.diff(results).text()
    results.merge(other).text()
    assert TraceResults.from_json(results.to_json()) == results


@settings(max_examples=10)
@given(documents(), documents())
def test_what_is_accepted_can_be_shown(document, other):
    assert VALID.is_valid(document)
    show_all(*(TraceResults.from_json(json.dumps(one)) for one in (document, other)))


@pytest.mark.parametrize("first, last", [(0, 0), (3, 1), (2**63 - 1, 2**63 - 1)])
@pytest.mark.parametrize("lineno", [0, 7])
@pytest.mark.parametrize("source", ["", "def f():\n  x\n"])
def test_lines_beyond_the_source(first, last, lineno, source):
    place = {"text": "x\ny", "names": [], "kind": "statement", "lineno": first, "end_lineno": last, "col": 77}
    document = json.loads(tracefunc(fib, 1).to_json())
    document["targets"] = [{"function": "f", "file": "f.py", "lineno": lineno, "source": source, "places": [place]}]
    [call] = document["calls"]
    call |= {"lines": [{"text": "x\ny", "hits": 1, "vars": []}], "ended_at": 0, "raised": ["E", "E()"]}
    results = TraceResults.from_json(json.dumps(document))
    show_all(results, results)
    assert page_data(results)["calls"][0]["ended"] == 0


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("watched_to_the_end", 1, "watched_to_the_end is 1, expected: true or false"),
        ("options", {"max_calls": -1}, "options.max_calls is -1, expected: a whole number"),
        ("options", {"keep": "best"}, "options.keep is 'best', expected: 'first' or 'last' or 'ends'"),
        ("options", {"nonsense": 1}, "options has 'nonsense', which is unknown"),
        ("door", "window", "door is 'window', expected: 'python' or"),
        ("chosen_by", "when", "chosen_by is 'when', expected: an array"),
    ],
)
def test_wrong_options_of_a_trace(name, value, said):
    document = json.loads(tracefunc(fib, 1).to_json()) | {name: value}
    assert not VALID.is_valid(document)
    with pytest.raises(ValueError) as caught:
        TraceResults.from_json(json.dumps(document))
    assert said in str(caught.value)


# --- texts that break lines -------------------------------------------------------------------------------------------


NO_FILE_NAME = pytest.param(
    "\ud800",
    id="surrogate",  # a report with the character itself could not be sent
    marks=pytest.mark.skipif(sys.gettrace() is not None, reason="coverage.py asks the file system for the name"),
)


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\x1b[2J", "\u202e", "\u200f", NO_FILE_NAME, "\x85", "\u2028", "\x00"])
def test_odd_names_of_files_and_functions(odd, define):
    if odd == "\x00":
        name = "file.py"
    else:
        name = f"a{odd}b (c.py:3)\n.py"
    space = define("def inner(n): return n\ndef outer(n): return inner(n)\n", name)
    code = space["inner"].__code__
    space["inner"].__code__ = code.replace(co_qualname=f"in{odd}ner (x.py:1)\nmore")
    results = tracefunc(space["outer"], 1, target_func=space["inner"])
    rows = results[0].stack.split("\n")
    assert len(rows) == 2 == len(results[0].stack.splitlines()) and all(row.isprintable() for row in rows)
    assert [row[row.rindex(":") :] for row in rows] == [":2)", ":1)"]
    for shown in (
        results.text(),
        results.text(compact=True),
        results.diff(Tracer(space["inner"]).run(space["outer"], 2)).text(),
    ):
        assert all(row.isprintable() for row in shown.split("\n"))
    data = page_data(results)
    assert (
        data["targets"][0]["function"] + data["targets"][0]["file"] + data["calls"][0]["stack"].replace("\n", "")
    ).isprintable()
    assert odd not in html.fragment(results).replace("\n", "") or odd == "\n"
    assert results[0].function == f"in{odd}ner (x.py:1)\nmore"  # as it is
