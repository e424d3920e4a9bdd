"""Running a function to its end while a session records."""

from __future__ import annotations

import sys

from .._interpreter import ASYNCHRONOUS
from .targets import codes_of, described, name_of

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..results import TraceResults
    from .session import Session


def check(fn: Any, in_event_loop: bool = False) -> None:
    """Raise TypeError if `fn` cannot be called; RuntimeError if it needs an event loop of its own and one is running.

    `in_event_loop`: `fn` is awaited in the running event loop.
    """
    if not callable(fn):
        raise TypeError(
            f"fn must be callable, not {described(fn)}: pass the function itself and its arguments after it."
        )
    if in_event_loop or not any(code.co_flags & ASYNCHRONOUS for code in codes_of(fn)):
        return
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"{name_of(fn)} is asynchronous and an event loop is already running in this thread: "
        "use `await Tracer(...).arun(...)` there, with the same arguments."
    )


def run_to_end(
    session: Session, results: TraceResults, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TraceResults:
    """Run `fn` while `session` records, and fill `results`."""
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


async def await_to_end(
    session: Session, results: TraceResults, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TraceResults:
    """Await `fn`, or exhaust it, in the running event loop while `session` records, and fill `results`."""
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
    """Return `result`, or, if it is the generator of the generator function `fn`, what it returns at its end."""
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
