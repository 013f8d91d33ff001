"""Webhook deliveries as a sender makes them: retried, dropped and switched off by that sender's own rules."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from sandbox.clock import Clock


@dataclass(frozen=True)
class DeliveryRules:
    """How a sender treats an answer: what it retries, when, and how many drops in a row switch the webhook off."""

    timeout_seconds: float
    is_retried: Callable[[int], bool]
    retry_delays_seconds: tuple[float, ...]
    drops_until_disabled: int | None = None
    disabled_seconds: float = 0.0


@dataclass
class Delivery:
    """One webhook on its way; deliveries of one `group` wait for each other, in order."""

    url: str
    headers: dict[str, str]
    body: bytes
    group: str
    due_at: float
    subscription: str = ""
    answer_statuses: list[int] = field(default_factory=list)

    @property
    def payload(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


def post_delivery(delivery: Delivery, timeout: float, session: requests.Session | None = None) -> int:
    """Send it once over HTTP; the status, or 0 where no answer came in time."""
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
    """Deliveries not yet made. `pump` tries what is due; nothing moves by itself.

    `post` sends one; `heard` is told of each that was tried or, with no answers, lost. A copy has neither.
    """

    def __init__(self, clock: Clock, rules: DeliveryRules) -> None:
        self.clock = clock
        self.rules = rules
        self.is_losing = False
        self.post: Callable[[Delivery, float], int] = post_delivery
        self.heard: Callable[[Delivery], None] = ignore_delivery
        self.pending: list[Delivery] = []
        self.delivered: list[Delivery] = []
        self.dropped: list[Delivery] = []
        self._drop_counts: dict[str, int] = {}
        self.disabled_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: the data, and nothing that belongs to whoever runs it."""
        return {name: value for name, value in vars(self).items() if name not in ("post", "heard", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the data of another outbox; whoever runs this one goes on running it."""
        running = {"post": post_delivery, "heard": ignore_delivery, "_lock": threading.Lock()}
        vars(self).update({**running, **vars(self), **state})

    def enqueue(self, url: str, headers: dict[str, str], body: bytes, group: str, subscription: str = "") -> None:
        """Put a webhook on its way, unless webhooks are being lost or this subscription is switched off."""
        delivery = Delivery(url, headers, body, group, self.clock(), subscription)
        if self.is_losing:
            self.heard(delivery)
        elif self.disabled_until.get(subscription, 0.0) <= self.clock():
            self.pending.append(delivery)

    def deliver_due(self) -> int:
        """Try every delivery that is due once, keeping the order within a group; how many were tried."""
        with self._lock:
            held: set[str] = set()
            tried = 0
            for delivery in list(self.pending):
                if delivery not in self.pending:
                    # Its subscription was switched off just now, and its queue with it.
                    continue
                ready = delivery.due_at <= self.clock() and delivery.group not in held
                if ready:
                    tried += 1
                if not ready or not self._attempt_delivery(delivery):
                    held.add(delivery.group)
            return tried

    def _attempt_delivery(self, delivery: Delivery) -> bool:
        status = self.post(delivery, self.rules.timeout_seconds)
        delivery.answer_statuses.append(status)
        self.heard(delivery)
        if 200 <= status < 300:
            return self._finish_delivery(delivery, self.delivered)
        tries = len(delivery.answer_statuses)
        if not self.rules.is_retried(status) or tries > len(self.rules.retry_delays_seconds):
            return self._finish_delivery(delivery, self.dropped)
        delivery.due_at = self.clock() + self.rules.retry_delays_seconds[tries - 1]
        return False

    def _finish_delivery(self, delivery: Delivery, where: list[Delivery]) -> bool:
        self.pending.remove(delivery)
        where.append(delivery)
        name = delivery.subscription
        self._drop_counts[name] = self._drop_counts.get(name, 0) + 1 if where is self.dropped else 0
        if self.rules.drops_until_disabled and self._drop_counts[name] >= self.rules.drops_until_disabled:
            self.disabled_until[name] = self.clock() + self.rules.disabled_seconds
            self.pending = [d for d in self.pending if d.subscription != name]
        return True
