"""Text that a file controls is inert."""

from __future__ import annotations

import unicodedata

import pytest

from cpipe_check.text import clean, clean_line, inert_in_logs


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain üñï 漢字 ✓", "plain üñï 漢字 ✓"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\rest", "rest"),
        ("bell\x07 back\x08 nul\x00", "bell\ufffd back\ufffd nul\ufffd"),
        ("\u202eright to left\u2066", "\ufffdright to left\ufffd"),
        ("zero\u200bwidth", "zero\ufffdwidth"),
        ("c1 \x9b31m", "c1 \ufffd31m"),
        ("line\r\nfeed\rs", "line\nfeed\ns"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_nothing_unprintable_is_left() -> None:
    everything = "".join(chr(i) for i in range(0x3000))
    left = {unicodedata.category(c) for c in clean(everything, 1 << 20) if c not in "\n\t"}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_limits() -> None:
    assert clean("x" * 100, 10) == "x" * 9 + "…"
    assert clean_line("a\nb\tc") == "a b c"


@pytest.mark.parametrize("line", ["::error::x", "  ::set-output::", "a ##[error]x", "##[group]", "x\n::debug::y"])
def test_no_command_for_the_runner(line: str) -> None:
    inert = inert_in_logs(line)
    assert "##[" not in inert
    assert not any(part.strip().startswith("::") for part in inert.splitlines())
