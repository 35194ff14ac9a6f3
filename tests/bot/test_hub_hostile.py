"""Text of a repository's files is inert in an answer, and the token is nowhere in what runs them."""

from __future__ import annotations

import pytest

from bot.hub import BAD, FILES, GOOD, scene
from cpipe_check.report.model import Verdict
from cpipe_check.smoke.run import SmokeOptions
from hub_server import Hub, Link
from reports import HOSTILE

cmarkgfm = pytest.importorskip("cmarkgfm")

_SAYS = "@everyone <img src=x> <!-- cpipe-check:asked-end --> [x](https://evil.example) ](x) `` ```\\n### no"


def _rendered(markdown: str) -> str:
    html: str = cmarkgfm.github_flavored_markdown_to_html(markdown, cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    return html


def test_hostile_names_and_text(hub: Hub) -> None:
    names = {
        "pipe@everyone.py": BAD,
        "-rf.py": BAD,
        "pipe`x`.py": BAD,
        "<!-- cpipe-check:asked -->.py": BAD,
        "README.md": b"---\ntags: [x]\n---\n# @everyone\n",
        "model_index.json": b'{"_class_name": ["pipeline", "@everyone"]}',
        "link.py": Link("/etc/passwd"),
    }
    source = BAD.replace(b"class Good", f"from diffusers.gone import X  # {_SAYS}\n\n\nclass Good".encode())
    found = scene(hub, {**names, "pipeline.py": source})
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": source + b"#\n"})
    found.ask(pull, "bob", "/cpipe-check")
    found.ask(pull, "bob", "/cpipe-check explain <img/src=x>")
    found.do()
    for text in (found.main, *found.answers(pull)):
        html = _rendered(text)
        assert "<img" not in html
        assert "<h3>no" not in html
        assert 'href="https://evil.example' not in html
        plain = html
        for tag in ("code", "pre"):
            while f"<{tag}" in plain:
                before, _, rest = plain.partition(f"<{tag}")
                plain = before + rest.partition(f"</{tag}>")[2]
        assert "@everyone" not in plain
        assert text.count("\n<!-- cpipe-check:asked -->\n") == text.count("\n<!-- cpipe-check:asked-end -->\n") == 1
        assert "root:" not in text


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_docstrings(hub: Hub, name: str) -> None:
    """What the file says reaches the answer in a code frame at most."""
    line = repr(HOSTILE[name])
    source = BAD.replace(b"        super().__int__()", f"        super().__int__()  # {line}".encode())
    found = scene(hub, {"pipeline.py": source})
    done = found.do()
    assert done.conclusion == "failure"
    html = _rendered(found.main)
    assert "<img" not in html
    assert "<script" not in html
    assert 'href="https://evil.example' not in html


def test_a_real_smoke_load_with_no_token_in_reach(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the sandbox, whose process looks for the token and for the snapshot's surroundings."""
    pytest.importorskip("diffusers")
    looks = b"""\
    def __call__(self):
        import os
        found = [name for name, value in os.environ.items() if name.endswith(("_TOKEN", "_SECRET")) or "hf_" in value]
        found += [name for name in os.listdir(os.path.dirname(__file__)) if not name.endswith((".py", "__pycache__"))]
        if found:
            raise ValueError("found " + " ".join(found))
"""
    source = GOOD.replace(b"    def __call__(self):\n", looks)
    found = scene(hub, {**FILES, "pipeline.py": source})
    monkeypatch.setenv("HF_TOKEN", found.settings.token)
    monkeypatch.setenv("CPIPE_WEBHOOK_SECRET", "hf_not_for_you")
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": source + b"# more\n"})
    done = found.do(found.work(pull.ref), smoke=SmokeOptions(isolation="none", trusted=True, seconds=120))
    assert done.report is not None
    smoke = done.report.files[0].smoke
    if "isolation unavailable" in smoke.reason:
        pytest.skip(smoke.reason)
    assert (smoke.verdict, smoke.reason) == (Verdict.RAN, "")
    # The settings cannot open the sandbox.
    assert smoke.isolation.name not in ("", "none")
    assert "tiny ddpm reference" in found.answers(pull)[0] or "ran in" in found.answers(pull)[0]
