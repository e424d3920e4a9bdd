"""The types of the compiled recorder's public face; `_pymon` is its twin, in Python."""

from collections.abc import Callable, Sequence
from types import CodeType, FrameType

from ._plan import Plan
from ._records import RawCall

class Recorder:
    base: int
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
    def __init__(
        self,
        plan: Plan,
        stack_of: Callable[[FrameType], str],
        finished: Callable[[Recorder], None],
        rebind: Callable[[], None],
        rearm: Callable[[CodeType], None],
        notice: Callable[[], None] | None = None,
        max_calls: int = 10,
        max_samples: int = 10,
        measure_all: bool = False,
    ) -> None: ...
    def code_objects(self) -> list[CodeType]: ...
    def records(self) -> list[RawCall]: ...

class Shared:
    def __init__(self, callbacks: Sequence[Callable[..., object]]) -> None: ...
    def __call__(self, *args: object) -> object: ...
