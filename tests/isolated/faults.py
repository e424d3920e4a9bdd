"""Run by a test: a fault at each call that tracefunc makes while a traced program runs must not reach the program.

    python faults.py STEP [NAME ...]

prints a line for each fault that did harm, and at the end how many there were. STEP: each fault (1), or one of so many.
NAME: of a program; all of them if there is none. Each call expression in the package's
Python code is compiled so that it can fail; the programs below switch that on while they run.
"""

import ast
import asyncio
import sys
from importlib.machinery import SourceFileLoader


class Faults:
    """Counts the calls that are made while it is on, and has one of them fail."""

    def __init__(self):
        self.on = False
        self.number = 0
        self.fails_at = 0
        self.error = RuntimeError

    def about_to_call(self, function):
        if self.on:
            self.number += 1
            if self.number == self.fails_at:
                raise self.error("injected")
        return function


faults = Faults()
sys.modules["builtins"].about_to_call = faults.about_to_call


class Breakable(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Name) and node.func.id == "super"):
            name = ast.Name("about_to_call", ast.Load())
            node.func = ast.copy_location(ast.Call(name, [node.func], []), node.func)
        return node


class Loader(SourceFileLoader):
    def get_code(self, fullname):
        tree = Breakable().visit(ast.parse(self.get_data(self.path)))
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] != "tracefunc":
            return None
        for finder in [f for f in sys.meta_path if f is not Finder]:
            spec = finder.find_spec(name, path, target)
            if spec is not None and type(spec.loader) is SourceFileLoader:
                spec.loader = Loader(spec.loader.name, spec.loader.path)
            if spec is not None:
                return spec
        return None


sys.meta_path.insert(0, Finder)

from tracefunc import Tracer  # noqa: E402, now that it is compiled differently

# --- the programs ---------------------------------------------------------------------------------------------------


class Point:
    def __init__(self, x):
        self.x = x

    def __repr__(self):
        return f"Point({self.x})"


def work(n, wanted=True):
    total = Point(0)
    for i in range(n + 2):
        try:
            if i == 1:
                raise KeyError(i)
            total = Point((lambda v: v + n)(i))
        except KeyError as error:
            total.x += error.args[0]
    squares = sum(v * v for v in range(2))
    if n:
        work(n - 1, wanted)
    return [total.x, squares, *[v for v in range(n) if v % 2]]


def calls():
    return [work(n) for n in (1, 0)]


def longer(n):
    odd = 0
    for i in range(n):
        if i % 9 == 7:
            odd += 1
    return odd


def long_loops():
    return [longer(n) for n in (40, 3)]


def numbers(n):
    total = 0
    for i in range(n):
        received = yield Point(i)
        total += received or 1
    return total


def generators():
    first, second = numbers(4), numbers(2)
    found = [str(next(first)), str(next(second)), str(first.send(3)), *map(str, first), *map(str, second)]
    third = numbers(2)
    next(third)
    try:
        third.throw(KeyError(1))
    except KeyError as error:
        found.append(repr(error))
    return found


async def step(n):
    async def nested():
        await asyncio.sleep(0)
        return n

    both = await asyncio.gather(nested(), nested())
    return sum(both)


def tasks():
    async def main():
        return await asyncio.gather(*map(step, range(3)))

    return asyncio.run(main())


def raises():
    def attempt(n):
        try:
            return work(n)
        finally:
            numbers(n).close()

    try:
        return attempt("")
    except TypeError as error:
        return repr(error)


def two_targets():
    return [work(0), longer(2), work(0), longer(3)]


PROGRAMS = {
    "calls": (calls, [work], {}),
    "few calls": (calls, [work], {"max_calls": 1}),
    "last calls": (calls, [work], {"max_calls": 1, "keep": "last"}),
    "long loops": (long_loops, [longer], {"max_samples": 2}),
    "chosen calls": (calls, [work], {"when": "n == 0", "threads": "current"}),
    "oddly chosen calls": (calls, [work], {"when": lambda **given: given["n"] / given["n"]}),
    "generators": (generators, [numbers], {}),
    "tasks": (tasks, [step], {"max_calls": 2}),
    "errors": (raises, [work], {}),
    "two targets": (two_targets, [work, longer], {"max_calls": 3}),
}


# --- what must hold ---------------------------------------------------------------------------------------------------


def traced(name, fails_at=0, error=RuntimeError, **options):
    """The results of a program, one of whose calls into the package fails, and whether there was such a call."""
    fn, targets, given = PROGRAMS[name]

    def run():
        faults.number, faults.fails_at, faults.error, faults.on = 0, fails_at, error, True
        try:
            return fn()
        finally:
            faults.on = False

    results = Tracer(*targets, **given | options).run(run)
    return results, faults.number >= fails_at


def said(found, whole):
    """Whether a sample is the right one, or says itself that it is not known, or only of what type it is."""
    if found[1] == "<unavailable>" or found[1].startswith("<repr-error "):
        return True
    return found == whole or (found[0] == whole[0] and " at " in found[1])


def why_not_part(call, whole):
    """What a call has that is not in a whole one; None if there is nothing."""
    if not all(said(shown, whole.arguments[name]) for name, shown in call.arguments.items()):
        return "arguments"
    for found, right in ((call.returned, whole.returned), (call.raised, whole.raised)):
        if found is not None and (right is None or not said(found, right)):
            return f"{found} for {right}"
    complete = call.returned is not None or call.raised is not None
    if complete and call.trace.keys() != whole.trace.keys():
        return f"lines {call.trace.keys() ^ whole.trace.keys()}"
    for line, (hits, names) in call.trace.items():
        all_hits, all_names = whole.trace.get(line, (0, {}))
        if not (hits == all_hits if complete else 0 < hits <= all_hits):
            return f"{line}: {hits} for {all_hits}"
        for name, samples in names.items():
            if not all(any(said(found, right) for right in all_names[name]) for found in samples):
                return f"{line}: {name} {samples} for {all_names[name]}"
    return None


def harm(results, whole, untraced):
    """What a fault has done that it must not do."""
    if (results.result, results.exc) != (untraced, None):
        yield f"the program's result is {results.result!r}, {results.exc!r}"
    for call in results:
        reasons = [why_not_part(call, each) for each in whole if each.function == call.function]
        if None not in reasons:
            yield f"not true: {call.arguments} {reasons}"
    if any(map(sys.monitoring.get_tool, range(6))):
        yield "a tool id is still taken"


def main(step, names):
    done = harmful = 0
    for name in names:
        untraced = PROGRAMS[name][0]()
        usual = traced(name)[0]
        whole = traced(name, max_calls=None, max_samples=None)[0]
        for error in (RuntimeError, MemoryError):
            for n in range(1 + done % step, sys.maxsize, step):  # others for each program and error
                results, failed = traced(name, n, error)
                if not failed:
                    break
                found = list(harm(results, whole, untraced))
                if len(results) < len(usual) and not set(results.warnings) - set(usual.warnings):
                    found.append("that calls were lost is not said")
                for text in found:
                    print(f"{name}, {error.__name__} at call {n}: {text} {results.warnings}")
                done, harmful = done + 1, harmful + bool(found)
    print(f"{done} faults, {harmful} did harm")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:] or PROGRAMS)
