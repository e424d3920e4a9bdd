"""The command line: run a program under a trace, show traces that were stored, compare them."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from .. import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from ..core import Tracer
    from ..results import TraceResults
    from .program import Program
    from .progress import Progress

_USAGE = """\
tracefunc [options] program.py [argument ...]
       tracefunc [options] -m module [argument ...]
       tracefunc [options] -c code [argument ...]
       tracefunc show FILE | diff FILE FILE | completion SHELL"""

_DESCRIPTION = """\
Run a Python program, and tell for each line of some of its functions how often
it ran and which values its names held. The program runs as `python program.py`,
`python -m module` or `python -c code` would run it, and its exit status is the
one of this command. The trace is shown on stderr when it has ended; stdout
stays the program's. Ctrl-C ends the program, and shows what was recorded."""

_EPILOG = """\
targets:
  module:function     also module:Class, module:Class.method and globs, module:*;
                      the module is imported before the program starts
  :function           one that the program itself defines (or __main__:function)
  Without -t all functions that the program itself defines are traced: -t ':*'.

commands:
  show FILE           show a trace that --json has written
  diff FILE FILE      compare two of them: exit status 0 if they are the same, 1 if
                      not, 2 when there was an error
  completion SHELL    print completions for bash, zsh or fish
  A program that is called like a command is run as ./show or with options before.

examples:
  tracefunc program.py
  tracefunc -t json.decoder:JSONDecoder.decode -m json.tool data.json
  tracefunc -t :area --when 'width > 10' --html trace.html program.py --fast"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status.

    What a program raises that was run, `SystemExit` for example, comes out of here.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = COMMANDS.get(given[0]) if given else None
    try:
        return _run(given) if command is None else command.act(command.parser().parse_args(given[1:]))
    except BrokenPipeError:  # nobody reads any more, and the interpreter shall not find that out again
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except _Failure as failure:
        print(f"tracefunc: error: {failure}", file=sys.stderr)
        return failure.status


class _Failure(Exception):
    """An error of whoever typed the command."""

    status = 2


# --- running a program --------------------------------------------------------------------------------------------


def run_parser() -> argparse.ArgumentParser:
    """The parser of our own options, those before the program."""
    parser = argparse.ArgumentParser(
        prog="tracefunc",
        usage=_USAGE,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument_group("what to run").add_argument
    add("-m", dest="module", metavar="MODULE", help="run a module or package, as python -m does")
    add("-c", dest="command", metavar="CODE", help="run code, as python -c does")
    add = parser.add_argument_group("what to trace").add_argument
    add("-t", "--target", action="append", metavar="TARGET", help="the functions to trace, see below; can be repeated")
    add("--when", metavar="EXPR", help="record only calls for whose arguments this expression is true")
    add("--max-calls", type=_limit, default=10, metavar="N", help="how many calls to record: 10, or none for no limit")
    add("--max-samples", type=_limit, default=10, metavar="N", help="how many hits of a line to sample per call: 10")
    add("--max-repr", type=_limit, default=50, metavar="N", help="how many characters of a value to keep: 50")
    add("--keep", choices=("first", "last", "ends"), default="first", help="which calls and samples those limits keep")
    add("--redact", action="append", metavar="NAME", help="never look at values of that name or glob; can be repeated")
    add("--threads", choices=("all", "current"), default="all", help="trace all threads, or only the main thread")
    add("--unhit", action="store_true", help="keep the lines that never ran in the trace as well")
    add = _add_views(parser, "stderr")
    add("--json", metavar="FILE", help="write the trace as JSON (- is stdout)")
    add("-q", "--quiet", action="store_true", help="say nothing about the trace on stderr, progress included")
    parser.add_argument("--version", action=_Version, help="show the version and the engine, and why it was chosen")
    return parser


class _Version(argparse.Action):
    """`--version`, which looks for the engine only when it is asked."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from .._record.engine import engine

        print(f"tracefunc {__version__}, engine: {engine}")
        parser.exit()


