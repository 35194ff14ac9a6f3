"""Work in processes of its own: limits hold, what dies takes nothing with it, and nobody is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cpipe_check.checker import check
from cpipe_check.finding import Finding
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.static import findings
from cpipe_check.submission import Collection, Submission
from cpipe_check.workers import Limits, Lost, in_workers

PIPELINE = b"from diffusers import DDPMPipeline\n\n\nclass MyPipeline(DDPMPipeline):\n    pass\n"
# libcst makes some 8 KB of every two bytes.
GREEDY = PIPELINE + b"a\n" * 160_000
# libcst takes time in the square of this depth, and no limit of Python's forbids so many of them.
SLOW = PIPELINE + (b"x = " + b"a + " * 2000 + b"a\n") * 120
STRICT = Limits(1, 512 << 20)
ROOMY = Limits(60, 2 << 30)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


def act(item: object) -> object:
    """Do what the item says."""
    match item:
        case "sleep":
            time.sleep(60)
        case "exit":
            os._exit(7)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "greedy":
            return len(bytearray(1 << 30))
        case "bug":
            raise ZeroDivisionError("of ours")
        case "chatty":
            os.write(1, b"written")
            os.write(2, b"written")
    return item


def results(*items: object, count: int = 2, limits: Limits = STRICT) -> list[object]:
    return list(in_workers(act, items, count, limits))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_come_in_order(count: int) -> None:
    assert results(*range(100), count=count, limits=ROOMY) == list(range(100))
    assert results(count=count) == []
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("sleep", "did not finish within 1 s"),
        ("exit", "ended its process with exit code 7"),
        ("segfault", "had its process killed by SIGSEGV"),
        pytest.param(
            "greedy",
            "needs more than 512 MB of memory",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory"),
        ),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_one_is_lost_and_the_others_go_on(item: str, reason: str, count: int) -> None:
    assert results(1, item, 2, item, 3, count=count) == [1, Lost(reason), 2, Lost(reason), 3]
    assert multiprocessing.active_children() == []


def test_a_bug_is_told_and_costs_one_item() -> None:
    found = results(1, "bug", 2)
    assert [found[0], found[2]] == results(1, 2)
    lost = found[1]
    assert isinstance(lost, Lost)
    assert lost.by_bug
    assert lost.reason.endswith("please report it: ZeroDivisionError: of ours")


def test_a_bug_in_a_rule_is_exit_code_3_and_the_other_files_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpipe_check.checker.every_finding", _stumble)
    sources = (PIPELINE + b"# bug\n", PIPELINE)
    submissions = tuple(Submission(f"{i}.py", source, None) for i, source in enumerate(sources))
    report = check(Collection(submissions, (), ()))
    assert report.exit_code == 3
    assert [file.unknown.partition(":")[0] for file in report.files] == [
        "the static check has a bug that this file brings out, please report it",
        "",
    ]


def _stumble(file: PipelineFile) -> tuple[Finding, ...]:
    return findings(file) if "# bug" not in file.source else 1 // 0


def test_nobody_is_left_when_the_caller_stops() -> None:
    numbers = in_workers(act, [1, "sleep", "sleep"], 3, ROOMY)
    assert next(numbers) == 1
    assert len(multiprocessing.active_children()) == 3
    numbers.close()
    assert multiprocessing.active_children() == []


def test_a_worker_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert results("chatty") == ["chatty"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked to do it")
def test_workers_die_with_a_killed_parent() -> None:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    parent = multiprocessing.get_context("fork").Process(target=_abandon, args=(theirs,))
    parent.start()
    worker = ours.recv()
    parent.kill()
    parent.join()
    wait_until(lambda: has_ended(worker))


def _abandon(pipe: multiprocessing.connection.Connection) -> None:
    for number in in_workers(lambda item: os.getpid() if item else time.sleep(60), [1, 0], 1, ROOMY):
        pipe.send(number)


def has_ended(process: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def checked(**contents: bytes) -> dict[str, str]:
    """What `check` cannot tell of each file, "" where it can."""
    submissions = tuple(Submission(f"{name}.py", content, None) for name, content in contents.items())
    report = check(Collection(submissions, (), ()))
    return {file.path.removesuffix(".py"): file.unknown for file in report.files}


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory")
def test_a_file_too_large_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpipe_check.checker.STATIC_LIMITS", Limits(60, 768 << 20))
    unknown = checked(one=PIPELINE, greedy=GREEDY, two=PIPELINE)
    assert "needs more than 768 MB of memory" in unknown.pop("greedy")
    assert unknown == {"one": "", "two": ""}


def test_a_file_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpipe_check.checker.STATIC_LIMITS", Limits(2, 2 << 30))
    assert checked(one=PIPELINE, slow=SLOW) == {"one": "", "slow": "the static check did not finish within 2 s"}
