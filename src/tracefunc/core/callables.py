"""The Python functions that run when an object is called: what it wraps, holds or dispatches to."""

from __future__ import annotations

from types import FunctionType, MethodType

from .._forks import importing
from .._interpreter import HAS_VARARGS, HAS_VARKEYWORDS
from .._values.static_types import MISSING, class_attribute
from .held import (
    accessors_of,
    call_method,
    closure_of,
    distinct,
    held_by,
    is_a,
    is_class,
    is_heap_type,
    library_of,
    module_name_of,
    name_of,
    place_of,
    registered_in,
    stored,
    title_of,
    wrapped_by,
)

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Any

_MOST_NESTED = 12  # wrappers in each other, of which nobody says what they wrap


class Resolved:
    """What a call of an object runs."""

    __slots__ = ("chain", "functions", "notes")

    def __init__(self, chain: list[Any], functions: Iterable[FunctionType] = (), notes: Iterable[str] = ()) -> None:
        self.chain = chain  # the object, and what it wraps, outermost first
        self.functions = distinct(functions)  # the functions at the end; none if they are not written in Python
        self.notes = list(notes)  # what was guessed

    @property
    def last(self) -> Any:
        return self.chain[-1]


def unwrapped(value: Any) -> list[Any]:
    """Return `value` and what it says that it wraps, outermost first.

    Raises ValueError when `value` wraps itself.
    """
    chain = [value]
    if type(value) is FunctionType and not value.__dict__:  # the common case
        return chain
    while (inner := wrapped_by(chain[-1])) is not MISSING:
        if any(inner is known for known in chain):
            raise ValueError(f"{name_of(chain[0])} wraps itself: its __wrapped__ attributes form a ring.")
        chain.append(inner)
    return chain


def resolve(value: Any, depth: int = 0) -> Resolved:
    """Return which functions run when `value` is called, a property is used, or an instance of a class is made.

    Runs no code of the program. Raises ValueError when `value` wraps itself.
    """
    found = Resolved(unwrapped(value))
    last = found.last
    implementations = [item for wrapper in found.chain for item in registered_in(wrapper)]
    if implementations:
        return Resolved(found.chain, _all_of(implementations, depth))
    if type(last) is FunctionType:
        return _of_function(found, last, depth)
    if is_class(last):
        return Resolved(found.chain, constructors(last))
    accessors = accessors_of(last)
    if accessors:
        return Resolved(found.chain, _all_of(accessors, depth))
    return _of_object(found, last, depth)


def _all_of(values: Iterable[Any], depth: int) -> list[FunctionType]:
    if depth > _MOST_NESTED:
        return []
    return [function for value in values for function in resolve(value, depth + 1).functions]


def codes_of(fn: Any) -> list[CodeType]:
    """Return the code objects that a call of `fn` runs on the way to what `fn` wraps, outermost first."""
    if type(fn) is FunctionType and not fn.__dict__ and fn.__closure__ is None:
        return [fn.__code__]
    found = resolve(fn)
    codes = []
    for step in found.chain:
        function = step if type(step) is FunctionType else _function_in(call_method(step))
        if function is not None:
            codes.append(function.__code__)
    return codes or [function.__code__ for function in found.functions]


def _function_in(method: Any) -> FunctionType | None:
    """Return the Python function that a method of a class is, or wraps; None if it is none."""
    inner = None if method is MISSING else unwrapped(method)[-1]
    return inner if type(inner) is FunctionType else None


def constructors(kind: type) -> list[FunctionType]:
    """Return the functions written in Python that are called to make an instance of a class."""
    found = [_function_in(class_attribute(kind, name)) for name in ("__new__", "__init__")]
    return distinct(function for function in found if function is not None)


# --- functions -------------------------------------------------------------------------------------------------------


def _of_function(found: Resolved, function: FunctionType, depth: int) -> Resolved:
    copies = [step for step in found.chain if type(step) is FunctionType and _stand_together(step, function)]
    if len(copies) > 1:  # one of them may have been made anew from the source or the code of the other
        return Resolved(found.chain, copies)
    itself = Resolved(found.chain, [function])
    items = [*closure_of(function), *function.__dict__.items()]
    held = [(name, item) for name, item in items if _may_be_wrapped(item, function)]
    if not held or depth > _MOST_NESTED:
        return itself
    with importing:
        from .._plan.wrapping import wrapped_names

    names = wrapped_names(function, depth > 0)
    # Without source, what it calls is all that can be had.
    if names is not None:
        names |= {name for name in function.__dict__ if name in function.__code__.co_names}
        if names.isdisjoint(name for name, _ in held):
            return itself
    return _chosen(itself, function, held, depth)


def _stand_together(one: FunctionType, other: FunctionType) -> bool:
    """Return whether the code of two functions comes from one definition."""
    a, b = one.__code__, other.__code__
    same_place = a.co_firstlineno == b.co_firstlineno and a.co_filename == b.co_filename
    return one is other or (a is not b and a.co_qualname == b.co_qualname and same_place)


