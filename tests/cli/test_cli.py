"""The command line: programs run as `python` runs them, what is traced in them, and the other commands."""

import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

import tracefunc
from tracefunc import cli
from tracefunc.results import TraceResults

needs_posix = pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals and signals there")
SCRIPTS = Path(sys.executable).parent
TRACEFUNC = (sys.executable, "-m", "tracefunc")
AREA = """\
import sys

def area(width, height):
    return width * height

class Box:
    def volume(self, depth):
        def inner():
            return area(2, 3) * depth
        return inner()

print(area(1, 2), Box().volume(4))
"""
# All that a program can see of how it was started.
INSPECT = """\
import sys
main = sys.modules["__main__"]
assert vars(main) is globals() and __builtins__ is sys.modules["builtins"]
for name in sorted(vars(main)):
    if name.startswith("__") and name != "__loader__":
        print(name, vars(main)[name] if name != "__builtins__" else "")
print(__loader__ if isinstance(__loader__, type) else type(__loader__), getattr(__loader__, "name", ""))
print(sys.argv, sys.path, sys.flags, sys.stdin.read())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with some programs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    for name in ("PYTHONPATH", "PYTHONSAFEPATH", "FORCE_COLOR", "PYTHON_COLORS"):
        monkeypatch.delenv(name, raising=False)
    write("area.py", AREA)
    return tmp_path


def write(path, text):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def run(*command, stdin="", stderr=subprocess.PIPE, **options):
    """Run a command; return its exit status, and what it wrote."""
    command = [*map(str, command)]
    options |= {"stdout": subprocess.PIPE, "stderr": stderr, "encoding": "utf-8", "timeout": 120}
    done = subprocess.run(command, input=stdin, **options)
    return done.returncode, done.stdout, done.stderr


def trace(*arguments, **options):
    """Run the command line; return its exit status, what it wrote, and the trace, None if there is none."""
    path = Path("trace.json").absolute()
    path.unlink(missing_ok=True)
    done = run(*TRACEFUNC, "-q", "--json", path, *arguments, **options)
    return *done, TraceResults.from_json(path.read_bytes()) if path.exists() else None


def names(results):
    return [call.function for call in results]


# --- as `python` does ---------------------------------------------------------------------------------------------


def same(*arguments, target="json:dumps", drop=r"a^", python=(), **options):
    """Hold a traced run of a program against a plain one; return what the plain one gave, and the trace."""
    plain = run(sys.executable, *python, *arguments, **options)
    path = Path("trace.json").absolute()
    path.unlink(missing_ok=True)
    ours = ("-t", target, "-q", "--json", path)
    traced = run(sys.executable, *python, "-m", "tracefunc", *ours, *arguments, **options)
    drop = re.compile(drop, re.M)
    done, wanted = ((s, re.sub(" at 0x[0-9a-fA-F]+", "", out), drop.sub("", err)) for s, out, err in (traced, plain))
    assert done == wanted
    return plain, TraceResults.from_json(path.read_bytes()) if path.exists() else None


@pytest.fixture
def programs(folder):
    """One program as a file, a module, a package, a directory, an archive and a link."""
    write("inspecting.py", INSPECT)
    write("package/__init__.py", "")
    write("package/__main__.py", INSPECT)
    write("package/sub/__init__.py", "")
    write("package/sub/module.py", INSPECT)
    write("directory/__main__.py", INSPECT)
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("__main__.py", INSPECT)


PROGRAMS = [
    ["inspecting.py", "-t", "--html", "-m", "--", "x y", ""],
    ["./inspecting.py"],
    ["package/sub/module.py", "1"],
    ["-m", "inspecting", "-c", "1"],
    ["-minspecting", "1"],
    ["-m", "package", "show"],
    ["-m", "package.sub.module"],
    ["directory", "1"],
    ["directory/", "1"],
    ["archive.zip", "1"],
    ["-c", INSPECT, "-m", "1"],
    ["-c" + INSPECT],
    ["--", "inspecting.py", "--", "1"],
]


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("python", [[], ["-P"]], ids=["", "-P"])
@pytest.mark.parametrize("arguments", PROGRAMS, ids=lambda arguments: " ".join(arguments)[:24])
def test_what_a_program_sees(programs, arguments, python):
    if python and arguments[0].startswith("-m"):
        pytest.skip("the folder is not on the path")
    (status, out, err), _ = same(*arguments, python=python, stdin="given\n")
    assert (status, err) == (0, "")
    assert "__name__ __main__" in out and "given" in out


def test_a_program_from_stdin(folder):
    (status, out, _), _ = same("-", "1", stdin=INSPECT)
    assert status == 0 and "__file__ <stdin>" in out


@needs_posix
def test_a_linked_script(programs):
    Path("elsewhere").mkdir()
    os.symlink(Path("inspecting.py").absolute(), "elsewhere/link.py")
    (status, out, _), _ = same("elsewhere/link.py")
    assert status == 0 and "link.py" in out


def test_a_compiled_script(programs):
    import py_compile

    py_compile.compile("inspecting.py", "compiled.pyc")
    (status, out, _), _ = same("compiled.pyc", "1")
    assert status == 0 and "compiled.pyc" in out


@pytest.mark.skipif(sys.version_info < (3, 14), reason="older versions do not dedent")
def test_indented_code(folder):
    (status, out, _), _ = same("-c", "\n    if 1:\n        print(1)\n    print(2)")
    assert (status, out) == (0, "1\n2\n")


def test_the_console_script(programs):
    plain = run(sys.executable, "inspecting.py", "1", stdin="x")
    assert run(SCRIPTS / "tracefunc", "-q", "-o", "trace", "-t", "json:dumps", "inspecting.py", "1", stdin="x") == plain


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize(
    "code, status",
    [
        ("raise SystemExit", 0),
        ("raise SystemExit(None)", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('a message')", 1),
        ("raise SystemExit([1])", 1),
        ("import os; os._exit(7)", 7),
        ("1/0", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT if os.name != "nt" else 0xC000013A),
        ("raise BaseException('x')", 1),
        ("raise ExceptionGroup('g', [ValueError(1)])", 1),
        ("try:\n    1/0\nexcept Exception as e:\n    raise ValueError('é') from e", 1),
        ("try:\n    1/0\nexcept Exception as e:\n    raise ValueError", 1),
        (
            "import sys\nsys.excepthook = lambda *a: print('hook', a[:2], a[2] is a[1].__traceback__)\nraise ValueError(2)",
            1,
        ),
        ("import sys; sys.stdout.close(); sys.exit(4)", 4),
        ("import json; json.loads('{')", 1),
        ("def f(n): return f(n - 1) if n else 1/0\nf(5)", 1),
        ("x = (", 1),
        ("import atexit; atexit.register(print, 'at exit'); print('first')", 0),
        ("import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()", 0),
        ("import warnings; warnings.warn('watch out')", 0),
        ("x = '\\d'", 0),
        ("import pickle\nclass C: pass\nprint(type(pickle.loads(pickle.dumps(C()))) is C)", 0),
        ("import sys; print('to stderr', file=sys.stderr)", 0),
    ],
)
def test_exit_status_and_tracebacks(folder, code, status):
    write("program.py", code)
    plain, _ = same("program.py")
    assert plain[0] == status
    # runpy's own frames, which the interpreter shows, are not shown here
    frames = r'^[ |]* File "<frozen runpy>", line \d+, in .*\n'
    assert same("-m", "program", drop=frames)[0][0] == status
    if sys.version_info < (3, 13) and plain[2]:
        return  # which know no source lines of -c
    assert same("-c", code)[0][0] == status


@needs_posix
@pytest.mark.parametrize(
    "arguments, status",
    [
        (["nothing.py"], 2),
        (["-m", "nothing"], 1),
        (["-m", "package.nothing"], 1),
        (["-m", "json.nothing"], 1),
        (["empty"], 1),
    ],
)
def test_no_such_program(folder, arguments, status):
    Path("empty").mkdir()
    plain, traced = run(sys.executable, *arguments), run(*TRACEFUNC, *arguments)
    assert plain[:2] == traced[:2] == (status, "")
    assert traced[2] == f"tracefunc: {plain[2].partition(': ')[2]}"


def test_a_package_that_raises_when_it_is_imported(folder):
    write("broken/__init__.py", "def f():\n    1/0\nf()")
    status, out, err, _ = trace("-m", "broken.module")
    assert (status, out) == (1, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("ZeroDivisionError: division by zero\n")
    assert "cli.py" not in err and "_program.py" not in err


def test_a_fork_writes_no_trace(folder):
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    write("program.py", "import os, sys\ndef f(): return os.getpid()\npid = os.fork()\nf()\nif pid: os.waitpid(pid, 0)")
    status, out, err = run(*TRACEFUNC, "--json", "-", "-q", "program.py")
    assert (status, err, out.count('"format"')) == (0, "", 1)


# --- targets ------------------------------------------------------------------------------------------------------


def test_the_program_s_own_functions_without_a_target(folder):
    status, out, err, results = trace("area.py")
    assert (status, out, err) == (0, "2 24\n", "")
    assert names(results) == ["area", "Box.volume", "area"]
    assert results[0].arguments == {"width": ("int", "1"), "height": ("int", "2")}
    assert results[0].stack == "<module> (area.py:12)\narea (area.py:3)"
    assert list(results[1].trace) == ["def inner():", "return area(2, 3) * depth", "return inner()"]


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.both_engines
@pytest.mark.parametrize(
    "target, found",
    [
        (":area", ["area", "area"]),
        ("__main__:area", ["area", "area"]),
        ("area:area", ["area", "area"]),  # importing it would make another module of the same file
        ("area", ["area", "Box.volume", "area"]),
        (":Box", ["Box.volume"]),
        (":Box.volume", ["Box.volume"]),
        (":Box.*", ["Box.volume"]),
        (":*a*", ["area", "area"]),
        (":Box.volume.<locals>.inner", ["Box.volume.<locals>.inner"]),
        (":*.inner", None),
        ("json:dumps", []),
    ],
)
def test_targets_in_the_program(folder, engine, target, found):
    status, out, err, results = trace("-t", target, "area.py")
    if found is None:
        assert (status, out, results) == (2, "", None)
        return
    assert (status, out, err, names(results)) == (0, "2 24\n", "", found)
    assert results.engine.startswith(engine.name)


@pytest.mark.once
@pytest.mark.both_engines
@pytest.mark.parametrize("arguments", [["-m", "area"], ["-c", AREA], ["directory"], ["archive.zip"]])
def test_targets_in_other_kinds_of_programs(folder, engine, arguments):
    write("directory/__main__.py", AREA)
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.write("area.py", "__main__.py")
    status, out, err, results = trace("-t", ":area", *arguments)
    assert (status, out, err, names(results)) == (0, "2 24\n", "", ["area", "area"])
    assert list(results[0].trace) == ["return width * height"]


def test_targets_in_a_program_from_stdin(folder):
    *done, results = trace("-t", ":area", "-", stdin=AREA)
    assert (done, names(results)) == ([0, "2 24\n", ""], ["area", "area"])


def test_targets_in_modules(folder):
    write("helper.py", "def twice(x):\n    return 2 * x")
    write("program.py", "import helper\nprint(helper.twice(2))\nhelper.twice(3)")
    status, out, err, results = trace("-t", "helper:twice", "-t", "json:dumps", "program.py")
    assert (status, out, err) == (0, "4\n", "")
    assert [call.returned for call in results] == [("int", "4"), ("int", "6")]
    assert results[0].stack == "<module> (program.py:2)\ntwice (helper.py:1)"


def test_every_kind_of_function_of_a_program(folder):
    write(
        "program.py",
        """\
        import asyncio, functools, atexit, threading

        def deco(f):
            @functools.wraps(f)
            def wrapper(*args):
                return f(*args)
            return wrapper

        @deco
        def decorated(x): return x
        async def waiting(): await asyncio.sleep(0)
        def items(): yield 1
        def closure(a):
            def inner(): return a
            return inner
        class C:
            __slots__ = ()
            @property
            def value(self): return 1
            @staticmethod
            def still(): return 2
            class D:
                def deep(self): return 3
        def generic[T](x: T) -> T: return x
        def at_exit(): return 4
        def in_thread(): return 5

        decorated(1); asyncio.run(waiting()); list(items()); closure(1)(); C().value; C.still(); C.D().deep(); generic(1)
        atexit.register(at_exit)
        threading.Timer(0.1, in_thread).start()
        """,
    )
    wanted = ["decorated", "waiting", "items", "closure", "C", "generic", "at_exit", "in_thread"]
    options = [word for name in wanted for word in ("-t", f":{name}")]
    status, out, err, results = trace("--max-calls", "none", *options, "program.py")
    assert (status, out, err) == (0, "", "")
    assert names(results) == [
        *(
            "decorated",
            "waiting",
            "items",
            "closure",
            "C.value",
            "C.still",
            "C.D.deep",
            "generic",
            "in_thread",
            "at_exit",
        )
    ]


def test_what_the_target_s_module_sees(folder):
    write("helper.py", "import sys\nprint(sys.argv, sys.modules['__main__'].__file__ == sys.path[0] + '/program.py')")
    write(
        "helper.py",
        "import os, sys\nprint(sys.argv, os.path.basename(sys.modules['__main__'].__file__))\ndef f(): pass",
    )
    write("program.py", "import helper; helper.f()")
    status, out, err, results = trace("-t", "helper:f", "program.py", "1")
    assert (status, out, err, len(results)) == (0, "['program.py', '1'] program.py\n", "", 1)


@pytest.mark.parametrize(
    "target, said",
    [
        (":aera", "area.py defines no function 'aera'. Did you mean area?"),
        (":nothing", "area.py defines no function 'nothing', only area, Box.volume."),
        ("jsn:dumps", "target 'jsn:dumps': cannot import 'jsn' (No module named 'jsn'). Did you mean json"),
        ("aera_:f", "Did you mean area or array?"),
        (
            "json.decodr:x",
            "cannot import 'json.decodr' (No module named 'json.decodr'). Did you mean json.decoder or json.encoder?",
        ),
        ("importing:f", "cannot import 'importing' (No module named 'jsn').\n"),
        ("json:dmps", "has no 'dmps'. Did you mean dumps or dump?"),
        ("json:JSONDecoder.raw_decod", "has no 'raw_decod'. Did you mean raw_decode or decode?"),
        ("json.dumps", "Did you mean json:dumps?"),
        ("json.JSONDecoder.decode", "Did you mean json:JSONDecoder.decode?"),
        ("math:sqrt", "is not written in Python"),
        ("broken:f", "target 'broken:f': importing 'broken' raised ZeroDivisionError: division by zero"),
        ("leaving:f", "target 'leaving:f': importing 'leaving' raised SystemExit: 3"),
        (".x:f", "target '.x:f': the part before the colon must be the full name of a module."),
    ],
)
def test_targets_are_checked_before_the_program_runs(folder, target, said):
    write("broken.py", "1/0")
    write("leaving.py", "raise SystemExit(3)")
    write("importing.py", "import jsn")
    status, out, err, results = trace("-t", target, "area.py")
    assert (status, out, results) == (2, "", None)
    assert err.startswith("tracefunc: error: ") and said in err and "Traceback" not in err


def test_a_program_without_functions(folder):
    status, out, err, _ = trace("-c", "print(1)")
    assert (status, out) == (2, "")
    assert err == (
        "tracefunc: error: <string> defines no functions: name what to trace, as in -t "
        "json.decoder:JSONDecoder.decode.\n"
    )


# --- options ------------------------------------------------------------------------------------------------------

LOOP = """\
import threading

