"""The page's model of steps, compared with the order in which the lines of random programs really ran.

The results have no order across lines; the script of the page derives it where counts and values leave only one way.
What the script claims to know must be true.
"""

import json
import os
import random
import sys

import pytest

from browser import Watched
from render.test_page_in_browser import browser  # noqa: F401 - a fixture
from tracefunc import Tracer
from tracefunc.render.html.page_data import page_data
from tracefunc.render.html.whole_page import page_script

pytestmark = [pytest.mark.browser, pytest.mark.heavy]

MODEL = page_script("samples.js", "steps.js", "search.js", "model.js").removesuffix("}\n")  # the block stays open
# For each loop and each line in it: the steps of its samples, or null.
ASK = """(data) => {
  %s
  const [call] = new Model(data).calls;
  const answer = [];
  call.target.lines.forEach((_, loop) => {
    if (!call.isLoop(loop) || call.sampled(loop) < 2) return;
    for (const i of call.target.block(loop)) {
      if (call.hits(i)) answer.push([loop, i, call.mapping(i, loop) ?? null]);
    }
  });
  return JSON.stringify(answer);
}}"""


class Programs:
    """Makes functions with loops, branches and jumps, whose runs are short."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = ["def f():", "    a = b = 0"]
        self.names = ["a", "b"]
        self.loops = 0
        self.block("    ", 3)
        self.lines.append("    return a")

    def make(self):
        return "\n".join(self.lines) + "\n"

    def block(self, indent, depth):
        for _ in range(self.random.randint(1, 3)):
            self.statement(indent, depth)

    def statement(self, indent, depth):
        pick = self.random.choice
        kind = pick(
            ["assign", "add", "use", "for", "while", "if", "if", "jump", "try"]
            if depth
            else ["assign", "add", "use", "jump"]
        )
        if kind == "for":
            self.loops += 1
            name = pick([f"i{self.loops}", f"i{self.loops}", "a"])
            items = pick(
                [
                    f"range({self.random.randint(0, 4)})",
                    "[1, 1, 2]",
                    "[2, 2]",
                    f"range({pick(self.names)} % 4)",
                    "'xyz'[:2]",
                ]
            )
            self.lines.append(f"{indent}for {name} in {items}:")
            inner = self.names
            self.names = [*self.names, name] if "'" not in items else self.names
            self.block(indent + "    ", depth - 1)
            self.names = inner
            if self.random.random() < 0.2:
                self.lines += [f"{indent}else:", f"{indent}    a = 7"]
        elif kind == "while":
            self.loops += 1
            name = f"w{self.loops}"
            self.lines += [
                f"{indent}{name} = {self.random.randint(0, 3)}",
                f"{indent}while {name}:",
                f"{indent}    {name} -= 1",
            ]
            self.block(indent + "    ", depth - 1)
        elif kind == "if":
            self.lines.append(
                f"{indent}if {pick(self.names)} % {self.random.randint(2, 3)} == {self.random.randint(0, 1)}:"
            )
            self.block(indent + "    ", depth - 1)
            if self.random.random() < 0.5:
                self.lines.append(f"{indent}else:")
                self.block(indent + "    ", depth - 1)
        elif kind == "try":
            self.lines.append(f"{indent}try:")
            self.block(indent + "    ", depth - 1)
            self.lines += [
                f"{indent}    b = 1 // ({pick(self.names)} % 2)",
                f"{indent}except ZeroDivisionError:",
                f"{indent}    b = 5",
            ]
        elif kind == "jump" and depth < 3 and self.loops:
            # Outside of a loop it would be no program: such a function is left out.
            self.lines.append(f"{indent}if {pick(self.names)} % 3 == 1: {pick(['break', 'continue', 'return a'])}")
        else:
            target, value = pick(["a", "b", *self.names[2:]]), pick(self.names)
            self.lines.append(
                indent + {"assign": f"{target} = {value} + 1", "add": f"{target} += {value}"}.get(kind, f"str({value})")
            )


def order_of(function, most=3000):
    """The rows of a function in the order in which they began; None where it runs too long."""
    rows = []

    def follow(frame, event, _):
        if frame.f_code is not function.__code__:
            return None
        if event == "line":
            rows.append(frame.f_lineno)
            if len(rows) > most:
                raise TimeoutError
        return follow

    before = sys.gettrace()
    sys.settrace(follow)
    try:
        function()
    except TimeoutError:
        return None
    except TypeError:  # some programs go wrong, as programs do
        pass
    finally:
        sys.settrace(before)
    return rows


def truth(rows, loop, row):
    """For each time that `row` began: how often the loop had begun its own row before, from 0."""
    steps, step = [], -1
    for begun in rows:
        step += begun == loop
        if begun == row:
            steps.append(step)
    return steps


def functions(count, define):
    """Random functions, their traces and the order of their rows."""
    seed = 0
    while count:
        seed += 1
        source = Programs(seed).make()
        try:
            compile(source, "", "exec")
        except SyntaxError:  # a jump outside of a loop
            continue
        function = define(source)["f"]
        rows = order_of(function)
        if rows is None:
            continue
        results = Tracer(function, max_samples=None).run(function)
        lines = results[0].lines
        # Only where a row is a line, and has as many events as hits, do the rows tell the order of the lines.
        plain = {i for i, line in enumerate(lines) if line.hits == rows.count(line.lineno)}
        plain &= {i for i, line in enumerate(lines) if sum(line.lineno == other.lineno for other in lines) == 1}
        count -= 1
        yield source, results, rows, plain


def cut_samples(call, kept):
    """Keep some of the samples of each line, as a limit does: a slice of them."""
    for _, names in call.trace.values():
        names.update({name: samples[kept] for name, samples in names.items()})


@pytest.mark.parametrize("kept", [slice(None), slice(5), slice(-5, None)], ids=["all", "first", "last"])
def test_what_is_known_of_steps_is_true(browser, define, tmp_path, kept):  # noqa: F811
    path = tmp_path / "empty.html"
    path.write_text("<!DOCTYPE html>")
    watched = Watched(browser)
    page = watched.open(path)
    known = asked = 0
    for source, results, rows, plain in functions(int(os.environ.get("TRACEFUNC_STEPS_PROGRAMS", "200")), define):
        [call] = results
        cut_samples(call, kept)
        lines = call.lines
        for loop, i, steps in json.loads(page.evaluate(ASK % MODEL, page_data(results))):
            if loop not in plain or i not in plain:
                continue
            asked += 1
            if steps is not None:
                known += 1
                # A step is the number of a sample of the loop.
                hits = range(lines[loop].hits)[kept] if lines[loop].vars else range(lines[loop].hits)
                real = truth(rows, lines[loop].lineno, lines[i].lineno)[kept if lines[i].vars else slice(None)][
                    : len(steps)
                ]
                assert [hits[step] for step in steps] == real, f"{source}\nloop {lines[loop]}, line {lines[i]}"
    watched.context.close()
    assert asked > 300
    assert known > asked * 0.3
