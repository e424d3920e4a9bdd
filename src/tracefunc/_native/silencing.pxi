# Part of `_fastmon.pyx`: what is needed of the events at each point, and which events are disabled.

@cython.final
@cython.no_gc  # `rearm` alone leads back to recorders, and only to those that are armed, which live anyway
cdef class Silencing:
    """Finds what is still needed at each point, once some line has all its samples in some call.

    A point at which nothing needs a sample is only counted, and disabled if its count follows from others. While a
    line is under way that lacks samples, the points where that line can end (its exits) are needed all the same.
    """

    cdef CodeStates codes
    cdef Frames frames
    cdef object rearm
    cdef bint measure_all  # derive no counts from others
    cdef int lines
    cdef int *lacking  # by line: how many of the calls that have frames lack samples of it
    cdef bint active  # whether some line has had all its samples

    def __cinit__(self, CodeStates codes, Frames frames, int lines, rearm, bint measure_all):
        self.codes, self.frames, self.lines = codes, frames, lines
        self.rearm, self.measure_all = rearm, measure_all
        self.lacking = <int *>PyMem_Calloc(self.lines + 1, sizeof(int))
        if self.lacking == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.lacking)

    # samples

    cdef int line_is_full(self, int line) except -1:
        """A line has all its samples in one more call."""
        if not self.active:
            return self.activate()
        self.lacking[line] -= 1
        if self.lacking[line] == 0:
            self.change_needed_samples(line, -1)
        return 0

    cdef int activate(self) except -1:
        """The first line has all its samples in a call."""
        cdef size_t i
        cdef int line, number
        cdef CodeState code_state
        cdef Frame *frame
        for each in self.codes.all:
            code_state = each
            code_state.table.prepare(self.lines)  # runs Python code: another thread may get here too
            code_state.choose_derived()
        self.active = True
        calls = set()
        for i in range(self.frames.slots()):
            frame = self.frames.at(i)
            if frame != NULL:
                self.watch_exits(frame)
                if not frame.inner:
                    calls.add(<object>frame.call)
        for call in calls:
            for line in range(self.lines):
                self.lacking[line] += (<RecordedCall>call).lacks(line)
        for each in self.codes.all:
            code_state = each
            for number in range(code_state.table.count):
                both = code_state.table.wants[number]
                if both is not None:
                    code_state.begins[number], code_state.ends[number] = len(both[0]), len(both[1])
            for line in range(self.lines):
                if self.lacking[line] == 0:
                    self.change_lines_lacking(code_state, line, -1)
            for number in range(code_state.table.count):
                self.update_needed(code_state, number)
            self.rearm_if_stale(code_state)
        return 0

    cdef int update_needed_samples(self, RecordedCall call, int change) except -1:
        """A call has got its first frame (`change` is 1), or lost its last one (-1)."""
        cdef int line
        for line in range(self.lines):
            if call.lacks(line):
                self.lacking[line] += change
                if self.lacking[line] == (change == 1):
                    self.change_needed_samples(line, change)
        for code_state in self.codes.all:
            self.rearm_if_stale(code_state)
        return 0

    cdef int change_needed_samples(self, int line, int change) except -1:
        """No call lacks samples of a line any more (`change` is -1), or one does again (1)."""
        cdef CodeState code_state
        for each in self.codes.all:
            code_state = each
            self.change_lines_lacking(code_state, line, change)
            self.update_all_needed(code_state, code_state.table.begin[line])
            self.update_all_needed(code_state, code_state.table.end[line])
        return 0

    cdef int change_lines_lacking(self, CodeState code_state, int line, int change) except -1:
        """Count one line more, or less, that lacks samples at the points where its samples begin and end."""
        if change == 1 and code_state.returns_disabled:
            code_state.returns_disabled = False
            code_state.stale_generation += 1
        for number in code_state.table.begin[line]:
            code_state.begins[<int>number] += change
        for number in code_state.table.end[line]:
            code_state.ends[<int>number] += change
        return 0

    # exits

    cdef inline int change_line(self, Frame *frame) except -1:
        """Another line is under way in a frame."""
        if self.active:
            self.watch_exits(frame)
            code_state = <CodeState>frame.live.state
            if code_state.stale_generation != code_state.rearmed_generation:
                code_state.new_patience = min(2 * code_state.new_patience, MOST_PATIENCE)
                self.rearm_if_stale(code_state)
        return 0

    cdef int watch_exits(self, Frame *frame) except -1:
        """Need the exits of the line under way, if that lacks samples."""
        cdef CodeState code_state = <CodeState>frame.live.state
        cdef int number
        line = code_state.table.deciders.get(frame.line)
        if line is None or frame.watches_exits or not (<RecordedCall>frame.call).lacks(line):
            return 0
        frame.watches_exits = True
        exits = code_state.table.exits.get(frame.line, ())
        for number in exits:
            code_state.watched[number] += 1
        return self.update_all_needed(code_state, exits)

    cdef int unwatch_exits(self, Frame *frame) except -1:
        """The line that was under way has ended."""
        cdef CodeState code_state = <CodeState>frame.live.state
        cdef int number
        frame.watches_exits = False
        exits = code_state.table.exits.get(frame.line, ())
        for number in exits:
            code_state.watched[number] -= 1
        return self.update_all_needed(code_state, exits)

    # points

    cdef int update_all_needed(self, CodeState code_state, numbers) except -1:
        cdef int number
        for number in numbers:
            self.update_needed(code_state, number)
        return 0

    cdef int update_needed(self, CodeState code_state, int number) except -1:
        """Find what is needed at a point now."""
        if code_state.live.points[number].loop >= 0:
            return 0
        cdef char before = code_state.needed[number]
        cdef char needed = before & UNREACHABLE
        cdef bint samples = code_state.begins[number] != 0 or code_state.watched[number] != 0
        if not samples and code_state.table.wants[number] is not None:
            if self.measure_all or number not in code_state.derived:
                needed |= COUNT_ONLY
            elif code_state.ends[number] == 0 or before & DERIVED:
                needed |= DERIVED
                self.mark_derived(code_state)
            else:
                needed |= COUNT_FOR_NOW
                code_state.patience[number] = code_state.new_patience
        code_state.needed[number] = needed
        if before & DERIVED and not needed & (DERIVED | UNREACHABLE):
            code_state.stale_generation += 1
        return 0

    cdef bint is_out_of_patience(self, CodeState code_state, int number) except -1:
        """Whether a point that is only counted for now is disabled, although that may have to be undone."""
        code_state.patience[number] -= 1
        if code_state.patience[number] > 0:
            return False
        code_state.needed[number] = DERIVED
        self.mark_derived(code_state)
        return True

    cdef int mark_derived(self, CodeState code_state) except -1:
        """Some counts of the calls that are being recorded will be derived."""
        cdef size_t i
        for i in range(self.frames.slots()):
            if self.frames.at(i) != NULL:
                (<RecordedCall>self.frames.at(i).call).derives[code_state.table.index] = True
        return 0

    cdef int rearm_if_stale(self, CodeState code_state) except -1:
        """Arm a code object again if disabled points are needed again. So does each thread that gets here meanwhile."""
        cdef int stale = code_state.stale_generation
        if stale != code_state.rearmed_generation:
            self.rearm(code_state.code)
            code_state.rearmed_generation = stale
        return 0

    cdef int rearm_all(self) except -1:
        """Arm all code objects again, for what is wanted now."""
        for code_state in self.codes.all:
            self.rearm((<CodeState>code_state).code)
        return 0

    # returns, and the end

    cdef bint is_return_needed(self, CodeState code_state, Py_ssize_t at) noexcept:
        """Whether a return, at half its offset, is needed: for a sample, or for the end of an outer frame."""
        cdef int line = code_state.table.entry if code_state.table.entry >= 0 else code_state.table.returning[at]
        return code_state.outer_frames != 0 or line == UNREPORTED or (line >= 0 and self.lacking[line] != 0)

    cdef int disable_unreachable(self, CodeState code_state) except -1:
        """The last call has started: listen only where the frames of the target that are left can still get."""
        cdef size_t i
        cdef Frame *frame
        cdef int number
        places = {}
        for i in range(self.frames.slots()):
            frame = self.frames.at(i)
            if frame != NULL and frame.live == &code_state.live:
                places[<size_t>frame.key] = frame.at
        above = <object>PyEval_GetFrame()
        while above is not None and -1 in places.values():
            key = <size_t>tracefunc_frame_of(<PyFrameObject *>above)
            if places.get(key) == -1 and above.f_code is code_state.code:
                places[key] = above.f_lasti
            above = above.f_back
        if -1 in places.values():
            return 0
        reached = set()
        for place in places.values():
            reached |= code_state.table.plan.reach(place)
        for number in range(code_state.table.count):
            if code_state.table.offsets[number] not in reached:
                code_state.needed[number] |= UNREACHABLE
        for number, loop in enumerate(code_state.table.plan.loops):
            if loop.get not in reached:
                code_state.loops[number].counted_by = NOBODY
        return 0
