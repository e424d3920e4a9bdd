"""What type checkers make of the public names; checked by mypy and pyright, never run."""

from collections.abc import Callable
from typing import Any, assert_type

from tracefunc import Tracer, TraceResults, safe_repr, tracefunc
from tracefunc.results import Call, Line


def function(x: int, y: str = "") -> float:
    return x / len(y)


async def coroutine(x: int) -> str:
    return str(x)


results = tracefunc(function, 1, y="a", target_func=function, incl_unhit=True)
assert_type(results, TraceResults)
assert_type(results[0], Call)
assert_type(results[1:], list[Call])
for stack, trace in results:
    assert_type(stack, str)
    assert_type(trace, dict[str, tuple[int, dict[str, list[tuple[str, str]]]]])
assert_type(results.exc, Exception | None)
assert_type(results.result, Any)
assert_type(results.engine, str)
assert_type(results.calls, int)
assert_type(results.warnings, list[str])
assert_type(results.merge(results), TraceResults)

call = results[0]
assert_type(call.function, str)
assert_type(call.arguments, dict[str, tuple[str, str]])
assert_type(call.returned, tuple[str, str] | None)
assert_type(call.raised, tuple[str, str] | None)
assert_type(call.yielded, list[tuple[str, str]])
assert_type(call.seconds, float | None)
assert_type(call.parent, int | None)
assert_type(call.task, str | None)
assert_type(call.lines, list[Line])
assert_type(call.lines[0].hits, int)
assert_type(call.lines[0].vars, dict[str, list[tuple[str, str]]])

tracer = Tracer(
    function,
    "package.module:function",
    max_calls=None,
    max_samples=3,
    max_repr=200,
    keep="ends",
    when=lambda x, **_: x > 1,
    describe=safe_repr,
    redact=("password", "*_key"),
    threads="current",
    incl_unhit=True,
    reraise=True,
)
assert_type(tracer, Tracer)
assert_type(tracer.run(function, 1), TraceResults)
assert_type(tracer.results, TraceResults | None)
with tracer as entered:
    assert_type(entered, TraceResults)


async def main() -> None:
    assert_type(await tracer.arun(coroutine, 1), TraceResults)
    async with tracer as entered:
        assert_type(entered, TraceResults)


remote: Callable[..., TraceResults] = tracer.remote(function)
assert_type(remote(1), TraceResults)

Tracer(keep="middle")  # type: ignore[arg-type]
Tracer(max_calls="5")  # type: ignore[arg-type]
Tracer(5)  # type: ignore[arg-type]
tracefunc()  # type: ignore[call-arg]
