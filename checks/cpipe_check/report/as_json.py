"""The report as JSON, in the shape of `report.schema.json` beside this file."""

from __future__ import annotations

import json
from typing import Any

from cpipe_check import __version__
from cpipe_check.finding import Finding, Fix
from cpipe_check.report.model import Compatibility, Component, FileReport, Report, Smoke, Stage

SCHEMA_VERSION = "1"


def render(report: Report, _colour: bool = False) -> str:
    """Return the report as a JSON document, which has nothing in it that GitHub's runner takes for a command."""
    text = json.dumps(document(report), indent=2, ensure_ascii=True)
    # Only a string can hold these characters, and there this is another spelling of them.
    return text.replace("##[", "##\\u005b") + "\n"


def document(report: Report) -> dict[str, Any]:
    """Return the report as a JSON-able dictionary."""
    return {
        "version": SCHEMA_VERSION,
        "tool": {"name": "cpipe-check", "version": __version__},
        "exit_code": report.exit_code,
        "files": [_file(file) for file in report.files],
        "skipped": [{"path": path, "reason": reason} for path, reason in report.skipped],
        "problems": list(report.problems),
    }


def _file(file: FileReport) -> dict[str, Any]:
    return {
        "path": file.path,
        "pipeline_class": file.pipeline_class,
        "components": [_component(component) for component in file.components],
        "static": file.static,
        "loads": file.compatibility.loads,
        "compatibility": _compatibility(file.compatibility),
        "findings": [_finding(finding) for finding in file.findings],
        "smoke": _smoke(file.smoke),
    }


def _compatibility(compatibility: Compatibility) -> dict[str, Any]:
    ranges = {
        library: [
            {
                "first": r.first,
                "last": r.last,
                "loads": r.loads,
                "before": r.before or None,
                "after": r.after or None,
                "exact": not r.sampled,
            }
            for r in found
        ]
        for library, found in compatibility.ranges.items()
    }
    target = {"diffusers": compatibility.diffusers, "transformers": compatibility.transformers}
    return {"target": target, **ranges, "other_packages": list(compatibility.others)}


def _component(component: Component) -> dict[str, Any]:
    return {
        "name": component.name,
        "type": component.type,
        "required": component.required,
        "registered": component.registered,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        "line": finding.span.line,
        "column": finding.span.column,
        "end_line": finding.span.end_line,
        "end_column": finding.span.end_column,
        "label": finding.label,
        "breaks": finding.breaks or None,
        "consequence": finding.consequence,
        "advice": finding.advice,
        "fix": None if finding.fix is None else _fix(finding.fix),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [
        {
            "line": edit.span.line,
            "column": edit.span.column,
            "end_line": edit.span.end_line,
            "end_column": edit.span.end_column,
            "text": edit.text,
        }
        for edit in fix.edits
    ]
    return {"description": fix.description, "edits": edits}


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "seconds": round(stage.seconds, 3),
        "ok": stage.ok,
        "memory": stage.memory or None,
        "device_memory": stage.device_memory or None,
    }


def _smoke(smoke: Smoke) -> dict[str, Any]:
    return {
        "verdict": smoke.verdict.value,
        "reason": smoke.reason,
        "reference": smoke.reference,
        "device": smoke.device,
        "stages": [_stage(stage) for stage in smoke.stages],
        "frames": [{"line": f.line, "function": f.function, "code": f.code} for f in smoke.frames],
        "output": smoke.output,
        "choices": list(smoke.choices),
        "notices": [{"stage": n.stage, "text": n.text} for n in smoke.notices],
        "attempts": [{"why": a.why, "tried": a.tried} for a in smoke.attempts],
        "unserved": smoke.unserved,
        "reported_by": "the file's own process",
        "isolation": {
            "name": smoke.isolation.name or None,
            "proven": list(smoke.isolation.proven),
            "not_proven": list(smoke.isolation.not_proven),
            "host": smoke.isolation.host or None,
        },
    }
