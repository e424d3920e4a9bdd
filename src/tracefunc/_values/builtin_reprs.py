"""The reprs of built-in types, as far as there is room for them, by walking through containers.

A leaf (of a type without elements) or a walker (of a container) returns the whole repr if that has at most `room`
characters (there is room for one at least); otherwise a text longer than `room` that begins like the repr for so long.
"""

from __future__ import annotations

import sys
from itertools import islice

from .._forks import importing
from .._interpreter import HAS_FROZENDICT
from .plain_text import REDACTED_TEXT

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections import OrderedDict, defaultdict, deque
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from .redaction import Redaction

    Leaf = Callable[[Any, int], str]
    Walker = Callable[[Any, int, "Walk"], str]
else:  # the same types, without the import time of `collections`
    from _collections import OrderedDict, defaultdict, deque


UNOPENED = "(...)"  # ends the text of an object whose fields are not shown


class Walk:
    """What the leaves and walkers of one description share."""

    __slots__ = ("depth", "found", "is_safe", "opened", "other", "overlooks", "redaction", "searches")

    def __init__(
        self, opened: list[Any], other: Walker, is_safe: bool = False, redaction: Redaction | None = None
    ) -> None:
        self.opened = opened  # the containers whose repr is under way in this thread
        self.other = other  # describes what is neither a leaf nor a container
        self.is_safe = is_safe  # whether no code of the program may run
        self.depth = 0  # how many objects' fields are being shown, one within the other
        self.redaction = redaction  # which items and fields are hidden; None: none is
        self.searches = False  # whether the text does not matter, but what would be hidden, however deep it is
        self.found = False  # whether something is hidden
        self.overlooks = False  # whether there are values that cannot be seen

    def hides_key(self, key: Any) -> bool:
        """Whether what a mapping has under a key is hidden."""
        if self.redaction is None or not self.redaction.hides_key(key):
            return False
        self.found = True
        return True


