"""Both simulated services, DynamoDB, SQS and jpi, wired together, in this process or on loopback."""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import requests
from dotenv import dotenv_values

from jpi import settings, wiring
from jpi.app import app
from jpi.domain.issue_drafts import (
    MANAGER_LINK_TYPE,
    QUESTION_LINK_TYPE,
    STAKEHOLDER_LINK_TYPE,
    TIMELINE_LINK_TYPE,
)
from sandbox.aws.event_source import EventSourceMapping
from sandbox.aws.events_queue import make_events_queue
from sandbox.clock import Clock
from sandbox.copying_integration import CopyingIntegration
from sandbox.hosts import Host
from sandbox.jira.issue_changes import move_issue
from sandbox.jira.model import Issue
from sandbox.jira.server import JiraServer
from sandbox.pagerduty.model import Incident
from sandbox.pagerduty.server import PagerDutyServer
from sandbox.seed import (
    BOT_EMAIL,
    JIM_LOGIN,
    JIRA_ADMIN_LOGIN,
    JIRA_BOT_TOKEN,
    PAGERDUTY_KEY,
    JiraSetUp,
    copy_seeded_services,
)
from sandbox.simulated_service import RecordedCall, SimulatedService
from sandbox.site_setup import ApiUser, add_webhooks, make_issue, set_up_jira
from sandbox.webhook_outbox import post_delivery

JIRA_WEBHOOK_SECRET, PAGERDUTY_V2_TOKEN = "a secret of the sandbox's", "a token of the sandbox's"

# In the order of a row.
LINK_LABELS = {QUESTION_LINK_TYPE: "questions", STAKEHOLDER_LINK_TYPE: "stakeholders", MANAGER_LINK_TYPE: "manager",
               TIMELINE_LINK_TYPE: "timeline"}


def is_from_jpi(call: RecordedCall) -> bool:
    """True if jpi made this call, by its token."""
    return call.token in (JIRA_BOT_TOKEN, PAGERDUTY_KEY)


@cache
def read_example_settings() -> Mapping[str, str]:
    """Return the values of `.env.example`."""
    return {name: value or "" for name, value in dotenv_values(".env.example").items()}


