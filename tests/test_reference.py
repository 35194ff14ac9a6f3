"""References: what is chosen from a pipeline's text, how its sizes agree, and that real pipelines take what is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cpipe_check import pipeline_file
from cpipe_check.api_index.target import resolve
from cpipe_check.smoke.attempts import Changes
from cpipe_check.smoke.target import SmokeTarget, target_of
from cpipe_check.smoke.values import Setting

pytest.importorskip("diffusers", reason="references are made with the smoke extra")

from cpipe_check.smoke import inputs, signatures
from cpipe_check.smoke.example_values import shown_components
from cpipe_check.smoke.plan import build_reference
from cpipe_check.smoke.reference import build, choose, find
from cpipe_check.smoke.reference.blueprints import BLUEPRINTS
from cpipe_check.smoke.reference.choose import Choice, Chosen, NoReference
from cpipe_check.smoke.reference.dimensions import _LATENTS, Dimensions
from cpipe_check.smoke.reference.families import FAMILIES, Family
from cpipe_check.smoke.reference.make import CannotMake, make

BY_NAME = {family.name: family for family in FAMILIES}
MOST_BYTES = 20_000_000
PIPELINE = """
import typing
from typing import TYPE_CHECKING, Any, List, Optional, Union
import diffusers
import diffusers as d
import transformers
from diffusers import (
    AutoencoderKL, ControlNetModel, DDIMScheduler, DDPMScheduler, DiffusionPipeline, FluxTransformer2DModel, ModelMixin,
    UNet2DConditionModel, UNet2DModel,
)
from diffusers import UNet2DModel as Net
from diffusers.pipelines.controlnet import MultiControlNetModel
from diffusers.schedulers import KarrasDiffusionSchedulers
from transformers import AutoTokenizer, CLIPTextModel, PreTrainedModel, Qwen3Model, T5EncoderModel
{top}

