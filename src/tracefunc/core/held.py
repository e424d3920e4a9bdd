"""What an object holds and certainly wraps, read without running any code of the program: no property, no proxy."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType

from .._values.describe import outliner
from .._values.instance_dict import attribute, attributes_of
from .._values.plain_text import own_name
from .._values.static_types import (
    GETSET,
    MEMBER,
    MISSING,
    class_attribute,
    flags_of,
    module_of,
    mro_of,
    namespace_of,
    qualname_of,
    read_descriptor,
    real_module,
)

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_BUILTIN_CALLABLES = (
    BuiltinFunctionType,
    type(str.upper),
    type(object.__init__),
    type("".__add__),
    type(vars(dict)["fromkeys"]),
)
_METHODS = (staticmethod, classmethod)


# --- names and texts -------------------------------------------------------------------------------------------------


def described(value: object) -> str:
    """Return a value as error messages show it: its type and text, made without running its code."""
    return f"{own_name(type(value))} {outliner(50)(value)[1]}"


def name_of(fn: object) -> str:
    """Return the name of a callable as error messages show it."""
    kind = type(fn)
    if kind is FunctionType or kind in _BUILTIN_CALLABLES:
        return repr(fn.__qualname__)  # type: ignore[attr-defined]
    if kind is MethodType:
        return name_of(fn.__func__)  # type: ignore[attr-defined]
    if is_class(fn):
        return repr(qualname_of(fn))  # type: ignore[arg-type]
    name = _stored_name(fn)
    return described(fn) if name is None else repr(name)


def _stored_name(fn: object) -> str | None:
    found = (stored(fn, name) for name in ("__qualname__", "__name__", "name"))
    return next((name for name in found if type(name) is str), None)


def title_of(fn: object) -> str:
    """Return the name of a callable as warnings show it, with its type if that is not one of the interpreter's."""
    kind = type(fn)
    if is_class(fn) or not is_heap_type(kind):
        return name_of(fn)
    name = _stored_name(fn)
    return f"the {own_name(kind)} object" if name is None else f"the {own_name(kind)} {name!r}"


def place_of(function: FunctionType) -> str:
    """Return the name of a function's code, and where that stands."""
    code = function.__code__
    return f"{code.co_qualname!r} ({code.co_filename}:{code.co_firstlineno})"


# --- what an object holds --------------------------------------------------------------------------------------------


def is_class(value: object) -> bool:
    """Return whether `value` is a class, whatever it says itself."""
    return type in mro_of(type(value))


def is_heap_type(kind: type) -> bool:
    """Return whether a class was made at run time, as all of the program's are."""
    return bool(flags_of(kind) & _HEAP_TYPE)


_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def is_a(value: object, kind: type) -> bool:
    """Return whether the type of `value` is `kind` or derived from it, whatever it says itself."""
    return kind in mro_of(type(value))


def stored(value: Any, name: str) -> Any:
    """Return what `value` itself holds under a name, in its dictionary or a slot; `MISSING` if there is nothing."""
    kind = type(value)
    if kind is FunctionType:
        return value.__dict__.get(name, MISSING)
    read = read_descriptor(class_attribute(kind, name), value, kind)
    return attribute(value, kind, name) if read is MISSING else read


