"""Statements made from text, with nodes of the program in the place of names."""

import ast
import functools
import pickle


@functools.cache
def template(text):
    return pickle.dumps(ast.parse(text).body)  # to be loaded anew is the fastest way to a copy of a tree


class Fill(ast.NodeTransformer):
    """Puts nodes and lists of statements in the place of names in a template."""

    def __init__(self, parts, at):
        self.parts, self.at = parts, at

    def visit(self, node):
        if "lineno" in node._attributes:
            ast.copy_location(node, self.at)
        return super().visit(node)

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Name) and isinstance(self.parts.get(node.value.id), list):
            return self.parts[node.value.id]
        return self.generic_visit(node)

    def visit_Name(self, node):
        part = self.parts.get(node.id)
        if isinstance(part, str):
            node.id = part
            return node
        if part is None:
            return node
        return part if isinstance(part, ast.AST) else ast.copy_location(ast.Constant(part), self.at)

    def visit_ExceptHandler(self, node):
        if node.name in self.parts:
            node.name = self.parts[node.name]
        return self.generic_visit(node)


def fill(text, at, **parts):
    """The statements of a template; `at` gives their location."""
    out = []
    for node in pickle.loads(template(text)):
        new = Fill(parts, at).visit(node)
        out += new if isinstance(new, list) else [new]
    return out


def expression(text, at, **parts):
    return fill(text, at, **parts)[0].value


def anchor(node):
    """A node with a location: a `case` itself has none."""
    return node if hasattr(node, "lineno") else node.pattern


# What the rewritten statements look like: _HIT, _FAILED and _FAIL count and sample, see runtime.Frame.
SIMPLE = """
__tf_f__.start(_K)
try:
    _S
except BaseException:
    _FAILED
    raise
_HIT
"""
IF = """
__tf_f__.start(_K)
try:
    __tf_f__.keep(True if _T else False)
except BaseException:
    _FAILED
    raise
_HIT
if __tf_f__.take():
    _BODY
else:
    _ELSE
    pass
"""
WHILE = """
__tf_f__.flag(_K, True)
while __tf_f__.flags[_K]:
    __tf_f__.start(_K)
    try:
        __tf_f__.flag(_K, True if _T else False)
    except BaseException:
        _FAILED
        raise
    _HIT
    if __tf_f__.flags[_K]:
        _BODY
else:
    _ELSE
    pass
"""
FOR = """
__tf_f__.begin(_K)
try:
    for _V in __tf_f__.loop(_K, _I):
        _HIT
        _BODY
    else:
        _HIT
        _ELSE
except BaseException:
    _FAIL
    raise
"""
GUARDED = """
try:
    _S
except BaseException:
    _FAIL
    raise
"""
HANDLER = """
__tf_f__.start(_K)
try:
    __tf_f__.keep(__tf_f__.matches(_T))
except BaseException:
    _FAILED
    raise
if __tf_f__.take():
    _BIND
    _HIT
    _BODY
else:
    _HIT
    _NEXT
"""
BINDING = """
try:
    _BODY
finally:
    _E = None
    del _E
"""
CASE = """
__tf_f__.flag(_K, False)
__tf_f__.start(_K)
try:
    _MATCH
except BaseException:
    _FAILED
    __tf_f__.flag(_M, None)
    raise
_HIT
if __tf_f__.flags[_K]:
    __tf_f__.flag(_M, None)
    _BODY
else:
    _NEXT
"""
FUNCTION = """
__tf_f__ = _R.enter(_TARGET)
try:
    _BODY
finally:
    __tf_f__.leave()
"""
