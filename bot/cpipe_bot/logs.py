"""Logs of the server: one JSON object a line, with nothing in it that could act on whoever reads it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from datetime import datetime, timezone

from cpipe_check.text import clean, clean_line


def log_as_json(secrets: Iterable[str] = ()) -> None:
    """Have everything logged to standard error as JSON; the `secrets` in it are blotted out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json([secret for secret in secrets if secret]))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("cpipe_bot").setLevel(logging.INFO)


class _Json(logging.Formatter):
    """`extra={"fields": {...}}` of a record become members of the object."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._inert(record.getMessage()),
        }
        told |= {name: self._value(value) for name, value in fields.items()}
        if record.exc_info:
            told["traceback"] = self._without_secrets(clean(self.formatException(record.exc_info), 8000))
        return json.dumps(told)

    def _value(self, value: object) -> object:
        if isinstance(value, list):
            return [self._value(each) for each in value]
        return self._inert(value) if isinstance(value, str) else value

    def _inert(self, text: str) -> str:
        return self._without_secrets(clean_line(text))

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
