"""The README's examples are run, and print what it says they print."""

import contextlib
import io
import linecache
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.both_engines

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:^```text\n(?P<output>.*?)^```\n)?", re.M | re.S)
EXAMPLES = [match.groupdict() for match in BLOCK.finditer(README.read_text(encoding="utf-8"))]


def without_addresses(text):
    """Return the text with the addresses of functions taken out, be they whole or cut."""
    return re.sub(r"(<function [\w.<>]+) at 0x(?:[0-9A-Fa-f]+>|[0-9A-Fa-f]*\.\.\.)", r"\1>", text)


@pytest.fixture
def outputs(tmp_path):
    """Run all examples one after the other, each as a file `example.py` of its own, where that is; return the prints."""
    namespace = {"__name__": "readme"}
    printed = []
    for number, example in enumerate(EXAMPLES):
        path = tmp_path / str(number) / "example.py"
        path.parent.mkdir()
        path.write_text(example["code"], encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.chdir(path.parent):
            exec(compile(example["code"], str(path), "exec"), namespace)
        printed.append(without_addresses(out.getvalue()))
        linecache.checkcache(str(path))
    return printed


def test_there_are_seven_with_output():
    assert sum(example["output"] is not None for example in EXAMPLES) == 7


def test_examples(outputs):
    assert outputs == [example["output"] or "" for example in EXAMPLES]


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
