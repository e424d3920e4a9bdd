# Part of `_fastmon.pyx`: the calls of a trace that are recorded, from their starts to their complete records.
#
# The twin of `_record/call_log.py`: its records have the same bytes.

cdef enum:
    CHUNK = 1 << 20  # bytes of complete records that are kept together
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
    cdef tuple parameters  # readers, each with how its samples are taken
    cdef bint hides, may_tell  # whether nothing that it gives is shown; whether what it raises may tell of that
    cdef bint has_context  # whether its calls have their own: a generator has its consumer's
    cdef bint awaits  # whether it is an async generator
    cdef size_t size  # of the block of numbers of a call
    cdef char *spare  # blocks, each with the address of the next one
    cdef int spares

    def __cinit__(self, int index, plan, redaction):
        code_plan = plan.codes[0]
        self.index, self.plan, self.code = index, plan, <PyObject *>code_plan.code
        self.lines, self.codes = len(plan.lines), len(plan.codes)
        self.parameters = with_ways(plan.parameters, code_plan.code)
        self.hides = redaction is not None and redaction.hides(code_plan.code.co_name)
        self.may_tell = redaction is not None and redaction.mentions(code_plan.code)
        flags = code_plan.code.co_flags
        self.has_context = flags & (_interpreter.GENERATOR | ASYNCHRONOUS) != _interpreter.GENERATOR
        self.awaits = flags & _interpreter.ASYNC_GENERATOR != 0
        self.size = self.lines * (2 * sizeof(Count) + sizeof(int)) + self.codes * (sizeof(Count) + 2 * sizeof(void *) + 1)

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

    cdef int put_hits(self) except -1:
        """Append how often each line was hit, where that is not the number of its samples; the record is complete."""
        cdef int line, lines = self.target.lines, before = 0
        cdef Count samples
        cdef bint lost = False
        cdef Count *hits = <Count *>PyMem_Calloc(lines + 1, sizeof(Count))
        if hits == NULL:
            raise MemoryError
        try:
            self.count_hits(hits)
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
        finally:
            PyMem_Free(hits)
        return 0

    cdef int count_hits(self, Count *hits) except -1:
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


cdef struct Place:
    # Where a complete record is; nowhere (NULL) before.
    unsigned char *data
    size_t size


