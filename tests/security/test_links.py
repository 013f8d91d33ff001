"""Attack: whoever may write to one issue or incident chooses what a delivery says, and wants another link touched."""

import pytest

from jpi.app import app
from jpi.domain.events import IssueCreated
from jpi.domain.issue_drafts import IssueDraft
from jpi.domain.link import Link
from jpi.domain.model import Issue
from jpi.errors import IdentityDoubt
from jpi.jira import webhooks
from jpi.sync.history import MAX_HISTORY_ENTRIES
from jpi.sync.incident_opener import OPENING_LEASE
from tests.deliveries import encode_body, make_issue_updated_body, sign_as_jira, sign_as_pagerduty
from tests.world_actions import edit_issue, make_fault_on_call, run_poll

RULE = """
    [[open]]
    when = {projects = "INCIDENT", types = "Incident", priorities = ["Highest", "High"]}
    service = "Checkout"
"""


@pytest.fixture(params=[False, True], ids=["at once", "queued"])
def site(request, make_linked):
    """A P1 with its issue, and an issue of the attacker's: (world, incident, issue, other)."""
    world, incident, issue = make_linked(RULE, queued=request.param)
    other = make_issue(world, "Low")
    world.run_until_idle()
    world.forget_calls()
    return world, incident, issue, other


def make_issue(world, priority="High", labels=(), properties=()):
    fields = {"project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": "Customers call us",
              "priority": {"name": priority}, **({"labels": labels} if labels else {})}
    body = {"fields": fields, "properties": list(properties)}
    return world.jira.issues[world.jim.request("POST", "/rest/api/3/issue", body)["key"]]


def post_jira(world, body):
    """Post a delivery that Jira signed; its content is what the attacker could make it say."""
    raw = encode_body(body)
    headers = {"Content-Type": "application/json", **sign_as_jira(raw, world.environ["JIRA_WEBHOOK_SECRET"])}
    answer = app.test_client().post("/jira-webhook", data=raw, headers=headers)
    assert 200 <= answer.status_code < 300, answer.text
    world.run_until_idle()


def read_state(world, incident, issue):
    link = world.jpi.links.get(incident.id)
    return (incident.title, incident.status, [note.content for note in incident.notes], issue.summary, issue.status,
            issue.labels, link)


def make_done_body(issue_key, issue_id, items=()):
    body = make_issue_updated_body(issue_key)
    body["issue"]["id"] = issue_id
    body["issue"]["fields"]["summary"] = "Taken over"
    body["changelog"]["items"] += [*items, {"field": "summary", "fieldtype": "jira", "fieldId": "summary", "from": None,
                                            "fromString": "x", "to": None, "toString": "Taken over"}]
    return body


@pytest.mark.parametrize("item", [
    {"field": "Key", "fieldtype": "custom", "fieldId": "customfield_10100"},
    {"field": "Key", "fieldtype": "custom"}, {"field": "Key"}, {"field": "Key", "fieldId": "Key"},
    {"field": "Key", "fieldtype": "custom", "fieldId": "Key"}, {"field": "Key", "fieldtype": "jira", "fieldId": "Key"}])
def test_an_issue_that_says_it_had_the_key_of_another_touches_no_link(site, item):
    """A custom field may be called "Key"; the last one is what only Jira itself writes: the id still differs."""
    world, incident, issue, other = site
    before = read_state(world, incident, issue)
    post_jira(world, make_done_body(other.key, other.id, [{**item, "fromString": issue.key, "toString": other.key}]))
    assert read_state(world, incident, issue) == before
    assert world.list_jpi_calls() == []


def test_an_issue_with_the_key_but_another_id_touches_no_link(site):
    world, incident, issue, other = site
    before = read_state(world, incident, issue)
    for body in (make_done_body(issue.key, other.id), {**make_done_body(issue.key, other.id),
                                                       "webhookEvent": "jira:issue_deleted"}):
        post_jira(world, body)
    world.clock.advance(300)
    post_jira(world, {**make_done_body(issue.key, other.id), "webhookEvent": "jira:issue_deleted"})
    assert read_state(world, incident, issue) == before
    assert world.list_jpi_calls() == []


