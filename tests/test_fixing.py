"""Fixes: what they make loads, nothing else changes, and a file is never half-written."""

from __future__ import annotations

import ast
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import PIPELINES
from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check_static
from cpipe_check.finding import Edit, Finding, Fix, Severity, Span
from cpipe_check.fix_files import fix_all, write
from cpipe_check.fixing import Fixed, LineChange, applied, fixed, suggestion, unified
from cpipe_check.pipeline_file.parsing import compiles
from cpipe_check.rules import RULES
from cpipe_check.rules.base import HEADER, PIPELINE
from cpipe_check.submission import InputProblem, Submission
from cpipe_check.text import clean_line
from mutated import BASES, KINDS, Step, mutate

MOVED = "from diffusers.utils import randn_tensor"
HOME = "from diffusers.utils.torch_utils import randn_tensor"


def found(content: bytes, diffusers: str = "latest") -> tuple[Finding, ...]:
    return check_static(Submission("my_pipeline.py", content, None), resolve(diffusers)).findings


def fix(content: bytes | str, diffusers: str = "latest") -> Fixed:
    source = content.encode() if isinstance(content, str) else content
    return fixed(source, lambda content: found(content, diffusers))


def body(source: str, diffusers: str = "latest") -> str:
    """What becomes of `source`, which stands between the usual imports and a pipeline class."""
    result = fix(HEADER + source + PIPELINE, diffusers)
    text = result.content.decode()
    assert text.startswith(HEADER)
    assert text.endswith(PIPELINE)
    return text[len(HEADER) : len(text) - len(PIPELINE)]


CASES = {f"{r.code}-bad{i}": c.content for r in RULES for i, c in enumerate(r.bad) if not c.siblings}
CASES |= {path.stem: path.read_bytes() for path in sorted((PIPELINES / "broken").glob("*.py"))}
FIXABLE = {name: content for name, content in CASES.items() if fix(content).mended}
VARIANTS = {
    "as it is": lambda c: c,
    "CRLF": lambda c: c.replace(b"\n", b"\r\n"),
    "BOM": lambda c: b"\xef\xbb\xbf" + c,
    "tabs": lambda c: c.replace(b"    ", b"\t"),
    "no final newline": lambda c: c.rstrip(b"\n"),
}


def test_enough_rules_carry_fixes() -> None:
    fixing = {finding.code for content in FIXABLE.values() for finding in fix(content).mended}
    assert fixing == {"CP105", "CP201", "CP202", "CP301", "CP302", "CP303", "CP304", "CP402"}


