"""The calls of a trace's targets: which of them are recorded, and their numbers."""

from __future__ import annotations

from _thread import RLock, get_ident
from itertools import count
from time import perf_counter

from .._forks import held_over_forks
from .._interpreter import ASYNCHRONOUS, GENERATOR
from .._plan.markers import NOTHING
from .call_info import CallInfo
from .call_values import CallValues
from .contexts import Contexts
from .thread_names import task_name, thread_name

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

    from .._plan.target_plan import Plan
    from .._plan.when import Condition
    from .call_info import CallOptions
    from .contexts import Scope

_MOST_WARNINGS = 10
_MOST_TRIES = 100  # calls of a target that other threads make once no more are recorded

_lock = RLock()  # of the calls of all traces, held for a few steps
held_over_forks(_lock)


class Calls:
    """The calls of one trace, of all its targets: chosen and numbered when they start."""

    def __init__(
        self,
        plans: Sequence[Plan],
        conditions: Sequence[Condition | None],
        options: CallOptions,
        stack_of: Callable[[FrameType], str],
    ) -> None:
        """`conditions`: for each plan, which calls are recorded; `stack_of` returns the text of a call's stack."""
        self.plans = plans
        self.conditions = conditions
        self.stack_of = stack_of
        self.describe = options.describe  # for the recorders
        self.moments = count()  # of the starts and ends of calls, and of samples
        self.kept: list[CallInfo] = []
        self.seen = 0
        self.called = [False] * len(plans)  # by target
        self.full = options.calls.most == 0  # whether no call that starts will be recorded any more
        # By target: how many more calls are looked at once it is full, to know whether there are any.
        self._tries = [0 if self.full else _MOST_TRIES] * len(plans)
        self.base = 0  # the address of the frame that runs `fn`: none of our calls is below it
        self.warnings: list[str] = []
        self.failed = False  # whether an error of ours has ended the recording; at first, that is all that is noted
        self._failure = ""  # what is known of it
        self.switched = False  # whether another greenlet went on while a value was described
        self._ended_before: list[CallInfo] = []  # the calls that had ended by then
        self.chooses = options.one_thread or any(conditions)
        self._limit, self._samples = options.calls, options.yields.most  # as many as samples of a line
        self._values = CallValues(plans, options.outline, options.yields, options.redaction)
        self.thread = get_ident() if options.one_thread else 0  # the only one whose calls are recorded
        self._on_full: Callable[[], None] = _do_nothing
        self._on_failure: Callable[[], None] = _do_nothing
        self._contexts = Contexts()
        # These run at any depth of the program's stack, so no frame of ours is between them and the recorder.
        self.around = self._contexts.call_around  # which call of a target runs, by the context
        self.give = self._values.add_yielded  # what a recorded generator yields
        self.sample_error = self._values.raised  # what has ended a hit, or a call
        self._running: dict[int, CallInfo] = {}  # by the address of the target's frame
        self._passed: dict[int, Scope] = {}  # of calls that are not recorded, likewise

    # the trace

    def begin(self, base: FrameType | None, on_full: Callable[[], None], on_failure: Callable[[], None]) -> None:
        """Start the trace: no call of ours is below the frame `base`.

        `on_full` is called once `full` is set, `on_failure` when nothing more can be recorded.
        """
        self.base = 0 if base is None else id(base)  # a reference would keep what the frame holds alive
        self._on_full, self._on_failure = on_full, on_failure

    def end(self) -> None:
        """End the trace, and remove it from this context."""
        self.base = 0
        # They refer to these calls: nothing waits for the garbage collector.
        self._on_full = self._on_failure = _do_nothing
        self._contexts.end()

    # errors of ours

    def give_up(self, error: Exception, spoiled: object) -> None:
        """End the recording for an error that a callback has raised: it must not reach the program.

        `spoiled` is what the recorder keeps of the call in which it happened, which is left out of the results. Where
        this fails as well, it is done again with the next event, and no call is left in the results.
        """
        again, self.failed, self.full = self.failed, True, True
        self._on_failure()
        if not self.switched:
            whole = [] if again else [info for info in self.kept if info.raw is not None and info.raw is not spoiled]
            self._failure = f"an error in tracefunc: {type(error).__name__}{_place(error)}: the recording was ended"
            self._leave_out(whole)

    def note_switch(self) -> None:
        """Note that another greenlet goes on while a value is described."""
        if not self.switched:
            self.switched = True
            self._ended_before = [info for info in self.kept if info.seconds is not None]

    def failure(self) -> list[str]:
        """Return a warning if the recording was ended by an error of ours, or by a repr that switched greenlets."""
        if self.switched:
            self._failure = (
                "the repr of a value let another greenlet go on, whose events are not reported then: the recording was "
                "ended (describe=safe_repr runs no code of the program)"
            )
            ended = set(map(id, self._ended_before))
            self._leave_out([info for info in self.kept if id(info) in ended])
        elif self.failed and not self._failure:
            self._failure = "an error in tracefunc: the recording was ended"
            self._leave_out([])
        return [self._failure] if self._failure else []

    def _leave_out(self, whole: list[CallInfo]) -> None:
        """Keep only the recorded calls that are whole."""
        if lost := len(self.kept) - len(whole):
            self._failure += f", and {lost} of the recorded calls left out"
        self.kept = whole

    # events of the targets' frames

    def open(
        self, target: int, frame: FrameType, chosen: bool | None = None, error: Exception | None = None
    ) -> CallInfo | None:
        """Start a call of a target in `frame`; return None if it is not to be recorded.

        `chosen` is what `when` says of it, and `error` what it raised; None: it was not asked.
        """
        self.called[target] = True
        if self.full and chosen is None:
            self._count_without_recording(target, frame)
            self._pass(target, frame)
            return None
        with _lock:
            self.seen += 1
        if error is not None:
            self._cannot_choose(target, error)
        elif chosen is None and self.chooses:
            chosen = self._is_chosen(target, frame)
        if chosen is False or self.full:  # since it was asked
            self._pass(target, frame)
            return None
        info = CallInfo(target, self.stack_of(frame))
        self._find_parent(info, frame)
        info.arguments = self._values.arguments(target, frame)
        info.thread, info.task = thread_name(), task_name()
        if frame.f_code.co_flags & (GENERATOR | ASYNCHRONOUS) != GENERATOR:  # which shares its consumer's context
            info.scope = self._contexts.enter(target, info)  # before it is kept: no stack may be left for this
        info.began = next(self.moments)
        if not self._keep(info):
            self._tries[target] = 0
            self.forget(info, id(frame))
            return None
        self._running[id(frame)] = info
        if self.full:  # now
            self._on_full()  # type: ignore[unreachable]
        info.started = perf_counter()
        return info

    def add_refused(self, target: int, count: int) -> None:
        """Count calls of a target that a recorder has refused by itself."""
        if count:
            self.seen += count
            self.called[target] = True

    def close(self, info: CallInfo, key: int, where: int, value: object, error: BaseException | None) -> None:
        """End a recorded call, whose frame has the address `key`, with a value, or with an exception.

        `where`: the offset at which the exception was raised, or else the state that was under way.
        """
        info.where = where
        info.seconds = perf_counter() - info.started
        info.ended = next(self.moments)
        self.forget(info, key)
        if error is None:
            info.returned = self._values.returned(info.target, value, where)
        else:
            info.raised = self._values.raised(info.target, error)

    def forget(self, info: CallInfo, key: int) -> None:
        """Forget the frame of a recorded call, with the address `key`: it is gone."""
        if self._running.get(key) is info:
            del self._running[key]
        if info.scope is not None:
            self._contexts.leave(info.scope)
            info.scope = None

    def leave(self, key: int) -> None:
        """End a call that is not recorded, and can be suspended."""
        scope = self._passed.pop(key, None)
        if scope is not None:
            self._contexts.leave(scope)

    def pass_over(self, target: int, frame: FrameType) -> bool:
        """Count a call that starts after the last one that is recorded; return whether the next one is counted, too.

        It is not after one that may have been recorded: then it is known that there are more, and listening ends.
        `when` is not asked any more.
        """
        with _lock:
            if not self._tries[target]:
                return False
            self._tries[target] -= 1
            self.seen += 1
        if not self.thread or get_ident() == self.thread:
            self._tries[target] = 0
        return self._tries[target] > 0

    def _count_without_recording(self, target: int, frame: FrameType) -> None:
        if self._tries[target]:
            self.pass_over(target, frame)
        else:
            with _lock:
                self.seen += 1

    def watches(self, target: int) -> bool:
        """Return whether it is of interest that another call of a target starts."""
        return self._tries[target] > 0 and not (self.failed or self.switched)

    @property
    def watched_to_the_end(self) -> bool:
        """Whether `seen` counts all calls."""
        return all(self._tries) and not (self.failed or self.switched)

    def is_starting(self, target: int) -> bool:
        """Return whether a call was opened that its recorder does not know yet."""
        return any(info.raw is None and info.target == target for info in list(self.kept))

    # helpers

    def _keep(self, info: CallInfo) -> bool:
        """Number a call and keep it, in place of another one if there are too many; return False if it is not kept."""
        dropped = None
        with _lock:
            if self._limit.surplus < 0 and len(self.kept) >= self._limit.most:
                return False  # another thread was quicker
            info.number = self.kept[-1].number + 1 if self.kept else 0
            self.kept.append(info)
            if self._limit.surplus < 0:
                self.full = len(self.kept) == self._limit.most
            elif len(self.kept) > self._limit.most:
                dropped = self.kept.pop(self._limit.surplus)
        if dropped is not None and dropped.raw is not None:
            dropped.raw.dropped = True
            dropped.raw = None
        return True

    def _pass(self, target: int, frame: FrameType) -> None:
        """Do not record a call. Only what can be suspended needs a note of it: any other is on its callees' stack."""
        if frame.f_code.co_flags & ASYNCHRONOUS and not self._contexts.is_passed(target):
            self._passed[id(frame)] = self._contexts.enter(target, None)

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

    def _find_parent(self, info: CallInfo, frame: FrameType) -> None:
        """Find the recorded call that `frame` was called in, by the stack or the context, and the line that called it.

        That line is not known where only the context tells of the call: it waits elsewhere, or runs in another thread.
        """
        above, between = frame.f_back, []
        while above is not None and id(above) != self.base:
            between.append(above)
            found = self._running.get(id(above))
            if found is not None and above.f_code is self.plans[found.target].codes[0].code:
                info.parent, info.parent_line = found.number, self._calling_line(found, between)
                return
            above = above.f_back
        found = self._contexts.innermost()
        if found is not None:
            info.parent = found.number

    def _calling_line(self, parent: CallInfo, frames: Iterable[FrameType]) -> tuple[int, int | None] | None:
        """Return the line of a call that is under way in the innermost frame of it, and how many hits it has had.

        These are as many as there are samples, until those are full.
        """
        code_plans = self.plans[parent.target].by_code
        for frame in frames:
            code_plan = code_plans.get(id(frame.f_code))
            if code_plan is not None:
                line = code_plan.raising_lines.get(frame.f_lasti, NOTHING)
                if line == NOTHING:
                    return None
                hits = self._samples if parent.raw is None else parent.raw.sampled(line)
                return line, hits if hits < self._samples else None
        return None


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
