"""The smoke-load for real: real diffusers, real torch models, a real process, real limits."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.report import as_text
from cpipe_check.report.model import Smoke, Verdict
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.smoke.transcript import AGAIN_STAGES, FIRST_STAGES
from cpipe_check.submission import collect
from smoke_cases import ONE_STEP, one_step, smoke

pytest.importorskip("diffusers", reason="the smoke-load needs the smoke extra")

OWN_SCHEDULER = "from diffusers import DDPMScheduler, SchedulerMixin\n\n\nclass MyScheduler(DDPMScheduler):\n"
pytestmark = pytest.mark.usefixtures("shared_rooms")


def pattern_of(output: str) -> str:
    """The pattern of a description whose numbers depend on the releases of torch and diffusers."""
    number = r"-?\d+(\.\d+)?(e[+-]\d+)?"
    stands_for = {"RANGE": rf"{number}\.\.{number}, mean {number}", "ONE": f"all {number}", "NUMBER": number}
    pattern = re.escape(output)
    for word, meaning in stands_for.items():
        pattern = pattern.replace(word, meaning)
    return pattern


def test_scratch_is_removed(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = command("--device", "cpu", PIPELINES / "one_step_unet.py")
    assert (done.code, list(tmp_path.iterdir())) == (0, [])


@pytest.mark.parametrize(
    ("name", "family", "output"),
    [
        ("one_step_unet.py", "ddpm", "Tensor (1, 3, 32, 32), all 1"),
        ("text_to_image.py", "stable-diffusion", "ImagePipelineOutput: images 1 x Image 64x64 RGB, RANGE"),
        ("two_text_encoders.py", "stable-diffusion-xl", "ImagePipelineOutput: images 1 x Image 64x64 RGB, RANGE"),
        ("extra_component.py", "stable-diffusion", "dict: images 1 x Image 64x64 RGB, RANGE; score Tensor (1, 1), ONE"),
        ("inherited.py", "stable-diffusion", "ndarray (1, 64, 64, 3), RANGE"),
        ("noise_to_video.py", "ddpm", "VideoOutput: frames Tensor (1, 5, 3, 32, 32), -1..1, mean NUMBER"),
        ("noise_to_audio.py", "ddpm", "AudioPipelineOutput: audios ndarray (1, 3072), RANGE"),
    ],
)
def test_runs(tmp_path: Path, name: str, family: str, output: str) -> None:
    file = smoke(tmp_path, (PIPELINES / name).read_text(), name=name)
    assert (file.smoke.verdict, file.smoke.reason) == (Verdict.RAN, "")
    assert file.smoke.reference == f"tiny {family} reference"
    assert re.fullmatch(pattern_of(output), file.smoke.output)
    names = tuple(stage.name for stage in file.smoke.stages if stage.name != "batch")
    assert names == (*FIRST_STAGES, *AGAIN_STAGES)
    assert all(stage.ok for stage in file.smoke.stages)
    assert file.static == "ok"


def test_starter_runs(command, tmp_path: Path) -> None:
    assert command("--new", tmp_path / "mine.py").code == 0
    assert smoke(tmp_path, (tmp_path / "mine.py").read_text(), name="mine.py").smoke.verdict is Verdict.RAN


def test_the_file_is_imported_once(tmp_path: Path) -> None:
    """As for its users: what it registers it registers once, and objects of its classes are of those that it sees."""
    top = "torch.library.define('mine::op', '(Tensor x) -> Tensor')\n\n\nclass Box:\n    pass\n\n\n"
    example = '    """\n    >>> pipe = DiffusionPipeline.from_pretrained("x", custom_pipeline="y")\n    >>> pipe(Box())\n    """\n'
    source = one_step("        assert isinstance(box, Box)\n        return image\n", top=top)
    source = source.replace("__call__(self)", "__call__(self, box)")
    source = source.replace("(DiffusionPipeline):\n", f"(DiffusionPipeline):\n{example}")
    result = smoke(tmp_path, source).smoke
    assert (result.verdict, result.reason) == (Verdict.RAN, "")


def test_hub_layout_with_sibling_runs(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def ones(x):\n    return x * 0 + 1\n")
    body = "        return ones(scheduler_output)\n"
    (tmp_path / "pipeline.py").write_text(one_step(body, top="from .helper import ones\n"))
    report = check(collect([str(tmp_path)]), SmokeOptions(device="cpu"))
    assert [file.smoke.verdict for file in report.files] == [Verdict.RAN]


@pytest.mark.slow
def test_reference_directory(tmp_path: Path) -> None:
    """A real repository's layout on disk, with a component of its own that the tiny one has not."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",), "block_out_channels": (8,)}
    unet = UNet2DModel(sample_size=16, in_channels=1, out_channels=1, norm_num_groups=4, layers_per_block=1, **blocks)
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path / "reference")
    options = SmokeOptions(device="cpu", reference=str(tmp_path / "reference"))
    file = smoke(tmp_path, ONE_STEP, options)
    assert (file.smoke.verdict, file.smoke.output) == (Verdict.RAN, "Tensor (1, 1, 16, 16), all 1")
    assert file.smoke.reference == "reference reference"
    assert smoke(tmp_path, ONE_STEP, SmokeOptions(device="cpu", reference=str(tmp_path))).smoke.unserved


