"""The attributes that a line mentions: what their samples show, and that nothing runs to take them."""

import argparse
import collections
import contextlib
import copy
import ctypes
import dataclasses
import enum
import functools
import gc
import pickle
import random
import subprocess
import sys
import threading
import types
import weakref

import pytest

from tracefunc import Tracer, safe_repr, tracefunc
from tracefunc._values import chains as _chains
from tracefunc._values import instance_dict, type_slots

pytestmark = pytest.mark.both_engines

UNAVAILABLE = ("NameError", "<unavailable>")
NOT_READ = ("AttributeError", "<not read>")


def mentions(o, never):
    never and o.x
    return never


def sample_of(value):
    """The sample of the attribute `x` of a value, None if it is left out. The traced code itself reads none."""
    results = Tracer(describe=safe_repr).run(mentions, value, False)
    line = results[0].lines[0]
    assert (line.text, line.hits) == ("never and o.x", 1)
    assert list(line.attributes) in ([], ["o.x"])
    return line.attributes["o.x"][0] if line.attributes else None


def attributes(results):
    """The samples of all lines that have some, as texts, by line and chain."""
    return {
        line.text.strip(): {name: [text for _, text in samples] for name, samples in line.attributes.items()}
        for call in results
        for line in call.lines
        if line.attributes
    }


class Plain:
    def __init__(self, x=1):
        self.x = x


class Empty:
    pass


class Slots:
    __slots__ = ("x", "y")


class SlotsBelow(Slots):
    __slots__ = ()


class SlotsAndDict(Slots):
    pass


class InClass:
    x = 1


class InBase(InClass):
    pass


class Shadowing(InClass):
    def __init__(self):
        self.x = 2


def filled(value, **items):
    for name, item in items.items():
        setattr(value, name, item)
    return value


def with_dict(value):
    assert value.__dict__ is not None
    return value


def function(self=None, name=""):
    raise AssertionError("this must not run")


class Number(int):
    pass


class Pair(tuple):  # no __slots__: its objects have dictionaries
    pass


class Colour(enum.Enum):
    x = 1


class Meta(type):
    x = 1


class WithMeta(metaclass=Meta):
    pass


class WithMetaAndOwn(metaclass=Meta):
    x = 2


@dataclasses.dataclass
class Data:
    x: int = 1


@dataclasses.dataclass(slots=True)
class DataSlots:
    x: int = 1


class Own(dict):
    def __init__(self, **items):
        super().__init__(items)
        self.__dict__ = self


class Cached:
    @functools.cached_property
    def x(self):
        return 3


def cached():
    value = Cached()
    assert value.x == 3
    return value


def module(**names):
    made = types.ModuleType("made")
    vars(made).update(names)
    return made


class Module(types.ModuleType):
    pass


READ = {
    "without a dictionary": lambda: (Plain(), 1),
    "with one": lambda: (with_dict(Plain()), 1),
    "with one of its own": lambda: (filled(Empty(), __dict__={"x": 5}), 5),
    "with a dictionary of a subclass": lambda: (filled(Empty(), __dict__=collections.OrderedDict(x=5)), 5),
    "that is its own dictionary": lambda: (Own(x=5), 5),
    "a slot": lambda: (filled(Slots(), x=1), 1),
    "a slot of a base": lambda: (filled(SlotsBelow(), x=1), 1),
    "a slot before a dictionary": lambda: (filled(SlotsAndDict(), x=1), 1),
    "a dictionary beside slots": lambda: (filled(type("T", (), {"__slots__": ("y", "__dict__")})(), x=1), 1),
    "of the class": lambda: (InClass(), 1),
    "of a base": lambda: (InBase(), 1),
    "before that of the class": lambda: (Shadowing(), 2),
    "before that of the class, in a dictionary": lambda: (with_dict(Shadowing()), 2),
    "in a class": lambda: (InClass, 1),
    "in a base": lambda: (InBase, 1),
    "in a metaclass": lambda: (WithMeta, 1),
    "in a class before its metaclass": lambda: (WithMetaAndOwn, 2),
    "a member of an enum": lambda: (Colour, Colour.x),
    "in a module": lambda: (module(x=1), 1),
    "in a module of a subclass": lambda: (filled(Module("made"), x=1), 1),
    "of a function": lambda: (filled(lambda: 0, x=1), 1),
    "of an exception": lambda: (filled(ValueError(), x=1), 1),
    "of a namespace": lambda: (types.SimpleNamespace(x=1), 1),
    "of parsed arguments": lambda: (argparse.Namespace(x=1), 1),
    "of an int": lambda: (filled(Number(5), x=1), 1),
    "of a large int": lambda: (filled(Number(10**50), x=1), 1),
    "of a tuple": lambda: (filled(Pair((1, 2, 3)), x=1), 1),
    "of a dataclass": lambda: (Data(), 1),
    "of a dataclass with slots": lambda: (DataSlots(), 1),
    "that was computed once": lambda: (cached(), 3),
    "before the class's method": lambda: (with_dict(filled(type("T", (), {"x": function})(), x=1)), 1),
    "where another is missing": lambda: (filled(type("T", (), {"__getattr__": function})(), x=1), 1),
    "in a class below one in C": lambda: (filled(type("T", (threading.Thread,), {})(), x=1), 1),
    "by a function of the same name": lambda: (
        type("T", (), {"__getattribute__": object.__getattribute__, "x": 1})(),
        1,
    ),
}


