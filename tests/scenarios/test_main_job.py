"""The main job, end to end over HTTP: what both services show after what people did."""

import pytest

from jpi.handlers import log_entries


def only_issue(world):
    [issue] = world.list_issues()
    return issue


def trigger(world, title="Checkout is down", priority="P1", details="Nobody can pay.\nSince 03:00.", **more):
    incident = world.pagerduty.trigger_incident(world.service, title, world.rita, priority, details, **more)
    world.run_until_idle()
    return incident


def poll(world):
    done = log_entries.handler({}, None)
    world.run_until_idle()
    return done


def move(world, issue, category):
    world.move_issue(issue, category)
    world.run_until_idle()


def does(world, act, *arguments):
    act(*arguments)
    world.run_until_idle()


def phrases(world, issue):
    """What the issue's page says of its links."""
    read = world.jim.request("GET", f"/rest/api/3/issue/{issue.key}", fields="issuelinks")["fields"]["issuelinks"]
    return {link["type"]["outward" if "outwardIssue" in link else "inward"] for link in read}


def severity(world, issue):
    [field] = [one.id for one in world.jira.fields.values() if one.name == "Severity"]
    return issue.fields.get(field)


def test_a_p1_becomes_an_issue_with_all_that_belongs_to_it(world):
    incident = trigger(world)
    issue = only_issue(world)
    assert (issue.summary, issue.type, issue.priority, issue.status) == (
        "Checkout is down", "Incident", "Highest", "To Do")
    assert set(issue.labels) == {"pagerduty", f"pagerduty-{incident.id}"}
    assert severity(world, issue) == "SEV-0"
    assert issue.description_text.startswith("Nobody can pay.\n")
    assert "Since 03:00." in issue.description_text
    assert incident.html_url in issue.description_text
    assert world.list_linked_summaries(issue, "Question") == [
        "How do we know that it is over?", "What changed shortly before?", "What do customers notice?"]
    assert world.list_linked_summaries(issue, "Stakeholder") == ["Head of Support", "Press Office"]
    assert world.list_linked_summaries(issue, "Incident Manager") == ["Oscar Oncall"]
    assert phrases(world, issue) == {"has question", "has stakeholder", "has incident manager"}


def test_a_p2_becomes_none_until_it_is_raised(world):
    incident = trigger(world, priority="P2")
    assert world.list_issues() == []
    does(world, world.pagerduty.set_priority, incident, "P1", world.rita)
    assert only_issue(world).summary == "Checkout is down"


@pytest.mark.parametrize("before", ["P2", None])
@pytest.mark.parametrize("channel", [True, False])
def test_the_poll_alone_sees_a_raised_priority(world, before, channel):
    world.pagerduty.logs_new_priority = channel
    with world.lose_webhooks():
        incident = trigger(world, priority=before)
        poll(world)
        assert world.list_issues() == []
        world.pagerduty.set_priority(incident, "P1", world.rita)
        poll(world)
    issue = only_issue(world)
    assert issue.priority == "Highest"
    assert "Nobody can pay." in issue.description_text
    assert len(world.list_linked_summaries(issue, "Timeline")) == len(incident.log)


def test_resolving_on_pagerduty_finishes_the_issue(world):
    incident = trigger(world)
    does(world, world.pagerduty.resolve_incident, incident, world.oscar)
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}


def test_finishing_the_issue_resolves_on_pagerduty(world):
    trigger(world)
    move(world, only_issue(world), "done")
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}


def test_starting_on_the_issue_acknowledges_on_pagerduty(world):
    trigger(world)
    move(world, only_issue(world), "indeterminate")
    assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate")}


def test_acknowledging_and_reopening_move_the_issue(world):
    incident = trigger(world)
    does(world, world.pagerduty.acknowledge_incident, incident, world.oscar)
    assert world.get_category(only_issue(world)) == "indeterminate"
    does(world, world.pagerduty.unacknowledge_incident, incident)
    assert world.get_category(only_issue(world)) == "new"
    does(world, world.pagerduty.resolve_incident, incident, world.oscar)
    does(world, world.pagerduty.reopen_incident, incident, world.oscar)
    assert world.read_statuses() == {"Checkout is down": ("triggered", "new")}