@pytest.mark.slow
def test_what_a_real_model_takes_is_not_the_file_s_fault(tmp_path: Path) -> None:
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",), "block_out_channels": (8,)}
    unet = UNet2DModel(sample_size=16, norm_num_groups=4, layers_per_block=1, **blocks)
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(tmp_path / "reference")
    source = one_step("        import time\n\n        time.sleep(60)\n")
    options = SmokeOptions(device="cpu", seconds=10, reference=str(tmp_path / "reference"))
    file = smoke(tmp_path, source, options)
    assert (file.smoke.verdict, file.smoke.unserved) == (Verdict.NOT_RUN, False)
    assert file.smoke.reason.endswith("against a model that is not tiny")


def test_dtype(tmp_path: Path) -> None:
    body = "        assert self.unet.dtype == torch.bfloat16\n        return image\n"
    source = one_step(body).replace("device=self.device)", "device=self.device, dtype=self.unet.dtype)")
    assert smoke(tmp_path, source, SmokeOptions(device="cpu", dtype="bfloat16")).smoke.device == "cpu bfloat16"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (one_step("        return image * float('nan')\n"), "in output: BadOutput: `__call__` returned numbers that"),
        (one_step("        pass\n"), "in output: BadOutput: `__call__` returned None"),
        (one_step("        return (x for x in image)\n"), "returned a generator"),
        (one_step("        return image[:0]\n"), "returned an empty array"),
        (one_step("        raise SystemExit(0)\n"), "in call: SystemExit: 0"),
        (one_step("        raise KeyboardInterrupt\n"), "in call: KeyboardInterrupt"),
        (one_step("        import os; os._exit(0)\n"), "in call: its process ended with exit code 0 and no report"),
        (one_step("        import os; os.kill(os.getpid(), 9)\n"), "in call: its process was killed by SIGKILL"),
        (one_step("        import ctypes; ctypes.string_at(0)\n"), "in call: its process was killed by SIGSEGV"),
        (one_step(top="import sys; sys.exit(3)\n"), "in import: SystemExit: 3"),
        (
            one_step(top=OWN_SCHEDULER.replace(", SchedulerMixin", "") + "    pass\n").replace(
                "r: DDPMScheduler", "r: MyScheduler"
            ),
            "in reload: TypeError: issubclass() arg 2 must be a class",
        ),
        (
            one_step(init="        self.noise = torch.rand(())\n", body="        return image * 0 + self.noise\n"),
            "not saved",
        ),
    ],
)
def test_fails(tmp_path: Path, source: str, reason: str) -> None:
    result = smoke(tmp_path, source).smoke
    assert result.verdict is Verdict.FAILED
    assert reason in result.reason
    assert result.stages[-1].ok is False


def test_author_sees_his_own_frames_first(tmp_path: Path) -> None:
    body = "        return self.helper(image)\n\n    def helper(self, image):\n        return image.no_such_thing\n"
    file = smoke(tmp_path, one_step(body))
    lines = one_step(body).split("\n")
    assert file.smoke.reason == "in call: AttributeError: 'Tensor' object has no attribute 'no_such_thing'"
    assert [(f.function, f.code) for f in file.smoke.frames] == [
        ("helper", "return image.no_such_thing"),
        ("__call__", "return self.helper(image)"),
    ]
    assert [lines[f.line - 1].strip() for f in file.smoke.frames] == [f.code for f in file.smoke.frames]


