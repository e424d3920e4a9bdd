"""What is known of a recorded call besides its lines, and what a trace wants to know of its calls."""

from __future__ import annotations

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

    from .._values.describe import Describe
    from .._values.redaction import Redaction
    from .._values.sample import Sample
    from .limit import Limit


class CallInfo:
    """What is known of a recorded call besides its lines."""

    __slots__ = (
        "arguments",
        "began",
        "ended",
        "more_yielded",
        "number",
        "parent",
        "parent_line",
        "raised",
        "raw",
        "returned",
        "scope",
        "seconds",
        "stack",
        "started",
        "target",
        "task",
        "thread",
        "where",
        "yielded",
    )

    def __init__(self, target: int, stack: str) -> None:
        self.number = -1  # in the order in which calls start
        self.target = target  # the number of its plan
        self.stack = stack
        self.parent = -1  # the number of the call that it runs in, or -1
        # The line of that call which was under way, and how many hits it had had; None where these are not known.
        self.parent_line: tuple[int, int | None] | None = None
        self.began = -1  # the moments of its start and its end
        self.ended = -1
        self.arguments: dict[str, Sample] = {}
        self.returned: Sample | None = None
        self.raised: Sample | None = None
        self.yielded: list[Sample] = []
        self.more_yielded = False  # whether it yielded more
        self.where = -1  # the offset at which it raised, or the state that was under way when it returned
        self.thread = ""
        self.task: str | None = None
        self.started = 0.0
        self.seconds: float | None = None  # None: it has not ended
        self.scope: Any = None  # what its start did to the context; None: nothing
        self.raw: Any = None  # what its recorder keeps of it; None: its recorder does not know it yet


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