def square(number):
    for i in range(number):
        last = i
    return number * number

for number in range(20):
    square(number)
thread = threading.Thread(target=square, args=(100,))
thread.start()
thread.join()
"""


@pytest.mark.slow
@pytest.mark.both_engines
@pytest.mark.parametrize(
    "options, wanted",
    [
        ([], [*range(10)]),
        (["--max-calls", "2"], [0, 1]),
        (["--max-calls=none"], [*range(20), 100]),
        (["--max-calls", "2", "--keep", "last"], [19, 100]),
        (["--max-calls", "2", "--keep=ends"], [0, 100]),
        (["--when", "number % 7 == 6"], [6, 13]),
        (["--threads", "current", "--when", "number > 18"], [19]),
        (["--threads", "all", "--when", "number > 18"], [19, 100]),
    ],
)
def test_which_calls(folder, engine, options, wanted):
    write("loop.py", LOOP)
    *done, results = trace(*options, "loop.py")
    assert done == [0, "", ""]
    assert [call.arguments["number"] for call in results] == [("int", str(number)) for number in wanted]


@pytest.mark.both_engines
def test_which_samples(folder, engine):
    write("loop.py", LOOP)
    *_, results = trace("--when", "number == 100", "--max-samples", "2", "--keep", "last", "loop.py")
    assert results[0].trace["last = i"] == (
        100,
        {"i": [("int", "98"), ("int", "99")], "last": [("int", "98"), ("int", "99")]},
    )


def test_other_options(folder):
    write("program.py", "def f(token, text):\n    if text: return token\n    return text\nf('secret', 'x' * 100)")
    *_, results = trace("--redact", "tok*", "--max-repr", "8", "--incl-unhit", "program.py")
    assert (
        results[0].arguments == {"token": ("?", "<redacted>"), "text": ("str", "'xxxx...")}
        or results[0].arguments["token"][1] == "<redacted>"
    )
    assert results[0].arguments["text"] == ("str", "'xxxx...")
    assert results[0].trace["return text"] == (0, {"text": []})


@pytest.mark.parametrize(
    "options, said",
    [
        (["--max-calls", "many", "area.py"], "argument --max-calls: 'many' is neither a whole number nor none"),
        (["--max-calls", "-1", "area.py"], "max_calls is -1: it must be 0 or more, or None for no limit."),
        (["--when", "width >", "area.py"], "when is not a Python expression: 'width >'"),
        (["--keep", "best", "area.py"], "argument --keep: invalid choice: 'best'"),
        (["--nonsense", "area.py"], "unrecognized arguments: --nonsense"),
        (["--max", "1", "area.py"], "unrecognized arguments: --max"),
        (["-t"], "argument -t/--target: expected one argument"),
        (["-m"], "argument -m: expected one argument"),
        (["-qc"], "argument -c: expected one argument"),
        (["-t", ":f"], "there is no program to run"),
        (["-q", "area.py"], "--quiet leaves nothing to show"),
        (
            ["--json", "nowhere/trace.json", "area.py"],
            "cannot write 'nowhere/trace.json': its directory does not exist",
        ),
        (["-o", ".", "area.py"], "cannot write '.': it is a directory"),
    ],
)
def test_wrong_options(folder, options, said):
    status, out, err = run(*TRACEFUNC, *options)
    assert (status, out) == (2, "")
    assert said in err and "Traceback" not in err


@pytest.mark.parametrize(
    "given, ours, kind, what, arguments",
    [
        ([], [], "", "", []),
        (["a.py", "-t", "x"], [], "file", "a.py", ["-t", "x"]),
        (["-t", "x", "a.py", "b"], ["-t", "x"], "file", "a.py", ["b"]),
        (["-tx", "a.py"], ["-tx"], "file", "a.py", []),
        (["-qt", "x", "a.py"], ["-qt", "x"], "file", "a.py", []),
        (["--target=x", "a.py"], ["--target=x"], "file", "a.py", []),
        (["--target", "x", "a.py"], ["--target", "x"], "file", "a.py", []),
        (["--incl-unhit", "a.py"], ["--incl-unhit"], "file", "a.py", []),
        (["--unhit", "a.py"], ["--unhit"], "file", "a.py", []),
        (["-t", "-", "-"], ["-t", "-"], "file", "-", []),
        (["-q", "-m", "x", "-m"], ["-q"], "module", "x", ["-m"]),
        (["-qmx", "1"], ["-q"], "module", "x", ["1"]),
        (["-c", "-m", "1"], [], "command", "-m", ["1"]),
        (["-q", "--", "-odd.py", "--"], ["-q"], "file", "-odd.py", ["--"]),
        (["-t", "m", "show"], ["-t", "m"], "file", "show", []),
    ],
)
def test_where_the_program_begins(given, ours, kind, what, arguments):
    assert cli.split(given, cli.run_parser()) == (ours, kind, what, arguments)


@pytest.mark.slow
def test_a_script_that_is_called_like_a_command(folder):
    write("show", AREA)
    assert trace("show")[:3] == (0, "2 24\n", "")  # behind options
    status, out, _ = run(*TRACEFUNC, "./show")
    assert (status, out) == (0, "2 24\n")
    status, out, err = run(*TRACEFUNC, "show")
    assert (status, out) == (2, "") and "tracefunc show: error" in err


@pytest.mark.both_engines
def test_version(folder, engine):
    status, out, err = run(*TRACEFUNC, "--version")
    assert (status, err) == (0, "")
    assert out == f"tracefunc {tracefunc.__version__}, engine: {engine.name} (TRACEFUNC_ENGINE={engine.name})\n"


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"], ["--help", "area.py"]])
def test_help(folder, arguments):
    status, out, err = run(*TRACEFUNC, *arguments)
    assert (status, err) == (0, "")
    assert out.startswith("usage: tracefunc [options] program.py [argument ...]\n")
    assert max(map(len, out.splitlines())) <= 85
    assert "-t ':*'" in out and "./show" in out


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_of_commands(folder, command):
    status, out, err = run(*TRACEFUNC, command, "--help")
    assert (status, err) == (0, "") and out.startswith(f"usage: tracefunc {command} ")


def test_all_tool_ids_are_taken(folder):
    code = "import sys\nfor i in range(6): sys.monitoring.use_tool_id(i, 'x')\nfrom tracefunc.cli import main\nsys.exit(main(sys.argv[1:]))"
    status, out, err = run(sys.executable, "-c", code, "area.py")
    assert (status, out) == (2, "")
    assert err.startswith("tracefunc: error: tracefunc could not acquire a sys.monitoring tool id")


# --- output -------------------------------------------------------------------------------------------------------


def test_json_on_stdout(folder):
    status, out, err = run(*TRACEFUNC, "--json", "-", "-t", ":area", "area.py")
    assert (status, err) == (0, "tracefunc: 2 recorded calls, written to stdout\n")
    first, _, document = out.partition("\n")
    assert first == "2 24" and len(json.loads(document)["calls"]) == 2


def test_a_program_that_goes_elsewhere(folder):
    write("program.py", "import os\ndef f(): os.chdir('/')\nf()")
    run(*TRACEFUNC, "-q", "-o", "trace.txt", "--json", "trace.json", "--html", "trace.html", "program.py")
    assert {"trace.txt", "trace.json", "trace.html"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("options", [[], ["-q"]])
def test_a_program_that_closes_its_streams(folder, options):
    write("program.py", "import sys\ndef f(): sys.stderr.close(); sys.stdout.close(); sys.exit(3)\nf()")
    assert run(*TRACEFUNC, *options, "--json", "trace.json", "program.py") == (3, "", "")
    assert names(TraceResults.from_json(Path("trace.json").read_bytes())) == ["f"]


def test_no_call(folder):
    assert run(*TRACEFUNC, "-t", "json:dumps", "area.py") == (0, "2 24\n", "tracefunc: no call was recorded\n")


def test_the_exception_is_part_of_the_trace(folder):
    write("program.py", "def f(x):\n    return 1 / x\nf(0)")
    *_, results = trace("program.py")
    assert results[0].raised == ("ZeroDivisionError", "ZeroDivisionError('division by zero')")
    assert results.exc.type == "ZeroDivisionError"
    assert "cli.py" not in results.exc.traceback and "program.py" in results.exc.traceback


def test_warnings_are_told(folder):
    status, out, err = run(*TRACEFUNC, "--when", "width > 'a'", "-t", ":area", "area.py")
    assert (status, out) == (0, "2 24\n")
    assert err.startswith("tracefunc: when raised TypeError")


def test_an_output_that_fails_at_the_end(folder):
    write("program.py", "import os\ndef f(): os.rmdir('gone')\nf()")
    Path("gone").mkdir()
    status, out, err = run(*TRACEFUNC, "--json", "gone/x.json", "program.py")
    assert (status, out) == (120, "") and re.fullmatch("tracefunc: error: .*\n", err)


def test_no_output_overwrites_source_or_input(folder):
    options = itertools.cycle(["-o", "--html", "--json"])
    write("other.py", "x = 1")
    write("script", f"#!{sys.executable}\nx = 1")
    write("without.suffix", AREA)
    os.symlink("area.py", "link.json")
    os.link("area.py", "hard.json")
    os.link("without.suffix", "hard.txt")
    kept = {path: path.read_text() for path in folder.iterdir()}
    for output in ("area.py", "./area.py", "link.json", "hard.json", "other.py", "script", folder / "area.py"):
        status, out, err = run(*TRACEFUNC, next(options), output, "area.py")
        assert (status, out) == (2, "") and re.fullmatch("tracefunc: error: cannot write .*\n", err), output
    assert run(*TRACEFUNC, next(options), "hard.txt", "without.suffix")[0] == 2
    assert run(*TRACEFUNC, next(options), "other.py", "-m", "area")[0] == 2
    assert {path: path.read_text() for path in folder.iterdir() if path.is_file()} == kept


def test_no_output_overwrites_a_module_that_the_program_uses(folder):
    write("library.py", "def f(): return 1")
    os.link("library.py", "trace.json")
    status, out, err = run(*TRACEFUNC, "-t", "library:f", "--json", "trace.json", "-c", "import library; library.f()")
    assert status == 120 and "it is the source of the module library" in err
    assert Path("library.py").read_text() == "def f(): return 1"


def test_no_output_overwrites_a_trace_that_is_read(folder):
    assert run(*TRACEFUNC, "-q", "--json", "a.json", "area.py")[0] == 0
    shutil.copy("a.json", "b.json")
    os.symlink("b.json", "link.json")
    text = Path("a.json").read_text()
    for command in (
        ["show", "a.json", "-o", "a.json"],
        ["show", "a.json", "--html", "./a.json"],
        ["diff", "a.json", "b.json", "--html", "link.json"],
        ["show", "a.json", "-o", "x", "--html", "x"],
    ):
        status, out, err = run(*TRACEFUNC, *command)
        assert (status, out) == (2, "") and re.fullmatch("tracefunc: error: .*\n", err)
    assert Path("a.json").read_text() == Path("b.json").read_text() == text
    with open("a.json") as stdin:
        command = [*TRACEFUNC, "show", "-", "-o", "a.json"]
        assert subprocess.run(command, stdin=stdin, capture_output=True, timeout=60).returncode == 2


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is full")
def test_a_full_disk(folder):
    assert run(*TRACEFUNC, "-q", "--json", "t.json", "area.py")[0] == 0
    full = "cannot write to stdout: No space left on device"
    for command, status, said in (
        ("show t.json >/dev/full", 2, full),
        ("show --compact t.json >/dev/full", 2, full),
        ("diff t.json t.json --html /dev/full", 2, "cannot write '/dev/full': No space left on device"),
        ("completion bash >/dev/full", 2, full),
        ("--version >/dev/full", 2, full),
        ("--help >/dev/full", 2, full),
        ("show t.json >&-", 2, "cannot write to stdout: it is closed"),
        ("--json - area.py >&-", 2, "cannot write to stdout: it is closed"),
        ("show - <&-", 2, "cannot read stdin: it is closed"),
        ("-q -o - -c 'def f(): pass\nf()' >/dev/full".replace("\\n", "\n"), 120, full),
        ("-q --json /dev/full area.py >/dev/null", 120, "cannot write '/dev/full': No space left on device"),
        ("-q --html /dev/full -c 'def f(): raise SystemExit(3)\nf()'", 3, "cannot write '/dev/full': No space left"),
    ):
        done = run("sh", "-c", f"{shlex.join(TRACEFUNC)} {command}")
        assert done[0] == status and re.fullmatch(f"tracefunc: error: {re.escape(said)}.*\n", done[2]), (command, done)
    assert run("sh", "-c", f"{shlex.join(TRACEFUNC)} area.py 2>/dev/full")[:2] == (120, "2 24\n")
    assert run("sh", "-c", f"{shlex.join(TRACEFUNC)} area.py 2>&-") == (0, "2 24\n", "")


@pytest.mark.slow
@needs_posix
def test_a_reader_that_goes_away(folder):
    write("program.py", "def f(n): return n\nfor i in range(500): f(i)")
    assert run(*TRACEFUNC, "-q", "--max-calls", "none", "--json", "t.json", "program.py")[0] == 0
    for command in ("show t.json", "completion bash", "-q --max-calls none --json - program.py"):
        done = run("sh", "-c", f"{shlex.join(TRACEFUNC)} {command} | head -c 5")
        assert len(done[1]) == 5 and done[2] == ""


# --- terminals and signals ----------------------------------------------------------------------------------------

WAITING = """\
import sys, time

