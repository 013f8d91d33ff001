"""What came of each event, as its link keeps it. Pure."""

from dataclasses import dataclass

from jpi.domain.model import Side


@dataclass(frozen=True)
class HistoryStep:
    """An action in words, whether all of it was done, and when."""

    text: str
    is_done: bool
    at: float


@dataclass(frozen=True)
class HistoryFailure:
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
