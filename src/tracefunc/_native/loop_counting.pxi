# Part of `_fastmon.pyx`: loops whose turns are counted by their iterators, where that pays.

# Who counts the turns of a loop.
cdef enum:
    UNDECIDED  # an event, since an iterator has not paid so far
    ITERATOR
    EVENT
    NOBODY

cdef enum:
    FEW = 8  # turns of a loop, too few for an iterator to pay
    REFUSALS = 100  # times in a row that something was not worth while, after which it is not tried any more


cdef struct LoopCount:
    int counted_by  # who counts its turns
    int body  # the point where one begins
    int entered  # how often it has begun since that was last decided
    Py_ssize_t first, latest  # how many turns were to be expected, or -1, as long as it is undecided
    Count *turns  # the count of a call, and its value at that time
    Count before


cdef inline bint pays(LoopCount *loop, Count *turns) noexcept:
    """Whether a loop that begins has turns enough for an iterator to count them, going by the last times."""
    cdef bint enough
    loop.entered += 1
    if loop.turns == turns and loop.entered < REFUSALS:
        return True
    enough = loop.turns != turns or turns[0] - loop.before > FEW * REFUSALS
    loop.turns, loop.before, loop.entered = turns, turns[0], 0
    return enough


cdef inline bint is_short(LoopCount *loop) noexcept:
    """Whether a loop has not been long so far, and does not become longer."""
    return loop.counted_by == UNDECIDED and loop.entered > 0 and loop.latest <= loop.first


@cython.final
@cython.no_gc  # it refers to nothing that the garbage collector has to know
cdef class LoopCounting:
    """Puts an iterator that counts on the stack of a frame where a loop begins, and decides for which loops.

    The counts of these iterators end up where those of the events would: in the counts of the frame.
    """

    cdef Frames frames
    cdef Silencing silencing
    cdef bint enabled
    cdef Counting *first  # of the iterators that count for it

    def __cinit__(self, Frames frames, Silencing silencing, bint enabled):
        self.frames, self.silencing, self.enabled = frames, silencing, enabled

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        """Let the iterators count for nobody any more."""
        self.enabled = False
        while self.first != NULL:
            unlink(self.first)

    cdef PyObject *start(self, LiveCode *live, int number) except NULL:
        """A loop is about to get its iterator: from now on one that counts, if that pays."""
        held = self  # Python code may run from here on
        code_state = <CodeState>live.state
        cdef Frame *frame = held.frames.current()
        cdef LoopCount *loop = &code_state.loops[number]
        cdef Bits bit = <Bits>1 << number
        cdef size_t *slot
        cdef PyObject *iterable = NULL
        if loop.counted_by == NOBODY:
            return _disable
        if frame == NULL or frame.live != live:
            return _none
        slot = code_state.table.iterable(number, frame.key)  # may run Python code, once
        frame.counted &= ~bit
        if loop.counted_by >= EVENT:
            held.silencing.rearm_if_stale(code_state)
            return held.count_by_events(code_state, loop, bit)
        if slot != NULL and held.enabled:
            iterable = in_slot(slot)
        if iterable != NULL and held.counts_itself(code_state, loop, bit, frame, iterable):
            put_into_slot(slot, count_items(iterable, &frame.counts[loop.body], frame.call, &self.first))
            frame.counted |= bit
            return _none
        frame.uncounted |= bit
        return held.count_by_events(code_state, loop, bit) if loop.counted_by == EVENT else _none

    cdef PyObject *count_by_events(self, CodeState code_state, LoopCount *loop, Bits bit) noexcept:
        """The answer where a loop begins whose turns are events from now on.

        As long as there are frames that have had an iterator which counts, these must be distinguished from the others.
        """
        if self.is_in_loop(code_state, bit, True, NULL):
            return _none
        if code_state.needed[loop.body] == EVERYTHING:
            code_state.needed[loop.body] = COUNT_ONLY
        return _disable if self.enabled else _none  # a later trace may have armed it meanwhile

    cdef bint counts_itself(
        self, CodeState code_state, LoopCount *loop, Bits bit, Frame *frame, PyObject *iterable
    ) except -1:
        """Whether the iterator of a loop that begins shall count. Decides about the loop where that is still open."""
        cdef bint suits = is_suitable(iterable)
        if loop.counted_by == ITERATOR:
            if suits and pays(loop, &frame.counts[loop.body]):
                return True
            loop.counted_by = EVENT
            code_state.needed[loop.body] = EVERYTHING
            code_state.stale_generation += 1
            self.silencing.rearm_if_stale(code_state)
            return False
        loop.latest = length_of(iterable) if suits else -1
        if loop.latest > FEW and not self.is_in_loop(code_state, bit, False, frame):
            loop.counted_by = ITERATOR
            code_state.needed[loop.body] = DERIVED
            return True
        if loop.entered == 0:
            loop.first = loop.latest
        loop.entered += 1
        if loop.entered == REFUSALS:
            loop.counted_by = EVENT
        return False

    cdef bint is_in_loop(self, CodeState code_state, Bits bit, bint counted, Frame *besides) noexcept:
        """Whether another frame may be in a loop whose turns are counted by an iterator, or by events."""
        cdef size_t i
        cdef Frame *frame
        for i in range(self.frames.slots()):
            frame = self.frames.at(i)
            if frame != NULL and frame != besides and frame.live == &code_state.live:
                if (frame.counted if counted else frame.uncounted) & bit:
                    return True
        return False
