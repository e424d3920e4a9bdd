"""Which call the code of a context runs in: a context variable, which tasks and callbacks inherit."""

from __future__ import annotations

from _contextvars import ContextVar

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from contextvars import Token
    from typing import Any

    from .call_info import CallInfo


class _Scope:
    """What a context says: the call that its code runs in, and the scope around that call."""

    __slots__ = ("around", "info", "target", "trace")

    def __init__(self, trace: object, target: int, info: CallInfo | None, around: _Scope | None) -> None:
        self.trace = trace  # the `Contexts`: a context may live longer than its trace
        self.target = target
        self.info = info  # None: the call is not recorded
        self.around = around


_scope: ContextVar[_Scope | None] = ContextVar("tracefunc", default=None)


class Contexts:
    """What one trace writes into contexts, and reads there."""

    __slots__ = ()

    def enter(self, target: int, info: CallInfo | None) -> Token[_Scope | None]:
        """Have this context's code run in a call of `target`, until the token is taken back."""
        return _scope.set(_Scope(self, target, info, _scope.get()))

    def is_passed(self, target: int) -> bool:
        """Return whether this context's code runs in a call of `target` that is not recorded, and in none within it."""
        scope = _scope.get()
        return scope is not None and scope.trace is self and scope.target == target and scope.info is None

    def leave(self, token: Token[_Scope | None]) -> None:
        """Undo `enter`."""
        try:
            _scope.reset(token)
        except (ValueError, RuntimeError):  # the call ends in another context, which has nothing to undo
            pass

    def call_around(self, target: int) -> tuple[bool, Any]:
        """Return whether the context knows which call of `target` runs, and what its recorder keeps of that call.

        For a call that is not recorded, that is None.
        """
        scope = _scope.get()
        while scope is not None:
            if scope.trace is self and scope.target == target:
                if scope.info is None:
                    return True, None
                if scope.info.token is not None:  # it has not ended
                    return True, scope.info.raw
            scope = scope.around
        return False, None

    def innermost(self) -> CallInfo | None:
        """Return the innermost recorded call that the context's code runs in, if there is one."""
        scope = _scope.get()
        while scope is not None:
            if scope.trace is self and scope.info is not None and scope.info.token is not None:
                return scope.info
            scope = scope.around
        return None

    def end(self) -> None:
        """Remove this trace's scopes from the context, up to the first one of another trace."""
        scope = found = _scope.get()
        while scope is not None and scope.trace is self:
            scope = scope.around
        if scope is not found:
            _scope.set(scope)
