"""One table of options: `Tracer`, the command line, the magics and the pytest plugin all agree with it."""

import inspect
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tracefunc import Tracer, cli, ipython, pytest_plugin, safe_repr
from tracefunc.cli import parsers
from tracefunc.cli.targets import new_tracer
from tracefunc.core.options import OPTIONS, Options

BY_NAME = {option.name: option for option in OPTIONS}
# For each option a value that is not its default, in Python and as a command line gives it.
VALUES = {
    "max_calls": (None, "none"),
    "max_samples": (3, "3"),
    "max_repr": (80, "80"),
    "keep": ("ends", "ends"),
    "when": ("n > 1", "n > 1"),
    "describe": (safe_repr, "safe_repr"),
    "redact": (("token", "*_key"), ["token", "*_key"]),
    "threads": ("current", "current"),
    "incl_unhit": (True, None),
    "reraise": (True, None),
}
# The options that a door does not have, and why.
NOT_IN_COMMAND_LINE = parsers.NOT_HERE
NOT_IN_PLUGIN = {
    "max_samples": "a report shows few values of each line; the fixture trace_calls takes the option",
    "max_repr": "a section of a report is short; the fixture trace_calls takes the option",
    "redact": "the fixture trace_calls takes the option",
    "threads": "a test's threads belong to the test; the fixture trace_calls takes the option",
    "incl_unhit": "reports and pages show the lines that never ran anyway",
    "reraise": "what a test raises is pytest's to handle",
}


def leaf(n):
    return n + 1


def given(name):
    """The words of a command line that give an option its value."""
    option, (_, text) = BY_NAME[name], VALUES[name]
    texts = text if isinstance(text, list) else [text]
    return [word for text in texts for word in ([option.flag, text] if option.takes_value else [option.flag])]


def test_the_table_is_complete():
    assert list(VALUES) == list(BY_NAME)
    assert all(VALUES[name][0] != option.default for name, option in BY_NAME.items())
    assert {*NOT_IN_COMMAND_LINE, *NOT_IN_PLUGIN} <= set(BY_NAME)
    assert [option.flag for option in OPTIONS][-2:] == ["--incl-unhit", "--reraise"]


def test_defaults_pass_their_own_checks():
    assert all(option.check(option.default) == option.default for option in OPTIONS)
    assert Options().as_dict() == {option.name: option.default for option in OPTIONS}
    with pytest.raises(TypeError, match="there is no option 'max_call'"):
        Options(max_call=1)


def test_tracer():
    parameters = [p for p in inspect.signature(Tracer).parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert [(p.name, p.default) for p in parameters] == [(option.name, option.default) for option in OPTIONS]
    documented = re.findall(r"^    (\w+) : ", inspect.getdoc(Tracer).replace("\n", "\n    "), re.M)
    assert documented == list(BY_NAME)


@pytest.mark.parametrize("name", VALUES)
def test_an_option_of_tracer_and_of_remote(name):
    value = VALUES[name][0]
    tracer = Tracer(leaf, **{name: value})
    assert tracer.options.as_dict() == Options().as_dict() | {name: value}
    assert tracer.remote(leaf).options == tracer.options.as_dict()
    assert f"{name}=" in repr(tracer)


def test_the_command_line():
    actions = {action.dest: action for action in cli.run_parser()._actions}
    assert {name for name in BY_NAME if name not in actions} == set(NOT_IN_COMMAND_LINE)
    for name, action in actions.items():
        if name in BY_NAME:
            assert action.option_strings[0] == BY_NAME[name].flag
            assert action.help == BY_NAME[name].help
            assert tuple(action.choices or ()) == BY_NAME[name].choices


@pytest.mark.parametrize("name", [name for name in VALUES if name not in NOT_IN_COMMAND_LINE])
def test_an_option_of_the_command_line(name):
    program = SimpleNamespace(is_module=lambda module: True, functions=lambda path: [leaf])
    tracer = new_tracer(cli.run_parser().parse_args(given(name)), program)
    assert tracer.options.as_dict() == Options().as_dict() | {"describe": safe_repr} | {name: VALUES[name][0]}


def test_whether_reprs_run_at_the_doors():
    """Where nobody has said that the program's reprs may run, they do not."""
    program = SimpleNamespace(is_module=lambda module: True, functions=lambda path: [leaf])
    for words, wanted in (([], safe_repr), (["--describe", "repr"], repr), (["--describe", "safe_repr"], safe_repr)):
        assert new_tracer(cli.run_parser().parse_args(words), program).options.describe is wanted
    shell = SimpleNamespace(user_ns={"leaf": leaf, "short": ascii})
    for given_text, wanted in ((None, safe_repr), ("repr", repr), ("safe_repr", safe_repr), ("short", ascii)):
        given_options = {} if given_text is None else {"describe": given_text}
        assert ipython._tracer(shell, {"target": ["leaf"], **given_options}).options.describe is wanted
    assert Options().describe is None


def test_an_older_spelling():
    assert cli.run_parser().parse_args(["--unhit"]).incl_unhit is True


@pytest.mark.parametrize("name", VALUES)
def test_an_option_of_the_magics(name):
    value, text = VALUES[name]
    line = " ".join(word if word.startswith("--") else f"'{word}'" for word in given(name))
    options, rest = ipython.parse(f"{line} f(3)")
    assert (options, rest) == ({name: text if name in ("describe", "redact") else value}, "f(3)")  # evaluated later


def test_the_plugin():
    found = {}

    def add(flag, help, metavar=None, **rest):
        assert rest.get("default") in (None, []) and "type" not in rest
        found[flag.removeprefix("--tracefunc").removeprefix("-").replace("-", "_")] = help, metavar

    group = SimpleNamespace(addoption=add)
    pytest_plugin.pytest_addoption(SimpleNamespace(getgroup=lambda *_: group))
    assert [name for name in found if name in BY_NAME] == [name for name in BY_NAME if name not in NOT_IN_PLUGIN]
    for name, (help, metavar) in found.items():
        if name in BY_NAME:
            option = BY_NAME[name]
            assert metavar == option.metavar
            assert help.replace(" in each phase of a test", "").removesuffix(".").lower() == option.help.lower()


@pytest.mark.parametrize("name", [name for name in VALUES if name not in NOT_IN_PLUGIN])
def test_an_option_of_the_plugin(name):
    value, text = VALUES[name]
    words = {f"tracefunc_{name}": text}
    config = SimpleNamespace(getoption=lambda name, default: words.get(name, default))
    assert pytest_plugin._given(config) == {name: value}


def test_the_table_is_cheap_to_import():
    """Command lines show their help, and complete, without the modules that a trace needs."""
    heavy = {"dataclasses", "inspect", "tracefunc.core.tracer", "tracefunc._record.engine"}
    script = (
        f"import sys; sys.path[:] = {sys.path!r}; import tracefunc.core.options; print(*{heavy} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
