"""The results of a trace, one plain pair `(stack, trace)` per recorded call, and of the comparison of two traces."""

from __future__ import annotations

from ._values.sample import Place as Place  # views import it from here
from ._values.sample import Sample

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Any, Self

    from .differences import CallDifference, LineDifference, NotComparable, Point, SourceDifference

Trace = dict[str, tuple[int, dict[str, list[Sample]]]]


class Line:
    """One line of a recorded call."""

    __slots__ = (
        "attributes",
        "col",
        "end_lineno",
        "hits",
        "kind",
        "lineno",
        "moments",
        "order",
        "raised",
        "text",
        "vars",
    )

    text: str
    """The key of the line in the trace."""
    kind: str
    """What it is: "statement", "return", "if", "for", "while", "with", "try", "except", "match", "case", "def",
    "class", "comprehension" or "lambda"."""
    lineno: int
    """The physical line of the file that it begins on, from 1."""
    end_lineno: int
    """The physical line that its text ends on."""
    col: int
    """Where it begins on its physical line, in bytes of UTF-8 from 0, as in `ast`."""
    hits: int
    """How often it was executed."""
    vars: dict[str, list[Sample]]
    """The samples of its names: as many of each, taken at the ends of as many hits. A line without names has samples,
    too, of which nothing is left but the moments."""
    moments: list[int]
    """When each sample was taken, by a counter of the whole trace that also numbers the starts and ends of calls."""
    order: list[int]
    """The rank of each sample among all samples of the call, in the order in which they were taken: 0, 1, 2, ..."""
    attributes: dict[str, list[Sample]]
    """The samples of the attributes that it mentions, by the chain (`self.cfg.port`): one for each sample of the line.

    No code of the program runs to find their values. A sample that would need a property, a `__getattr__` or the like
    is `("AttributeError", "<not read>")`; a chain with no other samples is left out."""
    raised: dict[int, Sample]
    """By the index of a sample: the exception that ended that hit, caught or not, as its type's name and its text."""

    def __init__(self, call: Call, place: Place, ranks: dict[int, int]) -> None:
        """`ranks`: by moment, the rank of each sample of the call."""
        self.text, names, self.kind, self.lineno, self.end_lineno, self.col = place
        self.hits, self.vars = call.trace.get(self.text) or (0, {name: [] for name in names})
        self.moments = call.moments.get(self.text, [])
        self.order = [ranks[moment] for moment in self.moments]
        self.attributes = call.attributes.get(self.text, {})
        self.raised = call.raises.get(self.text, {})

    @property
    def complete(self) -> bool:
        """Whether every hit has its sample."""
        if self.vars:
            return all(len(samples) >= self.hits for samples in self.vars.values())
        return len(self.moments) >= self.hits

    def __repr__(self) -> str:
        return f"<Line {self.lineno}: {self.text!r}, hits {self.hits}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Line):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]


class Call(tuple[str, Trace]):
    """A recorded call: the pair of its stack's text and its trace, with everything else about it as attributes.

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

    No `repr` that the program defines is called for this, as that might change what the call does: they are described
    as by `tracefunc.safe_repr`. Where that knows only the address, the text is the one on the first line that shows it.
    """
    returned: Sample | None = None
    """What the call returned, described as arguments are; None if it raised, or had not ended when the trace did."""
    raised: Sample | None = None
    """The exception that ended it, or None."""
    yielded: list[Sample]
    """What a generator yielded: at most as many samples as a line may have."""
    more_yielded: bool = False
    """Whether it yielded more values than `yielded` has samples."""
    thread: str = ""
    """The name of the thread that started it."""
    task: str | None = None
    """The name of the task (of asyncio or trio) that started it, or None."""
    seconds: float | None = None
    """How long it took by the clock, in seconds, tracing included; None if it had not ended."""
    parent: int | None = None
    """The index of the recorded call that it ran in, or None."""
    parent_line: tuple[int, int | None] | None = None
    """The line of that call which was under way when this one began: its index in the parent's `lines`, and how many
    hits it had had before, which is the index of the sample of the one under way. None instead of the hits where the
    line has all its samples, and None altogether where only the context tells of the parent: it waits elsewhere, or
    runs in another thread."""
    ended_at: int | None = None
    """The index in `lines` of the line at which an exception left the call; None if it returned, or had not ended."""
    source: str = ""
    """The physical lines of the target, from `lineno` on, as they are in the file."""
    began: int = 0
    """The moment at which it started: see `Line.moments`."""
    ended: int | None = None
    """The moment at which it ended; None if it had not ended when the trace did."""
    places: tuple[Place, ...] = ()
    """What `lines` is made from, the same for all calls of a target."""
    moments: dict[str, list[int]]
    """By the text of a line: its `moments`."""
    raises: dict[str, dict[int, Sample]]
    """By the text of a line: its `raised`, if there is anything in it."""
    attributes: dict[str, dict[str, list[Sample]]]
    """By the text of a line: its `attributes`, if there is anything in it."""

    def __new__(cls, pair: tuple[str, Trace], known: dict[str, Any] | None = None) -> Self:
        call = super().__new__(cls, pair)
        empty: dict[str, Any] = {"arguments": {}, "yielded": [], "moments": {}, "raises": {}, "attributes": {}}
        call.__dict__.update(empty | (known or {}))
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
        ranks = {moment: i for i, moment in enumerate(sorted(m for found in self.moments.values() for m in found))}
        return [Line(self, place, ranks) for place in self.places]


