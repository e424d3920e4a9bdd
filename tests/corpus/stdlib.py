"""The standard library's Python code, driven by small inputs, traced by tracefunc and by the ground truth.

    python -m tests.corpus.stdlib [DRIVER ...] [--json FILE] [--part K/N] [--only REGEX] [--list]

Every function of the standard library that a driver calls is made the target once, with the cheapest of the
drivers that call it. Modules with a twin in C are imported a second time without it.
"""

import argparse
import collections.abc
import importlib
import inspect
import os
import random
import re
import sys
import sysconfig
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # also as a script, or with -m

from common import Case, Summary, TooLong, called_functions, functions_in, has_source, quiet, report, run_case  # noqa: E402

STDLIB = sysconfig.get_paths()["stdlib"]
PURE = {}  # modules imported again without their C twin
DRIVERS = {}

# What the tracer, the ground truth or this driver need to work while they run: as targets they would record, or
# be rewritten by, themselves.
OWN_TOOLS = {
    "linecache", "inspect", "ast", "tokenize", "dis", "opcode", "warnings", "signal", "os", "posixpath", "genericpath",
    "threading", "weakref", "_weakrefset", "importlib._bootstrap", "importlib._bootstrap_external", "codecs", "abc",
    "_collections_abc", "encodings.utf_8", "contextlib",
}  # fmt: skip


def driver(f):
    DRIVERS[f.__name__.removeprefix("d_")] = f
    return f


def pure(name, *blocked):
    """The module, imported anew while the named modules are missing."""
    if name not in PURE:
        saved = {n: sys.modules.get(n) for n in (name, *blocked)}
        for sub in [n for n in sys.modules if n.startswith(name + ".")]:
            saved[sub] = sys.modules.pop(sub)
        sys.modules.pop(name, None)
        for n in blocked:
            sys.modules[n] = None
        try:
            PURE[name] = importlib.import_module(name)
            for sub in [n for n in sys.modules if n.startswith(name + ".")]:
                PURE[sub] = sys.modules[sub]
        finally:
            for n in [n for n in sys.modules if n == name or n.startswith(name + ".")]:
                del sys.modules[n]
            for n, module in saved.items():
                if module is None:
                    sys.modules.pop(n, None)
                else:
                    sys.modules[n] = module
    return PURE[name]


@driver
def d_textwrap():
    import textwrap

    text = "The quick brown fox, hyper-extended—jumped over\tthe lazy dog. " * 3
    textwrap.wrap(text, 24, initial_indent="* ", subsequent_indent="  ", max_lines=3, placeholder=" …")
    textwrap.fill(text, 17, break_long_words=True, fix_sentence_endings=True, expand_tabs=False)
    textwrap.fill("a" * 50, 9, break_on_hyphens=False)
    textwrap.dedent("  a\n   b\n\n  c")
    textwrap.indent("a\n\nb", "> ")
    textwrap.shorten(text, 20)


@driver
def d_heapq():
    heapq = pure("heapq", "_heapq")
    h = [5, 3, 8, 1, 9, 2]
    heapq.heapify(h)
    heapq.heappush(h, 4)
    heapq.heappop(h), heapq.heapreplace(h, 7), heapq.heappushpop(h, 0)
    heapq.nlargest(3, h), heapq.nsmallest(2, h, key=lambda v: -v), heapq.nsmallest(1, h), heapq.nlargest(9, h)
    list(heapq.merge([1, 4], [2, 3], [], reverse=False))
    list(heapq.merge([4, 1], [3, 2], key=abs, reverse=True))
    for name in ("heapify_max", "_heapify_max"):
        if hasattr(heapq, name):
            getattr(heapq, name)(h)
    for name in ("heappush_max", "heappushpop_max", "heapreplace_max"):
        if hasattr(heapq, name):
            getattr(heapq, name)(h, 5)


@driver
def d_bisect():
    bisect = pure("bisect", "_bisect")
    a = [1, 3, 3, 7]
    bisect.insort(a, 4), bisect.insort_left(a, 3, key=lambda v: v)
    bisect.bisect(a, 3), bisect.bisect_left(a, 3), bisect.bisect_right(a, 9, key=abs)
    bisect.bisect(a, 0, 1)


@driver
def d_json():
    json = pure("json", "_json")
    data = {"a": [1, 2.5, None, True, {"é": "\u2028\n\""}], "b": {}, "c": [], "n": float("inf"), "k": "x" * 3}
    text = json.dumps(data, indent=2, sort_keys=True)
    json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    json.dumps({1: 2, None: 3, (1, 2): 4}, skipkeys=True)
    json.loads(text), json.loads('[1, -2e5, "\\u00e9\\ud83d\\ude00", {}]')
    for bad in ('{"a" 1}', "[1,", '"\\x"', "nul", "[1] x", '{"a":1,}'):
        try:
            json.loads(bad)
        except ValueError:
            pass
    try:
        json.dumps({"s": {1}}, default=lambda o: list(o))
        json.dumps([object()])
    except TypeError:
        pass
    json.loads("{}", object_pairs_hook=dict), json.detect_encoding(b"\xff\xfe[\x00]\x00")
    loop = []
    loop.append(loop)
    try:
        json.dumps(loop)
    except ValueError:
        pass


@driver
def d_csv():
    import csv
    import io

    out = io.StringIO()
    w = csv.DictWriter(out, ["a", "b"], extrasaction="raise")
    w.writeheader(), w.writerow({"a": 1, "b": "x,y"}), w.writerows([{"a": 2}])
    try:
        w.writerow({"z": 1})
    except ValueError:
        pass
    list(csv.DictReader(io.StringIO(out.getvalue() + "\n1\n1,2,3\n"), restkey="r"))
    sniffer = csv.Sniffer()
    sniffer.sniff("a;b;c\n1;2;3\n4;5;6\n"), sniffer.has_header("name;n\nx;1\ny;2\n")
    sniffer.sniff("'a','b'\n'c','d'\n")


@driver
def d_configparser():
    import configparser
    import io

    c = configparser.ConfigParser(interpolation=configparser.ExtendedInterpolation())
    c.read_string("[a]\nx = 1\ny: two\n  lines\n; no\n[b]\nz = ${a:x}%\nflag = yes\n[DEFAULT]\nd=4\n")
    c.getint("a", "x"), c.getboolean("b", "flag"), c.get("b", "z"), c["a"]["d"], c.items("a"), list(c), dict(c["b"])
    c.add_section("c"), c.set("c", "k", "v"), c.remove_option("c", "k"), c.has_option("c", "k"), c.options("a")
    c.write(io.StringIO()), c.remove_section("c"), c.getfloat("c", "n", fallback=1.5)
    p = configparser.ConfigParser()
    p.read_dict({"s": {"a": "%(b)s", "b": "1"}})
    p.get("s", "a"), p.get("s", "a", raw=True)
    for bad in ("x = 1\n", "[a]\n[a]\n", "[a]\nx=1\nx=2\n", "[a]\nfoo\n"):
        try:
            configparser.ConfigParser().read_string(bad)
        except configparser.Error as e:
            str(e)


@driver
def d_string():
    import string

    f = string.Formatter()
    f.format("{0!r:>5} {a[0]} {b.real} {{}} {1:{w}}", 1, 2, a=[3], b=4, w=5)
    f.format("{} {}", 1, 2), string.capwords("the quick fox"), string.capwords("a-b", "-")
    t = string.Template("$a ${b} $$ $c")
    t.safe_substitute(a=1), t.substitute({"a": 1, "b": 2, "c": 3}), t.is_valid(), t.get_identifiers()
    for bad in (lambda: t.substitute(a=1), lambda: string.Template("$ x").substitute(), lambda: f.format("{} {0}", 1)):
        try:
            bad()
        except (KeyError, ValueError):
            pass


@driver
def d_difflib():
    import difflib

    a, b = "one\ntwo\nthree\nfour\n".splitlines(True), "one\ntoo\nthree\nfive\nsix\n".splitlines(True)
    list(difflib.ndiff(a, b)), list(difflib.unified_diff(a, b, "x", "y")), list(difflib.context_diff(a, b))
    difflib.get_close_matches("appel", ["ape", "apple", "peach"]), list(difflib.restore(difflib.ndiff(a, b), 1))
    s = difflib.SequenceMatcher(lambda c: c == " ", "private Thread", "private volatile Thread")
    s.ratio(), s.quick_ratio(), s.real_quick_ratio(), s.get_opcodes(), list(s.get_grouped_opcodes(1))
    difflib.HtmlDiff().make_table(a, b, context=True, numlines=1)


