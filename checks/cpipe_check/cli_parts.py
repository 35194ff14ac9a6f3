"""What some of the command's options come to."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cpipe_check.selection import FailOn, Selection

_REPO_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Unserved(click.ClickException):
    """Something asked for by name cannot be had."""


def explained(code: str) -> str:
    """Return the documentation of the rule of this code or name."""
    from cpipe_check.rules import RULES

    for rule in RULES:
        if code.upper() == rule.code or code == rule.name:
            return f"{rule.code} {rule.name} ({rule.severity.value})\n\n{(rule.docs or '').strip()}\n"
    codes = ", ".join(rule.code for rule in RULES)
    raise click.BadParameter(f"no rule {code!r}; there are {codes}", param_hint="--explain")


def reference_directory(reference: str | None, quiet: bool, own_weights: int = 0) -> str:
    """Return the directory of a reference, fetching it from the Hub when it is a repository's id.

    Raises:
        UsageError: when there are to be `own_weights` as well, or it is neither.
        Unserved: when it cannot be had.
    """
    if reference is None:
        return ""
    if own_weights:
        raise click.UsageError("--own-weights and --reference name two models; give one of them")
    if os.path.isdir(reference):
        return os.path.abspath(reference)
    if not _REPO_ID.fullmatch(reference):
        raise click.BadParameter(
            f"{reference!r} is neither a directory nor a Hub repository id", param_hint="--reference"
        )
    from cpipe_check.smoke.fetch import CannotFetch, fetch
    from cpipe_check.smoke.run import INSTALL, missing_packages

    if missing_packages():
        raise Unserved(f"--reference needs torch and diffusers: {INSTALL}")
    try:
        return fetch(reference, quiet=quiet)
    except CannotFetch as error:
        raise Unserved(f"{error}; --reference needs the network for a Hub repository, or a local directory") from None


def selection_over(
    settings: Selection, select: Sequence[str], ignore: Sequence[str], fail_on: FailOn | None
) -> Selection:
    """Return the selection of the settings with what was given on the command line in its place."""
    from cpipe_check.selection import Selection, codes, unknown

    for option, given in (("--select", select), ("--ignore", ignore)):
        if strange := unknown(codes(",".join(given))):
            raise click.BadParameter(strange, param_hint=option)
    return Selection(
        codes(",".join(select)) if select else settings.select,
        codes(",".join(ignore)) if ignore else settings.ignore,
        fail_on or settings.fail_on,
    )
