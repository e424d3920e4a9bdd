"""What to say of a target that was never called: why, and what ran instead, as far as that is known."""

from __future__ import annotations

from types import FunctionType

from .._values.plain_text import own_name
from .._values.static_types import namespace_of, real_module
from .callables import resolve
from .held import call_method, is_class, library_of, module_name_of, place_of, title_of

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from .targets import Target


def uncalled(target: Target, traced: Collection[int], was_called: bool) -> str:
    """Return the warning about a target none of whose functions was called.

    `traced`: the addresses of the code objects that were traced; `was_called`: whether the run called the target's own
    object, whatever that did then.
    """
    reason = _instead(target, traced, was_called)
    return f"{target.name} was never called" + (f": {reason}" if reason else "")


def _instead(target: Target, traced: Collection[int], was_called: bool) -> str:
    for function in target.functions:
        if id(function.__code__) not in traced:
            return f"the code of {place_of(function)} was replaced meanwhile"
    if len(target.functions) == 1:
        other = _standing_in_place_of(target.functions[0])
        if other is not None:
            return f"{place_of(other)} is what that name stands for now"
    outer = target.called
    if outer is None or any(outer is function for function in target.functions):
        return ""
    kind = type(outer)
    if kind is FunctionType:
        return f"{place_of(outer)} ran instead, and did not call it" if was_called else ""
    if not is_class(outer) and type(call_method(outer)) is not FunctionType and callable(outer):
        return (
            f"what is called is a {own_name(kind)} of {library_of(outer)}, which is not written in Python and can run "
            "something else, such as compiled code, or return what it has stored"
        )
    return f"{title_of(outer)} ran instead, and did not call it" if was_called else ""


def _standing_in_place_of(function: FunctionType) -> FunctionType | None:
    """Return the other function that the module of `function` has under its name now, if it has one."""
    module = module_name_of(function)
    names = real_module(module) if type(module) is str else {}
    *around, last = function.__code__.co_qualname.split(".")
    for name in around:
        inner: Any = names.get(name)
        if not is_class(inner):
            return None
        names = namespace_of(inner)
    if last not in names:
        return None
    try:
        found = resolve(names[last]).functions
    except ValueError:
        return None
    if not found or any(other.__code__ is function.__code__ for other in found):
        return None
    return found[0]
