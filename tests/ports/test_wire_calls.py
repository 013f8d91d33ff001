"""Memory makes the calls that DynamoDB would get, in the same order, and survives the loss of the same answers."""

import random
from dataclasses import asdict, replace

import pytest

from jpi.domain.backlog import Backlog
from jpi.domain.link import IssueRef, Link, LinkSummary, StatusState
from jpi.errors import AwsOutage, LostRace
from jpi.store.cache import Cache
from jpi.store.ports import ConfigItem
from tests.ports.backends import NOW
from tests.ports.test_store_ports import DOING, FULL, WHOLE

# Each of the stores' operations with what it needs, by the API call that it begins with.
OPERATIONS = {
    "get": ("GetItem", lambda stores: stores.links.get("Q1")),
    "get_all": ("BatchGetItem", lambda stores: stores.links.get_all([f"Q{number}" for number in range(101)])),
    "incident_of": ("Query", lambda stores: stores.links.find_incident_id("INCIDENT-1")),
    "open": ("Query", lambda stores: stores.links.list_open()),
    "listed": ("Query", lambda stores: stores.links.list_by_state(["open", "failing"], "", 1)),
    "save": ("PutItem", lambda stores: stores.links.save(stores.links.get("Q1"))),
    "save over another": ("PutItem", lambda stores: stores.links.save(WHOLE)),
    "known": (
        "BatchGetItem",
        lambda stores: stores.processed_ids.already_processed([f"R{number}" for number in range(201)]),
    ),
    "known of nothing": ("", lambda stores: stores.processed_ids.already_processed([])),
    "add": (
        "BatchWriteItem",
        lambda stores: stores.processed_ids.mark_processed([f"R{number}" for number in range(51)]),
    ),
    "add of nothing": ("", lambda stores: stores.processed_ids.mark_processed([])),
    "config get": ("GetItem", lambda stores: stores.config.get("a", DOING)),
    "config save": ("PutItem", lambda stores: stores.config.save("b", ConfigItem(1), DOING)),
    "config save over another": ("PutItem", lambda stores: stores.config.save("a", ConfigItem(1), DOING)),
    "cache": ("GetItem", lambda stores: Cache(stores.config, lambda: NOW).save("a", 1)),
    "add_counts": ("UpdateItem", lambda stores: stores.config.add_counts("f", {"x": 1}, NOW, DOING)),
    "get_counts": ("BatchGetItem", lambda stores: stores.config.get_counts(["a", "f"], DOING)),
    "has_table": ("DescribeTable", lambda stores: stores.links.has_table()),
}


def outcome(act, stores):
    """What it returned, or its error: of an outage, as much of its text as is not the wire's own."""
    try:
        return act(stores)
    except LostRace as error:
        return LostRace, str(error)
    except AwsOutage as error:
        return AwsOutage, str(error).split(": ")[:2]


def compare(memory, dynamodb, act):
    """Run it on both: the same outcome, the same calls."""
    both = []
    for backend in (memory, dynamodb):
        with backend.recording() as calls:
            both.append((outcome(act, backend.stores), calls))
    assert both[0] == both[1]
    return both[0]


@pytest.fixture
def filled(memory, dynamodb):
    """Both with the same rows in them."""
    for backend in (memory, dynamodb):
        backend.stores.links.save(WHOLE)
        backend.stores.links.save(replace(FULL, incident_id="Q2", issue=IssueRef("INCIDENT-2"),
                                          summary=LinkSummary(began=NOW + 1)))
        backend.stores.config.save("a", ConfigItem(0), DOING)
        backend.stores.config.add_counts("f", {"x": 1}, NOW, DOING)
    return memory, dynamodb


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_calls_go_out(filled, name):
    operation, act = OPERATIONS[name]
    _, calls = compare(*filled, act)
    assert (f"DynamoDB_20120810.{operation}" in calls) == bool(operation)


