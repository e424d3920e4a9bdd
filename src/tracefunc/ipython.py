"""`%tracefunc` and `%%tracefunc`: traces in IPython and in notebooks, after `%load_ext tracefunc`."""

from __future__ import annotations

import ast
from io import StringIO
from shlex import shlex
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .core import Tracer
from .core.options import OPTIONS, NamesOption, Option, at_a_door
from .core.suggestions import did_you_mean, similar

if TYPE_CHECKING:
    from .results import TraceResults

# The options of the magics that are not options of a trace.
_TARGET = NamesOption("target", "NAME", 'record the calls of this: an expression or, as for Tracer, "module:name"')
_HTML = Option("html", None, "PATH", "also write a page that shows the whole trace")
_BY_FLAG = {option.flag: option for option in (_TARGET, *OPTIONS, _HTML)}
_SHORT = {"-t": _TARGET.flag}
# Names in the session, for as long as something runs.
_RUN, _VALUE = "__tracefunc_run__", "__tracefunc_value__"

_HELP = """Trace what an expression, or a cell, calls.

    %tracefunc [OPTIONS] EXPRESSION      trace the function that the expression calls, or the targets
    %%tracefunc [OPTIONS]                trace the targets, or the functions that the cell defines

{options}
--                  ends the options; a value with blanks in it needs quotes

The result is a TraceResults, which a notebook shows: `r = %tracefunc f(3)` keeps it. An exception is in its `exc`,
what was returned in its `result`. In a cell, the statements up to the definition of a target run before the trace
begins, and the result is the value of the cell's last expression.
"""


def load(shell: Any) -> None:
    """Register the magics with an IPython shell; raises ImportError when IPython is missing."""
    from IPython.core.magic import no_var_expand

    def tracefunc(line: str, cell: str | None = None) -> TraceResults:
        options, rest = parse(line)
        if cell is None:
            return _with_page(_trace_line(shell, options, rest), options)
        if rest:
            raise _usage_error(f"%%tracefunc takes only options, and traces the cell: {rest!r} is not an option.")
        return _with_page(_trace_cell(shell, options, cell), options)

    tracefunc.__doc__ = _HELP.format(options="\n".join(map(_help_of, _BY_FLAG.values())))
    shell.register_magic_function(no_var_expand(tracefunc), magic_kind="line_cell")


def _help_of(option: Option) -> str:
    short = [name for name, flag in _SHORT.items() if flag == option.flag]
    words = f"{', '.join([*short, option.flag])} {option.metavar}".rstrip()
    return f"{words:<19} {option.help}" if len(words) < 20 else f"{words}\n{'':<19} {option.help}"


# --- the line -----------------------------------------------------------------------------------------------------


def parse(line: str) -> tuple[dict[str, Any], str]:
    """Return the options that a line begins with, by their names, and the rest of the line as it is written.

    Raises UsageError for an option that does not exist, or that has no value or a wrong one.
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
        flag, equals, text = word.partition("=")
        option = _BY_FLAG.get(_SHORT.get(flag, flag))
        if option is None or (equals and not option.takes_value):
            raise _unknown(word, flag)
        if not option.takes_value:
            options[option.name] = True
            continue
        text = text if equals else _next(words, line)
        if not text:
            raise _usage_error(f"{flag} needs a value.")
        _put(options, option, text)


def _unknown(word: str, flag: str) -> Exception:
    hint = did_you_mean(similar(flag, _BY_FLAG)) if flag not in _BY_FLAG else f" {flag} takes no value."
    return _usage_error(f"there is no option {word}.{hint} The options are -t, {', '.join(_BY_FLAG)}; -- ends them.")


def _next(words: shlex, line: str) -> str:
    try:
        return words.get_token() or ""
    except ValueError as error:  # a quote that is not closed
        raise _usage_error(f"{error}: {line}") from error


def _put(options: dict[str, Any], option: Option, text: str) -> None:
    try:
        value = text if option.name == "describe" else option.parse(text)  # may be an expression
    except ValueError as error:
        raise _usage_error(f"{option.flag}: {error}.") from error
    if option.can_repeat:
        options.setdefault(option.name, []).append(value)
    else:
        options[option.name] = value


# --- running ------------------------------------------------------------------------------------------------------


def _trace_line(shell: Any, options: dict[str, Any], text: str) -> TraceResults:
    if not text:
        raise _usage_error("there is nothing to run: add an expression, as in %tracefunc f(3).")
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise _usage_error(
            f"{text!r} is not an expression: {error.msg}. To trace statements, begin a cell with %%tracefunc."
        ) from error
    if options.get("target"):
        tracer = _tracer(shell, options)
        return tracer.run(_function(shell, ast.Expression(tree.body), text))
    if not isinstance(tree.body, ast.Call):
        raise _usage_error(f"{text!r} is not a call: name the function to trace, with -t NAME.")
    return _trace_call(shell, options, tree.body, text)


def _trace_call(shell: Any, options: dict[str, Any], call: ast.Call, text: str) -> TraceResults:
    """Trace the function that an expression calls; the arguments are evaluated before the trace begins."""
    tracer = _tracer(shell, options)

    def run(fn: Any, /, *args: Any, **kwargs: Any) -> TraceResults:
        try:
            Tracer(fn)
        except (TypeError, ValueError) as error:
            raise _usage_error(f"{error} To name another one: %tracefunc -t NAME {text}") from error
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
        raise _usage_error("there is no function to trace: name one, %%tracefunc -t NAME, or define one in this cell.")
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
    """Return the index of the first statement after those that define a target."""
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
    """Return the tracer that the options describe; raises UsageError when something is wrong with them."""
    given = at_a_door({option.name: options[option.name] for option in OPTIONS if option.name in options})
    targets = [_target(shell, text) for text in options.get("target", [])]
    if options.get("describe") not in (None, *_BY_FLAG["--describe"].choices):
        given["describe"] = _value(shell, given["describe"], "--describe")
    try:
        return Tracer(*targets, **given)
    except (TypeError, ValueError) as error:
        raise _usage_error(str(error)) from error


def _target(shell: Any, text: str) -> Any:
    """Return a target by its name: the value of an expression in the session, or a name that Tracer finds itself."""
    return text if ":" in text else _value(shell, text, "-t")


def _value(shell: Any, text: str, option: str) -> Any:
    try:
        return eval(text, shell.user_ns)
    except Exception as error:
        raise _usage_error(f"{option} {text}: {type(error).__name__}: {error}") from error


def _function(shell: Any, tree: ast.Expression, text: str) -> FunctionType:
    """Return a function that evaluates an expression in the session; in stacks it is `<module>`, as its code is."""
    code = shell.compile(ast.fix_missing_locations(tree), _file(shell, text), "eval")
    return FunctionType(code, shell.user_ns)


def _file(shell: Any, text: str) -> str:
    """Return the file name under which Python finds a text that was entered in the session."""
    name: str = shell.compile.cache(text, shell.execution_count)
    return name


def _with_page(results: TraceResults, options: dict[str, Any]) -> TraceResults:
    """Write the page, if the options ask for one."""
    results.door = "command line"  # whose spelling of options is that of the magics
    if "html" in options:
        results.to_html(options["html"])
    return results


def _usage_error(text: str) -> Exception:
    from IPython.core.error import UsageError

    return UsageError(f"tracefunc: {text}")
