"""tools/make_env.py: an environment is made once, completed when more is asked for, and made anew when stale."""

import os
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tools are for POSIX")

TEST = ("--group", "test")
BENCH = ("--group", "bench")


@pytest.fixture
def maker(monkeypatch):
    """The script as a module that notes uv's commands instead of running them."""
    monkeypatch.syspath_prepend(str(TOOLS))
    for name in ("find_python", "make_env"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import make_env

    make_env.called = []

    def call(command):
        command = [str(word) for word in command]
        make_env.called.append(command[1])
        if command[1] == "venv":
            folder = Path(command[-1])
            (folder / "bin").mkdir(parents=True)
            (folder / "pyvenv.cfg").touch()
            (folder / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(make_env, "call", call)
    monkeypatch.setattr(make_env.find_python, "ensure_uv", lambda pythons: "uv")
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.delenv("TRACEFUNC_PURE", raising=False)
    monkeypatch.delenv("TRACEFUNC_REQUIRE_EXT", raising=False)
    return make_env


def test_made_once(maker, tmp_path):
    assert maker.make(tmp_path / "env", None, [TEST])
    assert maker.called == ["venv", "pip"]
    assert not maker.make(tmp_path / "env", None, [TEST])
    assert not maker.make(tmp_path / "env", None, [])
    assert maker.called == ["venv", "pip"]


def test_completed(maker, tmp_path):
    maker.make(tmp_path / "env", None, [])
    assert maker.make(tmp_path / "env", None, [TEST])
    assert maker.make(tmp_path / "env", None, [BENCH])
    assert maker.called == ["venv", "pip", "pip", "pip"]
    assert not maker.make(tmp_path / "env", None, [TEST, BENCH])


def test_a_wheel_follows_the_modules(maker, tmp_path, monkeypatch):
    module = tmp_path / "src" / "tracefunc" / "results.py"
    module.parent.mkdir(parents=True)
    for name in ("pyproject.toml", "setup.py", "src/tracefunc/__init__.py", "src/tracefunc/results.py"):
        (tmp_path / name).touch()
    monkeypatch.setattr(maker, "ROOT", tmp_path)
    editable, wheel = maker.inputs_hash(False), maker.inputs_hash(True)
    module.write_text("changed")
    assert maker.inputs_hash(False) == editable
    assert maker.inputs_hash(True) != wheel
    for name in ("_fastmon.pyx", "_native/part.pxi", "_native/part.h"):  # what the extension is made of
        part = module.parent / name
        part.parent.mkdir(exist_ok=True)
        part.touch()
        before = maker.inputs_hash(False)
        part.write_text("changed")
        assert maker.inputs_hash(False) != before


def test_made_anew_when_configuration_changes(maker, tmp_path, monkeypatch):
    maker.make(tmp_path / "env", None, [TEST])
    monkeypatch.setattr(maker, "inputs_hash", lambda wheel: "changed")
    assert maker.make(tmp_path / "env", None, [TEST])
    assert maker.called == ["venv", "pip", "venv", "pip"]


def test_made_anew_when_the_extension_is_required(maker, tmp_path, monkeypatch):
    maker.make(tmp_path / "env", None, [TEST])
    monkeypatch.setenv("TRACEFUNC_REQUIRE_EXT", "1")
    assert maker.make(tmp_path / "env", None, [TEST])
    assert maker.called == ["venv", "pip", "venv", "pip"]
    monkeypatch.delenv("TRACEFUNC_REQUIRE_EXT")
    assert maker.make(tmp_path / "env", None, [TEST, BENCH])  # completed, and still with the extension
    monkeypatch.setenv("TRACEFUNC_REQUIRE_EXT", "1")
    assert not maker.make(tmp_path / "env", None, [TEST, BENCH])


def test_made_anew_when_built_otherwise(maker, tmp_path, monkeypatch):
    maker.make(tmp_path / "env", None, [TEST])
    monkeypatch.setenv("TRACEFUNC_PURE", "1")
    assert maker.make(tmp_path / "env", None, [TEST])


def test_made_anew_when_its_interpreter_is_gone(maker, tmp_path):
    maker.make(tmp_path / "env", None, [TEST])
    python = tmp_path / "env" / "bin" / "python"
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    assert maker.make(tmp_path / "env", None, [TEST])
    assert maker.called == ["venv", "pip", "venv", "pip"]


@pytest.mark.parametrize("option", ["--constraints", "--requirement"])
def test_versions_that_change(maker, tmp_path, option):
    versions = tmp_path / "versions.txt"
    versions.write_text("a==1")
    part = (option, str(versions))
    maker.make(tmp_path / "env", None, [part])
    assert not maker.make(tmp_path / "env", None, [part])
    versions.write_text("a==2")
    assert maker.make(tmp_path / "env", None, [part])


def test_never_removes_what_is_no_environment(maker, tmp_path):
    (tmp_path / "precious").mkdir()
    with pytest.raises(SystemExit, match="precious is there and is no environment: move it away"):
        maker.make(tmp_path / "precious", None, [])
    assert (tmp_path / "precious").is_dir()
