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
from jpi.aws import Place, region
from jpi.domain.events import IssueCreated, IssueEvent
from jpi.domain.policy import Policy, Question
from jpi.domain.sync_file import Choices, merged, parse
from jpi.errors import Outage, SettingsError
from jpi.http_client import Budget
from jpi.jira.client import Jira
from jpi.metrics import Figures, announced, embedded
from jpi.pagerduty.client import PagerDuty
from jpi.queue import Queue
from jpi.settings import SYNC_FILE, Settings
from jpi.store import ports
from jpi.store.cache import Cache
from jpi.store.config_table import ConfigTable
from jpi.store.cursor import Cursor
from jpi.store.links import Links
from jpi.store.metric_counts import FigureRows
from jpi.store.models import ConfigRow, Connection, LedgerRow, LinkRow, bound
from jpi.store.processed_ids import Ledger
from jpi.sync.event_sink import HandOver, InProcess
from jpi.sync.poller import Poll
from jpi.sync.reconciler import Reconcile
from jpi.sync.service import Engine

# Where the cache keeps that PagerDuty's test was received, for whoever waits for it.
PING = "ping"


@dataclass(frozen=True)
class Tables:
    """The three tables, each as a model bound to its name and place."""

    links: type[LinkRow]
    ledger: type[LedgerRow]
    config: type[ConfigRow]


@dataclass(frozen=True)
class Stores:
    """What keeps links, the ledger, and named values and counts: in DynamoDB, or elsewhere."""

    links: ports.Links
    ledger: ports.Ledger
    config: ports.ConfigTable

    def find_missing_tables(self) -> Iterator[str]:
        """Yield the names of the tables that do not exist."""
        return (table.table_name for table in (self.links, self.ledger, self.config) if not table.has_table())


@dataclass(frozen=True)
class Outside:
    """What lies outside this process; tests put simulations in its place.

    `adapter` carries HTTP in place of the network, `stores` keep in place of DynamoDB, `sqs` is a client in place of
    SQS's own.
    """

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    adapter: BaseAdapter | None = None
    stores: Stores | None = None
    sqs: Any = None


@dataclass(frozen=True)
class Jpi:
    """Everything a handler needs."""

    settings: Settings
    policy: Policy
    jira: Jira
    pagerduty: PagerDuty
    links: ports.Links
    engine: Engine
    hand_over: HandOver
    reconcile: Reconcile
    poll: Poll
    stores: Stores
    cursor: Cursor
    cache: Cache
    budget: Budget
    clock: Callable[[], float]
    figures: Figures
    figure_rows: FigureRows
    log: logs.Logger

    def begin(self, seconds: float, request: str) -> None:
        """An invocation begins: it has so many seconds for calls, and its lines in the log have the request's id."""
        self.budget.start(seconds)
        logs.about(self.log, request)

    def report(self) -> None:
        """Say which calls were made since this was last said, a line a service, and add all figures up."""
        for api, calls in (("jira", self.jira.calls), ("pagerduty", self.pagerduty.calls)):
            if counts := calls.taken():
                told = embedded(self.clock(), announced(dict.fromkeys(counts, "Count"), ["api"]))
                self.log.info("called", extra={"api": api, **counts, **told})
                for name, count in counts.items():
                    self.figures.add("api", api, name, count=count)
        try:
            if added := self.figures.taken():
                self.figure_rows.add(added)
        except Outage as error:
            # They are in the log.
            self.log.warning("figures were not added up", extra={"reason": str(error)})

    @property
    def queue(self) -> Queue | None:
        """The queue that events are handed over to; None where they are applied in process."""
        return self.hand_over if isinstance(self.hand_over, Queue) else None


@cache
def jpi() -> Jpi:
    """This process's jpi, from its environment; built at the first call."""
    return build(settings.load())


def outside() -> Outside:
    """Return the real outside: this machine's clock, the network, AWS."""
    return Outside()


