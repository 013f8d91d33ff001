"""The mark by which jpi finds its issue again cannot be dropped, and links read the right way round."""

import pytest

from jpi.tools import check_sync, doctor
from sandbox.simulated_service import HttpFault
from tests.world_actions import is_idle_after_polls, run_poll


@pytest.fixture(params=["in process", "queued"])
def both_ways(request, make_world):
    """Give the world, with webhooks applied at once, or by way of the queue."""
    return make_world(queued=request.param == "queued")


def run_polls(world, minutes):
    """Let so many minutes go by, with a poll in each."""
    for _ in range(minutes):
        run_poll(world)


def find_linked_issue(world, incident):
    """Return the issue that the incident is linked to; None if there is none."""
    return world.jira.issues.get(world.jpi.links.get(incident.id).issue_key)


def lose_creation(world):
    """Let Jira create the next issue and lose the answer; an issue that Jira refuses does not count."""
    left = [1]

    def choose_fault(call):
        is_creation = call.method == "POST" and call.path.endswith("/issue")
        if not is_creation or not left[0] or is_refused(world, call):
            return None
        left[0] -= 1
        return HttpFault(is_after_effect=True)

    world.jira_server.choose_fault = choose_fault


def is_refused(world, call):
    """True if the body has a field that the screen lacks."""
    fields = call.body["fields"]
    return any((fields["project"]["key"], name) in world.jira.off_screen for name in fields)


@pytest.mark.parametrize("is_screen_known", [False, True])
@pytest.mark.parametrize("missing", [["labels"], ["labels", "issuelinks"], ["labels", "description"]])
def test_without_labels_and_with_its_answer_lost_one_issue_is_created(both_ways, missing, is_screen_known):
    world = both_ways
    world.jira.off_screen |= {("INCIDENT", name) for name in missing}
    if is_screen_known:
        run_poll(world)
    lose_creation(world)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    run_polls(world, 6)
    [issue] = world.list_issues()
    assert find_linked_issue(world, incident) is issue
    assert (incident.id in issue.description_text) == ("description" not in missing)
    assert len(world.list_linked_summaries(issue, "Question")) == 3
    assert is_idle_after_polls(world)


def test_another_issue_that_names_the_incident_is_not_taken_for_its_issue(both_ways):
    world = both_ways
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    fields = {"project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": "Postmortem",
              "description": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
                  {"type": "text", "text": f"About {incident.id}"}]}]}}
    key = world.jim.request("POST", "/rest/api/3/issue", {"fields": fields})["key"]
    world.jira_server.choose_fault = lambda call: HttpFault(503) if call.path.endswith("/issue") else None
    world.run_until_idle()
    run_polls(world, 2)
    world.jira_server.choose_fault = lambda call: None
    run_polls(world, 30)
    assert find_linked_issue(world, incident).key != key
    assert len(world.list_issues()) == 2


@pytest.mark.parametrize("screen_is_known", [False, True])
def test_without_labels_what_happens_after_the_resolution_is_found(both_ways, screen_is_known):
    world = both_ways
    world.jira.off_screen.add(("INCIDENT", "labels"))
    if screen_is_known:
        run_poll(world)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    issue = find_linked_issue(world, incident)
    assert issue.labels == []
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    run_polls(world, 3)
    with world.lose_webhooks():
        world.move_issue(issue, "new")
        world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": {
            "type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
                {"type": "text", "text": "It is back"}]}]}})
    run_polls(world, 3)
    assert incident.status == "triggered"
    assert any("It is back" in note.content for note in incident.notes)


@pytest.mark.parametrize(("missing", "text"), [
    ((), "by the label pagerduty-"), (("labels",), "by the incident's id in the description"),
    (("labels", "description"), "neither Labels nor Description")])
def test_the_doctor_and_check_sync_say_which_mark_a_project_has(both_ways, missing, text, monkeypatch, capsys):
    world = both_ways
    for variable, value in world.environ.items():
        monkeypatch.setenv(variable, value)
    world.jira.off_screen |= {("INCIDENT", name) for name in missing}
    doctor.main([])
    assert text in capsys.readouterr().out
    check_sync.main(["--live"])
    assert text in capsys.readouterr().out


def list_wrong_links(world, issue):
    """Return the links that do not read "has ..." on the incident's issue."""
    answer = world.jim.request("GET", f"/rest/api/3/issue/{issue.key}", fields="issuelinks")
    readings = [link["type"]["outward" if "outwardIssue" in link else "inward"]
                for link in answer["fields"]["issuelinks"]]
    assert readings
    return [reading for reading in readings if not reading.startswith("has ")]


def test_links_that_read_the_wrong_way_round_are_turned_from_then_on(both_ways, monkeypatch, capsys):
    world = both_ways
    world.jira.turns_links_of_edits = True
    first = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    run_polls(world, 3)
    assert list_wrong_links(world, world.find_issue(first)) == []
    world.jpi = world.start_jpi()
    world.forget_calls()
    second = world.pagerduty.trigger_incident(world.service, "Down again", world.rita, "P1")
    world.run_until_idle()
    run_poll(world)
    assert list_wrong_links(world, world.find_issue(second)) == []
    assert [call.path for call in world.list_jpi_calls() if call.path.endswith("/issueLink")] == []
    for variable, value in world.environ.items():
        monkeypatch.setenv(variable, value)
    doctor.main([])
    assert "reads links of the type 'Question' the other way round" in capsys.readouterr().out


def test_links_that_read_the_right_way_are_read_back_once(both_ways):
    world = both_ways
    for title in ("Down", "Down again", "Still down"):
        incident = world.pagerduty.trigger_incident(world.service, title, world.rita, "P1")
        world.run_until_idle()
        run_polls(world, 2)
        assert list_wrong_links(world, world.find_issue(incident)) == []
    reads = [call for call in world.list_jpi_calls() if call.query.get("fields") == ["issuelinks"]]
    assert len(reads) <= 2, "one for those of the creation, one for the timeline"
