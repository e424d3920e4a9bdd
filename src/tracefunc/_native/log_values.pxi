# Part of `_fastmon.pyx`: values as bytes, whatever they are: the twin of `_log/values.py`.
#
# It catches no exception in Cython, since it may run in callbacks that have no entry of their own for handled ones.

from ._values.describe import shown_by_repr
from ._values.open_reprs import open_reprs

cdef extern from "_native/log_buffer.h":
    ctypedef struct Buffer "tracefunc_buffer":
        unsigned char *data
        size_t used, capacity
    void release "tracefunc_release"(Buffer *out)
    int put_tag "tracefunc_put_tag"(Buffer *out, int tag) except -1

cdef extern from "_native/log_values.h":
    int SHOWS_OBJECTS "TRACEFUNC_OBJECTS"
    int SHOWS_CONTAINERS "TRACEFUNC_CONTAINERS_TOO"
    int TAG_UNAVAILABLE "TRACEFUNC_TAG_UNAVAILABLE"
    int TAG_NOT_READ "TRACEFUNC_TAG_NOT_READ"
    int TAG_REDACTED "TRACEFUNC_TAG_REDACTED"
    int REPRS_UNKNOWN "TRACEFUNC_REPRS_UNKNOWN"
    int REPRS_OF_INTERPRETER "TRACEFUNC_REPRS_OF_INTERPRETER"
    int where_reprs "tracefunc_where_reprs"
    void note_reprs "tracefunc_note_reprs"(object open_reprs)
    int put_value "tracefunc_put_value"(Buffer *out, PyObject *value, Py_ssize_t room, int shown) except -1
    int container_tag "tracefunc_container_tag"(PyTypeObject *kind)

cdef extern from "_native/log_types.h":
    ctypedef struct KnownType "tracefunc_known_type":
        PyTypeObject *kind
        PyObject *name
        PyObject *qualname
        unsigned int version
        unsigned long long name_number, before_number
    ctypedef struct Known "tracefunc_known":
        KnownType *types
        KnownType *classes
    int AS_OTHER "TRACEFUNC_IS_OTHER"
    int AS_CLASS "TRACEFUNC_IS_CLASS"
    int AS_FUNCTION "TRACEFUNC_IS_FUNCTION"
    int AS_BUILTIN "TRACEFUNC_IS_BUILTIN"
    int shown_as "tracefunc_shown_as"(PyObject *value)
    int put_remembered "tracefunc_put_remembered"(Buffer *out, PyObject *value, int shown_as, Known *known) except -1
    void keep_function "tracefunc_keep_function"(
        Known *known, PyObject *value, object text, unsigned long long name_number, unsigned long long text_number
    )
    void forget_all "tracefunc_forget_all"(Known *known)
    KnownType *place_of_type "tracefunc_place_of_type"(KnownType *all, PyTypeObject *kind)
    unsigned int version_of "tracefunc_version_of"(PyTypeObject *kind)
    object names_of "tracefunc_names_of"(PyTypeObject *kind)
    void keep_type "tracefunc_keep_type"(KnownType *known, const KnownType *new_one, object names)
    int put_object "tracefunc_put_object"(
        Buffer *out, PyObject *value, unsigned long long name_number, unsigned long long before_number
    ) except -1
    int put_named "tracefunc_put_named"(
        Buffer *out, unsigned long long name_number, unsigned long long text_number
    ) except -1
    int put_text "tracefunc_put_text"(Buffer *out, unsigned long long name_number, object text) except -1
    object answer "tracefunc_answer"(object function, object value, object otherwise)
    object own_text "tracefunc_own_text"(PyObject *value)

cdef extern from "Python.h":
    PyTypeObject *type_of "Py_TYPE"(PyObject *value)


