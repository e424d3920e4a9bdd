"""Plain strings: a text without its subclass, one with escapes, and the name of a class whatever its metaclass does."""

from __future__ import annotations

REDACTED_TEXT = "<redacted>"  # stands for what must not be shown


def plain(text: str) -> str:
    """The same characters as a plain `str`: cutting one of a subclass runs code, and it may hold anything."""
    return text if type(text) is str else "".join((text,))


def name_of(kind: type) -> str:
    """The `__name__` of a class; its own one where its metaclass raises."""
    try:
        return plain(kind.__name__)
    except Exception:
        return own_name(kind)


def own_name(kind: type) -> str:
    """The `__name__` of a class, whatever its metaclass says."""
    return plain(type.__dict__["__name__"].__get__(kind))


def escaped(text: str) -> str:
    """Return `text` with characters that are invisible, or move the cursor, as in its `repr`: `\\n`, `\\x1b`, ..."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
