"""What was passed as `fn` or as a target: the functions whose code it runs."""

from __future__ import annotations

import sys
from types import FunctionType, MethodType, ModuleType

from .._values.describe import describe

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any


def what(value: object) -> str:
    """A value in an error message."""
    kind, text = describe(value)
    return f"{kind} {text}"


def name_of(fn: object) -> str:
    """A callable in an error message."""
    return repr(getattr(fn, "__qualname__", None) or what(fn))


# --- what runs when it is called -----------------------------------------------------------------------------------


def unwrapped(value: Any) -> list[Any]:
    """`value` and what it wraps, outermost first: methods' functions, partials' too, and decorators' `__wrapped__`.

    Raises ValueError when it wraps itself.
    """
    chain = [value]
    if type(value) is FunctionType and not value.__dict__:  # the common case
        return chain
    while (inner := _inside(chain[-1])) is not None:
        if any(inner is known for known in chain):
            raise ValueError(f"{name_of(chain[0])} wraps itself: its __wrapped__ attributes form a ring.")
        chain.append(inner)
    return chain


def _inside(value: Any) -> Any:
    """What `value` wraps, None if nothing."""
    if isinstance(value, MethodType | staticmethod | classmethod):
        return value.__func__
    if isinstance(value, type):
        return None
    known: dict[str, Any] = getattr(value, "__dict__", {})
    for name in ("__wrapped__", "__partialmethod__", "_partialmethod"):  # the last one up to 3.12
        if name in known:
            return known[name]
    functools = sys.modules.get("functools")  # where it was not imported, there is none of its objects
    if functools is not None:
        if isinstance(value, functools.partial | functools.partialmethod | functools.cached_property):
            return value.func
        if isinstance(value, functools.singledispatchmethod):
            return value.dispatcher
    return None


def codes_of(fn: Any) -> list[CodeType]:
    """The code objects that calling `fn` runs on the way to what it wraps, outermost first."""
    codes = [inner.__code__ for inner in unwrapped(fn) if isinstance(inner, FunctionType)]
    return codes or [function.__code__ for function in _constructors(fn) or _call_method(fn)]


def _constructors(value: Any) -> list[FunctionType]:
    """The functions that making an instance of a class calls, if they are written in Python."""
    if not isinstance(value, type):
        return []
    found = [unwrapped(getattr(value, name))[-1] for name in ("__new__", "__init__")]
    return [function for function in found if isinstance(function, FunctionType)]


def _call_method(value: Any) -> list[FunctionType]:
    """The `__call__` of an object, if it is written in Python."""
    method = None if isinstance(value, type) else getattr(type(value), "__call__", None)  # noqa: B004 - its code is wanted
    inner = None if method is None else unwrapped(method)[-1]
    return [inner] if isinstance(inner, FunctionType) else []


# --- targets -------------------------------------------------------------------------------------------------------


def functions_of(value: Any, parameter: str) -> list[FunctionType]:
    """The functions whose calls are those of `value`, which may be any callable, or a property.

    Of a class these are `__new__` and `__init__`; of a single-dispatch function all that are registered. Raises
    TypeError or ValueError, with what to pass instead, when there are none.
    """
    chain = unwrapped(value)
    inner = chain[-1]
    if inner is value and isinstance(inner, FunctionType):
        return [inner]
    for wrapper in chain:
        registry: Any = getattr(wrapper, "registry", None)
        if isinstance(inner, FunctionType) and isinstance(wrapper, FunctionType) and hasattr(registry, "values"):
            found = [unwrapped(function)[-1] for function in registry.values()]
            return _distinct([inner, *(function for function in found if isinstance(function, FunctionType))])
    if isinstance(inner, FunctionType):
        return [inner]
    if isinstance(inner, property):
        return [f for part in (inner.fget, inner.fset, inner.fdel) if part for f in functions_of(part, parameter)]
    if isinstance(inner, type):
        found = _distinct(_constructors(inner))
        if found:
            return found
        raise ValueError(
            f"{parameter} is the class {inner.__qualname__!r}, which has no __init__ or __new__ written in Python: "
            "pass one of its methods as target_func."
        )
    if not callable(inner):
        raise TypeError(f"{parameter} must be a Python function, not {what(inner)}.")
    found = _call_method(inner)
    if found:
        return found
    kind = type(inner).__name__
    raise ValueError(
        f"requires a Python function with retrievable source code, and {name_of(inner)} ({kind}) is not written in "
        "Python: pass a Python function that calls it, or is called by it, as target_func."
    )


def targets_of(value: Any) -> tuple[list[FunctionType], bool]:
    """The functions that a `Tracer` is given by one of its targets, and whether some of them may be left out.

    A class stands for all its methods that are written in Python, a module for all functions that are defined in it,
    a text for what it names. Raises TypeError or ValueError when there is nothing to trace.
    """
    if isinstance(value, str):
        return _named(value)
    if isinstance(value, ModuleType):
        return _all_of(value, value.__name__, "module", "*"), True
    if isinstance(value, type):
        return _all_of(value, value.__qualname__, "class", "*"), True
    return functions_of(value, "a target"), False


def _named(name: str) -> tuple[list[FunctionType], bool]:
    """The functions that "package.module:qualified.name" names, which may be a glob."""
    from importlib import import_module
    from inspect import getattr_static

    module_name, colon, path = name.partition(":")
    try:
        value: Any = import_module(module_name)
    except ImportError as error:
        raise ValueError(
            f"target {name!r}: cannot import {module_name!r} ({error}). A name is that of a module, a colon, and what "
            "is in it: 'package.module:Class.method'."
        ) from error
    if not colon:
        return targets_of(value)
    if any(character in path for character in "*?["):
        return _all_of(value, name, "target", path), True
    for part in path.split("."):
        try:
            value = getattr_static(value, part)
        except AttributeError:
            raise ValueError(f"target {name!r}: {what(value)} has no {part!r}{_similar(value, part)}.") from None
    return targets_of(value)


def _similar(value: Any, part: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(part, dir(value), 3)
    return f" (but {', '.join(found)})" if found else ""


def _all_of(owner: Any, name: str, kind: str, pattern: str) -> list[FunctionType]:
    from fnmatch import fnmatchcase

    found = _distinct(function for path, function in _members(owner, "") if fnmatchcase(path, pattern))
    if not found:
        raise ValueError(f"{kind} {name!r}: there is no function written in Python in it.")
    return found


def _members(owner: Any, prefix: str) -> Iterator[tuple[str, FunctionType]]:
    """The functions defined in a module or class, and in classes that are defined there, by their paths."""
    module = owner.__name__ if isinstance(owner, ModuleType) else owner.__module__
    for name, value in list(vars(owner).items()):
        path = prefix + name
        if isinstance(value, type):
            inside = isinstance(owner, ModuleType) or value.__qualname__ == f"{owner.__qualname__}.{name}"
            if inside and value.__module__ == module and value is not owner:
                yield from _members(value, path + ".")
        elif callable(value) or isinstance(value, property | staticmethod | classmethod) or _inside(value) is not None:
            try:
                functions = functions_of(value, name)
            except (TypeError, ValueError):
                continue  # not written in Python, or an instance
            for function in functions:
                if function.__module__ == module and not _call_method(value):
                    yield path, function


def _distinct(functions: Any) -> list[FunctionType]:
    """Functions without those whose code another one has."""
    found: dict[int, FunctionType] = {}
    for function in functions:
        found.setdefault(id(function.__code__), function)
    return list(found.values())
