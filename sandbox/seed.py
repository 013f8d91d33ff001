"""Both services set up for jpi, with the people who use them: made once per process, then copied."""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from sandbox.clock import START, Clock
from sandbox.jira.server import JiraServer
from sandbox.jira.state import JiraState
from sandbox.pagerduty.model import Service, User
from sandbox.pagerduty.state import PagerDutyState
from sandbox.site_setup import ApiUser, make_issue, set_up_jira
from sandbox.wsgi_transport import make_wsgi_session

BOT_EMAIL = "jpi-bot@example.com"
JIRA_ADMIN_LOGIN = ("admin@example.com", "admin-token-at-jira")
JIM_LOGIN = ("jim@example.com", "jim-token-at-jira")
JIRA_BOT_TOKEN, PAGERDUTY_KEY = "jira-token-of-the-bot", "pagerduty-key-of-jpi"
# A site is older than its first incident: its search index shows all of its set-up.
SITE_AGE = timedelta(days=30)
JiraSetUp = Callable[[ApiUser, str, Sequence[str]], None]


@dataclass
class SeededServices:
    """Both services with their people: Rita responds, Oscar is on call, Jim works on Jira, the bot is jpi."""

    pagerduty: PagerDutyState
    jira: JiraState
    rita: User
    oscar: User
    jim_on_pagerduty: User
    pagerduty_bot: User
    service: Service
    admin_id: str
    bot_id: str
    rita_id: str
    oscar_id: str
    jim_id: str
    stakeholders: list[str]

    def use_clock(self, clock: Clock) -> None:
        """Make both services follow this clock."""
        for holder in (self.pagerduty, self.jira, self.pagerduty.outbox, self.jira.outbox):
            holder.clock = clock


def copy_seeded_services(clock: Clock, set_up: JiraSetUp = set_up_jira) -> SeededServices:
    """Return a copy of both services as `set_up` leaves them, with this clock."""
    seeded: SeededServices = pickle.loads(_pickle_seeded_services(set_up))
    seeded.use_clock(clock)
    return seeded


@cache
def _pickle_seeded_services(set_up: JiraSetUp) -> bytes:
    return pickle.dumps(seed_services(set_up))


def seed_services(set_up: JiraSetUp) -> SeededServices:
    """Add the people, and set up the site over its own API."""
    clock = Clock(START - SITE_AGE)
    pagerduty, jira = PagerDutyState(clock, PAGERDUTY_KEY), JiraState(clock)
    rita, oscar, jim, bot = (pagerduty.add_user(*person) for person in (
        ("Rita Responder", "rita@example.com"), ("Oscar Oncall", "oscar@example.com"), ("Jim Jira", JIM_LOGIN[0]),
        ("jpi bot", BOT_EMAIL)))
    admin_id, bot_id, rita_id, oscar_id, jim_id = (
        jira.add_user(*account)
        for account in (
            (*JIRA_ADMIN_LOGIN, "Ada Admin"),
            (BOT_EMAIL, JIRA_BOT_TOKEN, "jpi bot"),
            ("rita@example.com", "rita-token", "Rita Responder"),
            ("oscar@example.com", "oscar-token", "Oscar Oncall"),
            (*JIM_LOGIN, "Jim Jira"),
        )
    )
    service = pagerduty.add_service("Checkout", on_call=oscar)
    url = "http://jira.localhost"
    admin = ApiUser(url, JIRA_ADMIN_LOGIN, session=make_wsgi_session({url: JiraServer(jira)}, clock))
    set_up(admin, admin_id, ["Rita Responder", "Oscar Oncall"])
    stakeholders = [make_issue(admin, "PERSON", name) for name in ("Head of Support", "Press Office")]
    return SeededServices(pagerduty, jira, rita, oscar, jim, bot, service, admin_id, bot_id, rita_id, oscar_id, jim_id,
                          stakeholders)
