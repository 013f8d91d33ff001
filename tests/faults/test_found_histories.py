"""Histories that `python -m sandbox.simulate` found and shrunk; each was a mistake once."""

import pytest

from jpi import wiring
from sandbox.simulate.history import History, Knobs, Step
from sandbox.simulate.play import KINDS
from sandbox.simulate.theatre import play_history


@pytest.fixture
def play():
    """Return `play(history)`: play it, and check that all held."""
    def play_and_check(history):
        assert play_history(history).failures == ()

    yield play_and_check
    wiring.use_app(None)


def test_notes_from_before_the_priority_was_raised(play):
    play(History(Knobs(), (Step("trigger", 0, 1), Step("resolve"), Step("poll"), Step("set_priority"))))


def test_notes_from_long_before_the_priority_was_raised(play):
    play(History(Knobs(), (
        Step("trigger", 0, 1), Step("add_note"), Step("settle"), *[Step("wait", 3000), Step("poll")] * 3,
        Step("set_priority"))))


def test_a_change_of_the_same_second_from_before_our_own_status(play):
    play(History(Knobs(), (
        Step("trigger"), Step("settle"), Step("kill_token"), Step("move_issue", 0, 1), Step("settle"),
        Step("reassign"), Step("move_issue"))))


def test_whoever_is_on_call_when_jira_reopens_the_incident(play):
    play(History(Knobs(), (Step("trigger"), Step("resolve"), Step("settle"), Step("move_issue"))))


def test_a_change_of_an_issue_whose_creation_was_not_saved(play):
    play(History(Knobs(is_queued=False), (
        Step("trigger"), Step("break", 10), Step("settle"), Step("edit_priority", 0, 1))))


def test_a_reopening_on_pagerduty_that_is_told_before_the_resolution(play):
    play(History(Knobs(), (
        Step("trigger"), Step("settle"), Step("resolve", 0, 1), Step("move_issue", 0, 2), Step("reopen"),
        Step("deliver", 1, 1))))


def test_a_reopening_on_jira_that_our_own_write_has_hidden(play):
    play(History(Knobs(), (
        Step("trigger"), Step("settle"), Step("move_issue", 0, 2), Step("resolve"), Step("move_issue"))))


def test_a_person_works_on_the_issue_while_pagerduty_is_reopened(play):
    play(History(Knobs(), (
        Step("trigger"), Step("resolve"), Step("settle"), Step("reopen"), Step("move_issue"),
        Step("move_issue", 0, 1))))


def test_what_a_link_that_had_ended_was_told_of(play):
    play(History(Knobs(is_queued=False), (
        Step("trigger"), Step("deliver", 0, 1), Step("hide_issue"), Step("wait", 2000), Step("wait", 700),
        Step("wait", 700))))


def test_the_timeline_of_a_link_that_had_ended(play):
    play(History(Knobs(is_queued=False, has_parts=True), (
        Step("trigger"), Step("deliver", 0, 1), Step("hide_issue"), Step("wait", 2000), Step("wait", 700),
        Step("wait", 700))))


def test_a_move_that_failed_before_another_event_showed_it(play):
    play(History(Knobs(is_queued=False), (
        Step("trigger"), Step("hide_incident"), Step("deliver", 0, 1), Step("move_issue", 0, 1), Step("settle"))))


def test_assignees_that_jpi_had_not_heard_of_when_it_acknowledged(play):
    play(History(Knobs(), (Step("trigger"), Step("settle"), Step("move_issue", 0, 1))))


def test_an_issue_that_opened_an_incident_and_got_another_key(play):
    play(History(Knobs(opens_incidents=True), (
        Step("create_issue"), Step("settle"), Step("move_project"), Step("settle"))))


def test_a_priority_that_is_lowered_while_the_issue_is_being_created(play):
    play(History(Knobs(is_queued=False), (
        Step("trigger"), Step("resolve", 0, 1), Step("break", 8, len(KINDS) - 1), Step("settle"),
        Step("set_priority", 0, 1), Step("deliver", 2, 1))))
