"""Results beside those of version 0.0.7 itself: each difference must fall under a row of docs/differences.md.

    python tests/compatibility/test_against_original.py FOLDER [--programs N] [--seconds S]

compares with the 0.0.7 that is installed in a folder and prints what it found as JSON.
"""

import argparse
import ast
import contextlib
import copy
import functools
import io
import itertools
import json
import linecache
import os
import re
import shutil
import subprocess
import sys
import time
import types
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.both_engines

TESTS = Path(__file__).resolve().parents[1]
for folder in (TESTS, TESTS / "corpus", TESTS.parent / "src"):  # also as a script
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import fuzz  # noqa: E402
import programs  # noqa: E402
from groundtruth.source import COMPS, DEFS, LINES, Source, Unsupported, lines_of, place, text_of  # noqa: E402

EXAMPLES = int(os.environ.get("TRACEFUNC_EXAMPLES", "0"))
ID = re.compile(r"\b1\d{14}\b")  # of an object of this process
LEAST = 110  # targets that are compared however long it takes
NAME = "tracefunc_0_0_7"
STDLIB = "textwrap heapq bisect json csv configparser string shlex fractions calendar html statistics".split()
UNAVAILABLE = ("NameError", "<unavailable>")


# -- the original ------------------------------------------------------------------------------------------
def load_original(folder, repair=True):
    """The tracer of 0.0.7, as a module of another name.

    `repair`: let it disassemble a code object once, and not at each event.
    """
    path = Path(folder, "tracefunc", "core.py")
    text = path.read_text(encoding="utf-8")
    if repair:
        text, count = re.subn(
            r"return (\w+)\.setdefault\(code, (\{.*\})\)$",
            r"return \1[code] if code in \1 else \1.setdefault(code, \2)",
            text,
            flags=re.M,
        )
        assert count == 2, "0.0.7 is not what it was"
    module = types.ModuleType(NAME)
    module.__file__ = str(path)
    sys.path.append(str(folder))
    sys.modules[NAME] = module
    exec(compile(text, str(path), "exec"), vars(module))
    return module.tracefunc


# -- what is compared ----------------------------------------------------------------------------------------
@dataclass
class Case:
    name: str
    target: types.FunctionType
    run: object  # (tracer) -> results; tracer(fn, *args, target_func=...)
    row: str = ""  # a snippet's
    expected: bool = False  # whether 0.0.7 differs on this version


def snippet_cases():
    """The snippets of the differences' own tests: what 0.0.7 says there falls under their row."""
    from compatibility.test_differences import SNIPPETS, id_of

    for snippet in SNIPPETS:
        if sys.version_info < snippet.since:
            continue
        fn, target = snippet.functions()
        if target is None and not hasattr(fn, "__code__"):
            continue  # 0.0.7 refuses it

        def run(tracer, snippet=snippet):
            fn, target = snippet.functions()
            return tracer(fn, *copy.deepcopy(snippet.args), target_func=target)

        differs = snippet.differs[0] <= sys.version_info[:3] <= snippet.differs[1]
        yield Case(id_of(snippet), plain(target or fn), run, snippet.row, differs)


def readme_cases():
    from project.test_readme import EXAMPLES

    cases = []

    def note(fn, *args, **kwargs):
        from tracefunc import tracefunc

        cases.append(
            Case(f"README {fn.__name__}", kwargs.get("target_func", fn), lambda tracer: tracer(fn, *args, **kwargs))
        )
        return tracefunc(fn, *args, **kwargs)

    space = {"__name__": "readme"}
    for n, example in enumerate(EXAMPLES):
        name = f"<README {n}>"
        code = example["code"]
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code.replace("from tracefunc import tracefunc", ""), name, "exec"), space)
        space["tracefunc"] = note
    return cases


def own_cases():
    from own import CALLS

    for name, fn, args, target in CALLS:
        yield Case(
            f"own {name}",
            plain(target or fn),
            lambda tracer, fn=fn, args=args, target=target: tracer(fn, *args, target_func=target),
        )


def plain(f):
    while True:
        if isinstance(f, types.MethodType | staticmethod | classmethod):
            f = f.__func__
        elif hasattr(f, "__wrapped__"):
            f = f.__wrapped__
        else:
            return f


