"""`%tracefunc` and `%%tracefunc`: traces in IPython and in notebooks, after `%load_ext tracefunc`."""

from __future__ import annotations

import ast
from io import StringIO
from shlex import shlex
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .core import Tracer

if TYPE_CHECKING:
    from .results import TraceResults

_NUMBERS = ("max_calls", "max_samples", "max_repr")
_TEXTS = ("keep", "threads", "when")
_SWITCHES = ("incl_unhit", "reraise")
_LISTS = ("target", "redact")
_OTHERS = ("describe", "html")
# Names in the session, for as long as something runs.
_RUN, _VALUE = "__tracefunc_run__", "__tracefunc_value__"
_SHORT = {"-t": "--target"}


def load(shell: Any) -> None:
    """Register the magic with an IPython shell; raises ImportError when IPython is missing."""
    from IPython.core.magic import no_var_expand

    def tracefunc(line: str, cell: str | None = None) -> TraceResults:
        """Trace what an expression, or a cell, calls.

            %tracefunc [OPTIONS] EXPRESSION      trace the function that the expression calls, or the targets
            %%tracefunc [OPTIONS]                trace the targets, or the functions that the cell defines

        -t, --target NAME   whose calls to record: a name or an expression of this session, or "module:name" with
                            globs, as for Tracer; can be given several times
        --when EXPRESSION   only calls whose arguments fulfil it; in quotes if there are blanks in it
        --max-calls N, --max-samples N, --max-repr N
                            how many calls, samples of a line, characters of a sample; none: all
        --keep first|last|ends, --threads all|current, --redact NAME, --describe FUNCTION, --incl-unhit, --reraise
                            as for Tracer
        --html PATH         also write the page that shows everything
        --                  ends the options

        The answer is a TraceResults, of which a notebook shows the calls: `r = %tracefunc f(3)` keeps it. An exception
        is in its `exc`, what was returned in its `result`. In a cell, statements up to the definition of a target run
        before the trace begins; its result is the value of the cell's last expression.
        """
        options, rest = parse(line)
        if cell is None:
            return _shown(_trace_line(shell, options, rest), options)
        if rest:
            raise _usage_error(f"%%tracefunc takes options only, and traces the cell; not {rest!r}.")
        return _shown(_trace_cell(shell, options, cell), options)

    shell.register_magic_function(no_var_expand(tracefunc), magic_kind="line_cell")


# --- the line -----------------------------------------------------------------------------------------------------


def parse(line: str) -> tuple[dict[str, Any], str]:
    """Return the options that a line begins with, by their names, and the rest of it as it is written.

    Raises UsageError for an option that is not known or has no value.
    """
    stream = StringIO(line)
    words = shlex(stream, posix=True)
    words.whitespace_split, words.commenters = True, ""
    options: dict[str, Any] = {}
    while True:
        rest = line[stream.tell() :].strip()
        if not rest.startswith("-"):
            return options, rest
        word = _next(words, line)
        if word == "--":
            return options, line[stream.tell() :].strip()
        option, equals, value = word.partition("=")
        name = _SHORT.get(option, option).removeprefix("--").replace("-", "_")
        if name in _SWITCHES and not equals:
            options[name] = True
            continue
        if name not in _NUMBERS + _TEXTS + _LISTS + _OTHERS or not option.startswith("-"):
            known = ", ".join(f"--{name.replace('_', '-')}" for name in _known())
            raise _usage_error(f"there is no option {word}: known are -t, {known}; -- ends the options.")
        if not equals:
            value = _next(words, line) or ""
        if not value:
            raise _usage_error(f"{option} needs a value.")
        _put(options, name, value)


def _known() -> tuple[str, ...]:
    return _LISTS + _TEXTS + _NUMBERS + _OTHERS + _SWITCHES


def _next(words: shlex, line: str) -> str:
    try:
        return words.get_token() or ""
    except ValueError as error:  # a quote that is not closed
        raise _usage_error(f"{error}: {line}") from error


def _put(options: dict[str, Any], name: str, value: str) -> None:
    if name in _LISTS:
        options.setdefault(name, []).append(value)
    elif name not in _NUMBERS:
        options[name] = value
    elif value.lower() in ("none", "all"):
        options[name] = None
    elif value.isdecimal():
        options[name] = int(value)
    else:
        raise _usage_error(f"--{name.replace('_', '-')} is {value!r}: it must be a whole number, or none for no limit.")


# --- running ------------------------------------------------------------------------------------------------------


