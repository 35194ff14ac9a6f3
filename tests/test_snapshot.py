"""Snapshots of repositories on the Hub, against a small Hub of our own. The live Hub is not asked."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from conftest import PIPELINES, run_command
from cpipe_check.checker import check
from cpipe_check.snapshot import BadSource, Snapshot, SnapshotError, submissions, take, taking
from cpipe_check.snapshot import hub as hub_module
from cpipe_check.snapshot.source import MIRROR
from cpipe_check.submission import MAX_BYTES
from small_hub import Fault, Repo, SmallHub, serve

pytest.importorskip("huggingface_hub", reason="snapshots need huggingface_hub")

GOOD = (PIPELINES / "one_step_unet.py").read_bytes()
CLASS = "UnetSchedulerOneForwardPipeline"
WEIGHTS = b"\x00" * 3000


def index(module: str = "pipeline", **components: object) -> bytes:
    listed = {"unet": ["diffusers", "UNet2DModel"], "scheduler": ["diffusers", "DDPMScheduler"], **components}
    return json.dumps({"_class_name": [module, CLASS], **listed}).encode()


WHOLE = {
    "model_index.json": index(),
    "pipeline.py": GOOD,
    "README.md": b"# A model\n",
    "unet/config.json": b"{}",
    "unet/diffusion_pytorch_model.safetensors": WEIGHTS,
    "scheduler/scheduler_config.json": b"{}",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallHub]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with serve() as there:
        there.repos["o/r"] = Repo({"main": WHOLE})
        yield there


def taken(hub: SmallHub, directory: Path, source: str = "hub:o/r", token: str | None = None) -> Snapshot:
    return take(source, directory / "snapshot", endpoint=hub.url, token=token)


def refused(hub: SmallHub, directory: Path, source: str = "hub:o/r", token: str | None = None) -> SnapshotError:
    with pytest.raises(SnapshotError) as caught:
        taken(hub, directory, source, token)
    assert "\n" not in str(caught.value)
    return caught.value


def paths(snapshot: Snapshot) -> list[str]:
    return [submission.path.rpartition("/")[2] for submission in submissions(snapshot).submissions]


def test_snapshot_of_a_repository(hub: SmallHub, tmp_path: Path) -> None:
    snapshot = taken(hub, tmp_path)
    sha = hub.repos["o/r"].sha("main")
    assert (snapshot.repo_type, snapshot.repo, snapshot.revision, snapshot.sha) == ("model", "o/r", "main", sha)
    assert snapshot.files == ("model_index.json", "pipeline.py", "README.md")
    assert snapshot.names == frozenset(WHOLE)
    assert snapshot.complete
    assert snapshot.passed_over == ()
    for name in snapshot.files:
        path = snapshot.directory / name
        assert path.is_file()
        assert not path.is_symlink()
        assert path.read_bytes() == WHOLE[name]
    assert {path.name for path in snapshot.directory.rglob("*")} == set(snapshot.files)
    (submission,) = submissions(snapshot).submissions
    assert submission.path == f"hub:o/r@{snapshot.sha[:7]}/pipeline.py"
    report = check(submissions(snapshot))
    assert report.exit_code == 0
    assert report.files[0].findings == ()


def test_everything_is_asked_at_one_commit(hub: SmallHub, tmp_path: Path) -> None:
    """A push between two requests changes nothing."""
    sha = taken(hub, tmp_path).sha
    assert all(f"/{sha}" in path for path in hub.asked[1:])
    assert hub.sent < 20_000, "no weights are fetched"


@pytest.mark.parametrize("revision", ["dev", "v1.0", "refs/pr/3", "feature/x"])
def test_revisions(hub: SmallHub, tmp_path: Path, revision: str) -> None:
    hub.repos["o/r"].revisions[revision] = {"pipeline.py": GOOD + b"# here\n"}
    snapshot = taken(hub, tmp_path, f"hub:o/r@{revision}")
    assert snapshot.revision == revision
    assert (snapshot.directory / "pipeline.py").read_bytes().endswith(b"# here\n")
    again = take(f"hub:o/r@{snapshot.sha}", tmp_path / "again", endpoint=hub.url)
    assert again.sha == snapshot.sha


def test_custom_components_and_what_modules_import(hub: SmallHub, tmp_path: Path) -> None:
    files = {
        "model_index.json": index("mine", unet=["my_unet", "MyUNet"], vae=["gone", "Vae"]),
        "mine.py": b"from .parts.attention import a\nfrom .helper import b\n" + GOOD,
        "helper.py": b"b = 1\n",
        "parts/attention.py": b"a = 1\n",
        "parts/unused.py": b"c = 1\n",
        "unet/my_unet.py": b"from .blocks import d\n\n\nclass MyUNet:\n    pass\n",
        "unet/blocks.py": b"d = 1\n",
        "unet/config.json": b"{}",
        "scripts/train.py": GOOD,
    }
    hub.repos["o/r"] = Repo({"main": files})
    snapshot = taken(hub, tmp_path)
    expected = {"model_index.json", "mine.py", "helper.py", "parts/attention.py", "unet/my_unet.py", "unet/blocks.py"}
    assert set(snapshot.files) == expected
    (submission,) = submissions(snapshot).submissions
    assert submission.name == "mine.py"
    assert submission.repository is not None
    assert submission.read_sibling("helper") == b"b = 1\n"
    assert [f.code for f in check(submissions(snapshot)).files[0].findings] == ["CP605", "CP604"]


def test_component_module_that_is_not_there_is_found(hub: SmallHub, tmp_path: Path) -> None:
    hub.repos["o/r"] = Repo({"main": {**WHOLE, "model_index.json": index(unet=["my_unet", "MyUNet"])}})
    report = check(submissions(taken(hub, tmp_path)))
    (finding,) = report.files[0].findings
    assert (finding.code, finding.breaks) == ("CP603", "repository")
    assert report.files[0].compatibility.loads, "the file itself loads, for a model of another repository"
    assert report.exit_code == 1


def test_several_pipelines(hub: SmallHub, tmp_path: Path) -> None:
    more = {f"variant_{n}.py": GOOD + b"# %d\n" % n for n in range(20)}
    hub.repos["o/r"] = Repo({"main": {**WHOLE, **more, "notes.py": b"x = 1\n", "app.py": b"import MyPipeline\n"}})
    collection = submissions(taken(hub, tmp_path))
    assert len(collection.submissions) == 22
    assert [s.repository is not None for s in collection.submissions] == [True] + [False] * 21
    report = check(collection)
    assert len(report.files) == 21
    assert [path.rpartition("/")[2] for path, _ in report.skipped] == ["app.py"]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"README.md": b"x"}, "no pipeline file"),
        ({}, "no pipeline file"),
        ({"model_index.json": index("gone")}, "model_index.json names gone.py, which is not there"),
        ({"pipeline.py": b"x" * (MAX_BYTES + 1)}, "1.0 MB is too large"),
    ],
)
def test_no_pipeline(hub: SmallHub, tmp_path: Path, files: dict[str, bytes], why: str) -> None:
    hub.repos["o/r"] = Repo({"main": files})
    collection = submissions(taken(hub, tmp_path))
    assert collection.submissions == ()
    assert why in collection.problems[0]


def test_names_that_lead_elsewhere(hub: SmallHub, tmp_path: Path) -> None:
    evil = {
        "../evil.py": GOOD,
        "..py/pipeline.py": GOOD,
        "/etc/evil.py": GOOD,
        "a\\..\\evil.py": GOOD,
        "..": GOOD,
        ".py": GOOD,
        "new\nline.py": GOOD,
        "unet/../../evil.py": GOOD,
        "model_index.json": json.dumps({"..": ["..", "X"], "unet": ["../../evil", "X"], "a/b": ["c", "X"]}).encode(),
        "pipeline.py": b"from .x/../../evil import q\nfrom ...evil import q\n" + GOOD,
    }
    hub.repos["o/r"] = Repo({"main": evil})
    snapshot = taken(hub, tmp_path)
    assert set(snapshot.files) == {"model_index.json", "pipeline.py"}
    assert {path.name for path in tmp_path.rglob("*")} == {"snapshot", "model_index.json", "pipeline.py"}


def test_link_in_a_repository_is_only_its_text(hub: SmallHub, tmp_path: Path) -> None:
    """Git keeps a symbolic link as a file that holds its target, and the Hub lists it as one."""
    hub.repos["o/r"] = Repo({"main": {**WHOLE, "linked.py": b"../../../etc/passwd"}})
    snapshot = taken(hub, tmp_path)
    assert not (snapshot.directory / "linked.py").is_symlink()
    assert paths(snapshot) == ["pipeline.py"]


def test_directory_is_never_written_through(hub: SmallHub, tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "pipeline.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(FileExistsError):
        taken(hub, tmp_path)
    assert not (tmp_path / "outside.py").exists()


def test_size_that_is_a_lie(hub: SmallHub, tmp_path: Path) -> None:
    big = GOOD + b"#" * 30_000_000
    hub.repos["o/r"] = Repo({"main": {**WHOLE, "big.py": big}}, sizes={"big.py": 100})
    snapshot = taken(hub, tmp_path)
    assert [(path, why) for path, why in snapshot.passed_over] == [
        ("big.py", "larger than the Hub's list of files says, and than a file may be")
    ]
    assert sum(path.stat().st_size for path in snapshot.directory.rglob("*")) < MAX_BYTES
    assert hub.sent < 20_000_000, "the rest is not waited for"
    hub.repos["o/r"] = Repo({"main": WHOLE}, sizes={"pipeline.py": 100})
    error = refused(hub, tmp_path / "again")
    assert "came with" in str(error)
    assert error.may_pass


def test_code_in_lfs_is_passed_over(hub: SmallHub, tmp_path: Path) -> None:
    hub.repos["o/r"] = Repo({"main": {**WHOLE, "other.py": GOOD}}, lfs=frozenset({"other.py"}))
    ((path, why),) = taken(hub, tmp_path).passed_over
    assert (path, "LFS" in why) == ("other.py", True)


def test_huge_repository(hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more pages are asked for than are looked at, and nothing is said to be missing."""
    monkeypatch.setattr(taking, "MAX_ENTRIES", 250)
    many = {f"data/{n:05}.bin": b"" for n in range(5000)}
    hub.repos["o/r"] = Repo({"main": {**many, "aaa.py": GOOD, "model_index.json": index("aaa")}})
    snapshot = taken(hub, tmp_path)
    assert not snapshot.complete
    assert len(snapshot.names) == 250
    assert sum("/tree/" in path for path in hub.asked) == 3
    assert paths(snapshot) == ["aaa.py"]
    assert check(submissions(snapshot)).files[0].findings == ()


