"""Packing and unpacking lose nothing."""

from __future__ import annotations

import json
import lzma

import pytest

from cpipe_check.api_index import ApiIndexError
from cpipe_check.api_index.table import encode, pack, runs, unpack
from cpipe_check.api_index.versions import in_order, is_final, nearest


@pytest.mark.parametrize(
    ("mask", "expected"),
    [(0, []), (1, [(0, 0)]), (0b1011, [(0, 1), (3, 3)]), (1 << 90, [(90, 90)]), ((1 << 90) - 1, [(0, 89)])],
)
def test_runs(mask, expected):
    assert list(runs(mask)) == expected


def test_round_trip():
    cells = {("a.b", "."): {"y": 7}, ("a.b", "x"): {"y": 5, "m": 2}, ("a", "é"): {"odd: value": 1 << 70}}
    table = unpack(pack(encode(("1", "2", "3"), cells, {"loose", "names"})), "here")
    assert {(module, name): dict(cell) for module, name, cell in table.rows()} == cells
    assert table.loose == {"loose", "names"}
    assert table.versions == ("1", "2", "3")
    assert list(table.holders("x")) == ["a.b"]
    assert table.cell("a.b", "nothing") == ()
    assert table.cell("nothing", "x") == ()


@pytest.mark.parametrize("content", [{}, {"format": 99}, [], {"format": 1, "versions": [], "loose": ""}])
def test_nonsense(content):
    with pytest.raises(ApiIndexError, match="here"):
        unpack(lzma.compress(json.dumps(content).encode()), "here")


@pytest.mark.parametrize("part", ["values", "patterns", "states", "modules"])
def test_nonsense_inside_is_found_when_asked_for(part):
    content = encode(("1",), {("a", "x"): {"y": 1}})
    content[part] = {"a": ["x", [7]]} if part == "modules" else []
    table = unpack(lzma.compress(json.dumps(content).encode()), "here")
    with pytest.raises(ApiIndexError, match="here is broken: "):
        table.cell("a", "x")


def test_versions():
    assert in_order(["0.10.0", "0.9.1", "0.9", "0.9.0.1", "0.9.1"]) == ("0.9", "0.9.0.1", "0.9.1", "0.10.0")
    assert not is_final("0.42.0.dev0")
    assert not is_final("1.0rc1")
    assert nearest("4.31.5", ["4.30.2", "4.31.0", "4.32.1"]) == "4.31.0"
    assert nearest("4.31", ["4.30.2", "4.32.1"]) == "4.30.2"
    assert nearest("0.36.0.dev0", ["0.35.2", "0.36.0", "0.42.1"]) == "0.36.0"
    assert nearest("0.35.1", ["0.35.1", "0.35.2"]) == "0.35.1"
    with pytest.raises(ApiIndexError, match="'latest' is no version number"):
        nearest("latest", ["1.0"])
