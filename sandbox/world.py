"""Both simulated services, DynamoDB, SQS and jpi itself, wired together, in this process or on loopback."""

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
from sandbox.aws.functions import EventsFunction
from sandbox.aws.queues import make_queue
from sandbox.cast import ADMIN, BOT_EMAIL, KEY, PERSON, TOKEN, SetUp, copy_cast
from sandbox.clock import Clock
from sandbox.jira.effects import move
from sandbox.jira.model import Issue
from sandbox.jira.server import JiraServer
from sandbox.pagerduty.model import Incident
from sandbox.pagerduty.server import PagerDutyServer
from sandbox.places import Place
from sandbox.site import Account, add_webhooks, make_issue, set_up_jira
from sandbox.web import Call, Simulation
from sandbox.webhooks import post

JIRA_SECRET = "a secret of the sandbox's"

# In the order in which rows name them.
SHORT = {"Question": "questions", "Stakeholder": "stakeholders", "Incident Manager": "manager", "Timeline": "timeline"}


def is_jpis(call: Call) -> bool:
    """Whether jpi made this call, by its token."""
    return call.token in (TOKEN, KEY)


@cache
def example_settings() -> Mapping[str, str]:
    """Return what `.env.example` proposes."""
    return {name: value or "" for name, value in dotenv_values(".env.example").items()}


