"""The page in a real browser: keys, steps, search, hostile texts, themes, paper; and nothing is asked of a network.

Run only with `-m browser` or TRACEFUNC_REQUIRE_BROWSER=1; with the latter, a browser that is missing is a failure.
"""

import os
import re

import pytest

from browser import NoBrowser, Watched, chromium
from pages import FAILING, PAYLOADS, hostile, long_function, many_calls, trace_of_prices
from tracefunc import Tracer, TraceResults, tracefunc

pytestmark = [pytest.mark.browser, pytest.mark.heavy]


@pytest.fixture(scope="module")
def browser():
    try:
        with chromium() as found:
            yield found
    except NoBrowser as error:
        if os.environ.get("TRACEFUNC_REQUIRE_BROWSER") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def show(browser, tmp_path):
    """Open the page of some results; at the end, see that it did nothing that it should not."""
    opened = []

    def open_page(results, *, title=None, **options):
        path = tmp_path / f"{len(opened)}.html"
        results.to_html(path, title=title)
        opened.append(Watched(browser, **{"viewport": {"width": 1400, "height": 800}, **options}))
        return opened[-1].open(path)

    yield open_page
    for watched in opened:
        watched.check()
        watched.context.close()


def chosen(page):
    """The text of the line that is chosen, as the panel shows it."""
    return page.locator("#line .text").inner_text()


def row(page, text):
    """The row of the source that holds a text."""
    return page.locator("#source .row").filter(has=page.locator("code", has_text=text)).first


def values(page, text):
    return " ".join(row(page, text).locator(".values").all_inner_texts()).split()


def active(page, scroller="source"):
    """The element that the list says is the active one."""
    return page.locator(f"#{page.locator(f'#{scroller}').get_attribute('aria-activedescendant')}")


# --- what is shown ------------------------------------------------------------------------------------------------


def test_calls_source_and_values(show):
    page = show(trace_of_prices())
    assert page.title() == "prices, discount – tracefunc"
    calls = page.locator("#tree [role=treeitem]")
    assert [calls.nth(i).get_attribute("aria-level") for i in range(calls.count())] == ["1", "2"]
    assert "returned" in calls.nth(0).inner_text()
    assert values(page, "total = 0") == ["total", "=", "0"]
    assert row(page, "for name").locator(".chip").all_inner_texts() == ["5"]
    assert row(page, "part = sum").locator(".chip").all_inner_texts() == ["4", "6", "4"]
    assert row(page, "def prices").locator(".chip").count() == 0
    assert "unhit" not in row(page, "return total").get_attribute("class")


def test_lines_of_one_row_are_chosen_separately(show):
    page = show(trace_of_prices())
    code = row(page, "part = sum").locator("code")
    for text, line in (
        ("rate", "(x * rate for x in amounts)"),
        ("len", "count = len(amounts)"),
        ("sum", "part = sum(x * rate for x in amounts)"),
    ):
        code.get_by_text(text, exact=True).click()
        assert chosen(page) == line
        assert "".join(code.locator(".selected").all_inner_texts()) == line
    page.locator("#source").press("ArrowDown")
    assert chosen(page) == "(x * rate for x in amounts)"


def test_table_and_chart(show):
    page = show(trace_of_prices())
    row(page, "total += part").locator(".chip").click()
    table = page.locator("#line table")
    assert table.locator("thead th").all_inner_texts() == ["#", "part", "total"]
    assert table.locator("tbody tr").count() == 4
    assert table.locator("tr[aria-current]").count() == 1
    pictures = page.locator("#line svg[role=img]")
    assert pictures.count() == 2
    assert "least" in pictures.first.get_attribute("aria-label")
    table.locator("tbody tr").nth(2).click()
    assert page.locator("#position").inner_text().startswith("3 of")


def test_functions_are_shown_when_asked_for(show):
    page = show(trace_of_prices())
    assert "len" not in values(page, "part = sum")
    page.locator("#builtins").check()
    assert "len" in values(page, "part = sum")


def test_cached_functions_are_hidden_and_parameters_are_shown(show, define):
    source = """
    import functools

    @functools.cache
    def cached(n):
        return n

    def uses(given):
        data = cached(1), given
        return data
    """
    page = show(tracefunc(define(source)["uses"], len))
    assert {"data", "given"} <= set(values(page, "data = cached"))
    assert "cached" not in values(page, "data = cached")
    assert "cached" not in page.locator("#line table thead").inner_text()
    page.locator("#builtins").check()
    assert "cached" in values(page, "data = cached")


def test_no_calls(show):
    page = show(TraceResults())
    assert "No call was recorded." in page.locator("#notices").inner_text()


