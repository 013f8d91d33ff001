"""The ledger: which witness saw which of jpi's calls, and what each said."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.simulated_service import RecordedCall
from tests.contracts import contract
from tests.deliveries import SHARED_FOLDER
from tests.witnesses.prism import PRISM, PrismProxy
from tests.witnesses.verdicts import VERDICTS

OPENAPI, PRISM_NAME, RECORDS = "OpenAPI validator", "Prism", "recorded answers"
CLIENTS = ("pagerduty", "pagerduty-mcp")
WITNESSES = (OPENAPI, PRISM_NAME, RECORDS, *CLIENTS)
CLIENT_PYTHON = Path(".venv-witnesses/bin/python").absolute()
READER = Path(__file__).with_name("read_with_pagerduty.py")
# Of calls with the same row, query and kind of body so many are shown to the witnesses.
SAMPLES = 2
SERVICES = ("jira", "pagerduty")


@dataclass
class Ledger:
    """The rows with their witnesses, what the witnesses said, and the witnesses that are missing here."""

    witnesses_by_row: dict[str, set[str]] = field(default_factory=dict)
    words: set[tuple[str, str, str]] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    calls: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, witness: str, call: RecordedCall, words: Iterable[str]) -> None:
        """Note that the witness saw the call, and what it said against it."""
        row = name_row(call)
        self.witnesses_by_row[row].add(witness)
        # Without numbers in a list, since the stories change.
        self.words |= {(witness, row, re.sub(r"(?<=[/.])\d+(?=[/.:])", "*", text)[:160]) for text in words}

    def list_unjudged(self) -> list[tuple[str, str, str]]:
        """Return what was said and has no verdict."""
        return sorted(words for words in self.words if not any(verdict.is_about(*words) for verdict in VERDICTS))

    def make_table(self) -> str:
        """Return the table of the documents."""
        lines = [f"| call | {' | '.join(WITNESSES)} |", f"|---|{'---|' * len(WITNESSES)}"]
        lines += [f"| `{row}` | {' | '.join('yes' if name in seen else '' for name in WITNESSES)} |"
                  for row, seen in sorted(self.witnesses_by_row.items())]
        return "\n".join(lines)


def name_row(call: RecordedCall) -> str:
    """Return the row of a call: service, method and the documented path."""
    template = find_template(call.service, call.method, call.path)
    return f"{call.service} {call.method} {template}"


def find_template(service: str, method: str, path: str) -> str:
    """Return the documented path of a call; where no file has it, the path with `{id}` for what looks like one."""
    return contract(service).find_template(method, path) or re.sub(r"/(\d+|[A-Z]{3,})(?=/|$)", "/{id}", path)


def make_ledger(calls: Sequence[RecordedCall]) -> Ledger:
    """Show the calls to every witness that is installed here."""
    ledger = Ledger(calls={(call.service, call.method, call.path) for call in calls})
    proxies = {service: PrismProxy(service) for service in SERVICES} if PRISM.exists() else {}
    try:
        samples = choose_samples(calls)
        for call in samples:
            ledger.witnesses_by_row.setdefault(name_row(call), set())
            if contract(call.service).operation(call.method, call.path):
                ledger.add(OPENAPI, call, contract(call.service).problems(call))
        _ask_pagerduty(ledger, [call for call in samples if call.service == "pagerduty" and call.status < 300])
        _add_recorded_answers(ledger)
        _ask_prism(ledger, samples, proxies)
    finally:
        for proxy in proxies.values():
            proxy.stop()
    return ledger


def choose_samples(calls: Sequence[RecordedCall]) -> list[RecordedCall]:
    """Return some calls of each kind: its row, status, query and the kinds of its body's fields."""
    by_kind: dict[Any, list[RecordedCall]] = {}
    for call in calls:
        if call.status:
            kind = (name_row(call), call.status, frozenset(call.query), _list_field_names(call.body))
            by_kind.setdefault(kind, []).append(call)
    return [call for group in by_kind.values() for call in group[:SAMPLES]]


def _list_field_names(body: Any) -> frozenset[str]:
    fields = body.get("fields", body) if isinstance(body, dict) else {}
    return frozenset(map(str, fields))


def _ask_prism(ledger: Ledger, calls: Sequence[RecordedCall], proxies: Mapping[str, PrismProxy]) -> None:
    if not proxies:
        ledger.missing.add(PRISM_NAME)
    for service, proxy in proxies.items():
        own_calls = [call for call in calls if call.service == service
                     and contract(service).operation(call.method, call.path)]
        for call, violations in zip(own_calls, proxy.list_violations(own_calls), strict=True):
            ledger.add(PRISM_NAME, call, violations)


def _ask_pagerduty(ledger: Ledger, calls: Sequence[RecordedCall]) -> None:
    if not CLIENT_PYTHON.exists():
        ledger.missing.update(CLIENTS)
        return
    questions = [{"method": call.method, "path": call.path, "query": call.query, "status": call.status,
                  "body": call.raw_body.decode(), "answer": call.raw_answer.decode()} for call in calls]
    answer = json.loads(subprocess.run([CLIENT_PYTHON, READER], input=json.dumps(questions), text=True,
                                       capture_output=True, check=True).stdout)
    ledger.missing.update(name for name in CLIENTS if not answer["versions"][name])
    for call, words_by_client in zip(calls, answer["words"], strict=True):
        for name, words in words_by_client.items():
            ledger.add(name, call, words)


def _add_recorded_answers(ledger: Ledger) -> None:
    """Add the recorded answers, which `tests/scenarios/test_observed_answers.py` replays, to the calls they are of."""
    file = SHARED_FOLDER / "payloads" / "jira" / "observed-answers.json"
    for record in json.loads(file.read_text())["answers"]:
        request = record["request"]
        row = f"jira {request['method']} {find_template('jira', request['method'], request['path'].partition('?')[0])}"
        if row in ledger.witnesses_by_row:
            ledger.witnesses_by_row[row].add(RECORDS)
