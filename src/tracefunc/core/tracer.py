"""`tracefunc()` and `Tracer`: what to run, what to record of it, and the answer."""

from __future__ import annotations

import sys
from _thread import get_ident

from .._interpreter import ASYNCHRONOUS
from ..results import TraceResults
from .options import Options
from .session import Session
from .targets import codes_of, functions_of, name_of, targets_of, what

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
    """Run `fn(*args, **kwargs)` and tell what each line of the target did, call by call.

    Parameters
    ----------
    fn : callable
        What to run. A generator, coroutine or async generator function is run to its end, the latter two by
        `asyncio.run`.
    target_func : callable, optional
        Whose calls to record, default: `fn`. Any callable that is written in Python: a function or method, decorated or
        not, a lambda, a partial, an object with `__call__`, a property, a class (then its `__new__` and `__init__`).
    incl_unhit : bool
        Whether lines that were never executed are listed, with 0 hits.

    Returns
    -------
    TraceResults
        A list of `(stack, trace)` pairs, one for each of the first 10 calls in the order in which they started. `trace`
        maps the text of each line that was hit to `(hits, {name: [(type name, text), ...]})`, in source order, with the
        values after each of the first 10 hits, at most 50 characters each. `stack` is "" unless `target_func` is
        given. `.exc` is the `Exception` that `fn` raised, or None; `.result` what it returned.

    Raises
    ------
    TypeError
        `fn` or the target is not callable.
    ValueError
        The target is not written in Python, or its source cannot be retrieved.
    RuntimeError
        All tool ids of `sys.monitoring` are taken, or `fn` is asynchronous and an event loop is running already.

    For everything else (several targets, other limits, conditions, `with`, ...) there is `Tracer`.
    """
    _check(fn)
    functions = functions_of(*((fn, "fn") if target_func is None else (target_func, "target_func")))
    anchor = None if target_func is None else _anchor(fn)
    options = _DEFAULTS if not incl_unhit else Options(incl_unhit=True)
    return _run(Session(functions, options, anchor), TraceResults(), fn, args, kwargs)


