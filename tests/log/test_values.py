"""Values in the log: their bytes, the same by both engines, and the texts made of these, the same as `describe` gives."""

import abc
import array
import collections
import enum
import gc
import math
import os
import random
import re
import subprocess
import sys
import threading
import types
import weakref
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tracefunc._log import values as values_module
from tracefunc._log.texts import Texts
from tracefunc._log.values import ValueReader, ValueWriter
from tracefunc._log.varints import put_varint, read_varint
from tracefunc._values.describe import describe, describer, outliner, shown_by_repr
from tracefunc._values.redaction import Redaction
from tracefunc._values.safe_repr import safe_repr
from tracefunc._values.sample import NOT_READ, REDACTED_SAMPLE, UNAVAILABLE

if os.environ.get("TRACEFUNC_ENGINE") == "pure":
    fastmon = None
else:
    from tracefunc import _fastmon as fastmon

WIDTHS = [1, 2, 3, 4, 10, 50, 200, None]


def room_of(width):
    return sys.maxsize if width is None else width


def pure_bytes(writer, value):
    out = bytearray(b"before")
    writer.write(out, value)
    assert out.startswith(b"before")
    return bytes(out[6:])


def both(shows, value):
    """The bytes of a value, the same by both engines, and the table of texts that they refer to."""
    texts = Texts()
    encoded = pure_bytes(ValueWriter(shows, texts), value)
    if fastmon is not None:
        others = Texts()
        assert fastmon.encoded(fastmon.ValueWriter(shows, others), value) == encoded
        assert others.all == texts.all
    return encoded, texts.all


def read(encoded, texts, room):
    shown, end = ValueReader(texts, room).read(b"??" + encoded + b"?", 2)
    assert end == 2 + len(encoded)
    return shown


def assert_same(shows, value, width=50):
    """Both engines write the same bytes, whose text is what `describe` gives."""
    encoded, texts = both(shows, value)
    assert read(encoded, texts, room_of(width)) == shows(value)
    return encoded[0]


def assert_same_at_all_widths(value):
    for width in WIDTHS:
        assert_same(describer(width), value, width)
        assert_same(outliner(width), value, width)


# --- values that anything may be made of ---

CHARS = st.sampled_from("abcdefghij'\"\\\n\té\x00\x7f\u2028\ud800\udc00\ud83d\ude00\U0001f600世")
LENGTHS = st.sampled_from([0, 1, 2, 3, 9, 10, 11, 46, 47, 48, 49, 50, 51, 52, 127, 128, 129, 199, 200, 201])
STRINGS = (
    st.text(alphabet=CHARS, max_size=70)
    | st.text(max_size=20)
    | st.builds(lambda char, size, end: char * size + end, CHARS, LENGTHS, st.text(alphabet=CHARS, max_size=3))
)
BYTES = (
    st.binary(max_size=70)
    | st.lists(st.sampled_from(b"a'\"\\\n\x00\xff"), max_size=70).map(bytes)
    | st.builds(
        lambda char, size, end: char * size + end, st.sampled_from([b"a", b"'", b'"']), LENGTHS, st.binary(max_size=3)
    )
)
EDGES = [
    sign * (1 << bits) + more
    for bits in (0, 7, 8, 15, 16, 30, 31, 32, 60, 63, 64, 100)
    for sign in (1, -1)
    for more in (-1, 0, 1)
]
INTS = st.integers() | st.integers(-200, 200) | st.sampled_from(EDGES) | st.integers(-(10**400), 10**400)
FLOATS = st.floats() | st.sampled_from([math.nan, -math.nan, math.inf, -math.inf, 0.0, -0.0, 1e16, 5e-324])
HASHABLE = INTS | FLOATS | STRINGS | BYTES | st.sampled_from([None, True, False])
OTHERS = st.sampled_from([..., NotImplemented, 1j, range(3), int, len, 10**400, bytearray(b"'"), array.array("i", [1])])


class Plain:
    pass


class Shown:
    def __repr__(self):
        return "<shown 'so'>"


class Broken:
    def __repr__(self):
        raise ValueError("no")


class NotText:
    def __repr__(self):
        return 5


