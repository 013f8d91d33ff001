"""Checks jpi's site, account and deployment. A check yields a message for each problem, and nothing if all is well."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from jpi import aws, env_files, settings, wiring
from jpi.diagnostics import sync_file_checks
from jpi.diagnostics.poll_state import is_poll_late
from jpi.diagnostics.token_checks import FOREIGN_TEXT, INVALID_TEXT, NO_SERVICE_TEXT, describe_jira_doubt
from jpi.domain.backlog import describe_step
from jpi.domain.issue_drafts import MANAGER_LINK_TYPE, QUESTION_LINK_TYPE, STAKEHOLDER_LINK_TYPE, TIMELINE_LINK_TYPE
from jpi.domain.model import Webhook
from jpi.domain.templates import format_time
from jpi.errors import IdentityDoubt, JpiError, Refused
from jpi.jira import webhooks as jira_webhooks
from jpi.pagerduty import webhooks as pagerduty_webhooks

NEEDED_PERMISSIONS = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "LINK_ISSUES",
                      "ADD_COMMENTS", "EDIT_OWN_COMMENTS", "DELETE_OWN_COMMENTS", "ASSIGN_ISSUES")
MAX_CLOCK_SKEW_SECONDS = 60.0
SETUP_HINT = "jpi site creates it"

# Jira's tokens expire within a year.
OLD_TOKEN_DAYS = 335
MAX_LISTED_STEPS = 10

Check = Callable[[wiring.App], Iterator[str]]
EndpointFinder = Callable[[], str]


class Remark(str):
    """A message that is no problem."""


class Blocker(str):
    """A problem for which every other check of the same service would say the same."""


class CheckSkipped(JpiError):
    """The check cannot run here, which is no problem; the text says why."""


def find_endpoint(stage: str) -> str:
    """Read the endpoint of a stage from CloudFormation; return an empty text where that fails."""
    client = aws.make_client("cloudformation", aws.Location(aws.get_region()), aws.QUICK_CONFIG)
    try:
        outputs = client.describe_stacks(StackName=f"jpi-{stage}")["Stacks"][0].get("Outputs", ())
    except aws.CALL_ERRORS:
        return ""
    return next((str(output["OutputValue"]) for output in outputs if output["OutputKey"] == "ServiceEndpoint"), "")


def accept_any_endpoint() -> str:
    """Return no address, so that a webhook to any jpi passes."""
    return ""


def check_jira_token(app: wiring.App) -> Iterator[str]:
    """Check that Jira accepts the token, and how old it is, if that is known. A refusal is raised."""
    try:
        app.jira.fetch_own_id()
    except IdentityDoubt as doubt:
        yield Blocker(describe_jira_doubt(app, doubt))
    for days in _read_token_age_days(app, "JIRA_API_TOKEN"):
        yield (f"JIRA_API_TOKEN was stored {days} days ago: create a new one before it expires" if days > OLD_TOKEN_DAYS
               else Remark(f"stored {days} days ago; it expires within a year"))


def check_clock(app: wiring.App) -> Iterator[str]:
    """Check that this machine's clock and Jira's agree: both order the events."""
    skew = abs(app.clock() - app.jira.get_server_time().timestamp())
    if skew > MAX_CLOCK_SKEW_SECONDS:
        yield f"this machine's clock and Jira's differ by {skew:.0f} s: set the clock"


def check_permissions(app: wiring.App) -> Iterator[str]:
    """Check that jpi's account has the permissions it needs in each project."""
    for project in app.settings.project_keys:
        try:
            missing = app.jira.find_missing_permissions(NEEDED_PERMISSIONS, project)
        except Refused as refused:
            if not refused.is_not_found:
                raise
            yield f"Jira has no project {project}, or {app.settings.jira_user_email} may not see it"
            continue
        if missing:
            yield f"{app.settings.jira_user_email} lacks permissions in {project}: {', '.join(missing)}"


def check_site(app: wiring.App) -> Iterator[str]:
    """Check that everything the sync file names exists."""
    yield from sync_file_checks.find_missing(app)


def check_marks(app: wiring.App) -> Iterator[str]:
    """Remark by which mark the issues of each project are found again."""
    yield from map(Remark, sync_file_checks.describe_marks(app))


def check_link_types(app: wiring.App) -> Iterator[str]:
    """Check that the link types exist that the projects in use need."""
    needs = {STAKEHOLDER_LINK_TYPE: bool(app.settings.jira_issue_stakeholders),
             QUESTION_LINK_TYPE: app.settings.question_project_key,
             MANAGER_LINK_TYPE: app.settings.person_project_key, TIMELINE_LINK_TYPE: app.settings.timeline_project_key}
    link_types = app.jira.admin.get_link_type_names()
    for name in [name for name, is_needed in needs.items() if is_needed and name not in link_types]:
        yield f"Jira has no link type '{name}': {SETUP_HINT}"
    for name in app.jira.link_directions.get_reversed_types(needs):
        yield Remark(f"this site reads links of the type '{name}' the other way round on creation; jpi turns them")


def check_jira_webhook(get_endpoint: EndpointFinder, app: wiring.App) -> Iterator[str]:
    """Check Jira's webhook to this endpoint; where that is empty, its webhook to any jpi."""
    # The variable also where the poll is not given the secret itself: sls/env.js.
    if not (app.settings.jira_webhook_secret or env_files.get_variable("JIRA_WEBHOOK_SECRET")):
        yield "JIRA_WEBHOOK_SECRET is not set: a deployed jpi refuses every delivery from Jira"
    yield from _check_webhooks("Jira", get_endpoint(), app.jira.admin_webhooks.list_all(),
                               frozenset(jira_webhooks.EVENT_PARSERS))


