"""Plays a first incident on the real services: opens it, waits for its issue, resolves it, and cleans up."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from jpi import wiring
from jpi.domain.issue_drafts import QUESTION_LINK_TYPE, TIMELINE_LINK_TYPE
from jpi.domain.model import Incident
from jpi.errors import PermanentError, Refused, RetryableError

TITLE = "First incident of jpi: a test, nobody needs to act"
DETAILS = "`jpi doctor --first-incident` opened it, and resolves it."
# In this order: a low urgency wakes nobody up.
URGENCIES = ("low", "high")
CALL_BUDGET_SECONDS = 60.0
PAUSE_SECONDS = 5.0
# The resolution by our own account is carried over by the next poll.
SECONDS_AFTER_POLL = 120.0
Result = TypeVar("Result")


class FirstIncident:
    """An incident that is opened to see whether jpi works. Use it once."""

    def __init__(self, app: wiring.App, sleep: Callable[[float], None]) -> None:
        self._app = app
        self._sleep = sleep
        self._issue_key: str | None = None

    def run(self, service: str) -> int:
        """Open the incident on a service, by name or id; return 0 if its issue was created and then done."""
        self._app.budget.start(CALL_BUDGET_SECONDS)
        # Nothing is opened where the tables, in which the issue's key is found, cannot be read.
        if missing := ", ".join(self._app.stores.find_missing_tables()):
            raise PermanentError(f"There is no table {missing}: run `sls deploy`, or choose the stage with --env.")
        incident = self._open_incident(service)
        print(f"Opened the {incident.priority} incident {incident.id} on {incident.service} (whoever is on call for it "
              f"is notified): {incident.url}", flush=True)
        try:
            self._issue_key = self._wait_for("the issue", lambda: self._app.links.get(incident.id).issue_key)
        finally:
            # Also after Ctrl-C.
            self._resolve_incident(incident.id)
        if not (self._issue_key and self._wait_for(f"{self._issue_key} to be done", self._is_issue_done)):
            command = self._app.settings.command
            print(f"`{command} explain {incident.id}` says what jpi did, `{command} doctor` what is wrong.")
            return 1
        print("\n".join(self._delete_issues(self._issue_key)))
        return 0

    def _open_incident(self, service: str) -> Incident:
        new_incidents, priority = self._app.pagerduty.new_incidents, self._app.settings.sync_priorities[0]
        service_id, name = new_incidents.find_service(service)
        if priority not in self._app.pagerduty.get_priority_names():
            raise PermanentError(f"The PagerDuty account has no priority {priority}: enable it under Account Settings, "
                                 "Incident Priorities.")
        plans = [Incident("", TITLE, service=name, service_id=service_id, urgency=urgency) for urgency in URGENCIES]
        rules = [(plan.urgency, self._app.policy.match_rule(plan, priority)) for plan in plans]
        urgency = next((urgency for urgency, rule in rules if rule and rule.issue_spec), None)
        if urgency is None:
            raise PermanentError(f"No rule of your sync file makes an issue of a {priority} incident on {name}: "
                                 "nothing was opened.")
        return new_incidents.open_incident(service_id, f"jpi-first-{uuid.uuid4()}", TITLE, DETAILS, urgency, priority)

    def _resolve_incident(self, incident_id: str) -> None:
        try:
            self._app.budget.start(CALL_BUDGET_SECONDS)
            self._app.pagerduty.set_status(incident_id, "resolved")
        except BaseException:
            print(f"The incident {incident_id} may still be open: resolve it on PagerDuty.")
            raise
        print(f"Resolved the incident {incident_id}. The next poll carries over what jpi's account did.", flush=True)

    def _wait_for(self, what: str, read: Callable[[], Result | None]) -> Result | None:
        """Return what is read as soon as there is something, and print how long that took; None if nothing comes."""
        started = self._app.clock()
        limit = self._app.settings.poll_interval_seconds + SECONDS_AFTER_POLL
        while (seconds := self._app.clock() - started) < limit:
            self._app.budget.start(CALL_BUDGET_SECONDS)
            with suppress(RetryableError):
                if result := read():
                    print(f"Waited {seconds:.0f} s for {what}: {self._describe_issue(result)}", flush=True)
                    return result
            print(f"waiting for {what} ... {seconds:.0f} s", flush=True)
            self._sleep(PAUSE_SECONDS)
        print(f"Waited {limit:.0f} s for {what}, in vain.")
        return None

    def _describe_issue(self, result: object) -> str:
        return f"{self._app.policy.jira_url}/browse/{result}" if isinstance(result, str) else "it is"

    def _is_issue_done(self) -> bool:
        states = self._app.jira.get_issue_states([str(self._issue_key)]).states
        return any(self._app.policy.with_team_category(issue).category == "done" for issue, _ in states)

    def _delete_issues(self, key: str) -> Iterator[str]:
        """Delete the issue with what jpi made for it; yield what was deleted, and what may not be."""
        self._app.budget.start(CALL_BUDGET_SECONDS)
        linked_keys = [linked_key for link_type in (QUESTION_LINK_TYPE, TIMELINE_LINK_TYPE)
                       for linked_key in self._app.jira.get_linked_issues(key, link_type)]
        # What people have linked is theirs.
        own_keys = [linked_key for linked_key in linked_keys if self._app.jira.read_marks(linked_key)[0]]
        deleted_keys = list(filter(self._try_to_delete, [*own_keys, key]))
        left_keys = [left_key for left_key in [*own_keys, key] if left_key not in deleted_keys]
        if deleted_keys:
            yield f"Deleted {', '.join(deleted_keys)}."
        if left_keys:
            yield f"Delete on Jira yourself, since jpi's account may not: {', '.join(left_keys)}."

    def _try_to_delete(self, key: str) -> bool:
        """Delete an issue; return False if our account may not."""
        self._app.budget.start(CALL_BUDGET_SECONDS)
        try:
            self._app.jira.admin.delete_issue(key)
        except Refused as refused:
            if not refused.is_forbidden:
                raise
            return False
        return True
