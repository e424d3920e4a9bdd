"""The choice of a recorder: compiled or in plain Python, and why."""

from __future__ import annotations

import os

from .._interpreter import FREE_THREADED, IS_NEWER_THAN_TESTED, NEWEST_TESTED, VERSION

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .interfaces import CallLog, Recorder


class Engine:
    """A kind of recorder, and why it was chosen."""

    __slots__ = ("log", "name", "reason", "recorder", "share")

    def __init__(
        self,
        name: str,
        reason: str,
        log: Callable[..., CallLog],
        recorder: Callable[..., Recorder],
        share: Callable[[dict[int, tuple[Any, ...]], str], Callable[..., object]],
    ) -> None:
        self.name = name  # "fast" or "pure"
        self.reason = reason
        self.log = log
        self.recorder = recorder
        self.share = share  # makes one callback for several recorders

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


def _pure(reason: str) -> Engine:
    from .call_log import CallLog
    from .pure import Recorder, share

    if FREE_THREADED:
        from .pure_free_threaded import FreeThreadedRecorder

        return Engine("pure", reason, CallLog, FreeThreadedRecorder, share)
    return Engine("pure", reason, CallLog, Recorder, share)


def _fast(reason: str) -> Engine:
    from .._fastmon import CallLog, Recorder, share, why_no_iterators

    if why_no_iterators:
        reason += f"; loops without counting iterators: {why_no_iterators}"
    return Engine("fast", reason, CallLog, Recorder, share)


def choose(wanted: str, required: bool) -> Engine:
    """The engine for `wanted`, the value of TRACEFUNC_ENGINE: "auto", "fast" or "pure".

    "auto" is the pure engine where the extension cannot be imported, and on a version of CPython that the extension was
    not tested with. Raises ImportError when the extension is wanted, or `required` (TRACEFUNC_REQUIRE_EXT), and cannot
    be imported; ValueError when `wanted` is something else.
    """
    if wanted not in ("auto", "fast", "pure"):
        raise ValueError(f"TRACEFUNC_ENGINE is {wanted!r}: it must be auto, fast or pure.")
    why_pure = _reason_for_pure(wanted)
    if why_pure and not required:
        return _pure(why_pure)
    try:
        fast = _fast(f"TRACEFUNC_ENGINE={wanted}" if wanted == "fast" else "the extension is installed")
    except ImportError as error:
        if wanted == "fast" or required:
            why = "TRACEFUNC_ENGINE=fast" if wanted == "fast" else "TRACEFUNC_REQUIRE_EXT=1"
            raise ImportError(
                f"{why} asks for the compiled engine, which cannot be imported ({error}): install tracefunc from a "
                "binary wheel, or build it where there is a C compiler."
            ) from error
        return _pure(f"the extension cannot be imported: {error}")
    return _pure(why_pure) if why_pure else fast


def _reason_for_pure(wanted: str) -> str:
    """Why the extension is not used even where it can be imported; "" if it is."""
    if wanted == "pure":
        return "TRACEFUNC_ENGINE=pure"
    if wanted == "auto" and IS_NEWER_THAN_TESTED:
        running, tested = (".".join(map(str, version)) for version in (VERSION, NEWEST_TESTED))
        return (
            f"CPython {running} is newer than {tested}, the newest that the compiled engine was tested with: "
            "TRACEFUNC_ENGINE=fast uses it all the same"
        )
    return ""


engine = choose(os.environ.get("TRACEFUNC_ENGINE", "auto"), os.environ.get("TRACEFUNC_REQUIRE_EXT") == "1")
