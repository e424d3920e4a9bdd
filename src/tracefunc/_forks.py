"""Locks that are free in a forked child, whichever thread of the parent held them."""

from __future__ import annotations

import os
from _thread import RLock

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from collections.abc import Callable


def held_over_forks(lock: RLock) -> None:
    """Have `os.fork` wait for `lock`, and hold it: what it guards is complete in the child, and the lock is free.

    The lock has to be one that its holder can take again, since a fork may come from a signal handler.
    """
    held: list[bool] = []  # not where the lock was made while the fork already waited for another one

    def hold() -> None:
        lock.acquire()
        held.append(True)

    def free() -> None:
        if held:
            held.pop()
            lock.release()

    def free_in_child() -> None:
        if held:
            free()
        else:  # whoever may hold it is not there any more
            lock._at_fork_reinit()  # type: ignore[attr-defined]

    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(before=hold, after_in_parent=free, after_in_child=free_in_child)


def after_forks(renew: Callable[[], None]) -> None:
    """Have `renew` called in each child, where no thread is but the one that forked."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)


importing = RLock()
"""Held while tracefunc imports a module of the standard library: one that is half imported at a fork stays so."""

held_over_forks(importing)
