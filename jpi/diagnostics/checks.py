"""What can be wrong with a jpi, its site, its account and its deployment: each check says nothing, or what is wrong."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from jpi import aws, settings, wiring
from jpi.diagnostics import sync_file_checks
from jpi.domain.issue_drafts import MANAGER, QUESTION, STAKEHOLDER, TIMELINE
from jpi.domain.model import Webhook
from jpi.errors import JpiError
from jpi.jira import webhooks as jira_webhooks
from jpi.pagerduty import webhooks as pagerduty_webhooks
from jpi.status_page.health import POLLS

NEEDED = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "LINK_ISSUES", "ADD_COMMENTS",
          "ASSIGN_ISSUES")
CLOCK_SECONDS = 60.0
SET_UP = "python -m jpi.tools.jira_configuration makes it"

# Jira's tokens die after a year at most.
OLD_DAYS = 335

Check = Callable[[wiring.Jpi], Iterator[str]]
Here = Callable[[], str]


class Told(str):
    """Nothing wrong, and worth saying."""


class NotLookedAt(JpiError):
    """Cannot be looked at from here, which is no fault; the text says why."""


def endpoint(stage: str) -> str:
    """What `sls deploy` named for this stage, as CloudFormation knows it; empty where that cannot be asked."""
    there = aws.client("cloudformation", aws.Place(aws.region()), aws.QUICK)
    try:
        outputs = there.describe_stacks(StackName=f"jpi-{stage}")["Stacks"][0].get("Outputs", ())
    except aws.FAILURES:
        return ""
    return next((str(one["OutputValue"]) for one in outputs if one["OutputKey"] == "ServiceEndpoint"), "")


def anywhere() -> str:
    """No address: a webhook to any jpi will do."""
    return ""


def jira_token(there: wiring.Jpi) -> Iterator[str]:
    """Whether Jira takes the token; a refusal is told as it comes. And how old it is, where that can be told."""
    if not there.jira.signed_in():
        yield "Jira does not say whose token it is"
    for days in _age(there, "JIRA_API_TOKEN"):
        yield f"JIRA_API_TOKEN was stored {days} days ago: make a new one before it dies" if days > OLD_DAYS else Told(
            f"stored {days} days ago; it dies after a year at most")


def clock(there: wiring.Jpi) -> Iterator[str]:
    """Whether this machine's clock is Jira's: events are ordered by both."""
    apart = abs(there.clock() - there.jira.server_time().timestamp())
    if apart > CLOCK_SECONDS:
        yield f"this machine's clock and Jira's are {apart:.0f} s apart: set the clock"


def permissions(there: wiring.Jpi) -> Iterator[str]:
    """Whether jpi's account may do in each project what it has to."""
    for project in there.settings.projects:
        lacking = there.jira.lacks_permissions(NEEDED, project)
        if lacking:
            yield f"{there.settings.jira_user_email} lacks in {project}: {', '.join(lacking)}"


def site(there: wiring.Jpi) -> Iterator[str]:
    """Projects, types, fields, what screens demand, statuses, priorities, and PagerDuty's services."""
    yield from sync_file_checks.missing(there)


def link_types(there: wiring.Jpi) -> Iterator[str]:
    """The link types that the projects in use need."""
    chosen = there.settings
    wanted = {STAKEHOLDER: bool(chosen.jira_issue_stakeholders), QUESTION: chosen.question_project_key,
              MANAGER: chosen.person_project_key, TIMELINE: chosen.timeline_project_key}
    known = there.jira.setup.link_types()
    for name in [one for one, used in wanted.items() if used and one not in known]:
        yield f"Jira has no link type '{name}': {SET_UP}"


def jira_webhook(here: Here, there: wiring.Jpi) -> Iterator[str]:
    """Whether Jira tells the jpi of this address; where that is empty, any jpi."""
    if not there.settings.jira_webhook_secret:
        yield "JIRA_WEBHOOK_SECRET is not set: deployed, every delivery of Jira's is refused"
    yield from _hooks("Jira", here(), there.jira.hooks.all(), frozenset(jira_webhooks.KINDS))


