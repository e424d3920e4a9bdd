# Part of `_fastmon.pyx`: what it takes from C, its own headers first.

from ._values import read as ways_of_reading

cdef extern from "_native/interpreter.h":
    ctypedef struct Section "tracefunc_section":
        pass
    bint FREE_THREADED "tracefunc_free_threaded"
    bint CELLS_ARE_SAFE "tracefunc_cells_are_safe"  # as in `_interpreter`
    void enter "tracefunc_enter"(Section *section, object self)
    void leave "tracefunc_leave"(Section *section, object self)
    void renew_section "tracefunc_renew"(object self)
    ctypedef struct PyFrameObject:
        pass
    ctypedef struct PyTracebackObject:
        PyFrameObject *tb_frame
        int tb_lasti
    ctypedef struct PyCodeObject:
        int co_nlocalsplus, co_flags
    PyObject *PyErr_GetHandledException()
    PyObject *PyException_GetCause(PyObject *error)
    PyTracebackObject *PyException_GetTraceback "(PyTracebackObject *)PyException_GetTraceback"(PyObject *error)
    void *tracefunc_current_frame()
    PyObject *tracefunc_word(void *frame, Py_ssize_t i)
    PyObject *tracefunc_code_of(void *frame)
    void *tracefunc_frame_below(void *frame)
    void *tracefunc_frame_of(PyFrameObject *frame)
    bint is_shared "tracefunc_is_shared"(PyObject *code)
    int UNASKED "TRACEFUNC_UNASKED"
    int REFUSED "TRACEFUNC_REFUSED"
    int ACCEPTED "TRACEFUNC_ACCEPTED"
    int RAISED "TRACEFUNC_RAISED"
    Py_ssize_t tracefunc_offset(PyObject *number)
    PyObject *tracefunc_global(PyObject *globals, PyObject *builtins, PyObject *name)
    PyObject *tracefunc_compare(PyObject *one, PyObject *other, int operator)
    PyObject *tracefunc_replace(PyObject **stack, int *top, Py_ssize_t number, PyObject *result)
    object attempt "tracefunc_attempt"(object function)
    int tracefunc_variable(PyFrameObject *frame, object name, PyObject **value) except -1
    int tracefunc_meaning(object read, PyFrameObject *frame, object name, object how, PyObject **value) except -1

cdef extern from "_native/stacks.h":
    size_t bytecode "tracefunc_bytecode"(PyObject *code)
    int first_traceable "tracefunc_first_traceable"(PyObject *code)
    PyObject *code_name "tracefunc_code_name"(PyObject *code)
    PyObject *code_file "tracefunc_code_file"(PyObject *code)
    PyObject *code_lines "tracefunc_code_lines"(PyObject *code)
    int code_first "tracefunc_code_first"(PyObject *code)

cdef extern from "_native/counting_iterator.h":
    ctypedef struct Counting "tracefunc_counting":
        pass
    PyTypeObject counting_type "tracefunc_counting_type"
    PyObject *count_items "tracefunc_count"(
        PyObject *iterable, Count *count, PyObject *owner, Counting **first
    ) except NULL
    void unlink "tracefunc_unlink"(Counting *iterator)
    PyObject *in_slot "tracefunc_in_slot"(size_t *slot)
    PyObject *in_variable "tracefunc_in_variable"(size_t *slot, bint may_be_cell)
    void put_into_slot "tracefunc_put_into_slot"(size_t *slot, PyObject *object)
    bint is_suitable "tracefunc_is_suitable"(PyObject *iterable)
    Py_ssize_t length_of "tracefunc_length"(PyObject *iterable)