def _add_views(parser: argparse.ArgumentParser, place: str) -> Callable[..., argparse.Action]:
    group = parser.add_argument_group("what to show")
    add = group.add_argument
    add("--compact", action="store_true", help="show it in as little text as tells it all")
    add("--builtins", action="store_true", help="show the names that hold builtins and modules, too")
    add("-o", "--output", metavar="FILE", help=f"write the text to a file instead of {place}")
    add("--html", metavar="FILE", help="write a page that shows the trace")
    add("--open", action="store_true", help="open that page in a browser")
    return add


def _limit(text: str) -> int | None:
    if text == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor none") from None


class Given(NamedTuple):
    """A command line, taken apart."""

    ours: list[str]  # our options
    kind: str  # "file", "module", "command"; "": there is no program
    what: str
    arguments: list[str]  # the program's


def split(given: Sequence[str], parser: argparse.ArgumentParser) -> Given:
    """Take a command line apart where the program begins: all behind it is the program's, as it is with `python`."""
    with_value = {name for action in parser._actions if action.nargs is None for name in action.option_strings}
    kinds = {"m": "module", "c": "command"}
    i = 0
    while i < len(given):
        argument = given[i]
        if argument == "--":
            return Given([*given[:i]], "file" if given[i + 1 :] else "", *_first(given[i + 1 :]))
        if argument == "-" or not argument.startswith("-"):
            return Given([*given[:i]], "file", *_first(given[i:]))
        if not argument.startswith("--"):
            for j, letter in enumerate(argument[1:], 1):
                value = argument[j + 1 :]
                if letter in kinds and (value or given[i + 1 :]):
                    flags = [argument[:j]] if j > 1 else []
                    rest = [value, *given[i + 1 :]] if value else given[i + 1 :]
                    return Given([*given[:i], *flags], kinds[letter], *_first(rest))
                if f"-{letter}" in with_value:
                    i += not value
                    break
        elif argument in with_value:
            i += 1
        i += 1
    return Given([*given], "", "", [])


def _first(items: Sequence[str]) -> tuple[str, list[str]]:
    return (items[0], [*items[1:]]) if items else ("", [])


def _run(arguments: Sequence[str]) -> int:
    parser = run_parser()
    given = split(arguments, parser)
    options = parser.parse_args(given.ours)
    if not given.kind:
        if given.ours:
            parser.error("there is no program to run: tracefunc [options] program.py")
        parser.print_help()
        return 0
    if options.quiet and not (options.output or options.html or options.json or options.open):
        parser.error("with --quiet nothing is left to show: add --html, --json or --output")
    _check_outputs(options)
    from . import program as _program

    try:
        program = _program.load(given.kind, given.what, given.arguments)
    except _program.ProgramError as error:
        print(f"tracefunc: {error}", file=sys.stderr)
        return error.status
    except BaseException:
        _program.hide_our_frames()
        raise
    _Recording(program, _tracer(options, program), options).run()
    return 0


def _tracer(options: argparse.Namespace, program: Program) -> Tracer:
    """The tracer that the options describe; raises _Failure when there is something wrong with them."""
    from ..core import Tracer

    given = options.target or [":*"]
    try:
        return Tracer(
            *(target for name in given for target in _targets(name, program)),
            max_calls=options.max_calls,
            max_samples=options.max_samples,
            max_repr=options.max_repr,
            keep=options.keep,
            when=options.when,
            redact=options.redact or (),
            threads=options.threads,
            incl_unhit=options.unhit,
        )
    except (TypeError, ValueError) as error:
        raise _Failure(error) from error


def _targets(name: str, program: Program) -> Sequence[Callable[..., object] | str]:
    module, _, path = name.partition(":")
    if program.is_module(module):
        return program.functions(path or "*")
    if not module or module.startswith("."):
        raise _Failure(f"target {name!r}: what stands before the colon is no module's full name.")
    try:
        __import__(module)
    except ImportError as error:
        raise _Failure(f"target {name!r}: cannot import {module!r} ({error}).{_hint(module, error.name)}") from error
    except (Exception, SystemExit) as error:
        raise _Failure(f"target {name!r}: importing {module!r} raised {type(error).__name__}: {error}") from error
    return [name]


