"""From what was recorded of calls to the entries of the results."""

from __future__ import annotations

import sys

from .._log.records import RecordReader, Shape
from .._log.values import ValueReader
from .._plan.markers import NOTHING
from .._values.sample import NOT_READ
from ..results import Call

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .._log.records import CallRecord
    from .._plan.target_plan import Plan
    from .._record.interfaces import CallLog
    from .._values.sample import Sample
    from ..results import Trace
    from .options import Options


class Entries:
    """Makes the entry of each call that was recorded in a trace."""

    def __init__(self, plans: Sequence[Plan], log: CallLog, options: Options) -> None:
        reader = RecordReader(
            [Shape.of(plan) for plan in plans], ValueReader(log.texts.all, options.max_repr or sys.maxsize)
        )
        self.records = [reader.read(record) for record in log.records()]
        self._texts = log.texts.all
        self._indices = {record.number: i for i, record in enumerate(self.records)}
        self._numbers = _numbers(self.records, log.moment_count())
        self._incl_unhit = options.incl_unhit

    def entry(self, record: CallRecord, plan: Plan) -> Call:
        """Return the entry of a call."""
        trace: Trace = {}
        moments: dict[str, list[int]] = {}
        raises: dict[str, dict[int, Sample]] = {}
        attributes: dict[str, dict[str, list[Sample]]] = {}
        for text, names, chains, count, rows in zip(
            plan.lines, plan.names, plan.chains, record.hits, record.samples, strict=True
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
        arguments = dict(zip([reader.name for reader in plan.parameters], record.arguments, strict=True))
        _prefer_sampled_texts(record, arguments, plan, trace)
        known = _attributes(record, plan, self._texts)
        parent = known["parent"] = self._indices.get(record.parent)
        known["parent_line"] = None if parent is None else record.parent_line
        known["arguments"] = arguments
        known["moments"], known["raises"], known["attributes"] = moments, raises, attributes
        known["began"], known["ended"] = record.began, None if record.ended < 0 else record.ended
        if self._numbers is not None:
            _renumber(known, self._numbers)
        return Call((self._texts[record.stack], trace), known)


def _read_chains(values: list[tuple[Sample, ...]], chains: Iterable[str], first: int) -> dict[str, list[Sample]]:
    """Return the samples of chains of attributes, which begin at an index; those left out that were never read."""
    columns = ((chain, [each[index] for each in values]) for index, chain in enumerate(chains, first))
    return {chain: column for chain, column in columns if any(one != NOT_READ for one in column)}


def _numbers(records: Sequence[CallRecord], moments: int) -> dict[int, int] | None:
    """Number the moments that are shown without gaps: 0, 1, 2, ...; None if they are so already.

    `moments`: how many there were, of calls and samples that are not shown, too.
    """
    shown = sum([1 + (each.ended >= 0) + sum(map(len, each.samples)) for each in records])
    if shown == moments:
        return None
    found = [moment for each in records for moment in (each.began, each.ended) if moment >= 0]
    found += [row[0] for each in records for rows in each.samples for row in rows]
    return {moment: i for i, moment in enumerate(sorted(found))}


def _renumber(known: dict[str, Any], numbers: dict[int, int]) -> None:
    """Number the moments of a call as `numbers` says."""
    known["began"] = numbers[known["began"]]
    known["ended"] = numbers.get(known["ended"])
    known["moments"] = {text: [numbers[moment] for moment in found] for text, found in known["moments"].items()}


def _prefer_sampled_texts(record: CallRecord, arguments: dict[str, Sample], plan: Plan, trace: Trace) -> None:
    """Show arguments and the returned value by their own reprs, where a line was sampled that shows them so."""
    for name, shown in arguments.items():
        if name not in plan.rebound and shown[1].startswith(f"<{shown[0]} at 0x"):
            rows = (names[name] for _, names in trace.values() if names.get(name))
            arguments[name] = next((row[0] for row in rows if row[0][0] == shown[0]), shown)
    if record.returned is not None and record.where in plan.returned:
        hits, names = trace.get(plan.lines[record.where], (0, {}))
        found = names.get(plan.returned[record.where], [])
        if hits == len(found) > 0 and found[-1][0] == record.returned[0] and not _says_nothing(found[-1][1]):
            record.returned = found[-1]


def _says_nothing(text: str) -> bool:
    """Whether a text may be the repr that every object has: type and address, whose end may be cut away."""
    return text.startswith("<") and (" at 0x" in text or text.endswith("..."))


def _raising_line(plan: Plan, offset: int) -> int | None:
    """Return the line that an exception has ended which was raised at an offset of the target."""
    line = plan.codes[0].raising_lines.get(offset, NOTHING)
    return None if line == NOTHING else line


def _attributes(record: CallRecord, plan: Plan, texts: Sequence[str]) -> dict[str, Any]:
    """Return the attributes of a call in the results that concern no other call. `texts`: those of the log."""
    code = plan.codes[0].code
    return {
        "function": code.co_qualname,
        "file": code.co_filename,
        "lineno": plan.first,
        "returned": record.returned,
        "raised": record.raised,
        "yielded": record.yielded,
        "more_yielded": record.more_yielded,
        "thread": texts[record.thread],
        "task": None if record.task is None else texts[record.task],
        "seconds": record.seconds,
        "ended_at": None if record.raised is None else _raising_line(plan, record.where),
        "source": plan.text,
        "places": plan.places,
    }
