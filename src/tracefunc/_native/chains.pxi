# Part of `_fastmon.pyx`: samples of names and of chains of attributes, such as `self.cfg.port`.

cdef extern from "_native/attributes.h":
    int NOT_READABLE "TRACEFUNC_NOT_READ"
    bint _knows_keys "tracefunc_knows_keys"
    PyTypeObject *_lazy_import "tracefunc_lazy_import"
    PyObject *own_dict "tracefunc_own_dict"(PyObject *value)
    bint has_str_keys "tracefunc_has_str_keys"(PyObject *names)
    PyObject *tracefunc_follow(PyObject *value, PyObject *names, int *how)

cdef extern from "Python.h":
    PyObject *PyFrame_GetVar(PyFrameObject *frame, object name) except NULL

# How a sample is taken.
cdef enum:
    BY_SAMPLE  # as the pure recorder does
    OF_VARIABLE  # of a variable that alone has its name in the frame
    CHAIN_OF_VARIABLE  # of a chain that begins with such a variable
    CHAIN_OF_NAME  # of a chain that begins with any other name


cdef dict readers_of(plan):
    """The readers of each line, each with how its samples are taken."""
    code = plan.code
    slots = [*code.co_varnames, *[name for name in code.co_cellvars if name not in code.co_varnames]]
    slots += code.co_freevars
    return {
        line: tuple([(reader, how_sampled(reader, slots)) for reader in readers])
        for line, readers in plan.readers.items()
    }


cdef int how_sampled(reader, list slots) except -1:
    """How samples of a reader are taken; `slots`: the names of the frame's variables."""
    if reader.how == READS_LOCAL and CELLS_ARE_SAFE and slots.count(reader.stored) == 1:
        return CHAIN_OF_VARIABLE if reader.attributes else OF_VARIABLE
    if reader.attributes and reader.how not in (UNREADABLE, REDACTED):
        return CHAIN_OF_NAME
    return BY_SAMPLE


cpdef tuple values_of(frame, tuple readers, describe):
    """The samples of a line's names, and then of its chains."""
    return tuple([show(frame, reader, how, describe) for reader, how in readers])


cdef object show(object frame, object reader, int how, object describe):
    """A sample of one name or chain."""
    if how == BY_SAMPLE:
        return sample(frame, reader, describe)
    if how == OF_VARIABLE:
        return tracefunc_show(<PyFrameObject *>frame, reader.stored, describe, UNAVAILABLE)  # as sample() does
    return show_chain(frame, reader, how, describe)


cdef object show_chain(object frame, object reader, int how, object describe):
    """A sample of a chain, as sample() takes it."""
    cdef PyObject *value
    cdef int found
    names = reader.attributes
    try:
        if how == CHAIN_OF_VARIABLE:
            value = PyFrame_GetVar(<PyFrameObject *>frame, reader.stored)
        else:
            first = read(frame, reader.stored, reader.how)
            value = Py_NewRef(<PyObject *>first)
            first = None
        value = tracefunc_follow(value, <PyObject *>names, &found)
        if value == NULL:
            return NOT_READ if found == NOT_READABLE else UNAVAILABLE
        try:
            return describe(<object>value)
        finally:
            Py_DECREF(value)
    except Exception:
        return UNAVAILABLE


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
        value = tracefunc_follow(Py_NewRef(<PyObject *>probe), <PyObject *>names, &how)
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
