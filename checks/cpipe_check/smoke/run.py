"""Smoke-loads from the checker's side: the room, the two tasks a file, the verdict from what they reported."""

from __future__ import annotations

import glob
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec

from cpipe_check.report.model import Isolation, Notice, Smoke, Stage, StageName, Verdict
from cpipe_check.sandbox import frames, isolation
from cpipe_check.sandbox.isolation import Needs, Unavailable
from cpipe_check.sandbox.room import Room, RoomError
from cpipe_check.sandbox.task import Limits, Outcome, Task
from cpipe_check.smoke import endings, evidence
from cpipe_check.smoke.fetch import paths_of
from cpipe_check.smoke.job import Job
from cpipe_check.smoke.kept import KeptReferences
from cpipe_check.smoke.target import SmokeTarget
from cpipe_check.smoke.transcript import AGAIN_STAGES, FIRST_STAGES, Transcript
from cpipe_check.text import EMPTY, clean_line

INSTALL = "install cpipe-check[smoke]"
PACKAGES = ("torch", "diffusers", "transformers", "accelerate")
_SEED = 20250113
# A job goes to the room in one frame, with room for what attempts find out.
_LARGEST_JOB = frames.MAX_FRAME - (64 << 10)
_VARIABLES = {
    "HF_HOME": "{room}/home/hf",
    "TORCH_HOME": "{room}/home/torch",
    "TORCHINDUCTOR_CACHE_DIR": "{room}/home/inductor",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass(frozen=True, slots=True)
class SmokeOptions:
    """How to smoke-load.

    `reference` is a directory with a model in diffusers' layout, or "" for a tiny one made on the spot. `device` is
    "auto", "cpu", "cuda", "cuda:N" or "mps"; `dtype` "auto" or the name of a torch dtype. `seconds` limits
    one file's load, and its reload, each; `memory` limits its processes, in bytes, on a CPU. `isolation` is one of
    `sandbox.modes.MODES`; "none" asks for `trusted` as well. `thorough` adds the stages that take longer. `jobs` is the
    number of files that are smoke-loaded side by side, 0 for what the machine and the number of files suggest.
    `reference_note` is a line for every report, about the reference.
    """

    reference: str = ""
    device: str = "auto"
    dtype: str = "auto"
    seconds: float = 300.0
    memory: int = 8 << 30
    isolation: str = "auto"
    trusted: bool = False
    thorough: bool = False
    jobs: int = 0
    reference_note: str = ""


def missing_packages() -> tuple[str, ...]:
    """Return which packages of the `smoke` extra are not installed, importing none of them."""
    return tuple(name for name in PACKAGES if find_spec(name) is None)


class Smoker:
    """Smoke-loads files one after the other, in one room as long as it stays whole. Use it in a `with` statement.

    Once `stop` is set, by another thread, its methods raise `sandbox.room.Stopped`.
    """

    def __init__(self, options: SmokeOptions, stop: threading.Event | None = None) -> None:
        self._options = options
        self._stop = stop
        self._needs = _needs(options)
        self._stack = ExitStack()
        self._room: Room | None = None
        self._isolation = Isolation()
        self._refused = ""

    def __enter__(self) -> Smoker:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open_ahead(self) -> bool:
        """Open the room, if it is not open, before there is a file for it; return False when it cannot be had."""
        if _impossible():
            return False
        try:
            self._open(lambda _: None)
        except (Unavailable, RoomError):
            return False
        return True

    def smoke_load(
        self, target: SmokeTarget, files: Mapping[str, bytes], on_stage: Callable[[str], None] = lambda _: None
    ) -> Smoke:
        """Smoke-load one pipeline file and return the verdict.

        `files` holds the pipeline file first, then those beside it, by their names relative to its directory.
        `on_stage` is told each stage as it begins.
        """
        if reason := _impossible():
            return Smoke(Verdict.NOT_RUN, clean_line(reason))
        try:
            room = self._open(on_stage)
        except (Unavailable, RoomError) as error:
            return Smoke(Verdict.NOT_RUN, clean_line(str(error), 700), unserved=True)
        job = _lay_out(target, files, self._options, room)
        if len(frames.to_payload(job.to_object())) > _LARGEST_JOB:
            return Smoke(Verdict.NOT_RUN, clean_line("its signatures, recipe and example are too long"))
        limits = Limits(seconds=self._options.seconds, memory=self._needs.memory)
        run = _Run(room, job, self._needs, limits, on_stage)
        smoke = run.smoke(target.class_name)
        if note := clean_line(self._options.reference_note, 400):
            smoke = replace(smoke, notices=(Notice("reference", note), *smoke.notices))
        return replace(smoke, isolation=self._isolation)

    def _open(self, on_stage: Callable[[str], None]) -> Room:
        if self._refused:
            raise Unavailable(self._refused)
        if self._room is not None and self._room.alive:
            return self._room
        on_stage("start")
        self._stack.close()
        try:
            room, held = self._stack.enter_context(isolation.open_room(self._mode(), self._needs, self._stop))
            if not on_gpu(self._options.device):
                room.load(["cpipe_check.smoke.warm"])
        except Unavailable as error:
            self._refused = f"isolation unavailable: {error}"
            raise Unavailable(self._refused) from None
        except RoomError as error:
            self._stack.close()
            self._refused = f"torch and diffusers did not start: {error}"
            raise Unavailable(self._refused) from None
        proven, not_proven = (tuple(map(clean_line, facts)) for facts in (held.proven, held.not_proven))
        self._room, self._isolation = room, Isolation(clean_line(held.name), proven, not_proven)
        return room

    def _mode(self) -> str:
        mode = self._options.isolation
        if mode == "none" and isolation.in_ci():
            raise Unavailable("`--isolation none` is refused where CI is set")
        if mode == "none" and not self._options.trusted:
            raise Unavailable("`--isolation none` lets the file do all that you can; add `--i-trust-this-file`")
        return "strict" if mode == "auto" and isolation.in_ci() else mode


def _impossible() -> str:
    if sys.platform == "win32":
        return "smoke-loading needs Linux or macOS; WSL will do"
    missing = missing_packages()
    return f"{INSTALL} ({', '.join(missing)} missing)" if missing else ""


def _needs(options: SmokeOptions) -> Needs:
    gpu = on_gpu(options.device)
    return Needs(
        packages=PACKAGES,
        readable=paths_of(options.reference),
        devices=tuple(sorted(glob.glob("/dev/nvidia*"))) if gpu else (),
        variables=_VARIABLES,
        memory=0 if gpu else options.memory,
    )


def on_gpu(device: str) -> bool:
    """Return whether a device asked for is, or may turn out to be, a GPU of NVIDIA's.

    CUDA does not outlive a fork: with it each task imports torch by itself.
    """
    return device.startswith("cuda") or (device == "auto" and os.path.exists("/dev/nvidiactl"))


def _lay_out(target: SmokeTarget, files: Mapping[str, bytes], options: SmokeOptions, room: Room) -> Job:
    room.clear()
    submission = room.directory / "submission"
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
        scratch=str(room.directory),
        init=target.init,
        call=target.call,
        defines=target.defines,
        packages=target.packages,
        method=target.method,
        reference=options.reference,
        device=options.device,
        dtype=options.dtype,
        seed=_SEED,
        thorough=options.thorough,
        recipe=target.recipe,
        example=target.example,
    )


