"""Performs the writes to what is there already: statuses, fields, comments."""

from dataclasses import replace

from jpi.errors import NoWay
from jpi.sync.actions import Action, AddComment, EditIncident, EditIssue, SetIncidentStatus, TransitionIssue
from jpi.sync.claims import Claims, released
from jpi.sync.events import STATUS_OF
from jpi.sync.link import Link
from jpi.sync.merge import Side, set_by_us
from jpi.sync.policy import Policy
from jpi.sync.ports import Clock, Jira, Ledger, Log, PagerDuty
from jpi.sync.rules import WITHIN_THE_SECOND, looked

NO_WAY = "jpi could not move this issue into a status of category '{to}', as PagerDuty has it: {why}."


class Writer:
    """One method an action."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, ledger: Ledger, claims: Claims, policy: Policy,
                 clock: Clock, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._ledger = ledger
        self._claims = claims
        self._policy = policy
        self._clock = clock
        self._log = log

    def __call__(self, link: Link, action: Action) -> tuple[Link, Action]:
        """The link, not saved yet, and what was done of the action."""
        if isinstance(action, AddComment):
            return self._comment(link, action.mark, action.text), action
        if isinstance(action, TransitionIssue):
            return self._transition(link, action), action
        if isinstance(action, SetIncidentStatus):
            return self._set_status(link, action), action
        if isinstance(action, EditIssue | EditIncident):
            return self._edit(link, action)
        raise TypeError(f"nobody performs {action}")

    def _transition(self, link: Link, action: TransitionIssue) -> Link:
        before = self._clock()
        try:
            outcome = self._jira.transition(str(link.issue_key), self._policy.way(action.category, action.agreed))
        except NoWay as why:
            fields = {"issue": link.issue_key, "to": action.category, "reason": str(why)}
            self._log.warning("the issue cannot get there", extra=fields)
            mark = f"no-way:{link.incident_id}:{action.agreed}:{action.category}"
            return self._comment(link, mark, NO_WAY.format(to=action.category, why=why))
        if outcome == "left":
            return link
        if outcome == "there":
            return replace(link, issue_status=STATUS_OF[action.category])
        return replace(_written(link, set_by_us("jira", "status"), before), issue_status=STATUS_OF[action.category])

    def _set_status(self, link: Link, action: SetIncidentStatus) -> Link:
        before = self._clock()
        written, at = self._pagerduty.set_status(link.incident_id, action.status, action.reopens)
        link = _written(link, looked("pagerduty"), before)
        if at is None:
            return link
        since = at.timestamp() if written else min(before, at.timestamp() + WITHIN_THE_SECOND)
        return _written(link, set_by_us("pagerduty", "status"), since)

    def _edit(self, link: Link, action: EditIssue | EditIncident) -> tuple[Link, Action]:
        before = self._clock()
        side: Side = "jira" if isinstance(action, EditIssue) else "pagerduty"
        if side == "jira":
            refused = self._jira.edit(str(link.issue_key), action.values)
        else:
            refused = self._pagerduty.edit(link.incident_id, action.values)
        for name, reason in refused.items():
            fields = {"incident": link.incident_id, "issue": link.issue_key, "field": name, "reason": reason}
            self._log.warning(f"a field was refused by {side}", extra=fields)
        done = replace(action, values={name: value for name, value in action.values.items() if name not in refused})
        for name in done.values:
            link = _written(link, set_by_us(side, name), before)
        return link, done

    def _comment(self, link: Link, mark: str, text: str) -> Link:
        key = str(link.issue_key)
        if self._ledger.known([mark]):
            return released(link, mark)
        if not (self._claims.unfinished(link, mark) and self._jira.has_comment(key, text)):
            link, _ = self._claims.once(link, mark, lambda: self._jira.comment(key, text, mark))
        self._ledger.add([mark])
        return released(link, mark)


def _written(link: Link, side: str, at: float) -> Link:
    """What a person did on that side before our write is older than it."""
    return replace(link, seen={**link.seen, side: max(at, link.seen.get(side, 0.0))})
