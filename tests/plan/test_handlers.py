"""Exceptions that go to a handler in the same function, in loops long enough that most offsets are not counted."""

import asyncio
import textwrap

import pytest

from groundtruth import compare, truth
from tracefunc import tracefunc

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("young_heap")]

HELPERS = """
import asyncio

class Bad:
    def __iter__(self): raise KeyError("bad")
    def __aiter__(self): raise KeyError("bad")

class Swallows:
    def __enter__(self): return self
    def __exit__(self, *exc): return exc[0] is KeyError
    async def __aenter__(self): return self
    async def __aexit__(self, *exc):
        await asyncio.sleep(0)
        return exc[0] is KeyError

def fails(i, every=3, error=KeyError):
    if i % every == 0: raise error(i)
    return i

async def fails_later(i, every=3):
    await asyncio.sleep(0)
    return fails(i, every)

async def numbers(n, every):
    for i in range(n):
        await asyncio.sleep(0)
        yield fails(i + 1, every)

def again():
    raise
"""
FUNCTIONS = {
    "in a try": """
        def target(n):
            for i in range(n):
                a = i
                try:
                    b = a
                    c = fails(i)
                    d = c
                except KeyError as e:
                    f = e
                else:
                    g = d
                h = a
    """,
    "in a try around a loop": """
        def target(n):
            for k in range(3):
                try:
                    for i in range(n):
                        a = i
                        b = fails(i + 1, n)
                    c = b
                except KeyError:
                    d = a
                finally:
                    e = k
    """,
    "in nested ones, of which the outer one gets it": """
        def target(n):
            for i in range(n):
                try:
                    a = i
                    try:
                        b = fails(i, 3, ValueError if i % 2 else KeyError)
                        c = b
                    except KeyError:
                        d = a
                    finally:
                        e = a
                    f = c
                except ValueError:
                    g = a
    """,
    "raised again": """
        def target(n):
            for i in range(n):
                try:
                    try:
                        a = fails(i)
                    except KeyError:
                        b = i
                        if i % 2: raise
                        c = b
                    d = i
                except KeyError as e:
                    try:
                        if i % 5 == 0: raise e
                    except KeyError:
                        f = i
    """,
    "raised by another function's bare raise": """
        def target(n):
            for i in range(n):
                try:
                    try:
                        a = fails(i)
                    except KeyError:
                        again()
                    b = a
                except KeyError:
                    c = i
    """,
    "in a with": """
        def target(n):
            for i in range(n):
                with Swallows() as s, Swallows():
                    a = i
                    b = fails(i)
                    c = b
                d = a
    """,
    "in a with around a loop": """
        def target(n):
            with Swallows():
                for i in range(n):
                    a = i
                    if i % 2: b = a
                    else: c = fails(i + 1, n - 1)
                d = a
            return a
    """,
    "in an iterable": """
        def target(n):
            for i in range(n):
                try:
                    for x in Bad() if i % 3 == 0 else "ab":
                        a = x
                    b = i
                except KeyError:
                    c = i
                finally:
                    d = i
    """,
    "in an iterable, left for an outer handler": """
        def target(n):
            for i in range(n):
                try:
                    try:
                        for x in Bad() if i % 3 == 0 else "ab": a = x
                    finally:
                        b = i
                except KeyError:
                    c = i
    """,
    "in a comprehension in an iterable": """
        def target(n):
            for i in range(n):
                try:
                    for x in [fails(i + y, 4) for y in range(2)]:
                        a = x
                    b = [fails(i + y, 5) for y in range(2)]
                except KeyError as e:
                    c = i
    """,
    "in a handler": """
        def target(n):
            for i in range(n):
                try:
                    try:
                        a = fails(i)
                    except KeyError:
                        for x in Bad() if i % 2 else "ab":
                            b = x
                        c = fails(i, 4)
                except KeyError:
                    d = i
    """,
    "passed on in a handler of groups": """
        def target(n):
            for i in range(n):
                try:
                    raise ExceptionGroup("", [KeyError(i)])
                except* KeyError:
                    try:
                        a = [1 // (20 - q) for q in range(i % 30)]
                        for x in Bad() if i % 9 == 4 else "ab":
                            b = x
                    except ArithmeticError as e:
                        if i % 400 < 399: c = i
                        else: raise e
                    except KeyError:
                        d = [fails(i, 50) for _ in "ab"]
                    f = i
    """,
    "raised again by a handler of groups": """
        def target(n):
            for i in range(n):
                try:
                    try:
                        a = [1 // (i % 3) for _ in "ab"]
                    except* ArithmeticError as e:
                        b = i
                        raise
                    except* KeyError as e:
                        c = i
                        raise e from None
                except Exception as f:
                    d = i
    """,
    "of a group": """
        def target(n):
            for i in range(n):
                try:
                    a = i
                    if i % 3 == 0: raise ExceptionGroup("", [KeyError(i), ValueError(i)][: 1 + i % 2])
                    b = a
                except* KeyError:
                    c = i
                except* ValueError as e:
                    d = i
    """,
    "with a loop left and gone on with": """
        def target(n):
            i = 0
            while True:
                try:
                    i += 1
                    if i > n: break
                    if i % 5 == 0: continue
                    a = fails(i)
                except KeyError:
                    if i % 2: continue
                    b = i
                finally:
                    c = i
                d = a
            return i
    """,
    "a generator's": """
        def target(n):
            for i in range(n):
                a = i
                try:
                    b = fails(i)
                    yield b
                except KeyError:
                    c = a
                d = a
            raise StopIteration
    """,
    "in an iterable of a generator": """
        def target(n):
            for i in range(n):
                a = i
                if i % 7 == 6: yield a
            try:
                for x in Bad():
                    pass
            finally:
                y = 1
    """,
    "raised again in a generator": """
        def target(n):
            for i in range(n):
                a = i
                if i == n - 2: raise
                yield a

        def main(n):
            try: fails(0)
            except KeyError: return list(target(n))
    """,
    "thrown into a generator": """
        def target(n):
            for i in range(n):
                a = i
                try:
                    b = yield a
                    c = b
                except KeyError:
                    d = a

        def main(n):
            made = target(n)
            next(made)
            for i in range(n - 3):
                made.throw(KeyError) if i % 3 == 0 else next(made)
            made.throw(ValueError)
    """,
    "in delegation": """
        def part(i):
            yield i
            yield fails(i)

        def target(n):
            for i in range(n):
                try:
                    a = yield from part(i)
                    b = i
                except KeyError:
                    c = i
            yield from part(3)
    """,
    "a coroutine's": """
        async def target(n):
            for i in range(n):
                a = i
                try:
                    b = await fails_later(i)
                    c = b
                except KeyError:
                    d = await fails_later(a + 1 - a % 3, 1000)
                e = a
            for x in await fails_later(0):
                f = x
    """,
    "in an async for": """
        async def target(n):
            for i in range(n // 4):
                try:
                    async for x in numbers(4, 3 + i % 3):
                        a = x
                    b = i
                except KeyError:
                    c = i
            async for x in Bad():
                d = x
    """,
    "left by an async for": """
        async def target(n):
            async for x in numbers(n, n):
                a = x
                b = [y async for y in numbers(2, 5)]
            c = a
    """,
    "behind a loop whose code the compiler moves": """
        async def target(n):
            if n:
                for i in [x async for x in numbers(n, n + 1)]:
                    a = i
            b = n
            fails(n, n)
    """,
    "in an async with": """
        async def target(n):
            for i in range(n):
                async with Swallows():
                    a = i
                    b = await fails_later(i)
                    c = b
                d = a
            async with Swallows():
                e = fails(1, 1, ValueError)
    """,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_exceptions(define, name):
    space = define(HELPERS + textwrap.dedent(FUNCTIONS[name]))
    target = space["target"]
    fn = space.get("main", target)
    for n in (6, 90, 700):
        found, wanted = tracefunc(fn, n, target_func=target), truth(fn, n, target_func=target)
        assert repr(found.exc) == repr(wanted.exc)
        assert len(found) == 1
        assert compare(found, wanted) == []


def test_an_exception_that_was_raised_before(define):
    """Its traceback names this frame already, at another place."""
    target = define("""
        def target(n):
            kept = None
            for i in range(n):
                a = i
                try:
                    b = a
                    if kept is None: kept = KeyError(i); raise kept
                    if i % 3 == 0: raise kept
                    c = b
                except KeyError as e:
                    d = e is kept
                if i % 4 == 0:
                    try: raise kept
                    except KeyError: f = a
    """)["target"]
    assert compare(tracefunc(target, 600), truth(target, 600)) == []


def test_coroutines_that_interleave(define):
    target = define(HELPERS + textwrap.dedent(FUNCTIONS["a coroutine's"]))["target"]

    async def main():
        return await asyncio.gather(*(target(n) for n in (300, 500, 40)), return_exceptions=True)

    found, wanted = tracefunc(main, target_func=target), truth(main, target_func=target)
    assert len(found) == 3
    assert compare(found, wanted) == []
