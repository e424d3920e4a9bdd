"""Records of calls: what their parts mean, and that both readers find the same in them, or the same fault."""

import os
import random
import time

import pytest

import fuzz
import programs
from log import test_values
from tracefunc import Tracer
from tracefunc._log import records
from tracefunc._log.records import RecordReader, Shape, Start, put_hits, put_start
from tracefunc._log.texts import Texts
from tracefunc._log.values import TAG_NONE, ValueReader, ValueWriter
from tracefunc._log.varints import put_varint
from tracefunc._values.describe import describe, describer
from tracefunc._values.sample import NOT_READ
from tracefunc.core import entries

if os.environ.get("TRACEFUNC_ENGINE") == "pure":
    fastmon = None
else:
    from tracefunc import _fastmon as fastmon

TEXTS = ["", "f (x.py:1)", "MainThread", "Task-1", "m.Cart", "<m.Cart object at 0x"]
LINES = [("x = a", ("x", "a"), ()), ("y = x.z", ("y", "x"), ("x.z",)), ("pass", (), ())]
SHAPES = [Shape(["a"], LINES, {"function": "f"}), Shape([], [], {"function": "g"})]
ONE, TWO = ("int", "1"), ("int", "2")


def readers(shapes=SHAPES, texts=TEXTS, room=50, incl_unhit=False):
    pure = RecordReader(shapes, ValueReader(texts, room), incl_unhit)
    return [pure] if fastmon is None else [pure, fastmon.RecordReader(pure)]


def fields(record):
    return {name: getattr(record, name) for name in records.CallRecord.__slots__}


def result_of(reader, data):
    """What a reader makes of bytes, as plain data, or what it says is wrong with them."""
    try:
        return fields(reader.read(data))
    except ValueError as error:
        assert type(error) is ValueError and str(error) != "the record is damaged"
        return str(error)


def read(data, **options):
    """What all readers make of bytes."""
    first, *others = [result_of(reader, bytes(data)) for reader in readers(**options)]
    assert others == [first] * len(others)
    return first


def numbers(*found):
    out = bytearray()
    for number in found:
        put_varint(out, number)
    return bytes(out)


def started(arguments=(1,), **known):
    start = Start(0)
    start.number, start.stack, start.thread = 7, 1, 2
    for name, value in known.items():
        setattr(start, name, value)
    out = bytearray()
    put_start(out, start)
    writer = ValueWriter(describe, Texts())
    for value in arguments:
        writer.write(out, value)
    return bytes(out)


def values(*found):
    out = bytearray()
    for value in found:
        ValueWriter(describe, Texts()).write(out, value)
    return bytes(out)


def sample(line, after, *found):
    return bytes([records.SAMPLE]) + numbers(line, after) + values(*found)


def no_hits():
    return bytes([records.HITS, 0])


# --- the parts ---


def test_a_start():
    found = read(started(began=300, started=1 << 40))
    assert (found["number"], found["target"], found["parent"], found["started"]) == (7, 0, -1, 1 << 40)
    assert (found["stack"], found["trace"], found["where"], found["lost"]) == ("f (x.py:1)", {}, -1, False)
    assert found["known"] == records.KNOWN | {
        "function": "f",
        "began": 300,
        "thread": "MainThread",
        "arguments": {"a": ONE},
    }


@pytest.mark.parametrize("line", [None, (0, None), (2, 0), (200, 1 << 20)])
def test_what_a_call_ran_in(line):
    found = read(started(parent=3, parent_line=line))
    assert found["parent"] == 3
    assert found["known"]["parent_line"] == line


def test_a_task():
    assert read(started(task=3))["known"]["task"] == "Task-1"
    assert read(started(task=0))["known"]["task"] == ""
    assert read(started(())[:-1] + b"\x80\x00" + values(1))["known"]["task"] is None  # 0 in more bytes than it needs


def test_calls_share_nothing_that_can_be_changed():
    for reader in readers():
        first, second = [fields(reader.read(started())) for _ in range(2)]
        for name, value in first["known"].items():
            assert not isinstance(value, dict | list) or value is not second["known"][name]
            assert not isinstance(value, dict | list) or value is not records.KNOWN.get(name)


def test_samples():
    data = started(began=10) + sample(0, 1, 1, 2) + sample(0, 5, 2, 2) + sample(2, 6) + no_hits()
    found = read(data)
    assert found["trace"] == {"x = a": (2, {"x": [ONE, TWO], "a": [TWO, TWO]}), "pass": (1, {})}
    assert found["known"]["moments"] == {"x = a": [11, 15], "pass": [16]}
    assert found == read(data[:-2])  # that there are no other hits
    unhit = read(data, incl_unhit=True)
    assert unhit["trace"] == found["trace"] | {"y = x.z": (0, {"y": [], "x": []})}
    assert list(unhit["trace"]) == [text for text, _, _ in LINES]
    assert unhit["known"] == found["known"]


