"""`@Tracer(...)`: functions each of whose calls is traced."""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from .._interpreter import ASYNC_GENERATOR, COROUTINE, GENERATOR
from .targets import codes_of, what

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from ..results import TraceResults
    from .session import Session
    from .tracer import Tracer


class _Traced:
    """A decorated function, and the results of its calls."""

    def __init__(self, tracer: Tracer, function: Callable[..., Any]) -> None:
        self.tracer = tracer
        self.function = function
        self.traces: list[TraceResults] = []
        self.session()  # raises now what it would raise at each call

    def session(self) -> Session:
        return self.tracer.session(self.function)


class _Tracing:
    """One call of a decorated function."""

    def __init__(self, traced: _Traced) -> None:
        self.traced = traced
        self.session = traced.session()
        self.results = traced.tracer.answer()

    def __enter__(self) -> TraceResults:
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
        self.traced.traces.append(self.results)


def decorated(tracer: Tracer, function: Any) -> Any:
    """A function that does what `function` does, tracing each call; `traces` holds the results.

    Raises TypeError when it is no function.
    """
    if isinstance(function, staticmethod | classmethod):
        return type(function)(decorated(tracer, function.__func__))
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"a Tracer decorates functions and methods, not {what(function)}: decorate its methods.")
    traced = _Traced(tracer, function)
    flags = codes_of(function)[0].co_flags
    kinds = ((COROUTINE, _coroutine), (ASYNC_GENERATOR, _async_generator), (GENERATOR, _generator))
    made = next((make for flag, make in kinds if flags & flag), _plain)(traced)
    update_wrapper(made, function)
    made.traces = traced.traces
    return made


def _plain(traced: _Traced) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with _Tracing(traced) as results:
            results.result = traced.function(*args, **kwargs)
        return results.result

    return call


def _coroutine(traced: _Traced) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with _Tracing(traced) as results:
            results.result = await traced.function(*args, **kwargs)
        return results.result

    return call


def _generator(traced: _Traced) -> Any:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _Tracing(traced) as results:
            results.result = yield from traced.function(*args, **kwargs)
        return results.result

    return call


def _async_generator(traced: _Traced) -> Any:
    async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with _Tracing(traced):
            generator = traced.function(*args, **kwargs)
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
                except BaseException as error:  # on to the generator, as `yield from` would do it
                    send, value = generator.athrow, error

    return call
