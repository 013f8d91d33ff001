"""The stores in memory, on moto and on dynalite, and SQS in memory and on moto: one suite holds them all."""

import shutil
import socket
import subprocess
import threading
import time
import uuid
from contextlib import nullcontext
from pathlib import Path

import pytest
from pynamodb.exceptions import TableError

from jpi.aws import Location
from jpi.store.models import ConfigRow, LinkRow, ProcessedIdRow, bind_model
from jpi.tools import create_tables
from tests.ports import sqs as simulated
from tests.ports.backends import DynamoDB, Memory

DYNALITE = Path(__file__).resolve().parents[2] / "node_modules/.bin/dynalite"


@pytest.fixture(scope="session")
def dynalite():
    """The address of a DynamoDB by other hands, in a process of its own."""
    if not DYNALITE.exists() or not shutil.which("node"):
        pytest.skip("dynalite is not here: it takes Node and `npm ci`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    times = [part for name in ("create", "delete", "update") for part in (f"--{name}TableMs", "0")]
    with subprocess.Popen([DYNALITE, "--host", "127.0.0.1", "--port", port, *times], stdout=subprocess.PIPE,
                          text=True) as process:
        assert "listening" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(scope="session")
def made_rows():
    """The models whose tables were made already, by what they are tables of."""
    return {}


@pytest.fixture
def make_rows(request, made_rows, monkeypatch):
    """`make_rows("moto")` or `make_rows("dynalite")`: the three models on empty tables there."""
    def make(name):
        # PynamoDB waits two seconds for a table that is not there at once.
        monkeypatch.setattr(time, "sleep", lambda seconds: threading.Event().wait(0.01))
        # A test may have dropped one.
        if name not in made_rows or not all(model.exists() for model in made_rows[name]):
            url = request.getfixturevalue("aws").url if name == "moto" else request.getfixturevalue("dynalite")
            made_rows[name] = make_tables(url, expires=name == "moto")
        for model in made_rows[name]:
            with model.batch_write() as batch:
                for row in model.scan():
                    batch.delete(row)
        return made_rows[name]

    return make


def make_tables(url, expires):
    """The three models, once their tables are made; dynalite makes them, and then knows no times to live."""
    location, stage = Location("us-east-1", is_offline=True, endpoint_url=url), uuid.uuid4().hex[:8]
    models = [bind_model(model, f"{model.__name__}-{stage}", location)
              for model in (LinkRow, ProcessedIdRow, ConfigRow)]
    assert create_tables.create_table(models[0])
    for expiring in models[1:]:
        with nullcontext() if expires else pytest.raises(TableError, match="UpdateTimeToLive"):
            assert create_tables.create_table(expiring)
    assert [create_tables.create_table(model) for model in models] == [False] * 3, "what exists is left alone"
    return models


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture(params=["moto", "dynalite"])
def dynamodb(request, make_rows):
    return DynamoDB(make_rows(request.param))


@pytest.fixture(params=["memory", "moto", "dynalite"])
def backend(request, make_rows):
    return Memory() if request.param == "memory" else DynamoDB(make_rows(request.param))


@pytest.fixture
def stores(backend):
    return backend.stores


@pytest.fixture
def links(stores):
    return stores.links


@pytest.fixture(params=["memory", "moto"])
def sqs(request, monkeypatch):
    """A queue with its dead letters, three receives from parking, in memory and in moto."""
    monkeypatch.setattr("sandbox.aws.events_queue.RECEIVES", 3)
    return simulated.memory() if request.param == "memory" else simulated.moto(
        monkeypatch, request.getfixturevalue("aws"))