def _may_be_wrapped(item: Any, function: FunctionType) -> bool:
    """Return whether something that `function` refers to can be what it wraps, not what was defined beside it."""
    if item is function or is_class(item):
        return False
    if type(item) is FunctionType:
        ours, other = function.__code__, item.__code__
        beside = ours.co_qualname.rpartition(".")[0]
        return not (ours is not other and beside == other.co_qualname.rpartition(".")[0] and "<locals>" in beside)
    return callable(item)


# --- objects ---------------------------------------------------------------------------------------------------------


def _of_object(found: Resolved, value: Any, depth: int) -> Resolved:
    method = call_method(value)
    call = _function_in(method)
    itself = Resolved(found.chain, [] if call is None else [call])
    if depth > _MOST_NESTED or (method is MISSING and class_attribute(type(value), "__get__") is MISSING):
        return itself
    held = list(held_by(value))
    registered = _all_of((item for _, table in held if is_a(table, dict) for item in _items(table)), depth)
    if registered and (call is None or _takes_anything(call)):
        direct = _functions_among(held, depth)
        functions = distinct([*direct, *registered])
        if len(functions) > 1:
            note = f"{title_of(value)} dispatches to several Python functions: {_listed(functions)} are traced"
            return Resolved(found.chain, functions, [note])
    return _chosen(itself, value, held, depth)


def _items(table: dict[Any, Any]) -> list[Any]:
    """Return what can be called of a table of implementations; nothing of a namespace, such as a module's."""
    if any(type(key) is str and key in ("__builtins__", "__name__") for key in list(table)):
        return []
    return [item for item in list(dict.values(table)) if callable(item) and not is_class(item)]


def _takes_anything(call: FunctionType) -> bool:
    return bool(call.__code__.co_flags & (HAS_VARARGS | HAS_VARKEYWORDS))


def _chosen(itself: Resolved, wrapper: Any, held: list[tuple[str, Any]], depth: int) -> Resolved:
    """Return what a wrapper stands for that does not say what it wraps: the only function in it, or itself."""
    is_function = type(wrapper) is FunctionType
    call = wrapper if is_function else next(iter(itself.functions), None)
    functions = _narrowed(_functions_among(held, depth), wrapper)
    shown = place_of(wrapper) if is_function else title_of(wrapper)
    if len(functions) == 1 and (is_function or call is None or _can_pass_on(call, functions[0])):
        inner = resolve(functions[0], depth + 1)
        if any(step is wrapper for step in inner.chain):
            return itself
        listed = _listed(inner.functions)
        note = f"{shown} stands for the only Python function in it: {listed} is traced"
        return Resolved([*itself.chain, *inner.chain], inner.functions, [note])
    if call is None:
        return itself
    if functions:
        many = "several Python functions" if len(functions) > 1 else "a Python function"
        how = f"holds {many}, {_listed(functions)}"
    elif (_takes_anything(call) if not is_function else held) and not is_class(wrapper):
        how = "holds no Python function"
    else:
        return itself
    return Resolved(itself.chain, itself.functions, [*itself.notes, f"{shown} {how}: its own code is traced"])


def _functions_among(held: list[tuple[str, Any]], depth: int) -> list[FunctionType]:
    """Return the functions among what an object holds; only if there are none, those that other callables stand for."""
    items: list[Any] = []
    for _, item in held:
        items += item if type(item) in (tuple, list) else [item]
    plain = distinct(item for item in items if type(item) is FunctionType)
    if plain or depth > _MOST_NESTED:
        return plain
    others = [item for item in items if callable(item) and not is_class(item)]
    methods = [item for item in others if type(item) is MethodType]
    wrappers = [item for item in others if type(item) is not MethodType and is_heap_type(type(item))]
    found = [f for item in wrappers for f in _all_of([item], depth) if f is not _function_in(call_method(item))]
    return distinct(found) or distinct(_all_of(methods, depth))


def _narrowed(functions: list[FunctionType], wrapper: Any) -> list[FunctionType]:
    """Return of several functions the one whose name the wrapper has, or the only one that is not its library's."""
    if len(functions) < 2:
        return functions
    is_function = type(wrapper) is FunctionType
    name = wrapper.__name__ if is_function else stored(wrapper, "__name__")
    if not is_function or name != wrapper.__code__.co_name:
        named = [function for function in functions if type(name) is str and function.__name__ == name]
        if len(named) == 1:
            return named
    library = module_name_of(wrapper) if is_function else library_of(wrapper)
    foreign = [function for function in functions if module_name_of(function) != library]
    return foreign if len(foreign) == 1 else functions


def _can_pass_on(call: FunctionType, function: FunctionType) -> bool:
    """Return whether a `__call__` can hand its arguments on to a function."""
    if _takes_anything(call) or _takes_anything(function):
        return True
    given, wanted = call.__code__.co_argcount - 1, function.__code__.co_argcount
    return wanted - len(function.__defaults__ or ()) <= given <= wanted


def _listed(functions: list[FunctionType]) -> str:
    shown = [place_of(function) for function in functions[:3]]
    return ", ".join(shown) + (f" and {len(functions) - 3} more" if len(functions) > 3 else "")
