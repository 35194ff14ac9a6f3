"""Reviews and comments on lines of the diff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from github_server.endpoints_issues import MAX_BODY, checked_body
from github_server.endpoints_pulls import files_of
from github_server.git import Change, lines_on_diff, moved_line
from github_server.model import PullRequest, Repository, Review, ReviewComment, State
from github_server.routing import Answer, Call, Refusal, endpoint, find, invalid

_READ, _WRITE = "pull_requests=read", "pull_requests=write"
_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def review_json(call: Call, review: Review) -> dict[str, Any]:
    url = f"{call.shapes.repo_url(call.repository)}/pulls/{review.number}"
    page = f"{call.shapes.web}/{call.repository.full_name}/pull/{review.number}#pullrequestreview-{review.id}"
    shaped = {
        "id": review.id,
        "node_id": f"PRR_{review.id}",
        "user": call.shapes.user(review.author),
        "body": review.body,
        "state": review.state,
        "commit_id": review.commit,
        "html_url": page,
        "pull_request_url": url,
        "_links": {"html": {"href": page}, "pull_request": {"href": url}},
        "author_association": call.shapes.association(call.repository, review.author),
    }
    return shaped if review.state == "PENDING" else {**shaped, "submitted_at": review.submitted}


def comment_json(call: Call, comment: ReviewComment) -> dict[str, Any]:
    url = f"{call.shapes.repo_url(call.repository)}/pulls"
    page = f"{call.shapes.web}/{call.repository.full_name}/pull/{comment.number}#discussion_r{comment.id}"
    own, pull = f"{url}/comments/{comment.id}", f"{url}/{comment.number}"
    shaped = {
        "id": comment.id,
        "node_id": f"PRRC_{comment.id}",
        "url": own,
        "html_url": page,
        "pull_request_url": pull,
        "_links": {"self": {"href": own}, "html": {"href": page}, "pull_request": {"href": pull}},
        "pull_request_review_id": comment.review,
        "user": call.shapes.user(comment.author),
        "body": comment.body,
        "path": comment.path,
        "diff_hunk": comment.hunk,
        "commit_id": comment.commit,
        "original_commit_id": comment.original_commit,
        "position": comment.position,
        "original_position": comment.original_position,
        "line": comment.line,
        "original_line": comment.original_line,
        "start_line": comment.start_line,
        "original_start_line": comment.original_start_line,
        "start_side": comment.start_side,
        "side": comment.side,
        "subject_type": "line",
        "created_at": comment.created,
        "updated_at": comment.updated,
        "author_association": call.shapes.association(call.repository, comment.author),
        "reactions": call.shapes.rollup(own),
    }
    return shaped if comment.reply_to is None else {**shaped, "in_reply_to_id": comment.reply_to}


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    side: str
    line: int
    position: int
    start_line: int | None
    start_side: str | None
    hunk: str


class _NotOnDiff(Exception):
    """What of the place cannot be found: `path`, `line` or `start_line`."""


def _place(changed: list[Change], wanted: Mapping[str, Any]) -> _Place:
    change = next((change for change in changed if change.path == wanted["path"]), None)
    if change is None:
        raise _NotOnDiff("path")
    positions = {(side, line): position for side, line, position in lines_on_diff(change.patch)}
    side, line, start = wanted.get("side", "RIGHT"), wanted.get("line"), wanted.get("start_line")
    if line is None and "position" in wanted:
        side, line = next((key for key, at in positions.items() if at == wanted["position"]), (side, None))
        side = "RIGHT" if ("RIGHT", line) in positions else side
    if line is None or (side, line) not in positions:
        raise _NotOnDiff("line")
    position = positions[side, line]
    hunk = _hunk(change.patch or "", position)
    if start is None:
        return _Place(change.path, side, line, position, None, None, hunk)
    start_side = wanted.get("start_side", side)
    # A comment on several lines stays within one hunk.
    if start >= line or positions.get((start_side, start), -1) < position - hunk.count("\n"):
        raise _NotOnDiff("start_line")
    return _Place(change.path, side, line, position, start, start_side, hunk)


def _hunk(patch: str, position: int) -> str:
    lines = patch.split("\n")[: position + 1]
    start = max(number for number, line in enumerate(lines) if line.startswith("@@"))
    return "\n".join(lines[start:])


def _add(
    call: Call, pull: PullRequest, review: Review, place: _Place, body: str, reply_to: int | None = None
) -> ReviewComment:
    now = call.state.now()
    comment = ReviewComment(
        id=call.state.next_id(),
        number=pull.number,
        author=call.token.login,
        body=body,
        created=now,
        updated=now,
        path=place.path,
        commit=review.commit,
        original_commit=review.commit,
        side=place.side,
        line=place.line,
        original_line=place.line,
        start_line=place.start_line,
        original_start_line=place.start_line,
        start_side=place.start_side,
        position=place.position,
        original_position=place.position,
        hunk=place.hunk,
        review=review.id,
        reply_to=reply_to,
    )
    call.repository.review_comments[comment.id] = comment
    return comment


def _new_review(call: Call, pull: PullRequest, body: str, state: str, commit: str) -> Review:
    review = Review(call.state.next_id(), pull.number, call.token.login, body, state, commit, call.state.now())
    call.repository.reviews[review.id] = review
    return review


def _commit_of(call: Call, pull: PullRequest) -> str:
    """The commit that a review is of; raises Refusal for one that is not the PR's head."""
    commit: str = call.body.get("commit_id", pull.head)
    if commit not in call.state.objects.ancestors(pull.head):
        message = "commit_id is not part of the pull request"
        raise invalid("PullRequestReviewComment", "pull_request_review_thread.base", message)
    return commit


