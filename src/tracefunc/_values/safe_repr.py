"""Texts for values that are made without running any code of the program, and that tell values apart all the same."""

from __future__ import annotations

import sys

from .arrays import array_text
from .builtin_reprs import Walk, walk
from .fields import address_text, object_text, subclass_text
from .generated_reprs import generated_text
from .static_types import mro_of
from .stdlib_reprs import stdlib_text

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any


def safe_repr(value: Any) -> str:
    """Return a text for `value` that is made without running any code of the program's own.

    Values of the built-in types have their `repr`, containers with everything in them; so have values of the standard
    library, enums, named tuples, dataclasses and exceptions. Arrays, frames, series and tensors of numpy, pandas,
    polars and torch are shown by their shape, the type of their elements and the first of them. Any other object is
    shown by its type and its fields: `<Cart items=[Item(...), ...] owner='ann'>`, or by its address if it has no
    fields. As `describe` of a `Tracer` it makes no more text than is shown.
    """
    return walk(value, sys.maxsize, safe_walk())


def safe_walk() -> Walk:
    """Return what a walk needs that runs no code of the program."""
    return Walk([], _leaf, is_safe=True)


def _leaf(value: Any, room: int, shared: Walk) -> str:
    """The text of a value that is not of exactly a built-in type with a walker."""
    kind = type(value)
    try:
        text = stdlib_text(value, kind, room, shared)
        if text:
            return text
        if any(base is type for base in mro_of(kind)):
            return type.__repr__(value)
        return (
            array_text(value, kind, room, shared)
            or generated_text(value, kind, room, shared)
            or subclass_text(value, kind, room, shared)
            or object_text(value, kind, room, shared)
        )
    except Exception:  # at the recursion limit, say
        return address_text(value, kind)
