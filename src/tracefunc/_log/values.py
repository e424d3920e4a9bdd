"""Values in the log: a tag and a payload each, from which the text of the value can be made later."""

from __future__ import annotations

from itertools import chain
from struct import Struct

from .._values.describe import CONTAINERS_TOO, NOTHING, OBJECTS, shown_by_repr
from .._values.open_reprs import open_reprs
from .._values.plain_text import name_of
from .._values.sample import NOT_READ, REDACTED_SAMPLE, UNAVAILABLE
from .._values.static_types import FUNCTION
from .._values.type_slots import class_lookup
from .varints import put_varint, read_varint

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .._values.describe import Describe
    from .._values.sample import Sample
    from .texts import Texts

# The tags, which `_native/log_values.h` has as well. 0 is none.
TAG_UNAVAILABLE, TAG_NOT_READ, TAG_REDACTED, TAG_NONE, TAG_FALSE, TAG_TRUE = range(1, 7)
INT8, INT16, INT32, INT64, FLOAT, STR, STR_CUT, BYTES, BYTES_CUT = range(7, 16)
LIST, TUPLE, SET, FROZENSET, DICT, MORE, OBJECT, TEXT, NAMED = range(16, 25)
SMALL = 0x80  # and above: an int below 128

DEPTH = 8  # containers within one another, at most

_INTS = ((INT8, 1, 1 << 7, 2), (INT16, 2, 1 << 15, 3), (INT32, 4, 1 << 31, 5), (INT64, 8, 1 << 63, 10))
_DOUBLE = Struct("<d")
_CONTAINERS: dict[type, int] = {list: LIST, tuple: TUPLE, set: SET, frozenset: FROZENSET, dict: DICT}
_CONTAINER_TYPES = frozenset(map(id, _CONTAINERS))  # by address: a lookup would run the `__hash__` of a metaclass
EMPTY = {LIST: "[]", TUPLE: "()", SET: "set()", FROZENSET: "frozenset()", DICT: "{}"}
OPENING = {LIST: "[", TUPLE: "(", SET: "{", FROZENSET: "frozenset({", DICT: "{"}
CLOSING = {LIST: "]", TUPLE: ")", SET: "}", FROZENSET: "})", DICT: "}"}
_SAMPLES = {UNAVAILABLE: TAG_UNAVAILABLE, NOT_READ: TAG_NOT_READ, REDACTED_SAMPLE: TAG_REDACTED}
_OBJECT_REPR = object.__dict__["__repr__"]
_BUILTIN = type(len)


# --- writing ------------------------------------------------------------------------------------------------------


class ValueWriter:
    """Writes values as bytes, from which `ValueReader` makes the texts that `describe` would have given."""

    __slots__ = ("_describe", "_room", "_shown", "_texts")

    def __init__(self, describe: Describe, texts: Texts) -> None:
        self._describe = describe
        self._texts = texts
        self._shown, self._room = shown_by_repr(describe)

    def write(self, out: bytearray, value: object) -> None:
        """Append a value. It raises what is no Exception and comes from describing it; then nothing is appended."""
        start = len(out)
        try:
            if not self._write_known(out, value):
                del out[start:]
                self.write_sample(out, self._describe(value))
        except Exception:  # no stack left, say
            del out[start:]
            out.append(TAG_UNAVAILABLE)
        except BaseException:
            del out[start:]
            raise

    def _write_known(self, out: bytearray, value: object) -> bool:
        """Append a value if it is shown by its repr alone; otherwise `out` may be longer."""
        try:
            return self._shown != NOTHING and self._put(out, value)
        except Exception:  # no stack left, or another thread has changed a container
            return False

    def write_sample(self, out: bytearray, sample: Sample) -> None:
        """Append the name of a type and a text."""
        tag = _SAMPLES.get(sample)
        if tag is not None:
            out.append(tag)
            return
        encoded = sample[1].encode("utf-8", "surrogatepass")
        number = self._texts.number(sample[0])
        out.append(TEXT)
        put_varint(out, number)
        put_varint(out, len(encoded))
        out += encoded

    def _put(self, out: bytearray, value: object) -> bool:
        if _put_scalar(out, value, self._room):
            return True
        kind = type(value)
        if id(kind) in _CONTAINER_TYPES:
            if self._shown < CONTAINERS_TOO or (self._shown == OBJECTS and open_reprs()):
                return False
            return _put_container(out, value, self._room, self._room, []) is not None
        if self._shown != OBJECTS or type(kind) is not type:
            return False
        if kind is type or kind is _BUILTIN:
            return self._put_named(out, value, kind)
        return self._put_object(out, value, kind)

    def _put_named(self, out: bytearray, value: object, kind: type) -> bool:
        """Append a class, or a function of a module that is written in C."""
        text = repr(value)
        if not text.startswith(("<class ", "<built-in function ")):  # but a method
            return False
        name = self._texts.number(name_of(kind))
        number = self._texts.number(text)
        out.append(NAMED)
        put_varint(out, name)
        put_varint(out, number)
        return True

    def _put_object(self, out: bytearray, value: object, kind: type) -> bool:
        """Append a function, or an object without a repr of its own."""
        if kind is not FUNCTION and class_lookup(kind, "__repr__") is not _OBJECT_REPR:
            return False
        text, address = repr(value), id(value)
        end = f"{address:x}>"
        if not text.endswith(f" at 0x{end}"):  # the interpreter writes addresses in another way
            return False
        name = self._texts.number(name_of(kind))
        before = self._texts.number(text.removesuffix(end))
        out.append(OBJECT)
        put_varint(out, name)
        put_varint(out, before)
        out += address.to_bytes(8, "little")
        return True


