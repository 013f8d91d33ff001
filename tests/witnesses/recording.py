"""Records the calls that jpi itself makes to the simulated services, whoever's token it uses."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from unittest.mock import patch

from jpi.http_client import ApiClient
from sandbox.simulated_service import RecordedCall, SimulatedService

METHODS = ("GET", "POST", "PUT", "DELETE")
# Functions that make a call: the number of the argument with the path, and the method where none is named.
CALLERS = {"request": (1, ""), "write_if_exists": (1, ""), "read_if_exists": (0, "GET"), "read_pages": (1, "GET"),
           "_read_log_pages": (0, "GET")}


@contextmanager
def record_calls() -> Iterator[list[RecordedCall]]:
    """Yield a list that takes every call of jpi while inside."""
    calls: list[RecordedCall] = []
    is_in_jpi = [False]
    send, record = ApiClient._send_and_log, SimulatedService._record_call

    def send_and_mark(client: ApiClient, *arguments: Any) -> Any:
        is_in_jpi[0] = True
        try:
            return send(client, *arguments)
        finally:
            is_in_jpi[0] = False

    def record_and_keep(service: SimulatedService, environ: dict[str, Any]) -> RecordedCall:
        call = record(service, environ)
        if is_in_jpi[0]:
            calls.append(call)
        return call

    with patch.object(ApiClient, "_send_and_log", send_and_mark), patch.object(SimulatedService, "_record_call",
                                                                               record_and_keep):
        yield calls


def list_call_sites() -> set[tuple[str, str, str]]:
    """Return what jpi's source calls: service, method, and path with `*` for what is put in."""
    return {site for service in ("jira", "pagerduty") for file in Path("jpi", service).glob("*.py")
            for site in _find_calls(service, ast.parse(file.read_text()))}


def is_call_at(site: tuple[str, str, str], row: tuple[str, str, str]) -> bool:
    """True if a row of the ledger is a call of this place in the source."""
    return site[:2] == row[:2] and fnmatch(row[2], f"*{site[2]}")


def _find_calls(service: str, tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    constants = {target.id: node.value.value for node in tree.body if isinstance(node, ast.Assign)
                 and isinstance(node.value, ast.Constant) for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        position, method = CALLERS.get(name, (len(node.args), ""))
        method = method or (_read_path(node.args[0], {}) if node.args else "")
        path = _read_path(node.args[position], constants) if position < len(node.args) else ""
        if method in METHODS and path.strip("*"):
            yield service, method, path


def _read_path(node: ast.expr, constants: dict[str, Any]) -> str:
    """Return a text of the source with `*` for what is put into it; empty if it is a variable."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return str(constants.get(node.id, ""))
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts = [_read_path(part.value if isinstance(part, ast.FormattedValue) else part, constants) or "*"
             for part in node.values]
    return "".join(parts)
