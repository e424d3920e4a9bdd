# Part of `_fastmon.pyx`: samples of names and of chains of attributes, such as `self.cfg.port`.

from ._values.chains import LAZY_IMPORT

cdef extern from "_native/attributes.h":
    int NOT_READABLE "TRACEFUNC_NOT_READ"
    bint _knows_keys "tracefunc_knows_keys"
    PyTypeObject *_lazy_import "tracefunc_lazy_import"
    PyObject *own_dict "tracefunc_own_dict"(PyObject *value)
    bint has_str_keys "tracefunc_has_str_keys"(PyObject *names)
    ctypedef struct Link "tracefunc_link":
        pass
    PyObject *tracefunc_follow(PyObject *value, PyObject *names, Link *links, int *how)

cdef extern from "_native/log_samples.h":
    int OF_NAME "TRACEFUNC_OF_NAME"
    int OF_VARIABLE "TRACEFUNC_OF_VARIABLE"
    int HIDDEN "TRACEFUNC_HIDDEN"
    int IN_SLOT "TRACEFUNC_IN_SLOT"
    int OF_GLOBAL "TRACEFUNC_OF_GLOBAL"
    ctypedef struct Variable "tracefunc_variable_of_line":
        int how
        bint may_be_cell
        Py_ssize_t slot
        PyObject *name
        PyObject *attributes
        Link *links
    ctypedef struct Manner "tracefunc_manner":
        Py_ssize_t room
        int shown
        Known *known
    bint tracefunc_borrow(const Variable *what, size_t *first, PyObject **value)
    int put_variables "tracefunc_put_variables"(
        Buffer *out, size_t start, const Variable *all, int many, size_t *first, const Manner *manner
    ) except -1
    int put_head "tracefunc_put_head"(Buffer *out, int tag, int line, Count moment) except -1


@cython.final
@cython.no_gc  # what it refers to are texts, in tuples
cdef class Variables:
    """The names and chains that are sampled of each line of a code object, as an array."""

    cdef tuple readers  # by line, or by another number; they own the texts
    cdef PyObject *code
    cdef Variable *all
    cdef int *ends  # by line: where its own end in `all`
    cdef int lines

    def __cinit__(self, readers, code):
        cdef int line, many = 0, total = sum([len(each) for each in readers])
        slots = slots_of(code)
        self.readers, self.code, self.lines = tuple(readers), <PyObject *>code, len(readers)
        self.all = <Variable *>PyMem_Calloc(total + 1, sizeof(Variable))
        self.ends = <int *>PyMem_Calloc(self.lines + 1, sizeof(int))
        if self.all == NULL or self.ends == NULL:
            raise MemoryError
        for line, each in enumerate(self.readers):
            for reader in each:
                self.fill(&self.all[many], reader, slots, code)
                many += 1
            self.ends[line] = many

    def __dealloc__(self):
        cdef int i
        if self.all != NULL and self.ends != NULL:
            for i in range(self.ends[self.lines - 1] if self.lines else 0):
                PyMem_Free(self.all[i].links)
        PyMem_Free(self.all)
        PyMem_Free(self.ends)

    cdef int fill(self, Variable *variable, reader, list slots, code) except -1:
        variable.how = how_sampled(reader, slots, code)
        variable.name = <PyObject *>reader.stored
        if variable.how == IN_SLOT:
            variable.slot = slots.index(reader.stored)
            variable.may_be_cell = reader.stored in code.co_cellvars or reader.stored in code.co_freevars
        if not reader.attributes:
            return 0
        variable.attributes = <PyObject *>reader.attributes
        if not FREE_THREADED:  # where other threads would use them too
            variable.links = <Link *>PyMem_Calloc(len(reader.attributes), sizeof(Link))
        return 0

    cdef inline int first(self, int line) noexcept:
        """Where those of a line begin in `all`."""
        return self.ends[line - 1] if line > 0 else 0

    cdef int put(self, Buffer *out, int number, PyFrameObject *frame, ValueWriter writer) except -1:
        """Write a sample of one of them in a frame. Code of the program may run."""
        cdef Variable *variable = &self.all[number]
        cdef PyObject *value
        cdef int found
        if variable.how == HIDDEN:
            return put_tag(out, TAG_REDACTED)
        if not self.take(variable, frame, &value):  # unbound, or no stack left at the recursion limit
            return put_tag(out, TAG_UNAVAILABLE)
        if variable.attributes != NULL:
            value = tracefunc_follow(value, variable.attributes, variable.links, &found)
            if value == NULL:
                return put_tag(out, TAG_NOT_READ if found == NOT_READABLE else TAG_UNAVAILABLE)
        held = <object>value
        Py_DECREF(value)
        return writer.write(out, <PyObject *>held)

    cdef bint take(self, Variable *variable, PyFrameObject *frame, PyObject **value) except -1:
        """Read the value of a name, a new reference; return False if there is none."""
        cdef void *record = tracefunc_frame_of(frame)
        # Globals are those of the frame that executes, which may be one of ours.
        if variable.how >= IN_SLOT and record == tracefunc_current_frame() and tracefunc_code_of(record) == self.code:
            if tracefunc_borrow(variable, stack_slot(record, FIRST_VARIABLE), value):
                if value[0] != NULL:
                    Py_NewRef(value[0])
                return value[0] != NULL
        if variable.how == OF_VARIABLE or variable.how == IN_SLOT:
            return tracefunc_variable(frame, <object>variable.name, value)
        reader = self.reader(variable)
        return tracefunc_meaning(read, frame, reader.stored, reader.how, value)

    cdef object reader(self, Variable *variable):
        cdef int line = 0, number = <int>(variable - self.all)
        while self.ends[line] <= number:
            line += 1
        return self.readers[line][number - self.first(line)]