def program_cases(seeds, kind):
    for seed in seeds:
        prog = programs.program(seed, kind, size=9)
        for call in prog.calls:
            with contextlib.redirect_stdout(io.StringIO()):
                space = programs.load(prog.source, prog.name)
            target = plain(programs.resolve(space, call.target or call.fn))

            def run(tracer, prog=prog, call=call):
                seen, _ = fuzz.run(prog, call, tracer)
                return RuntimeError(seen.outcome) if seen.traces is None else seen.traces

            yield Case(f"{prog.name} {call.fn} {call.target}", target, run)


def stdlib_cases(names):
    import stdlib

    for name, function_name, f in sorted(stdlib.gather(names), key=lambda t: t[:2]):
        if stdlib.has_source(f):
            run = stdlib.DRIVERS[name]
            yield Case(f"stdlib {function_name}", f, lambda tracer, f=f, run=run: tracer(lambda: run(), target_func=f))


# -- comparing -----------------------------------------------------------------------------------------------
@dataclass
class Difference:
    """Where the two differ: `kind` is one of error, calls, lines, order, text, names, hits, samples, stack."""

    kind: str
    ours: object
    theirs: object
    node: ast.AST | None = None
    text: str = ""
    call: int = 0

    def __str__(self):
        return f"{self.kind} of {self.text!r} in call {self.call}: ours {self.ours!r:.300}, theirs {self.theirs!r:.300}"


def attempt(case, tracer):
    from corpus.common import quiet

    def all_lines(fn, *args, target_func=None):
        return tracer(fn, *args, target_func=target_func, incl_unhit=True)

    with quiet(), fuzz.time_limit(10):
        try:
            return case.run(all_lines)
        except Exception as e:
            return e


def attributed(case, code):
    """How 0.0.7 goes by the frame above: (codes started where it knows no call of the target, calls mixed up with later ones).

    Codes are given as (name, first line), calls by number. A call past the tenth is taken for part of the call that the
    frame above it belongs to.
    """
    frames, lost, mixed, calls = {}, set(), set(), [0]

    def inside(one):
        yield one
        for const in one.co_consts:
            if isinstance(const, types.CodeType):
                yield from inside(const)

    # The same function may have been made anew for this run: codes are known by their place.
    ours = {(c.co_filename, c.co_firstlineno, c.co_name) for c in inside(code)}
    root = (code.co_filename, code.co_firstlineno, code.co_name)

    def profile(frame, event, arg):
        c = frame.f_code
        place = (c.co_filename, c.co_firstlineno, c.co_name)
        if event != "call" or place not in ours or id(frame) in frames:
            return
        call = frames.get(id(frame.f_back), (None, None))[1]
        if place == root:
            calls[0] += 1
            if calls[0] <= 10:
                call = calls[0] - 1
            else:
                mixed.add(call)
        elif call is None:
            lost.add((c.co_name, c.co_firstlineno))
        frames[id(frame)] = frame, call

    def watched(fn, *args, target_func=None, incl_unhit=False):
        from tracefunc import tracefunc

        def go():
            sys.setprofile(profile)
            try:
                return fn(*args)
            finally:
                sys.setprofile(None)

        go()
        return tracefunc(lambda: None)

    attempt(case, watched)
    return lost, mixed


def their_nodes(root):
    """The lines of 0.0.7 in its order; lambdas are none."""
    for child in ast.iter_child_nodes(root):
        if isinstance(child, LINES) and not isinstance(child, ast.Lambda):
            yield child
        yield from their_nodes(child)


