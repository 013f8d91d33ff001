"""Notes and comments, both ways: once each, under their author's name, followed when they change."""

import pytest

from tests.world_actions import is_idle_after_polls, list_writes, make_fault_on_call, poll_sparsely, run_poll


def notes(incident):
    return [note.content for note in incident.notes]


def comments(issue):
    return [comment.text for comment in issue.comments]


def say(world, issue, text, **more):
    """Jim comments on the issue."""
    body = {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in text.split("\n")]}
    path = f"/rest/api/3/issue/{issue.key}/comment"
    if at := more.pop("at", None):
        return world.jim.request("PUT", f"{path}/{at}", {"body": body, **more})
    return world.jim.request("POST", path, {"body": body, **more})["id"]


def address(world, issue, comment):
    return f"{world.jira_url}/browse/{issue.key}?focusedCommentId={comment}"


def test_a_note_becomes_a_comment_under_its_authors_name(linked):
    world, incident, issue = linked
    note = world.pagerduty.add_note(incident, "Rolled back.\nSee https://x.example/1.", world.rita)
    world.run_until_idle()
    at = note.created.strftime("%Y-%m-%d %H:%M:%S UTC")
    assert comments(issue) == [f"Rita Responder on PagerDuty, {at}:\nRolled back.\nSee https://x.example/1."]
    assert list_writes(world) == [f"POST /rest/api/3/issue/{issue.key}/comment"]
    assert is_idle_after_polls(world)
    assert (len(issue.comments), len(incident.notes)) == (1, 1)


def test_a_comment_becomes_a_note_with_its_address(linked):
    world, incident, issue = linked
    made = say(world, issue, "Traffic is back. Watching.")
    world.run_until_idle()
    assert notes(incident) == [f"[Jira] Jim Jira: Traffic is back. Watching.\n{address(world, issue, made)}"]
    assert list_writes(world) == [f"POST /incidents/{incident.id}/notes"]
    assert is_idle_after_polls(world)
    assert (len(issue.comments), len(incident.notes)) == (1, 1)


def test_the_poll_finds_what_webhooks_did_not_tell(linked):
    world, incident, issue = linked
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "Rolled back.", world.rita)
        say(world, issue, "Traffic is back.")
    run_poll(world)
    assert (len(issue.comments), len(incident.notes)) == (2, 2)
    assert is_idle_after_polls(world)
    assert (len(issue.comments), len(incident.notes)) == (2, 2)


def test_a_comment_on_what_is_done_is_found_too(linked):
    world, incident, issue = linked
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    run_poll(world)
    with world.lose_webhooks():
        say(world, issue, "The report is out.")
    world.clock.advance(60)
    run_poll(world)
    assert len(incident.notes) == 1
    assert is_idle_after_polls(world)


def test_an_edited_comment_and_a_deleted_one_are_followed(linked):
    world, incident, issue = linked
    made = say(world, issue, "Traffic is back.")
    world.run_until_idle()
    world.clock.advance(5)
    say(world, issue, "Traffic is not back.", at=made)
    world.run_until_idle()
    assert notes(incident) == [f"[Jira] Jim Jira: Traffic is not back.\n{address(world, issue, made)}"]
    world.jim.request("DELETE", f"/rest/api/3/issue/{issue.key}/comment/{made}")
    world.run_until_idle()
    assert notes(incident) == []
    assert is_idle_after_polls(world)


def test_an_edited_note_and_a_deleted_one_are_followed_when_the_notes_are_read_again(linked):
    world, incident, issue = linked
    first, second = (world.pagerduty.add_note(incident, text, world.rita) for text in ("Rolled back.", "Hm."))
    world.run_until_idle()
    first.content = "Rolled forward."
    incident.notes.remove(second)
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "Done.", world.rita)
    run_poll(world)
    assert [text.split("\n")[1] for text in comments(issue)] == ["Rolled forward.", "Done."]
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("more", [{"visibility": {"type": "role",
                                                  "value": "Administrators"}}, {
    "properties": [{"key": "sd.public.comment", "value": {"internal": True}}]}])
def test_what_is_not_for_everybody_stays_in_jira(linked, more):
    world, incident, issue = linked
    say(world, issue, "The customer is Acme.", **more)
    world.run_until_idle()
    assert is_idle_after_polls(world)
    assert notes(incident) == []


def test_what_a_webhook_does_not_say_is_for_some_only_stays_there_too(linked):
    world, incident, issue = linked
    world.jira.sends_visibility = False
    role = {"type": "role", "value": "Administrators"}
    say(world, issue, "The customer is Acme.", visibility=role)
    made = say(world, issue, "Traffic is back.")
    world.run_until_idle()
    assert len(notes(incident)) == 1
    world.clock.advance(5)
    say(world, issue, "Acme's traffic is back.", at=made, visibility=role)
    world.run_until_idle()
    assert is_idle_after_polls(world)
    assert notes(incident) == []