class MyPipeline(DiffusionPipeline):
    \"\"\"A pipeline.
{example}
    \"\"\"

    def __init__(self, {init}):
        super().__init__()

    def __call__(self, {call}):
        pass
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """What is this small is slower on several."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def target(init: str, call: str = "prompt", top: str = "", example: str = "") -> SmokeTarget:
    source = PIPELINE.format(init=init, call=call, top=top, example=example)
    file = pipeline_file.read("my_pipeline.py", source.encode(), target=resolve())
    found, reason = target_of(file, [], "no class")
    assert found is not None, reason
    return found


def chosen(init: str, call: str = "prompt", top: str = "", example: str = "", **more: Any) -> Chosen:
    """What is chosen for a file, the way that a smoke-load asks for it."""
    found = target(init, call, top, example)
    return choose.choose(
        found.init.arguments or (),
        defines=found.defines,
        shown=shown_components(found.example),
        call=[argument.name for argument in found.call.arguments or ()],
        **more,
    )


def of_family(family: Family) -> Chosen:
    return Chosen(tuple(Choice(name, cls, "") for name, cls in family.components.items()), family.name)


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        ("UNet2DModel", "UNet2DModel"),
        ("'UNet2DModel'", "UNet2DModel"),
        ("Optional[UNet2DModel]", "UNet2DModel"),
        ("Optional['UNet2DModel']", "UNet2DModel"),
        ("typing.Optional[UNet2DModel]", "UNet2DModel"),
        ("UNet2DModel | None", "UNet2DModel"),
        ("'UNet2DModel | None'", "UNet2DModel"),
        ("Union[UNet2DModel, str]", "UNet2DModel"),
        ("Union[UNet2DModel, UNet2DConditionModel]", "UNet2DModel"),
        ("UNet2DConditionModel | UNet2DModel", "UNet2DConditionModel"),
        ("Net", "UNet2DModel"),
        ("'Net'", "UNet2DModel"),
        ("diffusers.UNet2DModel", "UNet2DModel"),
        ("d.UNet2DModel", "UNet2DModel"),
        ("d.models.UNet2DModel", "UNet2DModel"),
        ("transformers.CLIPTextModel", "CLIPTextModel"),
        ("Union[MultiControlNetModel, ControlNetModel, List[ControlNetModel]]", "ControlNetModel"),
        # Any of a kind: what the name stands for.
        ("ModelMixin", "UNet2DModel"),
        ("Any", "UNet2DModel"),
        # To be had in the libraries, though the file does not import it.
        ("'UNet1DModel'", "UNet1DModel"),
    ],
)
def test_hints(annotation: str, name: str) -> None:
    choice = chosen(f"unet: {annotation}, scheduler").choices[0]
    assert choice.class_name == name
    assert choice.reason.startswith(
        "its name" if annotation in ("ModelMixin", "Any") else ("its type hint", "one of its type hint's")
    )
    assert find.find(choice.path).__name__ == name


def test_hint_that_only_a_type_checker_imports() -> None:
    top = "if TYPE_CHECKING:\n    from diffusers import UNet1DModel\n"
    assert chosen("unet: 'UNet1DModel', scheduler", top=top).classes["unet"] == "UNet1DModel"


def test_hint_of_the_base_of_a_models_classes() -> None:
    assert find.find("transformers.CLIPPreTrainedModel").__name__ == "CLIPModel"


def test_names() -> None:
    """Without hints the names of all components together tell the family, and it tells the classes."""
    assert chosen("unet, scheduler").classes == {"unet": "UNet2DModel", "scheduler": "DDPMScheduler"}
    stable = chosen("vae, text_encoder, tokenizer, unet, scheduler, safety_checker, feature_extractor")
    assert stable.classes == {
        "vae": "AutoencoderKL",
        "text_encoder": "CLIPTextModel",
        "tokenizer": "CLIPTokenizer",
        "unet": "UNet2DConditionModel",
        "scheduler": "PNDMScheduler",
        "safety_checker": "StableDiffusionSafetyChecker",
        "feature_extractor": "CLIPImageProcessor",
    }
    assert stable.title == "stable-diffusion"
    assert {choice.reason for choice in stable.choices if choice.name != "tokenizer"} == {
        "its name, as in stable-diffusion"
    }


@pytest.mark.parametrize(
    ("init", "title", "classes"),
    [
        (
            "vae, text_encoder, text_encoder_2, tokenizer, tokenizer_2, unet, scheduler",
            "stable-diffusion-xl",
            {"text_encoder_2": "CLIPTextModelWithProjection"},
        ),
        (
            "vae, text_encoder, text_encoder_2, tokenizer, tokenizer_2, transformer: FluxTransformer2DModel, scheduler",
            "flux",
            {"text_encoder_2": "T5EncoderModel", "tokenizer_2": "T5Tokenizer"},
        ),
        (
            "text_encoder: T5EncoderModel, tokenizer, vae: AutoencoderKL, unet: UNet2DConditionModel, scheduler",
            "stable-diffusion",
            {"tokenizer": "T5Tokenizer"},
        ),
        (
            "text_encoder: Qwen3Model, tokenizer: AutoTokenizer, vae, transformer: d.ZImageTransformer2DModel",
            "z-image",
            {"tokenizer": "Qwen2Tokenizer", "vae": "AutoencoderKL"},
        ),
        ("transformer: d.SD3Transformer2DModel, scheduler", "stable-diffusion-3", {}),
        ("transformer: d.AuraFlowTransformer2DModel, scheduler", "aura-flow", {}),
        # The family's denoiser is told by its hint: of several the family's is meant.
        (
            "vae, text_encoder, unet: UNet2DConditionModel, scheduler: Union[DDPMScheduler, d.PNDMScheduler]",
            "stable-diffusion",
            {"scheduler": "PNDMScheduler"},
        ),
        ("unet, scheduler: KarrasDiffusionSchedulers", "ddpm", {"scheduler": "DDPMScheduler"}),
        (
            "transformer: FluxTransformer2DModel, scheduler: KarrasDiffusionSchedulers",
            "flux",
            {"scheduler": "EulerDiscreteScheduler"},
        ),
    ],
)
def test_families(init: str, title: str, classes: Mapping[str, str]) -> None:
    found = chosen(init)
    assert found.title == title
    assert {name: found.classes[name] for name in classes} == classes


def test_optional_components() -> None:
    """They come along when the family's repositories have them, when asked for, or when the example has them."""
    init = "vae, text_encoder, tokenizer, unet, scheduler, safety_checker=None, controlnet: ControlNetModel = None"
    assert {"safety_checker", "controlnet"} & chosen(init).classes.keys() == {"safety_checker"}
    assert chosen(init, also=("controlnet",)).classes["controlnet"] == "ControlNetModel"
    example = (
        "\n    >>> pipe = MyPipeline.from_pretrained('a/b', controlnet=ControlNetModel())\n    >>> pipe('a cat')\n"
    )
    assert chosen(init, example=example).classes["controlnet"] == "ControlNetModel"
    assert "steps" not in chosen(f"{init}, steps: int = 3").classes


