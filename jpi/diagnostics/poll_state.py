"""Keeps when the poll last succeeded or why it failed, and decides whether it is late: for the app, page and doctor."""

from jpi import wiring

LATE_POLL_INTERVALS = 3
POLL_ERROR_CACHE_KEY = "poll failed"


def is_poll_late(last_poll_at: float | None, now: float, interval_seconds: float, *, is_deployed: bool) -> bool:
    """True if the poll is more than three intervals old or, where it is scheduled, has never succeeded."""
    if last_poll_at is None:
        return is_deployed
    return now - last_poll_at > LATE_POLL_INTERVALS * interval_seconds


def load_last_poll_time(app: wiring.App) -> float | None:
    """Return when the last poll succeeded, in epoch seconds; None before the first."""
    position = app.cursor.load()
    return position.last_polled_at.timestamp() if position and position.last_polled_at else None


def record_poll_failure(app: wiring.App, error: Exception) -> None:
    """Save why a poll failed."""
    app.cache.save(POLL_ERROR_CACHE_KEY, {"at": app.clock(), "reason": str(error) or type(error).__name__})


def load_poll_error(app: wiring.App, last_poll_at: float | None) -> str:
    """Return why the newest poll failed; empty if it succeeded."""
    failure = app.cache.get_stored(POLL_ERROR_CACHE_KEY)
    return failure["reason"] if failure and failure["at"] > (last_poll_at or 0.0) else ""
