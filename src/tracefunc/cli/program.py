"""A Python program, run in this process as the interpreter runs it, and the functions that it will define."""

from __future__ import annotations

import builtins
import io
import linecache
import os
import pkgutil
import runpy
import sys
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER, find_spec
from textwrap import dedent
from types import CellType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING

from .._interpreter import COMMAND_IS_DEDENTED, MAIN_HAS_ANNOTATIONS, MODULES_HAVE_CACHED, OPTIMIZED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from types import TracebackType


class ProgramError(Exception):
    """There is no such program; `status` is the exit status of the interpreter in that case."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Program:
    """A compiled program, whose module is already `sys.modules["__main__"]` but has not run yet."""

    def __init__(self, main: ModuleType, code: CodeType, spec: ModuleSpec | None) -> None:
        self.main = main
        self.code = code
        self.module = "" if spec is None or spec.name == "__main__" else spec.name
        """The name of the module if the program is run by name, as with `-m`, else ""."""

    @property
    def name(self) -> str:
        """The program in a message."""
        return self.module or os.path.basename(self.code.co_filename)

    def run(self) -> None:
        """Execute the program; raises whatever it raises."""
        exec(self.code, vars(self.main))

    def is_module(self, name: str) -> bool:
        """Whether `name` is the program itself, of which an import would make a second copy."""
        if name in ("", "__main__", self.module):
            return True
        path = self.code.co_filename
        if name.rpartition(".")[2] != os.path.splitext(os.path.basename(path))[0]:
            return False
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            return False
        return spec is not None and spec.has_location and _is_same_file(spec.origin, path)

    def functions(self, path: str) -> list[FunctionType]:
        """Return the functions that the program will define under a qualified name, a class's name or a glob.

        They share their code objects, which are what is traced, with the functions that the program makes when it runs.
        Raises ValueError when there are none.
        """
        known = list(_functions_in(self.code))
        found = [code for code in known if _is_named(code.co_qualname, path)]
        if not found:
            raise ValueError(f"{self.name} {_missing(path, [code.co_qualname for code in known])}")
        return [_stand_in(code, vars(self.main)) for code in found]


def load(kind: str, name: str, arguments: list[str]) -> Program:
    """Prepare the process for a program and compile it.

    `kind`: "file", "module" or "command", for what `python`, `python -m` and `python -c` run. Sets `sys.argv`,
    `sys.path[0]` and `sys.modules["__main__"]`. Raises ProgramError when there is no such program, and what importing
    its package or compiling it raises.
    """
    return {"file": _load_file, "module": _load_module, "command": _load_command}[kind](name, arguments)


def hide_our_frames() -> None:
    """Let an exception that leaves the program be shown as if the interpreter itself had run the program."""
    show = sys.excepthook

    def show_without(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        error.__traceback__ = _without_ours(traceback)
        show(kind, error, error.__traceback__)

    sys.excepthook = show_without


# --- loading ------------------------------------------------------------------------------------------------------


def _load_file(path: str, arguments: list[str]) -> Program:
    sys.argv = [path, *arguments]
    if path == "-":
        _set_path("")
        return _of_text("<stdin>", sys.stdin.read(), __file__="<stdin>")
    absolute = _absolute(path)
    if os.path.exists(path) and pkgutil.get_importer(path) is not None:  # a directory or an archive
        _set_path(absolute, True)
        return _of_spec(runpy._get_main_module_details)  # type: ignore[attr-defined]
    _set_path(os.path.dirname(os.path.realpath(path)))
    try:
        with io.open_code(absolute) as file:
            data = file.read()
    except OSError as error:
        raise ProgramError(f"can't open file {absolute!r}: [Errno {error.errno}] {error.strerror}", 2) from None
    if data.startswith(MAGIC_NUMBER):
        sourceless = SourcelessFileLoader("__main__", absolute)
        main = _new_main(sourceless, __file__=absolute)
        code = sourceless.get_code("__main__")
    else:
        main = _new_main(SourceFileLoader("__main__", absolute), __file__=absolute)
        code = compile(data, absolute, "exec", dont_inherit=True)
    assert code is not None  # only namespace packages have none
    return Program(main, code, None)


def _load_module(name: str, arguments: list[str]) -> Program:
    sys.argv = ["-m", *arguments]
    _set_path(os.getcwd())
    program = _of_spec(runpy._get_module_details, name)  # type: ignore[attr-defined]
    sys.argv[0] = program.code.co_filename if program.main.__file__ is None else program.main.__file__
    return program


def _load_command(text: str, arguments: list[str]) -> Program:
    sys.argv = ["-c", *arguments]
    _set_path("")
    return _of_text("<string>", dedent(text) if COMMAND_IS_DEDENTED else text)


def _of_text(name: str, text: str, **attributes: str) -> Program:
    """Return a program that is not in a file; its lines are kept where tracebacks and the trace look for them."""
    main = _new_main(BuiltinImporter, **attributes)
    code = compile(text, name, "exec", dont_inherit=True)
    register = getattr(linecache, "_register_code", None)
    # As the interpreter does from 3.13 on. (3.13.0 has such a function, too, but keeps the text under its file name.)
    if register is not None and hasattr(linecache, "_interactive_cache") and name == "<string>":
        register(code, text, name)
    else:
        linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    return Program(main, code, None)


def _of_spec(details: object, *name: str) -> Program:
    """Return a program that the import system finds; `details` is the function by which the interpreter finds it."""
    main = _new_main(None)
    try:
        _, spec, code = details(*name, runpy._Error) if name else details(runpy._Error)  # type: ignore[operator, attr-defined]
    except runpy._Error as error:  # type: ignore[attr-defined]
        raise ProgramError(str(error), 1) from None
    main.__file__, main.__loader__, main.__package__, main.__spec__ = spec.origin, spec.loader, spec.parent, spec
    if MODULES_HAVE_CACHED:
        main.__cached__ = spec.cached  # type: ignore[attr-defined]
    return Program(main, code, spec)


def _new_main(loader: object, **attributes: str) -> ModuleType:
    main = ModuleType("__main__")
    main.__builtins__ = builtins  # type: ignore[attr-defined]
    main.__loader__ = loader  # type: ignore[assignment]
    if MAIN_HAS_ANNOTATIONS:
        main.__annotations__ = {}
    if MODULES_HAVE_CACHED and attributes:
        main.__cached__ = None  # type: ignore[attr-defined]
    vars(main).update(attributes)
    sys.modules["__main__"] = main
    return main


def _absolute(path: str) -> str:
    """Return the absolute path that the interpreter makes of a path; it may have parts such as `.` in it."""
    return os.path.abspath(path) if os.name == "nt" else os.path.join(os.getcwd(), path)


def _set_path(entry: str, always: bool = False) -> None:
    """Put `entry` where the interpreter has put the directory of our own launcher; `python -P` puts none there."""
    if not sys.flags.safe_path:
        sys.path[0:1] = [entry]
    elif always:
        sys.path.insert(0, entry)


# --- its functions ------------------------------------------------------------------------------------------------


def _functions_in(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of all functions that have a name, including those inside functions and classes."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            if const.co_flags & OPTIMIZED and not const.co_name.startswith("<"):
                yield const
            yield from _functions_in(const)


def _is_named(name: str, path: str) -> bool:
    """Whether `path` stands for the function `name`; it matches nested functions only if it contains `<locals>`."""
    from fnmatch import fnmatchcase

    if name == path:
        return True
    inside = name.removeprefix(path + ".")
    is_method = inside != name and "<locals>" not in inside
    return is_method or (("<locals>" not in name or "<locals>" in path) and fnmatchcase(name, path))


def _missing(path: str, names: list[str]) -> str:
    """Say that the program, which has functions of these `names`, has none for `path`, and what it has instead."""
    from ..core.suggestions import did_you_mean, similar

    outer = list(dict.fromkeys(name for name in names if "<locals>" not in name))
    resembling = similar(path, names)
    if resembling:
        return f"defines no function {path!r}.{did_you_mean(resembling)}"
    if not outer:
        return "defines no functions: name what to trace, as in -t json.decoder:JSONDecoder.decode."
    return f"defines no function {path!r}, only {', '.join(outer[:5])}{', ...' if len(outer) > 5 else ''}."


def _stand_in(code: CodeType, space: dict[str, object]) -> FunctionType:
    return FunctionType(code, space, code.co_name, None, tuple(CellType() for _ in code.co_freevars))


def _is_same_file(one: str | None, other: str) -> bool:
    return one is not None and os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins with the program, after what launched tracefunc and our own frames."""
    found = traceback
    while found is not None and not _is_ours(found):
        found = found.tb_next
    while found is not None and _is_ours(found):
        found = found.tb_next
    return found


def _is_ours(traceback: TracebackType) -> bool:
    return str(traceback.tb_frame.f_globals.get("__name__")).startswith("tracefunc.")
