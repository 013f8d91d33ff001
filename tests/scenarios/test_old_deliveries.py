"""A signed delivery changes nothing if its event is older than any retry, whatever headers come with it."""

from pathlib import Path

import pytest

from jpi.app import MAX_EVENT_AGE_SECONDS, app
from jpi.domain.model import Side
from jpi.jira.adf import to_adf_document
from tests.deliveries import encode_body, make_v2_body, sign_as_pagerduty
from tests.world_actions import run_poll

DAY_SECONDS = 86_400
# The last retry of each service.
JUST_IN_TIME_SECONDS = {"pagerduty": 48 * 3600, "jira": 24 * 3600}


@pytest.fixture(params=[False, True], ids=["at once", "queued"])
def site(request, make_linked):
    """A P1 with its issue: (world, incident, issue)."""
    return make_linked(queued=request.param)


def post_again(world, delivery, **headers):
    """Post the delivery as it was signed; return jpi's answer."""
    path = delivery.url.removeprefix(world.app_url)
    answer = app.test_client().post(path, data=delivery.body, headers={**delivery.headers, **headers})
    world.run_until_idle()
    return answer.status_code, answer.get_json()


def take_pending(outbox):
    """Return the deliveries that wait, as somebody who intercepts them."""
    deliveries = list(outbox.pending)
    outbox.pending.clear()
    return deliveries


def write_comment(world, issue, text):
    path = f"/rest/api/3/issue/{issue.key}/comment"
    return f"{path}/{world.jim.request('POST', path, {'body': to_adf_document(text)})['id']}"


def list_texts(incident, issue):
    """Return what people wrote, as the other side shows it."""
    return ([note.content for note in incident.notes], [comment.text for comment in issue.comments],
            incident.title, issue.summary, incident.status, issue.status)


def list_outdated(caplog):
    return [record.type for record in caplog.records if "older than any retry" in record.getMessage()]


def test_an_old_delivery_of_pagerduty_changes_nothing(site, caplog):
    world, incident, issue = site
    world.pagerduty.set_title(incident, "The password is swordfish")
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.add_note(incident, "It is on the wiki.", world.rita)
    deliveries = take_pending(world.pagerduty.outbox)
    world.pagerduty.set_title(incident, "Checkout is down")
    incident.notes.clear()
    world.clock.advance(100 * DAY_SECONDS)
    before = list_texts(incident, issue)
    world.forget_calls()
    for delivery in deliveries:
        status, body = post_again(world, delivery, **{"X-Webhook-Id": "a new one"})
        assert (200 <= status < 300, body) == (True, {"events": []})
    assert list_texts(incident, issue) == before
    assert "swordfish" not in str(before)
    assert world.list_jpi_calls() == []
    assert len(list_outdated(caplog)) == len(deliveries) == 2


def test_an_old_delivery_of_jira_changes_nothing(site, caplog):
    world, incident, issue = site
    comment = write_comment(world, issue, "The password is swordfish.")
    world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"summary": "Swordfish"}})
    deliveries = take_pending(world.jira.outbox)
    world.jim.request("DELETE", comment)
    world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"summary": "Checkout is down"}})
    take_pending(world.jira.outbox)
    world.clock.advance(100 * DAY_SECONDS)
    before = list_texts(incident, issue)
    world.forget_calls()
    for delivery in deliveries:
        status, body = post_again(world, delivery, **{"X-Atlassian-Webhook-Identifier": "a new one"})
        assert (200 <= status < 300, body) == (True, {"events": []})
    assert list_texts(incident, issue) == before
    assert world.list_jpi_calls() == []
    assert list_outdated(caplog) == ["IssueCommented", "IssueUpdated"]


def test_what_comes_just_in_time_is_applied(site, caplog):
    world, incident, issue = site
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    write_comment(world, issue, "Traffic is back.")
    deliveries = {"jira": take_pending(world.jira.outbox), "pagerduty": take_pending(world.pagerduty.outbox)}
    started = world.clock()
    for service in ("jira", "pagerduty"):
        world.clock.advance(started + JUST_IN_TIME_SECONDS[service] - world.clock())
        for delivery in deliveries[service]:
            assert 200 <= post_again(world, delivery)[0] < 300
    assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate")}
    assert any("Rolled back." in comment.text for comment in issue.comments)
    assert any("Traffic is back." in note.content for note in incident.notes)
    assert list_outdated(caplog) == []


def test_what_is_older_than_the_last_retry_changes_nothing(site, caplog):
    world, incident, issue = site
    world.pagerduty.acknowledge_incident(incident, world.rita)
    write_comment(world, issue, "Traffic is back.")
    deliveries = {"jira": take_pending(world.jira.outbox), "pagerduty": take_pending(world.pagerduty.outbox)}
    started = world.clock()
    for service in ("jira", "pagerduty"):
        world.clock.advance(started + JUST_IN_TIME_SECONDS[service] + 3 * 3600 - world.clock())
        for delivery in deliveries[service]:
            post_again(world, delivery)
    assert (issue.status, incident.notes) == ("To Do", [])
    assert sorted(list_outdated(caplog)) == ["IncidentAcknowledged", "IssueCommented"]


def test_each_message_of_a_version_2_delivery_has_its_own_age(site, caplog):
    world, incident, _ = site
    with world.lose_webhooks():
        world.pagerduty.resolve_incident(incident, world.rita)
    now = world.clock.now()
    times = {"old": now.replace(year=now.year - 1), "new": now}
    messages = [{**make_v2_body("incident.resolve", incident.id, status="resolved")["messages"][0], "id": name,
                 "created_on": at.isoformat()} for name, at in times.items()]
    raw = encode_body({"messages": messages})
    headers = sign_as_pagerduty(raw, world.environ["PAGERDUTY_WEBHOOK_SECRET"])
    answer = app.test_client().post("/pagerduty-webhook", data=raw, headers=headers)
    world.run_until_idle()
    assert [event["id"] for event in answer.get_json()["events"]] == ["new"]
    assert list_outdated(caplog) == ["IncidentResolved"]
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}


def test_an_old_incident_is_judged_by_its_events_time(site):
    world, incident, issue = site
    world.clock.advance(100 * DAY_SECONDS)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"summary": "Checkout is slow"}})
    world.run_until_idle()
    assert (issue.status, incident.title) == ("In Progress", "Checkout is slow")
    run_poll(world)


def test_the_security_page_says_how_old_an_event_may_be():
    hours = {side: round(seconds / 3600) for side, seconds in MAX_EVENT_AGE_SECONDS.items()}
    page = (Path(__file__).resolve().parents[2] / "docs/security.md").read_text()
    assert f"({hours[Side.PAGERDUTY]} hours for PagerDuty, {hours[Side.JIRA]} for Jira)" in page
