"""`tracefunc()` and `Tracer`: the public ways to start a trace."""

from __future__ import annotations

import sys
from _thread import get_ident

from .._record.thread_names import running_task
from ..results import TraceResults
from .callables import codes_of
from .held import described, name_of
from .options import Options
from .run import await_to_end, check, run_to_end
from .session import Session
from .targets import NoSuchTarget, Target, target_of_callable, targets_of

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType, FunctionType, ModuleType
    from typing import Any

    from .options import Keep, Threads
    from .remote import Remote


def tracefunc(
    fn: Callable[..., Any],
    /,
    *args: Any,
    target_func: Callable[..., Any] | None = None,
    incl_unhit: bool = False,
    **kwargs: Any,
) -> TraceResults:
    """Run `fn(*args, **kwargs)` and record what each line of the target does, call by call.

    Parameters
    ----------
    fn : callable
        The function to run. A generator, coroutine or async generator function is run to its end, the latter two by
        `asyncio.run`.
    target_func : callable, optional
        Whose calls to record; `fn` by default. Any callable written in Python: a function or method, decorated or not,
        a lambda, a partial, an object with `__call__`, a property, a class (then its `__new__` and `__init__`).
    incl_unhit : bool
        Whether the traces include the lines that never ran, with 0 hits.

    Returns
    -------
    TraceResults
        A list of `(stack, trace)` pairs, one for each of the first 10 calls in the order in which they started. `trace`
        maps the text of each line that was hit to `(hits, {name: [(type name, text), ...]})`, in source order, with the
        values after each of the first 10 hits, at most 50 characters each. `stack` is "" unless `target_func` is
        given. `.exc` is the `Exception` that `fn` raised, or None; `.result` is what `fn` returned.

    Raises
    ------
    TypeError
        `fn` or the target is not callable.
    ValueError
        The target is not written in Python, or its source cannot be retrieved.
    RuntimeError
        All tool ids of `sys.monitoring` are taken, or `fn` is asynchronous and an event loop is already running.

    `Tracer` does everything else: several targets, other limits, conditions, `with` and more.
    """
    check(fn)
    target = target_of_callable(*((fn, "fn") if target_func is None else (target_func, "target_func")))
    anchor = None if target_func is None else _anchor(fn)
    options = _WITH_UNHIT_LINES if incl_unhit else _DEFAULTS
    return run_to_end(Session([target], options, anchor), TraceResults(), fn, args, kwargs)


