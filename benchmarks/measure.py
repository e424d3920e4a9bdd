"""Paired measurements of one tracer, in a process of its own."""

import importlib.metadata
import multiprocessing
import traceback

from tracers import TRACERS, Unavailable
from workloads import fresh

FEWEST, MOST = 2, 8  # rounds


class Failed(Exception):
    """The other process could not do what was asked, for a reason."""


class Pair:
    """A workload untraced and traced, in rounds that run both right after one another, in changing order."""

    def __init__(self, tracer, name, budget):
        """`budget`: seconds of CPU time for all rounds, which decide on the size where the tracer is slow."""
        self.workload = fresh(name)
        self.untraced = self.workload.untraced()
        self.traced = fresh(name).traced(tracer)
        self.turn = 0
        self.size = 1
        self.round()  # what is made only once is made here
        taken = self.grow(budget / FEWEST)
        self.rounds = max(FEWEST, min(MOST, int(budget / taken)))

    def grow(self, seconds):
        """Double the size as long as a round takes no longer than that; that warms up, too."""
        while True:
            taken = sum(self.round())
            if self.size == self.workload.size or 2 * taken > seconds:
                return taken
            self.size = min(self.workload.size, 2 * self.size)

    def taken(self, function, size):
        """Seconds of CPU time of one call."""
        start = self.workload.clock()
        function(size)
        return self.workload.clock() - start

    def round(self):
        """Return the seconds untraced and traced of one round."""
        self.turn += 1
        if self.turn % 2:
            untraced, traced = self.taken(self.untraced, self.size), self.taken(self.traced, self.size)
        else:
            traced, untraced = self.taken(self.traced, self.size), self.taken(self.untraced, self.size)
        return untraced, traced


def _serve(connection, name):
    """Answer requests until there are no more: what the other process executes."""
    tracer = pair = None
    while True:
        try:
            request, *details = connection.recv()
        except EOFError:
            return
        answer = error = None
        try:
            if request == "load":
                tracer = TRACERS[name]()
                answer = importlib.metadata.version(tracer.distribution) if tracer.distribution else ""
            elif request == "prepare":
                pair = Pair(tracer, *details)
                answer = pair.size, pair.rounds
            else:
                answer = pair.round()
        except Unavailable as reason:
            error = str(reason)
        except BaseException as reason:
            error = traceback.format_exception_only(reason)[-1].strip()
        connection.send((answer, error))


class Worker:
    """The process in which one tracer is measured; a new one where the last one had to be killed."""

    def __init__(self, name):
        self.name = name
        self.process = None
        self.version = None

    def load(self):
        """Have a process that has loaded the tool, and return the tool's version."""
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.connection, theirs = context.Pipe()
            self.process = context.Process(target=_serve, args=(theirs, self.name), daemon=True)
            self.process.start()
            theirs.close()
        if self.version is None:
            self.version = self.ask(240, "load")
        return self.version

    def ask(self, patience, *request):
        """Send a request and return its answer; Failed where there is none within `patience` seconds."""
        try:
            self.connection.send(request)
            if not self.connection.poll(patience):
                raise Failed(f"not finished within {patience:.0f} s")
            answer, error = self.connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode
            self.stop()
            raise Failed(f"the process died, with exit code {code}") from None
        except Failed:
            self.stop()
            raise
        if error is not None:
            raise Failed(error)
        return answer

    def stop(self):
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = self.version = None
