"""The tracer that a command line asks for: its options, and the functions that its targets name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..core.options import OPTIONS, at_a_door
from ..core.suggestions import did_you_mean, similar
from .errors import UsageError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence

    from ..core import Tracer
    from .program import Program


def new_tracer(options: Namespace, program: Program) -> Tracer:
    """Return the tracer that the options describe; raises UsageError when something is wrong with them."""
    from ..core import Tracer

    given = vars(options)
    try:
        return Tracer(
            *(target for name in options.target or [":*"] for target in _targets(name, program)),
            **at_a_door({option.name: given[option.name] for option in OPTIONS if option.name in given}),
        )
    except (TypeError, ValueError) as error:
        raise UsageError(error) from error


def _targets(name: str, program: Program) -> Sequence[Callable[..., object] | str]:
    module, _, path = name.partition(":")
    if program.is_module(module):
        return program.functions(path or "*")
    if not module or module.startswith("."):
        raise UsageError(f"target {name!r}: the part before the colon must be the full name of a module.")
    try:
        __import__(module)
    except ImportError as error:
        hint = _similar_modules(module, error.name)
        raise UsageError(f"target {name!r}: cannot import {module!r} ({error}).{hint}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"target {name!r}: importing {module!r} raised {type(error).__name__}: {error}") from error
    return [name]


def _similar_modules(module: str, missing: str | None) -> str:
    """Suggest what `module` may stand for, if the module that is missing is `module` itself or a package around it."""
    if missing is None or not f"{module}.".startswith(f"{missing}."):
        return ""
    from pkgutil import iter_modules

    package, _, last = missing.rpartition(".")
    parent = sys.modules.get(package)
    if hasattr(parent, last):
        return did_you_mean([f"{package}:{module[len(package) + 1 :]}"])
    known = {found.name for found in iter_modules(getattr(parent, "__path__", ()) if package else None)}
    names = similar(last, known if package else known | sys.stdlib_module_names)
    return did_you_mean([f"{package}.{name}" if package else name for name in names])
