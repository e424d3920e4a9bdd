"""Small, always terminating, deterministic Python programs, as source text, that nest every statement kind.

`program(seed)` gives the same program on every interpreter; `programs()` is a Hypothesis strategy over the
same grammar. A program is a module with a function `target` and a driver `main`; `load` executes it in a
fresh namespace that also holds the helpers below (`Obj`, `CM`, `risky`, ...), its source in linecache.
"""

import builtins
import linecache
import random
import types
import warnings
from dataclasses import dataclass, field, replace


# ---------------------------------------------------------------------- run-time support
class Quit(BaseException):
    """An exception that is no Exception."""


class Boom(ValueError):
    """What `risky` raises."""


class Trampoline:
    """A Python function of another module between two pieces of the program."""

    @staticmethod
    def apply(f, *args, **kwargs):
        return f(*args, **kwargs)


def support(call_budget=40, step_budget=120):
    """Fresh helpers for one execution: their counters decide when something raises or ends."""
    log = []
    left = {"calls": call_budget, "steps": step_budget, "risk": 0, "loops": 150}

    def note(*what):
        log.append(what)
        return len(what)

    def more():
        """Whether one more recursive call is allowed."""
        left["calls"] -= 1
        return left["calls"] >= 0

    def go():
        """Whether one more round of a while loop is allowed."""
        left["steps"] -= 1
        return left["steps"] >= 0

    def risky(v, every=3):
        """`v`, but each third time a Boom."""
        left["risk"] += 1
        if left["risk"] % every == 0:
            raise Boom(f"risk {left['risk']}")
        return v

    def items(n, raises=False):
        """A Python generator of up to three ints, which may end by raising."""
        for i in range(n % 4):
            left["steps"] -= 1
            if left["steps"] < 0:
                return
            yield i
        if raises:
            raise Boom("items")

    def many(n):
        """Up to `n` ints, for loops that go round more often than lines are sampled; all loops share a budget."""
        for i in range(n):
            left["loops"] -= 1
            if left["loops"] < 0:
                return
            yield i

    class Obj:
        """Writes its death into the log; equal repr in every run."""

        def __init__(self, v=0):
            self.v = v

        def __repr__(self):
            return f"Obj({self.v!r})"

        def __eq__(self, other):
            return isinstance(other, Obj) and self.v == other.v

        __hash__ = None

        def __call__(self, *args):
            return len(args)

        def __del__(self):
            log.append(("del", self.v))

    class BadRepr:
        def __repr__(self):
            raise Boom("no repr")

    class CM:
        """A context manager that may raise on entry, swallow, or raise on exit."""

        def __init__(self, v=0, enter=False, swallow=False, leave=False):
            self.v, self.enter, self.swallow, self.leave = v, enter, swallow, leave

        def __repr__(self):
            return f"CM({self.v!r})"

        def __enter__(self):
            log.append(("enter", self.v))
            if self.enter:
                raise Boom("enter")
            return self.v

        def __exit__(self, kind, exc, tb):
            log.append(("exit", self.v, kind and kind.__name__))
            if self.leave:
                raise Boom("leave")
            return self.swallow and kind is not None and issubclass(kind, Exception)

        async def __aenter__(self):
            await pause(self.v)
            return self.__enter__()

        async def __aexit__(self, *args):
            await pause(self.v)
            return self.__exit__(*args)

    @types.coroutine
    def pause(v=0):
        return (yield v)

    class AItems:
        def __init__(self, n, raises=False):
            self.it = items(n, raises)

        def __aiter__(self):
            return self

        async def __anext__(self):
            await pause()
            try:
                return next(self.it)
            except StopIteration:
                raise StopAsyncIteration from None

    def deco(f):
        """A decorator that returns what it got."""
        note("deco", getattr(f, "__name__", "?"))
        return f

    def wrap(f):
        """A decorator whose wrapper calls on; inspect.unwrap leads back."""

        def wrapper(*args, **kwargs):
            return f(*args, **kwargs)

        wrapper.__wrapped__ = f
        return wrapper

    def drive(gen, steps=None, end="drop", send=None):
        """Take up to `steps` values of a generator or coroutine, then drop, close or throw into it."""
        out = []
        try:
            while steps is None or len(out) < steps:
                out.append(gen.send(None if not out else send))
                if len(out) > 60:
                    break
            if end == "close":
                gen.close()
            elif end == "throw":
                out.append(gen.throw(Boom("thrown")))
        except StopIteration as e:
            out.append(("value", e.value))
        except Exception as e:
            out.append(type(e).__name__)
        return out

    async def adrive(agen, steps=None, end="drop"):
        """The same for an asynchronous generator."""
        out = []
        try:
            while steps is None or len(out) < steps:
                out.append(await agen.asend(None))
                if len(out) > 60:
                    break
            if end == "close":
                await agen.aclose()
            elif end == "throw":
                out.append(await agen.athrow(Boom("thrown")))
        except Exception as e:
            out.append(type(e).__name__)
        return out

    def interleave(*gens):
        """Step several generators or coroutines in turn until all have ended."""
        out, gens = [], list(gens)
        while gens and len(out) < 90:
            for g in list(gens):
                try:
                    out.append(g.send(None))
                except StopIteration as e:
                    gens.remove(g)
                    out.append(("value", e.value))
                except Exception as e:
                    gens.remove(g)
                    out.append(type(e).__name__)
        return out

    def total(*args, **kwargs):
        """The sum of all arguments that are ints."""
        return sum(v for v in (*args, *kwargs.values()) if isinstance(v, int))

    def fallible(x):
        try:
            return risky(x)
        finally:
            note("fallible")

    names = dict(
        note=note,
        more=more,
        go=go,
        risky=risky,
        items=items,
        many=many,
        Obj=Obj,
        BadRepr=BadRepr,
        CM=CM,
        pause=pause,
        AItems=AItems,
        deco=deco,
        wrap=wrap,
        drive=drive,
        adrive=adrive,
        interleave=interleave,
        total=total,
        fallible=fallible,
        apply=Trampoline.apply,
        Boom=Boom,
        Quit=Quit,
        K=types.SimpleNamespace(A=1, B=2, T=(1, 2)),
        G=10,
        H=20,
        LOG=log,
    )
    for v in list(names.values()):
        if isinstance(v, types.FunctionType | type) and v.__module__ in (__name__, "support"):
            v.__qualname__, v.__module__ = v.__name__, "support"  # the same repr wherever they were made
    return names


