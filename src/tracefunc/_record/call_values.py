"""The values of a call: samples of its arguments and of what it returns, raises and yields."""

from __future__ import annotations

from .._forks import importing
from .._interpreter import ASYNC_GENERATOR
from .._values.sample import REDACTED_SAMPLE, UNAVAILABLE, sample

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from .._plan.target_plan import Plan
    from .._values.describe import Describe
    from .._values.sample import Sample
    from .call_info import CallInfo
    from .limit import Limit


class CallValues:
    """Takes the samples of calls' values.

    They are made with `outline`: a `repr` of the program's own may change what it does, so it is only called for the
    names of lines.
    """

    def __init__(self, plans: Sequence[Plan], outline: Describe, yields: Limit, hides: Callable[[str], bool]) -> None:
        self._plans = plans
        self._outline = outline
        self._yields = yields
        self._hidden = [hides(plan.codes[0].code.co_name) for plan in plans]  # by target

    def arguments(self, target: int, frame: FrameType) -> dict[str, Sample]:
        """Return samples of the arguments of a call that starts in `frame`."""
        return {reader.name: sample(frame, reader, self._outline) for reader in self._plans[target].parameters}

    def outcome(self, target: int, value: object) -> Sample:
        """Return a sample of what a call returned, raised or yielded."""
        if self._hidden[target]:
            return REDACTED_SAMPLE
        try:
            return self._outline(value)
        except Exception:  # at the recursion limit, no stack is left
            return UNAVAILABLE

    def add_yielded(self, info: CallInfo, value: object) -> bool:
        """Keep a sample of what a generator yields; return whether to be told of the next value too."""
        if self._plans[info.target].codes[0].code.co_flags & ASYNC_GENERATOR:
            if type(value).__name__ != "async_generator_wrapped_value":
                return True  # an `await` in it
            value = _unwrapped(value)
        if self._yields.most == 0:
            return False
        info.yielded.append(self.outcome(info.target, value))
        if self._yields.surplus < 0:
            return len(info.yielded) < self._yields.most
        if len(info.yielded) > self._yields.most:
            del info.yielded[self._yields.surplus]
        return True


def _unwrapped(value: object) -> object:
    """Return what an async generator yields: the interpreter wraps it in an object that has no other field."""
    with importing:
        from ctypes import py_object

    return py_object.from_address(id(value) + object.__basicsize__).value
