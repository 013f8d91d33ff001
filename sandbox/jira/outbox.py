"""How Jira delivers admin webhooks: what it retries, how often, and what it says on a retry."""

from dataclasses import dataclass

from sandbox.clock import Clock
from sandbox.webhooks import Delivery, Outbox, Rules


@dataclass
class Webhook:
    """An admin webhook."""

    id: str
    name: str
    url: str
    events: list[str]
    owner: str
    updated: float
    jql: str = ""
    secret: str | None = None
    enabled: bool = True
    exclude_body: bool = False


def retried(status: int) -> bool:
    """Whether Jira sends again after this answer; 0 is none at all."""
    return status in (0, 408, 409, 425, 429) or status >= 500


# Shared facts on Jira, 1.6. Really 5 to 15 minutes each, at random.
JIRA_RULES = Rules(timeout=20.0, retried=retried, delays=(600.0,) * 5)


class JiraOutbox(Outbox):
    """An outbox by Jira's rules that numbers its retries."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, JIRA_RULES)

    def _attempt(self, delivery: Delivery) -> bool:
        if delivery.answers:
            delivery.headers["X-Atlassian-Webhook-Retry"] = str(len(delivery.answers))
        return super()._attempt(delivery)
