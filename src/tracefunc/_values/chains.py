"""Read a chain of attributes, such as `self.cfg.port`, without running any code of the program.

What an attribute means is found as the interpreter finds it. Where the interpreter would call something, a property or
a `__getattr__` say, the search ends.
"""

from __future__ import annotations

import types

from .instance_dict import is_managed, own_dict
from .read import UNREADABLE, read
from .static_types import MEMBER, MISSING, dict_offset_of, read_descriptor
from .type_slots import OF_MODULE, OF_TYPE, class_lookup, gets, has_str_keys, sets, way_of

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from .read import Reader

LAZY_IMPORT: type | None = vars(types).get("LazyImportType")
"""The type of a module that is imported once it is used, where there are such."""


class NotRead(Exception):
    """An attribute that is not read, as that may run code."""


def read_chain(frame: FrameType, reader: Reader) -> Any:
    """Return what a chain means in a frame. Nothing keeps a reference to the value.

    Raises NotRead where finding it may run code, NameError or AttributeError where it means nothing.
    """
    if reader.how == UNREADABLE:
        raise NotRead(reader.name)
    return follow(read(frame, reader.stored, reader.how), reader.attributes)


def follow(value: Any, names: tuple[str, ...]) -> Any:
    """Return the attribute of an attribute ... of a value, by their names; raises as `read_chain` does."""
    for name in names:
        try:
            value = _attribute(value, name)
        except LookupError:  # keys that are no exact `str`
            raise NotRead(name) from None
    return value


def _attribute(value: Any, name: str) -> Any:
    kind = type(value)
    if kind is LAZY_IMPORT:
        raise NotRead(name)
    way = way_of(kind)
    if way < 0:
        raise NotRead(name)
    if way == OF_TYPE:
        found = _of_class(value, kind, name)
    else:
        found = _of_object(value, kind, name)
        if found is MISSING and way == OF_MODULE and _own(value, kind, "__getattr__", MISSING) is not MISSING:
            raise NotRead(name)
    if found is not MISSING:
        if type(found) is LAZY_IMPORT:  # an attribute of a module, which would be imported
            raise NotRead(name)
        return found
    if class_lookup(kind, "__getattr__") is not MISSING:
        raise NotRead(name)
    raise AttributeError(name)


def _of_object(value: Any, kind: type, name: str) -> Any:
    in_class = class_lookup(kind, name)
    if in_class is MISSING:
        return _own(value, kind, name, MISSING)
    if type(in_class) is MEMBER:
        if in_class.__objclass__ is types.TracebackType:  # its frame: audit hooks would be told
            raise NotRead(name)
        return read_descriptor(in_class, value, kind)
    asks = gets(type(in_class))
    if not (asks and sets(type(in_class))):
        found = _own(value, kind, name, in_class)
        if found is not MISSING:
            return found
        if not asks:
            return in_class
    raise NotRead(name)


def _of_class(value: Any, kind: type, name: str) -> Any:
    in_kind = class_lookup(kind, name)
    asks = in_kind is not MISSING and gets(type(in_kind))
    if not (asks and sets(type(in_kind))):
        found = class_lookup(value, name)
        if found is MISSING:
            if not asks:
                return in_kind
        elif not gets(type(found)):
            return found
    raise NotRead(name)


def _own(value: Any, kind: type, name: str, in_class: Any) -> Any:
    """An attribute of the object itself, or `MISSING`; `in_class` is what its class has under that name."""
    offset = dict_offset_of(kind)
    if not offset:
        return MISSING
    managed = is_managed(kind)
    if offset < 0 and not managed:
        raise NotRead(name)
    found = own_dict(value, kind)
    if found is not None:
        if not has_str_keys(found):
            raise NotRead(name)
        return dict.get(found, name, MISSING)
    if not managed or (in_class is not MISSING and gets(type(in_class))):
        return MISSING
    try:
        return object.__getattribute__(value, name)  # makes no dictionary
    except AttributeError:
        return MISSING
