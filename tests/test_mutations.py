"""Pipeline files with lines moved, dropped and mixed: the static check never crashes nor raises a false alarm."""

from __future__ import annotations

import random

import pytest

from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check_static
from cpipe_check.rules import RULES
from cpipe_check.rules.base import HEADER
from cpipe_check.submission import Submission
from odd_cases import CASES

STAGES = ["load", "init", "components", "save", "reload", ""]
BODIES = [HEADER + body for body, _ in CASES.values() if not body.startswith(("\ufeff", "from __future__"))]
SOURCES = BODIES + [
    case.content.decode("utf-8", "replace")
    for rule in RULES
    for case in (*rule.bad, *rule.good)
    if len(case.source) < 3000
]
BYTES = [
    b"(",
    b")",
    b":",
    b"\n",
    b"    ",
    b"import ",
    b"from .",
    b"class ",
    b'"""',
    b"\\",
    b"\x00",
    b"\xff",
    b"*",
    b"@",
]


def mixed(chance: random.Random) -> str:
    """A source with some lines swapped, dropped, indented, or taken from another one."""
    lines = chance.choice(SOURCES).split("\n")
    for _ in range(chance.randint(1, 4)):
        here, there = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                lines[here], lines[there] = lines[there], lines[here]
            case 1:
                lines = lines[:here] + lines[here + 1 :] or [""]
            case 2:
                lines[here] = "    " + lines[here]
            case 3:
                lines[here] = lines[here].removeprefix("    ")
            case 4:
                other = chance.choice(SOURCES).split("\n")
                start = chance.randrange(len(other))
                lines[here:here] = other[start : start + chance.randint(1, 8)]
    return "\n".join(lines)


def garbled(chance: random.Random) -> bytes:
    """A source with bytes put in, taken out or changed."""
    content = bytearray(chance.choice(SOURCES).encode())
    for _ in range(chance.randint(1, 6)):
        here = chance.randrange(len(content) + 1)
        content[here : here + chance.choice((0, 0, 1, 20))] = chance.choice(BYTES)
    return bytes(content)


def compare(real_loader, seed: int, count: int) -> None:
    """No error is about a file that real diffusers takes further than the error says."""
    chance = random.Random(seed)
    target = resolve()
    for _ in range(count):
        source = mixed(chance)
        if "while True" in source:
            continue
        result = check_static(Submission("my_pipeline.py", source.encode(), None), target)
        real = real_loader.load(source.encode())
        if result.compatibility.loads is False:
            assert real.stage == "load", source
        broken = [STAGES.index(finding.breaks) for finding in result.findings if finding.breaks]
        if broken:
            assert STAGES.index(real.stage) <= max(broken), source


def test_never_crashes() -> None:
    chance = random.Random(0)
    target = resolve()
    for _ in range(1000):
        check_static(Submission("my_pipeline.py", garbled(chance), None), target)


@pytest.mark.slow
def test_no_false_alarm(real_loader) -> None:
    compare(real_loader, 1, 150)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_no_false_alarm_at_length(real_loader, seed: int) -> None:
    compare(real_loader, seed, 1000)
