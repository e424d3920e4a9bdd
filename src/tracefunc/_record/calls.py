"""The calls of a trace's targets: which of them are recorded, and how many there are."""

from __future__ import annotations

from _thread import RLock, get_ident

from .._forks import held_over_forks
from .._interpreter import ASYNCHRONOUS

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Any

    from .._plan.target_plan import Plan
    from .._plan.when import Condition
    from .call_options import CallOptions
    from .contexts import Scope
    from .interfaces import CallLog

_MOST_WARNINGS = 10
_MOST_TRIES = 100  # calls of a target that other threads make once no more are recorded

_lock = RLock()  # of the numbers of all traces, held for a few steps
held_over_forks(_lock)


class Calls:
    """The calls of one trace, of all its targets: which are recorded, and how many there are."""

    def __init__(
        self, plans: Sequence[Plan], conditions: Sequence[Condition | None], options: CallOptions, log: CallLog
    ) -> None:
        """`conditions`: for each plan, which calls are recorded; `log`: what keeps those that are."""
        self.plans = plans
        self.conditions = conditions
        self.log = log
        self.describe = options.describe  # for the recorders
        self._seen = 0  # calls, without those that the log has started by itself
        self.called = [False] * len(plans)  # by target
        # By target: how many more calls are looked at once it is full, to know whether there are any.
        self._tries = [0 if log.full else _MOST_TRIES] * len(plans)
        self.warnings: list[str] = []
        self.failed = False  # whether an error of ours has ended the recording; at first, that is all that is noted
        self._failure = ""  # what is known of it
        self.switched = False  # whether another greenlet went on while a value was described
        self._unended: frozenset[int] = frozenset()  # the calls that had not ended by then
        self._started: range = range(0)  # and those that had started
        self.chooses = options.one_thread or any(conditions)
        self.thread = get_ident() if options.one_thread else 0  # the only one whose calls are recorded
        self.on_full: Callable[[], None] = _do_nothing
        self._on_failure: Callable[[], None] = _do_nothing
        self._passed: dict[int, Scope] = {}  # of calls that are not recorded, by the address of the target's frame

    @property
    def seen(self) -> int:
        """How many calls have started."""
        return self._seen + self.log.seen

    @property
    def full(self) -> bool:
        """Whether no call that starts will be recorded any more."""
        return self.log.full

    # the trace

    def begin(self, base: FrameType | None, on_full: Callable[[], None], on_failure: Callable[[], None]) -> None:
        """Start the trace: no call of ours is below the frame `base`.

        `on_full` is called once `full` is set, `on_failure` when nothing more can be recorded.
        """
        self.log.base = 0 if base is None else id(base)  # a reference would keep what the frame holds alive
        self.on_full, self._on_failure = on_full, on_failure
        self.log.contexts.begin()

    def end(self) -> None:
        """End the trace, and remove it from this context."""
        self.log.base = 0
        # They refer to these calls: nothing waits for the garbage collector.
        self.on_full = self._on_failure = _do_nothing
        self.log.contexts.end()

    # errors of ours

    def give_up(self, error: Exception, spoiled: int) -> None:
        """End the recording for an error that a callback has raised: it must not reach the program.

        `spoiled` is the number of the call in which it happened, or -1; that is left out of the results. Where this
        fails as well, it is done again with the next event, and no call is left in the results.
        """
        again, self.failed, self.log.full = self.failed, True, True
        self._on_failure()
        if not self.switched:
            self._failure = f"an error in tracefunc: {type(error).__name__}{_place(error)}: the recording was ended"
            starting = {*self.log.starting, spoiled}
            self._leave_out(_all if again else starting.__contains__)

    def note_switch(self) -> None:
        """Note that another greenlet goes on while a value is described."""
        if not self.switched:
            self.switched = True
            self._unended, self._started = self.log.unended(), self.log.numbers()

    def failure(self) -> list[str]:
        """Return a warning if the recording was ended by an error of ours, or by a repr that switched greenlets."""
        if self.switched:
            self._failure = (
                "the repr of a value let another greenlet go on, whose events are not reported then: the recording was "
                "ended (describe=safe_repr runs no code of the program)"
            )
            self._leave_out(lambda number: number in self._unended or number not in self._started)
        elif self.failed and not self._failure:
            self._failure = "an error in tracefunc: the recording was ended"
            self._leave_out(_all)
        return [self._failure] if self._failure else []

    def _leave_out(self, is_left_out: Callable[[int], bool]) -> None:
        """Keep only the recorded calls that are whole."""
        if lost := self.log.leave_out(is_left_out):
            self._failure += f", and {lost} of the recorded calls left out"

    # events of the targets' frames

    def open(self, target: int, frame: FrameType, chosen: bool | None = None, error: Exception | None = None) -> Any:
        """Start a call of a target in `frame`; return what the log keeps of it, None if it is not to be recorded.

        `chosen` is what `when` says of it, and `error` what it raised; None: it was not asked.
        """
        self.called[target] = True
        if self.full and chosen is None:
            self._count_without_recording(target, frame)
            self._pass(target, frame)
            return None
        with _lock:
            self._seen += 1
        if error is not None:
            self._cannot_choose(target, error)
        elif chosen is None and self.chooses:
            chosen = self._is_chosen(target, frame)
        if chosen is False or self.full:  # since it was asked
            self._pass(target, frame)
            return None
        call = self.log.start(target, frame)
        if call is None:
            self.come_too_late(target)
        elif self.log.full:  # now
            self.on_full()
        return call

    def come_too_late(self, target: int) -> None:
        """Note that a call was not recorded since others started meanwhile: there are more than those."""
        self._tries[target] = 0

    def add_refused(self, target: int, count: int) -> None:
        """Count calls of a target that a recorder has refused by itself."""
        if count:
            self._seen += count
            self.called[target] = True

    def leave(self, key: int) -> None:
        """End a call that is not recorded, and can be suspended."""
        scope = self._passed.pop(key, None)
        if scope is not None:
            self.log.contexts.leave(scope)

    def pass_over(self, target: int, frame: FrameType) -> bool:
        """Count a call that starts after the last one that is recorded; return whether the next one is counted, too.

        It is not after one that may have been recorded: then it is known that there are more, and listening ends.
        `when` is not asked any more.
        """
        with _lock:
            if not self._tries[target]:
                return False
            self._tries[target] -= 1
            self._seen += 1
        if not self.thread or get_ident() == self.thread:
            self._tries[target] = 0
        return self._tries[target] > 0

    def _count_without_recording(self, target: int, frame: FrameType) -> None:
        if self._tries[target]:
            self.pass_over(target, frame)
        else:
            with _lock:
                self._seen += 1

    def watches(self, target: int) -> bool:
        """Return whether it is of interest that another call of a target starts."""
        return self._tries[target] > 0 and not (self.failed or self.switched)

    @property
    def watched_to_the_end(self) -> bool:
        """Whether `seen` counts all calls."""
        return all(self._tries) and not (self.failed or self.switched)

    # helpers

    def _pass(self, target: int, frame: FrameType) -> None:
        """Do not record a call. Only what can be suspended needs a note of it: any other is on its callees' stack."""
        if frame.f_code.co_flags & ASYNCHRONOUS and not self.log.contexts.is_passed(target):
            self._passed[id(frame)] = self.log.contexts.enter(target, None)

    def _is_chosen(self, target: int, frame: FrameType) -> bool:
        if self.thread and get_ident() != self.thread:
            return False
        condition = self.conditions[target]
        if condition is None:
            return True
        try:
            return condition.holds(frame)
        except Exception as error:
            self._cannot_choose(target, error)
            return False

    def _cannot_choose(self, target: int, error: Exception) -> None:
        condition, name = self.conditions[target], self.plans[target].codes[0].code.co_qualname
        if condition is not None:
            self._warn(f"when raised {condition.error_text(error)}: that call of {name} is not recorded")

    def _warn(self, text: str) -> None:
        if text in self.warnings:
            return
        if len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(text)
        else:
            self.warnings[-1] = "more warnings of this kind are left out"


def _place(error: Exception) -> str:
    """Return where an error was raised, by the last entry of its traceback."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    if entry is None:
        return ""
    return f" at {entry.tb_frame.f_code.co_qualname}:{entry.tb_lineno}"


def _do_nothing() -> None:
    return None


def _all(number: int) -> bool:
    return True
