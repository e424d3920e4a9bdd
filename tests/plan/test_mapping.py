"""Every line of every function of the standard library owns an offset that is armed, or compiles to nothing.

A short run takes a fixed sample of files. `TRACEFUNC_EXAMPLES=1` takes all, and `python -m tests.plan.test_mapping
FOLDER...` all Python files below some folders (the standard library if none is given).
"""

import ast
import dis
import inspect
import os
import sys
import sysconfig
import time
import tokenize
import traceback
import types
import warnings
import zlib
from collections import Counter
from pathlib import Path

import pytest

from tracefunc._plan.lines import analyse
from tracefunc._plan.names import COMPREHENSIONS
from tracefunc._plan.source import SourceError, file_lines, node_span
from tracefunc._plan.target_plan import build
from tracefunc._plan.workless import is_workless

STDLIB = Path(sysconfig.get_path("stdlib"))
SAMPLE = 150  # files
LARGEST = 60_000  # bytes of a file of the sample
SECONDS = 10
JUMPS = {*dis.hasjrel, *dis.hasjabs}
NEVER_GO_ON = {
    *("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT"),
    *("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"),
}
SAME_PLACE = sys.version_info < (3, 13)  # a constant lambda has no columns: equal ones on a line cannot be told apart
SILENT = {"NOP", "RESUME", "CACHE", "EXTENDED_ARG", "NOT_TAKEN", "COPY_FREE_VARS", "MAKE_CELL"}


class Found:
    """What was seen of some files."""

    def __init__(self):
        self.numbers = Counter()
        self.problems = []

    def report(self):
        return ", ".join(f"{number} {what}" for what, number in self.numbers.items())


def python_files(folder, site_packages=False):
    for path in sorted(Path(folder).rglob("*.py")):
        parts = set(path.relative_to(folder).parts)
        if path.is_file() and (site_packages or not parts & {"site-packages", "dist-packages"}):
            yield path


def definitions(tree):
    """Name and first line of each `def` and lambda. (Type aliases and annotations are code objects too.)"""
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            yield "<lambda>", node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (*node.decorator_list, node)[0].lineno


def functions_of(code, defined):
    """Function objects made from all code objects below a module's that belong to a definition."""
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            if const.co_flags & inspect.CO_OPTIMIZED and (const.co_name, const.co_firstlineno) in defined:
                closure = tuple(types.CellType() for _ in const.co_freevars)
                yield types.FunctionType(const, {"__name__": "mapped"}, const.co_name, None, closure)
            yield from functions_of(const, defined)


def owned(plan):
    """The lines that an armed offset, or the start of a code object, belongs to."""
    found = set()
    for code_plan in plan.codes:
        found.add(code_plan.entry)
        for action in code_plan.actions.values():
            found.update((action.line, action.element, *(line for _, line in action.implied)))
    count = len(plan.lines)
    found.update([plan.preludes[state - count] for state in found if state >= count])
    return found


def successors(instructions):
    """For each offset, those that may be executed next, exceptions left out."""
    found = {}
    following = [*(instruction.offset for instruction in instructions[1:]), None]
    for instruction, after in zip(instructions, following, strict=True):
        found[instruction.offset] = after_this = []
        if instruction.opcode in JUMPS:
            after_this.append(instruction.argval)
        if after is not None and instruction.opname not in NEVER_GO_ON:
            after_this.append(after)
    return found


def reached(code):
    """The instructions that can be executed and do something: `except` after a `try` that cannot raise has none."""
    instructions = list(dis.get_instructions(code))
    doing = {i.offset for i in instructions if i.opname not in SILENT and "JUMP" not in i.opname}
    after = successors(instructions)
    handlers = [(entry.start, entry.end, entry.target) for entry in dis.Bytecode(code).exception_entries]
    seen, todo = set(), [0]
    while todo:
        offset = todo.pop()
        if offset in seen:
            continue
        seen.add(offset)
        todo.extend(after.get(offset, ()))
        if offset in doing:
            todo.extend(target for start, end, target in handlers if start <= offset < end)
    return [i for i in instructions if i.offset in seen & doing]


def starts(code):
    """Where the instructions that do something stand, of a code object and those nested in it."""
    for instruction in reached(code):
        place = instruction.positions
        if place.lineno is not None and place.col_offset is not None:
            yield place.lineno, place.col_offset
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from starts(const)


def works(line, lines, code):
    """Whether an instruction stands in the line's own region: none of a line nested in it."""
    regions = [(line.start, line.end)]
    inner = [other for other in lines if other is not line and line.start <= other.start and other.end <= line.end]
    if isinstance(line.node, COMPREHENSIONS):  # hit when an element is ready, whatever that is
        parts = (getattr(line.node, name, None) for name in ("elt", "key", "value"))
        regions, inner = [node_span(part) for part in parts if part is not None], []
    return any(
        start <= place < end and not any(other.start <= place < other.end for other in inner)
        for start, end in regions
        for place in starts(code)
    )


