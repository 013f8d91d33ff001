"""Logs: one JSON object a line, through aws-lambda-powertools (this file is its only import)."""

from aws_lambda_powertools import Logger

__all__ = ["Logger", "make_logger"]

SERVICE_NAME = "jpi"


def set_request_id(log: Logger, request_id: str) -> None:
    """Have the lines of this thread say from now on which delivery, poll or command they belong to."""
    log.thread_safe_clear_keys()
    log.thread_safe_append_keys(request=request_id)


def make_logger(level: str, stage: str = "") -> Logger:
    """The logger; `stage` stands in every line, fields go into `extra`. Never give it a token or a whole payload."""
    made = Logger(service=SERVICE_NAME, level=level, utc=True, location=None, use_rfc3339=True)
    # Of one service there is one logger, which else keeps the level that it was first made with.
    made.setLevel(level)
    made.append_keys(stage=stage)
    return made
