"""What can be traced, in whatever form it is passed, written or stored; and what the answer is."""

import abc
import asyncio
import contextlib
import copy
import doctest
import functools
import importlib
import importlib.machinery
import importlib.util
import inspect
import itertools
import linecache
import math
import os
import pickle
import sys
import textwrap
import types
import zipfile

import pytest

from tracefunc import TraceResults, tracefunc

pytestmark = pytest.mark.both_engines

HERE = os.path.basename(__file__)


def hits(results):
    """{line: hits} of the only recorded call."""
    ((_, trace),) = results
    return {line: count for line, (count, _) in trace.items()}


def texts(results, line, name):
    ((_, trace),) = results
    return [text for _, text in trace[line][1][name]]


# --- decorated functions ------------------------------------------------------------------------------------------


def logged(prefix=""):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            note = prefix + "before"
            return function(*args, **kwargs)

        return wrapper

    return decorate


@logged()
def wrapped(x):
    y = x + 1
    return y


@logged("a")
@logged(
    "b",
)
@functools.lru_cache(maxsize=None)
def wrapped_thrice(x):
    y = x + 1
    return y


WRAPPED = {"y = x + 1": 1, "return y": 1}
NEVER_CACHED = itertools.count(1)


@pytest.mark.parametrize("function", [wrapped, wrapped_thrice])
def test_a_decorated_functions_own_code(function):
    first, second = next(NEVER_CACHED), next(NEVER_CACHED)
    assert hits(tracefunc(function, first)) == WRAPPED
    assert hits(tracefunc(lambda: function(second), target_func=function)) == WRAPPED


def test_a_cached_call_is_no_call():
    @functools.lru_cache
    def cached(x):
        return x * 2

    def fn():
        return cached(1), cached(1), cached(2)

    assert len(tracefunc(fn, target_func=cached)) == 2
    assert tracefunc(fn, target_func=cached) == []


def test_a_cached_property_and_a_property():
    class C:
        @functools.cached_property
        def cached(self):
            return 1

        @property
        def plain(self):
            return 2

    def fn():
        c = C()
        return c.cached, c.cached, c.plain, c.plain

    assert len(tracefunc(fn, target_func=C.__dict__["cached"].func)) == 1
    assert len(tracefunc(fn, target_func=C.plain.fget)) == 2


def test_a_context_manager_made_of_a_generator():
    @contextlib.contextmanager
    def opened(name):
        handle = name.upper()
        try:
            yield handle
        finally:
            closed = True

    def fn():
        with opened("a") as one, opened("b"):
            inside = one
        try:
            with opened("c"):
                raise KeyError
        except KeyError:
            pass

    results = tracefunc(fn, target_func=opened)
    assert len(results) == 3
    for _, trace in results:
        assert [trace[line][0] for line in ("handle = name.upper()", "yield handle", "closed = True")] == [1, 1, 1]
    assert results.exc is None


def test_a_single_dispatch_function():
    @functools.singledispatch
    def shown(value):
        return "other"

    @shown.register
    def of_int(value: int):
        return "int"

    def fn():
        return shown(1), shown("a")

    assert [trace for _, trace in tracefunc(fn, target_func=shown)] == [
        {'return "int"': (1, {})},
        {'return "other"': (1, {})},
    ]
    assert hits(tracefunc(fn, target_func=of_int)) == {'return "int"': 1}


def test_a_decorator_without_wraps():
    def bare(function):
        def wrapper(x):
            result = function(x)
            return result

        return wrapper

    @bare
    def target(x):
        return x

    results = tracefunc(target, 1)
    assert hits(results) == {"return x": 1}
    assert len(results.warnings) == 1 and "wrapper" in results.warnings[0] and "target" in results.warnings[0]


def test_functions_that_a_factory_returns_together():
    """As the operators of fractions: none of them stands for what the factory was given."""

    def operators(function, other):
        def forward(a, b):
            return function(a, b)

        def reverse(b, a):
            return function(a, b)

        return forward, reverse

    forward, reverse = operators(lambda a, b: a - b, abs)
    for target in (forward, reverse):
        results = tracefunc(target, 3, 1)
        assert hits(results) == {"return function(a, b)": 1} and results[0].function.endswith(target.__name__)


# --- methods --------------------------------------------------------------------------------------------------------


