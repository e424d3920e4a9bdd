"""The types of the compiled recorder's public face; `_pymon` is its twin, in Python."""

from collections.abc import Callable
from types import CodeType
from typing import Any

from ._calls import Calls
from ._plan import Plan
from ._records import RawCall

class Recorder:
    @property
    def plan(self) -> Plan: ...
    @property
    def on_start(self) -> Callable[..., object]: ...
    @property
    def on_instruction(self) -> Callable[..., object]: ...
    @property
    def on_return(self) -> Callable[..., object]: ...
    @property
    def on_yield(self) -> Callable[..., object]: ...
    @property
    def on_unwind(self) -> Callable[..., object]: ...
    @property
    def asleep(self) -> bool: ...
    def __init__(
        self,
        plan: Plan,
        calls: Calls,
        target: int,
        finished: Callable[[Recorder], None],
        rebind: Callable[[], None],
        rearm: Callable[[CodeType], None],
        notice: Callable[[], None] | None = None,
        max_samples: int | None = 10,
        surplus: int = -1,
        measure_all: bool = False,
    ) -> None: ...
    def code_objects(self) -> list[CodeType]: ...
    def finish(self) -> None: ...
    def stop(self) -> None: ...
    def record(self, call: Any) -> RawCall: ...

def share(recorders: dict[int, tuple[Recorder, ...]], name: str) -> Callable[..., object]: ...