@driver
def d_paths():
    import fnmatch
    import genericpath
    import glob
    import ntpath
    import pathlib
    import posixpath

    fnmatch.fnmatch("a.txt", "*.t?t"), fnmatch.filter(["a", "b.py"], "*.py"), fnmatch.translate("[!a-c]*[x"), fnmatch.fnmatchcase("a", "[]")
    here = os.path.dirname(__file__)
    sorted(glob.glob("*.py", root_dir=here)), sorted(glob.glob("**/c*.py", root_dir=here, recursive=True)), glob.escape("a[b]*")
    glob.has_magic("a*"), glob.translate("**/*.py", recursive=True) if hasattr(glob, "translate") else None
    p = pathlib.PurePosixPath("/a/b/../c.tar.gz")
    p.parts, p.suffixes, p.stem, p.parent, list(p.parents), p.with_suffix(".x"), p.with_name("q"), p / "d", p.relative_to("/a"), p.match("*.gz")
    p.is_absolute(), p.joinpath("x", "/y"), str(p), repr(p), hash(p), p == pathlib.PurePosixPath("x"), p.as_uri(), p.with_stem("z"), p.anchor
    w = pathlib.PureWindowsPath("c:/Users/x\\y.txt")
    w.drive, w.root, w.as_posix(), w < pathlib.PureWindowsPath("d:/"), w.is_relative_to("c:/")
    real = pathlib.Path(here)
    sorted(real.glob("*.py")), (real / "common.py").exists(), real.is_dir(), (real / "common.py").read_text()[:3], real.resolve() == real
    sorted(x.name for x in real.iterdir()), sorted(real.rglob("c*.py"))
    for m in (ntpath, posixpath):
        m.join("a", "b", "/c"), m.split("/a/b"), m.splitext("x.y.z"), m.normpath("a/./b/../c//d"), m.isabs("/a"), m.basename("a/b"), m.dirname("a/b")
        m.commonprefix(["abc", "abd"]), m.expandvars("$HOME_NOT/x ${y} %z%"), m.splitdrive("c:/x"), m.commonpath(["a/b", "a/c"]), m.relpath("a/b", "a")
        m.expanduser("~nobody_/x"), m.splitroot("//a/b/c"), m.normcase("A/b")
    genericpath.commonprefix(["ab", "ac"]), genericpath._splitext("a.b", "/", None, ".")


@driver
def d_shlex():
    import io
    import shlex

    shlex.split("a 'b c' \"d \\\"e\" f\\ g # no", comments=True), shlex.join(["a b", "c'd"]), shlex.quote("")
    list(shlex.shlex("a && b | c; d>e", punctuation_chars=True)), list(shlex.shlex(io.StringIO("x = 'y' # z\nw"), posix=False))
    for bad in ("'a", "a\\"):
        try:
            shlex.split(bad)
        except ValueError:
            pass
    s = shlex.shlex("a b")
    s.push_token("q"), s.get_token(), s.push_source("z"), s.get_token(), s.error_leader(), s.pop_source()


@driver
def d_argparse():
    import argparse

    p = argparse.ArgumentParser("prog", description="d " * 50, epilog="e", fromfile_prefix_chars="@", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("pos", type=int, nargs="+", help="numbers %(type)s")
    p.add_argument("-v", "--verbose", action="count", default=0)
    g = p.add_mutually_exclusive_group()
    g.add_argument("--a", action="store_true"), g.add_argument("--b", choices=["x", "y"], default="x")
    p.add_argument("--flag", action=argparse.BooleanOptionalAction, default=True), p.add_argument("--app", action="append")
    p.add_argument("--version", action="version", version="1")
    p.parse_args(["1", "2", "-vv", "--b", "y", "--no-flag", "--app=3", "--app", "4"])
    p.format_help(), p.format_usage(), p.parse_known_args(["1", "--zzz", "3"])
    sub = argparse.ArgumentParser("s", exit_on_error=False)
    subs = sub.add_subparsers(dest="cmd", required=True, title="t")
    c = subs.add_parser("run", help="r", aliases=["r"])
    c.add_argument("rest", nargs="*"), c.set_defaults(f=1)
    sub.parse_args(["run", "a"]), sub.format_help()
    for bad in (["x"], [], ["1", "--b", "q"], ["1", "--a", "--b", "x"], ["--help"], ["--version"], ["1", "--a=1"]):
        try:
            p.parse_args(bad)
        except SystemExit:
            pass


@driver
def d_statistics():
    import statistics as s

    d = [1.5, 2.5, 2.5, 2.75, 3.25, 4.75]
    s.mean(d), s.fmean(d, [1, 2, 3, 4, 5, 6]), s.geometric_mean(d), s.harmonic_mean(d), s.median(d), s.median_low(d), s.median_high(d)
    s.median_grouped(d), s.mode(d), s.multimode(d), s.quantiles(d, n=4), s.quantiles(d, method="inclusive"), s.pstdev(d), s.stdev(d), s.variance(d)
    s.pvariance(d, 2), s.covariance(d, d), s.correlation(d, d[::-1]), s.correlation(d, d, method="ranked"), s.linear_regression(d, d)
    n = s.NormalDist(1, 2)
    n.cdf(1.5), n.pdf(1), n.inv_cdf(0.3), n + 1, n * 2, n - n, -n, n.overlap(s.NormalDist(0, 1)), n.quantiles(3), n.zscore(2), hash(n), n == n, repr(n)
    s.NormalDist.from_samples(d)
    from fractions import Fraction

    s.mean([Fraction(1, 2), 3]), s.variance([Fraction(1), 2, 4])
    if hasattr(s, "kde"):
        s.kde(d, 0.5)(2.0), s.kde(d, 0.5, "triangular", cumulative=True)(2.0)
    try:
        s.mean([])
    except s.StatisticsError:
        pass


@driver
def d_fractions():
    from decimal import Decimal
    from fractions import Fraction as F

    a, b = F(3, 4), F("1.25e-1")
    a + b, a - 1, a * b, a / b, a // b, a % b, divmod(a, b), a**2, a**b, -a, abs(a), +a, 2**a, 1 + a, 1 - a, 3 * a, 2 / a, 7 // a, 7 % a, a**-1
    a < b, a <= 1, a > 0.5, a >= 2, a == 0.75, hash(a), bool(a), float(a), round(a), round(a, 1), int(a), str(a), repr(a), a == 1j
    F(0.5), F(Decimal("1.1")), F(3), F.from_float(0.25), F.from_decimal(Decimal(2)), F(22, 7).limit_denominator(5), a.as_integer_ratio(), a.is_integer()
    import math

    math.floor(a), math.ceil(a), complex(a), format(a, ".3f"), format(F(12345, 7), ",.2e"), format(a, "<10.2g"), F("7/3")
    import copy

    copy.copy(a), copy.deepcopy(a)
    for bad in (lambda: F(1, 0), lambda: F("x"), lambda: F(1, 2.5)):
        try:
            bad()
        except (ZeroDivisionError, ValueError, TypeError):
            pass


@driver
def d_decimal():
    import _pydecimal as d

    D = d.Decimal
    a, b = D("1.2345"), D("-6.78E+2")
    a + b, a - b, a * b, a / b, a // b, a % b, divmod(b, a), a**3, a**D("0.5"), -a, abs(b), +a, a < b, a == b, a >= b, hash(a), bool(a), str(b), repr(a)
    a.sqrt(), a.exp(), a.ln(), a.log10(), a.quantize(D("0.01")), a.quantize(D("1"), d.ROUND_UP), a.to_integral_value(), b.normalize(), b.to_eng_string()
    a.compare(b), a.max(b), a.min(b), a.fma(2, 3), a.next_plus(), a.next_minus(), a.next_toward(b), a.scaleb(2), a.shift(1), a.rotate(1), a.logb()
    a.is_finite(), D("NaN").is_nan(), D("Inf") + 1, D("sNaN").is_snan(), a.number_class(), a.as_tuple(), a.as_integer_ratio(), a.adjusted(), a.copy_sign(b)
    a.remainder_near(b), a.same_quantum(b), D(3).logical_invert() if False else D(101).logical_and(D(110)), int(b), float(a), round(a, 2), round(b)
    format(D("1234567.891"), ",.2f"), format(a, "e"), format(a, "<12"), format(a, "%"), format(b, "+g"), D.from_float(0.1), D((0, (1, 2), -1)), D(7)
    with d.localcontext() as c:
        c.prec = 3
        D(1) / D(3), c.create_decimal("3.14159"), c.add(D(1), D(2)), c.power(2, 10), c.sqrt(2), repr(c), c.copy(), c.divmod(D(7), D(2))
        c.traps[d.Inexact] = True
        try:
            D(1) / D(3)
        except d.Inexact:
            pass
    for bad in (lambda: D(1) / 0, lambda: D("x"), lambda: D("NaN") < 1, lambda: D(-1).sqrt()):
        try:
            bad()
        except (d.DecimalException, ArithmeticError):
            pass


@driver
def d_datetime():
    import _pydatetime as dt

    d = dt.date(2024, 2, 29)
    d.isoformat(), d.weekday(), d.isocalendar(), d.strftime("%Y-%j %A"), d + dt.timedelta(1), d - dt.date(2023, 1, 1), d.replace(day=1), d.toordinal()
    str(d), repr(d), hash(d), d < dt.date(2025, 1, 1), d == d, dt.date.fromisoformat("2024-W09-4"), dt.date.fromordinal(738000), d.ctime(), d.timetuple()
    t = dt.time(1, 2, 3, 4, dt.timezone.utc)
    t.isoformat("milliseconds"), repr(t), t.strftime("%H:%M %z"), t.replace(hour=2), t.utcoffset(), t == dt.time(1), hash(t), dt.time.fromisoformat("04:23:01.5+00:30")
    td = dt.timedelta(days=1, hours=-2, milliseconds=3.5)
    td * 2, td / 2, td // dt.timedelta(1), td % dt.timedelta(hours=5), divmod(td, dt.timedelta(hours=5)), -td, abs(-td), str(td), repr(td), td.total_seconds(), td < -td
    x = dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.timezone(dt.timedelta(hours=2), "X"))
    x.isoformat(" ", "seconds"), x.astimezone(dt.timezone.utc), x.timestamp(), x.utctimetuple(), x.date(), x.timetz(), repr(x), str(x), hash(x), x - x, x + td, x.replace(year=1)
    dt.datetime.fromisoformat("2024-05-06T07:08:09.123+02:00"), dt.datetime.fromtimestamp(0, dt.timezone.utc), dt.datetime.combine(d, t), x.tzname(), x.utcoffset()
    x < x + td, x == 3, dt.datetime.strptime("06/05/24 17:08", "%d/%m/%y %H:%M"), x.strftime("%a %b %f %Z"), dt.datetime(1, 1, 1).isocalendar()
    for bad in (lambda: dt.date(1, 13, 1), lambda: dt.time(25), lambda: d + 1, lambda: dt.date.fromisoformat("x"), lambda: x < dt.datetime(1, 1, 1)):
        try:
            bad()
        except (ValueError, TypeError):
            pass


