"""Attack: a stranger guesses the password of the status page, or keeps the team from using it."""

import random

import pytest

from jpi.status_page import auth
from jpi.store import sign_in_attempts
from tests.security.conftest import PASSWORD, Browser

MINUTES, MINUTES_BETWEEN = 120, 10
ADDRESSES = [f"203.0.113.{number}" for number in range(200)]


def guess_for_two_hours(world, between):
    """Have all addresses guess every few minutes; return how many guesses were looked at."""
    strangers, looked_at = [Browser(address) for address in ADDRESSES], 0
    for minute in range(0, MINUTES, MINUTES_BETWEEN):
        random.Random(minute).shuffle(strangers)
        looked_at += [stranger.sign_in("guess").status_code for stranger in strangers].count(403)
        between(minute)
        world.clock.advance(60 * MINUTES_BETWEEN)
    return looked_at


def test_two_hundred_addresses_guess_for_two_hours(status_world, browser):
    """A browser that is known, and one that is not, sign in at once all the while; 200 guesses are looked at."""
    codes = []

    def sign_in(minute):
        codes.append(browser.sign_in().status_code)
        codes.append(Browser(f"198.51.100.{minute}").sign_in().status_code)

    looked_at = guess_for_two_hours(status_world, sign_in)
    print(f"\n{len(ADDRESSES)} addresses, {MINUTES} minutes: {looked_at} guesses were looked at")
    assert looked_at <= 200
    assert codes == [303] * (2 * MINUTES // MINUTES_BETWEEN)


def test_ten_thousand_addresses_are_looked_at_no_more_than_the_limit_says(status_world, browser):
    codes = [Browser(f"10.1.{number // 250}.{number % 250}").sign_in("guess").status_code for number in range(400)]
    assert codes.count(403) == sign_in_attempts.MAX_FAILURES
    assert Browser("198.51.100.1").sign_in().status_code == 429, "nobody knows this browser"
    assert browser.sign_in().status_code == 303


def test_what_the_common_limit_refuses_counts_against_nobody(status_world):
    for number in range(sign_in_attempts.MAX_FAILURES):
        Browser(f"10.1.{number // 250}.{number % 250}").sign_in("guess")
    colleague = Browser("198.51.100.1")
    assert [colleague.sign_in().status_code for _ in range(20)] == [429] * 20
    status_world.clock.advance(sign_in_attempts.PART_SECONDS * sign_in_attempts.PART_COUNT)
    assert colleague.sign_in().status_code == 303


def test_an_address_of_ipv6_is_its_network(status_world):
    codes = [Browser(f"2001:db8::{number:x}").sign_in("guess").status_code for number in range(20)]
    assert codes.count(403) == sign_in_attempts.FREE_ATTEMPTS + 1
    assert Browser("2001:db8:0:1::1").sign_in().status_code == 303


@pytest.mark.parametrize("cookie", ["guess", "guess.", ".", f"guess.{'0' * 64}", "é.é"])
def test_a_forged_device_cookie_makes_no_limit_of_its_own(status_world, cookie):
    stranger = Browser()
    codes = []
    for number in range(10):
        stranger.client.set_cookie("jpi-device", cookie.replace("guess", f"guess{number}"))
        codes.append(stranger.sign_in("guess").status_code)
    assert codes.count(403) == sign_in_attempts.FREE_ATTEMPTS + 1


def test_a_device_cookie_that_was_stolen_has_one_limit_whatever_its_address(status_world, browser):
    stolen = browser.client.get_cookie("jpi-device").value
    codes = []
    for number in range(20):
        thief = Browser(f"203.0.113.{number}")
        thief.client.set_cookie("jpi-device", stolen)
        codes.append(thief.sign_in("guess").status_code)
    assert codes.count(403) == sign_in_attempts.FREE_ATTEMPTS + 1
    assert Browser("198.51.100.1").sign_in().status_code == 303


def keep_guessing(cookies, times=6):
    """Return how many guesses with these device cookies are looked at, from one address."""
    looked_at = 0
    for _ in range(times):
        for cookie in cookies:
            thief = Browser("203.0.113.5")
            thief.client.set_cookie("jpi-device", cookie)
            looked_at += thief.sign_in("guess").status_code == 403
    return looked_at


def collect_cookies(count):
    browsers = [Browser(f"198.51.100.{number}") for number in range(count)]
    assert {browser.sign_in().status_code for browser in browsers} == {303}
    return [browser.client.get_cookie("jpi-device").value for browser in browsers]


def test_a_new_password_ends_device_cookies(status_world):
    cookies = collect_cookies(5)
    status_world.environ["STATUS_PASSWORD"] = "another of the team"
    status_world.jpi = status_world.start_jpi()
    assert keep_guessing(cookies) == sign_in_attempts.FREE_ATTEMPTS + 1


def test_a_device_cookie_ends_after_180_days(status_world):
    cookies = collect_cookies(5)
    status_world.clock.advance(auth.DEVICE_SECONDS - 60)
    assert keep_guessing(cookies[:2], 1) == 2
    status_world.clock.advance(60)
    assert keep_guessing(cookies[2:]) == sign_in_attempts.FREE_ATTEMPTS + 1


def test_a_collection_of_device_cookies_buys_few_guesses(status_world):
    cookies = collect_cookies(40)
    per_browser = sign_in_attempts.FREE_ATTEMPTS + 1
    assert keep_guessing(cookies) <= sign_in_attempts.MAX_KNOWN_FAILURES + 2 * per_browser
    assert Browser("198.51.100.99").sign_in().status_code == 303


def test_one_stolen_cookie_does_not_make_the_other_browsers_strangers(status_world):
    cookies = collect_cookies(1)
    for _ in range(MINUTES):
        keep_guessing(cookies, 2)
        status_world.clock.advance(60)
    assert status_world.jpi.sign_in_attempts.is_known_client_trusted("device:another")


def test_a_sign_in_keeps_the_id_of_a_known_browser_and_renews_its_end(status_world, browser):
    first = browser.client.get_cookie("jpi-device").value
    status_world.clock.advance(auth.DEVICE_SECONDS - 60)
    assert browser.sign_in().status_code == 303
    renewed = browser.client.get_cookie("jpi-device").value
    assert renewed.partition(".")[0] == first.partition(".")[0]
    status_world.clock.advance(60)
    thief = Browser()
    thief.client.set_cookie("jpi-device", first)
    assert [thief.sign_in().status_code, browser.sign_in().status_code] == [303, 303]
    assert thief.client.get_cookie("jpi-device").value.partition(".")[0] != first.partition(".")[0]


def test_the_password_is_compared_as_a_hash_that_is_slow_to_guess(make_world, monkeypatch):
    make_world(STATUS_PASSWORD=PASSWORD)
    cost = auth.SCRYPT_COST
    assert cost["n"] * cost["r"] * cost["p"] >= 2**14 * 8 * 5
    compared = []
    compare = auth.hmac.compare_digest
    monkeypatch.setattr(auth.hmac, "compare_digest", lambda *pair: (compared.append(pair), compare(*pair))[1])
    assert Browser().sign_in("guess").status_code == 403
    [pair] = compared
    assert [len(digest) for digest in pair] == [64, 64]
    assert PASSWORD.encode() not in pair


def test_a_form_is_small(status_world):
    assert Browser().sign_in("x" * 17_000).status_code == 413