@pytest.mark.slow
def test_never_returns(tmp_path: Path) -> None:
    source = one_step("        import subprocess; subprocess.Popen(['sleep', '77.7'])\n        while True: pass\n")
    result = smoke(tmp_path, source, SmokeOptions(device="cpu", seconds=12)).smoke
    assert result.reason == "in call: not finished after 12 s"
    assert not _running("77.7"), "what the pipeline started is killed with it"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
@pytest.mark.slow
def test_eats_memory(tmp_path: Path) -> None:
    source = one_step("        return [torch.ones(1 << 26) for _ in range(64)]\n")
    result = smoke(tmp_path, source, SmokeOptions(device="cpu", memory=2 << 30)).smoke
    assert result.verdict is Verdict.FAILED
    assert "in call: " in result.reason
    assert "memory" in result.reason


def test_output_flood_is_cut(tmp_path: Path) -> None:
    result = smoke(tmp_path, one_step("        print('x' * 50_000_000)\n        return image\n")).smoke
    assert result.verdict is Verdict.RAN


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (one_step(top="import no_such_package_here\n"), "pip install no_such_package_here"),
        (
            one_step(top="import no_such_one\nimport no_such_two.part\nimport numpy, json\n"),
            "packages that are not installed here: pip install no_such_one no_such_two",
        ),
        (
            one_step(init="        from transformers import CLIPModel; CLIPModel.from_pretrained('openai/clip-x')\n"),
            "the smoke-load has no network",
        ),
        (ONE_STEP.replace("unet: UNet2DModel", "unet: int"), "no reference for component `unet` (int)"),
        (
            one_step("        raise ValueError('`mask` is needed')\n"),
            "the call did not take the inputs made for it: ValueError",
        ),
        (
            ONE_STEP.replace("__call__(self)", "__call__(self, boxes=None)").replace(
                "config = ", "len(boxes); config = "
            ),
            "the call did not take the inputs made for it: TypeError: object of type 'NoneType'",
        ),
        (
            ONE_STEP.replace("__call__(self)", "__call__(self, boxes=None)").replace(
                "config = ", "assert boxes is not None; config = "
            ),
            "the call did not take the inputs made for it: AssertionError",
        ),
        (
            one_step("        return self.trained\n\n    def _train(self):\n        self.trained = torch.ones(1)\n"),
            "the call did not take the inputs made for it: AttributeError",
        ),
        (
            one_step("        return self.trained\n\n    def train(self, boxes):\n        self.trained = boxes\n"),
            "no input for the call's parameter `boxes`",
        ),
        (
            one_step(
                "        return self.trained\n\n    def train(self):\n        self.trained = self.no_such_thing\n"
            ),
            "`train` has to be called first: AttributeError",
        ),
        (one_step("        raise RuntimeError('too few channels')\n"), "inputs made for it: RuntimeError"),
        (
            one_step(top=OWN_SCHEDULER + "    def __init__(self, sigmas):\n        pass\n").replace(
                "r: DDPMScheduler", "r: MyScheduler"
            ),
            "no reference for component `scheduler` (MyScheduler): TypeError",
        ),
        (ONE_STEP.replace("__call__(self)", "__call__(self, region)"), "no input for the call's parameter `region`"),
        (ONE_STEP.replace("__call__", "paint"), "no signature of `__call__`"),
        ("class P(DiffusionPipeline:\n", "CP102 shows that it cannot load"),
        (
            "# /// cpipe-check\n# packages = ['no-such-one>=2', 'torch']\n# ///\nimport no_such_two\n" + ONE_STEP,
            "it needs packages that are not installed here: pip install no_such_two 'no-such-one>=2'",
        ),
        ("# /// cpipe-check\n# skip = 'needs 40 GB'\n# ///\n" + ONE_STEP, "skipped by its recipe: needs 40 GB"),
        ("# /// cpipe-check\n# call.nix = 1\n# ///\n" + ONE_STEP, "its recipe is not valid (CP501): `__call__` has no"),
    ],
)
def test_not_run(tmp_path: Path, source: str, reason: str) -> None:
    result = smoke(tmp_path, source).smoke
    assert result.verdict is Verdict.NOT_RUN
    assert reason in result.reason


