"""The action's steps as the runner runs them, on a pull request that git made and checked out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.action_runner import ROOT, ActionRunner, Ran, commands_in, pairs_in, value_of
from bot.pull_request_repo import SUBMODULE, PullRequest, git, link, open_pull_request
from cpipe_bot.github.runner import shortened

PIPELINES = ROOT / "tests" / "pipelines"
GOOD = (PIPELINES / "one_step_unet.py").read_bytes()
MOVED = (PIPELINES / "broken" / "module_missing.py").read_bytes()
WARNED = (PIPELINES / "broken" / "no_grad_missing.py").read_bytes()
SCHEMA = json.loads((ROOT / "checks/cpipe_check/report/report.schema.json").read_bytes())
BASE = {"README.md": b"# It\n", "examples/community/old.py": GOOD}
CHECK, KEEP = "Check the pipelines", "Keep the report"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the action's machine is a Linux one")


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has this very tool and what these tests have, whatever is in the environment."""
    home = tmp_path_factory.mktemp("python")
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    places = [ROOT / "checks", ROOT / "bot", sysconfig.get_path("purelib")]
    (site / "tool.pth").write_text("".join(f"{place}\n" for place in places), encoding="utf-8")
    return str(home / "bin" / "python")


Act = Callable[..., Ran]


@pytest.fixture
def act(tmp_path: Path, python: str) -> Iterator[Act]:
    """Makes a pull request, checks it out and runs the action; statically, unless it is told not to.

    The files `x` and `pwned` are what hostile content would make; at the end there is none.
    """

    def run(changes: Any, base: Any = BASE, **inputs: str) -> Ran:
        pull = open_pull_request(tmp_path / "server.git", base, changes)
        workspace = pull.check_out(tmp_path / "work" / "space")
        return runner(tmp_path, pull, workspace).run(**{"python": python, "static_only": "true"} | inputs)

    yield run
    assert not [path for path in tmp_path.rglob("*") if path.name in ("x", "pwned")]


def runner(tmp_path: Path, pull: PullRequest, workspace: Path) -> ActionRunner:
    temp = tmp_path / "runner temp"
    temp.mkdir(exist_ok=True)
    event = temp / "event.json"
    event.write_text(json.dumps(pull.event()), encoding="utf-8")
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
        if name in os.environ
    }
    given = {"GITHUB_EVENT_PATH": str(event), "GITHUB_WORKSPACE": str(workspace), "RUNNER_TEMP": str(temp)}
    return ActionRunner(workspace, temp, kept | given | {"CI": "true", "GITHUB_ACTIONS": "true"})


def report_of(ran: Ran, artifact: str = "cpipe-check") -> dict[str, Any]:
    """The artifact's report, which holds to its schema; what the action says agrees with it."""
    files = ran.artifacts[artifact]
    assert files.keys() == {"report.json", "report.sarif"}
    document: dict[str, Any] = json.loads(files["report.json"])
    jsonschema.validate(document, SCHEMA)
    assert json.loads(files["report.sarif"])["version"] == "2.1.0"
    assert Path(ran.outputs["report"]).read_bytes() == files["report.json"]
    assert Path(ran.outputs["sarif"]).read_bytes() == files["report.sarif"]
    assert json.loads(ran.outputs["files"]) == paths(document)
    assert ran.outputs["exit-code"] == str(document["exit_code"])
    assert {command.name for command in ran.commands} <= {"error", "warning", "notice"}
    return document


def paths(document: dict[str, Any]) -> list[str]:
    return [file["path"] for file in document["files"]]


def codes(document: dict[str, Any]) -> list[str]:
    return [finding["code"] for file in document["files"] for finding in file["findings"]]


def skipped(document: dict[str, Any]) -> dict[str, str]:
    return {each["path"]: each["reason"] for each in document["skipped"]}


def test_one_for_real(act: Act) -> None:
    """The new pipeline is loaded, called, saved and reloaded in a sandbox that holds all that is demanded."""
    pytest.importorskip("torch", reason="a smoke-load needs the smoke extra")
    ran = act({"examples/community/my pipeline.py": GOOD, "docs/notes.md": b"not one\n"}, static_only="false")
    document = report_of(ran)
    (file,) = document["files"]
    assert (file["path"], file["smoke"]["verdict"]) == ("examples/community/my pipeline.py", "ran"), file["smoke"]
    assert file["smoke"]["isolation"]["not_proven"] == []
    assert ran.ok
    assert (ran.outputs["verdict"], ran.commands) == ("clean", [])
    assert "loads, runs and saves" in ran.summary


