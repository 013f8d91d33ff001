"""Parts of a link: a synced field with its replicas, and what came of each event. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from jpi.domain.model import Side
from jpi.errors import HttpStatusWords

# More than are ever under way: a late echo of jpi's own write must not be taken for a person's change.
MAX_OWN_WRITES = 30


class FieldName(StrEnum):
    """The fields that have a value on either side."""

    TITLE = "title"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"


@dataclass(frozen=True)
class OwnWrite:
    """A value that jpi wrote, what it replaced as far as jpi knew, and when: a late event of it is an echo."""

    value: str
    replaced: str | None
    at: float


@dataclass(frozen=True)
class Replica:
    """One field as one side last showed it, or as jpi set it; newest own write last."""

    value: str | None = None
    own_writes: tuple[OwnWrite, ...] = ()

    @property
    def last_write_at(self) -> float:
        """Return when jpi last set the field, in epoch seconds of our own clock; 0.0 if it never did."""
        return self.own_writes[-1].at if self.own_writes else 0.0

    @property
    def recent_values(self) -> list[str]:
        """Return the values that jpi wrote or replaced, newest first."""
        texts = (text for write in reversed(self.own_writes) for text in (write.value, write.replaced))
        return [text for text in texts if text]

    def is_echo(self, value: str, at: float) -> bool:
        """True if jpi wrote this value, no later than it was seen."""
        return any(write.value == value and at >= write.at for write in self.own_writes)

    def with_own_write(self, value: str, at: float) -> "Replica":
        """Return the replica once jpi has set this value."""
        write = OwnWrite(value, self.value, max(at, self.last_write_at))
        return Replica(value, (*self.own_writes, write)[-MAX_OWN_WRITES:])


@dataclass(frozen=True)
class SyncedField:
    """A field on both sides, and when its newest value was set where it comes from, in epoch seconds."""

    pagerduty: Replica = Replica()
    jira: Replica = Replica()
    changed_at: float = 0.0

    def on(self, side: Side) -> Replica:
        """Return the field as this side has it."""
        return self.jira if side is Side.JIRA else self.pagerduty

    def with_replica(self, side: Side, replica: Replica, changed_at: float) -> "SyncedField":
        """Return the field once this side has it like that."""
        is_jira = side is Side.JIRA
        return SyncedField(self.pagerduty if is_jira else replica, replica if is_jira else self.jira, changed_at)


@dataclass(frozen=True)
class HistoryStep:
    """An action in words, whether all of it was done, and when."""

    text: str
    is_done: bool
    at: float


@dataclass(frozen=True)
class HistoryFailure(HttpStatusWords):
    """The error for which an event could not be applied: its class, its words and, of a refusal, what it refused."""

    kind: str
    reason: str
    service: str = ""
    status: int | None = None
    field_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class HistoryEntry:
    """What came of one event, however often it was delivered.

    `no_action_reason`: why it called for nothing; `first_at`: when it came first, if it came more than once.
    """

    event_id: str
    event_type: str
    side: Side
    source: str
    happened_at: float
    at: float
    outcome: str
    steps: tuple[HistoryStep, ...] = ()
    no_action_reason: str = ""
    request: str = ""
    failure: HistoryFailure | None = None
    count: int = 1
    first_at: float | None = None

    @property
    def is_whole(self) -> bool:
        """True if something was done, and all of it."""
        return bool(self.steps) and all(step.is_done for step in self.steps) and not self.failure
