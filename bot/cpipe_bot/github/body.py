"""An outcome as Markdown: the comment on a pull request and the check run's summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cpipe_bot.answering import COMMANDS, answered
from cpipe_bot.cutting import cut
from cpipe_bot.github.outcome import HALF, NO_FILES, Job, Outcome
from cpipe_bot.github.settings import WhenGreen
from cpipe_check import __version__
from cpipe_check.report import as_markdown
from cpipe_check.report.markdown import code, folded, inline, prose
from cpipe_check.report.model import FileReport, Verdict

MARKER = "<!-- cpipe-check:comment -->"
# In bytes of UTF-8: GitHub's bounds are 65,536 characters for a comment, and 65,535 bytes for a check run's summary.
LIMIT = 65_000
_MAX_DETAILS = 20
_MAX_SKIPPED = 20


def comment(outcome: Outcome, when_green: WhenGreen, fixes: Mapping[str, str]) -> str:
    """Return the comment's body: the marker, what it came to, and what to do next. At most `LIMIT` bytes.

    `fixes` are the diffs that `/cpipe-check fix` asks for, by path.
    """
    answers = [answered(answer, fixes) for answer in outcome.answers]
    folds = outcome.green and when_green == "collapse" and not outcome.empty
    blocks = [f"### {title(outcome)}"]
    shown = list(_shown(outcome))
    blocks += [folded("Show it", *shown)] if folds else shown
    blocks += [*(["#### Asked for"] if answers else []), *answers, _basis(outcome)]
    return _cut(f"{MARKER}\n" + "\n\n".join(filter(None, blocks)), outcome.job.url)


def summary(outcome: Outcome) -> str:
    """Return the check run's summary, at most `LIMIT` bytes."""
    return _cut("\n\n".join(filter(None, (*_shown(outcome), _basis(outcome)))), outcome.job.url)


def title(outcome: Outcome) -> str:
    """Return what it came to in one line of Markdown."""
    if outcome.empty:
        return NO_FILES
    sign = {"success": "✅", "failure": "❌", "neutral": "❔"}[outcome.conclusion]
    if outcome.conclusion == "neutral" and outcome.job.smokes is None:
        return f"{sign} {HALF}"
    return f"{sign} {as_markdown.headline(outcome.report)}"


def _shown(outcome: Outcome) -> Iterator[str]:
    yield from _no_verdict(outcome)
    if not outcome.empty:
        yield as_markdown.table(outcome.report.files, outcome.before)
        yield as_markdown.next_step(outcome.report)
    # Why no file was run is said once.
    ran = outcome.job.smokes is not None
    files = as_markdown.by_outcome(outcome.report.files)
    told = [file for file in files if file.findings or (ran and file.smoke.verdict is not Verdict.RAN)]
    for file in told[:_MAX_DETAILS]:
        yield as_markdown.details(file, smoke_basis="as claimed by this pull request's own check job")
    if len(told) > _MAX_DETAILS:
        yield f"**And {len(told) - _MAX_DETAILS} more files** of the table; the job's summary has them."
    yield from _on_gpu(outcome)
    if outcome.report.skipped:
        lines = [f"- {code(path)}: {inline(reason)}" for path, reason in outcome.report.skipped[:_MAX_SKIPPED]]
        yield folded(f"{len(outcome.report.skipped)} passed over", "\n".join(lines))


def _no_verdict(outcome: Outcome) -> Iterator[str]:
    """Why there is no verdict on the smoke-loads."""
    job = outcome.job
    if outcome.empty or job.smokes is not None:
        return
    if outcome.distrusted:
        paths = ", ".join(code(path) for path in outcome.distrusted[:10])
        yield (
            f"**No smoke-load verdict.** This pull request changes {paths}, and so could tell its own check what to "
            "say. The static check below was made apart from it. A maintainer can read the change, or run "
            "`cpipe-check` on a checkout."
        )
    elif job.running:
        yield f"⏳ **The smoke-load is running**{_link(job)}; this comment will be edited when it is done."
    else:
        yield f"**No smoke-load verdict:** {prose(job.why)}{_link(job)}."


def _link(job: Job) -> str:
    return f" ([job]({job.url}))" if job.url else ""


def _on_gpu(outcome: Outcome) -> Iterator[str]:
    gpu = outcome.gpu
    if gpu is None:
        return
    if gpu.smokes is None:
        yield f"**On a GPU:** nothing is taken from the job{_link(gpu)}: {prose(gpu.why)}."
        return
    yield f"#### On a GPU{_link(gpu)}"
    for file in outcome.report.files[:_MAX_DETAILS]:
        smoke = outcome.on_gpu(file)
        if smoke is not None:
            shown: FileReport = replace(file, findings=(), smoke=smoke)
            ours = None if smoke.isolation.host else "as reported by the file's own process, on our runner"
            yield as_markdown.details(shown, smoke_basis=ours)


def _basis(outcome: Outcome) -> str:
    facts = [f"{code(outcome.head)}", f"cpipe-check {__version__}"]
    targets = {(f.compatibility.diffusers, f.compatibility.transformers) for f in outcome.report.files}
    for diffusers, transformers in sorted(targets)[:1]:
        facts.append(f"judged by diffusers {inline(diffusers)}, transformers {inline(transformers)}")
    if outcome.job.smokes is not None and not outcome.empty:
        facts.append(f"smoke-loads as claimed by the pull request's own check job{_link(outcome.job)}")
    return f"<sub>{' · '.join(facts)}. {COMMANDS}.</sub>"


def _cut(text: str, url: str) -> str:
    where = f"[the job's summary]({url})" if url else "the job's summary"
    return cut(text, LIMIT, f"**Cut here, since GitHub takes no longer comment:** {where} has all of it.")
