"""Texts made without running any code of the program, which tell two values apart all the same."""

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import gc
import ipaddress
import pathlib
import re
import sys
import time
import types
import uuid
import zoneinfo

import pytest

from tracefunc import Tracer, safe_repr
from tracefunc._values import instance_dict
from tracefunc._values.describe import outliner

pytestmark = pytest.mark.timeout(60)

RAN = []


def ran(name):
    def method(self, *args, **kwargs):
        RAN.append(f"{type(self).__name__}.{name}")
        raise RuntimeError(f"{name} ran")

    return method


HOOKS = (
    "__repr__ __str__ __len__ __iter__ __bool__ __hash__ __eq__ __getattr__ __getattribute__ __format__ __contains__ "
    "__getitem__ __index__ __int__ __float__ __call__ __reduce__ __dir__ __next__ __reversed__ __lt__ __array__ keys items"
).split()
HOSTILE = {name: ran(name) for name in HOOKS}


class Descriptor:
    def __get__(self, instance, owner):
        RAN.append("Descriptor.__get__")
        raise RuntimeError


class HostileMeta(type):
    __repr__ = __hash__ = __instancecheck__ = __subclasscheck__ = __getattribute__ = __dir__ = ran("meta")

    def __eq__(self, other):
        RAN.append("meta.__eq__")
        raise RuntimeError


def hostile(name, *bases, slots=(), **more):
    """A class none of whose methods may run, not even its metaclass's."""
    names = {
        **HOSTILE, "shown": property(ran("property")), "described": Descriptor(), "__class__": property(ran("__class__")),
        "__dict__": property(ran("__dict__")), **more,
    }  # fmt: skip
    if slots:
        names["__slots__"] = slots
    return HostileMeta(name, bases or (object,), names)


def made(kind, *args, **fields):
    """An object of a hostile class, with its fields."""
    base = next((b for b in type.__dict__["__mro__"].__get__(kind) if id(b) in map(id, BUILTIN)), object)
    value = base.__new__(kind, *(args if id(base) in map(id, IMMUTABLE) else ()))
    if args and id(base) not in map(id, IMMUTABLE):
        base.__init__(value, *args)
    for name, item in fields.items():
        object.__setattr__(value, name, item)
    return value


IMMUTABLE = [int, str, bytes, float, tuple, frozenset, complex]
BUILTIN = [*IMMUTABLE, list, dict, set, bytearray, collections.deque, collections.OrderedDict]

Plain, Slotted = hostile("Plain"), hostile("Slotted", slots=("a", "b"))
SUBCLASSES = {base.__name__: hostile(f"My{base.__name__.title()}", base) for base in BUILTIN}


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Loud(enum.IntEnum):
    A = 1
    B = 2

    __repr__ = __str__ = ran("repr")


class Perm(enum.Flag):
    R = 1
    W = 2


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Record:
    a: object
    hidden: int = dataclasses.field(default=0, repr=False)


@dataclasses.dataclass(slots=True, frozen=True)
class Frozen:
    a: object


@dataclasses.dataclass(repr=False)
class Own:
    a: object
    __repr__ = __str__ = ran("repr")


class Failure(Exception):
    def __init__(self, text, code):
        super().__init__(text)
        self.code = code

    __repr__ = __str__ = ran("repr")


class Bound:
    def __init__(self, n):
        self.n = n

    def method(self):
        pass


Zone = hostile("Zone", datetime.tzinfo)


def zoned(name):
    zone = datetime.tzinfo.__new__(Zone)
    object.__setattr__(zone, "name", name)
    return datetime.datetime(2024, 1, 1, tzinfo=zone)


def one(a):
    return a


def other(a):
    return a


