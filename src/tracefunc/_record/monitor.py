"""The only module that sets up `sys.monitoring`: takes a tool id, arms code objects, and gives everything back."""

from __future__ import annotations

import sys
from _thread import RLock

from .._interpreter import FREE_THREADED, FREED_TOOL_ID_STAYS_LIVE, LINE_SWALLOWS_INSTRUCTION, SUSPENDING
from . import engine

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType

    from .interfaces import Recorder


monitoring = sys.monitoring
events = monitoring.events

_CALLBACKS = {
    events.PY_START: "on_start",
    events.INSTRUCTION: "on_instruction",
    events.PY_RETURN: "on_return",
    events.PY_YIELD: "on_yield",
    events.PY_RESUME: "on_resume",
    events.PY_THROW: "on_throw",
    events.PY_UNWIND: "on_unwind",
}
_ALWAYS = (events.INSTRUCTION, events.PY_RETURN, events.PY_UNWIND, events.PY_START)
_OF_SUSPENDING = (events.PY_YIELD, events.PY_RESUME, events.PY_THROW)  # for generators and coroutines too
_OF_EXCEPTIONS = events.PY_THROW | events.PY_UNWIND  # not local on all versions: see `_exceptions_are_local`

TOOL_NAME = "tracefunc"
TOOL_IDS = (4, 3, 2, 1, 5, 0)  # 0, 1, 2 and 5 have customary owners: taken only when 4 and 3 are in use


def _take_tool_id() -> int:
    for tool_id in TOOL_IDS:
        if monitoring.get_tool(tool_id) is None:
            try:
                monitoring.use_tool_id(tool_id, TOOL_NAME)
            except ValueError:  # another thread was quicker
                continue
            return tool_id
    owners = ", ".join(f"{i}: {monitoring.get_tool(i)}" for i in sorted(TOOL_IDS))
    raise RuntimeError(
        f"tracefunc could not acquire a sys.monitoring tool id, all are taken ({owners}). Stop one of these tools."
    )


def _do_nothing(code: CodeType, line: int) -> None:
    return None


class _Armed:
    """A code object with our events on, and the recorders that want them."""

    __slots__ = ("code", "recorders", "starts")

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.recorders: tuple[Recorder, ...] = ()
        self.starts: set[int] = set()  # the addresses of the recorders for which it is the target's

    def events(self) -> int:
        """Return the events that are wanted: of a target whose calls are waited for, only their start."""
        if any(not recorder.wants_only_starts for recorder in self.recorders):
            return sum(_ALWAYS)
        return events.PY_START if self.starts else 0


