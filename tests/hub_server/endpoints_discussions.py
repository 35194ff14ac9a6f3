"""Discussions and pull requests: listing, opening, comments, status, title."""

from __future__ import annotations

from typing import Any

from hub_server import shapes
from hub_server.model import Discussion, Event, Kind, Repo, State
from hub_server.routing import Call, Refusal, endpoint
from loopback import Answer

MAX_COMMENT = 65_536


@endpoint("GET", "/api/{kind}/{repo}/discussions", query="type status author p")
def listing(call: Call) -> Answer:
    repo, query = call.repo, call.query
    kind, status, author = query.get("type", "all"), query.get("status", "all"), query.get("author")
    found = [
        each
        for each in sorted(repo.discussions.values(), key=lambda each: -each.num)
        if (kind == "all" or each.is_pull_request == (kind == "pull_request"))
        and (status == "all" or (each.status in ("open", "draft")) == (status == "open"))
        and author in (None, each.author)
    ]
    start = int(query.get("p", "0")) * call.state.page
    shown = [shapes.discussion(call.state, repo, each) for each in found[start : start + call.state.page]]
    closed = sum(each.status == "closed" for each in found)
    return Answer(200, {"discussions": shown, "count": len(found), "start": start, "numClosedDiscussions": closed})


@endpoint("POST", "/api/{kind}/{repo}/discussions", body="title description pullRequest")
def create(call: Call) -> Answer:
    repo, body = call.repo, call.body
    if not 3 <= len(body["title"]) <= 200:
        raise Refusal(400, "title must be between 3 and 200 characters")
    if body["pullRequest"]:
        raise Refusal(400, "this Hub opens pull requests by its own method")
    login = call.signed_in()
    _bounded(body["description"])
    made = opened(call.state, repo, body["title"], login, False)
    append(call.state, made, "comment", login, body["description"])
    return Answer(200, {"num": made.num, "url": f"{repo.name}/discussions/{made.num}", "pullRequest": False})


@endpoint("GET", "/api/{kind}/{repo}/discussions/{num}", query="diff")
def details(call: Call) -> Answer:
    repo = call.repo
    return Answer(200, shapes.details(call.state, repo, call.discussion(repo)))


@endpoint("POST", "/api/{kind}/{repo}/discussions/{num}/comment", body="comment")
def comment(call: Call) -> Answer:
    repo = call.repo
    found, login = call.discussion(repo), call.signed_in()
    _bounded(call.body["comment"])
    made = append(call.state, found, "comment", login, call.body["comment"])
    return Answer(200, {"newMessage": shapes.event(call.state, repo, made)})


@endpoint("POST", "/api/{kind}/{repo}/discussions/{num}/comment/{id}/edit", body="content")
def edit(call: Call) -> Answer:
    repo = call.repo
    found = _comment(call, repo)
    if found.author != call.signed_in():
        raise Refusal(403, "You are not the author of this comment")
    if found.hidden_by:
        raise Refusal(400, "This comment is hidden")
    _bounded(call.body["content"])
    found.raw, found.edits, found.updated = call.body["content"], found.edits + 1, call.state.now()
    return Answer(200, {"updatedComment": shapes.event(call.state, repo, found)})


@endpoint("POST", "/api/{kind}/{repo}/discussions/{num}/comment/{id}/hide", body="reason")
def hide(call: Call) -> Answer:
    repo = call.repo
    found, login = _comment(call, repo), call.signed_in()
    if found.author != login and not call.state.may_write(repo, login):
        raise Refusal(403, "You may not hide this comment")
    if found.hidden_by:
        raise Refusal(400, "This comment is hidden")
    found.hidden_by = login
    return Answer(200, {"updatedComment": shapes.event(call.state, repo, found)})


@endpoint("POST", "/api/{kind}/{repo}/discussions/{num}/status", body="status comment")
def status(call: Call) -> Answer:
    repo = call.repo
    found = _owned(call, repo)
    if call.body["status"] not in ("open", "closed") or found.status == call.body["status"]:
        raise Refusal(400, f"The discussion is {found.status} already")
    if "comment" in call.body:
        append(call.state, found, "comment", call.login, call.body["comment"])
    found.status = call.body["status"]
    made = append(call.state, found, "status-change", call.login, found.status)
    return Answer(200, {"newStatus": shapes.event(call.state, repo, made)})


@endpoint("POST", "/api/{kind}/{repo}/discussions/{num}/title", body="title")
def title(call: Call) -> Answer:
    repo = call.repo
    found = _owned(call, repo)
    before, found.title = found.title, call.body["title"]
    made = append(call.state, found, "title-change", call.login, found.title)
    made.before = before
    return Answer(200, {"newTitle": shapes.event(call.state, repo, made)})


def opened(state: State, repo: Repo, title: str, author: str, is_pull_request: bool) -> Discussion:
    num = max(repo.discussions, default=0) + 1
    repo.discussions[num] = Discussion(num, title, author, state.now(), is_pull_request, state.next_id())
    return repo.discussions[num]


def append(state: State, found: Discussion, kind: Kind, author: str, raw: str) -> Event:
    found.events.append(Event(state.next_id(), kind, author, state.now(), raw))
    return found.events[-1]


def _comment(call: Call, repo: Repo) -> Event:
    for event in call.discussion(repo).events:
        if event.id == call.path["id"] and event.kind == "comment":
            return event
    raise Refusal(404, "Comment not found")


def _owned(call: Call, repo: Repo) -> Discussion:
    found, login = call.discussion(repo), call.signed_in()
    if found.author != login and not call.state.may_write(repo, login):
        raise Refusal(403, "You may not change this discussion")
    return found


def _bounded(text: Any) -> None:
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_COMMENT:
        raise Refusal(400, f"A comment has between 1 and {MAX_COMMENT} characters")
