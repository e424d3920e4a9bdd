"""The recorder in plain Python for builds of CPython on which threads run at once."""

from __future__ import annotations

from _thread import RLock

from .pure import Recorder
from .pure_frames import Frames

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import Any

    from .._plan.target_plan import Plan
    from .pure_frames import CodeState, FrameState
    from .raw_call import RawCall
    from .store import Store


class _Lookup(dict):  # type: ignore[type-arg]
    """A dictionary for threads.

    For a key that another thread has made, 3.13's own `get` takes the dictionary's lock twice, and waits for it.
    """

    def get(self, key: int, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


class FreeThreadedFrames(Frames):
    """Frames, where threads run at once.

    A frame is executed by one thread at a time, so what concerns it alone needs no lock: it has counts of its own until
    it ends. The lock is for what several frames share, and is never held while code runs that is not ours.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        super().__init__(plan, store)
        self.lock = RLock()
        self.codes, self.by_key = _Lookup(self.codes), _Lookup()
        for code_state in self.codes.values():
            code_state.actions = _Lookup(code_state.actions)

    def renew_lock(self) -> None:
        if not self.lock._is_owned():  # type: ignore[attr-defined]
            self.lock._at_fork_reinit()  # type: ignore[attr-defined]

    def enter(self, code_state: CodeState, key: int, call: RawCall) -> FrameState:
        with self.lock:
            state = super().enter(code_state, key, call)
            state.counts = [0] * len(state.counts)
            return state

    def remove(self, key: int) -> FrameState | None:
        with self.lock:  # another thread may end the trace, and looks through all states
            state = self.by_key.get(key)
            if state is not None:
                self.gather(state)
            return super().remove(key)

    def commit(self, state: FrameState, line: int, offset: int, place: int, hits: Sequence[int]) -> list[int]:
        with self.lock:
            return super().commit(state, line, offset, place, hits)

    def leave(self, state: FrameState, place: int, line: int) -> None:
        with self.lock:
            super().leave(state, place, line)

    def close_open_line(self, state: FrameState) -> None:
        with self.lock:
            super().close_open_line(state)

    def disable_unreachable(self, code_state: CodeState, frame: FrameType) -> None:
        """Keep all offsets enabled."""

    def gather(self, state: FrameState) -> None:
        with self.lock:
            found, state.counts = state.counts, [0] * len(state.counts)
            counts = state.call.counts[state.code_state.plan.index]
            assert counts is not None, "a call has counts of each code object that a frame of it runs"
            for offset, number in enumerate(found):
                counts[offset] += number


class FreeThreadedRecorder(Recorder):
    """The same recorder where threads run at once: each event is examined, and none is only counted.

    No event that may be wanted again is disabled: an answer DISABLE may come into force after a thread that wants the
    offset has armed it.
    """

    frames_type = FreeThreadedFrames
    frames: FreeThreadedFrames

    def __init__(self, *args: Any, **limits: Any) -> None:
        super().__init__(*args, **limits)
        self.wants_only_starts = False

    def _pass_by(self, code_state: CodeState, frame: FrameType) -> object:
        super()._pass_by(code_state, frame)
        return None

    def end(self) -> None:
        with self.frames.lock:
            super().end()

    def _want_only_starts(self, only_starts: bool) -> None:
        """Arm nothing again while threads run."""
