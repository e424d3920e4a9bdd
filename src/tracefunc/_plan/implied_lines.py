"""Implied lines: lines without an instruction of their own that are executed when control comes to some other place."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .markers import NOTHING, UNCHANGED
from .workless import ends_once, never_goes_on

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .control_flow import ControlFlow
    from .labels import WhileTests
    from .places import Placement, Region
    from .source_line import SourceLine

Implied = tuple[int, int]
"""The line that has just ended, or UNCHANGED for any, and the line that was executed without an instruction then."""


def show_returns(
    flow: ControlFlow, placement: Placement, root: Region, labels: Sequence[int]
) -> tuple[list[int], dict[int, list[Implied]]]:
    """Find where a `return` of a constant is executed that shares its physical line.

    Such a `return` is what the statements without work before it go on to. Of all those there may be one instruction,
    at the place of any of them, or none if one that works stands before them: then it is executed when that one ends.
    Returns the labels with those of such returns, and by instruction the lines that it implies.
    """
    returns = _Returns(flow, placement, labels)
    for parent in (root, *root.below()):
        for i, region in enumerate(parent.children):
            if region.line is not None and region.line.kind == "return":
                returns.show(region.line, region, [*parent.children[:i][::-1], parent])
    return returns.labels, returns.implied


class _Returns:
    """Labels, to which those of one `return` after another are added."""

    def __init__(self, flow: ControlFlow, placement: Placement, labels: Sequence[int]) -> None:
        self.flow = flow
        self.placement = placement
        self.with_instructions = set(labels)  # the lines that have some
        self.labels = list(labels)
        self.implied: dict[int, list[Implied]] = {}

    def show(self, line: SourceLine, region: Region, before: list[Region]) -> None:
        """Show one `return`; `before` are what stands before it, the nearest first, and the header of its suite."""
        idle = {region}
        row = region.start[0]
        for other in before:
            if other.line is None or other.line.end[0] != row:
                break
            if never_goes_on(other.line.node):
                return
            if other.line.index in self.with_instructions:
                self._start_at(line, idle)
                if ends_once(other.line.node):
                    self._imply_after(line, other.line, other, {other, None, *idle})
                return
            idle.add(other)
            row = other.line.start[0]
        self._start_at(line, idle)

    def _start_at(self, line: SourceLine, regions: Collection[Region]) -> None:
        """Let `line` begin where control comes to some regions, headers without work among them."""
        found = [
            i
            for region in regions
            for i in self.placement.at(region)
            if region.line is line or not region.children or self.flow.instructions[i].name == "NOP"
        ]
        for _, numbered in groupby(enumerate(sorted(found)), lambda item: item[1] - item[0]):
            run = [i for _, i in numbered]  # one behind the other
            if all(self.labels[i] != line.index for i in run):
                self.labels[run[0]] = line.index

    def _imply_after(
        self, line: SourceLine, before: SourceLine, region: Region, within: Collection[Region | None]
    ) -> None:
        """Imply `line` where the one `before`, of `region`, has come to its end, if `line` does not start there."""
        todo = [i for i in self.placement.at(region) if self.labels[i] == before.index]
        seen = set(todo)
        for i in todo:  # grows
            for j in self.flow.followers[i]:
                if j in seen or self.labels[j] == line.index:
                    continue
                seen.add(j)
                if self.labels[j] == UNCHANGED and self.placement.regions[j] in within:
                    todo.append(j)
                elif not self._has_failed(i, region):
                    self._imply(j, before.index, line)

    def _imply(self, i: int, after: int, line: SourceLine) -> None:
        if self.labels[i] == UNCHANGED:
            self.labels[i] = NOTHING  # whatever was under way has ended
        self.implied.setdefault(i, []).append((after, line.index))

    def _has_failed(self, i: int, region: Region) -> bool:
        """Whether the way out of `region` by the instruction `i` is that of a `case` that does not match."""
        if region.line is None or region.line.kind != "case":
            return False
        leading, followers = self.flow.leading, self.flow.followers
        if len(followers[i]) > 1:
            return True
        while len(leading[i]) == 1 and followers[leading[i][0]] == [i]:
            i = leading[i][0]
        regions = self.placement.regions
        return any(regions[j] is region and len(followers[j]) > 1 and followers[j][0] == i for j in leading[i])


def find_entered_headers(
    flow: ControlFlow, placement: Placement, root: Region, tests: WhileTests, labels: Sequence[int]
) -> dict[int, list[Implied]]:
    """Find where a header without instructions is executed: control comes into its suite, from outside or around.

    An endless loop that begins with another loop is left out, as one cannot tell which of them goes around.
    """
    with_instructions = set(labels)
    found: dict[int, list[Implied]] = {}
    for region in root.below():
        line = region.line
        if line is not None and (region in tests.decided or _is_bare_case(line, with_instructions)):
            entries = _entries(flow, placement, set(region.below()))
            loops = _while_loops(region)
            if not any(placement.regions[i] in loops for i in entries):
                for i in entries:
                    found.setdefault(i, []).append((UNCHANGED, line.index))
    return found


def add_headers(
    headers: dict[int, list[Implied]], labels: Sequence[int], implied: dict[int, list[Implied]]
) -> tuple[list[int], dict[int, list[Implied]]]:
    """The labels and implied lines with those of headers added: where such a line starts, what was under way ends."""
    found = {i: [*implied.get(i, ()), *headers.get(i, ())] for i in (*implied, *headers)}
    return [NOTHING if i in headers and label == UNCHANGED else label for i, label in enumerate(labels)], found


def _is_bare_case(line: SourceLine, with_instructions: Collection[int]) -> bool:
    return line.kind == "case" and line.index not in with_instructions


def _while_loops(region: Region) -> set[Region]:
    """The regions below `region` that are, or are in, a `while` loop."""
    loops = (loop for loop in region.below() if loop.line and loop.line.kind == "while")
    return {at for loop in loops for at in (loop, *loop.below())}


def _entries(flow: ControlFlow, placement: Placement, regions: Collection[Region]) -> list[int]:
    """The instructions in `regions` that control can come to from outside."""

    def outside(i: int) -> bool:
        todo, seen = [i], {i}
        while todo:
            for j in flow.leading[todo.pop()]:
                region = placement.regions[j]
                if j < flow.started or (region is not None and region not in regions):
                    return True
                if region is None and j not in seen:
                    seen.add(j)
                    todo.append(j)
        return False

    return sorted(i for region in regions for i in placement.at(region) if outside(i))
