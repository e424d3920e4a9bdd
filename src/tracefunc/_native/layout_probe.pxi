# Part of `_fastmon.pyx`: finds out at import whether this interpreter is laid out as the recorder assumes.
#
# If frames, integers or handled exceptions are laid out in another way, the import fails, and the pure engine is used.
# If only a frame's stack is, or the references on it are, no loop gets an iterator that counts: that is all that is
# ever written to a frame. If its variables are, these are read by way of frame objects.

cdef extern from "_native/interpreter.h":
    PyObject *call_apart "tracefunc_call_apart"(
        PyObject *(*callback)(PyObject *, PyObject **, Py_ssize_t) except NULL,
        PyObject *self, PyObject **args, Py_ssize_t count) except NULL
    void *handled_exceptions "tracefunc_handled_exceptions"()
    void *exception_below "tracefunc_exception_below"(void *item)
    void put_back_handled "tracefunc_put_back_handled"(void *item)

cdef extern from "Python.h":
    Py_ssize_t reference_count "Py_REFCNT"(PyObject *value)
    PyObject *item_of "PyList_GET_ITEM"(object values, Py_ssize_t i)
    ctypedef struct PyThreadState:
        pass
    PyThreadState *PyThreadState_Get()
    void PyThreadState_EnterTracing(PyThreadState *thread)
    void PyThreadState_LeaveTracing(PyThreadState *thread)

# Where a frame's record has the first variable of its code, and whether its stack is right behind its variables and
# holds references that can be replaced.
cdef Py_ssize_t _first_slot = -1
cdef bint _knows_stack = False
# Where it has the address of the instruction that it executes, or -1; and the code object of frames of C code, in 3.12.
cdef Py_ssize_t _offset_word = -1
cdef PyObject *_trampoline = NULL
cdef bint _knows_variables = False  # whether the slots have what the interpreter says of variables

cdef enum:
    COPIES = 64  # references to each object of the probe: more than it could lose by mistake


cdef inline size_t *stack_slot(void *frame, int depth) noexcept:
    """Where a frame has a value of its stack; for FIRST_VARIABLE: its first variable."""
    cdef size_t *first = <size_t *>frame + _first_slot
    if depth == FIRST_VARIABLE:
        return first
    return first + (<PyCodeObject *>tracefunc_code_of(frame)).co_nlocalsplus + depth


# What the probe runs. In `loops`, each iterable is the only value on the stack while `swap` is called, as it is before
# GET_ITER. It comes from a variable (a borrowed reference on 3.14 and later), a global variable, an expression and a
# constant. The last one is in the first variable, as in a generator expression.
cdef str PROBE = """
def frames(a, b):
    find(a, b)
    [*map(offset, [a])]
def loops(first, values, x, y):
    seen = []
    for each in (values, swap(values))[0]: seen.append(each)
    for each in (pair, swap(pair))[0]: seen.append(each)
    for each in ([x, y], swap())[0]: seen.append(each)
    for each in ((1.5, 2.5), swap())[0]: seen.append(each)
    swap(first, x)
    for each in first: seen.append(each)
    return seen
def handle(error):
    yield check(error)
    try:
        raise error
    except Exception:
        yield check(error)
def offset(a):
    find_offset()
def variables(a, b, c, *args, d=4, **others):
    x, y = a, [b]
    def inner(e, f):
        nonlocal x, c
        compare()
        x, c = e, f
        g = [lambda: each for each in (a, compare(), f)]
        del x
        yield compare()
        x = g
        compare(lambda: (e, y))
    compare()
    for f in inner(y, 1.5): compare(lambda: (d, f))
    del c, y, others
    return compare() or [compare() for b in args]
frames(object(), object())
"""


# --- frames ---

cdef object frame_above(PyFrameObject *frame):
    cdef PyObject *above = <PyObject *>PyFrame_GetBack(frame)
    if above == NULL:
        return None
    found = <object>above
    Py_DECREF(above)
    return found


cdef bint has_offset(PyFrameObject *frame, Py_ssize_t i):
    """Whether a word of a frame's record is the address of the instruction that the frame executes."""
    cdef void *record = tracefunc_frame_of(frame)
    cdef PyObject *code = tracefunc_code_of(record)
    return (<size_t *>record)[i] - bytecode(code) == <size_t>PyFrame_GetLasti(frame)


cdef object find_offset(object self, PyObject **args, Py_ssize_t count):
    """Find where the caller's frame has the address of its instruction, and what is between it and its own caller.

    It was called by C code.
    """
    global _offset_word, _trampoline
    cdef PyFrameObject *known = PyEval_GetFrame()
    cdef void *below = tracefunc_frame_below(tracefunc_frame_of(known))
    cdef Py_ssize_t i
    above = frame_above(known)
    found = [i for i in range(2, _first_slot) if has_offset(known, i) and has_offset(<PyFrameObject *>above, i)]
    if len(found) == 1 and not FREE_THREADED:
        _offset_word = found[0]
    if below != tracefunc_frame_of(<PyFrameObject *>above):
        _trampoline = tracefunc_code_of(below)
    return None


