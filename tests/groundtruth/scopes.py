"""Which names a function, class or comprehension binds, and what a name means at a place."""

import ast

from .source import COMPS, DEFS, parameters


class Scope:
    """A function, class, comprehension or generator expression that is being rewritten."""

    def __init__(self, kind, parent=None, bound=(), declared=None):
        self.kind = kind  # "function", "class", "comp", "genexp"
        self.parent = parent
        self.bound = set(bound)
        self.declared = declared or {}  # name -> "global" or "nonlocal"
        self.bound -= set(self.declared)
        self.prelude = []  # definitions moved out of expressions
        self.rebinds = {}  # in a comprehension: name -> "global" or "nonlocal", bound by := outside of it
        self.ensure = set()  # in a function: names that only such a comprehension binds
        self.class_name = None
        self.passed = {}  # in a comprehension of a class body: names of the class that it shows -> as they are read
        self.first = None  # the first parameter, for super()

    def owner(self):
        """The scope that a := in a comprehension binds in."""
        scope = self
        while scope.kind in ("comp", "genexp"):
            scope = scope.parent
        return scope

    def around(self):
        """The name of the innermost class in the target that this is in, or None."""
        scope = self
        while scope is not None and scope.kind != "class":
            scope = scope.parent
        return scope and scope.class_name

    def meaning(self, name):
        """What a name is here: "local" or "global", or None where nothing in the target says so.

        It is local if it belongs to this scope, or to a function around it.
        """
        scope = self
        while scope is not None:
            if scope is self or scope.kind != "class":
                if name in scope.bound:
                    return "local"
                if scope.declared.get(name) == "global":
                    return "global"
            scope = scope.parent
        return None


class Binder(ast.NodeVisitor):
    """Collects what the statements of one scope bind and declare."""

    def __init__(self):
        self.bound, self.declared = set(), {}

    def visit_Name(self, node):
        if not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)

    def visit_Global(self, node):
        self.declared.update(dict.fromkeys(node.names, "global"))

    def visit_Nonlocal(self, node):
        self.declared.update(dict.fromkeys(node.names, "nonlocal"))

    def visit_alias(self, node):
        self.bound.add(node.asname or node.name.partition(".")[0])

    def visit_ExceptHandler(self, node):
        self.bound.add(node.name)
        self.generic_visit(node)

    visit_MatchAs = visit_MatchStar = visit_ExceptHandler

    def visit_MatchMapping(self, node):
        self.bound.add(node.rest)
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.bound.add(node.name)
        for part in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        self.bound.add(node.name)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)

    def visit_Lambda(self, node):
        for part in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(part)

    def visit_ListComp(self, node):
        self.visit(node.generators[0].iter)
        self.bound |= walruses(node)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp


def walruses(comp):
    """Names that := binds within a comprehension, so around it."""
    found, todo = set(), [comp]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.NamedExpr):
            found.add(node.target.id)
        if not isinstance(node, ast.Lambda):
            todo += ast.iter_child_nodes(node)
    return found


def scope_of(node, parent):
    """The scope that a definition, class or comprehension opens."""
    binder = Binder()
    if isinstance(node, COMPS):
        for generator in node.generators:
            binder.visit(generator.target)
        kind = "genexp" if isinstance(node, ast.GeneratorExp) else "comp"
        return Scope(kind, parent, binder.bound)
    if isinstance(node, ast.ClassDef):
        for statement in node.body:
            binder.visit(statement)
        scope = Scope("class", parent, binder.bound, binder.declared)
        scope.class_name = node.name
        return scope
    for statement in node.body if isinstance(node, DEFS) else [node.body]:
        binder.visit(statement)
    names = [a.arg for a in parameters(node.args)]
    scope = Scope("function", parent, binder.bound | set(names), binder.declared)
    plain = [*node.args.posonlyargs, *node.args.args]
    scope.first = plain[0].arg if plain else None
    return scope


def mangled(name, class_name):
    """A name as code in a class reads it."""
    if name.startswith("__") and not name.endswith("__") and class_name.strip("_"):
        return f"_{class_name.lstrip('_')}{name}"
    return name


def mentions(nodes):
    """All identifiers read or written in the nodes, nested code included."""
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def taken(nodes):
    """The identifiers in the nodes that are not variables of lambdas and comprehensions in them."""
    found = set()
    for node in nodes:
        if isinstance(node, COMPS):
            first, *others = node.generators
            own = scope_of(node, None).bound
            found |= taken([first.iter]) | (taken([first.target, *first.ifs, *others, *elements(node)]) - own)
        elif isinstance(node, ast.Lambda):
            outside = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            found |= taken(outside) | (taken([node.body]) - scope_of(node, None).bound)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        else:
            found |= taken(ast.iter_child_nodes(node))
    return found


def put_away(comp):
    """Names that have no value in the function around while a comprehension runs, for one within it has them.

    The code of both is the function's. What the outer one names itself, its first iterable aside, is left in place.
    """
    first, *others = comp.generators
    named, inner = set(), set()
    todo = [first.target, *first.ifs, *others, *elements(comp)]
    while todo:
        node = todo.pop()
        if isinstance(node, COMPS):
            todo.append(node.generators[0].iter)
            if not isinstance(node, ast.GeneratorExp):
                inner |= scope_of(node, None).bound | put_away(node)
        elif isinstance(node, ast.Lambda):
            named |= mentions([node])
        else:
            named |= {node.id} if isinstance(node, ast.Name) else set()
            todo += ast.iter_child_nodes(node)
    return inner - named


def elements(comp):
    """The expressions that make an element of a comprehension."""
    parts = [comp.key, comp.value] if isinstance(comp, ast.DictComp) else [comp.elt]
    return [p for p in parts if p is not None]
