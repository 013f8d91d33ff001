"""Performs the writes to what is there already: statuses, fields, comments."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

from jpi.domain.actions import (
    Action,
    AddComment,
    AgreeOnStatus,
    Assignee,
    EditIncident,
    EditIssue,
    EndLink,
    SetIncidentStatus,
    Talk,
    TransitionIssue,
)
from jpi.domain.conversation_rules import OURS, address
from jpi.domain.decide import WITHIN_THE_SECOND, looked
from jpi.domain.field_merge import Side, known, set_by_us
from jpi.domain.field_merge import written as edited
from jpi.domain.link import Link
from jpi.domain.model import STATUS_OF
from jpi.domain.policy import Policy
from jpi.errors import NoWay, Refused
from jpi.sync.conversation_sync import Talker
from jpi.sync.identities import People
from jpi.sync.ports import Clock, Jira, Log, PagerDuty

NO_WAY = "jpi could not move this issue into a status of category '{to}', as PagerDuty has it: {why}."
ISSUE_GONE = ("{key} was deleted, or jpi cannot see it any more; this incident is kept in step with it no longer. "
              "Should it come back: python -m jpi.tools.replay --incident {incident}")
NAMES: Mapping[Side, str] = {"jira": "Jira", "pagerduty": "PagerDuty"}
NOBODY = ("On {from_} this is assigned to {who}, whom jpi does not find on {to}: the assignee there stays as it is. "
          "The setting USER_MAP can say who they are.")
INCIDENT_GONE = "PagerDuty's incident {incident} is gone, or jpi cannot see it; this issue is kept in step no longer."


class Writer:
    """One method an action."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, talker: Talker, policy: Policy, people: People, clock: Clock,
                 log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._talker = talker
        self._policy = policy
        self._people = people
        self._clock = clock
        self._log = log

    def __call__(self, link: Link, action: Action) -> tuple[Link, Action]:
        """The link, not saved yet, and what was done of the action."""
        if isinstance(action, EditIssue | EditIncident):
            return self._edit(link, action)
        if isinstance(action, AgreeOnStatus):
            return link, action
        perform: Mapping[type, Callable[[Link, Any], Link]] = {
            AddComment: self._comment, TransitionIssue: self._transition, SetIncidentStatus: self._set_status,
            EndLink: self._end, **dict.fromkeys(get_args(Talk), self._talker)}
        return perform[type(action)](link, action), action

    def _comment(self, link: Link, action: AddComment) -> Link:
        return self._talker.comment(link, action.mark, action.text)[0]

    def _transition(self, link: Link, action: TransitionIssue) -> Link:
        before = self._clock()
        try:
            outcome = self._jira.transition(str(link.issue_key), self._policy.way(action.category, action.agreed))
        except NoWay as why:
            fields = {"issue": link.issue_key, "to": action.category, "reason": str(why)}
            self._log.warning("the issue cannot get there", extra=fields)
            mark = f"no-way:{link.incident_id}:{action.agreed}:{action.category}"
            if why.left_at:
                link = replace(_written(link, set_by_us("jira", "status"), before), issue_status=STATUS_OF[why.left_at])
            return self._talker.comment(link, mark, NO_WAY.format(to=action.category, why=why))[0]
        if outcome == "left":
            return link
        if outcome == "there":
            return replace(link, issue_status=STATUS_OF[action.category])
        return replace(_written(link, set_by_us("jira", "status"), before), issue_status=STATUS_OF[action.category])

    def _set_status(self, link: Link, action: SetIncidentStatus) -> Link:
        before = self._clock()
        written, there = self._pagerduty.set_status(link.incident_id, action.status, action.reopens)
        link = _written(link, looked("pagerduty"), before)
        if there is None:
            return link
        at = there.at.timestamp()
        since = at if written else min(before, at + WITHIN_THE_SECOND)
        link = _written(link, set_by_us("pagerduty", "status"), since)
        # Acknowledging through the API makes the incident ours (facts, `PUT /incidents/{id}`): not to be carried over.
        assignee = next(iter(there.incident.assignees), None)
        taken = EditIncident({"assignee": assignee.id}, at) if written and assignee else None
        return edited(taken, _written(link, set_by_us("pagerduty", "assignee"), at)) if taken else link

    def _edit(self, link: Link, action: EditIssue | EditIncident) -> tuple[Link, Action]:
        before = self._clock()
        side: Side = "jira" if isinstance(action, EditIssue) else "pagerduty"
        link, values = self._assignable(link, side, action.values)
        if side == "jira":
            refused = self._jira.edit(str(link.issue_key), values)
        else:
            values = self._without_what_loses(link, values)
            refused = self._pagerduty.edit(link.incident_id, values)
        for name, reason in refused.items():
            fields = {"incident": link.incident_id, "issue": link.issue_key, "field": name, "reason": reason}
            self._log.warning(f"a field was refused by {side}", extra=fields)
        done = replace(action, values={name: value for name, value in values.items() if name not in refused})
        for name in done.values:
            link = _written(link, set_by_us(side, name), before)
        return link, done

    def _assignable(self, link: Link, side: Side,
                    values: Mapping[str, str | Assignee]) -> tuple[Link, dict[str, str]]:
        """The values with the assignee as that side knows them; without, if they have it, or it does not know them."""
        others = {name: value for name, value in values.items() if isinstance(value, str)}
        who = values.get("assignee")
        if not isinstance(who, Assignee):
            return link, others
        find = self._people.account_of if side == "jira" else self._people.user_of
        there = who.id if who.side == side else find(who.id)
        if there is None:
            said = NOBODY.format(from_=NAMES[who.side], who=who.name or who.id, to=NAMES[side])
            return self._talker.comment(link, f"nobody:{link.incident_id}:{who.id}", said)[0], others
        return link, others if there == known(link, side, "assignee") else {**others, "assignee": there}

    def _without_what_loses(self, link: Link, values: dict[str, str]) -> dict[str, str]:
        """The values but for a title where PagerDuty's wins and is new to us: it tells nobody, so it is looked at."""
        how = self._policy.how("title")
        if "title" not in values or how.winner != "pagerduty" or not how.reaches("jira"):
            return values
        there = self._pagerduty.shown(link.incident_id).incident.title
        if there == known(link, "pagerduty", "title"):
            return values
        # The next poll carries it over.
        return {name: value for name, value in values.items() if name != "title"}

    def _end(self, link: Link, action: EndLink) -> Link:
        """Say on the side that is left why they are in step no more, if it can be said there."""
        mark, key = f"ended:{link.version}:{link.issue_key}", str(link.issue_key)
        try:
            if action.side == "jira":
                text = ISSUE_GONE.format(key=key, incident=link.incident_id)
                link = self._talker.note(link, mark, f"{OURS}{text}\n{address(self._policy.site, key)}")[0]
            else:
                link = self._talker.comment(link, mark, INCIDENT_GONE.format(incident=link.incident_id))[0]
        except Refused as refused:
            self._log.warning("that a link has ended cannot be said", extra={
                "incident": link.incident_id, "issue": key, "reason": str(refused)})
        return replace(link, holds={}, todo={}, failed={}, ended=True)


def _written(link: Link, side: str, at: float) -> Link:
    """What a person did on that side before our write is older than it."""
    return replace(link, seen={**link.seen, side: max(at, link.seen.get(side, 0.0))})
