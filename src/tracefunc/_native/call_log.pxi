# Part of `_fastmon.pyx`: the calls of a trace that are recorded, from their starts to their complete records.
#
# The twin of `_record/call_log.py`: its records have the same bytes.

from ._log.texts import Texts
from ._record.call_values import unwrapped


@cython.final
cdef class CallLog:
    """The calls of one trace that are recorded, of all its targets."""

    cdef readonly object plans, texts
    cdef readonly Contexts contexts
    cdef public size_t base  # the address of the frame that runs `fn`: none of our calls is below it
    cdef readonly Count seen  # calls that have started without `Calls`
    cdef Stacks stacks
    cdef Who who
    cdef FramesBelow below  # to be used again
    cdef KeptCalls kept
    cdef int most_yields, surplus_of_yields
    cdef Count moments
    cdef ValueWriter outline
    cdef list targets
    cdef Map running  # by the record of the target's frame
    cdef Count began

    def __cinit__(self, plans, options, stacks):
        self.plans = plans
        self.texts, self.contexts, self.kept = Texts(), Contexts(), KeptCalls(options.calls)
        self.stacks, self.who = Stacks(stacks, self.texts), Who(self.texts)
        self.most_yields, self.surplus_of_yields = min(options.yields.most, MOST_SAMPLES), options.yields.surplus
        self.outline = ValueWriter(options.outline, self.texts)
        self.targets = [Target(i, plan, options.redaction) for i, plan in enumerate(plans)]
        self.running = Map()
        self.began = nanoseconds()

    # calls start

    def start(self, int target, frame):
        """Start to record a call of a target; return None if it is too late for that."""
        return self.start_at(self.targets[target], tracefunc_frame_of(<PyFrameObject *>frame), <PyFrameObject *>frame)

    cdef RecordedCall start_at(self, Target target, void *key, PyFrameObject *frame):
        """Start to record a call of a target in the frame whose record is `key`; `frame`: NULL if it executes."""
        cdef RecordedCall call = RecordedCall.__new__(RecordedCall, target, self.most_yields)
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
        cdef PyObject *parent
        if at < 0:
            parent = self.contexts.innermost()
        else:
            parent = <PyObject *>self.running.get(below.all[at].frame)
        cdef Py_ssize_t parent_number = -1 if parent == NULL else (<RecordedCall>parent).number
        if at >= 0:
            self.calling_line(<RecordedCall>parent, below, at, &line, &hit)
        cdef Py_ssize_t stack = self.stack_of(call, below, at)
        self.put_arguments(arguments, target.parameters, key, frame)
        cdef Py_ssize_t thread = self.who.thread_number(), task = self.who.task_number()
        if target.has_context:
            self.contexts.enter_scope(call, target.index)  # before it is kept: no stack may be left for this
            call.has_scope = True
        call.began = self.moments
        self.moments += 1
        if not self.kept.add(call):
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

    cdef int put_arguments(self, Buffer *out, Variables parameters, void *key, PyFrameObject *frame) except -1:
        """Write samples of the arguments of a call that starts in a frame."""
        cdef int number, done = 0, many = parameters.ends[0]
        cdef Manner manner
        if frame == NULL and not FREE_THREADED:
            manner.room, manner.shown, manner.known = self.outline.room, self.outline.shown, self.outline.known
            done = put_variables(out, 0, parameters.all, many, stack_slot(key, FIRST_VARIABLE), &manner)
        for number in range(done, many):
            if frame == NULL:
                frame = PyEval_GetFrame()
            parameters.put(out, number, frame, self.outline)
        return 0

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
            if call.target.hides or call.target.hides_yielded:
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
            if raised:
                where = (<CodeState>call.target.code_states[0]).table.line_at(where)
            put_number(part, where + 1)
            self.forget(call, key)
            if raised:
                self.put_raised(part, call.target, value)
            elif call.target.hides or call.target.hides_some and call.target.plan.outcomes.hides_returned(where):
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

    # the end

    @property
    def full(self):
        """Whether no call that starts will be recorded any more."""
        return self.kept.full

    @full.setter
    def full(self, bint full):
        self.kept.full = full

    @property
    def starting(self):
        """The numbers of the calls that their recorder does not know yet."""
        return [(<RecordedCall>call).number for call in self.kept.present() if (<RecordedCall>call).is_starting]

    @property
    def recorded(self):
        """How many calls are kept."""
        return self.kept.recorded()

    def moment_count(self):
        """How many moments there were."""
        return self.moments

    def numbers(self):
        """The numbers of all calls so far."""
        return range(self.kept.next)

    def unended(self):
        """The numbers of the calls that have not ended."""
        calls = self.kept.present()
        return frozenset([(<RecordedCall>call).number for call in calls if not (<RecordedCall>call).ended])

    def leave_out(self, is_left_out):
        """Show no call with such a number; return how many there are."""
        return self.kept.leave_out(is_left_out)

    def records(self):
        """The records of the calls that are kept, in the order of their starts, when the trace is over."""
        return self.kept.records()