def test_class_as_default() -> None:
    assert chosen("unet=UNet2DConditionModel, scheduler=DDIMScheduler", also=("unet", "scheduler")).classes == {
        "unet": "UNet2DConditionModel",
        "scheduler": "DDIMScheduler",
    }


def test_example() -> None:
    """It tells where the hint leaves a choice, and has no say where the hint leaves none."""
    example = """
    >>> from diffusers import DDIMScheduler, UNet1DModel
    >>> unet = UNet1DModel.from_pretrained("a/b")
    >>> scheduler = DDIMScheduler()
    >>> pipe = MyPipeline.from_pretrained("a/b", unet=unet, scheduler=scheduler)
    >>> pipe("a cat")
"""
    found = chosen("unet: ModelMixin, scheduler: DDPMScheduler", example=example)
    assert found.classes == {"unet": "UNet1DModel", "scheduler": "DDIMScheduler"}
    assert {choice.reason for choice in found.choices} == {"its author's example"}
    assert chosen("unet: UNet2DModel, scheduler", example=example).classes["unet"] == "UNet2DModel"


def test_classes_of_the_file() -> None:
    top = "\nclass Scorer(ModelMixin):\n    pass\n\n\nclass MyScheduler(DDPMScheduler):\n    pass\n"
    found = chosen("unet, scorer: Scorer, scheduler", top=top)
    assert [(c.name, c.path, c.own) for c in found.choices[1:]] == [
        ("scorer", ".Scorer", True),
        ("scheduler", ".MyScheduler", True),
    ]
    assert not found.choices[0].own


def test_what_is_asked_for_goes_first() -> None:
    found = chosen("unet: UNet2DModel, scheduler", asked={"unet": ("UNet1DModel", {"in_channels": 7})})
    assert (found.choices[0].class_name, found.choices[0].changes) == ("UNet1DModel", {"in_channels": 7})
    asked = chosen("vae, scheduler", family="flux")
    assert asked.classes["scheduler"] == "FlowMatchEulerDiscreteScheduler"


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("unet, thing", "no reference for component `thing`; a type hint, or a recipe's [components], can name"),
        ("unet, thing: Any", "no reference for component `thing` (Any); "),
        ("unet, steps: int", "no reference for component `steps` (int); "),
        ("unet, steps: Optional[ int\n    ]", "no reference for component `steps` (Optional[ int ]); "),
        ("unet, thing: NoSuchClass", "no reference for component `thing` (NoSuchClass); "),
        ("unet: NoSuchClass", "no reference for component `unet` (NoSuchClass); "),
        ("thing: ModelMixin", "no reference for component `thing` (ModelMixin); "),
    ],
)
def test_no_reference(init: str, message: str) -> None:
    with pytest.raises(NoReference) as error:
        chosen(init)
    assert str(error.value).startswith(message)


