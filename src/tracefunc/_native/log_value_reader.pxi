# Part of `_fastmon.pyx`: samples from their bytes, the twin of the reader in `_log/values.py`.
#
# No byte is read that is not in the record, and each step takes at least one, so whatever the bytes are, it ends.

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
cdef int TAG_NAMED = log_values.NAMED
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
        elif tag == TAG_NAMED:
            self.number()
            self.number()
            size = 0
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
        elif tag == TAG_NAMED:
            self.at += 1
            name = self.text_of_number(self.number())
            return name, self.cut(self.text_of_number(self.number()))
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
