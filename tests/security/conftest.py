"""What the attacks on the status page share."""

import re

import pytest

from jpi import app as edge
from jpi.status_page import auth

PASSWORD = "seen by the team"


@pytest.fixture
def cheap_hashes(monkeypatch):
    """Let a password be hashed in no time: hundreds are tried."""
    monkeypatch.setattr(auth, "SCRYPT_COST", {"n": 2, "r": 1, "p": 1})


@pytest.fixture
def status_world(make_world, cheap_hashes):
    return make_world(STATUS_PASSWORD=PASSWORD)


class Browser:
    """A browser with cookies of its own, at an address."""

    def __init__(self, address="198.51.100.7", host="localhost"):
        self.client = edge.app.test_client()
        self.options = {"environ_base": {"REMOTE_ADDR": address}, "base_url": f"http://{host}"}

    def get(self, path, **options):
        return self.client.get(path, **self.options, **options)

    def post(self, path, **data):
        return self.client.post(path, data=data, **self.options)

    def sign_in(self, password=PASSWORD):
        return self.post("/status/sign-in", password=password)

    def read_token(self):
        return re.search(r'name="token" value="([^"]+)"', self.get("/status").text)[1]


@pytest.fixture
def browser(status_world):
    """A browser of the team's, signed in."""
    browser = Browser()
    assert browser.sign_in().status_code == 303
    return browser
