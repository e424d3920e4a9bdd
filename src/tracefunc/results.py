"""What a trace answers: a list of plain `(stack, trace)` pairs, one per recorded call."""

from __future__ import annotations

from ._records import Sample

Trace = dict[str, tuple[int, dict[str, list[Sample]]]]


class TraceResults(list[tuple[str, Trace]]):
    """The recorded calls in the order in which they started, and the exception that ended the run, if one did.

    Each entry is a pair of the call stack's text and a dictionary that maps the text of each line to its hits and to
    the samples of its names, `(type name, text)` each.
    """

    exc: Exception | None = None
    engine: str = ""
    """The engine that recorded them, "fast" or "pure", and why it was chosen, in brackets."""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (list(self),), {"exc": self.exc, "engine": self.engine}