@driver
def d_collections():
    collections = pure("collections", "_collections")

    P = collections.namedtuple("P", "x y", defaults=[1])
    P(1)._replace(x=3)._asdict(), repr(P(1)), P._make([1, 2])
    od = collections.OrderedDict(a=1, b=2)
    od.move_to_end("a"), od.popitem(False), repr(od), list(reversed(od)), od == {"a": 1}, od.pop("z", None), od.copy(), od.setdefault("q"), od | {"r": 1}, list(od.items())
    c = collections.Counter("abracadabra")
    c.most_common(2), c + c, c - collections.Counter("aaa"), c & c, c | c, sorted(c.elements()), c.subtract("ab"), c.update("z"), -c, repr(c), c.total(), c <= c, c.copy(), c["none"]
    m = collections.ChainMap({"a": 1}, {"b": 2})
    m["b"], list(m), m.new_child({"c": 3}).parents, "z" in m, m.get("q", 1), len(m), bool(m), repr(m), m | {"k": 1}, m.pop("a"), m.copy()
    try:
        m["none"]
    except KeyError:
        pass
    u = collections.UserDict(a=1)
    u["b"] = 2
    del u["a"]
    u | {"c": 3}, repr(u), "b" in u, u.copy(), u.get("z")
    ul = collections.UserList([3, 1])
    ul.append(2), ul.sort(), ul + [1], ul * 2, ul[1:], ul.index(3), ul == [1, 2, 3], ul.insert(0, 5), ul.pop(), ul.reverse(), repr(ul), ul.copy()
    us = collections.UserString("Hey")
    us.upper(), us + "x", us[0], us.find("y"), "H" in us, us % (), us.split("e"), us.center(9), us == "Hey", us.encode(), us * 2, hash(us)


@driver
def d_abc():
    from _py_abc import ABCMeta
    from collections.abc import Mapping, MutableSequence, MutableSet, Set

    class A(metaclass=ABCMeta):
        pass

    A.register(int), isinstance(1, A), issubclass(str, A), issubclass(bool, A), A._abc_registry_clear(), A._abc_caches_clear()

    class S(MutableSet):
        def __init__(self, v=()):
            self.v = list(dict.fromkeys(v))

        def __contains__(self, x):
            return x in self.v

        def __iter__(self):
            return iter(self.v)

        def __len__(self):
            return len(self.v)

        def add(self, x):
            self.v.append(x) if x not in self.v else None

        def discard(self, x):
            self.v.remove(x) if x in self.v else None

    a, b = S([1, 2]), S([2, 3])
    a & b, a | b, a - b, a ^ b, a <= b, a < b, a == b, a.isdisjoint(b), a.pop(), a.remove(2), a.__ior__(b), a.__isub__(b), a.__ixor__(b), Set._hash(b), a.clear(), [1] - b, a >= b, a > b
    try:
        a.remove(9)
    except KeyError:
        pass

    class L(MutableSequence):
        def __init__(self):
            self.v = []

        def __getitem__(self, i):
            return self.v[i]

        def __setitem__(self, i, x):
            self.v[i] = x

        def __delitem__(self, i):
            del self.v[i]

        def __len__(self):
            return len(self.v)

        def insert(self, i, x):
            self.v.insert(i, x)

    q = L()
    q.append(1), q.extend([2, 3, 2]), q.reverse(), q.index(2), q.count(2), q.pop(), q.remove(3), 2 in q, list(reversed(q)), list(q), q.__iadd__([5]), q.clear()

    class M(Mapping):
        def __getitem__(self, k):
            return {"a": 1}[k]

        def __iter__(self):
            return iter("a")

        def __len__(self):
            return 1

    m = M()
    m.get("z"), "a" in m, m == {"a": 1}, list(m.items()), list(m.keys()), list(m.values()), ("a", 1) in m.items(), 1 in m.values(), m.keys() & {"a"}, repr(m.keys())


@driver
def d_functools():
    functools = pure("functools", "_functools")

    @functools.total_ordering
    class N:
        def __init__(self, v):
            self.v = v

        def __lt__(self, o):
            return self.v < o.v

        def __eq__(self, o):
            return self.v == o.v

    N(1) <= N(2), N(1) > N(2), N(1) >= N(2)

    @functools.lru_cache(maxsize=2)
    def f(x, y=1):
        return x + y

    [f(i) for i in (1, 2, 1, 3, 4, 1)], f.cache_info(), f.cache_clear(), f(1, y=2)
    functools.lru_cache(None)(abs)(-1), functools.cache(len)("abc"), functools.lru_cache(0)(abs)(-2), functools.lru_cache(typed=True)(abs)(1.0)
    p = functools.partial(f, 1, y=3)
    p(), repr(functools.partial(len)), functools.partial(p, y=4)(), functools.reduce(lambda a, b: a + b, [1, 2, 3], 0), functools.reduce(max, [1, 3, 2])
    sorted([3, 1, 2], key=functools.cmp_to_key(lambda a, b: a - b))

    @functools.singledispatch
    def g(x):
        return "o"

    g.register(int)(lambda x: "i")

    @g.register
    def _(x: list):
        return "l"

    g(1), g([]), g(""), g(True), g.dispatch(int), g.registry
    g.register(collections.abc.Mapping, lambda x: "m")
    g({})

    class C:
        @functools.cached_property
        def v(self):
            return 1

        @functools.singledispatchmethod
        def m(self, x):
            return x

        @m.register
        def _(self, x: int):
            return -x

        def q(self, a, b):
            return a, b

        r = functools.partialmethod(q, 1)

    c = C()
    c.v, c.v, c.m(1), c.m("x"), c.r(2), functools.wraps(abs)(lambda: 1), functools.update_wrapper(lambda: 1, len)
    try:
        functools.reduce(max, [])
    except TypeError:
        pass


@driver
def d_operator():
    operator = pure("operator", "_operator")
    operator.itemgetter(1)([1, 2]), operator.itemgetter(0, 1)([1, 2]), operator.attrgetter("real")(1), operator.attrgetter("real.imag", "real")(1)
    operator.methodcaller("split", ",")("a,b"), operator.concat([1], [2]), operator.countOf([1, 1], 1), operator.indexOf([1, 2], 2), operator.length_hint([1, 2])
    operator.add(1, 2), operator.contains([1], 1), operator.delitem({1: 2}, 1), operator.iadd(1, 2), operator.setitem([1], 0, 2), operator.truth(1), operator.not_(1)
    repr(operator.itemgetter(1)), repr(operator.attrgetter("a", "b")), repr(operator.methodcaller("x", 1, k=2)), operator.matmul, operator.is_not(1, 2), operator.index(3)
    for bad in (lambda: operator.indexOf([1], 2), lambda: operator.length_hint(1, "x"), lambda: operator.concat(1, 2)):
        try:
            bad()
        except (ValueError, TypeError):
            pass


@driver
def d_ast():
    ast = pure("ast")
    source = Path(__file__).parent.joinpath("common.py").read_text()[:2500].rpartition("\n@")[0]
    tree = ast.parse(source + "\nwith a as b, c: x = y = 1; del x\n" + MORE)
    ast.unparse(tree), ast.dump(tree, indent=1)[:3], ast.literal_eval("[1, (2, 'a'), {3: -4j}, {5}]"), ast.fix_missing_locations(tree), ast.increment_lineno(tree), ast.get_docstring(tree)
    list(ast.iter_child_nodes(tree)), ast.get_source_segment(source, tree.body[1]), list(ast.walk(tree))[:2], ast.copy_location(ast.Pass(), tree.body[0])

    class V(ast.NodeVisitor):
        def visit_Name(self, node):
            return node.id

    class T(ast.NodeTransformer):
        def visit_Pass(self, node):
            return None

        def visit_Constant(self, node):
            return node

    V().visit(tree), T().visit(ast.parse("x = 1\npass\nif a: pass\n"))
    for bad in ("a", "f()", "1 +"):
        try:
            ast.literal_eval(bad)
        except (ValueError, SyntaxError):
            pass


MORE = '''
async def f(a, /, b: int = 1, *c, d=2, **e) -> int:
    async for i in x: await y
    else: pass
    async with z: yield
    return [i async for i in j if i] or {k: v for k, v in w} or {*s} or (g for g in h)
class C[T](B, metaclass=M):
    """Doc \\n "quoted"."""
    x: int = 3
    @d
    def m(self): nonlocal_ = lambda *a, k=1: (yield); global g; assert a, "m"; raise E from f
try: pass
except (A, B) as e: raise
except C: ...
else: pass
finally: pass
try: f"{a!r:>{w}}{b=}" + rb"x" .y
except* E: pass
match p:
    case [1, *_, {"k": v, **r}] if x: pass
    case C(a, b=-1) | None | "s" | K.v as q: pass
    case _: pass
while not (a and b or c) < d is not e not in f: break
else: continue_ = a if b else -c ** ~d @ e[1:2, ::3] << (f := 1)
for a, *b in c, d: a += 1; del a.b, c[0]
from . import x as y; import a.b as c; from ..z import *; nonlocals = print(*a, **b, c=1)
type X[**P, *Ts] = int
if a:
    pass
elif b:
    pass
else:
    x = 1, ; y = (); z = 1e400; w = 1.5j
'''


