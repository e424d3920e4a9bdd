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
FUTURE_ANNOTATIONS = 0x1000000  # as `from __future__ import annotations`; `compile` takes it, too
SUSPENDING = GENERATOR | ASYNCHRONOUS  # its frames can be left and entered again

# --- events ---

LINE_SWALLOWS_INSTRUCTION = sys.version_info < (3, 14)
"""Another tool's LINE callback that returns DISABLE swallows our INSTRUCTION event at that offset once.

3.12 and 3.13, seen up to 3.13.15 (2026); coverage.py and slipcover always answer so. A LINE callback of our own, which
does nothing, brings the event back.
"""

FREED_TOOL_ID_STAYS_LIVE = sys.version_info < (3, 14)
"""`sys.monitoring.free_tool_id` leaves the tool's events armed and its callbacks registered.

Up to 3.13 (python/cpython#111963). From 3.14 (2025) on it takes them away.
"""

OTHERS_RUN_BEFORE_A_START = sys.version_info >= (3, 13)
"""Where a frame makes its first step, other threads may run before PY_START is reported, and not after it.

From 3.13 (2024) on. On 3.12 it is the other way round.
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

# --- source files ---

SHARED_FILENAMES = ("<string>", "<stdin>")
"""Names of files that code objects of more than one text have, so that linecache may hold another one's lines.

All versions; 3.13.0 (2024) puts the text of `python -c` into linecache as that of `<string>`. `_plan.definition`
compiles what it finds there and compares. Likewise it compiles files that are newer than the process.
"""

# Handled in the same way on all versions: from 3.15 (2026) on, linecache warns of modules whose loader is of an old
# kind when it looks for their source. `_plan.source` lets no warning pass there.

# --- the compiler: habits that `_plan` handles in the same way on all versions, so that there is no flag to ask ---
#
# - Equal lambdas on one physical line may share a code object, and a lambda whose value is a constant has no positions:
#   3.12 (2023). `_plan.target_plan` plans each code object once; `_plan.source` tells such lambdas apart by parameters
#   and value, and refuses where those are equal, too.
# - A bare annotation (`x: int`) or an `assert` of a true constant may leave an instruction only up to 3.13, or only
#   from 3.14 (2025) on. `_plan.lines` marks them idle: they are hit on no version.
# - Annotations are evaluated with the definition up to 3.13, from 3.14 on (PEP 649, 2025) when they are asked for.
#   Comprehensions in them make no hits: `Body.in_annotation`.
# - While an inlined comprehension in a class body runs, the namespace of the class is out of reach from 3.13 (2024) on.
#   `_plan.names` gives names that are read there UNREADABLE.
# - `opcode.stack_effect` leaves out what is sent to a generator that goes on after RETURN_GENERATOR: 3.12.
#   `_plan.loop_iterators` does not ask it there.
# - RETURN_CONST is an instruction of 3.12 and 3.13 only, LOAD_COMMON_CONSTANT, NOT_TAKEN and POP_ITER are of 3.14 and
#   later. `_plan` asks for instructions by name, and a name that a version does not have matches nothing.

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

# --- objects ---

MANAGED_DICT_WORD = -1 if FREE_THREADED else -3
"""Where the pointer to an object's dictionary is, in words from the object: MANAGED_DICT_OFFSET in pycore_object.h,
3.12 to 3.15 (2023 to 2026). In 3.12 the word may be tagged, and then points to the object's values."""
