"""Running a smoke-load from the checker's side: the job, the process, and the verdict from what it reported."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from cpipe_check.report.model import Frame, Smoke, Stage, StageName, Verdict
from cpipe_check.sandbox import process
from cpipe_check.smoke.job import Job, Signature
from cpipe_check.text import EMPTY, CleanText, clean_line

INSTALL = "install cpipe-check[smoke]"
STAGES: tuple[StageName, ...] = get_args(StageName)
_PACKAGES = ("torch", "diffusers", "transformers", "accelerate")
_SCRIPT = "from cpipe_check.smoke.child import main; main()"
_SEED = 20250113


@dataclass(frozen=True, slots=True)
class SmokeOptions:
    """How to smoke-load.

    `reference` is a directory with a model in diffusers' layout, or "" for a tiny one made on the spot. `device` is
    "auto", "cpu", "cuda", "cuda:N" or "mps"; `dtype` "auto" (float32) or the name of a torch dtype. `seconds` limits
    one file, the imports included; `memory` limits its process, in bytes, on a CPU under Linux.
    """

    reference: str = ""
    device: str = "auto"
    dtype: str = "auto"
    seconds: float = 300.0
    memory: int = 8 << 30


@dataclass(frozen=True, slots=True)
class SmokeTarget:
    """What the text tells: the pipeline class's two signatures, the modules beside the file, the classes in it."""

    init: Signature
    call: Signature
    siblings: tuple[str, ...]
    defines: tuple[str, ...]


class _Transcript:
    """What the process reported. Its text is the file's word: cleaned here, and checked for shape."""

    def __init__(self, on_stage: Callable[[str], None]) -> None:
        self.stages: list[Stage] = []
        self.running: StageName = "start"
        self.setting: dict[str, CleanText] = {}
        self.output = EMPTY
        self.end: dict[str, Any] | None = None
        self.broken = False
        self._on_stage = on_stage

    def add(self, line: bytes) -> None:
        """Take one event. Anything that is not one of ours breaks the transcript."""
        try:
            self._add(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.broken = True

    def _add(self, event: dict[str, Any]) -> None:
        if self.end is not None:
            raise ValueError("event after the verdict")
        match event["event"]:
            case "begin":
                self.running = STAGES[STAGES.index(event["stage"])]
                self._on_stage(self.running)
            case "end":
                stage = Stage(STAGES[STAGES.index(event["stage"])], float(event["seconds"]), event["ok"] is True)
                self.stages.append(stage)
            case "setting":
                self.setting = {key: clean_line(str(event[key]), 100) for key in ("reference", "device")}
            case "output":
                self.output = clean_line(str(event["text"]), 200)
            case "verdict":
                self.end = event
            case _:
                raise ValueError("unknown event")


def missing_packages() -> tuple[str, ...]:
    """Return which packages of the `smoke` extra are not installed, importing none of them."""
    return tuple(name for name in _PACKAGES if find_spec(name) is None)


def smoke_load(
    target: SmokeTarget,
    files: Mapping[str, bytes],
    options: SmokeOptions,
    on_stage: Callable[[str], None] = lambda _: None,
) -> Smoke:
    """Smoke-load one pipeline file and return the verdict.

    `files` holds the pipeline file first, then those beside it, by their names relative to its directory. `on_stage`
    is told each stage as it begins.
    """
    if sys.platform == "win32":
        return Smoke(Verdict.NOT_RUN, clean_line("smoke-loading needs Linux or macOS; WSL will do"))
    if missing := missing_packages():
        return Smoke(Verdict.NOT_RUN, clean_line(f"{INSTALL} ({', '.join(missing)} missing)"))
    with process.scratch() as scratch:
        job = _lay_out(target, files, options, scratch)
        transcript = _Transcript(on_stage)
        outcome = process.run(
            [sys.executable, "-c", _SCRIPT],
            job.to_json(),
            cwd=scratch / "work",
            env=_environment(scratch),
            seconds=options.seconds,
            on_event=transcript.add,
        )
    return _verdict(transcript, outcome, options)


def _lay_out(target: SmokeTarget, files: Mapping[str, bytes], options: SmokeOptions, scratch: Path) -> Job:
    submission = scratch / "submission"
    for directory in (submission, scratch / "work", scratch / "home"):
        directory.mkdir()
    for name, content in files.items():
        path = submission / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    file_name = next(iter(files))
    # A folder or Hub repository that holds `pipeline.py` is named by itself, any other file by its path.
    custom = submission if file_name == "pipeline.py" else submission / file_name
    return Job(
        custom_pipeline=str(custom),
        file_name=file_name,
        scratch=str(scratch),
        init=target.init,
        call=target.call,
        defines=target.defines,
        reference=options.reference,
        device=options.device,
        dtype=options.dtype,
        seed=_SEED,
        memory=options.memory,
    )


def _environment(scratch: Path) -> dict[str, str]:
    offline = {
        "HF_HOME": str(scratch / "home" / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return process.environment(scratch / "home", offline)


def _verdict(transcript: _Transcript, outcome: process.Outcome, options: SmokeOptions) -> Smoke:
    verdict, reason, unserved = _ending(transcript, outcome, options)
    end = transcript.end or {}
    frames = () if verdict is not Verdict.FAILED else _frames(end.get("frames"))
    stages = tuple(transcript.stages)
    if verdict is Verdict.FAILED and transcript.running not in {stage.name for stage in stages}:
        stages = (*stages, Stage(transcript.running, 0.0, False))
    return Smoke(
        verdict,
        clean_line(reason, 700),
        transcript.setting.get("reference", EMPTY),
        transcript.setting.get("device", EMPTY),
        stages,
        frames,
        transcript.output,
        unserved,
    )


def _ending(transcript: _Transcript, outcome: process.Outcome, options: SmokeOptions) -> tuple[Verdict, str, bool]:
    where = f"in {transcript.running}"
    end = transcript.end or {}
    reason = str(end.get("reason", ""))
    if end.get("verdict") == "not run" and outcome.exit_code == 0:
        # After the file has been imported it may say so of itself, but not that the machine is to blame.
        ours = all(stage.name != "load" for stage in transcript.stages)
        return Verdict.NOT_RUN, reason, ours and end.get("unserved") is True
    if outcome.over == "time":
        return Verdict.FAILED, f"{where}: not finished after {options.seconds:g} s", False
    if outcome.over or transcript.broken:
        return Verdict.FAILED, f"{where}: its process sent what is no report", False
    if transcript.end is None or outcome.exit_code != 0:
        if transcript.running == "start":
            return Verdict.NOT_RUN, f"torch and diffusers did not start: {_tail(outcome)}", True
        return Verdict.FAILED, f"{where}: its process {_how(outcome.exit_code)}: {_tail(outcome)}", False
    done = tuple(stage.name for stage in transcript.stages if stage.ok)
    if end.get("verdict") == "ran" and done == STAGES:
        return Verdict.RAN, "", False
    return Verdict.FAILED, f"{where}: {reason or 'its report is not complete'}", False


def _how(exit_code: int) -> str:
    if exit_code >= 0:
        return f"ended with exit code {exit_code} and no report"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"


def _tail(outcome: process.Outcome) -> str:
    return clean_line(outcome.output.strip().rpartition("\n")[2]) or "no output"


def _frames(value: object) -> tuple[Frame, ...]:
    frames = []
    for item in value[:5] if isinstance(value, list) else ():
        match item:
            case {"line": int(line), "function": str(function), "code": str(code)}:
                frames.append(Frame(line, clean_line(function, 80), clean_line(code, 200)))
    return tuple(frames)