class Base(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

    def describe(self):
        size = self.area()
        return f"{size}"


class Square(Base):
    __slots__ = ("__side",)

    def __init__(self, side):
        self.__side = side

    def area(self):
        side = self.__side
        return side * side

    @classmethod
    def unit(cls):
        made = cls(1)
        return made

    @staticmethod
    def double(x):
        twice = 2 * x
        return twice

    def __add__(self, other):
        total = self.area() + other.area()
        return total

    def __private(self):
        __hidden = 3
        return __hidden

    def public(self):
        return self.__private()


@pytest.mark.parametrize(
    ("fn", "args", "line"),
    [
        (Square(3).area, (), "return side * side"),
        (Square.area, (Square(3),), "return side * side"),
        (Square.unit, (), "made = cls(1)"),
        (Square(2).unit, (), "made = cls(1)"),
        (Square.double, (4,), "twice = 2 * x"),
        (Square(2).double, (4,), "twice = 2 * x"),
        (Square(2).describe, (), "size = self.area()"),
        (Base.describe, (Square(2),), "size = self.area()"),
        (Square(2).__add__, (Square(3),), "total = self.area() + other.area()"),
        (types.MethodType(Square.double, 7), (), "twice = 2 * x"),
    ],
)
def test_methods(fn, args, line):
    assert hits(tracefunc(fn, *args))[line] == 1
    assert hits(tracefunc(lambda: fn(*args), target_func=fn))[line] == 1


def test_methods_as_they_stand_in_the_class():
    double, unit = Square.__dict__["double"], Square.__dict__["unit"]
    assert hits(tracefunc(lambda: Square.double(1), target_func=double)) == {"twice = 2 * x": 1, "return twice": 1}
    assert hits(tracefunc(lambda: Square.unit(), target_func=unit)) == {"made = cls(1)": 1, "return made": 1}


def test_the_call_of_an_operator():
    results = tracefunc(lambda: Square(1) + Square(2), target_func=Square.__add__)
    assert texts(results, "return total", "total") == ["5"]


def test_a_constructor():
    results = tracefunc(Square, 5, target_func=Square.__init__)
    assert hits(results) == {"self.__side = side": 1}
    assert results[0][0].startswith("Square.__init__ (test_targets.py:")  # the frame that calling the class makes


def test_private_names_are_read_mangled_and_shown_as_written():
    results = tracefunc(lambda: Square(1).public(), target_func=Square._Square__private)
    assert texts(results, "__hidden = 3", "__hidden") == ["3"]


def test_a_method_of_a_nested_class():
    def outer():
        class Inner:
            def method(self):
                return 5

        return Inner

    inner = outer()
    assert hits(tracefunc(inner().method)) == {"return 5": 1}


# --- lambdas and nested functions --------------------------------------------------------------------------------------

pair = (lambda x: x + 1), (lambda x: x + 1)
chain = lambda f: (lambda x: f(lambda: x))  # fmt: skip
spread = [
    lambda x: (
        x
        + 1
    ),
    lambda x: x - 1, lambda y: y,
]  # fmt: skip


def test_lambdas():
    assert tracefunc(pair[0], 1) == [("", {"lambda x: x + 1": (1, {"x": [("int", "1")]})})]
    assert tracefunc(lambda: (pair[0](1), pair[1](2)), target_func=pair[1])[0][1] == {
        "lambda x: x + 1": (1, {"x": [("int", "2")]})
    }
    assert hits(tracefunc(spread[1], 1)) == {"lambda x: x - 1": 1}
    assert hits(tracefunc(spread[2], 1)) == {"lambda y: y": 1}
    assert list(hits(tracefunc(spread[0], 1)).values()) == [1]


constant = [lambda: None, lambda *a, **k: None, lambda x: 1, lambda x: 2, lambda x, y=0: 2, lambda *, x: 2]  # fmt: skip


def test_lambdas_of_constants_on_one_line():
    """3.12 does not say where in the line such a lambda's code stands."""
    keys = [list(hits(tracefunc(fn, *args, **kwargs)).items()) for fn, args, kwargs in [
        (constant[0], (), {}), (constant[1], (), {}), (constant[2], (1,), {}),
        (constant[3], (1,), {}), (constant[4], (1,), {}), (constant[5], (), {"x": 1}),
    ]]  # fmt: skip
    assert keys == [
        [("lambda: None", 1)],
        [("lambda *a, **k: None", 1)],
        [("lambda x: 1", 1)],
        [("lambda x: 2", 1)],
        [("lambda x, y=0: 2", 1)],
        [("lambda *, x: 2", 1)],
    ]


def test_lambdas_in_lambdas():
    inner = chain(lambda g: g())
    assert hits(tracefunc(inner, 4)) == {"lambda x: f(lambda: x)": 1, "lambda: x": 1}
    assert hits(tracefunc(chain, len)) == {"lambda f: (lambda x: f(lambda: x))": 1}


def test_a_lambda_that_is_a_default_or_a_key():
    def target(xs, key=lambda x: -x):
        return sorted(xs, key=key), max(xs, key=lambda x: x % 3)

    results = tracefunc(target, [1, 2, 3])
    assert hits(results) == {"return sorted(xs, key=key), max(xs, key=lambda x: x % 3)": 1, "lambda x: x % 3": 3}
    first, second = tracefunc(lambda: target([1, 2]), target_func=target.__defaults__[0])
    assert first[1] == {"lambda x: -x": (1, {"x": [("int", "1")]})}


def test_a_nested_function_as_target():
    def outer(n):
        def inner(k):
            k *= 2
            return k

        return inner

    inner = outer(1)
    assert hits(tracefunc(inner, 3)) == {"k *= 2": 1, "return k": 1}

    def fn():
        return outer(1)(1), outer(2)(2)

    assert len(tracefunc(fn, target_func=inner)) == 2  # one def, one code


# --- source that is no file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["<ipython-input-7-0123456789ab>", "/tmp/ipykernel_1/2643322203.py", "<stdin>", "cell"]
)
def test_a_notebooks_cell(define, name):
    namespace = define(
        """
        import math

        def area(r):
            square = r * r   # a comment
            return math.pi * square
        """,
        name=name,
    )
    results = tracefunc(namespace["area"], 2)
    assert hits(results) == {"square = r * r": 1, "return math.pi * square": 1}
    results = tracefunc(lambda: namespace["area"](2), target_func=namespace["area"])
    assert results[0][0].splitlines()[-1] == f"area ({name}:4)"


