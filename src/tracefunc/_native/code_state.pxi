# Part of `_fastmon.pyx`: the code objects that are being traced, and what is needed of their events.

# What is needed of the events at a point.
cdef enum:
    EVERYTHING = 0
    COUNT_ONLY = 1
    COUNT_FOR_NOW = 2  # soon not even that, since the count follows from others
    DERIVED = 4  # nothing: its count is derived from others
    UNREACHABLE = 8  # nothing: no recorded frame can reach it

cdef enum:
    PATIENCE = 200  # events that cost less than arming a code object again
    MOST_PATIENCE = 1 << 24


cdef struct LiveCode:
    # What an event needs of a code object that is being traced. Its CodeState owns all of it.
    PyObject *code
    PyObject *state  # its CodeState
    int *numbers  # as in Table
    Point *points
    char *needed  # as in CodeState


@cython.final
cdef class CodeState:
    """A code object while it is traced."""

    cdef Table table
    cdef object code
    cdef LiveCode live
    cdef char *needed  # by point: EVERYTHING, or what little is needed of its events
    cdef int *begins  # by point: how many lines that lack samples begin there
    cdef int *ends  # and how many end there
    cdef int *watched  # by point: how many frames may reach it while such a line is under way
    cdef int *patience  # by point: how many events until it is disabled
    cdef int new_patience
    cdef int outer_frames  # recorded frames that are not inner ones
    cdef bint returns_disabled
    cdef bint yields_disabled
    cdef int frames_wanting_yields  # frames of which the next yielded value is stored
    cdef LoopCount *loops
    cdef frozenset bodies  # of the loops whose turns are counted, as offsets
    cdef set derived  # the points whose counts then follow from others
    cdef int stale_generation  # how often a disabled point has become needed again
    cdef int rearmed_generation  # the last one of these after which the code object was armed again

    def __cinit__(self, plan, bint with_iterators):
        self.table = table_of(plan)
        self.code = plan.code
        self.needed = <char *>PyMem_Calloc(self.table.count + 1, sizeof(char))
        self.begins = <int *>PyMem_Calloc(4 * self.table.count + 1, sizeof(int))
        self.loops = <LoopCount *>PyMem_Calloc(self.table.loops + 1, sizeof(LoopCount))
        if self.needed == NULL or self.begins == NULL or self.loops == NULL:
            raise MemoryError
        self.ends = self.begins + self.table.count
        self.watched = self.ends + self.table.count
        self.patience = self.watched + self.table.count
        self.new_patience = PATIENCE
        self.live.code = <PyObject *>self.code
        self.live.state = <PyObject *>self
        self.live.numbers = self.table.numbers
        self.live.points = self.table.points
        self.live.needed = self.needed
        cdef int i
        for i in range(self.table.loops):
            self.loops[i].counted_by = UNDECIDED if with_iterators else NOBODY
            self.loops[i].body = self.table.bodies[i]
            self.needed[self.table.bodies[i]] = COUNT_ONLY if with_iterators else UNREACHABLE

    def __dealloc__(self):
        PyMem_Free(self.needed)
        PyMem_Free(self.begins)
        PyMem_Free(self.loops)

    cdef int choose_derived(self) except -1:
        """Decide which counts are derived, now that it is known how long the loops are."""
        cdef int i, number
        cdef Table table = self.table
        bodies = {}  # by loop, offsets
        for i in range(table.loops):
            if self.loops[i].counted_by < EVENT and not is_short(&self.loops[i]):
                offset = table.offsets[table.bodies[i]]
                if not table.plan.derived_counts.is_unobserved(offset):
                    bodies[i] = offset
        derived = table.derived_with(frozenset(bodies.values()))
        if self.derived is not None:  # another thread was quicker
            return 0
        self.bodies, self.derived = frozenset(bodies.values()), derived
        for i in range(table.loops):
            number = table.bodies[i]
            if i not in bodies or number in derived:  # no other count follows from it
                self.loops[i].counted_by = NOBODY
                self.needed[number] = UNREACHABLE
        return 0


cdef LiveCode _no_code


@cython.final
@cython.no_gc  # nothing that it refers to leads back to a recorder
cdef class CodeStates:
    """The code objects of a plan while it is traced."""

    cdef list all  # CodeStates, the target's first
    cdef Map by_code  # LiveCodes
    cdef LiveCode *last  # that was looked up

    def __cinit__(self, plan, bint with_iterators):
        self.all = [CodeState(code_plan, with_iterators) for code_plan in plan.codes]
        self.by_code = Map()
        for code_state in self.all:
            self.by_code.put((<CodeState>code_state).live.code, &(<CodeState>code_state).live)
        self.last = &_no_code

    cdef inline LiveCode *find(self, PyObject *code) noexcept:
        """What an event needs of its code object; NULL if that is not traced."""
        cdef LiveCode *found
        if code != self.last.code:
            found = <LiveCode *>self.by_code.get(code)
            if found == NULL:
                return NULL
            self.last = found
        return self.last
