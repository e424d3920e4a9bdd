"""From what was recorded of calls to the entries of the results."""

from __future__ import annotations

from .._plan.markers import NOTHING
from .._values.sample import NOT_READ
from ..results import Call

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .._plan.target_plan import Plan
    from .._record.call_info import CallInfo
    from .._record.raw_call import RawCall
    from .._values.sample import Sample
    from ..results import Trace


class Entries:
    """Makes the entry of each call that was recorded in a trace."""

    def __init__(self, kept: Sequence[tuple[CallInfo, RawCall]], moments: int, incl_unhit: bool) -> None:
        """`kept`: all calls that are shown; `moments`: how many there were, of samples and calls that are not, too.

        `incl_unhit`: whether the trace of a call has the lines without hits.
        """
        self._indices = {info.number: i for i, (info, _) in enumerate(kept)}
        self._numbers = _numbers(kept, moments)
        self._incl_unhit = incl_unhit

    def entry(self, info: CallInfo, raw: RawCall, plan: Plan, hits: list[int]) -> Call:
        """Return the entry of a call whose lines were hit so often."""
        trace: Trace = {}
        moments: dict[str, list[int]] = {}
        raises: dict[str, dict[int, Sample]] = {}
        attributes: dict[str, dict[str, list[Sample]]] = {}
        for text, names, chains, count, rows in zip(
            plan.lines, plan.names, plan.chains, hits, raw.samples, strict=True
        ):
            if not (count or self._incl_unhit):
                continue
            values = [row[1] for row in rows]
            trace[text] = count, {name: [each[index] for each in values] for index, name in enumerate(names)}
            if rows:
                moments[text] = [row[0] for row in rows]
                if errors := {k: row[2] for k, row in enumerate(rows) if row[2] is not None}:
                    raises[text] = errors
                if chains and (read := _read_chains(values, chains, len(names))):
                    attributes[text] = read
        _prefer_sampled_texts(info, plan, trace)
        known = _attributes(info, plan, self._indices.get(info.parent))
        known["moments"], known["raises"], known["attributes"] = moments, raises, attributes
        known["began"], known["ended"] = info.began, None if info.ended < 0 else info.ended
        if self._numbers is not None:
            _renumber(known, self._numbers)
        return Call((info.stack, trace), known)


def _read_chains(values: list[tuple[Sample, ...]], chains: Iterable[str], first: int) -> dict[str, list[Sample]]:
    """Return the samples of chains of attributes, which begin at an index; those left out that were never read."""
    columns = ((chain, [each[index] for each in values]) for index, chain in enumerate(chains, first))
    return {chain: column for chain, column in columns if any(one != NOT_READ for one in column)}


def _numbers(kept: Sequence[tuple[CallInfo, RawCall]], moments: int) -> dict[int, int] | None:
    """Number the moments that are shown without gaps: 0, 1, 2, ...; None if they are so already."""
    shown = sum([(info.began >= 0) + (info.ended >= 0) + sum(map(len, raw.samples)) for info, raw in kept])
    if shown == moments:
        return None
    found = [moment for info, _ in kept for moment in (info.began, info.ended) if moment >= 0]
    found += [row[0] for _, raw in kept for rows in raw.samples for row in rows]
    return {moment: i for i, moment in enumerate(sorted(found))}


def _renumber(known: dict[str, Any], numbers: dict[int, int]) -> None:
    """Number the moments of a call as `numbers` says."""
    known["began"] = numbers[known["began"]]
    known["ended"] = numbers.get(known["ended"])
    known["moments"] = {text: [numbers[moment] for moment in found] for text, found in known["moments"].items()}


def _prefer_sampled_texts(info: CallInfo, plan: Plan, trace: Trace) -> None:
    """Show arguments and the returned value by their own reprs, where a line was sampled that shows them so."""
    for name, shown in info.arguments.items():
        if name not in plan.rebound and shown[1].startswith(f"<{shown[0]} at 0x"):
            rows = (names[name] for _, names in trace.values() if names.get(name))
            info.arguments[name] = next((row[0] for row in rows if row[0][0] == shown[0]), shown)
    if info.returned is not None and info.where in plan.returned:
        hits, names = trace.get(plan.lines[info.where], (0, {}))
        found = names.get(plan.returned[info.where], [])
        if hits == len(found) > 0 and found[-1][0] == info.returned[0] and not _says_nothing(found[-1][1]):
            info.returned = found[-1]


def _says_nothing(text: str) -> bool:
    """Whether a text may be the repr that every object has: type and address, whose end may be cut away."""
    return text.startswith("<") and (" at 0x" in text or text.endswith("..."))


def _raising_line(plan: Plan, offset: int) -> int | None:
    """Return the line that an exception has ended which was raised at an offset of the target."""
    line = plan.codes[0].raising_lines.get(offset, NOTHING)
    return None if line == NOTHING else line


def _attributes(info: CallInfo, plan: Plan, parent: int | None) -> dict[str, object]:
    """Return the attributes of a call in the results. `parent`: the index of the call that it ran in."""
    code = plan.codes[0].code
    return {
        "function": code.co_qualname,
        "file": code.co_filename,
        "lineno": plan.first,
        "arguments": info.arguments,
        "returned": info.returned,
        "raised": info.raised,
        "yielded": info.yielded,
        "more_yielded": info.more_yielded,
        "thread": info.thread,
        "task": info.task,
        "seconds": info.seconds,
        "parent": parent,
        "parent_line": None if parent is None else info.parent_line,
        "ended_at": None if info.raised is None else _raising_line(plan, info.where),
        "source": plan.text,
        "places": plan.places,
    }