@driver
def d_tokenize():
    import io

    tokenize = pure("tokenize")
    source = "def f(x):\n    return f'{x!r}' + '''é\n'''  # c\n\nif 1:\n\tpass\n"
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    tokenize.untokenize(tokens), tokenize.untokenize([(t.type, t.string) for t in tokens]), repr(tokens[0]), tokens[0].exact_type
    list(tokenize.tokenize(io.BytesIO(source.encode()).readline)), tokenize.detect_encoding(io.BytesIO(b"# -*- coding: latin-1 -*-\n").readline)
    for bad in ("(", "'''x", "  x\n y"):
        try:
            list(tokenize.generate_tokens(io.StringIO(bad).readline))
        except (tokenize.TokenError, SyntaxError):
            pass


@driver
def d_dis():
    import io

    dis = pure("dis")

    def f(x):
        try:
            return [y for y in x if y > 1] or {1, 2} or f"{x!r}"
        except ValueError as e:
            raise KeyError from e

    out = io.StringIO()
    dis.dis(f, file=out), list(dis.get_instructions(f))[:1], dis.code_info(f), list(dis.findlinestarts(f.__code__)), dis.findlabels(f.__code__.co_code), dis.stack_effect(dis.opmap["POP_TOP"])
    b = dis.Bytecode("a = 1\nb = a.c(2)[3]")
    b.dis(), b.info(), repr(b), list(b), dis.dis("for i in x: print(i)", file=out), dis.show_code(f, file=out)


@driver
def d_pprint():
    import collections
    import dataclasses
    import io
    import pprint
    import types

    @dataclasses.dataclass
    class D:
        a: int
        b: list

    data = {"k" * 10: list(range(30)), "s": "long text " * 15, "t": (1,), "set": {3, 1, 2}, "f": frozenset([1]), "b": b"bytes" * 30, "n": {"x": {"y": {"z": [1]}}}}
    data |= {"c": collections.Counter("aab"), "o": collections.OrderedDict(a=1), "d": collections.deque([1]), "m": types.MappingProxyType({"a": 1}), "dc": D(1, [2] * 40)}
    data |= {"dd": collections.defaultdict(list, {1: [2]}), "cm": collections.ChainMap({}), "ns": types.SimpleNamespace(a=1), "ba": bytearray(b"x" * 90), "u": collections.UserList([1])}
    pprint.pformat(data, width=40), pprint.pformat(data, compact=True, depth=2, indent=3), pprint.pprint(data, io.StringIO(), sort_dicts=False), pprint.isreadable(data)
    loop = [1]
    loop.append(loop)
    len(pprint.pformat(loop)), pprint.isrecursive(loop), pprint.saferepr([1, {2: 3}]), pprint.pformat(10**9, underscore_numbers=True)


@driver
def d_random():
    import random

    r = random.Random(5)
    r.randint(1, 9), r.randrange(0, 9, 2), r.choice("abc"), r.choices("ab", [1, 3], k=3), r.sample(range(30), 4), r.sample([1, 2, 3], 3, counts=[1, 2, 3]), r.shuffle([1, 2, 3])
    r.uniform(1, 2), r.triangular(), r.gauss(), r.normalvariate(), r.lognormvariate(0, 1), r.expovariate(2), r.vonmisesvariate(1, 2), r.gammavariate(2, 1), r.gammavariate(0.5, 1)
    r.betavariate(1, 2), r.paretovariate(2), r.weibullvariate(1, 2), r.randbytes(3), r.setstate(r.getstate()), r.binomialvariate(10, 0.3), r.binomialvariate(100, 0.4), r.gammavariate(1, 1)
    random.Random("seed"), random.Random(b"x")
    for bad in (lambda: r.randrange(0), lambda: r.choice([]), lambda: r.sample([1], 2), lambda: r.choices([1], [0])):
        try:
            bad()
        except (ValueError, IndexError):
            pass


@driver
def d_calendar():
    import calendar

    c, h = calendar.TextCalendar(6), calendar.HTMLCalendar()
    c.formatmonth(2024, 2, 3), c.formatyear(2023, m=4)[:9], h.formatmonth(2024, 2), h.formatyear(2023)[:9], c.monthdayscalendar(2024, 1), calendar.monthrange(2024, 2)
    calendar.isleap(1900), calendar.leapdays(1990, 2010), calendar.weekday(2024, 1, 1), calendar.timegm((1970, 1, 2, 0, 0, 0)), list(c.itermonthdates(2024, 2))[:2], h.formatyearpage(2022)[:5]
    list(c.itermonthdays2(2024, 3)), c.yeardatescalendar(2024, 6)[0][0][0][0], calendar.month_name[1], list(calendar.day_abbr), calendar.setfirstweekday(0), c.monthdays2calendar(2024, 1)
    try:
        calendar.monthrange(2024, 13)
    except (calendar.IllegalMonthError, KeyError):
        pass


@driver
def d_gettext():
    import gettext
    import io
    import struct

    pairs = [("", "Content-Type: text/plain; charset=utf-8\nPlural-Forms: nplurals=2; plural=n != 1;\n"), ("a", "ä"), ("f\0fs", "x\0xs")]
    ids = b"".join(k.encode() + b"\0" for k, _ in pairs)
    strs = b"".join(v.encode() + b"\0" for _, v in pairs)
    keys, values, at, bt = [], [], 28 + 16 * len(pairs), 28 + 16 * len(pairs) + len(ids)
    for k, v in pairs:
        keys += [len(k.encode()), at]
        values += [len(v.encode()), bt]
        at += len(k.encode()) + 1
        bt += len(v.encode()) + 1
    mo = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0) + struct.pack(f"<{len(keys) * 2}I", *keys, *values) + ids + strs
    t = gettext.GNUTranslations(io.BytesIO(mo))
    t.gettext("a"), t.ngettext("f", "fs", 3), t.pgettext("c", "a"), t.npgettext("c", "f", "fs", 2), t.info(), t.charset(), t.add_fallback(gettext.NullTranslations()), t.gettext("zz")
    gettext.c2py("n%10==1 && n%100!=11 ? 0 : n!=0 ? 1 : 2")(21), gettext.translation("x", "/nowhere", fallback=True, languages=["de_DE.utf8@x"]), gettext.ngettext("a", "b", 2)
    try:
        gettext.c2py("n n")
    except ValueError:
        pass


@driver
def d_html():
    import html
    from html.parser import HTMLParser

    class P(HTMLParser):
        def handle_starttag(self, tag, attrs):
            self.getpos(), self.get_starttag_text()

    p = P()
    p.feed("<!DOCTYPE html><a href='x&amp;y' b>t &lt; &#65; &nope;</a><br/><!-- c --><script>1<2</script><?pi x><![CDATA[q]]></p x><b"), p.feed(" c=d>"), p.close(), p.reset()
    P(convert_charrefs=False).feed("a &amp; &#x41; <x>b</x> <"), html.escape("<'&\">"), html.unescape("&eacute;&#233;&#xe9;&notit;&#128;&#0;&bogus;")


@driver
def d_email():
    import email
    import email.header
    import email.policy
    import email.utils
    from email.message import EmailMessage
    from email.mime.multipart import MIMEMultipart
    from email.mime.text import MIMEText

    m = EmailMessage()
    m["Subject"], m["From"], m["To"] = "Größe " * 9, "Ä B <a@example.org>", "c@example.org, D <d@example.org>"
    m.set_content("text é\n" * 3), m.add_alternative("<p>x</p>", subtype="html"), m.add_attachment(b"\0\1", maintype="application", subtype="x", filename="ñ.bin")
    m.set_boundary("BOUND")
    raw = m.as_bytes()
    e = email.message_from_bytes(raw, policy=email.policy.default)
    e["to"].addresses, e.get_body().get_content(), [p.get_content_type() for p in e.walk()], list(e.iter_attachments()), e.is_multipart(), e.get_content_type(), e.keys()
    o = email.message_from_string("From: x\nSubject: =?utf-8?q?h=C3=A9?= y\nContent-Type: text/plain; charset=\"utf-8\"; x*0=a; x*1=b\nContent-Transfer-Encoding: base64\n\nw6k=\n")
    o.get_payload(decode=True), o.get_param("x"), o.get_charsets(), email.header.decode_header(o["Subject"]), str(email.header.make_header([("é", "utf-8")])), o.as_string(), o.get_filename()
    w = MIMEMultipart("mixed", "B")
    w.attach(MIMEText("é", "plain", "utf-8")), w.as_string(), w.add_header("X", "v", p="q"), w.replace_header("X", "z"), w.set_param("a", "b"), w.del_param("a")
    email.utils.parseaddr("A (c) <a@b>"), email.utils.formataddr(("Ä", "a@b")), email.utils.parsedate_to_datetime("Mon, 20 Nov 1995 19:12:08 -0500"), email.utils.formatdate(0)
    email.utils.getaddresses(["A <a@b>, grp: c@d;"]), email.utils.parsedate_tz("20 Nov 95 19:12 EST"), email.utils.quote('a"'), email.utils.decode_rfc2231("utf-8'en'x"), email.utils.collapse_rfc2231_value(("utf-8", "", "x"))