class World:
    """Everything running, the site set up, webhooks on, with a queue (`queued`) or in process. `stop` it when done.

    `jira` and `pagerduty` are the services' states, `jira_server` and `pagerduty_server` what serves them; the people
    are `sandbox.cast.Cast`'s.
    """

    def __init__(self, place: Place, clock: Clock | None = None, sleep: Callable[[float], None] | None = None,
                 ports: tuple[int, int, int] = (0, 0, 0), queued: bool = False, set_up: SetUp = set_up_jira,
                 **changes: str) -> None:
        self.place = place
        self.clock = clock or Clock()
        self.events: EventsFunction | None = None
        self._sleep = sleep or self.clock.advance
        self.cast = cast = copy_cast(self.clock, set_up)
        self.pagerduty, self.jira = cast.pagerduty, cast.jira
        self.pagerduty_server, self.jira_server = PagerDutyServer(cast.pagerduty), JiraServer(cast.jira)
        self.servers: tuple[Simulation, ...] = (self.pagerduty_server, self.jira_server)
        for server in self.servers:
            server.wait = self._sleep
        place.follow(self.clock)
        self.pagerduty_url = place.serve("pagerduty", self.pagerduty_server, ports[0])
        self.jira_url = place.serve("jira", self.jira_server, ports[1])
        self.app_url = place.serve("jpi", app, ports[2])
        self._people(place.session())
        self.environ = self._environ(place, self._add_webhooks(), changes)
        place.make_tables(settings.load(self.environ))
        if queued:
            self.events = self._queue(place.sqs())
        self.forget_calls()

    def _people(self, session: requests.Session | None) -> None:
        cast = self.cast
        self.rita, self.oscar, self.service = cast.rita, cast.oscar, cast.service
        self.jim_on_pagerduty, self.pagerduty_bot = cast.jim_on_pagerduty, cast.pagerduty_bot
        self.admin_id, self.bot_id, self.jim_id = cast.admin_id, cast.bot_id, cast.jim_id
        self.rita_id, self.oscar_id, self.stakeholders = cast.rita_id, cast.oscar_id, cast.stakeholders
        self.admin = Account(self.jira_url, ADMIN, session=session)
        self.jim = Account(self.jira_url, PERSON, session=session)
        self.owner = Account(self.pagerduty_url, headers={"Authorization": f"Token token={KEY}"}, session=session)
        self.bot_account = Account(self.jira_url, (BOT_EMAIL, TOKEN), session=session)
        for outbox in (self.pagerduty.outbox, self.jira.outbox):
            outbox.post = partial(post, session=session)

    def _add_webhooks(self) -> str:
        return add_webhooks(self.admin, self.owner, self.app_url, JIRA_SECRET)

    def _environ(self, place: Place, secret: str, changes: Mapping[str, str]) -> dict[str, str]:
        return {
            **example_settings(), "STAGE": uuid.uuid4().hex[:8], "IS_OFFLINE": "True",
            "DATABASE_ENDPOINT_URL": place.database_url,
            "JIRA_SERVER_URL": self.jira_url, "JIRA_USER_EMAIL": BOT_EMAIL, "JIRA_API_TOKEN": TOKEN,
            "JIRA_WEBHOOK_SECRET": JIRA_SECRET, "JIRA_ISSUE_STAKEHOLDERS": ",".join(self.stakeholders),
            "PAGERDUTY_API_URL": self.pagerduty_url, "PAGERDUTY_API_TOKEN": KEY,
            "PAGERDUTY_USER_EMAIL": BOT_EMAIL, "PAGERDUTY_WEBHOOK_SECRET": secret, **changes,
        }

    def _queue(self, sqs: Any) -> EventsFunction:
        url, self.parked = make_queue(sqs, f"events-{self.environ['STAGE']}")
        self.environ["EVENTS_QUEUE"] = url
        return EventsFunction(sqs, url, self.clock)

    def export(self) -> None:
        """Make these the settings of this process."""
        os.environ.update(self.environ)

    def tables(self) -> list[Any]:
        """The three tables, bound."""
        there = wiring.tables(settings.load(self.environ))
        return [there.links, there.ledger, there.config]

    def outside(self) -> wiring.Outside:
        """What jpi reaches the outside through."""
        return self.place.outside(self.clock, self._sleep)

    def start_jpi(self) -> wiring.Jpi:
        """A jpi as a fresh process has it."""
        return wiring.build(settings.load(self.environ), self.outside())

    def settle(self) -> None:
        """Deliver every webhook that is due, and have every message applied, until there is none."""
        while self.pagerduty.outbox.pump() + self.jira.outbox.pump() + self.work():
            pass

    def work(self) -> int:
        """Have the queue's messages applied, one batch; how many were."""
        return self.events.pump() if self.events else 0

    def forget_calls(self) -> None:
        """Count API calls from here on."""
        for server in self.servers:
            server.calls.clear()

    def calls(self) -> list[Call]:
        """The API calls that jpi made since they were last forgotten."""
        made = [call for server in self.servers for call in server.calls if is_jpis(call)]
        return sorted(made, key=lambda call: call.number)

    def issues(self, project: str = "INCIDENT") -> list[Issue]:
        """The issues of a project, oldest first."""
        found = [issue for issue in self.jira.issues.values() if issue.project == project and not issue.deleted]
        return sorted(found, key=lambda issue: int(issue.id))

    def issue_of(self, incident: Incident) -> Issue | None:
        """The one issue that carries the incident's label; an error where there are two."""
        found = [issue for issue in self.issues() if f"pagerduty-{incident.id}" in issue.labels]
        if len(found) > 1:
            raise AssertionError(f"{len(found)} issues of {incident.title}: {[issue.key for issue in found]}")
        return found[0] if found else None

    def category(self, issue: Issue) -> str:
        """The category of the issue's status."""
        return self.jira.statuses[issue.status].category

    def linked(self, issue: Issue, link_type: str) -> list[str]:
        """The summaries of the issues that the issue *has* by this type of link, in alphabetical order."""
        return sorted(self.jira.issues[link.target].summary for link in issue.links
                      if link.type == link_type and link.source == issue.key)

    def seen(self) -> dict[str, tuple[str, str | None]]:
        """What both services show: (incident's status, category of its issue's status) by title."""
        there = {one: self.issue_of(one) for one in self.pagerduty.incidents.values()}
        return {one.title: (one.status, self.category(issue) if issue else None) for one, issue in there.items()}

    def move(self, issue: Issue, category: str) -> None:
        """Jim moves the issue into a status of this category."""
        path = f"/rest/api/3/issue/{issue.key}/transitions"
        leading = [one["id"] for one in self.jim("GET", path)["transitions"]
                   if one["to"]["statusCategory"]["key"] == category]
        self.jim("POST", path, {"transition": {"id": leading[0]}})

    def move_to_project(self, issue: Issue, project: str) -> None:
        """Jim moves the issue into another project."""
        move(self.jira, self.jira.users[self.jim_id], issue, project)

    def rows(self) -> list[tuple[str, ...]]:
        """A line an incident: title, priority, status; its issue's key, priority, status, what is linked."""
        return [self._row(incident, self.issue_of(incident)) for incident in self.pagerduty.incidents.values()]

    def _row(self, incident: Incident, issue: Issue | None) -> tuple[str, ...]:
        name = incident.priority.name if incident.priority else "-"
        if issue is None:
            return (incident.title, name, incident.status, "none", "", "", "")
        counts = {kind: len(self.linked(issue, kind)) for kind in SHORT}
        links = ", ".join(f"{count} {SHORT[kind]}" for kind, count in counts.items() if count)
        return (incident.title, name, incident.status, issue.key, issue.priority, issue.status, links)

    def make_person(self, name: str) -> str:
        """Another issue in the PERSON project; its key."""
        return make_issue(self.admin, "PERSON", name)

    def use_v2_webhooks(self) -> None:
        """A generic V2 webhook in place of the V3 subscription."""
        self.pagerduty.hooks.all.clear()
        secret = self.environ["PAGERDUTY_WEBHOOK_SECRET"]
        self.pagerduty.add_v2_extension(f"{self.app_url}/pagerduty-webhook", secret)

    @contextmanager
    def losing_webhooks(self) -> Iterator[None]:
        """While in it, webhooks of both services get lost."""
        outboxes = (self.pagerduty.outbox, self.jira.outbox)
        for outbox in outboxes:
            outbox.losing = True
        yield
        for outbox in outboxes:
            outbox.losing = False

    def stop(self) -> None:
        """Stop what was started here."""
        self.place.stop()