class Loader:
    def get_source(self, name):
        return "def lazy(x):\n    return x\n"


@pytest.mark.parametrize("spec", [True, False], ids=["with a spec", "without a spec"])
def test_source_that_a_loader_gives(spec):
    """Without a spec 3.15 warns of the module, which the user did not ask for here."""
    loader, name = Loader(), "source of lazy"
    namespace = {"__name__": "lazy_module", "__loader__": loader}
    if spec:
        namespace["__spec__"] = importlib.machinery.ModuleSpec("lazy_module", loader)
    exec(compile("def lazy(x):\n    return x\n", name, "exec"), namespace)
    try:
        assert hits(tracefunc(namespace["lazy"], 1)) == {"return x": 1}
    finally:
        linecache.cache.pop(name, None)


EXAMPLES = '''
"""
>>> def double(x):
...     y = x * 2
...     return y
>>> from tracefunc import tracefunc
>>> ((_, trace),) = tracefunc(double, 4)
>>> trace
{'y = x * 2': (1, {'x': [('int', '4')], 'y': [('int', '8')]}), 'return y': (1, {'y': [('int', '8')]})}
>>> tracefunc(lambda: double(1), target_func=double)[0][0].count("double")
1
"""
'''


def test_functions_of_doctests(tmp_path):
    module = types.ModuleType("examples")
    exec(EXAMPLES, module.__dict__)
    module.__doc__ = EXAMPLES.strip().strip('"')
    assert doctest.testmod(module, report=False) == (0, 5)


def test_the_text_of_exec_with_a_linecache_entry():
    name = "<generated 17>"
    source = "def made(x):\n\treturn (\n\t\tx +\n\t\t1)\n"
    linecache.cache[name] = len(source), None, source.splitlines(True), name
    try:
        namespace = {}
        exec(compile(source, name, "exec"), namespace)
        assert hits(tracefunc(namespace["made"], 1)) == {"return (\n\t\tx +\n\t\t1)": 1}
    finally:
        del linecache.cache[name]


# --- source files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def load(tmp_path):
    """Write bytes as a module and import it, without an entry in sys.modules."""

    def load(data, name="subject"):
        path = tmp_path / f"{name}.py"
        path.write_bytes(data)
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


