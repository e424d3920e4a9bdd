"""Shapes of code, one function each: what a hot function can consist of."""

import array
import functools

# --- hot loops: one call, recorded from its start to its end


def one_statement(size):
    """A tight loop with a body of one statement."""
    total = 0
    for i in range(size):
        total += i
    return total


def many_statements(size):
    """A loop with a straight body of ten statements."""
    a, b, c, d = 1, 2, 3, 4
    for i in range(size):
        a = b + i
        b = c ^ a
        c = d + 3
        d = a & 1023
        a = a - b
        b = b & 4095
        c = c + d
        d = d | 1
        c = c & 2047
        a = a & 255
    return a, b, c, d


def nested_loops(size):
    """Three loops inside one another."""
    total = 0
    for i in range(size):
        for j in range(20):
            for k in range(20):
                total += i * j - k
            total ^= j
    return total


def branches(size):
    """A loop whose body takes another path from one item to the next."""
    small = large = odd = rest = 0
    for i in range(size):
        x = i * 7919 % 1000
        if x < 100:
            small += 1
        elif x > 900 and i & 1:
            large += x
        elif x & 1:
            odd ^= x
        else:
            rest += 2
    return small, large, odd, rest


def exceptions(size):
    """An exception raised and handled in every third turn of a loop."""
    table = {0: 1, 1: 2}
    found = lost = 0
    for i in range(size):
        try:
            found += table[i % 3]
        except KeyError:
            lost += 1
        finally:
            found &= 65535
    return found, lost


def comprehensions(size):
    """Comprehensions of each kind and generator expressions, with and without conditions."""
    total = 0
    for i in range(size):
        row = [i ^ x for x in range(60)]
        kept = {x for x in row if x & 3}
        index = {x: i for x in row}
        total += len(kept) + len(index) + sum(x for x in row if x > i)
    return total


def generator(size):
    """A generator that is the target, advanced many times in one call."""
    a, b = 0, 1
    for _ in range(size):
        yield a
        a, b = b, (a + b) & 0xFFFF


def run_generator(size):
    """Use the generator up."""
    return sum(generator(size))


def while_loop(size):
    """A `while` loop with its own counting: steps of the Collatz sequence."""
    steps = 0
    n = 27
    while steps < size:
        if n & 1:
            n = 3 * n + 1
        else:
            n >>= 1
        if n == 1:
            n = 27 + (steps & 255)
        steps += 1
    return n, steps


def string_building(size):
    """Calls of builtins and methods written in C, on strings: what text processing looks like."""
    words = []
    for i in range(size):
        word = str(i)
        if word.startswith("1"):
            word = word.replace("1", "one ")
        words.append(word.strip())
        if len(words) > 500:
            words = [",".join(words)[:50]]
    return words[-1], len(words)


def nested_while(size):
    """`while` within `while`, with indexing: the sieve of Eratosthenes."""
    flags = bytearray([1]) * (size + 1)
    count = 0
    i = 2
    while i <= size:
        if flags[i]:
            count += 1
            j = i * i
            while j <= size:
                flags[j] = 0
                j += i
        i += 1
    return count


# --- calls: many of them, of which the first ten are recorded


def leaf(x):
    """A function that does next to nothing."""
    y = x + 1
    return y & 1023


def call_leaf(size):
    """Call the leaf over and over."""
    total = 0
    for i in range(size):
        total += leaf(i)
    return total


class Account:
    """A class with methods that call one another."""

    def __init__(self):
        self.balance = 0
        self.entries = 0

    def book(self, amount):
        """Add an amount: the target."""
        if self.allowed(amount):
            self.balance += amount
            self.entries += 1
        return self.balance

    def allowed(self, amount):
        """Tell whether the amount may be added."""
        return self.balance + amount < 1_000_000_000


def methods(size):
    """Call a method, which calls another one."""
    account = Account()
    for i in range(size):
        account.book(i & 15)
    return account.balance, account.entries


# --- recursion, open to the end: nearly all calls are past the tenth, while the first is still running


def wide_recursion(size):
    """Recursion that divides its work in two."""
    if size < 2:
        return size
    half = size // 2
    return wide_recursion(half) ^ wide_recursion(size - half) + 1


def deep_recursion(size):
    """Recursion down to 400 frames, and from there on up and down again."""
    return descend(400, size)


def descend(depth, turns):
    """One level; the lowest but some is entered for each turn."""
    if depth > 20:
        return 1 + descend(depth - 1, turns)
    if depth == 20:
        return sum(descend(19, 0) for _ in range(turns))
    if depth == 0:
        return 0
    return 1 + descend(depth - 1, 0)


# --- code that is not the target's


def busy(size):
    """The work itself, which is not the target."""
    total = 0
    for i in range(size):
        total += i & 7
        total ^= i
    return total


def thin(size):
    """The target: it stays open while other code works."""
    result = busy(size)
    return result


def outside(size):
    """Run the target once; nearly all the time goes into what it calls."""
    return thin(size)


# --- values: the same hot line, with names that hold much or little


@functools.cache
def holdings(elements):
    """A list, a dictionary, a string and nested lists of as many elements."""
    numbers = list(range(elements))
    nested = [numbers[i : i + 100] for i in range(0, elements, 100)]
    return numbers, dict.fromkeys(numbers), "x" * elements, nested


def hot_line(size, elements):
    """Names of a hot line that hold as many elements."""
    numbers, index, text, nested = holdings(elements)
    total = 0
    for i in range(size):
        total += numbers[i & 7] + len(index) + len(text) + len(nested)
    return total


def big_values(size):
    """Values of a million elements."""
    return hot_line(size, 1_000_000)


def small_values(size):
    """Values of ten elements."""
    return hot_line(size, 10)


def hot_array(size, numbers):
    """An array of numbers in a hot line."""
    total = 0.0
    for i in range(size):
        total += numbers[i & 7]
    return total


def big_array(size):
    """An array of a million elements."""
    return hot_array(size, array.array("d", bytes(8_000_000)))


def small_array(size):
    """An array of ten elements."""
    return hot_array(size, array.array("d", bytes(80)))


# --- small functions


def small(x):
    """A function of three lines, for the price of a trace itself."""
    y = [x, x + 1]
    z = sum(y)
    return z
