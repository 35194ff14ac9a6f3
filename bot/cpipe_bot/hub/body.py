"""An answer on the Hub as Markdown. Text of the repository's files is made inert by `cpipe_check.report.markdown`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cpipe_bot.answering import COMMANDS, answered
from cpipe_bot.commands import Answer
from cpipe_bot.cutting import cut
from cpipe_bot.hub.checking import Checked
from cpipe_bot.hub.names import MAIN
from cpipe_bot.hub.optout import HOW
from cpipe_bot.jobs.work import Conclusion
from cpipe_check import __version__
from cpipe_check.report import as_markdown
from cpipe_check.report.markdown import block, code, folded, inline, prose
from cpipe_check.report.model import STATIC_ONLY, Verdict
from cpipe_check.text import shortened

ON_PULL = "<!-- cpipe-check:comment -->"
ON_MAIN = "<!-- cpipe-check:discussion -->"
TITLE = "cpipe-check: the custom pipeline on main"
DUPLICATE = "This discussion was opened twice; the other one is kept."
NO_FILES = "There is no pipeline file"
# In bytes of UTF-8. The Hub documents no bound; this is below GitHub's 65,536 characters.
LIMIT = 65_000
_LIMIT_ASKED = 40_000
_MAX_DETAILS = 20
_MAX_SKIPPED = 20
_STANDING = re.compile(r"<!-- cpipe-check:commit ([0-9a-f]{40}) (success|failure|neutral) -->")
# Only ours stand alone on a line: text of a file is in a code span, or after a sign in a block.
_ASKED, _ASKED_END = "<!-- cpipe-check:asked -->", "<!-- cpipe-check:asked-end -->"
_ICONS = {"success": "✅", "failure": "❌", "neutral": "❔"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What one of our answers says that it is about."""

    sha: str
    conclusion: Conclusion


def answer(checked: Checked, *, has_gpu: bool, pages: str = "") -> str:
    """Return the answer's text: markers, what it came to, what to do, and what was asked. At most `LIMIT` bytes."""
    marker = ON_MAIN if checked.ref == MAIN else ON_PULL
    name = checked.conclusion
    head = f"{marker}\n<!-- cpipe-check:commit {checked.sha} {name} -->"
    shown = list(_shown(checked))
    if name == "success":
        shown = [folded("Show it", *shown)]
    title = NO_FILES if checked.empty else as_markdown.headline(checked.report)
    body = "\n\n".join(filter(None, (head, f"### {_ICONS[name]} {title}", *shown)))
    # What was asked is never cut off.
    end = f"{asked(checked.answers, checked.fixes, has_gpu=has_gpu)}\n\n{_basis(checked, pages)}"
    room = LIMIT - len(end.encode()) - 2
    return f"{cut(body, room, f'**Cut here:** `cpipe-check {checked.source}` has all of it.')}\n\n{end}"


def asked(answers: tuple[Answer, ...], fixes: Mapping[str, str] | None = None, *, has_gpu: bool) -> str:
    """Return the part of an answer that is about commands."""
    said = [answered(each, fixes or {}, has_gpu=has_gpu) for each in answers]
    if not said:
        return f"{_ASKED}\n\n{_ASKED_END}"
    shown = cut("\n\n".join(["#### Asked for", *said]), _LIMIT_ASKED, "**Cut here:** ask for less at once.")
    return f"{_ASKED}\n\n{shown}\n\n{_ASKED_END}"


def with_asked(text: str, part: str) -> str | None:
    """Return a standing answer with another part about commands, None when it has none or gets too long."""
    begin, end = text.rfind(f"\n{_ASKED}\n"), text.rfind(f"\n{_ASKED_END}\n")
    if begin < 0 or end < begin:
        return None
    changed = text[: begin + 1] + part + text[end + 1 + len(_ASKED_END) :]
    return changed if len(changed.encode()) <= LIMIT else None


def standing(text: str) -> Standing | None:
    """Return what a text of ours is about, None when it does not tell."""
    lines = text.splitlines()
    match = _STANDING.fullmatch(lines[1]) if len(lines) > 1 else None
    if match is None:
        return None
    conclusion: dict[str, Conclusion] = {"success": "success", "failure": "failure", "neutral": "neutral"}
    return Standing(match[1], conclusion[match[2]])


def _shown(checked: Checked) -> Iterator[str]:
    report = checked.report
    if checked.empty:
        yield "\n".join(f"- {prose(problem)}" for problem in report.problems[:_MAX_SKIPPED])
    else:
        yield as_markdown.table(report.files)
    if checked.conclusion != "success":
        yield _next_step(checked)
    files = as_markdown.by_outcome(report.files)
    told = [
        file
        for file in files
        if file.findings or file.unknown or (file.smoke.verdict is not Verdict.RAN and file.smoke != STATIC_ONLY)
    ]
    for file in told[:_MAX_DETAILS]:
        yield as_markdown.details(file)
    if len(told) > _MAX_DETAILS:
        yield f"**And {len(told) - _MAX_DETAILS} more files** of the table."
    if report.skipped:
        lines = [f"- {code(path)}: {prose(reason)}" for path, reason in report.skipped[:_MAX_SKIPPED]]
        yield folded(f"{len(report.skipped)} passed over", "\n".join(lines))


def _next_step(checked: Checked) -> str:
    if checked.empty:
        return ""
    static = all(file.smoke == STATIC_ONLY for file in checked.report.files)
    package = "cpipe-check" if static else shlex.quote("cpipe-check[smoke]")
    options = ["--static"] if static else []
    lines = [f"pip install {package}", shlex.join(["cpipe-check", *options, checked.source])]
    codes = [finding.code for file in checked.report.files for finding in file.findings]
    if codes:
        lines.append(f"cpipe-check --explain {codes[0]}   # more about a finding, by its code")
    return f"The same on your machine:\n\n{block(chr(10).join(lines), 'sh')}"


def _basis(checked: Checked, pages: str) -> str:
    facts = [code(checked.sha), f"cpipe-check {__version__}"]
    for diffusers, transformers in sorted(
        {(f.compatibility.diffusers, f.compatibility.transformers) for f in checked.report.files}
    )[:1]:
        facts.append(f"judged by diffusers {inline(diffusers)}, transformers {inline(transformers)}")
    facts += [f"smoke-load {room}" for room in as_markdown.rooms(checked.report.files)]
    facts += [f"[dashboard]({pages})"] if pages else []
    return f"<sub>{' · '.join(facts)}. {COMMANDS}. No more of this: {shortened(HOW)}.</sub>"
