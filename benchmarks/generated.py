"""Functions whose source is written when they are needed."""

import functools
import itertools
import linecache
import runpy
import tempfile
from pathlib import Path


def long_source(lines):
    """The source of a function with so many lines in its loop, with a branch in every tenth."""
    parts = ["def long_function(size):", "    x = 1", "    for _ in range(size):"]
    for k in range(lines - len(parts) - 1):
        parts.append(f"        if x & {k % 255 + 1}: x ^= {k}" if k % 10 == 0 else f"        x = x * 3 + {k} & 65535")
    return "\n".join([*parts, "    return x", ""])


@functools.cache
def _long_function():
    """The function, and the folder with its file, which lives as long."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "long_function.py")
    path.write_text(long_source(5_000), encoding="utf-8")
    return runpy.run_path(str(path))["long_function"], folder


def long_function():
    """A function of 5,000 lines, in a file of its own."""
    return _long_function()[0]


_new = itertools.count()


def new_function():
    """Define a function of three lines that nobody has seen before."""
    source = "def new(x):\n    y = [x, x + 1]\n    z = sum(y)\n    return z\n"
    name = f"<new {next(_new)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    space = {"__name__": "new_functions"}
    exec(compile(source, name, "exec"), space)
    return space["new"]
