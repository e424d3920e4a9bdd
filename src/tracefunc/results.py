"""What a trace answers: a list of plain `(stack, trace)` pairs, one per recorded call, that know more when asked."""

from __future__ import annotations

from ._values.sample import Sample

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Any, Self

    from .render.diff import Difference

Trace = dict[str, tuple[int, dict[str, list[Sample]]]]
Place = tuple[str, tuple[str, ...], str, int, int, int]  # text, names, kind, first and last row, column


class Line:
    """One line of a recorded call."""

    __slots__ = ("col", "end_lineno", "hits", "kind", "lineno", "text", "vars")

    def __init__(
        self, text: str, kind: str, lineno: int, end_lineno: int, col: int, hits: int, vars: dict[str, list[Sample]]
    ) -> None:
        self.text = text
        """The key of the line in the trace."""
        self.kind = kind
        """What it is: "statement", "return", "if", "for", "while", "with", "try", "except", "match", "case", "def",
        "class", "comprehension" or "lambda"."""
        self.lineno = lineno
        """The physical line of the file that it begins on, from 1."""
        self.end_lineno = end_lineno
        """The physical line that its text ends on."""
        self.col = col
        """Where it begins on its physical line, in bytes of UTF-8 from 0, as `ast` has it."""
        self.hits = hits
        """How often it was executed."""
        self.vars = vars
        """The samples of its names."""

    def __repr__(self) -> str:
        return f"<Line {self.lineno}: {self.text!r}, hits {self.hits}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Line):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]


class Call(tuple[str, Trace]):
    """A recorded call: the pair of its stack's text and its trace, with all that is known of it as attributes.

    It compares equal to the plain tuple.
    """

    function: str = ""
    """The qualified name of the target."""
    file: str = ""
    """The file of the target's code."""
    lineno: int = 0
    """Its first line, decorators included."""
    arguments: dict[str, Sample]
    """What the parameters held at the start, `(type name, text)` each.

    No `repr` of the program's own is called for it, as that might change what the call does: an object whose class has
    one is `<type at address>`, unless a line shows it.
    """
    returned: Sample | None = None
    """What the call returned, described as arguments are; None when it raised, or had not ended with the trace."""
    raised: Sample | None = None
    """The exception that ended it, or None."""
    yielded: list[Sample]
    """What a generator yielded: as many samples as a line may have."""
    thread: str = ""
    """The name of the thread that started it."""
    task: str | None = None
    """The name of the task (of asyncio or trio) that started it, or None."""
    seconds: float | None = None
    """How long it took by the clock, in seconds, tracing included; None when it had not ended."""
    parent: int | None = None
    """The index of the recorded call that it ran in, or None."""
    ended_at: int | None = None
    """The index in `lines` of the line that returned or raised; None when there is none, or the call had not ended."""
    source: str = ""
    """The physical lines of the target, from `lineno` on, as they stand in the file."""
    places: tuple[Place, ...] = ()
    """What `lines` is made of, the same for all calls of a target."""

    def __new__(cls, pair: tuple[str, Trace], known: dict[str, Any] | None = None) -> Self:
        call = super().__new__(cls, pair)
        call.__dict__.update({"arguments": {}, "yielded": []} | (known or {}))
        return call

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (tuple(self), self.__dict__)

    @property
    def stack(self) -> str:
        """The first item: one `name (file:line)` for each frame, or ""."""
        return self[0]

    @property
    def trace(self) -> Trace:
        """The second item: by the text of a line, its hits and the samples of its names."""
        return self[1]

    @property
    def lines(self) -> list[Line]:
        """All lines of the target in the order of the source, those without hits included."""
        found = []
        for text, names, kind, row, end_row, col in self.places:
            hits, samples = self.trace.get(text) or (0, {name: [] for name in names})
            found.append(Line(text, kind, row, end_row, col, hits, samples))
        return found


class RecordedError(Exception):
    """An exception that was written down, and read again: it prints like the original, and is not of its class."""

    def __init__(self, type: str, message: str, text: str, traceback: str) -> None:
        super().__init__(type, message, text, traceback)
        self.type = type
        """The name of its class, with the module unless it is a builtin."""
        self.message = message
        """What `str` made of it."""
        self.text = text
        """What `repr` made of it."""
        self.traceback = traceback
        """What the interpreter would have printed of it: traceback, causes and notes."""

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return self.text


