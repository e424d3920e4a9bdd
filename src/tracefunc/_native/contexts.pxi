# Part of `_fastmon.pyx`: which call the code of a context runs in, the twin of `_record/contexts.py`.
#
# A context variable says it, which tasks and callbacks inherit. Setting it takes as long as all else that is done where
# a call starts, so its value is a cell, and what that holds is changed instead, as long as no other context has the
# cell: copies of a context share its table of values until one of them sets a variable.

from _contextvars import copy_context

cdef extern from "_native/contexts.h":
    PyObject *context_values "tracefunc_context_values"()
    PyObject *referent "tracefunc_referent"(object reference)
    void *context_here "tracefunc_context_here"()

cdef extern from "Python.h":
    int PyContextVar_Get(object variable, PyObject *default, PyObject **value) except -1
    object PyContextVar_New(const char *name, PyObject *default)
    object PyContextVar_Set(object variable, object value)
    int PyContextVar_Reset(object variable, object token) except -1
    object PyWeakref_NewRef(PyObject *value, PyObject *callback)


cdef object _variable = PyContextVar_New("tracefunc", NULL)


@cython.trashcan(True)
cdef class Scope:
    """What a context says: the call that its code runs in, and the scope around that call."""

    cdef Contexts trace  # a context may live longer than its trace
    cdef int scope_target
    cdef Scope around
    cdef bint has_ended  # calls need not end in the reverse order of their starts
    cdef bint is_recorded


@cython.final
cdef class Cell:
    """What is in a context: its innermost scope, perhaps one that has ended."""

    cdef Scope innermost
    cdef PyObject *values  # the table of a context that it was put into, and a weak reference to that
    cdef object table

    cdef bint is_alone(self) except -1:
        """Whether no context has it but the one that is current."""
        cdef PyObject *values = context_values()
        if FREE_THREADED or values == NULL or values != self.values or self.table is None:
            return False
        return reference_count(values) == 1 and referent(self.table) == values


cdef Cell current_cell():
    """The cell in the current context, if there is one."""
    cdef PyObject *found = NULL
    PyContextVar_Get(_variable, NULL, &found)
    if found == NULL:
        return None
    cell = <object>found
    Py_DECREF(found)
    return cell if type(cell) is Cell else None


cdef Scope lasting(Scope scope):
    """The first scope that has not ended, from the inside to the outside."""
    while scope is not None and scope.has_ended:
        scope = scope.around
    return scope


