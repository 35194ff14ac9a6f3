"""The code blocks of a README that are about one pipeline file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from cpipe_check.pipeline_file.example.texts import Block, FenceReader, fences

_HEADING = re.compile(r"(#{1,6})\s(.*)")
_MAX_LINES = 40_000


@dataclass(slots=True, eq=False)
class _Section:
    """From one heading to the next, of whatever level; `above` are the sections that it stands in."""

    level: int
    title: str
    line: int
    above: tuple[_Section, ...] = ()
    lines: list[str] = field(default_factory=list)
    text: str = ""

    def closed(self) -> _Section:
        """Return the section, complete."""
        self.text, self.title = "\n".join(self.lines), _bare(self.title)
        return self


def same_name(one: str, other: str) -> bool:
    """Return whether two names are one but for their spelling: `my_pipeline`, `MyPipeline`, "My pipelines"."""
    return bool(_bare(one)) and _bare(one) == _bare(other)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower().removesuffix("s").removesuffix("pipeline")


def blocks_about(text: str, stem: str, class_name: str, whole: bool) -> list[list[Block]]:
    """Return the fenced blocks of Python, section by section, of those that name the file's stem or the class.

    A section counts when its own text names them, or that of one that it stands in; but the title's section, which may
    list all there is, counts for its own blocks only. With `whole` the README is about nothing else.
    """
    names = re.compile(rf"(?<!\w)({re.escape(stem)}|{re.escape(class_name)})(?!\w)")

    titles = {_bare(stem), _bare(class_name)} - {""}

    def about(section: _Section) -> bool:
        text = section.text
        return whole or section.title in titles or ((stem in text or class_name in text) and bool(names.search(text)))

    sections = _sections(text)
    chosen = {id(section) for section in sections if about(section)}
    found = []
    for section in sections:
        around = (section, *(above for above in section.above if above.level > 1))
        if any(id(each) in chosen for each in around) and (blocks := list(fences(section.lines, section.line))):
            found.append(blocks)
    return found


# The files of one directory have one README.
@lru_cache(maxsize=2)
def _sections(text: str) -> tuple[_Section, ...]:
    return tuple(_split(text))


def _split(text: str) -> Iterator[_Section]:
    section = _Section(0, "", 1)
    fence = FenceReader()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")[:_MAX_LINES], 1):
        heading = _HEADING.match(line) if fence.see(line) == "text" and line.startswith("#") else None
        if heading:
            yield section.closed()
            level = len(heading[1])
            above = tuple(each for each in (*section.above, section) if each.level < level)
            section = _Section(level, heading[2], number, above)
        section.lines.append(line)
    yield section.closed()