UTC = datetime.timezone.utc
D = decimal.Decimal
# For each kind of values two that differ.
KINDS = {
    "None": (None, True), "int": (1, 2), "big int": (10**80, 10**81), "float": (1.5, 2.5), "complex": (1j, 2j), "str": ("a", "b"), "bytes": (b"a", b"b"),
    "bytearray": (bytearray(b"a"), bytearray(b"b")), "list": ([1], [2]), "tuple": ((1,), (2,)), "dict": ({1: 2}, {1: 3}), "set": ({1}, {2}),
    "frozenset": (frozenset({1}), frozenset({2})), "keys": ({1: 2}.keys(), {2: 2}.keys()), "values": ({1: 2}.values(), {1: 3}.values()), "ellipsis": (..., NotImplemented),
    "range": (range(3), range(4)), "range step": (range(0, 9, 2), range(0, 9, 3)), "slice": (slice(1, 2), slice(1, 3)), "slice of objects": (slice(made(Plain, a=1)), slice(made(Plain, a=2))),
    "date": (datetime.date(2024, 1, 2), datetime.date(2024, 1, 31)), "datetime": (datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 3)),
    "aware": (datetime.datetime(2024, 1, 2, tzinfo=UTC), datetime.datetime(2024, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC"))), "own zone": (zoned("a"), zoned("b")),
    "time": (datetime.time(1), datetime.time(2)), "timedelta": (datetime.timedelta(1), datetime.timedelta(2)), "timezone": (UTC, datetime.timezone(datetime.timedelta(hours=1))),
    "named zone": (datetime.timezone(datetime.timedelta(0), made(SUBCLASSES["str"], "x")), datetime.timezone(datetime.timedelta(0), made(SUBCLASSES["str"], "y"))),
    "Decimal": (D("1.5"), D("1.50")), "Fraction": (fractions.Fraction(1, 3), fractions.Fraction(2, 3)), "UUID": (uuid.UUID(int=1), uuid.UUID(int=2)),
    "PurePosixPath": (pathlib.PurePosixPath("a/b"), pathlib.PurePosixPath("a/c")), "PureWindowsPath": (pathlib.PureWindowsPath("c:/a"), pathlib.PureWindowsPath("c:/b")), "Path": (pathlib.Path("a") / "b", pathlib.Path("a") / "c"),
    "Enum": (Color.RED, Color.BLUE), "Enum with a repr": (Loud.A, Loud.B), "Flag": (Perm.R, Perm.R | Perm.W), "namedtuple": (Point(1, 2), Point(1, 3)), "struct_time": (time.gmtime(0), time.gmtime(1)),
    "Counter": (collections.Counter("aab"), collections.Counter("abb")), "deque": (collections.deque([1]), collections.deque([1], 3)), "OrderedDict": (collections.OrderedDict(a=1), collections.OrderedDict(a=2)),
    "defaultdict": (collections.defaultdict(list, a=1), collections.defaultdict(set, a=1)), "ChainMap": (collections.ChainMap({1: 1}), collections.ChainMap({1: 2})), "UserDict": (collections.UserDict(a=1), collections.UserDict(a=2)),
    "mappingproxy": (types.MappingProxyType({1: 1}), types.MappingProxyType({1: 2})), "proxy of objects": (types.MappingProxyType(made(SUBCLASSES["dict"], {"a": 1})), types.MappingProxyType(made(SUBCLASSES["dict"], {"a": 2}))),
    "SimpleNamespace": (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2)), "partial": (functools.partial(one, 1), functools.partial(one, 2)), "partial keywords": (functools.partial(one, a=1), functools.partial(one, a=2)),
    "Pattern": (re.compile("a"), re.compile("a", re.I)), "Match": (re.match("a+", "aa"), re.match("a", "aa")), "IPv4Address": (ipaddress.ip_address("1.2.3.4"), ipaddress.ip_address("1.2.3.5")),
    "IPv6Network": (ipaddress.ip_network("::/8"), ipaddress.ip_network("::/9")), "array": (array.array("i", [1]), array.array("i", [2])), "memoryview": (memoryview(b"a"), memoryview(b"b")),
    "GenericAlias": (list[int], list[str]), "union": (int | str, int | None), "class": (int, str), "class with a metaclass": (Plain, Slotted), "function": (one, other), "builtin": (len, print),
    "bound builtin": ([1].append, [2].append), "method": (Bound(1).method, Bound(2).method), "method descriptor": (str.join, str.split), "slot wrapper": (int.__add__, int.__sub__), "module": (sys, re),
    "property": (property(one), property(other)), "staticmethod": (staticmethod(one), staticmethod(other)), "cell": (types.CellType(1), types.CellType(2)), "cached": (functools.lru_cache(one), functools.lru_cache(other)),
    "dataclass": (Record(1), Record(2)), "slotted dataclass": (Frozen(1), Frozen(2)), "dataclass with a repr": (Own(1), Own(2)), "dataclass of objects": (Record(made(Plain, a=1)), Record(made(Plain, a=2))),
    "exception": (ValueError("a"), ValueError("b")), "exception with attributes": (Failure("a", 1), Failure("a", 2)), "OSError": (FileNotFoundError(2, "no", "a"), FileNotFoundError(2, "no", "b")),
    "group": (ExceptionGroup("g", [ValueError(1)]), ExceptionGroup("g", [ValueError(2)])), "object": (made(Plain, a=1), made(Plain, a=2)), "slots": (made(Slotted, a=1), made(Slotted, b=1)),
    "objects in a list": ([made(Plain, a=1)], [made(Plain, a=2)]), "object as key": ({1: made(Plain, a=1)}, {1: made(Plain, a=2)}),
    **{f"subclass of {base.__name__}": (made(SUBCLASSES[base.__name__], *a), made(SUBCLASSES[base.__name__], *b)) for base, a, b in (
        (int, [1], [2]), (str, ["a"], ["b"]), (bytes, [b"a"], [b"b"]), (float, [1.5], [2.5]), (complex, [1j], [2j]), (tuple, [[1]], [[2]]), (frozenset, [[1]], [[2]]), (list, [[1]], [[2]]), (set, [[1]], [[2]]),
        (dict, [{1: 1}], [{1: 2}]), (collections.OrderedDict, [{1: 1}], [{1: 2}]), (bytearray, [b"a"], [b"b"]), (collections.deque, [[1]], [[2]]))},
    "attributes of a list": (made(SUBCLASSES["list"], [1], owner=1), made(SUBCLASSES["list"], [1], owner=2)),
}  # fmt: skip