@cython.final
cdef class Contexts:
    """What one trace writes into contexts, and reads there."""

    cdef void *home  # the context in which it began
    cdef object token  # undoes what it has put there
    cdef Cell latest  # the cell that was needed last: mostly the one that is needed next

    cdef inline Cell cell(self):
        """The cell in the current context, if there is one; it is `latest` only if no other context has it."""
        if self.latest is not None and self.latest.is_alone():  # a table of values never changes
            return self.latest
        self.latest = None
        return current_cell()

    cdef int put(self, Scope innermost) except -1:
        """Let the current context's code run in a scope."""
        cdef Cell cell = self.cell()
        cdef bint is_first = cell is None
        if cell is not None and cell.is_alone():
            cell.innermost, self.latest = innermost, cell
            return 0
        cell = Cell()
        cell.innermost, self.latest = innermost, cell
        token = PyContextVar_Set(_variable, cell)
        if self.home == NULL:  # the trace begins, in a thread that had no context
            self.home = context_here()
        if is_first and context_here() == self.home:
            self.token = token
        cell.values = context_values()
        if cell.values != NULL and not FREE_THREADED:
            cell.table = PyWeakref_NewRef(cell.values, NULL)
        return 0

    def begin(self):
        """Have a cell in the context in which the trace begins, of which nothing is left there when it ends."""
        self.home = context_here()
        if self.cell() is None:
            self.put(None)

    def enter(self, int target, call):
        """Have this context's code run in a call that is not recorded, until `leave` is called with the scope."""
        cdef Scope scope = Scope()
        self.enter_scope(scope, target)
        return scope

    cdef int enter_scope(self, Scope scope, int target) except -1:
        """Have this context's code run in a scope until that is left."""
        cdef Cell cell = self.cell()
        cdef Scope around = None if cell is None else lasting(cell.innermost)
        if around is not None:  # however many have ended between, they are forgotten
            around.around = lasting(around.around)
        scope.trace, scope.scope_target, scope.around = self, target, around
        if cell is not None and cell is self.latest:  # which is in no other context
            cell.innermost = scope
        else:
            self.put(scope)
        return 0

    def is_passed(self, int target):
        """Whether this context's code runs in a call of `target` that is not recorded, and in none within it."""
        cdef Cell cell = self.cell()
        cdef Scope scope = None if cell is None else lasting(cell.innermost)
        return scope is not None and scope.trace is self and scope.scope_target == target and not scope.is_recorded

    def leave(self, Scope scope):
        """End a scope. Where it is not the innermost one of this context, it is passed over from here on."""
        self.leave_scope(scope)

    cdef int leave_scope(self, Scope scope) except -1:
        cdef Cell cell = self.cell()
        scope.has_ended = True
        if cell is None or cell.innermost is not scope:
            return 0
        if cell is self.latest:  # which is in no other context
            cell.innermost = lasting(scope.around)
        else:
            self.put(lasting(scope.around))
        return 0

    cdef bint call_around(self, int target, PyObject **call) except -1:
        """Whether the context knows which call of `target` runs, and that call, borrowed, if it is recorded."""
        cdef Cell cell = self.cell()
        cdef Scope innermost = None if cell is None else cell.innermost
        cdef Scope scope = innermost
        while scope is not None:
            if scope.trace is self and scope.scope_target == target:
                if not scope.is_recorded:
                    # In a copy of its context, it is still the one that code belongs to which it has started.
                    if scope is innermost or not scope.has_ended:
                        return True
                elif not scope.has_ended:
                    call[0] = <PyObject *>scope
                    return True
            scope = scope.around
        return False

    cdef PyObject *innermost(self) except? NULL:
        """The innermost recorded call that the context's code runs in, borrowed, or NULL."""
        cdef Cell cell = self.cell()
        cdef Scope scope = None if cell is None else cell.innermost
        while scope is not None:
            if scope.trace is self and scope.is_recorded and not scope.has_ended:
                return <PyObject *>scope
            scope = scope.around
        return NULL

    def __del__(self):
        if self.token is not None:  # an interrupt has kept the trace from being ended
            self.end()

    def end(self):
        """Remove this trace's scopes from the context, up to the first one of another trace."""
        cdef Cell cell = self.cell()
        cdef Scope scope = None if cell is None else cell.innermost
        cdef Scope found = scope
        token, self.token, self.latest = self.token, None, None
        while scope is not None and scope.trace is self:
            scope = scope.around
        if scope is None and token is not None:
            try:
                PyContextVar_Reset(_variable, token)
                return
            except (ValueError, RuntimeError):  # this is another context
                pass
        if scope is not found:
            self.put(scope)


# --- layout ---

cdef bint contexts_are_known():
    """Whether copies of a context share its values until one of them sets a variable, and a cell notices that."""
    if FREE_THREADED:
        return True
    cdef Cell cell = Cell()
    cdef PyObject *before
    token = PyContextVar_Set(_variable, cell)
    try:
        before = cell.values = context_values()
        cell.table = PyWeakref_NewRef(before, NULL)
        if not cell.is_alone():
            return False
        copied = copy_context()
        if cell.is_alone():
            return False
        copied = None
        if not cell.is_alone():
            return False
        PyContextVar_Set(_variable, Cell())
        return context_values() != before and not cell.is_alone()
    finally:
        PyContextVar_Reset(_variable, token)


if not contexts_are_known():
    raise ImportError("this interpreter's contexts are laid out in an unknown way")
