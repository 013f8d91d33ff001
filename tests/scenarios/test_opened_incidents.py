"""Issues that open incidents: only those that a rule wants, each one, linked from then on."""

import pytest

from jpi.domain.events import IssueCreated
from jpi.domain.link import Link
from jpi.domain.model import Issue
from jpi.sync.incident_opener import OPENING_LEASE
from tests.world_actions import is_idle_after_polls, make_fault_on_call, run_poll

RULE = """
    [[open]]
    when = {projects = "INCIDENT", types = "Incident", priorities = ["Highest", "High"]}
    service = "Checkout"
    urgency = "low"
"""


@pytest.fixture
def opening(make_linked):
    """The world, with that rule; there is one P1 with its issue."""
    return make_linked(RULE)[0]


def make(world, priority="High", **fields):
    """Jim makes an issue; its key."""
    given = {"project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": "Customers call us",
             "priority": {"name": priority}, **fields}
    return world.jim.request("POST", "/rest/api/3/issue", {"fields": given})["key"]


def opened(world):
    return [one for one in world.pagerduty.incidents.values() if one.title == "Customers call us"]


def test_an_issue_opens_an_incident_and_is_linked_from_then_on(opening):
    key = make(opening)
    opening.run_until_idle()
    [incident] = opened(opening)
    assert (incident.key, incident.urgency, incident.service, incident.priority.name) == (
        key, "low", opening.service, "P2")
    issue = opening.jira.issues[key]
    assert opening.find_issue(incident) is issue
    assert incident.id in issue.comments[0].text
    opening.pagerduty.acknowledge_incident(incident, opening.rita)
    opening.run_until_idle()
    assert issue.status == "In Progress"
    opening.move_issue(issue, "done")
    opening.run_until_idle()
    run_poll(opening)
    assert incident.status == "resolved"
    assert len(opening.list_linked_summaries(issue, "Timeline")) == len(incident.log)
    assert is_idle_after_polls(opening)
    assert len(opened(opening)) == 1


@pytest.mark.parametrize("changes", [
    {"priority": "Low"}, {"issuetype": {"name": "Question"}, "project": {"key": "QUESTION"}}])
def test_others_open_none(opening, changes):
    make(opening, **changes)
    opening.run_until_idle()
    run_poll(opening)
    assert opened(opening) == []


def test_one_made_by_whoever_lends_jpi_their_account_opens_one_too(make_linked):
    world, _, _ = make_linked(RULE, PAGERDUTY_USER_EMAIL="rita@example.com", JIRA_USER_EMAIL="jim@example.com",
                              JIRA_API_TOKEN="jim-token-at-jira")
    key = make(world)
    world.run_until_idle()
    for _ in range(2):
        run_poll(world)
    [incident] = opened(world)
    world.move_issue(world.jira.issues[key], "done")
    world.run_until_idle()
    for _ in range(2):
        run_poll(world)
    assert (incident.key, incident.status) == (key, "resolved")
    assert is_idle_after_polls(world)
    assert (len(opened(world)), len(world.jira.issues[key].comments)) == (1, 1)


def test_without_a_rule_nothing_is_opened(linked):
    world, _, _ = linked
    make(world)
    world.run_until_idle()
    run_poll(world)
    assert opened(world) == []


def test_what_we_make_ourselves_opens_nothing(opening):
    before = len(opening.pagerduty.incidents)
    opening.jira.off_screen.add(("INCIDENT", "labels"))
    opening.pagerduty.trigger_incident(opening.service, "Down too", opening.rita, "P1")
    opening.run_until_idle()
    run_poll(opening)
    assert len(opening.pagerduty.incidents) == before + 1
    assert len(opening.list_issues()) == 2


def test_a_webhook_lost_is_made_good_by_the_poll(opening):
    with opening.lose_webhooks():
        make(opening)
    run_poll(opening)
    run_poll(opening)
    assert len(opened(opening)) == 1
    assert opening.find_issue(opened(opening)[0])


