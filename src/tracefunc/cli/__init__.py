"""The command line."""

from .commands import COMMANDS, main, run_parser, split

__all__ = ["COMMANDS", "main", "run_parser", "split"]
