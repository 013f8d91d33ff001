"""Builds the App from the settings; nothing else constructs clients or stores."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from requests.adapters import BaseAdapter

from jpi import logs
from jpi.aws import Location, get_region
from jpi.domain.policy import Policy
from jpi.domain.sync_file import SyncFileContent, apply_sync_file, parse_questions, parse_sync_file
from jpi.errors import AwsOutage, SettingsError
from jpi.http_client import Budget, RefusingAdapter
from jpi.jira.client import JiraClient
from jpi.metrics import MetricCounters, build_emf_fields, declare_metrics
from jpi.pagerduty.client import PagerDutyClient
from jpi.queue import EventQueue
from jpi.settings import DEFAULT_SYNC_FILE, Settings, load_usable
from jpi.store import ports
from jpi.store.cache import Cache
from jpi.store.config_table import ConfigTable
from jpi.store.cursor import Cursor
from jpi.store.links import Links
from jpi.store.metric_counts import MetricCountStore
from jpi.store.models import ConfigRow, LinkRow, ProcessedIdRow, bind_model
from jpi.store.processed_ids import ProcessedIds
from jpi.store.sessions import Sessions
from jpi.store.sign_in_attempts import SignInAttempts
from jpi.sync.event_sink import EventSink, ImmediateSink, find_message_group
from jpi.sync.poll_errors import PollErrors
from jpi.sync.poller import Poller
from jpi.sync.reconciler import Reconciler
from jpi.sync.service import SyncService

# The cache entry in which `webhook_configuration --ping` finds that PagerDuty's test delivery arrived.
PING_CACHE_KEY = "ping"
SECRET_RETRY_SECONDS = 60.0
Content = TypeVar("Content")


@dataclass(frozen=True)
class Tables:
    """The three tables, each as a model bound to its name and location."""

    links: type[LinkRow]
    processed_ids: type[ProcessedIdRow]
    config: type[ConfigRow]


@dataclass(frozen=True)
class Stores:
    """The stores of links, processed ids, and named values and counts; in DynamoDB, or in memory."""

    links: ports.Links
    processed_ids: ports.ProcessedIds
    config: ports.ConfigTable

    def find_missing_tables(self) -> Iterator[str]:
        """Yield the names of the tables that do not exist."""
        return (table.table_name for table in (self.links, self.processed_ids, self.config) if not table.has_table())


@dataclass(frozen=True)
class Infrastructure:
    """Everything outside this process, which tests replace by simulations.

    None stands for the real one: the network, DynamoDB, SQS.
    """

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    http_adapter: BaseAdapter | None = None
    stores: Stores | None = None
    sqs_client: Any = None


@dataclass(frozen=True)
class App:
    """Everything a handler needs. Without a `queue` the `event_sink` applies events in process.

    `secret_problems`: by variable, why a secret cannot be used; whatever needs it stops.
    """

    settings: Settings
    policy: Policy
    jira: JiraClient
    pagerduty: PagerDutyClient
    links: ports.Links
    sync_service: SyncService
    event_sink: EventSink
    queue: EventQueue | None
    reconciler: Reconciler
    poller: Poller
    stores: Stores
    cursor: Cursor
    cache: Cache
    budget: Budget
    clock: Callable[[], float]
    metrics: MetricCounters
    metric_store: MetricCountStore
    sign_in_attempts: SignInAttempts
    sessions: Sessions
    log: logs.Logger
    secret_problems: Mapping[str, str]

    def begin_invocation(self, seconds: float, request_id: str) -> None:
        """Start the time budget for calls, and add the request id to the log lines."""
        self.budget.start(seconds)
        logs.set_request_id(self.log, request_id)

    def report_metrics(self) -> None:
        """Log the calls since the last report, a line a service, and add all counts to the stored ones."""
        for name, api in (("jira", self.jira.api), ("pagerduty", self.pagerduty.api)):
            if counts := api.drain_counts():
                emf_fields = build_emf_fields(self.clock(), declare_metrics(dict.fromkeys(counts, "Count"), ["api"]))
                self.log.info("called", extra={"api": name, **counts, **emf_fields})
                for metric, count in counts.items():
                    self.metrics.add(("api", name, metric), count)
        try:
            if metric_counts := self.metrics.drain_counts():
                self.metric_store.add(metric_counts)
        except AwsOutage as error:
            # The log has the counts.
            self.log.warning("metric counts were not saved", extra={"reason": str(error)})


class ProcessApp:
    """The App of this process, built at the first call; anew after a minute if a secret could not be used."""

    def __init__(self) -> None:
        self._app: App | None = None
        self._built_at = 0.0

    def get(self) -> App:
        """Return the App."""
        if self._app and not (self._app.secret_problems and self._app.clock() > self._built_at + SECRET_RETRY_SECONDS):
            return self._app
        usable = load_usable()
        self._app = build_app(usable.settings, None, usable.secret_problems)
        self._built_at = self._app.clock()
        for problem in usable.secret_problems.values():
            self._app.log.error("a secret cannot be used; what needs it stops", extra={"reason": problem})
        return self._app


_get_app: Callable[[], App] = ProcessApp().get


def get_app() -> App:
    """Return the App of this process, built from its environment; each invocation asks once."""
    return _get_app()


def use_app(provider: Callable[[], App] | None) -> None:
    """Make `get_app` return the provider's App; None makes it build one from the environment again."""
    global _get_app
    _get_app = provider or ProcessApp().get


