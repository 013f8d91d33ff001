"""Each right of both tokens, taken away by itself: what no longer works, and how that is said."""

import re

import pytest

from jpi import wiring
from jpi.diagnostics.checks import NEEDED_PERMISSIONS, list_check_groups
from jpi.diagnostics.runner import run_check
from jpi.errors import JpiError
from jpi.jira.adf import to_adf_document
from jpi.tools import explain, webhook_configuration
from sandbox.hosts import InProcessHost
from sandbox.world import World
from tests.security.policies import ROOT
from tests.security.rights import JIRA_RIGHTS, RIGHTS
from tests.world_actions import edit_issue, run_poll


def read_issue(world, incident):
    """Return what Jira shows of the incident, by aspect, in the words of SECURITY.md."""
    issue = world.find_issue(incident)
    if issue is None:
        return {"the issue": None}
    texts = str([comment.text.splitlines()[-1] for comment in issue.comments])
    links = {name: len(world.list_linked_summaries(issue, kind)) for name, kind in (
        ("questions", "Question"), ("stakeholders", "Stakeholder"), ("manager", "Incident Manager"))}
    return {"the issue": True, **links, "timeline": len(world.list_linked_summaries(issue, "Timeline")) > 5,
            "summary": issue.summary, "status": issue.status, "assignee": issue.assignee,
            "notes": "Rolled" in texts, "edits of notes": "Rolled forward." in texts,
            "deletions of notes": "Oops." not in texts}


def read_incident(incident):
    """Return what PagerDuty shows of what happened on Jira, by aspect."""
    return {"comments": "Traffic is back." in str([note.content for note in incident.notes]),
            "the incident's title": incident.title, "the incident's priority": incident.priority.name,
            "the incident's status": incident.status}


def poll(world):
    """Poll once, and return whether the poll succeeded."""
    try:
        run_poll(world)
    except JpiError:
        world.run_until_idle()
        return False
    return True


def play(world):
    """Play a story that needs every right, and return (the incident, what both services show)."""
    pagerduty = world.pagerduty
    incident = pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    polls = poll(world)
    oops, note = (pagerduty.add_note(incident, text, world.rita) for text in ("Oops.", "Rolled back."))
    pagerduty.acknowledge_incident(incident, world.rita)
    pagerduty.set_title(incident, "Checkout is slow")
    world.run_until_idle()
    poll(world)
    note.content = "Rolled forward."
    incident.notes.remove(oops)
    pagerduty.add_note(incident, "Done.", world.rita)
    world.run_until_idle()
    poll(world)
    shown = {"the poll": polls, **read_issue(world, incident)}
    if issue := world.find_issue(incident):
        body = {"body": to_adf_document("Traffic is back.")}
        world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", body)
        edit_issue(world, issue, summary="Checkout was slow", priority={"name": "High"})
        world.run_until_idle()
        world.move_issue(issue, "done")
        world.run_until_idle()
        poll(world)
    return incident, {**shown, **(read_incident(incident) if issue else {})}


@pytest.fixture(scope="module")
def whole():
    """Return what both services show where no right is missing."""
    world = World(InProcessHost())
    wiring.use_app(lambda: world.jpi)
    world.jpi = world.start_jpi()
    _, shown = play(world)
    wiring.use_app(None)
    world.stop()
    return shown


def read_reports(world, incident, capsys):
    """Return what `explain`, the doctor and the issue's comments say."""
    capsys.readouterr()
    explain.main([incident.id])
    explained = capsys.readouterr().out
    world.jpi.budget.start(60.0)
    results = [result for checks in list_check_groups(lambda: "").values() for name, check in checks.items()
               for result in run_check(world.jpi, name, check) if not result.ok or result.was_skipped]
    issue = world.find_issue(incident)
    comments = [comment.text for comment in issue.comments] if issue else []
    return "\n".join([explained, *(f"doctor: {result.message}" for result in results), *comments])


def configure_webhooks(world, capsys, monkeypatch):
    """Set up a webhook as somebody with jpi's token, and return what the command says."""
    world.pagerduty.webhooks.subscriptions.clear()
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    webhook_configuration.main(["--url", world.app_url])
    return "".join(capsys.readouterr())


def read_matrix():
    """Return the rows of SECURITY.md by right: (what is lost without it, how that is said)."""
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| `(.+?)`.*\|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    return {name: (lost, text) for name, lost, text in rows}


MATRIX = read_matrix()


def test_the_matrix_has_each_right_once():
    assert list(MATRIX) == [right.name for right in RIGHTS]


def test_with_all_rights_all_is_carried_over(whole):
    assert [name for name, value in whole.items() if value in (None, False, 0)] == []
    assert (whole["summary"], whole["status"]) == ("Checkout is slow", "In Progress")
    assert [whole[f"the incident's {name}"] for name in ("title", "priority", "status")] == [
        "Checkout was slow", "P2", "resolved"]


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.name)
def test_the_matrix_says_what_is_lost_and_how_that_is_said(make_world, capsys, monkeypatch, whole, right):
    world = make_world()
    right.take_away(world)
    incident, shown = play(world)
    lost = [name for name, value in whole.items() if name in shown and shown[name] != value]
    reports = read_reports(world, incident, capsys)
    if "subscriptions" in right.name:
        reports += configure_webhooks(world, capsys, monkeypatch)
    assert (", ".join(lost) or "nothing of the sync", MATRIX[right.name][1] in reports) == (MATRIX[right.name][0], True)


def test_the_doctor_asks_for_each_permission_that_jpi_needs_always():
    assert set(NEEDED_PERMISSIONS) == {right.name for right in JIRA_RIGHTS} - {"USER_PICKER"}
