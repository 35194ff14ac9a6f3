"""The command as a user meets it: exit codes, messages of one line, no traceback whatever it is fed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import PIPELINES, Done

GOOD = (PIPELINES / "one_step_unet.py").read_bytes()


def make_bad(directory: Path) -> dict[str, Path]:
    """Write one file of each bad kind and return them by name."""
    contents = {
        "empty": b"",
        "binary": bytes(range(256)) * 10,
        "latin": "# caf\u00e9\n".encode("latin-1") + GOOD,
        "syntax": b"def f(:\n",
        "null": b"x = 1\x00\n",
        "brackets": b"x=" + b"(" * 10_000 + b")" * 10_000,
        "minuses": b"x=" + b"-" * 10_000 + b"1",
        "dots": b"x=a" + b".b" * 10_000,
        "elifs": b"if a: pass\n" + b"elif a: pass\n" * 10_000,
    }
    paths = {}
    for name, content in contents.items():
        paths[name] = directory / f"{name}.py"
        paths[name].write_bytes(content)
    return paths


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and text.endswith("\n")


def test_good_file(command, tmp_path: Path) -> None:
    done = command("--static", PIPELINES / "one_step_unet.py")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].endswith("one_step_unet.py  UnetSchedulerOneForwardPipeline(unet, scheduler)")
    assert "static   ok" in done.out
    assert "smoke    not run switched off by --static" in done.out


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("empty", "CP103"),
        ("binary", "CP101"),
        ("latin", "CP101"),
        ("syntax", "CP102"),
        ("null", "CP102"),
        ("brackets", "CP102"),
        ("minuses", "CP102"),
        ("dots", "CP102"),
        ("elifs", "CP102"),
    ],
)
def test_bad_content_is_a_finding(command, tmp_path: Path, name: str, code: str) -> None:
    done: Done = command("--static", make_bad(tmp_path)[name])
    assert (done.code, done.err) == (1, "")
    assert f" {code} error: " in done.out
    assert "Traceback" not in done.out
    assert "\x1b" not in done.out


def test_nesting_that_python_takes(command, tmp_path: Path) -> None:
    """libcst's parser alone dies of 10,000 operands; Python's compiler takes them, so it is no error."""
    path = tmp_path / "operands.py"
    path.write_bytes(GOOD + b"\n\ndef f(a):\n    return " + b"a and " * 10_000 + b"a\n")
    done = command("--static", path)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "no such file or directory"),
        (lambda p: p.symlink_to("nowhere.py"), "broken symbolic link to nowhere.py"),
        (os.mkfifo, "not a regular file"),
        (lambda p: p.mkdir(), "no pipeline files in this directory"),
        (lambda p: p.write_bytes(b"x = 1\n" * 900_000), "5.4 MB is too large for a pipeline file"),
    ],
    ids=["missing", "broken-link", "fifo", "empty-directory", "5MB"],
)
def test_unusable_path(command, tmp_path: Path, make, message: str) -> None:
    """One line says why; the other file is checked all the same."""
    path, good = tmp_path / "it.py", tmp_path / "good.py"
    make(path)
    good.write_bytes(GOOD)
    done = command("--static", path, good)
    assert done.code == 2
    assert one_line(done.err)
    assert message in done.err
    assert "static   ok" in done.out


def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "it.py"
    path.write_bytes(GOOD)
    path.chmod(0)
    # Root reads everything, so the test becomes somebody else, who may not be able to import anything any more.
    program = (
        "import os, sys; from cpipe_check import cli; cli.command.main(sys.argv[2:], standalone_mode=False); "
        "os.getuid() or os.setuid(65534); sys.argv[1:] = ['--static', sys.argv[1]]; cli.main()"
    )
    good = str(PIPELINES / "one_step_unet.py")
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), "--static", good], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert "permission denied" in done.stderr


def test_not_python(command, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"x")
    done = command("--static", path)
    assert done.code == 2
    assert "not a `.py` file" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no PATH given"),
        (("--nope", "x.py"), "--nope"),
        (("--device", "gpu", "x.py"), "cuda:N"),
        (("--dtype", "int8", "x.py"), "float16"),
        (("--timeout", "0", "x.py"), "--timeout"),
        (("--jobs", "0", "x.py"), "use 1, 2, 3 ... or auto"),
        (("-j", "many", "x.py"), "use 1, 2, 3 ... or auto"),
        (("--explain", "CP999"), "CP101"),
        (("--reference", "no/such/thing", "x.py"), "neither a directory nor a Hub repository id"),
        (("--new", "no-module.py"), "not the name of a Python module"),
    ],
)
def test_wrong_usage(command, arguments: tuple[str, ...], message: str) -> None:
    done = command(*arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_stdin(command, tmp_path: Path) -> None:
    done = command("--static", "-", "--stdin-filename", "mine.py", stdin=GOOD)
    assert done.code == 0
    assert done.out.startswith("mine.py  UnetScheduler")
    empty = command("--static", "-")
    assert empty.code == 1
    assert "stdin.py:1:1: CP103" in empty.out
    assert command("--static", "-", stdin=b"x" * 1_000_001).code == 2


def test_stdin_finds_siblings_beside_its_name(command, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("a = 1\n")
    source = b"from .helper import a\n" + GOOD
    assert command("--static", "-", "--stdin-filename", tmp_path / "mine.py", stdin=source).code == 0
    assert "CP105" in command("--static", "-", stdin=source).out


def test_quiet_and_exit_zero(command, tmp_path: Path) -> None:
    bad = make_bad(tmp_path)["syntax"]
    assert command("--static", "--quiet", PIPELINES / "one_step_unet.py").out == ""
    assert "CP102" in command("--static", "--quiet", bad).out
    assert command("--static", "--exit-zero", bad).code == 0
    assert command("--static", "--exit-zero", tmp_path / "missing.py").code == 2


def test_output_file(command, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    done = command("--static", "--output-format", "json", "--output-file", target, PIPELINES / "one_step_unet.py")
    assert (done.code, done.out) == (0, "")
    assert json.loads(target.read_text())["files"][0]["static"] == "ok"
    nowhere = tmp_path / "no" / "such" / "report.json"
    assert command("--static", "--output-file", nowhere, PIPELINES / "one_step_unet.py").code == 2


def test_explain_is_the_rules_docstring(command) -> None:
    done = command("--explain", "cp206")
    assert done.code == 0
    assert done.out.startswith("CP206 used-before-registered (error)\n\nAn attribute is used before it is registered.")


def test_new_writes_a_starter_once(command, tmp_path: Path) -> None:
    path = tmp_path / "one_step_unet.py"
    assert command("--new", path).code == 0
    text = path.read_text()
    assert "class OneStepUnetPipeline(DiffusionPipeline)" in text
    assert command("--static", path).out.splitlines()[1].startswith("  static   ok ")
    path.write_text("mine")
    again = command("--new", path)
    assert again.code == 2
    assert one_line(again.err)
    assert "exists" in again.err
    assert path.read_text() == "mine"


def test_reader_of_our_output_goes_away(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m cpipe_check --static {make_bad(tmp_path)['brackets']} | head -c 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_no_colour_in_a_pipe_or_with_no_color(tmp_path: Path) -> None:
    """On a terminal there is colour, unless NO_COLOR is set."""
    pty = pytest.importorskip("pty")
    command = [sys.executable, "-m", "cpipe_check", "--static", str(PIPELINES / "one_step_unet.py")]
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        ours, theirs = pty.openpty()
        kept = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        subprocess.run(command, stdout=theirs, stderr=subprocess.DEVNULL, check=True, env={**kept, **env})
        os.close(theirs)
        assert (b"\x1b[" in os.read(ours, 65536)) is coloured
        os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_in_the_middle_of_many_files(tmp_path: Path, number: signal.Signals) -> None:
    """The workers go with it, and so does everything that waits for them."""
    for i in range(60):
        (tmp_path / f"file{i}.py").write_bytes(GOOD + b"\nx = [1, 2, 3]\n" * 10_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "cpipe_check", "--static", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(2)
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, "", "cpipe-check: interrupted")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
