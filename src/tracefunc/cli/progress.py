"""How far a trace has come, in one line of a terminal that is written again and again."""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from .._record.calls import Calls

_FIRST = 2.0  # seconds until the line appears
_NEXT = 1.0
_ERASE = "\r\x1b[K"


class Progress:
    """Tells about `calls` on a terminal, once a second, until it is stopped; programs that end soon never show it."""

    def __init__(self, calls: Calls, terminal: TextIO) -> None:
        self._calls = calls
        self._terminal = terminal
        self._began = monotonic()
        self._shown = False
        self._going_on = allocate_lock()  # held until the end, so that waiting for it is a sleep
        self._writing = allocate_lock()
        self._going_on.acquire()
        # No `threading`: its threads would be among those that the program counts, names and waits for.
        start_new_thread(self._tell, ())

    def stop(self) -> None:
        """Take the line away; harmless when that has happened already."""
        with self._writing:
            if self._going_on.locked():
                self._going_on.release()
            if self._shown:
                self._write(_ERASE)
                self._shown = False

    def line(self) -> str:
        """What is told, as wide as the terminal at most."""
        recorded, seen = len(self._calls.kept), self._calls.seen
        text = f"tracefunc: {recorded:,} recorded of {seen:,} calls, {monotonic() - self._began:.0f} s"
        return text[: self._width() - 1]

    def _tell(self) -> None:
        pause = _FIRST
        while not self._going_on.acquire(timeout=pause):
            with self._writing:
                if not self._going_on.locked() or not self._write(_ERASE + self.line()):
                    return
                self._shown = True
            pause = _NEXT

    def _write(self, text: str) -> bool:
        """Write, unless the program has closed the terminal or it is gone."""
        try:
            self._terminal.write(text)
            self._terminal.flush()
        except (OSError, ValueError):
            return False
        return True

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._terminal.fileno()).columns or 80
        except (OSError, ValueError):
            return 80
