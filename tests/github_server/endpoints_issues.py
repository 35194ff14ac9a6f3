"""The conversation of a PR: comments, reactions, labels."""

from __future__ import annotations

from typing import Any

from github_server.model import Comment, Label, Reaction, Repository
from github_server.routing import Answer, Call, Refusal, endpoint, find, invalid

_READ = "issues=read; pull_requests=read"
_WRITE = "issues=write; pull_requests=write"
MAX_BODY = 65_536


def checked_body(call: Call, resource: str) -> str:
    """The body of a comment; raises Refusal for a blank one and one that is too long."""
    body: str = call.body["body"]
    if not body.strip():
        raise invalid(resource, "data", "Body cannot be blank", "unprocessable")
    if len(body) > MAX_BODY:
        raise invalid(resource, "data", f"Body is too long (maximum is {MAX_BODY} characters)", "unprocessable")
    return body


@endpoint("issues/list-comments", _READ)
def _list(call: Call) -> Answer:
    number = call.pull("issue_number").number
    since = call.query.get("since", "")
    found = [c for c in call.repository.comments.values() if c.number == number and c.updated >= since]
    return call.listing(found, lambda comment: call.shapes.comment(call.repository, comment))


@endpoint("issues/create-comment", _WRITE)
def _create(call: Call) -> Answer:
    number = call.pull("issue_number").number
    body, now = checked_body(call, "IssueComment"), call.state.now()
    comment = Comment(call.state.next_id(), number, call.token.login, body, now, now, call.token.app)
    call.repository.comments[comment.id] = comment
    shaped = call.shapes.comment(call.repository, comment)
    return Answer(201, shaped, {"Location": shaped["url"]})


@endpoint("issues/get-comment", _READ)
def _get(call: Call) -> Answer:
    return Answer(200, call.shapes.comment(call.repository, find(call.repository.comments, call.path["comment_id"])))


@endpoint("issues/update-comment", _WRITE)
def _update(call: Call) -> Answer:
    comment: Comment = find(call.repository.comments, call.path["comment_id"])
    comment.body, comment.updated = checked_body(call, "IssueComment"), call.state.now()
    return Answer(200, call.shapes.comment(call.repository, comment))


@endpoint("issues/delete-comment", _WRITE)
def _delete(call: Call) -> Answer:
    comment: Comment = find(call.repository.comments, call.path["comment_id"])
    del call.repository.comments[comment.id]
    return Answer(204)


@endpoint("reactions/list-for-issue-comment", _READ)
def _reactions(call: Call) -> Answer:
    comment: Comment = find(call.repository.comments, call.path["comment_id"])
    wanted = call.query.get("content")
    return call.listing([r for r in comment.reactions if wanted in (None, r.content)], call.shapes.reaction)


@endpoint("reactions/create-for-issue-comment", _WRITE)
def _react(call: Call) -> Answer:
    comment: Comment = find(call.repository.comments, call.path["comment_id"])
    for reaction in comment.reactions:
        if (reaction.user, reaction.content) == (call.token.login, call.body["content"]):
            return Answer(200, call.shapes.reaction(reaction))
    reaction = Reaction(call.state.next_id(), call.token.login, call.body["content"], call.state.now())
    comment.reactions.append(reaction)
    return Answer(201, call.shapes.reaction(reaction))


@endpoint("reactions/delete-for-issue-comment", _WRITE)
def _unreact(call: Call) -> Answer:
    comment: Comment = find(call.repository.comments, call.path["comment_id"])
    reaction = find({reaction.id: reaction for reaction in comment.reactions}, call.path["reaction_id"])
    if reaction.user != call.token.login:
        raise Refusal(403, "Resource not accessible by integration")
    comment.reactions.remove(reaction)
    return Answer(204)


def label_named(repository: Repository, name: str) -> Label | None:
    """Labels are found whatever their case."""
    return next((label for key, label in repository.labels.items() if key.lower() == name.lower()), None)


def shaped_labels(call: Call, names: list[str]) -> list[dict[str, Any]]:
    return [call.shapes.label(call.repository, call.repository.labels[name]) for name in names]


@endpoint("issues/list-labels-on-issue", _READ)
def _labels(call: Call) -> Answer:
    names = call.pull("issue_number").labels
    return call.listing([call.repository.labels[n] for n in names], lambda x: call.shapes.label(call.repository, x))


@endpoint("issues/add-labels", _WRITE)
def _add_labels(call: Call) -> Answer:
    pull = call.pull("issue_number")
    for wanted in call.body["labels"]:
        name = wanted if isinstance(wanted, str) else wanted["name"]
        label = label_named(call.repository, name)
        if label is None:
            label = Label(call.state.next_id(), name)
            call.repository.labels[name] = label
        if label.name not in pull.labels:
            pull.labels.append(label.name)
    return Answer(200, shaped_labels(call, pull.labels))


@endpoint("issues/remove-label", _WRITE)
def _remove_label(call: Call) -> Answer:
    pull = call.pull("issue_number")
    label = label_named(call.repository, call.path["name"])
    if label is None or label.name not in pull.labels:
        raise Refusal(404, "Label does not exist")
    pull.labels.remove(label.name)
    return Answer(200, shaped_labels(call, pull.labels))


@endpoint("issues/list-labels-for-repo", _READ)
def _all_labels(call: Call) -> Answer:
    return call.listing(call.repository.labels.values(), lambda label: call.shapes.label(call.repository, label))


@endpoint("issues/create-label", _WRITE)
def _create_label(call: Call) -> Answer:
    name, color = call.body["name"], call.body.get("color", "ededed")
    if label_named(call.repository, name):
        raise invalid("Label", "name", code="already_exists")
    if len(color) != 6 or not set(color.lower()) <= set("0123456789abcdef"):
        raise invalid("Label", "color", code="invalid")
    label = Label(call.state.next_id(), name, color, call.body.get("description"))
    call.repository.labels[name] = label
    return Answer(201, call.shapes.label(call.repository, label))
