"""The names of the thread and the task that run."""

from __future__ import annotations

import sys
from _thread import get_ident


def thread_name() -> str:
    """Return the name of the thread that runs."""
    threading = sys.modules.get("threading")  # unless it was imported, there is one thread
    if threading is None:
        return "MainThread"
    thread = threading._active.get(get_ident())  # current_thread() makes an object for a thread that has none
    return thread.name if thread is not None else f"Thread-{get_ident()}"


def task_name() -> str | None:
    """Return the name of the task that runs, one of asyncio or trio; None if there is none."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        task = asyncio.current_task()
        return None if task is None else task.get_name()
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return str(trio.lowlevel.current_task().name)
        except RuntimeError:  # trio does not run in this thread
            pass
    return None
