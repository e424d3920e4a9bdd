# Part of `_fastmon.pyx`: all that is stored of the calls of one target: which calls, and the samples of their lines.

from ._record.greenlets import watched

cdef enum:
    MOST_SAMPLES = 0x7FFFFFFF


cdef struct Sample:
    # A sample that is being taken: the head of it, and the values of some variables, may be at the end of a record.
    int line
    Count moment
    size_t start, values  # where that head and these values begin in the record
    int done  # of how many variables


@cython.final
cdef class Store:
    """Stores the samples, calls and results of one target: the only part that knows `Calls` and the log."""

    cdef object calls
    cdef CallLog log
    cdef Target target
    cdef ValueWriter writer
    cdef int lines, max_samples, surplus
    cdef bint chooses  # whether `calls` has to be asked which calls are recorded
    cdef bint was_called
    cdef long long refused  # calls that are seen, and of which `calls` does not know

    def __cinit__(self, calls, int target, samples, list code_states):
        self.calls, self.log, self.chooses = calls, calls.log, calls.chooses
        self.target = self.log.targets[target]
        self.target.code_states = code_states
        self.writer = ValueWriter(calls.describe, self.log.texts)
        self.lines = self.target.lines
        self.max_samples = min(samples.most, MOST_SAMPLES)
        self.surplus = samples.surplus

    # which calls are recorded

    cdef bint is_full(self) noexcept:
        """Whether no call is recorded that has not started."""
        return self.log.kept.full

    cdef bint is_complete(self) noexcept:
        """Whether no call starts any more that is recorded."""
        return self.log.kept.full and not self.target.starting > 0

    cdef object open(self, void *key, int answer, object error):
        """The call that starts in the frame that executes, whose record is `key`; None if it is not recorded.

        `answer` is what `when` says of it, `error` what it has raised.
        """
        cdef bint is_chosen = answer == ACCEPTED or answer == UNASKED and not self.chooses
        try:
            if is_chosen and error is None and not self.log.kept.full:
                return self.start(key)
            frame = <object>PyEval_GetFrame()
            if answer == UNASKED:
                return self.calls.open(self.target.index, frame)
            return self.calls.open(self.target.index, frame, answer == ACCEPTED, error)
        except RecursionError:  # the program's own limit, so near that there is nothing left for us
            return None

    cdef object start(self, void *key):
        """The same for a call that is to be recorded, as is known without asking."""
        self.log.seen += 1
        if not self.was_called:
            self.was_called = self.calls.called[self.target.index] = True
        call = self.log.start_at(self.target, key, NULL)
        if call is None:
            self.calls.come_too_late(self.target.index)
        elif self.log.kept.full:  # now
            self.calls.on_full()
        return call

    cdef int enter(self, RecordedCall call) except -1:
        """A call has started that `open` has returned."""
        self.log.kept.enter(call)
        return 0

    cdef bint pass_over(self, PyFrameObject *frame) except -1:
        """A call starts after the last one that is recorded. Returns whether the next one is of interest."""
        try:
            return self.calls.pass_over(self.target.index, <object>frame)
        except RecursionError:
            return True

    cdef bint watches(self) except -1:
        """Whether it is of interest that another call starts, although none is recorded any more."""
        return self.calls.watches(self.target.index)

    cdef RecordedCall elsewhere(self):
        """What takes the place of a call once nothing more is added to it."""
        cdef RecordedCall call = RecordedCall(self.target, self.max_samples)
        call.closed = True
        return call

    cdef bint call_around(self, PyObject **call) except -1:
        """Whether the context knows which call nested code runs in, and that call, if it is recorded."""
        return self.log.contexts.call_around(self.target.index, call)

    cdef void *base(self) except? NULL:
        """The interpreter's record of the frame that runs `fn`: no call of ours is below it."""
        return NULL if self.log.base == 0 else tracefunc_frame_of(<PyFrameObject *>self.log.base)

    # what a call gives

    cdef bint give(self, PyObject *call, PyObject *value) except -1:
        """A call yields a value. Returns whether the next one is wanted too."""
        return self.log.give(<RecordedCall>call, value)

    cdef int close(self, PyObject *call, void *key, int where, bint raised, PyObject *value) except -1:
        """A call ends with a value, or with an exception."""
        try:
            self.log.close(<RecordedCall>call, key, where, raised, value)
        except RecursionError:
            pass
        return 0

    cdef int forget(self, PyObject *call, void *key) except -1:
        """The frame of a call is gone."""
        return self.log.forget(<RecordedCall>call, key)

    cdef int complete(self, RecordedCall call) except -1:
        """A call has ended of which no frame is left."""
        return self.log.kept.complete(call)

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
        cdef Variables variables = table.variables
        cdef Buffer *out = &call.record
        cdef int first = variables.first(line), many = variables.ends[line] - first
        cdef void *frame = tracefunc_current_frame()
        cdef Manner manner
        cdef Sample sample
        if call.closed:
            return False
        sample.line, sample.moment = line, self.log.moments
        self.log.moments += 1
        sample.start = sample.values = out.used
        sample.done = 0
        if error == NULL and not FREE_THREADED and tracefunc_code_of(frame) == variables.code:
            if not self.wants(call, line):  # another thread was quicker
                return False
            manner.room, manner.shown, manner.known = self.writer.room, self.writer.shown, self.writer.known
            put_head(out, PART_SAMPLE, line, sample.moment - call.began)
            sample.values = out.used
            sample.done = put_variables(
                out, sample.start, variables.all + first, many, stack_slot(frame, FIRST_VARIABLE), &manner
            )
            if sample.done == many:
                return self.keep(call, line, sample.moment, sample.start, out.used)
        return self.sample_apart(call, variables, &sample, error)

    cdef bint sample_apart(self, RecordedCall call, Variables variables, Sample *sample, PyObject *error) except -1:
        """Go on with a sample where code of the program may run: then others may append to the record."""
        cdef Buffer *out = &call.record
        cdef Buffer *part = take_buffer()
        cdef Buffer *raised = NULL
        cdef PyFrameObject *frame = PyEval_GetFrame()
        cdef size_t used = out.used
        cdef int line = sample.line
        out.used = sample.start
        try:
            put_bytes(part, out.data + sample.values, used - sample.values)
            if error != NULL:
                raised = take_buffer()
                self.log.put_raised(raised, self.target, error)
            if "greenlet" in sys.modules:
                watched(self.calls.note_switch, taking(self, part, frame, variables, line, sample.done))
            else:
                self.put_values(part, frame, variables, line, sample.done)
            return self.add(call, line, sample.moment, part, raised)
        finally:
            give_buffer(part)
            if raised != NULL:
                give_buffer(raised)

    cdef int put_values(
        self, Buffer *out, PyFrameObject *frame, Variables variables, int line, int done
    ) except -1:
        """Write samples of the names and chains of a line in a frame, but for the first ones."""
        cdef int number
        for number in range(variables.first(line) + done, variables.ends[line]):
            variables.put(out, number, frame, self.writer)
        return 0

    cdef bint add(self, RecordedCall call, int line, Count moment, Buffer *values, Buffer *error) except -1:
        """Add a sample to a call. Returns whether the line has all its samples now."""
        cdef Buffer *out = &call.record
        cdef size_t start = out.used, plain
        if call.closed or not self.wants(call, line):  # another thread was quicker
            return False
        put_head(out, PART_SAMPLE if error == NULL else PART_RAISED_SAMPLE, line, moment - call.began)
        put_bytes(out, values.data, values.used)
        plain = out.used
        if error != NULL:
            put_bytes(out, error.data, error.used)
        return self.keep(call, line, moment, start, plain)

    cdef inline bint keep(self, RecordedCall call, int line, Count moment, size_t start, size_t plain) except -1:
        """Keep a sample that a call's record has at its end, from `start` on; up to `plain`, no exception is in it.

        Returns whether the line has all its samples now.
        """
        call.last[line] = moment
        if self.surplus >= 0:
            call.taken[line] += call.taken[line] < MOST_SAMPLES
            call.keep_sample(line, moment, start, plain, self.surplus)
            return False
        call.taken[line] += 1
        return not call.lacks(line)

    cdef int mark_raised(self, RecordedCall call, int line, Count moment, PyObject *error) except -1:
        """An exception has ended the hit of a line that was sampled at a moment."""
        return self.log.mark_raised(call, line, moment, error)

    # the end

    cdef int survive(self, object error, PyObject *call, bint starts) except -1:
        """A callback has failed, for a frame of a call, or one that starts: the program must not notice."""
        calls = self.calls
        if isinstance(error, RecursionError) and call == NULL and (self.log.kept.full or not starts):
            return 0  # no stack is left, and nothing was to be recorded
        try:
            calls.give_up(error, -1 if call == NULL else (<RecordedCall>call).number)
        except Exception:  # once more: that is enough to leave nothing wrong in the results, and to say so
            calls.failed = True
        return 0

    cdef int count_refused(self) except -1:
        """Let `calls` know of the calls that were refused without it."""
        self.calls.add_refused(self.target.index, self.refused)
        self.refused = 0
        return 0


@cython.final
cdef class Taking:
    """Takes a sample when it is called."""

    cdef Store store
    cdef Buffer *values
    cdef PyFrameObject *frame
    cdef Variables variables
    cdef int line, done

    def __call__(self):
        self.store.put_values(self.values, self.frame, self.variables, self.line, self.done)


cdef Taking taking(Store store, Buffer *values, PyFrameObject *frame, Variables variables, int line, int done):
    cdef Taking found = Taking()
    found.store, found.values, found.frame, found.variables = store, values, frame, variables
    found.line, found.done = line, done
    return found
