"""Compare the line at which an exception left a call with the tracebacks of untraced runs, on generated programs.

    python -m tests.endings SEED0 COUNT [--show N]

A program has a `target` full of calls of `t`, one of which raises; `main` calls it several times, each time with another
of these calls raising. What `ended_at` has to be is the entry that the target's frame added last to the traceback: its
position, mapped to a line by the ground truth's own reading of the source. TRACEFUNC_ENGINE names the engine.
"""

import argparse
import ast
import random
import sys
import time
from collections import Counter
from pathlib import Path

for folder in (Path(__file__).parent, Path(__file__).parent.parent / "src"):  # also as a script, or with -m
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import fuzz  # noqa: E402
import programs  # noqa: E402
from groundtruth.source import COMPS, Source, lines_of  # noqa: E402

SUPPORT = '''
import contextlib, types
class Bomb(ValueError): pass
class Hidden(ValueError):
    @property
    def __traceback__(self): raise AttributeError("hidden")
    @__traceback__.setter
    def __traceback__(self, value): pass
LEFT = [0, Bomb]
SPENT = [0]
OLD = Bomb("old")
def t(value=1):
    SPENT[0] += 1
    LEFT[0] -= 1
    if LEFT[0] == 0: raise LEFT[1]("t")
    if SPENT[0] > 6000: raise SystemExit("too much")
    return value
def deco(f): t(); return f
def again(e): raise e
def items(n):
    for i in range(n): yield t(i)
@contextlib.contextmanager
def plain(): yield t()
class Swallow:
    def __enter__(self): t(); return self
    def __exit__(self, *exc): t(); return exc[0] is not None and LEFT[0] % 2 == 0
    async def __aenter__(self): t(); await Wait(); return self
    async def __aexit__(self, *exc): t(); await Wait(); return False
class Wait:
    def __await__(self): t(); yield 1; return t()
class Steps:
    def __init__(self, n): self.n = n
    def __aiter__(self): t(); return self
    async def __anext__(self):
        self.n -= 1
        await Wait()
        if self.n < 0: raise StopAsyncIteration
        return t(self.n)
def drive(made, thrown):
    """Run what is suspended to its end, or throw into it."""
    if not hasattr(made, "send") and not hasattr(made, "asend"): return made
    step = made if hasattr(made, "send") else outer(made)
    try:
        for n in range(4000):
            step.throw(LEFT[1]("thrown")) if n == thrown else step.send(None)
    except StopIteration: pass
    step.close()
async def outer(made):
    async for _ in made: pass
def main(fuses):
    """Call the target once for each `(fuse, exception, when to throw)`."""
    for number, (fuse, kind, thrown) in enumerate(fuses, 1):
        LEFT[:] = fuse, kind
        SPENT[0] = 0
        try: drive(target(), thrown)
        except BaseException as e:
            if number == len(fuses) or type(e).__name__ == "TooLong": raise
MODULE_CODE = main.__code__
'''

SIMPLE = [
    "x = t(i)",
    "x = t(); y = t(); t()",
    "x = [t(j) for j in range(3) if t()]",
    "x = sum(t(j) for j in (1, 2))",
    "x = {t(): t() for _ in items(2)}",
    "x = (lambda a=t(): t())()",
    "assert t(), t()",
    "x = t() if t(0) else t()",
    "x = (t()\n+ t()\n+ 1)",
    "x = f'{t()}{t():>3}'",
    "def g(a=t(), *, b: t() = t()): return t()",
    "@deco\ndef g(): return t()",
    "@deco\nclass C(*[object] * t()):\n y = t()\n def m(self): pass",
    "x, (y, z) = t(), (t(), t())",
    "again(OLD) if t(0) else t()",
    "x = max(t(), t(),\n key=lambda v: t(v))",
    "for x in items(2): t()",
    "if t(): x = t()",
]
RAISING = ["raise Bomb(t())", "raise OLD", "raise Bomb('x') from None", "again(OLD)", "return t()", "1 / 0"]
HANDLING = [
    "raise",
    "raise KeyError('k') from e",
    "raise e",
    "raise e from None",
    "raise e.with_traceback(None)",
    "again(e)",
    "t()",
    "pass",
    "x = t(); raise",
    "try: t()\nfinally: raise",
]
STRIPPING = ["BaseException.__traceback__.__set__(e, None); raise", "e.__traceback__ = None\nraise"]
COROUTINE = [
    "x = await Wait()",
    "x = [t(y) async for y in Steps(2)]",
    "async with Swallow(): x = t()",
    "await Wait(); t()",
]


