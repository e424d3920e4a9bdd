"""`%tracefunc` and `%%tracefunc`: in a shell, and in a notebook with a kernel of its own."""

import json
import os
import sys

import nbformat
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import tracefunc
from tracefunc import TraceResults
from tracefunc.core.options import OPTIONS
from tracefunc.ipython import parse

CELL = """\
def square(n):
    total = 0
    for i in range(n):
        total += term(i)
    return total

def term(i):
    return 2 * i + 1
"""


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A shell with the magic and some functions from a cell."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setattr(sys, "displayhook", sys.displayhook)
    monkeypatch.setattr("builtins.display", None, raising=False)
    shell = InteractiveShell.instance()
    assert shell.run_cell("%load_ext tracefunc").success
    assert shell.run_cell(CELL).success
    yield shell
    shell.reset()
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def traced(shell, cell):
    """What a cell answers."""
    answer = shell.run_cell(cell)
    answer.raise_error()
    assert isinstance(answer.result, TraceResults)
    return answer.result


def functions(results):
    return [call.function for call in results]


# --- the line magic -----------------------------------------------------------------------------------------------


def test_traces_what_is_called(shell):
    results = traced(shell, "%tracefunc square(3)")
    assert functions(results) == ["square"]
    assert results.result == 9
    assert results[0][1]["total += term(i)"][0] == 3
    assert results[0].stack == ""