@pytest.mark.parametrize("after", [False, True])
def test_an_answer_lost_opens_no_second_one(opening, after):
    opening.pagerduty_server.choose_fault = make_fault_on_call("POST", "/incidents", 0, after)
    make(opening)
    for _ in range(3):
        opening.run_until_idle()
        run_poll(opening)
    [incident] = opened(opening)
    assert opening.find_issue(incident)
    assert len(opening.list_issues()) == 2, "its webhook made none either"


def test_one_that_is_over_before_we_know_of_it_is_not_opened_again(opening):
    opening.pagerduty_server.choose_fault = make_fault_on_call("POST", "/incidents", 0, after=True)
    opening.pagerduty.outbox.is_losing = True
    make(opening)
    opening.jira.outbox.deliver_due()
    [incident] = opened(opening)
    opening.pagerduty.resolve_incident(incident, opening.rita)
    opening.pagerduty.outbox.is_losing = False
    for _ in range(3):
        opening.run_until_idle()
        run_poll(opening)
    assert opened(opening) == [incident]
    assert opening.find_issue(incident).status == "Done"


def test_a_service_is_found_among_many_that_are_called_alike(opening):
    for number in range(30):
        opening.pagerduty.add_service(f"Checkout {number}", opening.oscar)
    opening.pagerduty.services.append(opening.pagerduty.services.pop(0))
    make(opening)
    opening.run_until_idle()
    assert [one.service.name for one in opened(opening)] == ["Checkout"]


def test_a_second_delivery_opens_no_second_one(opening):
    make(opening)
    opening.run_until_idle()
    opening.jira.outbox.pending += opening.jira.outbox.delivered
    opening.run_until_idle()
    assert len(opened(opening)) == 1


def begin_opening(world, key):
    """Leave jpi as it is when it has sent the incident to PagerDuty and not heard the answer."""
    world.jpi.links.save(Link(key).with_lease(OPENING_LEASE, world.clock() + 90))


def test_a_p1_that_its_webhook_tells_of_first_is_adopted(make_linked):
    world, _, _ = make_linked(RULE)
    world.jira.outbox.is_losing = True
    key = make(world, "Highest")
    world.jira.outbox.is_losing = False
    begin_opening(world, key)
    world.pagerduty.trigger_incident(world.service, "Customers call us", world.pagerduty_bot, "P1", api=True, key=key)
    world.run_until_idle()
    run_poll(world)
    [incident] = opened(world)
    assert world.find_issue(incident) is world.jira.issues[key]
    assert len(world.list_issues()) == 2


def test_it_is_adopted_whatever_has_become_of_the_issue_meanwhile(opening):
    opening.jira.outbox.is_losing = True
    key = make(opening, "Low")
    opening.jira.outbox.is_losing = False
    begin_opening(opening, key)
    incident = opening.pagerduty.trigger_incident(opening.service, "Customers call us", opening.pagerduty_bot, "P1",
                                                  api=True, key=key)
    opening.run_until_idle()
    assert opening.find_issue(incident) is opening.jira.issues[key]
    assert len(opening.list_issues()) == 2


def test_an_incident_that_somebody_gave_an_issues_key_does_not_get_that_issue(opening):
    key = make(opening, "Low")
    opening.run_until_idle()
    incident = opening.pagerduty.trigger_incident(opening.service, "Look here", priority="P1", api=True, key=key)
    opening.run_until_idle()
    issue = opening.jira.issues[key]
    assert opening.find_issue(incident) is not issue
    assert (issue.summary, issue.labels, issue.comments) == ("Customers call us", [], [])


def test_an_incident_that_has_an_issue_is_tied_to_no_other(opening):
    [first] = opening.list_issues()
    other = make(opening, "Low")
    incident = next(iter(opening.pagerduty.incidents.values()))
    incident.key = other
    opening.pagerduty.acknowledge_incident(incident, opening.rita)
    opening.run_until_idle()
    opening.jira.issues[other].priority = "High"
    opening.jpi.sync_service.apply(IssueCreated("again", opening.clock.now(),
                                                Issue(other, priority="High", type="Incident")))
    assert opening.find_issue(incident) is first
    assert f"pagerduty-{incident.id}" not in opening.jira.issues[other].labels