def test_an_issue_with_the_key_and_no_id_touches_no_link_that_holds_an_id(site):
    world, incident, issue, other = site
    before = read_state(world, incident, issue)
    body = make_done_body(issue.key, other.id)
    del body["issue"]["id"]
    post_jira(world, body)
    assert read_state(world, incident, issue) == before
    assert world.list_jpi_calls() == []


def test_an_issue_that_really_moves_keeps_its_link(site):
    world, incident, issue, _ = site
    next(iter(world.jira.webhooks.values())).jql = ""
    world.move_issue_to_project(issue, "PERSON")
    world.run_until_idle()
    world.move_issue(issue, "done")
    world.run_until_idle()
    assert (issue.key.startswith("PERSON-"), incident.status) == (True, "resolved")
    assert world.jpi.links.get(incident.id).issue_key == issue.key


def test_a_link_of_an_earlier_version_learns_its_issues_id(make_linked):
    world, incident, issue = make_linked()
    link = world.jpi.links.get(incident.id)
    world.jpi.links.save(Link(**{**vars(link), "issue": type(link.issue)(issue.key)}))
    edit_issue(world, issue, summary="Slow")
    world.run_until_idle()
    assert (incident.title, world.jpi.links.get(incident.id).issue_id) == ("Slow", issue.id)


def begin_opening(world, key):
    """Leave jpi as it is when it has sent the incident to PagerDuty and not heard the answer."""
    world.jpi.links.save(Link(key).with_lease(OPENING_LEASE, world.clock() + 90))


@pytest.fixture
def opening(site):
    """An issue whose incident is being opened: (world, issue)."""
    world, _, _, _ = site
    with world.lose_webhooks():
        issue = make_issue(world)
    begin_opening(world, issue.key)
    return world, issue


def trigger_with_key(world, by, key, service=None):
    incident = world.pagerduty.trigger_incident(service or world.service, "Look here", by, "P1", api=True, key=key)
    world.run_until_idle()
    return incident


def is_adopted(world, incident, issue):
    return world.jpi.links.get(incident.id).issue_key == issue.key


def test_an_alert_that_chooses_an_issues_key_is_not_tied_to_that_issue(opening):
    """The Events API lets whoever sends an alert choose the incident's key."""
    world, issue = opening
    for by in (None, world.rita):
        incident = trigger_with_key(world, by, issue.key)
        assert not is_adopted(world, incident, issue)
    assert (issue.labels, issue.comments) == ([], [])


def test_nor_is_it_by_a_later_event_than_its_trigger(opening):
    world, issue = opening
    with world.lose_webhooks():
        incident = trigger_with_key(world, None, issue.key)
    world.pagerduty.acknowledge_incident(incident, world.pagerduty_bot)
    world.run_until_idle()
    assert not is_adopted(world, incident, issue)
    run_poll(world)
    assert not is_adopted(world, incident, issue)


def test_an_incident_on_another_service_is_not_adopted(opening):
    world, issue = opening
    other_service = world.pagerduty.add_service("Attacker's", world.oscar)
    assert not is_adopted(world, trigger_with_key(world, world.pagerduty_bot, issue.key, other_service), issue)


def test_an_issue_that_has_a_link_is_not_adopted(site):
    world, incident, issue, _ = site
    begin_opening(world, issue.key)
    second = trigger_with_key(world, world.pagerduty_bot, issue.key)
    assert not is_adopted(world, second, issue)
    assert world.jpi.links.get(incident.id).issue_key == issue.key


