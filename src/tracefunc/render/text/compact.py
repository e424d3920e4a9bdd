"""A trace in few tokens and a bounded length, for language models."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ..cells import cut, escaped
from ..omissions import omissions, page_option, seen_of
from ..selection import elided, error_text, file_of, folded, is_unhit, labels, parents, runs, shown_names, stack_above

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...results import Call, Line, TraceResults
    from ..selection import Run

    Known = dict[str, list[str]]  # of a call, by name: the values that were shown last

__all__ = ["compact"]

_LEGEND = "# line xhits source | name=values in order, value*times; names as last shown are left out"

# What bounds the length.
_TEXT = 100  # characters of a line's source
_VALUE = 50  # of a value
_NAME = 40  # of a name
_VALUES = 6  # of a name on a line
_LONG = 200  # of all other texts that a trace does not limit


def compact(results: TraceResults, builtins: bool = False) -> str:
    """Return a trace in few tokens: what an earlier row shows is left out.

    For each function come its calls, as `number<number of the call it ran in`, identical calls in one row; below each
    the lines that were hit: their number (`4.2`: the second line that begins on physical line 4), `xhits` unless that
    is one, their source where no earlier call has shown it, and the values of their names. A name is left out if its
    values are those last shown above in the same call, or if it held the last of those all the time. Lines that were
    never hit are listed by number.

    The length is at most 1000 characters for the whole and for each call, 150 for each line that was hit in a call, and
    450 for each name of such a line and each argument, yielded value and warning: source is cut to 100 characters,
    values to 50, their number on a line to 6. What is left out is said at the end.
    """
    rows = [_LEGEND]
    refs = _references(results)
    runners = labels(results)
    for _, numbers in groupby(sorted(folded(results), key=_by_target(results)), _by_target(results)):
        groups = list(numbers)
        calls = [results[group[0]] for group in groups]
        rows.append(_short(f"# {escaped(calls[0].function)} {file_of(calls[0])}"))
        shown: set[int] = set()
        for group, call in zip(groups, calls, strict=True):
            label = f" [{_short(runners[group[0]])}]" if runners[group[0]] else ""
            rows.append(",".join(refs[i] for i in group) + " " + _call(call) + label)
            rows += _lines(call, shown, builtins)
        rows += _unhit(calls)
    text = "\n".join([*rows, *_notes(results, builtins)])
    if _CUT in text:
        text = text.replace(_CUT, "…") + f"\n… stands for what is cut here: {page_option(results)} shows all."
    return text


_CUT = "\ue000"  # stands for what is cut: the texts of a trace are escaped, so none has it


def _short(text: str, room: int = _LONG) -> str:
    return text if len(text) <= room else cut(text, room, len)[:-1] + _CUT


def _by_target(results: TraceResults) -> Callable[[list[int]], int]:
    """Return the sort key that puts the calls of a target together, in the order of the targets' first calls."""
    first: dict[tuple[object, ...], int] = {}
    for i, call in enumerate(results):
        first.setdefault((call.function, call.file, call.lineno, call.source), i)
    return lambda group: first[
        results[group[0]].function, results[group[0]].file, results[group[0]].lineno, results[group[0]].source
    ]


def _references(results: TraceResults) -> list[str]:
    return [str(i + 1) if parent is None else f"{i + 1}<{parent + 1}" for i, parent in enumerate(parents(results))]


def _call(call: Call) -> str:
    arguments = ", ".join(f"{_name(name)}={_value(text)}" for name, (_, text) in call.arguments.items())
    shown = f"{_short(escaped(call.function), _TEXT)}({arguments})"
    if call.yielded:
        shown += " yields " + ",".join([_value(text) for _, text in call.yielded] + ["…"] * call.more_yielded)
    if call.raised:
        shown += f" raised {_value(call.raised[1])}"
        shown += f" at {_numbers(call.lines)[call.ended_at]}" if call.ended_at is not None else ""
    elif call.returned:
        shown += f" -> {_value(call.returned[1])}"
    else:
        shown += " not ended"
    frames = stack_above(call) if call.parent is None else []
    return shown + (f" by {_short(' < '.join(frames))}" if frames else "")


