"""tracefunc: run a function and see what each of its lines did."""

from ._values import safe_repr
from .core import Tracer, tracefunc
from .results import TraceResults

__version__ = "1.0.0"
__all__ = ["TraceResults", "Tracer", "__version__", "safe_repr", "tracefunc"]
