"""Keeps since when a service does not answer, as the last poll saw it: for the status page."""

from dataclasses import asdict, dataclass

from jpi import wiring

CACHE_KEY = "outages"


@dataclass(frozen=True)
class Outage:
    """A service that did not answer the newest call of the last poll. `since`: epoch seconds of the first such poll."""

    service: str
    since: float
    reason: str


def record_outages(app: wiring.App) -> None:
    """Save which services do not answer; write only if there is, or was, such a service."""
    before = {outage.service: outage for outage in load_outages(app)}
    outages = [Outage(name, before[name].since if name in before else app.clock(), api.outage)
               for name, api in (("Jira", app.jira.api), ("PagerDuty", app.pagerduty.api)) if api.outage]
    if outages or before:
        app.cache.save(CACHE_KEY, [asdict(outage) for outage in outages])


def load_outages(app: wiring.App) -> list[Outage]:
    """Return the outages that the last poll saw."""
    return [Outage(**outage) for outage in app.cache.get_stored(CACHE_KEY) or ()]
