"""The store keeps what it is told, on both databases, with several processes at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

import reports
from cpipe_bot import kept
from cpipe_bot.jobs.work import Done, Work
from cpipe_bot.run import is_repo, is_run_id
from cpipe_bot.store import Filters, Run, Runs, connect, cursor, run_id
from cpipe_check.report import as_html, as_json
from cpipe_check.text import clean_line
from dashboard.demo import age, done, report, work


def got(runs: Runs, of: Work) -> Run:
    run = runs.get(run_id(of))
    assert run is not None
    return run


def test_a_run_from_beginning_to_end(runs: Runs) -> None:
    one = work("octo/upscaler", 1, "refs/pr/7")
    assert runs.get(run_id(one)) is None
    runs.queued([one])
    run = got(runs, one)
    assert (run.state, run.conclusion, run.started, run.finished) == ("queued", None, None, None)
    assert (run.repo, run.ref, run.sha, run.trigger) == ("octo/upscaler", "refs/pr/7", "01" * 20, "pull request")
    assert (run.discussion, run.pull_request, run.dry_run, run.files) == (7, 7, False, ())
    runs.running(one)
    assert got(runs, one).state == "running"
    runs.retrying(one, "the Hub\nasks to wait")
    assert (got(runs, one).state, got(runs, one).error) == ("queued", "the Hub asks to wait")
    runs.running(one)
    found = report(("0.21.0", "0.30.3", True), ("0.31.0", "0.42.1", None))
    runs.finished(one, done("failure", "it does not run", report=found, discussion=9), 2.5)
    run = got(runs, one)
    assert (run.state, run.conclusion, run.headline) == ("done", "failure", "it does not run")
    assert (run.discussion, run.error, run.seconds) == (9, "", 2.5)
    assert run.started is not None
    assert run.finished is not None
    assert run.created <= run.started <= run.finished
    assert run.created.utcoffset() == timedelta(0)
    (file,) = run.files
    assert (file.path, file.pipeline_class, file.static, file.loads, file.smoke) == (
        "pipeline.py",
        "OneStep",
        "ok",
        True,
        "ran",
    )
    assert [(r.first, r.last, r.loads) for r in file.ranges["diffusers"]] == [
        ("0.21.0", "0.30.3", True),
        ("0.31.0", "0.42.1", None),
    ]
    assert runs.page(run.id) == as_html.render(found)
    assert runs.document(run.id) == as_json.render(found)


@pytest.mark.parametrize("flag", ["superseded", "opted_out"])
def test_nothing_checked(runs: Runs, flag: str) -> None:
    runs.finished(work(), Done("neutral", "why", **{flag: True}), 0.1)
    run = got(runs, work())
    assert (run.state, run.conclusion, run.headline) == (flag.replace("_", " "), None, "why")
    assert runs.page(run.id) == runs.document(run.id) == ""


def test_told_twice_and_out_of_order(runs: Runs) -> None:
    """A step runs again after a `kill -9`; a delivery comes again after all is done."""
    for _ in range(2):
        runs.finished(work(), done(), 1.0)
    runs.queued([work()])
    assert got(runs, work()).state == "done"
    assert len(runs.recent()) == 1
    runs.running(work())
    assert (got(runs, work()).state, got(runs, work()).conclusion) == ("running", None)
    runs.finished(work(), done("failure"), 1.0)
    assert got(runs, work()).conclusion == "failure"


def test_given_up_and_replayed(runs: Runs) -> None:
    runs.dead(work(), "gone\x1b[31m\x00")
    assert (got(runs, work()).state, got(runs, work()).error) == ("dead", "gone\ufffd")
    runs.queued([work()])
    run = got(runs, work())
    assert (run.state, run.error, run.finished) == ("queued", "", None)


def test_dry_run(engine: sa.Engine) -> None:
    Runs(engine, dry_run=True).queued([work()])
    assert got(Runs(engine), work()).dry_run


@pytest.mark.parametrize(
    "repo", ["", "octo", "../etc", "octo/..", "octo/a..b", "octo/a/b", "octo/a b", "octo/<b>", "octo/é", "/a", "o/a\n"]
)
def test_no_repository(small: Runs, repo: str) -> None:
    assert not is_repo(repo)
    with pytest.raises(ValueError, match="no repository"):
        small.running(work(repo))
    with pytest.raises(ValueError, match="no repository"):
        small.queued([work(repo), work()])
    # One takes no other with it.
    assert [run.repo for run in small.recent()] == [work().repo]


def test_no_commit(small: Runs) -> None:
    with pytest.raises(ValueError, match="no commit"):
        small.queued([work(sha="refs/heads/main")])
    assert small.recent() == ()


def test_ids() -> None:
    assert is_run_id(run_id(work()))
    assert len({run_id(work()), run_id(work(number=2)), run_id(work(comment="c")), run_id(work(rules="2"))}) == 4
    assert not any(map(is_run_id, ("", "x", "0" * 31, "G" * 32, "0" * 32 + "\n")))


@pytest.mark.parametrize("text", reports.HOSTILE.values(), ids=reports.HOSTILE)
def test_hostile_text(runs: Runs, text: str) -> None:
    """It comes back clean, whatever the database thinks of it."""
    one = work(ref=f"refs/heads/{text}")
    runs.finished(one, Done("failure", text, reports.filled(lambda name: f"{name} {text}")), 1.0)
    run = got(runs, one)
    assert run.headline == clean_line(text, 500)
    assert run.ref == clean_line(f"refs/heads/{text}", 255)
    assert run.files[0].path == clean_line(f"path {text}") or "\n" in text or "\t" in text
    json.loads(runs.document(run.id))
    assert [found.id for found in runs.recent(Filters(repo="SCALE"))] == [run.id]


def test_filters(runs: Runs) -> None:
    runs.finished(work("octo/a_b", 1), done(), 1.0)
    runs.finished(work("octo/axb", 2), done("failure"), 1.0)
    runs.queued([work("other/a_b", 3)])

    def found(**asked: str) -> list[str]:
        return sorted(run.repo for run in runs.recent(Filters(**asked)))  # type: ignore[arg-type]

    assert found() == ["octo/a_b", "octo/axb", "other/a_b"]
    assert found(repo="A_B") == ["octo/a_b", "other/a_b"]
    assert found(repo="octo/") == ["octo/a_b", "octo/axb"]
    assert found(repo="%") == found(repo="nobody") == []
    assert found(state="queued") == ["other/a_b"]
    assert found(conclusion="failure") == ["octo/axb"]
    assert found(state="queued", conclusion="failure") == []
    assert runs.counts() == {"done": 2, "queued": 1}


def test_paging_shows_every_run_once(runs: Runs, engine: sa.Engine) -> None:
    """Also those accepted in the same millisecond."""
    works = [work(f"octo/repo-{number}", number) for number in range(23)]
    for each in works:
        runs.queued([each])
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE cpipe_runs SET created = created / 10 * 10"))
    seen: list[str] = []
    before = ""
    while page := runs.recent(before=before, limit=5):
        seen += [run.id for run in page]
        before = cursor(page[-1])
    assert len(seen) == 23
    assert set(seen) == {run_id(each) for each in works}


@pytest.mark.parametrize(
    "before", ["x", "1", "-", "1-x", f"{'9' * 30}-{'0' * 32}", "1-" + "0" * 32 + "\n", "' OR 1=1 --"]
)
def test_no_cursor(small: Runs, before: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        small.recent(before=before)


def test_history_and_latest(runs: Runs, engine: sa.Engine) -> None:
    assert runs.latest("octo/upscaler") is None
    runs.finished(work(number=1), done("failure"), 1.0)
    runs.finished(work(number=2), done("success"), 1.0)
    runs.finished(work(number=3, ref="refs/pr/4"), done("failure"), 1.0)
    runs.finished(work(number=4), Done("neutral", "moved on", superseded=True), 1.0)
    runs.running(work(number=5))
    runs.dead(work(number=6), "gone")
    runs.finished(work("octo/other", 7), done("failure"), 1.0)
    runs.finished(work(number=8, repo_type="dataset"), done("failure"), 1.0)
    age(engine, {run_id(work(number=number)): 10 - number for number in (1, 2, 4, 5, 6)})
    assert [run.sha[:2] for run in runs.history("octo/upscaler")] == ["03", "06", "05", "04", "02", "01"]
    assert [run.sha[:2] for run in runs.history("octo/upscaler", limit=2)] == ["03", "06"]
    latest = runs.latest("octo/upscaler")
    assert latest is not None
    assert latest.sha[:2] == "02"
    dataset = runs.latest("octo/upscaler", "dataset")
    assert dataset is not None
    assert dataset.sha[:2] == "08"


def test_prune(runs: Runs, engine: sa.Engine) -> None:
    """What ended long ago goes with its report, but a repository keeps its badge; what has not ended stays."""
    for number in (1, 2):
        runs.finished(work(number=number), done(), 1.0)
    runs.finished(work(number=3, ref="refs/pr/4"), done(), 1.0)
    runs.finished(work("octo/other", 4), done(), 1.0)
    runs.dead(work("octo/other", 5), "gone")
    runs.queued([work("octo/other", 6)])
    runs.finished(work("octo/young", 7), done(), 1.0)
    old = {run_id(work(number=1)): 50.0, run_id(work(number=2)): 40.0, run_id(work(number=3, ref="refs/pr/4")): 40.0}
    age(engine, {**old, **{run_id(work("octo/other", number)): 40.0 for number in (4, 5, 6)}})
    assert runs.prune(timedelta(days=30)) == 3
    assert sorted(run.sha[:2] for run in runs.recent()) == ["02", "04", "06", "07"]
    assert runs.page(run_id(work(number=1))) == ""
    assert runs.page(run_id(work(number=2))) != ""
    assert runs.prune(timedelta(days=30)) == 0


def test_large_reports(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures go first."""
    with_pictures = report()
    file = with_pictures.files[0]
    without = replace(with_pictures, files=(replace(file, smoke=replace(file.smoke, pictures=())),))
    monkeypatch.setattr(kept, "LARGEST", len(as_html.render(without)) + 10)
    runs.finished(work(), done(), 1.0)
    assert runs.page(run_id(work())) == as_html.render(without)
    monkeypatch.setattr(kept, "LARGEST", 1000)
    runs.finished(work(), done(), 1.0)
    assert runs.page(run_id(work())) == runs.document(run_id(work())) == ""
    assert got(runs, work()).files[0].path == "pipeline.py"