# --- keys ---------------------------------------------------------------------------------------------------------


def test_order_of_focus(show):
    page = show(trace_of_prices())
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if seen[-1] == "table":
            break
    wanted = [
        "skip",
        "query",
        "next-match",
        "theme",
        "help-open",
        "tree",
        "anchor",
        "step-on",
        "builtins",
        "source",
        "table",
    ]
    assert [name for name in seen if name in wanted] == wanted


def test_lines_by_keys(show):
    page = show(trace_of_prices())
    source = page.locator("#source")
    source.focus()
    for key, line in (
        ("Home", '"""Sum up what each order costs."""'),
        ("ArrowDown", "total = 0"),
        ("End", "return total"),
        ("ArrowUp", "total += part"),
    ):
        source.press(key)
        assert chosen(page) == line
        assert line in active(page).get_attribute("aria-label")
        assert active(page).get_attribute("aria-selected") == "true"
    assert page.evaluate("document.activeElement.id") == "source"


def test_calls_by_keys(show):
    page = show(trace_of_prices(FAILING))
    tree = page.locator("#tree")
    tree.focus()
    tree.press("ArrowDown")
    assert "discount" in page.locator("#call-heading").inner_text()
    assert active(page, "tree").get_attribute("aria-selected") == "true"
    tree.press("ArrowLeft")  # to its parent
    assert page.locator("#call-heading").inner_text().startswith("prices")
    tree.press("ArrowLeft")  # closes it
    assert page.locator("#tree [role=treeitem]").count() == 1
    assert active(page, "tree").get_attribute("aria-expanded") == "false"
    tree.press("ArrowRight")
    assert page.locator("#tree [role=treeitem]").count() == 3
    tree.press("End")
    assert "ZeroDivisionError" in page.locator("#call-heading").inner_text()
    tree.press("Enter")
    assert page.evaluate("document.activeElement.id") == "source"


def test_keys_with_others_are_left_alone(show):
    page = show(trace_of_prices())
    page.locator("#source").focus()
    before = chosen(page)
    page.keyboard.press("Control+ArrowDown")
    assert chosen(page) == before


def test_help(show):
    page = show(trace_of_prices())
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


# --- steps --------------------------------------------------------------------------------------------------------


def test_steps_move_the_values_of_all_lines(show):
    page = show(trace_of_prices())
    row(page, "for name").locator(".chip").click()
    source = page.locator("#source")
    assert page.locator("#position").get_attribute("aria-live") == "polite"
    totals = []
    for step in range(1, 5):
        assert page.locator("#position").inner_text().startswith(f"{step} of 5")
        assert page.locator("#step").input_value() == str(step)
        totals.append(values(page, "total += part")[-1])
        source.press("ArrowRight")
    assert totals == ["6", "66.0", "66.0", "80.0"]
    # Only bob's order was large: the lines in the `if` were hit at the second step.
    for _ in range(3):
        source.press("ArrowLeft")
    assert "not at this step" not in " ".join(values(page, "part = discount"))
    assert values(page, "part = discount")[-1] == "60.0"
    source.press("ArrowLeft")
    assert " ".join(values(page, "part = discount")) == "not at this step"


def test_steps_by_slider_and_buttons(show):
    page = show(trace_of_prices())
    row(page, "for name").locator(".chip").click()
    slider = page.locator("#step")
    slider.focus()
    slider.press("ArrowRight")
    assert page.locator("#position").inner_text().startswith("2 of 5")
    assert slider.get_attribute("aria-valuetext").startswith("2 of 5")
    page.locator("#step-on").click()
    assert page.locator("#position").inner_text().startswith("3 of 5")
    assert "'cy'" in values(page, "for name")
    page.locator("#step-back").click()
    assert "'bob'" in values(page, "for name")


def test_steps_of_nested_loops(show, define):
    space = define(
        """
        def f(n):
            found = []
            for i in range(n):
                start = i * 10
                for j in range(i):
                    found.append((i, j))
                end = i
            return found
        """
    )
    page = show(tracefunc(space["f"], 3))
    row(page, "for j").locator(".chip").click()  # hits: i = 0 (end), i = 1: j = 0, (end), i = 2: j = 0, 1, (end)
    seen = []
    for _ in range(6):
        seen.append((values(page, "for j")[2], values(page, "start =")[2], values(page, "for i")[2]))
        page.locator("#source").press("ArrowRight")
    assert (
        [i for i, _, _ in seen] == [i for _, i, _ in seen] == [i for _, _, i in seen] == ["0", "1", "1", "2", "2", "2"]
    )
    page.locator("#anchor").select_option(label=page.locator("#anchor option", has_text="for i").inner_text())
    page.locator("#source").press("ArrowRight")
    page.locator("#source").press("ArrowRight")
    assert " ".join(values(page, "found.append")).startswith("i = 2 j = 1 ")
    assert values(page, "start =") == ["i", "=", "2", "start", "=", "20"]