class RecordedError(Exception):
    """An exception read from JSON: it prints like the original, but is not of the original's class."""

    def __init__(self, type: str, message: str, text: str, traceback: str) -> None:
        super().__init__(type, message, text, traceback)
        self.type = type
        """The name of its class, with the module unless it is a builtin."""
        self.message = message
        """What `str` made of it."""
        self.text = text
        """What `repr` made of it."""
        self.traceback = traceback
        """What the interpreter would have printed for it: traceback, causes and notes."""

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
    """What `fn` returned: for a coroutine function its result, for a generator function the value of its `return`."""
    result_sample: Sample | None = None
    """In a trace read from JSON, the type's name and the text of what `fn` returned; `result` is None there."""
    engine: str = ""
    """The engine that recorded them, "fast" or "pure", and why it was chosen, in brackets."""
    calls: int = 0
    """How many calls of the targets there were, recorded or not, as far as they were watched."""
    watched_to_the_end: bool = True
    """Whether `calls` counts all. Once as many calls are recorded as `max_calls` allows, and there has been one more of
    a target, that target is not watched any more."""
    limits: dict[str, int | None] = {}  # noqa: RUF012  # each result has its own
    """The options `max_calls`, `max_samples` and `max_repr` of the trace; None: no limit."""
    keep: str = "first"
    """The option `keep`: which calls and samples are kept where there are more."""
    chosen_by: tuple[str, ...] = ()
    """The options by which calls may have been left out: "when", "threads"."""
    door: str = "python"
    """Where the trace was started: "python", "command line", "pytest" (the plugin's options) or "pytest fixture".
    Views spell options as they are there."""
    redact: tuple[str, ...] = ()
    """The names, or globs of names, whose values the trace hides."""
    _hides_result = False  # whether `result` may be the value of such a name
    warnings: list[str]
    """What went wrong besides `exc`: targets left out, a `when` that raised, ..."""

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
        """Leave out `result` and `exc` where they cannot be pickled; a warning says so.

        Where they may show what `redact` hides, they are as in a trace that was read from JSON.
        """
        known = self.__dict__ | {"warnings": list(self.warnings)}
        if self.redact:
            _leave_out_secrets(self, known)
        for name in ("result", "exc"):
            why = _cannot_pickle(known.get(name), bool(self.redact))
            if why:
                known[name] = None
                known["warnings"].append(f"{name} was not pickled: {why}")
        return type(self), (list(self), known)

    def __repr__(self) -> str:
        """Return the list of pairs, and behind it, as a comment, which calls and samples it lacks."""
        columns = ((hits, column) for call in self for hits, names in call.trace.values() for column in names.values())
        shown = super().__repr__()
        if len(self) >= self.calls and self.watched_to_the_end and all(len(column) >= hits for hits, column in columns):
            return shown  # without an import
        from .render.omissions import missing

        return f"{shown}  # {missing(self)}"

    def _moments(self) -> int:
        """Return how many moments there are, of calls and samples."""
        last = (max([call.began, call.ended or 0, *map(max, filter(None, call.moments.values()))]) for call in self)
        return max(last, default=-1) + 1

    # views

    def text(self, *, compact: bool = False, width: int | None = None, builtins: bool = False) -> str:
        """Return the calls as text: their tree, and the source of each target with hits and values.

        `compact`: in few tokens, for language models. `width`: columns, by default those of the terminal. `builtins`:
        also show the names that hold builtins and modules.
        """
        from .render import text

        return text.text(self, compact=compact, width=width, builtins=builtins)

    def show(self, *, builtins: bool = False) -> None:
        """Print `text()`; in colours if `rich` is installed and the output is a terminal."""
        from .render import text

        text.show(self, builtins=builtins)

    def to_html(self, path: str | PathLike[str], *, title: str | None = None) -> None:
        """Write a page that shows the calls, in a single file. Needs the extra `tracefunc[html]`."""
        from .render import html

        html.write(self, path, title=title)

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows; without the extra `tracefunc[html]` None, so that it shows something else."""
        from .render import html

        return html.fragment(self) if html.is_available() else None

    def _repr_markdown_(self) -> str:
        from .render import text

        return text.markdown(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Return everything about the trace as JSON, by the schema that is published with the package."""
        from .render import json

        return json.dumps(self, indent=indent)

    @staticmethod
    def from_json(text: str | bytes) -> TraceResults:
        """Return the results that `to_json()` wrote as `text`; raises ValueError if `text` is anything else."""
        from .render import json

        return json.loads(text)

    def diff(self, other: TraceResults) -> Difference:
        """Compare with another trace of the same target, or of another version of it: where do the traces diverge?"""
        from .render import diff

        return diff.compare(self, other)

    def merge(self, *others: TraceResults) -> TraceResults:
        """Return the calls of this trace and others, one after the other, as one result.

        Each `parent` refers to the same call as before, and moments are numbered on; `calls` and `warnings` add up;
        `exc` and `result` are the first that are not None.
        """
        parts = (self, *others)
        merged = TraceResults()
        for part in parts:
            before, moments = len(merged), merged._moments()
            merged += [_moved(call, before, moments) for call in part]
            merged.warnings += part.warnings
            merged.calls += part.calls
        merged.watched_to_the_end = all(part.watched_to_the_end for part in parts)
        _merge_options(merged, parts)
        merged.redact = tuple(dict.fromkeys(name for part in parts for name in part.redact))
        merged._hides_result = any(part._hides_result for part in parts)
        merged.exc = next((part.exc for part in parts if part.exc is not None), None)
        merged.result = next((part.result for part in parts if part.result is not None), None)
        merged.result_sample = next((part.result_sample for part in parts if part.result_sample), None)
        merged.engine = ", ".join(dict.fromkeys(part.engine for part in parts if part.engine))
        return merged


