"""Released packages: which there are, and their archives, by way of pip."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from cpipe_check.api_index.model import ApiIndexError
from cpipe_check.api_index.versions import in_order, is_final, sort_key

# From these releases on the index is kept: all final ones of diffusers, the last of each minor of transformers.
OLDEST = {"diffusers": "0.4.0", "transformers": "4.25.0"}


def cache_folder() -> Path:
    """Return the folder for downloads and extracted facts, under the user's cache folder."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(base).expanduser() / "cpipe-check" / "api-index"


def released(library: str) -> tuple[str, ...]:
    """Return the final releases on the package index that the data should have; raises `ApiIndexError`."""
    text = _pip("index", "versions", library)
    match = re.search(r"^Available versions: (.*)$", text, re.MULTILINE)
    found = [] if match is None else [version for version in match[1].split(", ") if is_final(version)]
    chosen = in_order(version for version in found if sort_key(version) >= sort_key(OLDEST[library]))
    if not chosen:
        raise ApiIndexError(f"the package index lists no release of {library}")
    if library == "transformers":
        return tuple({sort_key(version)[:2]: version for version in chosen}.values())
    return chosen


def download(library: str, version: str, folder: Path) -> Path:
    """Return the wheel (or source archive) of a release, downloaded into ``folder`` unless it is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in range(2):
        for pattern in (f"{library}-{version}-*.whl", f"{library}-{version}.tar.gz"):
            for file in sorted(folder.glob(pattern)):
                return file
        if attempt == 0:
            _pip("download", "--no-deps", "--no-binary", ":none:", "--dest", str(folder), f"{library}=={version}")
    raise ApiIndexError(f"pip downloaded no archive of {library} {version}")


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ApiIndexError(f"pip {' '.join(arguments[:2])} failed: {last}")
    return done.stdout
