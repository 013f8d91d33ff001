"""No partial answer is taken for a whole one, and no redirect for an answer: what could not be read is read later."""

import pytest

from jpi.errors import PermanentError
from jpi.tools import doctor
from sandbox.simulated_service import HttpFault
from tests.world_actions import count_created_parts, make_fault_on_call, poll_sparsely, run_poll

READ_PATHS = ("/search/jql", "/bulkfetch", "/comment/list")
MOVED_TO = "http://moved.localhost"
# More than a page, and than a bulk read takes.
MANY = 101
ISSUES_ONLY = {"QUESTION_PROJECT_KEY": "", "TIMELINE_PROJECT_KEY": "", "PERSON_PROJECT_KEY": "",
               "JIRA_ISSUE_STAKEHOLDERS": ""}


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
    poll_sparsely(world, 30)
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
    poll_sparsely(world, 30)
    assert (incident.status, world.get_category(issue)) == ("resolved", "done")


def test_a_p1_while_jira_is_moved_gets_its_one_issue_afterwards(both_ways):
    world = both_ways
    redirect_writes(world.jira_server)
    incident, issue = open_p1(world)
    assert issue is None
    run_polls(world, 5)
    stop_faults(world.jira_server)
    poll_sparsely(world, 30)
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


def close_on_jira(world, incidents):
    """Let Jim close the issues, with nothing left to tell."""
    for incident in incidents:
        world.move_issue(world.find_issue(incident), "done")
    world.run_until_idle()
    # Until no window of the poll reaches back to the closing.
    world.clock.advance(600)
    run_polls(world, 1)