def test_a_component_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    choice = Choice("waves", "UNet1DModel", "asked for", {"block_out_channels": "x"})
    with pytest.raises(build.NotMade, match=r"no reference for component `waves` \(UNet1DModel\): \w+Error"):
        build.one(choice, Dimensions({}), lambda: None)
    with pytest.raises(build.NotMade, match=r"no reference for component `waves` \(NoSuchClass\)"):
        build.one(Choice("waves", ".NoSuchClass", ""), Dimensions({}), lambda: None)


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        ("ddpm", {"image_size": 32, "latent_channels": 4, "is_xl": False, "frames": 5}),
        ("stable-diffusion", {"image_size": 64, "sample_size": 8, "latent_channels": 4, "cross_width": 32}),
        ("stable-diffusion-xl", {"is_xl": True, "cross_width": 64, "latent_channels": 4, "text_width": 32}),
        ("flux", {"latent_channels": 16, "t5_width": 32, "is_xl": False}),
        ("stable-diffusion-3", {"latent_channels": 16, "t5_width": 64}),
        ("z-image", {"latent_channels": 16, "text_layers": 4}),
        ("sana-video", {"latent_channels": 16}),
    ],
)
def test_dimensions(family: str, sizes: Mapping[str, Any]) -> None:
    dimensions = Dimensions(BY_NAME[family].components)
    assert {name: getattr(dimensions, name) for name in sizes} == sizes


def test_sizes_that_an_error_asked_for() -> None:
    asked = {"channels": 9, "cross": 48, "image_size": 512, "frames": 3, "vision_size": 224, "text_width": 768}
    dimensions = Dimensions(BY_NAME["stable-diffusion"].components, asked)
    assert (dimensions.denoiser_channels, dimensions.latent_channels, dimensions.cross_width) == (9, 4, 48)
    assert (dimensions.image_size, dimensions.sample_size, dimensions.frames) == (512, 64, 3)
    assert (dimensions.vision_size, dimensions.clip_width, dimensions.text_width) == (224, 768, 768)
    unet = make(find.find("UNet2DConditionModel"), dimensions)
    assert (unet.config.in_channels, unet.config.out_channels, unet.config.cross_attention_dim) == (9, 4, 48)


@pytest.mark.parametrize("name", sorted(_LATENTS))
def test_autoencoders_have_the_latents_that_denoisers_take(name: str) -> None:
    cls = find.find(name)
    if cls is None:
        pytest.skip("not in this release of diffusers")
    config = make(cls, Dimensions({"vae": name})).config
    names = ("latent_channels", "z_dim", "latent_dim", "decoder_input_channels", "latent_log_var_dim", "z_channels")
    assert _LATENTS[name] in [config[each] for each in names if each in config]


def files_of(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}


def test_the_same_set_gives_the_same_bytes(tmp_path: Path) -> None:
    choice = of_family(BY_NAME["stable-diffusion"])
    dimensions = Dimensions(choice.classes)
    made = {}
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        build_reference(choice, dimensions, seed, tmp_path / name)
        made[name] = files_of(tmp_path / name)
    assert made["one"] == made["same"]
    weights = {name for name in made["one"] if name.endswith(".safetensors")}
    assert {name for name, content in made["one"].items() if made["other"][name] != content} == weights
    assert len(weights) == 4


def test_key_is_of_the_content() -> None:
    choice = of_family(BY_NAME["ddpm"])
    dimensions = Dimensions(choice.classes)
    changed = Chosen((Choice("unet", "UNet2DModel", "", {"in_channels": 9}), *choice.choices[1:]), choice.title)
    told = Chosen(tuple(Choice(c.name, c.path, "told otherwise") for c in choice.choices), choice.title)
    keys = [
        build.key(choice, dimensions, 1),
        build.key(choice, dimensions, 2),
        build.key(choice, Dimensions(choice.classes, {"channels": 9}), 1),
        build.key(changed, dimensions, 1),
    ]
    assert len(set(keys)) == 4
    assert build.key(told, dimensions, 1) == keys[0]