class Endings:
    """Writes the body of a target."""

    def __init__(self, rnd, kind):
        self.rnd, self.kind = rnd, kind
        self.simple = list(SIMPLE)
        if "gen" in kind:
            self.simple += ["yield t()", "x = yield t()", "t((yield))"] * 2
        if kind == "gen":
            self.simple += ["yield from items(2)", "x = [t(), (yield from items(t()))]"]
        if "async" in kind:
            self.simple += COROUTINE * 2
        self.groups = 0  # `except*` around: no return, break or continue there

    def block(self, depth):
        """Some statements, as rows without their indentation."""
        found = []
        for _ in range(self.rnd.choice((1, 1, 2, 3))):
            found += self.compound(depth - 1) if depth and self.rnd.random() < 0.6 else self.one()
        return found

    def one(self):
        if self.rnd.random() < 0.06:
            return [f"if t(0) or i == {self.rnd.choice((0, 2, 10))}: {self.plain(RAISING)}"]
        return self.rnd.choice(self.simple).split("\n")

    def plain(self, among):
        """One of some statements that may stand here."""
        while True:
            text = self.rnd.choice(among)
            if not text.startswith("return") or not (self.groups or self.kind == "asyncgen"):
                return text

    def suite(self, header, body):
        if len(body) == 1 and self.rnd.random() < 0.15 and not body[0].endswith(":") and body[0][:1] not in "@ ":
            if not body[0].startswith(("for", "if", "while", "with", "try", "match", "def", "class", "async")):
                return (
                    [f"{header} {body[0]}"] if body[0].count("(") == body[0].count(")") else self.indented(header, body)
                )
        return self.indented(header, body)

    def indented(self, header, body):
        return [header, *(" " + row for row in body)]

    def compound(self, depth):
        return getattr(
            self, "a_" + self.rnd.choice(("if", "for", "while", "try", "try", "try", "with", "match", "star"))
        )(depth)

    def a_if(self, depth):
        rows = self.suite("if t(i) and (t() or t()):", self.block(depth))
        if self.rnd.random() < 0.5:
            rows += self.suite("elif t(0) or not t():", self.block(depth))
        return rows + (self.suite("else:", self.block(depth)) if self.rnd.random() < 0.5 else [])

    def a_for(self, depth):
        kind = "async for i in Steps(3):" if "async" in self.kind and self.rnd.random() < 0.5 else None
        header = kind or f"for i in {self.rnd.choice(('items(3)', 'range(t(3))', '(1, 2)', 'map(t, (1, 2))'))}:"
        body = self.block(depth)
        if self.rnd.random() < 0.3 and not self.groups:
            body += ["if t() and i == 2: " + self.rnd.choice(("break", "continue"))]
        return self.suite(header, body) + (self.suite("else:", self.block(depth)) if self.rnd.random() < 0.3 else [])

    def a_while(self, depth):
        return ["w = t(0)", *self.indented("while t(w) < 2:", ["w += 1", *self.block(depth)])]

    def a_try(self, depth):
        rows = self.suite("try:", self.block(depth))
        handlers, final = self.rnd.choice(((1, 0), (2, 0), (0, 1), (1, 1), (2, 1)))
        for n in range(handlers):
            header = self.rnd.choice(("except (t() and KeyError) as e:", "except Bomb as e:", "except Exception as e:"))
            header = "except BaseException as e:" if n == 1 and self.rnd.random() < 0.5 else header
            handling = self.plain(HANDLING + STRIPPING if self.rnd.random() < 0.5 else HANDLING).split("\n")
            rows += self.suite(header, [*(self.block(depth) if self.rnd.random() < 0.4 else []), *handling])
        if handlers and self.rnd.random() < 0.3:
            rows += self.suite("else:", self.block(depth))
        if final:
            ends = self.block(depth)
            if self.rnd.random() < 0.15 and not self.groups and self.kind != "asyncgen":
                ends += ["if t() and i == 3: return t()"]
            rows += self.suite("finally:", ends)
        return rows

    def a_star(self, depth):
        rows = self.suite("try:", self.block(depth))
        self.groups += 1
        for kind in ("KeyError", "(Bomb, t() and TypeError)")[self.rnd.random() < 0.5 :]:
            end = self.plain(("raise", "raise KeyError(2) from e", "t()", "raise e.exceptions[0]"))
            rows += self.suite(f"except* {kind} as e:", [*(self.block(min(depth, 1))), end])
        self.groups -= 1
        return rows + (self.suite("finally:", self.block(depth)) if self.rnd.random() < 0.3 else [])

    def a_with(self, depth):
        first = self.rnd.choice(
            ("plain()", "Swallow()", "contextlib.nullcontext(t())", "contextlib.suppress(KeyError)")
        )
        header = f"with {first} as v, {self.rnd.choice(('plain()', 'Swallow()'))}:"
        if "async" in self.kind and self.rnd.random() < 0.4:
            header = "async with Swallow() as v:"
        return self.suite(header, self.block(depth))

    def a_match(self, depth):
        rows = []
        for case in ("case (1, v) if t(0):", "case {'k': v}:", "case (x, v) if t() and t():", "case _:"):
            rows += self.suite(case, self.block(min(depth, 1)))
        return ["match t(i), t():", *(" " + row for row in rows)]


