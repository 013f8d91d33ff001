"""jpi's pure part alone, without engine, poll and store: what it decides is done at once."""

from jpi.domain.decide import advance_watermarks, decide, record_action
from sandbox.clock import Clock
from tests.fakes.events import take_event

# What becomes of an event under way: it arrives, arrives and comes again, or never does.
FATES = ("deliver", "again", "lose")


class PureWorld:
    """An incident and its issue with the link between them; each test says what the two sides are (`perform`, `read`).

    `under_way`: events that did not arrive yet; `writes`: what jpi wrote, by side.
    """

    def __init__(self, link, policy):
        self.clock, self.link, self.policy = Clock(), link, policy
        self.in_flight, self.writes = [], []

    def perform(self, action):
        """Do what was decided; return it as it was done."""
        raise NotImplementedError

    def read(self):
        """Return events of what both sides are now."""
        raise NotImplementedError

    def apply(self, event):
        """Let an event arrive: decide, perform, and remember it in the link."""
        for action in decide(event, self.link, self.policy).actions:
            self.clock.advance(1)
            done = self.perform(action)
            self.link = record_action(done, self.link)
        self.link = advance_watermarks(event, self.link)

    def deliver_pending_event(self, fate, number):
        """Let an event under way meet its fate, one of FATES."""
        if not self.in_flight:
            return
        event = take_event(self.in_flight, number, keep=fate == "again")
        if fate != "lose":
            self.apply(event)

    def poll(self):
        """Read both sides, then apply what was read."""
        self.clock.advance(1)
        for event in self.read():
            self.apply(event)
