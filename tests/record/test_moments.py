"""When each sample was taken, in which order, and which hits an exception ended."""

import contextvars
import copy
import gc
import json
import pickle
import threading

import pytest

from tracefunc import Tracer, TraceResults, tracefunc
from tracefunc._values.plain_text import own_name

pytestmark = pytest.mark.both_engines


def moments(results):
    """All moments of a trace, sorted."""
    found = [moment for call in results for moment in (call.began, call.ended) if moment is not None]
    found += [moment for call in results for line in call.lines for moment in line.moments]
    return sorted(found)


def in_order(call):
    """The texts of a call's lines as they were sampled."""
    return [text for _, text in sorted((rank, line.text) for line in call.lines for rank in line.order)]


def raised(call):
    """By the text of a line: the types of the exceptions that ended hits, by sample."""
    return {line.text: {k: kind for k, (kind, _) in line.raised.items()} for line in call.lines if line.raised}


def test_samples_calls_and_their_order():
    def helper(x):
        return x + 1

    def target(n):
        total = 0
        for i in range(n):
            total += helper(i)
        return total

    with Tracer(target, helper) as results:
        target(2)
    outer, first, second = results
    assert in_order(outer) == [
        "total = 0",
        "for i in range(n):",
        "total += helper(i)",
        "for i in range(n):",
        "total += helper(i)",
        "for i in range(n):",
        "return total",
    ]
    assert moments(results) == list(range(7 + 2 + 2 * 3))
    assert outer.began < first.began < first.ended < second.began < second.ended < outer.ended
    loop, body = outer.lines[1], outer.lines[2]
    assert loop.moments[0] < first.began and first.ended < body.moments[0] < loop.moments[1] < second.began
    assert outer.lines[0].order == [0] and outer.lines[3].order == [6]


def test_code_nested_in_the_target():
    def target(xs):
        return sum(
            [
                (lambda v: v + 1)(x)
                for x in xs
                if x
            ]
        )  # fmt: skip

    [call] = tracefunc(target, [1, 0, 2])
    assert [len(line.moments) for line in call.lines] == [line.hits for line in call.lines]
    assert sorted(rank for line in call.lines for rank in line.order) == list(range(5))


@pytest.mark.parametrize("keep", ["first", "last", "ends"])
def test_limits(keep):
    """What falls out leaves no gap."""

    def target(n):
        for i in range(n):
            i = i + 1
        return n

    def several():
        for n in range(9):
            target(n + 20)

    with Tracer(target, max_calls=3, max_samples=4, keep=keep) as results:
        several()
    assert moments(results) == list(range(3 * (2 + 4 + 4 + 1)))
    for call in results:
        assert [len(line.moments) for line in call.lines] == [4, 4, 1]
        assert [line.complete for line in call.lines] == [False, False, True]
        assert all(line.moments == sorted(line.moments) for line in call.lines)
    assert [call.began for call in results] == sorted(call.began for call in results)


def test_a_line_without_names_is_complete_only_if_each_hit_has_a_moment():
    def target(n):
        while n:
            try:
                n -= 1
            finally:
                pass

    [call] = tracefunc(target, 12)
    assert {line.text: line.complete for line in call.lines if not line.vars} == {"try:": False, "pass": False}


RAISING = [
    ("x = int(s)", "ValueError"),
    ("raise KeyError(s)", "KeyError"),
    ("assert not s", "AssertionError"),
    ("for x in s.y: pass", "AttributeError"),
    ("while s.y: pass", "AttributeError"),
    ("if s.y: pass", "AttributeError"),
    ("del x", "UnboundLocalError"),
    ("return s.y", "AttributeError"),
    ("import tracefunc.no_such_module", "ModuleNotFoundError"),
    ("with s: pass", "TypeError"),
    ("[s.y for x in s]", "AttributeError"),
    ("class C: s.y", "AttributeError"),
    ("match s.y:\n   case 1: pass", "AttributeError"),
    ("(lambda: s.y)()", "AttributeError"),
]


@pytest.mark.parametrize("around", ["except", "finally", "with", "none"])
@pytest.mark.parametrize("statement, error", RAISING, ids=[statement.split("\n")[0] for statement, _ in RAISING])
def test_each_statement_that_raises(define, statement, error, around):
    before = {
        "except": "try:",
        "finally": "try:",
        "with": "with suppress(Exception):",
        "none": "if True:",
    }[around]
    after = {"except": " except ZeroDivisionError: pass\n except Exception: s = 2", "finally": " finally: s = 3"}
    space = define(
        f"from contextlib import suppress\ndef target(s):\n {before}\n  {statement}\n{after.get(around, '')}\n"
    )
    results = tracefunc(space["target"], "s")
    [call] = results
    found = raised(call)
    first = statement.split("\n")[0]
    mine = {text: kinds for text, kinds in found.items() if first.startswith(text.split(":")[0]) or text in first}
    assert mine == found and found, found
    assert all(kinds == {0: error} for kinds in found.values()), found
    header = next(text for text in found if first.startswith(text.rstrip(":")))
    assert len(next(line for line in call.lines if line.text == header).moments) == 1


