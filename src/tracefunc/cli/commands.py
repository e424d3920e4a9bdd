"""The commands of the command line: run a program under a trace, show a stored trace, compare two, complete options."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from . import outputs, parsers
from .errors import UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; returns the exit status.

    Raises what the program raises that was run, `SystemExit` included.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = COMMANDS.get(given[0]) if given else None
    try:
        return _run(given) if command is None else command.act(command.parser().parse_args(given[1:]))
    except BrokenPipeError:  # nobody reads any more; the interpreter must not fail to flush the pipe again
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except UsageError as error:
        print(f"tracefunc: error: {error}", file=sys.stderr)
        return error.status


def _run(arguments: Sequence[str]) -> int:
    parser = parsers.run_parser()
    given = parsers.split(arguments, parser)
    options = parser.parse_args(given.options)
    if not given.kind:
        if given.options:
            parser.error("there is no program to run: tracefunc [options] program.py")
        parser.print_help()
        return 0
    if options.quiet and not (options.output or options.html or options.json or options.open):
        parser.error("--quiet leaves nothing to show: add --html, --json or --output")
    outputs.check_outputs(options)
    from . import program as programs

    try:
        program = programs.load(given.kind, given.program, given.arguments)
    except programs.ProgramError as error:
        print(f"tracefunc: {error}", file=sys.stderr)
        return error.status
    except BaseException:
        programs.hide_our_frames()
        raise
    from .recording import Recording
    from .targets import new_tracer

    Recording(program, new_tracer(options, program), options).run()
    return 0


def _show(options: Namespace) -> int:
    outputs.check_outputs(options)
    outputs.show(outputs.load(options.file), options)
    return 0


def _diff(options: Namespace) -> int:
    outputs.check_outputs(options)
    difference = outputs.load(options.before).diff(outputs.load(options.after))
    if options.html:
        difference.to_html(options.html)
    elif difference and not options.quiet:
        outputs.write("-", difference.text())
    return 1 if difference else 0


def _completion(options: Namespace) -> int:
    from .completion import SHELLS

    of_commands = {name: command.parser() for name, command in COMMANDS.items()}
    print(SHELLS[options.shell](parsers.run_parser(), of_commands), end="")
    return 0


class Command(NamedTuple):
    """A command: a first word of the command line that is not an option or a program."""

    parser: Callable[[], ArgumentParser]
    act: Callable[[Namespace], int]


COMMANDS = {
    "show": Command(parsers.show_parser, _show),
    "diff": Command(parsers.diff_parser, _diff),
    "completion": Command(parsers.completion_parser, _completion),
}
