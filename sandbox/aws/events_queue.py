"""The events' queue and its dead-letter queue, as serverless.yml has them, for whichever SQS they are made in."""

import json
from typing import Any

# A message is tried this often before it is parked: with `handlers.events`' waits, for half a day.
RECEIVES = 50
# Six times what the events function may take: AWS, Lambda with SQS.
VISIBILITY_SECONDS = 360


def make_events_queue(sqs: Any, name: str) -> tuple[str, str]:
    """Make a FIFO queue and its dead-letter queue; return their addresses."""
    parked_url: str = sqs.create_queue(QueueName=f"{name}-dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=parked_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES})
    attributes = {"FifoQueue": "true", "RedrivePolicy": redrive, "VisibilityTimeout": str(VISIBILITY_SECONDS)}
    return sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"], parked_url
