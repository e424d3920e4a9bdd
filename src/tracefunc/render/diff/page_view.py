"""A difference as a page: one HTML file that loads nothing and runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import html_templates
from ..text.rows import plain
from .sections import sections

if TYPE_CHECKING:
    from os import PathLike

    from ...results import Difference

__all__ = ["write_page"]

_WIDTH = 100


def write_page(difference: Difference, path: str | PathLike[str]) -> None:
    """Write the page into the file `path`, in UTF-8.

    Raises ImportError where Jinja2 is missing, and OSError where the file cannot be written.
    """
    template = html_templates.environment().get_template("diff.html.jinja")
    from markupsafe import Markup

    style = html_templates.file_text("diff.css")
    text = template.render(
        policy=html_templates.content_security_policy(style_src=html_templates.source_hash(style)),
        style=Markup(style),
        sections=[
            (section.title, [(mark, plain([row])) for mark, row in section.rows])
            for section in sections(difference, _WIDTH)
        ],
    )
    with open(path, "wb") as file:
        file.write(html_templates.encoded(text))