def test_an_opening_that_was_begun_takes_no_issue_from_its_incident(site):
    world, incident, issue, _ = site
    begin_opening(world, issue.key)
    world.clock.advance(120)
    world.jpi.budget.start(25.0)
    world.jpi.sync_service.apply(IssueCreated("again", world.clock.now(), Issue(
        issue.key, issue.id, priority="High", type="Incident", title="Customers call us")))
    adopters = [other for other in world.pagerduty.incidents.values() if is_adopted(world, other, issue)]
    assert adopters == [incident]


@pytest.mark.parametrize("fieldtype", [{"fieldtype": "custom"}, {}, {"fieldtype": None}, {"fieldtype": ["jira"]}])
def test_a_key_counts_as_changed_only_if_jira_says_so(fieldtype):
    body = make_issue_updated_body("OPS-7")
    body["changelog"]["items"] = [{"field": "Key", "fieldId": "Key", "fromString": "INCIDENT-1", "toString": "OPS-7",
                                   **fieldtype}]
    [event] = webhooks.parse_delivery(encode_body(body))
    assert event.old_key is None


def test_our_own_opening_is_adopted(opening):
    world, issue = opening
    assert is_adopted(world, trigger_with_key(world, world.pagerduty_bot, issue.key), issue)


def test_our_own_opening_is_adopted_by_a_later_event(opening):
    world, issue = opening
    with world.lose_webhooks():
        incident = trigger_with_key(world, world.pagerduty_bot, issue.key)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    assert is_adopted(world, incident, issue)


def get_opened(world):
    return [incident for incident in world.pagerduty.incidents.values() if incident.title == "Customers call us"]


def apply_creation(world, issue):
    world.clock.advance(120)
    world.jpi.budget.start(25.0)
    world.jpi.sync_service.apply(IssueCreated("again", world.clock.now(), Issue(
        issue.key, issue.id, priority="High", type="Incident", title="Customers call us")))


def test_after_a_lost_answer_an_incident_on_another_service_is_not_ours(opening):
    world, issue = opening
    other_service = world.pagerduty.add_service("Attacker's", world.oscar)
    planted = trigger_with_key(world, world.rita, issue.key, other_service)
    apply_creation(world, issue)
    assert not is_adopted(world, planted, issue)
    [ours] = get_opened(world)
    assert is_adopted(world, ours, issue)


@pytest.mark.parametrize("is_resolved", [False, True])
def test_after_a_lost_answer_an_alert_with_the_issues_key_is_not_ours(opening, is_resolved):
    world, issue = opening
    planted = world.pagerduty.trigger_incident(world.service, "Look here", None, "P4", api=True, key=issue.key)
    if is_resolved:
        world.pagerduty.resolve_incident(planted, world.oscar)
    world.run_until_idle()
    apply_creation(world, issue)
    assert not is_adopted(world, planted, issue)
    [ours] = get_opened(world)
    assert is_adopted(world, ours, issue)


def test_after_a_lost_answer_ours_is_found_among_others_with_its_key(opening):
    world, issue = opening
    with world.lose_webhooks():
        ours = trigger_with_key(world, world.pagerduty_bot, issue.key)
        world.pagerduty.resolve_incident(ours, world.rita)
        planted = world.pagerduty.trigger_incident(world.service, "Look", None, "P4", api=True, key=issue.key)
    apply_creation(world, issue)
    assert (is_adopted(world, ours, issue), is_adopted(world, planted, issue)) == (True, False)
    assert get_opened(world) == []


def plant_next_key(world):
    numbers = [int(key.removeprefix("INCIDENT-")) for key in world.jira.issues if key.startswith("INCIDENT-")]
    return world.pagerduty.trigger_incident(world.service, "Look here", None, "P4", api=True,
                                            key=f"INCIDENT-{max(numbers) + 1}")


