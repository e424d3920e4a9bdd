"""Counting only: what the pure recorder does with a code object whose lines have their samples.

An offset at which a line starts is counted whenever control reaches it, while the line under way only matters for
sampling. Once all lines around an offset have their samples, only its count is wanted, and a callback that does no more
than count takes over; where the count can be derived from others, the offset is disabled.
"""

from __future__ import annotations

import sys

from .._interpreter import FREE_THREADED
from .._plan.markers import NOTHING
from .live_frames import all_frames

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType

    from .._plan.offsets import Action
    from .interfaces import Arming
    from .pure_frames import CodeState, Frames, FrameState
    from .store import Store

MAX_ATTEMPTS = 100


class Counting:
    """A code object, executed by one frame, most of whose events are only counted."""

    __slots__ = (
        "catching",
        "counters",
        "derived",
        "ended",
        "key",
        "measure_all",
        "patience",
        "rearm",
        "settled",
        "state",
        "store",
    )

    def __init__(
        self, key: int, state: FrameState, store: Store, rearm: Callable[[CodeType], None], measure_all: bool
    ) -> None:
        self.key = key  # the frame's address
        self.state = state
        self.store = store
        self.rearm = rearm
        self.measure_all = measure_all
        self.counters: list[int | None] = [None] * len(state.code_state.code.co_code)  # None: examine the event
        self.settled: set[int] = set()  # the states (lines and preludes) whose offsets only need a count
        self.derived: set[int] = set()  # the offsets that do not even need that, as their counts can be derived
        self.catching: set[int] = set()  # the offsets that need their count and where what they catch was raised
        self.patience = MAX_ATTEMPTS  # how often the code object may yet be armed again for derived offsets
        self.ended = False

    def begin(self) -> None:
        """Count wherever that is enough."""
        plan = self.state.code_state.plan
        complete = self.store.complete_lines(self.state.call)
        self.settled = {NOTHING, *(state for state, line in plan.deciders.items() if line in complete)}
        for offset, action in plan.actions.items():
            self.count_only(offset, action)
        self.hold(self.state.line)

    def settle(self, line: int) -> None:
        """Count at more offsets, since `line` has got all its samples."""
        plan = self.state.code_state.plan
        states, offsets = plan.concerned[line]
        self.settled.update(states)
        for offset in offsets:
            self.count_only(offset, plan.actions[offset])
        self.hold(self.state.line)

    def count_only(self, offset: int, action: Action) -> None:
        """Only count at an offset if that is all that is wanted, and no line that is sampled is about to end there."""
        if self.counters[offset] is not None or offset in self.derived:
            return
        derivable = () if self.measure_all else self.state.code_state.plan.derived_counts.derived
        if offset in derivable and self._serves_nothing(offset):
            self.derived.add(offset)
        elif action.element >= 0 or action.line in self.settled:
            implied = [line for only_after, line in action.implied if only_after < 0]
            if self._has_all((action.element,) if action.element >= 0 else implied) and not self.ended:
                if action.catches:
                    self.catching.add(offset)
                else:
                    self.counters[offset] = 0

    def _serves_nothing(self, offset: int) -> bool:
        """Return whether an offset serves nothing but its count, as long as no line that can end there is sampled.

        Such a line may be rare, and its exits are armed again for it: not too often, as that takes time.
        """
        wants = self.state.code_state.plan.wants.get(offset)
        if wants is None or not self._has_all(wants[0]):
            return False
        return self.patience > 0 or self._has_all(wants[1])

    def _has_all(self, lines: Iterable[int]) -> bool:
        return self.store.has_all(self.state.call, lines)

    def hold(self, line: int) -> None:
        """Examine the events where `line` can end, if it is still sampled: it is under way now."""
        if line in self.settled:
            return
        code_state = self.state.code_state
        exits = code_state.plan.exits.get(line, ())
        for offset in exits:
            self.state.counts[offset] += self.counters[offset] or 0
            self.counters[offset] = None
            self.catching.discard(offset)
        if not self.derived.isdisjoint(exits):
            self.derived.difference_update(exits)
            if code_state.plan.index in self.state.call.silenced:
                self.patience -= 1
                self.rearm(code_state.code)

    def let_go(self, line: int) -> None:
        """Go back to counting where `line` could end: it has ended."""
        if line in self.settled:
            return
        plan = self.state.code_state.plan
        for offset in plan.exits.get(line, ()):
            self.count_only(offset, plan.actions[offset])

    def catch(self, offset: int) -> bool:
        """Count an exception that arrives at an offset in `catching`; return False if the event must be examined."""
        plan = self.state.code_state.plan
        if self.state.cleaned_up[0] >= 0:
            return False
        try:
            place, prelude = plan.catching(self.key, offset, sys.exception())
            if prelude >= 0:
                return False
        except Exception:  # of ours: where events are examined, it is known what to do
            return False
        state = self.state  # what is counted from here on is one step: see `Frames`
        if place >= 0:
            state.call.left[plan.index][place] += 1
        state.counts[offset] += 1
        return True

    def end(self) -> None:
        """Add the counters to the frame's counts; another thread's callback examines its event from here on."""
        self.ended = True
        self.catching.clear()
        counters, counts = self.counters, self.state.counts
        for offset in range(len(counters)):
            number, counters[offset] = counters[offset], None
            if number:
                counts[offset] += number


