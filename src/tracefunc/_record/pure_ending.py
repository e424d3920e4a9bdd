"""The end of a trace in the pure recorder: where frames stand at one moment, and what their calls counted until then.

Other threads run on while a trace ends. What a call has counted and where its frames stand must be of the same moment,
since counts are derived from both. So all is looked up, and all that callbacks count in is exchanged, in one call of a
function written in C, in which no other thread runs. What they count afterwards goes nowhere.
"""

from __future__ import annotations

import sys
from _operator import attrgetter, itemgetter, methodcaller, mul, not_, setitem
from itertools import chain, compress, repeat, starmap, tee
from time import sleep

from .._plan.markers import NOTHING
from .live_frames import stacked_frames, waiting_frames
from .pure_frames import FrameState
from .raw_call import RawCall

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from types import CodeType, FrameType
    from typing import Any

    from .._plan.offsets import Action
    from .pure_counting import CountingMode
    from .pure_frames import Frames

    Follow = Callable[[FrameState, Action, int, int, BaseException | None], tuple[int, list[int], list[int]]]

_PATIENCE = 200  # how often other threads may go on before the moment

_code, _offset, _back = attrgetter("f_code"), attrgetter("f_lasti"), attrgetter("f_back")
_counters = attrgetter("counters")
_values_of = attrgetter(*FrameState.__slots__)


class Callbacks:
    """The functions that a thread may be in when a trace ends, between an event and its part in the counts.

    Those of `instruction` have bound `counted` when the event is part of them. `unwind` has a variable `error`, and
    `deliver`, which calls those of several recorders, `name`, `asked` and `counted`, the number of those that are done.
    """

    def __init__(self, instruction: Sequence[CodeType], unwind: CodeType, deliver: CodeType) -> None:
        self.instruction = frozenset(map(id, instruction))
        self.unwind = id(unwind)
        self.deliver = id(deliver)
        self.all = frozenset([*self.instruction, self.unwind, self.deliver])


class _Moment:
    """What was found at one moment."""

    def __init__(self) -> None:
        self.states: list[tuple[int, FrameState]] = []  # by address; what callbacks still count in them is lost
        self.values: list[tuple[Any, ...]] = []  # what these states held
        self.counted: list[tuple[FrameState, list[int | None]]] = []  # by events that were only counted
        self.places: list[tuple[int, int, int, int]] = []  # frames, their codes, offsets and callers
        self.within: list[tuple[int, Any, Any, Any, Any]] = []  # variables of the callbacks that are under way
        self.tops: list[tuple[int, int]] = []  # threads and the frames on top of their stacks
        self.handled: list[dict[int, BaseException | None]] = []  # by thread: the exception that it handles


