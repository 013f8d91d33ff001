"""Signatures: the vendors' own vectors, several secrets, and everything that must be refused."""

import json

import pytest

from jpi.errors import InvalidSignature
from jpi.signatures import verify_jira, verify_pagerduty
from tests.deliveries import SHARED_FOLDER, needs_shared, sign_as_pagerduty

BODY = b'{"event": {}}'
GOOD = sign_as_pagerduty(BODY, "right")["X-PagerDuty-Signature"]
# Atlassian's documented vector.
JIRA_SECRET, JIRA_BODY = "It's a Secret to Everybody", b"Hello World!"
JIRA_GOOD = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"


@pytest.mark.parametrize(("header", "secrets"), [
    (GOOD, ["right"]), (f"v1=00,\n {GOOD}", ["right"]), (f"v0=whatever,{GOOD}", ["right"]), (GOOD, ["new", "right"]),
])
def test_a_valid_signature_of_pagerduty_is_accepted(header, secrets):
    verify_pagerduty(BODY, {"X-PagerDuty-Signature": header}, secrets)


@pytest.mark.parametrize("headers", [
    {}, {"X-PagerDuty-Signature": ""}, {"X-PagerDuty-Signature": GOOD.removeprefix("v1=")},
    {"X-PagerDuty-Signature": GOOD.replace("v1=", "v2=")}, {"X-PagerDuty-Signature": GOOD[:-1]},
    {"X-PagerDuty-Signature": "v1=é"}, {"X-PagerDuty-Signature": "v1=00", "X-Webhook-Token": "right"},
    {"X-Webhook-Token": ""}, {"X-Webhook-Token": "Right"},
])
def test_anything_else_is_forged(headers):
    with pytest.raises(InvalidSignature):
        verify_pagerduty(BODY, headers, ["right"])


def test_a_changed_body_is_forged():
    with pytest.raises(InvalidSignature):
        verify_pagerduty(BODY + b" ", {"X-PagerDuty-Signature": GOOD}, ["right"])


def test_an_unsigned_v2_delivery_is_known_by_its_token():
    verify_pagerduty(BODY, {"X-Webhook-Token": "right"}, ["new", "right"])


def test_jiras_documented_vector_verifies():
    verify_jira(JIRA_BODY, {"X-Hub-Signature": JIRA_GOOD}, ["another", JIRA_SECRET])


@pytest.mark.parametrize("header", ["", "sha256=", JIRA_GOOD[:-1], "md5=00", JIRA_GOOD.removeprefix("sha256="), "=x"])
def test_anything_else_of_jiras_is_forged(header):
    with pytest.raises(InvalidSignature):
        verify_jira(JIRA_BODY, {"X-Hub-Signature": header} if header else {}, [JIRA_SECRET])


@needs_shared
def test_pagerdutys_own_vector_verifies():
    folder = SHARED_FOLDER / "payloads" / "pagerduty"
    vector = json.loads((folder / "v3_signature_vector_official.json").read_text())
    body = (folder / vector["body_file"]).read_bytes()
    verify_pagerduty(body, vector["header"], [vector["secret"]])
    with pytest.raises(InvalidSignature):
        verify_pagerduty(body, vector["mismatching_header"], [vector["secret"]])