def pytest_generate_tests(metafunc):
    """Each operation with one, two or three answers lost in turn; with all of them in the exhaustive run."""
    if "lost" in metafunc.fixturenames:
        names = [name for name, (operation, _) in OPERATIONS.items() if operation != "DescribeTable"]
        whole = metafunc.config.getoption("--exhaustive")
        metafunc.parametrize(("name", "lost"), [
            (name, lost) for at, name in enumerate(names) for lost in (1, 2, 3) if whole or at % 3 + 1 == lost])


def test_what_becomes_of_lost_answers_is_the_same(filled, name, lost):
    """DynamoDB's client sends a call three times; a write whose answer was lost meets its own version."""
    operation, act = OPERATIONS[name]
    for backend in filled:
        backend.losses = {operation: lost}
    result, _ = compare(*filled, act)
    if operation and name != "cache":
        assert (isinstance(result, tuple) and result[0] is AwsOutage) == (lost == 3)
    for backend in filled:
        backend.losses = {}
    compare(*filled, lambda stores: [stores.links.get("Q1"), stores.config.get("a", DOING),
                                     stores.config.get_counts(["f"], DOING)])


def test_a_save_whose_answer_was_lost_is_not_taken_for_somebody_elses(backend):
    """DynamoDB's client sends such a write again, and is told that the version is no longer there."""
    backend.losses = {"PutItem": 1}
    with backend.recording() as calls:
        saved = backend.stores.links.save(FULL)
    assert saved == replace(FULL, version=1)
    assert backend.stores.links.get("Q1") == saved
    assert [name.partition(".")[2] for name in calls[:3]] == ["PutItem", "PutItem", "GetItem"]


def test_an_item_whose_answer_was_lost_is_taken_for_somebody_elses(backend):
    """Nothing tells who saved an item: whoever did reads it again."""
    backend.losses = {"PutItem": 1}
    with backend.recording(), pytest.raises(LostRace):
        backend.stores.config.save("a", ConfigItem(1), DOING)
    assert backend.stores.config.get("a", DOING) == ConfigItem(1, 1)


def random_act(chance):
    """One operation with random arguments, as a function of the stores."""
    incident, key, version = f"Q{chance.randrange(4)}", f"key {chance.randrange(4)}", chance.choice([None, 1, 2, 3])
    ids = [f"R{chance.randrange(60)}" for _ in range(chance.randrange(60))]
    link = replace(WHOLE, incident_id=incident, issue=chance.choice([None, IssueRef(incident)]), version=version,
                   ended=chance.random() < 0.2, failures=chance.choice([{}, WHOLE.failures]),
                   summary=LinkSummary(began=chance.choice([None, NOW + chance.randrange(9)])))
    states = chance.sample(["failing", "open", "none", "resolved", "ended"], 3)
    place = chance.choice(["", f"{NOW + 4:017.6f}"])
    most = chance.choice([1, 2, 50])
    changed = replace(link, status=StatusState(chance.choice(["triggered", "resolved"])), backlog=Backlog())
    return chance.choice(
        [
            lambda stores: stores.links.save(changed),
            lambda stores: stores.links.save(link),
            lambda stores: stores.links.save(replace(changed, version=stores.links.get(incident).version)),
            lambda stores: stores.links.get_all([incident, "Q9"]),
            lambda stores: stores.links.find_incident_id(incident),
            lambda stores: stores.links.list_open(),
            lambda stores: list(map(asdict, stores.links.list_by_state(states, place, most))),
            lambda stores: stores.processed_ids.mark_processed(ids),
            lambda stores: stores.processed_ids.already_processed(ids),
            lambda stores: stores.config.save(key, ConfigItem([key], version), DOING, chance.choice([None, NOW])),
            lambda stores: stores.config.get(key, DOING),
            lambda stores: stores.config.add_counts(f"f{key}", {key: version or 0}, NOW, DOING),
            lambda stores: stores.config.get_counts([key, f"f{key}"], DOING),
        ]
    )


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_done_memory_and_dynamodb_agree(memory, dynamodb, seed):
    chance = random.Random(seed)
    for _ in range(150):
        compare(memory, dynamodb, random_act(chance))
    assert memory.stores.links.get("Q1") != Link("Q1")
