"""Reading the source: warnings, columns in bytes, code without columns, headers and handlers."""

import sys
import warnings

import pytest

from other_tools import hits, run_python, texts
from tracefunc import tracefunc

pytestmark = pytest.mark.both_engines


# --- reading the source --------------------------------------------------------------------------------------------

WARNS = r'''
def target(x):
    """A \d that warns."""
    y = "\d"
    z = 1if x else 0
    return y is "literal"
'''


def test_warnings_of_the_source_are_silent(tmp_path):
    (tmp_path / "warns.py").write_text(WARNS, encoding="utf-8")
    output = run_python(
        """
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import warns
        from tracefunc import tracefunc
        for _ in range(2):
            ((_, trace),) = tracefunc(warns.target, 3)
            print(sorted((line, hits) for line, (hits, _) in trace.items() if "=" in line))
        """,
        cwd=tmp_path,
    )
    assert output.splitlines() == [r"""[('y = "\\d"', 1), ('z = 1if x else 0', 1)]"""] * 2


def test_warnings_of_the_source_are_not_recorded(define):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target = define(WARNS)["target"]
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        found = hits(tracefunc(target, 3))
    assert found["z = 1if x else 0"] == 1
    assert [str(w.message) for w in seen] == []
    assert list(warnings.filters) == filters


def test_positions_count_bytes(define):
    target = define("""
        def target(größe):
            名前 = "äöü€𝄞"; länge = len(名前); return 名前, länge, [é for é in 名前]
    """)["target"]
    results = tracefunc(target, 1)
    assert hits(results) == {
        '名前 = "äöü€𝄞"': 1,
        "länge = len(名前)": 1,
        "return 名前, länge, [é for é in 名前]": 1,
        "[é for é in 名前]": 5,
    }
    assert texts(results, "[é for é in 名前]", "é") == ["'ä'", "'ö'", "'ü'", "'€'", "'𝄞'"]


@pytest.mark.parametrize("how", ["option", "variable"])
def test_without_columns_it_works_by_lines(tmp_path, how):
    output = run_python(
        """
        from tracefunc import tracefunc

        def target(n):
            total = 0
            for i in range(n):
                if i % 2:
                    total += i
                else:
                    continue
            try:
                with open(__file__) as f:
                    raise KeyError
            except KeyError as e:
                total = (
                    total
                    + 1
                )
            finally:
                x = 3
            return total

        def two():
            return [lambda: 1, lambda: 1]

        ((_, trace),) = tracefunc(target, 5)
        for line, (hits, names) in trace.items():
            print(hits, line.splitlines()[0], [text for _, text in names.get("total", [])])
        try:
            tracefunc(two()[1])
        except ValueError as error:
            print("2 lambdas stand on line" in str(error))
        """,
        *(["-X", "no_debug_ranges"] if how == "option" else []),
        cwd=tmp_path,
        **({"PYTHONNODEBUGRANGES": "1"} if how == "variable" else {}),
    )
    lines = output.splitlines()
    assert lines.pop() == "True"
    assert [line for line in lines if "try:" not in line and "continue" not in line] == [
        "1 total = 0 ['0']",
        "6 for i in range(n): []",
        "5 if i % 2: []",
        "2 total += i ['1', '4']",
        "1 with open(__file__) as f: []",
        "1 raise KeyError []",
        "1 except KeyError as e: []",
        "1 total = ( ['5']",
        "1 x = 3 []",
        "1 return total ['5']",
    ]


def test_a_header_without_an_instruction_before_a_statement_without_one(define):
    """`case _:` and `while True:` are executed when what they hold starts; on one line `...` leaves no trace of itself."""
    fn = define("""
        def target(v):
            match v:
                case 1: x = 1
                case _: ...; x = v
            while True: ...; x += 1; break
            return x
    """)["target"]
    found = hits(tracefunc(fn, 2))
    assert (found["case _:"], found["while True:"], found["x += 1"]) == (1, 1, 1)
    assert "case _:" not in hits(tracefunc(fn, 1))


def test_a_name_that_is_put_away_for_a_comprehension_within_one():
    """While the outer one runs, its `x` has no value: the inner one's is the same variable."""

    def target(x):
        a = [1 for i in (x, x) if [2 for x in "ab"]]
        b = [x for i in (x, x) if [2 for x in "ab"]]
        return a, b, x

    results = tracefunc(target, 7)
    assert results.exc is None
    assert texts(results, '[1 for i in (x, x) if [2 for x in "ab"]]', "x") == ["<unavailable>"] * 2
    assert texts(results, '[x for i in (x, x) if [2 for x in "ab"]]', "x") == ["7"] * 2
    assert texts(results, "return a, b, x", "x") == ["7"]


def test_a_return_of_which_only_one_copy_has_an_instruction(define):
    """A `finally` is compiled twice; a constant returned from the one in a handler is but the handler's clean-up."""
    fn = define("""
        def target(fails):
            try:
                raise KeyError
            except KeyError:
                try:
                    fails and 1 // 0
                finally:
                    return
    """)["target"]
    assert hits(tracefunc(fn, False))["return"] == 1
    assert hits(tracefunc(fn, True))["return"] == 1


def test_a_case_that_only_goes_on_with_the_loop(define):
    """Its header is executed at the jump back, which ends the `case` before; also when others have their samples."""
    fn = define("""
        def target(n):
            while n:
                n -= 1
                match n:
                    case 7: y = 1
                    case _: continue
    """)["target"]
    found = hits(tracefunc(fn, 40))
    assert (found["case 7:"], found["case _:"], found["while n:"]) == (40, 39, 41)


def handled():
    now = sys.exception()
    yield now
    now = sys.exception()
    yield now


def in_a_handler(seen):
    def inner():
        now = sys.exception()
        yield now
        now = sys.exception()
        yield now

    for function in (inner, handled):
        try:
            raise KeyError
        except KeyError:
            generator = function()
            seen.append(type(next(generator)))
        seen.append(type(next(generator)))


@pytest.mark.parametrize("target", [in_a_handler, handled])
def test_a_generator_that_starts_in_a_handler_keeps_nothing_of_it(target):
    """What is being handled at its first step is its caller's affair, and over at the next."""
    seen = []
    results = tracefunc(in_a_handler, seen, target_func=target)
    assert results.exc is None
    assert seen == [KeyError, type(None)] * 2


def test_the_last_line_of_a_handler_is_sampled_before_its_name_is_unbound():
    """`e = None; del e` ends it; that of `except*` follows the line at once."""

    def target():
        try:
            raise KeyError(1)
        except KeyError as e:
            plain = e
        try:
            raise ExceptionGroup("g", [KeyError(2)])
        except* KeyError as e:
            group = e
        return plain, group

    results = tracefunc(target)
    assert texts(results, "plain = e", "e") == ["KeyError(1)"]
    assert texts(results, "group = e", "e") == ["ExceptionGroup('g', [KeyError(2)])"]