def _changes_at(call: Call, pull: PullRequest, commit: str) -> list[Change]:
    return files_of(call.state, call.repository, replace(pull, head=commit))


@endpoint("pulls/list-review-comments", _READ)
def _list(call: Call) -> Answer:
    number, reviews = call.pull().number, call.repository.reviews
    found = [
        comment
        for comment in call.repository.review_comments.values()
        if comment.number == number
        and reviews[comment.review].state != "PENDING"
        and comment.updated >= call.query.get("since", "")
    ]
    newest = call.query.get("direction") == "desc" and "sort" in call.query
    return call.listing(found[::-1] if newest else found, lambda comment: comment_json(call, comment))


@endpoint("pulls/create-review-comment", _WRITE)
def _create(call: Call) -> Answer:
    pull, body = call.pull(), checked_body(call, "PullRequestReviewComment")
    if "in_reply_to" in call.body:
        first: ReviewComment = find(call.repository.review_comments, str(call.body["in_reply_to"]))
        place = _Place(
            first.path,
            first.side,
            first.original_line,
            first.original_position,
            first.original_start_line,
            first.start_side,
            first.hunk,
        )
        review = _new_review(call, pull, "", "COMMENTED", first.original_commit)
        return Answer(201, comment_json(call, _add(call, pull, review, place, body, first.id)))
    commit = _commit_of(call, pull)
    try:
        place = _place(_changes_at(call, pull, commit), call.body)
    except _NotOnDiff as error:
        name = f"pull_request_review_thread.{error}"
        problem = "could not be found" if str(error) == "path" else "must be part of the diff"
        refused = invalid("PullRequestReviewComment", name, f"{name} {problem}")
        missing = {"resource": "PullRequestReviewComment", "code": "missing_field"}
        refused.answer.body["errors"].append({**missing, "field": "pull_request_review_thread.diff_hunk"})
        raise refused from None
    review = _new_review(call, pull, "", "COMMENTED", commit)
    return Answer(201, comment_json(call, _add(call, pull, review, place, body)))


@endpoint("pulls/get-review-comment", _READ)
def _get(call: Call) -> Answer:
    return Answer(200, comment_json(call, find(call.repository.review_comments, call.path["comment_id"])))


