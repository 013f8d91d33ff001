"""Pauses a link for which jpi writes too much."""

from dataclasses import replace

from jpi.domain.actions import Action
from jpi.domain.descriptions import describe_pause
from jpi.domain.events import Event
from jpi.domain.link import Link
from jpi.metrics import build_emf_fields, declare_metrics
from jpi.sync.ports import Log


def pause_link(link: Link, action: Action, event: Event, now: float, log: Log) -> tuple[Link, str]:
    """Return the link, paused if it was not, and why its action has to wait."""
    pause = link.write_log.pause
    if pause is None or not link.write_log.is_paused(now):
        pause = link.write_log.build_pause(action, event, now)
        # sls/resources/alarms.js has an alarm by this metric.
        metric = build_emf_fields(now, declare_metrics({"paused_links": "Count"}))
        log.error("a link is paused", extra={"incident": link.incident_id, "issue": link.issue_key,
                                             "reason": describe_pause(pause), "paused_links": 1, **metric})
    return replace(link, write_log=replace(link.write_log, pause=pause)), describe_pause(pause)