def test_limits_of_number_and_size(hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MAX_FILES", 5)
    hub.repos["o/r"] = Repo({"main": {**WHOLE, **{f"m{n}.py": b"x = 1\n" for n in range(9)}}})
    snapshot = taken(hub, tmp_path)
    assert len(snapshot.files) == 5
    assert {"model_index.json", "pipeline.py"} < set(snapshot.files)
    assert len(snapshot.passed_over) == 7


@pytest.mark.parametrize(
    "source",
    [
        "hub:", "hub:name", "hub:a/b/c", "hub:../etc", "hub:a/..", "hub:a/b..c", "hub:a/b.git", "hub:https://x/y",
        "hub:a /b",
        "hub:a/b@", "hub:a/b@x..y", "hub:a/b@../x", "hub:a/b@x y", "hub:a/b@-x", "hub:a/b@x//y",
        "hub:a/b@x?y", "hub:a/b@x#y",
        "hub:spaces/a/b", "hub:a/b\n", "community:", "community:a/b", "community:../x",
        "community:x.py", "community:x@",
        "community:x@dev", "community:x@1", "community:x@v1/..", "community:x@main/..", "hub:ä/b", "hub:a/" + "b" * 200,
    ],
)  # fmt: skip
def test_bad_names_are_refused_before_any_request(hub: SmallHub, tmp_path: Path, source: str) -> None:
    with pytest.raises(BadSource, match="write hub:OWNER/NAME"):
        taken(hub, tmp_path, source)
    assert hub.asked == []


def test_private(hub: SmallHub, tmp_path: Path) -> None:
    hub.repos["o/r"].private = True
    error = refused(hub, tmp_path)
    assert "there is no o/r, or it is private" in str(error)
    assert "HF_TOKEN" in str(error)
    assert not error.may_pass
    assert "does not know the token" in str(refused(hub, tmp_path, token="hf_bad"))
    assert taken(hub, tmp_path, token="hf_good").files


def test_gated_missing_disabled(hub: SmallHub, tmp_path: Path) -> None:
    hub.repos["o/r"].gated = True
    assert "o/r is gated: ask for access" in str(refused(hub, tmp_path))
    hub.repos["o/r"] = Repo({"main": WHOLE}, disabled=True)
    assert "disabled o/r" in str(refused(hub, tmp_path))
    assert "there is no o/other" in str(refused(hub, tmp_path, "hub:o/other"))
    hub.repos["o/r"] = Repo({"main": WHOLE})
    assert "o/r has no revision nope" in str(refused(hub, tmp_path, "hub:o/r@nope"))


def test_renamed(hub: SmallHub, tmp_path: Path) -> None:
    hub.repos["old/name"] = Repo({}, moved_to="o/r")
    snapshot = taken(hub, tmp_path, "hub:old/name")
    assert snapshot.repo == "o/r"
    assert snapshot.label.startswith("hub:o/r@")


@pytest.mark.parametrize("at", ["/revision/", "/tree/", "/resolve/"])
@pytest.mark.parametrize(
    ("fault", "may_pass", "wait", "text"),
    [
        ((429, {"Retry-After": "17"}), True, 17, "run it again in 17 s"),
        ((429, {"RateLimit": '"api";r=0;t=55'}), True, 55, "run it again in 55 s"),
        ((429, {"Retry-After": "99999999999"}), True, 0, "run it again later"),
        ((500, {}), True, 0, "the Hub answers 500; run it again later"),
        ((503, {"Retry-After": "3"}), True, 3, "the Hub answers 503"),
        ((403, {}), False, 0, "the token may not read o/r"),
        ((418, {}), False, 0, "the Hub answers 418"),
        (("hang up", {}), True, 0, "the Hub does not answer"),
        (("cut", {}), True, 0, ""),
        ((302, {"Location": "http://127.0.0.1:1/elsewhere"}), False, 0, "another host"),
        ((302, {"Location": "file:///etc/passwd"}), False, 0, "another host"),
        ((302, {}), True, 0, "round in circles"),
    ],
)
def test_faults_at_every_step(
    hub: SmallHub,
    tmp_path: Path,
    at: str,
    fault: tuple[int | str, dict[str, str]],
    may_pass: bool,
    wait: int,
    text: str,
) -> None:
    step = "/resolve-cache/" if fault[0] == "cut" and at == "/resolve/" else at
    hub.faults.append(Fault(step, *fault))
    error = refused(hub, tmp_path)
    assert (error.may_pass, error.retry_after) == (may_pass, wait)
    assert text in str(error)


def test_stalled_and_slow(hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_PATIENCE", 0.2)
    hub.faults.append(Fault("/tree/", "stall", times=1))
    assert "does not answer (ReadTimeout)" in str(refused(hub, tmp_path))
    monkeypatch.setattr(hub_module, "_DEADLINE", -1.0)
    assert "too slowly" in str(refused(hub, tmp_path))


def test_no_network(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SnapshotError, match="does not answer") as caught:
        take("hub:o/r", tmp_path, endpoint=f"http://127.0.0.1:{port}")
    assert caught.value.may_pass


@pytest.mark.parametrize("body", [b"[]", b"{}", b"not json", b'{"id": "../x", "sha": "1"}', b"[" * 100_000])
def test_answers_that_are_no_answers(
    hub: SmallHub, tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("small_hub._Handler._json", lambda self, value, headers=None: self._answer(200, body, {}))
    error = refused(hub, tmp_path)
    assert "not what its API gives" in str(error)
    assert error.may_pass


def mirror(*folders: str) -> Repo:
    files = {f"{folder}/tidy_unet.py": GOOD for folder in folders}
    files |= {f"{folder}/README.md": b"# Pipelines\n" for folder in folders}
    return Repo({"main": {**files, **{f"{folder}/other_one.py": GOOD for folder in folders}}})


def test_community(hub: SmallHub, tmp_path: Path) -> None:
    installed = f"v{metadata.version('diffusers')}"
    hub.repos[f"datasets/{MIRROR}"] = mirror("main", "v0.30.0", installed)
    for source, folder in (
        ("community:tidy_unet", installed),
        ("community:tidy_unet@main", "main"),
        ("community:tidy_unet@0.30.0", "v0.30.0"),
        ("community:tidy_unet@v0.30.0", "v0.30.0"),
    ):
        snapshot = taken(hub, tmp_path / source, source)
        assert snapshot.files == ("tidy_unet.py", "README.md")
        (submission,) = submissions(snapshot).submissions
        assert submission.path == f"community:{folder}/tidy_unet.py"
        assert check(submissions(snapshot)).exit_code == 0
    error = refused(hub, tmp_path, "community:tidi_unet@main")
    assert str(error) == "there is no community pipeline tidi_unet in main; is it tidy_unet?"
    assert "no folder v0.1.0" in str(refused(hub, tmp_path, "community:tidy_unet@0.1.0"))


def test_community_without_diffusers(hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos[f"datasets/{MIRROR}"] = mirror("main", "v0.30.0")
    for version, folder in (("0.30.0", "v0.30.0"), ("0.43.0.dev0", "main"), (None, "main")):

        def installed(name: str, version: str | None = version) -> str:
            if version is None:
                raise metadata.PackageNotFoundError(name)
            return version

        with monkeypatch.context() as patch:
            patch.setattr(metadata, "version", installed)
            snapshot = taken(hub, tmp_path / folder / str(version), "community:tidy_unet")
        assert snapshot.label == f"community:{folder}"


def test_data_set_of_pipelines(hub: SmallHub, tmp_path: Path) -> None:
    """Of a mirror those are looked at that the newest diffusers loads."""
    hub.repos["datasets/o/mirror"] = mirror("main", "v0.30.0")
    snapshot = taken(hub, tmp_path, "hub:datasets/o/mirror")
    found = submissions(snapshot).submissions
    assert [s.path for s in found] == [
        f"hub:datasets/o/mirror@{snapshot.sha[:7]}/main/{name}" for name in ("other_one.py", "tidy_unet.py")
    ]


class TestCommand:
    """`cpipe-check hub:...`, as a user runs it."""

    @staticmethod
    def run(hub: SmallHub, *arguments: str, **env: str):
        return run_command(*arguments, HF_ENDPOINT=hub.url, HF_HOME="/nonexistent", **env)

    def test_report(self, hub: SmallHub, tmp_path: Path) -> None:
        broken = GOOD.replace(b"register_modules", b"register_module")
        hub.repos["o/r"].revisions["refs/pr/2"] = {**WHOLE, "pipeline.py": broken}
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        done = self.run(hub, "--static", "hub:o/r", TMPDIR=str(temporary))
        assert (done.code, done.err) == (0, "")
        sha = hub.repos["o/r"].sha("main")
        assert done.out.startswith(f"hub:o/r@{sha[:7]}/pipeline.py  {CLASS}(unet, scheduler)\n")
        assert os.listdir(temporary) == []
        done = self.run(
            hub, "--static", "--output-format", "json", "hub:o/r@refs/pr/2", str(PIPELINES / "inherited.py")
        )
        assert done.code == 1
        files = json.loads(done.out)["files"]
        assert [finding["code"] for finding in files[1]["findings"]] == ["CP203"]
        done = self.run(hub, "--diff", "hub:o/r", "--static")
        assert done.code == 0

    def test_what_cannot_be_had(self, hub: SmallHub) -> None:
        done = self.run(hub, "--static", "hub:o/none")
        assert (done.code, done.out) == (3, "")
        assert done.err == (
            "cpipe-check: hub:o/none: there is no o/none, or it is private; check the name, or set HF_TOKEN or run "
            "`hf auth login`\n"
        )
        assert self.run(hub, "--static", "hub:o/../x").code == 2
        done = self.run(hub, "--static", "--fix", "hub:o/r")
        assert done.code == 2
        assert "--diff shows what to change" in done.err
        done = self.run(hub, "--static", "hub:o/r", HF_HUB_OFFLINE="1")
        assert (done.code, "HF_HUB_OFFLINE is set" in done.err) == (3, True)

    def test_without_huggingface_hub(self, hub: SmallHub, tmp_path: Path) -> None:
        (tmp_path / "huggingface_hub.py").write_text("raise ImportError\n")
        path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        done = self.run(hub, "--static", "hub:o/r", PYTHONPATH=path)
        assert done.code == 3
        assert "needs huggingface_hub: pip install -U 'huggingface_hub>=1'" in done.err
