"""While coverage is measured: let the pure recorder's callbacks be measured, in which the interpreter suspends tracing."""

import sys
from types import FunctionType, MethodType, SimpleNamespace

from tracefunc._record import monitor, pure, pure_frames


def register(tool, event, callback):
    """Register a callback that turns tracing on again while it runs; the compiled recorder's as it is."""
    if isinstance(callback, FunctionType | MethodType):
        return sys.monitoring.register_callback(tool, event, lambda *args: sys.call_tracing(callback, args))
    return sys.monitoring.register_callback(tool, event, callback)


class Monitoring:
    """`sys.monitoring` as it is at that time, which a test may change, but for the function above."""

    register_callback = staticmethod(register)

    def __getattr__(self, name):
        return getattr(sys.monitoring, name)


def install():
    """Put the function above in its place, and make up for the frame that it adds."""
    monitor.monitoring = Monitoring()
    pure.sys = pure_frames.sys = SimpleNamespace(**vars(sys) | {"_getframe": lambda depth=0: sys._getframe(depth + 2)})
