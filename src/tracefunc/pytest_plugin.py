"""The pytest plugin: the traces of failing tests in their reports and as pages, and the fixture `trace_calls`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from .core import Tracer
    from .results import TraceResults

# pytest imports this module in every run of every project that has tracefunc installed. So the module imports nothing
# else of ours, states the options below again (the tests compare them with the table in core/options.py), and registers
# the hooks that do something only when they are needed.

_MAX_SECTION = 8_000  # characters


def pytest_addoption(parser: pytest.Parser) -> None:
    add = parser.getgroup("tracefunc", "traces of failing tests").addoption
    add(
        "--tracefunc",
        action="append",
        default=[],
        metavar="TARGET",
        help="Trace the calls of package.module:function (or :Class, :Class.method, :*), and show those of failing "
        "tests in their reports; can be repeated. The setup, call and teardown of a test are traced separately.",
    )
    add(
        "--tracefunc-max-calls",
        metavar="N",
        help="How many calls to record in each phase of a test, or none for no limit (default: 10).",
    )
    add(
        "--tracefunc-keep",
        metavar="first|last|ends",
        help="Which calls and samples to keep when a limit is exceeded (default: first).",
    )
    add(
        "--tracefunc-when",
        metavar="EXPR",
        help="Record only the calls for whose arguments this expression is true.",
    )
    add(
        "--tracefunc-describe",
        metavar="safe_repr|repr",
        help="Make the texts of values without running code of the program, or with its repr (default: safe_repr).",
    )
    add("--tracefunc-html", metavar="DIR", help="Write a page for each failing test that has traces, and an index.")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("tracefunc_html")
    if folder:  # absolute, as workers of xdist may be elsewhere
        config.option.tracefunc_html = str(config.invocation_params.dir / folder)
        if Path(config.option.tracefunc_html).is_file():
            raise pytest.UsageError(f"--tracefunc-html: {folder!r} is a file, not a folder")
        _check_that_pages_can_be_made()
    if config.getoption("tracefunc"):
        config.pluginmanager.register(Phases(config), "tracefunc phases")
    if config.getoption("tracefunc") or folder:
        _report_traces(config)


@pytest.fixture
def trace_calls(request: pytest.FixtureRequest) -> type[Tracer]:
    """Trace calls within a test: `with trace_calls("package.module:function") as results:`.

    It takes what `tracefunc.Tracer` takes, targets and options, and returns a `Tracer`, but values are described as by
    `--tracefunc-describe` unless `describe` is given. When the test fails, the report shows everything that it has
    recorded.
    """
    from .core import Tracer
    from .core.options import at_a_door

    _report_traces(request.config)
    traces = _traces_of(request.node)

    class Remembered(Tracer):
        """A tracer whose results are shown in the test's report."""

        def __init__(self, *targets: Any, **options: Any) -> None:
            describe = request.config.getoption("tracefunc_describe")
            super().__init__(*targets, **at_a_door({"describe": describe} if describe else {}) | options)

        def _new_results(self) -> TraceResults:
            results = super()._new_results()
            results.door = "pytest fixture"
            traces.parts.append(("trace_calls", results))
            return results

    Remembered.__qualname__ = "trace_calls"  # how a failing test's report shows the argument
    return Remembered


# --- tracing ------------------------------------------------------------------------------------------------------


class Phases:
    """Traces the setup, the call and the teardown of each test."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tracer: Tracer | None = None
        self.problem = ""  # with the options, in a worker of xdist

    def pytest_collection_finish(self) -> None:
        """Find the targets, now that the test modules are imported and `sys.path` is as they need it."""
        from .core import Tracer
        from .core.options import at_a_door

        try:
            self.tracer = Tracer(*(self.config.getoption("tracefunc") or ()), **at_a_door(_given(self.config)))
        except (TypeError, ValueError) as error:
            if not _is_worker(self.config):
                raise pytest.UsageError(f"--tracefunc: {error}") from error
            self.problem = f"--tracefunc: {error}"  # xdist would show that a worker died, but not why

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        if self.problem:
            pytest.fail(self.problem, pytrace=False)
        with self._tracing(item, "setup"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        with self._tracing(item, "call"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        with self._tracing(item, "teardown"):
            return (yield)

    @contextmanager
    def _tracing(self, item: pytest.Item, phase: str) -> Iterator[None]:
        if self.tracer is None:
            yield
            return
        from .core.callables import codes_of

        test = codes_of(getattr(item, "obj", None)) if phase == "call" else []
        session, results = self.tracer._new_recording(test[0] if test else None)
        results.door = "pytest"
        try:
            session.start()
            yield
        finally:
            session.stop()
            session.collect(results)
            _traces_of(item).parts.append((phase, results))


def _given(config: pytest.Config) -> dict[str, Any]:
    """Return the options of a trace that the command line gives, by name; raises ValueError for a wrong value."""
    from .core.options import OPTIONS

    given = {}
    for option in OPTIONS:
        text = config.getoption(f"tracefunc_{option.name}", None)
        if text is None:
            continue
        try:
            given[option.name] = option.parse(text)
        except ValueError as error:
            raise ValueError(f"{option.name}: {error}.") from error
    return given


class Traces:
    """What has been recorded in a test so far."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, TraceResults]] = []  # a phase, or "trace_calls", and its results
        self.shown = 0  # how many of them are already in a report
        self.failed = False

    def sections(self) -> list[tuple[str, str]]:
        """Return the sections of a report that show what no report has shown yet."""
        parts, self.shown = self.parts[self.shown :], len(self.parts)
        sections = [(f"Traced calls ({phase})", _bounded(part)) for phase, part in parts if part or part.warnings]
        return sections or [("Traced calls", "none was recorded")] * bool(parts)

    def merged(self) -> TraceResults:
        """Return everything as one result."""
        from .results import TraceResults

        return TraceResults().merge(*(results for _, results in self.parts))