def _moved(call: Call, calls: int, moments: int) -> Call:
    """Return a call as one of another result, behind so many calls and moments."""
    parent = None if call.parent is None else call.parent + calls
    ended = None if call.ended is None else call.ended + moments
    shifted = {text: [moment + moments for moment in found] for text, found in call.moments.items()}
    known = {"parent": parent, "began": call.began + moments, "ended": ended, "moments": shifted}
    return Call((call.stack, call.trace), call.__dict__ | known)


class Difference:
    """What differs between two traces. It is false only if nothing does, as far as the traces show, and all of what
    they show can be compared. Pairs are of the first and the second trace."""

    def __init__(
        self,
        traces: tuple[TraceResults, TraceResults],
        first: Point | None,
        calls: list[CallDifference],
        lines: list[LineDifference],
        source: list[SourceDifference],
        not_comparable: list[NotComparable] | None = None,
    ) -> None:
        self.traces = traces
        """The two traces."""
        self.first = first
        """Where the traces diverge; None where at most the source differs."""
        self.calls = calls
        """The calls that only one trace has, or that have different arguments, yielded values or ends."""
        self.lines = lines
        """The lines that have different hits or values, call by call."""
        self.source = source
        """The lines of the targets that the two versions do not have in common, executed or not."""
        self.not_comparable = not_comparable or []
        """The values of which both traces show only an address, which says nothing."""

    def __bool__(self) -> bool:
        return bool(self.calls or self.lines or self.source or self.not_comparable)

    def __repr__(self) -> str:
        unknown = f"not comparable {len(self.not_comparable)}, " if self.not_comparable else ""
        return (
            f"<Difference: calls {len(self.calls)}, lines {len(self.lines)}, source {len(self.source)}, "
            f"{unknown}first {self.first and tuple(self.first)}>"
        )

    def text(self, width: int | None = None) -> str:
        """Return the difference as text, in rows of at most `width` columns, by default the terminal's.

        If there is none, it is "", or says that the traces do not have everything. Otherwise, first comes the point
        where they diverge; then for each call what differs, with `-` for the first trace and `+` for the second, from
        the last common value on; then the calls that only one trace has, the lines of the source that changed, and the
        values that cannot be compared.
        """
        from .render.diff import text_view

        return text_view.text_of(self, width)

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write the difference as a page, in one file that loads nothing and runs nothing. Needs `tracefunc[html]`.

        Raises ImportError where Jinja2 is not installed, and OSError where the file cannot be written.
        """
        from .render.diff import page_view

        page_view.write_page(self, path)


def _merge_options(merged: TraceResults, parts: tuple[TraceResults, ...]) -> None:
    """Take over the options of the parts; of different limits the lowest, as less is missing at any higher one."""
    known = [part for part in parts if part.limits]
    for name in dict.fromkeys(name for part in known for name in part.limits):
        numbers = [part.limits[name] for part in known if part.limits.get(name) is not None]
        merged.limits = merged.limits | {name: min(filter(None, numbers), default=None)}
    merged.chosen_by = tuple(dict.fromkeys(name for part in parts for name in part.chosen_by))
    if known:
        merged.keep, merged.door = known[0].keep, known[0].door


def _leave_out_secrets(results: TraceResults, known: dict[str, Any]) -> None:
    """Leave out of `known`, the attributes of results, what may show what `redact` hides."""
    from .render.selection import hides_result, result_sample, run_error

    if hides_result(results):
        known["result"], known["result_sample"] = None, result_sample(results)
        known["warnings"].append("result was not pickled: redact hides some of it")
    error = run_error(results)
    if error is not None and error.is_redacted and not isinstance(results.exc, RecordedError):
        known["exc"] = RecordedError(error.type, error.message, error.text(), error.traceback)


def _cannot_pickle(value: object, hides_values: bool) -> str:
    """Return why a value cannot be pickled, or ""; `hides_values`: whether a message may show what is hidden."""
    if value is None:
        return ""
    import pickle

    try:
        pickle.dumps(value)
    except Exception as error:
        return type(value).__name__ + ("" if hides_values else f": {error}")
    return ""
