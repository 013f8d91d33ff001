"""The doctor: all green where all is well; each thing that is broken is named, and the others are looked at still."""

import json

import pytest

from jpi.handlers import log_entries
from jpi.tools import doctor
from sandbox.web import Fault


@pytest.fixture
def well(make_world, monkeypatch):
    """A world with a queue, in which a poll has run; and its settings in the environment."""
    world = make_world(queued=True)
    log_entries.handler({}, None)
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    return world


def run(capsys):
    code = doctor.main(["--json"])
    return code, {one["check"]: one["said"] for one in json.loads(capsys.readouterr().out) if not one["ok"]}


def test_all_is_well(well, capsys):
    well.forget_calls()
    assert run(capsys) == (0, {})
    assert [call for call in well.calls() if call.method != "GET" and not call.path.endswith("search/jql")] == []
    assert doctor.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), all(line.startswith("ok ") for line in lines)) == (13, True)


def jira_has_no_timeline_links(world, monkeypatch):
    world.jira.link_types = {key: one for key, one in world.jira.link_types.items() if one.name != "Timeline"}


def jira_hook_lacks_an_event(world, monkeypatch):
    next(iter(world.jira.webhooks.values())).events.remove("comment_created")


def pagerduty_hook_is_off(world, monkeypatch):
    [hook] = world.pagerduty.hooks.all
    world.pagerduty.outbox.disabled_until[hook] = world.clock() + 3600


@pytest.mark.parametrize(("spoil", "check", "said"), [
    (jira_has_no_timeline_links, "Jira link types", "no link type 'Timeline'"),
    (jira_hook_lacks_an_event, "Jira webhook", "does not tell of comment_created"),
    (pagerduty_hook_is_off, "PagerDuty webhook", "is switched off: webhook_configuration --enable"),
    (lambda world, _: world.pagerduty.hooks.all.clear(), "PagerDuty webhook", "has no webhook that points to a jpi"),
    (lambda world, _: world.pagerduty.priorities.clear(), "PagerDuty priorities", "are not enabled"),
    (lambda world, _: world.jira.projects.pop("QUESTION"), "Jira permissions", "QUESTION"),
    (lambda world, _: world.clock.advance(3600), "Jira clock", "s apart: set the clock"),
    (lambda world, patch: patch.setenv("PAGERDUTY_USER_EMAIL", "no@example.com"), "PagerDuty token", "has no user no@"),
    (lambda world, patch: patch.setenv("JIRA_API_TOKEN", "old"), "Jira token", "is not taken: make a new one"),
    (lambda world, patch: patch.setenv("JIRA_WEBHOOK_SECRET", ""), "Jira webhook", "JIRA_WEBHOOK_SECRET is not set"),
    (lambda world, patch: patch.setenv("CONFIG_TABLE", "none"), "AWS tables", "there is no table none"),
    (lambda world, patch: patch.setenv("EVENTS_QUEUE", world.environ["EVENTS_QUEUE"] + "x"), "AWS queue", "SQS"),
    (lambda world, patch: patch.setenv("JIRA_SERVER_URL", "nowhere"), "settings", "JIRA_SERVER_URL (nowhere) must be"),
])
def test_what_is_broken_is_named(well, monkeypatch, capsys, spoil, check, said):
    spoil(well, monkeypatch)
    code, wrong = run(capsys)
    assert (code, said in wrong[check]) == (1, True), wrong


def test_a_poll_that_stands_still_is_told(well, monkeypatch, capsys):
    monkeypatch.setattr("jpi.tools.checks.POLLS", -1)
    assert "the last poll got as far as" in run(capsys)[1]["AWS poll"]


def test_parked_events_are_told(well, capsys):
    sqs = well.jpi.queue.client
    sqs.send_message(QueueUrl=well.parked, MessageBody="x", MessageGroupId="Q1", MessageDeduplicationId="1")
    assert "1 events are parked" in run(capsys)[1]["AWS queue"]


def test_one_service_that_is_away_does_not_hide_the_others(well, capsys):
    well.pagerduty.fault = lambda call: Fault(401)
    _, wrong = run(capsys)
    assert {name.split()[0] for name in wrong} == {"PagerDuty", "Jira"}, "the site's check asks for services too"
    assert "the token is not taken" in wrong["PagerDuty token"]


def test_what_only_an_administrator_may_look_at_is_no_fault(well, capsys):
    well.jira.users[well.bot_id].admin = False
    assert doctor.main([]) == 0
    assert "?    Jira webhook: not looked at, since it takes an administrator's token" in capsys.readouterr().out
