"""What a test does to the state: people, tokens, repositories, PRs, pushes, comments, runs."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping

from github_server.endpoints_reviews import follow_head
from github_server.git import Content
from github_server.model import (
    App,
    Artifact,
    CheckRun,
    Comment,
    PullRequest,
    Repository,
    Review,
    ReviewComment,
    State,
    Token,
    WorkflowRun,
)
from github_server.shapes import Shapes

Files = Mapping[str, "Content | None"]


class Driving:
    """Methods that change the state, or look at it, as somebody else would."""

    lock: threading.RLock

    def __init__(self, state: State, shapes: Shapes) -> None:
        self.state = state
        self.shapes = shapes
        self.repository = self.add_repository("octo-org/pipelines", {"README.md": b"# Pipelines\n"})

    def add_user(self, login: str, permission: str = "read", type: str | None = None) -> None:
        """Make a user with a role on the repository; ``type`` is by default Bot for those named ``...[bot]``."""
        with self.lock:
            self.repository.roles[login] = permission
            user = self.state.user(login)
            user.type = type or user.type

    def token(self, login: str = "github-actions[bot]", **permissions: str) -> str:
        """A token of Actions, of an app added before, or of a person; ``permissions`` such as ``checks="write"``."""
        secret = f"ghs_{secrets.token_hex(18)}"
        with self.lock:
            app = next((app for app in self.state.apps.values() if app.bot == login), None)
            self.state.user(login)
            self.state.tokens[secret] = Token(login, permissions, app)
        return secret

    def revoke(self, token: str) -> None:
        with self.lock:
            self.state.tokens[token].revoked = True

    def add_app(self, slug: str, public_key: str, **permissions: str) -> App:
        """Register a GitHub App, installed on the repository; ``public_key``: the PEM that verifies its JWTs."""
        with self.lock:
            app = App(self.state.next_id(), slug, slug, permissions, public_key, self.state.next_id())
            self.state.apps[app.id] = app
            self.state.user(app.bot)
        return app

    def add_repository(self, full_name: str, files: Mapping[str, Content], parent: str | None = None) -> Repository:
        """A repository whose branch ``main`` has one commit; with ``parent``, a fork that starts as the parent is."""
        with self.lock:
            repository = Repository(self.state.next_id(), full_name, parent=parent)
            if parent is None:
                self._commit(repository, "main", files, "First")
            else:
                repository.branches.update(self.state.repositories[parent].branches)
            self.state.repositories[full_name] = repository
            self.state.user(repository.owner)
        return repository

    def pull_request(
        self,
        files: Files | None = None,
        base_files: Mapping[str, Content] | None = None,
        *,
        fork: bool = True,
        author: str = "contributor",
        branch: str = "patch-1",
        title: str = "Change pipelines",
    ) -> PullRequest:
        """Open a PR that puts ``files`` (None deletes one) over a base branch that has ``base_files``."""
        with self.lock:
            if base_files:
                self.push_base(base_files)
            base, head = self.repository, self.repository
            if fork:
                name = f"{author}/{base.name}"
                head = self.state.repositories.get(name) or self.add_repository(name, {}, parent=base.full_name)
            head.branches[branch] = base.branches["main"]
            sha = self._commit(head, branch, self._over(head.branches[branch], files or {}), title, author)
            number, now = len(base.pulls) + 1, self.state.now()
            pull = PullRequest(
                self.state.next_id(),
                number,
                title,
                author,
                head.full_name,
                branch,
                "main",
                sha,
                base.branches["main"],
                now,
                now,
            )
            base.pulls[number] = pull
            self.state.user(author)
        return pull

    def delete_fork(self, pull: PullRequest) -> None:
        """Delete the repository that a PR comes from; the PR stays, and its commits with it."""
        with self.lock:
            del self.state.repositories[pull.head_repository]

    def push(self, pull: PullRequest, files: Files, message: str = "More") -> str:
        """Add a commit to the PR's branch (None deletes a file); returns its sha."""
        return self._move(pull, self._over(pull.head, files), (pull.head,), message)

    def force_push(self, pull: PullRequest, files: Files, message: str = "Again") -> str:
        """Put one commit on top of the base branch in place of the PR's commits; returns its sha."""
        base = self.repository.branches[pull.base_branch]
        return self._move(pull, self._over(base, files), (base,), message)

    def push_base(self, files: Files, message: str = "Base") -> str:
        """Add a commit to ``main``; open PRs stay where they are."""
        with self.lock:
            return self._commit(self.repository, "main", self._over(self.repository.branches["main"], files), message)

    def edit_pull(self, pull: PullRequest, **fields: object) -> None:
        """Change fields of a PR, e.g. ``state="closed"`` or ``title=...``."""
        with self.lock:
            for name, value in fields.items():
                setattr(pull, name, value)
            pull.updated = self.state.now()

    def add_comment(self, pull: PullRequest, author: str, body: str) -> Comment:
        with self.lock:
            now = self.state.now()
            app = next((app for app in self.state.apps.values() if app.bot == author), None)
            comment = Comment(self.state.next_id(), pull.number, author, body, now, now, app)
            self.repository.comments[comment.id] = comment
            self.state.user(author)
        return comment

    def edit_comment(self, comment: Comment, body: str) -> None:
        with self.lock:
            comment.body, comment.updated = body, self.state.now()

    def delete_comment(self, comment: Comment) -> None:
        with self.lock:
            del self.repository.comments[comment.id]

    def add_workflow(self, name: str) -> int:
        """Make sure that there is a workflow of this name (its file's, without `.yml`); returns its id."""
        with self.lock:
            known = {known: number for number, known in self.repository.workflows.items()}
            if name not in known:
                known[name] = self.state.next_id()
                self.repository.workflows[known[name]] = name
            return known[name]

    def add_run(self, pull: PullRequest, workflow: str = "check", **fields: object) -> WorkflowRun:
        """A completed run of a workflow (its file's name without `.yml`) on the PR's head; ``fields`` replace any."""
        with self.lock:
            run = WorkflowRun(
                id=self.state.next_id(),
                workflow=self.add_workflow(workflow),
                name=workflow,
                event="pull_request",
                head_sha=pull.head,
                head_branch=pull.head_branch,
                head_repository=pull.head_repository,
                actor=pull.author,
                created=self.state.now(),
            )
            for name, value in fields.items():
                setattr(run, name, value)
            self.repository.runs[run.id] = run
        return run

    def add_artifact(self, run: WorkflowRun, name: str, data: bytes) -> Artifact:
        """Upload the bytes of a zip, whatever they are."""
        with self.lock:
            artifact = Artifact(self.state.next_id(), name, run.id, data, self.state.now())
            self.repository.artifacts[artifact.id] = artifact
        return artifact

    def comments(self, pull: PullRequest, author: str | None = None) -> list[Comment]:
        with self.lock:
            found = [comment for comment in self.repository.comments.values() if comment.number == pull.number]
        return [comment for comment in found if author in (None, comment.author)]

    def review_comments(self, pull: PullRequest) -> list[ReviewComment]:
        with self.lock:
            return [comment for comment in self.repository.review_comments.values() if comment.number == pull.number]

    def reviews(self, pull: PullRequest) -> list[Review]:
        with self.lock:
            return [review for review in self.repository.reviews.values() if review.number == pull.number]

    def check_runs(self, sha: str | None = None) -> list[CheckRun]:
        with self.lock:
            return [run for run in self.repository.check_runs.values() if sha in (None, run.head_sha)]

    def _over(self, sha: str, files: Files) -> dict[str, Content]:
        merged = {**self.state.objects.commits[sha].files, **files}
        return {path: content for path, content in merged.items() if content is not None}

    def _commit(
        self, repository: Repository, branch: str, files: Mapping[str, Content], message: str, author: str = "octocat"
    ) -> str:
        parents = (repository.branches[branch],) if branch in repository.branches else ()
        commit = self.state.objects.commit(files, parents, message, author, self.state.now())
        repository.branches[branch] = commit.sha
        return commit.sha

    def _move(self, pull: PullRequest, files: Mapping[str, Content], parents: tuple[str, ...], message: str) -> str:
        with self.lock:
            commit = self.state.objects.commit(files, parents, message, pull.author, self.state.now())
            self.state.repositories[pull.head_repository].branches[pull.head_branch] = commit.sha
            pull.head, pull.updated = commit.sha, self.state.now()
            follow_head(self.state, self.repository, pull)
            return commit.sha
