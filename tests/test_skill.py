"""tracefunc.skill: the public names again, and documentation that is true."""

import doctest

import pytest

import tracefunc
from tracefunc import skill

pytestmark = pytest.mark.both_engines


def test_names_are_the_public_ones():
    assert skill.tracefunc is tracefunc.tracefunc
    assert skill.TraceResults is tracefunc.TraceResults


def test_documentation_is_true():
    found = doctest.testmod(skill)
    assert found.attempted > 5
    assert found.failed == 0
