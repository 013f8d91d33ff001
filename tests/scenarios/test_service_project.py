"""A project of Jira Service Management: what its customers read, and the queue that an issue is in."""

import pytest

from jpi.diagnostics.sync_file_checks import find_missing
from sandbox.jira.custom_fields import add_request_types
from tests.world_actions import run_poll

PUBLIC = "[comments]\npublic = true"


def play_a_note(make_linked, sync_file="", **changes):
    """Mirror a note on a service project's issue, then its edit; return the world, the comment and jpi's writes."""
    world, incident, issue = make_linked(sync_file, **changes)
    world.jira.projects["INCIDENT"].type_key = "service_desk"
    note = world.pagerduty.add_note(incident, "The card numbers leak.", world.rita)
    world.run_until_idle()
    note.content = "The card numbers leaked."
    world.pagerduty.add_note(incident, "Closed.", world.rita)
    run_poll(world)
    writes = [call for call in world.list_jpi_calls() if "/comment" in call.path and call.is_write]
    assert sorted(call.method for call in writes) == ["POST", "POST", "PUT"]
    return world, issue.comments, writes


@pytest.mark.parametrize("queued", [False, True])
def test_customers_neither_see_a_note_nor_its_edits(make_linked, queued):
    _, comments, writes = play_a_note(make_linked, queued=queued)
    assert ["leaked" in comments[0].text, comments[0].is_public, comments[1].is_public] == [True, False, False]
    internal = {"key": "sd.public.comment", "value": {"internal": True}}
    assert all(internal in call.body["properties"] for call in writes)


def test_customers_see_comments_where_the_sync_file_says_so(make_linked):
    _, comments, _ = play_a_note(make_linked, PUBLIC)
    assert [comment.is_public for comment in comments] == [True, True]


def test_an_edit_hides_a_comment_that_an_earlier_version_made_public(make_linked):
    world, incident, issue = make_linked()
    note = world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.run_until_idle()
    del issue.comments[0].properties["sd.public.comment"]
    note.content = "Rolled forward."
    world.pagerduty.add_note(incident, "Done.", world.rita)
    run_poll(world)
    assert ["forward" in issue.comments[0].text, issue.comments[0].is_public] == [True, False]


@pytest.fixture
def open_request(make_world, tmp_path):
    """Return a function that triggers a P1 for a service project by this sync file: (world, incident, issue)."""
    def trigger_p1(request_type, **changes):
        file = tmp_path / "sync.toml"
        file.write_text(f'[[rules]]\ncreate = {{request_type = "{request_type}"}}')
        world = make_world(SYNC_FILE=str(file), **changes)
        add_request_types(world.jira, "INCIDENT", "Ask a question", "Report a system problem")
        world.jpi = world.start_jpi()
        incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
        world.run_until_idle()
        run_poll(world)
        return world, incident, world.find_issue(incident)

    return trigger_p1


@pytest.mark.parametrize("queued", [False, True])
def test_an_issue_gets_its_request_type_by_name(open_request, queued):
    world, incident, issue = open_request("Report a system problem", queued=queued)
    wanted_id = world.jira.request_types["INCIDENT"][1].id
    assert issue.get_custom_value("Request Type") == wanted_id
    world.forget_calls()
    second = world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1")
    world.run_until_idle()
    assert world.find_issue(second).get_custom_value("Request Type") == wanted_id
    assert not any("requesttype" in call.path for call in world.list_jpi_calls()), "read once a day"
    assert (incident.status, second.status) == ("triggered", "triggered")


def test_an_unknown_request_type_costs_the_issue_nothing_else(open_request):
    world, incident, issue = open_request("Buy a laptop")
    assert (issue.get_custom_value("Request Type"), issue.priority) == (None, "Highest")
    assert len(world.list_issues()) == 1
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert world.get_category(issue) == "done"


@pytest.mark.parametrize(("request_type", "problem"), [
    ("Report a system problem", ""),
    ("Buy a laptop", "INCIDENT has no request type 'Buy a laptop'; it has Ask a question, Report a system problem"),
])
def test_the_live_check_knows_request_types(open_request, request_type, problem):
    world, _, _ = open_request(request_type)
    assert [text for text in find_missing(world.jpi) if "request type" in text] == ([problem] if problem else [])


def test_the_live_check_names_a_project_without_request_types(open_request):
    world, _, _ = open_request("Ask a question")
    world.jira.projects["INCIDENT"].type_key = "business"
    assert ("INCIDENT has no request types that jpi may read: it is no project of Jira Service Management"
            in list(find_missing(world.jpi)))


def test_a_service_project_of_a_template_has_request_types(world):
    site = world.jira_admin
    site.request("POST", "/rest/api/3/project", {
        "key": "HELP", "name": "Help desk", "projectTypeKey": "service_desk", "leadAccountId": world.admin_id,
        "projectTemplateKey": "com.atlassian.servicedesk:simplified-it-service-management"})
    page = site.request("GET", "/rest/servicedeskapi/servicedesk/HELP/requesttype")
    assert (page["isLastPage"], page["values"][0]["name"]) == (True, "Report a system problem")
    [field] = [field for field in site.request("GET", "/rest/api/3/field") if field["name"] == "Request Type"]
    assert field["schema"]["type"] == "sd-customerrequesttype"
