# Part of `_fastmon.pyx`: whether `when` lets a call be recorded, found out before there is a frame object.

cdef enum:
    MOST_NAMES = 8
    MOST_DEPTH = 16

assert MOST_DEPTH == when_compiler.MOST_DEPTH

ctypedef PyObject *(*Unary)(PyObject *) noexcept
ctypedef PyObject *(*Binary)(PyObject *, PyObject *) noexcept
cdef Unary[3] UNARY = [PyNumber_Negative, PyNumber_Positive, PyNumber_Invert]
cdef Binary[11] BINARY = [
    PyNumber_Add, PyNumber_Subtract, PyNumber_Multiply, PyNumber_TrueDivide, PyNumber_FloorDivide, PyNumber_Remainder,
    PyNumber_And, PyNumber_Or, PyNumber_Xor, PyNumber_Lshift, PyNumber_Rshift,
]
cdef enum:  # as in `when_compiler`
    ARGUMENT, CONSTANT, CELL, GLOBAL, COMPARE, IS, IN, NOT, AND, OR, IS_BINARY, IS_UNARY, ITEM, ATTRIBUTE, CALL


assert (ARGUMENT, CONSTANT, CELL, GLOBAL, COMPARE) == when_compiler.OPERATIONS[:5]
assert (IS, IN, NOT, AND, OR, IS_BINARY, IS_UNARY, ITEM, ATTRIBUTE, CALL) == when_compiler.OPERATIONS[5:]


cdef struct Step:
    int what
    Py_ssize_t number  # a slot, or what else is a number
    PyObject *operand  # borrowed from the condition


@cython.final
cdef class Check:
    """A `Condition` on plain arguments, tested without the frame object that Python code needs to read them."""

    cdef object condition
    cdef object test, globals, builtins
    cdef tuple names  # of the arguments that the test takes
    cdef Py_ssize_t slots[MOST_NAMES]  # of these
    cdef unsigned long thread  # the only one whose calls are recorded, or 0
    cdef Step *steps  # NULL: call the test
    cdef int length

    def __cinit__(self, condition, code, unsigned long thread):
        cdef int i
        self.thread = thread
        slot_of = {reader.name: _first_slot + code.co_varnames.index(reader.stored) for reader in condition.readers}
        self.condition, self.test = condition, condition.test
        self.names = tuple([reader.name for reader in condition.readers])
        for i, name in enumerate(self.names):
            self.slots[i] = slot_of[name]
        if condition.steps is None:
            return
        self.globals, self.builtins = self.test.__globals__, self.test.__builtins__
        self.length = len(condition.steps)
        self.steps = <Step *>PyMem_Calloc(self.length, sizeof(Step))
        if self.steps == NULL:
            raise MemoryError
        for i, (what, operand, _) in enumerate(condition.steps):
            self.steps[i].what = what
            self.steps[i].operand = <PyObject *>operand
            if what == ARGUMENT:
                self.steps[i].number = slot_of[operand]
            elif what not in (CONSTANT, CELL) and isinstance(operand, int):
                self.steps[i].number = operand

    def __dealloc__(self):
        PyMem_Free(self.steps)

    cdef int ask(self) noexcept:
        """What the condition says of the call that starts in the frame that executes; it is asked once for each."""
        if self.thread != 0 and self.thread != PyThread_get_thread_ident():
            return REFUSED
        cdef void *frame = tracefunc_current_frame()
        cdef PyObject *values[MOST_NAMES]
        cdef PyObject *found
        cdef int i, holds
        if self.steps != NULL:
            found = self.evaluate(frame)
        else:
            for i in range(len(self.names)):
                values[i] = tracefunc_word(frame, self.slots[i])
            found = PyObject_Vectorcall(<PyObject *>self.test, values, 0, <PyObject *>self.names)
        holds = -1 if found == NULL else PyObject_IsTrue(found)
        Py_XDECREF(found)
        return RAISED if holds < 0 else ACCEPTED if holds else REFUSED

    cdef PyObject *evaluate(self, void *frame) noexcept:
        """The value of the condition; NULL and an exception where it raises one."""
        cdef PyObject *stack[MOST_DEPTH]
        cdef PyObject *value
        cdef Step *step
        cdef int top = -1, i = 0, truth  # `stack[top]` is the value on top
        while i < self.length:
            step = &self.steps[i]
            i += 1
            if step.what <= GLOBAL:
                value = self.load(step, frame)
            elif step.what == AND or step.what == OR:
                truth = PyObject_IsTrue(stack[top])
                if truth < 0:
                    break
                if truth == (step.what == OR):
                    i += <int>step.number
                else:
                    Py_DECREF(stack[top])
                    top -= 1
                continue
            else:
                value = combine(step, stack, &top)
            if value == NULL:
                break
            top += 1
            stack[top] = value
        else:
            return stack[0]
        while top >= 0:
            Py_DECREF(stack[top])
            top -= 1
        return NULL

    cdef inline PyObject *load(self, Step *step, void *frame) noexcept:
        """The value of a step that takes none from the stack."""
        if step.what == ARGUMENT:
            return Py_NewRef(tracefunc_word(frame, step.number))
        if step.what == CONSTANT:
            return Py_NewRef(step.operand)
        if step.what == CELL:
            return PyCell_Get(step.operand)
        return tracefunc_global(<PyObject *>self.globals, <PyObject *>self.builtins, step.operand)


cdef inline PyObject *combine(Step *step, PyObject **stack, int *top) noexcept:
    """The value of a step that is made of values on the stack, which are taken from there."""
    cdef PyObject *value
    cdef int what = step.what, last = top[0]
    cdef Py_ssize_t called
    if what == ATTRIBUTE:
        return tracefunc_replace(stack, top, 1, PyObject_GetAttr(stack[last], step.operand))
    if what == IS_UNARY:
        return tracefunc_replace(stack, top, 1, UNARY[step.number](stack[last]))
    if what == IS_BINARY:
        return tracefunc_replace(stack, top, 2, BINARY[step.number](stack[last - 1], stack[last]))
    if what == ITEM:
        return tracefunc_replace(stack, top, 2, PyObject_GetItem(stack[last - 1], stack[last]))
    if what == COMPARE:
        return tracefunc_replace(stack, top, 2, tracefunc_compare(stack[last - 1], stack[last], <int>step.number))
    if what == CALL:
        called = last - step.number
        value = PyObject_Vectorcall(stack[called], &stack[called + 1], step.number, NULL)
        return tracefunc_replace(stack, top, step.number + 1, value)
    return tracefunc_replace(stack, top, 1 if what == NOT else 2, truth_of(what, stack, last))


cdef inline PyObject *truth_of(int what, PyObject **stack, int last) noexcept:
    """The value of a step whose value is True or False."""
    cdef int truth
    if what == IS:
        truth = stack[last - 1] == stack[last]
    elif what == IN:
        truth = PySequence_Contains(stack[last], stack[last - 1])
    else:
        truth = PyObject_IsTrue(stack[last])
    return NULL if truth < 0 else PyBool_FromLong(truth != (what == NOT))


cdef Check check_of(condition, code, unsigned long thread):
    """The quick way to test a condition; None if there is none, as for a variable that is a cell.

    `thread`: the only one whose calls are recorded, or 0.
    """
    if condition is None or len(condition.readers) > MOST_NAMES:
        return None
    if any([reader.stored in code.co_cellvars for reader in condition.readers]):
        return None
    return Check(condition, code, thread)
