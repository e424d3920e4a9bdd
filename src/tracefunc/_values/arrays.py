"""Arrays, frames, series and tensors: their shape, the type of their elements and the first of these.

None of their modules is imported for that, no element is formatted that is not shown, and nothing is copied from a
device.
"""

from __future__ import annotations

import sys
from itertools import islice

from .builtin_reprs import join_items
from .plain_text import REDACTED_TEXT, own_name, plain
from .static_types import GETSET, flags_of, module_of, mro_of, namespace_of, real_module

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .builtin_reprs import Walk

    FirstElements = Callable[[Any, int], list[Any]]

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement, or like by one


def array_text(value: Any, kind: type, room: int, shared: Walk) -> str:
    """The text of an array, frame, series, tensor or scalar of a known library; "" for any other value."""
    for name, of_library in _LIBRARIES.items():
        library = real_module(name) if name in sys.modules else {}
        if not library:
            continue
        for names, attributes, first in of_library:
            if any(kind is library.get(other) for other in names):
                return _summary(value, kind, attributes, first, room, shared)
        if any(kind is library.get(other) for other in _SCALARS.get(name, ())):
            return plain(repr(value))
        if name == "numpy" and (text := _numpy_text(value, kind, library, room, shared)):
            return text
    return ""


def _summary(value: Any, kind: type, attributes: tuple[str, ...], first: FirstElements, room: int, shared: Walk) -> str:
    """`<ndarray shape=(1000,) dtype=int64 [0, 1, 2, ...`: the library's own attributes, and some elements."""
    text = f"<{own_name(kind)}"
    for name in attributes:
        text += f" {name}={_short(getattr(value, name))}"
    if len(text) >= room:
        return text + ">"
    is_column = first is _of_column or first is _of_index
    if _is_hidden(value if is_column else None, getattr(value, "dtype", None), shared):
        return f"{text} {REDACTED_TEXT}>"
    try:
        elements = first(value, (room - len(text)) // 3 + 2)
    except Exception:  # not to be had without computing something
        return text + ">"
    return join_items(text + " [", elements, room, shared) + "]>"


def _is_hidden(column: Any, dtype: Any, shared: Walk) -> bool:
    """Whether the elements have a name that is hidden: that of a column, or of a field of numpy's records."""
    if shared.redaction is None:
        return False
    fields = getattr(dtype, "names", None)
    if column is not None or fields or getattr(dtype, "kind", "O") == "O":
        shared.overlooks = True  # all but the first elements
    names = [getattr(column, "name", None), *(fields if type(fields) is tuple else ())]
    for labels in (getattr(column, "names", None), getattr(column, "index", None)):  # pandas': those of the elements
        if labels is not None and module_of(type(labels)).partition(".")[0] == "pandas":
            names += islice(labels, _MOST_LABELS)
    return any(type(name) is str and shared.hides_key(name) for name in names)


_MOST_LABELS = 1_000


def _short(value: Any) -> str:
    """The text of a shape, or of the type of elements, unless code of the program would make it."""
    kind = type(value)
    if module_of(kind).partition(".")[0] in _TRUSTED:
        return plain(str(value))
    return own_name(kind)


_TRUSTED = ("builtins", "numpy", "pandas", "polars", "torch")

# --- first elements -----------------------------------------------------------------------------------------------


def _of_numpy(value: Any, many: int) -> list[Any]:
    return value.flat[:many].tolist()  # type: ignore[no-any-return]


def _of_column(value: Any, many: int) -> list[Any]:
    return [_item(value.iat[index]) for index in range(min(many, len(value)))]


def _of_index(value: Any, many: int) -> list[Any]:
    return [_item(value[index]) for index in range(min(many, len(value)))]


def _of_frame(value: Any, many: int) -> list[Any]:
    """The first row, with the names of its columns."""
    names = list(islice(value.columns, many))
    return [{name: _item(value.iat[0, index])} for index, name in enumerate(names)] if len(value) else [names]


def _of_polars_frame(value: Any, many: int) -> list[Any]:
    columns = value.get_columns()[:many]
    return [{column.name: column[0]} if len(column) else column.name for column in columns]


def _of_tensor(value: Any, many: int) -> list[Any]:
    if str(value.device) != "cpu":
        return []
    row = value.detach()
    while row.dim() > 1:
        row = row[0]
    return row[:many].tolist() if row.dim() else [row.item()]


def _item(value: Any) -> Any:
    """A number of numpy's as Python's own; anything else as it is."""
    kind = type(value)
    return value.item() if not flags_of(kind) & _HEAP_TYPE and module_of(kind) == "numpy" else value


# By module: names of types, the attributes that are shown, and what gives the first elements.
_LIBRARIES: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...], FirstElements], ...]] = {
    "numpy": ((("ndarray",), ("shape", "dtype"), _of_numpy),),
    "pandas": (
        (("DataFrame",), ("shape",), _of_frame),
        (("Series",), ("shape", "dtype"), _of_column),
        (("Index", "RangeIndex", "DatetimeIndex", "MultiIndex"), ("shape", "dtype"), _of_index),
    ),
    "polars": ((("DataFrame",), ("shape",), _of_polars_frame), (("Series",), ("shape", "dtype"), _of_index)),
    "torch": ((("Tensor",), ("shape", "dtype", "device"), _of_tensor),),
}


_SCALARS = {"pandas": ("Interval", "NaTType", "Period", "Timedelta", "Timestamp")}  # implemented in C


def _numpy_text(value: Any, kind: type, library: Any, room: int, shared: Walk) -> str:
    """The text of a number or a dtype of numpy's, which are implemented in C, or of an array's subclass; else ""."""
    array = library.get("ndarray")
    if array is not None and any(base is array for base in mro_of(kind)):
        names = namespace_of(array)
        if all(type(names.get(name)) is GETSET for name in ("shape", "dtype", "flat")):
            about = " ".join(f"{name}={_short(names[name].__get__(value))}" for name in ("shape", "dtype"))
            if _is_hidden(None, names["dtype"].__get__(value), shared):
                return f"<{own_name(kind)} {about} {REDACTED_TEXT}>"
            elements = islice(names["flat"].__get__(value), room // 3 + 2)
            return join_items(f"<{own_name(kind)} {about} [", map(_item, elements), room, shared) + "]>"
    if flags_of(kind) & _HEAP_TYPE and not module_of(kind).startswith("numpy"):
        return ""
    known = [library.get(name) for name in ("generic", "dtype")]
    if kind is library.get("void") or not any(base is other for base in mro_of(kind) for other in known):
        return ""
    return plain(repr(value))


# --- array.array --------------------------------------------------------------------------------------------------


def shortened(value: Any, room: int) -> Any:
    """An `array.array` cut to the elements that `room` characters can show; any other value as it is."""
    kind = type(value)
    module = sys.modules.get("array")
    if module is None or kind is not vars(module).get("array") or type(vars(kind).get("typecode")) is not GETSET:
        return value
    # An element takes a character at least. A text is left whole: all of it decides which quotes it gets.
    return value if len(value) <= room or value.typecode in "uw" else value[:room]