# A variant is the same program to Python: the default tests give the real loader those of one case for each rule.
_FIRST = {fix(content).mended[0].code: name for name, content in reversed(FIXABLE.items())}
LOADED = [
    pytest.param(name, variant, marks=() if variant == "as it is" or name in _FIRST.values() else pytest.mark.slow)
    for name in FIXABLE
    for variant in VARIANTS
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", FIXABLE)
def test_fixed_once_and_nothing_else_changed(name: str, variant: str) -> None:
    result = fix(VARIANTS[variant](FIXABLE[name]))
    assert result.mended
    assert not result.refused
    assert result.remaining == found(result.content)
    assert fix(result.content) == Fixed(result.content, remaining=result.remaining), "fixed twice is fixed once"
    assert result.content.startswith(b"\xef\xbb\xbf") == (variant == "BOM")
    assert result.content.endswith(b"\n") == (variant != "no final newline")
    assert (b"\n" in result.content.replace(b"\r\n", b"")) == (variant != "CRLF")
    assert ast.dump(ast.parse(result.content)) == ast.dump(ast.parse(fix(FIXABLE[name]).content))


@pytest.mark.parametrize(("name", "variant"), LOADED)
def test_fixed_file_loads(real_loader, name: str, variant: str) -> None:
    result = fix(VARIANTS[variant](FIXABLE[name]))
    breaks = {finding.breaks for finding in result.remaining} - {""}
    real = real_loader.load(result.content)
    assert real.stage in (breaks or {""}), real.error


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{MOVED}  # why\n", f"{HOME}  # why\n"),
        (f"{MOVED} as noise\n", f"{HOME} as noise\n"),
        ("from diffusers.utils import logging, randn_tensor\n", f"from diffusers.utils import logging\n{HOME}\n"),
        ("from diffusers.utils import randn_tensor, logging\n", f"from diffusers.utils import logging\n{HOME}\n"),
        (
            "from diffusers.utils import (  # some\n    randn_tensor,\n    # more\n    logging,  # one\n)\n",
            "from diffusers.utils import (  # some\n    randn_tensor,\n    # more\n    logging,  # one\n)\n",
        ),
        (
            "from diffusers.utils import (  # some\n    # more\n    logging,  # one\n    randn_tensor, BaseOutput\n)\n",
            f"from diffusers.utils import (  # some\n    # more\n    logging,  # one\n    BaseOutput\n)\n{HOME}\n",
        ),
        (
            "from diffusers.utils import (\n    logging,\n    randn_tensor as a,\n)  # end\n",
            f"from diffusers.utils import (\n    logging,\n)\n{HOME} as a  # end\n",
        ),
        (
            "if True:\n\tfrom diffusers.utils import (\n\t\tlogging,\n\t\trandn_tensor,\n\t)\n",
            f"if True:\n\tfrom diffusers.utils import (\n\t\tlogging,\n\t)\n\t{HOME}\n",
        ),
        (f"import os; {MOVED}; import re\n", f"import os; {HOME}; import re\n"),
        (f"if True: {MOVED}\n", f"if True: {HOME}\n"),
        # Needs a line of its own and has none.
        ("import os; from diffusers.utils import logging, randn_tensor\n",) * 2,
        # A place that is not known, and a comment that would be lost.
        ("from diffusers.utils import randn_tensor, no_such_thing\n",) * 2,
        ("from diffusers.utils import (\n    logging,\n    randn_tensor,  # noise\n)\n",) * 2,
        ('"""\nfrom diffusers.utils import randn_tensor\n"""\n',) * 2,
        (
            "from transformers import CLIPFeatureExtractor, CLIPTextModel\n",
            "from transformers import CLIPImageProcessor as CLIPFeatureExtractor, CLIPTextModel\n",
        ),
        ("from diffuser.utils import randn_tensor\n", f"{HOME}\n"),
        ("import transformer\nx = transformer\n",) * 2,
        (
            "from ...utils import logging\nfrom . . . models.attention import FeedForward as F\n",
            "from diffusers.utils import logging\nfrom diffusers.   models.attention import FeedForward as F\n",
        ),
        ("from ...helpers import FeedForward\n",) * 2,
        ("from .pipeline_output import MyOutput\n",) * 2,
    ],
)
def test_what_an_import_becomes(before: str, after: str) -> None:
    assert body(before) == after


@pytest.mark.parametrize(("indent", "newline"), [("", "\n"), ("    ", "\n"), ("\t", "\r\n")])
def test_both_places_where_the_releases_straddle_the_move(indent: str, newline: str) -> None:
    old = "from diffusers.pipelines.controlnet.multicontrolnet import MultiControlNetModel"
    new = "from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel"
    inner = "\t" if indent == "\t" else "    "
    source = (HEADER + "if True:\n" * bool(indent) + f"{indent}{old}\n" + PIPELINE).replace("\n", newline)
    source = source.replace("    ", inner)
    lines = ["try:", inner + new, "except ImportError:", inner + old]
    expected = source.replace(indent + old, newline.join(indent + line for line in lines))
    result = fix(source, ">=0.31")
    assert result.content.decode() == expected
    assert compiles(result.content)


def test_decorator_is_put_where_the_method_is() -> None:
    call = "\n    # Runs it.\n    def __call__(self):\n        return self.unet\n"
    assert fix(HEADER + PIPELINE + call).content.decode() == HEADER + PIPELINE + call.replace(
        "    def", "    @torch.no_grad()\n    def"
    )
    for header in (HEADER.replace("import torch\n", ""), HEADER.replace("import torch", "from my import torch")):
        assert not fix(header + PIPELINE + call).mended
    late = HEADER.replace("import torch\n", "") + PIPELINE + call + "import torch\n"
    assert not fix(late).mended, "torch is not there yet when the class is made"


