"""The queue: what it answers, stores, delays and parks, and what the function applies."""

import json
from datetime import UTC, datetime

import pytest

from jpi import event_codec
from jpi.app import app
from jpi.aws import Location
from jpi.domain.events import IncidentLogged
from jpi.domain.model import Incident, LogEntry
from jpi.errors import AwsOutage
from jpi.handlers import events, log_entries
from jpi.queue import EventQueue
from sandbox.aws import events_queue
from sandbox.aws.event_source import LambdaContext, to_lambda_record
from sandbox.simulated_service import HttpFault
from tests.deliveries import encode_body, make_v3_body, sign_as_pagerduty
from tests.world_actions import QUESTIONS, count_created_parts, make_fault_on_call

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def trigger_incident(world, title="Down", priority="P1"):
    return world.pagerduty.trigger_incident(world.service, title, world.rita, priority, "Nobody can pay.")


def list_messages(world):
    """Return the messages of the queue, which stay where they are."""
    messages = world.event_source.receive_batch()
    world.jpi.queue.delay_messages({message["ReceiptHandle"]: 0 for message in messages})
    return messages


def get_link(world, incident):
    return world.jpi.links.get(incident.id)


def test_a_delivery_is_answered_without_calling_anybody_and_applied_later(queued):
    incident = trigger_incident(queued)
    queued.pagerduty.outbox.deliver_due()
    [delivery] = queued.pagerduty.outbox.delivered
    assert delivery.answer_statuses == [202]
    assert queued.list_jpi_calls() == []
    [message] = list_messages(queued)
    assert message["Attributes"]["MessageGroupId"] == incident.id
    assert message["Attributes"]["MessageDeduplicationId"] == delivery.payload["event"]["id"]
    queued.run_until_idle()
    assert count_created_parts(queued) == [QUESTIONS, 2, 1]
    assert queued.event_source.count_waiting() == 0


def test_the_same_delivery_twice_is_stored_once(queued):
    trigger_incident(queued)
    queued.pagerduty.outbox.deliver_due()
    queued.pagerduty.outbox.pending += queued.pagerduty.outbox.delivered
    queued.pagerduty.outbox.deliver_due()
    assert queued.event_source.count_waiting() == 1


def test_an_id_that_sqs_refuses_is_replaced(queued):
    body = encode_body(make_v3_body(event_id="é" * 99))
    headers = sign_as_pagerduty(body, queued.environ["PAGERDUTY_WEBHOOK_SECRET"])
    assert app.test_client().post("/pagerduty-webhook", data=body, headers=headers).status_code == 202
    [message] = list_messages(queued)
    assert len(message["Attributes"]["MessageDeduplicationId"]) == 64


def test_what_happens_on_jira_is_stored_under_its_incident(queued):
    incident = trigger_incident(queued)
    queued.run_until_idle()
    queued.forget_calls()
    queued.move_issue(queued.list_issues()[0], "done")
    queued.jira.outbox.deliver_due()
    assert queued.list_jpi_calls() == []
    [message] = list_messages(queued)
    assert message["Attributes"]["MessageGroupId"] == incident.id
    queued.run_until_idle()
    assert queued.read_statuses() == {"Down": ("resolved", "done")}


def test_an_issue_that_is_nobodys_is_dropped_at_the_door(queued):
    key = queued.make_person_issue("Somebody Else")
    queued.move_issue(queued.jira.issues[key], "done")
    queued.jira.outbox.deliver_due()
    assert queued.jira.outbox.pending == []
    assert queued.event_source.count_waiting() == 0


def test_where_the_queue_is_out_of_order_the_sender_comes_again(queued, monkeypatch):
    trigger_incident(queued)
    refused = {"Failed": [{"Id": "0", "SenderFault": False, "Code": "InternalError", "Message": "not now"}]}
    with monkeypatch.context() as patch:
        patch.setattr(queued.jpi.queue.client, "send_message_batch", lambda **_: refused)
        queued.pagerduty.outbox.deliver_due()
        [delivery] = queued.pagerduty.outbox.pending
        assert delivery.answer_statuses == [503]
        with pytest.raises(AwsOutage, match="not now"):
            log_entries.handler({}, None)
    assert queued.jpi.cursor.load() is None, "what was not stored is read again"
    queued.clock.advance(3600)
    queued.run_until_idle()
    assert count_created_parts(queued) == [QUESTIONS, 2, 1]


def test_a_queue_that_is_not_there_is_an_outage(make_world):
    world = make_world(queued=True)
    world.environ["EVENTS_QUEUE"] += "x"
    world.jpi = world.start_jpi()
    with pytest.raises(AwsOutage, match="SQS send_message_batch"):
        world.jpi.event_sink.take([IncidentLogged("1", NOON, Incident("Q1"))])


