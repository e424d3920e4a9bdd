"""What is built and installed: files, metadata, entry point, and modules that can be imported alone."""

import email
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import tracefunc

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "tracefunc").rglob("*.py"))
MODULES = [".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__") for path in SOURCES]
RENDER = ROOT / "src" / "tracefunc" / "render"
DATA = [*RENDER.glob("*.json"), *(RENDER / "templates").iterdir()]
LEFT_OUT = (".*", "build", "dist", "*.egg-info", "__pycache__", "results", "*.so", "*.pyd")
PURE = os.environ.get("TRACEFUNC_ENGINE") == "pure"  # so the tests of a pure installation are run
NOT_BUILT = "tracefunc: the compiled recorder was not built"

needs_posix = pytest.mark.skipif(os.name == "nt", reason="no other compiler can be named there")


def run(*command, cwd, code=0, **environment):
    """Run a command of this interpreter in `cwd`; fail with all its words where it ends with another exit code."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACEFUNC_")}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=inherited | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=240,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def build(kind, folder, project, **environment):
    """Build the project's "sdist" or "wheel" into a new `folder`; return its path and what was said."""
    folder.mkdir()
    said = run(
        "-c", f"from setuptools import build_meta; build_meta.build_{kind}({str(folder)!r})", cwd=project, **environment
    )
    [made] = folder.iterdir()
    return made, said


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the sdist from a copy of the project, and the wheel from the sdist alone; return both paths."""
    folder = tmp_path_factory.mktemp("built")
    project = folder / "project"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(*LEFT_OUT))
    sdist, _ = build("sdist", folder / "sdist", project)
    command = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", sdist]
    run(*command, cwd=folder, CFLAGS="-O0", TRACEFUNC_REQUIRE_EXT="1")  # quickly compiled
    [wheel] = folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture
def project(built, tmp_path):
    """What the sdist holds, unpacked."""
    with tarfile.open(built[0]) as sdist:
        sdist.extractall(tmp_path, filter="data")
    return tmp_path / f"tracefunc-{tracefunc.__version__}"


def tags_of(wheel):
    """Return the wheel's compatibility tags, as in its name."""
    return wheel.stem.removeprefix(f"tracefunc-{tracefunc.__version__}-")


def compiled(wheel):
    """Return the names of the wheel's compiled modules."""
    with zipfile.ZipFile(wheel) as file:
        return [name for name in file.namelist() if name.endswith((".so", ".pyd"))]


def install_and_trace(wheel, folder):
    """Install the wheel alone, trace a function with it, and return the engine that did it."""
    target = folder / "site"
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel, cwd=folder)
    script = folder / "script.py"
    script.write_text(
        "import importlib.metadata, tracefunc\n"
        "def f(): return 1\n"
        "results = tracefunc.tracefunc(f)\n"
        "print(tracefunc.__file__, importlib.metadata.version('tracefunc'), results[0][1], results.engine, sep='\\n')\n"
    )
    # -S: without this environment's own packages, so also without any dependency.
    out = run("-S", "-W", "error", script, cwd=folder, PYTHONPATH=str(target))
    *rest, engine = out.splitlines()
    assert rest == [str(target / "tracefunc" / "__init__.py"), tracefunc.__version__, "{'return 1': (1, {})}"]
    return engine


def names_in_wheel(built):
    """Return the names of the wheel's files."""
    with zipfile.ZipFile(built[1]) as wheel:
        return wheel.namelist()


def metadata_of_wheel(built):
    """Return the wheel's METADATA as a message."""
    with zipfile.ZipFile(built[1]) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(wheel.read(name))


def test_wheel_holds_the_package_and_nothing_else(built):
    names = names_in_wheel(built)
    assert {name.split("/")[0] for name in names} == {
        "tracefunc",
        f"tracefunc-{tracefunc.__version__}.dist-info",
    }
    expected = {path.relative_to(ROOT / "src").as_posix() for path in SOURCES}
    assert expected <= set(names)
    others = {name for name in names if name.startswith("tracefunc/")} - expected
    data = {path.relative_to(ROOT / "src").as_posix() for path in DATA}
    assert others == {"tracefunc/py.typed", "tracefunc/_fastmon.pyi", *data, *compiled(built[1])}


