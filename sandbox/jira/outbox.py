"""How Jira delivers admin webhooks: what it retries, how often, and how it marks a retry."""

from dataclasses import dataclass

from sandbox.clock import Clock
from sandbox.webhook_outbox import Delivery, DeliveryRules, Outbox


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


def is_retried(status: int) -> bool:
    """True if Jira sends again after this answer; 0 stands for no answer."""
    return status in (0, 408, 409, 425, 429) or status >= 500


# Jira retries five times, after random delays of 5 to 15 minutes. See "Webhooks", retry policy:
# https://developer.atlassian.com/cloud/jira/platform/webhooks/
JIRA_RULES = DeliveryRules(timeout_seconds=20.0, is_retried=is_retried, retry_delays_seconds=(600.0,) * 5)


class JiraOutbox(Outbox):
    """An outbox by Jira's rules that numbers its retries."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, JIRA_RULES)

    def _attempt_delivery(self, delivery: Delivery) -> bool:
        if delivery.answer_statuses:
            delivery.headers["X-Atlassian-Webhook-Retry"] = str(len(delivery.answer_statuses))
        return super()._attempt_delivery(delivery)
