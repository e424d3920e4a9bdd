"""The recorder in plain Python for builds of CPython on which threads run at once."""

from __future__ import annotations

from _thread import RLock

from .pure import Recorder

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

    from .calls import CallInfo
    from .pure import _Code, _Frame
    from .raw_call import RawCall


class _Lookup(dict):  # type: ignore[type-arg]
    """A dictionary for threads: of a key that another thread made, 3.13's own `get` takes its lock twice, and waits."""

    def get(self, key: int, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


class FreeThreadedRecorder(Recorder):
    """The same where threads run at once.

    A frame is executed by one thread at a time, so what concerns it alone needs no lock: it has counts of its own until
    it ends. The lock is for what several frames share, and is never held while code runs that is not ours.

    Each event is examined. None is silenced that may be wanted again: an answer DISABLE may come into force after a
    thread that wants the offset has armed it.
    """

    def __init__(self, *args: Any, **limits: Any) -> None:
        self.lock = RLock()
        super().__init__(*args, **limits)
        self.wants_only_starts = False
        self.codes, self.frames = _Lookup(self.codes), _Lookup()
        for own in self.codes.values():
            own.actions = _Lookup(own.actions)

    def on_start(self, code: CodeType, offset: int, depth: int = 1) -> object:
        super().on_start(code, offset, depth + 1)
        return None

    def _enter(self, own: _Code, key: int, call: RawCall, info: CallInfo | None) -> None:
        with self.lock:
            super()._enter(own, key, call, info)
            if (state := self.frames.get(key)) is not None:
                state.counts = [0] * len(state.counts)

    def _hit(self, state: _Frame, line: int) -> None:
        with self.lock:
            super()._hit(state, line)

    def _left(self, state: _Frame, offset: int) -> None:
        with self.lock:
            super()._left(state, offset)

    def _forget(self, key: int) -> None:
        state = self.frames.get(key)
        if state is not None:
            self._gather(state)
        super()._forget(key)

    def _gather(self, state: _Frame) -> None:
        """Add the counts of a frame to those of its call."""
        with self.lock:
            found, state.counts = state.counts, [0] * len(state.counts)
            counts = state.call.counts[state.code.plan.index]
            assert counts is not None, "a call has counts of each code object that a frame of it runs"
            for offset, number in enumerate(found):
                counts[offset] += number

    def _count(self, own: _Code, leaving: FrameType | None = None) -> None:
        """Go on to examine."""

    def _bury(self, own: _Code, frame: FrameType) -> None:
        """Go on to examine."""

    def _sleep(self, asleep: bool) -> None:
        """Nothing is armed anew while threads run."""

    def stop(self) -> None:
        for state in list(self.frames.values()):
            self._gather(state)
        super().stop()
