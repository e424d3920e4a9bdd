"""The calls of a trace's targets: which of them are recorded, and what is known of each besides its lines."""

from __future__ import annotations

import sys
from _contextvars import ContextVar
from _thread import allocate_lock, get_ident
from time import perf_counter

from .._interpreter import ASYNC_GENERATOR, ASYNCHRONOUS, GENERATOR
from .._values.sample import REDACTED_SAMPLE, UNAVAILABLE, sample

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextvars import Token
    from types import FrameType
    from typing import Any

    from .._plan.target_plan import Plan
    from .._plan.when import Condition
    from .._values.sample import Sample
    from ..core.options import Options

_MOST_WARNINGS = 10


class CallInfo:
    """What is known of a recorded call besides its lines."""

    __slots__ = (
        "arguments",
        "ended_at",
        "number",
        "parent",
        "raised",
        "raw",
        "returned",
        "seconds",
        "stack",
        "started",
        "target",
        "task",
        "thread",
        "token",
        "yielded",
    )

    def __init__(self, target: int, stack: str, parent: int) -> None:
        self.number = -1  # in the order in which calls start
        self.target = target  # the number of its plan
        self.stack = stack
        self.parent = parent  # the number of the call that it runs in, or -1
        self.arguments: dict[str, Sample] = {}
        self.returned: Sample | None = None
        self.raised: Sample | None = None
        self.yielded: list[Sample] = []
        self.ended_at: int | None = None  # the line that returned or raised
        self.thread = ""
        self.task: str | None = None
        self.started = 0.0
        self.seconds: float | None = None  # None: it has not ended
        self.token: Token[_Scope | None] | None = None  # takes back what its start did to the context
        self.raw: Any = None  # what its recorder keeps of it


class _Scope:
    """What a context says: the call that its code runs in, and the scope around that call."""

    __slots__ = ("around", "info", "target", "trace")

    def __init__(self, trace: object, target: int, info: CallInfo | None, around: _Scope | None) -> None:
        self.trace = trace  # its key: a context may live longer than the trace
        self.target = target
        self.info = info  # None: the call is not recorded
        self.around = around


_scope: ContextVar[_Scope | None] = ContextVar("tracefunc", default=None)


