"""Arrays: what is shown of them without looking at all their elements. None of their modules is imported for that."""

from __future__ import annotations

import sys

from .plain_text import own_name

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

# Modules, their types, and the attributes that are shown.
_ATTRIBUTES = (
    ("numpy", ("ndarray",), ("shape", "dtype")),
    ("pandas", ("DataFrame",), ("shape",)),
    ("pandas", ("Series", "Index"), ("shape", "dtype")),
    ("torch", ("Tensor",), ("shape", "dtype")),
)
_GETSET = type(vars(type(own_name))["__code__"])  # no class written in Python has one of its own


def array_summary(value: Any) -> str | None:
    """Shape and element type of an array of numpy, pandas or torch; None for any other value."""
    kind = type(value)
    for name, kinds, attributes in _ATTRIBUTES:
        module = sys.modules.get(name)
        known = vars(module) if type(module) is type(sys) else {}
        if any(kind is known.get(other) for other in kinds):
            texts = " ".join(f"{attribute}={getattr(value, attribute)}" for attribute in attributes)
            return f"<{own_name(kind)} {texts}>"
    return None


def shortened(value: Any, room: int) -> Any:
    """An `array.array` cut to the elements that `room` characters can show; any other value as it is."""
    kind = type(value)
    module = sys.modules.get("array")
    if module is None or kind is not vars(module).get("array") or type(vars(kind).get("typecode")) is not _GETSET:
        return value
    # An element takes a character at least. A text is left whole: all of it decides which quotes it gets.
    return value if len(value) <= room or value.typecode in "uw" else value[:room]