class TextOfItsOwn(str):
    def __repr__(self):
        return TextOfItsOwn("of its own")


class Numbers(int):
    pass


class Row(list):
    pass


class Names(dict):
    pass


class Fraction(float):
    pass


class Colour(enum.IntEnum):
    RED = 1


class OddName(type):
    @property
    def __name__(cls):
        return "odd"


class RaisingName(type):
    @property
    def __name__(cls):
        raise ValueError("no name")


class WithOddName(metaclass=OddName):
    pass


class WithRaisingName(metaclass=RaisingName):
    pass


class Abstract(abc.ABC):
    pass


class ObjectsRepr(list):
    __repr__ = object.__repr__


class Slotted:
    __slots__ = ("a",)


KINDS = [
    Plain,
    Shown,
    Broken,
    NotText,
    TextOfItsOwn,
    Numbers,
    Row,
    Names,
    Fraction,
    WithOddName,
    WithRaisingName,
    Abstract,
] + [ObjectsRepr, Slotted, object, types.SimpleNamespace, collections.OrderedDict, collections.deque, threading.Lock]
OBJECTS = st.integers(0, len(KINDS) - 1).map(lambda number: KINDS[number]()) | st.just(Colour.RED)

ANYTHING = st.recursive(
    HASHABLE | OTHERS | OBJECTS,
    lambda items: (
        st.lists(items, max_size=8)
        | st.lists(items, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, items, max_size=5)
        | st.sets(HASHABLE, max_size=6)
        | st.frozensets(HASHABLE, max_size=6)
    ),
    max_leaves=20,
)
BUILTIN = st.recursive(
    INTS | FLOATS | STRINGS | BYTES | st.sampled_from([None, True, False]),
    lambda items: (
        st.lists(items, max_size=20)
        | st.lists(items, max_size=4).map(tuple)
        | st.dictionaries(st.integers(0, 300) | STRINGS, items, max_size=8)
        | st.sets(st.integers(-300, 300), max_size=30)
        | st.frozensets(st.text(max_size=4), max_size=6)
    ),
    max_leaves=30,
)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def nested(depth, kind=list):
    value = 7
    for _ in range(depth):
        value = kind([value])
    return value


@MANY
@given(INTS | FLOATS | STRINGS | BYTES)
def test_scalars_have_the_text_of_describe(value):
    assert_same_at_all_widths(value)


@MANY
@given(BUILTIN)
@example([])
@example([(), {}, set(), frozenset(), [()], ((),)])
@example({(): {1: ()}})
def test_containers_have_the_text_of_describe(value):
    assert_same_at_all_widths(value)


@MANY
@given(ANYTHING, st.sampled_from(WIDTHS))
def test_any_value_has_the_text_of_describe(value, width):
    hidden = Redaction(("a*", "*'*", "b"))
    shows = [describer(width), outliner(width), describer(width, None, hidden), outliner(width, None, hidden)]
    shows += [
        describer(width, lambda value: type(value).__name__ * 9),
        describer(width, ascii),
        describer(width, ascii, hidden),
    ]
    for each in shows:
        assert_same(each, value, width)


@pytest.mark.parametrize("width", range(1, 40))
def test_each_width(width):
    for value in (
        [1, 22, -3, "four", [5.5, (6,)]],
        {1: {2: [3, {4}]}},
        ((((),),),),
        [[[[]]]],
        {"k": frozenset({1})},
        "it's",
    ):
        for shows in (describer(width), outliner(width)):
            assert_same(shows, value, width)


