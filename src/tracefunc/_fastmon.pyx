# cython: language_level=3, binding=False, profile=False, linetrace=False, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True, auto_pickle=False, embedsignature=False
# cython: freethreading_compatible=True
"""The recorder in Cython: the twin of `_record.pure`, whose methods it has in the same order, with the same results.

It looks at each armed event, in C, and needs no mode that only counts. An offset at which no line starts that still
lacks samples, in any call that is being recorded, is only counted; and it is DISABLEd if its count follows from those
of others. While a line is under way that lacks samples, the offsets where it can end are looked at all the same: they
are armed again for that time. Such a line may be rare, so this is done only for offsets that have cost enough before.

A frame is known by the address of the interpreter's own record of it. Such records are linked, and say which code they
execute, so no frame object has to be made to find the call around a frame that starts; only the target's own frame has
one.

A frame that starts above a recorded one on its stack, and cannot be suspended, is an inner one: it is over before that
one is, whether its end is reported or not. So its state is kept for the next one at its address, and its RETURN is
DISABLEd when the line under way there has all its samples.

The turns of a loop are counted by its iterator, where that pays: when the loop begins, what it iterates over is on top of
the frame's stack, and one that counts (`_native/counting_iterator.h`) is put there instead. Where a turn begins there is a point of its
own for the other loops, and for those that have begun before this was decided.

Where threads run at once, a critical section of the recorder stands for the GIL: one thread at a time is in a
recorder, and another one gets in where that blocks or runs Python code. Nothing is silenced there that may be wanted
again: an answer DISABLE may come into force after a thread that wants the offset has armed it.
"""

import sys

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject, PyTypeObject
from libc.string cimport memset

from . import _interpreter
from ._plan import when_compiler as _steps
from ._values.read import LOCAL
from ._values.sample import UNAVAILABLE, sample
from ._interpreter import ASYNCHRONOUS as _ASYNCHRONOUS
from ._interpreter import COROUTINE as _COROUTINE
from ._plan.markers import FIRST_VARIABLE as _FIRST_VARIABLE
from ._plan.markers import NOTHING as _NOTHING
from ._interpreter import SUSPENDING as _SUSPENDING
from ._plan.markers import UNCHANGED as _THROUGH
from ._plan.markers import UNREPORTED as _UNTOLD
from ._record.raw_call import RawCall
from ._record.stacks import all_frames

ctypedef long long Count
ctypedef unsigned long long Bits  # of up to `loop_iterators.MOST` loops

cdef extern from "_native/interpreter.h":
    ctypedef struct Section "tracefunc_section":
        pass
    bint FREE_THREADED "tracefunc_free_threaded"
    bint CELLS_ARE_SAFE "tracefunc_cells_are_safe"  # as `_reading` has it
    void enter "tracefunc_enter"(Section *section, object self)
    void leave "tracefunc_leave"(Section *section, object self)
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
    Py_ssize_t tracefunc_offset(PyObject *number)
    PyObject *tracefunc_global(PyObject *globals, PyObject *builtins, PyObject *name)
    PyObject *tracefunc_compare(PyObject *one, PyObject *other, int operator)
    PyObject *tracefunc_replace(PyObject **stack, int *top, Py_ssize_t number, PyObject *result)
    object attempt "tracefunc_attempt"(object function)
    object tracefunc_show(PyFrameObject *frame, object name, object describe, object unavailable)

cdef extern from "_native/counting_iterator.h":
    ctypedef struct Counting "tracefunc_counting":
        pass
    PyTypeObject counting_type "tracefunc_counting_type"
    PyObject *count_items "tracefunc_count"(PyObject *iterable, Count *count, PyObject *owner, Counting **first) except NULL
    void unlink "tracefunc_unlink"(Counting *iterator)
    PyObject *in_slot "tracefunc_in_slot"(size_t *slot)
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
    int (*_refuses "tracefunc_refuses")(PyObject *, PyObject *) noexcept
    object PyCFunction_NewEx(PyMethodDef *method, object self, object module)
    PyFrameObject *PyEval_GetFrame()
    PyFrameObject *PyFrame_GetBack(PyFrameObject *frame)
    PyObject *PyObject_Vectorcall(PyObject *callable, PyObject **args, size_t count, PyObject *names)
    PyObject *PyObject_GetAttr(PyObject *value, PyObject *name)
    PyObject *PyObject_GetItem(PyObject *value, PyObject *key)
    PyObject *PyCell_Get(PyObject *cell)
    int PySequence_Contains(PyObject *container, PyObject *value)
    PyObject *PyBool_FromLong(long value)
    int PyObject_IsTrue(PyObject *value)
    void PyErr_Clear()
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
cdef int NOTHING = _NOTHING
cdef int UNREPORTED = _UNTOLD
cdef int UNCHANGED = _THROUGH
cdef int READS_LOCAL = LOCAL
cdef int FIRST_VARIABLE = _FIRST_VARIABLE
cdef int ASYNCHRONOUS = _ASYNCHRONOUS, SUSPENDING = _SUSPENDING
cdef int YIELDING = _SUSPENDING & ~_COROUTINE

# Whether a generator expression gets its iterator, by code of the program's that may be, before it is a generator.
cdef bint MADE_IN_STEPS = _interpreter.GENEXPR_RUNS_BEFORE_IT_IS_MADE

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


include "_native/layout_probe.pxi"
include "_native/when.pxi"

