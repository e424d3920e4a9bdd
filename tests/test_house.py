"""The house keeps its rules: who imports whom, what each module is for, where the interpreter is asked, and sizes.

The rules are pyproject.toml's: import-linter's contracts and [tool.tracefunc.limits]. Here are the tests of them, and
of CONTRIBUTING.md's table of modules.
"""

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "tracefunc"
BUILT = {".so", ".pyd", ".pyc", ".c"}
FILES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*")
    if path.is_file() and path.suffix not in BUILT and "__pycache__" not in path.parts
)
MODULES = [name for name in FILES if name.endswith(".py")]
CYTHON = [name for name in FILES if name.endswith((".pyx", ".pxi"))]

needs_linter = pytest.mark.skipif(
    importlib.util.find_spec("importlinter") is None, reason="import-linter is not installed (`make env` installs it)"
)


# --- imports ---------------------------------------------------------------------------------------------------------

TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {}"
LAZY = "def _later():\n    {}"
# Where it is planted, what it says, and in which form.
WRONG_IMPORTS = [
    # Upwards, from each layer.
    ("_interpreter.py", "from ._values import describe"),
    ("_values/describe.py", "from .._plan import source"),
    ("_values/sample.py", "from ..results import Call", TYPES),
    ("_values/read.py", "from .._plan.lines import analyse", TYPES),
    ("_plan/lines.py", "from .._record.raw_call import RawCall", TYPES),
    ("_plan/target_plan.py", "from ..results import Place", TYPES),
    ("_plan/when.py", "from .._fastmon import Recorder", LAZY),
    ("_record/calls.py", "from ..core.options import Options", TYPES),
    ("_record/pure.py", "from ..results import TraceResults", TYPES),
    ("_record/stacks.py", "from ..cli import program", LAZY),
    ("_fastmon.pyx", "from .core.options import Options"),
    ("_fastmon.pyx", "from ._record.pure import Recorder"),
    ("_native/when.pxi", "from .results import Call"),
    ("_fastmon.pyi", "from .core import Tracer"),
    ("core/session.py", "from ..cli.program import Program", TYPES),
    ("core/tracer.py", "from .. import ipython", LAZY),
    ("cli/completion.py", "from ..__main__ import main", LAZY),
    # Sideways.
    ("core/session.py", "from ..render import text", LAZY),
    ("results.py", "from ._plan.lines import analyse", TYPES),
    ("results.py", "from ._record.calls import Calls", LAZY),
    ("render/selection.py", "from .._plan.source import file_lines"),
    ("render/text/report.py", "from ...core import tracefunc", LAZY),
    ("render/json.py", "from .._record.raw_call import RawCall", TYPES),
    ("ipython.py", "from .pytest_plugin import pytest_configure", LAZY),
    ("skill.py", "from tracefunc.cli import main", LAZY),
    ("pytest_plugin.py", "from .cli import main"),
    # Results know their views, but only when one is asked for.
    ("results.py", "from .render import text"),
    ("results.py", "from .render.diff import compare", TYPES),
    # By the public name, which imports everything.
    ("_values/describe.py", "from tracefunc import Tracer"),
    ("core/targets.py", "import tracefunc", LAZY),
    # Within a package.
    ("_values/read.py", "from .sample import sample"),
    ("_plan/source.py", "from .target_plan import plan", LAZY),
    ("_plan/bytecode.py", "from .code_plan import CodePlan", TYPES),
    ("_record/raw_call.py", "from .pure import Recorder", TYPES),
    ("core/options.py", "from .tracer import Tracer", TYPES),
    ("render/cells.py", "from .selection import elided"),
    ("render/text/rows.py", "from .report import text", LAZY),
    ("render/text/listing.py", "from ..html import page", LAZY),
    ("render/html/page_data.py", "from .whole_page import page", LAZY),
    ("render/diff/matching.py", "from .comparison import compare", LAZY),
    ("cli/progress.py", "from .commands import main", LAZY),
    # Of a module that no contract knows.
    ("stray.py", "import sys"),
    ("core/stray.py", "import sys"),
]

