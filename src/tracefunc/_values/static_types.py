"""Read a class without running any code of the program: its bases, its attributes, its module."""

from __future__ import annotations

import sys

from .plain_text import plain

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Namespace = Mapping[Any, Any]

_OF_TYPE: Any = type.__dict__
_read_mro = _OF_TYPE["__mro__"].__get__
_read_namespace = _OF_TYPE["__dict__"].__get__
_read_flags = _OF_TYPE["__flags__"].__get__
_read_dictoffset = _OF_TYPE["__dictoffset__"].__get__
_read_size = _OF_TYPE["__basicsize__"].__get__
_read_qualname = _OF_TYPE["__qualname__"].__get__

MISSING: Any = object()
FUNCTION: Any = type(plain)
MEMBER = type(FUNCTION.__dict__["__globals__"])
GETSET = type(_OF_TYPE["__dict__"])
_MODULE = type(sys)

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def mro_of(kind: type) -> tuple[type, ...]:
    """The bases of a class in the order in which attributes are looked up, itself first."""
    return _read_mro(kind)  # type: ignore[no-any-return]


def namespace_of(kind: type) -> Namespace:
    """The attributes that a class itself has."""
    return _read_namespace(kind)  # type: ignore[no-any-return]


def class_attribute(kind: type, name: str) -> Any:
    """The attribute of a class or of its bases as it is stored there, or `MISSING`."""
    for base in _read_mro(kind):
        found = _read_namespace(base).get(name, MISSING)
        if found is not MISSING:
            return found
    return MISSING


def flags_of(kind: type) -> int:
    """The flags that C code sees."""
    return _read_flags(kind)  # type: ignore[no-any-return]


def dict_offset_of(kind: type) -> int:
    """Where the objects of a class have their dictionary; 0 if they have none, negative if the interpreter keeps it."""
    return _read_dictoffset(kind)  # type: ignore[no-any-return]


def size_of_objects(kind: type) -> int:
    """How many bytes an object of a class takes, without items and without what the interpreter keeps before it."""
    return _read_size(kind)  # type: ignore[no-any-return]


def qualname_of(kind: type) -> str:
    """The `__qualname__` of a class, whatever its metaclass says."""
    return plain(_read_qualname(kind))


def module_of(kind: type) -> str:
    """The name of the module of a class, "builtins" if that is unknown."""
    if not _read_flags(kind) & _HEAP_TYPE:
        return _OF_TYPE["__module__"].__get__(kind)  # type: ignore[no-any-return]
    name = namespace_of(kind).get("__module__")
    return name if type(name) is str else "builtins"


def member(value: Any, kind: type, name: str) -> Any:
    """What `value` holds in a slot, or in a field of a C type, of that name; `MISSING` if there is no such thing."""
    return read_descriptor(class_attribute(kind, name), value, kind)


def read_descriptor(found: Any, value: Any, kind: type) -> Any:
    """What a member or getset descriptor reads, which are implemented in C; `MISSING` for any other object."""
    if type(found) is MEMBER or type(found) is GETSET:
        try:
            return found.__get__(value, kind)
        except Exception:  # an empty slot, or a descriptor of another class
            pass
    return MISSING


def real_module(name: str) -> Namespace:
    """The names of a module that is completely imported; nothing if it is not, or if it is not the one meant.

    `sys.modules` may hold anything under a name, and a file of the program's may have the name of a library.
    """
    modules = sys.modules
    module = modules.get(name) if type(modules) is dict else None
    if type(module) is not _MODULE:
        return {}
    names = vars(module)
    spec = names.get("__spec__")
    if spec is None:
        return names
    if type(spec) is not _SPEC:
        return {}
    state = vars(spec)
    if state.get("_initializing") is True:
        return {}
    return names


def stdlib_module(name: str) -> Namespace:
    """The names of a module of the standard library; nothing if it is not loaded, or another one has its name."""
    names = real_module(name)
    spec = names.get("__spec__")
    origin = vars(spec).get("origin") if spec is not None else None
    if type(origin) is not str:
        return {}
    if origin in ("built-in", "frozen"):
        return names
    behind = origin.removeprefix(_STDLIB)
    return names if behind != origin and "site-packages" not in behind else {}


_SPEC = type(sys.__spec__)


def _stdlib_folder() -> str:
    import os

    return os.path.dirname(os.__file__) + os.sep


_STDLIB = _stdlib_folder()