def test_only_the_hit_that_raised():
    def target(rows):
        for row in rows:
            try:
                value = 10 // row
            except ZeroDivisionError:
                value = None
        return value

    [call] = tracefunc(target, [1, 0, 2, 0])
    line = next(line for line in call.lines if line.text == "value = 10 // row")
    assert line.raised == {k: ("ZeroDivisionError", line.raised[1][1]) for k in (1, 3)}
    assert line.raised[1][1].startswith("ZeroDivisionError('")
    assert raised(call) == {"value = 10 // row": {1: "ZeroDivisionError", 3: "ZeroDivisionError"}}


def test_what_is_raised_again():
    """A handler that does not fit, `finally` and `with` end no further hit; a bare `raise` ends its own."""

    def target():
        try:
            try:
                try:
                    int("x")
                except KeyError:
                    pass
            finally:
                done = True
        except ValueError as error:
            if done:
                raise
            raise RuntimeError from error

    results = tracefunc(target)
    assert raised(results[0]) == {'int("x")': {0: "ValueError"}, "raise": {0: "ValueError"}}
    assert isinstance(results.exc, ValueError)


FINALLY = """
def target(s, turns):
    for n in turns:
        try:
            try:
                {statement}
            finally:
                {loop}
        except Exception:
            s = "s"
"""


@pytest.mark.parametrize("loop", ["while n:\n n -= 1\n continue", "while 1:\n n -= 1\n if n: continue\n break"])
@pytest.mark.parametrize("statement, error", RAISING, ids=[statement.split("\n")[0] for statement, _ in RAISING])
def test_a_finally_that_begins_with_a_loop(define, statement, error, loop):
    """Its first instruction is reached at each turn of the loop as well, which may long have all its samples."""
    parts = {"statement": statement, "loop": loop}
    [call] = tracefunc(
        define(FINALLY.format(**{k: v.replace("\n", "\n" + 16 * " ") for k, v in parts.items()}))["target"],
        "s",
        [20, 1, 2],
    )
    kinds = raised(call)
    assert statement.split(":")[0].split("\n")[0] in " ".join(kinds)
    assert all(
        text.split(":")[0] in statement and found == dict.fromkeys(range(3), error) for text, found in kinds.items()
    )
    hits = {line.text: line.hits for line in call.lines}
    header = loop.split("\n")[0]
    assert (hits[header], hits["n -= 1"], hits["except Exception:"]) == (26 if header == "while n:" else 23, 23, 3)


def test_a_line_that_raises_behind_such_a_loop():
    def target():
        try:
            raise KeyError
        finally:
            while 1:
                if raised:
                    break
                continue
            int("x")

    [call] = tracefunc(target)
    assert raised(call) == {"raise KeyError": {0: "KeyError"}, 'int("x")': {0: "ValueError"}}


def test_clean_up_code_before_such_a_loop():
    def target(turns):
        try:
            raise KeyError
        except KeyError as error:
            int("x")
        finally:
            while turns:
                turns -= 1

    [call] = tracefunc(target, 2)
    assert raised(call) == {"raise KeyError": {0: "KeyError"}, 'int("x")': {0: "ValueError"}}


def test_in_handlers():
    """Clean-up code runs between the line and the handler around, or the end of the frame."""

    def target(n):
        for i in range(n):
            try:
                try:
                    1 / 0
                except ZeroDivisionError as error:
                    [][i]
            except IndexError:
                pass
            try:
                1 / 0
            except [].x:
                pass
            finally:
                {}[i]

    def fn():
        for n in (3, 0):
            try:
                target(n)
            except Exception:
                pass

    results = tracefunc(fn, target_func=target)
    assert raised(results[0]) == {
        "1 / 0": {0: "ZeroDivisionError"},
        "[][i]": {0: "IndexError"},
        "1 / 0 ": {0: "ZeroDivisionError"},
        "except [].x:": {0: "AttributeError"},
        "{}[i]": {0: "KeyError"},
    }


def test_after_the_last_sample_of_a_line():
    """Its last sample is marked, and none for a later hit."""

    def target(n):
        for i in range(n):
            try:
                try:
                    1 / 0
                except ZeroDivisionError as error:
                    if i in (1, 9, 15, 30):
                        raise KeyError(i)
            except KeyError:
                pass

    [call] = tracefunc(target, 40)
    assert raised(call) == {
        "1 / 0": dict.fromkeys(range(10), "ZeroDivisionError"),
        "raise KeyError(i)": dict.fromkeys(range(4), "KeyError"),
    }


def test_generators():
    def target():
        try:
            yield 1
        except KeyError:
            yield 2
        raise StopIteration("mine")

    def thrown():
        generator = target()
        next(generator)
        generator.throw(KeyError("thrown"))
        next(generator)

    results = tracefunc(thrown, target_func=target)
    assert raised(results[0]) == {"yield 1": {0: "KeyError"}, 'raise StopIteration("mine")': {0: "StopIteration"}}
    assert results[0].raised[0] == "RuntimeError"


