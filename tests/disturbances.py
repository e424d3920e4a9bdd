"""What may happen beside a generated program, at a moment that is chosen by chance: a trace has to stay right.

A disturbance counts the *ticks* of a run, which are the calls of the program's helpers: the same ones in each run of the
same program. At one of them it acts. It is made anew for each run, from the same `Plan`.
"""

import contextlib
import cProfile
import functools
import random
import signal
import sys
import threading
import types
from collections import Counter
from dataclasses import dataclass

from programs import Boom, Quit, load, resolve

MONITORING = sys.monitoring
EVENTS = MONITORING.events
KINDS = ("tool", "exception", "repr", "signal", "thread")
TICKING = ("note", "more", "go", "risky", "total", "fallible", "deco", "apply", "items", "many")
RAISED = (Boom, Quit, StopIteration, GeneratorExit, RecursionError, MemoryError, KeyError, StopAsyncIteration)


@dataclass(frozen=True)
class Plan:
    """What happens, where `chance` decides the rest: at tick `first`, and to be undone at tick `last`."""

    kind: str
    first: int
    last: int
    chance: int

    def __str__(self):
        return f"{self.kind} from tick {self.first} to {self.last} (chance {self.chance})"


def plan(rnd, kind, ticks):
    """A plan for a run of so many ticks."""
    first = rnd.randrange(max(1, ticks))
    return Plan(kind, first, rnd.randint(first + 1, max(first + 1, 2 * ticks)), rnd.randrange(1 << 30))


class Disturbance:
    """Nothing but ticks; what a plan says is in the classes below."""

    def __init__(self, plan=None):
        self.plan = plan
        self.ticks = 0
        self.going = self.under_way = False
        self.rnd = random.Random(plan.chance if plan else 0)

    def change(self, space):
        """Put ticks into the namespace that a program is about to be executed in."""
        self.space = space
        for name in TICKING:
            space[name] = self.ticking(space[name])

    def ticking(self, helper):
        @functools.wraps(helper)
        def wrapper(*args, **kwargs):
            if self.going and threading.current_thread() is self.thread:
                self.tick()
            return helper(*args, **kwargs)

        del wrapper.__wrapped__
        return wrapper

    def tick(self):
        now, self.ticks = self.ticks, self.ticks + 1
        if self.plan is not None and now == self.plan.first:
            self.under_way = True
            self.begin()
        elif self.under_way and now == self.plan.last:
            self.under_way = False
            self.end()

    @contextlib.contextmanager
    def around(self, prog, call):
        """The run itself."""
        self.prog, self.call, self.thread, self.going = prog, call, threading.current_thread(), True
        try:
            yield
        finally:
            self.going = False
            if self.under_way:
                self.under_way = False
                self.end()

    def begin(self):
        pass

    def end(self):
        pass

    def seen(self):
        """What it has seen of the program, which a trace must not change."""
        return {}


class Raising(Disturbance):
    def begin(self):
        raise self.rnd.choice(RAISED)("at a tick")


class Misbehaving(Disturbance):
    """The program's `Obj` has a `repr` that fails, lies, is long, or runs code of the program."""

    def change(self, space):
        super().change(space)
        lines = "x" * 3000

        def fails(obj):
            raise Boom(obj.v)

        def exhausts(obj):
            return exhausts(obj)

        def sets_a_trace(obj):
            sys.settrace(None)
            return f"Obj({obj.v!r})"

        ways = (
            fails,
            exhausts,
            sets_a_trace,
            lambda obj: 3,
            lambda obj: lines,
            lambda obj: "two\nlines \ud800 \x1b[0m",
            lambda obj: type("Text", (str,), {"__str__": fails, "__len__": fails, "__getitem__": fails})("derived"),
            lambda obj: str([x for x in (1, 2, 3) if x]),
            lambda obj: str(space["K"].A + next(space["items"](2))),
        )
        space["Obj"].__repr__ = self.rnd.choice(ways)


class Signalled(Disturbance):
    """A timer interrupts the program again and again; the handler runs code of its own."""

    def begin(self):
        self.handled = []
        self.before = signal.signal(signal.SIGVTALRM, self.handle)
        signal.setitimer(signal.ITIMER_VIRTUAL, 1e-5, self.rnd.choice((1e-5, 1e-4)))

    def handle(self, signum, frame):
        self.handled.append([x for x in range(3)])
        with contextlib.suppress(Boom):
            raise Boom("handled")

    def end(self):
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, self.before)