LINT = """
import contextlib, io, json, sys
from pathlib import Path
from importlinter.cli import lint_imports

def lint():
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        code = lint_imports(config_filename="pyproject.toml", no_cache=True)
    return code, out.getvalue()

said = [lint()]
for name, text in json.load(sys.stdin):
    file = Path("src/tracefunc", name)
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.write_text((before or "") + "\\n" + text + "\\n", encoding="utf-8")
    said.append(lint())
    file.unlink() if before is None else file.write_text(before, encoding="utf-8")
json.dump(said, sys.stdout)
"""


def planted(name, statement, form="{}"):
    return name, form.format(statement)


@pytest.fixture
def lint(tmp_path):
    """Plant imports in a copy of the tree, one at a time: returns (exit code, output) without any, and with each."""
    for part in ("src", "tools"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", *["*.so", "*.pyd"]))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def run(plants=()):
        done = subprocess.run(
            [sys.executable, "-c", LINT],
            input=json.dumps(plants),
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "src"), str(tmp_path)]), "COLUMNS": "200"},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.slow
@needs_linter
def test_imports_are_as_the_contracts_say(lint):
    [(code, said)] = lint()
    assert code == 0, said


@needs_linter
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_wrong_imports_are_refused(lint):
    plants = [planted(*wrong) for wrong in WRONG_IMPORTS]
    (_, usual), *answers = lint(plants)
    slipped = []
    for (name, text), (code, said) in zip(plants, answers, strict=True):
        module = "_fastmon" if name.startswith("_native/") else name.rpartition(".")[0].replace("/", ".")
        if code == 0 or said == usual or module.rpartition(".")[2] not in said:
            slipped.append((name, text))
    assert slipped == []


def test_wrong_imports_are_of_modules_that_exist():
    missing = {name for name, *_ in WRONG_IMPORTS if "stray" not in name and not (PACKAGE / name).exists()}
    assert missing == set()


# --- the table of modules --------------------------------------------------------------------------------------------


def described_files():
    """The files in the first column of CONTRIBUTING.md's tables of modules, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("\n## The modules\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \| .+ \|$", section, re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    return [name for name in names if not name.endswith("/")]


def test_the_table_names_all_files_and_no_other():
    described = described_files()
    assert [name for name in described if name not in FILES] == []
    # A package's `__init__.py` is described where its folder is.
    wanted = [name for name in FILES if not name.endswith("/__init__.py")]
    assert [name for name in wanted if name not in described] == []
    assert len(described) == len(set(described))


def test_the_table_names_all_packages():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    packages = [name.removesuffix("__init__.py") for name in MODULES if name.endswith("/__init__.py")]
    assert [name for name in packages if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_begins_with_a_sentence(name):
    first = (ast.get_docstring(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))) or "").split("\n")[0]
    assert first.endswith((".", ":")) and len(first.split()) > 2, first


# --- what is asked of the interpreter --------------------------------------------------------------------------------


def versions_in(source):
    """The lines of Python source that look at the interpreter's version, or at a bit of `co_flags` by number."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ("version_info", "version", "hexversion", "python_version"):
            if isinstance(node.value, ast.Name) and node.value.id in ("sys", "platform"):
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            yield from [node.lineno for name in node.names if name.name in ("version_info", "version", "hexversion")]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            sides = [node.left, node.right]
            if "co_flags" in ast.unparse(node) and any(isinstance(side, ast.Constant) for side in sides):
                yield node.lineno


@pytest.mark.parametrize("name", [name for name in MODULES if name != "_interpreter.py"])
def test_versions_are_asked_in_one_module(name):
    assert list(versions_in((PACKAGE / name).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith((".pyx", ".pxi", ".h"))])
