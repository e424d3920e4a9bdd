"""A module of everything that a target's name can reach."""

import dataclasses
import functools
import os.path

join = os.path.join  # not defined here


def price(item, discount=0):
    def rounded(value):
        return round(value, 2)

    return rounded(len(item) * (1 - discount))


@functools.lru_cache(maxsize=None)
def cached(item):
    return item.upper()


class Basket:
    """A basket, with every kind of method."""

    def __new__(cls, *items):
        self = super().__new__(cls)
        return self

    def __init__(self, *items):
        self.items = list(items)

    def add(self, item):
        self.items.append(item)
        return self

    @property
    def total(self):
        return sum(map(price, self.items))

    @total.setter
    def total(self, value):
        self.items = [value]

    @staticmethod
    def kinds():
        return ("basket",)

    @classmethod
    def empty(cls):
        return cls()

    @functools.cached_property
    def first(self):
        return self.items[0]

    add_apple = functools.partialmethod(add, "apple")

    class Label:
        def text(self):
            return "basket"

    def __call__(self, n):
        return self.items * n


class Big(Basket):
    def add(self, item):
        for _ in range(2):
            super().add(item)
        return self


@dataclasses.dataclass
class Item:
    name: str

    def shout(self):
        return self.name.upper()


@functools.singledispatch
def shown(value):
    return "other"


@shown.register
def _(value: int):
    return "int"


def use():
    basket = Basket("pear")
    basket.add("fig").add_apple()
    Big().add("kiwi")
    cached("a"), cached("a")
    basket.total = basket.total + len(Basket.kinds()) + len(Basket.empty().items)
    return basket.first, Basket.Label().text(), Item("plum").shout(), shown(1), shown("a"), basket(2), join("a", "b")
