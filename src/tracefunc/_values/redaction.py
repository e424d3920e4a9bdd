"""What `redact` hides: values by the names that they have, and exceptions that may tell of them."""

from __future__ import annotations

from .._forks import importing
from .instance_dict import attribute, attributes_of
from .plain_text import plain
from .static_types import MEMBER, mro_of, namespace_of, stdlib_module

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType
    from typing import Any

_MOST_KNOWN = 10_000  # names
_MOST_CHAINED = 1_000  # exceptions


class Redaction:
    """The names, or globs of names, whose values are hidden."""

    __slots__ = ("_known", "_matches", "patterns")

    def __init__(self, patterns: tuple[str, ...]) -> None:
        with importing:
            from fnmatch import fnmatchcase

        self.patterns = patterns
        self._matches: Callable[[str, str], bool] = fnmatchcase
        self._known: dict[str, bool] = {}

    def hides(self, name: str) -> bool:
        """Return whether the values of that name are hidden; a mangled name counts as the one in the source, too."""
        found = self._known.get(name)
        if found is None:
            names = [name]
            if name.startswith("_") and "__" in name[2:]:
                names.append(name[name.index("__", 2) :])
            found = any(self._matches(other, pattern) for other in names for pattern in self.patterns)
            if len(self._known) < _MOST_KNOWN:
                self._known[name] = found
        return found

    def hides_key(self, key: Any) -> bool:
        """Return whether what a mapping has under that key is hidden: a text, a member of an enum, or a tuple of these.

        Runs no code of the program.
        """
        kind = type(key)
        if kind is str:
            return self.hides(key)
        bases = mro_of(kind)
        if any(base is str for base in bases):
            return self.hides(plain(key))
        if any(base is bytes for base in bases):
            return self.hides(bytes.decode(key, "latin-1"))
        if any(base is tuple for base in bases):
            return any(type(part) is str and self.hides(part) for part in tuple.__iter__(key))
        enum = stdlib_module("enum").get("EnumType")
        if enum is not None and any(base is enum for base in mro_of(type(kind))):
            names = attribute(key, kind, "_name_"), attribute(key, kind, "_value_")
            return any(type(name) is str and self.hides(name) for name in names)
        return False

    def mentions(self, code: CodeType) -> bool:
        """Return whether a code object uses one of the names: as a variable, an attribute, a keyword or a constant."""
        names = (*code.co_varnames, *code.co_cellvars, *code.co_freevars, *code.co_names)
        return any(map(self.hides, names)) or any(map(self.hides, _texts(code.co_consts)))

    def tells(self, error: BaseException) -> bool:
        """Return whether an exception may tell of a hidden value.

        That is so if it has such a name as an attribute, if it was raised in code that uses such a name or has passed
        through it, and if that is true of its cause, its context or an exception in its group. No code of the program
        runs.
        """
        seen: set[int] = set()
        waiting: list[BaseException] = [error]
        while waiting and len(seen) < _MOST_CHAINED:
            one = waiting.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if self._has_attribute(one) or self._has_passed(one):
                return True
            waiting += _connected(one)
        return bool(waiting)

    def _has_attribute(self, error: BaseException) -> bool:
        kind = type(error)
        if any(self.hides(name) for name, _ in attributes_of(error, kind)):
            return True
        return any(
            type(name) is str and type(found) is MEMBER and "__slots__" in namespace_of(base) and self.hides(name)
            for base in mro_of(kind)
            for name, found in list(namespace_of(base).items())
        )

    def _has_passed(self, error: BaseException) -> bool:
        traceback: Any = _OF_EXCEPTION["__traceback__"].__get__(error)
        codes: dict[int, CodeType] = {}
        while traceback is not None:
            code = traceback.tb_frame.f_code
            codes[id(code)] = code
            traceback = traceback.tb_next
        return any(map(self.mentions, codes.values()))


_OF_EXCEPTION: Any = BaseException.__dict__


def _connected(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that a traceback shows together with one."""
    for name in ("__cause__", "__context__"):
        other = _OF_EXCEPTION[name].__get__(error)
        if other is not None:
            yield other
    if any(base is BaseExceptionGroup for base in mro_of(type(error))):
        members: Any = BaseExceptionGroup.__dict__["exceptions"]
        for member in members.__get__(error):
            if any(base is BaseException for base in mro_of(type(member))):
                yield member


def _texts(constants: tuple[object, ...]) -> Iterator[str]:
    """Yield the texts among the constants of a code object, those in tuples too: keys, and the names of keywords."""
    for constant in constants:
        if type(constant) is str:
            yield constant
        elif type(constant) is tuple:
            yield from _texts(constant)
