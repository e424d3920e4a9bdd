"""What `redact` hides: a secret is put into every place of a trace, and looked for in everything that a trace shows."""

import collections
import dataclasses
import enum
import pickle
import subprocess
import sys
import textwrap
import types
from functools import partial

import pytest

from tracefunc import Tracer, TraceResults
from tracefunc.render import html

pytestmark = pytest.mark.both_engines

SECRET = "tr0ub4dor"
NAMES = ("password", "*_key")
DESCRIPTIONS = [None, repr, "safe_repr", str]


def views(results, tmp_path, other):
    """Everything that a trace shows, by name."""
    page, difference = tmp_path / "page.html", results.diff(other)
    results.to_html(page)
    found = {
        "text": results.text(),
        "text with builtins": results.text(builtins=True),
        "compact": results.text(compact=True),
        "Markdown": results._repr_markdown_(),
        "page": page.read_text("utf-8"),
        "fragment": html.fragment(results),
        "JSON": results.to_json(),
        "difference": difference.text(),
        "difference's repr": repr(difference) + repr(difference.lines) + repr(difference.calls),
        "repr": repr(results) + repr([vars(call) for call in results]) + repr(results.warnings),
        "pickle": pickle.dumps(results, 0).decode("latin-1"),
    }
    difference.to_html(tmp_path / "difference.html")
    found["page of the difference"] = (tmp_path / "difference.html").read_text("utf-8")
    loaded = TraceResults.from_json(found["JSON"])
    return found | {"loaded": loaded.text() + loaded.to_json() + repr(loaded.exc)}


def check(tmp_path, function, *args, targets=(), **options):
    """Trace a function that is given the secret; nothing may show it."""
    options = {"redact": NAMES, "max_repr": None} | options
    results, other = (Tracer(*targets, **options).run(function, *args) for _ in range(2))
    for name, view in views(results.merge(other), tmp_path, other).items():
        assert SECRET not in view, name
        if name not in ("pickle", "difference", "page of the difference", "difference's repr"):
            assert "redacted" in view, name
    return results


# --- places -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Account:
    user: str
    password: str


@dataclasses.dataclass
class Outer:
    account: Account


Pair = collections.namedtuple("Pair", "user api_key")


class Plain:
    def __init__(self, password):
        self.password, self.user = password, "ann"


class Telling(Plain):
    def __repr__(self):
        return f"Telling({self.password})"


class Deep:
    def __init__(self, password):
        self.inner = [{"telling": Telling(password)}]

    def __repr__(self):
        return f"Deep({self.inner})"


class Slots:
    __slots__ = ("password",)

    def __init__(self, password):
        self.password = password

    def __repr__(self):
        return self.password


class Mangled:
    def __init__(self, password):
        self.__api_key = password

    def __repr__(self):
        return self.__api_key


class Mapping(dict):
    pass


class Key(enum.Enum):
    password = 1


class Word(str):
    pass


def login(user, password):
    return None


VALUES = {
    "dict": lambda s: {"password": s, "user": "ann"},
    "nested": lambda s: [({"a": [{"password": s}]},)],
    "bytes as key": lambda s: {b"password": s},
    "member as key": lambda s: {Key.password: s},
    "str's subclass as key": lambda s: {Word("password"): s},
    "tuple as key": lambda s: {("ann", "password"): s},
    "subclass of dict": lambda s: Mapping(password=s),
    "OrderedDict": lambda s: collections.OrderedDict(password=s),
    "defaultdict": lambda s: collections.defaultdict(str, password=s),
    "ChainMap": lambda s: collections.ChainMap({"password": s}),
    "UserDict": lambda s: collections.UserDict(password=s),
    "mappingproxy": lambda s: types.MappingProxyType({"password": s}),
    "items": lambda s: {"password": s}.items(),
    "values": lambda s: {"password": s}.values(),
    "item": lambda s: ("password", s),
    "SimpleNamespace": lambda s: types.SimpleNamespace(password=s),
    "partial": lambda s: partial(login, password=s),
    "partial with an argument": lambda s: partial(login, "ann", s),
    "namedtuple": lambda s: Pair("ann", s),
    "dataclass": lambda s: Outer(Account("ann", s)),
    "object": Plain,
    "object with a repr": Telling,
    "deep": Deep,
    "slots": Slots,
    "mangled": Mangled,
    "exception": lambda s: [error_with(s)],
    "exceptions": lambda s: ExceptionGroup("several", [error_with(s)]),
    "method": lambda s: Telling(s).__repr__,
}


