"""tracefunc: run a function and see what each of its lines did."""

from __future__ import annotations

from ._values import safe_repr
from .core import Tracer, tracefunc
from .results import TraceResults

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

__version__ = "1.0.0"
__all__ = ["TraceResults", "Tracer", "__version__", "safe_repr", "tracefunc"]


def load_ipython_extension(shell: Any) -> None:
    """Add `%tracefunc` and `%%tracefunc` to an IPython shell: what `%load_ext tracefunc` calls."""
    from .ipython import load

    load(shell)
