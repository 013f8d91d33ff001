"""The page of `make sandbox` in a real browser: the demo's story, the switches, texts from outside, no script."""

import re

import pytest
from playwright.sync_api import expect

from sandbox.demo_steps import CHECKOUT, make_steps
from sandbox.page.switches import SWITCHES
from tests.browser.acting import SIZES, accessible, fits, press, tab_to, type_into
from tests.browser.clicking import CLICKS, agree, change, incident, issue, shows, switch, trigger

HOSTILE = ("<script>alert(1)</script><img src=x onerror=alert(2)>", "\u202eright to left \u2067and isolated",
           "a & b &lt; \"c\" 'd' {{ 7 * 7 }} \\ \u2028 \x07")


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_the_story_is_clicked_through(running, open_at, width, dark):
    page = open_at(width, dark)
    accessible(page)
    for click, step in zip(CLICKS, make_steps(running.world), strict=True):
        click(page)
        shows(page, step.expected_rows)
        agree(page)
    assert running.world.make_summary_rows() == step.expected_rows
    for details in page.locator("article details").all():
        details.evaluate("one => { one.open = true }")
    page.locator("#log summary").last.click()
    expect(page.locator("#log pre").last).to_contain_text('"outcome"')
    accessible(page)
    fits(page)


def test_the_main_path_goes_by_keyboard_alone(running, open_at):
    page = open_at()
    type_into(page, page.locator("#pagerduty-new").get_by_label("Title"), CHECKOUT)
    page.keyboard.press("Enter")
    shows(page, make_steps(running.world)[0].expected_rows)
    done = incident(page, CHECKOUT).get_by_role("button", name="Acknowledge")
    press(page, done)
    expect(issue(page, CHECKOUT).locator(".chip").first).to_have_text("In Progress")
    tab_to(page, done)
    press(page, incident(page, CHECKOUT).locator(".more > summary"))
    type_into(page, incident(page, CHECKOUT).get_by_label("Note"), "Restarted it.")
    press(page, incident(page, CHECKOUT).get_by_role("button", name="Add note"), "Space")
    press(page, issue(page, CHECKOUT).locator(".talk > summary").first)
    expect(issue(page, CHECKOUT).locator(".talk").first).to_contain_text("Restarted it.")
    press(page, issue(page, CHECKOUT).get_by_role("button", name="Done"))
    expect(incident(page, CHECKOUT).locator(".chip").first).to_have_text("resolved")
    press(page, page.get_by_role("switch", name="Slow"), "Space")
    expect(page.get_by_role("switch", name="Slow")).to_have_attribute("aria-checked", "true")
    tab_to(page, page.locator("#log"), back=True)


@pytest.mark.parametrize("name", ["jira-down", "slow", "limited", "answers-lost"])
def test_what_is_broken_is_seen_and_mended(running, open_at, name):
    page = open_at()
    switch(page, SWITCHES[name].title)
    trigger(page, CHECKOUT)
    expect(page.locator("#state")).to_contain_text("not in step yet")
    if name != "slow":
        expect(page.locator("#log .call.bad").first).to_be_attached()
        expect(page.locator("#log .event.bad").first).to_contain_text("Not applied")
        expect(page.locator("#state")).to_contain_text("waits to be tried again")
    switch(page, SWITCHES[name].title)
    expect(page.locator("#breaking .message")).to_contain_text(SWITCHES[name].off)
    agree(page)
    # The poll that comes with mending may have written the timeline too.
    expect(issue(page, CHECKOUT).locator(".links")).to_contain_text("3 questions · 2 stakeholders · 1 manager")
    expect(page.locator("#log .agree").last).to_contain_text("Both sides agree again")
    [_] = running.world.list_issues()


def test_an_outage_of_pagerduty_is_said_in_words_where_it_is_met(open_at):
    page = open_at()
    trigger(page, CHECKOUT)
    expect(issue(page, CHECKOUT)).to_be_visible()
    switch(page, "PagerDuty down")
    incident(page, CHECKOUT).get_by_role("button", name="Acknowledge").click()
    expect(incident(page, CHECKOUT).locator(".message")).to_have_text(
        "PagerDuty refused it (503): PagerDuty is temporarily unavailable.")
    issue(page, CHECKOUT).get_by_role("button", name="Done").click()
    expect(page.locator("#log .event.bad").first).to_contain_text("PagerDuty PUT")
    expect(incident(page, CHECKOUT).locator(".pair")).to_have_text("Not in step yet: PagerDuty: triggered, Jira: Done")
    switch(page, "PagerDuty down")
    expect(incident(page, CHECKOUT).locator(".chip").first).to_have_text("resolved")
    agree(page)


