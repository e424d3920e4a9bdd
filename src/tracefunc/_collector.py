"""Makes many objects that live on without the garbage collector, which would look at all of them again and again."""

from __future__ import annotations

import gc


class Paused:
    """Pauses the garbage collector, unless it is off already, as long as a `with` block runs."""

    __slots__ = ("_was_on",)

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        if self._was_on:
            gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            gc.enable()
