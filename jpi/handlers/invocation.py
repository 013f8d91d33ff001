"""Starts an invocation of a function: how long it may go on, and its request id."""

import uuid
from typing import Any

from jpi.wiring import App

# Kept back for saving what was done, which DynamoDB may be slow to take.
RESERVE_SECONDS = 10.0
DEFAULT_BUDGET_SECONDS = 300.0


def start_invocation(app: App, context: Any) -> str:
    """Start the time budget and the log of this invocation (a Lambda context, or None), and return its request id."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    request_id = str(getattr(context, "aws_request_id", "") or uuid.uuid4())
    app.begin_invocation(remaining() / 1000 - RESERVE_SECONDS if remaining else DEFAULT_BUDGET_SECONDS, request_id)
    return request_id
