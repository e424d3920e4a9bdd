"""The pytest plugin: what failing tests show, pages, the fixture, other plugins, and that it costs nothing unused."""

import json
import re
import sysconfig

import pytest

pytestmark = pytest.mark.slow
pytest_plugins = ["pytester"]

LIBRARY = """\
def area(width, height):
    return width * height

class Box:
    def volume(self, depth):
        return area(2, 3) * depth
"""
TESTS = """\
import pytest
import library

@pytest.fixture
def made():
    return library.area(1, 2)

@pytest.fixture
def broken_at_the_end():
    yield
    assert library.area(7, 7) == 0

@pytest.fixture
def broken():
    assert library.area(6, 6) == 0

def test_passing(made):
    assert library.area(2, 2) == 4

def test_failing(made):
    assert library.area(2, 3) == 5

def test_calling_nothing():
    assert 0

def test_teardown(broken_at_the_end):
    library.area(8, 8)

def test_setup(broken):
    pass

@pytest.mark.xfail
def test_expected(made):
    assert library.area(2, 3) == 5
"""
OUTCOMES = {"passed": 2, "failed": 2, "errors": 2, "xfailed": 1}


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with a library and tests of it."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")  # which takes longer to import than all the rest
    pytester.makepyfile(library=LIBRARY, test_library=TESTS)
    return pytester


def sections(result):
    """The sections about traces, by test: {test: {title: text}}."""
    found, test, title = {}, None, None
    for line in result.outlines:
        header = re.fullmatch(r"[_=-]{3,} (.*?) [_=-]{3,}", line)
        if header is None:
            if title:
                found[test][title] += line + "\n"
            continue
        title = None
        if line[0] == "_":
            test = re.search(r"test_\w+", header[1])[0] if "test_" in header[1] else None
        elif header[1].startswith("Traced"):
            title = header[1]
            found.setdefault(test, {})[title] = ""
    return found


def calls(text):
    return re.findall(r"^\d+\S* ([\w.]+\(.*?\) -> .*?)(?: by .*)?$", text, re.M)


@pytest.mark.once
@pytest.mark.both_engines
@pytest.mark.parametrize("options", [[], ["-n", "2"], ["-p", "no:cacheprovider"]], ids=" ".join)
def test_reports_of_failing_tests(project, engine, options):
    result = project.runpytest_subprocess("--tracefunc", "library:area", *options)
    result.assert_outcomes(**OUTCOMES)
    found = sections(result)
    assert {test: {title: calls(text) for title, text in parts.items()} for test, parts in found.items()} == {
        "test_failing": {
            "Traced calls (setup)": ["area(width=1, height=2) -> 2"],
            "Traced calls (call)": ["area(width=2, height=3) -> 6"],
        },
        "test_calling_nothing": {"Traced calls": []},
        "test_teardown": {
            "Traced calls (call)": ["area(width=8, height=8) -> 64"],
            "Traced calls (teardown)": ["area(width=7, height=7) -> 49"],
        },
        "test_setup": {"Traced calls (setup)": ["area(width=6, height=6) -> 36"]},
    }
    assert "by test_failing (test_library.py:" in found["test_failing"]["Traced calls (call)"]
    assert found["test_calling_nothing"]["Traced calls"].startswith("none was recorded\n")


@pytest.mark.once
def test_options(project):
    project.makepyfile(
        """
        import library

        def test_it():
            for number in range(30):
                library.area(number, 1)
            library.Box().volume(3)
            assert 0
        """
    )

    def run(*options):
        result = project.runpytest_subprocess("-k", "test_it", *options)
        result.assert_outcomes(failed=1, deselected=6)
        [text] = sections(result)["test_it"].values()
        return calls(text)

    assert len(run("--tracefunc=library:area")) == 10
    assert len(run("--tracefunc=library:area", "--tracefunc-max-calls=2")) == 2
    assert run("--tracefunc=library:area", "--tracefunc-when=width > 28") == ["area(width=29, height=1) -> 29"]
    last = run("--tracefunc=library:area", "--tracefunc-max-calls=1", "--tracefunc-keep=last")
    assert last == ["area(width=2, height=3) -> 6"]
    several = run("--tracefunc=library:area", "--tracefunc=library:Box", "--tracefunc-keep=last")
    assert sorted(call.partition("(")[0] for call in several) == ["Box.volume"] + ["area"] * 9


