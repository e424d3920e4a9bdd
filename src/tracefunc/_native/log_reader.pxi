# Part of `_fastmon.pyx`: calls from their records, the twin of the readers in `_log/records.py` and `_log/values.py`.
#
# No byte is read that is not in the record, and each step takes at least one, so whatever the bytes are, it ends. What is
# wrong with a damaged record is for the other reader to say.

from ._log import values as log_values

cdef extern from "Python.h":
    object PyUnicode_FromFormat(const char *format, ...)
    str decoded "PyUnicode_DecodeUTF8"(const char *data, Py_ssize_t size, const char *errors)
    double unpack_double "PyFloat_Unpack8"(const char *data, int is_little) except? -1
    PyObject *known_item "PyDict_GetItemWithError"(dict known, object key) except? NULL

ctypedef const unsigned char *At  # a place in a record

cdef int TAG_INT8 = log_values.INT8, TAG_INT64 = log_values.INT64, TAG_FLOAT = log_values.FLOAT
cdef int TAG_STR = log_values.STR, TAG_STR_CUT = log_values.STR_CUT
cdef int TAG_BYTES = log_values.BYTES, TAG_BYTES_CUT = log_values.BYTES_CUT
cdef int TAG_LIST = log_values.LIST, TAG_TUPLE = log_values.TUPLE, TAG_DICT = log_values.DICT
cdef int TAG_MORE = log_values.MORE, TAG_OBJECT = log_values.OBJECT, TAG_TEXT = log_values.TEXT
cdef int MOST_NESTED = log_values.DEPTH, MOST_SEEN = log_values.MOST_SEEN
cdef list TYPE_NAMES = [log_values.TYPE_NAMES.get(tag) for tag in range(256)]
cdef list EMPTY_TEXTS = [log_values.EMPTY.get(tag) for tag in range(256)]
cdef list OPENINGS = [log_values.OPENING.get(tag) for tag in range(256)]
cdef list CLOSINGS = [log_values.CLOSING.get(tag) for tag in range(256)]
cdef list TEXTS = [log_values.TEXTS.get(tag) for tag in range(256)]
cdef object DAMAGED = "the record is damaged"


cdef inline Bits little(At data, int size) noexcept:
    """A number of so many bytes."""
    cdef Bits found = 0
    cdef int i
    for i in range(size):
        found |= <Bits>data[i] << (8 * i)
    return found


