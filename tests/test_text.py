"""Text that a file controls is inert, and nothing else gets into the report."""

from __future__ import annotations

import json
import re
import typing
import unicodedata
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType

import pytest

import cpipe_check
from conftest import PIPELINES, Done
from cpipe_check import finding
from cpipe_check.checker import check
from cpipe_check.pipeline_file import load_range
from cpipe_check.report import RENDERERS, model
from cpipe_check.submission import Collection, Submission, collect
from cpipe_check.text import CleanText, clean, clean_line, clean_source_line, inert_in_logs

UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
GOOD = (PIPELINES / "one_step_unet.py").read_text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain üñï 漢字 ✓", "plain üñï 漢字 ✓"),
        ("नमस्ते ไทย 한국어 עברית العربية e\u0301", "नमस्ते ไทย 한국어 עברית العربية e\u0301"),
        ("❤\ufe0f ✈\ufe0e 🤗\u00a0\u3000", "❤\ufe0f ✈\ufe0e 🤗\u00a0\u3000"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\rest", "rest"),
        ("\x1b]0;no end \x1bPno end", "0;no end no end"),
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
    assert not left & UNPRINTABLE


def test_limits() -> None:
    assert clean("x" * 100, 10) == "x" * 9 + "…"
    assert clean_line("a\nb\tc\rd\r\ne") == "a b c d e"


def test_a_source_line_keeps_its_columns() -> None:
    assert clean_source_line("\tx = '\x1b[31m\u202e\x00' # \udc80\r\n") == "\tx = '\ufffd[31m\ufffd\ufffd' # \ufffd"


@pytest.mark.parametrize("line", ["::error::x", "  ::set-output::", "a ##[error]x", "##[group]", "x\n::debug::y"])
def test_no_command_for_the_runner(line: str) -> None:
    inert = inert_in_logs(line)
    assert "##[" not in inert
    assert not any(part.strip().startswith("::") for part in inert.splitlines())


# The model's fields that hold plain text, and why they may.
PLAIN = {
    "Edit.text": "code to be written as it is; JSON escapes it",
    "Finding.code": "a constant of the rule",
    "Finding.name": "a constant of the rule",
    "Compatibility.ranges": "its keys are the names of the libraries",
    "Picture.pixels": "numbers, that are drawn and never shown as text",
}


def leaves(hint: object) -> Iterator[object]:
    """The types that a type is made of; the values of a literal are ours."""
    if typing.get_origin(hint) is typing.Literal:
        return
    inner = typing.get_args(hint)
    if not inner:
        yield hint
    for item in inner:
        yield from leaves(item)


def test_the_model_takes_no_other_text() -> None:
    classes = [
        c for m in (model, finding, load_range) for c in vars(m).values() if isinstance(c, type) and is_dataclass(c)
    ]
    allowed = {CleanText, int, float, bool, NoneType, Ellipsis, *classes}
    found = set()
    for cls in classes:
        for name, hint in typing.get_type_hints(cls).items():
            for leaf in leaves(hint):
                if leaf not in allowed and not (isinstance(leaf, type) and issubclass(leaf, Enum)):
                    assert leaf in (str, bytes), f"{cls.__name__}.{name} may hold any {leaf}"
                    found.add(f"{cls.__name__}.{name}")
    assert found == set(PLAIN)


def test_only_one_module_makes_clean_text() -> None:
    root = Path(cpipe_check.__file__).parent
    makers = {
        path.name for path in root.rglob("*.py") if re.search(r"CleanText\(|cast\(\W?CleanText", path.read_text())
    }
    assert makers == {"text.py"}


HOSTILE = {
    "nothing": "",
    "csi": "\x1b[31m\x1b[2J\x1b[1;1H",
    "link": "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "title": "\x1b]0;title\x07",
    "unfinished": "\x1b]0;title",
    "c1": "\x9b31m\x85",
    "bidi": "\u202e\u2066\u200f\u061c",
    "zero width": "\u200b\u200d\ufeff",
    "nul": "\x00\x07\x08",
    "return": "\r::error::x\r\n::error::x",
    "surrogate": "\ud800\udc80",
    "separators": "\u2028::error::x\u2029\x0b\x0c\x1c\t",
    "command": "\n  ::error::x\n::set-output name=a::b",
    "group": "##[group]x",
    "backticks": "```\n`` ` <!-- -->",
    "long": "##[x]\x1b[31m" + "é" * 400_000,
}


def pipeline(before: str = "", parameters: str = "unet, scheduler", name: str = "MyPipeline") -> str:
    return (
        f"from diffusers import DiffusionPipeline\n{before}\n\nclass {name}(DiffusionPipeline):\n"
        f"    def __init__(self, {parameters}):\n        super().__init__()\n"
        "        self.register_modules(unet=unet, scheduler=scheduler)\n\n    def __call__(self):\n        return 1\n"
    )