cdef object find_layout(object self, PyObject **args, Py_ssize_t count):
    """Find out how frames are linked, and where the record of the caller's frame has its two variables, `args`.

    The caller's stack has them again, above the function that is called and another value.
    """
    global _first_slot, _knows_stack
    cdef void *frame = tracefunc_current_frame()
    cdef PyFrameObject *known = PyEval_GetFrame()
    cdef Py_ssize_t i
    above = frame_above(known)
    if tracefunc_frame_of(known) != frame or tracefunc_code_of(frame) != <PyObject *>(<object>known).f_code:
        return None
    if tracefunc_frame_below(frame) != tracefunc_frame_of(<PyFrameObject *>above):
        return None
    for i in range(4, 16):
        if tracefunc_word(frame, i) == args[0] and tracefunc_word(frame, i + 1) == args[1]:
            _first_slot = i
            i += (<PyCodeObject *>tracefunc_code_of(frame)).co_nlocalsplus + 2
            _knows_stack = tracefunc_word(frame, i) == args[0] and tracefunc_word(frame, i + 1) == args[1]
            break
    return None


# --- variables ---

cdef object compare(object self, PyObject **args, Py_ssize_t count):
    """Note in `self`, a list, whether the slots of the caller's frame have the values of its variables."""
    cdef PyFrameObject *frame = PyEval_GetFrame()
    cdef size_t *first = stack_slot(tracefunc_current_frame(), FIRST_VARIABLE)
    cdef PyObject *value
    cdef Py_ssize_t i
    code = (<object>frame).f_code
    names = [*code.co_varnames, *[name for name in code.co_cellvars if name not in code.co_varnames], *code.co_freevars]
    for i, name in enumerate(names):
        if names.count(name) > 1:
            continue
        value = PyFrame_GetVar(frame, <PyObject *>name)
        if value == NULL:
            PyErr_Clear()
        (<list>self).append(in_variable(first + i, name in code.co_cellvars or name in code.co_freevars) == value)
        Py_XDECREF(value)
    return None


cdef bint variables_are_known(object variables, list answers) except -1:
    """Whether the interpreter says the same of local, cell and free variables as their slots, bound or not."""
    variables(object(), 2, "3", 4.5, other=6)
    return len(answers) > 0 and all(answers)


# --- references on the stack ---

cdef Counting *_swapped = NULL  # the first of the probe's iterators
cdef Count _turns = 0  # that they have counted


cdef object swap(object self, PyObject **args, Py_ssize_t count):
    """Replace the caller's iterable by an iterator that counts, which `self`, a list, gets as well.

    swap(iterable): it is at the bottom of the stack; swap(): so is one that has no name; swap(iterable, anything): it
    is in the first variable.
    """
    cdef size_t *slot = stack_slot(tracefunc_current_frame(), FIRST_VARIABLE if count == 2 else 0)
    cdef PyObject *iterable = in_slot(slot)
    cdef PyObject *iterator
    if iterable == NULL or (count > 0 and iterable != args[0]) or not is_suitable(iterable):
        raise RuntimeError("the iterable is elsewhere")
    iterator = count_items(iterable, &_turns, <PyObject *>self, &_swapped)
    (<list>self).append(<object>iterator)
    put_into_slot(slot, iterator)
    return None


cdef list reference_counts(list values):
    """How many references there are to each of these."""
    cdef Py_ssize_t i
    return [reference_count(item_of(values, i)) for i in range(len(values))]


cdef bint loops_are_counted(dict space, list iterators, list kept) except -1:
    """Whether iterators can replace iterables of all kinds: each item is seen and counted, no reference lost or left.

    `kept` gets so many references to the objects that a mistake frees none of them.
    """
    global _turns
    x, y = object(), object()
    pair = space["pair"] = [x, y]
    loops = space["loops"]
    [constant] = [constant for constant in loops.__code__.co_consts if type(constant) is tuple]
    letters = "\u0394\u03a3"  # each time, such a character is a new object
    kinds = [pair, (x, y), {x: 1, y: 2}.keys(), {1: x, 2: y}.values(), range(1000, 1002), letters]
    once = [iter([2.5, 3.5]), reversed([2.5, 3.5]), iter([2.5, 3.5]), reversed([2.5, 3.5])]
    firsts = kinds + once[:2]
    kinds += once[2:]
    watched = [x, y, iterators, constant, *constant, *kinds, *once]
    kept.extend(watched * COPIES)
    items = [[x, y]] * 4 + [[1000, 1001], list(letters), [2.5, 3.5], [3.5, 2.5]]
    before = reference_counts(watched)
    for first, values, expected in zip(firsts, kinds, items):
        _turns = 0
        if loops(first, values, x, y) != [*expected, x, y, x, y, 1.5, 2.5, *expected] or _turns != 10:
            return False
        if reference_counts(iterators) != [1] * 5:
            return False
        iterators.clear()
    first = values = expected = None
    return _swapped == NULL and reference_counts(watched) == before


