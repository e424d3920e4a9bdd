"""The Python functions that a target stands for: a callable, a class, a module, or the name of one of these."""

from __future__ import annotations

from types import FunctionType, ModuleType

from .._values.static_types import MISSING, class_attribute, module_of, namespace_of, qualname_of
from .callables import Resolved, resolve
from .held import (
    call_method,
    described,
    distinct,
    functions_within,
    is_a,
    is_class,
    is_heap_type,
    module_name_of,
    name_of,
    title_of,
    wrapped_by,
)
from .suggestions import did_you_mean, similar

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any


class NoSuchTarget(ValueError):
    """A target names what does not exist."""


class Target:
    """The functions that one target stands for."""

    __slots__ = ("called", "functions", "is_collection", "name", "notes")

    def __init__(
        self,
        name: str,
        functions: list[FunctionType],
        notes: Iterable[str] = (),
        called: Any = None,
        is_collection: bool = False,
    ) -> None:
        self.name = name  # as messages show it
        self.functions = functions
        self.notes = list(notes)  # for the warnings of the results
        self.called = called  # the object whose call runs the functions, if there is one
        self.is_collection = is_collection  # whether functions that have no source may be left out


# --- callables ---------------------------------------------------------------------------------------------------


def target_of_callable(value: Any, parameter: str) -> Target:
    """Return the functions that run when `value`, any callable or a property, is called.

    For a class these are `__new__` and `__init__`, for a single-dispatch function all registered ones. Raises TypeError
    or ValueError, which say what to pass instead, when there are none. `parameter` names `value` in these.
    """
    if type(value) is FunctionType and not value.__dict__ and value.__closure__ is None:  # the common case
        return Target(name_of(value), [value], (), value)
    found = resolve(value)
    if not found.functions:
        raise _refused(found.last, parameter)
    return Target(title_of(value), found.functions, found.notes, value)


def _refused(value: Any, parameter: str) -> Exception:
    """Return the error for what runs no Python function."""
    if is_class(value):
        return ValueError(
            f"{parameter} is the class {qualname_of(value)!r}, which has no __init__ or __new__ written in Python: "
            "pass one of its methods as target_func."
        )
    if not callable(value):
        return TypeError(f"{parameter} must be a Python function, not {described(value)}.")
    kind = type(value).__name__
    return ValueError(
        f"requires a Python function with retrievable source code, and {name_of(value)} ({kind}) is not written in "
        "Python: pass a Python function that calls it, or is called by it, as target_func."
    )


# --- targets of a tracer -------------------------------------------------------------------------------------------


def targets_of(value: Any) -> Target:
    """Return the functions that one target of a `Tracer` stands for.

    A class stands for all its methods written in Python, a module for all functions defined in it, a string for what
    it names. Raises TypeError or ValueError when there is nothing to trace, NoSuchTarget when it names nothing.
    """
    if is_a(value, str):
        return _named(value)
    if is_a(value, ModuleType):
        return _all_of(value, value.__name__, "module", "*")
    if is_class(value):
        return _all_of(value, qualname_of(value), "class", "*")
    return target_of_callable(value, "a target")


def _named(name: str) -> Target:
    """Return the functions that "package.module:qualified.name" names; the name after the colon may be a glob."""
    from importlib import import_module
    from inspect import getattr_static

    module_name, colon, path = name.partition(":")
    try:
        value: Any = import_module(module_name)
    except ImportError as error:
        raise NoSuchTarget(
            f"target {name!r}: cannot import {module_name!r} ({error}). A target's name is a module, a colon and "
            "a name in the module: 'package.module:Class.method'."
        ) from error
    if not colon:
        return targets_of(value)
    if any(character in path for character in "*?["):
        return _all_of(value, name, "target", path)
    for part in path.split("."):
        try:
            value = getattr_static(value, part)
        except AttributeError:
            hint = did_you_mean(similar(part, dir(value)))
            raise NoSuchTarget(f"target {name!r}: {described(value)} has no {part!r}.{hint}") from None
    return targets_of(value)


def _all_of(owner: Any, name: str, kind: str, pattern: str) -> Target:
    from fnmatch import fnmatchcase

    notes: dict[str, None] = {}
    functions = distinct(function for path, function in _members(owner, "", notes) if fnmatchcase(path, pattern))
    if not functions:
        raise ValueError(f"{kind} {name!r}: it has no function written in Python.")
    return Target(f"{kind} {name!r}", functions, notes, None, True)


# --- members of modules and classes --------------------------------------------------------------------------------


def _members(owner: Any, prefix: str, notes: dict[str, None]) -> Iterator[tuple[str, FunctionType]]:
    """Yield the functions defined in a module or class, and in the classes defined there, with their paths.

    Adds to `notes` what cannot be looked into.
    """
    is_module = is_a(owner, ModuleType)
    module = owner.__name__ if is_module else _module_of(owner)
    for name, value in list((vars(owner) if is_module else namespace_of(owner)).items()):
        if type(name) is not str:
            continue
        path = prefix + name
        if is_class(value):
            inside = is_module or qualname_of(value) == f"{qualname_of(owner)}.{name}"
            if inside and _module_of(value) == module and value is not owner:
                yield from _members(value, path + ".", notes)
        elif _may_run_code(value):
            try:
                found = resolve(value)
            except ValueError as error:
                notes[f"not traced: {path}: {error}"] = None
                continue
            yield from _defined_here(found, owner, module, path)


def _module_of(kind: type) -> object:
    name = namespace_of(kind).get("__module__")
    return name if type(name) is str else module_of(kind)


def _may_run_code(value: Any) -> bool:
    """Return whether a member is a function, a method, a property or the like, or wraps one."""
    kind = type(value)
    if kind is FunctionType or callable(value) or class_attribute(kind, "__get__") is not MISSING:
        return True
    return is_heap_type(kind) and wrapped_by(value) is not MISSING


def _defined_here(found: Resolved, owner: Any, module: object, path: str) -> Iterator[tuple[str, FunctionType]]:
    """Yield the functions that a member runs, as far as they were defined in the same module, with their paths.

    What a decorator or descriptor keeps in a way of its own is known by where it was defined, and has its own path.
    """
    call = call_method(found.last)
    for function in found.functions:
        if module in (module_name_of(function), function.__module__) and function is not call:
            yield path, function
    around = "" if is_a(owner, ModuleType) else f"{qualname_of(owner)}."
    prefix = path.rpartition(".")[0]
    for function in functions_within(found.chain):
        name = function.__code__.co_name
        here = function.__code__.co_qualname == (around + name if around else path)
        if here and module_name_of(function) == module and function is not call:
            yield f"{prefix}.{name}".removeprefix("."), function
