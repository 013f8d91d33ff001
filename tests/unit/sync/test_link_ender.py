"""A link ends only by two looks, two minutes and an invocation apart, at a side that knows our account."""

import pytest

from jpi.domain.link import SECOND_LOOK_SECONDS, IssueRef, Link
from jpi.domain.model import Side
from jpi.errors import IdentityDoubt, TooEarly
from jpi.sync.link_ender import EndingRule


class EmptySide:
    """A side that shows nothing, to an invocation of its choice; a stranger's if it has none."""

    def __init__(self):
        self.invocation = "first"

    def has_issue(self, ref, service=None):
        return False

    has_incident = has_issue

    def verify_identity(self):
        if not self.invocation:
            raise IdentityDoubt("Jira", "401")
        return self.invocation


@pytest.fixture(params=Side)
def look(request, make_world):
    """Return (`look()`: whether the link's thing is gone, the side, the clock)."""
    world, side = make_world(), EmptySide()
    links = world.jpi.links
    links.save(Link("Q1", issue=IssueRef("INCIDENT-1", "10001")))
    rule = EndingRule(side, side, links, world.clock, world.jpi.log)
    return lambda: rule.is_gone(links.get("Q1"), request.param), side, world.clock


def test_a_second_look_of_another_invocation_two_minutes_later_ends_it(look):
    is_gone, side, clock = look
    with pytest.raises(TooEarly):
        is_gone()
    side.invocation = "second"
    clock.advance(SECOND_LOOK_SECONDS - 1)
    with pytest.raises(TooEarly):
        is_gone()
    clock.advance(2)
    assert is_gone()


def test_the_same_invocation_is_no_second_witness(look):
    is_gone, _, clock = look
    for _ in range(3):
        with pytest.raises(TooEarly):
            is_gone()
        clock.advance(SECOND_LOOK_SECONDS + 1)


def test_what_a_stranger_is_told_ends_nothing(look):
    is_gone, side, clock = look
    with pytest.raises(TooEarly):
        is_gone()
    clock.advance(SECOND_LOOK_SECONDS + 1)
    side.invocation = ""
    with pytest.raises(IdentityDoubt):
        is_gone()
