"""What runs in a Job: `python -m cpipe_bot.hf_jobs.inside` makes the one smoke-load that it is given, and prints it."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import IO

from cpipe_bot.hf_jobs.framing import lines_of
from cpipe_bot.hf_jobs.parcel import VARIABLE, BadParcel, Parcel, unpack
from cpipe_check.report import as_json
from cpipe_check.report.model import Compatibility, FileReport, Report
from cpipe_check.smoke.pool import smoke_load_all
from cpipe_check.text import EMPTY, clean_line


def main(environment: MutableMapping[str, str] = os.environ, out: IO[str] = sys.stdout) -> int:
    """Make the smoke-load and print its report; return the process's exit code."""
    try:
        parcel = unpack(environment.pop(VARIABLE, ""))
    except BadParcel as error:
        print(f"cpipe-check: {VARIABLE} is no parcel: {error}", file=sys.stderr)
        return 2
    for line in lines_of(as_json.render(_report(parcel)), parcel.nonce):
        # What another process has printed may stand on this line already.
        out.write(f"\n{line}\n")
    out.flush()
    return 0


def _report(parcel: Parcel) -> Report:
    (smoke,) = smoke_load_all([parcel.load], parcel.options, lambda _, __: None)
    name = clean_line(next(iter(parcel.load.files)))
    return Report((FileReport(name, None, (), EMPTY, (), Compatibility(), smoke),))


if __name__ == "__main__":
    sys.exit(main())
