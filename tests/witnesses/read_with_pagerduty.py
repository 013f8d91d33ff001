"""Reads recorded answers with PagerDuty's own Python clients; runs in their virtual environment, without jpi.

Reads a JSON list of calls from stdin, and writes for each the names of the clients that read it, and what they said.
"""

import importlib.metadata
import json
import sys

import pagerduty
import requests
from requests.adapters import BaseAdapter

try:
    from pagerduty_mcp.models.incidents import Incident, IncidentNote
    from pagerduty_mcp.models.log_entries import LogEntry
    from pagerduty_mcp.models.services import Service
    from pagerduty_mcp.models.users import User
    from pagerduty_mcp.models.webhooks import WebhookSubscription
    MODELS = {"incident": Incident, "note": IncidentNote, "log_entrie": LogEntry, "service": Service, "user": User,
              "webhook_subscription": WebhookSubscription}
except ImportError:
    MODELS = {}


class RecordedAnswer(BaseAdapter):
    """Answers a request with the recorded answer, and keeps the request."""

    def __init__(self, call):
        super().__init__()
        self.call, self.request = call, None

    def send(self, request, **options):
        self.request = request
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = self.call["status"], request, request.url
        answer.headers["Content-Type"] = "application/json"
        answer._content = self.call["answer"].encode()
        return answer

    def close(self):
        pass


def read_with_client(call):
    """Make the call with `pagerduty`, which names and unwraps the entity itself; return what differs."""
    adapter = RecordedAnswer(call)
    client = pagerduty.RestApiV2Client("key", default_from="jpi@example.com")
    client.mount("https://", adapter)
    body = json.loads(call["body"]) if call["body"] else None
    options = {"params": call["query"]} if call["query"] else {}
    if body is not None:
        [(_, options["json"])] = body.items()
    value = getattr(client, f"r{call['method'].lower()}")(call["path"], **options)
    problems = []
    if body is not None and json.loads(adapter.request.body) != body:
        problems.append("the client wraps the body otherwise")
    if call["answer"] and call["method"] != "DELETE" and value not in json.loads(call["answer"]).values():
        problems.append("the client unwraps something else")
    return problems


def read_with_models(call):
    """Read what the answer holds by the models of `pagerduty-mcp`; return None if it has none of these."""
    problems, has_model = [], False
    for name, value in (json.loads(call["answer"]) if call["answer"] else {}).items():
        model = MODELS.get(name.removesuffix("s"))
        for item in value if isinstance(value, list) else [value]:
            if model and isinstance(item, dict):
                has_model = True
                try:
                    model.model_validate(item)
                except ValueError as error:
                    problems += [f"{name} {'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return problems if has_model else None


def read_call(call):
    """Return what each client says of a call that succeeded; a client that cannot make the call says nothing."""
    words = {}
    try:
        words["pagerduty"] = read_with_client(call)
    except (pagerduty.UrlError, AttributeError):
        pass
    except pagerduty.Error as error:
        words["pagerduty"] = [str(error)[:200]]
    in_models = read_with_models(call)
    return words if in_models is None else {**words, "pagerduty-mcp": in_models}


def find_version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    versions = {name: find_version(name) for name in ("pagerduty", "pagerduty-mcp")}
    json.dump({"versions": versions, "words": [read_call(call) for call in json.load(sys.stdin)]}, sys.stdout)