def build(chosen: Settings, beyond: Outside | None = None) -> Jpi:
    """Return a jpi from these settings. SettingsError where a file that they name is not as it should be."""
    beyond = beyond or outside()
    clock, sleep = beyond.clock, beyond.sleep
    log, budget, figures = logs.logger(chosen.log_level, chosen.stage), Budget(clock), Figures()
    wanted = policy(chosen)
    stores = beyond.stores or dynamodb_stores(tables(chosen), clock)
    links, ledger, cache = stores.links, stores.ledger, Cache(stores.config, clock)
    jira = Jira(chosen.jira_api_url, chosen.jira_user_email, chosen.jira_api_token, budget, sleep,
                wanted.custom_fields, cache, beyond.adapter)
    pagerduty = PagerDuty(chosen.pagerduty_api_url, chosen.pagerduty_api_token, chosen.pagerduty_user_email, budget,
                          sleep, beyond.adapter)
    engine = Engine(jira, pagerduty, links, ledger, cache, wanted, clock, log, figures, chosen.jira_index_lag_seconds)
    hand_over = _queue(chosen, links, wanted, beyond.sqs) or InProcess(engine.apply, log)
    reconcile = Reconcile(jira, pagerduty, links, wanted, clock, log)
    cursor = Cursor(stores.config)
    poll = Poll(pagerduty, links, ledger, cursor, reconcile, hand_over, wanted, clock, log,
                chosen.log_entries_poll_past_hours)
    return Jpi(chosen, wanted, jira, pagerduty, links, engine, hand_over, reconcile, poll, stores, cursor, cache,
               budget, clock, figures, FigureRows(stores.config, clock), log)


def tables(chosen: Settings) -> Tables:
    """The tables these settings name."""
    host = chosen.database_endpoint_url if chosen.is_offline else None
    here = Connection(region(), host, offline=chosen.is_offline)
    return Tables(bound(LinkRow, chosen.incidents_table, here), bound(LedgerRow, chosen.log_entries_table, here),
                  bound(ConfigRow, chosen.config_table, here))


def dynamodb_stores(tables: Tables, clock: Callable[[], float]) -> Stores:
    """Return the stores that keep everything in these tables."""
    return Stores(Links(tables.links), Ledger(tables.ledger, clock), ConfigTable(tables.config))


def _queue(chosen: Settings, links: ports.Links, wanted: Policy, sqs: Any) -> Queue | None:
    place, group_of = Place(region(), chosen.is_offline), partial(_group, links, wanted)
    return Queue(chosen.events_queue, place, group_of, client=sqs) if chosen.events_queue else None


def _group(links: ports.Links, wanted: Policy, event: IssueEvent) -> str | None:
    """The incident of an issue's event; a new issue that is to open one is kept in order by its own key."""
    if isinstance(event, IssueCreated):
        return event.issue.key if wanted.opens(event.issue) and not event.ours else None
    return next(filter(None, map(links.incident_of, event.keys)), None)


def policy(chosen: Settings) -> Policy:
    """What the team has chosen, with the questions of its file and its sync file."""
    return merged(_policy(chosen), sync_file(chosen.sync_file))


def sync_file(name: str, must_exist: bool = False) -> Choices:
    """What a sync file says; nothing where there is none and none was asked for."""
    file = Path(name)
    if name == SYNC_FILE and not must_exist and not file.exists():
        return Choices()
    try:
        # Some editors begin a file with a mark that TOML does not know.
        return parse(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"SYNC_FILE ({file}) cannot be read: {getattr(error, 'strerror', error)}") from error
    except SettingsError as error:
        raise SettingsError(f"SYNC_FILE ({file}) needs mending:\n{error}") from error


def _policy(chosen: Settings) -> Policy:
    return Policy(
        site=chosen.jira_server_url,
        users=chosen.user_map,
        incident_project=chosen.incident_project_key,
        person_project=chosen.person_project_key,
        question_project=chosen.question_project_key,
        timeline_project=chosen.timeline_project_key,
        sync_priorities=frozenset(chosen.sync_priorities),
        stakeholders=chosen.jira_issue_stakeholders,
        questions=_questions(Path(chosen.questions_file)) if chosen.question_project_key else (),
    )


def _questions(file: Path) -> tuple[Question, ...]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return tuple(Question(one["summary"], one.get("description", "")) for one in found)
    except OSError as error:
        raise SettingsError(f"QUESTIONS_FILE ({file}) cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        wanted = 'a JSON list of {"summary": "...", "description": "..."}'
        raise SettingsError(f"QUESTIONS_FILE ({file}) must be {wanted}") from error