def test_traces_a_target(shell):
    results = traced(shell, "%tracefunc -t term square(3) + 1")
    assert functions(results) == ["term"] * 3
    assert results.result == 10
    assert [line.split(" (")[0] for line in results[0].stack.splitlines()] == ["<module>", "square", "term"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options, count",
    [
        ("-t term --max-calls 2", 2),
        ("-t term --max-calls=all", 12),
        ("-t term -t square --max-calls=none", 13),
        ("-t term --when 'i > 9'", 2),
        ('-t term --when="i > 9 "', 2),
        ("--target=term --keep last", 10),
        ("-t term --threads current --redact i --max-repr 10 --max-samples 1 --incl-unhit", 10),
        ("-t __main__:term --", 10),
    ],
)
def test_options(shell, options, count, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", shell.user_module)
    assert len(traced(shell, f"%tracefunc {options} square(12)")) == count


def test_describe_and_reraise(shell):
    shell.run_cell("def show(value): return 'shown'")
    assert traced(shell, "%tracefunc --describe show term(1)")[0].arguments == {"i": ("int", "shown")}
    answer = shell.run_cell("%tracefunc --reraise term('x')")
    assert isinstance(answer.error_in_exec, TypeError)
    assert traced(shell, "%tracefunc term('x')").exc.args == answer.error_in_exec.args


def test_the_expression_is_kept_as_it_is_written(shell):
    results = traced(shell, "%tracefunc (lambda *a, **k: (a, k))('a  b', *['$HOME', \"{1}\"], k={'-t': 1})")
    assert results.result == (("a  b", "$HOME", "{1}"), {"k": {"-t": 1}})


def test_arguments_are_evaluated_once_and_what_they_raise_comes_out(shell):
    shell.run_cell("seen = []")
    traced(shell, "%tracefunc term(seen.append(1) or 2)")
    assert shell.user_ns["seen"] == [1]
    assert isinstance(shell.run_cell("%tracefunc term(1 / 0)").error_in_exec, ZeroDivisionError)


def test_result_can_be_assigned(shell):
    shell.run_cell("r = %tracefunc square(2)")
    assert functions(shell.user_ns["r"]) == ["square"]


def test_nothing_is_left_in_the_session(shell):
    before = set(shell.user_ns)
    traced(shell, "%tracefunc square(2)")
    traced(shell, "%%tracefunc -t square\nsquare(2)")
    assert {name for name in set(shell.user_ns) - before if not name.startswith("_")} == set()
    assert not [name for name in shell.user_ns if "tracefunc" in name]


def test_page(shell, tmp_path):
    path = tmp_path / "a b.html"
    traced(shell, f"%tracefunc --html '{path}' square(2)")
    assert "square" in path.read_text(encoding="utf-8")


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize(
    "cell, message",
    [
        ("%tracefunc", "there is nothing to run"),
        ("%tracefunc square", "'square' is not a call: name the function to trace, with -t NAME."),
        ("%tracefunc square(", "'square(' is not an expression"),
        ("%tracefunc -t nope square(2)", "-t nope: NameError: name 'nope' is not defined"),
        ("%tracefunc -t len square(2)", "is not written in Python"),
        ("%tracefunc len('')", "is not written in Python"),
        ("%tracefunc -t", "-t needs a value"),
        ("%tracefunc --when 'n square(2)", "No closing quotation"),
        (
            "%tracefunc --what 1 square(2)",
            "there is no option --what. Did you mean --when or --html? The options are -t, --target, --max-calls",
        ),
        ("%tracefunc --max-call 1 square(2)", "there is no option --max-call. Did you mean --max-calls"),
        ("%tracefunc --incl-unhit=1 square(2)", "there is no option --incl-unhit=1. --incl-unhit takes no value."),
        ("%tracefunc --max-calls x square(2)", "--max-calls: 'x' is neither a whole number nor none."),
        ("%tracefunc --keep middle square(2)", "keep is 'middle': it must be 'first', 'last' or 'ends'."),
        ("%tracefunc --describe 1/0 square(2)", "--describe 1/0: ZeroDivisionError: division by zero"),
        ("%%tracefunc\n1 + 1", "there is no function to trace: name one, %%tracefunc -t NAME"),
        (
            "%%tracefunc -t square 3\n1 + 1",
            "%%tracefunc takes only options, and traces the cell: '3' is not an option.",
        ),
    ],
)
def test_errors(shell, cell, message):
    error = shell.run_cell(cell).error_in_exec
    assert isinstance(error, UsageError)
    assert message in str(error)


def test_help(shell):
    """What `%tracefunc?` shows: each option with its help."""
    text = shell.find_line_magic("tracefunc").__doc__
    for option in OPTIONS:
        assert option.flag in text and option.help in text
    assert "-t, --target NAME" in text and max(map(len, text.splitlines())) <= 120


def test_parse():
    assert parse("f(x)") == ({}, "f(x)")
    assert parse("  -t a.b --target=c  --max-repr 5  g( '-t' )") == (
        {"target": ["a.b", "c"], "max_repr": 5},
        "g( '-t' )",
    )
    assert parse("--reraise -- -x") == ({"reraise": True}, "-x")
    assert parse("# no comment") == ({}, "# no comment")


# --- the cell magic -----------------------------------------------------------------------------------------------


def test_cell_traces_a_target(shell):
    results = traced(shell, "%%tracefunc -t term\nsums = [square(k) for k in range(3)]\nsums")
    assert functions(results) == ["term"] * 3
    assert results.result == shell.user_ns["sums"] == [0, 1, 4]


def test_cell_traces_what_it_defines(shell):
    results = traced(shell, "%%tracefunc\ndef half(n):\n    return n / 2\nx = half(1)\n%pwd\nhalf(x)")
    assert functions(results) == ["half", "half"]
    assert results[0].source == "def half(n):\n    return n / 2\n"
    assert results.result == 0.25


def test_cell_defines_the_target_anew(shell):
    results = traced(shell, "%%tracefunc -t term\ndef term(i):\n    return i\nsquare(3)")
    assert results.result == 3
    assert functions(results) == ["term"] * 3


def test_cell_that_raises(shell):
    results = traced(shell, "%%tracefunc -t term\nterm(1)\nterm('x')\nterm(2)")
    assert [call.raised is None for call in results] == [True, False]
    assert isinstance(results.exc, TypeError)


def test_cell_with_a_syntax_error(shell):
    assert isinstance(shell.run_cell("%%tracefunc -t term\nif").error_in_exec, SyntaxError)


# --- a notebook ---------------------------------------------------------------------------------------------------


def test_import_stays_light():
    assert "load_ipython_extension" not in tracefunc.__all__
    assert callable(tracefunc.load_ipython_extension)


@pytest.mark.once
@pytest.mark.heavy
@pytest.mark.filterwarnings("default")  # those of the Jupyter packages
def test_notebook(tmp_path, monkeypatch):
    """Run a notebook with a kernel of this interpreter, and look at what its cells show."""
    from nbclient import NotebookClient

    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    kernel = tmp_path / "JUPYTER_DATA_DIR" / "kernels" / "this"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "this", "language": "python"}))
    cells = [
        "%load_ext tracefunc",
        CELL,
        "%tracefunc square(3)",
        "%%tracefunc -t term\nsquare(2)\nterm('x')",
        "r = %tracefunc -t term square(2)\n[call.source for call in r]",
        "%tracefunc --nonsense square(3)",
        "from tracefunc import tracefunc\ntracefunc(square, 2)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        notebook, kernel_name="this", timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert nbformat.validate(notebook) is None
    data = [
        [output.data for output in code.outputs if output.output_type == "execute_result"] for code in notebook.cells
    ]
    _, _, [line], [cell], [sources], _, [plain] = data
    assert line["text/html"].startswith('<div class="tracefunc-view">')
    assert "total += " in line["text/plain"]
    assert "TypeError" in cell["text/html"]
    assert sources["text/plain"].count("return 2 * i + 1") == 2
    assert "there is no option --nonsense" in str(notebook.cells[5].outputs)
    assert "<b>square</b>" in plain["text/html"]
