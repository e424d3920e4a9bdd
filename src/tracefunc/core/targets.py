"""The Python functions that run when a `fn` or a target is called."""

from __future__ import annotations

import sys
from types import FunctionType, MethodType, ModuleType

from .._values.describe import describe
from .suggestions import did_you_mean, similar

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any


def described(value: object) -> str:
    """Return a value as error messages show it: its type and text."""
    kind, text = describe(value)
    return f"{kind} {text}"


def name_of(fn: object) -> str:
    """Return the name of a callable as error messages show it."""
    return repr(getattr(fn, "__qualname__", None) or described(fn))


# --- what runs in a call -----------------------------------------------------------------------------------


def unwrapped(value: Any) -> list[Any]:
    """Return `value` and what it wraps, outermost first: functions of methods and partials, decorators' `__wrapped__`.

    Raises ValueError when `value` wraps itself.
    """
    chain = [value]
    if type(value) is FunctionType and not value.__dict__:  # the common case
        return chain
    while (inner := _wrapped_by(chain[-1])) is not None:
        if any(inner is known for known in chain):
            raise ValueError(f"{name_of(chain[0])} wraps itself: its __wrapped__ attributes form a ring.")
        chain.append(inner)
    return chain


def _wrapped_by(value: Any) -> Any:
    """Return what `value` wraps, None if nothing."""
    if isinstance(value, MethodType | staticmethod | classmethod):
        return value.__func__
    if isinstance(value, type):
        return None
    known: dict[str, Any] = getattr(value, "__dict__", {})
    for name in ("__wrapped__", "__partialmethod__", "_partialmethod"):  # the last one is used up to 3.12
        if name in known:
            return known[name]
    functools = sys.modules.get("functools")  # not imported: none of its objects exists
    if functools is not None:
        if isinstance(value, functools.partial | functools.partialmethod | functools.cached_property):
            return value.func
        if isinstance(value, functools.singledispatchmethod):
            return value.dispatcher
    return None


def codes_of(fn: Any) -> list[CodeType]:
    """Return the code objects that a call of `fn` runs on the way to what `fn` wraps, outermost first."""
    codes = [inner.__code__ for inner in unwrapped(fn) if isinstance(inner, FunctionType)]
    return codes or [function.__code__ for function in _constructors(fn) or _call_method(fn)]


def _constructors(value: Any) -> list[FunctionType]:
    """Return the functions written in Python that are called to make an instance of a class."""
    if not isinstance(value, type):
        return []
    found = [unwrapped(getattr(value, name))[-1] for name in ("__new__", "__init__")]
    return [function for function in found if isinstance(function, FunctionType)]


def _call_method(value: Any) -> list[FunctionType]:
    """Return the `__call__` of an object, if it is written in Python."""
    method = None if isinstance(value, type) else getattr(type(value), "__call__", None)  # noqa: B004 - its code is wanted
    inner = None if method is None else unwrapped(method)[-1]
    return [inner] if isinstance(inner, FunctionType) else []


# --- targets -------------------------------------------------------------------------------------------------------


def functions_of(value: Any, parameter: str) -> list[FunctionType]:
    """Return the functions that run when `value`, any callable or a property, is called.

    For a class these are `__new__` and `__init__`, for a single-dispatch function all registered ones. Raises TypeError
    or ValueError, which say what to pass instead, when there are none. `parameter` names `value` in these.
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
        raise TypeError(f"{parameter} must be a Python function, not {described(inner)}.")
    found = _call_method(inner)
    if found:
        return found
    kind = type(inner).__name__
    raise ValueError(
        f"requires a Python function with retrievable source code, and {name_of(inner)} ({kind}) is not written in "
        "Python: pass a Python function that calls it, or is called by it, as target_func."
    )


def targets_of(value: Any) -> tuple[list[FunctionType], bool]:
    """Return the functions that one target of a `Tracer` stands for, and whether some of them may be left out.

    A class stands for all its methods written in Python, a module for all functions defined in it, a string for what
    it names. Raises TypeError or ValueError when there is nothing to trace.
    """
    if isinstance(value, str):
        return _named(value)
    if isinstance(value, ModuleType):
        return _all_of(value, value.__name__, "module", "*"), True
    if isinstance(value, type):
        return _all_of(value, value.__qualname__, "class", "*"), True
    return functions_of(value, "a target"), False


def _named(name: str) -> tuple[list[FunctionType], bool]:
    """Return the functions that "package.module:qualified.name" names; the name after the colon may be a glob."""
    from importlib import import_module
    from inspect import getattr_static

    module_name, colon, path = name.partition(":")
    try:
        value: Any = import_module(module_name)
    except ImportError as error:
        raise ValueError(
            f"target {name!r}: cannot import {module_name!r} ({error}). A target's name is a module, a colon and "
            "a name in the module: 'package.module:Class.method'."
        ) from error
    if not colon:
        return targets_of(value)
    if any(character in path for character in "*?["):
        return _all_of(value, name, "target", path), True
    for part in path.split("."):
        try:
            value = getattr_static(value, part)
        except AttributeError:
            hint = did_you_mean(similar(part, dir(value)))
            raise ValueError(f"target {name!r}: {described(value)} has no {part!r}.{hint}") from None
    return targets_of(value)


def _all_of(owner: Any, name: str, kind: str, pattern: str) -> list[FunctionType]:
    from fnmatch import fnmatchcase

    found = _distinct(function for path, function in _members(owner, "") if fnmatchcase(path, pattern))
    if not found:
        raise ValueError(f"{kind} {name!r}: it has no function written in Python.")
    return found


def _members(owner: Any, prefix: str) -> Iterator[tuple[str, FunctionType]]:
    """Yield the functions defined in a module or class, and in the classes defined there, with their paths."""
    module = owner.__name__ if isinstance(owner, ModuleType) else owner.__module__
    for name, value in list(vars(owner).items()):
        path = prefix + name
        if isinstance(value, type):
            inside = isinstance(owner, ModuleType) or value.__qualname__ == f"{owner.__qualname__}.{name}"
            if inside and value.__module__ == module and value is not owner:
                yield from _members(value, path + ".")
        elif (
            callable(value)
            or isinstance(value, property | staticmethod | classmethod)
            or _wrapped_by(value) is not None
        ):
            try:
                functions = functions_of(value, name)
            except (TypeError, ValueError):
                continue  # not written in Python, or not a function
            for function in functions:
                if function.__module__ == module and not _call_method(value):
                    yield path, function


def _distinct(functions: Any) -> list[FunctionType]:
    """Return `functions`, of those that share their code only the first."""
    found: dict[int, FunctionType] = {}
    for function in functions:
        found.setdefault(id(function.__code__), function)
    return list(found.values())