cdef extern from "Python.h":
    int PyType_Ready(PyTypeObject *type) except -1
    ctypedef PyObject *(*PyCFunction)(PyObject *, PyObject *)
    ctypedef struct PyMethodDef:
        const char *ml_name
        PyCFunction ml_meth
        int ml_flags
        const char *ml_doc
    PyObject *Py_None
    int METH_FASTCALL, METH_O
    PyCFunction PyCFunction_GetFunction(object function) except NULL
    int PyCFunction_GetFlags(object function)
    PyCFunction guarded "tracefunc_guarded"(int number, PyCFunction callback)
    object call "PyObject_Vectorcall"(object callable, PyObject **args, size_t count, PyObject *names)
    int (*_ask_first "tracefunc_ask_first")(PyObject *, PyObject *) noexcept
    ctypedef PyObject *(*Callback)(PyObject *self, PyObject **args, Py_ssize_t count) except NULL
    PyObject *(*_shared_part "tracefunc_shared_part")(PyObject *) noexcept
    Callback _survive "tracefunc_survive"
    Callback _instruction "tracefunc_instruction"
    Callback _shared "tracefunc_shared"
    PyObject *examine "tracefunc_examine"(PyObject *self, PyObject **args, Py_ssize_t count) noexcept
    PyCFunction _deliver_shared "(PyCFunction)(void (*)(void))tracefunc_deliver"
    object PyCFunction_NewEx(PyMethodDef *method, object self, object module)
    PyFrameObject *PyEval_GetFrame()
    int PyFrame_GetLasti(PyFrameObject *frame)
    void PyErr_Clear()
    int PyErr_GivenExceptionMatches(PyObject *error, PyObject *kind)
    PyObject *PyExc_RuntimeError
    bint Py_IS_TYPE(PyObject *value, PyTypeObject *kind)
    PyObject *PyExc_StopIteration
    PyObject *PyExc_StopAsyncIteration
    PyObject *PyFrame_GetVar(PyFrameObject *frame, PyObject *name)
    PyFrameObject *PyFrame_GetBack(PyFrameObject *frame)
    PyObject *PyObject_Vectorcall(PyObject *callable, PyObject **args, size_t count, PyObject *names)
    PyObject *PyObject_GetAttr(PyObject *value, PyObject *name)
    PyObject *PyObject_GetItem(PyObject *value, PyObject *key)
    PyObject *PyCell_Get(PyObject *cell)
    int PySequence_Contains(PyObject *container, PyObject *value)
    PyObject *PyBool_FromLong(long value)
    int PyObject_IsTrue(PyObject *value)
    object PyErr_GetRaisedException()
    unsigned long PyThread_get_thread_ident()
    PyObject *PyNumber_Negative(PyObject *value)
    PyObject *PyNumber_Positive(PyObject *value)
    PyObject *PyNumber_Invert(PyObject *value)
    PyObject *PyNumber_Add(PyObject *one, PyObject *other)
    PyObject *PyNumber_Subtract(PyObject *one, PyObject *other)
    PyObject *PyNumber_Multiply(PyObject *one, PyObject *other)
    PyObject *PyNumber_TrueDivide(PyObject *one, PyObject *other)
    PyObject *PyNumber_FloorDivide(PyObject *one, PyObject *other)
    PyObject *PyNumber_Remainder(PyObject *one, PyObject *other)
    PyObject *PyNumber_And(PyObject *one, PyObject *other)
    PyObject *PyNumber_Or(PyObject *one, PyObject *other)
    PyObject *PyNumber_Xor(PyObject *one, PyObject *other)
    PyObject *PyNumber_Lshift(PyObject *one, PyObject *other)
    PyObject *PyNumber_Rshift(PyObject *one, PyObject *other)
    void Py_DECREF(PyObject *value)
    void Py_XDECREF(PyObject *value)
    PyObject *Py_NewRef(PyObject *value)


cdef object DISABLE = sys.monitoring.DISABLE
cdef PyObject *_disable = <PyObject *>DISABLE  # the same for C, and None
cdef PyObject *_none = <PyObject *>None
cdef int NOTHING = markers.NOTHING
cdef int UNREPORTED = markers.UNREPORTED
cdef int UNCHANGED = markers.UNCHANGED
cdef int FIRST_VARIABLE = markers.FIRST_VARIABLE
cdef int READS_LOCAL = LOCAL, READS_GLOBAL = ways_of_reading.GLOBAL
cdef int ASYNCHRONOUS = _interpreter.ASYNCHRONOUS, SUSPENDING = _interpreter.SUSPENDING
cdef int YIELDING = _interpreter.SUSPENDING & ~_interpreter.COROUTINE