def make_infrastructure() -> Infrastructure:
    """Return the real infrastructure: this machine's clock, the network, AWS."""
    return Infrastructure()


def build_app(settings: Settings, infrastructure: Infrastructure | None = None,
              secret_problems: Mapping[str, str] | None = None) -> App:
    """Return an App with these settings; SettingsError if a file that they name is missing or wrong."""
    infrastructure, problems = infrastructure or make_infrastructure(), secret_problems or {}
    clock, sleep, adapter = infrastructure.clock, infrastructure.sleep, infrastructure.http_adapter
    jira_adapter, pagerduty_adapter = (
        RefusingAdapter(SettingsError(problems[name])) if name in problems else adapter
        for name in ("JIRA_API_TOKEN", "PAGERDUTY_API_TOKEN"))
    log, budget, metrics = logs.make_logger(settings.log_level, settings.stage), Budget(clock), MetricCounters()
    policy = load_policy(settings)
    stores = infrastructure.stores or build_dynamodb_stores(bind_tables(settings), clock)
    links, processed_ids = stores.links, stores.processed_ids
    cache, cursor = Cache(stores.config, clock), Cursor(stores.config)
    jira = JiraClient(settings.jira_api_url, settings.jira_user_email, settings.jira_api_token, budget, sleep,
                      policy.custom_fields, cache, jira_adapter, policy.has_public_comments)
    pagerduty = PagerDutyClient(settings.pagerduty_api_url, settings.pagerduty_api_token,
                                settings.pagerduty_user_email, budget, sleep, pagerduty_adapter)
    sync_service = SyncService(jira, pagerduty, links, processed_ids, cache, policy, clock, log, metrics,
                               settings.jira_index_lag_seconds)
    queue = _build_queue(settings, links, policy, infrastructure.sqs_client)
    event_sink: EventSink = queue or ImmediateSink(sync_service.apply, log)
    poll_errors = PollErrors(clock, log)
    reconciler = Reconciler(jira, pagerduty, links, policy, clock, log, poll_errors)
    poller = Poller(pagerduty, links, processed_ids, cursor, reconciler, event_sink, policy, clock, log,
                    poll_errors, settings.log_entries_poll_past_hours)
    return App(settings, policy, jira, pagerduty, links, sync_service, event_sink, queue, reconciler, poller, stores,
               cursor, cache, budget, clock, metrics, MetricCountStore(stores.config, clock),
               SignInAttempts(stores.config, clock), Sessions(stores.config, clock, settings.status_key), log,
               problems)


def bind_tables(settings: Settings) -> Tables:
    """Return the tables that the settings name."""
    endpoint_url = settings.database_endpoint_url if settings.is_offline else ""
    location = Location(get_region(), settings.is_offline, endpoint_url)
    return Tables(bind_model(LinkRow, settings.incidents_table, location),
                  bind_model(ProcessedIdRow, settings.log_entries_table, location),
                  bind_model(ConfigRow, settings.config_table, location))


def build_dynamodb_stores(tables: Tables, clock: Callable[[], float]) -> Stores:
    """Return the stores that keep everything in these tables."""
    return Stores(Links(tables.links), ProcessedIds(tables.processed_ids, clock), ConfigTable(tables.config))


def _build_queue(settings: Settings, links: ports.Links, policy: Policy, sqs_client: Any) -> EventQueue | None:
    if not settings.events_queue:
        return None
    return EventQueue(settings.events_queue, Location(get_region(), settings.is_offline),
                      partial(find_message_group, links, policy), client=sqs_client)


def load_policy(settings: Settings) -> Policy:
    """Return the policy of the settings, the questions file and the sync file."""
    questions = (_parse_file("QUESTIONS_FILE", settings.questions_file, parse_questions)
                 if settings.question_project_key else ())
    policy = Policy(jira_url=settings.jira_server_url, user_map=settings.user_map, questions=questions,
                    incident_project=settings.incident_project_key, person_project=settings.person_project_key,
                    question_project=settings.question_project_key, timeline_project=settings.timeline_project_key,
                    sync_priorities=frozenset(settings.sync_priorities),
                    stakeholders=settings.jira_issue_stakeholders)
    return apply_sync_file(policy, load_sync_file(settings.sync_file))


def load_sync_file(name: str, must_exist: bool = False) -> SyncFileContent:
    """Return the content of a sync file; the default file may be missing, unless it `must_exist`."""
    if name == DEFAULT_SYNC_FILE and not must_exist and not Path(name).exists():
        return SyncFileContent()
    return _parse_file("SYNC_FILE", name, parse_sync_file)


def _parse_file(variable: str, name: str, parse: Callable[[str], Content]) -> Content:
    try:
        # Some editors begin a file with a byte order mark, which neither TOML nor JSON allows.
        return parse(Path(name).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{variable} ({name}) cannot be read: {getattr(error, 'strerror', error)}") from error
    except SettingsError as error:
        raise SettingsError(f"{variable} ({name}) needs mending:\n{error}") from error
