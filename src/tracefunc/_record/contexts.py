"""Which call the code of a context runs in: a context variable, which tasks and callbacks inherit."""

from __future__ import annotations

from _contextvars import ContextVar

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from contextvars import Token
    from typing import Any


class Scope:
    """What a context says: the call that its code runs in, and the scope around that call."""

    __slots__ = ("around", "call", "first", "has_ended", "target", "trace")

    def __init__(self, trace: object, target: int, call: Any, around: Scope | None) -> None:
        self.trace = trace  # the `Contexts`: a context may live longer than its trace
        self.target = target
        self.call = call  # what the recorder keeps of it; None: the call is not recorded
        self.around = around
        self.has_ended = False  # calls need not end in the reverse order of their starts
        self.first: Token[Scope | None] | None = None  # undoes that the outermost one was put into the context


_scope: ContextVar[Scope | None] = ContextVar("tracefunc", default=None)


def _lasting(scope: Scope | None) -> Scope | None:
    """Return the first scope that has not ended, from the inside to the outside."""
    while scope is not None and scope.has_ended:
        scope = scope.around
    return scope


class Contexts:
    """What one trace writes into contexts, and reads there."""

    __slots__ = ()

    def begin(self) -> None:
        """Begin the trace."""

    def enter(self, target: int, call: Any) -> Scope:
        """Have this context's code run in a call of `target`, until `leave` is called with the scope."""
        around = _lasting(_scope.get())
        if around is not None:  # however many have ended between, they are forgotten
            around.around = _lasting(around.around)
        scope = Scope(self, target, call, around)
        token = _scope.set(scope)
        scope.first = token if around is None else around.first
        return scope

    def is_passed(self, target: int) -> bool:
        """Return whether this context's code runs in a call of `target` that is not recorded, and in none within it."""
        scope = _lasting(_scope.get())
        return scope is not None and scope.trace is self and scope.target == target and scope.call is None

    def leave(self, scope: Scope) -> None:
        """End a scope. Where it is not the innermost one of this context, it is passed over from here on."""
        scope.has_ended = True
        if _scope.get() is scope:
            around = _lasting(scope.around)
            if around is None and scope.first is not None:
                try:
                    _scope.reset(scope.first)  # nothing of ours is left in the context
                    return
                except (ValueError, RuntimeError):  # this is a copy of that context
                    pass
            _scope.set(around)

    def call_around(self, target: int) -> tuple[bool, Any]:
        """Return whether the context knows which call of `target` runs, and what its recorder keeps of that call.

        For a call that is not recorded, that is None.
        """
        scope = top = _scope.get()
        while scope is not None:
            if scope.trace is self and scope.target == target:
                if scope.call is None:
                    # In a copy of its context, it is still the one that code belongs to which it has started.
                    if scope is top or not scope.has_ended:
                        return True, None
                elif not scope.has_ended:
                    return True, scope.call
            scope = scope.around
        return False, None

    def innermost(self) -> Any:
        """Return what the recorder keeps of the innermost recorded call that the context's code runs in, or None."""
        scope = _scope.get()
        while scope is not None:
            if scope.trace is self and scope.call is not None and not scope.has_ended:
                return scope.call
            scope = scope.around
        return None

    def end(self) -> None:
        """Remove this trace's scopes from the context, up to the first one of another trace."""
        scope = found = _scope.get()
        while scope is not None and scope.trace is self:
            scope = scope.around
        if scope is not found:
            _scope.set(scope)
