"""A world that is brought back is the one it was, and goes on from there."""

import pytest

from sandbox.world_snapshot import WorldSnapshot
from tests.world_actions import is_idle_after_polls, run_poll


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_what_happened_since_has_not_happened(make_world, queued):
    world = make_world(queued=queued)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    run_poll(world)
    before, rows, time = WorldSnapshot(world), world.make_summary_rows(), world.clock()
    for _ in range(2):
        present = world.pagerduty.incidents[incident.id]
        world.pagerduty.resolve_incident(present, world.rita)
        world.pagerduty.trigger_incident(world.service, "Slow", world.rita, "P1")
        world.run_until_idle()
        run_poll(world)
        assert ([row[2] for row in world.make_summary_rows()], len(world.list_issues())) == (
            ["resolved", "triggered"],
            2,
        )
        before.restore_world()
        assert (world.make_summary_rows(), world.clock()) == (rows, time)
        assert is_idle_after_polls(world), "jpi's own rows were brought back as well"
        before.restore_world()


def test_what_is_on_its_way_is_brought_back(make_world):
    world = make_world(queued=True)
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    before = WorldSnapshot(world)
    world.run_until_idle()
    before.restore_world()
    assert (len(world.pagerduty.outbox.pending), world.list_issues()) == (1, [])
    world.pagerduty.outbox.deliver_due()
    queued = WorldSnapshot(world)
    world.run_until_idle()
    queued.restore_world()
    assert (world.event_source.count_waiting(), world.list_issues()) == (1, [])
    world.run_until_idle()
    assert len(world.list_issues()) == 1


def test_a_world_on_sockets_cannot_be_brought_back(make_loopback_world):
    with pytest.raises(TypeError):
        WorldSnapshot(make_loopback_world())
