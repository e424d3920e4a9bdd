"""One trace: from functions and options, over events that are armed, to results."""

from __future__ import annotations

from _weakref import ref

from .._forks import importing
from .._record import engine as _engine
from .._record.call_options import CallOptions
from .._record.calls import Calls
from .._record.monitor import monitor
from .._record.stacks import Stacks
from .entries import add_entries
from .held import distinct
from .uncalled import uncalled

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType, FunctionType

    from .._plan.target_plan import Plan
    from .._record.interfaces import Recorder
    from .._values.redaction import Redaction
    from ..results import TraceResults
    from .options import Options
    from .targets import Target


class Session:
    """The functions that one trace records, armed between `start` and `stop`."""

    _armed = False  # whether events may be armed

    def __init__(self, targets: Sequence[Target], options: Options, anchor: CodeType | None) -> None:
        """`anchor`: the code at which stacks begin; None: the stacks are empty.

        Raises ValueError when there is no function whose source can be retrieved; those without are left out.
        """
        self._warnings: dict[str, None] = dict.fromkeys(note for target in targets for note in target.notes)
        self.options = options
        self.targets = targets
        functions, plans = self._plans()
        known = {id(function.__code__): i for i, function in enumerate(functions)}
        self._indices = [  # for each target, of its plans
            [known[id(f.__code__)] for f in target.functions if id(f.__code__) in known] for target in targets
        ]
        conditions = [options.condition(*both) for both in zip(functions, plans, strict=True)]
        if options.redaction is not None:
            plans = [plan.redacted(options.redaction.hides) for plan in plans]
        self._hides_result = options.redaction is not None and _may_return_secrets(plans, options.redaction, anchor)
        samples = options.limit(options.max_samples)
        self.engine = _engine.engine
        for_calls = _for_calls(options)
        self.log = self.engine.log(plans, for_calls, Stacks(anchor))
        self.calls = Calls(plans, conditions, for_calls, self.log)
        self.recorders = [self.engine.recorder(plan, self.calls, i, monitor, samples) for i, plan in enumerate(plans)]

    def _plans(self) -> tuple[list[FunctionType], list[Plan]]:
        """Return the functions that can be traced, each code once, and their plans."""
        plan_of = _planner()
        functions, plans = [], []
        first: ValueError | None = None
        for function in distinct(function for target in self.targets for function in target.functions):
            try:
                plans.append(plan_of(function))
            except ValueError as error:
                first = first or error
                self._warnings[f"not traced: {function.__qualname__}: {error}"] = None
            else:
                functions.append(function)
        if first is not None and not functions:
            raise first
        return functions, plans

    def start(self, base: FrameType | None = None) -> None:
        """Arm the events. No call of a target is below the frame `base`, if there is one.

        Raises RuntimeError when all tool ids are taken; `stop` has to be called all the same.
        """
        recorders = self.recorders

        def finish() -> None:
            """Disarm what is not needed any more, since no call that has not started will be recorded."""
            for recorder in recorders:
                recorder.finish()

        def give_up() -> None:
            """Record nothing from here on, as after the end of the trace."""
            for recorder in recorders:
                monitor.remove(recorder)
            for recorder in recorders:
                recorder.stop()

        # Nothing that is armed refers to the session: it has to die when an interrupt kept it from being stopped.
        self.calls.begin(base, finish, give_up)
        if not self.calls.full:
            self._armed = True
            _armed[id(self)] = ref(self, _forgetting(id(self), recorders))
            monitor.add(self.recorders)

    def stop(self) -> None:
        """Disarm the events; harmless when none is armed.

        An interrupt, or a lack of memory, can end this at any point. So it is done twice, where all that the first time
        has done costs next to nothing; and when the session dies, for an interrupt that came before (see `_armed`).
        """
        try:
            self._disarm()
        finally:
            self._disarm()

    def _disarm(self) -> None:
        if self._armed:
            for recorder in self.recorders:
                monitor.remove(recorder)
            self._warnings.update(monitor.warnings)
            self._armed = False
            _armed.pop(id(self), None)
        self.calls.end()

    def collect(self, results: TraceResults) -> None:
        """Put what was recorded into `results`, when all is over."""
        calls = self.calls
        for recorder in self.recorders:
            recorder.stop()
        results.engine = str(self.engine)
        results.calls, results.watched_to_the_end = calls.seen, calls.watched_to_the_end
        options = self.options
        results.limits = {name: getattr(options, name) for name in ("max_calls", "max_samples", "max_repr")}
        results.keep = options.keep
        results.chosen_by = ("when",) * (options.when is not None) + ("threads",) * (options.threads == "current")
        results.redact, results._hides_result = self.options.redact, self._hides_result
        results.warnings += [*calls.failure(), *calls.warnings, *self._warnings]
        add_entries(results, calls.plans, self.log, options, self.engine.name)

    def note_uncalled(self, results: TraceResults, fn: object) -> None:
        """Add to the warnings of complete results which targets were never called by `fn`, and what ran instead."""
        if self.calls.full:  # nobody has looked to the end
            return
        called = {i for i, was in enumerate(self.calls.called) if was}
        traced = {id(plan.codes[0].code) for plan in self.calls.plans}
        for target, indices in zip(self.targets, self._indices, strict=True):
            if indices and called.isdisjoint(indices):
                results.warnings.append(uncalled(target, traced, fn is not None and target.called is fn))


_armed: dict[int, ref[Session]] = {}  # the sessions that are armed, by address


def _forgetting(address: int, recorders: list[Recorder]) -> Callable[[object], None]:
    """Return what disarms the events of a session that has died without being stopped."""

    def disarm(_: object) -> None:
        _armed.pop(address, None)
        for recorder in recorders:
            monitor.remove(recorder)

    return disarm


def _planner() -> Callable[[FunctionType], Plan]:
    """Return what makes plans, imported when it is first needed, since `ast` and the like take their time."""
    with importing:
        from .._plan.target_plan import plan

        return plan


def _may_return_secrets(plans: list[Plan], redaction: Redaction, anchor: CodeType | None) -> bool:
    """Return whether what a run returns may be the value of a name that is hidden, also where no call is recorded."""
    codes = [plan.codes[0].code for plan in plans]
    if any(redaction.hides(code.co_name) for code in codes) or any(plan.outcomes.hides_any for plan in plans):
        return True
    return anchor is not None and all(anchor is not code for code in codes) and redaction.mentions(anchor)


def _for_calls(options: Options) -> CallOptions:
    return CallOptions(
        describe=options.describer(),
        outline=options.outliner(),
        calls=options.limit(options.max_calls),
        yields=options.limit(options.max_samples),
        one_thread=options.threads == "current",
        redaction=options.redaction,
    )