def test_what_is_written_down_and_what_is_described():
    m = values_module
    of_repr, of_safe_repr = describe, outliner(50)
    hiding = describer(50, None, Redaction(("secret",)))
    for value, tag in [
        (5, 0x85),
        (None, m.TAG_NONE),
        (-1, m.INT8),
        (128, m.INT16),
        (1 << 15, m.INT32),
        (1 << 31, m.INT64),
        (1 << 63, m.TEXT),
        (1.5, m.FLOAT),
        ("a", m.STR),
        ("a" * 51, m.STR_CUT),
        (b"a", m.BYTES),
        (b"a" * 51, m.BYTES_CUT),
        (..., m.TEXT),
    ]:
        assert [assert_same(shows, value) for shows in (of_repr, of_safe_repr, hiding)] == [tag] * 3
    for value, tag in [([1], m.LIST), ((1,), m.TUPLE), ({1}, m.SET), (frozenset(), m.FROZENSET), ({1: 2}, m.DICT)]:
        assert [assert_same(shows, value) for shows in (of_repr, of_safe_repr, hiding)] == [tag, tag, m.TEXT]
    for value in (Plain(), object(), Slotted(), ObjectsRepr()):
        assert [assert_same(shows, value) for shows in (of_repr, of_safe_repr, hiding)] == [m.OBJECT, m.TEXT, m.TEXT]
    for value in (Plain, bool, range, type, len, sys.getrefcount):
        assert [assert_same(shows, value) for shows in (of_repr, of_safe_repr, hiding)] == [m.NAMED, m.TEXT, m.TEXT]
    for value in (assert_same, lambda: value):
        assert [assert_same(shows, value) for shows in (of_repr, of_safe_repr, hiding)] == [m.OBJECT, m.TEXT, m.TEXT]
    for value in (Shown(), Broken(), WithOddName(), [Plain()], Numbers(), [].append, sys):
        assert assert_same(of_repr, value) == m.TEXT
    assert assert_same(describer(50, str), 5) == m.TEXT


def test_what_describers_say_of_themselves():
    def bare(value):
        return "a", "b"

    hidden = Redaction(("a",))
    assert [
        shown_by_repr(each)[0] for each in (describe, outliner(50), describer(50, None, hidden), describer(9, str))
    ] == [3, 2, 1, 0]
    assert [shown_by_repr(describer(width))[1] for width in WIDTHS] == [room_of(width) for width in WIDTHS]
    assert shown_by_repr(outliner(50, safe_repr, hidden)) == (1, 50)
    assert shown_by_repr(bare)[0] == shown_by_repr(print)[0] == 0


def test_containers_within_one_another():
    for kind, tag in ((list, values_module.LIST), (tuple, values_module.TUPLE)):
        for depth in range(1, 12):
            for width in (4, 7, 8, 9, 50):
                is_shallow = assert_same(describer(width), nested(depth, kind), width) == tag
            assert is_shallow == (depth <= values_module.DEPTH)
    assert_same(describe, [[1], [1]] + [()] * 3)


def test_a_container_within_itself():
    itself = [1]
    itself.append(itself)
    mapping = {}
    mapping["m"] = ([mapping],)
    far = [*range(40), itself]
    far[-1] = far
    for value in (itself, mapping, far, (itself, itself), {1: mapping}):
        assert_same_at_all_widths(value)
    assert assert_same(describe, itself) == values_module.TEXT
    assert assert_same(describe, far) == values_module.LIST


def test_a_long_container_is_written_as_far_as_it_is_shown():
    for value in (
        list(range(1000)),
        dict.fromkeys(range(1000)),
        set(range(1000)),
        ["a" * 30] * 1000,
        [[]] * 1000,
        [Plain(), *"a" * 99][::-1],
    ):
        assert_same_at_all_widths(value)
        assert len(both(describe, value)[0]) < 120
    assert len(both(describe, "é" * 10**6)[0]) == 103


def test_inside_the_repr_of_a_container():
    """There, containers whose repr is under way are shown as `[...]`."""
    seen = []

    class Looking:
        def __repr__(self):
            seen.append(
                (
                    assert_same(describe, outer),
                    assert_same(describe, [1]),
                    assert_same(outliner(50), [1]),
                    describe(outer)[1],
                )
            )
            return "looking"

    outer = [1, Looking()]
    repr(outer)
    describe(outer)
    assert_same(describe, outer)
    m = values_module
    assert set(seen) == {(m.TEXT, m.TEXT, m.LIST, "[...]")}
    assert assert_same(describe, [1]) == m.LIST


