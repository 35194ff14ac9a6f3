"""A GitHub for tests, on loopback, that holds both sides to GitHub's own OpenAPI description.

    def test_publish(server):                       # the fixture of fixtures.py
        pr = server.pull_request(files={"examples/a.py": b"x = 1\n"}, fork=True, author="contributor")
        token = server.token("github-actions[bot]", pull_requests="write", checks="write", contents="read")
        publish(server.base_url, token, pr.number)
        assert [comment.body for comment in server.comments(pr)] == [...]

Every request and every answer is validated; whatever does not keep to the description is in `server.violations`, and
the fixture then fails the test. State is moved by methods of `GitHubServer` (`push`, `force_push`, `delete_comment`,
`add_run`, `add_artifact`, ...), faults are set by `server.faults`, races by `server.on`; `server.requests` is the log.
Stricter than GitHub: reading needs its permission even in a public repository, and query parameters and body fields
that GitHub would ignore silently are violations. `state.finds_forks_by_commit` is False: no fork's PR is found by its
commit. Less than GitHub: no Markdown is rendered, no rate limit is counted. A callback runs outside of the lock and may
itself call the server. The directory is not called `github`, since that would hide PyGithub from every test.
"""

from github_server.git import Link, Submodule
from github_server.server import GitHubServer

__all__ = ["GitHubServer", "Link", "Submodule"]
