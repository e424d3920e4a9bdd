"""A trace as a page, and as the piece of HTML that notebooks show."""

from .whole_page import environment, fragment, is_available, page, to_script_json, write

__all__ = ["environment", "fragment", "is_available", "page", "to_script_json", "write"]
