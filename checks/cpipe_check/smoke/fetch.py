"""Fetching a reference from the Hub, in a process of our own that has the user's token and cache and runs no file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


class CannotFetch(Exception):
    """A reference cannot be had from the Hub. The message is one line."""


def fetch(repo_id: str, *, quiet: bool) -> str:
    """Return the directory of the Hub's files of a model repository, downloading what the user's cache lacks.

    Raises:
        CannotFetch: when the Hub cannot be reached, or has no such model.
    """
    # The current directory may hold a `diffusers.py` of its own.
    script = "import sys; sys.path.pop(0); from cpipe_check.smoke.fetch import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, repo_id],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        check=False,
    )
    status, _, rest = done.stdout.strip().rpartition("\n")[2].partition(" ")
    if status != "ok":
        raise CannotFetch(rest or f"fetching {repo_id} ended with exit code {done.returncode}")
    return rest


def paths_of(reference: str) -> tuple[str, ...]:
    """Return what is read of a reference: its directory, and in the Hub's cache the repository's, which it links to."""
    if not reference:
        return ()
    path = Path(reference)
    return (reference, str(path.parents[1])) if path.parent.name == "snapshots" else (reference,)


def main() -> None:
    """Download the model that the command line names, print `ok DIRECTORY` or `no REASON`."""
    repo_id = sys.argv[-1]
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from diffusers import DiffusionPipeline
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        try:
            HfApi().model_info(repo_id, timeout=15)
        except HfHubHTTPError as error:
            print(f"no the Hub refuses {repo_id}: {' '.join(str(error).split())[:200]}")
            return
        except Exception as error:
            directory = _cached(repo_id)
            if directory is None:
                print(f"no {repo_id} is not in the local cache and the Hub cannot be reached: {type(error).__name__}")
            else:
                print(f"ok {directory}")
            return
        print(f"ok {DiffusionPipeline.download(repo_id)}")
    except Exception as error:
        print(f"no {repo_id}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")


def _cached(repo_id: str) -> str | None:
    from diffusers import DiffusionPipeline

    try:
        return str(DiffusionPipeline.download(repo_id, local_files_only=True))
    except Exception:
        return None
