"""How long a function may go on: what Lambda gives it, less what it takes to end in order; and what it is called."""

import uuid
from typing import Any

from jpi.wiring import App

# For saving what was done, when the calls have used up their share: a write that DynamoDB takes its time over.
RESERVE_SECONDS = 10.0
DEFAULT_BUDGET_SECONDS = 300.0


def start_invocation(app: App, context: Any) -> str:
    """Begin with what is left of this invocation (a Lambda context, or nothing); its id."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    request = str(getattr(context, "aws_request_id", "") or uuid.uuid4())
    app.begin_invocation(remaining() / 1000 - RESERVE_SECONDS if remaining else DEFAULT_BUDGET_SECONDS, request)
    return request