@driver
def d_urllib():
    import urllib.parse as u
    import urllib.robotparser

    u.urlparse("http://u:p@h:80/a;b?c=d#e").geturl(), u.urlsplit("//h:80/x").port, u.urljoin("http://a/b/c/d", "../e?q"), u.urlencode({"a": [1, 2], "b": "é&"}, True), u.quote("a b/é"), u.unquote("%C3%A9%zz")
    u.parse_qs("a=1&a=2&b=%20"), u.parse_qsl("a;b=1&c", keep_blank_values=True), u.quote_plus("a b"), u.unquote_plus("a+b"), u.urldefrag("x#y"), u.urlunsplit(("a", "b", "c", "d", "e")), u.quote_from_bytes(b"\xff")
    u.urlsplit("http://[::1]:8/x").hostname, u.urlparse(b"http://x/y"), u.unquote_to_bytes("%41"), u.urlsplit("a:b:c"), u.urlencode([("a", b"b")])
    r = urllib.robotparser.RobotFileParser()
    r.parse("User-agent: *\nDisallow: /x\nCrawl-delay: 3\nRequest-rate: 1/2\nSitemap: s\n".splitlines()), r.can_fetch("b", "/x/y"), r.can_fetch("b", "/z"), r.crawl_delay("*"), r.request_rate("*"), str(r), r.site_maps()
    for bad in (lambda: u.urlsplit("http://[x"), lambda: u.urlsplit("//h:x").port, lambda: u.parse_qsl("a", strict_parsing=True)):
        try:
            bad()
        except ValueError:
            pass


@driver
def d_ipaddress():
    import ipaddress as i

    n, s = i.ip_network("10.0.0.0/29"), i.ip_network("2001:db8::/125")
    list(n.hosts()), list(n.subnets(1)), n.supernet(), i.ip_address("10.0.0.3") in n, n.overlaps(i.ip_network("10.0.0.4/30")), list(n.address_exclude(i.ip_network("10.0.0.4/30"))), n.num_addresses, str(n), repr(n)
    list(s.hosts())[:2], s.exploded, s.compressed, i.ip_address("::ffff:1.2.3.4").ipv4_mapped, i.ip_address("fe80::1%eth0").scope_id, i.ip_interface("1.2.3.4/24").with_netmask, i.ip_address("1.2.3.4").is_private, n.is_global
    list(i.summarize_address_range(i.ip_address("1.0.0.0"), i.ip_address("1.0.0.6"))), list(i.collapse_addresses([i.ip_network("1.0.0.0/25"), i.ip_network("1.0.0.128/25")])), i.ip_address(5) + 1, i.ip_address("1.1.1.1") < i.ip_address("1.1.1.2")
    i.v4_int_to_packed(3), i.ip_address(b"\1\2\3\4").reverse_pointer, i.ip_address("::1").reverse_pointer, n.with_hostmask, n.compare_networks(n), hash(n), n[1], sorted([n, n]), i.ip_address("2002::").sixtofour, format(i.ip_address("1.2.3.4"), "#x")
    for bad in ("1.2.3", "1.2.3.256", ":::", "1::2::3", "10.0.0.1/8", "1.2.3.4/33", "12345::", "1.2.3.04"):
        for f in (i.ip_address, i.ip_network):
            try:
                f(bad)
            except ValueError:
                pass


@driver
def d_codes():
    import base64
    import binascii
    import hmac
    import io
    import quopri
    import uuid

    data = bytes(range(60))
    for n in (16, 32, 64):
        for p in ("b{}", "standard_b{}", "urlsafe_b{}"):
            enc = getattr(base64, p.format(n) + "encode", None)
            enc and getattr(base64, p.format(n) + "decode")(enc(data))
    base64.b32hexdecode(base64.b32hexencode(data)), base64.a85decode(base64.a85encode(data + b"\0" * 8, wrapcol=20, adobe=True), adobe=True), base64.b85decode(base64.b85encode(data, pad=True)), base64.encodebytes(data)
    base64.b64decode("YW J=j", validate=False), base64.b32decode("me======", casefold=True), base64.decodebytes(b"YQ=="), base64.b64encode(data, altchars=b"-_")
    for bad in (lambda: base64.b32decode("1"), lambda: base64.b64decode("YQ", validate=True), lambda: base64.b85decode(b"\x7f"), lambda: base64.b16decode("zz")):
        try:
            bad()
        except (binascii.Error, ValueError):
            pass
    out = io.BytesIO()
    quopri.encode(io.BytesIO(b"a=b \xe9\n" + b"x" * 90), out, True), quopri.decode(io.BytesIO(out.getvalue()), io.BytesIO()), quopri.encodestring(b"a ="), quopri.decodestring("=41")
    u = uuid.uuid5(uuid.NAMESPACE_DNS, "x")
    u.hex, u.fields, u.urn, str(u), repr(u), u < uuid.uuid3(uuid.NAMESPACE_URL, "y"), u.version, u.variant, u.bytes_le, uuid.UUID(int=5), hash(u), uuid.UUID("{12345678-1234-5678-1234-567812345678}").time, u.node, u.clock_seq
    hmac.new(b"k", b"m", "sha256").hexdigest(), hmac.compare_digest("a", "b"), hmac.HMAC(b"k" * 200, digestmod="md5").copy().digest()


@driver
def d_archives():
    import gzip
    import io
    import tarfile
    import zipfile

    buf = io.BytesIO()
    with zipfile.ZipFile(buf, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("a/é.txt", (2020, 1, 1, 0, 0, 0)), "x" * 50), z.writestr(zipfile.ZipInfo("d/", (2020, 1, 1, 0, 0, 0)), "")
        z.comment = b"c"
    with zipfile.ZipFile(buf) as z:
        z.namelist(), z.read("a/é.txt"), z.testzip(), z.getinfo("a/é.txt").is_dir(), repr(z.infolist()[0]), z.printdir(io.StringIO())
        with z.open("a/é.txt") as f:
            f.read(3), f.seek(1), f.readline(), f.peek(2)
        p = zipfile.Path(z)
        [q.name for q in p.iterdir()], (p / "a").is_dir(), (p / "a" / "é.txt").read_text(), (p / "none").exists()
    zipfile.is_zipfile(buf)
    buf = io.BytesIO()
    with tarfile.open(fileobj=buf, mode="w:gz", compresslevel=1) as t:
        info = tarfile.TarInfo("x/" + "long" * 30)
        info.size = 4
        t.addfile(info, io.BytesIO(b"data"))
        d = tarfile.TarInfo("dir")
        d.type = tarfile.DIRTYPE
        t.addfile(d)
        q = tarfile.TarInfo("é" * 60)
        q.type, q.linkname = tarfile.SYMTYPE, "x"
        t.addfile(q)
    buf.seek(0)
    with tarfile.open(fileobj=buf) as t:
        t.getnames(), t.getmember("dir").isdir(), t.extractfile(t.getmembers()[0]).read(), t.list(verbose=False), t.next(), tarfile.data_filter(t.getmembers()[0], "/tmp")
    out = io.BytesIO()
    with gzip.GzipFile("n", "wb", fileobj=out, mtime=0) as g:
        g.write(b"line\n" * 9)
    with gzip.GzipFile(fileobj=io.BytesIO(out.getvalue())) as g:
        g.readline(), g.seek(2), g.read(), g.tell(), g.peek(1)
    gzip.decompress(gzip.compress(b"x", mtime=0))
    for bad in (lambda: tarfile.open(fileobj=io.BytesIO(b"no")), lambda: zipfile.ZipFile(io.BytesIO(b"no")), lambda: gzip.decompress(b"no")):
        try:
            bad()
        except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError):
            pass


@driver
def d_copy_enum_dataclasses():
    import copy
    import dataclasses as dc
    import enum
    import types

    data = {"a": [1, (2, [3])], "s": {1}}
    data["loop"] = data["a"]
    copy.deepcopy(data), copy.copy(data), copy.deepcopy(types.SimpleNamespace(x=[1])), copy.copy(slice(1)), copy.deepcopy((1, 2))

    class Color(enum.Enum):
        RED = 1
        GREEN = enum.auto()
        ALIAS = 1

        @classmethod
        def _missing_(cls, value):
            return cls.RED if value == "r" else None

    class F(enum.Flag, boundary=enum.CONFORM):
        A = enum.auto()
        B = enum.auto()
        AB = A | B

    class S(enum.StrEnum):
        X = enum.auto()

    Color(1), Color["GREEN"], list(Color), Color("r"), repr(Color.RED), str(F.A | F.B), F.A in F.AB, ~F.A, F(9), S.X.upper(), len(Color), list(reversed(Color)), Color.RED.name, hash(Color.RED), format(S.X), F.A ^ F.B
    enum.Enum("G", "a b"), enum.IntEnum("I", {"p": 1}), Color.__members__, list(F.AB), F.A & F.B, bool(F.A), enum.unique(S), dir(Color)[:2], enum.verify(enum.CONTINUOUS)(enum.Enum("Q", "a b"))
    for bad in (lambda: Color(9), lambda: Color["no"], lambda: setattr(Color, "RED", 2), lambda: enum.unique(Color)):
        try:
            bad()
        except (ValueError, KeyError, AttributeError):
            pass

    @dc.dataclass(order=True, frozen=True)
    class P:
        x: int
        y: list = dc.field(default_factory=list, compare=False)
        z: dc.InitVar[int] = 3

        def __post_init__(self, z):
            object.__setattr__(self, "w", z)

    @dc.dataclass(slots=True, kw_only=True, repr=False)
    class Q:
        a: int = 1

    P(1) < P(2), repr(P(1, [2])), dc.asdict(P(1)), dc.astuple(P(1)), dc.replace(P(1), x=2, z=1), dc.fields(P), Q(a=2), dc.is_dataclass(P), dc.make_dataclass("M", ["a", ("b", int, 3)])(1), hash(Q) and P(1) == P(1)
    try:
        P(1).x = 3
    except dc.FrozenInstanceError:
        pass
    try:
        dc.make_dataclass("B", [("a", int, 1), "b"])
    except TypeError:
        pass


