"""Both services set up for jpi, with the people who work on them: made once a process, then copied."""

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
from sandbox.site import Account, make_issue, set_up_jira
from sandbox.transport import session_to

BOT_EMAIL = "jpi-bot@example.com"
ADMIN = ("admin@example.com", "admin-token")
PERSON = ("jim@example.com", "jim-token")
TOKEN, KEY = "jira-token-of-the-bot", "pagerduty-key"
# A site is older than its first incident: its search index has long caught up with its set-up.
SITE_AGE = timedelta(days=30)
SetUp = Callable[[Account, str, Sequence[str]], None]


@dataclass
class Cast:
    """Rita responds and Oscar is on call on PagerDuty; Jim works on Jira; the bot is jpi's account on both."""

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

    def follow(self, clock: Clock) -> None:
        """Have both services go by this clock."""
        for holder in (self.pagerduty, self.jira, self.pagerduty.outbox, self.jira.outbox):
            holder.clock = clock


def copy_cast(clock: Clock, set_up: SetUp = set_up_jira) -> Cast:
    """Return a copy of both services as `set_up` leaves them, going by this clock."""
    cast: Cast = pickle.loads(_pickled_cast(set_up))
    cast.follow(clock)
    return cast


@cache
def _pickled_cast(set_up: SetUp) -> bytes:
    return pickle.dumps(make_cast(set_up))


def make_cast(set_up: SetUp) -> Cast:
    """Add the people, and set the site up over its own API."""
    clock = Clock(START - SITE_AGE)
    pagerduty, jira = PagerDutyState(clock, KEY), JiraState(clock)
    rita, oscar, jim, bot = (pagerduty.add_user(*person) for person in (
        ("Rita Responder", "rita@example.com"), ("Oscar Oncall", "oscar@example.com"), ("Jim Jira", PERSON[0]),
        ("jpi bot", BOT_EMAIL)))
    admin_id, bot_id, rita_id, oscar_id, jim_id = (jira.add_user(*account) for account in (
        (*ADMIN, "Ada Admin"), (BOT_EMAIL, TOKEN, "jpi bot"), ("rita@example.com", "rita-token", "Rita Responder"),
        ("oscar@example.com", "oscar-token", "Oscar Oncall"), (*PERSON, "Jim Jira")))
    service = pagerduty.add_service("Checkout", on_call=oscar)
    url = "http://jira.localhost"
    admin = Account(url, ADMIN, session=session_to({url: JiraServer(jira)}, clock))
    set_up(admin, admin_id, ["Rita Responder", "Oscar Oncall"])
    stakeholders = [make_issue(admin, "PERSON", name) for name in ("Head of Support", "Press Office")]
    return Cast(pagerduty, jira, rita, oscar, jim, bot, service, admin_id, bot_id, rita_id, oscar_id, jim_id,
                stakeholders)