class Monitor:
    """All running traces of the process, which share one tool id."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.tool_id = -1
        self.recorders: tuple[Recorder, ...] = ()
        self.armed: dict[int, _Armed] = {}
        self.lines = False  # whether LINE is armed too
        self._local_exceptions: bool | None = None  # None: not tried yet

    def add(self, recorders: Iterable[Recorder]) -> None:
        """Deliver events to `recorders` until they are removed. They have to be removed even if this method fails.

        Raises RuntimeError when all tool ids are taken, ValueError when a code object cannot be monitored.
        """
        with self.lock:
            if not self.recorders:
                self.tool_id = _take_tool_id()
            self.recorders = (*self.recorders, *recorders)
            for recorder in recorders:
                for i, code in enumerate(recorder.code_objects()):
                    entry = self.armed.setdefault(id(code), _Armed(code))
                    entry.recorders = (*entry.recorders, recorder)
                    if i == 0:
                        entry.starts.add(id(recorder))
            self._listen()
            for recorder in recorders:
                # The target last: other threads may call it right now.
                for code in reversed(recorder.code_objects()):
                    self._arm(code)

    def remove(self, recorder: Recorder) -> None:
        """Stop delivering events to `recorder`; harmless when it was removed already."""
        with self.lock:
            if recorder not in self.recorders:
                return
            self.recorders = tuple(r for r in self.recorders if r is not recorder)
            for code in recorder.code_objects():
                entry = self.armed.get(id(code))
                if entry is None:
                    continue
                entry.recorders = tuple(r for r in entry.recorders if r is not recorder)
                entry.starts.discard(id(recorder))
                if not entry.recorders:
                    del self.armed[id(code)]
                    monitoring.set_local_events(self.tool_id, code, 0)
            recorder.disarmed()
            if self.recorders:
                self._listen()
            else:
                self._release()

    def notice_other_tools(self) -> None:
        """Arm LINE too once another tool is there."""
        if self.lines or list(map(monitoring.get_tool, TOOL_IDS)).count(None) == len(TOOL_IDS) - 1:
            return
        with self.lock:
            if not self.recorders:  # another thread has ended the last trace
                return
            self.lines = True
            monitoring.register_callback(self.tool_id, events.LINE, _do_nothing)
            for entry in self.armed.values():
                self._arm(entry.code)

    @property
    def notice(self) -> Callable[[], None] | None:
        """What a recorder calls now and then, where another tool's answers would cost us events; else None."""
        return self.notice_other_tools if LINE_SWALLOWS_INSTRUCTION else None

    def rebind(self) -> None:
        """Register the callback of INSTRUCTION again, since a recorder has changed it."""
        with self.lock:
            if self.recorders:
                self._register(events.INSTRUCTION)

    def rearm(self, code: CodeType) -> None:
        """Bring back the disabled offsets of `code`."""
        with self.lock:
            if id(code) in self.armed:
                self._arm(code)

    # helpers, all called with the lock held

    def _listen(self) -> None:
        """Register the callbacks, of the only recorder or shared by several, before any event is armed."""
        if LINE_SWALLOWS_INSTRUCTION:
            self.notice_other_tools()
        suspends = any(code.co_flags & SUSPENDING for recorder in self.recorders for code in recorder.code_objects())
        for event in (*_OF_SUSPENDING, *_ALWAYS) if suspends else _ALWAYS:  # the start of a frame last
            self._register(event)
        if self.lines:
            monitoring.register_callback(self.tool_id, events.LINE, _do_nothing)

    def _register(self, event: int) -> None:
        name = _CALLBACKS[event]
        if len(self.recorders) == 1:
            callback = getattr(self.recorders[0], name, None)
        else:
            callback = engine.engine.share({address: entry.recorders for address, entry in self.armed.items()}, name)
        monitoring.register_callback(self.tool_id, event, callback)

    def _wanted(self, event: int) -> int:
        """Return `event`, or 0 if no recorder wants it."""
        return event if any(hasattr(recorder, _CALLBACKS[event]) for recorder in self.recorders) else 0

    def _arm(self, code: CodeType) -> None:
        """Arm our events on `code` and nowhere else, at disabled offsets too."""
        mask = self.armed[id(code)].events()
        if code.co_flags & SUSPENDING and mask == sum(_ALWAYS):
            for event in _OF_SUSPENDING:
                mask |= self._wanted(event)
        if self.lines and mask:
            mask |= events.LINE
        if not self._exceptions_are_local():
            monitoring.set_events(self.tool_id, monitoring.get_events(self.tool_id) | mask & _OF_EXCEPTIONS)
            mask &= ~_OF_EXCEPTIONS
        try:
            if FREE_THREADED:  # nothing that may be wanted again is disabled, and other threads would miss events
                monitoring.set_local_events(self.tool_id, code, mask)
            else:
                # Only a change from no events brings disabled offsets back. Both calls are made from C, so that no
                # other thread runs in between and misses events.
                list(map(monitoring.set_local_events, (self.tool_id,) * 2, (code, code), (0, mask)))
        except SystemError as error:
            raise ValueError(f"{code.co_qualname!r} cannot be monitored: it is not Python code ({error}).") from error

    def _exceptions_are_local(self) -> bool:
        """Return whether the events of exceptions can be armed for one code object: 3.15 and later.

        It is tried, not derived from the version: an interpreter on which it fails would refuse all of our events.
        """
        if self._local_exceptions is None:
            try:
                monitoring.set_local_events(self.tool_id, _do_nothing.__code__, _OF_EXCEPTIONS)
            except ValueError:
                self._local_exceptions = False
            else:
                self._local_exceptions = True
                monitoring.set_local_events(self.tool_id, _do_nothing.__code__, 0)
        return self._local_exceptions

    def _release(self) -> None:
        """Give the tool id back, with nothing armed and no callback registered."""
        if FREED_TOOL_ID_STAYS_LIVE:
            monitoring.set_events(self.tool_id, 0)
            for event in (*_CALLBACKS, events.LINE):
                monitoring.register_callback(self.tool_id, event, None)
        monitoring.free_tool_id(self.tool_id)
        self.tool_id = -1
        self.lines = False


monitor = Monitor()
