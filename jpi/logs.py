"""Logs one JSON object a line, through aws-lambda-powertools (this file is its only import)."""

from aws_lambda_powertools import Logger

__all__ = ["Logger", "make_logger"]

SERVICE_NAME = "jpi"


def set_request_id(log: Logger, request_id: str) -> None:
    """Add the id of the current delivery, poll or command to every later line of this thread."""
    log.thread_safe_clear_keys()
    log.thread_safe_append_keys(request=request_id)


def make_logger(level: str, stage: str = "") -> Logger:
    """Return the logger, which adds `stage` to every line. Never log a token or a whole payload."""
    log = Logger(service=SERVICE_NAME, level=level, utc=True, location=None, use_rfc3339=True)
    # Powertools keeps one logger a service, at the level that it was first made with.
    log.setLevel(level)
    log.append_keys(stage=stage)
    return log
