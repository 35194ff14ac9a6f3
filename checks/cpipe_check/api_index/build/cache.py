"""Facts of a release as JSON, kept by the content of its archive."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cpipe_check.api_index.model import ModuleFacts, NameFact, ReleaseFacts

_CODE = Path(__file__).parent


def key(parts: Iterable[bytes]) -> str:
    """Return a key that changes with the bytes of the parts and with the builder's own code."""
    digest = hashlib.sha256()
    own = (*sorted(_CODE.glob("*.py")), _CODE.parent / "model.py")
    for part in (*parts, *(file.read_bytes() for file in own)):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:32]


def read(file: Path) -> ReleaseFacts | None:
    """Return the facts in a cache file, or ``None`` when there are none that can be read."""
    try:
        return _release(json.loads(zlib.decompress(file.read_bytes())))
    except (OSError, zlib.error, ValueError, KeyError, TypeError):
        return None


def write(file: Path, facts: ReleaseFacts) -> None:
    """Write the facts, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "library": facts.library,
        "version": facts.version,
        "dummies": facts.dummies,
        "shims": facts.shims,
        "modules": {
            module: [
                {name: [fact.certain, fact.origin] for name, fact in known.names.items()},
                known.classes,
                known.deprecated,
                sorted(known.open),
                known.is_package,
                known.certain,
            ]
            for module, known in facts.modules.items()
        },
    }
    part = file.with_suffix(".part")
    part.write_bytes(zlib.compress(json.dumps(content).encode()))
    part.replace(file)


def _release(content: dict[str, Any]) -> ReleaseFacts:
    modules = {}
    for module, (names, classes, deprecated, open_, is_package, certain) in content["modules"].items():
        facts = {name: NameFact(sure, origin) for name, (sure, origin) in names.items()}
        modules[module] = ModuleFacts(facts, classes, deprecated, frozenset(open_), is_package, certain)
    return ReleaseFacts(content["library"], content["version"], modules, content["dummies"], tuple(content["shims"]))
