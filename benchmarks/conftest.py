"""The process in which a tracer is measured, and what pytest-benchmark writes down beside its own figures."""

import pytest

from measure import Worker
from tracers import TRACERS

MISSING = pytest.StashKey()


def pytest_configure(config):
    config.stash[MISSING] = []


@pytest.fixture(scope="module", params=TRACERS)
def worker(request):
    """The process of each tracer in turn."""
    worker = Worker(request.param)
    yield worker
    worker.stop()


@pytest.fixture
def missing(pytestconfig):
    """The list of what could not be measured."""
    return pytestconfig.stash[MISSING]


def pytest_benchmark_update_machine_info(machine_info):
    """Leave out the machine's name."""
    del machine_info["node"]


def pytest_benchmark_update_json(config, output_json):
    """Add what could not be measured."""
    output_json["missing"] = config.stash[MISSING]
