"""What a person can do on the sandbox's page: Rita over PagerDuty's API, Jim over Jira's, with their own accounts."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from jpi.jira.adf import to_adf_document
from sandbox.page.log_lines import SERVICE_NAMES
from sandbox.site_setup import ApiError, ApiUser
from sandbox.world import World

Form = Mapping[str, str]
ISSUE_API = "/rest/api/3/issue"
MOVES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
STATUS_VERBS = {"acknowledged": "acknowledges", "resolved": "resolves", "triggered": "reopens"}


@dataclass(frozen=True)
class Actors:
    """The people who act, and the service for new incidents."""

    rita: ApiUser
    jim: ApiUser
    service_id: str


@dataclass(frozen=True)
class PageAction:
    """`describe` returns a sentence for the log; `perform` acts on the incident or issue of this id."""

    describe: Callable[[Form], str]
    perform: Callable[[Actors, str, Form], object]


def make_actors(world: World) -> Actors:
    """Make Rita with a key of her own on PagerDuty, and Jim on Jira."""
    headers = {"Authorization": f"Token token={world.rita.key}", "From": world.rita.email}
    return Actors(ApiUser(world.pagerduty_url, headers=headers, session=world.host.make_session()), world.jim,
                  world.service.id)


def perform_action(actors: Actors, side: str, name: str, target: str, form: Form) -> str:
    """Perform the action; return "" or why it failed."""
    try:
        ACTIONS[side, name].perform(actors, target, form)
    except ApiError as error:
        return f"{SERVICE_NAMES[side]} refused it ({error.status}): {read_error_messages(error.text)}"
    except requests.RequestException:
        return f"{SERVICE_NAMES[side]} did not answer."
    return ""


def read_error_messages(text: str) -> str:
    """Return the messages of either service's error answer, as sentences."""
    try:
        body = json.loads(text)
    except ValueError:
        return text[:200]
    error = body.get("error") or {}
    messages = [error.get("message"), *error.get("errors", []), *body.get("errorMessages", [])]
    return (" ".join(str(message) for message in [*messages, *_format_field_errors(body.get("errors"))] if message)
            or text[:200])


def _format_field_errors(errors: Any) -> list[str]:
    return [f"{name}: {reason}" for name, reason in errors.items()] if isinstance(errors, dict) else []


def _trigger_incident(actors: Actors, _: str, form: Form) -> object:
    incident: dict[str, Any] = {"type": "incident", "title": form.get("title", ""),
                                "service": {"id": actors.service_id, "type": "service_reference"}}
    if form.get("priority"):
        incident["priority"] = {"id": form["priority"], "type": "priority_reference"}
    if form.get("details"):
        incident["body"] = {"type": "incident_body", "details": form["details"]}
    return actors.rita.request("POST", "/incidents", {"incident": incident})


def _update_incident(actors: Actors, incident_id: str, **changes: object) -> object:
    body = {"incident": {"type": "incident_reference", **changes}}
    return actors.rita.request("PUT", f"/incidents/{incident_id}", body)


def _add_note(actors: Actors, incident_id: str, form: Form) -> object:
    return actors.rita.request("POST", f"/incidents/{incident_id}/notes", {"note": {"content": form.get("text", "")}})


def _reassign_incident(actors: Actors, incident_id: str, form: Form) -> object:
    return _update_incident(actors, incident_id, assignments=[
        {"assignee": {"id": form.get("assignee", ""), "type": "user_reference"}}])


def _move_issue(actors: Actors, key: str, form: Form) -> object:
    path = f"{ISSUE_API}/{key}/transitions"
    transition_ids = [transition["id"] for transition in actors.jim.request("GET", path)["transitions"]
                      if transition["to"]["statusCategory"]["key"] == form.get("status")]
    return actors.jim.request("POST", path, {"transition": {"id": (transition_ids or [""])[0]}})


def _edit_issue(actors: Actors, key: str, **fields: object) -> object:
    return actors.jim.request("PUT", f"{ISSUE_API}/{key}", {"fields": fields})


def _add_comment(actors: Actors, key: str, form: Form) -> object:
    return actors.jim.request("POST", f"{ISSUE_API}/{key}/comment", {"body": to_adf_document(form.get("text", ""))})


def _assign_issue(actors: Actors, key: str, form: Form) -> object:
    return actors.jim.request("PUT", f"{ISSUE_API}/{key}/assignee", {"accountId": form.get("assignee") or None})


def _describe_always(description: str) -> Callable[[Form], str]:
    return lambda form: description


ACTIONS: dict[tuple[str, str], PageAction] = {
    ("pagerduty", "trigger"): PageAction(_describe_always("Rita triggers an incident"), _trigger_incident),
    ("pagerduty", "status"): PageAction(
        lambda form: f"Rita {STATUS_VERBS.get(form.get('status', ''), 'changes')} it",
        lambda actors, target, form: _update_incident(actors, target, status=form.get("status")),
    ),
    ("pagerduty", "note"): PageAction(_describe_always("Rita writes a note"), _add_note),
    ("pagerduty", "title"): PageAction(
        _describe_always("Rita changes the title"),
        lambda actors, target, form: _update_incident(actors, target, title=form.get("title")),
    ),
    ("pagerduty", "priority"): PageAction(
        _describe_always("Rita changes the priority"),
        lambda actors, target, form: _update_incident(
            actors, target, priority={"id": form.get("priority", ""), "type": "priority_reference"}
        ),
    ),
    ("pagerduty", "assignee"): PageAction(_describe_always("Rita reassigns it"), _reassign_incident),
    ("jira", "status"): PageAction(
        lambda form: f"Jim moves it to {MOVES.get(form.get('status', ''), 'another status')}", _move_issue
    ),
    ("jira", "comment"): PageAction(_describe_always("Jim comments"), _add_comment),
    ("jira", "summary"): PageAction(
        _describe_always("Jim changes the summary"),
        lambda actors, target, form: _edit_issue(actors, target, summary=form.get("summary")),
    ),
    ("jira", "priority"): PageAction(
        _describe_always("Jim changes the priority"),
        lambda actors, target, form: _edit_issue(actors, target, priority={"name": form.get("priority")}),
    ),
    ("jira", "assignee"): PageAction(_describe_always("Jim assigns it"), _assign_issue),
    ("jira", "delete"): PageAction(
        _describe_always("Jim deletes the issue"),
        lambda actors, target, form: actors.jim.request("DELETE", f"{ISSUE_API}/{target}"),
    ),
}