class World:
    """Everything running: the site set up, webhooks on, with a queue (`queued`) or without. Call `stop` at the end.

    `jira` and `pagerduty` are the services' states, `jira_server` and `pagerduty_server` serve them; the people are
    those of `sandbox.seed.SeededServices`.
    """

    def __init__(self, host: Host, clock: Clock | None = None, sleep: Callable[[float], None] | None = None,
                 ports: tuple[int, int, int] = (0, 0, 0), queued: bool = False, set_up: JiraSetUp = set_up_jira,
                 **changes: str) -> None:
        self.host = host
        self.clock = clock or Clock()
        self.event_source: EventSourceMapping | None = None
        self._sleep = sleep or self.clock.advance
        self.seeded = seeded = copy_seeded_services(self.clock, set_up)
        self.pagerduty, self.jira = seeded.pagerduty, seeded.jira
        self.pagerduty_server, self.jira_server = PagerDutyServer(seeded.pagerduty), JiraServer(seeded.jira)
        self.servers: tuple[SimulatedService, ...] = (self.pagerduty_server, self.jira_server)
        self.copying_integration = CopyingIntegration(self.pagerduty_server, self.jira_server)
        for server in self.servers:
            server.pass_time = self._sleep
        host.use_clock(self.clock)
        self.pagerduty_url = host.serve_application("pagerduty", self.pagerduty_server, ports[0])
        self.jira_url = host.serve_application("jira", self.jira_server, ports[1])
        self.app_url = host.serve_application("jpi", app, ports[2])
        self._set_people(host.make_session())
        self.environ = self._make_environ(host, self._add_webhooks(), changes)
        host.make_tables(settings.load(self.environ))
        if queued:
            self.event_source = self._make_event_source(host.make_sqs_client())
        self.forget_calls()

    def _set_people(self, session: requests.Session | None) -> None:
        seeded = self.seeded
        self.rita, self.oscar, self.service = seeded.rita, seeded.oscar, seeded.service
        self.jim_on_pagerduty, self.pagerduty_bot = seeded.jim_on_pagerduty, seeded.pagerduty_bot
        self.admin_id, self.bot_id, self.jim_id = seeded.admin_id, seeded.bot_id, seeded.jim_id
        self.rita_id, self.oscar_id, self.stakeholders = seeded.rita_id, seeded.oscar_id, seeded.stakeholders
        self.jira_admin = ApiUser(self.jira_url, JIRA_ADMIN_LOGIN, session=session)
        self.jim = ApiUser(self.jira_url, JIM_LOGIN, session=session)
        self.pagerduty_admin = ApiUser(self.pagerduty_url, headers={"Authorization": f"Token token={PAGERDUTY_KEY}"},
                                       session=session)
        self.jira_bot = ApiUser(self.jira_url, (BOT_EMAIL, JIRA_BOT_TOKEN), session=session)
        for outbox in (self.pagerduty.outbox, self.jira.outbox):
            outbox.post = partial(post_delivery, session=session)

    def _add_webhooks(self) -> str:
        return add_webhooks(self.jira_admin, self.pagerduty_admin, self.app_url, JIRA_WEBHOOK_SECRET)

    def _make_environ(self, host: Host, secret: str, changes: Mapping[str, str]) -> dict[str, str]:
        return {**read_example_settings(), "STAGE": uuid.uuid4().hex[:8], "IS_OFFLINE": "True",
                "DATABASE_ENDPOINT_URL": host.database_url, "JIRA_SERVER_URL": self.jira_url,
                "JIRA_USER_EMAIL": BOT_EMAIL, "JIRA_API_TOKEN": JIRA_BOT_TOKEN,
                "JIRA_WEBHOOK_SECRET": JIRA_WEBHOOK_SECRET, "JIRA_ISSUE_STAKEHOLDERS": ",".join(self.stakeholders),
                "PAGERDUTY_API_URL": self.pagerduty_url, "PAGERDUTY_API_TOKEN": PAGERDUTY_KEY,
                "PAGERDUTY_USER_EMAIL": BOT_EMAIL, "PAGERDUTY_WEBHOOK_SECRET": secret, **changes}

    def _make_event_source(self, sqs: Any) -> EventSourceMapping:
        url, self.dead_letter_url = make_events_queue(sqs, f"events-{self.environ['STAGE']}")
        self.environ["EVENTS_QUEUE"] = url
        return EventSourceMapping(sqs, url, self.clock)

    def export_settings(self) -> None:
        """Set this world's settings in this process's environment."""
        os.environ.update(self.environ)

    def bind_tables(self) -> list[Any]:
        """Return the three tables, bound."""
        tables = wiring.bind_tables(settings.load(self.environ))
        return [tables.links, tables.processed_ids, tables.config]

    def make_outside(self) -> wiring.Infrastructure:
        """Return the infrastructure that jpi uses."""
        return self.host.make_outside(self.clock, self._sleep)

    def start_jpi(self) -> wiring.App:
        """Return a new jpi, as in a fresh process."""
        return wiring.build_app(settings.load(self.environ), self.make_outside())

    def run_until_idle(self) -> None:
        """Deliver webhooks and have messages applied until none is due."""
        while (self.pagerduty.outbox.deliver_due() + self.jira.outbox.deliver_due() + self.apply_batch()
               + self.copying_integration.copy_new()):
            pass

    def apply_batch(self) -> int:
        """Have one batch of the queue's messages applied; return how many."""
        return self.event_source.process_batch() if self.event_source else 0

    def forget_calls(self) -> None:
        """Start counting API calls anew."""
        for server in self.servers:
            server.calls.clear()

    def list_jpi_calls(self) -> list[RecordedCall]:
        """Return the API calls that jpi made since `forget_calls`."""
        calls = [call for server in self.servers for call in server.calls if is_from_jpi(call)]
        return sorted(calls, key=lambda call: call.sequence_number)

    def list_issues(self, project: str = "INCIDENT") -> list[Issue]:
        """Return the issues of a project, oldest first."""
        issues = [issue for issue in self.jira.issues.values() if issue.project == project and not issue.deleted]
        return sorted(issues, key=lambda issue: int(issue.id))

    def find_issue(self, incident: Incident) -> Issue | None:
        """Return the one issue with the incident's label; raise AssertionError if there are two."""
        issues = [issue for issue in self.list_issues() if f"pagerduty-{incident.id}" in issue.labels]
        if len(issues) > 1:
            raise AssertionError(f"{len(issues)} issues of {incident.title}: {[issue.key for issue in issues]}")
        return issues[0] if issues else None

    def get_category(self, issue: Issue) -> str:
        """Return the category of the issue's status."""
        return self.jira.statuses[issue.status].category

    def list_linked_summaries(self, issue: Issue, link_type: str) -> list[str]:
        """Return the sorted summaries of the issues that this issue *has* by this type of link."""
        return sorted(self.jira.issues[link.target].summary for link in issue.links
                      if link.type == link_type and link.source == issue.key)

    def read_statuses(self) -> dict[str, tuple[str, str | None]]:
        """Return what both services show: (incident's status, category of its issue's status) by title."""
        pairs = [(incident, self.find_issue(incident)) for incident in self.pagerduty.incidents.values()]
        return {incident.title: (incident.status, self.get_category(issue) if issue else None)
                for incident, issue in pairs}

    def move_issue(self, issue: Issue, category: str) -> None:
        """Have Jim move the issue into a status of this category."""
        path = f"/rest/api/3/issue/{issue.key}/transitions"
        transition_ids = [transition["id"] for transition in self.jim.request("GET", path)["transitions"]
                          if transition["to"]["statusCategory"]["key"] == category]
        self.jim.request("POST", path, {"transition": {"id": transition_ids[0]}})

    def move_issue_to_project(self, issue: Issue, project: str) -> None:
        """Have Jim move the issue into another project."""
        move_issue(self.jira, self.jira.users[self.jim_id], issue, project)

    def make_summary_rows(self) -> list[tuple[str, ...]]:
        """Return a row per incident: title, priority, status; its issue's key, priority, status, links."""
        return [self._make_summary_row(incident, self.find_issue(incident))
                for incident in self.pagerduty.incidents.values()]

    def _make_summary_row(self, incident: Incident, issue: Issue | None) -> tuple[str, ...]:
        name = incident.priority.name if incident.priority else "-"
        if issue is None:
            return (incident.title, name, incident.status, "none", "", "", "")
        counts = {kind: len(self.list_linked_summaries(issue, kind)) for kind in LINK_LABELS}
        links = ", ".join(f"{count} {LINK_LABELS[kind]}" for kind, count in counts.items() if count)
        return (incident.title, name, incident.status, issue.key, issue.priority, issue.status, links)

    def make_person_issue(self, name: str) -> str:
        """Make another issue in the PERSON project; return its key."""
        return make_issue(self.jira_admin, "PERSON", name)

    def use_v2_webhooks(self) -> None:
        """Replace the V3 subscription by a generic V2 webhook, and start jpi anew with its token."""
        self.pagerduty.webhooks.subscriptions.clear()
        self.environ["PAGERDUTY_V2_TOKEN"] = PAGERDUTY_V2_TOKEN
        self.jpi = self.start_jpi()
        self.pagerduty.add_v2_extension(f"{self.app_url}/pagerduty-webhook", PAGERDUTY_V2_TOKEN)

    @contextmanager
    def lose_webhooks(self) -> Iterator[None]:
        """Lose the webhooks of both services while inside."""
        outboxes = (self.pagerduty.outbox, self.jira.outbox)
        for outbox in outboxes:
            outbox.is_losing = True
        yield
        for outbox in outboxes:
            outbox.is_losing = False

    def stop(self) -> None:
        """Stop the servers."""
        self.host.stop()