@pytest.mark.once
def test_a_long_trace_is_cut(project):
    project.makepyfile(
        """
        import library

        def test_it():
            for number in range(1000):
                library.area(number, 1)
            assert 0
        """
    )
    result = project.runpytest_subprocess("-k", "test_it", "--tracefunc=library:area", "--tracefunc-max-calls=none")
    [text] = sections(result)["test_it"].values()
    assert len(text) < 9_000
    assert re.search(r"^\.\.\. [\d,]+ more characters: --tracefunc-html DIR shows everything$", text, re.M)


@pytest.mark.once
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=" ".join)
def test_pages(project, workers):
    result = project.runpytest_subprocess("--tracefunc", "library:area", "--tracefunc-html", "out/traces", *workers)
    result.assert_outcomes(**OUTCOMES)
    folder = project.path / "out" / "traces"
    result.stdout.fnmatch_lines([f"3 in {folder / 'index.html'}"])
    index = (folder / "index.html").read_text(encoding="utf-8")
    links = dict(re.findall(r'<a href="(.*?)">test_library.py::(.*?)</a>', index))
    assert sorted(links.values()) == ["test_failing", "test_setup", "test_teardown"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(["index.html", *links])
    for name, test in links.items():
        assert f"test_library.py::{test}" in (folder / name).read_text(encoding="utf-8")


@pytest.mark.once
def test_no_page_where_nothing_fails(project):
    result = project.runpytest_subprocess(
        "--tracefunc", "library:area", "--tracefunc-html", "traces", "-k", "passing or nothing"
    )
    result.assert_outcomes(passed=1, failed=1, deselected=4)
    assert not (project.path / "traces").exists()
    assert "traces of failing tests" not in result.stdout.str()


@pytest.mark.once
@pytest.mark.parametrize(
    "options, said",
    [
        (["--tracefunc=library:aera"], "--tracefunc: target 'library:aera': *. Did you mean area?"),
        (["--tracefunc=lbrary:area"], "--tracefunc: target 'lbrary:area': cannot import 'lbrary' *"),
        (
            ["--tracefunc=library:area", "--tracefunc-max-calls=x"],
            "--tracefunc: max_calls: 'x' is neither a whole number nor none.",
        ),
        (["--tracefunc=library:area", "--tracefunc-when=x +"], "--tracefunc: when is not a Python expression: 'x +'*"),
        (["--tracefunc=library:area", "--tracefunc-keep=best"], "--tracefunc: keep is 'best': *"),
    ],
)
def test_wrong_options(project, options, said):
    result = project.runpytest_subprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: " + said.replace("[", "[[]")])
    assert "Traceback" not in result.stderr.str()


@pytest.mark.once
def test_a_wrong_target_is_told_by_each_test_with_xdist(project):
    result = project.runpytest_subprocess("--tracefunc", "library:aera", "-n", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["--tracefunc: target 'library:aera': *. Did you mean area?"])


def test_help(project):
    result = project.runpytest_subprocess("--help")
    result.stdout.fnmatch_lines(["traces of failing tests:", "*--tracefunc=TARGET*", "*--tracefunc-html=DIR*"])


# --- the fixture --------------------------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.both_engines
def test_the_fixture(project, engine):
    project.makepyfile(
        """
        import asyncio, library

        def test_block(trace_calls):
            with trace_calls("library:Box", library.area, when="True") as results:
                library.Box().volume(4)
            assert [call.returned for call in results] == [("int", "24"), ("int", "6")]
            assert results[0].stack.startswith("test_block (")

        def test_run(trace_calls):
            assert trace_calls("library:area").run(library.area, 1, 2)[0].returned == ("int", "2")

        def test_failing(trace_calls):
            with trace_calls("library:area", max_calls=1):
                library.area(3, 4)
                library.area(4, 5)
            with trace_calls("library:area"):
                library.area(5, 6)
                raise ValueError
        """
    )
    result = project.runpytest_subprocess("-k", "test_the_fixture", "--tracefunc-html=traces")
    result.assert_outcomes(passed=2, failed=1, deselected=6)
    assert list(sections(result)) == ["test_failing"]
    shown = [line for line in result.outlines if re.match(r"\d area\(", line)]
    assert [line.partition(" by ")[0] for line in shown] == [
        "1 area(width=3, height=4) -> 12",
        "1 area(width=5, height=6) -> 30",
    ]
    assert len(list((project.path / "traces").glob("*test_failing*.html"))) == 1


def test_the_fixture_is_told_about(project):
    result = project.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["trace_calls -- *", "*with trace_calls(*"])


# --- unused, and with other plugins -------------------------------------------------------------------------------


def test_it_does_nothing_when_it_is_not_used(project):
    project.makeconftest(
        """
        import json, sys

        def pytest_sessionfinish(session):
            manager = session.config.pluginmanager
            ours = manager.get_plugin("tracefunc")
            hooks = [caller.name for caller in manager.get_hookcallers(ours)]
            names = [name for name, plugin in manager.list_name_plugin() if "tracefunc" in str(name)]
            modules = [name for name in sys.modules if name.partition(".")[0] == "tracefunc"]
            print("\\n" + json.dumps([sorted(hooks), names, sorted(modules), sys.monitoring.get_tool(4)]))
        """
    )
    result = project.runpytest_subprocess("-s")
    result.assert_outcomes(**OUTCOMES)
    [line] = [line for line in result.outlines if line.startswith("[[")]
    assert json.loads(line) == [
        ["pytest_addoption", "pytest_configure"],
        ["tracefunc"],
        ["tracefunc", "tracefunc.pytest_plugin"],
        None,
    ]
    assert "Traced" not in result.stdout.str()


def test_it_can_be_switched_off(project):
    result = project.runpytest_subprocess("-p", "no:tracefunc", "--tracefunc", "library:area")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.once
@pytest.mark.both_engines
@pytest.mark.parametrize("core, workers", [("ctrace", []), ("sysmon", []), ("sysmon", ["-n", "2"])])
def test_with_coverage(project, engine, monkeypatch, core, workers):
    if core == "ctrace" and sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.importorskip("coverage.tracer", reason="coverage.py has no wheel for this build")
    monkeypatch.setenv("COVERAGE_CORE", core)
    options = ["--cov=library", "--cov-report=term-missing", *workers]
    result = project.runpytest_subprocess("--tracefunc", "library:area", *options)
    result.assert_outcomes(**OUTCOMES)
    result.stdout.re_match_lines([r"library.py +5 +1 +80%   6"])
    found = sections(result)["test_failing"]
    assert calls(found["Traced calls (call)"]) == ["area(width=2, height=3) -> 6"]
    assert "2 return width * height" in found["Traced calls (call)"]


def test_with_unittest_and_doctests(project):
    project.makepyfile(
        library=LIBRARY + "\n\ndef documented():\n    '''\n    >>> area(9, 9)\n    80\n    '''\n",
        test_cases="""
        import unittest, library

        class TestCase(unittest.TestCase):
            def test_it(self):
                self.assertEqual(library.area(2, 2), 5)
        """,
    )
    result = project.runpytest_subprocess(
        "--tracefunc=library:area", "--doctest-modules", "library.py", "test_cases.py"
    )
    result.assert_outcomes(failed=2)
    shown = [line.partition(" by ")[0] for line in result.outlines if re.match(r"\d area\(", line)]
    assert sorted(shown) == ["1 area(width=2, height=2) -> 4", "1 area(width=9, height=9) -> 81"]


COUNTED = """
class Connection:
    queries = 0

class Row:
    def __init__(self, connection):
        self.connection = connection

    def __repr__(self):
        self.connection.queries += 1
        return "Row()"

def load(row):
    found = row
    return found

def test_queries(trace_calls):
    connection = Connection()
    load(Row(connection))
    assert connection.queries == 0

    with trace_calls(load):
        load(Row(connection))
    assert connection.queries == 0
"""


def test_no_repr_of_the_program_runs_unless_asked_for(pytester):
    """As under Django's assertNumQueries: a repr that asks a database must not change what a test counts."""
    pytester.makepyfile(COUNTED)
    target = "--tracefunc=test_no_repr_of_the_program_runs_unless_asked_for:load"
    pytester.runpytest(target).assert_outcomes(passed=1)
    pytester.runpytest(target, "--tracefunc-describe=safe_repr").assert_outcomes(passed=1)
    pytester.runpytest(target, "--tracefunc-describe=repr").assert_outcomes(failed=1)
    pytester.runpytest(target, "--tracefunc-describe=str").stderr.fnmatch_lines(["*'safe_repr' or 'repr'*"])
