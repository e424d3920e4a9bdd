# -*- coding: utf-8 -*-
"""Functions that the versions must trace alike, each with a way to call it; odd layout is meant."""

from functools import lru_cache, partial, wraps


def loops(n):
    total = 0
    for i in range(n): total += i
    else: total += 1
    while n > 0: n -= 1
    while True:
        n += 1
        if n > 2: break
    return total


def one_liner(): x = 1; y = 2; return x + y


def duplicates(n):
    x = 1
    x = 1
    for i in range(n):
        x = 1
    return x


def finals(n):
    out = []
    for i in range(n):
        try:
            try:
                if i == 0: continue
                if i == 1: raise ValueError(i)
                if i == 2: break
            except ValueError as e: out.append(str(e))
            else: out.append('else')
            finally: out.append(i)
        finally:
            out.append('outer')
    else:
        return 'all'
    return out


def returns_twice(n):
    try:
        return n + 1
    finally:
        n = 5
        if n: return n


class Cm:
    def __init__(self, v, swallow=False): self.v, self.swallow = v, swallow
    def __enter__(self): return self.v
    def __exit__(self, *a): return self.swallow
    def __repr__(self): return f'Cm({self.v})'


def withs(n):
    with Cm(1) as a, Cm(2, True) as (b): raise KeyError(n)
    with (Cm(a) as c,
          Cm(b)):  # comment
        return [c
                for c in (a, b)]


def matches(v):
    match v:
        case 0 | 1: return 'small'
        case [x, *rest] if x > 1: return x, rest
        case {'k': k, **r}: return k, r
        case str() as s: return s
        case Cm(v=q): return q
        case _: pass


def comps(xs):
    a = [x * y for x in xs if x for y in range(x)]
    b = {k: {v for v in (k, k)} for k in xs}
    c = list(i for i in (j for j in xs) if i)
    d = any(x > 1 for x in xs)
    e = [z := x for x in xs]
    return a, b, c, d, e, z


def generator(n):
    got = yield n
    for i in range(n):
        try:
            got = yield i
        except ValueError as e:
            yield str(e)
        finally:
            n += 1
    yield from (x for x in (1, 2))
    return got


def use_generator(n):
    g = generator(n)
    out = [next(g), g.send(5), g.throw(ValueError('t'))]
    g.close()
    return out, list(generator(2))


def closures(n):
    total = 0
    def add(k=n, *, extra: int = 2):
        nonlocal total
        total += k + extra
        return (lambda: total)
    @lru_cache(
        maxsize=None)
    def cached(x): return x + 1
    class Inner(object):
        __private = 3
        def m(self): return self.__private + cached(1)
    return add()(), cached(2), Inner().m(), sorted([3, 1], key=lambda v: -v)


def recursion(n):
    if n <= 0: return 0
    return 1 + recursion(n - 1)


def unicode_names(größe, 名='ñ'):
    Ω = größe; é = f'{Ω}…{名!r:>{größe}}'
    return (é,
            'text é'  # kommentar ä
            )


def strings(x):
    a = '''one
two
  three'''; b = "x" \
        "y"
    return (a + b +
            f'''{x}
{x + 1}''')


def unbound(flag, xs):
    if flag: len = 3
    try: return len
    except NameError as e: return type(e).__name__


def stars(n):
    try:
        raise ExceptionGroup('g', [ValueError(1), KeyError(2), OSError(3)])
    except* ValueError as e: n += 1
    except* (KeyError, TypeError): n += 2
    except* OSError: n += 4
    return n


def deletes(n):
    a, *b = range(n); c = d = b[1:]
    del a, b[0]
    e: int = n; f: str
    assert e, 'never'
    import os.path as p; from math import (floor,
                                           ceil)
    global GLOBAL; GLOBAL = e
    return [*c, *d], {**{'k': floor(1.5)}}, a if e is None else ceil(0.5)


def constants():
    if True: a = 1
    if 0: a = 2
    while 0: a = 3
    'text'; 5; ...; None
    return a


def raises(n):
    for i in range(n):
        x = 1 if i else 2; y = {1: 2}[i + 1] if i else [][0:1]
    raise KeyError(x) from ValueError(y)


def generic[T](x: T, y: 'T' = None) -> T:
    type A[K] = list[K]
    def inner[S: int](s: S) -> T: return x
    return inner(1)


def decorated(f):
    @wraps(f)
    def wrapper(*args, **kwargs):
        """Doc."""
        return f(*args, **kwargs)
    return wrapper


@decorated
@decorated
def target(x, *more, key=None):
    # first
    x += 1  # second

    return x, more, key


class Box:
    size = 2

    @staticmethod
    def static(x): return x + 1

    @classmethod
    def class_(cls, x):
        return cls.size + x

    @property
    def prop(self):
        return [self.size for _ in range(self.size)]

    def method(self, x):
        if x: return self.method(x - 1)
        return self.prop

    def __repr__(self): return 'Box()'


def through(f, *args):
    return f(*args)


def each(f, xs):
    out = []
    for x in xs:
        try: out.append(f(x))
        except Exception as e: out.append(type(e).__name__)
    return out


# (name, function to run, arguments, target)
CALLS = [
    ('loops', loops, (3,), None),
    ('loops 0', loops, (0,), None),
    ('one_liner', one_liner, (), None),
    ('duplicates', duplicates, (12,), None),
    ('finals', each, (finals, [0, 1, 2, 4]), finals),
    ('returns_twice', returns_twice, (1,), None),
    ('withs', withs, (1,), None),
    ('matches', each, (matches, [0, [2, 3], [0], {'k': 1, 'l': 2}, 's', Cm(4), None]), matches),
    ('comps', comps, ([0, 1, 2],), None),
    ('generator', use_generator, (2,), generator),
    ('use_generator', use_generator, (1,), None),
    ('closures', closures, (3,), None),
    ('recursion', recursion, (14,), None),
    ('recursion target', through, (recursion, 3), recursion),
    ('unicode_names', unicode_names, (4,), None),
    ('strings', strings, (4,), None),
    ('unbound', each, (partial(unbound, xs=1), [0, 1]), unbound),
    ('stars', stars, (0,), None),
    ('deletes', deletes, (4,), None),
    ('constants', constants, (), None),
    ('raises', raises, (3,), None),
    ('generic', generic, (1,), None),
    ('decorated', through, (target, 1, 2), target),
    ('wrapper', decorated, (len,), None),
    ('static', each, (Box.static, [1, 2]), Box.static),
    ('class method', each, (Box.class_, [1, 'x']), Box.class_),
    ('method', through, (Box().method, 2), Box.method),
    ('bound method', through, (Box().method, 2), Box().method),
    ('main with lambda', through, (lambda f: f(2), recursion), recursion),
]