cdef Variables variables_of(plan):
    """What is sampled of the lines of a code object."""
    return Variables([plan.readers.get(line, ()) for line in range(max(plan.readers, default=-1) + 1)], plan.code)


cdef list slots_of(code):
    """The names of the variables in the slots of a code object's frames."""
    slots = [*code.co_varnames, *[name for name in code.co_cellvars if name not in code.co_varnames]]
    return slots + list(code.co_freevars)


cdef int how_sampled(reader, list slots, code) except -1:
    """How samples of a reader are taken; `slots`: the names of the frame's variables."""
    cdef bint in_slots = _knows_variables and len(slots) == (<PyCodeObject *>code).co_nlocalsplus
    if reader.how == REDACTED:
        return HIDDEN
    if reader.how == READS_LOCAL and CELLS_ARE_SAFE and slots.count(reader.stored) == 1:
        return IN_SLOT if in_slots and code.co_flags & _interpreter.OPTIMIZED else OF_VARIABLE
    if reader.how == READS_GLOBAL and not FREE_THREADED:
        return OF_GLOBAL
    return OF_NAME


# --- layout ---

class ProbeOfAttributes:
    def __init__(self):
        self.first = 1


cdef bint keys_are_known():
    """Whether dictionaries never say wrongly that all their keys are exact `str`."""
    others = ({1: 1}, {"first": 1, 2: 2})
    return not any([has_str_keys(<PyObject *>names) for names in others])


cdef bint dictionaries_are_found():
    """Whether objects have their dictionaries where they are looked for, and none is made."""
    cdef int how
    cdef PyObject *value
    names, probe = ("first",), ProbeOfAttributes()
    for has_dict in (False, True):
        value = tracefunc_follow(Py_NewRef(<PyObject *>probe), <PyObject *>names, NULL, &how)
        if value == NULL:
            return False
        first = <object>value
        Py_DECREF(value)
        if first != 1 or (own_dict(<PyObject *>probe) != NULL) != has_dict:
            return False
        probe.__dict__  # makes one
    return own_dict(<PyObject *>probe) == <PyObject *>probe.__dict__


_knows_keys = keys_are_known()
if not dictionaries_are_found():
    raise RuntimeError("objects do not have their dictionaries where they had them")
if LAZY_IMPORT is not None:
    _lazy_import = <PyTypeObject *>LAZY_IMPORT