@cython.final
cdef class ReadValues:
    """Reads values as samples, one after the other; the twin of `ValueReader`."""

    cdef At at, end  # what is read next, and the end of the record
    cdef readonly list texts
    cdef readonly list known  # by tag: the values that are a tag alone
    cdef readonly Py_ssize_t room
    cdef dict seen  # short values that were read before, by all of their bytes

    def __init__(self, values):
        self.texts, self.known, self.room = values.texts, values.known, values.room
        self.seen = {}

    # numbers and texts

    cdef inline Bits number(self) except? 0xFFFFFFFFFFFFFFFF:
        """The number of up to 64 bits that comes next."""
        cdef Bits found
        if self.at < self.end and self.at[0] < 128:
            found = self.at[0]
            self.at += 1
            return found
        return self.longer_number()

    cdef Bits longer_number(self) except? 0xFFFFFFFFFFFFFFFF:
        cdef Bits found = 0
        cdef int shift, byte
        for shift in range(0, 70, 7):
            if self.at >= self.end:
                raise ValueError(DAMAGED)
            byte = self.at[0]
            self.at += 1
            if shift == 63 and byte > 1:
                raise ValueError(DAMAGED)
            found |= <Bits>(byte & 127) << shift
            if byte < 128:
                return found
        raise ValueError(DAMAGED)

    cdef inline At take(self, Bits size) except NULL:
        """So many bytes."""
        cdef At taken = self.at
        if size > <Bits>(self.end - taken):
            raise ValueError(DAMAGED)
        self.at += size
        return taken

    cdef str text_of_number(self, Bits number):
        if number >= <Bits>len(self.texts):
            raise ValueError(DAMAGED)
        return self.texts[number]

    cdef str cut(self, str text):
        if len(text) <= self.room:
            return text
        return text[:max(self.room - 3, 0)] + "..."[:min(self.room, 3)]

    # values

    cdef inline object value(self):
        """The sample that comes next."""
        if self.at >= self.end:
            raise ValueError(DAMAGED)
        sample = self.known[self.at[0]]
        if sample is None:
            return self.longer_value()
        self.at += 1
        return sample

    cdef object longer_value(self):
        cdef At start = self.at
        cdef PyObject *seen
        cdef int tag = start[0]
        if not self.skip_short(tag):
            self.at = start
            return self.long_value(tag)
        key = PyBytes_FromStringAndSize(<const char *>start, self.at - start)
        seen = known_item(self.seen, key)
        if seen != NULL:
            return <object>seen
        self.at = start
        sample = self.long_value(tag)
        if len(self.seen) >= MOST_SEEN:
            self.seen.clear()
        self.seen[key] = sample
        return sample

    cdef bint skip_short(self, int tag) except -1:
        """Go behind a value; false if it is none that may well come again."""
        cdef Bits size
        self.at += 1
        if TAG_INT8 <= tag <= TAG_INT64:
            size = 1 << (tag - TAG_INT8)
        elif tag == TAG_FLOAT:
            size = 8
        elif tag == TAG_STR:
            size = self.number()
        elif tag == TAG_OBJECT:
            self.number()
            self.number()
            size = 8
        elif tag == TAG_TEXT:
            self.number()
            size = self.number()
        else:
            return False
        if size > 127:
            return False
        self.take(size)
        return True

    cdef object long_value(self, int tag):
        if TAG_INT8 <= tag <= TAG_BYTES_CUT:
            text = self.scalar()
        elif TAG_LIST <= tag <= TAG_DICT:
            text = self.whole_container()
        elif tag == TAG_OBJECT:
            self.at += 1
            return self.object_sample()
        elif tag == TAG_TEXT:
            self.at += 1
            name = self.text_of_number(self.number())
            return name, self.string()
        else:
            raise ValueError(DAMAGED)
        return TYPE_NAMES[tag], self.cut(text)

    cdef object object_sample(self):
        name = self.text_of_number(self.number())
        before = self.text_of_number(self.number())
        cdef unsigned long long address = little(self.take(8), 8)
        return name, self.cut(PyUnicode_FromFormat("%U%llx>", <PyObject *>before, address))

    cdef str string(self):
        cdef Bits size = self.number()
        return decoded(<const char *>self.take(size), size, "surrogatepass")

    cdef str scalar(self):
        """The repr of a number, a string or the like, as far as it was written."""
        cdef int tag = self.at[0], size
        cdef long long number
        self.at += 1
        if TAG_INT8 <= tag <= TAG_INT64:
            size = 1 << (tag - TAG_INT8)
            number = <long long>(little(self.take(size), size) << (64 - 8 * size)) >> (64 - 8 * size)
            return repr(number)
        if tag == TAG_FLOAT:
            return repr(unpack_double(<const char *>self.take(8), 1))
        text = TEXTS[tag]
        if text is not None:
            return text
        if not TAG_STR <= tag <= TAG_BYTES_CUT:
            raise ValueError(DAMAGED)
        return self.string_repr(tag)

    cdef str string_repr(self, int tag):
        cdef int quote = 0
        cdef Bits size
        if tag == TAG_STR_CUT or tag == TAG_BYTES_CUT:
            quote = self.take(1)[0]
            if quote != 34 and quote != 39:
                raise ValueError(DAMAGED)
        # The other quote, appended, has the beginning get the quotes that the whole had.
        if tag < TAG_BYTES:
            text = self.string()
            return repr(text if not quote else text + ("'" if quote == 34 else '"'))
        size = self.number()
        found = PyBytes_FromStringAndSize(<const char *>self.take(size), size)
        return repr(found if not quote else found + (b"'" if quote == 34 else b'"'))

    cdef str whole_container(self):
        cdef bint is_whole = True
        text = self.container(1, &is_whole)
        if is_whole:
            return text
        if len(text) < self.room:
            raise ValueError(DAMAGED)
        return text + "..."  # of which nothing will be left

    cdef str container(self, int depth, bint *is_whole):
        """The repr of a container as far as its items were written."""
        cdef int tag = self.at[0], next
        cdef Bits many, items, number
        if depth > MOST_NESTED:
            raise ValueError(DAMAGED)
        self.at += 1
        many = self.number()
        if many == 0:
            return EMPTY_TEXTS[tag]
        items = min(many, <Bits>(self.end - self.at) + 1)  # each takes a byte at least
        if tag == TAG_DICT:
            items *= 2
        texts = [OPENINGS[tag]]
        for number in range(items):
            if self.at >= self.end:
                raise ValueError(DAMAGED)
            if number:
                texts.append(": " if tag == TAG_DICT and number & 1 else ", ")
            next = self.at[0]
            if next == TAG_MORE:
                self.at += 1
                is_whole[0] = False
                return "".join(texts)
            texts.append(self.container(depth + 1, is_whole) if TAG_LIST <= next <= TAG_DICT else self.scalar())
        texts.append(",)" if tag == TAG_TUPLE and many == 1 else CLOSINGS[tag])
        return "".join(texts)


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
