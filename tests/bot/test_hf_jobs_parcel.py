"""What goes into a Job and what comes out of it as text: all of it arrives, and nothing else is taken."""

from __future__ import annotations

import base64
import json
import lzma
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.action_runner import ROOT
from bot.hf_jobs import OPTIONS, RAN, document, loads
from bot.hub import GOOD
from cpipe_bot.hf_jobs import framing
from cpipe_bot.hf_jobs.framing import MAX_REPORT, Reading, lines_of
from cpipe_bot.hf_jobs.inside import main
from cpipe_bot.hf_jobs.parcel import MAX_TEXT, VARIABLE, BadParcel, Parcel, TooLarge, pack, unpack
from cpipe_bot.hf_jobs.settings import JobSettings
from cpipe_bot.refused import Refused
from cpipe_check import __version__
from cpipe_check.smoke.pool import Load

RICH = b'''\
# /// cpipe-check
# call = {prompt = "a cat"}
# ///
"""Example:

>>> pipe = DiffusionPipeline.from_pretrained("a/b", custom_pipeline="rich")
>>> pipe(prompt="\xc3\xa9", num_inference_steps=3).images[0]
"""
''' + GOOD.replace(b"def __call__(self)", b"def __call__(self, prompt: str, num_inference_steps: int = 5)")
NONCE = "0123456789abcdef" * 2


@pytest.mark.parametrize("name", ["pipeline.py", "my pipe\u202eline.py", "\udcff.py", "-x.py"])
def test_all_of_it_arrives(name: str) -> None:
    (load,) = loads(RICH)
    load = Load(load.target, {name: load.files["pipeline.py"], "pkg/beside.py": bytes(range(256))})
    assert load.target.example is not None
    assert load.target.recipe.call == {"prompt": "a cat"}
    options = replace(OPTIONS, device="cuda", thorough=True)
    found = unpack(pack(Parcel(NONCE, load, options)))
    assert (found.nonce, found.load) == (NONCE, load)
    assert found.options == replace(options, isolation="auto", jobs=1)


def test_a_file_that_does_not_fit() -> None:
    (load,) = loads()
    noise = b"# " + base64.b64encode(secrets.token_bytes(150_000))
    with pytest.raises(TooLarge, match="at most 131 kB"):
        pack(Parcel(NONCE, Load(load.target, {"pipeline.py": noise}), OPTIONS))
    # Linux takes what does fit.
    fits = pack(Parcel(NONCE, Load(load.target, {"pipeline.py": noise[:118_000]}), OPTIONS))
    assert 110_000 < len(fits) <= MAX_TEXT
    if os.name == "posix":
        assert os.spawnve(os.P_WAIT, "/bin/true", ["true"], {VARIABLE: fits + "=" * (MAX_TEXT - len(fits))}) == 0


def test_the_command_of_a_job(tmp_path: Path) -> None:
    """A shell takes it as it stands; the packages that it installs are enough for what it then runs."""
    (tmp_path / "pip").write_text(f'#!/bin/sh\nfor each in "$@"; do echo "$each"; done > {tmp_path}/asked\n')
    (tmp_path / "pip").chmod(0o755)
    missing = tmp_path / "without"
    missing.mkdir()
    for name in ("pydantic", "huggingface_hub", "github", "dbos", "sqlalchemy", "fastapi"):
        (missing / f"{name}.py").write_text("raise ImportError('not in a Job')")
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    places = os.pathsep.join(map(str, (missing, ROOT / "checks", ROOT / "bot")))
    command = JobSettings(flavor="cpu-basic").command
    done = subprocess.run(
        command, env={"PATH": path, "PYTHONPATH": places, VARIABLE: ""}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("no parcel")) == (2, 1), done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0] == "install"
    assert asked[-2:] == ["https://download.pytorch.org/whl/cpu", f"cpipe-check[smoke]=={__version__}"]


def _packed(change: Callable[[dict[str, Any]], object]) -> str:
    found = json.loads(lzma.decompress(base64.b64decode(pack(Parcel(NONCE, loads()[0], OPTIONS)))))
    change(found)
    return _text(json.dumps(found).encode())


def _text(plain: bytes) -> str:
    return base64.b64encode(lzma.compress(plain)).decode()


def _named(*names: str) -> Callable[[dict[str, Any]], object]:
    return lambda found: found.update(files=[[name, "x = 1"] for name in names])