def test_none(act: Act) -> None:
    ran = act({"README.md": b"# It, better\n", "examples/community/deeper/not.py": GOOD})
    assert paths(report_of(ran)) == []
    assert ran.ok
    assert ran.outputs["verdict"] == "clean"
    assert ran.summary.startswith("### No pipeline files changed\n")
    assert ran.commands == []


def test_sixty(act: Act) -> None:
    changes = {f"examples/community/p{i:02}.py": MOVED if i % 4 == 0 else GOOD for i in range(60)}
    ran = act(changes)
    document = report_of(ran)
    assert paths(document) == sorted(changes)
    assert codes(document) == ["CP301"] * 15
    assert not ran.ok
    assert ran.steps[KEEP] == "success", "what publishes it gets it in either case"
    assert [c.properties["file"] for c in ran.commands if c.name == "error"] == sorted(changes)[::4]
    assert "15 of 60 pipelines" in ran.summary


def test_entries_of_every_kind(act: Act) -> None:
    base = {
        **BASE,
        "examples/community/renamed.py": GOOD,
        "examples/community/away.py": WARNED,
        "examples/community/gone.py": MOVED,
        "examples/community/was_a_file.py": GOOD,
        "secret.py": MOVED,
    }
    changes = {
        "examples/community/renamed.py": None,
        "examples/community/new_name.py": GOOD,
        "examples/community/away.py": None,
        "attic/away.py": WARNED,
        "examples/community/gone.py": None,
        "examples/community/was_a_file.py": link("../../secret.py"),
        "examples/community/out.py": link("/etc/passwd"),
        "examples/community/module.py": SUBMODULE,
        "examples/community/picture.py": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "examples/community/wide.py": GOOD.decode().encode("utf-16"),
        "examples/community/large.py": b"# Pipeline\n" * 100_000,
        "examples/community/helpers.py": b"ANSWER = 42\n",
        "anywhere/at/all/pipeline.py": GOOD,
        "pipeline.py": GOOD,
    }
    document = report_of(act(changes, base))
    assert paths(document) == ["anywhere/at/all/pipeline.py", "examples/community/new_name.py", "pipeline.py"]
    binary = "binary: it has a NUL byte, which Python takes in no source"
    assert skipped(document) == {
        "examples/community/away.py": "moved to attic/away.py",
        "examples/community/gone.py": "deleted",
        "examples/community/was_a_file.py": "a symbolic link, which is not followed",
        "examples/community/out.py": "a symbolic link, which is not followed",
        "examples/community/module.py": "a submodule",
        "examples/community/picture.py": binary,
        "examples/community/wide.py": binary,
        "examples/community/large.py": "1.1 MB is too large for a pipeline file (at most 1 MB)",
        "examples/community/helpers.py": "defines no pipeline class",
    }


def test_only_deleted(act: Act) -> None:
    ran = act({"examples/community/old.py": None})
    assert skipped(report_of(ran)) == {"examples/community/old.py": "deleted"}
    assert ran.ok
    assert "old.py" in ran.summary


def test_settings_are_the_base_branchs(act: Act) -> None:
    """Neither the pull request's settings count, nor any that stand above the checkout."""
    mine = b'[tool.cpipe-check]\nignore = ["ALL"]\nfail-on = "never"\n'
    base = {**BASE, "pyproject.toml": b'[tool.cpipe-check]\nignore = ["CP402"]\ndiffusers = "0.42.1"\n'}
    changes = {"examples/community/a.py": MOVED, "examples/community/b.py": WARNED, "pyproject.toml": mine}
    ran = act(changes, base)
    assert codes(report_of(ran)) == ["CP301"]
    assert not ran.ok


@pytest.mark.parametrize(
    "before", [{}, {"pyproject.toml": b"[project]\nname = 'it'\n"}, {"pyproject.toml": link("x.toml")}]
)
def test_base_branch_without_settings(act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: Any) -> None:
    mine = b'[tool.cpipe-check]\nignore = ["ALL"]\n'
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    for place in (tmp_path, tmp_path / "work", tmp_path / "runner temp", tmp_path / "tmp"):
        place.mkdir(exist_ok=True)
        (place / "pyproject.toml").write_bytes(mine)
    ran = act({"examples/community/b.py": WARNED, "pyproject.toml": mine}, {**BASE, **before})
    assert codes(report_of(ran)) == ["CP402"]


