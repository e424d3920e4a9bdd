"""The plan of one target: all that a recorder needs to trace it, kept while its code and its source are the same."""

from __future__ import annotations

import ast
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

from .._values.read import REDACTED, Reader
from .bytecode import decode
from .code_plan import CodePlan
from .columns import doubts
from .lines import analyse
from .markers import NOTHING
from .names import parameters, readers, rebound
from .offsets import analyse_code
from .outcomes import NOTHING_HIDDEN, Outcomes
from .positions import positions
from .source import FUNCTIONS, file_lines, first_row, node_span

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FunctionType

    from .._values.sample import Place
    from .lines import Body, Source
    from .positions import Span


class Plan:
    """All that a recorder needs to trace one target."""

    __slots__ = (
        "by_code",
        "chains",
        "codes",
        "first",
        "lines",
        "names",
        "notes",
        "outcomes",
        "parameters",
        "places",
        "preludes",
        "rebound",
        "returned",
        "text",
    )

    def __init__(self, source: Source, code: CodeType) -> None:
        self.lines = [line.text for line in source.shown]
        self.names = [line.names for line in source.lines]
        self.chains = [line.chains for line in source.lines]  # of attributes, which a line's samples hold after names
        self.text = source.text
        self.first = source.first  # its first line
        self.notes: list[str] = []  # for the warnings of results: what may be wrong
        self.places: tuple[Place, ...] = tuple(
            (line.text, line.names, line.kind, line.start[0], line.end[0], line.start[1]) for line in source.shown
        )
        scope = source.body.scope
        self.parameters = readers([arg.arg for arg in parameters(scope.node.args)], scope, code, scope)  # type: ignore[attr-defined]
        self.rebound = frozenset(rebound(scope.node))  # names that are bound anywhere in it
        self.returned = {
            line.index: line.node.value.id  # type: ignore[attr-defined]
            for line in source.lines
            if line.kind == "return" and isinstance(line.node.value, ast.Name)  # type: ignore[attr-defined]
        }
        self.outcomes = NOTHING_HIDDEN
        self.codes: list[CodePlan] = []
        self.by_code: dict[int, CodePlan] = {}  # by the code object's address
        self.preludes: list[int] = []  # the line that state len(lines) + k is the prelude of

    def redacted(self, hides: Callable[[str], bool]) -> Plan:
        """A plan that does not read the names which `hides` is true for, and knows which outcomes hold their values."""

        def without(found: tuple[Reader, ...]) -> tuple[Reader, ...]:
            return tuple(
                Reader(reader.name, reader.stored, REDACTED) if any(map(hides, reader.name.split("."))) else reader
                for reader in found
            )

        plan = copy(self)
        plan.outcomes = Outcomes(self.places, hides)
        plan.parameters = without(self.parameters)
        plan.codes = [code.with_readers({i: without(r) for i, r in code.readers.items()}) for code in self.codes]
        return plan


def plan(function: FunctionType) -> Plan:
    """The plan for the code of `function`, with all code nested in it; the one made before if its source is the same.

    Raises ValueError when its source cannot be retrieved.
    """
    code = function.__code__
    lines = file_lines(function)
    known = _known.get(id(code))
    if known is not None and known.code() is code and known.lines is lines:
        return known.plan
    made = build(code, analyse(function, lines))
    # A partial of a builtin, since a code object may die where no stack is left for a function.
    _known[id(code)] = _Known(ref(code, partial(_known.pop, id(code))), lines, made)
    return made


class _Known(NamedTuple):
    """A plan that was made for a code object and the lines of its file, which linecache reads again if they change."""

    code: ref[CodeType]
    lines: list[str]
    plan: Plan


_known: dict[int, _Known] = {}  # by the code object's address


def build(code: CodeType, source: Source) -> Plan:
    """The plan for `code`, the target's, with all code nested in it."""
    plan = Plan(source, code)
    _add(plan, source, code, source.body, True)
    plan.notes += doubts((each.code for each in plan.codes), source)
    return plan


def _add(plan: Plan, source: Source, code: CodeType, body: Body, is_target: bool) -> None:
    """Add the plan of a code object that was compiled from `body`, and those of the code nested in it."""
    if any(known.code is code for known in plan.codes):
        return  # equal lambdas on a physical line may share one: "the compiler" in `_interpreter`
    line_count = len(source.lines)
    entry = body.line.index if body.line is not None and body.line.kind == "lambda" else NOTHING
    analysis = analyse_code(code, body, line_count, line_count + len(plan.preludes))
    plan.preludes += analysis.preludes.values()
    code_plan = CodePlan(len(plan.codes), code, entry, is_target, analysis, line_count)
    plan.codes.append(code_plan)
    plan.by_code[id(code)] = code_plan
    code_plan.readers = {
        i: readers(line.names, line.scope, code, body.scope, line.chains)
        for i in _sampled_lines(code_plan, analysis.preludes)
        for line in (source.lines[i],)
    }
    _descend(plan, source, code, body)


def _sampled_lines(code_plan: CodePlan, preludes: dict[int, int]) -> list[int]:
    """The lines that a frame of a code object may sample."""
    actions = code_plan.actions.values()
    states = {action.line for action in actions} | {action.element for action in actions} | {code_plan.entry}
    lines = {preludes.get(state, state) for state in states} | {line for a in actions for _, line in a.implied}
    return sorted(line for line in lines if line >= 0)


def _descend(plan: Plan, source: Source, code: CodeType, body: Body) -> None:
    """Add the plans of the code objects nested in `code`, which was compiled from `body`."""
    sites: dict[int, Span] | None = None
    for i, const in enumerate(code.co_consts):
        if not hasattr(const, "co_code"):
            continue
        if sites is None:
            sites = _sites(code)
        # Type parameters, annotations and an alias's value are no lines themselves, but around lines.
        inner = _body_of(const, body, sites.get(i)) or body.without_statements(const)
        if inner.in_annotation:
            _descend(plan, source, const, inner)
        else:
            _add(plan, source, const, inner, False)


def _sites(code: CodeType) -> dict[int, Span]:
    """For each constant that an instruction loads, where the first such instruction stands."""
    found: dict[int, Span] = {}
    rows = positions(code)
    for ins in decode(code):
        row, end_row, col, end_col = rows[ins.offset // 2]
        if ins.name == "LOAD_CONST" and row and end_row and col is not None and end_col is not None:
            found.setdefault(ins.arg, ((row, col), (end_row, end_col)))
    return found


_EXPRESSIONS = {
    "<lambda>": ast.Lambda,
    "<genexpr>": ast.GeneratorExp,
    "<listcomp>": ast.ListComp,
    "<setcomp>": ast.SetComp,
    "<dictcomp>": ast.DictComp,
}


def _body_of(code: CodeType, around: Body, site: Span | None) -> Body | None:
    """Which of the bodies directly in `around` `code` was compiled from; `site` is where it is loaded."""
    here = (body for body in around.nested if first_row(body.node) == code.co_firstlineno)
    if not code.co_name.startswith("<"):
        named = (b for b in here if isinstance(b.node, (*FUNCTIONS, ast.ClassDef)) and b.node.name == code.co_name)
        return next(named, None)
    kind = _EXPRESSIONS.get(code.co_name)
    found = [body for body in here if kind is not None and isinstance(body.node, kind)]
    exact = (body for body in found if node_span(body.node) == site)
    return next(exact, found[0] if found else None)
