"""Read a name in a frame, and describe a value in fifty characters, without disturbing either.

Both happen for every name of every sampled line, so the common case comes first: a small number, a short
string, a list of them. The uncommon must still be exact: the text of a value is its `repr`, cut, and nothing
else.
"""

from __future__ import annotations

import sys
from _thread import _local  # threading.local
from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import OrderedDict, defaultdict, deque
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType
    from typing import Any

    Leaf = Callable[[Any, int], str]
    Walker = Callable[[Any, int, list[Any]], str]
else:  # the same types, without the import time of `collections`
    from _collections import OrderedDict, defaultdict, deque

__all__ = ["UNAVAILABLE", "describe", "read", "read_class_free", "read_local", "read_namespace"]

WIDTH = 50  # characters of a description
_MANY = WIDTH // 2 + 2  # elements are too many for it, even if each one's repr is empty: separators have two
_MANY_NUMBERS = WIDTH // 3 + 2  # and so many if each has a character at least


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
            text = _walk(value, WIDTH, _opened_here())
        else:
            text = _other(value, WIDTH)
    except Exception as error:
        text = _broken(error)
    return _name_of(kind), text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _name_of(kind: type) -> str:
    """The `__name__` of a class, also where its metaclass breaks that."""
    try:
        return _plain(kind.__name__)
    except Exception:
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
# least); otherwise a text longer than `room` that begins like the repr for so long. `opened` are the
# containers whose repr is under way in this thread.


def _walk(value: Any, room: int, opened: list[Any]) -> str:
    kind = type(value)
    which = id(kind)
    if which in _ATOMS or (kind is int and -(1 << 100) < value < 1 << 100) or (kind is str and len(value) <= room):
        return repr(value)
    if (leaf := _LEAVES.get(which)) is not None:
        return leaf(value, room)
    if (container := _CONTAINERS.get(which)) is None:
        return _other(value, room)
    again, walker = container
    if not again:
        return walker(value, room, opened)
    if (
        (kind is list or kind is tuple)
        and len(value) <= _MANY_NUMBERS
        and _are_numbers(value[:_MANY_NUMBERS])  # of a copy: another thread may be at the list
    ):
        return repr(value)
    return _once(value, room, opened, again, walker)


def _other(value: Any, room: int) -> str:
    """The repr of a value whose type has no leaf or walker; that of an array is made of its first elements."""
    kind = type(value)
    module = sys.modules.get("array")  # not imported for this
    if module is None or kind is not vars(module).get("array") or type(vars(kind).get("typecode")) is not _GETSET:
        return _plain(repr(value))
    # An element takes a character at least. A text chooses its quotes by all of it.
    return repr(value if len(value) <= room or value.typecode in "uw" else value[:room])


def _once(value: object, room: int, opened: list[Any], again: str, walker: Walker) -> str:
    """Walk a container, unless that is under way already: then `again` stands for it."""
    for other in opened:
        if other is value:
            return again
    try:
        opened.append(value)
        return walker(value, room, opened)
    finally:
        _close(value, opened)


def _close(value: object, opened: list[Any]) -> None:
    """Take `value` off: the last one, unless its repr switched to a greenlet that is still inside another."""
    for index in range(len(opened) - 1, -1, -1):
        if opened[index] is value:
            del opened[index]
            break


def _join(text: str, items: Iterable[object], room: int, opened: list[Any]) -> str:
    """Append elements to `text` until it has `room` characters: with the bracket to come, that is longer."""
    separator = ""
    for item in items:
        text += separator
        if len(text) >= room:
            break
        text += _walk(item, room - len(text), opened)
        separator = ", "
    return text


def _are_numbers(items: Sequence[Any]) -> bool:
    """Whether the built-in repr does: numbers only, none of them long. (A `nan` may be taken for long.)"""
    return bool(
        items and _NUMBERS.issuperset(map(id, map(type, items))) and min(items) > -(1 << 100) and max(items) < 1 << 100
    )


def _head(items: Iterable[Any]) -> list[Any]:
    """The first elements, more than fit, in a list of their own: a repr may change the container."""
    try:
        return list(islice(items, _MANY))
    except RuntimeError:  # another thread changed it right now, which takes a Python without the GIL
        return list(items)[:_MANY]


def _walk_list(value: list[Any], room: int, opened: list[Any]) -> str:
    if len(value) > _MANY_NUMBERS and _are_numbers(head := value[:_MANY_NUMBERS]):
        return repr(head)
    return _join("[", value, room, opened) + "]"


def _walk_tuple(value: tuple[Any, ...], room: int, opened: list[Any]) -> str:
    if len(value) > _MANY_NUMBERS and _are_numbers(head := value[:_MANY_NUMBERS]):
        return repr(head)
    return _join("(", value, room, opened) + (",)" if len(value) == 1 else ")")


def _walk_dict(value: dict[Any, Any], room: int, opened: list[Any]) -> str:
    text, separator = "{", ""
    for key, item in _head(value.items()):
        text += separator
        if len(text) >= room:
            break
        text += _walk(key, room - len(text), opened) + ": "
        if len(text) >= room:
            break
        text += _walk(item, room - len(text), opened)
        separator = ", "
    return text + "}"


