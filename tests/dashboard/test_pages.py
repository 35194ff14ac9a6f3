"""The pages say what the store holds, escaped, with headers that let them do nothing else."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

import reports
import test_html
from cpipe_bot.jobs.work import Done
from cpipe_bot.store import Runs, connect, run_id
from cpipe_bot.web import pages
from cpipe_check.text import clean_line
from dashboard.demo import TOKEN, Letter, Queue, application, done, work
from test_html import Page

html5lib = pytest.importorskip("html5lib")
HTML = {"Accept": "text/html"}
test_html.VOID |= {"link", "input"}


def client(runs: Runs, queue: Queue | None = None, token: str | None = TOKEN) -> TestClient:
    app = application(runs, queue or Queue(), token)
    return TestClient(app, headers=HTML, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def here(small: Runs) -> TestClient:
    return client(small)


@pytest.fixture(scope="session")
def shown(filled: tuple[Runs, Queue]) -> TestClient:
    return client(*filled)


PAGES = {
    "runs": "/",
    "no runs": "/?repo=nobody",
    "a run": f"/runs/{run_id(work(number=3))}",
    "a run without a report": f"/runs/{run_id(work('octo/no-pipeline', 8))}",
    "a run that waits": f"/runs/{run_id(work('slow/one', 10))}",
    "a dead run": f"/runs/{run_id(work('gone/away-0', 90))}",
    "a repository": "/repos/octo/upscaler",
    "several files": "/repos/octo/three-files",
    "the queue": "/queue",
    "nothing there": "/nothing",
    "an error": "/broken",
}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_valid(shown: TestClient, path: str) -> None:
    """No parse error by the standard's own algorithm, and what people with a screen reader go by."""
    answer = shown.get(path)
    html5lib.HTMLParser(strict=True).parse(answer.text)
    page = Page(answer.text)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h\d", name)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [value for _, attributes in page.elements for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {name for name, _ in page.elements}.isdisjoint({"script", "style", "object", "embed", "base"})


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_nothing_from_elsewhere(shown: TestClient, path: str) -> None:
    answer = shown.get(path)
    for name, attributes in Page(answer.text).elements:
        for key, value in attributes:
            assert not key.startswith("on")
            assert key != "style"
            if key in ("src", "href", "action"):
                local = str(value).startswith(("/", "#")) and not str(value).startswith("//")
                assert local or (name == "a" and str(value).startswith("https://huggingface.co/")), value
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'"
    )
    assert "script-src" not in policy
    assert "frame-ancestors" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def hostile_pages(text: str, runs: Runs) -> dict[str, str]:
    """Every page with a text in every field that takes one."""
    one, dead = work(ref=f"refs/heads/{text}"), work("octo/dead", 2, ref=f"refs/heads/{text}")
    report = reports.filled(lambda name: f"{name} {text}")
    runs.finished(one, Done("failure", f"headline {text}", report), 1.0)
    runs.finished(work(number=3), Done("neutral", f"main {text}", report), 1.0)
    runs.dead(dead, f"error {text}")
    runs.retrying(work("octo/late", 4), f"late {text}")
    http = client(runs, Queue(Letter(7, dead, f"letter {text}")))
    paths = {
        "index": "/",
        "asked": f"/?repo={quote(text[:190])}",
        "run": f"/runs/{run_id(one)}",
        "dead": f"/runs/{run_id(dead)}",
        "repo": "/repos/octo/upscaler",
        "queue": "/queue",
    }
    answers = {name: http.get(path) for name, path in paths.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {name: answer.text for name, answer in answers.items()}


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('harmless') / 'cpipe.sqlite'}")
    found = hostile_pages("harmless", Runs(engine))
    engine.dispose()
    return found


TEXTS = {**reports.HOSTILE, **test_html.HOSTILE, "jinja": "{{ 7 * 7 }} {% raw %} {# x #}"}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_is_inert(small: Runs, harmless: dict[str, str], text: str) -> None:
    """It makes no element and no attribute, and can be read as it is."""
    for name, hostile in hostile_pages(text, small).items():
        found, expected = Page(hostile), Page(harmless[name])
        assert names(found) == names(expected), name
        assert "49" not in found.text or "49" in text
        said = {"index": "headline", "run": "headline", "dead": "error", "repo": "main", "queue": "letter"}
        if name in said:
            assert bare(clean_line(f"{said[name]} {text}"))[:400] in bare(found.text), name