def test_everything_else_on_the_cards_is_carried_over(open_at):
    page = open_at()
    trigger(page, CHECKOUT)
    change(issue(page, CHECKOUT), "Comment", "Looking into it.", "Add comment")
    incident(page, CHECKOUT).get_by_text("Notes").click()
    expect(incident(page, CHECKOUT)).to_contain_text("[Jira] Jim Jira: Looking into it.")
    change(issue(page, CHECKOUT), "Summary", "Checkout is slow", "Change summary")
    expect(incident(page, "Checkout is slow")).to_be_visible()
    change(incident(page, "Checkout is slow"), "Assignee", "Rita Responder", "Reassign")
    expect(issue(page, "Checkout is slow").locator(".who")).to_contain_text("Rita Responder")
    change(issue(page, "Checkout is slow"), "Priority", "High", "Set priority")
    expect(incident(page, "Checkout is slow").locator(".chip").last).to_have_text("P2")
    change(issue(page, "Checkout is slow"), "Assignee", "Jim Jira", "Assign")
    expect(incident(page, "Checkout is slow").locator(".who")).to_contain_text("Jim Jira")
    agree(page)
    issue(page, "Checkout is slow").get_by_role("button", name="Delete INCIDENT-1").press("Enter")
    expect(incident(page, "Checkout is slow").locator(".pair")).to_have_text(
        "INCIDENT-1 was deleted: no longer in step")
    expect(page.locator("#jira-title")).to_be_focused()


def test_live_updates_leave_alone_what_is_being_typed(running, open_at):
    page = open_at()
    trigger(page, CHECKOUT)
    expect(issue(page, CHECKOUT)).to_be_visible()
    card = incident(page, CHECKOUT)
    card.locator(".more > summary").click()
    note = card.get_by_label("Note")
    note.press_sequentially("Half a sen")
    world = running.world
    [there] = world.pagerduty.incidents.values()
    world.pagerduty.acknowledge_incident(there, world.oscar)
    expect(card.locator(".chip").first).to_have_text("acknowledged")
    expect(issue(page, CHECKOUT).locator(".chip").first).to_have_text("In Progress")
    note.press_sequentially("tence.")
    expect(note).to_have_value("Half a sentence.")
    expect(note).to_be_focused()
    # What a person has changed and not sent stays too, though the same field changed over there.
    card.get_by_label("Title", exact=True).fill("Mine")
    world.pagerduty.set_title(there, "Theirs")
    expect(page.get_by_role("heading", name="Theirs")).to_be_visible()
    expect(incident(page, "Theirs").get_by_label("Title", exact=True)).to_have_value("Mine")


@pytest.mark.parametrize("width", [1280, 390])
def test_texts_from_outside_are_text(running, open_at, width):
    page = open_at(width)
    page.on("dialog", lambda dialog: pytest.fail(f"it ran: {dialog.message}"))
    for said in HOSTILE:
        trigger(page, said, "P1", said)
    expect(page.locator("#jira article")).to_have_count(len(HOSTILE))
    world = running.world
    [first, *_] = world.pagerduty.incidents.values()
    world.pagerduty.add_note(first, "x" * 10_000, world.rita)
    trigger(page, "long " * 2000, "P1", "y" * 10_000)
    expect(page.locator("#jira article")).to_have_count(len(HOSTILE) + 1)
    agree(page)
    assert page.locator("main script, main img").count() == 0
    for said in HOSTILE[:1]:
        expect(page.get_by_role("heading", name=said)).to_have_count(2)
    assert page.locator("h3 > bdi[dir=auto]").count() >= 2 * len(HOSTILE)
    for details in page.locator("article details").all():
        details.evaluate("one => { one.open = true }")
    expect(page.locator(".whole").first).to_be_visible()
    assert max(len(text) for text in page.locator(".whole").all_inner_texts()) >= 9_999
    fits(page)
    accessible(page)


def test_it_stands_without_javascript(open_at, running):
    page = open_at(java_script_enabled=False)
    expect(page.get_by_text("Without JavaScript this page does not update")).to_be_visible()
    trigger(page, CHECKOUT, "P1", "Nobody can pay.")
    expect(page).to_have_url(re.compile("#pagerduty-new$"))
    expect(page.locator("#pagerduty-new .message")).to_have_text("Done.")
    for _ in range(200):
        page.get_by_role("link", name="reload it").click()
        if page.get_by_text("3 questions").count() and page.get_by_text("Both sides agree").count():
            break
    shows(page, make_steps(running.world)[0].expected_rows)
    incident(page, CHECKOUT).get_by_role("button", name="Resolve").click()
    expect(incident(page, CHECKOUT).locator(".message")).to_have_text("Done.")
    expect(incident(page, CHECKOUT).locator(".chip").first).to_have_text("resolved")


def test_a_sandbox_that_was_stopped_is_said(open_at, running, page_at):
    page = open_at()
    running.stop()
    trigger(page, CHECKOUT)
    expect(page.locator("#pagerduty .message").first).to_contain_text("does not answer")
    page_at.errors.clear()