@pytest.mark.parametrize("case", READ)
def test_attributes_that_are_read(case):
    value, expected = READ[case]()
    assert sample_of(value) == (type(expected).__name__, safe_repr(expected))
    assert getattr(value, "x") == expected  # noqa: B009  # it is what the program would get


ABSENT = {
    "of an object": lambda: Empty(),
    "of an object with a dictionary": lambda: with_dict(Empty()),
    "of a slot": lambda: Slots(),
    "of an int": lambda: 1,
    "of None": lambda: None,
    "of a class": lambda: Empty,
    "of a module": lambda: module(y=1),
    "of a function": lambda: function,
}


@pytest.mark.parametrize("case", ABSENT)
def test_attributes_that_there_are_not(case):
    assert sample_of(ABSENT[case]()) == UNAVAILABLE


# --- nothing runs ---

RUN = []


def run(*args):
    RUN.append(args)
    return 7


class Descriptor:
    __get__ = run


class DataDescriptor(Descriptor):
    __set__ = run


class DeletingDescriptor(Descriptor):
    __delete__ = run


class Key(str):
    __slots__ = ()

    def __eq__(self, other):
        run(self, other)
        return False

    def __hash__(self):
        return hash("x")


class Asking:
    def __getattribute__(self, name):
        return run(name)


class AskingLast:
    def __getattr__(self, name):
        return run(name)


class AskingSlots:
    __slots__ = ("x",)

    def __getattr__(self, name):
        return run(name)


class AskingMeta(type):
    def __getattribute__(cls, name):
        return run(name)


class AskingLastMeta(type):
    def __getattr__(cls, name):
        return run(name)


class PropertyMeta(type):
    x = property(run)


def class_with(**names):
    return type("T", (), names)


def class_with_key(*bases):
    return type("T", bases, {Key("x"): 1})


class Searched:
    """A class attribute whose own class has a key that must not be compared."""


Point = collections.namedtuple("Point", "x y")

