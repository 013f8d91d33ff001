"""Status both ways: out of done again, several hops, names of one's own, screens that ask."""

import pytest

from sandbox.jira.model import Transition, Workflow
from tests.scenarios.test_fields import crossed
from tests.world_actions import is_idle_after_polls, list_writes, run_poll

HOPS = [("To Do", "In Progress"), ("In Progress", "In Review"), ("In Review", "Done"), ("Done", "In Review"),
        ("In Review", "In Progress"), ("In Progress", "To Do")]


@pytest.fixture
def done(linked):
    """A P1 that is resolved and done: (world, incident, issue)."""
    world, incident, issue = linked
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    world.clock.advance(30)
    world.forget_calls()
    return world, incident, issue


@pytest.mark.parametrize(("category", "status"), [("new", "triggered"), ("indeterminate", "acknowledged")])
def test_where_the_webhook_of_it_is_lost_the_poll_finds_it(done, category, status):
    world, incident, issue = done
    run_poll(world)
    world.clock.advance(3600)
    with world.lose_webhooks():
        world.move_issue(issue, category)
    world.clock.advance(60)
    run_poll(world)
    assert (incident.status, world.get_category(issue)) == (status, category)
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("first", ["pagerduty", "jira"])
def test_a_crossing_in_progress_does_not_reopen_and_the_log_says_so(linked, caplog, first):
    world, incident, issue = linked
    if first == "pagerduty":
        world.pagerduty.resolve_incident(incident, world.rita)
        world.move_issue(issue, "indeterminate")
    else:
        world.move_issue(issue, "done")
        world.pagerduty.acknowledge_incident(incident, world.rita)
    getattr(world, first).outbox.deliver_due()
    world.run_until_idle()
    assert (incident.status, issue.status) == ("resolved", "Done")
    assert is_idle_after_polls(world)
    assert crossed(caplog) == [(incident.id, issue.key, "status", first)]


def test_reopened_and_taken_on_pagerduty_meanwhile_nothing_is_undone(done):
    world, incident, issue = done
    world.move_issue(issue, "new")
    world.clock.advance(1)
    world.pagerduty.reopen_incident(incident, world.rita)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    assert (incident.status, issue.status) == ("acknowledged", "In Progress")
    assert is_idle_after_polls(world)


def test_several_hops_are_walked_where_the_workflow_needs_them(linked):
    world, incident, issue = linked
    world.jira.add_status("In Review", "indeterminate")
    world.jira.workflows["INCIDENT"] = Workflow.from_hops(HOPS)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "Done"
    world.pagerduty.reopen_incident(incident, world.rita)
    world.run_until_idle()
    assert (incident.status, issue.status, issue.comments) == ("triggered", "To Do", [])
    assert is_idle_after_polls(world)


def test_a_longer_way_than_that_is_for_people(linked):
    world, incident, issue = linked
    names = [f"Stage {number}" for number in range(6)]
    for name in names:
        world.jira.add_status(name, "indeterminate")
    world.jira.workflows["INCIDENT"] = Workflow.from_hops(zip(["To Do", *names], [*names, "Done"], strict=True))
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert "no transition" in issue.comments[0].text
    assert is_idle_after_polls(world)


def test_where_a_way_back_ends_half_way_nobody_has_moved_the_issue(done):
    world, incident, issue = done
    run_poll(world)
    world.jira.workflows["INCIDENT"] = Workflow.from_hops([("Done", "In Progress")])
    world.pagerduty.reopen_incident(incident, world.rita)
    world.run_until_idle()
    assert (incident.status, issue.status) == ("triggered", "In Progress")
    assert "no transition" in issue.comments[0].text
    assert is_idle_after_polls(world)
    assert incident.status == "triggered"


def test_a_status_without_a_category_is_no_hindrance(linked):
    world, incident, issue = linked
    world.jira.add_status("Parked", "undefined")
    world.jira.workflows["INCIDENT"] = Workflow.from_hops(
        [("To Do", "Parked"), ("Parked", "In Progress"), ("In Progress", "Done")])
    to(world, issue, "Parked")
    world.run_until_idle()
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert (incident.status, issue.status) == ("resolved", "Done")
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("category", "status"), [("new", "triggered"), ("indeterminate", "acknowledged")])
def test_leaving_done_on_jira_reopens_the_incident(done, category, status):
    world, incident, issue = done
    world.move_issue(issue, category)
    world.run_until_idle()
    assert (incident.status, world.get_category(issue)) == (status, category)
    assert list_writes(world) == [f"PUT /incidents/{incident.id}"]
    assert is_idle_after_polls(world)


