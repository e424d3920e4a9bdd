"""The command line."""

from .commands import COMMANDS, main
from .parsers import run_parser, split

__all__ = ["COMMANDS", "main", "run_parser", "split"]