def _put_scalar(out: bytearray, value: Any, room: int) -> int:
    """Append a number, a string or the like; return how many characters its repr has at least, 0 for another value."""
    kind = type(value)
    if kind is int:
        return _put_int(out, value)
    if kind is str:
        end = "" if len(value) <= room else "'" if "'" not in value or '"' in value else '"'
        _put_bytes(out, STR, end, value[:room].encode("utf-8", "surrogatepass"))
        return min(len(value), room) + 2
    if kind is float:
        out.append(FLOAT)
        out += _DOUBLE.pack(value)
        return 3
    if value is None or kind is bool:
        out.append(TAG_NONE if value is None else TAG_TRUE if value else TAG_FALSE)
        return 4
    if kind is bytes:
        end = "" if len(value) <= room else "'" if b"'" not in value or b'"' in value else '"'
        _put_bytes(out, BYTES, end, value[:room])
        return min(len(value), room) + 3
    return 0


def _put_int(out: bytearray, value: int) -> int:
    if 0 <= value < 128:
        out.append(SMALL | value)
        return 1
    for tag, size, end, least in _INTS:
        if -end <= value < end:
            out.append(tag)
            out += value.to_bytes(size, "little", signed=True)
            return least
    return 0


def _put_bytes(out: bytearray, tag: int, quote: str, encoded: bytes) -> None:
    """Append a string; `quote` is the quote of its repr if it was cut."""
    if quote:
        out.append(tag + 1)
        out.append(ord(quote))
    else:
        out.append(tag)
    put_varint(out, len(encoded))
    out += encoded


def _put_container(out: bytearray, value: Any, left: int, room: int, above: list[Any]) -> int | None:
    """Append a container of scalars and of such containers, until the text certainly has `left` characters.

    Return how many are left, None if it cannot be written so. `above` are the containers that it is in.
    """
    if len(above) == DEPTH or any(other is value for other in above):
        return None
    tag, many = _CONTAINERS[type(value)], len(value)
    out.append(tag)
    put_varint(out, many)
    if many == 0:
        return left - len(EMPTY[tag])
    items = chain.from_iterable(value.items()) if tag == DICT else value
    expected = many * 2 if tag == DICT else many
    left -= len(OPENING[tag])
    above.append(value)
    written = 0
    for item in items:
        if written == expected:
            break
        if written:
            left -= 2  # a comma or a colon, and a blank
        if left <= 0:
            out.append(MORE)
            above.pop()
            return left
        least = _put_scalar(out, item, room)
        if least:
            left -= least
        else:
            rest = None if id(type(item)) not in _CONTAINER_TYPES else _put_container(out, item, left, room, above)
            if rest is None:
                return None
            left = rest
        written += 1
    above.pop()
    return left - 1 if written == expected else None  # less than that if another thread has changed it