def error_with(secret):
    error = ValueError("no")
    error.password = secret
    error.add_note(secret)
    return error


@pytest.mark.parametrize("describe", DESCRIPTIONS)
def test_values(tmp_path, describe, define):
    space = define(
        """
        def shows(value, *args, default=None, **kwargs):
            held = value
            [value for _ in range(2)]
            yield held
            return held
        """
    )
    values = [make(SECRET) for make in VALUES.values()]

    def run():
        for value in values:
            list(space["shows"](value, value, default=value, password=SECRET, other=value))
        return values

    tracer = Tracer(space["shows"], redact=NAMES, max_repr=None, max_calls=None, describe=describe)
    results = tracer.run(run)
    for name, call in zip(VALUES, results, strict=True):
        assert name == "deep" or "<redacted>" in repr(call.arguments["value"]), name
        assert SECRET not in repr((call, vars(call))), name
    for view, text in views(results, tmp_path, results).items():
        assert SECRET not in text, view


def test_other_values_keep_their_texts(define):
    class Other:
        def __init__(self):
            self.user = "ann"

        def __repr__(self):
            return "Other!"

    shows = define("def shows(value):\n    return value\n")["shows"]
    for value in ({"user": 1}, [Other()], Other(), (1, "a"), {"x": {1, 2}}, 1.5, None, Pair, login, ValueError("a")):
        plain, hiding = Tracer().run(shows, value), Tracer(redact=NAMES).run(shows, value)
        assert hiding[0].trace == plain[0].trace
        assert hiding[0].arguments == plain[0].arguments


ENDS = """
def plain(password): return password
def attribute(self): return self.password
def item(**kwargs): return kwargs["password"]
def formatted(password): return f"<{password}>"
def joined(password): return "<" + password
def inside(password): return [("x", password)]
def cleaned(password):
    try: return password
    finally: done = 1
def yields(password): yield password
def delegates(password): yield from [password]
def receives(password):
    got = yield
    return None
async def waits(password): return password
async def streams(password): yield password
short = lambda password: password
def key(password): return {}[password]
def message(password): raise ValueError(f"bad {password}")
def notes(password):
    error = ValueError("bad")
    error.add_note(password)
    raise error
def cause(password):
    try: {}[password]
    except KeyError as error: raise RuntimeError("no") from error
def context(password):
    try: {}[password]
    except KeyError: raise RuntimeError("no")
def group(password):
    raise ExceptionGroup("no", [ValueError(password), ExceptionGroup("more", [KeyError(password)])])
def argument(**kwargs): return {}[kwargs["password"]]
def inner_frame(password):
    def look(password): return {}[password]
    return look(password)
def caught(password):
    try: {}[password]
    except KeyError as error:
        kept = error
        texts = [error for _ in range(1)]
    return None
"""
OUTER = """
def outer(function, secret):
    try:
        given = Holder()
        given.password = secret
        if function.__name__ == "attribute": return function(given)
        if function.__name__ in ("item", "argument"): return function(**{"password": secret})
        return function(secret)
    except Exception as error:
        raise OSError("outer") from error

class Holder: pass
"""


@pytest.mark.parametrize(
    "name", [row.split("(")[0].split()[-1] for row in ENDS.splitlines() if row[:3] in ("def", "asy")]
)
def test_ends(tmp_path, define, name):
    space = define(ENDS)
    function = space[name]
    if name == "attribute":
        check(tmp_path, function, Plain(SECRET))
    elif name in ("item", "argument"):
        check(tmp_path, partial(function, password=SECRET), targets=[function])
    else:
        check(tmp_path, function, SECRET)


def test_lambda(tmp_path, define):
    check(tmp_path, define(ENDS)["short"], SECRET)


