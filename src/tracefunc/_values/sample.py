"""What results are made of, as plain tuples: the place of a line, and a sample of what one of its names held."""

from __future__ import annotations

from .plain_text import REDACTED_TEXT

Place = tuple[str, tuple[str, ...], str, int, int, int]  # text, names, kind, first and last physical line, column

Sample = tuple[str, str]  # type name, text

UNAVAILABLE = ("NameError", "<unavailable>")  # the sample of a name that cannot be read
REDACTED_SAMPLE = ("redacted", REDACTED_TEXT)  # and of one that must not be looked at
NOT_READ = ("AttributeError", "<not read>")  # and of a chain that cannot be read without running code
