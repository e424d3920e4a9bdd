# Part of `_fastmon.pyx`: the plan of a code object, as arrays.

cdef enum:
    NO_POINT = -1

cdef struct Point:
    # An armed offset. `offsets.Action` says what its fields mean.
    int line
    int prelude
    int element
    int advance  # the number of the point that completes the prelude `line`, if it is one
    bint conditional
    bint catches
    bint restores
    bint handles
    int loop  # whose turn begins here, and nothing else; or -1
    int implied  # where in `pool` its implied lines begin, each behind the line that must be under way
    int implied_end
    int before
    int before_end


cdef struct Origin:
    # What becomes of an exception raised at an offset. `code_plan.Origin` says what its fields mean.
    int catcher  # the number of the point that catches it, or as in `caught_at`
    int place
    bint raised_again
    int prelude
    bint passed_on  # what leaves the frame here was raised elsewhere in it


@cython.final
cdef class Table:
    """What a plan says of one code object: made once for all traces of it."""

    cdef object plan
    cdef list offsets  # of the points, in ascending order
    cdef Variables variables  # that are sampled
    cdef int *numbers  # by half the offset: its point, NO_POINT, or how many less than that the number of its loop is
    cdef Py_ssize_t size
    cdef Point *points
    cdef int count
    cdef int *pool  # the numbers that points refer to
    cdef int index
    cdef int entry
    cdef bint is_target
    cdef int flags  # of the code
    cdef int only_yield
    cdef bint has_origins
    # Made once they are needed:
    cdef Origin *origins  # by half the offset; NULL if all exceptions leave the frame, and end no prelude
    cdef int *raising  # by half the offset: the line that is under way where a call is made, or something raised
    cdef int *leaving_lines  # the same where a frame returns; NOTHING where that is not known
    cdef int start  # where a frame makes its first step
    cdef bint has_asked  # for what must be known later without running Python code
    cdef list wants  # by point: (lines whose samples begin there, lines whose samples end there), or None
    cdef list begin, end  # by line: the points where its samples begin, and end
    cdef dict exits  # by state (a line or prelude under way): the points where it can end
    cdef int *returning  # by half the offset of a return: the line under way, NOTHING, UNREPORTED
    cdef dict deciders  # by state: the line whose samples decide whether it must be known
    cdef dict flows  # by the loops whose turns are counted: the points whose counts then follow from others
    cdef int *bodies  # by loop: the point where a turn begins
    cdef int loops
    cdef int *iterables  # by loop: where on the stack its iterable is; NULL: not asked for yet

    def __cinit__(self, plan):
        self.plan = plan
        self.index, self.entry, self.is_target = plan.index, plan.entry, plan.is_target
        self.flags, self.has_origins = plan.code.co_flags, plan.has_origins
        self.only_yield, self.start = plan.only_yield, plan.start
        loop_at = {loop.body: i for i, loop in enumerate(plan.loops)}
        self.loops = len(loop_at)
        self.offsets = sorted([*plan.actions, *loop_at])
        self.count = len(self.offsets)
        self.size = len(plan.code.co_code) // 2
        actions = [plan.action(offset) for offset in self.offsets]
        total = sum([2 * len(action.implied) + len(action.before) for action in actions])
        self.numbers = <int *>PyMem_Calloc(self.size + 1, sizeof(int))
        self.points = <Point *>PyMem_Calloc(self.count + 1, sizeof(Point))
        self.pool = <int *>PyMem_Calloc(total + 1, sizeof(int))
        self.bodies = <int *>PyMem_Calloc(self.loops + 1, sizeof(int))
        if self.numbers == NULL or self.points == NULL or self.pool == NULL or self.bodies == NULL:
            raise MemoryError
        point_of = {offset: i for i, offset in enumerate(self.offsets)}
        self.fill_points(actions, point_of, loop_at)
        self.fill_numbers(point_of)
        self.flows = {}
        self.variables = variables_of(plan)

    cdef int fill_points(self, list actions, dict point_of, dict loop_at) except -1:
        cdef int i, end = 0
        cdef Point *point
        advances = self.plan.advances
        for i in range(self.count):
            action = actions[i]
            point = &self.points[i]
            point.line, point.prelude, point.element = action.line, action.prelude, action.element
            point.advance = point_of[advances[action.line]] if action.line in advances else -1
            point.conditional = action.conditional
            point.catches, point.restores, point.handles = action.catches, action.restores, action.handles
            point.loop = loop_at.get(self.offsets[i], -1)
            point.implied = end
            for pair in action.implied:
                self.pool[end], self.pool[end + 1] = pair
                end += 2
            point.implied_end = point.before = end
            for state in action.before:
                self.pool[end] = state
                end += 1
            point.before_end = end
        return 0

    cdef int fill_numbers(self, dict point_of) except -1:
        cdef Py_ssize_t at
        cdef int i
        for at in range(self.size):
            self.numbers[at] = NO_POINT
        for i in range(self.count):
            self.numbers[<Py_ssize_t>self.offsets[i] // 2] = i
        for i, loop in enumerate(self.plan.loops):
            self.bodies[i] = point_of[loop.body]
            self.numbers[<Py_ssize_t>loop.get // 2] = NO_POINT - 1 - i
        return 0

    def __dealloc__(self):
        PyMem_Free(self.numbers)
        PyMem_Free(self.origins)
        PyMem_Free(self.raising)
        PyMem_Free(self.returning)
        PyMem_Free(self.bodies)
        PyMem_Free(self.iterables)
        PyMem_Free(self.points)
        PyMem_Free(self.pool)

    cdef void add_hits(self, Count *counts, Count *hits, int lines) noexcept:
        """Add the hits of lines that follow from how often control has come to each point."""
        cdef int number, i
        cdef Count count
        cdef Point *point
        for number in range(self.count):
            count = counts[number]
            if count == 0:
                continue
            point = &self.points[number]
            if 0 <= point.line < lines:
                hits[point.line] += count
            if point.element >= 0:
                hits[point.element] += count
            for i in range(point.implied, point.implied_end, 2):
                if self.pool[i] == UNCHANGED:
                    hits[self.pool[i + 1]] += count

    cdef int prepare(self, int lines) except -1:
        """Ask the plan whose samples each point serves."""
        if self.wants is not None:
            return 0
        point_of = {offset: i for i, offset in enumerate(self.offsets)}
        self.exits = {state: [point_of[o] for o in offsets] for state, offsets in self.plan.exits.items()}
        self.deciders = self.plan.deciders
        wants = [self.plan.wants.get(offset) for offset in self.offsets]
        begin, end = [[] for _ in range(lines)], [[] for _ in range(lines)]
        for i, both in enumerate(wants):
            if both is not None:
                for line in both[0]:
                    begin[line].append(i)
                for line in both[1]:
                    end[line].append(i)
        returning = <int *>PyMem_Calloc(self.size + 1, sizeof(int))
        if returning == NULL:
            raise MemoryError
        for offset, line in self.plan.returning.items():
            returning[<Py_ssize_t>offset >> 1] = line
        if self.wants is not None:  # another thread was quicker
            PyMem_Free(returning)
            return 0
        self.returning = returning
        self.begin, self.end, self.wants = begin, end, wants
        return 0

    cdef set derived_with(self, bodies):
        """The points whose counts follow from others, if the turns of some loops are counted at next to no cost."""
        if bodies not in self.flows:
            derived = self.plan.derived_counts_with(bodies).derived
            self.flows[bodies] = {i for i, offset in enumerate(self.offsets) if offset in derived}
        return self.flows[bodies]

    cdef size_t *iterable(self, int loop, void *frame) except? NULL:
        """Where the iterable of a loop that begins is; NULL if there is no stack left to find that out."""
        cdef int *iterables
        if self.iterables == NULL:
            found = attempt(self.plan.iterables)
            if found is None:
                return NULL
            iterables = <int *>PyMem_Calloc(self.loops, sizeof(int))
            if iterables == NULL:
                raise MemoryError
            for i, depth in enumerate(found):
                iterables[<int>i] = depth
            if self.iterables != NULL:  # another thread was quicker
                PyMem_Free(iterables)
            else:
                self.iterables = iterables
        return stack_slot(frame, self.iterables[loop])

    cdef int ask_early(self) except -1:
        """Ask the plan, before a frame is recorded, for what must be known later without running Python code."""
        try:
            self.plan.advances
            if self.has_origins and self.origins == NULL:
                self.find_origins()
            if self.raising == NULL:
                self.find_raising()
            self.has_asked = True
        except RecursionError:  # too near the limit for that
            pass
        return 0

    cdef int find_raising(self) except -1:
        """Ask the plan which line is under way where a call is made, or something raised, or where a frame returns."""
        cdef Py_ssize_t i
        cdef int *raising = <int *>PyMem_Calloc(2 * self.size + 1, sizeof(int))
        if raising == NULL:
            raise MemoryError
        for i in range(2 * self.size):
            raising[i] = NOTHING
        for offset, line in self.plan.raising_lines.items():
            raising[<Py_ssize_t>offset >> 1] = line
        for offset, line in self.plan.returning.items():
            raising[self.size + (<Py_ssize_t>offset >> 1)] = max(<int>line, NOTHING)
        if self.raising != NULL:  # by another thread
            PyMem_Free(raising)
        else:
            self.raising, self.leaving_lines = raising, raising + self.size
        return 0

    cdef inline int line_at(self, int offset) noexcept:
        """The line that is under way at an offset where a call is made, or NOTHING."""
        return self.raising[offset >> 1] if self.raising != NULL and 0 <= offset >> 1 < self.size else NOTHING

    cdef inline int returning_line(self, int offset) noexcept:
        """The line that is under way where a frame returns, or NOTHING: it is not known."""
        if self.leaving_lines == NULL or not 0 <= offset >> 1 < self.size:
            return NOTHING
        return self.leaving_lines[offset >> 1]

    cdef Origin *origin(self, PyObject *error) noexcept:
        """Where an exception was raised in the frame that executes, by its traceback; NULL if that does not say."""
        cdef Py_ssize_t at = own_entry(error) >> 1
        return &self.origins[at] if 0 <= at < self.size and self.origins != NULL else NULL

    cdef Origin *leaving(self, Py_ssize_t offset, PyObject *error) noexcept:
        """Where an exception that leaves the frame at an offset was raised; NULL if the plan was not asked for that."""
        cdef Origin *here
        cdef Origin *found
        cdef PyObject *cause
        if self.origins == NULL:
            return NULL
        here = &self.origins[offset >> 1]
        if here.passed_on:
            found = self.origin(error)
            if found == NULL:  # a StopIteration is the cause of what leaves the frame
                cause = PyException_GetCause(error)
                if cause != NULL:
                    Py_DECREF(cause)  # `error` refers to it
                    found = self.origin(cause)
            if found != NULL and found.catcher == NOTHING:
                return found
        return here

    cdef PyObject *ending(self, int line, PyObject *error) except? NULL:
        """The exception that has ended a hit of a line in the frame that executes, if `error` has: see `CodePlan`."""
        if line in self.plan.raises_again:
            return error
        cdef int offset = entry_of(&error)
        if offset < 0 or self.plan.raising_lines.get(offset, NOTHING) != line:
            return NULL
        return error

    cdef int find_origins(self) except -1:
        """Ask the plan what becomes of exceptions, before there are any: then there may be no stack left for that."""
        cdef Py_ssize_t i
        cdef Origin *origins
        origins = <Origin *>PyMem_Calloc(self.size + 1, sizeof(Origin))
        if origins == NULL:
            raise MemoryError
        for offset, origin in self.plan.origins.items():
            i = <Py_ssize_t>offset >> 1
            origins[i].catcher = origin.caught_at
            if origin.caught_at >= 0:
                origins[i].catcher = self.numbers[<Py_ssize_t>origin.caught_at >> 1]
            origins[i].place = origin.place
            origins[i].raised_again = origin.raised_again
            origins[i].prelude = origin.prelude
            origins[i].passed_on = offset in self.plan.passed_on
        if self.origins != NULL:  # by another thread
            PyMem_Free(origins)
        else:
            self.origins = origins
        return 0

    cdef inline bint follows(self, Point *point, int state) noexcept:
        """Whether `state` can be under way when control arrives at a point."""
        cdef int i
        for i in range(point.before, point.before_end):
            if self.pool[i] == state:
                return True
        return False


cdef int own_entry(PyObject *error) noexcept:
    """The offset in the head of an exception's traceback, if that is an entry of the frame that executes; or -1."""
    cdef PyTracebackObject *traceback = PyException_GetTraceback(error)
    cdef int offset = -1
    if traceback != NULL and tracefunc_frame_of(traceback.tb_frame) == tracefunc_current_frame():
        offset = traceback.tb_lasti
    Py_XDECREF(<PyObject *>traceback)
    return offset


cdef int entry_of(PyObject **error) noexcept:
    """The same; where a StopIteration has become a RuntimeError at the end of a generator, it is put in its place."""
    cdef int offset = own_entry(error[0])
    cdef PyObject *cause
    if offset < 0 and Py_IS_TYPE(error[0], <PyTypeObject *>PyExc_RuntimeError):
        cause = PyException_GetCause(error[0])
        if cause != NULL:
            Py_DECREF(cause)  # `error` refers to it
            if (PyErr_GivenExceptionMatches(cause, PyExc_StopIteration)
                    or PyErr_GivenExceptionMatches(cause, PyExc_StopAsyncIteration)):
                error[0] = cause
                offset = own_entry(cause)
    return offset


cdef int raised_at(PyObject *error) noexcept:
    """The offset at which an exception was raised that leaves the frame which executes; see `origins.raised_at`."""
    cdef int offset = entry_of(&error)
    return PyFrame_GetLasti(PyEval_GetFrame()) if offset < 0 else offset


cdef Table table_of(plan):
    """The table of a code object's plan, which keeps it for the next trace."""
    if plan.table is None:
        plan.table = Table(plan)
    return plan.table
