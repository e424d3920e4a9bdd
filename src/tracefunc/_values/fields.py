"""The text of an object by its fields, and of an object of a built-in type's subclass by its contents."""

from __future__ import annotations

from .builtin_reprs import UNOPENED, join_items, once, ordered_pairs, walk, walk_pairs
from .instance_dict import attributes_of
from .plain_text import REDACTED_TEXT, own_name
from .static_types import (
    FUNCTION,
    MEMBER,
    MISSING,
    class_attribute,
    mro_of,
    namespace_of,
    read_descriptor,
    size_of_objects,
)

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections import OrderedDict, defaultdict, deque
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from .builtin_reprs import Walk

    Pairs = Iterable[tuple[str, Any]]
else:  # the same types, without the import time of `collections`
    from _collections import OrderedDict, defaultdict, deque


def address_text(value: Any, kind: type) -> str:
    """The text of an object of which nothing else can be said."""
    return f"<{own_name(kind)} at {id(value):#x}>"


def fields_of(value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """The names and values of an object's fields: in slots, and in its dictionary."""
    for base in reversed(mro_of(kind)):
        names = namespace_of(base)
        if "__slots__" in names:
            for name, found in list(names.items()):
                if type(found) is MEMBER and type(name) is str and not name.startswith("__"):
                    item = read_descriptor(found, value, kind)
                    if item is not MISSING:
                        yield name, item
    yield from attributes_of(value, kind)


def field_of(value: Any, kind: type, name: str) -> Any:
    """What an object has as its field of that name, or its class as the default; else `MISSING`."""
    found = class_attribute(kind, name)
    if type(found) is MEMBER:
        return read_descriptor(found, value, kind)
    for other, item in attributes_of(value, kind):
        if other == name:
            return item
    has_getter = any("__get__" in namespace_of(base) for base in mro_of(type(found)))
    return MISSING if has_getter else found


def object_text(value: Any, kind: type, room: int, shared: Walk) -> str:
    """`<Cart items=[Item(...), ...] owner='ann'>`: an object's type and fields, but only the type within a field."""
    if shared.searches and _has_more_than_fields(kind):
        shared.overlooks = True
    fields = fields_of(value, kind)
    first = next(fields, None)
    if first is None:
        return address_text(value, kind)
    name = own_name(kind)
    if shared.searches:
        return once(value, room, shared, "...", _search_fields)
    if shared.depth:
        return name + UNOPENED
    shared.depth += 1
    try:
        return join_fields(f"<{name} ", _chained(first, fields), room, shared, " ") + ">"
    finally:
        shared.depth -= 1


def _search_fields(value: Any, room: int, shared: Walk) -> str:
    return join_fields("", fields_of(value, type(value)), room, shared)


def _has_more_than_fields(kind: type) -> bool:
    """Whether the objects of a class may hold more than can be read of them: fields of C, which their repr may show."""
    slots = sum(type(found) is MEMBER for base in mro_of(kind) for found in list(namespace_of(base).values()))
    method = class_attribute(kind, "__repr__")
    is_plain = type(method) is FUNCTION or method is object.__repr__
    return not is_plain or size_of_objects(kind) > size_of_objects(object) + slots * tuple.__itemsize__


def _chained(first: tuple[str, Any], others: Pairs) -> Iterator[tuple[str, Any]]:
    yield first
    yield from others


def join_fields(text: str, fields: Pairs, room: int, shared: Walk, separator: str = ", ") -> str:
    """Append `name=value` for each field, until there are `room` characters."""
    between = ""
    for name, item in fields:
        text += f"{between}{name}="
        if len(text) >= room:
            break
        text += REDACTED_TEXT if shared.hides_key(name) else walk(item, room - len(text), shared)
        between = separator
        if len(text) >= room:
            break
    return text


# --- subclasses of built-in types ---------------------------------------------------------------------------------
# Whatever they define themselves is not called: contents are read as the built-in type reads them.


def subclass_text(value: Any, kind: type, room: int, shared: Walk) -> str | None:
    """The text of an object whose class has a built-in type as its base; None where it has none that is known.

    It is that of the contents, if the class has neither a repr of its own nor the object any attributes.
    """
    for base in mro_of(kind):
        read = _CONTENTS.get(id(base))
        if read is not None:
            break
    else:
        return None
    fields = list(_first(fields_of(value, kind), room))
    if not fields and class_attribute(kind, "__repr__") is class_attribute(base, "__repr__"):
        return read(value, room, shared)
    text = f"<{own_name(kind)} "
    shared.depth += 1
    try:
        text += read(value, max(room - len(text), 1), shared)
        if fields and len(text) < room:
            text = join_fields(text + " ", fields, room, shared, " ")
        return text + ">"
    finally:
        shared.depth -= 1


def _first(fields: Pairs, room: int) -> Iterator[tuple[str, Any]]:
    """As many fields as `room` characters can show."""
    for field, _ in zip(fields, range(room // 2 + 2), strict=False):
        yield field


def _many(room: int) -> int:
    return min(room, _MOST) + 2


_MOST = 1 << 60  # a slice's end must be an index


def _text_of_str(value: Any, room: int, shared: Walk) -> str:
    whole = str.__len__(value) <= room
    head = str.__getitem__(value, slice(0, _many(room)))
    if whole:
        return repr(head)
    single = not str.__contains__(value, "'") or str.__contains__(value, '"')
    return repr(head + ('"' if single else "'"))


def _text_of_bytes(of: Any) -> Callable[[Any, int, Walk], str]:
    def text(value: Any, room: int, shared: Walk) -> str:
        head = of.__getitem__(value, slice(0, _many(room)))
        if of.__len__(value) <= room:
            return repr(head)
        single = not of.__contains__(value, b"'") or of.__contains__(value, b'"')
        return repr(head + (b'"' if single else b"'"))

    return text


def _text_of_sequence(of: Any) -> Callable[[Any, int, Walk], str]:
    def text(value: Any, room: int, shared: Walk) -> str:
        return walk(of.__getitem__(value, slice(0, _many(room))), room, shared)

    return _guarded(text)


def _text_of_number(to_exact: Any) -> Callable[[Any, int, Walk], str]:
    return lambda value, room, shared: walk(to_exact(value), room, shared)


def _guarded(text: Callable[[Any, int, Walk], str]) -> Callable[[Any, int, Walk], str]:
    """Show a container inside itself as `...`."""

    def guarded(value: Any, room: int, shared: Walk) -> str:
        if any(other is value for other in shared.opened):
            return "..."
        shared.opened.append(value)
        try:
            return text(value, room, shared)
        finally:
            shared.opened.pop()

    return guarded


def _text_of_dict(value: Any, room: int, shared: Walk) -> str:
    return walk_pairs(dict.items(value), room, shared)


def _text_of_ordereddict(value: Any, room: int, shared: Walk) -> str:
    return walk_pairs(ordered_pairs(value), room, shared)


def _text_of_set(of: Any) -> Callable[[Any, int, Walk], str]:
    def text(value: Any, room: int, shared: Walk) -> str:
        if not of.__len__(value):
            return "set()"
        return join_items("{", list(_items(of.__iter__(value), room)), room, shared) + "}"

    return _guarded(text)


def _items(items: Iterable[Any], room: int) -> Iterator[Any]:
    for item, _ in zip(items, range(room // 2 + 2), strict=False):
        yield item


def _text_of_deque(value: Any, room: int, shared: Walk) -> str:
    return join_items("[", list(_items(deque.__iter__(value), room)), room, shared) + "]"


_CONTENTS: dict[int, Callable[[Any, int, Walk], str]] = {
    id(str): _text_of_str,
    id(bytes): _text_of_bytes(bytes),
    id(bytearray): _text_of_bytes(bytearray),
    id(int): _text_of_number(int.__int__),
    id(float): _text_of_number(float.__float__),
    id(complex): _text_of_number(complex.__complex__),
    id(list): _text_of_sequence(list),
    id(tuple): _text_of_sequence(tuple),
    id(OrderedDict): _guarded(_text_of_ordereddict),
    id(defaultdict): _guarded(_text_of_dict),
    id(dict): _guarded(_text_of_dict),
    id(set): _text_of_set(set),
    id(frozenset): _text_of_set(frozenset),
    id(deque): _guarded(_text_of_deque),
}
