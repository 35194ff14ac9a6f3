"""How a report travels in a Job's log: in numbered lines that begin with the Job's nonce, whatever else is printed."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from cpipe_bot.refused import Refused

MAX_REPORT = 2_000_000
_WIDTH = 2_000
_MAX_PARTS = 1_500


def lines_of(report: str, nonce: str) -> list[str]:
    """Return the lines that carry a report."""
    packed = base64.b64encode(zlib.compress(report.encode(), 9)).decode()
    parts = [packed[start : start + _WIDTH] for start in range(0, len(packed), _WIDTH)]
    return [f"cpipe-check-{nonce} {number}/{len(parts)} {part};" for number, part in enumerate(parts, 1)]


class Reading:
    """The report in a log, from its lines in any order. A line may be there twice, but not differently."""

    def __init__(self, nonce: str) -> None:
        self._line = re.compile(
            rf"cpipe-check-{re.escape(nonce)} ([0-9]{{1,4}})/([0-9]{{1,4}}) ([A-Za-z0-9+/=]{{1,{_WIDTH}}});"
        )
        self._parts: dict[int, str] = {}
        self._total = 0

    def add(self, line: str) -> None:
        """Take a line of the log.

        Raises:
            Refused: when it contradicts an earlier one.
        """
        match = self._line.search(line)
        if match is None:
            return
        number, total = int(match[1]), int(match[2])
        known = self._total in (0, total) and self._parts.get(number, match[3]) == match[3]
        if not known or not 0 < number <= total <= _MAX_PARTS:
            raise Refused("the lines of its report contradict each other")
        self._total, self._parts[number] = total, match[3]

    @property
    def complete(self) -> bool:
        """True when no line is missing."""
        return 0 < self._total == len(self._parts)

    def content(self) -> bytes:
        """Return the report.

        Raises:
            Refused: when it is not complete, cannot be unpacked, or is too large.
        """
        if not self.complete:
            raise Refused("it left no whole report in its log" if self._parts else "it left no report in its log")
        try:
            packed = base64.b64decode("".join(self._parts[number] for number in sorted(self._parts)), validate=True)
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(packed, MAX_REPORT)
        except (binascii.Error, zlib.error) as error:
            raise Refused(f"its report cannot be unpacked ({type(error).__name__})") from None
        if not unpacker.eof or unpacker.unused_data:
            raise Refused(f"its report is cut off, or larger than {MAX_REPORT / 1e6:g} MB")
        return content
