"""`python -m tracefunc`: what is installed, and which engine traces."""

import argparse

from . import __version__
from ._engine import engine


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        prog="python -m tracefunc",
        description="Trace one Python function, line by line: see tracefunc.tracefunc().",
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the version on one line
    )
    parser.add_argument("--version", action="version", version=f"tracefunc {__version__}, engine: {engine}")
    parser.parse_args()
    parser.print_help()


if __name__ == "__main__":
    main()
