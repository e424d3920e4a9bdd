"""The files that a command reads, and the source of programs: what no output may overwrite."""

from __future__ import annotations

import os
import sys
from importlib.machinery import all_suffixes
from types import ModuleType

from .errors import UsageError

_SOURCE = (*all_suffixes(), ".pyi", ".pyw", ".pyx")


def check_no_input(path: str, inputs: tuple[str, ...] = ()) -> None:
    """Raise UsageError if the file `path` is one of `inputs`, source of Python, or a module that is loaded."""
    try:
        known = os.stat(path)
    except (OSError, ValueError):  # there is none yet
        return
    if not os.path.isfile(path):  # a terminal, a pipe, ...
        return
    for other in inputs:
        if (stat := _stat(other)) and os.path.samestat(known, stat):
            raise UsageError(f"cannot write {path!r}: it is {other!r}, which the command reads")
    if _is_source(path):
        raise UsageError(f"cannot write {path!r}: it is Python source, which would be lost")
    for name, module in list(sys.modules.items()):
        file = module.__dict__.get("__file__") if type(module) is ModuleType else None
        if type(file) is str and (stat := _stat(file)) and os.path.samestat(known, stat):
            raise UsageError(f"cannot write {path!r}: it is the source of the module {name}")


def is_same(one: str, other: str) -> bool:
    """Return whether two paths lead to the same ordinary file, which need not exist yet."""
    if os.path.exists(one) and not os.path.isfile(one):  # a terminal, a pipe, ...
        return False
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    stats = _stat(one), _stat(other)
    return stats[0] is not None and stats[1] is not None and os.path.samestat(stats[0], stats[1])


def _stat(path: str) -> os.stat_result | None:
    try:
        if path == "-":
            return None if sys.stdin is None else os.fstat(sys.stdin.fileno())
        return os.stat(path)
    except (AttributeError, OSError, ValueError):
        return None


def _is_source(path: str) -> bool:
    """Return whether an existing file is Python source, or compiled from it, by its name or its first line."""
    if path.endswith(_SOURCE) or os.path.realpath(path).endswith(_SOURCE):
        return True
    try:
        with open(path, "rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first
