"""How processes talk across the wall: a kind, a length, that many bytes. Nothing is ever unpickled."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from typing import Any

_HEADER = struct.Struct(">cI")
MAX_FRAME = 256 * 1024


class ProtocolError(Exception):
    """Bytes that are no frame of ours."""


class FrameReader:
    """Puts frames together from the pieces that a pipe gives. `kinds` are the kinds that may come."""

    def __init__(self, kinds: bytes, max_frame: int = MAX_FRAME) -> None:
        self._kinds = kinds
        self._max_frame = max_frame
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the kind and the payload of each frame that `data` completes.

        Raises:
            ProtocolError: for a kind that is not ours, or a length beyond the maximum.
        """
        self._pending += data
        while len(self._pending) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._pending)
            if kind not in self._kinds or length > self._max_frame:
                raise ProtocolError("no frame of ours")
            end = _HEADER.size + length
            if len(self._pending) < end:
                return
            payload = bytes(self._pending[_HEADER.size : end])
            del self._pending[:end]
            yield kind, payload

    @property
    def in_the_middle(self) -> bool:
        """True when a frame has begun and not ended."""
        return bool(self._pending)


def frame(kind: bytes, payload: bytes) -> bytes:
    """Return the bytes of one frame."""
    return _HEADER.pack(kind, len(payload)) + payload


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, blocking as long as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def read_exactly(descriptor: int, size: int) -> bytes:
    """Read `size` bytes.

    Raises:
        EOFError: when the other end closes before.
    """
    data = b""
    while len(data) < size:
        piece = os.read(descriptor, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def read_frame(descriptor: int, kinds: bytes) -> tuple[bytes, bytes]:
    """Read one frame, blocking.

    Raises:
        EOFError: when the other end closes before.
        ProtocolError: for what is no frame of ours.
    """
    kind, length = _HEADER.unpack(read_exactly(descriptor, _HEADER.size))
    if kind not in kinds or length > MAX_FRAME:
        raise ProtocolError("no frame of ours")
    return kind, read_exactly(descriptor, length)


def read_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object that a payload holds, and nothing but what JSON allows.

    Raises:
        ProtocolError: when it holds anything else.
    """
    try:
        value = json.loads(payload.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProtocolError("no JSON") from None
    if not isinstance(value, dict):
        raise ProtocolError("no JSON object")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def to_payload(value: dict[str, Any]) -> bytes:
    """Return a JSON object's payload."""
    return json.dumps(value).encode()
