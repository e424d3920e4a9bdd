"""The binary wheels that are built for a release: which ones, by pyproject.toml's configuration of cibuildwheel."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CPYTHONS = ["cp312", "cp313", "cp314", "cp314t", "cp315", "cp315t"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "platform, archs, kinds",
    [
        ("linux", "x86_64", ["manylinux_x86_64", "musllinux_x86_64"]),
        ("linux", "aarch64", ["manylinux_aarch64", "musllinux_aarch64"]),
        ("macos", None, ["macosx_arm64", "macosx_x86_64"]),
        ("windows", None, ["win_amd64", "win_arm64"]),
    ],
)
def test_build_identifiers(platform, archs, kinds, tmp_path):
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers", "--platform", platform]
    command += ["--archs", archs] if archs else []
    done = subprocess.run([*command, str(ROOT)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(f"{cpython}-{kind}" for cpython in CPYTHONS for kind in kinds)