def _trace_line(shell: Any, options: dict[str, Any], text: str) -> TraceResults:
    if not text:
        raise _usage_error("what is to be run? %tracefunc f(3)")
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise _usage_error(
            f"{text!r} is no expression: {error.msg}. A cell that begins with %%tracefunc may be anything."
        ) from error
    if options.get("target"):
        tracer = _tracer(shell, options)
        return tracer.run(_function(shell, ast.Expression(tree.body), text))
    if not isinstance(tree.body, ast.Call):
        raise _usage_error(f"{text!r} is no call: which function is to be traced? Name it: -t NAME.")
    return _trace_call(shell, options, tree.body, text)


def _trace_call(shell: Any, options: dict[str, Any], call: ast.Call, text: str) -> TraceResults:
    """Trace the function that a call calls; its arguments are evaluated before."""
    tracer = _tracer(shell, options)

    def run(fn: Any, /, *args: Any, **kwargs: Any) -> TraceResults:
        try:
            Tracer(fn)
        except (TypeError, ValueError) as error:
            raise _usage_error(f"{error} Here: %tracefunc -t NAME {text}") from error
        return tracer.run(fn, *args, **kwargs)

    called = ast.copy_location(ast.Name(_RUN, ast.Load()), call.func)
    tree = ast.Expression(ast.copy_location(ast.Call(called, [call.func, *call.args], call.keywords), call))
    shell.user_ns[_RUN] = run
    try:
        results: TraceResults = _function(shell, tree, text)()
    finally:
        del shell.user_ns[_RUN]
    return results


def _trace_cell(shell: Any, options: dict[str, Any], cell: str) -> TraceResults:
    text = shell.transform_cell(cell)
    tree = ast.parse(text)  # a SyntaxError is shown as that of any cell
    file = _file(shell, text)
    if not options.get("target"):
        options["target"] = [
            part.name for part in tree.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
    if not options["target"]:
        raise _usage_error("which function is to be traced? Name it: %%tracefunc -t NAME; or define it in this cell.")
    first = _first_traced(tree, options["target"])
    exec(shell.compile(ast.Module(tree.body[:first], []), file, "exec"), shell.user_ns)
    tracer = _tracer(shell, options)
    body = tree.body[first:]
    if body and isinstance(body[-1], ast.Expr):
        name = ast.Name(_VALUE, ast.Store())
        body[-1] = ast.copy_location(ast.Assign([name], body[-1].value), body[-1])
    code = shell.compile(ast.fix_missing_locations(ast.Module(body, [])), file, "exec")
    try:
        results = tracer.run(FunctionType(code, shell.user_ns))
    finally:
        value = shell.user_ns.pop(_VALUE, None)
    results.result = value
    return results


def _first_traced(tree: ast.Module, targets: list[str]) -> int:
    """The number of the statement behind the last one that defines a target."""
    roots = {target.partition(".")[0] for target in targets}
    first = 0
    for i, statement in enumerate(tree.body, 1):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound = {statement.name}
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            bound = {part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and _is_stored(part)}
        else:
            continue
        if bound & roots:
            first = i
    return first


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _tracer(shell: Any, options: dict[str, Any]) -> Tracer:
    """The tracer that the options describe; what is wrong with them is a UsageError."""
    given = {name: value for name, value in options.items() if name not in ("target", "html")}
    targets = [_target(shell, text) for text in options.get("target", [])]
    if "describe" in given:
        given["describe"] = _value(shell, given["describe"], "--describe")
    try:
        return Tracer(*targets, **given)
    except (TypeError, ValueError) as error:
        raise _usage_error(str(error)) from error


def _target(shell: Any, text: str) -> Any:
    """A target by its name: an expression of this session, or what Tracer finds by itself."""
    return text if ":" in text else _value(shell, text, "-t")


def _value(shell: Any, text: str, option: str) -> Any:
    try:
        return eval(text, shell.user_ns)
    except Exception as error:
        raise _usage_error(f"{option} {text}: {type(error).__name__}: {error}") from error


def _function(shell: Any, tree: ast.Expression, text: str) -> FunctionType:
    """A function that evaluates an expression in the session; stacks call it a module, as its code is none of a def."""
    code = shell.compile(ast.fix_missing_locations(tree), _file(shell, text), "eval")
    return FunctionType(code, shell.user_ns)


def _file(shell: Any, text: str) -> str:
    """The name under which Python finds a text that was entered here."""
    name: str = shell.compile.cache(text, shell.execution_count)
    return name


def _shown(results: TraceResults, options: dict[str, Any]) -> TraceResults:
    if "html" in options:
        results.to_html(options["html"])
    return results


def _usage_error(text: str) -> Exception:
    from IPython.core.error import UsageError

    return UsageError(f"tracefunc: {text}")
