"""Writes what a line saw: a sample of each of its names and chains of attributes."""

from __future__ import annotations

from .._values.chains import NotRead, read_chain
from .._values.read import REDACTED, read
from .._values.sample import NOT_READ, REDACTED_SAMPLE, UNAVAILABLE

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from types import FrameType

    from .._values.read import Reader
    from .values import ValueWriter


def put_variable(out: bytearray, frame: FrameType, reader: Reader, writer: ValueWriter) -> None:
    """Append a sample of one name in a frame, or of a chain of attributes."""
    if reader.how == REDACTED:
        writer.write_sample(out, REDACTED_SAMPLE)
        return
    try:
        value = read_chain(frame, reader) if reader.attributes else read(frame, reader.stored, reader.how)
    except NotRead:
        writer.write_sample(out, NOT_READ)
    except Exception:  # unbound, or no stack left at the recursion limit
        writer.write_sample(out, UNAVAILABLE)
    else:
        writer.write(out, value)
