"""What all texts say alike: the course of a name's values, the names worth showing, calls that are the same."""

from __future__ import annotations

import os
import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from .._values.describe import describer
from .._values.sample import REDACTED_SAMPLE
from .cells import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .._values.sample import Sample
    from ..results import Call, Line, TraceResults

__all__ = [
    "Run",
    "elided",
    "error_text",
    "file_of",
    "folded",
    "is_redacted",
    "is_silent",
    "labels",
    "parents",
    "runs",
    "shown_names",
    "stack_above",
]

# The types of what a program is made of, rather than of what it works on.
_PROGRAM = {
    "ABCMeta",
    "EnumType",
    "_lru_cache_wrapper",
    "builtin_function_or_method",
    "classmethod_descriptor",
    "function",
    "method",
    "method-wrapper",
    "method_descriptor",
    "module",
    "type",
    "wrapper_descriptor",
}

# Statements that make no hits where the compiler emits nothing for them.
_SILENT = re.compile(
    r"""
    (?: pass | break | continue | \.\.\.
    | (?:global|nonlocal)\s.*
    | [rubRUB]{0,2}["'].*  # a docstring
    | [^\W\d]\w*\s*:[^=]*  # a bare annotation
    )\s*$
    """,
    re.S | re.X,
)


class Run(NamedTuple):
    """A value that a name kept for some hits."""

    text: str
    times: int


def runs(samples: Iterable[Sample]) -> list[Run]:
    """Return the values in their order, equal ones in a row as one, escaped."""
    return [Run(escaped(text), len(list(same))) for (_, text), same in groupby(samples)]


def elided[T](items: Sequence[T], most: int) -> tuple[Sequence[T], Sequence[T]]:
    """Return the first and the last of some items, `most` together; all of them as the first if there are not more."""
    if len(items) <= most:
        return items, ()
    last = most // 3 or 1
    return items[: most - last], items[-last:]


def shown_names(line: Line, call: Call, builtins: bool) -> list[tuple[str, list[Sample]]]:
    """Return the names of a line that are worth showing, with their samples.

    Not worth it, unless `builtins` is true, are names that held nothing there but modules, classes, functions and
    methods, which the names of the types tell, or for a class of any metaclass the text. A parameter is shown whatever
    it holds: a function that was handed over is data.
    """
    return [
        (name, samples)
        for name, samples in line.vars.items()
        if samples and (builtins or name in call.arguments or not all(map(_is_program, samples)))
    ]


def _is_program(sample: Sample) -> bool:
    kind, text = sample
    return kind in _PROGRAM or text.startswith("<class '")


def is_silent(line: Line) -> bool:
    """Whether a line without hits may have been executed nevertheless: `pass`, a docstring, a bare annotation, ..."""
    return not line.hits and (line.kind == "try" or (line.kind == "statement" and bool(_SILENT.match(line.text))))


def parents(results: TraceResults) -> list[int | None]:
    """Return for each call the index of the one that it ran in, if that is an earlier one."""
    return [call.parent if call.parent is not None and 0 <= call.parent < i else None for i, call in enumerate(results)]


def labels(results: TraceResults) -> list[str]:
    """Return for each call its thread and task, as far as there are several: "Thread-1", "Task-2"; or ""."""
    threads = len({call.thread for call in results}) > 1
    tasks = len({call.task for call in results}) > 1
    return [
        escaped(", ".join(filter(None, [call.thread if threads else "", call.task if tasks else ""])))
        for call in results
    ]


def folded(results: TraceResults) -> list[list[int]]:
    """Return the indices of the calls, identical ones together, in the order in which their first ones started.

    Identical are calls of the same target with equal arguments, traces and ends, in threads and tasks that are labelled
    alike. Those that ran in no other call must have the same stack too.
    """
    groups: dict[str, list[int]] = {}
    for i, (call, parent, label) in enumerate(zip(results, parents(results), labels(results), strict=True)):
        target = call.function, call.file, call.lineno, call.source
        ends = call.returned, call.raised, call.yielded, call.ended_at
        key = target, ends, call.arguments, call.trace, label, call.stack if parent is None else None
        groups.setdefault(repr(key), []).append(i)
    return list(groups.values())


def file_of(call: Call) -> str:
    """Return the file and first line of the target, escaped; relative to the current folder where the file is in it."""
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:  # the folder is gone
        here = ""
    return escaped(f"{call.file.removeprefix(here)}:{call.lineno}")


def stack_above(call: Call) -> list[str]:
    """Return the frames above the target's, the nearest one first, escaped."""
    return [escaped(frame) for frame in reversed(call.stack.splitlines()[:-1])]


def is_redacted(results: TraceResults) -> bool:
    """Whether the trace was told not to look at what a call gave: then nor may be shown what came out of the run."""
    return any(REDACTED_SAMPLE in (call.returned, call.raised, *call.yielded) for call in results)


def error_text(results: TraceResults, room: int = 200) -> str:
    """Return the exception that ended the run in `room` characters, escaped; or ""."""
    if results.exc is None:
        return ""
    return escaped(REDACTED_SAMPLE[1] if is_redacted(results) else describer(room)(results.exc)[1])
