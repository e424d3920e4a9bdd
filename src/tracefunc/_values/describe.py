"""Describe a value in fifty characters, without disturbing it.

That happens for every name of every sampled line, so the common case comes first: a small number, a short
string, a list of them. The uncommon must still be exact: the text of a value is its `repr`, cut, and nothing
else.
"""

from __future__ import annotations

import sys
from _thread import _local  # threading.local
from itertools import islice

from .._interpreter import HAS_FROZENDICT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import OrderedDict, defaultdict, deque
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    Leaf = Callable[[Any, int], str]
    Walker = Callable[[Any, int, "_Walk"], str]
    Describe = Callable[[Any], tuple[str, str]]
else:  # the same types, without the import time of `collections`
    from _collections import OrderedDict, defaultdict, deque

__all__ = ["describe", "describer", "outliner", "safe_repr"]

WIDTH = 50  # characters of a description, unless another number is asked for


# --- describing ---


def describe(value: Any) -> tuple[str, str]:
    """Return the name of the type of `value` and its `repr`, cut to 50 characters, the last three then "...".

    A repr that raises an `E` gives `<repr-error E: message>`, cut likewise; an exception that is no
    `Exception` (KeyboardInterrupt, SystemExit) propagates. Both texts are plain `str`s. No reference to
    `value` is kept.

    For the built-in strings, bytes, integers and containers, nested ones included, the cost does not grow
    with the size: work stops once 50 characters are known, and the text is that of the full repr. One
    difference is deliberate: an element beyond that point is not looked at, so it cannot raise and turn the
    text into an error's. Subclasses and all other types are asked for their whole repr.
    """
    kind = type(value)
    which = id(kind)
    if (kind is int and -(1 << 100) < value < 1 << 100) or which in _ATOMS:
        return kind.__name__, repr(value)
    try:
        if which in _LEAVES:
            text = _LEAVES[which](value, WIDTH)
        elif which in _CONTAINERS:
            text = _walk(value, WIDTH, _Walk(_opened_here(), _other))
        else:
            text = _other(value, WIDTH)
    except Exception as error:
        text = _broken(error)
    return _name_of(kind), text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def describer(width: int | None, show: Callable[[Any], str] | None = None) -> Describe:
    """Return what describes values like `describe`, in `width` characters (None: in as many as there are).

    `show` takes the place of `repr`. What it returns is cut too; an `E` that it raises gives `<repr-error E: message>`.
    """
    if width == WIDTH and show is None:
        return describe
    if show is None or show is safe_repr:
        return _walker(width, _other, _name_of) if show is None else _walker(width, _safe_other, _own_name)

    def text_of(value: Any) -> str:
        text = show(value)
        if not isinstance(text, str):
            raise TypeError(f"describe() must return a str, not {_name_of(type(text))}")
        return _plain(text)

    return _describer(width, text_of, _name_of)


def outliner(width: int | None, show: Callable[[Any], str] | None = None) -> Describe:
    """Return what describes values where no code of the program may run, unless `show` does that.

    It is `describe`, but for objects whose class has a repr of its own: these are `<type at address>`.
    """
    return _walker(width, _outline, _own_name) if show is None else describer(width, show)


def _walker(width: int | None, other: Leaf, name_of: Callable[[type], str]) -> Describe:
    room = sys.maxsize if width is None else width
    runs_code = other is _other

    def text_of(value: Any) -> str:
        return _walk(value, room, _Walk(_opened_here() if runs_code else [], other))

    return _describer(width, text_of, name_of)


def _describer(width: int | None, text_of: Callable[[Any], str], name_of: Callable[[type], str]) -> Describe:
    room = sys.maxsize if width is None else width

    def describe_so(value: Any) -> tuple[str, str]:
        try:
            text = text_of(value)
        except Exception as error:
            text = _broken(error)
        return name_of(type(value)), text if len(text) <= room else text[: max(room - 3, 0)] + "..."[:room]

    return describe_so


def safe_repr(value: Any) -> str:
    """Return a text for `value` that is made without running any code of the program's own.

    Values of exactly the built-in types have their `repr`, containers with everything in them; anything else is
    `<type at address>`. Of numpy's arrays, pandas' frames and series, and torch's tensors the shape and the type of
    the elements are told, and no element is looked at. As `describe` of a `Tracer` it does not make more text than
    is shown.
    """
    return _walk(value, sys.maxsize, _Walk([], _safe_other))


