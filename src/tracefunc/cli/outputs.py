"""What the command line shows and writes of a trace: text, pages, JSON, and a summary on stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .._values.plain_text import escaped
from .errors import OutputError, UsageError
from .inputs import check_no_input, is_same
from .streams import complain, put, reason, writing

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from typing import TextIO

    from ..results import Difference, TraceResults

_FLAGS = {"output": "-o", "html": "--html", "json": "--json"}


def check_outputs(options: Namespace, *inputs: str) -> None:
    """Raise UsageError now for what could not be written at the end, when the trace of a long run would be lost.

    `inputs`: the files that the command reads; none of them, and no source of Python, may be overwritten. Makes the
    paths absolute: the program may change the working directory.
    """
    given = vars(options)
    known: dict[str, str] = {}
    for name, flag in _FLAGS.items():
        path = given.get(name)
        if path == "-":
            if sys.stdout is None:
                raise OutputError("cannot write to stdout: it is closed")
            continue
        if path is None:
            continue
        _check_writable(path)
        check_no_input(path, inputs)
        for other, other_flag in known.items():
            if is_same(path, other):
                raise UsageError(f"{other_flag} and {flag} are the same file: {path!r}")
        known[path] = flag
        given[name] = os.path.abspath(path)
    if given.get("html") or given.get("open"):
        from ..render import html

        try:
            html.environment()  # whether what it needs is installed
        except ImportError as error:
            raise UsageError(error) from error


def _check_writable(path: str) -> None:
    if not path:
        raise UsageError("cannot write '': the name of the file is empty")
    if os.path.isdir(path):
        raise UsageError(f"cannot write {path!r}: it is a directory")
    if os.path.exists(path):
        if not os.access(path, os.W_OK):
            raise UsageError(f"cannot write {path!r}: it is not writable")
    elif not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK):
        raise UsageError(f"cannot write {path!r}: its directory does not exist or is not writable")


def show_run(results: TraceResults, options: Namespace, stderr: TextIO | None) -> bool:
    """Write the trace of a program where the options ask for it; the text, or a summary, goes to stderr.

    Returns whether all could be written; says on stderr what could not.
    """
    pages: list[str | None] = []
    written = [
        _tried(lambda: write(options.json, results.to_json() + "\n"), stderr) if options.json else True,
        _tried(lambda: pages.append(write_page(results, options)), stderr),
        _tried(lambda: write(options.output, text_of(results, options)), stderr) if options.output else True,
    ]
    if not all(written):
        return False
    if options.quiet or stderr is None:  # None where there is no console
        return True
    elsewhere = ["stdout" if path == "-" else path for path in (options.output, *pages, options.json) if path]
    return _tried(lambda: _tell(results, options, stderr, elsewhere), stderr)


def _tell(results: TraceResults, options: Namespace, stderr: TextIO, elsewhere: list[str]) -> None:
    """Show the trace on stderr; if it is elsewhere, only how many calls it has."""
    if results and not elsewhere:
        if options.compact:
            put(text_of(results, options) + "\n", stderr, "stderr")
        else:
            from ..render import text

            with writing(stderr, "stderr"):
                text.show(results, builtins=options.builtins, file=stderr)
        return
    from ..render.omissions import count_of_calls, omissions

    lines = [*results.warnings, count_of_calls(results) + (f", written to {', '.join(elsewhere)}" if elsewhere else "")]
    lines += omissions(results)
    put("".join(f"tracefunc: {escaped(line)}\n" for line in lines), stderr, "stderr")


def _tried(act: Callable[[], object], stderr: TextIO | None) -> bool:
    """Write something; return whether that could be done, or nobody reads it any more, which is no failure."""
    try:
        act()
    except BrokenPipeError:
        pass
    except (UsageError, OSError, ImportError, ValueError) as error:
        complain(f"error: {reason(error)}", stderr)
        return False
    return True


def show(results: TraceResults, options: Namespace) -> None:
    """Write a stored trace where the options ask for it; the text goes to stdout unless there is another output."""
    page = write_page(results, options)
    if options.output:
        write(options.output, text_of(results, options))
    elif options.compact:
        write("-", text_of(results, options))
    elif page is None:
        with writing(sys.stdout):
            results.show(builtins=options.builtins)


def text_of(results: TraceResults, options: Namespace) -> str:
    return results.text(compact=options.compact, builtins=options.builtins)


def write_page(results: TraceResults, options: Namespace) -> str | None:
    """Write the page, if the options ask for one, and open it if they ask for that; returns its path."""
    path: str | None = options.html
    if path is None and options.open:
        from tempfile import mkstemp

        try:
            handle, path = mkstemp(".html", "tracefunc-")
        except OSError as error:
            raise OutputError(f"cannot write a page: {reason(error)}") from error
        os.close(handle)
    if path is None:
        return None
    write_html(results, path)
    if options.open:
        import webbrowser

        try:
            webbrowser.open(f"file://{os.path.abspath(path)}")
        except (OSError, webbrowser.Error) as error:
            raise OutputError(f"cannot open {path!r} in a browser: {reason(error)}") from error
    return path


def write_html(shown: TraceResults | Difference, path: str) -> None:
    """Write a page; raises OutputError where that fails."""
    check_no_input(path)
    try:
        shown.to_html(path)
    except OSError as error:
        raise OutputError(f"cannot write {path!r}: {reason(error)}") from error


def write(path: str, text: str) -> None:
    """Write a text, with a newline at its end, to a file or (-) to stdout; raises OutputError where that fails."""
    text = text if text.endswith("\n") else text + "\n"
    if path == "-":
        put(text, sys.stdout)
        return
    check_no_input(path)
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(f"cannot write {path!r}: {reason(error)}") from error


def load(path: str) -> TraceResults:
    """Return the trace in a JSON file, or (-) in stdin; raises UsageError when there is none."""
    from ..results import TraceResults

    try:
        if path == "-":
            if sys.stdin is None:
                raise UsageError("cannot read stdin: it is closed")
            return TraceResults.from_json(sys.stdin.buffer.read())
        with open(path, "rb") as file:
            return TraceResults.from_json(file.read())
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {reason(error)}") from error
    except ValueError as error:
        raise UsageError(f"{path!r} does not hold a trace: {error}") from error
