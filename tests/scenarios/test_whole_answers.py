"""No partial answer is taken for a whole one, and no redirect for an answer: what could not be read is read later."""

import pytest

from jpi.tools import doctor
from sandbox.simulated_service import HttpFault
from tests.world_actions import run_poll

READ_PATHS = ("/search/jql", "/bulkfetch", "/comment/list")
MOVED_TO = "http://moved.localhost"


@pytest.fixture(params=["in process", "queued"])
def both_ways(request, make_world):
    """Give the world, with webhooks applied at once, or by way of the queue."""
    return make_world(queued=request.param == "queued")


def open_p1(world, title="Checkout is down"):
    """Trigger a P1 and let it get its issue; return both."""
    incident = world.pagerduty.trigger_incident(world.service, title, world.rita, "P1")
    world.run_until_idle()
    return incident, world.find_issue(incident)


def run_polls(world, minutes):
    """Let so many minutes go by, with a poll in each."""
    for _ in range(minutes):
        run_poll(world)


def is_read(call):
    """True if the call changes nothing."""
    return call.method == "GET" or call.path.endswith(READ_PATHS)


def redirect_writes(server):
    """Answer each write with a redirect that most clients follow by a GET, as a site that moved does."""
    address = f"http://{server.name}.localhost"
    server.choose_fault = lambda call: None if is_read(call) else HttpFault(
        302, headers={"Location": f"{address}{call.path}"})


def redirect_everything(server):
    """Answer each call with a redirect, as plain http:// does."""
    server.choose_fault = lambda call: HttpFault(301, headers={"Location": f"{MOVED_TO}{call.path}?token=1"})


def stop_faults(server):
    """Let the service answer again."""
    server.choose_fault = lambda call: None


@pytest.mark.parametrize("redirect", [redirect_writes, redirect_everything])
def test_jira_that_moved_misses_nothing_and_overwrites_nothing(both_ways, redirect):
    world = both_ways
    incident, issue = open_p1(world)
    redirect(world.jira_server)
    world.clock.advance(60)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.set_title(incident, "Checkout burns")
    world.run_until_idle()
    run_polls(world, 5)
    assert (world.get_category(issue), issue.summary) == ("new", "Checkout is down")
    assert incident.title == "Checkout burns"
    failures = [entry.failure for entry in world.jpi.links.get(incident.id).history if entry.failure]
    assert {failure.kind for failure in failures} == {"AddressError"}
    assert all("JIRA_SERVER_URL" in failure.reason and "token" not in failure.reason for failure in failures)
    stop_faults(world.jira_server)
    run_polls(world, 30)
    assert (world.get_category(issue), issue.summary) == ("indeterminate", "Checkout burns")
    assert (incident.title, incident.status) == ("Checkout burns", "acknowledged")


@pytest.mark.parametrize("redirect", [redirect_writes, redirect_everything])
def test_pagerduty_that_moved_misses_nothing_and_overwrites_nothing(both_ways, redirect):
    world = both_ways
    incident, issue = open_p1(world)
    redirect(world.pagerduty_server)
    world.clock.advance(60)
    world.move_issue(issue, "done")
    world.run_until_idle()
    if redirect is redirect_writes:
        run_polls(world, 5)
    assert incident.status == "triggered"
    stop_faults(world.pagerduty_server)
    run_polls(world, 30)
    assert (incident.status, world.get_category(issue)) == ("resolved", "done")


def test_a_p1_while_jira_is_moved_gets_its_one_issue_afterwards(both_ways):
    world = both_ways
    redirect_writes(world.jira_server)
    incident, issue = open_p1(world)
    assert issue is None
    run_polls(world, 5)
    stop_faults(world.jira_server)
    run_polls(world, 30)
    assert [issue.summary for issue in world.list_issues()] == [incident.title]


@pytest.mark.parametrize(("name", "setting"), [("Jira", "JIRA_SERVER_URL"), ("PagerDuty", "PAGERDUTY_API_URL")])
def test_the_doctor_names_the_address_that_redirects(both_ways, name, setting, monkeypatch, capsys):
    world = both_ways
    for variable, value in world.environ.items():
        monkeypatch.setenv(variable, value)
    redirect_everything(next(server for server in world.servers if server.name == name.lower()))
    assert doctor.main([]) == 1
    printed = capsys.readouterr().out
    assert f"to {MOVED_TO}/" in printed
    assert setting in printed
