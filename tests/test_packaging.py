"""The wheel and the sdist build; the wheel alone, without an extra, gives a working static check."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from conftest import PIPELINES

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], check=True, capture_output=True)
    return out


def test_contents(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"cpipe_check/py.typed", "cpipe_bot/py.typed", "cpipe_check/report/report.schema.json"} <= names
    committed = subprocess.run(
        ["git", "ls-files", "checks/cpipe_check", "bot/cpipe_bot"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    sources = {path.partition("/")[2] for path in committed.stdout.split()}
    assert sources <= names, "everything in the tree is in the wheel"
    assert {"cpipe_check/starter_pipeline.txt", "cpipe_check/api_index/data/diffusers-names.xz"} <= names
    assert "cpipe_check/api_index/build/builder.py" in names
    assert sum(item.file_size for item in zipfile.ZipFile(wheel).infolist() if item.filename.endswith(".xz")) < 500_000
    assert {name.partition("/")[0] for name in names} == {"cpipe_check", "cpipe_bot", f"{wheel.name[:17]}.dist-info"}
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"constraints.txt", "tests/conftest.py", "LICENSE", "README.md", "pyproject.toml"} <= inside


def test_wheel_alone(built: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    check = [str(python.with_name("cpipe-check")), str(PIPELINES / "one_step_unet.py")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "static   ok     " in done.stdout
    assert "smoke    not run install cpipe-check[smoke]" in done.stdout
    starter = tmp_path / "mine.py"
    subprocess.run([check[0], "--new", str(starter)], check=True, capture_output=True)
    subprocess.run([check[0], "--static", str(starter)], check=True, capture_output=True)
