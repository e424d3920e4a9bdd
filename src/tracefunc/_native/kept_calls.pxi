# Part of `_fastmon.pyx`: the recorded calls of a trace that are kept, with their records.

cdef enum:
    CHUNK = 1 << 20  # bytes of complete records that are kept together


cdef struct Place:
    # Where a complete record is; nowhere (NULL) before.
    unsigned char *data
    size_t size


@cython.final
cdef class KeptCalls:
    """The recorded calls of a trace that are kept.

    Where no call makes room for a later one, complete records lie in chunks, and nothing else is left of a call.
    """

    cdef bint full  # whether no call that starts will be recorded any more
    cdef Py_ssize_t most, surplus, next, lost
    cdef list kept  # where calls make room for others: in the order of their starts
    cdef PyObject *unfinished  # the latest of the calls whose records are not complete; each knows the one before
    cdef Place *places  # by number
    cdef Py_ssize_t capacity
    cdef list chunks
    cdef unsigned char *chunk, *end  # where the next complete record goes
    cdef object is_left_out  # which numbers are not shown

    def __cinit__(self, limit):
        self.most, self.surplus = limit.most, limit.surplus
        self.full = self.most == 0
        self.kept, self.chunks = [], []

    def __dealloc__(self):
        cdef PyObject *call
        while self.unfinished != NULL:
            call = self.unfinished
            self.unfinished = (<RecordedCall>call).older
            Py_DECREF(call)
        PyMem_Free(self.places)

    cdef bint add(self, RecordedCall call) except -1:
        """Number a call and keep it, in place of another one if there are too many; return False if it is not kept."""
        cdef RecordedCall dropped
        if self.surplus < 0 and self.next >= self.most:
            return False  # another thread was quicker
        if self.surplus < 0 and self.next >= self.capacity:
            self.grow()
        call.number = self.next
        self.next += 1
        call.is_starting = True
        call.target.starting += 1
        if self.surplus < 0:
            self.link(call)
            self.full = self.next == self.most
        else:
            self.kept.append(call)
            if len(self.kept) > self.most:
                dropped = self.kept.pop(self.surplus)
                dropped.closed = True
        return True

    cdef int grow(self) except -1:
        """Have room for the places of more records."""
        cdef Py_ssize_t capacity = 2 * self.capacity + 16
        cdef Place *places = <Place *>PyMem_Realloc(self.places, capacity * sizeof(Place))
        if places == NULL:
            raise MemoryError
        memset(places + self.capacity, 0, (capacity - self.capacity) * sizeof(Place))
        self.places, self.capacity = places, capacity
        return 0

    cdef int link(self, RecordedCall call) except -1:
        """Hold a call until its record is complete."""
        call.older = self.unfinished
        if self.unfinished != NULL:
            (<RecordedCall>self.unfinished).newer = <PyObject *>call
        self.unfinished = Py_NewRef(<PyObject *>call)
        return 0

    cdef int unlink(self, RecordedCall call) except -1:
        if call.newer != NULL:
            (<RecordedCall>call.newer).older = call.older
        elif self.unfinished == <PyObject *>call:
            self.unfinished = call.older
        else:
            return 0
        if call.older != NULL:
            (<RecordedCall>call.older).newer = call.newer
        call.older = call.newer = NULL
        Py_DECREF(<PyObject *>call)
        return 0

    cdef void enter(self, RecordedCall call) noexcept:
        """Note that the recorder of a call knows it from here on."""
        if call.is_starting:
            call.is_starting = False
            call.target.starting -= 1

    cdef int complete(self, RecordedCall call) except -1:
        """Complete the record of a call, unless that was done, or it is not kept: no frame of it is recorded any more.

        Other threads, which may be in a callback still, add nothing to it. Where this fails, it can be done again.
        """
        cdef Count *hits
        if call.closed:
            return 0
        call.closed = True
        hits = call.count_hits()  # may run Python code: another thread may be quicker, at the end of the trace
        try:
            return 0 if call.is_complete else self.finish(call, hits)
        finally:
            PyMem_Free(hits)

    cdef int finish(self, RecordedCall call, Count *hits) except -1:
        """Put what is left into the record of a call."""
        cdef size_t used = call.record.used
        cdef bint done = False
        try:
            call.flush()
            call.put_hits(hits)
            if self.surplus < 0:
                self.store(call)
            done = call.is_complete = True
        finally:
            if not done:
                call.record.used = used
        call.free_rings()
        if self.surplus < 0:
            self.unlink(call)
        return 0

    cdef int store(self, RecordedCall call) except -1:
        """Put a complete record where it stays."""
        cdef size_t size = call.record.used
        if <size_t>(self.end - self.chunk) < size:
            memory = PyBytes_FromStringAndSize(NULL, max(size, CHUNK if self.chunks else CHUNK >> 4))
            self.chunks.append(memory)
            self.chunk = <unsigned char *><char *>memory
            self.end = self.chunk + len(<bytes>memory)
        memcpy(self.chunk, call.record.data, size)
        self.places[call.number].data, self.places[call.number].size = self.chunk, size
        self.chunk += size
        return 0

    # what is kept

    cdef Py_ssize_t recorded(self):
        """How many calls are kept."""
        return len(self.kept) if self.surplus >= 0 else self.next - self.lost

    cdef list present(self):
        """The calls that are kept, and whose records may not be complete."""
        cdef PyObject *call = self.unfinished
        if self.surplus >= 0:
            return list(self.kept)
        found = []
        while call != NULL:
            found.append(<object>call)
            call = (<RecordedCall>call).older
        return found

    cdef Py_ssize_t leave_out(self, is_left_out) except -1:
        """Show no call with such a number; return how many there are."""
        cdef Py_ssize_t before = self.recorded()
        if self.surplus >= 0:
            self.kept = [call for call in self.kept if not is_left_out((<RecordedCall>call).number)]
        else:
            self.is_left_out = is_left_out if self.is_left_out is None else either(self.is_left_out, is_left_out)
            self.lost = sum([bool(self.is_left_out(number)) for number in range(self.next)])
        return before - self.recorded()

    def records(self):
        """Yield the records of the calls that are kept, in the order of their starts, when the trace is over."""
        cdef Py_ssize_t number
        for call in self.present():
            (<RecordedCall>call).closed = (<RecordedCall>call).is_complete or (<RecordedCall>call).record.used == 0
            self.complete(call)
        if self.surplus >= 0:
            for call in self.kept:
                if (<RecordedCall>call).record.used > 0:  # otherwise there was no memory
                    yield in_bytes(&(<RecordedCall>call).record)
            return
        for number in range(self.next):
            if self.places[number].data == NULL:
                continue
            if self.is_left_out is None or not self.is_left_out(number):
                yield PyBytes_FromStringAndSize(<char *>self.places[number].data, self.places[number].size)


def either(one, other):
    """Whether a number is left out by one of two functions."""
    return lambda number: one(number) or other(number)
