"""Decides whether the poll is late, for /health, the status page and the doctor alike. Pure."""

LATE_POLL_INTERVALS = 3


def is_poll_late(last_poll_at: float | None, now: float, interval_seconds: float, *, is_deployed: bool) -> bool:
    """True if the poll is more than three intervals old or, where it is scheduled, has never succeeded."""
    if last_poll_at is None:
        return is_deployed
    return now - last_poll_at > LATE_POLL_INTERVALS * interval_seconds