def _hint(module: str, missing: str | None) -> str:
    """What may have been meant by a module that is not there: `missing`, if it is `module` itself or around it."""
    if missing is None or not f"{module}.".startswith(f"{missing}."):
        return ""
    from difflib import get_close_matches
    from pkgutil import iter_modules

    package, _, last = missing.rpartition(".")
    around = sys.modules.get(package)
    if hasattr(around, last):
        return f" Did you mean {package}:{module[len(package) + 1 :]}?"
    known = {found.name for found in iter_modules(getattr(around, "__path__", ()) if package else None)}
    similar = get_close_matches(last, known if package else known | sys.stdlib_module_names, 3)
    return f" Did you mean {' or '.join(f'{package}.{n}' if package else n for n in similar)}?" if similar else ""


class _Recording:
    """A program's run under a trace, and what happens when it has ended."""

    def __init__(self, program: Program, tracer: Tracer, options: argparse.Namespace) -> None:
        self.program = program
        self.options = options
        self.stderr = sys.stderr  # the program may set another one
        self.process = os.getpid()
        self.interrupted = False
        self.progress: Progress | None = None
        try:
            self.session, self.results = tracer.recording(program.code)
        except ValueError as error:
            raise _Failure(error) from error

    def run(self) -> None:
        """Run the program; raises what it raises."""
        import atexit

        try:
            self.session.start()
        except (RuntimeError, ValueError) as error:
            self.session.stop()
            raise _Failure(error) from error
        # The last thing that is done at exit: the program's threads have ended, and its exit functions were called.
        atexit.register(self.end)
        if not self.options.quiet and self.stderr is not None and self.stderr.isatty():
            from .progress import Progress

            self.progress = Progress(self.session.calls, self.stderr)
        try:
            self.program.run()
        except BaseException as error:
            if isinstance(error, Exception):
                self.results.exc = error
            self.interrupted = type(error) is KeyboardInterrupt
            self._stop_progress()
            from .program import hide_our_frames

            hide_our_frames()
            raise

    def end(self) -> None:
        """Show what was recorded; nothing comes after it, so that nothing can be raised."""
        if os.getpid() != self.process:
            return  # a fork of the program
        self._stop_progress()
        self.session.stop()
        self.session.collect(self.results)
        _flush(sys.stdout)  # what the program has written comes first
        try:
            _show_run(self.results, self.options, self.stderr)
        except KeyboardInterrupt:
            self._tell("interrupted while the trace was shown")
        except (_Failure, OSError, ImportError, ValueError) as error:
            self._tell(f"error: {error}")
        if self.interrupted:
            _remember_the_interrupt()

    def _tell(self, text: str) -> None:
        try:
            print(f"tracefunc: {text}", file=self.stderr)
        except (OSError, ValueError):
            pass  # it is closed, or nobody reads any more: there is no one to tell

    def _stop_progress(self) -> None:
        if self.progress is not None:
            self.progress.stop()


def _remember_the_interrupt() -> None:
    """Let the interpreter end by SIGINT, as it does after an uncaught KeyboardInterrupt.

    It forgets about that when it executes any text meanwhile, as `namedtuple` does, and it sees it when that raises.
    """
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        pass


def _flush(stream: TextIO | None) -> None:
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        pass  # the interpreter does it again, and tells what is wrong


# --- showing ------------------------------------------------------------------------------------------------------


def _show_run(results: TraceResults, options: argparse.Namespace, stderr: TextIO | None) -> None:
    if options.json:
        _write(options.json, results.to_json() + "\n")
    page = _page(results, options)
    if options.output:
        _write(options.output, _text(results, options))
    if options.quiet or stderr is None:  # there is none where there is no console
        return
    elsewhere = ["stdout" if path == "-" else path for path in (options.output, page, options.json) if path]
    if results and not elsewhere:
        if options.compact:
            print(_text(results, options), file=stderr)
        else:
            from ..render import text

            text.show(results, builtins=options.builtins, file=stderr)
        return
    for warning in results.warnings:
        print(f"tracefunc: {warning}", file=stderr)
    number = f"{len(results)} recorded call{'s' if len(results) > 1 else ''}" if results else "no call was recorded"
    print(f"tracefunc: {number}{', written to ' if elsewhere else ''}{', '.join(elsewhere)}", file=stderr)


def _text(results: TraceResults, options: argparse.Namespace) -> str:
    return results.text(compact=options.compact, builtins=options.builtins)