class Calls:
    """The calls of one trace, whatever their targets: chosen and numbered when they start."""

    def __init__(
        self,
        plans: Sequence[Plan],
        conditions: Sequence[Condition | None],
        options: Options,
        stack_of: Callable[[FrameType], str],
    ) -> None:
        self.plans = plans
        self.describe = options.describer()
        # A repr of the program's own may change what it does, so none is called but for samples of lines.
        self._outline = options.outliner()
        self.stack_of = stack_of
        self.kept: list[CallInfo] = []
        self.seen = 0
        self.full = options.max_calls == 0  # nothing more will be recorded
        self.closing: Callable[[], None] = _nothing  # called once that is so
        self.base: FrameType | None = None  # the frame that runs `fn`: no call of ours lies below it
        self.warnings: list[str] = []
        self.chooses = options.when is not None or options.threads == "current"
        self._calls = options.limit(options.max_calls)
        self._values = options.limit(options.max_samples)  # that a generator yields
        self.conditions = conditions
        self._secret = [options.redacts(plan.codes[0].code.co_name) for plan in plans]
        self._thread = get_ident() if options.threads == "current" else 0
        self._lock = allocate_lock()
        self._key = object()
        self._running: dict[int, CallInfo] = {}  # by the address of the target's frame
        self._passed: dict[int, Token[_Scope | None]] = {}  # calls that are not recorded, likewise

    # events of the targets' frames

    def open(self, target: int, frame: FrameType) -> CallInfo | None:
        """A call of a target starts in `frame`; returns None if it is not to be recorded."""
        with self._lock:
            self.seen += 1
        if self.full or (self.chooses and not self._is_chosen(target, frame)):
            self._pass(target, frame)
            return None
        info = CallInfo(target, self.stack_of(frame), self._parent(frame))
        for reader in self.plans[target].parameters:
            info.arguments[reader.name] = sample(frame, reader, self._outline)
        info.thread, info.task = _thread_name(), _task_name()
        dropped = None
        with self._lock:
            if self._calls.surplus < 0 and len(self.kept) >= self._calls.most:
                return None  # another thread was quicker
            info.number = self.kept[-1].number + 1 if self.kept else 0
            self.kept.append(info)
            if self._calls.surplus < 0:
                self.full = len(self.kept) == self._calls.most
            elif len(self.kept) > self._calls.most:
                dropped = self.kept.pop(self._calls.surplus)
        if dropped is not None and dropped.raw is not None:
            dropped.raw.dropped = True
            dropped.raw = None
        self._running[id(frame)] = info
        if frame.f_code.co_flags & (GENERATOR | ASYNCHRONOUS) != GENERATOR:  # which shares a context with its consumer
            info.token = _scope.set(_Scope(self._key, target, info, _scope.get()))
        if self.full:
            self.closing()
        info.started = perf_counter()
        return info

    def close(self, info: CallInfo, key: int, line: int, raised: bool, value: object) -> None:
        """A recorded call, whose frame has the address `key`, ends with a value, or an exception if it `raised`.

        `line`: the number of the line that was under way, negative if none was.
        """
        info.ended_at = line if line >= 0 else None
        info.seconds = perf_counter() - info.started
        self.forget(info, key)
        shown = self._shown(info, value)
        if raised:
            info.raised = shown
        else:
            info.returned = shown

    def forget(self, info: CallInfo, key: int) -> None:
        """The frame of a recorded call is gone."""
        if self._running.get(key) is info:
            del self._running[key]
        if info.token is not None:
            _take_back(info.token)
            info.token = None

    def give(self, info: CallInfo, value: object) -> bool:
        """A recorded generator yields a value; returns whether it has to tell of the next one too."""
        if self.plans[info.target].codes[0].code.co_flags & ASYNC_GENERATOR:
            if type(value).__name__ != "async_generator_wrapped_value":
                return True  # an `await` in it
            value = _unwrapped(value)
        if self._values.most == 0:
            return False
        info.yielded.append(self._shown(info, value))
        if self._values.surplus < 0:
            return len(info.yielded) < self._values.most
        if len(info.yielded) > self._values.most:
            del info.yielded[self._values.surplus]
        return True

    def leave(self, key: int) -> None:
        """A call that is not recorded, and can be suspended, ends."""
        token = self._passed.pop(key, None)
        if token is not None:
            _take_back(token)

    def around(self, target: int) -> tuple[bool, Any]:
        """Whether the context tells which call of `target` nested code runs in, and what its recorder keeps of it."""
        scope = _scope.get()
        while scope is not None:
            if scope.trace is self._key and scope.target == target:
                if scope.info is None:
                    return True, None
                if scope.info.token is not None:  # it has not ended
                    return True, scope.info.raw
            scope = scope.around
        return False, None

    def end(self) -> None:
        """The trace has ended: this context shall know nothing of it any more."""
        scope = found = _scope.get()
        while scope is not None and scope.trace is self._key:
            scope = scope.around
        if scope is not found:
            _scope.set(scope)

    def is_starting(self, target: int) -> bool:
        """Whether a call was opened that its recorder does not have yet."""
        return any(info.raw is None and info.target == target for info in list(self.kept))

    # helpers

    def _pass(self, target: int, frame: FrameType) -> None:
        if frame.f_code.co_flags & ASYNCHRONOUS:  # the others are on the stack of what they call
            self._passed[id(frame)] = _scope.set(_Scope(self._key, target, None, _scope.get()))

    def _is_chosen(self, target: int, frame: FrameType) -> bool:
        if self._thread and get_ident() != self._thread:
            return False
        condition = self.conditions[target]
        if condition is None:
            return True
        try:
            return condition.holds(frame)
        except Exception as error:
            self._warn(f"when raised {condition.told(error)}: that call of {frame.f_code.co_qualname} is not recorded")
            return False

    def _shown(self, info: CallInfo, value: object) -> Sample:
        """A sample of what a call gave."""
        if self._secret[info.target]:
            return REDACTED_SAMPLE
        try:
            return self._outline(value)
        except Exception:  # no stack left at the recursion limit
            return UNAVAILABLE

    def _warn(self, text: str) -> None:
        if text not in self.warnings and len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(text)

    def _parent(self, frame: FrameType) -> int:
        """The number of the recorded call that `frame` was called in, on the stack or by its context; or -1."""
        above = frame.f_back
        while above is not None and above is not self.base:
            info = self._running.get(id(above))
            if info is not None and above.f_code is self.plans[info.target].codes[0].code:
                return info.number
            above = above.f_back
        scope = _scope.get()
        while scope is not None:
            if scope.trace is self._key and scope.info is not None and scope.info.token is not None:
                return scope.info.number
            scope = scope.around
        return -1


def _nothing() -> None:
    return None


def _take_back(token: Token[_Scope | None]) -> None:
    try:
        _scope.reset(token)
    except (ValueError, RuntimeError):  # it ends in another context than it started in, which goes on without it
        pass


def _thread_name() -> str:
    threading = sys.modules.get("threading")  # where it was not imported, there is one thread
    if threading is None:
        return "MainThread"
    thread = threading._active.get(get_ident())  # current_thread() makes an object for a thread that has none
    return thread.name if thread is not None else f"Thread-{get_ident()}"


def _task_name() -> str | None:
    """The name of the task of asyncio or trio that runs."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        task = asyncio.current_task()
        return None if task is None else task.get_name()
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return str(trio.lowlevel.current_task().name)
        except RuntimeError:  # trio does not run in this thread
            pass
    return None


def _unwrapped(value: object) -> object:
    """What an async generator yields: the interpreter hands it on in an object whose only field it is."""
    from ctypes import py_object

    return py_object.from_address(id(value) + object.__basicsize__).value