def test_settings_that_cannot_be_used(act: Act) -> None:
    ran = act({"examples/community/a.py": GOOD}, {**BASE, "pyproject.toml": b"[tool.cpipe-check]\ncolour = 1\n"})
    document = report_of(ran)
    assert (document["exit_code"], ran.outputs["verdict"], ran.ok) == (2, "unusable", False)
    expected = (
        "the base branch's settings cannot be used: pyproject.toml: [tool.cpipe-check] has no setting 'colour'; there "
        "are diffusers, transformers, select, ignore, fail-on, recipes"
    )
    assert document["problems"] == [expected]
    assert [(c.name, c.message) for c in ran.commands] == [("error", expected)]


def test_recipes_of_the_base_branch_are_for_paths_from_the_root(act: Act) -> None:
    recipe = b'[tool.cpipe-check.recipes."examples/community/*.py"]\nskip = "needs a moon phase"\n'
    ran = act({"examples/community/a.py": GOOD}, {**BASE, "pyproject.toml": recipe}, static_only="false")
    (file,) = report_of(ran)["files"]
    assert file["smoke"]["reason"] == "skipped by its recipe: needs a moon phase"


HOSTILE_NAMES = (
    "examples/community/-rf.py",
    "examples/community/--output=x.py",
    "examples/community/two words.py",
    'examples/community/it\'s "quoted".py',
    "examples/community/$(touch x).py",
    "examples/community/`touch x`;touch pwned.py",
    "examples/community/günther_日本.py",
    "examples/community/:(exclude)*.py",
    "examples/community/[a-z].py",
    "examples/community/a%0A::error::b.py",
    "examples/community/\\x.py",
)


def test_hostile_names(act: Act) -> None:
    ran = act(dict.fromkeys(HOSTILE_NAMES, MOVED))
    document = report_of(ran)
    assert sorted(paths(document)) == sorted(HOSTILE_NAMES)
    assert sorted(c.properties["file"] for c in ran.commands) == sorted(HOSTILE_NAMES)


def test_names_that_are_no_text(act: Act) -> None:
    """A line feed, and bytes that are no UTF-8: shown in another spelling, and no output or command of their own."""
    evil = "examples/community/a\n::error::pwned\nverdict=clean\n::set-output name=x::y\n.py"
    ran = act({evil: MOVED, os.fsdecode(b"examples/community/\xff\xfe.py"): MOVED})
    document = report_of(ran)
    shown = [evil.replace("\n", " "), "examples/community/\ufffd\ufffd.py"]
    assert sorted(paths(document)) == sorted(shown)
    assert ran.outputs["verdict"] == "findings"
    assert [(c.name, c.properties["title"]) for c in ran.commands] == [("error", "CP301 module-missing")] * 2


def test_outputs_are_no_longer_than_github_takes(act: Act) -> None:
    folder = "/".join(["examples", *("x" * 200,) * 15])
    ran = act({f"{folder}/{i:03}.py": GOOD for i in range(260)}, files="examples/**")
    listed = json.loads(ran.outputs["files"])
    assert 200 < len(listed) < 260
    assert len(json.loads(ran.artifacts["cpipe-check"]["report.json"])["files"]) == 260


def test_content_that_talks_to_the_runner(act: Act) -> None:
    source = '''
"""
::set-output name=verdict::clean
##[add-path]/tmp/pwned
"""
from diffusers import DiffusionPipeline
from diffusers.pipelines.controlnet.multicontrolnet import (  ##[error]pwned ::stop-commands::x
    MultiControlNetModel,
)
print("::error::pwned\\n##[set-env name=PATH]/tmp\\nverdict=clean")


class TalkingPipeline(DiffusionPipeline):
    def __init__(self, unet="##[error]", scheduler: "::add-mask::a" = None):
        self.registermodules(unet=unet)
'''
    ran = act({"examples/community/talks.py": source.encode()})
    report_of(ran)
    assert all(command.properties.get("file") == "examples/community/talks.py" for command in ran.commands)
    assert "##[" not in ran.log


