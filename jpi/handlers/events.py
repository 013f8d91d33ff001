"""The queue's function: applies events in order by incident and reports the messages to retry."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from jpi import event_codec, logs, wiring
from jpi.errors import AwsOutage, PermanentError, RetryableError
from jpi.handlers.invocation import start_invocation
from jpi.metrics import build_emf_fields, declare_metrics, name_duration_count

# A failure is retried after 4 seconds, 8, 16 ... or when the service asks for it, but after 15 minutes at most.
BASE_WAIT_SECONDS = 2.0
MAX_WAIT_SECONDS = 900.0
MAX_DOUBLINGS = 9


def handler(event: Any, context: Any) -> PartialItemFailureResponse:
    """Apply an SQS batch; `batchItemFailures` names the failed messages and all later ones of their incidents."""
    app = wiring.get_app()
    request_id = start_invocation(app, context)
    _count_queue_waits(app, event["Records"])
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False
    waits: dict[str, int] = {}
    answer = process_partial_response(event, partial(_apply_record, app, waits), processor)
    failed_ids = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    logs.set_request_id(app.log, request_id)
    app.report_metrics()
    _delay_failed_messages(app, {record["receiptHandle"]: waits[record["attributes"]["MessageGroupId"]]
                                 for record in event["Records"] if record["messageId"] in failed_ids})
    return answer


def _apply_record(app: wiring.App, waits: dict[str, int], record: SQSRecord) -> None:
    """Apply one event. Raise what a retry may mend and put its wait into `waits`; log what no retry mends."""
    try:
        event = event_codec.decode_event(record.body)
        logs.set_request_id(app.log, event.request)
        app.sync_service.apply(event)
    except PermanentError as error:
        app.log.error("an event ended", extra={"message_id": record.message_id, "reason": str(error)})
    except Exception as error:
        waits[str(record.attributes.message_group_id)] = _compute_retry_seconds(error, record)
        if not isinstance(error, RetryableError):
            app.log.exception("an event failed", extra={"message_id": record.message_id})
        raise


def _count_queue_waits(app: wiring.App, records: Sequence[Mapping[str, Any]]) -> None:
    """Count how long each event was in the queue before its first delivery."""
    now = app.clock()
    waits = [max(0.0, now - int(record["attributes"]["SentTimestamp"]) / 1000) for record in records
             if record["attributes"]["ApproximateReceiveCount"] == "1"]
    for seconds in waits:
        app.metrics.add(name_duration_count("wait", seconds))
    if waits:
        age = {"queue_age_ms": round(max(waits) * 1000)}
        app.log.info("received", extra={"messages": len(records), **age,
                                        **build_emf_fields(now, declare_metrics(dict.fromkeys(age, "Milliseconds")))})


def _compute_retry_seconds(error: Exception, record: SQSRecord) -> int:
    doublings = min(int(record.attributes.approximate_receive_count), MAX_DOUBLINGS)
    retry_after = error.retry_after_seconds if isinstance(error, RetryableError) else 0.0
    return int(min(MAX_WAIT_SECONDS, max(retry_after + 1.0, BASE_WAIT_SECONDS * 2.0**doublings)))


def _delay_failed_messages(app: wiring.App, seconds_by_receipt: dict[str, int]) -> None:
    """Delay an incident's messages as long as its first failure asks; SQS holds the later ones back anyway."""
    try:
        if app.queue:
            app.queue.delay_messages(seconds_by_receipt)
    except AwsOutage as error:
        # SQS delivers them again when their visibility ends.
        app.log.warning("messages were not put off", extra={"reason": str(error)})
