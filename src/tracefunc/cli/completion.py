"""Completions for bash, zsh and fish, made from the parsers of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator

    Parsers = dict[str, ArgumentParser]

_FILE = "FILE"  # the metavar of arguments that are files


class _Option(NamedTuple):
    """An option of a parser, or, without names, an argument."""

    names: tuple[str, ...]
    help: str
    value: str  # the metavar; "" if there is no value
    choices: tuple[str, ...]

    @property
    def is_file(self) -> bool:
        return self.value == _FILE


def _options(parser: ArgumentParser) -> Iterator[_Option]:
    for action in parser._actions:
        choices = tuple(map(str, action.choices or ()))
        metavar = action.metavar if isinstance(action.metavar, str) else action.dest
        value = metavar if action.nargs is None else ""
        yield _Option(tuple(action.option_strings), action.help or "", value, choices)


# --- bash ---------------------------------------------------------------------------------------------------------


def bash(program: ArgumentParser, commands: Parsers) -> str:
    """Return a function for bash and its registration, for `eval` or as a file of bash-completion."""
    parsers = {"": program, **commands}
    values = "".join(
        f"        {'|'.join(f'{name}:{n}' for n in option.names)}) {_bash_value(option)}; return ;;\n"
        for name, parser in parsers.items()
        for option in _options(parser)
        if option.names and option.value
    )
    names = "".join(
        f"        {name}:-*) words={_quoted(' '.join(n for o in _options(parser) for n in o.names))} ;;\n"
        for name, parser in parsers.items()
    )
    first = "".join(
        f"        {name}:*) words={_quoted(' '.join(option.choices))} ;;\n"
        for name, parser in commands.items()
        for option in _options(parser)
        if not option.names and option.choices
    )
    return f"""\
_tracefunc() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words
    case $command in {"|".join(commands)}) ;; *) command= ;; esac
    ((COMP_CWORD == 1)) && command=
    case $command:$before in
{values}    esac
    case $command:$word in
{names}{first}        *)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            ((COMP_CWORD == 1)) && mapfile -t -O ${{#COMPREPLY[@]}} COMPREPLY < <(
                compgen -W {_quoted(" ".join(commands))} -- "$word")
            return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o filenames -F _tracefunc tracefunc
"""


def _bash_value(option: _Option) -> str:
    if option.choices:
        return f'mapfile -t COMPREPLY < <(compgen -W {_quoted(" ".join(option.choices))} -- "$word")'
    return 'mapfile -t COMPREPLY < <(compgen -f -- "$word")' if option.is_file else "COMPREPLY=()"


# --- zsh ----------------------------------------------------------------------------------------------------------


def zsh(program: ArgumentParser, commands: Parsers) -> str:
    """Return a function for zsh, for `eval` or as a file in its `fpath`."""
    cases = "".join(
        f"        {name}) shift words; ((CURRENT--)); _arguments -s{_zsh_specs(parser)} ;;\n"
        for name, parser in commands.items()
    )
    described = " ".join(_quoted(f"{name}:{parser.description}") for name, parser in commands.items())
    return f"""\
#compdef tracefunc
_tracefunc() {{
    local -a commands=({described})
    ((CURRENT == 2)) && [[ $words[2] != -* ]] && _describe command commands
    case $words[2] in
{cases}        *) _arguments -s -S{_zsh_specs(program)} \\
            '1:program:_files' '*::argument:_files' ;;
    esac
}}
if [[ $funcstack[1] == _tracefunc ]]; then _tracefunc "$@"; else compdef _tracefunc tracefunc; fi
"""


def _zsh_specs(parser: ArgumentParser) -> str:
    return "".join(f" \\\n            {_zsh_spec(option)}" for option in _options(parser))


def _zsh_spec(option: _Option) -> str:
    value = ""
    if option.value:
        action = f"({' '.join(option.choices)})" if option.choices else "_files" if option.is_file else ""
        value = f":{option.value}:{action}"
    if not option.names:
        return _quoted(value)
    description = f"[{option.help.translate(str.maketrans('[]:', '() '))}]{value}"
    if len(option.names) == 1:
        return _quoted(option.names[0] + description)
    return f"{_quoted(f'({" ".join(option.names)})')}{{{','.join(option.names)}}}{_quoted(description)}"


# --- fish ---------------------------------------------------------------------------------------------------------


def fish(program: ArgumentParser, commands: Parsers) -> str:
    """Return lines for fish, for `source` or as a file among its completions."""
    lines = ["set -l commands " + " ".join(commands)]
    lines += [
        f'complete -c tracefunc -n "__fish_is_first_token" -a {name} -d {_quoted(parser.description or "")}'
        for name, parser in commands.items()
    ]
    for condition, parser in [
        ('"not __fish_seen_subcommand_from $commands"', program),
        *((f'"__fish_seen_subcommand_from {name}"', parser) for name, parser in commands.items()),
    ]:
        lines += [f"complete -c tracefunc -n {condition} {_fish_option(option)}" for option in _options(parser)]
    return "\n".join(lines) + "\n"


def _fish_option(option: _Option) -> str:
    words = [f"-s {n[1:]}" if len(n) == 2 else f"-l {n[2:]}" for n in option.names]
    if option.choices:
        words.append(f"-x -a {_quoted(' '.join(option.choices))}")
    elif option.value:
        words.append("-r -F" if option.is_file or not option.names else "-x")
    return " ".join([*words, f"-d {_quoted(option.help)}"])


def _quoted(text: str) -> str:
    """Quote a word for any of the three shells; fish would need more for a backslash, but our texts have none."""
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: dict[str, Callable[[ArgumentParser, Parsers], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
