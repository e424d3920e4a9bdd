"""Which loops have iterators that count their turns: what is listened to then, and where on the stack an iterable is."""

import dis
import opcode
import random
import sys
import sysconfig
from pathlib import Path
from types import CodeType

import pytest

from tracefunc import tracefunc
from tracefunc._interpreter import FREE_THREADED
from tracefunc._plan.control_flow import ControlFlow
from tracefunc._plan.loop_iterators import effect, find_depths, find_loops
from tracefunc._plan.target_plan import plan as plan_of
from tracefunc._record import engine as _engine

SKIPPED = "END_FOR", "POP_ITER", "POP_TOP"  # by the interpreter, at the end of a loop
INSTRUMENTED = opcode.opmap["INSTRUMENTED_INSTRUCTION"]


def armed():
    """What the loops of the caller are listened to at just now, but for the one that it is in, by instructions' names."""
    frame = sys._getframe(1)
    found = []
    for code in codes_in(frame.f_code):
        instructions = [ins for ins in dis.get_instructions(code) if ins.positions.lineno != frame.f_lineno]
        ends = [(ins.argval, ins.offset) for ins in instructions if ins.opname == "JUMP_BACKWARD"]
        for ins in instructions:
            if code._co_code_adaptive[ins.offset] == INSTRUMENTED and any(a <= ins.offset <= b for a, b in ends):
                found.append(ins.opname)
    return found


def codes_in(code):
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from codes_in(const)


@pytest.mark.skipif(sys.gettrace() is not None, reason="the events of a trace function hide others in the bytecode")
@pytest.mark.skipif(FREE_THREADED or _engine.engine.name == "pure", reason="the compiled engine's, with the GIL")
@pytest.mark.parametrize(
    ("loop", "events"),
    [
        ("for x in range(n): total += x", 0),
        ("for x in [1] * n:\n        total += x\n        y = total", 0),
        ("for x in (1,) * n:\n        total += x\n        y = total", 0),
        ("for i, x in enumerate(range(n)): total += x", 0),
        ("for x, y in zip(range(n), 'ab' * n): total += x", 0),
        ("for x in {i: i for i in range(n)}.values(): total += x", 0),
        ("for x in range(n):\n        if x % 10 == 0: total += x\n        y = x", 1),
        ("for i in range(n // 50):\n        for x in range(50): total += x", 0),
        ("for i in range(n // 50):\n        total += len([x for x in range(50)])", 0),
        ("for i in range(n // 2):\n        for x in (1, 2): total += x", 1),
        ("for x in (i for i in range(n)): total += x", 1 if sys.version_info < (3, 15) else 2),
        ("while total < n: total += 1", 1),
    ],
)
def test_what_is_listened_to(define, loop, events):
    """Besides where a loop gets its iterator: nothing, where that counts and nothing else is to be known."""
    source = f"def target(n):\n    total = 0\n    {loop}\n    for _ in range(20): found = armed()\n    return found\n"
    results = tracefunc(define(source, armed=armed, E=KeyError)["target"], 2000)
    assert results.exc is None
    heard = [name for name in results.result if name not in ("GET_ITER", *SKIPPED)]
    assert len(heard) == events, heard


def check_depths(flow, found, code):
    """Each way to an instruction has to give the same depth, and the end the one that it needs."""
    for i, ins in enumerate(flow.instructions):
        if found[i] >= 0:
            assert found[i] <= code.co_stacksize
            target = flow.by_start.get(ins.target)
            for j in flow.followers[i]:
                assert found[i] + effect(ins.name, ins.arg, j == target) == found[j], (code, ins.offset)
            if ins.name in ("RETURN_VALUE", "RETURN_CONST"):
                assert found[i] == (ins.name == "RETURN_VALUE"), code


@pytest.mark.slow
def test_depths():
    """Where on the stack an iterable is, in all code of some of the standard library's modules."""
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted([*folder.glob("*.py"), *folder.glob("asyncio/*.py")])
    found = loops = 0
    for file in random.Random(1).sample([file for file in files if file.is_file()], 30):
        for code in codes_in(compile(file.read_bytes(), file.name, "exec")):
            flow = ControlFlow(code)
            check_depths(flow, find_depths(code, flow), code)
            found += sum(ins.opname == "FOR_ITER" for ins in dis.get_instructions(code))
            loops += len(find_loops(code, flow, ()))
    assert 0.8 * found < loops <= found


def test_an_iterable_is_where_it_is_said_to_be(define):
    """Below it are the iterators of the loops around, and what an expression has begun with."""
    target = define("""
        def target(a, b):
            for x in a:
                for y in b:
                    c = [x, [z for z in a], y]
            with a: return f(1, *[z for z in b])
    """)["target"]
    (code_plan,) = plan_of(target).codes
    names = [ins.opname for ins in dis.get_instructions(target)]
    assert names.count("FOR_ITER") == len(code_plan.loops) == 4
    depths = code_plan.iterables()
    assert depths[:2] == [0, 1 if sys.version_info < (3, 15) else 2]  # from then on an index is with the iterator
    assert depths[2] >= 3
    assert depths[3] >= 3
