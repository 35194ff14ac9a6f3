"""The file is not UTF-8 text.

The loader opens every pipeline file as UTF-8, whatever coding cookie it carries, before it imports it. A file in
another encoding cannot be loaded, even where Python itself would run it.

Save the file as UTF-8. Editors call this "encoding".
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import HEADER, PIPELINE, Case, Problem, Rule

_COOKIE = "# -*- coding: latin-1 -*-\n# caf\u00e9\n"
_SOURCE = _COOKIE + HEADER + PIPELINE


def check(file: PipelineFile) -> Iterator[Problem]:
    if file.refusal is not None and file.refusal.kind == "encoding":
        yield Problem(
            file.refusal.span,
            "the file is not UTF-8 text",
            consequence=file.refusal.error,
            advice="save the file as UTF-8",
        )


RULE = Rule(
    code="CP101",
    name="not-utf8",
    docs=__doc__,
    check=check,
    breaks="load",
    bad=(Case(_SOURCE.encode("latin-1")), Case(b"\x89PNG\r\n\x1a\n\x00\x00")),
    good=(Case(_SOURCE.encode()), Case(b"\xef\xbb\xbf" + (HEADER + PIPELINE).encode())),
)