@dataclass(frozen=True)
class Call:
    """One call to trace: `fn(*args)` with `target_func=target` (dotted names; None: fn itself)."""

    fn: str
    args: tuple = ()
    target: str | None = None


@dataclass(frozen=True)
class Program:
    source: str
    calls: tuple[Call, ...]
    name: str = "<program>"

    def __iter__(self):
        return iter((self.source, self.calls))

    def __repr__(self):
        return f"# {self.name}\n{self.source}# " + "\n# ".join(map(str, self.calls))


def load(source, name="<program>", change=None):
    """Execute a program in a fresh namespace, its source known to linecache and inspect.

    `change` is called with the namespace before.
    """
    space = {"__name__": "program", "__builtins__": builtins, **support()}
    if change is not None:
        change(space)
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        code = compile(source, name, "exec", dont_inherit=True)
    space["MODULE_CODE"] = code
    exec(code, space)
    return space


def resolve(space, dotted):
    """The object that a dotted name means in a program's namespace."""
    if dotted is None:
        return None
    first, *rest = dotted.split(".")
    value = space[first]
    for attribute in rest:
        value = getattr(value, attribute)
    return value


# ---------------------------------------------------------------------- grammar
HARD = "\0"  # a newline inside a string: no indentation is added after it
ENDS = ("close", "throw", "drop")
CONSTANTS = ("True", "False", "0", "1", "not 0", "__debug__")
HOLDING = ("True", "1", "not 0", "__debug__", "1 + 1", "-1", "(1,)", "'a'", "1 or x", "not None", "1 if 1 else 0")
FAILING = ("False", "0", "not 1", "None", "()", "0 and x", "0 if 1 else 1", "0 or False")
LOCALS = ("a", "b", "c", "d", "é", "名")
EXCEPTIONS = (
    "ValueError",
    "Boom",
    "ZeroDivisionError",
    "KeyError",
    "Exception",
    "NameError",
    "(KeyError, Boom)",
    "(TypeError, LookupError, ArithmeticError)",
    "LookupError",
)


@dataclass
class Scope:
    """What is known about the names of one function, class, lambda or comprehension."""

    kind: str
    reads: list[str]
    writes: list[str] = field(default_factory=list)
    sure: list[str] = field(default_factory=list)  # bound in this function: a nested one may say nonlocal
    declared: set[str] = field(default_factory=set)  # by global or nonlocal: may not be annotated


@dataclass(frozen=True)
class Ctx:
    """Where a statement or expression stands, and so what may be written there."""

    scope: Scope
    depth: int = 0
    loop: bool = False  # break and continue
    ret: bool = True  # return
    ret_value: bool = True
    walrus: bool = True
    yields: bool = False
    yield_from: bool = True
    awaits: bool = False
    in_class: bool = False
    in_comp: bool = False
    acomp: bool = True  # an asynchronous comprehension may stand here


@dataclass
class Simple:
    text: str


@dataclass
class Compound:
    parts: list[tuple[str, list]]  # (header with its colon, body)
    decorators: tuple[str, ...] = ()


def flatten(nodes):
    """The statements of a block, those made in groups one by one."""
    for n in nodes:
        if isinstance(n, list):
            yield from flatten(n)
        else:
            yield n


