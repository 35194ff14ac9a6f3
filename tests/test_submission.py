"""Where files come from: directories, Hub layouts, siblings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.submission import collect

GOOD = (PIPELINES / "one_step_unet.py").read_text()


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_py", ".py").replace("_json", ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_directory_is_searched(tmp_path: Path) -> None:
    write(tmp_path, a_py=GOOD, sub__b_py=GOOD, notes_py="x = 1\n", uses_py="from diffusers import DDPMPipeline\n")
    write(tmp_path, broken_py="class P(DiffusionPipeline:\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "c.py").write_text(GOOD)
    report = check(collect([str(tmp_path)]))
    assert [Path(f.path).name for f in report.files] == ["a.py", "broken.py", "b.py"]
    assert {Path(path).name: reason for path, reason in report.skipped} == {
        "notes.py": "mentions no pipeline",
        "uses.py": "defines no pipeline class",
    }


def test_hub_layout_is_one_submission(tmp_path: Path) -> None:
    write(tmp_path, pipeline_py="from .helper import a\n" + GOOD, helper_py="a = 1\n", other_py=GOOD)
    collection = collect([str(tmp_path)])
    assert [Path(s.path).name for s in collection.submissions] == ["pipeline.py"]
    assert check(collection).exit_code == 0


def test_hub_layouts_below_a_directory(tmp_path: Path) -> None:
    write(tmp_path, one__pipeline_py=GOOD, one__extra_py=GOOD, two__pipeline_py=GOOD, loose_py=GOOD)
    names = {Path(s.path).relative_to(tmp_path).as_posix() for s in collect([str(tmp_path)]).submissions}
    assert names == {"one/pipeline.py", "two/pipeline.py", "loose.py"}


def test_model_index_names_the_file(tmp_path: Path) -> None:
    write(tmp_path, mine_py=GOOD, model_index_json=json.dumps({"_class_name": ["mine", "MyPipeline"]}))
    assert [Path(s.path).name for s in collect([str(tmp_path)]).submissions] == ["mine.py"]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("[" * 5000, "not a JSON object"),
        ("[1]", "not a JSON object"),
        ('{"_class_name": "DDPMPipeline"}', "names no custom pipeline file"),
        ('{"_class_name": ["../../etc/passwd", "P"]}', "names no custom pipeline file"),
        ('{"_class_name": ["gone", "P"]}', "no such file"),
    ],
)
def test_model_index_that_leads_nowhere(tmp_path: Path, index: str, message: str) -> None:
    write(tmp_path, model_index_json=index)
    collection = collect([str(tmp_path)])
    assert collection.submissions == ()
    assert message in collection.problems[0]


def test_same_path_is_checked_once(tmp_path: Path) -> None:
    write(tmp_path, a_py=GOOD)
    path = str(tmp_path / "a.py")
    assert len(collect([path, path]).submissions) == 1
    assert len(collect([path, str(tmp_path)]).submissions) == 1


@pytest.mark.parametrize("module", ["../outside", "/etc/passwd", "a.b.c", "", "x y", "a/b"])
def test_sibling_never_leaves_the_directory(tmp_path: Path, module: str) -> None:
    write(tmp_path, inner__a_py=GOOD, outside_py="secret = 1\n")
    submission = collect([str(tmp_path / "inner" / "a.py")]).submissions[0]
    assert submission.read_sibling(module) is None


def test_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("TOKEN = 'x y'\n")
    (tmp_path / "repo" / "sub").mkdir(parents=True)
    (tmp_path / "repo" / "out.py").symlink_to(tmp_path / "secret.py")
    (tmp_path / "repo" / "environ.py").symlink_to("/proc/self/environ")
    (tmp_path / "repo" / "real.py").write_text("class A: pass\n")
    (tmp_path / "repo" / "in.py").symlink_to("real.py")
    (tmp_path / "repo" / "folder").symlink_to(tmp_path)
    for name in ("out.py", "environ.py"):
        found = collect([str(tmp_path / "repo" / name)])
        assert not found.submissions
        assert "leads out of its directory" in found.problems[0]
    submission = collect([str(tmp_path / "repo" / "in.py")]).submissions[0]
    assert submission.content == b"class A: pass\n"
    assert submission.read_sibling("real") == b"class A: pass\n"
    assert submission.read_sibling("out") is None
    assert submission.read_sibling("folder.secret") is None


def test_links_of_the_hubs_cache_are_followed(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "models--a--b" / "blobs").mkdir()
    (tmp_path / "models--a--b" / "blobs" / "1").write_text("class A: pass\n")
    (snapshot / "pipeline.py").symlink_to("../../blobs/1")
    assert collect([str(snapshot)]).submissions[0].content == b"class A: pass\n"


INDEX = json.dumps({"_class_name": ["mine", "UnetSchedulerOneForwardPipeline"], "unet": ["diffusers", "UNet2DModel"]})


def codes(directory: Path) -> list[list[str]]:
    return [[finding.code for finding in file.findings] for file in check(collect([str(directory)])).files]


def test_repository_is_checked_with_the_file_that_it_loads(tmp_path: Path) -> None:
    write(tmp_path, mine_py=GOOD, model_index_json=INDEX)
    assert codes(tmp_path) == [["CP604", "CP606"]]
    write(tmp_path, unet__config_json="{}")
    assert codes(tmp_path) == [["CP606"]]
    assert codes(tmp_path / "mine.py") == [[]], "a file alone is no repository"
    write(tmp_path, pipeline_py=GOOD)
    assert codes(tmp_path) == [[]], "`from_pretrained` runs mine.py"


def test_folder_behind_a_link_is_not_missing(tmp_path: Path) -> None:
    write(tmp_path, elsewhere__config_json="{}", repo__mine_py=GOOD, repo__model_index_json=INDEX)
    (tmp_path / "repo" / "unet").symlink_to(tmp_path / "elsewhere")
    assert codes(tmp_path / "repo") == [["CP606"]]


def test_index_that_is_too_large_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, pipeline_py=GOOD, model_index_json=f"{{{' ' * 1_000_000}")
    assert codes(tmp_path) == [[]]
