"""The record of one call: what a recorder appends while the call runs, and how it is read.

A record begins with what is known when the call starts. Samples, yielded values and the call's end follow as they come,
each with its moment, counted from the start, and last how often lines were hit where that is not the number of their
samples. `docs/design/log.md` has the format; the compiled recorder writes the same bytes.
"""

from __future__ import annotations

from .._values.sample import NOT_READ
from .varints import put_varint, read_varint

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .._values.sample import Sample
    from .values import ValueReader

    LineShape = tuple[str, tuple[str, ...], tuple[str, ...]]

# What the parts of a record behind its start begin with.
SAMPLE = 1
RAISED_SAMPLE = 2  # the same where an exception ended the hit
RAISED = 3  # an exception ended the hit of an earlier sample, as is known only now
YIELDED = 4
MORE_YIELDED = 5  # than there are samples of
RETURNED = 6
FAILED = 7
HITS = 8  # the last part
LOST = 9  # the same where some counts do not agree


class Start:
    """What is known of a call when it starts."""

    __slots__ = ("began", "number", "parent", "parent_line", "stack", "started", "target", "task", "thread")

    def __init__(self, target: int) -> None:
        self.number = -1  # in the order in which calls start
        self.target = target  # the number of its plan
        self.parent = -1  # the number of the call that it runs in, or -1
        # The line of that call which was under way, and how many hits it had had; None where these are not known.
        self.parent_line: tuple[int, int | None] | None = None
        self.began = 0  # the moment
        self.started = 0  # nanoseconds since the trace began
        self.stack = 0  # numbers of texts, as the next ones
        self.thread = 0
        self.task: int | None = None


class CallRecord:
    """A call as it was recorded."""

    __slots__ = ("known", "lost", "number", "parent", "stack", "started", "target", "trace", "where")

    def __init__(self, target: int, known: dict[str, Any]) -> None:
        self.number = -1  # as in `Start`, also the next two and `started`
        self.target = target
        self.parent = -1
        self.started = 0
        self.stack = ""
        # By the text of a line that is shown: its hits, and the samples of each name.
        self.trace: dict[str, tuple[int, dict[str, list[Sample]]]] = {}
        self.where = -1  # the line at which it raised, or the state that was under way when it returned
        self.lost = False  # whether some counts do not agree
        self.known = known  # attributes of the call: see `KNOWN`


# What is known of a call besides, by the names that results have for it, unless there is more to be said. On top comes
# what all calls of a target have in common, which their `Shape` tells.
KNOWN: dict[str, Any] = {
    "arguments": {},
    "returned": None,
    "raised": None,
    "yielded": [],
    "more_yielded": False,
    "thread": "",
    "task": None,
    "seconds": None,  # None: it has not ended, also the next one
    "ended": None,  # the moment
    "parent_line": None,
    "began": 0,  # the moment
    "moments": {},  # by the text of a line: those of its samples, if there are any
    "raises": {},  # by the text of a line, then by the number of a sample: what ended that hit
    "attributes": {},  # by the text of a line: the samples of its chains that were ever read
}


class Shape:
    """What the record of a target's call consists of: the names of its parameters, and its lines.

    Of each line these are the text, and what a sample has values of: its names, and behind them its chains.
    """

    __slots__ = ("known", "lines", "parameters")

    def __init__(self, parameters: Iterable[str], lines: Iterable[LineShape], common: dict[str, Any]) -> None:
        """`common`: the attributes that all calls have in common."""
        self.parameters = tuple(parameters)
        self.lines = [(text, tuple(names), tuple(chains)) for text, names, chains in lines]
        self.known = KNOWN | common


def put_start(out: bytearray, start: Start) -> None:
    """Append what is known of a call when it starts; its arguments follow."""
    put_varint(out, start.number)
    put_varint(out, start.target)
    put_varint(out, start.parent + 1)
    if start.parent >= 0:
        line, hit = start.parent_line or (-1, None)
        put_varint(out, line + 1)
        if line >= 0:
            put_varint(out, 0 if hit is None else hit + 1)
    put_varint(out, start.began)
    put_varint(out, start.started)
    put_varint(out, start.stack)
    put_varint(out, start.thread)
    put_varint(out, 0 if start.task is None else start.task + 1)


