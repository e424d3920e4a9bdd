"""What all views in HTML share: the templates' environment, their files, and the policy of what a page may do."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import import_module, resources
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "check_installed",
    "content_security_policy",
    "encoded",
    "environment",
    "file_text",
    "is_installed",
    "source_hash",
]

_NAMES = {"jinja2": "Jinja2", "pygments": "Pygments"}


def is_installed(*modules: str) -> bool:
    """Return whether all of these modules can be found."""
    return all(find_spec(module) for module in modules)


def check_installed(*modules: str) -> None:
    """Raise ImportError, with the command that helps, where one of these modules cannot be imported."""
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            needed = " and ".join(_NAMES[name] for name in modules)
            raise ImportError(
                f"showing a trace as HTML needs {needed}, and {module} cannot be imported ({error}): "
                "pip install 'tracefunc[html]'",
                name=module,
            ) from error


def environment() -> Environment:
    """Return the environment that renders all templates; raises ImportError where Jinja2 is missing."""
    check_installed("jinja2")
    return _environment()


@cache
def _environment() -> Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(file_text),
        autoescape=True,  # always: the names of the templates do not end in .html
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def file_text(name: str) -> str:
    """Return the text of a file in the folder `templates`."""
    return (resources.files("tracefunc.render") / "templates" / name).read_text(encoding="utf-8")


def content_security_policy(**allowed: str) -> str:
    """Return the policy of a page on which nothing is allowed but this, such as `style_src=source_hash(style)`."""
    rules = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    rules |= {directive.replace("_", "-"): source for directive, source in allowed.items()}
    return "; ".join(f"{directive} {source}" for directive, source in rules.items())


def source_hash(text: str) -> str:
    """Return the source expression by which a policy allows a script or style sheet that stands in the page."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def encoded(page: str) -> bytes:
    """Return a page in UTF-8; lone surrogates, which a `repr` may hold and UTF-8 cannot, are escaped."""
    return page.encode("utf-8", "backslashreplace")
