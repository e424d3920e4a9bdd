#!/usr/bin/env python3
"""Build what is released into dist/, check it, and run the tests with each of its files installed.

    python3 tools/dist.py [PYTEST_ARGUMENT]...

The sdist is installed twice, with a C compiler and without one. The wheels are built from the sdist, and the tests
run in what it holds. $PYTHON names the interpreter, as for find_python.py; the tools of the group `dist` must be there.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import find_python
from find_python import ROOT

DIST = ROOT / "dist"
INHERITED = {name: value for name, value in os.environ.items() if not name.startswith("TRACEFUNC_")}


def call(*command, cwd=ROOT, **environment):
    """Run a command, showing what it prints; leave with its words where it fails."""
    print("+", *command, flush=True)
    if subprocess.call([str(word) for word in command], cwd=str(cwd), env=dict(INHERITED, **environment)) != 0:
        sys.exit("dist: failed: {}".format(" ".join(map(str, command))))


def tool(name, *arguments):
    """Run a tool of this environment."""
    folder = Path(sys.executable).parent
    call(folder / name, *arguments, PATH=os.pathsep.join([str(folder), os.environ["PATH"]]))


def build(uv, python):
    """Build everything into an empty dist/; return the sdist, the binary wheel and the pure one."""
    shutil.rmtree(str(DIST), ignore_errors=True)
    call(uv, "build", "--quiet", "--python", python, "--sdist", "--out-dir", DIST)
    [sdist] = DIST.glob("*.tar.gz")
    wheel = [uv, "build", "--quiet", "--python", python, "--wheel", "--out-dir", DIST, sdist]
    call(*wheel, TRACEFUNC_PURE="1")
    [pure] = DIST.glob("*-py3-none-any.whl")
    call(*wheel, TRACEFUNC_REQUIRE_EXT="1", CFLAGS="-g0")
    if sys.platform == "linux":
        [plain] = DIST.glob("*-linux_*.whl")
        tool("auditwheel", "repair", "--wheel-dir", DIST, plain)
        plain.unlink()
    [binary] = set(DIST.glob("*.whl")) - {pure}
    return sdist, binary, pure


def check(files):
    """Let the tools that know the formats look at the files."""
    tool("twine", "check", "--strict", *files)
    wheels = [file for file in files if file.suffix == ".whl"]
    tool("check-wheel-contents", *wheels)
    for wheel in wheels if sys.platform == "linux" else ():
        if "-none-any" not in wheel.name:
            tool("auditwheel", "show", wheel)


def try_out(uv, python, file, engine, arguments, folder, **environment):
    """Install a file into a fresh environment, see that it has the engine, and run the tests in `folder`."""
    with tempfile.TemporaryDirectory() as env:
        call(uv, "venv", "--quiet", "--no-project", "--python", python, env)
        in_env = Path(env) / ("Scripts" if os.name == "nt" else "bin") / "python"
        install = [uv, "pip", "install", "--quiet", "--python", in_env]
        call(*install, "--group", "test", "--constraints", "tests/corpus/requirements.txt")
        call(in_env, "-m", "pip", "install", "--quiet", "--no-deps", "--no-cache-dir", file, **environment)
        required = {"TRACEFUNC_REQUIRE_EXT": "1"} if engine == "fast" else {}
        said = subprocess.check_output([str(in_env), "-m", "tracefunc", "--version"], cwd=env, env=INHERITED).decode()
        print(said, flush=True)
        if "engine: " + engine not in said:
            sys.exit("dist: {} should have the {} engine".format(file.name, engine))
        # Some tests start processes that import the package from src/: the extension must be there as it is installed.
        find = [str(in_env), "-c", "import tracefunc; print(tracefunc.__path__[0])"]
        installed = Path(subprocess.check_output(find, cwd=env, env=INHERITED).decode().strip())
        for old in (folder / "src" / "tracefunc").glob("_fastmon.*[od]"):
            old.unlink()
        for extension in installed.glob("_fastmon.*[od]"):
            shutil.copy(str(extension), str(folder / "src" / "tracefunc"))
        call(in_env, "-m", "pytest", *arguments, cwd=folder, TRACEFUNC_ENGINE=engine, **required)


def main():
    """Build, check and try out."""
    python = find_python.find().path
    uv = find_python.ensure_uv()
    sdist, binary, pure = files = build(uv, python)
    check(files)
    arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(str(sdist)) as archive:
            archive.extractall(folder, filter="data")
        [unpacked] = Path(folder).iterdir()
        try_out(uv, python, binary, "fast", arguments, unpacked)
        try_out(uv, python, pure, "pure", arguments, unpacked)
        try_out(uv, python, sdist, "fast", arguments, unpacked)
        try_out(uv, python, sdist, "pure", arguments, unpacked, PATH=folder)  # no compiler there
    print("dist: all is well:", *(file.name for file in files))


if __name__ == "__main__":
    main()
