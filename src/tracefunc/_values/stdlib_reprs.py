"""The reprs of values of the standard library, made without running any code of the program.

A value of exactly one of these types may still hold values of the program, as a `partial` does: these are walked. Where
it holds nothing but numbers and texts, the library's own repr runs.
"""

from __future__ import annotations

import sys

from .arrays import shortened
from .builtin_reprs import join_items, walk, walk_pairs
from .fields import join_fields
from .instance_dict import attribute
from .plain_text import REDACTED_TEXT, own_name
from .static_types import FUNCTION, MISSING, flags_of, member, module_of, namespace_of, qualname_of, stdlib_module

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

    from .builtin_reprs import Walk, Walker


def stdlib_text(value: Any, kind: type, room: int, shared: Walk) -> str:
    """The text of a value of exactly one of the types in the tables below; "" for any other value."""
    module, name = module_of(kind), qualname_of(kind)
    walker = None if flags_of(kind) & _HEAP_TYPE else _OF_INTERPRETER.get(f"{module}.{name}")
    if walker is None:
        walker = _OF_MODULES.get(f"{module.partition('.')[0]}.{name}")
        if walker is None or stdlib_module(module).get(name) is not kind:
            return ""
    return walker(value, room, shared)


# --- kinds of values ----------------------------------------------------------------------------------------------
# Each function returns the text of a value of one type, as walkers do; "" where that cannot be told.


def _pure(value: Any, room: int, shared: Walk) -> str:
    return repr(value)


def _fraction(value: Any, room: int, shared: Walk) -> str:
    parts = member(value, type(value), "_numerator"), member(value, type(value), "_denominator")
    return join_items("Fraction(", parts, room, shared) + ")"


def _uuid(value: Any, room: int, shared: Walk) -> str:
    number = member(value, type(value), "int")
    if type(number) is not int:
        return ""
    digits = f"{number:032x}"
    return f"UUID('{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}')"


def _moment(value: Any, room: int, shared: Walk) -> str:
    """A datetime or time: its zone may be of a class of the program's."""
    names = namespace_of(type(value))
    zone = names["tzinfo"].__get__(value)
    if zone is None:
        return repr(value)
    text = repr(names["replace"](value, tzinfo=None))[:-1] + ", tzinfo="
    return text + walk(zone, max(room - len(text), 1), shared) + ")"


def _timezone(value: Any, room: int, shared: Walk) -> str:
    names = namespace_of(type(value))
    if value is names["utc"]:
        return "datetime.timezone.utc"
    return join_items("datetime.timezone(", names["__getinitargs__"](value), room, shared) + ")"


def _zone_info(value: Any, room: int, shared: Walk) -> str:
    key = member(value, type(value), "key")
    return (
        "" if key is MISSING or key is None else join_fields("zoneinfo.ZoneInfo(", [("key", key)], room, shared) + ")"
    )


def _path(value: Any, room: int, shared: Walk) -> str:
    """A path: what its repr would keep in it is kept in a copy."""
    kind = type(value)
    text = member(value, kind, "_str")
    parts = [text] if type(text) is str else member(value, kind, "_raw_paths")
    if type(parts) is not list or not all(type(part) is str for part in parts):
        return ""
    name = own_name(kind)
    copy = stdlib_module("pathlib")["PureWindowsPath" if "Windows" in name else "PurePosixPath"](*parts)
    return f"{name}({copy.as_posix()!r})"


def _counter(value: Any, room: int, shared: Walk) -> str:
    many = dict.__len__(value)
    if not many:
        return "Counter()"
    pairs: Any = dict.items(value)
    if many <= _MOST_SORTED and all(type(count) is int for count in dict.values(value)):
        pairs = sorted(pairs, key=lambda pair: pair[1], reverse=True)
    return "Counter(" + walk_pairs(pairs, max(room - 8, 1), shared) + ")"


_MOST_SORTED = 1_000


def _chain_map(value: Any, room: int, shared: Walk) -> str:
    maps = attribute(value, type(value), "maps")
    return join_items("ChainMap(", maps, room, shared) + ")" if type(maps) is list else ""


def _user_container(value: Any, room: int, shared: Walk) -> str:
    data = attribute(value, type(value), "data")
    return "" if data is MISSING else walk(data, room, shared)