def make_issue_and_wait(world):
    """Make an issue that opens an incident; return it after three polls."""
    issue = make_issue(world)
    for _ in range(3):
        world.run_until_idle()
        run_poll(world)
    return issue


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_alert_that_has_taken_the_next_issues_key_keeps_nobody_from_being_paged(site, is_lost):
    world, *_ = site
    planted = plant_next_key(world)
    world.run_until_idle()
    if is_lost:
        world.pagerduty_server.choose_fault = make_fault_on_call("POST", "/incidents", 1, after=True)
    issue = make_issue_and_wait(world)
    assert issue.key == planted.key
    [ours] = get_opened(world)
    assert (is_adopted(world, ours, issue), is_adopted(world, planted, issue)) == (True, False)
    assert ours.key.startswith(f"{issue.key}.")
    world.pagerduty.resolve_incident(planted, world.oscar)
    world.run_until_idle()
    assert (issue.status, ours.status) == ("To Do", "triggered")


@pytest.mark.parametrize("is_lost", [False, True])
def test_where_our_own_account_is_not_known_no_key_of_others_is_taken(site, monkeypatch, is_lost):
    world, *_ = site
    monkeypatch.setattr(world.jpi.sync_service._own_accounts, "get_own_id", lambda side: None)
    planted = plant_next_key(world)
    world.run_until_idle()
    if is_lost:
        world.pagerduty_server.choose_fault = make_fault_on_call("POST", "/incidents", 0, after=True)
    issue = make_issue_and_wait(world)
    [ours] = get_opened(world)
    assert (is_adopted(world, ours, issue), is_adopted(world, planted, issue)) == (True, False)


def test_what_was_begun_when_our_account_was_known_waits_until_it_is_known_again(opening, monkeypatch):
    world, issue = opening
    planted = world.pagerduty.trigger_incident(world.service, "Look here", None, "P4", api=True, key=issue.key)
    with monkeypatch.context() as context:
        context.setattr(world.jpi.sync_service._own_accounts, "get_own_id", lambda side: None)
        with pytest.raises(IdentityDoubt, match=planted.id):
            apply_creation(world, issue)
        assert (is_adopted(world, planted, issue), get_opened(world)) == (False, [])
    apply_creation(world, issue)
    [ours] = get_opened(world)
    assert (is_adopted(world, ours, issue), is_adopted(world, planted, issue)) == (True, False)


@pytest.fixture
def unknown_outcome(site):
    """A P1 of which jpi does not know whether Jira has its issue: (world, incident, issue of a person)."""
    world, _, _, other = site
    world.jira_server.choose_fault = make_fault_on_call("POST", "/issue", 0, after=False)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    return world, incident, other


def mark_issue(world, issue, incident_id, mark=None):
    """Mark an issue as the one that jpi created, as whoever may edit it can."""
    issue.labels = [*issue.labels, f"pagerduty-{incident_id}"]
    issue.properties = {"jpi": {"mark": mark}} if mark else {}
    world.jira.index_issue(issue)


def settle(world):
    for _ in range(3):
        world.clock.advance(300)
        world.run_until_idle()
        run_poll(world)


@pytest.mark.parametrize("has_property", [False, True])
def test_an_issue_that_somebody_marked_is_not_taken_for_the_one_that_jpi_created(unknown_outcome, has_property):
    world, incident, other = unknown_outcome
    mark_issue(world, other, incident.id, f"incident:{incident.id}" if has_property else None)
    settle(world)
    issue = world.jira.issues[world.jpi.links.get(incident.id).issue_key]
    assert (issue.creator, other.creator) == (world.jpi.jira.own_id, world.jim_id)


def test_an_issue_of_another_incident_is_not_taken_even_if_jpi_created_it(unknown_outcome):
    world, incident, _ = unknown_outcome
    first = next(iter(world.pagerduty.incidents.values()))
    issue = world.find_issue(first)
    mark_issue(world, issue, incident.id, f"incident:{incident.id}")
    settle(world)
    assert world.jpi.links.get(first.id).issue_key == issue.key
    assert world.jpi.links.get(incident.id).issue_key not in (None, issue.key)


