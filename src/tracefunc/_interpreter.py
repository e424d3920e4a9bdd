"""What this CPython does: each habit and fault that tracefunc has to know, as a named flag.

No other module compares versions or knows the numbers of `co_flags`; `_native/interpreter.h` has the same for C. A flag
says which versions have the quirk, since when, and where it is reported. `docs/design/cpython.md` tells the stories.
"""

from __future__ import annotations

import sys

VERSION = sys.version_info[:2]
"""The minor version that is running."""

NEWEST_TESTED = (3, 15)
"""The newest minor version that the compiled engine was tested with.

On a newer one the pure engine is used, unless TRACEFUNC_ENGINE=fast asks for the compiled one. That reads the
interpreter's frames, so it examines their layout when it is imported (`_native/layout_probe.pxi`): a patch release that
passes needs no test.
"""

IS_NEWER_THAN_TESTED = VERSION > NEWEST_TESTED

FREE_THREADED = "free-threading build" in sys.version
"""Whether this build can run threads at once (PEP 703), even if it does not just now. 3.13 and later, builds "t"."""

# --- code objects: `co_flags`, as in CPython's Include/cpython/code.h ---

OPTIMIZED = 0x1  # a function's code: its locals are slots
HAS_VARARGS = 0x4  # *args
HAS_VARKEYWORDS = 0x8  # **kwargs
GENERATOR = 0x20
COROUTINE = 0x80
ASYNC_GENERATOR = 0x200
ASYNCHRONOUS = COROUTINE | ASYNC_GENERATOR
SUSPENDING = GENERATOR | ASYNCHRONOUS  # its frames can be left and entered again

# --- events ---

LINE_SWALLOWS_INSTRUCTION = sys.version_info < (3, 14)
"""Another tool's LINE callback that returns DISABLE swallows our INSTRUCTION event at that offset once.

3.12 and 3.13, seen up to 3.13.15 (2026); coverage.py and slipcover always answer so. A LINE callback of our own, which
does nothing, brings the event back.
"""

GENEXPR_RUNS_BEFORE_IT_IS_MADE = sys.version_info >= (3, 15)
"""A generator expression gets its first iterator, by code that may be the program's, before it is a generator.

3.15 (2026). PY_START, RAISE and PY_UNWIND then name the expression's code while the current frame object is its
maker's.
"""

# --- reading variables ---

PROXY_IS_SAFE = sys.version_info >= (3, 13, 3)
"""`frame.f_locals` can be read: it is neither a copy that keeps objects alive, nor does it crash.

Before 3.13 (PEP 667, 2024) it is a snapshot, shared with the program's own `locals()`. In 3.13.0 to 3.13.2 (2024)
reading a cell variable while a comprehension has a variable of that name crashes the interpreter.
"""

CELLS_ARE_READ_WITHOUT_LOCK = FREE_THREADED and sys.version_info < (3, 14)
"""`f_locals`, `PyFrame_GetVar` and `cell_contents` take what a cell holds without the cell's lock.

The free-threaded 3.13 (2024). Another thread that binds the variable anew frees the value meanwhile, and the
interpreter crashes.
"""

# --- builtins ---

HAS_FROZENDICT = sys.version_info >= (3, 15)
"""`frozendict` is a builtin type (PEP 814): 3.15 (2026)."""

# --- running a program as the interpreter does ---

COMMAND_IS_DEDENTED = sys.version_info >= (3, 14)
"""`python -c` removes the indentation that all lines of its text share: 3.14 (2025)."""

MAIN_HAS_ANNOTATIONS = sys.version_info < (3, 14)
"""`__main__` is made with an empty `__annotations__`: up to 3.13. From 3.14 on (PEP 649, 2025) they are made lazily."""

MODULES_HAVE_CACHED = sys.version_info < (3, 15)
"""Modules have a `__cached__`: up to 3.14 (2025)."""
