# cython: language_level=3, binding=False, profile=False, linetrace=False, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True, auto_pickle=False, embedsignature=False
# cython: freethreading_compatible=True
"""The recorder in Cython: the twin of `_record.pure`, with the same results.

It examines each armed event, in C, and needs no mode that only counts. A frame is known by the address of the
interpreter's own record of it. Such records are linked, and say which code they execute, so no frame object has to be
made to find the call around a frame that starts.

Watching and storing are apart, and what is stored does not lead back to what watches:

- `Recorder`, below, gets the events. It knows the other parts, and is known by none of them.
- `CodeStates` and `Frames` say which code objects are traced, and which frames are being recorded.
- `LineTracking` follows the line under way in each frame, and has it sampled when it ends.
- `LoopCounting` has the turns of a loop counted by its iterator, where that pays.
- `Silencing` finds what is still needed at each point, and has events disabled and armed again.
- `Store` takes samples; `CallLog` keeps the calls of all targets, as bytes.

An inner frame is one that starts above a recorded one on its stack, and cannot be suspended: it is over before that one
is, whether its end is reported or not. So its state is kept for the next one at its address, and its RETURN is disabled
when the line under way there has all its samples.

Where threads run at once, a critical section of the log stands for the GIL: one thread at a time is in the recorders of
a trace, and another one where that blocks or runs Python code. Nothing is disabled there that may be needed again.
"""

import sys

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject, PyTypeObject
from libc.string cimport memcpy, memset

from . import _interpreter
from ._plan import markers, when_compiler
from ._values.plain_text import REDACTED_TEXT, name_of, own_name
from ._values.read import LOCAL, REDACTED, read
from ._values.sample import NOT_READ, REDACTED_SAMPLE, UNAVAILABLE

ctypedef long long Count
ctypedef unsigned long long Bits  # of up to `loop_iterators.MAX_LOOPS` loops

include "_native/declarations.pxi"
include "_native/other_tools.pxi"
include "_native/layout_probe.pxi"
include "_native/when.pxi"
include "_native/address_map.pxi"
include "_native/log_values.pxi"
include "_native/chains.pxi"
include "_native/plan_table.pxi"
include "_native/code_state.pxi"
include "_native/contexts.pxi"
include "_native/recorded_call.pxi"
include "_native/kept_calls.pxi"
include "_native/stacks.pxi"
include "_native/who.pxi"
include "_native/call_log.pxi"
include "_native/log_value_reader.pxi"
include "_native/log_reader.pxi"
include "_native/store.pxi"
include "_native/frames.pxi"
include "_native/silencing.pxi"
include "_native/loop_counting.pxi"
include "_native/line_tracking.pxi"


