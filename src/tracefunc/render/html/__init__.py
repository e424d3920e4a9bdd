"""A trace as a page, and as the piece of HTML that notebooks show."""

from .page import environment, fragment, is_available, write

__all__ = ["environment", "fragment", "is_available", "write"]
