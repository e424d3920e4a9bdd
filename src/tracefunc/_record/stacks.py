"""The stack of a call as text: the frames from the traced function down to the call, with short paths."""

from __future__ import annotations

import os
import sys

from .._forks import importing
from .._values.plain_text import escaped

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

__all__ = ["PathLabels", "Stacks", "shorten", "stack_text"]

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


def stack_text(frame: FrameType, anchor_code: CodeType, labels: PathLabels | None = None) -> str:
    """Return a `qualname (path:line)` per frame, outermost first, from that running `anchor_code` to `frame`.

    If `anchor_code` runs several times, the text begins with its outermost frame; if it does not run, the text is "".
    The line is the current one, but for `frame`, which is about to start, the first one of its code. Characters that
    are invisible, or would break the line, are escaped as in a `repr`. `labels` shorten the paths: one object serves a
    whole trace. Without it, one is made for this text alone.
    """
    frames: list[FrameType] = []
    length = 0  # how many frames there are from the outermost anchor down, once one is found
    here: FrameType | None = frame
    while here is not None:
        frames.append(here)
        if here.f_code is anchor_code:
            length = len(frames)
        here = here.f_back
    if not length:
        return ""
    labels = labels or PathLabels(os.path.dirname(anchor_code.co_filename))
    codes = [(above.f_code, above.f_lineno or above.f_code.co_firstlineno) for above in reversed(frames[1:length])]
    codes.append((frame.f_code, frame.f_code.co_firstlineno))
    return "\n".join([_entry(code, line, labels) for code, line in codes])


def _entry(code: CodeType, line: int, labels: PathLabels) -> str:
    """Return the text of a frame that executes a line."""
    return escaped(f"{code.co_qualname} ({labels.shorten(code.co_filename)}:{line})")


class Stacks:
    """The texts of the stacks of a trace's calls, which begin at one code object; without it, they are empty."""

    def __init__(self, anchor: CodeType | None) -> None:
        self.anchor = anchor
        self._labels = None if anchor is None else PathLabels(os.path.dirname(anchor.co_filename))

    def text(self, frame: FrameType) -> str:
        """Return the text of the stack of a call that starts in `frame`."""
        return "" if self.anchor is None else stack_text(frame, self.anchor, self._labels)

    def entry(self, code: CodeType, line: int) -> str:
        """Return the text of a frame of `code` that executes a line."""
        assert self._labels is not None, "there is no entry where stacks are empty"
        return _entry(code, line, self._labels)


class PathLabels:
    """Shortens the paths of one trace: relative to `base`, the traced function's directory, or with a label.

    `$VIRTUAL_ENV` and the home directory are read at once, since that function might change them; everything else is
    read for the first path.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._environment = ((os.environ.get("VIRTUAL_ENV", ""), "$VIRTUAL_ENV"), (os.path.expanduser("~"), "~"))
        self._labels: list[Label] | None = None
        self._shortened: dict[str, str] = {}

    def shorten(self, path: str) -> str:
        """Return the short form of `path`, the file name of a code object."""
        short = self._shortened.get(path)
        if short is None:
            if self._labels is None:
                self._labels = longest_first([*resolved(self._environment), *_installation()])
            short = self._shortened[path] = shorten(path, self._base, self._labels)
        return short


def shorten(path: str, base: str, labels: Iterable[Label]) -> str:
    """Return `path` relative to `base` if it is below `base`, else with the first label that fits, else as it is.

    Only absolute paths get labels: `<string>` and the like are not paths.
    """
    if base and path.startswith(base + os.sep):
        return os.path.normpath(path[len(base) :].lstrip(os.sep))  # relpath() would ask for the working directory
    if os.path.isabs(path):
        for directory, label in labels:
            if path == directory or path.startswith(directory + os.sep):
                return label + path[len(directory) :]
    return path


def resolved(labels: Iterable[Label]) -> list[Label]:
    """Return the labels whose directories are set, with symbolic links resolved.

    One that cannot be resolved is left out: what these functions do may have been replaced, and the working directory
    may be gone.
    """
    found = []
    for directory, label in labels:
        try:
            if directory:
                found.append((os.path.realpath(directory), label))
        except Exception:
            pass
    return found


def longest_first(labels: list[Label]) -> list[Label]:
    """Return the labels with the longest directories first, and equally long ones in the given order."""
    return sorted(labels, key=lambda label: len(label[0]), reverse=True)


def _scheme_paths() -> dict[str, str]:
    """Return the directories that `sysconfig` names; none where the program has put something else in its place."""
    try:
        with importing:
            import sysconfig

        return dict(sysconfig.get_paths())
    except Exception:
        return {}


_installed: tuple[tuple[str, ...], list[Label]] | None = None


def _installation() -> list[Label]:
    """Return the directories of this Python. They are slow to find, so they are kept until a prefix changes."""
    global _installed
    prefixes = tuple(getattr(sys, name, "") for name, _ in _PREFIXES)
    if _installed is None or _installed[0] != prefixes:
        paths = _scheme_paths()
        found = [(directory, label) for directory, (_, label) in zip(prefixes, _PREFIXES, strict=True)]
        found += [(paths.get(key, ""), label) for key, label in _SCHEME]
        _installed = prefixes, resolved(found)
    return _installed[1]