def test_there_are_many_kinds():
    assert len(KINDS) >= 60


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [120, None])
def test_values_are_told_apart(kind, width):
    a, b = KINDS[kind]
    RAN.clear()
    texts = [outliner(width)(value)[1] for value in (a, b)]
    assert texts[0] != texts[1]
    assert all(" at 0x" not in text for text in texts) or kind in (
        "function",
        "cached",
        "property",
        "staticmethod",
        "partial",
        "partial keywords",
    )
    assert not any(text.startswith("<repr-error") for text in texts)
    assert safe_repr(a) == outliner(None)(a)[1]
    assert RAN == []


SAME_AS_REPR = [
    kind for kind in KINDS if "objects" not in kind and "with" not in kind and not kind.startswith(("subclass", "own", "named zone"))
    and kind not in ("attributes of a list", "bound builtin", "object", "slots", "object as key", "OSError", "memoryview", "method", "property", "staticmethod", "cell", "cached")
]  # fmt: skip


@pytest.mark.parametrize("kind", SAME_AS_REPR)
def test_pure_reprs_are_shown_as_they_are(kind):
    for value in KINDS[kind]:
        assert safe_repr(value) == repr(value)


def traced(a):
    made = 1
    yield a
    return a


@pytest.mark.both_engines
@pytest.mark.parametrize(
    "kind", ["date", "Decimal", "object", "slots", "Enum with a repr", "exception with attributes", "subclass of list"]
)
def test_traces_of_values_differ(engine, kind):
    def returning(pair):
        return [pair.pop()]

    a, b = KINDS[kind]
    RAN.clear()
    results = [Tracer(returning, describe="safe_repr", redact="pair").run(returning, [value]) for value in (a, b)]
    assert results[0][0].returned != results[1][0].returned
    assert results[0].diff(results[1])
    assert results[0].diff(results[1]).first.what == "end"
    assert RAN == []


@pytest.mark.both_engines
def test_dates_that_no_line_names(engine):
    def last(month):
        return datetime.date(2024, 1, month)

    results = [Tracer(last).run(last, day) for day in (2, 31)]
    ends = [call.ends for call in results[0].diff(results[1]).calls]
    assert ends == [("returned datetime.date(2024, 1, 2)", "returned datetime.date(2024, 1, 31)")]


# --- objects ---


class Item:
    def __init__(self, n):
        self.n = n


class Cart:
    def __init__(self, *items):
        self.items = list(items)
        self.owner = "ann"


