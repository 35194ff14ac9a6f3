"""What a webhook of the Hub sends, and the work that it asks for.

By https://huggingface.co/docs/hub/webhooks. Only names, commits and the first line of a comment are taken from a
payload; no address in it is ever looked at. A pull request that is opened or updated comes as `repo.content` with its
ref, so that events of discussions are of no use but for commands.
"""

from __future__ import annotations

import json
import logging
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cpipe_bot.commands import kind_of
from cpipe_bot.hub.names import MAIN, is_comment, is_repo, is_sha, pull_of
from cpipe_bot.jobs.work import Queue, RepoType, Trigger, Work

log = logging.getLogger("cpipe_bot.hub")

_MAX_BYTES = 1_000_000
_MAX_REFS = 1_000

_Name = Annotated[str, Field(max_length=300)]
_Id = Annotated[str, Field(max_length=64)]


class _Model(BaseModel):
    # More fields may be added at any time.
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Event(_Model):
    action: _Id
    scope: _Id


class _Repo(_Model):
    type: _Id
    name: _Name
    private: bool = False
    headSha: _Id | None = None  # noqa: N815


class _Ref(_Model):
    ref: _Name
    newSha: _Id | None = None  # noqa: N815


class _Author(_Model):
    id: _Id = ""
    name: _Name = ""


class _Discussion(_Model):
    num: Annotated[int, Field(ge=1, le=999_999_999)]
    isPullRequest: bool  # noqa: N815
    status: _Id = "open"


class _Comment(_Model):
    id: _Id
    author: _Author = _Author()
    content: str | None = None
    hidden: bool = False


class _Payload(_Model):
    event: _Event
    repo: _Repo
    updatedRefs: Annotated[list[_Ref], Field(max_length=_MAX_REFS)] | None = None  # noqa: N815
    discussion: _Discussion | None = None
    comment: _Comment | None = None


def works(body: bytes, rules: str, own_login: str, *, has_gpu: bool = False) -> tuple[Work, ...]:
    """Return the work that a delivery asks for, () when there is nothing to do; the log says why.

    `rules` is the version of the checker. `own_login` is the bot's name or id, so that its own comments ask for
    nothing. A command's work has the commit "", which means: whatever its ref is at. With `has_gpu` there are workers
    for those who ask for a GPU.

    Raises:
        ValueError: when it is no payload of the Hub; one line says why.
    """
    payload = _read(body)
    repo_type = _repo_type(payload.repo.type)
    if not is_repo(payload.repo.name):
        raise ValueError("the repository's name is none that the Hub gives")
    if repo_type is None:
        return _nothing(
            f"it is about a {payload.repo.type if payload.repo.type == 'space' else 'thing'} we do not check"
        )
    if payload.repo.private:
        return _nothing("the repository is private")
    scope = payload.event.scope
    if scope == "repo.content" or scope.startswith("repo.content."):
        return _pushed(payload, repo_type, rules)
    if scope == "discussion.comment" and payload.event.action == "create":
        return _commented(payload, repo_type, rules, own_login, has_gpu)
    if scope == "discussion" and payload.event.action == "create" and payload.comment is not None:
        return _commented(payload, repo_type, rules, own_login, has_gpu)
    return _nothing("we do not act on such an event")


def _read(body: bytes) -> _Payload:
    if len(body) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    try:
        return _Payload.model_validate(json.loads(body), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ValueError(
            f"not a payload of the Hub: {'.'.join(map(str, first['loc']))[:100]}: {first['type']}"
        ) from None
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None


def _repo_type(kind: str) -> RepoType | None:
    types: dict[str, RepoType] = {"model": "model", "dataset": "dataset"}
    return types.get(kind)


def _pushed(payload: _Payload, repo_type: RepoType, rules: str) -> tuple[Work, ...]:
    refs = payload.updatedRefs
    if refs is None:
        head = payload.repo.headSha
        refs = [_Ref(ref=MAIN, newSha=head)] if head else []
    found: dict[str, Work] = {}
    for each in refs:
        pull = pull_of(each.ref)
        if each.newSha is None or (each.ref != MAIN and pull is None):
            continue
        if not is_sha(each.newSha):
            raise ValueError("a ref's commit is none")
        trigger: Trigger = "push" if pull is None else "pull request"
        found[each.ref] = Work(repo_type, payload.repo.name, each.ref, each.newSha, rules, trigger, pull)
    return tuple(found.values()) or _nothing("neither main nor a pull request was pushed to")


def _commented(payload: _Payload, repo_type: RepoType, rules: str, own_login: str, has_gpu: bool) -> tuple[Work, ...]:
    comment, discussion = payload.comment, payload.discussion
    if comment is None or discussion is None:
        raise ValueError("a comment's payload has no comment, or no discussion")
    if not is_comment(comment.id):
        raise ValueError("a comment's id is none that the Hub gives")
    if own_login and own_login in (comment.author.id, comment.author.name):
        return _nothing("it is our own comment")
    kind = kind_of(comment.content or "")
    if comment.hidden or kind is None:
        return _nothing("the comment is no command")
    ref = f"refs/pr/{discussion.num}" if discussion.isPullRequest else MAIN
    queue: Queue = "gpu" if has_gpu and kind == "gpu" else "cpu"
    return (Work(repo_type, payload.repo.name, ref, "", rules, "command", discussion.num, comment.id, queue),)


def _nothing(why: str) -> tuple[Work, ...]:
    log.info("nothing to do: %s", why)
    return ()
