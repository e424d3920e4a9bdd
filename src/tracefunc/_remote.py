"""`Tracer.remote`: a traced call that can be sent to where it runs, together with the source that it needs."""

from __future__ import annotations

import linecache
import sys
from typing import TYPE_CHECKING, Any

from ._source import file_lines
from ._targets import functions_of, targets_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from .results import TraceResults


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
        sources: dict[str, list[str]] | None = None,
    ) -> None:
        self.targets = targets
        self.options = options
        self.fn = fn
        self.sources = _sources(targets, fn) if sources is None else sources  # by file name

    def __call__(self, *args: Any, **kwargs: Any) -> TraceResults:
        """Run the function with these arguments; raises what `Tracer` and `Tracer.run` raise."""
        from .core import Tracer

        for name, lines in self.sources.items():
            if not linecache.getlines(name):  # no file of that name here
                linecache.cache[name] = sum(map(len, lines)), None, lines, name
        return Tracer(*self.targets, **self.options).run(self.fn, *args, **kwargs)

    def __reduce__(self) -> tuple[object, ...]:
        state = self.targets, self.options, self.fn, self.sources
        if not any(_is_of_main(value) for value in (*self.targets, self.fn)):
            return type(self), state
        try:
            import cloudpickle
        except ImportError:  # the names will do where the other process has the same __main__
            return type(self), state
        return _loaded, (cloudpickle.dumps(state),)


def _loaded(data: bytes) -> Remote:
    import pickle

    return Remote(*pickle.loads(data))


def _is_of_main(value: Any) -> bool:
    """Whether a value cannot be found by its name in another process."""
    return getattr(value, "__module__", None) == "__main__" or "<" in getattr(value, "__qualname__", "")


def _sources(targets: tuple[Any, ...], fn: Callable[..., Any]) -> dict[str, list[str]]:
    functions = [function for target in targets for function in targets_of(target)[0]]
    found = {}
    for function in functions or functions_of(fn, "fn"):
        lines = file_lines(function)
        if lines:
            found[function.__code__.co_filename] = lines
    return found
