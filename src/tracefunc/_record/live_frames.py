"""All frames of the process that run or wait: those on threads' stacks, and those of greenlets."""

from __future__ import annotations

import sys
from itertools import accumulate, chain, repeat, starmap, takewhile

from .._interpreter import FREE_THREADED
from .._values.static_types import GETSET, class_attribute, real_module

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any


def all_frames() -> list[FrameType]:
    """Return the frames on the stacks of all threads, and those of greenlets that wait.

    The interpreter takes no step between the first stack and the last one. Otherwise another thread could go on
    meanwhile, and suspend the generator on top of its stack, whose frame then has no frame below it. On free-threaded
    builds, where other threads cannot be kept from going on, only the frames of greenlets are returned.
    """
    waiting = waiting_frames()
    # No local variable refers to the stacks: this function's own frame is among them, and would refer to itself.
    return list(stacked_frames()) + waiting


def stacked_frames() -> Iterator[FrameType]:
    """Return the frames on the stacks of all threads, looked up lazily; none on free-threaded builds."""
    return iter(()) if FREE_THREADED else chain.from_iterable(map(takewhile, repeat(bool), _stacks()))


def waiting_frames() -> list[FrameType]:
    """Return the frames of greenlets that wait, which are on no thread's stack."""
    found: list[FrameType] = []
    greenlet: Any = real_module("greenlet").get("greenlet")
    top: Any = class_attribute(greenlet, "gr_frame") if type(greenlet) is type else None
    if type(top) is not GETSET:  # not imported, or another module of that name
        return found
    import gc

    for each in gc.get_objects():
        if issubclass(type(each), greenlet):
            frame = top.__get__(each)
            while frame is not None:
                found.append(frame)
                frame = frame.f_back
    return found


def _stacks() -> Iterator[Iterator[FrameType]]:
    """Return the frames of each thread, the topmost first, and None behind the last one. They are looked up lazily."""
    tops = chain.from_iterable(map(dict.values, starmap(sys._current_frames, [()])))
    return map(accumulate, map(chain, zip(tops), repeat(repeat("f_back"))), repeat(getattr))
