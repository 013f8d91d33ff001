"""What is over a bound is cut and said; it never fails the page, the poll or its neighbours."""

import json

import pytest

from jpi.domain.templates import CUT_MARK
from jpi.json_fields import TOO_DEEP
from sandbox.simulated_service import HttpFault
from tests.scenarios.test_odd_bodies import send_to_jira_webhook, send_to_pagerduty_webhook
from tests.world_actions import edit_issue, is_idle_after_polls, run_poll

EMOJI = "\N{FIRE}"
# What an attacker may put into an alert: each is valid JSON.
HOSTILE_DETAILS = {
    "500 nested objects": '{"a":' * 500 + "1" + "}" * 500,
    "100,000 nested lists": "[" * 100_000 + "]" * 100_000,
    "4,400 digits": '{"a": ' + "9" * 4_400 + "}",
    "20,000 fields": json.dumps({str(number): "x" for number in range(20_000)}),
    "a megabyte of text": json.dumps({"a": EMOJI * 250_000}),
    "halves of characters": '"\\ud83d \\u0000 \\udd25"',
    "numbers that are none": '{"a": NaN, "b": [1e999, -Infinity]}',
}


@pytest.fixture(params=[False, True], ids=["at once", "queued"])
def both_ways(request, make_world):
    """The world, with webhooks applied at once or by way of the queue."""
    return make_world(queued=request.param)


def put_details(world, incident, details):
    """Have PagerDuty answer these details, as raw JSON, wherever the incident's trigger is."""
    mark = json.dumps(f"details of {incident.title}").encode()
    incident.log[0].channel["details"] = json.loads(mark)
    incident.details = json.loads(mark)
    world.pagerduty_server.change_body = lambda call, body: body.replace(mark, details.encode())


@pytest.mark.parametrize("details", HOSTILE_DETAILS.values(), ids=HOSTILE_DETAILS)
def test_an_alert_of_any_shape_gets_its_issue_and_spoils_no_neighbour(both_ways, details):
    world = both_ways
    with world.lose_webhooks():
        hostile = world.pagerduty.trigger_incident(world.service, "Hostile", None, "P1")
        world.pagerduty.trigger_incident(world.service, "Usual", world.rita, "P1", "Nobody can pay.")
    put_details(world, hostile, details)
    for _ in range(2):
        run_poll(world)
    assert world.read_statuses() == {"Hostile": ("triggered", "new"), "Usual": ("triggered", "new")}
    world.pagerduty.resolve_incident(hostile, world.rita)
    world.run_until_idle()
    assert world.read_statuses()["Hostile"] == ("resolved", "done")
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("name", "mark"), [("500 nested objects", TOO_DEEP), ("100,000 nested lists", TOO_DEEP),
                                            ("4,400 digits", CUT_MARK), ("20,000 fields", CUT_MARK),
                                            ("a megabyte of text", CUT_MARK)])
def test_what_was_cut_says_so_in_the_issue(both_ways, name, mark):
    world = both_ways
    with world.lose_webhooks():
        hostile = world.pagerduty.trigger_incident(world.service, "Hostile", None, "P1")
    put_details(world, hostile, HOSTILE_DETAILS[name])
    run_poll(world)
    description = json.dumps(world.find_issue(hostile).description, ensure_ascii=False)
    assert mark in description
    assert hostile.html_url in description


@pytest.mark.parametrize("details", HOSTILE_DETAILS.values(), ids=HOSTILE_DETAILS)
def test_a_delivery_of_any_shape_is_taken(both_ways, details):
    world = both_ways
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    body = (f'{{"event": {{"id": "1", "event_type": "incident.acknowledged", "occurred_at": '
            f'"{world.clock.now().isoformat()}", "odd": {details}, "data": {{"id": "{incident.id}", "title": '
            f'"Checkout is down", "status": "acknowledged", "body": {{"details": {details}}}}}}}}}').encode()
    with world.lose_webhooks():
        world.pagerduty.acknowledge_incident(incident, world.rita)
    if len(body) <= 256 * 1024:
        assert send_to_pagerduty_webhook(world, body) in (200, 202)
        assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate")}
    jira_body = f'{{"webhookEvent": "jira:issue_updated", "timestamp": {details}, "issue": {details}}}'.encode()
    assert send_to_jira_webhook(world, jira_body) == 400


