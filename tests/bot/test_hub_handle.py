"""Pushes and pull requests on a loopback Hub, by the real huggingface_hub client, each answered once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.hub import BAD, BOT, FILES, GOOD, Scene, scene
from cpipe_bot.hub import checking
from cpipe_bot.hub.client import Hub as Client
from cpipe_bot.hub.settings import HubSettings, from_environment
from cpipe_bot.jobs.work import GiveUp, TryAgain
from cpipe_check.checker import check
from cpipe_check.report.model import Report, Verdict
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.submission import Collection
from hub_server import Hub, Stored

NEWER = GOOD + b"# newer\n"


def test_a_good_push_is_not_spoken_of(hub: Hub) -> None:
    found = scene(hub)
    done = found.do()
    assert (done.conclusion, done.discussion) == ("success", None)
    assert done.report is not None
    assert [file.path for file in done.report.files] == ["pipeline.py"]
    assert hub.writes() == []


def test_a_bad_push_opens_a_discussion_that_the_next_good_one_closes(hub: Hub) -> None:
    found = scene(hub)
    sha = hub.push(found.repo, {"pipeline.py": BAD})
    done = found.do()
    assert (done.conclusion, done.discussion) == ("failure", 1)
    assert "CP202" in found.main
    assert f"cpipe-check --static hub:alice/pipe@{sha}" in found.main
    assert found.discussion.status == "open"
    hub.push(found.repo, {"pipeline.py": GOOD})
    assert found.do().conclusion == "success"
    assert found.discussion.status == "closed"
    assert "✅" in found.main
    assert len(found.discussion.comments) == 1


def test_it_is_reopened_not_opened_again(hub: Hub) -> None:
    found = scene(hub)
    for _ in range(3):
        hub.push(found.repo, {"pipeline.py": BAD})
        found.do()
        assert found.discussion.status == "open"
        hub.push(found.repo, {"pipeline.py": GOOD})
        found.do()
        assert found.discussion.status == "closed"
        hub.push(found.repo, {"pipeline.py": NEWER})
        found.do()
    assert len(found.repo.discussions) == 1
    # One that notifies for each change; edits do not.
    notifying = [request.path.rpartition("/")[2] for request in hub.writes() if not request.path.endswith("/edit")]
    assert notifying == ["discussions", "status", "status", "status", "status", "status"]


def test_what_its_owner_closed_stays_closed_until_something_changes(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    found.do()
    hub.close_discussion(found.discussion, "alice")
    sha = hub.push(found.repo, {"pipeline.py": BAD + b"# once more\n"})
    found.do()
    assert found.discussion.status == "closed"
    assert sha in found.main
    hub.push(found.repo, {"pipeline.py": GOOD})
    found.do()
    hub.push(found.repo, {"pipeline.py": BAD})
    found.do()
    assert found.discussion.status == "open"


@pytest.mark.parametrize("content", [GOOD, BAD])
def test_a_pull_request_has_one_comment(hub: Hub, content: bytes) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": content})
    done = found.do(found.work(pull.ref))
    assert (done.conclusion == "success", done.discussion) == (content == GOOD, 1)
    (answer,) = found.answers(pull)
    assert found.repo.refs[pull.ref] in answer
    assert ("CP202" in answer) == (content == BAD)
    writes = len(hub.writes())
    found.do(found.work(pull.ref))
    assert len(hub.writes()) == writes


def test_twenty_updates_make_one_comment(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    for number in range(20):
        sha = hub.update_pr(found.repo, pull, {"pipeline.py": (BAD if number % 2 else GOOD) + b"# %d\n" % number})
        found.do(found.work(pull.ref))
        (answer,) = found.answers(pull)
        assert sha in answer
        assert ("❌" in answer) == bool(number % 2)


def test_a_force_push(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    old = found.work()
    found.do()
    hub.force_push(found.repo, {"pipeline.py": GOOD})
    found.do()
    assert found.discussion.status == "closed"
    assert found.do(old).superseded
    assert found.repo.refs["refs/heads/main"] in found.main


def test_old_work_is_superseded(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    old = found.work()
    hub.push(found.repo, {"pipeline.py": NEWER})
    done = found.do(old)
    assert (done.superseded, done.report) == (True, None)
    assert hub.writes() == []


def test_a_deleted_ref_and_a_closed_pull_request(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    work = found.work(pull.ref)
    hub.delete_ref(found.repo, pull.ref)
    assert found.do(work).superseded
    other = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    hub.close_discussion(other, "alice")
    assert found.do(found.work(other.ref)).conclusion == "neutral"
    assert hub.writes() == []


def _delete(found: Scene) -> None:
    found.hub.delete(found.repo)


def _make_private(found: Scene) -> None:
    found.repo.private = True


def _grant_private(found: Scene) -> None:
    found.repo.private = True
    found.repo.granted.add(BOT)


def _gate(found: Scene) -> None:
    found.repo.gated = True


def _disable(found: Scene) -> None:
    found.repo.disabled = True


def _revoke(found: Scene) -> None:
    found.hub.revoke(found.settings.token)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_delete, "gone"),
        (_make_private, "gone"),
        (_grant_private, "private"),
        (_gate, "gated"),
        (_disable, "disabled"),
        (_revoke, "token"),
    ],
)
def test_it_is_given_up(hub: Hub, change: Callable[[Scene], None], why: str) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    work = found.work()
    change(found)
    with pytest.raises(GiveUp, match=why):
        found.do(work)
    assert hub.writes() == []


def test_a_renamed_repository_is_answered_under_its_new_name(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    work = found.work()
    hub.rename(found.repo, "carol/moved")
    assert found.do(work).conclusion == "failure"
    assert "hub:carol/moved@" in found.main


def test_no_pipeline_is_not_spoken_of(hub: Hub) -> None:
    found = scene(hub, {"README.md": b"# weights only\n"})
    pull = hub.open_pr(found.repo, "bob", {"README.md": b"# better\n"})
    for work in (found.work(), found.work(pull.ref)):
        done = found.do(work)
        assert (done.conclusion, done.report) == ("neutral", None)
    assert hub.writes() == []


def test_an_answer_does_not_outlive_its_pipeline(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    found.do(found.work(pull.ref))
    sha = hub.update_pr(found.repo, pull, {"pipeline.py": None})
    found.do(found.work(pull.ref))
    (answer,) = found.answers(pull)
    assert sha in answer
    assert "no pipeline file" in answer


def test_twenty_pipelines(hub: Hub) -> None:
    files = {f"pipeline_{n}.py": (BAD if n % 3 == 0 else GOOD) + b"# %d\n" % n for n in range(20)}
    found = scene(hub, {"pipeline.py": GOOD, **files})
    done = found.do()
    assert done.report is not None
    assert len(done.report.files) == 21
    assert len(found.main.encode()) <= 65_000
    assert "7 of 21 pipelines" in found.main


def test_a_huge_repository(hub: Hub) -> None:
    weights = {f"unet/part-{n:05}.safetensors": Stored(5 << 30) for n in range(2500)}
    found = scene(hub, {**FILES, "big.py": Stored(9_000_000), **weights})
    done = found.do()
    assert done.conclusion == "success"
    assert not hub.calls(containing="safetensors")
    assert done.report is not None
    assert "big.py" in str(done.report.skipped)


@pytest.mark.parametrize(
    "files",
    [
        {".cpipe-check-off": b""},
        {"README.md": b"---\ncpipe-check: false\n---\n"},
        {"README.md": b"---\ntags:\n- no-cpipe-check\n---\n"},
    ],
)
def test_an_owner_who_wants_none(hub: Hub, files: dict[str, bytes]) -> None:
    found = scene(hub, {"pipeline.py": BAD, **files})
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD, **dict.fromkeys(files)})
    assert found.do().opted_out
    assert found.do(found.work(pull.ref)).opted_out
    assert hub.writes() == []


def test_a_pull_request_cannot_switch_off_its_own_check(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD, ".cpipe-check-off": b""})
    assert found.do(found.work(pull.ref)).conclusion == "failure"
    assert len(found.answers(pull)) == 1


def test_a_dry_run_writes_nothing(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    for work in (found.work(), found.work(pull.ref)):
        done = found.do(work, dry_run=True)
        assert done.conclusion == "failure"
        assert "nothing was written" in done.headline
        assert done.report is not None
    assert hub.writes() == []


def test_what_a_person_has_hidden_is_not_written_again(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    found.do(found.work(pull.ref))
    next(c for c in pull.comments if c.author == BOT).hidden_by = "alice"
    hub.update_pr(found.repo, pull, {"pipeline.py": BAD + b"# again\n"})
    writes = len(hub.writes())
    found.do(found.work(pull.ref))
    assert len(hub.writes()) == writes


def test_somebody_elses_marker_is_only_text(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD}, text="<!-- cpipe-check:comment -->\nmine")
    other = hub.open_discussion(found.repo, "eve", "<!-- cpipe-check:discussion -->\nmine")
    found.do(found.work(pull.ref))
    hub.push(found.repo, {"pipeline.py": BAD})
    found.do()
    assert pull.comments[0].raw.endswith("mine")
    assert other.comments[0].raw.endswith("mine")
    assert len(found.answers(pull)) == 1
    assert found.discussion.num == 3


def test_a_push_during_the_check(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    hub.on("GET", r"/resolve/.*pipeline.py", lambda _: hub.push(found.repo, {"pipeline.py": NEWER}))
    assert found.do().superseded
    assert hub.writes() == []


@pytest.mark.parametrize("where", ["main", "pull request"])
def test_a_push_between_the_writing_and_the_last_look(hub: Hub, where: str) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    ref = "refs/heads/main" if where == "main" else hub.open_pr(found.repo, "bob", {"pipeline.py": BAD}).ref
    work = found.work(ref)
    shas: list[str] = []
    hub.on(
        "POST", "/discussions", lambda _: shas.append(hub.push(found.repo, {"pipeline.py": NEWER}, ref)), when="after"
    )
    done = found.do(work)
    assert done.superseded
    text = found.main if where == "main" else found.answers(found.repo.discussions[1])[0]
    assert shas[0] in text
    assert work.sha not in text


def test_pushes_without_end_are_left_for_later(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    count = iter(range(100))
    hub.on(
        "POST",
        "/discussions",
        lambda _: hub.push(found.repo, {"pipeline.py": BAD + b"# %d\n" % next(count)}),
        when="after",
        times=100,
    )
    with pytest.raises(TryAgain, match="faster"):
        found.do()


def test_two_that_answer_at_the_same_time(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    for ref in (pull.ref, "refs/heads/main"):
        together = threading.Barrier(2, timeout=60)
        hub.on("POST", r"/discussions(/1/comment)?$", lambda _, b=together: b.wait() and None, times=2)  # type: ignore[misc]
        work = found.work(ref)
        failures: list[BaseException] = []

        def run(work: object = work, failures: list[BaseException] = failures) -> None:
            try:
                found.do(work)  # type: ignore[arg-type]
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
    assert len(found.answers(pull)) == 1
    assert found.discussion.status == "open"
    assert all(
        d.status == "closed" for d in found.repo.discussions.values() if d.author == BOT and d is not found.discussion
    )


def test_a_report_is_static_where_nothing_else_is_configured(hub: Hub) -> None:
    done = scene(hub).do()
    assert done.report is not None
    assert done.report.files[0].smoke.verdict is Verdict.NOT_RUN


def test_the_refs_that_are_looked_at(hub: Hub) -> None:
    found = scene(hub)
    hub.state.page = 3
    pulls = [hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD}) for _ in range(8)]
    for pull in pulls[::2]:
        hub.close_discussion(pull, "alice", "merged" if pull.num == 1 else "closed")
    hub.push(found.repo, {"a.txt": b""}, "refs/heads/other")
    client = Client(found.settings)
    refs = client.refs(client.repository("model", "alice/pipe"))
    wanted = ["refs/heads/main", *(pull.ref for pull in pulls[1::2])]
    assert refs == {ref: found.repo.refs[ref] for ref in wanted}


def test_settings_of_the_environment() -> None:
    told = {"HF_TOKEN": "hf_x", "HF_ENDPOINT": "http://127.0.0.1:1", "CPIPE_WATCHED": "alice/a,bob/b", "CPIPE_GPU": "1"}
    found = from_environment(told | {"CPIPE_DRY_RUN": "1", "CPIPE_SMOKE_SECONDS": "60"})
    assert (found.endpoint, found.token, found.watched) == ("http://127.0.0.1:1", "hf_x", ("alice/a", "bob/b"))
    assert found.dry_run
    assert found.smoke is not None
    assert (found.smoke.seconds, found.smoke.isolation) == (60, "strict")
    assert found.gpu is not None
    assert found.gpu.device == "cuda"
    assert "hf_x" not in repr(found)
    assert from_environment({"CPIPE_SMOKE": "off"}).smoke is None
    assert (found.own_weights, from_environment({"CPIPE_OWN_WEIGHTS": "500MB"}).own_weights) == (0, 500_000_000)
    bad = ({"CPIPE_SMOKE": "yes"}, {"CPIPE_SMOKE_SECONDS": "-1"}, {"CPIPE_WATCHED": "alice/../x"})
    for wrong in (*bad, {"CPIPE_OWN_WEIGHTS": "all"}, {"CPIPE_OWN_WEIGHTS": "3GB"}):
        with pytest.raises(GiveUp, match="CPIPE_"):
            from_environment(wrong)


def test_its_own_weights(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smoke-load is given them for as long as it lasts, else a note for the report."""
    seen: list[tuple[set[str], str]] = []
    references: list[Path] = []

    def judged(_: object, collection: Collection, smoke: SmokeOptions, *__: object) -> tuple[Report, object]:
        reference = Path(smoke.reference or "/nowhere")
        references.append(reference)
        files = {str(path.relative_to(reference)) for path in reference.rglob("*") if path.is_file()}
        seen.append((files, smoke.reference_note))
        return check(collection), {}

    monkeypatch.setattr(checking, "apart", judged)
    index = b'{"_class_name": ["pipeline", "GoodPipeline"], "unet": ["diffusers", "UNet2DModel"]}'
    weights = "unet/diffusion_pytorch_model.safetensors"
    found = scene(hub, {**FILES, "model_index.json": index, "unet/config.json": b"{}", weights: b"w" * 3000})
    settings = {"smoke": SmokeOptions(), "own_weights": 4000}
    assert found.do(**settings).conclusion == "success"
    found.do(**{**settings, "own_weights": 3000})
    found.do(**{**settings, "own_weights": 0})
    assert seen == [
        ({"model_index.json", "unet/config.json", weights}, ""),
        (set(), "its own weights are not used: they take 3 KB, and at most 3 KB are fetched"),
        (set(), ""),
    ]
    assert not references[0].exists()


def test_a_data_set_of_pipelines(hub: Hub) -> None:
    repo = hub.repo("alice/mirror", {"main/one.py": BAD, "v0.30.0/one.py": BAD}, "dataset")
    found = Scene(hub, repo, HubSettings(hub.url, hub.token(BOT)))
    done = found.do()
    assert done.report is not None
    assert [file.path for file in done.report.files] == ["one.py"]
    assert f"hub:datasets/alice/mirror@{repo.refs['refs/heads/main']}" in found.main


def test_a_thread_checks_in_a_process_of_its_own() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from cpipe_bot.apart import apart

    here = os.getpid()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(apart, os.getpid).result() != here
    assert apart(os.getpid) == here
