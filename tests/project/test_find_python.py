"""tools/find_python.py: the order of looking, and what does not count as an interpreter."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tools and their stand-ins are for POSIX")


@pytest.fixture
def finder(tmp_path, monkeypatch):
    """The script as a module, with its private uv inside tmp_path."""
    spec = importlib.util.spec_from_file_location("find_python", TOOLS / "find_python.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PRIVATE_UV", tmp_path / "private" / "uv")
    monkeypatch.setattr(module, "PYTHONS_SCRIPT", tmp_path / "shared" / "pythons")
    return module


@pytest.fixture
def machine(tmp_path):
    """A machine made of shell scripts: call it to add one, ask it for its environment variables."""

    class Machine:
        environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}

        def script(self, path, text):
            path = tmp_path / path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)
            return str(path)

        def python(self, path, version, implementation="CPython", level="final", free_threaded=False):
            answer = json.dumps([implementation, version, level, free_threaded])
            return self.script(path, f"echo '{answer}'")

        def broken(self, path):
            return self.script(path, "echo 'command not found' >&2; exit 127")

        def uv(self, path, find, version="uv 0.9.1", install="exit 1"):
            return self.script(
                path,
                f'case "$1 $2" in "--version "*) echo "{version}";; "python find") {find};; "python install") {install};; esac',
            )

    return Machine()


def test_asked_for_wins(finder, machine):
    machine.python("bin/python3.14", [3, 14, 1])
    asked = machine.python("elsewhere/python", [3, 12, 0])
    assert finder.find(machine.environ | {"PYTHON": asked}).path == asked


def test_asked_for_is_looked_up_on_path(finder, machine):
    machine.python("bin/python3.14", [3, 14, 1])
    asked = machine.python("bin/python3.12", [3, 12, 0])
    assert finder.find(machine.environ | {"PYTHON": "python3.12"}).path == asked


@pytest.mark.parametrize(
    "version, said", [([3, 11, 7], "CPython 3.11.7"), (None, "no working Python")], ids=["old", "broken"]
)
def test_asked_for_must_be_usable(finder, machine, version, said):
    machine.python("bin/python3.14", [3, 14, 1])
    asked = machine.python("other/python", version) if version else machine.broken("other/python")
    with pytest.raises(finder.NotFound, match=rf"^PYTHON={re.escape(asked)} is {said}; .*3\.12 or newer"):
        finder.find(machine.environ | {"PYTHON": asked})


def test_empty_means_not_asked(finder, machine):
    path = machine.python("bin/python3", [3, 12, 0])
    assert finder.find(machine.environ | {"PYTHON": ""}).path == path


def test_newest_on_path(finder, machine):
    machine.python("bin/python3", [3, 11, 7])
    machine.python("bin/python3.9", [3, 9, 0])
    machine.python("bin/python3.12", [3, 12, 4])
    newest = machine.python("bin/python3.13", [3, 13, 2])
    machine.python("home/.pyenv/versions/3.14.0/bin/python3", [3, 14, 0])
    assert finder.find(machine.environ).path == newest


def test_names_without_a_number_are_asked(finder, machine):
    machine.python("bin/python3.12", [3, 12, 4])
    newest = machine.python("bin/python", [3, 15, 0])
    machine.python("bin/python3-config", [3, 99, 0])
    machine.python("bin/python2.7", [3, 99, 0])
    assert finder.find(machine.environ).path == newest


def test_shims_that_fail_are_passed_over(finder, machine):
    machine.broken("bin/python3.14")
    machine.python("bin/python3", [3, 11, 7])
    machine.script("bin/python3.15", "echo not an answer")
    machine.python("home/.pyenv/versions/3.9.18/bin/python3", [3, 9, 18])
    machine.python("home/.pyenv/versions/3.12.1/bin/python3", [3, 12, 1])
    newest = machine.python("home/.pyenv/versions/3.13.0/bin/python3", [3, 13, 0])
    assert finder.find(machine.environ).path == newest


def test_pyenv_root(finder, machine, tmp_path):
    path = machine.python("pyenv/versions/3.13.0/bin/python3", [3, 13, 0])
    assert finder.find(machine.environ | {"PYENV_ROOT": str(tmp_path / "pyenv")}).path == path


def test_other_implementations_do_not_count(finder, machine):
    machine.python("bin/python3", [3, 14, 0], implementation="PyPy")
    path = machine.python("bin/python3.12", [3, 12, 0])
    assert finder.find(machine.environ).path == path


def test_final_and_ordinary_builds_are_preferred(finder, machine):
    machine.python("bin/python3.16", [3, 16, 0], level="alpha")
    machine.python("bin/python3.14t", [3, 14, 0], free_threaded=True)
    path = machine.python("bin/python3.12", [3, 12, 0])
    assert finder.find(machine.environ).path == path
    os.remove(path)
    assert finder.find(machine.environ).free_threaded


def test_uv_knows_one(finder, machine):
    path = machine.python("managed/python3", [3, 14, 0])
    machine.uv("bin/uv", find=f"echo {path}")
    assert finder.find(machine.environ).path == path


def test_uv_installs_one(finder, machine, tmp_path):
    path = machine.python("managed/python3", [3, 14, 0])
    done = tmp_path / "installed"
    machine.uv("bin/uv", find=f"test -e {done} && echo {path}", install=f": > {done}")
    assert finder.find(machine.environ).path == path


def test_nothing_to_be_had(finder, machine):
    machine.uv("bin/uv", find="exit 2")
    with pytest.raises(finder.NotFound, match=r"uv could not install one: .*make demo PYTHON="):
        finder.find(machine.environ)


def test_uv_that_is_too_old_or_broken_is_replaced(finder, machine, monkeypatch):
    machine.uv("bin/uv", find="exit 2", version="uv 0.4.30")
    installed = []

    def install(python):
        installed.append(python)
        machine.uv("private/uv/bin/uv", find="exit 2")
        return True

    monkeypatch.setattr(finder, "uv_by_pip", install)
    uv = finder.ensure_uv(machine.environ, pythons=["first"])
    assert uv == str(finder.PRIVATE_UV / "bin" / "uv")
    assert installed == ["first"]
    assert finder.ensure_uv(machine.environ) == uv
    assert installed == ["first"]


def test_ways_to_get_uv_are_tried_in_turn(finder, machine, monkeypatch):
    tried = []
    for way in ("uv_by_pip", "uv_by_venv", "uv_by_debian"):
        monkeypatch.setattr(finder, way, lambda python, way=way: tried.append((way, python)))
    monkeypatch.setattr(finder, "any_python", lambda environ: ["first", "last"])
    with pytest.raises(finder.NotFound, match=r"none of first, .*, last could .*apt-get install python3-pip"):
        finder.ensure_uv(machine.environ, pythons=["first"])
    ways = ["uv_by_pip", "uv_by_venv", "uv_by_debian"]
    assert tried == [(way, python) for way in ways for python in ("first", sys.executable, "last")]


@pytest.mark.slow
def test_an_interpreter_without_pip(finder, machine, monkeypatch):
    """As Debian's python3 without python3-pip and python3-venv: another one that is there installs uv."""
    bare = machine.script("bin/python3.13", 'case "$*" in *"-m pip"*|*"-m venv"*) exit 1;; esac; exec true')
    uv = "#!/bin/sh\necho uv 0.9.1\n"
    installs = f'shift 5; mkdir -p "$1/bin"; printf "%s" \'{uv}\' > "$1/bin/uv"; chmod +x "$1/bin/uv"'
    machine.script("bin/python3", f'PATH=/usr/bin:/bin; case "$*" in *"-m pip"*) {installs};; esac')
    monkeypatch.setattr(finder, "uv_by_debian", lambda python: pytest.fail("there is a pip"))
    assert finder.ensure_uv(machine.environ, pythons=[bare]) == str(finder.PRIVATE_UV / "bin" / "uv")


