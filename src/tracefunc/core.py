"""`tracefunc()`: plan the target, run the function, assemble what was recorded."""

from __future__ import annotations

import os
import sys
from types import CodeType, FunctionType, MethodType

from . import _engine
from ._engine import monitor
from ._records import hits
from ._stack import PathLabels, stack_text
from ._values import describe
from .results import TraceResults

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from ._engine import Recorder
    from ._plan import Plan
    from ._records import Sample
    from .results import Trace

_ASYNCHRONOUS = 0x80 | 0x200  # co_flags of coroutines and async generators


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
        Whose calls to record: a function or method written in Python, decorated or not, or a lambda. Default: `fn`.
    incl_unhit : bool
        Whether lines that were never executed are listed, with 0 hits.

    Returns
    -------
    TraceResults
        A list of `(stack, trace)` pairs, one for each of the first 10 calls in the order in which they started. `trace`
        maps the text of each line that was hit to `(hits, {name: [(type name, text), ...]})`, in source order, with the
        values after each of the first 10 hits, at most 50 characters each. `stack` is "" unless `target_func` is
        given. `.exc` is the `Exception` that `fn` raised, or None.

    Raises
    ------
    TypeError
        `fn` is not callable, or the target is neither a function nor a method (a class, a partial, ...).
    ValueError
        The target is not written in Python, or its source cannot be retrieved.
    RuntimeError
        All tool ids of `sys.monitoring` are taken, or `fn` is asynchronous and an event loop is running already.
    """
    if not callable(fn):
        raise TypeError(f"fn must be callable, not {_what(fn)}: pass the function itself and its arguments after it.")
    target = as_function(fn if target_func is None else target_func, "fn" if target_func is None else "target_func")
    from ._plan import plan as plan_of  # here, since `ast` and the like take their time

    plan = plan_of(target)
    anchor = None if target_func is None else _code_of(fn)
    labels = None if anchor is None else PathLabels(os.path.dirname(anchor.co_filename))

    def stack_of(frame: FrameType) -> str:
        return "" if anchor is None else stack_text(frame, anchor, labels)

    engine = _engine.engine
    recorder: Recorder = engine.recorder(plan, stack_of, monitor.remove, monitor.rebind, monitor.rearm, monitor.notice)
    results = TraceResults()
    results.engine = str(engine)
    results.exc = _run(recorder, fn, args, kwargs)
    results.extend(
        (call.stack, _assemble(plan, hits(plan, call), call.samples, incl_unhit)) for call in recorder.records()
    )
    return results


# --- running ------------------------------------------------------------------------------------------------------


def _run(recorder: Recorder, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception | None:
    _check_loop(fn)
    recorder.base = id(sys._getframe())
    try:
        monitor.add(recorder)
        try:
            # Events are suspended in a debugger's prompt and in trace functions: call_tracing() brings them back.
            result = sys.call_tracing(_call, (fn, args, kwargs))  # noqa: F841 - dies when the trace has ended
        except Exception as error:
            return error
    finally:
        monitor.remove(recorder)
    return None


def _call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = fn(*args, **kwargs)
    codes = {id(code) for code in _codes_of(fn)}
    if id(getattr(result, "gi_code", None)) in codes:
        for _ in result:
            pass
    elif id(getattr(result, "cr_code", None)) in codes:
        import asyncio

        asyncio.run(result)
    elif id(getattr(result, "ag_code", None)) in codes:
        import asyncio

        asyncio.run(_exhaust(result))
    return result


async def _exhaust(generator: Any) -> None:
    async for _ in generator:
        pass


def _check_loop(fn: Callable[..., Any]) -> None:
    """Refuse an asynchronous `fn` where it could not be run to its end."""
    if not any(code.co_flags & _ASYNCHRONOUS for code in _codes_of(fn)):
        return
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"{_name(fn)} is asynchronous and an event loop is running in this thread already: run the trace in a thread "
        "of its own, `await asyncio.to_thread(tracefunc, ...)`."
    )


# --- what was passed ------------------------------------------------------------------------------------------------


def _what(value: object) -> str:
    kind, text = describe(value)
    return f"{kind} {text}"


def _name(fn: object) -> str:
    return repr(getattr(fn, "__qualname__", None) or _what(fn))


def _unwrapped(value: Any) -> list[Any]:
    """`value` and what it wraps, outermost first: methods' functions, and decorators' `__wrapped__`."""
    chain = [value]
    while True:
        value = chain[-1]
        if isinstance(value, MethodType | staticmethod | classmethod):
            value = value.__func__
        elif not isinstance(value, type) and "__wrapped__" in getattr(value, "__dict__", {}):
            value = value.__wrapped__
        else:
            return chain
        if any(value is known for known in chain):
            raise ValueError(f"{_name(chain[0])} wraps itself: its __wrapped__ attributes form a ring.")
        chain.append(value)


def _codes_of(fn: Any) -> list[CodeType]:
    return [inner.__code__ for inner in _unwrapped(fn) if isinstance(inner, FunctionType)]


def _code_of(fn: Any) -> CodeType | None:
    """The code whose frame is `fn`'s, the outermost of a stack; None when `fn` is not written in Python."""
    codes = _codes_of(fn)
    if codes:
        return codes[0]
    inner = getattr(fn, "func", None) if not isinstance(fn, type) else None  # functools.partial
    if inner is None and not isinstance(fn, type):
        inner = getattr(type(fn), "__call__", None)  # noqa: B004 - its code is wanted, not whether there is one
    return next(iter(_codes_of(inner)), None)


def as_function(value: Any, parameter: str) -> FunctionType:
    """The function whose code is the target.

    Raises TypeError or ValueError, with what to pass instead, when there is none.
    """
    inner = _unwrapped(value)[-1]
    if isinstance(inner, FunctionType):
        return inner
    if isinstance(inner, type):
        raise TypeError(
            f"{parameter} is the class {inner.__qualname__!r}, and a trace is that of a function: "
            f"pass one of its methods as target_func, {inner.__qualname__}.__init__ for example."
        )
    if not callable(inner):
        raise TypeError(f"{parameter} must be a Python function, not {_what(inner)}.")
    kind = type(inner).__name__
    if kind == "partial":
        raise TypeError(f"{parameter} is a functools.partial: pass its function, .func, as target_func.")
    if "builtin" in kind or "method" in kind or "wrapper" in kind or "cython" in kind or "ufunc" in kind:
        raise ValueError(
            f"requires a Python function with retrievable source code, and {_name(inner)} ({kind}) is not written in "
            "Python: pass a Python function that calls it, or is called by it, as target_func."
        )
    raise TypeError(
        f"{parameter} must be a Python function, not {_what(inner)}: pass a function or method, "
        "such as its __call__ or what it wraps, as target_func."
    )


# --- the answer -----------------------------------------------------------------------------------------------------


def _assemble(plan: Plan, hits: list[int], samples: list[list[tuple[Sample, ...]]], incl_unhit: bool) -> Trace:
    trace: Trace = {}
    for text, names, count, rows in zip(plan.lines, plan.names, hits, samples, strict=True):
        if count or incl_unhit:
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
            trace[text] = count, {name: list(column) for name, column in zip(names, columns, strict=True)}
    return trace
