"""Artifacts from strangers: refused or inert, whatever is in them."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from bot.publishing import FAILED, GOOD, PATH, RAN, archive, report_of, scene
from cpipe_bot.claims import read
from cpipe_bot.github.artifact import MAX_REPORT, unpack
from cpipe_bot.refused import Refused
from github_server import GitHubServer

FILES = {PATH: GOOD}


def _zip(*members: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for member, content in members:
            file.writestr(member, content)
    return buffer.getvalue()


def _link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def _lying_size() -> bytes:
    """A bomb whose headers say that it holds a hundred bytes."""
    content = bytearray(_zip(("report.json", b" " * (MAX_REPORT + 10))))
    real = struct.pack("<L", MAX_REPORT + 10)
    return bytes(content.replace(real, struct.pack("<L", 100)))


def _bomb() -> bytes:
    """A third of a gigabyte of blanks in as many kilobytes, and it says so."""
    buffer = io.BytesIO()
    chunk = b" " * (1 << 24)
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open(zipfile.ZipInfo("report.json"), "w", force_zip64=True) as member,
    ):
        for _ in range(20):
            member.write(chunk)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no archive"),
        (b"PK\x03\x04 nonsense", "no archive"),
        (_zip(("../report.json", b"{}")), "does not hold"),
        (_zip(("/report.json", b"{}")), "does not hold"),
        (_zip(("x/report.json", b"{}")), "does not hold"),
        (_zip((_link("report.json"), b"/etc/passwd")), "no regular file"),
        (_zip(*[(f"{n}.txt", b"") for n in range(101)]), "files"),
        (_zip(("report.json", b"{}"), method=zipfile.ZIP_BZIP2), "not use"),
        (_bomb(), "MB"),
        (_lying_size(), "(no archive|larger)"),
    ],
)
def test_a_hostile_archive_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told):
        unpack(content)


def test_what_stands_beside_the_report_is_not_read() -> None:
    assert unpack(_zip(("../../etc/cron.d/x", b"boom"), ("report.json", b"{}"))) == b"{}"


def test_two_reports_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        content = _zip(("report.json", b"{}"), ("report.json", b"[]"))
    with pytest.raises(Refused, match="2 times"):
        unpack(content)


def _changed(path: str, value: object) -> dict[str, Any]:
    document = report_of({}, FILES)
    *way, last = path.split(".")
    at: Any = document
    for step in way:
        at = at[int(step) if step.isdigit() else step]
    at[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", "2"),
        ("tool.name", "another"),
        ("files", {}),
        ("files", [{}] * 2000),
        ("files.0.path", 7),
        ("files.0.path", "x" * 5000),
        ("files.0.smoke", None),
        ("files.0.smoke.verdict", "safe"),
        ("files.0.smoke.verdict", "ran\n"),
        ("files.0.smoke.reason", "x" * 30_000),
        ("files.0.smoke.stages", [{"name": "other", "seconds": 1, "ok": True}]),
        ("files.0.smoke.stages", [{"name": "load", "seconds": "1", "ok": True}]),
        ("files.0.smoke.stages", [{"name": "load", "seconds": float("inf"), "ok": True}]),
        ("files.0.smoke.stages", [{"name": "load", "seconds": -1.0, "ok": True}]),
        ("files.0.smoke.stages", [{"name": "load", "seconds": 1.0, "ok": 1}]),
        ("files.0.smoke.notices", [{"stage": "load", "text": "x"}] * 100_000),
        ("files.0.smoke.frames", [{"line": 0, "function": "", "code": ""}]),
    ],
)
def test_what_is_no_report_is_refused(path: str, value: object) -> None:
    with pytest.raises(Refused, match="no report"):
        read(json.dumps(_changed(path, value)).encode())


@pytest.mark.parametrize("content", [b"", b"null", b"[" * 100_000, b'{"version": 1' + b"0" * 9000 + b"}", b"\xff\xfe"])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="no report"):
        read(content)


def test_a_hundred_thousand_findings_are_not_even_read() -> None:
    finding = {"code": "CP999", "message": "@everyone", "severity": "error"}
    claims = read(json.dumps(_changed("files.0.findings", [finding] * 100_000)).encode())
    assert list(claims.smokes) == [PATH]


def test_a_refused_artifact_is_said_and_gives_no_verdict(server: GitHubServer) -> None:
    found = scene(server, FILES)
    found.job(content=_zip((_link("report.json"), b"/etc/passwd")))
    outcome = found.publisher().publish(found.pull.number)
    assert outcome is not None
    assert outcome.conclusion == "neutral"
    assert "no regular file" in found.comment


def test_an_archive_that_is_too_large_is_not_fetched(server: GitHubServer) -> None:
    found = scene(server, FILES)
    found.job(content=b"x" * 21_000_000)
    found.publisher().publish(found.pull.number)
    assert "at most 20 MB" in found.comment
    assert server.calls("GET", "/zip") == []


def test_a_storage_that_sends_too_much_is_cut_off(server: GitHubServer) -> None:
    found = scene(server, FILES)
    run = found.job()
    server.on("GET", r"/actions/artifacts/\d+/zip", lambda _: grow())

    def grow() -> None:
        for artifact in server.repository.artifacts.values():
            if artifact.run == run.id:
                artifact.data = b"x" * 30_000_000

    found.publisher().publish(found.pull.number)
    assert "larger than 20 MB" in found.comment


def test_a_claim_about_another_file_is_ignored(server: GitHubServer) -> None:
    found = scene(server, FILES)
    document = report_of({}, {**FILES, "examples/community/other.py": GOOD})
    document["files"] = document["files"][1:]
    found.job(content=archive(document))
    found.publisher().publish(found.pull.number)
    assert "other.py" not in found.comment
    assert "says nothing of it" in found.comment


def test_a_forged_verdict_does_not_hide_a_finding(server: GitHubServer) -> None:
    from bot.publishing import MOVED

    found = scene(server, {PATH: MOVED})
    document = report_of({PATH: RAN}, {PATH: MOVED})
    document["files"][0].update(findings=[], static="ok", loads=True)
    found.job(content=archive(document))
    outcome = found.publisher().publish(found.pull.number)
    assert outcome is not None
    assert outcome.conclusion == "failure"
    assert "multicontrolnet" in found.comment


def test_a_claim_says_whose_word_it_is(server: GitHubServer) -> None:
    found = scene(server, FILES)
    found.job()
    found.publisher().publish(found.pull.number)
    assert "as claimed by the pull request's own check job" in found.comment


@pytest.mark.parametrize(
    "path",
    [".github/workflows/check.yml", ".github/actions/x/action.yml", "action.yml"],
)
def test_a_pull_request_that_changes_its_own_check_gets_no_verdict(server: GitHubServer, path: str) -> None:
    found = scene(server, {**FILES, path: b"x: 1\n"})
    found.job(content=archive(report_of({PATH: RAN}, FILES)))
    outcome = found.publisher().publish(found.pull.number)
    assert outcome is not None
    assert outcome.conclusion == "neutral"
    assert "No smoke-load verdict" in found.comment
    assert path in found.comment


@pytest.mark.parametrize(
    ("before", "after", "trusted"),
    [
        (None, b'[tool.cpipe-check]\nignore = ["CP301"]\n', False),
        (b"[tool.cpipe-check]\n", b"[project]\nname = 'x'\n[tool.cpipe-check]\n", True),
        (b"[project]\nname = 'x'\n", b"[project]\nname = 'y'\n", True),
        (b"[project]\nname = 'x'\n", b"not toml", False),
        (b"[tool.cpipe-check]\n", None, False),
    ],
)
def test_the_tool_s_settings_are_the_base_s(
    server: GitHubServer, before: bytes | None, after: bytes | None, trusted: bool
) -> None:
    base = {} if before is None else {"pyproject.toml": before}
    found = scene(server, FILES, base=base)
    server.push(found.pull, {"pyproject.toml": after})
    found.job()
    outcome = found.publisher().publish(found.pull.number)
    assert outcome is not None
    assert bool(outcome.distrusted) != trusted


HOSTILE = (
    "@everyone #1 https://evil.example <!-- cpipe-check:comment --> <img src=x onerror=alert(1)> |x|\n\n# H\n</details>"
)


def test_markup_in_every_claim_is_inert(server: GitHubServer) -> None:
    def filled(value: Any, key: str = "") -> Any:
        match value:
            case dict():
                return {name: filled(each, name) for name, each in value.items()}
            case list():
                return [filled(each, key) for each in value] or ([HOSTILE] if key in {"choices", "proven"} else [])
            case str() if key not in {"verdict", "name", "stage", "path", "version"}:
                return HOSTILE
        return value

    found = scene(server, FILES)
    document = report_of({PATH: FAILED}, FILES)
    document["files"][0]["smoke"] = filled(document["files"][0]["smoke"])
    found.job(content=archive(document))
    found.publisher().publish(found.pull.number)
    body = found.comment
    assert body.count("<!-- cpipe-check:comment -->") >= 1
    page = cmarkgfm.github_flavored_markdown_to_html(body, options=Options.CMARK_OPT_UNSAFE)
    assert "<img" not in page
    assert 'href="https://evil' not in page
    assert page.count("<h1") == 0
    outside = "".join(part.split("</code>", 1)[-1] for part in page.split("<code"))
    assert "@everyone" not in outside
    assert page.count("<details") == page.count("</details>")
