"""The only module that sets up `sys.monitoring`: takes a tool id, arms code objects, and gives everything back."""

from __future__ import annotations

import sys
from _thread import RLock
from _weakref import ref

from .._forks import after_forks, held_over_forks
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


_LATE = (
    "another tool that uses sys.monitoring started during the trace: on CPython 3.12 and 3.13, lines may lack hits "
    "from there on"
)

_SHARED = events.PY_START | events.INSTRUCTION | events.LINE  # with one event of each kind of table


def _take_free_id(name: str) -> int:
    """Take a tool id by that name; return -1 where all are taken."""
    for tool_id in TOOL_IDS:
        if monitoring.get_tool(tool_id) is None:
            try:
                monitoring.use_tool_id(tool_id, name)
            except ValueError:  # another thread was quicker
                continue
            return tool_id
    return -1


def _take_tool_id() -> int:
    for tool_id in TOOL_IDS:
        if monitoring.get_tool(tool_id) is TOOL_NAME:  # an interrupt came between taking it and noting that
            return tool_id
    if (taken := _take_free_id(TOOL_NAME)) >= 0:
        return taken
    owners = ", ".join(f"{i}: {monitoring.get_tool(i)}" for i in sorted(TOOL_IDS))
    raise RuntimeError(
        f"tracefunc could not acquire a sys.monitoring tool id, all are taken ({owners}). Stop one of these tools."
    )


def _others_are_there() -> bool:
    """Return whether another tool than ours has an id."""
    return list(map(monitoring.get_tool, TOOL_IDS)).count(None) < len(TOOL_IDS) - 1


def _do_nothing(code: CodeType, line: int) -> None:
    return None


def _set_local_events(tool_id: int, code: CodeType, *masks: int) -> None:
    """Arm `code` with each of some masks, without a step of the interpreter in between."""
    try:
        list(map(monitoring.set_local_events, (tool_id,) * len(masks), (code,) * len(masks), masks))
    except SystemError as error:
        raise ValueError(f"{code.co_qualname!r} cannot be monitored: it is not Python code ({error}).") from error