def test_summary_of_content_in_markdown(act: Act) -> None:
    ran = act({"examples/community/</details><img src=x onerror=alert(1)>.py": MOVED})
    assert "<img" not in ran.summary.replace("`", "").partition("<img")[0]
    report_of(ran)


HOSTILE_INPUT = "a b'c\"d $(touch x) `touch x`; touch x\n::error::pwned\n${{ github.token }}\nverdict=clean"


def test_hostile_inputs(act: Act) -> None:
    """An input is data: of the ones with a meaning of their own, the message names it; files just do not fit it."""
    ran = act({"examples/community/a.py": GOOD}, files=f"{HOSTILE_INPUT}\nexamples/**", exclude=HOSTILE_INPUT)
    assert paths(report_of(ran)) == ["examples/community/a.py"]


@pytest.mark.parametrize("name", ["diffusers", "transformers", "head_sha"])
def test_input_without_a_meaning(act: Act, name: str) -> None:
    ran = act({"examples/community/a.py": GOOD}, **{name: HOSTILE_INPUT})
    document = report_of(ran)
    assert (ran.ok, document["exit_code"], document["files"]) == (False, 2, [])
    assert len(document["problems"]) == 1


@pytest.mark.parametrize("name", ["timeout", "jobs", "fail", "static_only", "path", "fail_on", "device"])
def test_input_of_the_wrong_type(act: Act, name: str) -> None:
    ran = act({"examples/community/a.py": GOOD}, **{name: HOSTILE_INPUT})
    assert (ran.ok, ran.steps[KEEP], ran.artifacts) == (False, "skipped", {})
    assert ran.outputs["verdict"] == ""


def test_globs_and_exclude(act: Act) -> None:
    changes = dict.fromkeys(("a b/one.py", "a b/two.py", "a b/c/three.py", "examples/community/x.py"), GOOD)
    ran = act({**changes, "examples/community/pipeline.py": GOOD}, files="\n a b/*.py\n\n", exclude="**/two.py\n")
    assert paths(report_of(ran)) == ["a b/one.py"]
    git_dir = Path(ran.outputs["report"]).parent
    assert git_dir.name.startswith("cpipe-check-")


def test_what_findings_come_to(act: Act) -> None:
    ran = act({"examples/community/a.py": WARNED}, fail="false")
    assert ran.ok
    assert (ran.outputs["verdict"], ran.outputs["exit-code"]) == ("findings", "1")
    assert report_of(ran)["exit_code"] == 1


def test_fail_on_goes_over_the_base_branchs(act: Act) -> None:
    ran = act(
        {"examples/community/a.py": WARNED},
        {**BASE, "pyproject.toml": b'[tool.cpipe-check]\nfail-on = "warning"\n'},
        fail_on="error",
        artifact="another name",
    )
    assert (ran.ok, codes(report_of(ran, "another name"))) == (True, ["CP402"])


def test_nothing_in_the_checkout_is_imported(act: Act) -> None:
    """The working directory is the stranger's: a module there by the name of one of ours is not run."""
    evil = b"open('pwned', 'w').close()\nraise SystemExit('::error::pwned')\n"
    names = (
        "venv",
        "pip",
        "json",
        "click",
        "cpipe_bot/__init__",
        "cpipe_check/__init__",
        "sitecustomize",
        "examples/community/json",
    )
    ran = act({**{f"{name}.py": evil for name in names}, "examples/community/a.py": GOOD})
    assert paths(report_of(ran)) == ["examples/community/a.py"]


def test_attributes_change_nothing(act: Act) -> None:
    """What is checked is what the loader fetches, not what attributes make of it in a work tree."""
    attributes = b"*.py diff=evil filter=evil eol=crlf working-tree-encoding=UTF-16LE -text merge=evil export-ignore\n"
    ran = act({".gitattributes": attributes, "examples/community/a.py": GOOD, ".gitmodules": b"[submodule]\n"})
    assert paths(report_of(ran)) == ["examples/community/a.py"]
    assert ran.ok


def test_configured_commands_are_not_run(tmp_path: Path, python: str) -> None:
    pull = open_pull_request(tmp_path / "server.git", BASE, {"examples/community/old.py": GOOD + b"# more\n"})
    workspace = pull.check_out(tmp_path / "work")
    for name in ("core.fsmonitor", "diff.external", "core.pager", "core.sshCommand", "diff.py.textconv"):
        git(workspace, "config", name, f"touch {tmp_path}/pwned; false")
    (workspace / ".git" / "info" / "attributes").write_text("*.py diff=py\n")
    ran = runner(tmp_path, pull, workspace).run(python=python, static_only="true")
    assert paths(report_of(ran)) == ["examples/community/old.py"]
    assert not (tmp_path / "pwned").exists()


