#!/usr/bin/env python3
"""Find a CPython that is new enough for tracefunc, or one of a certain version, and print its path.

    python3 tools/find_python.py [VERSION]

Looks, in this order, at $PYTHON; the newest working interpreter on PATH; the newest of pyenv's versions
($PYENV_ROOT, else ~/.pyenv); what uv knows or can install. A name on PATH proves nothing (pyenv's shims are
there for versions that are not switched on), so each candidate is run.

With a VERSION, as 3.14, 3.13.0 or 3.14t, it looks at what $TRACEFUNC_PYTHONS_SCRIPT prints when it is run with that
version (default: ../shared/pythons, if it is there); python3.14 on PATH; pyenv's versions; what uv knows or installs.

Runs on any Python from 3.6 on, because its purpose is to work where only an old one is there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

MINIMUM = (3, 12)
# The version that uv is asked to install when nothing is found.
FROM_UV = "3.14"
UV_MINIMUM = (0, 8)
ROOT = Path(__file__).resolve().parent.parent
PRIVATE_UV = ROOT / ".venvs" / "uv"
PYTHONS_SCRIPT = ROOT.parent / "shared" / "pythons"

PROBE = """
import json, platform, sys, sysconfig
print(json.dumps([platform.python_implementation(), list(sys.version_info[:3]), sys.version_info[3],
                  bool(sysconfig.get_config_var("Py_GIL_DISABLED"))]))
"""

Interpreter = namedtuple("Interpreter", "path implementation version level free_threaded")


class NotFound(Exception):
    """No interpreter, or no uv, was found: the message says what to do."""


def run(command, timeout=60, **kwargs):
    """Run a command; return (exit code, its standard output), with code 127 where it could not run at all."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=kwargs.pop("stderr", subprocess.DEVNULL),
            timeout=timeout,
            **kwargs,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 127, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")


def probe(path):
    """Return the Interpreter at `path`, or None where nothing there runs as Python 3."""
    code, out = run([path, "-I", "-c", PROBE])
    if code != 0:
        return None
    try:
        implementation, version, level, free_threaded = json.loads(out)
    except ValueError:
        return None
    return Interpreter(str(path), implementation, tuple(version), level, free_threaded)


def usable(interpreter):
    """Tell whether tracefunc runs on it."""
    return interpreter is not None and interpreter.implementation == "CPython" and interpreter.version >= MINIMUM


def describe(interpreter):
    """Return the interpreter in words, for messages."""
    version = ".".join(str(part) for part in interpreter.version)
    level = "" if interpreter.level == "final" else " " + interpreter.level
    return "{} {}{}{}".format(
        interpreter.implementation, version, level, " free-threaded" if interpreter.free_threaded else ""
    )


def newest(paths):
    """Return the newest usable interpreter among `paths`, else None; final and ordinary builds go first."""
    found = [interpreter for interpreter in map(probe, paths) if usable(interpreter)]
    rank = {"final": 1}
    key = lambda i: (rank.get(i.level, 0), not i.free_threaded, i.version)  # noqa: E731
    return max(found, key=key) if found else None


def names_on_path(environ):
    """Return the files on PATH that are named like a Python new enough, or like one of unknown version."""
    paths = []
    for folder in environ.get("PATH", "").split(os.pathsep):
        try:
            names = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for name in names:
            match = re.match(r"python(?:(3)(?:\.(\d+)t?)?)?(?:\.exe)?$", name)
            if match and (match.group(2) is None or (3, int(match.group(2))) >= MINIMUM):
                path = os.path.abspath(os.path.join(folder, name))
                if os.access(path, os.X_OK):
                    paths.append(path)
    return paths


def names_in_pyenv(environ):
    """Return the interpreters of pyenv's versions."""
    root = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".pyenv")
    return sorted(str(path) for path in Path(root).glob("versions/*/bin/python3"))


def asked_for(environ):
    """Return the interpreter that $PYTHON names, which must be usable; None where it names none."""
    asked = environ.get("PYTHON")
    if not asked:
        return None
    path = shutil.which(asked, path=environ.get("PATH"))
    interpreter = probe(path) if path else None
    if not usable(interpreter):
        what = describe(interpreter) if interpreter else "no working Python"
        raise NotFound(
            "PYTHON={} is {}; tracefunc needs CPython {}.{} or newer: set PYTHON to one, or leave it "
            "unset to have one found".format(asked, what, *MINIMUM)
        )
    return interpreter


def from_uv(environ):
    """Return an interpreter that uv knows, or installs."""
    uv = ensure_uv(environ)
    wanted = ">={}.{}".format(*MINIMUM)
    for install in (False, True):
        if install:
            run([uv, "python", "install", FROM_UV], timeout=900, stderr=None)
        code, out = run([uv, "python", "find", "--no-project", "--system", wanted])
        interpreter = probe(out.strip()) if code == 0 else None
        if usable(interpreter):
            return interpreter
    raise NotFound(
        "no CPython {}.{} or newer on PATH or among pyenv's versions, and uv could not install one: "
        "install one and name it, as in `make demo PYTHON=/path/to/python3.14`".format(*MINIMUM)
    )


def find(environ=os.environ):
    """Return the Interpreter to use; raise NotFound with advice where there is none."""
    return asked_for(environ) or newest(names_on_path(environ)) or newest(names_in_pyenv(environ)) or from_uv(environ)


def is_version(interpreter, version):
    """Tell whether an interpreter is of a version, given as 3.14, 3.13.0 or 3.14t."""
    numbers = tuple(int(number) for number in version.rstrip("t").split("."))
    return (
        interpreter is not None
        and interpreter.implementation == "CPython"
        and interpreter.version[: len(numbers)] == numbers
        and interpreter.free_threaded == version.endswith("t")
    )