def shown_at_steps(page, loop, text, count):
    """What the values of a row are at each step of a loop."""
    page.locator("#anchor").select_option(label=page.locator("#anchor option", has_text=loop).first.inner_text())
    seen = []
    for _ in range(count):
        seen.append(" ".join(values(page, text)))
        page.locator("#source").press("ArrowRight")
    return seen


def test_steps_are_found_by_suites_and_values(show, define):
    space = define(
        """
        def f(items):
            done = []
            for item in items:
                size = len(item)
                if size > 2:
                    done.append(item)
                    kept = size
                    continue
                else:
                    rest = 0
                half = size / 2
                del rest
            else:
                done.append("end")
        """
    )
    page = show(tracefunc(space["f"], ["a", "bcd", "ef", "ghij"]))
    none = "not at this step"
    assert shown_at_steps(page, "for item", "size = len", 4) == [
        f"item = {item} size = {size}" for item, size in (("'a'", 1), ("'bcd'", 3), ("'ef'", 2), ("'ghij'", 4))
    ]
    # By the value of `size`, then as rows of one suite; the `else`, which has as many hits, is another one.
    for text, expected in {
        "kept = size": [none, "kept = 3 size = 3", none, "kept = 4 size = 4"],
        "continue": [none, "", none, ""],
        "rest = 0": ["rest = 0 1/2", "rest = 0 2/2", "rest = 0 2/2", "rest = 0 2/2"],
        "half = size": ["half = 0.5 size = 1", none, "half = 1.0 size = 2", none],
    }.items():
        page.locator("#step").fill("1")
        assert shown_at_steps(page, "for item", text, 4) == expected, text


def test_steps_are_not_guessed(show, define):
    """A name that is bound again behind does not tell the step, nor do equal numbers in other suites."""
    space = define(
        """
        def f(n):
            for i in range(n):
                i = 3 - i
                if i % 2:
                    print(end=str(i)[:0])
                if i > 1:
                    pass
                    k = i
                if i < 2:
                    k = 0
        """
    )
    page = show(tracefunc(space["f"], 4))
    row(page, "for i").locator(".chip").click()
    # i after the assignment is 3, 2, 1, 0: `k = i` is hit at steps 1 and 2, where the loop's own i is 0 and 1.
    assert shown_at_steps(page, "for i", "k = i", 4) == [
        "i = 3 k = 3",
        "i = 2 k = 2",
        "not at this step",
        "not at this step",
    ]
    page.locator("#step").fill("1")
    assert shown_at_steps(page, "for i", "k = 0", 4) == ["k = 0 1/2", "k = 0 2/2", "k = 0 2/2", "k = 0 2/2"]


def test_steps_that_cannot_be_told_say_so(show, define):
    space = define(
        """
        def f(n):
            k = 0
            while n:
                n -= 1
                if n % 2:
                    k += 1
        """
    )
    page = show(tracefunc(space["f"], 5))
    row(page, "while").locator(".chip").click()
    assert row(page, "k += 1").locator(".values.other .which").inner_text() == "1/2"


# --- exceptions ---------------------------------------------------------------------------------------------------


def test_raising_line_is_marked(show):
    page = show(trace_of_prices(FAILING))
    assert "The run raised ZeroDivisionError" in page.locator("#notices").inner_text()
    raising = row(page, "part = discount")
    assert "raised" in raising.get_attribute("class").split()
    assert "raised ZeroDivisionError" in raising.locator(".chip").get_attribute("aria-label")
    assert chosen(page) == "part = discount(part, count)"
    assert "'eve'" in page.locator("#position").inner_text()
    page.locator("#source").press("Home")
    page.keyboard.press("e")
    assert chosen(page) == "part = discount(part, count)"


# --- search -------------------------------------------------------------------------------------------------------