UMLAUTS = """# -*- coding: {} -*-
def target(größe):
    länge = "äöüß"; n = len(länge); return [é for é in länge if größe], n
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "iso8859-15"])
def test_encodings(load, encoding):
    declared = "utf-8" if encoding.startswith("utf") else encoding
    module = load(UMLAUTS.format(declared).encode(encoding))
    results = tracefunc(module.target, 1)
    assert hits(results) == {
        'länge = "äöüß"': 1,
        "n = len(länge)": 1,
        "return [é for é in länge if größe], n": 1,
        "[é for é in länge if größe]": 4,
    }
    assert texts(results, "n = len(länge)", "n") == ["4"]


def test_an_encoding_without_a_declaration_of_its_own(load):
    module = load(b"\xef\xbb\xbfdef target(x):\n    return 'caf\xc3\xa9', x\n")
    assert hits(tracefunc(module.target, 1)) == {"return 'café', x": 1}


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "gb18030", "koi8-r"])
def test_encodings_of_other_scripts(load, encoding):
    text = "привет" if encoding == "koi8-r" else "名前"
    module = load(f"# coding: {encoding}\ndef target(x):\n    y = '{text}'; return y, x\n".encode(encoding))
    assert hits(tracefunc(module.target, 1)) == {f"y = '{text}'": 1, "return y, x": 1}


LAYOUTS = {
    "tabs": (
        "class C:\n\tdef target(self, n):\n\t\tif n:\n\t\t\tx = (n,\n\t\t\t\tn)\n\t\treturn x\n",
        {"if n:": 1, "x = (n,\n\t\t\tn)": 1, "return x": 1},
    ),
    "form feed": (
        "x = 1\n\f\nclass C:\n\f    def target(self, n):\n        y = n\n\f\n        return y\n",
        {"y = n": 1, "return y": 1},
    ),
    "less indented string": (
        'class C:\n    def target(self, n):\n        s = """one\n  two\nthree\n        four"""\n        return s\n',
        {'s = """one\n  two\nthree\n    four"""': 1, "return s": 1},
    ),
    "less indented comment": (
        "class C:\n    def target(self, n):\n        y = n\n# at the margin\n        return y\n",
        {"y = n": 1, "return y": 1},
    ),
    "continuations": (
        "class C:\n    def target(self, n):\n        y = n + \\\n            1; z \\\n = y\n        return y \\\n+ z\n",
        {"y = n + \\\n        1": 1, "z \\\n = y": 1, "return y \\\n+ z": 1},
    ),
    "less indented brackets": (
        "class C:\n    def target(self, n):\n        y = [\nn,\n  n,\n        n]\n        return y\n",
        {"y = [\nn,\n  n,\n    n]": 1, "return y": 1},
    ),
    "decorators": (
        "import functools\nclass C:\n    @staticmethod\n    # a comment\n\n    @functools.lru_cache(\n"
        "        maxsize=None,\n    )\n    def target(n, *, k=(\n            1)):\n        return n\n",
        {"return n": 1},
    ),
    "header over several lines": (
        "class C:\n    def target(\n        self,\n        n, k={'a': 1},\n    ) -> {\n        'b': 2}: # note: it\n"
        "        return n\n",
        {"return n": 1},
    ),
    "on one line": ("class C:\n    def target(self, n): x = n; return x\n", {"x = n": 1, "return x": 1}),
    "nothing after the last line": ("class C:\n    def target(self, n):\n        return n", {"return n": 1}),
    "docstring": (
        'class C:\n    def target(self, n):\n        """Text: with colon.\n\n    More.\n        """\n        return n\n',
        {"return n": 1},
    ),
    "below an if": (
        "if True:\n  try:\n    class C:\n        def target(self, n):\n            return n\n  finally:\n    pass\n",
        {"return n": 1},
    ),
    "comments after colons": (
        "class C:\n    def target(self, n): # one: two\n        if n:  # [:\n            return n # :\n        else: # x\n"
        "            return 0\n",
        {"if n:": 1, "return n": 1},
    ),
}  # fmt: skip


def without_idle(results):
    ((_, trace),) = results
    return {line: count for line, (count, _) in trace.items() if not line.startswith('"""')}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(load, layout, ends):
    source, lines = LAYOUTS[layout]
    module = load(source.replace("\n", ends).encode())
    assert without_idle(tracefunc(module.C().target, 3)) == lines