_KEY = pytest.StashKey[Traces]()


def _traces_of(item: pytest.Item) -> Traces:
    return item.stash.setdefault(_KEY, Traces())


def _bounded(results: TraceResults) -> str:
    text = results.text(compact=True)
    if len(text) <= _MAX_SECTION:
        return text
    from .render.omissions import omissions

    shown = text[: text.rfind("\n", 0, _MAX_SECTION) + 1] or text[:_MAX_SECTION]
    more = f"... {len(text) - len(shown):,} more characters: --tracefunc-html DIR shows everything"
    return "\n".join([shown.rstrip(), more, *omissions(results)])


# --- reporting ----------------------------------------------------------------------------------------------------


class Reports:
    """Puts the traces of failing tests into their reports, and writes pages if these are asked for."""

    def __init__(self, config: pytest.Config) -> None:
        folder = config.getoption("tracefunc_html")
        self.folder = Path(folder) if folder else None
        self.pages: dict[str, str] = {}  # by the test's id
        self.problems: list[str] = []  # with files that could not be written
        self.is_worker = _is_worker(config)  # the index is written by its controller

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        traces = item.stash.get(_KEY, None)
        if traces is None:
            return report
        if report.failed:
            traces.failed = True
            report.sections += traces.sections()
        if report.when == "teardown":  # the last one
            del item.stash[_KEY]
            if traces.failed and self.folder is not None:
                try:
                    report.tracefunc_page = self._write_page(self.folder, item.nodeid, traces)  # type: ignore[attr-defined]
                except OSError as error:  # the disk is full, ...
                    report.tracefunc_problem = f"no page of {item.nodeid}: {error}"  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        page = getattr(report, "tracefunc_page", None)
        if page is not None:
            self.pages[report.nodeid] = page
        if problem := getattr(report, "tracefunc_problem", ""):
            self.problems.append(problem)

    def pytest_sessionfinish(self) -> None:
        if self.pages and self.folder is not None and not self.is_worker:
            try:
                (self.folder / "index.html").write_text(_index(self.pages), encoding="utf-8", errors="backslashreplace")
            except OSError as error:
                self.problems.append(f"no index: {error}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.pages and self.folder is not None:
            terminalreporter.write_sep("-", "traces of failing tests")
            terminalreporter.write_line(f"{len(self.pages)} in {self.folder / 'index.html'}")
        for problem in self.problems:
            terminalreporter.write_line(f"tracefunc: {problem}", red=True)

    def _write_page(self, folder: Path, nodeid: str, traces: Traces) -> str | None:
        """Write the page of a test; returns the name of its file, None if there is nothing to show."""
        results = traces.merged()
        if not results:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        name = _page_name(nodeid)
        results.to_html(folder / name, title=nodeid)
        return name


def _report_traces(config: pytest.Config) -> None:
    """Register the hooks that report traces, once."""
    name = "tracefunc reports"
    if not config.pluginmanager.has_plugin(name):
        config.pluginmanager.register(Reports(config), name)


def _check_that_pages_can_be_made() -> None:
    from .render import html

    try:
        html.environment()
    except ImportError as error:
        raise pytest.UsageError(f"--tracefunc-html: {error}") from error


def _is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of xdist, which runs tests for another process."""
    return hasattr(config, "workerinput")


def _page_name(nodeid: str) -> str:
    """Return a file name that shows which test the page is of, and that no other test has."""
    import re
    from hashlib import sha256

    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", nodeid).strip("-.")[-80:]
    return f"{readable}-{sha256(nodeid.encode(errors='backslashreplace')).hexdigest()[:8]}.html"


def _index(pages: dict[str, str]) -> str:
    from html import escape

    links = "\n".join(f'<li><a href="{escape(page)}">{escape(nodeid)}</a>' for nodeid, page in sorted(pages.items()))
    return f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Traces of failing tests</title>
<style>body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}</style>
<h1>Traces of failing tests</h1>
<ul>
{links}
</ul>
</html>
"""
