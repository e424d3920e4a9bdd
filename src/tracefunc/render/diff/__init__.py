"""Two traces side by side."""

from .comparison import Difference, compare

__all__ = ["Difference", "compare"]