def program(seed):
    """A program as source text, whose `main` is to be called with fuses."""
    rnd = random.Random(seed)
    kind = rnd.choice(("plain", "plain", "gen", "async", "asyncgen", "lambda"))
    if kind == "lambda":
        value = rnd.choice(
            ("[t(j) for j in items(12)]", "t() + \\\n  sum(t(j) for j in range(11))", "(t(), [t()], t() or t())")
        )
        return f"{SUPPORT}\ntarget = lambda i=t(2): {value}\n"
    writer = Endings(rnd, kind)
    turns = rnd.choice((1, 3, 9, 10, 11, 12, 12, 30, 1000))
    loop = writer.indented(f"for i in range({turns}):", writer.block(rnd.choice((0, 1, 2, 3)) if turns < 100 else 1))
    body = ["i = x = w = 0", *loop, *writer.block(1)]
    if rnd.random() < 0.4:
        cleaning = writer.rnd.choice(("finally:", "except KeyError:", "except Bomb as e:"))
        end = writer.block(1) + (["raise"] if cleaning != "finally:" and rnd.random() < 0.5 else [])
        body = [*writer.indented("try:", body), *writer.indented(cleaning, end)]
    if "gen" in kind:
        body.append("yield t()")
    header = ("async " if "async" in kind else "") + "def target():"
    return SUPPORT + "\n" + "\n".join(writer.indented(header, body)) + "\n"


# ------------------------------------------------------------------------------------------------------ the truth
traceback_of = vars(BaseException)["__traceback__"].__get__


def head(error, frame):
    """The instruction of the entry that a frame has added to a traceback last; None if there is none."""
    found = traceback_of(error)
    if (
        found is None
        and type(error) is RuntimeError
        and isinstance(error.__cause__, StopIteration | StopAsyncIteration)
    ):
        found = traceback_of(error.__cause__)
    return found.tb_lasti if found is not None and found.tb_frame is frame else None


