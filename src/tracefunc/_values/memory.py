"""Read the memory of this process, word by word."""

from __future__ import annotations

from .._forks import importing

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Read = Callable[[int], int]

POINTER = tuple.__itemsize__  # bytes of a word
HEAD: int = object.__basicsize__  # bytes that all objects begin with


def word_reader() -> Read:
    """Return a function that reads the word at an address; raises ImportError without ctypes."""
    with importing:
        import ctypes

    if POINTER != 8:
        return lambda address: ctypes.c_ssize_t.from_address(address).value
    words = (ctypes.c_ssize_t * (1 << 59)).from_address(0)  # all of memory: a third of the time
    return lambda address: words[address >> 3]


def byte_reader() -> Read:
    """Return a function that reads the byte at an address; raises ImportError without ctypes."""
    with importing:
        import ctypes

    if POINTER != 8:
        return lambda address: ctypes.c_ubyte.from_address(address).value
    return (ctypes.c_ubyte * (1 << 62)).from_address(0).__getitem__


def checked(kind: Callable[[], Any], found: list[Any]) -> Any:
    """Return the reader of a kind that is in `found`, made and checked when it is first asked for.

    None where ctypes is missing or memory looks different.
    """
    if not found:
        try:
            reader = kind()
            reader.check()
            found.append(reader)
        except Exception:
            found.append(None)
    return found[0]