def test_fields_one_level_deep():
    assert safe_repr(Cart(Item(1), Item(2))) == "<Cart items=[Item(...), ...] owner='ann'>"
    assert safe_repr([Item(1), Item(2)]) == "[<Item n=1>, <Item n=2>]"
    assert re.fullmatch(r"<Bare at 0x[0-9a-f]+>", safe_repr(type("Bare", (), {})()))


def test_no_dictionary_is_made():
    if instance_dict._reader() is None:
        pytest.skip("memory looks different")
    thing = Item(1)
    safe_repr(thing)
    assert not any(type(part) is dict for part in gc.get_referents(thing))
    thing.__dict__["n"] = 2
    assert safe_repr(thing) == "<Item n=2>"


def test_an_attribute_that_a_descriptor_covers():
    class Covered:
        plain = 1

    thing = Covered()
    thing.plain = 2
    thing.cover = 3
    Covered.cover = Descriptor()
    RAN.clear()
    assert safe_repr(thing) in ("<Covered plain=2>", "<Covered plain=2 cover=3>")
    assert RAN == []


def test_without_ctypes(monkeypatch):
    monkeypatch.setattr(instance_dict, "_found", [None])
    assert safe_repr(Cart(Item(1))) == "<Cart items=[Item(...)] owner='ann'>"


def test_recursion():
    record = Record(None)
    record.a = [record]
    cart = Cart()
    cart.items.append(cart)
    error = ValueError()
    error.args = (error,)
    many = types.SimpleNamespace()
    many.self = made(SUBCLASSES["list"], [many])
    for value in (record, cart, error):
        assert len(safe_repr(value)) < 100
    assert outliner(50)(many)[1].startswith("namespace(self=")
    deep = None
    for _ in range(100_000):
        deep = Record(deep)
    assert len(outliner(50)(deep)[1]) == 50
    while deep is not None:
        deep = deep.a


# --- cost ---


class Counted:
    def __init__(self):
        self.read = 0


@pytest.mark.slow
@pytest.mark.parametrize("many", [10, 100_000])
def test_work_stops_at_the_width(many, monkeypatch):
    from tracefunc._values import safe_repr as module

    seen = []
    leaf = module._leaf
    monkeypatch.setattr(module, "_leaf", lambda *given: seen.append(1) or leaf(*given))
    for values in (
        [Record(i) for i in range(many)],
        {i: Item(i) for i in range(many)},
        tuple(Point(i, i) for i in range(many)),
        Cart(*map(Item, range(many))),
    ):
        seen.clear()
        kind, text = outliner(50)(values)
        assert len(text) <= 50
        assert len(seen) <= 12
    thing = types.SimpleNamespace(**{f"name{i}": Item(i) for i in range(many)})
    seen.clear()
    assert len(outliner(50)(thing)[1]) == 50
    assert len(seen) <= 12


# --- modules that are not what their name says ---


class FakeArray:
    """Of numpy's shape."""

    shape, dtype = (1000, 2), "float64"

    def __init__(self):
        self.read = []

    @property
    def flat(self):
        return self

    def __getitem__(self, index):
        self.read.append(index)
        return types.SimpleNamespace(tolist=lambda: [0.5] * min(index.stop, 2000))

    __len__ = __iter__ = __repr__ = __str__ = ran("array")


def test_arrays_show_their_first_elements(monkeypatch):
    numpy = types.ModuleType("numpy")
    numpy.ndarray = FakeArray
    monkeypatch.setitem(sys.modules, "numpy", numpy)
    array = FakeArray()
    RAN.clear()
    text = outliner(80)(array)[1]
    assert text.startswith("<FakeArray shape=(1000, 2) dtype=float64 [0.5, 0.5, ")
    assert RAN == []
    assert all(index.stop < 80 for index in array.read)


def test_modules_that_are_not_the_library(monkeypatch):
    class Half(types.ModuleType):
        __getattribute__ = ran("module")

    for name in ("numpy", "pandas", "torch", "decimal", "enum", "datetime", "collections", "dataclasses"):
        for module in (None, 5, Half(name), types.ModuleType(name)):
            with monkeypatch.context() as patch:
                RAN.clear()
                patch.setitem(sys.modules, name, module)
                texts = [safe_repr(value) for value in (Item(1), Color.RED, Record(1), Point(1, 2), D(1))]
            assert texts[0] == "<Item n=1>"
            assert RAN == []
