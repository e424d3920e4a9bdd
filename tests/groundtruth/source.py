"""The lines of a function as its source has them: where it is, texts, names, which do no work."""

import ast
import functools
import io
import linecache
import types
import warnings
from dataclasses import dataclass

COMPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)
LINES = (ast.stmt, ast.ExceptHandler, ast.match_case, ast.Lambda, *COMPS)
COMPOUND = (
    ast.If,
    ast.While,
    ast.For,
    ast.AsyncFor,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.Match,
    ast.match_case,
    ast.ExceptHandler,
    ast.ClassDef,
    *DEFS,
)


class Unsupported(Exception):
    """What cannot be rewritten so that it does the same; the message says why."""


def plain_function(fn):
    """The Python function whose code is the target: wrappers of all kinds taken off."""
    seen = set()
    while id(fn) not in seen:
        seen.add(id(fn))
        if hasattr(fn, "__wrapped__"):
            fn = fn.__wrapped__
        elif isinstance(fn, types.MethodType | staticmethod | classmethod):
            fn = fn.__func__
        elif isinstance(fn, functools.partial | functools.partialmethod):
            fn = fn.func
    if isinstance(fn, types.FunctionType):
        return fn
    if not isinstance(fn, type) and isinstance(getattr(type(fn), "__call__", None), types.FunctionType):
        return plain_function(type(fn).__call__)
    raise Unsupported(f"not a Python function: {type(fn).__name__}")


@dataclass(eq=False)
class Line:
    """One line of a target; `missing` are names that cannot be read where it stands."""

    index: int
    node: ast.AST
    text: str
    names: list
    workless: bool


def text_of(filename, module_globals):
    """The text of a file as it is now."""
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename, module_globals))
    if not text:
        raise Unsupported(f"no source of {filename}")
    return text


class Source:
    """The text of a file, cut by UTF-8 columns."""

    def __init__(self, text):
        self.lines = io.StringIO(text, newline="\n").readlines()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.tree = ast.parse(text)
        self.bytes = [line.encode() for line in self.lines]
        self.parents = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    def above(self, node):
        """The nodes around a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def locate(self, code):
        """The definition that a code object was compiled from."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, DEFS):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                if node.name == code.co_name and first == code.co_firstlineno:
                    found.append(node)
            elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
                if node.lineno == code.co_firstlineno and self.covers(node.body, code):
                    found.append(node)
        if not found:
            raise Unsupported("the definition is not in the source")
        return found[-1] if code.co_name != "<lambda>" else min(found, key=self.size)

    def covers(self, node, code):
        """Whether all of a lambda's code stands within its body."""
        for line, end_line, col, end_col in code.co_positions():
            if None in (line, end_line, col, end_col):
                continue
            if col == end_col == 0 or (line, col) == (end_line, end_col):
                continue
            whole = self.parents[node]
            if (line, col, end_line, end_col) == place(whole):
                continue
            if (line, col) < place(node)[:2] or (end_line, end_col) > place(node)[2:]:
                return False
        return True

    def size(self, node):
        return len(self.cut(place(node)[:2], place(node)[2:]))

    def cut(self, start, end):
        """The text between two (line, column) positions."""
        (line, col), (end_line, end_col) = start, end
        if line == end_line:
            return self.bytes[line - 1][col:end_col].decode()
        parts = [
            self.bytes[line - 1][col:],
            *self.bytes[line : end_line - 1],
            self.bytes[end_line - 1][:end_col],
        ]
        return b"".join(parts).decode()

    def find(self, start, want):
        """Where the character `want` (or with None: any character) first stands from a position, comments skipped."""
        line, col = start
        while True:
            row = self.bytes[line - 1]
            while col < len(row):
                c = row[col : col + 1]
                if c == b"#":
                    break
                if c == want or (want is None and c not in b" \t\f\r\n;\\"):
                    return line, col
                col += 1
            line, col = line + 1, 0

    def indentation(self, node):
        row = self.lines[node.lineno - 1]
        return row[: len(row) - len(row.lstrip(" \t\f"))]

    def header(self, node, start):
        """A compound statement from its start to its colon."""
        last = max([start, *(place(n)[2:] for n in header_nodes(node))])
        line, col = self.find(last, b":")
        return self.cut(start, (line, col + 1))

    def case_start(self, node):
        """Where the keyword of a case stands: after what is before it."""
        match = self.parents[node]
        at = match.cases.index(node)
        if at:
            return self.find(place(match.cases[at - 1].body[-1])[2:], None)
        line, col = self.find(place(match.subject)[2:], b":")
        return self.find((line, col + 1), None)

    def text(self, node, indentation):
        start = self.case_start(node) if isinstance(node, ast.match_case) else place(node)[:2]
        if isinstance(node, COMPOUND):
            text = self.header(node, start)
        else:
            text = self.cut(start, place(node)[2:])
        first, *rest = text.split("\n")
        return "\n".join([first, *(dedent(line, indentation) for line in rest)])


