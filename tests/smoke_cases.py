"""Pipelines that the smoke-load's tests vary, and the whole way from one's text to its report."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.report import as_json
from cpipe_check.report.model import FileReport
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.submission import collect

ONE_STEP = (PIPELINES / "one_step_unet.py").read_text()
RETURN = "        return scheduler_output - scheduler_output + torch.ones_like(scheduler_output)\n"
SCHEMA = json.loads(files("cpipe_check.report").joinpath("report.schema.json").read_text())


def one_step(body: str = RETURN, top: str = "", init: str = "") -> str:
    """The one-step pipeline with other code at the end of its call, at the top of its file or in its `__init__`."""
    text = ONE_STEP.replace(RETURN, body).replace("import torch\n", f"import torch\n{top}", 1)
    return text.replace("        super().__init__()\n", f"        super().__init__()\n{init}")


def smoke(tmp_path: Path, source: str, options: SmokeOptions | None = None, name: str = "my_pipeline.py") -> FileReport:
    (tmp_path / name).write_text(source)
    report = check(collect([str(tmp_path / name)]), options or SmokeOptions(device="cpu", seconds=120))
    jsonschema.validate(as_json.document(report), SCHEMA)
    return report.files[0]
