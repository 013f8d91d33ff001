"""Holds recorded calls against a vendor's OpenAPI file: paths, parameters, request and response bodies."""

import json
import re
from functools import cache
from typing import Any

from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from tests.deliveries import SHARED_FOLDER

FILES = {"jira": "jira-openapi.json", "pagerduty": "pagerduty-openapi.json"}


class Contract:
    """One vendor's OpenAPI 3.0 file."""

    def __init__(self, service: str) -> None:
        self._file = json.loads((SHARED_FOLDER / "contracts" / FILES[service]).read_text())
        self._registry = Registry().with_resource("", Resource(self._file, DRAFT4))
        templates = self._file["paths"]
        # The most literal path wins: /issue/bulk before /issue/{issueIdOrKey}.
        self._paths = sorted(((re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path) for path in templates),
                             key=lambda pair: pair[1].count("{"))

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that a call is of; None where the vendor documents none."""
        for pattern, template in self._paths:
            if pattern.fullmatch(path) and method.lower() in self._file["paths"][template]:
                item = self._file["paths"][template]
                return {"shared": item.get("parameters", []), **item[method.lower()]}
        return None

    def find_template(self, method: str, path: str) -> str | None:
        """Return the documented path that a call is of; None where the vendor documents none."""
        return next((template for pattern, template in self._paths if pattern.fullmatch(path)
                     and method.lower() in self._file["paths"][template]), None)

    def problems(self, call: Any) -> list[str]:
        """What of a call, a `sandbox.simulated_service.Call`, the contract does not allow."""
        operation = self.operation(call.method, call.path)
        if operation is None:
            return ["no such operation"]
        return [*self._parameters(operation, call), *self._request(operation, call), *self._answer(operation, call)]

    def _parameters(self, operation: dict[str, Any], call: Any) -> list[str]:
        known = [self._resolved(one) for one in [*operation["shared"], *operation.get("parameters", [])]]
        queries = {one["name"]: one for one in known if one["in"] == "query"}
        unknown = [f"unknown parameter {name}" for name in call.query if name not in queries]
        missing = [f"parameter {one['name']} is missing" for one in queries.values()
                   if one.get("required") and one["name"] not in call.query]
        sent = {name.lower() for name in call.headers}
        headers = [f"header {one['name']} is missing" for one in known
                   if one["in"] == "header" and one.get("required") and one["name"].lower() not in sent]
        return unknown + missing + headers

    def _request(self, operation: dict[str, Any], call: Any) -> list[str]:
        body = self._resolved(operation.get("requestBody", {}))
        if call.body is None:
            return ["a body is required"] if body.get("required") else []
        schema = body.get("content", {}).get("application/json", {}).get("schema")
        return self._errors("request", schema, call.body, OAS30WriteValidator) if schema else ["a body is not expected"]

    def _answer(self, operation: dict[str, Any], call: Any) -> list[str]:
        answer = operation["responses"].get(str(call.status))
        if answer is None:
            return [f"status {call.status} is not documented"]
        schema = self._resolved(answer).get("content", {}).get("application/json", {}).get("schema")
        return self._errors("answer", schema, call.answer, OAS30ReadValidator) if schema else []

    def _errors(self, what: str, schema: Any, value: Any, validator: Any) -> list[str]:
        # The schema's `#/...` references are the whole file's: its resolver is handed over with it.
        whole = validator(schema, registry=self._registry, _resolver=self._registry.resolver(""))
        return [f"{what} at {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                for error in whole.iter_errors(value)]

    def _resolved(self, found: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in found:
            there: Any = self._file
            for part in found["$ref"].removeprefix("#/").split("/"):
                there = there[part.replace("~1", "/").replace("~0", "~")]
            found = there
        return found


@cache
def contract(service: str) -> Contract:
    """The service's contract; loaded once."""
    return Contract(service)
