"""The status page as people use it: sign in, look around, press a button, in each size, light and dark."""

import pytest
from playwright.sync_api import expect

from sandbox.simulated_service import HttpFault
from tests.browser.acting import SIZES, accessible, fits, press, tab_to, text_only, type_into
from tests.world_actions import run_poll

PASSWORD = "seen by the team"
HOSTILE = "<script>alert(1)</script> \u202egnp.exe " + "long " * 2_000


@pytest.fixture
def world(make_world):
    """Give a world with an incident in step, one without an issue, one that fails, and one with a hostile title."""
    world = make_world(STATUS_PASSWORD=PASSWORD)
    for title, priority in (("Checkout is down", "P1"), ("Search is slow", "P3"), (HOSTILE, "P1")):
        world.pagerduty.trigger_incident(world.service, title, world.rita, priority)
        world.run_until_idle()
        world.clock.advance(2)
    world.jira_server.choose_fault = lambda call: HttpFault(403) if "Login fails" in str(call.body) else None
    world.pagerduty.trigger_incident(world.service, "Login fails", world.rita, "P1")
    world.run_until_idle()
    run_poll(world)
    return world


def sign_in(page, world, password=PASSWORD):
    page.goto(f"{world.app_url}/status")
    type_into(page, page.get_by_label("Password"), password)
    page.keyboard.press("Enter")


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_everything_works_by_keyboard(world, page_at, width, dark):
    page = page_at(width, dark)
    page.goto(f"{world.app_url}/status")
    accessible(page)
    fits(page)
    sign_in(page, world)
    expect(page.get_by_role("heading", name="Worth a look")).to_be_visible()
    accessible(page)
    fits(page)
    press(page, page.get_by_text("The last day in numbers"))
    expect(page.locator("#numbers th", has_text="incident triggered").first).to_be_visible()
    accessible(page)
    fits(page)
    type_into(page, page.get_by_label("Title, incident or issue"), "checkout")
    page.keyboard.press("Enter")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    press(page, page.get_by_role("link", name="Checkout is down"))
    expect(page.get_by_text("Made the issue INCIDENT-1.")).to_be_visible()
    details = page.locator("summary").first
    press(page, details)
    expect(page.get_by_text("Happened").first).to_be_visible()
    accessible(page)
    fits(page)
    with world.lose_webhooks():
        world.move_issue(world.jira.issues["INCIDENT-1"], "done")
        world.run_until_idle()
    press(page, page.get_by_role("button", name="Sync now"))
    expect(page.get_by_role("status")).to_have_text("Synced: the history says what changed.")
    expect(page.get_by_text("sync by hand").first).to_be_visible()
    assert world.read_statuses()["Checkout is down"] == ("resolved", "done")
    press(page, page.get_by_role("button", name="Sign out"))
    expect(page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_failures_and_hostile_titles_are_shown_as_text(world, page_at, width, dark):
    page = page_at(width, dark)
    page.on("dialog", lambda dialog: pytest.fail("a title was run"))
    sign_in(page, world)
    page.get_by_label("State").select_option("failing")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Login fails").click()
    expect(page.get_by_text("What to do:").first).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="All incidents").click()
    text_only(page, "<script>alert(1)</script>")
    page.get_by_role("link", name="<script>").click()
    text_only(page, "<script>alert(1)</script>")
    accessible(page)
    fits(page)


def test_a_wrong_password_is_reported_at_the_field(world, page_at):
    page = page_at()
    sign_in(page, world, "guess")
    expect(page.get_by_role("alert")).to_have_text("Wrong password.")
    accessible(page)
    assert [text for text in page_at.errors if "403" not in text] == []
    page_at.errors.clear()


def test_the_page_updates_itself_without_disturbing_a_reader(world, page_at):
    page = page_at()
    page.clock.install()
    sign_in(page, world)
    expect(page.locator("#rows tbody tr")).to_have_count(4)
    world.pagerduty.trigger_incident(world.service, "Mail is late", world.rita, "P1")
    world.run_until_idle()
    page.clock.run_for(15_000)
    expect(page.locator("#rows tbody tr")).to_have_count(5)
    tab_to(page, page.get_by_role("link", name="Mail is late"))
    world.pagerduty.trigger_incident(world.service, "Chat is late", world.rita, "P1")
    world.run_until_idle()
    with page.expect_response("**/status"):
        page.clock.run_for(15_000)
    expect(page.get_by_role("link", name="Mail is late")).to_be_focused()


def test_an_incidents_page_updates_the_state_of_both_sides(world, page_at):
    page = page_at()
    page.clock.install()
    sign_in(page, world)
    page.get_by_role("link", name="Checkout is down").click()
    expect(page.locator("#now")).to_contain_text("INCIDENT-1 to do")
    world.move_issue(world.jira.issues["INCIDENT-1"], "indeterminate")
    world.run_until_idle()
    page.clock.run_for(15_000)
    expect(page.locator("#now")).to_contain_text("INCIDENT-1 in progress")
    expect(page.locator("#live")).to_contain_text("issue changed")


def test_a_page_that_is_not_updated_says_so(world, page_at):
    page = page_at()
    page.clock.install()
    sign_in(page, world)
    expect(page.get_by_text("As of ")).to_be_visible()
    stale = page.get_by_role("alert")
    expect(stale).to_be_hidden()
    page.route("**/status", lambda route: route.abort())
    page.clock.run_for(15_000)
    expect(stale).to_contain_text("no longer updated")
    accessible(page)
    page.unroute("**/status")
    page.clock.run_for(15_000)
    expect(stale).to_be_hidden()
    page.context.clear_cookies()
    page.clock.run_for(15_000)
    expect(stale).to_contain_text("you are signed out")
    page_at.errors.clear()


def test_the_page_works_without_javascript(world, page_at):
    page = page_at(java_script_enabled=False)
    page.goto(f"{world.app_url}/status")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Checkout is down").click()
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("status")).to_contain_text("No change needed")
