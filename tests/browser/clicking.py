"""The sandbox's page, clicked through as a person does."""

from playwright.sync_api import expect

from sandbox.demo_steps import CHECKOUT, SEARCH


def trigger(page, title, priority="P1", details=""):
    form = page.locator("#pagerduty-new")
    form.get_by_label("Title").fill(title)
    form.get_by_label("Details").fill(details)
    form.get_by_label("Priority").select_option(label=priority)
    form.get_by_role("button", name="Trigger incident").click()
    expect(form).not_to_have_attribute("aria-busy", "true")


def incident(page, title):
    return page.locator("#pagerduty article").filter(has=page.get_by_role("heading", name=title))


def issue(page, title):
    return page.locator("#jira article").filter(has=page.get_by_role("heading", name=title))


def change(card, field, value, button):
    """In the part of a card that is folded away."""
    if card.locator(".more[open]").count() == 0:
        card.locator(".more > summary").click()
    entry = card.get_by_role("textbox", name=field, exact=True).or_(
        card.get_by_role("combobox", name=field, exact=True))
    if entry.evaluate("one => one.tagName") == "SELECT":
        entry.select_option(label=value)
    else:
        entry.fill(value)
    card.get_by_role("button", name=button).click()


def switch(page, title):
    page.get_by_role("switch", name=title).click()


def agree(page):
    expect(page.locator("#state")).to_contain_text("Both sides agree")


def shows(page, rows):
    """Both columns show what the story wants (`World.rows`)."""
    for title, priority, status, key, jira_priority, jira_status, links in rows:
        card = incident(page, title)
        expect(card.locator(".chip")).to_have_text([status, priority])
        if key == "none":
            expect(issue(page, title)).to_have_count(0)
            continue
        expect(issue(page, title)).to_have_id(key)
        expect(issue(page, title).locator(".chip")).to_have_text([jira_status, jira_priority])
        expect(issue(page, title).locator(".links")).to_have_text(links.replace(", ", " · "))
        expect(card.locator(".pair")).to_have_text(f"In step with {key}")


def raise_unheard(page):
    switch(page, "Webhooks lost")
    change(incident(page, SEARCH), "Priority", "P1", "Set priority")
    expect(page.locator("#log .webhook.bad")).to_contain_text("incident.priority_updated")
    expect(incident(page, SEARCH).locator(".pair")).to_contain_text("no issue yet")
    incident(page, SEARCH).locator(".more > summary").click()
    switch(page, "Webhooks lost")
    page.get_by_role("button", name="Poll now").click()


CLICKS = (lambda page: trigger(page, CHECKOUT, "P1", "Nobody can pay."),
          lambda page: trigger(page, SEARCH, "P2", "Ten seconds a query."), raise_unheard,
          lambda page: incident(page, CHECKOUT).get_by_role("button", name="Resolve").click(),
          lambda page: issue(page, SEARCH).get_by_role("button", name="Done").click())
