# Part of `_fastmon.pyx`: the names of the thread and the task that run, as `_record/thread_names.py` finds them.

from ._record.thread_names import task_name, thread_name, thread_reference

cdef extern from "Python.h":
    PyObject *PyImport_GetModuleDict()
    PyObject *PyDict_GetItemWithError(PyObject *mapping, object key) except? NULL
    bint PyDict_CheckExact(PyObject *value)
    unsigned long long PyThreadState_GetID(PyThreadState *thread)


@cython.final
cdef class Who:
    """The numbers of the texts that name threads and tasks. It remembers the thread that was asked for last."""

    cdef object texts
    cdef unsigned long long state  # the thread's state, by its number, which no other one will have
    cdef object thread  # a weak reference to the object of `threading` that stands for it
    cdef object name
    cdef Py_ssize_t number

    def __cinit__(self, texts):
        self.texts = texts

    cdef Py_ssize_t thread_number(self) except -1:
        """The number of the name of the thread that runs."""
        cdef unsigned long long state = PyThreadState_GetID(PyThreadState_Get())
        cdef PyObject *thread
        cdef PyObject *name
        cdef int how = 0
        cdef bint same
        thread = NULL
        if self.thread is not None and self.state == state and not FREE_THREADED:
            thread = referent(self.thread)
        if thread != NULL:
            names = NAME
            name = tracefunc_follow(Py_NewRef(thread), <PyObject *>names, &_link_of_name, &how)
            if name != NULL:
                same = name == <PyObject *>self.name
                Py_DECREF(name)
                if same:
                    return self.number
        return self.look_up(state)

    cdef Py_ssize_t look_up(self, unsigned long long state) except -1:
        name = thread_name()
        self.thread = None
        number = self.texts.number(name)
        found = thread_reference()
        if found is not None:
            self.state, self.name, self.number = state, name, number
            self.thread = found
        return number

    cdef Py_ssize_t task_number(self) except -1:
        """The number of the name of the task that runs, plus 1; 0 if none runs."""
        cdef PyObject *modules = PyImport_GetModuleDict()
        if PyDict_CheckExact(modules):
            if PyDict_GetItemWithError(modules, "_asyncio") == NULL:
                if PyDict_GetItemWithError(modules, "trio.lowlevel") == NULL:
                    return 0
        name = task_name()
        return 0 if name is None else self.texts.number(name) + 1


cdef tuple NAME = ("_name",)
cdef Link _link_of_name