def places_of(version, environ):
    """Yield (place, path) for each place where a version may be; the path is None where the place has none."""
    script = environ.get("TRACEFUNC_PYTHONS_SCRIPT") or (str(PYTHONS_SCRIPT) if PYTHONS_SCRIPT.exists() else None)
    if script:
        code, out = run([script, version], timeout=1800, stderr=None)
        yield script, out.strip().split("\n")[-1] if code == 0 else None
    minor = ".".join(version.rstrip("t").split(".")[:2]) + ("t" if version.endswith("t") else "")
    yield "python{} on PATH".format(minor), shutil.which("python" + minor, path=environ.get("PATH"))
    for path in reversed(names_in_pyenv(environ)):
        yield "pyenv's versions", path
    for install in (False, True):
        try:
            uv = ensure_uv(environ)
        except NotFound as error:
            yield "uv ({})".format(error), None
            return
        if install:
            run([uv, "python", "install", version], timeout=900, stderr=None)
        code, out = run([uv, "python", "find", "--no-project", "--system", version])
        yield "uv", out.strip() if code == 0 else None


def find_version(version, environ=os.environ):
    """Return the Interpreter of a version; raise NotFound, with where it was looked for, where there is none."""
    if not re.match(r"3\.\d+(\.\d+)?t?$", version):
        raise NotFound("{!r} is not a version: name one as 3.14, 3.13.0 or 3.14t".format(version))
    tried = []
    for place, path in places_of(version, environ):
        interpreter = probe(path) if path else None
        if is_version(interpreter, version):
            return interpreter
        if place not in tried:
            tried.append(place)
    raise NotFound(
        "no CPython {} was found or installed by: {}. Put python{} on PATH, or set TRACEFUNC_PYTHONS_SCRIPT to a "
        "program that prints its path".format(version, "; ".join(tried), version)
    )


def uv_works(path):
    """Tell whether `path` is a uv that is new enough."""
    code, out = run([path, "--version"])
    match = re.match(r"uv (\d+)\.(\d+)", out)
    return code == 0 and bool(match) and (int(match.group(1)), int(match.group(2))) >= UV_MINIMUM


def ensure_uv(environ=os.environ, pythons=()):
    """Return the path of a working uv; install one under .venvs/uv where there is none.

    `pythons`: interpreters to install it with, before the one that runs this and those on PATH. Any Python 3 will do,
    as uv is a program of its own: where the interpreter for the environment has no pip, another one may have it.
    """
    for path in (shutil.which("uv", path=environ.get("PATH")), PRIVATE_UV / "bin" / "uv"):
        if path and uv_works(path):
            return str(path)
    candidates = list(pythons) + [sys.executable] + any_python(environ)
    candidates = sorted(set(candidates), key=candidates.index)
    for install in (uv_by_pip, uv_by_venv, uv_by_debian):
        for python in candidates:
            shutil.rmtree(str(PRIVATE_UV), ignore_errors=True)
            if install(python) and uv_works(PRIVATE_UV / "bin" / "uv"):
                return str(PRIVATE_UV / "bin" / "uv")
    raise NotFound(
        "uv is needed to make environments, and none of {} could install it: install uv (`pipx install uv`, "
        "`pip install uv`) or pip (Debian: `apt-get install python3-pip`), and try again".format(", ".join(candidates))
    )


def any_python(environ):
    """Return the Python 3 interpreters of any version that are found by their usual names."""
    found = [shutil.which(name, path=environ.get("PATH")) for name in ("python3", "python", "/usr/bin/python3")]
    return [
        path for path in found if path and run([path, "-c", "import sys; sys.exit(sys.version_info < (3,))"])[0] == 0
    ]


def uv_by_pip(python, pip=("-m", "pip"), **kwargs):
    """Install uv with the interpreter's own pip, touching nothing of the interpreter's."""
    command = [python] + list(pip) + ["install", "--quiet", "--target", PRIVATE_UV, "uv"]
    return run(command, timeout=600, **kwargs)[0] == 0


def uv_by_venv(python):
    """Install uv into an environment of its own: for an interpreter that has ensurepip but no pip."""
    if run([python, "-m", "venv", PRIVATE_UV], timeout=120)[0] != 0:
        return False
    command = [PRIVATE_UV / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"]
    return run(command, timeout=600)[0] == 0


def uv_by_debian(python):
    """Install uv without pip and ensurepip, by the pip that Debian keeps in a package of wheels."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return False
    folder = PRIVATE_UV.with_name("pip")
    shutil.rmtree(str(folder), ignore_errors=True)
    folder.mkdir(parents=True)
    download = ["apt-get", "download", "python3-pip-whl"]
    if run(download, timeout=300, cwd=str(folder))[0] != 0:
        run(["apt-get", "update"], timeout=300)  # as root only; else the lists are what they are
        run(download, timeout=300, cwd=str(folder))
    for package in folder.glob("*.deb"):
        run(["dpkg-deb", "-x", package, folder], timeout=60)
    return any(uv_by_pip(python, pip=[wheel / "pip"]) for wheel in folder.glob("usr/share/python-wheels/pip-*.whl"))


def main():
    """Print the path of the interpreter; say what is wrong and exit with 1 where there is none."""
    try:
        interpreter = find_version(sys.argv[1]) if len(sys.argv) > 1 else find()
    except NotFound as error:
        sys.exit("find_python: {}".format(error))
    print(interpreter.path)


if __name__ == "__main__":
    main()
