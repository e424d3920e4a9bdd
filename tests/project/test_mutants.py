"""tools/mutants.py: which changes count as mutants, and that tests kill those that they look at."""

import os
import random
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tools are for POSIX")

SOURCE = '''"""Documented."""
TYPE_CHECKING = False
if TYPE_CHECKING:
    print("for type checkers")
class C:
    __slots__ = ("é", "b")
def f(x: int | None, seen) -> int | None:
    """Documented too."""
    seen.append(x); seen.append("é"); seen[0] = 1
    if x:
        seen += [
            x,
        ]
    kept = x
    return kept
'''
TEST = """
from tracefunc import core
seen = []
assert core.f(2, seen) == 2
assert seen == [1, "é", 2]
"""
DELETED = [
    'pass; seen.append("é"); seen[0] = 1',
    "seen.append(x); pass; seen[0] = 1",
    'seen.append(x); seen.append("é"); pass',
    "pass",
    "pass",
]


@pytest.fixture
def mutants(monkeypatch):
    """The script as a module."""
    monkeypatch.syspath_prepend(str(TOOLS))
    monkeypatch.delitem(sys.modules, "mutants", raising=False)
    import mutants

    return mutants


@pytest.fixture
def project(mutants, tmp_path):
    """A project with one module and its test; returns a function that tries mutants of it."""
    package = tmp_path / mutants.PACKAGE
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "core.py").write_text(SOURCE, encoding="utf-8")
    test = tmp_path / "test_core.py"
    test.write_text(TEST, encoding="utf-8")
    command = [sys.executable, "test_core.py"]  # pytest would take its time to start

    def attempt(count=9, way=mutants.deletions):
        return mutants.try_mutants(tmp_path, ["core"], command, count, 0, (way,))

    attempt.module, attempt.test = package / "core.py", test
    return attempt


def test_deletions(mutants):
    made = list(mutants.mutants({"core": SOURCE}, (mutants.deletions,), random.Random(0)))
    before = SOURCE.splitlines()
    new = [line.strip() for _, _, text in made for line in text.splitlines() if line not in before]
    assert sorted(new) == sorted(DELETED)
    assert {line for _, line, _ in made} == {9, 11, 15}


def test_what_cannot_be_noticed_is_no_mutant(mutants):
    changes = [
        ("x: int | None", "x: int & None"),
        ("-> int | None", "-> int"),
        ("TYPE_CHECKING = False", "TYPE_CHECKING = True"),
        ('print("for type checkers")', "pass"),
        ("return kept", "return return"),
        ("kept = x", "kept = not x"),
    ]

    def way(source):
        for n, (old, new) in enumerate(changes):
            yield (n, 0, "change"), lambda old=old, new=new: source.replace(old, new)

    assert [line for _, line, _ in mutants.mutants({"core": SOURCE}, (way,), random.Random(0))] == [5]


def test_killed_and_surviving(project, capsys):
    assert project() == (5, [])
    project.test.write_text(project.test.read_text(encoding="utf-8").replace("seen == [1,", "seen[1:] == ["))
    killed, [(module, line, changed)] = project()
    assert (killed, module, line) == (4, "core", 9)
    assert '+    seen.append(x); seen.append("é"); pass' in changed
    assert "core.py:9 SURVIVED" in capsys.readouterr().out
    assert project.module.read_text(encoding="utf-8") == SOURCE
    assert project(2)[0] <= 2


def test_one_that_never_ends_is_killed(project, mutants):
    command = [sys.executable, "-c", "while True: pass"]
    assert mutants.outcome(command, project.module.parent, 0.5)[0] == "hung"


def test_tests_that_fail_anyway(project):
    project.test.write_text("assert 0\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="without a mutation the tests failed"):
        project()
