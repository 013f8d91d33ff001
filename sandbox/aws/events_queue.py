"""Make the events queue and its dead-letter queue as serverless.yml has them, in any SQS."""

import json
from typing import Any

# A message becomes a dead letter after so many tries: half a day, with the waits of `handlers.events`.
RECEIVES = 50
# Six times the timeout of the events function: AWS, "Using Lambda with Amazon SQS".
VISIBILITY_SECONDS = 360


def make_events_queue(sqs: Any, name: str) -> tuple[str, str]:
    """Make a FIFO queue and its dead-letter queue; return their addresses."""
    dead_letter_url: str = sqs.create_queue(QueueName=f"{name}-dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_letter_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES})
    attributes = {"FifoQueue": "true", "RedrivePolicy": redrive, "VisibilityTimeout": str(VISIBILITY_SECONDS)}
    return sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"], dead_letter_url
