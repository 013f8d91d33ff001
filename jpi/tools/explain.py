"""The command `jpi explain`."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import click

from jpi import wiring
from jpi.domain.descriptions import NO_ISSUE_TO_UPDATE
from jpi.domain.link import Link
from jpi.domain.link_parts import FieldName
from jpi.domain.link_summary import list_differences, to_list_item
from jpi.errors import JpiError
from jpi.status_page import queries, view_models
from jpi.sync.identities import Identities
from jpi.tools.command_runner import run_command

UNKNOWN_INCIDENT_MESSAGE = """jpi has no record of {incident}. Possible reasons:
- PagerDuty's webhook is missing, or does not cover this incident's service: {command} doctor
- the incident is older than the first poll, and nothing has happened to it since
- another stage syncs it, or the id is mistyped (copy it from the incident's address).
To see what jpi would do, and by which rule: {command} check-sync --try {incident}"""
UNKNOWN_ISSUE_MESSAGE = """jpi has no record of {incident}: no incident is linked to this issue. Possible reasons:
- the issue was made by hand, or by another stage or integration
- the key is mistyped, or the issue was moved to jpi's projects from elsewhere.
If it belongs to an incident, ask by the incident's id: {command} explain <incident id>"""
FAILING_MESSAGE = "Sync failed: {trouble}"
REFUSED_MESSAGE = "The two sides differ, because a service refused:"
REFUSED_STEP_MESSAGE = "  {what}: {reason} ({service} refused it {times} time(s) since {first}; next try: {next})"
FIELDS_DIFFER_MESSAGE = "The two sides differ in: {names}; see the history."
DIFFER_MESSAGE = "The two sides differ: PagerDuty {pagerduty}, Jira {jira}"
STEP_MARKS = {True: "+", False: "-"}


@click.command("explain")
@click.argument("incident")
@click.option("--json", "as_json", is_flag=True, help="Print the history as JSON, for machines.")
def explain_incident(incident: str, as_json: bool) -> int:
    """Explain why an incident has an issue or none.

    INCIDENT is the incident's id, or the key of its issue: `jpi explain Q1R2DLCB21K7NP`, `jpi explain INCIDENT-42`.
    """
    app = wiring.get_app()
    link = queries.find_link(app, incident)
    if link is None:
        message = UNKNOWN_ISSUE_MESSAGE if "-" in incident else UNKNOWN_INCIDENT_MESSAGE
        print(message.format(incident=incident, command=app.settings.command))
        return 1
    history = view_models.build_history(link, app.clock())
    print(json.dumps(history, indent=2) if as_json else "\n".join(_explain_link(app, link, history)))
    return 0


def _explain_link(app: wiring.App, link: Link, history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    row = view_models.build_incident_row(to_list_item(link), app.policy.jira_url, app.clock())
    yield f'{row["incident"]} "{row["title"]}" {row["priority"]}'.rstrip()
    yield f"  PagerDuty: {row['pagerduty']}  {row['incident_url']}"
    yield "  Jira: " + (f"{row['issue']} {row['jira']}  {row['issue_url']}" if row["issue"] else "no issue")
    yield ""
    yield from _explain_state(app, link, row, history)
    yield ""
    yield f"History, newest last ({len(history)}):" if history else "No history."
    for entry in reversed(history):
        yield from _format_entry(entry)


def _explain_state(app: wiring.App, link: Link, row: Mapping[str, Any],
                   history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Explain the state of the link from its history, and what is in its backlog."""
    steps = view_models.build_refused_steps(link, app.clock())
    if link.failures or link.write_log.pause or link.ended or not steps:
        yield _explain_history(app, link, row, history)
    if steps:
        yield REFUSED_MESSAGE
        yield from (REFUSED_STEP_MESSAGE.format(**step) for step in steps)


def _explain_history(app: wiring.App, link: Link, row: Mapping[str, Any],
                     history: Sequence[Mapping[str, Any]]) -> str:
    failed = next((entry for entry in history if entry["reason"]), None)
    if row["state"] == "failing" and failed:
        return f"{FAILING_MESSAGE.format(trouble=failed['reason'])}\nWhat to do: {failed['advice']}"
    if row["state"] == "failing":
        return FAILING_MESSAGE.format(trouble=row["trouble"])
    if row["state"] == "ended":
        return "Sync ended: the incident or the issue is gone."
    if not row["issue"]:
        return next((f"No issue: {entry['why']}" for entry in history if entry["why"] not in ("", NO_ISSUE_TO_UPDATE)),
                    "No issue, and the history does not say why. To see the matching rule: "
                    f"{app.settings.command} check-sync --try {row['incident']}")
    return _explain_sides(app, link, row, history)


def _explain_sides(app: wiring.App, link: Link, row: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    if row["jira"] != view_models.JIRA_WORDS.get(row["pagerduty"], row["jira"]):
        undone = next((f": {step}" for step in _list_undone_steps(history)), "; see the history.")
        return f"{DIFFER_MESSAGE.format(**row)}{undone}"
    differences = _list_differences(app, link)
    if differences:
        return FIELDS_DIFFER_MESSAGE.format(names=", ".join(differences))
    return f"Both sides are in step (last synced {row['equal_at'] or 'before jpi kept a history'})."


def _list_differences(app: wiring.App, link: Link) -> list[str]:
    """Return the fields that differ; who is assigned counts as equal where nobody can be asked."""
    identities = Identities(app.jira, app.pagerduty, app.policy, app.cache)
    try:
        return list_differences(link, app.policy, identities.find_account_id)
    except JpiError:
        return list_differences(link, app.policy, lambda _: link.fields[FieldName.ASSIGNEE].jira.value)


def _list_undone_steps(history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Return the failed steps of the newest event that had steps."""
    newest = next((entry["steps"] for entry in history if entry["steps"]), ())
    return (str(step["what"]) for step in newest if not step["ok"])


def _format_entry(entry: Mapping[str, Any]) -> Iterator[str]:
    times = f" ({entry['times']} times since {entry['first']})" if entry["times"] > 1 else ""
    yield f"  {entry['at']}  {entry['side']}: {entry['what']}, {entry['source']}: {entry['result']}{times}"
    if entry["why"]:
        yield f"      {entry['why']}"
    for step in entry["steps"]:
        yield f"      {STEP_MARKS[step['ok']]} {step['what']}"
    if entry["reason"]:
        yield f"      {entry['reason']}"
        yield f"      What to do: {entry['advice']}"


main = partial(run_command, explain_incident)

if __name__ == "__main__":
    sys.exit(main())
