"""The progress of a trace, in one line of a terminal that is rewritten once a second."""

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
    """Shows the progress of `calls` on a terminal until it is stopped; programs that end soon never show it."""

    def __init__(self, calls: Calls, terminal: TextIO) -> None:
        self._calls = calls
        self._terminal = terminal
        self._began = monotonic()
        self._shown = False
        self._running = allocate_lock()  # held until the end: waiting for it, with a timeout, is a sleep
        self._writing = allocate_lock()
        self._running.acquire()
        # Not by `threading`, whose threads the program would count, name and wait for.
        start_new_thread(self._write_lines, ())

    def stop(self) -> None:
        """Erase the line; harmless when that has already happened."""
        with self._writing:
            if self._running.locked():
                self._running.release()
            if self._shown:
                self._write(_ERASE)
                self._shown = False

    def line(self) -> str:
        """Return the line, at most as wide as the terminal."""
        recorded, seen = self._calls.log.recorded, self._calls.seen
        least = "" if self._calls.watched_to_the_end else "at least "
        text = f"tracefunc: {recorded:,} of {least}{seen:,} calls recorded, {monotonic() - self._began:.0f} s"
        return text[: self._width() - 1]

    def _write_lines(self) -> None:
        pause = _FIRST
        while not self._running.acquire(timeout=pause):
            with self._writing:
                if not self._running.locked() or not self._write(_ERASE + self.line()):
                    return
                self._shown = True
            pause = _NEXT

    def _write(self, text: str) -> bool:
        """Write `text`; returns False when the program has closed the terminal, or the terminal is gone."""
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
