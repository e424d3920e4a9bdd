"""The texts of a trace that its records refer to by number: names of types and of threads, stacks."""

from __future__ import annotations


class Texts:
    """A table of texts, each with its number. Any thread may ask at any moment, a signal's handler as well."""

    __slots__ = ("all", "numbers")

    def __init__(self) -> None:
        self.all = [""]  # by number; a text that two threads ask for at once may be in it twice
        self.numbers = {"": 0}

    def number(self, text: str) -> int:
        """Return the number of a plain `str`, a new one if it has none yet."""
        number = self.numbers.get(text)
        if number is not None:
            return number
        self.all.append(text)
        number = len(self.all) - 1
        while self.all[number] is not text:  # others were appended meanwhile
            number -= 1
        return self.numbers.setdefault(text, number)