class Ending:
    """The moment at which a recorder ends."""

    def __init__(self, frames: Frames, counting: CountingMode, callbacks: Callbacks) -> None:
        self._frames = frames
        self._counting = counting
        self._callbacks = callbacks
        self._moment = _Moment()

    def take(self) -> None:
        """Let this be the moment. Nothing is counted from here on.

        Other threads go on for some steps before, if one is where an exception has arrived that cannot be looked up
        yet.
        """
        frames = self._frames
        for patience in range(_PATIENCE, -1, -1):
            if not frames.by_key:
                frames.ended = True  # with no call in between
            if frames.ended:
                return
            moment = _Moment()
            waiting = waiting_frames()
            uncaught = self._uncaught() if patience else ()
            list(chain(self._look(moment, chain(waiting, stacked_frames())), self._exchange(moment, uncaught)))
            if not frames.ended:
                sleep(0)

    def _uncaught(self) -> frozenset[tuple[int, int]]:
        """Return where a frame may stand when it is not known yet which exception a handler has: codes and offsets."""
        codes = list(self._frames.codes.values())
        return frozenset((id(each.code), offset) for each in codes for offset in each.plan.uncaught)

    def _look(self, moment: _Moment, found: Iterator[FrameType]) -> Iterator[object]:
        """Return the steps that note where frames stand. None of them leaves a reference to a frame."""
        one, two, three, four, five, six = tee(found, 6)
        places = zip(
            map(id, one), map(id, map(_code, two)), map(_offset, three), map(id, map(_back, four)), strict=True
        )
        ours = compress(five, map(self._callbacks.all.__contains__, map(id, map(_code, six))))
        callbacks, others = tee(ours)
        names = ("counted", "error", "name", "asked")
        variables = zip(names, tee(map(attrgetter("f_locals"), others), len(names)), strict=True)
        within = zip(
            map(id, callbacks), *[map(methodcaller("get", name), each) for name, each in variables], strict=True
        )
        threads = chain.from_iterable(starmap(sys._current_frames, [()]))
        tops = chain.from_iterable(map(dict.values, starmap(sys._current_frames, [()])))
        return chain(
            map(moment.places.append, places),
            map(moment.within.append, within),
            map(moment.tops.append, zip(threads, map(id, tops), strict=True)),
            map(moment.handled.append, starmap(sys._current_exceptions, [()])),
        )

    def _exchange(self, moment: _Moment, uncaught: Collection[tuple[int, int]]) -> Iterator[object]:
        """Return the steps that note what was counted, and let callbacks count elsewhere.

        There are none if a frame is `uncaught`.
        """
        frames, counting, states = self._frames, self._counting.by_code.values, self._frames.by_key.values
        elsewhere = [0] * max(len(code_state.code.co_code) for code_state in frames.codes.values())
        nowhere = RawCall(-1, frames.line_count, len(frames.codes))
        nowhere.counts = [elsewhere] * len(frames.codes)
        copies, emptied = map(list, map(_counters, _each(counting))), map(_counters, _each(counting))
        lengths = map(len, map(_counters, _each(counting)))
        steps = (
            map(moment.states.append, _each(frames.by_key.items)),
            map(moment.values.append, map(_values_of, _each(states))),
            map(moment.counted.append, zip(map(attrgetter("state"), _each(counting)), copies, strict=True)),
            map(setattr, _each(states), repeat("call"), repeat(nowhere)),
            map(setattr, _each(states), repeat("counts"), repeat(elsewhere)),
            map(setattr, _each(counting), repeat("ended"), repeat(True)),
            map(setitem, emptied, repeat(slice(None)), map(mul, repeat([None]), lengths)),
            map(setattr, (self, frames), ("_moment", "ended"), (moment, True)),
        )
        stands = map(itemgetter(1, 2), _each(moment.places.copy))
        none_is_uncaught = map(not_, map(any, [map(uncaught.__contains__, stands)]))
        return chain.from_iterable(compress(steps, chain.from_iterable(map(repeat, none_is_uncaught))))

    def states(self, follow: Follow, line_of: Sequence[int]) -> list[FrameState]:
        """Return the states of the frames that had not ended, as they were at that moment, with `at` for all that ran.

        An event whose callback was under way, and had not counted it yet, has happened: `follow` says what comes of it.
        `line_of`: by state, the line that it is a hit of.
        """
        moment, states = self._moment, []
        codes = {key: code for key, code, _, _ in moment.places}
        offsets = {key: offset for key, _, offset, _ in moment.places}
        called = {back: key for key, _, _, back in moment.places}
        within = {key: (codes[key], *variables) for key, *variables in moment.within}
        for (key, original), values in zip(moment.states, moment.values, strict=True):
            state = _restored(values)
            for counted, counters in moment.counted:
                if counted is original:
                    state.counts[:] = [
                        count + (number or 0) for count, number in zip(state.counts, counters, strict=True)
                    ]
            self._frames.gather(state)
            # Another frame may have come to that address, whose start has not been reported.
            is_other = state.at >= 0 and offsets.get(key, -1) <= state.code_state.plan.start
            if not (state.left or is_other) and codes.get(key) == id(state.code_state.code):
                state.at = offsets[key]
                callbacks = []
                each = called.get(key)
                while each in within:
                    callbacks.append(within[each])
                    each = called.get(each)
                self._complete(state, key, callbacks, follow, line_of)
            if not state.left:
                states.append(state)
        self._moment = _Moment()
        return states

    def _complete(
        self, state: FrameState, key: int, callbacks: list[tuple[Any, ...]], follow: Follow, line_of: Sequence[int]
    ) -> None:
        """Add what comes of an event of a frame to what was counted, if it was under way in one of `callbacks`."""
        if callbacks and callbacks[0][0] == self._callbacks.deliver:
            _, counted, _, event, asked = callbacks.pop(0)
            place = [recorder.frames for recorder in asked or ()].index(self._frames) if asked else 0
            if (counted or 0) > place:
                return
            if (counted or 0) < place or not callbacks:
                if event == "on_instruction":
                    self._arrive(state, key, follow)
                return
        if not callbacks:
            return
        code, _, error, _, _ = callbacks[0]
        if code == self._callbacks.unwind and error is not None:
            offset, prelude = state.code_state.plan.leaving(key, state.at, error)
            self._frames.leave(state, offset, line_of[prelude] if prelude >= 0 else NOTHING)
        elif code in self._callbacks.instruction and all(counted is None for _, counted, _, _, _ in callbacks):
            self._arrive(state, key, follow)

    def _arrive(self, state: FrameState, key: int, follow: Follow) -> None:
        """Count that control has arrived where a frame stands."""
        action = state.code_state.actions.get(state.at)
        if action is None or (action.conditional and state.line == action.line):
            return
        if action.element >= 0:
            state.counts[state.at] += 1
            return
        place, hits, _ = follow(
            state, action, state.at, key, self._error_handled_above(key) if action.catches else None
        )
        self._frames.commit(state, action.line, state.at, place, hits)

    def _error_handled_above(self, key: int) -> BaseException | None:
        """Return the exception that the thread handled which executed a frame."""
        callers = {frame: back for frame, _, _, back in self._moment.places}
        for thread, top in self._moment.tops:
            frame: int | None = top
            while frame is not None and frame != key:
                frame = callers.get(frame)
            if frame == key:
                return self._moment.handled[0].get(thread)
        return None


def _restored(values: tuple[Any, ...]) -> FrameState:
    """Return the state that held some values."""
    state = FrameState.__new__(FrameState)
    for name, value in zip(FrameState.__slots__, values, strict=True):
        setattr(state, name, value)
    return state


def _each(values: Callable[[], Collection[Any]]) -> Iterator[Any]:
    """Return the items of what `values` returns when the first one is asked for."""
    return chain.from_iterable(starmap(values, [()]))
