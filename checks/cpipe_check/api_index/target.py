"""What a verdict is for: the releases of diffusers and transformers that a file is meant to load on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from cpipe_check.api_index.lookup import SOURCE, ApiIndex, load
from cpipe_check.api_index.model import CORE, ApiIndexError

LIBRARIES = ("diffusers", "transformers")
# What diffusers calls a backend, where the module that it looks for has another name (its `utils/import_utils.py`).
_MODULES = {"onnx": "onnxruntime", "opencv": "cv2", "torchao": "torchao", "k_diffusion": "k_diffusion"}


@lru_cache
def is_installed(backend: str) -> bool:
    """Return whether an optional backend of diffusers is installed here, without importing it."""
    return find_spec(_MODULES.get(backend, backend)) is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """The releases of one library that a verdict is for.

    `declared` is a set of releases, bit *i* for `versions[i]`; `version` is the newest of them, which stands for all
    where one release is needed.
    """

    library: str
    versions: tuple[str, ...]
    declared: int
    version: str

    def __str__(self) -> str:
        """The release, or how many of them from which to which."""
        several = [self.versions[i] for i in range(len(self.versions)) if self.declared >> i & 1]
        return self.version if len(several) == 1 else f"{several[0]} - {several[-1]} ({len(several)} releases)"

    @property
    def everything(self) -> int:
        """The set of all releases."""
        return (1 << len(self.versions)) - 1

    @property
    def bit(self) -> int:
        """The set of `version` alone."""
        return 1 << self.versions.index(self.version)


@dataclass(frozen=True)
class Target:
    """The index to judge by, and the chosen releases of each library; `specifications` are what `resolve` was given."""

    index: ApiIndex
    diffusers: Choice
    transformers: Choice
    specifications: tuple[str, str]

    def __reduce__(self) -> tuple[object, ...]:
        # Another process reads the index for itself: that is faster than to send it.
        return resolve, self.specifications

    def choice(self, library: str) -> Choice:
        """Return the chosen releases of `library`."""
        return self.diffusers if library == "diffusers" else self.transformers


def missing_backends(target: Target, module: str, name: str) -> tuple[str, ...]:
    """Return the backends whose absence here makes diffusers give a placeholder for a class, () for none."""
    needed = target.index.dummy_backends(module, name, target.diffusers.version)
    return tuple(sorted(backend for backend in needed if backend not in CORE and not is_installed(backend)))


@lru_cache(maxsize=8)
def resolve(diffusers: str = "latest", transformers: str = "latest") -> Target:
    """Return the target that two specifications name.

    A specification is a version (`0.42.1`), a set of them as pip writes it (`>=0.30,<0.40`), or `latest`: the installed
    release, else the newest indexed. `source:PATH` is a checkout of diffusers.

    Raises:
        ApiIndexError: with one line that says what is wrong with a specification or with the index.
    """
    if diffusers.startswith("source:"):
        path = Path(diffusers.removeprefix("source:"))
        index = ApiIndex.from_source(path, cache_folder())
        chosen = Choice("diffusers", index.versions("diffusers"), 1, SOURCE)
    else:
        index = load()
        chosen = choose(index, "diffusers", diffusers)
    return Target(index, chosen, choose(index, "transformers", transformers), (diffusers, transformers))


def cache_folder() -> Path:
    """Return where an indexed checkout is kept between runs."""
    from cpipe_check.api_index.build.packages import cache_folder as folder

    return folder()


def choose(index: ApiIndex, library: str, specification: str) -> Choice:
    """Return the releases of `library` that a specification names.

    Raises:
        ApiIndexError: when it is nonsense, or no indexed release fits.
    """
    versions = index.versions(library)
    if specification == "latest":
        return _alone(library, versions, _installed(library, versions) or versions[-1])
    if specification[:1].isdigit():
        return _alone(library, versions, _known(index, library, specification))
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        wanted = SpecifierSet(specification if specification.strip() else "nothing")
    except InvalidSpecifier:
        raise ApiIndexError(
            f"{specification!r} is no release of {library}; write a version such as {versions[-1]}, a set such as "
            f"'>={versions[-1]}', or latest"
        ) from None
    declared = sum(1 << i for i, version in enumerate(versions) if wanted.contains(version))
    if not declared:
        raise ApiIndexError(
            f"no indexed release of {library} is {specification} (they are {versions[0]} - {versions[-1]})"
        )
    return Choice(library, versions, declared, versions[declared.bit_length() - 1])


def _alone(library: str, versions: tuple[str, ...], version: str) -> Choice:
    return Choice(library, versions, 1 << versions.index(version), version)


def _known(index: ApiIndex, library: str, version: str) -> str:
    """Return how the index spells a version; of transformers, the release that stands for its minor."""
    versions = index.versions(library)
    if library == "transformers" and version not in versions:
        near = index.nearest(library, version)
        if near.split(".")[:2] == version.split(".")[:2]:
            return near
    index.exists(library, None, version)
    return next(
        known for known in versions if known == version or known.removesuffix(".0") == version.removesuffix(".0")
    )


def _installed(library: str, versions: tuple[str, ...]) -> str | None:
    """Return the indexed release that the installed one is, or that is nearest to it; None when none is installed."""
    try:
        return load().nearest(library, metadata.version(library)) if versions else None
    except (metadata.PackageNotFoundError, ApiIndexError):
        return None
