"""A repository's own weights, for a smoke-load against them: its model as safetensors, within a limit.

They go into a directory of their own as regular files, by way of no cache, and only a sandboxed process reads them.
What may be a pickle is not fetched, and neither are the repository's own pipeline files: the loader would run those in
place of the one that is checked.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from cpipe_check.pipeline_file.repository import repository_of
from cpipe_check.size import size_text
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.snapshot.hub import Hub, SnapshotError, TooLarge
from cpipe_check.snapshot.source import Source
from cpipe_check.snapshot.taking import Snapshot
from cpipe_check.submission import INDEX, read_regular

FOLDER = "own-weights"
# Seconds for all files together.
_SECONDS = 1800.0
# What is fetched is then saved, and may take twice as much.
_COPIES = 3
# What a loader takes unless it is asked for a variant, `fp16` for one.
_WEIGHTS = re.compile(r"[\w-]{1,150}\.safetensors", re.ASCII)
_BESIDE = re.compile(r"[\w-][\w.-]{0,150}\.(?:json|txt|model|jinja|spm)", re.ASCII)
_COMPONENT = re.compile(r"\w[\w-]{0,150}", re.ASCII)
_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
_OTHER_WEIGHTS = (*_PICKLES, ".safetensors", ".msgpack", ".h5", ".onnx")

Tell = Callable[[str], None]


class NoWeights(Exception):
    """A repository's own weights cannot be had; the message says why, and reads on after "they are not used: "."""


def is_model(snapshot: Snapshot) -> bool:
    """Tell whether the repository has a model in diffusers' layout, as far as its `model_index.json` tells."""
    return snapshot.repo_type == "model" and INDEX in snapshot.files


def with_own_weights(
    options: SmokeOptions,
    snapshot: Snapshot,
    directory: Path,
    limit: int,
    *,
    endpoint: str | None = None,
    token: str | None = None,
    tell: Tell = lambda _: None,
) -> SmokeOptions:
    """Return options with the snapshot's own weights for a reference, fetched into the `directory`.

    When they cannot be had, or take more than `limit` bytes, the reference stays and the report will say why.
    """
    try:
        reference = own_weights(snapshot, directory, limit, endpoint=endpoint, token=token, tell=tell)
    except NoWeights as error:
        return replace(options, reference_note=f"its own weights are not used: {error}")
    return replace(options, reference=str(reference))


def own_weights(
    snapshot: Snapshot,
    directory: Path,
    limit: int,
    *,
    endpoint: str | None = None,
    token: str | None = None,
    tell: Tell = lambda _: None,
) -> Path:
    """Return a new directory in the `directory` with the model of a snapshot's repository, at the snapshot's commit.

    Raises:
        NoWeights: when they take more than `limit` bytes, or cannot be had; nothing is left on disk then.
    """
    code, sizes = _chosen(snapshot)
    total = sum(sizes.values())
    if total > limit:
        raise NoWeights(f"they take {size_text(total)}, and at most {size_text(limit)} are fetched")
    directory.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(directory).free < _COPIES * total:
        raise NoWeights(f"they take {size_text(total)}, for which there is no room on disk")
    target = directory / FOLDER
    target.mkdir()
    try:
        for path in code:
            _new(target / path).write_bytes(read_regular(snapshot.directory / path))
        hub = Hub(Source("model", snapshot.repo, snapshot.sha), endpoint, token)
        ends = time.monotonic() + _SECONDS
        for path, size in sizes.items():
            tell(f"{path}, {size_text(size)}")
            _fetch(hub, snapshot.sha, path, size, _new(target / path), ends)
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, SnapshotError | OSError):
            raise NoWeights(str(error)) from None
        raise
    return target


def _new(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    return path


def _fetch(hub: Hub, sha: str, path: str, size: int, target: Path, ends: float) -> None:
    try:
        with open(target, "xb") as file:
            came = hub.save(sha, path, file, size, ends)
    except TooLarge:
        raise NoWeights(f"{path} is larger than the Hub's list of files says") from None
    if came != size:
        raise NoWeights(f"{path} came with {came} bytes where the Hub's list has {size}")


def _chosen(snapshot: Snapshot) -> tuple[list[str], Mapping[str, int]]:
    """Which of the snapshot's own files a model is loaded with, and which others, by their sizes."""
    if not is_model(snapshot):
        raise NoWeights("it has no model_index.json")
    if not snapshot.complete:
        raise NoWeights("the Hub's list of its files is too long")
    repository = repository_of(snapshot.names, read_regular(snapshot.directory / INDEX))
    code = [INDEX]
    sizes: dict[str, int] = {}
    for component in repository.components:
        if _COMPONENT.fullmatch(component):
            prefix = f"{component}/"
            code += [path for path in snapshot.files if path.startswith(prefix) and path.endswith(".py")]
            sizes |= _of_component(
                {
                    path: size
                    for path, size in snapshot.sizes.items()
                    if path.startswith(prefix) and path.count("/") == 1
                }
            )
    if not any(path.endswith(".safetensors") for path in sizes):
        raise NoWeights("there are none of a component that model_index.json lists")
    return code, sizes


def _of_component(inside: Mapping[str, int]) -> dict[str, int]:
    """What is read of one component's folder.

    Raises:
        NoWeights: when it has weights, and none that are fetched.
    """
    names = {path: path.rpartition("/")[2] for path in inside}
    weights = [path for path, name in names.items() if _WEIGHTS.fullmatch(name)]
    others = sorted(path for path in inside if path.endswith(_OTHER_WEIGHTS) and path not in weights)
    if others and not weights:
        raise NoWeights(f"{others[0]} {_why_not(others[0])}, and there is nothing else of that component")
    return {path: inside[path] for path, name in names.items() if path in weights or _BESIDE.fullmatch(name)}


def _why_not(path: str) -> str:
    if path.endswith(_PICKLES):
        return "may be a pickle, which is never fetched"
    if path.endswith(".safetensors"):
        return "is a variant, which the loader does not take by itself"
    return "is not safetensors"
