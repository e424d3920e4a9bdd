"""The reprs that Python, dataclasses, namedtuple, Enum and attrs make for a class, walked field by field by us."""

from __future__ import annotations

from .builtin_reprs import join_items, walk
from .fields import field_of, fields_of, join_fields
from .instance_dict import attributes_of
from .plain_text import REDACTED_TEXT, own_name
from .static_types import (
    FUNCTION,
    MISSING,
    class_attribute,
    member,
    module_of,
    mro_of,
    namespace_of,
    qualname_of,
    read_descriptor,
    stdlib_module,
)

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any

    from .builtin_reprs import Walk


def generated_text(value: Any, kind: type, room: int, shared: Walk) -> str:
    """The text of an enum's member, an exception, a named tuple, or an object of a dataclass or attrs class.

    "" for other values, and for those whose class has a repr of its own.
    """
    if issubclass(kind, BaseException):
        return _exception(value, kind, room, shared)
    if _is_subclass(type(kind), stdlib_module("enum").get("EnumType")):
        return _enum_member(value, kind, room, shared)
    if issubclass(kind, tuple):
        return _named_tuple(value, kind, room, shared)
    return _record(value, kind, room, shared)


# --- exceptions and members of enums ------------------------------------------------------------------------------


def _exception(value: Any, kind: type, room: int, shared: Walk) -> str:
    """`KeyError('x')`, with attributes that its arguments do not show: `HTTPError('gone', status=410)`."""
    text = own_name(kind) + "("
    if any(other is value for other in shared.opened):
        return text + "...)"
    if shared.redaction is not None and shared.redaction.tells(value):
        shared.found = True
        return text + REDACTED_TEXT + ")"
    arguments = read_descriptor(namespace_of(BaseException)["args"], value, kind)
    shared.opened.append(value)
    try:
        text = join_items(text, tuple.__iter__(arguments), room, shared)
        separator = ", " if tuple.__len__(arguments) else ""
        for name, item in _told_by_exception(value, kind):
            if len(text) >= room:
                break
            text = join_fields(text + separator, [(name, item)], room, shared)
            separator = ", "
    finally:
        shared.opened.pop()
    return text + ")"


_SHOWN_BY_REPR = {OSError: ("filename", "filename2"), ImportError: ("name",)}


def _told_by_exception(value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    for base, names in _SHOWN_BY_REPR.items():
        if any(base is other for other in mro_of(kind)):
            for name in names:
                item = read_descriptor(namespace_of(base)[name], value, kind)
                if item is not MISSING and item is not None:
                    yield name, item
    yield from fields_of(value, kind)


def _enum_member(value: Any, kind: type, room: int, shared: Walk) -> str:
    known = dict(attributes_of(value, kind))
    name, content = known.get("_name_"), known.get("_value_", MISSING)
    if content is MISSING:
        return ""
    text = f"<{own_name(kind)}." + (f"{name}: " if type(name) is str else " ")
    if type(name) is str and shared.hides_key(name):
        return text + REDACTED_TEXT + ">"
    return text + walk(content, max(room - len(text), 1), shared) + ">"


def _is_subclass(kind: type, base: object) -> bool:
    return any(other is base for other in mro_of(kind))


# --- named tuples -------------------------------------------------------------------------------------------------


def _named_tuple(value: Any, kind: type, room: int, shared: Walk) -> str:
    names = class_attribute(kind, "_fields")
    name = own_name(kind)
    if names is MISSING:
        if type(class_attribute(kind, "n_sequence_fields")) is not int:
            return ""
        names, name = class_attribute(kind, "__match_args__"), f"{module_of(kind)}.{name}"
    elif not _is_code(class_attribute(kind, "__repr__"), _repr_of_namedtuple()):
        return ""
    if type(names) is not tuple or not all(type(name) is str for name in names):
        return ""
    if next(attributes_of(value, kind), None) is not None:
        return ""
    with_values = zip(names, tuple.__iter__(value), strict=False)
    return _once(value, name, lambda: join_fields(f"{name}(", with_values, room, shared) + ")", shared)


def _repr_of_namedtuple() -> CodeType | None:
    """The code of the `__repr__` that `namedtuple` gives its classes."""
    maker: Any = stdlib_module("collections").get("namedtuple")
    if type(maker) is not FUNCTION:
        return None
    return next((code for code in maker.__code__.co_consts if getattr(code, "co_name", "") == "__repr__"), None)


def _is_code(function: Any, code: CodeType | None) -> bool:
    return code is not None and type(function) is FUNCTION and bool(function.__code__ is code)


# --- dataclasses and attrs ----------------------------------------------------------------------------------------


def _record(value: Any, kind: type, room: int, shared: Walk) -> str:
    method = class_attribute(kind, "__repr__")
    if type(method) is not FUNCTION:
        return ""
    if _is_of_dataclass(method):
        names = _names_of_dataclass(class_attribute(kind, "__dataclass_fields__"))
        name = qualname_of(kind)
    elif method.__code__.co_filename.startswith("<attrs generated"):
        names = _names_of_attrs(class_attribute(kind, "__attrs_attrs__"))
        name = qualname_of(kind).rpartition(">.")[2]
    else:
        return ""
    if names is None:
        return ""
    with_values = ((name, item) for name in names if (item := field_of(value, kind, name)) is not MISSING)
    return _once(value, name, lambda: join_fields(f"{name}(", with_values, room, shared) + ")", shared)


def _is_of_dataclass(method: Any) -> bool:
    """Whether a `__repr__` is one that `@dataclass` has made: a text that it executed, behind a guard for recursion."""
    inner: Any = method.__dict__.get("__wrapped__")
    if type(inner) is not FUNCTION:
        return False
    code = inner.__code__
    return (code.co_filename, code.co_qualname) == ("<string>", "__create_fn__.<locals>.__repr__")


def _names_of_dataclass(fields: Any) -> list[str] | None:
    if type(fields) is not dict:
        return None
    of_instances = stdlib_module("dataclasses").get("_FIELD")
    names = []
    for name, field in fields.items():
        kind = type(field)
        if type(name) is str and member(field, kind, "_field_type") is of_instances and member(field, kind, "repr"):
            names.append(name)
    return names


def _names_of_attrs(fields: Any) -> list[str] | None:
    if not issubclass(type(fields), tuple):
        return None
    names = []
    for field in tuple.__iter__(fields):
        kind = type(field)
        name = member(field, kind, "name")
        if type(name) is str and member(field, kind, "repr") is not False:
            names.append(name)
    return names


def _once(value: Any, name: str, text: Any, shared: Walk) -> str:
    """Show an object inside itself as `...`."""
    if any(other is value for other in shared.opened):
        return "..."
    shared.opened.append(value)
    try:
        return text()  # type: ignore[no-any-return]
    finally:
        shared.opened.pop()