def test_wheel_metadata(built):
    metadata = metadata_of_wheel(built)
    assert metadata["Name"] == "tracefunc"
    assert metadata["Version"] == tracefunc.__version__
    assert metadata["Requires-Python"] == ">=3.12"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata.get_all("Provides-Extra") == ["html", "notebook", "rich"]
    assert all("; extra == " in requirement for requirement in metadata.get_all("Requires-Dist"))
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_sdist_holds_what_is_needed_to_test_it(built):
    with tarfile.open(built[0]) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    wanted = ["setup.py", "pyproject.toml", "LICENSE", "README.md", "Makefile", "src/tracefunc/py.typed"]
    sources = [path for path in (ROOT / "src" / "tracefunc").iterdir() if path.suffix in (".h", ".pxi", ".pyi", ".pyx")]
    wanted += [path.relative_to(ROOT).as_posix() for path in sources]
    wanted += [path.relative_to(ROOT).as_posix() for path in DATA]
    wanted += [
        "tests/project/test_packaging.py",
        "examples/demo.py",
        "benchmarks/workloads.py",
        "tools/find_python.py",
    ]
    assert [name for name in wanted if name not in names] == []
    assert [name for name in names if name.endswith((".c", ".so", ".pyc"))] == []


def test_wheel_from_the_sdist_works(built, tmp_path):
    assert tags_of(built[1]) != "py3-none-any"
    assert len(compiled(built[1])) == 1
    engine = install_and_trace(built[1], tmp_path)
    assert engine.startswith("fast")


def test_pure_wheel(project, tmp_path):
    wheel, said = build("wheel", tmp_path / "wheel", project, TRACEFUNC_PURE="1")
    assert NOT_BUILT not in said
    assert tags_of(wheel) == "py3-none-any"
    assert compiled(wheel) == []
    assert install_and_trace(wheel, tmp_path).startswith("pure")


@needs_posix
def test_failing_compiler_gives_a_pure_installation(project, tmp_path):
    wheel, said = build("wheel", tmp_path / "wheel", project, CC="false")
    [line] = [line for line in said.splitlines() if NOT_BUILT in line]
    assert "false" in line
    assert line.endswith("the pure engine will be used")
    assert compiled(wheel) == []
    assert install_and_trace(wheel, tmp_path).startswith("pure")


@needs_posix
def test_failing_compiler_where_the_extension_is_required(project):
    command = ["setup.py", "--quiet", "build_ext"]
    said = run(*command, cwd=project, code=1, CC="false", TRACEFUNC_REQUIRE_EXT="1")
    assert NOT_BUILT not in said
    assert "false" in said


def test_version_is_the_installed_one():
    assert importlib.metadata.version("tracefunc") == tracefunc.__version__


def test_no_dependency_at_run_time():
    requirements = importlib.metadata.requires("tracefunc") or []
    assert [requirement for requirement in requirements if "; extra == " not in requirement] == []


def test_entry_point_resolves():
    [entry] = importlib.metadata.entry_points(group="pyskills", name="tracefunc")
    assert entry.value == "tracefunc.skill"
    skill = entry.load()
    assert skill.__doc__
    assert skill.tracefunc is tracefunc.tracefunc


@pytest.mark.skipif(PURE, reason="without the extension")
def test_extension_can_be_imported_alone(tmp_path):
    run("-W", "error", "-c", "import tracefunc._fastmon", cwd=tmp_path)


def test_public_names():
    assert {"TraceResults", "__version__", "tracefunc"} <= set(dir(tracefunc))


def test_importing_the_package_imports_nothing(tmp_path):
    script = "import sys, tracefunc; print(*(name for name in sys.modules if name.startswith('tracefunc')))"
    assert run("-W", "error", "-c", script, cwd=tmp_path) == "tracefunc\n"


def test_public_names_are_imported_when_they_are_asked_for(tmp_path):
    run("-W", "error", "-c", "from tracefunc import *; tracefunc, Tracer, TraceResults, safe_repr", cwd=tmp_path)
    with pytest.raises(AttributeError, match="^module 'tracefunc' has no attribute 'trace'$"):
        tracefunc.trace


@pytest.mark.parametrize("module", [module for module in MODULES if not module.endswith("__main__")])
def test_module_can_be_imported_alone(module, tmp_path):
    run("-W", "error", "-c", f"import {module}", cwd=tmp_path)
