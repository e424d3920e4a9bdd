"""Say where a recorded call stood: the frames from the traced function down to it, with short paths."""

from __future__ import annotations

import os
import sys
from itertools import accumulate, chain, repeat, starmap, takewhile

from .._interpreter import FREE_THREADED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, FrameType
    from typing import Any

__all__ = ["PathLabels", "all_frames", "shorten", "stack_text"]

Label = tuple[str, str]  # a directory, and what stands for it

_PREFIXES = (
    ("prefix", "$PYTHON_PREFIX"),
    ("base_prefix", "$PYTHON_BASE"),
    ("exec_prefix", "$PYTHON_EXEC_PREFIX"),
    ("base_exec_prefix", "$PYTHON_BASE_EXEC_PREFIX"),
)
_SCHEME = (
    ("purelib", "$SITE_PACKAGES"),
    ("platlib", "$PLAT_SITE_PACKAGES"),
    ("stdlib", "$PYTHON_STDLIB"),
    ("platstdlib", "$PYTHON_PLAT_STDLIB"),
)


def all_frames() -> list[FrameType]:
    """The frames on the stacks of all threads, and those that wait in greenlets.

    The interpreter takes no step between the first and the last of the stacks: another thread would go on, and suspend
    the generator that was on top of its stack, which knows of no frame below then. On free-threaded builds, where that
    cannot be had, the frames in greenlets alone.
    """
    greenlet = sys.modules.get("greenlet")
    waiting = [] if greenlet is None else _waiting(greenlet.greenlet)
    if FREE_THREADED:
        return waiting
    # The stacks are in no local variable: the frame of this function is among them, and would hold itself.
    return list(chain.from_iterable(map(takewhile, repeat(bool), _stacks()))) + waiting


def _waiting(greenlet: type[Any]) -> list[FrameType]:
    """The frames of greenlets that wait, which are on no thread's stack."""
    import gc

    found = []
    for one in gc.get_objects():
        if isinstance(one, greenlet):
            frame = one.gr_frame
            while frame is not None:
                found.append(frame)
                frame = frame.f_back
    return found


def _stacks() -> Iterator[Iterator[FrameType]]:
    """For each thread its frames, the topmost first, and None behind the last one; looked up when it is asked for."""
    tops = chain.from_iterable(map(dict.values, starmap(sys._current_frames, [()])))
    return map(accumulate, map(chain, zip(tops), repeat(repeat("f_back"))), repeat(getattr))


def stack_text(frame: FrameType, anchor_code: CodeType, labels: PathLabels | None = None) -> str:
    """Return a `qualname (path:line)` per frame, outermost first, from that running `anchor_code` to `frame`.

    Where `anchor_code` runs several times, the outermost counts; where it does not run, the text is "". The
    line is the current one, and for `frame`, which is about to start, the first one of its code. `labels`
    shorten the paths: one object serves a whole trace. Without it, one is made for this text alone.
    """
    frames: list[FrameType] = []
    length = 0  # of the part from the outermost anchor down, once there is one
    here: FrameType | None = frame
    while here is not None:
        frames.append(here)
        if here.f_code is anchor_code:
            length = len(frames)
        here = here.f_back
    if not length:
        return ""
    labels = labels or PathLabels(os.path.dirname(anchor_code.co_filename))
    lines = [_entry(above, above.f_lineno, labels) for above in reversed(frames[1:length])]
    lines.append(_entry(frame, None, labels))
    return "\n".join(lines)


def _entry(frame: FrameType, line: int | None, labels: PathLabels) -> str:
    """One frame's text; the first line of its code stands for a missing one."""
    code = frame.f_code
    return f"{code.co_qualname} ({labels.shorten(code.co_filename)}:{line or code.co_firstlineno})"


class PathLabels:
    """How one trace shortens paths: relative to `base`, the traced function's directory, or behind a label.

    What that function might change, `$VIRTUAL_ENV` and the home directory, is read when the object is made;
    all else waits for the first path.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._own = ((os.environ.get("VIRTUAL_ENV", ""), "$VIRTUAL_ENV"), (os.path.expanduser("~"), "~"))
        self._labels: list[Label] | None = None
        self._known: dict[str, str] = {}

    def shorten(self, path: str) -> str:
        """Return the short form of `path`, the file name of a code object."""
        short = self._known.get(path)
        if short is None:
            if self._labels is None:
                self._labels = longest_first([*resolved(self._own), *_installation()])
            short = self._known[path] = shorten(path, self._base, self._labels)
        return short


def shorten(path: str, base: str, labels: Iterable[Label]) -> str:
    """Return `path` relative to `base` if it is below that, else behind the first label above it, else as is.

    Only absolute paths get labels; `<string>` and the like are no paths at all.
    """
    if base and path.startswith(base + os.sep):
        return os.path.relpath(path, base)
    if os.path.isabs(path):
        for directory, label in labels:
            if path == directory or path.startswith(directory + os.sep):
                return label + path[len(directory) :]
    return path


def resolved(places: Iterable[Label]) -> list[Label]:
    """Return the places that are set, their directories free of symbolic links."""
    return [(os.path.realpath(directory), label) for directory, label in places if directory]


def longest_first(labels: list[Label]) -> list[Label]:
    """Return the labels by falling length of the directories, equally long ones in the given order."""
    return sorted(labels, key=lambda label: len(label[0]), reverse=True)


_installed: tuple[tuple[str, ...], list[Label]] | None = None


def _installation() -> list[Label]:
    """Return the directories of this Python. They are slow to find, so kept while `sys.prefix` stays."""
    global _installed
    prefixes = tuple(getattr(sys, name, "") for name, _ in _PREFIXES)
    if _installed is None or _installed[0] != prefixes:
        import sysconfig

        paths = sysconfig.get_paths()
        places = [(directory, label) for directory, (_, label) in zip(prefixes, _PREFIXES, strict=True)]
        places += [(paths.get(key, ""), label) for key, label in _SCHEME]
        _installed = prefixes, resolved(places)
    return _installed[1]
