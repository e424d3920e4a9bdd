"""Writing to stdout, stderr and files, which may be closed, full or without a reader."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO


def checked(act: Callable[[], int]) -> int:
    """Do what writes to stdout and return its status; raises OutputError where something could not be written."""
    try:
        return act()
    finally:
        flush()


@contextmanager
def writing(stream: TextIO | None, name: str = "stdout") -> Iterator[TextIO]:
    """Write to a stream and flush it. Raises what `flush` raises, and OutputError where the stream is closed."""
    if stream is None:
        raise OutputError(f"cannot write to {name}: it is closed")
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        abandon(stream)
        raise
    except (OSError, ValueError) as error:  # ValueError: it is closed
        abandon(stream)
        raise OutputError(f"cannot write to {name}: {reason(error)}") from error


def flush() -> None:
    """Flush stdout. Raises OutputError where that fails, and BrokenPipeError where nobody reads it any more."""
    if sys.stdout is not None:
        with writing(sys.stdout):
            pass


def put(text: str, stream: TextIO | None = None, name: str = "stdout") -> None:
    """Write a text to a stream, by default stdout, and flush it. Raises what `writing` raises."""
    with writing(sys.stdout if name == "stdout" else stream, name) as open_stream:
        encoding = getattr(open_stream, "encoding", None)
        open_stream.write(text.encode(encoding, "backslashreplace").decode(encoding) if encoding else text)


def complain(text: str, stream: TextIO | None) -> None:
    """Write a line about what is wrong to stderr; there is nobody to tell where that fails."""
    try:
        if stream is not None:
            print(f"tracefunc: {text}", file=stream, flush=True)
    except (OSError, ValueError):
        abandon(stream)


def reason(error: Exception) -> str:
    """Return what is wrong, without the file: "No space left on device"."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def abandon(stream: TextIO | None) -> None:
    """Let what a stream still holds go nowhere: the interpreter would fail to write it again, and complain."""
    try:
        assert stream is not None
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (AssertionError, AttributeError, OSError, ValueError):
        pass


def fail_at_exit() -> None:
    """Let the exit status be 120, with which the interpreter says that something could not be written.

    The status of a program cannot be set once it has ended. The interpreter sets this one if it cannot flush stderr.
    """
    sys.stderr = _Failing(sys.stderr)


class _Failing:
    """A stream that does all that another one does, but cannot be flushed."""

    closed = False

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return len(text) if self._stream is None else self._stream.write(text)

    def flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()
        raise OSError("the trace could not be written")
