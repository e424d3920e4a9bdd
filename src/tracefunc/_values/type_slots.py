"""What C code sees of types and dictionaries, and Python code does not, so that nothing runs to find it out."""

from __future__ import annotations

import sys
from functools import partial
from weakref import ref

from .memory import HEAD, POINTER, byte_reader, checked, word_reader
from .static_types import FUNCTION, MISSING, mro_of, namespace_of

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

_MOST_SLOTS = 50  # words of a type
_NAME = "__getattribute__"
_WAYS = [kind.__dict__[_NAME] for kind in (object, type(sys), type)]
_WRAPPER = type(_WAYS[0])  # what calls a C function of a type

OF_OBJECT, OF_MODULE, OF_TYPE = range(3)  # the ways to find an attribute that run no code by themselves


def way_of(kind: type) -> int:
    """How attributes of an object of that type are found: in one of the ways above, or -1.

    Whether there is a `__getattr__`, which is asked for the others, makes no difference.
    """
    memory = _memory()
    if memory is not None:
        way = memory.way_in(kind)
        if way >= 0:
            return way
    found = class_lookup(kind, _NAME)
    if type(found) is not _WRAPPER:
        return -1
    if memory is not None:
        return memory.ways.get(memory.wrapped(found), -1)
    return next((way for way, known in enumerate(_WAYS) if known is found), -1)


def gets(kind: type) -> bool:
    """Whether an object of that type, as an attribute of a class, is asked for the value."""
    memory = _memory()
    return _has(kind, "__get__") if memory is None else memory.has(kind, memory.get)


def sets(kind: type) -> bool:
    """Whether a type sets or deletes attributes by itself, so that it comes before an object's own attributes."""
    memory = _memory()
    if memory is None:
        return _has(kind, "__set__") or _has(kind, "__delete__")
    return memory.has(kind, memory.set)


def _has(kind: type, name: str) -> bool:
    return class_lookup(kind, name) is not MISSING


# --- keys: a lookup runs the `__eq__` of a key that is no exact `str` --------------------------------------------


def has_str_keys(names: dict[Any, Any]) -> bool:
    """Whether all keys of a dictionary are exact `str`."""
    memory = _memory()
    if memory is not None and memory.says_str(names):
        return True
    return _are_str(list(dict.keys(names)))


def class_lookup(kind: type, name: str) -> Any:
    """The attribute of a class or of its bases as it is stored there, or `MISSING`.

    Raises LookupError where a namespace would have to be searched that has keys which are no exact `str`.
    """
    for base in mro_of(kind):
        names = namespace_of(base)
        if id(base) not in _str_only:
            if not _are_str(list(names)):
                raise LookupError(name)
            _str_only[id(base)] = ref(base, partial(_str_only.pop, id(base)))
        found = names.get(name, MISSING)
        if found is not MISSING:
            return found
    return MISSING


_str_only: dict[int, ref[type]] = {}  # by address: classes that were looked at. They take no other keys later.


def _are_str(keys: list[Any]) -> bool:
    return all(type(key) is str for key in keys)


# --- memory -------------------------------------------------------------------------------------------------------


class _Memory:
    """Reads the slots of types, and of which kind the keys of dictionaries are."""

    def __init__(self) -> None:
        """Raises where memory does not look as expected."""
        self._word = word_reader()
        self._byte = byte_reader()
        self.get = self._offset(FUNCTION, "__get__")
        self.set = self._offset(property, "__set__")
        self._find = self._offset(object, _NAME)
        self.ways = {self.wrapped(wrapper): way for way, wrapper in enumerate(_WAYS)}

    def way_in(self, kind: type) -> int:
        """What `way_of` says by the slot alone."""
        return self.ways.get(self._word(id(kind) + self._find), -1)

    def wrapped(self, wrapper: Any) -> int:
        """The address of the C function behind a wrapper."""
        return self._word(id(wrapper) + HEAD + 4 * POINTER)

    def has(self, kind: type, offset: int) -> bool:
        """Whether a type has something in a slot."""
        return self._word(id(kind) + offset) != 0

    def says_str(self, names: dict[Any, Any]) -> bool:
        """Whether a dictionary was made for keys that are exact `str`, so that it has no others."""
        return self._byte(self._word(id(names) + HEAD + 2 * POINTER) + POINTER + 2) != 0

    def _offset(self, kind: type, name: str) -> int:
        """Where types have the slot that a wrapper of this one stands for."""
        function = self.wrapped(kind.__dict__[name])
        for offset in range(0, _MOST_SLOTS * POINTER, POINTER):
            if self._word(id(kind) + offset) == function:
                return offset
        raise LookupError(f"the slot of {name} is not where it was")

    def check(self) -> None:
        """Raise LookupError unless all that is read is as it should be."""
        known = [(FUNCTION, True, False), (property, True, True), (int, False, False), (_Probe, False, False)]
        if any((self.has(kind, self.get), self.has(kind, self.set)) != (g, s) for kind, g, s in known):
            raise LookupError("slots are not where they were")
        if len(self.ways) != 3 or list(map(self.way_in, (int, type(sys), type, super))) != [0, 1, 2, -1]:
            raise LookupError("the functions that find attributes are not where they were")
        texts: list[dict[Any, int]] = [{}, {"first": 1}, vars(_Probe())]
        others: list[dict[Any, int]] = [{1: 1}, {"first": 1, 2: 2}]
        if not all(map(self.says_str, texts)) or any(map(self.says_str, others)):
            raise LookupError("the kinds of dictionaries' keys are not where they were")


class _Probe:
    def __init__(self) -> None:
        self.first = 1


_found: list[_Memory | None] = []


def _memory() -> _Memory | None:
    """What reads memory; None where ctypes is missing or memory looks different."""
    return checked(_Memory, _found)  # type: ignore[no-any-return]
