"""`@Tracer(...)`: functions each of whose calls is traced."""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from .._interpreter import ASYNC_GENERATOR, COROUTINE, GENERATOR
from .callables import codes_of
from .held import described

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from ..results import TraceResults
    from .session import Session

    NewSession = Callable[[Callable[..., Any]], Session]
    NewResults = Callable[[], TraceResults]


class _TracedFunction:
    """A decorated function, and the results of its calls."""

    def __init__(self, function: Callable[..., Any], new_session: NewSession, new_results: NewResults) -> None:
        self.function = function
        self.new_session = new_session
        self.new_results = new_results
        self.traces: list[TraceResults] = []
        new_session(function)  # raises now what it would raise at each call

    def recorded(self) -> _RecordedCall:
        return _RecordedCall(self.function, self.new_session(self.function), self.new_results(), self.traces)


class _RecordedCall:
    """One call of a decorated function; its results are appended to `traces` when it ends."""

    def __init__(
        self, function: Callable[..., Any], session: Session, results: TraceResults, traces: list[TraceResults]
    ) -> None:
        self.function = function
        self.session = session
        self.results = results
        self.traces = traces

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
        if error is None:
            self.session.note_uncalled(self.results, self.function)
        self.traces.append(self.results)


def decorated(function: Any, new_session: NewSession, new_results: NewResults) -> Any:
    """Return a function that does what `function` does and traces each call; its `traces` holds the results.

    Each call gets a new session and new results. Raises TypeError when `function` is not a function or method.
    """
    if isinstance(function, staticmethod | classmethod):
        return type(function)(decorated(function.__func__, new_session, new_results))
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"a Tracer decorates functions and methods, not {described(function)}: decorate its methods.")
    traced = _TracedFunction(function, new_session, new_results)
    flags = codes_of(function)[0].co_flags
    kinds = ((COROUTINE, _coroutine), (ASYNC_GENERATOR, _async_generator), (GENERATOR, _generator))
    wrapper = next((wrap for flag, wrap in kinds if flags & flag), _plain)(traced)
    update_wrapper(wrapper, function)
    wrapper.traces = traced.traces
    return wrapper


def _plain(traced: _TracedFunction) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with traced.recorded() as results:
            results.result = traced.function(*args, **kwargs)
        return results.result

    return call


def _coroutine(traced: _TracedFunction) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with traced.recorded() as results:
            results.result = await traced.function(*args, **kwargs)
        return results.result

    return call


def _generator(traced: _TracedFunction) -> Any:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with traced.recorded() as results:
            results.result = yield from traced.function(*args, **kwargs)
        return results.result

    return call


def _async_generator(traced: _TracedFunction) -> Any:
    async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with traced.recorded():
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
                except BaseException as error:  # passed on to the generator, as `yield from` does
                    send, value = generator.athrow, error

    return call
