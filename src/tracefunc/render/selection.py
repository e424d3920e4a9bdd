"""What all views show of a trace: which names, calls and texts, and what of them stays hidden."""

from __future__ import annotations

import os
import re
from itertools import groupby
from traceback import format_exception
from typing import TYPE_CHECKING, NamedTuple

from .._values.describe import describer
from .._values.plain_text import REDACTED_TEXT
from .._values.redaction import Redaction
from .._values.safe_repr import search
from .._values.sample import REDACTED_SAMPLE
from ..results import RecordedError
from .cells import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._values.sample import Sample
    from ..results import Call, Line, TraceResults

__all__ = [
    "MOST_OF_ERROR",
    "Run",
    "RunError",
    "elided",
    "error_text",
    "file_of",
    "folded",
    "hides_result",
    "is_unhit",
    "labels",
    "masked",
    "may_run_without_hits",
    "parents",
    "redaction_of",
    "result_sample",
    "run_error",
    "runs",
    "shown_names",
    "stack_above",
]


# --- names ---

# The types of code, as opposed to data: what a program is made of rather than what it works on.
_CODE_TYPES = {
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


def shown_names(
    names: Mapping[str, list[Sample]], call: Call, builtins: bool = False
) -> list[tuple[str, list[Sample]]]:
    """Return the names of a line that every view shows, with their samples.

    Left out, unless `builtins` is true, are names that held nothing on that line but modules, classes, functions and
    methods: their types' names say so, or, for a class of any metaclass, the text. A parameter is always shown: a
    function that was passed in is data. A name without samples is never shown.
    """
    return [
        (name, samples)
        for name, samples in names.items()
        if samples and (builtins or name in call.arguments or not all(map(_is_code, samples)))
    ]


def _is_code(sample: Sample) -> bool:
    kind, text = sample
    return kind in _CODE_TYPES or text.startswith("<class '")


# --- lines ---

# Statements for which the compiler may emit no code of their own.
_NO_CODE = re.compile(
    r"""
    (?: pass | break | continue | \.\.\.
    | (?:global|nonlocal)\s.*
    | [rubRUB]{0,2}["'].*  # a docstring
    | [^\W\d]\w*\s*:[^=]*  # a bare annotation
    )\s*$
    """,
    re.S | re.X,
)


def may_run_without_hits(kind: str, text: str) -> bool:
    """Return whether a line without hits may have run all the same: `pass`, a docstring, a bare annotation, ..."""
    return kind == "try" or (kind == "statement" and bool(_NO_CODE.match(text)))


def is_unhit(line: Line) -> bool:
    """Return whether a line certainly did not run: it has no hits, and would have some otherwise."""
    return not line.hits and not may_run_without_hits(line.kind, line.text)


# --- the end of the run, and redaction ---


class RunError:
    """The exception that ended a run, in texts that may be shown; each is made when a view asks for it."""

    def __init__(self, error: Exception, is_redacted: bool, redaction: Redaction | None = None) -> None:
        """`is_redacted`: whether nothing is shown but its type; `redaction`: what is hidden if only some of it is."""
        self._error = error
        self._redaction = redaction
        self.is_redacted = is_redacted

    @property
    def type(self) -> str:
        """The name of the exception's class, with the module unless it is a builtin."""
        if isinstance(self._error, RecordedError):
            return self._error.type
        kind = type(self._error)
        return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"

    @property
    def message(self) -> str:
        """What `str` makes of the exception."""
        if self.is_redacted:
            return REDACTED_TEXT
        try:
            return str(self._error)
        except Exception as other:
            return f"<str-error {type(other).__name__}>"

    def text(self, room: int | None = None) -> str:
        """Return what `repr` makes of the exception, in `room` characters (None: in as many as there are)."""
        return REDACTED_TEXT if self.is_redacted else describer(room, None, self._redaction)(self._error)[1]

    @property
    def traceback(self) -> str:
        """What the interpreter would print of the exception."""
        if self.is_redacted:
            return f"{self.type}: {REDACTED_TEXT}\n"
        if isinstance(self._error, RecordedError):
            return self._error.traceback
        return "".join(format_exception(self._error))


def run_error(results: TraceResults) -> RunError | None:
    """Return the exception that ended the run, None where none did."""
    error, redaction = results.exc, redaction_of(results)
    if error is None:
        return None
    is_redacted = _is_redacted(results)
    if redaction is not None and not isinstance(error, RecordedError):
        is_redacted = is_redacted or redaction.tells(error) or search(error, redaction).found
    return RunError(error, is_redacted, redaction)


def redaction_of(results: TraceResults) -> Redaction | None:
    """Return what the trace was told to hide, None if nothing."""
    return Redaction(results.redact) if results.redact else None


MOST_OF_ERROR = 200
"""The characters of the exception that ended a run, at most, in all views but JSON."""


def error_text(results: TraceResults, room: int = MOST_OF_ERROR) -> str:
    """Return the exception that ended the run in `room` characters, escaped; or ""."""
    error = run_error(results)
    return escaped(error.text(room)) if error else ""


def result_sample(results: TraceResults) -> Sample | None:
    """Return what the run returned, as a sample; None where it raised."""
    if results.exc is not None:
        return None
    if results._hides_result or _is_redacted(results):
        return REDACTED_SAMPLE
    return results.result_sample or describer(_RESULT, None, redaction_of(results))(results.result)


_RESULT = 50  # characters of what the run returned


def hides_result(results: TraceResults) -> bool:
    """Return whether what the run returned holds what is hidden."""
    redaction = redaction_of(results)
    if redaction is None or results.result is None:
        return False
    return results._hides_result or _is_redacted(results) or search(results.result, redaction).found


def _is_redacted(results: TraceResults) -> bool:
    """Return whether what a call gave was redacted: then what the whole run gave must not be shown either."""
    ends = [sample for call in results for sample in (call.returned, call.raised, *call.yielded) if sample]
    return any(sample == REDACTED_SAMPLE or sample[1].endswith(f"({REDACTED_TEXT})") for sample in ends)


# --- values ---

_ADDRESS = re.compile(r"0x(?<= at 0x)[0-9A-Fa-f]+")  # the part that is looked for first is rare


def masked(text: str) -> str:
    """Return a text without the addresses of objects, which differ from run to run."""
    return _ADDRESS.sub("0x", text)


class Run(NamedTuple):
    """A value that a name kept for some hits."""

    text: str
    times: int


def runs(samples: Sequence[Sample]) -> list[Run]:
    """Return the values in their order, escaped, equal ones in a row as one."""
    if len(samples) == 1:
        return [Run(escaped(samples[0][1]), 1)]
    return [Run(escaped(text), len(list(same))) for (_, text), same in groupby(samples)]


def elided[T](items: Sequence[T], most: int) -> tuple[Sequence[T], Sequence[T]]:
    """Return the first and the last of some items, `most` together; all of them as the first if there are not more."""
    if len(items) <= most:
        return items, ()
    last = most // 3 or 1
    return items[: most - last], items[-last:]


# --- calls ---


def parents(results: TraceResults) -> list[int | None]:
    """Return for each call the index of the call that it ran in, if that is an earlier one."""
    return [call.parent if call.parent is not None and 0 <= call.parent < i else None for i, call in enumerate(results)]


def labels(results: TraceResults) -> list[str]:
    """Return for each call its thread and task, where the trace has several: "Thread-1", "Task-2"; or ""."""
    threads = len({call.thread for call in results}) > 1
    tasks = len({call.task for call in results}) > 1
    return [
        escaped(", ".join(filter(None, [call.thread if threads else "", call.task if tasks else ""])))
        for call in results
    ]


def folded(results: TraceResults) -> list[list[int]]:
    """Return the indices of the calls, identical ones together, in the order in which the first of each started.

    Identical calls are of the same target, with equal arguments, traces and ends but for addresses, in threads and
    tasks of the same labels. Those that ran in no other call must have the same stack, too.
    """
    groups: dict[str, list[int]] = {}
    for i, (call, parent, label) in enumerate(zip(results, parents(results), labels(results), strict=True)):
        target = call.function, call.file, call.lineno, call.source
        ends = call.returned, call.raised, call.yielded, call.ended_at
        key = target, ends, call.arguments, call.trace, label, call.stack if parent is None else None
        groups.setdefault(masked(repr(key)), []).append(i)
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
