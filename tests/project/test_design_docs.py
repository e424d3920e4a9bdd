"""What docs/design and docs/reliability.md say of the code is there: files, names in them, tests, all flags."""

import ast
import re
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
PAGES = [*sorted((ROOT / "docs" / "design").rglob("*.md")), ROOT / "docs" / "reliability.md"]
QUOTED = re.compile(r"`([^`\n]+)`")


def prose(page):
    """A page without its blocks of code, each paragraph and list item on one row."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"\n +", " ", text)


def quoted(text, pattern):
    return [word for word in QUOTED.findall(text) if re.fullmatch(pattern, word)]


def files_in(text):
    return quoted(text, r"src/tracefunc/[\w/]+\.(?:py|pyx|pxi|h)")


def references(page):
    """Names that are said to be in files: in a table (`file` | `name`), or in a list item (Code: `name` in `file`)."""
    for row in prose(page).splitlines():
        cells = row.strip("|").split("|")
        if row.startswith("| ") and len(cells) == 3:
            yield from ((name, files_in(cells[1])) for name in QUOTED.findall(cells[2]) if files_in(cells[1]))
        elif row.startswith("- Code:"):
            for names, file in re.findall(r"((?:`[\w.]+`(?:, | and )?)+) in `(src/tracefunc/[\w/.]+)`", row):
                yield from ((name, [file]) for name in QUOTED.findall(names))


def names_in(path):
    """The names that a source file defines, those in classes with their class's before them."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return set(re.findall(r"\w+", text))
    found = set()
    todo = [("", ast.parse(text))]
    while todo:
        prefix, node = todo.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(prefix + child.name)
                todo.append((f"{child.name}." if isinstance(child, ast.ClassDef) else prefix, child))
                continue
            if isinstance(child, ast.Name | ast.Attribute) and isinstance(child.ctx, ast.Store):
                found.add(prefix + (child.id if isinstance(child, ast.Name) else child.attr))
            todo.append((prefix, child))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_paths_exist(page):
    wanted = quoted(prose(page), r"(?:src|tests|tools|benchmarks)/[\w./-]+")
    assert [path for path in wanted if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("stem", ["a-traces-way", "cpython"])
def test_names_are_where_they_are_said_to_be(stem):
    found = list(references(ROOT / "docs" / "design" / f"{stem}.md"))
    assert len(found) > 10
    assert [(name, files) for name, files in found if not any(name in names_in(ROOT / file) for file in files)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tests_exist(page):
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py")))
    assert [name for name in quoted(prose(page), r"test_\w+") if f"def {name}(" not in tests] == []


def test_every_flag_of_the_interpreter_is_explained():
    tree = ast.parse((ROOT / "src" / "tracefunc" / "_interpreter.py").read_text(encoding="utf-8"))
    flags = [target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    assert flags
    explained = QUOTED.findall(prose(ROOT / "docs" / "design" / "cpython.md"))
    assert [flag for flag in flags if flag not in explained] == []


def test_every_page_is_in_the_site():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in PAGES if f": {page.relative_to(ROOT / 'docs').as_posix()}\n" not in nav] == []
