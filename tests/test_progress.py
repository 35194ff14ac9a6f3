"""The line on the terminal: what is in work, how much is done, how long the rest takes."""

from __future__ import annotations

import sys

import pytest

from cpipe_check.progress import Board, Spinner, Step


def step(index: int, stage: str, total: int = 10, phase: str = "smoke-load") -> Step:
    return Step(phase, index, total, f"{index}.py", stage)


def test_one_file() -> None:
    board = Board()
    assert board.text() == "starting"
    board.tell(step(0, "load", total=1), 1.0)
    assert (board.text(), board.left(2.0)) == ("smoke-load of 0.py: load", None)


def test_several_files_side_by_side() -> None:
    board = Board()
    board.tell(step(0, "", phase="static check"), 0.0)
    assert board.text() == "[1/10] static check"
    board.tell(step(0, "load"), 10.0)
    board.tell(step(1, "load"), 11.0)
    board.tell(step(0, "call"), 12.0)
    assert board.text() == "[0/10] 0.py: call, 1.py: load"
    board.tell(step(0, ""), 14.0)
    board.tell(step(2, "reload"), 14.0)
    assert board.text() == "[1/10] 1.py: load, 2.py: reload"


def test_estimate_starts_with_a_few_and_counts_down() -> None:
    """The start of the sandbox is no part of it: that is done once."""
    board = Board()
    board.tell(step(0, "start"), 0.0)
    board.tell(step(0, "reference"), 20.0)
    for index, now in enumerate((22.0, 24.0)):
        board.tell(step(index, ""), now)
    assert board.left(24.0) is None
    board.tell(step(2, ""), 26.0)
    assert [board.left(now) for now in (26.0, 27.0, 60.0)] == [14.0, 13.0, 0.0]
    for index in range(3, 10):
        board.tell(step(index, ""), 40.0)
    assert board.left(40.0) is None


def test_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Spinner(quiet=False) as spinner:
        spinner.tell(step(0, "load"))
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("quiet", [False, True])
def test_on_a_terminal(quiet: bool) -> None:
    import os
    import pty
    import subprocess

    script = (
        "import sys, time\n"
        "from cpipe_check.progress import Spinner, Step\n"
        f"with Spinner(quiet={quiet}) as spinner:\n"
        "    spinner.tell(Step('smoke-load', 0, 2, 'evil\\x1b[31m\\n.py', 'load'))\n"
        "    time.sleep(0.5)\n"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", script], stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    if quiet:
        assert shown == b""
        return
    assert b"[0/2] evil .py: load  0 s" in shown
    assert b"[31m" not in shown
    assert b"\n" not in shown
    assert shown.endswith(b"\r\x1b[K")


def _read(terminal: int) -> bytes:
    import os

    try:
        return os.read(terminal, 4096)
    except OSError:
        # How Linux says that nobody holds the other end.
        return b""
