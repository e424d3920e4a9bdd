# Part of `_fastmon.pyx`: the line under way in each frame. It is sampled when it ends.

cdef enum:
    SAMPLES_BETWEEN_LOOKS = 32  # for other tools: a tool that has an id listens to nothing yet


@cython.final
cdef class Ended:
    """A frame that stood somewhere when the trace ended, or its end was not reported."""

    cdef RecordedCall call
    cdef CodeState code_state
    cdef int line, at
    cdef bint inner


cdef Ended ended(Frame *frame):
    cdef Ended end = Ended()
    end.call, end.code_state = <RecordedCall>frame.call, <CodeState>frame.live.state
    end.line = frame.next_line if frame.changes_line else frame.line
    end.at, end.inner = frame.at, frame.inner
    return end


@cython.final
cdef class LineTracking:
    """Follows the line under way in each frame, from the start of the frame to its end.

    A loop's prelude, the evaluation of what it iterates over, can be under way in place of a line. It is a state of
    its own, numbered behind the lines. It becomes a hit of the loop's line when the loop advances.
    """

    cdef Store store
    cdef Silencing silencing
    cdef object notice  # looks for other tools, None where these do not matter
    cdef list preludes  # the line of each prelude
    cdef int lines
    cdef unsigned int samples  # that were taken

    def __cinit__(self, plan, Store store, Silencing silencing, notice):
        self.store, self.silencing, self.notice = store, silencing, notice
        self.preludes = list(plan.preludes)
        self.lines = store.lines

    # samples

    cdef inline int sample(self, Frame *frame, int line, PyObject *leaving) except -1:
        """Take a sample of a line, if one is wanted; `leaving`: the exception that leaves the frame, or NULL."""
        if self.store.wants(<RecordedCall>frame.call, line):
            self.take_sample(frame, line, leaving)
        return 0

    cdef inline int sample_before(self, Frame *frame, int line, Point *point) except -1:
        """The same where control comes from the line to a point, perhaps by an exception that is handled there."""
        if self.store.wants(<RecordedCall>frame.call, line):
            if point.handles or (point.line == NOTHING and self.raises_again(frame, line)):
                return self.sample_caught(frame, line)
            self.take_sample(frame, line, NULL)
            if point.restores:
                frame.cleaned_up = line
                frame.cleaned_up_at = (<RecordedCall>frame.call).last[line]
        return 0

    cdef bint raises_again(self, Frame *frame, int line) except -1:
        """Whether a line is a bare `raise`."""
        return line in (<CodeState>frame.live.state).table.plan.raises_again

    cdef int sample_caught(self, Frame *frame, int line) except -1:
        """The same at a handler, where the exception that is handled may have ended the line."""
        cdef PyObject *error = PyErr_GetHandledException()
        try:
            self.take_sample(frame, line, error)
        finally:
            Py_XDECREF(error)
        return 0

    cdef int settle(self, Frame *frame, PyObject *error) except -1:
        """It is known now which exception has led to the clean-up code that ran last."""
        cdef int line = frame.cleaned_up
        frame.cleaned_up = NOTHING
        error = (<CodeState>frame.live.state).table.ending(line, error)
        if error != NULL:
            self.store.mark_raised(<RecordedCall>frame.call, line, frame.cleaned_up_at, error)
        return 0

    cdef int settle_caught(self, Frame *frame) except -1:
        """The same at a handler."""
        cdef PyObject *error = PyErr_GetHandledException()
        if error != NULL:
            try:
                self.settle(frame, error)
            finally:
                Py_DECREF(error)
        return 0

    cdef int take_sample(self, Frame *frame, int line, PyObject *error) except -1:
        if self.notice is not None and self.may_have_company(frame.live.code) and others_are_there():
            self.notice(True)
        cdef Table table = (<CodeState>frame.live.state).table
        if error != NULL:
            error = table.ending(line, error)
        if self.store.sample(<RecordedCall>frame.call, table, line, error) and not FREE_THREADED:
            self.silencing.line_is_full(line)
        return 0

    cdef inline bint may_have_company(self, PyObject *code) noexcept:
        """Whether it is time to look for other tools: one listens to the code, or some samples were taken since."""
        self.samples += 1
        return self.samples % SAMPLES_BETWEEN_LOOKS == 1 or is_shared(code)

    # lines

    cdef int change_line(self, Frame *frame, Table table, Point *point, int caught) except -1:
        """The line under way ends, and another one starts. `caught`: the line whose prelude an exception has ended.

        All that is counted is counted before any Python code runs.
        """
        cdef int before = frame.line, i, implied
        cdef bint interrupted = False  # control has come to a handler
        if before >= self.lines and before != point.prelude and table.follows(point, before):
            interrupted = self.advances(frame, before) == frame.mark
        if interrupted:
            (<RecordedCall>frame.call).extra[self.preludes[before - self.lines]] += 1
        for i in range(point.implied, point.implied_end, 2):
            if table.pool[i] == before:
                (<RecordedCall>frame.call).extra[table.pool[i + 1]] += 1
        frame.next_line, frame.changes_line = point.line, True
        if frame.cleaned_up >= 0 and point.handles:
            self.settle_caught(frame)
        if caught >= 0:
            self.sample_before(frame, caught, point)
        if interrupted:
            self.sample_before(frame, self.preludes[before - self.lines], point)
        elif 0 <= before < self.lines:
            self.sample_before(frame, before, point)
        for i in range(point.implied, point.implied_end, 2):
            implied = table.pool[i + 1]
            if table.pool[i] == before or table.pool[i] == UNCHANGED:
                self.sample(frame, implied, NULL)
        if frame.watches_exits:
            self.silencing.unwatch_exits(frame)
        frame.line, frame.changes_line = point.line, False
        if point.advance >= 0:
            frame.mark = frame.counts[point.advance]
        return self.silencing.change_line(frame)

    cdef int catch_exception(self, Frame *frame, Table table, int number) except -2:
        """A handler, at a point, has an exception, to which something else refers as well.

        Returns the line that has got a hit since it has ended the prelude of its loop, or NOTHING.
        """
        cdef PyObject *error = PyErr_GetHandledException()
        cdef Origin *origin
        if error != NULL:
            Py_DECREF(error)
            origin = table.origin(error)
            if origin != NULL and origin.catcher == number:
                if not origin.raised_again:
                    (<RecordedCall>frame.call).end_flow(table, origin.place)
                return self.interrupt(frame, origin.prelude)
        return NOTHING

    cdef int end(self, Frame *frame, Table table, int prelude, PyObject *leaving) except -1:
        """A frame ends, by an exception or not (NULL), in the middle of a loop's prelude if that is one."""
        cdef int line = self.interrupt(frame, prelude)
        if table.entry >= 0 and not frame.inner:
            (<RecordedCall>frame.call).extra[table.entry] += 1
        frame.ended = True
        if line < 0 and 0 <= frame.line < self.lines:
            line = frame.line
        if leaving != NULL and frame.cleaned_up >= 0:
            self.settle(frame, leaving)
        return 0 if line < 0 else self.sample(frame, line, leaving)

    cdef int close_open_line(self, Ended end) except -1:
        """A frame has not ended, or its end was not reported: its line was counted when it started."""
        cdef RecordedCall call = end.call
        cdef Table table = end.code_state.table
        cdef int line = end.line, at = end.at if end.at >= 0 else table.only_yield
        if end.inner and table.entry >= 0:
            call.extra[table.entry] -= 1
        if at >= 0:
            call.end_flow(table, at)
            line = table.plan.line_at(at, line)
        if 0 <= line < self.lines and table.entry < 0:
            if call.open is None:
                call.open = []
            call.open.append(line)
        return 0

    # preludes

    cdef inline Count advances(self, Frame *frame, int prelude) except? -1:
        """How often the loop of a prelude has advanced."""
        cdef Table table = (<CodeState>frame.live.state).table
        return frame.counts[table.numbers[<Py_ssize_t>table.plan.advances[prelude] >> 1]]

    cdef int interrupt(self, Frame *frame, int prelude) except -2:
        """An exception has ended a loop's prelude, if it is one: a hit, no advance. Returns the line, or NOTHING."""
        cdef int line = NOTHING
        if prelude >= 0:
            line = self.preludes[prelude - self.lines]
            (<RecordedCall>frame.call).extra[line] += 1
        return line