@cython.final
cdef class ValueWriter:
    """Writes values as bytes, from which `ValueReader` makes the texts that `describe` would have given.

    Where threads run at once, one of them at a time may use it.
    """

    cdef object describe, texts
    cdef dict numbers  # of the texts
    cdef Py_ssize_t room
    cdef int shown  # which values need not be described
    cdef Known *known  # what it has learned; NULL until there is something

    def __init__(self, describe, texts):
        self.describe, self.texts, self.numbers = describe, texts, texts.numbers
        self.shown, self.room = shown_by_repr(describe)

    def __dealloc__(self):
        if self.known != NULL:
            forget_all(self.known)

    cdef inline int write(self, Buffer *out, PyObject *value) except -1:
        """Append a value. What is no Exception and comes from describing it is raised; then nothing is appended."""
        if put_value(out, value, self.room, self.shown):
            return 1
        return self.write_other(out, value)

    cdef int write_other(self, Buffer *out, PyObject *value) except -1:
        """Append a value that is no number, string or container, or one that has to be described."""
        cdef int how
        held = <object>value  # whose repr may drop the reference that the caller has borrowed
        if self.shown == SHOWS_OBJECTS:
            how = shown_as(value)
            if how != AS_OTHER:
                if put_remembered(out, value, how, self.known) or self.learn(out, value, how):
                    return 1
            elif where_reprs != REPRS_OF_INTERPRETER and container_tag(type_of(value)):
                if self.write_container(out, value):
                    return 1
        sample = answer(self.describe, held, UNAVAILABLE)
        return put_tag(out, TAG_UNAVAILABLE) if sample is UNAVAILABLE else self.write_sample(out, sample)

    cdef int write_container(self, Buffer *out, PyObject *value) except -1:
        """Append a container where it is not known yet how to find those whose repr is under way; 0 if it cannot be."""
        opened = attempt(open_reprs)
        if opened is None:  # no stack left
            return 0
        if where_reprs == REPRS_UNKNOWN:
            note_reprs(opened)
        return 0 if opened else put_value(out, value, self.room, SHOWS_CONTAINERS)

    cdef int learn(self, Buffer *out, PyObject *value, int how) except -1:
        """Append an object, class or function whose texts are not known, and note what the next one needs.

        0 if its text is not what is expected.
        """
        cdef KnownType new
        cdef PyTypeObject *kind = <PyTypeObject *>value if how == AS_CLASS else type_of(value)
        if self.known == NULL:
            self.known = <Known *>PyMem_Calloc(1, sizeof(Known))
            if self.known == NULL:
                raise MemoryError
        memset(&new, 0, sizeof(new))
        new.kind, new.version, names = kind, version_of(kind), names_of(kind)  # first: it may change meanwhile
        text, end = own_text(value), f"{<size_t>value:x}>"
        if text is None:  # no stack left
            return 0
        if how != AS_CLASS and how != AS_BUILTIN:
            if not (<str>text).endswith(f" at 0x{end}"):
                return 0
            text = (<str>text)[:-len(end)]
        name = answer(name_of, <object>type_of(value), None)
        number = None if name is None else self.number(name)
        text_number = None if number is None else self.number(text)
        if text_number is None:  # no stack left
            return 0
        new.name_number, new.before_number = number, text_number
        if how >= AS_FUNCTION:
            keep_function(self.known, value, text, new.name_number, new.before_number)
        elif new.version:
            keep_type(place_of_type(self.known.classes if how == AS_CLASS else self.known.types, kind), &new, names)
        if how == AS_CLASS or how == AS_BUILTIN:
            return put_named(out, new.name_number, new.before_number)
        return put_object(out, value, new.name_number, new.before_number)

    cdef int write_sample(self, Buffer *out, object sample) except -1:
        """Append the name of a type and a text."""
        if sample == UNAVAILABLE:
            return put_tag(out, TAG_UNAVAILABLE)
        if sample == NOT_READ:
            return put_tag(out, TAG_NOT_READ)
        if sample == REDACTED_SAMPLE:
            return put_tag(out, TAG_REDACTED)
        name, text = sample
        number = self.number(name)
        return put_tag(out, TAG_UNAVAILABLE) if number is None else put_text(out, number, <str?>text)

    cdef object number(self, object text):
        """The number of a text, None if there is no stack left to find it."""
        number = self.numbers.get(text)
        return answer(self.texts.number, text, None) if number is None else number


def encoded(ValueWriter writer, value, int times=1):
    """The bytes that a writer appends for a value; for tests, and with more `times` for measurements."""
    cdef Buffer out
    cdef int i
    memset(&out, 0, sizeof(out))
    try:
        for i in range(times):
            out.used = 0
            writer.write(&out, <PyObject *>value)
        return (<char *>out.data)[:out.used]
    finally:
        release(&out)


def encoded_sample(ValueWriter writer, sample):
    """The bytes that a writer appends for a sample; for tests."""
    cdef Buffer out
    memset(&out, 0, sizeof(out))
    try:
        writer.write_sample(&out, sample)
        return (<char *>out.data)[:out.used]
    finally:
        release(&out)