def test_after_a_failure_the_rest_of_its_incident_waits_and_others_do_not(queued):
    bad, good = trigger_incident(queued, "Unlucky"), trigger_incident(queued, "Lucky")
    queued.pagerduty.acknowledge_incident(bad, queued.rita)
    queued.pagerduty.outbox.deliver_due()
    queued.jira_server.choose_fault = lambda call: HttpFault(503) if "Unlucky" in str(call.body) else None
    batch = queued.event_source.receive_batch()
    by_id = {one["MessageId"]: one["Attributes"]["MessageGroupId"] for one in batch}
    answer = events.handler({"Records": [to_lambda_record(one) for one in batch]}, LambdaContext(queued.clock))
    failed = [by_id[one["itemIdentifier"]] for one in answer["batchItemFailures"]]
    assert (sorted(by_id.values()), failed) == (sorted([bad.id, bad.id, good.id]), [bad.id, bad.id])
    assert [issue.summary for issue in queued.list_issues()] == ["Lucky"]
    assert "503" in str(get_link(queued, bad).failures)
    queued.jira_server.choose_fault = lambda call: None
    for _ in range(5):
        queued.clock.advance(60)
        queued.run_until_idle()
    assert queued.read_statuses() == {"Unlucky": ("acknowledged", "indeterminate"), "Lucky": ("triggered", "new")}
    assert get_link(queued, bad).failures == {}


def count_visible_after(world, seconds):
    world.clock.advance(seconds)
    return len(world.event_source.receive_batch())


@pytest.mark.parametrize(("headers", "wait"), [({}, 4), ({"Retry-After": "600"}, 601), ({"Retry-After": "86400"}, 900)])
def test_what_is_refused_is_put_off_for_as_long_as_the_service_asks(queued, headers, wait):
    trigger_incident(queued)
    queued.jira_server.choose_fault = lambda call: HttpFault(429, headers=headers)
    queued.run_until_idle()
    assert count_visible_after(queued, wait - 2) == 0
    assert count_visible_after(queued, 3) == 1


def test_the_longer_it_fails_the_longer_it_waits(queued):
    trigger_incident(queued)
    queued.jira_server.choose_fault = lambda call: HttpFault(429)
    waits = []
    for _ in range(9):
        queued.run_until_idle()
        before = queued.clock()
        while not queued.event_source.count_visible():
            queued.clock.advance(10)
        waits.append(round(queued.clock() - before, -1))
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (10, 900)


def test_what_no_retry_mends_ends_at_once_with_its_reason(queued, caplog):
    incident = trigger_incident(queued)
    queued.jira.required_fields.add(("INCIDENT", "assignee"))
    queued.run_until_idle()
    assert queued.event_source.count_waiting() == 0
    assert "an event ended" in caplog.text
    [failure] = get_link(queued, incident).failures.values()
    assert failure.permanent
    assert "assignee" in failure.reason
    queued.pagerduty.acknowledge_incident(incident, queued.rita)
    queued.run_until_idle()
    assert queued.event_source.count_waiting() == 0, "it blocks nobody"


def test_the_poll_comes_back_to_what_ended_until_somebody_has_mended_it(queued):
    incident = trigger_incident(queued)
    queued.jira.required_fields.add(("INCIDENT", "assignee"))
    queued.run_until_idle()
    tries = []
    for minute in range(30):
        queued.forget_calls()
        log_entries.handler({}, None)
        queued.run_until_idle()
        if any(call.method == "POST" and call.path.endswith("/issue") for call in queued.list_jpi_calls()):
            tries.append(minute)
        queued.clock.advance(60)
    # The first five read its log entries anyway; from then on ever more seldom.
    assert 1 <= len([minute for minute in tries if minute > 5]) <= 3
    queued.jira.required_fields.clear()
    queued.clock.advance(3700)
    log_entries.handler({}, None)
    queued.run_until_idle()
    assert count_created_parts(queued) == [QUESTIONS, 2, 1]
    assert len(queued.list_linked_summaries(queued.list_issues()[0], "Timeline")) == len(incident.log)
    assert get_link(queued, incident).failures == {}


@pytest.mark.parametrize("body", ["no json", "{}", '{"event": "IncidentTriggered", "id": "1"}'])
def test_a_message_that_cannot_be_read_ends_at_once(queued, body, caplog):
    queued.host.make_sqs_client().send_message(QueueUrl=queued.event_source.url, MessageBody=body, MessageGroupId="Q1",
                                          MessageDeduplicationId="1")
    assert queued.event_source.process_batch() == 1
    assert "the message is not an event of jpi" in str([vars(one) for one in caplog.records])


def test_a_mistake_of_ours_is_parked_and_not_lost(make_world, monkeypatch, caplog):
    monkeypatch.setattr(events_queue, "RECEIVES", 3)
    queued = make_world(queued=True)
    trigger_incident(queued)

    def fail_by_mistake(event):
        raise KeyError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(queued.jpi.sync_service, "apply", fail_by_mistake)
        for _ in range(events_queue.RECEIVES + 1):
            queued.run_until_idle()
            queued.clock.advance(1000)
    assert "a mistake" in caplog.text
    parked = queued.host.make_sqs_client().receive_message(QueueUrl=queued.dead_letter_url)["Messages"]
    assert [event_codec.decode_event(one["Body"]).incident.title for one in parked] == ["Down"]
    assert queued.event_source.count_waiting() == 0


