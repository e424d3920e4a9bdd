/* What the compiled recorder asks of the interpreter: its records of frames, its callbacks and its locks. */

#include <Python.h>
#include <string.h>

/* --- What depends on the version of CPython; nothing else in C compares versions. `_interpreter.py` has the flags of
   the Python code. --- */

/* The thread state refers to the record of the frame that is executing. 3.13 and later (2024,
   https://github.com/python/cpython/issues/108035). In 3.12 (2023) a `_PyCFrame` is between them. */
#define TRACEFUNC_THREAD_HAS_FRAME (PY_VERSION_HEX >= 0x030D0000)

/* There is PyThreadState_GetUnchecked(). 3.13 and later (2024, https://github.com/python/cpython/issues/108867). In
   3.12 its name is _PyThreadState_UncheckedGet(). */
#define TRACEFUNC_HAS_GET_UNCHECKED (PY_VERSION_HEX >= 0x030D0000)

/* There is PyDict_GetItemRef(). 3.13 and later (2024, https://github.com/python/cpython/issues/106004). */
#define TRACEFUNC_HAS_GET_ITEM_REF (PY_VERSION_HEX >= 0x030D0000)

/* There is PyTime_PerfCounterRaw(). 3.13 and later (2024, https://github.com/python/cpython/issues/110850). In 3.12 there
   is _PyTime_GetPerfCounter(). */
#define TRACEFUNC_HAS_PERF_COUNTER (PY_VERSION_HEX >= 0x030D0000)

/* LINE_SWALLOWS_INSTRUCTION of `_interpreter.py`: 3.12 and 3.13, seen up to 3.13.18 (2026). */
#define TRACEFUNC_LINE_SWALLOWS_INSTRUCTION (PY_VERSION_HEX < 0x030E0000)

/* MANAGED_DICT_WORD of `_interpreter.py`. */
#ifdef Py_GIL_DISABLED
#define TRACEFUNC_MANAGED_DICT_WORD (-1)
#else
#define TRACEFUNC_MANAGED_DICT_WORD (-3)
#endif

/* The contrary of CELLS_ARE_READ_WITHOUT_LOCK of `_interpreter.py`: not so in the free-threaded 3.13 (2024). */
#ifdef Py_GIL_DISABLED
#define tracefunc_cells_are_safe (PY_VERSION_HEX >= 0x030E0000)
#else
#define tracefunc_cells_are_safe 1
#endif

/* --- Frames --- */

/* The record of the frame that is executing. */
#if !TRACEFUNC_HAS_GET_UNCHECKED
#define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet
#endif
#if TRACEFUNC_THREAD_HAS_FRAME
#define tracefunc_current_frame() ((void *)PyThreadState_GetUnchecked()->current_frame)
#else
#define tracefunc_current_frame() ((void *)PyThreadState_GetUnchecked()->cframe->current_frame)
#endif

/* What a word of a frame's record refers to: the lowest bits may be a tag. The first word is the code, the next one the
   record of the frame below; find_layout() verifies that. */
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

/* --- Callbacks --- */

/* Whether another tool listens to events of a code object that we listen to, where `Monitor.notice` has to know. */
#if TRACEFUNC_LINE_SWALLOWS_INSTRUCTION
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

/* An offset is a small number that is not negative, so it has one digit; offsets_are_read() verifies that. */
#define tracefunc_offset(number) ((Py_ssize_t)((PyLongObject *)(number))->long_value.ob_digit[0])

/* When Cython has caught an exception, it restores what was being handled before. It looks for that down the stack of
   handled exceptions, and puts it on top, which may be a generator's own entry while the exception is its caller's: the
   generator would keep the exception. So a callback runs with an entry of its own on top. That of INSTRUCTION goes
   without, as it catches nothing. handling_is_kept() verifies that this works. */
typedef PyObject *(*tracefunc_callback)(PyObject *, PyObject **, Py_ssize_t);
static tracefunc_callback tracefunc_callbacks[5];
/* What `when` says of a call that starts. UNASKED: it was not evaluated; RAISED: an exception is set. */
enum { TRACEFUNC_UNASKED, TRACEFUNC_REFUSED, TRACEFUNC_ACCEPTED, TRACEFUNC_RAISED };
static int (*tracefunc_ask_first)(PyObject *, PyObject *);
static PyObject *tracefunc_call_apart(tracefunc_callback callback, PyObject *self, PyObject **args, Py_ssize_t count) {
    PyThreadState *thread = PyThreadState_Get();
    _PyErr_StackItem own = {.exc_value = NULL, .previous_item = thread->exc_info};
    thread->exc_info = &own;
    PyObject *answer = callback(self, args, count);
    thread->exc_info = own.previous_item;
    Py_XDECREF(own.exc_value);
    return answer;
}
/* An error of a callback must not reach the program, unless it is no Exception. `tracefunc_survive` ends the recording;
   if that fails too, at least the program goes on. */
