"""`Tracer.remote`: a traced call that can be sent to another process, together with the source that it needs."""

from __future__ import annotations

import linecache
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .._plan.source import file_lines
from .callables import resolve
from .held import functions_within
from .targets import target_of_callable, targets_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from ..results import TraceResults


class Remote:
    """Runs a function under a new tracer, made with the given targets and options, and returns the traces.

    A pickled `Remote` holds the source of what is traced, so that a worker does not need its files. Functions that
    cannot be pickled by name, such as those of a notebook or of `__main__`, are pickled by their code if cloudpickle is
    installed, as it is with Dask, Ray or joblib.
    """

    def __init__(
        self,
        new_tracer: Callable[..., Any],
        targets: tuple[Any, ...],
        options: dict[str, Any],
        fn: Callable[..., Any],
        sources: list[tuple[tuple[str, int], str, list[str]]] | None = None,
    ) -> None:
        """`new_tracer`: the class `Tracer`; `sources`: (key, file name, lines) of functions, when they are known."""
        self.new_tracer = new_tracer
        self.targets = targets
        self.options = options
        self.fn = fn
        functions = _functions(targets, fn)
        if sources is None:
            self.sources = [(_key(f), f.__code__.co_filename, file_lines(f)) for f in functions]
        else:
            self.sources = sources
            given = {key: (name, lines) for key, name, lines in sources}
            # What a wrapper stands for may not be known without its source, so that all get theirs.
            for function in [*functions, *functions_within([fn, *targets])]:
                if _key(function) in given:
                    _give_source(function, *given[_key(function)])

    def __call__(self, *args: Any, **kwargs: Any) -> TraceResults:
        """Run the function with these arguments; raises what `Tracer` and `Tracer.run` raise."""
        results: TraceResults = self.new_tracer(*self.targets, **self.options).run(self.fn, *args, **kwargs)
        return results

    def __reduce__(self) -> tuple[object, ...]:
        state = self.new_tracer, self.targets, self.options, self.fn, self.sources
        if all(_has_importable_name(value) for value in (*self.targets, self.fn)):
            return type(self), state
        try:
            import cloudpickle  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError:  # pickle by name: right where the other process has the same __main__
            return type(self), state
        return _unpickled, (cloudpickle.dumps(state),)


def _unpickled(data: bytes) -> Remote:
    import pickle

    return Remote(*pickle.loads(data))


def _has_importable_name(value: Any) -> bool:
    """Whether another process finds `value` by its module and name."""
    return getattr(value, "__module__", None) != "__main__" and "<" not in getattr(value, "__qualname__", "")


def _functions(targets: tuple[Any, ...], fn: Callable[..., Any]) -> list[FunctionType]:
    """The functions whose source is traced or shown in stacks."""
    found = [function for target in targets for function in targets_of(target).functions]
    if not targets:
        found += target_of_callable(fn, "fn").functions
    return found + [inner for inner in resolve(fn).chain if type(inner) is FunctionType]


def _key(function: FunctionType) -> tuple[str, int]:
    """What a function keeps in another process; its file name may be another one there."""
    return function.__code__.co_qualname, function.__code__.co_firstlineno


def _give_source(function: FunctionType, name: str, lines: list[str]) -> None:
    """Give `function`, which another process has pickled, the source that it had there."""
    if not lines or file_lines(function):
        return
    if function.__code__.co_filename != name:  # cloudpickle gives all code the same file name
        function.__code__ = _renamed(function.__code__, name)
    linecache.cache[name] = sum(map(len, lines)), None, lines, name


def _renamed(code: CodeType, name: str) -> CodeType:
    consts = tuple(_renamed(const, name) if hasattr(const, "co_code") else const for const in code.co_consts)
    return code.replace(co_filename=name, co_consts=consts)
