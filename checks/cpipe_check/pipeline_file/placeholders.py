"""Base classes that are placeholders here, since a backend of diffusers is missing."""

from __future__ import annotations

from cpipe_check.api_index.target import missing_backends
from cpipe_check.pipeline_file.facts import Class, Imported
from cpipe_check.pipeline_file.file import PipelineFile


def placeholder_bases(file: PipelineFile) -> list[tuple[Class, Imported, tuple[str, ...]]]:
    """Return the classes of the file whose base is a placeholder, that base, and the backends that are missing."""
    found = []
    for cls in file.namespace.classes if file.namespace and file.target else ():
        for base in cls.bases:
            for value in base.values:
                if isinstance(value, Imported) and value.root == "diffusers" and value.name and file.target:
                    missing = missing_backends(file.target, value.module, value.name)
                    if missing and value.name.endswith("Pipeline"):
                        found.append((cls, value, missing))
    return found
