"""The shipped index answers as the releases do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import cpipe_check.api_index
from cpipe_check.api_index import ApiIndex, ApiIndexError, VersionRange, load

MULTI = "diffusers.pipelines.controlnet.multicontrolnet"
NEW_MULTI = "diffusers.models.controlnets.multicontrolnet"
DATA = Path(cpipe_check.api_index.__file__).with_name("data")


@pytest.fixture(scope="module")
def index() -> ApiIndex:
    return load()


def test_versions(index):
    assert index.libraries == ("diffusers", "transformers")
    assert {"0.4.0", "0.25.1", "0.36.0", "0.42.1"} <= set(index.versions("diffusers"))
    minors = {tuple(map(int, version.split(".")[:2])) for version in index.versions("transformers")}
    assert minors >= {(4, minor) for minor in range(25, 58)} | {(5, minor) for minor in range(24)}


def test_module_removed(index):
    assert index.exists(MULTI, None, "0.40.0") is True
    assert index.exists(MULTI, None, "0.41.0") is False
    assert index.ranges(MULTI)[-1].last == "0.40.0"
    assert index.ranges(NEW_MULTI)[0].first == "0.32.0"
    assert index.new_home(MULTI, "MultiControlNetModel", "0.42.1") == NEW_MULTI
    assert index.new_homes(MULTI, None, "0.42.1")[0].module == NEW_MULTI
    assert index.deprecation(MULTI, "MultiControlNetModel", "0.40.0") == "0.34"


def test_module_moved_under_deprecated(index):
    assert index.exists("diffusers.pipelines.unclip", None, "0.37.1") is True
    assert index.exists("diffusers.pipelines.unclip", None, "0.38.0") is False
    assert index.exists("diffusers.pipelines", "unclip", "0.38.0") is False
    assert index.new_home("diffusers.pipelines.unclip", None, "0.42.1") == "diffusers.pipelines.deprecated.unclip"


def test_name_moved(index):
    assert index.ranges("diffusers.utils", "randn_tensor") == (VersionRange("0.12.0", "0.20.2"),)
    assert index.new_home("diffusers.utils", "randn_tensor", "0.42.1") == "diffusers.utils.torch_utils"


def test_one_home_of_many_is_the_file_called_as_before(index):
    assert index.new_home("diffusers.models.vae", "Decoder", "0.42.1") == "diffusers.models.autoencoders.vae"


def test_name_never_there(index):
    assert index.ranges("diffusers.models.unet_of_nobody") == ()
    assert index.ranges("diffusers", "NoSuchPipeline") == ()
    assert index.new_homes("diffusers", "NoSuchPipeline", "0.42.1") == ()
    assert index.new_home("diffusers", "NoSuchPipeline", "0.42.1") is None


def test_many_homes_are_no_answer(index):
    assert len(index.new_homes("diffusers.utils", "retrieve_timesteps", "0.42.1")) > 10
    assert index.new_home("diffusers.utils", "retrieve_timesteps", "0.42.1") is None


def test_mask_is_the_answer_for_all_versions(index):
    for name in ("randn_tensor", "logging", "BaseOutput", "no_such_name"):
        yes, unknown = index.mask("diffusers.utils", name)
        assert yes & unknown == 0
        for position, version in enumerate(index.versions("diffusers")):
            answer = True if yes >> position & 1 else None if unknown >> position & 1 else False
            assert index.exists("diffusers.utils", name, version) is answer


def test_placeholder_of_an_optional_backend(index):
    assert index.exists("diffusers", "OnnxStableDiffusionPipeline", "0.42.1") is True
    assert "onnx" in index.dummy_backends("diffusers", "OnnxStableDiffusionPipeline", "0.42.1")
    assert index.is_subclass_of_pipeline("diffusers", "OnnxStableDiffusionPipeline", "0.42.1") is None


@pytest.mark.parametrize("version", ["0.4.0", "0.14.0", "0.25.1", "0.42.1"])
def test_pipeline_base(index, version):
    assert index.is_subclass_of_pipeline("diffusers", "StableDiffusionPipeline", version) is True
    assert index.is_subclass_of_pipeline("diffusers", "UNet2DModel", version) is False
    assert "device" in index.readonly_properties("diffusers", "StableDiffusionPipeline", version)


def test_signature_of_a_release(index):
    old = index.init_signature("diffusers", "StableDiffusionPipeline", "0.14.0")
    new = index.init_signature("diffusers", "StableDiffusionPipeline", "0.42.1")
    assert "image_encoder" not in [parameter.name for parameter in old[1].parameters]
    assert "image_encoder" in [parameter.name for parameter in new[1].parameters]


def test_transformers(index):
    assert index.exists("transformers", "CLIPTextModel", "5.23.0") is True
    assert index.exists("transformers", "CLIPFeatureExtractor", "5.23.0") is False
    assert index.exists("transformers", "CLIPFeatureExtractor", "4.36.2") is True
    assert index.exists("transformers", "MT5Tokenizer", "5.23.0") is False
    assert index.exists("transformers", "NoSuchName", "5.23.0") is False
    assert index.exists("transformers.models.clip.modeling_clip", "CLIPTextModel", "4.57.6") is True
    assert index.exists("transformers.models.clip.feature_extraction_clip", None, "5.23.0") is False


def test_transformers_makes_up_names_at_run_time(index):
    assert index.exists("transformers", "T5TokenizerFast", "5.23.0") is not False
    assert index.exists("transformers", "CLIPImageProcessorFast", "5.23.0") is not False
    assert index.exists("transformers.tokenization_utils_fast", None, "5.23.0") is not False
    assert index.exists("transformers.models.clip.image_processing_clip_fast", None, "5.23.0") is not False


def test_imported_names_count_only_for_plain_modules_of_transformers(index):
    assert index.exists("transformers", "torch", "5.23.0") is False
    assert index.exists("transformers", "CLIP_PRETRAINED_MODEL_ARCHIVE_LIST", "5.23.0") is False


def test_imported_names_of_transformers_modules_cannot_be_told(index):
    assert index.exists("transformers.models.clip.modeling_clip", "torch", "5.23.0") is None


def test_other_roots_cannot_be_told(index):
    assert index.exists("accelerate.utils", "x", "1.0") is None
    assert index.mask("accelerate", None) == (0, -1)
    assert index.ranges("accelerate") == ()
    assert index.exists("diffuser", None, "0.42.1") is None


def test_unknown_version_names_the_nearest(index):
    with pytest.raises(ApiIndexError, match=r"0\.42\.7 is not indexed; the nearest is 0\.42\.1, the newest"):
        index.exists("diffusers", None, "0.42.7")
    assert index.nearest("transformers", "4.57.2").startswith("4.57.")
    assert index.nearest("diffusers", "99.0") == index.versions("diffusers")[-1]
    assert index.nearest("diffusers", "0.1") == index.versions("diffusers")[0]


def test_spelling_of_a_version_does_not_matter(index):
    assert index.exists("diffusers.utils", "randn_tensor", "0.20") is True
    assert index.exists("diffusers.utils", "randn_tensor", "0.21") is False


def test_unknown_library(index):
    with pytest.raises(ApiIndexError, match="unknown library 'jax'"):
        index.versions("jax")


def test_shipped_data_lacks_a_library(tmp_path, monkeypatch):
    for file in DATA.glob("diffusers-*.xz"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("cpipe_check.api_index.lookup._DATA", tmp_path)
    load.cache_clear()
    with pytest.raises(ApiIndexError, match=r"transformers-names\.xz cannot be read"):
        load().versions("transformers")
    load.cache_clear()


def test_no_source_tree(tmp_path):
    with pytest.raises(ApiIndexError, match="is no diffusers source tree"):
        ApiIndex.from_source(tmp_path)


def test_missing_and_broken_data(tmp_path):
    with pytest.raises(ApiIndexError, match="holds no index data"):
        load(tmp_path)
    for file in DATA.glob("diffusers-*.xz"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "diffusers-classes.xz").unlink()
    (tmp_path / "diffusers-origins.xz").write_bytes(b"nonsense")
    index = load(tmp_path)
    assert index.exists("diffusers", "UNet2DModel", "0.42.1") is True
    with pytest.raises(ApiIndexError, match=r"diffusers-origins\.xz is broken: LZMAError"):
        index.origin("diffusers", "UNet2DModel", "0.42.1")
    whole = (DATA / "diffusers-origins.xz").read_bytes()
    (tmp_path / "diffusers-origins.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ApiIndexError, match=r"diffusers-origins\.xz is broken"):
        index.origin("diffusers", "UNet2DModel", "0.42.1")
    (tmp_path / "diffusers-origins.xz").write_bytes(whole)
    with pytest.raises(ApiIndexError, match=r"diffusers-classes\.xz cannot be read"):
        index.class_info("diffusers", "UNet2DModel", "0.42.1")


def test_size_and_speed():
    assert sum(file.stat().st_size for file in DATA.glob("*.xz")) <= 500_000
    load.cache_clear()
    start = time.perf_counter()
    load().mask("diffusers.utils", "randn_tensor")
    assert time.perf_counter() - start < 0.5