def is_twin(line, lines):
    """Whether it is one of several lambdas on a physical line that have equal texts: they may share one code object."""
    texts = [other.text.strip() for other in lines if other.kind == "lambda" and other.start[0] == line.start[0]]
    return line.kind == "lambda" and texts.count(line.text.strip()) > 1


def in_annotations(body):
    """The lines that make no hits: what annotations evaluate."""
    found = {inner.line for inner in body.nested if inner.in_annotation}
    return found.union(*map(in_annotations, body.nested))


def look_at(function, path, found):
    code = function.__code__
    where = f"{path}:{code.co_firstlineno} {code.co_qualname}"
    found.numbers["functions"] += 1
    try:
        source = analyse(function, file_lines(function))
        plan = build(code, source)
    except SourceError as error:
        if SAME_PLACE and "lambdas stand on line" in str(error):
            found.numbers["refused"] += 1
            return
        found.problems.append(f"{where}: {error}")
        return
    except Exception:
        found.problems.append(f"{where}: planning crashed\n{traceback.format_exc()}")
        return
    have, without_hits = owned(plan), in_annotations(source.body)
    found.numbers["lines"] += len(source.lines)
    for line in source.lines:
        if line.index in have:
            continue
        found.numbers["without offset"] += 1
        if SAME_PLACE and is_twin(line, source.lines):
            continue
        if line not in without_hits and not is_workless(line.node) and works(line, source.lines, code):
            found.problems.append(f"{path}:{line.start[0]} {line.text!r} owns no offset")


def look_at_file(path, found):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with tokenize.open(path) as file:
                text = file.read()
            code = compile(text, str(path), "exec", dont_inherit=True)
            defined = set(definitions(ast.parse(text)))
        except (SyntaxError, UnicodeDecodeError, ValueError):
            return
        found.numbers["files"] += 1
        for function in functions_of(code, defined):
            look_at(function, path, found)


def survey(paths, seconds=float("inf")):
    found = Found()
    deadline = time.monotonic() + seconds
    for path in paths:
        look_at_file(path, found)
        if time.monotonic() > deadline:
            break
    return found


def sample():
    """The same files on each machine, as far as its version has them."""
    paths = [path for path in python_files(STDLIB) if 200 < path.stat().st_size < LARGEST and "test" not in path.parts]
    paths.sort(key=lambda path: zlib.crc32(path.relative_to(STDLIB).as_posix().encode()))
    return paths[:SAMPLE]


@pytest.mark.slow
@pytest.mark.timeout(3600 if os.environ.get("TRACEFUNC_EXAMPLES") else 300)
def test_the_standard_library():
    whole = os.environ.get("TRACEFUNC_EXAMPLES")
    found = survey(python_files(STDLIB)) if whole else survey(sample(), SECONDS)
    assert not found.problems, f"{len(found.problems)} of {found.report()}:\n" + "\n".join(found.problems[:20])
    assert found.numbers["functions"] > 500 and found.numbers["lines"] > 5000, found.report()


def test_a_line_without_an_offset_is_noticed(monkeypatch, define):
    """The survey finds what it looks for."""
    function = define("""
        def target(x):
            y = x
            if x:
                z = [i for i in y]
                return z
            with x as a: pass
            try: pass
            except KeyError: never = 1
            try: x
            except KeyError: y = 2
            def inner(a: [k for k in y]): return a
            w = [[j for j in i if 0] for i in y if y]
            return lambda: y
            unreachable = 1
    """)["target"]
    unnoticed = []
    for index, text in enumerate(line.text for line in analyse(function, file_lines(function)).lines):
        found = Found()
        real = owned

        def without(plan, index=index, real=real):
            return real(plan) - {index}

        with monkeypatch.context() as patch:
            patch.setitem(globals(), "owned", without)
            look_at(function, "file", found)
        assert len(found.problems) < 2
        if not found.problems:
            unnoticed.append(text)
    assert unnoticed == [
        *("pass", "try:", "pass ", "except KeyError:", "never = 1", "try: ", "x"),
        *("[k for k in y]", "[j for j in i if 0]", "unreachable = 1"),
    ]


def test_a_crash_is_noticed(monkeypatch, define):
    function = define("def target(x):\n    return x\n")["target"]
    monkeypatch.setitem(globals(), "build", lambda code, source: 1 // 0)
    found = Found()
    look_at(function, "file", found)
    assert len(found.problems) == 1 and "planning crashed" in found.problems[0]


def main(folders):
    sys.setrecursionlimit(20_000)
    failed = False
    for folder in folders or [STDLIB]:
        begun = time.monotonic()
        found = survey(python_files(folder, site_packages=bool(folders)))
        print(f"{folder}: {found.report()}, {time.monotonic() - begun:.0f} s, {len(found.problems)} problems")
        print("\n".join(found.problems[:200]))
        failed = failed or bool(found.problems)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
