"""The attributes in an object's own dictionary, read without making that dictionary.

An object keeps its attributes without a dictionary until somebody asks for `__dict__`. So the dictionary is looked at
only where there is one; else the names come from the keys that all objects of the class share, which are in the class.
"""

from __future__ import annotations

from .._forks import importing
from .._interpreter import MANAGED_DICT_WORD
from .memory import POINTER, byte_reader, checked, word_reader
from .static_types import MISSING, class_attribute, dict_offset_of, flags_of, mro_of, namespace_of, read_descriptor

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_MANAGED_DICT = 1 << 4  # Py_TPFLAGS_MANAGED_DICT
_SIZE_OF_CLASS: int = vars(type)["__basicsize__"].__get__(type)


def attributes_of(value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """The names and values of an object's own attributes; names that are no exact `str` are left out."""
    if not dict_offset_of(kind):
        return
    reader = _reader()
    if reader is None or reader.has_dict(value, kind):
        found = _dictionary(value, kind) if reader is None else reader.dictionary(value, kind)
        if found is not None:
            for name, item in dict.items(found):
                if type(name) is str:
                    yield name, item
    elif is_managed(kind):
        for name in reader.shared_names(kind):
            item = _inline_value(value, kind, name)
            if item is not MISSING:
                yield name, item


def attribute(value: Any, kind: type, wanted: str) -> Any:
    """The object's own attribute of that name, or `MISSING`."""
    for name, item in attributes_of(value, kind):
        if name == wanted:
            return item
    return MISSING


def is_managed(kind: type) -> bool:
    """Whether it is the interpreter that keeps the attributes of a class's objects, and makes dictionaries late."""
    return bool(flags_of(kind) & _MANAGED_DICT)


def own_dict(value: Any, kind: type) -> dict[Any, Any] | None:
    """The dictionary of an object that has one by now."""
    if not dict_offset_of(kind):
        return None
    reader = _reader()
    if reader is None:
        return _dictionary(value, kind)
    return reader.own_dict(value, kind)


def _dictionary(value: Any, kind: type) -> dict[Any, Any] | None:
    """The dictionary of an object that has one, by the descriptor of the interpreter's own."""
    for base in mro_of(kind):
        made = read_descriptor(namespace_of(base).get("__dict__"), value, kind)
        if made is not MISSING:
            return made if issubclass(type(made), dict) else None
    return None


def _inline_value(value: Any, kind: type, name: str) -> Any:
    """An attribute of an object without a dictionary. The lookup is the interpreter's own, which makes none.

    It would run a descriptor of the class that has the same name: then the attribute is left out.
    """
    in_class = class_attribute(kind, name)
    if in_class is not MISSING and any("__get__" in namespace_of(base) for base in mro_of(type(in_class))):
        return MISSING
    try:
        found = object.__getattribute__(value, name)
    except AttributeError:
        return MISSING
    return MISSING if found is in_class else found


# --- memory -------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads where objects have their dictionaries, and classes the keys that their objects share."""

    def __init__(self) -> None:
        """Raises where memory does not look as expected."""
        with importing:
            import ctypes

        self._word = word_reader()
        self._byte = byte_reader()
        self._object: Callable[[int], Any] = lambda address: ctypes.py_object.from_address(address).value
        self._keys = 0
        self._keys = self._offset_of_keys()

    def has_dict(self, value: Any, kind: type) -> bool:
        """Whether an object has a dictionary by now."""
        place = self._place(value, kind)
        if not place:
            return True
        word = self._word(place)
        return word != 0 and not word & 1  # tagged: it points to values

    def dictionary(self, value: Any, kind: type) -> dict[Any, Any] | None:
        """The dictionary of an object that has one, whatever its class says of `__dict__`."""
        place = self._place(value, kind)
        found = self._object(place) if place else _dictionary(value, kind)
        return found if type(found) is dict or issubclass(type(found), dict) else None

    def own_dict(self, value: Any, kind: type) -> dict[Any, Any] | None:
        """The dictionary of an object that has one by now."""
        place = self._place(value, kind)
        if place:
            word = self._word(place)
            if word == 0 or word & 1:
                return None
        return self.dictionary(value, kind)

    def _place(self, value: Any, kind: type) -> int:
        """The address of the pointer to an object's dictionary; 0 if only a descriptor of its type knows."""
        if is_managed(kind):
            return id(value) + MANAGED_DICT_WORD * POINTER
        offset = dict_offset_of(kind)
        return id(value) + offset if offset > 0 else 0

    def shared_names(self, kind: type) -> list[str]:
        """The names that the objects of a class have had so far, in the order in which the first one got them."""
        keys = self._word(id(kind) + self._keys)
        if not keys:
            return []
        usable, used = keys + POINTER + 8, keys + 2 * POINTER + 8
        entries = keys + 3 * POINTER + 8 + (1 << self._byte(keys + POINTER + 1))
        if not (0 <= self._word(usable) <= _MOST_SHARED and 0 <= (many := self._word(used)) <= _MOST_SHARED):
            return []
        addresses = [entries + 2 * POINTER * index for index in range(many)]
        names = [self._object(address) for address in addresses if self._word(address)]
        return [name for name in names if type(name) is str]

    def _offset_of_keys(self) -> int:
        """Where a class has the shared keys: behind its name, slots and qualified name."""
        read_name, read_qualname = (type.__dict__[name].__get__ for name in ("__name__", "__qualname__"))
        name, qualname = id(read_name(_Probe)), id(read_qualname(_Probe))
        for offset in range(0, _SIZE_OF_CLASS - 3 * POINTER, POINTER):
            at = id(_Probe) + offset
            if self._word(at) == name and self._word(at + 2 * POINTER) == qualname:
                return offset + 3 * POINTER
        raise LookupError("a class's name is not where it was")

    def check(self) -> None:
        """Raise LookupError unless all that is read of an object is as it should be."""
        probe = _Probe()
        if self.has_dict(probe, _Probe) or self.shared_names(_Probe) != ["first", "second"]:
            raise LookupError("the names that objects share are not where they were")
        if object.__getattribute__(probe, "second") != 2 or self.has_dict(probe, _Probe):
            raise LookupError("reading an attribute makes a dictionary")
        if len(probe.__dict__) != 2 or not self.has_dict(probe, _Probe):
            raise LookupError("dictionaries are not where they were")


class _Probe:
    def __init__(self) -> None:
        self.first = 1
        self.second = 2


_Probe.__name__, _Probe.__qualname__ = "_ProbeOfNames", "_Values._ProbeOfNames"  # objects of their own

_MOST_SHARED = 254  # keys that the objects of a class share, at most
_found: list[_Reader | None] = []


def prepare() -> None:
    """Import what is needed, and look at how memory is laid out, before any value is described."""
    _reader()


def _reader() -> _Reader | None:
    """The reader; None where ctypes is missing or memory looks different: there, dictionaries are made."""
    return checked(_Reader, _found)  # type: ignore[no-any-return]
