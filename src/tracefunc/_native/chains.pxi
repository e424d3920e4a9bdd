# Part of `_fastmon.pyx`: samples of names and of chains of attributes, such as `self.cfg.port`.

cdef extern from "_native/attributes.h":
    int NOT_READABLE "TRACEFUNC_NOT_READ"
    bint _knows_keys "tracefunc_knows_keys"
    PyTypeObject *_lazy_import "tracefunc_lazy_import"
    PyObject *own_dict "tracefunc_own_dict"(PyObject *value)
    bint has_str_keys "tracefunc_has_str_keys"(PyObject *names)
    PyObject *tracefunc_follow(PyObject *value, PyObject *names, int *how)

# How a sample is taken, of a name or of a chain that begins with it.
cdef enum:
    OF_NAME  # as the pure recorder reads it
    OF_VARIABLE  # it is a variable that alone has its name in the frame
    HIDDEN  # it is not even read


cdef dict readers_of(plan):
    """The readers of each line, each with how its samples are taken."""
    return {line: with_ways(readers, plan.code) for line, readers in plan.readers.items()}


cdef tuple with_ways(readers, code):
    """Some readers, each with how samples are taken in a frame of a code object."""
    slots = [*code.co_varnames, *[name for name in code.co_cellvars if name not in code.co_varnames]]
    slots += code.co_freevars
    return tuple([(reader, how_sampled(reader, slots)) for reader in readers])


cdef int how_sampled(reader, list slots) except -1:
    """How samples of a reader are taken; `slots`: the names of the frame's variables."""
    if reader.how == REDACTED:
        return HIDDEN
    if reader.how == READS_LOCAL and CELLS_ARE_SAFE and slots.count(reader.stored) == 1:
        return OF_VARIABLE
    return OF_NAME


cdef int put_variable(Buffer *out, PyFrameObject *frame, reader, int how, ValueWriter writer) except -1:
    """Write a sample of one name, or of a chain of attributes, in a frame."""
    cdef PyObject *value
    cdef int found
    if how == HIDDEN:
        return put_tag(out, TAG_REDACTED)
    if how == OF_VARIABLE:
        found = tracefunc_variable(frame, reader.stored, &value)
    else:
        found = tracefunc_meaning(read, frame, reader.stored, reader.how, &value)
    if not found:  # unbound, or no stack left at the recursion limit
        return put_tag(out, TAG_UNAVAILABLE)
    names = reader.attributes
    if names:
        value = tracefunc_follow(value, <PyObject *>names, &found)
        if value == NULL:
            return put_tag(out, TAG_NOT_READ if found == NOT_READABLE else TAG_UNAVAILABLE)
    held = <object>value
    Py_DECREF(value)
    return writer.write(out, <PyObject *>held)


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
