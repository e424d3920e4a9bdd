"""A trace as a page, and as the piece of HTML that notebooks show."""

from .extra import environment, is_available
from .notebook_fragment import fragment
from .whole_page import page, write

__all__ = ["environment", "fragment", "is_available", "page", "write"]
