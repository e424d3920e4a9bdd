"""`when`: whether a call is recorded, by its arguments."""

from __future__ import annotations

import ast
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .._forks import importing
from .._values.describe import describe
from .._values.read import read
from .definition import find_node
from .source import SourceError, file_lines
from .when_compiler import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from .target_plan import Plan


def parse(text: str) -> ast.Expression:
    """Parse an expression; raises ValueError for a text that is none."""
    try:
        return ast.parse(text.strip(), "<when>", "eval")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"when is not a Python expression: {text!r} ({error}).") from None


class Condition:
    """`when` for the calls of one function: a function of some of its arguments, by name."""

    __slots__ = ("hides_values", "readers", "steps", "test")

    def __init__(
        self, when: Callable[..., object] | str, function: FunctionType, plan: Plan, hides_values: bool
    ) -> None:
        names = [reader.name for reader in plan.parameters]
        if isinstance(when, str):
            parsed = parse(when)
            expression: ast.expr | None = parsed.body
            self.test, wanted = _compiled(parsed, names, function.__globals__)
        else:
            expression = _only_expression(when)
            self.test, wanted = when, _accepted(when, names)
        self.readers = [reader for reader in plan.parameters if reader.name in wanted]
        self.hides_values = hides_values  # from messages
        self.steps = None  # of the expression that the test is, if it is one that has steps
        if expression is not None and isinstance(self.test, FunctionType):
            self.steps = steps_of(expression, self.test, {reader.name for reader in self.readers})

    def holds(self, frame: FrameType) -> bool:
        """Whether the call that starts in `frame` is wanted; raises what the condition raises."""
        return bool(self.test(**{r.name: read(frame, r.stored, r.how) for r in self.readers}))

    def error_text(self, error: Exception) -> str:
        """An exception that the condition raised, as text."""
        return type(error).__name__ if self.hides_values else describe(error)[1]


def _compiled(
    expression: ast.Expression, names: list[str], space: dict[str, Any]
) -> tuple[Callable[..., object], set[str]]:
    """Make a function of an expression: of the arguments that it mentions; its other names are the target's globals."""
    mentioned = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    wanted = [name for name in names if name in mentioned]
    arguments = ast.arguments([], [ast.arg(name) for name in wanted], None, [], [], None, [])
    made = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, expression.body)))
    [code] = [const for const in compile(made, "<when>", "eval").co_consts if hasattr(const, "co_code")]
    return FunctionType(code, space), set(wanted)


def _only_expression(when: Callable[..., object]) -> ast.expr | None:
    """The expression whose value a function returns, if it does no more than that and its source can be found."""
    if not isinstance(when, FunctionType):
        return None
    try:
        node = find_node(when, file_lines(when))
    except SourceError:
        return None
    match node:
        case ast.Lambda(_, expression) | ast.FunctionDef(_, _, [ast.Return(expression)]):
            return expression
    return None


def _accepted(when: Callable[..., object], names: list[str]) -> set[str]:
    """The arguments that a function takes by name; all of them where it does not say."""
    with importing:
        import inspect

    try:
        parameters = inspect.signature(when).parameters.values()
    except (TypeError, ValueError):
        return set(names)
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return set(names)
    return {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
