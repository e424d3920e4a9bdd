"""Whether the `repr` of a value lets another greenlet go on, whose events the interpreter does not report meanwhile."""

from __future__ import annotations

import sys

from .._values.static_types import real_module

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_C_FUNCTION = type(sys.intern)


class SwitchError(Exception):
    """A greenlet has gone on where no event is reported."""


def watched(note_switch: Callable[[], None], take: Callable[..., Any], *args: Any) -> Any:
    """Return what `take` returns, which may run code of the program; raise SwitchError if another greenlet went on.

    `note_switch` is called when that happens: this greenlet may never go on again.
    """
    greenlet: Any = real_module("greenlet")
    get_trace, set_trace = greenlet.get("gettrace"), greenlet.get("settrace")
    if {type(get_trace), type(set_trace)} != {_C_FUNCTION}:  # half imported, or not that module
        return take(*args)
    switched = []
    before = get_trace()

    def note(event: str, greenlets: object) -> None:
        switched.append(event)
        note_switch()
        if before is not None:
            before(event, greenlets)

    set_trace(note)
    try:
        taken = take(*args)
    finally:
        if get_trace() is note:
            set_trace(before)
    if switched:
        raise SwitchError
    return taken