def _name(name: str) -> str:
    return _short(escaped(name), _NAME)


def _value(text: str) -> str:
    return _short(escaped(text), _VALUE)


def _numbers(lines: Iterable[Line]) -> list[str]:
    """Return the numbers of lines; a line after the first on its physical line has a second number."""
    numbers: list[str] = []
    before: dict[int, int] = {}
    for line in lines:
        before[line.lineno] = many = before.get(line.lineno, 0) + 1
        numbers.append(f"{line.lineno}.{many}" if many > 1 else str(line.lineno))
    return numbers


def _lines(call: Call, shown: set[int], builtins: bool) -> list[str]:
    """Return the rows of a call's lines; lines that show nothing but number and hits share a row.

    `shown`: the lines of the target whose source has been shown, by index; this call's are added.
    """
    known: Known = {name: [escaped(text)] for name, (_, text) in call.arguments.items()}
    rows: list[str] = []
    only_numbers = False  # whether the last row has nothing else
    for i, (number, line) in enumerate(zip(_numbers(call.lines), call.lines, strict=True)):
        if not line.hits:
            continue
        row = number + (f"x{line.hits}" if line.hits > 1 else "")
        news = _news(line, call, known, builtins)
        if i in shown and not news and only_numbers:
            rows[-1] += " " + row
            continue
        only_numbers = i in shown and not news
        if i not in shown:
            shown.add(i)
            row += " " + _short(_joined(line.text), _TEXT) + (" |" if news else "")
        news += _not_sampled(line, call, builtins) if news else ""
        rows.append(row + news)
    return rows


def _joined(text: str) -> str:
    """Return the source of a line in one row."""
    return escaped(" ".join(row.strip() for row in text.split("\n")).strip())


def _news(line: Line, call: Call, known: Known, builtins: bool) -> str:
    """Return the names of a line whose values are not known yet, with these; `known` is brought up to date."""
    news = ""
    for name, samples in shown_names(line.vars, call, builtins):
        found = runs(samples)
        values = [run.text for run in found]
        last = known.get(name, [])
        if values not in (last, last[-1:]):
            known[name] = values
            first, rest = elided(found, _VALUES)
            news += f" {_name(name)}=" + ",".join([*map(_times, first), *([_CUT] if rest else []), *map(_times, rest)])
    return news


def _not_sampled(line: Line, call: Call, builtins: bool) -> str:
    """Return behind the values of a line how many of its hits they show, if not all."""
    seen = seen_of(line.hits, line.vars, call, builtins)
    return f" ({seen[0]} of {seen[1]})" if seen else ""


def _times(run: Run) -> str:
    return _short(run.text, _VALUE) + (f"*{run.times}" if run.times > 1 else "")


def _unhit(calls: list[Call]) -> list[str]:
    """Return the numbers of the lines that no call of a target ran; successive ones as first and last."""
    lines = calls[0].lines
    hit = {i for call in calls for i, line in enumerate(call.lines) if not is_unhit(line)}
    missing = [i for i in range(len(lines)) if i not in hit]
    numbers = _numbers(lines)
    parts = []
    for _, group in groupby(enumerate(missing), lambda item: item[1] - item[0]):
        first, *others = (numbers[i] for _, i in group)
        parts.append(f"{first}-{others[-1]}" if others else first)
    return [_short("never: " + " ".join(parts))] if parts else []


def _notes(results: TraceResults, builtins: bool) -> list[str]:
    notes = [] if results else ["no call recorded"]
    notes += [_short(text) for text in omissions(results, builtins)]
    notes += ["warning: " + _short(escaped(warning)) for warning in results.warnings]
    if results.exc is not None:
        notes.append("run raised " + _short(error_text(results)))
    return notes