# What little is wanted at a point.
cdef enum:
    PLAIN = 1  # its count only
    WAITING = 2  # its count only, and soon not even that
    SILENT = 4  # nothing: its count is derived
    DEAD = 8  # nothing: no frame that is recorded can come to it

# Who counts the turns of a loop.
cdef enum:
    UNDECIDED  # an event, as it has not been worth while so far to have an iterator do so
    ITERATOR
    EVENT
    NOBODY

cdef enum:
    FEW = 8  # turns of a loop: not worth while to have an iterator count them
    PATIENCE = 200  # events for which it is cheaper to arm a code object anew
    REFUSALS = 100  # calls in a row that are not recorded, after which only starts are listened to
    MOST_PATIENCE = 1 << 24
    MOST = 0x7FFFFFFF  # samples


include "_native/address_map.pxi"
include "_native/plan_table.pxi"
include "_native/live_state.pxi"

cdef Live _nothing


@cython.final
@cython.no_gc_clear  # the frames that are left are freed through its maps; what it refers to breaks any cycle
cdef class Recorder:
    """Records the calls of a plan's target that `calls` wants to have recorded; `_record.pure.Recorder` says how.

    The `on_...` attributes are C functions: callables, but no methods.
    """

    cdef readonly object plan
    cdef readonly bint asleep
    cdef Check check
    cdef PyObject *target_code
    cdef long long passed  # calls that the check refused
    cdef object calls, finished, rearm, notice, describe
    cdef bint measure_all, iterators
    cdef Counting *counting  # the first iterator that counts for it
    cdef int target, max_samples, surplus, lines, refused
    cdef list codes
    cdef Map by_code, by_key  # Live by code object, Frame by the interpreter's record of the frame
    cdef void *base  # the record of the frame that runs `fn`, once that was asked for
    cdef bint knows_base
    cdef Frame *spare
    cdef bint nests  # whether there are inner frames
    cdef Live *last_code
    cdef void *last_key
    cdef Frame *last_frame
    cdef Frame *running  # the target's frame that started last
    cdef int lasting  # frames that are being recorded and no inner ones
    cdef int *lacking  # by line: how many of the calls that have frames lack samples of it
    cdef bint fills  # whether some line has had all its samples

    def __init__(self, plan, calls, int target, monitor, samples, measure_all=False):
        self.plan = plan
        self.calls = calls
        self.target = target
        self.describe = calls.describe
        self.finished = monitor.remove
        self.rearm = monitor.rearm
        self.notice = monitor.notice
        self.max_samples = min(samples.most, MOST)
        self.surplus = samples.surplus
        self.measure_all = measure_all
        self.iterators = _knows_stack and not (measure_all or FREE_THREADED)
        self.nests = not FREE_THREADED and "greenlet" not in sys.modules  # a greenlet leaves its stack, and may not come back
        self.asleep = calls.chooses and not FREE_THREADED  # where nothing is armed anew while threads run
        self.lines = len(plan.lines)
        self.codes = []
        self.last_code = &_nothing
        self.by_code, self.by_key = Map(), Map()
        self.lacking = <int *>PyMem_Calloc(self.lines + 1, sizeof(int))
        if self.lacking == NULL:
            raise MemoryError
        for code_plan in plan.codes:
            code = Code(code_plan, self.iterators)
            self.codes.append(code)
            self.by_code.put(<void *>(<Code>code).code, &(<Code>code).live)
        self.target_code = (<Code>self.codes[0]).live.code
        self.check = check_of(calls.conditions[target], plan.codes[0].code)

    @property
    def on_start(self):
        return PyCFunction_NewEx(&_on_start, self, None)

    @property
    def on_instruction(self):
        return PyCFunction_NewEx(&_on_instruction, self, None)

    @property
    def on_return(self):
        return PyCFunction_NewEx(&_on_return, self, None)

    @property
    def on_yield(self):
        return PyCFunction_NewEx(&_on_yield, self, None)

    @property
    def on_unwind(self):
        return PyCFunction_NewEx(&_on_unwind, self, None)

    def __dealloc__(self):
        cdef size_t i
        cdef Frame *next
        self.release()
        PyMem_Free(self.lacking)
        if self.by_key is not None:
            for i in range(self.by_key.mask + 1):
                if self.by_key.slots[i].key != NULL:
                    self.free_frame(<Frame *>self.by_key.slots[i].value)
        while self.spare != NULL:
            next = self.spare.older
            PyMem_Free(self.spare)
            self.spare = next

    def code_objects(self):
        """The code objects whose events are wanted, the target's first."""
        return [(<Code>code).code for code in self.codes]

    # events

    cdef inline Live *own(self, PyObject *code) noexcept:
        """The code object of an event; NULL if that is not ours."""
        cdef Live *found
        if code != self.last_code.code:
            found = <Live *>self.by_code.get(code)
            if found == NULL:
                return NULL
            self.last_code = found
        return self.last_code

    cdef inline Frame *current(self) noexcept:
        """The frame that executes, if it is being recorded."""
        cdef void *key = tracefunc_current_frame()
        if key != self.last_key:
            self.last_key = key
            self.last_frame = <Frame *>self.by_key.get(key)
        return self.last_frame

    cdef object start(self, PyObject *code):
        cdef void *key = tracefunc_current_frame()
        cdef Live *live = self.own(code)
        # On 3.15, a generator expression that is being made runs in its maker's frame.
        if live == NULL or tracefunc_code_of(key) != code:
            return None
        own = <Code>live.own
        return self.start_call(own, key) if own.table.is_target else self.start_nested(own, key)

    cdef object start_call(self, Code own, void *key):
        """A call of the target starts."""
        if self.by_key.used:
            self.vacate(key)
        if self.check is not None and self.check.holds() == 0:  # open() will find what it raises, and say so
            self.passed += 1
            return self.refuse()
        if self.notice is not None and others_are_there():
            self.notice()
        if self.calls.full and not own.table.flags & SUSPENDING:  # the start of such a one may be silenced too early
            if FREE_THREADED:
                return None
            if not self.calls.is_starting(self.target):
                self.bury(own)
            return DISABLE
        info = None
        cdef PyFrameObject *frame = PyEval_GetFrame()
        try:
            info = self.calls.open(self.target, <object>frame)
        except RecursionError:  # the program's own limit, so near that there is nothing left for us
            pass
        if info is None:
            return self.refuse()
        call = Call(self.lines, len(self.codes))
        self.refused = 0
        if self.asleep:
            self.sleep(False)
        cdef Frame *state = self.enter(own, call, key)
        state.info = Py_NewRef(<PyObject *>info)
        state.address = <size_t>frame
        if own.table.flags & YIELDING:
            state.gives = True
            own.giving += 1
            if own.keeps:
                own.keeps = False
                self.rearm(own.code)
        state.older = self.running
        if self.running != NULL:
            self.running.newer = state
        self.running = state
        self.last(own, call)
        info.raw = call  # it has started now
        return None

    cdef object start_nested(self, Code own, void *key):
        """Code starts that is nested in the target."""
        cdef Frame *state
        cdef bint ours = False
        if self.notice is not None and is_shared(own.live.code):
            self.notice()
        cdef Frame *below = self.recorded_below(key, &ours)
        if below == NULL or not self.nests or own.table.flags & SUSPENDING:
            self.vacate(key)
            call = <Call>below.call if below != NULL else None if ours else self.call_around()
            if call is not None:
                if own.mute:
                    own.mute = False
                    self.rearm(own.code)
                self.enter(own, call, key)
                self.last(own, call)
            return None
        state = self.current()
        if state == NULL or state.code != &own.live or state.call != below.call:
            self.vacate(key)
            state = self.enter(own, <Call>below.call, key)
            state.inner = True
        else:
            if state.holds:
                self.let_go(state)
            state.line = own.table.entry
            state.at = -1
            state.counted = state.uncounted = 0
            (<Call>state.call).entered[own.table.index] += 1
        if own.table.entry >= 0:
            (<Call>state.call).extra[own.table.entry] += 1
        return None

    cdef Frame *enter(self, Code own, Call call, void *key) except NULL:
        """A frame starts that is recorded."""
        cdef Table table = own.table
        cdef int index = table.index
        if table.has_origins and table.origins == NULL:
            try:
                table.find_origins()
            except RecursionError:  # as near the limit as that
                pass
        if call.counts[index] == NULL:
            call.counts[index] = <Count *>PyMem_Calloc(table.count + 1, sizeof(Count))
            if call.counts[index] == NULL:
                raise MemoryError
        cdef Frame *state = self.new_frame()
        state.key = key
        state.call = Py_NewRef(<PyObject *>call)
        state.code = &own.live
        state.counts = call.counts[index]
        state.line = table.entry
        state.at = -1
        self.by_key.put(key, state)
        self.last_key = key
        self.last_frame = state
        call.entered[index] += 1
        return state

    cdef int last(self, Code own, Call call) except -1:
        """The frame that has just started is no inner one."""
        own.lasting += 1
        self.lasting += 1
        call.frames += 1
        if call.frames == 1 and self.fills:
            self.weigh(call, 1)
        return 0

    cdef int vacate(self, void *key) except -1:
        """A frame starts where there may be the state of one whose end was not reported."""
        cdef Frame *state = <Frame *>self.by_key.get(key)
        if state != NULL:
            if not state.inner:
                self.lose(state)
            self.forget(state)
        return 0

    cdef inline bint only_counts(self, PyObject *code, PyObject *offset) noexcept:
        """Count an instruction, if its count is all that is wanted: what nearly all events are."""
        cdef Frame *state = self.current()
        if state == NULL or state.code.code != code:
            return False
        cdef int number = state.code.numbers[tracefunc_offset(offset) >> 1]
        if number < 0 or state.code.quiet[number] != PLAIN:
            return False
        state.at = -1
        state.counts[number] += 1
        return True

    cdef PyObject *instruction(self, PyObject *code, PyObject *offset) except NULL:
        """Of an instruction that is not one of these."""
        cdef Live *own = self.own(code)
        if own == NULL:
            return Py_NewRef(_none)
        cdef int number = own.numbers[tracefunc_offset(offset) >> 1]
        if number < NO_POINT:
            return Py_NewRef(self.iterate(own, NO_POINT - 1 - number))
        if number < 0 or own.quiet[number] > WAITING:
            return Py_NewRef(_disable)
        cdef Frame *state = self.current()
        if state == NULL or state.code != own:
            return Py_NewRef(_none)
        cdef bint waits = own.quiet[number] != 0  # those that are PLAIN have been counted already
        cdef Point *point = &own.points[number]
        if not waits and point.conditional and state.line == point.line:
            return Py_NewRef(_none)
        state.at = -1
        if point.loop >= 0:  # some frames have an iterator that counts
            state.counts[number] += not state.counted >> point.loop & 1
            return Py_NewRef(_none)
        state.counts[number] += 1
        if waits:
            return Py_NewRef(_disable if self.is_out_of_patience(<Code>own.own, number) else _none)
        held = self  # Python code may run from here on
        if point.element >= 0:
            held.sample(state, point.element)
        else:
            if point.catches:
                held.catch_(state, (<Code>own.own).table, number)
            held.change_line(state, (<Code>own.own).table, point)
        return Py_NewRef(_none)

    cdef PyObject *iterate(self, Live *live, int number) except NULL:
        """A loop is about to get its iterator: from now on one that counts, if that pays."""
        held = self  # Python code may run from here on
        own = <Code>live.own
        cdef Frame *state = held.current()
        cdef Loop *loop = &own.loops[number]
        cdef Bits bit = <Bits>1 << number
        cdef size_t *slot
        cdef PyObject *iterable = NULL
        if loop.counted_by == NOBODY:
            return _disable
        if state == NULL or state.code != live:
            return _none
        slot = own.table.iterable(number, state.key)  # may run Python code, once
        state.counted &= ~bit
        if loop.counted_by >= EVENT:
            held.freshen(own)
            return held.count_by_events(own, loop, bit)
        if slot != NULL and held.iterators:
            iterable = in_slot(slot)
        if iterable != NULL and held.counts_itself(own, loop, bit, state, iterable):
            put_into_slot(slot, count_items(iterable, &state.counts[loop.body], state.call, &self.counting))
            state.counted |= bit
            return _none
        state.uncounted |= bit
        return held.count_by_events(own, loop, bit) if loop.counted_by == EVENT else _none

    cdef PyObject *count_by_events(self, Code own, Loop *loop, Bits bit) noexcept:
        """The answer where a loop begins whose turns are events from now on.

        As long as there are frames that have had an iterator which counts, they are to be told from the others.
        """
        if self.is_in_loop(own, bit, True, NULL):
            return _none
        if own.quiet[loop.body] == 0:
            own.quiet[loop.body] = PLAIN
        return _disable

    cdef bint counts_itself(self, Code own, Loop *loop, Bits bit, Frame *state, PyObject *iterable) except -1:
        """Whether the iterator of a loop that begins shall count; decides about the loop, if that is to be done."""
        cdef bint suits = is_suitable(iterable)
        if loop.counted_by == ITERATOR:
            if suits and pays(loop, &state.counts[loop.body]):
                return True
            loop.counted_by = EVENT
            own.quiet[loop.body] = 0
            own.missed += 1
            self.freshen(own)
            return False
        loop.latest = length_of(iterable) if suits else -1
        if loop.latest > FEW and not self.is_in_loop(own, bit, False, state):
            loop.counted_by = ITERATOR
            own.quiet[loop.body] = SILENT
            return True
        if loop.entered == 0:
            loop.first = loop.latest
        loop.entered += 1
        if loop.entered == REFUSALS:
            loop.counted_by = EVENT
        return False

    cdef bint is_in_loop(self, Code own, Bits bit, bint counted, Frame *besides) noexcept:
        """Whether another frame may be in a loop whose turns are counted by an iterator, or by events."""
        cdef size_t i
        cdef Frame *state
        for i in range(self.by_key.mask + 1):
            state = <Frame *>self.by_key.slots[i].value
            if self.by_key.slots[i].key != NULL and state != besides and state.code == &own.live:
                if (state.counted if counted else state.uncounted) & bit:
                    return True
        return False

    cdef void release(self) noexcept:
        """Let the iterators count for nobody any more."""
        self.iterators = False
        while self.counting != NULL:
            unlink(self.counting)

    def disarmed(self):
        """No event will come any more, and nothing else is counted from now on."""
        self.release()

    cdef int catch_(self, Frame *state, Table table, int number) except -1:
        """A handler has an exception, which somebody else refers to as well."""
        cdef PyObject *error = PyErr_GetHandledException()
        cdef Origin *origin
        if error != NULL:
            Py_DECREF(error)
            origin = table.origin(error)
            if origin != NULL and origin.catcher == number:
                if not origin.raised_again:
                    (<Call>state.call).end_flow(table, origin.place)
                if origin.prelude >= 0:
                    self.interrupted(state, origin.prelude)
        return 0

    cdef int change_line(self, Frame *state, Table table, Point *point) except -1:
        """The line under way ends, and another one starts."""
        cdef int before = state.line, i, ghost
        if before >= 0:
            if before < self.lines:
                self.sample(state, before)
            elif before != point.prelude and table.follows(point, before):
                if self.advanced(state, before) == state.mark:
                    self.interrupted(state, before)  # control has come to a handler
        for i in range(point.ghosts, point.ghosts_end, 2):
            ghost = table.pool[i + 1]
            if table.pool[i] == before:
                (<Call>state.call).extra[ghost] += 1
            if table.pool[i] == before or table.pool[i] == UNCHANGED:
                self.sample(state, ghost)
        if state.holds:
            self.let_go(state)
        state.line = point.line
        if point.advance >= 0:
            state.mark = state.counts[point.advance]
        if self.fills:
            own = <Code>state.code.own
            self.hold(state)
            if own.missed != own.mended:
                own.new_patience = min(2 * own.new_patience, MOST_PATIENCE)
                self.freshen(own)
        return 0

    cdef object yielded(self, PyObject *code, PyObject *offset, PyObject *value):
        cdef Frame *state = self.current()
        if state != NULL and state.code.code == code:
            own = <Code>state.code.own
            state.at = <int>tracefunc_offset(offset)
            if state.gives and not self.calls.give(<object>state.info, <object>value):
                state.gives = False
                own.giving -= 1
            if own.table.only_yield >= 0 and own.giving == 0 and not (own.table.is_target and FREE_THREADED):
                own.keeps = True
                return DISABLE
        return None

    cdef Origin *leaving(self, Table table, Py_ssize_t offset, PyObject *error) noexcept:
        """Where an exception comes from that leaves the frame at an offset; NULL if the plan was not asked for that."""
        cdef Origin *here
        cdef Origin *found
        cdef PyObject *cause
        if table.origins == NULL:
            return NULL
        here = &table.origins[offset >> 1]
        if here.passed_on:
            found = table.origin(error)
            if found == NULL:  # a StopIteration is the cause of what leaves the frame
                cause = PyException_GetCause(error)
                if cause != NULL:
                    Py_DECREF(cause)  # `error` refers to it
                    found = table.origin(cause)
            if found != NULL and found.catcher == NOTHING:
                return found
        return here

    cdef object unwind(self, PyObject *code, PyObject *offset, PyObject *error):
        cdef Frame *state
        cdef Origin *origin
        cdef Py_ssize_t at
        cdef Live *own = self.own(code)
        if own != NULL:
            state = self.current()
            if state != NULL and state.code == own:
                table = (<Code>own.own).table
                at = tracefunc_offset(offset)
                origin = self.leaving(table, at, error)
                if origin != NULL and origin != &table.origins[at >> 1]:
                    at = origin.place
                (<Call>state.call).end_flow(table, at)
                self.leave(<Code>own.own, state, NOTHING if origin == NULL else origin.prelude, True, error)
            elif state == NULL:
                self.left_unrecorded(<Code>own.own)
        return None

    cdef object returned(self, PyObject *code, PyObject *offset, PyObject *value):
        cdef Frame *state
        cdef bint inner
        cdef Live *live = self.own(code)
        if live != NULL:
            own = <Code>live.own
            state = self.current()
            if state != NULL and state.code == live:
                inner = state.inner
                self.leave(own, state, NOTHING, False, value)
                if inner and self.fills and self.is_mute(own, tracefunc_offset(offset) >> 1):
                    own.mute = True
                    return DISABLE
            elif state == NULL:
                self.left_unrecorded(own)
        return None

    cdef bint is_mute(self, Code own, Py_ssize_t at) noexcept:
        """Whether nobody wants to know of a return."""
        cdef int line = own.table.entry if own.table.entry >= 0 else own.table.returning[at]
        return own.lasting == 0 and line != UNREPORTED and (line < 0 or self.lacking[line] == 0)

    cdef int left_unrecorded(self, Code own) except -1:
        if own.table.is_target and own.table.flags & ASYNCHRONOUS:
            self.calls.leave(<size_t>PyEval_GetFrame())
        return 0

    cdef int leave(self, Code own, Frame *state, int prelude, bint raised, PyObject *value) except -1:
        """A frame ends with a value, or an exception, in the middle of a loop's prelude if that is one."""
        if prelude >= 0:
            self.interrupted(state, prelude)
        elif 0 <= state.line < self.lines:
            self.sample(state, state.line)
        if state.inner:
            if state.holds:
                self.let_go(state)
            state.line = NOTHING
            return 0
        if own.table.entry >= 0:
            (<Call>state.call).extra[own.table.entry] += 1
        if state.info != NULL:
            try:
                line = self.plan.preludes[prelude - self.lines] if prelude >= 0 else state.line
                line = line if line < self.lines else NOTHING
                self.calls.close(<object>state.info, state.address, line, raised, <object>value)
            except RecursionError:
                pass
        self.forget(state)
        if own.table.is_target and self.calls.full and not FREE_THREADED and not self.calls.is_starting(self.target):
            self.bury(own)
        return 0

    # frames

    cdef Frame *new_frame(self) except NULL:
        cdef Frame *state = self.spare
        if state != NULL:
            self.spare = state.older
            memset(state, 0, sizeof(Frame))
        else:
            state = <Frame *>PyMem_Calloc(1, sizeof(Frame))
            if state == NULL:
                raise MemoryError
        return state

    cdef void free_frame(self, Frame *state) noexcept:
        Py_XDECREF(state.call)
        Py_XDECREF(state.info)
        state.older = self.spare
        self.spare = state

    cdef Frame *recorded_below(self, void *frame, bint *ours) except? NULL:
        """The nearest frame below `frame` that is recorded; NULL, and `ours` is set, if another one of our code is nearer."""
        cdef Frame *state
        cdef PyObject *code
        if not self.knows_base:
            base = self.calls.base
            self.base = NULL if base is None else tracefunc_frame_of(<PyFrameObject *>base)
            self.knows_base = True
        while True:
            frame = tracefunc_frame_below(frame)
            if frame == NULL or frame == self.base:
                return NULL
            code = tracefunc_code_of(frame)
            state = <Frame *>self.by_key.get(frame)
            if state != NULL and state.code.code == code:
                return state
            if self.by_code.get(code) != NULL:
                if MADE_IN_STEPS and (<PyCodeObject *>code).co_flags & SUSPENDING and is_being_made(frame):
                    continue
                ours[0] = True
                return NULL

    cdef Call call_around(self):
        """The call that code belongs to which starts where no frame of ours is below it."""
        known, call = self.calls.around(self.target)
        if known:
            return call
        return <Call>self.running.call if self.running != NULL else None

    cdef int lose(self, Frame *state) except -1:
        """A frame has not ended, or nobody said so: its line was counted when it started."""
        cdef Call call = <Call>state.call
        cdef Table table = (<Code>state.code.own).table
        cdef int line = state.line, at = state.at if state.at >= 0 else table.only_yield
        if state.inner and table.entry >= 0:
            call.extra[table.entry] -= 1
        if at >= 0:
            call.end_flow(table, at)
            line = table.plan.line_at(at, line)
        if 0 <= line < self.lines and table.entry < 0:
            call.open.append(line)
        return 0

    cdef int forget(self, Frame *state) except -1:
        cdef Call call = <Call>state.call
        if state.holds:
            self.let_go(state)
        self.by_key.drop(state.key)
        self.last_key = NULL
        if state.info != NULL:
            if state.newer != NULL:
                state.newer.older = state.older
            else:
                self.running = state.older
            if state.older != NULL:
                state.older.newer = state.newer
            self.calls.forget(<object>state.info, state.address)
        cdef Code own = <Code>state.code.own
        cdef bint inner = state.inner
        own.giving -= state.gives
        self.free_frame(state)
        if not inner:
            own.lasting -= 1
            self.lasting -= 1
            call.frames -= 1
            if call.frames == 0 and self.fills:
                self.weigh(call, -1)
            if self.lasting == 0:
                self.finish()
        return 0

    def finish(self):
        """Stop, if nothing more can be recorded."""
        if self.lasting == 0 and self.calls.full and not self.calls.is_starting(self.target):
            self.finished(self)

    cdef int bury(self, Code own) except -1:
        """The last call has started: listen only where the frames of the target that are left can still come to."""
        cdef size_t i
        cdef Frame *state
        cdef int number
        places = {}
        for i in range(self.by_key.mask + 1):
            state = <Frame *>self.by_key.slots[i].value
            if self.by_key.slots[i].key != NULL and state.code == &own.live:
                places[<size_t>state.key] = state.at
        above = <object>PyEval_GetFrame()
        while above is not None and -1 in places.values():
            key = <size_t>tracefunc_frame_of(<PyFrameObject *>above)
            if places.get(key) == -1 and above.f_code is own.code:
                places[key] = above.f_lasti
            above = above.f_back
        if -1 in places.values():
            return 0
        reached = set()
        for place in places.values():
            reached |= own.table.plan.reach(place)
        for number in range(own.table.count):
            if own.table.offsets[number] not in reached:
                own.quiet[number] |= DEAD
        for number, loop in enumerate(own.table.plan.loops):
            if loop.get not in reached:
                own.loops[number].counted_by = NOBODY
        return 0

    # samples

    cdef inline Count advanced(self, Frame *state, int prelude):
        """How often the loop of a prelude has advanced."""
        cdef Table table = (<Code>state.code.own).table
        return state.counts[table.numbers[<Py_ssize_t>table.plan.advances[prelude] >> 1]]

    cdef int interrupted(self, Frame *state, int prelude) except -1:
        """An exception ended a loop's prelude: a hit without an advance."""
        cdef int line = self.plan.preludes[prelude - self.lines]
        (<Call>state.call).extra[line] += 1
        self.sample(state, line)
        return 0

    cdef inline int sample(self, Frame *state, int line) except -1:
        if (<Call>state.call).taken[line] < self.max_samples or self.surplus >= 0:
            self.take_sample(<Call>state.call, (<Code>state.code.own).table, line)
        return 0

    cdef int take_sample(self, Call call, Table table, int line) except -1:
        if self.notice is not None and others_are_there():
            self.notice()
        if call.dropped:
            return 0
        frame = <object>PyEval_GetFrame()
        row = tuple([show(frame, reader, alone, self.describe) for reader, alone in table.readers[line]])
        if self.surplus >= 0:
            rows = <list>call.samples[line]
            rows.append(row)
            if len(rows) > self.max_samples:
                del rows[self.surplus]
        elif call.taken[line] < self.max_samples:  # other threads may have been quicker
            call.samples[line].append(row)
            call.taken[line] += 1
            if call.taken[line] == self.max_samples and not FREE_THREADED:
                self.filled(line)
        return 0

    # silence

    cdef int filled(self, int line) except -1:
        """A line has its samples in one more call."""
        cdef size_t i
        if not self.fills:
            for own in self.codes:
                (<Code>own).table.prepare(self.lines)  # runs Python code: another thread may get here too
                (<Code>own).choose_flow()
            self.fills = True
            for i in range(self.by_key.mask + 1):
                if self.by_key.slots[i].key != NULL:
                    self.hold(<Frame *>self.by_key.slots[i].value)
            return self.weigh_all()
        self.lacking[line] -= 1
        if self.lacking[line] == 0:
            for own in self.codes:
                self.change(own, line, -1)
                self.settle_all(own, (<Code>own).table.begin[line])
                self.settle_all(own, (<Code>own).table.end[line])
        return 0

    cdef int change(self, Code own, int line, int change) except -1:
        """No call lacks samples of a line any more, or one does again."""
        if change == 1 and own.mute:
            own.mute = False
            own.missed += 1
        for number in own.table.begin[line]:
            own.begins[<int>number] += change
        for number in own.table.end[line]:
            own.ends[<int>number] += change
        return 0

    cdef int hold(self, Frame *state) except -1:
        """Have the exits looked at of what is under way, if that lacks samples."""
        cdef Code own = <Code>state.code.own
        cdef int number
        line = own.table.deciders.get(state.line)
        if line is None or state.holds or (<Call>state.call).taken[<int>line] >= self.max_samples:
            return 0
        state.holds = True
        exits = own.table.exits.get(state.line, ())
        for number in exits:
            own.held[number] += 1
        return self.settle_all(own, exits)

    cdef int let_go(self, Frame *state) except -1:
        """What was under way has ended."""
        cdef Code own = <Code>state.code.own
        cdef int number
        state.holds = False
        exits = own.table.exits.get(state.line, ())
        for number in exits:
            own.held[number] -= 1
        self.settle_all(own, exits)
        return 0

    cdef int settle_all(self, Code own, numbers) except -1:
        cdef int number
        for number in numbers:
            self.settle(own, number)
        return 0

    cdef int settle(self, Code own, int number) except -1:
        """Find what is wanted at a point now."""
        if own.live.points[number].loop >= 0:
            return 0
        cdef char before = own.quiet[number]
        cdef char quiet = before & DEAD
        if own.table.wants[number] is not None and own.begins[number] == 0 and own.held[number] == 0:
            if self.measure_all or number not in own.derived:
                quiet |= PLAIN
            elif own.ends[number] == 0 or before & SILENT:
                quiet |= SILENT
                self.derive(own)
            else:
                quiet |= WAITING
                own.patience[number] = own.new_patience
        own.quiet[number] = quiet
        if before & SILENT and not quiet & (SILENT | DEAD):
            own.missed += 1
        return 0

    cdef bint is_out_of_patience(self, Code own, int number) except -1:
        """Whether a point of which only the count is wanted shall be silenced, although that may have to be undone."""
        own.patience[number] -= 1
        if own.patience[number] > 0:
            return False
        own.quiet[number] = SILENT
        self.derive(own)
        return True

    cdef int derive(self, Code own) except -1:
        """Counts of the calls that are being recorded will have to be derived."""
        cdef size_t i
        for i in range(self.by_key.mask + 1):
            if self.by_key.slots[i].key != NULL:
                (<Call>(<Frame *>self.by_key.slots[i].value).call).silenced[own.table.index] = True
        return 0

    cdef int freshen(self, Code own) except -1:
        """Arm a code object anew, if silenced points are wanted again; so does each thread that comes here meanwhile."""
        cdef int missed = own.missed
        if missed != own.mended:
            self.rearm(own.code)
            own.mended = missed
        return 0

    cdef int weigh_all(self) except -1:
        """The first line has its samples: what is wanted now?"""
        cdef int line, number
        cdef size_t i
        cdef Code code
        calls = set()
        for i in range(self.by_key.mask + 1):
            if self.by_key.slots[i].key != NULL and not (<Frame *>self.by_key.slots[i].value).inner:
                calls.add(<object>(<Frame *>self.by_key.slots[i].value).call)
        for call in calls:
            for line in range(self.lines):
                self.lacking[line] += (<Call>call).taken[line] < self.max_samples
        for own in self.codes:
            code = own
            for number in range(code.table.count):
                both = code.table.wants[number]
                if both is not None:
                    code.begins[number], code.ends[number] = len(both[0]), len(both[1])
            for line in range(self.lines):
                if self.lacking[line] == 0:
                    self.change(code, line, -1)
            for number in range(code.table.count):
                self.settle(code, number)
            self.freshen(code)
        return 0

    cdef int weigh(self, Call call, int change) except -1:
        """A call has got its first frame, or lost its last one: what is wanted now?"""
        cdef int line
        for line in range(self.lines):
            if call.taken[line] < self.max_samples:
                self.lacking[line] += change
                if self.lacking[line] == (change == 1):
                    for own in self.codes:
                        self.change(own, line, change)
                        self.settle_all(own, (<Code>own).table.begin[line])
                        self.settle_all(own, (<Code>own).table.end[line])
        for own in self.codes:
            self.freshen(own)
        return 0

    # rest

    cdef object refuse(self):
        """A call is not recorded: after many of them, only starts are listened to, as long as no call is recorded."""
        self.refused += 1
        if self.refused >= REFUSALS and not (self.asleep or self.lasting or FREE_THREADED or self.calls.full):
            self.sleep(True)
        return None

    cdef int sleep(self, bint asleep) except -1:
        cdef size_t i = 0
        self.asleep = asleep
        # Of inner frames that start while it is asleep nobody will tell.
        while i <= self.by_key.mask:
            if self.by_key.slots[i].key != NULL:
                self.forget(<Frame *>self.by_key.slots[i].value)  # another one may come to its slot
            else:
                i += 1
        for own in self.codes:
            self.rearm((<Code>own).code)
        return 0

    # the end

    def stop(self):
        """Complete the records of all calls; to be done once, at the end."""
        cdef size_t i
        cdef Frame *state
        self.calls.seen += self.passed
        self.passed = 0
        running = {}
        if self.by_key.used:
            for frame in all_frames():
                running[<size_t>tracefunc_frame_of(<PyFrameObject *>frame), id(frame.f_code)] = frame.f_lasti
        cdef Section section
        enter(&section, self)
        try:
            for i in range(self.by_key.mask + 1):
                if self.by_key.slots[i].key != NULL:
                    state = <Frame *>self.by_key.slots[i].value
                    at = running.get((<size_t>state.key, <size_t>state.code.code))
                    if at is not None:
                        state.at = at
                    if at is not None or not state.inner:
                        self.lose(state)
        finally:
            leave(&section, self)

    def record(self, Call call):
        """What was recorded of a call."""
        cdef Code own
        cdef int index, number
        found = RawCall(self.lines, call.codes)
        # Copies: another thread may be in a callback still.
        found.samples = [rows.copy() for rows in call.samples]
        found.extra = [call.extra[number] for number in range(self.lines)]
        found.open = call.open
        for index in range(call.codes):
            own = self.codes[index]
            found.entered[index] = call.entered[index]
            if call.ended[index] != NULL:
                found.left[index] = {2 * at: call.ended[index][at] for at in range(own.table.size) if call.ended[index][at]}
            if call.silenced[index]:
                found.silenced.add(index)
                found.loops[index] = own.bodies
            if call.counts[index] != NULL:
                offsets = own.table.offsets
                found.counts[index] = {offsets[number]: call.counts[index][number] for number in range(own.table.count)}
        return found