class Beside(Disturbance):
    """Another thread runs the same source, as code of its own."""

    def begin(self):
        self.interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        self.going_on = True
        self.other = threading.Thread(target=self.run, daemon=True)
        self.other.start()

    def run(self):
        with contextlib.suppress(BaseException):
            while self.going_on:
                space = load(self.prog.source, self.prog.name, lambda space: space.update(print=lambda *args: None))
                with contextlib.suppress(BaseException):
                    resolve(space, self.call.fn)(*[list(a) if isinstance(a, list) else a for a in self.call.args])

    def end(self):
        self.going_on = False
        self.other.join()
        sys.setswitchinterval(self.interval)


class Tooled(Disturbance):
    """Another tool starts and stops during the run; it counts what it sees of the program."""

    def change(self, space):
        super().change(space)
        self.counts = Counter()

    def begin(self):
        self.tool = self.rnd.choice((Settrace, Setprofile, Profile, Monitoring))(self)
        self.tool.start()

    def end(self):
        self.tool.stop()

    def of_program(self, code):
        return code.co_filename == self.prog.name

    def seen(self):
        return self.counts


class Settrace:
    def __init__(self, disturbance):
        self.disturbance = disturbance
        self.opcodes = disturbance.rnd.random() < 0.3

    def follow(self, frame, event, arg):
        if not self.disturbance.of_program(frame.f_code):
            return None
        if self.opcodes:
            frame.f_trace_opcodes = True
        if event != "opcode":  # when 3.12 begins with these depends on what else is armed
            self.disturbance.counts[frame.f_code.co_name, event, frame.f_lineno] += 1
        return self.follow

    def start(self):
        self.before = sys.gettrace()
        sys.settrace(self.follow)
        frame = sys._getframe(1)
        if self.disturbance.rnd.random() < 0.5:  # as a debugger does: also in the frames that run
            while frame is not None:
                if self.disturbance.of_program(frame.f_code):
                    frame.f_trace = self.follow
                frame = frame.f_back

    def stop(self):
        sys.settrace(self.before)
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_trace == self.follow:
                frame.f_trace = None
            frame = frame.f_back


class Setprofile:
    def __init__(self, disturbance):
        self.disturbance = disturbance

    def follow(self, frame, event, arg):
        if self.disturbance.of_program(frame.f_code) and not event.startswith("c_"):
            self.disturbance.counts[frame.f_code.co_name, event] += 1

    def start(self):
        self.before = sys.getprofile()
        sys.setprofile(self.follow)

    def stop(self):
        sys.setprofile(self.before)


class Profile:
    def __init__(self, disturbance):
        self.profile = cProfile.Profile()

    def start(self):
        self.profile.enable()

    def stop(self):
        self.profile.disable()


class Monitoring:
    """A tool of `sys.monitoring`: some events, everywhere or for the target, each wanted again or once."""

    LOCAL = ("PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD", "CALL", "LINE", "INSTRUCTION", "JUMP")

    def __init__(self, disturbance):
        self.disturbance, rnd = disturbance, disturbance.rnd
        self.tool = rnd.choice((0, 1, 2, 5))
        self.events = [getattr(EVENTS, name) for name in rnd.sample(self.LOCAL, rnd.randint(1, 3))]
        self.once = rnd.random() < 0.4
        self.everywhere = rnd.random() < 0.5

    def on_event(self, event, code, *args):
        if self.disturbance.of_program(code):
            # How often an event that is wanted once is seen, and when frames that run already are seen, depends on what
            # else is armed.
            if not self.once and not self.everywhere:
                self.disturbance.counts[code.co_name, event, *[a for a in args if type(a) is int]] += 1
            return MONITORING.DISABLE if self.once else None
        return None

    def codes(self):
        target = resolve(self.disturbance.space, self.disturbance.call.target or self.disturbance.call.fn)
        code = getattr(target, "__code__", None)
        return [code] if isinstance(code, types.CodeType) else []

    def start(self):
        MONITORING.use_tool_id(self.tool, "disturbance")
        for event in self.events:
            MONITORING.register_callback(self.tool, event, functools.partial(self.on_event, event))
        if self.everywhere:
            MONITORING.set_events(self.tool, sum(self.events))
        self.armed = [] if self.everywhere else self.codes()
        for code in self.armed:
            MONITORING.set_local_events(self.tool, code, sum(self.events))

    def stop(self):
        MONITORING.set_events(self.tool, 0)
        for code in self.armed:
            MONITORING.set_local_events(self.tool, code, 0)
        for event in self.events:
            MONITORING.register_callback(self.tool, event, None)
        MONITORING.free_tool_id(self.tool)


CLASSES = {"tool": Tooled, "exception": Raising, "repr": Misbehaving, "signal": Signalled, "thread": Beside}


def made(plan):
    """A new disturbance for one run; without a plan, one that only counts ticks."""
    return Disturbance() if plan is None else CLASSES[plan.kind](plan)
