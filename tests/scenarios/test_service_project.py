"""A project of Jira Service Management: what its customers read, and the queue that an issue is in."""

import pytest

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