class Tracer:
    """Records what the lines of some functions do, as `tracefunc()` does, with options and in other ways.

    A tracer can be used any number of times, in several threads at once, and within itself: `tracer.run(fn, ...)`,
    `await tracer.arun(fn, ...)`, `with tracer as results:`, `async with tracer as results:`, `@tracer`.

    Parameters
    ----------
    *targets : callable, class, module or str
        Whose calls to record: any callable that is written in Python; a class for all its methods; a module for all
        functions defined in it; a text for what it names, `"package.module:Class.method"`, where globs are allowed
        behind the colon (`"package.module:*"`). Without targets, that is what is run or decorated.
    max_calls : int or None
        How many calls to record of all targets together; None: all.
    max_samples : int or None
        How many of a line's hits to sample in each call; None: all.
    max_repr : int or None
        The characters of a sample's text; None: as many as there are.
    keep : "first", "last" or "ends"
        Which calls, and which samples of a line, are kept where there are more than the limits: the first, the last,
        or the first half and the last half.
    when : callable or str, optional
        Which calls to record: a function that is called with a call's arguments by name, as many of them as it takes
        (`lambda n, **_: n > 1000`), or a Python expression of them as text (`"n > 1000"`). Where it raises, the call is
        not recorded and the error is in `results.warnings`.
    describe : callable, optional
        Makes a text of a value, instead of `repr`: `tracefunc.safe_repr`, for example.
    redact : str or iterable of str
        Names, or globs of names, whose values are never looked at and shown as `<redacted>`; where it is the name of a
        target, that is so for what it returns, yields and raises.
    threads : "all" or "current"
        Whose calls to record: those in all threads, or in the one that starts the trace.
    incl_unhit : bool
        Whether lines that were never executed are in the traces, with 0 hits.
    reraise : bool
        Whether `run` and `arun` raise the exception that `fn` raised, instead of returning it as `results.exc`. The
        traces are in `tracer.results` then.

    Raises
    ------
    TypeError, ValueError
        A target or an option is not one of these; a target is not written in Python or has no source.
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
        """What the run that ended last gave."""
        self._found: list[FunctionType] = []
        self._left_out: list[str] = []
        self._open: list[tuple[object, Session, TraceResults]] = []  # `with` blocks
        for target in targets:
            self._add(target)

    def __repr__(self) -> str:
        given = [name_of(target).strip("'") if callable(target) else repr(target) for target in self.targets]
        defaults = _DEFAULTS.as_dict()
        given += [f"{k}={v!r}" for k, v in self.options.as_dict().items() if v != defaults[k]]
        return f"Tracer({', '.join(given)})"

    def run(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> TraceResults:
        """Run `fn(*args, **kwargs)`, to its end if it is a generator or coroutine function, and return the traces.

        Raises TypeError, ValueError and RuntimeError as `tracefunc()` does, and what `fn` raises if `reraise` is set or
        it is no `Exception`.
        """
        _check(fn)
        session = self.session(fn)
        return self._done(_run(session, self.answer(), fn, args, kwargs))

    async def arun(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> TraceResults:
        """Await `fn(*args, **kwargs)`, or exhaust it, within the event loop that runs; return the traces.

        It works under any event loop: asyncio's, trio's, curio's. Raises what `run` raises.
        """
        _check(fn, running=True)
        session, results = self.session(fn), self.answer()
        try:
            session.start(sys._getframe())
            result = fn(*args, **kwargs)
            if hasattr(result, "__aiter__") and hasattr(result, "asend"):
                async for _ in result:
                    pass
                result = None
            elif hasattr(result, "__await__"):
                result = await result
            else:
                result = _exhausted(fn, result)
            results.result = result
        except Exception as error:
            results.exc = error
        finally:
            session.stop()
        session.collect(results)
        return self._done(results)

    def __enter__(self) -> TraceResults:
        """Trace until the block ends; the results are filled then.

        The stacks begin with the function that the block is in. An exception that leaves the block is in `results.exc`,
        and goes on.
        """
        return self._enter(sys._getframe(1))

    def _enter(self, frame: FrameType) -> TraceResults:
        if not self._found:
            raise TypeError("with Tracer(): which calls to record in the block? Name targets: Tracer(function, ...).")
        session, results = Session(self._found, self.options, _block(frame).f_code), self.answer()
        self._open.append((_place(), session, results))
        try:
            session.start()
        except BaseException:
            self._close()
            raise
        return results

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        session, results = self._close()
        if isinstance(error, Exception):
            results.exc = error
        session.collect(results)
        self.results = results

    async def __aenter__(self) -> TraceResults:
        return self._enter(sys._getframe(1))

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Callable[..., Any], /) -> Any:
        """Decorate a function: each of its calls is traced, and does what it did; the results are in its `traces`.

        `function.traces` is a list with one `TraceResults` per call that has ended; empty it when it has grown too
        long. Raises TypeError when it is no function, ValueError when it cannot be traced.
        """
        from .decorator import decorated

        return decorated(self, function)

    def remote(self, fn: Callable[..., Any], /) -> Remote:
        """Return a callable that can be pickled, and runs `fn` under this tracer wherever it is called.

        The source of `fn` and of the targets goes with it. It returns the `TraceResults`, whose `result` is what `fn`
        returned.
        """
        from .remote import Remote

        _check(fn)
        return Remote(self.targets, self.options.as_dict(), fn)

    # targets

    def _add(self, target: Any) -> None:
        functions, may_leave_out = targets_of(target)
        if may_leave_out:
            functions = self._with_source(target, functions)
        known = {id(function.__code__) for function in self._found}
        self._found += [function for function in functions if id(function.__code__) not in known]

    def _with_source(self, target: Any, functions: list[FunctionType]) -> list[FunctionType]:
        """Leave out what has no source, such as generated methods; raises ValueError when that is everything."""
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
            raise ValueError(f"target {what(target)}: there is no source of any function in it.")
        return found

    # helpers, the first three for decorated functions, programs and tests too

    def session(self, fn: Any) -> Session:
        """What a run of `fn` is traced by."""
        if self._found:
            return Session(self._found, self.options, _anchor(fn))
        return Session(functions_of(fn, "fn"), self.options, None)

    def recording(self, anchor: CodeType | None) -> tuple[Session, TraceResults]:
        """A trace that the caller starts, stops and collects, and where that goes; stacks begin at `anchor`."""
        return Session(self._found, self.options, anchor), self.answer()

    def answer(self) -> TraceResults:
        """Results that are yet to be filled."""
        results = TraceResults()
        results.warnings += self._left_out
        return results

    def _done(self, results: TraceResults) -> TraceResults:
        self.results = results
        if self.options.reraise and results.exc is not None:
            raise results.exc
        return results

    def _close(self) -> tuple[Session, TraceResults]:
        """End the innermost block of this thread and task."""
        place = _place()
        here = [i for i, (other, _, _) in enumerate(self._open) if other == place]
        _, session, results = self._open.pop(here[-1] if here else -1)
        session.stop()
        return session, results


_DEFAULTS = Options()


# --- running ------------------------------------------------------------------------------------------------------


def _run(
    session: Session, results: TraceResults, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TraceResults:
    try:
        session.start(sys._getframe())
        try:
            # Events are suspended in a debugger's prompt and in trace functions: call_tracing() brings them back.
            results.result = sys.call_tracing(_call, (fn, args, kwargs))
        except Exception as error:
            results.exc = error
    finally:
        session.stop()
    session.collect(results)
    return results


def _call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = fn(*args, **kwargs)
    if hasattr(result, "cr_code") or hasattr(result, "ag_code"):
        codes = {id(code) for code in codes_of(fn)}
        if id(getattr(result, "cr_code", None)) in codes:
            import asyncio

            return asyncio.run(result)
        if id(getattr(result, "ag_code", None)) in codes:
            import asyncio

            return asyncio.run(_exhaust(result))
    return _exhausted(fn, result)


def _exhausted(fn: Callable[..., Any], result: Any) -> Any:
    """`result`; if `fn` is a generator function, and that its generator, what it returns at its end."""
    code = getattr(result, "gi_code", None)
    if code is None or all(code is not known for known in codes_of(fn)):
        return result
    while True:
        try:
            next(result)
        except StopIteration as end:
            return end.value


async def _exhaust(generator: Any) -> None:
    async for _ in generator:
        pass


def _check(fn: Any, running: bool = False) -> None:
    """Refuse what cannot be called, and an asynchronous `fn` where it could not be run to its end."""
    if not callable(fn):
        raise TypeError(f"fn must be callable, not {what(fn)}: pass the function itself and its arguments after it.")
    if running or not any(code.co_flags & ASYNCHRONOUS for code in codes_of(fn)):
        return
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"{name_of(fn)} is asynchronous and an event loop is running in this thread already: "
        "use `await Tracer(...).arun(...)` there, with the same arguments."
    )


def _anchor(fn: Any) -> CodeType | None:
    """The code whose frame is `fn`'s, the outermost of a stack; None when `fn` is not written in Python."""
    return next(iter(codes_of(fn)), None)


def _block(frame: FrameType) -> FrameType:
    """The frame of the `with` block whose manager is entered by `frame`, or by a manager of managers."""
    while frame.f_back is not None and frame.f_globals.get("__name__") == "contextlib":
        frame = frame.f_back
    return frame


def _place() -> object:
    """The thread and task that run."""
    asyncio = sys.modules.get("asyncio")
    task = asyncio.current_task() if asyncio is not None and asyncio._get_running_loop() is not None else None
    return get_ident(), id(task)
