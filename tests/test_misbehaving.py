"""Pipelines that misbehave as users' do, without an attack: the right verdict and reason, and the next file well.

All are run in one room, every three with the good pipeline after them.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

import pytest

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.report.model import Smoke, Verdict
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.submission import collect

pytest.importorskip("diffusers", reason="the smoke-load needs the smoke extra")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no room on this system")

GOOD = (PIPELINES / "one_step_unet.py").read_text()
RETURN = "        return scheduler_output - scheduler_output + torch.ones_like(scheduler_output)\n"
INIT = "        super().__init__()\n"
EXPECTS = "# /// cpipe-check\n# expect.shape = [1, 3, 32, 32]\n# ///\n"
FOR_EVER, HUNGRY = (
    "        while True:\n            pass\n",
    "        hoard = [bytearray(b'x') * (1 << 28) for _ in range(60)]\n",
)


@dataclass(frozen=True)
class Case:
    """What is put in the place of the call's end, after the first line of `__init__`, and at the top of the file."""

    verdict: Verdict
    reason: str
    body: str = RETURN
    init: str = ""
    top: str = ""

    @property
    def source(self) -> str:
        return self.top + GOOD.replace(RETURN, self.body).replace(INIT, INIT + self.init)


FAILED, NOT_RUN = Verdict.FAILED, Verdict.NOT_RUN
CASES: dict[str, Case] = {
    "downloads_from_the_hub": Case(
        NOT_RUN,
        r"it downloads from the Hub while it loads.*",
        init="        from huggingface_hub import hf_hub_download; hf_hub_download('openai/clip-x', 'config.json')\n",
    ),
    "downloads_by_itself": Case(
        NOT_RUN,
        r"blocked by the sandbox: it uses the network \(example\.org\), and the smoke-load has none",
        init="        import urllib.request; urllib.request.urlopen('https://example.org/weights.bin')\n",
    ),
    "asks_for_a_gpu_in_init": Case(NOT_RUN, r".*(CUDA|GPU|cuda).*", init="        unet.cuda()\n"),
    "asks_for_a_gpu_in_call": Case(NOT_RUN, r".*(CUDA|GPU|cuda).*", body="        return image.cuda()\n"),
    "asks_for_a_gpu_by_name": Case(NOT_RUN, r".*(CUDA|GPU|cuda).*", body="        return image.to('cuda')\n"),
    "eats_memory_in_init": Case(FAILED, r"in load: (MemoryError|its processes took more than .*)", init=HUNGRY),
    "eats_memory_in_call": Case(
        FAILED, r"in call: (MemoryError|its processes took more than .*)", body=HUNGRY + "        return image\n"
    ),
    "asks_torch_for_too_much": Case(
        FAILED, r"in call: RuntimeError: .*allocate.*", body="        return torch.ones(1 << 40)\n"
    ),
    "returns_nan": Case(
        FAILED,
        r"in output: BadOutput: `__call__` returned numbers that are not finite \(100% of shape \(1, 3, 32, 32\)\)",
        body="        return image * float('nan')\n",
    ),
    "returns_another_shape": Case(
        FAILED,
        r"in output: BadOutput: `__call__` returned an array of shape \[1, 3, 16, 32\], and the recipe expects "
        r"\[1, 3, 32, 32\]",
        body="        return image[:, :, :16]\n",
        top=EXPECTS,
    ),
    "returns_none": Case(FAILED, "in output: BadOutput: `__call__` returned None", body="        return None\n"),
    "returns_a_generator": Case(
        FAILED,
        "in output: BadOutput: `__call__` returned a generator, not a result",
        body="        return (image for _ in range(2))\n",
    ),
    "yields": Case(
        FAILED, "in output: BadOutput: `__call__` returned a generator, not a result", body="        yield image\n"
    ),
    "prints_100_mb": Case(
        FAILED,
        "in call: it printed more than 64 MB",
        body="        for _ in range(100):\n            print('x' * (1 << 20))\n        return image\n",
    ),
    "logs_100_mb_at_import": Case(
        FAILED,
        "in import: it printed more than 64 MB",
        top="import sys\nfor _ in range(100):\n    sys.stderr.write('x' * (1 << 20))\n",
    ),
}
# With a limit of so few seconds.
SLOW: dict[str, Case] = {
    "never_returns": Case(FAILED, "in call: not finished after 5 s", body=FOR_EVER),
    "never_gets_made": Case(FAILED, "in load: not finished after 5 s", init=FOR_EVER),
    "sleeps": Case(FAILED, "in call: not finished after 5 s", body="        import time; time.sleep(1e6)\n"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Smoke, Smoke]]:
    """The verdict on each, and on the good pipeline after it and its like."""
    results = {}
    for seconds, cases in ((120, CASES), (5, SLOW)):
        folder, names = tmp_path_factory.mktemp("misbehaving"), list(cases)
        rows = [names[first : first + 3] for first in range(0, len(names), 3)]
        sources = {}
        for row in rows:
            sources |= {f"{name}.py": cases[name].source for name in row} | {f"after_{row[-1]}.py": GOOD}
        for name, source in sources.items():
            (folder / name).write_text(source)
        options = SmokeOptions(device="cpu", seconds=seconds, memory=3 << 30, jobs=1)
        report = check(collect([str(folder / name) for name in sources]), options)
        smokes = dict(zip(sources, (file.smoke for file in report.files), strict=True))
        for row in rows:
            results |= {name: (smokes[f"{name}.py"], smokes[f"after_{row[-1]}.py"]) for name in row}
    return results


@pytest.mark.parametrize("name", [*CASES, *SLOW])
def test_verdict(name: str, found: dict[str, tuple[Smoke, Smoke]]) -> None:
    smoke, after = found[name]
    if "isolation unavailable" in smoke.reason:
        pytest.skip("no kind of room is proven on this machine")
    case = {**CASES, **SLOW}[name]
    assert smoke.verdict is case.verdict, smoke
    assert re.fullmatch(case.reason, smoke.reason), smoke.reason
    assert (after.verdict, after.reason) == (Verdict.RAN, ""), "the good pipeline after it is affected"
    assert not smoke.unserved
