"""Answers to commands, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from cpipe_bot.commands import Answer
from cpipe_check.report.markdown import block, code

COMMANDS = (
    "Comment `/cpipe-check` to check again, `/cpipe-check explain CP301` for what a rule means, "
    "`/cpipe-check fix` for all fixes as one patch"
)
_MAX_PATCH = 20_000


def answered(answer: Answer, fixes: Mapping[str, str], *, has_gpu: bool = True) -> str:
    """Return the answer to a command. `fixes` are the diffs that `fix` asks for, by path."""
    command = answer.command
    asked = f"[{code(command.login)} asked]({command.url})"
    if not answer.allowed:
        return f"{asked}: sorry, commands are for people with write access and the author of the pull request."
    if command.kind == "explain":
        if answer.rule is None:
            return f"{asked} what {code(command.argument)} means: there is no such rule; README lists them."
        rule = answer.rule
        head = f"{asked} what {rule.code} {rule.name} means ({rule.severity.value}):"
        return f"{head}\n\n{_quoted((rule.docs or '').strip())}"
    if command.kind == "fix":
        return f"{asked} for the fixes{_patch(fixes)}"
    if command.kind == "unknown":
        return f"{asked} for what is no command. {COMMANDS}."
    if command.kind == "gpu" and not has_gpu:
        return f"{asked} to check on a GPU: there is none here."
    where = "on a GPU" if command.kind == "gpu" else "again"
    return f"{asked} to check {where}."


def _quoted(markdown: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in markdown.splitlines())


def _patch(fixes: Mapping[str, str]) -> str:
    text = "".join(fixes.values())
    if not text:
        return ": there is nothing that can be fixed mechanically."
    if len(text) > _MAX_PATCH:
        return f": they are too many to show; run `cpipe-check --fix` on {code(' '.join(fixes))}."
    how = "Save this as `fix.patch` and run `git apply -p0 fix.patch`, or run `cpipe-check --fix`:"
    return f". {how}\n\n{block(text.rstrip(), 'diff')}"