def test_a_module_in_a_zip_file(tmp_path, monkeypatch):
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("zipped_subject.py", "# é\ndef target(x):\n    y = 'é'; return y, x\n")
    monkeypatch.syspath_prepend(str(archive))
    try:
        module = importlib.import_module("zipped_subject")
        assert hits(tracefunc(module.target, 1)) == {"y = 'é'": 1, "return y, x": 1}
        ((stack, _),) = tracefunc(lambda: module.target(1), target_func=module.target)
        assert stack.endswith("zipped_subject.py:2)")
    finally:
        sys.modules.pop("zipped_subject", None)


def test_a_module_that_was_compiled_elsewhere(load, tmp_path):
    """A sourceless file name that is relative, found along sys.path as linecache does it."""
    (tmp_path / "relative_subject.py").write_text("def target(x):\n    return x\n")
    namespace = {"__name__": "relative_subject"}
    exec(compile((tmp_path / "relative_subject.py").read_text(), "relative_subject.py", "exec"), namespace)
    sys.path.insert(0, str(tmp_path))
    try:
        assert hits(tracefunc(namespace["target"], 1)) == {"return x": 1}
    finally:
        sys.path.remove(str(tmp_path))


def test_a_reloaded_module(load):
    one = load(b"def target(x):\n    return x\n")
    two = load(b"def target(x):\n    y = x; return y  # new\n")
    linecache.checkcache()
    assert hits(tracefunc(two.target, 1)) == {"y = x": 1, "return y": 1}


# --- what fn can be -----------------------------------------------------------------------------------------------------


def target(x, y=0):
    z = x + y
    return z


TARGET = {"z = x + y": 1, "return z": 1}


class Callable:
    def __call__(self, x):
        return target(x)


class Making:
    def __init__(self, x):
        self.z = target(x)


@pytest.mark.parametrize(
    "fn",
    [
        functools.partial(target, y=2),
        Callable(),
        Making,
        Callable().__call__,
        lambda x: target(x),
        functools.partial(Making),
    ],
    ids=lambda fn: type(fn).__name__,
)
def test_fn_is_any_callable(fn):
    assert hits(tracefunc(fn, 1, target_func=target)) == TARGET


def test_fn_is_a_builtin():
    results = tracefunc(list, map(target, [1, 2, 3]), target_func=target)
    assert [stack for stack, _ in results] == [""] * 3  # no frame of fn
    results = tracefunc(sorted, [3, 1, 2], key=target, target_func=target)
    assert len(results) == 3


def test_fn_is_exec():
    results = tracefunc(exec, "target(1)", {"target": target}, target_func=target)
    assert hits(results) == TARGET


@pytest.mark.parametrize("given", [False, True])
def test_a_generator_function_is_run_to_its_end(given):
    ended = []

    def numbers(n):
        for i in range(n):
            got = yield i
        ended.append(n)

    results = tracefunc(numbers, 3, target_func=numbers if given else None)
    assert hits(results) == {"for i in range(n):": 4, "got = yield i": 3, "ended.append(n)": 1}
    assert ended == [3]


@pytest.mark.parametrize("given", [False, True])
def test_a_coroutine_function_is_run_to_its_end(given):
    async def later(n):
        total = 0
        for i in range(n):
            await asyncio.sleep(0)
            total += i
        return total

    results = tracefunc(later, 3, target_func=later if given else None)
    assert results.exc is None
    assert hits(results) == {
        "total = 0": 1,
        "for i in range(n):": 4,
        "await asyncio.sleep(0)": 3,
        "total += i": 3,
        "return total": 1,
    }


@pytest.mark.parametrize("given", [False, True])
def test_an_asynchronous_generator_function_is_run_to_its_end(given):
    async def later(n):
        async with contextlib.AsyncExitStack() as stack:
            for i in range(n):
                yield i
                await asyncio.sleep(0)

    results = tracefunc(later, 2, target_func=later if given else None)
    assert results.exc is None
    assert hits(results)["for i in range(n):"] == 3
    assert hits(results)["yield i"] == hits(results)["await asyncio.sleep(0)"] == 2


