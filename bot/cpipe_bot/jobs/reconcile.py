"""Looking whether the Hub told of everything: it has no delivery ids and promises no second try."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable

from cpipe_bot.jobs import ledger
from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.work import RepoType, Work
from cpipe_check.text import clean_line

log = logging.getLogger("cpipe_bot.jobs")
_PULL_REQUEST = re.compile(r"refs/pr/([1-9][0-9]{0,8})")


def reconcile(
    engine: Engine,
    watched: Iterable[str],
    newest: Callable[[str], Iterable[tuple[str, str]]],
    *,
    rules: str,
    repo_type: RepoType = "model",
) -> int:
    """Submit the newest commit of every ref of the repositories `watched`, and return how many had not been heard of.

    `newest` returns a repository's refs with their commits. A repository that it raises for is left for the next time.
    """
    missed = 0
    for repo in watched:
        try:
            works = [_work(repo_type, repo, ref, sha, rules) for ref, sha in newest(repo)]
        except Exception as error:
            log.warning("the refs of %s are not to be had: %s", clean_line(repo, 200), clean_line(str(error), 300))
            continue
        with engine.database.write() as connection:
            ledger.forget_earlier(connection, [work.key for work in works])
        missed += len(engine.submit(works).accepted)
    return missed


def _work(repo_type: RepoType, repo: str, ref: str, sha: str, rules: str) -> Work:
    pull_request = _PULL_REQUEST.fullmatch(ref)
    return Work(repo_type, repo, ref, sha, rules, "reconcile", int(pull_request[1]) if pull_request else None)