UNREAD = {
    "a property": lambda: class_with(x=property(run))(),
    "a property before a dictionary": lambda: filled(class_with(x=property(run))(), __dict__={"x": 1}),
    "a property of a base": lambda: type("T", (class_with(x=property(run)),), {})(),
    "a property that is not read yet": lambda: Cached(),
    "a descriptor": lambda: class_with(x=Descriptor())(),
    "a data descriptor": lambda: class_with(x=DataDescriptor())(),
    "a descriptor that deletes": lambda: filled(class_with(x=DeletingDescriptor())(), __dict__={"x": 1}),
    "a method": lambda: class_with(x=run)(),
    "a class method": lambda: class_with(x=classmethod(run))(),
    "a static method": lambda: class_with(x=staticmethod(run))(),
    "a slot of the class itself": lambda: Slots,
    "a function of the class itself": lambda: class_with(x=run),
    "a property of a metaclass": lambda: PropertyMeta("T", (), {}),
    "a property of a metaclass before the class": lambda: PropertyMeta("T", (), {"x": 1}),
    "__getattribute__": lambda: Asking(),
    "__getattribute__ of a base": lambda: type("T", (Asking,), {})(),
    "__getattribute__ of a metaclass": lambda: AskingMeta("T", (), {"x": 1}),
    "__getattribute__ of a module's class": lambda: type("T", (types.ModuleType,), {"__getattribute__": run})("made"),
    "__getattr__": lambda: AskingLast(),
    "__getattr__, with a dictionary": lambda: with_dict(AskingLast()),
    "__getattr__, with an empty slot": lambda: AskingSlots(),
    "__getattr__ of a metaclass": lambda: AskingLastMeta("T", (), {}),
    "__getattr__ of a module": lambda: module(__getattr__=run),
    "a key that is compared": lambda: filled(Empty(), __dict__={Key("x"): 1}),
    "a key that is compared, behind others": lambda: filled(Empty(), __dict__={"x": 1, Key("x"): 2}),
    "a key that is no text": lambda: filled(Empty(), __dict__={1: 1, "x": 2}),
    "a key of a class that is compared": lambda: class_with_key()(),
    "a key of a base that is compared": lambda: type("T", (class_with_key(),), {})(),
    "a key of the class itself": lambda: class_with_key(),
    "a key of a module": lambda: filled_module(),
    "a bound method's": lambda: filled(lambda: 0, x=1).__get__(1),
    "what super() finds": lambda: super(InBase, InBase()),
    "a proxy's": lambda: weakref.proxy(KEPT),
    "an alias's": lambda: types.GenericAlias(Plain, int),
    "a field in C": lambda: Point(1, 2),
    "a thread's own": lambda: filled(threading.local(), x=1),
}
KEPT = Plain()


def filled_module():
    made = module(x=1)
    vars(made)[Key("x")] = 2
    RUN.clear()  # the dictionary has compared its keys
    return made


@pytest.mark.parametrize("case", UNREAD)
def test_attributes_that_are_not_read(case):
    value = UNREAD[case]()
    RUN.clear()
    assert sample_of(value) is None
    assert RUN == []


@pytest.mark.parametrize("case", [*READ, *ABSENT])
def test_no_dictionary_is_made(case):
    value = READ[case]()[0] if case in READ else ABSENT[case]()
    reader = instance_dict._reader()
    assert reader is not None
    if type(value).__dictoffset__ != 0:
        before = instance_dict.own_dict(value, type(value))
        sample_of(value)
        assert instance_dict.own_dict(value, type(value)) is before


def test_traced_objects_have_no_dictionary():
    value = Plain()
    assert instance_dict.own_dict(value, Plain) is None
    assert sample_of(value) == ("int", "1")
    assert instance_dict.own_dict(value, Plain) is None


def test_classes_of_descriptors_are_not_searched():
    strange = type("Strange", (), {Key("__get__"): 1})
    value = class_with(x=strange())()
    RUN.clear()
    kind, _ = sample_of(value)
    assert kind == "Strange"
    assert RUN == []


AUDITED = """
def target(traceback, never):
    never and traceback.tb_frame

def hook(event, args):
    if event == "object.__getattr__" and args[1] == "tb_frame":
        told.append(event)

import sys
from tracefunc import tracefunc
told = []
try:
    1 / 0
except ZeroDivisionError as error:
    found = error.__traceback__
sys.addaudithook(hook)  # for good
results = tracefunc(target, found, False)
print(results.engine.split()[0], results[0].lines[0].attributes, told)
found.tb_frame
print(told)
"""


def test_frames_of_tracebacks_are_not_read(engine, tmp_path):
    """An audit hook, which may be the program's, is told when they are."""
    program = tmp_path / "audited.py"
    program.write_text(AUDITED, encoding="utf-8")
    shown = subprocess.run([sys.executable, program], check=True, capture_output=True, text=True).stdout
    assert shown == f"{engine.name} {{}} []\n['object.__getattr__']\n"


def test_only_a_frame_of_a_traceback_is_audited():
    """All types that there are have been looked through: no other member of a C type tells an audit hook."""
    word = type_slots.word_reader()
    kinds, waiting = {}, [object]  # by address: some classes are equal to others
    while waiting:
        kind = waiting.pop()
        if id(kind) not in kinds:
            kinds[id(kind)] = kind
            waiting += type.__subclasses__(kind)
    member = type(types.FunctionType.__dict__["__globals__"])
    audited = [
        (kind, name)
        for kind in kinds.values()
        for name, found in list(type.__dict__["__dict__"].__get__(kind).items())
        if type(found) is member
        and ctypes.c_int.from_address(word(id(found) + object.__basicsize__ + 3 * 8) + 24).value & 2
    ]
    assert audited == [(types.TracebackType, "tb_frame")]