def put_hits(out: bytearray, hits: Sequence[int], taken: Sequence[int]) -> None:
    """Append how often each line was hit, where that is not the number of its samples; the record is complete."""
    out.append(LOST if min(hits, default=0) < 0 else HITS)
    before = 0
    for line, (count, samples) in enumerate(zip(hits, taken, strict=True)):
        if count != samples:
            put_varint(out, line + 1 - before)
            put_varint(out, max(count, 0))
            before = line + 1
    out.append(0)


class _SampledLine:
    """The samples of a line while a record is read."""

    __slots__ = ("columns", "errors", "moments", "places")

    def __init__(self, values: int) -> None:
        self.moments: list[int] = []
        self.columns: list[list[Sample]] = [[] for _ in range(values)]
        self.errors: dict[int, Sample] = {}  # by the number of a sample: what ended that hit
        self.places = _Places()

    def fail(self, moment: int, error: Sample) -> bool:
        """Note what ended a hit; false if there is no sample of that moment."""
        place = self.places.of(moment, self.moments)
        if place is not None:
            self.errors[place] = error
        return place is not None


class _Places:
    """Where moments are in a list that grows, found in one pass, however many are looked for."""

    __slots__ = ("_known", "_seen")

    def __init__(self) -> None:
        self._seen = 0
        self._known: dict[int, int] = {}

    def of(self, moment: int, moments: list[int]) -> int | None:
        """Return the last place of a moment."""
        for i in range(self._seen, len(moments)):
            self._known[moments[i]] = i
        self._seen = len(moments)
        return self._known.get(moment)