class _Run:
    """One file's smoke-load: its two tasks, and what they come to."""

    def __init__(self, room: Room, job: Job, needs: Needs, limits: Limits, on_stage: Callable[[str], None]) -> None:
        self._room, self._job, self._needs, self._limits, self._on_stage = room, job, needs, limits, on_stage

    def smoke(self, class_name: str) -> Smoke:
        """Run both tasks and return the verdict."""
        first, outcome = self._task("first", FIRST_STAGES)
        pictures = evidence.pictures(self._room.directory / "out")
        done = self._ending(first, outcome)
        last, stages = first, first.stages
        if done.verdict is Verdict.RAN:
            # Who loads it next has another process, another home and an empty cache.
            self._room.clear(("work", "home"))
            self._job = replace(self._job, changes=first.changes.to_object())
            last, outcome = self._task("again", AGAIN_STAGES)
            done = self._ending(last, outcome)
            stages = [*stages, *last.stages]
        if done.verdict is Verdict.RAN:
            done = self._borne_out(class_name, last.same)
        if done.verdict is Verdict.FAILED and all(stage.ok for stage in stages):
            stages = [*stages, Stage(last.running, 0.0, False)]
        return replace(
            done,
            reference=first.setting.get("reference", EMPTY),
            device=first.setting.get("device", EMPTY),
            stages=tuple(stages),
            output=first.output,
            choices=first.choices,
            attempts=tuple(first.attempts),
            notices=(*first.notices, *(last.notices if last is not first else ())),
            pictures=pictures,
        )

    def _task(self, entry: str, stages: tuple[StageName, ...]) -> tuple[Transcript, Outcome]:
        # A configuration of the file's own is its author's word, which no other file's reference may come of.
        references = KeptReferences(self._room, keeps=not self._job.recipe.components)
        transcript = Transcript(stages, self._on_stage, references)
        entry = f"cpipe_check.smoke.child:{entry}"
        task = Task(entry, self._job.to_object(), self._limits, self._needs.readable, self._needs.devices)
        return transcript, self._room.run(task, transcript.add)

    def _borne_out(self, class_name: str, same: bool) -> Smoke:
        try:
            evidence.check(self._room.directory / "out", class_name, same, self._required())
        except evidence.Disagreement as error:
            return _failed(f"its report is not borne out by what it left: {error}")
        except evidence.NothingToSee:
            # It may be fine, a text for one; but this is all there is to go by.
            return Smoke(Verdict.NOT_RUN, clean_line("cannot tell: the call returned no image, array or tensor"))
        return Smoke(Verdict.RAN)

    def _required(self) -> frozenset[str]:
        arguments = self._job.init.arguments or ()
        return frozenset(argument.name for argument in arguments if argument.required)

    def _ending(self, transcript: Transcript, outcome: Outcome) -> Smoke:
        where = f"in {transcript.running}"
        end = transcript.end or {}
        reason = clean_line(str(end.get("reason", "")), 700)
        clean_exit = outcome.exit_code == 0 and not outcome.over
        if end.get("verdict") == "not run" and clean_exit:
            # After the file has been imported it may say so of itself, but not that the machine is to blame.
            unserved = end.get("unserved") is True and not transcript.imported
            return Smoke(Verdict.NOT_RUN, reason, unserved=unserved)
        doubt = "against a model that is not tiny" if self._job.reference else ""
        doubt = transcript.attempts[-1].tried if transcript.attempts else doubt
        if outcome.over in ("time", "memory") and doubt:
            # It may be what we tried that takes so much, or the model.
            over = endings.over(outcome.over, self._limits)
            return Smoke(Verdict.NOT_RUN, clean_line(f"{over}, {doubt}", 700))
        if outcome.over:
            return _failed(f"{where}: {endings.over(outcome.over, self._limits)}")
        if transcript.end is None or not clean_exit:
            return _failed(f"{where}: its process {endings.how(outcome.exit_code)}: {endings.tail(outcome)}")
        if end.get("verdict") == "ran" and transcript.complete:
            return Smoke(Verdict.RAN)
        return replace(
            _failed(f"{where}: {reason or 'its report is not complete'}"), frames=endings.frames(end.get("frames"))
        )


def _failed(reason: str) -> Smoke:
    return Smoke(Verdict.FAILED, clean_line(reason, 800))
