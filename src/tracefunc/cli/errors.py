"""The error of a command line that cannot be carried out."""

from __future__ import annotations


class UsageError(Exception):
    """A mistake of the person who typed the command; shown without a traceback."""

    status = 2