def _page(results: TraceResults, options: argparse.Namespace, title: str | None = None) -> str | None:
    """Write the page that is asked for, if one is, and open it; returns its path."""
    path: str | None = options.html
    if path is None and options.open:
        from tempfile import mkstemp

        handle, path = mkstemp(".html", "tracefunc-")
        os.close(handle)
    if path is None:
        return None
    results.to_html(path, title=title)
    if options.open:
        import webbrowser

        webbrowser.open(f"file://{os.path.abspath(path)}")
    return path


def _write(path: str, text: str) -> None:
    if path == "-":
        print(text, end="" if text.endswith("\n") else "\n", flush=True)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text if text.endswith("\n") else text + "\n")


def _check_outputs(options: argparse.Namespace) -> None:
    """Say now what could not be written at the end, when a long run would be lost.

    The paths become absolute: a program may go to another folder.
    """
    given = vars(options)
    for name in ("output", "html", "json"):
        path = given.get(name)
        if not path or path == "-":
            continue
        given[name] = os.path.abspath(path)
        if os.path.isdir(path) or not os.access(os.path.dirname(given[name]), os.W_OK):
            raise _Failure(f"cannot write {path!r}: {'it is a' if os.path.isdir(path) else 'there is no'} folder")
    if given.get("html") or given.get("open"):
        from ..render import html

        try:
            html.environment()  # whether what it needs is installed
        except ImportError as error:
            raise _Failure(error) from error


# --- the commands -------------------------------------------------------------------------------------------------


def show_parser() -> argparse.ArgumentParser:
    parser = _command_parser("show", "Show a trace that --json has written, or TraceResults.to_json().")
    parser.add_argument("file", metavar="FILE", help="the JSON (- is stdin)")
    _add_views(parser, "stdout")
    return parser


def diff_parser() -> argparse.ArgumentParser:
    parser = _command_parser(
        "diff", "Compare two traces: exit status 0 if they are the same, 1 if not, 2 for an error."
    )
    parser.add_argument("before", metavar="FILE", help="a trace, as JSON (- is stdin)")
    parser.add_argument("after", metavar="FILE", help="another one")
    parser.add_argument("--html", metavar="FILE", help="write a page that shows the differences, and no text")
    parser.add_argument("-q", "--quiet", action="store_true", help="show nothing: only the exit status tells")
    return parser


def completion_parser() -> argparse.ArgumentParser:
    parser = _command_parser("completion", "Print what makes a shell complete our options; to be read by that shell.")
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")
    return parser


def _command_parser(name: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"tracefunc {name}", description=description, allow_abbrev=False)


def _show(options: argparse.Namespace) -> int:
    _check_outputs(options)
    results = _loaded(options.file)
    page = _page(results, options)
    if options.output:
        _write(options.output, _text(results, options))
    elif options.compact:
        _write("-", _text(results, options))
    elif page is None:
        results.show(builtins=options.builtins)
    return 0


def _diff(options: argparse.Namespace) -> int:
    _check_outputs(options)
    difference = _loaded(options.before).diff(_loaded(options.after))
    if options.html:
        difference.to_html(options.html)
    elif difference and not options.quiet:
        _write("-", difference.text())
    return 1 if difference else 0


def _completion(options: argparse.Namespace) -> int:
    from .completion import SHELLS

    parsers = {name: command.parser() for name, command in COMMANDS.items()}
    print(SHELLS[options.shell](run_parser(), parsers), end="")
    return 0


def _loaded(path: str) -> TraceResults:
    """The trace in a file; raises _Failure when there is none."""
    from ..results import TraceResults

    try:
        if path == "-":
            return TraceResults.from_json(sys.stdin.buffer.read())
        with open(path, "rb") as file:
            return TraceResults.from_json(file.read())
    except OSError as error:
        raise _Failure(f"cannot read {path!r}: {error.strerror}") from error
    except ValueError as error:
        raise _Failure(f"{path!r} holds no trace: {error}") from error


class Command(NamedTuple):
    """What a first word that is none of our options stands for."""

    parser: Callable[[], argparse.ArgumentParser]
    act: Callable[[argparse.Namespace], int]


COMMANDS = {
    "show": Command(show_parser, _show),
    "diff": Command(diff_parser, _diff),
    "completion": Command(completion_parser, _completion),
}