class CountingMode:
    """The code objects of one recorder whose events are mostly only counted, and the callback that does so."""

    def __init__(
        self,
        frames: Frames,
        store: Store,
        monitor: Arming,
        examine: Callable[..., object],
        measure_all: bool,
    ) -> None:
        self.frames = frames
        self.store = store
        self.monitor = monitor
        self.examine = examine  # the callback for events that are not only counted
        self.measure_all = measure_all  # derive no counts from others
        self.by_code: dict[int, Counting] = {}  # by the code object's address
        self.callback = examine  # of INSTRUCTION

    def of(self, state: FrameState) -> Counting | None:
        """Return how a frame's events are counted, or None if each of them is examined."""
        counting = self.by_code.get(id(state.code_state.code))
        return counting if counting is not None and counting.state is state else None

    def start(self, code_state: CodeState, leaving: FrameType | None = None) -> None:
        """Only count at the offsets of a code object where nothing is sampled any more, if possible.

        It is possible where a single frame runs that code, besides the one that is `leaving`, and waits for this
        thread. On free-threaded builds, that cannot be known.
        """
        if FREE_THREADED or code_state.frames != 1 or code_state.attempts >= MAX_ATTEMPTS:
            return
        if id(code_state.code) in self.by_code:
            return
        found = [item for item in list(self.frames.by_key.items()) if item[1].code_state is code_state]
        if len(found) != 1 or not self.store.complete_lines(found[0][1].call):
            return
        key, state = found[0]
        if leaving is not None and not _is_called_by(leaving, key):
            return
        code_state.attempts += 1
        counting = Counting(key, state, self.store, self.monitor.rearm, self.measure_all)
        self.by_code[id(code_state.code)] = counting
        # Only now, since a frame that starts or goes on from here on is sure to end the counting.
        running = {id(frame) for frame in all_frames() if frame.f_code is code_state.code}
        if running - {key, id(leaving)}:
            self.stop(code_state)
            return
        counting.begin()
        self._bind()

    def settle(self, state: FrameState, line: int) -> None:
        """Count more, since a line has got all its samples in a call."""
        counting = self.by_code.get(id(state.code_state.code))
        if counting is None:
            self.start(state.code_state)
        elif counting.state is state:
            counting.settle(line)

    def count_at(self, state: FrameState, offset: int) -> int:
        """Return how often a frame's call has come to an offset so far."""
        counting = self.by_code.get(id(state.code_state.code))
        return state.counts[offset] + ((counting.counters[offset] or 0) if counting is not None else 0)

    def stop(self, code_state: CodeState) -> None:
        """Go back to examining each event of a code object."""
        key = id(code_state.code)
        counting = self.by_code.get(key)
        if counting is not None:
            counting.end()  # while other threads still find it: one that finds none has nothing to do
            if counting.derived:
                code_state.stale_generation += 1
            if key in self.by_code and self.by_code[key] is counting:
                del self.by_code[key]
            self._bind()
        stale_generation = code_state.stale_generation
        # By this thread, or by another one that has not armed the code object yet.
        if stale_generation != code_state.rearmed_generation:
            self.monitor.rearm(code_state.code)
            code_state.rearmed_generation = stale_generation

    def end(self) -> None:
        """Complete all counts when the trace has ended."""
        for counting in list(self.by_code.values()):
            counting.end()
        self.callback = self.examine = _ignore  # no recorder refers to itself: nothing waits for the garbage collector

    def _bind(self) -> None:
        """Choose a callback that counts where that is enough, as fast as Python can, and else calls `examine`."""
        now = list(self.by_code.values())  # at once: other threads change it
        if not now:
            self.callback = self.examine
        elif len(now) == 1:
            self.callback = _counter_of_one(now[0], self.examine, self.frames.survive)
        else:
            self.callback = _counter_of_several(now, self.examine, self.frames.survive)
        self.monitor.rebind()


def _ignore(code: CodeType, offset: int, depth: int = 1) -> object:
    return None


def _counter_of_one(
    counting: Counting, examine: Callable[..., object], survive: Callable[..., object]
) -> Callable[..., object]:
    counters, catching, catch = counting.counters, counting.catching, counting.catch
    only = counting.state.code_state.code

    def count(code: CodeType, offset: int, depth: int = 1) -> object:
        try:
            if code is only:
                number = counters[offset]
                if number is not None:
                    counters[offset] = number + 1
                    return None
                if offset in catching and catch(offset):
                    return None
            return examine(code, offset, depth + 1)
        except Exception as error:
            return survive(error, depth + 1, True)

    return count


def _counter_of_several(
    countings: Iterable[Counting], examine: Callable[..., object], survive: Callable[..., object]
) -> Callable[..., object]:
    by_code = {
        id(counting.state.code_state.code): (counting.counters, counting.catching, counting.catch)
        for counting in countings
    }

    def count(code: CodeType, offset: int, depth: int = 1) -> object:
        try:
            found = by_code.get(id(code))
            if found is not None:
                counters, catching, catch = found
                number = counters[offset]
                if number is not None:
                    counters[offset] = number + 1
                    return None
                if offset in catching and catch(offset):
                    return None
            return examine(code, offset, depth + 1)
        except Exception as error:
            return survive(error, depth + 1, True)

    return count


def _is_called_by(frame: FrameType, key: int) -> bool:
    """Return whether the frame with the address `key` is below `frame` on its stack."""
    below = frame.f_back
    while below is not None and id(below) != key:
        below = below.f_back
    return below is not None


def code_within(maker: Callable[..., object], name: str) -> CodeType:
    """Return the code of the function `name` that `maker` defines.

    From 3.14 on, `maker` may hold the code of that function's annotations as well, and before it.
    """
    codes: list[CodeType] = [const for const in maker.__code__.co_consts if getattr(const, "co_name", None) == name]
    (code,) = codes
    return code


# The code of the callbacks that only count.
COUNTERS = [code_within(maker, "count") for maker in (_counter_of_one, _counter_of_several)]