class TraceResults(list[Call]):
    """The recorded calls in the order in which they started, and the exception that ended the run, if one did.

    Each entry is a pair of the call stack's text and a dictionary that maps the text of each line to its hits and to
    the samples of its names, `(type name, text)` each.
    """

    exc: Exception | None = None
    """The exception that `fn` raised, or None; in a trace that was read from JSON, a `RecordedError`."""
    result: Any = None
    """What `fn` returned: of a coroutine function its result, of a generator function what its `return` gave."""
    result_sample: Sample | None = None
    """The type's name and the text of what `fn` returned, in a trace read from JSON; `result` is None there."""
    engine: str = ""
    """The engine that recorded them, "fast" or "pure", and why it was chosen, in brackets."""
    calls: int = 0
    """How many calls of the targets were seen, recorded or not, until nothing more was to be recorded."""
    warnings: list[str]
    """What went wrong meanwhile, besides `exc`: targets left out, a `when` that raised, ..."""

    def __init__(self, calls: Iterable[Call] = (), known: dict[str, Any] | None = None) -> None:
        super().__init__(calls)
        self.warnings = []
        self.__dict__.update(known or {})

    def __copy__(self) -> Self:
        return type(self)(self, self.__dict__ | {"warnings": list(self.warnings)})

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        from copy import deepcopy

        return type(self)(deepcopy(list(self), memo), self.__dict__ | {"warnings": list(self.warnings)})

    def __reduce__(self) -> tuple[object, ...]:
        """What cannot be pickled of `result` and `exc` stays behind; a warning says so."""
        known = self.__dict__ | {"warnings": list(self.warnings)}
        for name in ("result", "exc"):
            why = _cannot_pickle(known.get(name))
            if why:
                known[name] = None
                known["warnings"].append(f"{name} was not pickled: {why}")
        return type(self), (list(self), known)

    # looking at it

    def text(self, *, compact: bool = False, width: int | None = None, builtins: bool = False) -> str:
        """Return the calls as text: their tree, and the source of each target with hits and values.

        `compact`: in as few tokens as tell it all, for language models. `width`: columns, default: those of the
        terminal. `builtins`: show also the names that hold builtins and modules.
        """
        from .render import text

        return text.text(self, compact=compact, width=width, builtins=builtins)

    def show(self, *, builtins: bool = False) -> None:
        """Print `text()`; in colours if `rich` is installed and the output is a terminal."""
        from .render import text

        text.show(self, builtins=builtins)

    def to_html(self, path: str | PathLike[str], *, title: str | None = None) -> None:
        """Write a page that shows the calls, in one file of its own. Needs the extra `tracefunc[html]`."""
        from .render import html

        html.write(self, path, title=title)

    def _repr_html_(self) -> str | None:
        """What a notebook shows; None, which makes it show something else, without the extra `tracefunc[html]`."""
        from .render import html

        return html.fragment(self) if html.is_available() else None

    def _repr_markdown_(self) -> str:
        from .render import text

        return text.markdown(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Return everything that is known, as JSON by the schema that is published with the package."""
        from .render import json

        return json.dumps(self, indent=indent)

    @staticmethod
    def from_json(text: str | bytes) -> TraceResults:
        """Return the results that `to_json()` made `text` of; raises ValueError when it is something else."""
        from .render import json

        return json.loads(text)

    def diff(self, other: TraceResults) -> Difference:
        """Compare with another trace of the same target, which may be another version of it: where do they part?"""
        from .render import diff

        return diff.compare(self, other)

    def merge(self, *others: TraceResults) -> TraceResults:
        """Return the calls of this trace and others, one after the other, as one result.

        Their `parent`s are counted on, `calls` and `warnings` add up; `exc` and `result` are the first that are there.
        """
        parts = (self, *others)
        merged = TraceResults()
        for part in parts:
            before = len(merged)
            for call in part:
                parent = None if call.parent is None else call.parent + before
                merged.append(Call((call.stack, call.trace), call.__dict__ | {"parent": parent}))
            merged.warnings += part.warnings
            merged.calls += part.calls
        merged.exc = next((part.exc for part in parts if part.exc is not None), None)
        merged.result = next((part.result for part in parts if part.result is not None), None)
        merged.result_sample = next((part.result_sample for part in parts if part.result_sample), None)
        merged.engine = ", ".join(dict.fromkeys(part.engine for part in parts if part.engine))
        return merged


def _cannot_pickle(value: object) -> str:
    """Why a value cannot be pickled, or ""."""
    if value is None:
        return ""
    import pickle

    try:
        pickle.dumps(value)
    except Exception as error:
        return f"{type(value).__name__}: {error}"
    return ""
