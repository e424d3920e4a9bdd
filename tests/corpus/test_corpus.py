"""Short forms of the corpora: a sample of each. The long forms are `python -m tests.corpus....`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import doctests  # noqa: E402
import lockstep  # noqa: E402
import stdlib  # noqa: E402

pytestmark = pytest.mark.both_engines

TARGETS = 60  # of the standard library
DOCTESTS = 10  # of each library
SEEDS = 50, 25  # of programs that all versions trace


def listed(summary):
    return "\n".join(
        f"{d['case']} [{d['target']}] {d['where']}\n    " + "\n    ".join(d["wrong"][:3]) for d in summary.found
    )


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_stdlib_sample():
    summary = stdlib.examine(sample=TARGETS)
    assert summary.calls
    assert not summary.found, listed(summary)
    assert sum(summary.excluded.values()) <= summary.cases / 5, summary


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(200)
def test_doctests_sample():
    libraries = doctests.installed(doctests.SHORT)
    if not libraries:
        pytest.skip("none of the libraries of tests/corpus/requirements.txt is installed")
    calls = 0
    for library in libraries:
        summary = doctests.examine(library, extra=1, limit=DOCTESTS)
        calls += summary.calls
        assert not summary.found, listed(summary)
    assert calls


@pytest.mark.timeout(600)
def test_versions_agree():
    others = lockstep.interpreters()
    if not others:
        pytest.skip("TRACEFUNC_PYTHONS names no other interpreters to compare with")
    reference = lockstep.document_of(sys.executable, *SEEDS)
    for python in others:
        there = lockstep.document_of(python, *SEEDS)
        found = lockstep.differences(reference, there, lockstep.closes_quietly(python))
        assert not found, f"{python}: {len(found)} records differ, the first:\n" + "\n".join(map(str, found[0]))


@pytest.mark.slow
def test_corpus_is_deterministic():
    one, other = (lockstep.document_of(sys.executable, 10, 5) for _ in range(2))
    assert one == other
