# Part of `_fastmon.pyx`: values as bytes, whatever they are: the twin of `_log/values.py`.
#
# It catches no exception in Cython, since it may run in callbacks that have no entry of their own for handled ones.

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
    int KNOWN_TYPES "TRACEFUNC_KNOWN_TYPES"
    KnownType *place_of_type "tracefunc_place_of_type"(KnownType *all, PyTypeObject *kind)
    bint is_known "tracefunc_is_known"(const KnownType *known, PyTypeObject *kind)
    unsigned int version_of "tracefunc_version_of"(PyTypeObject *kind)
    object names_of "tracefunc_names_of"(PyTypeObject *kind)
    void keep_type "tracefunc_keep_type"(KnownType *known, const KnownType *new_one, object names)
    bint has_objects_repr "tracefunc_has_objects_repr"(PyObject *value)
    int put_object "tracefunc_put_object"(Buffer *out, PyObject *value, const KnownType *known) except -1
    int put_text "tracefunc_put_text"(Buffer *out, unsigned long long name_number, object text) except -1
    object answer "tracefunc_answer"(object function, object value, object otherwise)
    object object_text "tracefunc_object_text"(object value)

cdef extern from "Python.h":
    PyTypeObject *type_of "Py_TYPE"(PyObject *value)
    void forget_name "Py_XDECREF"(PyObject *name)


@cython.final
cdef class ValueWriter:
    """Writes values as bytes, from which `ValueReader` makes the texts that `describe` would have given.

    Where threads run at once, one of them at a time may use it.
    """

    cdef object describe, texts
    cdef dict numbers  # of the texts
    cdef Py_ssize_t room
    cdef int shown  # which values need not be described
    cdef KnownType *types  # by a hash of the address; NULL until there is one

    def __init__(self, describe, texts):
        self.describe, self.texts, self.numbers = describe, texts, texts.numbers
        self.shown, self.room = shown_by_repr(describe)

    def __dealloc__(self):
        if self.types != NULL:
            for i in range(KNOWN_TYPES):
                forget_name(self.types[i].name)
                forget_name(self.types[i].qualname)
            PyMem_Free(self.types)

    cdef inline int write(self, Buffer *out, PyObject *value) except -1:
        """Append a value. What is no Exception and comes from describing it is raised; then nothing is appended."""
        if put_value(out, value, self.room, self.shown):
            return 1
        return self.write_other(out, value)

    cdef int write_other(self, Buffer *out, PyObject *value) except -1:
        """Append a value that is no number, string or container, or one that has to be described."""
        held = <object>value  # whose repr may drop the reference that the caller has borrowed
        if self.shown == SHOWS_OBJECTS:
            if has_objects_repr(value):
                if self.write_object(out, value):
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

    cdef int write_object(self, Buffer *out, PyObject *value) except -1:
        """Append an object without a repr of its own; 0 if its text is not what is expected."""
        cdef PyTypeObject *kind = type_of(value)
        if self.types == NULL:
            self.types = <KnownType *>PyMem_Calloc(KNOWN_TYPES, sizeof(KnownType))
            if self.types == NULL:
                raise MemoryError
        cdef KnownType *known = place_of_type(self.types, kind)
        if is_known(known, kind):
            return put_object(out, value, known)
        return self.learn_type(out, value, kind)

    cdef int learn_type(self, Buffer *out, PyObject *value, PyTypeObject *kind) except -1:
        """Append an object of a type that is not known yet, and note what the next one of that type needs."""
        cdef KnownType new
        memset(&new, 0, sizeof(new))
        new.kind, new.version, names = kind, version_of(kind), names_of(kind)  # first: it may change meanwhile
        text = object_text(<object>value)
        end = f"{<size_t>value:x}>"
        if text is None or not (<str>text).endswith(f" at 0x{end}"):
            return 0
        name = answer(name_of, <object>kind, None)
        number = None if name is None else self.number(name)
        before_number = None if number is None else self.number((<str>text)[:-len(end)])
        if before_number is None:  # no stack left
            return 0
        new.name_number, new.before_number = number, before_number
        if new.version:
            keep_type(place_of_type(self.types, kind), &new, names)
        return put_object(out, value, &new)

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