SOURCES = {
    "source line": lambda text: pipeline(f"from diffusers import Nope  # {text}"),
    "code before the mark": lambda text: pipeline(f"x = '{text}'; from diffusers import MARKNope"),
    "docstring": lambda text: f'"""{text}"""\nfrom diffusers import Nope\n' + pipeline(),
    "annotation": lambda text: pipeline(parameters=f'unet: """{text}""", scheduler'),
    "parameter": lambda text: pipeline(parameters=f"unet, scheduler, {text}"),
    "class": lambda text: pipeline(name=text),
    "module": lambda text: pipeline(f"import diffusers.{text}"),
    "name": lambda text: pipeline(f"from diffusers import {text}"),
    "other package": lambda text: pipeline(f"import {text}"),
    "relative import": lambda text: pipeline(f"from .{text} import x"),
    "error": lambda text: pipeline(f'raise ImportError("""{text}""")'),
    "minimum": lambda text: pipeline(
        f'from diffusers.utils import check_min_version\ncheck_min_version("""99.0+{text}""")'
    ),
    "syntax": lambda text: f"x = ({text}\n",
}


def rendered(collection: Collection) -> str:
    """The reports as text and JSON on a collection, once all have been found inert."""
    report = check(collection)
    text, document = RENDERERS["text"](report, False), RENDERERS["json"](report, False)
    for form in ("html", "markdown", "sarif"):
        assert_inert(RENDERERS[form](report, False))
    assert_inert(RENDERERS["github"](report, False), logs=False)
    assert_inert(text)
    assert_inert(document)
    assert_inert("\n".join(strings(json.loads(document))), logs=False)
    assert_inert(re.sub(r"\x1b\[\d+m", "", RENDERERS["text"](report, True)), logs=False)
    assert max(map(len, text.splitlines()), default=0) < 1000
    return text + document


def assert_inert(text: str, logs: bool = True) -> None:
    assert not {c for c in text if c != "\n" and unicodedata.category(c) in UNPRINTABLE}
    if logs:
        assert "##[" not in text
        assert not [line for line in text.split("\n") if line.strip().startswith("::")]


def strings(value: object) -> Iterator[str]:
    """The strings in a JSON document but for an edit's text, which is code."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from strings(item)
        case dict():
            for key, item in value.items():
                if not (key == "text" and "end_column" in value):
                    yield from strings(item)


@pytest.mark.parametrize("place", SOURCES)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_source(text: str, place: str) -> None:
    content = SOURCES[place](f"MARK{text}").encode("utf-8", "surrogatepass")
    shown = rendered(Collection((Submission("a.py", content, None),), (), ()))
    assert "MARK" in shown or text or place == "docstring"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(text: str) -> None:
    source = pipeline("from diffusers import Nope").encode()
    for name in (f"MARK{text}", f"{text}MARK.py", f"\x1b[1m{text}/::error::MARK.py"):
        assert "MARK" in rendered(collect(["-"], source, name)) or len(text) > 1000
        assert "MARK" in rendered(collect([name])) or len(text) > 1000
        assert "MARK" in rendered(Collection((Submission(name, b"", None, discovered=True),), (), ())) or text


@pytest.mark.slow
def test_hostile_directory(tmp_path: Path, command) -> None:
    """Skipped files, broken links and checked files with names as bad as the file system takes them."""
    nasty = "::error::`x`\n::error::\x1b[31m\u202e##[group]\udc80.py"
    (tmp_path / nasty).write_text(pipeline("from diffusers import Nope"))
    (tmp_path / f"skipped{nasty}").write_text("x = 1\n")
    (tmp_path / f"link{nasty}").symlink_to(nasty + nasty)
    for path in (".", nasty, f"link{nasty}", f"missing{nasty}"):
        for form in ("text", "json", "html", "markdown", "sarif"):
            done: Done = command("--static", "--output-format", form, "--", path, cwd=tmp_path)
            assert_inert(done.out)
            assert_inert(done.err)
            assert "Traceback" not in done.err
            assert done.code == (2 if "missing" in path or "link" in path else 1)
            if path == "." and form == "text":
                assert done.out.count("\nskipped ") == 2


def test_marks_stay_below_what_they_mark() -> None:
    source = pipeline("x = '\x1b[31m\u202e\t\x00 é'; from diffusers import Nope".replace("\x00", "\x07"))
    shown = rendered(Collection((Submission("a.py", source.encode(), None),), (), ())).split("\n")
    at = next(i for i, line in enumerate(shown) if line.startswith("2 | x = '"))
    assert shown[at].index("Nope") == shown[at + 1].index("^")


def test_harmless_names_are_shown_as_they_are() -> None:
    """A letter that looks like another is a letter still."""
    name = "My\u0420ipeline"
    report = check(collect(["-"], pipeline(name=name).encode(), "труба 漢字 ❤\ufe0f.py"))
    assert f"труба 漢字 ❤\ufe0f.py  {name}(unet, scheduler)" in RENDERERS["text"](report, False)
    assert json.loads(RENDERERS["json"](report, False))["files"][0]["pipeline_class"] == name
