"""What a Job is given: one smoke-load as text for one environment variable, and back."""

from __future__ import annotations

import base64
import binascii
import json
import lzma
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cpipe_check.smoke.pool import Load
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.smoke.target import target_from
from cpipe_check.submission import MAX_BYTES

VARIABLE = "CPIPE_PARCEL"
# Linux takes no longer string into a process's environment (MAX_ARG_STRLEN), `NAME=` and the byte at its end included.
MAX_TEXT = 131_072 - len(VARIABLE) - 2
# Unpacked. The compressed text of a file is nowhere near this, unless it is a bomb.
_MAX_SIZE = 16 << 20
_MAX_MEMORY = 64 << 20
_MAX_FILES = 50
_NONCE = re.compile(r"[0-9a-f]{32}")
_BESIDE = re.compile(r"[^\W\d]\w{0,200}(?:/[^\W\d]\w{0,200})?\.py")
# The options that a Job is told; the others are for the machine that asks.
_OPTIONS: Mapping[str, type] = {"device": str, "dtype": str, "seconds": float, "memory": int, "thorough": bool}


class TooLarge(Exception):
    """A smoke-load that does not fit; the message says why."""


class BadParcel(Exception):
    """A text that is no parcel; the message says why."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A smoke-load, how it is to be made, and the `nonce` that its report is marked with."""

    nonce: str
    load: Load
    options: SmokeOptions


def is_nonce(text: object) -> bool:
    """Tell whether something from outside may be a nonce: 32 hexadecimal digits."""
    return isinstance(text, str) and _NONCE.fullmatch(text) is not None


def document(load: Load, options: SmokeOptions) -> dict[str, Any]:
    """Return all that a smoke-load depends on as a JSON object. Bytes are text of as many characters in it."""
    return {
        "files": [[name, content.decode("latin-1")] for name, content in load.files.items()],
        "target": load.target.to_object(),
        "options": {name: kind(getattr(options, name)) for name, kind in _OPTIONS.items()},
    }


def pack(parcel: Parcel) -> str:
    """Return a parcel as text of at most `MAX_TEXT` characters.

    Raises:
        TooLarge: when that is not enough.
    """
    plain = json.dumps({"nonce": parcel.nonce, **document(parcel.load, parcel.options)}, separators=(",", ":"))
    text = base64.b64encode(lzma.compress(plain.encode(), preset=6)).decode()
    if len(text) > MAX_TEXT:
        raise TooLarge(
            f"with what lies beside it the file takes {len(text) / 1000:.0f} kB compressed, and a Hugging Face Job "
            f"is given at most {MAX_TEXT / 1000:.0f} kB"
        )
    return text


def unpack(text: str) -> Parcel:
    """Return the parcel that `pack` made a text of. Nothing is written anywhere.

    Raises:
        BadParcel: for anything else, files with names that lead elsewhere among it.
    """
    if len(text) > MAX_TEXT:
        raise BadParcel("it is too long")
    try:
        found = json.loads(_plain(base64.b64decode(text, validate=True)))
        if not isinstance(found, dict) or set(found) != {"nonce", "files", "target", "options"}:
            raise BadParcel("it holds something else")
        if not is_nonce(found["nonce"]):
            raise BadParcel("its nonce is none")
        files, options = _files(found["files"]), _options(found["options"])
        return Parcel(found["nonce"], Load(target_from(found["target"]), files), options)
    except (binascii.Error, lzma.LZMAError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadParcel(f"it cannot be read ({type(error).__name__})") from None


def _plain(packed: bytes) -> bytes:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_MEMORY)
    plain = decompressor.decompress(packed, _MAX_SIZE)
    if not decompressor.eof or decompressor.unused_data:
        raise BadParcel("it is larger than is taken, or more than one")
    return plain


def _files(found: Any) -> dict[str, bytes]:
    if not isinstance(found, list) or not 0 < len(found) <= _MAX_FILES:
        raise BadParcel("it holds no files, or too many")
    files: dict[str, bytes] = {}
    for name, text in found:
        if not isinstance(name, str) or not (_BESIDE.fullmatch(name) if files else _is_plain(name)) or name in files:
            raise BadParcel("a file in it has a name that is not taken")
        content = text.encode("latin-1")
        if len(content) > MAX_BYTES:
            raise BadParcel("a file in it is too large")
        files[name] = content
    return files


def _is_plain(name: str) -> bool:
    """Whether it names a Python file where it is put, and nowhere else."""
    return name.endswith(".py") and not {"/", "\\", "\0"} & set(name) and len(name.encode("utf-8", "replace")) <= 255


def _options(found: Any) -> SmokeOptions:
    if set(found) != set(_OPTIONS) or any(type(found[name]) is not kind for name, kind in _OPTIONS.items()):
        raise BadParcel("its options are others")
    # Not "strict": the container is thrown away, so that what else it demands is bounded anyway. And never "none": a
    # stranger's code gets no network in our name, and no sight of the nonce.
    return SmokeOptions(**found, isolation="auto", jobs=1)
