"""What the extra `tracefunc[html]` installs, and the templates' environment where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import html_templates

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "is_available"]

_NEEDED = ("jinja2", "pygments")


def is_available() -> bool:
    """Return whether Jinja2 and Pygments are installed."""
    return html_templates.is_installed(*_NEEDED)


def environment() -> Environment:
    """Return the environment of the templates; raises ImportError where Jinja2 or Pygments is missing."""
    html_templates.check_installed(*_NEEDED)
    return html_templates.environment()
