"""A world that is brought back is the one it was, and goes on from there."""

import pytest

from sandbox.snapshot import Snapshot
from tests.acting import poll, quiet


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_what_happened_since_has_not_happened(make_world, queued):
    world = make_world(queued=queued)
    incident = world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
    world.settle()
    poll(world)
    before, rows, time = Snapshot(world), world.rows(), world.clock()
    for _ in range(2):
        present = world.pagerduty.incidents[incident.id]
        world.pagerduty.resolve(present, world.rita)
        world.pagerduty.trigger(world.service, "Slow", world.rita, "P1")
        world.settle()
        poll(world)
        assert ([row[2] for row in world.rows()], len(world.issues())) == (["resolved", "triggered"], 2)
        before.restore()
        assert (world.rows(), world.clock()) == (rows, time)
        assert quiet(world), "jpi's own rows were brought back as well"
        before.restore()


def test_what_is_on_its_way_is_brought_back(make_world):
    world = make_world(queued=True)
    world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
    before = Snapshot(world)
    world.settle()
    before.restore()
    assert (len(world.pagerduty.outbox.waiting), world.issues()) == (1, [])
    world.pagerduty.outbox.pump()
    queued = Snapshot(world)
    world.settle()
    queued.restore()
    assert (world.events.waiting(), world.issues()) == (1, [])
    world.settle()
    assert len(world.issues()) == 1


def test_a_world_on_sockets_cannot_be_brought_back(make_loopback_world):
    with pytest.raises(TypeError):
        Snapshot(make_loopback_world())