def _name_of(kind: type) -> str:
    """The `__name__` of a class, also where its metaclass breaks that."""
    try:
        return _plain(kind.__name__)
    except Exception:
        return _own_name(kind)


def _own_name(kind: type) -> str:
    """The `__name__` of a class, whatever its metaclass says."""
    return _plain(type.__dict__["__name__"].__get__(kind))


def _plain(text: str) -> str:
    """The same characters as a plain `str`: cutting one of a subclass runs code, and it may hold anything."""
    return text if type(text) is str else "".join((text,))


def _broken(error: Exception) -> str:
    try:
        message = _plain(f"{error}")
    except Exception:
        message = "<exception str() failed>"
    return f"<repr-error {_name_of(type(error))}: {message}>"


# A leaf or a walker returns the whole repr if that has at most `room` characters (there is room for one at
# least); otherwise a text longer than `room` that begins like the repr for so long. `walk` is what they
# share.


class _Walk:
    """What the leaves and walkers of one description share."""

    __slots__ = ("opened", "other")

    def __init__(self, opened: list[Any], other: Leaf) -> None:
        self.opened = opened  # the containers whose repr is under way in this thread
        self.other = other  # describes what is neither a leaf nor a container


def _walk(value: Any, room: int, walk: _Walk) -> str:
    kind = type(value)
    which = id(kind)
    if which in _ATOMS or (kind is int and -(1 << 100) < value < 1 << 100) or (kind is str and len(value) <= room):
        return repr(value)
    if (leaf := _LEAVES.get(which)) is not None:
        return leaf(value, room)
    if (container := _CONTAINERS.get(which)) is None:
        return walk.other(value, room)
    again, walker = container
    if not again:
        return walker(value, room, walk)
    if (
        (kind is list or kind is tuple)
        and len(value) <= (many := max(room, 0) // 3 + 2)
        and _are_numbers(value[:many])  # of a copy: another thread may be at the list
    ):
        return repr(value)
    return _once(value, room, walk, again, walker)


def _other(value: Any, room: int) -> str:
    """The repr of a value whose type has no leaf or walker; that of an array is made of its first elements."""
    kind = type(value)
    module = sys.modules.get("array")  # not imported for this
    if module is None or kind is not vars(module).get("array") or type(vars(kind).get("typecode")) is not _GETSET:
        return _plain(repr(value))
    # An element takes a character at least. A text chooses its quotes by all of it.
    return repr(value if len(value) <= room or value.typecode in "uw" else value[:room])


def _once(value: object, room: int, walk: _Walk, again: str, walker: Walker) -> str:
    """Walk a container, unless that is under way already: then `again` stands for it."""
    for other in walk.opened:
        if other is value:
            return again
    try:
        walk.opened.append(value)
        return walker(value, room, walk)
    finally:
        _close(value, walk.opened)


def _close(value: object, opened: list[Any]) -> None:
    """Take `value` off: the last one, unless its repr switched to a greenlet that is still inside another."""
    for index in range(len(opened) - 1, -1, -1):
        if opened[index] is value:
            del opened[index]
            break


def _join(text: str, items: Iterable[object], room: int, walk: _Walk) -> str:
    """Append elements to `text` until it has `room` characters: with the bracket to come, that is longer."""
    separator = ""
    for item in items:
        text += separator
        if len(text) >= room:
            break
        text += _walk(item, room - len(text), walk)
        separator = ", "
    return text


def _are_numbers(items: Sequence[Any]) -> bool:
    """Whether the built-in repr does: numbers only, none of them long. (A `nan` may be taken for long.)"""
    return bool(
        items and _NUMBERS.issuperset(map(id, map(type, items))) and min(items) > -(1 << 100) and max(items) < 1 << 100
    )


def _head(items: Iterable[Any], room: int) -> list[Any]:
    """The first elements, more than fit, in a list of their own: a repr may change the container."""
    many = max(room, 0) // 2 + 2  # do not fit even if each one's repr is empty: separators have two characters
    try:
        return list(islice(items, many))
    except RuntimeError:  # another thread changed it right now, which takes a Python without the GIL
        return list(items)[:many]


def _walk_list(value: list[Any], room: int, walk: _Walk) -> str:
    many = max(room, 0) // 3 + 2  # elements do not fit, if each has a character at least
    if len(value) > many and _are_numbers(head := value[:many]):
        return repr(head)
    return _join("[", value, room, walk) + "]"


def _walk_tuple(value: tuple[Any, ...], room: int, walk: _Walk) -> str:
    many = max(room, 0) // 3 + 2  # elements do not fit, if each has a character at least
    if len(value) > many and _are_numbers(head := value[:many]):
        return repr(head)
    return _join("(", value, room, walk) + (",)" if len(value) == 1 else ")")


def _walk_dict(value: dict[Any, Any], room: int, walk: _Walk) -> str:
    text, separator = "{", ""
    for key, item in _head(value.items(), room):
        text += separator
        if len(text) >= room:
            break
        text += _walk(key, room - len(text), walk) + ": "
        if len(text) >= room:
            break
        text += _walk(item, room - len(text), walk)
        separator = ", "
    return text + "}"


def _walk_set(value: set[Any], room: int, walk: _Walk) -> str:
    head = _head(value, room)
    return _join("{", head, room, walk) + "}" if head else "set()"


def _walk_frozenset(value: frozenset[Any], room: int, walk: _Walk) -> str:
    return _join("frozenset({", _head(value, room), room, walk) + "})" if value else "frozenset()"


def _walk_deque(value: deque[Any], room: int, walk: _Walk) -> str:
    end = "])" if value.maxlen is None else f"], maxlen={value.maxlen})"
    return _join("deque([", _head(value, room), room, walk) + end


def _walk_view(value: Iterable[Any], room: int, walk: _Walk) -> str:
    return _join(type(value).__name__ + "([", _head(value, room), room, walk) + "])"


def _walk_ordereddict(value: OrderedDict[Any, Any], room: int, walk: _Walk) -> str:
    text = "OrderedDict("
    return text + _walk_dict(value, room - len(text), walk) + ")" if value else text + ")"


def _walk_defaultdict(value: defaultdict[Any, Any], room: int, walk: _Walk) -> str:
    text = "defaultdict(" + _once(value.default_factory, room, walk, "...", _walk) + ", "
    return text + _once(value, room - len(text), walk, "{...}", _walk_dict) + ")"


def _walk_frozendict(value: dict[Any, Any], room: int, walk: _Walk) -> str:
    text = "frozendict("
    return text + _once(value, room - len(text), walk, "{...}", _walk_dict) + ")" if value else text + ")"


def _leaf_str(value: str, room: int) -> str:
    if len(value) <= room:
        return repr(value)
    # Which quotes repr takes depends on the whole string: it takes them for the beginning with this quote
    # behind.
    single = "'" not in value or '"' in value
    return repr(value[:room] + ('"' if single else "'"))


def _leaf_bytes(value: bytes | bytearray, room: int) -> str:
    if len(value) <= room:
        return repr(value)
    single = b"'" not in value or b'"' in value
    return repr(value[:room] + (b'"' if single else b"'"))


def _leaf_int(value: int, room: int) -> str:
    bits, limit = value.bit_length(), sys.get_int_max_str_digits()
    # The latter raises, at once: a digit takes less than four bits.
    if bits < 2000 or room > _FIRST_DIGITS or 0 < 4 * limit < bits:
        return repr(value)
    count, digits = _first_digits(value)
    return repr(value) if not digits or count > limit > 0 else "-" * (value < 0) + digits


_FIRST_DIGITS = 60


def _first_digits(value: int) -> tuple[int, str]:
    """Return how many digits a long integer has, and the first `_FIRST_DIGITS`; `(0, "")` where that is hard to tell.

    Its leading 400 bits make 120 digits. Multiplied by two to the power of the other bits, with a precision
    of 100, the last few may be wrong, which reaches the first ones only through a row of zeros or nines.
    """
    from decimal import MAX_EMAX, MIN_EMIN, Context

    context = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
    rest = value.bit_length() - 400
    number = context.multiply(context.create_decimal(abs(value) >> rest), context.power(2, rest))
    digits = "".join(map(str, number.as_tuple().digits))
    if len(digits) < 100 or digits[_FIRST_DIGITS:95] in ("0" * 35, "9" * 35):
        return 0, ""
    return number.adjusted() + 1, digits[:_FIRST_DIGITS]


# --- without running code ---


def _safe_other(value: Any, room: int) -> str:
    """The text of a value whose repr might run code of the program."""
    kind = type(value)
    if id(kind) in _SAFE:
        return repr(value)
    for name, kinds, fields in _ARRAYS:
        module = sys.modules.get(name)
        known = vars(module) if type(module) is type(sys) else {}
        if any(kind is known.get(other) for other in kinds):
            return f"<{_own_name(kind)} {' '.join(f'{field}={getattr(value, field)}' for field in fields)}>"
    return f"<{_own_name(kind)} at {id(value):#x}>"


def _outline(value: Any, room: int) -> str:
    """The repr of an object whose class has none of its own; that of an exception is made of its arguments."""
    kind = type(value)
    method = type.__getattribute__(kind, "__repr__")
    if method is object.__repr__:
        return repr(value)
    if method is BaseException.__repr__:
        args = BaseException.args.__get__(value)  # type: ignore[attr-defined]
        text = _walk(args, room, _Walk([], _outline))
        return _own_name(kind) + (f"({text[1:-2]})" if len(args) == 1 and text.endswith(",)") else text)
    return _safe_other(value, room)


# Modules, of which nothing is imported here, their types, and what is told of them.
_ARRAYS = (
    ("numpy", ("ndarray",), ("shape", "dtype")),
    ("pandas", ("DataFrame",), ("shape",)),
    ("pandas", ("Series", "Index"), ("shape", "dtype")),
    ("torch", ("Tensor",), ("shape", "dtype")),
)


_GETSET = type(vars(type(_other))["__code__"])  # no class written in Python has one of its own

# Built-in types by address: looking up a class itself would run `__hash__` and `__eq__` of its metaclass.

_ATOMS = frozenset(id(type(value)) for value in (None, True, 1.5, ..., NotImplemented))  # their repr is short
_NUMBERS = frozenset(map(id, (int, bool, float)))
_SAFE = frozenset(map(id, (type, range, complex, object, type(_name_of), type(len))))
_LEAVES: dict[int, Leaf] = {
    id(str): _leaf_str,
    id(bytes): _leaf_bytes,
    id(bytearray): _leaf_bytes,
    id(int): _leaf_int,
}

# What stands for a container inside itself, "" if the walker sees to that; and the walker.
_CONTAINERS: dict[int, tuple[str, Walker]] = {
    id(list): ("[...]", _walk_list),
    id(tuple): ("(...)", _walk_tuple),
    id(dict): ("{...}", _walk_dict),
    id(set): ("set(...)", _walk_set),
    id(frozenset): ("frozenset(...)", _walk_frozenset),
    id(deque): ("[...]", _walk_deque),
    id(OrderedDict): ("...", _walk_ordereddict),
    id(defaultdict): ("", _walk_defaultdict),
    id(type({}.keys())): ("...", _walk_view),
    id(type({}.values())): ("...", _walk_view),
    id(type({}.items())): ("...", _walk_view),
}
if HAS_FROZENDICT:
    _CONTAINERS[id(frozendict)] = ("", _walk_frozendict)  # type: ignore[name-defined]  # noqa: F821

_here = _local()


def _opened_here() -> list[Any]:
    """Return the containers whose repr is under way in this thread, by the interpreter or by us.

    It is the interpreter's own list. So a `__repr__` that leads back to a container of ours, or that is
    itself being traced while its object's container is shown, meets the "[...]" it would have met. Without
    ctypes the list is our own, and there the container is shown once more.
    """
    try:
        return _here.opened  # type: ignore[no-any-return]
    except AttributeError:
        _here.opened = opened = _interpreters_list()
        return opened


def _interpreters_list() -> list[Any]:
    try:
        import ctypes

        get_dict = ctypes.pythonapi["PyThreadState_GetDict"]
        get_dict.restype = ctypes.c_void_p  # not py_object: the reference is borrowed
        repr([None])  # makes the list, if it is the first one in this thread
        opened = ctypes.cast(get_dict(), ctypes.py_object).value["Py_Repr"]
    except Exception:
        return []
    return opened if type(opened) is list else []