# Its official pipeline, which diffusers has deprecated, does not go with what CLAP returns in transformers 5.
NOT_CALLED = {"musicldm"}
OFFICIAL = {
    "ddpm": "DDPMPipeline",
    "stable-diffusion": "StableDiffusionPipeline",
    "stable-diffusion-xl": "StableDiffusionXLPipeline",
    "flux": "FluxPipeline",
    "stable-diffusion-3": "StableDiffusion3Pipeline",
    "z-image": "ZImagePipeline",
    "dance-diffusion": "DanceDiffusionPipeline",
    "sana-video": "SanaVideoPipeline",
    "musicldm": "MusicLDMPipeline",
}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_official_pipelines_run(tmp_path: Path, family: Family) -> None:
    """Each family's reference is small, and the pipeline that its repositories are for loads, saves and runs it."""
    import diffusers
    import torch

    from cpipe_check.smoke import outputs

    cls = getattr(diffusers, OFFICIAL[family.name], None)
    if cls is None:
        pytest.skip("not in this release of diffusers")
    choice = of_family(family)
    dimensions = Dimensions(choice.classes)
    build_reference(choice, dimensions, 1, tmp_path / "reference")
    assert sum(map(len, files_of(tmp_path / "reference").values())) <= MOST_BYTES
    pipe = cls.from_pretrained(tmp_path / "reference")
    pipe.set_progress_bar_config(disable=True)
    assert {n for n, part in pipe.components.items() if part is not None} == set(family.components)
    pipe.save_pretrained(tmp_path / "saved")
    assert files_of(tmp_path / "saved").keys() == files_of(tmp_path / "reference").keys()
    if family.name in NOT_CALLED:
        return
    setting = Setting(dimensions.image_size, True, "cpu", 1, dimensions.frames, dimensions.text_width)
    arguments = inputs.call_arguments(signatures.of_function(cls.__call__), setting, Changes())
    torch.manual_seed(1)
    outputs.check(pipe(**arguments))


def _tokens(model: Any) -> tuple[int, ...]:
    import torch

    return tuple(model(input_ids=torch.ones(1, 4, dtype=torch.long)).last_hidden_state.shape)


def _pixels(model: Any) -> tuple[int, ...]:
    import torch

    side = model.config.image_size
    return tuple(model(pixel_values=torch.ones(1, 3, side, side)).last_hidden_state.shape)


def _image_latents(model: Any) -> tuple[int, ...]:
    import torch

    channels, width = model.config.in_channels, model.config.joint_attention_dim
    latents, text = torch.ones(1, channels, 8, 8), torch.ones(1, 4, width)
    return tuple(model(latents, encoder_hidden_states=text, timestep=torch.ones(1)).sample.shape)


def _joint_tokens(model: Any) -> tuple[int, ...]:
    import torch

    channels, width = model.config.in_channels, model.config.joint_attention_dim
    sample = model(
        torch.ones(1, 16, channels),
        encoder_hidden_states=torch.ones(1, 4, width),
        encoder_hidden_states_mask=torch.ones(1, 4),
        timestep=torch.ones(1),
        img_shapes=[(1, 4, 4)],
    ).sample
    return tuple(sample.shape)


def _captioned(model: Any) -> tuple[int, ...]:
    import torch

    channels, width = model.config.in_channels, model.config.cap_feat_dim
    mask = torch.ones(1, 4, dtype=torch.bool)
    return tuple(model(torch.ones(1, channels, 8, 8), torch.ones(1), torch.ones(1, 4, width), mask).sample.shape)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("AuraFlowTransformer2DModel", _image_latents),
        ("QwenImageTransformer2DModel", _joint_tokens),
        ("Lumina2Transformer2DModel", _captioned),
        ("DistilBertModel", _tokens),
        ("RobertaModel", _tokens),
        ("ViTModel", _pixels),
    ],
)
def test_a_class_without_a_blueprint_is_shrunk(name: str, use: Callable[[Any], tuple[int, ...]]) -> None:
    import torch

    cls = find.find(name)
    if cls is None:
        pytest.skip("not in this release of the libraries")
    assert name not in BLUEPRINTS
    model = make(cls, Dimensions({"part": name})).eval()
    assert sum(parameter.numel() for parameter in model.parameters()) < 1_000_000
    with torch.no_grad():
        assert use(model)[0] == 1


def test_changes_go_over_what_is_shrunk() -> None:
    assert make(find.find("DistilBertModel"), Dimensions({}), {"n_layers": 3}).config.n_layers == 3
    assert make(find.find("AuraFlowTransformer2DModel"), Dimensions({}), {"in_channels": 5}).config.in_channels == 5
    with pytest.raises(CannotMake, match="no_such_option"):
        make(find.find("AuraFlowTransformer2DModel"), Dimensions({}), {"no_such_option": 5})