@cython.final
cdef class Recorder:
    """Records the calls of a plan's target that `calls` wants to have recorded; `_record.pure.Recorder` says how.

    The `on_...` attributes are C functions: callables, but no methods.
    """

    cdef readonly object plan, monitor
    cdef readonly bint wants_only_starts  # no event is needed but the start of a call
    cdef CodeStates codes
    cdef Frames frames
    cdef Store store
    cdef Silencing silencing
    cdef LoopCounting loops
    cdef LineTracking lines
    cdef Check check
    cdef bint asks_first  # whether a call that it refuses needs nothing else
    cdef bint full  # no call is recorded that has not started
    cdef PyObject *target_code
    cdef object notice  # looks for other tools, None where these do not matter
    cdef object remove, rearm, disable  # the answer where an event is not needed any more, and Python code has run
    cdef bint has_ended  # nothing is recorded any more
    cdef int awaited  # events that another recorder is told of before this one
    cdef list unreported  # frames whose end is not part of the counts yet
    cdef int refused  # calls in a row that are not recorded
    cdef bint passes  # whether it waits for a call that is not recorded any more

    def __init__(self, plan, calls, int target, monitor, samples, measure_all=False):
        cdef bint with_iterators = _knows_stack and not (measure_all or FREE_THREADED)
        self.plan, self.monitor, self.disable = plan, monitor, DISABLE
        self.notice, self.remove, self.rearm = monitor.notice, monitor.remove, monitor.rearm
        self.unreported = []
        self.wants_only_starts = calls.chooses and not FREE_THREADED  # where nothing is armed again while threads run
        self.codes = CodeStates(plan, with_iterators)
        self.frames = Frames(self.codes)
        self.store = Store(calls, target, samples, self.codes.all)
        self.silencing = Silencing(self.codes, self.frames, self.store.lines, self.rearm, measure_all)
        self.loops = LoopCounting(self.frames, self.silencing, with_iterators)
        self.lines = LineTracking(plan, self.store, self.silencing, self.notice)
        self.target_code = (<CodeState>self.codes.all[0]).live.code
        code = plan.codes[0].code
        self.check = check_of(calls.conditions[target], code, calls.thread)
        self.asks_first = self.check is not None and not code.co_flags & ASYNCHRONOUS

    def __getattr__(self, str name):
        return callback(self, name)

    def code_objects(self):
        """The code objects whose events are wanted, the target's first."""
        return [(<CodeState>code_state).code for code_state in self.codes.all]

    # frames start

    cdef object start(self, PyObject *code, int answer):
        """PY_START: a frame of the target, or of code nested in it, makes its first step.

        `answer` is what `when` says of it, if it was asked. If it has raised something, that is set.
        """
        error = PyErr_GetRaisedException() if answer == RAISED else None
        cdef void *key = tracefunc_current_frame()
        cdef LiveCode *live = self.codes.find(code)
        # On 3.15, a generator expression that is being made runs in its maker's frame.
        if live == NULL or tracefunc_code_of(key) != code or self.has_ended:
            return None
        code_state = <CodeState>live.state
        if not code_state.table.has_asked:
            code_state.table.ask_early()
        if code_state.table.is_target:
            return self.start_call(code_state, key, answer, error)
        return self.start_nested(code_state, key)

    cdef object start_call(self, CodeState code_state, void *key, int answer, object error):
        """A call of the target starts, of which `when` says `answer`."""
        if not self.frames.are_none():
            self.evict_stale_frame(key)
        if answer == UNASKED and self.check is not None and not self.full:
            answer = self.check.ask()
            if answer == REFUSED and self.asks_first:
                self.store.refused += 1
                return self.refuse()
            if answer == RAISED:
                error = PyErr_GetRaisedException()
        if error is not None and not isinstance(error, Exception):
            self.store.refused += 1
            raise error
        if self.notice is not None and self.lines.may_have_company(code_state.live.code) and others_are_there():
            self.notice(not self.frames.are_none())
        # The start of a frame that can be suspended may be disabled too early.
        if answer == UNASKED and self.store.is_full() and not code_state.table.flags & SUSPENDING:
            if self.store.pass_over(PyEval_GetFrame()) or self.finish() or FREE_THREADED:
                return None
            if self.store.is_complete():
                self.silencing.disable_unreachable(code_state)
            return self.disable
        call = self.store.open(key, answer, error)
        if call is None:
            return self.refuse()
        if self.has_ended:
            return None
        self.refused = 0
        cdef Frame *frame = self.frames.enter(code_state, call, key)
        self.frames.start_call(frame)
        if code_state.table.flags & YIELDING:
            frame.wants_yields = True
            code_state.frames_wanting_yields += 1
            if code_state.yields_disabled:
                code_state.yields_disabled = False
                self.rearm(code_state.code)
        self.count_outer_frame(code_state, call)
        if self.wants_only_starts:  # another thread may set that at any time before the frame was entered
            self.wants_only_starts = False
            self.silencing.rearm_all()
        self.store.enter(call)
        return None

    cdef object start_nested(self, CodeState code_state, void *key):
        """Code starts that is nested in the target."""
        cdef Frame *frame
        cdef bint ours = False
        if self.notice is not None and is_shared(code_state.live.code):
            self.notice(True)
        if not self.frames.knows_base:
            self.frames.base, self.frames.knows_base = self.store.base(), True
        cdef Frame *below = self.frames.recorded_below(key, &ours)
        if below == NULL or not self.frames.has_inner or code_state.table.flags & SUSPENDING:
            self.evict_stale_frame(key)
            call = <RecordedCall>below.call if below != NULL else None if ours else self.call_around()
            if call is not None:
                if code_state.returns_disabled:
                    code_state.returns_disabled = False
                    self.rearm(code_state.code)
                if self.has_ended:
                    return None
                self.frames.enter(code_state, call, key)
                self.count_outer_frame(code_state, call)
            return None
        frame = self.frames.current()
        if frame == NULL or frame.live != &code_state.live or frame.call != below.call:
            self.evict_stale_frame(key)
            frame = self.frames.enter(code_state, <RecordedCall>below.call, key)
            frame.inner = True
        else:
            if frame.watches_exits:
                self.silencing.unwatch_exits(frame)
            self.frames.start_again(frame, code_state.table)
        if code_state.table.entry >= 0:
            (<RecordedCall>frame.call).extra[code_state.table.entry] += 1
        return None

    cdef RecordedCall call_around(self):
        """The call that code belongs to which starts where no frame of ours is below it."""
        cdef PyObject *call = NULL
        if self.store.call_around(&call):
            return None if call == NULL else <RecordedCall>call
        return <RecordedCall>self.frames.newest.call if self.frames.newest != NULL else None

    cdef int count_outer_frame(self, CodeState code_state, RecordedCall call) except -1:
        """The frame that has just started is not an inner one."""
        code_state.outer_frames += 1
        self.frames.outer += 1
        call.frames += 1
        if call.frames == 1 and self.silencing.active:
            self.silencing.update_needed_samples(call, 1)
        return 0

    # control moves

    cdef inline bint only_counts(self, PyObject *code, PyObject *offset) noexcept:
        """Count an instruction, if its count is all that is needed, as of nearly all events."""
        cdef Frame *frame = self.frames.current()
        if frame == NULL or frame.live.code != code:
            return False
        cdef int number = frame.live.numbers[tracefunc_offset(offset) >> 1]
        if number < 0 or frame.live.needed[number] != COUNT_ONLY:
            return False
        frame.at = -1
        frame.counts[number] += 1
        return True

    cdef PyObject *instruction(self, PyObject *code, PyObject *offset) except NULL:
        """INSTRUCTION, where more than its count is needed: control is about to execute an offset."""
        cdef LiveCode *live = self.codes.find(code)
        if live == NULL:
            return Py_NewRef(_none)
        cdef int number = live.numbers[tracefunc_offset(offset) >> 1]
        if number < NO_POINT:
            return Py_NewRef(self.loops.start(live, NO_POINT - 1 - number))
        if number < 0 or live.needed[number] > COUNT_FOR_NOW:
            return Py_NewRef(_disable)
        cdef Frame *frame = self.frames.current()
        if frame == NULL or frame.live != live:
            return Py_NewRef(_none)
        cdef bint counts = live.needed[number] != EVERYTHING  # for now: COUNT_ONLY does not come here
        cdef Point *point = &live.points[number]
        if not counts and point.conditional and frame.line == point.line:
            return Py_NewRef(_none)
        frame.at = -1
        if point.loop >= 0:  # some frames have an iterator that counts
            frame.counts[number] += not frame.counted >> point.loop & 1
            return Py_NewRef(_none)
        frame.counts[number] += 1
        cdef int caught
        if counts:
            return Py_NewRef(_disable if self.silencing.is_out_of_patience(<CodeState>live.state, number) else _none)
        held = self  # Python code may run from here on
        if point.element >= 0:
            held.lines.sample(frame, point.element, NULL)
        else:
            caught = NOTHING
            if point.catches:
                caught = held.lines.catch_exception(frame, (<CodeState>live.state).table, number)
            held.lines.change_line(frame, (<CodeState>live.state).table, point, caught)
        return Py_NewRef(_none)

    cdef object yielded(self, PyObject *code, PyObject *offset, PyObject *value):
        """PY_YIELD: a frame is suspended."""
        cdef Frame *frame = self.frames.current()
        if frame != NULL and frame.live.code == code:
            code_state = <CodeState>frame.live.state
            frame.at = <int>tracefunc_offset(offset)
            if frame.wants_yields and not self.store.give(frame.own_call, value):
                frame.wants_yields = False
                code_state.frames_wanting_yields -= 1
            if code_state.table.only_yield >= 0 and code_state.frames_wanting_yields == 0:
                if not (code_state.table.is_target and FREE_THREADED):
                    code_state.yields_disabled = True
                    return self.disable
        return None

    # frames end

    cdef object unwind(self, PyObject *code, PyObject *offset, PyObject *error):
        """PY_UNWIND: an exception leaves a frame."""
        cdef Frame *frame
        cdef Origin *origin
        cdef Py_ssize_t at
        cdef LiveCode *live = self.codes.find(code)
        if live != NULL:
            frame = self.frames.current()
            if frame != NULL and frame.live == live:
                table = (<CodeState>live.state).table
                at = tracefunc_offset(offset)
                origin = table.leaving(at, error)
                if origin != NULL and origin != &table.origins[at >> 1]:
                    at = origin.place
                (<RecordedCall>frame.call).end_flow(table, at)
                self.leave(<CodeState>live.state, frame, NOTHING if origin == NULL else origin.prelude, True, error)
            elif frame == NULL:
                self.store.leave_refused((<CodeState>live.state).table)
        return None

    cdef object returned(self, PyObject *code, PyObject *offset, PyObject *value):
        """PY_RETURN: a frame returns."""
        cdef Frame *frame
        cdef bint inner
        cdef LiveCode *live = self.codes.find(code)
        if live != NULL:
            code_state = <CodeState>live.state
            frame = self.frames.current()
            if frame != NULL and frame.live == live:
                inner = frame.inner
                frame.at = <int>tracefunc_offset(offset)
                self.leave(code_state, frame, NOTHING, False, value)
                if inner and self.silencing.active:
                    if not self.silencing.is_return_needed(code_state, tracefunc_offset(offset) >> 1):
                        code_state.returns_disabled = True
                        return self.disable
            elif frame == NULL:
                self.store.leave_refused(code_state.table)
        return None

    cdef int leave(self, CodeState code_state, Frame *frame, int prelude, bint raised, PyObject *value) except -1:
        """A frame ends with a value, or an exception, in the middle of a loop's prelude if that is one."""
        cdef int where
        self.lines.end(frame, code_state.table, prelude, value if raised else NULL)
        if frame.inner:
            if frame.watches_exits:
                self.silencing.unwatch_exits(frame)
            frame.line = NOTHING
            return 0
        if frame.own_call != NULL:
            where = raised_at(value) if raised else code_state.table.returning_line(frame.at)
            self.store.close(frame.own_call, frame.key, where, raised, value)
        self.forget(frame)
        if code_state.table.is_target and not FREE_THREADED and self.store.is_complete():
            self.silencing.disable_unreachable(code_state)
        return 0

    cdef int evict_stale_frame(self, void *key) except -1:
        """A frame starts where there may be the state of one whose end was not reported."""
        cdef Frame *frame = <Frame *>self.frames.by_key.get(key)
        if frame != NULL:
            if not frame.inner and not frame.ended:
                frame.ended = True
                self.lines.close_open_line(ended(frame))
            self.forget(frame)
        return 0

    cdef int forget(self, Frame *frame) except -1:
        """A frame is not recorded any more."""
        cdef RecordedCall call = <RecordedCall>frame.call
        cdef CodeState code_state = <CodeState>frame.live.state
        cdef bint inner = frame.inner
        if frame.watches_exits:
            self.silencing.unwatch_exits(frame)
        self.frames.remove(frame)
        if frame.own_call != NULL:
            self.store.forget(frame.own_call, frame.key)
        code_state.frames_wanting_yields -= frame.wants_yields
        self.frames.free(frame)
        if not inner:
            code_state.outer_frames -= 1
            self.frames.outer -= 1
            call.frames -= 1
            if call.frames == 0:
                if self.silencing.active:
                    self.silencing.update_needed_samples(call, -1)
                if call.ended:
                    self.store.complete(call)
            if self.frames.outer == 0 and self.store.is_full():
                self.finish()
        return 0

    # calls that are not recorded

    cdef object refuse(self):
        """A call is not recorded: after many of them, only starts are needed, as long as no call is recorded."""
        self.refused += 1
        if self.store.is_full():
            self.finish()
        elif self.refused >= REFUSALS and not (self.wants_only_starts or self.frames.outer or FREE_THREADED):
            self.want_only_starts()
        return None

    cdef int want_only_starts(self) except -1:
        cdef size_t i = 0
        self.wants_only_starts = True
        # The start of inner frames is not reported then.
        while i < self.frames.slots():
            if self.frames.at(i) != NULL and self.frames.at(i).inner:
                self.forget(self.frames.at(i))  # another one may come to its slot
            else:
                i += 1
        # A call that starts meanwhile in another thread enters its frame first and asks for `wants_only_starts` then,
        # so it is seen here, or sees that here. Each arms what is wanted at that time.
        if not self.frames.are_none():
            self.wants_only_starts = False
        return self.silencing.rearm_all()

    # the end

    def finish(self):
        """Stop, if nothing more can be recorded. Returns whether that is done."""
        self.full = self.store.is_full()
        if self.frames.outer or not self.store.is_complete():
            return False
        self.passes = self.store.watches()  # until it is known whether there are more calls
        if not self.passes:
            self.remove(self)
        elif not (self.wants_only_starts or FREE_THREADED):
            self.want_only_starts()
        return not self.passes

    def end(self):
        """Record nothing from here on, though events may still come. No answer disables what others arm now."""
        self.disable = None
        take_moment(self)

    def renew_lock(self):
        """Let go of what other threads than this one hold, after a fork."""
        renew_section(self.store.log)

    def stop(self):
        """Complete the records of all calls, at the end."""
        self.end()
        self.store.count_refused()
        unreported, self.unreported = self.unreported, []
        for each in unreported:
            self.lines.close_open_line(each)


include "_native/ending.pxi"
include "_native/callbacks.pxi"
