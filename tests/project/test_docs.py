"""The code on the pages of docs/ is run, page by page, and prints what the pages say it prints.

What the blocks of a page are, by what stands behind their fence:

- `python`: run, all of a page in one namespace. With a title, it is first written to the file of that name.
- `text`: behind another block, what that one has printed.
- `py` with a title: written to the file of that name, for the commands.
- `ipython`: run as a cell of a notebook.
- `console`: commands behind `$`, and what each one prints; a row `...` is what differs between runs or versions.
- `sh`: installs something, and is not run.

TRACEFUNC_WRITE_GOLDENS=1 writes what was printed into the pages, except for blocks with a row `...`.
"""

import contextlib
import io
import linecache
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

pytestmark = pytest.mark.both_engines

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
BLOCK = re.compile(r'^```(?P<kind>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```\n', re.M | re.S)
ADDRESS = re.compile(r"(<[\w.<> ]+) at 0x(?:[0-9A-Fa-f]+>|[0-9A-Fa-f]*\.\.\.)")
ELLIPSIS = "...\n"


class Page:
    """A page's blocks, and what they are said to print."""

    def __init__(self, path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.blocks = list(BLOCK.finditer(self.text))

    def output_of(self, number):
        """The `text` block right behind another block, or None."""
        if number + 1 == len(self.blocks):
            return None
        block, after = self.blocks[number : number + 2]
        return after if after["kind"] == "text" and not self.text[block.end() : after.start()].strip() else None

    def row(self, block):
        return self.text.count("\n", 0, block.start()) + 1


class Reader:
    """Does what a reader of a page would do, in a folder of its own."""

    def __init__(self, page):
        self.page = page
        self.namespace = {"__name__": "docs"}
        self.shell = None
        self.wrong = []
        self.changes = []  # of the page: start, end, text

    def read(self):
        for number, block in enumerate(self.page.blocks):
            kind = block["kind"]
            if kind in ("python", "ipython"):
                run = self.python if kind == "python" else self.cell
                self.compare(number, block, run(number, block))
            elif kind == "py":
                Path(block["title"]).write_text(block["body"], encoding="utf-8")
            elif kind == "console":
                self.console(block)

    def python(self, number, block):
        path = Path(block["title"] or f"block{number}.py").resolve()
        path.write_text(block["body"], encoding="utf-8")
        linecache.checkcache(str(path))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(block["body"], str(path), "exec"), self.namespace)
        return out.getvalue()

    def cell(self, number, block):
        self.shell = self.shell or InteractiveShell.instance()
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.shell.run_cell(block["body"]).raise_error()
        return out.getvalue().partition("Out[")[0]  # a notebook shows a cell's value by other means than text

    def console(self, block):
        said = []
        for command, wanted in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block["body"], re.M):
            program, *arguments = shlex.split(command)
            options = [] if program == "python" else ["-m", program]
            done = subprocess.run(
                [sys.executable, *options, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                encoding="utf-8",
                timeout=120,
            )
            printed = without_trailing(ADDRESS.sub(r"\1>", done.stdout))
            pattern = "".join("(?:.*\n)*?" if row == ELLIPSIS else re.escape(row) for row in wanted.splitlines(True))
            if not re.fullmatch(pattern, printed):
                self.wrong.append(f"row {self.page.row(block)}: $ {command}\n{printed}")
            said.append(f"$ {command}\n{wanted if ELLIPSIS in wanted.splitlines(True) else printed}")
        self.changes.append((*block.span("body"), "".join(said)))

    def compare(self, number, block, printed):
        printed = without_trailing(ADDRESS.sub(r"\1>", printed))
        output = self.page.output_of(number)
        if printed != (output["body"] if output else ""):
            self.wrong.append(f"row {self.page.row(block)}:\n{printed}")
        if output:
            self.changes.append((*output.span("body"), printed))
        elif printed:
            self.changes.append((block.end(), block.end(), f"```text\n{printed}```\n"))

    def close(self):
        if self.shell is not None:
            self.shell.reset()
            self.shell.history_manager.end_session()
            InteractiveShell.clear_instance()


def without_trailing(text):
    return re.sub(r" +$", "", text, flags=re.M)


@pytest.fixture
def reader(request, tmp_path, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PYTHONIOENCODING", "PYTHONUTF8"):
        monkeypatch.setenv(name, "utf-8" if name == "PYTHONIOENCODING" else "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setattr(sys, "displayhook", sys.displayhook)
    monkeypatch.setattr("builtins.display", None, raising=False)
    folder = tmp_path / "docs"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    modules = set(sys.modules)
    reader = Reader(request.param)
    yield reader
    reader.close()
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
            del sys.modules[name]
    for file in folder.glob("*.py"):
        linecache.cache.pop(str(file), None)


# Without the GIL no offset is silenced, and one page tells how many events there are.
LEFT_OUT = () if getattr(sys, "_is_gil_enabled", lambda: True)() else ("how-it-works",)


def with_code():
    pages = [Page(path) for path in PAGES if path.stem not in LEFT_OUT]
    return [pytest.param(page, id=page.path.stem) for page in pages if page.blocks]


@pytest.mark.slow
@pytest.mark.parametrize("reader", with_code(), indirect=True)
def test_page(reader, engine):
    reader.read()
    if os.environ.get("TRACEFUNC_WRITE_GOLDENS"):
        text = reader.page.text
        for start, end, new in sorted(reader.changes, reverse=True):
            text = text[:start] + new + text[end:]
        reader.page.path.write_text(text, encoding="utf-8", newline="\n")
    elif reader.wrong:
        pytest.fail(
            f"{reader.page.path}: printed was (TRACEFUNC_WRITE_GOLDENS=1 writes it there)\n\n" + "\n".join(reader.wrong)
        )


def test_all_code_is_run():
    wrong = []
    for path in PAGES:
        page = Page(path)
        assert len(page.blocks) * 2 == len(re.findall("^ *```", page.text, re.M)), path
        commands = "".join(block["body"] for block in page.blocks if block["kind"] in ("console", "python"))
        for number, block in enumerate(page.blocks):
            kind, title = block["kind"], block["title"]
            behind_code = number and page.output_of(number - 1) == block and page.blocks[number - 1]["kind"] != "py"
            fine = {
                "python": True,
                "ipython": True,
                "console": block["body"].startswith("$ "),
                "text": behind_code,
                "py": title and title.removesuffix(".py") in commands,
                "sh": all(row.startswith(("pip install ", "make ", "eval ")) for row in block["body"].splitlines()),
            }
            if not fine.get(kind):
                wrong.append(f"{path}:{page.row(block)}: {kind}")
    assert wrong == []


def test_links_lead_somewhere():
    for path in PAGES:
        links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
        assert [link for link in links if not link.startswith("pictures/") and not (path.parent / link).exists()] == []
