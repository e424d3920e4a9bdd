#!/usr/bin/env python3
"""Make an environment with tracefunc in it, and the tools of the named groups.

    python3 tools/make_env.py [--python PATH] [--wheel] [--group NAME]... [--requirement FILE]...
                             [--constraints FILE]... FOLDER

tracefunc is the checkout itself (editable), or with --wheel what a wheel built from it holds. Without --python the
interpreter is the one that find_python.py finds. An environment that is up to date is left as it is, which takes a
fraction of a second; with TRACEFUNC_REQUIRE_EXT=1 it is up to date only if it was made so, with the compiled recorder
in it. Runs on any Python from 3.6 on.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import find_python
from find_python import ROOT, NotFound

STAMP = ".tracefunc-env.json"


def inputs_hash(wheel):
    """Return a hash over the files that decide how the package is installed, and with which tools.

    A wheel holds copies of all modules; an editable install has to be made anew only for compiled ones.
    """
    digest = hashlib.sha256()
    sources = sorted(list(ROOT.glob("src/tracefunc/*.pyx")) + list(ROOT.glob("src/tracefunc/_native/*")))
    if wheel:
        sources += sorted(ROOT.glob("src/tracefunc/**/*.py"))
    for path in [ROOT / "pyproject.toml", ROOT / "setup.py"] + sources:
        digest.update(path.read_bytes())
    init = (ROOT / "src" / "tracefunc" / "__init__.py").read_text(encoding="utf-8")
    digest.update("".join(line for line in init.splitlines() if line.startswith("__version__")).encode())
    return digest.hexdigest()


def part_hash(option, value):
    """Return a hash of the file that an option names; groups are covered by pyproject.toml's."""
    return "" if option == "--group" else hashlib.sha256((ROOT / value).read_bytes()).hexdigest()


def python_in(folder):
    """Return the path of the environment's interpreter."""
    return folder / "bin" / "python"


def read_stamp(folder):
    """Return what the environment was made from, or {} where it is missing, broken or unfinished."""
    try:
        stamp = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if find_python.run([python_in(folder), "-c", ""])[0] == 0 else {}


def call(command):
    """Run a command, showing what it prints; leave with its words where it fails."""
    command = [str(word) for word in command]
    if subprocess.call(command, cwd=str(ROOT), stdin=subprocess.DEVNULL) != 0:
        sys.exit("make_env: failed: {}".format(" ".join(command)))


def make(folder, python, parts, wheel=False):
    """Make or complete the environment in `folder`; return True where there was anything to do.

    `parts`: pairs of uv's option and its value, ("--group", "test") or ("--constraints", "versions.txt").
    `wheel`: install a wheel instead of the checkout.
    """
    wanted = {"inputs": inputs_hash(wheel), "wheel": wheel, "asked": python or os.environ.get("PYTHON", "")}
    wanted["pure"] = os.environ.get("TRACEFUNC_PURE") == "1"
    strict = os.environ.get("TRACEFUNC_REQUIRE_EXT") == "1"
    have = read_stamp(folder)
    same = all(have.get(key) == value for key, value in wanted.items()) and (have.get("strict", False) or not strict)
    done = have.get("parts", {}) if same else {}
    parts = {" ".join(part): part_hash(*part) for part in parts}
    if same and all(done.get(part) == value for part, value in parts.items()):
        return False
    if python:
        os.environ["PYTHON"] = python
    interpreter = find_python.find()
    uv = find_python.ensure_uv(pythons=[interpreter.path])
    print("{}: {} ({})".format(folder, find_python.describe(interpreter), interpreter.path), flush=True)
    if not same:
        if folder.exists() and not (folder / "pyvenv.cfg").exists():
            sys.exit("make_env: {} is there and is no environment: move it away".format(folder))
        shutil.rmtree(str(folder), ignore_errors=True)
        call([uv, "venv", "--quiet", "--no-project", "--python", interpreter.path, folder])
    command = [uv, "pip", "install", "--quiet", "--python", python_in(folder)]
    if not same:
        # Without --reinstall-package, uv takes from its cache what was built before a change of the extension.
        command += ["--reinstall-package", "tracefunc"] + (["."] if wheel else ["--editable", "."])
        if wheel:
            shutil.rmtree(str(ROOT / "build"), ignore_errors=True)  # modules that were removed since are in it
    wanted["strict"] = strict or (same and have["strict"])
    wanted["parts"] = dict(done, **parts)
    for part in sorted(wanted["parts"]):
        command += part.split(" ", 1)
    call(command)
    (folder / STAMP).write_text(json.dumps(wanted))
    return True


def main():
    """Read the command line and make the environment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", help="interpreter to use, instead of finding one")
    parser.add_argument("--wheel", action="store_true", help="install a wheel, not the checkout itself")
    parser.add_argument("--group", action="append", default=[], help="dependency group of pyproject.toml")
    parser.add_argument("--requirement", action="append", default=[], help="file of packages to install")
    parser.add_argument("--constraints", action="append", default=[], help="file of versions to keep to")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        parts = [("--group", group) for group in arguments.group]
        parts += [("--requirement", file) for file in arguments.requirement]
        parts += [("--constraints", file) for file in arguments.constraints]
        make(ROOT / arguments.folder, arguments.python, parts, arguments.wheel)
    except NotFound as error:
        sys.exit("make_env: {}".format(error))


if __name__ == "__main__":
    main()
