"""Rewrites a definition so that it reports by itself what each of its lines does."""

import ast
import copy
import sys

from .expressions import Expressions
from .scopes import Scope, elements, mangled, mentions, put_away, scope_of, taken
from .source import COMPS, DEFS, LINES, Unsupported, lines_of, parameters
from .templates import (
    BINDING,
    CASE,
    FOR,
    FUNCTION,
    GUARDED,
    HANDLER,
    IF,
    SIMPLE,
    WHILE,
    anchor,
    expression,
    fill,
)

REPORTER = "\0the reporter"
TARGET = "__tf_target__"


class Rewriter:
    """Builds, for one definition, the statements that do the same and report."""

    def __init__(self, source, definition, freevars):
        self.source, self.definition = source, definition
        self.lines = lines_of(source, definition)
        self.index = {line.node: line.index for line in self.lines}
        around = [n for n in source.above(definition) if isinstance(n, (*DEFS, ast.Lambda, ast.ClassDef, *COMPS))]
        self.hidden = set()  # names of enclosing functions that the target does not close over
        for at, node in enumerate(around):
            if not isinstance(node, ast.ClassDef):
                owner = next((n.name for n in around[at:] if isinstance(n, ast.ClassDef)), "")
                self.hidden |= {mangled(name, owner) for name in scope_of(node, None).bound}
        self.hidden -= set(freevars)
        self.freevars = freevars
        self.class_name = next((n.name for n in around if isinstance(n, ast.ClassDef)), None)

    # -- reports
    def sample(self, k, scope, method="hit"):
        """Statements that count line k and show its names, as they are read in `scope`."""
        line = self.lines[k]
        at = anchor(line.node)
        reads = []
        for name in line.names:
            if self.unreadable(name, line.node, scope):
                reads += fill("__tf_f__.miss(_K, _N)", at, _K=k, _N=ast.Constant(name))
            elif name in scope.passed:
                reads += fill(
                    "if _M in __tf_n__: __tf_f__.put(_K, _N, __tf_n__[_M])\nelse: _READ",
                    at,
                    _M=ast.Constant(scope.passed[name]),
                    _N=ast.Constant(name),
                    _K=k,
                    _READ=self.read(k, name, at),
                )
            else:
                reads += self.read(k, name, at)
        call = expression(f"__tf_f__.{method}(_K)", at, _K=k)
        if not reads:
            return [ast.copy_location(ast.Expr(call), at)]
        return [ast.copy_location(ast.If(call, reads, []), at)]

    def read(self, k, name, at):
        value = ast.copy_location(ast.Name(name, ast.Load()), at)
        return fill(
            "try: __tf_f__.put(_K, _N, _V)\nexcept NameError: __tf_f__.miss(_K, _N)",
            at,
            _K=k,
            _N=ast.Constant(name),
            _V=value,
        )

    def unreadable(self, name, node, scope):
        """Whether a name cannot be read where the line stands."""
        if any(p.name == name for p in getattr(node, "type_params", ())):
            return True
        stored = mangled(name, scope.around() or self.class_name or "")
        if stored in self.hidden and scope.meaning(name) is None:
            return True
        if isinstance(node, ast.GeneratorExp):
            first, *others = node.generators
            if name not in taken([first.target, *first.ifs, *others, *elements(node)]):
                meaning = scope.parent.meaning(name)
                return meaning == "local" or (meaning is None and stored in self.freevars)
        elif isinstance(node, COMPS) and name in put_away(node):
            around = scope.parent
            while around.kind == "comp" and name not in around.bound:
                around = around.parent
            return around.kind != "class" and name in around.bound
        return False

    def parts(self, k, scope):
        """What most templates need of a line."""
        return {
            "_K": k,
            "_HIT": self.sample(k, scope),
            "_FAILED": self.sample(k, scope, "failed"),
            "_FAIL": self.sample(k, scope, "fail"),
        }

    # -- expressions
    def expr(self, node, scope):
        return None if node is None else Expressions(self, scope).visit(node)

    def no_lines(self, what, *nodes, kinds=LINES):
        for node in nodes:
            if node is not None and any(isinstance(n, kinds) for n in ast.walk(node)):
                raise Unsupported(f"code within {what}")

    def later(self, node, k, scope):
        """Functions that evaluate what type parameters and aliases evaluate when asked, and now call instead."""
        made, names = [], [p.name for p in node.type_params]
        parts = [(p, field) for p in node.type_params for field in ("bound", "default_value")]
        for owner, field in [*parts, (node, "value")]:
            value = getattr(owner, field, None)
            if value is None or not any(isinstance(n, LINES) for n in ast.walk(value)):
                continue
            if scope.kind == "class":
                raise Unsupported("code within a type parameter or alias of a class")
            used = ", ".join(sorted(mentions([value]) & set(names)))
            name, inner = f"__tf_v{k}_{len(made)}__", Scope("function", scope, names)
            body = fill("def f(): return _V", node, _V=self.expr(value, inner))[0].body
            made.append(self.function(name, fill(f"def f({used}): pass", node)[0].args, body, inner, node))
            setattr(owner, field, expression(f"{name}({used})", node))
        return made

    # -- functions
    def function(self, name, args, body, scope, at, is_target=False, is_async=False, doc=None):
        """A function that reports its first and last step."""
        reporter = ast.copy_location(ast.Constant(REPORTER), at)
        whole = fill(FUNCTION, at, _R=reporter, _TARGET=is_target, _BODY=[*scope.prelude, *body])
        for n in sorted(scope.ensure):
            whole[:0] = fill("if False: _N = None", at, _N=n)
        if doc is not None:
            whole.insert(0, doc)
        kind = ast.AsyncFunctionDef if is_async else ast.FunctionDef
        new = kind(name, args, whole, [], None, None)
        new.type_params = []
        return ast.copy_location(new, at)

    def definition_body(self, node, scope):
        """The rewritten statements of a body and its docstring."""
        body, doc = list(node.body), None
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            doc, out = first, self.sample(self.index[first], scope)
            body = body[1:]
        else:
            out = []
        return [*out, *self.block(body, scope)], doc

    def target(self):
        """The target as a plain `def`."""
        node = self.definition
        if isinstance(node, ast.Lambda):
            return self.lambda_def(node, None, TARGET, True)
        scope = scope_of(node, None)
        body, doc = self.definition_body(node, scope)
        is_async = isinstance(node, ast.AsyncFunctionDef)
        return self.function(TARGET, bare(node.args), body, scope, node, True, is_async, doc)

    def lambda_def(self, node, parent, name, is_target=False):
        k = self.index[node]
        for n in ast.walk(node.body):
            if isinstance(n, ast.Yield | ast.YieldFrom | ast.Await):
                raise Unsupported("a lambda that yields")
        scope = scope_of(node, parent)
        keep = fill("__tf_f__.keep(_V)", node, _V=self.expr(node.body, scope))
        body = fill(SIMPLE + "return __tf_f__.take()", node, _S=keep, **self.parts(k, scope))
        return self.function(name, bare(node.args), body, scope, node, is_target)

    def hoist(self, k, definition, scope, at):
        """Statements before a scope's own that keep a definition for an expression."""
        definition.decorator_list = [expression("__tf_f__.store(_K)", at, _K=k)]
        scope.prelude += [definition, *fill("del _N", at, _N=definition.name)]

    # -- statements
    def block(self, statements, scope):
        out = []
        for node in statements:
            method = getattr(self, "do_" + type(node).__name__, self.simple)
            new = method(node, self.index[node], scope)
            for n in new:
                if not hasattr(n, "lineno"):
                    ast.copy_location(n, anchor(node))
            out += new
        return out

    def simple(self, node, k, scope):
        Expressions(self, scope).generic_visit(node)
        return fill(SIMPLE, node, _S=[node], **self.parts(k, scope))

    def before(self, node, k, scope):
        return [*self.sample(k, scope), node]

    do_Pass = do_Break = do_Continue = before

    def do_Global(self, node, k, scope):
        return [node, *self.sample(k, scope)]

    do_Nonlocal = do_Global

    def do_Return(self, node, k, scope):
        if node.value is None:
            return self.before(node, k, scope)
        keep = fill("__tf_f__.keep(_V)", node, _V=self.expr(node.value, scope))
        after = fill("def f(): return __tf_f__.take()", node)[0].body
        return [*fill(SIMPLE, node, _S=keep, **self.parts(k, scope)), *after]

    def do_AnnAssign(self, node, k, scope):
        if not (node.simple and scope.kind != "class"):
            self.no_lines("an annotation", node.annotation, kinds=ast.Lambda)
        node.value = self.expr(node.value, scope)
        node.target = self.expr(node.target, scope)
        if node.value is None and node.simple and (scope.kind != "class" or sys.version_info >= (3, 14)):
            return [node, *self.sample(k, scope)]
        if node.simple and scope.kind == "class" and sys.version_info >= (3, 14):
            # Not within a `try`: the compiler keeps account of annotations that are.
            keep = fill("__tf_f__.keep(_V)", node, _V=node.value)
            node.value = expression("__tf_f__.take()", node)
            parts = self.parts(k, scope)
            start = fill(SIMPLE, node, **{**parts, "_S": keep, "_HIT": [ast.Pass()]})
            return [*start, node, *parts["_HIT"]]
        return fill(SIMPLE, node, _S=[node], **self.parts(k, scope))

    def do_TypeAlias(self, node, k, scope):
        return [*self.later(node, k, scope), *fill(SIMPLE, node, _S=[node], **self.parts(k, scope))]

    def do_FunctionDef(self, node, k, scope):
        reports = self.parts(k, scope)
        annotations = [a.annotation for a in parameters(node.args)]
        self.no_lines("an annotation", node.returns, *annotations, kinds=ast.Lambda)
        later = self.later(node, k, scope)
        inner = scope_of(node, scope)
        for p in node.type_params:
            inner.bound.add(p.name)
        node.decorator_list = [self.expr(d, scope) for d in node.decorator_list]
        node.args.defaults = [self.expr(d, scope) for d in node.args.defaults]
        node.args.kw_defaults = [self.expr(d, scope) for d in node.args.kw_defaults]
        body, doc = self.definition_body(node, inner)
        node.body = self.function("_", bare(node.args), body, inner, node, doc=doc).body
        return [*later, *fill(SIMPLE, node, _S=[node], **reports)]

    do_AsyncFunctionDef = do_FunctionDef

    def do_ClassDef(self, node, k, scope):
        reports = self.parts(k, scope)
        later = self.later(node, k, scope)
        params = {p.name for p in node.type_params}
        if params and (scope.kind == "class" or params & mentions([*node.bases, *node.keywords])):
            self.no_lines("a generic class's bases", *node.bases, *node.keywords)
        inner = scope_of(node, scope)
        node.decorator_list = [self.expr(d, scope) for d in node.decorator_list]
        node.bases = [self.expr(d, scope) for d in node.bases]
        node.keywords = [self.expr(d, scope) for d in node.keywords]
        body, doc = self.definition_body(node, inner)
        node.body = [*([doc] if doc else []), *inner.prelude, *body]
        return [*later, *fill(SIMPLE, node, _S=[node], **reports)]

    def do_If(self, node, k, scope):
        return fill(
            IF,
            node,
            _T=self.expr(node.test, scope),
            _BODY=self.block(node.body, scope),
            _ELSE=self.block(node.orelse, scope),
            **self.parts(k, scope),
        )

    def do_While(self, node, k, scope):
        return fill(
            WHILE,
            node,
            _T=self.expr(node.test, scope),
            _BODY=self.block(node.body, scope),
            _ELSE=self.block(node.orelse, scope),
            **self.parts(k, scope),
        )

    def do_For(self, node, k, scope):
        new = fill(
            FOR,
            node,
            _V=self.expr(node.target, scope),
            _I=self.expr(node.iter, scope),
            _BODY=self.block(node.body, scope),
            _ELSE=self.block(node.orelse, scope),
            **self.parts(k, scope),
        )
        if isinstance(node, ast.AsyncFor):
            old = new[1].body[0]
            new[1].body[0] = ast.copy_location(ast.AsyncFor(old.target, old.iter, old.body, old.orelse), old)
            old.iter.func.attr = "aloop"
        return new

    do_AsyncFor = do_For

    def do_With(self, node, k, scope):
        reports = self.parts(k, scope)
        kind = type(node)
        items = [(self.expr(i.context_expr, scope), self.expr(i.optional_vars, scope)) for i in node.items]
        inner = [*reports["_HIT"], *self.block(node.body, scope)]
        for manager, target in reversed(items):
            variable = target
            if target is not None:
                if not isinstance(target, ast.Name):
                    variable = expression("__tf_f__.value", node)
                    variable.ctx = ast.Store()
                    inner = fill("_T = __tf_f__.release()\n_B", node, _T=target, _B=inner)
                    inner = fill(GUARDED, node, _S=inner, **reports)
            if kind is ast.AsyncWith:
                manager = expression("__tf_f__.manager(_M)", node, _M=manager)
            whole = ast.copy_location(kind([ast.withitem(manager, variable)], inner), node)
            inner = fill(GUARDED, node, _S=[whole], **reports)
        return [*fill("__tf_f__.begin(_K)", node, _K=k), *inner]

    do_AsyncWith = do_With

    def do_Try(self, node, k, scope):
        body = self.block(node.body, scope)
        handlers = fill("raise", node)
        for handler in reversed(node.handlers):
            handlers = self.handler(handler, handlers, scope)
        new = ast.Try(body, [], self.block(node.orelse, scope), self.block(node.finalbody, scope))
        if node.handlers:
            new.handlers = fill("try: pass\nexcept BaseException: _H", node, _H=handlers)[0].handlers
        return [*self.sample(k, scope), ast.copy_location(new, node)]

    def handler(self, node, following, scope):
        k = self.index[node]
        if node.type is None:
            return [*self.sample(k, scope), *self.block(node.body, scope)]
        bind, body = [], self.block(node.body, scope)
        if node.name:
            bind = fill("_E = __tf_f__.exception()", node, _E=node.name)
            body = fill(BINDING, node, _E=node.name, _BODY=body)
        return fill(
            HANDLER,
            node,
            _T=self.expr(node.type, scope),
            _BIND=bind,
            _BODY=body,
            _NEXT=following,
            **self.parts(k, scope),
        )

    def do_TryStar(self, node, k, scope):
        if scope.kind == "class":
            raise Unsupported("except* in a class body")
        handlers, fails, before = [], [], None
        for handler in node.handlers:
            h = self.index[handler]
            sampler = fill("def _(): _HIT", handler, _HIT=self.sample(h, scope))[0]
            sampler.name = f"__tf_s{h}__"
            self.hoist(h, sampler, scope, handler)
            fails += self.sample(h, scope, "fail")
            type_ = expression(
                "__tf_f__.star(__tf_f__.header(_K, _B), _T)",
                handler,
                _K=h,
                _B=ast.Constant(before),
                _T=self.expr(handler.type, scope),
            )
            handler.type = type_
            handler.body = [*self.sample(h, scope), *self.block(handler.body, scope)]
            handlers.append(handler)
            before = h
        handlers += fill("try: pass\nexcept* __tf_f__.last(_B): pass", node, _B=before)[0].handlers
        inner = ast.copy_location(
            ast.TryStar(self.block(node.body, scope), handlers, self.block(node.orelse, scope), []), node
        )
        new = fill(GUARDED, node, _S=[inner], _FAIL=fails)
        new[0].finalbody = self.block(node.finalbody, scope)
        return [*self.sample(k, scope), *new]

    def do_Match(self, node, k, scope):
        subject = fill("__tf_f__.flag(_K, _V)", node, _K=k, _V=self.expr(node.subject, scope))
        following = fill("__tf_f__.flag(_K, None)", node, _K=k)
        for case in reversed(node.cases):
            h, at = self.index[case], case.pattern
            matched = fill("__tf_f__.flag(_K, True)", at, _K=h)
            match = fill("match __tf_f__.flags[_K]:\n    case _: pass", at, _K=k)
            pattern, guard = self.expr(case.pattern, scope), self.expr(case.guard, scope)
            match[0].cases = [ast.match_case(pattern, guard, matched)]
            following = fill(
                CASE,
                at,
                _MATCH=match,
                _M=k,
                _BODY=self.block(case.body, scope),
                _NEXT=following,
                **self.parts(h, scope),
            )
        return [*fill(SIMPLE, node, _S=subject, **self.parts(k, scope)), *following]


def bare(args):
    """Parameters without defaults and annotations."""
    new = copy.deepcopy(args)
    for a in parameters(new):
        a.annotation = None
    new.defaults, new.kw_defaults = [], [None] * len(new.kwonlyargs)
    return new