def test_a_generator_as_target_of_another_function():
    def numbers(n):
        yield n
        yield from range(n)

    def fn():
        return [*numbers(2), *numbers(1)]

    one, two = tracefunc(fn, target_func=numbers)
    assert {line: count for line, (count, _) in one[1].items()} == {"yield n": 1, "yield from range(n)": 1}


def test_a_generator_that_another_function_only_returns_is_not_run():
    started = []

    def numbers():
        started.append(1)
        yield 1

    def fn():
        return numbers()

    assert tracefunc(fn, target_func=numbers) == []
    assert started == []


def test_a_decorated_coroutine_function():
    def twice(function):
        @functools.wraps(function)
        async def wrapper(*args):
            await function(*args)
            return await function(*args)

        return wrapper

    @twice
    async def later(x):
        return x

    results = tracefunc(later, 3)
    assert [trace for _, trace in results] == [{"return x": (1, {"x": [("int", "3")]})}] * 2


# --- stacks --------------------------------------------------------------------------------------------------------------


def line_of(function, number):
    return function.__code__.co_firstlineno + number


def test_there_is_no_stack_without_target_func():
    assert tracefunc(target, 1)[0][0] == ""


def test_the_stack_goes_from_fn_to_the_target():
    def helper(x):
        return target(x)

    def fn():
        return [
            helper(1),
            target(2),
        ]

    one, two = tracefunc(fn, target_func=target)
    last = f"target ({HERE}:{line_of(target, 0)})"
    prefix = "test_the_stack_goes_from_fn_to_the_target.<locals>."
    assert one[0].splitlines() == [
        f"{prefix}fn ({HERE}:{line_of(fn, 2)})",
        f"{prefix}helper ({HERE}:{line_of(helper, 1)})",
        last,
    ]
    assert two[0].splitlines() == [f"{prefix}fn ({HERE}:{line_of(fn, 3)})", last]


def test_the_stack_of_fn_itself():
    assert tracefunc(target, 1, target_func=target)[0][0] == f"target ({HERE}:{line_of(target, 0)})"


def test_the_stack_shows_the_first_line_with_decorators():
    first = wrapped.__wrapped__.__code__.co_firstlineno
    ((stack, _),) = tracefunc(lambda: wrapped(1), target_func=wrapped)
    assert stack.splitlines()[-1] == f"wrapped ({HERE}:{first})"
    assert len(stack.splitlines()) == 3


def test_frames_of_another_place_have_a_label():
    def fn():
        return sorted([2, 1], key=functools.cmp_to_key(lambda a, b: target(a, b))), textwrap.dedent("x")

    ((stack, _),) = tracefunc(fn, target_func=textwrap.dedent)
    assert stack.splitlines()[-1].startswith("dedent ($")
    assert "textwrap.py:" in stack


# --- the answer --------------------------------------------------------------------------------------------------------


def test_the_exception_is_in_the_answer():
    def raising(x):
        y = x
        raise KeyError(y)

    results = tracefunc(raising, 5)
    assert hits(results) == {"y = x": 1, "raise KeyError(y)": 1}
    assert repr(results.exc) == "KeyError(5)"
    assert results.exc.__traceback__ is not None
    assert tracefunc(target, 1).exc is None


def test_traces_up_to_the_exception_are_kept():
    def fn():
        target(1)
        target(2)
        target("3", 4)
        target(5)

    results = tracefunc(fn, target_func=target)
    assert len(results) == 3
    assert isinstance(results.exc, TypeError)
    assert [trace.get("return z") is not None for _, trace in results] == [True, True, False]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_is_no_exception_propagates(error):
    def raising():
        raise error("up")

    with pytest.raises(error, match="up"):
        tracefunc(raising)
    with pytest.raises(error, match="up"):
        tracefunc(lambda: raising(), target_func=target)


def test_an_exception_group():
    def raising():
        raise ExceptionGroup("both", [KeyError(1), ValueError(2)])

    assert isinstance(tracefunc(raising).exc, ExceptionGroup)


def test_the_exception_of_a_generator():
    def numbers():
        yield 1
        raise StopAsyncIteration(2)

    results = tracefunc(numbers)
    assert isinstance(results.exc, StopAsyncIteration)
    assert hits(results) == {"yield 1": 1, "raise StopAsyncIteration(2)": 1}


