"""tracefunc: run a function and see what each of its lines does."""

from __future__ import annotations

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

    from ._values.safe_repr import safe_repr
    from .core import Tracer, tracefunc
    from .results import TraceResults

__version__ = "1.0.0"
__all__ = ["TraceResults", "Tracer", "__version__", "safe_repr", "tracefunc"]

_HOMES = {"TraceResults": "results", "Tracer": "core", "safe_repr": "_values.safe_repr", "tracefunc": "core"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: pytest imports this package for its plugin in every run."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Add `%tracefunc` and `%%tracefunc` to an IPython shell; called by `%load_ext tracefunc`."""
    from .ipython import load

    load(shell)