# --- reading ---------------------------------------------------------------------------------------------------------

cdef object frame_above(PyFrameObject *frame):
    cdef PyObject *above = <PyObject *>PyFrame_GetBack(frame)
    if above == NULL:
        return None
    found = <object>above
    Py_DECREF(above)
    return found


cdef bint is_being_made(void *record) except -1:
    """Whether a frame below is still on the way to be a generator's: then no frame object leads to it."""
    frame = <object>PyEval_GetFrame()
    while frame is not None:
        if tracefunc_frame_of(<PyFrameObject *>frame) == record:
            return False
        frame = frame.f_back
    return True


cdef object show(object frame, object reader, bint alone, object describe):
    """A sample of one name; `alone`: one variable of the frame has it."""
    if not CELLS_ARE_SAFE or not alone or reader.how != READS_LOCAL:
        return sample(frame, reader, describe)
    return tracefunc_show(<PyFrameObject *>frame, reader.stored, describe, UNAVAILABLE)  # as sample() does


# --- the callbacks ---------------------------------------------------------------------------------------------------

# The interpreter holds no reference to a callback while it calls it. Where Python code may run, and with it another
# thread that ends the trace, the recorder is held here.

cdef int refuses(PyObject *self, PyObject *code) noexcept:
    """Whether `when` refuses a call that starts, where nothing else is to be done about it."""
    held = <Recorder>self
    if held.check is None or not held.asleep or held.by_key.used or code != held.target_code or held.check.holds() != 0:
        return False
    held.passed += 1
    return True


