"""The page that shows a trace: one HTML file that holds its data, script and style, and loads nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..._collector import Paused
from .. import html_templates
from .extra import environment

if TYPE_CHECKING:
    from os import PathLike

    from ...results import TraceResults

__all__ = ["SCRIPTS", "page", "page_script", "write"]

# The modules of the page's script, each after those that it imports.
SCRIPTS = (
    "samples.js",
    "steps.js",
    "search.js",
    "model.js",
    "elements.js",
    "state.js",
    "parts.js",
    "stepper.js",
    "line_view.js",
    "source_view.js",
    "call_view.js",
    "search_view.js",
    "paper.js",
    "page.js",
)
_IMPORT_OR_EXPORT = re.compile(r"^import\b[^;]*;\n|^export (?=\w)", re.M)

# What could end the script element that holds the data, or start another one. JSON reads the escapes as the same text.
_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


def write(results: TraceResults, path: str | PathLike[str], *, title: str | None = None) -> None:
    """Write the page into the file `path`, in UTF-8.

    Raises ImportError where Jinja2 or Pygments is missing, and OSError where the file cannot be written.
    """
    text = page(results, title=title)
    with open(path, "wb") as file:
        file.write(html_templates.encoded(text))


def page(results: TraceResults, *, title: str | None = None) -> str:
    """Return the page as text; raises ImportError where Jinja2 or Pygments is missing."""
    templates = environment()
    from markupsafe import Markup

    with Paused():
        data, functions = _data(results)
    script = page_script()
    style = html_templates.file_text("page.css")
    policy = html_templates.content_security_policy(
        img_src="data:",  # the empty icon
        script_src=html_templates.source_hash(script),
        style_src=html_templates.source_hash(style),
    )
    return templates.get_template("page.html.jinja").render(
        title=functions if title is None else title,
        policy=policy,
        script=Markup(script),
        style=Markup(style),
        data=Markup(data),
    )


def _data(results: TraceResults) -> tuple[str, str]:
    """Return what the script reads, as JSON, and the names of the targets. All else is gone when this returns."""
    from .page_data import page_data

    data = page_data(results)
    functions = ", ".join(dict.fromkeys(target["function"] for target in data["targets"])) or "no calls"
    return _script_json(data), functions


def page_script(*names: str) -> str:
    """Return modules of the page's script, by default all of them, joined into one script without imports and exports.

    The script is one block, so that none of its names becomes global.
    """
    parts = [_IMPORT_OR_EXPORT.sub("", html_templates.file_text(name)) for name in names or SCRIPTS]
    return '"use strict";\n{\n' + "".join(parts) + "}\n"


def _script_json(data: Any) -> str:
    """Return `data` as JSON that can stand in a script element: in ASCII, without `<`, `>` and `&`."""
    return json.dumps(data, separators=(",", ":")).translate(_ESCAPES)