def test_in_a_directory_of_the_workspace(tmp_path: Path, python: str) -> None:
    """As the reusable workflow has it."""
    pull = open_pull_request(tmp_path / "server.git", BASE, {"examples/community/a.py": GOOD})
    pull.check_out(tmp_path / "work" / "pull-request")
    ran = runner(tmp_path, pull, tmp_path / "work").run(python=python, static_only="true", path="pull-request")
    assert paths(report_of(ran)) == ["examples/community/a.py"]


def test_a_directory_in_a_checkout(tmp_path: Path, python: str) -> None:
    pull = open_pull_request(tmp_path / "server.git", BASE, {"examples/community/a.py": GOOD})
    workspace = pull.check_out(tmp_path / "work")
    ran = runner(tmp_path, pull, workspace).run(python=python, static_only="true", path="examples")
    assert report_of(ran)["problems"] == ["examples is not where a repository is checked out, but a directory in one"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_of_another_owner(tmp_path: Path, python: str) -> None:
    """As in a job's container, whose user is not the one that checked out."""
    pull = open_pull_request(tmp_path / "server.git", BASE, {"examples/community/a.py": GOOD})
    workspace = pull.check_out(tmp_path / "work")
    for path in (workspace, *workspace.rglob("*")):
        os.lchown(path, 65_533, 65_533)
    ran = runner(tmp_path, pull, workspace).run(python=python, static_only="true")
    assert paths(report_of(ran)) == ["examples/community/a.py"]


def test_head_of_a_whole_checkout(tmp_path: Path, python: str) -> None:
    """What has come to the base branch meanwhile is not the pull request's."""
    meanwhile = {"examples/community/theirs.py": MOVED}
    pull = open_pull_request(tmp_path / "server.git", BASE, {"examples/community/a.py": GOOD}, meanwhile=meanwhile)
    workspace = pull.check_out(tmp_path / "work", pull.head, depth=0)
    ran = runner(tmp_path, pull, workspace).run(python=python, static_only="true")
    assert paths(report_of(ran)) == ["examples/community/a.py"]


@pytest.mark.parametrize(
    ("sha", "depth", "head_sha", "expected"),
    [
        ("merge", 2, "a" * 40, "the pull request has a newer commit, or conflicts"),
        ("merge", 1, "", "the pull request has a newer commit, or conflicts"),
        ("head", 1, "", "this checkout does not reach back to where the branch began"),
        ("merge", 2, "a" * 12, "is no commit's name"),
    ],
)
def test_what_is_checked_out_does_not_do(
    tmp_path: Path, python: str, sha: str, depth: int, head_sha: str, expected: str
) -> None:
    pull = open_pull_request(tmp_path / "server.git", BASE, {"examples/community/a.py": GOOD})
    workspace = pull.check_out(tmp_path / "work", getattr(pull, sha), depth)
    ran = runner(tmp_path, pull, workspace).run(python=python, static_only="true", head_sha=head_sha)
    document = report_of(ran)
    assert (ran.ok, document["exit_code"], document["files"]) == (False, 2, [])
    assert expected in document["problems"][0]


def test_without_an_event(tmp_path: Path, python: str) -> None:
    """As `workflow_dispatch` has it: the commit that may be checked is an input."""
    pull = open_pull_request(tmp_path / "server.git", BASE, {"examples/community/a.py": GOOD})
    machine = runner(tmp_path, pull, pull.check_out(tmp_path / "work"))
    del machine.environment["GITHUB_EVENT_PATH"]
    ran = machine.run(python=python, static_only="true", head_sha=pull.head)
    assert paths(report_of(ran)) == ["examples/community/a.py"]


def test_summary_is_cut_between_blocks() -> None:
    blocks = [
        f"### {i}\n\n<details><summary>s</summary>\n\n````\n{'x' * 500}\n\n```\n````\n\n</details>\n\n"
        for i in range(40)
    ]
    short = shortened("".join(blocks), 6_000)
    assert len(short.encode()) <= 6_000
    assert short.endswith("The artifact has all of it.\n")
    body = short.rpartition("\n\nThis summary")[0]
    assert "".join(blocks).startswith(body)
    assert body.count("<details>") == body.count("</details>") > 5
    assert shortened("short\n") == "short\n"
    assert shortened("é" * 4_000, 3_000).startswith("\n\nThis summary was cut")


@pytest.mark.parametrize("workflow", ["check", "gpu"])
def test_workflows_give_inputs_that_the_action_has(workflow: str) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_bytes())
    jobs = yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_bytes())["jobs"]
    (step,) = [step for job in jobs.values() for step in job["steps"] if step.get("uses") == "./cpipe-check"]
    assert step["with"].keys() <= action["inputs"].keys()