@pytest.mark.skipif(_chains.LAZY_IMPORT is None, reason="no lazy imports before 3.15")
def test_lazy_imports_are_not_made(define):
    namespace = define(
        "lazy import imaplib\ndef f(m, never):\n    never and m.imaplib\n    never and imaplib.Time2Internaldate"
    )
    sys.modules.pop("imaplib", None)
    made = module()
    vars(made)["imaplib"] = namespace["imaplib"]
    assert type(vars(made)["imaplib"]) is _chains.LAZY_IMPORT
    assert attributes(tracefunc(namespace["f"], made, False)) == {}
    assert "imaplib" not in sys.modules


# --- lines ---


class Config:
    limit = 10

    def __init__(self):
        self.port = 80
        self.__secret = 5
        self.inner = self

    @property
    def computed(self):
        return self.port

    def method(self):
        return self

    def private(self):
        return self.__secret


GLOBAL = Config()


@contextlib.contextmanager
def held():
    yield "held"


def test_loads_and_stores():
    def target(o):
        o.x = 1
        o.x += 1
        y = o.x + o.limit
        for o.i in range(2):
            o.all = [o.i]
            o.all.append(o.x)
        with held() as o.handle:
            pass
        o.j, o.k = 5, 6
        (z := o.j)  # noqa: B018
        del o.x
        return o.missing if y == z else o.k

    assert attributes(tracefunc(target, Config())) == {
        "o.x = 1": {"o.x": ["1"]},
        "o.x += 1": {"o.x": ["2"]},
        "y = o.x + o.limit": {"o.limit": ["10"], "o.x": ["2"]},
        "for o.i in range(2):": {"o.i": ["0", "1", "1"]},
        "o.all = [o.i]": {"o.all": ["[0]", "[1]"], "o.i": ["0", "1"]},
        "o.all.append(o.x)": {"o.all": ["[0, 2]", "[1, 2]"], "o.x": ["2", "2"]},
        "with held() as o.handle:": {"o.handle": ["'held'"]},
        "o.j, o.k = 5, 6": {"o.j": ["5"], "o.k": ["6"]},
        "(z := o.j)": {"o.j": ["5"]},
        "del o.x": {"o.x": ["<unavailable>"]},
        "return o.missing if y == z else o.k": {"o.k": ["6"], "o.missing": ["<unavailable>"]},
    }


def test_what_a_raising_line_saw():
    def target(o):
        try:
            return o.inner.port / o.zero
        except AttributeError as error:
            return error.name

    assert attributes(tracefunc(target, Config())) == {
        "return o.inner.port / o.zero": {"o.inner.port": ["80"], "o.zero": ["<unavailable>"]},
        "return error.name": {"error.name": ["'zero'"]},
    }


def test_names_of_all_kinds():
    def target(o, unset):
        x = GLOBAL.port, sys.maxsize, int.x if unset else 0
        if unset:
            later = o
        z = later.port if unset else 0

        def inner():
            return o.port, x.y if unset else 0

        class Inner:
            own = o
            port = own.port, o.limit, GLOBAL.limit

        return (
            [each.port for each in [o, o]],
            inner(),
            Inner,
            (lambda row: row.port)(o),
            z,
            list(each.port for each in (o,)),
        )

    target.extra = 3
    found = attributes(tracefunc(target, Config(), False))
    size = repr(sys.maxsize)
    assert found == {
        "x = GLOBAL.port, sys.maxsize, int.x if unset else 0": {
            "GLOBAL.port": ["80"],
            "int.x": ["<unavailable>"],
            "sys.maxsize": [size],
        },
        "z = later.port if unset else 0": {"later.port": ["<unavailable>"]},
        "return o.port, x.y if unset else 0": {"o.port": ["80"], "x.y": ["<unavailable>"]},
        "port = own.port, o.limit, GLOBAL.limit": {"GLOBAL.limit": ["10"], "o.limit": ["10"], "own.port": ["80"]},
        "[each.port for each in [o, o]]": {"each.port": ["80", "80"]},
        "lambda row: row.port": {"row.port": ["80"]},
        "(each.port for each in (o,))": {"each.port": ["80"]},
    }