def test_counts_of_people_labels_and_changes_are_bounded(both_ways):
    world = both_ways
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    people = [{"id": f"P{number}", "type": "user_reference", "summary": "x" * 100} for number in range(1_000)]
    data = {"id": incident.id, "title": EMOJI * 9_000, "status": "acknowledged", "assignees": people}
    body = {"event": {"id": "1", "event_type": "incident.acknowledged", "occurred_at": world.clock.now().isoformat(),
                      "data": data}}
    assert send_to_pagerduty_webhook(world, json.dumps(body, ensure_ascii=False).encode()) in (200, 202)
    issue = world.find_issue(incident)
    assert world.get_category(issue) == "indeterminate"
    assert len(issue.summary) <= 255
    assert issue.summary.endswith(CUT_MARK)
    fields = {"labels": [[["x"] * 10] * 10] * 5_000}
    body = {"timestamp": 1795143601250, "issue": {"id": "1", "key": "OPS-1", "fields": fields},
            "changelog": {"items": [{"fieldId": ["x"]}] * 5_000}}
    for event in ("jira:issue_created", "jira:issue_updated"):
        assert send_to_jira_webhook(world, {**body, "webhookEvent": event}) in (200, 202)


def test_a_link_with_long_titles_and_many_comments_is_saved(both_ways):
    world = both_ways
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    issue = world.find_issue(incident)
    for number in range(24):
        world.pagerduty.set_title(incident, f"{number} {EMOJI * 1_000}")
        run_poll(world)
        edit_issue(world, issue, summary=f"{number} {EMOJI * 100}")
        world.run_until_idle()
        # More writes in ten minutes would pause the link.
        world.clock.advance(120)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert world.get_category(issue) == "done"
    assert (incident.title, issue.summary) == (f"23 {EMOJI * 100}",) * 2
    assert is_idle_after_polls(world)


OPENING_RULE = """
    [[open]]
    when = {projects = "INCIDENT", types = "Incident", priorities = ["High"]}
    service = "Checkout"
"""
ODD_SUMMARY = f"Down \x01\N{LINE SEPARATOR}{'x' * 2_000}"


def refuse_odd_titles(world):
    """Refuse titles that are long, or have control characters or several lines."""
    def is_odd(call):
        title = (call.body or {}).get("incident", {}).get("title", "")
        return len(title) > 1_024 or any(not character.isprintable() for character in title)

    world.pagerduty_server.choose_fault = lambda call: HttpFault(400) if call.method in ("POST", "PUT") and is_odd(
        call) else None


@pytest.mark.parametrize("is_queued", [False, True])
def test_a_summary_that_is_no_title_for_pagerduty_is_cut(make_linked, is_queued):
    world, incident, issue = make_linked(OPENING_RULE, queued=is_queued)
    refuse_odd_titles(world)
    edit_issue(world, issue, summary="Down")
    issue.summary = ODD_SUMMARY
    run_poll(world)
    run_poll(world)
    assert incident.title.startswith("Down \ufffd xxx")
    assert incident.title.endswith(CUT_MARK)
    assert world.jpi.links.get(incident.id).backlog.is_empty
    assert is_idle_after_polls(world)
    fields = {"project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": "Customers call us",
              "priority": {"name": "High"}}
    with world.lose_webhooks():
        key = world.jim.request("POST", "/rest/api/3/issue", {"fields": fields})["key"]
        world.jira.issues[key].summary = ODD_SUMMARY
    for _ in range(2):
        run_poll(world)
    [opened] = [other for other in world.pagerduty.incidents.values() if other.key == key]
    assert opened.title == incident.title
    assert is_idle_after_polls(world)
