"""A repository's own weights: which are fetched, when they are not, and a smoke-load against them for real."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import PIPELINES, run_command
from cpipe_check.size import size_from, size_text
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.snapshot import take, weights
from cpipe_check.snapshot.weights import NoWeights, own_weights, with_own_weights
from small_hub import Fault, Repo, SmallHub, serve

pytest.importorskip("huggingface_hub", reason="snapshots need huggingface_hub")

ONE_STEP = (PIPELINES / "one_step_unet.py").read_text()
# It runs on the weights that it was published with, and on no others.
MINE = ONE_STEP.replace(
    "    def __call__(self):\n",
    "    def __call__(self):\n"
    "        if abs(float(self.unet.conv_in.bias[0]) - 0.4242) > 1e-6 or len(self.scheduler) != 777:\n"
    '            raise ValueError("these are not my weights")\n',
).encode()
INDEX = {
    "_class_name": ["pipeline", "UnetSchedulerOneForwardPipeline"],
    "unet": ["diffusers", "UNet2DModel"],
    "scheduler": ["diffusers", "DDPMScheduler"],
}
UNET = "unet/diffusion_pytorch_model.safetensors"
FILES = {
    "model_index.json": json.dumps(INDEX).encode(),
    "pipeline.py": MINE,
    "README.md": b"# Mine\n",
    "whole.safetensors": b"w" * 5000,
    "unet/config.json": b"{}",
    UNET: b"u" * 3000,
    "unet/diffusion_pytorch_model.bin": b"p" * 3000,
    "unet/diffusion_pytorch_model.fp16.safetensors": b"h" * 1500,
    "scheduler/scheduler_config.json": b"{}",
    "extra/model.safetensors": b"e" * 3000,
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallHub]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with serve() as there:
        yield there


def fetched(hub: SmallHub, directory: Path, limit: int = 10_000, token: str | None = None) -> Path:
    snapshot = take("hub:o/r", directory / "snapshot", endpoint=hub.url, token=token)
    hub.asked.clear()
    return own_weights(snapshot, directory / "model", limit, endpoint=hub.url, token=token)


def refused(hub: SmallHub, directory: Path, limit: int = 10_000) -> str:
    """Why they cannot be had; nothing is left on disk."""
    with pytest.raises(NoWeights) as caught:
        fetched(hub, directory, limit)
    assert not (directory / "model").exists() or os.listdir(directory / "model") == []
    return str(caught.value)


def without(*names: str, **more: bytes) -> dict[str, bytes]:
    return {name: content for name, content in FILES.items() if name not in names} | more


def names(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}


def test_what_is_fetched(hub: SmallHub, tmp_path: Path) -> None:
    """What a loader takes of the components that are listed: no pickle, no variant, not the pipeline file itself."""
    tokenizer = {f"tokenizer/{name}": b"1" for name in ("vocab.json", "merges.txt", "spiece.model", "odd.exe")}
    listed = {
        **INDEX,
        "unet": ["my_unet", "MyUNet"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "gone": [None, None],
    }
    files = {
        **FILES,
        **tokenizer,
        "unet/my_unet.py": b"class MyUNet: pass\n",
        "model_index.json": json.dumps(listed).encode(),
    }
    hub.repos["o/r"] = Repo({"main": files}, lfs=frozenset({UNET}))
    directory = fetched(hub, tmp_path)
    assert names(directory) == {
        "model_index.json", "unet/config.json", "unet/my_unet.py", UNET, "scheduler/scheduler_config.json",
        "tokenizer/vocab.json", "tokenizer/merges.txt", "tokenizer/spiece.model",
    }  # fmt: skip
    for name in names(directory):
        assert not (directory / name).is_symlink()
        assert (directory / name).read_bytes() == files[name]
    sha = hub.repos["o/r"].sha("main")
    assert all(f"/{sha}/" in path for path in hub.asked)


def test_the_token_is_not_for_where_large_files_lie(hub: SmallHub, tmp_path: Path) -> None:
    hub.repos["o/r"] = Repo({"main": FILES}, private=True, lfs=frozenset({UNET}))
    assert (fetched(hub, tmp_path, token="hf_good") / UNET).read_bytes() == FILES[UNET]
    assert any(path.startswith("/large/") for path in hub.asked)
    assert hub.shown == []


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (without("model_index.json"), "it has no model_index.json"),
        (without("model_index.json") | {"model_index.json": b"[]"}, "there are none of a component"),
        (without(UNET), "diffusion_pytorch_model.bin may be a pickle, which is never fetched"),
        (without(UNET, "unet/diffusion_pytorch_model.bin"), "fp16.safetensors is a variant"),
        (without(*(name for name in FILES if name.startswith("unet/"))), "there are none of a component"),
        (without(UNET, *FILES) | FILES | {"scheduler/model.onnx": b"1"}, "scheduler/model.onnx is not safetensors"),
    ],
)
def test_what_cannot_be_used(hub: SmallHub, tmp_path: Path, files: dict[str, bytes], why: str) -> None:
    hub.repos["o/r"] = Repo({"main": files})
    assert why in refused(hub, tmp_path)
    assert hub.asked == []


def test_too_large(hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["o/r"] = Repo({"main": FILES})
    assert refused(hub, tmp_path / "a", 3003) == "they take 3 KB, and at most 3 KB are fetched"
    assert hub.asked == []
    fetched(hub, tmp_path / "b", 3004)
    usage = shutil.disk_usage(tmp_path)._replace(free=9000)
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _: usage)
    assert refused(hub, tmp_path / "c").endswith("for which there is no room on disk")
    assert hub.asked == []


def test_a_list_that_is_too_long(hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["o/r"] = Repo({"main": FILES})
    monkeypatch.setattr("cpipe_check.snapshot.taking.MAX_ENTRIES", 5)
    assert refused(hub, tmp_path) == "the Hub's list of its files is too long"


@pytest.mark.parametrize(("size", "why"), [(1000, "is larger than"), (5000, "came with 3000 bytes")])
@pytest.mark.parametrize("lfs", [True, False])
def test_a_size_that_is_a_lie(hub: SmallHub, tmp_path: Path, size: int, why: str, lfs: bool) -> None:
    hub.repos["o/r"] = Repo({"main": FILES}, sizes={UNET: size}, lfs=frozenset({UNET} if lfs else ()))
    assert why in refused(hub, tmp_path)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("hang up", "does not answer"),
        ("cut", "does not answer"),
        ("stall", "does not answer"),
        (500, "the Hub answers 500"),
        (429, "takes no more requests"),
        (302, "to another host"),
    ],
)
def test_a_download_that_fails(
    hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: int | str, why: str
) -> None:
    """Also once the Hub has sent us elsewhere, from where there is no further way."""
    monkeypatch.setattr("cpipe_check.snapshot.hub._PATIENCE", 0.3)
    hub.repos["o/r"] = Repo({"main": FILES}, lfs=frozenset({UNET}))
    hub.faults = [Fault("/large/", what, {"Location": "http://127.0.0.2:1/further"})]
    assert why in refused(hub, tmp_path)


def test_it_takes_too_long(hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["o/r"] = Repo({"main": FILES})
    monkeypatch.setattr(weights, "_SECONDS", -1.0)
    assert "too slowly" in refused(hub, tmp_path)


def test_names_that_lead_elsewhere(hub: SmallHub, tmp_path: Path) -> None:
    """Of what is listed nothing is written outside the directory, or over something else."""
    odd = {"../up/model.safetensors": b"1", "up/../../model.safetensors": b"1", "UNET/config.json": b"2"}
    listed = {**INDEX, "..": ["a", "B"], "up/..": ["a", "B"], "/etc": ["a", "B"], "": ["a", "B"]}
    hub.repos["o/r"] = Repo({"main": {**FILES, **odd, "model_index.json": json.dumps(listed).encode()}})
    assert names(fetched(hub, tmp_path)) == {
        "model_index.json", "unet/config.json", UNET, "scheduler/scheduler_config.json"
    }  # fmt: skip


def test_the_reference_stays(hub: SmallHub, tmp_path: Path) -> None:
    hub.repos["o/r"] = Repo({"main": FILES})
    snapshot = take("hub:o/r", tmp_path / "snapshot", endpoint=hub.url)
    options = with_own_weights(SmokeOptions(), snapshot, tmp_path, 10, endpoint=hub.url)
    assert (options.reference, options.reference_note[:28]) == ("", "its own weights are not used")


@pytest.mark.parametrize(
    ("text", "size"), [("500MB", 500_000_000), ("1.5 g", 1_500_000_000), ("12", 12), ("2kB", 2000)]
)
def test_sizes(text: str, size: int) -> None:
    assert size_from(text) == size
    assert size_from(size_text(size)) == size


@pytest.mark.parametrize("text", ["", "GB", "-1MB", "1e3", "1GiB", "2 GB of it", "\u0661MB", "9" * 13])
def test_what_is_no_size(text: str) -> None:
    assert size_from(text) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--own-weights", "much", "hub:o/r"], "is no size"),
        (["--own-weights", "3GB", "hub:o/r"], "at most 2 GB"),
        (["--own-weights", "0", "hub:o/r"], "is no size"),
        (["--own-weights", "1MB", "hub:o/r", "hub:o/r2"], "one repository"),
        (["--own-weights", "1MB", "pipeline.py"], "one repository"),
        (["--own-weights", "1MB", "hub:datasets/o/r"], "one repository"),
        (["--own-weights", "1MB", "--reference", "o/r", "hub:o/r"], "give one of them"),
        (["--own-weights", "1MB", "--fix", "hub:o/r"], "is on the Hub"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str) -> None:
    done = run_command(*arguments)
    assert (done.code, told in done.err) == (2, True), done.err


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A model as its author would publish it, of a few KB."""
    torch, diffusers = pytest.importorskip("torch"), pytest.importorskip("diffusers")
    config: dict[str, Any] = {"sample_size": 8, "block_out_channels": (8,), "layers_per_block": 1, "norm_num_groups": 2}
    unet = diffusers.UNet2DModel(down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",), **config)
    torch.nn.init.constant_(unet.conv_in.bias, 0.4242)
    directory = tmp_path_factory.mktemp("model")
    diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler(num_train_timesteps=777)).save_pretrained(directory)
    files = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    return {**files, "pipeline.py": MINE, "model_index.json": json.dumps(INDEX).encode()}


def test_smoke_load_on_its_own_weights(hub: SmallHub, tmp_path: Path, model: dict[str, bytes]) -> None:
    """The file raises an error on any other model; nothing is left when the command ends."""
    hub.repos["o/r"] = Repo({"main": model}, lfs=frozenset({UNET}))
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    done = run_command("--own-weights", "1MB", "--device", "cpu", "hub:o/r", **environment)
    assert (done.code, "smoke    ran" in done.out) == (0, True), done.out + done.err
    assert "reference own-weights" in done.out
    assert "note" not in done.out
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_smoke_load_on_a_tiny_model_instead(hub: SmallHub, tmp_path: Path, model: dict[str, bytes]) -> None:
    """It is not what the file was made for, and the report says why it is used."""
    hub.repos["o/r"] = Repo({"main": model}, lfs=frozenset({UNET}))
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    done = run_command("--own-weights", "1KB", "--device", "cpu", "hub:o/r", **environment)
    assert "smoke    ran" not in done.out
    assert "these are not my weights" in done.out
    assert "tiny ddpm reference" in done.out
    assert "its own weights are not used: they take" in done.out
    assert os.listdir(tmp_path) == []
