"""`# noqa` silences what it stands beside, in every spelling, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import PIPELINES
from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check_static
from cpipe_check.rules.base import HEADER, PIPELINE
from cpipe_check.selection import Selection
from cpipe_check.submission import Submission

GONE = "from diffusers import NoSuchPipeline"
MOVED = "from diffusers.utils import randn_tensor"


def codes(source: str | bytes, selection: Selection = Selection(ignore=("CP401",))) -> list[str]:  # noqa: B008
    content = source.encode() if isinstance(source, str) else source
    found = check_static(Submission("my_pipeline.py", content, None), resolve(), selection=selection).findings
    return [finding.code for finding in found]


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NOQA",
        "# NoQA because it is only for old releases",
        "# noqa: CP302",
        "# noqa:CP302",
        "# noqa : CP302",
        "# noqa: cp302",
        "# noqa: CP302, E501",
        "# noqa: E501,CP302",
        "# noqa:E501 CP302",
        "# noqa: CP302 for old releases",
        "# noqa: CP3",
        "# type: ignore  # noqa: CP302",
        "# noqa: E501  # noqa: CP302",
    ],
)
def test_silences(comment: str) -> None:
    assert codes(HEADER + f"{GONE}  {comment}\n" + PIPELINE) == []
    assert codes(HEADER + f"{GONE}  {comment}\n{GONE}\n" + PIPELINE) == ["CP302"], "the next line is not meant"


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: E501",
        "# noqa: CP301",
        "# noqa:",
        "# noqa: because",
        "# noqa-file",
        "# noqanything",
        "# no qa",
        "# see noqa",
        "# cpipe-check: noqa",
        "# CP302",
    ],
)
def test_does_not_silence(comment: str) -> None:
    assert codes(HEADER + f"{GONE}  {comment}\n" + PIPELINE) == ["CP302"]


@pytest.mark.parametrize(
    "statement",
    [
        "from diffusers import (  # noqa: CP302\n    logging,\n    NoSuchPipeline,\n)\n",
        "from diffusers import (\n    logging,\n    NoSuchPipeline,  # noqa: CP302\n)\n",
        "from diffusers import (\n    logging,\n    # noqa: CP302\n    NoSuchPipeline,\n)\n",
        "from diffusers import (\n    logging,\n    NoSuchPipeline,\n)  # noqa: CP302\n",
        "from diffusers import logging, \\\n    NoSuchPipeline  # noqa: CP302\n",
        f"if True:\n    x = '''\n'''; {GONE}  # noqa: CP302\n",
        f"if True: {GONE}  # noqa: CP302\n",
    ],
)
def test_any_line_of_the_statement(statement: str) -> None:
    assert codes(HEADER + statement + PIPELINE) == []
    assert codes((HEADER + statement + PIPELINE).replace("\n", "\r\n")) == []
    assert codes(HEADER + statement.replace("noqa", "") + PIPELINE) == ["CP302"]


@pytest.mark.parametrize(
    "text",
    [
        f"# noqa\n{GONE}\n# noqa\n",
        f"x = '# noqa'\n{GONE}\n",
        f"x = '# noqa'; {GONE}\n",
        f"'''\n# cpipe-check: noqa\n'''\n{GONE}\n",
        f"x = '''\n# noqa: CP302'''; {GONE}\n",
        f"class A:  # noqa\n    {GONE}\n",
    ],
)
def test_strings_and_other_lines_are_not_meant(text: str) -> None:
    assert codes(HEADER + text + PIPELINE) == ["CP302"]


def test_a_header_is_a_statement() -> None:
    """Not its body: `# noqa` on a class is not for all that is in it."""
    call = "    def __call__(self):{}\n        return self.unet\n"
    assert codes(HEADER + PIPELINE + call.format("")) == ["CP402"]
    assert codes(HEADER + PIPELINE + call.format("  # noqa: CP402")) == []
    assert codes(HEADER + PIPELINE.replace("Pipeline):", "Pipeline):  # noqa") + call.format("")) == ["CP402"]


def test_whole_file() -> None:
    call = "    def __call__(self):\n        return self.unet\n"
    source = HEADER + f"{GONE}\n" + PIPELINE + call
    assert codes(source) == ["CP302", "CP402"]
    assert codes("# cpipe-check: noqa\n" + source) == []
    assert codes("# Cpipe-Check:NOQA: cp402\n" + source) == ["CP302"]
    assert codes(source + "    # cpipe-check: noqa: CP402, CP302\n") == []
    assert codes("# ruff: noqa\n# flake8: noqa\n" + source) == ["CP302", "CP402"]


def test_what_python_refuses_has_no_comments() -> None:
    """Neither has a file whose lines Python counts otherwise than we do."""
    assert codes("# cpipe-check: noqa\nx = (  # noqa\n") == ["CP102"]
    assert codes(b"# cpipe-check: noqa\n\xff\n") == ["CP101"]
    assert codes((HEADER + GONE + "\n" + PIPELINE + "# noqa\n").replace("\n", "\r")) != []


def test_silenced_error_does_not_make_it_load(command, tmp_path: Path) -> None:
    """Nothing is found, the verdict is what it was, and the fix is not made."""
    path = tmp_path / "it.py"
    source = (PIPELINES / "one_step_unet.py").read_text() + f"\n\n{MOVED}  # noqa: CP302\n"
    path.write_text(source)
    done = command("--fix", "--static", "--output-format", "json", path)
    assert done.code == 0
    (file,) = json.loads(done.out)["files"]
    assert (file["findings"], file["loads"]) == ([], False)
    assert path.read_text() == source
    other = tmp_path / "other.py"
    other.write_text("# cpipe-check: noqa\nfrom .there import x\n" + source)
    (file,) = json.loads(command("--static", "--output-format", "json", other).out)["files"]
    assert (file["findings"], file["loads"]) == ([], False)


@pytest.mark.slow
def test_silenced_error_is_tried_for_real(command, tmp_path: Path) -> None:
    pytest.importorskip("diffusers", reason="the smoke-load needs the smoke extra")
    path = tmp_path / "it.py"
    path.write_text((PIPELINES / "one_step_unet.py").read_text() + f"\n\n{GONE}  # noqa: CP302\n")
    done = command(path)
    assert done.code == 1
    assert "CP302 error" not in done.out
    assert "smoke    failed" in done.out
    assert "NoSuchPipeline" in done.out


def test_no_class_since_it_is_silenced(command, tmp_path: Path) -> None:
    path = tmp_path / "it.py"
    path.write_text("# cpipe-check: noqa\n")
    done = command(path)
    assert done.code == 0
    assert "static   cannot tell: CP103 is silenced" in done.out
    assert "smoke    not run cannot tell: CP103 is silenced" in done.out