def check_pagerduty_token(app: wiring.App) -> Iterator[str]:
    """Check that PagerDuty accepts the token, has the user that jpi writes as, and shows a service."""
    try:
        if app.pagerduty.find_own_id() is None:
            yield FOREIGN_TEXT.format(email=app.settings.pagerduty_user_email)
        elif not app.pagerduty.has_visible_service():
            yield NO_SERVICE_TEXT
    except IdentityDoubt as doubt:
        yield Blocker(f"{INVALID_TEXT} ({doubt})")
    yield from (Remark(f"stored {days} days ago") for days in _read_token_age_days(app, "PAGERDUTY_API_TOKEN"))


def check_priorities(app: wiring.App) -> Iterator[str]:
    """Check that the account has incident priorities."""
    if not app.pagerduty.get_priority_names():
        yield "PagerDuty's incident priorities are not enabled, so no incident is a P1: enable them in Account Settings"


def check_pagerduty_webhook(get_endpoint: EndpointFinder, app: wiring.App) -> Iterator[str]:
    """Check PagerDuty's webhook to this endpoint; where that is empty, its webhook to any jpi."""
    if not (app.settings.pagerduty_webhook_secret or env_files.get_variable("PAGERDUTY_WEBHOOK_SECRET")):
        yield "PAGERDUTY_WEBHOOK_SECRET is not set: a deployed jpi refuses every delivery from PagerDuty"
    webhooks = [webhook for webhook in app.pagerduty.subscriptions.list_all() if webhook.is_active]
    yield from _check_webhooks("PagerDuty", get_endpoint(), webhooks, frozenset(pagerduty_webhooks.V3_EVENT_TYPES))


def check_tables(app: wiring.App) -> Iterator[str]:
    """Check that the three tables exist."""
    for name in app.stores.find_missing_tables():
        yield f"there is no table {name}: `sls deploy` creates it"


def check_queue(app: wiring.App) -> Iterator[str]:
    """Check that the queue exists and has no dead letters."""
    if app.queue is None:
        if app.settings.is_offline:
            return
        raise CheckSkipped(f"EVENTS_QUEUE is not set; a deployed jpi has jpi-events-{app.settings.stage}.fifo")
    dead_letters = app.queue.count_dead_letters()
    if dead_letters:
        yield f"dead letters: {dead_letters}; {app.settings.command} replay says why"


def check_refused_steps(app: wiring.App) -> Iterator[str]:
    """List what services refused of the open incidents, which jpi tries again by itself."""
    refused = [(link, step) for link in app.links.list_open() for step in link.backlog.refused_steps]
    for link, step in refused[:MAX_LISTED_STEPS]:
        since = datetime.fromtimestamp(step.first_at, UTC)
        yield (f"{link.issue_key or link.incident_id}, {describe_step(step.id)}: {step.reason} "
               f"({step.attempts} time(s) since {format_time(since)}; {app.settings.command} explain "
               f"{link.incident_id})")
    if len(refused) > MAX_LISTED_STEPS:
        yield f"and {len(refused) - MAX_LISTED_STEPS} more: see the status page, \"not applied\""


def check_last_poll(app: wiring.App) -> Iterator[str]:
    """Check that the poll runs and keeps up with PagerDuty's log entries."""
    position = app.cursor.load()
    if position is None:
        yield "no poll has ever run: is the function log_entries deployed and scheduled?"
    elif is_poll_late(position.read_until.timestamp(), app.clock(), app.settings.poll_interval_seconds,
                      is_deployed=True):
        yield f"the poll has read log entries only up to {position.read_until:%Y-%m-%d %H:%M} UTC: see its log"


def _read_token_age_days(app: wiring.App, setting_name: str) -> Iterator[int]:
    stored_at = settings.get_secret_stored_at(setting_name)
    if stored_at:
        yield (datetime.fromtimestamp(app.clock(), UTC) - stored_at).days


def _check_webhooks(service: str, endpoint: str, webhooks: Iterable[Webhook],
                    expected_events: frozenset[str]) -> Iterator[str]:
    jpi_webhooks = [webhook for webhook in webhooks if webhook.url.endswith(f"/{service.lower()}-webhook")]
    matches = [webhook for webhook in jpi_webhooks if webhook.url.startswith(f"{endpoint}/" if endpoint else "")]
    if not matches:
        others = f" (only to {', '.join(webhook.url for webhook in jpi_webhooks)})" if jpi_webhooks else ""
        yield (f"{service} has no webhook to {endpoint or 'a jpi'}{others}: "
               "jpi webhooks creates it")
    for webhook in matches:
        name, missing_events = f"{service}'s webhook to {webhook.url}", expected_events - webhook.event_types
        if not webhook.is_delivering:
            yield f"{name} is switched off: webhook_configuration --enable"
        if missing_events:
            yield f"{name} does not send {', '.join(sorted(missing_events))}"
        if not webhook.is_signed:
            yield f"{name} has no secret: jpi refuses its deliveries"


def list_check_groups(get_endpoint: EndpointFinder) -> dict[str, dict[str, Check]]:
    """Return all checks by service; `get_endpoint` returns the address that the webhooks should point to."""
    return {"Jira": {"token": check_jira_token, "clock": check_clock, "permissions": check_permissions,
                     "site": check_site, "marks": check_marks, "link_types": check_link_types,
                     "webhook": partial(check_jira_webhook, get_endpoint)},
            "PagerDuty": {"token": check_pagerduty_token, "priorities": check_priorities,
                          "webhook": partial(check_pagerduty_webhook, get_endpoint)},
            "AWS": {"tables": check_tables, "queue": check_queue, "poll": check_last_poll},
            "Links": {"refused_steps": check_refused_steps}}
