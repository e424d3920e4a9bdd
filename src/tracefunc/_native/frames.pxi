# Part of `_fastmon.pyx`: the frames that are being recorded, and where each of them stands.

# Whether a generator expression gets its iterator, perhaps by code of the program, before it is a generator.
cdef bint MADE_IN_STEPS = _interpreter.GENEXPR_RUNS_BEFORE_IT_IS_MADE
cdef bint OTHERS_RUN_BEFORE_A_START = _interpreter.OTHERS_RUN_BEFORE_A_START


cdef struct Frame:
    # A frame that is being recorded. No reference to it is held.
    void *key  # the address of the interpreter's record of it
    PyObject *call  # what it counts for; one reference, as to `own_call`
    PyObject *own_call  # the call whose frame it is, if it is the target's
    bint wants_yields  # whether the next value that it yields is stored
    bint inner  # it is over before a recorded frame below it is
    LiveCode *live
    Count *counts
    Bits counted  # the loops whose turns an iterator counts in this frame
    Bits uncounted  # the loops that have begun otherwise
    Count mark  # of a prelude under way: how often its loop had advanced before
    int line  # the line under way, or the prelude
    int next_line  # the same once it has changed, while that is being done
    bint changes_line
    bint ended  # its end is part of what its call has counted
    bint watches_exits  # whether the events where that can end are needed
    int at  # the offset where it is suspended
    int cleaned_up  # the line before the clean-up code that runs, which an exception may have ended
    Count cleaned_up_at  # the moment of its sample
    Frame *older  # the target's frame that started before; or the next spare one
    Frame *newer


@cython.final
@cython.no_gc  # nothing that it refers to leads back to a recorder
cdef class Frames:
    """The frames that are being recorded."""

    cdef CodeStates codes
    cdef Map by_key
    cdef void *last_key  # that was looked up, and what was found
    cdef Frame *last_frame
    cdef Frame *spare
    cdef Frame *newest  # the target's frame that started last
    cdef int outer  # recorded frames that are not inner ones
    cdef bint has_inner  # whether a frame can be an inner one
    cdef void *base  # the record of the frame that runs `fn`, once that was asked for
    cdef bint knows_base

    def __cinit__(self, CodeStates codes):
        self.codes = codes
        self.by_key = Map()
        # A greenlet leaves its stack, and may not come back.
        self.has_inner = not FREE_THREADED and "greenlet" not in sys.modules

    def __dealloc__(self):
        cdef size_t i
        cdef Frame *next
        if self.by_key is not None:
            for i in range(self.slots()):
                if self.at(i) != NULL:
                    self.free(self.at(i))
        while self.spare != NULL:
            next = self.spare.older
            PyMem_Free(self.spare)
            self.spare = next

    # looking up

    cdef inline Frame *current(self) noexcept:
        """The frame that executes, if it is being recorded."""
        cdef void *key = tracefunc_current_frame()
        if key != self.last_key:
            self.last_key = key
            self.last_frame = <Frame *>self.by_key.get(key)
        return self.last_frame

    cdef inline size_t slots(self) noexcept:
        """How many places `at` can be asked for."""
        return self.by_key.mask + 1

    cdef inline Frame *at(self, size_t i) noexcept:
        """One of the frames, or NULL."""
        return <Frame *>self.by_key.slots[i].value if self.by_key.slots[i].key != NULL else NULL

    cdef inline bint are_none(self) noexcept:
        return self.by_key.used == 0

    cdef Frame *recorded_below(self, void *key, bint *ours) except? NULL:
        """The nearest recorded frame below another one. NULL, and `ours` is set: one of our code is not recorded."""
        cdef Frame *frame
        cdef PyObject *code
        while True:
            key = tracefunc_frame_below(key)
            if key == NULL or key == self.base:
                return NULL
            code = tracefunc_code_of(key)
            frame = <Frame *>self.by_key.get(key)
            if frame != NULL and frame.live.code == code:
                return frame
            if self.codes.by_code.get(code) != NULL:
                if MADE_IN_STEPS and (<PyCodeObject *>code).co_flags & SUSPENDING and is_being_made(key):
                    continue
                ours[0] = True
                return NULL

    # coming and going

    cdef Frame *enter(self, CodeState code_state, RecordedCall call, void *key) except NULL:
        """A frame starts that is recorded."""
        cdef Count *counts = call.enter(code_state.table)
        cdef Frame *frame = self.new()
        frame.key = key
        frame.call = Py_NewRef(<PyObject *>call)
        frame.live = &code_state.live
        frame.counts = counts
        frame.line = code_state.table.entry
        frame.at = frame.cleaned_up = -1
        self.by_key.put(key, frame)
        self.last_key = key
        self.last_frame = frame
        return frame

    cdef void start_call(self, Frame *frame) noexcept:
        """A frame is that of a call which starts."""
        frame.own_call = Py_NewRef(frame.call)
        frame.older = self.newest
        if self.newest != NULL:
            self.newest.newer = frame
        self.newest = frame

    cdef void start_again(self, Frame *frame, Table table) noexcept:
        """An inner frame starts where the same code ran before for the same frame below."""
        frame.line = table.entry
        frame.at = frame.cleaned_up = -1
        frame.ended = False
        frame.counted = frame.uncounted = 0
        (<RecordedCall>frame.call).entered[table.index] += 1

    cdef void remove(self, Frame *frame) noexcept:
        """A frame is not found any more, but not free yet."""
        self.by_key.drop(frame.key)
        self.last_key = NULL
        if frame.own_call != NULL:
            if frame.newer != NULL:
                frame.newer.older = frame.older
            else:
                self.newest = frame.older
            if frame.older != NULL:
                frame.older.newer = frame.newer

    cdef Frame *new(self) except NULL:
        cdef Frame *frame = self.spare
        if frame != NULL:
            self.spare = frame.older
            memset(frame, 0, sizeof(Frame))
        else:
            frame = <Frame *>PyMem_Calloc(1, sizeof(Frame))
            if frame == NULL:
                raise MemoryError
        return frame

    cdef void free(self, Frame *frame) noexcept:
        Py_XDECREF(frame.call)
        Py_XDECREF(frame.own_call)
        frame.older = self.spare
        self.spare = frame


cdef dict offsets_of(list frames):
    """Where frames stand, by the address of their records and that of their code."""
    return {
        (<size_t>tracefunc_frame_of(<PyFrameObject *>each), id(each.f_code)): each.f_lasti for each in frames
    }


cdef bint is_being_made(void *key) except -1:
    """Whether a frame below is about to be a generator's: until it is, no frame object leads to it."""
    frame = <object>PyEval_GetFrame()
    while frame is not None:
        if tracefunc_frame_of(<PyFrameObject *>frame) == key:
            return False
        frame = frame.f_back
    return True