static tracefunc_callback tracefunc_survive;
static PyObject *tracefunc_failed(PyObject *self, Py_ssize_t number) {
    if (PyErr_ExceptionMatches(PyExc_Exception))
        Py_XDECREF(tracefunc_call_apart(tracefunc_survive, self, NULL, number));
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))
        return NULL;
    PyErr_Clear();
    Py_RETURN_NONE;
}
static PyObject *tracefunc_apart(int number, PyObject *self, PyObject **args, Py_ssize_t count) {
    if (number == 0) {
        count = tracefunc_ask_first(self, args[0]);  /* which the callback needs, and not how many arguments it has */
        if (count == TRACEFUNC_REFUSED)
            Py_RETURN_NONE;
    }
    PyObject *answer = tracefunc_call_apart(tracefunc_callbacks[number], self, args, count);
    return answer != NULL ? answer : tracefunc_failed(self, number);
}
/* INSTRUCTION, where more than its count is needed. */
static tracefunc_callback tracefunc_instruction;
static PyObject *tracefunc_examine(PyObject *self, PyObject **args, Py_ssize_t count) {
    PyObject *answer = tracefunc_instruction(self, args, count);
    return answer != NULL ? answer : tracefunc_failed(self, 1);
}
/* An event that several recorders want. */
static tracefunc_callback tracefunc_shared;
static PyObject *tracefunc_deliver(PyObject *self, PyObject **args, Py_ssize_t count) {
    PyObject *answer = tracefunc_shared(self, args, count);
    return answer != NULL ? answer : tracefunc_failed(self, 0);
}
/* The top of the stack of handled exceptions, the entry below one, and how to undo a change of the top. */
#define tracefunc_handled_exceptions() ((void *)PyThreadState_Get()->exc_info)
#define tracefunc_exception_below(entry) ((void *)((_PyErr_StackItem *)(entry))->previous_item)
#define tracefunc_put_back_handled(entry) ((void)(PyThreadState_Get()->exc_info = (_PyErr_StackItem *)(entry)))

/* --- Calls --- */

/* What a function returns, None if there is no stack left for it. */
static PyObject *tracefunc_attempt(PyObject *function) {
    PyObject *result = PyObject_CallNoArgs(function);
    if (result == NULL && PyErr_ExceptionMatches(PyExc_RecursionError)) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    return result;
}
/* What was looked up, a new reference, in `*value`: 1; 0 if there is none, since that has raised an Exception. */
static int tracefunc_found(PyObject *found, PyObject **value) {
    *value = found;
    if (found != NULL)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    PyErr_Clear();
    return 0;
}
/* A variable of a frame. */
static int tracefunc_variable(PyFrameObject *frame, PyObject *name, PyObject **value) {
    return tracefunc_found(PyFrame_GetVar(frame, name), value);
}
/* What a name means in a frame, as `read` says, which gets `how` as well. */
static int tracefunc_meaning(PyObject *read, PyFrameObject *frame, PyObject *name, PyObject *how, PyObject **value) {
    PyObject *args[3] = {(PyObject *)frame, name, how};
    return tracefunc_found(PyObject_Vectorcall(read, args, 3, NULL), value);
}
/* A global variable, or a builtin. */
static PyObject *tracefunc_global(PyObject *globals, PyObject *builtins, PyObject *name) {
    PyObject *value = NULL;
#if TRACEFUNC_HAS_GET_ITEM_REF
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

/* --- Locks --- */

/* One thread at a time in the recorders of a trace, which live until the last one has left: with the GIL, nothing to do.
   What is locked is what the recorders share; `tracefunc_shared_part` finds it. */
static PyObject *(*tracefunc_shared_part)(PyObject *);
#ifdef Py_GIL_DISABLED
#define tracefunc_free_threaded 1
typedef PyCriticalSection tracefunc_section;
#define tracefunc_enter(section, self) (Py_INCREF(self), PyCriticalSection_Begin(section, self))
#define tracefunc_leave(section, self) (PyCriticalSection_End(section), Py_DECREF(self))
/* In a forked child: a thread that was about to go on in the recorder, and is not there any more, may have its lock.
   What this thread holds it lets go meanwhile, as wherever it waits. */
static inline void tracefunc_renew(PyObject *self) {
    Py_BEGIN_ALLOW_THREADS
    memset(&self->ob_mutex, 0, sizeof self->ob_mutex);
    Py_END_ALLOW_THREADS
}
#else
#define tracefunc_free_threaded 0
typedef char tracefunc_section;
#define tracefunc_enter(section, self) ((void)(section))
#define tracefunc_leave(section, self) ((void)(section))
#define tracefunc_renew(self) ((void)(self))
#endif
#define TRACEFUNC_GUARDED(number) \
static PyObject *tracefunc_guarded##number(PyObject *self, PyObject **args, Py_ssize_t count) { \
    tracefunc_section section; \
    PyObject *lock = tracefunc_free_threaded ? tracefunc_shared_part(self) : self; \
    if (tracefunc_free_threaded) \
        Py_INCREF(self); \
    tracefunc_enter(&section, lock); \
    PyObject *answer = tracefunc_apart(number, self, args, count); \
    tracefunc_leave(&section, lock); \
    if (tracefunc_free_threaded) \
        Py_DECREF(self); \
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
