"""Other users of sys.monitoring, and short ways to look at a trace: for tests of the interpreter's habits."""

import os
import subprocess
import sys
import textwrap

MONITORING = sys.monitoring
EVENTS = MONITORING.events
DISABLE = MONITORING.DISABLE
UNWIND_IS_LOCAL = sys.version_info >= (3, 15)
# Closing or dropping a suspended generator is not reported.
SILENT_CLOSE = (3, 13) <= sys.version_info < (3, 13, 10)


def hits(trace):
    """{line: hits} of one entry, or of the only one of a list."""
    if isinstance(trace, list):
        (trace,) = trace
    return {line: count for line, (count, _) in trace[1].items()}


def texts(results, line, name):
    """The texts of the samples of a name in the only recorded call."""
    ((_, trace),) = results
    return [text for _, text in trace[line][1][name]]


def our_ids():
    return [i for i in range(6) if MONITORING.get_tool(i) == "tracefunc"]


class Tool:
    """Another monitoring tool that takes an id and gives it back clean."""

    def __init__(self, tool=1, name="another tool"):
        self.tool, self.name = tool, name
        self.codes = {}
        self.registered = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        MONITORING.use_tool_id(self.tool, self.name)

    def on(self, event, callback):
        self.registered.append(event)
        MONITORING.register_callback(self.tool, event, callback)

    def stop(self):
        MONITORING.set_events(self.tool, 0)
        for code in self.codes.values():
            MONITORING.set_local_events(self.tool, code, 0)
        for event in self.registered:
            MONITORING.register_callback(self.tool, event, None)
        MONITORING.free_tool_id(self.tool)


class CoverageLike(Tool):
    """Sees each line once, as coverage.py does: LINE is armed where code starts, and each answer is DISABLE."""

    def start(self):
        super().start()
        self.lines = set()
        self.on(EVENTS.PY_START, self.on_start)
        self.on(EVENTS.LINE, self.on_line)
        MONITORING.set_events(self.tool, EVENTS.PY_START)
        MONITORING.restart_events()

    def on_start(self, code, offset):
        if id(code) not in self.codes:
            self.codes[id(code)] = code
            MONITORING.set_local_events(self.tool, code, EVENTS.LINE)
        return DISABLE

    def on_line(self, code, line):
        self.lines.add((code.co_filename, line))
        return DISABLE


class GlobalLines(CoverageLike):
    """The same with LINE events of all code, that which runs already included."""

    def start(self):
        Tool.start(self)
        self.lines = set()
        self.on(EVENTS.LINE, self.on_line)
        MONITORING.set_events(self.tool, EVENTS.LINE)


def run_python(source, *options, cwd, **environment):
    """Run a script of its own in a fresh interpreter, warnings as errors; returns its output."""
    script = cwd / "script.py"
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", *options, str(script)],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout
