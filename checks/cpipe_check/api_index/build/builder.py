"""Builds the packed data: adds releases to what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from cpipe_check.api_index.build import cache
from cpipe_check.api_index.build.collect import Collector, reopened
from cpipe_check.api_index.build.packages import download
from cpipe_check.api_index.build.sources import Extractor, read_archive, read_tree
from cpipe_check.api_index.library import StoredTables
from cpipe_check.api_index.model import ReleaseFacts
from cpipe_check.api_index.versions import in_order

# Libraries of which the data has one release of each minor.
SAMPLED = frozenset({"transformers"})


def add_releases(
    library: str, versions: Iterable[str], folder: Path, cache_folder: Path, tell: Callable[[str], None]
) -> tuple[Path, ...]:
    """Add releases to the data in ``folder`` and return the files written; ``tell`` gets a line for each release.

    Raises `ApiIndexError` when a release cannot be had, or the data in ``folder`` is broken.
    """
    stored = StoredTables(library, folder)
    tables = dict(stored) if stored.exists else {}
    wanted = in_order(versions)
    collector = reopened(library, tables, wanted)
    extractor = Extractor()
    for version in wanted:
        facts = _facts(library, version, cache_folder, extractor)
        collector.add(facts)
        count = sum(len(module.names) for module in facts.modules.values())
        tell(f"{library} {version}: {len(facts.modules)} modules, {count} names")
    return _write(collector, folder)


def build_source(path: Path, folder: Path, version: str, cache_folder: Path) -> tuple[Path, ...]:
    """Write data that has a diffusers checkout as its only release; raises `ApiIndexError` when it is none."""
    return _write(source_collector(path, version, cache_folder), folder)


def source_collector(path: Path, version: str, cache_folder: Path | None) -> Collector:
    """Return a collector with a diffusers checkout in it; an unchanged one comes out of the cache, if there is one."""
    files = read_tree(path)
    collector = Collector("diffusers", (version,))
    file = None if cache_folder is None else _cached(cache_folder, "diffusers", version, _contents(files))
    collector.add(_extracted("diffusers", version, lambda: files, file, Extractor()))
    return collector


def _contents(files: Mapping[str, bytes]) -> Iterable[bytes]:
    for name, text in sorted(files.items()):
        yield name.encode()
        yield text


def missing(library: str, known: Sequence[str], released: Sequence[str]) -> tuple[str, ...]:
    """Return the releases that the data lacks; a sampled library lacks none of a minor that it has."""
    if library not in SAMPLED:
        return in_order(set(released) - set(known))
    minors = {tuple(version.split(".")[:2]) for version in known}
    return tuple(version for version in released if tuple(version.split(".")[:2]) not in minors)


def _facts(library: str, version: str, cache_folder: Path, extractor: Extractor) -> ReleaseFacts:
    archive = download(library, version, cache_folder / "archives")
    file = _cached(cache_folder, library, version, [archive.read_bytes()])
    return _extracted(library, version, lambda: read_archive(archive, library), file, extractor)


def _cached(cache_folder: Path, library: str, version: str, parts: Iterable[bytes]) -> Path:
    return cache_folder / "facts" / f"{library}-{version}-{cache.key(parts)}.json.z"


def _extracted(
    library: str, version: str, files: Callable[[], dict[str, bytes]], file: Path | None, extractor: Extractor
) -> ReleaseFacts:
    facts = None if file is None else cache.read(file)
    if facts is None:
        facts = extractor.facts(library, version, files())
        if file is not None:
            cache.write(file, facts)
    return facts


def _write(collector: Collector, folder: Path) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in collector.packed().items():
        file = folder / name
        file.write_bytes(content)
        written.append(file)
    return tuple(written)
