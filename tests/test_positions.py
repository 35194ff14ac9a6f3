"""Our positions are those of libcst's own PositionProvider, for every node that a finding may point at."""

from __future__ import annotations

from pathlib import Path

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

import cpipe_check
from conftest import PIPELINES
from cpipe_check.finding import FILE_START
from cpipe_check.pipeline_file.positions import locate
from cpipe_check.pipeline_file.syntax import walk

SOURCES = [*sorted(PIPELINES.glob("*.py")), Path(cpipe_check.__file__).with_name("checker.py"), Path(__file__)]
POINTED_AT = (cst.Name, cst.Call, cst.ImportAlias, cst.Attribute, cst.ImportFrom)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_as_libcst(path: Path, newline: str) -> None:
    wrapper = MetadataWrapper(cst.parse_module(path.read_text().replace("\n", newline)), unsafe_skip_copy=True)
    expected = wrapper.resolve(PositionProvider)
    nodes = [node for node in walk(wrapper.module) if isinstance(node, POINTED_AT)]
    ours = locate(wrapper.module, nodes)
    for node in nodes:
        start, end = expected[node].start, expected[node].end
        assert (ours[node].line, ours[node].column) == (start.line, start.column + 1)
        if start.line == end.line:
            assert ours[node].end_column == end.column + 1


def test_node_of_another_module() -> None:
    module = cst.parse_module("a = 1\n")
    stranger = cst.Name("b")
    assert locate(module, [stranger]) == {stranger: FILE_START}
