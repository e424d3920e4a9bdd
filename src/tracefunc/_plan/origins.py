"""Origins: what becomes of an exception that is raised at an offset, and where one came from that a frame passes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .markers import NOTHING, UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from .control_flow import ControlFlow

# Whatever attributes a class of exceptions has of its own.
traceback_of: Callable[[BaseException], TracebackType | None] = vars(BaseException)["__traceback__"].__get__
_cause_of: Callable[[BaseException], BaseException | None] = vars(BaseException)["__cause__"].__get__


class Origin(NamedTuple):
    """What becomes of an exception that is raised by some instruction."""

    caught_at: int  # the offset of the action that catches it, NOTHING if it leaves the frame, UNREPORTED
    place: int  # the offset at which it gets there
    raised_again: bool  # whether that is only where it is raised again
    prelude: int  # that it has ended, or NOTHING


def find_origins(flow: ControlFlow, prelude_at: Callable[[int], int]) -> dict[int, Origin]:
    """By each offset of an instruction: what becomes of an exception that is raised there.

    `prelude_at`: the prelude that an exception has ended which left the frame at an offset, or NOTHING.
    """
    instructions = flow.instructions
    ends = {handler: instructions[i].start for i, handler in flow.catching.items()}
    found = {}
    for i, ins in enumerate(instructions):
        place, last, handler = i, i, flow.innermost.get(i)
        # Around an `await`, and around a comprehension that puts variables back, it is raised again.
        while handler is not None and (again := _raised_again_by(flow, handler)) is not None:
            place = place if handler in flow.restoring else again
            last, handler = again, flow.innermost.get(again)
        caught_at = NOTHING if handler is None else ends.get(handler, UNREPORTED)
        prelude = max(prelude_at(ins.offset), prelude_at(instructions[last].offset))
        origin = Origin(caught_at, instructions[place].offset, instructions[place].raises_again(), prelude)
        found.update(dict.fromkeys(range(ins.start, ins.end, 2), origin))
    return found


def _raised_again_by(flow: ControlFlow, handler: int) -> int | None:
    """The index of the instruction in a handler that is no statement's which raises its exception again."""
    if flow.instructions[handler].name in ("CLEANUP_THROW", "END_ASYNC_FOR"):
        return handler
    return flow.restoring.get(handler)


def passed_on(flow: ControlFlow) -> set[int]:
    """The offsets where exceptions leave the frame that were raised elsewhere in it: at a generator's end, say."""
    return {*(flow.instructions[i].offset for i in flow.restoring.values()), flow.outermost} - {-1}


def raised_at(frame: FrameType, error: BaseException) -> int:
    """The offset at which an exception was raised that leaves a frame.

    It is in the entry which the frame has added to the traceback last: an exception that is raised again, by a bare
    `raise` or behind a `finally`, has no new one. The StopIteration that has become a RuntimeError at the end of a
    generator has that entry. If there is none, since the program took the traceback away, the offset is the one where
    the frame stands.
    """
    offset, _ = own_entry(frame, error)
    return frame.f_lasti if offset < 0 else offset


def own_entry(frame: FrameType, error: BaseException) -> tuple[int, BaseException]:
    """The offset in the head of an exception's traceback, if that is an entry of the frame; or -1. And the exception.

    That is its cause if `error` is the RuntimeError that a StopIteration has become at the end of a generator.
    """
    offset = _first_entry(frame, error)
    cause = _cause_of(error) if offset < 0 and type(error) is RuntimeError else None
    if cause is not None and issubclass(type(cause), (StopIteration, StopAsyncIteration)):
        return _first_entry(frame, cause), cause
    return offset, error


def _first_entry(frame: FrameType, error: BaseException) -> int:
    """The offset in the head of an exception's traceback, if that is an entry of the frame; or -1."""
    traceback = traceback_of(error)
    return traceback.tb_lasti if traceback is not None and traceback.tb_frame is frame else -1


def leaving_traceback(error: BaseException) -> TracebackType | None:
    """The traceback of an exception that leaves a frame, or of the StopIteration that is its cause in a generator."""
    return traceback_of(error) or traceback_of(_cause_of(error) or error)