# --- reading ------------------------------------------------------------------------------------------------------


class ValueReader:
    """Reads values as samples. What is no value, whatever it is, raises ValueError."""

    __slots__ = ("_payloads", "_seen", "known", "room", "texts")

    def __init__(self, texts: Sequence[str], room: int) -> None:
        """`texts` by number, and the characters that there are for a text."""
        self.texts = texts
        self.room = room
        self.known = _KNOWN  # by tag: the values that are a tag alone
        if room < _LONGEST_KNOWN:
            self.known = [each and (each if each in _SAMPLES else (each[0], self._cut(each[1]))) for each in _KNOWN]
        self._seen: dict[bytes, Sample] = {}  # short values that were read before, by all of their bytes
        self._payloads: dict[int, Callable[[bytes, int], tuple[Sample, int]]] = {
            **dict.fromkeys(range(INT8, BYTES_CUT + 1), self._scalar),
            **dict.fromkeys(_CONTAINERS.values(), self._container),
            OBJECT: self._object,
            NAMED: self._named,
            TEXT: self._text,
        }

    def read(self, data: bytes, at: int) -> tuple[Sample, int]:
        """Return the sample that begins at `at`, and where it ends."""
        if not 0 <= at < len(data):
            raise ValueError(f"there is no value at {at}: the end is {len(data)}")
        tag = data[at]
        sample = self.known[tag]
        if sample is not None:
            return sample, at + 1
        size = _SIZES.get(tag)  # of a short value: one whose numbers take a byte each
        if size is None:
            if at + 2 >= len(data) or data[at + 1] > 127:
                return self._read_new(data, at)
            if tag == STR:
                size = data[at + 1] + 1
            elif data[at + 2] > 127:
                return self._read_new(data, at)
            elif tag == OBJECT:
                size = 10
            elif tag == TEXT:
                size = data[at + 2] + 2
            else:
                return self._read_new(data, at)
        end = at + 1 + size
        encoded = data[at:end]
        sample = self._seen.get(encoded)
        if sample is None:
            sample, end = self._read_new(data, at)
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen[encoded] = sample
        return sample, end

    def _read_new(self, data: bytes, at: int) -> tuple[Sample, int]:
        payload = self._payloads.get(data[at])
        if payload is None:
            raise ValueError(f"no value begins with {data[at]}, as the one at {at} does")
        return payload(data, at)

    def _cut(self, text: str) -> str:
        room = self.room
        return text if len(text) <= room else text[: max(room - 3, 0)] + "..."[:room]

    def _scalar(self, data: bytes, at: int) -> tuple[Sample, int]:
        text, end = _read_scalar(data, at)
        return (TYPE_NAMES[data[at]], self._cut(text)), end

    def _container(self, data: bytes, at: int) -> tuple[Sample, int]:
        text, end, is_whole = _read_container(data, at, 1)
        if not is_whole:
            if len(text) < self.room:
                raise ValueError(f"the container at {at} ends before its text is long enough")
            text += "..."  # of which nothing will be left
        return (TYPE_NAMES[data[at]], self._cut(text)), end

    def _object(self, data: bytes, at: int) -> tuple[Sample, int]:
        name, end = self._text_of_number(data, at + 1)
        before, end = self._text_of_number(data, end)
        address = int.from_bytes(_taken(data, end, 8), "little")
        return (name, self._cut(f"{before}{address:x}>")), end + 8

    def _named(self, data: bytes, at: int) -> tuple[Sample, int]:
        name, end = self._text_of_number(data, at + 1)
        text, end = self._text_of_number(data, end)
        return (name, self._cut(text)), end

    def _text(self, data: bytes, at: int) -> tuple[Sample, int]:
        name, end = self._text_of_number(data, at + 1)
        encoded, end = _read_bytes(data, end)
        return (name, _decoded(encoded, at)), end

    def _text_of_number(self, data: bytes, at: int) -> tuple[str, int]:
        number, end = read_varint(data, at)
        if number >= len(self.texts):
            raise ValueError(f"there is no text {number}, which the value at {at} refers to")
        return self.texts[number], end


