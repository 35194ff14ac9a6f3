"""The report's model, and one renderer a file."""

from collections.abc import Callable

from cpipe_check.report import as_html, as_json, as_text
from cpipe_check.report.model import Report

# A renderer takes the report and whether colour may be used, and returns text that ends in a line feed or is empty.
RENDERERS: dict[str, Callable[[Report, bool], str]] = {
    "text": as_text.render,
    "json": as_json.render,
    "html": as_html.render,
}
