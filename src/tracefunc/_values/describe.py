"""Describe a value in fifty characters, without disturbing it.

Every name of every sampled line is described, so the common cases come first: a small number, a short string, a list of
these. The others must still be exact: the text of a value is its `repr`, cut, and nothing else.
"""

from __future__ import annotations

import sys

from .arrays import shortened
from .builtin_reprs import ATOMS, CONTAINERS, LEAVES, Walk, walk
from .instance_dict import prepare
from .open_reprs import open_reprs
from .plain_text import REDACTED_TEXT, name_of, own_name, plain
from .safe_repr import safe_repr, safe_walk, search

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .redaction import Redaction

    Describe = Callable[[Any], tuple[str, str]]

__all__ = ["describe", "describer", "outliner", "shown_by_repr"]

WIDTH = 50  # characters of a description, unless another number is asked for

# Which values a function of `describer` shows by their repr alone, cut, each with those before it. All are of exactly a
# built-in type: NUMBERS_AND_STRINGS (bytes, booleans and None as well); containers of these; and OBJECTS, which have no
# repr of their own. Where objects are asked for their repr, a container is shown as "[...]" if its own is under way.
NOTHING, NUMBERS_AND_STRINGS, CONTAINERS_TOO, OBJECTS = range(4)


def describe(value: Any) -> tuple[str, str]:
    """Return the name of the type of `value` and its `repr`, cut to 50 characters, the last three then "...".

    A repr that raises an `E` gives `<repr-error E: message>`, cut likewise; an exception that is not an `Exception`
    (KeyboardInterrupt, SystemExit) propagates. Both texts are plain `str`s. No reference to `value` is kept.

    For the built-in strings, bytes, integers and containers, nested ones included, the cost does not grow with the
    size: work stops once 50 characters are known, and the text is that of the full repr. One difference is deliberate:
    an element beyond that point is not looked at, so it cannot raise and turn the text into an error's. Subclasses and
    all other types are asked for their whole repr.
    """
    kind = type(value)
    which = id(kind)
    if (kind is int and -(1 << 100) < value < 1 << 100) or which in ATOMS:
        return kind.__name__, repr(value)
    try:
        if which in LEAVES:
            text = LEAVES[which](value, WIDTH)
        elif which in CONTAINERS:
            text = walk(value, WIDTH, Walk(open_reprs(), _ask_repr))
        else:
            text = _ask_repr(value, WIDTH)
    except Exception as error:
        text = _broken(error)
    return name_of(kind), text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def describer(
    width: int | None, show: Callable[[Any], str] | None = None, redaction: Redaction | None = None
) -> Describe:
    """Return a function like `describe` for texts of `width` characters (None: of any length).

    `show` takes the place of `repr`. The text that it returns is cut too; an `E` that it raises gives
    `<repr-error E: message>`. What `redaction` hides is in no text: items and fields of such names are replaced, and no
    code of the program makes the text of an object that has some, or that cannot be looked into.
    """
    if show is None or show is repr:
        if redaction is not None:
            prepare()
            walker = _walker(width, lambda: Walk(open_reprs(), _ask_repr_if_harmless, redaction=redaction), name_of)
            return _noted(walker, width, NUMBERS_AND_STRINGS)
        return describe if width == WIDTH else _noted(_walker(width, _repr_walk, name_of), width, OBJECTS)
    if show is safe_repr:
        prepare()
        shown = CONTAINERS_TOO if redaction is None else NUMBERS_AND_STRINGS
        return _noted(_walker(width, lambda: safe_walk(redaction), own_name), width, shown)

    if redaction is not None:
        prepare()

    def text_of(value: Any) -> str:
        if redaction is not None and search(value, redaction).found:
            return REDACTED_TEXT
        text = show(value)
        if not isinstance(text, str):
            raise TypeError(f"describe() must return a str, not {name_of(type(text))}")
        return plain(text)

    return _describer(width, text_of, name_of)


def outliner(
    width: int | None, show: Callable[[Any], str] | None = None, redaction: Redaction | None = None
) -> Describe:
    """Return a function that describes values where no code of the program may run, unless `show` runs some.

    Its texts are those of `safe_repr`.
    """
    return describer(width, safe_repr if show is None or show is repr else show, redaction)


def shown_by_repr(describe: Describe) -> tuple[int, int]:
    """Return which values such a function shows by their repr alone, and how many characters there are for a text."""
    noted = getattr(describe, "__dict__", {}).get("shown_by_repr", (NOTHING, sys.maxsize))
    return noted  # type: ignore[no-any-return]


def _noted(describe: Describe, width: int | None, shown: int) -> Describe:
    describe.__dict__["shown_by_repr"] = (shown, sys.maxsize if width is None else width)
    return describe


_noted(describe, WIDTH, OBJECTS)


def _walker(width: int | None, new_walk: Callable[[], Walk], name_of: Callable[[type], str]) -> Describe:
    room = sys.maxsize if width is None else width
    return _describer(width, lambda value: walk(value, room, new_walk()), name_of)


def _repr_walk() -> Walk:
    return Walk(open_reprs(), _ask_repr)


def _describer(width: int | None, text_of: Callable[[Any], str], name_of: Callable[[type], str]) -> Describe:
    room = sys.maxsize if width is None else width

    def describe_so(value: Any) -> tuple[str, str]:
        try:
            text = text_of(value)
        except Exception as error:
            text = _broken(error)
        return name_of(type(value)), text if len(text) <= room else text[: max(room - 3, 0)] + "..."[:room]

    return describe_so


def _broken(error: Exception) -> str:
    try:
        message = plain(f"{error}")
    except Exception:
        message = "<exception str() failed>"
    return f"<repr-error {name_of(type(error))}: {message}>"


def _ask_repr(value: Any, room: int, shared: Walk | None = None) -> str:
    """The repr of a value whose type has no leaf or walker; that of an array is made of its first elements."""
    return plain(repr(shortened(value, room) if "array" in sys.modules else value))


def _ask_repr_if_harmless(value: Any, room: int, shared: Walk) -> str:
    """The repr of a value that certainly holds nothing which is hidden; any other value is shown as by `safe_repr`."""
    redaction = shared.redaction
    assert redaction is not None
    known = search(value, redaction)
    if known.found or known.overlooks:
        return walk(value, room, safe_walk(redaction))
    return _ask_repr(value, room)
