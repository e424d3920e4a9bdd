"""What rewritten code calls: it counts, describes values at once, and knows which call a frame belongs to."""

import ast
import builtins
import inspect
import itertools
import sys
import threading
import types

from .facts import CallFacts, LineFacts, error_text

MAX_CALLS = 10
MAX_SAMPLES = 10
MISSING = ("NameError", "<unavailable>")


class Never(Exception):
    """An exception that is never raised."""


def cut(text):
    return text if len(text) <= 50 else text[:47] + "..."


def describe(value):
    """(type name, text) of a value, by the plain definition."""
    try:
        text = str.__str__(repr(value))  # a plain one, whatever the methods of a subclass do
    except Exception as e:
        text = f"<repr-error {type(e).__name__}: {e}>"
    return type(value).__name__, cut(text)


class Stopped:
    """In the place of a value: the StopIteration that there is instead."""

    __slots__ = ("error",)

    def __init__(self, error):
        self.error = error


class Line:
    """Of one line in a call the hits, the samples, which hits a 3.13.0 may lack, and when samples were taken."""

    __slots__ = ("facts", "gone", "hits", "names")

    def __init__(self, names):
        self.hits = 0
        self.names = {n: [] for n in names}
        self.gone = []
        self.facts = LineFacts()


class Call:
    """One recorded call of the target."""

    def __init__(self, number, lines, began):
        self.number = number
        self.lines = [Line(line.names) for line in lines]
        self.facts = CallFacts(began)


class Local(threading.local):
    """The rewritten frames that run in a thread, outermost first, and whether a repr runs."""

    def __init__(self):
        self.stack = []
        self.quiet = False


def within_groups(lines):
    """The lines in the handlers of `except*`: which exception ends them there, the interpreter shows nobody."""
    handlers = [h for line in lines if isinstance(line.node, ast.TryStar) for h in line.node.handlers]

    def place(node):
        at = node.pattern if isinstance(node, ast.match_case) else node
        return at.lineno, at.col_offset

    ends = [(place(handler), (handler.end_lineno, handler.end_col_offset)) for handler in handlers]
    return {line.index for line in lines if any(start <= place(line.node) < end for start, end in ends)}


class Reporter:
    """One run: rewritten code holds it as a constant."""

    def __init__(self, lines):
        self.lines = lines
        self.calls = []
        self.running = []
        self.local = Local()
        self.active = True
        self.moments = itertools.count()
        self.splitting = within_groups(lines)

    def enter(self, is_target):
        """A rewritten frame takes its first step."""
        frame = Frame(self)
        if self.active and not self.local.quiet:
            if is_target:
                if len(self.calls) < MAX_CALLS:
                    frame.call = Call(len(self.calls), self.lines, next(self.moments))
                    self.place(frame.call)
                    self.calls.append(frame.call)
                    self.running.append(frame.call)
                    frame.owner = True
            elif self.local.stack:
                frame.call = self.local.stack[-1].call
            elif self.running:
                frame.call = self.running[-1]
        frame.wake()
        return frame

    def place(self, call):
        """Note which recorded call a call begins in, and the line there that is under way, in nested code maybe."""
        stack = self.local.stack
        parent = next((frame.call for frame in reversed(stack) if frame.owner), None)
        if parent is None:
            return
        call.facts.parent = parent.number
        inner = next(frame for frame in reversed(stack) if frame.call is parent)
        if inner.under:
            index = inner.under[-1]
            hits = parent.lines[index].hits
            call.facts.parent_line = index, hits if hits < MAX_SAMPLES else None


