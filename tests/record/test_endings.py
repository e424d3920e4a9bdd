"""The line at which an exception left a call, whatever limits hold and whichever way the exception took."""

import contextlib

import pytest

import endings
import programs
from tracefunc import Tracer

pytestmark = pytest.mark.both_engines


def raised_at(function, *args, **options):
    """The text of the line at which an exception left the only call."""
    with contextlib.suppress(BaseException), Tracer(function, **options) as results:
        made = function(*args)
        if hasattr(made, "close"):
            for _ in made:
                pass
    [call] = results
    return None if call.ended_at is None else call.lines[call.ended_at].text


def in_a_loop(n):
    for i in range(n):
        x = i
        10 // (n - 1 - i)
        x = 10


def behind_finally(n):
    try:
        for i in range(n):
            10 // (n - 1 - i)
    finally:
        x = 1
        del x


def behind_with(n):
    with contextlib.nullcontext():
        for i in range(n):
            10 // (n - 1 - i)


def raised_again(n):
    try:
        for i in range(n):
            10 // (n - 1 - i)
    except ZeroDivisionError:
        n = 2
        raise


def in_a_generator(n):
    for i in range(n):
        yield i
        10 // (n - 1 - i)


@pytest.mark.parametrize("turns", [1, 10, 11, 12, 1000])
@pytest.mark.parametrize("function", [in_a_loop, behind_finally, behind_with, raised_again, in_a_generator])
@pytest.mark.parametrize(
    "options", [{}, {"max_samples": 0}, {"max_samples": None}, {"keep": "last"}, {"keep": "ends", "max_calls": 3}]
)
def test_after_any_number_of_turns(function, turns, options):
    assert raised_at(function, turns, **options) == "10 // (n - 1 - i)"


def test_a_new_exception_ends_its_own_line():
    def target():
        try:
            1 / 0
        except ZeroDivisionError as e:
            raise ValueError("x") from e

    assert raised_at(target) == 'raise ValueError("x") from e'


def test_an_exception_of_a_finally():
    def target(xs):
        try:
            xs.append(1)
            xs[5]
        finally:
            for _ in range(12):
                xs = [*xs, 1]
            xs.nothing()

    assert raised_at(target, []) == "xs.nothing()"


def test_entering_and_leaving_a_with():
    class Fails:
        def __init__(self, entering):
            self.entering = entering

        def __enter__(self):
            if self.entering:
                raise KeyError

        def __exit__(self, *exc):
            raise KeyError

    def target(entering):
        with Fails(entering):
            entering = 2

    assert raised_at(target, True) == raised_at(target, False) == "with Fails(entering):"


def test_a_stop_iteration_in_a_generator():
    def target(it):
        while True:
            try:
                yield next(it)
            finally:
                it = iter(it)

    assert raised_at(target, iter([1])) == "yield next(it)"


def test_headers_and_definitions():
    def fail(*args):
        raise KeyError

    def a_decorator():
        @fail
        def g(): ...

    def a_default():
        def g(a=fail()): ...

    def a_class():
        class C:
            x = fail()

    def a_guard():
        match 1:
            case 1 if fail():
                pass

    def an_except():
        try:
            fail()
        except fail():
            pass

    def a_comprehension():
        return [[fail() for _ in "a"] for _ in "b"]

    assert [raised_at(f) for f in (a_decorator, a_default, a_class, a_guard, an_except, a_comprehension)] == [
        "def g():",
        "def g(a=fail()):",
        "class C:",
        "case 1 if fail():",
        "except fail():",
        'return [[fail() for _ in "a"] for _ in "b"]',
    ]
    assert raised_at(lambda: [fail() for _ in "a"]) == 'lambda: [fail() for _ in "a"]'


def test_a_traceback_that_was_taken_away():
    def target(n):
        try:
            for i in range(n):
                10 // (n - 1 - i)
        except ZeroDivisionError as e:
            e.__traceback__ = None
            raise

    def in_finally(error):
        try:
            raise error
        finally:
            BaseException.__traceback__.__set__(error, None)
            error = 1

    for turns in (1, 12):
        assert raised_at(target, turns) == "raise"
    assert raised_at(in_finally, KeyError()) == "error = 1"


def test_a_traceback_attribute_of_the_program_is_not_asked():
    class Hidden(Exception):
        @property
        def __traceback__(self):
            raise AssertionError

    def target():
        try:
            raise Hidden
        finally:
            x = 1
            del x

    assert raised_at(target) == "raise Hidden"


def test_none_where_the_call_returned():
    space = programs.load("def target(x):\n try: 1 / x\n finally: return x\n", "<returns in finally>")
    with Tracer(space["target"]) as results:
        space["target"](0)
    assert (results[0].ended_at, results[0].returned) == (None, ("int", "0"))


@pytest.mark.slow
def test_generated_programs():
    found = endings.survey(range(40))
    assert not found, found[0][:3]
