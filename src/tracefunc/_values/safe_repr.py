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

    from .redaction import Redaction


def safe_repr(value: Any) -> str:
    """Return a text for `value` that is made without running any code of the program's own.

    Values of the built-in types have their `repr`, containers with everything in them; so have values of the standard
    library, enums, named tuples, dataclasses and exceptions. Arrays, frames, series and tensors of numpy, pandas,
    polars and torch are shown by their shape, the type of their elements and the first of them. Any other object is
    shown by its type and its fields: `<Cart items=[Item(...), ...] owner='ann'>`, or by its address if it has no
    fields. As `describe` of a `Tracer` it makes no more text than is shown.
    """
    return walk(value, sys.maxsize, safe_walk())


def safe_walk(redaction: Redaction | None = None) -> Walk:
    """Return what a walk needs that runs no code of the program."""
    return Walk([], _leaf, is_safe=True, redaction=redaction)


def search(value: Any, redaction: Redaction) -> Walk:
    """Return what is known of the values in `value`: whether `redaction` hides some, and whether all could be seen.

    Where there are too many to look at each, the answer is that some are hidden.
    """
    shared = safe_walk(redaction)
    shared.searches = True
    if len(walk(value, _MOST_SEARCHED, shared)) > _MOST_SEARCHED:
        shared.found = True
    return shared


_MOST_SEARCHED = 20_000  # characters of the text that shows how the values are nested, and no more of them


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
        shared.overlooks = True
        return address_text(value, kind)
