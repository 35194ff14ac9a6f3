"""The artifact of a check job: bytes from a stranger. What comes out is one small file's content, or a reason."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib

import requests
from github.Artifact import Artifact

from cpipe_bot.refused import Refused

NAME = "report.json"
MAX_ARCHIVE = 20_000_000
MAX_REPORT = 10_000_000
_MAX_MEMBERS = 100
_SECONDS = 60
_CHUNK = 1 << 16
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OSError,
    OverflowError,
)


def fetch(artifact: Artifact) -> bytes:
    """Return the archive of an artifact.

    The token goes to the API alone, never to the storage that it points to.

    Raises:
        Refused: when it is too large, has expired or is not to be had.
    """
    if artifact.expired:
        raise Refused("it has expired; check again with `/cpipe-check`")
    if artifact.size_in_bytes > MAX_ARCHIVE:
        raise Refused(f"it has {artifact.size_in_bytes / 1e6:.0f} MB, and at most {MAX_ARCHIVE / 1e6:.0f} MB are taken")
    status, headers, _ = artifact.requester.requestJson("GET", artifact.archive_download_url)
    location = headers.get("location", "")
    if status != 302 or not location:
        raise Refused(f"GitHub does not say where it is stored ({status})")
    try:
        with requests.get(location, stream=True, timeout=_SECONDS, allow_redirects=False) as answer:
            if answer.status_code != 200:
                raise Refused(f"its storage answers {answer.status_code}")
            content = bytearray()
            for chunk in answer.iter_content(_CHUNK):
                content += chunk
                if len(content) > MAX_ARCHIVE:
                    raise Refused(f"it is larger than {MAX_ARCHIVE / 1e6:.0f} MB")
    except requests.RequestException as error:
        raise Refused(f"its storage does not answer ({type(error).__name__})") from error
    return bytes(content)


def unpack(archive: bytes) -> bytes:
    """Return the content of `report.json` in an archive. Nothing is written anywhere, nothing else is read.

    Raises:
        Refused: for anything but a small archive that holds it once, as a regular file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            members = file.infolist()
            if len(members) > _MAX_MEMBERS:
                raise Refused(f"it holds {len(members)} files, and at most {_MAX_MEMBERS} are taken")
            return _read(file, members)
    except _UNREADABLE as error:
        raise Refused(f"it is no archive that can be read ({type(error).__name__})") from error


def _read(file: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> bytes:
    found = [member for member in members if member.filename == NAME]
    if len(found) != 1:
        raise Refused(f"it holds {NAME} {len(found)} times" if found else f"it does not hold {NAME}")
    (member,) = found
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise Refused(f"{NAME} in it is no regular file")
    if member.flag_bits & 1 or member.compress_type not in _METHODS:
        raise Refused(f"{NAME} in it is encrypted, or packed in a way that GitHub does not use")
    if member.file_size > MAX_REPORT:
        raise Refused(f"{NAME} in it has {member.file_size / 1e6:.0f} MB, and at most {MAX_REPORT / 1e6:.0f} are taken")
    with file.open(member) as opened:
        # The size that the archive names is the stranger's word too.
        content = opened.read(MAX_REPORT + 1)
    if len(content) > MAX_REPORT:
        raise Refused(f"{NAME} in it is larger than {MAX_REPORT / 1e6:.0f} MB")
    return content
