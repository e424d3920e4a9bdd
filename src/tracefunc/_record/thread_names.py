"""The names of the thread and the task that run, read where the program can neither fail nor be run by that."""

from __future__ import annotations

from _thread import _count, get_ident
from _weakref import ref

from .._values.plain_text import own_name, plain
from .._values.static_types import real_module, stdlib_module

TYPE_CHECKING = False  # as of `typing`, without its import time
if TYPE_CHECKING:
    from typing import Any

_C_FUNCTION = type(get_ident)


def thread_name() -> str:
    """Return the name of the thread that runs."""
    threads = stdlib_module("threading").get("_active")
    if type(threads) is not dict:  # not imported, or in part: until a thread has started, there is one
        return f"Thread-{get_ident()}" if _count() else "MainThread"
    thread = threads.get(get_ident())  # current_thread() makes an object for a thread that has none
    name = None if thread is None else _own(thread, "_name")  # its class may say something else of `name`
    return f"Thread-{get_ident()}" if name is None else name


def thread_reference() -> Any:
    """Return a weak reference to the object that has the name of the thread that runs; None if there is none."""
    threads = stdlib_module("threading").get("_active")
    thread = threads.get(get_ident()) if type(threads) is dict else None
    try:
        return None if thread is None or _own(thread, "_name") is None else ref(thread)
    except TypeError:  # there is none to objects of its type
        return None


def running_task() -> Any:
    """Return the task of asyncio that runs; None if there is none."""
    asyncio: Any = real_module("_asyncio")  # the modules above it may be half imported, or changed
    running_loop, current_task = asyncio.get("_get_running_loop"), asyncio.get("current_task")
    if type(running_loop) is not _C_FUNCTION or type(current_task) is not _C_FUNCTION or running_loop() is None:
        return None
    try:
        return current_task()
    except Exception:  # the program's own loop is looked up in a dictionary
        return None


def task_name() -> str | None:
    """Return the name of the task that runs, one of asyncio or trio; None if there is none."""
    task = running_task()
    if task is not None:
        kind: Any = real_module("_asyncio").get("Task")
        try:
            name = kind.get_name(task)
        except TypeError:  # a task that is not written in C
            name = _own(task, "_name")
        return name if type(name) is str else own_name(type(task))
    current_task: Any = real_module("trio.lowlevel").get("current_task")
    if current_task is None:
        return None
    try:
        name = current_task().name
    except Exception:  # trio does not run in this thread, or that is not trio
        return None
    return plain(name) if isinstance(name, str) else None


def _own(value: object, name: str) -> str | None:
    """Return a text that an object keeps as an attribute of its own; None if that is something else."""
    try:
        found = object.__getattribute__(value, name)
    except Exception:  # a descriptor of the program's
        return None
    return plain(found) if isinstance(found, str) else None