def pagerduty_token(there: wiring.Jpi) -> Iterator[str]:
    """Whether PagerDuty takes the token, and knows whom we write as."""
    if there.pagerduty.own_id() is None:
        yield f"PagerDuty has no user {there.settings.pagerduty_user_email} (PAGERDUTY_USER_EMAIL): writes are refused"
    yield from (Told(f"stored {days} days ago") for days in _age(there, "PAGERDUTY_API_TOKEN"))


def priorities(there: wiring.Jpi) -> Iterator[str]:
    """Whether priorities are enabled."""
    if not there.pagerduty.priority_names():
        yield "PagerDuty's incident priorities are not enabled: no incident ever is a P1 (Account Settings)"


def pagerduty_webhook(here: Here, there: wiring.Jpi) -> Iterator[str]:
    """Whether PagerDuty tells the jpi of this address; where that is empty, any jpi."""
    if not there.settings.pagerduty_webhook_secret:
        yield "PAGERDUTY_WEBHOOK_SECRET is not set: deployed, every delivery of PagerDuty's is refused"
    found = [one for one in there.pagerduty.subscriptions.all() if one.active]
    yield from _hooks("PagerDuty", here(), found, frozenset(pagerduty_webhooks.V3))


def tables(there: wiring.Jpi) -> Iterator[str]:
    """Whether the three tables are there."""
    for name in there.stores.find_missing_tables():
        yield f"there is no table {name}: `sls deploy` makes it"


def queue(there: wiring.Jpi) -> Iterator[str]:
    """Whether the queue is there, and nothing is parked in its dead-letter queue."""
    if there.queue is None:
        if there.settings.is_offline:
            return
        raise NotLookedAt(f"EVENTS_QUEUE is not set here; a deployed jpi's is jpi-events-{there.settings.stage}.fifo")
    parked = there.queue.parked_count()
    if parked:
        yield f"{parked} events are parked: python -m jpi.tools.replay says why"


def last_poll(there: wiring.Jpi) -> Iterator[str]:
    """Whether the poll runs."""
    position = there.cursor.load()
    if position is None:
        yield "no poll has ever run: is the function log_entries deployed and scheduled?"
        return
    late = datetime.fromtimestamp(there.clock(), UTC) - position.until
    if late > timedelta(seconds=POLLS * there.settings.poll_seconds):
        yield f"the last poll got as far as {position.until:%Y-%m-%d %H:%M} UTC: see the log of log_entries"


def _age(there: wiring.Jpi, name: str) -> Iterator[int]:
    stored = settings.stored(name)
    if stored:
        yield (datetime.fromtimestamp(there.clock(), UTC) - stored).days


def _hooks(service: str, here: str, all_: Iterable[Webhook], events: frozenset[str]) -> Iterator[str]:
    ours = [one for one in all_ if one.url.endswith(f"/{service.lower()}-webhook")]
    found = [one for one in ours if one.url.startswith(f"{here}/")] if here else ours
    if not found:
        others = f" (there is one to {', '.join(one.url for one in ours)})" if ours else ""
        yield (f"{service} has no webhook that points to {here or 'a jpi'}{others}: "
               "python -m jpi.tools.webhook_configuration makes it")
    for one in found:
        lacking = events - one.events
        if not one.on:
            yield f"{service}'s webhook to {one.url} is switched off: webhook_configuration --enable"
        if lacking:
            yield f"{service}'s webhook to {one.url} does not tell of {', '.join(sorted(lacking))}"
        if not one.signed:
            yield f"{service}'s webhook to {one.url} has no secret: its deliveries are refused"


def groups(here: Here) -> dict[str, dict[str, Check]]:
    """All checks; the groups side by side, each in its order: what is asked of one service. `here`: jpi's address."""
    return {
        "Jira": {"token": jira_token, "clock": clock, "permissions": permissions, "site": site,
                 "link types": link_types, "webhook": partial(jira_webhook, here)},
        "PagerDuty": {"token": pagerduty_token, "priorities": priorities,
                      "webhook": partial(pagerduty_webhook, here)},
        "AWS": {"tables": tables, "queue": queue, "poll": last_poll},
    }
