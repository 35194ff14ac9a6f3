"""The pages: runs, one run, a repository, the queue, and badges."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from cpipe_bot.jobs.work import Conclusion, RepoType
from cpipe_bot.run import CONCLUSIONS, STATES, Filters, Run, State, is_repo, is_run_id
from cpipe_bot.store import Runs, cursor
from cpipe_bot.web import render
from cpipe_bot.web.badge import badge
from cpipe_bot.web.chart import axis
from cpipe_bot.web.queue import Jobs, QueuePages

_PAGE = 30
_HISTORY = 100
_SHORTEST_TOKEN = 16


def pages(runs: Runs, jobs: Jobs, token: str | None) -> APIRouter:
    """Return the routes of the dashboard. Whoever has the token may replay; without one nobody may.

    Raises:
        ValueError: when the token is short enough to be guessed.
    """
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise ValueError(f"the token has less than {_SHORTEST_TOKEN} characters")
    router = APIRouter(include_in_schema=False)
    _Pages(runs).add_to(router)
    QueuePages(runs, jobs, token).add_to(router)
    return router


class _Pages:
    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def add_to(self, router: APIRouter) -> None:
        for path, answer in (
            ("/", self.index),
            ("/runs/{id}", self.run),
            ("/runs/{id}/report", self.report),
            ("/runs/{id}/report.json", self.document),
            ("/repos/{owner}/{name}", self.model),
            ("/repos/datasets/{owner}/{name}", self.dataset),
            ("/badge/{owner}/{name}.svg", self.model_badge),
            ("/badge/datasets/{owner}/{name}.svg", self.dataset_badge),
            ("/style.css", self.style),
            ("/icon.svg", self.icon),
        ):
            router.add_api_route(path, answer, methods=["GET", "HEAD"])

    def index(self, repo: str = "", state: str = "", conclusion: str = "", before: str = "") -> Response:
        filters = _filters(repo, state, conclusion)
        try:
            found = self._runs.recent(filters, before, _PAGE + 1)
        except ValueError:
            raise HTTPException(400, "this is no place to go on from") from None
        asked = {"repo": repo, "state": state, "conclusion": conclusion}
        chosen = {name: value for name, value in asked.items() if value}
        return render.page(
            "runs.html",
            runs=found[:_PAGE],
            filters=filters,
            states=STATES,
            conclusions=CONCLUSIONS,
            filtered=bool(chosen),
            newest="/?" + urlencode(chosen) if before else "",
            older="/?" + urlencode({**chosen, "before": cursor(found[_PAGE - 1])}) if len(found) > _PAGE else "",
        )

    def run(self, id: str) -> Response:
        run = self._run(id)
        return render.page("run.html", run=run, has_report=run.state == "done" and bool(self._runs.page(id)))

    def report(self, id: str) -> Response:
        return render.report(self._runs.page(self._run(id).id) or _missing("there is no report of this run"))

    def document(self, id: str) -> Response:
        text = self._runs.document(self._run(id).id) or _missing("there is no report of this run")
        return Response(text, media_type="application/json", headers={"X-Content-Type-Options": "nosniff"})

    def model(self, request: Request, owner: str, name: str) -> Response:
        return self._repo(request, f"{owner}/{name}", "model")

    def dataset(self, request: Request, owner: str, name: str) -> Response:
        return self._repo(request, f"{owner}/{name}", "dataset")

    def model_badge(self, request: Request, owner: str, name: str) -> Response:
        return self._badge(request, f"{owner}/{name}", "model")

    def dataset_badge(self, request: Request, owner: str, name: str) -> Response:
        return self._badge(request, f"{owner}/{name}", "dataset")

    def style(self, request: Request) -> Response:
        return render.cached(request, render.stylesheet(), "text/css", 86_400)

    def icon(self, request: Request) -> Response:
        return render.cached(request, render.icon(), "image/svg+xml", 86_400)

    def _run(self, id: str) -> Run:
        run = self._runs.get(id) if is_run_id(id) else None
        if run is None:
            raise HTTPException(404, "there is no such run; old ones are deleted after a while")
        return run

    def _repo(self, request: Request, repo: str, repo_type: RepoType) -> Response:
        runs = self._runs.history(repo, repo_type, _HISTORY) if is_repo(repo) else ()
        if not runs:
            raise HTTPException(404, "nothing of this repository was checked")
        path = repo if repo_type == "model" else f"datasets/{repo}"
        return render.page(
            "repo.html",
            repo=repo,
            path=path,
            runs=runs,
            more=len(runs) == _HISTORY,
            latest=self._runs.latest(repo, repo_type),
            axis=axis(),
            here=_here(request),
        )

    def _badge(self, request: Request, repo: str, repo_type: RepoType) -> Response:
        run = self._runs.latest(repo, repo_type) if is_repo(repo) else None
        return render.cached(request, badge(run), "image/svg+xml", 60 if run is None else 300)


def _filters(repo: str, state: str, conclusion: str) -> Filters:
    if len(repo) > 200 or state not in {"", *STATES} or conclusion not in {"", *CONCLUSIONS}:
        raise HTTPException(400, "there is no such filter")
    return Filters(
        repo.strip(), cast(State, state) if state else None, cast(Conclusion, conclusion) if conclusion else None
    )


def _here(request: Request) -> str:
    """The server's address for the world, where a proxy before it has the certificate."""
    local = request.url.hostname in {"localhost", "127.0.0.1", "::1"}
    return f"{'http' if local else 'https'}://{request.url.netloc}"


def _missing(why: str) -> str:
    raise HTTPException(404, why)
