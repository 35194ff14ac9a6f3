"""What a smoke-load does beyond its verdict: references kept, notices, extra stages, recipes and examples followed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import PIPELINES
from cpipe_check.report.model import Smoke, Verdict
from cpipe_check.smoke.kept import KeptReferences
from cpipe_check.smoke.run import SmokeOptions
from smoke_cases import ONE_STEP, one_step, smoke

pytest.importorskip("diffusers", reason="the smoke-load needs the smoke extra")

pytestmark = pytest.mark.usefixtures("shared_rooms")
CPU = SmokeOptions(device="cpu", seconds=120)
THOROUGH = SmokeOptions(device="cpu", seconds=120, thorough=True)
TEXT_TO_IMAGE = (PIPELINES / "text_to_image.py").read_text()


def ran(tmp_path: Path, source: str, options: SmokeOptions = CPU, name: str = "my_pipeline.py") -> Smoke:
    result = smoke(tmp_path, source, options, name).smoke
    assert (result.verdict, result.reason) == (Verdict.RAN, "")
    return result


def recipe(toml: str, source: str = ONE_STEP) -> str:
    lines = "".join(f"# {line}\n" for line in toml.split("\n"))
    return f"# /// cpipe-check\n{lines}# ///\n{source}"


def notices(result: Smoke) -> list[tuple[str, str]]:
    return [(notice.stage, notice.text) for notice in result.notices]


class TestKeptReferences:
    def room(self, tmp_path: Path, landlocked: bool) -> Any:
        (tmp_path / "work" / "reference").mkdir(parents=True)
        (tmp_path / "work" / "reference" / "model_index.json").write_text("{}")
        return SimpleNamespace(directory=tmp_path, landlocked=landlocked)

    def test_moves_what_was_made(self, tmp_path: Path) -> None:
        kept = KeptReferences(self.room(tmp_path, True))
        assert kept.find("ddpm-0") == ""
        path = kept.keep("ddpm-0", "reference")
        assert path == kept.find("ddpm-0") == str(tmp_path / "references" / "ddpm-0")
        assert [file.name for file in Path(path).iterdir()] == ["model_index.json"]
        assert list((tmp_path / "work").iterdir()) == []

    def test_keeps_nothing_that_a_file_could_write_to(self, tmp_path: Path) -> None:
        kept = KeptReferences(self.room(tmp_path, False))
        assert (kept.keep("ddpm-0", "reference"), kept.find("ddpm-0")) == ("", "")
        assert (tmp_path / "work" / "reference").is_dir()

    @pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "/etc", "x" * 200, "a\n"])
    def test_only_takes_names(self, tmp_path: Path, name: str) -> None:
        kept = KeptReferences(self.room(tmp_path, True))
        with pytest.raises(ValueError, match="no key"):
            kept.find(name)
        with pytest.raises(ValueError, match="no key"):
            kept.keep(name, "reference")
        with pytest.raises(ValueError, match="no name"):
            kept.keep("ddpm-0", name)

    def test_the_next_file_finds_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Built by the first file of a set only, and no file can write to it."""
        built: list[str] = []
        keep = KeptReferences.keep

        def spy(self: KeptReferences, key: str, name: str) -> str:
            built.append(keep(self, key, name))
            return built[-1]

        monkeypatch.setattr(KeptReferences, "keep", spy)
        waves = ONE_STEP.replace("DDPMScheduler", "DEISMultistepScheduler").replace(
            "        timestep = 1\n", "        return image\n        timestep = 1\n"
        )
        ran(tmp_path, waves)
        if built == [""]:
            pytest.skip("no Landlock here")
        assert [Path(path).parent.name for path in built] == ["references"]
        before = {path: path.read_bytes() for path in Path(built[0]).rglob("*") if path.is_file()}
        assert Path(built[0]) / "model_index.json" in before
        evil = waves.replace(
            "        return image\n", "        open(self.config._name_or_path + '/model_index.json', 'w').close()\n"
        )
        result = smoke(tmp_path, evil, CPU).smoke
        assert result.verdict is not Verdict.RAN
        assert "PermissionError" in result.reason or "blocked by the sandbox" in result.reason
        assert len(built) == 1
        assert {path: path.read_bytes() for path in before} == before


