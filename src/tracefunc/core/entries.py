"""From what was recorded of calls to the entries of the results."""

from __future__ import annotations

import sys

from .._collector import Paused
from .._log.records import RecordReader, Shape
from .._log.values import ValueReader
from ..results import Call

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from .._log.records import CallRecord
    from .._plan.target_plan import Plan
    from .._record.interfaces import CallLog
    from .._values.sample import Sample
    from ..results import Trace, TraceResults
    from .options import Options

    class Reader(Protocol):
        """Reads records, compiled or not."""

        def read(self, data: bytes, /) -> CallRecord: ...


def add_entries(results: TraceResults, plans: Sequence[Plan], log: CallLog, options: Options, engine: str) -> None:
    """Append an entry for each call that was recorded in a trace, and what is to be said of these calls."""
    read = record_reader(plans, log, options, engine).read
    indices: dict[int, int] = {}
    called: dict[int, None] = {}
    first = len(results)
    with Paused():
        for data in log.records():
            record = read(data)
            plan = plans[record.target]
            called[record.target] = None
            if record.lost:  # some are derived from others, and these were not all there
                results.warnings.append(f"hits of {plan.codes[0].code.co_qualname} were lost: its counts do not agree")
            indices[record.number] = len(results)
            results.append(_entry(record, plan, indices.get(record.parent)))
        _number_moments(results[first:], log.moment_count())
    results.warnings += dict.fromkeys(note for target in called for note in plans[target].notes)


def record_reader(plans: Sequence[Plan], log: CallLog, options: Options, engine: str) -> Reader:
    """Return what reads the records of a trace: the compiled reader if the compiled engine has written them."""
    values = ValueReader(log.texts.all, options.max_repr or sys.maxsize)
    reader = RecordReader([_shape(plan) for plan in plans], values, options.incl_unhit)
    if engine == "pure":
        return reader
    from .._fastmon import RecordReader as CompiledReader

    return CompiledReader(reader)


def _shape(plan: Plan) -> Shape:
    """Return the shape of the records of a plan's calls, with what their entries have in common."""
    code = plan.codes[0].code
    common = {
        "function": code.co_qualname,
        "file": code.co_filename,
        "lineno": plan.first,
        "source": plan.text,
        "places": plan.places,
        "parent": None,  # until it is known, also the next one
        "ended_at": None,
    }
    lines = zip(plan.lines, plan.names, plan.chains, strict=True)
    return Shape([reader.name for reader in plan.parameters], lines, common)


def _entry(record: CallRecord, plan: Plan, parent: int | None) -> Call:
    """Return the entry of a call. `parent`: the index of the one that it ran in."""
    known = record.known
    if known["arguments"]:
        _prefer_sampled_texts(known["arguments"], plan, record.trace)
    if parent is None:
        known["parent_line"] = None
    else:
        known["parent"] = parent
    if known["raised"] is not None:
        known["ended_at"] = None if record.where < 0 else record.where
    elif record.where in plan.returned:
        known["returned"] = _returned(record, plan)
    call = tuple.__new__(Call, (record.stack, record.trace))
    call.__dict__ = known  # all of it, in a dictionary that nothing else uses
    return call


def _number_moments(calls: Sequence[Call], moments: int) -> None:
    """Number the moments that are shown without gaps: 0, 1, 2, ...

    `moments`: how many there were, of calls and samples that are not shown, too.
    """
    shown = sum([1 + (call.ended is not None) + sum(map(len, call.moments.values())) for call in calls])
    if shown == moments:
        return
    found = [moment for call in calls for moment in (call.began, call.ended) if moment is not None]
    found += [moment for call in calls for samples in call.moments.values() for moment in samples]
    numbers = {moment: i for i, moment in enumerate(sorted(found))}
    for call in calls:
        call.began = numbers[call.began]
        call.ended = None if call.ended is None else numbers[call.ended]
        for samples in call.moments.values():
            samples[:] = [numbers[moment] for moment in samples]


def _prefer_sampled_texts(arguments: dict[str, Sample], plan: Plan, trace: Trace) -> None:
    """Show arguments by their own reprs, where a line was sampled that shows them so."""
    for name, shown in arguments.items():
        if shown[1][:1] == "<" and name not in plan.rebound and shown[1].startswith(f"<{shown[0]} at 0x"):
            rows = (names[name] for _, names in trace.values() if names.get(name))
            arguments[name] = next((row[0] for row in rows if row[0][0] == shown[0]), shown)


def _returned(record: CallRecord, plan: Plan) -> Sample | None:
    """Return what a call returned, by its own repr where the line was sampled that returned it."""
    shown: Sample | None = record.known["returned"]
    if shown is None:
        return None
    hits, names = record.trace.get(plan.lines[record.where], (0, {}))
    found = names.get(plan.returned[record.where], [])
    if hits == len(found) > 0 and found[-1][0] == shown[0] and not _says_nothing(found[-1][1]):
        return found[-1]
    return shown


def _says_nothing(text: str) -> bool:
    """Whether a text may be the repr that every object has: type and address, whose end may be cut away."""
    return text.startswith("<") and (" at 0x" in text or text.endswith("..."))