def test_search_in_source_names_and_values(show):
    page = show(trace_of_prices(FAILING))
    page.locator("#source").focus()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "query"
    page.keyboard.type("'dee'")
    page.keyboard.press("Enter")
    assert re.fullmatch(r"1 of \d+", page.locator("#found").inner_text())
    assert chosen(page) == "for name, amounts in orders:"
    assert page.locator("#position").inner_text().startswith("4 of 5")
    assert page.locator("#source mark").first.inner_text() == "'dee'"
    page.locator("#query").fill("share")
    page.keyboard.press("Enter")
    assert page.locator("#call-heading").inner_text().startswith("discount")
    first = page.locator("#found").inner_text()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Enter")
    assert page.locator("#found").inner_text() == first
    page.locator("#query").fill("for those who buy")  # a comment
    page.keyboard.press("Enter")
    assert page.locator("#source .matched").count() == 1
    page.locator("#query").fill("nowhere at all")
    page.keyboard.press("Enter")
    assert page.locator("#found").inner_text() == "0 found"
    page.keyboard.press("Escape")
    assert page.locator("#found").inner_text() == ""
    assert page.locator("mark").count() == 0


# --- hostile texts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_run_nothing(show, payload):
    page = show(hostile(payload), title=payload)
    for scroller in ("source", "tree"):
        page.locator(f"#{scroller}").focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
            page.keyboard.press(key)
    page.locator("#builtins").check()
    page.locator("#query").fill(payload)
    page.locator("#query").press("Enter")
    for element in page.locator(".value, .chip, td").all()[:20]:
        element.hover()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, svg[onload], iframe, script").count() == 2  # its own
    visible = payload.replace("\ud800", "\ufffd").split("\n")[0]
    assert visible.strip("\0\u2028\u2029\ufffd") in page.locator("#call-heading").inner_text().replace("\ufffd", "")


def test_policy_stops_what_was_not_foreseen(browser, tmp_path):
    path = tmp_path / "page.html"
    trace_of_prices().to_html(path)
    text = path.read_text(encoding="utf-8").replace(
        "</main>", "<script>window.hacked=1</script><img src=x onerror=window.hacked=2></main>"
    )
    path.write_text(text, encoding="utf-8")
    watched = Watched(browser)
    page = watched.open(path)
    assert page.evaluate("window.hacked") is None
    assert len(page.evaluate("window.violations")) >= 2
    watched.context.close()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_run_nothing_in_the_fragment(browser, tmp_path, payload):
    path = tmp_path / "fragment.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{hostile(payload)._repr_html_()}", encoding="utf-8")
    watched = Watched(browser)
    page = watched.open(path)
    page.locator("summary").nth(1).click()
    assert page.evaluate("window.hacked") is None
    watched.check()
    watched.context.close()


# --- themes, paper, sizes -----------------------------------------------------------------------------------------


def background(page):
    return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")


def test_dark_and_light(show):
    page = show(trace_of_prices(), color_scheme="light")
    light = background(page)
    page.emulate_media(color_scheme="dark")
    dark = background(page)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 23, 28)")
    page.keyboard.press("d")
    assert background(page) in (light, dark)
    before = background(page)
    page.locator("#theme").click()
    assert background(page) != before
    page = show(trace_of_prices(), color_scheme="dark")
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    page.locator("#theme").click()
    assert background(page) == light


def test_paper_has_everything(show):
    results = tracefunc(long_function(300), 1)
    page = show(results)
    assert page.locator("#paper .row").count() == 0
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#paper .row").count() == 300
    assert page.locator("#paper .row").last.is_visible()
    assert not page.locator("#source").is_visible()
    assert "total += i * 295" in page.locator("#paper").inner_text()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.pdf().count(b"/Type /Page\n") > 3


def test_long_source_is_drawn_in_part(show):
    page = show(tracefunc(long_function(5000), 1))
    assert page.locator("#source .row").count() < 100
    page.locator("#source").press("End")
    assert chosen(page) == "return total"
    assert active(page).is_visible()
    page.locator("#query").fill("i * 2500 ")
    page.locator("#query").press("Enter")
    assert row(page, "i * 2500 ").is_visible()
    assert page.locator("#source .row").count() < 100


def test_many_calls_are_drawn_in_part(show):
    page = show(many_calls(5000))
    assert page.locator("#tree .row").count() < 100
    page.locator("#tree").press("End")
    assert active(page, "tree").is_visible()
    assert page.locator("#call-heading").inner_text().startswith("down(n=4990)")
    assert page.locator("#tree .row").count() < 100


def test_threads_are_told_apart(show):
    import threading

    def work(x):
        return x

    def run():
        for name in ("first", "second"):
            thread = threading.Thread(target=work, args=(1,), name=name)
            thread.start()
            thread.join()

    page = show(Tracer(work).run(run))
    assert page.locator("#tree .badge").all_inner_texts() == ["first", "second"]


def test_narrow_screen(show):
    page = show(trace_of_prices(), viewport={"width": 420, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    row(page, "total = 0").locator("code").click()
    assert page.locator("#line table").is_visible()