def test_a_function_without_time_starts_nothing(queued):
    incident = trigger_incident(queued)
    queued.pagerduty.outbox.deliver_due()
    batch = [to_lambda_record(one) for one in queued.event_source.receive_batch()]
    answer = events.handler({"Records": batch}, LambdaContext(queued.clock, seconds=10.5))
    assert len(answer["batchItemFailures"]) == 1
    assert queued.list_jpi_calls() == []
    assert "no time left" in str(get_link(queued, incident).failures)


def test_a_message_that_cannot_be_put_off_comes_again_all_the_same(queued, monkeypatch, caplog):
    trigger_incident(queued)
    queued.jira_server.choose_fault = make_fault_on_call("POST", "/issue", 429, times=3)

    def fail_to_delay(self, waits):
        raise AwsOutage("SQS is away")

    with monkeypatch.context() as patch:
        patch.setattr(EventQueue, "delay_messages", fail_to_delay)
        queued.run_until_idle()
    assert "messages were not put off" in caplog.text
    queued.clock.advance(events_queue.VISIBILITY_SECONDS + 1)
    queued.run_until_idle()
    assert count_created_parts(queued) == [QUESTIONS, 2, 1]


def test_the_poll_stores_one_message_an_incident_ten_a_call(queued, monkeypatch):
    with queued.lose_webhooks():
        incidents = [trigger_incident(queued, f"Alert {number}", "P3") for number in range(23)]
    sent = []
    send = queued.jpi.queue.client.send_message_batch
    monkeypatch.setattr(queued.jpi.queue.client, "send_message_batch",
                        lambda **request: sent.append(request["Entries"]) or send(**request))
    log_entries.handler({}, None)
    assert [len(batch) for batch in sent] == [10, 10, 3]
    groups = [entry["MessageGroupId"] for batch in sent for entry in batch]
    assert sorted(groups) == sorted(one.id for one in incidents)
    queued.run_until_idle()
    sent.clear()
    log_entries.handler({}, None)
    assert sent == [], "what is known is not stored again"


def test_the_poll_stores_only_the_entries_that_are_new(queued):
    incident = trigger_incident(queued)
    queued.run_until_idle()
    for note in ("One.", "Two."):
        log_entries.handler({}, None)
        queued.run_until_idle()
        queued.pagerduty.add_note(incident, note, queued.rita)
    log_entries.handler({}, None)
    bodies = [json.loads(message["Body"]) for message in list_messages(queued)]
    # The line of the timeline has changed the issue too.
    assert sorted(body["event"] for body in bodies) == ["IncidentLogged", "IssueUpdated"]
    assert [entry["type"] for body in bodies for entry in body.get("entries", [])] == ["annotate_log_entry"]


def test_batches_stay_within_their_size(queued, monkeypatch):
    sizes = []
    send = queued.jpi.queue.client.send_message_batch

    def measure_and_send(**request):
        sizes.append(sum(len(entry["MessageBody"].encode()) for entry in request["Entries"]))
        return send(**request)

    monkeypatch.setattr(queued.jpi.queue.client, "send_message_batch", measure_and_send)
    entries = tuple(LogEntry(f"R{number}", "notify_log_entry", NOON, "🔥" * 250) for number in range(600))
    queued.jpi.event_sink.take([IncidentLogged(f"log:{number}", NOON, Incident(f"Q{number}"), entries=entries)
                           for number in range(2)])
    assert max(sizes) <= event_codec.MAX_MESSAGE_BYTES
    assert len(sizes) > 4
    parts = [json.loads(one["Body"]) for one in queued.event_source.receive_batch()]
    assert sum(len(part["entries"]) for part in parts if part["incident"]["id"] == "Q0") == 600


def test_a_long_log_arrives_whole_through_the_queue(queued):
    with queued.lose_webhooks():
        incident = trigger_incident(queued)
        for number in range(120):
            queued.pagerduty.add_note(incident, f"{number} " + "🔥" * 1000, queued.rita)
    log_entries.handler({}, None)
    queued.run_until_idle()
    assert len(queued.list_linked_summaries(queued.list_issues()[0], "Timeline")) == len(incident.log)


def test_a_queue_by_name_is_looked_up_once_with_the_client_it_was_given():
    names = []

    class Client:
        def get_queue_url(self, QueueName):
            names.append(QueueName)
            return {"QueueUrl": "http://sqs.localhost/1/events-x.fifo"}

    queue = EventQueue("events-x.fifo", Location("us-east-1"), lambda event: None, client=Client())
    assert (queue.url, queue.url, names) == ("http://sqs.localhost/1/events-x.fifo",) * 2 + (["events-x.fifo"],)