class Comparison:
    """One target's source, and the differences of its traces."""

    def __init__(self, case, original):
        from tracefunc import tracefunc

        self.case = case
        self.found = []
        code = case.target.__code__
        self.code = code
        self.source = Source(text_of(code.co_filename, case.target.__globals__))
        self.root = self.source.locate(code)
        self.parents = self.source.parents
        self.ours, self.theirs = attempt(case, tracefunc), attempt(case, original)
        self.source.root, self.source.name, self.source.flags = self.root, case.target.__name__, code.co_flags
        self.source.attributed = functools.cache(lambda: attributed(case, code))
        self.compare()

    def note(self, *args, **kwargs):
        self.found.append(Difference(*args, **kwargs))

    def compare(self):
        if isinstance(self.ours, Exception) or isinstance(self.theirs, Exception):
            if type(self.ours) is not type(self.theirs) or str(self.ours) != str(self.theirs):
                self.note("error", self.ours, self.theirs)
            return
        if len(self.ours) != len(self.theirs):
            self.note("calls", len(self.ours), len(self.theirs))
        lines, theirs = lines_of(self.source, self.root), list(their_nodes(self.root))
        for n, ((stack, trace), (their_stack, their_trace)) in enumerate(zip(self.ours, self.theirs)):
            if stack != their_stack:
                self.note("stack", stack, their_stack, call=n)
            if [line.text for line in lines] != list(trace) or len(their_trace) != len(theirs):
                self.note("lines", list(trace), list(their_trace), call=n)
                continue
            self.compare_call(
                n, {line.node: line.text for line in lines}, trace, dict(zip(theirs, their_trace)), their_trace
            )

    def compare_call(self, n, our_texts, trace, their_texts, their_trace):
        both = [node for node in our_texts if node in their_texts]
        their_order = [node for node in their_texts if node in our_texts]
        if n == 0 and both != their_order:
            self.note("order", [our_texts[x] for x in both], [their_texts[x] for x in their_order])
        for node in [*our_texts, *(x for x in their_texts if x not in our_texts)]:
            text = our_texts.get(node) or their_texts[node]
            where = dict(node=node, text=text, call=n)
            if node not in their_texts or node not in our_texts:
                if n == 0:
                    self.note("line", node in our_texts, node in their_texts, **where)
                continue
            their_text = their_texts[node]
            if n == 0 and text.rstrip(" ") != their_text.rstrip(" "):
                self.note("text", text, their_text, **where)
            (hits, names), (their_hits, their_names) = trace[text], their_trace[their_text]
            if n == 0 and sorted(names) != sorted(their_names):
                self.note("names", sorted(names), sorted(their_names), **where)
            if hits != their_hits:
                self.note("hits", hits, their_hits, **where)
            common = [name for name in names if name in their_names]
            mine, other = ({name: masked(v[name]) for name in common} for v in (names, their_names))
            if mine != other and hits == their_hits:
                bad = {name for name in common if mine[name] != other[name]}
                self.note("samples", {k: mine[k] for k in bad}, {k: other[k] for k in bad}, **where)


def masked(samples):
    """Samples without addresses, be they written as in a repr or as `id` gives them."""
    return [(name, ID.sub("0x", fuzz.ADDRESS.sub("0x", text))) for name, text in samples]


# -- explaining ----------------------------------------------------------------------------------------------------
EXTRA_BREAKS = re.compile("[\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")  # what only str.splitlines takes for a line's end
FUNCTIONS = (*DEFS, ast.Lambda)
BODIES = (*FUNCTIONS, ast.ClassDef, ast.GeneratorExp)
NOW = sys.version_info[:2]


def header(node):
    """What a line shows: all nodes of a simple statement or expression, those of a compound statement's header."""
    suites = ("body", "orelse", "finalbody", "handlers", "cases", "decorator_list")
    for name, value in ast.iter_fields(node):
        if isinstance(node, ast.stmt | ast.ExceptHandler) and isinstance(value, list) and name in suites:
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield from ast.walk(item)


def suite(node):
    """The statements below a statement that belong to the same function or class."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler):
            yield child
            if not isinstance(child, (*DEFS, ast.ClassDef)):
                yield from suite(child)


def around(node, source):
    """The nodes between a line and the target, innermost first."""
    for above in source.above(node):
        if above is source.root:
            return
        yield above


def in_own_header(node, source):
    top = [node, *around(node, source)][-1]
    return top not in source.root.body


def physical(node, source):
    """The physical lines of a line's text."""
    last = place(node.body[0])[0] if isinstance(getattr(node, "body", None), list) else place(node)[2]
    return "".join(source.lines[place(node)[0] - 1 : last])