@pytest.mark.parametrize("version", [2, 3])
def test_a_merged_incident_says_into_which(world, version):
    if version == 2:
        world.use_v2_webhooks()
    source, target = trigger(world, title="Payments are slow"), trigger(world)
    does(world, world.pagerduty.merge_incidents, source, target, world.rita)
    issue = world.find_issue(source)
    assert world.get_category(issue) == "done"
    [comment] = issue.comments
    assert ("Checkout is down" if version == 3 else "another incident") in comment.text


def test_every_log_entry_becomes_a_line_of_the_timeline_once(world):
    incident = trigger(world)
    poll(world)
    does(world, world.pagerduty.acknowledge_incident, incident, world.oscar)
    for _ in range(3):
        poll(world)
    issue = only_issue(world)
    assert world.list_linked_summaries(issue, "Timeline") == sorted(entry.summary for entry in incident.log)
    assert "has timeline" in phrases(world, issue)


def test_a_second_delivery_and_a_poll_change_nothing(world):
    trigger(world)
    poll(world)
    before = len(world.jira.issues)
    world.pagerduty.outbox.pending += world.pagerduty.outbox.delivered
    world.run_until_idle()
    world.forget_calls()
    assert poll(world)["again"] == 0
    assert len(world.jira.issues) == before
    assert [str(call) for call in world.list_jpi_calls() if call.method != "GET"
            and not call.path.endswith(("bulkfetch", "search/jql"))] == []


def test_resolving_what_is_resolved_and_done_is_success(world):
    incident = trigger(world)
    with world.lose_webhooks():
        move(world, only_issue(world), "done")
    does(world, world.pagerduty.resolve_incident, incident, world.oscar)
    assert world.pagerduty.outbox.pending == world.pagerduty.outbox.dropped == []
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}


def test_v2_webhooks_do_the_same(world):
    world.use_v2_webhooks()
    incident = trigger(world)
    assert "Nobody can pay." in only_issue(world).description_text
    does(world, world.pagerduty.resolve_incident, incident, world.rita)
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}


def test_parts_without_a_project_are_off(make_world):
    world = make_world(PERSON_PROJECT_KEY="", QUESTION_PROJECT_KEY="", TIMELINE_PROJECT_KEY="")
    world.environ["JIRA_ISSUE_STAKEHOLDERS"] = ""
    world.jpi = world.start_jpi()
    trigger(world)
    poll(world)
    assert only_issue(world).links == []


@pytest.mark.parametrize("name", ['Ann "Ace" O\'Neil', "Back\\slash", "[Ops] (Lead) {1}", "AND", "Zoë Ünal",
                                  "Night Shift 🔥", "a+b-c!*?~^:/|&"])
def test_the_manager_is_found_whatever_the_name_holds(world, name):
    for summary in (f"{name} Junior", f"The {name}", name):
        world.make_person_issue(summary)
    world.clock.advance(60)
    world.oscar.name = name
    trigger(world)
    assert world.list_linked_summaries(only_issue(world), "Incident Manager") == [name]


def test_without_the_assignees_issue_the_agents_will_do(world):
    world.oscar.name = "Nobody's Issue"
    world.clock.advance(60)
    trigger(world)
    assert world.list_linked_summaries(only_issue(world), "Incident Manager") == ["Rita Responder"]


def test_titles_and_details_are_cut_to_what_jira_takes(world):
    trigger(world, title="A very\nlong title " * 40, details="🔥" * 40_000)
    issue = only_issue(world)
    assert (len(issue.summary), issue.summary.count("\n")) == (255, 0)
    assert issue.summary.endswith("… (cut by jpi)")
    assert "… (cut by jpi)" in issue.description_text


def test_monitorings_details_are_readable(world):
    world.pagerduty.trigger_incident(world.service, "Disk full", None, "P1", {"host": "db1", "free": {"root": 0}})
    world.run_until_idle()
    assert only_issue(world).description_text.startswith('host: db1\n')
    assert 'free: {"root": 0}' in only_issue(world).description_text


def test_who_lends_jpi_their_account_still_gets_an_issue_for_what_they_trigger(world):
    world.pagerduty.trigger_incident(world.service, "Down", world.pagerduty_bot, "P1")
    world.run_until_idle()
    assert world.read_statuses() == {"Down": ("triggered", "new")}
    world.jim = world.jira_bot
    world.move_issue(only_issue(world), "done")
    world.run_until_idle()
    poll(world)
    assert world.read_statuses() == {"Down": ("resolved", "done")}
