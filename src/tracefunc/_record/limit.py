"""A limit: how many calls, samples or yielded values are kept, and which ones."""

from __future__ import annotations

import sys


class Limit:
    """How many items of a list are kept, and which one makes room for a new one.

    `most`: how many, `sys.maxsize` where there is no limit. `surplus`: the index, in a list with one item more than
    that, of the item that is dropped; -1: the new one is not taken.
    """

    __slots__ = ("most", "surplus")

    def __init__(self, most: int | None, keep: str) -> None:
        self.most = sys.maxsize if most is None else most
        self.surplus = -1
        if most is not None and keep != "first":
            self.surplus = (most + 1) // 2 if keep == "ends" else 0