def _mapping_proxy(value: Any, room: int, shared: Walk) -> str:
    from gc import get_referents  # built in

    [mapping] = get_referents(value)
    return "mappingproxy(" + walk(mapping, max(room - 13, 1), shared) + ")"


def _namespace(value: Any, room: int, shared: Walk) -> str:
    names = member(value, type(value), "__dict__")
    pairs = ((name, item) for name, item in dict.items(names) if type(name) is str)
    return join_fields("namespace(", pairs, room, shared) + ")"


def _partial(value: Any, room: int, shared: Walk) -> str:
    function, arguments, keywords = (member(value, type(value), name) for name in ("func", "args", "keywords"))
    given = tuple.__getitem__(arguments, slice(0, min(room, _MOST)))
    if shared.redaction is not None and type(function) is FUNCTION:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        if any(shared.hides_key(name) for name, _ in zip(names, given, strict=False)):
            return join_items("functools.partial(", (function,), room, shared) + f", {REDACTED_TEXT})"
    text = join_items("functools.partial(", (function, *given), room, shared)
    if dict.__len__(keywords) and len(text) < room:
        text = join_fields(text + ", ", dict.items(keywords), room, shared)
    return text + ")"


_MOST = 1 << 60  # a slice's end must be an index


def _range(value: Any, room: int, shared: Walk) -> str:
    bounds = [member(value, range, name) for name in ("start", "stop", "step")]
    return join_items("range(", bounds[:2] if bounds[2] == 1 else bounds, room, shared) + ")"


def _slice(value: Any, room: int, shared: Walk) -> str:
    bounds = [member(value, slice, name) for name in ("start", "stop", "step")]
    return join_items("slice(", bounds, room, shared) + ")"


def _pattern(value: Any, room: int, shared: Walk) -> str:
    pattern = member(value, type(value), "pattern")
    return repr(value) if type(pattern) is str or type(pattern) is bytes else ""


def _match(value: Any, room: int, shared: Walk) -> str:
    text = member(value, type(value), "string")
    start, end = namespace_of(type(value))["span"](value)
    shown = f"<re.Match object; span=({start}, {end})"
    if type(text) is not str and type(text) is not bytes:
        return shown + ">"
    shown += ", match="
    return shown + walk(text[start : min(end, start + room)], max(room - len(shown), 1), shared) + ">"


def _array(value: Any, room: int, shared: Walk) -> str:
    return repr(shortened(value, room))


def _memory_view(value: Any, room: int, shared: Walk) -> str:
    try:
        text = f"<memoryview format={value.format!r} shape={value.shape!r} "
    except ValueError:
        return "<released memoryview>"
    if value.ndim != 1:
        return f"{text}at {id(value):#x}>"
    return text + walk(value[: min(room, _MOST)].tobytes(), max(room - len(text), 1), shared) + ">"


def _generic_alias(value: Any, room: int, shared: Walk) -> str:
    kind = type(value)
    text = _type_text(member(value, kind, "__origin__"), room, shared) + "["
    return text + _joined(member(value, kind, "__args__"), ", ", room - len(text), shared) + "]"


def _union(value: Any, room: int, shared: Walk) -> str:
    return _joined(member(value, type(value), "__args__"), " | ", room, shared)


def _joined(items: Any, separator: str, room: int, shared: Walk) -> str:
    text, between = "", ""
    for item in tuple.__iter__(items):
        text += between + _type_text(item, max(room - len(text), 1), shared)
        between = separator
        if len(text) >= room:
            break
    return text


def _type_text(value: Any, room: int, shared: Walk) -> str:
    """How an annotation shows a type."""
    if type(value) is type:
        module = module_of(value)
        name = qualname_of(value) if module == "builtins" else f"{module}.{qualname_of(value)}"
        return "None" if value is type(None) else name
    return "..." if value is ... else walk(value, room, shared)


def _method(value: Any, room: int, shared: Walk) -> str:
    function, owner = member(value, type(value), "__func__"), member(value, type(value), "__self__")
    name = function.__qualname__ if type(function) is FUNCTION else own_name(type(function))
    text = f"<bound method {name} of "
    return text + walk(owner, max(room - len(text), 1), shared) + ">"