def test_a_repr_that_changes_the_list_that_it_is_in():
    for change in (list.clear, list.pop, lambda rows: rows.append("more"), lambda rows: rows.extend(range(1000))):

        def rows():
            class Changing:
                def __repr__(self):
                    change(made)
                    return "changing"

            made = [1, Changing(), "rest", 2]
            return made

        expected = describe(rows())
        texts = Texts()
        assert read(pure_bytes(ValueWriter(describe, texts), rows()), texts.all, 50) == expected
        if fastmon is not None:
            texts = Texts()
            assert read(fastmon.encoded(fastmon.ValueWriter(describe, texts), rows()), texts.all, 50) == expected


WITHOUT_CTYPES = """
import sys

sys.modules["ctypes"] = None
from tracefunc._log.texts import Texts
from tracefunc._log.values import LIST, TEXT, ValueReader, ValueWriter
from tracefunc._values.describe import describe

if {compiled}:
    from tracefunc import _fastmon

def tag(value):
    texts = Texts()
    out = bytearray()
    ValueWriter(describe, texts).write(out, value)
    assert ValueReader(texts.all, 50).read(bytes(out), 0)[0] == describe(value)
    if {compiled}:
        assert _fastmon.encoded(_fastmon.ValueWriter(describe, Texts()), value) == out
    return out[0]

class Looking:
    def __repr__(self):
        seen.append((tag(outer), tag([1])))
        return "looking"

seen = []
outer = [1, Looking()]
assert tag([1]) == LIST
describe(outer)
assert seen == [(TEXT, TEXT)]
"""


def test_inside_the_repr_of_a_container_without_ctypes():
    """There the list of the containers whose repr is under way is not the interpreter's own."""
    script = WITHOUT_CTYPES.format(compiled=fastmon is not None)
    subprocess.run([sys.executable, "-c", script], check=True)


def test_containers_that_other_threads_change():
    """What is written is a value, whatever it was at that moment."""
    rows, names, numbers = [[1, 2], "three"], {"a": [1], "b": (2, {3})}, {1, 2, 3}
    is_over = threading.Event()

    def change():
        number = 0
        while not is_over.is_set():
            number += 1
            rows.append([number, str(number)])
            rows[0] = (number,)
            names[f"n{number % 7}"] = [number] * (number % 5)
            numbers.add(number % 40)
            if number % 3 == 0:
                del rows[1:]
                names.pop("n3", None)
                numbers.clear()

    threads = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        texts = Texts()
        writers = [ValueWriter(describe, texts).write]
        if fastmon is not None:
            compiled = fastmon.ValueWriter(describe, texts)
            writers.append(lambda out, value: out.extend(fastmon.encoded(compiled, value)))
        for _ in range(300):
            for write in writers:
                for value in (rows, names, numbers, {"all": [rows, names, numbers]}):
                    out = bytearray()
                    write(out, value)
                    read(bytes(out), texts.all, 50)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("is_compiled", [False] if fastmon is None else [False, True])
def test_at_the_recursion_limit(is_compiled):
    """A value that there is no stack left to describe is unavailable."""
    texts = Texts()
    writer = (fastmon if is_compiled else values_module).ValueWriter(describe, texts)
    seen = []

    def write(value):
        if is_compiled:
            try:
                return fastmon.encoded(writer, value)
            except RecursionError as error:
                raise AssertionError("raised by the writer") from error
        out = bytearray()
        writer.write(out, value)
        return bytes(out)

    def dive(depth):
        for value in ([1, {2: (3,)}], 1 << 70, type("Fresh", (), {})(), Shown()):
            seen.append((write(value), value))
        dive(depth + 1)

    for value in ([1], Shown(), Plain()):
        write(value)
    with pytest.raises(RecursionError) as caught:
        dive(0)
    assert caught.traceback[-1].path == Path(__file__)  # no call was left for the writer
    assert len(seen) > 400
    shown = [(read(encoded, texts.all, 50), value) for encoded, value in seen]
    for sample, value in shown:
        assert sample in (UNAVAILABLE, describe(value)) or "RecursionError" in sample[1]
    assert all(sample == describe(value) for sample, value in shown[:200])


def documented_tags(section):
    """The tags in the tables of a section of the page about the log."""
    page = (Path(__file__).parents[2] / "docs" / "design" / "log.md").read_text(encoding="utf-8")
    found = {}
    for row in re.findall(
        r"^\| (`[A-Z].*?) \| ([\d to,]+) \|", page.split(f"\n## {section}\n")[1].split("\n## ")[0], re.M
    ):
        first = int(row[1].split()[0].rstrip(","))
        found.update((name, first + number) for number, name in enumerate(re.findall(r"`(\w+)`", row[0])))
    return found