def test_a_part_that_somebody_marked_is_not_taken_for_one_that_jpi_created(site):
    world, incident, issue, other = site
    mark_issue(world, other, incident.id, "entry")
    draft = IssueDraft("INCIDENT", "Incident", "x", "x", "entry", f"pagerduty-{incident.id}")
    world.clock.advance(300)
    world.jpi.budget.start(25.0)
    keys = world.jpi.jira.find_idempotency_keys(issue.key, "Timeline", draft)
    assert "entry" not in keys
    assert f"incident:{incident.id}" in keys


def label_as_followup(world):
    return ["pagerduty-followup"]


def label_as_ours(world):
    return [f"pagerduty-{next(iter(world.pagerduty.incidents))}"]


@pytest.mark.parametrize("make_labels", [label_as_followup, label_as_ours, lambda world: ["pagerduty-"]])
@pytest.mark.parametrize("has_property", [False, True])
@pytest.mark.parametrize("is_lost", [False, True])
def test_no_label_keeps_an_issue_from_opening_its_incident(site, make_labels, has_property, is_lost):
    world, *_ = site
    world.jira.outbox.is_losing = is_lost
    properties = [{"key": "jpi", "value": {"mark": "incident:Q1"}}] if has_property else []
    issue = make_issue(world, labels=make_labels(world), properties=properties)
    world.jira.outbox.is_losing = False
    world.run_until_idle()
    run_poll(world)
    [ours] = get_opened(world)
    assert is_adopted(world, ours, issue)


def test_jiras_delivery_id_is_of_the_signed_content_alone():
    raw = encode_body(make_issue_updated_body())
    [first], [again] = webhooks.parse_delivery(raw), webhooks.parse_delivery(raw)
    [other] = webhooks.parse_delivery(encode_body(make_issue_updated_body(timestamp=1)))
    assert first.id == again.id != other.id


def test_repeated_deliveries_are_one_entry_and_push_nothing_out(site):
    world, incident, issue, _ = site
    edit_issue(world, issue, summary="Slow")
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    deliveries = [(world.jira.outbox.pending[-1], "/jira-webhook"),
                  (world.pagerduty.outbox.pending[-1], "/pagerduty-webhook")]
    world.run_until_idle()
    before = {entry.event_id for entry in world.jpi.links.get(incident.id).history}
    world.clock.advance(400)
    for number in range(MAX_HISTORY_ENTRIES + 5):
        for delivery, path in deliveries:
            headers = {**delivery.headers, "X-Atlassian-Webhook-Identifier": str(number), "X-Webhook-Id": str(number)}
            assert app.test_client().post(path, data=delivery.body, headers=headers).status_code in (200, 202)
        world.run_until_idle()
        # SQS itself drops what comes again within five minutes.
        world.clock.advance(400)
    history = world.jpi.links.get(incident.id).history
    assert {entry.event_id for entry in history} == before
    assert sorted(entry.count for entry in history)[-2:] == [MAX_HISTORY_ENTRIES + 6] * 2
    assert len(incident.notes) == 1
    assert len([comment for comment in issue.comments if "Rolled back" in comment.text]) == 1


def test_a_delivery_signed_for_one_service_is_none_of_the_other(site):
    world, incident, issue, _ = site
    before = read_state(world, incident, issue)
    raw = encode_body(make_done_body(issue.key, issue.id))
    for headers in (sign_as_pagerduty(raw, world.environ["PAGERDUTY_WEBHOOK_SECRET"]),
                    sign_as_jira(raw, world.environ["PAGERDUTY_WEBHOOK_SECRET"])):
        answer = app.test_client().post("/jira-webhook", data=raw, headers={
            "Content-Type": "application/json", **headers})
        assert answer.status_code == 401
    assert read_state(world, incident, issue) == before