def held_by(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of all that an object holds in its dictionary and slots."""
    kind = type(value)
    yield from attributes_of(value, kind)
    for base in mro_of(kind):
        for name, found in namespace_of(base).items():
            if type(found) is MEMBER and type(name) is str:
                item = read_descriptor(found, value, kind)
                if item is not MISSING:
                    yield name, item


def closure_of(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the free variables of a function that have a value, with their values."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not bound yet, or no more
            continue


def call_method(value: Any) -> Any:
    """Return the `__call__` of an object's class as it is stored there; `MISSING` if there is none."""
    return MISSING if is_class(value) else class_attribute(type(value), "__call__")


# --- what an object wraps --------------------------------------------------------------------------------------------


def wrapped_by(value: Any) -> Any:
    """Return what `value` says that it wraps; `MISSING` if it says nothing."""
    kind = type(value)
    if kind is MethodType:
        return value.__func__
    for base in _METHODS:
        if is_a(value, base):
            return vars(base)["__func__"].__get__(value)
    if is_class(value):
        return MISSING
    if kind is FunctionType:
        return _wrapped_by_function(value)
    found = _wrapped_by_functools(value)
    return found if found is not MISSING else _under_wrapped(value, kind)


def _wrapped_by_function(function: FunctionType) -> Any:
    known = function.__dict__
    register = known.get("register")  # of a method of a class, made by functools.singledispatchmethod up to 3.13
    if type(register) is MethodType and _is_of_functools(register.__self__, "singledispatchmethod"):
        return register.__self__
    if known.get("is_hypothesis_test") is True and "hypothesis" in known:
        return stored(known["hypothesis"], "inner_test")  # what @given runs, and frameworks replace
    for name in ("__wrapped__", "__partialmethod__", "_partialmethod"):  # the last one is used up to 3.12
        if known.get(name) is not None:
            return known[name]
    return MISSING


def _wrapped_by_functools(value: Any) -> Any:
    if _is_of_functools(value, "partial"):
        return real_module("functools")["partial"].func.__get__(value)
    for name, field in _FIELDS.items():
        if _is_of_functools(value, name):
            return stored(value, field)
    return MISSING


_FIELDS = {
    "partialmethod": "func",
    "cached_property": "func",
    "singledispatchmethod": "dispatcher",
    "_singledispatchmethod_get": "_unbound",  # what that gives from 3.14 on
}


def _is_of_functools(value: Any, name: str) -> bool:
    kind = real_module("functools").get(name)  # not imported: none of its objects exists
    return kind is not None and is_a(value, kind)


def _under_wrapped(value: Any, kind: type) -> Any:
    """Return what stands under `__wrapped__` in an object or its class, unless code would have to run for it."""
    in_class = class_attribute(kind, "__wrapped__")
    if type(in_class) is GETSET and class_attribute(kind, "__wrapped_factory__") is not MISSING:
        return MISSING  # of a proxy in C that makes its object when it is first asked for
    found = stored(value, "__wrapped__")
    if found is MISSING and (type(in_class) is FunctionType or type(in_class) in _METHODS):
        return in_class
    return MISSING if found is None else found


# --- what an object dispatches to, and reads ------------------------------------------------------------------------


def registered_in(function: Any) -> list[Any]:
    """Return the implementations that a function of `functools.singledispatch` calls, the default one first."""
    if type(function) is not FunctionType or "registry" not in function.__dict__:
        return []
    registry = function.__dict__["registry"]
    if type(registry) is not MappingProxyType or function.__globals__ is not real_module("functools"):
        return []
    found = dict(registry)
    return [*(found[kind] for kind in (object,) if kind in found), *found.values()]


def accessors_of(value: Any) -> list[Any]:
    """Return the functions of a property, or of what is like one: those that get, set and delete."""
    if is_class(value) or type(value) is FunctionType:
        return []
    found = [stored(value, name) for name in ("fget", "fset", "fdel")]
    return [accessor for accessor in found if accessor is not MISSING and accessor is not None]


def functions_within(values: Iterable[Any]) -> Iterator[FunctionType]:
    """Yield all functions that some wrappers refer to, at most three steps away, in containers as well."""
    todo = [(value, 0) for value in values]
    seen: set[int] = set()
    while todo and len(seen) < _MOST_LOOKED_AT:
        value, depth = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if type(value) is FunctionType:
            yield value
        if depth < 3:
            todo += [(item, depth + 1) for item in _referred_to(value)]


_MOST_LOOKED_AT = 1000


def _referred_to(value: Any) -> list[Any]:
    kind = type(value)
    if kind is tuple or kind is list:
        return list(value)
    if kind is dict:
        return list(value.values())
    if kind is FunctionType:
        return [*(item for _, item in closure_of(value)), *(value.__defaults__ or ()), *value.__dict__.values()]
    inner = wrapped_by(value)
    items = [] if inner is MISSING else [inner]
    if not is_class(value) and (is_heap_type(kind) or is_a(value, property)):
        items += accessors_of(value)
        items += [item for _, item in held_by(value)]
    return items


def distinct(functions: Iterable[FunctionType]) -> list[FunctionType]:
    """Return `functions`, of those that share their code only the first."""
    found: dict[int, FunctionType] = {}
    for function in functions:
        found.setdefault(id(function.__code__), function)
    return list(found.values())


def module_name_of(function: FunctionType) -> object:
    """Return the name of the module in which a function was defined."""
    return dict.get(function.__globals__, "__name__")


def library_of(value: Any) -> str:
    """Return the name of the module in which the class of an object was defined."""
    return module_of(type(value))
