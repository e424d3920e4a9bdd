"""The record of one call: what a recorder appends while the call runs, and how it is read.

A record begins with what is known when the call starts. Samples, yielded values and the call's end follow as they come,
each with its moment, counted from the start, and last how often lines were hit where that is not the number of their
samples. `docs/design/log.md` has the format; the compiled recorder writes the same bytes.
"""

from __future__ import annotations

from .varints import put_varint, read_varint

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._values.sample import Sample
    from .values import ValueReader

    Row = tuple[int, tuple[Sample, ...], Sample | None]  # a sample's moment, values, and what ended its hit

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


class CallRecord(Start):
    """A call as it was recorded."""

    __slots__ = (
        "arguments",
        "ended",
        "hits",
        "lost",
        "more_yielded",
        "raised",
        "returned",
        "samples",
        "seconds",
        "where",
        "yielded",
    )

    def __init__(self, target: int, lines: int) -> None:
        super().__init__(target)
        self.arguments: list[Sample] = []
        self.samples: list[list[Row]] = [[] for _ in range(lines)]
        self.yielded: list[Sample] = []
        self.more_yielded = False  # whether it yielded more
        self.ended = -1  # the moment; -1: it has not ended
        self.seconds: float | None = None
        self.where = -1  # the offset at which it raised, or the state that was under way when it returned
        self.returned: Sample | None = None
        self.raised: Sample | None = None
        self.hits: list[int] = []
        self.lost = False  # whether some counts do not agree


class Shape:
    """What the record of a target's call consists of: how many values its start has, and a sample of each line."""

    __slots__ = ("parameters", "values")

    def __init__(self, parameters: int, values: Sequence[int]) -> None:
        self.parameters = parameters
        self.values = values


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


class RecordReader:
    """Reads the records of one trace."""

    def __init__(self, shapes: Sequence[Shape], values: ValueReader) -> None:
        """`shapes`: by target."""
        self._shapes = shapes
        self._values = values

    def read(self, data: bytes) -> CallRecord:
        """Return the call that a record tells of; raises ValueError where it is damaged."""
        record, at = self._start(data)
        size = len(data)
        while at < size:
            kind = data[at]
            at += 1
            if kind <= RAISED_SAMPLE:
                at = self._sample(record, data, at, kind == RAISED_SAMPLE)
            elif kind == RAISED:
                at = self._raised(record, data, at)
            elif kind == YIELDED:
                value, at = self._values.read(data, at)
                record.yielded.append(value)
            elif kind == MORE_YIELDED:
                record.more_yielded = True
            elif kind in (RETURNED, FAILED):
                at = self._end(record, data, at, kind == FAILED)
            elif kind in (HITS, LOST):
                record.lost = kind == LOST
                at = self._hits(record, data, at)
                break
            else:
                raise ValueError(f"a record has a part of an unknown kind, {kind}")
        if at != size:
            raise ValueError("there is something behind the end of a record")
        if not record.hits:
            record.hits = list(map(len, record.samples))
        return record

    def _start(self, data: bytes) -> tuple[CallRecord, int]:
        number, at = read_varint(data, 0)
        target, at = read_varint(data, at)
        if target >= len(self._shapes):
            raise ValueError(f"a record is of target {target}, and there are {len(self._shapes)}")
        shape = self._shapes[target]
        record = CallRecord(target, len(shape.values))
        record.number = number
        parent, at = read_varint(data, at)
        record.parent = parent - 1
        if parent:
            line, at = read_varint(data, at)
            if line:
                hit, at = read_varint(data, at)
                record.parent_line = line - 1, hit - 1 if hit else None
        record.began, at = read_varint(data, at)
        record.started, at = read_varint(data, at)
        record.stack, at = read_varint(data, at)
        record.thread, at = read_varint(data, at)
        task, at = read_varint(data, at)
        record.task = task - 1 if task else None
        for _ in range(shape.parameters):
            value, at = self._values.read(data, at)
            record.arguments.append(value)
        return record, at

    def _sample(self, record: CallRecord, data: bytes, at: int, has_raised: bool) -> int:
        line, at = read_varint(data, at)
        if line >= len(record.samples):
            raise ValueError(f"a sample is of line {line}, and there are {len(record.samples)}")
        after, at = read_varint(data, at)
        read, values = self._values.read, []
        for _ in range(self._shapes[record.target].values[line]):
            value, at = read(data, at)
            values.append(value)
        error = None
        if has_raised:
            error, at = read(data, at)
        record.samples[line].append((record.began + after, tuple(values), error))
        return at

    def _raised(self, record: CallRecord, data: bytes, at: int) -> int:
        line, at = read_varint(data, at)
        after, at = read_varint(data, at)
        value, at = self._values.read(data, at)
        rows = record.samples[line] if line < len(record.samples) else []
        for i in range(len(rows) - 1, -1, -1):
            if rows[i][0] == record.began + after:
                rows[i] = rows[i][0], rows[i][1], value
                return at
        raise ValueError(f"an exception ended a hit of line {line} that was not sampled")

    def _end(self, record: CallRecord, data: bytes, at: int, has_failed: bool) -> int:
        after, at = read_varint(data, at)
        lasted, at = read_varint(data, at)
        where, at = read_varint(data, at)
        record.where = where - 1
        value, at = self._values.read(data, at)
        record.ended, record.seconds = record.began + after, lasted / 1e9
        if has_failed:
            record.raised = value
        else:
            record.returned = value
        return at

    def _hits(self, record: CallRecord, data: bytes, at: int) -> int:
        hits, line = list(map(len, record.samples)), 0
        while True:
            step, at = read_varint(data, at)
            if not step:
                record.hits = hits
                return at
            line += step
            if line > len(hits):
                raise ValueError(f"there are hits of line {line - 1}, and {len(hits)} lines")
            hits[line - 1], at = read_varint(data, at)
