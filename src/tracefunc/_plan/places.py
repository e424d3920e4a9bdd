"""Where instructions stand in the source: the regions of lines, and the placement of instructions in them."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from .markers import NOTHING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .positions import Position, Span
    from .source_line import SourceLine

NOWHERE: Span = ((0, 0), (0, 0))  # the span of an instruction that belongs to no place, though the compiler names one


class Region:
    """The region of a statement, handler or case in the file: where its own instructions stand."""

    __slots__ = ("children", "end", "line", "start", "starts")

    def __init__(self, line: SourceLine | None, start: Position, end: Position) -> None:
        self.line = line
        self.start = start
        self.end = end
        self.children: list[Region] = []
        self.starts: list[Position] = []  # of the children, once `finish` has been called

    def finish(self) -> None:
        """Sort the children: no more are added."""
        self.children.sort(key=lambda child: child.start)
        self.starts = [child.start for child in self.children]

    def find(self, start: Position, end: Position) -> Region:
        """The innermost region that holds everything from `start` to `end`."""
        region = self
        while True:
            i = bisect_right(region.starts, start) - 1
            if i < 0 or region.children[i].end < end:
                return region
            region = region.children[i]

    def find_row(self, row: int) -> Region:
        """The innermost region on a physical line, the first where several share it."""
        region = self
        while True:
            for child in region.children:
                if child.start[0] <= row <= child.end[0]:
                    region = child
                    break
            else:
                return region

    def below(self) -> Iterator[Region]:
        """All regions in this one, outer ones first."""
        for child in self.children:
            yield child
            yield from child.below()


def everywhere() -> Region:
    """A region around all others."""
    return Region(None, (0, 0), (1 << 60, 0))


class Placement(NamedTuple):
    """Where the instructions of a code object stand."""

    spans: list[Span | None]  # by instruction: what the compiler says
    regions: list[Region | None]  # by instruction: the innermost region of a line around that
    instructions: dict[Region, list[int]]  # by region: the instructions that stand there and in no inner one

    def at(self, region: Region) -> list[int]:
        """The instructions of a region itself."""
        return self.instructions.get(region, [])

    def lines(self) -> list[int]:
        """By instruction: the line at whose place it stands, that of the one before where it has no place, or NOTHING.

        What the compiler gives no place ends what stands before it: a handler that raises its exception again.
        """
        found: list[int] = []
        for span, region in zip(self.spans, self.regions, strict=True):
            if region is not None and region.line is not None:
                found.append(region.line.index)
            else:
                found.append(found[-1] if span is None and found else NOTHING)
        return found

    def without(self, removed: Collection[int]) -> Placement:
        """The same without the places of some instructions."""
        if not removed:
            return self
        spans, regions, instructions = self.spans.copy(), self.regions.copy(), self.instructions.copy()
        for i in removed:
            region = regions[i]
            spans[i], regions[i] = NOWHERE, None
            if region is not None:
                instructions[region] = [j for j in instructions[region] if j != i]
        return Placement(spans, regions, instructions)


def place(spans: list[Span | None], root: Region, started: int) -> Placement:
    """Find the regions of the instructions from the index `started` on: what stands before belongs to no line."""
    known: dict[Span, Region] = {}
    regions: list[Region | None] = [None] * len(spans)
    instructions: dict[Region, list[int]] = {}
    for i in range(started, len(spans)):
        span = spans[i]
        if span is None:
            continue
        region = known.get(span)
        if region is None:
            row, col = span[0]
            region = known[span] = root.find(*span) if col >= 0 else root.find_row(row)
        if region.line is not None:
            regions[i] = region
            instructions.setdefault(region, []).append(i)
    return Placement(spans, regions, instructions)
