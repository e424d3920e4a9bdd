"""What a trace leaves out, in words, with the options that would keep it, as the door of the trace spells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._values.plain_text import REDACTED_TEXT
from .._values.sample import REDACTED_SAMPLE
from .selection import MOST_OF_ERROR, run_error, shown_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._values.sample import Sample
    from ..results import Call, TraceResults

__all__ = ["count_of_calls", "is_cut_short", "missing", "omissions", "page_option", "seen_of", "spelled"]

# The options of the pytest plugin; its fixture has all of them.
_OF_PYTEST = ("max_calls", "keep", "when", "describe")


def spelled(results: TraceResults, option: str, value: str = "") -> str:
    """Return an option, with a value, as it is given where the trace was started."""
    flag = option.replace("_", "-")
    if results.door == "command line":
        return f"--{flag} {value.lower()}".rstrip()
    if results.door == "pytest" and option in _OF_PYTEST:
        return f"--tracefunc-{flag} {value.lower()}".rstrip()
    return f"{'Tracer' if results.door == 'python' else 'trace_calls'}({option}={value or '...'})"


def page_option(results: TraceResults) -> str:
    """Return what writes the page of a trace, as it is spelled where the trace was started."""
    if results.door.startswith("pytest"):
        return "--tracefunc-html DIR"
    return "--html FILE" if results.door == "command line" else "to_html(path)"


def omissions(results: TraceResults, builtins: bool = False) -> list[str]:
    """Return what the trace itself leaves out: calls, samples, parts of texts and hidden values.

    `builtins`: whether the names are shown that hold functions, modules and the like.
    """
    found = [_calls(results)] if is_cut_short(results) else []
    facts = _Facts(results, builtins)
    most, room = results.limits.get("max_samples"), results.limits.get("max_repr")
    kept = "some" if most is None else _KEPT[results.keep].format(most=most) if most else "none"
    option = spelled(results, "max_samples", "None")
    if facts.lack_samples:
        found.append(f"Lines with more hits have values of {kept}: {option} keeps all.")
    if facts.lack_yielded:
        found.append(f"Of yielded values, {kept} are kept: {option} keeps all.")
    if facts.are_cut:
        option = spelled(results, "max_repr", "None")
        found.append(f"Texts that end in ... are cut at {room} characters: {option} keeps all.")
    error = run_error(results)
    if error is not None and len(error.text(MOST_OF_ERROR + 1)) > MOST_OF_ERROR:
        has_all = "--json FILE" if results.door == "command line" else "to_json()"
        found.append(f"The text of the exception is cut at {MOST_OF_ERROR} characters: {has_all} has all.")
    if facts.are_redacted:
        found.append(f"{REDACTED_TEXT} stands for what {spelled(results, 'redact')} hides.")
    return found


_KEPT = {"first": "the first {most}", "last": "the last {most}", "ends": "{most}, the first and the last"}


def missing(results: TraceResults) -> str:
    """Return in short which calls and samples are missing, or ""."""
    found = []
    if is_cut_short(results):
        options = ", ".join(spelled(results, option) for option in _options_of_calls(results))
        found.append(count_of_calls(results) + (f" ({options})" if options else ""))
    if any(len(column) < hits for call in results for hits, names in call.trace.values() for column in names.values()):
        found.append(f"not all hits have samples ({spelled(results, 'max_samples')})")
    return ", ".join(found)


def is_cut_short(results: TraceResults) -> bool:
    """Return whether there were calls that are not recorded, or may have been."""
    return len(results) < results.calls or not results.watched_to_the_end


def count_of_calls(results: TraceResults) -> str:
    """Return how many calls were recorded, and of how many if that is not all: "10 of at least 11 calls recorded"."""
    number = len(results)
    if is_cut_short(results):
        least = "" if results.watched_to_the_end else "at least "
        return f"{number} of {least}{results.calls} calls recorded"
    return f"{number} recorded call{'s' if number > 1 else ''}" if number else "no call was recorded"


def _calls(results: TraceResults) -> str:
    options = _options_of_calls(results)
    if options == ["max_calls"]:
        why = f": {spelled(results, 'max_calls', 'None')} records all"
    else:
        names = " and ".join(spelled(results, option) for option in options)
        why = f": {names} {'leave' if len(options) > 1 else 'leaves'} out the others" if options else ""
    return f"{count_of_calls(results)}{why}."


def _options_of_calls(results: TraceResults) -> list[str]:
    """Return the options because of which calls are missing."""
    most = results.limits.get("max_calls")
    if most is not None and (len(results) >= most or not results.watched_to_the_end):
        return ["max_calls"]
    return list(results.chosen_by)


def seen_of(hits: int, names: Mapping[str, list[Sample]], call: Call, builtins: bool = False) -> tuple[int, int] | None:
    """Return how many hits of a line have samples, and how many it has, if a view lacks some; else None."""
    if all(len(samples) >= hits for samples in names.values()):
        return None
    counts = [len(samples) for _, samples in shown_names(names, call, builtins)]
    if not counts and any(names.values()):
        return None  # only names that are hidden
    most = max(counts, default=0)
    return (most, hits) if most < hits else None


class _Facts:
    """What is missing in some calls."""

    def __init__(self, results: TraceResults, builtins: bool) -> None:
        self.lack_samples = self.lack_yielded = self.are_cut = self.are_redacted = False
        self._room = results.limits.get("max_repr")
        self._hides = bool(results.redact)
        for call in {id(call): call for call in results}.values():
            self.lack_yielded |= call.more_yielded
            self._look_at(call.arguments.values())
            self._look_at(sample for sample in (call.returned, call.raised, *call.yielded) if sample)
            for hits, names in call.trace.values():
                self.lack_samples |= seen_of(hits, names, call, builtins) is not None
                for _, samples in shown_names(names, call, builtins):
                    self._look_at(samples)

    def _look_at(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            _, text = sample
            if len(text) == self._room and text.endswith("..."):
                self.are_cut = True
            if sample == REDACTED_SAMPLE or (self._hides and REDACTED_TEXT in text):
                self.are_redacted = True
