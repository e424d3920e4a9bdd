"""What the command line shows and writes of a trace: text, pages, JSON, and a summary on stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import TextIO

    from ..results import TraceResults


def check_outputs(options: Namespace) -> None:
    """Raise UsageError now for what could not be written at the end, when the trace of a long run would be lost.

    Makes the paths absolute: the program may change the working directory.
    """
    given = vars(options)
    for name in ("output", "html", "json"):
        path = given.get(name)
        if not path or path == "-":
            continue
        given[name] = os.path.abspath(path)
        if os.path.isdir(path):
            raise UsageError(f"cannot write {path!r}: it is a directory")
        if not os.access(os.path.dirname(given[name]), os.W_OK):
            raise UsageError(f"cannot write {path!r}: its directory does not exist or is not writable")
    if given.get("html") or given.get("open"):
        from ..render import html

        try:
            html.environment()  # whether what it needs is installed
        except ImportError as error:
            raise UsageError(error) from error


def show_run(results: TraceResults, options: Namespace, stderr: TextIO | None) -> None:
    """Write the trace of a program where the options ask for it; the text, or a summary, goes to stderr."""
    if options.json:
        write(options.json, results.to_json() + "\n")
    page = write_page(results, options)
    if options.output:
        write(options.output, text_of(results, options))
    if options.quiet or stderr is None:  # None where there is no console
        return
    elsewhere = ["stdout" if path == "-" else path for path in (options.output, page, options.json) if path]
    if results and not elsewhere:
        if options.compact:
            print(text_of(results, options), file=stderr)
        else:
            from ..render import text

            text.show(results, builtins=options.builtins, file=stderr)
        return
    for warning in results.warnings:
        print(f"tracefunc: {warning}", file=stderr)
    number = f"{len(results)} recorded call{'s' if len(results) > 1 else ''}" if results else "no call was recorded"
    print(f"tracefunc: {number}{', written to ' if elsewhere else ''}{', '.join(elsewhere)}", file=stderr)


def show(results: TraceResults, options: Namespace) -> None:
    """Write a stored trace where the options ask for it; the text goes to stdout unless there is another output."""
    page = write_page(results, options)
    if options.output:
        write(options.output, text_of(results, options))
    elif options.compact:
        write("-", text_of(results, options))
    elif page is None:
        results.show(builtins=options.builtins)


def text_of(results: TraceResults, options: Namespace) -> str:
    return results.text(compact=options.compact, builtins=options.builtins)


def write_page(results: TraceResults, options: Namespace) -> str | None:
    """Write the page, if the options ask for one, and open it if they ask for that; returns its path."""
    path: str | None = options.html
    if path is None and options.open:
        from tempfile import mkstemp

        handle, path = mkstemp(".html", "tracefunc-")
        os.close(handle)
    if path is None:
        return None
    results.to_html(path)
    if options.open:
        import webbrowser

        webbrowser.open(f"file://{os.path.abspath(path)}")
    return path


def write(path: str, text: str) -> None:
    """Write a text, with a newline at its end, to a file or (-) to stdout."""
    text = text if text.endswith("\n") else text + "\n"
    if path == "-":
        print(text, end="", flush=True)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def load(path: str) -> TraceResults:
    """Return the trace in a JSON file, or (-) in stdin; raises UsageError when there is none."""
    from ..results import TraceResults

    try:
        if path == "-":
            return TraceResults.from_json(sys.stdin.buffer.read())
        with open(path, "rb") as file:
            return TraceResults.from_json(file.read())
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path!r} does not hold a trace: {error}") from error