def test_parallel_transitions_are_tried_again(linked):
    world, incident, issue = linked
    world.jira.pending_conflicts = 2
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "In Progress"
    world.jira.pending_conflicts = 9
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    world.jira.pending_conflicts = 0
    world.clock.advance(60)
    world.run_until_idle()
    assert issue.status == "Done"


def test_a_status_is_chosen_by_name(make_linked):
    world, incident, issue = make_linked("""
        [status]
        acknowledged = ["Mitigating", "In Progress"]
        resolved = ["Fixed", "Closed"]""")
    for name, category in (("Mitigating", "new"), ("Fixed", "indeterminate"), ("Closed", "done")):
        world.jira.add_status(name, category)
    ways = [Transition(str(number), name, name)
            for number, name in enumerate(("Closed", "Fixed", "In Progress", "Mitigating", "To Do", "Done"))]
    world.jira.workflows["INCIDENT"] = Workflow("To Do", tuple(ways))
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "Mitigating"
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "Fixed"
    to(world, issue, "Mitigating")
    world.run_until_idle()
    assert incident.status == "acknowledged"
    to(world, issue, "Done")
    world.run_until_idle()
    assert (incident.status, issue.status) == ("resolved", "Done")
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("direction", "wanted"), [
    ("off", [("triggered", "In Progress"), ("acknowledged", "In Progress"), ("acknowledged", "Done"),
             ("triggered", "Done"), ("resolved", "Done"), ("resolved", "To Do"), ("triggered", "To Do")]),
    ("to-jira", [("triggered", "In Progress"), ("acknowledged", "In Progress"), ("acknowledged", "Done"),
                 ("triggered", "Done"), ("resolved", "Done"), ("resolved", "To Do"), ("triggered", "To Do")]),
    ("to-pagerduty", [("acknowledged", "In Progress"), ("acknowledged", "In Progress"), ("resolved", "Done"),
                      ("resolved", "Done"), ("resolved", "Done"), ("triggered", "To Do"), ("triggered", "To Do")]),
])
def test_the_sync_file_says_which_way_and_no_poll_undoes_a_move(make_linked, direction, wanted):
    world, incident, issue = make_linked(f'[sync]\nstatus = "{direction}"')
    pagerduty, seen = world.pagerduty, []
    for act in (lambda: world.move_issue(issue, "indeterminate"),
                lambda: incident.status == "triggered" and pagerduty.acknowledge_incident(incident, world.rita),
                lambda: world.move_issue(issue, "done"),
                lambda: incident.status == "acknowledged" and pagerduty.unacknowledge_incident(incident),
                lambda: incident.status != "resolved" and pagerduty.resolve_incident(incident, world.rita),
                lambda: world.move_issue(issue, "new"),
                lambda: incident.status == "resolved" and pagerduty.reopen_incident(incident, world.rita)):
        world.clock.advance(600)
        act()
        world.run_until_idle()
        for _ in range(2):
            run_poll(world)
        seen.append((incident.status, issue.status))
    assert seen == wanted
    assert is_idle_after_polls(world)


def test_a_transitions_screen_is_filled_from_the_sync_file(make_linked):
    world, incident, issue = make_linked("""
        [status.fields]
        resolution = "Done"
        Severity = "SEV-1" """)
    severity = next(one.id for one in world.jira.fields.values() if one.name == "Severity")
    ways = (Transition("7", "Close", "Done", required=(severity,), optional=("resolution",)),)
    world.jira.workflows["INCIDENT"] = Workflow("To Do", ways)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert (issue.status, issue.get_custom_value("Severity"), issue.comments) == ("Done", "SEV-1", [])


def test_where_the_chosen_status_is_refused_no_other_name_is_taken_for_it(make_linked):
    world, incident, issue = make_linked("""
        [status]
        resolved = ["Closed", "Won't Do"]
        [status.fields]
        resolution = "Fixed" """)
    for name in ("Closed", "Won't Do"):
        world.jira.add_status(name, "done")
    world.jira.workflows["INCIDENT"] = Workflow("To Do", (
        Transition("7", "Close", "Closed", required=("resolution",)), Transition("9", "Won't Do", "Won't Do")))
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "To Do"
    assert "resolution" in issue.comments[0].text.lower(), "there is no resolution Fixed"
    for _ in range(4):
        run_poll(world)
    assert (issue.status, len(issue.comments)) == ("To Do", 1), "it is tried again, and said once"


def to(world, issue, name):
    """Jim moves the issue into this status."""
    path = f"/rest/api/3/issue/{issue.key}/transitions"
    [way] = [one["id"] for one in world.jim.request("GET", path)["transitions"] if one["to"]["name"] == name]
    world.jim.request("POST", path, {"transition": {"id": way}})