@driver
def d_typing():
    import typing as t

    T, K = t.TypeVar("T"), t.TypeVar("K", bound=int)

    class G(t.Generic[T, K]):
        def m(self, x: "int", y: t.Optional[T] = None) -> t.List[T]: ...

    class N(t.NamedTuple):
        a: int
        b: str = "x"

    class D(t.TypedDict, total=False):
        a: t.Required[int]

    @t.runtime_checkable
    class Pr(t.Protocol):
        def close(self): ...

    G[str, int], t.get_type_hints(G.m), t.get_args(t.Dict[str, t.List[T]][int]), t.get_origin(t.Union[int, str]), repr(t.Callable[[int], str]), t.Literal[1, "a"] == t.Literal["a", 1], N(1)._replace(a=2), D(a=1)
    isinstance(open(__file__, "rb"), Pr) if False else issubclass(type("X", (), {"close": 1}), Pr), t.cast(int, 1), t.Annotated[int, 1].__metadata__, t.NewType("U", int)(3), t.overload(lambda: 1), t.get_overloads(len), t.final(G), t.no_type_check(lambda: 1)
    t.Tuple[int, ...], t.Type[int], t.ClassVar[int], t.Concatenate[int, ...], t.get_type_hints(D, include_extras=True), t.is_typeddict(D), repr(t.Optional[int]), t.ParamSpec("P"), t.Unpack[t.Tuple[int]], t.TypeGuard[int], t.assert_type(1, int)
    for bad in (lambda: t.List[int, str], lambda: t.Union[()], lambda: t.Generic[int], lambda: t.assert_never(1)):
        try:
            bad()
        except (TypeError, AssertionError):
            pass


@driver
def d_contextlib():
    contextlib = pure("contextlib")

    @contextlib.contextmanager
    def cm(x):
        try:
            yield x
        except KeyError:
            pass

    with cm(1), contextlib.suppress(ValueError), contextlib.nullcontext(3), contextlib.closing(iter_with_close()):
        raise KeyError
    with contextlib.suppress(ValueError, TypeError):
        raise ValueError
    with contextlib.suppress(ValueError):
        raise ExceptionGroup("g", [ValueError(1)])
    with contextlib.ExitStack() as s:
        s.enter_context(cm(2)), s.callback(print, "", end=""), s.pop_all().close(), s.push(lambda *a: True)
        raise KeyError
    cm(1)(lambda: 2)()
    try:
        with cm(1):
            raise ValueError
    except ValueError:
        pass
    try:
        with contextlib.contextmanager(lambda: iter(()))():
            pass
    except (RuntimeError, AttributeError):
        pass
    import io

    with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir("."):
        pass


def iter_with_close():
    import io

    return io.StringIO()


@driver
def d_graph_options():
    import cmd
    import getopt
    import graphlib
    import io
    import optparse

    g = graphlib.TopologicalSorter({"d": {"b", "c"}, "b": {"a"}, "c": {"a"}})
    sorted(g.static_order())
    g = graphlib.TopologicalSorter()
    g.add(1, 2, 3), g.add(2, 3), g.prepare()
    while g.is_active():
        for n in sorted(g.get_ready()):
            g.done(n)
    try:
        graphlib.TopologicalSorter({1: [2], 2: [1]}).prepare()
    except graphlib.CycleError:
        pass
    p = optparse.OptionParser("%prog [x]", version="1", description="d" * 99)
    p.add_option("-a", "--all", action="store_true", help="h %default", default=False), p.add_option("-n", type="int", dest="n", metavar="N"), p.add_option("-l", action="append"), p.add_option("--ch", choices=["a", "b"], type="choice")
    og = optparse.OptionGroup(p, "T", "text")
    og.add_option("--v", action="count", callback=None), p.add_option_group(og)
    p.parse_args(["-a", "-n3", "-l", "x", "--v", "--v", "rest", "--ch=a"]), p.format_help(), p.get_usage(), p.set_defaults(n=2), p.has_option("-a"), p.get_option("-n"), p.remove_option("-n"), p.values
    for bad in (["-z"], ["--ch=q"], ["-h"], ["--version"], ["--a", "--all=1"]):
        try:
            p.parse_args(bad)
        except SystemExit:
            pass
    getopt.getopt(["-a", "1", "--long=x", "--fl", "r"], "a:b", ["long=", "flag"]), getopt.gnu_getopt(["r", "-b"], "b")
    for bad in (["-z"], ["-a"], ["--nope"], ["--flag=1"]):
        try:
            getopt.getopt(bad, "a:", ["flag", "fla"])
        except getopt.GetoptError:
            pass

    class C(cmd.Cmd):
        use_rawinput, prompt = False, "> "

        def do_hi(self, arg):
            "Says hi."
            self.stdout.write(arg)

        def do_EOF(self, arg):
            return True

    c = C(stdin=io.StringIO("hi you\nhelp\nhelp hi\n?x\nnope\n\n"), stdout=io.StringIO())
    c.cmdloop("intro"), c.completenames("h"), c.complete_help("h"), c.columnize(["a", "bb", "ccc"] * 9, 30), c.parseline("!x y"), c.onecmd("hi a")


@driver
def d_small():
    import colorsys
    import keyword
    import mimetypes
    import queue
    import reprlib
    import sched
    import stringprep
    import types

    for f, b in ((colorsys.rgb_to_hsv, colorsys.hsv_to_rgb), (colorsys.rgb_to_hls, colorsys.hls_to_rgb), (colorsys.rgb_to_yiq, colorsys.yiq_to_rgb)):
        for rgb in ((0.1, 0.5, 0.9), (0.5, 0.5, 0.5), (0.9, 0.2, 0.1), (0.2, 0.9, 0.3)):
            b(*f(*rgb))
    clock = [0]
    s = sched.scheduler(lambda: clock[0], lambda n: clock.__setitem__(0, clock[0] + n))
    s.enter(2, 1, clock.append, (1,)), s.enterabs(1, 2, clock.append, (2,)), s.cancel(s.enter(3, 1, print)), s.empty(), s.queue, s.run(), s.run(False)
    q = queue.PriorityQueue(3)
    q.put(2), q.put(1), q.get(), q.qsize(), q.full(), q.empty(), q.task_done(), q.get_nowait()
    try:
        q.get_nowait()
    except queue.Empty:
        pass
    l = queue.LifoQueue(1)
    l.put(1)
    try:
        l.put_nowait(2)
    except queue.Full:
        pass
    r = reprlib.Repr(maxlist=2, maxdict=1, maxstring=9)
    r.repr([1, 2, 3, {1: 2, 3: 4}, "x" * 30, 10**60, {5, 6}, (1,), frozenset([1])]), reprlib.repr(list(range(20))), reprlib.recursive_repr("...")(lambda self: repr(self) if False else "x")(1), r.repr(r)[:2]
    mimetypes.guess_type("a.tar.gz"), mimetypes.guess_extension("text/html"), mimetypes.MimeTypes().guess_type("x.py"), keyword.iskeyword("if"), mimetypes.guess_all_extensions("image/jpeg")
    [f("\u00ad") for n, f in vars(stringprep).items() if n.startswith(("in_table", "map_table"))], types.new_class("X", (object,), {}, lambda ns: ns.update(a=1)), types.resolve_bases((list[int],)), types.prepare_class("Y"), types.DynamicClassAttribute(len)
    "bücher.example".encode("idna"), b"xn--bcher-kva.example".decode("idna"), "bücher".encode("punycode"), b"bcher-kva".decode("punycode")


@driver
def d_plistlib():
    import datetime
    import plistlib

    data = {"a": [1, 2.5, True, "é<&>"], "b": b"bytes" * 20, "d": datetime.datetime(2020, 1, 2, 3, 4, 5), "n": {"x": []}, "u": plistlib.UID(3), "big": 2**40}
    plistlib.loads(plistlib.dumps(data, fmt=plistlib.FMT_BINARY)), data.pop("u"), plistlib.loads(plistlib.dumps(data)), plistlib.dumps(data, sort_keys=False, skipkeys=True)
    for bad in (b"<plist><dict><key>a</key></dict></plist>", b"bplist00xx", b"no"):
        try:
            plistlib.loads(bad)
        except (plistlib.InvalidFileException, ValueError):
            pass


@driver
def d_xml():
    import io
    import xml.dom.minidom as md
    import xml.sax
    import xml.sax.saxutils as su

    ET = pure("xml.etree.ElementTree", "_elementtree")
    text = "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY e 'x'>]><r a='1' xmlns:n='u:n'><n:c>t&amp;&e;</n:c><!-- c --><?p i?><d/><![CDATA[q]]>tail</r>"
    d = md.parseString(text)
    d.toxml(), d.toprettyxml(" "), d.documentElement.getAttribute("a"), d.getElementsByTagName("d"), d.createElement("z"), d.documentElement.cloneNode(True), d.documentElement.firstChild.nodeName, d.getElementsByTagNameNS("u:n", "c")
    e = d.createElement("new")
    e.setAttribute("k", "v"), e.appendChild(d.createTextNode("x")), d.documentElement.insertBefore(e, d.documentElement.firstChild), d.documentElement.removeChild(e), e.hasAttribute("k"), e.removeAttribute("k"), d.unlink()
    r = ET.fromstring(text)
    r.find("d"), r.findall(".//{u:n}c"), r.findtext("d"), [x.tag for x in r.iter()], ET.tostring(r), r.get("a"), r.set("b", "2"), ET.SubElement(r, "s", k="v"), r.remove(r.find("s")), list(r.itertext()), ET.indent(r), ET.canonicalize(text.replace("&e;", ""))
    r.findall("*[@a]"), r.find("d[1]"), r.findall("d[last()]"), ET.ElementTree(r).write(io.BytesIO(), xml_declaration=True), list(ET.iterparse(io.StringIO("<a><b/></a>"), ("start", "end"))), ET.QName("u", "t"), repr(r)[:5], len(r)

    class H(xml.sax.ContentHandler):
        pass

    out = io.StringIO()
    xml.sax.parseString("<a b='c'>t<d/></a>", su.XMLGenerator(out)), xml.sax.parseString("<a/>", H()), su.escape("<>&"), su.quoteattr("a\"'"), su.unescape("&lt;")
    for bad in (lambda: ET.fromstring("<a>"), lambda: md.parseString("<a"), lambda: r.find("d[")):
        try:
            bad()
        except Exception:
            pass


