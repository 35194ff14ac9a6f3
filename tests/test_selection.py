"""`--select`, `--ignore`, `--fail-on`, on the command line and in pyproject.toml."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cpipe_check.checker import check
from cpipe_check.config import read_config
from cpipe_check.rules import RULES
from cpipe_check.rules.base import HEADER, PIPELINE
from cpipe_check.selection import Selection
from cpipe_check.submission import collect

# An error, a warning and an information.
SOURCE = (
    HEADER
    + "from diffusers.utils import randn_tensor\n"
    + "from diffusers.models.attention_processor import FluxAttnProcessor2_0\n"
    + PIPELINE
)
CODES = ["CP302", "CP305", "CP401"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "it.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize(
    ("select", "ignore", "shown"),
    [
        ((), (), CODES),
        (("ALL",), (), CODES),
        (("CP3",), (), ["CP302", "CP305"]),
        (("CP302", "CP401"), (), ["CP302", "CP401"]),
        ((), ("CP3",), ["CP401"]),
        (("CP3",), ("CP305",), ["CP302"]),
        (("CP302",), ("CP3",), ["CP302"]),
        (("CP3",), ("CP3",), []),
        ((), ("ALL",), []),
        (("CP40",), ("ALL",), ["CP401"]),
    ],
)
def test_selection(path: Path, select: tuple[str, ...], ignore: tuple[str, ...], shown: list[str]) -> None:
    selection = pickle.loads(pickle.dumps(Selection(select, ignore)))
    # Enough files for several processes.
    for i in range(7):
        path.with_name(f"it{i}.py").write_text(SOURCE)
    report = check(collect([str(path.parent)]), selection=selection)
    assert len(report.files) == 8
    for file in report.files:
        assert [finding.code for finding in file.findings] == shown
        assert file.compatibility.loads is False, "the verdict is about the file, not about what is shown"
    assert report.rules == sum(selection.takes(rule.code) for rule in RULES)
    assert report.exit_code == int("CP302" in shown or "CP401" in shown)


@pytest.mark.parametrize(
    ("fail_on", "codes"), [("error", [1, 0, 0, 0]), ("warning", [1, 1, 0, 0]), ("never", [0, 0, 0, 0])]
)
def test_fail_on(command, path: Path, fail_on: str, codes: list[int]) -> None:
    only = [("--select", "CP302"), ("--select", "CP401"), ("--select", "CP305"), ("--select", "CP1")]
    done = [command("--static", "--fail-on", fail_on, *each, path) for each in only]
    assert [each.code for each in done] == codes
    assert "CP302 error" in done[0].out
    assert "static   ok     6 rules" in done[3].out
    assert command("--static", "--fail-on", fail_on, path.with_name("missing.py")).code == 2


def test_quiet_tells_what_does_not_fail(command, path: Path) -> None:
    assert "CP302" in command("--static", "--quiet", "--fail-on", "never", path).out


@pytest.mark.slow
def test_failed_smoke_load_is_an_error(command, tmp_path: Path) -> None:
    pytest.importorskip("diffusers", reason="the smoke-load needs the smoke extra")
    path = tmp_path / "it.py"
    path.write_text(HEADER + PIPELINE + "    def __call__(self):\n        return self.unet.no_such_thing\n")
    assert command("--fail-on", "error", path).code == 1
    never = command("--fail-on", "never", path)
    assert never.code == 0
    assert "smoke    failed" in never.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--select", "CP999"), "--select: no rule 'CP999'; there are CP101"),
        (("--ignore", "CP3,E501", "--ignore", "W"), "--ignore: no rule 'E501', 'W'; there are CP101"),
        (("--fail-on", "info"), "'error', 'warning', 'never'"),
    ],
)
def test_wrong_usage(command, path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = command("--static", *arguments, path)
    assert done.code == 2
    assert message in done.err


def test_several_and_repeated(command, path: Path) -> None:
    done = command("--static", "--ignore", "cp302, CP401", "--ignore", "CP305", path)
    assert (done.code, done.err) == (0, "")
    assert f"static   ok     {len(RULES) - 3} rules" in done.out


def test_settings(command, path: Path) -> None:
    (path.parent / "pyproject.toml").write_text(
        '[tool.cpipe-check]\nselect = ["CP3", "cp401"]\nignore = ["CP305"]\nfail-on = "never"\n'
    )
    assert read_config(path.parent).selection == Selection(("CP3", "CP401"), ("CP305",), "never")
    done = command("--static", path, cwd=path.parent)
    assert done.code == 0
    assert "1 error, 1 warning" in done.out
    over = command("--static", "--select", "CP305", "--ignore", "CP401", "--fail-on", "error", path, cwd=path.parent)
    assert over.code == 0
    assert "1 info" in over.out
    assert command("--static", "--fail-on", "error", path, cwd=path.parent).code == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('select = "CP3"', 'select is a list of codes or their beginnings, such as select = ["CP3", "CP402"]'),
        ("ignore = [3]", "ignore is a list of codes"),
        ('ignore = ["CP9"]', "ignore: no rule 'CP9'; there are CP101"),
        ('fail-on = "info"', "fail-on is one of error, warning, never"),
        ("fail-on = 1", "fail-on is one of error, warning, never"),
        ('fail_on = "error"', "has no setting 'fail_on'; there are diffusers, transformers, select, ignore, fail-on"),
    ],
)
def test_wrong_settings(command, path: Path, setting: str, message: str) -> None:
    (path.parent / "pyproject.toml").write_text(f"[tool.cpipe-check]\n{setting}\n")
    done = command("--static", path, cwd=path.parent)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