def step(number):
    return number + 1

step(1)
print("ready", flush=True)
time.sleep(30)
"""


@pytest.mark.both_engines
@needs_posix
def test_interrupt(folder, engine):
    write("waiting.py", WAITING)
    started = subprocess.Popen(
        [*TRACEFUNC, "--json", "trace.json", "waiting.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout.readline() == "ready\n"
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert (out, started.returncode) == ("", -signal.SIGINT)  # which a shell shows as 130
    assert err.startswith("Traceback (most recent call last):\n  File ") and "cli.py" not in err
    assert "KeyboardInterrupt\n" in err and err.endswith(
        f"tracefunc: 1 recorded call, written to {folder / 'trace.json'}\n"
    )
    results = TraceResults.from_json(Path("trace.json").read_bytes())
    assert [call.returned for call in results] == [("int", "2")]


@needs_posix
def test_interrupt_in_a_shell(folder):
    write("program.py", "import os, signal\ndef f(): os.kill(os.getpid(), signal.SIGINT)\nf()")
    command = f"{sys.executable} -m tracefunc -q --json trace.json program.py 2>/dev/null; echo $?"
    assert run("sh", "-c", command)[1] == "130\n"
    [call] = TraceResults.from_json(Path("trace.json").read_bytes())
    assert call.raised == ("KeyboardInterrupt", "KeyboardInterrupt()")


def in_terminal(*command, until=None):
    """Run a command in a terminal, interrupt it when it has written `until`; return its exit status and what it wrote."""
    terminal, inside = os.openpty()
    started = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    written, end = b"", time.monotonic() + 60
    try:
        while time.monotonic() < end:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # Linux's way to say that the other side is closed
                break
            if not part:
                break
            written += part
            if until and re.search(until, written.decode(errors="replace")):
                started.send_signal(signal.SIGINT)
                until = None
    finally:
        started.kill()
        os.close(terminal)
    return started.wait(), written.decode()


@pytest.mark.once
@pytest.mark.slow
@needs_posix
def test_progress_in_a_terminal(folder):
    write("waiting.py", WAITING)
    line = r"\r\x1b\[Ktracefunc: 1 of 1 calls recorded, 3 s"
    status, written = in_terminal(*TRACEFUNC, "--json", "trace.json", "waiting.py", until=line)
    assert status == -signal.SIGINT
    assert re.search(r"\r\x1b\[Ktracefunc: 1 of 1 calls recorded, 2 s\r\x1b\[K", written) and re.search(line, written)
    after = written[written.rindex("\r\x1b[K") :]  # the line is gone when the traceback comes
    assert "KeyboardInterrupt" in after and "1 recorded call, written to " in after


@needs_posix
@pytest.mark.parametrize("options", [[], ["-q"]])
def test_no_progress_of_a_short_run(folder, options):
    status, written = in_terminal(*TRACEFUNC, *options, "--json", "trace.json", "area.py")
    assert status == 0 and "\x1b[K" not in written and "calls recorded, " not in written


@pytest.mark.once
@pytest.mark.slow
def test_no_progress_where_stderr_is_no_terminal(folder):
    write("program.py", "import time\ndef f(): time.sleep(2.5)\nf()")
    assert run(*TRACEFUNC, "--json", "t.json", "program.py") == (
        0,
        "",
        f"tracefunc: 1 recorded call, written to {folder / 't.json'}\n",
    )


# --- commands -----------------------------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.both_engines
@pytest.mark.parametrize("options", [[], ["--compact"], ["--builtins"], ["--compact", "--builtins"]], ids=" ".join)
def test_text(folder, engine, options):
    """The text is on stderr, in a file, and what `show` makes of the JSON: the same."""
    shown = run(*TRACEFUNC, *options, "area.py")
    assert shown[:2] == (0, "2 24\n") and "return width * height" in shown[2]
    done = run(*TRACEFUNC, *options, "-o", "trace.txt", "--json", "trace.json", "area.py")
    assert done == (
        0,
        "2 24\n",
        f"tracefunc: 3 recorded calls, written to {folder / 'trace.txt'}, {folder / 'trace.json'}\n",
    )
    written = Path("trace.txt").read_text(encoding="utf-8")
    address = re.compile("0x[0-9a-f]+")  # of the process
    assert address.sub("", written) == address.sub("", shown[2])
    assert run(*TRACEFUNC, "show", *options, "trace.json") == (0, written, "")
    assert run(*TRACEFUNC, "show", *options, "-", stdin=Path("trace.json").read_text()) == (0, written, "")
    assert run(*TRACEFUNC, "show", *options, "-o", "again.txt", "trace.json") == (0, "", "")
    assert Path("again.txt").read_text(encoding="utf-8") == written


@pytest.mark.slow
def test_pages(folder):
    done = run(*TRACEFUNC, "--html", "run.html", "--json", "trace.json", "area.py")
    assert done == (
        0,
        "2 24\n",
        f"tracefunc: 3 recorded calls, written to {folder / 'run.html'}, {folder / 'trace.json'}\n",
    )
    assert run(*TRACEFUNC, "show", "--html", "show.html", "trace.json") == (0, "", "")
    for page in ("run.html", "show.html"):
        assert "Box.volume" in Path(page).read_text(encoding="utf-8")


@pytest.mark.once
@pytest.mark.slow
@needs_posix
def test_a_browser_is_opened(folder, monkeypatch):
    write("browser", f"#!{sys.executable}\nimport sys\nopen('opened', 'w').write(sys.argv[1])")
    os.chmod("browser", 0o755)
    monkeypatch.setenv("BROWSER", "./browser")
    monkeypatch.setenv("TMPDIR", str(folder))
    assert run(*TRACEFUNC, "--html", "run.html", "--open", "area.py")[0] == 0
    assert Path("opened").read_text() == (folder / "run.html").as_uri()
    assert run(*TRACEFUNC, "-q", "--open", "area.py") == (0, "2 24\n", "")
    assert Path("opened").read_text().startswith((folder / "tracefunc-").as_uri())


def test_pages_cannot_be_made(folder):
    write("jinja2.py", "raise ImportError('none here')")
    for arguments in (["--html", "run.html"], ["--open"]):
        status, out, err = run(*TRACEFUNC, *arguments, "area.py", env=os.environ | {"PYTHONPATH": str(folder)})
        assert (status, out) == (2, "")
        assert err.startswith("tracefunc: error: ") and "pip install 'tracefunc[html]'" in err


@pytest.mark.slow
def test_diff_of_values_without_fields(folder):
    for name in ("one.json", "same.json"):
        run(*TRACEFUNC, "--json", name, "area.py")
    status, out, err = run(*TRACEFUNC, "diff", "one.json", "same.json")
    assert (status, err) == (1, "")
    assert re.fullmatch(r"Not comparable: .*\n +Call 2 of Box.volume, argument self: <Box at 0x[0-9a-f]+>\n", out)
    assert run(*TRACEFUNC, "diff", "one.json", "one.json") == (0, "", "")


@pytest.mark.slow
def test_diff(folder):
    source = AREA.replace("class Box:\n", "class Box:\n    def __init__(self):\n        self.size = 3\n\n")
    write("area.py", source)
    run(*TRACEFUNC, "--json", "one.json", "area.py")
    run(*TRACEFUNC, "--json", "same.json", "area.py")
    write("area.py", source.replace("volume(4)", "volume(5)"))
    run(*TRACEFUNC, "--json", "other.json", "area.py")
    assert run(*TRACEFUNC, "diff", "one.json", "same.json") == (0, "", "")
    status, out, err = run(*TRACEFUNC, "diff", "one.json", "other.json")
    assert (status, err) == (1, "") and out.startswith("First difference: call 3")
    assert run(*TRACEFUNC, "diff", "-q", "one.json", "other.json") == (1, "", "")
    assert run(*TRACEFUNC, "diff", "--html", "diff.html", "one.json", "other.json") == (1, "", "")
    assert "Box.volume" in Path("diff.html").read_text(encoding="utf-8")
    status, out, err = run(*TRACEFUNC, "diff", "--html", "nowhere/diff.html", "one.json", "other.json")
    assert (status, out) == (2, "") and err.startswith("tracefunc: error: cannot write")


@pytest.mark.slow
@needs_posix
def test_nobody_reads(folder):
    trace("--max-calls", "none", "area.py")
    shown = f"{sys.executable} -m tracefunc show trace.json | true; exit ${{PIPESTATUS[0]}}"
    assert run("bash", "-c", shown)[2] == ""


@pytest.mark.parametrize(
    "text, said", [("nonsense", "'trace.json' does not hold a trace: "), ("[1]", "does not hold a trace: ")]
)
@pytest.mark.parametrize("command", [["show"], ["diff", "trace.json"]])
def test_no_trace_in_a_file(folder, command, text, said):
    write("trace.json", text)
    status, out, err = run(*TRACEFUNC, *command, "trace.json")
    assert (status, out) == (2, "")
    assert err.startswith("tracefunc: error: ") and said in err and "Traceback" not in err


@pytest.mark.parametrize("command", [["show"], ["diff", "trace.json"]])
def test_no_such_file(folder, command):
    trace("area.py")
    done = run(*TRACEFUNC, *command, "nothing.json")
    assert done == (2, "", "tracefunc: error: cannot read 'nothing.json': No such file or directory\n")


# --- completion ---------------------------------------------------------------------------------------------------


def completions(shell):
    status, out, err = run(*TRACEFUNC, "completion", shell)
    assert (status, err) == (0, "")
    return out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_know_every_option(folder, shell):
    said = completions(shell)
    for parser in (cli.run_parser(), *(command.parser() for command in cli.COMMANDS.values())):
        for option in [name for action in parser._actions for name in action.option_strings]:
            assert (f"-{'l' if option[1] == '-' else 's'} {option.lstrip('-')}" if shell == "fish" else option) in said


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_read_by_the_shell(folder, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}")
    write("completion", completions(shell))
    assert run(shell, "-n", "completion") == (0, "", "")


@pytest.mark.once
@needs_posix
@pytest.mark.parametrize(
    "words, wanted",
    [
        (["tracefunc", "--ma"], {"--max-calls", "--max-samples", "--max-repr"}),
        (["tracefunc", "--keep", ""], {"first", "last", "ends"}),
        (["tracefunc", "-t", "x", "--keep", "f"], {"first"}),
        (["tracefunc", "a"], {"area.py"}),
        (["tracefunc", ""], {"area.py", "show", "diff", "completion", "completions"}),
        (["tracefunc", "sh"], {"show"}),
        (["tracefunc", "show", "a"], {"area.py"}),
        (["tracefunc", "show", "--co"], {"--compact"}),
        (["tracefunc", "diff", "--h"], {"--help", "--html"}),
        (["tracefunc", "--html", "a"], {"area.py"}),
        (["tracefunc", "--when", ""], set()),
        (["tracefunc", "completion", ""], {"bash", "zsh", "fish"}),
    ],
)
def test_bash_completes(folder, words, wanted):
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    write("completions", completions("bash"))
    line = " ".join(f"'{word}'" for word in words)
    ask = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _tracefunc; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    status, out, err = run("bash", "--norc", "-c", f"source completions; {ask}")
    assert (status, err, set(out.split())) == (0, "", wanted)


@needs_posix
@pytest.mark.parametrize(
    "line, wanted",
    [
        ("tracefunc --max-", {"--max-calls", "--max-repr", "--max-samples"}),
        ("tracefunc --keep ", {"ends", "first", "last"}),
        ("tracefunc sh", {"show"}),
        ("tracefunc diff --q", {"--quiet"}),
        ("tracefunc completion ", {"bash", "fish", "zsh"}),
        ("tracefunc show a", {"area.py"}),
    ],
)
def test_fish_completes(folder, line, wanted):
    if shutil.which("fish") is None:
        pytest.skip("no fish")
    write("completions", completions("fish"))
    status, out, err = run(
        "fish", "--no-config", "-c", f"source completions; complete -C '{line}'", env=os.environ | {"HOME": str(folder)}
    )
    assert (status, err) == (0, "")
    assert wanted <= {row.split("\t")[0] for row in out.splitlines()}


# --- README -------------------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def readme(folder, monkeypatch):
    """The README's programs as files; returns its commands, each with the lines that it is said to print."""
    monkeypatch.setenv("COLUMNS", "80")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    prices, *tests = re.findall(r"^```py\n(.*?)^```\n", text, re.M | re.S)
    write("prices.py", prices)
    write("test_prices.py", "\n\n".join(tests))
    return re.findall(r"^```console\n\$ (.*?)\n(.*?)^```\n", text, re.M | re.S)


@pytest.mark.once
@pytest.mark.slow
def test_readme(readme):
    assert [command.split()[0] for command, _ in readme] == ["tracefunc", "pytest"]
    for command, said in readme:
        program, *arguments = shlex.split(command)
        done = run(sys.executable, "-m", program, *arguments, stderr=subprocess.STDOUT)
        assert said in done[1]
    assert "1 failed, 1 passed" in done[1]