@driver
def d_logging():
    import io
    import logging
    import logging.config
    import traceback

    out = io.StringIO()
    log = logging.Logger("x")
    h = logging.StreamHandler(out)
    h.setFormatter(logging.Formatter("{levelname} {message}", style="{")), log.addHandler(h), log.info("a %s", 1), log.warning("b"), log.setLevel("ERROR"), log.info("c"), log.isEnabledFor(10), repr(log), repr(h)
    try:
        raise KeyError(1)
    except KeyError:
        log.exception("oops")
        traceback.format_exc()
    log.addFilter(lambda r: r.levelno > 30), log.error("%(k)s", {"k": 1}), logging.LoggerAdapter(log, {"e": 1}).error("z"), logging.getLevelName(10), logging.getLevelName("INFO"), logging.Formatter("%(message)s %(name)s").format(logging.makeLogRecord({"msg": "m"}))
    logging.BufferingFormatter().format([]), log.getEffectiveLevel(), logging.NullHandler().emit(None), logging.PercentStyle("%(a)s").validate() if False else None, log.removeHandler(h), log.hasHandlers()
    c = logging.config.BaseConfigurator({"a": "cfg://b[0]", "b": [1]})
    c.convert("cfg://b[0]"), c.config["a"], c.resolve("logging.INFO")


@driver
def d_traceback():
    import io

    traceback = pure("traceback")

    def inner(n):
        if n:
            return inner(n - 1)
        raise ValueError("x") from KeyError("k")

    for f in (lambda: inner(5), lambda: compile("a b", "f", "exec"), lambda: nothing_here, lambda: [].appendd, lambda: (_ for _ in ()).throw(ExceptionGroup("g", [ValueError(1), TypeError(2)]))):
        try:
            f()
        except Exception as e:
            traceback.format_exception(e), traceback.print_exc(file=io.StringIO()), traceback.extract_tb(e.__traceback__), traceback.TracebackException.from_exception(e, capture_locals=True).format_exception_only(), traceback.format_tb(e.__traceback__, 1)
    traceback.format_stack(limit=1), traceback.extract_stack(limit=1).format(), traceback.format_exception_only(ValueError("m")), traceback.StackSummary.from_list([("f", 1, "n", "l")]).format()


@driver
def d_re():
    import re

    parser, compiler = importlib.import_module("re._parser"), importlib.import_module("re._compiler")
    for p in (r"(?P<a>x+)|y*?(?=z)(?!q)(?<=w)", r"[a-f\d^\]]{2,3}(?i:k)(?:\b\s)", r"(?x) a # c", r"(a)(?(1)b|c)\1", r"\N{DIGIT ONE}\x41\u00e9[^\W_]++(?>ab)", "ä.*?$", "abc|abd|x"):
        compiler.compile(p), parser.parse(p).dump() if False else None
    for bad in ("(", "[", "a**", "(?P<1>a)", "\\", "(?<a+)", "x{3,2}", "(?P=z)", "[z-a]", "(?z)"):
        try:
            parser.parse(bad)
        except re.error:
            pass
    re.purge(), re.sub("(a)(?P<b>b)", r"\g<b>\1\n", "abab"), re.split(",", "a,b"), re.escape("a.b é"), re.findall("a", "aa"), re.fullmatch("a", "a", re.I | re.A), repr(re.compile("x", re.M)), repr(re.I | re.S), re.template if False else None
    re.subn("a", lambda m: "b", "aa"), list(re.finditer("a", "aa")), re.Scanner([(r"\d+", lambda s, t: int(t)), (r"\s+", None)]).scan("1 2 x")


@driver
def d_pickle():
    import io
    import pickle
    import pickletools

    data = {"a": [1, -300, 2**70, 1.5, None, True], "t": ((), (1,), (1, 2, 3, 4)), "s": {"é"}, "f": frozenset([1]), "b": b"x" * 300, "c": len, "e": ValueError("v"), "ba": bytearray(b"q"), "l": []}
    data["l"].append(data["l"])
    for protocol in range(6):
        out = io.BytesIO()
        pickle._Pickler(out, protocol).dump(data)
        pickle._Unpickler(io.BytesIO(out.getvalue())).load()
        if protocol in (0, 4):
            pickletools.dis(out.getvalue(), io.StringIO(), annotate=1), pickletools.optimize(out.getvalue())
    for bad in (lambda: pickle._dumps(lambda: 1), lambda: pickle._loads(b"."), lambda: pickle._loads(b"cnope\nx\n."), lambda: pickle._loads(b"\x80\x09")):
        try:
            bad()
        except Exception:
            pass


@driver
def d_io():
    import _pyio as io

    raw = io.BytesIO(b"line1\nl\xc3\xa9ne2\r\nend")
    t = io.TextIOWrapper(raw, "utf-8", newline=None)
    t.readline(), t.tell(), t.read(3), list(t), t.seek(0), t.read(), t.encoding, t.detach()
    b = io.BufferedReader(io.BytesIO(bytes(range(50))), 8)
    b.read(3), b.peek(2), b.read(20), b.seek(5), b.tell(), b.readinto(bytearray(4)), b.read1(2), b.readline()
    o = io.BytesIO()
    w = io.BufferedWriter(o, 4)
    w.write(b"abcdef"), w.flush(), w.write(b"x"), w.tell(), w.seek(1), w.write(b"y"), w.flush()
    s = io.StringIO("a\nb\r\nc", newline=None)
    s.readlines(), s.seek(0), s.write("zz"), s.getvalue(), s.truncate(1), s.read(), repr(s)[:3], s.writelines(["a"]), s.close()
    r = io.BufferedRandom(io.BytesIO(b"abcdef"))
    r.read(2), r.write(b"Z"), r.seek(0), r.read(), r.truncate(3)
    n = io.IncrementalNewlineDecoder(None, translate=True)
    n.decode("a\r\nb\r"), n.decode("\nc", final=True), n.newlines, n.getstate(), n.reset()
    for bad in (lambda: s.read(), lambda: b.write(b""), lambda: io.open("/nowhere/x"), lambda: io.open("x", "rwb")):
        try:
            bad()
        except (ValueError, OSError):
            pass


@driver
def d_code_tools():
    import code
    import codeop
    import io
    import pyclbr
    import pydoc
    import symtable
    import tabnanny
    import timeit
    import unittest

    c = code.InteractiveInterpreter({"__name__": "c"})
    c.runsource("x = 1"), c.runsource("if x:"), codeop.compile_command("a = ["), codeop.CommandCompiler()("1"), codeop.compile_command("1+1", symbol="eval")
    t = symtable.symtable("def f(x):\n    global y\n    return [x + z for z in y]\nclass C: a = 1\n", "s", "exec")
    f = next(c for c in t.get_children() if c.get_name() == "f" and hasattr(c, "get_parameters"))
    f.get_parameters(), f.get_locals(), f.get_globals(), f.lookup("x").is_parameter(), [s.is_global() for s in f.get_symbols()], t.get_identifiers(), repr(t), f.get_frees(), t.has_children(), repr(f.lookup("x"))
    tabnanny.process_tokens([]), pydoc.plain(pydoc.render_doc(collections_demo)), pydoc.html.document(collections_demo) if False else None, pydoc.splitdoc("a\n\nb"), pydoc.cram("x" * 90, 20), pydoc.replace("abc", "a", "x"), pydoc.locate("json.dumps")
    sorted(pyclbr.readmodule_ex("colorsys")), timeit.Timer("1").timeit(2)

    class T(unittest.TestCase):
        def setUp(self):
            self.addCleanup(lambda: None)

        def test_ok(self):
            self.assertEqual([1, 2], [1, 2]), self.assertAlmostEqual(1, 1.00000001), self.assertIn(1, [1]), self.assertDictEqual({1: 2}, {1: 2}), self.assertRegex("ab", "a"), self.assertCountEqual([1, 2], [2, 1])
            with self.subTest(i=1), self.assertRaises(ValueError):
                raise ValueError
            self.assertMultiLineEqual("a", "a"), self.assertIsNone(None), self.assertGreater(2, 1), self.assertIsInstance(1, int)

        def test_bad(self):
            self.assertEqual({"a": [1] * 9}, {"a": [1] * 8 + [2]})

        def test_error(self):
            raise KeyError

        @unittest.skip("why")
        def test_skip(self):
            pass

        @unittest.expectedFailure
        def test_expected(self):
            self.fail("x")

    unittest.TextTestRunner(io.StringIO(), verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))


def collections_demo(a, b=1, *c):
    """One line.

    More.
    """


