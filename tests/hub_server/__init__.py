"""A Hugging Face Hub for tests, on loopback, that answers what `huggingface_hub` sends.

    def test_answer(hub):                                  # the fixture of fixtures.py
        repo = hub.repo("alice/pipe", {"pipeline.py": b"x = 1\\n"})
        pull = hub.open_pr(repo, "bob", {"pipeline.py": b"x = 2\\n"})
        api = HfApi(endpoint=hub.url, token=hub.token("checker"))
        ...
        assert [comment.raw for comment in pull.comments if comment.author == "checker"] == [...]

Whatever is asked that this Hub does not know (a path, a query parameter, a field of a body) is in `hub.violations`, and
the fixture then fails the test. State is moved by methods of `Hub` (`push`, `force_push`, `delete_ref`, `open_pr`,
`update_pr`, `comment`, `close_discussion`, `rename`, `delete`, ...) or set on the records (`repo.private`, `.gated`,
`.disabled`); faults are set by `hub.faults`, races by `hub.on`; `hub.requests` is the log. `payloads.py` makes what a
webhook sends. A callback runs outside of the lock and may itself call the server.

Jobs are started, listed, looked at, cancelled and read at `/api/jobs`; `hub.state.run_job` is called with each one that
is started, in a thread: `jobs.in_subprocess` runs its own command, in place of the container only. Without it a Job
waits for its machine for ever. `hub.state.stream` makes what its log's stream sends. Not as the Hub has it: a log is
there as a whole, and its stream ends when the Job has not.

How answers look comes from what huggingface_hub 2.4 parses, from the Hub's documentation of webhooks, and from
published answers of the Hub. Nothing of it was compared with the live Hub. These in particular are guesses: bodies
and statuses of refused writes (403), the bound of a comment (65,536 characters), what a change to the same status and
an edit of a hidden comment do, and who may hide a comment. Less than the Hub: no commits through the API, no scheduled
Jobs, no Spaces, volumes or secrets for Jobs (refused), no Xet, no storage elsewhere for small files, no moderation, no
roles of an organisation's members, no notifications.
"""

from hub_server.model import Link, Stored
from hub_server.server import Hub

__all__ = ["Hub", "Link", "Stored"]