class RecordReader:
    """Reads the records of one trace. `_fastmon` has its twin, which is told what is wrong by this one."""

    def __init__(self, shapes: Sequence[Shape], values: ValueReader, incl_unhit: bool = False) -> None:
        """`shapes`: by target. `incl_unhit`: whether lines without hits are shown."""
        self.shapes = shapes
        self.values = values
        self.incl_unhit = incl_unhit

    def read(self, data: bytes) -> CallRecord:
        """Return the call that a record tells of; raises ValueError where it is damaged."""
        record, at = self._start(data)
        return self._parts(record, data, at)

    def _start(self, data: bytes) -> tuple[CallRecord, int]:
        number, at = _read_number(data, 0)
        target, at = _read_number(data, at)
        if target >= len(self.shapes):
            raise ValueError(f"a record is of target {target}, and there are {len(self.shapes)}")
        shape = self.shapes[target]
        known = shape.known.copy()
        for name in ("moments", "raises", "attributes"):
            known[name] = {}
        known["yielded"] = []
        record = CallRecord(target, known)
        record.number = number
        parent, at = _read_number(data, at)
        record.parent = parent - 1
        if parent:
            line, at = _read_number(data, at)
            if line:
                hit, at = _read_number(data, at)
                known["parent_line"] = line - 1, hit - 1 if hit else None
        known["began"], at = _read_number(data, at)
        record.started, at = _read_number(data, at)
        stack, at = _read_number(data, at)
        thread, at = _read_number(data, at)
        task, at = _read_number(data, at)
        record.stack, known["thread"] = self._text(stack), self._text(thread)
        if task:
            known["task"] = self._text(task - 1)
        arguments = known["arguments"] = {}
        for name in shape.parameters:
            arguments[name], at = self.values.read(data, at)
        return record, at

    def _text(self, number: int) -> str:
        texts = self.values.texts
        if number >= len(texts):
            raise ValueError(f"there is no text {number}, which the start of a record refers to")
        return texts[number]

    def _parts(self, record: CallRecord, data: bytes, at: int) -> CallRecord:
        """Read what is behind the start of a record."""
        lines = self.shapes[record.target].lines
        sampled: list[_SampledLine | None] = [None] * len(lines)
        hits: dict[int, int] = {}
        size = len(data)
        while at < size:
            kind = data[at]
            at += 1
            if kind in (SAMPLE, RAISED_SAMPLE):
                at = self._sample(record, sampled, data, at, kind == RAISED_SAMPLE)
            elif kind == RAISED:
                at = self._raised(record, sampled, data, at)
            elif kind == YIELDED:
                value, at = self.values.read(data, at)
                record.known["yielded"].append(value)
            elif kind == MORE_YIELDED:
                record.known["more_yielded"] = True
            elif kind in (RETURNED, FAILED):
                at = self._end(record, data, at, kind == FAILED)
            elif kind in (HITS, LOST):
                record.lost = kind == LOST
                hits, at = _read_hits(data, at, len(lines))
                break
            else:
                raise ValueError(f"a record has a part of an unknown kind, {kind}")
        if at != size:
            raise ValueError("there is something behind the end of a record")
        self._show(record, sampled, hits)
        return record

    def _sample(
        self, record: CallRecord, sampled: list[_SampledLine | None], data: bytes, at: int, has_raised: bool
    ) -> int:
        line, at = _read_number(data, at)
        if line >= len(sampled):
            raise ValueError(f"a sample is of line {line}, and there are {len(sampled)}")
        after, at = _read_number(data, at)
        known = sampled[line]
        if known is None:
            _, names, chains = self.shapes[record.target].lines[line]
            known = sampled[line] = _SampledLine(len(names) + len(chains))
        read = self.values.read
        for column in known.columns:
            value, at = read(data, at)
            column.append(value)
        if has_raised:
            known.errors[len(known.moments)], at = read(data, at)
        known.moments.append(record.known["began"] + after)
        return at

    def _raised(self, record: CallRecord, sampled: list[_SampledLine | None], data: bytes, at: int) -> int:
        line, at = _read_number(data, at)
        after, at = _read_number(data, at)
        value, at = self.values.read(data, at)
        known = sampled[line] if line < len(sampled) else None
        if known is None or not known.fail(record.known["began"] + after, value):
            raise ValueError(f"an exception ended a hit of line {line} that was not sampled")
        return at

    def _end(self, record: CallRecord, data: bytes, at: int, has_failed: bool) -> int:
        after, at = _read_number(data, at)
        lasted, at = _read_number(data, at)
        where, at = _read_number(data, at)
        record.where = where - 1
        value, at = self.values.read(data, at)
        known = record.known
        known["ended"], known["seconds"] = known["began"] + after, lasted / 1e9
        known["raised" if has_failed else "returned"] = value
        return at

    def _show(self, record: CallRecord, sampled: list[_SampledLine | None], hits: dict[int, int]) -> None:
        """Put what is known of the lines into the record."""
        for line, (text, names, chains) in enumerate(self.shapes[record.target].lines):
            known = sampled[line]
            count = hits.get(line)
            if count is None:
                count = 0 if known is None else len(known.moments)
            if not (count or self.incl_unhit):
                continue
            if known is None:
                record.trace[text] = count, {name: [] for name in names}
                continue
            record.trace[text] = count, dict(zip(names, known.columns, strict=False))
            record.known["moments"][text] = known.moments
            if known.errors:
                record.known["raises"][text] = dict(sorted(known.errors.items()))
            read = zip(chains, known.columns[len(names) :], strict=True)
            if found := {chain: column for chain, column in read if any(one != NOT_READ for one in column)}:
                record.known["attributes"][text] = found


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at `at`, and where it ends. It has 63 bits: a moment is the sum of two of them."""
    if at < len(data) and data[at] < 128:
        return data[at], at + 1
    number, end = read_varint(data, at)
    if number >> 63:
        raise ValueError(f"the number at {at} has more than 63 bits")
    return number, end


def _read_hits(data: bytes, at: int, lines: int) -> tuple[dict[int, int], int]:
    """Return the hits of the lines where they are not the number of samples."""
    hits: dict[int, int] = {}
    line = -1
    while True:
        step, at = _read_number(data, at)
        if not step:
            return hits, at
        line += step
        if line >= lines:
            raise ValueError(f"there are hits of line {line}, and {lines} lines")
        hits[line], at = _read_number(data, at)
