"""Snapshots, until the checker takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import get_session

from cpipe_check.submission import MAX_BYTES, Collection, Submission
from cpipe_check.text import clean_line

_NETWORK = next(cls for cls in HfHubHTTPError.__mro__ if cls.__name__ == "HTTPError")


class SnapshotError(Exception):
    def __init__(self, why: str, *, may_pass: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.may_pass = may_pass
        self.retry_after = retry_after


@dataclass(frozen=True)
class Snapshot:
    directory: Path
    files: tuple[str, ...]
    label: str
    passed: tuple[tuple[str, str], ...]


def take(source: str, directory: Path, *, endpoint: str | None = None, token: str | None = None) -> Snapshot:
    repo, _, sha = source.removeprefix("hub:").partition("@")
    api = HfApi(endpoint=endpoint, token=token)
    files, passed = [], []
    try:
        info = get_session().get(f"{endpoint}/api/models/{repo}/revision/{sha}", headers=api._build_hf_headers())
        if info.status_code != 200:
            raise _error(info)
        answer: Any = get_session().get(
            f"{endpoint}/api/models/{repo}/tree/{sha}?recursive=true&expand=false", headers=api._build_hf_headers()
        )
        if answer.status_code != 200:
            raise _error(answer)
        for entry in answer.json():
            name = entry["path"]
            if "/" in name or not (name.endswith((".py", "README.md")) or name == "model_index.json"):
                continue
            if entry["size"] > MAX_BYTES or entry.get("lfs"):
                passed.append((name, "too large"))
                continue
            got = get_session().get(f"{endpoint}/{repo}/resolve/{sha}/{name}", headers=api._build_hf_headers())
            if got.status_code != 200:
                raise _error(got)
            (directory / name).write_bytes(got.content)
            files.append(name)
    except (_NETWORK, OSError, ValueError) as error:
        raise SnapshotError(type(error).__name__, may_pass=True) from None
    return Snapshot(directory, tuple(files), f"hub:{repo}@{sha[:7]}", tuple(passed))


def _error(answer: Any) -> SnapshotError:
    status = answer.status_code
    return SnapshotError(f"the Hub answers {status}", may_pass=status >= 500 or status == 429)


def submissions(snapshot: Snapshot) -> Collection:
    found = []
    for name in snapshot.files:
        content = (snapshot.directory / name).read_bytes()
        if name.endswith(".py") and (name == "pipeline.py" or b"Pipeline" in content):
            path = f"{snapshot.label}/{name}"
            found.append(Submission(path, content, snapshot.directory, name != "pipeline.py", False))
    problems = () if found else (clean_line("no pipeline file"),)
    passed = tuple((clean_line(f"{snapshot.label}/{path}"), clean_line(why)) for path, why in snapshot.passed)
    return Collection(tuple(found), passed, problems)
