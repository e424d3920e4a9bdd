/* What the compiled recorder asks of the interpreter: its records of frames, its callbacks and its locks. */

#include <Python.h>
#include <string.h>

/* The record of the frame that is executing. */
#if PY_VERSION_HEX >= 0x030D0000
#define tracefunc_current_frame() ((void *)PyThreadState_GetUnchecked()->current_frame)
#else
#define tracefunc_current_frame() ((void *)_PyThreadState_UncheckedGet()->cframe->current_frame)
#endif
/* What a word of it refers to: the lowest bits may be a tag. The first one is the code, the next one the record of
   the frame below; find_layout() sees to it that this is so. */
#define tracefunc_word(frame, i) ((PyObject *)(((uintptr_t *)(frame))[i] & ~(uintptr_t)3))
#define tracefunc_code_of(frame) tracefunc_word(frame, 0)
#define tracefunc_frame_below(frame) (((void **)(frame))[1])
/* The record of a frame object's frame. */
typedef struct {
    PyObject_HEAD
    PyFrameObject *back;
    void *frame;
} tracefunc_frame_object;
#define tracefunc_frame_of(object) (((tracefunc_frame_object *)(object))->frame)
/* Whether another tool listens to events of a code object that we listen to, where `Monitor.notice` has to know. */
#if PY_VERSION_HEX < 0x030E0000
static int tracefunc_is_shared(PyObject *code) {
    _PyCoMonitoringData *data = ((PyCodeObject *)code)->_co_monitoring;
    uint64_t tools;  /* by event, of which LINE is the sixth */
    if (data == NULL)
        return 1;
    memcpy(&tools, data->active_monitors.tools, sizeof(tools));
    tools |= tools >> 32;
    tools |= tools >> 16;
    tools = (tools | tools >> 8) & 0xFF;
    return (tools & (tools - 1)) != 0;
}
#else
#define tracefunc_is_shared(code) 0
#endif
/* An offset is a small number, and not negative: its only digit. */
#define tracefunc_offset(number) ((Py_ssize_t)((PyLongObject *)(number))->long_value.ob_digit[0])
/* When Cython has caught something, it puts back what was being handled before: at the top of the stack of such,
   which may be a generator's own, while it was found below, where its caller's is. The generator would keep it.
   So a callback has a top of its own. That of INSTRUCTION goes without, as nothing is caught in it. */
typedef PyObject *(*tracefunc_callback)(PyObject *, PyObject **, Py_ssize_t);
static tracefunc_callback tracefunc_callbacks[5];
static int (*tracefunc_refuses)(PyObject *, PyObject *);
static PyObject *tracefunc_apart(int number, PyObject *self, PyObject **args, Py_ssize_t count) {
    if (number == 0 && tracefunc_refuses(self, args[0]))
        Py_RETURN_NONE;
    PyThreadState *thread = PyThreadState_Get();
    _PyErr_StackItem own = {.exc_value = NULL, .previous_item = thread->exc_info};
    thread->exc_info = &own;
    PyObject *answer = tracefunc_callbacks[number](self, args, count);
    thread->exc_info = own.previous_item;
    Py_XDECREF(own.exc_value);
    return answer;
}
/* What a function returns, None if there is no stack left for it. */
static PyObject *tracefunc_attempt(PyObject *function) {
    PyObject *result = PyObject_CallNoArgs(function);
    if (result == NULL && PyErr_ExceptionMatches(PyExc_RecursionError)) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    return result;
}
/* A variable as described, or `unavailable`. */
static PyObject *tracefunc_show(PyFrameObject *frame, PyObject *name, PyObject *describe, PyObject *unavailable) {
    PyObject *value = PyFrame_GetVar(frame, name), *shown = NULL;
    if (value != NULL) {
        shown = PyObject_CallOneArg(describe, value);
        Py_DECREF(value);
    }
    if (shown == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        shown = Py_NewRef(unavailable);
    }
    return shown;
}
/* A global variable, or a builtin. */
static PyObject *tracefunc_global(PyObject *globals, PyObject *builtins, PyObject *name) {
    PyObject *value = NULL;
#if PY_VERSION_HEX >= 0x030D0000
    if (PyDict_GetItemRef(globals, name, &value) == 0)
        PyDict_GetItemRef(builtins, name, &value);
#else
    value = PyDict_GetItemWithError(globals, name);
    if (value == NULL && !PyErr_Occurred())
        value = PyDict_GetItemWithError(builtins, name);
    Py_XINCREF(value);
#endif
    if (value == NULL && !PyErr_Occurred())
        PyErr_SetObject(PyExc_NameError, name);
    return value;
}
/* PyObject_RichCompare, quicker for small numbers. */
static PyObject *tracefunc_compare(PyObject *one, PyObject *other, int operator) {
    if (PyLong_CheckExact(one) && PyLong_CheckExact(other) && PyUnstable_Long_IsCompact((PyLongObject *)one)
            && PyUnstable_Long_IsCompact((PyLongObject *)other)) {
        Py_ssize_t a = PyUnstable_Long_CompactValue((PyLongObject *)one);
        Py_ssize_t b = PyUnstable_Long_CompactValue((PyLongObject *)other);
        Py_RETURN_RICHCOMPARE(a, b, operator);
    }
    return PyObject_RichCompare(one, other, operator);
}
/* Take values off a stack, after a result was made of them. */
static PyObject *tracefunc_replace(PyObject **stack, int *top, Py_ssize_t number, PyObject *result) {
    for (; number > 0; number--)
        Py_DECREF(stack[(*top)--]);
    return result;
}
/* One thread at a time in a recorder, which lives until the last one has left it: with the GIL, nothing to do. */
#ifdef Py_GIL_DISABLED
#define tracefunc_free_threaded 1
#define tracefunc_cells_are_safe (PY_VERSION_HEX >= 0x030E0000)
typedef PyCriticalSection tracefunc_section;
#define tracefunc_enter(section, self) (Py_INCREF(self), PyCriticalSection_Begin(section, self))
#define tracefunc_leave(section, self) (PyCriticalSection_End(section), Py_DECREF(self))
#else
#define tracefunc_free_threaded 0
#define tracefunc_cells_are_safe 1
typedef char tracefunc_section;
#define tracefunc_enter(section, self) ((void)(section))
#define tracefunc_leave(section, self) ((void)(section))
#endif
#define TRACEFUNC_GUARDED(number) \
static PyObject *tracefunc_guarded##number(PyObject *self, PyObject **args, Py_ssize_t count) { \
    tracefunc_section section; \
    tracefunc_enter(&section, self); \
    PyObject *answer = tracefunc_apart(number, self, args, count); \
    tracefunc_leave(&section, self); \
    return answer; \
}
TRACEFUNC_GUARDED(0) TRACEFUNC_GUARDED(1) TRACEFUNC_GUARDED(2) TRACEFUNC_GUARDED(3) TRACEFUNC_GUARDED(4)
static PyCFunction tracefunc_guarded(int number, PyCFunction callback) {
    static const tracefunc_callback guarded[5] = {
        tracefunc_guarded0, tracefunc_guarded1, tracefunc_guarded2, tracefunc_guarded3, tracefunc_guarded4
    };
    tracefunc_callbacks[number] = (tracefunc_callback)(void (*)(void))callback;
    if (number == 1 && !tracefunc_free_threaded)
        return callback;
    return (PyCFunction)(void (*)(void))guarded[number];
}
