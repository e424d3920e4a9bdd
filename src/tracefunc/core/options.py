"""The options of a trace: checked when they are given, asked while it runs."""

from __future__ import annotations

from .._record.limit import Limit
from .._values.describe import describer, outliner

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FunctionType
    from typing import Any, Literal

    from .._plan.target_plan import Plan
    from .._plan.when import Condition
    from .._values.describe import Describe

    Keep = Literal["first", "last", "ends"]
    Threads = Literal["all", "current"]


class Options:
    """What a `Tracer` was told; the defaults are those of `tracefunc()`."""

    __slots__ = (
        "describe",
        "incl_unhit",
        "keep",
        "max_calls",
        "max_repr",
        "max_samples",
        "redact",
        "reraise",
        "threads",
        "when",
    )

    def __init__(
        self,
        *,
        max_calls: int | None = 10,
        max_samples: int | None = 10,
        max_repr: int | None = 50,
        keep: Keep = "first",
        when: Callable[..., object] | str | None = None,
        describe: Callable[[Any], str] | None = None,
        redact: str | Iterable[str] = (),
        threads: Threads = "all",
        incl_unhit: bool = False,
        reraise: bool = False,
    ) -> None:
        self.max_calls = _limit("max_calls", max_calls, 0)
        self.max_samples = _limit("max_samples", max_samples, 0)
        self.max_repr = _limit("max_repr", max_repr, 4)
        self.keep = _one_of("keep", keep, ("first", "last", "ends"))
        self.threads = _one_of("threads", threads, ("all", "current"))
        if when is not None and not callable(when) and not isinstance(when, str):
            raise TypeError(f"when must be a function of the call's arguments or an expression as text, not {when!r}.")
        if isinstance(when, str):
            from .._plan.when import parse

            parse(when)
        self.when = when
        if describe is not None and not callable(describe):
            raise TypeError(f"describe must be a function that makes a text of a value, not {describe!r}.")
        self.describe = describe
        self.redact = (redact,) if isinstance(redact, str) else tuple(redact)
        if not all(isinstance(name, str) for name in self.redact):
            raise TypeError(f"redact must be names, or globs of names, not {self.redact!r}.")
        self.incl_unhit = bool(incl_unhit)
        self.reraise = bool(reraise)

    def as_dict(self) -> dict[str, Any]:
        """Return the arguments that make such options again."""
        return {name: getattr(self, name) for name in self.__slots__}

    def limit(self, most: int | None) -> Limit:
        """Return how many of something are kept, and which ones; `most` is one of `max_calls` and `max_samples`."""
        return Limit(most, self.keep)

    def describer(self) -> Describe:
        """Return what describes values."""
        return describer(self.max_repr, self.describe)

    def outliner(self) -> Describe:
        """Return what describes values where no line of the target has been executed that mentions them."""
        return outliner(self.max_repr, self.describe)

    def condition(self, function: FunctionType, plan: Plan) -> Condition | None:
        """Return `when` for the calls of one target."""
        if self.when is None:
            return None
        from .._plan.when import Condition

        return Condition(self.when, function, plan, bool(self.redact))

    def redacts(self, name: str) -> bool:
        """Whether values of that name must not be looked at."""
        if not self.redact:
            return False
        from fnmatch import fnmatchcase

        return any(fnmatchcase(name, pattern) for pattern in self.redact)


def _limit(name: str, value: int | None, least: int) -> int | None:
    if value is not None and type(value) is not int:
        raise TypeError(f"{name} must be a whole number, or None for no limit, not {value!r}.")
    if value is not None and value < least:
        raise ValueError(f"{name} is {value}: it must be {least} or more, or None for no limit.")
    return value


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name} is {value!r}: it must be {', '.join(map(repr, known[:-1]))} or {known[-1]!r}.")
    return value