def is_long_or_unpacks(node):
    """Whether an expression is built piece by piece, with the instructions of a comprehension's elements."""
    if isinstance(node, ast.List | ast.Set | ast.Tuple):
        return len(node.elts) > 15 or any(isinstance(e, ast.Starred) for e in node.elts)
    if isinstance(node, ast.Dict):
        return len(node.keys) > 7 or None in node.keys
    if isinstance(node, ast.Call):
        consumers = ("all", "any", "list", "set", "tuple")
        folded = isinstance(node.func, ast.Name) and node.func.id in consumers and NOW >= (3, 14)
        return any(isinstance(a, ast.Starred) or (folded and isinstance(a, ast.GeneratorExp)) for a in node.args) or (
            len(node.args) + len(node.keywords) > 7 or any(k.arg is None for k in node.keywords)
        )
    return False


# The kinds of differences that a row can be the reason of, and the predicate. More, less: theirs compared with ours.
def more(d):
    return d.kind == "hits" and d.theirs > d.ours


def less(d):
    return d.kind == "hits" and d.theirs < d.ours


def by_past_ten(d, source):
    return more(d) and d.call in source.attributed()[1]


def by_match(d, source):
    return (
        d.kind == "error"
        and "match_case" in str(d.theirs)
        and any(isinstance(n, ast.Match) for n in ast.walk(source.root))
    )


def by_lambda_target(d, source):
    return d.kind == "error" and isinstance(source.root, ast.Lambda) and "Could not locate" in str(d.theirs)


def by_renamed(d, source):
    return d.kind == "error" and source.name != source.root.name and "Could not locate" in str(d.theirs)


def by_callable_fn(d, source):
    return d.kind == "error" and "object has no attribute '__code__'" in str(d.theirs) and bool(d.ours)


def by_indented_string(d, source):
    if d.kind != "error" or not re.search("IndentationError|unexpected indent", repr(d.theirs)):
        return False
    width = len(source.indentation(source.root))
    for node in ast.walk(source.root):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno < node.end_lineno:
            rows = source.lines[node.lineno : node.end_lineno]
            if any(row.strip() and len(row) - len(row.lstrip(" \t")) < width for row in rows):
                return True
    return False


def by_decorated(d, source):
    silent = d.kind == "calls" and d.theirs == 0
    not_found = d.kind == "error" and "Could not locate" in str(d.theirs)
    return (silent or not_found) and bool(getattr(source.root, "decorator_list", ()))


def by_asynchronous_fn(d, source):
    return d.kind == "calls" and (d.ours, d.theirs) == (1, 0) and bool(source.flags & 0x2A0)


def by_non_ascii(d, source):
    return d.kind == "text" and not physical(d.node, source).isascii()


def by_line_breaks(d, source):
    above = source.lines[source.root.lineno - 1 : place(d.node)[2]] if d.node else ()
    return d.kind == "text" and EXTRA_BREAKS.search("".join(above)) is not None


def by_blank_lines(d, source):
    return d.kind == "text" and re.sub(r"[ \t]+$", "", d.ours, flags=re.M) == re.sub(
        r"[ \t]+$", "", d.theirs, flags=re.M
    )


def is_first(node, source):
    """Whether a statement is the first of its suite, so that a header's region ends there."""
    return getattr(source.parents[node], "body", [None])[0] is node


def by_header_only(d, source):
    if not isinstance(getattr(d.node, "body", None), list):
        return False
    first = d.node.body[0]
    if d.kind == "text":
        rest = d.theirs.removeprefix(d.ours.rstrip(" "))
        return rest != d.theirs and re.match(r"\s*[#@]", rest) is not None
    if not more(d):
        return False
    decorated = bool(getattr(first, "decorator_list", ()))
    # Up to 3.12 a function with free variables begins in column 0 of its first line: in the header's region too.
    inner = any(place(n)[0] == place(first)[0] for n in ast.walk(first) if isinstance(n, BODIES))
    # Back from its decorators, a definition is another hit of itself.
    split = isinstance(d.node, (*DEFS, ast.ClassDef)) and d.node.decorator_list and is_first(d.node, source)
    return decorated or (inner and NOW < (3, 13)) or bool(split)


def by_lambda_lines(d, source):
    if d.kind == "line":
        return isinstance(d.node, ast.Lambda) and d.ours
    return more(d) and any(isinstance(n, ast.Lambda) for n in header(d.node))