def comment_as_jim(world, issue, text):
    """Let Jim comment on the issue."""
    body = {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": text}]}]}
    world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": body})


def list_mirrored(incident):
    """Return what Jim said on Jira, as the incident's notes have it."""
    return sorted(line.split(": ", 1)[1] for note in incident.notes for line in note.content.splitlines()[:1])


def change_unheard(world, count):
    """Let Jim reopen and comment on the issues of so many dealt-with P1s, with the webhooks lost; return the P1s."""
    incidents = [world.pagerduty.trigger_incident(world.service, f"Down {number}", world.rita, "P1")
                 for number in range(count)]
    world.run_until_idle()
    run_polls(world, 1)
    close_on_jira(world, incidents)
    assert {incident.status for incident in incidents} == {"resolved"}
    with world.lose_webhooks():
        for incident in incidents:
            issue = world.find_issue(incident)
            world.move_issue(issue, "new")
            comment_as_jim(world, issue, f"Again: {incident.title}")
    return incidents


def assert_carried_over(incidents):
    """Assert that each incident is open again and has its one comment."""
    assert {incident.status for incident in incidents} == {"triggered"}
    assert [list_mirrored(incident) for incident in incidents] == [[f"Again: {incident.title}"]
                                                                  for incident in incidents]


def test_no_change_of_more_than_a_page_of_issues_is_missed(make_world):
    world = make_world(**ISSUES_ONLY)
    incidents = change_unheard(world, MANY)
    run_polls(world, 2)
    assert_carried_over(incidents)


def test_a_search_of_several_pages_is_read_to_its_end(both_ways):
    world = both_ways
    world.jira.search_page_limit = 2
    incidents = change_unheard(world, 5)
    run_polls(world, 3)
    assert_carried_over(incidents)


def test_a_search_that_breaks_off_is_read_again_from_where_it_began(both_ways):
    """Fail the second page for a quarter of an hour, which is longer than the windows of two polls overlap."""
    world = both_ways
    world.jira.search_page_limit = 2
    incidents = change_unheard(world, 5)
    world.jira_server.choose_fault = lambda call: HttpFault(503) if "nextPageToken" in (call.body or {}) else None
    run_polls(world, 15)
    stop_faults(world.jira_server)
    run_polls(world, 3)
    assert_carried_over(incidents)


def test_a_bulk_read_that_fails_is_made_good(both_ways):
    world = both_ways
    incidents = change_unheard(world, 5)
    world.jira_server.choose_fault = lambda call: HttpFault(500) if call.path.endswith("bulkfetch") else None
    run_polls(world, 15)
    stop_faults(world.jira_server)
    run_polls(world, 3)
    assert_carried_over(incidents)


def test_an_issue_that_jira_could_not_read_is_not_gone_and_is_read_later(both_ways):
    world = both_ways
    (open_incident, open_issue), (closed_incident, closed_issue) = open_p1(world), open_p1(world, "Closed")
    close_on_jira(world, [closed_incident])
    world.jira.unreadable_ids = {open_issue.id, closed_issue.id}
    with world.lose_webhooks():
        world.move_issue(open_issue, "indeterminate")
        world.move_issue(closed_issue, "new")
        comment_as_jim(world, open_issue, "On it")
        comment_as_jim(world, closed_issue, "Again")
    run_polls(world, 15)
    assert [world.jpi.links.get(incident.id).ended for incident in (open_incident, closed_incident)] == [False, False]
    assert open_incident.notes == [], "nobody is told that the issue was deleted"
    world.jira.unreadable_ids = set()
    run_polls(world, 3)
    assert (open_incident.status, list_mirrored(open_incident)) == ("acknowledged", ["On it"])
    assert (closed_incident.status, list_mirrored(closed_incident)) == ("triggered", ["Again"])


def test_comments_beyond_the_first_page_are_carried_over(both_ways):
    world = both_ways
    incident, issue = open_p1(world)
    world.jira.comment_page_limit = 5
    with world.lose_webhooks():
        for number in range(12):
            comment_as_jim(world, issue, f"{number:02}")
    world.jira_server.choose_fault = lambda call: HttpFault(503) if call.query.get("startAt") == ["10"] else None
    run_polls(world, 15)
    assert incident.notes == [], "none before all can be read"
    stop_faults(world.jira_server)
    run_polls(world, 3)
    assert list_mirrored(incident) == [f"{number:02}" for number in range(12)]


def test_a_look_before_a_repeat_that_jira_cannot_answer_is_made_again(both_ways):
    """Lose the answer to the creation of the questions, and then give them as errors of the bulk read."""
    world = both_ways
    world.jira_server.choose_fault = make_fault_on_call("POST", "/issue/bulk", after=True)
    open_p1(world)
    stop_faults(world.jira_server)
    world.jira.unreadable_ids = {issue.id for issue in world.list_issues("QUESTION")}
    run_polls(world, 10)
    world.jira.unreadable_ids = set()
    poll_sparsely(world, 20)
    assert count_created_parts(world)[0] == len(world.list_issues("QUESTION"))
    assert len(world.list_issues("QUESTION")) == len(world.jpi.policy.questions)


@pytest.mark.parametrize("log_order", ["newest", "oldest"])
def test_the_timeline_keeps_the_order_of_log_entries_of_one_second(both_ways, log_order):
    world = both_ways
    world.pagerduty.log_order = log_order
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    for number in range(5):
        world.pagerduty.add_note(incident, f"Note {number}", world.rita)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    assert len({entry.at.replace(microsecond=0) for entry in incident.log}) == 1
    run_polls(world, 3)
    assert [issue.summary for issue in world.list_issues("TIMELINE")] == [entry.summary for entry in incident.log]


MANY_OPEN = 1_010


def test_the_oldest_of_more_than_a_thousand_open_incidents_are_looked_at(both_ways):
    world = both_ways
    oldest = world.pagerduty.trigger_incident(world.service, "Oldest", world.rita, "P3")
    with world.lose_webhooks():
        for number in range(MANY_OPEN):
            world.pagerduty.trigger_incident(world.service, f"Small {number}", world.rita, "P3")
        run_polls(world, 1)
        world.clock.advance(3_600)
        run_polls(world, 1)
        world.pagerduty.set_priority(oldest, "P1", world.rita)
        del oldest.log[-1]
    run_polls(world, 1)
    assert world.find_issue(oldest).summary == "Oldest"


def test_a_list_that_cannot_be_read_to_its_end_is_not_taken_for_whole(both_ways, monkeypatch, caplog):
    """Let PagerDuty give no more than 100 items of a list."""
    world = both_ways
    monkeypatch.setattr("jpi.pagerduty.paging.MAX_OFFSET", 100)
    monkeypatch.setattr("jpi.pagerduty.client.MAX_OFFSET", 100)
    incident, issue = open_p1(world)
    for number in range(101):
        world.clock.advance(1)
        world.pagerduty.trigger_incident(world.service, f"Small {number}", world.rita, "P3")
        world.pagerduty.add_service(f"Small {number}", world.oscar)
    run_polls(world, 2)
    assert "older open incidents are read only if they have an issue" in caplog.text
    with world.lose_webhooks():
        world.pagerduty.resolve_incident(incident, world.rita)
        del incident.log[-1]
    run_polls(world, 1)
    assert (world.get_category(issue), world.jpi.links.get(incident.id).ended) == ("done", False)
    with pytest.raises(PermanentError, match="more than the 100 items"):
        world.jpi.pagerduty.new_incidents.get_service_id("Small")