def test_keyword_arguments_with_our_names_pass():
    def taking(*args, **kwargs):
        return args, kwargs

    names = ["fn", "self", "args", "kwargs", "max_calls", "engine", "target", "recorder", "results"]
    results = tracefunc(taking, 1, 2, **dict.fromkeys(names, 0))
    assert results.exc is None
    assert texts(results, "return args, kwargs", "args") == ["(1, 2)"]
    assert texts(results, "return args, kwargs", "kwargs")[0].startswith("{'fn': 0, 'self': 0")


def test_the_signature():
    parameters = inspect.signature(tracefunc).parameters
    assert [(p.name, p.kind.name) for p in parameters.values()] == [
        ("fn", "POSITIONAL_ONLY"),
        ("args", "VAR_POSITIONAL"),
        ("target_func", "KEYWORD_ONLY"),
        ("incl_unhit", "KEYWORD_ONLY"),
        ("kwargs", "VAR_KEYWORD"),
    ]


def test_lines_that_were_not_hit():
    def branching(x):
        if x:
            y = 1
        else:
            y = [i for i in x]
        return y

    assert list(hits(tracefunc(branching, 1))) == ["if x:", "y = 1", "return y"]
    ((_, trace),) = tracefunc(branching, 1, incl_unhit=True)
    assert list(trace) == ["if x:", "y = 1", "y = [i for i in x]", "[i for i in x]", "return y"]
    assert trace["y = [i for i in x]"] == (0, {"y": []})
    assert trace["[i for i in x]"] == (0, {"i": [], "x": []})


def test_lines_with_equal_text():
    def twice(x):
        x += 1
        x += 1
        if x:
            x += 1
        return x

    assert hits(tracefunc(twice, 1)) == {"x += 1": 1, "x += 1 ": 1, "if x:": 1, "x += 1  ": 1, "return x": 1}


def test_recursion_past_ten_leaves_no_mark():
    def down(n):
        m = n
        if n:
            down(n - 1)
        after = [m for _ in range(2)]
        return (lambda: m)()

    results = tracefunc(down, 30)
    assert len(results) == 10
    for i, (_, trace) in enumerate(results):
        assert {line: count for line, (count, _) in trace.items()} == {
            "m = n": 1,
            "if n:": 1,
            "down(n - 1)": 1,
            "after = [m for _ in range(2)]": 1,
            "[m for _ in range(2)]": 2,
            "return (lambda: m)()": 1,
            "lambda: m": 1,
        }
        assert trace["lambda: m"][1]["m"] == [("int", str(30 - i))]


def test_ten_samples_of_each_line_and_all_hits():
    def loop(n):
        for i in range(n):
            j = i * i

    ((_, trace),) = tracefunc(loop, 1000)
    assert trace["for i in range(n):"][0] == 1001
    assert trace["j = i * i"] == (
        1000,
        {"i": [("int", str(i)) for i in range(10)], "j": [("int", str(i * i)) for i in range(10)]},
    )


def test_what_answers_are_made_of():
    results = tracefunc(lambda: (target(1), target(2)), target_func=target)
    assert type(results) is TraceResults and isinstance(results, list)
    for entry in results:
        assert entry == tuple(entry) and isinstance(entry, tuple) and len(entry) == 2
        stack, trace = entry
        assert type(stack) is str and type(trace) is dict
        for line, value in trace.items():
            assert type(line) is str and type(value) is tuple and len(value) == 2
            count, names = value
            assert type(count) is int and type(names) is dict
            for name, samples in names.items():
                assert type(name) is str and type(samples) is list and len(samples) == min(count, 10)
                assert all(type(sample) is tuple and list(map(type, sample)) == [str, str] for sample in samples)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_answers_pickle(protocol):
    def raising(x):
        y = x
        raise KeyError(y)

    results = tracefunc(raising, 1)
    again = pickle.loads(pickle.dumps(results, protocol))
    assert again == results and type(again) is TraceResults
    assert repr(again.exc) == "KeyError(1)"
    assert pickle.loads(pickle.dumps(results[0], protocol)) == results[0]


def test_answers_are_copied():
    results = tracefunc(target, 1)
    for again in (copy.copy(results), copy.deepcopy(results)):
        assert again == results and type(again) is TraceResults and again.exc is None


def test_nothing_is_recorded_of_a_target_that_is_not_called():
    results = tracefunc(math.sqrt, 4.0, target_func=target)
    assert results == [] and results.exc is None