def _forget(known: dict[int, ref[CodeType]], address: int) -> Callable[[ref[CodeType]], None]:
    """Return what is called when the code object at `address` has died; another one may be there by then."""

    def forget(dead: ref[CodeType]) -> None:
        if known.get(address) is dead:
            del known[address]

    return forget


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
        self.armings = 0  # how often a code object was armed, so far
        self.lines = False  # whether LINE is armed too
        self.warnings: dict[str, None] = {}  # what has gone wrong since the first of the running traces started
        self._prepared: dict[int, ref[CodeType]] = {}  # the code objects that other tools can share, by address
        self._local_exceptions: bool | None = None  # None: not tried yet

    def add(self, recorders: Iterable[Recorder]) -> None:
        """Deliver events to `recorders` until they are removed. They have to be removed even if this method fails.

        Raises RuntimeError when all tool ids are taken, ValueError when a code object cannot be monitored.
        """
        with self.lock:
            if not self.recorders:
                self.warnings = {}
                self.tool_id = _take_tool_id()
            self.recorders = (*self.recorders, *recorders)
            for recorder in recorders:
                for i, code in enumerate(recorder.code_objects()):
                    entry = self.armed.setdefault(id(code), _Armed(code))
                    entry.recorders = (*entry.recorders, recorder)
                    if i == 0:
                        entry.starts.add(id(recorder))
            self._listen()
            self._let_others_share([code for recorder in recorders for code in recorder.code_objects()])
            for recorder in recorders:
                # The target last: other threads may call it right now.
                for code in reversed(recorder.code_objects()):
                    self._arm(code)

    def remove(self, recorder: Recorder) -> None:
        """Stop delivering events to `recorder`; harmless when it was removed already.

        An interrupt may end this method at any point: called again, it does the rest.
        """
        recorder.end()  # without the lock: callbacks in other threads may need it
        with self.lock:
            if any(known is recorder for known in self.recorders):
                for code in recorder.code_objects():
                    self._disarm(code, recorder)
                self.recorders = tuple(r for r in self.recorders if r is not recorder)
                if LINE_SWALLOWS_INSTRUCTION and not self.lines and _others_are_there():
                    self.warnings[_LATE] = None
                if self.recorders:
                    self._listen()
            if not self.recorders and self.tool_id >= 0:
                self._release()

    def _disarm(self, code: CodeType, recorder: Recorder) -> None:
        """Take `code` from a recorder; if no other one wants it, arm nothing there any more."""
        entry = self.armed.get(id(code))
        if entry is None:
            return
        entry.recorders = tuple(r for r in entry.recorders if r is not recorder)
        entry.starts.discard(id(recorder))
        if not entry.recorders:
            if self._holds_id():
                monitoring.set_local_events(self.tool_id, code, 0)
            del self.armed[id(code)]

    def notice_other_tools(self, within_call: bool = False) -> None:
        """Arm LINE too once another tool is there, whose events may have cost us some if it started `within_call`."""
        if self.lines or not _others_are_there():
            return
        with self.lock:
            if not self.recorders or not self._holds_id():  # another thread has ended the last trace
                return
            if within_call:
                self.warnings[_LATE] = None
            self.lines = True
            monitoring.register_callback(self.tool_id, events.LINE, _do_nothing)
            for entry in self.armed.values():
                self._arm(entry.code)

    @property
    def notice(self) -> Callable[[bool], None] | None:
        """What a recorder calls now and then, where another tool's answers would cost us events; else None."""
        return self.notice_other_tools if LINE_SWALLOWS_INSTRUCTION else None

    def rebind(self) -> None:
        """Register the callback of INSTRUCTION again, since a recorder has changed it."""
        with self.lock:
            if self.recorders and self._holds_id():
                self._register(events.INSTRUCTION)

    def rearm(self, code: CodeType) -> None:
        """Bring back the disabled offsets of `code`."""
        with self.lock:
            if id(code) in self.armed and self._holds_id():
                self._arm(code)

    def renew_locks(self) -> None:
        """Let go, in a forked child, of what other threads held of the recorders: they are not there any more."""
        for recorder in self.recorders:
            recorder.renew_lock()

    # helpers, all called with the lock held

    def _holds_id(self) -> bool:
        """Return whether our tool id is still ours: the program can free it, and another tool take it."""
        if self.tool_id >= 0 and monitoring.get_tool(self.tool_id) is TOOL_NAME:
            return True
        self.warnings["the program freed the tool id of tracefunc: what ran afterwards is not recorded"] = None
        return False

    def _listen(self) -> None:
        """Register the callbacks, of the only recorder or shared by several, before any event is armed."""
        if not self._holds_id():
            return
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
        self.armings += 1
        if code.co_flags & SUSPENDING and mask == sum(_ALWAYS):
            for event in _OF_SUSPENDING:
                mask |= self._wanted(event)
        if self.lines and mask:
            mask |= events.LINE
        if not self._exceptions_are_local():
            monitoring.set_events(self.tool_id, monitoring.get_events(self.tool_id) | mask & _OF_EXCEPTIONS)
            mask &= ~_OF_EXCEPTIONS
        if FREE_THREADED:  # nothing that may be wanted again is disabled, and other threads would miss events
            _set_local_events(self.tool_id, code, mask)
        else:
            # Only a change from no events brings disabled offsets back. Both calls are made from C, so that no other
            # thread runs in between and misses events.
            _set_local_events(self.tool_id, code, 0, mask)

    def _let_others_share(self, codes: list[CodeType]) -> None:
        """Have the interpreter make its tables of the tools that listen at each instruction of some code objects.

        It makes them when a second tool shares an event with the first one, empty, and the first one's events are lost
        from then on (github.com/python/cpython/issues/157900). So a second tool of ours, which is gone at once, shares
        events with us before anything is recorded. The tables live as long as the code object.
        """
        codes = [code for code in codes if (known := self._prepared.get(id(code))) is None or known() is not code]
        second = _take_free_id(f"{TOOL_NAME}, second") if codes else -1
        if not codes or second < 0:
            if codes:
                self.warnings["all tool ids are taken: if another tool starts, hits may be lost from then on"] = None
            return
        try:
            for code in codes:
                for tool_id, mask in ((second, _SHARED), (self.tool_id, _SHARED), (second, 0), (self.tool_id, 0)):
                    _set_local_events(tool_id, code, mask)
                self._prepared[id(code)] = ref(code, _forget(self._prepared, id(code)))
        finally:
            monitoring.free_tool_id(second)

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
        if self._holds_id():
            if FREED_TOOL_ID_STAYS_LIVE:
                monitoring.set_events(self.tool_id, 0)
                for event in (*_CALLBACKS, events.LINE):
                    monitoring.register_callback(self.tool_id, event, None)
            monitoring.free_tool_id(self.tool_id)
        self.tool_id = -1
        self.lines = False


monitor = Monitor()
held_over_forks(monitor.lock)
after_forks(monitor.renew_locks)