_refuses = refuses


cdef object start(object self, PyObject **args, Py_ssize_t count):
    held = <Recorder>self
    return held.start(args[0])


cdef PyObject *instruction(object self, PyObject **args, Py_ssize_t count) except NULL:
    if (<Recorder>self).only_counts(args[0], args[1]):
        return Py_None  # which is immortal
    return (<Recorder>self).instruction(args[0], args[1])


cdef object returned(object self, PyObject **args, Py_ssize_t count):
    held = <Recorder>self
    return held.returned(args[0], args[1], args[2])


cdef object yielded(object self, PyObject **args, Py_ssize_t count):
    held = <Recorder>self
    return held.yielded(args[0], args[1], args[2])


cdef object unwind(object self, PyObject **args, Py_ssize_t count):
    held = <Recorder>self
    return held.unwind(args[0], args[1], args[2])


cdef PyMethodDef _on_start = PyMethodDef("on_start", guarded(0, <PyCFunction>start), METH_FASTCALL, NULL)
cdef PyMethodDef _on_instruction = PyMethodDef("on_instruction", guarded(1, <PyCFunction>instruction), METH_FASTCALL, NULL)
cdef PyMethodDef _on_return = PyMethodDef("on_return", guarded(2, <PyCFunction>returned), METH_FASTCALL, NULL)
cdef PyMethodDef _on_yield = PyMethodDef("on_yield", guarded(3, <PyCFunction>yielded), METH_FASTCALL, NULL)
cdef PyMethodDef _on_unwind = PyMethodDef("on_unwind", guarded(4, <PyCFunction>unwind), METH_FASTCALL, NULL)


