"""What MkDocs does besides when it builds the site: leaves out missing pictures, refuses pages that load something."""

import re
from pathlib import Path

from mkdocs.exceptions import PluginError

_PICTURE = re.compile(r"^!\[[^\]]*\]\((pictures/[^)]+)\)(?:\{[^}]*\})?\n", re.M)
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\ssrc=["']?(?:https?:)?//[^\s"'>]+"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preconnect|preload|icon))[^>]*\shref=["']?(?:https?:)?//[^\s"'>]+"""
)


def on_page_markdown(markdown, page, config, files):
    """Leave out pictures whose files have not been made: a page without them is still a page."""
    folder = Path(config["docs_dir"])
    return _PICTURE.sub(lambda found: found[0] if (folder / found[1]).exists() else "", markdown)


def on_post_build(config):
    """Fail when a page would load anything from another place than the site."""
    for path in sorted(Path(config["site_dir"]).rglob("*.html")):
        found = _LOADED.findall(path.read_text(encoding="utf-8"))
        if found:
            raise PluginError("{} loads from elsewhere: {}".format(path, ", ".join(found)))