def _builtin(value: Any, room: int, shared: Walk) -> str:
    owner = namespace_of(type(value))["__self__"].__get__(value)
    if owner is None or type(owner) is type(sys):
        return repr(value)
    text = f"<built-in method {value.__name__} of "
    return text + walk(owner, max(room - len(text), 1), shared) + ">"


def _module(value: Any, room: int, shared: Walk) -> str:
    names = member(value, type(value), "__dict__")
    if type(names) is not dict:
        return ""
    name, file = names.get("__name__"), names.get("__file__")
    name = name if type(name) is str else "?"
    if type(file) is str:
        return f"<module {name!r} from {file!r}>"
    return f"<module {name!r} (built-in)>" if stdlib_module(name) is names else f"<module {name!r}>"


def _cached_function(value: Any, room: int, shared: Walk) -> str:
    function = attribute(value, type(value), "__wrapped__")
    return "" if function is MISSING else "<cached " + walk(function, max(room - 8, 1), shared) + ">"


def _members(*names: str) -> Walker:
    """A value that is shown by some of its fields, in angle brackets."""

    def text(value: Any, room: int, shared: Walk) -> str:
        kind = type(value)
        found = [(name, member(value, kind, name)) for name in names]
        shown = [(name, item) for name, item in found if item is not MISSING and item is not None]
        return join_fields(f"<{own_name(kind)} ", shown, room, shared, " ") + ">" if shown else ""

    return text


# --- the tables ---------------------------------------------------------------------------------------------------

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE

# Types that are part of the interpreter: no class statement makes a type that is not on the heap.
_OF_INTERPRETER: dict[str, Walker] = {
    **{
        f"builtins.{name}": _pure
        for name in (
            *("async_generator", "code", "complex", "coroutine", "frame", "function", "generator", "object"),
            *("classmethod_descriptor", "getset_descriptor", "member_descriptor", "method_descriptor"),
            *("method-wrapper", "wrapper_descriptor"),
        )
    },
    "builtins.builtin_function_or_method": _builtin,
    "builtins.cell": _members("cell_contents"),
    "builtins.classmethod": _members("__func__"),
    "builtins.mappingproxy": _mapping_proxy,
    "builtins.memoryview": _memory_view,
    "builtins.method": _method,
    "builtins.module": _module,
    "builtins.property": _members("fget", "fset", "fdel"),
    "builtins.range": _range,
    "builtins.slice": _slice,
    "builtins.staticmethod": _members("__func__"),
    "types.GenericAlias": _generic_alias,
    "types.SimpleNamespace": _namespace,
    "types.UnionType": _union,
    "typing.Union": _union,
}
# Types in modules, which are checked to be the library's own.
_OF_MODULES: dict[str, Walker] = {
    "array.array": _array,
    "collections.ChainMap": _chain_map,
    "collections.Counter": _counter,
    "collections.UserDict": _user_container,
    "collections.UserList": _user_container,
    "collections.UserString": _user_container,
    "datetime.date": _pure,
    "datetime.datetime": _moment,
    "datetime.time": _moment,
    "datetime.timedelta": _pure,
    "datetime.timezone": _timezone,
    "decimal.Decimal": _pure,
    "fractions.Fraction": _fraction,
    "functools._lru_cache_wrapper": _cached_function,
    "functools.partial": _partial,
    "ipaddress.IPv4Address": _pure,
    "ipaddress.IPv4Interface": _pure,
    "ipaddress.IPv4Network": _pure,
    "ipaddress.IPv6Address": _pure,
    "ipaddress.IPv6Interface": _pure,
    "ipaddress.IPv6Network": _pure,
    "pathlib.PosixPath": _path,
    "pathlib.PurePath": _path,
    "pathlib.PurePosixPath": _path,
    "pathlib.PureWindowsPath": _path,
    "pathlib.WindowsPath": _path,
    "re.Match": _match,
    "re.Pattern": _pattern,
    "typing.ParamSpec": _pure,
    "typing.TypeVar": _pure,
    "typing.TypeVarTuple": _pure,
    "uuid.UUID": _uuid,
    "zoneinfo.ZoneInfo": _zone_info,
}