class TestNotices:
    def test_of_the_files_own_doing(self, tmp_path: Path) -> None:
        source = ONE_STEP.replace("        config = ", "        self.unet.in_channels\n        config = ")
        first, *more = notices(ran(tmp_path, source))
        assert first[0] == "call"
        assert first[1].startswith("FutureWarning: Accessing config attribute `in_channels` directly")
        assert not [stage for stage, _ in more if stage == "call"]

    def test_not_of_the_librarys_own_doing(self, tmp_path: Path) -> None:
        """diffusers warns of this class's configuration whenever it is loaded; no line of the file is to blame."""
        source = (
            ONE_STEP.replace("unet: UNet2DModel", "unet: Transformer2DModel")
            .replace("import DDPMScheduler", "import DDPMScheduler, Transformer2DModel")
            .replace("        config = ", "        return torch.ones(1, 3, 8, 8)\n        config = ")
        )
        warned = source.replace("import torch\n", "import torch\nimport warnings\n").replace(
            "        super().__init__()\n", "        super().__init__()\n        warnings.warn('mine', FutureWarning)\n"
        )
        assert notices(ran(tmp_path, source)) == []
        assert ("load", "FutureWarning: mine") in notices(ran(tmp_path, warned))


class TestExtraStages:
    def test_a_batch_that_fails(self, tmp_path: Path) -> None:
        assert "batch" in [stage.name for stage in ran(tmp_path, TEXT_TO_IMAGE).stages]
        source = TEXT_TO_IMAGE.replace(
            "        prompts = [prompt] if", "        prompt.upper()\n        prompts = [prompt] if"
        )
        result = ran(tmp_path, source)
        assert [(stage.name, stage.ok) for stage in result.stages if not stage.ok] == [("batch", False)]
        assert notices(result) == [
            ("batch", "with a batch of two prompts: AttributeError: 'list' object has no attribute 'upper'")
        ]

    def test_thorough(self, tmp_path: Path) -> None:
        """Each stage is there, and each that goes wrong is a notice."""
        source = TEXT_TO_IMAGE.replace(
            '        output_type: str = "pil",\n',
            '        output_type: str = "pil",\n        callback_on_step_end=None,\n',
        ).replace(
            "        image = self.vae",
            "        if callback_on_step_end:\n            callback_on_step_end(nothing=1)\n        image = self.vae",
        )
        result = ran(tmp_path, source, THOROUGH)
        extra = {stage.name: stage.ok for stage in result.stages}
        assert [name for name in extra if name not in ("reload", "repeat")][-5:] == [
            "batch", "from_pipe", "half", "callback", "output_type",
        ]  # fmt: skip
        assert [name for name, ok in extra.items() if not ok] == ["callback"]
        assert [stage for stage, _ in notices(result)] == ["callback"]
        assert notices(result)[0][1].startswith("with `callback_on_step_end`: TypeError: ")

    def test_thorough_surprises(self, tmp_path: Path) -> None:
        """A callback that is never called, another output type and half precision, which the one step cannot do."""
        call = "__call__(self, output_type='pt', callback_on_step_end=None)"
        body = "        assert output_type != 'latent'\n        return image\n"
        result = ran(tmp_path, one_step(body).replace("__call__(self)", call), THOROUGH)
        found = dict(notices(result))
        assert set(found) == {"half", "callback", "output_type"}
        assert found["half"].startswith("in half precision: RuntimeError: ")
        assert found["callback"] == "with `callback_on_step_end`: Surprise: it is never called"
        assert found["output_type"].startswith('with another `output_type`: Surprise: "latent" fails: AssertionError')

    def test_memory_is_measured(self, tmp_path: Path) -> None:
        result = ran(tmp_path, ONE_STEP)
        assert all(stage.device_memory == 0 for stage in result.stages)
        if sys.platform == "linux":
            assert all(stage.memory > 50 << 20 for stage in result.stages)

    def test_half_precision(self, tmp_path: Path) -> None:
        """The whole way on a CPU, the latents included."""
        checked = TEXT_TO_IMAGE.replace(
            "        image = self.vae",
            "        assert latents.dtype == self.vae.dtype == torch.bfloat16\n        image = self.vae",
        )
        assert ran(tmp_path, checked, SmokeOptions(device="cpu", dtype="bfloat16")).device == "cpu bfloat16"


