"""What is known of a call beside its hits and values: when samples were taken, what raised, which call ran in which."""

import sys
from dataclasses import dataclass, field

QUIET_CLOSE = (3, 13, 0) <= sys.version_info[:3] < (3, 13, 10)
PLAIN = (str, bytes, int, float, bool, type(None))


@dataclass(slots=True)
class LineFacts:
    """`moments` of the kept samples, and by the index of a sample the type and text of the exception that ended it."""

    moments: list = field(default_factory=list)
    raised: dict = field(default_factory=dict)


@dataclass(slots=True)
class CallFacts:
    """`parent_line` is the line under way in the parent and its hits so far, None if it has all its samples.

    It is None where the parent was between two lines, and nothing is to be compared. A comprehension, which is no frame,
    leaves the line around it under way.
    """

    began: int
    ended: int | None = None
    left: bool = False  # a generator that was closed or dropped
    parent: int | None = None
    parent_line: tuple | None = None
    lines: dict = field(default_factory=dict)  # by the text of a line; without lines that were not hit


def error_text(error):
    """The text of an exception, or None where it is no plain one: a `repr` of the program's, fields beside `args`."""
    plain = type(error).__module__ == "builtins" and all(type(arg) in PLAIN for arg in error.args)
    if not plain or isinstance(error, ImportError | OSError):
        return None
    text = repr(error)
    return text if len(text) <= 50 else text[:47] + "..."


def has_facts(call):
    """Whether a tracer's call knows all this."""
    return hasattr(call, "began")


def facts_of(call):
    """The same of a tracer's call."""
    lines = {line.text: LineFacts(list(line.moments), dict(line.raised)) for line in call.lines if line.hits}
    return CallFacts(call.began, call.ended, False, call.parent, call.parent_line, lines)


def compare_facts(got, truth, hits):
    """Every disagreement of the facts of calls; `hits` says of (call, text) whether both have as many."""
    want = truth.facts
    yield from numbering(got)
    for n, (ours, true) in enumerate(zip(got, want, strict=False)):
        for text in true.lines.keys() & ours.lines.keys():
            if hits(n, text):
                yield from compare_line_facts(f"call {n}: ", text, ours.lines[text], true.lines[text])
        if ours.ended is None and true.ended is not None and not (QUIET_CLOSE and true.left):
            yield f"call {n}: did not end"
        if ours.ended is not None and true.ended is None:
            yield f"call {n}: ended at moment {ours.ended}"
        # One that was dropped may wait for ever in its clean-up, and the truth does not notice that it is gone.
        known = true.parent is not None and not want[true.parent].left
        if known and ours.parent != true.parent:
            yield f"call {n}: parent {ours.parent}, want {true.parent}"
        if known and true.parent_line is not None and true.parent == ours.parent:
            if ours.parent_line != true.parent_line and truth.texts[true.parent_line[0]] not in truth.workless:
                yield f"call {n}: parent_line {ours.parent_line}, want {true.parent_line}"
    yield from compare_sequence(events(got, want, hits), events(want, want, hits))


def numbering(calls):
    """Whether moments are 0, 1, 2, ..."""
    found = []
    for call in calls:
        found += [call.began, *([] if call.ended is None else [call.ended])]
        found += [moment for line in call.lines.values() for moment in line.moments]
    if sorted(found) != list(range(len(found))):
        yield f"moments are not numbered densely: {sorted(found)}"


def compare_line_facts(where, text, got, want):
    if len(got.moments) != len(want.moments):
        yield f"{where}moments of {text!r}: got {len(got.moments)}, want {len(want.moments)}"
    if got.moments != sorted(got.moments):
        yield f"{where}moments of {text!r} do not ascend: {got.moments}"
    for at in sorted(got.raised.keys() | want.raised.keys()):
        ours, true = got.raised.get(at), want.raised.get(at)
        if at in want.raised and true is None:  # not known
            continue
        if not same_error(ours, true):
            yield f"{where}raised of {text!r} at hit {at + 1}: got {ours}, want {true}"


def same_error(ours, true):
    if ours is None or true is None:
        return ours is true
    unbound = ("NameError", "UnboundLocalError")  # locals are cells in the truth
    if ours[0] in unbound and true[0] in unbound:
        return True
    return ours[0] == true[0] and true[1] in (None, ours[1])


def events(calls, want, hits):
    """What happened, in its order, as far as both have it."""
    found = []
    for n, (call, true) in enumerate(zip(calls, want, strict=False)):
        found.append((call.began, f"call {n} began"))
        if call.ended is not None and not (QUIET_CLOSE and true.left):
            found.append((call.ended, f"call {n} ended"))
        for text, line in call.lines.items():
            if hits(n, text):
                found += [(moment, f"call {n}: hit {k + 1} of {text!r}") for k, moment in enumerate(line.moments)]
    return [what for _, what in sorted(found)]


def compare_sequence(got, want):
    both = set(got) & set(want)
    got, want = [w for w in got if w in both], [w for w in want if w in both]
    for at, (ours, true) in enumerate(zip(got, want, strict=True)):
        if ours != true:
            after = f"after {got[at - 1]}" if at else "first"
            yield f"sequence: {after}: got {ours}, want {true}"
            return