def test_chains():
    unread = bytes([2])
    start = started() + bytes([records.SAMPLE, 1, 1]) + values(1, 2) + unread
    assert read(start)["known"]["attributes"] == {}
    assert read(start + sample(1, 2, 1, 2, 2))["known"]["attributes"] == {"y = x.z": {"x.z": [NOT_READ, TWO]}}


def test_exceptions_that_end_hits():
    raised = bytes([records.RAISED_SAMPLE, 0, 2]) + values(1, 1, 2)
    late = bytes([records.RAISED, 0, 1]) + values(1)
    data = started(began=10) + sample(0, 1, 1, 1) + raised + late
    assert list(read(data)["known"]["raises"]["x = a"].items()) == [(0, ONE), (1, TWO)]
    again = read(data + sample(0, 9, 1, 1) + bytes([records.RAISED, 0, 9]) + values(2))
    assert again["known"]["raises"] == {"x = a": {0: ONE, 1: TWO, 2: TWO}}


def test_ends():
    returned = bytes([records.RETURNED]) + numbers(4, 3_000_000_000, 3) + values(1)
    found = read(started(began=10) + returned)
    assert (found["where"], found["known"]["ended"], found["known"]["seconds"]) == (2, 14, 3.0)
    assert (found["known"]["returned"], found["known"]["raised"]) == (ONE, None)
    found = read(started() + bytes([records.FAILED]) + returned[1:])
    assert (found["known"]["returned"], found["known"]["raised"]) == (None, ONE)


def test_yielded_values():
    data = started() + bytes([records.YIELDED]) + values(1) + bytes([records.YIELDED]) + values(2)
    assert read(data)["known"]["yielded"] == [ONE, TWO]
    assert not read(data)["known"]["more_yielded"]
    assert read(data + bytes([records.MORE_YIELDED]))["known"]["more_yielded"]


@pytest.mark.parametrize("hits", [(2, 0, 0), (0, 0, 0), (2, 0, 5), (1 << 40, 1, 0), (-1, 3, 0)])
def test_hits(hits):
    out = bytearray(started() + sample(0, 1, 1, 1) + sample(0, 2, 1, 1))
    put_hits(out, hits, (2, 0, 0))
    found = read(out, incl_unhit=True)
    assert [count for count, _ in found["trace"].values()] == [max(count, 0) for count in hits]
    assert found["lost"] == (min(hits) < 0)
    assert list(read(out)["trace"]) == [LINES[i][0] for i, count in enumerate(hits) if count > 0]


# --- what is wrong ---

START = started()


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "the number at 0 goes beyond the end, 0"),
        (numbers(0, 9), "a record is of target 9, and there are 2"),
        (numbers(0, 0, 0, 1 << 63), "the number at 3 has more than 63 bits"),
        (numbers(0, 0, 0, 1, 1, 99, 1, 1), "there is no text 99, which the start of a record refers to"),
        (numbers(0, 0, 0, 1, 1, 1, 99, 1), "there is no text 99, which the start of a record refers to"),
        (numbers(0, 0, 0, 1, 1, 1, 1, 99), "there is no text 98, which the start of a record refers to"),
        (START[:-1], f"there is no value at {len(START) - 1}"),
        (START + b"\0", "a record has a part of an unknown kind, 0"),
        (START + bytes([records.LOST + 1]), f"a record has a part of an unknown kind, {records.LOST + 1}"),
        (START + sample(3, 0), "a sample is of line 3, and there are 3"),
        (START + sample(0, 0, 1), "there is no value at"),
        (START + bytes([records.RAISED, 0, 0, TAG_NONE]), "an exception ended a hit of line 0 that was not sampled"),
        (START + bytes([records.RAISED, 9, 0, TAG_NONE]), "an exception ended a hit of line 9 that was not sampled"),
        (START + sample(2, 1) + bytes([records.RAISED, 2, 2, TAG_NONE]), "a hit of line 2 that was not sampled"),
        (START + bytes([records.HITS, 4, 1, 0]), "there are hits of line 3, and 3 lines"),
        (START + bytes([records.HITS, 1]), "goes beyond the end"),
        (START + no_hits() + b"\x05", "there is something behind the end of a record"),
        (START + bytes([records.RETURNED]) + numbers(0, 0, 1 << 63), "has more than 63 bits"),
    ],
)
def test_what_is_wrong_with_a_record(data, message):
    assert message in read(data)


