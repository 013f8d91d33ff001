"""Known mistakes, put into jpi on purpose: `python -m tests.faults.mutants` says how many histories find each."""

import argparse
import multiprocessing
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from jpi import http_client
from jpi.domain import decide, field_merge, retry_state, status_rules
from jpi.domain.link import Link
from jpi.domain.policy import Policy
from jpi.http_client import ApiClient
from jpi.jira import workflow
from jpi.sync import enrichment, field_sync, issue_creator, poller, service
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.enrichment import EventEnricher
from jpi.sync.executors import DecisionExecutor
from jpi.sync.issue_changes import IssueChanges
from jpi.sync.issue_creator import IssueCreator
from jpi.sync.leases import Leases
from jpi.sync.link_ender import EndingRule, LinkEnder
from jpi.sync.poller import Poller
from jpi.sync.reconciler import Reconciler
from sandbox.aws.memory_rows import MemoryTables
from sandbox.aws.memory_stores import MemoryProcessedIds
from sandbox.simulate.search import draw_seeded
from sandbox.simulate.theatre import play_history

MOST_HISTORIES = 400


def change(owner, name, value):
    return patch.object(owner, name, value)


def never_stale(event, link, field_name=None):
    return False


def put_over_any_version(tables, table, key, columns, read_version):
    tables.put_rows(table, {key: columns})


def request_as_if_reading(request):
    return lambda self, method, path, params=None, body=None, is_read=False: request(
        self, method, path, params, body, is_read=True)


def clear_backlog(end_link):
    return lambda self, link, action: replace(end_link(self, link, action), backlog=type(link.backlog)())


def forget_failed(hand_over):
    def hand_over_and_forget(self, events, request):
        hand_over(self, events, request)
        return set()

    return hand_over_and_forget


MUTANTS = {
    "no lease": [change(Leases, "run_with_lease", lambda self, link, part, work, visible_after=0.0: (link, work()))],
    "no look before a repeat": [change(Leases, "is_outcome_unknown", lambda self, link, part: False)],
    "another worker's lease is not respected": [
        change(Leases, "is_outcome_unknown", lambda self, link, part: link.leases.get(part) is not None)],
    "rows are written over any version": [change(MemoryTables, "put_row", put_over_any_version)],
    "a write is repeated like a read": [change(ApiClient, "request", request_as_if_reading(ApiClient.request))],
    "processed ids are not stored": [change(MemoryProcessedIds, "mark_processed", lambda self, ids: None)],
    "processed ids are not looked up": [change(MemoryProcessedIds, "already_processed", lambda self, ids: set())],
    "no overlap of the poll's windows": [change(poller, "POLL_OVERLAP", timedelta())],
    "the poll forgets what failed": [change(Poller, "_hand_over_events", forget_failed(Poller._hand_over_events))],
    "the poll ignores the log": [change(Poller, "_select_news", lambda self, logged, links, retry_ids: [])],
    "the poll reads no issues": [
        change(Reconciler, "reconcile_issues", lambda self, links, since, unread: IssueChanges([], True))],
    "the poll reads no incidents": [change(Reconciler, "reconcile_incidents", lambda self, *_: [])],
    "the poll reads no comments": [
        change(Reconciler, "_read_new_comments", lambda self, links: {issue_id: [] for issue_id in links})],
    "the poll reads no notes": [change(EventEnricher, "_needs_notes", lambda self, event, link: False)],
    "old snapshots count": [change(module, "is_stale", never_stale)
                            for module in (decide, status_rules, retry_state, enrichment, field_merge)
                            if hasattr(module, "is_stale")],
    "own writes are not remembered": [change(field_sync, "record_own_write", lambda action, link, at: link)],
    "a first value is no change": [
        change(field_merge, "_has_changed", lambda name, value, event, link: bool(
            link.fields[name].on(event.side).value) and value != link.fields[name].on(event.side).value)],
    "titles are not carried to PagerDuty": [
        change(field_merge, "_translate_value", lambda name, event, *rest, original=field_merge._translate_value: (
            None if name == "title" and event.side == "jira" else original(name, event, *rest)))],
    "priorities are not carried to Jira": [change(Policy, "to_jira_priority", lambda self, priority: None)],
    "the least advanced status wins": [
        change(status_rules, "STATUS_RANK", {None: -1, "triggered": 2, "acknowledged": 1, "resolved": 0})],
    "Jira reopens nothing": [change(status_rules, "_has_left_done", lambda event, link: False)],
    "PagerDuty reopens nothing": [change(status_rules, "_has_reopened_since", lambda event, link: False),
                                  change(status_rules, "IncidentReopened", type("Never", (), {}))],
    "what is refused is forgotten": [change(Link, "with_refused_step", lambda self, *_: self)],
    "a link that ended never resumes": [change(EndingRule, "resume_if_seen", lambda self, event, link: link)],
    "a link that ends forgets its backlog": [change(LinkEnder, "end_link", clear_backlog(LinkEnder.end_link))],
    "no event is applied again after a lost race": [
        change(SyncService, "_apply_with_retries", lambda self, event, trace: self._apply_once(event, trace))
        for SyncService in [service.SyncService]],
    "notes are copied without looking": [change(ConversationSync, "_find_note", lambda self, incident_id, text: None)],
    "an issue is not looked for": [
        change(IssueCreator, "_create_or_find_issue", lambda self, link, incident, draft: (
            self._leases.run_with_lease(link, issue_creator.INCIDENT_ISSUE_LEASE, lambda: self._jira.create(draft))))],
    "it is not remembered what an issue is created with": [
        change(IssueCreator, "_foresee_fields", lambda self, incident, draft: Link("").fields)],
    "a hidden reopening is lost": [change(status_rules, "_is_hidden_reopening", lambda event, link: False)],
    "a person's move is put back": [
        change(workflow, "_find_outcome", lambda target, category, has_moved: (
            ("moved" if has_moved else "there") if category == target.category else None))],
    "an acknowledged message is not applied": [
        change(DecisionExecutor, "execute_decision", lambda self, event, link, decision, trace: (
            link, decide.Reason.NOTHING_NEW))],
    "an edge's 404 is believed": [change(http_client, "is_own_error", lambda answer: True)],
}


@contextmanager
def make_mistake(name):
    """Put this mistake into jpi while inside."""
    with ExitStack() as stack:
        for one_change in MUTANTS[name]:
            stack.enter_context(one_change)
        yield


def find_mistake(name, first_seed=0, most=MOST_HISTORIES):
    """Return how many histories it took until one failed; None if all of so many held."""
    with make_mistake(name):
        for count in range(1, most + 1):
            try:
                if play_history(draw_seeded(first_seed + count - 1)).failures:
                    return count
            except Exception:
                return count
    return None


def find_named(name):
    return name, find_mistake(name)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    with multiprocessing.Pool(parser.parse_args().jobs, maxtasksperchild=1) as pool:
        counts = dict(_print_each(pool.imap_unordered(find_named, MUTANTS)))
    missed = [name for name, count in counts.items() if count is None]
    print(f"{len(counts) - len(missed)} of {len(counts)} mistakes found")
    return 1 if missed else 0


def _print_each(findings):
    for name, count in findings:
        print(f"{name}: {f'found by history {count}' if count else f'not found by {MOST_HISTORIES}'}", flush=True)
        yield name, count


if __name__ == "__main__":
    sys.exit(main())
