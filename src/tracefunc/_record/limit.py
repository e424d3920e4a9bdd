"""A limit: how many calls, samples or yielded values are kept, and which of them."""

from __future__ import annotations

import sys


class Limit:
    """How many items of a list are kept, and which item makes room for a new one.

    `most`: how many, `sys.maxsize` where there is no limit. `surplus`: the index of the item that is deleted once the
    list has one item too many, or -1 if new items are not added then.
    """

    __slots__ = ("most", "surplus")

    def __init__(self, most: int | None, keep: str) -> None:
        """`most`: None for no limit; `keep`: "first", "last" or "ends"."""
        self.most = sys.maxsize if most is None else most
        self.surplus = -1
        if most is not None and keep != "first":
            self.surplus = (most + 1) // 2 if keep == "ends" else 0
