"""Attack: whoever finds or steals a cookie, or makes somebody's browser send one."""

import hashlib
import hmac
import json

import pytest

from jpi import settings, wiring
from sandbox.aws.memory_rows import CONFIG
from tests.security.conftest import PASSWORD, Browser


def read_cookie(browser, name="jpi-status"):
    return browser.client.get_cookie(name)


def test_a_cookie_that_was_stolen_is_dead_after_the_sign_out(status_world, browser):
    thief = Browser("203.0.113.9")
    thief.client.set_cookie("jpi-status", read_cookie(browser).value)
    assert thief.get("/status").status_code == 200
    assert browser.post("/status/sign-out", token=browser.read_token()).status_code == 303
    assert (thief.get("/status").status_code, thief.get("/status.json").status_code) == (303, 401)


def test_the_second_button_ends_all_sessions(status_world, browser):
    others = [Browser(f"198.51.100.{number}") for number in range(3)]
    for other in others:
        assert other.sign_in().status_code == 303
    assert browser.post("/status/sign-out-everywhere").status_code == 403, "it needs the session's token"
    assert others[0].get("/status").status_code == 200
    assert browser.post("/status/sign-out-everywhere", token=browser.read_token()).status_code == 303
    assert [other.get("/status").status_code for other in (browser, *others)] == [303] * 4
    assert others[0].sign_in().status_code == 303
    assert others[0].get("/status").status_code == 200


def test_a_new_password_ends_all_sessions(status_world, browser):
    status_world.environ["STATUS_PASSWORD"] = "another of the team"
    status_world.jpi = status_world.start_jpi()
    assert browser.get("/status").status_code == 303


def test_a_cookie_says_nothing_of_the_password(status_world, browser):
    """It was signed with the password: 212,000 guesses a second, without asking jpi."""
    cookie = read_cookie(browser).value
    assert PASSWORD not in cookie
    assert "." not in cookie, "nothing is signed"
    device_id, signature = read_cookie(browser, "jpi-device").value.rsplit(".", 1)
    guesses = [PASSWORD.encode(), hashlib.sha256(PASSWORD.encode()).digest()]
    assert signature not in [hmac.digest(key, device_id.encode(), "sha256").hex() for key in guesses]
    again = Browser()
    again.sign_in()
    assert read_cookie(again).value != cookie


def test_a_sign_in_replaces_the_session_that_was_planted(status_world, browser):
    planted = read_cookie(browser).value
    victim = Browser("198.51.100.9")
    victim.client.set_cookie("jpi-status", planted)
    victim.sign_in()
    assert read_cookie(victim).value != planted
    assert browser.get("/status").status_code == 303


def test_the_table_holds_nothing_that_opens_the_page(status_world, browser):
    rows = {name: versions[-1].columns for name, versions in status_world.host.list_stateful_parts()["tables"].rows[
        CONFIG].items()}
    text = json.dumps(rows)
    assert PASSWORD not in text
    assert read_cookie(browser).value not in text
    thief = Browser()
    for name in rows:
        thief.client.set_cookie("jpi-status", name.partition(":")[2])
        assert thief.get("/status").status_code == 303


@pytest.mark.parametrize(("host", "prefix"), [("localhost", ""), ("127.0.0.1:5000", ""), ("jpi.localhost", ""),
                                              ("x.ngrok.app", "__Host-"), ("localhost.example", "__Host-")])
def test_cookies_are_bound_to_this_host_and_to_tls(status_world, host, prefix):
    answer = Browser(host=host).sign_in()
    cookies = answer.headers.getlist("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == [f"{prefix}jpi-device", f"{prefix}jpi-status"]
    for cookie in cookies:
        assert ("HttpOnly" in cookie, "SameSite=Lax" in cookie, "Path=/" in cookie, "Domain" in cookie) == (
            True, True, True, False)
        assert ("Secure" in cookie) is bool(prefix)


def test_deployed_the_host_named_localhost_changes_nothing(status_world, monkeypatch):
    monkeypatch.setitem(vars(status_world.jpi.settings), "is_offline", False)
    answer = Browser(host="localhost").sign_in()
    assert all(cookie.startswith("__Host-") for cookie in answer.headers.getlist("Set-Cookie"))


def test_browsers_are_told_to_come_over_tls_only(status_world, monkeypatch):
    assert "Strict-Transport-Security" not in Browser().get("/status/sign-in").headers
    monkeypatch.setitem(vars(status_world.jpi.settings), "is_offline", False)
    assert int(Browser().get("/status/sign-in").headers["Strict-Transport-Security"].partition("=")[2]) >= 31_536_000


def test_a_button_on_another_site_does_nothing(status_world, browser):
    incident = status_world.pagerduty.trigger_incident(status_world.service, "Down", status_world.rita, "P1")
    status_world.run_until_idle()
    for path in (f"/status/incidents/{incident.id}/again", "/status/sign-out", "/status/sign-out-everywhere"):
        for data in ({}, {"token": ""}, {"token": "guess"}):
            assert browser.post(path, **data).status_code == 403
    assert browser.get("/status").status_code == 200


def test_messages_are_in_the_session_and_not_in_the_address(status_world, browser):
    incident = status_world.pagerduty.trigger_incident(status_world.service, "Down", status_world.rita, "P1")
    status_world.run_until_idle()
    page = f"/status/incidents/{incident.id}"
    assert "Call 555" not in browser.get(f"{page}?message=Call+555").text
    answer = browser.post(f"{page}/again", token=browser.read_token())
    assert answer.location == page
    assert "No change needed" not in "".join(answer.headers.getlist("Set-Cookie"))
    other = Browser()
    other.sign_in()
    assert 'role="status"' not in other.get(page).text, "it is another session's"
    assert "No change needed" in browser.get(page).text


def test_a_key_of_ones_own_is_used(make_world, cheap_hashes):
    keys = []
    for key in ("", "a long random key of the team", "another long random key"):
        world = make_world(STATUS_PASSWORD=PASSWORD, STATUS_KEY=key)
        keys.append(world.jpi.sessions.derive_key("device"))
    assert len(set(keys)) == 3
    assert "a long random key" not in repr(world.jpi.settings)


def test_the_page_needs_a_password_that_can_be_used(make_world, cheap_hashes):
    world = make_world(STATUS_PASSWORD=PASSWORD)
    world.environ["STATUS_PASSWORD"] = "short"
    usable = settings.load_usable(world.environ)
    world.jpi = wiring.build_app(usable.settings, world.make_outside(), usable.secret_problems)
    stranger = Browser()
    assert (stranger.get("/status").status_code, stranger.sign_in("short").status_code) == (500, 500)
    assert stranger.sign_in("").status_code == 500