def test_super_init_is_put_after_the_docstring() -> None:
    head = "\nclass MyPipeline(DiffusionPipeline):\n    def __init__(self, unet, scheduler):\n        '''It.'''\n"
    rest = "        self.register_modules(unet=unet, scheduler=scheduler)\n"
    assert fix(HEADER + head + rest).content.decode() == HEADER + head + "        super().__init__()\n" + rest
    other = head.replace("(DiffusionPipeline)", "(DiffusionPipeline, dict)")
    assert not fix(HEADER + other + rest).mended, "another parent may want arguments"


def finding(*edits: tuple[int, int, int, str], message: str = "m") -> Finding:
    made = tuple(Edit(Span(line, first, line, last), text) for line, first, last, text in edits)
    return Finding("CP301", "n", Severity.ERROR, clean_line(message), Span(1, 1, 1, 1), fix=Fix(clean_line("f"), made))


@pytest.mark.parametrize(
    ("fixes", "after", "made"),
    [
        ([finding((1, 1, 2, "A")), finding((1, 3, 4, "C"))], "AbC\n", 2),
        ([finding((1, 1, 3, "A")), finding((1, 2, 4, "C"))], "Ac\n", 1),
        ([finding((1, 1, 2, "A")), finding((1, 1, 2, "A"), (1, 3, 4, "C"))], "AbC\n", 2),
        ([finding((1, 1, 2, "A")), finding((1, 1, 2, "B"))], "Abc\n", 1),
        ([finding((1, 2, 2, "1")), finding((1, 2, 2, "1"))], "a1bc\n", 2),
        ([finding((1, 2, 2, "1")), finding((1, 2, 2, "2"))], "a1bc\n", 1),
        ([finding((1, 2, 2, "1")), finding((1, 2, 3, "2"))], "a1bc\n", 1),
        ([finding((1, 1, 2, ""), (1, 2, 3, ""))], "c\n", 1),
        ([finding((1, 1, 3, ""), (1, 2, 3, ""))], "abc\n", 0),
        (
            [finding((9, 1, 1, "x")), finding((1, 1, 99, "x")), finding((0, 1, 1, "x")), finding((1, 3, 2, "x"))],
            "abc\n",
            0,
        ),
    ],
)
def test_composes(fixes: list[Finding], after: str, made: int) -> None:
    content, taken = applied(b"abc\n", fixes)
    assert (content.decode(), len(taken)) == (after, made)


def test_fix_that_breaks_or_mends_nothing_is_refused() -> None:
    breaking, useless = finding((1, 1, 1, "(")), finding((1, 1, 1, "#"), message="other")
    good = finding((1, 1, 2, "b"), message="good")

    def find(content: bytes) -> list[Finding]:
        return [breaking, useless] + [good] * content.endswith(b"a\n")

    result = fixed(b"a\n", find)
    assert result == Fixed(b"b\n", (good,), (breaking, useless), (breaking, useless))


def test_many_passes_end() -> None:
    def find(content: bytes) -> list[Finding]:
        return [finding((1, 1, 1, "#"), message=str(len(content)))]

    assert fixed(b"\n", find).content == b"#" * 10 + b"\n"


numbers = st.integers(0, (1 << 16) - 1)
steps = st.lists(st.builds(Step, st.integers(0, len(KINDS) - 1), numbers, numbers, numbers, numbers), max_size=4)
usual = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


def assert_only_its_lines(content: bytes, findings: list[Finding], after: bytes, taken: tuple[Finding, ...]) -> None:
    first = min(edit.span.line for f in taken for edit in f.fix.edits)
    last = max(edit.span.end_line for f in taken for edit in f.fix.edits)
    lines, then = content.split(b"\n"), after.split(b"\n")
    assert then[: first - 1] == lines[: first - 1]
    assert then[len(then) - len(lines) + last :] == lines[last:]
    for each in findings:
        change = suggestion(content, each.fix)
        alone = applied(content, [each])[0].decode().replace("\r\n", "\n").split("\n")
        before = content.decode().replace("\r\n", "\n").split("\n")
        assert change is not None
        assert [*before[: change.first - 1], *change.text.split("\n"), *before[change.last :]] == alone


