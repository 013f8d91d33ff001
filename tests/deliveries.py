"""Webhook bodies in the vendors' shapes: sound ones, whose values a test can replace, and malformed ones."""

import copy
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

SHARED_FOLDER = Path(os.environ.get("JPI_SHARED", Path(__file__).resolve().parents[2] / "shared"))
# For tests against the vendors' contracts and payloads: CI has these files, a user does not.
needs_shared = pytest.mark.skipif(not SHARED_FOLDER.is_dir(), reason="the vendors' contracts are not on this machine")
V3_EVENT_CLASSES = {"incident.triggered": "IncidentTriggered", "incident.acknowledged": "IncidentAcknowledged",
                    "incident.unacknowledged": "IncidentUnacknowledged", "incident.resolved": "IncidentResolved",
                    "incident.reopened": "IncidentReopened", "incident.priority_updated": "IncidentPriorityUpdated",
                    "incident.reassigned": "IncidentReassigned", "incident.escalated": "IncidentReassigned",
                    "incident.delegated": "IncidentReassigned"}
V2_EVENT_CLASSES = {"incident.trigger": "IncidentTriggered", "incident.acknowledge": "IncidentAcknowledged",
                    "incident.unacknowledge": "IncidentUnacknowledged", "incident.resolve": "IncidentResolved",
                    "incident.assign": "IncidentReassigned", "incident.escalate": "IncidentReassigned",
                    "incident.delegate": "IncidentReassigned"}


def make_reference(kind: str, one_id: str, summary: str) -> dict[str, Any]:
    return {"id": one_id, "type": f"{kind}_reference", "summary": summary,
            "self": f"https://api.pagerduty.com/{kind}s/{one_id}", "html_url": None}


def make_v3_body(event_type: str = "incident.triggered", incident: str = "Q0INCIDENT0001",
                 **data: Any) -> dict[str, Any]:
    """Return a V3 body. Keywords replace keys of `data`; `at`, `event_id` and `agent` replace the event's."""
    event = {"id": data.pop("event_id", "01EVENT"), "event_type": event_type, "resource_type": "incident",
             "occurred_at": data.pop("at", "2026-11-20T03:00:00.250Z"),
             "agent": data.pop("agent", make_reference("user", "PUSER01", "Rita Responder")), "client": None}
    content = {"id": incident, "type": "incident", "self": f"https://api.pagerduty.com/incidents/{incident}",
               "html_url": f"https://acme.pagerduty.com/incidents/{incident}", "number": 7, "status": "triggered",
               "incident_key": "key", "created_at": "2026-11-20T03:00:00Z", "reopened_at": None,
               "title": "Checkout is down", "service": make_reference("service", "PSERV01", "Checkout"),
               "assignees": [make_reference("user", "PUSER02", "Oscar Oncall")],
               "escalation_policy": make_reference("escalation_policy", "PEP0001", "Default"), "teams": [],
               "priority": make_reference("priority", "PPRIO01", "P1"), "urgency": "high", "conference_bridge": None,
               "resolve_reason": None, "incident_type": {"name": "incident_default"}}
    return {"event": {**event, "data": {**content, **data}}}


def make_v3_note_body(incident: str = "Q0INCIDENT0001", **changes: Any) -> dict[str, Any]:
    """Return a V3 body of a note; keywords replace keys of the note."""
    body = make_v3_body("incident.annotated")
    note = {"id": "PNOTE01", "type": "incident_note", "content": "Rolled back.", "trimmed": False,
            "incident": make_reference("incident", incident, "Checkout is down")}
    return {"event": {**body["event"], "data": {**note, **changes}}}


def make_comment_body(key: str = "INCIDENT-1", event: str = "comment_created", **changes: Any) -> dict[str, Any]:
    """Return a comment_* body; keywords replace keys of the comment."""
    author = {"accountId": "712020:person", "displayName": "Jim Jira", "accountType": "atlassian"}
    comment = {"id": "10500", "author": author, "updateAuthor": author, "body": "Traffic is *back*.",
               "created": "2026-11-20T03:00:00.250+0000", "updated": "2026-11-20T03:00:00.250+0000", "jsdPublic": True}
    return {"timestamp": 1795143601250, "webhookEvent": event, "comment": {**comment, **changes},
            "issue": {"id": "10001", "key": key, "fields": {"summary": "Checkout is down"}},
            "eventType": "primaryAction"}


