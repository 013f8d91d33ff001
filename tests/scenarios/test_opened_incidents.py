"""Issues that open incidents: only those that a rule wants, each one, linked from then on."""


import pytest

from jpi.domain.events import IssueCreated
from jpi.domain.model import Issue
from tests.acting import on_call, poll, quiet

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
    return world.jim("POST", "/rest/api/3/issue", {"fields": given})["key"]


def opened(world):
    return [one for one in world.pagerduty.incidents.values() if one.title == "Customers call us"]


def test_an_issue_opens_an_incident_and_is_linked_from_then_on(opening):
    key = make(opening)
    opening.settle()
    [incident] = opened(opening)
    assert (incident.key, incident.urgency, incident.service, incident.priority.name) == (
        key, "low", opening.service, "P2")
    issue = opening.jira.issues[key]
    assert opening.issue_of(incident) is issue
    assert incident.id in issue.comments[0].text
    opening.pagerduty.acknowledge(incident, opening.rita)
    opening.settle()
    assert issue.status == "In Progress"
    opening.move(issue, "done")
    opening.settle()
    poll(opening)
    assert incident.status == "resolved"
    assert len(opening.linked(issue, "Timeline")) == len(incident.log)
    assert quiet(opening)
    assert len(opened(opening)) == 1


@pytest.mark.parametrize("changes", [
    {"priority": "Low"}, {"issuetype": {"name": "Question"}, "project": {"key": "QUESTION"}}])
def test_others_open_none(opening, changes):
    make(opening, **changes)
    opening.settle()
    poll(opening)
    assert opened(opening) == []


def test_one_made_by_whoever_lends_jpi_their_account_opens_one_too(make_linked):
    world, _, _ = make_linked(RULE, PAGERDUTY_USER_EMAIL="rita@example.com", JIRA_USER_EMAIL="jim@example.com",
                              JIRA_API_TOKEN="jim-token")
    key = make(world)
    world.settle()
    for _ in range(2):
        poll(world)
    [incident] = opened(world)
    world.move(world.jira.issues[key], "done")
    world.settle()
    for _ in range(2):
        poll(world)
    assert (incident.key, incident.status) == (key, "resolved")
    assert quiet(world)
    assert (len(opened(world)), len(world.jira.issues[key].comments)) == (1, 1)


def test_without_a_rule_nothing_is_opened(linked):
    world, _, _ = linked
    make(world)
    world.settle()
    poll(world)
    assert opened(world) == []


def test_what_we_make_ourselves_opens_nothing(opening):
    before = len(opening.pagerduty.incidents)
    opening.jira.off_screen.add(("INCIDENT", "labels"))
    opening.pagerduty.trigger(opening.service, "Down too", opening.rita, "P1")
    opening.settle()
    poll(opening)
    assert len(opening.pagerduty.incidents) == before + 1
    assert len(opening.issues()) == 2


def test_a_webhook_lost_is_made_good_by_the_poll(opening):
    with opening.losing_webhooks():
        make(opening)
    poll(opening)
    poll(opening)
    assert len(opened(opening)) == 1
    assert opening.issue_of(opened(opening)[0])


@pytest.mark.parametrize("after", [False, True])
def test_an_answer_lost_opens_no_second_one(opening, after):
    opening.pagerduty_server.fault = on_call("POST", "/incidents", 0, after)
    make(opening)
    for _ in range(3):
        opening.settle()
        poll(opening)
    [incident] = opened(opening)
    assert opening.issue_of(incident)
    assert len(opening.issues()) == 2, "its webhook made none either"


def test_one_that_is_over_before_we_know_of_it_is_not_opened_again(opening):
    opening.pagerduty_server.fault = on_call("POST", "/incidents", 0, after=True)
    opening.pagerduty.outbox.losing = True
    make(opening)
    opening.jira.outbox.pump()
    [incident] = opened(opening)
    opening.pagerduty.resolve(incident, opening.rita)
    opening.pagerduty.outbox.losing = False
    for _ in range(3):
        opening.settle()
        poll(opening)
    assert opened(opening) == [incident]
    assert opening.issue_of(incident).status == "Done"


def test_a_service_is_found_among_many_that_are_called_alike(opening):
    for number in range(30):
        opening.pagerduty.add_service(f"Checkout {number}", opening.oscar)
    opening.pagerduty.services.append(opening.pagerduty.services.pop(0))
    make(opening)
    opening.settle()
    assert [one.service.name for one in opened(opening)] == ["Checkout"]


def test_a_second_delivery_opens_no_second_one(opening):
    make(opening)
    opening.settle()
    opening.jira.outbox.waiting += opening.jira.outbox.delivered
    opening.settle()
    assert len(opened(opening)) == 1


def test_a_p1_that_its_webhook_tells_of_first_is_adopted(make_linked):
    world, _, _ = make_linked(RULE)
    world.jira.outbox.losing = True
    key = make(world, "Highest")
    world.jira.outbox.losing = False
    world.pagerduty.trigger(world.service, "Customers call us", priority="P1", api=True, key=key)
    world.settle()
    poll(world)
    [incident] = opened(world)
    assert world.issue_of(incident) is world.jira.issues[key]
    assert len(world.issues()) == 2


def test_it_is_adopted_whatever_has_become_of_the_issue_meanwhile(opening):
    opening.jira.outbox.losing = True
    key = make(opening, "Low")
    opening.jira.outbox.losing = False
    incident = opening.pagerduty.trigger(opening.service, "Customers call us", priority="P1", api=True, key=key)
    opening.settle()
    assert opening.issue_of(incident) is opening.jira.issues[key]
    assert len(opening.issues()) == 2


def test_an_incident_that_has_an_issue_is_tied_to_no_other(opening):
    [first] = opening.issues()
    other = make(opening, "Low")
    incident = next(iter(opening.pagerduty.incidents.values()))
    incident.key = other
    opening.pagerduty.acknowledge(incident, opening.rita)
    opening.settle()
    opening.jira.issues[other].priority = "High"
    opening.jpi.engine.apply(IssueCreated("again", opening.clock.now(), Issue(other, priority="High", type="Incident")))
    assert opening.issue_of(incident) is first
    assert opening.jira.issues[other].labels == []
