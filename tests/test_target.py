"""What releases a file is judged by: specifications, settings, an index or a checkout that cannot be used."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest

from conftest import PIPELINES
from cpipe_check import api_index
from cpipe_check.api_index import ApiIndexError, load
from cpipe_check.api_index.target import resolve

MOVED = "from diffusers.pipelines.controlnet.multicontrolnet import MultiControlNetModel\n"
ONE_STEP = (PIPELINES / "one_step_unet.py").read_text()


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """A pipeline that imports a module that went in 0.41."""
    path = tmp_path / "my_pipeline.py"
    path.write_text(MOVED + ONE_STEP)
    return path


@pytest.mark.parametrize(
    ("specification", "newest", "count"),
    [
        ("0.30.3", "0.30.3", 1),
        ("0.30", "0.30.0", 1),
        (">=0.30,<0.31", "0.30.3", 4),
        ("~=0.30.0", "0.30.3", 4),
        ("==0.29.*", "0.29.2", 3),
        (">=0.4", load().versions("diffusers")[-1], len(load().versions("diffusers"))),
    ],
)
def test_specification(specification: str, newest: str, count: int) -> None:
    choice = resolve(specification).diffusers
    assert (choice.version, bin(choice.declared).count("1")) == (newest, count)


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("9.9", "diffusers 9.9 is not indexed"),
        ("0.31.0.dev0", "is not indexed"),
        ("abc", "is no release of diffusers"),
        ("", "is no release of diffusers"),
        (">=99", "no indexed release of diffusers is >=99"),
        ("source:/no/such/place", "is no diffusers source tree"),
        ("source:", "is no diffusers source tree"),
    ],
)
def test_nonsense(command, specification: str, message: str) -> None:
    done = command("--static", f"--diffusers={specification}", PIPELINES / "one_step_unet.py")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("cpipe-check: ")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_transformers_by_its_minor() -> None:
    assert resolve(transformers="4.36.0").transformers.version == "4.36.2"
    with pytest.raises(ApiIndexError, match=r"transformers 4\.99 is not indexed"):
        resolve(transformers="4.99")


def test_target_goes_to_another_process() -> None:
    target = resolve("0.30.3", "4.44.2")
    assert pickle.loads(pickle.dumps(target)).diffusers == target.diffusers


@pytest.mark.parametrize("harm", ["gone", "cut", "scribbled", "empty"])
def test_broken_index(tmp_path: Path, harm: str) -> None:
    data = tmp_path / "data"
    shutil.copytree(Path(api_index.__file__).with_name("data"), data)
    for file in data.iterdir():
        content = file.read_bytes()
        match harm:
            case "gone":
                file.unlink()
            case "cut":
                file.write_bytes(content[: len(content) // 2])
            case "scribbled":
                file.write_bytes(b"scribble" + content[8:])
            case "empty":
                file.write_bytes(b"")
    with pytest.raises(ApiIndexError) as caught:
        load(data).mask("diffusers", "DiffusionPipeline")
    assert "\n" not in str(caught.value)


def test_command_says_so_when_its_index_is_broken(command, tmp_path: Path) -> None:
    """The whole package, copied, with its data gone."""
    shutil.copytree(Path(api_index.__file__).parent.parent, tmp_path / "cpipe_check")
    shutil.rmtree(tmp_path / "cpipe_check" / "api_index" / "data")
    done = command("--static", PIPELINES / "one_step_unet.py", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("cpipe-check: ")
    assert done.err.count("\n") == 1


def test_multicontrolnet(command, moved: Path) -> None:
    """Loads up to 0.40, breaks on 0.41, and the fix is offered."""
    old = command("--static", "--diffusers", "0.40.0", "--output-format", "json", moved)
    (file,) = json.loads(old.out)["files"]
    assert file["loads"] is True
    (run,) = file["compatibility"]["diffusers"]
    assert (run["first"], run["last"], run["loads"], run["exact"]) == ("0.17.0", "0.40.0", True, True)
    assert run["after"] == "no module `diffusers.pipelines.controlnet.multicontrolnet`"
    new = command("--static", "--diffusers", "0.41.0", moved)
    assert new.code == 1
    assert "multicontrolnet` was removed in diffusers 0.41.0" in new.out
    assert "loading fails with: ModuleNotFoundError: No module named 'diffusers.pipelines.controlnet.multi" in new.out
    home = "from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel"
    assert f"fix [*]: write `{home}`   (0.32.0 and newer)" in new.out


def test_fix_for_releases_on_both_sides_of_the_move(command, moved: Path) -> None:
    done = command("--static", "--diffusers", ">=0.31", "--output-format", "json", moved)
    (file,) = json.loads(done.out)["files"]
    assert file["loads"] is False
    (edit,) = next(f for f in file["findings"] if f["code"] == "CP301")["fix"]["edits"]
    assert edit["text"].startswith("try:\n    from diffusers.models.controlnets")
    moved.write_text(edit["text"] + "\n" + ONE_STEP)
    assert command("--static", "--diffusers", ">=0.31", moved).code == 0


def test_settings(command, moved: Path) -> None:
    settings = moved.with_name("pyproject.toml")
    settings.write_text('[tool.cpipe-check]\ndiffusers = "0.40.0"\n')
    below = moved.parent / "below"
    below.mkdir()
    assert command("--static", moved, cwd=below).code == 0
    assert command("--static", "--diffusers", "0.41.0", moved, cwd=below).code == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.cpipe-check]\ndifusers = '1'", "has no setting 'difusers'; there are diffusers, transformers"),
        ("[tool.cpipe-check]\ndiffusers = 1", "diffusers is a string"),
        ("[tool.cpipe-check\n", "pyproject.toml: "),
        ("[tool]\ncpipe-check = 1", "is no table"),
        ("[tool.cpipe-check]\ndiffusers = 'nonsense'", "is no release of diffusers"),
    ],
)
def test_settings_that_cannot_be_used(command, moved: Path, text: str, message: str) -> None:
    moved.with_name("pyproject.toml").write_text(text)
    done = command("--static", moved, cwd=moved.parent)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_source_tree(command, tmp_path: Path, moved: Path) -> None:
    """A pull request to diffusers is judged against its own tree."""
    package = tmp_path / "checkout" / "src" / "diffusers"
    (package / "pipelines" / "controlnet").mkdir(parents=True)
    (package / "__init__.py").write_text(
        '__version__ = "0.43.0.dev0"\nfrom .pipelines import DiffusionPipeline\n'
        "class DDPMScheduler: ...\nclass UNet2DModel: ...\n"
    )
    (package / "pipelines" / "__init__.py").write_text("class DiffusionPipeline: ...\n")
    target = f"source:{tmp_path / 'checkout'}"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = command("--static", "--diffusers", target, moved, **cache)
    assert done.code == 1
    assert (
        "CP301 error: `diffusers.pipelines.controlnet.multicontrolnet` is not in this checkout of diffusers" in done.out
    )
    (package / "pipelines" / "controlnet" / "__init__.py").touch()
    (package / "pipelines" / "controlnet" / "multicontrolnet.py").write_text("class MultiControlNetModel: ...\n")
    done = command("--static", "--diffusers", target, moved, **cache)
    assert (done.code, done.err) == (0, "")
    assert "loads on diffusers source" in done.out
