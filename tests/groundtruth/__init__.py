"""The independent ground truth: a function rewritten so that it reports by itself what each line does.

Follows what a trace means (lines, hits, samples, calls) from the source alone; for tests, slow, and simple.

It raises Unsupported, so that there is nothing to compare with, for

- programs nested so deeply that what they are rewritten to has "too many statically nested blocks": CPython allows 20
  in one function, and a `for`, each item of a `with` and an `except ... as` become two of them. (Splitting functions
  would change what their names mean.) This is so for about 3 % of the generated programs;
- what shows the frame or its locals: `locals()`, `vars()` and `dir()` without arguments, `eval`, `exec`, `sys._getframe`;
- lambdas in annotations, which stay as they are, and lambdas with a `yield` or `await`;
- `except*` in a class body, whose samples are taken by a function, which could not see the class's names;
- comprehensions and lambdas in an alias or a type parameter of a class, or in the bases of a generic class that name
  its parameters: they would have to become functions where only such scopes see the names;
- `super()` without arguments in a comprehension of a function without a first parameter;
- definitions that cannot be found in the source, and those whose free variables would not be the same.

And it differs from the program without raising: locals that comprehensions use are cells, so that an unbound one may be
a NameError instead of an UnboundLocalError, and objects may die later.
"""

import asyncio
import contextlib
import functools
import gc
import inspect
import types

from .compare import compare, differ
from .compiling import compiled, finished
from .runtime import Reporter
from .source import Source, Unsupported, plain_function, text_of

__all__ = ["TruthResults", "Unsupported", "compare", "differ", "truth"]


class TruthResults(list):
    """Traces in the order of the recorded calls; `workless`: texts of lines that may be missing in another's answer."""

    def __init__(self, traces=()):
        super().__init__(traces)
        self.exc = self.result = None
        self.workless = set()
        self.facts = []  # per call what there is beside the trace
        self.texts = []  # of all lines
        self.shaky = []  # per call: text -> numbers of the hits that 3.13.0 to 3.13.9 cannot see


def sharers(code):
    """Functions that run a code object, or whose code makes such functions."""
    found = []
    for o in gc.get_objects():
        if type(o) is types.FunctionType and (o.__code__ is code or holds(o.__code__, code)):
            found.append(o)
    return found


def holds(outer, code):
    return any(c is code or (isinstance(c, types.CodeType) and holds(c, code)) for c in outer.co_consts)


def exchanged(outer, code, new):
    """A code object with another in place of one nested in it."""
    if outer is code:
        return new
    return outer.replace(
        co_consts=tuple(exchanged(c, code, new) if isinstance(c, types.CodeType) else c for c in outer.co_consts)
    )


@contextlib.contextmanager
def swapped(function, new):
    """Run with a function's code replaced, in all functions that share it."""
    old = function.__code__
    if "<locals>" in old.co_qualname:
        changed = sharers(old)
    else:  # copies of the function
        changed = [function, *(o for o in gc.get_referrers(old) if type(o) is types.FunctionType and o is not function)]
    before = [(f, f.__code__) for f in changed]
    for f in changed:
        f.__code__ = exchanged(f.__code__, old, new)
    try:
        yield
    finally:
        for f, code in before:
            f.__code__ = code


def run(fn, args, kwargs):
    """Call to the end, also what is asynchronous or a generator."""
    result = fn(*args, **kwargs)
    if inspect.iscoroutine(result) and inspect.iscoroutinefunction(fn):
        return asyncio.run(result)
    if inspect.isgenerator(result) and inspect.isgeneratorfunction(fn):
        for _ in result:
            pass
    elif inspect.isasyncgen(result) and inspect.isasyncgenfunction(fn):

        async def exhaust():
            async for _ in result:
                pass

        asyncio.run(exhaust())
    return result


@functools.lru_cache(maxsize=100)  # the same program is asked about with each engine
def rewritten(text, filename, code):
    """The lines of a code object made from a file's text, and the code that reports on them."""
    source = Source(text)
    return compiled(source, source.locate(code), code)


def truth(fn, /, *args, target_func=None, incl_unhit=False, **kwargs):
    """What a trace of `fn(*args, **kwargs)` must say."""
    function = plain_function(fn if target_func is None else target_func)
    old = function.__code__
    lines, code = rewritten(text_of(old.co_filename, function.__globals__), old.co_filename, old)
    reporter = Reporter(lines)
    results = TruthResults()
    with swapped(function, finished(code, old, reporter)):
        try:
            results.result = run(fn, args, kwargs)
        except Exception as e:
            results.exc = e
        finally:
            reporter.active = False
    for call in reporter.calls:
        trace, shaky = {}, {}
        for line in lines:
            known = call.lines[line.index]
            if known.hits or incl_unhit:
                trace[line.text] = (known.hits, known.names)
            if known.hits:
                call.facts.lines[line.text] = known.facts
            if known.gone:
                shaky[line.text] = known.gone
        results.append(trace)
        results.facts.append(call.facts)
        results.shaky.append(shaky)
    results.texts = [line.text for line in lines]
    results.workless = {line.text for line in lines if line.workless}
    return results