def by_order(d, source):
    return d.kind == "order"


def by_own_header(d, source):
    return d.kind == "line" and d.theirs and not d.ours and in_own_header(d.node, source)


def by_declared_names(d, source):
    if d.kind != "names" or not isinstance(d.node, (*DEFS, ast.ClassDef, ast.stmt, ast.ExceptHandler)):
        return False
    declared = {name for n in ast.walk(d.node) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
    return set(d.ours) < set(d.theirs) and set(d.theirs) - set(d.ours) <= declared


def by_nested_comprehension(d, source):
    if d.kind not in ("hits", "samples") or not isinstance(d.node, COMPS):
        return False
    inner = any(isinstance(n, COMPS) for n in header(d.node))
    return inner or any(isinstance(n, COMPS) for n in around(d.node, source))


def by_comprehension_unpacking(d, source):
    if not isinstance(d.node, COMPS) or d.kind != "hits":
        return False
    if isinstance(d.node, ast.DictComp):
        return d.node.value is None
    return isinstance(d.node.elt, ast.Starred)


def by_comprehension_await(d, source):
    if not more(d) or not isinstance(d.node, COMPS):
        return False
    return any(isinstance(n, ast.Await) or getattr(n, "is_async", 0) for n in header(d.node))


def by_comprehension_display(d, source):
    return more(d) and isinstance(d.node, COMPS) and any(is_long_or_unpacks(n) for n in header(d.node))


def by_with(d, source):
    return more(d) and isinstance(d.node, ast.With | ast.AsyncWith)


def by_repeated(d, source):
    from groundtruth.source import is_constant, is_workless

    if not less(d):
        return False
    loops = (ast.For, ast.AsyncFor, ast.While)
    if isinstance(d.node, loops):
        return any(is_workless(n) for n in suite(d.node) if isinstance(n, ast.stmt))
    loop = next((a for a in around(d.node, source) if isinstance(a, (*loops, *DEFS))), None)
    if not isinstance(loop, ast.While) or not is_constant(loop.test):
        return False
    return sum(not is_workless(n) for n in suite(loop) if isinstance(n, ast.stmt)) == 1


def by_no_work(d, source):
    from groundtruth.source import is_workless

    return d.kind == "hits" and isinstance(d.node, ast.stmt) and is_workless(d.node)


def by_type_parameters(d, source):
    if not more(d):
        return False
    return isinstance(d.node, ast.TypeAlias) or bool(getattr(d.node, "type_params", ()))


def by_annotations(d, source):
    if not more(d):
        return False
    if isinstance(d.node, COMPS):
        chain = [d.node, *around(d.node, source)]
        return any(
            child in (getattr(n, "annotation", None), getattr(n, "returns", None))
            for child, n in itertools.pairwise(chain)
        )
    if NOW < (3, 14):
        return False
    annotated = any(getattr(n, "annotation", None) for n in header(d.node)) or getattr(d.node, "returns", None)
    return isinstance(d.node, ast.AnnAssign) or (isinstance(d.node, DEFS) and bool(annotated))


def by_called_elsewhere(d, source):
    return less(d) and any(code_of(n) in source.attributed()[0] for n in [d.node, *around(d.node, source)])


def by_dropped_generator(d, source):
    if not less(d) or NOW >= (3, 13):
        return False
    inner = next((n for n in [*around(d.node, source), source.root] if isinstance(n, FUNCTIONS)), source.root)
    return any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(inner))


def by_reused_frame(d, source):
    if d.kind != "hits" or not (3, 13, 0) <= sys.version_info[:3] < (3, 13, 10):
        return False
    return source.flags & 0x2A0 or any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(source.root))


def code_of(node):
    """Name and first line of the code object that a node is compiled to."""
    names = {ast.Lambda: "<lambda>", ast.GeneratorExp: "<genexpr>"}
    name = names.get(type(node)) or getattr(node, "name", "")
    return name, min([place(node)[0], *(d.lineno for d in getattr(node, "decorator_list", ()))])