BAD: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no base64": lambda: "%%%",
    "not packed": lambda: base64.b64encode(b"{}").decode(),
    "cut off": lambda: base64.b64encode(lzma.compress(b"x" * 5000)[:-8]).decode(),
    "something behind it": lambda: base64.b64encode(lzma.compress(b"{}") + b"more").decode(),
    "a bomb": lambda: _text(b'"' + b" " * (64 << 20) + b'"'),
    "too long": lambda: "A" * (MAX_TEXT + 1),
    "no object": lambda: _text(b"[]"),
    "deep": lambda: _text(b"[" * 100_000),
    "another field": lambda: _packed(lambda found: found.update(token="x")),
    "no target": lambda: _packed(lambda found: found.pop("target")),
    "an empty target": lambda: _packed(lambda found: found.update(target={})),
    "a target of more": lambda: _packed(lambda found: found["target"].update(more=1)),
    "a nonce that is none": lambda: _packed(lambda found: found.update(nonce="x")),
    "options of more": lambda: _packed(lambda found: found["options"].update(isolation="none", trusted=True)),
    "options of another type": lambda: _packed(lambda found: found["options"].update(seconds="60")),
    "no files": lambda: _packed(_named()),
    "many files": lambda: _packed(_named("a.py", *(f"b{n}.py" for n in range(99)))),
    "a file above": lambda: _packed(_named("../a.py")),
    "a file at the root": lambda: _packed(_named("/etc/a.py")),
    "a file below": lambda: _packed(_named("a/b.py")),
    "no Python": lambda: _packed(_named("a.sh")),
    "a byte that ends names": lambda: _packed(_named("a\0.py")),
    "a long name": lambda: _packed(_named("a" * 300 + ".py")),
    "one beside it above": lambda: _packed(_named("a.py", "../b.py")),
    "one beside it deep": lambda: _packed(_named("a.py", "b/c/d.py")),
    "one beside it hidden": lambda: _packed(_named("a.py", "./b.py")),
    "one twice": lambda: _packed(_named("a.py", "a.py")),
    "no bytes": lambda: _packed(lambda found: found.update(files=[["a.py", "\u20ac"]])),
    "no name": lambda: _packed(lambda found: found.update(files=[[1, "x"]])),
    "too large a file": lambda: _packed(lambda found: found.update(files=[["a.py", "x" * 2_000_000]])),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_what_is_no_parcel(make: Callable[[], str], capsys: pytest.CaptureFixture[str]) -> None:
    text = make()
    with pytest.raises(BadParcel):
        unpack(text)
    assert main({VARIABLE: text}) == 2
    told = capsys.readouterr()
    assert "no parcel" in told.err
    assert told.out == ""


def _read(lines: list[str]) -> Reading:
    reading = Reading(NONCE)
    for line in lines:
        reading.add(line)
    return reading


def test_a_report_among_other_lines() -> None:
    text = document() + json.dumps(secrets.token_hex(20_000))
    lines = lines_of(text, NONCE)
    assert len(lines) > 10
    mixed = ["before", *reversed(lines), *lines[:3], *lines_of("forged", "f" * 32), f"half a line{lines[0]}AAAA"]
    reading = _read(mixed)
    assert reading.complete
    assert reading.content().decode() == text
    assert not _read(lines[1:]).complete
    with pytest.raises(Refused, match="no whole report"):
        _read(lines[1:]).content()
    with pytest.raises(Refused, match="no report"):
        _read(["x"]).content()


@pytest.mark.parametrize(
    "lines",
    [
        [f"cpipe-check-{NONCE} 1/2 AAAA;", f"cpipe-check-{NONCE} 1/2 BBBB;"],
        [f"cpipe-check-{NONCE} 1/2 AAAA;", f"cpipe-check-{NONCE} 1/3 AAAA;"],
        [f"cpipe-check-{NONCE} 0/2 AAAA;"],
        [f"cpipe-check-{NONCE} 3/2 AAAA;"],
        [f"cpipe-check-{NONCE} 1/9999 AAAA;"],
    ],
)
def test_lines_that_contradict_each_other(lines: list[str]) -> None:
    with pytest.raises(Refused, match="contradict"):
        _read(lines)


def test_a_report_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="larger than 2 MB"):
        _read(lines_of(" " * (MAX_REPORT + 1), NONCE)).content()
    with pytest.raises(Refused, match="cannot be unpacked"):
        _read([f"cpipe-check-{NONCE} 1/1 AAAA;"]).content()
    assert framing.MAX_REPORT == 2_000_000
    assert _read(lines_of(document(found=RAN), NONCE)).complete