@cython.final
cdef class Shared:
    """Delivers an event to the recorders that want it, by the address of the code; DISABLE if all of them say so."""

    cdef dict callbacks
    cdef Map by_code

    def __init__(self, recorders, name):
        self.callbacks = {}
        self.by_code = Map()
        for address, wanting in recorders.items():
            found = tuple([getattr(recorder, name) for recorder in wanting if hasattr(recorder, name)])
            if found:
                self.callbacks[address] = found
                self.by_code.put(<void *><size_t>address, <void *>found)

    cdef object deliver(self, PyObject **args, Py_ssize_t count):
        cdef void *found = self.by_code.get(args[0])
        if found == NULL:
            return None
        answers = [call(callback, args, count, NULL) for callback in <tuple>found]
        return DISABLE if all([answer is DISABLE for answer in answers]) else None


cdef object deliver(object self, PyObject **args, Py_ssize_t count):
    held = <Shared>self
    return held.deliver(args, count)


cdef PyMethodDef _deliver = PyMethodDef("deliver", <PyCFunction>deliver, METH_FASTCALL, NULL)


def share(recorders, name):
    """One callback for an event that several recorders want, by the address of the code; DISABLE if all say so."""
    return PyCFunction_NewEx(&_deliver, Shared(recorders, name), None)