def bare(text: str) -> str:
    """Without what is shown as code, or folded."""
    return re.sub(r"[\s`]+", "", text)


def names(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    """The elements and attributes but for backticks' code, whose contents differ only in text."""
    return [(tag, tuple(sorted(name for name, _ in attributes))) for tag, attributes in page.elements if tag != "code"]


def test_report_is_locked_up(shown: TestClient) -> None:
    """It is a page of its own, in which nothing may run or be fetched, whoever frames it."""
    id = run_id(work(number=3))
    (frame,) = Page(shown.get(f"/runs/{id}").text).all("iframe")
    assert frame["src"] == f"/runs/{id}/report"
    assert frame["sandbox"] in ("", None)
    answer = shown.get(f"/runs/{id}/report")
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "img-src data:", "sandbox", "form-action 'none'", "base-uri 'none'"} <= set(policy)
    assert "data:image/png" in answer.text
    assert shown.get(f"/runs/{id}/report.json").json()["files"][0]["path"] == "pipeline.py"


@pytest.mark.parametrize(
    "path",
    [
        "/runs/x",
        "/runs/" + "0" * 32,
        "/runs/" + "0" * 32 + "/report",
        f"/runs/{run_id(work('octo/no-pipeline', 8))}/report",
        "/runs/..%2f..%2fetc",
        "/repos/octo/nobody",
        "/repos/octo/..",
        "/repos/octo/%3Cscript%3E",
        "/repos/datasets/octo/upscaler",
        "/nothing",
        "/static/pages.css",
    ],
)
def test_not_found(shown: TestClient, path: str) -> None:
    answer = shown.get(path)
    assert answer.status_code == 404
    assert "<h1>Not Found</h1>" in answer.text


def test_other_errors(here: TestClient) -> None:
    wrong = here.post("/")
    assert wrong.status_code == 405
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert "Method Not Allowed" in wrong.text
    broken = here.get("/broken")
    assert broken.status_code == 500
    assert "secret" not in broken.text
    assert "Internal Server Error" in broken.text
    assert here.get("/nothing", headers={"Accept": "application/json"}).json() == {"detail": "Not Found"}
    assert "<html" not in here.get("/broken", headers={"Accept": "*/*"}).text


@pytest.mark.parametrize("query", ["state=x", "conclusion=x", "before=x", "repo=" + "x" * 201, "state=%00"])
def test_no_such_filter(here: TestClient, query: str) -> None:
    assert here.get(f"/?{query}").status_code == 400


def links(page: str, kind: str = "/runs/") -> list[str]:
    return [str(a["href"]) for a in Page(page).all("a") if str(a["href"]).startswith(kind)]


def test_filters_and_paging(shown: TestClient) -> None:
    """Every run is reached by the links alone, with the filter kept from page to page."""
    seen: list[str] = []
    path = "/?repo=many&state=done"
    counts = []
    while path:
        page = shown.get(path).text
        counts.append(len(links(page)))
        seen += links(page)
        path = next((href for href in links(page, "/?") if "before=" in href), "")
        assert not path or ("repo=many" in path and "state=done" in path)
    assert counts == [30, 10]
    assert len(set(seen)) == 40
    page = Page(shown.get("/?repo=+octo%2F&conclusion=failure").text)
    assert "octo/three-files" in page.text
    assert "many/" not in page.text
    assert "octo/no-pipeline" not in page.text
    chosen = [option["value"] for option in page.all("option") if "selected" in option]
    assert chosen == ["failure"]
    assert page.all("input")[0]["value"] == "octo/"


