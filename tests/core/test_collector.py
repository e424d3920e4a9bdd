"""The garbage collector while results and views are made: paused, and as it was afterwards."""

import gc

import pytest

from tracefunc import Tracer
from tracefunc._collector import Paused
from tracefunc._log.records import RecordReader
from tracefunc.core import entries


@pytest.fixture(params=[True, False], ids=["on", "off"])
def was_on(request):
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def target(x):
    return x


def test_it_is_paused(was_on):
    with Paused():
        assert not gc.isenabled()
        with Paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() == was_on
    with pytest.raises(KeyError), Paused():
        raise KeyError
    assert gc.isenabled() == was_on


def test_while_results_are_made(was_on, monkeypatch):
    states = []

    def reader(*args, really=entries.record_reader):
        states.append(gc.isenabled())
        return really(*args)

    def entry(*args, really=entries._entry):
        states.append(gc.isenabled())
        return really(*args)

    monkeypatch.setattr(entries, "record_reader", reader)
    monkeypatch.setattr(entries, "_entry", entry)
    results = Tracer().run(target, 1)
    assert (states, len(results)) == ([was_on, False], 1)
    assert gc.isenabled() == was_on
    results.text()
    results.to_json()
    assert gc.isenabled() == was_on


def test_a_damaged_record_leaves_it_as_it_was(was_on, monkeypatch):
    class Damaged:
        def read(self, data):
            return RecordReader([], None).read(b"")

    monkeypatch.setattr(entries, "record_reader", lambda *_: Damaged())
    with pytest.raises(ValueError, match="goes beyond the end"):
        Tracer().run(target, 1)
    assert gc.isenabled() == was_on
