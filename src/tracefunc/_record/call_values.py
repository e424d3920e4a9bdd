"""The values of a call: samples of its arguments and of what it returns, raises and yields."""

from __future__ import annotations

from .._forks import importing
from .._interpreter import ASYNC_GENERATOR
from .._values.plain_text import REDACTED_TEXT, own_name
from .._values.sample import REDACTED_SAMPLE, UNAVAILABLE, sample

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from .._plan.target_plan import Plan
    from .._values.describe import Describe
    from .._values.redaction import Redaction
    from .._values.sample import Sample
    from .call_info import CallInfo
    from .limit import Limit


class CallValues:
    """Takes the samples of calls' values.

    They are made with `outline`: a `repr` of the program's own may change what it does, so it is only called for the
    names of lines.
    """

    def __init__(self, plans: Sequence[Plan], outline: Describe, yields: Limit, redaction: Redaction | None) -> None:
        self._plans = plans
        self._outline = outline
        self._yields = yields
        codes = [plan.codes[0].code for plan in plans]
        # By target: whether nothing that it gives is shown, and whether what it raises may tell of what is hidden.
        self._hidden = [redaction is not None and redaction.hides(code.co_name) for code in codes]
        self._may_tell = [redaction is not None and redaction.mentions(code) for code in codes]

    def arguments(self, target: int, frame: FrameType) -> dict[str, Sample]:
        """Return samples of the arguments of a call that starts in `frame`."""
        return {reader.name: sample(frame, reader, self._outline) for reader in self._plans[target].parameters}

    def returned(self, target: int, value: object, where: int) -> Sample:
        """Return a sample of what a call returned while the state `where` was under way."""
        return REDACTED_SAMPLE if self._plans[target].outcomes.hides_returned(where) else self._outcome(target, value)

    def raised(self, target: int, error: object) -> Sample:
        """Return a sample of the exception that ended a call."""
        if self._may_tell[target] and not self._hidden[target]:
            name = own_name(type(error))
            return name, f"{name}({REDACTED_TEXT})"
        return self._outcome(target, error)

    def _outcome(self, target: int, value: object) -> Sample:
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
        if self._yields.surplus < 0 and len(info.yielded) >= self._yields.most:
            info.more_yielded = True
            return False
        is_hidden = self._plans[info.target].outcomes.hides_yielded
        info.yielded.append(REDACTED_SAMPLE if is_hidden else self._outcome(info.target, value))
        if len(info.yielded) > self._yields.most:
            del info.yielded[self._yields.surplus]
            info.more_yielded = True
        return True


def _unwrapped(value: object) -> object:
    """Return what an async generator yields: the interpreter wraps it in an object that has no other field."""
    with importing:
        from ctypes import py_object

    return py_object.from_address(id(value) + object.__basicsize__).value
