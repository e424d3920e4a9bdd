# Part of `_fastmon.pyx`: whether other tools use `sys.monitoring` as well.

# `sys.monitoring.get_tool` and what it is called with, for a look at all tools at each start of a frame.
cdef object _get_tool = sys.monitoring.get_tool
ctypedef object (*LookUp)(object module, object tool_id)
cdef LookUp _look_up = <LookUp>PyCFunction_GetFunction(_get_tool) if PyCFunction_GetFlags(_get_tool) == METH_O else NULL
cdef object _module = _get_tool.__self__
cdef tuple _tool_ids = tuple(range(6))


cdef bint others_are_there() except -1:
    """Whether any tool besides ours holds an id."""
    cdef int held = 0
    if _look_up == NULL:
        return True  # the callback will find out
    for i in _tool_ids:
        held += _look_up(_module, i) is not None
    return held > 1