def test_several_traces_as_one():
    def target(x):
        y = x
        return 1 // y

    one, other = tracefunc(target, 1), tracefunc(target, 0)
    both = one.merge(other)
    assert moments(both) == list(range(8))
    assert [line.moments for line in both[1].lines] == [[5], [6]] and (both[1].began, both[1].ended) == (4, 7)
    assert both[1].lines == [*both[1].lines] and raised(both[1]) == raised(other[0]) != {}
    for again in (pickle.loads(pickle.dumps(other[0])), copy.copy(other)[0], copy.deepcopy(other)[0]):
        assert again.lines == other[0].lines and again.lines[1].raised
    back = TraceResults.from_json(other.to_json())
    assert back[0].lines == other[0].lines and (back[0].began, back[0].ended) == (0, 3)


def test_a_trace_of_the_schema_before(define):
    """It has no moments."""
    results = tracefunc(define("def target(s):\n return int(s)")["target"], "x")
    document = json.loads(results.to_json())
    document["version"] = 1
    for name in ("began", "ended"):
        del document["calls"][0][name]
    for line in document["calls"][0]["lines"]:
        del line["moments"], line["raised"], line["attributes"]
    [call] = TraceResults.from_json(json.dumps(document))
    assert call == results[0] and call.ended_at == 0
    assert [(line.moments, line.order, line.raised) for line in call.lines] == [([], [], {})]


def called_from(results):
    """By call: the text of the parent's line, and its hits before."""
    found = []
    for call in results:
        line, hits = call.parent_line or (None, None)
        found.append(None if line is None else (results[call.parent].lines[line].text, hits))
    return found


def test_the_line_that_called():
    def helper(x):
        return x

    def target(n):
        for i in range(helper(n)):
            (lambda: helper(i))()
        while helper(0):
            pass
        return [helper(x) for x in "ab"]

    with Tracer(target, helper, max_calls=None) as results:
        target(12)
    inner = next(line.text for line in results[0].lines if line.kind == "lambda")
    assert called_from(results) == [
        None,
        ("for i in range(helper(n)):", 0),
        *((inner, k) for k in range(10)),
        (inner, None),
        (inner, None),
        ("while helper(0):", 0),
        ('return [helper(x) for x in "ab"]', 0),
        ('return [helper(x) for x in "ab"]', 0),
    ]
    back = TraceResults.from_json(results.to_json())
    assert [call.parent_line for call in back] == [call.parent_line for call in results]


def test_the_line_that_called_of_recursion_and_generators():
    def target(n):
        if n:
            yield from target(n - 1)
        yield n

    results = tracefunc(lambda: [*target(2)], target_func=target)
    assert called_from(results) == [None, ("yield from target(n - 1)", 0), ("yield from target(n - 1)", 0)]


def test_a_parent_in_another_thread():
    def helper():
        return 1

    def target():
        thread = threading.Thread(target=helper)
        thread.start()
        thread.join()

    with Tracer(target, helper) as results:
        target()
    assert [call.parent_line for call in results] == [None, None]


def test_the_latest_call_that_has_not_ended(define):
    """Coroutines that are stepped in turn in one context end in any order."""
    space = define("""
        class Pause:
            def __await__(self): yield
        async def target(n):
            for i in range(n): await Pause()
            (lambda: n)()
    """)
    target = space["target"]

    def fn():
        first, second = target(1), target(3)
        for coroutine in (first, second, first):  # the first one ends here
            try:
                coroutine.send(None)
            except StopIteration:
                pass
        third = target(0)
        for coroutine in (third, second, second, second):
            try:
                coroutine.send(None)
            except StopIteration:
                pass
        last = target(0)
        try:
            last.send(None)
        except StopIteration:
            pass

    before = len(contextvars.copy_context())
    results = tracefunc(fn, target_func=target)
    assert [call.parent for call in results] == [None, 0, 1, None]
    assert len(contextvars.copy_context()) == before


def test_many_coroutines_that_overlap(define):
    """What has ended between is not kept."""
    space = define("""
        class Pause:
            def __await__(self): yield
        async def target():
            await Pause()
    """)

    def fn():
        before = None
        for _ in range(3000):
            coroutine = space["target"]()
            coroutine.send(None)
            if before is not None:
                try:
                    before.send(None)
                except StopIteration:
                    pass
            before = coroutine
        before.close()
        gc.collect()
        return sum(own_name(type(each)) in ("Scope", "RecordedCall") for each in gc.get_objects())

    assert tracefunc(fn, target_func=space["target"]).result < 30


def test_threads():
    """One counter for all of them."""

    def target(n):
        for i in range(n):
            i += 1

    def fn():
        threads = [threading.Thread(target=target, args=(5,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    results = tracefunc(fn, target_func=target)
    assert moments(results) == list(range(4 * (2 + 6 + 5)))


def test_what_is_hidden():
    def target(password):
        try:
            return {}[password]
        except KeyError:
            return None

    with Tracer(target, redact=["password"]) as results:
        target("hunter2")
    assert raised(results[0]) == {"return {}[password]": {0: "KeyError"}}
    assert "hunter2" not in results.to_json() and "hunter2" not in repr(results[0].lines[1].raised)
