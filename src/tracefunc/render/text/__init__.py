"""A trace as text."""

from .report import markdown, show, text

__all__ = ["markdown", "show", "text"]
