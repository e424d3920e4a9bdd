# Part of `_fastmon.pyx`: calls from their records, the twin of the reader in `_log/records.py`.
#
# What is wrong with a damaged record is for that one to say.

@cython.final
@cython.freelist(4)
cdef class CallRecord:
    """A call as it was recorded: see `_log/records.py`."""

    cdef readonly object number, parent, started, where, stack
    cdef readonly Py_ssize_t target
    cdef readonly dict trace, known
    cdef readonly bint lost


@cython.final
cdef class RecordReader:
    """Reads the records of one trace. Where threads run at once, one of them at a time may use it."""

    cdef object pure  # the twin
    cdef list shapes
    cdef bint incl_unhit
    cdef ReadValues values

    def __init__(self, pure):
        """`pure`: the reader in Python for the same trace, which says what is wrong with a record."""
        self.pure, self.incl_unhit = pure, pure.incl_unhit
        self.shapes = [(shape.parameters, shape.lines, shape.known) for shape in pure.shapes]
        self.values = ReadValues(pure.values)

    def read(self, bytes data not None):
        """Return the call that a record tells of; raises ValueError where it is damaged."""
        self.values.at = <At><char *>data
        self.values.end = self.values.at + len(data)
        try:
            return self.whole()
        except ValueError as error:
            damage = error
        self.pure.read(data)
        raise damage

    cdef CallRecord whole(self):
        cdef CallRecord record = CallRecord.__new__(CallRecord)
        values = self.values
        record.number = self.number()
        cdef Bits target = self.number(), began
        if target >= <Bits>len(self.shapes):
            raise ValueError(DAMAGED)
        record.target = target
        parameters, lines, common = <tuple>self.shapes[target]
        cdef dict known = (<dict>common).copy(), arguments = {}
        record.known, record.where = known, -1
        self.read_parent(record)
        began = self.number()
        known["began"] = began
        record.started = self.number()
        record.stack = values.text_of_number(self.number())
        known["thread"] = values.text_of_number(self.number())
        cdef Bits task = self.number()
        if task:
            known["task"] = values.text_of_number(task - 1)
        for name in <tuple>parameters:
            arguments[name] = values.value()
        known["arguments"], known["yielded"] = arguments, []
        self.read_parts(record, began, <list>lines)
        return record

    cdef Bits number(self) except? 0xFFFFFFFFFFFFFFFF:
        """The number of up to 63 bits that comes next."""
        cdef Bits found = self.values.number()
        if found >> 63:
            raise ValueError(DAMAGED)
        return found

    cdef int read_parent(self, CallRecord record) except -1:
        cdef Bits parent = self.number(), line, hit
        record.parent = <long long>parent - 1
        if parent:
            line = self.number()
            if line:
                hit = self.number()
                record.known["parent_line"] = line - 1, (hit - 1 if hit else None)
        return 0

    cdef int read_parts(self, CallRecord record, Bits began, list lines) except -1:
        """Read what is behind the start of a record."""
        cdef list sampled = [None] * len(lines)
        cdef dict errors = {}  # by line, then by sample: what ended the hit
        cdef dict hits = {}, places = {}  # by line: how many moments are in the dictionary, and that: where they are
        values = self.values
        while values.at < values.end:
            part = values.at[0]
            values.at += 1
            if part == PART_SAMPLE or part == PART_RAISED_SAMPLE:
                self.read_sample(began, lines, sampled, errors if part == PART_RAISED_SAMPLE else None)
            elif part == PART_RAISED:
                self.read_raised(began, sampled, errors, places)
            elif part == PART_YIELDED:
                (<list>record.known["yielded"]).append(values.value())
            elif part == PART_MORE_YIELDED:
                record.known["more_yielded"] = True
            elif part == PART_RETURNED or part == PART_FAILED:
                self.read_end(record, began, part == PART_FAILED)
            elif part == PART_HITS or part == PART_LOST:
                record.lost = part == PART_LOST
                self.read_hits(hits, len(lines))
                break
            else:
                raise ValueError(DAMAGED)
        if values.at != values.end:
            raise ValueError(DAMAGED)
        return self.show(record, lines, sampled, errors, hits)

    cdef int read_sample(self, Bits began, list lines, list sampled, dict errors) except -1:
        cdef Bits line = self.number(), after
        cdef Py_ssize_t i
        if line >= <Bits>len(lines):
            raise ValueError(DAMAGED)
        after = self.number()
        known = sampled[line]
        if known is None:
            _, names, chains = <tuple>lines[line]
            known = sampled[line] = [[] for _ in range(1 + len(<tuple>names) + len(<tuple>chains))]
        for i in range(1, len(<list>known)):
            (<list>(<list>known)[i]).append(self.values.value())
        moments = <list>(<list>known)[0]
        if errors is not None:
            errors.setdefault(line, {})[len(moments)] = self.values.value()
        moments.append(began + after)
        return 0

    cdef int read_raised(self, Bits began, list sampled, dict errors, dict places) except -1:
        cdef Bits line = self.number(), moment = began + self.number()
        cdef Py_ssize_t i
        value = self.values.value()
        if line >= <Bits>len(sampled) or sampled[line] is None:
            raise ValueError(DAMAGED)
        moments = <list>(<list>sampled[line])[0]
        seen, found = places.get(line, (0, {}))
        for i in range(seen, len(moments)):
            found[moments[i]] = i
        places[line] = len(moments), found
        if moment not in found:
            raise ValueError(DAMAGED)
        errors.setdefault(line, {})[found[moment]] = value
        return 0

    cdef int read_end(self, CallRecord record, Bits began, bint has_failed) except -1:
        cdef Bits after = self.number(), lasted = self.number(), where = self.number()
        value = self.values.value()
        record.where = <long long>where - 1
        record.known["ended"], record.known["seconds"] = began + after, <double>lasted / 1e9
        if has_failed:
            record.known["raised"] = value
        else:
            record.known["returned"] = value
        return 0

    cdef int read_hits(self, dict hits, Bits lines) except -1:
        """Read the hits of the lines where they are not the number of samples."""
        cdef Bits step = self.number(), line = 0
        while step:
            line += step
            if line > lines:
                raise ValueError(DAMAGED)
            hits[line - 1] = self.number()
            step = self.number()
        return 0

    cdef int show(self, CallRecord record, list lines, list sampled, dict errors, dict hits) except -1:
        """Put what is known of the lines into the record."""
        cdef Py_ssize_t line, i, many
        cdef list columns
        cdef dict trace = {}, moments = {}, raises = {}, attributes = {}, shown
        for line in range(len(lines)):
            text, names, chains = <tuple>lines[line]
            sampled_line = sampled[line]
            count = hits.get(line) if hits else None
            if count is None:
                count = 0 if sampled_line is None else len(<list>(<list>sampled_line)[0])
            if not (count or self.incl_unhit):
                continue
            shown = {}
            trace[text] = count, shown
            if sampled_line is None:
                for name in <tuple>names:
                    shown[name] = []
                continue
            columns, many = <list>sampled_line, len(<tuple>names)
            for i in range(many):
                shown[(<tuple>names)[i]] = columns[1 + i]
            moments[text] = columns[0]
            if errors and line in errors:
                raises[text] = dict(sorted(errors[line].items()))
            if chains:
                shown = {}
                for i in range(len(<tuple>chains)):
                    if any_read(<list>columns[1 + many + i]):
                        shown[(<tuple>chains)[i]] = columns[1 + many + i]
                if shown:
                    attributes[text] = shown
        record.trace = trace
        record.known["moments"], record.known["raises"], record.known["attributes"] = moments, raises, attributes
        return 0


cdef bint any_read(list column) except -1:
    """Whether there is another sample in a column than that of a chain that could not be read."""
    for sample in column:
        if sample is not NOT_READ and sample != NOT_READ:
            return True
    return False