def test_a_repository(shown: TestClient) -> None:
    page = shown.get("/repos/octo/upscaler").text
    words = re.sub(r"\s+", " ", Page(page).text)
    assert "pipeline.py loads on diffusers 0.21.0 - 0.42.1." in words
    assert "0.21.0 - 0.30.3, perhaps 0.31.0 - 0.34.0" in words
    drawn = re.findall(r'<rect class="(\w+)" x="(\d+)" y="(\d+)" width="(\d+)"', page)
    assert [kind for kind, *_ in drawn] == ["sure", "sure", "perhaps", "sure"]
    newest, sure, perhaps, _ = [(int(x), int(x) + int(width)) for _, x, _, width in drawn]
    assert sure[1] == perhaps[0]
    assert newest[0] == sure[0]
    assert newest[1] > perhaps[1]
    assert (
        "[![cpipe-check](https://testserver/badge/octo/upscaler.svg)](https://testserver/repos/octo/upscaler)" in words
    )
    assert "main has moved on" in words


def test_a_dataset(small: Runs) -> None:
    small.finished(work("octo/mirror", repo_type="dataset"), done(), 1.0)
    here = client(small)
    (run,) = small.recent()
    assert 'href="/repos/datasets/octo/mirror"' in here.get(f"/runs/{run.id}").text
    assert 'src="/badge/datasets/octo/mirror.svg"' in here.get("/repos/datasets/octo/mirror").text
    assert "passed" in here.get("/badge/datasets/octo/mirror.svg").text
    assert "not checked" in here.get("/badge/octo/mirror.svg").text