def test_a_version_by_a_script(finder, machine):
    machine.python("bin/python3.13", [3, 13, 1])
    path = machine.python("elsewhere/python", [3, 13, 0])
    default = machine.script("shared/pythons", f'test "$1" = 3.13 && echo {path}')
    assert finder.find_version("3.13", machine.environ).path == path
    named = machine.script("named", f"echo installing; echo {machine.python('third/python', [3, 13, 2])}")
    environ = machine.environ | {"TRACEFUNC_PYTHONS_SCRIPT": named}
    assert finder.find_version("3.13", environ).version == (3, 13, 2)
    os.remove(default)
    assert finder.find_version("3.13", machine.environ).version == (3, 13, 1)


def test_a_version_on_path_or_from_pyenv(finder, machine):
    machine.python("bin/python3.13", [3, 13, 18])
    path = machine.python("home/.pyenv/versions/3.13.0/bin/python3", [3, 13, 0])
    assert finder.find_version("3.13", machine.environ).version == (3, 13, 18)
    assert finder.find_version("3.13.0", machine.environ).path == path
    free = machine.python("bin/python3.14t", [3, 14, 0], free_threaded=True)
    assert finder.find_version("3.14t", machine.environ).path == free


def test_a_version_from_uv(finder, machine, tmp_path):
    path = machine.python("managed/python3", [3, 14, 0])
    machine.python("bin/python3.14", [3, 13, 0])  # by a wrong name
    done = tmp_path / "installed"
    machine.uv("bin/uv", find=f"test -e {done} && echo {path}", install=f": > {done}")
    assert finder.find_version("3.14", machine.environ).path == path


def test_no_such_version(finder, machine):
    machine.uv("bin/uv", find="exit 2")
    script = machine.script("pythons", "exit 2")
    with pytest.raises(
        finder.NotFound, match=r"^no CPython 3\.14 was .* by: .*/pythons; python3\.14 on PATH; uv\. Put"
    ):
        finder.find_version("3.14", machine.environ | {"TRACEFUNC_PYTHONS_SCRIPT": script})
    with pytest.raises(finder.NotFound, match=r"^'newest' is not a version: "):
        finder.find_version("newest", machine.environ)


def test_as_a_script():
    out = subprocess.check_output([sys.executable, TOOLS / "find_python.py"], encoding="utf-8", timeout=120)
    code = "import sys; print(sys.implementation.name, sys.version_info >= (3, 12))"
    assert subprocess.check_output([out.strip(), "-c", code], encoding="utf-8").split() == ["cpython", "True"]


def test_error_of_the_script():
    done = subprocess.run(
        [sys.executable, TOOLS / "find_python.py"],
        env=os.environ | {"PYTHON": "no-such-python"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("find_python: PYTHON=no-such-python is no working Python; ")


@pytest.mark.parametrize("script", ["find_python.py", "make_env.py"])
def test_scripts_are_written_for_old_pythons(script):
    import ast

    ast.parse((TOOLS / script).read_text(encoding="utf-8"), feature_version=(3, 6))
