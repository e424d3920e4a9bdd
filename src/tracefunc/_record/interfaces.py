"""What the monitor asks of a recorder, and a recorder of the monitor: types alone, imported by type checkers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from types import CodeType, FrameType
    from typing import Any

    from .._log.texts import Texts
    from .contexts import Contexts


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


class CallLog(Protocol):
    """What keeps the recorded calls of one trace: `call_log` and `_fastmon` have one each."""

    base: int  # the address of the frame that runs `fn`, or 0: none of our calls is below it
    seen: int  # calls that it has started without `Calls`
    full: bool  # whether no call that starts will be recorded any more
    texts: Texts
    contexts: Contexts

    @property
    def recorded(self) -> int:
        """How many calls are kept."""
        ...

    @property
    def starting(self) -> Collection[int]:
        """The numbers of the calls that their recorder does not know yet."""
        ...

    def start(self, target: int, frame: FrameType) -> Any:
        """Start to record a call of a target; return what is kept of it, or None if it is too late for that."""

    def leave_out(self, is_left_out: Callable[[int], bool]) -> int:
        """Show no call with such a number; return how many there are."""
        ...

    def unended(self) -> frozenset[int]:
        """Return the numbers of the calls that have not ended."""
        ...

    def moment_count(self) -> int:
        """Return how many moments there were, when the trace is over."""
        ...

    def numbers(self) -> range:
        """Return the numbers of all calls so far."""
        ...

    def records(self) -> Iterator[bytes]:
        """Yield the records of the calls that are kept, in the order of their starts, when the trace is over."""
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
