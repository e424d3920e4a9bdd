"""What results are made of, as plain tuples: the place of a line, and a sample of what one of its names held."""

from __future__ import annotations

from .chains import NotRead, read_chain
from .plain_text import REDACTED_TEXT
from .read import REDACTED, read

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from types import FrameType

    from .describe import Describe
    from .read import Reader

Place = tuple[str, tuple[str, ...], str, int, int, int]  # text, names, kind, first and last physical line, column

Sample = tuple[str, str]  # type name, text

UNAVAILABLE = ("NameError", "<unavailable>")  # the sample of a name that cannot be read
REDACTED_SAMPLE = ("redacted", REDACTED_TEXT)  # and of one that must not be looked at
NOT_READ = ("AttributeError", "<not read>")  # and of a chain that cannot be read without running code


def sample(frame: FrameType, reader: Reader, describe: Describe) -> Sample:
    """Return a sample of one name, or of a chain of attributes: the type of its value, and a text."""
    if reader.how == REDACTED:
        return REDACTED_SAMPLE
    try:
        if reader.attributes:
            return describe(read_chain(frame, reader))
        return describe(read(frame, reader.stored, reader.how))
    except NotRead:
        return NOT_READ
    except Exception:  # unbound, or no stack left to describe it at the recursion limit
        return UNAVAILABLE