def make_v2_body(event: str = "incident.trigger", incident: str = "Q0INCIDENT0001", **changes: Any) -> dict[str, Any]:
    """Return a V2 body; keywords replace keys of its incident."""
    content = {
        "id": incident, "type": "incident", "incident_number": 7, "title": "Checkout is down", "status": "triggered",
        "html_url": f"https://acme.pagerduty.com/incidents/{incident}", "created_at": "2026-11-20T03:00:00Z",
        "service": {"id": "PSERV01", "name": "Checkout", "type": "service", "summary": "Checkout"},
        "assignments": [{"at": "2026-11-20T03:00:00Z", "assignee": make_reference("user", "PUSER02", "Oscar Oncall")}],
        "priority": {"id": "PPRIO01", "type": "priority", "summary": "P1", "name": "P1"}, "urgency": "high",
        "resolve_reason": None,
    }
    entry = {"id": "R0ENTRY", "type": "trigger_log_entry", "summary": "Triggered through the website",
             "created_at": "2026-11-20T03:00:00Z", "agent": make_reference("user", "PUSER01", "Rita Responder"),
             "channel": {"type": "web_trigger", "summary": "Checkout is down", "details": "Nobody can pay."}}
    message = {"event": event, "log_entries": [entry], "webhook": {"id": "PHOOK01"}, "incident": {**content, **changes},
               "id": "5ac64822-4adc-4fda-ade0-410becf0de4f", "created_on": "2026-11-20T03:00:01Z"}
    return {"messages": [message]}


def make_issue_updated_body(key: str = "INCIDENT-1", category: str = "done", **changes: Any) -> dict[str, Any]:
    """Return a jira:issue_updated body of a move into `category`; keywords replace top-level keys."""
    status = {"self": "https://x.atlassian.net/rest/api/2/status/3", "name": category, "id": "3",
              "statusCategory": {"id": 3, "key": category, "name": "Complete"}}
    body = {"timestamp": 1795143601250, "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic",
            "user": {"accountId": "712020:person", "displayName": "Jim Jira", "accountType": "atlassian"},
            "issue": {"id": "10001", "key": key, "fields": {"summary": "Checkout is down", "status": status}},
            "changelog": {"id": "1", "items": [{"field": "status", "fieldId": "status", "fieldtype": "jira",
                                                "from": "1", "fromString": "To Do", "to": "3", "toString": category}]}}
    return copy.deepcopy({**body, **changes})


def encode_body(body: Any) -> bytes:
    return json.dumps(body).encode()


def sign_as_pagerduty(body: bytes, secret: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-PagerDuty-Signature": f"v1={digest}", "Content-Type": "application/json"}


def sign_as_jira(body: bytes, secret: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature": f"sha256={digest}", "Content-Type": "application/json"}


@cache
def read_vendor_bodies() -> list[Any]:
    """Return the vendors' example bodies; on a machine without them our own in the same shapes."""
    files = sorted([*SHARED_FOLDER.glob("payloads/pagerduty/v[23]*.json"),
                    *SHARED_FOLDER.glob("payloads/jira/*webhook*.json")])
    bodies = [json.loads(file.read_text()) for file in files]
    return bodies or [make_v3_body(), make_v2_body(), make_issue_updated_body()]


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
                    max_leaves=20)


def _walk_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _walk_paths(child, (*path, key))


@st.composite
def mutated_bodies(draw: st.DrawFn) -> Any:
    """Draw a vendor's body with one value replaced by any JSON."""
    body = copy.deepcopy(draw(st.sampled_from(read_vendor_bodies())))
    path = draw(st.sampled_from([path for path in _walk_paths(body) if path]))
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = draw(JSON)
    return body


MALFORMED_BODIES = (JSON | mutated_bodies() | st.fixed_dictionaries({"event": JSON})
                    | st.fixed_dictionaries({"messages": JSON})
                    | st.fixed_dictionaries({"webhookEvent": st.just("jira:issue_updated"), "issue": JSON,
                                             "timestamp": JSON}))