@pytest.mark.parametrize("name", ["key", "message", "notes", "cause", "context", "group", "argument", "inner_frame"])
def test_chains(tmp_path, define, name):
    """The caller of a function that fails, which is given the secret under another name."""
    outer = define(OUTER)["outer"]
    function = define(ENDS)[name]
    results = Tracer(outer, function, redact=(*NAMES, "secret"), max_repr=None).run(outer, function, SECRET)
    assert [call.raised[0] for call in results] == [type(results.exc).__name__, results[1].raised[0]]
    for view, text in views(results, tmp_path, results).items():
        assert SECRET not in text, view
    assert results[0].raised[1] == "OSError(<redacted>)"


def test_a_run_of_which_no_call_is_recorded(tmp_path, define):
    space = define(ENDS)
    for name in ("plain", "key", "cause"):
        results = Tracer(redact=NAMES, max_calls=0).run(space[name], SECRET)
        for view, text in views(results, tmp_path, results).items():
            assert SECRET not in text, view


def test_results_that_cannot_be_pickled(define):
    space = define(
        """
        class Stubborn:
            def __reduce__(self): raise ValueError(SECRET)
        def give(): return Stubborn()
        def fail(): raise KeyError(1)
        """
    )
    space["SECRET"] = SECRET
    results = Tracer(redact=NAMES).run(space["give"])
    assert SECRET not in pickle.dumps(results, 0).decode("latin-1")
    loaded = pickle.loads(pickle.dumps(Tracer(redact=NAMES).run(space["fail"])))
    assert isinstance(loaded.exc, KeyError) and loaded.exc.args == (1,)


def test_conditions_that_fail(tmp_path, define):
    fails = define("def fails(password): return 1\n")["fails"]
    for when in ("{}[password]", "int(password)", lambda password: {}[password]):
        results = Tracer(fails, redact=NAMES, when=when).run(fails, SECRET)
        assert not results and results.warnings
        for view, text in views(results, tmp_path, results).items():
            assert SECRET not in text, view


def test_source_is_shown(define):
    """A literal in the source is the user's own text."""
    default = define(f"def default(password={SECRET!r}): return 1\n")["default"]
    results = Tracer(redact=NAMES).run(default)
    assert SECRET in results.text() and results[0].arguments == {"password": ("redacted", "<redacted>")}


def test_names_are_globs(define):
    shows = define("def shows(**kwargs): return 1\n")["shows"]
    [call] = Tracer(redact="*_key").run(shows, api_key=SECRET, key="k")
    assert call.arguments == {"kwargs": ("dict", "{'api_key': <redacted>, 'key': 'k'}")}


# --- doors --------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys

def login(user, password, **kwargs):
    held = dict(kwargs, password=password)
    yield held
    try:
        {}[password]
    except KeyError as error:
        kept = error
    {}[password]

try:
    list(login("ann", sys.stdin.read(), api_key=1))
except KeyError:
    pass
"""


@pytest.mark.parametrize("options", [["--describe", "repr"], ["--json", "-"], ["--compact"]])
def test_command_line(tmp_path, engine, options):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "tracefunc", "--redact", "password", "--redact", "*_key", *options, "program.py"]
    done = subprocess.run(command, input=SECRET, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr and "<redacted>" in done.stdout + done.stderr


@pytest.mark.once
@pytest.mark.slow
def test_fixture(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.partition("\ntry:\n    list")[0])
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(
            """
            import program

            def test_fails(trace_calls):
                secret = "".join(("tr0ub", "4dor"))
                with trace_calls(program.login, redact=("password", "*_key")):
                    try:
                        list(program.login("ann", secret, api_key=secret))
                    except KeyError:
                        pass
                raise AssertionError
            """
        )
    )
    command = [sys.executable, "-m", "pytest", "--tracefunc-html", "pages", "--tb=short", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert "<redacted>" in done.stdout and SECRET not in done.stdout + done.stderr
    [page] = [path for path in (tmp_path / "pages").iterdir() if path.name != "index.html"]
    assert SECRET not in page.read_text("utf-8")