class TestBadge:
    @pytest.mark.parametrize(
        ("outcome", "word"),
        [
            (done("success"), "passed"),
            (done("failure"), "failed"),
            (done("neutral"), "no verdict"),
            (Done("neutral", "no", opted_out=True), "not checked"),
            (Done("neutral", "no", superseded=True), "not checked"),
            (None, "not checked"),
        ],
    )
    def test_words(self, small: Runs, outcome: Done | None, word: str) -> None:
        if outcome is not None:
            small.finished(work(), outcome, 1.0)
        answer = client(small).get("/badge/octo/upscaler.svg")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/svg+xml"
        root = ET.fromstring(answer.text)
        assert root.attrib["aria-label"] == f"cpipe-check: {word}"
        assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == ["cpipe-check", word]

    @pytest.mark.parametrize("repo", ["octo/nobody", "octo/%3Csvg%3E", "octo/a..b"])
    def test_unknown(self, here: TestClient, repo: str) -> None:
        """An image all the same, since a page that shows it knows no better; it may appear soon."""
        answer = here.get(f"/badge/{repo}.svg")
        assert answer.status_code == 200
        assert "not checked" in answer.text
        assert answer.headers["cache-control"] == "public, max-age=60"

    def test_cached(self, small: Runs) -> None:
        http = client(small)
        small.finished(work(), done(), 1.0)
        first = http.get("/badge/octo/upscaler.svg")
        assert first.headers["cache-control"] == "public, max-age=300"
        etag = first.headers["etag"]
        for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            again = http.get("/badge/octo/upscaler.svg", headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        small.finished(work(), done("failure"), 1.0)
        changed = http.get("/badge/octo/upscaler.svg", headers={"If-None-Match": etag})
        assert changed.status_code == 200
        assert "failed" in changed.text
        assert http.head("/badge/octo/upscaler.svg").status_code == 200

    def test_range(self, shown: TestClient) -> None:
        title = ET.fromstring(shown.get("/badge/octo/upscaler.svg").text)[0].text
        assert title == "cpipe-check: passed at 03030303, loads on diffusers 0.21.0 - 0.42.1"


def test_jobs_that_wait_for_a_gpu(small: Runs) -> None:
    queue = Queue()
    http = client(small, queue)
    text = http.get("/queue").text
    assert "1 of them for a GPU" in text
    assert "1 job waits in the gpu queue, and no worker listens to it." in text
    queue.has_gpu = True
    assert "no worker listens" not in http.get("/queue").text


class TestReplay:
    @pytest.fixture
    def dead(self, small: Runs) -> Queue:
        letters = [Letter(n, work(f"gone/away-{n}", n), "it is gone") for n in (1, 2, 3)]
        for letter in letters:
            small.dead(letter.work, letter.reason)
        return Queue(*letters, told=lambda one: small.queued([one]))

    def test_those_chosen(self, small: Runs, dead: Queue) -> None:
        http = client(small, dead)
        page = Page(http.get("/queue").text)
        boxes = [box["value"] for box in page.all("input") if box["type"] == "checkbox"]
        assert boxes == ["1", "2", "3"]
        (form,) = page.all("form")
        answer = http.post(str(form["action"]), data={"id": ["1", "3", "4", "unknown"], "token": TOKEN})
        assert (answer.status_code, answer.headers["location"]) == (303, "/queue?replayed=2")
        assert dead.replayed == [1, 3]
        assert sorted((run.repo, run.state) for run in small.recent()) == [
            ("gone/away-1", "queued"),
            ("gone/away-2", "dead"),
            ("gone/away-3", "queued"),
        ]
        assert "2 of them wait again" in http.get("/queue?replayed=2").text

    def test_bearer(self, small: Runs, dead: Queue) -> None:
        http = client(small, dead)
        done = http.post("/queue/replay", data={"id": "2"}, headers={"Authorization": f"Bearer {TOKEN}"})
        assert done.status_code == 303
        assert dead.replayed == [2]

    @pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + " ", TOKEN.upper(), "é\x00"])
    def test_wrong_token(self, small: Runs, dead: Queue, token: str) -> None:
        answer = client(small, dead).post("/queue/replay", data={"id": "1", "token": token})
        assert answer.status_code == 403
        assert TOKEN not in answer.text
        assert dead.replayed == []

    @pytest.mark.parametrize("token", ["", "x", "None"])
    def test_no_token(self, small: Runs, dead: Queue, token: str) -> None:
        http = client(small, dead, token=None)
        assert Page(http.get("/queue").text).all("form") == []
        assert http.post("/queue/replay", data={"id": "1", "token": token}).status_code == 403
        assert dead.replayed == []

    def test_by_another_site(self, small: Runs, dead: Queue) -> None:
        """Nothing that a browser sends by itself lets anything happen: there is no cookie, and a GET does nothing."""
        http = client(small, dead)
        assert not http.get("/queue").cookies
        assert http.get(f"/queue/replay?id=1&token={TOKEN}").status_code == 405
        assert http.post(f"/queue/replay?id=1&token={TOKEN}").status_code == 415
        posted: Any = {"content": f"id=1&token={TOKEN}", "headers": {"Content-Type": "text/plain"}}
        assert http.post("/queue/replay", **posted).status_code == 415
        assert http.get("/queue").headers["content-security-policy"].endswith("frame-ancestors 'none'")
        assert dead.replayed == []

    @pytest.mark.parametrize("body", ["id=" + "x" * 70_000, "&".join(["id=1"] * 500)])
    def test_large_form(self, small: Runs, dead: Queue, body: str) -> None:
        posted: Any = {"content": body, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
        assert client(small, dead).post("/queue/replay", **posted).status_code == 413
        assert dead.replayed == []

    def test_the_queue_refuses(self, small: Runs, dead: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dead, "replay", lambda id: 1 / 0)
        assert client(small, dead).post("/queue/replay", data={"id": "1", "token": TOKEN}).status_code == 500
        assert {run.state for run in small.recent()} == {"dead"}

    def test_short_token(self, small: Runs) -> None:
        with pytest.raises(ValueError, match="16 characters"):
            pages(small, Queue(), "short")


def test_style_is_cached(here: TestClient) -> None:
    (sheet,) = [link["href"] for link in Page(here.get("/").text).all("link") if link["rel"] == "stylesheet"]
    answer = here.get(str(sheet))
    assert answer.headers["content-type"].startswith("text/css")
    assert here.get(str(sheet), headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert not re.search(r"url\(|@import|//", answer.text)


def test_head(shown: TestClient) -> None:
    for path in ("/", "/queue", "/repos/octo/upscaler", "/badge/octo/upscaler.svg", "/style.css", "/icon.svg"):
        assert shown.head(path).status_code == 200
