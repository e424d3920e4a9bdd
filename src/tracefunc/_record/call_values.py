"""The values of a call: samples of its arguments and of what it returns, raises and yields."""

from __future__ import annotations

from .._forks import importing
from .._interpreter import ASYNC_GENERATOR
from .._log.samples import put_variable
from .._log.values import ValueWriter
from .._values.plain_text import REDACTED_TEXT, own_name
from .._values.sample import REDACTED_SAMPLE

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from .._log.texts import Texts
    from .._plan.target_plan import Plan
    from .._values.describe import Describe
    from .._values.redaction import Redaction


class CallValues:
    """Writes the samples of calls' values.

    They are made with `outline`: a `repr` of the program's own may change what it does, so it is only called for the
    names of lines.
    """

    def __init__(self, plans: Sequence[Plan], outline: Describe, texts: Texts, redaction: Redaction | None) -> None:
        self.writer = ValueWriter(outline, texts)
        self._plans = plans
        codes = [plan.codes[0].code for plan in plans]
        # By target: whether nothing that it gives is shown, and whether what it raises may tell of what is hidden.
        self._hidden = [redaction is not None and redaction.hides(code.co_name) for code in codes]
        self._may_tell = [redaction is not None and redaction.mentions(code) for code in codes]

    def put_arguments(self, out: bytearray, target: int, frame: FrameType) -> None:
        """Write samples of the arguments of a call that starts in `frame`."""
        for reader in self._plans[target].parameters:
            put_variable(out, frame, reader, self.writer)

    def put_returned(self, out: bytearray, target: int, value: object, where: int) -> None:
        """Write a sample of what a call returned while the state `where` was under way."""
        if self._hidden[target] or self._plans[target].outcomes.hides_returned(where):
            self.writer.write_sample(out, REDACTED_SAMPLE)
        else:
            self.writer.write(out, value)

    def put_raised(self, out: bytearray, target: int, error: object) -> None:
        """Write a sample of the exception that ended a hit, or a call."""
        if self._hidden[target]:
            self.writer.write_sample(out, REDACTED_SAMPLE)
        elif self._may_tell[target]:
            name = own_name(type(error))
            self.writer.write_sample(out, (name, f"{name}({REDACTED_TEXT})"))
        else:
            self.writer.write(out, error)

    def is_yielded(self, target: int, value: object) -> bool:
        """Return whether a generator yields a value; if not, that is an `await` in an async generator."""
        if not self._plans[target].codes[0].code.co_flags & ASYNC_GENERATOR:
            return True
        return type(value).__name__ == "async_generator_wrapped_value"

    def put_yielded(self, out: bytearray, target: int, value: object) -> None:
        """Write a sample of what a generator yields."""
        if self._hidden[target] or self._plans[target].outcomes.hides_yielded:
            self.writer.write_sample(out, REDACTED_SAMPLE)
        elif self._plans[target].codes[0].code.co_flags & ASYNC_GENERATOR:
            self.writer.write(out, unwrapped(value))
        else:
            self.writer.write(out, value)


def unwrapped(value: object) -> object:
    """Return what an async generator yields: the interpreter wraps it in an object that has no other field."""
    with importing:
        from ctypes import py_object

    return py_object.from_address(id(value) + object.__basicsize__).value
