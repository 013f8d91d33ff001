"""The store as plain Python, as strict about versions as DynamoDB is."""

from dataclasses import dataclass, field, replace

from jpi.errors import LostRace
from jpi.sync.link import Link
from jpi.sync.poll import Position
from sandbox.clock import Clock
from tests.fakes.faults import BreakingCalls, read_call, write_call

DAY_SECONDS = 86_400.0


@dataclass
class FakeTable:
    """A table, whose every use is a call over the wire."""

    calls: BreakingCalls
    writes: int = 0


@dataclass
class FakeLinks(FakeTable):
    """`jpi.sync.ports.Links`, by incident in `rows`."""

    rows: dict[str, Link] = field(default_factory=dict)

    @read_call
    def get(self, incident_id):
        """Return the incident's link, a new one where it has none."""
        return self._get(incident_id)

    @read_call
    def get_all(self, incident_ids):
        """Return several incidents' links by id."""
        return {incident_id: self._get(incident_id) for incident_id in incident_ids}

    def _get(self, incident_id):
        return self.rows.get(incident_id) or Link(incident_id)

    @read_call
    def incident_of(self, issue_key):
        """Return the incident whose link holds this issue."""
        return next((link.incident_id for link in self.rows.values() if link.issue_key == issue_key), None)

    @read_call
    def open(self):
        """Return every link that the poll still has to look at."""
        return [link for link in self.rows.values() if link.open]

    @write_call
    def save(self, link):
        """Save over the version read; LostRace otherwise."""
        self.rows[link.incident_id] = saved(link, self.rows.get(link.incident_id))
        return self.rows[link.incident_id]


@dataclass
class FakeLedger(FakeTable):
    """`jpi.sync.ports.Ledger`."""

    ids: set[str] = field(default_factory=set)

    @read_call
    def known(self, ids):
        """Return which of these were carried over."""
        return self.ids & set(ids)

    @write_call
    def add(self, ids):
        """Remember that these were carried over."""
        self.ids |= set(ids)


@dataclass
class FakeCursor(FakeTable):
    """`jpi.sync.poll.Cursor`."""

    position: Position | None = None

    @read_call
    def load(self):
        """Return the last position; None before the first poll."""
        return self.position

    @write_call
    def save(self, position):
        """Save over the version read; LostRace otherwise."""
        self.position = saved(position, self.position)


@dataclass
class FakeCache:
    """`jpi.sync.ports.Cache`, of one process."""

    clock: Clock
    values: dict = field(default_factory=dict)

    def get(self, name):
        """Return the value, None where there is none of today's."""
        value, until = self.values.get(name, (None, 0.0))
        return value if self.clock() < until else None

    def remembered(self, name, find):
        """Return the value, found and remembered until tomorrow where it is not known."""
        value = self.get(name)
        if value is None and (value := find()):
            self.values[name] = value, self.clock() + DAY_SECONDS
        return value


def saved(row, stored):
    """Return the row with its next version; LostRace where it was not read from what is stored."""
    if row.version != (stored.version if stored else None):
        raise LostRace("somebody else was first")
    return replace(row, version=(row.version or 0) + 1)
