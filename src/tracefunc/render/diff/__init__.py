"""Two traces side by side."""

from ...results import Difference
from .comparison import compare

__all__ = ["Difference", "compare"]
