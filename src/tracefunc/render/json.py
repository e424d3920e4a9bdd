"""A trace as JSON by a published schema, and back, with an error that says where a text is not valid."""

from __future__ import annotations

import json
import re
from math import isfinite, nan
from typing import TYPE_CHECKING

from .._values.describe import describe
from ..results import Call, RecordedError, TraceResults
from .selection import result_sample, run_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._values.sample import Sample
    from ..results import Place

    Read = Callable[[object, str], Any]
    Target = tuple[str, str, int, str, tuple[Place, ...]]

__all__ = ["FORMAT", "VERSION", "dumps", "loads"]

FORMAT = "tracefunc"
VERSION = 2  # of `trace.schema.json`, which describes those before, too
_LARGEST = 2**63 - 1  # the largest integer that many other languages have

# JSON has one notation for a character beyond U+FFFF and for the two surrogates that encode it in UTF-16. A text in
# which two such surrogates are characters of their own is written in pieces.
_BETWEEN_SURROGATES = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")
_SURROGATE = re.compile(r"\\ud[89ab]")  # in JSON: half of a character beyond U+FFFF, or one of its own


# --- writing ---


def dumps(results: TraceResults, indent: int | None = None) -> str:
    """Return everything about a trace as JSON, in ASCII, by the schema `trace.schema.json` beside this module.

    Objects are written as texts: `result` as its type's name and its `repr`, cut to 50 characters; `exc` as its type,
    message, `repr` and traceback. Both are redacted where the trace redacts what a call returned, raised or yielded.
    """
    targets: dict[Target, int] = {}
    encode = json.JSONEncoder(indent=indent, allow_nan=False).encode
    calls = [_encoded(_call(call, targets), encode) for call in results]
    document = {
        "format": FORMAT,
        "version": VERSION,
        "engine": results.engine,
        "seen": results.calls,
        "watched_to_the_end": results.watched_to_the_end,
        "options": {**results.limits, "keep": results.keep, "redact": results.redact},
        "chosen_by": results.chosen_by,
        "door": results.door,
        "warnings": results.warnings,
        "result": result_sample(results),
        "exception": _exception(results),
        "targets": [_target(*target) for target in targets],
        "calls": [],
    }
    return _with_calls(_encoded(document, encode), calls, indent)


def _encoded(value: object, encode: Callable[[object], str]) -> str:
    """Return a part of the document as JSON."""
    text = encode(value)
    return encode(_in_pieces(value)) if _SURROGATE.search(text) else text


def _with_calls(document: str, calls: list[str], indent: int | None) -> str:
    """Put the calls into the document, which ends in an empty array of them.

    They are made one by one, as all of them together take many times as much memory before they are text.
    """
    if not calls:
        return document
    before, _, behind = document.rpartition("[]")
    if indent is None:
        return f"{before}[{', '.join(calls)}]{behind}"
    margin = "\n" + " " * indent
    inner = margin + " " * indent
    shifted = f",{inner}".join([call.replace("\n", inner) for call in calls])
    return f"{before}[{inner}{shifted}{margin}]{behind}"


def _exception(results: TraceResults) -> dict[str, str] | None:
    error = run_error(results)
    if error is None:
        return None
    return {"type": error.type, "message": error.message, "text": error.text(), "traceback": error.traceback}


def _call(call: Call, targets: dict[Target, int]) -> dict[str, object]:
    target = call.function, call.file, call.lineno, call.source, call.places
    return {
        "target": targets.setdefault(target, len(targets)),
        "parent": call.parent,
        "stack": call.stack,
        "arguments": [{"name": name, "value": value} for name, value in call.arguments.items()],
        "returned": call.returned,
        "raised": call.raised,
        "yielded": call.yielded,
        "more_yielded": call.more_yielded,
        "thread": call.thread,
        "task": call.task,
        "seconds": call.seconds,
        "ended_at": call.ended_at,
        "parent_line": None if call.parent_line is None else dict(zip(_LINE_HIT, call.parent_line, strict=True)),
        "began": call.began,
        "ended": call.ended,
        "lines": [
            {
                "text": text,
                "hits": hits,
                "vars": _courses(names),
                "attributes": _courses(call.attributes.get(text, {})),
                "moments": call.moments.get(text, []),
                "raised": [{"sample": k, "error": error} for k, error in call.raises.get(text, {}).items()],
            }
            for text, (hits, names) in call.trace.items()
        ],
    }


def _courses(names: dict[str, list[Sample]]) -> list[dict[str, object]]:
    return [{"name": name, "samples": samples} for name, samples in names.items()]


def _target(function: str, file: str, lineno: int, source: str, places: tuple[Place, ...]) -> dict[str, object]:
    return {
        "function": function,
        "file": file,
        "lineno": lineno,
        "source": source,
        "places": [dict(zip(_PLACE, place, strict=True)) for place in places],
    }


