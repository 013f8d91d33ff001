"""The fakes are as strict as what they stand for."""

import inspect
from dataclasses import replace

import pytest

from jpi.domain.link import Link
from jpi.domain.policy import TransitionTarget
from jpi.errors import AwsOutage, LostRace, OutcomeUnknown
from jpi.store import ports as store_ports
from jpi.sync import poller, ports
from sandbox.aws.memory_stores import MemoryConfig, MemoryLinks, MemoryProcessedIds
from sandbox.clock import START
from tests.fakes.faults import CallFault, Crash
from tests.fakes.jira import INDEX_LAG_SECONDS, FakeJira
from tests.fakes.log import FakeLog
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.services import JIM, JIRA_BOT, PAGERDUTY_BOT, RITA, NoComments, NoNotes, WholeScreens
from tests.fakes.world import FakeWorld

PORTS = {FakeJira: ports.Jira, FakePagerDuty: ports.PagerDuty, FakeLog: ports.Log, NoComments: ports.Comments,
         NoNotes: ports.Notes, WholeScreens: ports.CreateScreens, MemoryLinks: store_ports.Links,
         MemoryProcessedIds: store_ports.ProcessedIds, MemoryConfig: store_ports.ConfigTable}


def parameters(method):
    return [(name, one.kind, one.default) for name, one in inspect.signature(method).parameters.items()]


@pytest.mark.parametrize("fake", PORTS)
def test_a_fake_takes_what_its_port_does(fake):
    port = PORTS[fake]
    shared = [name for name, method in inspect.getmembers(port, inspect.isfunction)
              if not name.startswith("_") and hasattr(fake, name)]
    assert shared
    for name in shared:
        assert parameters(getattr(fake, name)) == parameters(getattr(port, name)), name


@pytest.mark.parametrize("fake", [MemoryLinks, MemoryProcessedIds, MemoryConfig, FakeLog])
def test_the_fakes_of_store_and_log_leave_nothing_out(fake):
    wanted = {name for name, _ in inspect.getmembers(PORTS[fake], inspect.isfunction) if not name.startswith("_")}
    assert {name for name in wanted if not hasattr(fake, name)} == set()


def test_of_two_who_read_the_same_link_or_position_one_loses():
    world = FakeWorld()
    world.links.save(Link("Q1"))
    read = world.links.get("Q1")
    world.links.save(read)
    with pytest.raises(LostRace):
        world.links.save(read)
    with pytest.raises(LostRace):
        world.links.save(Link("Q1"))
    world.cursor.save(poller.PollPosition(START, START))
    with pytest.raises(LostRace):
        world.cursor.save(poller.PollPosition(START, START))


@pytest.fixture
def linked_world():
    """A P1 with its issue, whose webhook arrived."""
    world = FakeWorld()
    world.pagerduty.trigger_incident("P1")
    world.deliver_webhook(world.in_flight.pop())
    world.drain()
    return world


def test_a_search_finds_a_new_issue_late(linked_world):
    [key] = linked_world.jira.list_incident_issues("Q0")
    draft = linked_world.jira.issues[key].draft
    [_, label] = draft.labels
    assert linked_world.jira.find_created_issue(draft) is None
    assert linked_world.jira.find_recently_changed(label, 5, ()) == []
    linked_world.clock.advance(INDEX_LAG_SECONDS)
    assert linked_world.jira.find_created_issue(draft).key == key
    assert linked_world.jira.find_recently_changed(label, 5, ()) == [key]
    assert linked_world.jira.find_created_issue(replace(draft, project="OTHER")) is None


def test_jpi_hears_of_its_own_moves_as_of_those_of_people(linked_world):
    [key] = linked_world.jira.list_incident_issues("Q0")
    linked_world.jira.transition_issue(key, TransitionTarget("indeterminate", "new"))
    linked_world.jira.act_as_jim(key, "done")
    linked_world.pagerduty.set_status("Q0", "acknowledged")
    linked_world.pagerduty.act_as_rita("Q0", "resolved")
    assert [event.actor for event in linked_world.in_flight] == [JIRA_BOT, JIM, PAGERDUTY_BOT, RITA]


def test_a_person_who_closed_an_issue_keeps_it_closed(linked_world):
    [key] = linked_world.jira.list_incident_issues("Q0")
    linked_world.jira.act_as_jim(key, "done")
    assert linked_world.jira.transition_issue(key, TransitionTarget("indeterminate", "new")) == "left"
    assert linked_world.jira.transition_issue(key, TransitionTarget("done", "new")) == "there"


@pytest.mark.parametrize(
    ("fault", "error", "is_done"),
    [
        (CallFault.CRASH_BEFORE, Crash, False),
        (CallFault.CRASH_AFTER, Crash, True),
        (CallFault.REFUSED, AwsOutage, False),
    ],
)
def test_the_planned_call_breaks_and_no_other(fault, error, is_done):
    world = FakeWorld()
    ledger = world.stores.processed_ids
    world.calls.plan_fault(1, fault)
    ledger.mark_processed(["R1"])
    with pytest.raises(error):
        ledger.mark_processed(["R2"])
    ledger.mark_processed(["R3"])
    assert ledger.already_processed(["R1", "R2", "R3"]) == {"R1", "R3"} | ({"R2"} if is_done else set())


def test_a_lost_answer_breaks_a_write_to_a_service_and_not_one_to_the_store(linked_world):
    linked_world.calls.plan_fault(0, CallFault.ANSWER_LOST)
    with pytest.raises(OutcomeUnknown):
        linked_world.pagerduty.edit("Q0", {"title": "Up"})
    linked_world.calls.plan_fault(0, CallFault.ANSWER_LOST)
    link = linked_world.links.get("Q0")
    linked_world.calls.plan_fault(0, CallFault.ANSWER_LOST)
    assert linked_world.links.save(link).version == link.version + 1
