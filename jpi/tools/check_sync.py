"""Checks the sync file: alone, against the live site and account, or on one incident.

Examples:
  python -m jpi.tools.check_sync                        etc/sync.toml, or what SYNC_FILE names
  python -m jpi.tools.check_sync another.toml           that file
  python -m jpi.tools.check_sync --live                 and whether all that it names is there
  python -m jpi.tools.check_sync --try Q1R2DLCB21K7NP   which rule this incident matches, and what jpi would do now
  python -m jpi.tools.check_sync --try webhook.json     the same of a recorded delivery of PagerDuty's
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from jpi import settings, wiring
from jpi.diagnostics.sync_file_checks import find_missing
from jpi.domain.decide import find_issue_spec
from jpi.domain.events import IncidentEvent
from jpi.domain.policy import SYNCED_FIELDS, CreationRule, IssueCondition, Policy
from jpi.domain.sync_file import SyncFileContent, apply_sync_file
from jpi.errors import JpiError
from jpi.pagerduty import webhooks as pagerduty_webhooks

DIRECTION_WORDS = {"both": "both ways", "to-jira": "to Jira only", "to-pagerduty": "to PagerDuty only",
                   "off": "not at all"}
CALL_BUDGET_SECONDS = 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where all is well, 1 where something is not, said on stderr."""
    chosen = _parse_arguments(arguments)
    try:
        choices = wiring.load_sync_file(chosen.file or settings.get_sync_file_name(), must_exist=bool(chosen.file))
        if chosen.live:
            return _check_live(chosen.file)
        if chosen.tried:
            return _try_incident(chosen.file, chosen.tried)
        for line in describe_choices(choices):
            print(line)
        return 0
    except JpiError as error:
        print(error, file=sys.stderr)
        return 1


def describe_choices(choices: SyncFileContent) -> Iterator[str]:
    """What a file means, in words."""
    if choices == SyncFileContent():
        yield "There is no sync file, or nothing in it: the settings of the environment are all there is."
        return
    yield "Incidents, by the first rule that fits:" if choices.rules else "Incidents: as the settings have it."
    yield from (f"  {number}. {_describe_rule(rule)}" for number, rule in enumerate(choices.rules, 1))
    for rule in choices.opening_rules:
        yield f"Opens an incident on {rule.service}: an issue of {_describe_conditions(rule.condition)}"
    for status, names in choices.statuses.items():
        yield f"{status}: {' or '.join(names)}"
    for priority, names in (choices.priorities or {}).items():
        yield f"{priority}: {' or '.join(names)}"
    policy = apply_sync_file(Policy(), choices)
    for name in SYNCED_FIELDS:
        how = policy.field_policy(name)
        winner = "" if how.winner == "newer" else f"; of two changes {how.winner}'s wins"
        yield f"{name}: {DIRECTION_WORDS[how.direction]}{winner}"


def _describe_rule(rule: CreationRule) -> str:
    when = rule.condition
    said = {"priority": when.priorities, "urgency": when.urgencies, "service": when.services,
            "title like": (when.title,) if when.title else ()}
    fits = ", ".join(f"{name} {' or '.join(values)}" for name, values in said.items() if values) or "any incident"
    if rule.issue_spec is None:
        return f"{fits}: no issue"
    made = rule.issue_spec
    named = {"in": made.project, "as": made.type, "priority": made.priority, "labels": " ".join(made.labels),
             "assigned to": made.assignee, "with": ", ".join(made.fields)}
    parts = ", ".join(f"{name} {value}" for name, value in named.items() if value)
    return f"{fits}: an issue {parts or 'as the settings have it'}"


def _describe_conditions(when: IssueCondition) -> str:
    said = {"project": when.projects, "type": when.types, "priority": when.priorities}
    return ", ".join(f"{name} {' or '.join(values)}" for name, values in said.items() if values)


def _check_live(file: str | None) -> int:
    there = _build_app(file)
    # Several rules may lack the same.
    problems = list(dict.fromkeys(find_missing(there)))
    for problem in problems:
        print(problem, file=sys.stderr)
    print("All that it names is there." if not problems else f"{len(problems)} things are not as it says.")
    return 1 if problems else 0


def _try_incident(file: str | None, incident_or_file: str) -> int:
    """Read an incident, or take a recorded delivery; say the rule and the actions, do nothing."""
    there = _build_app(file)
    recorded = Path(incident_or_file)
    events = (pagerduty_webhooks.parse_delivery(recorded.read_bytes()) if recorded.is_file()
              else there.reconciler.read_incident_events(incident_or_file))
    for event in events:
        if isinstance(event, IncidentEvent):
            print(_describe_matched_rule(event, there.policy))
            key = there.links.get(event.incident.id).issue_key
            print(f"Its issue is {key}." if key else "It has no issue.")
        print(f"{type(event).__name__}: would do: {there.sync_service.describe_plan(event)}")
    return 0


def _describe_matched_rule(event: IncidentEvent, policy: Policy) -> str:
    """The rule, whether or not an issue comes of it."""
    made, rules = find_issue_spec(event, policy), policy.all_rules
    fits = policy.find_rule(event.incident, event.incident.priority) if made is None else None
    found = [(number, rule) for number, rule in enumerate(rules, 1)
             if (rule.issue_spec is made if made else rule is fits)]
    if not found:
        return "No rule fits it: no issue."
    number, rule = found[0]
    return f"{f'Rule {number} fits' if policy.rules else 'The settings fit'} it. {_describe_rule(rule)}"


def _build_app(file: str | None) -> wiring.App:
    """A jpi from the settings, with this file."""
    chosen = settings.load()
    there = wiring.build_app(replace(chosen, sync_file=file) if file else chosen)
    there.budget.start(CALL_BUDGET_SECONDS)
    return there


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    text = __doc__ or ""
    parser = argparse.ArgumentParser("python -m jpi.tools.check_sync", description=text.partition("\n")[0],
                                     epilog=text.partition("\n\n")[2],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="the sync file; else what SYNC_FILE names")
    parser.add_argument("--live", action="store_true", help="ask Jira and PagerDuty whether all that it names is there")
    parser.add_argument("--try", dest="tried", metavar="ID_OR_FILE", help="an incident's id, or a file with a delivery")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