def _walk_set(value: set[Any], room: int, opened: list[Any]) -> str:
    head = _head(value)
    return _join("{", head, room, opened) + "}" if head else "set()"


def _walk_frozenset(value: frozenset[Any], room: int, opened: list[Any]) -> str:
    return _join("frozenset({", _head(value), room, opened) + "})" if value else "frozenset()"


def _walk_deque(value: deque[Any], room: int, opened: list[Any]) -> str:
    end = "])" if value.maxlen is None else f"], maxlen={value.maxlen})"
    return _join("deque([", _head(value), room, opened) + end


def _walk_view(value: Iterable[Any], room: int, opened: list[Any]) -> str:
    return _join(type(value).__name__ + "([", _head(value), room, opened) + "])"


def _walk_ordereddict(value: OrderedDict[Any, Any], room: int, opened: list[Any]) -> str:
    text = "OrderedDict("
    return text + _walk_dict(value, room - len(text), opened) + ")" if value else text + ")"


def _walk_defaultdict(value: defaultdict[Any, Any], room: int, opened: list[Any]) -> str:
    text = "defaultdict(" + _once(value.default_factory, room, opened, "...", _walk) + ", "
    return text + _once(value, room - len(text), opened, "{...}", _walk_dict) + ")"


def _walk_frozendict(value: dict[Any, Any], room: int, opened: list[Any]) -> str:
    text = "frozendict("
    return text + _once(value, room - len(text), opened, "{...}", _walk_dict) + ")" if value else text + ")"


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
    if bits < 2000 or 0 < 4 * limit < bits:  # the latter raises, at once: a digit takes less than four bits
        return repr(value)
    count, digits = _first_digits(value)
    return repr(value) if not digits or count > limit > 0 else "-" * (value < 0) + digits


def _first_digits(value: int) -> tuple[int, str]:
    """Return how many digits a long integer has, and the first sixty; `(0, "")` where that is hard to tell.

    Its leading 400 bits make 120 digits. Multiplied by two to the power of the other bits, with a precision
    of 100, the last few may be wrong, which reaches the first sixty only through a row of zeros or nines.
    """
    from decimal import MAX_EMAX, MIN_EMIN, Context

    context = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
    rest = value.bit_length() - 400
    number = context.multiply(context.create_decimal(abs(value) >> rest), context.power(2, rest))
    digits = "".join(map(str, number.as_tuple().digits))
    if len(digits) < 100 or digits[60:95] in ("0" * 35, "9" * 35):
        return 0, ""
    return number.adjusted() + 1, digits[:60]


_CELL = type((lambda cell: lambda: cell)(0).__closure__[0])  # type: ignore[index]
_GETSET = type(vars(type(_other))["__code__"])  # no class written in Python has one of its own

# Built-in types by address: looking up a class itself would run `__hash__` and `__eq__` of its metaclass.

_ATOMS = frozenset(id(type(value)) for value in (None, True, 1.5, ..., NotImplemented))  # their repr is short
_NUMBERS = frozenset(map(id, (int, bool, float)))
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
if sys.version_info >= (3, 15):
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


# --- reading ---

# How a name of a line is read in a frame.
LOCAL = 0  # a local, cell or free variable of a function's frame
GLOBAL = 1  # module global, else builtin
CLASS = 2  # a class body's namespace, else as GLOBAL
CLASS_FREE = 3  # a class body's namespace, else the variable of the function around it
FREE = 4  # the variable of the function around the class body
UNREADABLE = 5

UNAVAILABLE = ("NameError", "<unavailable>")  # the sample of a name that cannot be read


def read(frame: FrameType, name: str, how: int) -> object:
    """Return what `name` means in `frame`, to be read in one of the ways above; raise NameError if nothing."""
    if how == LOCAL:
        return read_local(frame, name)
    if how == UNREADABLE:
        raise NameError(name)
    if how == FREE:
        return read_class_free(frame, name)
    if how in (CLASS, CLASS_FREE):
        try:
            return read_namespace(frame, name)
        except NameError:
            if how == CLASS_FREE:
                return read_class_free(frame, name)
    try:
        return frame.f_globals[name]
    except KeyError:
        pass
    try:
        return frame.f_builtins[name]
    except KeyError:
        raise NameError(name) from None


def read_local(frame: FrameType, name: str) -> object:
    """Return what `name` holds, a local, cell or free variable of the function that `frame` runs.

    While an inlined comprehension runs, its own variable comes before the function's of that name. Of a
    class body's frame only such variables of comprehensions can be read here. Raises NameError if `name` is
    unbound. Nothing keeps a reference to the value. (Without ctypes, Python 3.12 does, until the frame
    ends.)
    """
    if _CELLS_ARE_READ_WITHOUT_LOCK:
        try:
            return _read_slots(frame, name)
        except ImportError:  # no ctypes: the interpreter's own way is the only one
            pass
    if not _PROXY_IS_SAFE:
        return _read_by_ctypes(frame, name)
    variables = frame.f_locals
    if type(variables) is _PROXY:
        try:
            return variables[name]
        except KeyError:
            pass
    raise NameError(name)


