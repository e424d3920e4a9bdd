"""Whether two samples show the same value, a different one, or only that there was one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..selection import masked

if TYPE_CHECKING:
    from ..._values.sample import Sample

__all__ = ["are_unknown", "differing", "same"]

_TEXTS = ("str", "bytes", "bytearray")  # the types whose texts show nothing but their own characters
_NAME = r"(?:[^<>]|<\w+>)*?"  # of a type, perhaps with <locals>
_ADDRESS_ALONE = re.compile(
    rf"""
    < (?! function\s | bound | built-in\s | method-wrapper\s | code\s | frame\s )
    {_NAME}\ at\ 0x
    """,
    re.X,
)
_CUT_BEFORE_ADDRESS = re.compile(r"<(?:[\w.]|<\w+>)+(?: o?b?j?e?c?t?)?(?: a?t?)?\.\.\.")
_MODULE = re.compile(r"<module '([^']*)'")


def same(a: Sample, b: Sample) -> bool:
    """Return whether two samples show the same value: of the same type, with the same text but for addresses.

    Modules are the same if they have the same name.
    """
    if a == b:
        return True
    if a[0] != b[0] or a[0] in _TEXTS:
        return False
    if a[0] == "module":
        names = [found and found[1] for found in (_MODULE.match(a[1]), _MODULE.match(b[1]))]
        return bool(names[0] and names[0] == names[1])
    texts = [masked(text) for text in (a[1], b[1])]
    if texts[0] == texts[1]:
        return True
    if " at 0x" not in a[1] + b[1] or not all(text.endswith("...") for text in texts):
        return False
    # Both were cut, after addresses of different lengths or within one: compare what is left of the shorter text.
    short, long = sorted((text.removesuffix("...") for text in texts), key=len)
    return long.startswith(short)


def differing(a: list[Sample], b: list[Sample]) -> int | None:
    """Return the index of the first samples that differ, as far as both lists go."""
    return next((i for i, both in enumerate(zip(a, b, strict=False)) if not same(*both)), None)


def are_unknown(a: Sample | None, b: Sample | None) -> bool:
    """Return whether two samples look the same, but show a value only by its address: it may be any other."""
    if a is None or b is None or a[0] in _TEXTS or not same(a, b):
        return False
    return bool(_ADDRESS_ALONE.search(a[1]) or _CUT_BEFORE_ADDRESS.fullmatch(a[1]))
