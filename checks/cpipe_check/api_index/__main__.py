"""The builder's command: ``python -m cpipe_check.api_index build --diffusers 0.42.1``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cpipe_check.api_index.build.builder import add_releases, build_source, missing
from cpipe_check.api_index.build.packages import cache_folder, released
from cpipe_check.api_index.library import StoredTables
from cpipe_check.api_index.lookup import SOURCE
from cpipe_check.api_index.model import ApiIndexError

_DATA = Path(__file__).with_name("data")
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def main() -> None:
    """Build and inspect the index of names."""


@main.command()
@click.option("--diffusers", multiple=True, metavar="VERSION", help="Add this release of diffusers (repeatable).")
@click.option("--transformers", multiple=True, metavar="VERSION", help="Add this release of transformers (repeatable).")
@click.option(
    "--all", "everything", is_flag=True, help="Add every release that the package index has and the data has not."
)
@click.option(
    "--diffusers-source", type=_FOLDER, help="Index a diffusers checkout instead, as the one version 'source'."
)
@click.option("--output", type=_FOLDER, default=_DATA, help="The data folder to add to (default: the package's own).")
@click.option("--cache", type=_FOLDER, default=cache_folder, help="Where downloads and extracted facts are kept.")
def build(
    *,
    diffusers: tuple[str, ...],
    transformers: tuple[str, ...],
    everything: bool,
    diffusers_source: Path | None,
    output: Path,
    cache: Path,
) -> None:
    """Add releases to the data."""
    asked = {"diffusers": diffusers, "transformers": transformers}
    if diffusers_source is not None and (everything or diffusers or output == _DATA):
        raise click.UsageError("--diffusers-source stands alone and needs an --output of its own")
    if not (everything or diffusers or transformers or diffusers_source):
        raise click.UsageError("nothing to build: name a release, --all or --diffusers-source")
    try:
        if diffusers_source is not None:
            _report(build_source(diffusers_source, output, SOURCE, cache))
        for library, versions in asked.items():
            wanted = _wanted(library, versions, everything, output)
            if wanted:
                _report(add_releases(library, wanted, output, cache, click.echo))
    except ApiIndexError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)


@main.command()
@click.option("--output", type=_FOLDER, default=_DATA, help="The data folder to look at (default: the package's own).")
def check(output: Path) -> None:
    """Print the releases that the package index has and the data has not, one ``library==version`` a line."""
    try:
        for library in ("diffusers", "transformers"):
            for version in missing(library, _known(library, output), released(library)):
                click.echo(f"{library}=={version}")
    except ApiIndexError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)


def _wanted(library: str, versions: tuple[str, ...], everything: bool, output: Path) -> tuple[str, ...]:
    return (*versions, *(missing(library, _known(library, output), released(library)) if everything else ()))


def _known(library: str, output: Path) -> tuple[str, ...]:
    stored = StoredTables(library, output)
    return stored["names"].versions if stored.exists else ()


def _report(files: tuple[Path, ...]) -> None:
    for file in files:
        click.echo(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
