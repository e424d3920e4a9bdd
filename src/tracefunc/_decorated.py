"""`@Tracer(...)`: functions each of whose calls is traced."""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from ._records import ASYNC_GENERATOR, COROUTINE, GENERATOR
from ._targets import codes_of, what

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .core import Tracer
    from .results import TraceResults


def decorated(tracer: Tracer, function: Callable[..., Any]) -> Any:
    """A function that does what `function` does, tracing each call; `traces` holds the results.

    Raises TypeError when it is no function.
    """
    if isinstance(function, staticmethod | classmethod):
        return type(function)(decorated(tracer, function.__func__))
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"a Tracer decorates functions and methods, not {what(function)}: decorate its methods.")
    session_of = tracer._session
    session_of(function)  # raises now what it would raise at each call
    traces: list[TraceResults] = []
    flags = codes_of(function)[0].co_flags

    class tracing:
        """One traced call."""

        def __enter__(self) -> TraceResults:
            self.session, self.results = session_of(function), tracer._answer()
            try:
                self.session.start()
            except BaseException:
                self.session.stop()
                raise
            return self.results

        def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
            self.session.stop()
            if isinstance(error, Exception):
                self.results.exc = error
            self.session.collect(self.results)
            traces.append(self.results)

    def call(*args: Any, **kwargs: Any) -> Any:
        with tracing() as results:
            results.result = function(*args, **kwargs)
            return results.result

    async def call_coroutine(*args: Any, **kwargs: Any) -> Any:
        with tracing() as results:
            results.result = await function(*args, **kwargs)
            return results.result

    def call_generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with tracing() as results:
            results.result = yield from function(*args, **kwargs)
            return results.result

    async def call_async_generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with tracing():
            generator = function(*args, **kwargs)
            send, value = generator.asend, None
            while True:
                try:
                    item = await send(value)
                except StopAsyncIteration:
                    return
                try:
                    send, value = generator.asend, (yield item)
                except GeneratorExit:
                    await generator.aclose()
                    raise
                except BaseException as error:
                    send, value = generator.athrow, error

    if flags & COROUTINE:
        made: Any = call_coroutine
    elif flags & ASYNC_GENERATOR:
        made = call_async_generator
    else:
        made = call_generator if flags & GENERATOR else call
    update_wrapper(made, function)
    made.traces = traces
    return made
