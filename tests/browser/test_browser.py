"""That the fixtures notice what they are there for."""

import pytest
from flask import Flask

from sandbox.simulated_service import Server
from tests.browser.acting import SIZES, accessible, fits, press, tab_to, type_into

BODY = """<!doctype html><html lang=en><title>T</title><main><h1>T</h1>
<label>Name <input name=name></label><button>Go</button></main></html>"""


@pytest.fixture
def site():
    """`site(html)`: its address, under a strict policy."""
    servers = []

    def serve(html):
        app = Flask(__name__)
        app.add_url_rule("/", "page", lambda: (html, {"Content-Security-Policy": "default-src 'self'"}))
        app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        servers.append(Server(app))
        return servers[-1].url

    yield serve
    for server in servers:
        server.stop()


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_a_sound_page_passes(site, page_at, width, dark):
    page = page_at(width, dark)
    page.goto(site(BODY))
    accessible(page)
    fits(page)
    type_into(page, page.get_by_label("Name"), "Rita")
    press(page, page.get_by_role("button"))
    assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [width, dark]


def test_what_is_wrong_is_found(site, page_at):
    page = page_at()
    page.goto(site("<!doctype html><html lang=en><title>T</title><main><h1>T</h1><img src='/favicon.ico'></main>"))
    with pytest.raises(AssertionError, match="image-alt"):
        accessible(page)
    with pytest.raises(AssertionError, match="not reachable"):
        tab_to(page, page.locator("h1"), most=5)


def test_errors_are_noted(site, page_at):
    page = page_at()
    page.goto(site(BODY.replace("<main>", "<main style='color: red'>")))
    page.evaluate("setTimeout(() => { throw new Error('out of order') })")
    page.evaluate("fetch('http://elsewhere.example/').catch(() => 0)")
    said = "\n".join(page_at.errors)
    page_at.errors.clear()
    assert [part for part in ("inline style", "out of order", "elsewhere.example") if part not in said] == []
