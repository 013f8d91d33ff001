"""The queue's function: applies events, in order by incident, and says which are to be brought again."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from jpi import event_codec, logs, wiring
from jpi.errors import Outage, Permanent, Retryable
from jpi.handlers.invocation import start
from jpi.metrics import announced, embedded

# A failure is tried again after 4 seconds, 8, 16 ... 15 minutes at most, but not before the service wants it.
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 900.0
MOST_DOUBLINGS = 9


def handler(event: Any, context: Any) -> PartialItemFailureResponse:
    """Apply an SQS batch; `batchItemFailures` are those not applied, and all later ones of their incidents."""
    there = wiring.jpi()
    request = start(there, context)
    _waited(there, event["Records"])
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False
    waits: dict[str, int] = {}
    answer = process_partial_response(event, partial(_apply, there, waits), processor)
    failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
    logs.about(there.log, request)
    there.report()
    _put_off(there, {one["receiptHandle"]: waits[one["attributes"]["MessageGroupId"]]
                     for one in event["Records"] if one["messageId"] in failed})
    return answer


def _apply(there: wiring.Jpi, waits: dict[str, int], record: SQSRecord) -> None:
    """Raises what a retry may mend, and says when; anything else ends here, its reason in the log and on the link."""
    try:
        event = event_codec.event(record.body)
        logs.about(there.log, event.request)
        there.engine.apply(event)
    except Permanent as error:
        there.log.error("an event ended", extra={"message_id": record.message_id, "reason": str(error)})
    except Exception as error:
        waits[str(record.attributes.message_group_id)] = _wait(error, record)
        if not isinstance(error, Retryable):
            there.log.exception("an event failed", extra={"message_id": record.message_id})
        raise


def _waited(there: wiring.Jpi, records: Sequence[Mapping[str, Any]]) -> None:
    """Count how long each event that comes for the first time was in the queue."""
    now = there.clock()
    waits = [max(0.0, now - int(one["attributes"]["SentTimestamp"]) / 1000) for one in records
             if one["attributes"]["ApproximateReceiveCount"] == "1"]
    for seconds in waits:
        there.figures.took("wait", seconds)
    if waits:
        age = {"queue_age_ms": round(max(waits) * 1000)}
        there.log.info("received", extra={"messages": len(records), **age,
                                          **embedded(now, announced(dict.fromkeys(age, "Milliseconds")))})


def _wait(error: Exception, record: SQSRecord) -> int:
    received = min(int(record.attributes.approximate_receive_count), MOST_DOUBLINGS)
    asked = error.after if isinstance(error, Retryable) else 0.0
    return int(min(LONGEST_WAIT_SECONDS, max(asked + 1.0, FIRST_WAIT_SECONDS * 2.0**received)))


def _put_off(there: wiring.Jpi, seconds_by_receipt: dict[str, int]) -> None:
    """An incident's messages all for as long as its first failure asks: SQS holds back the rest of them anyway."""
    try:
        if there.queue:
            there.queue.put_off(seconds_by_receipt)
    except Outage as error:
        # They come again all the same, only later.
        there.log.warning("messages were not put off", extra={"reason": str(error)})
