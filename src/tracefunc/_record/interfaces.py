"""What the monitor asks of a recorder, and a recorder of the monitor: types alone, imported by type checkers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from .raw_call import RawCall


class Recorder(Protocol):
    """What gets the events of one target in one trace: `pure` and `_fastmon` have one each.

    Its `on_...` attributes, named in `_CALLBACKS`, are the callbacks of the events that it wants.
    """

    @property
    def wants_only_starts(self) -> bool:
        """Whether no event is wanted but the start of a call."""
        ...

    def code_objects(self) -> list[CodeType]:
        """Return the code objects whose events are wanted, the target's first."""
        ...

    def finish(self) -> bool:
        """Have the recorder removed if nothing more can be recorded."""
        ...

    def end(self) -> None:
        """Record nothing from here on, though events may come that are not disarmed yet."""

    def renew_lock(self) -> None:
        """Let go of what other threads than this one hold, after a fork."""

    def stop(self) -> None:
        """Complete the records of all calls, when the trace has ended."""

    def record(self, call: Any) -> RawCall:
        """Return what was recorded of a call."""
        ...


class Arming(Protocol):
    """What arms code objects and registers callbacks for recorders: the monitor."""

    armings: int  # how often a code object was armed, so far

    @property
    def notice(self) -> Callable[[bool], None] | None:
        """Looks for other tools that have started; None where they do not matter."""
        ...

    def remove(self, recorder: Any) -> None:
        """Stop delivering events to `recorder`."""

    def rebind(self) -> None:
        """Register the callback of INSTRUCTION again: that of a recorder has changed."""

    def rearm(self, code: CodeType) -> None:
        """Bring back the offsets of `code` that were disabled."""