def test_private_names():
    results = tracefunc(Config().private)
    assert attributes(results) == {"return self.__secret": {"self.__secret": ["5"]}}


def test_generators_and_coroutines():
    def target(o):
        o.n = 1
        yield o.n
        o.n += 1
        return o.n

    async def waits(o):
        o.n = 3
        return o.n

    assert attributes(Tracer(target).run(lambda: list(target(Config())))) == {
        "o.n = 1": {"o.n": ["1"]},
        "yield o.n": {"o.n": ["1"]},
        "o.n += 1": {"o.n": ["2"]},
        "return o.n": {"o.n": ["2"]},
    }
    assert attributes(tracefunc(waits, Config())) == {"o.n = 3": {"o.n": ["3"]}, "return o.n": {"o.n": ["3"]}}


def test_long_chains():
    def target(o):
        return o.inner.inner.inner.inner.port, o.inner.inner.port

    found = attributes(tracefunc(target, Config()))
    ((_, chains),) = found.items()
    assert list(chains) == ["o.inner.inner.inner", "o.inner.inner.port"]
    assert chains["o.inner.inner.port"] == ["80"]


def test_methods_and_properties_are_left_out():
    def target(o):
        return o.method().port, o.computed, o.method, o.inner.computed

    assert attributes(tracefunc(target, Config())) == {}


def test_a_chain_that_is_read_at_times():
    def target(values):
        for o in values:
            o.x = getattr(o, "x", 1)

    class Changing:
        @property
        def x(self):
            return 5

        @x.setter
        def x(self, value):
            pass

    (line,) = (line for line in tracefunc(target, [Plain(), Changing(), Plain(3)])[0].lines if line.attributes)
    assert line.attributes == {"o.x": [("int", "1"), NOT_READ, ("int", "3")]}


class OddMeta(type):
    def mro(cls):
        return [cls, vars(cls)["hidden"], object]


class Changes:
    """Changes of classes and objects, by chance, and the objects whose attributes they change."""

    def __init__(self, seed):
        class Asked:
            pass

        class Base:
            pass

        class Other:
            x = "other"

        class Below(Base):
            pass

        class Lowest(Below):
            pass

        class Meta(type):
            pass

        class Made(Base, metaclass=Meta):
            pass

        class Slotted:
            __slots__ = ("x",)

        class Odd(metaclass=OddMeta):
            hidden = Other

        self.random = random.Random(seed)
        self.asked, self.base, self.other, self.below, self.meta = Asked, Base, Other, Below, Meta
        self.classes = [Base, Other, Below, Lowest, Meta, Made, Slotted, Odd]
        self.module = types.ModuleType("changing")
        self.objects = [Base(), Below(), Lowest(), Lowest(), Made(), Odd(), Slotted(), self.module, Made, Below, Odd]
        self.values = [1, "a", property(run), function, Asked(), Asked(), Other, vars(Slotted)["x"]]

    def change(self):
        """Change something, and return one of the objects."""
        pick = self.random.choice
        kind, other = pick(self.classes), pick(self.objects)
        with contextlib.suppress(AttributeError, TypeError):
            pick(
                [
                    lambda: setattr(kind, "x", pick(self.values)),
                    lambda: setattr(kind, "x", pick(self.values)),
                    lambda: delattr(kind, "x"),
                    lambda: object.__setattr__(other, "x", pick(self.values)),
                    lambda: object.__delattr__(other, "x"),
                    lambda: other.__dict__,
                    lambda: setattr(kind, pick(["__getattr__", "__getattribute__"]), run),
                    lambda: [delattr(kind, n) for n in ("__getattr__", "__getattribute__") if n in vars(kind)],
                    lambda: setattr(self.asked, pick(["__get__", "__set__", "__delete__"]), run),
                    lambda: [
                        delattr(self.asked, n) for n in ("__get__", "__set__", "__delete__") if n in vars(self.asked)
                    ],
                    lambda: object.__setattr__(other, "__class__", pick(self.classes)),
                    lambda: setattr(
                        self.below, "__bases__", pick([(self.base,), (self.other,), (self.base, self.other)])
                    ),
                    lambda: setattr(pick(self.values), "__class__", pick([self.asked, self.other])),
                    lambda: setattr(self.module, "__getattr__", run),
                    lambda: delattr(self.module, "__getattr__"),
                ]
            )()
        return pick(self.objects)