def test_what_is_restricted_later_is_taken_back(linked):
    world, incident, issue = linked
    made = say(world, issue, "The customer is Acme.")
    world.run_until_idle()
    say(world, issue, "The customer is Acme.", at=made, visibility={"type": "role", "value": "Administrators"})
    world.run_until_idle()
    assert notes(incident) == []


def test_a_resolution_note_is_carried_over(linked):
    world, incident, issue = linked
    world.pagerduty.resolve_incident(incident, world.rita, note="Rolled back.")
    world.run_until_idle()
    assert comments(issue)[0].endswith(":\nResolution Note: Rolled back.")
    assert is_idle_after_polls(world)


def test_notes_from_before_there_was_an_issue_come_with_it(make_linked):
    world, _, _ = make_linked()
    slow = world.pagerduty.trigger_incident(world.service, "Slow", world.rita, "P3")
    world.pagerduty.add_note(slow, "Looking.", world.rita)
    world.pagerduty.set_priority(slow, "P1", world.rita)
    world.run_until_idle()
    run_poll(world)
    assert [text.split("\n")[1] for text in comments(world.find_issue(slow))] == ["Looking."]
    assert is_idle_after_polls(world)


def test_whoever_lends_jpi_their_account_can_still_write(make_linked):
    world, incident, issue = make_linked(PAGERDUTY_USER_EMAIL="rita@example.com", JIRA_USER_EMAIL="jim@example.com",
                                         JIRA_API_TOKEN="jim-token-at-jira")
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    say(world, issue, "Traffic is back.")
    world.run_until_idle()
    assert (len(issue.comments), len(incident.notes)) == (2, 2)
    for _ in range(2):
        run_poll(world)
    assert (len(issue.comments), len(incident.notes)) == (2, 2)


def test_v2_webhooks_tell_of_notes_too(make_linked):
    world, incident, issue = make_linked()
    world.use_v2_webhooks()
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.run_until_idle()
    assert len(issue.comments) == 1
    assert is_idle_after_polls(world)


def test_a_trimmed_note_is_fetched_whole(linked, monkeypatch):
    world, incident, issue = linked
    monkeypatch.setattr("sandbox.pagerduty.webhooks.make_v3_note", lambda incident, note: {
        "incident": incident.to_reference(), "id": note.id, "content": note.content[:5], "trimmed": True,
        "type": "incident_note"})
    world.pagerduty.add_note(incident, "A long story.", world.rita)
    world.run_until_idle()
    assert comments(issue)[0].endswith(":\nA long story.")


@pytest.mark.parametrize("after", [False, True])
def test_an_answer_lost_makes_no_second_one(linked, after):
    world, incident, issue = linked
    world.jira_server.choose_fault = make_fault_on_call("POST", "/comment", 0, after)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.run_until_idle()
    world.clock.advance(31)
    world.run_until_idle()
    world.pagerduty_server.choose_fault = make_fault_on_call("POST", "/notes", 0, after)
    say(world, issue, "Traffic is back.")
    world.run_until_idle()
    for _ in range(3):
        run_poll(world)
    assert (len(issue.comments), len(incident.notes)) == (2, 2)
    assert is_idle_after_polls(world)


def test_a_comment_deleted_on_jira_is_not_made_again(linked):
    world, incident, issue = linked
    note = world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.run_until_idle()
    world.jim.request("DELETE", f"/rest/api/3/issue/{issue.key}/comment/{issue.comments[0].id}")
    world.run_until_idle()
    note.content = "Rolled forward."
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "Done.", world.rita)
    run_poll(world)
    assert [text.split("\n")[1] for text in comments(issue)] == ["Done."]
    # Until a second look has not found the comment either.
    poll_sparsely(world, 5)
    assert [text.split("\n")[1] for text in comments(issue)] == ["Done."]
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("direction", "there"), [("off", (1, 1)), ("to-jira", (2, 1)), ("to-pagerduty", (1, 2))])
def test_the_sync_file_says_which_way(make_linked, direction, there):
    world, incident, issue = make_linked(f'[sync]\ncomments = "{direction}"')
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    say(world, issue, "Traffic is back.")
    world.run_until_idle()
    run_poll(world)
    assert (len(issue.comments), len(incident.notes)) == there
    read = [call.path for call in world.list_jpi_calls() if "note" in call.path or "comment" in call.path]
    assert direction != "off" or read == []
    assert is_idle_after_polls(world)


def test_the_log_does_not_tell_what_people_wrote(linked, caplog):
    world, incident, issue = linked
    world.pagerduty.add_note(incident, "The password is hunter2.", world.rita)
    say(world, issue, "Then hunter3.")
    world.run_until_idle()
    assert "hunter" not in caplog.text


