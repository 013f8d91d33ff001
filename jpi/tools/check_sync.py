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
from jpi.diagnostics.sync_file_checks import missing
from jpi.domain.decide import rule_for
from jpi.domain.events import IncidentEvent
from jpi.domain.policy import FIELDS, Policy, Rule, WhenIssue
from jpi.domain.sync_file import Choices, merged
from jpi.errors import JpiError
from jpi.pagerduty import webhooks as pagerduty_webhooks

WAYS = {"both": "both ways", "to-jira": "to Jira only", "to-pagerduty": "to PagerDuty only", "off": "not at all"}
SECONDS = 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where all is well, 1 where something is not, said on stderr."""
    chosen = _arguments(arguments)
    try:
        choices = wiring.sync_file(chosen.file or settings.sync_file(), must_exist=bool(chosen.file))
        if chosen.live:
            return _live(chosen.file)
        if chosen.tried:
            return _try(chosen.file, chosen.tried)
        for line in described(choices):
            print(line)
        return 0
    except JpiError as error:
        print(error, file=sys.stderr)
        return 1


def described(choices: Choices) -> Iterator[str]:
    """What a file means, in words."""
    if choices == Choices():
        yield "There is no sync file, or nothing in it: the settings of the environment are all there is."
        return
    yield "Incidents, by the first rule that fits:" if choices.rules else "Incidents: as the settings have it."
    yield from (f"  {number}. {_rule(rule)}" for number, rule in enumerate(choices.rules, 1))
    for rule in choices.open:
        yield f"Opens an incident on {rule.service}: an issue of {_conditions(rule.when)}"
    for status, names in choices.statuses.items():
        yield f"{status}: {' or '.join(names)}"
    for priority, names in (choices.priorities or {}).items():
        yield f"{priority}: {' or '.join(names)}"
    policy = merged(Policy(), choices)
    for name in FIELDS:
        how = policy.how(name)
        winner = "" if how.winner == "newer" else f"; of two changes {how.winner}'s wins"
        yield f"{name}: {WAYS[how.direction]}{winner}"


def _rule(rule: Rule) -> str:
    when = rule.when
    said = {"priority": when.priorities, "urgency": when.urgencies, "service": when.services,
            "title like": (when.title,) if when.title else ()}
    fits = ", ".join(f"{name} {' or '.join(values)}" for name, values in said.items() if values) or "any incident"
    if rule.create is None:
        return f"{fits}: no issue"
    made = rule.create
    named = {"in": made.project, "as": made.type, "priority": made.priority, "labels": " ".join(made.labels),
             "assigned to": made.assignee, "with": ", ".join(made.fields)}
    parts = ", ".join(f"{name} {value}" for name, value in named.items() if value)
    return f"{fits}: an issue {parts or 'as the settings have it'}"


def _conditions(when: WhenIssue) -> str:
    said = {"project": when.projects, "type": when.types, "priority": when.priorities}
    return ", ".join(f"{name} {' or '.join(values)}" for name, values in said.items() if values)


def _live(file: str | None) -> int:
    there = _built(file)
    # Several rules may lack the same.
    problems = list(dict.fromkeys(missing(there)))
    for problem in problems:
        print(problem, file=sys.stderr)
    print("All that it names is there." if not problems else f"{len(problems)} things are not as it says.")
    return 1 if problems else 0


def _try(file: str | None, tried: str) -> int:
    """Read an incident, or take a recorded delivery; say the rule and the actions, do nothing."""
    there = _built(file)
    recorded = Path(tried)
    events = (
        pagerduty_webhooks.parse(recorded.read_bytes()) if recorded.is_file() else there.reconcile.everything(tried)
    )
    for event in events:
        if isinstance(event, IncidentEvent):
            print(_matched(event, there.policy))
            key = there.links.get(event.incident.id).issue_key
            print(f"Its issue is {key}." if key else "It has no issue.")
        print(f"{type(event).__name__}: would do: {there.engine.plan(event)}")
    return 0


def _matched(event: IncidentEvent, policy: Policy) -> str:
    """The rule, whether or not an issue comes of it."""
    made, rules = rule_for(event, policy), policy.all_rules
    fits = policy.rule_for(event.incident, event.incident.priority) if made is None else None
    found = [(number, rule) for number, rule in enumerate(rules, 1)
             if (rule.create is made if made else rule is fits)]
    if not found:
        return "No rule fits it: no issue."
    number, rule = found[0]
    return f"{f'Rule {number} fits' if policy.rules else 'The settings fit'} it. {_rule(rule)}"


def _built(file: str | None) -> wiring.Jpi:
    """A jpi from the settings, with this file."""
    chosen = settings.load()
    there = wiring.build(replace(chosen, sync_file=file) if file else chosen)
    there.budget.start(SECONDS)
    return there


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
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