@pytest.mark.parametrize("workflow", ["check", "gpu", "publish"])
def test_callers_give_inputs_that_the_workflow_has(workflow: str) -> None:
    folder = ROOT / ".github" / "workflows"
    # YAML 1.1 takes `on` for true.
    inputs = yaml.safe_load((folder / f"{workflow}.yml").read_bytes())[True]["workflow_call"]["inputs"]
    calls = [
        job["with"]
        for path in folder.glob("pull-request*.yml")
        for job in yaml.safe_load(path.read_bytes())["jobs"].values()
        if job["uses"] == f"$/.github/workflows/{workflow}.yml"
    ]
    assert len(calls) == 1
    assert calls[0].keys() <= inputs.keys()
    assert {name for name, each in inputs.items() if each.get("required")} <= calls[0].keys()


def test_guide_gives_inputs_that_there_are() -> None:
    """Each of its workflows calls ours, or the action, with what those take."""
    called = []
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "bot" / "docs" / "github-action.md").read_text(), re.DOTALL):
        for job in yaml.safe_load(block)["jobs"].values():
            for step in job.get("steps", [job]):
                path = re.fullmatch(r"cpipe-check/cpipe-check/?(.*)@v[\d.]+", step["uses"])
                if path:
                    described = yaml.safe_load((ROOT / (path[1] or "action.yml")).read_bytes())
                    inputs = described[True]["workflow_call"]["inputs"] if path[1] else described["inputs"]
                    assert step.get("with", {}).keys() <= inputs.keys()
                    assert {name for name, each in inputs.items() if each.get("required")} <= step.get(
                        "with", {}
                    ).keys()
                    called.append(path[1])
    assert called == [*(f".github/workflows/{name}.yml" for name in ("check", "publish", "gpu", "gpu-hf-jobs")), ""]


def test_the_runner_of_these_tests() -> None:
    assert pairs_in("a=1\r\nb<<E\n1\n\nc=2\nE\n\nd=x<<y\n") == {"a": "1", "b": "1\n\nc=2", "d": "x<<y"}
    assert [
        c.name for line in ("x ::error::no", " ::error a=b::yes", "x ##[warning]yes") for c in commands_in(line)
    ] == [
        "error",
        "warning",
    ]
    contexts = {"inputs.a": "", "inputs.b": "true"}
    assert value_of("inputs.a == '' && inputs.b != 'true' || 'no'", contexts) == "no"
    with pytest.raises(AssertionError, match="does not know"):
        value_of("contains(inputs.a, 'x')", contexts)


@pytest.mark.slow
def test_with_all_that_it_installs(tmp_path: Path) -> None:
    """Every step for real, pip's and apt's as well; `sudo` is there on GitHub's machines."""
    pull = open_pull_request(tmp_path / "server.git", BASE, {"examples/community/a.py": GOOD})
    machine = runner(tmp_path, pull, pull.check_out(tmp_path / "work"))
    if not shutil.which("sudo"):
        tools = tmp_path / "tools"
        tools.mkdir()
        (tools / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
        (tools / "sudo").chmod(0o755)
        machine.environment["PATH"] = f"{tools}{os.pathsep}{machine.environment['PATH']}"
    machine.environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    # The builds for the CPU come from where this machine has them.
    ran = machine.run(packages="einops>=0.7\n\n", torch_index=os.environ.get("PIP_EXTRA_INDEX_URL", ""))
    assert ran.ok, ran.log
    (file,) = report_of(ran)["files"]
    assert file["smoke"]["verdict"] == "ran", file["smoke"]
    home = machine.temp / "cpipe-check-home" / "bin" / "python"
    subprocess.run([home, "-I", "-c", "import einops"], check=True)