class Frame:
    """The state of one rewritten frame."""

    def __init__(self, reporter):
        self.reporter = reporter
        self.call = None
        self.owner = False
        self.awake = False
        self.values = []
        self.flags = {}
        self.open = set()
        self.under = []  # the lines under way, the innermost last
        self.left = False  # closed or dropped where it was suspended
        self.helpers = {}
        self.value = None

    # -- who runs
    def wake(self, value=None):
        if not self.awake:
            self.awake = True
            self.reporter.local.stack.append(self)
        return value

    def sleep(self, value=None):
        if self.awake:
            self.awake = False
            stack = self.reporter.local.stack
            for at in range(len(stack) - 1, -1, -1):
                if stack[at] is self:
                    del stack[at]
                    break
        return value

    def rest(self):
        """The value kept last, on the way out of a generator."""
        return self.sleep(self.values.pop())

    def leave(self):
        left = self.left or self.is_left()
        self.sleep()
        if self.owner:
            self.reporter.running.remove(self.call)
            if self.reporter.active:
                self.call.facts.ended, self.call.facts.left = next(self.reporter.moments), left
        self.helpers.clear()
        self.flags.clear()

    # -- values on their way, which must not become names of the program
    def keep(self, value):
        self.values.append(value)

    def take(self):
        return self.values.pop()

    def flag(self, key, value):
        self.flags[key] = value

    def release(self):
        value, self.value = self.value, None
        return value

    # -- lines
    def begin(self, index):
        """A line begins whose own part can be over long before what it stands around."""
        self.open.add(index)
        self.start(index)

    def start(self, index):
        """A line is under way."""
        self.over(index)
        self.under.append(index)

    def over(self, index):
        """And is no more, nor is what was left by an exception within it."""
        if index in self.under:
            while self.under.pop() != index:
                pass

    def hit(self, index):
        """Count; whether to sample."""
        self.over(index)
        return self.element(index)

    def element(self, index):
        """The same for a line that stays under way."""
        self.wake()
        self.open.discard(index)
        reporter = self.reporter
        if self.call is None or not reporter.active or reporter.local.quiet:
            return False
        line = self.call.lines[index]
        line.hits += 1
        if line.hits > MAX_SAMPLES:
            return False
        line.facts.moments.append(next(reporter.moments))
        return True

    def is_left(self):
        """Whether a generator is closed or dropped where it is suspended."""
        return not self.awake and isinstance(sys.exception(), GeneratorExit)

    def failed(self, index):
        """The same as a hit, for a line that an exception ended."""
        left = self.is_left()
        self.left = self.left or left
        if left and self.call is not None:
            self.call.facts.left = True
        sampling = self.hit(index)
        if self.call is not None:
            line = self.call.lines[index]
            if left:
                line.gone.append(line.hits - 1)
            if sampling:
                error = sys.exception()
                known = index not in self.reporter.splitting
                line.facts.raised[line.hits - 1] = (type(error).__name__, error_text(error)) if known else None
        return sampling

    def fail(self, index):
        """The same, unless the line's own part was over."""
        if index in self.open:
            return self.failed(index)
        self.wake()
        return False

    def put(self, index, name, value):
        local = self.reporter.local
        local.quiet = True
        try:
            text = describe(value)
        finally:
            local.quiet = False
        self.call.lines[index].names[name].append(text)

    def miss(self, index, name):
        self.call.lines[index].names[name].append(MISSING)

    # -- pieces of the program
    def store(self, index):
        """Decorator: keeps what was moved out of an expression."""

        def keep(function):
            self.helpers[index] = function

        return keep

    def lambda_(self, index, defaults, kwdefaults):
        made = self.helpers[index]
        function = types.FunctionType(made.__code__, made.__globals__, None, defaults, made.__closure__)
        function.__kwdefaults__ = kwdefaults
        function.__module__ = made.__module__
        return function

    def iter(self, value):
        return builtins.iter(value)

    def set(self):
        return set()

    def item(self, into):
        key, value = self.values.pop()
        into[key] = value

    def extend(self, into):
        if isinstance(into, list):
            into.extend([*self.values.pop()])
        else:
            into.update({*self.values.pop()})

    def update(self, into):
        into.update({**self.values.pop()})

    def aiter(self, value):
        """`type(value).__aiter__(value)`, with the errors of `async for`."""
        kind = type(value)
        if not hasattr(kind, "__aiter__"):
            raise TypeError(f"'async for' requires an object with __aiter__ method, got {kind.__name__}")
        it = kind.__aiter__(value)
        if not hasattr(type(it), "__anext__"):
            text = "'async for' received an object from __aiter__ that does not implement __anext__: "
            raise TypeError(text + type(it).__name__)
        return it

    def steps(self, it):
        return AsyncAdvance(self, None, it)

    def aloop(self, index, value):
        return AsyncAdvance(self, index, self.aiter(value))

    def manager(self, value):
        kind = type(value)
        if not (hasattr(kind, "__aenter__") and hasattr(kind, "__aexit__")):
            return value
        return AsyncManager(self, value)

    def awaiting(self, value):
        return Awaiting(self, value)

    def delegate(self, value):
        return delegate(self, builtins.iter(value))

    def loop(self, index, value):
        return Advance(self, index, builtins.iter(value))

    def matches(self, types_):
        """Whether the exception being handled is caught by `except types_`."""
        self.wake()
        for one in types_ if isinstance(types_, tuple) else (types_,):
            if not (isinstance(one, type) and issubclass(one, BaseException)):
                raise TypeError("catching classes that do not inherit from BaseException is not allowed")
        mro = type(sys.exception()).__mro__
        return any(one in mro for one in (types_ if isinstance(types_, tuple) else (types_,)))

    def unbound(self, names):
        """In a comprehension moved into a function: a name of the function around it is its own local."""
        e = sys.exception()
        if type(e) is NameError and e.name in names and e.__traceback__.tb_next is None:
            if (
                str(e)
                != f"cannot access free variable '{e.name}' where it is not associated with a value in enclosing scope"
            ):
                return
            new = UnboundLocalError(f"cannot access local variable '{e.name}' where it is not associated with a value")
            new.name = e.name
            try:
                raise new
            except UnboundLocalError:
                new.__context__ = e.__context__
                raise

    def stopped(self):
        """What a comprehension moved into a coroutine returns when a StopIteration has ended it."""
        return Stopped(sys.exception())

    def passed(self, value):
        """What such a comprehension gives, or raises."""
        if type(value) is not Stopped:
            return value
        try:
            raise value.error
        finally:
            del value

    def exception(self):
        return sys.exception()

    def header(self, index, before):
        """An `except*` header begins; the one before it, when its body did not run, ends."""
        self.wake()
        if before in self.open:
            self.helpers[before]()
        if index is not None:
            self.begin(index)

    def star(self, begun, types_):
        return Never if types_ is None and begun is Never else types_

    def last(self, before):
        self.header(None, before)
        return Never