@settings(usual, max_examples=300, phases=[Phase.explicit, Phase.generate])
@given(st.sampled_from([base for base in BASES if base in FIXABLE.values()]), steps)
def test_mutated_files_stay_whole(base: bytes, steps: list[Step]) -> None:
    content = mutate(base, steps)
    findings = [f for f in found(content) if f.fix]
    if not findings:
        return
    after, taken = applied(content, findings)
    assert taken
    if b"\r" not in content.replace(b"\r\n", b""):
        assert_only_its_lines(content, findings, after, taken)
    result = fix(content)
    assert not result.refused
    assert compiles(result.content)
    assert fix(result.content).content == result.content


def test_suggestion_replaces_whole_lines() -> None:
    content = (
        HEADER
        + "if True:\n    from diffusers.utils import (\n        logging,\n        randn_tensor,\n    )\n"
        + PIPELINE
    )
    each = found(content.encode())[0]
    assert suggestion(content.encode(), each.fix) == LineChange(
        6, 9, f"    from diffusers.utils import (\n        logging,\n    )\n    {HOME}"
    )
    assert suggestion(b"a\n", each.fix) is None
    assert suggestion(b"\xff\n", each.fix) is None


@pytest.mark.parametrize("variant", VARIANTS)
def test_diff_is_a_patch(tmp_path: Path, variant: str) -> None:
    before = VARIANTS[variant]((HEADER + PIPELINE + f"{MOVED}\n").encode())
    after = fix(before).content
    path = tmp_path / "it.py"
    path.write_bytes(before)
    diff = unified("it.py", before, after)
    done = ["git", "apply", "-p0", "--whitespace=nowarn", "-"]
    subprocess.run(done, input=diff.encode(), cwd=tmp_path, check=True)
    assert path.read_bytes() == after != before
    assert unified("it.py", before, before) == ""


def test_fix_all_leaves_what_is_no_pipeline_file() -> None:
    helper = Submission("helper.py", f"{MOVED}  # for a Pipeline\n".encode(), None, discovered=True)
    fixes = [fixed for _, fixed in fix_all([helper, replace(helper, discovered=False)], resolve())]
    assert [len(fixed.mended) for fixed in fixes] == [0, 1]


def test_write_keeps_mode(tmp_path: Path) -> None:
    path = tmp_path / "it.py"
    path.write_bytes(b"a")
    path.chmod(0o751)
    write(path, b"a", b"b")
    assert path.read_bytes() == b"b"
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert os.listdir(tmp_path) == ["it.py"]


def read_only(path: Path) -> None:
    path.write_bytes(b"a")
    path.chmod(0o444)


def link(path: Path) -> None:
    path.with_name("other.py").write_bytes(b"a")
    path.symlink_to("other.py")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (read_only, "read-only; make it writable (chmod +w)"),
        (link, "a symbolic link or no regular file"),
        (lambda path: path.mkdir(), "a symbolic link or no regular file"),
        (os.mkfifo, "a symbolic link or no regular file"),
        (lambda path: path.write_bytes(b"c"), "has changed meanwhile"),
        (lambda path: None, "No such file or directory"),
    ],
)
def test_write_refuses(tmp_path: Path, make, message: str) -> None:
    path = tmp_path / "it.py"
    make(path)
    before = {name: (tmp_path / name).lstat() for name in os.listdir(tmp_path)}
    with pytest.raises(InputProblem, match=r"not fixed: ") as caught:
        write(path, b"a", b"b")
    assert message in str(caught.value)
    assert {name: (tmp_path / name).lstat() for name in os.listdir(tmp_path)}.keys() == before.keys()
    assert not path.is_file() or path.read_bytes() in (b"a", b"c")


KILLED = """
import os, signal, sys
from pathlib import Path
from cpipe_check import fix_files
def stop(*_): os.kill(os.getpid(), int(sys.argv[3]))
setattr(os, sys.argv[2], stop)
fix_files.write(Path(sys.argv[1]), b"a" * 100, b"b" * 100)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_killed_while_it_writes(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    """The file is whole; after Ctrl-C nothing else is left either."""
    path = tmp_path / "it.py"
    path.write_bytes(b"a" * 100)
    arguments = [sys.executable, "-c", KILLED, str(path), moment, str(int(number))]
    done = subprocess.run(arguments, capture_output=True, check=False)
    assert done.returncode == -number
    assert path.read_bytes() == b"a" * 100
    assert [name for name in os.listdir(tmp_path) if name.endswith(".py")] == ["it.py"]
    assert number == signal.SIGKILL or os.listdir(tmp_path) == ["it.py"]