class TestRecipe:
    UNHINTED = ONE_STEP.replace("unet: UNet2DModel, scheduler: DDPMScheduler", "unet, scheduler")

    def test_reference(self, tmp_path: Path) -> None:
        body = "        return torch.ones(1, 3, 8, 8) * self.unet.config.cross_attention_dim\n        config = "
        source = self.UNHINTED.replace("        config = ", body)
        result = ran(tmp_path, recipe('reference = "stable-diffusion"', source))
        assert result.reference == "tiny stable-diffusion reference"
        assert result.choices == (
            "unet: UNet2DConditionModel (its name, as in stable-diffusion)",
            "scheduler: PNDMScheduler (its name, as in stable-diffusion)",
        )
        assert result.output == "Tensor (1, 3, 8, 8), all 32"

    def test_components(self, tmp_path: Path) -> None:
        source = self.UNHINTED.replace(
            "        config = ", "        return torch.ones(1) * self.unet.config.in_channels\n        config = "
        )
        toml = '[components]\nunet = { class = "UNet2DConditionModel", in_channels = 9 }\nscheduler = "DDIMScheduler"'
        result = ran(tmp_path, recipe(toml, source))
        assert result.output == "Tensor (1,), all 9"
        assert result.choices == ("unet: UNet2DConditionModel (asked for)", "scheduler: DDIMScheduler (asked for)")

    def test_call(self, tmp_path: Path) -> None:
        source = ONE_STEP.replace("__call__(self)", "__call__(self, image, weight=None)").replace(
            "        config = ", "        return torch.ones(image.size) * weight\n        config = "
        )
        result = ran(tmp_path, recipe("[call]\nimage = { image = [48, 32] }\nweight = 3", source))
        assert result.output == "Tensor (48, 32), all 3"
        assert result.attempts == ()

    @pytest.mark.parametrize(
        ("expect", "reason"),
        [
            (
                'type = "ImagePipelineOutput"',
                "`__call__` returned a Tensor, and the recipe expects a ImagePipelineOutput",
            ),
            ("images = 2", "`__call__` returned 1 images, and the recipe expects 2"),
            ("shape = [1, 3, -1, 64]", "an array of shape [1, 3, 32, 32], and the recipe expects [1, 3, -1, 64]"),
        ],
    )
    def test_expect(self, tmp_path: Path, expect: str, reason: str) -> None:
        result = smoke(tmp_path, recipe(f"[expect]\n{expect}"), CPU).smoke
        assert result.verdict is Verdict.FAILED
        assert result.reason.startswith("in output: BadOutput: ")
        assert result.reason.endswith(reason)

    def test_what_is_expected(self, tmp_path: Path) -> None:
        ran(tmp_path, recipe('[expect]\ntype = "Tensor"\nimages = 1\nshape = [1, 3, 32, -1]'))

    def test_unknown_component_class(self, tmp_path: Path) -> None:
        result = smoke(tmp_path, recipe('[components]\nunet = "NoSuchModel"', self.UNHINTED), CPU).smoke
        assert (result.verdict, result.reason) == (
            Verdict.NOT_RUN,
            "no reference for component `unet` (NoSuchModel)",
        )


class TestExample:
    EXAMPLE = '''    """Sums up.

    Examples:
        ```py
        >>> pipe = DiffusionPipeline.from_pretrained("a/b", custom_pipeline="my_pipeline")
        >>> image = pipe(region=[1, 2, 3], weight=2.0, num_inference_steps=50).images[0]
        ```
    """

    def __init__'''
    SOURCE = ONE_STEP.replace(
        "__call__(self)", "__call__(self, region, weight=1.0, num_inference_steps: int = 50)"
    ).replace(
        "        config = ",
        "        return torch.ones(1, 3, 8, 8) * sum(region) * weight * num_inference_steps\n        config = ",
    )

    def test_is_followed(self, tmp_path: Path) -> None:
        """It gives what no name tells, and what is optional; the number of steps stays small."""
        assert "`region`" in smoke(tmp_path, self.SOURCE, CPU).smoke.reason
        result = ran(tmp_path, self.SOURCE.replace("    def __init__", self.EXAMPLE))
        assert result.output == "Tensor (1, 3, 8, 8), all 24"

    def test_recipe_goes_first(self, tmp_path: Path) -> None:
        source = self.SOURCE.replace("    def __init__", self.EXAMPLE)
        result = ran(tmp_path, recipe("[call]\nregion = [4]\nnum_inference_steps = 3", source))
        assert result.output == "Tensor (1, 3, 8, 8), all 24"
        assert ran(tmp_path, recipe("[call]\nweight = { omit = true }", source)).output.endswith("all 12")
