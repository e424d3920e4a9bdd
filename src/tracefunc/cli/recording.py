"""The run of a program under a trace, and what happens when the program has ended."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .errors import UsageError
from .outputs import show_run
from .streams import complain, fail_at_exit

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import TextIO

    from ..core import Tracer
    from .program import Program
    from .progress import Progress


class Recording:
    """A program's run under a trace, and what happens when it has ended."""

    def __init__(self, program: Program, tracer: Tracer, options: Namespace) -> None:
        self.program = program
        self.options = options
        self.stderr = sys.stderr  # the program may replace it
        self.process = os.getpid()
        self.interrupted = False
        self.status: object = 0  # with which the program ends
        self.progress: Progress | None = None
        try:
            self.session, self.results = tracer._new_recording(program.code)
        except ValueError as error:
            raise UsageError(error) from error
        self.results.door = "command line"

    def run(self) -> None:
        """Run the program; raises what it raises."""
        import atexit

        try:
            self.session.start()
        except (RuntimeError, ValueError) as error:
            self.session.stop()
            raise UsageError(error) from error
        # Runs last at exit: after the program's threads have ended and its own exit functions have been called.
        atexit.register(self.end)
        if not self.options.quiet and self.stderr is not None and self.stderr.isatty():
            from .progress import Progress

            self.progress = Progress(self.session.calls, self.stderr)
        try:
            self.program.run()
        except BaseException as error:
            if isinstance(error, Exception):
                self.results.exc = error
            self.interrupted = type(error) is KeyboardInterrupt
            self.status = error.code or 0 if isinstance(error, SystemExit) else 1
            self._stop_progress()
            from .program import hide_our_frames

            hide_our_frames()
            raise

    def end(self) -> None:
        """Show what was recorded; raises nothing, since nothing comes after it."""
        if os.getpid() != self.process:
            return  # a fork of the program
        self._stop_progress()
        self.session.stop()
        self.session.collect(self.results)
        _flush(sys.stdout)  # the program's own output comes first
        is_written = False
        try:
            is_written = show_run(self.results, self.options, self.stderr)
        except KeyboardInterrupt:
            complain("interrupted while the trace was shown", self.stderr)
        if not is_written and self.status == 0:
            fail_at_exit()
        if self.interrupted:
            _remember_the_interrupt()

    def _stop_progress(self) -> None:
        if self.progress is not None:
            self.progress.stop()


def _remember_the_interrupt() -> None:
    """Let the interpreter end by SIGINT, as it does after an uncaught KeyboardInterrupt.

    The interpreter remembers an uncaught KeyboardInterrupt until it executes source text, as `namedtuple` does, and
    remembers it again when executed text raises one.
    """
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        pass


def _flush(stream: TextIO | None) -> None:
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        pass  # the interpreter flushes it again, and reports what is wrong