def test_versions_are_asked_in_one_header(name):
    source = (PACKAGE / name).read_text(encoding="utf-8")
    asked = r"sys\.(?:version|hexversion)|co_flags\s*[&|]\s*\d|PY_VERSION_HEX|PY_M(?:AJ|IN)OR_VERSION|PY_MICRO_VERSION"
    found = [line for line in source.split("\n") if re.search(asked, line)]
    assert found == [] or name == "_native/interpreter.h"


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nx = sys.version_info >= (3, 13)",
        "import sys\nif sys.version_info[:2] == (3, 12): pass",
        "from sys import version_info",
        "import sys\nx = sys.version.startswith('3.13')",
        "import sys\nx = sys.hexversion",
        "import platform\nx = platform.python_version()",
        "x = code.co_flags & 0x20",
        "x = 0x80 & function.__code__.co_flags",
    ],
)
def test_versions_are_seen(source):
    assert list(versions_in(source))


# --- sizes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def limits(monkeypatch):
    """tools/limits.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.delitem(sys.modules, "limits", raising=False)
    import limits

    return limits


@pytest.mark.slow
def test_sizes(limits):
    messages, count = limits.check(ROOT)
    assert messages == []
    assert count >= len(MODULES) + len(CYTHON)


LARGE = {
    "module": ("x = 1\n" * 11, "large{}: 11 lines, of 10 at most"),
    "class": (
        "class C:\n    x = 1\n    y = 2\n\n    z = 3\n    u = 4\n",
        "large{}:1: class C has 6 lines, of 5 at most",
    ),
    "function": (
        "class C:\n    def f(self):\n        x = 1\n\n        return x\nd = 1\n",
        "large{}:2: function C.f has 4 lines, of 3 at most",
    ),
    "arguments": ("\n\ndef f(a, b,\n      c): pass\n", "large{}:3: f takes 3 arguments, of 2 at most"),
    "method": (
        "class C:\n    def __init__(self, a, b, c): pass\n",
        "large{}:2: C.__init__ takes 3 arguments, of 2 at most",
    ),
}


@pytest.mark.parametrize("suffix", [".py", ".pyx"])
@pytest.mark.parametrize("case", LARGE)
def test_too_large(limits, tmp_path, case, suffix):
    source, message = LARGE[case]
    (tmp_path / f"large{suffix}").write_text(source, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        textwrap.dedent("""\
            [tool.tracefunc.limits]
            paths = ["*.py*"]
            module-lines = 10
            class-lines = 5
            function-lines = 3
            arguments = 2
            [tool.tracefunc.limits.exceptions]
        """),
        encoding="utf-8",
    )
    assert limits.check(tmp_path) == ([message.format(suffix)], 1)
    named = {"class": ":C", "function": ":C.f", "arguments": ":f", "method": ":C.__init__", "module": ""}
    name = f"large{suffix}{named[case]}"
    with (tmp_path / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f'"{name}" = "a reason"\n"large{suffix}:other" = "no reason"\n')
    assert limits.check(tmp_path)[0] == [f"pyproject.toml: large{suffix}:other needs no exception from the limits"]


def test_sizes_in_cython(limits):
    source = textwrap.dedent('''\
        cdef extern from "x.h":
            int asked(int a, int b)

        cdef class Table:  # def not(this): one
            cdef int x
            def __init__(self, int a, b=(1, 2), *, c=None):
                """def neither(this):
                one"""
                self.x = a

            cdef inline int size(
                self, int number,
                Py_ssize_t other,
            ) except -1 nogil:
                return 1

            cdef int[3] values

        cpdef object outer(list a): return None
        async def later(): pass
    ''')
    found = {thing.name: thing[0:1] + thing[2:] for thing in limits.in_cython(source)}
    assert found == {
        "Table": ("class", 4, 14, 0),
        "Table.__init__": ("function", 6, 4, 3),
        "Table.size": ("function", 11, 5, 2),
        "outer": ("function", 19, 1, 1),
        "later": ("function", 20, 1, 0),
    }
