"""From a rewritten definition to the code object that runs in the place of the target's."""

import __future__

import ast
import functools
import inspect
import re
import warnings

from .rewrite import REPORTER, TARGET, Rewriter
from .source import Unsupported
from .templates import fill

FUTURE = functools.reduce(lambda a, b: a | getattr(__future__, b).compiler_flag, __future__.all_feature_names, 0)
HELPER = re.compile(r"__tf_c\d+__\.<locals>\.")
NAMES = ((re.compile(r"__tf_l\d+__"), "<lambda>"), (re.compile(r"__tf_g\d+__"), "<genexpr>"))


def compiled(source, definition, code):
    """The lines of a target and the code object, without a reporter, that reports on them."""
    rewriter = Rewriter(source, definition, code.co_freevars)
    target = rewriter.target()
    body = [target]
    name = rewriter.class_name
    if name is not None:
        body = fill("class _: pass", target)
        body[0].name, body[0].body = name, [target]
        if name not in code.co_freevars:
            body.insert(0, ast.copy_location(ast.Global([name]), target))
    outer = fill("def __tf_outer__(): pass", target)[0]
    outer.args.args = [ast.copy_location(ast.arg(n), target) for n in code.co_freevars if n != "__class__"]
    if name is None and "__class__" in code.co_freevars:
        outer.args.args.append(ast.copy_location(ast.arg("__class__"), target))
    outer.body = body
    tree = ast.fix_missing_locations(ast.Module([outer], []))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = compile(tree, code.co_filename, "exec", flags=code.co_flags & FUTURE, dont_inherit=True)
    except SyntaxError as e:
        raise Unsupported(f"rewritten: {e.msg}") from None
    new = find_code(whole)
    if new.co_freevars != code.co_freevars:
        raise Unsupported(f"free variables {code.co_freevars} became {new.co_freevars}")
    return rewriter.lines, new


def find_code(code):
    if code.co_name == TARGET:
        return code
    for const in code.co_consts:
        if hasattr(const, "co_consts") and (found := find_code(const)):
            return found
    return None


def finished(code, old, reporter):
    """Rewritten code with its reporter, and with the names that it would have."""
    prefix = code.co_qualname

    def renamed(text):
        if text.startswith(prefix):
            text = old.co_qualname + text[len(prefix) :]
        text = HELPER.sub("", text)
        for pattern, name in NAMES:
            text = pattern.sub(name, text)
        return text

    def constant(value):
        if hasattr(value, "co_consts"):
            return replaced(value)
        if isinstance(value, str):
            return reporter if value == REPORTER else renamed(value)
        return value

    def replaced(code):
        return code.replace(
            co_consts=tuple(map(constant, code.co_consts)),
            co_name=renamed(code.co_name),
            co_qualname=renamed(code.co_qualname),
        )

    new = replaced(code)
    flags = new.co_flags | old.co_flags & inspect.CO_ITERABLE_COROUTINE  # types.coroutine's
    return new.replace(
        co_name=old.co_name, co_qualname=old.co_qualname, co_firstlineno=old.co_firstlineno, co_flags=flags
    )