def test_the_documented_tags_are_the_ones_that_are_written():
    documented = documented_tags("Values")
    tags = {name: value for name, value in vars(values_module).items() if name.isupper() and type(value) is int}
    assert documented == {name: tag for name, tag in tags.items() if name in documented}
    assert sorted(documented.values()) == list(range(1, 25))


def test_what_describe_raises():
    def stop(value):
        raise KeyboardInterrupt

    def fail(value):
        raise RecursionError

    assert read(*both(fail, 5), 50) == UNAVAILABLE
    out = bytearray(b"before")
    with pytest.raises(KeyboardInterrupt):
        ValueWriter(stop, Texts()).write(out, 5)
    assert out == b"before"
    if fastmon is not None:
        with pytest.raises(KeyboardInterrupt):
            fastmon.encoded(fastmon.ValueWriter(stop, Texts()), 5)


@pytest.mark.parametrize(
    "sample", [UNAVAILABLE, NOT_READ, REDACTED_SAMPLE, ("int", "5"), ("A", "\ud800'"), ("", ""), ("a", "b" * 999)]
)
def test_samples_that_are_ready(sample):
    texts = Texts()
    out = bytearray()
    ValueWriter(describe, texts).write_sample(out, sample)
    assert (len(out) == 1) == (sample in (UNAVAILABLE, NOT_READ, REDACTED_SAMPLE))
    assert read(bytes(out), texts.all, 50) == sample
    if fastmon is not None:
        assert fastmon.encoded_sample(fastmon.ValueWriter(describe, Texts()), sample) == out


# --- names of types ---


def test_a_class_is_renamed():
    texts = Texts()
    writers = [ValueWriter(describe, texts)] + ([fastmon.ValueWriter(describe, texts)] if fastmon else [])

    class Cart:
        pass

    cart = Cart()

    def check():
        for writer in writers:
            for _ in range(3):
                encoded = fastmon.encoded(writer, cart) if writer is not writers[0] else pure_bytes(writer, cart)
                assert read(encoded, texts.all, 50) == describe(cart)

    check()
    Cart.__name__ = "Basket"
    check()
    Cart.__qualname__ = "inner.Basket"
    check()
    Cart.__module__ = "elsewhere"
    check()
    Cart.__module__ = 5
    check()
    Cart.__module__ = "builtins"
    check()
    Cart.__name__ = TextOfItsOwn("again")
    check()
    Cart.__repr__ = lambda self: "a repr"
    check()
    del Cart.__repr__
    check()


def test_classes_die_and_others_take_their_addresses():
    texts = Texts()
    writer = fastmon.ValueWriter(describe, texts) if fastmon else ValueWriter(describe, texts)
    gone = {}
    for number in range(80):
        kind = type(f"T{number % 7}", (), {"__module__": f"m{number % 3}"})
        value = kind()
        is_written = number % 4 > 0
        if is_written:
            encoded = fastmon.encoded(writer, value) if fastmon else pure_bytes(writer, value)
            assert read(encoded, texts.all, 80) == describer(80)(value)
        gone[is_written] = weakref.ref(kind)
        del kind, value
        gc.collect(0)
    gc.collect()
    # A free-threaded CPython 3.13 keeps all classes once threads have run.
    assert (gone[True]() is None) == (gone[False]() is None)


# --- reading whatever there is ---


def some_values():
    long = "x'" * 40
    cart = Plain()
    return [
        0,
        127,
        -5,
        300,
        -(1 << 40),
        1.5,
        None,
        "a",
        "é\ud800",
        long,
        b"a",
        b"'" * 60,
        [1, [2, {3: (4,)}]],
        {5},
        cart,
        Shown(),
        1 << 70,
        list(range(99)),
    ]


