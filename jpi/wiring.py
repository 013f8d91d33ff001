"""Builds clients, stores and the engine from the settings; nothing else makes one."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from requests.adapters import BaseAdapter

from jpi import logs, settings
from jpi.aws import Location, get_region
from jpi.domain.events import IssueCreated, IssueEvent
from jpi.domain.policy import Policy, Question
from jpi.domain.sync_file import SyncFileContent, apply_sync_file, parse_sync_file
from jpi.errors import AwsOutage, SettingsError
from jpi.http_client import Budget
from jpi.jira.client import JiraClient
from jpi.metrics import MetricCounters, build_emf_fields, declare_metrics
from jpi.pagerduty.client import PagerDutyClient
from jpi.queue import EventQueue
from jpi.settings import DEFAULT_SYNC_FILE, Settings
from jpi.store import ports
from jpi.store.cache import Cache
from jpi.store.config_table import ConfigTable
from jpi.store.cursor import Cursor
from jpi.store.links import Links
from jpi.store.metric_counts import MetricCountStore
from jpi.store.models import ConfigRow, Connection, LinkRow, ProcessedIdRow, bind_model
from jpi.store.processed_ids import ProcessedIds
from jpi.sync.event_sink import EventSink, ImmediateSink
from jpi.sync.poller import Poller
from jpi.sync.reconciler import Reconciler
from jpi.sync.service import SyncService

# Where the cache keeps that PagerDuty's test was received, for whoever waits for it.
PING_CACHE_KEY = "ping"


@dataclass(frozen=True)
class Tables:
    """The three tables, each as a model bound to its name and place."""

    links: type[LinkRow]
    processed_ids: type[ProcessedIdRow]
    config: type[ConfigRow]


@dataclass(frozen=True)
class Stores:
    """What keeps links, the ledger, and named values and counts: in DynamoDB, or elsewhere."""

    links: ports.Links
    processed_ids: ports.ProcessedIds
    config: ports.ConfigTable

    def find_missing_tables(self) -> Iterator[str]:
        """Yield the names of the tables that do not exist."""
        return (table.table_name for table in (self.links, self.processed_ids, self.config) if not table.has_table())


@dataclass(frozen=True)
class Infrastructure:
    """What lies outside this process; tests put simulations in its place.

    `adapter` carries HTTP in place of the network, `stores` keep in place of DynamoDB, `sqs` is a client in place of
    SQS's own.
    """

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    http_adapter: BaseAdapter | None = None
    stores: Stores | None = None
    sqs_client: Any = None


@dataclass(frozen=True)
class App:
    """Everything a handler needs."""

    settings: Settings
    policy: Policy
    jira: JiraClient
    pagerduty: PagerDutyClient
    links: ports.Links
    sync_service: SyncService
    event_sink: EventSink
    reconciler: Reconciler
    poller: Poller
    stores: Stores
    cursor: Cursor
    cache: Cache
    budget: Budget
    clock: Callable[[], float]
    metrics: MetricCounters
    metric_store: MetricCountStore
    log: logs.Logger

    def begin_invocation(self, seconds: float, request_id: str) -> None:
        """An invocation begins: it has so many seconds for calls, and its lines in the log have the request's id."""
        self.budget.start(seconds)
        logs.set_request_id(self.log, request_id)

    def report_metrics(self) -> None:
        """Say which calls were made since this was last said, a line a service, and add all figures up."""
        for api, calls in (("jira", self.jira.api), ("pagerduty", self.pagerduty.api)):
            if counts := calls.drain_counts():
                told = build_emf_fields(self.clock(), declare_metrics(dict.fromkeys(counts, "Count"), ["api"]))
                self.log.info("called", extra={"api": api, **counts, **told})
                for name, count in counts.items():
                    self.metrics.add("api", api, name, count=count)
        try:
            if added := self.metrics.drain_counts():
                self.metric_store.add(added)
        except AwsOutage as error:
            # They are in the log.
            self.log.warning("figures were not added up", extra={"reason": str(error)})

    @property
    def queue(self) -> EventQueue | None:
        """The queue that events are handed over to; None where they are applied in process."""
        return self.event_sink if isinstance(self.event_sink, EventQueue) else None


@cache
def get_app() -> App:
    """This process's jpi, from its environment; built at the first call."""
    return build_app(settings.load())


def make_infrastructure() -> Infrastructure:
    """Return the real outside: this machine's clock, the network, AWS."""
    return Infrastructure()