class Writer:
    """Draws one program from `rnd` (anything with randrange); `syntax` opts in to newer grammar, or to "terse": suites on one line."""

    def __init__(self, rnd, kind="sync", syntax=(), size=22):
        self.rnd, self.kind, self.syntax, self.size = rnd, kind, frozenset(syntax), size
        self.count = 0
        self.recursion = "target({x}, xs)"

    # -- drawing
    def below(self, n):
        return self.rnd.randrange(n)

    def chance(self, percent):
        return self.below(100) < percent

    def pick(self, seq):
        return seq[self.below(len(seq))]

    def weighted(self, table):
        at = self.below(sum(w for w, _ in table))
        for w, what in table:
            at -= w
            if at < 0:
                return what
        raise AssertionError

    def fresh(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    # -- expressions: nearly always an int
    def atom(self, c):
        if self.chance(30):
            return str(self.below(4))
        if self.chance(5):
            return self.pick(("G", "H"))
        return self.pick(c.scope.reads)

    def expr(self, c, d=2):
        if d <= 0 or self.chance(12):
            return self.atom(c)
        table = [
            (8, self.e_binop),
            (4, self.e_call),
            (2, self.e_cond),
            (2, self.e_bool),
            (2, self.e_compare),
            (3, self.e_lambda),
            (7, self.e_comp),
            (2, self.e_subscript),
            (2, self.e_fstring),
            (4, self.e_risky),
            (2, self.e_star),
            (2, self.e_lines),
            (1, self.e_attribute),
            (1, self.e_unary),
        ]
        if c.walrus:
            table.append((3, self.e_walrus))
        if c.yields:
            table.append((3, self.e_yield))
        if c.awaits:
            table.append((5, self.e_await))
        if not c.in_class and d > 1:
            table.append((2, self.e_recursion))
        return self.weighted(table)(c, d - 1)

    def e_binop(self, c, d):
        op = self.pick(("+", "-", "*", "%", "//", "&", "|", "^", "+", "+"))
        right = self.expr(c, d)
        if op in "%//":
            right = f"({right} or 3)" if self.chance(85) else f"({right})"
        return f"({self.expr(c, d)} {op} {right})"

    def e_unary(self, c, d):
        return f"(not {self.expr(c, d)})" if self.chance(50) else f"(-({self.expr(c, d)}))"

    def e_call(self, c, d):
        form = self.pick(
            ("total({}, k={})", "apply(total, {}, {})", "note({}, {})", "max({}, {})", "fallible({} or {})")
        )
        return form.format(self.expr(c, d), self.expr(c, d))

    def e_cond(self, c, d):
        return f"({self.expr(c, d)} if {self.test(c, d)} else {self.expr(c, d)})"

    def e_bool(self, c, d):
        ops = [self.expr(c, d) for _ in range(2 + self.below(2))]
        return "(" + f" {self.pick(('and', 'or'))} ".join(ops) + ")"

    def e_compare(self, c, d):
        return f"({self.expr(c, d)} < {self.expr(c, d)} {self.pick(('<=', '!=', '>'))} {self.expr(c, d)})"

    def e_walrus(self, c, d):
        return f"({self.pick(('w', 'w2'))} := {self.expr(c, d)})"

    def e_yield(self, c, d):
        if c.yield_from and self.chance(35):
            return f"((yield from {self.iterable(c, d)}) or {self.below(3)})"
        return f"((yield {self.expr(c, d)}) or {self.below(3)})" if self.chance(85) else "((yield) or 1)"

    def e_await(self, c, d):
        form = self.pick(("(await pause({})  or {})", "(await {rec} or 1)", "len(await adrive({agen}, 3))"))
        if "{rec}" in form:
            return f"(await helper({self.expr(c, d)}, xs) or 1)"
        if "{agen}" in form:
            return f"len(await adrive(agenerator({self.expr(c, d)}), {1 + self.below(3)}))"
        return form.format(self.expr(c, d), self.below(3))

    def inside(self, c, names, kind="lambda", **changes):
        """The context of a lambda's body: another function, that can read what is around it."""
        scope = Scope(kind, list(names) * 2 + c.scope.reads)
        changes.setdefault("walrus", False)
        return replace(c, scope=scope, yields=False, awaits=False, **changes)

    def lambda_(self, c, d):
        p = self.pick(("p", "q", "ü"))
        default = f", {self.pick(('r', 's'))}={self.expr(c, 0)}" if self.chance(25) else ""
        body = self.expr(self.inside(c, [p], walrus=c.walrus and not c.in_comp), d)
        form = f"(lambda {p}=1{', *z' if not default else ''}{default}: {body})"
        return form.replace(": ", ":\n    ", 1) if self.chance(6) else form

    def e_lambda(self, c, d):
        f = self.lambda_(c, d)
        form = self.pick(("{f}({x})", "apply({f}, {x})", "len(sorted(xs, key={f}))", "sum(map({f}, xs))", "{f}()"))
        return form.format(f=f, x=self.expr(c, d))

    def iterable(self, c, d):
        c = replace(c, walrus=False)
        form = self.weighted(
            (
                (5, "range({n})"),
                (4, "xs"),
                (2, "({x}, {x})"),
                (2, "items({n})"),
                (2, "many(1{n})"),
                (1, "range(1{n})"),
                (1, "items({n}, True)"),
                (1, "[{x}, *xs]"),
                (1, "sorted({{{x}, {x}}})"),
                (1, "xs[:{n}]"),
                (1, "{comp}"),
                (1, "map({f}, xs)"),
                (1, "'ab'"),
                (1, "()"),
            )
        )
        return form.format(
            n=self.below(4),
            x=self.expr(c, d - 1),
            comp=self.comp(c, d - 1, self.pick(("list", "gen"))) if "{comp}" in form else "",
            f=self.lambda_(c, d - 1) if "{f}" in form else "",
        )

    def comp(self, c, d, kind):
        """A comprehension's text."""
        inner, clauses, used = (
            replace(c, in_comp=True, walrus=c.walrus and not c.in_class, yields=False),
            [],
            [],
        )
        if kind == "gen":
            inner = replace(inner, awaits=False)
        for n in range(1 + (self.chance(25))):
            var = ("i", "j", "k", "l")[min(3, c.depth % 2 + n * 2)] if self.chance(80) else self.pick(("i", "j", "x"))
            before = c if not n else inner
            source = self.iterable(replace(before, walrus=False), d)
            is_async = c.awaits and c.acomp and kind != "gen" and self.chance(30)
            if is_async:
                source = f"AItems({self.below(4)})"
            clauses.append(f"{'async ' if is_async else ''}for {var} in {source}")
            used.append(var)
            inner = replace(inner, scope=Scope("comp", used * 2 + c.scope.reads, [], []), depth=c.depth + 1)
            while self.chance(30):
                clauses.append(f"if {self.test(inner, d)}")
        tail = " ".join(clauses)
        if self.chance(8):
            tail = "\n    ".join(clauses) + "  # rows\n"
        star = "3.15" in self.syntax and self.chance(35)
        if kind == "dict":
            elt = f"**{{{self.expr(inner, d)}: 1}}" if star else f"{self.expr(inner, d)}: {self.expr(inner, d)}"
            return f"{{{elt} {tail}}}"
        elt = f"*({self.expr(inner, d)}, 1)" if star else self.expr(inner, d)
        left, right = {"list": "[]", "set": "{}", "gen": "()"}[kind]
        return f"{left}{elt} {tail}{right}"

    def e_comp(self, c, d):
        kind = self.pick(("list", "set", "dict", "gen", "gen", "list"))
        text = self.comp(c, d, kind)
        if kind == "gen":
            form = (
                "sum({})",
                "any({})",
                "all({})",
                "len(list({}))",
                "next({}, 0)",
                "max({}, default=0)",
                "len(tuple({}))",
                "apply(sum, {})",
                "total(*{})",
                "({} and 1)",
                "sum({})",
                "len(set({}))",
            )
            form = self.pick(form)
            if form in ("sum({})", "any({})", "all({})") and self.chance(50):
                text = text[1:-1]
            return form.format(text)
        return f"len({text})"

    def e_subscript(self, c, d):
        return self.pick(
            ("xs[{}]", "(xs or [0])[{} % 1]", "len(xs[{}:])", "len(xs[:{}:2])", "{{0: 1, 1: 2}}[{}]")
        ).format(self.expr(c, d))

    def e_fstring(self, c, d):
        x, y = self.expr(c, d), self.expr(c, d)
        if "\n" in x + y:
            x = self.atom(c)
            y = self.atom(c)
        forms = [
            "f'{{ {x} }}'",
            "f'{{ {x} !r:>4}}{{ {y} }}'",
            "f'é{{ {x} }}{{f\"ü{{ {y} }}\"}}'",
            "f'{{ {x} :{{ {w} }}d}}'",
            "f'''\0{{ {x} }}\0 {{ {y} = }}'''",
        ]
        if "tstring" in self.syntax:
            forms = [f.replace("f'", "t'", 1) for f in forms[:3]]
            return "len(" + self.pick(forms).format(x=x, y=y, w=1).replace('f"', 't"') + ".strings)"
        return "len(" + self.pick(forms).format(x=x, y=y, w=1 + self.below(3)) + ")"

    def e_risky(self, c, d):
        return f"risky({self.expr(c, d)})"

    def e_star(self, c, d):
        form = self.pick(
            (
                "total(*xs, {})",
                "total(*[{}], **{{'k': 1}})",
                "len([*xs, {}])",
                "len({{**{{'k': {}}}}})",
                "sum((*xs, {}))",
            )
        )
        return form.format(self.expr(c, d))

    def e_lines(self, c, d):
        return (
            self.pick(("(\n    {}  # why: {{x}}\n)", "total({},\n    2)", "(1 +\n  {})", "({} + \\\n    1)"))
            .format(self.expr(c, d))
            .replace("{{x}}", "é")
        )

    def e_attribute(self, c, d):
        return f"Obj({self.expr(c, d)}).v"

    def e_recursion(self, c, d):
        return f"({self.recursion.format(x=self.expr(c, 0))} if more() else {self.below(3)})"

    def test(self, c, d=1):
        form = self.weighted(
            (
                (5, "{x}"),
                (4, "{x} > {y}"),
                (2, "{x} % 2"),
                (1, "{x} in xs"),
                (1, "not {x}"),
                (1, "{x} is not None and {y}"),
            )
        )
        return form.format(x=self.expr(c, d), y=self.expr(c, d - 1))

    # -- statements
    def simple(self, c, last=False):
        table = [
            (10, self.s_assign),
            (4, self.s_augassign),
            (2, self.s_annassign),
            (2, self.s_multi),
            (2, self.s_star),
            (2, self.s_del),
            (2, self.s_assert),
            (2, self.s_import),
            (2, self.s_pass),
            (7, self.s_expr),
            (2, self.s_const),
            (2, self.s_obj),
            (2, self.s_string),
            (1, self.s_type),
            (1, self.s_subscript),
            (1, self.s_print),
        ]
        if last or self.chance(8):  # what follows these can never be reached
            table.append((4, self.s_raise))
            if c.loop:
                table.append((9, self.s_break))
            if c.ret and c.scope.kind == "function":
                table.append((6, self.s_return))
        if c.yields:
            table.append((7, self.s_yield))
        return Simple(self.weighted(table)(c))

    def name(self, c):
        return self.pick(c.scope.writes)

    def s_assign(self, c):
        return f"{self.name(c)} = {self.atom(c) if self.chance(20) else self.expr(c, 3)}"

    def s_augassign(self, c):
        return f"{self.name(c)} {self.pick(('+=', '-=', '*=', '|='))} {self.expr(c)}"

    def s_annassign(self, c):
        names = [n for n in c.scope.writes if n not in c.scope.declared]
        if not names:
            return "pass"
        value = f" = {self.expr(c)}" if self.chance(75) else ""
        return f"{self.pick(names)}: {self.pick(('int', 'list[int]', repr('str')))}{value}"

    def s_multi(self, c):
        if self.chance(50):
            return f"{self.name(c)} = {self.name(c)} = {self.expr(c)}"
        return f"{self.name(c)}, {self.name(c)} = {self.expr(c)}, {self.expr(c)}"

    def s_star(self, c):
        names = [n for n in ("a", "b", "t") if n == "t" or n in c.scope.writes] + ["t2"]
        return f"{names[0]}, *{names[-1]} = {self.pick(('xs', '(1, 2, 3)', 'range(2)', '()'))}"

    def s_del(self, c):
        return f"del {self.name(c)}" if self.chance(70) else f"{(n := self.name(c))} = {self.expr(c, 1)}; del {n}"

    def s_assert(self, c):
        return f"assert {self.test(c)}" + (f", {self.expr(c, 1)}" if self.chance(50) else "")

    def s_raise(self, c):
        what = self.pick(
            (
                "Boom('b')",
                "KeyError({})",
                "ValueError",
                "Boom({}) from None",
                "KeyError('k') from ValueError({})",
                "",
            )
        )
        text = f"raise {what.format(self.expr(c, 1))}".strip()
        return text

    def s_import(self, c):
        return self.pick(
            (
                "import math",
                "import os.path as p_",
                "from math import floor, ceil as c_",
                "from missing_mod import nothing",
            )
        )

    def s_pass(self, c):
        return "pass"

    def s_expr(self, c):
        return self.expr(c, 3)

    def s_const(self, c):
        return self.pick(("0", "'text'", "...", "None", self.pick(c.scope.reads), "G", "'a' 'b'", "1 + 1"))

    def s_obj(self, c):
        return self.pick(
            (
                f"o = Obj({self.expr(c, 1)})",
                "o = None",
                "o = Obj(len(xs))",
                "o = BadRepr()",
                "o = Obj([1]); del o",
            )
        )

    def s_string(self, c):
        return self.pick(
            (
                's = """one\0two\0  three"""',
                "s = '''é\0'''; s2 = 'ü' * 60",
                's = "a" \\\n    "b"',
                "s = ('x'\n     'ñ')",
            )
        )

    def s_type(self, c):
        if c.in_class:
            return "type T1 = int"
        return self.pick(("type T1 = int", "type T2[T] = list[T]"))

    def s_subscript(self, c):
        return self.pick(
            (
                "ys = list(xs); ys[0] = {}",
                "ys = [*xs, 1]; ys[1:] = [{}]",
                "m = {{}}; m[{}] = 1",
                "Obj().v = {}",
            )
        ).format(self.expr(c, 1))

    def s_print(self, c):
        return f"print({self.expr(c, 1)})"

    def s_break(self, c):
        return self.pick(("break", "continue"))

    def s_return(self, c):
        if not c.ret_value or self.chance(20):
            return "return"
        if self.chance(35):  # without work the compiler copies, merges and moves them
            return f"return {self.pick(('None', 'True', 'False', '0', '(1, 2)', *c.scope.reads[:2]))}"
        return f"return {self.expr(c)}"

    def s_yield(self, c):
        return (
            self.pick(("yield {}", "a = yield {}", "yield ({}), 2")).format(self.expr(c))
            if "a" in c.scope.writes
            else "yield"
        )

    def statement(self, c, last=False):
        self.size -= 1
        if self.size <= 0 or c.depth >= 5 or self.chance(40):
            return self.simple(c, last)
        table = [
            (7, self.c_if),
            (6, self.c_for),
            (4, self.c_while),
            (9, self.c_try),
            (4, self.c_with),
            (4, self.c_match),
            (3, self.c_def),
            (2, self.c_class),
            (2, self.c_star),
            (1, self.c_generator),
            (2, self.c_gen_use),
        ]
        if "terse" in self.syntax:
            table += [(6, self.c_endless), (6, self.c_try), (4, self.c_with)]
        if c.awaits:
            table += [(4, self.c_afor), (4, self.c_awith), (2, self.c_adef)]
        return self.weighted(table)(c)

    def block(self, c, most=3, **changes):
        c = replace(c, depth=c.depth + 1, **changes)
        if "terse" in self.syntax and self.chance(50):
            return self.terse(c)
        n = 1 + self.below(most)
        return [self.statement(c, at == n - 1) for at in range(n)]

    def terse(self, c):
        """A suite for one line: statements without work, then one that leaves it at once, or one of the usual ones."""
        idle = ("pass", "0", "...", "'t'", "assert 1", "-1", "(1, 2)", "note", *c.scope.reads[:1])
        suite = [Simple(self.pick(idle)) for _ in range(self.below(3))]
        if self.chance(40):
            suite.append(self.simple(c))
        if c.loop and self.chance(30):
            suite.append(Simple(self.pick(("break", "continue"))))
        elif c.ret and c.scope.kind == "function" and (self.chance(70) or not suite):
            value = self.pick(("", "", " 1", " None", " (1, 2)", f" {c.scope.reads[0]}", " note()"))
            suite.append(Simple("return" + value * c.ret_value))
        if not suite or self.chance(10):
            suite.append(Simple(self.pick(("pass", "assert more()"))))
        return suite

    def c_endless(self, c):
        """A loop on one line whose test the compiler decides; it ends for `go()` at the latest."""
        if self.chance(25):
            return Compound([(f"while {self.pick(FAILING)}:", self.terse(replace(c, loop=True)))])
        head = f"while {self.pick(HOLDING)}:"
        if self.chance(30):
            return Compound([(head, [Simple(self.pick(("break", "pass; break", "assert go()", "int; assert go()")))])])
        return Compound([(head, [Simple("assert go()"), *self.terse(replace(c, loop=True))])])

    def c_if(self, c):
        if "terse" in self.syntax and self.chance(40):
            return Compound([(f"if {self.pick(HOLDING + FAILING)}:", self.block(c))])
        constant = self.chance(8)
        parts = [
            (
                f"if {self.pick(CONSTANTS) if constant else self.test(c, 2)}:",
                self.block(c),
            )
        ]
        while self.chance(25):
            parts.append((f"elif {self.test(c)}:", self.block(c, 2)))
        if self.chance(40):
            parts.append(("else:", self.block(c, 2)))
        return Compound(parts)

    def for_target(self, c):
        return self.weighted(((6, self.name(c)), (2, "i"), (1, "o")))

    def orelse(self, c, parts):
        if self.chance(30):
            parts.append(("else:", self.block(c, 2)))
        return Compound(parts)

    def c_for(self, c):
        if self.chance(12):
            head = self.pick(
                (
                    "for {}, *t in [(1, 2), (3,)]:",
                    "for {}, d in zip(xs, xs):",
                    "for {}, o in enumerate(map(Obj, xs)):",
                )
            ).format(self.name(c))
        else:
            head = f"for {self.for_target(c)} in {self.iterable(c, 2)}:"
        return self.orelse(c, [(head, self.block(c, loop=True))])

    def c_while(self, c):
        form = self.pick(
            (
                "while go() and {}:",
                "while {} and go():",
                "while (go() and\n       {}):",
                "while True:",
                "while 1:",
            )
        )
        body = self.block(c, loop=True)
        if "{}" not in form and "terse" in self.syntax:
            form = f"while {self.pick(HOLDING)}:"
        if "{}" not in form:
            leave = self.pick(
                ("break", "raise Boom('out')", "return") if c.ret and c.scope.kind == "function" else ("break",)
            )
            body.insert(self.below(1), Compound([("if not go():", [Simple(leave)])]))
        return self.orelse(c, [(form.format(self.test(c)), body)])

    def c_try(self, c):
        parts = [("try:", self.block(c))]
        handlers = self.below(3) + (0 if self.chance(25) else 1)
        for n in range(min(handlers, 3)):
            kind = self.pick(EXCEPTIONS) if self.chance(92) else f"(risky(ValueError), {self.pick(EXCEPTIONS[:5])})"
            last = n == handlers - 1
            if "3.14" in self.syntax and self.chance(30):
                kind, named = "KeyError, ValueError", ""
            elif last and self.chance(20):
                kind, named = "", ""
            else:
                named = f" as {self.pick(('e', 'e', 'é'))}" if self.chance(55) else ""
            body = self.block(c, 2)
            if named and self.chance(40):
                body.insert(0, Simple(f"note(type({named[4:]}).__name__)"))
            parts.append((f"except {kind}{named}:".replace("except :", "except:"), body))
            if not kind:
                break
        if len(parts) > 1 and self.chance(30):
            parts.append(("else:", self.block(c, 2)))
        if len(parts) == 1 or self.chance(35):
            parts.append(("finally:", self.block(c, 2)))
        return Compound(parts)

    def c_star(self, c):
        inside = self.pick(
            (
                "raise ExceptionGroup('g', [Boom(1), KeyError(2), OSError(3)])",
                "raise ExceptionGroup('g', [Boom(1), ExceptionGroup('h', [Boom(2), KeyError(3)])])",
                "raise Boom('naked')",
                "risky(1)",
            )
        )
        parts = [("try:", [*self.block(c, 2), Simple(inside)])]
        for kind in ("Boom", "(KeyError, TypeError)", "Exception")[: 1 + self.below(3)]:
            named = " as e" if self.chance(50) else ""
            parts.append((f"except* {kind}{named}:", self.block(c, 2, loop=False, ret=False)))
        if self.chance(25):
            parts.append(("else:", self.block(c, 2)))
        if self.chance(25):
            parts.append(("finally:", self.block(c, 2)))
        return Compound(parts)

    def cm(self, c):
        flags = [self.pick(("", ", swallow=True", ", swallow=True", ", leave=True", ", enter=True", ""))]
        named = self.pick(
            (
                "",
                "",
                f" as {self.name(c)}",
                f" as {self.name(c)}",
                " as (a, *t)" if "a" in c.scope.writes else "",
            )
        )
        value = "(1, 2)" if "*" in named else self.expr(c, 1)
        return f"CM({value}{flags[0]}){named}"

    def c_with(self, c):
        cms = [self.cm(c) for _ in range(1 + self.below(3))]
        if self.chance(25):
            head = "with (" + ",\n      ".join(cms) + ",\n      ):"
        else:
            head = f"with {', '.join(cms)}:"
        return Compound([(head, self.block(c))])

    # -- match
    def pattern(self, names, d=2):
        kind = self.below(12) if d else self.below(5)
        if kind <= 1:
            return self.pick(("0", "1", "-1", "None", "True", "'ab'", "K.A", "1.5", "2"))
        if kind == 2:
            return "_"
        if kind <= 4:
            return names.pop() if names else "_"
        if kind == 5:
            subs = [self.pattern(names, d - 1) for _ in range(self.below(3))]
            if self.chance(50):
                subs.insert(self.below(len(subs) + 1), f"*{names.pop() if names and self.chance(60) else '_'}")
            return f"[{', '.join(subs)}]"
        if kind == 6:
            rest = f", **{names.pop()}" if names and self.chance(50) else ""
            return f"{{'k': {self.pattern(names, d - 1)}{rest}}}"
        if kind == 7:
            return f"Obj(v={self.pattern(names, d - 1)})"
        if kind == 8:
            return f"int({names.pop() if names else ''})"
        if kind == 9:
            return self.pick(
                ("(0 | 1 | 2)", "([_, *_] | None)", "(K.A | K.B)", "({'k': 1} | 3)", "(Obj(1) | Obj(v=2))")
            )
        if kind == 10 and names:
            return f"({self.pick(('int() | [_]', 'K.A | 0', '[_, _]', 'Obj() | 3'))} as {names.pop()})"
        return "(K.B | 3)"

    def c_match(self, c):
        subject = self.pick(
            (
                "{x}",
                "({x}, {x})",
                "[{x}, *xs]",
                "{{'k': {x}, 'l': 2}}",
                "Obj({x})",
                "xs",
                "{x}, {x}",
                "risky({x})",
            )
        )
        parts = [(f"match {subject.format(x=self.expr(c, 1))}:", None)]
        last = 1 + self.below(3)
        for n in range(last):
            names = [v for v in ("a", "b", "c", "é") if v in c.scope.writes]
            text = self.pattern(names)
            guard = f" if {self.test(c)}" if self.chance(35) else ""
            if not guard and text.isidentifier() and text != "None" and text != "True" and n < last - 1:
                guard = f" if {self.test(c, 0)}"
            parts.append((f"case {text}{guard}:", self.block(c, 2)))
        if self.chance(40) and not (
            parts[-1][0].removeprefix("case ").removesuffix(":").isidentifier()
            and parts[-1][0] not in ("case None:", "case True:")
        ):
            parts.append((f"case {self.pick(('_', '_', 'rest'))}:", self.block(c, 2)))
        return Compound(parts)

    # -- nested definitions
    def function(self, c, name, params, body_size=4, is_async=False, yields=False, header=None, outer_reads=None):
        """A def with its own scope; `c` is where it stands."""
        writes = list(LOCALS[: 3 + self.below(4)]) + ["G"] * self.chance(35)
        start, declared = [], set()
        if c is not None and c.scope.kind == "function" and c.scope.sure and self.chance(45):
            n = self.pick(c.scope.sure)
            if n not in params:
                start.append(Simple(f"nonlocal {n}"))
                declared.add(n)
        if self.chance(20) and "H" not in params:
            start.append(Simple("global H"))
            declared.add("H")
            writes.append("H")
        sure = [p for p in params if p not in ("self", "cls")]
        for n in writes:
            if n not in params and n not in declared and n not in ("G", "H") and self.chance(75):
                start.append(Simple(f"{n} = {self.below(4)}"))
                sure.append(n)
        writes = [w for w in writes if w not in params] + sorted(declared) + [p for p in params if p in ("x", "y")]
        reads = writes + sure * 5 + (["G"] if self.chance(30) else [])
        reads = [r for r in reads if r not in ("self", "cls", "xs", "args", "kw")]
        if outer_reads:
            reads += outer_reads[:6]
        scope = Scope("function", reads or ["G"], writes, sure, declared)
        inner = Ctx(
            scope,
            depth=(c.depth + 1 if c else 0),
            yields=yields,
            yield_from=not is_async,
            awaits=is_async,
            ret_value=not (is_async and yields),
        )
        body = start
        for _ in range(body_size):
            node = self.statement(inner)
            if self.chance(45):
                handler = Compound(
                    [
                        ("try:", [node]),
                        (self.pick(("except Exception:", "except Exception as e:")), [self.simple(inner)]),
                    ]
                )
                node = node if isinstance(node, Compound) and node.parts[0][0] == "try:" else handler
            body.append(node)
        if yields:
            body.append(Simple(f"yield {self.expr(inner, 1)}"))
        if self.chance(12):
            body.insert(0, Simple('"""Text.\0    More é."""' if self.chance(50) else "'text'"))
        elif inner.ret_value and self.chance(50):
            body.append(Simple(f"return {self.expr(inner)}"))
        return body

    def c_def(self, c):
        name = self.pick(("f", "g", self.fresh("h")))
        params = self.pick((("x",), ("y", "x"), ("p",), ()))
        tparam = "[T]" if self.chance(15) else ""
        sig = ", ".join(
            p
            + (": int" if self.chance(25) else "")
            + (f"={self.expr(c, 1) if not (tparam and c.walrus) else 1}" if True else "")
            for p in params
        )
        sig += self.pick(("", ", *args", ", **kw", ", *, z=1") if sig else ("", "*args", "**kw"))
        returns = f" -> {self.pick(('int', 'list[int]', 'T' if tparam else 'str'))}" if self.chance(20) else ""
        decorators = tuple(self.pick(("deco", "wrap", "apply(lambda d: d, deco)")) for _ in range(self.below(6) // 4))
        body = self.function(c, name, params, 1 + self.below(3), outer_reads=c.scope.reads)
        define = Compound([(f"def {name}{tparam}({sig}){returns}:", body)], decorators)
        use = self.pick(
            (
                f"{name}()",
                f"apply({name})",
                f"b = {name}()",
                f"list(map({name}, xs))",
                f"note({name}())",
                f"{name}() if more() else 0",
            )
        )
        guarded = self.pick((use, f"for i in (1, 2): {use}", f"if more(): {use}"))
        if guarded.startswith(("for", "if")):
            head, _, rest = guarded.partition(": ")
            after = Compound([(head + ":", [Simple(rest)])])
        else:
            after = Simple(use)
        return [define, after]

    def c_class(self, c):
        name = self.fresh("C")
        bases = self.pick(("", "(Obj)", "()", "(Exception, metaclass=type)"))
        if self.chance(12):
            name, bases, head_params = name, "", "[T]"
        else:
            head_params = ""
        scope = Scope("class", ["a", "v", "H", *c.scope.reads[:4]], ["a", "v", "__p"], [], set())
        inner = replace(
            c,
            scope=scope,
            loop=False,
            ret=False,
            yields=False,
            awaits=False,
            in_class=True,
            depth=c.depth + 2,
        )
        body = [self.simple(inner) for _ in range(1 + self.below(2))]
        if self.chance(50):
            method = self.function(
                replace(c, scope=Scope("class", c.scope.reads)),
                "m",
                ("self", "x"),
                2,
                outer_reads=c.scope.reads,
            )
            method.insert(0, Simple("self.__v = x") if self.chance(60) else Simple("__q = x"))
            body.append(Compound([("def m(self, x=1):", method)], ("deco",) if self.chance(20) else ()))
        decorators = ("deco",) if self.chance(20) else ()
        after = self.pick((f"{name}().m(1)", f"o = {name}()", f"note({name}.__name__)"))
        return [Compound([(f"class {name}{head_params}{bases}:", body)], decorators), Simple(after)]

    def c_generator(self, c):
        name = self.fresh("gen")
        body = self.function(c, name, ("x",), 1 + self.below(3), yields=True, outer_reads=c.scope.reads)
        use = self.pick(
            (
                "list({n}(1))",
                "next({n}(1), 0)",
                "drive({n}(1), 2, 'close')",
                "drive({n}(1), 1, 'throw')",
                "interleave({n}(1), {n}(2))",
                "it = {n}(1); next(it, 0); del it",
            )
        )
        return [Compound([(f"def {name}(x):", body)]), Simple(use.format(n=name))]

    def c_gen_use(self, c):
        """A generator expression that is kept, and used on, later or never."""
        text = self.comp(c, 2, "gen")
        first = Simple(f"it = {text}")
        then = self.pick(
            (
                "next(it, 0)",
                "b = list(it)",
                "it.close()",
                "del it",
                "drive(it, 1, 'throw')",
                "apply(next, it, 0)",
            )
        )
        return [first, *self.block(c, 1), Simple(then)]

    # -- asynchronous
    def c_afor(self, c):
        return self.orelse(
            c,
            [
                (
                    f"async for {self.for_target(c)} in AItems({self.below(4)}{', True' * self.chance(15)}):",
                    self.block(c, loop=True),
                )
            ],
        )

    def c_awith(self, c):
        return Compound([(f"async with {', '.join(self.cm(c) for _ in range(1 + self.below(2)))}:", self.block(c))])

    def c_adef(self, c):
        name = self.fresh("co")
        yields = self.chance(40)
        body = self.function(
            c, name, ("x",), 1 + self.below(2), is_async=True, yields=yields, outer_reads=c.scope.reads
        )
        use = self.pick(
            ("await adrive({n}(1), 2, 'close')", "await adrive({n}(1))", "async for i in {n}(2): note(i)")
            if yields
            else ("await {n}(1)", "b = await {n}(2)", "drive({n}(1), 1, 'close')")
        )
        use = use.format(n=name)
        if use.startswith("async for"):
            head, _, rest = use.partition(": ")
            after = Compound([(head + ":", [Simple(rest)])])
        else:
            after = Simple(use)
        return [Compound([(f"async def {name}(x):", body)]), after]

    # -- text
    def render(self, nodes, indent, step, out):
        flat = list(flatten(nodes))
        at = 0
        while at < len(flat):
            n = flat[at]
            at += 1
            if isinstance(n, Simple):
                texts = [n.text]
                while at < len(flat) and isinstance(flat[at], Simple) and self.chance(12):
                    texts.append(flat[at].text)
                    at += 1
                tail = self.weighted(((30, ""), (1, "  # é: note"), (1, ";"), (1, "   ")))
                out.append(indent + "; ".join(texts).replace("\n", "\n" + indent).replace(HARD, "\n") + tail)
                if self.chance(3):
                    out.append(self.pick(("", indent + "# between")))
                continue
            for d in n.decorators:
                out.append(f"{indent}@{d}")
            for head, body in n.parts:
                head = head.replace("\n", "\n" + indent).replace(HARD, "\n")
                if body is None:  # match: its cases are one level further in
                    out.append(indent + head)
                    self.render([Compound(n.parts[1:])], indent + step, step, out)
                    break
                often = 75 if "terse" in self.syntax else 25
                if all(isinstance(b, Simple) for b in body) and self.chance(often):
                    inner = "; ".join(b.text for b in body).replace("\n", "\n" + indent).replace(HARD, "\n")
                    out.append(f"{indent}{head} {inner}")
                    continue
                out.append(indent + head + self.weighted(((20, ""), (1, "  # why: not"), (1, " "))))
                self.render(body, indent + self.weighted(((12, step), (1, " "), (1, "\t"))), step, out)

    def module(self):
        step = self.weighted(((6, "    "), (1, "  "), (1, "\t")))
        out = []
        is_async = self.kind == "async"
        yields = self.chance(45) if is_async else self.chance(25)
        shape = self.weighted(
            ((8, "plain"), (2, "method"), (1, "static"), (1, "class"), (2, "closure"), (2, "wrapped"))
        )
        me = {"method": "Box().target", "static": "Box.target", "class": "Box.target"}.get(shape, "target")
        call = f"{me}({{x}}, xs)"
        collect = call
        if is_async:
            self.recursion = f"len(drive(adrive({call}, 3)))" if yields else f"len(drive({call}))"
        elif yields:
            self.recursion = f"len(list({call}))"
        else:
            self.recursion = f"({call} or 0)"
        params = ("x", "xs")
        sig = "x, xs"
        if shape == "method":
            params, sig = ("self", "x", "xs"), "self, x, xs"
        elif shape == "class":
            params, sig = ("cls", "x", "xs"), "cls, x, xs"
        sig += self.pick(("", "=()", "=(1,)", ": list = ()", ", *args", ", **kw", ", *, y=G", "=(1, 2), /"))
        if "y=" in sig:
            params = (*params, "y")
        body = self.function(None, "target", params, 3 + self.below(4), is_async=is_async, yields=yields)
        tparam = "[T]" if self.chance(8) else ""
        head = f"{'async ' * is_async}def target{tparam}({sig}){self.pick(('', '', ' -> int'))}:"
        decorators = {"static": ("staticmethod",), "class": ("classmethod",), "wrapped": ("wrap",)}.get(shape, ())
        if self.chance(10):
            decorators = (*decorators, "deco")
        node = Compound([(head, body)], decorators)
        out.append("'''Module é.'''" if self.chance(20) else "# module")
        if is_async:
            out += ["async def helper(x, xs):", "    await pause(x)", "    return x"]
            out += [
                "async def agenerator(x):",
                "    for i in range(3):",
                "        yield i",
                "        await pause()",
            ]
        if shape in ("method", "static", "class"):
            node = Compound([("class Box:", [Simple("'box'"), node])])
        elif shape == "closure":
            node = Compound([("def make(q, G=5):", [node, Simple("return target")])])
        self.render([node], "", step, out)
        if shape == "closure":
            out.append("target = make(3)")
        out.append("")
        n = self.weighted(((5, 1), (3, 2), (3, 3), (2, 11), (1, 13)))
        out += self.main(collect, is_async, yields, n)
        target = {"method": "Box.target", "static": "Box.target", "class": "Box.target"}.get(shape, "target")
        xs = self.pick(([], [1], [1, 2], [3, 1, 2], [0, 1, 2, 3, 4]))
        calls = [Call("main", (xs,), target)]
        if not is_async and not yields and shape == "plain" and not decorators:
            calls.append(Call("target", (self.below(4), xs), None))
        return "\n".join(out) + "\n", tuple(calls)

    def main(self, call, is_async, yields, n):
        one = call.format(x="i")
        if is_async and yields:
            form = (
                f"drive(adrive({one}))",
                f"drive(adrive({one}, {self.below(3)}, {self.pick(ENDS)!r}))",
                f"interleave(adrive({one}), adrive({call.format(x=1)}, 2))",
            )
        elif is_async:
            form = (
                f"drive({one})",
                f"drive({one}, {self.below(4)}, {self.pick(ENDS)!r})",
                f"interleave({one}, {call.format(x=1)})",
            )
        elif yields:
            form = (
                f"list({one})",
                f"drive({one}, {self.below(3)}, {self.pick(ENDS)!r})",
                f"next({one}, None)",
                f"interleave({one}, {call.format(x=1)})",
                f"drive({one}, send=2)",
                f"sum(1 for _ in {one})",
            )
        else:
            form = (
                one,
                one,
                one,
                f"apply(lambda: {one})",
                f"list(map(lambda i: {one}, xs))",
                f"[{one} for i in xs]",
            )
        lines = ["def main(xs):", "    out = []", f"    for i in range({n}):", "        try:"]
        lines += [f"            out.append({self.pick(form)})"]
        lines += [
            "        except Exception as e:",
            "            out.append(type(e).__name__)",
            "            e = None",
        ]
        lines += ["    note('result', repr(out))", "    return out"]
        if self.chance(15):
            del lines[5:8]
            lines[3:5] = [line.replace("    " * 3, "    " * 2) for line in lines[4:5]]
        return lines


def write(rnd, kind="sync", syntax=(), size=22, name="<program>"):
    """One program drawn from `rnd` (random.Random or alike)."""
    source, calls = Writer(rnd, kind, syntax, size).module()
    return Program(source, calls, name)


def program(seed, kind="sync", syntax=(), size=22):
    """The program of a seed: `source, calls = program(7)`; the same text on every interpreter."""
    return write(random.Random(f"{kind} {seed}"), kind, syntax, size, f"<program {kind} {seed}>")


def programs(kind="sync", syntax=(), size=22):
    """A Hypothesis strategy of programs; it shrinks."""
    from hypothesis import strategies as st

    return st.randoms(use_true_random=False, note_method_calls=False).map(lambda rnd: write(rnd, kind, syntax, size))
