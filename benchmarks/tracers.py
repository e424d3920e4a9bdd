"""How each tracer is run: one small class for each, all of the same shape.

A class imports its tool when an instance is made, in a process of its own; whatever that raises is reported as
the reason why there are no figures. `traced(run, target, size)` returns a function of the size that calls `run`
with `target` being traced; `size` is the largest that will be asked for. What is printed goes to the null device.
`importing` is the statement that loads the tool, None where there is no tool.
"""

import operator
import os
import sys

monitoring = sys.monitoring
INSTRUCTION = monitoring.events.INSTRUCTION


class Unavailable(Exception):
    """There is nothing to measure, for a reason."""


def rebind(run, target, new):
    """Put `new` where `target` is found, in its module or class; return what `run` is then."""
    *path, name = target.__qualname__.split(".")
    owner = target.__globals__
    if path:
        owner = owner[path[0]]
        for part in path[1:]:
            owner = getattr(owner, part)
        setattr(owner, name, new)
    else:
        owner[name] = new
    return new if run is target else run


# --- the floor: what the interpreter takes for delivering events to a function written in C


class NullCallback:
    """Events of the target's code objects, answered by a builtin function that only compares its arguments."""

    distribution = None
    importing = None
    # Two arguments, no work, and any answer other than DISABLE means "go on".
    answer = staticmethod(operator.is_)
    tool_id = 3

    def __init__(self):
        from tracefunc._plan.target_plan import plan

        self.plan = plan
        monitoring.use_tool_id(self.tool_id, "null callback")

    def listen(self, callback):
        monitoring.register_callback(self.tool_id, INSTRUCTION, callback)

    def arm(self, target):
        """Arm the code objects that tracefunc would arm, and return their plans."""
        codes = self.plan(target).codes
        for planned in codes:
            monitoring.set_local_events(self.tool_id, planned.code, INSTRUCTION)
        return codes


class EveryInstruction(NullCallback):
    """An event at each instruction of the target."""

    name = "null callback, every instruction"

    def traced(self, run, target, size):
        self.arm(target)
        self.listen(self.answer)
        return run


class MeasuredPoints(NullCallback):
    """An event at each point whose count tracefunc cannot derive from others; the other offsets are silenced."""

    name = "null callback, measured points"

    def traced(self, run, target, size):
        measured = {id(c.code): c.actions.keys() - c.derived_counts.derived for c in self.arm(target)}

        def silence(code, offset):
            return None if offset in measured[id(code)] else monitoring.DISABLE

        self.listen(silence)
        run(1 + size // 10)
        self.listen(self.answer)
        return run


# --- tracefunc


class Tracefunc:
    """The installed tracefunc, with one of its engines."""

    distribution = "tracefunc"
    importing = "import tracefunc"

    def __init__(self):
        os.environ["TRACEFUNC_ENGINE"] = self.engine
        from tracefunc import tracefunc

        self.tracefunc = tracefunc

    def traced(self, run, target, size):
        return lambda size: self.tracefunc(run, size, target_func=target)


class Fast(Tracefunc):
    name = "tracefunc, fast"
    engine = "fast"


class Pure(Tracefunc):
    name = "tracefunc, pure"
    engine = "pure"


class Original:
    """Version 0.0.7, which disassembles a function again at each event."""

    name = "tracefunc 0.0.7"
    distribution = None  # not in this environment, but in a folder
    repair = False

    def __init__(self):
        from test_against_original import folder_with, load_original

        folder = folder_with("original", "tracefunc==0.0.7", "fastcore==2.2.39")
        self.importing = f"import sys; sys.path.insert(0, {str(folder)!r}); import tracefunc"
        self.tracefunc = load_original(folder, self.repair)

    traced = Tracefunc.traced


class RepairedOriginal(Original):
    """Version 0.0.7 as it would be if it disassembled a function once."""

    name = "tracefunc 0.0.7, repaired"
    repair = True


# --- other tools


class Coverage:
    """coverage.py, measuring lines of the target's file."""

    distribution = "coverage"
    importing = "import coverage"

    def __init__(self):
        import coverage

        self.coverage = coverage

    def traced(self, run, target, size):
        measuring = self.coverage.Coverage(
            data_file=None, config_file=False, include=[target.__code__.co_filename], messages=False
        )
        measuring.set_option("run:core", self.core)

        def covered(size):
            measuring.start()
            try:
                run(size)
            finally:
                measuring.stop()

        return covered


class CoverageSysmon(Coverage):
    name = "coverage.py, sysmon core"
    core = "sysmon"


class CoverageCTracer(Coverage):
    name = "coverage.py, C tracer core"
    core = "ctrace"


class LineProfiler:
    """line_profiler, with the core that it chooses itself."""

    name = "line_profiler"
    distribution = "line_profiler"
    importing = "import line_profiler"

    def __init__(self):
        from line_profiler import LineProfiler

        self.profiler = LineProfiler

    def traced(self, run, target, size):
        profiler = self.profiler(target)

        def profiled(size):
            with profiler:
                run(size)

        return profiled


class PySnooper:
    name = "PySnooper"
    distribution = "PySnooper"
    importing = "import pysnooper"

    def __init__(self):
        import pysnooper

        self.decorator = pysnooper.snoop(output=open(os.devnull, "w"), color=False)

    def traced(self, run, target, size):
        return rebind(run, target, self.decorator(target))


class Snoop:
    name = "snoop"
    distribution = "snoop"
    importing = "import snoop"

    def __init__(self):
        import snoop

        self.decorator = snoop.Config(out=open(os.devnull, "w"), color=False).snoop

    def traced(self, run, target, size):
        return rebind(run, target, self.decorator(target))


class BirdsEye:
    """birdseye, with its database in memory, and without looking for a newer version in the network."""

    name = "birdseye"
    distribution = "birdseye"
    importing = "import birdseye.bird"

    def __init__(self):
        os.environ["OUTDATED_IGNORE"] = "1"
        from birdseye.bird import BirdsEye

        self.decorator = BirdsEye("sqlite://")

    def traced(self, run, target, size):
        return rebind(run, target, self.decorator(target))


class Hunter:
    """hunter, printing each line and return of the target."""

    name = "hunter"
    distribution = "hunter"
    importing = "import hunter"

    def __init__(self):
        import hunter

        self.hunter = hunter
        self.null = open(os.devnull, "w")

    def traced(self, run, target, size):
        code = target.__code__

        def hunted(size):
            action = self.hunter.CodePrinter(stream=self.null, force_colors=False)
            with self.hunter.trace(filename=code.co_filename, function=code.co_name, action=action):
                run(size)

        return hunted


TRACERS = {
    tracer.name: tracer
    for tracer in [
        MeasuredPoints,
        EveryInstruction,
        Fast,
        Pure,
        RepairedOriginal,
        Original,
        CoverageSysmon,
        CoverageCTracer,
        LineProfiler,
        Hunter,
        PySnooper,
        Snoop,
        BirdsEye,
    ]
}
