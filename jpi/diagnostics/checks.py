"""What can be wrong with a jpi, its site, its account and its deployment: each check says nothing, or what is wrong."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from jpi import aws, settings, wiring
from jpi.diagnostics import sync_file_checks
from jpi.diagnostics.poll_age import is_poll_late
from jpi.domain.issue_drafts import MANAGER_LINK_TYPE, QUESTION_LINK_TYPE, STAKEHOLDER_LINK_TYPE, TIMELINE_LINK_TYPE
from jpi.domain.model import Webhook
from jpi.errors import JpiError
from jpi.jira import webhooks as jira_webhooks
from jpi.pagerduty import webhooks as pagerduty_webhooks

NEEDED_PERMISSIONS = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "LINK_ISSUES",
                      "ADD_COMMENTS", "ASSIGN_ISSUES")
MAX_CLOCK_SKEW_SECONDS = 60.0
SETUP_HINT = "python -m jpi.tools.jira_configuration makes it"

# Jira's tokens die after a year at most.
OLD_TOKEN_DAYS = 335

Check = Callable[[wiring.App], Iterator[str]]
EndpointFinder = Callable[[], str]


class Remark(str):
    """Nothing wrong, and worth saying."""


class CheckSkipped(JpiError):
    """Cannot be looked at from here, which is no fault; the text says why."""


def find_endpoint(stage: str) -> str:
    """What `sls deploy` named for this stage, as CloudFormation knows it; empty where that cannot be asked."""
    there = aws.make_client("cloudformation", aws.Location(aws.get_region()), aws.QUICK_CONFIG)
    try:
        outputs = there.describe_stacks(StackName=f"jpi-{stage}")["Stacks"][0].get("Outputs", ())
    except aws.CALL_ERRORS:
        return ""
    return next((str(one["OutputValue"]) for one in outputs if one["OutputKey"] == "ServiceEndpoint"), "")


def accept_any_endpoint() -> str:
    """No address: a webhook to any jpi will do."""
    return ""


def check_jira_token(app: wiring.App) -> Iterator[str]:
    """Whether Jira takes the token; a refusal is told as it comes. And how old it is, where that can be told."""
    if not app.jira.fetch_own_id():
        yield "Jira does not say whose token it is"
    for days in _read_token_age_days(app, "JIRA_API_TOKEN"):
        yield (f"JIRA_API_TOKEN was stored {days} days ago: make a new one before it dies" if days > OLD_TOKEN_DAYS
               else Remark(f"stored {days} days ago; it dies after a year at most"))


def check_clock(app: wiring.App) -> Iterator[str]:
    """Whether this machine's clock is Jira's: events are ordered by both."""
    apart = abs(app.clock() - app.jira.get_server_time().timestamp())
    if apart > MAX_CLOCK_SKEW_SECONDS:
        yield f"this machine's clock and Jira's are {apart:.0f} s apart: set the clock"


def check_permissions(app: wiring.App) -> Iterator[str]:
    """Whether jpi's account may do in each project what it has to."""
    for project in app.settings.project_keys:
        lacking = app.jira.find_missing_permissions(NEEDED_PERMISSIONS, project)
        if lacking:
            yield f"{app.settings.jira_user_email} lacks in {project}: {', '.join(lacking)}"


def check_site(app: wiring.App) -> Iterator[str]:
    """Projects, types, fields, what screens demand, statuses, priorities, and PagerDuty's services."""
    yield from sync_file_checks.find_missing(app)


def check_link_types(app: wiring.App) -> Iterator[str]:
    """The link types that the projects in use need."""
    chosen = app.settings
    wanted = {STAKEHOLDER_LINK_TYPE: bool(chosen.jira_issue_stakeholders),
              QUESTION_LINK_TYPE: chosen.question_project_key, MANAGER_LINK_TYPE: chosen.person_project_key,
              TIMELINE_LINK_TYPE: chosen.timeline_project_key}
    known = app.jira.admin.get_link_type_names()
    for name in [one for one, used in wanted.items() if used and one not in known]:
        yield f"Jira has no link type '{name}': {SETUP_HINT}"


def check_jira_webhook(get_endpoint: EndpointFinder, app: wiring.App) -> Iterator[str]:
    """Whether Jira tells the jpi of this address; where that is empty, any jpi."""
    if not app.settings.jira_webhook_secret:
        yield "JIRA_WEBHOOK_SECRET is not set: deployed, every delivery of Jira's is refused"
    yield from _check_webhooks("Jira", get_endpoint(), app.jira.admin_webhooks.list_all(),
                               frozenset(jira_webhooks.EVENT_PARSERS))


