"""Says in words what jpi knows of an incident, and why it has an issue or none.

Example: python -m jpi.tools.explain Q1R2DLCB21K7NP
         python -m jpi.tools.explain INCIDENT-42
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jpi import wiring
from jpi.domain.descriptions import NO_ISSUE_TO_UPDATE
from jpi.domain.link import Link
from jpi.domain.link_summary import to_list_item
from jpi.errors import JpiError
from jpi.status_page import view_models

UNKNOWN_INCIDENT_MESSAGE = """jpi has heard nothing of {incident}. Either
- the webhook is not there, or not for this incident's service: python -m jpi.tools.doctor
- it is older than the first poll, and nothing has happened to it since
- this is not the stage that keeps it, or the id is mistyped (as it stands in the incident's address).
What jpi would do about it, and by which rule: python -m jpi.tools.check_sync --try {incident}"""
FAILING_MESSAGE = "It could not be kept in step: {trouble}"
DIFFER_MESSAGE = "They differ: PagerDuty has it {pagerduty}, Jira {jira}"
STEP_MARKS = {True: "+", False: "-"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where something is known of it, 1 where nothing is, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.explain", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("incident", help="the incident's id, or its issue's key")
    parser.add_argument("--json", action="store_true", help="the history as JSON, for machines")
    chosen = parser.parse_args(arguments)
    try:
        there = wiring.get_app()
        link = _find_link(there, chosen.incident)
    except JpiError as error:
        print(error, file=sys.stderr)
        return 1
    if link is None:
        print(UNKNOWN_INCIDENT_MESSAGE.format(incident=chosen.incident))
        return 1
    history = view_models.build_history(link, there.clock())
    told = _explain_link(there, link, history)
    print(json.dumps(history, indent=2) if chosen.json else "\n".join(told))
    return 0


def _find_link(app: wiring.App, name: str) -> Link | None:
    incident = app.links.find_incident_id(name.upper()) if "-" in name else name.upper()
    link = app.links.get(incident) if incident else None
    return link if link and link.version else None


def _explain_link(app: wiring.App, link: Link, history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    row = view_models.build_incident_row(to_list_item(link), app.policy.jira_url, app.clock())
    yield f'{row["incident"]} "{row["title"]}" {row["priority"]}'.rstrip()
    yield f"  PagerDuty: {row['pagerduty']}  {row['incident_url']}"
    yield "  Jira: " + (f"{row['issue']} {row['jira']}  {row['issue_url']}" if row["issue"] else "no issue")
    yield ""
    yield _explain_state(row, history)
    yield ""
    yield f"What came of each event ({len(history)}, the newest last):" if history else "There is no history of it."
    for one in reversed(history):
        yield from _format_entry(one)


def _explain_state(row: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """The answer to "why", as far as the history has it."""
    failed = next((one for one in history if one["reason"]), None)
    if row["state"] == "failing" and failed:
        return f"{FAILING_MESSAGE.format(trouble=failed['reason'])}\nWhat to do: {failed['advice']}"
    if row["state"] == "ended":
        return "The two are kept in step no more, since one of them is gone."
    if not row["issue"]:
        return next((f"It has no issue: {one['why']}" for one in history if one["why"] not in ("", NO_ISSUE_TO_UPDATE)),
                    "It has no issue, and nothing tells why: python -m jpi.tools.check_sync --try "
                    f"{row['incident']} says what its rules are.")
    if row["jira"] != view_models.JIRA_WORDS.get(row["pagerduty"], row["jira"]):
        undone = next((f": {step}" for step in _list_undone_steps(history)), "; its history says why.")
        return f"{DIFFER_MESSAGE.format(**row)}{undone}"
    return f"Both sides are in step, last made equal {row['equal_at'] or 'before jpi kept a history'}."


def _list_undone_steps(history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was left undone when something was done last."""
    newest = next((one["steps"] for one in history if one["steps"]), ())
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


if __name__ == "__main__":
    sys.exit(main())