MOST_SEEN = 4_000

TYPE_NAMES = {
    **dict.fromkeys((INT8, INT16, INT32, INT64), "int"),
    FLOAT: "float",
    **dict.fromkeys((STR, STR_CUT), "str"),
    **dict.fromkeys((BYTES, BYTES_CUT), "bytes"),
    **{tag: kind.__name__ for kind, tag in _CONTAINERS.items()},
}
_SIZES = {INT8: 1, INT16: 2, INT32: 4, INT64: 8, FLOAT: 8}
TEXTS = {TAG_NONE: "None", TAG_FALSE: "False", TAG_TRUE: "True", **{SMALL | n: str(n) for n in range(128)}}
_TYPES = {TAG_NONE: "NoneType", TAG_FALSE: "bool", TAG_TRUE: "bool"}
_LONGEST_KNOWN = max(map(len, TEXTS.values()))


def _known() -> list[Sample | None]:
    known: list[Sample | None] = [None] * 256
    for sample, tag in _SAMPLES.items():
        known[tag] = sample
    for tag, text in TEXTS.items():
        known[tag] = (_TYPES.get(tag, "int"), text)
    return known


_KNOWN = _known()


def _read_scalar(data: bytes, at: int) -> tuple[str, int]:
    """The repr of a number, a string or the like, as far as it was written, and where it ends."""
    tag = data[at]
    size = _SIZES.get(tag)
    if size is not None:
        taken = _taken(data, at + 1, size)
        number = _DOUBLE.unpack(taken)[0] if tag == FLOAT else int.from_bytes(taken, "little", signed=True)
        return repr(number), at + 1 + size
    if not STR <= tag <= BYTES_CUT:
        raise ValueError(f"no value that can stand in a container begins with {tag}, as the one at {at} does")
    quote = b""
    start = at + 1
    if tag in (STR_CUT, BYTES_CUT):
        quote = _taken(data, start, 1)
        if quote not in (b"'", b'"'):
            raise ValueError(f"the string at {at} has no quote, but {quote!r}")
        start += 1
    encoded, end = _read_bytes(data, start)
    # The other quote, appended, has the beginning get the quotes that the whole had.
    other = b"" if not quote else b'"' if quote == b"'" else b"'"
    if tag >= BYTES:
        return repr(encoded + other), end
    return repr(_decoded(encoded, at) + other.decode()), end


def _read_container(data: bytes, at: int, depth: int) -> tuple[str, int, bool]:
    """The repr of a container as far as its items were written, where it ends, and whether all of them were."""
    if depth > DEPTH:
        raise ValueError(f"the container at {at} is nested more than {DEPTH} times")
    kind = data[at]
    many, at = read_varint(data, at + 1)
    if many == 0:
        return EMPTY[kind], at, True
    text, separator = OPENING[kind], ""
    is_whole = True
    for number in range(many * 2 if kind == DICT else many):
        if at >= len(data):
            raise ValueError(f"a container goes beyond the end, {len(data)}")
        text += separator
        separator = ": " if kind == DICT and number % 2 == 0 else ", "
        tag = data[at]
        if tag in TEXTS:
            text += TEXTS[tag]
            at += 1
        elif tag == MORE:
            return text, at + 1, False
        elif LIST <= tag <= DICT:
            item, at, is_item_whole = _read_container(data, at, depth + 1)
            text += item
            is_whole = is_whole and is_item_whole
        else:
            item, at = _read_scalar(data, at)
            text += item
    closing = ",)" if kind == TUPLE and many == 1 else CLOSING[kind]
    return text + closing, at, is_whole


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, start = read_varint(data, at)
    return _taken(data, start, size), start + size


def _taken(data: bytes, at: int, size: int) -> bytes:
    if size > len(data) - at:
        raise ValueError(f"{size} bytes from {at} on go beyond the end, {len(data)}")
    return data[at : at + size]


def _decoded(encoded: bytes, at: int) -> str:
    try:
        return encoded.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise ValueError(f"the text at {at} is not UTF-8: {error}") from None