@cython.final
cdef class CallLog:
    """The calls of one trace that are recorded, of all its targets.

    Where no call makes room for a later one, complete records lie in chunks, and nothing else is left of a call.
    """

    cdef readonly object plans, texts
    cdef readonly Contexts contexts
    cdef readonly dict starting  # by the numbers of calls that their recorder does not know yet: their targets
    cdef public size_t base  # the address of the frame that runs `fn`: none of our calls is below it
    cdef public bint full  # whether no call that starts will be recorded any more
    cdef readonly Count seen  # calls that have started without `Calls`
    cdef Stacks stacks
    cdef Who who
    cdef FramesBelow below  # to be used again
    cdef Py_ssize_t most, surplus, next, lost
    cdef int most_yields, surplus_of_yields
    cdef Count moments
    cdef ValueWriter outline
    cdef list targets
    cdef Map running  # by the record of the target's frame
    cdef list kept  # where calls make room for others: in the order of their starts
    cdef PyObject *unfinished  # the latest of the calls whose records are not complete; each knows the one before
    cdef Place *places  # by number
    cdef Py_ssize_t capacity
    cdef list chunks
    cdef unsigned char *chunk, *end  # where the next complete record goes
    cdef object is_left_out  # which numbers are not shown
    cdef Count began

    def __cinit__(self, plans, options, stacks):
        self.plans = plans
        self.texts, self.contexts, self.starting = Texts(), Contexts(), {}
        self.stacks, self.who = Stacks(stacks, self.texts), Who(self.texts)
        self.most, self.surplus = options.calls.most, options.calls.surplus
        self.most_yields, self.surplus_of_yields = min(options.yields.most, MOST_SAMPLES), options.yields.surplus
        self.full = self.most == 0
        self.outline = ValueWriter(options.outline, self.texts)
        self.targets = [Target(i, plan, options.redaction) for i, plan in enumerate(plans)]
        self.running, self.kept, self.chunks = Map(), [], []
        self.began = nanoseconds()

    def __dealloc__(self):
        cdef PyObject *call
        while self.unfinished != NULL:
            call = self.unfinished
            self.unfinished = (<RecordedCall>call).older
            Py_DECREF(call)
        PyMem_Free(self.places)

    # calls start

    def start(self, int target, frame):
        """Start to record a call of a target; return None if it is too late for that."""
        return self.start_at(self.targets[target], tracefunc_frame_of(<PyFrameObject *>frame), <PyFrameObject *>frame)

    cdef RecordedCall start_at(self, Target target, void *key, PyFrameObject *frame):
        """Start to record a call of a target in the frame whose record is `key`; `frame`: NULL if it executes."""
        cdef RecordedCall call = RecordedCall(target, self.most_yields)
        cdef Buffer *arguments = take_buffer()
        cdef FramesBelow below = self.below
        if below is None:
            below = FramesBelow()
        self.below = None  # another thread may start a call where Python code runs
        try:
            self.fill_start(call, arguments, below, key, frame)
        finally:
            self.below = below
            give_buffer(arguments)
        return call if call.number >= 0 else None

    cdef int fill_start(
        self, RecordedCall call, Buffer *arguments, FramesBelow below, void *key, PyFrameObject *frame
    ) except -1:
        """Find out all that is known of a call which starts, number and keep it, and begin its record."""
        cdef Target target = call.target
        cdef int line = NOTHING
        cdef Count hit = -1
        cdef int at = self.look_below(below, key, frame)
        cdef PyObject *parent = self.contexts.innermost() if at < 0 else <PyObject *>self.running.get(below.all[at].frame)
        cdef Py_ssize_t parent_number = -1 if parent == NULL else (<RecordedCall>parent).number
        if at >= 0:
            self.calling_line(<RecordedCall>parent, below, at, &line, &hit)
        cdef Py_ssize_t stack = self.stack_of(call, below, at)
        for reader, how in target.parameters:
            if frame == NULL:
                frame = PyEval_GetFrame()
            put_variable(arguments, frame, reader, how, self.outline)
        cdef Py_ssize_t thread = self.who.thread_number(), task = self.who.task_number()
        if target.has_context:
            self.contexts.enter_scope(call, target.index)  # before it is kept: no stack may be left for this
            call.has_scope = True
        call.began = self.moments
        self.moments += 1
        if not self.keep(call):
            return self.forget(call, key)
        self.running.put(key, <void *>call)
        call.started = nanoseconds()
        cdef Buffer *out = &call.record
        put_number(out, call.number)
        put_number(out, target.index)
        put_number(out, parent_number + 1)
        if parent_number >= 0:
            put_number(out, line + 1)
            if line >= 0:
                put_number(out, hit + 1)
        put_number(out, call.began)
        put_number(out, call.started - self.began)
        put_number(out, stack)
        put_number(out, thread)
        put_number(out, task)
        return put_bytes(out, arguments.data, arguments.used)

    cdef int look_below(self, FramesBelow below, void *key, PyFrameObject *starting) except -2:
        """Look at the frames below one that starts. Returns which one is the nearest of a recorded call's, or -1.

        No call of ours is below the frame that runs `fn`. Frames are looked at as far down as they are needed.
        """
        cdef void *frame = key
        cdef void *base = NULL if self.base == 0 else tracefunc_frame_of(<PyFrameObject *>self.base)
        cdef PyObject *call
        cdef PyObject *code
        cdef int at = -1
        cdef bint is_above_base = True
        below.used = 0
        if _offset_word < 0:
            return self.look_at_objects(below, PyEval_GetFrame() if starting == NULL else starting, base)
        while True:
            frame = tracefunc_frame_below(frame)
            if frame == NULL:
                return at
            is_above_base = is_above_base and frame != base
            if not is_above_base and self.stacks.anchor == NULL:
                return at
            if not is_whole(frame):
                continue
            code = tracefunc_code_of(frame)
            below.add(frame, code, offset_of(frame))
            if at < 0 and is_above_base and self.running.used > 0:
                call = <PyObject *>self.running.get(frame)
                if call != NULL and (<RecordedCall>call).target.code == code:
                    at = below.used - 1
                    if self.stacks.anchor == NULL or (<RecordedCall>call).above != NOT_BELOW:
                        return at

    cdef int look_at_objects(self, FramesBelow below, PyFrameObject *starting, void *base) except -2:
        """The same where it is not known where frames have the offset of their instruction."""
        cdef PyObject *call
        cdef void *record
        cdef int at = -1
        cdef bint is_above_base = True
        frame = (<object>starting).f_back
        while frame is not None:
            record = tracefunc_frame_of(<PyFrameObject *>frame)
            is_above_base = is_above_base and record != base
            below.add(record, <PyObject *>frame.f_code, frame.f_lasti)
            if at < 0 and is_above_base:
                call = <PyObject *>self.running.get(record)
                if call != NULL and (<RecordedCall>call).target.code == <PyObject *>frame.f_code:
                    at = below.used - 1
            frame = frame.f_back
        return at

    cdef int calling_line(self, RecordedCall parent, FramesBelow below, int at, int *line, Count *hit) except -1:
        """The line of a call that is under way in the innermost of its frames, and how many hits it has had.

        These are as many as there are samples, until those are full.
        """
        cdef Table table
        cdef int i
        for i in range(at + 1):
            for code_state in parent.target.code_states:
                if (<CodeState>code_state).live.code == below.all[i].code:
                    table = (<CodeState>code_state).table
                    line[0] = table.line_at(below.all[i].offset)
                    if line[0] >= 0 and parent.taken[line[0]] < self.most_yields:
                        hit[0] = parent.taken[line[0]]
                    return 0
        return 0

    cdef Py_ssize_t stack_of(self, RecordedCall call, FramesBelow below, int at) except -1:
        """The number of the text of a call's stack; `at`: which of the frames below is that of its parent, or -1."""
        cdef Stacks stacks = self.stacks
        cdef RecordedCall parent = None
        cdef int i = below.used - 1, above = OUTERMOST
        call.above = NOT_BELOW
        if stacks.anchor == NULL:
            return 0
        if at >= 0:
            parent = <RecordedCall>self.running.get(below.all[at].frame)
        if parent is not None and parent.above != NOT_BELOW:
            above, i = parent.above, at
        else:
            while i >= 0 and below.all[i].code != stacks.anchor:
                i -= 1
            if i < 0 and call.target.code != stacks.anchor:
                return 0
        while i >= 0:
            above = stacks.node(above, below.all[i].code, below.all[i].offset)
            i -= 1
        call.above = above
        return stacks.text_number(stacks.node(above, call.target.code, AT_START))

    cdef bint keep(self, RecordedCall call) except -1:
        """Number a call and keep it, in place of another one if there are too many; return False if it is not kept."""
        cdef RecordedCall dropped
        if self.surplus < 0 and self.next >= self.most:
            return False  # another thread was quicker
        if self.surplus < 0 and self.next >= self.capacity:
            self.grow()
        call.number = self.next
        self.next += 1
        self.starting[call.number] = call.target.index
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

    cdef int enter(self, RecordedCall call) except -1:
        """Note that the recorder of a call knows it from here on."""
        self.starting.pop(call.number, None)
        return 0

    cdef bint is_starting(self, int target) except -1:
        """Whether a call was started that its recorder does not know yet."""
        return len(self.starting) > 0 and target in self.starting.values()

    # what a call gives

    cdef bint give(self, RecordedCall call, PyObject *value) except -1:
        """Keep a sample of what a call yields. Returns whether to be told of the next value too."""
        cdef Buffer *part
        given = <object>value
        if call.target.awaits and type(given).__name__ != "async_generator_wrapped_value":
            return True  # an `await` in it
        call.yields += 1
        if call.yields == self.most_yields + <Count>1 and not call.closed:
            put_tag(&call.record, PART_MORE_YIELDED)
        if call.yields > self.most_yields and self.surplus_of_yields < 0:
            return False
        part = take_buffer()
        try:
            put_tag(part, PART_YIELDED)
            if call.target.hides or call.target.plan.outcomes.hides_yielded:
                self.outline.write_sample(part, REDACTED_SAMPLE)
            else:
                if call.target.awaits:
                    given = unwrapped(given)
                self.outline.write(part, <PyObject *>given)
            if self.surplus_of_yields < 0:
                call.append(part)
            else:
                call.keep_yield(part, self.most_yields, self.surplus_of_yields)
        finally:
            give_buffer(part)
        return True

    cdef int close(self, RecordedCall call, void *key, int where, bint raised, PyObject *value) except -1:
        """End a recorded call, whose frame has the record `key`, with a value, or with an exception.

        `where`: the offset at which the exception was raised, or else the state that was under way.
        """
        cdef Count lasted = nanoseconds() - call.started
        cdef Buffer *part = take_buffer()
        try:
            put_tag(part, PART_FAILED if raised else PART_RETURNED)
            put_number(part, self.moments - call.began)
            self.moments += 1
            put_number(part, lasted)
            put_number(part, where + 1)
            self.forget(call, key)
            if raised:
                self.put_raised(part, call.target, value)
            elif call.target.hides or call.target.plan.outcomes.hides_returned(where):
                self.outline.write_sample(part, REDACTED_SAMPLE)
            else:
                self.outline.write(part, value)
            call.append(part)
            call.ended = True
        finally:
            give_buffer(part)
        return 0

    cdef int put_raised(self, Buffer *out, Target target, PyObject *error) except -1:
        """Write a sample of the exception that ended a hit, or a call."""
        if target.hides:
            return self.outline.write_sample(out, REDACTED_SAMPLE)
        if target.may_tell:
            name = own_name(type(<object>error))
            return self.outline.write_sample(out, (name, f"{name}({REDACTED_TEXT})"))
        return self.outline.write(out, error)

    cdef int mark_raised(self, RecordedCall call, int line, Count moment, PyObject *error) except -1:
        """Note that an exception has ended the hit of a line that was sampled at a moment."""
        cdef Buffer *part = take_buffer()
        cdef Part *sample
        try:
            if call.rings == NULL:
                put_tag(part, PART_RAISED)
                put_number(part, line)
                put_number(part, moment - call.began)
                self.put_raised(part, call.target, error)
                call.append(part)
            else:
                self.put_raised(part, call.target, error)
                sample = NULL if call.rings == NULL else part_of(&call.rings[line], moment)
                if sample != NULL:
                    end_part(sample, PART_RAISED_SAMPLE, part.data, part.used)
        finally:
            give_buffer(part)
        return 0

    cdef int forget(self, RecordedCall call, void *key) except -1:
        """Forget the frame of a recorded call, with the record `key`: it is gone."""
        if self.running.get(key) == <void *>call:
            self.running.drop(key)
        if call.has_scope:
            call.has_scope = False
            self.contexts.leave_scope(call)
        return 0

    cdef int complete(self, RecordedCall call) except -1:
        """Complete the record of a call, unless that was done, or it is not kept: no frame of it is recorded any more.

        Other threads, which may be in a callback still, add nothing to it. Where this fails, it can be done again.
        """
        cdef size_t used = call.record.used
        cdef bint done = False
        if call.closed:
            return 0
        call.closed = True
        try:
            call.flush()
            call.put_hits()
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

    # the end

    @property
    def recorded(self):
        """How many calls are kept."""
        return len(self.kept) if self.surplus >= 0 else self.next - self.lost

    def moment_count(self):
        """How many moments there were."""
        return self.moments

    def numbers(self):
        """The numbers of all calls so far."""
        return range(self.next)

    def unended(self):
        """The numbers of the calls that have not ended."""
        return frozenset([(<RecordedCall>call).number for call in self.present() if not (<RecordedCall>call).ended])

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

    def leave_out(self, is_left_out):
        """Show no call with such a number; return how many there are."""
        cdef Py_ssize_t before = self.recorded
        if self.surplus >= 0:
            self.kept = [call for call in self.kept if not is_left_out((<RecordedCall>call).number)]
        else:
            others = self.is_left_out
            self.is_left_out = is_left_out if others is None else lambda number: others(number) or is_left_out(number)
            self.lost = sum([bool(self.is_left_out(number)) for number in range(self.next)])
        return before - self.recorded

    def records(self):
        """Yield the records of the calls that are kept, in the order of their starts, when the trace is over."""
        cdef Py_ssize_t number
        for call in self.present():
            (<RecordedCall>call).closed = (<RecordedCall>call).is_complete
            self.complete(call)
        if self.surplus >= 0:
            for call in self.kept:
                if (<RecordedCall>call).number not in self.starting:
                    yield in_bytes(&(<RecordedCall>call).record)
            return
        for number in range(self.next):
            if self.places[number].data == NULL or number in self.starting:
                continue
            if self.is_left_out is None or not self.is_left_out(number):
                yield PyBytes_FromStringAndSize(<char *>self.places[number].data, self.places[number].size)
