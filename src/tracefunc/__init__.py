"""tracefunc: run a function and see what each of its lines did."""

from .core import tracefunc
from .results import TraceResults

__version__ = "1.0.0"
__all__ = ["TraceResults", "__version__", "tracefunc"]