def walk(value: Any, room: int, shared: Walk) -> str:
    """Return the text of a value of any type, as leaves and walkers do for theirs."""
    kind = type(value)
    which = id(kind)
    if shared.searches and (which in ATOMS or which in LEAVES or _holds_only_leaves(value, kind)):
        return "_"
    if which in ATOMS or (kind is int and -(1 << 100) < value < 1 << 100) or (kind is str and len(value) <= room):
        return repr(value)
    if (leaf := LEAVES.get(which)) is not None:
        return leaf(value, room)
    if (container := CONTAINERS.get(which)) is None:
        return shared.other(value, room, shared)
    again, walker = container
    if not again:
        return walker(value, room, shared)
    if (
        (kind is list or kind is tuple)
        and len(value) <= (many := max(room, 0) // 3 + 2)
        and _are_numbers(value[:many])  # of a copy: another thread may be at the list
    ):
        return repr(value)
    return once(value, room, shared, again, walker)


def once(value: object, room: int, shared: Walk, again: str, walker: Walker) -> str:
    """Walk a container, unless its repr is under way already: then `again` stands for it."""
    for other in shared.opened:
        if other is value:
            return again
    try:
        shared.opened.append(value)
        return walker(value, room, shared)
    finally:
        _close(value, shared.opened)


def _close(value: object, opened: list[Any]) -> None:
    """Remove `value`, the last one unless its repr switched to a greenlet that is still inside another container."""
    for index in range(len(opened) - 1, -1, -1):
        if opened[index] is value:
            del opened[index]
            break


def join_items(text: str, items: Iterable[object], room: int, shared: Walk) -> str:
    """Append elements to `text` until it has `room` characters: with the closing bracket it is longer than `room`."""
    separator = ""
    last = ""
    for item in items:
        text += separator
        if len(text) >= room:
            break
        shown = walk(item, room - len(text), shared)
        if shared.depth and shown == last and shown.endswith(UNOPENED):
            return text + "..."  # one more object that is shown by its type alone
        text += shown
        separator, last = ", ", shown
    return text


def _holds_only_leaves(value: Any, kind: type) -> bool:
    """Whether a built-in container without keys holds no other container, and no object."""
    if not (kind is list or kind is set or kind is frozenset or kind is deque or (kind is tuple and len(value) != 2)):
        return False
    return all(which in ATOMS or which in LEAVES for which in map(id, map(type, tuple(value))))


def _are_numbers(items: Sequence[Any]) -> bool:
    """Whether these are numbers, none of them long: then the built-in repr will do. (A `nan` may count as long.)"""
    return bool(
        items and _NUMBERS.issuperset(map(id, map(type, items))) and min(items) > -(1 << 100) and max(items) < 1 << 100
    )


def head_of(items: Iterable[Any], room: int) -> list[Any]:
    """The first elements, more than fit, in a list of their own: a repr may change the container."""
    many = max(room, 0) // 2 + 2  # do not fit even if each one's repr is empty: separators have two characters
    try:
        return list(islice(items, many))
    except RuntimeError:  # another thread changed it right now, which takes a Python without the GIL
        return list(items)[:many]


def _walk_list(value: list[Any], room: int, shared: Walk) -> str:
    many = max(room, 0) // 3 + 2  # elements do not fit, if each has a character at least
    if len(value) > many and _are_numbers(head := value[:many]):
        return repr(head)
    return join_items("[", value, room, shared) + "]"


def _walk_tuple(value: tuple[Any, ...], room: int, shared: Walk) -> str:
    if len(value) == 2 and shared.redaction is not None and type(value[0]) is str and shared.hides_key(value[0]):
        return f"({walk(value[0], max(room - 1, 1), shared)}, {REDACTED_TEXT})"  # an item of a mapping
    many = max(room, 0) // 3 + 2  # elements do not fit, if each has a character at least
    if len(value) > many and _are_numbers(head := value[:many]):
        return repr(head)
    return join_items("(", value, room, shared) + (",)" if len(value) == 1 else ")")


def _walk_dict(value: dict[Any, Any], room: int, shared: Walk) -> str:
    return walk_pairs(value.items(), room, shared)


def walk_pairs(pairs: Iterable[tuple[Any, Any]], room: int, shared: Walk) -> str:
    """The text of a dictionary with these items."""
    text, separator = "{", ""
    for key, item in head_of(pairs, room):
        text += separator
        if len(text) >= room:
            break
        text += walk(key, room - len(text), shared) + ": "
        if len(text) >= room:
            break
        text += REDACTED_TEXT if shared.hides_key(key) else walk(item, room - len(text), shared)
        separator = ", "
    return text + "}"


def _walk_set(value: set[Any], room: int, shared: Walk) -> str:
    head = head_of(value, room)
    return join_items("{", head, room, shared) + "}" if head else "set()"


def _walk_frozenset(value: frozenset[Any], room: int, shared: Walk) -> str:
    return join_items("frozenset({", head_of(value, room), room, shared) + "})" if value else "frozenset()"


def _walk_deque(value: deque[Any], room: int, shared: Walk) -> str:
    end = "])" if value.maxlen is None else f"], maxlen={value.maxlen})"
    return join_items("deque([", head_of(value, room), room, shared) + end


def _walk_view(value: Iterable[Any], room: int, shared: Walk) -> str:
    return join_items(type(value).__name__ + "([", head_of(value, room), room, shared) + "])"


def _walk_values(value: Any, room: int, shared: Walk) -> str:
    """The view of a dictionary's values, which have the names that are its keys."""
    if shared.redaction is None:
        return _walk_view(value, room, shared)
    from gc import get_referents  # built in

    [mapping] = get_referents(value.mapping)
    text, separator = "dict_values([", ""
    for key, item in head_of(dict.items(mapping), room):
        text += separator
        if len(text) >= room:
            break
        text += REDACTED_TEXT if shared.hides_key(key) else walk(item, room - len(text), shared)
        separator = ", "
    return text + "])"


def _walk_ordereddict(value: OrderedDict[Any, Any], room: int, shared: Walk) -> str:
    text = "OrderedDict("
    pairs = ordered_pairs(value) if shared.is_safe else value.items()
    return text + walk_pairs(pairs, room - len(text), shared) + ")" if value else text + ")"


def ordered_pairs(value: OrderedDict[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """The items of an OrderedDict, or of a subclass, without running code of the program.

    Its own iterators look each key up again, which calls `__hash__`. A plain dictionary's do not; they show a key that
    `move_to_end` has moved in its old place.
    """
    are_few = dict.__len__(value) <= _FEW_KEYS
    if are_few and all(id(type(key)) in _HASHED_BY_US for key in dict.keys(value)):
        return OrderedDict.items(value)
    return dict.items(value)


def _walk_defaultdict(value: defaultdict[Any, Any], room: int, shared: Walk) -> str:
    text = "defaultdict(" + once(value.default_factory, room, shared, "...", walk) + ", "
    return text + once(value, room - len(text), shared, "{...}", _walk_dict) + ")"


def _walk_frozendict(value: dict[Any, Any], room: int, shared: Walk) -> str:
    text = "frozendict("
    return text + once(value, room - len(text), shared, "{...}", _walk_dict) + ")" if value else text + ")"


def _leaf_str(value: str, room: int) -> str:
    if len(value) <= room:
        return repr(value)
    # The whole string decides which quotes its repr has. This quote, appended, has the beginning get the same ones.
    single = "'" not in value or '"' in value
    return repr(value[:room] + ('"' if single else "'"))


def _leaf_bytes(value: bytes | bytearray, room: int) -> str:
    if len(value) <= room:
        return repr(value)
    single = b"'" not in value or b'"' in value
    return repr(value[:room] + (b'"' if single else b"'"))


def _leaf_int(value: int, room: int) -> str:
    bits, limit = value.bit_length(), sys.get_int_max_str_digits()
    # An integer with more digits than the limit raises at once. A digit takes less than four bits.
    if bits < 2000 or room > _FIRST_DIGITS or 0 < 4 * limit < bits:
        return repr(value)
    count, digits = _first_digits(value)
    return repr(value) if not digits or count > limit > 0 else "-" * (value < 0) + digits


_FIRST_DIGITS = 60


def _first_digits(value: int) -> tuple[int, str]:
    """Return how many digits a long integer has, and the first `_FIRST_DIGITS`; `(0, "")` where that is hard to tell.

    Its leading 400 bits make 120 digits. Multiplied by two to the power of the other bits, with a precision of 100, the
    last few may be wrong, which changes the first ones only through a row of zeros or nines.
    """
    with importing:
        from decimal import MAX_EMAX, MIN_EMIN, Context

    context = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
    rest = value.bit_length() - 400
    number = context.multiply(context.create_decimal(abs(value) >> rest), context.power(2, rest))
    digits = "".join(map(str, number.as_tuple().digits))
    if len(digits) < 100 or digits[_FIRST_DIGITS:95] in ("0" * 35, "9" * 35):
        return 0, ""
    return number.adjusted() + 1, digits[:_FIRST_DIGITS]


# Built-in types by address: looking up a class itself would run `__hash__` and `__eq__` of its metaclass.

ATOMS = frozenset(id(type(value)) for value in (None, True, 1.5, ..., NotImplemented))  # their repr is short
_NUMBERS = frozenset(map(id, (int, bool, float)))
LEAVES: dict[int, Leaf] = {
    id(str): _leaf_str,
    id(bytes): _leaf_bytes,
    id(bytearray): _leaf_bytes,
    id(int): _leaf_int,
}

_FEW_KEYS = 1_000
_HASHED_BY_US = ATOMS | frozenset(map(id, (str, bytes, int)))

# The text that stands for a container inside itself ("": the walker takes care of that), and the walker.
CONTAINERS: dict[int, tuple[str, Walker]] = {
    id(list): ("[...]", _walk_list),
    id(tuple): ("(...)", _walk_tuple),
    id(dict): ("{...}", _walk_dict),
    id(set): ("set(...)", _walk_set),
    id(frozenset): ("frozenset(...)", _walk_frozenset),
    id(deque): ("[...]", _walk_deque),
    id(OrderedDict): ("...", _walk_ordereddict),
    id(defaultdict): ("", _walk_defaultdict),
    id(type({}.keys())): ("...", _walk_view),
    id(type({}.values())): ("...", _walk_values),
    id(type({}.items())): ("...", _walk_view),
}
if HAS_FROZENDICT:
    CONTAINERS[id(frozendict)] = ("", _walk_frozendict)  # type: ignore[name-defined]  # noqa: F821
