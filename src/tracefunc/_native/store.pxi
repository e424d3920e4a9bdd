# Part of `_fastmon.pyx`: all that is stored of hits and calls. Nothing else here knows how or where.

cdef enum:
    MOST_SAMPLES = 0x7FFFFFFF


@cython.final
cdef class RecordedCall:
    """What is stored of one call, as in `raw_call.RawCall`."""

    cdef public bint dropped  # nobody will ask for it
    cdef list samples
    cdef int *taken  # samples, by line
    cdef Count *extra  # by line: hits that are no point's count
    cdef Count **counts  # by code, then by point; NULL: no frame of it yet
    cdef Count *entered  # by code: frames
    cdef Count **ended  # how often flow has, by code, then by half the offset; NULL: nowhere yet
    cdef char *derives  # by code: whether some of its counts are derived
    cdef list open  # the lines under way in frames that have not ended
    cdef int codes, max_samples
    cdef int frames  # that are being recorded and no inner ones

    def __cinit__(self, int lines, int codes, int max_samples):
        self.samples = [[] for _ in range(lines)]
        self.open = []
        self.codes, self.max_samples = codes, max_samples
        self.taken = <int *>PyMem_Calloc(lines + 1, sizeof(int))
        self.extra = <Count *>PyMem_Calloc(lines + 1, sizeof(Count))
        self.counts = <Count **>PyMem_Calloc(codes, sizeof(Count *))
        self.ended = <Count **>PyMem_Calloc(codes, sizeof(Count *))
        self.entered = <Count *>PyMem_Calloc(codes, sizeof(Count))
        self.derives = <char *>PyMem_Calloc(codes, sizeof(char))
        if not (self.taken and self.extra and self.counts and self.ended and self.entered and self.derives):
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
        PyMem_Free(self.derives)

    def sampled(self, int line):
        """How many samples of a line there are."""
        return len(self.samples[line])

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
        cdef Count *ended = self.ended[table.index]
        if ended == NULL:
            ended = self.ended[table.index] = <Count *>PyMem_Calloc(table.size, sizeof(Count))
            if ended == NULL:
                raise MemoryError
        ended[offset >> 1] += 1
        return 0


