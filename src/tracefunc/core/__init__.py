"""`tracefunc()` and `Tracer`."""

from .tracer import Tracer, tracefunc

__all__ = ["Tracer", "tracefunc"]
