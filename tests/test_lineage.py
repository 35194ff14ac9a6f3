"""What is read off the names of library classes holds for the diffusers that is installed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cpipe_check.pipeline_file.facts import Imported, Namespace, Truth
from cpipe_check.pipeline_file.lineage import is_pipeline, is_plain

pytest.importorskip("diffusers", reason="needs the smoke extra")

_LIST = """
import inspect, json, diffusers
classes = {}
for name in dir(diffusers):
    try:
        value = getattr(diffusers, name)
    except Exception:
        continue
    if inspect.isclass(value) and "dummy" not in value.__module__:
        classes[name] = [issubclass(value, diffusers.DiffusionPipeline), value.__init__ is object.__init__]
print(json.dumps(classes))
"""


@pytest.fixture(scope="module")
def exported() -> dict[str, tuple[bool, bool]]:
    """Every class that diffusers exports: whether it is a pipeline, and whether it has no `__init__` of its own."""
    done = subprocess.run([sys.executable, "-c", _LIST], capture_output=True, text=True, check=True)
    return {name: tuple(facts) for name, facts in json.loads(done.stdout.splitlines()[-1]).items()}


def test_pipelines_are_told_by_name(exported: dict[str, tuple[bool, bool]]) -> None:
    wrong, told = [], 0
    for name, (real, _) in exported.items():
        answer = is_pipeline(Imported("diffusers", name), Namespace({}, (), ()))
        told += answer is Truth.YES
        if answer is not Truth.UNKNOWN and (answer is Truth.YES) != real:
            wrong.append(name)
    assert wrong == []
    assert told > 200


def test_plain_ancestors_have_no_init(exported: dict[str, tuple[bool, bool]]) -> None:
    plain = [name for name in exported if is_plain(Imported("diffusers", name))]
    assert "DiffusionPipeline" in plain
    assert [name for name in plain if not exported[name][1]] == []