def test_large_numbers():
    most = (1 << 63) - 1
    found = read(started(began=most, number=most, parent=most - 1) + sample(2, most))
    assert found["known"]["moments"] == {"pass": [2 * most]}
    assert (found["number"], found["parent"]) == (most, most - 1)


def test_many_exceptions_take_no_longer_each():
    """However far back the hits are that they ended."""

    def seconds(many):
        data = START + sample(2, 0) + sample(2, 1) * many + bytes([records.RAISED, 2, 0, TAG_NONE]) * many
        before = time.process_time()
        assert read(data)["known"]["raises"] == {"pass": {0: ("NoneType", "None")}}
        return time.process_time() - before

    few = min(seconds(1000) for _ in range(3))
    assert seconds(32_000) < 32 * 8 * few


def test_the_documented_tags_are_the_ones_of_parts():
    tags = {name: value for name, value in vars(records).items() if name.isupper() and type(value) is int}
    assert test_values.documented_tags("Records") == tags


# --- real records, and what becomes of them ---


@pytest.fixture
def recorded(monkeypatch):
    """The records of some programs, in groups, with what it takes to read them."""
    found = []

    def keep(plans, log, options, engine, really=entries.record_reader):
        reader = really(plans, log, options, "pure")
        found.append(([bytes(data) for data in log.records()], reader.shapes, reader.values.texts))
        return reader

    monkeypatch.setattr(entries, "record_reader", keep)
    for seed in range(6):
        program = programs.program(seed, "sync" if seed % 2 else "async")
        for call in program.calls:
            fuzz.run(program, call, Tracer(max_calls=50, max_samples=5).run)
    monkeypatch.undo()
    return [group for group in found if group[0]]


def with_changes(chance, data, other):
    """A record with one to four changes."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(6):
            case 0:
                changed[at : at + 1] = numbers(chance.getrandbits(chance.choice([3, 7, 14, 32, 63, 64])))
            case 1:
                del changed[at : at + chance.randint(1, 8)]
            case 2:
                changed[at : at + 1] = chance.randbytes(1)
            case 3 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 4:
                start = chance.randrange(len(other))
                changed[at:at] = other[start : start + chance.randint(1, 20)]
            case 5:
                del changed[at:]
    return bytes(changed)


def test_both_readers_find_the_same(recorded):
    """Also the same fault in a damaged record. TRACEFUNC_FUZZED is how many are tried."""
    chance = random.Random(7)
    all_readers = [
        (group[0], readers(group[1], group[2], 50, incl_unhit=bool(i % 2))) for i, group in enumerate(recorded)
    ]
    for found, both in all_readers:
        for data in found:
            first, *others = [result_of(reader, data) for reader in both]
            assert isinstance(first, dict) and others == [first] * len(others)
    wrong = 0
    tried = int(os.environ.get("TRACEFUNC_FUZZED", "3000"))
    for _ in range(tried):
        found, both = chance.choice(all_readers)
        data = with_changes(chance, chance.choice(found), chance.choice(found))
        first, *others = [result_of(reader, data) for reader in both]
        assert repr(others) == repr([first] * len(others)), data
        wrong += isinstance(first, str)
    assert tried // 10 < wrong < tried


@pytest.mark.parametrize("width", test_values.WIDTHS)
def test_values_of_all_kinds(width):
    """Also damaged ones, in both readers."""
    chance = random.Random(width or 0)
    shows, texts = describer(width, None, None), Texts()
    texts.number("f"), texts.number("MainThread")
    writer = ValueWriter(shows, texts)
    both = readers(texts=texts.all, room=test_values.room_of(width))
    encoded = []
    for value in [
        *test_values.some_values(),
        {},
        (),
        (1,),
        [""],
        {"a": [None, True]},
        2**63 - 1,
        -(2**63),
        float("nan"),
    ]:
        encoded.append(started(()) + test_values.pure_bytes(writer, value))
        for reader in both * 2:  # the second time from what was read before
            assert reader.read(encoded[-1]).known["arguments"] == {"a": shows(value)}
    for _ in range(int(os.environ.get("TRACEFUNC_FUZZED", "3000")) // len(test_values.WIDTHS)):
        data = test_values.mutated(chance, chance.choice(encoded))
        first, *others = [repr(result_of(reader, data)) for reader in both]
        assert others == [first] * len(others), data
