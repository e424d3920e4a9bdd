"""Suggestions, in an error message, of names that resemble one that does not exist."""

from __future__ import annotations

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def similar(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of the `known` names that resemble `name`, the most similar one first."""
    from difflib import get_close_matches

    return get_close_matches(name, list(known), 3)


def did_you_mean(names: Sequence[str]) -> str:
    """Return a sentence that suggests `names`, with a space before it; "" when there are none."""
    if not names:
        return ""
    *others, last = names
    return f" Did you mean {', '.join(others)}{' or ' * bool(others)}{last}?"
