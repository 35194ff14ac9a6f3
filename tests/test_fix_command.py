"""`--fix` and `--diff` as a user meets them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import PIPELINES
from cpipe_check.rules.base import HEADER, PIPELINE

GOOD = (PIPELINES / "one_step_unet.py").read_text()
BAD = GOOD + "\n\nfrom diffusers.utils import randn_tensor\n"
MENDED = BAD.replace("diffusers.utils import randn", "diffusers.utils.torch_utils import randn")
CALL = "\n    def __call__(self):\n        return self.unet\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "it.py"
    path.write_text(HEADER + "from diffusers.utils import logging, randn_tensor\n" + PIPELINE + CALL)
    return path


def test_diff(command, path: Path) -> None:
    before = path.read_bytes()
    done = command("--diff", "it.py", cwd=path.parent)
    assert (done.code, done.err) == (1, "cpipe-check: would fix 2 findings in 1 file\n")
    assert done.out == (
        """\
--- it.py
+++ it.py
@@ -2,12 +2,14 @@
 from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel
 
 
-from diffusers.utils import logging, randn_tensor
+from diffusers.utils import logging
+from diffusers.utils.torch_utils import randn_tensor
 
 class MyPipeline(DiffusionPipeline):
     def __init__(self, unet, scheduler):
         super().__init__()
         self.register_modules(unet=unet, scheduler=scheduler)
 
+    @torch.no_grad()
     def __call__(self):
         return self.unet
"""  # noqa: W293
    )
    assert path.read_bytes() == before
    assert command("--diff", "--quiet", "--exit-zero", path).code == 0


def test_diff_of_nothing(command, path: Path) -> None:
    path.write_text(GOOD)
    done = command("--diff", path)
    assert (done.code, done.out, done.err) == (0, "", "cpipe-check: nothing to fix\n")
    assert command("--diff", path, path.with_name("missing.py")).code == 2


def test_marks_what_is_fixable(command, path: Path) -> None:
    done = command("--static", path)
    assert done.code == 1
    assert "= fix [*]: write `from diffusers.utils.torch_utils import randn_tensor`" in done.out
    assert "= fix [*]: put `@torch.no_grad()` on the line above" in done.out
    assert done.out.endswith("\n[*] 2 fixable with `--fix`\n")


def test_fix(command, path: Path) -> None:
    done = command("--fix", "--static", path)
    assert (done.code, done.err) == (0, "cpipe-check: fixed 2 of 2 findings\n")
    assert "static   ok" in done.out
    assert command("--diff", path).code == 0
    before = path.stat()
    again = command("--fix", "--static", path)
    assert (again.code, again.err) == (0, "")
    assert path.stat().st_ino == before.st_ino, "nothing to write"


def test_fix_reports_what_remains(command, path: Path) -> None:
    path.write_text(path.read_text() + "from diffusers import NoSuchPipeline\n")
    done = command("--fix", "--static", path)
    assert (done.code, done.err) == (1, "cpipe-check: fixed 2 of 3 findings\n")
    assert "CP302 error: `NoSuchPipeline`" in done.out
    assert "fixable" not in done.out
    assert command("--fix", "--static", "--exit-zero", "--quiet", path).err == ""


def test_fix_goes_by_selection(command, path: Path) -> None:
    assert "no_grad" not in path.read_text()
    assert command("--fix", "--static", "--select", "CP4", path).code == 0
    assert "no_grad" in path.read_text()
    assert "torch_utils" not in path.read_text()
    assert command("--diff", "--ignore", "CP3", path).code == 0


@pytest.mark.slow
def test_fix_then_smoke_load(command, path: Path) -> None:
    pytest.importorskip("diffusers", reason="the smoke-load needs the smoke extra")
    path.write_text(BAD)
    done = command("--fix", path)
    assert done.code == 0
    assert "smoke    ran" in done.out
    assert path.read_text() == MENDED


def test_standard_input(command) -> None:
    done = command("--fix", "--static", "-", stdin=BAD.encode())
    assert (done.code, done.out) == (0, MENDED)
    assert done.err.startswith("cpipe-check: fixed 1 of 1 finding\nstdin.py  Unet")
    unchanged = command("--fix", "--static", "-", stdin=GOOD.replace("\n", "\r\n").encode())
    assert (unchanged.code, unchanged.out) == (0, GOOD.replace("\n", "\r\n"))
    diff = command("--diff", "-", "--stdin-filename", "mine.py", stdin=BAD.encode())
    assert diff.code == 1
    assert diff.out.startswith("--- mine.py\n+++ mine.py\n@@ ")


def test_file_of_the_name_of_standard_input_is_left(command, path: Path) -> None:
    before = path.read_bytes()
    command("--fix", "--static", "-", "--stdin-filename", path, stdin=before)
    assert path.read_bytes() == before


def test_directory(command, path: Path) -> None:
    """Links, and what is no pipeline file, stay as they are; the rest is fixed."""
    helper = path.with_name("helper.py")
    helper.write_text("from diffusers.utils import randn_tensor  # not in a Pipeline\n")
    path.with_name("link.py").symlink_to("it.py")
    done = command("--fix", "--static", path.parent)
    assert done.code == 2
    assert "fixed 2 of 4 findings" in done.err
    assert "link.py: not fixed: a symbolic link" in done.err
    assert helper.read_text().startswith("from diffusers.utils import")
    assert path.with_name("link.py").is_symlink()
    assert "torch_utils" in path.read_text()


def test_read_only(command, path: Path) -> None:
    path.chmod(0o444)
    done = command("--fix", "--static", path)
    assert done.code == 2
    assert "it.py: not fixed: read-only; make it writable (chmod +w)" in done.err
    assert "fixed 0 of 2 findings" in done.err
    assert "CP302 error" in done.out


def test_both_is_wrong_usage(command, path: Path) -> None:
    done = command("--fix", "--diff", path)
    assert done.code == 2
    assert "give one of them" in done.err


def test_diff_in_a_log_is_inert(command, path: Path) -> None:
    hostile = "super().__init__()\n        '''\n::stop-commands::\x1b[31m'''\n"
    path.write_text(path.read_text().replace("super().__init__()\n", hostile))
    plain, log = command("--diff", path), command("--diff", path, GITHUB_ACTIONS="true")
    assert " ::stop-commands::" in plain.out, "a patch is exact"
    assert "\x1b" in plain.out
    assert "::stop-commands" not in log.out
    assert "\x1b" not in log.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    """Every file is as it was, or fixed."""
    for i in range(40):
        (tmp_path / f"file{i}.py").write_text(BAD + "x = [1, 2, 3]\n" * 3000)
    arguments = [sys.executable, "-m", "cpipe_check", "--fix", "--static", str(tmp_path)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    while process.poll() is None and not any("torch_utils" in p.read_text() for p in tmp_path.glob("file*.py")):
        time.sleep(0.01)
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, b"", b"cpipe-check: interrupted")
    assert sorted(os.listdir(tmp_path)) == sorted(f"file{i}.py" for i in range(40))
    ends = {path.read_text().partition("x = [")[0] for path in tmp_path.iterdir()}
    assert ends == {BAD, MENDED}
