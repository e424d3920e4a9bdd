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
from tracefunc.render import json as view
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
    assert SCHEMA["properties"]["version"]["const"] == view.VERSION


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
        ('{"format": "tracefunc", "version": 2}', "version is 2, expected: 1"),
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
