"""Hold the sizes of modules, classes and functions against pyproject.toml's limits: `python tools/limits.py [FOLDER]`.

Reads [tool.tracefunc.limits] of the folder (default: the checkout), and looks at Python and Cython below `paths`. What
may be larger is named there, with the reason; a name that is not larger, or not there, is an error as well.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CYTHON = {".pyx", ".pxi"}
# Of Cython's statements with a suite, those that begin a class or a function.
CLASS = re.compile(r"\s*(?:cdef\s+|cpdef\s+)?class\s+(\w+)")
FUNCTION = re.compile(r"\s*(?:async\s+)?(?:def|cdef|cpdef)\b[^(=]*?(\w+)\s*\(")


class Thing(NamedTuple):
    """A class or a function: its dotted name within the file, first line, length, and number of arguments."""

    kind: str
    name: str
    line: int
    lines: int
    arguments: int


def in_python(source):
    """Yield the classes and functions of a Python module."""

    def visit(node, prefix, in_class):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield Thing("class", prefix + child.name, child.lineno, child.end_lineno - child.lineno + 1, 0)
                yield from visit(child, f"{prefix}{child.name}.", True)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [a.arg for a in (*child.args.posonlyargs, *child.args.args, *child.args.kwonlyargs)]
                count = len(names) - (in_class and names[:1] in (["self"], ["cls"], ["mcs"]))
                yield Thing("function", prefix + child.name, child.lineno, child.end_lineno - child.lineno + 1, count)
                yield from visit(child, f"{prefix}{child.name}.", False)
            else:
                yield from visit(child, prefix, in_class)

    yield from visit(ast.parse(source), "", False)


def blanked(source):
    """Return Cython source with strings and comments emptied, so that brackets and indentation can be counted."""

    def empty(match):
        return ("" if match.group().startswith("#") else '"') + "\n" * match.group().count("\n")

    strings = r'"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*'
    return re.sub(strings, empty, source, flags=re.DOTALL)


def count_arguments(header):
    """Return how many arguments a function of Cython takes, `self` not counted; None where no suite follows."""
    depth, count, word = 0, 0, ""
    for at, character in enumerate(header[header.index("(") :], header.index("(")):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 or (depth == 1 and character == ","):
            count += word.strip() not in ("", "self", "cls", "*", "/")
            word = ""
            if depth == 0:
                return count if ":" in header[at:] else None
        elif not (depth == 1 and character == "("):
            word += character
    return count


def in_cython(source):
    """Yield the classes and functions of Cython source, found by their indentation."""
    lines = blanked(source).split("\n")
    open_things = []  # (indentation, kind, name, line, arguments), the innermost last
    last = number = 0
    while number < len(lines):
        header, line = lines[number], number + 1
        while sum(map(header.count, "([{")) > sum(map(header.count, ")]}")) and number + 1 < len(lines):
            number += 1
            header += " " + lines[number].strip()
        number += 1
        if not header.strip():
            continue
        indent = len(header) - len(header.lstrip())
        while open_things and open_things[-1][0] >= indent:
            _, kind, name, first, arguments = open_things.pop()
            yield Thing(kind, name, first, last - first + 1, arguments)
        last = number
        prefix = f"{open_things[-1][2]}." if open_things else ""
        if match := CLASS.match(header):
            open_things.append((indent, "class", prefix + match.group(1), line, 0))
        elif (match := FUNCTION.match(header)) and (arguments := count_arguments(header)) is not None:
            open_things.append((indent, "function", prefix + match.group(1), line, arguments))
    for _, kind, name, first, arguments in reversed(open_things):
        yield Thing(kind, name, first, last - first + 1, arguments)


def excesses(file, place, limits):
    """Yield (name, message) for what is too large in a file; `place` is how messages name the file."""
    source = file.read_text(encoding="utf-8")
    length = source.count("\n")
    if length > limits["module-lines"]:
        yield place, f"{place}: {length} lines, of {limits['module-lines']} at most"
    if file.suffix not in {".py", *CYTHON}:
        return
    for thing in in_cython(source) if file.suffix in CYTHON else in_python(source):
        name, allowed = f"{place}:{thing.name}", limits[f"{thing.kind}-lines"]
        if thing.lines > allowed:
            yield name, f"{place}:{thing.line}: {thing.kind} {thing.name} has {thing.lines} lines, of {allowed} at most"
        if thing.arguments > limits["arguments"]:
            at_most = limits["arguments"]
            yield name, f"{place}:{thing.line}: {thing.name} takes {thing.arguments} arguments, of {at_most} at most"


def check(root):
    """Return the messages about a checkout, and the number of files that were looked at."""
    with (root / "pyproject.toml").open("rb") as file:
        limits = tomllib.load(file)["tool"]["tracefunc"]["limits"]
    files = sorted(file for pattern in limits["paths"] for file in root.glob(pattern))
    found = [excess for file in files for excess in excesses(file, file.relative_to(root).as_posix(), limits)]
    messages = [message for name, message in found if name not in limits["exceptions"]]
    needless = sorted(set(limits["exceptions"]) - {name for name, _ in found})
    return messages + [f"pyproject.toml: {name} needs no exception from the limits" for name in needless], len(files)


def main():
    """Print what is too large, and exit with 1 if there is anything."""
    messages, count = check(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    print(*messages, sep="\n", end="\n" if messages else "")
    print(f"limits: {len(messages)} problems in {count} files")
    sys.exit(bool(messages) or count == 0)


if __name__ == "__main__":
    main()
