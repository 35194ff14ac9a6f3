"""GitHub's OpenAPI description, and what in a request or an answer does not keep to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DESCRIPTION = Path(__file__).parent / "data" / "api.github.com.json"
_URI = "urn:github"
# Parameters that may hold slashes as they stand in the URL.
_MANY_SEGMENTS = {"path": ".*", "basehead": ".+", "ref": ".+"}

# Where the description is behind what GitHub does: a comment that a push has outdated has neither line nor position, a
# fork may be deleted,
_NULLABLE = (
    "pull-request-review-comment/line",
    "pull-request-review-comment/position",
    "pull-request/head/properties/repo",
    "pull-request-simple/head/properties/repo",
    "workflow-run/head_repository",
)
# and labels are added by a bare list of names as well, as PyGithub does (the description had it up to 2025).
_ADD_LABELS = "/repos/{owner}/{repo}/issues/{issue_number}/labels"

formats = FormatChecker(formats=())


def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo)


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


formats.checks("date-time", raises=ValueError)(_is_date_time)
formats.checks("uri")(_is_uri)


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path: ``id`` as GitHub calls it, e.g. ``issues/create-comment``."""

    id: str
    method: str
    template: str
    pattern: re.Pattern[str]
    pointer: str


def with_null(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` as JSON Schema says it."""
    if isinstance(node, list):
        return [with_null(part) for part in node]
    if not isinstance(node, dict):
        return node
    plain = {key: with_null(value) for key, value in node.items() if key != "nullable" or isinstance(value, dict)}
    if node.get("nullable") is not True:
        return plain
    return {"anyOf": [{"type": "null"}, plain]}


def corrected(description: dict[str, Any]) -> dict[str, Any]:
    """The description with what it is behind in; changes it in place."""
    for place in _NULLABLE:
        schema, *path, name = place.split("/")
        node = description["components"]["schemas"][schema]["properties"]
        for part in path:
            node = node[part]
        node[name] = {"nullable": True, "allOf": [node[name]]}
    body = description["paths"][_ADD_LABELS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    body["oneOf"].append({"type": "array", "items": {"type": "string"}, "minItems": 1})
    return description


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


class Contract:
    """Validates against the description; one instance serves all tests, since validators are kept."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.description: dict[str, Any] = with_null(dict(description))
        resource = DRAFT202012.create_resource(self.description)
        self._registry: Registry[Any] = Registry().with_resource(_URI, resource)
        self._validators: dict[str, Draft202012Validator] = {}

    @classmethod
    def vendored(cls) -> Contract:
        """The contract by the vendored description."""
        return cls(corrected(json.loads(DESCRIPTION.read_text(encoding="utf-8"))))

    @cached_property
    def operations(self) -> list[Operation]:
        found = []
        for template, methods in self.description["paths"].items():
            pattern = re.sub(r"{(\w+)}", lambda m: f"(?P<{m[1]}>{_MANY_SEGMENTS.get(m[1], '[^/]+')})", template)
            for method, described in methods.items():
                pointer = f"#/paths/{_escape(template)}/{method}"
                found.append(
                    Operation(described["operationId"], method.upper(), template, re.compile(pattern), pointer)
                )
        return sorted(found, key=lambda operation: (operation.template.count("{"), -len(operation.template)))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation that a path as it stands in the URL means, with its parameters decoded."""
        for operation in self.operations:
            if operation.method == method and (match := operation.pattern.fullmatch(path)):
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def request_problems(
        self, operation: Operation, path: Mapping[str, str], query: Mapping[str, str], body: object
    ) -> list[str]:
        """What the description does not allow in a request; ``body`` is None for none."""
        described = self._at(operation)
        problems = []
        known = set()
        for parameter in map(self._resolved, described.get("parameters", [])):
            name, where = parameter["name"], parameter["in"]
            known.add((where, name))
            value = {"path": path, "query": query}.get(where, {}).get(name)
            if value is None:
                if parameter.get("required") and where != "header":
                    problems.append(f"{where} parameter {name} is missing")
                continue
            schema = self._resolved(parameter["schema"])
            validator = Draft202012Validator(schema, registry=self._registry, format_checker=formats)
            problems += [f"{where} parameter {name}: {e.message}" for e in validator.iter_errors(_typed(value, schema))]
        problems += [f"query parameter {name} is unknown" for name in query if ("query", name) not in known]
        return problems + list(self._body_problems(operation, described, body))

    def _body_problems(self, operation: Operation, described: Mapping[str, Any], body: object) -> Iterator[str]:
        content = self._resolved(described.get("requestBody", {})).get("content", {})
        if body is None:
            if described.get("requestBody", {}).get("required"):
                yield "the body is missing"
        elif "application/json" not in content:
            if body != {}:
                yield "the operation takes no body"
        else:
            pointer = f"{operation.pointer}/requestBody/content/application~1json/schema"
            yield from self._schema_problems(pointer, body)
            yield from self._unknown_fields(content["application/json"]["schema"], body, "body")

    def _unknown_fields(self, schema: Mapping[str, Any], value: object, where: str) -> Iterator[str]:
        """GitHub ignores what it does not know, silently: a misspelt field is the client's mistake."""
        schema = self._resolved(schema)
        if isinstance(value, list) and "items" in schema:
            for index, part in enumerate(value):
                yield from self._unknown_fields(schema["items"], part, f"{where}[{index}]")
        if not isinstance(value, dict) or "properties" not in schema:
            return
        for name, part in value.items():
            if name in schema["properties"]:
                yield from self._unknown_fields(schema["properties"][name], part, f"{where}.{name}")
            elif not schema.get("additionalProperties"):
                yield f"{where}.{name} is unknown"

    def answer_problems(self, operation: Operation, status: int, content_type: str, body: object) -> list[str]:
        """What the description does not allow in an answer. Errors that it does not list must be a basic error."""
        responses = self._at(operation)["responses"]
        if str(status) not in responses:
            if status < 400:
                return [f"status {status} is not documented"]
            return self._schema_problems("#/components/schemas/basic-error", body)
        response = self._resolved(responses[str(status)])
        content = response.get("content", {})
        if not content:
            return [] if body is None else [f"status {status} has no body"]
        if content_type not in content:
            return [f"{content_type} is none of {', '.join(content)}"]
        reference = responses[str(status)].get("$ref", f"{operation.pointer}/responses/{status}")
        return self._schema_problems(f"{reference}/content/{_escape(content_type)}/schema", body)

    def _schema_problems(self, pointer: str, value: object) -> list[str]:
        validator = self._validators.get(pointer)
        if validator is None:
            validator = Draft202012Validator({"$ref": _URI + pointer}, registry=self._registry, format_checker=formats)
            self._validators[pointer] = validator
        error = best_match(validator.iter_errors(value))
        if error is None:
            return []
        if len(error.message) < 300:
            return [f"{error.json_path}: {error.message}"]
        return [f"{error.json_path}: it breaks {error.validator} {str(error.validator_value)[:200]}"]

    def _at(self, operation: Operation) -> dict[str, Any]:
        found: dict[str, Any] = self.description["paths"][operation.template][operation.method.lower()]
        return found

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self.description
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node


def _typed(value: str, schema: Mapping[str, Any]) -> object:
    """A parameter's text as the type that its schema names, where it is one."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if schema.get("type") == "boolean" and value in ("true", "false"):
        return value == "true"
    return value
