"""See what a Python function really does: every line with its hit count and the values that its names held.

For coding agents, and for anyone who would otherwise add prints, step through a debugger or guess.

## When to reach for this

- The source looks right and the result is still wrong: which line first held an unexpected value?
- A branch is taken, or never taken, and it is not clear why.
- A loop runs too often, not often enough, or over unexpected items.
- An exception is raised and its cause is unknown: the trace goes as far as the raise.
- A function deep in a library is called with odd arguments: who calls it, and with what?

Not for timing (use a profiler), not for the coverage of a test suite, and not for functions written in C.

## Usage

>>> from tracefunc.skill import tracefunc
>>> def mean(numbers):
...     total = sum(numbers)
...     return total / len(numbers)
>>> results = tracefunc(mean, [1, 2, 6])
>>> for stack, trace in results:
...     for source, (hits, names) in trace.items():
...         print(hits, source, {name: samples[-1] for name, samples in names.items() if name == "total"})
1 total = sum(numbers) {'total': ('int', '9')}
1 return total / len(numbers) {'total': ('int', '9')}

To follow one function while another one runs, name it: this records each call of `mean`, with its stack.

>>> def report(groups):
...     return [mean(group) for group in groups]
>>> results = tracefunc(report, [[1, 2], [], [3]], target_func=mean)
>>> len(results)
2
>>> results.exc
ZeroDivisionError('division by zero')

What to know:

- Arguments after the function are passed to it, keywords too, except `target_func` and `incl_unhit`.
- The function really runs, with all that it prints, writes and changes. What it returned is in `.result`.
- The result is a list of `(stack, trace)` pairs, one for each of the first ten calls of the target. `stack`
  is empty unless `target_func` was given.
- `trace` maps the text of a line to `(hits, {name: [(type name, text), ...]})`, in the order of the source.
  Statements after a semicolon, comprehensions and lambdas are lines of their own.
- The first ten hits of a line have samples, taken when the line is done: an assignment shows the new value. The
  text of a value is its `repr`, cut to 50 characters.
- An `Exception` that the function raises does not leave the call: it is in `.exc`, so look there first.
- `incl_unhit=True` adds the lines that never ran, with zero hits: the quick way to see which branch was not
  taken.
- The trace has the lines of the target and of functions defined inside it. To see a function that the target
  calls, run again with that function as `target_func`.
- An empty list means that the target was never called.
- Each pair has attributes, too: `.arguments`, `.returned`, `.raised`, `.parent`, `.lines`, ...

`Tracer` does more: several targets, also by name, and only the calls of interest.

>>> from tracefunc.skill import Tracer
>>> tracer = Tracer(mean, "textwrap:*", when=lambda numbers: len(numbers) == 1)
>>> [call.arguments["numbers"] for call in tracer.run(report, [[1, 2], [3]])]
[('list', '[3]')]

- `max_calls`, `max_samples`, `max_repr` (None: no limit) and `keep="last"` or `"ends"` choose what is kept of long
  runs.
- `with Tracer(mean) as results:` traces what a block calls; inside an event loop, `await tracer.arun(fn, ...)`.
- `redact=("password", "*_key")` hides values; `describe=tracefunc.safe_repr` calls no `__repr__` of the program.
"""

from tracefunc.core import Tracer, tracefunc
from tracefunc.results import TraceResults

__all__ = ["TraceResults", "Tracer", "tracefunc"]
