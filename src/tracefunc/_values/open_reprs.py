"""The containers whose repr is under way in this thread."""

from __future__ import annotations

from _thread import _local  # threading.local

from .._forks import importing

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

_here = _local()


def open_reprs() -> list[Any]:
    """Return the containers whose repr is under way in this thread, by the interpreter or by us.

    It is the interpreter's own list. So a `__repr__` that leads back to a container of ours, or that is
    itself being traced while its object's container is shown, meets the "[...]" it would have met. Without
    ctypes the list is our own, and there the container is shown once more.
    """
    try:
        return _here.containers  # type: ignore[no-any-return]
    except AttributeError:
        _here.containers = containers = _interpreters_list()
        return containers


def _interpreters_list() -> list[Any]:
    try:
        with importing:
            import ctypes

        get_dict = ctypes.pythonapi["PyThreadState_GetDict"]
        get_dict.restype = ctypes.c_void_p  # not py_object: the reference is borrowed
        repr([None])  # makes the list, if it is the first one in this thread
        containers = ctypes.cast(get_dict(), ctypes.py_object).value["Py_Repr"]
    except Exception:
        return []
    return containers if type(containers) is list else []
