"""Both simulated services, embedded DynamoDB and SQS, and jpi itself, wired together on loopback."""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dotenv import dotenv_values

from jpi import settings, wiring
from jpi.app import app
from jpi.tools.create_tables import create
from sandbox.aws.functions import EventsFunction
from sandbox.aws.moto_server import Aws
from sandbox.aws.queues import make_queue
from sandbox.clock import Clock, RunningClock
from sandbox.jira.effects import move
from sandbox.jira.model import Issue
from sandbox.jira.server import Jira
from sandbox.pagerduty.server import Incident, PagerDuty
from sandbox.site import Account, add_webhooks, make_issue, set_up_jira
from sandbox.web import Call, Server

BOT_EMAIL = "jpi-bot@example.com"
ADMIN = ("admin@example.com", "admin-token")
PERSON = ("jim@example.com", "jim-token")
JIRA_SECRET = "a secret of the sandbox's"
TOKEN, KEY = "jira-token-of-the-bot", "pagerduty-key"

# In the order in which rows name them.
SHORT = {"Question": "questions", "Stakeholder": "stakeholders", "Incident Manager": "manager", "Timeline": "timeline"}


def is_jpis(call: Call) -> bool:
    """Whether jpi made this call, by its token."""
    return call.token in (TOKEN, KEY)


class World:
    """Everything running, the site set up, webhooks on, with a queue (`queued`) or in process. `stop` it when done.

    Rita responds and Oscar is on call on PagerDuty; Jim works on Jira; the bot is jpi's account on both.
    """

    def __init__(self, aws: Aws, clock: Clock | None = None, sleep: Callable[[float], None] | None = None,
                 ports: tuple[int, int, int] = (0, 0, 0), queued: bool = False, **changes: str) -> None:
        self.clock = clock or RunningClock()
        self.events: EventsFunction | None = None
        self._sleep = sleep or self.clock.advance
        self.pagerduty = PagerDuty(self.clock, key=KEY)
        self.jira = Jira(self.clock)
        pagerduty_port, jira_port, app_port = ports
        self.servers = [Server(self.pagerduty, pagerduty_port), Server(self.jira, jira_port), Server(app, app_port)]
        self.pagerduty_url, self.jira_url, self.app_url = (server.url for server in self.servers)
        self._add_people()
        secret = self._set_up()
        self.environ = self._environ(aws, secret, changes)
        aws.follow(self.clock)
        if queued:
            self.events = self._queue(aws.sqs())
        for model in self.tables():
            create(model)
        self.forget_calls()

    def _add_people(self) -> None:
        self.rita = self.pagerduty.add_user("Rita Responder", "rita@example.com")
        self.oscar = self.pagerduty.add_user("Oscar Oncall", "oscar@example.com")
        self.jim_on_pagerduty = self.pagerduty.add_user("Jim Jira", PERSON[0])
        self.pagerduty_bot = self.pagerduty.add_user("jpi bot", BOT_EMAIL)
        self.service = self.pagerduty.add_service("Checkout", on_call=self.oscar)
        self.admin_id = self.jira.add_user(*ADMIN, "Ada Admin")
        self.bot_id = self.jira.add_user(BOT_EMAIL, TOKEN, "jpi bot")
        self.rita_id = self.jira.add_user("rita@example.com", "rita-token", "Rita Responder")
        self.oscar_id = self.jira.add_user("oscar@example.com", "oscar-token", "Oscar Oncall")
        self.jim_id = self.jira.add_user(*PERSON, "Jim Jira")
        self.admin = Account(self.jira_url, ADMIN)
        self.jim = Account(self.jira_url, PERSON)

    def _set_up(self) -> str:
        # A site is older than its first incident: its search index has long caught up with these.
        lag, self.jira.index_lag = self.jira.index_lag, 0.0
        set_up_jira(self.admin, self.admin_id, ["Rita Responder", "Oscar Oncall"])
        self.stakeholders = [make_issue(self.admin, "PERSON", name) for name in ("Head of Support", "Press Office")]
        self.jira.index_lag = lag
        owner = Account(self.pagerduty_url, headers={"Authorization": f"Token token={KEY}"})
        secret = add_webhooks(self.admin, owner, self.app_url, JIRA_SECRET)
        self.settle()
        return secret

    def _environ(self, aws: Aws, secret: str, changes: Mapping[str, str]) -> dict[str, str]:
        example = {name: value or "" for name, value in dotenv_values(".env.example").items()}
        return {
            **example, "STAGE": uuid.uuid4().hex[:8], "IS_OFFLINE": "True", "DATABASE_ENDPOINT_URL": aws.url,
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

    def start_jpi(self) -> wiring.Jpi:
        """A jpi as a fresh process has it."""
        return wiring.build(settings.load(self.environ), self.clock, self._sleep)

    def settle(self) -> None:
        """Deliver every webhook that is due, and have every message applied, until there is none."""
        while self.pagerduty.outbox.pump() + self.jira.outbox.pump() + self.work():
            pass

    def work(self) -> int:
        """Have the queue's messages applied, one batch; how many were."""
        return self.events.pump() if self.events else 0

    def forget_calls(self) -> None:
        """Count API calls from here on."""
        self.pagerduty.calls.clear()
        self.jira.calls.clear()

    def calls(self) -> list[Call]:
        """The API calls that jpi made since they were last forgotten."""
        made = [call for call in [*self.pagerduty.calls, *self.jira.calls] if is_jpis(call)]
        return sorted(made, key=lambda call: call.started)

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

    def bot_account(self) -> Account:
        """jpi's own account on Jira, for somebody who works with it by hand."""
        return Account(self.jira_url, (BOT_EMAIL, TOKEN))

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
        """Stop the servers that were started here."""
        for server in self.servers:
            server.stop()
