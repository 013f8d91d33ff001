"""The command `jpi check-sync`."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from jpi import settings, wiring
from jpi.diagnostics.sync_file_checks import describe_marks, find_missing
from jpi.domain.decide import find_rule
from jpi.domain.events import IncidentEvent
from jpi.domain.policy import SYNCED_FIELDS, CreationRule, IssueCondition, Policy
from jpi.domain.sync_file import SyncFileContent, apply_sync_file
from jpi.pagerduty import webhooks as pagerduty_webhooks
from jpi.tools.command_runner import run_command

DIRECTION_WORDS = {"both": "both ways", "to-jira": "to Jira only", "to-pagerduty": "to PagerDuty only",
                   "off": "not at all"}
CALL_BUDGET_SECONDS = 600.0


@click.command("check-sync")
@click.argument("file", required=False)
@click.option("--live", is_flag=True, help="Ask Jira and PagerDuty whether everything that the file names exists.")
@click.option("--try", "incident_or_file", metavar="ID_OR_FILE",
              help="Show the matching rule for an incident's id, or for a file with a delivery.")
def check_sync_file(file: str | None, live: bool, incident_or_file: str | None) -> int:
    """Check the sync file, alone or against both services.

    \b
    Examples:
      jpi check-sync                        etc/sync.toml, or the file that SYNC_FILE names
      jpi check-sync another.toml           another file
      jpi check-sync --live                 also check that everything that it names exists
      jpi check-sync --try Q1R2DLCB21K7NP   show the rule that this incident matches, and what jpi would do now
      jpi check-sync --try webhook.json     the same for a recorded delivery of PagerDuty
    """
    content = wiring.load_sync_file(file or settings.get_sync_file_name(), must_exist=bool(file))
    if live:
        return _check_live(file)
    if incident_or_file:
        return _try_incident(file, incident_or_file)
    for line in describe_sync_file(content):
        print(line)
    return 0


def describe_sync_file(content: SyncFileContent) -> Iterator[str]:
    """Describe what a sync file means, one line for each part."""
    if content == SyncFileContent():
        yield "There is no sync file, or it is empty: only the settings of the environment apply."
        return
    yield "Incidents, by the first rule that matches:" if content.rules else "Incidents: by the settings."
    yield from (f"  {number}. {_describe_rule(rule)}" for number, rule in enumerate(content.rules, 1))
    for rule in content.opening_rules:
        yield f"Opens an incident on {rule.service}: an issue of {_describe_conditions(rule.condition)}"
    for status, names in content.statuses.items():
        yield f"{status}: {' or '.join(names)}"
    for priority, names in (content.priorities or {}).items():
        yield f"{priority}: {' or '.join(names)}"
    policy = apply_sync_file(Policy(), content)
    for name in SYNCED_FIELDS:
        field_policy = policy.field_policy(name)
        winner = "" if field_policy.winner == "newer" else f"; if both sides change it, {field_policy.winner} wins"
        yield f"{name}: {DIRECTION_WORDS[field_policy.direction]}{winner}"
    yield (f"the customers of a service project {'see' if content.has_public_comments else 'do not see'} what jpi "
           "writes in comments")


def _describe_rule(rule: CreationRule) -> str:
    condition, issue = rule.condition, rule.issue_spec
    conditions = _join_alternatives(("priority", condition.priorities), ("urgency", condition.urgencies),
                                    ("service", condition.services), ("title like", [condition.title or ""]))
    if issue is None:
        return f"{conditions or 'any incident'}: no issue"
    parts = _join_alternatives(("in", [issue.project]), ("as", [issue.type]), ("priority", [issue.priority]),
                               ("labels", [" ".join(issue.labels)]), ("assigned to", [issue.assignee]),
                               ("request type", [issue.request_type]), ("with", [", ".join(issue.fields)]))
    return f"{conditions or 'any incident'}: an issue {parts or 'as in the settings'}"


def _describe_conditions(condition: IssueCondition) -> str:
    return _join_alternatives(("project", condition.projects), ("type", condition.types),
                              ("priority", condition.priorities))


def _join_alternatives(*parts: tuple[str, Sequence[str]]) -> str:
    """Join what has a value: `priority P1 or P2, service Checkout`."""
    return ", ".join(f"{name} {' or '.join(values)}" for name, values in parts if any(values))


def _check_live(file: str | None) -> int:
    # Several rules may name the same missing thing.
    app = _build_app(file)
    problems = list(dict.fromkeys(find_missing(app)))
    for problem in problems:
        print(problem, file=sys.stderr)
    for mark in describe_marks(app):
        print(mark)
    print(f"{len(problems)} problems" if problems else "Everything that the sync file names exists.")
    return 1 if problems else 0


def _try_incident(file: str | None, incident_or_file: str) -> int:
    """Print which rule matches an incident or a recorded delivery, and what jpi would do; change nothing."""
    app = _build_app(file)
    recorded = Path(incident_or_file)
    events = (pagerduty_webhooks.parse_delivery(recorded.read_bytes()) if recorded.is_file()
              else app.reconciler.read_incident_events(incident_or_file))
    for event in events:
        if isinstance(event, IncidentEvent):
            print(_describe_matched_rule(event, app.policy))
            key = app.links.get(event.incident.id).issue_key
            print(f"Its issue is {key}." if key else "It has no issue.")
        print(f"{type(event).__name__}: would do: {app.sync_service.describe_plan(event)}")
    return 0


def _describe_matched_rule(event: IncidentEvent, policy: Policy) -> str:
    """Name the rule that matches, whether or not it creates an issue."""
    rule = find_rule(event, policy)
    if rule is None:
        return "No rule matches: no issue."
    match = f"Rule {policy.all_rules.index(rule) + 1} matches" if policy.rules else "The settings match"
    return f"{match}. {_describe_rule(rule)}"


def _build_app(file: str | None) -> wiring.App:
    """Build a jpi from the settings, with this sync file."""
    loaded_settings = settings.load()
    app = wiring.build_app(replace(loaded_settings, sync_file=file) if file else loaded_settings)
    app.budget.start(CALL_BUDGET_SECONDS)
    return app


main = partial(run_command, check_sync_file)

if __name__ == "__main__":
    sys.exit(main())