def test_many_files(runs: Runs) -> None:
    """A list stays small whatever a repository has."""
    span = ("0.21.0", "0.22.0", True)
    file = report(*([span] * 40)).files[0]
    runs.finished(work(), done(report=replace(report(), files=(file,) * 60)), 1.0)
    files = got(runs, work()).files
    assert len(files) == 50
    assert len(files[0].ranges["diffusers"]) == 30


_NOTES = """
import sys
from cpipe_bot.jobs.work import Done, Work
from cpipe_bot.store import Runs, connect
url, start = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
runs = Runs(connect(url))
for number in range(start, start + 40):
    work = Work("model", f"octo/repo-{number % 60}", "refs/heads/main", "0" * 40, "0.1.0", "push")
    runs.queued([work])
    runs.running(work)
    runs.finished(work, Done("success", "fine"), 1.0)
"""


def test_several_processes(engine: sa.Engine) -> None:
    """Each creates the tables and writes, some of it the same runs."""
    url = engine.url.render_as_string(hide_password=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _NOTES, url, str(start)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for start in (0, 30, 60)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert Runs(engine).counts() == {"done": 60}


def test_readers_do_not_wait_for_a_writer(engine: sa.Engine) -> None:
    runs = Runs(engine)
    runs.queued([work()])
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE cpipe_runs SET state = 'running'"))
        found: list[str] = []
        reader = threading.Thread(target=lambda: found.extend(run.state for run in runs.recent()))
        reader.start()
        reader.join(20)
        assert found == ["queued"]


def test_databases() -> None:
    assert connect("postgresql://u:p@db/x").url.drivername == "postgresql+psycopg"
    with pytest.raises(ValueError, match="SQLite or Postgres"):
        connect("mysql://x")
