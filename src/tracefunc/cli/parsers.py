"""The parsers of the command line, and where a program begins in it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NamedTuple

from .. import __version__
from ..core.options import OPTIONS
from . import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _typeshed import SupportsWrite

    from ..core.options import Option

    Add = Callable[..., argparse.Action]

# Options of a trace that the command line does not have, and why.
NOT_HERE = {
    "reraise": "what the program raises always leaves the command line as it leaves `python`",
}
_OLDER_SPELLINGS = {"incl_unhit": ["--unhit"]}

_USAGE = """\
tracefunc [options] program.py [argument ...]
       tracefunc [options] -m module [argument ...]
       tracefunc [options] -c code [argument ...]
       tracefunc show FILE | diff FILE FILE | completion SHELL"""

_DESCRIPTION = """\
Run a Python program and show, for the lines of some of its functions, how often
each line ran and which values its names held. The program runs as with `python
program.py`, `python -m module` or `python -c code`, and its exit status becomes
that of this command. The trace is shown on stderr when the program has ended;
stdout is left to the program. Ctrl-C ends the program and shows the trace up to
that point."""

_EPILOG = """\
targets:
  module:function     also module:Class, module:Class.method, and globs: module:*;
                      the module is imported before the program starts
  :function           a function that the program itself defines (or
                      __main__:function)
  Without -t, all functions that the program itself defines are traced: -t ':*'.

commands:
  show FILE           show a trace that --json has written
  diff FILE FILE      compare two of them; the exit status is 0 if they are the
                      same, 1 if they differ or cannot be compared, 2 if there
                      is an error
  completion SHELL    print completions for bash, zsh or fish
  To run a program with the name of a command, write ./show, or put options first.

examples:
  tracefunc program.py
  tracefunc -t json.decoder:JSONDecoder.decode -m json.tool data.json
  tracefunc -t :area --when 'width > 10' --html trace.html program.py --fast"""


# --- parsers ------------------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser that fails where its help cannot be written."""

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        if file is sys.stdout and message:
            streams.put(message)
        else:
            super()._print_message(message, file)


def run_parser() -> argparse.ArgumentParser:
    """Return the parser of tracefunc's own options, those before the program."""
    parser = _Parser(
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
    add("-t", "--target", action="append", metavar="TARGET", help="trace these functions, see below; can be repeated")
    for option in OPTIONS:
        if option.name not in NOT_HERE:
            _add_option(add, option)
    add = _add_views(parser, "stderr")
    add("--json", metavar="FILE", help="write the trace as JSON (- is stdout)")
    add("-q", "--quiet", action="store_true", help="write nothing about the trace to stderr, not even progress")
    parser.add_argument("--version", action=_Version, help="show the version, the engine and why it was chosen")
    return parser


def show_parser() -> argparse.ArgumentParser:
    parser = _command_parser("show", "Show a trace that --json or TraceResults.to_json() has written.")
    parser.add_argument("file", metavar="FILE", help="the trace, as JSON (- is stdin)")
    _add_views(parser, "stdout")
    return parser


def diff_parser() -> argparse.ArgumentParser:
    parser = _command_parser(
        "diff",
        "Compare two traces: exit status 0 if they are the same, 1 if they differ or are not comparable, 2 on failure.",
    )
    parser.add_argument("before", metavar="FILE", help="a trace, as JSON (- is stdin)")
    parser.add_argument("after", metavar="FILE", help="another trace")
    parser.add_argument("--html", metavar="FILE", help="write a page that shows the differences, and no text")
    parser.add_argument("-q", "--quiet", action="store_true", help="show nothing: set only the exit status")
    return parser


def completion_parser() -> argparse.ArgumentParser:
    parser = _command_parser("completion", "Print a script that makes a shell complete the options of tracefunc.")
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")
    return parser


def _command_parser(name: str, description: str) -> argparse.ArgumentParser:
    return _Parser(prog=f"tracefunc {name}", description=description, allow_abbrev=False)


def _add_option(add: Add, option: Option) -> None:
    """Add an option of the trace; it is absent from the parsed options unless it is given."""
    given = {"dest": option.name, "default": argparse.SUPPRESS, "help": option.help}
    names = [option.flag, *_OLDER_SPELLINGS.get(option.name, ())]
    if not option.takes_value:
        add(*names, action="store_true", **given)
    elif option.choices:
        add(*names, choices=option.choices, **given)
    else:
        action = "append" if option.can_repeat else "store"
        add(*names, action=action, type=_type_of(option), metavar=option.metavar, **given)


def _type_of(option: Option) -> Callable[[str], object]:
    def parsed(text: str) -> object:
        try:
            return option.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _add_views(parser: argparse.ArgumentParser, stream: str) -> Add:
    add: Add = parser.add_argument_group("what to show").add_argument
    add("--compact", action="store_true", help="show the trace in as little text as possible")
    add("--builtins", action="store_true", help="also show the names that hold builtins and modules")
    add("-o", "--output", metavar="FILE", help=f"write the text to a file instead of {stream}")
    add("--html", metavar="FILE", help="write a page that shows the trace")
    add("--open", action="store_true", help="open that page in a browser")
    return add


class _Version(argparse.Action):
    """`--version`, which chooses the engine only when it is given."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from .._record.engine import engine

        parser._print_message(f"tracefunc {__version__}, engine: {engine}\n", sys.stdout)
        parser.exit()


# --- where the program begins -------------------------------------------------------------------------------------


class SplitCommandLine(NamedTuple):
    """A command line in its parts."""

    options: list[str]  # tracefunc's own
    kind: str  # "file", "module", "command"; "": there is no program
    program: str
    arguments: list[str]  # the program's


def split(given: Sequence[str], parser: argparse.ArgumentParser) -> SplitCommandLine:
    """Split a command line where the program begins: all that follows belongs to the program, as with `python`."""
    with_value = {name for action in parser._actions if action.nargs is None for name in action.option_strings}
    i = 0
    while i < len(given):
        argument = given[i]
        if argument == "--":
            return SplitCommandLine([*given[:i]], "file" if given[i + 1 :] else "", *_first(given[i + 1 :]))
        if argument == "-" or not argument.startswith("-"):
            return SplitCommandLine([*given[:i]], "file", *_first(given[i:]))
        if not argument.startswith("--"):
            found = _program_option(argument, given[i + 1 :], with_value)
            if isinstance(found, SplitCommandLine):
                return found._replace(options=[*given[:i], *found.options])
            i += found
        elif argument in with_value:
            i += 1
        i += 1
    return SplitCommandLine([*given], "", "", [])


def _program_option(argument: str, behind: Sequence[str], with_value: set[str]) -> SplitCommandLine | int:
    """Look for -m or -c among the letters of an argument such as -qm.

    Returns the command line from there on, if one of them is found with a value, or else how many of the arguments
    `behind` are values of these letters.
    """
    kinds = {"m": "module", "c": "command"}
    for i, letter in enumerate(argument[1:], 1):
        value = argument[i + 1 :]
        if letter in kinds and (value or behind):
            flags = [argument[:i]] if i > 1 else []
            return SplitCommandLine(flags, kinds[letter], *_first([value, *behind] if value else behind))
        if f"-{letter}" in with_value:
            return int(not value)
    return 0


def _first(items: Sequence[str]) -> tuple[str, list[str]]:
    return (items[0], [*items[1:]]) if items else ("", [])