cdef bint references_are_known(dict space, list iterators) except -1:
    """Whether a reference on a frame's stack can be replaced by another one."""
    kept = []
    try:
        if loops_are_counted(space, iterators, kept):
            return True
    except Exception:
        pass
    while _swapped != NULL:
        unlink(_swapped)
    Py_NewRef(<PyObject *>kept)  # their counts may be wrong: none of them is ever freed
    return False


# --- integers ---

cdef bint offsets_are_read() except -1:
    """Whether the first digit of an integer is its value, up to the 30 bits that a digit has."""
    cdef Py_ssize_t offset
    cdef object number
    for offset in (0, 2, 254, 256, 258, 0x7FFE, 0x8000, 0x8002, 0x10000, 0x3FFFFFFE):
        number = offset
        if tracefunc_offset(<PyObject *>number) != offset:
            return False
    return True


# --- handled exceptions ---

cdef PyObject *catch_error(PyObject *self, PyObject **args, Py_ssize_t count) except NULL:
    """Catch an exception, as callbacks do; return a borrowed None if args[0] is still being handled then."""
    cdef PyObject *handled = PyErr_GetHandledException()
    Py_XDECREF(handled)
    try:
        raise KeyError
    except KeyError:
        pass
    return _none if handled == args[0] else _disable


cdef object check(object self, PyObject **args, Py_ssize_t count):
    """Whether a callback leaves the handling of an exception, args[0], as it was."""
    cdef void *top = handled_exceptions()
    cdef void *below = exception_below(top)
    cdef Py_ssize_t before = reference_count(args[0])
    cdef PyObject *answer = call_apart(catch_error, <PyObject *>self, args, count)
    if handled_exceptions() != top:
        put_back_handled(top)
        return False
    cdef PyObject *handled = PyErr_GetHandledException()
    Py_XDECREF(handled)
    return (
        answer == _none and handled == args[0] and exception_below(top) == below
        and reference_count(args[0]) == before
    )


cdef bint handling_is_kept(object handle) except -1:
    """Whether callbacks leave handled exceptions alone, in a generator that handles one or whose caller does."""
    error = ValueError()
    try:
        raise error
    except ValueError:
        answers = [*handle(error)]
    error.__traceback__ = None
    return answers == [True, True]


# --- the probe ---

cdef PyMethodDef _find_layout = PyMethodDef("find", <PyCFunction>find_layout, METH_FASTCALL, NULL)
cdef PyMethodDef _find_offset = PyMethodDef("find_offset", <PyCFunction>find_offset, METH_FASTCALL, NULL)
cdef PyMethodDef _swap = PyMethodDef("swap", <PyCFunction>swap, METH_FASTCALL, NULL)
cdef PyMethodDef _compare = PyMethodDef("compare", <PyCFunction>compare, METH_FASTCALL, NULL)
cdef PyMethodDef _check = PyMethodDef("check", <PyCFunction>check, METH_FASTCALL, NULL)


cdef object probe_layout():
    """Raise an ImportError if this interpreter's layout is unknown; return why no loop can have a counting iterator."""
    global _knows_variables
    iterators, answers = [], []
    space = {
        "find": PyCFunction_NewEx(&_find_layout, None, None),
        "find_offset": PyCFunction_NewEx(&_find_offset, None, None),
        "compare": PyCFunction_NewEx(&_compare, answers, None),
        "swap": PyCFunction_NewEx(&_swap, iterators, None),
        "check": PyCFunction_NewEx(&_check, None, None),
    }
    PyThreadState_EnterTracing(PyThreadState_Get())  # other tools do not see the probe, nor keep what it looks at
    try:
        exec(PROBE, space)
        if _first_slot < 0:
            raise ImportError("this interpreter's frames are laid out in an unknown way")
        if not offsets_are_read():
            raise ImportError("this interpreter's integers are laid out in an unknown way")
        if not handling_is_kept(space["handle"]):
            raise ImportError("this interpreter's handled exceptions are laid out in an unknown way")
        if FREE_THREADED:
            return ""
        _knows_variables = variables_are_known(space["variables"], answers)
        if not _knows_stack:
            return "this interpreter's stack is laid out in an unknown way"
        if not references_are_known(space, iterators):
            return "this interpreter's stack has references of an unknown kind"
        return ""
    finally:
        PyThreadState_LeaveTracing(PyThreadState_Get())
        space.clear()  # the functions and their globals refer to each other


PyType_Ready(&counting_type)
why_no_iterators = probe_layout()
if why_no_iterators:
    _knows_stack = False
