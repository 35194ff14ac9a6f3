"""The report's model, and one renderer a file."""

from collections.abc import Callable

from cpipe_check.report import as_github, as_html, as_json, as_markdown, as_sarif, as_text
from cpipe_check.report.model import Report

# A renderer takes the report and whether colour may be used, and returns text that ends in a line feed or is empty.
RENDERERS: dict[str, Callable[[Report, bool], str]] = {
    "text": as_text.render,
    "json": as_json.render,
    "html": as_html.render,
    "markdown": as_markdown.render,
    "github": as_github.render,
    "sarif": as_sarif.render,
}