@pytest.mark.parametrize(
    ("source", "tried"),
    [
        (
            ONE_STEP.replace("__call__(self)", "__call__(self, mask_of=None)").replace(
                "config = ", "assert mask_of is not None; config = "
            ),
            ["with mask_of"],
        ),
        (
            ONE_STEP.replace("__call__(self)", "__call__(self, size=None, text=None)").replace(
                "config = ", "len(text); config = "
            ),
            ["with text"],
        ),
        (
            one_step("        return self.trained\n\n    def train(self):\n        self.trained = torch.ones(1)\n"),
            ["train first"],
        ),
        (
            ONE_STEP.replace(
                "        config = ",
                "        return self.unet(torch.zeros(1, 9, 32, 32), 1).sample.repeat(1, 2, 1, 1)\n        config = ",
            ),
            ["channels 9"],
        ),
        (
            ONE_STEP.replace("__call__(self)", "__call__(self, image)").replace("config = ", "image.shape; config = "),
            ["image as tensor"],
        ),
        # Taken at a small size, or else at its author's.
        (
            ONE_STEP.replace("__call__(self)", "__call__(self, tile_size: int = 1024, overlap: int = 128)").replace(
                "config = ", "assert (tile_size, overlap) == (32, 8); config = "
            ),
            [],
        ),
        (
            ONE_STEP.replace("__call__(self)", "__call__(self, tile_size: int = 1024, overlap: int = 128)").replace(
                "config = ", "assert (tile_size, overlap) == (1024, 128); config = "
            ),
            ["tile_size, overlap as by default"],
        ),
        (ONE_STEP.replace("__call__", "run"), []),
        # To take a component of such a class for a saved one, diffusers looks for `SchedulerMixin` beside it.
        (one_step(top=OWN_SCHEDULER + "    pass\n").replace("scheduler: DDPMScheduler", "scheduler"), []),
    ],
)
def test_runs_after_attempts(tmp_path: Path, source: str, tried: list[str]) -> None:
    result = smoke(tmp_path, source).smoke
    assert (result.verdict, result.reason) == (Verdict.RAN, "")
    assert [attempt.tried for attempt in result.attempts] == tried
    assert all(stage.ok for stage in result.stages)


def test_device_that_is_not_there(command) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    done = command("--device", "cuda", PIPELINES / "one_step_unet.py")
    assert done.code == 3
    assert "smoke    not run device `cuda` is not available" in done.out


def test_no_secret_reaches_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_canary")
    body = """        import os
        raise ValueError([v for v in os.environ.values() if 'canary' in v], os.environ['HOME'])
"""
    reason = smoke(tmp_path, one_step(body)).smoke.reason
    assert "ValueError: ([], '…/home')" in reason


def test_text_of_the_file_is_inert(tmp_path: Path) -> None:
    body = "        raise ValueError('\\x1b[31mred\\x07 \\u202eevil ##[error]no \\n::error::no')\n"
    (tmp_path / "my_pipeline.py").write_text(one_step(body))
    report = check(collect([str(tmp_path / "my_pipeline.py")]), SmokeOptions(device="cpu"))
    text = as_text.render(report)
    assert "red" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "##[" not in text
    assert not any(line.strip().startswith("::") for line in text.splitlines())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "my_pipeline.py").write_text(
        one_step("        import subprocess; subprocess.run(['sleep', '88.8'])\n        return image\n")
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "cpipe_check", "--device", "cpu", str(tmp_path / "my_pipeline.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    deadline = time.monotonic() + 100
    while not _running("88.8"):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "cpipe-check: interrupted")
    assert list(scratch.iterdir()) == []
    assert not _running("88.8")


def test_killed_checker_takes_the_child_along(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's death")
    (tmp_path / "my_pipeline.py").write_text(one_step("        while True: pass\n"))
    command = [sys.executable, "-m", "cpipe_check", "--device", "cpu", str(tmp_path / "my_pipeline.py")]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)})
    while not (children := _children(process.pid)):
        time.sleep(0.1)
    # The child asks for this as the first thing it does.
    time.sleep(1)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cpipe_check.smoke import run

    monkeypatch.setattr(run, "find_spec", lambda name: None)
    result: Smoke = smoke(tmp_path, ONE_STEP).smoke
    assert result.verdict is Verdict.NOT_RUN
    assert result.reason.startswith("install cpipe-check[smoke]")


def _running(argument: str) -> bool:
    return subprocess.run(["pgrep", "-f", f"sleep {argument}"], stdout=subprocess.DEVNULL, check=False).returncode == 0


def _children(pid: int) -> list[int]:
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in done.stdout.split()]