def _in_pieces(value: object) -> object:
    """Return the same document, with texts that JSON would change in pieces."""
    if isinstance(value, str):
        pieces = _BETWEEN_SURROGATES.split(value)
        return pieces if len(pieces) > 1 else value
    if isinstance(value, dict):
        return {key: _in_pieces(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_pieces(item) for item in value]
    return value


# --- reading ---


def loads(text: str | bytes) -> TraceResults:
    """Return the trace that `dumps` wrote as `text`, without running or importing any code of the traced program.

    Everything is as it was, except that `result` is None, with its type and text in `result_sample`, and that `exc` is
    a `tracefunc.results.RecordedError` that prints like the original.

    Raises ValueError if `text` is anything else; the message says what is wrong, and where.
    """
    document = _parsed(text)
    # The format and its version come first, as the rest depends on them.
    _object(document, "the text", {"format": _format, "version": _version}, more=True)
    known = _object(document, "the text", _DOCUMENT, optional=_OPTIONAL)
    results = TraceResults(_calls(known["calls"], known["targets"]))
    results.engine, results.calls, results.warnings = known["engine"], known["seen"], known["warnings"]
    results.result_sample, results.exc = known["result"], known["exception"]
    options = known.get("options", {})
    results.keep, results.redact = options.pop("keep", results.keep), options.pop("redact", results.redact)
    results.limits = options
    for name in ("watched_to_the_end", "chosen_by", "door"):
        if name in known:
            setattr(results, name, known[name])
    return results


def _parsed(text: str | bytes) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("not a trace: it is nested too deeply.") from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError included
        raise ValueError(f"not a trace: it is not valid JSON: {error}") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} occurs twice in an object")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number in JSON")


def _calls(calls: list[dict[str, Any]], targets: list[dict[str, Any]]) -> list[Call]:
    made: list[Call] = []
    for i, known in enumerate(calls):
        target = _chosen(targets, known.pop("target"), f"calls[{i}].target")
        _check_index(known["parent"], i, f"calls[{i}].parent")
        _check_index(known["ended_at"], len(target["places"]), f"calls[{i}].ended_at")
        if known.get("parent_line") is not None and known["parent"] is not None:
            _check_index(known["parent_line"][0], len(made[known["parent"]].places), f"calls[{i}].parent_line.line")
        lines = known.pop("lines")
        known["moments"] = {text: line["moments"] for text, line in lines.items() if line.get("moments")}
        known["attributes"] = {text: line["attributes"] for text, line in lines.items() if line.get("attributes")}
        known["raises"] = {text: dict(line["raised"]) for text, line in lines.items() if line.get("raised")}
        trace = {text: (line["hits"], line["vars"]) for text, line in lines.items()}
        made.append(Call((known.pop("stack"), trace), known | target))
    return made


def _chosen(targets: list[dict[str, Any]], index: int, where: str) -> dict[str, Any]:
    _check_index(index, len(targets), where)
    return targets[index]


def _check_index(index: int | None, end: int, where: str) -> None:
    if index is not None and index >= end:
        raise _wrong(where, index, f"an index below {end}")


def _wrong(where: str, value: object, expected: str) -> ValueError:
    _, shown = describe(value)
    return ValueError(f"not a trace: {where} is {shown}, expected: {expected}.")


# The readers of the document's parts: each takes a value, and where it stands for the message if it is wrong.


def _format(value: object, where: str) -> None:
    if value != FORMAT:
        raise _wrong(where, value, repr(FORMAT))


def _version(value: object, where: str) -> None:
    if type(value) is not int or not 1 <= value <= VERSION:
        raise _wrong(where, value, f"1 to {VERSION}, which is what this version of tracefunc reads")


def _text(value: object, where: str) -> str:
    if isinstance(value, list) and all(isinstance(piece, str) for piece in value):
        return "".join(value)
    if not isinstance(value, str):
        raise _wrong(where, value, "a text")
    return value


def _count(value: object, where: str) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise _wrong(where, value, "a whole number from 0 on, below 2 to the 63rd")
    return value


def _number(value: object, where: str) -> float:
    try:
        number = float(value) if type(value) in (int, float) else nan  # type: ignore[arg-type]
    except OverflowError:  # a whole number of hundreds of digits
        number = nan
    if not isfinite(number):
        raise _wrong(where, value, "a number")
    return number


def _sample(value: object, where: str) -> Sample:
    if not isinstance(value, list) or len(value) != 2:
        raise _wrong(where, value, "an array of a type's name and a text")
    return _text(value[0], f"{where}[0]"), _text(value[1], f"{where}[1]")


def _raised_hit(value: object, where: str) -> tuple[int, Sample]:
    hit = _object(value, where, {"sample": _count, "error": _sample})
    return hit["sample"], hit["error"]


def _line_hit(value: object, where: str) -> tuple[int, int | None]:
    found = _object(value, where, _LINE_HIT)
    return found["line"], found["hit"]


def _optional(read: Read) -> Read:
    return lambda value, where: None if value is None else read(value, where)


