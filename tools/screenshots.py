#!/usr/bin/env python3
"""Take the pictures of the page that the documentation shows: docs/pictures/*.png.

Needs Chromium, the group `browser`, and tracefunc itself: `make pictures`.
"""

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1440, "height": 720}
sys.path.insert(0, str(ROOT / "tests"))

from browser import Watched, chromium  # noqa: E402
from pages import define  # noqa: E402
from tracefunc import Tracer  # noqa: E402

KNAPSACK = """\
def knapsack(items, room):
    # What to pack for the greatest value, of what fits into the room.
    best = [(0, [])] * (room + 1)
    for name, weight, value in items:
        for free in range(room, weight - 1, -1):
            worth, packed = best[free - weight]; worth += value
            if worth > best[free][0]:
                best[free] = worth, [*packed, name]
    return max(best, key=lambda pair: pair[0])
"""

PARSE = """\
def parse(text):
    # A sum of products, with brackets.
    return terms(text.replace(' ', ''))


def terms(text):
    depth = 0
    for at, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "+" and depth == 0:
            return terms(text[:at]) + terms(text[at + 1:])
    return factors(text)


def factors(text):
    if text.startswith("("):
        return terms(text[1:-1])
    first, star, rest = text.partition("*")
    # An empty operand is no number: where does it come from?
    value = int(first)
    return value * factors(rest) if star else value
"""


def trace_of_loop():
    """A trace with nested loops, two statements in a row and a lambda."""
    items = [("tent", 3, 40), ("stove", 2, 25), ("book", 1, 12), ("rope", 4, 31)]
    knapsack = define(KNAPSACK, "knapsack.py")["knapsack"]
    return Tracer(knapsack, max_samples=40).run(knapsack, items, 7)


def trace_of_error():
    """A trace of functions that call each other, and one of which raises."""
    space = define(PARSE, "calculator.py")
    functions = [space[name] for name in ("parse", "terms", "factors")]
    return Tracer(*functions, max_calls=40, max_repr=80).run(space["parse"], "2 * 3 + (4 + 5 * (1 + )) + 7")


@contextmanager
def opened(browser, results, **options):
    """The page of some results."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        results.to_html(path)
        watched = Watched(browser, viewport=SIZE, **options)
        yield watched.open(path)
        watched.check()
        watched.context.close()


def choose(page, text, steps=0):
    """Choose a line by its text, and step through the loop around it."""
    page.locator("#source .row").filter(has_text=text).first.locator(".chip").first.click()
    for _ in range(steps):
        page.keyboard.press("ArrowRight")
    page.mouse.move(0, 0)


def main():
    """Take them all."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        with opened(browser, trace_of_error(), color_scheme="light") as page:
            page.locator("#tree .call").nth(1).click()
            choose(page, "depth +=", 4)
            page.screenshot(path=PICTURES / "light.png")
        with opened(browser, trace_of_error(), color_scheme="dark") as page:
            page.keyboard.press("/")
            page.keyboard.type("'5*(1+)")
            page.keyboard.press("Enter")
            page.wait_for_timeout(200)
            page.screenshot(path=PICTURES / "dark.png")
        with opened(browser, trace_of_loop(), color_scheme="light") as page:
            choose(page, "for free in range")
            choose(page, "worth, packed", 7)
            page.screenshot(path=PICTURES / "loop.png")
        with opened(browser, trace_of_error(), color_scheme="light") as page:
            page.locator("#tree .call").last.click()
            page.mouse.move(0, 0)
            page.screenshot(path=PICTURES / "exception.png")
    for path in sorted(PICTURES.glob("*.png")):
        print("{}: {} kB".format(path.relative_to(ROOT), path.stat().st_size // 1000))


if __name__ == "__main__":
    main()
