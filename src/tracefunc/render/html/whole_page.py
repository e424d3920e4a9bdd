"""The page that shows a trace, in one HTML file of its own, and the fragment of it that notebooks show."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from jinja2 import Environment

    from ...results import TraceResults

# What could end the script element that the data is in, or start another one; JSON reads the escapes as the same.
_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


def write(results: TraceResults, path: str | PathLike[str], *, title: str | None = None) -> None:
    """Write the page into the file `path`: UTF-8, nothing outside it is loaded.

    Raises ImportError when Jinja2 or Pygments is missing, and OSError.
    """
    text = page(results, title=title)
    with open(path, "wb") as file:
        file.write(_encoded(text))


def page(results: TraceResults, *, title: str | None = None) -> str:
    """Return the page as text; raises ImportError when Jinja2 or Pygments is missing."""
    templates = environment()
    from markupsafe import Markup

    from .page_data import page_data

    data = page_data(results)
    if title is None:
        title = ", ".join(dict.fromkeys(target["function"] for target in data["targets"])) or "no calls"
    script = (
        '"use strict";\n{\n' + _template("model.js") + _template("page.js") + "}\n"
    )  # a block: nothing becomes a global name
    style = _template("page.css")
    return templates.get_template("page.html.jinja").render(
        title=title,
        policy=_policy(script, style),
        script=Markup(script),
        style=Markup(style),
        data=Markup(to_script_json(data)),
    )


def fragment(results: TraceResults) -> str:
    """Return the calls as HTML without a script, for a notebook; at most `tracefunc.render.fragment.LIMIT` characters.

    Raises ImportError when Jinja2 or Pygments is missing.
    """
    templates = environment()
    from .notebook_fragment import fragment

    text = fragment(results, templates.get_template("fragment.html.jinja").module, _template("fragment.css"))
    return _encoded(text).decode()


def is_available() -> bool:
    """Return whether Jinja2 and Pygments are installed."""
    from importlib.util import find_spec

    return all(find_spec(name) for name in ("jinja2", "pygments"))


def to_script_json(data: Any) -> str:
    """Return `data` as JSON that can stand in a script element: in ASCII, without `<`, `>` and `&`."""
    return json.dumps(data, separators=(",", ":")).translate(_ESCAPES)


@cache
def environment() -> Environment:
    """Return what makes HTML of the templates; every value in them is escaped."""
    for name in ("jinja2", "pygments"):
        try:
            import_module(name)
        except ImportError as error:
            raise ImportError(
                f"showing a trace as HTML needs Jinja2 and Pygments, and {name} cannot be imported ({error}): "
                "pip install tracefunc[html]",
                name=name,
            ) from error
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,  # always: the names of the templates do not end in .html
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _template(name: str) -> str:
    return (resources.files("tracefunc.render") / "templates" / name).read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    """The content security policy: these two texts may work, nothing else, and nothing may be loaded."""
    allowed = {"script-src": script, "style-src": style}
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "img-src data:"]
    for kind, text in allowed.items():
        rules.append(f"{kind} 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
    return "; ".join(rules)


def _encoded(text: str) -> bytes:
    """UTF-8; a `repr` may hold lone surrogates, which have none."""
    return text.encode("utf-8", "backslashreplace")
