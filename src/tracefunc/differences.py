"""The records of a comparison: what differs between two traces, as plain tuples."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._values.sample import Sample

__all__ = ["CallDifference", "LineDifference", "NotComparable", "Point", "SourceDifference"]


class Point(NamedTuple):
    """The point where two traces diverge. Pairs are of the first and of the second trace."""

    function: str
    """The qualified name of the target."""
    calls: tuple[int | None, int | None]
    """The indices of the call; None where a trace does not have it."""
    what: str
    """What differs: "argument", "value", "hits", "yielded" or "end"; "call" or "line" where only one trace has it."""
    lines: tuple[str | None, str | None]
    """The texts of the line; None where a version does not have it, or where the point is on no line."""
    linenos: tuple[int | None, int | None]
    """The physical lines that the line begins on."""
    hit: int | None
    """The number of the hit, or of the yielded value, from 1. Where samples were dropped, only the others count."""
    name: str | None
    """The name whose values differ, or None."""
    values: tuple[str | None, str | None]
    """The texts of the two values, numbers of hits, or ends."""


class CallDifference(NamedTuple):
    """A call that only one trace has, or whose arguments, yielded values or end differ."""

    function: str
    """The qualified name of the target."""
    calls: tuple[int | None, int | None]
    """The indices of the call; None where a trace does not have it."""
    arguments: dict[str, tuple[str | None, str | None]]
    """The texts of the arguments that differ."""
    yielded: tuple[list[str], list[str]] | None
    """The texts of all yielded values, if they differ."""
    ends: tuple[str, str] | None
    """What the call returned or raised, if that differs: "returned 1", "raised E()", "not ended"."""


class LineDifference(NamedTuple):
    """A line of a call whose hits or values differ."""

    function: str
    """The qualified name of the target."""
    calls: tuple[int, int]
    """The indices of the call."""
    lines: tuple[str | None, str | None]
    """The texts of the line; None where a version does not have it."""
    linenos: tuple[int | None, int | None]
    """The physical lines that the line begins on."""
    hits: tuple[int, int]
    """How often the line was hit; 0 where a version does not have it."""
    names: dict[str, tuple[list[Sample], list[Sample]]]
    """The samples of the names that differ."""


class NotComparable(NamedTuple):
    """Values of two calls of which only addresses were seen, so that nobody knows whether they are the same."""

    function: str
    """The qualified name of the target."""
    calls: tuple[int, int]
    """The indices of the call."""
    what: str
    """What holds them: "argument", "yielded", "returned", "raised", or "value" for a name of a line."""
    lines: tuple[str | None, str | None]
    """The texts of the line; None where it is no line that holds them."""
    linenos: tuple[int | None, int | None]
    """The physical lines that the line begins on."""
    name: str | None
    """The name, or None."""
    values: tuple[str, str]
    """The texts of the first such values."""


class SourceDifference(NamedTuple):
    """A line of a target that changed from one version to the other, or that only one version has."""

    function: str
    """The qualified name of the target."""
    lines: tuple[str | None, str | None]
    """The texts of the line; None where a version does not have it."""
    linenos: tuple[int | None, int | None]
    """The physical lines that the line begins on."""