class Watch:
    """Notes, for each frame of a code object that starts, how it ends: ("raised", offset), "returned" or None."""

    def __init__(self, code):
        self.code, self.ends, self.numbers = code, [], {}

    def __enter__(self):
        events = sys.monitoring.events
        sys.monitoring.use_tool_id(3, "endings")
        for event, callback in (
            (events.PY_START, self.start),
            (events.PY_UNWIND, self.unwind),
            (events.PY_RETURN, self.end),
        ):
            sys.monitoring.register_callback(3, event, callback)
        sys.monitoring.set_events(3, events.PY_START | events.PY_UNWIND | events.PY_RETURN)
        return self

    def __exit__(self, *exc):
        sys.monitoring.set_events(3, 0)
        for event in (sys.monitoring.events.PY_START, sys.monitoring.events.PY_UNWIND, sys.monitoring.events.PY_RETURN):
            sys.monitoring.register_callback(3, event, None)
        sys.monitoring.free_tool_id(3)

    def start(self, code, offset):
        if code is self.code:
            self.numbers[id(sys._getframe(1))] = len(self.ends)
            self.ends.append(None)

    def unwind(self, code, offset, error):
        frame = sys._getframe(1)
        if code is self.code and (number := self.numbers.pop(id(frame), None)) is not None:
            self.ends[number] = "raised", head(error, frame)

    def end(self, code, offset, value):
        if code is self.code and (number := self.numbers.pop(id(sys._getframe(1)), None)) is not None:
            self.ends[number] = "returned"


