"""Runs a composite action's steps as GitHub's runner does, as far as ours goes: what it does not know is an error."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
_PINNED = re.compile(r"([\w.-]+/[\w./-]+)@[0-9a-f]{40}")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\|\||&&|==|!=|always\(\)|[A-Za-z_][\w.-]*)\s*")
# As actions/runner reads a line of standard output.
_COMMAND = re.compile(r"^\s*::(?P<name>[^:\s]+)(?: (?P<properties>[^:]*))?::(?P<data>.*)$")
_OLD_COMMAND = re.compile(r"##\[(?P<name>[^\s\]]+)(?: (?P<properties>[^\]]*))?\](?P<data>.*)$")


@dataclass(frozen=True)
class Command:
    """A workflow command that the runner would obey: its properties and message decoded."""

    name: str
    properties: Mapping[str, str]
    message: str


@dataclass
class Ran:
    """What running an action came to."""

    ok: bool = True
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def commands(self) -> list[Command]:
        """The commands in the log, in order."""
        return [command for line in self.log.split("\n") for command in commands_in(line)]


def commands_in(line: str) -> list[Command]:
    """Return the command in a line of a log, if there is one."""
    match = _COMMAND.match(line) or _OLD_COMMAND.search(line)
    if match is None:
        return []
    pairs = (pair.partition("=") for pair in (match["properties"] or "").split(",") if pair)
    properties = {name.strip(): _decoded(value) for name, _, value in pairs}
    return [Command(match["name"], properties, _decoded(match["data"]))]


def _decoded(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def pairs_in(text: str) -> dict[str, str]:
    """Return what a file such as $GITHUB_OUTPUT sets, read as the runner reads it."""
    found: dict[str, str] = {}
    lines = iter(re.split(r"\r?\n", text))
    for line in lines:
        if not line:
            continue
        equals, marker = line.find("="), line.find("<<")
        if marker >= 0 and (equals < 0 or marker < equals):
            name, end = line[:marker], line[marker + 2 :]
            assert name, f"no name: {line!r}"
            assert end, f"no delimiter: {line!r}"
            value = []
            for inner in lines:
                if inner == end:
                    break
                value.append(inner)
            else:
                raise AssertionError(f"{name} never ends")
            found[name] = "\n".join(value)
        else:
            assert equals > 0, f"neither a value nor a delimiter: {line!r}"
            found[line[:equals]] = line[equals + 1 :]
    return found


@dataclass
class ActionRunner:
    """One job's machine: a workspace, a temporary directory, and an environment that steps may change."""

    workspace: Path
    temp: Path
    environment: dict[str, str]
    action: Path = ROOT

    def run(self, **inputs: str) -> Ran:
        """Run the action with these inputs, `_` for `-` in their names; its defaults stand for the others."""
        described = yaml.safe_load((self.action / "action.yml").read_text(encoding="utf-8"))
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= described["inputs"].keys(), "an input that the action does not have"
        values = {name: str(each.get("default", "")) for name, each in described["inputs"].items()} | given
        contexts = {f"inputs.{name}": value for name, value in values.items()}
        contexts |= {"github.action_path": str(self.action), "runner.os": "Linux", "runner.temp": str(self.temp)}
        assert described["runs"]["using"] == "composite"
        ran = Ran()
        for step in described["runs"]["steps"]:
            self._step(step, contexts, ran)
        ran.outputs = {name: evaluated(each["value"], contexts) for name, each in described["outputs"].items()}
        return ran

    def _step(self, step: dict[str, Any], contexts: dict[str, str], ran: Ran) -> None:
        known = {"name", "id", "if", "uses", "with", "run", "shell", "env", "continue-on-error"}
        assert step.keys() <= known, f"a key that this runner does not know: {step.keys() - known}"
        condition = str(step.get("if", ""))
        if not (ran.ok or "always()" in condition) or (condition and not value_of(condition, contexts)):
            ran.steps[step["name"]] = "skipped"
            return
        outputs: dict[str, str] = {}
        if "uses" in step:
            pinned = _PINNED.fullmatch(step["uses"])
            assert pinned, f"{step['uses']} is not pinned to a commit"
            given = {name: evaluated(str(value), contexts) for name, value in step["with"].items()}
            ok = _USED[pinned[1]](self, given, ran)
        else:
            ok = self._shell(step, contexts, outputs, ran)
        for name, value in outputs.items():
            contexts[f"steps.{step['id']}.outputs.{name}"] = value
        ran.steps[step["name"]] = "success" if ok else "failure"
        ran.ok &= ok or bool(step.get("continue-on-error"))

    def _shell(self, step: dict[str, Any], contexts: dict[str, str], outputs: dict[str, str], ran: Ran) -> bool:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an expression in a script is a way in"
        here = self.temp / f"_runner_{uuid.uuid4().hex}"
        here.mkdir()
        files = {name: here / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        script = here / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        own = {name: evaluated(str(value), contexts) for name, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace,
            env=self.environment | own | {name: str(path) for name, path in files.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        ran.log += done.stdout.decode()
        ran.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        outputs |= pairs_in(files["GITHUB_OUTPUT"].read_text(encoding="utf-8"))
        self.environment |= pairs_in(files["GITHUB_ENV"].read_text(encoding="utf-8"))
        for line in files["GITHUB_PATH"].read_text(encoding="utf-8").splitlines():
            self.environment["PATH"] = f"{line}{os.pathsep}{self.environment['PATH']}"
        return done.returncode == 0


def _setup_python(runner: ActionRunner, given: Mapping[str, str], _: Ran) -> bool:
    """The Python of the tests stands for the one that would be installed."""
    assert re.fullmatch(r"3\.\d+", given["python-version"])
    home = runner.temp / "python"
    home.mkdir()
    (home / "python").symlink_to(shutil.which("python3") or "")
    runner.environment["PATH"] = f"{home}{os.pathsep}{runner.environment['PATH']}"
    return True


def _upload_artifact(_: ActionRunner, given: Mapping[str, str], ran: Ran) -> bool:
    root = Path(given["path"])
    ran.artifacts[given["name"]] = {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }
    return bool(ran.artifacts[given["name"]])


_USED: dict[str, Callable[[ActionRunner, Mapping[str, str], Ran], bool]] = {
    "actions/setup-python": _setup_python,
    "actions/upload-artifact": _upload_artifact,
}


def evaluated(text: str, contexts: Mapping[str, str]) -> str:
    """Return text with each `${{ }}` replaced by its value."""
    return _EXPRESSION.sub(lambda match: str(value_of(match[1], contexts)), text)


def value_of(expression: str, contexts: Mapping[str, str]) -> str | bool:
    """Return the value of an expression of names, strings, `==`, `!=`, `&&` and `||`; anything else is an error."""
    tokens = _TOKEN.findall(expression)
    assert _TOKEN.sub("", expression) == "", f"an expression that this runner does not know: {expression}"
    found: str | bool = ""
    for part in _split(tokens, "||"):
        for operand in _split(part, "&&"):
            found = _compared(operand, contexts)
            if not found:
                break
        if found:
            break
    return found


def _split(tokens: list[str], separator: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _compared(tokens: list[str], contexts: Mapping[str, str]) -> str | bool:
    match tokens:
        case [one]:
            return _atom(one, contexts)
        case [left, "==", right]:
            return _atom(left, contexts) == _atom(right, contexts)
        case [left, "!=", right]:
            return _atom(left, contexts) != _atom(right, contexts)
    raise AssertionError(f"an expression that this runner does not know: {tokens}")


def _atom(token: str, contexts: Mapping[str, str]) -> str | bool:
    if token == "always()":
        return True
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    if token.startswith("steps."):
        # Of a step that was skipped.
        return contexts.get(token, "")
    assert token in contexts, f"a context that this runner does not know: {token}"
    return contexts[token]
