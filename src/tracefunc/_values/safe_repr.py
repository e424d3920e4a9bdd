"""Texts for values that are made without running any code of the program."""

from __future__ import annotations

import sys

from .arrays import array_summary
from .builtin_reprs import Walk, walk
from .plain_text import own_name

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

# By address: looking up a class itself would run `__hash__` and `__eq__` of its metaclass.
_SAFE = frozenset(map(id, (type, range, complex, object, type(own_name), type(len))))


def safe_repr(value: Any) -> str:
    """Return a text for `value` that is made without running any code of the program's own.

    Values of exactly the built-in types have their `repr`, containers with everything in them; anything else is
    `<type at address>`. Numpy's arrays, pandas' frames and series, and torch's tensors are shown by their shape and the
    type of their elements; no element is looked at. As `describe` of a `Tracer` it makes no more text than is shown.
    """
    return walk(value, sys.maxsize, Walk([], safe_leaf))


def safe_leaf(value: Any, room: int) -> str:
    """The text of a value whose repr might run code of the program."""
    kind = type(value)
    if id(kind) in _SAFE:
        return repr(value)
    return array_summary(value) or f"<{own_name(kind)} at {id(value):#x}>"


def outline_leaf(value: Any, room: int) -> str:
    """The repr of an object whose class has none of its own; an exception's is made of its arguments."""
    kind = type(value)
    method = type.__getattribute__(kind, "__repr__")
    if method is object.__repr__:
        return repr(value)
    if method is BaseException.__repr__:
        args = BaseException.args.__get__(value)  # type: ignore[attr-defined]
        text = walk(args, room, Walk([], outline_leaf))
        return own_name(kind) + (f"({text[1:-2]})" if len(args) == 1 and text.endswith(",)") else text)
    return safe_leaf(value, room)