def sample_by_specification(value):
    try:
        return safe_repr(_chains.follow(value, ("x",)))
    except _chains.NotRead:
        return NOT_READ[1]
    except Exception:
        return UNAVAILABLE[1]


@pytest.mark.parametrize("seed", range(20))
def test_classes_that_change(seed):
    """The same line sees objects of the same classes again and again, whose attributes are elsewhere each time."""
    expected = []

    def target(changes, never):
        for _ in range(200):
            o = changes.change()
            never and o.x
            expected.append(sample_by_specification(o))

    RUN.clear()
    results = Tracer(max_samples=None, max_repr=None, describe=safe_repr).run(target, Changes(seed), False)
    (line,) = (line for line in results[0].lines if line.text.strip() == "never and o.x")
    assert [text for _, text in line.attributes["o.x"]] == expected
    assert len(set(expected)) > 5


def test_as_many_samples_as_of_names():
    def target(o, n):
        for _ in range(n):
            o.x += 1
        return o.x

    for options, expected in (
        ({"max_samples": 3}, ["2", "3", "4"]),
        ({"max_samples": 3, "keep": "last"}, ["19", "20", "21"]),
        ({"max_samples": None}, [str(i) for i in range(2, 22)]),
    ):
        results = Tracer(**options).run(target, Plain(), 20)
        lines = {line.text: line for line in results[0].lines}
        found = lines["o.x += 1"]
        assert [text for _, text in found.attributes["o.x"]] == expected
        assert len(found.vars["o"]) == len(expected)


def test_lines_that_were_not_hit():
    def target(o):
        if o.port == 80:
            return o.limit
        return o.port

    results = Tracer(incl_unhit=False).run(target, Config())
    assert [line.attributes for line in results[0].lines] == [
        {"o.port": [("int", "80")]},
        {"o.limit": [("int", "10")]},
        {},
    ]


def test_copies_pickles_and_merged_results_have_them():
    def target(o):
        return o.port

    results = tracefunc(target, Config())
    expected = {"return o.port": {"o.port": ["80"]}}
    for same in (copy.copy(results), copy.deepcopy(results), pickle.loads(pickle.dumps(results))):
        assert attributes(same) == expected
        assert same[0].lines == results[0].lines
    merged = results.merge(tracefunc(target, Config()))
    assert [call.lines[0].attributes for call in merged] == [{"o.port": [("int", "80")]}] * 2


def test_redacted_chains():
    def target(o, password):
        return o.port, o.inner.port, password.x, o.inner.limit

    redacted = ("redacted", "<redacted>")
    for names, hidden in (
        ("port", {"o.port", "o.inner.port"}),
        ("inner", {"o.inner.port", "o.inner.limit"}),
        ("o", {"o.port", "o.inner.port", "o.inner.limit"}),
        ("pass*", {"password.x"}),
    ):
        (line,) = Tracer(redact=(names,)).run(target, Config(), Plain())[0].lines
        assert {name for name, samples in line.attributes.items() if samples == [redacted]} == hidden
        assert set(line.attributes) == {"o.port", "o.inner.port", "password.x", "o.inner.limit"}


def test_no_value_is_kept():
    class Value:
        pass

    gone = []

    def target(o):
        o.value = Value()
        gone.append(weakref.ref(o.value))
        o.value = None
        return gone[0]() is None

    gc.disable()
    try:
        assert tracefunc(target, Config()).result
    finally:
        gc.enable()


def test_a_repr_that_raises():
    class Broken:
        def __repr__(self):
            raise ValueError("no")

    def target(o):
        o.value = Broken()

    assert attributes(tracefunc(target, Config())) == {
        "o.value = Broken()": {"o.value": ["<repr-error ValueError: no>"]},
    }


def test_without_what_reads_memory(monkeypatch, engine):
    """Without ctypes the pure engine looks classes up, and takes a dictionary that is made."""
    monkeypatch.setattr(type_slots, "_found", [None])
    monkeypatch.setattr(instance_dict, "_found", [None])
    for case in READ:
        value, expected = READ[case]()
        assert sample_of(value) in ((type(expected).__name__, safe_repr(expected)), None), case
    for case in UNREAD:
        value = UNREAD[case]()
        RUN.clear()
        assert sample_of(value) is None, case
        assert RUN == [], case