def check_pagerduty_token(app: wiring.App) -> Iterator[str]:
    """Whether PagerDuty takes the token, and knows whom we write as."""
    if app.pagerduty.find_own_id() is None:
        yield f"PagerDuty has no user {app.settings.pagerduty_user_email} (PAGERDUTY_USER_EMAIL): writes are refused"
    yield from (Remark(f"stored {days} days ago") for days in _read_token_age_days(app, "PAGERDUTY_API_TOKEN"))


def check_priorities(app: wiring.App) -> Iterator[str]:
    """Whether priorities are enabled."""
    if not app.pagerduty.get_priority_names():
        yield "PagerDuty's incident priorities are not enabled: no incident ever is a P1 (Account Settings)"


def check_pagerduty_webhook(get_endpoint: EndpointFinder, app: wiring.App) -> Iterator[str]:
    """Whether PagerDuty tells the jpi of this address; where that is empty, any jpi."""
    if not app.settings.pagerduty_webhook_secret:
        yield "PAGERDUTY_WEBHOOK_SECRET is not set: deployed, every delivery of PagerDuty's is refused"
    found = [one for one in app.pagerduty.subscriptions.list_all() if one.is_active]
    yield from _check_webhooks("PagerDuty", get_endpoint(), found, frozenset(pagerduty_webhooks.V3_EVENT_TYPES))


def check_tables(app: wiring.App) -> Iterator[str]:
    """Whether the three tables are there."""
    for name in app.stores.find_missing_tables():
        yield f"there is no table {name}: `sls deploy` makes it"


def check_queue(app: wiring.App) -> Iterator[str]:
    """Whether the queue is there, and nothing is parked in its dead-letter queue."""
    if app.queue is None:
        if app.settings.is_offline:
            return
        raise CheckSkipped(f"EVENTS_QUEUE is not set here; a deployed jpi's is jpi-events-{app.settings.stage}.fifo")
    parked = app.queue.count_dead_letters()
    if parked:
        yield f"{parked} events are parked: python -m jpi.tools.replay says why"


def check_last_poll(app: wiring.App) -> Iterator[str]:
    """Check that the poll runs and keeps up with PagerDuty's log entries."""
    position = app.cursor.load()
    if position is None:
        yield "no poll has ever run: is the function log_entries deployed and scheduled?"
    elif is_poll_late(position.read_until.timestamp(), app.clock(), app.settings.poll_interval_seconds,
                      is_deployed=True):
        yield f"the poll has read log entries only up to {position.read_until:%Y-%m-%d %H:%M} UTC: see its log"


def _read_token_age_days(app: wiring.App, setting_name: str) -> Iterator[int]:
    stored = settings.get_secret_stored_at(setting_name)
    if stored:
        yield (datetime.fromtimestamp(app.clock(), UTC) - stored).days


def _check_webhooks(service: str, endpoint: str, webhooks: Iterable[Webhook],
                    expected_events: frozenset[str]) -> Iterator[str]:
    ours = [one for one in webhooks if one.url.endswith(f"/{service.lower()}-webhook")]
    found = [one for one in ours if one.url.startswith(f"{endpoint}/")] if endpoint else ours
    if not found:
        others = f" (there is one to {', '.join(one.url for one in ours)})" if ours else ""
        yield (f"{service} has no webhook that points to {endpoint or 'a jpi'}{others}: "
               "python -m jpi.tools.webhook_configuration makes it")
    for one in found:
        lacking = expected_events - one.event_types
        if not one.is_delivering:
            yield f"{service}'s webhook to {one.url} is switched off: webhook_configuration --enable"
        if lacking:
            yield f"{service}'s webhook to {one.url} does not tell of {', '.join(sorted(lacking))}"
        if not one.is_signed:
            yield f"{service}'s webhook to {one.url} has no secret: its deliveries are refused"


def list_check_groups(get_endpoint: EndpointFinder) -> dict[str, dict[str, Check]]:
    """All checks; the groups side by side, each in its order: what is asked of one service. `here`: jpi's address."""
    return {"Jira": {"token": check_jira_token, "clock": check_clock, "permissions": check_permissions,
                     "site": check_site, "link types": check_link_types,
                     "webhook": partial(check_jira_webhook, get_endpoint)},
            "PagerDuty": {"token": check_pagerduty_token, "priorities": check_priorities,
                          "webhook": partial(check_pagerduty_webhook, get_endpoint)},
            "AWS": {"tables": check_tables, "queue": check_queue, "poll": check_last_poll}}
