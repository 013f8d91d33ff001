"""What can be wrong between jpi and a whole service, by name; people go on working on both sides."""

from sandbox.pagerduty.state import PagerDutyState
from sandbox.seed import PAGERDUTY_KEY
from sandbox.simulated_service import HttpFault
from sandbox.world import World, is_from_jpi

# What the account's token is while nobody has told jpi of the new one.
REVOKED_TOKEN = "another token"
HTML = {"Content-Type": "text/html"}
# PagerDuty's own answer to a key that it does not know: developer.pagerduty.com/docs/errors.
DEAD_KEY = HttpFault(401, body='{"error": {"message": "Authentication failed", "code": 2006}}')
# What stands before a site answers these while the site is in maintenance, moving or suspended.
EDGE_ANSWERS = {"maintenance": HttpFault(503, headers=HTML, body="<html><title>Maintenance</title></html>"),
                "404 in HTML": HttpFault(404, headers=HTML, body="<html><title>Not found</title></html>"),
                "404 of the edge": HttpFault(404, body='{"status-code": 404, "message": "null for uri"}')}
# Jira's "stranger" is a dead token that Jira takes for an anonymous caller (JRACLOUD-93811).
CONDITIONS = {"jira": ("dead token", "stranger", *EDGE_ANSWERS),
              "pagerduty": ("dead token", "foreign account", *EDGE_ANSWERS)}


def set_condition(world: World, service: str, name: str) -> None:
    """Put a service into a condition of `CONDITIONS`."""
    if name not in CONDITIONS[service]:
        raise ValueError(f"{service} has no condition {name!r}")
    if name in EDGE_ANSWERS:
        _fail_calls(world, service, EDGE_ANSWERS[name])
    elif service == "jira":
        world.jira.users[world.bot_id].token = REVOKED_TOKEN
        world.jira.takes_bad_tokens_as_anonymous = name == "stranger"
    elif name == "foreign account":
        world.pagerduty_server.state = make_foreign_account(world)
    else:
        _fail_calls(world, service, DEAD_KEY)


def clear_conditions(world: World) -> None:
    """Let both services know jpi again, and answer it."""
    world.jira.users[world.bot_id].token = world.environ["JIRA_API_TOKEN"]
    world.pagerduty_server.state = world.pagerduty
    for server in world.servers:
        server.choose_fault = lambda call: None


def make_foreign_account(world: World) -> PagerDutyState:
    """Return an account of somebody else that takes the same key, with a P1 of its own."""
    account = PagerDutyState(world.clock, PAGERDUTY_KEY)
    ada = account.add_user("Ada", "ada@elsewhere.example")
    account.trigger_incident(account.add_service("Elsewhere", ada), "Not ours", ada, "P1")
    return account


def _fail_calls(world: World, service: str, fault: HttpFault) -> None:
    server = world.jira_server if service == "jira" else world.pagerduty_server
    server.choose_fault = lambda call: fault if is_from_jpi(call) else None
