"""What may be wrong of a target where the interpreter does not say in which columns its code stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .positions import rows_without_columns
from .source import first_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType

    from .lines import Body, Source


def doubts(codes: Iterable[CodeType], source: Source) -> list[str]:
    """What to warn of: statements that cannot be told apart, since they share a physical line."""
    codes = list(codes)
    lacking = {row for code in codes for row in rows_without_columns(code)}
    if not lacking:
        return []
    offset = source.shown[0].start[0] - source.lines[0].start[0] if source.lines else 0
    rows = sorted({row + offset for body in source.body.all() for row in _shared_rows(body) if row in lacking})
    if not rows:
        return []
    target = codes[0]
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return [
        f"{target.co_qualname!r} ({target.co_filename}:{source.first}) was compiled without columns: what shares "
        f"line {shown} cannot be told apart, so that hits and values there may be wrong"
    ]


def _shared_rows(body: Body) -> Iterator[int]:
    """The physical lines on which there is more than one thing that only columns tell apart."""
    headers = [(min(r.start[0], r.line.start[0]), r.line.end[0]) for r in body.root.below() if r.line is not None]
    yield from _repeated(headers)
    kinds = {type(line.node) for line in body.comprehensions}
    for kind in kinds:
        lines = {line.index: line for line in body.comprehensions if type(line.node) is kind}.values()
        yield from _repeated([(line.start[0], line.end[0]) for line in lines])
    for name in {type(inner.node) for inner in body.nested if not hasattr(inner.node, "name")}:
        rows = [first_row(inner.node) for inner in body.nested if type(inner.node) is name]
        if name not in kinds:  # these are inlined in the code around them
            yield from _repeated([(row, row) for row in rows])


def _repeated(spans: list[tuple[int, int]]) -> Iterator[int]:
    seen: set[int] = set()
    for first, last in spans:
        for row in range(first, last + 1):
            if row in seen:
                yield row
            seen.add(row)
