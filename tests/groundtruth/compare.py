"""Whether another's traces agree with the truth."""

import re

from .facts import QUIET_CLOSE, compare_facts, facts_of, has_facts

ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def masked(sample):
    """A sample without the addresses in its text."""
    name, text = sample
    return name, ADDRESS.sub("0x", text)


def compare(traced, truth):
    """Every disagreement of `(stack, trace)` pairs with the truth, in words."""
    wrong = []
    traces = [trace for _, trace in traced]
    if len(traces) != len(truth):
        wrong.append(f"calls: got {len(traces)}, want {len(truth)}")
    for n, (got, want) in enumerate(zip(traces, truth, strict=False)):
        shaky = truth.shaky[n] if QUIET_CLOSE and n < len(truth.shaky) else {}
        wrong += [f"call {n}: {w}" for w in compare_call(got, want, truth.workless, shaky)]
    if not wrong and all(map(has_facts, traced)):
        wrong += compare_facts([facts_of(call) for call in traced], truth, same_hits(traces, truth))
    return wrong


def differ(one, other):
    """How two answers of the truth disagree."""
    pairs = [
        ("", {text: (hits, dict(sorted(names.items()))) for text, (hits, names) in trace.items()}) for trace in one
    ]
    return compare(pairs, other) or list(compare_facts(one.facts, other, same_hits(one, other)))


def same_hits(some, others):
    """Of the number of a call and the text of a line: whether there are as many hits in both."""

    def check(n, text):
        return text in some[n] and text in others[n] and some[n][text][0] == others[n][text][0]

    return check


def compare_call(got, want, workless, shaky):
    for text in want:
        if text not in got and text not in workless:
            if want[text][0] and len(shaky.get(text, ())) < want[text][0]:
                yield f"no line {text!r}, want {want[text][0]} hits"
    for text in got:
        if text not in want:
            yield f"surplus line {text!r} with {got[text][0]} hits"
    both = [text for text in got if text in want]
    if both != [text for text in want if text in got]:
        yield f"order: got {both}"
    for text in both:
        yield from compare_line(text, got[text], want[text], shaky.get(text, ()))


def compare_line(text, got, want, shaky):
    hits, names = got
    if hits != want[0] and not want[0] - len(shaky) <= hits <= want[0]:
        yield f"hits of {text!r}: got {hits}, want {want[0]}"
        return
    if list(names) != sorted(want[1]):
        yield f"names of {text!r}: got {list(names)}, want {sorted(want[1])}"
        return
    for name, samples in want[1].items():
        left, right = [masked(s) for s in names[name]], [masked(s) for s in samples]
        if hits != want[0]:  # some of the shaky hits are not there
            right = [s for n, s in enumerate(right) if n not in shaky]
            left = [s for s in left if s in right]
        if left != right:
            at = next(
                (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
                min(len(left), len(right)),
            )
            yield f"{name!r} in {text!r} at hit {at + 1}: got {left[at : at + 1]}, want {right[at : at + 1]}"
