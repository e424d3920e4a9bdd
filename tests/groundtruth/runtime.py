"""What rewritten code calls: it counts, describes values at once, and knows which call a frame belongs to."""

import builtins
import inspect
import sys
import threading
import types

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


class Call:
    """One recorded call of the target: per line the hits, the samples and which hits a 3.13.0 may lack."""

    def __init__(self, lines):
        self.lines = [[0, {n: [] for n in line.names}, []] for line in lines]


class Local(threading.local):
    """The rewritten frames that run in a thread, outermost first, and whether a repr runs."""

    def __init__(self):
        self.stack = []
        self.quiet = False


class Reporter:
    """One run: rewritten code holds it as a constant."""

    def __init__(self, lines):
        self.lines = lines
        self.calls = []
        self.running = []
        self.local = Local()
        self.active = True

    def enter(self, is_target):
        """A rewritten frame takes its first step."""
        frame = Frame(self)
        if self.active and not self.local.quiet:
            if is_target:
                if len(self.calls) < MAX_CALLS:
                    frame.call = Call(self.lines)
                    self.calls.append(frame.call)
                    self.running.append(frame.call)
                    frame.owner = True
            elif self.local.stack:
                frame.call = self.local.stack[-1].call
            elif self.running:
                frame.call = self.running[-1]
        frame.wake()
        return frame


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
        self.sleep()
        if self.owner:
            self.reporter.running.remove(self.call)
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
        self.open.add(index)

    def hit(self, index):
        """Count; whether to sample."""
        self.wake()
        self.open.discard(index)
        reporter = self.reporter
        if self.call is None or not reporter.active or reporter.local.quiet:
            return False
        entry = self.call.lines[index]
        entry[0] += 1
        return entry[0] <= MAX_SAMPLES

    def failed(self, index):
        """The same for a line that an exception ended."""
        left = not self.awake and isinstance(sys.exception(), GeneratorExit)
        sampling = self.hit(index)
        if left and self.call is not None:
            self.call.lines[index][2].append(self.call.lines[index][0] - 1)
        return sampling

    def fail(self, index):
        """The same, unless the line's own part was over."""
        self.wake()
        return index in self.open and self.failed(index)

    def put(self, index, name, value):
        local = self.reporter.local
        local.quiet = True
        try:
            text = describe(value)
        finally:
            local.quiet = False
        self.call.lines[index][1][name].append(text)

    def miss(self, index, name):
        self.call.lines[index][1][name].append(MISSING)

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
        return Delegate(self, builtins.iter(value))

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

    def exception(self):
        return sys.exception()

    def header(self, index, before):
        """An `except*` header begins; the one before it, when its body did not run, ends."""
        self.wake()
        if before in self.open:
            self.helpers[before]()
        if index is not None:
            self.open.add(index)

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
        self.frame.open.add(self.index)
        return next(self.it)


class AsyncAdvance:
    """The same for `async for`, which awaits; `index` is None in a comprehension."""

    def __init__(self, frame, index, it):
        self.frame, self.index, self.it = frame, index, it

    def __aiter__(self):
        return self

    def __anext__(self):
        if self.index is not None:
            self.frame.open.add(self.index)
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
            return Delegate(self.frame, value)
        if hasattr(kind, "__await__"):
            return Delegate(self.frame, kind.__await__(value))
        return native(value).__await__()  # raises what `await` says


class Delegate:
    """What `yield from` steps through: the frame is awake during each step.

    An exception thrown in here must not be found in a frame of its own traceback: that would keep its frames alive.
    """

    def __init__(self, frame, it):
        self.frame, self.it = frame, it

    def __iter__(self):
        return self

    def step(self, function, *args):
        self.frame.wake()
        try:
            value = function(*args)
        finally:
            del args
        self.frame.sleep()
        return value

    def __next__(self):
        return self.step(next, self.it)

    def send(self, value):
        return self.step(self.it.send, value)

    def throw(self, *exc):
        self.frame.wake()
        throw = getattr(self.it, "throw", None)
        try:
            if throw is None:
                raise exc[0]
            return self.step(throw, *exc)
        finally:
            del exc

    def close(self):
        self.frame.wake()
        close = getattr(self.it, "close", None)
        if close is not None:
            close()
