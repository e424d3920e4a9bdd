# Part of `_fastmon.pyx`: a call while it is recorded, and what is known of its target: the twin of `raw_call.py`.

from ._log import records
from ._record.hits import count_hits as hits_of
from ._record.raw_call import RawCall

cdef enum:
    MOST_SPARE = 64  # blocks of memory that are kept to be used again

cdef extern from "_native/log_buffer.h":
    int put_number "tracefunc_put_varint"(Buffer *out, unsigned long long number) except -1

cdef extern from "_native/log_records.h":
    int put_bytes "tracefunc_put_raw"(Buffer *out, const unsigned char *data, size_t size) except -1
    Count nanoseconds "tracefunc_nanoseconds"()

cdef extern from "_native/log_rings.h":
    ctypedef struct Part "tracefunc_part":
        Count moment
        unsigned char *data
        size_t size, plain
    ctypedef struct Ring "tracefunc_ring":
        Py_ssize_t many
    void free_ring "tracefunc_free_ring"(Ring *ring)
    int keep_part "tracefunc_keep_part"(Ring *ring, Py_ssize_t most, Py_ssize_t surplus, const Part *new_one) except -1
    Part *part_of "tracefunc_part_of"(Ring *ring, Count moment)
    int end_part "tracefunc_end_part"(Part *part, int tag, const unsigned char *data, size_t size) except -1
    int put_ring "tracefunc_put_ring"(Buffer *out, const Ring *ring, Py_ssize_t surplus) except -1
    int put_rings "tracefunc_put_rings"(Buffer *out, const Ring *rings, Py_ssize_t number) except -1

cdef int PART_SAMPLE = records.SAMPLE, PART_RAISED_SAMPLE = records.RAISED_SAMPLE, PART_RAISED = records.RAISED
cdef int PART_YIELDED = records.YIELDED, PART_MORE_YIELDED = records.MORE_YIELDED
cdef int PART_RETURNED = records.RETURNED, PART_FAILED = records.FAILED
cdef int PART_HITS = records.HITS, PART_LOST = records.LOST


@cython.final
cdef class Target:
    """What the log knows of a target."""

    cdef object plan
    cdef PyObject *code
    cdef int index, lines, codes
    cdef list code_states  # of its recorder
    cdef Variables parameters
    cdef bint hides, may_tell  # whether nothing that it gives is shown; whether what it raises may tell of that
    cdef bint hides_some, hides_yielded  # whether some of what it returns is hidden, or what it yields
    cdef int starting  # calls that its recorder does not know yet
    cdef bint has_context  # whether its calls have their own: a generator has its consumer's
    cdef bint awaits  # whether it is an async generator
    cdef size_t size  # of the block of numbers of a call
    cdef char *spare  # blocks, each with the address of the next one
    cdef int spares

    def __cinit__(self, int index, plan, redaction):
        code_plan = plan.codes[0]
        self.index, self.plan, self.code = index, plan, <PyObject *>code_plan.code
        self.lines, self.codes = len(plan.lines), len(plan.codes)
        self.parameters = Variables([plan.parameters], code_plan.code)
        self.hides = redaction is not None and redaction.hides(code_plan.code.co_name)
        self.hides_some, self.hides_yielded = plan.outcomes.hides_any, plan.outcomes.hides_yielded
        self.may_tell = redaction is not None and redaction.mentions(code_plan.code)
        flags = code_plan.code.co_flags
        self.has_context = flags & (_interpreter.GENERATOR | ASYNCHRONOUS) != _interpreter.GENERATOR
        self.awaits = flags & _interpreter.ASYNC_GENERATOR != 0
        self.size = self.lines * (2 * sizeof(Count) + sizeof(int))
        self.size += self.codes * (sizeof(Count) + 2 * sizeof(void *) + 1)

    def __dealloc__(self):
        cdef char *next
        while self.spare != NULL:
            next = (<char **>self.spare)[0]
            PyMem_Free(self.spare)
            self.spare = next

    cdef char *take(self) except NULL:
        """Memory for the numbers of a call, all of them 0."""
        cdef char *block = self.spare
        if block == NULL:
            block = <char *>PyMem_Calloc(1, self.size + sizeof(void *))
            if block == NULL:
                raise MemoryError
            return block
        self.spare = (<char **>block)[0]
        self.spares -= 1
        memset(block, 0, self.size)
        return block

    cdef void give_back(self, char *block) noexcept:
        if self.spares >= MOST_SPARE:
            PyMem_Free(block)
            return
        (<char **>block)[0] = self.spare
        self.spare = block
        self.spares += 1


