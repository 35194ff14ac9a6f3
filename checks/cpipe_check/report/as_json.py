"""The report as JSON, in the shape of `report.schema.json` beside this file."""

from __future__ import annotations

import json
from typing import Any

from cpipe_check import __version__
from cpipe_check.finding import Finding, Fix
from cpipe_check.report.model import Compatibility, Component, FileReport, Report, Smoke
from cpipe_check.text import clean

SCHEMA_VERSION = "1"


def render(report: Report, _colour: bool = False) -> str:
    """Return the report as a JSON document."""
    return json.dumps(document(report), indent=2, ensure_ascii=True) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Return the report as a JSON-able dictionary. Text that a file controls is cleaned."""
    return {
        "version": SCHEMA_VERSION,
        "tool": {"name": "cpipe-check", "version": __version__},
        "exit_code": report.exit_code,
        "files": [_file(file) for file in report.files],
        "skipped": [{"path": clean(path), "reason": clean(reason)} for path, reason in report.skipped],
        "problems": [clean(problem) for problem in report.problems],
    }


def _file(file: FileReport) -> dict[str, Any]:
    return {
        "path": clean(file.path),
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
                "before": clean(r.before) or None,
                "after": clean(r.after) or None,
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
        "type": None if component.type is None else clean(component.type),
        "required": component.required,
        "registered": component.registered,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "message": clean(finding.message),
        "line": finding.span.line,
        "column": finding.span.column,
        "end_line": finding.span.end_line,
        "end_column": finding.span.end_column,
        "label": clean(finding.label),
        "breaks": finding.breaks or None,
        "consequence": clean(finding.consequence),
        "advice": clean(finding.advice),
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
    return {"description": clean(fix.description), "edits": edits}


def _smoke(smoke: Smoke) -> dict[str, Any]:
    return {
        "verdict": smoke.verdict.value,
        "reason": clean(smoke.reason),
        "reference": clean(smoke.reference),
        "device": clean(smoke.device),
        "stages": [{"name": s.name, "seconds": round(s.seconds, 3), "ok": s.ok} for s in smoke.stages],
        "frames": [{"line": f.line, "function": clean(f.function), "code": clean(f.code)} for f in smoke.frames],
        "output": clean(smoke.output),
        "reported_by": "the file's own process",
        "isolation": {
            "name": smoke.isolation.name or None,
            "proven": list(smoke.isolation.proven),
            "not_proven": list(smoke.isolation.not_proven),
        },
    }
