"""jpi's pure part alone, without services, poll and store: each decision is carried out at once."""

from jpi.domain.decide import advance_watermarks, decide, record_action
from sandbox.clock import Clock
from tests.fakes.events import take_event

# What happens to an event in flight: it arrives, arrives twice, or gets lost.
FATES = ("deliver", "again", "lose")


class PureWorld:
    """An incident and its issue with their link; subclasses define the two sides (`perform_action`, `read`).

    `in_flight`: events that have not arrived yet; `writes`: jpi's writes, by side.
    """

    def __init__(self, link, policy):
        self.clock, self.link, self.policy = Clock(), link, policy
        self.in_flight, self.writes = [], []

    def perform_action(self, action):
        """Perform an action; return it as performed."""
        raise NotImplementedError

    def read(self):
        """Return events of the current state of both sides."""
        raise NotImplementedError

    def apply(self, event):
        """Apply an event: decide, perform, and record it in the link."""
        for action in decide(event, self.link, self.policy).actions:
            self.clock.advance(1)
            performed = self.perform_action(action)
            self.link = record_action(performed, self.link)
        self.link = advance_watermarks(event, self.link)

    def deliver_pending_event(self, fate, number):
        """Let an event in flight meet its fate, one of FATES."""
        if not self.in_flight:
            return
        event = take_event(self.in_flight, number, keep=fate == "again")
        if fate != "lose":
            self.apply(event)

    def poll_both_sides(self):
        """Read both sides, then apply the events."""
        self.clock.advance(1)
        for event in self.read():
            self.apply(event)