class Tracer:
    """Records what the lines of some functions do, as `tracefunc()` does, with options and in other ways.

    A tracer can be used any number of times, in several threads at once, and within itself: `tracer.run(fn, ...)`,
    `await tracer.arun(fn, ...)`, `with tracer as results:`, `async with tracer as results:`, `@tracer`.

    Parameters
    ----------
    *targets : callable, class, module or str
        The functions whose calls are recorded: any callable written in Python; a class for all its methods; a module
        for all functions defined in it; a string for what it names, `"package.module:Class.method"`, with globs allowed
        after the colon (`"package.module:*"`). Without targets, the function that is run or decorated.
    max_calls : int or None
        How many calls to record, of all targets together; None: all.
    max_samples : int or None
        How many hits of a line to sample in each call; None: all.
    max_repr : int or None
        How many characters of a value's text to keep; None: all.
    keep : "first", "last" or "ends"
        Which calls, and which samples of a line, to keep when there are more than the limits: the first, the last, or
        the first half and the last half.
    when : callable or str, optional
        Which calls to record: a function that is called with as many of a call's arguments, by name, as it takes
        (`lambda n, **_: n > 1000`), or a Python expression of the arguments as a string (`"n > 1000"`). A call for
        which it raises is not recorded, and the error is in `results.warnings`.
    describe : callable, optional
        Returns the text of a value, instead of `repr`: for example `tracefunc.safe_repr`, or its name as text.
    redact : str or iterable of str
        Names, or globs of names, whose values are hidden: `<redacted>` stands for those of variables, fields of objects
        and keys of mappings, for what is returned and yielded by an expression that holds one, and in the texts of
        exceptions from code that uses such a name. If a target has such a name, nothing that it gives is shown.
    threads : "all" or "current"
        Whether to record the calls of all threads, or only of the thread that starts the trace.
    incl_unhit : bool
        Whether the traces include the lines that never ran, with 0 hits.
    reraise : bool
        Whether `run` and `arun` raise the exception that `fn` raised, instead of returning it as `results.exc`. The
        traces are then in `tracer.results`.

    Raises
    ------
    TypeError, ValueError
        A target or an option has a value that is not allowed; a target is not written in Python or has no source.
    """

    def __init__(
        self,
        *targets: Callable[..., Any] | ModuleType | str,
        max_calls: int | None = 10,
        max_samples: int | None = 10,
        max_repr: int | None = 50,
        keep: Keep = "first",
        when: Callable[..., object] | str | None = None,
        describe: Callable[[Any], str] | None = None,
        redact: str | Iterable[str] = (),
        threads: Threads = "all",
        incl_unhit: bool = False,
        reraise: bool = False,
    ) -> None:
        self.targets = targets
        self.options = Options(
            max_calls=max_calls,
            max_samples=max_samples,
            max_repr=max_repr,
            keep=keep,
            when=when,
            describe=describe,
            redact=redact,
            threads=threads,
            incl_unhit=incl_unhit,
            reraise=reraise,
        )
        self.results: TraceResults | None = None
        """The results of the run that ended last."""
        self._targets: list[Target] = []
        self._left_out: list[str] = []
        self._open_blocks: list[tuple[object, Session, TraceResults]] = []  # of `with`
        self._add(targets)

    def __repr__(self) -> str:
        given = [name_of(target).strip("'") if callable(target) else repr(target) for target in self.targets]
        defaults = _DEFAULTS.as_dict()
        given += [f"{k}={v!r}" for k, v in sorted(self.options.as_dict().items()) if v != defaults[k]]
        return f"Tracer({', '.join(given)})"

    def run(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> TraceResults:
        """Run `fn(*args, **kwargs)`, to its end if it is a generator or coroutine function, and return the traces.

        Raises TypeError, ValueError and RuntimeError as `tracefunc()` does. Raises what `fn` raises if `reraise` is
        set, or if that is not an `Exception` (`KeyboardInterrupt`, for example).
        """
        check(fn)
        session = self._new_session(fn)
        return self._done(run_to_end(session, self._new_results(), fn, args, kwargs))

    async def arun(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> TraceResults:
        """Await `fn(*args, **kwargs)`, or exhaust it, in the running event loop, and return the traces.

        Works with any event loop: of asyncio, trio or curio. Raises what `run` raises.
        """
        check(fn, in_event_loop=True)
        session = self._new_session(fn)
        return self._done(await await_to_end(session, self._new_results(), fn, args, kwargs))

    def __enter__(self) -> TraceResults:
        """Trace until the block ends, and fill the results then.

        The stacks begin with the function that contains the block. An exception that leaves the block is in
        `results.exc`, and propagates.
        """
        return self._enter(sys._getframe(1))

    def _enter(self, frame: FrameType) -> TraceResults:
        if not self._targets:
            raise TypeError("with Tracer(): there is no target to record. Name targets: Tracer(function, ...).")
        session, results = self._new_recording(_block(frame).f_code)
        self._open_blocks.append((_thread_and_task(), session, results))
        try:
            session.start()
        except BaseException:
            self._close_block()
            raise
        return results

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        session, results = self._close_block()
        if isinstance(error, Exception):
            results.exc = error
        session.collect(results)
        if error is None:
            session.note_uncalled(results, None)
        self.results = results

    async def __aenter__(self) -> TraceResults:
        return self._enter(sys._getframe(1))

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Callable[..., Any], /) -> Any:
        """Decorate a function: each of its calls is traced and does what it did before.

        `function.traces` is a list with one `TraceResults` for each call that has ended; clear it when it grows too
        long. Raises TypeError when `function` is not a function, ValueError when it cannot be traced.
        """
        from .decorator import decorated

        return decorated(function, self._new_session, self._new_results)

    def remote(self, fn: Callable[..., Any], /) -> Remote:
        """Return a callable that can be pickled and runs `fn` under this tracer wherever it is called.

        The callable takes along the source of `fn` and of the targets. It returns a `TraceResults`, whose `result` is
        what `fn` returned.
        """
        from .remote import Remote

        check(fn)
        return Remote(Tracer, self.targets, self.options.as_dict(), fn)

    # targets

    def _add(self, targets: Iterable[Any]) -> None:
        """Find the functions of all targets. Of several, those in which there is nothing to trace are left out."""
        first: ValueError | None = None
        for value in targets:
            try:
                target = targets_of(value)
                if target.is_collection:
                    target.functions = self._with_source(value, target.functions)
            except NoSuchTarget:
                raise
            except ValueError as error:
                first = first or error
                self._left_out.append(f"not traced: {error}")
            else:
                self._targets.append(target)
        if first is not None and not self._targets:
            raise first

    def _with_source(self, target: Any, functions: list[FunctionType]) -> list[FunctionType]:
        """Leave out functions without source, such as generated methods; raises ValueError when none is left."""
        from .._plan.target_plan import plan

        found = []
        for function in functions:
            try:
                plan(function)
            except ValueError as error:
                self._left_out.append(f"not traced: {function.__qualname__}: {error}")
            else:
                found.append(function)
        if not found:
            raise ValueError(f"target {described(target)}: no function in it has retrievable source.")
        return found

    # the start and the end of a run; the first three are for the other modules of the package, too

    def _new_session(self, fn: Any) -> Session:
        """Return a session that traces a run of `fn`."""
        if self._targets:
            return Session(self._targets, self.options, _anchor(fn))
        return Session([target_of_callable(fn, "fn")], self.options, None)

    def _new_recording(self, anchor: CodeType | None) -> tuple[Session, TraceResults]:
        """Return a session that the caller starts, stops and collects, and its results; stacks begin at `anchor`."""
        return Session(self._targets, self.options, anchor), self._new_results()

    def _new_results(self) -> TraceResults:
        """Return results that are yet to be filled."""
        results = TraceResults()
        results.warnings += self._left_out
        return results

    def _done(self, results: TraceResults) -> TraceResults:
        self.results = results
        if self.options.reraise and results.exc is not None:
            raise results.exc
        return results

    def _close_block(self) -> tuple[Session, TraceResults]:
        """End the innermost block of this thread and task."""
        here = _thread_and_task()
        own = [i for i, (where, _, _) in enumerate(self._open_blocks) if where == here]
        block = self._open_blocks[own[-1] if own else -1]
        _, session, results = block
        session.stop()
        self._open_blocks.remove(block)
        return session, results


_DEFAULTS = Options()
_WITH_UNHIT_LINES = Options(incl_unhit=True)


def _anchor(fn: Any) -> CodeType | None:
    """Return the code whose frame is the outermost of a stack; None when `fn` is not written in Python."""
    return next(iter(codes_of(fn)), None)


def _block(frame: FrameType) -> FrameType:
    """Return the frame of the `with` block whose manager is entered by `frame`, or by an `ExitStack` and the like."""
    while frame.f_back is not None and frame.f_globals.get("__name__") == "contextlib":
        frame = frame.f_back
    return frame


def _thread_and_task() -> object:
    """Return what identifies the running thread and task."""
    return get_ident(), id(running_task())