def dedent(line, indentation):
    """A line without the indentation, where it has all of it."""
    return line.removeprefix(indentation)


def place(node):
    """(line, column, end line, end column) of a node."""
    if isinstance(node, ast.match_case):
        return (*place(node.pattern)[:2], *place(node.body[-1])[2:])
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def header_nodes(node):
    """All nodes with a position in the header of a compound statement."""
    bodies = ("body", "orelse", "finalbody", "handlers", "cases", "decorator_list")
    for name, value in ast.iter_fields(node):
        if name in bodies:
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield from (n for n in ast.walk(item) if hasattr(n, "end_col_offset"))


def children(node):
    """The nodes below a node in the order of their positions."""
    found = []
    for child in ast.iter_child_nodes(node):
        found += [child] if hasattr(child, "lineno") or isinstance(child, ast.match_case) else children(child)
    return sorted(found, key=lambda n: place(n)[:2])


def line_nodes(roots):
    """Depth first, the lines at and below the nodes."""
    for node in roots:
        if isinstance(node, LINES):
            yield node
        yield from line_nodes(children(node))


def own_names(node, top=True):
    """Every identifier that a line mentions, not those in lines nested in it."""
    if not top and isinstance(node, LINES):
        return
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        yield node.name
    elif isinstance(node, ast.MatchMapping):
        yield node.rest
    elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    if isinstance(node, ast.Lambda):
        yield from (a.arg for a in parameters(node.args))
        yield from own_names(node.body, False)
        return
    for child in ast.iter_child_nodes(node):
        yield from own_names(child, False)


def parameters(args):
    """All ast.arg of an ast.arguments."""
    extra = [a for a in (args.vararg, args.kwarg) if a]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *extra]


def value_of(node):
    """The value of an expression without names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(compile(ast.Expression(node), "<constant>", "eval"))


def is_constant(node):
    """Whether the compiler knows the value of an expression."""
    if isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id == "__debug__"):
        return True
    if isinstance(node, ast.JoinedStr):
        return all(isinstance(part, ast.Constant) for part in node.values)
    folding = ast.UnaryOp | ast.BinOp | ast.Tuple | ast.Subscript | ast.BoolOp | ast.IfExp
    if not isinstance(node, folding):
        return False
    try:
        if isinstance(node, ast.IfExp):
            return is_constant(node.test) and is_constant(node.body if value_of(node.test) else node.orelse)
        if isinstance(node, ast.BoolOp) and is_constant(node.values[0]):
            if bool(value_of(node.values[0])) is isinstance(node.op, ast.Or):
                return True  # the other operands are never evaluated
        parts = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
        if not all(map(is_constant, parts)):
            return False
        value_of(node)
    except Exception:
        return False
    return True


def is_workless(node):
    """Whether the compiler may emit nothing for a line."""
    if isinstance(node, ast.Pass | ast.Break | ast.Continue | ast.Global | ast.Nonlocal | ast.Try | ast.TryStar):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Name) or is_constant(node.value)
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    if isinstance(node, ast.If | ast.While | ast.Assert):
        return is_constant(node.test)
    return False


def lines_of(source, definition):
    """The lines of a target, their texts made unique."""
    roots = [definition] if isinstance(definition, ast.Lambda) else definition.body
    indentation = source.indentation(definition)
    found, taken = [], set()
    for node in line_nodes(roots):
        text = source.text(node, indentation)
        while text in taken:
            text += " "
        taken.add(text)
        names = sorted(set(filter(None, own_names(node))))
        found.append(Line(len(found), node, text, names, is_workless(node)))
    return found