def mutated(random, encoded):
    changed = bytearray(encoded)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed) + 1)
        how = random.randrange(4)
        if how == 0:
            changed[at:at] = bytes([random.randrange(256)])
        elif how == 1:
            del changed[at : at + random.randint(1, 4)]
        elif how == 2 and at < len(changed):
            changed[at] = random.randrange(256)
        elif how == 3 and at < len(changed):
            changed[at] ^= 1 << random.randrange(8)
    return bytes(changed)


def test_bytes_that_are_no_value():
    """Either a sample of two texts, or a ValueError, whatever the bytes. TRACEFUNC_FUZZED is how many are tried."""
    chance = random.Random(5)
    texts = Texts()
    encoded = [pure_bytes(ValueWriter(describe, texts), value) for value in some_values()]
    reader = ValueReader(texts.all, 50)
    for number in range(int(os.environ.get("TRACEFUNC_FUZZED", "3000"))):
        data = chance.randbytes(chance.randrange(12)) if number % 4 == 0 else mutated(chance, chance.choice(encoded))
        try:
            (kind, text), end = reader.read(data, 0)
        except ValueError as error:
            assert type(error) is ValueError and str(error)
        else:
            assert type(kind) is type(text) is str and 0 < end <= len(data)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "there is no value at 0: the end is 0"),
        (b"\x00", "no value begins with 0, as the one at 0 does"),
        (bytes([values_module.MORE]), f"no value begins with {values_module.MORE}"),
        (bytes([values_module.INT32, 1, 2]), "4 bytes from 1 on go beyond the end, 3"),
        (bytes([values_module.STR, 5, 65]), "5 bytes from 2 on go beyond the end, 3"),
        (bytes([values_module.STR]), "the number at 1 goes beyond the end, 1"),
        (bytes([values_module.STR, 1, 0xFF]), "the text at 0 is not UTF-8"),
        (bytes([values_module.STR]) + b"\xff" * 12, "the number at 1 has more than 64 bits"),
        (bytes([values_module.STR]) + b"\xff" * 9 + b"\x02", "the number at 1 has more than 64 bits"),
        (bytes([values_module.STR_CUT, 65, 0]), "the string at 0 has no quote, but b'A'"),
        (bytes([values_module.TEXT, 9, 0]), "there is no text 9, which the value at 1 refers to"),
        (bytes([values_module.LIST, 2, 0x81]), "a container goes beyond the end, 3"),
        (
            bytes([values_module.LIST, 2, 0x81, values_module.MORE]),
            "the container at 0 ends before its text is long enough",
        ),
        (bytes([values_module.LIST, 1, values_module.TEXT]), "no value that can stand in a container begins with"),
        (bytes([values_module.LIST, 1]) * 9 + b"\x81", "the container at 16 is nested more than 8 times"),
    ],
)
def test_what_is_wrong_with_bytes(data, message):
    with pytest.raises(ValueError) as caught:
        ValueReader([""], 50).read(data, 0)
    assert message in str(caught.value)


def test_a_short_string_at_the_end_is_cut_off():
    reader = ValueReader([""], 50)
    data = bytes([values_module.STR, 2]) + b"ab"
    assert reader.read(data, 0) == (("str", "'ab'"), 4)
    with pytest.raises(ValueError):
        reader.read(bytes([values_module.STR, 3]) + b"ab", 0)


# --- numbers and texts ---


@given(st.integers(0, (1 << 64) - 1) | st.sampled_from([0, 127, 128, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]))
def test_varints(number):
    out = bytearray()
    put_varint(out, number)
    assert len(out) == max(1, -(-number.bit_length() // 7))
    assert read_varint(b"?" + bytes(out) + b"?", 1) == (number, len(out) + 1)


def test_texts_have_numbers():
    texts = Texts()
    assert [texts.number(text) for text in ("", "a", "b", "a", "")] == [0, 1, 2, 1, 0]
    assert texts.all == ["", "a", "b"]


def test_texts_are_numbered_by_many_threads():
    texts = Texts()
    found = [[] for _ in range(4)]

    def ask(numbers):
        for number in range(3000):
            numbers.append(texts.number(str(number)))

    threads = [threading.Thread(target=ask, args=(numbers,)) for numbers in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for numbers in found:
        assert [texts.all[number] for number in numbers] == [str(number) for number in range(3000)]
