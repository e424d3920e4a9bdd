"""The commands of the command line: run a program under a trace, show a stored trace, compare two, complete options."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from . import outputs, parsers, streams
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
        if command is None:
            return _run(given)
        return streams.checked(lambda: command.act(command.parser().parse_args(given[1:])))
    except BrokenPipeError:  # nobody reads any more; the interpreter must not fail to flush the pipe again
        streams.abandon(sys.stdout)
        return 1
    except UsageError as error:
        streams.complain(f"error: {error}", sys.stderr)
        return error.status


def _run(arguments: Sequence[str]) -> int:
    parser = parsers.run_parser()
    given = parsers.split(arguments, parser)
    try:
        options = parser.parse_args(given.options)
    finally:
        streams.flush()  # of --help and --version
    if not given.kind:
        if given.options:
            parser.error("there is no program to run: tracefunc [options] program.py")
        parser.print_help()
        streams.flush()
        return 0
    if options.quiet and not (options.output or options.html or options.json or options.open):
        parser.error("--quiet leaves nothing to show: add --html, --json or --output")
    outputs.check_outputs(options, *([given.program] if given.kind == "file" else []))
    from . import program as programs

    try:
        program = programs.load(given.kind, given.program, given.arguments)
    except programs.ProgramError as error:
        streams.complain(str(error), sys.stderr)
        return error.status
    except BaseException:
        programs.hide_our_frames()
        raise
    from .recording import Recording
    from .targets import new_tracer

    Recording(program, new_tracer(options, program), options).run()
    return 0


def _show(options: Namespace) -> int:
    outputs.check_outputs(options, options.file)
    outputs.show(outputs.load(options.file), options)
    return 0


def _diff(options: Namespace) -> int:
    outputs.check_outputs(options, options.before, options.after)
    difference = outputs.load(options.before).diff(outputs.load(options.after))
    if options.html:
        outputs.write_html(difference, options.html)
    elif not options.quiet and (text := difference.text()):
        outputs.write("-", text)
    return 1 if difference else 0


def _completion(options: Namespace) -> int:
    from .completion import SHELLS

    of_commands = {name: command.parser() for name, command in COMMANDS.items()}
    outputs.write("-", SHELLS[options.shell](parsers.run_parser(), of_commands))
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
