"""A trace as text: as a string, printed to a terminal, and as Markdown."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ..._collector import Paused
from ..cells import escaped
from ..omissions import omissions, page_option
from ..selection import elided, file_of, folded, stack_above
from .call_tree import elides_yielded, heading, notes, rule, tree
from .compact import compact as compact_text
from .listing import listing
from .rows import ELIDED, plain, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from ...results import Call, TraceResults
    from .rows import Row

__all__ = ["markdown", "show", "text"]

_NARROWEST = 40
_WIDTH = 100  # where there is no terminal to ask
_MOST_NUMBERS = 8


def text(results: TraceResults, *, compact: bool = False, width: int | None = None, builtins: bool = False) -> str:
    """Return a trace as text, in rows of at most `width` columns (None: those of the terminal).

    First come the calls as a tree, with their arguments, what they returned or raised, and their threads and tasks
    where there are several. Then comes the source of each call, with the hits of each line (`-`: never executed) and
    the values of its names: `n 3` held that value all the time, `total 0 -> 1 ×2 -> 3` changed. Where there are too
    many values, those in the middle are left out; where not all hits have a sample, the row says how many have one.
    Identical calls are shown once.

    Names that held nothing but modules, classes, functions or methods (the names of their types say so: `type`,
    `module`, `function`, `builtin_function_or_method`, ...) are left out unless `builtins` is true. Parameters are
    always shown.

    With `compact`, the text is for language models: few tokens, whatever the `width`. For each function come its calls,
    as `number<number of the call it ran in`, identical calls in one row, and below each the lines that were hit, as
    `number xhits source | name=value,value*times`. What is known already is left out: hits of one, source that an
    earlier call has shown, and values that are those last shown above in the same call. The length is at most 1000
    characters for the whole and for each call, 150 for each line that was hit in a call, and 450 for each name of such
    a line, argument, yielded value and warning.
    """
    if compact:
        return compact_text(results, builtins)
    with Paused():
        return plain(_rows(results, _columns(width), builtins))


def show(results: TraceResults, *, builtins: bool = False, file: TextIO | None = None) -> None:
    """Print the text to `file`, by default the standard output.

    On a terminal, and if `rich` is installed, the hits are coloured by their number relative to the hottest line's,
    unless the environment variable `NO_COLOR` is set and not empty. Characters that `file` cannot encode are replaced.
    """
    file = file or sys.stdout
    if file is None:  # a program that has no console
        return
    rows = list(_rows(results, _columns(None), builtins))
    shown = plain(rows)
    encoding = getattr(file, "encoding", None) or "utf-8"
    fitting = _encodable(shown, encoding)
    if fitting == shown and not os.environ.get("NO_COLOR"):
        from .colours import print_in_colours

        if print_in_colours(rows, file):
            return
    file.write(fitting + "\n")


def markdown(results: TraceResults) -> str:
    """Return the text in a block of code, for notebooks and issue trackers."""
    shown = text(results, width=_WIDTH)
    fence = "```"
    while fence in shown:
        fence += "`"
    return f"{fence}text\n{shown}\n{fence}\n"


def _columns(width: int | None) -> int:
    return max(_NARROWEST, get_terminal_size((_WIDTH, 24)).columns if width is None else width)


def _rows(results: TraceResults, width: int, builtins: bool) -> Iterator[Row]:
    is_elided = any(map(elides_yielded, results))
    are_there = False
    for row in _rows_of_calls(results, width, builtins):
        is_elided = is_elided or any(style == ELIDED for _, style in row)
        are_there = True
        yield row
    left_out = omissions(results, builtins)
    if is_elided:  # the trace has what the text leaves out
        left_out.append(f"… stands for what does not fit: {page_option(results)} shows all.")
    below = notes(results, width, left_out)
    if are_there and below:
        yield []
    yield from below


def _rows_of_calls(results: TraceResults, width: int, builtins: bool) -> Iterator[Row]:
    are_many = len(results) > 1
    if are_many:
        yield from tree(results, width)
    for group, numbers in enumerate(folded(results)):
        if are_many or group:
            yield []
        call = results[numbers[0]]
        yield from _head(call, numbers if are_many else [], width)
        yield from listing(call, width, builtins)


def _head(call: Call, numbers: list[int], width: int) -> list[Row]:
    first, last = elided([str(i + 1) for i in numbers], _MOST_NUMBERS)
    title = ", ".join([*first, *(["…"] if last else []), *last]) or escaped(call.function)
    rows = [rule(title, file_of(call), width), *heading(call, width, 1)]
    if frames := stack_above(call):
        rows.append(trimmed([(f" called by {', '.join(frames)}", "rule")], width))
    return rows


_ASCII = str.maketrans({"─": "-", "│": "|", "├": "|", "└": "`", "…": "~", "×": "x"})


def _encodable(shown: str, encoding: str) -> str:
    """Return the text as it can be encoded: with ASCII rules where needed, and other characters escaped."""
    try:
        shown.encode(encoding)
    except UnicodeEncodeError:
        return shown.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return shown
