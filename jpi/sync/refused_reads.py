"""Keeps the reads that a service refused, so that they stop nothing but what needs them."""

from collections.abc import Iterator
from contextlib import contextmanager

from jpi.domain.backlog import StepId, describe_refusal, get_source
from jpi.domain.link import Link
from jpi.domain.retry_state import stops_everything
from jpi.errors import PermanentError, Refused
from jpi.sync.ports import Log


class RefusedReads:
    """Collects the reads that failed for good, by the steps that they are for."""

    def __init__(self, link: Link, log: Log) -> None:
        self._link = link
        self._log = log
        self.reason_by_step: dict[StepId, str] = {}

    @contextmanager
    def contain_refusal(self, step_id: StepId) -> Iterator[None]:
        """Keep why this step's read failed for good instead of raising it, unless nothing can go on."""
        try:
            yield
        except PermanentError as error:
            if isinstance(error, Refused) and stops_everything(error, self._link):
                raise
            self.keep_step(step_id, describe_refusal(error))

    def keep_step(self, step_id: StepId, reason: str) -> None:
        """Keep why this step's read was refused, or what it read is not readable."""
        self._log.warning("a read was refused", extra={"incident": self._link.incident_id, "step": step_id.kind,
                                                       "reason": reason})
        self.reason_by_step[step_id] = reason

    def save_to(self, link: Link, now: float) -> Link:
        """Return the link with these refusals in its backlog."""
        for step_id, reason in self.reason_by_step.items():
            link = link.with_refused_step(step_id, "", get_source(step_id).display_name, reason, now)
        return link
