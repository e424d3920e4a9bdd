"""The errors of a command line that cannot be carried out."""

from __future__ import annotations


class UsageError(Exception):
    """A mistake of the person who typed the command; shown without a traceback."""

    status = 2


class OutputError(UsageError):
    """Something could not be written: the disk is full, the stream is closed, ..."""