@cython.final
cdef class Store:
    """Stores the samples, calls and results of one target: the only part that knows `Calls`."""

    cdef object calls, describe, moments
    cdef int target, lines, codes
    cdef int max_samples, surplus
    cdef long long refused  # calls that are seen, and of which `calls` does not know

    def __cinit__(self, plan, calls, int target, samples):
        self.calls, self.describe, self.moments = calls, calls.describe, calls.moments
        self.target, self.lines, self.codes = target, len(plan.lines), len(plan.codes)
        self.max_samples = min(samples.most, MOST_SAMPLES)
        self.surplus = samples.surplus

    # which calls are recorded

    cdef bint is_full(self) except -1:
        """Whether no call is recorded that has not started."""
        return self.calls.full

    cdef bint is_complete(self) except -1:
        """Whether no call starts any more that is recorded."""
        return self.calls.full and not self.calls.is_starting(self.target)

    cdef object open(self, PyFrameObject *frame, int answer, object error):
        """A call starts in a frame. Returns what is known of the call, None if it is not recorded.

        `answer` is what `when` says of it, `error` what it has raised.
        """
        try:
            if answer == UNASKED:
                return self.calls.open(self.target, <object>frame)
            return self.calls.open(self.target, <object>frame, answer == ACCEPTED, error)
        except RecursionError:  # the program's own limit, so near that there is nothing left for us
            return None

    cdef bint pass_over(self, PyFrameObject *frame) except -1:
        """A call starts after the last one that is recorded. Returns whether the next one is of interest."""
        try:
            return self.calls.pass_over(self.target, <object>frame)
        except RecursionError:
            return True

    cdef bint watches(self) except -1:
        """Whether it is of interest that another call starts, although none is recorded any more."""
        return self.calls.watches(self.target)

    cdef RecordedCall new_call(self):
        """What is stored of a call that starts."""
        return RecordedCall(self.lines, self.codes, self.max_samples)

    cdef tuple call_around(self):
        """Whether the context knows which call nested code runs in, and that call, if it is recorded."""
        return self.calls.around(self.target)

    cdef void *base(self) except? NULL:
        """The interpreter's record of the frame that runs `fn`: no call of ours is below it."""
        cdef size_t frame = self.calls.base
        return NULL if frame == 0 else tracefunc_frame_of(<PyFrameObject *>frame)

    # what a call gives

    cdef bint give(self, PyObject *info, PyObject *value) except -1:
        """A call yields a value. Returns whether the next one is wanted too."""
        return self.calls.give(<object>info, <object>value)

    cdef int close(self, PyObject *info, size_t address, int where, bint raised, PyObject *value) except -1:
        """A call ends with a value, or with an exception."""
        try:
            if raised:
                self.calls.close(<object>info, address, where, None, <object>value)
            else:
                self.calls.close(<object>info, address, where, <object>value, None)
        except RecursionError:
            pass
        return 0

    cdef int forget(self, PyObject *info, size_t address) except -1:
        """The frame of a call is gone."""
        self.calls.forget(<object>info, address)
        return 0

    cdef int leave_refused(self, Table table) except -1:
        """A frame that is not recorded, the one that executes, ends: perhaps a call that can be suspended."""
        if table.is_target and table.flags & ASYNCHRONOUS:
            self.calls.leave(<size_t>PyEval_GetFrame())
        return 0

    # samples

    cdef inline bint wants(self, RecordedCall call, int line) noexcept:
        """Whether a sample of a line, taken now, is stored."""
        return call.lacks(line) or self.surplus >= 0

    cdef bint sample(self, RecordedCall call, Table table, int line, PyObject *error) except -1:
        """Take a sample of a line in the frame that executes, whose hit an exception has ended unless that is NULL.

        Returns whether the line has all its samples now.
        """
        if call.dropped:
            return False
        frame = <object>PyEval_GetFrame()
        readers = table.readers[line]
        moment = next(self.moments)
        raised = None if error == NULL else self.calls.sample_error(self.target, <object>error)
        if "greenlet" in sys.modules:
            values = watched(self.calls.note_switch, values_of, frame, readers, self.describe)
        else:
            values = values_of(frame, readers, self.describe)
        row = moment, values, raised
        if self.surplus >= 0:
            rows = <list>call.samples[line]
            rows.append(row)
            if len(rows) > self.max_samples:
                del rows[self.surplus]
        elif call.lacks(line):  # other threads may have been quicker
            call.samples[line].append(row)
            call.taken[line] += 1
            return not call.lacks(line)
        return False

    cdef Count last_moment(self, RecordedCall call, int line) except? -1:
        """When a line was sampled last; -1 if it was not."""
        rows = <list>call.samples[line]
        return rows[len(rows) - 1][0] if len(rows) else -1

    cdef int mark_raised(self, RecordedCall call, int line, Count moment, PyObject *error) except -1:
        """An exception has ended the hit of a line that was sampled at a moment."""
        cdef Py_ssize_t i
        rows = <list>call.samples[line]
        for i in range(len(rows) - 1, -1, -1):
            if rows[i][0] == moment:
                rows[i] = moment, rows[i][1], self.calls.sample_error(self.target, <object>error)
                break
        return 0

    # the end

    cdef int survive(self, object error, PyObject *call, bint starts) except -1:
        """A callback has failed, for a frame of a call, or one that starts: the program must not notice."""
        calls = self.calls
        if isinstance(error, RecursionError) and call == NULL and (calls.full or not starts):
            return 0  # no stack is left, and nothing was to be recorded
        try:
            calls.give_up(error, None if call == NULL else <object>call)
        except Exception:  # once more: that is enough to leave nothing wrong in the results, and to say so
            calls.failed = True
        return 0

    cdef int count_refused(self) except -1:
        """Let `calls` know of the calls that were refused without it."""
        self.calls.add_refused(self.target, self.refused)
        self.refused = 0
        return 0

    cdef object record(self, RecordedCall call, list code_states):
        """What was recorded of a call."""
        cdef CodeState code_state
        cdef int index
        found = RawCall(self.lines, call.codes)
        # Copies: another thread may still be in a callback.
        found.samples = [rows.copy() for rows in call.samples]
        found.extra = [call.extra[number] for number in range(self.lines)]
        found.open = call.open
        for index in range(call.codes):
            code_state = code_states[index]
            found.entered[index] = call.entered[index]
            if call.ended[index] != NULL:
                ended = call.ended[index]
                found.left[index] = {2 * at: ended[at] for at in range(code_state.table.size) if ended[at]}
            if call.derives[index]:
                found.silenced.add(index)
                found.loops[index] = code_state.bodies
            if call.counts[index] != NULL:
                counts, offsets = call.counts[index], code_state.table.offsets
                found.counts[index] = {offsets[i]: counts[i] for i in range(code_state.table.count)}
        return found
