"""The options of a trace: the one table that `Tracer`, the command line, the magics and the pytest plugin go by."""

from __future__ import annotations

from .._forks import importing
from .._record.limit import Limit
from .._values.describe import describer, outliner
from .._values.redaction import Redaction
from .._values.safe_repr import safe_repr

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType
    from typing import Any, Literal

    from .._plan.target_plan import Plan
    from .._plan.when import Condition
    from .._values.describe import Describe

    Keep = Literal["first", "last", "ends"]
    Threads = Literal["all", "current"]


# --- kinds of options ---------------------------------------------------------------------------------------------
# Plain classes: `dataclasses` takes as long to import as all of tracefunc.core.


class Option:
    """An option: its name in Python, its default, its help text, and what stands for its value there (the metavar)."""

    takes_value = True  # on a command line
    can_repeat = False
    choices: tuple[str, ...] = ()
    door_default: object = None  # None: the same as `default`

    def __init__(self, name: str, default: object, metavar: str, help: str) -> None:
        self.name = name
        self.default = default
        self.metavar = metavar
        self.help = help

    @property
    def flag(self) -> str:
        """How a command line spells the option."""
        return "--" + self.name.replace("_", "-")

    def check(self, value: Any) -> Any:
        """Return what a trace uses for `value`; raises TypeError or ValueError when the option does not allow it."""
        return value

    def parse(self, text: str) -> Any:
        """Return the value that `text` stands for on a command line; raises ValueError when it stands for none."""
        return text


class _NumberOption(Option):
    """A limit: a whole number, or None for no limit."""

    def __init__(self, name: str, default: int, least: int, help: str) -> None:
        super().__init__(name, default, "N", f"{help}, or none for no limit (default: {default})")
        self.least = least

    def check(self, value: Any) -> int | None:
        if value is not None and type(value) is not int:
            raise TypeError(f"{self.name} must be a whole number, or None for no limit, not {value!r}.")
        if value is not None and value < self.least:
            raise ValueError(f"{self.name} is {value}: it must be {self.least} or more, or None for no limit.")
        return value

    def parse(self, text: str) -> int | None:
        if text.lower() in ("none", "all"):
            return None
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither a whole number nor none") from None


class _ChoiceOption(Option):
    """One of a few words; the first one is the default."""

    def __init__(self, name: str, choices: tuple[str, ...], help: str) -> None:
        super().__init__(name, choices[0], "|".join(choices), f"{help} (default: {choices[0]})")
        self.choices = choices

    def check(self, value: Any) -> str:
        if value not in self.choices:
            *others, last = map(repr, self.choices)
            raise ValueError(f"{self.name} is {value!r}: it must be {', '.join(others)} or {last}.")
        return str(value)


class _SwitchOption(Option):
    """True or False; false unless it is given."""

    takes_value = False

    def __init__(self, name: str, help: str) -> None:
        super().__init__(name, False, "", help)

    def check(self, value: Any) -> bool:
        return bool(value)


class _ConditionOption(Option):
    """A function of a call's arguments, or an expression of them; the latter on a command line."""

    def check(self, value: Any) -> Any:
        if isinstance(value, str):
            with importing:
                from .._plan.when import parse

            parse(value)
        elif value is not None and not callable(value):
            raise TypeError(
                f"{self.name} must be a function of the call's arguments or an expression as text, not {value!r}."
            )
        return value


