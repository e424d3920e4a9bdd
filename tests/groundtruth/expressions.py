"""Rewrites what stands in expressions: lambdas and comprehensions become functions."""

import ast

from .scopes import elements, mangled, mentions, scope_of, taken
from .source import COMPS, Unsupported
from .templates import expression, fill

FRAMES = ("locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe")


def awaits(comp):
    """Whether a comprehension is asynchronous."""
    if any(g.is_async for g in comp.generators):
        return True
    first, *others = comp.generators
    todo = [first.target, *first.ifs, *others, *elements(comp)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Await):
            return True
        if isinstance(node, ast.GeneratorExp):
            todo.append(node.generators[0].iter)
        elif isinstance(node, COMPS) and awaits(node):
            return True
        elif not isinstance(node, ast.Lambda):
            todo += ast.iter_child_nodes(node)
    return False


class Expressions(ast.NodeTransformer):
    """Rewrites what stands in expressions: lambdas, comprehensions, yields."""

    def __init__(self, rewriter, scope):
        self.rewriter, self.scope = rewriter, scope

    def visit_Name(self, node):
        if node.id in FRAMES:
            raise Unsupported(f"{node.id}() may show the rewritten frame")
        return node

    def visit_Attribute(self, node):
        if node.attr in FRAMES[-2:]:
            raise Unsupported(f"{node.attr}() may show the rewritten frame")
        return self.generic_visit(node)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id in ("vars", "dir") and node.args:
            for field in ("args", "keywords"):
                setattr(node, field, [self.visit(part) for part in getattr(node, field)])
            return node  # with an argument these show no frame
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args and self.scope.kind == "comp":
            first = self.scope.owner().first
            if first is None:
                raise Unsupported("super() in a comprehension")
            node.args = [expression("__class__", node), expression("_N", node, _N=first)]
        return node

    def visit_NamedExpr(self, node):
        self.generic_visit(node)
        if self.scope.kind in ("comp", "genexp"):
            name, owner = node.target.id, self.scope.owner()
            how = owner.declared.get(name, "nonlocal")
            self.scope.rebinds[name] = how
            if name not in owner.declared:
                owner.ensure.add(name)
        return node

    def visit_Yield(self, node):
        self.generic_visit(node)
        value = node.value or ast.copy_location(ast.Constant(None), node)
        return expression("__tf_f__.wake((yield __tf_f__.sleep(_V)))", node, _V=value)

    def visit_YieldFrom(self, node):
        self.generic_visit(node)
        return expression("__tf_f__.wake((yield from __tf_f__.delegate(_V)))", node, _V=node.value)

    def visit_Await(self, node):
        self.generic_visit(node)
        new = ast.Await(expression("__tf_f__.awaiting(_V)", node, _V=node.value))
        return expression("__tf_f__.wake(_V)", node, _V=ast.copy_location(new, node))

    def visit_Lambda(self, node):
        k, args = self.rewriter.index[node], node.args
        defaults = [self.visit(d) for d in args.defaults]
        kwdefaults = [(a.arg, self.visit(d)) for a, d in zip(args.kwonlyargs, args.kw_defaults) if d is not None]
        made = self.rewriter.lambda_def(node, self.scope, f"__tf_l{k}__")
        self.rewriter.hoist(k, made, self.scope, node)
        nothing = ast.Constant(None)
        pairs = ast.Dict([ast.Constant(n) for n, _ in kwdefaults], [d for _, d in kwdefaults])
        return ast.fix_missing_locations(
            expression(
                "__tf_f__.lambda_(_K, _D, _W)",
                node,
                _K=k,
                _D=ast.Tuple(defaults, ast.Load()) if defaults else nothing,
                _W=pairs if kwdefaults else nothing,
            )
        )

    def comprehension(self, node):
        rewriter, k = self.rewriter, self.rewriter.index[node]
        is_async, is_genexp = awaits(node), isinstance(node, ast.GeneratorExp)
        first = node.generators[0]
        outer = self.visit(first.iter)
        scope = scope_of(node, self.scope)
        if self.scope.kind == "class":
            inner = taken([first.target, *first.ifs, *node.generators[1:], *elements(node)])
            names = set(rewriter.lines[k].names) - inner
            scope.rebinds = {n: "global" for n in names if self.scope.declared.get(n) == "global"}
            if not is_genexp:
                scope.passed = {n: mangled(n, self.scope.class_name) for n in names - set(scope.rebinds)}
        inside = Expressions(rewriter, scope)
        hit = rewriter.sample(k, scope, "element")
        body = self.element(node, inside, hit)
        for at, generator in reversed(list(enumerate(node.generators))):
            for test in reversed(generator.ifs):
                body = [ast.If(inside.visit(test), body, [])]
            it = inside.visit(generator.iter) if at else expression("__tf_i__", node)
            kind = ast.For
            if generator.is_async:
                kind = ast.AsyncFor
                text = "__tf_f__.steps(__tf_f__.aiter(_I))" if at else "__tf_f__.steps(_I)"
                it = expression(text, node, _I=it)
            body = [ast.copy_location(kind(inside.visit(generator.target), it, body, []), generator.target)]
        parameters_ = fill("def f(__tf_i__, __tf_n__=None): pass", node)[0].args
        name = f"__tf_{'g' if is_genexp else 'c'}{k}__"
        rebind = []
        for n, how in sorted(scope.rebinds.items()):
            rebind.append((ast.Global if how == "global" else ast.Nonlocal)([n]))
        if is_genexp:
            body = [*fill("__tf_f__.start(_K)", node, _K=k), *body]
            made = rewriter.function(name, parameters_, body, scope, node, is_async=is_async)
            made.body[:0] = rebind
        else:
            start = {ast.ListComp: "[]", ast.SetComp: "__tf_f__.set()", ast.DictComp: "{}"}[type(node)]
            body = [*fill(f"__tf_o__ = {start}", node), *body]
            body += fill("def f(): return __tf_o__", node)[0].body
            body = [*scope.prelude, *body]
            owner = self.scope.owner() if self.scope.kind == "comp" else self.scope
            if owner.kind != "class" and (mine := mentions([node]) & owner.bound - scope.bound):
                names = ast.Tuple([ast.Constant(n) for n in sorted(mine)], ast.Load())
                text = "try: _B\nexcept NameError:\n    __tf_f__.unbound(_N)\n    raise"
                body = fill(text, node, _B=body, _N=names)
            if is_async:  # a coroutine, unlike a comprehension, makes a RuntimeError of it
                body = fill("try: _B\nexcept StopIteration: return __tf_f__.stopped()", node, _B=body)
            made = (ast.AsyncFunctionDef if is_async else ast.FunctionDef)(
                name, parameters_, [*rebind, *body], [], None, None
            )
            made.type_params = []
        rewriter.hoist(k, ast.fix_missing_locations(ast.copy_location(made, node)), self.scope, node)
        how = "aiter" if first.is_async else "iter"
        names = ", locals()" if scope.passed else ""
        new = expression(f"__tf_f__.helpers[_K](__tf_f__.{how}(_I){names})", node, _K=k, _I=outer)
        if is_async and not is_genexp:
            new = expression("__tf_f__.passed(_V)", node, _V=ast.copy_location(ast.Await(new), node))
        return new

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension

    def element(self, node, inside, hit):
        """Statements that make one element."""
        star = False
        if isinstance(node, ast.DictComp):
            key = inside.visit(node.key)
            if node.value is None:
                value, add = key, "__tf_f__.update(__tf_o__)"
            else:
                value = ast.Tuple([key, inside.visit(node.value)], ast.Load())
                add = "__tf_f__.item(__tf_o__)"
        else:
            value = node.elt
            star = isinstance(value, ast.Starred)
            value = inside.visit(value.value if star else value)
            add = {
                ast.ListComp: "__tf_o__.append(__tf_f__.take())",
                ast.SetComp: "__tf_o__.add(__tf_f__.take())",
                ast.GeneratorExp: "__tf_f__.wake((yield __tf_f__.rest()))",
            }[type(node)]
            if star:
                add = {
                    ast.ListComp: "__tf_f__.extend(__tf_o__)",
                    ast.SetComp: "__tf_f__.extend(__tf_o__)",
                    ast.GeneratorExp: "for __tf_e__ in __tf_f__.take(): __tf_f__.wake((yield __tf_f__.sleep(__tf_e__)))",
                }[type(node)]
        return [*fill("__tf_f__.keep(_V)", node, _V=ast.copy_location(value, node)), *hit, *fill(add, node)]