@driver
def d_inspect():
    inspect = pure("inspect")

    def f(a, /, b: int = 1, *c, d, e=2, **k) -> str:
        "Doc."
        return inspect.currentframe()

    s = inspect.signature(f)
    str(s), s.bind(1, 2, 3, d=4, z=5).arguments, s.replace(return_annotation=int), s.parameters["b"].replace(default=3), repr(s), s == inspect.signature(f), s.bind_partial().apply_defaults(), inspect.getfullargspec(f), hash(s.parameters["a"])
    inspect.getdoc(f), inspect.cleandoc("a\n   b\n"), inspect.getsource(f), inspect.getmembers(type("X", (), {"a": 1}), lambda v: v == 1), inspect.classify_class_attrs(type("Y", (), {"m": f})), inspect.getcallargs(lambda x, y=2: 1, 1), inspect.isgenerator(f)
    inspect.getmro(bool), inspect.unwrap(f), inspect.getclosurevars(f), inspect.getmodule(f), inspect.getcomments(f), inspect.formatannotation(list[int]), inspect.getattr_static(f, "x", 1), inspect.getsourcelines(f), inspect.isabstract(int)
    inspect.signature(int) if False else inspect.signature(sorted), inspect.signature(__import__("functools").partial(f, 1)), inspect.iscoroutinefunction(f), inspect.getargvalues(f(1, d=1)), inspect.getgeneratorstate(x for x in ()), inspect.getblock(["def f():\n", "  1\n", "x\n"])
    for bad in (lambda: s.bind(), lambda: s.bind(1, d=1, a=3, **{"b": 2}) if False else s.bind(1, 2, b=3, d=1), lambda: inspect.signature(1), lambda: inspect.getsource(len), lambda: inspect.Parameter("1", inspect.Parameter.VAR_POSITIONAL)):
        try:
            bad()
        except (TypeError, ValueError, OSError):
            pass


@driver
def d_web():
    import http.client
    import http.cookiejar
    import http.cookies
    import http.server
    import io
    import wsgiref.headers
    import wsgiref.util

    c = http.cookies.SimpleCookie('a=1; b="x y"; Path=/')
    c["z"] = "é;"
    c["z"]["max-age"] = 3
    c.output(), c.js_output(), repr(c), c["a"].value, c["z"].OutputString(), c.load({"q": "1"})
    http.client.parse_headers(io.BytesIO(b"A: b\r\n c\r\n\r\n"))

    class Sock:
        def makefile(self, *a):
            return io.BytesIO(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n3\r\nabc\r\n0\r\n\r\n")

    r = http.client.HTTPResponse(Sock())
    r.begin(), r.getheader("X"), r.read(), r.getheaders(), r.isclosed()
    h = wsgiref.headers.Headers([("a", "b")])
    h.add_header("c", "d", e="f"), str(h), h["a"], h.setdefault("q", "r"), bytes(h), wsgiref.util.shift_path_info({"PATH_INFO": "/a/b", "SCRIPT_NAME": ""}), wsgiref.util.is_hop_by_hop("te")
    http.cookiejar.http2time("Wed, 09 Feb 1994 22:23:32 GMT"), http.cookiejar.iso2time("1994-02-03 14:15:29"), http.cookiejar.split_header_words(['a="b"; c, d']), http.cookiejar.domain_match("a.b.c", ".b.c"), http.cookiejar.escape_path("/a%2f b"), http.cookiejar.parse_ns_headers(["a=b; expires=Wed, 09 Feb 1994 22:23:32 GMT"])


@driver
def d_data():
    import locale
    import netrc
    import tomllib
    import wave
    import weakref
    import io
    import zoneinfo._zoneinfo as zi

    tomllib.loads('a = 1\n[t.u]\nd = 2020-01-02T03:04:05Z\nx = [1, 2.5, "é\\n", \'lit\', """m\nl"""]\n[[arr]]\nk = {i = 0x1f, b = true}\n[[arr]]\nt=07:32:00\n')
    for bad in ("a = ", "a=1\na=2", "[a]\n[a]", "a = 'x", "x = [1", "= 1"):
        try:
            tomllib.loads(bad)
        except tomllib.TOMLDecodeError:
            pass
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(8000), w.setcomptype("NONE", "x"), w.writeframes(b"\0\1" * 9), w.getparams()
    with wave.open(io.BytesIO(out.getvalue())) as w:
        w.getparams(), w.readframes(3), w.rewind(), w.tell(), w.setpos(2)
    locale.normalize("de_DE"), locale.format_string("%.2f %s", (1234.5, "x"), grouping=True), locale.currency(3) if False else None, locale.atof("1.5"), locale.delocalize("1,5"), locale.strcoll("a", "b")

    class X:
        pass

    x = X()
    d = weakref.WeakValueDictionary(a=x)
    d["a"], list(d.items()), "a" in d, d.get("z"), len(d), d.copy(), d.setdefault("q", x), d.pop("a"), d.update(b=x), list(d.keys()), list(d.values()), d.valuerefs()
    k = weakref.WeakKeyDictionary({x: 1})
    k[x], list(k.items()), x in k, len(k), k.copy(), k.get(x), list(k.keyrefs())
    s = weakref.WeakSet([x])
    x in s, len(s), s | {x}, s.copy(), s.discard(x), s.add(x), s == s, s - s
    f = weakref.finalize(x, len, "")
    f.alive, f.peek() and 1, f.detach() and 1
    import datetime

    z = zi._parse_tz_str("EST5EDT,M3.2.0,M11.1.0")
    z.get_trans_info(1_700_000_000, 2023, 0), z.transitions(2024), zi._parse_tz_str("AAA-3BBB,J60/2,300/3")
    datetime.datetime.strptime("Mon Jan 2 2023 10:11:12 PM", "%a %b %d %Y %I:%M:%S %p")
    for bad in ("x", "2023-13"):
        try:
            datetime.datetime.strptime(bad, "%Y-%m")
        except ValueError:
            pass


@driver
def d_asyncio():
    import asyncio

    async def child(n, q):
        await asyncio.sleep(0)
        await q.put(n)
        if n == 2:
            raise ValueError(n)
        return n

    async def main():
        q = asyncio.Queue(3)
        out = await asyncio.gather(child(1, q), child(2, q), return_exceptions=True)
        e = asyncio.Event()
        asyncio.get_running_loop().call_soon(e.set)
        await e.wait()
        async with asyncio.Lock(), asyncio.Semaphore(1):
            q.get_nowait()
        try:
            async with asyncio.TaskGroup() as g:
                g.create_task(child(1, q)), g.create_task(child(2, q))
        except* ValueError:
            pass
        try:
            async with asyncio.timeout(0):
                await asyncio.sleep(1)
        except TimeoutError:
            pass
        done, _ = await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0))])
        return out, len(done), await asyncio.wait_for(asyncio.sleep(0, 3), None)

    asyncio.run(main())


@driver
def d_long():
    import _pylong
    import _strptime

    _pylong.int_to_decimal_string(7**9000), _pylong.int_from_string("9" * 5000), _pylong.int_divmod(9**4000, 7**900), _pylong._str_to_int_inner("8" * 3000), _strptime._strptime_time("10:11", "%H:%M")


# ------------------------------------------------------------------------------------------- running
def in_stdlib(module):
    file = getattr(module, "__file__", None) or ""
    return file.startswith(STDLIB) and "site-packages" not in file and f"{os.sep}test{os.sep}" not in file


def gather(names, limit=5.0):
    """Run the drivers once or twice: [(driver, function's name, function)], each function once, the cheapest way."""
    for name in list(names):
        try:
            with quiet():
                DRIVERS[name]()
        except Exception as e:
            raise RuntimeError(f"driver {name} failed: {e!r}") from e
    known = {}
    for module in [*PURE.values(), *list(sys.modules.values())]:
        if inspect.ismodule(module) and in_stdlib(module):
            if module.__name__ in OWN_TOOLS and module not in PURE.values():
                continue
            for name, f in functions_in(module):
                known.setdefault(id(f.__code__), (name, f))
    best = {}
    for name in names:
        called, took = called_functions(DRIVERS[name], known, limit)
        for c in called:
            if c not in best or took < best[c][0]:
                best[c] = (took, name)
    return [(name, *known[c]) for c, (_, name) in best.items()]


def examine(names=None, part=(0, 1), sample=None, only=""):
    """Compare all targets, or a sample of so many of them."""
    summary = Summary()
    chosen = sorted(gather(names or list(DRIVERS)), key=lambda t: (t[0], t[1]))
    began = time.monotonic()
    chosen = [c for c in chosen[part[0] :: part[1]] if re.search(only, c[1])]
    if sample is not None:
        chosen = random.Random(sample).sample(chosen, sample)
    for name, function_name, f in chosen:
        if not has_source(f):
            summary.exclude("a target without source of its own", function_name)
            continue
        summary.functions += 1
        make = DRIVERS[name]
        run_case(Case(name, function_name, f, lambda make=make: lambda: make()), summary)
    summary.seconds = time.monotonic() - began
    return summary


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.stdlib", description=__doc__.partition("\n")[0])
    parser.add_argument("drivers", nargs="*", metavar="DRIVER")
    parser.add_argument("--json", help="write figures and disagreements to this file")
    parser.add_argument("--part", default="1/1", help="only each N-th target, beginning with the K-th: K/N")
    parser.add_argument("--only", default="", metavar="REGEX", help="only targets with such names")
    parser.add_argument("--list", action="store_true", help="only name the drivers")
    args = parser.parse_args(argv)
    if args.list:
        print(*DRIVERS)
        return 0
    k, n = map(int, args.part.split("/"))
    summary = examine(args.drivers or None, (k - 1, n), only=args.only)
    return min(100, len(report({"stdlib": summary}, args.json).found))


if __name__ == "__main__":
    sys.exit(main())