class _DescribeOption(Option):
    """A function of a value that returns its text; on a command line, the name of one of ours.

    Whoever uses `tracefunc()` or `Tracer` gets `repr`, which is the program's own code. At the doors nobody has said
    that it may run, so it must be asked for.
    """

    choices = ("safe_repr", "repr")

    def __init__(self, name: str, help: str) -> None:
        super().__init__(name, None, "|".join(self.choices), f"{help} (default: {self.choices[0]})")
        self.door_default = safe_repr

    def check(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.parse(value)
        if value is not None and not callable(value):
            raise TypeError(f"{self.name} must be a function that returns the text of a value, not {value!r}.")
        return value

    def parse(self, text: str) -> Any:
        if text not in self.choices:
            raise ValueError(f"{self.name} is {text!r}: it must be {' or '.join(map(repr, self.choices))}.")
        return repr if text == "repr" else safe_repr


class NamesOption(Option):
    """Any number of names; one name on a command line, where the option can be repeated."""

    can_repeat = True

    def __init__(self, name: str, metavar: str, help: str) -> None:
        super().__init__(name, (), metavar, f"{help}; can be repeated")

    def check(self, value: Any) -> tuple[str, ...]:
        names = (value,) if isinstance(value, str) else tuple(value)
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"{self.name} must be names, or globs of names, not {names!r}.")
        return names


# --- the table ----------------------------------------------------------------------------------------------------

OPTIONS = (
    _NumberOption("max_calls", 10, 0, "how many calls to record"),
    _NumberOption("max_samples", 10, 0, "how many hits of a line to sample in each call"),
    _NumberOption("max_repr", 50, 4, "how many characters of a value's text to keep"),
    _ChoiceOption("keep", ("first", "last", "ends"), "which calls and samples to keep when a limit is exceeded"),
    _ConditionOption("when", None, "EXPR", "record only the calls for whose arguments this expression is true"),
    _DescribeOption("describe", "make the texts of values without running code of the program, or with its repr"),
    NamesOption("redact", "NAME", "hide the values of this name or glob of names: of variables, fields and keys"),
    _ChoiceOption("threads", ("all", "current"), "record the calls of all threads or only of the current one"),
    _SwitchOption("incl_unhit", "include the lines that never ran, with 0 hits"),
    _SwitchOption("reraise", "raise what the traced function raises, instead of keeping it in the results"),
)


def at_a_door(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the command line, the magics or the plugin were given, with the defaults for these."""
    defaults = {option.name: option.door_default for option in OPTIONS if option.door_default is not None}
    return defaults | given


class Options:
    """The options of one tracer, checked; the defaults are those of `tracefunc()`."""

    __slots__ = (*(option.name for option in OPTIONS), "redaction")

    if TYPE_CHECKING:
        max_calls: int | None
        max_samples: int | None
        max_repr: int | None
        keep: Keep
        when: Callable[..., object] | str | None
        describe: Callable[[Any], str] | None
        redact: tuple[str, ...]
        threads: Threads
        incl_unhit: bool
        reraise: bool
        redaction: Redaction | None

    def __init__(self, **given: Any) -> None:
        """Raises TypeError or ValueError for a value that its option does not allow, or a name that is no option."""
        for option in OPTIONS:
            setattr(self, option.name, option.check(given.pop(option.name, option.default)))
        if given:
            raise TypeError(f"there is no option {next(iter(given))!r}.")
        self.redaction = Redaction(self.redact) if self.redact else None  # what must not be shown

    def as_dict(self) -> dict[str, Any]:
        """Return the arguments that make such options again."""
        return {option.name: getattr(self, option.name) for option in OPTIONS}

    def limit(self, most: int | None) -> Limit:
        """Return how many of something are kept, and which ones; `most` is one of `max_calls` and `max_samples`."""
        return Limit(most, self.keep)

    def describer(self) -> Describe:
        """Return the function that describes values."""
        return describer(self.max_repr, self.describe, self.redaction)

    def outliner(self) -> Describe:
        """Return the function that describes values which no executed line of the target has mentioned yet."""
        return outliner(self.max_repr, self.describe, self.redaction)

    def condition(self, function: FunctionType, plan: Plan) -> Condition | None:
        """Return `when` for the calls of one target."""
        if self.when is None:
            return None
        with importing:
            from .._plan.when import Condition

        return Condition(self.when, function, plan, bool(self.redact))
