"""The workloads: what is run untraced and traced, and how the two are compared.

A workload is run as `run(size)`; `target` is the function whose calls are recorded. The work grows with the
size linearly, so that a tracer which is too slow for the full size gets a part of it. Full sizes take about
0.05 seconds untraced. Each function returns a value that depends on all the work, so that a test can check
that tracing changed nothing.
"""

import importlib
import os
import subprocess
import sys
import sysconfig
import time

import algorithms
import generated
import matching
import shapes
from tracers import Unavailable


def children_time():
    """The CPU time of the processes that this one has started and awaited, in seconds."""
    import resource  # not everywhere

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Workload:
    """A function to run, the function to record, and the full size; the yardstick is the same run untraced."""

    clock = staticmethod(time.process_time)

    def __init__(self, group, run, size, target=None):
        self.group = group
        self.name = run.__name__
        self.run = run
        self.size = size
        self.target = target or run

    def untraced(self):
        """Return a function of the size that does the work."""
        return self.run

    def traced(self, tracer):
        """Return a function of the size that does the same under a tracer."""
        return tracer.traced(self.run, self.target, self.size)


class LongFunction(Workload):
    """A function that is written before it is run: `run` makes it."""

    def untraced(self):
        return self.run()

    def traced(self, tracer):
        function = self.run()
        return tracer.traced(function, function, self.size)


class Price(Workload):
    """What a tool takes besides the traced code; the yardstick is something else than the same code untraced."""

    def traced(self, tracer):
        if tracer.importing is None:
            raise Unavailable("there is no tool to be started")
        return self.paid(tracer)


class WarmTrace(Price):
    """Tracing a small function again and again; the yardstick is to print one such trace into a string."""

    def untraced(self):
        from tracefunc import tracefunc

        trace = tracefunc(self.run, 1)

        def render(size):
            for _ in range(size):
                repr(trace)

        return render

    def paid(self, tracer):
        trace_it = tracer.traced(self.run, self.target, 1)

        def again(size):
            for _ in range(size):
                trace_it(1)

        return again


class ColdTrace(Price):
    """Tracing functions that were defined just now; the yardstick is to define and call them."""

    def untraced(self):
        def define_and_call(size):
            for _ in range(size):
                self.run()(1)

        return define_and_call

    def paid(self, tracer):
        def define_and_trace(size):
            for _ in range(size):
                function = self.run()
                tracer.traced(function, function, 1)(1)

        return define_and_trace


def start_and_import(size, statement="pass"):
    """Start interpreters that execute one statement, without what other packages add to each start."""
    script = f"import sys; sys.path.append({sysconfig.get_path('purelib')!r}); {statement}"
    for _ in range(size):
        subprocess.run([sys.executable, "-S", "-c", script], check=True, stdin=subprocess.DEVNULL, env=os.environ)


class Import(Price):
    """Starting an interpreter that imports the tracer; the yardstick is to start one that does not."""

    clock = staticmethod(children_time)

    def paid(self, tracer):
        return lambda size: self.run(size, tracer.importing)


# What the groups of prices are divided by.
YARDSTICKS = {
    "a small trace again": "printing that trace into a string",
    "a first small trace": "defining and calling the function",
    "import": "starting an interpreter",
}

WORKLOADS = [
    *(
        Workload("programs", run, size)
        for run, size in [
            (algorithms.nbody, 6_500),
            (algorithms.spectral_norm, 8_000),
            (algorithms.relaxation, 2_500),
            (algorithms.elimination, 1_500),
            (algorithms.fourier, 1_500),
            (algorithms.monte_carlo, 100_000),
            (algorithms.mandelbrot, 20_000),
            (algorithms.chaos_game, 150_000),
            (algorithms.pancakes, 30_000),
            (algorithms.queens, 85_000),
            (algorithms.latin_squares, 550),
            (algorithms.flood_fill, 950),
            (algorithms.scheduler, 200_000),
            (algorithms.constraints, 6_500),
            (algorithms.float_points, 40_000),
            (algorithms.raytrace, 50_000),
            (algorithms.huffman, 100_000),
            (algorithms.tokens, 5_000),
            (algorithms.edit_distance, 3_000),
            (algorithms.cipher, 3_500),
        ]
    ),
    *(
        Workload("loops", run, size)
        for run, size in [
            (shapes.one_statement, 1_500_000),
            (shapes.many_statements, 300_000),
            (shapes.nested_loops, 2_500),
            (shapes.branches, 450_000),
            (shapes.exceptions, 400_000),
            (shapes.comprehensions, 6_000),
            (shapes.while_loop, 650_000),
            (shapes.nested_while, 400_000),
            (matching.match_statement, 300_000),
            (shapes.string_building, 300_000),
        ]
    ),
    Workload("loops", shapes.run_generator, 600_000, shapes.generator),
    Workload("calls", shapes.call_leaf, 1_000_000, shapes.leaf),
    Workload("calls", shapes.methods, 350_000, shapes.Account.book),
    Workload("recursion", shapes.wide_recursion, 500_000),
    Workload("recursion", shapes.deep_recursion, 30_000, shapes.descend),
    Workload("big values", shapes.big_values, 300_000, shapes.hot_line),
    Workload("big values", shapes.big_array, 1_000_000, shapes.hot_array),
    Workload("the same, small", shapes.small_values, 300_000, shapes.hot_line),
    Workload("the same, small", shapes.small_array, 1_000_000, shapes.hot_array),
    LongFunction("5,000 lines", generated.long_function, 150),
    Workload("outside the target", shapes.outside, 900_000, shapes.thin),
    WarmTrace("a small trace again", shapes.small, 100),
    ColdTrace("a first small trace", generated.new_function, 20),
    Import("import", start_and_import, 3),
]


def fresh(name):
    """Return a workload whose functions nobody has touched: tracers may change them."""
    for module in ("algorithms", "generated", "matching", "shapes", "workloads"):
        sys.modules.pop(module, None)
    return next(workload for workload in importlib.import_module("workloads").WORKLOADS if workload.name == name)