@cython.final
@cython.no_gc_clear  # its memory is given back to the target
@cython.trashcan(True)
cdef class RecordedCall(Scope):
    """A call while it is recorded: its record so far, and the numbers from which the hits of its lines follow."""

    cdef Target target
    cdef Py_ssize_t number  # in the order in which calls start
    cdef Count began  # the moment of its start
    cdef Count started  # by the clock, in nanoseconds
    cdef bint ended  # whether it has returned, or raised
    cdef bint closed  # whether nothing is added to its record: that is complete, or a later call has taken its place
    cdef bint is_complete
    cdef bint is_starting  # whether its recorder does not know it yet
    cdef bint has_scope  # whether its start has changed the context
    cdef int above  # the node of the frame that called it
    cdef Buffer record
    cdef char *block  # the memory of these numbers:
    cdef Count *extra  # by line: hits that are no point's count
    cdef Count *last  # by line: the moment of its latest sample
    cdef Count *entered  # by code: frames
    cdef Count **counts  # by code, then by point; NULL: no frame of it yet
    cdef Count **left  # how often flow has ended, by code, then by half the offset; NULL: nowhere yet
    cdef int *taken  # samples, by line
    cdef char *derives  # by code: whether some of its counts are derived
    cdef list open  # the lines under way in frames that have not ended
    cdef Ring *rings  # by line: the samples that may have to make room for later ones; NULL: there are none
    cdef Ring ring_of_yields  # the same of what it has yielded
    cdef int surplus_of_yields  # which of these goes
    cdef Count yields  # samples of what it has yielded
    cdef int max_samples
    cdef int frames  # that are being recorded and no inner ones
    cdef PyObject *older  # the calls around it in the list of those that are not complete
    cdef PyObject *newer

    def __cinit__(self, Target target, int max_samples):
        cdef int lines = target.lines, codes = target.codes
        self.target, self.max_samples, self.number = target, max_samples, -1
        self.is_recorded = True
        self.block = target.take()
        self.extra = <Count *>self.block
        self.last = self.extra + lines
        self.entered = self.last + lines
        self.counts = <Count **>(self.entered + codes)
        self.left = self.counts + codes
        self.taken = <int *>(self.left + codes)
        self.derives = <char *>(self.taken + lines)

    def __dealloc__(self):
        cdef int i
        if self.block != NULL:
            for i in range(self.target.codes):
                PyMem_Free(self.counts[i])
                PyMem_Free(self.left[i])
            self.target.give_back(self.block)
        release(&self.record)
        self.free_rings()

    cdef inline bint lacks(self, int line) noexcept:
        """Whether it lacks samples of a line."""
        return self.taken[line] < self.max_samples

    cdef Count *enter(self, Table table) except NULL:
        """A frame starts. Returns the counts of its code object's points."""
        cdef Count *counts = self.counts[table.index]
        if counts == NULL:
            counts = self.counts[table.index] = <Count *>PyMem_Calloc(table.count + 1, sizeof(Count))
            if counts == NULL:
                raise MemoryError
        self.entered[table.index] += 1
        return counts

    cdef int end_flow(self, Table table, Py_ssize_t offset) except -1:
        """Control leaves the plan's flow at an offset."""
        cdef Count *left = self.left[table.index]
        if left == NULL:
            left = self.left[table.index] = <Count *>PyMem_Calloc(table.size, sizeof(Count))
            if left == NULL:
                raise MemoryError
        left[offset >> 1] += 1
        return 0

    cdef int append(self, Buffer *part) except -1:
        """Append a part to the record, unless that is closed."""
        return 0 if self.closed else put_bytes(&self.record, part.data, part.used)

    # samples that may have to make room

    cdef int keep_sample(self, int line, Count moment, size_t start, size_t plain, int surplus) except -1:
        """Take a sample off the end of the record, from `start` on, in place of an earlier one if there are too many.

        Up to `plain` it does not tell of an exception.
        """
        cdef Part part
        cdef Buffer *out = &self.record
        part.moment, part.data, part.size, part.plain = moment, out.data + start, out.used - start, plain - start
        out.used = start
        if self.rings == NULL:
            self.rings = <Ring *>PyMem_Calloc(self.target.lines, sizeof(Ring))
            if self.rings == NULL:
                raise MemoryError
        return keep_part(&self.rings[line], self.max_samples, surplus, &part)

    cdef int keep_yield(self, Buffer *yielded, int most, int surplus) except -1:
        """Keep a part of the record with a yielded value, in place of an earlier one if there are too many."""
        cdef Part part
        part.moment, part.data, part.size, part.plain = 0, yielded.data, yielded.used, yielded.used
        self.surplus_of_yields = surplus
        return keep_part(&self.ring_of_yields, most, surplus, &part)

    cdef int flush(self) except -1:
        """Put what was kept apart into the record, as there is nothing any more that could take its place."""
        if self.rings != NULL:
            put_rings(&self.record, self.rings, self.target.lines)
        return put_ring(&self.record, &self.ring_of_yields, self.surplus_of_yields)

    cdef void free_rings(self) noexcept:
        cdef int line
        if self.rings != NULL:
            for line in range(self.target.lines):
                free_ring(&self.rings[line])
            PyMem_Free(self.rings)
            self.rings = NULL
        free_ring(&self.ring_of_yields)

    # hits

    cdef int put_hits(self, Count *hits) except -1:
        """Append how often each line was hit, where that is not the number of its samples; the record is complete."""
        cdef int line, lines = self.target.lines, before = 0
        cdef Count samples
        cdef bint lost = False
        for line in range(lines):
            lost = lost or hits[line] < 0
        put_tag(&self.record, PART_LOST if lost else PART_HITS)
        for line in range(lines):
            samples = self.taken[line] if self.rings == NULL else self.rings[line].many
            if hits[line] != samples:
                put_number(&self.record, line + 1 - before)
                put_number(&self.record, max(hits[line], 0))
                before = line + 1
        put_tag(&self.record, 0)
        return 0

    cdef Count *count_hits(self) except NULL:
        """Return how often each line was hit, in memory that the caller frees."""
        cdef bint done = False
        cdef Count *hits = <Count *>PyMem_Calloc(self.target.lines + 1, sizeof(Count))
        if hits == NULL:
            raise MemoryError
        try:
            self.add_hits(hits)
            done = True
        finally:
            if not done:
                PyMem_Free(hits)
        return hits

    cdef int add_hits(self, Count *hits) except -1:
        """Add up how often each line was hit, as `_record/hits.py` does."""
        cdef int index, line, lines = self.target.lines
        for index in range(self.target.codes):
            if self.derives[index]:
                for line, count in enumerate(hits_of(self.target.plan, self.numbers())):
                    hits[line] = count
                return 0
        for line in range(lines):
            hits[line] = self.extra[line]
        for index in range(self.target.codes):
            if self.counts[index] != NULL:
                table = (<CodeState>self.target.code_states[index]).table
                table.add_hits(self.counts[index], hits, lines)
        if self.open is not None:  # they were counted when they started
            for opened in self.open:
                hits[<int>opened] -= 1
        return 0

    cdef object numbers(self):
        """The same numbers for what is written in Python."""
        cdef CodeState code_state
        cdef int index, at, number
        target = self.target
        found = RawCall(target.index, target.lines, target.codes)
        found.extra = [self.extra[number] for number in range(target.lines)]
        found.open = self.open or []
        for index in range(target.codes):
            code_state = target.code_states[index]
            found.entered[index] = self.entered[index]
            if self.left[index] != NULL:
                left = self.left[index]
                found.left[index] = {2 * at: left[at] for at in range(code_state.table.size) if left[at]}
            if self.derives[index]:
                found.silenced.add(index)
                found.loops[index] = code_state.bodies
            if self.counts[index] != NULL:
                counts, offsets = self.counts[index], code_state.table.offsets
                found.counts[index] = {offsets[number]: counts[number] for number in range(code_state.table.count)}
        return found


# --- buffers ---

cdef Buffer *_spare[8]  # buffers that nobody uses
cdef int _spares = 0


cdef Buffer *take_buffer() except NULL:
    """An empty buffer."""
    global _spares
    cdef Buffer *buffer
    if _spares > 0 and not FREE_THREADED:
        _spares -= 1
        return _spare[_spares]
    buffer = <Buffer *>PyMem_Calloc(1, sizeof(Buffer))
    if buffer == NULL:
        raise MemoryError
    return buffer


cdef void give_buffer(Buffer *buffer) noexcept:
    global _spares
    if _spares < 8 and not FREE_THREADED:
        buffer.used = 0
        _spare[_spares] = buffer
        _spares += 1
    else:
        release(buffer)
        PyMem_Free(buffer)


cdef bytes in_bytes(Buffer *part):
    return PyBytes_FromStringAndSize(<char *>part.data, part.used)