def read_namespace(frame: FrameType, name: str) -> object:
    """Return what the class body that `frame` runs has bound to `name`; raise NameError if nothing.

    No code of the program runs: a namespace that is no dict, as a metaclass can have it, shows nothing. From
    3.13 on a class's namespace is out of reach while a comprehension inlined into the class body runs.
    """
    namespace: Any = frame.f_locals
    if issubclass(type(namespace), dict):  # isinstance may ask the object
        value = dict.get(namespace, name, _MISSING)
        if value is not _MISSING:
            return value
    raise NameError(name)


def read_class_free(frame: FrameType, name: str) -> object:
    """Return what `name` holds, a variable of a function around the class body that `frame` runs.

    The interpreter does not give it out for a class, so it is read where it belongs: in the frame that
    executes the class statement, or further out if that is a class too. Raises NameError if it is unbound.
    """
    code, above = frame.f_code, frame.f_back
    while above is not None:
        if any(constant is code for constant in above.f_code.co_consts):
            if above.f_code.co_flags & _CO_OPTIMIZED:
                return read_local(above, name)
            code = above.f_code
        above = above.f_back
    raise NameError(name)


_CO_OPTIMIZED = 1
_MISSING = object()
_PROXY: type = (lambda: type(sys._getframe().f_locals))()

# Before 3.13 f_locals is a copy, shared with the program's `locals()`, that keeps objects alive. In 3.13.0 to
# 3.13.2 it crashes on a cell variable's name while a comprehension has a variable of that name.
_PROXY_IS_SAFE = sys.version_info >= (3, 13, 3)

# The free-threaded 3.13 takes what a cell holds without the cell's lock in f_locals, PyFrame_GetVar and cell_contents:
# another thread that binds the variable anew frees it meanwhile, and the interpreter crashes.
_CELLS_ARE_READ_WITHOUT_LOCK = "free-threading build" in sys.version and sys.version_info < (3, 14)

_get_var: Callable[[FrameType, str], object] | None = None


def _read_by_ctypes(frame: FrameType, name: str) -> object:
    global _get_var
    if _get_var is None:
        _get_var = _make_get_var()
    try:
        return _get_var(frame, name)
    except NameError:
        code = frame.f_code
        if name in code.co_freevars and name in code.co_varnames and code.co_flags & _CO_OPTIMIZED:
            return _read_free_slot(frame, name)
        raise


def _make_get_var() -> Callable[[FrameType, str], object]:
    try:
        from ctypes import py_object, pythonapi

        function = pythonapi["PyFrame_GetVar"]
    except (ImportError, AttributeError):
        return _read_copy
    function.restype = py_object
    return lambda frame, name: function(py_object(frame), py_object(name))  # faster than argtypes


def _read_copy(frame: FrameType, name: str) -> object:
    try:
        return frame.f_locals[name]
    except KeyError:
        raise NameError(name) from None


def _read_free_slot(frame: FrameType, name: str) -> object:
    """Read a free variable that PyFrame_GetVar misses, since a comprehension has a variable of that name.

    It stops at the first slot of a name; free variables have the last ones.
    """
    code = frame.f_code
    index = len({*code.co_varnames, *code.co_cellvars}) + code.co_freevars.index(name)
    try:
        cell: Any = _slot(frame, index)
        return cell.cell_contents
    except ValueError:  # no cell, or nothing in it
        raise NameError(name) from None


def _read_slots(frame: FrameType, name: str) -> object:
    """Read a variable from the first slot of its name that holds something; what a cell holds from the cell itself."""
    code = frame.f_code
    names = [*code.co_varnames, *(n for n in code.co_cellvars if n not in code.co_varnames), *code.co_freevars]
    has_cell = name in code.co_cellvars or name in code.co_freevars
    for index, known in enumerate(names):
        if known == name:
            try:
                value: Any = _slot(frame, index)
                return _contents(value) if has_cell and type(value) is _CELL else value
            except ValueError:  # empty
                pass
    raise NameError(name)


def _contents(cell: object) -> object:
    """What a cell holds, read under its lock, which `cell_contents` does without; raises ValueError if nothing."""
    from ctypes import py_object, pythonapi

    get = pythonapi["PyCell_Get"]
    get.restype = py_object
    return get(py_object(cell))


def _slot(frame: FrameType, index: int) -> object:
    """What a slot of a frame's variables holds; raises ValueError if nothing.

    The layout is that of the versions concerned, all of them final: a frame object's second field points to the frame
    proper, which has eight pointers and eight bytes before its slots.
    """
    from ctypes import c_void_p, py_object, sizeof

    size = sizeof(c_void_p)
    proper = c_void_p.from_address(id(frame) + object.__basicsize__ + size).value or 0
    return py_object.from_address(proper + 8 * size + 8 + index * size).value
