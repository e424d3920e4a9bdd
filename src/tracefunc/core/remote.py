"""`Tracer.remote`: a traced call that can be sent to where it runs, together with the source that it needs."""

from __future__ import annotations

import linecache
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .._plan.source import file_lines
from .targets import functions_of, targets_of, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from ..results import TraceResults


class Remote:
    """Runs a function under a tracer with some options, and returns the traces.

    It is pickled with the source of what is traced, so that a worker needs no file of it. Functions that cannot be
    pickled by their names, such as those of a notebook or of `__main__`, are pickled by their code where cloudpickle is
    installed, as it is where Dask, Ray or joblib are.
    """

    def __init__(
        self,
        targets: tuple[Any, ...],
        options: dict[str, Any],
        fn: Callable[..., Any],
        sources: list[tuple[str, list[str]]] | None = None,
    ) -> None:
        self.targets = targets
        self.options = options
        self.fn = fn
        functions = _functions(targets, fn)
        if sources is None:
            self.sources = [(function.__code__.co_filename, file_lines(function)) for function in functions]
        else:
            self.sources = sources  # of the functions, where they were defined
            for function, (name, lines) in zip(functions, sources, strict=True):
                _give_source(function, name, lines)

    def __call__(self, *args: Any, **kwargs: Any) -> TraceResults:
        """Run the function with these arguments; raises what `Tracer` and `Tracer.run` raise."""
        from .tracer import Tracer

        return Tracer(*self.targets, **self.options).run(self.fn, *args, **kwargs)

    def __reduce__(self) -> tuple[object, ...]:
        state = self.targets, self.options, self.fn, self.sources
        if not any(_is_of_main(value) for value in (*self.targets, self.fn)):
            return type(self), state
        try:
            import cloudpickle  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError:  # the names will do where the other process has the same __main__
            return type(self), state
        return _loaded, (cloudpickle.dumps(state),)


def _loaded(data: bytes) -> Remote:
    import pickle

    return Remote(*pickle.loads(data))


def _is_of_main(value: Any) -> bool:
    """Whether a value cannot be found by its name in another process."""
    return getattr(value, "__module__", None) == "__main__" or "<" in getattr(value, "__qualname__", "")


def _functions(targets: tuple[Any, ...], fn: Callable[..., Any]) -> list[FunctionType]:
    """The functions whose source is needed, or shown in stacks: always in the same order."""
    found = [function for target in targets for function in targets_of(target)[0]]
    if not targets:
        found += functions_of(fn, "fn")
    return found + [inner for inner in unwrapped(fn) if isinstance(inner, FunctionType)]


def _give_source(function: FunctionType, name: str, lines: list[str]) -> None:
    """See that the source of `function` is found here, as it was where it comes from."""
    if not lines or file_lines(function):
        return
    if function.__code__.co_filename != name:  # cloudpickle gives all code the same name
        function.__code__ = _renamed(function.__code__, name)
    linecache.cache[name] = sum(map(len, lines)), None, lines, name


def _renamed(code: CodeType, name: str) -> CodeType:
    consts = tuple(_renamed(const, name) if hasattr(const, "co_code") else const for const in code.co_consts)
    return code.replace(co_filename=name, co_consts=consts)
