"""What a trace wants to know of its calls."""

from __future__ import annotations

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from .._values.describe import Describe
    from .._values.redaction import Redaction
    from .limit import Limit


class CallOptions:
    """What a trace's options say of its calls.

    `describe` and `outline` make samples of values: that of a line's name, and any other, for which no code of the
    program may run. `calls` and `yields` limit the recorded calls and the values kept of a generator. `one_thread`:
    whether only calls of the thread that starts the trace are recorded. `redaction`: what must not be shown, or None.
    """

    __slots__ = ("calls", "describe", "one_thread", "outline", "redaction", "yields")

    def __init__(
        self,
        describe: Describe,
        outline: Describe,
        calls: Limit,
        yields: Limit,
        one_thread: bool,
        redaction: Redaction | None,
    ) -> None:
        self.describe = describe
        self.outline = outline
        self.calls = calls
        self.yields = yields
        self.one_thread = one_thread
        self.redaction = redaction
