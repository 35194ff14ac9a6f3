"""The builder's command, on archives that lie in its cache already."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from cpipe_check.api_index import ApiIndex, ApiIndexError, VersionRange, load
from cpipe_check.api_index.__main__ import main
from cpipe_check.api_index.build import builder
from cpipe_check.api_index.build.builder import missing

from .conftest import write_tree


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Archives of three made-up releases: two wheels and a source archive."""
    archives = tmp_path / "cache" / "archives"
    archives.mkdir(parents=True)
    for version, text in {"1.0.0": "a = 1", "1.10.0": "b = 1"}.items():
        with zipfile.ZipFile(archives / f"diffusers-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("diffusers/__init__.py", text)
    tree = write_tree(tmp_path / "diffusers-1.2.0", {"__init__.py": "a = 1\nb = 1"})
    with tarfile.open(archives / "diffusers-1.2.0.tar.gz", "w:gz") as archive:
        archive.add(tree, arcname="diffusers-1.2.0")
    return tmp_path / "cache"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    return f"{result.exit_code}: {result.output}"


def test_adds_a_release_between_two(tmp_path, cache):
    data = tmp_path / "data"
    assert run("build", "--diffusers", "1.10.0", "--diffusers", "1.0.0", "--output", data, "--cache", cache)[0] == "0"
    assert load(data).versions("diffusers") == ("1.0.0", "1.10.0")
    load.cache_clear()
    assert run("build", "--diffusers", "1.2.0", "--output", data, "--cache", cache)[0] == "0"
    index = load(data)
    assert index.versions("diffusers") == ("1.0.0", "1.2.0", "1.10.0")
    assert index.ranges("diffusers", "a") == (VersionRange("1.0.0", "1.2.0"),)
    assert index.ranges("diffusers", "b") == (VersionRange("1.2.0", "1.10.0"),)


def test_building_again_gives_the_same_bytes_from_the_cache(tmp_path, cache, monkeypatch):
    arguments = (
        "build",
        "--diffusers",
        "1.0.0",
        "--diffusers",
        "1.2.0",
        "--output",
        tmp_path / "data",
        "--cache",
        cache,
    )
    run(*arguments)
    first = (tmp_path / "data" / "diffusers-names.xz").read_bytes()
    monkeypatch.setattr(builder, "read_archive", lambda *_: pytest.fail("was extracted again"))
    run(*arguments)
    assert (tmp_path / "data" / "diffusers-names.xz").read_bytes() == first


def test_source(tmp_path):
    tree = write_tree(tmp_path / "checkout", {"m.py": "x = 1"})
    assert run("build", "--diffusers-source", tree, "--output", tmp_path / "data", "--cache", tmp_path)[0] == "0"
    assert load(tmp_path / "data").exists("diffusers.m", "x", "source") is True


def test_source_is_cached_by_content(tmp_path, monkeypatch):
    tree = write_tree(tmp_path / "checkout", {"m.py": "x = 1"})
    ApiIndex.from_source(tree, tmp_path / "cache")
    (tree / "src" / "diffusers" / "m.py").write_text("y = 1")
    assert ApiIndex.from_source(tree, tmp_path / "cache").exists("diffusers.m", "x", "source") is False
    monkeypatch.setattr(builder.Extractor, "facts", lambda *_: pytest.fail("was extracted again"))
    assert ApiIndex.from_source(tree, tmp_path / "cache").exists("diffusers.m", "y", "source") is True


@pytest.mark.parametrize("arguments", [(), ("--diffusers-source", "x"), ("--all", "--diffusers-source", "x")])
def test_wrong_usage(arguments):
    assert run("build", *arguments).startswith("2: Usage:")


def test_source_that_is_none(tmp_path):
    outcome = run("build", "--diffusers-source", tmp_path, "--output", tmp_path / "data")
    assert outcome.startswith("2: error: ")
    assert "is no diffusers source tree" in outcome


def test_broken_archive(tmp_path, cache):
    (cache / "archives" / "diffusers-2.0.0-py3-none-any.whl").write_bytes(b"nonsense")
    outcome = run("build", "--diffusers", "2.0.0", "--output", tmp_path / "data", "--cache", cache)
    assert outcome.startswith("2: error: ")
    assert "cannot be read as a wheel" in outcome


def test_pip_failure_is_one_line(monkeypatch, tmp_path):
    def fail(*_: str) -> str:
        raise ApiIndexError("pip index versions failed: no network")

    monkeypatch.setattr("cpipe_check.api_index.build.packages._pip", fail)
    assert run("check", "--output", tmp_path) == "2: error: pip index versions failed: no network\n"


def test_what_is_missing():
    assert missing("diffusers", ["1.0"], ["1.0", "1.1", "1.1.1"]) == ("1.1", "1.1.1")
    assert missing("transformers", ["4.25.1"], ["4.25.2", "4.26.1"]) == ("4.26.1",)