class Advance:
    """The iterator of a `for` statement: says when it is advanced."""

    __slots__ = ("frame", "index", "it")

    def __init__(self, frame, index, it):
        self.frame, self.index, self.it = frame, index, it

    def __iter__(self):
        return self

    def __next__(self):
        self.frame.begin(self.index)
        return next(self.it)


class AsyncAdvance:
    """The same for `async for`, which awaits; `index` is None in a comprehension."""

    def __init__(self, frame, index, it):
        self.frame, self.index, self.it = frame, index, it

    def __aiter__(self):
        return self

    def __anext__(self):
        if self.index is not None:
            self.frame.begin(self.index)
        return Awaiting(self.frame, type(self.it).__anext__(self.it))


class AsyncManager:
    """What `async with` enters and leaves."""

    def __init__(self, frame, value):
        self.frame, self.value = frame, value

    def __aenter__(self):
        return Awaiting(self.frame, type(self.value).__aenter__(self.value))

    def __aexit__(self, *exc):
        return Awaiting(self.frame, type(self.value).__aexit__(self.value, *exc))


async def native(value):
    return await value


class Awaiting:
    """What `await` steps through."""

    def __init__(self, frame, value):
        self.frame, self.value = frame, value

    def __await__(self):
        value, self.value = self.value, None
        kind = type(value)
        if isinstance(value, types.GeneratorType) and value.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE:
            return delegate(self.frame, value)
        if hasattr(kind, "__await__"):
            return delegate(self.frame, kind.__await__(value))
        return native(value).__await__()  # raises what `await` says


def delegate(frame, it):
    """What `yield from` steps through: the frame is awake during each step.

    It is a generator, so that it stands on the stack above that frame also where something is thrown in. A method would
    stand above the thrower's: a traceback leads to the frames below those that are in it, and the thrower's may hold
    the generator that is to die. What is passed on is kept in no variable, for the same reason.
    """
    passing = []
    try:
        frame.wake()
        passing.append(next(it))
        while True:
            frame.sleep()
            try:
                passing.append((yield passing.pop()))
            except BaseException as error:
                passing.append(error.with_traceback(error.__traceback__.tb_next))  # without its entry here
                step = None if isinstance(error, GeneratorExit) else getattr(it, "throw", None)
                closes = isinstance(error, GeneratorExit)
            else:
                step, closes = it.send if passing[0] is not None else next, False
            frame.wake()
            if closes:
                getattr(it, "close", bool)()
                frame.sleep()  # it may be gone already; if not, it wakes where it goes on
            if step is None:
                raise passing.pop()
            if step is next:
                passing[0] = it
            passing.append(step(passing.pop()))
    except StopIteration as end:
        return end.value
