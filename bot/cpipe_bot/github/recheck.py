"""The static check of a pull request's files, done anew where nothing of the pull request runs.

The files come by the API and are only parsed. The settings are the base branch's.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from github.File import File
from github.PullRequest import PullRequest
from github.Repository import Repository

from cpipe_bot.github.base_settings import FILE, base_settings
from cpipe_bot.github.client import CannotPublish
from cpipe_bot.github.globs import matches
from cpipe_bot.github.settings import Settings
from cpipe_bot.github.snapshot import Snapshot, Unreadable
from cpipe_check.api_index import ApiIndexError
from cpipe_check.api_index.target import Target, resolve
from cpipe_check.checker import check
from cpipe_check.config import Config, ConfigError, tool_table
from cpipe_check.fix_files import fix_all
from cpipe_check.fixing import unified
from cpipe_check.report.model import Compatibility, Report
from cpipe_check.submission import Collection, Submission
from cpipe_check.text import CleanText, clean_line

# GitHub lists no more.
_MOST_CHANGED = 3000
_ALWAYS_DISTRUSTED = (".github/**", "action.yml", "action.yaml")
_SIBLING = re.compile(rb"^[ \t]*from[ \t]+\.([A-Za-z_]\w{0,80})(?=[ \t.])", re.MULTILINE)
_MAX_SIBLINGS = 10


@dataclass(frozen=True, slots=True)
class Recheck:
    """What the publisher found out by itself.

    `report` has no smoke-loads yet. `before` holds what each file was on the base branch, by its path now, None for a
    new one. `patches` are the files' diffs as GitHub has them, `fixes` those that `--fix` would make; `distrusted` are
    the changed paths that keep the pull request's own word from counting.
    """

    report: Report
    before: Mapping[str, Compatibility | None]
    contents: Mapping[str, bytes]
    patches: Mapping[str, str]
    fixes: Mapping[str, str]
    distrusted: tuple[CleanText, ...]


def recheck(repository: Repository, pull: PullRequest, settings: Settings) -> Recheck:
    """Check the pipeline files that a pull request changes, statically.

    Raises:
        CannotPublish: when the base branch's settings cannot be used.
    """
    changed = list(pull.get_files())
    head, base = Snapshot(repository, pull.head.sha), Snapshot(repository, pull.base.sha)
    with tempfile.TemporaryDirectory(prefix="cpipe-bot-") as scratch:
        config, target = _settings(base)
        chosen = [file for file in changed if _is_chosen(file.filename, settings)]
        submissions, skipped = _submissions(head, chosen, Path(scratch))
        if len(changed) >= _MOST_CHANGED:
            more = "GitHub lists only the first 3,000 changed files"
            skipped.append((clean_line("more"), clean_line(more)))
        report = _checked(submissions, config, target)
        fixes = _fixes(report, submissions, config, target)
        earlier = _before(base, [file for file in chosen if file.status != "removed"], config, target)
    found = {submission.path: submission.content for submission in submissions}
    patches = {file.filename: file.patch or "" for file in chosen}
    return Recheck(
        replace(report, skipped=(*skipped, *report.skipped)),
        MappingProxyType(earlier),
        MappingProxyType(found),
        MappingProxyType(patches),
        MappingProxyType(fixes),
        tuple(clean_line(path) for path in _distrusted(changed, head, base, settings)),
    )


def _is_chosen(path: str, settings: Settings) -> bool:
    return matches(path, settings.patterns) and not matches(path, settings.exclude)


def _settings(base: Snapshot) -> tuple[Config, Target]:
    try:
        content = base.read(FILE)
    except Unreadable:
        content = None
    try:
        config = base_settings(content)
        return config, resolve(config.diffusers, config.transformers)
    except (ConfigError, ApiIndexError) as error:
        raise CannotPublish(str(error)) from None


def _submissions(
    head: Snapshot, chosen: Sequence[File], directory: Path
) -> tuple[list[Submission], list[tuple[CleanText, CleanText]]]:
    found, skipped = [], []
    for number, file in enumerate(chosen):
        path = file.filename
        if file.status == "removed":
            skipped.append((clean_line(path), clean_line("deleted")))
            continue
        try:
            content = head.read(path)
        except Unreadable as reason:
            skipped.append((clean_line(path), clean_line(str(reason))))
            continue
        beside = directory / str(number)
        beside.mkdir()
        for module, sibling in _siblings(head, path, content):
            (beside / f"{module}.py").write_bytes(sibling)
        found.append(Submission(path, content, beside, discovered=True))
    return found, skipped


def _siblings(head: Snapshot, path: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The modules beside a file that it imports relatively, as far as the loader itself would fetch them."""
    names = dict.fromkeys(name.decode() for name in _SIBLING.findall(content))
    for name in list(names)[:_MAX_SIBLINGS]:
        try:
            yield name, head.read(str(PurePosixPath(path).with_name(f"{name}.py")))
        except Unreadable:
            continue


def _checked(submissions: Sequence[Submission], config: Config, target: Target) -> Report:
    if not submissions:
        return Report(())
    given = Collection(tuple(submissions), (), ())
    report = check(given, target=target, recipes=config.recipes, selection=config.selection)
    # That none of them defines a pipeline is no fault of a pull request.
    return report if report.files else replace(report, problems=())


def _fixes(report: Report, submissions: Sequence[Submission], config: Config, target: Target) -> dict[str, str]:
    """What `--fix` would change in each file, as unified diffs."""
    fixable = {file.path for file in report.files if any(finding.fix is not None for finding in file.findings)}
    chosen = [submission for submission in submissions if clean_line(submission.path) in fixable]
    done = fix_all(chosen, target, config.recipes, config.selection)
    return {each.path: unified(each.path, each.content, fixed.content) for each, fixed in done}


def _before(base: Snapshot, chosen: Sequence[File], config: Config, target: Target) -> dict[str, Compatibility | None]:
    earlier: dict[str, Compatibility | None] = {file.filename: None for file in chosen}
    submissions = []
    for file in chosen:
        try:
            content = base.read(file.previous_filename or file.filename)
        except Unreadable:
            continue
        submissions.append(Submission(file.filename, content, None, discovered=True))
    for report in _checked(submissions, config, target).files:
        earlier[report.path] = report.compatibility
    return earlier


def _distrusted(changed: Sequence[File], head: Snapshot, base: Snapshot, settings: Settings) -> Iterator[str]:
    """Yield the changed paths with which a pull request could change its own check."""
    patterns = (*_ALWAYS_DISTRUSTED, *settings.distrusted)
    for file in changed:
        for path in filter(None, (file.filename, file.previous_filename)):
            if matches(path, patterns):
                yield path
            elif path == FILE and _table(head) != _table(base):
                yield f"{path} ([tool.cpipe-check])"


def _table(snapshot: Snapshot) -> object:
    """The tool's own table in a commit's pyproject.toml, or what tells that it cannot be read."""
    try:
        return tool_table(snapshot.read(FILE).decode())
    except (Unreadable, ValueError) as error:
        return str(error)
