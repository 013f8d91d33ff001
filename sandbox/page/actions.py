"""What a person can do on the sandbox's page: Rita over PagerDuty's API, Jim over Jira's, as their own accounts."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from jpi.domain.text_limits import document
from sandbox.page.told import SERVICES
from sandbox.site import Account, ApiError
from sandbox.world import World

Form = Mapping[str, str]
API = "/rest/api/3/issue"
MOVES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
VERBS = {"acknowledged": "acknowledges", "resolved": "resolves", "triggered": "reopens"}


@dataclass(frozen=True)
class People:
    """Who acts, and what their forms may need to name."""

    rita: Account
    jim: Account
    service_id: str


@dataclass(frozen=True)
class Action:
    """`says` begins with who does it, in words for the log; `call` does it to the incident or issue named."""

    says: Callable[[Form], str]
    call: Callable[[People, str, Form], object]


def people(world: World) -> People:
    """Rita with a key of her own on PagerDuty, Jim on Jira."""
    headers = {"Authorization": f"Token token={world.rita.key}", "From": world.rita.email}
    return People(Account(world.pagerduty_url, headers=headers, session=world.place.session()), world.jim,
                  world.service.id)


def act(there: People, side: str, name: str, target: str, form: Form) -> str:
    """Do it; "" or, in words, why it was not done."""
    try:
        ACTIONS[side, name].call(there, target, form)
    except ApiError as error:
        return f"{SERVICES[side]} refused it ({error.status}): {reasons(error.text)}"
    except requests.RequestException:
        return f"{SERVICES[side]} did not answer."
    return ""


def reasons(text: str) -> str:
    """What an error answer of either service says, as sentences."""
    try:
        found = json.loads(text)
    except ValueError:
        return text[:200]
    error = found.get("error") or {}
    said = [error.get("message"), *error.get("errors", []), *found.get("errorMessages", [])]
    return " ".join(str(one) for one in [*said, *_fields(found.get("errors"))] if one) or text[:200]


def _fields(errors: Any) -> list[str]:
    return [f"{name}: {why}" for name, why in errors.items()] if isinstance(errors, dict) else []


def _trigger(there: People, _: str, form: Form) -> object:
    incident: dict[str, Any] = {
        "type": "incident", "title": form.get("title", ""),
        "service": {"id": there.service_id, "type": "service_reference"},
    }
    if form.get("priority"):
        incident["priority"] = {"id": form["priority"], "type": "priority_reference"}
    if form.get("details"):
        incident["body"] = {"type": "incident_body", "details": form["details"]}
    return there.rita("POST", "/incidents", {"incident": incident})


def _put(there: People, incident_id: str, **changes: object) -> object:
    body = {"incident": {"type": "incident_reference", **changes}}
    return there.rita("PUT", f"/incidents/{incident_id}", body)


def _note(there: People, incident_id: str, form: Form) -> object:
    return there.rita("POST", f"/incidents/{incident_id}/notes", {"note": {"content": form.get("text", "")}})


def _reassign(there: People, incident_id: str, form: Form) -> object:
    return _put(there, incident_id, assignments=[
        {"assignee": {"id": form.get("assignee", ""), "type": "user_reference"}}])


def _move(there: People, key: str, form: Form) -> object:
    path = f"{API}/{key}/transitions"
    leading = [one["id"] for one in there.jim("GET", path)["transitions"]
               if one["to"]["statusCategory"]["key"] == form.get("status")]
    return there.jim("POST", path, {"transition": {"id": (leading or [""])[0]}})


def _edit(there: People, key: str, **fields: object) -> object:
    return there.jim("PUT", f"{API}/{key}", {"fields": fields})


def _comment(there: People, key: str, form: Form) -> object:
    return there.jim("POST", f"{API}/{key}/comment", {"body": document(form.get("text", ""))})


def _assign(there: People, key: str, form: Form) -> object:
    return there.jim("PUT", f"{API}/{key}/assignee", {"accountId": form.get("assignee") or None})


def _says(said: str) -> Callable[[Form], str]:
    return lambda form: said


ACTIONS: dict[tuple[str, str], Action] = {
    ("pagerduty", "trigger"): Action(_says("Rita triggers an incident"), _trigger),
    ("pagerduty", "status"): Action(
        lambda form: f"Rita {VERBS.get(form.get('status', ''), 'changes')} it",
        lambda there, target, form: _put(there, target, status=form.get("status"))),
    ("pagerduty", "note"): Action(_says("Rita writes a note"), _note),
    ("pagerduty", "title"): Action(
        _says("Rita changes the title"), lambda there, target, form: _put(there, target, title=form.get("title"))),
    ("pagerduty", "priority"): Action(
        _says("Rita changes the priority"), lambda there, target, form: _put(
            there, target, priority={"id": form.get("priority", ""), "type": "priority_reference"})),
    ("pagerduty", "assignee"): Action(_says("Rita reassigns it"), _reassign),
    ("jira", "status"): Action(
        lambda form: f"Jim moves it to {MOVES.get(form.get('status', ''), 'another status')}", _move),
    ("jira", "comment"): Action(_says("Jim comments"), _comment),
    ("jira", "summary"): Action(
        _says("Jim changes the summary"),
        lambda there, target, form: _edit(there, target, summary=form.get("summary"))),
    ("jira", "priority"): Action(
        _says("Jim changes the priority"),
        lambda there, target, form: _edit(there, target, priority={"name": form.get("priority")})),
    ("jira", "assignee"): Action(_says("Jim assigns it"), _assign),
    ("jira", "delete"): Action(
        _says("Jim deletes the issue"), lambda there, target, form: there.jim("DELETE", f"{API}/{target}")),
}
