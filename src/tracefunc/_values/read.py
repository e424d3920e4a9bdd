"""Read what a name means in a frame, without disturbing the program."""

from __future__ import annotations

import sys

from .._forks import importing
from .._interpreter import CELLS_ARE_READ_WITHOUT_LOCK, OPTIMIZED, PROXY_IS_SAFE

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

# How a name of a line is read in a frame.
LOCAL = 0  # a local, cell or free variable of a function's frame
GLOBAL = 1  # module global, else builtin
CLASS = 2  # a class body's namespace, else as GLOBAL
CLASS_FREE = 3  # a class body's namespace, else the variable of the function around it
FREE = 4  # the variable of the function around the class body
UNREADABLE = 5
REDACTED = 6  # must not be looked at


class Reader:
    """How to read one name of a line: `name` as shown, `stored` as the compiler keeps it.

    Of a chain of attributes, `name` is the whole chain, `stored` its first name, and `attributes` are the others, as
    the compiler keeps them.
    """

    __slots__ = ("attributes", "how", "name", "stored")

    def __init__(self, name: str, stored: str, how: int, attributes: tuple[str, ...] = ()) -> None:
        self.name = name
        self.stored = stored
        self.how = how
        self.attributes = attributes


def read(frame: FrameType, name: str, how: int) -> object:
    """Return what `name` means in `frame`, read in one of the ways above; raise NameError if it means nothing."""
    if how == LOCAL:
        return read_local(frame, name)
    if how == UNREADABLE:
        raise NameError(name)
    if how == FREE:
        return read_class_free(frame, name)
    if how in (CLASS, CLASS_FREE):
        try:
            return read_namespace(frame, name)
        except NameError:
            if how == CLASS_FREE:
                return read_class_free(frame, name)
    try:
        return frame.f_globals[name]
    except KeyError:
        pass
    try:
        return frame.f_builtins[name]
    except KeyError:
        raise NameError(name) from None


def read_local(frame: FrameType, name: str) -> object:
    """Return what `name` holds, a local, cell or free variable of the function that `frame` runs.

    While an inlined comprehension runs, its own variable comes before the function's variable of that name. In a class
    body's frame, only such variables of comprehensions can be read here. Raises NameError if `name` is unbound. Nothing
    keeps a reference to the value. (Without ctypes, Python 3.12 keeps one until the frame ends.)
    """
    if CELLS_ARE_READ_WITHOUT_LOCK:
        try:
            return _read_slots(frame, name)
        except (ImportError, AttributeError):  # no ctypes: the interpreter's own way is the only one
            pass
    if not PROXY_IS_SAFE:
        return _read_by_ctypes(frame, name)
    variables = frame.f_locals
    if type(variables) is _PROXY:
        try:
            return variables[name]
        except KeyError:
            pass
    raise NameError(name)


def read_namespace(frame: FrameType, name: str) -> object:
    """Return what the class body that `frame` runs has bound to `name`; raise NameError if it has bound nothing.

    No code of the program runs: nothing is read from a namespace that is not a dict (a metaclass may make one). From
    3.13 on a class's namespace is out of reach while a comprehension inlined into the class body runs.
    """
    namespace: Any = frame.f_locals
    if issubclass(type(namespace), dict):  # isinstance may ask the object
        value = dict.get(namespace, name, _MISSING)
        if value is not _MISSING:
            return value
    raise NameError(name)


def read_class_free(frame: FrameType, name: str) -> object:
    """Return what `name` holds, a variable of a function around the class body that `frame` runs.

    The interpreter gives no access to it through the class body's frame, so it is read in the frame that executes the
    class statement, or further out if that frame is a class body's too. Raises NameError if the variable is unbound.
    """
    code, above = frame.f_code, frame.f_back
    while above is not None:
        if any(constant is code for constant in above.f_code.co_consts):
            if above.f_code.co_flags & OPTIMIZED:
                return read_local(above, name)
            code = above.f_code
        above = above.f_back
    raise NameError(name)


_CELL = type((lambda cell: lambda: cell)(0).__closure__[0])  # type: ignore[index]
_MISSING = object()
_PROXY: type = (lambda: type(sys._getframe().f_locals))()

_get_var: Callable[[FrameType, str], object] | None = None


def _read_by_ctypes(frame: FrameType, name: str) -> object:
    global _get_var
    if _get_var is None:
        _get_var = _make_get_var()
    try:
        return _get_var(frame, name)
    except NameError:
        code = frame.f_code
        if name in code.co_freevars and name in code.co_varnames and code.co_flags & OPTIMIZED:
            return _read_free_slot(frame, name)
        raise


def _make_get_var() -> Callable[[FrameType, str], object]:
    try:
        with importing:
            from ctypes import py_object, pythonapi

        function = pythonapi["PyFrame_GetVar"]
    except (ImportError, AttributeError):
        return _read_copy
    function.restype = py_object
    return lambda frame, name: function(py_object(frame), py_object(name))  # faster than argtypes


def _read_copy(frame: FrameType, name: str) -> object:
    try:
        return frame.f_locals[name]
    except KeyError:
        raise NameError(name) from None


def _read_free_slot(frame: FrameType, name: str) -> object:
    """Read a free variable that PyFrame_GetVar misses, because a comprehension has a variable of that name.

    PyFrame_GetVar stops at the first slot of a name; free variables have the last slots.
    """
    code = frame.f_code
    index = len({*code.co_varnames, *code.co_cellvars}) + code.co_freevars.index(name)
    try:
        cell: Any = _slot(frame, index)
        return cell.cell_contents
    except ValueError:  # no cell, or an empty one
        raise NameError(name) from None


def _read_slots(frame: FrameType, name: str) -> object:
    """Read a variable from the first slot of its name that holds something, or from the cell in that slot."""
    code = frame.f_code
    names = [*code.co_varnames, *(n for n in code.co_cellvars if n not in code.co_varnames), *code.co_freevars]
    has_cell = name in code.co_cellvars or name in code.co_freevars
    for index, known in enumerate(names):
        if known == name:
            try:
                value: Any = _slot(frame, index)
                return _contents(value) if has_cell and type(value) is _CELL else value
            except ValueError:  # empty
                pass
    raise NameError(name)


def _contents(cell: object) -> object:
    """What a cell holds, read under its lock, which `cell_contents` does not take; raises ValueError if it is empty."""
    with importing:
        from ctypes import py_object, pythonapi

    get = pythonapi["PyCell_Get"]
    get.restype = py_object
    return get(py_object(cell))


def _slot(frame: FrameType, index: int) -> object:
    """What a slot of a frame's variables holds; raises ValueError if it is empty.

    The layout is that of the versions concerned, which will not change any more: a frame object's second field points
    to the frame proper, which has eight pointers and eight bytes before its slots.
    """
    with importing:
        from ctypes import c_void_p, py_object, sizeof

    size = sizeof(c_void_p)
    proper = c_void_p.from_address(id(frame) + object.__basicsize__ + size).value or 0
    return py_object.from_address(proper + 8 * size + 8 + index * size).value
