# Part of `_fastmon.pyx`: the C functions that the interpreter calls.

# The interpreter holds no reference to a callback while it calls it. Where Python code may run, and with it another
# thread that ends the trace, the recorder is held here.

cdef int ask_first(PyObject *self, PyObject *code) noexcept:
    """What `when` says of a call that starts, if nothing else has to be done about one that it refuses."""
    held = <Recorder>self
    if not held.asks_first or not held.wants_only_starts or held.passes:
        return UNASKED
    if not held.frames.are_none() or code != held.target_code:
        return UNASKED
    cdef int answer = held.check.ask()
    if answer == REFUSED:
        held.store.refused += 1
    return answer


_ask_first = ask_first


cdef object start(object self, PyObject **args, Py_ssize_t answer):
    held = <Recorder>self
    return held.start(args[0], <int>answer)


cdef PyObject *instruction(PyObject *self, PyObject **args, Py_ssize_t count) noexcept:
    if (<Recorder>self).only_counts(args[0], args[1]):
        return Py_None  # which is immortal
    return examine(self, args, count)


cdef PyObject *more_than_a_count(PyObject *self, PyObject **args, Py_ssize_t count) except NULL:
    return (<Recorder>self).instruction(args[0], args[1])


_instruction = more_than_a_count


cdef object returned(object self, PyObject **args, Py_ssize_t count):
    held = <Recorder>self
    return held.returned(args[0], args[1], args[2])


cdef object yielded(object self, PyObject **args, Py_ssize_t count):
    held = <Recorder>self
    return held.yielded(args[0], args[1], args[2])


cdef object unwind(object self, PyObject **args, Py_ssize_t count):
    held = <Recorder>self
    return held.unwind(args[0], args[1], args[2])


cdef PyObject *shared_part(PyObject *self) noexcept:
    """What the recorders of a trace share; of a callback of recorders of several traces, that itself."""
    if isinstance(<object>self, Recorder):
        return <PyObject *>(<Recorder>self).store.log
    return self


_shared_part = shared_part

cdef PyMethodDef _on_start = PyMethodDef("on_start", guarded(0, <PyCFunction>start), METH_FASTCALL, NULL)
cdef PyMethodDef _on_instruction = PyMethodDef(
    "on_instruction", guarded(1, <PyCFunction>instruction), METH_FASTCALL, NULL
)
cdef PyMethodDef _on_return = PyMethodDef("on_return", guarded(2, <PyCFunction>returned), METH_FASTCALL, NULL)
cdef PyMethodDef _on_yield = PyMethodDef("on_yield", guarded(3, <PyCFunction>yielded), METH_FASTCALL, NULL)
cdef PyMethodDef _on_unwind = PyMethodDef("on_unwind", guarded(4, <PyCFunction>unwind), METH_FASTCALL, NULL)
ctypedef PyMethodDef *Method
cdef Method[5] _methods = [&_on_start, &_on_instruction, &_on_return, &_on_yield, &_on_unwind]
cdef tuple _names = ("on_start", "on_instruction", "on_return", "on_yield", "on_unwind")


cdef object callback(Recorder recorder, str name):
    """The callback of a recorder that has a name; raises AttributeError if there is none."""
    if name not in _names:
        raise AttributeError(name)
    return PyCFunction_NewEx(_methods[<int>_names.index(name)], recorder, None)


cdef int await_event(tuple callbacks, int told, int change) except -1:
    """An event is being delivered to recorders: those not told of it yet wait for it, or no longer do."""
    cdef int i
    for i in range(told, len(callbacks)):
        (<Recorder>callbacks[i].__self__).awaited += 0 if FREE_THREADED else change
    return 0


@cython.final
cdef class Shared:
    """Delivers an event to the recorders that want it, by the address of the code; DISABLE if all of them say so."""

    cdef dict callbacks
    cdef Map by_code
    cdef object monitor

    def __init__(self, recorders, name):
        self.callbacks = {}
        self.by_code = Map()
        for address, wanting in recorders.items():
            found = tuple([getattr(recorder, name) for recorder in wanting if hasattr(recorder, name)])
            self.monitor = wanting[0].monitor
            if found:
                self.callbacks[address] = found
                self.by_code.put(<void *><size_t>address, <void *>found)

    cdef object deliver(self, PyObject **args, Py_ssize_t count):
        cdef void *found = self.by_code.get(args[0])
        if found == NULL:
            return None
        cdef int told = 0
        armings, answers, callbacks = self.monitor.armings, [], <tuple>found
        await_event(callbacks, 0, 1)
        try:
            for callback in callbacks:
                told += 1
                (<Recorder>callback.__self__).awaited -= not FREE_THREADED
                answers.append(call(callback, args, count, NULL))
        finally:
            await_event(callbacks, told, -1)
        # Not what another thread has armed since the first was asked.
        return DISABLE if all([answer is DISABLE for answer in answers]) and self.monitor.armings == armings else None


cdef PyObject *deliver(PyObject *self, PyObject **args, Py_ssize_t count) except NULL:
    held = <Shared>self
    answer = held.deliver(args, count)
    return Py_NewRef(<PyObject *>answer)


_shared = deliver


cdef PyObject *survive(PyObject *self, PyObject **args, Py_ssize_t number) except NULL:
    """A callback of that number has failed, in the frame that executes: end the recording, if that is a loss."""
    cdef Frame *frame
    error = PyErr_GetRaisedException()
    held = <object>self
    recorders = [held]
    if isinstance(held, Shared):
        recorders = [callback.__self__ for callbacks in (<Shared>held).callbacks.values() for callback in callbacks]
    for recorder in recorders:
        frame = <Frame *>(<Recorder>recorder).frames.by_key.get(tracefunc_current_frame())
        (<Recorder>recorder).store.survive(error, frame.call if frame != NULL else NULL, number == 0)
    return Py_NewRef(_none)


_survive = survive

cdef PyMethodDef _deliver = PyMethodDef("deliver", _deliver_shared, METH_FASTCALL, NULL)


def share(recorders, name):
    """One callback for an event that several recorders want, by the address of the code; DISABLE if all say so."""
    return PyCFunction_NewEx(&_deliver, Shared(recorders, name), None)