@endpoint("pulls/update-review-comment", _WRITE)
def _update(call: Call) -> Answer:
    comment: ReviewComment = find(call.repository.review_comments, call.path["comment_id"])
    comment.body, comment.updated = checked_body(call, "PullRequestReviewComment"), call.state.now()
    return Answer(200, comment_json(call, comment))


@endpoint("pulls/delete-review-comment", _WRITE)
def _delete(call: Call) -> Answer:
    comment: ReviewComment = find(call.repository.review_comments, call.path["comment_id"])
    del call.repository.review_comments[comment.id]
    return Answer(204)


@endpoint("pulls/list-reviews", _READ)
def _reviews(call: Call) -> Answer:
    number, login = call.pull().number, call.token.login
    found = [r for r in call.repository.reviews.values() if r.number == number and login in _readers(r, login)]
    return call.listing(found, lambda review: review_json(call, review))


def _readers(review: Review, login: str) -> tuple[str, ...]:
    """A pending review is its author's alone."""
    return (review.author,) if review.state == "PENDING" else (login,)


@endpoint("pulls/create-review", _WRITE)
def _review(call: Call) -> Answer:
    pull, body, event = call.pull(), call.body.get("body") or "", call.body.get("event")
    wanted = call.body.get("comments") or []
    mine = [r for r in call.repository.reviews.values() if r.number == pull.number and r.author == call.token.login]
    if any(review.state == "PENDING" for review in mine):
        raise Refusal(422, "Unprocessable Entity", ["User can only have one pending review per pull request"])
    if event in ("APPROVE", "REQUEST_CHANGES") and pull.author == call.token.login:
        doing = {"APPROVE": "approve", "REQUEST_CHANGES": "request changes on"}[event]
        raise Refusal(422, "Unprocessable Entity", [f"Can not {doing} your own pull request"])
    if event in ("COMMENT", "REQUEST_CHANGES") and not body.strip() and not (event == "COMMENT" and wanted):
        raise Refusal(422, "Unprocessable Entity", ["Body cannot be blank"])
    if any(len(text) > MAX_BODY for text in [body, *(comment["body"] for comment in wanted)]):
        raise Refusal(422, "Unprocessable Entity", [f"Body is too long (maximum is {MAX_BODY} characters)"])
    commit = _commit_of(call, pull)
    try:
        changed = _changes_at(call, pull, commit) if wanted else []
        places = [_place(changed, comment) for comment in wanted]
    except _NotOnDiff as error:
        what = {"path": "Path", "line": "Line", "start_line": "Start line"}[str(error)]
        raise Refusal(422, "Unprocessable Entity", [f"{what} could not be resolved"]) from None
    review = _new_review(call, pull, body, _STATES.get(event or "", "PENDING"), commit)
    for place, comment in zip(places, wanted, strict=True):
        _add(call, pull, review, place, comment["body"])
    return Answer(200, review_json(call, review))


def follow_head(state: State, repository: Repository, pull: PullRequest) -> None:
    """After the head moved: comments keep to their line where it still is on the diff, and are outdated elsewhere."""
    changed = {change.path: change for change in files_of(state, repository, pull)}
    for comment in repository.review_comments.values():
        if comment.number != pull.number:
            continue
        comment.commit = pull.head
        patch = changed[comment.path].patch if comment.path in changed else None
        positions = {(side, line): position for side, line, position in lines_on_diff(patch)}
        line = _line_now(state, pull, comment)
        comment.position = positions.get((comment.side, line)) if line else None
        comment.line = line if comment.position is not None else None
        if comment.line is None:
            comment.start_line = None
        elif comment.original_start_line is not None:
            comment.start_line = comment.original_start_line + comment.line - comment.original_line


def _line_now(state: State, pull: PullRequest, comment: ReviewComment) -> int | None:
    if comment.side == "LEFT":
        return comment.original_line
    commits = state.objects.commits
    old, new = (commits.get(sha) for sha in (comment.original_commit, pull.head))
    before = old.files.get(comment.path) if old else None
    after = new.files.get(comment.path) if new else None
    if not isinstance(before, bytes) or not isinstance(after, bytes):
        return None
    return moved_line(before, after, comment.original_line)
