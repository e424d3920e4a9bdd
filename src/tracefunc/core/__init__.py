"""`tracefunc()` and `Tracer`, imported when they are first asked for: the table of options is cheap without them."""

from __future__ import annotations

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from .tracer import Tracer, tracefunc

__all__ = ["Tracer", "tracefunc"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import tracer

    value: object = getattr(tracer, name)
    globals()[name] = value
    return value