def _list_of(read: Read) -> Read:
    def read_list(value: object, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(where, value, "an array")
        return [read(item, f"{where}[{i}]") for i, item in enumerate(value)]

    return read_list


def _object_of(fields: dict[str, Read], optional: dict[str, Read] | None = None) -> Read:
    return lambda value, where: _object(value, where, fields, optional=optional)


def _object(
    value: object, where: str, fields: dict[str, Read], more: bool = False, optional: dict[str, Read] | None = None
) -> dict[str, Any]:
    """Read the fields of an object, and the optional ones that it has; others are an error unless `more` is true."""
    if not isinstance(value, dict):
        raise _wrong(where, value, "an object")
    for name in fields:
        if name not in value:
            raise ValueError(f"not a trace: {where} has no {name!r}.")
    fields = fields | {name: read for name, read in (optional or {}).items() if name in value}
    for name in value:
        if name not in fields and not more:
            raise ValueError(f"not a trace: {where} has {describe(name)[1]}, which is unknown.")
    path = "" if where == "the text" else where + "."
    return {name: read(value[name], path + name) for name, read in fields.items()}


def _mapping_of(key: str, fields: dict[str, Read], optional: dict[str, Read] | None = None) -> Read:
    """Return a reader that makes a dictionary of an array of objects: what else each holds by its text at `key`.

    Where that is one field, its value; else, a dictionary.
    """
    read = _list_of(_object_of({key: _text, **fields}, optional))

    def read_mapping(value: object, where: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for i, item in enumerate(read(value, where)):
            name = item.pop(key)
            if name in found:
                raise _wrong(f"{where}[{i}].{key}", name, "a text that differs from the ones before")
            found[name] = item if len(fields) > 1 else item[next(iter(fields))]
        return found

    return read_mapping


def _place(value: object, where: str) -> Place:
    place = _object(value, where, _PLACE)
    return tuple(tuple(item) if isinstance(item, list) else item for item in place.values())  # type: ignore[return-value]


def _truth(value: object, where: str) -> bool:
    if type(value) is not bool:
        raise _wrong(where, value, "true or false")
    return value


def _one_of(*texts: str) -> Read:
    def read_text(value: object, where: str) -> str:
        if value not in texts:
            raise _wrong(where, value, " or ".join(map(repr, texts)))
        return str(value)

    return read_text


def _texts(value: object, where: str) -> tuple[str, ...]:
    return tuple(_list_of(_text)(value, where))


def _error(value: object, where: str) -> RecordedError:
    return RecordedError(**_object(value, where, dict.fromkeys(("type", "message", "text", "traceback"), _text)))


def _places(value: object, where: str) -> tuple[Place, ...]:
    return tuple(_list_of(_place)(value, where))


_LINE_HIT: dict[str, Read] = {"line": _count, "hit": _optional(_count)}
_PLACE: dict[str, Read] = {
    "text": _text,
    "names": _list_of(_text),
    "kind": _text,
    "lineno": _count,
    "end_lineno": _count,
    "col": _count,
}
_TARGET: dict[str, Read] = {"function": _text, "file": _text, "lineno": _count, "source": _text, "places": _places}
_COURSES = _mapping_of("name", {"samples": _list_of(_sample)})
# What traces of version 1 do not have.
_OPTIONAL_OF_LINE: dict[str, Read] = {
    "attributes": _COURSES,
    "moments": _list_of(_count),
    "raised": _list_of(_raised_hit),
}
_CALL: dict[str, Read] = {
    "target": _count,
    "parent": _optional(_count),
    "stack": _text,
    "arguments": _mapping_of("name", {"value": _sample}),
    "returned": _optional(_sample),
    "raised": _optional(_sample),
    "yielded": _list_of(_sample),
    "thread": _text,
    "task": _optional(_text),
    "seconds": _optional(_number),
    "ended_at": _optional(_count),
    "lines": _mapping_of("text", {"hits": _count, "vars": _COURSES}, _OPTIONAL_OF_LINE),
}
_OPTIONAL_OF_CALL: dict[str, Read] = {
    "more_yielded": _truth,
    "began": _count,
    "ended": _optional(_count),
    "parent_line": _optional(_line_hit),
}
_DOCUMENT: dict[str, Read] = {
    "format": _format,
    "version": _version,
    "engine": _text,
    "seen": _count,
    "warnings": _list_of(_text),
    "result": _optional(_sample),
    "exception": _optional(_error),
    "targets": _list_of(_object_of(_TARGET)),
    "calls": _list_of(_object_of(_CALL, _OPTIONAL_OF_CALL)),
}
# What traces do not have that were written before there was such a thing.
_OPTIONAL: dict[str, Read] = {
    "watched_to_the_end": _truth,
    "options": _object_of(
        {},
        {
            "max_calls": _optional(_count),
            "max_samples": _optional(_count),
            "max_repr": _optional(_count),
            "keep": _one_of("first", "last", "ends"),
            "redact": _texts,
        },
    ),
    "chosen_by": _texts,
    "door": _one_of("python", "command line", "pytest", "pytest fixture"),
}
