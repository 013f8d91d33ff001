"""What the browser's tests do with a page, and look for on it."""

from pathlib import Path

from playwright.sync_api import expect

AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
SIZES = [(1280, False), (1280, True), (390, False), (390, True)]
IN_WORDS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.flatMap(
    one => one.nodes.map(node => `${one.id}: ${one.help}: ${node.html.slice(0, 200)} ${node.failureSummary}`))"""
OUTLINE = "one => { const style = getComputedStyle(one); return style.outlineStyle + style.boxShadow }"


def accessible(page):
    """axe-core finds nothing wrong with the page as it is now."""
    assert AXE.exists(), "axe-core is missing: make setup"
    # By the debugger's channel, which the page's own policy does not stop.
    page.evaluate(AXE.read_text() + "\n;undefined")
    found = page.evaluate(IN_WORDS)
    assert not found, "\n".join(found)


def fits(page):
    """Nothing sticks out at the side."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def tab_to(page, locator, back=False, most=300):
    """Tab until the element has the focus, visibly; fails where it cannot be reached."""
    for _ in range(most):
        if locator.evaluate("one => one === document.activeElement"):
            assert locator.evaluate(OUTLINE) != "nonenone", "the focus cannot be seen"
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"not reachable by Tab: {locator}")


def press(page, locator, key="Enter"):
    """Tab to it and press a key."""
    tab_to(page, locator)
    page.keyboard.press(key)


def type_into(page, locator, text):
    """Tab to a field and type over what is in it."""
    tab_to(page, locator)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    expect(locator).to_have_value(text)


def text_only(page, said):
    """The text is on the page as text, and made no element and no dialog of itself."""
    expect(page.get_by_text(said).first).to_be_attached()
    assert page.locator("script:not([src])").count() == 0
