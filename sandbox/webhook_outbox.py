"""Deliver webhooks as a sender does: retry, drop and switch off by that sender's own rules."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from sandbox.clock import Clock


@dataclass(frozen=True)
class DeliveryRules:
    """How a sender treats answers: what it retries, when, and how many drops in a row disable the webhook."""

    timeout_seconds: float
    is_retried: Callable[[int], bool]
    retry_delays_seconds: tuple[float, ...]
    drops_until_disabled: int | None = None
    disabled_seconds: float = 0.0


@dataclass
class Delivery:
    """One webhook to deliver; deliveries of one `group` go out in order, one after another."""

    url: str
    headers: dict[str, str]
    body: bytes
    group: str
    due_at: float
    subscription: str = ""
    answer_statuses: list[int] = field(default_factory=list)

    @property
    def payload(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


def post_delivery(delivery: Delivery, timeout: float, session: requests.Session | None = None) -> int:
    """Send the delivery once over HTTP; return the status, or 0 if no answer came in time."""
    try:
        send = session.post if session else requests.post
        answer = send(delivery.url, data=delivery.body, headers=delivery.headers, timeout=timeout,
                      allow_redirects=False)
    except requests.RequestException:
        return 0
    return answer.status_code


def ignore_delivery(delivery: Delivery) -> None:
    """Do nothing."""


class Outbox:
    """Deliveries to make. `deliver_due` tries those that are due; nothing happens by itself.

    `post` sends one. `delivery_listener` gets each one that was tried, or (without answers) lost. A copy has neither.
    """

    def __init__(self, clock: Clock, rules: DeliveryRules) -> None:
        self.clock = clock
        self.rules = rules
        self.is_losing = False
        self.post: Callable[[Delivery, float], int] = post_delivery
        self.delivery_listener: Callable[[Delivery], None] = ignore_delivery
        self.pending: list[Delivery] = []
        self.delivered: list[Delivery] = []
        self.dropped: list[Delivery] = []
        self._drop_counts: dict[str, int] = {}
        self.disabled_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Return the data for a copy, without what belongs to the running outbox."""
        return {name: value for name, value in vars(self).items() if name not in ("post", "delivery_listener", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the data of another outbox; keep what belongs to the running one."""
        running = {"post": post_delivery, "delivery_listener": ignore_delivery, "_lock": threading.Lock()}
        vars(self).update({**running, **vars(self), **state})

    def add_delivery(self, url: str, headers: dict[str, str], body: bytes, group: str, subscription: str = "") -> None:
        """Add a webhook to deliver, unless webhooks are being lost or this subscription is disabled."""
        delivery = Delivery(url, headers, body, group, self.clock(), subscription)
        if self.is_losing:
            self.delivery_listener(delivery)
        elif self.disabled_until.get(subscription, 0.0) <= self.clock():
            self.pending.append(delivery)

    def deliver_due(self) -> int:
        """Try every delivery that is due once, in order within each group; return how many were tried."""
        with self._lock:
            held: set[str] = set()
            tried = 0
            for delivery in list(self.pending):
                if delivery not in self.pending:
                    # A drop just disabled its subscription and removed its deliveries.
                    continue
                is_due = delivery.due_at <= self.clock() and delivery.group not in held
                if is_due:
                    tried += 1
                if not is_due or not self._attempt_delivery(delivery):
                    held.add(delivery.group)
            return tried

    def _attempt_delivery(self, delivery: Delivery) -> bool:
        status = self.post(delivery, self.rules.timeout_seconds)
        delivery.answer_statuses.append(status)
        self.delivery_listener(delivery)
        if 200 <= status < 300:
            return self._finish_delivery(delivery, self.delivered)
        tries = len(delivery.answer_statuses)
        if not self.rules.is_retried(status) or tries > len(self.rules.retry_delays_seconds):
            return self._finish_delivery(delivery, self.dropped)
        delivery.due_at = self.clock() + self.rules.retry_delays_seconds[tries - 1]
        return False

    def _finish_delivery(self, delivery: Delivery, deliveries: list[Delivery]) -> bool:
        self.pending.remove(delivery)
        deliveries.append(delivery)
        name = delivery.subscription
        self._drop_counts[name] = self._drop_counts.get(name, 0) + 1 if deliveries is self.dropped else 0
        if self.rules.drops_until_disabled and self._drop_counts[name] >= self.rules.drops_until_disabled:
            self.disabled_until[name] = self.clock() + self.rules.disabled_seconds
            self.pending = [other for other in self.pending if other.subscription != name]
        return True
