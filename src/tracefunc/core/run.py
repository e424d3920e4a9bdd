"""Running a function to its end while a session records."""

from __future__ import annotations

import sys

from .._interpreter import ASYNCHRONOUS
from .callables import codes_of
from .held import described, name_of

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
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
        try:
            session.stop()
        finally:  # for an interrupt at its first step
            session.stop()
    session.collect(results)
    _note_uncalled(session, results, fn)
    return results


def _note_uncalled(session: Session, results: TraceResults, fn: Callable[..., Any]) -> None:
    """Say which targets were never called, unless `fn` could not even be called, which `exc` says."""
    if results.exc is None or _has_run(results.exc):
        session.note_uncalled(results, fn)


def _has_run(error: BaseException) -> bool:
    """Return whether an exception comes from a frame that is not one of ours."""
    traceback = _traceback_of(error)
    while traceback is not None and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    return traceback is not None


_traceback_of = BaseException.__dict__["__traceback__"].__get__


async def await_to_end(
    session: Session, results: TraceResults, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TraceResults:
    """Await `fn`, or exhaust it, in the running event loop while `session` records, and fill `results`."""
    try:
        session.start(sys._getframe())
        result = fn(*args, **kwargs)
        if _defines(result, "__aiter__") and _defines(result, "asend"):
            async for _ in result:
                pass
            result = None
        elif _defines(result, "__await__"):
            result = await result
        else:
            result = _exhausted(fn, result)
        results.result = result
    except Exception as error:
        results.exc = error
    finally:
        try:
            session.stop()
        finally:  # for an interrupt at its first step
            session.stop()
    session.collect(results)
    _note_uncalled(session, results, fn)
    return results


# What a function returned may be an object of the program that does something when it is asked for an attribute, so
# only its type is looked at, and that without asking the type's own type.


def _defines(value: object, name: str) -> bool:
    """Return whether the type of `value` has an attribute `name`, in the dictionary of one of its classes."""
    return any(name in _namespace(cls) for cls in _mro(type(value)))


_namespace = type.__dict__["__dict__"].__get__
_mro = type.__dict__["__mro__"].__get__


def _new_generator() -> Any:
    yield


async def _new_coroutine() -> None: ...


async def _new_async_generator() -> Any:
    yield


_Generator = type(_new_generator())
_AsyncGenerator = type(_new_async_generator())
_Coroutine = type(_coroutine := _new_coroutine())
_coroutine.close()


def _call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = fn(*args, **kwargs)
    if type(result) is _Coroutine and _is_of(fn, result.cr_code):  # type: ignore[attr-defined]
        import asyncio

        return asyncio.run(result)
    if type(result) is _AsyncGenerator and _is_of(fn, result.ag_code):  # pyright: ignore[reportAttributeAccessIssue]
        import asyncio

        return asyncio.run(_exhaust(result))
    return _exhausted(fn, result)


def _is_of(fn: Callable[..., Any], code: CodeType) -> bool:
    """Return whether `code` is what `fn` runs."""
    return any(code is known for known in codes_of(fn))


def _exhausted(fn: Callable[..., Any], result: Any) -> Any:
    """Return `result`, or, if it is the generator of the generator function `fn`, what it returns at its end."""
    if type(result) is not _Generator or not _is_of(fn, result.gi_code):
        return result
    while True:
        try:
            next(result)
        except StopIteration as end:
            return end.value


async def _exhaust(generator: Any) -> None:
    async for _ in generator:
        pass
