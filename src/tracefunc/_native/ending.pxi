# Part of `_fastmon.pyx`: the end of a trace, at one moment.

from itertools import chain, starmap
from time import sleep

from ._record.live_frames import stacked_frames, waiting_frames

cdef enum:
    STEPS = 200  # how often other threads may go on before the moment


cdef int take_moment(Recorder recorder) except -1:
    """Note what was counted and where all frames stand, in one step, in which no other thread runs.

    Other threads go on for some steps before, if one is where an exception has arrived that cannot be looked up yet, or
    where an event is that another recorder is told of first.
    """
    cdef CodeState code_state
    cdef int patience
    if recorder.frames.are_none() and not FREE_THREADED:  # as after nearly all traces
        recorder.has_ended = True
        recorder.loops.release()
        return 0
    uncaught = {(id(each.code), offset) for each in recorder.plan.codes for offset in each.uncaught}
    for patience in range(STEPS, -1, -1):
        if recorder.has_ended:
            break
        elsewhere, found = recorder.store.elsewhere(), []
        for code_state in recorder.codes.all:
            elsewhere.enter(code_state.table)
        frames = () if recorder.frames.are_none() else chain(waiting_frames(), stacked_frames())
        last = [(recorder, found, elsewhere, uncaught if patience else None)]
        list(chain(map(found.append, frames), starmap(exchange, last)))
        if not recorder.has_ended:
            sleep(0)
    return 0


def exchange(Recorder recorder, list found, RecordedCall elsewhere, uncaught):
    """Note where the frames stand that were found, and let callbacks count elsewhere.

    Do nothing if one of them is `uncaught`, or an event is on its way; with None, do it anyway.
    """
    cdef size_t i
    cdef Frame *frame
    cdef Section section
    enter(&section, recorder.store.log)
    try:
        running = offsets_of(found)
        if recorder.has_ended:
            return
        if uncaught is not None:
            if recorder.awaited or not uncaught.isdisjoint([(at[1], running[at]) for at in running]):
                return
        recorder.has_ended = True
        recorder.loops.release()
        for i in range(recorder.frames.slots()):
            frame = recorder.frames.at(i)
            if frame != NULL:
                exchange_frame(recorder, frame, elsewhere, running.get((<size_t>frame.key, <size_t>frame.live.code)))
    finally:
        leave(&section, recorder.store.log)


cdef int exchange_frame(Recorder recorder, Frame *frame, RecordedCall elsewhere, at) except -1:
    """Note where a frame stands: `at`, or None if it does not run."""
    cdef Table table = (<CodeState>frame.live.state).table
    if at is not None and at <= table.start and (frame.at >= 0 or frame.inner and OTHERS_RUN_BEFORE_A_START):
        at = None  # another frame may have come to that address, whose start has not been reported
    if at is not None:
        frame.at = at
    if not frame.ended and (not frame.inner or at is not None):
        recorder.unreported.append(ended(frame))
    Py_DECREF(frame.call)
    frame.call = Py_NewRef(<PyObject *>elsewhere)
    frame.counts = elsewhere.counts[table.index]
    return 0
