# Part of `_fastmon.pyx`: calls, frames, loops and code objects while a trace runs.

@cython.final
cdef class Call:
    """One recorded call, as `_records.RawCall`."""

    cdef public bint dropped
    cdef list samples
    cdef int *taken  # samples, by line
    cdef Count *extra
    cdef Count **counts  # by code, then by point; NULL: no frame of it yet
    cdef Count *entered
    cdef Count **ended  # where flow has, by code, then by half the offset; NULL: nowhere yet
    cdef char *silenced
    cdef list open
    cdef int codes
    cdef int frames  # being recorded now

    def __cinit__(self, int lines, int codes):
        self.samples = [[] for _ in range(lines)]
        self.open = []
        self.codes = codes
        self.taken = <int *>PyMem_Calloc(lines + 1, sizeof(int))
        self.extra = <Count *>PyMem_Calloc(lines + 1, sizeof(Count))
        self.counts = <Count **>PyMem_Calloc(codes, sizeof(Count *))
        self.ended = <Count **>PyMem_Calloc(codes, sizeof(Count *))
        self.entered = <Count *>PyMem_Calloc(codes, sizeof(Count))
        self.silenced = <char *>PyMem_Calloc(codes, sizeof(char))
        if not (self.taken and self.extra and self.counts and self.ended and self.entered and self.silenced):
            raise MemoryError

    def __dealloc__(self):
        cdef int i
        for i in range(self.codes):
            if self.counts != NULL:
                PyMem_Free(self.counts[i])
            if self.ended != NULL:
                PyMem_Free(self.ended[i])
        PyMem_Free(self.taken)
        PyMem_Free(self.extra)
        PyMem_Free(self.counts)
        PyMem_Free(self.ended)
        PyMem_Free(self.entered)
        PyMem_Free(self.silenced)

    cdef int end_flow(self, Table table, Py_ssize_t offset) except -1:
        """Flow leaves the plan's at an offset."""
        cdef Count *ended = self.ended[table.index]
        if ended == NULL:
            ended = self.ended[table.index] = <Count *>PyMem_Calloc(table.size, sizeof(Count))
            if ended == NULL:
                raise MemoryError
        ended[offset >> 1] += 1
        return 0


cdef struct Live:
    # What an event needs of a code object while it is traced. The recorder owns all of it.
    PyObject *code
    PyObject *own  # its Code
    int *numbers  # as in Table
    Point *points
    char *quiet  # by point: what little is wanted there, 0 if all is


cdef struct Frame:
    # A frame that is being recorded. No reference to it is held.
    void *key
    PyObject *call  # one reference, as to `info`
    PyObject *info  # what `calls` knows of the call, where this is the target's frame
    size_t address  # of its frame object then
    bint gives  # values that are wanted
    bint inner  # it is over before a recorded frame below it is
    Live *code
    Count *counts
    Bits counted  # the loops whose turns an iterator counts in this frame
    Bits uncounted  # those that have begun otherwise
    Count mark  # of a prelude under way: how often its loop had advanced before
    int line  # the state that is under way
    bint holds  # whether it has its exits looked at
    int at  # the offset where it is suspended
    Frame *older  # target that is running; or the next one of those to be used again
    Frame *newer


cdef struct Loop:
    int counted_by  # who counts its turns
    int body  # the point where one begins
    int entered  # how often it has begun since that was looked at last
    Py_ssize_t first, latest  # as long as that is undecided, how many turns were to be expected, or -1
    Count *turns  # the count of a call, and what that was then
    Count before


cdef inline bint pays(Loop *loop, Count *turns) noexcept:
    """Whether a loop that begins has turns enough for an iterator to count them, going by the last times."""
    cdef bint enough
    loop.entered += 1
    if loop.turns == turns and loop.entered < REFUSALS:
        return True
    enough = loop.turns != turns or turns[0] - loop.before > FEW * REFUSALS
    loop.turns, loop.before, loop.entered = turns, turns[0], 0
    return enough


cdef inline bint is_short(Loop *loop) noexcept:
    """Whether a loop has not been long yet, and does not become longer."""
    return loop.counted_by == UNDECIDED and loop.entered > 0 and loop.latest <= loop.first


@cython.final
cdef class Code:
    """A code object while it is traced."""

    cdef Table table
    cdef object code
    cdef Live live
    cdef char *quiet
    cdef int *begins  # by point: how many lines that lack samples begin there
    cdef int *ends  # and how many end there
    cdef int *held  # by point: how many frames may come to it while such a line is under way
    cdef int *patience  # by point: how many events until it is silenced
    cdef int new_patience
    cdef int lasting  # frames that are being recorded and no inner ones
    cdef bint mute  # whether returns are silenced
    cdef int giving  # frames of which the next value is wanted
    cdef bint keeps  # whether yields are silenced
    cdef Loop *loops
    cdef frozenset bodies  # of the loops whose turns are counted, as offsets
    cdef set derived  # points whose counts follow from others then
    cdef int missed  # how often a silenced point has come to be wanted again
    cdef int mended  # of these: how often the code object has been armed since

    def __cinit__(self, plan, bint iterators):
        cdef int i
        self.table = table_of(plan)
        self.code = plan.code
        self.quiet = <char *>PyMem_Calloc(self.table.count + 1, sizeof(char))
        self.begins = <int *>PyMem_Calloc(4 * self.table.count + 1, sizeof(int))
        self.loops = <Loop *>PyMem_Calloc(self.table.loops + 1, sizeof(Loop))
        if self.quiet == NULL or self.begins == NULL or self.loops == NULL:
            raise MemoryError
        for i in range(self.table.loops):
            self.loops[i].counted_by = UNDECIDED if iterators else NOBODY
            self.loops[i].body = self.table.bodies[i]
            self.quiet[self.table.bodies[i]] = PLAIN if iterators else DEAD
        self.ends = self.begins + self.table.count
        self.held = self.ends + self.table.count
        self.patience = self.held + self.table.count
        self.new_patience = PATIENCE
        self.live.code = <PyObject *>self.code
        self.live.own = <PyObject *>self
        self.live.numbers = self.table.numbers
        self.live.points = self.table.points
        self.live.quiet = self.quiet

    def __dealloc__(self):
        PyMem_Free(self.quiet)
        PyMem_Free(self.begins)
        PyMem_Free(self.loops)

    cdef int choose_flow(self) except -1:
        """Decide which counts shall be derived, now that it is seen how long the loops are."""
        cdef int i, number
        cdef Table table = self.table
        bodies = {}  # by loop, offsets
        for i in range(table.loops):
            offset = table.offsets[table.bodies[i]]
            if self.loops[i].counted_by < EVENT and not is_short(&self.loops[i]) and not table.plan.derived_counts.is_unobserved(offset):
                bodies[i] = offset
        derived = table.derived_with(frozenset(bodies.values()))
        if self.derived is not None:  # another thread was quicker
            return 0
        self.bodies, self.derived = frozenset(bodies.values()), derived
        for i in range(table.loops):
            number = table.bodies[i]
            if i not in bodies or number in derived:  # it says nothing about other counts
                self.loops[i].counted_by = NOBODY
                self.quiet[number] = DEAD
        return 0