def gone_in_theirs(d):
    """Names of which theirs has no value at a hit where ours has one; None where the lists differ otherwise too."""
    if d.kind != "samples":
        return None
    pairs = {name: list(zip(d.ours[name], d.theirs[name])) for name in d.ours}
    if all(a == b or b == UNAVAILABLE for pair in pairs.values() for a, b in pair):
        return set(pairs)
    return None


def by_late_sample(d, source):
    gone = gone_in_theirs(d)
    if not gone:
        return False
    names = {a.name for a in [d.node, *around(d.node, source)] if isinstance(a, ast.ExceptHandler)}
    return gone <= names


def by_unbound(d, source):
    if d.kind != "samples":
        return False
    bound = {n.id for n in ast.walk(source.root) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    pairs = {name: list(zip(d.ours[name], d.theirs[name])) for name in d.ours}
    return pairs.keys() <= bound and all(a == b or a == UNAVAILABLE for pair in pairs.values() for a, b in pair)


def by_class_names(d, source):
    gone = gone_in_theirs(d)
    return bool(gone) and any(isinstance(a, ast.ClassDef) for a in around(d.node, source))


PREDICATES = {name[3:].replace("_", "-"): value for name, value in list(globals().items()) if name.startswith("by_")}


def explain(difference, source):
    """The id of the row that a difference falls under, or None."""
    return next((row for row, holds in PREDICATES.items() if holds(difference, source)), None)


# -- in a process of its own -----------------------------------------------------------------------------------------
def is_steady(case, difference):
    """Whether two runs of ours, with other addresses, say the same there."""
    kept = [[object() for _ in range(n)] for n in range(100)]
    one, other = (Comparison(case, tracer_of_ours()).ours for _ in range(2))
    del kept
    try:
        pair = [traces[difference.call][1][difference.text] for traces in (one, other)]
    except (TypeError, IndexError, KeyError):
        return True
    return masked_names(pair[0][1]) == masked_names(pair[1][1])


def masked_names(names):
    return {name: masked(samples) for name, samples in names.items()}


def tracer_of_ours():
    from tracefunc import tracefunc

    return tracefunc


def survey(cases, original, seconds):
    """Compare all cases, or as many as there is time for: what main() prints."""
    began = time.monotonic()
    rows, examples, unexplained, skipped, targets = Counter(), {}, [], [], []
    for case in cases:
        if time.monotonic() - began > seconds and len(targets) > LEAST:
            break
        try:
            comparison = Comparison(case, original)
        except (Unsupported, fuzz.TooLong) as e:
            skipped.append(f"{case.name}: {type(e).__name__} {e}")
            continue
        targets.append(case.name)
        here = set()
        for d in comparison.found:
            row = explain(d, comparison.source)
            if row is None:
                if is_steady(case, d):
                    unexplained.append(f"{case.name}: {type(d.node).__name__}: {d}")
                continue
            here.add(row)
            rows[row] += 1
            examples.setdefault(row, f"{case.name}: {d}")
        if case.row:
            examples[f"snippet {case.name}"] = [case.row, case.expected, sorted(here)]
    return dict(
        targets=targets, rows=rows, examples=examples, unexplained=unexplained, skipped=skipped,
        seconds=round(time.monotonic() - began, 1),
    )  # fmt: skip


def all_cases(count):
    yield from snippet_cases()
    yield from readme_cases()
    yield from own_cases()
    lists = [stdlib_cases(STDLIB)]
    if sys.version_info[:3] != (3, 13, 0):  # which crashes where 0.0.7 reads the locals of some frames
        lists += [program_cases(range(count), "sync"), program_cases(range(count // 2), "async")]
    while lists:
        for one in list(lists):
            case = next(one, None)
            if case is None:
                lists.remove(one)
            else:
                yield case


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--programs", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=1e9)
    args = parser.parse_args()
    original = load_original(args.folder)
    print("\n" + json.dumps(survey(all_cases(args.programs), original, args.seconds), indent=1))


# -- the tests -------------------------------------------------------------------------------------------------------
def install(folder, *requirements):
    """Install packages, without what they need, into a folder of their own; fail where that is impossible."""
    stamp = folder / ".complete"
    if stamp.exists() and stamp.read_text() == repr(requirements):
        return
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv")
    own_uv = Path(TESTS.parent, ".venvs", "uv", "bin", "uv")
    tried = []
    for installer in (
        [uv, "pip", "install", "--python", sys.executable],
        [own_uv, "pip", "install", "--python", sys.executable],
        [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable],
        [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"],
    ):
        if installer[0] is None or not Path(installer[0]).exists():
            continue
        command = [*map(str, installer), "--quiet", "--no-deps", "--target", str(folder), *requirements]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        if done.returncode == 0:
            stamp.write_text(repr(requirements))
            return
        tried.append(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    pytest.fail("cannot install " + " ".join(requirements) + ":\n" + "\n".join(tried))


@contextlib.contextmanager
def locked(path):
    """Let one process at a time do what is in the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def folder_with(name, *requirements):
    """The folder of the project's `.venvs` that holds some packages from PyPI for this interpreter."""
    version = "".join(map(str, sys.version_info[:3]))
    folder = TESTS.parent / ".venvs" / f"{name}-{sys.implementation.name}{version}"
    with locked(folder.with_name(folder.name + ".lock")):
        install(folder, *requirements)
    return folder


def compared():
    """What a survey in a process of its own found."""
    folder = folder_with("original", "tracefunc==0.0.7", "fastcore==2.2.39")
    command = [sys.executable, "-W", "ignore", __file__, folder, "--programs", str(EXAMPLES or 6)]
    if not EXAMPLES:
        command += ["--seconds", "4"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120 + 3 * EXAMPLES)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout[done.stdout.rindex("\n{\n") :])


@pytest.mark.heavy
@pytest.mark.timeout(400 + 3 * EXAMPLES)
def test_each_difference_has_a_row():
    from compatibility.test_differences import rows

    comparison = compared()
    found = comparison["unexplained"]
    assert not found, f"{len(found)} differences that no row explains:\n" + "\n".join(found[:20])
    assert len(comparison["targets"]) >= LEAST
    assert len(comparison["skipped"]) < len(comparison["targets"]) / 20, comparison["skipped"]
    assert comparison["rows"].keys() <= {row for row, _ in rows()}
    # A snippet differs on the versions that it names, and falls under its own row then.
    shown = {name: e for name, e in comparison["examples"].items() if name.startswith("snippet ")}
    assert len(shown) > 30
    wrong = {name: e for name, e in shown.items() if e[1] != (e[0] in e[2])}
    assert not wrong


def test_predicates_are_rows():
    from compatibility.test_differences import rows

    assert PREDICATES.keys() <= {row for row, _ in rows()}


# -- the classification itself must be able to fail
def difference_of(source, change):
    """What is found, and by which row explained, where "theirs" is ours with a change."""
    linecache.cache["<changed>"] = (len(source), None, source.splitlines(True), "<changed>")
    space = {}
    exec(compile(source, "<changed>", "exec"), space)

    def changed(fn, *args, **kwargs):
        from tracefunc import tracefunc

        traces = tracefunc(fn, *args, **kwargs)
        change(traces[0][1])
        return traces

    case = Case("changed", space["f"], lambda tracer: tracer(space["f"], 3))
    comparison = Comparison(case, changed)
    return [explain(d, comparison.source) for d in comparison.found]


SOURCE = "def f(n):\n    for i in range(n):\n        n += i\n    return n\n"


def test_the_same_is_no_difference():
    assert difference_of(SOURCE, lambda trace: None) == []


@pytest.mark.parametrize("text", ["for i in range(n):", "n += i", "return n"])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_wrong_count_is_not_explained(text, by):
    def change(trace):
        hits, names = trace[text]
        trace[text] = hits + by, names

    assert difference_of(SOURCE, change) == [None]


@pytest.mark.parametrize("text", ["for i in range(n):", "n += i", "return n"])
def test_a_wrong_sample_is_not_explained(text):
    def change(trace):
        trace[text][1]["n"][-1] = "int", "77"

    assert difference_of(SOURCE, change) == [None]


def test_a_wrong_text_is_not_explained():
    def change(trace):
        items = [(text.replace("return", "return "), value) for text, value in trace.items()]
        trace.clear()
        trace.update(items)

    assert difference_of(SOURCE, change) == [None]


if __name__ == "__main__":
    main()