def line_finder(source, code):
    """A function from an offset of the code to the text of the line that it belongs to, by the syntax tree alone."""
    text = Source(source)
    definition = text.locate(code)
    lines = lines_of(text, definition)
    positions = list(code.co_positions())

    def inside(node, place):
        row, end_row, col, end_col = place
        nodes = (
            [node.pattern, *([node.guard] if node.guard else []), *node.body]
            if isinstance(node, ast.match_case)
            else [node]
        )
        nodes += getattr(node, "decorator_list", [])
        starts = min((n.lineno, n.col_offset) for n in nodes)
        ends = max((n.end_lineno, n.end_col_offset) for n in nodes)
        return starts <= (row, col) and (end_row, end_col) <= ends

    def find(offset):
        if isinstance(definition, ast.Lambda):
            return lines[0].text
        place = positions[offset // 2]
        around = [
            line for line in lines if not isinstance(line.node, (ast.Lambda, *COMPS)) and inside(line.node, place)
        ]
        return around[-1].text if around else None  # lines are depth first: the last one is the innermost

    return find


def kept(count, most, keep):
    """The numbers of the calls that are kept."""
    numbers = list(range(count))
    if most is None or count <= most:
        return numbers
    if keep == "ends":
        return numbers[: (most + 1) // 2] + numbers[count - most // 2 :]
    return numbers[:most] if keep == "first" else numbers[count - most :]


def untraced_heads(error, code):
    """The offsets in the last entries of a code object's frames in a traceback, outermost frame first."""
    found, traceback = {}, None if error is None else traceback_of(error)
    while traceback is not None:
        if traceback.tb_frame.f_code is code:
            found.setdefault(id(traceback.tb_frame), traceback.tb_lasti)
        traceback = traceback.tb_next
    return list(found.values())


def attempt(space, arguments):
    """Run `main`; its exception, or None."""
    try:
        space["main"](*arguments)
    except fuzz.TooLong:
        raise
    except BaseException as e:
        return e
    return None


def fuses_of(space, source, name, rnd):
    """What each call of the target raises, and when."""
    kinds = [space[n] for n in ("Bomb", "Hidden")] + [KeyError, StopIteration, GeneratorExit, KeyboardInterrupt]
    attempt(space, [[(0, kinds[0], -1)]])
    total = max(1, min(space["SPENT"][0], 6000))
    turns = [n for n in (1, 2, 9, 10, 11, 12, 21, 22, 23, 100, 1000, 3000) if n <= total]
    return [
        (
            rnd.choice((*turns, rnd.randint(1, total), rnd.randint(1, total), 0)),
            rnd.choice(kinds),
            rnd.choice((-1, -1, 0, 1, 9, 11)),
        )
        for _ in range(rnd.choice((1, 3, 14)))
    ]


def check(source, name, options, rnd, counts):
    """All that is wrong with the ends of the calls of one program."""
    from tracefunc import Tracer

    space = programs.load(source, name)
    seed = rnd.random()
    fuses = fuses_of(space, source, name, random.Random(seed))

    def fresh():
        space = programs.load(source, name)
        code = space["target"].__code__
        chosen = [(f, space.get(k.__name__, k), n) for f, k, n in fuses]
        return space, code, [chosen]

    space, code, arguments = fresh()
    error = attempt(space, arguments)
    plain = [] if error is None or "old" in str(error) else untraced_heads(error, code)  # that one was raised before
    space, code, arguments = fresh()
    with Watch(code) as watch:
        attempt(space, arguments)
    want = [end[1] if isinstance(end, tuple) else end for end in watch.ends]
    find = line_finder(source, code)
    plain = [offset for offset in plain if find(offset) is not None]  # what is thrown in before the first step
    wrong = [f"untraced {plain}, watched {want}"] if None not in want and not set(plain) <= set(want) else []
    space, code, arguments = fresh()
    with Tracer(space["target"], **options) as results:
        attempt(space, arguments)  # what its exception keeps alive ends within the trace, as it was watched
    numbers = kept(len(want), options["max_calls"], options["keep"])
    if len(results) != len(numbers):
        return [*wrong, f"{len(results)} calls, want {len(numbers)}"]
    for call, number in zip(results, numbers, strict=True):
        got = None if call.ended_at is None else call.lines[call.ended_at].text
        end = watch.ends[number]
        if not isinstance(end, tuple):
            counts["returned or not ended"] += 1
            if got is not None or call.raised is not None:
                wrong.append(f"call {number}: {got!r}, but it {end}")
        elif end[1] is None:
            counts["no entry in the traceback"] += 1
            if got is None:
                wrong.append(f"call {number}: no line, {call.raised}")
        else:
            counts["raised"] += 1
            if got != find(end[1]) or got is None:
                wrong.append(f"call {number}: {got!r}, want {find(end[1])!r}, {call.raised}")
    return wrong


def options_of(rnd):
    return {
        "max_calls": rnd.choice((None, 3, 10, 10)),
        "max_samples": rnd.choice((None, 0, 3, 10, 10, 10)),
        "keep": rnd.choice(("first", "first", "last", "ends")),
    }


def survey(seeds, deadline=None, counts=None):
    """The disagreements of some programs: (seed, options, messages, source)."""
    found, counts = [], Counter() if counts is None else counts
    for seed in seeds:
        if deadline is not None and time.monotonic() > deadline:
            break
        rnd = random.Random(f"run {seed}")
        source, options = program(seed), options_of(rnd)
        counts["programs"] += 1
        try:
            with fuzz.time_limit(20):
                wrong = check(source, f"<ending {seed}>", options, rnd, counts)
        except fuzz.TooLong:
            counts["too long"] += 1
            continue
        if wrong:
            found.append((seed, options, wrong, source))
    return found


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.endings", description=__doc__.partition("\n")[0])
    parser.add_argument("seed0", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--show", type=int, default=3, help="print so many disagreements")
    args = parser.parse_args(argv)
    counts, began = Counter(), time.monotonic()
    found = survey(range(args.seed0, args.seed0 + args.count), counts=counts)
    for seed, options, wrong, source in found[: args.show]:
        print(
            f"=== {seed} {options}\n"
            + "\n".join(f"{n:3} {row}" for n, row in enumerate(source[len(SUPPORT) :].splitlines(), 1))
        )
        for text in wrong[:4]:
            print("  ->", text)
    print(f"{dict(counts)}, {len(found)} disagree, {time.monotonic() - began:.0f} s ({fuzz.engine()})")
    print("seeds:", *[seed for seed, *_ in found[:40]])
    return min(len(found), 100)


if __name__ == "__main__":
    sys.exit(main())