def build_app(chosen: Settings, infrastructure: Infrastructure | None = None) -> App:
    """Return a jpi from these settings. SettingsError where a file that they name is not as it should be."""
    infrastructure = infrastructure or make_infrastructure()
    clock, sleep = infrastructure.clock, infrastructure.sleep
    log, budget, figures = logs.make_logger(chosen.log_level, chosen.stage), Budget(clock), MetricCounters()
    wanted = load_policy(chosen)
    stores = infrastructure.stores or build_dynamodb_stores(bind_tables(chosen), clock)
    links, ledger, cache = stores.links, stores.processed_ids, Cache(stores.config, clock)
    jira = JiraClient(chosen.jira_api_url, chosen.jira_user_email, chosen.jira_api_token, budget, sleep,
                      wanted.custom_fields, cache, infrastructure.http_adapter)
    pagerduty = PagerDutyClient(chosen.pagerduty_api_url, chosen.pagerduty_api_token, chosen.pagerduty_user_email,
                                budget, sleep, infrastructure.http_adapter)
    engine = SyncService(jira, pagerduty, links, ledger, cache, wanted, clock, log, figures,
                         chosen.jira_index_lag_seconds)
    hand_over = _build_queue(chosen, links, wanted, infrastructure.sqs_client) or ImmediateSink(engine.apply, log)
    reconcile = Reconciler(jira, pagerduty, links, wanted, clock, log)
    cursor = Cursor(stores.config)
    poll = Poller(pagerduty, links, ledger, cursor, reconcile, hand_over, wanted, clock, log,
                  chosen.log_entries_poll_past_hours)
    return App(chosen, wanted, jira, pagerduty, links, engine, hand_over, reconcile, poll, stores, cursor, cache,
               budget, clock, figures, MetricCountStore(stores.config, clock), log)


def bind_tables(chosen: Settings) -> Tables:
    """The tables these settings name."""
    host = chosen.database_endpoint_url if chosen.is_offline else None
    here = Connection(get_region(), host, is_offline=chosen.is_offline)
    return Tables(bind_model(LinkRow, chosen.incidents_table, here),
                  bind_model(ProcessedIdRow, chosen.log_entries_table, here),
                  bind_model(ConfigRow, chosen.config_table, here))


def build_dynamodb_stores(tables: Tables, clock: Callable[[], float]) -> Stores:
    """Return the stores that keep everything in these tables."""
    return Stores(Links(tables.links), ProcessedIds(tables.processed_ids, clock), ConfigTable(tables.config))


def _build_queue(chosen: Settings, links: ports.Links, policy: Policy, sqs_client: Any) -> EventQueue | None:
    place, group_of = Location(get_region(), chosen.is_offline), partial(_find_message_group, links, policy)
    return EventQueue(chosen.events_queue, place, group_of, client=sqs_client) if chosen.events_queue else None


def _find_message_group(links: ports.Links, policy: Policy, event: IssueEvent) -> str | None:
    """The incident of an issue's event; a new issue that is to open one is kept in order by its own key."""
    if isinstance(event, IssueCreated):
        return event.issue.key if policy.find_opening_rule(event.issue) and not event.ours else None
    return next(filter(None, map(links.find_incident_id, event.issue_keys)), None)


def load_policy(chosen: Settings) -> Policy:
    """What the team has chosen, with the questions of its file and its sync file."""
    return apply_sync_file(_build_policy(chosen), load_sync_file(chosen.sync_file))


def load_sync_file(name: str, must_exist: bool = False) -> SyncFileContent:
    """What a sync file says; nothing where there is none and none was asked for."""
    file = Path(name)
    if name == DEFAULT_SYNC_FILE and not must_exist and not file.exists():
        return SyncFileContent()
    try:
        # Some editors begin a file with a mark that TOML does not know.
        return parse_sync_file(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"SYNC_FILE ({file}) cannot be read: {getattr(error, 'strerror', error)}") from error
    except SettingsError as error:
        raise SettingsError(f"SYNC_FILE ({file}) needs mending:\n{error}") from error


def _build_policy(chosen: Settings) -> Policy:
    return Policy(jira_url=chosen.jira_server_url, user_map=chosen.user_map,
                  incident_project=chosen.incident_project_key, person_project=chosen.person_project_key,
                  question_project=chosen.question_project_key, timeline_project=chosen.timeline_project_key,
                  sync_priorities=frozenset(chosen.sync_priorities), stakeholders=chosen.jira_issue_stakeholders,
                  questions=_load_questions(Path(chosen.questions_file)) if chosen.question_project_key else ())


def _load_questions(file: Path) -> tuple[Question, ...]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return tuple(Question(one["summary"], one.get("description", "")) for one in found)
    except OSError as error:
        raise SettingsError(f"QUESTIONS_FILE ({file}) cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        wanted = 'a JSON list of {"summary": "...", "description": "..."}'
        raise SettingsError(f"QUESTIONS_FILE ({file}) must be {wanted}") from error
