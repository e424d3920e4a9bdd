"""The place of the optional extension; everything else about the package is in pyproject.toml.

TRACEFUNC_PURE=1 builds without it. With TRACEFUNC_REQUIRE_EXT=1 a build that cannot compile it fails; otherwise
that gives a package which works all the same, with the recorder in plain Python.
"""

import glob
import os
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext  # Cython's, where Cython is installed
from setuptools.errors import BaseError, CCompilerError

PURE = os.environ.get("TRACEFUNC_PURE") == "1"
REQUIRED = os.environ.get("TRACEFUNC_REQUIRE_EXT") == "1"


class BuildRecorder(build_ext):
    """Compiles the recorder, with the generated C among the temporary files; where it cannot, says so and goes on."""

    def initialize_options(self):
        super().initialize_options()
        self.cython_c_in_temp = True

    def build_extension(self, ext):
        try:
            super().build_extension(ext)
        except (BaseError, CCompilerError) as error:
            if REQUIRED:
                raise
            print(
                f"tracefunc: the compiled recorder was not built ({error}): the pure engine will be used",
                file=sys.stderr,
            )


recorder = Extension(
    "tracefunc._fastmon",
    ["src/tracefunc/_fastmon.pyx"],
    include_dirs=["src/tracefunc"],
    depends=glob.glob("src/tracefunc/_native/*"),
    optional=not REQUIRED,
)
setup(ext_modules=[] if PURE else [recorder], cmdclass={"build_ext": BuildRecorder})
